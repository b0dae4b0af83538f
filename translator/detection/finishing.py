"""The end of the walk: a detection of sides, keys and a threshold, with its window and what it takes for granted."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from translator.detection.approximations import is_custom_text
from translator.detection.arrays import may_lack, read_apart
from translator.detection.lifting import Lifting
from translator.detection.model import Detection, Selector, Side, Threshold, counts_missing
from translator.detection.overlaps import is_of_several_groups, repeated
from translator.detection.windows import duration
from translator.fidelity import FilledList, Place
from translator.plan.conditions import LIMITS, LISTS, fields_of, is_field, is_present
from translator.plan.expressions import Apply, Const, Expr, conjunction, conjuncts, negated_in, walk
from translator.plan.types import Type


def _note_types(lifting: Lifting, selector: Selector, place: Place) -> None:
    """What the equality of two fields of unknown types takes for granted. The negation excludes events without both in any case."""
    negated = negated_in(selector.predicate)
    for node in walk(selector.predicate):
        match node:
            case Apply(function="==", args=(left, right)) if is_field(left) and is_field(right) and id(node) not in negated:
                untyped = left.type == right.type == Type.UNKNOWN and not (is_custom_text(left) and is_custom_text(right))
                if untyped and not any(is_present(f, selector.predicate) for f in (left, right)):
                    lifting.say("type-assumed", "events without both fields satisfy this only if the fields are texts", node.span, place)


def finish(
    lifting: Lifting, kind: str, sides: tuple[Side, ...], keys: tuple[str, ...], guaranteed: tuple[bool, ...], threshold: Threshold | None,
    within: int | None = None, bucket: int | None = None,
) -> Detection:  # fmt: skip
    """The detection, with what is said of its thresholds and its window; its times are in seconds.

    Args:
        within: how far apart its events may be.
        bucket: the length of the buckets that it groups by.
    """
    thresholds = [t for t in (threshold, *(s.threshold for s in sides)) if t is not None]
    if any(t.percentile is not None for t in thresholds):
        lifting.say("percentile-method", "the KQL estimates the percentile, products interpolate it in ways of their own", None)
    for side in sides:
        counted = side.threshold or threshold
        if (kind == "event" or counted is not None) and (said := repeated(side, counted)) is not None:
            lifting.say(*said, None, Place.PLAIN if counted is None else counted.measured)
        place = side.place(threshold, bool(keys or bucket))
        if kind != "event" and is_of_several_groups(side, counted.fields if counted is not None else ()):
            what = "an event that several parts of the union find is a row of each of their keys in the query, of one of them here"
            lifting.say("counted-twice", what, None, place)
        if kind != "event" and lifting.findings.unique and any(_reads_list(s.predicate) for s in side.selectors):
            what = "the join with the list keeps one event of each of its keys, the output looks at all"
            lifting.say("one-row-per-key", what, lifting.findings.unique[0][0].span, place)
        for number, selector in enumerate(side.selectors):
            _note_types(lifting, selector, place)
            _note_empty_listed(lifting, selector, place)
            grouping = side.grouping[number] if side.grouping else ()
            fields = counted.fields[number : number + 1] if counted is not None else ()
            if (value := read_apart(selector, (*selector.keys, *grouping, *fields))) is not None:
                what = "the KQL takes this of the element for which its conditions and other values stand, the output of any of the array"
                lifting.say("elements-apart", what, value.span, place)
            for field in fields:
                if counted is not None and counted.kind == "value_count" and may_lack(field, selector.predicate):
                    what = "an element without the value is one more in KQL, and none in the output beside others of its array that have it"
                    lifting.say("missing-value", what, field.span, counted.measured)
    found = Detection(kind, sides, _key_names(sides, keys), guaranteed, threshold, 0, bucket, (), within)
    timespan, lookback = _timespans(lifting, found)
    return replace(found, timespan=timespan, lookback=lookback)


def _reads_list(predicate: Expr) -> bool:
    return any(isinstance(n, Apply) and n.function in LISTS for n in walk(predicate))


def _key_names(sides: tuple[Side, ...], keys: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the keys: another one where the query shows something else by the name that a key has."""
    selectors = [s for side in sides for s in side.selectors]
    shown = {name for s in selectors for name, _ in s.outputs}

    def is_other(number: int) -> bool:
        return any(n == keys[number] and _read(x) != _read(s.keys[number]) for s in selectors if s.keys for n, x in s.outputs)

    found = list[str]()
    for number, name in enumerate(keys):
        own, suffix, taken = name, 0, shown | {*keys, *found} if is_other(number) else set[str]()
        while own in taken:
            suffix += 1
            own = f"{name}{suffix}"
        found.append(own)
    return tuple(found)


