"""Ordered: a condition on the times of two sides gives their order, and how far apart they may be."""

from __future__ import annotations

from translator.detection.lifting import Lifting
from translator.detection.shapes import (
    Joined,
)
from translator.detection.windows import is_time, seconds_of
from translator.plan.expressions import (
    Apply,
    ColumnRef,
    Expr,
    substitute,
)
from translator.plan.simplify import simplify


def compare_sides(lifting: Lifting, joined: Joined, predicate: Expr, owners: set[int]) -> None:
    """A condition between sides: their order in time, or what only indicators say; anything else is left out, and said."""
    found = ordering(lifting, joined, predicate, owners)
    if found is None:
        lifting.say("condition-dropped", "this condition compares columns of both sides of the join, and is left out", predicate.span)
        return
    first, second, within = found
    if first is not None and second is not None:
        joined.order.append((first, second))
        joined.strict |= isinstance(predicate, Apply) and predicate.function in ("<", ">")
    if within is not None:
        joined.within.append(within)


def ordering(lifting: Lifting, joined: Joined, predicate: Expr, owners: set[int]) -> tuple[int | None, int | None, int | None] | None:
    """(earlier side, later side, seconds between) of a condition on the times of two sides; None where it is none."""
    if len(owners) != 2 or any(len(joined.sides[n].branches) != 1 for n in owners):
        return None
    value = predicate
    for number in owners:
        value = substitute(value, joined.sides[number].branches[0].env)
    value = simplify(value)
    sources = {joined.sides[n].branches[0].source: n for n in owners}

    def side_of(expr: Expr) -> int | None:
        return sources.get(expr.column.source) if isinstance(expr, ColumnRef) and is_time(expr) and expr.column.source is not None else None

    match value:
        case Apply(function="<" | "<=" | ">" | ">=" as function, args=(left, right)) if (
            side_of(left) is not None and side_of(right) is not None
        ):
            a, b = side_of(left), side_of(right)
            return (a, b, None) if function in ("<", "<=") else (b, a, None)
        case Apply(function="between", args=(later, low, Apply(function="+", args=(again, length)))) if low == again and seconds_of(length):
            if side_of(low) is not None and side_of(later) is not None:
                return side_of(low), side_of(later), seconds_of(length)
        case Apply(function="between", args=(Apply(function="-", args=(later, earlier)), low, length)) if seconds_of(
            low
        ) == 0 and seconds_of(length):
            if side_of(later) is not None and side_of(earlier) is not None:
                return side_of(earlier), side_of(later), seconds_of(length)
    return None
