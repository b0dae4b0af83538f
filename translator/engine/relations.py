"""Plans as SQL: each relation a query over the one before it, columns named by their ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from translator.engine import python_functions as meanings
from translator.engine.compiling import Relational
from translator.engine.dialects import DUCKDB, DUCKDB_TICKS, Dialect, told_apart
from translator.engine.errors import EngineError
from translator.engine.graphs import graph_rows
from translator.engine.nested import top_nested
from translator.engine.plugins import array_text, timeline_rows
from translator.engine.python_functions import PythonFunction
from translator.engine.scalars import Scalars, comparisons, conversions, texts
from translator.engine.scalars.context import Values
from translator.engine.scalars.writing import EPOCH_MICROS, column_name, finer_than_micros
from translator.engine.scans import scan
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.functions.windows import WINDOWS, WITHIN
from translator.plan.patterns import regex_of
from translator.plan.types import Type

SKETCHES = frozenset({"hll", "hll_if", "hll_merge", "tdigest", "tdigest_merge"})
FIRST_ID = 1_000_000_000
"""Ids of the columns that the compiler adds, beyond those of the binder."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query in SQL: its text for one dialect, the columns it gives, the Python functions it calls, and the columns it reads by table."""

    query: exp.Query
    names: tuple[tuple[str, Type], ...]
    functions: tuple[PythonFunction, ...]
    reads: Mapping[str, frozenset[str]]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self.reads)

    def sql(self, dialect: Dialect, pretty: bool = False) -> str:
        return self.query.sql(dialect=dialect.name, pretty=pretty)


def compile_plan(
    plan: o.Plan, dialect: Dialect, now: dt.datetime | None, stored: Mapping[str, Mapping[str, Type]] | None = None
) -> Compiled:
    """``plan`` as SQL.

    Args:
        now: what ``now()`` and ``ago()`` mean, in UTC; None leaves them to the database's clock.
        stored: for each table the columns that its data have; others of its schema are null or empty. None: all of them.

    Raises:
        EngineError: what the dialect or the engine cannot do, by name.
    """
    return Compiler(dialect, now, stored).plan(plan)


