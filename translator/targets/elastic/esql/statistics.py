"""Detections that count events, or tell several kinds of them together, by ``STATS``."""

from __future__ import annotations

from translator.detection.model import Side, Threshold, counts_missing
from translator.detection.windows import duration
from translator.fidelity import Diagnostic
from translator.plan.conditions import is_present
from translator.plan.types import NULLABLE
from translator.targets.base import Cannot
from translator.targets.elastic import field
from translator.targets.elastic.esql.events import Events
from translator.targets.elastic.functions import MOST_PRECISE
from translator.targets.elastic.words import by_clause
from translator.targets.selection import Selection
from translator.targets.sides import YEAR_ONE, holds_of_none, refuse_finer_counts, sides_present

MEASURES = {
    "event_count": "COUNT(*)",
    "value_count": "COUNT_DISTINCT({0})",
    "value_sum": "SUM({0})",
    "value_avg": "AVG({0})",
    "value_median": "MEDIAN({0})",
}
"""Functions of STATS by type of correlation."""


PRECISION = 3_000
"""Up to how many values COUNT_DISTINCT is close to exact, as it is and at most (ES|QL functions, COUNT_DISTINCT)."""


def measured(threshold: Threshold, value: str) -> str:
    """The function of STATS that a threshold compares, over a column."""
    if threshold.percentile is not None:
        return f"PERCENTILE({value}, {threshold.percentile})"
    if threshold.kind == "value_count" and threshold.count > PRECISION:
        return f"COUNT_DISTINCT({value}, {MOST_PRECISE})"
    return MEASURES[threshold.kind].format(value)


def counted(events: Events) -> Selection:
    """A query for a threshold on one kind of events: ``STATS`` by the keys, then the condition."""
    detection, threshold = events.detection, events.detection.threshold
    assert threshold is not None
    selection, lines = events.filtered(False), _computed_keys(events)
    by = list(map(field, events.keys))
    if detection.bin:
        by.append(_bucket(events, detection.bin))
    value, measured_as = events.own("counted_value"), events.own(threshold.kind)
    if threshold.fields:
        lines.append(f"EVAL {value} = {events.by_selector(_counted_values(events, threshold))}")
    measure = f"{measured_as} = {measured(threshold, value)}"
    lines.append(f"STATS {measure}{_gathered(events)}{' BY ' + ', '.join(by) if by else ''}")
    lines.append(f"WHERE {measured_as} {threshold.operator} {threshold.count}")
    return selection.then(lines)


def _computed_keys(events: Events) -> list[str]:
    """The commands that give documents their keys."""
    keys = [(name, events.key(number)) for number, name in enumerate(events.keys)]
    return [f"EVAL {field(name)} = {key}" for name, key in keys if key != f"TO_STRING({field(name)})"]


def one_of_each(events: Events) -> list[str]:
    """The commands that keep one document of each group, of several of one moment that of the least id; none where all alert."""
    one = events.detection.one
    if one is None or not events.keys:
        return []
    by, row = by_clause(list(map(field, events.keys))), events.own("row")
    wanted = {"last": [("MAX", "@timestamp")], "first": [("MIN", "@timestamp")]}.get(one.order, [])
    lines = [*_computed_keys(events), f'EVAL {row} = CONCAT(_index, "/", _id)']
    for function, value in (*wanted, ("MIN", row)):
        best = events.own("first_row" if value == row else "best")
        lines += [f"INLINE STATS {best} = {function}({value}){by}", f"WHERE {value} == {best}"]
    return lines


def _bucket(events: Events, seconds: int) -> str:
    """The beginning of the bucket of an event, which Kusto counts from the year 1 and BUCKET from 1970.

    Source: elastic.co/docs/reference/query-languages/esql/functions-operators/grouping-functions, BUCKET.
    """
    name, shift = events.own("time_bucket"), YEAR_ONE % seconds
    if not shift:
        return f"{name} = BUCKET(@timestamp, {seconds} seconds)"
    return f"{name} = BUCKET(@timestamp + {shift} seconds, {seconds} seconds) - {shift} seconds"


