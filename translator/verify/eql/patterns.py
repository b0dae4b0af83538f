"""Patterns of EQL as regular expressions of Python.

Facts: EQL syntax reference, "Wildcards"; StringUtils.toLikePattern of Elasticsearch (a backslash in a pattern is one: nothing quotes a
wildcard); Elasticsearch reference, "Regular expression syntax" (whole values, ``.`` is any character, ``# @ & < > ~ "`` are operators,
there are no anchors); org.apache.lucene.util.automaton.RegExp (``\\d``, ``\\w`` and ``\\s`` are of ASCII);
AutomatonQueries.toCaseInsensitiveChar of Elasticsearch (queries ignore the case of ASCII's letters, scripts that of all).
"""

from __future__ import annotations

import re
from functools import cache

from translator.verify.reading import NotReadable

_CLASSES = {"d": "0-9", "w": "0-9_A-Za-z", "s": r" \t\n\r"}


def _flags(caseless: bool, ascii_only: bool) -> re.RegexFlag:
    flags = re.DOTALL | (re.IGNORECASE if caseless else re.NOFLAG)
    return flags | re.ASCII if ascii_only else flags


@cache
def wildcards(pattern: str, caseless: bool, ascii_only: bool) -> re.Pattern[str]:
    """A pattern of ``like`` or ``:``, which whole values are to match."""
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), _flags(caseless, ascii_only))


@cache
def regex(pattern: str, caseless: bool, ascii_only: bool) -> re.Pattern[str]:
    """A pattern of ``regex``, which whole values are to match.

    Raises:
        NotReadable: for operators that Lucene alone has, and for what other dialects have and Lucene takes for characters.
    """
    parts: list[str] = []
    at, in_class = 0, False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            if at + 1 == len(pattern):
                raise NotReadable(f"the regular expression {pattern}")
            parts.append(_escaped(pattern[at + 1], in_class, pattern))
            at += 2
            continue
        if in_class:
            if char in "[&":
                raise NotReadable(f"{char} in a class of the regular expression {pattern}")
            in_class = char != "]" or parts[-1] in ("[", "[^")
            parts.append(char)
            if not in_class and caseless:
                begins = max(n for n, part in enumerate(parts) if part in ("[", "[^"))
                parts[begins:] = [_without_case(parts[begins:])]
        elif char == "[":
            in_class = True
            parts.append("[^" if pattern.startswith("[^", at) else "[")
            at += len(parts[-1]) - 1
        elif char in '#@&<>~"^$' or pattern.startswith(("(?", "*+", "++", "?+"), at):
            raise NotReadable(f"{pattern[at : at + 2] if char in '(*+?' else char} in the regular expression {pattern}")
        else:
            parts.append(char)
        at += 1
    try:
        return re.compile("".join(parts), _flags(caseless, ascii_only))
    except re.error as error:
        raise NotReadable(f"the regular expression {pattern}") from error


def _without_case(parts: list[str]) -> str:
    """A class without case: that of its single letters, not that of its ranges (apache/lucene, issue 14378)."""
    first, *members, last = parts
    singles = [m for n, m in enumerate(members) if len(m) == 1 and "-" not in (members[n - 1 : n] + members[n + 1 : n + 2])]
    return f"(?-i:{first}{''.join(members)}{''.join(m.swapcase() for m in singles if m.isalpha() and len(m.swapcase()) == 1)}{last})"


def _escaped(char: str, in_class: bool, pattern: str) -> str:
    if char.lower() in _CLASSES:
        if char.islower():
            return _CLASSES[char] if in_class else f"[{_CLASSES[char]}]"
        if not in_class:
            return f"[^{_CLASSES[char.lower()]}]"
    if char.isalnum():
        raise NotReadable(f"\\{char} in the regular expression {pattern}")
    return re.escape(char)
