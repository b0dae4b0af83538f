"""What the searches for joined events share: a condition for each side."""

from __future__ import annotations

from translator.detection.model import Detection
from translator.fidelity import Diagnostic
from translator.targets.base import Cannot


def refuse_finer_counts(detection: Detection) -> None:
    """Raises Cannot where a side of a correlation counts by other fields than the correlation groups by: that takes two passes."""
    for side in detection.sides:
        if side.threshold is not None and any(set(g) != set(s.keys) for s, g in zip(side.selectors, side.grouping, strict=True)):
            raise Cannot(Diagnostic("target-cannot", "a join with a summary by more than the key is not supported here yet", None))


def sides_present(detection: Detection, flag: str, measure: str) -> list[str]:
    """A condition for each side, that its events are there, absent, or as many as it needs.

    ``flag`` tells it of a selector, whose name stands for ``{}``; ``measure`` of a side that counts, with operator and number.
    """
    found = []
    for side in detection.sides:
        if side.threshold is not None:
            found.append(measure.format(side.name, side.threshold.operator, side.threshold.count))
            continue
        text = " OR ".join(flag.format(s.name) for s in side.selectors)
        found.append(f"NOT ({text})" if side.absent else f"({text})" if " OR " in text else text)
    return found
