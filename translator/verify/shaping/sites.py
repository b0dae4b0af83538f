"""The homes of the catalog as places to put rows in: which of them keep a row, and what a column is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

from translator import catalog
from translator.catalog import ANY_NAME, Absent, ByValue, Computed, Counterpart, Home, Stored
from translator.catalog.filled import fields_of
from translator.detection.windows import TIME_COLUMNS
from translator.plan.expressions import ELEMENT, ColumnRef, Expr, transform, walk
from translator.targets.base import TIMES, Options
from translator.targets.choice import events_of, homes_of
from translator.targets.formulas import parsed
from translator.targets.paths import SEPARATORS
from translator.verify.reading import Row
from translator.verify.shaping.values import is_missing

Way: TypeAlias = tuple[str | int, ...]
"""A place inside of a column: names, and numbers in arrays. In a pattern ``[]`` and ``[n]`` are any number, ``{name}`` is any name."""

ANY_INDEX = "[n]"

OWN = "="
"""What the catalog puts before a name in a formula that is a field of the product, and no column."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a home has for a place inside of a column: the counterpart, what its name leaves open, and the steps that remain below it."""

    counterpart: Counterpart
    steps: Way = ()
    below: Way = ()

    @property
    def name(self) -> str:
        """The name of the field; empty where there is none."""
        if not isinstance(self.counterpart, Stored):
            return ""
        name = self.counterpart.name
        for step in (s for s in self.steps if isinstance(s, int)):
            name = name.replace("{n}", str(step), 1)
        return name.replace(ANY_NAME, str(self.steps[-1])) if self.steps else name


class Site:
    """One home of a table, with its columns by the places inside of them.

    Args:
        home: the home; the one of a table without any has no columns.
    """

    def __init__(self, table: str, family: str, home: Home) -> None:
        self.table, self.family, self.home = table, family, home
        self.patterns: dict[str, list[tuple[Way, Counterpart]]] = {}
        self.needed: dict[str, frozenset[str]] = {}
        self.read: dict[str, frozenset[str]] = {}
        for path, counterpart in home.columns.items():
            column, way = way_of(path)
            self.patterns.setdefault(column, []).append((way, counterpart))
        for ways in self.patterns.values():
            ways.sort(key=lambda pair: (-len(pair[0]), [isinstance(s, str) and s in (ELEMENT, ANY_INDEX, ANY_NAME) for s in pair[0]]))
        stored = [c for c in each(home.columns.values()) if isinstance(c, Stored)]
        self.in_json = family == "splunk" and any(c.type == "json" or "." in c.name or "{}" in c.name for c in stored)
        self.types = {c.name: c.type for c in stored}
        if family == "elastic":
            self.types |= dict.fromkeys(fields_of(table, home.place.get("dataset", "")), "keyword")
            formulas = [c for c in each(home.columns.values()) if isinstance(c, Computed) and not c.file_of]
            read = {name.removeprefix(OWN) for c in formulas for name in self.reads(c) if name.startswith(OWN)}
            self.types = {**{name: home.types.get(name, "keyword") for name in read}, **self.types}

    @property
    def of_any_name(self) -> bool:
        """Whether the log source takes any field: those that no taxonomy binds keep the names of their source."""
        place = self.home.place
        return self.family == "sigma" and "category" not in place and place.get("product") != "windows"

    @property
    def separators(self) -> tuple[str, ...]:
        """What may stand before the name of a file in the paths of the home."""
        return SEPARATORS[:1] if self.home.place.get("product") == "windows" else SEPARATORS

    def place(self, column: str, steps: Way, row: Row) -> Place | None:
        """What the home has for a place inside of a column of a row; None where that is not known."""
        for way, counterpart in self.patterns.get(column, ()):
            if len(way) <= len(steps) and all(map(_fits, way, steps)):
                found = self.chosen(counterpart, row)
                if isinstance(found, Stored) and found.parts and len(way) < len(steps):
                    found = Stored(found.parts, "flattened")
                return Place(found, steps[: len(way)], steps[len(way) :])
        if column in TIME_COLUMNS and not steps:
            return Place(Stored(TIMES[self.family], {"splunk": "time", "elastic": "date"}.get(self.family, "")))
        known = catalog.schemas().get(self.table, {})
        if not steps and column not in known:
            for way, counterpart in self.patterns.get("EventData", ()):
                if way == (ANY_NAME,) and isinstance(counterpart, Stored):
                    return Place(replace(counterpart, name=counterpart.name.replace(ANY_NAME, column)))
        return Place(Stored(column), (), steps) if self.of_any_name else None

    def chosen(self, counterpart: Counterpart, row: Row) -> Counterpart:
        """What stands for a column in a row, of which another column decides."""
        while isinstance(counterpart, ByValue):
            given = str(row.get(counterpart.column))
            counterpart = next((c for values, c in counterpart.of if given in map(str, values)), counterpart.otherwise)
        return counterpart

    def has_parts(self, column: str) -> bool:
        """Whether places inside of a column have counterparts of their own."""
        return any(way for way, _ in self.patterns.get(column, ()))

    def is_keyed(self, column: str, steps: Way) -> bool:
        """Whether the elements of an array at a place are fields by their numbers."""
        return any(
            len(way) > len(steps) and way[len(steps)] == ANY_INDEX and all(map(_fits, way, steps))
            for way, _ in self.patterns.get(column, ())
        )

    def formula(self, column: str, row: Row) -> Computed | None:
        """What computes a column of a row; None for what is not computed."""
        found = self.place(column, (), row)
        return found.counterpart if found is not None and isinstance(found.counterpart, Computed) else None

    def expanded(self, computed: Computed, row: Row, depth: int = 3) -> Expr:
        """The formula of a computed column of a row, with those of the columns that it reads in their place."""

        def inner(node: Expr) -> Expr:
            if isinstance(node, ColumnRef) and depth and is_missing(row.get(node.column.name)):
                further = self.formula(node.column.name, row)
                if further is not None and not further.file_of:
                    return self.expanded(further, row, depth - 1)
            return node

        return transform(expression(self.table, computed), inner)

    def needs(self, column: str) -> frozenset[str]:
        """The columns that a column is computed of, or chosen by, in some row, and those that these are; own fields are among them."""
        if column not in self.needed:
            found: set[str] = set()
            waiting = [column]
            while waiting:
                for name in self._needs(waiting.pop()) - found:
                    found.add(name)
                    waiting.append(name)
            self.needed[column] = frozenset(found)
        return self.needed[column]

    def reads(self, computed: Computed) -> frozenset[str]:
        """The names of the columns, and of own fields, that a formula reads."""
        if computed.expression not in self.read:
            self.read[computed.expression] = frozenset(columns_of(expression(self.table, computed)))
        return self.read[computed.expression]

    def _needs(self, column: str) -> set[str]:
        counterparts = [c for way, c in self.patterns.get(column, ()) if not way]
        found = {c.column for c in counterparts if isinstance(c, ByValue)}
        for counterpart in each(counterparts):
            if isinstance(counterpart, Computed):
                found |= {counterpart.file_of} if counterpart.file_of else self.reads(counterpart)
        return found