def correlated(events: Events) -> Selection:
    """A query for events of several kinds with equal keys: one ``STATS`` by the keys that counts each kind.

    Raises:
        Cannot: where counts of the sides cannot be told apart there.
    """
    detection = events.detection
    finer = _finer_side(events)
    if finer is None:
        refuse_finer_counts(detection)
    selection, lines = events.filtered(False), list[str]()
    seen: dict[str, list[str]] = {}
    for selector, condition in zip(detection.selectors, events.told_each, strict=True):
        lines.append(f"EVAL {selector.name} = " + ("1" if condition == "true" else f"CASE({condition}, 1, 0)"))
    for side in detection.sides:
        for selector in side.selectors:
            keys = [events.named(k) for k in selector.keys]
            if seen.get(selector.table, keys) != keys and len(side.selectors) == 1:
                raise Cannot(Diagnostic("target-cannot", f"two sides of the join read {selector.table} by different keys", None))
        for selector in side.selectors:
            seen[selector.table] = [events.named(k) for k in selector.keys]
    for number, (name, guaranteed) in enumerate(zip(events.keys, detection.guaranteed, strict=True)):
        form = "TO_STRING({0})" if guaranteed else 'COALESCE(TO_STRING({0}), "")'
        keys_of = [form.format(events.named(s.keys[number])) for s in detection.selectors]
        if name not in detection.group_by and len(set(keys_of)) == 1:
            lines += [] if guaranteed else [f"EVAL {field(name)} = {keys_of[0]}"]
            continue
        pairs = ", ".join(f"{s.name} == 1, {key}" for s, key in zip(detection.selectors, keys_of, strict=True))
        lines.append(f"EVAL {field(name)} = CASE({pairs})")
    numbers = [field(name) for n, name in enumerate(events.keys) if detection.guaranteed[n] and _is_nullable(events, n)]
    if numbers:  # of which a missing one equals no other
        lines.append("WHERE " + " AND ".join(f"{name} IS NOT NULL" for name in numbers))
    counted = [_counted_side(events, side, side.threshold) for side in detection.sides if side.threshold is not None]
    lines += [command for command, _ in counted if command]
    flagged = [side for side in detection.sides if side.threshold is None or holds_of_none(side.threshold)]
    plain = [f"{s.name} = COUNT(*) WHERE {s.name} == 1" for side in flagged for s in side.selectors]
    counts = ", ".join([*plain, *(term for _, term in counted)])
    if detection.within is not None:
        apart = duration(detection.within)
        events.names.say("window-dropped", f"the KQL wants these events at most {apart} apart, of which STATS knows nothing")
    begun, ended = events.own("first_time"), events.own("last_time")
    if detection.kind == "temporal_ordered":
        earlier, later = (" OR ".join(f"{s.name} == 1" for s in side.selectors) for side in detection.sides)
        counts += f", {begun} = MIN(@timestamp) WHERE {earlier}, {ended} = MAX(@timestamp) WHERE {later}"
    by = [field(name) for name in events.keys]
    if detection.bin:
        by.append(_bucket(events, detection.bin))
    if finer is None:
        lines.append(f"STATS {counts}{_gathered(events)}{by_clause(by)}")
    else:
        lines += _counted_finer(events, finer, counts, by)
    sides = sides_present(detection, "{} > 0", "{}_measure {} {}")
    if detection.kind == "temporal_ordered":
        sides.append(f"{begun} < {ended}" if detection.strict else f"{begun} <= {ended}")
    lines.append("WHERE " + " AND ".join(sides))
    return selection.then(lines)


def _is_nullable(events: Events, number: int) -> bool:
    """Whether a key is no text of some event, and may be missing."""
    return any(s.keys[number].type in NULLABLE and not is_present(s.keys[number], s.predicate) for s in events.detection.selectors)


def _finer_side(events: Events) -> Side | None:
    """The one side that counts, where it counts groups within those of the key, of which one has to be large or small enough."""
    counting = [side for side in events.detection.sides if side.threshold is not None]
    if events.detection.kind != "temporal" or len(counting) != 1:
        return None
    (side,) = counting
    assert side.threshold is not None
    within = all(set(g) > set(s.keys) for s, g in zip(side.selectors, side.grouping, strict=True))
    return side if within and (side.threshold.grows or side.threshold.operator in ("<", "<=")) else None


def _counted_finer(events: Events, side: Side, counts: str, by: list[str]) -> list[str]:
    """Counts of the groups of a side, and of these the largest for each key, or the smallest of those that have events."""
    assert side.threshold is not None
    rows = [[x for x in group if x not in s.keys] for s, group in zip(side.selectors, side.grouping, strict=True)]
    lines, finer = [], []
    for number, fields in enumerate(zip(*rows, strict=True), 1):
        pairs = (f'{s.name} == 1, COALESCE(TO_STRING({events.named(f)}), "")' for s, f in zip(side.selectors, fields, strict=True))
        lines.append(f"EVAL finer_{number} = CASE({', '.join(pairs)})")
        finer.append(f"finer_{number}")
    measure, few = f"{side.name}_measure", holds_of_none(side.threshold)
    lines.append(f"STATS {counts}{_gathered(events)}{by_clause([*by, *finer])}")
    if few:
        lines.append(f"EVAL {measure} = CASE({' OR '.join(f'{s.name} > 0' for s in side.selectors)}, {measure})")
    plain = [s.name for other in events.detection.sides if other != side or few for s in other.selectors]
    again = [*(f"{name} = SUM({name})" for name in plain), f"{measure} = {'MIN' if few else 'MAX'}({measure})"]
    own = {s.name for s in side.selectors}
    passes = f" WHERE {measure} {side.threshold.operator} {side.threshold.count}"  # of other groups the alert shows nothing
    again += [f"{field(n)} = VALUES({field(n)})" + passes * ({*of} <= own) for n, (_, of) in events.gathered_fields().items()]
    return [*lines, f"STATS {', '.join(again)}{by_clause(by)}"]


def _counted_values(events: Events, threshold: Threshold) -> list[str]:
    named = [(x, events.named(x)) for x in threshold.fields]
    if threshold.kind == "value_count":
        return [f'COALESCE(TO_STRING({f}), "")' if counts_missing(x) else f for x, f in named]
    return [events.predicates.number.format(f) if events.names.number_as_text(x) else f for x, f in named]


def _counted_side(events: Events, side: Side, threshold: Threshold) -> tuple[str, str]:
    """The command that marks what a side counts, where it counts values, and the term of STATS that counts it."""
    found = " OR ".join(f"{s.name} == 1" for s in side.selectors)
    if not threshold.fields:
        return "", f"{side.name}_measure = COUNT(*) WHERE {found}"
    pairs = ", ".join(f"{s.name} == 1, {v}" for s, v in zip(side.selectors, _counted_values(events, threshold), strict=True))
    value = events.own(f"{side.name}_value")
    return f"EVAL {value} = CASE({pairs})", f"{side.name}_measure = {measured(threshold, value)}"


def _gathered(events: Events) -> str:
    """The terms of STATS that gather the columns of the query; those of some sides only, of the events of these."""
    terms, every = "", len(events.detection.selectors)
    for name, (text, of) in events.gathered_fields().items():
        apart = events.detection.kind.startswith("temporal") and len(of) < every
        terms += f", {field(name)} = VALUES({text})" + (f" WHERE {' OR '.join(f'{s} == 1' for s in of)}" if apart else "")
    return terms
