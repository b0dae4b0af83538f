"""Queries that collect values in an array, as the rows whose values these are.

An array is as good as a column of its elements to ``in`` and ``has_any``, which take them out of it
(learn.microsoft.com/kusto/query/in-operator, "Arguments"); of arrays ``make_set`` and ``make_list`` collect the elements
(learn.microsoft.com/kusto/query/make-set-aggregation-function, "Set from array column").
"""

from __future__ import annotations

from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, Items, Subquery
from translator.plan.types import Type

_MEMBERSHIPS = frozenset({"in", "in~", "!in", "!in~", "has_any"})


def elements_of(query: Subquery, given: Column) -> tuple[o.Relation, Column] | None:
    """The relation and the column whose values a subquery comes to; None where it is one value."""
    return _collected(query.relation, given) or (None if query.scalar else (query.relation, given))


def _collected(relation: o.Relation, column: Column) -> tuple[o.Relation, Column] | None:
    """The rows whose values an array has that one summary collects, or several in a union; None for another column."""
    while isinstance(relation, o.Project | o.Compute):
        made = {c.id: x for c, x in relation.items}.get(column.id)
        if isinstance(made, ColumnRef):
            column = made.column
        elif made is not None or isinstance(relation, o.Project):
            return None
        relation = relation.input
    match relation:
        case o.Union(inputs=inputs, columns=columns):
            sources = dict(columns).get(column, ())
            found = [None if c is None else _collected(r, c) for r, c in zip(inputs, sources, strict=False)]
            parts = [f for f in found if f is not None]
            if not parts or len(parts) < len(inputs) or len({c.type for _, c in parts}) > 1:
                return None
            merged = replace(column, type=parts[0][1].type)
            return replace(relation, inputs=tuple(r for r, _ in parts), columns=((merged, tuple(c for _, c in parts)),)), merged
        case o.Aggregate(keys=(), aggregates=aggregates):
            match dict(aggregates).get(column):
                case Apply(function="make_set" | "make_list", args=(element,)):
                    return _values_of(element, relation.input, column)
                case Apply(function="make_set_if" | "make_list_if", args=(element, condition)):
                    return _values_of(element, o.Filter(condition.span, relation.input, condition), column)
    return None


_COMPUTED = 10**8
"""A column for the elements has the number of the array that it stands for, and this many more."""


def _values_of(element: Expr, relation: o.Relation, array: Column) -> tuple[o.Relation, Column] | None:
    """The rows and the column of the values that an array collects of them; None where these are arrays that are computed."""
    if isinstance(element, ColumnRef):
        arrays = _collected(relation, element.column) if element.type == Type.DYNAMIC else None
        return arrays or (relation, element.column)
    if element.type in (Type.DYNAMIC, Type.UNKNOWN):
        return None
    made = Column(array.id + _COMPUTED, array.name, element.type)
    return o.Compute(element.span, relation, ((made, element),)), made


def as_rows(expr: Apply) -> Apply:
    """A membership in an array that another query collects, as one in the rows of that query."""
    match expr:
        case Apply(function=function, args=(subject, Items(items=(Subquery(column=Column() as given) as query,)) as items)) if (
            function in _MEMBERSHIPS and (found := _collected(query.relation, given)) is not None
        ):
            relation, column = found
            listed = replace(items, items=(replace(query, relation=relation, scalar=False, column=column),))
            return replace(expr, args=(subject, listed))
    return expr
