"""Enrichment: outer joins and lookups, which add columns to every row of one side and decide nothing."""

from __future__ import annotations

from translator.detection.lifting import Lifting
from translator.detection.shapes import Shape
from translator.plan import operators as o

_KEPT = {"leftouter": "left", "rightouter": "right"}


def is_enrichment(kind: str) -> bool:
    """Whether a join of that kind keeps every row of one side."""
    return kind in _KEPT


def enriched(lifting: Lifting, join: o.Join) -> Shape:
    """The side that is kept; that the other adds columns is said. Raises Blocked."""
    kept = lifting.shape(join.left if _KEPT[join.kind] == "left" else join.right)
    lifting.say("enrichment-dropped", f"the {join.kind} join adds columns and decides nothing", join.span)
    return kept
