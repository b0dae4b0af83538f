"""Thresholds of a summarize, whatever they measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from translator.detection.conditions import constrain
from translator.detection.idioms.alternatives import together
from translator.detection.idioms.composed import detect_composed, measured_field, threshold_of
from translator.detection.idioms.distinct_count import distinct_count, size_of_set
from translator.detection.idioms.event_count import event_count
from translator.detection.idioms.existence import extreme_value, member_of_set, text_in_set
from translator.detection.idioms.keys import bucket_in, key_field
from translator.detection.idioms.measures import Comparison, Measure
from translator.detection.idioms.values import measured_value
from translator.detection.lifting import Lifting
from translator.detection.model import Detection, Selector, Side
from translator.detection.shapes import Branch, Events, Grouped, Shape, by_name
from translator.detection.windows import duration
from translator.fidelity import Place
from translator.plan.expressions import TRUE, Apply, ColumnRef, Const, Expr, Items, children, conjuncts, substitute
from translator.plan.simplify import simplify

MAX_CHOICES = 8
"""How many alternatives the ``or`` of a threshold may come to."""


MEASURES: Mapping[str, Callable[[Comparison], Measure | None]] = {
    "count": event_count,
    "countif": event_count,
    "dcount": distinct_count,
    "count_distinct": distinct_count,
    "sum": measured_value,
    "avg": measured_value,
    "percentile": measured_value,
    "max": extreme_value,
    "min": extreme_value,
}
"""The idiom by aggregate."""


def measure_of(condition: Expr, aggregates: Mapping[int, Expr]) -> Measure | None:
    """What ``condition`` measures, where ``aggregates`` are the columns of the summary; None where no correlation measures that."""
    match condition:
        case Apply(function="set_has_element", args=(ColumnRef(column=c), Const() as element)):
            return member_of_set(condition, element, aggregates.get(c.id))
        case Apply(
            function="has" | "has_cs" | "contains" | "contains_cs",
            args=(ColumnRef(column=c) | Apply(function="tostring", args=(ColumnRef(column=c),)), Const(value=str(term))),
        ):
            return text_in_set(condition, term, aggregates.get(c.id))
        case Apply(
            function=">" | ">=" | "<" | "<=" | "==" as operator,
            args=(Apply(function="array_length", args=(ColumnRef(column=c),)), Const(value=int(n))),
        ):
            return size_of_set(condition, operator, n, aggregates.get(c.id))
        case Apply(
            function=">" | ">=" | "<" | "<=" | "==" | "!=" as operator, args=(ColumnRef(column=c), Const(value=int() | float() as number))
        ) if not isinstance(number, bool):
            return _compared(condition, operator, number, aggregates.get(c.id))
    return None


def _compared(condition: Expr, operator: str, number: int | float, aggregate: Expr | None) -> Measure | None:
    if not isinstance(aggregate, Apply):
        return None
    name, args = aggregate.function, aggregate.args
    only: Expr = TRUE
    if name.endswith("if") and name != "countif":
        name, args, only = name.removesuffix("if"), args[:1], args[1]
    idiom = MEASURES.get(name)
    return idiom(Comparison(condition, operator, number, name, args, only)) if idiom else None


def detect_threshold(lifting: Lifting, inner: Events, outer: Grouped) -> Detection:
    """A summary with conditions on it; each alternative of an ``or`` between them is a detection of its own."""
    found = choices([p for h in outer.having for p in conjuncts(simplify(h))])
    if len(found) == 1:
        return detect_composed(lifting, inner, outer, deciding(lifting, outer, found[0]))

    def lifted(part: Lifting, number: int) -> Detection:
        part.findings.windows += lifting.findings.windows
        detection = detect_composed(part, inner, outer, deciding(part, outer, found[number]))
        return replace(detection, part=f"choice_{number + 1}_")

    return together(lifting, len(found), lifted)


def choices(conditions: list[Expr]) -> list[list[Expr]]:
    """A conjunction of conditions with each ``or`` among them dissolved; as it is where that gives too many alternatives."""
    found: list[list[Expr]] = [[]]
    for condition in conditions:
        members = condition.args if isinstance(condition, Apply) and condition.function == "or" else (condition,)
        found = [[*known, *conjuncts(member)] for known in found for member in members]
        if len(found) > MAX_CHOICES:
            return [conditions]
    return found


def counted_side(lifting: Lifting, name: str, grouped: Grouped, side: Events, selectors: tuple[Selector, ...], bucket: int | None) -> Side:
    """A side of a join that is a summary with a condition: how many events it needs, by the fields that the summary counts by.

    ``bucket`` is the length of the buckets of time that the join itself has among its keys.
    """
    conditions = [p for h in grouped.having for p in conjuncts(simplify(h))]
    measures = [m for m in deciding(lifting, grouped, conditions) if m.kind != "absent"]
    measure = next((m for m in measures if m.only == TRUE and m.kind != "exists"), next(iter(measures), None))
    if measure is None:
        raise lifting.block("unsupported-detection", "a summary of no events is not supported in a join yet", conditions[0].span)
    for other in measures:
        if other is not measure:
            lifting.say("condition-dropped", "a further condition on the summary is left out", other.condition.span)
    if measure.only != TRUE:
        found = []
        for selector, branch in zip(selectors, side.branches, strict=True):
            events = replace(branch, predicate=selector.predicate)
            constrain(lifting.within(measure.of_events), events, measure.only)
            found.append(replace(selector, predicate=events.predicate))
        selectors = tuple(found)
    if measure.kind == "exists":
        return Side(name, selectors)
    keys = [x for _, x in grouped.keys if bucket_in(x, side.branches[0]) is None]
    grouping = tuple(tuple(key_field(lifting, x, b, measure, x.span) for x in keys) for b in side.branches)
    values: list[Expr] = []
    if measure.value is not None:
        selected = [replace(b, predicate=s.predicate) for s, b in zip(selectors, side.branches, strict=True)]
        values = [measured_field(lifting, measure, measure.value, b) for b in selected]
    for selector, fields in zip(selectors, grouping, strict=True):
        if any(k not in fields for k in selector.keys):
            raise lifting.block("unsupported-join", "the join uses a key that the summary does not count by", measure.condition.span)
    threshold = threshold_of(lifting, measure, values, side)
    for size in (s for _, x in grouped.keys if (s := bucket_in(x, side.branches[0])) is not None and s != bucket):
        what = f"the summary counts by {duration(size)}, of which the join knows nothing: the output counts all of its window"
        lifting.say("bucket-widened", what, None, measure.place if threshold.kind in ("event_count", "value_count") else Place.BOTH)
    return Side(name, selectors, False, threshold, grouping)


def deciding(lifting: Lifting, grouped: Grouped, conditions: list[Expr]) -> list[Measure]:
    """What the conditions on a summary measure; those that no correlation can say are left out where others remain, and said."""
    found = {n: m for n, c in enumerate(conditions) if (m := measure_of(c, grouped.aggregates)) is not None}
    if not found:
        raise lifting.block("unsupported-detection", "this threshold is not supported yet", conditions[0].span)
    for number, condition in enumerate(conditions):
        if number not in found:
            lifting.say("condition-dropped", "a further condition on the summary is left out", condition.span)
    return list(found.values())


def counted_again(lifting: Lifting, left: Shape, right: Shape, pairs: tuple[tuple[Expr, Expr], ...]) -> Grouped | None:
    """Events joined with a threshold over the very same events are that threshold.

    The summary may ask more of its keys than the events: what these have in common with it satisfies that as well.
    """
    for grouped, other, number in ((right, left, 1), (left, right, 0)):
        if not (isinstance(grouped, Grouped) and grouped.having and isinstance(grouped.input, Events)):
            continue
        events = other.input if isinstance(other, Grouped) and not other.having else other
        if not isinstance(events, Events) or len(events.branches) != len(grouped.input.branches):
            continue
        definitions = {c.id: x for c, x in grouped.keys}
        others = {c.id: x for c, x in other.keys} if isinstance(other, Grouped) else {}
        keys = [{by_name(simplify(substitute(x, b.env))) for b in grouped.input.branches} for _, x in grouped.keys]
        shared = []
        for pair in pairs:
            key = substitute(substitute(pair[number], grouped.env), definitions)
            event = substitute(pair[1 - number], others)
            sides = {by_name(simplify(substitute(key, b.env))) for b in grouped.input.branches}
            if sides not in keys or sides != {by_name(simplify(substitute(event, b.env))) for b in events.branches}:
                break
            shared.append(sides)
        else:
            alike = zip(events.branches, grouped.input.branches, strict=True)
            buckets = [k for k, (_, x) in zip(keys, grouped.keys, strict=True) if bucket_in(x, grouped.input.branches[0]) is not None]
            # The events of the left side are shown of all groups that share the keys of the join.
            told = number == 0 or all(k in shared or k in buckets for k in keys)
            if told and all(_are_the_same(a, b, {x for sides in shared for x in sides}) for a, b in alike):
                grouped.closed, grouped.shown = True, events
                lifting.findings.beyond |= not all(k in shared for k in keys)
                return grouped
    return None


def _are_the_same(events: Branch, counted: Branch, keys: set[Expr]) -> bool:
    """Whether events that share ``keys`` with those that are counted are among them, and all of these are events."""
    asked, more = ({by_name(p) for p in conjuncts(b.predicate)} for b in (events, counted))
    return events.table == counted.table and asked <= more and all(_reads_only(p, keys) for p in more - asked)


def _reads_only(predicate: Expr, keys: set[Expr]) -> bool:
    """Whether a predicate over fields by name reads none but ``keys``."""
    if predicate in keys or isinstance(predicate, Const):
        return True
    named = isinstance(predicate, Apply) and predicate.function == "field"
    return isinstance(predicate, Apply | Items) and not named and all(_reads_only(part, keys) for part in children(predicate))


def holds_of_shown(lifting: Lifting, grouped: Grouped, predicate: Expr) -> bool:
    """Whether a condition on the events that are shown of each group says that a value is no less than the least of the group, or so."""
    if grouped.shown is None or not isinstance(grouped.input, Events):
        return False
    match predicate:
        case Apply(function="between", args=(value, low, high)):
            bounds = [(value, "min", low), (value, "max", high)]
        case Apply(function=">=", args=(value, bound)) | Apply(function="<=", args=(bound, value)):
            bounds = [(value, "min", bound)]
        case _:
            return False
    return all(
        isinstance(bound, ColumnRef)
        and isinstance(extreme := grouped.aggregates.get(bound.column.id), Apply)
        and extreme.function == function
        and _is_of(lifting, value, extreme.args[0], grouped.shown, grouped.input)
        for value, function, bound in bounds
    )


def _is_of(lifting: Lifting, value: Expr, measured: Expr, shown: Events, counted: Events) -> bool:
    """Whether events have the value always, and it is the one that is measured of those that are counted."""
    pairs = zip(shown.branches, counted.branches, strict=True)
    found = [(simplify(substitute(value, a.env)), simplify(substitute(measured, b.env)), a) for a, b in pairs]
    return all(by_name(own) == by_name(other) and lifting.has_always(own, branch.predicate) for own, other, branch in found)
