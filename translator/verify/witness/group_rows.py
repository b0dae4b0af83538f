"""Rows of summarize: as many rows of its input as its conditions ask for, and what expressions over aggregates see of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Expr, columns_of
from translator.plan.types import Type
from translator.verify.witness import inversion
from translator.verify.witness.groups import aggregated, assign_aggregate
from translator.verify.witness.scalars import value_of
from translator.verify.witness.states import Check, Row, State, Stored
from translator.verify.witness.variants import variant

_KEYS = 4
"""How many keys of a group are tried to make another group of the same keys around it."""


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
        wanted = [repr(value_of(k, like)) for k in self.keys]
        for self.state.varied_key in range(_KEYS):
            self.state.made = before
            row = like.copy(varied)
            if [repr(value_of(k, row)) for k in self.keys] == wanted:
                break
        self.state.varied_key = 0
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
        kept = {c.id for c in varied}
        texts = [c for c, _ in self.group.keys if c.type == Type.STRING and c.id not in kept and isinstance(made.value(c), str)]
        if texts:
            column = texts[self.state.varied_key % len(texts)]
            made.turn(column, variant(made.value(column), self.state.made))
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
