"""Rows that are not there yet: what each operator of a plan gives is a row over the events that it would be made of.

Values stand in the events alone. Every other row reads them, and hands back to them a value that it is to have (``inversion``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from translator.engine.python.conversions import json_of
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Expr
from translator.plan.functions.values import text_of
from translator.plan.types import Type
from translator.verify.witness import inversion
from translator.verify.witness.model import NotKnown
from translator.verify.witness.operations import as_type, element
from translator.verify.witness.patterns import pieces
from translator.verify.witness.scalars import value_of
from translator.verify.witness.states import Check, Row, State
from translator.verify.witness.variants import variant


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
    """where: a row for which a predicate is to hold, each part that ``and`` joins by itself."""

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
        held += [variant(value, n) for n in range(len(held), self.place)]
        made = [*held[: self.place], value, *held[self.place + 1 :]]
        if inversion.assign(self.items[column.id], self.inputs[0], made):
            return True
        # one element of XML is no array
        return len(made) == 1 and inversion.assign(self.items[column.id], self.inputs[0], [value, variant(value, 1)])

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
        key = self.plugin.key(column)
        return None if key is None else as_type(element(json_of(bag) if isinstance(bag, str) else bag, key), column.type)

    def assign(self, column: Column, value: Any) -> bool:
        if column.source != self.plugin.source.id or column.table is None:
            return self.inputs[0].assign(column, value)
        bag, key = value_of(self.bag, self.inputs[0]), self.plugin.key(column)
        bag = json_of(bag) if isinstance(bag, str) else bag
        held = bag if isinstance(bag, dict) else {}
        return key is not None and inversion.assign(self.bag, self.inputs[0], {**held, key: value})

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
        match plugin.arguments:
            case (key, Apply(function="take_any", args=(shown,))):
                self.key, self.shown = key, shown
            case _:
                raise NotKnown("pivot with such an aggregate", plugin.span)
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
