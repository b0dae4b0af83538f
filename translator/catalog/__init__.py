"""Facts about source tables, and where each product keeps their events: its homes, as its own add-ons and integrations deliver them.

This module answers what others ask: ``table`` and ``schemas`` for what is known of a table, ``is_filled`` and its relatives for one fact.
``model`` says what is known, ``loading`` reads the files, and ``columns`` has the documented columns.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Container, Iterator, Mapping, Set
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from translator.catalog.columns import documented, schemas
from translator.catalog.loading import DATA, counterpart_of, home_names, home_of, table, table_names, texts_of_json
from translator.catalog.model import (
    DATA_IN_XML,
    FAMILIES,
    FREE_TEXTS,
    Absent,
    ByValue,
    Computed,
    Counterpart,
    Home,
    Integration,
    Kind,
    Steps,
    Stored,
    Table,
)
from translator.plan.expressions import ELEMENT

__all__ = [
    "DATA", "DATA_IN_XML", "FAMILIES", "FREE_TEXTS", "Absent", "ByValue", "Computed", "Counterpart", "Home", "Integration", "Kind",
    "Steps", "Stored", "Table", "counterpart_of", "documented", "event_data", "flattened_around", "has_column", "home_names", "home_of",
    "inside", "integration_of", "is_address", "is_array", "is_complete", "is_filled", "is_omitted", "is_one_line", "is_plain_number",
    "is_single", "is_text", "schemas", "table", "table_names", "telling", "texts_of_json",
]  # fmt: skip


@functools.cache
def event_data() -> Mapping[tuple[str, int], tuple[str, ...]]:
    """By provider and number of a Windows event: the names of the values in its data, in their order, as far as they are certain."""
    data = yaml.safe_load((Path(__file__).parent / "event_data.yaml").read_text(encoding="utf-8"))
    return MappingProxyType({(p["provider"], number): tuple(names) for p in data for number, names in p["events"].items()})


def is_address(name: str, column: str) -> bool:
    """Whether a table's column is documented to hold IP addresses."""
    known = table(name)
    return known is not None and column in known.addresses


def has_column(name: str, column: str) -> bool:
    """Whether a table of the catalog is known to have a column: one that a home has a word on."""
    known = table(name)
    return known is not None and any(column in home.columns for homes in known.homes.values() for home in homes)


def is_one_line(name: str, column: str) -> bool:
    """Whether no value of a table's column has a line feed."""
    known = table(name)
    return known is not None and column in known.one_line


def is_plain_number(name: str, column: str) -> bool:
    """Whether a table's column is a text whose numbers are whole and written in decimal digits alone."""
    known = table(name)
    return known is not None and column in known.numbers


def is_text(name: str, column: str) -> bool:
    """Whether a column of a table without documented types is known to be a text."""
    known = table(name)
    return known is not None and column in known.texts


def is_complete(name: str, column: str, steps: tuple[str | int, ...]) -> bool:
    """Whether the object at a place inside of a column has no members but those that are known."""
    known = table(name)
    return known is not None and ".".join([column, *map(str, steps)]) in known.complete


def is_filled(name: str, column: str, pins: Mapping[str, Set[Any]] = MappingProxyType({})) -> bool:
    """Whether no row of a table leaves a column empty, of those that have one of the values of ``pins`` in its columns."""
    known = table(name)
    return known is not None and (column in known.filled or any(column in kind.filled for kind in _told(known, pins)))


def telling(name: str) -> frozenset[str]:
    """Columns of a table whose values no event has that is in the same place and is none of the table."""
    known = table(name)
    return known.telling if known is not None else frozenset()


def is_omitted(name: str, column: str) -> bool:
    """Whether an empty text in a column stands for a field that the records of the source lack."""
    known = table(name)
    return known is not None and column in known.omitted


def is_single(name: str, column: str, pins: Mapping[str, Set[Any]]) -> bool:
    """Whether an array in a column has one element in all rows of a table that have one of the values of ``pins`` in its columns."""
    known = table(name)
    return known is not None and any(column in kind.single for kind in _told(known, pins))


