"""Sum, average or percentile of a value, and a threshold."""

from __future__ import annotations

from translator.detection.idioms.measures import Comparison, Measure
from translator.plan.expressions import Const

_KINDS = {"sum": "value_sum", "avg": "value_avg"}


def measured_value(found: Comparison) -> Measure | None:
    if found.operator == "!=":
        return None
    if found.function in _KINDS:
        return Measure(found.condition, _KINDS[found.function], found.operator, found.number, found.args[0], found.only).seen
    match found.args:
        case (value, Const(value=int(percentile))):
            return Measure(found.condition, "value_percentile", found.operator, found.number, value, found.only, percentile)
    return None
