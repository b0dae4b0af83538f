"""What of the conditions of several selectors is enough to tell their events apart, where each event is known to be of one of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from translator.detection.model import Selector
from translator.plan.conditions import is_field
from translator.plan.expressions import Apply, Expr, conjuncts
from translator.plan.pins import constants

Facts = Mapping[Hashable, frozenset[str]]
"""The values that the events of a selector may have, by what has them."""


def asked_values(selector: Selector, name: Callable[[Expr], Hashable | None]) -> dict[Hashable, tuple[frozenset[str], Expr]]:
    """The values that a selector asks a field for, and the condition that does; ``name`` gives a field that has one value at most."""
    found: dict[Hashable, tuple[frozenset[str], Expr]] = {}
    for part in conjuncts(selector.predicate):
        match part:
            case Apply(function="==" | "=~" | "in" | "in~", args=(subject, operand)) if is_field(subject):
                values, key = constants(operand), name(subject)
                if values is not None and key is not None:
                    found.setdefault(key, (in_one_form(values), part))
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


def told_by(selectors: Sequence[Facts], groups: Sequence[int] | None = None) -> list[list[Hashable]] | None:
    """For each selector of what the values tell its events from those of all others; None where an event may be of several.

    Args:
        selectors: what is known of the events of each.
        groups: the group of each selector; those of one group need not be told apart. Each is alone unless given.
    """
    groups = groups if groups is not None else range(len(selectors))
    found = []
    for one, group in zip(selectors, groups, strict=True):
        left = [other for other, its in zip(selectors, groups, strict=True) if its != group]
        by: list[Hashable] = []
        while left:
            best = max(one, key=lambda key: sum(_differ(one, other, key) for other in left), default=None)
            rest = [other for other in left if best is None or not _differ(one, other, best)]
            if best is None or len(rest) == len(left):
                return None
            by.append(best)
            left = rest
        found.append(by)
    return found


def _differ(one: Facts, other: Facts, key: Hashable) -> bool:
    return key in other and not one[key] & other[key]
