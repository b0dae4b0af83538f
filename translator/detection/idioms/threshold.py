"""Event count and distinct count: a summarize with a threshold on the number of events, or of distinct values."""

from __future__ import annotations

from dataclasses import replace

from translator.detection.idioms.selector import common_name, is_present, selectors_of
from translator.detection.lifting import Lifting
from translator.detection.model import Detection, Selector, Side, Threshold
from translator.detection.shapes import (
    Branch,
    Events,
    Grouped,
    Shape,
    by_name,
)
from translator.detection.windows import bucket_of
from translator.plan.expressions import (
    Apply,
    ColumnRef,
    Const,
    Expr,
    Span,
    conjuncts,
    substitute,
    walk,
)
from translator.plan.simplify import is_field, simplify
from translator.plan.types import Type


def detect_threshold(lifting: Lifting, inner: Events, outer: Grouped) -> Detection:
    condition, operator, n, aggregate = deciding(lifting, outer)
    if not outer.keys and (operator in ("<", "<=") or n == 0):
        raise lifting.block("unsupported-detection", "this threshold also holds where there are no events", condition.span)
    keys: list[tuple[str, Expr]] = []
    for column, expr in outer.keys:
        bucket = bucket_in(lifting, expr, inner.branches[0])
        if bucket is not None:
            lifting.bin = bucket
        else:
            keys.append((column.name, expr))
    keys = independent(lifting, keys, inner)
    computed = [k for k in keys if any(is_computed_key(lifting, substitute(k[1], b.env)) for b in inner.branches)]
    if computed and len(computed) < len(keys) and operator in (">", ">="):
        lifting.say(
            "key-dropped",
            f"{', '.join(n for n, _ in computed)} is computed from the fields, and is left out of the keys",
            computed[0][1].span,
        )
        keys = [k for k in keys if k not in computed]
    selectors, values = [], []
    for selector, branch in zip(selectors_of(lifting, inner, outer), inner.branches, strict=True):
        fields = tuple(key_field(lifting, simplify(substitute(x, branch.env)), x.span) for _, x in keys)
        selectors.append(replace(selector, keys=fields))
        if aggregate.function != "count":
            values.append(key_field(lifting, simplify(substitute(aggregate.args[0], branch.env)), aggregate.span))
    kind = "event_count" if aggregate.function == "count" else "value_count"
    threshold = Threshold(operator, n, tuple(values))
    side = Side(common_name(tuple(selectors)), tuple(selectors))
    guaranteed = tuple(all(is_present(s.keys[i], s.predicate) for s in selectors) for i in range(len(keys)))
    if lifting.bin is not None:
        lifting.windows.append(lifting.bin)
    lifting.say("columns-differ", "the alert shows the keys and the count, not every column of the query", None)
    return lifting.finish(kind, (side,), tuple(n for n, _ in keys), guaranteed, threshold)


def summary_of(lifting: Lifting, grouped: Grouped, side: Events, selectors: tuple[Selector, ...]
) -> tuple[Threshold, tuple[tuple[Expr, ...], ...]]:  # fmt: skip
    """The threshold of a side of a join, and the fields that it counts by, for each selector."""
    _, operator, n, aggregate = deciding(lifting, grouped)
    keys = [x for _, x in grouped.keys if bucket_in(lifting, x, side.branches[0]) is None]
    grouping = tuple(tuple(key_field(lifting, simplify(substitute(x, b.env)), x.span) for x in keys) for b in side.branches)
    values: tuple[Expr, ...] = ()
    if aggregate.function != "count":
        values = tuple(key_field(lifting, simplify(substitute(aggregate.args[0], b.env)), aggregate.span) for b in side.branches)
    for selector, fields in zip(selectors, grouping, strict=True):
        if any(k not in fields for k in selector.keys):
            raise lifting.block("unsupported-join", "the join uses a key that the summary does not count by", aggregate.span)
    return Threshold(operator, n, values), grouping


def deciding(lifting: Lifting, grouped: Grouped) -> tuple[Expr, str, int, Apply]:
    """The condition on a summary that a correlation can say, as ``threshold_of`` has it; the others are left out and said."""
    conditions = [p for h in grouped.having for p in conjuncts(simplify(h))]
    found = [(c, t) for c in conditions if (t := threshold_of(lifting, c, grouped)) is not None]
    if not found:
        raise lifting.block("unsupported-detection", "this threshold is not supported yet", conditions[0].span)
    condition, threshold = found[0]
    for other in conditions:
        if other is not condition:
            lifting.say("condition-dropped", "a further condition on the summary is left out", other.span)
    return condition, *threshold


