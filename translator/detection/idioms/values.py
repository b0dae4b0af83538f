"""Sum, average or percentile of a value, and a threshold."""

from __future__ import annotations

from collections.abc import Mapping

from translator.detection.idioms.measures import Comparison, Measure
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, walk

_AVERAGES = ("avg", "avgif")

_KINDS = {"sum": "value_sum", "avg": "value_avg"}


def measured_value(found: Comparison) -> Measure | None:
    """What a comparison with a sum, an average or a percentile measures; None for others, and for ``!=``."""
    if found.operator == "!=":
        return None
    if found.function in _KINDS:
        return Measure(found.condition, _KINDS[found.function], found.operator, found.number, found.args[0], found.only).seen
    match found.args:
        case (value, Const(value=int(percentile))):
            return Measure(found.condition, "value_percentile", found.operator, found.number, value, found.only, percentile)
    return None


def denies_average(condition: Expr, aggregates: Mapping[int, Expr]) -> bool:
    """Whether ``condition`` denies that an average is over or under a bound.

    Of no values it is no number in KQL, of which that is denied with right, and there is none in a product.
    """
    for node in walk(condition):
        match node:
            case Apply(function="not", args=(Apply(function=">" | ">=" | "<" | "<=", args=(ColumnRef(column=column), Const())),)):
                if isinstance(average := aggregates.get(column.id), Apply) and average.function in _AVERAGES:
                    return True
    return False
