"""Aggregates of STATS: what they make of the rows of a group.

Facts: "ES|QL aggregation functions" (elastic.co/docs/reference/query-languages/esql/functions-operators/aggregation-functions), a section a
function; a value that is null does not count, and each of several values does. COUNT_DISTINCT is an estimate above 3,000 values (section
"Counts are approximate"), and is not run there. VALUES has no order: here it is sorted. FIRST and LAST read rows that have both values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from translator.verify.esql.functions import Compiled, Given, fitted, held
from translator.verify.esql.several import deviation, quantile
from translator.verify.esql.syntax import Literal
from translator.verify.esql.types import Value, one_or_several, order_of, several
from translator.verify.reading import NotReadable, Row

Reduce: TypeAlias = Callable[[Sequence[Row]], Value]
Aggregate: TypeAlias = Callable[[Given], tuple[str, Reduce]]

MOST = 3000
"""Up to how many distinct values a count is exact."""


def _values(of: Callable[[Row], Value], rows: Sequence[Row]) -> list[Any]:
    return [v for row in rows for v in several(of(row))]


def _simple(signature: str, run: Callable[..., Value], none: Value = None) -> tuple[str, Aggregate]:
    """An aggregate of the values of its first argument, which ``run`` gets after their type; its other arguments are constant."""
    name = signature.partition("(")[0]

    def aggregate(given: Given) -> tuple[str, Reduce]:
        fit, kind = fitted(signature, given)
        rest = [fit.literal(n) for n in range(1, len(fit.args))]
        if any(isinstance(v, list) for v in rest):
            raise given.rejected("wants one value")
        source, of = fit.types[0], fit.args[0].of

        def reduce(rows: Sequence[Row]) -> Value:
            found = _values(of, rows)
            try:
                return held(kind, run(source, found, *rest)) if found else none
            except OverflowError:
                return None

        return kind, reduce

    return name, aggregate


def _count(given: Given) -> tuple[str, Reduce]:
    if not given.args:
        return "long", len
    fit, _ = fitted("COUNT(any) long", given)
    of = fit.args[0].of
    return "long", lambda rows: len(_values(of, rows))


def _sum(given: Given) -> tuple[str, Reduce]:
    fit, _ = fitted("SUM(number) long", given)
    kind = "long" if fit.types[0] == "integer" else fit.types[0]
    of = fit.args[0].of

    def reduce(rows: Sequence[Row]) -> Value:
        found = _values(of, rows)
        return held(kind, math.fsum(found) if kind == "double" else sum(found)) if found else None

    return kind, reduce


def _distinct(_: str, values: list[Any], precision: int | None = MOST) -> int:
    found = len(set(values))
    precision = MOST if precision is None else precision
    if found > min(precision, 40_000):
        raise NotReadable("COUNT_DISTINCT of so many values that it is an estimate")
    return found


def _variance(values: list[Any]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values) / len(values)


def _percentile(_: str, values: list[Any], share: float | None) -> float | None:
    return quantile(values, share / 100) if share is not None and 0 <= share <= 100 else None


def _listed(given: Given) -> tuple[str, Reduce]:
    fit, kind = fitted("VALUES(any) same", given)
    of = fit.args[0].of
    return kind, lambda rows: one_or_several(sorted(set(_values(of, rows)), key=lambda v: order_of(kind, v)))


def _top(given: Given) -> tuple[str, Reduce]:
    if len(given.args) > 3:
        raise NotReadable("TOP of another field", given.at)
    fit, kind = fitted("TOP(any, integer, text?) same", given)
    count, way = fit.literal(1), str(fit.literal(2) if len(fit.args) > 2 else "asc").upper()
    if way not in ("ASC", "DESC") or not isinstance(count, int) or count < 1:
        raise given.rejected("wants a count above 0, and ASC or DESC")
    of = fit.args[0].of
    return kind, lambda rows: one_or_several(sorted(_values(of, rows), key=lambda v: order_of(kind, v), reverse=way == "DESC")[:count])


def _nearest(last: bool) -> Aggregate:
    """FIRST and LAST: the value of the row that another value is least or greatest in."""

    def aggregate(given: Given) -> tuple[str, Reduce]:
        fit, kind = fitted(f"{given.name}(any, any) same", given)
        value, by = fit.args
        key = by.type

        def reduce(rows: Sequence[Row]) -> Value:
            pairs = [(by.of(r), value.of(r)) for r in rows]
            pairs = [p for p in pairs if p[0] is not None and p[1] is not None]
            if any(isinstance(v, list) for p in pairs for v in p):
                raise NotReadable(f"{given.name} of several values", given.at)
            if not pairs:
                return None
            edge = (max if last else min)(order_of(key, p[0]) for p in pairs)
            found = {p[1] for p in pairs if order_of(key, p[0]) == edge}
            if len(found) > 1:
                raise NotReadable(f"{given.name} among rows that are equal in their order", given.at)
            return found.pop()

        return kind, reduce

    return aggregate


def _weighted(given: Given) -> tuple[str, Reduce]:
    fit, kind = fitted("WEIGHTED_AVG(number, number) double", given)
    value, weight = fit.args
    if weight.type == "null" or (isinstance(node := given.nodes[1], Literal) and node.value == 0):
        raise given.rejected("argument 2 is null or 0")

    def reduce(rows: Sequence[Row]) -> Value:
        pairs = [(value.of(r), weight.of(r)) for r in rows]
        kept = [(v, w) for v, w in pairs if v is not None and w is not None]
        if any(isinstance(v, list) for p in kept for v in p):
            raise NotReadable("WEIGHTED_AVG of several values", given.at)
        total = sum(w for _, w in kept)
        return held(kind, math.fsum(v * w for v, w in kept) / total) if total else None

    return kind, reduce


def _present(wanted: bool) -> Aggregate:
    def aggregate(given: Given) -> tuple[str, Reduce]:
        fit, kind = fitted(f"{given.name}(any) boolean", given)
        of = fit.args[0].of
        return kind, lambda rows: bool(_values(of, rows)) is wanted

    return aggregate


def _unknown(given: Given) -> tuple[str, Reduce]:
    raise NotReadable(f"the aggregate {given.name}", given.at)


_REFUSED = """
    SAMPLE ST_CENTROID_AGG ST_EXTENT_AGG ALL_FIRST ALL_LAST SPARKLINE RATE IRATE IDELTA DELTA DERIV INCREASE AVG_OVER_TIME COUNT_OVER_TIME
    COUNT_DISTINCT_OVER_TIME FIRST_OVER_TIME LAST_OVER_TIME MAX_OVER_TIME MIN_OVER_TIME SUM_OVER_TIME PERCENTILE_OVER_TIME
    STDDEV_OVER_TIME VARIANCE_OVER_TIME PRESENT_OVER_TIME ABSENT_OVER_TIME
