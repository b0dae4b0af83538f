"""Functions of several values.

Facts: "ES|QL multivalue functions" (elastic.co/docs/reference/query-languages/esql/functions-operators/mv-functions), a section a function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from translator.verify.esql.functions import Compiled, Function, Given, constant, fitted, held, same_type
from translator.verify.esql.types import Value, one_or_several, order_of, several
from translator.verify.reading import Row


def quantile(values: list[Any], share: float) -> float:
    """The value below which a share of values lies, between two of them where it falls there (the digest of few values is exact)."""
    ordered = sorted(values)
    index = share * (len(ordered) - 1)
    low = math.floor(index)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (index - low))


def deviation(values: list[Any]) -> float:
    """The median of how far values are from their median."""
    middle = quantile(values, 0.5)
    return quantile([abs(v - middle) for v in values], 0.5)


def _median(kind: str, values: list[Any]) -> Value:
    ordered = sorted(values)
    one, two = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (one + two) / 2 if kind == "double" else (one + two) // 2


def _percentile(kind: str, values: list[Any], share: float) -> Value:
    if not 0 <= share <= 100:
        return None
    found = quantile(values, share / 100)
    return found if kind == "double" else int(found)


def _slice(values: list[Any], start: int, end: int | None = None) -> Value:
    count, last = len(values), start if end is None else end
    if not _in_order(start, last):
        return None
    first, last = (i + count if i < 0 else i for i in (start, last))
    return one_or_several(values[max(first, 0) : last + 1]) if last >= 0 else None


def _in_order(start: int, end: int) -> bool:
    """A slice does not end before its start, and both count from the same end of the list (MvSlice.java, checkStartEnd)."""
    return start <= end and not start < 0 <= end


def _mv(signature: str, run: Callable[..., Value], keeps: bool = False) -> tuple[str, Function]:
    """A function whose first argument may have several values, which ``run`` gets after their type; null where an argument is."""
    name = signature.partition("(")[0]

    def function(given: Given) -> Compiled:
        fit, kind = fitted(signature, given)
        if "null" in fit.types:
            return constant(kind, None)
        source, parts = fit.types[0], tuple(a.of for a in fit.args)

        def of(row: Row) -> Value:
            first, *rest = (part(row) for part in parts)
            if first is None or any(v is None or isinstance(v, list) for v in rest):
                return None
            found = run(source, several(first), *rest)
            return found if keeps else held(kind, found)

        return Compiled(kind, of, all(a.constant for a in fit.args))

    return name, function


def _sliced(given: Given) -> Compiled:
    """Constant bounds that are none let no query begin; those of a column make null."""
    bounds = [given.literal(index) if given.args[index].constant else None for index in range(1, len(given.args))]
    if len(bounds) == 2 and isinstance(bounds[0], int) and isinstance(bounds[1], int) and not _in_order(bounds[0], bounds[1]):
        raise given.rejected("the slice ends before its start, or its bounds have different signs")
    return _mv("MV_SLICE(any, integer, integer?) same", lambda _, values, *of: _slice(values, *of), True)[1](given)


def _sorted(given: Given) -> Compiled:
    fit, kind = fitted("MV_SORT(any, text?) same", given)
    way = str(fit.literal(1)).upper() if len(fit.args) > 1 else "ASC"
    if way not in ("ASC", "DESC"):
        raise given.rejected(f"an order {way}")
    subject = fit.args[0]
    return Compiled(
        kind,
        lambda row: one_or_several(sorted(several(subject.of(row)), key=lambda v: order_of(kind, v), reverse=way == "DESC")),
        subject.constant,
    )


def _sets(run: Callable[[list[Value], list[Value]], Value], result: str = "") -> Function:
    """A function of two sets of values of one type."""

    def function(given: Given) -> Compiled:
        fit, _ = fitted(f"{given.name}(any, any) boolean", given)
        kind = same_type(fit, (0, 1))
        one, two = fit.args

        def of(row: Row) -> Value:
            return run(several(one.of(row)), several(two.of(row)))

        return Compiled(result or kind, of, one.constant and two.constant)

    return function


def _append(one: list[Value], two: list[Value]) -> Value:
    return one + two if one and two else None


def _zip(given: Given) -> Compiled:
    fit, kind = fitted("MV_ZIP(text, text, text?) keyword", given)
    parts = [a.of for a in fit.args]

    def of(row: Row) -> Value:
        one, two = several(parts[0](row)), several(parts[1](row))
        by = parts[2](row) if len(parts) > 2 else ","
        if by is None or isinstance(by, list):
            return None
        pairs = [by.join((one[n : n + 1] or []) + (two[n : n + 1] or [])) for n in range(max(len(one), len(two)))]
        return one_or_several(pairs)

    return Compiled(kind, of, all(a.constant for a in fit.args))


def _pseries(values: list[float], p: float) -> float:
    return math.fsum(v / (n + 1) ** p for n, v in enumerate(values))


def _least(kind: str, values: list[Value]) -> Value:
    return min(values, key=lambda v: order_of(kind, v))


def _greatest(kind: str, values: list[Value]) -> Value:
    return max(values, key=lambda v: order_of(kind, v))


def _counted(given: Given) -> Compiled:
    fit, kind = fitted("MV_COUNT(any) integer", given)
    subject = fit.args[0]
    return Compiled(kind, lambda row: len(several(subject.of(row))) or None, subject.constant)


FUNCTIONS: dict[str, Function] = {
    **dict(
        [
            _mv("MV_AVG(number) double", lambda _, values: math.fsum(values) / len(values)),
            _mv("MV_CONCAT(text, text) keyword", lambda _, values, by: by.join(values)),
            _mv("MV_DEDUPE(any) same", lambda _, values: one_or_several(list(dict.fromkeys(values))), True),
            _mv("MV_FIRST(any) same", lambda _, values: values[0]),
            _mv("MV_LAST(any) same", lambda _, values: values[-1]),
            _mv("MV_MAX(any) same", _greatest),
            _mv("MV_MEDIAN(number) same", _median),
            _mv("MV_MEDIAN_ABSOLUTE_DEVIATION(number) same", lambda kind, v: deviation(v) if kind == "double" else int(deviation(v))),
            _mv("MV_MIN(any) same", _least),
            _mv("MV_PERCENTILE(number, number) same", _percentile),
            _mv("MV_PSERIES_WEIGHTED_SUM(number, number) double", lambda _, values, p: _pseries(values, p)),
            _mv("MV_SUM(number) same", lambda kind, values: math.fsum(values) if kind == "double" else sum(values)),
        ]
    ),
    "MV_COUNT": _counted,
    "MV_SLICE": _sliced,
    "MV_SORT": _sorted,
    "MV_ZIP": _zip,
    "MV_APPEND": _sets(_append),
    "MV_CONTAINS": _sets(lambda one, two: set(two) <= set(one), "boolean"),
    "MV_INTERSECTS": _sets(lambda one, two: bool(set(one) & set(two)), "boolean"),
    "MV_INTERSECTION": _sets(lambda one, two: one_or_several([v for v in dict.fromkeys(one) if v in two])),
    "MV_UNION": _sets(lambda one, two: one_or_several(list(dict.fromkeys(one + two)))),
    "MV_DIFFERENCE": _sets(lambda one, two: one_or_several([v for v in dict.fromkeys(one) if v not in two])),
}
