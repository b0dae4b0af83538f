"""Joins: rows of several sides by keys, the absence of such rows, and conditions over the sides."""

from __future__ import annotations

from translator.detection.conditions import constrain
from translator.detection.idioms.absence import ANTI, negates
from translator.detection.idioms.enrichment import enriched, keeps_all
from translator.detection.idioms.first_seen import fixed_value, is_history, not_seen
from translator.detection.idioms.lists import joined_with_list
from translator.detection.idioms.ordered import compare_sides
from translator.detection.idioms.threshold import counted_again
from translator.detection.lifting import Lifting
from translator.detection.shapes import (
    Events,
    Grouped,
    Joined,
    Listed,
    Shape,
    belongs,
    columns_within,
    with_keys,
)
from translator.fidelity import Place
from translator.plan import operators as o
from translator.plan.expressions import (
    ColumnRef,
    Expr,
    Span,
    columns_of,
    substitute,
)

_INNER = frozenset({"inner", "innerunique", "leftsemi", "rightsemi"})


def joined(lifting: Lifting, join: o.Join) -> Shape:
    """A join of what both of its sides detect. Raises Blocked."""
    kind = join.kind
    if keeps_all(join, any(isinstance(relation, o.Filter) for relation, _ in lifting.above)):
        return enriched(lifting, join)
    if join.condition is not None:
        raise lifting.block("unsupported-join", "a join with networks that hold an address is not supported", join.span)
    if kind not in _INNER and not negates(kind):
        raise lifting.block("unsupported-join", f"a join of kind {kind} is not supported yet", join.span)
    kept_is_right = ANTI.get(kind) == "right"
    kept = lifting.shape(join.right if kept_is_right else join.left)
    added = (lifting.within(Place.TURNED) if negates(kind) else lifting).apart()
    other = added.shape(join.left if kept_is_right else join.right)
    pairs = join.on
    if negates(kind) and not isinstance(other, Listed) and is_history(kept, other):
        own, earlier = (1, 0) if kept_is_right else (0, 1)
        open_ = [p for p in pairs if (fixed := fixed_value(kept, p[own])) is None or fixed != fixed_value(other, p[earlier])]
        if not lifting.timed:
            return not_seen(lifting, kept, [p[own] for p in open_], True, join.span, (other, [p[earlier] for p in open_]))
        pairs = tuple(open_)
    lifting.findings.take(added.findings)
    left, right = (other, kept) if kept_is_right else (kept, other)
    for shape, relation, number in ((right, join.right, 0), (left, join.left, 1)):
        if isinstance(shape, Listed):
            lifting.findings.listed |= {c.id for c in columns_within(relation)}
            subjects = tuple(pair[number] for pair in join.on)
            lifting.findings.matched.append((relation, subjects))
            if kind == "innerunique" and shape is right:
                lifting.findings.unique.append(subjects)
            break
    if ANTI.get(kind) == "right" or (isinstance(left, Listed) and not isinstance(right, Listed)):
        left, right, pairs = right, left, tuple((b, a) for a, b in pairs)
    if isinstance(right, Listed):
        return joined_with_list(lifting, left, right, pairs, negates(kind), join.span)
    same = counted_again(lifting, left, right, pairs) if kind in _INNER else None
    if same is not None:
        lifting.say("rows-differ", "the query shows the events whose count is over the threshold, the output their keys", join.span)
        return same
    joined = join_sides(lifting, left, right, pairs, negates(kind), join.span)
    if kind == "innerunique":
        joined.deduplicated |= set(range(len(joined.sides) - 1))
    return joined


def join_sides(
    lifting: Lifting, left: Shape, right: Shape, pairs: tuple[tuple[Expr, Expr], ...], absent: bool, span: Span | None
) -> Joined:
    """Two shapes as sides of a join; rows of the right one are not there where it is ``absent``."""
    if isinstance(left, Joined):
        base = left
    else:
        base = Joined([_side_of(lifting, left, "a join of", span)], [], {}, span=span)
        if isinstance(left, Grouped) and left.having:
            base.summaries[0] = left
    index = len(base.sides)
    base.sides.append(_side_of(lifting, right, "a join with", span))
    if isinstance(right, Grouped) and right.having:
        base.summaries[index] = right
    if absent:
        base.absent.add(index)
    for a, b in pairs:
        a = substitute(a, base.env)
        base.pairs.append((_owner(lifting, base, a, index), a, index, b))
    base.span = span
    return base


def _side_of(lifting: Lifting, shape: Shape, what: str, span: Span | None) -> Events:
    """A side of a join as events; a threshold's keys are columns of its events."""
    if not (isinstance(shape, Grouped) and shape.having and isinstance(shape.input, Events)):
        return lifting.as_events(shape, what, span)
    return with_keys(shape, shape.input)


def _owners(lifting: Lifting, joined: Joined, expr: Expr, limit: int) -> set[int]:
    found = set()
    for column in columns_of(expr):
        for number, side in enumerate(joined.sides[:limit]):
            if any(column.id in b.env or belongs(column, b) for b in side.branches):
                found.add(number)
    return found


def _owner(lifting: Lifting, joined: Joined, expr: Expr, limit: int) -> int:
    """Which side ``expr`` belongs to."""
    owners = _owners(lifting, joined, expr, limit)
    if len(owners) != 1:
        raise lifting.block("unsupported-join", "this expression reads several sides of the join", expr.span)
    return owners.pop()


def filter_joined(lifting: Lifting, joined: Joined, predicate: Expr, span: Span | None) -> None:
    """A condition behind a join: on one of its sides, or between some."""
    predicate = substitute(predicate, joined.env)
    counted = {i for g in joined.summaries.values() for i in g.aggregates}
    if counted & {c.id for c in columns_of(predicate)}:
        lifting.say("condition-dropped", "this condition on what a side of the join summarizes is left out", predicate.span)
        return
    owners = _owners(lifting, joined, predicate, len(joined.sides))
    keys = {c for pair in joined.pairs for x in (pair[1], pair[3]) if isinstance(x, ColumnRef) for c in columns_of(x)}
    if owners & joined.deduplicated and not columns_of(predicate) <= keys:
        lifting.say("one-row-per-key", "this filters after a join that keeps one row of its left side for each key", span)
    if len(owners) > 1:
        compare_sides(lifting, joined, predicate, owners)
        return
    side = joined.sides[_owner(lifting, joined, predicate, len(joined.sides))]
    for branch in side.branches:
        constrain(lifting, branch, predicate)
