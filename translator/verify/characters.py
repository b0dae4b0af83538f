"""Categories of characters, which regular expressions of several languages name (unicode.org/reports/tr44, table 12)."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache


@cache
def of_category(name: str) -> str:
    """The characters of a category, or of all those that begin with its letter, as members of a class of Python's; empty for none."""
    found, start = list[str](), -1
    for code in range(sys.maxunicode + 2):
        held = code <= sys.maxunicode and unicodedata.category(chr(code)).startswith(name)
        if held and start < 0:
            start = code
        elif not held and start >= 0:
            found.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = -1
    return "".join(found)
