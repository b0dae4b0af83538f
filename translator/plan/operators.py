"""Relational operators. Each knows its input and the span of the KQL that it came from.

Columns are ids; what a relation offers under which name is ``columns``, ordered as KQL shows them. ``open`` says that there
are more columns than these: those of a table whose schema is not fully known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from translator.plan.expressions import Column, Expr, Span

Names: TypeAlias = tuple[tuple[str, Column], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    span: Span | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class Source(Relation):
    """A stored table. ``id`` tells two uses of one table apart."""

    table: str
    id: int


@dataclass(frozen=True, slots=True)
class Rows(Relation):
    """A datatable: rows of constants."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True)
class Filter(Relation):
    input: Relation
    predicate: Expr


@dataclass(frozen=True, slots=True)
class Compute(Relation):
    """Further columns, each from an expression over the input; columns that are projected away just lose their name."""

    input: Relation
    items: tuple[tuple[Column, Expr], ...]


@dataclass(frozen=True, slots=True)
class Aggregate(Relation):
    input: Relation
    keys: tuple[tuple[Column, Expr], ...]
    aggregates: tuple[tuple[Column, Expr], ...]


@dataclass(frozen=True, slots=True)
class Join(Relation):
    """``on`` are pairs of expressions, one over each side, that must be equal."""

    left: Relation
    right: Relation
    kind: str
    on: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True, slots=True)
class Union(Relation):
    """``columns`` are the merged columns; for each of them and each input the column it comes from, None where it has none."""

    inputs: tuple[Relation, ...]
    columns: tuple[tuple[Column, tuple[Column | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Arrange(Relation):
    """What changes order or number of rows, not their content: sort, top, take, sample, serialize, render, as."""

    input: Relation
    operator: str
    limits: bool


@dataclass(frozen=True, slots=True)
class Unsupported(Relation):
    """An operator the plan cannot say yet. It carries on, so that a report names everything at once."""

    input: Relation | None
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A bound query: its relation and the names under which its columns are seen."""

    root: Relation
    names: Names
    open: bool

    @property
    def columns(self) -> list[tuple[str, str]]:
        return [(name, str(column.type)) for name, column in self.names]
