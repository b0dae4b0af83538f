"""Plans rewritten from their leaves up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from translator.plan.operators import PARTS

T = TypeVar("T")


def rewritten(node: T, change: Callable[[Any], Any]) -> T:
    """A part of a plan with ``change`` applied to each relation and expression in it, those below first.

    What stands in several places is changed once.
    """
    done: dict[int, tuple[Any, Any]] = {}

    def made(part: Any) -> Any:
        if isinstance(part, tuple):
            parts = tuple(map(made, part))
            return parts if any(a is not b for a, b in zip(parts, part, strict=True)) else part
        if not isinstance(part, PARTS):
            return part
        if id(part) not in done:
            fields = {name: getattr(part, name) for name in part.__dataclass_fields__ if name != "span"}
            news = {name: new for name, old in fields.items() if (new := made(old)) is not old}
            done[id(part)] = part, change(replace(part, **news) if news else part)
        return done[id(part)][1]

    found: T = made(node)
    return found
