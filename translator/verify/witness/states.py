"""What all rows that are not there yet share: the clock, the way back, and what must hold for them."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Expr, Subquery
from translator.plan.types import Type
from translator.verify.witness.model import Exhausted, NotKnown
from translator.verify.witness.scalars import value_of

TIMES = frozenset({"TimeGenerated", "Timestamp"})
"""The columns that say when an event was."""

RECEIVED = "_TimeReceived"
"""Where an event keeps when it was taken in, where that matters."""


WORK = 12_000
"""What may be spent on one search: attempts, and events looked at again after each."""


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold for a row to be there."""

    expr: Expr
    row: Row

    @property
    def holds(self) -> bool:
        """Whether it does: null is not true."""
        return value_of(self.expr, self.row) is True


class State:
    """What all rows of one attempt share: the clock, and how to go back to what was before.

    Args:
        most: how many events there may be.
        defaults: values of stored columns that nothing is asked of, by table and name.
        constants: values that columns are compared with, by their names.
        ago: how long ago an event is of which no time is asked.

    Attributes:
        left_out: values that columns are compared with as little as any other, though they stand in the query, by their names.
        varied_key: which of its keys of texts another group has in another way than the one that it is like.
        asked: conditions that are to be true, or not to be, beside what the rows ask for.
    """

    def __init__(
        self,
        now: dt.datetime,
        most: int,
        default: Callable[[Column], Any],
        constants: Mapping[str, list[Any]],
        ago: dt.timedelta,
    ) -> None:
        self.now, self.most, self.default, self.constants, self.ago = now, most, default, constants, ago
        self.left_out: Mapping[str, list[str]] = {}
        self.trail: list[Callable[[], None]] = []
        self.version = 0
        self.made = 0
        self.varied_key = 0
        self.work = WORK
        self.entangled = False
        self.subqueries: dict[int, list[Row]] = {}
        self.rows_of: Callable[[o.Relation], list[Row]] = lambda relation: []
        self.hold: Callable[[Expr, Row, bool], bool] = lambda expr, row, truth: False
        self.root: Row | None = None
        self.asked: list[tuple[Expr, Row, bool]] = []

    def spend(self, amount: int) -> None:
        """Counts work.

        Raises:
            Exhausted: where there was too much of it.
        """
        self.work -= amount
        if self.work < 0:
            raise Exhausted

    def changed(self, back: Callable[[], None]) -> None:
        """Notes a change by what takes it back."""
        self.version += 1
        self.trail.append(back)

    def back_to(self, mark: int) -> None:
        """Undoes everything since the trail was ``mark`` long."""
        while len(self.trail) > mark:
            self.trail.pop()()
        self.version += 1

    def rows(self) -> list[Row]:
        """The row that is to alert, and those that subqueries read."""
        return [*([self.root] if self.root is not None else []), *(r for rows in self.subqueries.values() for r in rows)]

    def checks(self) -> Iterator[Check]:
        """What must hold for all rows that the query is to find."""
        for row in self.rows():
            yield from row.checks()

    def failing(self) -> list[tuple[Expr, Row, bool]]:
        """What does not hold and should; the place where it cannot be said is one of these too."""
        known = -1
        while known != len(self.subqueries):  # the rows that a subquery reads are there once a condition has asked for them
            known = len(self.subqueries)
            found = [(check.expr, check.row, True) for row in self.rows() for check in row.failing()]
        return found + [(e, r, t) for e, r, t in self.asked if (value_of(e, r) is True) is not t]

    @contextlib.contextmanager
    def asking(self, *conditions: tuple[Expr, Row, bool]) -> Iterator[None]:
        """Within, conditions count as much as what the rows ask for: none is made to hold by what breaks another one."""
        before, self.asked = self.asked, [*self.asked, *conditions]
        try:
            yield
        finally:
            self.asked = before


class Stored(Protocol):
    """An event with its values by the names of columns."""

    values: dict[str, Any]
    free: set[str]
    source: o.Source

    def put(self, name: str, value: Any) -> None: ...

    @property
    def at(self) -> Any:
        """When it was; None where that is not said."""


