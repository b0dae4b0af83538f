"""Absence: anti-joins and ``!in (subquery)``, a side of which no event may have the key."""

from __future__ import annotations

ANTI = {"leftanti": "left", "leftantisemi": "left", "rightanti": "right", "rightantisemi": "right"}


def negates(kind: str) -> bool:
    """Whether a join of that kind keeps the rows that have no partner."""
    return kind in ANTI
