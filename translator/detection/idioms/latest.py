"""The latest event of a group: conditions on columns that ``arg_max()``, ``arg_min()`` or ``take_any()`` carry out of one event."""

from __future__ import annotations

from translator.detection.lifting import Lifting
from translator.detection.shapes import Grouped
from translator.detection.windows import is_time, window_of
from translator.plan.expressions import Apply, Expr, columns_of, substitute, walk

_OF_ONE_EVENT = {"arg_max": "latest", "arg_min": "first", "take_any": "chosen"}


def of_one_event(lifting: Lifting, grouped: Grouped, predicate: Expr) -> Expr | None:
    """``predicate`` on the events that ``grouped`` summarizes; None where it reads more of a group than one of its events.

    An earlier event alerts as well, which a later one may have made up for: that no later one is there has no form. Where the time of
    that event is all that is asked for, any event of that time will do.

    Raises:
        Blocked: where the event is asked to be old, so that none may have come since.
    """
    carried: dict[int, Expr] = {}
    for column in columns_of(predicate):
        match grouped.aggregates.get(column.id):
            case Apply(function="arg_max" | "arg_min" | "take_any" as function, args=(order, *rest)):
                one = (function, order if function != "take_any" else None)
                if grouped.row not in (None, one) or grouped.having:
                    return None
                grouped.row = one
                carried[column.id] = rest[-1] if rest else order
            case None:
                continue
            case _:
                return None
    if not carried:
        return None
    value = substitute(predicate, carried)
    window = window_of(value)
    timed = window is None and any(is_time(n) for n in walk(value))
    if timed or (window is not None and (window[1] > 0 or grouped.row is None or grouped.row[0] != "arg_max")):
        raise lifting.block("unsupported-detection", "an event with none of its group after it has no form in a detection", predicate.span)
    if window is None:
        assert grouped.row is not None
        which = _OF_ONE_EVENT[grouped.row[0]]
        lifting.say("one-event-of-group", f"the KQL asks the {which} event of each group for this, the output any of them", predicate.span)
    return value
