"""An event of a source table: the one row that holds values, which all others read and hand values back to."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

from translator.plan import operators as o
from translator.plan.expressions import Column
from translator.plan.functions.values import text_of
from translator.plan.types import Type
from translator.verify.witness.model import NotKnown
from translator.verify.witness.operations import as_type
from translator.verify.witness.states import RECEIVED, TIMES, Row, State, Stored


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
            return int(value) if isinstance(value, int) else as_type(value, kind)
        case Type.BOOL | Type.REAL | Type.DATETIME | Type.TIMESPAN | Type.DECIMAL:
            return as_type(value, kind) if not isinstance(value, dt.datetime) or kind == Type.DATETIME else None
    return value
