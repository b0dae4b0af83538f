"""Adjacent rows: ``prev()`` or ``next()`` over events sorted by time, as two sides in order that share the keys of both rows."""

from __future__ import annotations

from dataclasses import replace

from translator.detection.conditions import constrain
from translator.detection.idioms.ordered import compare_sides
from translator.detection.lifting import Lifting
from translator.detection.shapes import Events, Gap, Joined, clone_of, cloned
from translator.detection.windows import is_time
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Span, conjuncts, substitute, transform, walk
from translator.plan.simplify import simplify
from translator.plan.types import NULLABLE


def reads_neighbour(expr: Expr) -> bool:
    """Whether ``expr`` reads the row before or the one behind."""
    return any(neighbour(n) is not None for n in walk(expr))


def neighbour(node: object) -> tuple[str, Expr] | None:
    """The function and what it reads of the row next to this one; None where ``node`` reads none itself, or one further away."""
    match node:
        case Apply(function="prev" | "next" as function, args=(value,) | (value, Const(value=1))):
            return function, value
    return None


def adjacent_rows(lifting: Lifting, events: Events, predicate: Expr, span: Span | None) -> Joined:
    """The events and those next to them, where ``predicate`` reads ``prev()`` or ``next()``.

    Raises:
        Blocked: where the rows are in no order of time, or no key of theirs is that of the row next to them.
    """
    if len(events.branches) != 1:
        raise lifting.block("unsupported-detection", "a row next to others over a union is not supported", span)
    (row,) = events.branches
    value = simplify(substitute(predicate, row.env))
    functions = {found[0] for n in walk(value) if (found := neighbour(n)) is not None}
    time = [k for k in events.order if is_time(simplify(substitute(k.expr, row.env)))]
    if not time or len(functions) != 1:
        what = "rows before and behind" if len(functions) > 1 else f"{functions.pop()}() over events that are in no order of time"
        raise lifting.block("unsupported-detection", f"{what} is not supported", span)
    (function,) = functions
    own = {i: x for i, x in row.env.items() if not reads_neighbour(x)}
    other = replace(clone_of(row), env={})
    joined = Joined([Events([other]), Events([replace(row, env=own)])], [], {}, span=span)
    joined.env = {i: _beside(x) for i, x in row.env.items() if reads_neighbour(x)}
    joined.gaps[0, 1] = Gap(0, None) if (function == "prev") != time[0].descending else Gap(None, 0)
    for part in conjuncts(value):
        _place(lifting, joined, part)
    if not joined.pairs:
        raise lifting.block("unsupported-join", f"{function}() without a key that is that of the other row is not supported", span)
    own_row = joined.sides[1].branches[0]
    if all(key.type not in NULLABLE and not lifting.has_always(key, own_row.predicate) for _, _, _, key in joined.pairs):
        lifting.say("empty-join-key", f"{function}() of a text is empty where there is no other row, as is a key without a value", span)
    lifting.say("adjacent-rows", "the KQL wants these events next to each other, the output lets others stand between them", span)
    return joined


def _place(lifting: Lifting, joined: Joined, part: Expr) -> None:
    """A condition goes to the events that it reads, or says how two of them go together."""
    other, row = (side.branches[0] for side in joined.sides)
    match part:
        case Apply(function="==", args=(left, right)):
            for here, there in ((left, neighbour(right)), (right, neighbour(left))):
                if there is not None and there[1] == here:
                    joined.pairs.append((0, cloned(here), 1, here))
                    return
    if not reads_neighbour(part):
        constrain(lifting, row, part)
    elif all(_is_beside(n, part) for n in walk(part) if isinstance(n, ColumnRef)):
        constrain(lifting, other, _beside(part))
    else:
        compare_sides(lifting, joined, _beside(part), {0, 1})


def _is_beside(column: ColumnRef, whole: Expr) -> bool:
    return any(neighbour(n) is not None and column in walk(n) for n in walk(whole)) and not any(
        column in n.args for n in walk(whole) if isinstance(n, Apply) and neighbour(n) is None
    )


def _beside(expr: Expr) -> Expr:
    """``expr`` with the columns within ``prev()`` or ``next()`` as those of the other row."""
    return transform(expr, lambda n: cloned(found[1]) if (found := neighbour(n)) is not None else n)
