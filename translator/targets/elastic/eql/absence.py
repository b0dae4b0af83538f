"""Events that are absent before one other: which windows a sequence of EQL asks for, and with which keys."""

from __future__ import annotations

from dataclasses import replace

from translator.detection.model import Detection, Selector
from translator.detection.shapes import by_name
from translator.detection.windows import moments_of
from translator.plan.conditions import LIMITS
from translator.plan.expressions import Apply, conjunction, conjuncts, const, negation
from translator.plan.types import Type


def after_absence(detection: Detection) -> list[Selector]:
    """The selectors of the one side that is there, where all that is absent is of an earlier time; none where it is not."""
    absent = [s for side in detection.sides if side.absent for s in side.selectors]
    present = [side for side in detection.sides if not side.absent]
    if not absent or len(present) != 1 or detection.kind != "temporal" or detection.within is not None:
        return []
    found = [_apart(s, absent, detection.lookback) for s in present[0].selectors]
    return found if all(_is_before(a, s) for a in absent for s in found) else []


def _is_before(earlier: Selector, later: Selector) -> bool:
    """Whether the events of one selector are none of a later time than those of the other, by what both ask of their time."""
    ends, begins = moments_of(earlier.predicate, "until", "before"), moments_of(later.predicate, "since", "after")
    return bool(ends and begins) and max(ends) >= min(begins)


def _apart(selector: Selector, earlier: list[Selector], lookback: int) -> Selector:
    """A selector without those of its events that are of an earlier window as well.

    Where that window begins no later, and asks no more of its events, these are absent from it none.
    """
    asked = {*conjuncts(by_name(selector.predicate))}
    for other in earlier:
        rest = [p for p in conjuncts(by_name(other.predicate)) if not (isinstance(p, Apply) and p.function in LIMITS)]
        ends = moments_of(other.predicate, "until", "before")
        begins, began = (min(moments_of(s.predicate, "since", "after"), default=lookback) for s in (selector, other))
        if not ends or (other.table, other.home) != (selector.table, selector.home) or not asked.issuperset(rest):
            continue
        alike = [by_name(k) for k in selector.keys] == [by_name(k) for k in other.keys]
        begun = max(ends) == begins and (moments_of(other.predicate, "before") or moments_of(selector.predicate, "after"))
        if alike and not begun and max(ends) <= begins <= began and not (begins == began and moments_of(other.predicate, "after")):
            later = Apply(None, Type.BOOL, "since" if moments_of(other.predicate, "before") else "after", (const(max(ends)),))
            parts = [p for p in conjuncts(selector.predicate) if not (isinstance(p, Apply) and p.function in ("since", "after"))]
            selector = replace(selector, predicate=conjunction(later, *parts))
    return selector


def meet(earlier: Selector, later: Selector) -> bool:
    """Whether an event may be of the moment at which the one window ends and the other begins."""
    ends, begins = moments_of(earlier.predicate, "until"), moments_of(later.predicate, "since")
    return (
        bool(ends and begins)
        and max(ends) == min(moments_of(later.predicate, "since", "after"))
        and not moments_of(earlier.predicate, "before")
    )


def with_keys(selector: Selector, lacking: tuple[bool | None, ...]) -> Selector:
    """A selector whose events have its keys, but for those that they lack."""
    asked = [
        Apply(None, Type.BOOL, "isempty" if key.type in (Type.STRING, Type.DYNAMIC, Type.UNKNOWN) else "isnull", (key,))
        for key, lacks in zip(selector.keys, lacking, strict=True)
        if lacks is not None
    ]
    wanted = [x if lacks else negation(x) for x, lacks in zip(asked, (x for x in lacking if x is not None), strict=True)]
    return replace(selector, predicate=conjunction(selector.predicate, *wanted))
