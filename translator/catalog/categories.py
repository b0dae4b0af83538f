"""What Elastic's integrations write of events themselves: their categories, types and actions in ECS.

No column has these, so that outputs do not ask for them; the rules that people write for Elastic begin with them (``process where``).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def written(table: str, dataset: str, row: Mapping[str, object]) -> dict[str, list[str]]:
    """The fields with what an integration says of an event, as far as that follows from its table and the row."""
    known = _categories().get(dataset, {})
    found = {**known.get("of_all", {}), **known.get("by_table", {}).get(table, {})}
    for column, values in known.get("by_column", {}).items():
        found |= values.get(str(row.get(column)), {})
    return {name: [*values] for name, values in found.items()}


def fields_of(table: str, dataset: str) -> frozenset[str]:
    """The fields in which the events of a table say what they are, where that is known of all of them."""
    known = _categories().get(dataset)
    if known is None or table not in known.get("by_table", {table: {}}):
        return frozenset()
    return frozenset({"event.kind", "event.category", "event.type"})


def told_by_table(dataset: str) -> bool:
    """Whether the events of several tables are in a data set, and the category says of which table one is."""
    return "by_table" in _categories().get(dataset, {})


@functools.cache
def _categories() -> Mapping[str, Mapping[str, Any]]:
    data: dict[str, Mapping[str, Any]] = json.loads((Path(__file__).parent / "categories.json").read_text(encoding="utf-8"))
    return data
