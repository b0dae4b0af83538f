"""Functions of a time: its parts, and its fractions of a microsecond."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.python import times as python_times
from translator.engine.scalars.context import Functions, Values
from translator.engine.scalars.conversions import convert, to_text
from translator.engine.scalars.known_times import folded
from translator.plan import expressions as e
from translator.plan.types import Type

ENDS_OF_PERIODS = frozenset({"endofday", "endofweek", "endofmonth", "endofyear"})
"""Functions that give the last tick of 100 ns before the next period: learn.microsoft.com/kusto/query/endofday-function, "Examples"."""


def with_fractions(ctx: Values, expr: e.Apply) -> exp.Expr | None:
    """The functions of a time that read or keep its fractions of a microsecond; those of whole parts need not."""
    args = expr.args
    part = str(args[0].value).lower() if args and isinstance(args[0], e.Const) else ""
    match expr.function:
        case "datetime_part" if part == "nanosecond":
            return ctx.sql("($1 % 10000000 + 10000000) % 10000000 * 100", ctx.ticks(convert(ctx, args[1], Type.DATETIME)))
        case "datetime_diff" if part == "nanosecond":
            later, earlier = (ctx.ticks(convert(ctx, a, Type.DATETIME)) for a in args[1:])
            return ctx.sql("($1 - $2) * 100", later, earlier)
        case "datetime_add":
            moved = (to_text(ctx, args[0]), convert(ctx, args[1], Type.LONG), ctx.ticks(convert(ctx, args[2], Type.DATETIME)))
            return ctx.moment_of_ticks(
                ctx.python("add_to_ticks", python_times.add_to_ticks, (Type.STRING, Type.LONG, Type.LONG), Type.LONG, moved)
            )
        case "format_datetime":
            return ctx.python(
                "format_ticks", python_times.format_ticks, (Type.LONG, Type.STRING), Type.STRING,
                (ctx.ticks(convert(ctx, args[0], Type.DATETIME)), to_text(ctx, args[1])),
            )  # fmt: skip
        case name if name in ENDS_OF_PERIODS:
            following = e.Apply(None, Type.LONG, "+", (args[1], e.const(1))) if len(args) > 1 else e.const(1)
            begin = ctx.value(e.Apply(expr.span, Type.DATETIME, name.replace("end", "start"), (args[0], following)))
            return ctx.moment_of_ticks(ctx.sql("$1 - 1", ctx.ticks(begin)))
        case "make_datetime" if len(args) == 6:
            kinds = (Type.LONG,) * 5 + (Type.REAL,)
            given = tuple(convert(ctx, a, k) for a, k in zip(args, kinds, strict=True))
            return ctx.moment_of_ticks(ctx.python("ticks_of", python_times.ticks_of, kinds, Type.LONG, given))
    return None


def _start_of_day(ctx: Values, expr: e.Apply) -> exp.Expr:
    known = folded(ctx, expr) if len(expr.args) == 1 else None
    if known is not None:
        return known
    truncated = exp.func("DATE_TRUNC", exp.Literal.string("day"), convert(ctx, expr.args[0], Type.DATETIME))
    day = ctx.cast(truncated, Type.DATETIME)
    if len(expr.args) == 1:
        return day
    shift = ctx.sql("$1 * 86400000000", ctx.value(expr.args[1]))
    return ctx.word("moment", ctx.sql("$1 + $2", ctx.word("micros", day), shift))


def _day_of_week(ctx: Values, expr: e.Apply) -> exp.Expr:
    return ctx.python(
        "day_of_week", python_times.day_of_week, (Type.DATETIME,), Type.TIMESPAN, (convert(ctx, expr.args[0], Type.DATETIME),)
    )


def _around(ctx: Values, expr: e.Apply) -> exp.Expr:
    subject, middle, delta = expr.args
    low = e.Apply(None, middle.type, "-", (middle, delta))
    high = e.Apply(None, middle.type, "+", (middle, delta))
    return ctx.value(e.Apply(expr.span, Type.BOOL, "between", (subject, low, high)))


FUNCTIONS: Functions = {
    "startofday": _start_of_day,
    "dayofweek": _day_of_week,
    "around": _around,
}
