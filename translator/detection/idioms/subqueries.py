"""Conditions on the values of another query or a list: placeholders, semi-joins and anti-joins."""

from __future__ import annotations

from translator.detection.conditions import narrows
from translator.detection.idioms.first_seen import is_history, is_over, not_seen, seen
from translator.detection.idioms.joins import join_sides
from translator.detection.idioms.lists import in_list
from translator.detection.idioms.membership import Membership, is_listed, membership_of
from translator.detection.idioms.threat_intel import INDICATOR_TABLES
from translator.detection.lifting import Blocked, Lifting
from translator.detection.shapes import (
    Events,
    Joined,
    Listed,
    Shape,
)
from translator.detection.windows import is_time
from translator.fidelity import FilledList, Place
from translator.plan.conditions import pushed
from translator.plan.expressions import (
    Apply,
    ColumnRef,
    Expr,
    columns_of,
    const,
    negated_in,
    substitute,
    transform,
)
from translator.plan.types import Type


def list_tables(lifting: Lifting) -> frozenset[str]:
    """Tables that are taken for lists."""
    return INDICATOR_TABLES if lifting.takes_indicators_for_lists else frozenset()


def with_lists(lifting: Lifting, part: Expr) -> Expr:
    """``part`` with placeholders for the lists that its conditions read."""
    part = pushed(part)
    negated = negated_in(part)

    def listed(node: Expr) -> Expr:
        membership = membership_of(node) if isinstance(node, Apply) and node.function != "not" else None
        if membership is None or not is_listed(membership, list_tables(lifting)):
            return node
        inner = lifting.shape(membership.relation)
        assert isinstance(inner, Listed)
        name = lifting.lists.name(inner.name, (membership.column.name, membership.relation.span))
        message = f"fill the placeholder %{name}% with the values of {membership.column.name} in that {inner.kind}, but no empty ones"
        lifting.say("list-placeholder", message, node.span, fact=FilledList(name, membership.column.name, nonempty=True))
        if membership.within:
            what = "the KQL searches for the values of this list as terms, the output for any part of the text"
            lifting.say("list-terms", what, node.span, Place.TURNED if id(node) in negated else Place.PLAIN)
            return Apply(node.span, Type.BOOL, "expand_within", (membership.subject, const(name)))
        return in_list(lifting, membership.subject, name, membership.cased, False, node.span)

    return transform(part, listed)


def left_to_list(lifting: Lifting, shape: Shape, predicate: Expr) -> bool:
    """Whether a predicate reads columns that a list brought in, so that no condition on events says it; what becomes of it is said.

    Whoever keeps the list can leave out what is expired, and what does not satisfy conditions on the list alone.
    """
    if not lifting.findings.listed:
        return False
    env = shape.branches[0].env if isinstance(shape, Events) and shape.branches else getattr(shape, "env", {})
    read = columns_of(substitute(predicate, env))
    others = [c for c in read if c.id not in lifting.findings.listed]
    if len(others) == len(read):
        return False
    if all(is_time(ColumnRef(None, c.type, c)) for c in others):
        lifting.say("list-condition", "this condition on the list is left to whoever keeps it", predicate.span)
    else:
        lifting.say("condition-dropped", "this condition on the list and the events together is left out", predicate.span)
    return True


def with_members(lifting: Lifting, shape: Events | Joined, membership: Membership, part: Expr) -> Shape:
    """A semi-join or an anti-join; left out, and said, where the subquery comes to nothing that a detection can say."""
    own = lifting.apart()
    try:
        found = _joined_with_values(own, shape, membership, part)
    except Blocked as blocked:
        alone = isinstance(shape, Events) and all(narrows(b.predicate) for b in shape.branches)
        if membership.negated or not lifting.broadens("condition-dropped") or not alone:
            raise
        reason = blocked.diagnostics[-1].message
        lifting.say("condition-dropped", f"this condition on another query is left out: {reason}", part.span)
        return shape
    lifting.findings.take(own.findings)
    return found


def _joined_with_values(lifting: Lifting, shape: Events | Joined, membership: Membership, part: Expr) -> Shape:
    """A placeholder for a list, else a semi-join, an anti-join where negated. Raises Blocked."""
    place = Place.TURNED if membership.negated else Place.PLAIN
    listed = lifting.within(place).apart()
    inner = listed.shape(membership.relation)
    if membership.negated and not lifting.timed and is_history(shape, inner):
        _say_compared(lifting, membership, part)
        values_of = [ColumnRef(part.span, membership.column.type, membership.column)]
        found = not_seen(lifting, shape, [membership.subject], membership.cased, part.span, (inner, list(values_of)))
        assert isinstance(found, Events | Joined)
        return found
    if not membership.negated and not lifting.timed and is_history(shape, inner) and is_over(inner):
        _say_compared(lifting, membership, part)
        value = ColumnRef(part.span, membership.column.type, membership.column)
        found = seen(lifting, shape, membership.subject, membership.cased, part.span, (inner, value))
        assert isinstance(found, Events | Joined)
        return found
    lifting.findings.take(listed.findings)
    _say_compared(lifting, membership, part)
    if not membership.cased:
        lifting.say("key-case", "the KQL compares these values without case, the output with it", part.span, place)
    reference = ColumnRef(part.span, membership.column.type, membership.column)
    return join_sides(lifting, shape, inner, ((membership.subject, reference),), membership.negated, part.span)


def _say_compared(lifting: Lifting, membership: Membership, part: Expr) -> None:
    if membership.within:
        what = "the KQL searches for these values in a text, the output compares them with the whole of it"
        lifting.say("term-as-value", what, part.span, Place.TURNED if membership.negated else Place.PLAIN)