def each(counterparts: Iterable[Counterpart]) -> Iterator[Counterpart]:
    """The counterparts, with those that the value of another column decides between in its place."""
    for counterpart in counterparts:
        if isinstance(counterpart, ByValue):
            yield from each([*(c for _, c in counterpart.of), counterpart.otherwise])
        else:
            yield counterpart


def expression(table: str, counterpart: Computed) -> Expr:
    """The formula of a computed column, over columns by their names."""
    return parsed(table, counterpart.expression)


def columns_of(expr: Expr) -> set[str]:
    """The names of the columns, and of own fields, that an expression reads."""
    return {n.column.name for n in walk(expr) if isinstance(n, ColumnRef)}


def way_of(path: str) -> tuple[str, Way]:
    """A column and the steps to a place inside of it, of a place as the catalog writes it."""
    column, *steps = re.findall(r"\[(?:n|\d*)\]|\{\w+\}|[^.\[\]{}]+", path)
    return column, tuple(int(s[1:-1]) if re.fullmatch(r"\[\d+\]", s) else s for s in steps)


def _fits(pattern: str | int, step: str | int) -> bool:
    if pattern in (ELEMENT, ANY_INDEX):
        return isinstance(step, int)
    return pattern == step or (pattern == ANY_NAME and isinstance(step, str))


class Sites:
    """The homes that a table may have in a family of products, as the options choose them."""

    def __init__(self, table: str, family: str, options: Options) -> None:
        self.table, self.family = table, family
        self.homes = homes_of(table, family, options)
        self.known: dict[str, Site] = {}

    def of(self, row: Row) -> Sequence[Site]:
        """The homes that keep a row: the first whose events it tells that it is one of, and the one that has those as well, else the first
        that asks for nothing, else the first that it does not rule out. None where it rules out all.
        """
        ways: tuple[Callable[[Home], bool], ...] = (
            lambda h: bool(h.when) and _asked(h, row),
            lambda h: not h.when,
            lambda h: _asked(h, row, True),
        )
        first = next((h for way in ways for h in self.homes if way(h)), None)
        if first is None:
            return ()
        outer = [h for h in self.homes if h.name == first.within and events_of(h) != events_of(first)]
        return [self.site(h) for h in (first, *outer[:1])]

    def site(self, home: Home) -> Site:
        """The site of a home, made when it is first asked for."""
        if home.name not in self.known:
            self.known[home.name] = Site(self.table, self.family, home)
        return self.known[home.name]


def _asked(home: Home, row: Row, or_missing: bool = False) -> bool:
    def asked(column: str, values: tuple[str, ...]) -> bool:
        given = row.get(column)
        return or_missing if is_missing(given) else str(given).lower() in {str(v).lower() for v in values}

    return all(asked(column, values) for column, values in home.when.items())


def without_home(table: str, family: str) -> Site:
    """The place of a table of which no home is known: it is searched under its own name, and its columns under theirs."""
    place = {"splunk": {"sourcetype": table}, "elastic": {"dataset": table}, "sigma": {"product": "azure", "service": table.lower()}}[
        family
    ]
    return Site(table, family, Home("", "", "", MappingProxyType(place)))


def absent(place: Place | None) -> str:
    """Why a place has no field; empty where it has one."""
    if place is None:
        return "no field of the product is known for it"
    return place.counterpart.why if isinstance(place.counterpart, Absent) else ""
