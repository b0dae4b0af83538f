"""Regular expressions of JSON in a text, for languages whose functions take arrays apart, and no objects."""

from __future__ import annotations

QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
"""A string."""

DEEP, DEEPEST = 4, 6
"""How deep objects and arrays may lie in each other within a value: those that are documented are less deep, and others are seldom."""


def value_of_json(deep: int = DEEP) -> str:
    """A value of JSON in which there is no end of a line, for engines with possessive quantifiers (Java, PCRE)."""
    deeper = ""
    for _ in range(deep):
        deeper = rf'[\[{{](?:[^\[\]{{}}"]++|{QUOTED}{"|" + deeper if deeper else ""})*+[\]}}]'
    return rf'{deeper}|{QUOTED}|[^\[\]{{}},"]+'


def parted(begin: str, end: str, one: str) -> str:
    """What stands between commas, with what separates it from the others."""
    return rf"(?:^ *\{begin}|,) *({one}) *(?:\{end} *\z)?"
