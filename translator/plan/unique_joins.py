"""Joins that keep one row of each key of their left side: which one, conditions behind them decide.

Source: learn.microsoft.com/kusto/query/join-innerunique: such conditions are pushed to the side that they speak of.
"""

from __future__ import annotations

from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Expr, columns_of, conjunction, conjuncts
from translator.plan.functions.windows import innermost_window
from translator.plan.rewriting import rewritten

_UNIQUE = frozenset({"innerunique"})


def unique_join(relation: o.Relation, kinds: frozenset[str] = _UNIQUE) -> o.Join | None:
    """The join of some kinds whose rows the filter ``relation`` sees one by one, and nothing before it by their order."""
    passed: list[object] = []
    while isinstance(relation, o.Filter | o.Compute | o.Sort | o.Arrange):
        passed += [getattr(relation, name, ()) for name in ("predicate", "items", "keys")]
        relation = relation.input
    if not isinstance(relation, o.Join) or relation.kind not in kinds:
        return None
    by_order = any(isinstance(x, Apply) and innermost_window(x) is not None for part in passed for x in o.parts(part))
    return None if by_order else relation


def with_filters_sided(root: o.Relation) -> o.Relation:
    """A relation whose conditions behind such joins that speak of the left side alone are asked there."""
    return rewritten(root, lambda node: sided(node) if isinstance(node, o.Filter) else node) if o.has(root, o.Join) else root


def sided(node: o.Filter, kinds: frozenset[str] = _UNIQUE) -> o.Relation:
    """A filter whose conditions on the left side of a join of some kinds, where it stands behind one, are asked there."""
    if (join := unique_join(node, kinds)) is None:
        return node
    ids, sources = set[int](), set[int | None]()
    for part in o.parts(join.left):
        if isinstance(part, Column):
            ids.add(part.id)
        elif isinstance(part, o.Source):
            sources.add(part.id)

    def is_left(condition: Expr) -> bool:
        found = columns_of(condition)
        return bool(found) and all(c.id in ids or (c.source is not None and c.source in sources) for c in found)

    left = [p for p in conjuncts(node.predicate) if is_left(p)]
    if not left:
        return node
    rest = [p for p in conjuncts(node.predicate) if p not in left]
    found = _over(node.input, join, replace(join, left=o.Filter(node.span, join.left, conjunction(*left))))
    return replace(node, input=found, predicate=conjunction(*rest)) if rest else found


def _over(node: o.Relation, old: o.Join, new: o.Join) -> o.Relation:
    """What stands over a join, over another one."""
    return new if node is old else replace(node, input=_over(node.input, old, new))  # type: ignore[attr-defined,call-arg]
