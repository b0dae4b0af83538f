"""What all parts of the binder share: the schema, the columns and problems so far, and the three ways into each other."""

from __future__ import annotations

import functools
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.problems import BindError, Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.functions import find
from translator.plan.naming import numbered
from translator.plan.types import Type, type_of

Schema: TypeAlias = Mapping[str, Mapping[str, str]]
"""Column types by table and column."""

Discover: TypeAlias = Callable[[o.Relation, str, tuple[e.Expr, ...]], list[tuple[str, Type]]]
"""The columns that a plugin makes of the values it meets: only who runs the query can tell."""

MAX_DEPTH = 60
"""How deeply lets and functions may call each other before the binder gives up."""

MAX_USES = 2_000
"""How often they may be used in all; queries that people write use them fewer than 1,000 times."""


_DERIVED = frozenset({"first", "second", "common", "widest", "promoted"})
"""Results of functions whose type is that of an argument."""


def is_of_logs(name: str) -> bool:
    """Whether a name is one that Azure Monitor makes for what a resource logs: the property with its type behind it."""
    return name[-2:] in ("_s", "_d", "_g", "_b", "_t")


class Context(ABC):
    """One query on its way to a plan. ``warns`` looks for what may be wrong too, beside what is."""

    def __init__(self, schema: Schema, closed: frozenset[str] | None = None, discover: Discover | None = None, warns: bool = False) -> None:
        self.schema, self.closed, self.discover, self.warns = schema, closed, discover, warns
        self.tree: s.Query | None = None
        self.ids = itertools.count()
        self.stored: dict[tuple[int, str], e.Column] = {}
        """Columns of stored tables, by source and name."""
        self.sources: dict[str, list[int]] = {}
        """The sources whose columns these are, by table."""
        self.places: dict[str, str] = {}
        """Of which workspace, cluster or database each table is read, as the query says it; of its own where that is empty."""
        self.elsewhere: dict[e.Span | None, str] = {}
        """The tables that are not of its own."""
        self.uncertain = set[e.Column]()
        """Columns whose types are guessed: they are computed of what no documentation lists."""
        self.problems: dict[e.Span, Problem] = {}
        self.twins: dict[tuple[str, e.Column], tuple[str, e.Column]] = {}
        """Columns that parse and scan write over, which the official binder still shows, with what replaced them."""
        self.logs: dict[str, bool] = {}
        """Whether tables have what resources log, as far as that was asked."""
        self.uses = 0
        """How often lets and functions were used so far."""
        self.skipped = 0
        """Numbers of columns without a name that were left out, since other columns have these names."""
        self.fuzzy = 0
        """How many fuzzy unions this place stands in: a table that is not there is left out of them."""
        self.declared: list[tuple[s.Node, Scope]] = []
        """What lets define, in the scopes where they stand."""
        self.bound = set[int]()
        """The identities of what lets define and the result uses."""

    @abstractmethod
    def table(self, node: s.Node, scope: Scope) -> Table:
        """The relation that ``node`` denotes."""

    @abstractmethod
    def operator(self, table: Table, node: s.Operator, scope: Scope) -> Table:
        """``table`` behind an operator."""

    @abstractmethod
    def expression(self, node: s.Node, table: Table | None, scope: Scope) -> e.Expr:
        """The scalar meaning of ``node`` over the columns of ``table``."""

    @functools.cached_property
    def numbers(self) -> Mapping[int, int]:
        """The numbers of items without a name, by the identity of their syntax."""
        return numbered(self.tree) if self.tree is not None else {}

    def problem(self, problem: Problem) -> None:
        """Takes note of a problem: one at a place, an error before a warning, however often a let or a function is used."""
        earlier = self.problems.get(problem.span)
        if earlier is None or (earlier.warns and not problem.warns):
            self.problems[problem.span] = problem

    def use(self, span: e.Span) -> None:
        """Counts the uses of lets and functions: where each uses one twice, they would double what the query stands for each time."""
        self.uses += 1
        if self.uses > MAX_USES:
            raise BindError(f"lets and functions are used more than {MAX_USES:,} times, those within them included", span)

    def column(self, name: str, kind: Type) -> e.Column:
        """A new column."""
        return e.Column(next(self.ids), name, kind)

    def column_of(self, name: str, value: e.Expr) -> e.Column:
        """A new column that holds a value."""
        column = self.column(name, value.type)
        if self.known_type(value) is Type.UNKNOWN:
            self.uncertain.add(column)
        return column

    def known_type(self, value: e.Expr) -> Type:
        """The type that a value has for certain; unknown for a column that is not documented, and for what is computed of it."""
        match value:
            case e.Const():
                return value.type
            case e.ColumnRef(column=column):
                listed = column.table is None or column.name in self.schema.get(column.table, {})
                # "GUID (stored as string)": learn.microsoft.com/previous-versions/azure/azure-monitor/logs/data-collector-api
                as_text = column.type is Type.GUID and column.name.endswith("_g")
                return column.type if listed and not as_text and column not in self.uncertain else Type.UNKNOWN
            case e.Path(base=base):
                return Type.DYNAMIC if self.known_type(base) is not Type.UNKNOWN else Type.UNKNOWN
            case e.Subquery(column=held) if held is None or held in self.uncertain or not value.scalar:
                return Type.UNKNOWN
            case e.Apply(function=name, args=args) if any(self.known_type(a) is Type.UNKNOWN for a in args):
                found = find(name)
                results = {x.result for x in found.signatures} if found is not None else _DERIVED
                return Type.UNKNOWN if results & _DERIVED or len(results) > 1 else value.type
        return value.type

    def stored_column(self, source: o.Source, name: str, otherwise: Type = Type.UNKNOWN) -> e.Column:
        """The column of a stored table; ``otherwise`` is its type where the schema has none."""
        key = (source.id, name)
        if key not in self.stored:
            documented = self.schema.get(source.table, {}).get(name)
            kind = type_of(documented) if documented is not None else otherwise
            self.stored[key] = e.Column(next(self.ids), name, kind, source.table, source.id)
            if source.id not in (known := self.sources.setdefault(source.table, [])):
                known.append(source.id)
        return self.stored[key]

    def twin(self, column: e.Column, sources: Mapping[int, int]) -> e.Column:
        """A new column that is to a further use of a table, with sources of its own, what a column is to the first."""
        source = sources.get(column.source, column.source) if column.source is not None else None
        if source is not None and source != column.source and column.table is not None:
            found = self.stored_column(o.Source(None, column.table, source), column.name, column.type)
        else:
            found = replace(column, id=next(self.ids))
        if column in self.uncertain:
            self.uncertain.add(found)
        return found

    def has_logs(self, table: str) -> bool:
        """Whether the documentation of a table lists what resources log."""
        if table not in self.logs:
            self.logs[table] = any(map(is_of_logs, self.schema.get(table, ())))
        return self.logs[table]

    def has_read(self, table: str, name: str) -> bool:
        """Whether a column of a stored table is known, in any use of it."""
        return any((source, name) in self.stored for source in self.sources.get(table, ()))

    def unknown_source(self, span: e.Span | None) -> o.Source:
        """A table of which nothing is known."""
        return o.Source(span, o.UNKNOWN_TABLE, next(self.ids))

    def documented(self, sources: Sequence[o.Source]) -> bool:
        """Whether the schema has all of these tables."""
        return all(source.table in self.schema for source in sources)

    def own_columns(self, table: Table) -> dict[str, e.Column]:
        """The columns of a table without what only the official binder sees: those that parse has written over."""
        return {n: c for n, c in table.names.items() if (n, c) not in self.twins} if self.twins else table.names
