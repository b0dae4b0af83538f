"""Conditions of the catalog that tell which events are of a home: whether an event meets one, and what makes it do so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from translator.plan.expressions import Apply, ColumnRef, Const, Expr, items_of
from translator.verify.shaping.making import FILLER
from translator.verify.shaping.shapes import Unfit
from translator.verify.shaping.values import (
    is_missing,
    text_of,
)


def holds(condition: Expr, event: Mapping[str, object]) -> bool:
    """Whether a condition of the catalog on the fields of a product holds for an event.

    Raises:
        Unfit: for one that is not known here.
    """
    match condition:
        case Apply(function="and", args=args):
            return all(holds(a, event) for a in args)
        case Apply(function="or", args=args):
            return any(holds(a, event) for a in args)
        case Apply(function="not", args=(inner,)):
            return not holds(inner, event)
        case Apply(function="isempty" | "isnotempty" as function, args=(ColumnRef(column=column),)):
            return is_missing(event.get(column.name)) == (function == "isempty")
        case Apply(function=function, args=(subject, operand)) if function in _TESTS and (given := _read(subject, event)) is not None:
            return any(_TESTS[function](given, text_of(value)) for value in _constants(operand))
    raise Unfit("what selects the events of the home is not known")


def _read(expr: Expr, event: Mapping[str, object]) -> str | None:
    """The text of a field, or of what a pattern finds in it; None for what is not known here."""
    match expr:
        case ColumnRef(column=column):
            return text_of(event.get(column.name, ""))
        case Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), inner)) if (
            text := _read(inner, event)
        ) is not None:
            found = re.search(regex, text)
            return "" if found is None else found[group] or ""
    return None


_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "==": lambda given, wanted: given == wanted,
    "in": lambda given, wanted: given == wanted,
    "=~": lambda given, wanted: given.lower() == wanted.lower(),
    "in~": lambda given, wanted: given.lower() == wanted.lower(),
    "contains": lambda given, wanted: wanted.lower() in given.lower(),
    "endswith": lambda given, wanted: given.lower().endswith(wanted.lower()),
    "matches regex": lambda given, wanted: re.search(wanted, given) is not None,
}


def _constants(operand: Expr) -> list[object]:
    items = items_of(operand)
    return [i.value for i in items if isinstance(i, Const)]


def fulfilling(condition: Expr) -> Iterator[tuple[str, object]]:
    """Fields with values of which any makes a condition hold for events without that field."""
    match condition:
        case Apply(function="or", args=(first, *_)):
            yield from fulfilling(first)
        case Apply(function="not", args=(Apply(function="isempty", args=(ColumnRef(column=column),)),)):
            yield column.name, FILLER
        case Apply(function="isnotempty", args=(ColumnRef(column=column),)):
            yield column.name, FILLER
        case Apply(function="matches regex"):
            return
        case Apply(function=function, args=(ColumnRef(column=column), operand)) if function in _TESTS:
            yield from ((column.name, value) for value in _constants(operand))
