"""Rows that are not there yet: what each operator of a plan gives is a row over the events that it would be made of.

Values stand in the events alone. Every other row reads them, and hands back to them a value that it is to have (``inversion``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from translator.engine.python.conversions import json_of
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Expr, columns_of
from translator.plan.functions.values import text_of
from translator.plan.types import Type
from translator.verify.witness import inversion
from translator.verify.witness.groups import aggregated, assign_aggregate
from translator.verify.witness.model import NotKnown
from translator.verify.witness.patterns import pieces
from translator.verify.witness.scalars import as_type, element, value_of
from translator.verify.witness.states import RECEIVED, TIMES, Check, Row, State, Stored


class Event(Row):
    """An event of a source table: all values that there are."""

    def __init__(self, state: State, source: o.Source, values: dict[str, Any] | None = None) -> None:
        super().__init__(state, (), frozenset())
        self.source = source
        self.values: dict[str, Any] = {} if values is None else values
        self.free: set[str] = set()
        self.changes = 0
        state.made += 1
        if state.made > state.most:
            raise NotKnown(f"more than {state.most} events", source.span)

    def has(self, column: Column) -> bool:
        return column.table is not None and column.source == self.source.id

    def value(self, column: Column) -> Any:
        if column.name not in self.values:
            self.values[column.name] = self.state.default(column)
            self.free.add(column.name)
        return self.values[column.name]

    def assign(self, column: Column, value: Any) -> bool:
        if isinstance(value, dt.datetime) and not (dt.datetime(1900, 1, 1) < value < dt.datetime(2200, 1, 1)):
            return False
        fitting = _stored(value, column)
        if fitting is None and value is not None:
            return False
        self.put(column.name, fitting)
        return True

    def put(self, name: str, value: Any) -> None:
        absent = object()
        old, was_free = self.values.get(name, absent), name in self.free

        def back() -> None:
            self.changes += 1
            if was_free:
                self.free.add(name)
            if old is absent:
                self.values.pop(name, None)
            else:
                self.values[name] = old

        self.values[name] = value
        self.free.discard(name)
        self.changes += 1
        self.state.changed(back)

    def stamp(self) -> int:
        return self.changes

    @property
    def at(self) -> Any:
        return next((self.values[t] for t in sorted(TIMES) if isinstance(self.values.get(t), dt.datetime)), None)

    def taken_in(self) -> Any:
        return self.values.get(RECEIVED) or self.at or self.now - dt.timedelta(minutes=10)

    def valid(self) -> bool:
        return True

    def sources(self) -> Iterator[Stored]:
        yield self

    def copy(self, varied: frozenset[Column]) -> Row:
        made = Event(self.state, self.source, dict(self.values))
        made.free = set(self.free)
        for name in TIMES & self.values.keys():
            if isinstance(self.values[name], dt.datetime):
                made.values[name] = self.values[name] - dt.timedelta(milliseconds=97 * (self.state.made % 40))
        return made


def _stored(value: Any, column: Column) -> Any:
    """A value as a stored column holds it; None where it cannot."""
    kind = column.type
    match kind:
        case Type.STRING:
            return value if isinstance(value, str) else "" if value is None else text_of(value)
        case Type.GUID:
            return value if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F-]{36}", value) else None
        case Type.LONG | Type.INT:
            return value if isinstance(value, bool | int) else as_type(value, kind)
        case Type.BOOL | Type.REAL | Type.DATETIME | Type.TIMESPAN | Type.DECIMAL:
            return as_type(value, kind) if not isinstance(value, dt.datetime) or kind == Type.DATETIME else None
    return value


class Nothing(Row):
    """A row of constants, or of no columns at all."""

    def __init__(self, state: State, values: Mapping[int, Expr]) -> None:
        super().__init__(state, (), frozenset(values))
        self.values = values

    def own(self, column: Column) -> Any:
        return value_of(self.values[column.id], self)

    def turn(self, column: Column, value: Any) -> bool:
        return bool(self.own(column) == value)

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        return self


class Filtered(Row):
    def __init__(self, state: State, row: Row, predicate: Expr) -> None:
        super().__init__(state, (row,), frozenset())
        self.predicate = predicate

    def own_checks(self) -> Iterator[Check]:
        parts = self.predicate.args if isinstance(self.predicate, Apply) and self.predicate.function == "and" else (self.predicate,)
        return (Check(part, self.inputs[0]) for part in parts)

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        return Filtered(self.state, inputs[0], self.predicate)


class Computed(Row):
    """extend, project, distinct and union: columns from expressions over the input."""

    def __init__(self, state: State, row: Row, items: Mapping[int, Expr], only: bool) -> None:
        super().__init__(state, (row,), frozenset(items))
        self.items, self.only = items, only

    def has(self, column: Column) -> bool:
        return column.id in self.columns or (not self.only and self.inputs[0].has(column))

    def own(self, column: Column) -> Any:
        return value_of(self.items[column.id], self.inputs[0])

    def turn(self, column: Column, value: Any) -> bool:
        return inversion.assign(self.items[column.id], self.inputs[0], value)

    def defined(self, column: Column) -> tuple[Expr, Row] | None:
        return (self.items[column.id], self.inputs[0]) if column.id in self.items else super().defined(column)

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        return Computed(self.state, inputs[0], self.items, self.only)


class Element(Row):
    """mv-expand: one element of each of its arrays; a bag is a bag of its first key, or an array of key and value.

    Args:
        place: the number of the element.
    """

    def __init__(self, state: State, row: Row, expand: o.Expand, place: int = 0) -> None:
        named = {c.id: x for c, x in expand.items}
        super().__init__(state, (row,), frozenset(named) | ({expand.index.id} if expand.index else set()))
        self.expand, self.items, self.place = expand, named, place

    def own(self, column: Column) -> Any:
        if column.id not in self.items:
            return self.place
        array = self.array(column)
        if isinstance(array, dict):
            key = next(iter(array), None)
            found = None if key is None else [key, array[key]] if self.expand.pairs else {key: array[key]}
        else:
            found = element(array, self.place) if isinstance(array, list) else array
        return as_type(found, column.type)

    def array(self, column: Column) -> Any:
        found = value_of(self.items[column.id], self.inputs[0])
        return json_of(found) if isinstance(found, str) else found

    def turn(self, column: Column, value: Any) -> bool:
        if column.id not in self.items:
            return bool(value == self.place)
        array = self.array(column)
        value = text_of(value) if isinstance(value, dt.datetime) else value
        held = list(array) if isinstance(array, list) else []
        held += [inversion.variant(value, n) for n in range(len(held), self.place)]
        made = [*held[: self.place], value, *held[self.place + 1 :]]
        if inversion.assign(self.items[column.id], self.inputs[0], made):
            return True
        # one element of XML is no array
        return len(made) == 1 and inversion.assign(self.items[column.id], self.inputs[0], [value, inversion.variant(value, 1)])

    def valid(self) -> bool:
        return super().valid() and any(self.array(c) not in (None, [], "") for c, _ in self.expand.items)

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        return Element(self.state, inputs[0], self.expand, self.place)


class Parsed(Row):
    """parse: the pieces of a text between given ones."""

    def __init__(self, state: State, row: Row, parse: o.Parse) -> None:
        self.pieces = [p for p in parse.pattern if isinstance(p, Column)]
        super().__init__(state, (row,), frozenset(c.id for c in self.pieces))
        self.parse, self.read = parse, pieces(parse)

    def found(self) -> list[str] | None:
        return self.read.of(text_of(value_of(self.parse.value, self.inputs[0])))

    def parsed(self) -> bool:
        return self.found() is not None

    def own(self, column: Column) -> Any:
        found = self.found()
        place = next(n for n, c in enumerate(self.pieces) if c.id == column.id)
        if found is None:
            return "" if column.type == Type.STRING else None
        return as_type(found[place], column.type)

    def usual(self) -> list[str]:
        """Texts for the columns, whatever they are."""
        return ["1" if c.type in (Type.LONG, Type.INT) else f"part{n}" for n, c in enumerate(self.pieces)]

    def turn(self, column: Column, value: Any) -> bool:
        texts = self.found() or self.usual()
        texts[next(n for n, c in enumerate(self.pieces) if c.id == column.id)] = text_of(value)
        return inversion.assign(self.parse.value, self.inputs[0], self.read.text(texts))

    def write(self) -> bool:
        return inversion.assign(self.parse.value, self.inputs[0], self.read.text(self.usual()))

    def own_checks(self) -> Iterator[Check]:
        if self.parse.filters:
            yield Check(Apply(self.parse.span, Type.BOOL, "parsed", ()), self)

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        return Parsed(self.state, inputs[0], self.parse)


class Joined(Row):
    """A row of each side; of an outer side only while it matches, of an anti join's other side only to show that it does away with it."""

    def __init__(self, state: State, join: o.Join, left: Row | None, right: Row | None) -> None:
        super().__init__(state, tuple(r for r in (left, right) if r is not None), frozenset())
        self.join, self.left, self.right = join, left, right
        kind = join.kind
        self.absent = "anti" in kind
        self.optional = kind in ("leftouter", "rightouter", "fullouter")
        self.kept = right if kind.startswith("right") else left
        self.other = left if kind.startswith("right") else right

    def equalities(self) -> Iterator[Check]:
        for one, other in self.join.on:
            yield Check(Apply(self.join.span, Type.BOOL, "==", (one, other)), self)
        if self.join.condition is not None:
            yield Check(self.join.condition, self)

    def matched(self) -> bool:
        return self.other is not None and self.other.valid() and all(c.holds for c in self.equalities())

    def inherited(self, column: Column) -> Any:
        if self.kept is not None and self.kept.has(column):
            return self.kept.value(column)
        if self.other is not None and self.other.has(column):
            return self.other.value(column)
        return "" if column.type == Type.STRING else None

    def own_checks(self) -> Iterator[Check]:
        return self.equalities() if self.other is not None else iter(())

    def valid(self) -> bool:
        if self.kept is None or not self.kept.valid():
            return False
        if self.absent:
            return not self.matched()
        return self.optional or self.matched()

    def copy(self, varied: frozenset[Column]) -> Row:
        left, right = self.left, self.right
        from_right = right is not None and any(right.has(c) for c in varied)
        from_left = left is not None and any(left.has(c) for c in varied)
        if left is not None and (from_left or not from_right):
            left = left.copy(varied)
        if right is not None and (from_right or left is None):
            right = right.copy(varied)
        return Joined(self.state, self.join, left, right)

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        raise NotImplementedError