class Compiler:
    def __init__(self, dialect: Dialect, now: dt.datetime | None, stored: Mapping[str, Mapping[str, Type]] | None) -> None:
        self.dialect, self.stored = dialect, stored
        self.scalars: Values = Scalars(dialect, now, self.subquery)
        self.used: dict[int, dict[int, e.Column]] = {}
        self.finer = False
        self.filters: dict[int, list[e.Expr]] = {}
        self.reads: dict[str, set[str]] = {}
        self.next = FIRST_ID
        self.aliases = 0

    def plan(self, plan: o.Plan) -> Compiled:
        self.gather(plan)
        if self.finer and self.dialect is DUCKDB:
            self.dialect = self.scalars.dialect = DUCKDB_TICKS
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
        final = exp.select(*items).from_(self.nested(query))
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
        """Which columns of each stored table the plan reads, and whether it speaks of fractions of a microsecond."""
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
                elif isinstance(current, tuple):
                    stack.extend(current)
                elif isinstance(current, o.PARTS):
                    if id(current) in seen:
                        continue
                    seen.add(id(current))
                    stack.extend(getattr(current, name) for name in current.__dataclass_fields__ if name != "span")

        visit(plan.root)
        visit(plan.names)

    # --- helpers

    def column(self, kind: Type) -> e.Column:
        self.next += 1
        return e.Column(self.next, "", kind)

    def nested(self, query: Relational) -> exp.Subquery:
        self.aliases += 1
        return query.select.subquery(f"t{self.aliases}", copy=query.select.parent is not None)

    def subquery(self, relation: o.Relation) -> exp.Query:
        saved = self.scalars.aggregating, self.scalars.order
        self.scalars.aggregating, self.scalars.order = False, []
        try:
            found = self.relation(relation)
        finally:
            self.scalars.aggregating, self.scalars.order = saved
        return found.select

    def reference(self, column: e.Column) -> exp.Expr:
        return exp.column(column_name(column), quoted=True)

    def named(self, value: exp.Expr, column: e.Column) -> exp.Expr:
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
        return exp.select(exp.Star(), *added).from_(self.nested(query))

    def relation(self, relation: o.Relation) -> Relational:
        match relation:
            case o.Source():
                return self.source(relation)
            case o.Rows():
                return self.rows(relation)
            case o.Range():
                return self.range(relation)
            case o.Filter(input=inner, predicate=predicate):
                if (below := _unique_join(relation)) is not None:
                    self.filters.setdefault(id(below), []).extend(e.conjuncts(predicate))
                query = self.relation(inner)
                query, (predicate,) = self.windowed(query, (predicate,))
                return Relational(self.over(query).where(comparisons.predicate(self.scalars, predicate)), query.columns, query.order)
            case o.Compute(input=inner, items=items):
                return self.computed(self.relation(inner), items)
            case o.Project(input=inner, items=items):
                query = self.relation(inner)
                select = exp.select(*(self.named(self.scalars.value(x), c) for c, x in items)).from_(self.nested(query))
                return Relational(select, {c.id: c for c, _ in items})
            case o.Aggregate():
                return self.aggregate(relation)
            case o.Join():
                return self.join(relation)
            case o.Union():
                return self.union(relation)
            case o.Distinct(input=inner, columns=columns):
                query = self.relation(inner)
                return Relational(
                    exp.select(*map(self.reference, columns)).distinct().from_(self.nested(query)), {c.id: c for c in columns}
                )
            case o.Sort(input=inner, keys=keys):
                return self.sorted(self.relation(inner), keys)
            case o.Limit():
                return self.limit(relation)
            case o.Number(input=inner, column=column):
                query = self.relation(inner)
                number = exp.Window(this=exp.RowNumber(), order=self.order_of(query, required=self.dialect.name != "duckdb"))
                return Relational(self.over(query, self.named(number, column)), {**query.columns, column.id: column}, query.order)
            case o.Expand():
                return self.expand(relation)
            case o.Parse():
                return self.parse(relation)
            case o.ParsePairs():
                return self.parse_pairs(relation)
            case o.Series():
                return self.series(relation)
            case o.Arrange(input=inner):
                return self.relation(inner)
            case o.External(kind=kind, name=name, span=span):
                raise EngineError(f"the {kind} {name} is not read: the engine reaches no network", span)
            case o.Evaluation(name="rows_near"):
                return self.rows_near(relation)
            case o.Evaluation():
                return self.evaluated(relation)
            case o.Scan():
                return Relational(*scan(self, relation))
            case o.GraphMatch() | o.GraphTable():
                return Relational(*graph_rows(self, relation))
            case o.TopNested():
                return Relational(*top_nested(self, relation))
            case o.SchemaMerge():
                return self.merged_schemas(relation)
            case o.Unsupported(reason=reason, span=span):
                raise EngineError(reason, span)
        raise EngineError(f"{type(relation).__name__} is not supported by the engine", relation.span)

    # --- sources

    def source(self, relation: o.Source) -> Relational:
        """A stored table: strings become empty where they are null, columns without data null or empty."""
        columns = self.used.get(relation.id, {})
        self.reads.setdefault(relation.table, set()).update(c.name for c in columns.values())
        stored = self.stored.get(relation.table) if self.stored is not None else None
        if self.stored is not None and stored is None:
            raise EngineError(f"there is no data for the table {relation.table}", relation.span)
        names = told_apart(stored or ())
        items: list[exp.Expr] = []
        for column in columns.values():
            if stored is not None and column.name not in stored:
                value = self.scalars.null(column.type)
            else:
                value = self.scalars.never_null(exp.column(names.get(column.name, column.name), quoted=True), column.type)
            items.append(self.named(value, column))
        select = exp.select(*(items or [exp.alias_(exp.Literal.number(1), "one")])).from_(exp.table_(relation.table, quoted=True))
        return Relational(select, dict(columns))

    def rows(self, relation: o.Rows) -> Relational:
        columns = relation.columns
        if not columns:
            return Relational(exp.select(exp.alias_(exp.Literal.number(1), "one")), {})
        if not relation.rows:
            items = [self.named(self.scalars.null(c.type), c) for c in columns]
            return Relational(exp.select(*items).where(exp.false()), {c.id: c for c in columns})
        tuples = []
        for row in relation.rows:
            padded = [*row, *(e.Const(None, c.type, None) for c in columns[len(row) :])]
            tuples.append(exp.Tuple(expressions=[self.cell(x, c.type) for x, c in zip(padded, columns, strict=True)]))
        names = [exp.to_identifier(column_name(c), quoted=True) for c in columns]
        values = exp.Values(expressions=tuples, alias=exp.TableAlias(this=exp.to_identifier("v"), columns=names))
        items = [self.named(self.scalars.cast(self.reference(c), c.type), c) for c in columns]
        return Relational(exp.select(*items).from_(values), {c.id: c for c in columns})

    def cell(self, expr: e.Expr, kind: Type) -> exp.Expr:
        return self.scalars.cast(conversions.typed(self.scalars, expr, kind), kind)

    def range(self, relation: o.Range) -> Relational:
        column = relation.column
        low, high, step = (self.scalars.value(x) for x in (relation.start, relation.stop, relation.step))
        number = self.column(Type.LONG)
        if column.type == Type.DATETIME:
            parts = [n for x in (relation.start, relation.stop, relation.step) for n in e.walk(x)]
            if any(isinstance(n, e.Subquery) or (isinstance(n, e.Const) and finer_than_micros(n)) for n in parts):
                self.scalars.whole_micros("range", relation.span)
            micros = [self.scalars.word("micros", x) for x in (low, high)]
            by = self.scalars.sql("$1 // 10", step)
            values = self.series_of(micros[0], micros[1], by, number)
            made: exp.Expr = self.scalars.word("moment", self.reference(number))
        elif column.type == Type.REAL:
            count = self.scalars.sql("CAST(FLOOR(($2 - $1) / $3 + 1e-9) AS BIGINT)", low, high, step)
            values = self.series_of(exp.Literal.number(0), count, exp.Literal.number(1), number)
            made = self.scalars.sql("$1 + $2 * $3", low, self.reference(number), step)
        else:
            values = self.series_of(low, high, step, number)
            made = self.reference(number)
        return Relational(exp.select(self.named(self.scalars.cast(made, column.type), column)).from_(values), {column.id: column})

    def series_of(self, low: exp.Expr, high: exp.Expr, step: exp.Expr, column: e.Column) -> exp.Expr:
        items = exp.Unnest(expressions=[exp.GenerateSeries(start=low, end=high, step=step)])
        if self.dialect.name == "duckdb":
            return exp.select(self.named(items, column)).subquery("s")
        return exp.select(self.named(exp.Explode(this=exp.func("SEQUENCE", low, high, step)), column)).subquery("s")

    # --- rows

    def computed(self, query: Relational, items: tuple[tuple[e.Column, e.Expr], ...]) -> Relational:
        query, values = self.windowed(query, tuple(x for _, x in items))
        self.scalars.order = query.order
        added = [self.named(self.typed(x, c), c) for (c, _), x in zip(items, values, strict=True)]
        return Relational(self.over(query, *added), {**query.columns, **{c.id: c for c, _ in items}}, query.order)

    def typed(self, expr: e.Expr, column: e.Column) -> exp.Expr:
        value = self.scalars.value(expr)
        return (
            self.scalars.cast(value, column.type)
            if isinstance(expr, e.Const) and expr.value is None and column.type != Type.STRING
            else value
        )

    def order_of(self, query: Relational, required: bool = False) -> exp.Order | None:
        if query.order:
            return exp.Order(expressions=[k.copy() for k in query.order])
        return exp.Order(expressions=[exp.Ordered(this=exp.Literal.number(1))]) if required else None

    def windowed(self, query: Relational, exprs: tuple[e.Expr, ...]) -> tuple[Relational, tuple[e.Expr, ...]]:
        """Window functions computed as columns first, innermost first, so that they can stand anywhere in an expression."""
        while True:
            found = next((w for x in exprs if (w := _innermost_window(x)) is not None), None)
            if found is None:
                return query, exprs
            column = self.column(Type.DYNAMIC if found.type == Type.UNKNOWN else found.type)
            query = self.window(query, found, column)
            reference = e.ColumnRef(found.span, column.type, column)
            exprs = tuple(e.transform(x, lambda n, f=found, r=reference: r if n == f else n) for x in exprs)  # type: ignore[misc]

    def window(self, query: Relational, call: e.Apply, column: e.Column) -> Relational:
        apart: list[e.Column] = []
        if call.function == WITHIN:
            inner, key = call.args
            assert isinstance(inner, e.Apply) and isinstance(key, e.ColumnRef)
            call, apart = inner, [key.column]
        args = call.args
        order = self.order_of(query, required=self.dialect.name != "duckdb")
        rows = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")

        def over(function: exp.Expr, partition: e.Column | None = None, spec: exp.WindowSpec | None = None) -> exp.Window:
            parts = [self.reference(c) for c in (*apart, *([partition] if partition else []))] or None
            return exp.Window(this=function, partition_by=parts, order=order.copy() if order else None, spec=spec.copy() if spec else None)

        def grouped(restart: e.Expr) -> tuple[Relational, e.Column]:
            """A number that grows where ``restart`` holds."""
            group = self.column(Type.LONG)
            flag = self.scalars.sql("SUM(CASE WHEN $1 THEN 1 ELSE 0 END)", comparisons.predicate(self.scalars, restart))
            value = self.named(over(flag, spec=rows), group)
            return Relational(self.over(query, value), {**query.columns, group.id: group}, query.order), group

        name = call.function
        if name in ("prev", "next"):
            offset = args[1] if len(args) > 1 else e.const(1)
            if not (isinstance(offset, e.Const) and isinstance(offset.value, int)):
                raise EngineError(f"{name}() needs a constant offset", call.span)
            make = exp.Lag if name == "prev" else exp.Lead
            default = conversions.typed(self.scalars, args[2], call.type) if len(args) > 2 else None
            value = over(make(this=self.scalars.value(args[0]), offset=exp.Literal.number(offset.value), default=default))
            added = self.scalars.never_null(value, call.type)
            return Relational(self.over(query, self.named(added, column)), {**query.columns, column.id: column}, query.order)
        group: e.Column | None = None
        if name == "row_number":
            if len(args) > 1:
                query, group = grouped(args[1])
            found: exp.Expr = over(exp.RowNumber(), group)
            if args:
                found = self.scalars.sql("$1 + $2 - 1", found, conversions.to_number(self.scalars, args[0]))
        elif name == "row_cumsum":
            if len(args) > 1:
                query, group = grouped(args[1])
            found = over(exp.Sum(this=conversions.to_number(self.scalars, args[0])), group, rows)
            if column.type in (Type.INT, Type.LONG, Type.TIMESPAN):
                found = self.scalars.cast(found, Type.LONG)
        elif name in ("row_rank_dense", "row_rank_min"):
            before: e.Expr = e.Apply(None, args[0].type, "prev", (args[0],))
            place_of: e.Expr = e.Apply(None, Type.LONG, "row_number", ())
            if apart:
                before, place_of = (
                    e.Apply(None, x.type, WITHIN, (x, e.ColumnRef(None, c.type, c))) for x in (before, place_of) for c in apart
                )
            first = e.Apply(None, Type.BOOL, "==", (place_of, e.const(1)))
            changed: e.Expr = e.disjunction(first, e.negation(e.Apply(None, Type.BOOL, "==", (args[0], before))))
            if len(args) > 1:
                changed = e.disjunction(changed, args[1])
            query, (changed, *restarts) = self.windowed(query, (changed, *args[1:2]))
            if restarts:
                query, group = grouped(restarts[0])
            if name == "row_rank_dense":
                flag = self.scalars.sql("SUM(CASE WHEN $1 THEN 1 ELSE 0 END)", comparisons.predicate(self.scalars, changed))
                found = over(flag, group, rows)
            else:
                place = self.column(Type.LONG)
                query = Relational(
                    self.over(query, self.named(over(exp.RowNumber(), group), place)), {**query.columns, place.id: place}, query.order
                )
                flag = self.scalars.sql(
                    "MAX(CASE WHEN $1 THEN $2 END)", comparisons.predicate(self.scalars, changed), self.reference(place)
                )
                found = over(flag, group, rows)
        elif name == "row_window_session" and args[0].type == Type.DATETIME and len(args) in (3, 4):
            return self.sessions(query, call, column, apart)
        else:
            raise EngineError(f"the function {name}() is known but not supported by the engine", call.span)
        return Relational(self.over(query, self.named(found, column)), {**query.columns, column.id: column}, query.order)

    def sessions(self, query: Relational, call: e.Apply, column: e.Column, apart: list[e.Column]) -> Relational:
        """row_window_session: where each session starts depends on where the one before it did, so a function goes through the rows."""
        self.only_duckdb("row_window_session()", call.span)
        place, item, start = self.column(Type.LONG), self.column(Type.DYNAMIC), self.column(Type.LONG)
        number = exp.Window(this=exp.RowNumber(), order=self.order_of(query))
        row = array_text(self.scalars, [*call.args, e.const(False)][:4])
        numbered = self.over(query, self.named(number, place), self.named(row, item))
        ordered = self.scalars.sql("CAST(TO_JSON(LIST(CAST($1 AS JSON) ORDER BY $2)) AS TEXT)", self.reference(item), self.reference(place))
        made = self.scalars.python("sessions_of", meanings.sessions_of, (Type.DYNAMIC,), Type.DYNAMIC, (ordered,))
        source = self.shared_name()
        found = exp.select(
            self.named(self.scalars.sql("UNNEST(LIST($1 ORDER BY $1))", self.reference(place)), place),
            self.named(self.scalars.sql("UNNEST(CAST(CAST($1 AS JSON) AS BIGINT[]))", made), start),
        ).from_(source)
        if apart:
            found = found.group_by(*map(self.reference, apart))
        moment = self.scalars.moment_of_ticks(exp.column(column_name(start), table="s", quoted=True))
        select = exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier(source)), self.named(moment, column)).from_(source)
        same = exp.EQ(
            this=exp.column(column_name(place), table=source, quoted=True),
            expression=exp.column(column_name(place), table="s", quoted=True),
        )
        select = select.join(found.subquery("s"), on=same).with_(source, as_=numbered, materialized=True)
        order = query.order or [exp.Ordered(this=self.reference(place))]
        return Relational(select, {**query.columns, place.id: place, column.id: column}, order)

    def sorted(self, query: Relational, keys: tuple[o.Ordering, ...]) -> Relational:
        query, exprs = self.windowed(query, tuple(k.expr for k in keys))
        order: list[exp.Ordered] = []
        items: list[tuple[e.Column, e.Expr]] = []
        mixed: dict[int, e.Column] = {}
        for key, expr in zip(keys, exprs, strict=True):
            if isinstance(expr, e.ColumnRef):
                column = expr.column
            else:
                column = self.column(expr.type)
                items.append((column, expr))
            if comparisons.mixed(self.scalars, expr):
                mixed[column.id] = column
            order.append(
                exp.Ordered(this=self.reference(column), desc=key.descending, nulls_first=key.nulls_first, explicit_null_order=True)
            )
        if items:
            query = self.computed(query, tuple(items))
        for column in mixed.values():
            query, by = self.keyed(query, column)
            for key_of_order in order:
                if key_of_order.this == self.reference(column):
                    key_of_order.set("this", self.reference(by))
        return Relational(query.select, query.columns, order)

    def keyed(self, query: Relational, column: e.Column) -> tuple[Relational, e.Column]:
        """A column that orders rows by a dynamic one, refused when the query runs where its values are of several kinds."""
        made, by = self.column(Type.STRING), self.column(Type.STRING)
        key = self.named(comparisons.order_key(self.scalars, self.reference(column)), made)
        query = Relational(self.over(query, key), {**query.columns, made.id: made}, query.order)
        least, greatest = (exp.Window(this=f(this=self.reference(made))) for f in (exp.Min, exp.Max))
        checked = self.named(comparisons.of_one_kind(self.scalars, least, greatest, self.reference(made)), by)
        return Relational(self.over(query, checked), {**query.columns, by.id: by}, query.order), by

    def limit(self, relation: o.Limit) -> Relational:
        if relation.operator == "sample":
            raise EngineError("sample is random: its result could not be reproduced; take gives some rows too", relation.span)
        query = self.relation(relation.input)
        if relation.keys:
            query = self.sorted(query, relation.keys)
        count = self.scalars.value(relation.count)
        if relation.partition:
            place = self.column(Type.LONG)
            window = exp.Window(
                this=exp.RowNumber(),
                partition_by=[self.reference(c) for c in relation.partition],
                order=self.order_of(query, required=self.dialect.name != "duckdb"),
            )
            numbered = Relational(self.over(query, self.named(window, place)), {**query.columns, place.id: place}, query.order)
            return Relational(
                self.over(numbered).where(exp.LTE(this=self.reference(place), expression=count)), numbered.columns, query.order
            )
        select = self.over(query)
        if query.order:
            select = select.order_by(*[k.copy() for k in query.order])
        return Relational(select.limit(count), query.columns, query.order)

    # --- groups and joins

    def aggregate(self, relation: o.Aggregate) -> Relational:
        query = self.relation(relation.input)
        query, keys = self.windowed(query, tuple(x for _, x in relation.keys))
        made = tuple(
            (c if not isinstance(x, e.ColumnRef) else self.column(c.type), x) for (c, _), x in zip(relation.keys, keys, strict=True)
        )
        if made:
            query = self.computed(query, made)
        self.scalars.order, self.scalars.aggregating = query.order, True
        try:
            items = [self.named(self.reference(m), c) for (c, _), (m, _) in zip(relation.keys, made, strict=True)]
            items += [self.named(self.scalars.value(x), c) for c, x in relation.aggregates]
        finally:
            self.scalars.order, self.scalars.aggregating = [], False
        columns = {c.id: c for c, _ in (*relation.keys, *relation.aggregates)}
        select = exp.select(*items).from_(self.nested(query))
        if made:
            select = select.group_by(*(self.reference(m) for m, _ in made))
        if not relation.aggregates and not made:
            raise EngineError("a summarize without anything to compute", relation.span)
        return Relational(select, columns)

    def join(self, join: o.Join) -> Relational:
        left, right = self.relation(join.left), self.relation(join.right)
        left_keys = tuple((self.column(a.type), a) for a, _ in join.on)
        right_keys = tuple((self.column(b.type), b) for _, b in join.on)
        if join.kind == "innerunique" and join.on:
            # Filters behind the join are pushed to the side they speak of, and there decide which row of a key is kept
            # (learn.microsoft.com/kusto/query/join-innerunique).
            sided = [c for c in self.filters.get(id(join), ()) if {x.id for x in e.columns_of(c)} <= left.columns.keys()]
            if sided:
                left = Relational(self.over(left).where(*(comparisons.predicate(self.scalars, x) for x in sided)), left.columns, left.order)
            left = self.unique(left, tuple(a for a, _ in join.on))
        if join.on:
            left, right = self.computed(left, left_keys), self.computed(right, right_keys)
        conditions: list[exp.Expr] = []
        for (a, _), (b, _) in zip(left_keys, right_keys, strict=True):
            x, y = comparisons.operands(self.scalars, e.ColumnRef(None, a.type, a), e.ColumnRef(None, b.type, b))
            conditions.append(exp.EQ(this=x, expression=y))
        if join.condition is not None:
            conditions.append(comparisons.predicate(self.scalars, join.condition))
        condition = exp.and_(*conditions) if conditions else exp.true()
        kind = join.kind
        if kind in ("leftsemi", "leftanti", "leftantisemi", "rightsemi", "rightanti", "rightantisemi"):
            outer, inner = (left, right) if kind.startswith("left") else (right, left)
            exists: exp.Expr = exp.Exists(this=exp.select("1").from_(self.nested(inner)).where(condition))
            if "anti" in kind:
                exists = exp.Not(this=exists)
            return Relational(self.over(outer).where(exists), outer.columns, outer.order)
        sides = {"leftouter": "LEFT", "rightouter": "RIGHT", "fullouter": "FULL"}
        if kind not in ("inner", "innerunique", *sides):
            raise EngineError(f"a join of kind {kind} is not supported", join.span)
        columns = {**left.columns, **right.columns}
        optional = (right.columns if kind in ("leftouter", "fullouter") else {}) | (
            left.columns if kind in ("rightouter", "fullouter") else {}
        )
        items = [
            self.named(self.scalars.never_null(self.reference(c), c.type), c) if c.id in optional else self.reference(c)
            for c in columns.values()
        ]
        made = exp.Join(this=self.nested(right), on=condition, side=sides.get(kind), kind=None if kind in sides else "INNER")
        select = exp.select(*items).from_(self.nested(left))
        select.append("joins", made)
        return Relational(select, columns)

    def unique(self, query: Relational, keys: tuple[e.Expr, ...]) -> Relational:
        """The first row of each key: what the left side of an innerunique join is reduced to."""
        place = self.column(Type.LONG)
        order = self.order_of(query, required=self.dialect.name != "duckdb")
        values = [self.scalars.value(k) for k in keys]
        window = exp.Window(this=exp.RowNumber(), partition_by=values, order=order)
        numbered = Relational(self.over(query, self.named(window, place)), {**query.columns, place.id: place}, query.order)
        only = self.over(numbered).where(exp.EQ(this=self.reference(place), expression=exp.Literal.number(1)))
        return Relational(only, query.columns, query.order)

    def union(self, union: o.Union) -> Relational:
        selects: list[exp.Query] = []
        for index, part in enumerate(union.inputs):
            query = self.relation(part)
            items = []
            for column, origins in union.columns:
                origin = origins[index]
                if origin is None:
                    value = self.scalars.null(column.type)
                elif origin.type == column.type or column.type == Type.UNKNOWN:
                    value = self.reference(origin)
                else:
                    value = conversions.typed(self.scalars, e.ColumnRef(None, origin.type, origin), column.type)
                items.append(self.named(self.scalars.cast(value, column.type), column))
            selects.append(exp.select(*(items or [exp.alias_(exp.Literal.number(1), "one")])).from_(self.nested(query)))
        found: exp.Query = selects[0]
        for other in selects[1:]:
            found = exp.Union(this=found, expression=other, distinct=False)
        return Relational(found, {c.id: c for c, _ in union.columns})

    # --- dynamic values and text

    def expand(self, relation: o.Expand) -> Relational:
        return self.expanded(self.relation(relation.input), relation)

    def expanded(self, query: Relational, relation: o.Expand) -> Relational:
        query, exprs = self.windowed(query, tuple(x for _, x in relation.items))
        raw = [(self.column(Type.DYNAMIC), c) for c, _ in relation.items]
        arrays = tuple((self.column(Type.DYNAMIC), self.elements(x, relation.pairs)) for x in exprs)
        columns = {**query.columns, **{r.id: r for r, _ in raw}}
        limit = self.scalars.value(relation.limit) if relation.limit is not None else None
        inner = Relational(
            self.over(query, *(self.named(v, c) for c, v in arrays)), {**query.columns, **{c.id: c for c, _ in arrays}}, query.order
        )
        if self.dialect.name == "duckdb":
            lists = [self.scalars.word("elements", self.reference(c)) for c, _ in arrays]
            if limit is not None:
                lists = [exp.func("LIST_SLICE", x, exp.Literal.number(1), limit.copy()) for x in lists]
            added = [self.named(exp.Unnest(expressions=[x]), r) for x, (r, _) in zip(lists, raw, strict=True)]
            if relation.index is not None:
                size = (
                    exp.func("LEN", lists[0])
                    if len(lists) == 1
                    else exp.Greatest(
                        this=exp.func("LEN", lists[0]), expressions=[exp.func("LEN", x) for x in lists[1:]], ignore_nulls=True
                    )
                )
                index = exp.func("RANGE", size)
                added.append(self.named(exp.Unnest(expressions=[index]), relation.index))
            expanded = Relational(self.over(inner, *added), columns, query.order)
        else:
            expanded = self.exploded(inner, [c for c, _ in arrays], [r for r, _ in raw], relation.index, limit, columns)
        if relation.index is not None:
            expanded.columns[relation.index.id] = relation.index
        items = []
        for made, target in raw:
            value = exp.Nullif(this=self.reference(made), expression=exp.Literal.string("null"))
            items.append(
                self.named(
                    value if target.type in (Type.DYNAMIC, Type.UNKNOWN) else conversions.from_dynamic(self.scalars, value, target.type),
                    target,
                )
            )
        return Relational(self.over(expanded, *items), {**expanded.columns, **{t.id: t for _, t in raw}}, query.order)

    def evaluated(self, relation: o.Evaluation) -> Relational:
        """A plugin in Python: it is given all rows as one value and gives one of rows, which is expanded."""
        assert relation.input is not None
        whole, row = self.column(Type.DYNAMIC), self.column(Type.DYNAMIC)
        query = self.relation(relation.input)
        gathered = exp.select(self.named(timeline_rows(self.scalars, relation), whole)).from_(self.nested(query))
        reference = e.ColumnRef(relation.span, Type.DYNAMIC, whole)
        items = o.Expand(relation.span, relation.input, ((row, reference),), None, None)
        expanded = self.expanded(Relational(gathered, {whole.id: whole}), items)
        made = e.ColumnRef(relation.span, Type.DYNAMIC, row)
        return self.computed(expanded, tuple((c, e.Path(relation.span, c.type, made, (i,))) for i, c in enumerate(relation.columns)))

    def rows_near(self, relation: o.Evaluation) -> Relational:
        """The rows with one for which the condition holds among those around them."""
        assert relation.input is not None
        query, exprs = self.windowed(self.relation(relation.input), tuple(x for _, x in relation.arguments))
        condition, *sizes = exprs
        before, after = (x.value if isinstance(x, e.Const) else None for x in sizes)
        if not (isinstance(before, int) and isinstance(after, int) and min(before, after) >= 0):
            raise EngineError("rows_near() needs constant numbers of rows", relation.span)
        flag = self.scalars.sql("MAX(CASE WHEN $1 THEN 1 ELSE 0 END)", comparisons.predicate(self.scalars, condition))
        number = exp.Literal.number
        spec = exp.WindowSpec(kind="ROWS", start=number(after), start_side="PRECEDING", end=number(before), end_side="FOLLOWING")
        window = exp.Window(this=flag, order=self.order_of(query, required=self.dialect.name != "duckdb"), spec=spec)
        near = self.column(Type.LONG)
        marked = Relational(self.over(query, self.named(window, near)), query.columns, query.order)
        return Relational(self.over(marked).where(exp.EQ(this=self.reference(near), expression=number(1))), query.columns, query.order)

    def elements(self, expr: e.Expr, pairs: bool) -> exp.Expr:
        """The elements of a value as a JSON array."""
        value = conversions.to_dynamic(self.scalars, expr)
        found = self.scalars.python(
            "elements_of", meanings.elements_of, (Type.DYNAMIC, Type.BOOL), Type.DYNAMIC, (value, exp.Boolean(this=pairs)), nulls=True
        )
        if self.dialect.name != "duckdb" or pairs:
            return found
        kind = self.scalars.word("json_type", value)
        return self.scalars.sql("CASE WHEN $1 = 'ARRAY' THEN $2 ELSE $3 END", kind, value, found)

    def exploded(
        self,
        query: Relational,
        arrays: list[e.Column],
        raw: list[e.Column],
        index: e.Column | None,
        limit: exp.Expr | None,
        columns: dict[int, e.Column],
    ) -> Relational:
        """mv-expand where SQL has explode(): the arrays become one of rows, each a JSON array of the elements side by side."""
        size = len(arrays)
        zipped = self.scalars.python(
            "side_by_side", meanings.side_by_side, (Type.DYNAMIC,) * size, Type.DYNAMIC, tuple(self.reference(a) for a in arrays)
        )
        rows = exp.func("FROM_JSON", zipped, exp.Literal.string("array<string>"), dialect="spark")
        place, element = self.column(Type.LONG), self.column(Type.DYNAMIC)
        view = exp.Lateral(
            this=exp.Posexplode(this=rows), view=True,
            alias=exp.TableAlias(this=exp.to_identifier("x"), columns=[exp.to_identifier(column_name(place)), exp.to_identifier(column_name(element))]),
        )  # fmt: skip
        select = self.over(query)
        select.append("laterals", view)
        inner = Relational(select, {**query.columns, place.id: place, element.id: element}, query.order)
        added: list[exp.Expr] = []
        for number, column in enumerate(raw):
            step = self.scalars.python(
                "step_into",
                meanings.step_into,
                (Type.DYNAMIC, Type.LONG),
                Type.DYNAMIC,
                (self.reference(element), exp.Literal.number(number)),
            )
            added.append(self.named(step, column))
        if index is not None:
            added.append(self.named(self.scalars.cast(self.reference(place), Type.LONG), index))
        found = self.over(inner, *added)
        if limit is not None:
            found = found.where(exp.LT(this=self.reference(place), expression=limit))
        return Relational(found, {**columns, **({index.id: index} if index else {})}, query.order)

    def parse(self, relation: o.Parse) -> Relational:
        query = self.relation(relation.input)
        regex, columns = regex_of(relation)
        subject = self.column(Type.STRING)
        query = self.computed(query, ((subject, e.Apply(None, Type.STRING, "tostring", (relation.value,))),))
        reference, pattern = self.reference(subject), e.const(regex)
        if relation.filters:
            query = Relational(self.over(query).where(texts.matching(self.scalars, reference, pattern)), query.columns, query.order)
        strict = relation.kind != "relaxed" and any(c.type != Type.STRING for _, c in columns)
        made = [(self.column(c.type) if strict else c, number) for number, c in columns]
        items = []
        for column, number in made:
            text = self.scalars.never_null(texts.captured(self.scalars, pattern, e.const(number), reference), Type.STRING)
            items.append(self.named(conversions.from_text(self.scalars, text, column.type), column))
        query = Relational(self.over(query, *items), {**query.columns, **{c.id: c for c, _ in made}}, query.order)
        if not strict:
            return query
        converted = exp.and_(
            *(exp.Not(this=exp.Is(this=self.reference(c), expression=exp.Null())) for c, _ in made if c.type != Type.STRING)
        )
        if relation.filters:
            query = Relational(self.over(query).where(converted), query.columns, query.order)
        shown = [
            self.named(self.scalars.sql("CASE WHEN $1 THEN $2 ELSE $3 END", converted, self.reference(m), self.scalars.null(c.type)), c)
            for (m, _), (_, c) in zip(made, columns, strict=True)
        ]
        return Relational(self.over(query, *shown), {**query.columns, **{c.id: c for _, c in columns}}, query.order)

    def parse_pairs(self, relation: o.ParsePairs) -> Relational:
        query = self.relation(relation.input)
        bag = self.column(Type.DYNAMIC)
        spec = {
            "pair": relation.pair, "key": relation.key, "quotes": relation.quotes, "escapes": relation.escapes, "greedy": relation.greedy,
            "regex": relation.regex, "names": [c.name for c in relation.columns],
        }  # fmt: skip
        literal = exp.Literal.string(meanings.dumps(spec) or "{}")
        found = self.scalars.python(
            "pairs_of",
            meanings.pairs_of,
            (Type.STRING, Type.DYNAMIC),
            Type.DYNAMIC,
            (conversions.to_text(self.scalars, relation.value), literal),
        )
        query = Relational(self.over(query, self.named(found, bag)), {**query.columns, bag.id: bag}, query.order)
        items = tuple((c, e.Path(None, c.type, e.ColumnRef(None, Type.DYNAMIC, bag), (c.name,))) for c in relation.columns)
        return self.computed(query, items)

    def merged_schemas(self, merge: o.SchemaMerge) -> Relational:
        """schema_merge: the rows of several getschema, in the order of their tables, as those of one."""
        self.only_duckdb("schema_merge", merge.span)
        assert merge.input is not None
        query = self.relation(merge.input)
        number = exp.Window(this=exp.RowNumber(), order=self.order_of(query))
        place, row = self.column(Type.LONG), self.column(Type.DYNAMIC)
        numbered = self.over(
            query, self.named(number, place), self.named(self.scalars.word("json_array", *map(self.reference, merge.read)), row)
        )
        listed = self.scalars.sql(
            "COALESCE(CAST(TO_JSON(LIST(CAST($1 AS JSON) ORDER BY $2)) AS TEXT), '[]')", self.reference(row), self.reference(place)
        )
        merged = self.scalars.python(
            "merged_schema", meanings.merged_schema, (Type.DYNAMIC, Type.BOOL), Type.DYNAMIC, (listed, self.scalars.value(merge.ordered))
        )
        each = exp.select(self.named(exp.Unnest(expressions=[self.scalars.word("elements", merged)]), row)).from_(numbered.subquery("s"))
        items = tuple((c, e.Path(None, c.type, e.ColumnRef(None, Type.DYNAMIC, row), (i,))) for i, c in enumerate(merge.columns))
        return self.computed(Relational(each, {row.id: row}), items)

    def series(self, relation: o.Series) -> Relational:
        """make-series: values by the index of their step, gathered into arrays."""
        query = self.relation(relation.input)
        moments = relation.on.type == Type.DATETIME
        kind = Type.REAL if Type.REAL in (relation.on.type, relation.step.type) else relation.on.type
        unit = Type.REAL if kind == Type.REAL else Type.LONG
        if moments:
            self.scalars.whole_micros("make-series", relation.span)
        step = (
            self.scalars.sql("$1 // 10", self.scalars.value(relation.step))
            if moments
            else conversions.to_number(self.scalars, relation.step)
        )

        def position(expr: e.Expr) -> exp.Expr:
            return self.scalars.word("micros", self.scalars.value(expr)) if moments else conversions.to_number(self.scalars, expr)

        def binned(value: exp.Expr) -> exp.Expr:
            """The step that holds a value, counted from zero: for datetimes that is the year 1."""
            offset = exp.Literal.number(EPOCH_MICROS if moments else 0)
            return self.scalars.sql("$1 - ((($1 + $3) % $2) + $2) % $2", value, step, offset)

        on, low, high = (self.column(unit) for _ in range(3))
        size, place = self.column(Type.LONG), self.column(Type.LONG)
        keys = tuple((self.column(c.type), x) for c, x in relation.keys)
        query = Relational(self.over(query, self.named(position(relation.on), on)), {**query.columns, on.id: on})
        if keys:
            query = self.computed(query, keys)
        partition = [self.reference(c) for c, _ in keys]

        def edge(function: type[exp.AggFunc]) -> exp.Expr:
            return exp.Window(this=function(this=self.reference(on)), partition_by=[p.copy() for p in partition])

        start = position(relation.start) if relation.start is not None else edge(exp.Min)
        stop = position(relation.stop) if relation.stop is not None else edge(exp.Max)
        if relation.start is None or relation.included:
            start = binned(start)
        closed = relation.stop is None or relation.included
        steps = "CAST($2 - $1 AS DOUBLE) / $3"
        counted = f"CAST(FLOOR({steps} + 1e-9) AS BIGINT) + 1" if closed else f"CAST(CEIL({steps} - 1e-9) AS BIGINT)"
        bounded = Relational(
            self.over(query, self.named(start, low), self.named(stop, high)), {**query.columns, low.id: low, high.id: high}
        )
        index = self.scalars.sql(f"CAST(FLOOR({steps} + 1e-9) AS BIGINT)", self.reference(low), self.reference(on), step)
        total = self.scalars.sql(counted, self.reference(low), self.reference(high), step)
        placed = Relational(
            self.over(bounded, self.named(index, place), self.named(total, size)), {**bounded.columns, place.id: place, size.id: size}
        )
        self.scalars.aggregating = True
        try:
            values = [(self.column(x.type), self.scalars.value(x)) for _, x, _ in relation.aggregates]
        finally:
            self.scalars.aggregating = False
        inside = exp.and_(
            exp.GTE(this=self.reference(place), expression=exp.Literal.number(0)),
            exp.LT(this=self.reference(place), expression=self.reference(size)),
        )
        groups = [c for c, _ in keys] + [place, low, size]
        grouped = exp.select(*map(self.reference, groups), *(self.named(v, c) for c, v in values)).from_(self.nested(placed)).where(inside)
        grouped = grouped.group_by(*map(self.reference, groups))
        items: list[exp.Expr] = [self.named(self.reference(m), c) for (m, _), (c, _) in zip(keys, relation.keys, strict=True)]
        first, length = self.reference(low), self.reference(size)
        fixed = not keys and relation.start is not None and relation.stop is not None
        if fixed:
            # Nothing of the data decides where the only series starts and ends: it is there without any row too.
            first, length = start, self.scalars.sql(counted, start, stop, step)
        for (made, _), (target, _, default) in zip(values, relation.aggregates, strict=True):
            element = conversions.to_dynamic(self.scalars, e.ColumnRef(None, made.type, made))
            pair = self.scalars.sql("'[' || CAST($1 AS TEXT) || ',' || COALESCE($2, 'null') || ']'", self.reference(place), element)
            joined = self.scalars.sql("'[' || $1 || ']'", exp.GroupConcat(this=pair, separator=exp.Literal.string(",")))
            call = self.scalars.python(
                "series_of", meanings.series_of, (Type.DYNAMIC, Type.LONG, Type.DYNAMIC), Type.DYNAMIC,
                (joined, length, conversions.to_dynamic(self.scalars, default)), nulls=True,
            )  # fmt: skip
            items.append(self.named(call, target))
        axis = self.scalars.python(
            "axis_of", meanings.axis_of, (unit, unit, Type.LONG, Type.STRING), Type.DYNAMIC,
            (first, step, length, exp.Literal.string(kind.value)),
        )  # fmt: skip
        items.append(self.named(axis, relation.axis))
        select = exp.select(*items).from_(self.nested(Relational(grouped, {})))
        if not fixed:
            select = select.group_by(*map(self.reference, [*(c for c, _ in keys), low, size]))
        elif not relation.nonempty:
            select = select.having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0)))
        return Relational(
            select, {c.id: c for c in (*(c for c, _ in relation.keys), *(c for c, _, _ in relation.aggregates), relation.axis)}
        )


def _unique_join(relation: o.Relation) -> o.Join | None:
    """The innerunique join whose rows the filter ``relation`` sees one by one, and nothing before it by their order."""
    passed: list[object] = []
    while isinstance(relation, o.Filter | o.Compute | o.Sort | o.Arrange):
        passed += [getattr(relation, name, ()) for name in ("predicate", "items", "keys")]
        relation = relation.input
    if not isinstance(relation, o.Join) or relation.kind != "innerunique":
        return None
    by_order = any(isinstance(x, e.Apply) and _innermost_window(x) is not None for part in passed for x in o.parts(part))
    return None if by_order else relation


def _innermost_window(expr: e.Expr) -> e.Apply | None:
    for node in e.walk(expr):
        if isinstance(node, e.Apply) and (node.function in (*WINDOWS, WITHIN) or node.function == "row_rank"):
            within = node.args[0].args if node.function == WITHIN and isinstance(node.args[0], e.Apply) else node.args
            inner = next((w for a in within if (w := _innermost_window(a)) is not None), None)
            return inner if inner is not None else node
    return None
