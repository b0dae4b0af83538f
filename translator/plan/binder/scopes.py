"""What names mean while a query is bound: columns of a relation under construction, and lets, parameters and elements in scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type

TABULAR = (
    s.Pipeline | s.Datatable | s.ExternalData | s.Union | s.Search | s.Find | s.Print | s.Range | s.Evaluate | s.MacroExpand
    | s.ContextualDatatable | s.MaterializedViewCombine | s.ScopedName
)  # fmt: skip


@dataclass
class Table:
    """A relation under construction, with the names it shows."""

    relation: o.Relation
    names: dict[str, e.Column]
    sources: tuple[o.Source, ...] = ()
    """Open sources: a name that is not in ``names`` is a column of the first of them."""
    outer: dict[str, e.Column] = field(default_factory=dict)
    """Inside mv-apply: the columns of the row that is expanded."""
    row: e.Column | None = None
    """Inside mv-apply: the number of that row. What groups or limits does so for each row."""
    parts: tuple[o.Relation, e.Column] | None = None
    """Inside partition: the values of its column, a row each."""
    doubled: Mapping[str, str] = field(default_factory=dict)
    """Names that the official binder shows as others, until an operator tells equal names apart."""
    hidden: Mapping[str, e.Column | None] = field(default_factory=dict)
    """Names that an operator took away: None, or where a union told them apart by a type that is unknown the column that they may be."""
    behind: tuple[o.Source, ...] = ()
    """Open sources of which a summarize has carried along all columns: a name may be one of theirs, and the plan has no column for it."""
    guessed: set[str] = field(default_factory=set)
    """Names that are columns of an open union for no other reason than that they are read."""

    def has(self, name: str) -> bool:
        """Whether a name is or was that of a column here."""
        return any(name in names for names in (self.names, self.outer, self.hidden))

    @property
    def open_sources(self) -> tuple[o.Source, ...]:
        """Every table of which a name here may be a column that is not shown."""
        return (*self.sources, *self.behind)

    def alone(self, relation: o.Relation) -> Table:
        """The columns of this table over another relation, outside of what this one is part of."""
        return Table(relation, dict(self.names), self.sources, hidden=self.hidden, behind=self.behind)

    def over(self, relation: o.Relation, names: dict[str, e.Column], open: bool = True) -> Table:
        """A table over another relation that keeps what this one is part of."""
        doubled = self.doubled if names is self.names else {}
        kept = (self.sources, self.hidden, self.behind, self.guessed) if open else ((), {}, (), set[str]())
        return Table(relation, names, kept[0], self.outer, self.row, self.parts, doubled, *kept[1:])


@dataclass(frozen=True, slots=True)
class Record:
    """Something whose parts are read by ``name.part``: a step of scan, a node or an edge of a graph.

    ``call`` is what a function of the whole means, None where it means nothing.
    """

    part: Callable[[str, e.Span], e.Expr]
    call: Callable[[s.Call], e.Expr | None] = lambda call: None
    type: Type = Type.UNKNOWN


@dataclass
class Scope:
    """Lets and parameters by name. A let is bound where it is used, in the scope where it was written."""

    lets: dict[str, tuple[s.Node, Scope]] = field(default_factory=dict)
    values: dict[str, e.Expr | Table | Record] = field(default_factory=dict)
    parent: Scope | None = None

    def names(self) -> list[str]:
        """All that is named here, the nearest first."""
        found: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            found += [*scope.values, *scope.lets]
            scope = scope.parent
        return found

    def find(self, name: str) -> tuple[s.Node, Scope] | e.Expr | Table | Record | None:
        """What a name stands for, here or in a scope around: a let with the scope that it was written in, a value, a table, or None."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            if name in scope.lets:
                return scope.lets[name]
            scope = scope.parent
        return None


def column_types(table: Table) -> dict[str, Type]:
    """The types of a table's columns by their names."""
    return {name: column.type for name, column in table.names.items()}


def subquery(table: Table, span: e.Span, scalar: bool = False) -> e.Subquery:
    """A table as an expression: the values of its first column, or one ``scalar`` of them."""
    first = next(iter(table.names.values()), None)
    return e.Subquery(span, (first.type if first else Type.UNKNOWN) if scalar else Type.DYNAMIC, table.relation, scalar, first)
