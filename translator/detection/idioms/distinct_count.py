"""Distinct count: ``dcount(v)``, or the size of ``make_set(v)``, and a threshold."""

from __future__ import annotations

from translator.detection.idioms.measures import Comparison, Measure
from translator.plan.expressions import Apply, Expr


def distinct_count(found: Comparison) -> Measure | None:
    if found.operator == "!=":
        return None
    return Measure(found.condition, "value_count", found.operator, found.number, found.args[0], found.only).seen


def size_of_set(condition: Expr, operator: str, number: int, aggregate: Expr | None) -> Measure | None:
    match aggregate:
        case Apply(function="make_set", args=(value, *_)):
            return Measure(condition, "value_count", operator, number, value)
        case Apply(function="make_set_if", args=(value, only, *_)):
            return Measure(condition, "value_count", operator, number, value, only).seen
    return None
