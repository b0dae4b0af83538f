"""The events of a pipeline's heads, with the fields that its operators read under the names that they have there."""

from __future__ import annotations

from dataclasses import replace

from translator.catalog import Stored
from translator.detection.model import Selector
from translator.detection.windows import is_time
from translator.fidelity import Diagnostic
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import Apply, ColumnRef, Expr, Path
from translator.targets.base import Cannot
from translator.targets.names import free_of, json_path
from translator.targets.pipeline.cases import Head, PipelineCase, fields_of
from translator.targets.pipeline.language import Command
from translator.targets.selection import Selection
from translator.targets.splunk.events import DEFAULT_FIELDS, Events
from translator.targets.splunk.words import OR_EMPTY, column, field, is_plain, moment_of, twice_in_json

FORMS = {"text": OR_EMPTY, "part": OR_EMPTY, "bool": "lower({0})"}
"""A field as a value of each kind, where it is not the value itself."""


def head(events: Events, case: PipelineCase) -> Head:
    """The commands that select events and give their fields the names that the rest of a pipeline has for them.

    A text is never missing there, as in KQL. Fields whose values are no texts, numbers or times of the event have no names there.
    """
    detection = events.detection
    models = events.models()
    if len(models) > 1:
        raise Cannot(Diagnostic("target-cannot", "a data model is searched by itself, not beside other events", None))
    (events.model,) = models
    if len(detection.selectors) > 1 and (places := {k for s in detection.selectors for k in events.place(s)} & {*events.keys}):
        raise Cannot(Diagnostic("target-cannot", f"{', '.join(sorted(places))} tells the tables apart, and names a column", None))
    selecting = events.filtered()
    pairs, found = fields_of(case, events.keys, "_time", field, lambda number, kind: _typed(events, number, kind, case))
    flags: tuple[str, ...] = ()
    if case.flagged:
        flags, selecting = _flagged(events, case, selecting)
    elif events.mark:
        selecting = events.marked(selecting)
    lines = [selecting.base, *_known(events), *selecting.first, *events.looked_up(), *selecting.rest]
    for name, text in pairs:
        events.repeated.suggest(text, name)
    if pairs:
        lines.append("eval " + ", ".join(f"{column(n)}={text}" for n, text in pairs))
    commands = tuple(Command(line.split(" ", 1)[0] if n else "search", line) for n, line in enumerate(lines))
    times = {name for name, fact in zip(events.keys, case.fields, strict=True) if fact in found and found[fact].text == "_time"}
    taken = {*events.names.all_of([s.predicate for s in detection.selectors]), *events.fields, *events.keys, "_time"} - times
    typed = {fact: text for number, fact in enumerate(case.fields) if fact in found and (text := _with_type(events, number, case))}
    return Head(commands, found, frozenset({*taken, *flags}), flags, typed)


def _flagged(events: Events, case: PipelineCase, selecting: Selection) -> tuple[tuple[str, ...], Selection]:
    """The fields that are there on the events of each of several heads, and the commands that select these events with them.

    Args:
        selecting: the commands that select the events of all.
    """
    selectors, flags, held = list(events.detection.selectors), list[str](), list[str]()
    heads = [[s for s in selectors if s.name in names] for names in case.selectors]
    told = None if events.mark else events.told([next(n for n, own in enumerate(heads) if s in own) for s in selectors])
    for own in heads:
        table = own[0].table.lower()
        flags.append(free_of(f"is_{table if is_plain(table) else 'event'}", {*events.fields, *flags}))
        if events.mark:
            held.append(f"in({events.mark}, {', '.join(str(selectors.index(s) + 1) for s in own)})")
            continue
        conditions = list(dict.fromkeys(events.holds(s) if told is None else told[selectors.index(s)] for s in own))
        every = events.predicates.true in conditions
        held.append("" if every else conditions[0] if len(conditions) == 1 else " OR ".join(f"({c})" for c in conditions))
    pairs = [f"{flag}=if({holds}, 1, null())" if holds else f"{flag}=1" for flag, holds in zip(flags, held, strict=True)]
    if told is not None:
        return tuple(flags), selecting.then(["eval " + ", ".join(pairs)])
    if events.mark:
        pairs.insert(0, events.numbered())
    asked = () if "" in held else ("where " + " OR ".join(f"isnotnull({flag})" for flag in flags),)
    return tuple(flags), replace(selecting, rest=("eval " + ", ".join(pairs), *asked))


def _typed(events: Events, number: int, kind: str, case: PipelineCase) -> str | None:
    """A key as a value of the kind that it has in KQL; None where a time is that of the event in one part of a union only, and of
    an object or an array whose JSON is not to be had."""
    owners = case.selectors[case.owners[number]]
    keys = [s.keys[number] for s in events.detection.selectors if s.name in owners]
    if kind == "json" and not all(isinstance(k, Apply) and k.function == JSON_TEXT for k in keys):
        return None
    text = events.key(number, FORMS.get(kind, "{0}"), owners)
    if kind != "time":
        return text
    if all(map(is_time, keys)):
        return "_time"
    return text if text == "_time" else None if "_time" in text else moment_of(text)


def _with_type(events: Events, number: int, case: PipelineCase) -> str:
    """What stands at a place in JSON, twice in an array; empty where a key is no such place."""
    owners = case.selectors[case.owners[number]]
    places = {_place_in_json(events, s, s.keys[number], case.fields[number]) for s in events.detection.selectors if s.name in owners}
    place = places.pop() if len(places) == 1 else None
    return "" if place is None else twice_in_json(field(place[0]), place[1])


def _place_in_json(events: Events, selector: Selector, key: Expr, fact: Expr) -> tuple[str, str] | None:
    """The field that holds a place, and its path there; None where it is in no JSON. A value in an event that is JSON has its path."""
    if isinstance(key, Apply) and key.function == JSON_TEXT:
        key = key.args[0]
    home = events.names.home(selector)
    if isinstance(key, ColumnRef) and isinstance(fact, Path) and isinstance(fact.base, ColumnRef) and home is not None:
        stored = home.columns.get(fact.base.column.name)
        named = isinstance(stored, Stored) and stored.type == "json" and json_path(fact.steps) is not None
        return ("_raw", key.column.name) if named else None
    return events.names.in_json(key, named=True)


def _known(events: Events) -> list[str]:
    """The command that takes what a data model has for missing values away (CIM manual, "fillnull" of each model's fields)."""
    if not events.model:
        return []
    pairs = [f'{column(name)}=nullif({field(name)}, "unknown")' for name in events.fields_read() if name not in DEFAULT_FIELDS]
    return [f"eval {', '.join(pairs)}"] if pairs else []