"""
"""Aggregates that are known, and not run here: of places, of time series, or by chance."""

AGGREGATES: Mapping[str, Aggregate] = {
    **dict(
        [
            _simple("AVG(number) double", lambda _, values: math.fsum(values) / len(values)),
            _simple("COUNT_DISTINCT(any, long?) long", _distinct, 0),
            _simple("MIN(any) same", lambda kind, values: min(values, key=lambda v: order_of(kind, v))),
            _simple("MAX(any) same", lambda kind, values: max(values, key=lambda v: order_of(kind, v))),
            _simple("MEDIAN(number) double", lambda _, values: quantile(values, 0.5)),
            _simple("MEDIAN_ABSOLUTE_DEVIATION(number) double", lambda _, values: deviation(values)),
            _simple(
                "PERCENTILE(number, number) double",
                _percentile,
            ),
            _simple("STD_DEV(number) double", lambda _, values: math.sqrt(_variance(values))),
            _simple("VARIANCE(number) double", lambda _, values: _variance(values)),
        ]
    ),
    "COUNT": _count,
    "SUM": _sum,
    "VALUES": _listed,
    "TOP": _top,
    "FIRST": _nearest(False),
    "LAST": _nearest(True),
    "WEIGHTED_AVG": _weighted,
    "PRESENT": _present(True),
    "ABSENT": _present(False),
    **dict.fromkeys(_REFUSED.split(), _unknown),
}
"""Aggregates by name."""

GROUPINGS = ("BUCKET", "TBUCKET", "CATEGORIZE")
"""Functions that only stand behind BY."""


def reduced(name: str, given: Given, kept: Callable[[Row], bool] | None) -> Compiled:
    """An aggregate over the rows of a group, which stand in a row of their own under ``""``."""
    kind, reduce = AGGREGATES[name](given)

    def of(group: Row) -> Value:
        rows: Any = group[""]
        return reduce([r for r in rows if kept(r)] if kept else rows)

    return Compiled(kind, of)
