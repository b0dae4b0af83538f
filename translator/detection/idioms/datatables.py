"""Datatables of constants: their values stand in the conditions."""

from __future__ import annotations

from translator.plan import operators as o
from translator.plan.expressions import (
    Apply,
    Column,
    Const,
    Expr,
    Items,
    Subquery,
    transform,
)


def constants_of(relation: o.Relation, column: Column) -> tuple[Expr, ...] | None:
    """The values of a column of a table of constants; None where ``relation`` is something else."""
    if not isinstance(relation, o.Rows) or column not in relation.columns:
        return None
    index = relation.columns.index(column)
    values = tuple(row[index] for row in relation.rows if index < len(row))
    return values if values and all(isinstance(v, Const) and v.value is not None for v in values) else None


def with_constants(expr: Expr) -> Expr:
    """``x in (T)`` and ``x has_any (T)``, where T is a datatable of constants, with these in its place."""

    def inlined(node: Expr) -> Expr:
        match node:
            case Apply(function="in" | "in~" | "has_any" | "has_all", args=(subject, Items(items=(Subquery() as query,)) as items)):
                values = constants_of(query.relation, query.column) if query.column is not None and not query.scalar else None
                if values is not None:
                    return Apply(node.span, node.type, node.function, (subject, Items(items.span, items.type, values)))
        return node

    return transform(expr, inlined)
