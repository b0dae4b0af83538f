"""Enrichment: outer joins and lookups, which add columns to every row of one side and decide nothing."""

from __future__ import annotations

from dataclasses import replace

from translator.detection.lifting import Lifting
from translator.detection.shapes import Events, Shape
from translator.plan import operators as o
from translator.plan.expressions import ColumnRef, columns_of

_KEPT = {"leftouter": "left", "rightouter": "right"}


def is_enrichment(kind: str) -> bool:
    """Whether a join of that kind keeps every row of one side."""
    return kind in _KEPT


def enriched(lifting: Lifting, join: o.Join) -> Shape:
    """The side that is kept; that the other adds columns is said. Raises Blocked."""
    kept, added = (join.left, join.right) if _KEPT[join.kind] == "left" else (join.right, join.left)
    shape = lifting.shape(kept)
    lifting.say("enrichment-dropped", f"the {join.kind} join adds columns and decides nothing", join.span)
    keys = {c.id for pair in join.on for side in pair for c in columns_of(side)}
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
