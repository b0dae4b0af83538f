"""What a home has for the columns of a table and the places inside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from translator import catalog
from translator.catalog import ANY_NAME, Absent, ByValue, Computed, Counterpart, Home, Stored
from translator.detection.windows import TIME_COLUMNS
from translator.plan.expressions import ELEMENT, Column
from translator.plan.pins import Pins
from translator.plan.types import Type
from translator.targets.base import TIMES
from translator.targets.names import IN_DOCUMENT, PLAIN_TEXTS, WHOLE, path_of
from translator.targets.paths import SEPARATORS

_Found = tuple[Counterpart | None, str, tuple[str | int, ...]]


class Fields:
    """The fields of one home, as the places of a table that a selector reads; None where the product has none of its table."""

    def __init__(self, home: Home | None, family: str, pins: Pins, inventory: Mapping[str, str], reads_json: bool) -> None:
        self.home, self.family, self.pins, self.inventory, self.reads_json = home, family, pins, inventory, reads_json
        self.known: dict[tuple[str, str | None, tuple[str | int, ...]], _Found] = {}

    def counterpart(self, column: Column, steps: tuple[str | int, ...]) -> _Found:
        """What the home has for a place inside a column, the name of the field, and the steps that remain below it."""
        place = column.name, column.table, steps
        if place not in self.known:
            self.known[place] = self._counterpart(column, steps)
        return self.known[place]

    def _counterpart(self, column: Column, steps: tuple[str | int, ...]) -> _Found:
        columns = self.home.columns if self.home is not None else {}
        if column.name.startswith("="):
            name, types = column.name[1:], self.home.types if self.home is not None else {}
            return Stored(name, types.get(name, "keyword" if self.family == "elastic" else "text")), name, ()
        for length in range(len(steps), -1, -1):
            found = at_place(columns, column.name, steps[:length])
            if found is None and column.type == Type.DYNAMIC:
                found = _of_any_name(columns, column.name, steps[:length])
            if found is None:
                continue
            counterpart, name, elements = found
            rest = steps[length:]
            if isinstance(counterpart, ByValue):
                counterpart = self._alternative(counterpart)
                name = counterpart.name if isinstance(counterpart, Stored) else name
            if isinstance(counterpart, Stored) and counterpart.parts and rest and all(isinstance(s, str) and s != ELEMENT for s in rest):
                name = ".".join((counterpart.parts, *map(str, rest)))
                return Stored(name, "flattened"), name, ()
            if isinstance(counterpart, Stored) and self._is_whole(column.name, steps[:length], counterpart, rest):
                return replace(counterpart, type=WHOLE), name, ()
            if not isinstance(counterpart, Stored):
                return (counterpart, name, ()) if not rest or not isinstance(counterpart, Absent) else (None, name, ())
            # What holds more than the value is no JSON, where that is.
            in_text = self.reads_json and counterpart.type in PLAIN_TEXTS | IN_DOCUMENT and not (counterpart.within or counterpart.longer)
            if rest and counterpart.type not in ("json", "object", "flattened") and not in_text and self.family != "sigma":
                return None, name, ()
            if rest and counterpart.type in ("object", "flattened") and self.family == "elastic" and ELEMENT not in rest:
                listed = counterpart.type == "object" and self._below(column.name, steps[:length])
                return (None, name, ()) if listed else (counterpart, ".".join([name, *map(str, rest)]), ())
            return counterpart, name, (*elements, *rest)
        if column.name in TIME_COLUMNS and not steps:
            return Stored(TIMES[self.family], {"splunk": "time", "elastic": "date"}.get(self.family, "time")), TIMES[self.family], ()
        if column.name == "Type" and not steps and column.table in catalog.schemas():
            return Computed(f"'{column.table}'"), "", ()
        pattern = columns.get(f"EventData.{ANY_NAME}")
        if isinstance(pattern, Stored) and not steps and _is_of_event_data(column):
            return self._of_event_data(column.name) or (pattern, pattern.name.replace(ANY_NAME, column.name), ())
        if self.lenient:
            return Stored(column.name, "text"), column.name, steps
        if self.home is not None and self.home.open:
            return Stored(column.name, _type_of_custom(column, steps)), column.name, steps
        return None, column.name, ()

    def _is_whole(self, column: str, steps: tuple[str | int, ...], stored: Stored, rest: tuple[str | int, ...]) -> bool:
        """Whether a place is an object of Elastic's whose parts are fields: itself, or an array's place that names replace."""
        if self.family != "elastic" or stored.type != "object" or self.home is None:
            return False
        below = self._below(column, steps)
        keyed = {found[1] for parts in below if (found := re.match(r"\[(\w+)\]", parts))}
        return bool(below) and (not rest or bool(keyed - {"n"}) or ("n" in keyed and rest[0] == ELEMENT))

    def _below(self, column: str, steps: tuple[str | int, ...]) -> list[str]:
        """The parts of an object that the home lists, by their paths from it: it has no field of any other."""
        path = re.sub(r"\[\d+\]", "[n]", path_of(column, steps))
        columns = self.home.columns if self.home is not None else {}
        return [c.removeprefix(path) for c in columns if c.startswith((f"{path}.", f"{path}["))]

    def _of_event_data(self, name: str) -> _Found | None:
        """What the home has for a value in the data of a Windows event by its name, where it is not kept by that name."""
        found = at_place(self.home.columns if self.home is not None else {}, "EventData", (name,))
        if found is None:
            return None
        counterpart, stored, _ = found
        if isinstance(counterpart, ByValue):
            counterpart = self._alternative(counterpart)
            stored = counterpart.name if isinstance(counterpart, Stored) else stored
        return counterpart, stored, ()

    def _alternative(self, counterpart: ByValue) -> Counterpart:
        """The alternative that the selector's value of the deciding column has, else that of all other values."""
        pinned = self.pins.get(counterpart.column)
        for values, found in counterpart.of:
            if pinned is not None and pinned <= {*values, *map(str, values)}:
                return found
        if isinstance(counterpart.otherwise, Computed) or _is_one_field(counterpart):
            return counterpart.otherwise
        if pinned is None or any(pinned & {*values, *map(str, values)} for values, _ in counterpart.of):
            return Absent(f"its field depends on {counterpart.column}, which the rule does not pin to values of one field")
        return counterpart.otherwise

    def has(self, name: str) -> bool:
        """Whether the site has a field, as far as it has listed them."""
        if not self.inventory or name in self.inventory or name.startswith("_"):
            return True
        return any(listed.startswith((f"{name}.", f"{name}{{")) for listed in self.inventory)

    @property
    def separators(self) -> tuple[str, ...]:
        """What stands before the name of a file in the paths of the home."""
        return SEPARATORS[:1] if self.home is not None and self.home.place.get("product") == "windows" else SEPARATORS

    @property
    def lenient(self) -> bool:
        """Whether the log source takes any field: those of Sigma that no taxonomy binds keep the names of the table, if they have them."""
        if self.family != "sigma" or self.home is None:
            return False
        return "category" not in self.home.place and self.home.place.get("product") != "windows" and self.home.keeps_names