def threshold_of(lifting: Lifting, condition: Expr, outer: Grouped) -> tuple[str, int, Apply] | None:
    """(operator, number, aggregate) of a condition on a count or a number of distinct values; None where it is another."""
    match condition:
        case Apply(
            function=">" | ">=" | "<" | "<=" | "==" as operator,
            args=(Apply(function="array_length", args=(ColumnRef(column=c),)), Const(value=int(n))),
        ):
            aggregate = outer.aggregates.get(c.id)
            if isinstance(aggregate, Apply) and aggregate.function == "make_set":
                return operator, n, Apply(aggregate.span, Type.LONG, "dcount", aggregate.args[:1])
        case Apply(function=">" | ">=" | "<" | "<=" | "==" as operator, args=(ColumnRef(column=c), Const(value=int(n)))):
            aggregate = outer.aggregates.get(c.id)
            if isinstance(aggregate, Apply) and aggregate.function in ("count", "dcount", "count_distinct"):
                return operator, n, aggregate
    return None


def bucket_in(lifting: Lifting, expr: Expr, branch: Branch) -> int | None:
    return bucket_of(simplify(substitute(expr, branch.env)))


def independent(lifting: Lifting, keys: list[tuple[str, Expr]], inner: Events) -> list[tuple[str, Expr]]:
    """``keys`` without those that others decide: a constant, or what is computed from fields that are keys themselves."""
    if len(inner.branches) != 1:
        return keys
    env = inner.branches[0].env
    values = [(name, expr, simplify(substitute(expr, env))) for name, expr in keys]
    own = {v for _, _, v in values if is_field(v)}
    kept = []
    for name, expr, value in values:
        fields = {n for n in walk(value) if isinstance(n, ColumnRef)}
        if is_field(value) or not fields <= own:
            kept.append((name, expr))
    return kept or keys


def is_computed_key(lifting: Lifting, expr: Expr) -> bool:
    value = simplify(expr)
    return not is_field(value.args[0] if isinstance(value, Apply) and value.function in ("tolower", "toupper") else value)


def key_field(lifting: Lifting, expr: Expr, span: Span | None) -> Expr:
    if isinstance(expr, Apply) and expr.function in ("tolower", "toupper") and is_field(expr.args[0]):
        lifting.say("key-case", "the KQL counts by this value without case, the output with it", span)
        return expr.args[0]
    if is_field(expr):
        return expr
    raise lifting.block("unsupported-expression", "the events cannot be grouped by this computed value", span)


def counted_again(lifting: Lifting, left: Shape, right: Shape, pairs: tuple[tuple[Expr, Expr], ...]) -> Grouped | None:
    """Events joined with a threshold over the very same events are that threshold."""
    for grouped, other, number in ((right, left, 1), (left, right, 0)):
        if not (isinstance(grouped, Grouped) and grouped.having and isinstance(grouped.input, Events)):
            continue
        events = other.input if isinstance(other, Grouped) and not other.having else other
        if not isinstance(events, Events) or len(events.branches) != len(grouped.input.branches):
            continue
        if any(
            a.table != b.table or by_name(a.predicate) != by_name(b.predicate)
            for a, b in zip(events.branches, grouped.input.branches, strict=True)
        ):
            continue
        keys = [{by_name(simplify(substitute(x, b.env))) for b in grouped.input.branches} for _, x in grouped.keys]
        definitions = {c.id: x for c, x in grouped.keys}
        others = {c.id: x for c, x in other.keys} if isinstance(other, Grouped) else {}
        matched = []
        for pair in pairs:
            key = substitute(substitute(pair[number], grouped.env), definitions)
            event = substitute(pair[1 - number], others)
            sides = {by_name(simplify(substitute(key, b.env))) for b in grouped.input.branches}
            events_side = {by_name(simplify(substitute(event, b.env))) for b in events.branches}
            matched.append(sides == events_side and sides in keys)
        if all(matched):
            grouped.closed = True
            return grouped
    return None
