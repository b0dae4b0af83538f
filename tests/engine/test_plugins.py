"""Plugins of evaluate, as their pages in the documentation have them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

import translator
from translator.engine import EngineError
from translator.plan.binder.problems import BindError

SEEN = 'let T = datatable(id:string, t:long, d:string)["a", 1, "x", "b", 2, "x", "a", 11, "x", "c", 12, "y", "c", 25, "y", "", 31, "x"];'
DAYS = (
    "let T = datatable(id:int, t:datetime)[1, datetime(2024-01-31), 2, datetime(2024-01-31 12:00), 2, datetime(2024-02-10),"
    " int(null), datetime(2024-02-11), 3, datetime(2024-03-01)];"
)
FEB = dt.datetime(2024, 2, 1)
NAN = "nan"

SHAPES = (
    'let S = datatable(n:string, s:dynamic)["square", dynamic({"type": "Polygon", "coordinates": [[[0,0],[2,0],[2,2],[0,2],[0,0]]]})];'
    'let L = datatable(n:string, s:dynamic)["line", dynamic({"type": "LineString", "coordinates": [[0,0],[2,0]]})];'
    "let P = datatable(x:real, y:real)[1.0, 1.0, 50.0, 50.0];"
)
CASES: list[tuple[str, list[str], list[tuple[Any, ...]]]] = [
    (
        f"{SEEN} T | evaluate activity_metrics(id, t, 0, 30, 10)",
        ["t", "dcount_values", "dcount_newvalues", "retention_rate", "churn_rate"],
        [(0, 2, 2, NAN, NAN), (10, 2, 1, 0.5, 0.5), (20, 1, 0, 0.5, 0.5)],
    ),
    (
        f"{SEEN} T | evaluate activity_metrics(id, t, 0, 31, 10, d) | project t, d, dcount_newvalues, retention_rate",
        ["t", "d", "dcount_newvalues", "retention_rate"],
        [(0, "x", 2, NAN), (10, "x", 0, 0.5), (10, "y", 1, NAN), (20, "y", 0, 1.0), (30, "x", 1, NAN)],
    ),
    (
        f"{DAYS} T | evaluate activity_metrics(id, t, datetime(2024-01-10), datetime(2024-02-20), 'month') | project t, dcount_values",
        ["t", "dcount_values"],
        [(dt.datetime(2024, 1, 1), 2), (FEB, 1)],
    ),
    (
        f"{SEEN} T | evaluate new_activity_metrics(id, t, 0, 29, 10)",
        ["from_t", "to_t", "dcount_new_values", "dcount_retained_values", "dcount_churn_values", "retention_rate", "churn_rate"],
        [
            (0, 0, 2, 2, 0, 1.0, 0.0),
            (0, 10, 1, 1, 1, 0.5, 0.5),
            (0, 20, 1, 0, 2, 0.0, 1.0),
            (10, 10, 1, 1, 0, 1.0, 0.0),
            (10, 20, 0, 1, 0, 1.0, 0.0),
        ],
    ),
    (
        f"{SEEN} T | evaluate new_activity_metrics(id, t, 0, 29, 10, 10) | project to_t, dcount_new_values",
        ["to_t", "dcount_new_values"],
        [(10, 1), (20, 0)],
    ),
    (
        f"{SEEN} let Old = T | where id == 'a' | project id; T | evaluate new_activity_metrics(id, t, 0, 29, 10, 0, d, Old)"
        " | project from_t, to_t, d, dcount_new_values, dcount_retained_values",
        ["from_t", "to_t", "d", "dcount_new_values", "dcount_retained_values"],
        [(0, 0, "x", 1, 1), (0, 10, "x", 0, 0), (0, 20, "x", 0, 0)],
    ),
    (
        f"{SEEN} T | evaluate activity_engagement(id, t, 10, 30, 10, 20)",
        ["t", "dcount_activities_inner", "dcount_activities_outer", "activity_ratio"],
        [(10, 2, 3, 0.66667), (20, 1, 2, 0.5)],
    ),
    (
        f"{SEEN} T | evaluate sliding_window_counts(id, t, 10, 39, 25, 10)",
        ["t", "Count", "Dcount"],
        [(10, 4, 3), (20, 3, 2), (30, 2, 2)],
    ),
    (
        f"{DAYS} T | evaluate sliding_window_counts(id, t, datetime(2024-02-01), datetime(2024-02-15), 10d, 10d)",
        ["t", "Count", "Dcount"],
        [(FEB, 1, 1), (FEB + dt.timedelta(days=10), 1, 0)],
    ),
    (
        "datatable(id:string, t:long)['a', 1, 'a', 2, 'a', 3, 'b', 1, 'b', 2, 'b', 4, 'a', 9]"
        " | evaluate active_users_count(id, t, 0, 9, 3, 1, 3, 5)",
        ["t", "dcount"],
        [(0, 1)],
    ),
    (
        "range i from 1 to 8 step 1 | extend t = 1h * i, v = i * 10 | evaluate rolling_percentile(v, 50, t, 2h, 2)",
        ["t", "rolling_2_percentile_v_50"],
        [(dt.timedelta(hours=h), v) for h, v in ((0, 10), (2, 20), (4, 30), (6, 50), (8, 70))],
    ),
    ("range i from 1 to 9 step 1 | sort by i desc | evaluate rows_near(i % 7 == 0, 1, 2)", ["i"], [(8,), (7,), (6,), (5,)]),
    ("range i from 1 to 9 step 1 | sort by i asc | evaluate rows_near(i > 8, 1)", ["i"], [(8,), (9,)]),
    (
        "range i from 1 to 12 step 1 | summarize a = hll(iff(i % 2 == 0, i, 0)), b = hll(iff(i % 3 == 0, i, 0))"
        " | evaluate dcount_intersect(a, b) | project s0, s1",
        ["s0", "s1"],
        [(7, 3)],
    ),
    (
        f"{SEEN} T | evaluate pivot(d)",
        ["id", "t", "x", "y"],
        [("a", 1, 1, 0), ("b", 2, 1, 0), ("a", 11, 1, 0), ("c", 12, 0, 1), ("c", 25, 0, 1), ("", 31, 1, 0)],
    ),
    (f"{SEEN} T | evaluate pivot(d, sum(t), id)", ["id", "x", "y"], [("a", 12, 0), ("b", 2, 0), ("c", 0, 37), ("", 31, 0)]),
    (f"{SEEN} T | project t, d | evaluate pivot(d, dcount(t))", ["x", "y"], [(4, 2)]),
    (f"{SEEN} T | where t < 12 | extend t = t % 2 | evaluate pivot(t, max(id), d)", ["d", "0", "1"], [("x", "b", "a")]),
    (
        "let all = true; let N = datatable(n:string)['10.0.0.0/8'];"
        "datatable(a:string)['10.1.1.1', '9.9.9.9'] | evaluate ipv4_lookup(N, a, n, return_unmatched=all)",
        ["a", "n"],
        [("10.1.1.1", "10.0.0.0/8"), ("9.9.9.9", "")],
    ),
    (
        f"{SHAPES} P | evaluate geo_polygon_lookup(S, s, x, y)",
        ["x", "y", "n"],
        [(1.0, 1.0, "square")],
    ),
    (
        f"{SHAPES} P | evaluate geo_line_lookup(L, s, x, y, 200000, return_unmatched=true, return_lookup_key=true) | project x, n, isnull(s)",
        ["x", "n", "Column1"],
        [(1.0, "line", False), (50.0, "", True)],
    ),
    (f"{SEEN} T | project id, d | evaluate pivot(d) : (y:long, id:string)", ["y", "id"], [(0, "a"), (0, "b"), (2, "c"), (0, "")]),
]


@pytest.mark.parametrize(("query", "columns", "rows"), CASES, ids=[q.rpartition("evaluate ")[2] for q, _, _ in CASES])
def test_plugin(query: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    found = translator.run(query)
    assert [n for n, _ in found.columns] == columns
    shown = [tuple(NAN if v != v else round(v, 5) if isinstance(v, float) else v for v in row) for row in found.rows]
    assert shown == rows if "sort" in query else sorted(shown, key=str) == sorted(rows, key=str)


REFUSALS = [
    ("activity_metrics(id, t, 10)", "needs constants here: start, end, step"),
    ("activity_metrics(id, t, 0, 30, t)", "needs constants"),
    ("activity_metrics(id, t, 0, 30, 'month')", "of datetimes"),
    ("activity_metrics(id, t, 0, 30, 0)", "greater than zero"),
    ("activity_engagement(id, t, 0, 30, 10, 15)", "no multiple"),
    ("sliding_window_counts(id, t, 0, 30, 5, 10)", "shorter than a step"),
    ("active_users_count(id, t, 1, 30, 8, 2, 3, 10)", "where a period starts"),
    ("rolling_percentile(t, 50, t, 10, 2, d)", "a bin without values"),
    ("rows_near(id == 'a', -1)", "constant numbers of rows"),
    ("new_activity_metrics(id, t, 0, 30, 10, (print x = 1))", "no column 'id'"),
    ("pivot(d, percentile(t, 50))", "no aggregate percentile"),
    ("pivot(id)", "the value ''"),
    ("pivot(d, count(), id) : (id:string, y:string)", "the schema of pivot"),
    ("session_count(id, t, 0, 30, 10, 5)", "session_count is not supported"),
]


@pytest.mark.parametrize(("call", "message"), REFUSALS, ids=[c for c, _ in REFUSALS])
def test_what_a_page_leaves_open_is_refused(call: str, message: str) -> None:
    with pytest.raises((EngineError, BindError), match=message):
        translator.run(f"{SEEN} T | evaluate {call}")
