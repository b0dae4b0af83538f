"""Temporal: sides that share keys, from inner joins, self-joins, joins of summaries and ``in (subquery)``."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from translator.detection.finishing import finish
from translator.detection.idioms.ordered import order_of
from translator.detection.idioms.selector import outputs_of
from translator.detection.idioms.threshold import counted_side
from translator.detection.lifting import Blocked, Lifting
from translator.detection.model import Detection, Selector, Side
from translator.detection.naming import key_name, snake, unique_names
from translator.detection.overlaps import may_overlap
from translator.detection.shapes import (
    Branch,
    Events,
    Grouped,
    Joined,
    foreign,
)
from translator.detection.windows import bucket_of
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import branches, is_field, pushed
from translator.plan.expressions import (
    FALSE,
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    conjunction,
    conjuncts,
    substitute,
)
from translator.plan.simplify import simplify
from translator.plan.types import NULLABLE

MAX_ALTERNATIVES = 32
"""How many selectors one side may split into."""


def is_ip(value: object) -> bool:
    """Whether a value is written as an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def side_name(side: Events) -> str:
    """What a side of a join is called: its first table."""
    return side.branches[0].table


def detect_temporal(lifting: Lifting, joined: Joined, outer: Grouped | None) -> Detection:
    """Events of several kinds with equal keys, within one window: an inner join, and what is written as one.

    Raises:
        Blocked: where a side or a key has no form in a correlation.
    """
    classes, bucket = key_classes(lifting, joined)
    names = unique_names([side_name(side) for side in joined.sides])
    sides = []
    for number, (name, side) in enumerate(zip(names, joined.sides, strict=True)):
        selectors = side_selectors(lifting, name, number, side, classes, joined, outer)
        summary = joined.summaries.get(number)
        if summary is None:
            sides.append(Side(name, selectors, number in joined.absent))
            continue
        if len(selectors) != len(side.branches) or number in joined.absent:
            raise lifting.block(
                "unsupported-detection", "a threshold on alternatives, or one that is absent, is not supported in a join", joined.span
            )
        sides.append(counted_side(lifting, name, summary, side, selectors, bucket))
    told_apart = iter(unique_names([s.name for side in sides for s in side.selectors]))
    sides = [replace(side, selectors=tuple(replace(s, name=next(told_apart)) for s in side.selectors)) for side in sides]
    columns = [key_name(c) for c in classes]
    keys = tuple(snake(c) for c in columns)
    guaranteed = tuple(
        any(all(lifting.has_always(s.keys[i], s.predicate) or (s.keys[i].type in NULLABLE and not joined.absent) for s in side.selectors)
            for side in sides if not side.absent)
        for i in range(len(classes))
    )  # fmt: skip
    positive = [side for side in sides if not side.absent]
    if joined.absent and any(
        s.keys[i].type in NULLABLE and not lifting.has_always(s.keys[i], s.predicate)
        for side in positive for s in side.selectors for i in range(len(classes))
    ):  # fmt: skip
        lifting.say("empty-join-key", "an event without the key has no partner in the KQL, and others without it here", joined.span)
    lifting.say(
        "rows-differ",
        f"the query gives a row for each combination of events, the outputs one alert for each {' and '.join(columns)}",
        outer.input.span if outer and isinstance(outer.input, Joined) else joined.span,
    )
    kind, sides, within, strict, open_ = order_of(lifting, joined, sides)
    detection = finish(lifting, kind, tuple(sides), tuple(unique_names(list(keys))), guaranteed, None, within, bucket)
    return replace(detection, strict=strict, open=open_)


def key_classes(lifting: Lifting, joined: Joined) -> tuple[list[dict[int, Expr]], int | None]:
    """The keys: for each of them the expression on every side; and the length of the buckets of time among them, in seconds.

    Joins in a chain share a key where they use the same one.
    """
    classes: list[dict[int, Expr]] = []
    bucket: int | None = None
    for a_side, a, b_side, b in joined.pairs:
        a_value, b_value = key_value(lifting, joined, a_side, a), key_value(lifting, joined, b_side, b)
        if (size := bucket_of(a_value)) is not None and size == bucket_of(b_value):
            bucket = size
            continue
        for known in classes:
            if known.get(a_side) == a_value and b_side not in known:
                known[b_side] = b_value
                break
        else:
            classes.append({a_side: a_value, b_side: b_value})
    plain = [c for c in classes if not any(is_computed(lifting, joined, n, x) for n, x in c.items())]
    if plain and len(plain) < len(classes):
        lifting.say("key-dropped", "a key of the join is computed from its fields, and is left out", joined.span)
        classes = plain
    if not classes or any(len(c) != len(joined.sides) for c in classes):
        raise lifting.block("unsupported-join", "the joins of this query use different keys: no single grouping says the same", joined.span)
    return classes, bucket


