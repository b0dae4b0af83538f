"""Conditions of one side of a join that hold for all rows that have a partner on the other."""

from __future__ import annotations

from dataclasses import replace

from translator.plan import operators as o
from translator.plan.elements import as_rows
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, Items, Subquery, columns_of, conjunction, conjuncts, substitute
from translator.plan.types import Type
from translator.plan.union_summaries import same_columns

_KINDS = frozenset({"inner", "innerunique", "leftsemi", "rightsemi"})
_OF_SOME = frozenset({"has_any", "in", "in~"})
"""What holds where one of the values is the text itself."""


def without_implied_conditions(join: o.Join) -> o.Join:
    """A join whose sides are not asked whether a key is one of the values that the same key of the other side has."""
    if join.kind not in _KINDS:
        return join
    left, right = join.left, join.right
    for a, b in join.on:
        if isinstance(a, ColumnRef) and isinstance(b, ColumnRef) and a.column.type == b.column.type == Type.STRING:
            right = _asked(right, b.column, left, a.column)
            left = _asked(left, a.column, right, b.column)
    return join if left is join.left and right is join.right else replace(join, left=left, right=right)


def _asked(relation: o.Relation, key: Column, other: o.Relation, partner: Column) -> o.Relation:
    """A side of a join by ``key`` without conditions that its partners in the ``other`` side imply."""
    if not isinstance(relation, o.Filter | o.Compute | o.Arrange):
        return relation
    below = _asked(relation.input, key, other, partner)
    if isinstance(relation, o.Filter):
        implied = [_implied(p, key, other, partner) for p in conjuncts(relation.predicate)]
        if any(found is not None for found in implied):
            parts = zip(conjuncts(relation.predicate), implied, strict=True)
            left = [p for condition, found in parts for p in ((condition,) if found is None else found)]
            return replace(relation, input=below, predicate=conjunction(*left)) if left else below
    return relation if below is relation.input else replace(relation, input=below)


def _implied(condition: Expr, key: Column, other: o.Relation, partner: Column) -> tuple[Expr, ...] | None:
    """What is left of a condition that a key is one of the values that its partners have; None of another one."""
    match as_rows(condition) if isinstance(condition, Apply) else condition:
        case Apply(function=function, args=(ColumnRef(column=column) as of, Items(items=(Subquery(scalar=False) as listed,)))) if (
            function in _OF_SOME and column == key and listed.column is not None
        ):
            return _left_of(listed, of, other, partner)
    return None


def _left_of(listed: Subquery, of: Expr, other: o.Relation, partner: Column) -> tuple[Expr, ...] | None:
    """What a list asks of its values alone, said of one of them, where they are those of a column of ``other``; None where they are not."""
    values, asked, column = listed.relation, list[Expr](), listed.column
    assert column is not None
    while isinstance(values, o.Filter) and columns_of(values.predicate) == {column}:
        asked += conjuncts(values.predicate)
        values = values.input
    while True:
        found = same_columns(other, values)
        if found is not None and found.get(column.id) == partner:
            return tuple(substitute(p, {column.id: of}) for p in asked)
        if not isinstance(other, o.Filter | o.Arrange | o.Sort):
            return None
        other = other.input  # a list of more values has these among them
