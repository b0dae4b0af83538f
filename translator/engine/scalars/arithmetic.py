"""Arithmetic, on numbers, times and dynamic values, and functions of numbers."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.python import arithmetic as python_arithmetic
from translator.engine.python import times as python_times
from translator.engine.scalars.context import OPEN, WHOLE, Functions, Values
from translator.engine.scalars.conversions import convert, of_decimals, operand, to_number, to_text, typed
from translator.engine.scalars.known_times import folded
from translator.engine.scalars.writing import EPOCH_MICROS
from translator.plan import expressions as e
from translator.plan.functions.values import EPOCH_TICKS
from translator.plan.types import Type


def _sum(ctx: Values, expr: e.Apply) -> exp.Expr:
    left, right = expr.args
    sign = 1 if expr.function == "+" else -1
    known = folded(ctx, expr)
    if known is not None:
        return known
    if Type.DATETIME in (left.type, right.type):
        if left.type == right.type:
            if sign > 0:
                raise EngineError("two datetimes cannot be added", expr.span)
            if ctx.dialect.ticks:
                return exp.paren(ctx.sql("$1 - $2", ctx.ticks(ctx.value(left)), ctx.ticks(ctx.value(right))), copy=False)
            return ctx.sql("($1 - $2) * 10", ctx.word("micros", ctx.value(left)), ctx.word("micros", ctx.value(right)))
        time, span = (left, right) if left.type == Type.DATETIME else (right, left)
        step = typed(ctx, span, Type.TIMESPAN)
        if ctx.dialect.ticks:
            return ctx.moment_of_ticks(ctx.sql("$1 + $2" if sign > 0 else "$1 - $2", ctx.ticks(ctx.value(time)), step))
        micros = ctx.word("micros", ctx.value(time))
        return ctx.word("moment", ctx.sql("$1 + $2 // 10" if sign > 0 else "$1 - $2 // 10", micros, step))
    if (made := _of_dynamics(ctx, expr)) is not None:
        return made
    make = exp.Add if sign > 0 else exp.Sub
    return exp.paren(make(this=operand(ctx, left, expr.type), expression=operand(ctx, right, expr.type)), copy=False)


def _of_dynamics(ctx: Values, expr: e.Apply) -> exp.Expr | None:
    """Arithmetic on dynamic values alone, whose result is one too; None on others."""
    if not all(a.type in OPEN for a in expr.args):
        return None
    values = tuple(ctx.value(a) for a in expr.args)
    name = {"+": "sum", "-": "difference", "*": "product", "/": "quotient", "%": "remainder", "neg": "negative"}[expr.function]
    return ctx.python(f"{name}_of_values", python_arithmetic.ARITHMETIC[expr.function], (Type.DYNAMIC,) * len(values), Type.DYNAMIC, values)


def _product(ctx: Values, expr: e.Apply) -> exp.Expr:
    if (made := _of_dynamics(ctx, expr)) is not None:
        return made
    left, right = expr.args
    a, b = operand(ctx, left, expr.type), operand(ctx, right, expr.type)
    if expr.type == Type.DECIMAL:
        return of_decimals(ctx, "product", a, b)
    found = exp.Mul(this=a, expression=b)
    if Type.TIMESPAN in (left.type, right.type) and Type.REAL in (left.type, right.type, *(_dynamic_as_real(x) for x in expr.args)):
        return ctx.cast(ctx.sql("ROUND($1)", found), Type.LONG)
    return exp.paren(found, copy=False)


def _dynamic_as_real(expr: e.Expr) -> Type:
    return Type.REAL if expr.type in (Type.DYNAMIC, Type.UNKNOWN, Type.DECIMAL) else expr.type


def _quotient(ctx: Values, expr: e.Apply) -> exp.Expr:
    if (made := _of_dynamics(ctx, expr)) is not None:
        return made
    left, right = expr.args
    if {left.type, right.type} <= {Type.DATETIME, Type.TIMESPAN}:
        return ctx.sql("CAST($1 AS DOUBLE) / $2", *(_all_ticks(ctx, x) for x in expr.args))
    a, b = operand(ctx, left, expr.type), operand(ctx, right, expr.type)
    if left.type == Type.TIMESPAN:
        return ctx.cast(ctx.sql("TRUNC($1 / NULLIF($2, 0))", a, b), Type.LONG)
    if expr.type == Type.DECIMAL:
        return of_decimals(ctx, "quotient", a, b)
    if expr.type in WHOLE:
        return exp.paren(ctx.word("quotient", a, b), copy=False)
    if "real_quotient" not in ctx.dialect.words:
        return ctx.sql("CAST($1 AS DOUBLE) / NULLIF($2, 0)", a, b)
    return ctx.word("real_quotient", a, b)


def _all_ticks(ctx: Values, expr: e.Expr) -> exp.Expr:
    """The ticks of a timespan, and of a datetime those since the year 1."""
    return ctx.sql(f"($1 + {EPOCH_TICKS})", ctx.ticks(ctx.value(expr))) if expr.type == Type.DATETIME else operand(ctx, expr)


def _modulo(ctx: Values, expr: e.Apply) -> exp.Expr:
    """Never negative; of a time it is what has gone by since the year 1."""
    if (made := _of_dynamics(ctx, expr)) is not None:
        return made
    left, right = expr.args
    b = operand(ctx, right, expr.type)
    a = _all_ticks(ctx, left) if left.type == Type.DATETIME else operand(ctx, left, expr.type)
    return ctx.sql("(($1 % NULLIF($2, 0)) + ABS($2)) % ABS(NULLIF($2, 0))", a, b)


def _minus(ctx: Values, expr: e.Apply) -> exp.Expr:
    made = _of_dynamics(ctx, expr)
    return made if made is not None else exp.Neg(this=exp.paren(operand(ctx, expr.args[0], expr.type), copy=False))


def _bin(ctx: Values, expr: e.Apply) -> exp.Expr:
    subject = expr.args[0]
    size = expr.args[1] if len(expr.args) > 1 else e.const(1)
    if subject.type in OPEN and size.type == Type.TIMESPAN:
        subject = e.Apply(subject.span, Type.DATETIME, "todatetime", (subject,))
    if expr.function == "bin_at":
        return _binned(ctx, subject, size, expr.args[2])
    found = _binned(ctx, subject, size, None)
    if isinstance(size, e.Const) and isinstance(size.value, int | float) and size.value > 0:
        return found
    return ctx.sql("CASE WHEN $1 > 0 THEN $2 END", to_number(ctx, size), found)  # bin(), "Returns": null of no or a negative size


def _binned(ctx: Values, subject: e.Expr, size: e.Expr, anchor: e.Expr | None) -> exp.Expr:
    if subject.type == Type.DATETIME and ctx.dialect.ticks:
        origin = exp.Literal.number(-EPOCH_TICKS) if anchor is None else ctx.ticks(ctx.value(anchor))
        at, width = ctx.ticks(ctx.value(subject)), operand(ctx, size)
        return ctx.moment_of_ticks(ctx.sql("$1 - ((($1 - $3) % NULLIF($2, 0)) + $2) % NULLIF($2, 0)", at, width, origin))
    if subject.type == Type.DATETIME:
        micros = ctx.word("micros", ctx.value(subject))
        step = ctx.sql("$1 // 10", ctx.value(size))
        if isinstance(size, e.Const) and isinstance(size.value, int):
            step = exp.Literal.number(size.value // 10)
        offset = exp.Literal.number(-EPOCH_MICROS) if anchor is None else ctx.word("micros", ctx.value(anchor))
        return ctx.word(
            "moment",
            ctx.sql("$1 - ((($1 - $3) % $2) + $2) % $2", micros, step, offset)
            if anchor is not None
            else ctx.sql("$1 - ($1 + $3) % $2", micros, step, exp.Literal.number(EPOCH_MICROS)),
        )
    if subject.type == Type.DECIMAL and anchor is None:
        return ctx.sql("$1 - ((($1 % NULLIF($2, 0)) + $2) % NULLIF($2, 0))", *(convert(ctx, x, Type.DECIMAL) for x in (subject, size)))
    a, b = to_number(ctx, subject), to_number(ctx, size)
    whole = subject.type in (*WHOLE, Type.TIMESPAN) and size.type in (*WHOLE, Type.TIMESPAN)
    if subject.type in OPEN and size.type in WHOLE and anchor is None:
        # A bin of whole width is that of the whole number below.
        a, whole = ctx.python("floor_of", python_arithmetic.floor_of, (Type.DYNAMIC,), Type.LONG, (ctx.value(subject),)), True
    if anchor is not None:
        found = ctx.sql("CAST(FLOOR(CAST($1 - $3 AS DOUBLE) / $2) AS DOUBLE) * $2 + $3", a, b, to_number(ctx, anchor))
    elif whole:
        return ctx.sql("$1 - ((($1 % NULLIF($2, 0)) + $2) % NULLIF($2, 0))", a, b)
    else:
        found = ctx.sql("CAST(FLOOR(CAST($1 AS DOUBLE) / $2) AS DOUBLE) * $2", a, b)
    return ctx.cast(found, Type.LONG) if whole else found


def _round(ctx: Values, expr: e.Apply) -> exp.Expr:
    args = [to_number(ctx, a) for a in expr.args]
    if len(args) == 1:
        return ctx.sql("ROUND($1)", *args)
    plain = "ROUND($1, CAST($2 AS INTEGER))"
    if expr.args[0].type in (*WHOLE, Type.DECIMAL):
        return ctx.sql(plain, *args)
    # 2.15 is a little less than that: it is 21.5 that is rounded, to 22 (learn.microsoft.com/kusto/query/round-function).
    scaled = "ROUND($1 * POWER(10, $2)) / POWER(10, $2)"
    return ctx.sql(f"CASE WHEN ABS($1 * POWER(10, $2)) < 1e15 THEN {scaled} ELSE {plain} END", *args)


def _hash(ctx: Values, expr: e.Apply) -> exp.Expr:
    """A hash of what the pages of hash() and hash_xxhash64() show: of a text its UTF-8, of a datetime its ticks from the year 1."""
    kind = expr.args[0].type
    if kind == Type.STRING:
        subject = ctx.value(expr.args[0])
    elif kind == Type.LONG:
        subject = operand(ctx, expr.args[0])
    elif kind == Type.DATETIME:
        subject, kind = ctx.sql(f"$1 + {EPOCH_TICKS}", ctx.ticks(ctx.value(expr.args[0]))), Type.LONG
    else:
        raise EngineError(f"which bytes {expr.function}() takes of a {kind} is not documented", expr.span)
    rest = tuple(to_number(ctx, a) for a in expr.args[1:])
    return ctx.declared(expr.function, (kind, *(Type.LONG for _ in rest)), Type.LONG, (subject, *rest))


def _type_name(ctx: Values, expr: e.Apply) -> exp.Expr:
    """The type that a value has by itself; of a dynamic one, that of what it holds."""
    (value,) = expr.args
    if value.type in OPEN:
        return ctx.declared("gettype", (Type.DYNAMIC,), Type.STRING, (ctx.value(value),), nulls=True)
    name = exp.Literal.string(value.type.value)
    if value.type == Type.STRING:
        return name
    return ctx.sql("CASE WHEN $1 IS NULL THEN 'null' ELSE $2 END", ctx.value(value), name)


def _data_size(ctx: Values, expr: e.Apply) -> exp.Expr:
    """The bytes that values take: learn.microsoft.com/kusto/query/estimate-data-size-function, and the page of each scalar type."""
    sizes = {Type.BOOL: 1, Type.INT: 4, **dict.fromkeys((Type.LONG, Type.REAL, Type.DATETIME, Type.TIMESPAN), 8), Type.GUID: 16}
    total: exp.Expr = ctx.cast(exp.Literal.number(sum(sizes.get(a.type, 0) for a in expr.args)), Type.LONG)
    for part in expr.args:
        if part.type == Type.STRING:
            size = ctx.declared("string_size", (Type.STRING,), Type.LONG, (to_text(ctx, part),))
            total = exp.Add(this=total, expression=size)
        elif part.type not in sizes:
            raise EngineError(f"how many bytes Kusto keeps a {part.type} in is not documented", expr.span)
    return exp.paren(total, copy=False)


def _tohex(ctx: Values, expr: e.Apply) -> exp.Expr:
    given = [operand(ctx, a) for a in expr.args]
    if expr.args[0].type == Type.INT:
        given[0] = ctx.sql("$1 & 4294967295", given[0])
    return ctx.declared("tohex", (Type.LONG,) * len(given), Type.STRING, tuple(given))


def _random(ctx: Values, expr: e.Apply) -> exp.Expr:
    raise EngineError(f"{expr.function}() is random: its result could not be reproduced", expr.span)


def _range(ctx: Values, expr: e.Apply) -> exp.Expr:
    start, stop = expr.args[:2]
    spans = start.type in (Type.DATETIME, Type.TIMESPAN)
    step = expr.args[2] if len(expr.args) > 2 else e.const(36_000_000_000, Type.TIMESPAN) if spans else e.const(1)
    if start.type == Type.DATETIME:
        kinds = (Type.DATETIME, Type.DATETIME, Type.TIMESPAN)
        return ctx.python(
            "range_of_moments", python_times.range_of_moments, kinds, Type.DYNAMIC, (ctx.value(start), ctx.value(stop), ctx.value(step))
        )
    values = tuple(to_number(ctx, x) for x in (start, stop, step))
    if start.type == Type.TIMESPAN:
        return ctx.python("range_of_spans", python_times.range_of_spans, (Type.LONG,) * 3, Type.DYNAMIC, values)
    kinds3 = tuple(Type.REAL if x.type in (Type.REAL, Type.DECIMAL, Type.DYNAMIC) else Type.LONG for x in (start, stop, step))
    return ctx.python("range", python_times.range_of, kinds3, Type.DYNAMIC, values)


FUNCTIONS: Functions = {
    "+": _sum,
    "-": _sum,
    "*": _product,
    "/": _quotient,
    "%": _modulo,
    "neg": _minus,
    "bin": _bin,
    "bin_at": _bin,
    "round": _round,
    "hash": _hash,
    "hash_xxhash64": _hash,
    "gettype": _type_name,
    "tohex": _tohex,
    "estimate_data_size": _data_size,
    "rand": _random,
    "new_guid": _random,
    "range": _range,
}
