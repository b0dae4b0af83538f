"""A detection as one query."""

from __future__ import annotations

from translator.targets.elastic.esql.events import Events
from translator.targets.elastic.esql.predicates import with_document
from translator.targets.elastic.esql.statistics import correlated, counted, one_of_each
from translator.targets.selection import Selection


def query_of(events: Events) -> str:
    """The query, with what it looks up before anything else that is done with its events."""
    found = _of_kind(events)
    base, *rest = found.with_computed(events.looked_up())
    if any("(_source, " in command for command in rest):
        base = with_document(base)
        rest += ["DROP _source"] if events.detection.kind == "event" else []
    return "\n| ".join([base, *rest])


def _of_kind(events: Events) -> Selection:
    match events.detection.kind:
        case "event":
            found = events.filtered().then(one_of_each(events))
            return found.then(events.alerted(found))
        case "temporal" | "temporal_ordered":
            return correlated(events)
        case _:
            return counted(events)
