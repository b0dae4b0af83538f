"""Plans rewritten from their leaves up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from operator import is_not
from typing import Any, TypeVar

from translator.plan.expressions import Column
from translator.plan.operators import PARTS, Source, inner_fields

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


def renewed(node: T, columns: Mapping[int, Column], sources: Mapping[int, int]) -> T:
    """A part of a plan, or several, with other columns for those of some ids, and other ids of sources."""
    found: T = _renewed(node, columns, sources, {})
    return found


def _renewed(part: Any, columns: Mapping[int, Column], sources: Mapping[int, int], done: dict[int, tuple[Any, Any]]) -> Any:
    match part:
        case tuple():
            return tuple([_renewed(p, columns, sources, done) for p in part])
        case Column():
            return columns.get(part.id, part)
        case Source():
            return replace(part, id=sources.get(part.id, part.id))
    if not isinstance(part, PARTS):
        return part
    if id(part) not in done:
        told = {f.name: getattr(part, f.name) for f in fields(part) if f.init}
        done[id(part)] = part, replace(part, **{n: _renewed(value, columns, sources, done) for n, value in told.items()})
    return done[id(part)][1]