class Unpacked(Row):
    """evaluate bag_unpack: columns that are the keys of a bag."""

    def __init__(self, state: State, row: Row, plugin: o.Plugin) -> None:
        super().__init__(state, (row,), frozenset())
        self.plugin = plugin
        self.bag = plugin.arguments[0]

    def has(self, column: Column) -> bool:
        return (column.table is not None and column.source == self.plugin.source.id) or self.inputs[0].has(column)

    def inherited(self, column: Column) -> Any:
        if column.source != self.plugin.source.id or column.table is None:
            return self.inputs[0].value(column)
        bag = value_of(self.bag, self.inputs[0])
        return as_type(element(json_of(bag) if isinstance(bag, str) else bag, column.name), column.type)

    def assign(self, column: Column, value: Any) -> bool:
        if column.source != self.plugin.source.id or column.table is None:
            return self.inputs[0].assign(column, value)
        bag = value_of(self.bag, self.inputs[0])
        bag = json_of(bag) if isinstance(bag, str) else bag
        return inversion.assign(self.bag, self.inputs[0], {**(bag if isinstance(bag, dict) else {}), column.name: value})

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        return Unpacked(self.state, inputs[0], self.plugin)


class Pivoted(Row):
    """evaluate pivot: columns that are the values of one column, with an aggregate of another; a row of the input for each of them.

    Args:
        make_row: makes a row of the input over the same events, of the elements of arrays that have a number.
    """

    def __init__(self, state: State, plugin: o.Plugin, make_row: Callable[[int], Row]) -> None:
        super().__init__(state, (make_row(0),), frozenset())
        self.plugin, self.make_row = plugin, make_row
        key, made, *_ = plugin.arguments
        if not (isinstance(made, Apply) and made.function == "take_any"):
            raise NotKnown("pivot with such an aggregate", plugin.span)
        self.key, self.shown = key, made.args[0]
        self.named: dict[str, Row] = {}

    def has(self, column: Column) -> bool:
        return self.is_made(column) or self.inputs[0].has(column)

    def is_made(self, column: Column) -> bool:
        return column.table is not None and column.source == self.plugin.source.id

    def inherited(self, column: Column) -> Any:
        if not self.is_made(column):
            return self.inputs[0].value(column)
        row = self.named.get(column.name)
        found = None if row is None else value_of(self.shown, row)
        return "" if found is None and column.type == Type.STRING else found

    def assign(self, column: Column, value: Any) -> bool:
        if not self.is_made(column):
            return self.inputs[0].assign(column, value)
        if column.name not in self.named:
            rows = self.inputs
            row = rows[0] if not self.named else self.make_row(len(self.named))

            def back() -> None:
                self.named.pop(column.name, None)
                self.inputs = rows

            self.named[column.name] = row
            self.inputs = tuple(dict.fromkeys((*rows, row)))
            self.state.changed(back)
            if not inversion.assign(self.key, row, column.name):
                return False
        return inversion.assign(self.shown, self.named[column.name], value)

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        raise NotKnown("more rows of pivot", self.plugin.span)


