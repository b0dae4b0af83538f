"""Outer joins of which a condition above takes the rows without partners: they are inner joins."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Subquery, conjuncts, walk
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

_R = TypeVar("_R", bound=o.Relation)
_ORDERED = frozenset({Type.INT, Type.LONG, Type.REAL, Type.DATETIME, Type.TIMESPAN})


def with_inner_joins(relation: o.Relation, needed: frozenset[Column] = frozenset()) -> o.Relation:
    """A relation with inner joins for outer ones, where the rows without partners are left out above.

    Such a row has nothing in the columns of the other side. What groups by one of these has groups of its own for them.

    Args:
        needed: the columns that have to have a value, no empty one, in the rows that are kept.
    """
    match relation:
        case o.Filter(input=below, predicate=predicate):
            asked = frozenset(c for part in conjuncts(predicate) for c in _asked(part))
            found = _over(relation, with_inner_joins(below, needed | asked))
            inside = rewritten(predicate, _inside)
            return found if inside is predicate else replace(found, predicate=inside)
        case o.Compute(input=below, items=items):
            made = {c for c, _ in items}
            passed = frozenset(c for c in needed if c not in made) | _named(needed, items)
            return _over(relation, with_inner_joins(below, passed))
        case o.Project(input=below, items=items):
            return _over(relation, with_inner_joins(below, needed | _named(needed, items)))
        case o.Aggregate(input=below, keys=keys):
            return _over(relation, with_inner_joins(below, _named(needed, keys)))
        case o.Sort(input=below) | o.Arrange(input=below) | o.Distinct(input=below):
            return _over(relation, with_inner_joins(below, needed))
        case o.Join(left=left, right=right, kind=kind):
            if kind in ("leftouter", "fullouter") and _has(right, needed):
                kind = "inner" if kind == "leftouter" else "rightouter"
            if kind in ("rightouter", "fullouter") and _has(left, needed):
                kind = "inner" if kind == "rightouter" else "leftouter"
            news = [with_inner_joins(side, needed if kind == "inner" else frozenset()) for side in (left, right)]
            if kind == relation.kind and news[0] is left and news[1] is right:
                return relation
            return replace(relation, left=news[0], right=news[1], kind=kind)
        case o.Union(inputs=inputs):
            parts = tuple(map(with_inner_joins, inputs))
            return relation if all(a is b for a, b in zip(parts, inputs, strict=True)) else replace(relation, inputs=parts)
    below_: o.Relation | None = getattr(relation, "input", None)
    return relation if below_ is None else _over(relation, with_inner_joins(below_))


def _inside(node: object) -> object:
    """Another query that a condition asks, with inner joins of its own."""
    if isinstance(node, Subquery) and (found := with_inner_joins(node.relation)) is not node.relation:
        return replace(node, relation=found)
    return node


def _over(relation: _R, below: o.Relation) -> _R:
    return relation if below is relation.input else replace(relation, input=below)  # type: ignore[attr-defined,call-arg]


def _named(needed: frozenset[Column], items: tuple[tuple[Column, Expr], ...]) -> frozenset[Column]:
    """The columns that some of the needed ones are, under other names."""
    return frozenset(x.column for c, x in items if c in needed and isinstance(x, ColumnRef))


def _has(relation: o.Relation, needed: frozenset[Column]) -> bool:
    """Whether some of the columns are those of a relation."""
    made, sources = set[Column](), set[int | None]()
    for node in o.relations(relation):
        match node:
            case o.Source():
                sources.add(node.id)
            case o.External(columns=columns):
                made |= {*columns}
            case o.Compute(items=items) | o.Project(items=items):
                made |= {c for c, _ in items}
            case o.Aggregate(keys=keys, aggregates=aggregates):
                made |= {c for c, _ in (*keys, *aggregates)}
    return any(c in made or (c.source is not None and c.source in sources) for c in needed)


def _asked(condition: Expr) -> list[Column]:
    """The columns that have a value, no empty one, where a condition holds."""
    if any(isinstance(n, Subquery) for n in walk(condition)):
        return []
    match condition:
        case Apply(function="!=", args=(ColumnRef(column=column), Const(value=""))):
            return [column]
        case Apply(function="isnotempty" | "isnotnull", args=(ColumnRef(column=column),)):
            return [column]
        case Apply(function="<" | "<=" | ">" | ">=", args=args):  # null of what is missing
            return [c for x in args for c in _strict(x)]
        case Apply(function="not", args=(Apply(function="isempty", args=(ColumnRef(column=column),)),)):
            return [column]
        case Apply(function="not", args=(Apply(function="==", args=(ColumnRef(column=column), Const(value=""))),)):
            return [column]
        case Apply(function="==" | "=~", args=(ColumnRef(column=column), Const(value=value))) if value not in ("", None):
            return [column]
        case Apply(function="in" | "in~", args=(ColumnRef(column=column), Items(items=items))) if all(
            isinstance(i, Const) and i.value not in ("", None) for i in items
        ):
            return [column]
    return []


def _strict(expr: Expr) -> list[Column]:
    """The columns of which a number is null where one of them is."""
    match expr:
        case ColumnRef(column=column):
            return [column] if column.type in _ORDERED else []
        case Apply(function="+" | "-" | "*" | "/", args=args):
            return [c for x in args for c in _strict(x)]
    return []
