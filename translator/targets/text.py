"""Literals inside regular expressions, for targets that match text that way."""

from __future__ import annotations

from translator.regex.terms import BOUND, around


def escape(value: str) -> str:
    """``value`` as a pattern that matches itself, with character classes where a backslash would be escaped once more."""
    return "".join(f"[{c}]" if c in ".*+?|(){}$" else "\\\\" if c == "\\" else f"\\{c}" if c in "[]^" else c for c in value)


def has_pattern(value: str, prefix: bool = False, suffix: bool = False) -> str:
    """A pattern to search for that says ``has``, ``hasprefix`` (no bound behind) or ``hassuffix`` (none before)."""
    before, after = around(value, prefix, suffix)
    return (f"(^|{BOUND})" if before else "") + escape(value) + (f"({BOUND}|$)" if after else "")
