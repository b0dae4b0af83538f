"""What ``has`` takes for a term: a run of letters and digits as long as it gets.

Source: learn.microsoft.com/kusto/query/datatypes-string-operators, "What is a term?". Which characters beyond ASCII are alphanumeric it
does not list. Lucene's regular expressions know no classes of Unicode, so the blocks of letters stand for them in all languages alike:
from Latin to IPA, from Greek to Greek Extended, from Glagolitic to Ethiopic Extended and from Hiragana to the Hangul syllables. What is
between is punctuation, symbols and combining marks.
"""

from __future__ import annotations

import re

FEW_LETTERS = "A-Za-z0-9"
LETTERS = f"{FEW_LETTERS}À-ʯͰ-ῼⰀ-ⷞぁ-힣"
"""The characters of terms, as they are written within a class of any language; of ASCII, and all."""

BOUND = f"[^{LETTERS}]"
"""What is no part of a term."""

_LETTER = re.compile(f"[{LETTERS}]")


def is_letter(character: str) -> bool:
    """Whether a character is part of a term; an empty text is none."""
    return _LETTER.match(character) is not None


def around(term: str, prefix: bool = False, suffix: bool = False) -> tuple[bool, bool]:
    """Whether a text must end before a term, and behind it: where the term's own end is a letter or digit.

    Args:
        prefix: whether the term may go on behind, as with ``hasprefix``.
        suffix: whether it may go on before, as with ``hassuffix``.
    """
    return not suffix and is_letter(term[:1]), not prefix and is_letter(term[-1:])
