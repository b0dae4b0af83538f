"""Whether one event can be of two parts of a union: in KQL it is a row for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

from translator.detection.model import Side, Threshold
from translator.detection.shapes import by_name
from translator.detection.windows import apart_in_time
from translator.plan.expressions import FALSE, Apply, Const, Expr, conjuncts, items_of, negation

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
    limited, other_limited = ([found for p in of if (found := _values(p)) is not None] for of in (parts, others))
    for one, two in product(limited, other_limited):
        if one[0] == two[0]:
            fold = str.lower if one[2] or two[2] else str
            if not {fold(v) for v in one[1]} & {fold(v) for v in two[1]}:
                return False
    return True


def _is_refuted(part: Expr, others: Sequence[Expr]) -> bool:
    """Whether the opposite of a condition, or of each of its alternatives, is among ``others``."""
    alternatives = part.args if isinstance(part, Apply) and part.function == "or" else (part,)
    return all(negation(x) in others for x in alternatives)


def _values(predicate: Expr) -> tuple[Expr, frozenset[str], bool] | None:
    """The field that a predicate limits to some values, these as text, and whether case is ignored; None where it is none of these."""
    match predicate:
        case Apply(function="isempty" | "isnull", args=(field,)):
            return field, frozenset({""}), False
        case Apply(function="==" | "=~" | "in" | "in~" as function, args=(field, operand)):
            items = items_of(operand)
            if any(isinstance(i, Const) and isinstance(i.value, float) for i in items):
                return None  # 5.0 is 5
            values = frozenset(str(i.value) for i in items if isinstance(i, Const))
            return (field, values, function.endswith("~")) if len(values) == len({*items}) else None
        case Apply(function="or", args=args):
            found = [_values(a) for a in args]
            if any(f is None or f[0] != (found[0] or (None,))[0] for f in found):
                return None
            known = [f for f in found if f is not None]
            return known[0][0], frozenset(v for _, values, _ in known for v in values), any(caseless for _, _, caseless in known)
    return None
