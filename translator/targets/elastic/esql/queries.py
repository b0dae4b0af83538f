"""A detection as one query."""

from __future__ import annotations

from translator.targets.elastic.esql.events import Events
from translator.targets.elastic.esql.predicates import with_document
from translator.targets.elastic.esql.statistics import correlated, counted, one_of_each


def query_of(events: Events) -> str:
    """The query, with what it looks up before anything else that is done with its events."""
    query = events.looked_up(_of_kind(events))
    if "(_source, " not in query:
        return query
    base, *rest = query.split("\n| ")
    return "\n| ".join([with_document(base), *rest, *(["DROP _source"] if events.detection.kind == "event" else [])])


def _of_kind(events: Events) -> str:
    match events.detection.kind:
        case "event":
            query = "\n| ".join([*events.filtered(), *one_of_each(events)])
            return "\n| ".join([query, *events.alerted(query)])
        case "temporal" | "temporal_ordered":
            return correlated(events)
        case _:
            return counted(events)
