"""Alternatives: a union, of events or of whole detections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from translator.detection.lifting import Blocked, Lifting
from translator.detection.model import Detection
from translator.detection.shapes import (
    Branch,
    Either,
    Events,
    Listed,
    Shape,
    environments,
)
from translator.fidelity import Diagnostic, Place
from translator.plan.expressions import (
    Column,
    ColumnRef,
    Span,
    missing,
)

_P = TypeVar("_P")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Alternative(Generic[_T]):
    """What a part of a union comes to, with its number there and the windows that it states, in seconds."""

    number: int
    value: _T
    windows: list[int]


def alternatives_among(lifting: Lifting, parts: Sequence[_P], lift: Callable[[Lifting, _P], _T]) -> list[Alternative[_T]]:
    """What ``lift`` makes of each part of a union.

    A part that cannot be lifted is left out and said where the others can stand without it, which makes what alerts narrower.
    """
    found, blockers = list[Alternative[_T]](), list[Diagnostic]()
    for number, part in enumerate(parts):
        own = lifting.apart()
        try:
            value = lift(own, part)
        except Blocked as blocked:
            blockers += blocked.diagnostics
            continue
        found.append(Alternative(number, value, own.findings.windows))
        lifting.findings.take(replace(own.findings, windows=[]))
    if blockers and (lifting.place is not Place.PLAIN or not found):
        raise Blocked(*blockers)
    for blocker in blockers:
        lifting.say("alternative-dropped", f"a part of the union is left out: {blocker.message}", blocker.span)
    return found


def union_of_events(
    lifting: Lifting,
    shapes: list[Shape],
    columns: tuple[tuple[Column, tuple[Column | None, ...]], ...],
    span: Span | None,
    fuzzy: bool,
) -> Shape:
    """A union of parts that are all events: their branches side by side.

    Args:
        columns: each column of the union, and what it is in each part; None where the part lacks it.
        fuzzy: whether parts without their table are left out.
    """
    found: list[Branch] = []
    for index, shape in enumerate(shapes):
        events = lifting.as_events(shape, "a union of", span)
        for branch in events.branches:
            env = dict(branch.env)
            for column, origins in columns:
                origin = origins[index]
                env[column.id] = missing(column.type) if origin is None else branch.env.get(origin.id, ColumnRef(None, origin.type, origin))
            found.append(replace(branch, env=env, tolerated=branch.tolerated or fuzzy))
    return Events(found)


def union_of_detections(
    lifting: Lifting,
    shapes: list[Shape],
    windows: list[list[int]],
    columns: tuple[tuple[Column, tuple[Column | None, ...]], ...],
    span: Span | None,
) -> Shape:
    """A union of which some part is more than events: a detection for each part, any of which alerts.

    Raises:
        Blocked: where a part is a list, or a union that is summarized itself.
    """
    if any(isinstance(s, Listed) for s in shapes):
        raise lifting.block("unsupported-detection", "a union of lists is not supported", span)
    if any(isinstance(s, Either) and s.decided for s in shapes):
        raise lifting.block("unsupported-detection", "a union of summaries over unions is not supported", span)
    members: list[Shape] = []
    stated: list[list[int]] = []
    for index, shape in enumerate(shapes):
        inner = shape.members if isinstance(shape, Either) else [shape]
        members += inner
        stated += [[*w, *windows[index]] for w in shape.windows] if isinstance(shape, Either) else [windows[index]]
        for env in (e for member in inner for e in environments(member)):
            for column, origins in columns:
                origin = origins[index]
                if origin is None:
                    env[column.id] = missing(column.type)
                else:
                    env[column.id] = env.get(origin.id, ColumnRef(None, origin.type, origin))
    return Either(members, stated)


def detect_alternatives(lifting: Lifting, shape: Either) -> Detection:
    """The first alternative, with the others beside it."""

    def lifted(part: Lifting, number: int) -> Detection:
        part.findings.windows += [*shape.windows[number], *lifting.findings.windows]
        return replace(part.detection(shape.members[number]), part=f"part_{number + 1}_")

    return together(lifting, len(shape.members), lifted)


def together(lifting: Lifting, count: int, lift: Callable[[Lifting, int], Detection]) -> Detection:
    """The first of so many alternatives, each by its number, with the others beside it. Raises Blocked where there is none."""
    first, *others = [alternative.value for alternative in alternatives_among(lifting, range(count), lift)]
    return replace(first, others=tuple(others)) if others else replace(first, part="")
