"""Values that are known without any row."""

from __future__ import annotations

from translator.plan.expressions import Apply, Const, Expr
from translator.plan.functions.values import DAY, TICKS
from translator.plan.types import Type

TICKS_OF = {"week": 7 * DAY, "day": DAY, "hour": DAY // 24, "minute": 60 * TICKS, "second": TICKS}
"""The ticks of the units of time that are always as long."""


def known_span(expr: Expr) -> int | None:
    """Ticks of a timespan that is known without any row."""
    match expr:
        case Const(type=Type.TIMESPAN, value=int(ticks)):
            return ticks
        case Apply(function="neg", args=(inner,)):
            inner_ticks = known_span(inner)
            return None if inner_ticks is None else -inner_ticks
        case Apply(function="totimespan", args=(inner,)):
            return known_span(inner)
        case Apply(function="*", args=(left, right)):
            for a, b in ((left, right), (right, left)):
                span = known_span(a)
                if span is not None and isinstance(b, Const) and isinstance(b.value, int | float) and b.type != Type.TIMESPAN:
                    return round(span * b.value)
        case Apply(function="/", args=(left, Const(value=int(n) | float(n)))) if n and (span := known_span(left)) is not None:
            return int(span / n)
        case Apply(function="+" | "-" as sign, args=(left, right)):
            a_ticks, b_ticks = known_span(left), known_span(right)
            if a_ticks is not None and b_ticks is not None:
                return a_ticks + b_ticks if sign == "+" else a_ticks - b_ticks
    return None
