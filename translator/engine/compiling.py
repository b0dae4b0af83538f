"""What the parts of the compiler of plans share: a query under construction, and what they ask of the compiler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from translator.engine.scalars.context import Values
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type


@dataclass
class Relational:
    """A query under construction: its columns by id, and the order of its rows where it has one."""

    select: exp.Query
    columns: dict[int, e.Column]
    order: list[exp.Ordered] = field(default_factory=list)


class Compiling(Protocol):
    """The compiler of relations, as those see it that compile one operator for it."""

    scalars: Values

    def column(self, kind: Type) -> e.Column:
        """A column of its own."""
        ...

    def computed(self, query: Relational, items: tuple[tuple[e.Column, e.Expr], ...]) -> Relational: ...

    def named(self, value: exp.Expr, column: e.Column) -> exp.Expr: ...

    def only_duckdb(self, what: str, span: e.Span | None) -> None:
        """Refuses what needs recursion or lists in order where the dialect is not DuckDB's."""
        ...

    def order_of(self, query: Relational, required: bool = False) -> exp.Order | None: ...

    def over(self, query: Relational, *added: exp.Expr) -> exp.Select: ...

    def relation(self, relation: o.Relation) -> Relational: ...

    def shared_name(self) -> str:
        """A name for rows that a query reads more than once."""
        ...
