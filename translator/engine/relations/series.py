"""make-series: values by the index of their step, gathered into arrays."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.python import times as python_times
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.relations.windows import computed
from translator.engine.scalars import conversions
from translator.engine.scalars.writing import EPOCH_MICROS
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type


def series(compiler: Compiling, relation: o.Series) -> Relational:
    """make-series: values by the index of their step, gathered into arrays."""
    query = compiler.relation(relation.input)
    moments = relation.on.type == Type.DATETIME
    kind = Type.REAL if Type.REAL in (relation.on.type, relation.step.type) else relation.on.type
    unit = Type.REAL if kind == Type.REAL else Type.LONG
    if moments:
        compiler.scalars.whole_micros("make-series", relation.span)
    step = (
        compiler.scalars.sql("$1 // 10", compiler.scalars.value(relation.step))
        if moments
        else conversions.to_number(compiler.scalars, relation.step)
    )

    def position(expr: e.Expr) -> exp.Expr:
        return compiler.scalars.word("micros", compiler.scalars.value(expr)) if moments else conversions.to_number(compiler.scalars, expr)

    def binned(value: exp.Expr) -> exp.Expr:
        """The step that holds a value, counted from zero: for datetimes that is the year 1."""
        offset = exp.Literal.number(EPOCH_MICROS if moments else 0)
        return compiler.scalars.sql("$1 - ((($1 + $3) % $2) + $2) % $2", value, step, offset)

    on, low, high = (compiler.column(unit) for _ in range(3))
    size, place = compiler.column(Type.LONG), compiler.column(Type.LONG)
    keys = tuple((compiler.column(c.type), x) for c, x in relation.keys)
    query = Relational(compiler.over(query, compiler.named(position(relation.on), on)), {**query.columns, on.id: on})
    if keys:
        query = computed(compiler, query, keys)
    partition = [compiler.reference(c) for c, _ in keys]

    def edge(function: type[exp.AggFunc]) -> exp.Expr:
        return exp.Window(this=function(this=compiler.reference(on)), partition_by=[p.copy() for p in partition])

    start = position(relation.start) if relation.start is not None else edge(exp.Min)
    stop = position(relation.stop) if relation.stop is not None else edge(exp.Max)
    if relation.start is None or relation.included:
        start = binned(start)
    closed = relation.stop is None or relation.included
    steps = "CAST($2 - $1 AS DOUBLE) / $3"
    counted = f"CAST(FLOOR({steps} + 1e-9) AS BIGINT) + 1" if closed else f"CAST(CEIL({steps} - 1e-9) AS BIGINT)"
    bounded = Relational(
        compiler.over(query, compiler.named(start, low), compiler.named(stop, high)), {**query.columns, low.id: low, high.id: high}
    )
    index = compiler.scalars.sql(f"CAST(FLOOR({steps} + 1e-9) AS BIGINT)", compiler.reference(low), compiler.reference(on), step)
    total = compiler.scalars.sql(counted, compiler.reference(low), compiler.reference(high), step)
    placed = Relational(
        compiler.over(bounded, compiler.named(index, place), compiler.named(total, size)),
        {**bounded.columns, place.id: place, size.id: size},
    )
    compiler.scalars.aggregating = True
    try:
        values = [(compiler.column(x.type), compiler.scalars.value(x)) for _, x, _ in relation.aggregates]
    finally:
        compiler.scalars.aggregating = False
    inside = exp.and_(
        exp.GTE(this=compiler.reference(place), expression=exp.Literal.number(0)),
        exp.LT(this=compiler.reference(place), expression=compiler.reference(size)),
    )
    groups = [c for c, _ in keys] + [place, low, size]
    grouped = (
        exp.select(*map(compiler.reference, groups), *(compiler.named(v, c) for c, v in values))
        .from_(compiler.derived_table(placed))
        .where(inside)
    )
    grouped = grouped.group_by(*map(compiler.reference, groups))
    items: list[exp.Expr] = [compiler.named(compiler.reference(m), c) for (m, _), (c, _) in zip(keys, relation.keys, strict=True)]
    first, length = compiler.reference(low), compiler.reference(size)
    fixed = not keys and relation.start is not None and relation.stop is not None
    if fixed:
        # Nothing of the data decides where the only series starts and ends: it is there without any row too.
        first, length = start, compiler.scalars.sql(counted, start, stop, step)
    for (made, _), (target, _, default) in zip(values, relation.aggregates, strict=True):
        element = conversions.to_dynamic(compiler.scalars, e.ColumnRef(None, made.type, made))
        if made.type == Type.REAL:  # all of an array are reals then
            default = e.Apply(default.span, Type.REAL, "todouble", (default,))
        pair = compiler.scalars.sql("'[' || CAST($1 AS TEXT) || ',' || COALESCE($2, 'null') || ']'", compiler.reference(place), element)
        joined = compiler.scalars.sql("'[' || $1 || ']'", exp.GroupConcat(this=pair, separator=exp.Literal.string(",")))
        call = compiler.scalars.python(
            "series_of", python_times.series_of, (Type.DYNAMIC, Type.LONG, Type.DYNAMIC), Type.DYNAMIC,
            (joined, length, conversions.to_dynamic(compiler.scalars, default)), nulls=True,
        )  # fmt: skip
        items.append(compiler.named(call, target))
    axis = compiler.scalars.python(
        "axis_of", python_times.axis_of, (unit, unit, Type.LONG, Type.STRING), Type.DYNAMIC,
        (first, step, length, exp.Literal.string(kind.value)),
    )  # fmt: skip
    items.append(compiler.named(axis, relation.axis))
    select = exp.select(*items).from_(compiler.derived_table(Relational(grouped, {})))
    if not fixed:
        select = select.group_by(*map(compiler.reference, [*(c for c, _ in keys), low, size]))
    elif not relation.nonempty:
        select = select.having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0)))
    return Relational(select, {c.id: c for c in (*(c for c, _ in relation.keys), *(c for c, _, _ in relation.aggregates), relation.axis)})
