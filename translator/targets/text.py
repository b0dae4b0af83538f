"""Literals inside regular expressions, for targets that match text that way."""

from __future__ import annotations

from translator.regex.terms import BOUND, around


def escape(value: str) -> str:
    """``value`` as a pattern that matches itself, with character classes where a backslash would be escaped once more."""
    return "".join(f"[{c}]" if c in ".*+?|(){}$" else "\\\\" if c == "\\" else f"\\{c}" if c in "[]^" else c for c in value)


def any_of(patterns: list[str]) -> str:
    """A pattern that is any of some."""
    return patterns[0] if len(patterns) == 1 else f"({'|'.join(patterns)})"


def has_pattern(value: str, prefix: bool = False, suffix: bool = False) -> str:
    """A pattern to search for that says ``has``, ``hasprefix`` (no bound behind) or ``hassuffix`` (none before)."""
    return has_any_pattern([value], prefix, suffix)


def has_any_pattern(values: list[str], prefix: bool = False, suffix: bool = False) -> str:
    """The same of any of some texts."""
    alike: dict[tuple[bool, bool], list[str]] = {}
    for value in values:
        alike.setdefault(around(value, prefix, suffix), []).append(escape(value))
    found = [
        (f"(^|{BOUND})" if before else "") + any_of(texts) + (f"({BOUND}|$)" if after else "") for (before, after), texts in alike.items()
    ]
    return "|".join(found)
