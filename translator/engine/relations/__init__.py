"""Plans as SQL: each relation a query over the one before it, columns named by their ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlglot import exp

from translator.engine.dialects import DUCKDB, DUCKDB_TICKS, Dialect
from translator.engine.errors import EngineError
from translator.engine.python import PythonFunction
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.relations.expansions import evaluated, expanded, merged_schemas, rows_near
from translator.engine.relations.graphs import graph_rows
from translator.engine.relations.grouping import aggregate, join, union
from translator.engine.relations.ordering import limit, sorted_by
from translator.engine.relations.parsing import parse, parse_pairs
from translator.engine.relations.scans import scan
from translator.engine.relations.series import series
from translator.engine.relations.sources import literal_rows, range_of, stored_table
from translator.engine.relations.top_nested import top_nested
from translator.engine.relations.windows import computed, windowed
from translator.engine.scalars import Scalars
from translator.engine.scalars.times import ENDS_OF_PERIODS
from translator.engine.scalars.writing import beyond_ticks, column_name, finer_than_micros
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type
from translator.plan.unique_joins import unique_join

SKETCHES = frozenset({"hll", "hll_if", "hll_merge", "tdigest", "tdigest_merge"})


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query in SQL: its text for one dialect, the columns it gives, the Python functions it calls, and the columns it reads by table.

    ``ends_in_ticks`` says that it counts times in 100 ns for the end of a period alone.
    """

    query: exp.Query
    names: tuple[tuple[str, Type], ...]
    functions: tuple[PythonFunction, ...]
    reads: Mapping[str, frozenset[str]]
    ends_in_ticks: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it reads."""
        return tuple(self.reads)

    def sql(self, dialect: Dialect, pretty: bool = False) -> str:
        """Its text in a dialect; ``pretty`` over several lines."""
        return self.query.sql(dialect=dialect.name, pretty=pretty)


def compile_plan(
    plan: o.Plan, dialect: Dialect, now: dt.datetime | None, stored: Mapping[str, Mapping[str, Type]] | None = None, ends: bool = False
) -> Compiled:
    """``plan`` as SQL.

    Args:
        now: what ``now()`` and ``ago()`` mean, in UTC; None leaves them to the database's clock.
        stored: for each table the columns that its data have; others of its schema are null or empty. None: all of them.
        ends: whether times are counted in 100 ns where that shows in the end of a period; no year before 1678 or after 2262 is, then.

    Raises:
        EngineError: what the dialect or the engine cannot do, by name.
    """
    return _Compiler(dialect, now, stored).plan(plan, ends)


class _Compiler(Compiling):
    def __init__(self, dialect: Dialect, now: dt.datetime | None, stored: Mapping[str, Mapping[str, Type]] | None) -> None:
        super().__init__(dialect, Scalars(dialect, now, self.subquery), stored)
        self.now, self.finer, self.ends, self.tells, self.beyond = now, False, False, False, False

    def plan(self, plan: o.Plan, ends: bool = False) -> Compiled:
        self.gather(plan)
        if self.finer and self.dialect is DUCKDB:
            self.dialect = self.scalars.dialect = DUCKDB_TICKS
        if ends and self.ends and self.tells and not self.beyond and self.dialect is DUCKDB:
            with suppress(EngineError):  # what counts microseconds alone counts to the last of a period
                return replace(_Compiler(DUCKDB_TICKS, self.now, self.stored).plan(plan), ends_in_ticks=True)
        query = self.relation(plan.root)
        items = [exp.alias_(exp.column(column_name(c), quoted=True), name or "_", quoted=True) for name, c in plan.names]
        if not items:
            raise EngineError("the query has no columns")
        for name in sorted(self.sketches(plan)):
            raise EngineError(
                f"the column '{name}' is a sketch of hll() or tdigest(), whose form is Kusto's own: read it with dcount_hll() or percentile_tdigest()"
            )
        for _, column in plan.names:
            if column.id not in query.columns:
                raise EngineError(f"the column '{column.name}' is not known here")
        final = exp.select(*items).from_(self.derived_table(query), copy=False)
        if query.order:
            final = final.order_by(*[k.copy() for k in query.order])
        names = tuple((n, c.type) for n, c in plan.names)
        return Compiled(final, names, tuple(self.scalars.functions.values()), {t: frozenset(c) for t, c in self.reads.items()})

    def sketches(self, plan: o.Plan) -> set[str]:
        """The columns of the result that show a sketch itself."""
        shown = {c.id: n for n, c in plan.names}
        inner = plan.root
        while isinstance(inner, o.Arrange | o.Sort | o.Limit | o.Filter | o.Compute):
            inner = inner.input
        if not isinstance(inner, o.Aggregate):
            return set()
        return {shown[c.id] for c, x in inner.aggregates if c.id in shown and isinstance(x, e.Apply) and x.function in SKETCHES}

    def gather(self, plan: o.Plan) -> None:
        """What the plan reads and speaks of.

        These are the columns of each stored table, whether there are fractions of a microsecond, ends of periods, which have some, what shows
        them, and times before or after those that are counted so.
        """
        seen: set[int] = set()

        def note(column: e.Column) -> None:
            if column.source is not None:
                self.used.setdefault(column.source, {})[column.id] = column

        def visit(thing: object) -> None:
            stack = [thing]
            while stack:
                current = stack.pop()
                if isinstance(current, e.Column):
                    note(current)
                elif isinstance(current, e.Const):
                    self.finer = self.finer or finer_than_micros(current)
                    self.beyond = self.beyond or beyond_ticks(current)
                elif isinstance(current, tuple):
                    stack.extend(current)
                elif isinstance(current, o.PARTS):
                    if id(current) in seen:
                        continue
                    seen.add(id(current))
                    if isinstance(current, e.Apply | e.Items):
                        self.note_times(current)
                    stack.extend(getattr(current, name) for name in current.__dataclass_fields__ if name != "span")

        visit(plan.root)
        visit(plan.names)

    def note_times(self, value: e.Apply | e.Items) -> None:
        """Notes ends of periods, and what tells times to their last digit: texts, arrays and whole numbers made of them."""
        of = value.args if isinstance(value, e.Apply) else value.items
        self.ends = self.ends or (isinstance(value, e.Apply) and value.function in ENDS_OF_PERIODS)
        tells = value.type in (Type.STRING, Type.DYNAMIC, Type.LONG)
        self.tells = self.tells or (tells and any(x.type in (Type.DATETIME, Type.TIMESPAN) for x in of))

    def subquery(self, relation: o.Relation) -> exp.Query:
        saved = self.scalars.aggregating, self.scalars.order
        self.scalars.aggregating, self.scalars.order = False, []
        try:
            found = self.relation(relation)
        finally:
            self.scalars.aggregating, self.scalars.order = saved
        return found.select

    def relation(self, relation: o.Relation) -> Relational:
        match relation:
            case o.Source():
                return stored_table(self, relation)
            case o.Rows():
                return literal_rows(self, relation)
            case o.Range():
                return range_of(self, relation)
            case o.Filter(input=inner, predicate=predicate):
                if (below := unique_join(relation)) is not None:
                    self.filters.setdefault(id(below), []).extend(e.conjuncts(predicate))
                query = self.relation(inner)
                query, (predicate,) = windowed(self, query, (predicate,))
                return self.where(query, predicate)
            case o.Compute(input=inner, items=items):
                return computed(self, self.relation(inner), items)
            case o.Project(input=inner, items=items):
                query = self.relation(inner)
                select = exp.select(*(self.named(self.scalars.value(x), c) for c, x in items)).from_(self.derived_table(query), copy=False)
                return Relational(select, {c.id: c for c, _ in items})
            case o.Aggregate():
                return aggregate(self, relation)
            case o.Join():
                return join(self, relation)
            case o.Union():
                return union(self, relation)
            case o.Distinct(input=inner, columns=columns):
                query = self.relation(inner)
                return Relational(
                    exp.select(*map(self.reference, columns)).distinct().from_(self.derived_table(query)), {c.id: c for c in columns}
                )
            case o.Sort(input=inner, keys=keys):
                return sorted_by(self, self.relation(inner), keys)
            case o.Limit():
                return limit(self, relation)
            case o.Number(input=inner, column=column):
                query = self.relation(inner)
                number = exp.Window(this=exp.RowNumber(), order=self.order_of(query, required=self.dialect.name != "duckdb"))
                return self.extended(query, (column, number))
            case o.Expand():
                return expanded(self, self.relation(relation.input), relation)
            case o.Parse():
                return parse(self, relation)
            case o.ParsePairs():
                return parse_pairs(self, relation)
            case o.Series():
                return series(self, relation)
            case o.Arrange(input=inner):
                return self.relation(inner)
            case o.External(kind=kind, name=name, span=span):
                raise EngineError(f"the {kind} {name} is not read: the engine reaches no network", span)
            case o.Evaluation(name="rows_near"):
                return rows_near(self, relation)
            case o.Evaluation():
                return evaluated(self, relation)
            case o.Scan():
                return scan(self, relation)
            case o.GraphMatch() | o.GraphTable():
                return graph_rows(self, relation)
            case o.TopNested():
                return top_nested(self, relation)
            case o.SchemaMerge():
                return merged_schemas(self, relation)
            case o.Unsupported(reason=reason, span=span):
                raise EngineError(reason, span)
        raise EngineError(f"{type(relation).__name__} is not supported by the engine", relation.span)
