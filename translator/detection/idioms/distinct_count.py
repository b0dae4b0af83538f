"""Distinct count: ``dcount(v)``, or the size of ``make_set(v)``, and a threshold."""

from __future__ import annotations

from translator.detection.idioms.measures import Comparison, Measure
from translator.detection.model import counts_missing
from translator.plan.expressions import TRUE, Apply, Const, Expr, conjunction, negation
from translator.plan.types import Type


def distinct_count(found: Comparison) -> Measure | None:
    """A number of different values. There is none where no event has a value; a text that is missing is one."""
    if found.of_any:
        return found.of_any
    if found.operator == "!=":
        return None
    if found.is_none:
        value = found.args[0]
        filled = TRUE if counts_missing(value) else negation(Apply(value.span, Type.BOOL, "isnull", (value,)))
        return Measure(found.condition, "absent", only=conjunction(found.only, filled))
    return Measure(found.condition, "value_count", found.operator, found.number, found.args[0], found.only).seen


def size_of_set(condition: Expr, operator: str, number: int, aggregate: Expr | None) -> Measure | None:
    """A set has no more elements than it may have: the size of a full one only says that there are so many values."""
    match aggregate:
        case Apply(function="make_set", args=(value, *most)):
            only: Expr = TRUE
        case Apply(function="make_set_if", args=(value, only, *most)):
            pass
        case _:
            return None
    if most:
        largest = most[0].value if isinstance(most[0], Const) and isinstance(most[0].value, int) else 0
        if operator == "==" and number == largest:
            operator = ">="
        below = number <= largest if operator in (">=", "<") else number < largest
        if not below:
            return None
    return Measure(condition, "value_count", operator, number, value, only).seen
