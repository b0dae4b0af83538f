"""Event count: ``count()`` or ``countif()`` and a threshold."""

from __future__ import annotations

from translator.detection.idioms.measures import Comparison, Measure


def event_count(found: Comparison) -> Measure | None:
    """A number of events. One that is not negative is zero or more than that, which no threshold needs to say."""
    only = found.args[0] if found.function == "countif" else found.only
    if found.of_any:
        return found.of_any
    if found.is_none:
        return Measure(found.condition, "absent", only=only)
    if (found.operator, found.number) in ((">", 0), (">=", 1), ("!=", 0)):
        return Measure(found.condition, "exists", only=only)
    return None if found.operator == "!=" else Measure(found.condition, "event_count", found.operator, found.number, None, only).seen
