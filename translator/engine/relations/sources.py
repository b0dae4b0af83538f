"""Where rows come from: stored tables, literals, ranges."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.dialects import told_apart
from translator.engine.errors import EngineError
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.scalars import conversions
from translator.engine.scalars.writing import column_name, finer_than_micros
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type


def stored_table(compiler: Compiling, relation: o.Source) -> Relational:
    """A stored table: strings become empty where they are null, columns without data null or empty."""
    columns = compiler.used.get(relation.id, {})
    compiler.reads.setdefault(relation.table, set()).update(c.name for c in columns.values())
    stored = compiler.stored.get(relation.table) if compiler.stored is not None else None
    if compiler.stored is not None and stored is None:
        raise EngineError(f"there is no data for the table {relation.table}", relation.span)
    names = told_apart(stored or ())
    items: list[exp.Expr] = []
    for column in columns.values():
        if stored is not None and column.name not in stored:
            value = compiler.scalars.null(column.type)
        else:
            value = compiler.scalars.never_null(exp.column(names.get(column.name, column.name), quoted=True), column.type)
        items.append(compiler.named(value, column))
    select = exp.select(*(items or [exp.alias_(exp.Literal.number(1), "one")])).from_(exp.table_(relation.table, quoted=True))
    return Relational(select, dict(columns))


def literal_rows(compiler: Compiling, relation: o.Rows) -> Relational:
    """The rows of ``datatable`` and ``print``; a row that is too short ends in nulls."""
    columns = relation.columns
    if not columns:
        return Relational(exp.select(exp.alias_(exp.Literal.number(1), "one")), {})
    if not relation.rows:
        items = [compiler.named(compiler.scalars.null(c.type), c) for c in columns]
        return Relational(exp.select(*items).where(exp.false()), {c.id: c for c in columns})
    tuples = []
    for row in relation.rows:
        padded = [*row, *(e.Const(None, c.type, None) for c in columns[len(row) :])]
        tuples.append(exp.Tuple(expressions=[_cell(compiler, x, c.type) for x, c in zip(padded, columns, strict=True)]))
    names = [exp.to_identifier(column_name(c), quoted=True) for c in columns]
    values = exp.Values(expressions=tuples, alias=exp.TableAlias(this=exp.to_identifier("v"), columns=names))
    items = [compiler.named(compiler.scalars.cast(compiler.reference(c), c.type), c) for c in columns]
    return Relational(exp.select(*items).from_(values), {c.id: c for c in columns})


def _cell(compiler: Compiling, expr: e.Expr, kind: Type) -> exp.Expr:
    return compiler.scalars.cast(conversions.typed(compiler.scalars, expr, kind), kind)


def range_of(compiler: Compiling, relation: o.Range) -> Relational:
    """The rows of ``range``: numbers, spans of time or moments, the last one included."""
    column = relation.column
    bounds = (relation.start, relation.stop, relation.step)
    low, high, step = (
        conversions.operand(compiler.scalars, x, column.type) if column.type == Type.DECIMAL else compiler.scalars.value(x) for x in bounds
    )
    number = compiler.column(Type.LONG)
    if column.type == Type.DATETIME:
        parts = [n for x in bounds for n in e.walk(x)]
        if any(isinstance(n, e.Subquery) or (isinstance(n, e.Const) and finer_than_micros(n)) for n in parts):
            compiler.scalars.whole_micros("range", relation.span)
        micros = [compiler.scalars.word("micros", x) for x in (low, high)]
        by = compiler.scalars.sql("$1 // 10", step)
        values = _series_of(compiler, micros[0], micros[1], by, number)
        made: exp.Expr = compiler.scalars.word("moment", compiler.reference(number))
    elif column.type in (Type.REAL, Type.DECIMAL):
        count = compiler.scalars.sql("CAST(FLOOR(($2 - $1) / $3 + 1e-9) AS BIGINT)", low, high, step)
        values = _series_of(compiler, exp.Literal.number(0), count, exp.Literal.number(1), number)
        made = compiler.scalars.sql("$1 + $2 * $3", low, compiler.reference(number), step)
    else:
        values = _series_of(compiler, low, high, step, number)
        made = compiler.reference(number)
    return Relational(exp.select(compiler.named(compiler.scalars.cast(made, column.type), column)).from_(values), {column.id: column})


def _series_of(compiler: Compiling, low: exp.Expr, high: exp.Expr, step: exp.Expr, column: e.Column) -> exp.Expr:
    items = exp.Unnest(expressions=[exp.GenerateSeries(start=low, end=high, step=step)])
    if compiler.dialect.name == "duckdb":
        return exp.select(compiler.named(items, column)).subquery("s")
    return exp.select(compiler.named(exp.Explode(this=exp.func("SEQUENCE", low, high, step)), column)).subquery("s")
