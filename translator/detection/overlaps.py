"""Whether one event can be of two parts of a union: in KQL it is a row for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import NamedTuple

from translator.detection.model import Side, Threshold
from translator.detection.shapes import by_name
from translator.detection.windows import apart_in_time
from translator.plan.expressions import FALSE, Apply, Const, Expr, conjuncts, items_of, negation
from translator.plan.types import Type

_REPEATED_ALIKE = frozenset({"value_count", "value_percentile"})
"""Thresholds that do not ask how often a value comes, or hardly: a percentile is compared as an estimate anyway."""


def repeated(side: Side, threshold: Threshold | None) -> tuple[str, str] | None:
    """Code and message where events of ``side`` may be several rows; ``threshold`` is what they are counted for, if anything."""
    code = "rows-repeated" if threshold is None else repeatedly(threshold)
    if code is None:
        return None
    predicates = [(s.table, by_name(s.predicate)) for s in side.selectors]
    if not any(a == b and may_overlap(p, q) for (a, p), (b, q) in combinations(predicates, 2)):
        return None
    times = "is a row" if threshold is None else "counts"
    return code, f"an event that several parts of the union find {times} for each of them in the query, once here"


def is_of_several_groups(side: Side, fields: Sequence[Expr]) -> bool:
    """Whether an event that several parts of a union find has another key, or another one of ``fields``, as a row of each."""
    told = []
    for number, selector in enumerate(side.selectors):
        values = (*selector.keys, *(side.grouping[number] if side.grouping else ()), *fields[number : number + 1])
        told.append((selector.table, by_name(selector.predicate), [by_name(x) for x in values]))
    return any(a == b and x != y and may_overlap(p, q) for (a, p, x), (b, q, y) in combinations(told, 2))


def repeatedly(threshold: Threshold) -> str | None:
    """The code of what it means that an event is several rows for a threshold; None where it means nothing."""
    if threshold.kind in _REPEATED_ALIKE:
        return None
    return "counted-twice" if threshold.kind == "event_count" else "measured-twice"


def may_overlap(left: Expr, right: Expr) -> bool:
    """Whether some event may satisfy both predicates, whose fields are told by name: False only where that is certain."""
    parts, others = list(conjuncts(left)), list(conjuncts(right))
    if FALSE in (*parts, *others) or any(_is_refuted(p, others) for p in parts) or apart_in_time(parts, others):
        return False
    if any(_is_refuted(p, parts) for p in others):
        return False
    limited, other_limited = ([found for p in of if (found := _limited(p)) is not None] for of in (parts, others))
    return not any(_are_apart(one, two) for one, two in product(limited, other_limited) if one.field == two.field)


def _is_refuted(part: Expr, others: Sequence[Expr]) -> bool:
    """Whether the opposite of a condition, or of each of its alternatives, is among ``others``."""
    alternatives = part.args if isinstance(part, Apply) and part.function == "or" else (part,)
    return all(negation(x) in others for x in alternatives)


class _Limited(NamedTuple):
    """A field that a condition limits to some values; ``caseless`` where letters are the same in either case."""

    field: Expr
    values: frozenset[object]
    caseless: bool


_COMPARABLE = frozenset({Type.STRING, Type.BOOL, Type.INT, Type.LONG, Type.DATETIME, Type.TIMESPAN})
"""Types whose equal values are written alike: of the others 5.0 is 5, and a guid is the same in either case."""


def _are_apart(one: _Limited, two: _Limited) -> bool:
    """Whether one field cannot have values of both: not told of a text and a number, which a field of no known type may be equal to."""
    if len({type(v) for v in one.values | two.values if v != ""}) > 1:
        return False
    fold = str.lower if one.caseless or two.caseless else str
    return not {fold(str(v)) for v in one.values} & {fold(str(v)) for v in two.values}


def _limited(predicate: Expr) -> _Limited | None:
    """The values to which a condition limits a field; None where it does not."""
    match predicate:
        case Apply(function="isempty" | "isnull", args=(field,)):
            return _Limited(field, frozenset({""}), False)
        case Apply(function="==" | "=~" | "in" | "in~" as function, args=(field, operand)):
            items = [i for i in items_of(operand) if isinstance(i, Const) and i.type in _COMPARABLE]
            return (
                _Limited(field, frozenset(i.value for i in items), function.endswith("~")) if len(items) == len(items_of(operand)) else None
            )
        case Apply(function="or", args=args):
            found = [limited for a in args if (limited := _limited(a)) is not None]
            if len(found) < len(args) or len({f.field for f in found}) > 1:
                return None
            return _Limited(found[0].field, frozenset().union(*(f.values for f in found)), any(f.caseless for f in found))
    return None
