"""Aggregate functions. Nulls are left out; where no value is left, each gives its empty result.

Source: learn.microsoft.com/kusto/query/aggregation-functions, "Aggregates default values".
"""

from __future__ import annotations

import re
from typing import Any

from translator.plan.functions.declare import Family
from translator.plan.functions.dynamics import distinct
from translator.plan.functions.values import Dynamic, timespan_of, type_name

F = Family("aggregates")
F.aggregate("count() -> long", "count(predicate: bool) -> long", sql="COUNT(*)", named="count_")
F.aggregate("countif(predicate: bool) -> long", sql="COALESCE(SUM(CASE WHEN $1 THEN 1 ELSE 0 END), 0)", named="countif_")
F.aggregate("sum(expr: summable) -> promoted", sql="COALESCE(SUM($1), 0)", named="sum_")
F.aggregate(
    "avg(expr: integer) -> real",
    "avg(expr: decimal) -> decimal",
    "avg(expr: real) -> real",
    "avg(expr: timespan) -> timespan",
    "avg(expr: datetime) -> datetime",
    compiled=True,
    named="avg_",
)
F.aggregate("min(expr: orderable) -> first", sql="MIN($1)", named="min_")
F.aggregate("max(expr: orderable) -> first", sql="MAX($1)", named="max_")
F.aggregate("dcount(expr: scalar, accuracy: notdynamic?) -> long", sql="COUNT(DISTINCT $1)", named="dcount_")
F.aggregate("count_distinct(expr: notdynamic) -> long", sql="COUNT(DISTINCT $1)", named="count_distinct_")
F.aggregate("stdev(expr: summable) -> real", sql="COALESCE(STDDEV_SAMP($1), 0)", named="stdev_")
F.aggregate("stdevp(expr: summable) -> real", sql="COALESCE(STDDEV_POP($1), 0)", named="stdevp_")
F.aggregate("variance(expr: summable) -> real", sql="COALESCE(VAR_SAMP($1), 0)", named="variance_")
F.aggregate("variancep(expr: summable) -> real", sql="COALESCE(VAR_POP($1), 0)", named="variancep_")
F.aggregate("covariance(expr: summable, expr: summable) -> real", sql="COVAR_SAMP($1, $2)", named="covariance_")
F.aggregate("covariancep(expr: summable, expr: summable) -> real", sql="COVAR_POP($1, $2)", named="covariancep_")
F.aggregate("take_any(expr: scalar+) -> first", sql="ANY_VALUE($1)", named="take_any_")
F.alias("any", "take_any", named="any_")
F.aggregate("passthrough(expr: scalar) -> first", sql="ANY_VALUE($1)", named="argument")
F.aggregate("arg_max(maximized: orderable, returned: scalar*) -> first", compiled=True)
F.aggregate("arg_min(minimized: orderable, returned: scalar*) -> first", compiled=True)
F.alias("argmax", "arg_max")
F.alias("argmin", "arg_min")
F.aggregate("binary_all_and(expr: summable) -> first", duckdb="BIT_AND($1)", named="argument")
F.aggregate("binary_all_or(expr: summable) -> first", duckdb="BIT_OR($1)", named="argument")
F.aggregate("binary_all_xor(expr: summable) -> first", duckdb="BIT_XOR($1)", named="argument")
for _plain, _conditional in (
    ("sum", "sumif"), ("avg", "avgif"), ("min", "minif"), ("max", "maxif"), ("dcount", "dcountif"), ("take_any", "take_anyif"),
    ("count_distinct", "count_distinctif"), ("stdev", "stdevif"), ("variance", "varianceif"), ("variancep", "variancepif"),
    ("covariance", "covarianceif"), ("covariancep", "covariancepif"),
):  # fmt: skip
    F.conditional(_conditional, _plain)
F.alias("anyif", "take_anyif", named="anyif_")


def elements(values: list[Any]) -> list[Any]:
    """``values`` with the elements of its arrays in their place, one level deep: make_list() and
    make_set() concatenate arrays (make_set, "Set from array column"; geo_point_in_polygon, whose
    multipolygon example wraps coordinates in pack_array() to undo it)."""
    return [inner for value in values for inner in (value if isinstance(value, list) else [value])]


@F.gathered("make_list(expr: scalar, maxSize: integer?) -> dynamic", named="list_")
def make_list(values: list[Any], size: int | None = None) -> Dynamic:
    return elements(values)[:size]


F.alias("makelist", "make_list")
F.conditional("make_list_if", "make_list", named="list_")


@F.gathered("make_list_with_nulls(expr: scalar) -> dynamic", named="list_", nulls=True)
def make_list_with_nulls(values: list[Any]) -> Dynamic:
    return values


@F.gathered("make_set(expr: scalar, maxSize: integer?) -> dynamic", named="set_")
def make_set(values: list[Any], size: int | None = None) -> Dynamic:
    return distinct(elements(values))[:size]


F.alias("makeset", "make_set")
F.conditional("make_set_if", "make_set", named="set_")


