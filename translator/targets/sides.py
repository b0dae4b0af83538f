"""What the searches for joined events share: a condition for each side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

from translator.detection.model import Detection, Threshold, compares
from translator.fidelity import Diagnostic
from translator.rulepack.model import Rule
from translator.targets.base import Cannot


def identifying(rule: Rule, detection: Detection) -> set[int]:
    """The numbers of the keys that are all that identifies the alert; none where other columns do as well.

    Entities are those of the rule, else columns named ``...CustomEntity``, else the key where there is only one, and the rows of a join
    show it.
    """
    columns = dict.fromkeys(e.column for e in rule.entities)
    columns = columns or dict.fromkeys(n for s in detection.selectors for n, _ in s.outputs if n.endswith("CustomEntity"))
    if not columns:
        joins, shown = detection.kind in ("temporal", "temporal_ordered"), {x for s in detection.selectors for _, x in s.outputs}
        hidden = joins and bool(shown) and not any(key in shown for s in detection.selectors for key in s.keys)
        return {0} if len(detection.group_by) == 1 and not hidden else set()
    found = set()
    for column in columns:
        numbers = {s.keys.index(x) if x in s.keys else -1 for s in detection.selectors if (x := dict(s.outputs).get(column)) is not None}
        if len(numbers) != 1 or -1 in numbers:
            return set()
        found |= numbers
    return found


def lost_groups(rule: Rule, detection: Detection) -> Diagnostic | None:
    """What is said where groups of events without some key are none in the product; None where every event has all keys."""
    missing = [n for n, guaranteed in enumerate(detection.guaranteed) if not guaranteed]
    if not missing:
        return None
    entities = identifying(rule, detection)
    if entities and all(entities <= {*some} for size in range(1, len(missing) + 1) for some in combinations(missing, size)):
        return Diagnostic("empty-entity", "events without the key are one group in KQL, and are left out here")
    return Diagnostic("empty-join-key", "events without the keys are groups in KQL, and are left out here")


def refuse_finer_counts(detection: Detection) -> None:
    """Raises Cannot where a side of a correlation counts by other fields than the correlation groups by: that takes two passes."""
    for side in detection.sides:
        if side.threshold is not None and any(set(g) != set(s.keys) for s, g in zip(side.selectors, side.grouping, strict=True)):
            raise Cannot(Diagnostic("target-cannot", "a join with a summary by more than the key is not supported here yet", None))


YEAR_ONE = 62_135_596_800
"""Seconds from the first moment of the year 1, a Monday, to 1970 (learn.microsoft.com/kusto/query/bin-function)."""


def with_own_names(detection: Detection, own: Callable[[str], str]) -> Detection:
    """``detection`` with names of its selectors and sides that ``own`` finds free."""
    known = [n for side in detection.sides for n in (side.name, *(s.name for s in side.selectors))]
    named: dict[str, str] = {}
    for name in known:
        free = own(name)
        while name not in named and (free in named.values() or (free != name and free in known)):
            free = own(f"{free}_")
        named.setdefault(name, free)
    sides = []
    for side in detection.sides:
        selectors = tuple(replace(s, name=named[s.name]) for s in side.selectors)
        sides.append(replace(side, name=named[side.name], selectors=selectors))
    return replace(detection, sides=tuple(sides))


def holds_of_none(threshold: Threshold) -> bool:
    """Whether a count of no events passes, of which KQL has no row: some event has to be asked for beside it."""
    return threshold.kind in ("event_count", "value_count") and compares(threshold.operator, 0, threshold.count)


def sides_present(detection: Detection, flag: str, measure: str) -> list[str]:
    """A condition for each side, that its events are there, absent, or as many as it needs.

    ``flag`` tells it of a selector, whose name stands for ``{}``; ``measure`` of a side that counts, with operator and number.
    """
    found = []
    for side in detection.sides:
        text = " OR ".join(flag.format(s.name) for s in side.selectors)
        if side.threshold is not None:
            if holds_of_none(side.threshold):
                found.append(f"({text})" if " OR " in text else text)
            found.append(measure.format(side.name, side.threshold.operator, side.threshold.count))
            continue
        found.append(f"NOT ({text})" if side.absent else f"({text})" if " OR " in text else text)
    return found
