"""Detections that count events, or tell several kinds of them together, by ``stats``."""

from __future__ import annotations

import re

from translator.detection.model import Selector, Side, Threshold, counts_missing
from translator.fidelity import Diagnostic
from translator.targets.base import Cannot
from translator.targets.selection import Selection
from translator.targets.sides import holds_of_none, refuse_finer_counts, sides_present
from translator.targets.splunk.events import Events
from translator.targets.splunk.words import OR_EMPTY, binned, bucket_of, by_clause, column, field

MEASURES = {"event_count": "count", "value_count": "dc({0})", "value_sum": "sum({0})", "value_avg": "avg({0})"}
"""Functions of ``stats`` by type of correlation."""


def measured(threshold: Threshold, value: str) -> str:
    """The function of ``stats`` that a threshold compares, over a field. Percentiles are exact ones."""
    if threshold.percentile is not None:
        return f"exactperc{threshold.percentile}({value})"
    return MEASURES[threshold.kind].format(value)


def groups(events: Events, measure: str) -> list[str]:
    """The commands that count the events of a threshold and compare the number."""
    detection, threshold = events.detection, events.detection.threshold
    assert threshold is not None
    counted_value, number = events.own("counted_value"), events.own(threshold.kind)
    if threshold.fields:
        measure = measured(threshold, counted_value)
    lines = _computed_keys(events)
    by = list(map(column, events.keys))
    if detection.bin:
        lines.append(binned(detection.bin))
        by.append("_time")
    if threshold.fields:
        lines.append(f"eval {counted_value}={events.by_selector(_measured_values(events, threshold))}")
    commands, terms = _gathered(events)
    lines += commands
    lines.append(f"stats {measure} as {number}{terms}{by_clause(by)}")
    lines.append(f"where {number}{threshold.operator}{threshold.count}")
    return lines


def _computed_keys(events: Events) -> list[str]:
    """The commands that give events their keys."""
    lines: list[str] = []
    for index, (name, guaranteed) in enumerate(zip(events.keys, events.detection.guaranteed, strict=True)):
        spelled_key = events.key(index, "{0}" if guaranteed else OR_EMPTY)
        if spelled_key != field(name):
            events.repeated.suggest(spelled_key, name)
            lines.append(f"eval {column(name)}={spelled_key}")
    return lines


def one_of_each(events: Events) -> list[str]:
    """The commands that keep one event of each group; none where all alert.

    Source: Splunk Search Reference, dedup: the first event of each combination stays.
    """
    one = events.detection.one
    if one is None or not events.keys:
        return []
    order = {"last": ["sort 0 -_time"], "first": ["sort 0 _time"]}.get(one.order, [])
    return [*_computed_keys(events), *order, f"dedup {' '.join(map(column, events.keys))}"]


def correlated(events: Events) -> Selection:
    """A search for events of several kinds with equal keys: one ``stats`` by the keys, without ``join``.

    Raises:
        Cannot: where events or counts of the sides cannot be told apart there.
    """
    detection = events.detection
    selectors = detection.selectors
    refuse_finer_counts(detection)
    _refuse_overlaps(events)
    told = events.told_each
    selection, lines = events.filtered() if told is not None else Selection(events.searched()), list[str]()
    for number, selector in enumerate(selectors):
        lines.append(f"eval {selector.name}=if({told[number] if told is not None else events.holds(selector)}, 1, 0)")
    for index, (name, guaranteed) in enumerate(zip(events.keys, detection.guaranteed, strict=True)):
        form = "{0}" if guaranteed else OR_EMPTY
        keys = [events.spelled_key(s.keys[index], form) for s in selectors]
        pairs = ", ".join(f"{s.name}==1, {key}" for s, key in zip(selectors, keys, strict=True))
        chosen = keys[0] if len(set(keys)) == 1 else f"case({pairs})"
        if chosen != field(name):
            events.repeated.suggest(chosen, name)
            lines.append(f"eval {column(name)}={chosen}")
    if told is None and not events.is_all_searched():
        lines.append("where " + " OR ".join(f"{s.name}==1" for s in selectors))
    by = list(map(column, events.keys))
    if detection.bin:
        bucket = events.own("time_bucket")
        lines.append(f"eval {bucket}={bucket_of(detection.bin)}")
        by.append(bucket)
    flagged = [side for side in detection.sides if side.threshold is None or holds_of_none(side.threshold)]
    flags = " ".join(f"max({s.name}) as {s.name}" for side in flagged for s in side.selectors)
    for side in detection.sides:
        if side.threshold is not None:
            command, term = _counted_side(events, side, side.threshold)
            lines.append(command)
            flags += f" {term}"
    commands, terms = _gathered(events)
    lines += commands
    first, last, earlier, later, paired = map(events.own, ("first_time", "last_time", "earlier", "later", "paired"))
    times = f"min(_time) as {first} max(_time) as {last}"
    if detection.kind == "temporal_ordered" or detection.within is not None:
        for name, side in zip((earlier, later), detection.sides, strict=True):
            lines.append(f"eval {name}=if({' OR '.join(f'{s.name}==1' for s in side.selectors)}, _time, null())")
        times = f"min({earlier}) as {first} max({later}) as {last}"
    if detection.within is not None:
        lines += _paired(events, detection.within, by, earlier, later, paired)
        times += f" max({paired}) as {paired}"
    lines.append(f"stats {times} {flags}{terms}{by_clause(by)}")
    sides = sides_present(detection, "{}==1", "{}_measure{}{}")
    if detection.within is not None:
        sides.append(f"{paired}==1")
    elif detection.kind == "temporal_ordered":
        sides.append(f"{first}<{last}" if detection.strict else f"{first}<={last}")
    lines.append("where " + " AND ".join(sides))
    return selection.then(lines)


