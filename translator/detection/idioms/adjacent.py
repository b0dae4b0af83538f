"""Adjacent rows: ``prev()`` over events sorted by time, as two sides in order that share the keys of the row before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from translator.detection.idioms.ordered import compare_sides
from translator.detection.lifting import Lifting
from translator.detection.shapes import Events, Gap, Joined
from translator.detection.windows import is_time
from translator.plan import operators as o
from translator.plan.expressions import Apply, ColumnRef, Expr, Span, conjuncts, substitute, transform, walk
from translator.plan.simplify import simplify


def reads_previous(expr: Expr) -> bool:
    """Whether ``expr`` reads the row before."""
    return any(isinstance(n, Apply) and n.function == "prev" and len(n.args) == 1 for n in walk(expr))


def adjacent_rows(lifting: Lifting, events: Events, predicate: Expr, order: Sequence[o.Ordering], span: Span | None) -> Joined:
    """The events and those before them, where ``predicate`` reads ``prev()``.

    Raises:
        Blocked: where the rows are in no order of time, or no key of theirs is that of the row before.
    """
    if len(events.branches) != 1:
        raise lifting.block("unsupported-detection", "prev() over a union is not supported", span)
    (later,) = events.branches
    time = [k for k in order if is_time(simplify(substitute(k.expr, later.env)))]
    if not time:
        raise lifting.block("unsupported-detection", "prev() over events that are in no order of time is not supported", span)
    before = {i: x for i, x in later.env.items() if not reads_previous(x)}
    earlier = replace(later, source=-1 - later.source, predicate=_cloned(later.predicate), env={}, windows=list(later.windows))
    joined = Joined([Events([earlier]), Events([replace(later, env=before)])], [], {}, span=span)
    joined.env = {i: _previous(x) for i, x in later.env.items() if reads_previous(x)}
    joined.gaps[0, 1] = Gap(None, 0) if time[0].descending else Gap(0, None)
    for part in conjuncts(simplify(substitute(predicate, later.env))):
        _place(lifting, joined, part)
    if not joined.pairs:
        raise lifting.block("unsupported-join", "prev() without a key that is that of the row before is not supported", span)
    lifting.say("adjacent-rows", "the KQL wants these events next to each other, the output lets others stand between them", span)
    return joined


def _place(lifting: Lifting, joined: Joined, part: Expr) -> None:
    """A condition goes to the events that it reads, or says how two of them go together."""
    earlier, later = (side.branches[0] for side in joined.sides)
    match part:
        case (
            Apply(function="==", args=(left, Apply(function="prev", args=(right,))))
            | Apply(function="==", args=(Apply(function="prev", args=(right,)), left))
        ) if left == right:
            joined.pairs.append((0, _cloned(right), 1, left))
            return
    if not reads_previous(part):
        lifting.constrain(later, part)
    elif all(_is_previous(n, part) for n in walk(part) if isinstance(n, ColumnRef)):
        lifting.constrain(earlier, _previous(part))
    else:
        compare_sides(lifting, joined, _previous(part), {0, 1})


def _is_previous(column: ColumnRef, whole: Expr) -> bool:
    return any(isinstance(n, Apply) and n.function == "prev" and column in walk(n) for n in walk(whole)) and not any(
        column in n.args for n in walk(whole) if isinstance(n, Apply) and n.function != "prev"
    )


def _previous(expr: Expr) -> Expr:
    """``expr`` with the columns within ``prev()`` as those of the row before."""
    return transform(expr, lambda n: _cloned(n.args[0]) if isinstance(n, Apply) and n.function == "prev" and len(n.args) == 1 else n)


def _cloned(expr: Expr) -> Expr:
    """``expr`` over the events before: the same columns of the same table, told apart by their numbers."""

    def clone(node: Expr) -> Expr:
        if isinstance(node, ColumnRef) and node.column.source is not None and node.column.source >= 0:
            column = replace(node.column, id=-1 - node.column.id, source=-1 - node.column.source)
            return ColumnRef(node.span, node.type, column)
        return node

    return transform(expr, clone)
