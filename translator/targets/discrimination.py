"""What of the conditions of several selectors is enough to tell their events apart, where each event is known to be of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from translator.detection.model import Detection, Selector
from translator.plan.conditions import is_field
from translator.plan.expressions import Apply, Expr, conjuncts
from translator.plan.pins import constants
from translator.targets.predicates import Predicates

Facts = Mapping[str, frozenset[str]]
"""The values that the events of a selector may have, by what has them."""


def told_apart(
    detection: Detection,
    predicates: Predicates,
    places: Sequence[Mapping[str, Iterable[str]]],
    of_place: Callable[[Selector, list[str]], list[str]],
    groups: Sequence[int],
    has_several: Callable[[Expr], bool] = lambda subject: False,
) -> list[str] | None:
    """What tells the events of each selector from those of other groups, in a target's words; None where some are of several.

    Args:
        places: the fields that tell the place of each selector's events, with the values that they have there.
        of_place: the conditions on some of these fields.
        groups: the group of each selector.
        has_several: whether a field may have several values at once, beside those that are known to.
    """
    names, selectors = predicates.names, detection.selectors

    def values_of(selector: Selector) -> dict[str, tuple[frozenset[str], Expr]]:
        found: dict[str, tuple[frozenset[str], Expr]] = {}
        for part in conjuncts(selector.predicate):
            match part:
                case Apply(function="==" | "=~" | "in" | "in~", args=(subject, operand)) if is_field(subject):
                    values = constants(operand)
                    if values is not None and names.is_column(subject) and not names.is_multivalue(subject) and not has_several(subject):
                        found.setdefault(names.field(subject), (in_one_form(values), part))
        return found

    asked = []
    for selector in selectors:
        with names.within(detection.place_of(selector)):
            asked.append(values_of(selector))
    facts = [
        {**{k: values for k, (values, _) in own.items()}, **{k: in_one_form(v) for k, v in place.items()}}
        for own, place in zip(asked, places, strict=True)
    ]
    by = told_by(facts, groups)
    if by is None:
        return None
    found = []
    for selector, keys, own, place in zip(selectors, by, asked, places, strict=True):
        with names.within(detection.place_of(selector)):
            parts = predicates.parts(own[k][1] for k in keys if k not in place)
        found.append(" AND ".join([*of_place(selector, [k for k in keys if k in place]), *parts]) or predicates.true)
    return found


def in_one_form(values: Iterable[object]) -> frozenset[str]:
    """Values as texts that differ where no comparison takes them for the same one, with case or without, as texts or as numbers."""
    return frozenset(map(_in_one_form, values))


def _in_one_form(value: object) -> str:
    text = str(value).casefold()
    try:
        return str(float(text))
    except ValueError:
        return text


def told_by(selectors: Sequence[Facts], groups: Sequence[int]) -> list[list[str]] | None:
    """For each selector of what the values tell its events from those of all others; None where an event may be of several.

    Args:
        selectors: what is known of the events of each.
        groups: the group of each selector; those of one group need not be told apart.
    """
    found = []
    for one, group in zip(selectors, groups, strict=True):
        left = [other for other, its in zip(selectors, groups, strict=True) if its != group]
        by: list[str] = []
        while left:
            best = max(one, key=lambda key: sum(_differ(one, other, key) for other in left), default=None)
            rest = [other for other in left if best is None or not _differ(one, other, best)]
            if best is None or len(rest) == len(left):
                return None
            by.append(best)
            left = rest
        found.append(by)
    return found


def _differ(one: Facts, other: Facts, key: str) -> bool:
    return key in other and not one[key] & other[key]
