"""The relations that an operator reads, those of its subqueries too, and others in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from translator.plan import operators as o
from translator.plan.expressions import Apply, Expr, Items, Same, Subquery, walk


def inputs_of(node: o.Relation) -> list[o.Relation]:
    """The relations that an operator reads, those of its subqueries too."""
    match node:
        case o.Join(left=left, right=right):
            return [left, right]
        case o.Union(inputs=inputs):
            return list(inputs)
        case o.Filter(input=below, predicate=predicate):
            return [below, *(s.relation for s in subqueries_of(predicate))]
    below_: o.Relation | None = getattr(node, "input", None)
    return [] if below_ is None else [below_]


def subqueries_of(expr: Expr) -> tuple[Subquery, ...]:
    """The subqueries that stand in an expression."""
    return _subqueries_of(Same(expr))


@lru_cache(maxsize=1024)
def _subqueries_of(same: Same[Expr]) -> tuple[Subquery, ...]:
    """The same: each look at what stands below a condition asks for them."""
    return tuple(n for n in walk(same.node) if isinstance(n, Subquery))


def way_to(root: o.Relation) -> list[o.Relation]:
    """The operators that lead to a relation, the first one first: from its table, or from a union, whose parts are not looked into."""
    found: list[o.Relation] = []
    current: o.Relation | None = root
    while current is not None:
        found.append(current)
        current = None if isinstance(current, o.Union) else getattr(current, "input", None)
    return found[::-1]


def over(node: o.Relation, news: Sequence[o.Relation]) -> o.Relation:
    """An operator over other relations in the place of its ``inputs_of``."""
    if all(new is old for new, old in zip(news, inputs_of(node), strict=True)):
        return node
    match node:
        case o.Join():
            return replace(node, left=news[0], right=news[1])
        case o.Union():
            return replace(node, inputs=tuple(news))
        case o.Filter(predicate=predicate) if len(news) > 1:
            relations: dict[int, Expr] = {id(s): replace(s, relation=r) for s, r in zip(subqueries_of(predicate), news[1:], strict=True)}
            return replace(node, input=news[0], predicate=with_others(predicate, relations))
    return replace(node, input=news[0])  # type: ignore[call-arg]


def with_others(expr: Expr, news: Mapping[int, Expr]) -> Expr:
    """An expression with others in the places of some of its parts, told by which they are."""
    match expr:
        case _ if id(expr) in news:
            return news[id(expr)]
        case Apply(args=args):
            return replace(expr, args=tuple(with_others(a, news) for a in args))
        case Items(items=items):
            return replace(expr, items=tuple(with_others(i, news) for i in items))
    return expr
