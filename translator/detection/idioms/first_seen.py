"""First seen: what an earlier window did not have."""

from __future__ import annotations

from translator.detection.idioms.lists import in_list
from translator.detection.lifting import Lifting
from translator.detection.naming import name_of, snake
from translator.detection.shapes import (
    Events,
    Grouped,
    Shape,
)
from translator.detection.windows import windows_of
from translator.plan.expressions import (
    TRUE,
    Apply,
    Const,
    Expr,
    Span,
    conjuncts,
    substitute,
)
from translator.plan.simplify import simplify


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


def not_seen(lifting: Lifting, shape: Shape, keys: list[Expr], cased: bool, span: Span | None) -> Shape:
    """First seen: an anti-join against an earlier window is a list of what was seen there, kept outside of the output.

    No correlation over one window says that something is new, and a list holds values of one key: several are left out, and said.
    """
    if len(keys) == 1:
        name = fresh_list(lifting, f"seen_{snake(name_of(keys[0]))}")
        what = "the values that the earlier window of the query finds"
        lifting.say("first-seen-list", f"fill the placeholder %{name}% with {what}, and renew it before each run", span)
        return lifting.filtered(shape, in_list(keys[0], name, cased, True, span), span)
    if isinstance(shape, Events) and any(b.predicate == TRUE for b in shape.branches):
        raise lifting.block("unsupported-detection", "what was not seen in an earlier window (first seen) has no form in this target", span)
    lifting.say("first-seen-dropped", "that this was not seen in an earlier window is left out", span)
    return shape


def fresh_list(lifting: Lifting, name: str) -> str:
    """``name``, or with a number where the query has another list of that name."""
    number = lifting.lists.get(name, 0) + 1
    lifting.lists[name] = number
    return name if number == 1 else f"{name}_{number}"
