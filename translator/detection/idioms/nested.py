"""A summary of a summary, or of distinct rows, as one summary of the events."""

from __future__ import annotations

from translator.detection.shapes import Grouped
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, columns_of, substitute
from translator.plan.types import Type

_ONCE_IS_ENOUGH = frozenset(
    {"dcount", "count_distinct", "dcountif", "make_set", "make_set_if", "make_list", "max", "min", "take_any", "any", "arg_max", "arg_min"}
)
"""Aggregates of which it does not matter how often a value comes."""

_OF_SAME = frozenset({"max", "min"})
"""Aggregates that are of all events what they are of the results for groups of them."""

_SUMMED = frozenset({"count", "countif", "sum", "sumif"})
"""Aggregates whose sum over groups is the aggregate of all events."""


def of_events(aggregate: Expr, inner: Grouped, keys: list[Expr]) -> Expr:
    """What ``aggregate`` makes of the rows of ``inner``, grouped by ``keys``, as an aggregate of the events that ``inner`` groups.

    ``of_groups(...)`` where no aggregate of events is that; none of the idioms knows it.
    """
    unknown = Apply(aggregate.span, aggregate.type, "of_groups", (aggregate,))
    if not isinstance(aggregate, Apply):
        return unknown
    local = {c.id: x for c, x in inner.keys}
    shared = {k.column.id for k in keys if isinstance(k, ColumnRef)}
    if aggregate.function == "count":
        apart = [x for c, x in inner.keys if c.id not in shared]
        return _different(aggregate, apart[0]) if len(apart) == 1 else unknown
    if aggregate.function == "sum" and (summed := _result(aggregate, inner)) is not None and summed.function in _SUMMED:
        return summed
    if aggregate.function in _OF_SAME and (result := _result(aggregate, inner)) is not None and result.function == aggregate.function:
        return result
    if aggregate.function in _ONCE_IS_ENOUGH and not {c.id for c in columns_of(aggregate)} & inner.aggregates.keys():
        return substitute(aggregate, local)
    return unknown


def _result(aggregate: Apply, inner: Grouped) -> Apply | None:
    """The aggregate of ``inner`` whose results ``aggregate`` takes together."""
    match aggregate.args:
        case (ColumnRef(column=Column() as column),):
            found = inner.aggregates.get(column.id)
            return found if isinstance(found, Apply) else None
    return None


def _different(aggregate: Apply, key: Expr) -> Apply:
    """How many values of a key there are. As a text, of which the missing one is a value: there is a group for it."""
    text = key if key.type in (Type.STRING, Type.UNKNOWN) else Apply(key.span, Type.STRING, "tostring", (key,))
    return Apply(aggregate.span, aggregate.type, "dcount", (text,))
