"""Literals, and such inside of regular expressions for targets that match text that way."""

from __future__ import annotations

import unicodedata

from translator.fidelity import Diagnostic
from translator.regex.terms import BOUND, around
from translator.targets.base import Cannot


def writable(value: str) -> str:
    """``value``, where a literal can hold it: of control characters no editor and no file of settings keeps others than tabs and line ends.

    Raises:
        Cannot: where it has others.
    """
    if value.isprintable() or all(c in "\t\n\r" or unicodedata.category(c) not in ("Cc", "Cs") for c in value):
        return value
    raise Cannot(Diagnostic("target-cannot", "a text with control characters cannot be written here", None))


def escape(value: str) -> str:
    """``value`` as a pattern that matches itself, with character classes where a backslash would be escaped once more."""
    return "".join(f"[{c}]" if c in ".*+?|(){}$" else "\\\\" if c == "\\" else f"\\{c}" if c in "[]^" else c for c in value)


def any_of(patterns: list[str]) -> str:
    """A pattern that is any of some."""
    return patterns[0] if len(patterns) == 1 else f"({'|'.join(patterns)})"


def has_pattern(value: str, prefix: bool = False, suffix: bool = False) -> str:
    """A pattern to search for that says ``has``, ``hasprefix`` (no bound behind) or ``hassuffix`` (none before)."""
    return has_any_pattern([value], prefix, suffix)


def has_any_pattern(values: list[str], prefix: bool, suffix: bool) -> str:
    """The same of any of some texts."""
    alike: dict[tuple[bool, bool], list[str]] = {}
    for value in values:
        alike.setdefault(around(value, prefix, suffix), []).append(escape(value))
    found = [
        (f"(^|{BOUND})" if before else "") + any_of(texts) + (f"({BOUND}|$)" if after else "") for (before, after), texts in alike.items()
    ]
    return "|".join(found)
