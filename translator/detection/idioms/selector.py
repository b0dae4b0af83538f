"""Selector: a filter of events, computed or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from translator.detection.finishing import finish
from translator.detection.idioms.latest import carried_by, one_of_group
from translator.detection.lifting import Lifting
from translator.detection.model import Detection, Selector, Side
from translator.detection.naming import unique_names
from translator.detection.shapes import (
    Branch,
    Events,
    Grouped,
    belongs,
)
from translator.plan.expressions import (
    FALSE,
    ColumnRef,
    Expr,
    columns_of,
    substitute,
)
from translator.plan.simplify import simplify


def common_name(selectors: tuple[Selector, ...]) -> str:
    """What a side is called that has these selectors: the table of the first."""
    return selectors[0].name


def detect_events(lifting: Lifting, inner: Events, outer: Grouped | None) -> Detection:
    """Events that satisfy conditions, each an alert of its own.

    Raises:
        Blocked: where the query gives a row even for no events.
    """
    if outer is not None:
        if not outer.keys:
            raise lifting.block("unsupported-detection", "a summarize without by gives a row even where there are no events", None)
        lifting.say("rows-differ", "the rows are groups of events in the query, the events themselves here", None)
    one = one_of_group(lifting, inner, outer)
    selectors = selectors_of(lifting, inner, outer, carried_by(outer) if outer is not None and one is not None else {})
    return replace(finish(lifting, "event", (Side(common_name(selectors), selectors),), (), (), None), one=one)


def selectors_of(lifting: Lifting, inner: Events, outer: Grouped | None, post: Mapping[int, Expr]) -> tuple[Selector, ...]:
    """A selector for each branch whose condition can be true; ``post`` are further columns of what it shows."""
    names = unique_names([b.table for b in inner.branches])
    found = tuple(
        Selector(name, b.table, b.predicate, (), outputs_of(lifting, b, outer, dict(post)), b.dated, b.tolerated)
        for name, b in zip(names, inner.branches, strict=True)
        if b.predicate != FALSE
    )
    if not found:
        raise lifting.block("unsupported-detection", "the conditions of this query can never be true", None)
    return found


def outputs_of(
    lifting: Lifting, branch: Branch, outer: Grouped | None, post: dict[int, Expr] | None = None, leaves: dict[Expr, Expr] | None = None
) -> tuple[tuple[str, Expr], ...]:
    """The columns of the query that this branch's events decide. ``leaves`` give what a conditional key is in this branch."""
    found = []
    definitions = {c.id: x for c, x in outer.keys} if outer else {}
    for name, column in lifting.plan.names:
        expr: Expr = ColumnRef(None, column.type, column)
        for env in (outer.env if outer else {}, definitions, post or {}):
            expr = substitute(expr, env)
        read = columns_of(expr)
        if read and all(c.id in branch.env or belongs(c, branch) for c in read):
            value = simplify(substitute(expr, branch.env))
            # Compared, not hashed: a hash follows every path of what definitions share.
            found.append((name, next((leaf for key, leaf in (leaves or {}).items() if key == value), value)))
    return tuple(found)
