"""What stands beside a correlation for groups that Sigma's correlations do not see: without a key, or without the counted value."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, islice
from typing import TypeVar

from translator.detection.model import Detection, Selector, Side, counts_missing
from translator.plan.expressions import Apply, Expr, conjunction, conjuncts, negation
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.rulepack.model import Rule
from translator.targets.names import Names
from translator.targets.sides import identifying

_T = TypeVar("_T")

MAX_PARTS = 3
"""How many groups of events without some of the keys are written, each in documents of its own: those of two keys."""


def groups(rule: Rule, detection: Detection, names: Names) -> list[Detection]:
    """``detection`` with all that must stand beside it for what Sigma's correlations do not see."""
    return [found for keyed in _keyed(rule, detection, names) for found in _with_missing_value(keyed, names)]


def _with_missing_value(detection: Detection, names: Names) -> list[Detection]:
    """``detection``, and where it counts distinct values that events may lack, the count with a missing one as a value of its own.

    That is one value less among the events that have the field, and an event that lacks it.
    """
    threshold = detection.threshold
    if threshold is None or threshold.kind != "value_count":
        return [detection]
    (side,) = detection.sides
    fields = dict(zip((s.name for s in side.selectors), threshold.fields, strict=True))
    if all(requires(s.predicate, fields[s.name]) or not counts_missing(fields[s.name]) for s in side.selectors):
        return [detection]
    if not threshold.grows:
        names.say("missing-value", MISSING_VALUE, None, threshold.measured)
        return [detection]
    names.say("missing-value-group", "events without the counted field are one more value in KQL: a correlation of their own is written")

    def part(suffix: str, missing: bool) -> tuple[Selector, ...]:
        found = []
        for selector in side.selectors:
            lacks = is_missing(fields[selector.name])
            predicate = conjunction(selector.predicate, lacks if missing else negation(lacks))
            found.append(replace(selector, name=f"{selector.name}_{suffix}", predicate=predicate))
        return tuple(found)

    lacking, having = part("without_value", True), part("with_value", False)
    sides = [Side(f"{side.name}_without_value", lacking)]
    fewer = replace(threshold, count=threshold.count - 1)
    if fewer.count > 0 or (fewer.count == 0 and fewer.operator == ">"):
        sides.insert(0, Side(f"{side.name}_with_value", having, False, fewer, tuple(s.keys for s in having)))
    beside = replace(detection, kind="temporal", sides=tuple(sides), threshold=None, part=f"{detection.part}with_missing_value_")
    return [detection, beside]


MISSING_VALUE = "events without the counted field count as one more value in KQL"


def _keyed(rule: Rule, detection: Detection, names: Names) -> list[Detection]:
    """``detection``, and beside it the groups that its correlation leaves out: those of events without one or more of the keys.

    KQL takes the events without a key for one group, Sigma's correlations for none. Nothing is written for those that lack all keys
    that identify the alert, since such an alert identifies nothing.
    """
    missing = [n for n, guaranteed in enumerate(detection.guaranteed) if not guaranteed]
    if not missing:
        return [detection]
    entities = identifying(rule, detection)
    all_subsets = (s for size in range(1, len(missing) + 1) for s in combinations(missing, size))
    subsets = list(islice((s for s in all_subsets if not entities or not entities <= {*s}), MAX_PARTS + 1))
    if entities and entities <= {*missing}:
        names.say("empty-entity", "events without the key are one group in KQL, and are left out by Sigma correlations")
    if not subsets:
        return [detection]
    if len(subsets) > MAX_PARTS:
        names.say("empty-join-key", "events without the keys are groups in KQL, and are left out by Sigma correlations")
        return [detection]
    names.say("empty-key-group", "events without the key are one group in KQL: a correlation of their own is written for them")
    if any(names.is_multivalue(s.keys[n]) for s in detection.selectors for n in missing):
        names.say("empty-join-key", "an element without the key is of such a group too, unseen where others of its array have it")
    thresholds = [detection.threshold, *(side.threshold for side in detection.sides)]
    few = any(side.absent for side in detection.sides) or any(t is not None and not t.grows for t in thresholds)
    return [_with_keys(detection, missing) if few else detection, *(_without_keys(detection, s) for s in subsets)]


def _with_keys(detection: Detection, required: list[int]) -> Detection:
    """``detection`` of those events alone that have the keys of these numbers: an empty key is a group of its own in some backends."""

    def present(selector: Selector) -> Selector:
        conditions = [negation(is_missing(selector.keys[n])) for n in required]
        return replace(selector, predicate=conjunction(selector.predicate, *conditions))

    return replace(detection, sides=tuple(replace(side, selectors=tuple(map(present, side.selectors))) for side in detection.sides))


def is_missing(key: Expr) -> Expr:
    """That an event lacks a key, or has it empty."""
    return simplify(Apply(None, Type.BOOL, "isempty", (key,)))


def requires(predicate: Expr, field: Expr) -> bool:
    """Whether a condition asks a field for a value, so that events without it do not satisfy it."""
    return any(
        isinstance(p, Apply) and ((p.function == "not" and p.args[0] == Apply(None, p.type, "isempty", (field,))) or p.args[:1] == (field,))
        for p in conjuncts(predicate)
    )


def _without_keys(detection: Detection, left_out: tuple[int, ...]) -> Detection:
    """The correlation of those events that lack the keys of these numbers, grouped by the other keys."""

    def remaining(items: tuple[_T, ...]) -> tuple[_T, ...]:
        return tuple(x for n, x in enumerate(items) if n not in left_out)

    sides = []
    for side in detection.sides:
        selectors, grouping = [], []
        for number, selector in enumerate(side.selectors):
            absent = [selector.keys[n] for n in left_out]
            predicate = conjunction(selector.predicate, *map(is_missing, absent))
            selectors.append(replace(selector, predicate=predicate, keys=remaining(selector.keys)))
            if side.grouping:
                grouping.append(tuple(g for g in side.grouping[number] if g not in absent))
        sides.append(replace(side, selectors=tuple(selectors), grouping=tuple(grouping)))
    without = "_".join(re.sub(r"\W+", "_", detection.group_by[n]) for n in left_out)
    return replace(
        detection,
        sides=tuple(sides),
        group_by=remaining(detection.group_by),
        guaranteed=remaining(detection.guaranteed),
        part=f"{detection.part}without_{without}_",
    )
