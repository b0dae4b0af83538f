"""A reader of Splunk's configuration files, by the rules of the Admin Manual, "Configuration file structure".

A backslash at the end of a line continues it; a stanza begins at the first bracket of a line and ends at the last; the first ``=`` ends the
key; blanks around a value are lost; of two settings with one key in stanzas of one name the last holds.
"""

from __future__ import annotations


class ConfError(ValueError):
    """A line that is no stanza, no setting and no comment."""


def read(text: str) -> dict[str, dict[str, str]]:
    """The settings by stanza."""
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    lines = iter(text.split("\n"))
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        while line.endswith("\\"):
            line = line[:-1] + "\n" + next(lines)
        if line.lstrip().startswith("["):
            current = found.setdefault(line[line.index("[") + 1 : line.rindex("]")], {})
            continue
        key, equals, value = line.partition("=")
        if not equals or current is None or not key.strip() or key.strip() != key.strip().split()[0]:
            raise ConfError(f"neither stanza nor setting: {line!r}")
        current[key.strip()] = value.strip()
    return found