def _is_one_field(counterpart: ByValue) -> bool:
    """Whether all values have one field, which deviates for other values than the alternatives'."""
    alternatives = [c for _, c in counterpart.of]
    return all(isinstance(c, Stored) and replace(c, deviates="", source="") == _plain(counterpart.otherwise) for c in alternatives)


def _plain(counterpart: Counterpart) -> Counterpart:
    return replace(counterpart, deviates="", source="") if isinstance(counterpart, Stored) else counterpart


def at_place(
    columns: Mapping[str, Counterpart], name: str, steps: tuple[str | int, ...]
) -> tuple[Counterpart, str, tuple[str | int, ...]] | None:  # fmt: skip
    """What stands for a place, by its whole path; ``[n]`` and ``{n}`` stand for an index, ``[]`` for any element, which stays a step."""
    exact = path_of(name, steps)
    found = columns.get(exact)
    if found is not None:
        return found, found.name if isinstance(found, Stored) else "", (ELEMENT,) if ELEMENT in steps else ()
    if any(isinstance(s, int) for s in steps):
        found = columns.get(re.sub(r"\[\d+\]", "[n]", exact))
        if isinstance(found, Stored) and found.name.count("{n}") == sum(isinstance(s, int) for s in steps):
            field_name = found.name
            for step in steps:
                field_name = field_name.replace("{n}", str(step), 1) if isinstance(step, int) else field_name
            return found, field_name, ()
    return None


def _of_any_name(
    columns: Mapping[str, Counterpart], name: str, steps: tuple[str | int, ...]
) -> tuple[Counterpart, str, tuple[str | int, ...]] | None:  # fmt: skip
    """What stands for a place whose last step is any name, of which a field is made; dots in it would set parts of a field apart."""
    last = steps[-1] if steps else None
    if not isinstance(last, str) or last == ELEMENT or "." in last:
        return None
    found = columns.get(path_of(name, (*steps[:-1], ANY_NAME)))
    return (found, found.name.replace(ANY_NAME, last), ()) if isinstance(found, Stored) else None


def is_value(column: Column, steps: tuple[str | int, ...]) -> bool:
    """Whether a place inside a column is known to hold a value, no object: some product has a field of it."""
    known = catalog.table(column.table or "")
    if known is None or not all(isinstance(s, str) and s != ELEMENT for s in steps):
        return False
    path = path_of(column.name, steps)
    found = next((home.columns[path] for home in known.homes["elastic"] if path in home.columns), None)
    return isinstance(found, Stored) and found.type not in {"object", "flattened", *IN_DOCUMENT}


def column_number(column: Column, name: str) -> int:
    """A number for a column of the same events that a formula of the catalog reads: the same for one name, and no other's."""
    return -1 - int.from_bytes(f"{column.source} {column.table} {name}".encode(), "big")


def _is_of_event_data(column: Column) -> bool:
    """Whether a column that a table does not list is a value in the data of its events.

    Where the table has columns of its own for these values, another name is one only where some event is known to have it.
    """
    listed, known = catalog.schemas().get(column.table or "", {}), {n for names in catalog.event_data().values() for n in names}
    return column.name not in listed and (column.name in known or known.isdisjoint(listed))


def _type_of_custom(column: Column, steps: tuple[str | int, ...]) -> str:
    """The type in Splunk of a column that a site defines; ``steps`` lead from it to what is read, which makes it an object.

    Source: https://learn.microsoft.com/previous-versions/azure/azure-monitor/logs/data-collector-api#record-type-and-properties: numbers
    have ``_d`` behind their names.
    """
    if steps or column.type == Type.DYNAMIC:
        return "json"
    return "number" if column.name.endswith("_d") or column.type in (Type.INT, Type.LONG, Type.REAL, Type.DECIMAL) else "text"
