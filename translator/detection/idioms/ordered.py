"""Ordered: conditions on the times of two sides give their order, and how far apart they may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from translator.detection.lifting import Lifting
from translator.detection.model import Side
from translator.detection.shapes import Gap, Joined
from translator.detection.windows import UNITS, duration, is_time
from translator.plan.constants import known_span
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, substitute
from translator.plan.functions.values import TICKS
from translator.plan.simplify import simplify
from translator.plan.types import Type

_Linear: TypeAlias = tuple[int, int]
"""Times of the second side less those of the first, and ticks."""

_SIGNS = {"<": -1, "<=": -1, ">": 1, ">=": 1}


def compare_sides(lifting: Lifting, joined: Joined, predicate: Expr, owners: set[int]) -> None:
    """A condition between sides: how far apart they may be in time; anything else is left out, and said."""
    value = predicate
    for number in owners:
        if len(joined.sides[number].branches) == 1:
            value = substitute(value, joined.sides[number].branches[0].env)
    value = simplify(value)
    apart = in_whole_units(value)
    found = gap_of(joined, apart or value, owners)
    if found is not None and apart is not None:
        lifting.say(
            "time-rounded", "datetime_diff() counts the units that begin between the times, the output how far they are apart", value.span
        )
    if found is None:
        lifting.say("condition-dropped", "this condition compares columns of both sides of the join, and is left out", predicate.span)
        return
    first, second = sorted(owners)
    known = joined.gaps.get((first, second), Gap())
    joined.gaps[first, second] = known.within(found)
    if (found.above and found.low) or (found.below and found.high):
        lifting.say("bound-included", "events exactly that far apart do not count in the KQL, and do in the output", predicate.span)


def in_whole_units(predicate: Expr) -> Expr | None:
    """What a bound on ``datetime_diff("minute", a, b)`` says at least of ``a - b``: less than so many minutes, or more."""
    match predicate:
        case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(measured, Const(value=int(n)))):
            absolute = isinstance(measured, Apply) and measured.function == "abs"
            inner = measured.args[0] if isinstance(measured, Apply) and absolute else measured
        case _:
            return None
    match inner:
        case Apply(function="datetime_diff", args=(Const(value=str(unit)), later, earlier)) if unit.lower() in UNITS:
            bound = n + {"<": 0, "<=": 1, ">": 0, ">=": -1}[operator]
            apart: Expr = Apply(inner.span, Type.TIMESPAN, "-", (later, earlier))
            if absolute:
                apart = Apply(inner.span, Type.TIMESPAN, "abs", (apart,))
            ticks = Const(predicate.span, Type.LONG, bound * UNITS[unit.lower()] * TICKS)
            return Apply(predicate.span, Type.BOOL, operator[0], (apart, ticks))
    return None


def gap_of(joined: Joined, value: Expr, owners: set[int]) -> Gap | None:
    """What a condition says of the time from an event of the first of two sides to one of the second; None where it says more."""
    if len(owners) != 2 or any(len(joined.sides[n].branches) != 1 for n in owners):
        return None
    first, second = sorted(owners)
    signs = {joined.sides[first].branches[0].source: -1, joined.sides[second].branches[0].source: 1}

    def sign_of(column: ColumnRef) -> int | None:
        return signs.get(column.column.source) if is_time(column) and column.column.source is not None else None

    match value:
        case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(Apply(function="abs", args=(inner,)), right)):
            apart, length = _linear(inner, sign_of), _linear(right, sign_of)
            if apart is None or length is None or length[0] or abs(apart[0]) != 2 or apart[1] or _SIGNS[operator] > 0:
                return None
            return Gap(-length[1], length[1], operator == "<", operator == "<")
        case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(left, right)):
            return _bounded(_linear(left, sign_of), _linear(right, sign_of), operator)
        case Apply(function="between", args=(subject, low, high)):
            lower = _bounded(_linear(subject, sign_of), _linear(low, sign_of), ">=")
            upper = _bounded(_linear(subject, sign_of), _linear(high, sign_of), "<=")
            return lower.within(upper) if lower and upper else None
    return None


def _linear(expr: Expr, sign_of: Callable[[ColumnRef], int | None]) -> _Linear | None:
    """``expr`` as a sum of times of the two sides, those of the first negative, and of constant ticks; None where it is more."""
    if (span := known_span(expr)) is not None:
        return 0, span
    match expr:
        case Const(type=Type.LONG | Type.INT, value=int(ticks)):
            return 0, ticks
        case ColumnRef():
            sign = sign_of(expr)
            return None if sign is None else (sign, 0)
        case Apply(function="tolong" | "totimespan", args=(inner,)):
            return _linear(inner, sign_of)
        case Apply(function="+" | "-" as operator, args=(left, right)):
            a, b = _linear(left, sign_of), _linear(right, sign_of)
            if a is None or b is None:
                return None
            factor = 1 if operator == "+" else -1
            return a[0] + factor * b[0], a[1] + factor * b[1]
    return None


def _bounded(left: _Linear | None, right: _Linear | None, operator: str) -> Gap | None:
    """The gap that ``left operator right`` allows."""
    if left is None or right is None:
        return None
    times, ticks = left[0] - right[0], right[1] - left[1]
    if abs(times) != 2:
        return None
    upward = _SIGNS[operator] * times > 0
    bound = ticks if times > 0 else -ticks
    strict = operator in ("<", ">")
    return Gap(bound, None, above=strict) if upward else Gap(None, bound, below=strict)


def order_of(lifting: Lifting, joined: Joined, sides: list[Side]) -> tuple[str, list[Side], int | None, bool, bool]:
    """The kind of a correlation, its sides in order, and what is said of the times of their events.

    That is how many seconds these may be apart, whether events of the same moment are in no order, and whether those just so far apart
    are too far.
    """
    if not joined.gaps:
        return "temporal", sides, None, True, False
    if len(sides) != 2 or joined.absent:
        lifting.say("condition-dropped", "the order in time of more than two sides is left out", joined.span)
        return "temporal", sides, None, True, False
    (gap,) = joined.gaps.values()
    if gap.high is not None and gap.high <= 0:
        sides, gap = [sides[1], sides[0]], gap.turned()
    within = None if gap.high is None else max(1, gap.high // TICKS)
    if gap.low is None or (gap.low < 0 and within is None):
        lifting.say("condition-dropped", "that one side is at most so long after the other, or before it, is left out", joined.span)
        return "temporal", sides, None, True, False
    if gap.low < 0 and within is not None:
        if -gap.low != gap.high:
            lifting.say("window-widened", "how far one side may be before the other is not how far it may be after it", joined.span)
        return "temporal", sides, max(-gap.low // TICKS, within), True, -gap.low == gap.high and gap.above and gap.below
    if gap.low > 0:
        lifting.say("condition-dropped", f"that the sides are at least {duration(gap.low // TICKS)} apart is left out", joined.span)
    return "temporal_ordered", sides, within, gap.above, gap.below
