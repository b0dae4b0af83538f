"""Enrichment: outer joins and lookups, which add columns to every row of one side and decide nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from translator.detection.lifting import Lifting
from translator.detection.shapes import Events, Shape, sources_within
from translator.plan import operators as o
from translator.plan.expressions import Column, ColumnRef, Expr, columns_of
from translator.plan.types import Type

_KEPT = {"leftouter": "left", "rightouter": "right"}


_PASSED = (o.Compute, o.Project, o.Sort, o.Arrange, o.Distinct, o.Aggregate)
"""Operators below which the values of a column are the same."""


def keeps_all(join: o.Join, filtered: bool) -> bool:
    """Whether a join keeps every row of one side: an outer one, and one with a summary of the rows that the left side is made of.

    Args:
        filtered: whether conditions stand behind it, which may ask for what the summary says of a row.
    """
    return join.kind in _KEPT or (join.kind in ("inner", "innerunique") and not filtered and _with_own_summary(join))


def _with_own_summary(join: o.Join) -> bool:
    """Whether all that the left side has in the keys is on the right one as well. Texts are never null, and match each other."""
    if join.condition is not None or any(x.type != Type.STRING for pair in join.on for x in pair):
        return False
    if not any(isinstance(r, o.Aggregate | o.Distinct) for r in o.relations(join.right)):
        return False
    left = [*_made_of(join.left, [a for a, _ in join.on], (*_PASSED, o.Filter))]
    return any(found in left for found in _made_of(join.right, [b for _, b in join.on], _PASSED))


def _made_of(relation: o.Relation, exprs: list[Expr], passed: tuple[type[o.Relation], ...]) -> Iterator[object]:
    """A relation and those below it that have the values of some columns, each with what these columns are there, to be compared."""
    while columns := [x.column.id for x in exprs if isinstance(x, ColumnRef)]:
        if len(columns) < len(exprs):
            return
        yield _numbered((relation, exprs), {})
        if not isinstance(relation, passed):
            return
        match relation:
            case o.Compute(items=items) | o.Project(items=items):
                named = {c.id: x for c, x in items}
            case o.Aggregate(keys=keys, aggregates=aggregates):
                named = {c.id: x for c, x in (*keys, *aggregates)}
            case _:
                named = {}
        exprs = [named.get(c, x) for c, x in zip(columns, exprs, strict=True)]
        relation = relation.input  # type: ignore[attr-defined]


def _numbered(part: object, ids: dict[int | None, int]) -> object:
    """A part of a plan without its places in the query, its columns by the order in which they come: copies of a relation are the same."""
    match part:
        case tuple() | list():
            return tuple(_numbered(x, ids) for x in part)
        case Column(id=number, name=name, type=kind, source=source):
            return name, kind, *(ids.setdefault(n, len(ids)) for n in (number, source))
        case o.Source(table=table, id=number):
            return table, ids.setdefault(number, len(ids))
        case o.Relation() | Expr():
            return type(part), *(_numbered(getattr(part, f.name), ids) for f in fields(part) if f.name != "span")
    return part


def enriched(lifting: Lifting, join: o.Join) -> Shape:
    """The side that is kept; that the other adds columns is said. Raises Blocked."""
    kept, added = (join.right, join.left) if _KEPT.get(join.kind) == "right" else (join.left, join.right)
    shape = lifting.shape(kept)
    lifting.say("enrichment-dropped", f"the {join.kind} join adds columns and decides nothing", join.span)
    keys = {c.id for pair in join.on for side in pair for c in columns_of(side)}
    lifting.findings.added |= sources_within(added) - sources_within(kept)
    if isinstance(shape, Events) and not _one_row_per_key(added, keys):
        return replace(shape, branches=[replace(b, multiplied=True) for b in shape.branches])
    return shape


def _one_row_per_key(relation: o.Relation, keys: set[int]) -> bool:
    """Whether a relation has at most one row for the columns ``keys``: it is a summary by some of them."""
    while isinstance(relation, o.Project | o.Compute | o.Filter | o.Sort | o.Arrange):
        if isinstance(relation, o.Project | o.Compute):
            keys = keys | {x.column.id for c, x in relation.items if c.id in keys and isinstance(x, ColumnRef)}
        relation = relation.input
    match relation:
        case o.Aggregate(keys=by):
            return {c.id for c, _ in by} <= keys
        case o.Distinct(columns=columns):
            return {c.id for c in columns} <= keys
    return False
