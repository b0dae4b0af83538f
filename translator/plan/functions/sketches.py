"""Reading what hll() and tdigest() keep: here the values themselves."""

from __future__ import annotations

from typing import Any

from translator.plan.functions.aggregation import hll_merge, ordering, percentile, percentiles_array, tdigest_merge
from translator.plan.functions.declare import Family
from translator.plan.functions.dynamics import distinct
from translator.plan.functions.values import Dynamic

F = Family("sketches")


@F.scalar("dcount_hll(hll: array) -> long", named="dcount_hll_")
def dcount_hll(sketch: Dynamic) -> int | None:
    return len(sketch) if isinstance(sketch, list) else None


@F.scalar(
    "percentile_tdigest(tdigest: array, percentile1: real) -> dynamic",
    "percentile_tdigest(tdigest: array, percentile1: real, type: type) -> literal",
    named="percentile_tdigest_",
)
def percentile_tdigest(sketch: Dynamic, rank: float, kind: str = "") -> Any:
    return percentile(sketch, rank) if isinstance(sketch, list) else None


@F.scalar(
    "percentiles_array_tdigest(tdigest: array, percentile: real+) -> dynamic",
    "percentiles_array_tdigest(tdigest: array, percentiles: array) -> dynamic",
    "percentiles_array_tdigest(tdigest: array, percentiles: array, type: type) -> dynamic",
    named="percentile_tdigest_",
)
def percentiles_array_tdigest(sketch: Dynamic, *ranks: Dynamic) -> Dynamic:
    return percentiles_array(sketch, *(r for r in ranks if not isinstance(r, str))) if isinstance(sketch, list) else None


def _rank(sketch: list[Any], value: Dynamic) -> int:
    return sum(ordering(v) <= ordering(value) for v in sketch)


@F.scalar("rank_tdigest(digest: array, value: scalar) -> real")
def rank_tdigest(sketch: Dynamic, value: Dynamic) -> float | None:
    return float(_rank(sketch, value)) if isinstance(sketch, list) else None


@F.scalar("percentrank_tdigest(digest: array, value: scalar) -> real")
def percentrank_tdigest(sketch: Dynamic, value: Dynamic) -> float | None:
    return 100.0 * _rank(sketch, value) / len(sketch) if isinstance(sketch, list) and sketch else None


@F.scalar("hll_isvalid(hll: array, value: scalar) -> bool")
def hll_isvalid(sketch: Dynamic) -> bool:
    return isinstance(sketch, list) and len(distinct(sketch)) == len(sketch)


@F.scalar("tdigest_isvalid(digest: array, value: scalar) -> bool")
def tdigest_isvalid(sketch: Dynamic) -> bool:
    return isinstance(sketch, list)


@F.scalar("hll_merge(hll_1: array, hll: array+) -> dynamic", named="=hll_merged_result")
def hll_merged(*sketches: Dynamic) -> Dynamic:
    return hll_merge(list(sketches))


@F.scalar("tdigest_merge(tdigest_1: array, tdigest: array+) -> dynamic", named="=tdigests_merge_result")
def tdigest_merged(*sketches: Dynamic) -> Dynamic:
    return tdigest_merge(list(sketches))


F.alias("merge_tdigest", "tdigest_merge")


F.unsupported("__hll_normalize(hll_1: dynamic, hll: dynamic+) -> dynamic")
