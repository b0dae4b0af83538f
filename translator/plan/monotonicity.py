"""What more events, or larger values, somewhere in a query do to the conditions above.

Sources: learn.microsoft.com/kusto/query/summarize-operator ("Returns": without keys there is a row of no events as well), and the page
of each aggregate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from translator.fidelity import Place
from translator.plan import operators as o
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, children

Above = tuple[o.Relation, Place]
"""A relation that reads another one, and the place of its own rows."""

_GROWING = frozenset(
    """
    count countif dcount dcountif count_distinct count_distinctif max maxif make_set make_set_if make_list make_list_if make_bag
    make_bag_if
    """.split()
)
"""Aggregates that more events can only make larger: a set has more elements, a bag more keys."""

_SHRINKING = frozenset({"min", "minif"})

_OF_ARGUMENT = frozenset({"sum", "max", "min"})
"""Aggregates that grow with the values that they take."""

_SAME = frozenset({"tolong", "toint", "todouble", "toreal", "array_length", "set_has_element", "has", "has_cs", "contains", "contains_cs"})
"""Functions that grow with their first argument, a text being that of a set."""


def growth(expr: Expr, columns: Mapping[int, Place]) -> Place | None:
    """How ``expr`` changes where what ``columns``, by their ids, stand for grows as they say; None where it reads none of them.

    A condition grows where it holds more often.
    """
    match expr:
        case ColumnRef(column=column):
            return columns.get(column.id)
        case Apply(function="and" | "or" | "+", args=args):
            return _together(growth(a, columns) for a in args)
        case Apply(function=">" | ">=" | "-", args=(left, right)):
            return _together((growth(left, columns), _turned(growth(right, columns))))
        case Apply(function="<" | "<=", args=(left, right)):
            return _together((_turned(growth(left, columns)), growth(right, columns)))
        case Apply(function="not" | "isempty" | "isnull", args=(inner,)):
            return _turned(growth(inner, columns))
        case Apply(function="*" | "/", args=(left, Const(value=int() | float() as factor))) if factor > 0:
            return growth(left, columns)
        case Apply(function="tostring", args=(inner,)):
            return growth(inner, columns)
        case Apply(function=function, args=(first, *rest)) if function in _SAME and all(isinstance(r, Const) for r in rest):
            return growth(first, columns)
    return Place.BOTH if any(growth(c, columns) is not None for c in children(expr)) else None


def of_groups(summary: o.Aggregate, here: Place, above: Sequence[Above]) -> Place:
    """The place of the events that a summary takes, where its own is ``here`` and these relations stand above, the outermost first."""
    found = here if summary.keys else None  # more events can make more groups
    for column, aggregate in summary.aggregates:
        grown = {column.id: Place.PLAIN}
        for relation, place in reversed(above):
            match relation:
                case o.Filter(predicate=predicate):
                    if (sense := growth(predicate, grown)) is not None:
                        found = _of_events(aggregate).below(sense).below(place).beside(found)
                case o.Compute(items=items) | o.Project(items=items):
                    grown |= {c.id: g for c, x in items if (g := growth(x, grown)) is not None}
                case o.Aggregate(keys=keys, aggregates=aggregates):
                    taken = {c.id: g for c, x in aggregates if (g := _of_values(x, grown)) is not None}
                    grown |= taken | {c.id: Place.BOTH for c, x in keys if growth(x, grown) is not None}
                case o.Union(columns=columns):
                    of_parts = ((c.id, grown.get(origin.id)) for c, origins in columns for origin in origins if origin is not None)
                    grown |= {identifier: g for identifier, g in of_parts if g is not None}
    return found or here


def _of_events(aggregate: Expr) -> Place:
    name = aggregate.function if isinstance(aggregate, Apply) else ""
    return Place.PLAIN if name in _GROWING else Place.TURNED if name in _SHRINKING else Place.BOTH


def _of_values(aggregate: Expr, columns: Mapping[int, Place]) -> Place | None:
    match aggregate:
        case Apply(function=function, args=(value,)) if function in _OF_ARGUMENT:
            return growth(value, columns)
    return growth(aggregate, columns) and Place.BOTH


def _together(parts: Iterable[Place | None]) -> Place | None:
    found: Place | None = None
    for part in parts:
        found = found if part is None else part.beside(found)
    return found


def _turned(place: Place | None) -> Place | None:
    return None if place is None else place.turned
