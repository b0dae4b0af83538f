"""That some event is there: the largest or smallest value passes a bound, or a set has an element."""

from __future__ import annotations

from translator.detection.idioms.measures import FEW, MANY, Comparison, Measure
from translator.plan.expressions import Apply, Const, Expr, conjunction
from translator.plan.types import Type


def extreme_value(found: Comparison) -> Measure | None:
    """``max(x) > 5`` says that some x is; that the largest is small would be a condition on all events."""
    if found.operator not in (MANY if found.function == "max" else FEW):
        return None
    value = found.args[0]
    comparison = Apply(found.condition.span, Type.BOOL, found.operator, (value, Const(found.condition.span, value.type, found.number)))
    return Measure(found.condition, "exists", only=conjunction(found.only, comparison))


def member_of_set(condition: Expr, element: Const, aggregate: Expr | None) -> Measure | None:
    """That a set or list of a summary has an element: that some event of the group has that value."""
    match aggregate:
        case Apply(function="make_set" | "make_list", args=(value, *_)):
            return Measure(condition, "exists", only=Apply(condition.span, Type.BOOL, "==", (value, element)))
    return None


def text_in_set(condition: Apply, term: str, aggregate: Expr | None) -> Measure | None:
    """A search in the text of a set finds what stands in one of its texts, unless it looks for what the JSON between them is made of."""
    match aggregate:
        case Apply(function="make_set" | "make_list", args=(value,)) if (
            term.isascii() and term.isalnum() and value.type in (Type.STRING, Type.UNKNOWN)
        ):
            only = Apply(condition.span, Type.BOOL, condition.function, (value, condition.args[1]))
            return Measure(condition, "exists", only=only)
    return None