@F.gathered("make_bag(expr: bag, maxSize: integer?) -> dynamic", named="bag_")
def make_bag(values: list[Any], size: int | None = None) -> Dynamic:
    bag: dict[str, Any] = {}
    for value in values:
        for key, inner in value.items() if isinstance(value, dict) else ():
            bag.setdefault(key, inner)
    return bag


F.alias("make_dictionary", "make_bag", named="dictionary_")
F.conditional("make_bag_if", "make_bag", named="bag_")


_TIMESPAN = re.compile(r"-?(\d+\.)?\d\d:\d\d:\d\d(\.\d{7})?")


def ordering(value: Any) -> Any:
    """What orders a value among others: a timespan, which stands as its text in a dynamic value, by its length."""
    return timespan_of(value) if isinstance(value, str) and _TIMESPAN.fullmatch(value) else value


def _flat(ranks: tuple[Any, ...]) -> list[float]:
    return [r for rank in ranks for r in (rank if isinstance(rank, list) else [rank])]


@F.gathered("percentile(expr: scalar, percentile: number) -> promoted", named="percentile_")
def percentile(values: list[Any], rank: float) -> Any:
    """The value of the nearest rank."""
    return percentilew([[v, 1] for v in values], rank)


@F.gathered("percentiles(expr: scalar, percentile: number+) -> promoted", named="percentile_")
def percentiles(values: list[Any], *ranks: float) -> Dynamic:
    return [percentile(values, r) for r in ranks]


@F.gathered(
    "percentiles_array(expr: scalar, percentile: number+) -> dynamic",
    "percentiles_array(expr: scalar, percentiles: array) -> dynamic",
    named="percentiles_",
)
def percentiles_array(values: list[Any], *ranks: Any) -> Dynamic:
    return percentilesw_array([[v, 1] for v in values], *ranks)


@F.gathered("percentilew(expr: scalar, weight: integer, percentile: number) -> promoted", named="percentile_", paired=True)
def percentilew(pairs: list[Any], rank: float) -> Any:
    """The first value, by size, up to which the weights make ``rank`` percent: as if each value stood there as often as its weight says."""
    found = sorted(([v, w] for v, w in pairs if v is not None and w is not None and w > 0), key=lambda pair: ordering(pair[0]))
    wanted, seen = rank / 100 * sum(w for _, w in found), 0
    for value, weight in found:
        seen += weight
        if seen >= wanted:
            return value
    return None


@F.gathered("percentilesw(expr: scalar, weight: integer, percentile: number+) -> promoted", named="percentile_", paired=True)
def percentilesw(pairs: list[Any], *ranks: float) -> Dynamic:
    return [percentilew(pairs, r) for r in ranks]


@F.gathered(
    "percentilesw_array(expr: scalar, weight: integer, percentile: number+) -> dynamic",
    "percentilesw_array(expr: scalar, weight: integer, percentiles: array) -> dynamic",
    named="percentiles_",
    paired=True,
)
def percentilesw_array(pairs: list[Any], *ranks: Any) -> Dynamic:
    found = [percentilew(pairs, r) for r in _flat(ranks)]
    return None if None in found else found


@F.gathered("hll(expr: scalar, accuracy: integer?) -> dynamic", named="hll_")
def hll(values: list[Any], accuracy: int | None = None) -> Dynamic:
    """The distinct values themselves: exact, where Kusto keeps a sketch."""
    return distinct(values)


F.conditional("hll_if", "hll")


@F.gathered("hll_merge(hll: array) -> dynamic", named="hll_merge_")
def hll_merge(values: list[Any]) -> Dynamic:
    return distinct([v for part in values for v in part])


@F.gathered("tdigest(expr: summable, weight: integer?) -> dynamic", named="tdigest_")
def tdigest(values: list[Any], weight: int | None = None) -> Dynamic:
    """The values themselves, sorted: exact, where Kusto keeps a sketch."""
    return sorted(values, key=ordering)


@F.gathered("tdigest_merge(tdigest: array) -> dynamic", named="merge_tdigests_")
def tdigest_merge(values: list[Any]) -> Dynamic:
    return sorted((v for part in values for v in part), key=ordering)


F.alias("merge_tdigest", "tdigest_merge")


def _merged(schemas: list[Any]) -> Any:
    options: list[Any] = []
    bags: dict[str, list[Any]] = {}
    items: list[Any] = []
    has_bag = has_array = False
    for value in schemas:
        if isinstance(value, dict):
            has_bag = True
            for key, inner in value.items():
                bags.setdefault(key, []).append(inner)
        elif isinstance(value, list):
            has_array = True
            items.extend(value)
        elif value is not None and type_name(value) not in options:
            options.append(type_name(value))
    if has_bag:
        options.append({k: _merged(v) for k, v in bags.items()})
    if has_array:
        options.append({"`indexer`": _merged(items)})
    return options[0] if len(options) == 1 else options


@F.gathered("buildschema(expr: bag) -> dynamic", named="schema_")
def buildschema(values: list[Any]) -> Dynamic:
    return _merged(values) if values else None


F.aggregate("cnt() -> long", named="cnt_")
