"""First seen: what an earlier window did not have."""

from __future__ import annotations

from translator.detection.idioms.lists import in_list
from translator.detection.lifting import Lifting
from translator.detection.model import History, Selector
from translator.detection.naming import name_of, name_of_history, snake
from translator.detection.shapes import (
    Events,
    Grouped,
    Joined,
    Shape,
    clone_of,
    cloned,
    windows_of,
)
from translator.detection.windows import NOW, Moment, bound_of, bucket_of, is_time, limit
from translator.fidelity import FilledList
from translator.plan.expressions import (
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Span,
    conjunction,
    conjuncts,
    negation,
    substitute,
)
from translator.plan.simplify import simplify
from translator.plan.types import Type


def is_history(kept: Shape, other: Shape) -> bool:
    """Whether ``other`` looks at another window than ``kept``: at what came before."""
    own, earlier = windows_of(kept), windows_of(other)
    return own != earlier and bool(own or earlier)


def fixed_value(shape: Shape, key: Expr) -> object:
    """The constant that the conditions of a shape make of ``key``; None where they leave it open."""
    events = shape.input if isinstance(shape, Grouped) else shape
    if not isinstance(events, Events) or len(events.branches) != 1:
        return None
    (branch,) = events.branches
    definitions = {c.id: x for c, x in shape.keys} if isinstance(shape, Grouped) else {}
    value = simplify(substitute(substitute(key, definitions), branch.env))
    for part in conjuncts(branch.predicate):
        match part:
            case Apply(function="==", args=(left, Const(value=constant))) if left == value:
                return constant
    return None


def history(lifting: Lifting, name: str, earlier: Shape, key: Expr) -> History | None:
    """What fills a list with the values that ``key`` had in an earlier window; None where that is more than events of some tables."""
    events = earlier.input if isinstance(earlier, Grouped) and not earlier.having else earlier
    if not isinstance(events, Events):
        return None
    defined = {c.id: x for c, x in earlier.keys} if isinstance(earlier, Grouped) else {}
    selectors, back = [], 0
    for number, branch in enumerate(events.branches):
        limits = []
        for window in branch.windows:
            for limited, moment in (("since", window.start), ("until", window.end)):
                if moment.of_search:
                    return None
                limits += [limit(limited, moment.back)] if moment != NOW else []
            back = max(back, window.start.back)
        value = simplify(substitute(substitute(key, defined), branch.env))
        predicate = conjunction(branch.predicate, *limits)
        selectors.append(Selector(f"{snake(branch.table)}_{number + 1}", branch.table, predicate, (value,), dated=branch.dated))
    back = back or lifting.period or 0
    return History(name, tuple(selectors), back) if selectors and back else None


def not_seen(
    lifting: Lifting, shape: Shape, keys: list[Expr], cased: bool, span: Span | None, earlier: tuple[Shape, list[Expr]] | None = None
) -> Shape:  # fmt: skip
    """First seen: an anti-join against an earlier window is a list of what was seen there, kept outside of the output.

    No correlation over one window says that something is new, and a list holds values of one key: several are left out, and said.

    Args:
        earlier: what was seen there, and its keys, where these are known.
    """
    if len(keys) == 1:
        return lifting.filtered(shape, in_list(lifting, keys[0], _listed(lifting, keys[0], span, earlier), cased, True, span), span)
    whole = isinstance(shape, Events) and any(b.predicate == TRUE for b in shape.branches)
    if whole or not lifting.broadens("first-seen-dropped"):
        raise lifting.block("unsupported-detection", "what was not seen in an earlier window (first seen) has no form in this target", span)
    lifting.say("first-seen-dropped", "that this was not seen in an earlier window is left out", span)
    return shape


def _listed(lifting: Lifting, key: Expr, span: Span | None, earlier: tuple[Shape, list[Expr]] | None) -> str:
    """The name of a list of the values that a key had earlier."""
    name = lifting.lists.name(name_of_history(key), object())
    if earlier is not None and (found := history(lifting, name, earlier[0], earlier[1][0])) is not None:
        lifting.findings.histories.append(found)
    what = f"fill the placeholder %{name}% with the values that the earlier window of the query finds, and renew it before each run"
    lifting.say("first-seen-list", what, span, fact=FilledList(name, name_of(key), earlier=True))
    return name


def is_over(earlier: Shape) -> bool:
    """Whether a shape looks at nothing but events of a window that ends before now."""
    windows = windows_of(earlier)
    return bool(windows) and all(w.end != NOW for w in windows)


def seen(lifting: Lifting, shape: Shape, key: Expr, cased: bool, span: Span | None, earlier: tuple[Shape, Expr]) -> Shape:
    """Seen before: a semi-join with an earlier window is a list of what was seen there, kept outside of the output."""
    events = earlier[0].input if isinstance(earlier[0], Grouped) else earlier[0]
    values = [(simplify(substitute(earlier[1], b.env)), b.predicate) for b in events.branches] if isinstance(events, Events) else []
    name = _listed(lifting, key, span, (earlier[0], [earlier[1]]))
    if values and all(lifting.has_always(value, predicate) for value, predicate in values):
        shape = lifting.filtered(shape, negation(Apply(span, Type.BOOL, "isempty", (key,))), span)
    return lifting.filtered(shape, in_list(lifting, key, name, cased, False, span), span)


def first_seen_since(grouped: Grouped, predicate: Expr) -> tuple[Expr, Moment] | None:
    """The time of the events and the moment of ``min(TimeGenerated) > ago(1d)``; None where ``predicate`` is another."""
    match predicate:
        case Apply(function=">" | ">=", args=(ColumnRef(column=column), bound)):
            aggregate, start = grouped.aggregates.get(column.id), bound_of(bound)
        case _:
            return None
    if start is None or not (isinstance(aggregate, Apply) and aggregate.function == "min" and isinstance(grouped.input, Events)):
        return None
    (time,) = aggregate.args
    return (time, start) if all(is_time(simplify(substitute(time, b.env))) for b in grouped.input.branches) else None


def newly_seen(lifting: Lifting, grouped: Grouped, time: Expr, start: Moment, predicate: Expr) -> None:
    """A summary whose first event lies behind ``start``: events of that time whose key was not seen before.

    Where the rule looks no farther back than that, it says no more than the window does.
    """
    assert isinstance(predicate, Apply)
    events = grouped.input
    earlier = [clone_of(b) for b in events.branches] if isinstance(events, Events) else []
    lifting.filtered(events, Apply(predicate.span, Type.BOOL, predicate.function, (time, predicate.args[1])), predicate.span)
    if start.limits and not start.of_search and not lifting.timed:
        lifting.findings.windows = [min(w, start.back) for w in lifting.findings.windows]
    if lifting.period is None or start.of_search or start.back < lifting.period:
        keys = [x for _, x in grouped.keys if bucket_of(x) is None]
        if not lifting.timed:
            not_seen(lifting, events, keys, True, predicate.span)
            return
        if not isinstance(events, Events):
            raise lifting.block("unsupported-detection", "what was not seen earlier has no form in this target", predicate.span)
        before = limit("until" if predicate.function == ">" else "before", start.back)
        for branch in earlier:
            branch.predicate = conjunction(branch.predicate, before)
        pairs = [(0, key, 1, cloned(key)) for key in keys]
        grouped.input = Joined([events, Events(earlier)], pairs, {}, span=predicate.span, absent={1})