class Grouped(Row):
    """summarize: as many rows of the input as its conditions ask for. ``members`` that have other keys, or are not there, do not count."""

    def __init__(self, state: State, aggregate: o.Aggregate, members: list[Row]) -> None:
        self.definitions = {c.id: x for c, x in (*aggregate.keys, *aggregate.aggregates)}
        super().__init__(state, (), frozenset(self.definitions))
        self.group, self.members = aggregate, members
        self.keys = [x for _, x in aggregate.keys]
        self.key_columns = {c.id for c, _ in aggregate.keys}
        self.changes = 0
        self._active: tuple[int, list[Row]] = (-1, [])
        self._kept: dict[int, tuple[int, str | None]] = {}
        self._failing: dict[int, tuple[int, list[Check]]] = {}

    def stamp(self) -> int:
        return self.changes + sum(row.stamp() for row in self.members)

    def stamped(self, row: Row) -> int:
        """The stamp of a member; that of everything where subqueries read other rows."""
        return self.state.version if self.state.entangled or self.state.subqueries else row.stamp()

    def active(self) -> list[Row]:
        """The rows that are summarized: of those that are there, the most that have the same keys."""
        if self._active[0] != self.state.version:
            found: dict[str, list[Row]] = {}
            for row in self.members:
                stamp = self.stamped(row)
                known = self._kept.get(id(row))
                if known is None or known[0] != stamp:
                    known = stamp, repr([value_of(k, row) for k in self.keys]) if row.valid() else None
                    self._kept[id(row)] = known
                if known[1] is not None:
                    found.setdefault(known[1], []).append(row)
            self._active = (self.state.version, max(found.values(), key=len, default=[]))
        return self._active[1]

    def failing(self) -> list[Check]:
        found: list[Check] = []
        for row in self.members:
            stamp = self.stamped(row) + (self.stamped(self.members[0]) << 32)
            known = self._failing.get(id(row))
            if known is None or known[0] != stamp:
                known = stamp, [*row.failing(), *(c for c in self.same_keys(row) if not c.holds)]
                self._failing[id(row)] = known
            found += known[1]
        return found

    def same_keys(self, row: Row) -> Iterator[Check]:
        if row is not self.members[0]:
            for key in self.keys:
                yield Check(Apply(key.span, Type.BOOL, "same", (key,)), Pair(self.state, self.members[0], row))

    def own(self, column: Column) -> Any:
        definition = self.definitions[column.id]
        if column.id in self.key_columns:
            return value_of(definition, (self.active() or self.members)[0])
        return value_of(definition, Group(self))

    def turn(self, column: Column, value: Any) -> bool:
        definition = self.definitions[column.id]
        if column.id in self.key_columns:
            return all(inversion.assign(definition, row, value) for row in self.members)
        return inversion.assign(definition, Group(self), value)

    def defined(self, column: Column) -> tuple[Expr, Row] | None:
        return (self.definitions[column.id], self.members[0]) if column.id in self.key_columns else None

    def taken_in(self) -> Any:
        return self.members[0].taken_in()

    def checks(self) -> Iterator[Check]:
        for row in self.members:
            yield from row.checks()
            yield from self.same_keys(row)

    def valid(self) -> bool:
        return bool(self.active()) or not self.keys

    def sources(self) -> Iterator[Stored]:
        for row in self.members:
            yield from row.sources()

    def add(self, varied: frozenset[Column], like: Row) -> Row:
        """One more member, like another."""
        before = self.state.made
        row = like.copy(varied)
        made = self.state.made - before

        def back() -> None:
            self.changes += 1
            self.members.remove(row)
            self.state.made -= made

        self.members.append(row)
        self.changes += 1
        self.state.changed(back)
        return row

    def remove(self) -> None:
        """One member fewer: the last."""
        row = self.members.pop()

        def back() -> None:
            self.changes += 1
            self.members.append(row)

        self.changes += 1
        self.state.changed(back)

    def copy(self, varied: frozenset[Column]) -> Row:
        read = {c for c, x in zip(self.definitions, self.definitions.values(), strict=True)} & {c.id for c in varied}
        below = frozenset(c for i in read for c in columns_of(self.definitions[i])) or varied
        made = Grouped(self.state, self.group, [row.copy(below) for row in self.members])
        for column, _ in self.group.keys:
            if column.type == Type.STRING and not any(c.id == column.id for c in varied) and isinstance(made.value(column), str):
                made.turn(column, inversion.variant(made.value(column), self.state.made))
                break
        return made


class Pair(Row):
    """Two rows of a group, which are to have the same keys."""

    def __init__(self, state: State, first: Row, second: Row) -> None:
        super().__init__(state, (first, second), frozenset())
        self.first, self.second = first, second


class Group(Row):
    """The rows of a group, for expressions over aggregates."""

    def __init__(self, grouped: Grouped) -> None:
        super().__init__(grouped.state, (), frozenset())
        self.grouped = grouped

    def has(self, column: Column) -> bool:
        return True

    def value(self, column: Column) -> Any:
        return (self.grouped.active() or self.grouped.members)[0].value(column)

    def aggregate(self, expr: Apply) -> Any:
        return aggregated(expr, self.grouped.active())

    def assign_aggregate(self, expr: Apply, value: Any) -> bool:
        return assign_aggregate(expr, self.grouped, value)
