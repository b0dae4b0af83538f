"""ASIM's parsers: functions that stand for a normalized table, and what their parameters filter.

The facts are in ``normalized.json``, each with the parsers and the page of the schema that it was read from.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

MARK = "['filtering parameter']"
"""What stands for the value of a parameter in a condition."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """``condition`` is KQL over the normalized columns, with ``MARK`` for the value; ``default`` what filters where it is not given.

    Both are empty for a parameter that filters nothing; ``values`` are values that mean another.
    """

    condition: str = ""
    default: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parser:
    """``table`` is the name of the normalized table, whose columns have ``types``; the parameters are in their order.

    A parser of one ``source`` gives the events of some ``products`` alone, as EventProduct names them; None where these are not known.
    """

    table: str
    parameters: Mapping[str, Parameter]
    types: Mapping[str, str]
    source: str = ""
    products: tuple[str, ...] | None = None

    @property
    def defaults(self) -> tuple[str, ...]:
        """What its parameters are where a call gives none, without those that have no default."""
        return tuple(p.default for p in self.parameters.values() if p.default)


@functools.cache
def _parsers() -> tuple[Mapping[str, Parser], tuple[tuple[re.Pattern[str], Parser, Mapping[str, Sequence[str]]], ...]]:
    names: dict[str, Parser] = {}
    patterns = []
    for entry in json.loads((Path(__file__).parent / "normalized.json").read_text(encoding="utf-8")):
        parameters = {}
        for name, facts in entry["parameters"].items():
            known = facts or {}
            condition = known.get("filter", "").replace("{p}", MARK)
            parameters[name] = Parameter(condition, known.get("default", ""), known.get("values", {}))
        parser = Parser(entry["table"], MappingProxyType(parameters), MappingProxyType(entry["types"]))
        names.update(dict.fromkeys(entry["names"], parser))
        if entry["pattern"]:
            patterns.append((re.compile(entry["pattern"]), parser, entry.get("products", {})))
    return MappingProxyType(names), tuple(patterns)


def parser_of(name: str) -> Parser | None:
    """The parser of that name, unifying or of one source; None where it is none of ASIM's."""
    if not name.startswith(("im", "_Im_", "_ASim_", "ASim", "vim")):
        return None
    names, patterns = _parsers()
    if name in names:
        return names[name]
    return next((_of_source(name, m.end(1), parser, known) for p, parser, known in patterns if (m := p.match(name)) is not None), None)


def _of_source(name: str, at: int, parser: Parser, known: Mapping[str, Sequence[str]]) -> Parser:
    """The parser of the source that stands at a place of its name, with a version behind it; one that is disabled gives nothing.

    Source: Azure/Azure-Sentinel, Parsers/ASim*/ARM: the parsers that begin with vim and ASim, each with ``where not(disabled)``; those of
    the source Empty are a table without rows.
    """
    source = re.sub(r"V\d+$", "", name[at:])
    products = () if source == "Empty" else known.get(source)
    parameters = {**parser.parameters, "disabled": Parameter(f"not({MARK})")}
    return replace(parser, parameters=parameters, source=name, products=None if products is None else tuple(products))


def parser_names() -> Iterable[str]:
    """The names of the unifying parsers."""
    return _parsers()[0]


def normalized_schemas() -> Mapping[str, Mapping[str, str]]:
    """Column types by normalized table."""
    return {parser.table: parser.types for parser in _parsers()[0].values()}
