"""top-nested as SQL: each level over the rows of what the level before it has chosen.

Source: learn.microsoft.com/kusto/query/top-nested-operator.
"""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.relations.windows import computed
from translator.engine.scalars import conversions
from translator.engine.scalars.writing import column_name
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type


def top_nested(compiler: Compiling, relation: o.TopNested) -> Relational:
    """The rows of ``relation``, their columns by id, and no order.

    Raises:
        EngineError: what becomes of the levels under the others of a level, which the page does not say.
    """
    scalars, parts = compiler.scalars, relation.parts
    if len(parts) > 1 and any(p.others is not None for p in parts):
        raise EngineError("what with others makes of several levels is not documented", relation.span)
    assert relation.input is not None
    compiler.only_duckdb("top-nested", relation.span)
    base_name = compiler.shared_name()
    base = computed(compiler, compiler.relation(relation.input), tuple((p.key, p.of) for p in parts))

    def ref(column: e.Column, table: str | None = None) -> exp.Column:
        return exp.column(column_name(column), table=table, quoted=True)

    def same(columns: list[e.Column], left: str, right: str) -> exp.Expr:
        return exp.and_(*(exp.NullSafeEQ(this=ref(c, left), expression=ref(c, right)) for c in columns))

    def aggregated(value: e.Expr) -> exp.Expr:
        scalars.aggregating = True
        try:
            return scalars.value(value)
        finally:
            scalars.aggregating = False

    levels: list[tuple[str, exp.Query]] = []
    keys: list[e.Column] = []
    place = compiler.column(Type.LONG)
    for part in parts:
        above, keys = list(keys), [*keys, part.key]
        source = exp.select(exp.Star()).from_(exp.table_(base_name, alias="b"))
        if levels:
            chosen = exp.select("1").from_(exp.table_(levels[-1][0], alias="a")).where(same(above, "a", "b"))
            source = source.where(exp.Exists(this=chosen))
        grouped = (
            exp.select(*map(ref, keys), compiler.named(aggregated(part.by), part.value))
            .from_(source.subquery("g"))
            .group_by(*map(ref, keys))
        )
        order = exp.Ordered(this=ref(part.value), desc=part.descending, nulls_first=not part.descending, explicit_null_order=True)
        rank = exp.Window(
            this=exp.RowNumber(),
            partition_by=[ref(c) for c in above],
            order=exp.Order(expressions=[order, exp.Ordered(this=ref(part.key))]),
        )
        level = exp.select(exp.Star(), compiler.named(rank, place)).from_(grouped.subquery("r"))
        if part.count is not None:
            best = exp.LTE(this=ref(place), expression=scalars.value(part.count))
            level = exp.select(exp.Star()).from_(level.subquery("l")).where(best)
        levels.append((compiler.shared_name(), level))
    items: list[exp.Expr] = []
    select = exp.select().from_(exp.table_(levels[-1][0], alias="n0"))
    for number, part in enumerate(reversed(parts)):
        if number:
            shared = [p.key for p in parts[: len(parts) - number]]
            select = select.join(exp.table_(levels[len(parts) - 1 - number][0], alias=f"n{number}"), on=same(shared, "n0", f"n{number}"))
        items += [compiler.named(ref(c, f"n{number}"), c) for c in (part.key, part.value)]
    select = select.select(*items)
    found: exp.Query = select
    others = parts[0].others
    if others is not None:
        part = parts[0]
        rest = exp.select("1").from_(exp.table_(levels[0][0], alias="a")).where(same([part.key], "a", "b"))
        left = exp.select(exp.Star()).from_(exp.table_(base_name, alias="b")).where(exp.Not(this=exp.Exists(this=rest)))
        shown = (
            compiler.named(conversions.typed(scalars, others, part.key.type), part.key),
            compiler.named(aggregated(part.by), part.value),
        )
        one = exp.select(*shown).from_(left.subquery("g"))
        found = exp.select(exp.Star()).from_(exp.Union(this=select, expression=one, distinct=False).subquery("u"))
    assert isinstance(found, exp.Select)
    for name, query in ((base_name, base.select), *levels):
        found = found.with_(name, as_=query, materialized=True)
    return Relational(found, {c.id: c for p in parts for c in (p.key, p.value)})
