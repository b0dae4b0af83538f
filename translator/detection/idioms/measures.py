"""What a condition on a summary measures, in the words of Sigma's correlations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from translator.detection.model import grows
from translator.plan.expressions import TRUE, Apply, ColumnRef, Const, Expr, conjunction
from translator.plan.types import Type

_MANY, _FEW = (">", ">="), ("<", "<=")


@dataclass(frozen=True, slots=True)
class Measure:
    """``operator`` compares with ``count`` what ``kind`` makes of the events that satisfy ``only``, or of their ``value``.

    ``kind`` is a type of Sigma correlation, or ``exists`` or ``absent``: whether there is any such event.
    """

    condition: Expr
    kind: str
    operator: str = ">="
    count: int | float = 1
    value: Expr | None = None
    only: Expr = TRUE
    percentile: int | None = None

    @property
    def grows(self) -> bool:
        """Whether more events can only bring what is measured nearer to the threshold."""
        return grows(self.kind, self.operator)

    @property
    def holds_of_none(self) -> bool:
        """Whether a summary of no events satisfies it, as there is one where nothing is grouped by."""
        return self.kind == "absent" or self.operator in ("<", "<=") or self.count == 0


_VALUES = {
    "dcount": "value_count",
    "count_distinct": "value_count",
    "sum": "value_sum",
    "avg": "value_avg",
}


def measure_of(condition: Expr, aggregates: Mapping[int, Expr]) -> Measure | None:
    """What ``condition`` measures, where ``aggregates`` are the columns of the summary; None where no correlation measures that."""
    match condition:
        case Apply(function="set_has_element", args=(ColumnRef(column=c), Const() as element)):
            aggregate = aggregates.get(c.id)
            if isinstance(aggregate, Apply) and aggregate.function in ("make_set", "make_list"):
                return Measure(condition, "exists", only=Apply(condition.span, Type.BOOL, "==", (aggregate.args[0], element)))
            return None
        case Apply(
            function=">" | ">=" | "<" | "<=" | "==" as operator,
            args=(Apply(function="array_length", args=(ColumnRef(column=c),)), Const(value=int(n))),
        ):
            aggregate = aggregates.get(c.id)
            if isinstance(aggregate, Apply) and aggregate.function == "make_set":
                return Measure(condition, "value_count", operator, n, aggregate.args[0])
            if isinstance(aggregate, Apply) and aggregate.function == "make_set_if":
                return _of_some(Measure(condition, "value_count", operator, n, aggregate.args[0], aggregate.args[1]))
            return None
        case Apply(
            function=">" | ">=" | "<" | "<=" | "==" | "!=" as operator, args=(ColumnRef(column=c), Const(value=int() | float() as number))
        ):
            aggregate = aggregates.get(c.id)
            if isinstance(aggregate, Apply) and not isinstance(number, bool):
                return _compared(condition, operator, number, aggregate)
    return None


def _compared(condition: Expr, operator: str, number: int | float, aggregate: Apply) -> Measure | None:
    """The measure of an aggregate that is compared with a number."""
    name, args = aggregate.function, aggregate.args
    only: Expr = TRUE
    if name.endswith("if") and name != "countif":
        name, only, args = name.removesuffix("if"), args[1], args[:1]
    if name == "count":
        return _counted(condition, operator, number, TRUE)
    if name == "countif":
        return _counted(condition, operator, number, args[0])
    if operator == "!=":
        return None
    if name in _VALUES:
        return _of_some(Measure(condition, _VALUES[name], operator, number, args[0], only))
    if name == "percentile" and isinstance(args[1], Const) and isinstance(args[1].value, int):
        return Measure(condition, "value_percentile", operator, number, args[0], only, args[1].value)
    if (name == "max" and operator in _MANY) or (name == "min" and operator in _FEW):
        comparison = Apply(condition.span, Type.BOOL, operator, (args[0], Const(condition.span, args[0].type, number)))
        return Measure(condition, "exists", only=conjunction(only, comparison))
    return None


def _counted(condition: Expr, operator: str, number: int | float, only: Expr) -> Measure | None:
    """A number of events. One that is not negative is zero or more than that, which no threshold needs to say."""
    if (operator, number) in (("==", 0), ("<", 1), ("<=", 0)):
        return Measure(condition, "absent", only=only)
    if (operator, number) in ((">", 0), (">=", 1), ("!=", 0)):
        return Measure(condition, "exists", only=only)
    return None if operator == "!=" else _of_some(Measure(condition, "event_count", operator, number, None, only))


def _of_some(measure: Measure) -> Measure | None:
    """A measure of some events of a group. Few of them may be none at all, which no correlation sees."""
    return None if measure.only != TRUE and measure.operator in _FEW else measure
