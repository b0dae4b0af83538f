"""What a target cannot say of a detection is left out where that lets more events alert, and said."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from itertools import compress

from translator.detection.model import Detection, Selector, Side
from translator.fidelity import Diagnostic
from translator.plan.conditions import LISTS, is_presence
from translator.plan.expressions import Apply, Const, Expr, conjunction, conjuncts, walk
from translator.targets.base import Cannot, Output
from translator.targets.predicates import Predicates


def translated(detection: Detection, write: Callable[[Detection], Output], spell: Callable[[Selector, Expr], object]) -> Output:
    """What ``write`` makes of ``detection``, or of as much of it as can be said where it cannot write the whole.

    ``spell`` writes one condition, or raises Cannot.
    """

    def accepts(selector: Selector, part: Expr) -> bool:
        try:
            spell(selector, part)
        except Cannot:
            return False
        return True

    output = write(detection)
    if not output.texts and (less := relaxed(detection, accepts)) is not None and (again := write(less)).texts:
        return again
    return output


def rendering(predicates: Callable[[], Predicates]) -> Callable[[Selector, Expr], object]:
    """What writes one condition by ``predicates``, which are only made where it is asked."""
    asked = functools.cache(predicates)
    return lambda _, part: asked().render(part)


def relaxed(detection: Detection, accepts: Callable[[Selector, Expr], bool]) -> Detection | None:
    """``detection`` without the conditions that a target cannot say, each of them said; None where too little would be left.

    Members of conjunctions go where that lets more events alert, whole alternatives where no member of theirs can be said and others
    remain: not on an absent side, not below a threshold that few events pass. Of each selector that loses some at least one condition
    stays that asks for more than that a field is there.
    """
    if any(x is not None and not x.grows for x in (detection.threshold, detection.trigger)):
        return None
    said: list[Diagnostic] = []
    sides, remaining = [], list[bool]()
    for side in detection.sides:
        if side.threshold is not None and not side.threshold.grows:
            return None
        selectors: list[Selector | None] = []
        for selector in side.selectors:
            parts = conjuncts(selector.predicate)
            kept = [p for p in parts if accepts(selector, p)]
            if len(kept) < len(parts):
                if side.absent:
                    return None
                if all(is_presence(p) for p in kept):
                    kept = []
                said += [_left_out(p, bool(kept)) for p in parts if p not in kept]
            selectors.append(replace(selector, predicate=conjunction(*kept)) if kept or not parts else None)
        if not any(selectors):
            return None
        sides.append(_only(side, selectors))
        remaining += [s is not None for s in selectors]
    if not said:
        return None
    threshold = detection.threshold
    if threshold is not None and threshold.fields:
        threshold = replace(threshold, fields=tuple(compress(threshold.fields, remaining)))
    return replace(detection, sides=tuple(sides), threshold=threshold, diagnostics=(*detection.diagnostics, *dict.fromkeys(said)))


def _left_out(part: Expr, others: bool) -> Diagnostic:
    if not others:
        return Diagnostic("alternative-dropped", "this alternative has no spelling here, and is left out", part.span)
    for node in walk(part):
        if isinstance(node, Apply) and node.function in LISTS and isinstance(node.args[1], Const):
            return Diagnostic("list-dropped", f"the list {node.args[1].value} has no spelling here, and is left out", part.span)
    return Diagnostic("condition-dropped", "this condition has no spelling here, and is left out", part.span)


def _only(side: Side, selectors: list[Selector | None]) -> Side:
    """``side`` with these selectors, and what it says of each of them; None stands for one that is left out."""
    remaining = [s is not None for s in selectors]
    threshold = side.threshold
    if threshold is not None and threshold.fields:
        threshold = replace(threshold, fields=tuple(compress(threshold.fields, remaining)))
    return replace(
        side,
        selectors=tuple(s for s in selectors if s is not None),
        threshold=threshold,
        grouping=tuple(compress(side.grouping, remaining)),
    )
