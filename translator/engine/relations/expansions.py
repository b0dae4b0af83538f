"""Rows of the elements of dynamic values: mv-expand, and plugins that are given all rows as one value."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.plugins import timeline_rows
from translator.engine.python import dynamics as python_dynamics
from translator.engine.python import rows as python_rows
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.relations.windows import computed, windowed
from translator.engine.scalars import comparisons, conversions
from translator.engine.scalars.context import OPEN
from translator.engine.scalars.writing import column_name
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type


def expanded(compiler: Compiling, query: Relational, relation: o.Expand) -> Relational:
    """The rows of ``mv-expand``: one for each element."""
    query, exprs = windowed(compiler, query, tuple(x for _, x in relation.items))
    raw = [(compiler.column(Type.DYNAMIC), c) for c, _ in relation.items]
    arrays = tuple((compiler.column(Type.DYNAMIC), _elements(compiler, x, relation.pairs)) for x in exprs)
    columns = {**query.columns, **{r.id: r for r, _ in raw}}
    limit = compiler.scalars.value(relation.limit) if relation.limit is not None else None
    inner = compiler.extended(query, *arrays)
    if compiler.dialect.name == "duckdb":
        lists = [compiler.scalars.word("elements", compiler.reference(c)) for c, _ in arrays]
        if limit is not None:
            lists = [exp.func("LIST_SLICE", x, exp.Literal.number(1), limit.copy()) for x in lists]
        added = [compiler.named(exp.Unnest(expressions=[x]), r) for x, (r, _) in zip(lists, raw, strict=True)]
        if relation.index is not None:
            size = (
                exp.func("LEN", lists[0])
                if len(lists) == 1
                else exp.Greatest(this=exp.func("LEN", lists[0]), expressions=[exp.func("LEN", x) for x in lists[1:]], ignore_nulls=True)
            )
            index = exp.func("RANGE", size)
            added.append(compiler.named(exp.Unnest(expressions=[index]), relation.index))
        rows = Relational(compiler.over(inner, *added), columns, query.order)
    else:
        rows = _exploded(compiler, inner, [c for c, _ in arrays], [r for r, _ in raw], relation.index, limit, columns)
    if relation.index is not None:
        rows.columns[relation.index.id] = relation.index
    items: list[tuple[e.Column, exp.Expr]] = []
    for made, target in raw:
        value = exp.Nullif(this=compiler.reference(made), expression=exp.Literal.string("null"))
        items.append((target, value if target.type in OPEN else conversions.from_dynamic(compiler.scalars, value, target.type)))
    return compiler.extended(rows, *items)


def _elements(compiler: Compiling, expr: e.Expr, pairs: bool) -> exp.Expr:
    """The elements of a value as a JSON array."""
    value = conversions.to_dynamic(compiler.scalars, expr)
    found = compiler.scalars.python(
        "elements_of",
        python_dynamics.elements_of,
        (Type.DYNAMIC, Type.BOOL),
        Type.DYNAMIC,
        (value, exp.Boolean(this=pairs)),
        nulls=True,
    )
    if compiler.dialect.name != "duckdb" or pairs:
        return found
    kind = compiler.scalars.word("json_type", value)
    return compiler.scalars.sql("CASE WHEN $1 = 'ARRAY' THEN $2 ELSE $3 END", kind, value, found)


def _exploded(
    compiler: Compiling,
    query: Relational,
    arrays: list[e.Column],
    raw: list[e.Column],
    index: e.Column | None,
    limit: exp.Expr | None,
    columns: dict[int, e.Column],
) -> Relational:
    """mv-expand where SQL has explode(): the arrays become one of rows, each a JSON array of the elements side by side."""
    size = len(arrays)
    zipped = compiler.scalars.python(
        "side_by_side",
        python_dynamics.side_by_side,
        (Type.DYNAMIC,) * size,
        Type.DYNAMIC,
        tuple(compiler.reference(a) for a in arrays),
    )
    rows = exp.func("FROM_JSON", zipped, exp.Literal.string("array<string>"), dialect="spark")
    place, element = compiler.column(Type.LONG), compiler.column(Type.DYNAMIC)
    view = exp.Lateral(
        this=exp.Posexplode(this=rows), view=True,
        alias=exp.TableAlias(this=exp.to_identifier("x"), columns=[exp.to_identifier(column_name(place)), exp.to_identifier(column_name(element))]),
    )  # fmt: skip
    select = compiler.over(query)
    select.append("laterals", view)
    inner = Relational(select, {**query.columns, place.id: place, element.id: element}, query.order)
    added: list[exp.Expr] = []
    for number, column in enumerate(raw):
        step = compiler.scalars.python(
            "step_into",
            python_dynamics.step_into,
            (Type.DYNAMIC, Type.LONG),
            Type.DYNAMIC,
            (compiler.reference(element), exp.Literal.number(number)),
        )
        added.append(compiler.named(step, column))
    if index is not None:
        added.append(compiler.named(compiler.scalars.cast(compiler.reference(place), Type.LONG), index))
    found = compiler.over(inner, *added)
    if limit is not None:
        found = found.where(exp.LT(this=compiler.reference(place), expression=limit))
    return Relational(found, {**columns, **({index.id: index} if index else {})}, query.order)


def evaluated(compiler: Compiling, relation: o.Evaluation) -> Relational:
    """A plugin in Python: it is given all rows as one value and gives one of rows, which is expanded."""
    assert relation.input is not None
    whole, row = compiler.column(Type.DYNAMIC), compiler.column(Type.DYNAMIC)
    query = compiler.relation(relation.input)
    gathered = exp.select(compiler.named(timeline_rows(compiler.scalars, relation), whole)).from_(compiler.derived_table(query))
    reference = e.ColumnRef(relation.span, Type.DYNAMIC, whole)
    items = o.Expand(relation.span, relation.input, ((row, reference),), None, None)
    rows = expanded(compiler, Relational(gathered, {whole.id: whole}), items)
    made = e.ColumnRef(relation.span, Type.DYNAMIC, row)
    return computed(compiler, rows, tuple((c, e.Path(relation.span, c.type, made, (i,))) for i, c in enumerate(relation.columns)))


def rows_near(compiler: Compiling, relation: o.Evaluation) -> Relational:
    """The rows with one for which the condition holds among those around them."""
    assert relation.input is not None
    query, exprs = windowed(compiler, compiler.relation(relation.input), tuple(x for _, x in relation.arguments))
    condition, *sizes = exprs
    before, after = (x.value if isinstance(x, e.Const) else None for x in sizes)
    if not (isinstance(before, int) and isinstance(after, int) and min(before, after) >= 0):
        raise EngineError("rows_near() needs constant numbers of rows", relation.span)
    flag = compiler.scalars.sql("MAX(CASE WHEN $1 THEN 1 ELSE 0 END)", comparisons.predicate(compiler.scalars, condition))
    number = exp.Literal.number
    spec = exp.WindowSpec(kind="ROWS", start=number(after), start_side="PRECEDING", end=number(before), end_side="FOLLOWING")
    window = exp.Window(this=flag, order=compiler.order_of(query, required=compiler.dialect.name != "duckdb"), spec=spec)
    near = compiler.column(Type.LONG)
    marked = Relational(compiler.over(query, compiler.named(window, near)), query.columns, query.order)
    return Relational(compiler.over(marked).where(exp.EQ(this=compiler.reference(near), expression=number(1))), query.columns, query.order)


def merged_schemas(compiler: Compiling, merge: o.SchemaMerge) -> Relational:
    """schema_merge: the rows of several getschema, in the order of their tables, as those of one."""
    compiler.only_duckdb("schema_merge", merge.span)
    assert merge.input is not None
    query = compiler.relation(merge.input)
    number = exp.Window(this=exp.RowNumber(), order=compiler.order_of(query))
    place, row = compiler.column(Type.LONG), compiler.column(Type.DYNAMIC)
    numbered = compiler.over(
        query, compiler.named(number, place), compiler.named(compiler.scalars.word("json_array", *map(compiler.reference, merge.read)), row)
    )
    listed = compiler.scalars.sql(
        "COALESCE(CAST(TO_JSON(LIST(CAST($1 AS JSON) ORDER BY $2)) AS TEXT), '[]')", compiler.reference(row), compiler.reference(place)
    )
    merged = compiler.scalars.python(
        "merged_schema",
        python_rows.merged_schema,
        (Type.DYNAMIC, Type.BOOL),
        Type.DYNAMIC,
        (listed, compiler.scalars.value(merge.ordered)),
    )
    each = exp.select(compiler.named(exp.Unnest(expressions=[compiler.scalars.word("elements", merged)]), row)).from_(
        numbered.subquery("s")
    )
    items = tuple((c, e.Path(None, c.type, e.ColumnRef(None, Type.DYNAMIC, row), (i,))) for i, c in enumerate(merge.columns))
    return computed(compiler, Relational(each, {row.id: row}), items)
