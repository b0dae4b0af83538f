"""Composed counts: several conditions on one summary, as a correlation of what each of them measures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from translator.detection.approximations import is_custom_text
from translator.detection.conditions import constrain
from translator.detection.finishing import finish
from translator.detection.idioms.keys import column_name, grouping_keys, is_computed_key, key_field
from translator.detection.idioms.measures import Measure
from translator.detection.idioms.selector import outputs_of
from translator.detection.lifting import Lifting
from translator.detection.model import Detection, Selector, Side, Threshold
from translator.detection.naming import unique_names
from translator.detection.overlaps import repeatedly
from translator.detection.shapes import Branch, Events, Grouped
from translator.fidelity import Place
from translator.plan.conditions import fields_of, is_field, is_present
from translator.plan.expressions import FALSE, TRUE, Apply, ColumnRef, Expr, Path, conjuncts, negation, substitute
from translator.plan.simplify import simplify
from translator.plan.types import Type


def detect_composed(lifting: Lifting, inner: Events, outer: Grouped, measures: list[Measure]) -> Detection:
    """A side for each condition on the summary: a count of its own, an event that must be there, or one that must not.

    Where one count decides, it is the detection.
    """
    needed = [m for m in measures if m.kind != "exists" or m.only != TRUE]
    if len(needed) == 1 and not outer.keys and needed[0].kind == "absent":
        needed = [replace(needed[0], kind="event_count", operator="<", count=1)]
    counted = len(needed) == 1 and needed[0].kind in ("event_count", "value_count")
    if not counted and not outer.keys and all(m.holds_of_none for m in needed or measures):
        raise lifting.block("unsupported-detection", "this threshold also holds where there are no events", measures[0].condition.span)
    if all(m.kind == "absent" for m in needed):
        needed = [Measure(measures[0].condition, "exists"), *needed]
    names = unique_names([b.table for b in inner.branches] * len(needed))
    lifting.say("columns-differ", "the alert shows the keys and the count, not every column of the query", None)
    if len(needed) == 1 and needed[0].kind == "exists":
        side = _side(lifting, inner, outer, [], needed[0], names)
        return finish(lifting, "event", (side,), (), (), None)
    places = {m.of_events for m in needed}
    keys, bucket = grouping_keys(lifting, inner, outer, places.pop() if len(places) == 1 else Place.BOTH)
    sides = []
    for number, measure in enumerate(needed):
        own = names[number * len(inner.branches) : (number + 1) * len(inner.branches)]
        sides.append(_side(lifting, inner, outer, keys, measure, own))
    positive = [side for side in sides if not side.absent]
    guaranteed = tuple(
        any(all(lifting.has_always(s.keys[i], s.predicate) for s in side.selectors) for side in positive) for i in range(len(keys))
    )
    threshold = sides[0].threshold
    if len(sides) == 1 and threshold is not None:
        only = Side(sides[0].name, sides[0].selectors)
        return finish(lifting, threshold.kind, (only,), tuple(n for n, _ in keys), guaranteed, threshold, bucket=bucket)
    return finish(lifting, "temporal", tuple(sides), tuple(n for n, _ in keys), guaranteed, None, bucket=bucket)


def _side(
    lifting: Lifting, inner: Events, outer: Grouped, keys: list[tuple[str, Expr]], measure: Measure, names: list[str]
) -> Side:  # fmt: skip
    """The events that ``measure`` looks at, and how many of them it wants."""
    selectors, values = [], []
    for name, branch in zip(names, inner.branches, strict=True):
        events = replace(branch, windows=list(branch.windows))
        if measure.only != TRUE:
            constrain(lifting.within(measure.of_events), events, measure.only)
        if events.predicate == FALSE:
            continue
        fields = tuple(key_field(lifting, x, branch, measure, x.span) for _, x in keys)
        selectors.append(Selector(name, branch.table, events.predicate, fields, outputs_of(lifting, branch, outer), events.dated))
        if measure.value is not None:
            values.append(measured_field(lifting, measure, measure.value, events))
    if not selectors:
        raise lifting.block("unsupported-detection", "the events that this counts can never be", measure.condition.span)
    if measure.kind in ("exists", "absent"):
        return Side(names[0], tuple(selectors), measure.kind == "absent")
    return Side(names[0], tuple(selectors), False, threshold_of(lifting, measure, values, inner), tuple(s.keys for s in selectors))


def measured_field(lifting: Lifting, measure: Measure, value: Expr, events: Branch) -> Expr:
    """The field of ``events`` that ``measure`` takes the ``value`` of; what events without it mean is said."""
    computed = simplify(substitute(value, events.env))
    match computed:
        case Apply(function="tostring", args=(ColumnRef() | Path() as inner,)) if is_field(inner):
            return replace(inner, type=Type.STRING)
    fields = fields_of(computed)
    if measure.kind == "value_count" and measure.grows and len(fields) == 1 and is_computed_key(computed):
        what = f"the KQL counts values that it computes from {column_name(fields[0])}, the output those of the field"
        lifting.say("counted-field", what, measure.condition.span, measure.place)
        if computed.type != Type.STRING and not is_present(fields[0], events.predicate):
            what = "the KQL may compute a value of events without the field, which count for none in the output"
            lifting.say("missing-value", what, measure.condition.span, measure.place)
        # A text that is computed is there for a missing field too.
        value = replace(fields[0], type=Type.STRING) if computed.type == Type.STRING else fields[0]
    found = key_field(lifting, value, events, measure, measure.condition.span, counted=True)
    if (
        measure.kind == "value_count"
        and found.type == Type.UNKNOWN
        and not is_custom_text(found)
        and not is_present(found, events.predicate)
    ):
        lifting.say("type-assumed", "events without the counted field are one more value only if it is a text", found.span, measure.place)
    if measure.kind == "value_sum" and measure.holds_of_zero and not _asked_for(found, events.predicate):
        lifting.say("sum-of-none", "where no event has the value, the sum is 0 in KQL and none in the output", found.span)
    return found


def threshold_of(lifting: Lifting, measure: Measure, values: Iterable[Expr], events: Events) -> Threshold:
    """The threshold of a measure; that an event may be several rows is said."""
    threshold = Threshold(measure.kind, measure.operator, measure.count, tuple(values), measure.percentile)
    if any(b.multiplied for b in events.branches) and (said := repeatedly(threshold)) is not None:
        what = "an event that is several rows in the query, by a join or an array, counts for each of them there, once here"
        lifting.say(said, what, measure.condition.span, measure.place)
    return threshold


def _asked_for(value: Expr, predicate: Expr) -> bool:
    """Whether ``predicate`` makes sure that a number is there: it is not null, or compares with one."""
    return any(
        isinstance(p, Apply)
        and (p == negation(Apply(None, Type.BOOL, "isnull", (value,))) or (p.args[:1] == (value,) and p.function != "isnull"))
        for p in conjuncts(predicate)
    )
