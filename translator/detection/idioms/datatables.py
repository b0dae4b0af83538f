"""Datatables of constants: their values stand in the conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from translator.detection.idioms.absence import ANTI
from translator.detection.shapes import Shape, columns_within
from translator.plan import operators as o
from translator.plan.expressions import (
    Apply,
    Column,
    ColumnRef,
    Const,
    Expr,
    Items,
    Subquery,
    negation,
    transform,
)
from translator.plan.types import Type

if TYPE_CHECKING:
    from translator.detection.lifting import Lifting


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


def values_in(lifting: Lifting, join: o.Join, kind_negates: bool) -> Shape | None:
    """A join with a datatable of constants, as a condition on the key; None for another join."""
    for given, rest, flipped in ((join.right, join.left, False), (join.left, join.right, True)):
        pairs = tuple((b, a) for a, b in join.on) if flipped else join.on
        if len(pairs) != 1 or not isinstance(pairs[0][1], ColumnRef):
            continue
        values = constants_of(given, pairs[0][1].column)
        if values is None:
            continue
        if flipped and ANTI.get(join.kind) == "left":
            raise lifting.block("unsupported-detection", "a datatable holds no events", join.span)
        lifting.listed |= {c.id for c in columns_within(given)}
        lifting.say("columns-differ", "the columns of the datatable are not in the events", join.span)
        known: Expr = Apply(join.span, Type.BOOL, "in", (pairs[0][0], Items(join.span, Type.DYNAMIC, values)))
        return lifting.filtered(lifting.shape(rest), negation(known) if kind_negates else known, join.span)
    return None