def _read(expr: Expr) -> Expr:
    return expr.args[0] if isinstance(expr, Apply) and expr.function == "tostring" else expr


def _note_empty_listed(lifting: Lifting, selector: Selector, place: Place) -> None:
    """Says that events without a value are never among what was seen before, as the empty text may be in KQL.

    It is not where the earlier window is asked for events with a value.
    """
    filled = {h.name for h in lifting.findings.histories if all(lifting.has_always(s.keys[0], s.predicate) for s in h.selectors)}
    earlier = {d.fact.name for d in lifting.findings.said if isinstance(d.fact, FilledList) and d.fact.earlier} - filled
    if not earlier:
        return
    parts = list(conjuncts(selector.predicate))
    for part in parts:
        negated = negated_in(part)
        for node in walk(part):
            if not (isinstance(node, Apply) and node.function in LISTS and cast(Const, node.args[1]).value in earlier):
                continue
            beside = conjunction(*(p for p in parts if p is not part))
            if any(not counts_missing(f) or lifting.has_always(f, beside) for f in fields_of(node.args[0])):
                continue
            what = "events without the value are not found in the list, as they are in the earlier window of the query"
            lifting.say("empty-listed", what, node.span, (Place.TURNED if id(node) in negated else Place.PLAIN).below(place))


def _timespans(lifting: Lifting, detection: Detection) -> tuple[int, int]:
    """The window of the correlation, and how far its events may lie back."""
    kind, sides, within = detection.kind, detection.sides, detection.within
    windows = [w for w in lifting.findings.windows if w]
    dated = all(s.dated for side in sides for s in side.selectors)
    if windows and lifting.period and not dated:
        windows.append(lifting.period)  # what the query does not limit is limited by the rule
    lookback = min(max(windows), lifting.period or max(windows)) if windows else lifting.period or lifting.default
    if lifting.timed and not dated and lifting.period is None:
        if kind != "event" or any(
            isinstance(p, Apply) and p.function in LIMITS for s in detection.selectors for p in conjuncts(s.predicate)
        ):
            raise lifting.block("unsupported-detection", "how far a part of the query looks back is not known", None)
        lookback = max(lookback, lifting.default)
        lifting.say("window-assumed", "a part of the query has no time window of its own: it looks back as far as the search does", None)
    elif lifting.timed:
        said = f"the search itself limits the time of each part: run it over {duration(lifting.period or lookback)}"
        lifting.say("window-in-search", said, None)
    if within is not None:
        return within, lookback
    if detection.bin and kind != "event":
        return detection.bin, max(detection.bin, lookback)
    reached = sorted({min(window, lookback) for window in windows})  # no part looks back farther than the rule does
    if len(reached) > 1 and not lifting.timed:
        lengths = ", ".join(map(duration, reached))
        lifting.say("window-widened", f"windows of {lengths} become one of {duration(lookback)}", None, detection.place)
    if not windows and not lifting.period and kind != "event":
        lifting.say("window-assumed", f"neither the query nor the rule states a time window: {duration(lookback)} is assumed", None)
    return lookback, lookback
