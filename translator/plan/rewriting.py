"""Plans rewritten from their leaves up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import is_not
from typing import Any, TypeVar

from translator.plan.operators import PARTS, inner_fields

T = TypeVar("T")


def rewritten(node: T, change: Callable[[Any], Any]) -> T:
    """A part of a plan with ``change`` applied to each relation and expression in it, those below first.

    What stands in several places is changed once.
    """
    found: T = _made(node, change, {})
    return found


def _made(part: Any, change: Callable[[Any], Any], done: dict[int, tuple[Any, Any]]) -> Any:
    if isinstance(part, tuple):
        parts = tuple([_made(p, change, done) for p in part])
        return parts if any(map(is_not, parts, part)) else part
    if not isinstance(part, PARTS):
        return part
    known = done.get(id(part))
    if known is None:
        news = {}
        for name in inner_fields(part):
            if (new := _made(old := getattr(part, name), change, done)) is not old:
                news[name] = new
        known = done[id(part)] = part, change(replace(part, **news) if news else part)
    return known[1]