class Row:
    """A row of a relation, over the rows of its inputs."""

    def __init__(self, state: State, inputs: tuple[Row, ...], columns: frozenset[int]) -> None:
        self.state, self.inputs, self.columns = state, inputs, columns
        self.now = state.now
        self._known: dict[int, tuple[int, Any]] = {}

    def has(self, column: Column) -> bool:
        """Whether the row, or one that it is made of, has a column."""
        return column.id in self.columns or any(i.has(column) for i in self.inputs)

    def value(self, column: Column) -> Any:
        """The value of a column; null where the row has no such column."""
        known = self._known.get(column.id)
        if known is not None and known[0] == self.state.version:
            return known[1]
        found = self.own(column) if column.id in self.columns else self.inherited(column)
        self._known[column.id] = (self.state.version, found)
        return found

    def inherited(self, column: Column) -> Any:
        """The value of a column that comes from the input as it is."""
        for row in self.inputs:
            if row.has(column):
                return row.value(column)
        return "" if column.type == Type.STRING else None

    def own(self, column: Column) -> Any:
        """The value of a column that this relation makes."""
        raise NotImplementedError

    def assign(self, column: Column, value: Any) -> bool:
        """Makes a column have a value; False where that cannot be done."""
        if column.id in self.columns:
            return self.turn(column, value)
        return next((row.assign(column, value) for row in self.inputs if row.has(column)), False)

    def turn(self, column: Column, value: Any) -> bool:
        """Makes a column that this relation makes have a value, by what it is made of; False where that cannot be done."""
        return False

    def defined(self, column: Column) -> tuple[Expr, Row] | None:
        """The expression that a column is computed by, and the row that this reads; None for what is stored."""
        return next((row.defined(column) for row in self.inputs if row.has(column)), None)

    def write(self) -> bool:
        """Makes the text of a parse-where be of its pattern."""
        return False

    def aggregate(self, expr: Apply) -> Any:
        """An aggregate over the rows of a group.

        Raises:
            NotKnown: where the row is no group.
        """
        raise NotKnown(f"{expr.function} outside of a summarize", expr.span)

    def assign_aggregate(self, expr: Apply, value: Any) -> bool:
        """Makes an aggregate have a value; False where that cannot be done."""
        return False

    def listed(self, subquery: Subquery) -> list[Any]:
        """The values that a subquery gives."""
        rows = self.state.rows_of(subquery.relation)
        column = subquery.column
        return [row.value(column) for row in rows if row.valid()] if column is not None else []

    def taken_in(self) -> Any:
        return next((row.taken_in() for row in self.inputs), None)

    def parsed(self) -> bool:
        """Whether the text of a parse-where is of its pattern."""
        return True

    def same(self, expr: Expr) -> bool:
        return repr(value_of(expr, self.inputs[0])) == repr(value_of(expr, self.inputs[1]))

    def checks(self) -> Iterator[Check]:
        """What must hold for the row, and for what it is made of."""
        for row in self.inputs:
            yield from row.checks()
        yield from self.own_checks()

    def own_checks(self) -> Iterator[Check]:
        """What must hold for this relation itself to have the row."""
        return iter(())

    def failing(self) -> list[Check]:
        """Those of the checks that do not hold."""
        return [c for row in self.inputs for c in row.failing()] + [c for c in self.own_checks() if not c.holds]

    def stamp(self) -> int:
        """A number that is another one after each change of what the row is made of."""
        return sum(row.stamp() for row in self.inputs)

    def valid(self) -> bool:
        """Whether the row is there, its own conditions and those below being what they are."""
        return all(row.valid() for row in self.inputs) and all(c.holds for c in self.own_checks())

    def sources(self) -> Iterator[Stored]:
        """The events that the row is made of."""
        for row in self.inputs:
            yield from row.sources()

    def rebuilt(self, inputs: tuple[Row, ...]) -> Row:
        """The same row over others."""
        raise NotImplementedError

    def copy(self, varied: frozenset[Column]) -> Row:
        """Another row like it, of events of its own where columns are to vary."""
        return self.rebuilt(tuple(row.copy(varied) for row in self.inputs))
