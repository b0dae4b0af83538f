"""Alternatives: a union, of events or of whole detections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

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
from translator.fidelity import Place, Verdict
from translator.plan.expressions import (
    Column,
    ColumnRef,
    Span,
    const,
)
from translator.plan.types import Type

_P = TypeVar("_P")

_T = TypeVar("_T")


def alternatives_among(lifting: Lifting, parts: Sequence[_P], lift: Callable[[_P], _T]) -> list[tuple[int, tuple[_T, list[int]]]]:
    """What ``lift`` makes of each part of a union, with the part's number and the windows it states.

    A part that cannot be lifted is left out and said where the others can stand without it, which makes what alerts narrower.
    """
    found, blockers = [], []
    for number, part in enumerate(parts):
        outside, lifting.windows = lifting.windows, []
        before = list(lifting.said)
        try:
            found.append((number, (lift(part), lifting.windows)))
        except Blocked:
            blockers += [d for d in lifting.said if d not in before and d.direction == Verdict.NONE]
            lifting.said = before
        lifting.windows = outside
    if blockers and (lifting.place is not Place.PLAIN or not found):
        lifting.said += blockers
        raise Blocked
    for blocker in blockers:
        lifting.say("alternative-dropped", f"a part of the union is left out: {blocker.message}", blocker.span)
    return found


def union_of_events(
    lifting: Lifting,
    shapes: list[Shape],
    columns: tuple[tuple[Column, tuple[Column | None, ...]], ...],
    span: Span | None,
    fuzzy: bool = False,
) -> Shape:
    found: list[Branch] = []
    for index, shape in enumerate(shapes):
        events = lifting.as_events(shape, "a union of", span)
        for branch in events.branches:
            env = dict(branch.env)
            for column, origins in columns:
                origin = origins[index]
                env[column.id] = (
                    const("", Type.STRING) if origin is None else branch.env.get(origin.id, ColumnRef(None, origin.type, origin))
                )
            found.append(replace(branch, env=env, tolerated=branch.tolerated or fuzzy))
    return Events(found)


def union_of_detections(
    lifting: Lifting,
    shapes: list[Shape],
    windows: list[list[int]],
    columns: tuple[tuple[Column, tuple[Column | None, ...]], ...],
    span: Span | None,
) -> Shape:
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
                    env[column.id] = const("", Type.STRING)
                else:
                    env[column.id] = env.get(origin.id, ColumnRef(None, origin.type, origin))
    return Either(members, stated)


def detect_alternatives(lifting: Lifting, shape: Either) -> Detection:
    """The first alternative, with the others beside it."""
    outside = list(lifting.windows)

    def lifted(number: int) -> Detection:
        lifting.windows, lifting.bin = [*shape.windows[number], *outside], None
        return replace(lifting.detection(shape.members[number]), part=f"part_{number + 1}_")

    return together(lifting, len(shape.members), lifted)


def together(lifting: Lifting, count: int, lift: Callable[[int], Detection]) -> Detection:
    """The first of so many alternatives, each by its number, with the others beside it. Raises Blocked where there is none."""
    found = [detection for _, (detection, _) in alternatives_among(lifting, range(count), lift)]
    if len(found) == 1:
        return replace(found[0], part="", diagnostics=tuple(lifting.said))
    return replace(found[0], others=tuple(found[1:]), diagnostics=tuple(lifting.said))
