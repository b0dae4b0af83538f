"""The latest event of a group: what ``arg_max()``, ``arg_min()`` or ``take_any()`` carry out of one event, and conditions on that."""

from __future__ import annotations

from translator.detection.idioms.keys import bucket_in, column_name
from translator.detection.lifting import Lifting
from translator.detection.model import OneOfGroup
from translator.detection.shapes import Branch, Events, Grouped, Shape, columns_within, foreign, sources_within
from translator.detection.windows import NOW, is_time, window_of
from translator.plan import operators as o
from translator.plan.conditions import fields_of
from translator.plan.expressions import (
    ELEMENT,
    FALSE,
    Apply,
    Column,
    ColumnRef,
    Expr,
    Path,
    columns_of,
    conjunction,
    const,
    substitute,
    walk,
)
from translator.plan.simplify import simplify
from translator.plan.types import Type

_OF_ONE_EVENT = {"arg_max": "latest", "arg_min": "first", "take_any": "chosen"}

_SUCH = Column(-1, "", Type.LONG)
"""How many events of a group a condition on one of them holds of."""


def with_any_such(grouped: Grouped, condition: Expr) -> None:
    """Asks of a group, of which more is asked than one of its events, that all such conditions hold of any one of them."""
    if isinstance(known := grouped.aggregates.get(_SUCH.id), Apply):
        condition = conjunction(*known.args, condition)
    else:
        grouped.having.append(Apply(condition.span, Type.BOOL, ">", (ColumnRef(condition.span, Type.LONG, _SUCH), const(0))))
    grouped.aggregates[_SUCH.id] = Apply(condition.span, Type.LONG, "countif", (condition,))


def is_of_one_event(shape: Shape, predicate: Expr) -> bool:
    """Whether a condition reads what a summary carries out of one event of each group: one on how many there are comes before it."""
    if not isinstance(shape, Grouped):
        return False
    aggregates = [shape.aggregates.get(c.id) for c in columns_of(substitute(predicate, shape.env))]
    return any(isinstance(x, Apply) and x.function in _OF_ONE_EVENT for x in aggregates)


def of_one_event(lifting: Lifting, grouped: Grouped, predicate: Expr) -> Expr | None:
    """``predicate`` on the events that ``grouped`` summarizes; None where it reads more of a group than one of its events.

    An earlier event alerts as well, which a later one may have made up for: that no later one is there has no form. Where the time of
    that event is all that is asked for, any event of that time will do.

    Raises:
        Blocked: where the event is asked to be old, so that none may have come since.
    """
    carried, row = dict[int, Expr](), grouped.row
    for column in columns_of(predicate):
        match grouped.aggregates.get(column.id):
            case Apply(function="arg_max" | "arg_min" | "take_any" as function, args=(order, *rest)):
                one = (function, order if function != "take_any" else None)
                if row not in (None, one):
                    return None
                row = one
                carried[column.id] = rest[-1] if rest else order
            case None:
                continue
            case _:
                return None
    if row is None or not carried:
        return None
    value = substitute(predicate, carried)
    if grouped.having and any(is_time(n) for n in walk(value)):
        return None
    grouped.row = row
    window = window_of(value)
    timed = window is None and any(is_time(n) for n in walk(value))
    if timed or (window is not None and (window.end != NOW or row[0] != "arg_max")):
        raise lifting.block("unsupported-detection", "an event with none of its group after it has no form in a detection", predicate.span)
    if window is None:
        which = _OF_ONE_EVENT[row[0]]
        lifting.say("one-event-of-group", f"the KQL asks the {which} event of each group for this, the output any of them", predicate.span)
    return value


_CHOOSING = {"arg_max": "last", "arg_min": "first", "take_any": "any", "any": "any"}


def one_of_group(lifting: Lifting, inner: Events, outer: Grouped | None) -> OneOfGroup | None:
    """Which event of each group a query shows, by its keys; None where it is another than the last, the first or any.

    A summary without conditions shows one, or a join with a list that keeps one event of each key. Rows of a list stand for the events
    that they were joined with: by what is looked up in it there is one of the same events.
    """
    branches = [b for b in inner.branches if b.predicate != FALSE]
    if any(b.multiplied for b in branches) or (outer is not None and (outer.row is not None or outer.closed)):
        return None
    orders = {order for x in outer.aggregates.values() if (order := _order(lifting, x, branches)) is not None} if outer else set()
    grouped = [(column.name, expr) for column, expr in outer.keys] if outer is not None else []
    if lifting.findings.unique:
        orders = {*orders, "any"} if not orders and len(lifting.findings.unique) == 1 else set()
        grouped = [("", expr) for expr in lifting.findings.unique[0]]
    keys = dict[tuple[Expr, ...], str]()
    for name, expr in grouped:
        values = [simplify(substitute(expr, b.env)) for b in branches]
        for subject in _matched(lifting, values) or (expr,):
            found = tuple(simplify(substitute(subject, b.env)) for b in branches)
            keys.setdefault(found, name if subject is expr and name else column_name(next(iter(fields_of(found[0])), found[0])))
    order = orders.pop() if len(orders) == 1 else ""
    every = [(value, branch) for values in keys for value, branch in zip(values, branches, strict=True)]
    if not order or not keys or any(bucket_in(value, b) is not None or foreign(value, b) or _is_of_element(value) for value, b in every):
        return None
    guaranteed = tuple(all(lifting.has_always(x, b.predicate) for x, b in zip(values, branches, strict=True)) for values in keys)
    return OneOfGroup(order, tuple(keys.values()), tuple(zip(*keys, strict=True)), guaranteed)


def carried_by(outer: Grouped) -> dict[int, Expr]:
    """The columns of a summary that are those of one event, by their ids."""
    found = {i: x for i, x in outer.aggregates.items() if isinstance(x, Apply) and x.function in _CHOOSING}
    return {identifier: aggregate.args[-1] for identifier, aggregate in found.items()}


def _order(lifting: Lifting, aggregate: Expr, branches: list[Branch]) -> str | None:
    """Which event an aggregate takes, empty for one that no order of time tells; None where it takes none, or a time alone."""
    match aggregate:
        case Apply(function="arg_max" | "arg_min" as function, args=(order, *_)):
            values = [simplify(substitute(order, b.env)) for b in branches]
            if _matched(lifting, values) is not None:
                return "any"
            return _CHOOSING[function] if all(isinstance(x, ColumnRef) and is_time(x) for x in values) else ""
        case Apply(function="take_any" | "any"):
            return "any"
        case Apply(function="max" | "min" | "maxif" | "minif" | "take_anyif" | "anyif"):
            return None if aggregate.type == Type.DATETIME else ""
    return None


def _matched(lifting: Lifting, values: list[Expr]) -> tuple[Expr, ...] | None:
    """What of the events is looked up in the list whose rows alone decide some values; None where they are of events."""
    columns = {c for value in values for c in columns_of(value)}
    found = [subjects for relation, subjects in lifting.findings.matched if columns and all(_is_of(relation, c) for c in columns)]
    return found[0] if found else None


def _is_of(relation: o.Relation, column: Column) -> bool:
    """Whether a relation has a column, which it makes or reads."""
    return column in columns_within(relation) or column.source in sources_within(relation)


def _is_of_element(value: Expr) -> bool:
    return any(isinstance(n, Path) and ELEMENT in n.steps for n in walk(value))
