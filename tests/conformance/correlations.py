"""Correlations run: KQL of every idiom on random events by duckdb-kql; beside it its Sigma by pysigma-backend-sqlite, its EQL by eql, and
its SPL and ES|QL, native and portable, and samples of EQL by this folder's readers.

The keys that alert are compared. What claims to be exact or same-alerts must give the same keys, what is broader at least those of the
KQL, what is narrower none besides. Exit status 1 where a claim does not hold.
"""

from __future__ import annotations

import collections
import datetime as dt
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

import translator
from tests.conformance.judging import judged, options
from tests.rules import rule
from translator.detection.model import Detection
from translator.pipeline.lanes import merged
from translator.sigma.portable.lane import LANES, through_sigma
from translator.targets.base import Options, Output
from translator.targets.homes import placed
from translator.verify import esql, spl
from translator.verify.eql import run as run_eql

NOW = dt.datetime(2026, 5, 1, 12, 0)
COLUMNS = {"op": "text", "k": "text", "j": "text", "m": "text", "v_s": "text", "n": "integer"}
OPTIONS = Options(fields="source")
RELATIONS = {"exact": "same", "same-alerts": "same", "broader": "more", "narrower": "less"}

IDIOMS = {
    "event count": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k | where c {many} {n}",
    "event count of two keys": "T | where TimeGenerated > ago(1h) and op == '{a}' | summarize c = count() by k, j | where c {many} {n}",
    "few events": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k | where c {few} {n}",
    "count of all": "T | where TimeGenerated > ago(1h) and op == '{a}' | summarize c = count() | where c {many} {n}",
    "distinct count": "T | where TimeGenerated > ago(1h) and isnotempty(v_s){present} | summarize c = dcount(v_s) by k | where c {many} {n}",
    "distinct count with missing values": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | summarize c = dcount(v_s) by k | where c {many} {n}",
    "distinct count of two keys": "T | where TimeGenerated > ago(1h) and op == '{a}'"
    " | summarize c = dcount(v_s) by k, j | where c {many} {n}",
    "distinct count of a part": "T | where TimeGenerated > ago(1h) and isnotempty(v_s){present}"
    " | summarize c = dcount(substring(v_s, 0, 1)) by k | where c {many} {n}",
    "distinct count without case": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | summarize c = dcount(tolower(v_s)) by k | where c {many} {n}",
    "few events without case": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | summarize c = count() by k = tolower(k) | where c <= {n}",
    "size of a set": "T | where TimeGenerated > ago(1h) and isnotempty(v_s) | summarize s = make_set(v_s) by k"
    " | where array_length(s) {many} {n}",
    "count over a union": "T | where op == '{a}' | union (T | where op == '{b}') | where TimeGenerated > ago(1h)"
    " | summarize c = count() by k | where c {many} {n}",
    "temporal": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
    "temporal of two keys": "T | where TimeGenerated > ago(1h) and op == '{a}'"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}') on k, j | project k, j",
    "temporal by other names": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}') on $left.k == $right.m | project k",
    "temporal of three": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}') on k"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{c}') on k | project k",
    "one of two memberships": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | where k in ((T | where TimeGenerated > ago(1h) and op == '{b}' | project k))"
    " or k in ((T | where TimeGenerated > ago(1h) and op == '{c}' | summarize c = count() by k | where c {many} {n} | project k))"
    " | project k",
    "a membership or a condition": "T | where TimeGenerated > ago(1h) and op == '{a}' and isnotempty(k)"
    " | where v_s == 'x' or k in ((T | where TimeGenerated > ago(1h) and op == '{b}' | project k)) | project k",
    "membership": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " and k in ((T | where TimeGenerated > ago(1h) and op == '{b}' | project k)) | project k",
    "term in a set": "T | where TimeGenerated > ago(1h) and op == '{a}' | summarize s = make_set(v_s) by k | where s has 'p' | project k",
    "latest of a group": "T | where TimeGenerated > ago(1h){present} | summarize arg_max(TimeGenerated, op) by k | where op == '{a}'"
    " | project k",
    "outer join with a partner": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=leftouter (T | where TimeGenerated > ago(1h) and op == '{b}') on k | where op1 == '{b}' | project k",
    "outer join without a partner": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=leftouter (T | where TimeGenerated > ago(1h) and op == '{b}' and isnotempty(k) | project k, p = 1) on k"
    " | where isnull(p) | project k",
    "ordered": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | project k, t = TimeGenerated"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, u = TimeGenerated) on k"
    " | where u between (t .. (t + {within}m)) | project k",
    "ordered by a difference": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | project k, t = TimeGenerated"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, u = TimeGenerated) on k"
    " | where u - t <= {within}m | where u >= t | project k",
    "ordered by less than a difference": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | project k, t = TimeGenerated"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, u = TimeGenerated) on k"
    " | where u - t < {within}m | where u >= t | project k",
    "ordered backwards": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | project k, t = TimeGenerated"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, u = TimeGenerated) on k"
    " | where u > t - {within}m and t > u | project k",
    "adjacent rows": "T | where TimeGenerated > ago(1h){present} | sort by k asc, TimeGenerated asc"
    " | extend before = prev(op), who = prev(k), t = prev(TimeGenerated)"
    " | where who == k and before == '{a}' and op == '{b}' and TimeGenerated - t <= {within}m | project k",
    "adjacent rows behind": "T | where TimeGenerated > ago(1h){present} | sort by k asc, TimeGenerated asc"
    " | extend after = next(op), who = next(k), t = next(TimeGenerated)"
    " | where who == k and op == '{a}' and after == '{b}' and t - TimeGenerated <= {within}m | project k",
    "apart": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | project k, t = TimeGenerated"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, u = TimeGenerated) on k"
    " | where u between ((t - {within}m) .. (t + {within}m)) | project k",
    "ordered in the window": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | project k, t = TimeGenerated"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, u = TimeGenerated) on k | where u > t | project k",
    "absence": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=leftanti (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
    "absence by membership": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " and k !in ((T | where TimeGenerated > ago(1h) and op == '{b}' | project k)) | project k",
    "count and event": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k | where c {many} {n}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
    "events of a count": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{a}'{present} and k != 'ann' | summarize c = count() by k"
    " | where c {many} {n}) on k | project k",
    "events of a count, asked for behind the join": "T | where TimeGenerated > ago(1h)"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k | where c {many} {n}) on k"
    " | where op == '{a}'{present} | project k",
    "events of a count by more than the key": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k, j | where c {many} {n}) on k"
    " | project k",
    "events that are no less than the least of their group": "T | where TimeGenerated > ago(1h) and op == '{a}' and n in (1, 2, 3){present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{a}' and n in (1, 2, 3){present} | summarize c = count(), low = min(n)"
    " by k | where c {many} {n}) on k | where n >= low | project k",
    "sum": "T | where TimeGenerated > ago(1h) and op == '{a}' | summarize s = sum(n) by k | where s {many} {sum}",
    "average": "T | where TimeGenerated > ago(1h) and op == '{a}' and isnotnull(n) | summarize s = avg(n) by k | where s {many} {n}",
    "largest": "T | where TimeGenerated > ago(1h) and op == '{a}' | summarize s = max(n) by k | where s {many} {n}",
    "some counted": "T | where TimeGenerated > ago(1h){present} | summarize c = countif(op == '{a}') by k | where c {many} {n}",
    "two counts": "T | where TimeGenerated > ago(1h){present} | summarize f = countif(op == '{a}'), s = countif(op == '{b}') by k"
    " | where f {many} {n} and s > 0",
    "temporal of events of both sides": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and isnotempty(v_s)) on k | project k",
    "absence of events of both sides": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=leftanti (T | where TimeGenerated > ago(1h) and isnotempty(v_s)) on k | project k",
    "few events, and few values": "T | where TimeGenerated > ago(1h) and op == '{a}' and isnotempty(v_s){present}"
    " | summarize c = count(), d = dcount(v_s) by k | where c {few} {n} and d == 1 | project k",
    "temporal with a count by more than the key": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | summarize c = count() by k, j | where c {many} {n}) on k"
    " | project k",
    "temporal with a distinct count by more than the key": "T | where TimeGenerated > ago(1h) and op == '{a}'"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and isnotempty(v_s) | summarize c = dcount(v_s) by k, j | where c {many} {n})"
    " on k | project k",
    "temporal with few events by more than the key": "T | where TimeGenerated > ago(1h) and op == '{a}' and isnotempty(k)"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' and isnotempty(j) | summarize c = count() by k, j"
    " | where c <= {n}) on k"
    " | project k",
    "two counts of two keys": "T | where TimeGenerated > ago(1h) | summarize f = countif(op == '{a}'), s = countif(op == '{b}') by k, j"
    " | where f {many} {n} and s > 0",
    "a count and none": "T | where TimeGenerated > ago(1h){present} | summarize f = countif(op == '{a}'), s = countif(op == '{b}') by k"
    " | where f {many} {n} and s == 0",
    "count and distinct count": "T | where TimeGenerated > ago(1h) and isnotempty(v_s){present} | summarize c = count(), d = dcount(v_s) by k"
    " | where c {many} {n} and d >= 2",
    "either count": "T | where TimeGenerated > ago(1h){present} | summarize f = countif(op == '{a}'), s = countif(op == '{b}') by k"
    " | where f {many} {n} or s > 2",
    "alternatives": "T | where TimeGenerated > ago(1h) and op == '{a}' | summarize c = count() by k | where c {many} {n}"
    " | union (T | where TimeGenerated > ago(1h) and op == '{b}' | summarize c = count() by k | where c {many} 2)",
    "binned count": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k, bin(TimeGenerated, 10m)"
    " | where c {many} {n} | project k",
    "distinct rows": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | distinct k, v_s | summarize c = count() by k"
    " | where c {many} {n}",
    "summary of a summary": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k, v_s"
    " | summarize d = count() by k | where d {many} {n}",
    "sum of counts": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k, v_s"
    " | summarize d = sum(c) by k | where d {many} {n}",
    "ordered by datetime_diff": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | project k, t = TimeGenerated"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, u = TimeGenerated) on k"
    " | where datetime_diff('minute', u, t) <= {within} and u >= t | project k",
    "apart by datetime_diff": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | project k, t = TimeGenerated"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, u = TimeGenerated) on k"
    " | where abs(datetime_diff('minute', t, u)) < {within} | project k",
    "counts on both sides": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k | where c {many} {n}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}' | summarize d = count() by k | where d {many} 1) on k | project k",
    "default join": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
    "one row of each key": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join (T | where TimeGenerated > ago(1h) and op == '{b}') on k | where n > 1 | project k",
    "leftsemi": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=leftsemi (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
    "rightanti": "T | where TimeGenerated > ago(1h) and op == '{b}'"
    " | join kind=rightanti (T | where TimeGenerated > ago(1h) and op == '{a}'{present}) on k | project k",
    "enrichment": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=leftouter (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
    "count behind an outer join": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " | join kind=leftouter (T | where TimeGenerated > ago(1h) and op == '{b}' | project k, w = n) on k | summarize c = count() by k | where c {many} {n}",
    "count of elements": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | extend e = pack_array(j, m) | mv-expand e to typeof(string)"
    " | summarize c = count() by k | where c {many} {n}",
    "set has both": "T | where TimeGenerated > ago(1h){present} | summarize s = make_set(op) by k"
    " | where set_has_element(s, '{a}') and set_has_element(s, '{b}') | project k",
    "distinct of some": "T | where TimeGenerated > ago(1h){present} | summarize c = dcountif(v_s, op == '{a}') by k | where c {many} {n}",
    "smallest": "T | where TimeGenerated > ago(1h) and op == '{a}' | summarize s = min(n) by k | where s < {n} | project k",
    "counted members": "let x = T | where TimeGenerated > ago(1h) and op == '{a}' | summarize c = count() by k | where c {many} {n} | project k;"
    " T | where TimeGenerated > ago(1h) and op == '{b}'{present} and k in (x) | project k",
    "first seen": "T | where TimeGenerated > ago(15m) and op == '{a}'{present}"
    " | join kind=leftanti (T | where TimeGenerated between (ago(1h) .. ago(15m)) and op == '{a}') on k | project k",
    "first seen by two keys": "T | where TimeGenerated > ago(15m) and op == '{a}' and isnotempty(k)"
    " | join kind=leftanti (T | where TimeGenerated <= ago(15m) and TimeGenerated > ago(1h)) on k, j | project k, j",
    "first of a summary": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize f = min(TimeGenerated) by k, j"
    " | where f > ago(15m) | project k, j",
    "not in an earlier window": "T | where TimeGenerated >= ago(15m) and op == '{a}'{present}"
    " and k !in ((T | where TimeGenerated between (ago(1h) .. ago(15m)) | project k)) | project k",
    "temporal of two windows": "T | where TimeGenerated > ago(10m) and op == '{a}'{present}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
    "count of an earlier window": "T | where TimeGenerated between (ago(20m) .. ago(5m)) and op == '{a}'{present}"
    " | summarize c = count() by k | where c {many} {n}",
    "count of one window, any of another": "T | where TimeGenerated > ago(15m) and op == '{a}'{present}"
    " | summarize c = count() by k | where c {many} {n}"
    " | join kind=inner (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
    "no key": "T | where TimeGenerated > ago(1h) and op == '{a}' and isnotempty(k) | summarize d = dcount(k) | where d {many} {n}",
    "in none of two": "T | where TimeGenerated > ago(1h) and op == '{a}'{present}"
    " and k !in ((T | where TimeGenerated > ago(1h) and op == '{b}' | project k))"
    " and k !in ((T | where TimeGenerated > ago(1h) and op == '{c}' | project k)) | project k",
    "count and absence": "T | where TimeGenerated > ago(1h) and op == '{a}'{present} | summarize c = count() by k | where c {many} {n}"
    " | join kind=leftanti (T | where TimeGenerated > ago(1h) and op == '{b}') on k | project k",
}
"""KQL by the idiom that it is; the key that an alert is for is in its columns k and j."""


def events(pick: random.Random, count: int) -> list[dict[str, Any]]:
    """Events within half an hour, keys often missing or empty; the last, of no kind, closes every window."""
    found = []
    moments = pick.sample(range(1, 1700), count)
    for number, second in enumerate(moments):
        moment = NOW - dt.timedelta(seconds=second)
        found.append(
            {
                "id": number,
                "op": pick.choice("abc"),
                "k": pick.choice(["ann", "bob", "cid", "dan", "eve", "fay", "", None]),
                "j": pick.choice(["x1", "y2", "", None]),
                "m": pick.choice(["ann", "bob", "cid", "gus", "", None]),
                "v_s": pick.choice(["p", "q", "r", "s", "", None]),
                "n": pick.choice([1, 2, 3, 10, None]),
                "timestamp": moment.isoformat() + "Z",
            }
        )
    return [*found, {"id": count, "op": "end", "timestamp": (NOW + dt.timedelta(hours=3)).isoformat() + "Z"}]


def expected(kql: str, events: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """The columns of the key, and the keys of the rows that duckdb-kql returns, without values that are empty.

    A missing string is an empty one in KQL.
    """
    import duckdb
    import duckdb_kql

    connection = duckdb.connect()
    kinds = {"text": "varchar", "integer": "bigint"}
    spelled = ", ".join(f"{name} {kinds[kind]}" for name, kind in COLUMNS.items())
    connection.execute(f"create table T ({spelled}, TimeGenerated timestamp)")
    connection.executemany(
        f"insert into T values ({', '.join('?' for _ in COLUMNS)}, ?)",
        [
            (
                *(e.get(c) or ("" if kind == "text" else None) for c, kind in COLUMNS.items()),
                dt.datetime.fromisoformat(e["timestamp"].rstrip("Z")),
            )
            for e in events[:-1]
        ],
    )
    result = duckdb_kql.execute(connection, kql, query_now=NOW)
    return keys_of([d[0] for d in result.description], result.fetchall())


def relation_of(output: Output) -> str | None:
    """How what an output finds stands to what the KQL does, by its verdict: windows that slide find more than the buckets of a query."""
    relation = RELATIONS.get(output.verdict.value)
    return "more" if relation == "same" and any(d.code == "window-anchoring" for d in output.diagnostics) else relation


def reads_history(output: Output) -> bool:
    """Whether an output reads a list that nobody keeps here."""
    return any(d.code == "first-seen-list" for d in output.diagnostics)


def age(event: dict[str, Any]) -> float:
    """How many seconds before ``NOW`` an event lies."""
    return (NOW - dt.datetime.fromisoformat(event["timestamp"].rstrip("Z"))).total_seconds()


def keys_of(names: list[str], rows: list[tuple[Any, ...]]) -> tuple[list[str], list[list[str]]]:
    """The columns of the key among ``names``, and the keys of ``rows`` without values that are empty."""
    key = [n for n in ("k", "j") if n in names]
    keys = {tuple(sorted(str(row[names.index(n)]) for n in key if row[names.index(n)])) for row in rows}
    return key, sorted(map(list, keys))


def own_rows(kql: str, events: list[dict[str, Any]], further: tuple[str, ...] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of this project's own engine, for what duckdb-kql does not know; ``further`` columns are known besides."""
    moments = [dt.datetime.fromisoformat(e["timestamp"].rstrip("Z")) for e in events[:-1]]
    rows = [{**{c: e.get(c) for c in (*COLUMNS, *further)}, "TimeGenerated": moment} for e, moment in zip(events, moments, strict=False)]
    found = translator.run(kql, {"T": rows}, now=NOW)
    return [name for name, _ in found.columns], list(found.rows)


def cases(seed: int, rounds: int, counts: collections.Counter[str]) -> Iterator[dict[str, Any]]:
    """Every idiom with random conditions, ``rounds`` times. ``counts`` says of each verdict and refusal how often it came."""
    pick = random.Random(seed)
    for idiom, template in IDIOMS.items():
        for _ in range(rounds):
            a, b, c = pick.sample("abc", 3)
            kql = template.format(
                a=a, b=b, c=c, n=pick.choice([1, 2, 3]), sum=pick.choice([5, 12]), many=pick.choice([">", ">="]),
                few=pick.choice(["<", "<=", "=="]),
                within=pick.choice([2, 5, 10]), present=pick.choice(["", " and isnotempty(k)"]),
            )  # fmt: skip
            if (case := case_of(idiom, kql, a, events(pick, pick.choice([12, 25, 50])), counts)) is not None:
                yield case


def case_of(name: str, kql: str, first: str, made: list[dict[str, Any]], counts: collections.Counter[str]) -> dict[str, Any] | None:
    """A query with its outputs, the events ``made`` and the keys that it gives for them; None where the outputs claim nothing.

    Args:
        first: the ``op`` of events whose keys the query shows, where it has events of several; empty where it shows what they are joined by.
    """
    import duckdb_kql

    source = rule(kql, name)
    conversion = translator.convert(source, ("sigma", "eql", "splunk", "esql"), OPTIONS)
    output, eql = conversion.outputs["sigma"], conversion.outputs["eql"]
    if not isinstance(conversion.detection, Detection):
        counts[f"{name}: no detection"] += 1
        return None
    counts[f"{name}: {output.verdict.value}"] += 1
    lanes = [(target, conversion.outputs[target]) for target in ("splunk", "esql", "eql")]
    for target in ("splunk", "esql"):
        lanes.append(
            (
                target,
                merged(
                    [
                        through_sigma(target, source, placed(part, LANES[target][0], OPTIONS), OPTIONS)
                        for part in conversion.detection.alternatives
                    ]
                ),
            )
        )
    lookback = max(part.lookback for part in conversion.detection.alternatives)
    searches = [(target, o.lane, o.texts, relation_of(o), o.lookback or lookback) for target, o in lanes if not reads_history(o)]
    relation, eql_relation = (None if reads_history(o) else relation_of(o) for o in (output, eql))
    if relation is None and all(of_search is None for *_, of_search, _ in searches):
        return None
    # An event at the edge of what a search sees may be of either side.
    made = [e for e in made if age(e) not in {lookback, *(seconds for *_, seconds in searches)}]
    try:
        key, keys = expected(kql, made)
    except duckdb_kql.KqlError:
        counts[f"{name}: refused by duckdb-kql, run by this project's engine"] += 1
        key, keys = keys_of(*own_rows(kql, made))
    return {
        "name": name, "kql": kql, "sigma": output.text, "key": key, "keys": keys, "relation": relation,
        "eql": eql.texts, "eql_relation": eql_relation, "first": first, "searches": searches,
        "identified": any(d.code == "empty-entity" for d in output.diagnostics), "events": [e for e in made if age(e) < lookback], "logged": made, "columns": COLUMNS,
    }  # fmt: skip


def sequences_wrong(run: list[dict[str, Any]]) -> tuple[int, list[dict[str, Any]]]:
    """How many of the cases have EQL that the engine of PyPI eql runs, and those that it gives other keys than claimed.

    That engine does not run samples, missing events and what is asked of the time of an event.
    """
    import eql
    from eql import parser

    count, wrong = 0, []
    for case in run:
        if (
            not case["eql"]
            or case["eql_relation"] is None
            or any(t.startswith("sample") or "![" in t or "@timestamp" in t for t in case["eql"])
        ):
            continue
        count += 1
        found: set[tuple[str, ...]] = set()
        for text in case["eql"]:
            with parser.elasticsearch_syntax, parser.allow_runs, parser.ignore_missing_functions:
                query = parser.parse_query(text)
            engine = eql.PythonEngine({"time_unit": 1000})
            engine.add_query(query)
            matches: list[list[dict[str, Any]]] = []
            engine.add_output_hook(lambda result, matches=matches: matches.append([event.data for event in result.events]))
            for event in sorted(case["events"][:-1], key=lambda e: str(e["timestamp"])):
                moment = dt.datetime.fromisoformat(event["timestamp"].rstrip("Z"))
                data = {k: v for k, v in event.items() if v is not None} | {"event": {"dataset": "T"}}
                engine.stream_event(eql.Event("any", int(moment.timestamp() * 1000), data))
            engine.finalize()
            for events_ in matches:
                keyed = next((e for e in events_ if e["op"] == case["first"]), events_[0])
                found.add(tuple(sorted(str(keyed[k]) for k in case["key"] if keyed.get(k))))
        if not agrees(case, found, case["eql_relation"]):
            wrong.append({"name": case["name"], "kql": case["kql"], "eql": case["eql"], "keys": case["keys"], "got": sorted(found)})
    return count, wrong


def searches_wrong(run: list[dict[str, Any]]) -> tuple[collections.Counter[str], list[dict[str, Any]]]:
    """How many queries of SPL, ES|QL and EQL the cases have, by language, and those that give other keys than claimed."""
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for case in run:
        logged = []
        for event in case["logged"][:-1]:
            moment = int((NOW - dt.timedelta(seconds=age(event))).timestamp())
            logged.append({**event, "sourcetype": "T", "event": {"dataset": "T"}, "_time": moment, "@timestamp": moment})
        for target, lane, queries, relation, lookback in case["searches"]:
            if not queries or relation is None:
                continue
            try:
                runs = list(keys_found(target, queries, [e for e in logged if age(e) < lookback], case["key"], case["first"]))
            except (TypeError, esql.Rejected):
                counts[f"{target} refused"] += 1
                continue
            counts[target] += 1
            for found in runs:
                if not agrees(case, found, relation):
                    told = {k: case[k] for k in ("name", "kql", "keys")}
                    wrong.append({**told, "lane": lane, "relation": relation, "query": "\n--\n".join(queries), "got": sorted(found)})
    return counts, wrong


def keys_found(
    target: str, queries: tuple[str, ...], events: list[dict[str, Any]], key: list[str], first: str
) -> Iterator[set[tuple[str, ...]]]:
    """The keys that queries alert for, in each way to run them; a sequence is for those of its event whose ``op`` is ``first``."""
    now = NOW.timestamp()
    if target == "eql":
        found = [keyed(row, key, first) for query in queries for row in run_eql(query, events, now)]
        if all(len(values) == len(key) for values in found):  # else its samples are by more than the query shows
            yield {tuple(sorted(v for v in values if v)) for values in found}
        return
    runs = (
        [lambda q: esql.run(q, events, now)]
        if target == "esql"
        else [lambda q, n=n: spl.run(q, events, now, unknown=n) for n in (True, False)]
    )
    for run in runs:
        parts = [run(query) for query in queries]
        rows = [row for part in parts for row in part]
        if key and any(part and not any(k in row for row in part for k in key) for part in parts):
            continue  # the key has a name of its own, after a field of the other side
        yield {tuple(sorted(str(row[k]) for k in key if row.get(k))) for row in rows}


def keyed(row: dict[str, Any], key: list[str], first: str) -> list[str]:
    """What a row of EQL is for: an event's values, of a sequence or sample the one whose ``op`` is ``first``, or what joins its events."""
    if not first and "join_keys" in row:
        return [value or "" for value in row["join_keys"]]
    shown = [e for e in row.get("events", [row]) if "id" in e]
    event = next((e for e in shown if e.get("op") == first), shown[0])
    return [event.get(k, "") for k in key]


def agrees(case: dict[str, Any], found: set[tuple[str, ...]], relation: str) -> bool:
    """Whether keys are what a claim of that relation allows; an alert that identifies nothing counts where entities do not tell it."""
    wanted = {tuple(k) for k in case["keys"]}
    if case["identified"]:
        found, wanted = found - {()}, wanted - {()}
    return {"same": found == wanted, "more": found >= wanted, "less": found <= wanted}[relation]


def main() -> int:
    given = options(__doc__, "--rounds", 12, "how often each idiom is tried")
    counts: collections.Counter[str] = collections.Counter()
    run = list(cases(given.seed, given.rounds, counts))
    wrong, refused = judged(given.judge, {"cases": run})
    for finding in wrong[:4]:
        print(json.dumps({k: v for k, v in finding.items() if k != "columns"}, indent=1)[:4000])
    for what, number in sorted(counts.items()):
        print(f"  {number} {what}")
    alerting = sum(1 for c in run if c["keys"])
    for reason, number in collections.Counter(f"{r['name']}: refused by SQLite: {r['refused']}" for r in refused).items():
        print(f"  {number} {reason}")
    count, differing = sequences_wrong(run)
    searched, missed = searches_wrong(run)
    for case in [*differing[:4], *missed[:4]]:
        print(*(f"{k}: {v}" for k, v in case.items()), sep="\n", end="\n\n")
    print(f"{count} of them run in EQL, {len(differing)} wrong; run by the readers: {dict(searched)}, {len(missed)} wrong")
    print(f"{len(run)} correlations run, {alerting} with alerts, {len(wrong)} wrong, {len(refused)} refused by SQLite")
    return 1 if wrong or differing or missed or not run else 0


if __name__ == "__main__":
    sys.exit(main())
