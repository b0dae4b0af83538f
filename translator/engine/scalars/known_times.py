"""Points in time that are known before the query runs."""

from __future__ import annotations

import datetime as dt

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.python import conversions as python_conversions
from translator.engine.scalars.context import Functions, Values
from translator.engine.scalars.writing import finer_than_micros, moment
from translator.plan import expressions as e
from translator.plan.constants import known_span
from translator.plan.functions.values import EPOCH, EPOCH_TICKS, TICKS
from translator.plan.types import Type


def folded(ctx: Values, expr: e.Expr) -> exp.Expr | None:
    """Arithmetic on times that are known now: it leaves filters on stored columns to the storage."""
    found = _known_time(ctx, expr)
    return moment(found) if found is not None and not isinstance(expr, e.Const) else None


def _known_time(ctx: Values, expr: e.Expr) -> dt.datetime | None:
    """The time that an expression is before the query runs; None where it is not known.

    Raises:
        EngineError: where it is outside the years 1 to 9999 (learn.microsoft.com/kusto/query/scalar-data-types/datetime), or has a
            fraction of a microsecond where the dialect counts these.
    """
    try:
        return _time_of(ctx, expr)
    except OverflowError:
        raise EngineError("a datetime is of the years 1 to 9999, and this one is not", expr.span) from None


def _time_of(ctx: Values, expr: e.Expr) -> dt.datetime | None:
    ticks: int | None
    if any(isinstance(n, e.Const) and finer_than_micros(n) for n in e.walk(expr)):
        if not ctx.dialect.ticks:
            raise EngineError(f"{ctx.dialect.title} counts microseconds, and the query speaks of fractions of one", expr.span)
        return None
    if ctx.now is None and any(isinstance(n, e.Apply) and n.function in ("now", "ago") for n in e.walk(expr)):
        return None
    now = ctx.now or EPOCH
    match expr:
        case e.Const(type=Type.DATETIME, value=int(ticks)):
            return EPOCH + dt.timedelta(microseconds=(ticks - EPOCH_TICKS) // 10)
        case e.Apply(function="now", args=()):
            return now
        case e.Apply(function="now", args=(offset,)) if (ticks := known_span(offset)) is not None:
            return now + dt.timedelta(microseconds=ticks // 10)
        case e.Apply(function="ago", args=(offset,)) if (ticks := known_span(offset)) is not None:
            return now - dt.timedelta(microseconds=ticks // 10)
        case e.Apply(function="+" | "-" as sign, args=(left, right)) if (ticks := known_span(right)) is not None:
            base = _time_of(ctx, left)
            return None if base is None else base + (1 if sign == "+" else -1) * dt.timedelta(microseconds=ticks // 10)
        case e.Apply(function="todatetime", args=(inner,)):
            if isinstance(inner, e.Const) and isinstance(inner.value, str):
                return python_conversions.datetime_of(inner.value)
            return _time_of(ctx, inner)
        case e.Apply(function="startofday", args=(inner,)):
            base = _time_of(ctx, inner)
            return base.replace(hour=0, minute=0, second=0, microsecond=0) if base else None
    return None


def _now(ctx: Values, expr: e.Apply) -> exp.Expr:
    found = _known_time(ctx, expr)
    if found is not None:
        return moment(found)
    current = ctx.cast(exp.CurrentTimestamp(), Type.DATETIME)
    ticks = known_span(expr.args[0]) if expr.args else 0
    if ctx.now is None and ticks is not None:
        if not ticks:
            return current
        ticks = -ticks if expr.function == "ago" else ticks
        step = exp.Interval(this=exp.Literal.string(str(abs(ticks) // TICKS)), unit=exp.var("SECOND"))
        return exp.paren((exp.Sub if ticks < 0 else exp.Add)(this=current, expression=step), copy=False)
    sign = "-" if expr.function == "ago" else "+"
    return ctx.value(e.Apply(expr.span, Type.DATETIME, sign, (e.Apply(None, Type.DATETIME, "now", ()), expr.args[0])))


FUNCTIONS: Functions = {
    "now": _now,
    "ago": _now,
}
