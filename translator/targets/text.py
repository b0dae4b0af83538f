"""Literals inside regular expressions, for targets that match text that way."""

from __future__ import annotations

import re


def escape(value: str) -> str:
    """``value`` as a pattern that matches itself, with character classes where a backslash would be escaped once more."""
    return "".join(f"[{c}]" if c in ".*+?|(){}$" else "\\\\" if c == "\\" else f"\\{c}" if c in "[]^" else c for c in value)


def term(value: str, ascii_letters: str = "A-Za-z0-9") -> tuple[str, str, str]:
    """What ``has`` asks of the text before a term, the term, and after it, as patterns.

    A term is bounded where its own end is a letter or digit: learn.microsoft.com/kusto/query/datatypes-string-operators,
    "What is a term?".
    """
    before = f"(^|[^{ascii_letters}])" if value[:1].isalnum() else ""
    after = f"([^{ascii_letters}]|$)" if value[-1:].isalnum() else ""
    return before, escape(value), after


def has_pattern(value: str, prefix: bool = False, suffix: bool = False) -> str:
    """A pattern to search for that says ``has``, ``hasprefix`` (no bound behind) or ``hassuffix`` (none before)."""
    before, body, after = term(value)
    return ("" if suffix else before) + body + ("" if prefix else after)


def is_simple(pattern: str) -> bool:
    """Whether a regular expression means the same to RE2, PCRE and Python: it compiles, and has no flags or look-arounds."""
    if re.search(r"\(\?[^:P]|\\[pPzZQEC]", pattern):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
