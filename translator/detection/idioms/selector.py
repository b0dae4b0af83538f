"""Selector: a filter of events, computed or not."""

from __future__ import annotations

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
    Apply,
    ColumnRef,
    Const,
    Expr,
    Items,
    columns_of,
    conjuncts,
    negation,
    substitute,
)
from translator.plan.simplify import simplify
from translator.plan.types import Type


def common_name(selectors: tuple[Selector, ...]) -> str:
    return selectors[0].name


def detect_events(lifting: Lifting, inner: Events, outer: Grouped | None) -> Detection:
    if outer is not None:
        if not outer.keys:
            raise lifting.block("unsupported-detection", "a summarize without by gives a row even where there are no events", None)
        lifting.say("columns-differ", "the rows are groups of events in the query, the events themselves here", None)
    selectors = selectors_of(lifting, inner, outer)
    return lifting.finish("event", (Side(common_name(selectors), selectors),), (), (), None)


def selectors_of(lifting: Lifting, inner: Events, outer: Grouped | None) -> tuple[Selector, ...]:
    names = unique_names([b.table for b in inner.branches])
    found = tuple(
        Selector(name, b.table, b.predicate, (), outputs_of(lifting, b, outer))
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
        if columns_of(expr) and all(c.id in branch.env or belongs(c, branch) for c in columns_of(expr)):
            value = simplify(substitute(expr, branch.env))
            found.append((name, (leaves or {}).get(value, value)))
    return tuple(found)


def is_present(key: Expr, predicate: Expr) -> bool:
    """Whether ``predicate`` makes sure that ``key`` is there and not empty."""
    for part in conjuncts(predicate):
        if part == negation(Apply(None, Type.BOOL, "isempty", (key,))):
            return True
        if (
            isinstance(part, Apply)
            and part.args
            and part.args[0] == key
            and part.function in ("==", "=~", "in", "in~", "has", "contains", "startswith", "endswith")
        ):
            values = part.args[1].items if isinstance(part.args[1], Items) else part.args[1:]
            if all(isinstance(v, Const) and v.value not in ("", None) for v in values):
                return True
    return False
