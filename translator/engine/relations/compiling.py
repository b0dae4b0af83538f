"""What the parts of the compiler of plans share: a query under construction, and what they ask of the compiler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from translator.engine.dialects import Dialect
from translator.engine.errors import EngineError
from translator.engine.scalars import comparisons
from translator.engine.scalars.context import Values
from translator.engine.scalars.writing import column_name
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type

FIRST_ID = 1_000_000_000
"""Ids of the columns that the compiler adds, beyond those of the binder."""


@dataclass
class Relational:
    """A query under construction: its columns by id, and the order of its rows where it has one."""

    select: exp.Query
    columns: dict[int, e.Column]
    order: list[exp.Ordered] = field(default_factory=list)


class Compiling(ABC):
    """One plan on its way to SQL, as those see it that compile one operator of it."""

    def __init__(self, dialect: Dialect, scalars: Values, stored: Mapping[str, Mapping[str, Type]] | None) -> None:
        self.dialect, self.scalars, self.stored = dialect, scalars, stored
        self.used: dict[int, dict[int, e.Column]] = {}
        """The columns that the plan reads, by source and id."""
        self.filters: dict[int, list[e.Expr]] = {}
        """Conditions behind innerunique joins, by the identity of the join."""
        self.reads: dict[str, set[str]] = {}
        """The columns that were read so far, by table."""
        self.next = FIRST_ID
        self.aliases = 0

    @abstractmethod
    def relation(self, relation: o.Relation) -> Relational:
        """The rows of ``relation``."""

    def column(self, kind: Type) -> e.Column:
        """A column that no query has: its values are those of a step between two operators."""
        self.next += 1
        return e.Column(self.next, "", kind)

    def derived_table(self, query: Relational) -> exp.Subquery:
        """The rows of a query as a table that another reads."""
        self.aliases += 1
        return query.select.subquery(f"t{self.aliases}", copy=query.select.parent is not None)

    def reference(self, column: e.Column) -> exp.Expr:
        """A column as SQL names it."""
        return exp.column(column_name(column), quoted=True)

    def named(self, value: exp.Expr, column: e.Column) -> exp.Expr:
        """A value in SQL under the name of a column."""
        return exp.alias_(value, column_name(column), quoted=True)

    def only_duckdb(self, what: str, span: e.Span | None) -> None:
        """Refuses what needs recursion or lists in order where the dialect is not DuckDB's."""
        if self.dialect.name != "duckdb":
            raise EngineError(f"{what} is run by DuckDB only, and not by {self.dialect.title}", span)

    def shared_name(self) -> str:
        """A name for rows that a query reads more than once."""
        self.aliases += 1
        return f"r{self.aliases}"

    def over(self, query: Relational, *added: exp.Expr) -> exp.Select:
        """A query of all columns of another, and of ``added`` ones."""
        return exp.select(exp.Star(), *added).from_(self.derived_table(query), copy=False)

    def extended(self, query: Relational, *added: tuple[e.Column, exp.Expr]) -> Relational:
        """The rows of a query with further columns."""
        select = self.over(query, *(self.named(value, column) for column, value in added))
        return Relational(select, {**query.columns, **{c.id: c for c, _ in added}}, query.order)

    def where(self, query: Relational, *conditions: e.Expr) -> Relational:
        """The rows of a query for which conditions of the plan hold."""
        return self.filtered(query, *(comparisons.predicate(self.scalars, x) for x in conditions))

    def filtered(self, query: Relational, *conditions: exp.Expr) -> Relational:
        """The rows of a query for which conditions in SQL hold."""
        # sqlglot would copy all that is read, and so each query as often as others are around it
        return Relational(self.over(query).where(*(x.copy() for x in conditions), copy=False), query.columns, query.order)

    def order_of(self, query: Relational, required: bool = False) -> exp.Order | None:
        """The order of a query's rows for a window; where there is none and one is ``required``, some order."""
        if query.order:
            return exp.Order(expressions=[k.copy() for k in query.order])
        return exp.Order(expressions=[exp.Ordered(this=exp.Literal.number(1))]) if required else None