def is_computed(lifting: Lifting, joined: Joined, side: int, expr: Expr) -> bool:
    """Whether a key is neither a field nor made of alternatives that are fields or constants."""
    for branch in joined.sides[side].branches:
        for _, value in leaves_of(lifting, simplify(substitute(expr, branch.env))):
            inner = value.args[0] if isinstance(value, Apply) and value.function in ("tolower", "toupper") else value
            if not is_field(inner) and not isinstance(inner, Const):
                return True
    return False


def key_value(lifting: Lifting, joined: Joined, side: int, expr: Expr) -> Expr:
    """The key by its column where branches differ, else by its definition, so that two names of one field are one key."""
    found = [simplify(substitute(expr, b.env)) for b in joined.sides[side].branches]
    return found[0] if all(x == found[0] for x in found) else expr


def side_selectors(
    lifting: Lifting, name: str, number: int, side: Events, classes: list[dict[int, Expr]], joined: Joined, outer: Grouped | None
) -> tuple[Selector, ...]:
    """The selectors of one side of a join, with the join's keys; a branch is several where a key has alternatives."""
    found: list[tuple[Branch, tuple[Expr, ...]]] = [(b, ()) for b in side.branches if b.predicate != FALSE]
    whole: dict[int, list[Expr]] = {}
    computed: list[Diagnostic] = []
    for known in classes:
        grown: list[tuple[Branch, tuple[Expr, ...]]] = []
        others = [x for n, x in known.items() if n != number]
        for branch, keys in found:
            key = simplify(substitute(known[number], branch.env))
            whole.setdefault(branch.source, []).append(key)
            for guard, value in leaves_of(lifting, key):
                predicate = conjunction(branch.predicate, *conjuncts(pushed(guard)))
                if not may_overlap(predicate, predicate):
                    continue
                if isinstance(value, Const):
                    constant_key(lifting, value, others, known[number])
                    continue
                if isinstance(value, Apply) and value.function in ("tolower", "toupper") and is_field(value.args[0]):
                    place = Place.PLAIN if not joined.absent else Place.TURNED if len(joined.sides) == 2 else Place.BOTH
                    lifting.say("key-case", "the KQL compares these keys without case, the output with it", value.span, place)
                    value = value.args[0]
                if (added := foreign(value, branch)) is not None:
                    what = f"the events cannot be joined by {added}, a column that another join only adds"
                    raise lifting.block("unsupported-join", what, value.span or joined.span)
                if not is_field(value):
                    computed.append(
                        Diagnostic(
                            "unsupported-expression", "the events cannot be joined by this computed value", value.span or joined.span
                        )
                    )
                    continue
                grown.append((replace(branch, predicate=predicate), (*keys, value)))
        found = grown
        if len(found) > MAX_ALTERNATIVES:
            raise lifting.block("unsupported-expression", "the key has too many alternatives", joined.span)
    if computed and (not found or number in joined.absent):
        raise Blocked(*computed)
    for blocker in computed:
        lifting.say("alternative-dropped", f"events with this key are left out: {blocker.message}", blocker.span)
    if not found:
        raise lifting.block("unsupported-join", "no event of this side can have the join key", joined.span)
    names = [name] if len(found) == 1 else [f"{name}_{i + 1}" for i in range(len(found))]
    out = []
    for n, (b, keys) in zip(names, found, strict=True):
        leaves = dict(zip(dict.fromkeys(whole[b.source]), keys, strict=False))
        out.append(Selector(n, b.table, b.predicate, keys, outputs_of(lifting, b, outer, joined.env, leaves), b.dated, b.tolerated))
    return tuple(out)


def leaves_of(lifting: Lifting, key: Expr) -> list[tuple[Expr, Expr]]:
    """What a key may be, each with the condition under which it is that."""
    found = branches(key)
    if found is None:
        return [(TRUE, key)]
    out = []
    for guard, value in found:
        for inner, leaf in leaves_of(lifting, value):
            out.append((simplify(conjunction(guard, inner)), leaf))
    return out


def constant_key(lifting: Lifting, value: Const, others: list[Expr], key: Expr) -> None:
    """Says that events whose key is a constant are left out: nothing is lost where no address it is joined with can equal it."""
    addresses = [x for x in others if isinstance(x, ColumnRef) and lifting.is_address(x.column.table or "", x.column.name)]
    if addresses and not is_ip(value.value):
        lifting.say(
            "constant-branch-dropped",
            f"the branch with the constant {value.value!r} is left out: no IP address it is joined with can equal it",
            value.span,
        )
    else:
        lifting.say("constant-key", f"events whose key is the constant {value.value!r} are left out", value.span)
