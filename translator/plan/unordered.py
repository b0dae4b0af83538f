"""Lists of values that are only asked whether they hold something, which sets of the same values tell as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, Items, Subquery, const
from translator.plan.rewriting import rewritten

_OF_ANY = frozenset({"ipv4_is_in_any_range", "ipv6_is_in_any_range", "has_any", "has_any_ipv4", "in", "in~", "!in", "!in~"})
"""What looks for any of the values behind its first argument, in whatever order and however often these are there."""

_SETS = {("make_list", 1): "make_set", ("make_list_if", 2): "make_set_if"}
"""Aggregates that take all values, and with how many arguments, by what has each once."""


def with_sets(plan: o.Plan) -> o.Plan:
    """A plan with sets for lists of which neither order nor repeats decide or are shown: a product may cut a list off, and no set.

    Neither takes nulls (learn.microsoft.com/kusto/query: make-list-aggregation-function, make-set-aggregation-function).
    """
    if o.functions(plan.root).isdisjoint(name for name, _ in _SETS) or o.has(plan.root, o.Unsupported, o.Plugin, o.Evaluation):
        return plan
    found = (pair for n in o.relations(plan.root) if isinstance(n, o.Aggregate) for pair in n.aggregates)
    sets = {c for c, made in found if _set_of(made) is not None}
    sets -= {c for _, c in plan.names} | set(_read(rewritten(plan.root, _without_memberships)))

    def of_set(node: object) -> object:
        match node:
            case o.Aggregate(aggregates=aggregates) if any(c in sets for c, _ in aggregates):
                return replace(node, aggregates=tuple([(c, (_set_of(x) if c in sets else None) or x) for c, x in aggregates]))
        return node

    return replace(plan, root=rewritten(plan.root, of_set)) if sets else plan


def _set_of(made: Expr) -> Expr | None:
    match made:
        case Apply(function=name, args=args) if (other := _SETS.get((name, len(args)))) is not None:
            return replace(made, function=other)
    return None


def _without_memberships(node: object) -> object:
    """A part of a plan that reads no list only to look for any of its values."""
    match node:
        case Apply(function=name, args=(subject, *values)) if name in _OF_ANY:
            return replace(node, args=(subject, *map(_unread, values)))
    return node


def _unread(value: Expr) -> Expr:
    match value:
        case ColumnRef():
            return const(None, value.type)
        case Subquery():
            return replace(value, column=None)
        case Items(items=items):
            return replace(value, items=tuple(map(_unread, items)))
    return value


def _read(root: o.Relation) -> Iterator[Column]:
    """The columns that are read anywhere in a relation."""
    for node in o.parts(root):
        match node:
            case ColumnRef(column=column) | Subquery(column=Column() as column):
                yield column
            case o.Distinct(columns=columns):
                yield from columns
            case o.Union(columns=merged):
                yield from (c for _, below in merged for c in below if c is not None)
            case o.Limit(partition=partition):
                yield from partition
