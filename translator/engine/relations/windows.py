"""Computed columns, and window functions, which are computed before what reads them."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.plugins import array_text
from translator.engine.python import rows as python_rows
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.scalars import comparisons, conversions
from translator.engine.scalars.writing import column_name
from translator.plan import expressions as e
from translator.plan.functions.windows import WITHIN, innermost_window
from translator.plan.types import Type


def computed(compiler: Compiling, query: Relational, items: tuple[tuple[e.Column, e.Expr], ...]) -> Relational:
    """The rows of a query with further columns, of which some look at rows before or behind."""
    query, values = windowed(compiler, query, tuple(x for _, x in items))
    compiler.scalars.order = query.order
    return compiler.extended(query, *((c, _typed(compiler, x, c)) for (c, _), x in zip(items, values, strict=True)))


def _typed(compiler: Compiling, expr: e.Expr, column: e.Column) -> exp.Expr:
    value = compiler.scalars.value(expr)
    missing = isinstance(expr, e.Const) and expr.value is None and column.type != Type.STRING
    return compiler.scalars.cast(value, column.type) if missing else value


def windowed(compiler: Compiling, query: Relational, exprs: tuple[e.Expr, ...]) -> tuple[Relational, tuple[e.Expr, ...]]:
    """Window functions computed as columns first, innermost first, so that they can stand anywhere in an expression."""
    while True:
        found = next((w for x in exprs if (w := innermost_window(x)) is not None), None)
        if found is None:
            return query, exprs
        column = compiler.column(Type.DYNAMIC if found.type == Type.UNKNOWN else found.type)
        query = _window(compiler, query, found, column)
        reference = e.ColumnRef(found.span, column.type, column)
        exprs = tuple(e.transform(x, lambda n, f=found, r=reference: r if n == f else n) for x in exprs)  # type: ignore[misc]


def _window(compiler: Compiling, query: Relational, call: e.Apply, column: e.Column) -> Relational:
    apart: list[e.Column] = []
    if call.function == WITHIN:
        inner, key = call.args
        assert isinstance(inner, e.Apply) and isinstance(key, e.ColumnRef)
        call, apart = inner, [key.column]
    args = call.args
    order = compiler.order_of(query, required=compiler.dialect.name != "duckdb")
    rows = exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW")

    def over(function: exp.Expr, partition: e.Column | None = None, spec: exp.WindowSpec | None = None) -> exp.Window:
        parts = [compiler.reference(c) for c in (*apart, *([partition] if partition else []))] or None
        return exp.Window(this=function, partition_by=parts, order=order.copy() if order else None, spec=spec.copy() if spec else None)

    def grouped(restart: e.Expr) -> tuple[Relational, e.Column]:
        """A number that grows where ``restart`` holds."""
        group = compiler.column(Type.LONG)
        flag = compiler.scalars.sql("SUM(CASE WHEN $1 THEN 1 ELSE 0 END)", comparisons.predicate(compiler.scalars, restart))
        return compiler.extended(query, (group, over(flag, spec=rows))), group

    name = call.function
    if name in ("prev", "next"):
        offset = args[1] if len(args) > 1 else e.const(1)
        if not (isinstance(offset, e.Const) and isinstance(offset.value, int)):
            raise EngineError(f"{name}() needs a constant offset", call.span)
        make = exp.Lag if name == "prev" else exp.Lead
        default = conversions.typed(compiler.scalars, args[2], call.type) if len(args) > 2 else None
        value = over(make(this=compiler.scalars.value(args[0]), offset=exp.Literal.number(offset.value), default=default))
        added = compiler.scalars.never_null(value, call.type)
        return compiler.extended(query, (column, added))
    group: e.Column | None = None
    if name == "row_number":
        if len(args) > 1:
            query, group = grouped(args[1])
        found: exp.Expr = over(exp.RowNumber(), group)
        if args:
            found = compiler.scalars.sql("$1 + $2 - 1", found, conversions.to_number(compiler.scalars, args[0]))
    elif name == "row_cumsum":
        if len(args) > 1:
            query, group = grouped(args[1])
        found = over(exp.Sum(this=conversions.to_number(compiler.scalars, args[0])), group, rows)
        if column.type in (Type.INT, Type.LONG, Type.TIMESPAN):
            found = compiler.scalars.cast(found, Type.LONG)
    elif name in ("row_rank_dense", "row_rank_min"):
        before: e.Expr = e.Apply(None, args[0].type, "prev", (args[0],))
        place_of: e.Expr = e.Apply(None, Type.LONG, "row_number", ())
        if apart:
            before, place_of = (e.Apply(None, x.type, WITHIN, (x, e.ColumnRef(None, c.type, c))) for x in (before, place_of) for c in apart)
        first = e.Apply(None, Type.BOOL, "==", (place_of, e.const(1)))
        changed: e.Expr = e.disjunction(first, e.negation(e.Apply(None, Type.BOOL, "==", (args[0], before))))
        if len(args) > 1:
            changed = e.disjunction(changed, args[1])
        query, (changed, *restarts) = windowed(compiler, query, (changed, *args[1:2]))
        if restarts:
            query, group = grouped(restarts[0])
        if name == "row_rank_dense":
            flag = compiler.scalars.sql("SUM(CASE WHEN $1 THEN 1 ELSE 0 END)", comparisons.predicate(compiler.scalars, changed))
            found = over(flag, group, rows)
        else:
            place = compiler.column(Type.LONG)
            query = compiler.extended(query, (place, over(exp.RowNumber(), group)))
            flag = compiler.scalars.sql(
                "MAX(CASE WHEN $1 THEN $2 END)", comparisons.predicate(compiler.scalars, changed), compiler.reference(place)
            )
            found = over(flag, group, rows)
    elif name == "row_window_session" and args[0].type == Type.DATETIME and len(args) in (3, 4):
        return _sessions(compiler, query, call, column, apart)
    else:
        raise EngineError(f"the function {name}() is known but not supported by the engine", call.span)
    return compiler.extended(query, (column, found))


def _sessions(compiler: Compiling, query: Relational, call: e.Apply, column: e.Column, apart: list[e.Column]) -> Relational:
    """row_window_session: where each session starts depends on where the one before it did, so a function goes through the rows."""
    compiler.only_duckdb("row_window_session()", call.span)
    place, item, start = compiler.column(Type.LONG), compiler.column(Type.DYNAMIC), compiler.column(Type.LONG)
    number = exp.Window(this=exp.RowNumber(), order=compiler.order_of(query))
    row = array_text(compiler.scalars, [*call.args, e.const(False)][:4])
    numbered = compiler.over(query, compiler.named(number, place), compiler.named(row, item))
    ordered = compiler.scalars.sql(
        "CAST(TO_JSON(LIST(CAST($1 AS JSON) ORDER BY $2)) AS TEXT)", compiler.reference(item), compiler.reference(place)
    )
    made = compiler.scalars.python("sessions_of", python_rows.sessions_of, (Type.DYNAMIC,), Type.DYNAMIC, (ordered,))
    source = compiler.shared_name()
    found = exp.select(
        compiler.named(compiler.scalars.sql("UNNEST(LIST($1 ORDER BY $1))", compiler.reference(place)), place),
        compiler.named(compiler.scalars.sql("UNNEST(CAST(CAST($1 AS JSON) AS BIGINT[]))", made), start),
    ).from_(source)
    if apart:
        found = found.group_by(*map(compiler.reference, apart))
    moment = compiler.scalars.moment_of_ticks(exp.column(column_name(start), table="s", quoted=True))
    select = exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier(source)), compiler.named(moment, column)).from_(source)
    same = exp.EQ(
        this=exp.column(column_name(place), table=source, quoted=True),
        expression=exp.column(column_name(place), table="s", quoted=True),
    )
    select = select.join(found.subquery("s"), on=same).with_(source, as_=numbered, materialized=True)
    order = query.order or [exp.Ordered(this=compiler.reference(place))]
    return Relational(select, {**query.columns, place.id: place, column.id: column}, order)
