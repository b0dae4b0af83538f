"""A detection as one search, of indexes or of a data model."""

from __future__ import annotations

from translator.fidelity import Diagnostic
from translator.targets.base import Cannot
from translator.targets.selection import Selection
from translator.targets.splunk.events import DEFAULT_FIELDS, Events
from translator.targets.splunk.statistics import correlated, groups, one_of_each
from translator.targets.splunk.words import field, string

NO_VALUE = "(none)"
"""What stands for a missing value between tstats, which would drop the row, and the conditions."""


def search_of(events: Events) -> str:
    """The search, with what it looks up before anything else that is done with its events.

    Raises:
        Cannot: where SPL has no words for it.
    """
    if events.models() != {""}:
        return _modelled(events)
    found = _of_kind(events)
    return "\n| ".join(found.with_computed(events.looked_up()))


_INSIDE = frozenset({"Change.Account_Management", "Network_Sessions.DHCP"})
"""Data sets that are parts of others.

Source: Splunk Search Reference, tstats: FROM takes a root data set, and ``nodename`` one inside of it; CIM manual, Change and Network
Sessions: All_Changes holds Account_Management, All_Sessions holds DHCP.
"""


def _modelled(events: Events) -> str:
    """A search of a data model of the CIM, which gives its events by those of their fields that are asked for, and how many these are.

    Source: Splunk Search Reference, tstats; in a model what is empty is "unknown" (CIM manual, "fillnull" of each model's fields).
    """
    detection = events.detection
    models = events.models()
    if len(models) != 1 or "" in models or detection.kind not in ("event", "event_count", "value_count"):
        raise Cannot(Diagnostic("target-cannot", "a data model is searched by itself, not beside other events", None))
    (model,) = models
    if model in _INSIDE:
        raise Cannot(Diagnostic("target-cannot", f"tstats has the fields of {model} by the names of the data set around it", None))
    events.predicates.empty = '({0}=="" OR {0}=="unknown")'
    events.predicates.not_empty = '{0}!="" AND {0}!="unknown"'
    asked = [events.whole(s) for s in detection.selectors]
    lines = [f"where {' OR '.join(f'({x})' for x in asked) if len(asked) > 1 else asked[0]}"] if all(asked) else []
    lines += [*one_of_each(events), *_alerted(events)] if detection.kind == "event" else groups(events, "sum(events)")
    read = events.fields_read()
    prefix = model.rpartition(".")[2]
    by = " ".join(name if name in DEFAULT_FIELDS else f"{prefix}.{name}" for name in read)
    events.names.say("rows-merged", "events of one second that agree in all that is asked for are one row with their number")
    tstats = f"| tstats summariesonly=false fillnull_value={string(NO_VALUE)} count as events from datamodel={model} by _time span=1s {by}"
    absent = "eval " + ", ".join(f'{name}=nullif({name}, "{NO_VALUE}")' for name in read)
    return "\n| ".join([tstats.rstrip(), f'rename "{prefix}.*" as *', *([absent] if by else []), *events.looked_up(), *lines])


def _of_kind(events: Events) -> Selection:
    match events.detection.kind:
        case "event":
            return events.filtered_before(lambda: [*one_of_each(events), *_alerted(events)])
        case "temporal" | "temporal_ordered":
            return correlated(events)
        case _:
            return events.filtered_before(lambda: groups(events, "count"))


def _alerted(events: Events) -> list[str]:
    """The command that gives each event the columns that its alert is made of, by the names that the rule has for them."""
    pairs = []
    for name, of in events.shown_by_selector().items():
        texts = [text for _, text in of]
        if name not in events.wanted or {*texts} == {"_time"} or field(name) != name:
            continue
        events.columns[name] = name
        if len(set(texts)) == 1 and name not in events.keys:
            events.repeated.suggest(texts[0], name)
        if {*texts} != {name}:
            pairs.append(f"{name}={events.by_selector(texts, [s for s, _ in of])}")
    return [f"eval {', '.join(pairs)}"] if pairs else []