def told_by(name: str, columns: Container[str]) -> Mapping[str, Any]:
    """What rows of a table have in a column because they have one of ``columns``, which rows of one kind alone have."""
    known = table(name)
    kinds = known.kinds if known is not None else ()
    return {kind.column: min(kind.values, key=str) for kind in kinds if any(column in columns for column in kind.only)}


def _told(known: Table, pins: Mapping[str, Set[Any]]) -> Iterator[Kind]:
    """The kinds of a table's events that have one of the values of ``pins``, by their texts; those that differ by case alone are one."""
    told = {c: {str(v).lower() for v in values} for c, values in pins.items()}
    return (k for k in known.kinds if k.column in told and told[k.column] <= {str(v).lower() for v in k.values})


@functools.cache
def _places(name: str) -> Mapping[tuple[str, Steps], tuple[Steps, ...]]:
    """What is known of the places inside of a table's columns: those below each, none below a plain value.

    Products have fields of plain values alone, so that a place with a field is one unless another field lies below it.
    """
    known = table(name)
    if known is None:
        return MappingProxyType({})
    written = [(path, found) for family in ("splunk", "elastic") for path, found in known.columns(family).items()]
    plain = {path for path, _ in written} - {path for path, x in written if _has_parts(path, x)} | known.plain
    kept = {path for path, found in written if not isinstance(found, Absent)} | known.plain
    found: dict[tuple[str, Steps], list[Steps]] = {}
    for path in sorted(plain):
        column, steps = _steps(path)
        found.setdefault((column, steps), [])
        for length in range(len(steps) if path in kept else 0):
            found.setdefault((column, steps[:length]), []).append(steps[length:])
    return MappingProxyType({place: tuple(dict.fromkeys(below)) for place, below in found.items() if below or place[1]})


def _has_parts(path: str, counterpart: Counterpart) -> bool:
    """Whether a field is one of several values by itself, not by those of an array around it, or an object."""
    several = isinstance(counterpart, Stored) and counterpart.array and "[" not in path
    return several or (isinstance(counterpart, Stored) and counterpart.type in ("object", "json", "original", "original text"))


def _steps(path: str) -> tuple[str, Steps]:
    """A path as the files write it, as its column and steps; an index stands for any."""
    column, *steps = re.sub(r"\[[^\]]*\]", f".{ELEMENT}", path).split(".")
    return column, tuple(steps)


ANY_NAME = "{name}"
"""What stands in a path for any name that is not listed."""


def inside(name: str, column: str, steps: tuple[str | int, ...]) -> tuple[Steps, ...] | None:
    """The places that are known to be below one inside of a column, by their steps from it.

    None are below a plain value; None stands for a place of which it is not known what it holds.
    """
    way = tuple(ELEMENT if isinstance(s, int) else s for s in steps)
    known = _places(name)
    return known.get((column, way), known.get((column, (*way[:-1], ANY_NAME))) if way else None)


def is_array(name: str, column: str, steps: tuple[str | int, ...]) -> bool:
    """Whether an array is known to stand at a place inside of a column: nothing is known below it but elements."""
    below = inside(name, column, steps)
    return bool(below) and all(way[0] == ELEMENT for way in below or ())


@functools.cache
def _integrations() -> Mapping[str, Integration]:
    data = json.loads((Path(__file__).parent / "integrations.json").read_text(encoding="utf-8"))
    packages = data["packages"].items()
    return {d: Integration(n, p["version"], d.rpartition(".")[2], n in data["checked"]) for n, p in packages for d in p["datasets"]}


def integration_of(dataset: str) -> Integration | None:
    """The package of Elastic's that brings a data set; None where it is not known."""
    return _integrations().get(dataset)


@functools.cache
def _flattened() -> frozenset[str]:
    data = json.loads((Path(__file__).parent / "flattened.json").read_text(encoding="utf-8"))
    return frozenset(data["fields"])


def flattened_around(name: str) -> str | None:
    """The field of Elastic's of the type flattened that has a place: the field itself, or one around it; None where none is known."""
    parts = name.split(".")
    return next((root for n in range(len(parts), 0, -1) if (root := ".".join(parts[:n])) in _flattened()), None)
