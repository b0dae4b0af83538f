"""Arrays and bags: what makes them, their elements, and what is among these."""

from __future__ import annotations

from typing import Any

from translator.engine.python.conversions import dumps


def step_into(value: Any, *steps: Any) -> Any:
    """What stands at a place in a dynamic value, by the keys and indexes on the way; None where there is nothing."""
    from translator.plan.functions.dynamics import at

    return at(value, list(steps))


def elements_of(value: Any, pairs: bool) -> Any:
    """What mv-expand makes of a value: the elements of an array, a bag for each key, the value itself otherwise."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [[k, v] if pairs else {k: v} for k, v in value.items()]
    return [value]


def filled_bag(*parts: Any) -> Any:
    """A bag of keys and values without the null and empty ones: ``pack_all(true)``."""
    return {k: v for k, v in zip(parts[::2], parts[1::2], strict=True) if v not in (None, "")}


def list_of(*values: Any) -> Any:
    return list(values)


def bag_of(*parts: Any) -> Any:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def member(value: Any, items: Any) -> bool:
    return value in items if isinstance(items, list) else value == items


def member_any_case(value: Any, items: Any) -> bool:
    return str(value).lower() in [str(i).lower() for i in (items if isinstance(items, list) else [items])]


def has_any(source: str, items: Any) -> bool:
    """Whether a text has any of some terms; one that is no list is the only one."""
    from translator.plan.functions.operators import has
    from translator.plan.functions.values import text_of

    return any(has(source, text_of(i)) for i in (items if isinstance(items, list) else [items]))


def has_all(source: str, items: Any) -> bool:
    """Whether a text has all of some terms; one that is no list is the only one."""
    from translator.plan.functions.operators import has
    from translator.plan.functions.values import text_of

    return all(has(source, text_of(i)) for i in (items if isinstance(items, list) else [items]))


def side_by_side(*arrays: object) -> object:
    """The elements of several arrays by their place, as JSON: ``zip`` with nulls where an array has ended."""
    lists = [a if isinstance(a, list) else [] for a in arrays]
    size = max(map(len, lists), default=0)
    return [dumps([x[i] if i < len(x) else None for x in lists]) for i in range(size)]
