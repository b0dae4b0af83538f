"""The one value of another query: joins with the one row that it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Column, ColumnRef, Const, Expr, Subquery, conjunction, conjuncts, transform, walk
from translator.plan.rewriting import rewritten
from translator.plan.types import Type


def with_scalars_joined(root: o.Relation, fresh: Iterator[int]) -> o.Relation:
    """A relation that reads ``toscalar`` of a summary of all rows in a join with it: it has one row, whatever there is.

    Source: learn.microsoft.com/kusto/query/toscalar-function; summarize-operator, "Aggregates default values".

    Args:
        fresh: ids for new columns.
    """
    if not o.has(root, Subquery):
        return root

    def spelled(node: object) -> object:
        if isinstance(node, o.Compute | o.Project):
            rows, items = node.input, list[tuple[Column, Expr]]()
            for column, expr in node.items:
                if asked := _asked(expr):
                    for subquery in asked:
                        rows = _beside(rows, subquery, fresh)
                    expr = transform(expr, _named)
                items.append((column, expr))
            return node if rows is node.input else replace(node, input=rows, items=tuple(items))
        if not isinstance(node, o.Filter):
            return node
        below, kept = node.input, list[Expr]()
        for condition in conjuncts(node.predicate):
            if asked := _asked(condition):
                for subquery in asked:
                    below = _beside(below, subquery, fresh)
                condition = transform(condition, _named)
            kept.append(condition)
        return node if below is node.input else replace(node, input=below, predicate=conjunction(*kept))

    return rewritten(root, spelled)


def _asked(expr: Expr) -> list[Subquery]:
    """The other queries whose one value an expression reads; none where any of them may have none."""
    asked = [n for n in walk(expr) if isinstance(n, Subquery)]
    return asked if all(s.scalar and s.column is not None and _is_one_row(s.relation) for s in asked) else []


def _named(node: Expr) -> Expr:
    match node:
        case Subquery(span=span, column=Column() as column):
            return ColumnRef(span, column.type, column)
    return node


def _beside(rows: o.Relation, subquery: Subquery, fresh: Iterator[int]) -> o.Relation:
    """Rows with the one row of another query beside each, by a key that all have."""
    keys, sides = [Column(next(fresh), "one", Type.LONG) for _ in range(2)], (rows, subquery.relation)
    one = Const(subquery.span, Type.LONG, 1)
    left, right = (o.Compute(subquery.span, side, ((key, one),)) for key, side in zip(keys, sides, strict=True))
    a, b = (ColumnRef(subquery.span, Type.LONG, key) for key in keys)
    return o.Join(subquery.span, left, right, "inner", ((a, b),))


def _is_one_row(node: o.Relation) -> bool:
    match node:
        case o.Aggregate(keys=keys):
            return not keys
        case o.Compute(input=below) | o.Project(input=below) | o.Sort(input=below) | o.Arrange(input=below):
            return _is_one_row(below)
    return False
