"""Splunk's configuration files, from names and values that nobody vouches for.

Source: Splunk Admin Manual, "Configuration file structure"; savedsearches.conf.spec. A backslash at the end of a line continues the value;
the same stanza twice is one; blanks around a value are lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

LONGEST_NAME = 80
"""Enterprise Security wraps the name of a search as ``Domain - Name - Rule``, of which it takes 99 characters."""

_REFUSED = re.compile(r'[/"*$\\`|%#<>?=]')
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]")
_RESERVED = frozenset({"default", ""})


def names(wanted: Iterable[tuple[str, str]], others: Iterable[str] = ()) -> list[str]:
    """Names of stanzas that Splunk tells apart, for names and what tells two of one name apart, as an id: case and brackets do not.

    ``others`` are names of stanzas that the file has beside them.
    """
    taken = {name.lower() for name in others}
    numbers: dict[str, int] = {}
    found = []
    for text, identifier in wanted:
        clean = _name(text)
        clean = clean if clean.lower() not in _RESERVED else f"{clean} rule".strip()
        name, tag = clean[:LONGEST_NAME].rstrip(), _name(identifier)[:8].rstrip()
        base = name.lower()
        while name.lower() in taken:
            if not tag:
                numbers[base] = numbers.get(base, 2 if identifier else 1) + 1
            suffix, tag = f" ({tag or numbers[base]})", ""
            name = clean[: LONGEST_NAME - len(suffix)].rstrip() + suffix
        taken.add(name.lower())
        found.append(name)
    return found


def _name(text: str) -> str:
    """A text without what a name of a stanza may not have."""
    return " ".join(_REFUSED.sub("-", plain(text).replace("[", "(").replace("]", ")")).split()).strip(" .-;")


def macro_names(stanzas: Iterable[str]) -> list[str]:
    """Names of macros for those of searches, of which no two are one: a macro has letters, digits and underscores only."""
    taken: set[str] = set()
    found = []
    for stanza_ in stanzas:
        base = re.sub(r"\W", "_", stanza_.lower(), flags=re.ASCII)
        name, number = f"{base}_filter", 1
        while name in taken:
            number += 1
            name = f"{base}_{number}_filter"
        taken.add(name)
        found.append(name)
    return found


def plain(text: str) -> str:
    """A text without characters that control a terminal or end a line in one reader only."""
    return _CONTROL.sub(" ", text)


def words(text: str) -> str:
    """A text of a rule as a value in which ``$...$`` is no token."""
    return text.replace("$", "") if text.count("$") > 1 else text


def value(text: str) -> str:
    """A value over one or several lines: each but the last ends with the backslash that continues it, and no other does."""
    lines = [line.rstrip() for line in plain(text).strip().splitlines()]
    *head, last = lines or [""]
    return " \\\n".join([*head, last.rstrip("\\ ") if last.endswith("\\") else last])


def stanza(name: str, settings: Mapping[str, str]) -> str:
    """A stanza with its settings, and the blank line behind it."""
    return f"[{name}]\n" + "".join(f"{key} = {value(text)}\n" for key, text in settings.items()) + "\n"