def _paired(events: Events, within: int, by: list[str], earlier: str, later: str, paired: str) -> list[str]:
    """The commands that mark events of one side whose last one of the other side is at most ``within`` seconds before.

    Where any two are so close, two neighbours are, of which one is of each side: the event before each is enough, which
    streamstats finds among any number (without a window it looks back over 10,000: limits.conf, max_stream_window).
    Of events of the same moment those come first that, where these are in order, another of that moment must not follow.
    """
    ordered, strict = events.detection.kind == "temporal_ordered", events.detection.strict
    at_once, last_earlier, last_later = map(events.own, ("at_once", "last_earlier", "last_later"))
    first = f"isnotnull({later})" if ordered and strict else f"isnotnull({earlier})"
    last = f"max({earlier}) as {last_earlier}" + ("" if ordered else f" max({later}) as {last_later}")
    close = f"{later}-{last_earlier}<={within}" + ("" if ordered else f" OR {earlier}-{last_later}<={within}")
    window = "current=false window=1" if ordered and strict else "window=2"
    return [
        f"eval {at_once}=if({first}, 0, 1)",
        f"sort 0 _time {at_once}",
        f"streamstats {window} global=false {last}{by_clause(by)}",
        f"eval {paired}=if({close}, 1, 0)",
    ]


def _counted_side(events: Events, side: Side, threshold: Threshold) -> tuple[str, str]:
    """The command that marks what a side counts, and the term of ``stats`` that counts it: null is no event to it."""
    forms = ["1"] * len(side.selectors)
    if threshold.fields:
        forms = _measured_values(events, threshold)
    pairs = ", ".join(f"{s.name}==1, {form}" for s, form in zip(side.selectors, forms, strict=True))
    value = events.own(f"{side.name}_value")
    command = f"eval {value}=case({pairs})"
    function = f"count({value})" if threshold.kind == "event_count" else measured(threshold, value)
    return command, f"{function} as {side.name}_measure"


def _measured_values(events: Events, threshold: Threshold) -> list[str]:
    """What a threshold measures, for each selector."""
    named = [(x, events.named(x)) for x in threshold.fields]
    return [OR_EMPTY.format(f) if threshold.kind == "value_count" and counts_missing(x) else f for x, f in named]


def _refuse_overlaps(events: Events) -> None:
    """An event can count for two sides only where both take the same key from it."""
    seen: list[Selector] = []
    for side in events.detection.sides:
        for selector in side.selectors:
            for other in seen:
                if other.table == selector.table and _spelled_keys(events, other) != _spelled_keys(events, selector):
                    raise Cannot(Diagnostic("target-cannot", f"two sides of the join read {selector.table} by different keys", None))
        seen.extend(side.selectors)


def _spelled_keys(events: Events, selector: Selector) -> list[str]:
    return [events.named(k) for k in selector.keys]


def _gathered(events: Events) -> tuple[list[str], str]:
    """The columns of the query: commands that compute them, and the terms of ``stats`` that gather the values of each.

    They are computed before ``stats``, whose functions take no quoted field names. What an alert is made of comes from the events of
    the sides that have it.
    """
    spelled, selectors = events.shown(), events.detection.selectors
    own = {*events.detection.group_by, *events.keys, *(s.name for s in events.detection.selectors), *events.own_names}
    made: list[tuple[str, str]] = []
    terms: list[str] = []
    words = {other: set(re.findall(r"[\w.]+", texts[0])) for other, texts in spelled.items() if texts}
    readers = {name: {other for other, found in words.items() if name in found and other != name} for name in words}
    for name, texts in spelled.items():
        if len(texts) > 1 and (key := _key_named(events, name)) is not None:
            events.columns[name] = key
        if len(texts) != 1 or name in own or texts[0] == "_time" or field(name) != name:
            continue
        of = [s.name for s in events.detection.shown if name in dict(s.outputs)]
        apart = events.detection.kind.startswith("temporal") and len(of) < len(selectors)
        read_later = any(readers.get(other) for other in readers[name])
        if texts[0] != name and read_later:
            continue
        if apart and not read_later:
            made.append((name, f"if({' OR '.join(f'{s}==1' for s in of)}, {texts[0]}, null())"))
        elif texts[0] != name:
            events.repeated.suggest(texts[0], name)
            made.append((name, texts[0]))
        terms.append(f" values({name}) as {name}")
        events.columns[name] = name
    made.sort(key=lambda pair: bool(readers[pair[0]]))  # a field that others are made of is changed behind them
    return [f"eval {name}={text}" for name, text in made], "".join(terms)


def _key_named(events: Events, name: str) -> str | None:
    """What a column of the query is called that is a key wherever there is one: each side has it in a field of its own."""
    found = [(s.keys, value) for s in events.detection.shown if (value := dict(s.outputs).get(name)) is not None]
    for number, key in enumerate(events.keys):
        if all(number < len(keys) and keys[number] == value for keys, value in found):
            return column(key)
    return None
