"""Absence: anti-joins and ``!in (subquery)``, a side of which no event may have the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from translator.detection.shapes import Shape
from translator.plan import operators as o

if TYPE_CHECKING:
    from translator.detection.lifting import Lifting

ANTI = {"leftanti": "left", "leftantisemi": "left", "rightanti": "right", "rightantisemi": "right"}


def negates(kind: str) -> bool:
    """Whether a join of that kind keeps the rows that have no partner."""
    return kind in ANTI


def absent_shape(lifting: Lifting, relation: o.Relation) -> Shape:
    """The shape of what no event may match: a part left out of it would let more alert."""
    outside, lifting.every_part = lifting.every_part, True
    try:
        return lifting.shape(relation)
    finally:
        lifting.every_part = outside
