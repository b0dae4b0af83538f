"""Rows that are told apart already, so that ``distinct`` leaves all of them."""

from __future__ import annotations

from collections.abc import Iterable

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, columns_of
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

Keys = tuple[frozenset[int], ...]
"""What tells the rows of a relation apart: for each value of a key the columns that have it."""


def without_needless_distinct(root: o.Relation, identifying: Iterable[Column] = ()) -> o.Relation:
    """A relation without ``distinct`` by columns that no two rows have alike.

    One by the text of a list stays where that is shown by one of the ``identifying`` columns: it has an order of its own.
    """
    made = {c.id: x for n in o.relations(root) if isinstance(n, o.Compute | o.Project) for c, x in n.items}
    told, todo = set[int](), list(identifying)
    while todo:
        column = todo.pop()
        if column.id not in told:
            told.add(column.id)
            todo += columns_of(made[column.id]) if column.id in made else []

    def spelled(node: object) -> object:
        if isinstance(node, o.Distinct) and (keys := _keys(node.input)) is not None:
            chosen = {c.id for c in node.columns}
            others = [made.get(c) for c in (chosen & told) - frozenset[int]().union(*keys)]
            if all(key & chosen for key in keys) and not any(isinstance(x, Apply) and _is_text_of_list(x) for x in others):
                return node.input
        return node

    return rewritten(root, spelled)


def _is_text_of_list(expr: Apply) -> bool:
    return expr.function == "tostring" and expr.args[0].type == Type.DYNAMIC


def _keys(node: o.Relation) -> Keys | None:
    match node:
        case o.Aggregate(keys=keys):
            return tuple(frozenset({c.id}) for c, _ in keys)
        case o.Distinct(columns=columns):
            return tuple(frozenset({c.id}) for c in columns)
        case o.Filter(input=below) | o.Sort(input=below) | o.Limit(input=below) | o.Arrange(input=below):
            return _keys(below)
        case o.Compute(input=below, items=items) if (told := _keys(below)) is not None:
            return tuple(key | _copies(key, items) for key in told)
        case o.Project(input=below, items=items) if (told := _keys(below)) is not None:
            return tuple(_copies(key, items) for key in told)
        case o.Expand(input=below, items=((element, ColumnRef(column=collected)),), index=None, limit=None, pairs=False):
            told = _keys(below)
            return (*told, frozenset({element.id})) if told is not None and _is_set(below, collected) else None
    return None


def _copies(key: frozenset[int], items: Iterable[tuple[Column, Expr]]) -> frozenset[int]:
    """The columns that are made of nothing but one of these."""
    found = set[int]()
    for column, expr in items:
        match expr:
            case ColumnRef(column=of) | Apply(function="tostring", args=(ColumnRef(column=of),)) if of.id in key | found:
                found.add(column.id)
    return frozenset(found)


def _is_set(node: o.Relation, column: Column) -> bool:
    """Whether a column is a set of texts that a summary has collected: its elements are told apart by their texts."""
    match node:
        case o.Aggregate(aggregates=aggregates):
            found = dict(aggregates).get(column)
            return isinstance(found, Apply) and found.function == "make_set" and found.args[0].type == Type.STRING
        case o.Filter(input=below) | o.Sort(input=below) | o.Arrange(input=below):
            return _is_set(below, column)
        case o.Compute(input=below, items=items):
            return column not in dict(items) and _is_set(below, column)
    return False
