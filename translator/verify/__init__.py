"""Proof: the original and its translations run on the same events.

The readers run the *text* of a translation. They are written from the documentation of each language and share nothing with what writes it.
"""

from translator.verify.reading import Lists, NotReadable, Row
from translator.verify.running import LANGUAGES, run_text

__all__ = ["LANGUAGES", "Lists", "NotReadable", "Row", "run_text"]
