"""Values in another type, as the functions that convert have them, and as arithmetic, functions and choices take them."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.python import arithmetic as python_arithmetic
from translator.engine.python import conversions as python_conversions
from translator.engine.python.conversions import dumps
from translator.engine.scalars.context import NUMBERS, OPEN, WHOLE, Functions, Values
from translator.engine.scalars.known_times import folded
from translator.engine.scalars.writing import json_path, moment
from translator.plan import expressions as e
from translator.plan.functions.values import DAY, EPOCH, EPOCH_TICKS
from translator.plan.types import Type


def constant(ctx: Values, expr: e.Const) -> exp.Expr:
    """A constant as SQL.

    Raises:
        EngineError: for a datetime that is none, or has a fraction of a microsecond where the dialect counts these, and for a text that
            stands for another type.
    """
    value, kind = expr.value, expr.type
    if value is None:
        return ctx.null(kind)
    if kind == Type.DATETIME:
        if isinstance(value, int):
            if value % 10 and ctx.dialect.ticks:
                return ctx.word("moment_of_ticks", exp.Literal.number(value - EPOCH_TICKS))
            if value % 10:
                raise EngineError("the engine counts microseconds, and this datetime has a fraction of one", expr.span)
            return moment(EPOCH + dt.timedelta(microseconds=(value - EPOCH_TICKS) // 10))
        known = python_conversions.datetime_of(str(value))
        if known is None:
            raise EngineError(f"{value!r} is no datetime", expr.span)
        return moment(known)
    if kind == Type.DYNAMIC:
        return exp.Literal.string(dumps(value) or "null")
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int):
        return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
    if isinstance(value, float):
        if not math.isfinite(value):
            return ctx.cast(exp.Literal.string(str(value)), Type.REAL)
        return ctx.cast(exp.Literal.string(repr(value)), Type.REAL)
    if kind == Type.DECIMAL:
        return ctx.cast(exp.Literal.string(value), Type.DECIMAL)
    if kind == Type.REAL:
        return ctx.cast(exp.Literal.string(value), Type.REAL)
    if kind == Type.GUID:
        return exp.Literal.string(value.lower())
    if kind != Type.STRING:
        raise EngineError(f"{value!r} is no {kind}", expr.span)
    return exp.Literal.string(value)


def to_text(ctx: Values, expr: e.Expr) -> exp.Expr:
    """``tostring``."""
    match expr:
        case e.Path(base=base) if expr.type in OPEN and base.type in OPEN:
            steps = json_path(expr.steps)
            if steps is not None and "step_text" in ctx.dialect.words:
                return ctx.never_null(ctx.word("step_text", ctx.value(base), exp.Literal.string(steps)), Type.STRING)
    value = ctx.value(expr)
    match expr.type:
        case Type.STRING:
            return value
        case Type.DYNAMIC | Type.UNKNOWN:
            found = ctx.word("unquoted", value)
        case Type.DATETIME:
            found = ctx.word("time_text", value)
        case Type.TIMESPAN:
            found = ctx.python("duration_text", python_conversions.duration_text, (Type.TIMESPAN,), Type.STRING, (value,))
        case Type.BOOL:
            found = ctx.sql("CASE WHEN $1 THEN 'True' WHEN NOT $1 THEN 'False' END", value)
        case Type.REAL if "is_nan" in ctx.dialect.words:
            found = ctx.sql("CASE WHEN $1 THEN 'NaN' ELSE $2 END", ctx.word("is_nan", value), ctx.cast(value, Type.STRING))
        case Type.DECIMAL:  # SQL shows the zeros of its scale
            shortened = "CASE WHEN $1 LIKE '%.%' THEN TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM $1)) ELSE $1 END"
            found = ctx.sql(shortened, ctx.cast(value, Type.STRING))
        case _:
            found = ctx.cast(value, Type.STRING)
    return ctx.never_null(found, Type.STRING)


def to_dynamic(ctx: Values, expr: e.Expr) -> exp.Expr:
    """A value inside a dynamic one, as JSON text."""
    if expr.type in OPEN:
        return ctx.value(expr)
    if expr.type in (Type.DATETIME, Type.TIMESPAN, Type.GUID):
        value = ctx.value(expr)
        return exp.Case(
            ifs=[exp.If(this=exp.Not(this=exp.Is(this=value, expression=exp.Null())), true=ctx.word("json", to_text(ctx, expr)))]
        )
    value = ctx.value(expr)
    if expr.type == Type.STRING or "json" in ctx.dialect.words:
        return ctx.word("json", value)
    return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Is(this=value, expression=exp.Null())), true=ctx.word("json", value.copy()))])


def from_dynamic(ctx: Values, value: exp.Expr, kind: Type) -> exp.Expr:
    """A dynamic value as another type, as ``tolong`` and its like convert it."""
    match kind:
        case Type.STRING:
            return ctx.never_null(ctx.word("unquoted", value), kind)
        case Type.INT:
            return ctx.cast(ctx.python("int", python_conversions.int_of_value, (Type.DYNAMIC,), Type.LONG, (value,)), kind)
        case Type.LONG:
            return ctx.python("whole", python_conversions.whole_of_value, (Type.DYNAMIC,), Type.LONG, (value,))
        case Type.REAL:
            return ctx.python("real", python_conversions.real_of_value, (Type.DYNAMIC,), Type.REAL, (value,))
        case Type.DECIMAL:
            return decimal_of_real(ctx, from_dynamic(ctx, value, Type.REAL))
        case Type.BOOL:
            return ctx.python("truth", python_conversions.truth_of_value, (Type.DYNAMIC,), Type.BOOL, (value,))
        case Type.DATETIME:
            return ctx.moment_of_text(ctx.never_null(ctx.word("unquoted", value), Type.STRING))
        case Type.TIMESPAN:
            return ctx.python("duration", python_conversions.duration_of_value, (Type.DYNAMIC,), kind, (value,))
        case Type.GUID:
            return ctx.python(
                "guid", python_conversions.guid_of, (Type.STRING,), kind, (ctx.never_null(ctx.word("unquoted", value), Type.STRING),)
            )
    return value


def from_text(ctx: Values, value: exp.Expr, kind: Type) -> exp.Expr:
    """A text as another type, null where it does not spell one."""
    calls: dict[Type, tuple[str, Callable[..., Any], Type]] = {
        Type.INT: ("whole_of", python_conversions.whole_of, Type.LONG), Type.LONG: ("whole_of", python_conversions.whole_of, Type.LONG),
        Type.TIMESPAN: ("duration_of", python_conversions.duration_of, Type.TIMESPAN),
        Type.BOOL: ("truth_of", python_conversions.truth_of_value, Type.BOOL), Type.GUID: ("guid", python_conversions.guid_of, Type.GUID),
        Type.DYNAMIC: ("json_of", python_conversions.json_of, Type.DYNAMIC),
    }  # fmt: skip
    if kind == Type.DATETIME:
        return ctx.moment_of_text(value)
    if kind in calls:
        name, call, result = calls[kind]
        found = ctx.python(name, call, (Type.STRING,), result, (value,))
        # An int has 32 bits, and what does not fit is null.
        return ctx.try_cast(found, kind) if kind == Type.INT else found
    if kind == Type.DECIMAL:
        large = f"CASE WHEN ABS($1) >= 1e20 AND ABS($1) <= {sys.float_info.max!r} THEN $2 ELSE $3 END"
        return ctx.sql(large, ctx.try_cast(value, Type.REAL), ctx.cast(value, kind), ctx.try_cast(value, kind))
    return value if kind == Type.STRING else ctx.try_cast(value, kind)


def _to_whole(ctx: Values, value: exp.Expr, given: Type, kind: Type) -> exp.Expr:
    """A number as an int or a long: Microsoft's emulator was seen to keep the low 32 bits of a long, and to stop at the limits of the
    type where a real is beyond them; a real that is no number, or infinite, is null."""
    if given == Type.REAL:
        high = (1 << 31) - 1 if kind == Type.INT else (1 << 63) - 1
        limits = [ctx.cast(exp.Literal.string(str(x)), kind) for x in (high, -high - 1)]
        inside = f"CASE WHEN ABS($1) < {float(high)!r} THEN CAST(TRUNC($1) AS {ctx.dialect.type(kind)})"
        beyond = f"WHEN ABS($1) <= {sys.float_info.max!r} THEN CASE WHEN $1 > 0 THEN $2 ELSE $3 END END"
        return ctx.sql(f"{inside} {beyond}", value, *limits)
    if given == Type.DECIMAL:
        return ctx.try_cast(ctx.sql("TRUNC($1)", value), kind)
    if given == Type.LONG and kind == Type.INT:
        return ctx.cast(ctx.sql("(($1 & 4294967295) + 2147483648) % 4294967296 - 2147483648", ctx.cast(value, Type.LONG)), kind)
    return ctx.try_cast(value, kind)


def convert(ctx: Values, expr: e.Expr, kind: Type) -> exp.Expr:
    """``toint``, ``todatetime`` and their like."""
    if expr.type == kind:
        return ctx.value(expr)
    if kind == Type.STRING:
        return to_text(ctx, expr)
    if kind == Type.DYNAMIC:
        return to_dynamic(ctx, expr)
    value = ctx.value(expr)
    if expr.type in OPEN:
        return from_dynamic(ctx, value, kind)
    if expr.type == Type.STRING and kind != Type.UNKNOWN:
        return from_text(ctx, value, kind)
    match expr.type, kind:
        case Type.LONG | Type.REAL | Type.DECIMAL, Type.INT | Type.LONG:
            return _to_whole(ctx, value, expr.type, kind)
        case Type.REAL, Type.DECIMAL:
            return decimal_of_real(ctx, value)
        case Type.BOOL | Type.INT | Type.LONG | Type.REAL | Type.DECIMAL, Type.BOOL | Type.INT | Type.LONG | Type.REAL | Type.DECIMAL:
            return ctx.try_cast(value, kind)
        case Type.INT | Type.LONG | Type.REAL, Type.TIMESPAN:
            return ctx.cast(exp.Mul(this=value, expression=exp.Literal.number(DAY)), Type.LONG)
        case Type.TIMESPAN, Type.INT | Type.LONG:
            return value
        case Type.DATETIME, Type.INT | Type.LONG:
            return ctx.sql("$1 + $2", ctx.ticks(value), exp.Literal.number(EPOCH_TICKS))
        case Type.INT | Type.LONG, Type.DATETIME:
            return ctx.moment_of_ticks(ctx.sql("$1 - $2", value, exp.Literal.number(EPOCH_TICKS)))
    raise EngineError(f"a {expr.type} cannot become a {kind}", expr.span)


def decimal_of_real(ctx: Values, value: exp.Expr) -> exp.Expr:
    """A real as the decimal of the digits that show it; null where it is no number or infinite.

    What SQL has no digits for is an error rather than null.
    """
    shown = ctx.cast(ctx.cast(value, Type.STRING), Type.DECIMAL)
    return ctx.sql(f"CASE WHEN ABS($1) <= {sys.float_info.max!r} THEN $2 END", value, shown)


def of_decimals(ctx: Values, name: str, left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """The product or quotient of two decimals, whose digits SQL does not keep."""
    call = {"product": python_arithmetic.decimal_product, "quotient": python_arithmetic.decimal_quotient}[name]
    given = (ctx.cast(left, Type.STRING), ctx.cast(right, Type.STRING))
    digits = ctx.python(f"decimal_{name}", call, (Type.STRING, Type.STRING), Type.STRING, given)
    return ctx.cast(exp.Nullif(this=digits, expression=exp.Literal.string("")), Type.DECIMAL)


def typed(ctx: Values, expr: e.Expr, kind: Type) -> exp.Expr:
    """A value where another type is expected: null keeps, numbers widen, the rest converts."""
    if isinstance(expr, e.Const) and expr.value is None:
        return ctx.null(kind)
    if expr.type == kind or (expr.type in NUMBERS and kind in NUMBERS and (expr.type, kind) != (Type.REAL, Type.DECIMAL)):
        return ctx.value(expr)
    return convert(ctx, expr, kind)


def to_number(ctx: Values, expr: e.Expr) -> exp.Expr:
    """An operand of arithmetic or of a comparison with a number."""
    if expr.type in OPEN:
        return from_dynamic(ctx, ctx.value(expr), Type.REAL)
    return ctx.value(expr)


def whole_number(ctx: Values, expr: e.Expr) -> exp.Expr:
    """A dynamic operand of arithmetic whose result is a long."""
    return ctx.python("whole_number", python_arithmetic.whole_number, (Type.DYNAMIC,), Type.LONG, (ctx.value(expr),))


_ARITHMETIC = ("+", "-", "*", "/", "%", "neg")


def operand(ctx: Values, expr: e.Expr, result: Type = Type.REAL) -> exp.Expr:
    """A number as arithmetic takes it: a whole one in 64 bits, where SQL counts a small literal, and what is made of some, in 32."""
    if expr.type in OPEN and result in WHOLE:
        return whole_number(ctx, expr)
    if result == Type.DECIMAL:
        return convert(ctx, expr, Type.DECIMAL)
    value = to_number(ctx, expr)
    if expr.type not in (*WHOLE, Type.TIMESPAN):
        return value
    stored = isinstance(expr, e.ColumnRef) and expr.column.source is not None and expr.type == Type.LONG
    computed = isinstance(expr, e.Apply) and expr.function in _ARITHMETIC
    return value if stored or computed else ctx.cast(value, Type.LONG)


_PARAMETERS = {
    "string": Type.STRING, "text": Type.STRING, "line": Type.STRING, "array": Type.DYNAMIC, "bag": Type.DYNAMIC, "dynamic": Type.DYNAMIC, "long": Type.LONG,
    "integer": Type.LONG, "int": Type.LONG, "real": Type.REAL, "bool": Type.BOOL, "datetime": Type.DATETIME, "timespan": Type.TIMESPAN,
    "guid": Type.GUID,
}  # fmt: skip
"""What parameters of one type take, by its name in a declaration."""


def argument(ctx: Values, expr: e.Expr, kind: str) -> tuple[exp.Expr, Type]:
    """An argument as a function of this kind of parameter takes it, with the type that it then has."""
    if (taken := _PARAMETERS.get(kind)) is not None:
        return convert(ctx, expr, taken), taken
    if expr.type in (Type.TIMESPAN, Type.GUID) and kind == "scalar":
        return to_text(ctx, expr), Type.STRING
    if expr.type in (Type.INT, Type.LONG):
        return ctx.value(expr), Type.LONG
    if expr.type == Type.DECIMAL:
        return ctx.cast(ctx.value(expr), Type.REAL), Type.REAL
    return ctx.value(expr), Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type


_CONVERSIONS = {
    "tostring": Type.STRING, "toint": Type.INT, "tolong": Type.LONG, "todouble": Type.REAL, "todecimal": Type.DECIMAL,
    "tobool": Type.BOOL, "todatetime": Type.DATETIME, "totimespan": Type.TIMESPAN, "toguid": Type.GUID,
}  # fmt: skip


def _conversion(ctx: Values, expr: e.Apply) -> exp.Expr:
    known = folded(ctx, expr) if expr.function == "todatetime" else None
    return known if known is not None else convert(ctx, expr.args[0], _CONVERSIONS[expr.function])


FUNCTIONS: Functions = dict.fromkeys(_CONVERSIONS, _conversion)
