"""Rows of several tables and of groups: summarize, joins, unions."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.relations.windows import computed, windowed
from translator.engine.scalars import comparisons, conversions
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type


def aggregate(compiler: Compiling, relation: o.Aggregate) -> Relational:
    """``summarize``: a row for each group, and one of all rows where there are no keys."""
    query = compiler.relation(relation.input)
    query, keys = windowed(compiler, query, tuple(x for _, x in relation.keys))
    made = tuple(
        (c if not isinstance(x, e.ColumnRef) else compiler.column(c.type), x) for (c, _), x in zip(relation.keys, keys, strict=True)
    )
    if made:
        query = computed(compiler, query, made)
    compiler.scalars.order, compiler.scalars.aggregating = query.order, True
    try:
        items = [compiler.named(compiler.reference(m), c) for (c, _), (m, _) in zip(relation.keys, made, strict=True)]
        items += [compiler.named(compiler.scalars.value(x), c) for c, x in relation.aggregates]
    finally:
        compiler.scalars.order, compiler.scalars.aggregating = [], False
    columns = {c.id: c for c, _ in (*relation.keys, *relation.aggregates)}
    select = exp.select(*items).from_(compiler.derived_table(query), copy=False)
    if made:
        select = select.group_by(*(compiler.reference(m) for m, _ in made), copy=False)
    if not relation.aggregates and not made:
        raise EngineError("a summarize without anything to compute", relation.span)
    return Relational(select, columns)


def join(compiler: Compiling, join: o.Join) -> Relational:
    """All kinds of ``join`` and ``lookup``; a key that is null has no partner, and a string never is null."""
    left, right = compiler.relation(join.left), compiler.relation(join.right)
    left_keys = tuple((compiler.column(a.type), a) for a, _ in join.on)
    right_keys = tuple((compiler.column(b.type), b) for _, b in join.on)
    if join.kind == "innerunique" and join.on:
        # Filters behind the join are pushed to the side they speak of, and there decide which row of a key is kept
        # (learn.microsoft.com/kusto/query/join-innerunique).
        sided = [c for c in compiler.filters.get(id(join), ()) if {x.id for x in e.columns_of(c)} <= left.columns.keys()]
        if sided:
            left = compiler.where(left, *sided)
        left = _unique(compiler, left, tuple(a for a, _ in join.on))
    if join.on:
        left, right = computed(compiler, left, left_keys), computed(compiler, right, right_keys)
    conditions: list[exp.Expr] = []
    for (a, _), (b, _) in zip(left_keys, right_keys, strict=True):
        x, y = comparisons.operands(compiler.scalars, e.ColumnRef(None, a.type, a), e.ColumnRef(None, b.type, b))
        conditions.append(exp.EQ(this=x, expression=y))
    if join.condition is not None:
        conditions.append(comparisons.predicate(compiler.scalars, join.condition))
    condition = exp.and_(*conditions) if conditions else exp.true()
    kind = join.kind
    if kind in ("leftsemi", "leftanti", "leftantisemi", "rightsemi", "rightanti", "rightantisemi"):
        outer, inner = (left, right) if kind.startswith("left") else (right, left)
        exists: exp.Expr = exp.Exists(this=exp.select("1").from_(compiler.derived_table(inner)).where(condition))
        if "anti" in kind:
            exists = exp.Not(this=exists)
        return compiler.filtered(outer, exists)
    sides = {"leftouter": "LEFT", "rightouter": "RIGHT", "fullouter": "FULL"}
    if kind not in ("inner", "innerunique", *sides):
        raise EngineError(f"a join of kind {kind} is not supported", join.span)
    columns = {**left.columns, **right.columns}
    optional = (right.columns if kind in ("leftouter", "fullouter") else {}) | (left.columns if kind in ("rightouter", "fullouter") else {})
    items = [
        compiler.named(compiler.scalars.never_null(compiler.reference(c), c.type), c) if c.id in optional else compiler.reference(c)
        for c in columns.values()
    ]
    made = exp.Join(this=compiler.derived_table(right), on=condition, side=sides.get(kind), kind=None if kind in sides else "INNER")
    select = exp.select(*items).from_(compiler.derived_table(left), copy=False)
    select.append("joins", made)
    return Relational(select, columns)


def _unique(compiler: Compiling, query: Relational, keys: tuple[e.Expr, ...]) -> Relational:
    """The first row of each key: what the left side of an innerunique join is reduced to."""
    place = compiler.column(Type.LONG)
    order = compiler.order_of(query, required=compiler.dialect.name != "duckdb")
    values = [compiler.scalars.value(k) for k in keys]
    window = exp.Window(this=exp.RowNumber(), partition_by=values, order=order)
    numbered = compiler.extended(query, (place, window))
    only = compiler.filtered(numbered, exp.EQ(this=compiler.reference(place), expression=exp.Literal.number(1)))
    return Relational(only.select, query.columns, query.order)


def union(compiler: Compiling, union: o.Union) -> Relational:
    """Rows of all inputs; a column that an input lacks is null there, or empty where it is a string."""
    selects: list[exp.Query] = []
    for index, part in enumerate(union.inputs):
        query = compiler.relation(part)
        items = []
        for column, origins in union.columns:
            origin = origins[index]
            if origin is None:
                value = compiler.scalars.null(column.type)
            elif origin.type == column.type or column.type == Type.UNKNOWN:
                value = compiler.reference(origin)
            else:
                value = conversions.typed(compiler.scalars, e.ColumnRef(None, origin.type, origin), column.type)
            items.append(compiler.named(compiler.scalars.cast(value, column.type), column))
        selects.append(exp.select(*(items or [exp.alias_(exp.Literal.number(1), "one")])).from_(compiler.derived_table(query)))
    found: exp.Query = selects[0]
    for other in selects[1:]:
        found = exp.Union(this=found, expression=other, distinct=False)
    return Relational(found, {c.id: c for c, _ in union.columns})
