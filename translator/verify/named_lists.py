"""The lists that a text of somebody else's looks values up in, by the names that it has for them and for their columns."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType

from translator.verify.esql import parse as parse_esql
from translator.verify.esql import syntax as esql
from translator.verify.reading import NotReadable
from translator.verify.spl.syntax import Command, name_of
from translator.verify.taken_apart import nodes_of, searches

_PAIR = re.compile(r"(\"[^\"]+\"|'[^']+'|[\w.@{}:-]+)(?:\s+as\s+(?:\"[^\"]+\"|'[^']+'|[\w.@{}:-]+))?", re.I)
_OPTION = re.compile(r"\b\w+\s*=\s*\S+")
_WORDS = frozenset({"output", "outputnew", "where"})
_CHOOSING = frozenset({"fields", "table", "rename", "return", "dedup"})
"""The commands behind ``inputlookup`` that say which of its columns matter."""
_PLACEHOLDER = re.compile(r"%(\w+)%")


@functools.lru_cache(maxsize=64)
def lists_named(target: str, text: str) -> Mapping[str, frozenset[str]]:
    """The lists by the names that a text has for them, each with the columns that it names of it."""
    found = dict[str, frozenset[str]]()
    with suppress(NotReadable):
        for name, columns in _NAMED[target](text) if target in _NAMED else ():
            found[name] = found.get(name, frozenset()) | columns
    return MappingProxyType(found)


def _of_spl(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    for read in searches(text):
        for place, command in enumerate(read):
            if command.name == "lookup":
                name, *columns = _names(command)
                yield name, frozenset(columns)
            elif command.name == "inputlookup":
                name, *_ = _names(command)
                choosing = next((c for c in read[place + 1 :] if c.name in _CHOOSING), None)
                yield name, frozenset(_names(choosing)) if choosing is not None else frozenset()


def _names(command: Command) -> list[str]:
    """The names in the words of a command, of pairs with ``as`` the first, without its options."""
    words = (m[1] for m in _PAIR.finditer(_OPTION.sub("", command.text)))
    return [name_of(word) for word in words if word.lower() not in _WORDS and not word.isdigit()] or [""]


def _of_esql(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    nodes = [*nodes_of(parse_esql(text))]
    made = {node.name for node in nodes if isinstance(node, esql.Named)}
    plain = {node.name for node in nodes if isinstance(node, esql.Column) and "." not in node.name} - made
    for node in nodes:
        match node:
            case esql.Enrich(policy=policy, fields=fields):
                yield policy.rpartition(":")[2], frozenset(column for _, column in fields)
            case esql.LookupJoin(index=index, on=on):
                yield index, frozenset(c.name for c in on if isinstance(c, esql.Column)) | plain  # what no field of ECS is named like


def _of_placeholders(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    yield from ((name, frozenset[str]()) for name in _PLACEHOLDER.findall(text))


_NAMED = {"splunk": _of_spl, "esql": _of_esql, "sigma": _of_placeholders}
