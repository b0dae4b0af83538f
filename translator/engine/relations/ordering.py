"""Sorting and limits."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.relations.windows import computed, windowed
from translator.engine.scalars import comparisons
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type


def sorted_by(compiler: Compiling, query: Relational, keys: tuple[o.Ordering, ...]) -> Relational:
    """The same rows, whose order is that of ``keys`` where an operator asks for it."""
    query, exprs = windowed(compiler, query, tuple(k.expr for k in keys))
    order: list[exp.Ordered] = []
    items: list[tuple[e.Column, e.Expr]] = []
    mixed: dict[int, e.Column] = {}
    for key, expr in zip(keys, exprs, strict=True):
        if isinstance(expr, e.ColumnRef):
            column = expr.column
        else:
            column = compiler.column(expr.type)
            items.append((column, expr))
        if comparisons.mixed(compiler.scalars, expr):
            mixed[column.id] = column
        reference = compiler.reference(column)
        if column.type == Type.REAL and "is_nan" in compiler.dialect.words:
            # NaN stands beside null, at the end where that is: sort operator, "Using special floating-point values".
            grade = compiler.scalars.sql(
                "CASE WHEN $1 IS NULL THEN 2 WHEN $2 THEN 1 ELSE 0 END", reference, compiler.scalars.word("is_nan", reference)
            )
            order.append(exp.Ordered(this=grade, desc=key.nulls_first))
        order.append(exp.Ordered(this=reference, desc=key.descending, nulls_first=key.nulls_first, explicit_null_order=True))
    if items:
        query = computed(compiler, query, tuple(items))
    for column in mixed.values():
        query, by = _keyed(compiler, query, column)
        for key_of_order in order:
            if key_of_order.this == compiler.reference(column):
                key_of_order.set("this", compiler.reference(by))
    return Relational(query.select, query.columns, order)


def _keyed(compiler: Compiling, query: Relational, column: e.Column) -> tuple[Relational, e.Column]:
    """A column that orders rows by a dynamic one, refused when the query runs where its values are of several kinds."""
    made, by = compiler.column(Type.STRING), compiler.column(Type.STRING)
    query = compiler.extended(query, (made, comparisons.order_key(compiler.scalars, compiler.reference(column))))
    least, greatest = (exp.Window(this=f(this=compiler.reference(made))) for f in (exp.Min, exp.Max))
    checked = comparisons.of_one_kind(compiler.scalars, least, greatest, compiler.reference(made))
    return compiler.extended(query, (by, checked)), by


def limit(compiler: Compiling, relation: o.Limit) -> Relational:
    """The first rows of an order, or any; of each partition where there is one.

    Raises:
        EngineError: for ``sample``, which is random.
    """
    if relation.operator == "sample":
        raise EngineError("sample is random: its result could not be reproduced; take gives some rows too", relation.span)
    query = compiler.relation(relation.input)
    if relation.keys:
        query = sorted_by(compiler, query, relation.keys)
    count = compiler.scalars.value(relation.count)
    if relation.partition:
        place = compiler.column(Type.LONG)
        window = exp.Window(
            this=exp.RowNumber(),
            partition_by=[compiler.reference(c) for c in relation.partition],
            order=compiler.order_of(query, required=compiler.dialect.name != "duckdb"),
        )
        numbered = compiler.extended(query, (place, window))
        return compiler.filtered(numbered, exp.LTE(this=compiler.reference(place), expression=count))
    select = compiler.over(query)
    if query.order:
        select = select.order_by(*[k.copy() for k in query.order])
    return Relational(select.limit(count), query.columns, query.order)
