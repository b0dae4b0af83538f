"""Correlations: the groups of events without a key, and a sample run by an independent engine beside the KQL."""

from __future__ import annotations

import collections
import os
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import translator
from tests.conformance import pipelines
from tests.conformance.correlations import IDIOMS, cases, searches_wrong, sequences_wrong
from tests.conformance.judging import judged
from tests.rules import rule
from translator.fidelity import Verdict
from translator.rulepack.model import EntityMapping
from translator.targets.base import Options
from translator.verify import eql, esql, spl
from translator.verify.proof import Outcome, prove

JUDGE = Path(os.environ.get("SIGMA_JUDGE", "nosuch"))


@pytest.mark.skipif(not JUDGE.exists(), reason="SIGMA_JUDGE names no Python that has pysigma-backend-sqlite")
def test_what_claims_the_same_alerts_alerts_for_the_same_keys() -> None:
    pytest.importorskip("duckdb_kql")
    pytest.importorskip("eql", reason="PyPI eql (AGPL) is a test tool that is not installed")
    run = list(cases(11, 2, collections.Counter()))
    seldom = {"count of elements"}  # of more than one it claims nothing
    assert {c["name"] for c in run} >= set(IDIOMS) - seldom
    assert sum(bool(c["keys"]) for c in run) > len(run) / 2
    assert judged(str(JUDGE), {"cases": run}) == ([], [])
    count, wrong = sequences_wrong(run)
    assert count > 10 and wrong == []
    searched, missed = searches_wrong(run)
    unsaid = sum(c["relation"] is None for c in run)  # of these only the writer's own search claims something
    assert searched["splunk"] == 2 * len(run) - unsaid and searched["esql"] > len(run) and searched["eql"] > 0
    assert missed == []


@pytest.mark.skipif(not JUDGE.exists(), reason="SIGMA_JUDGE names no Python that has pysigma-backend-sqlite")
def test_no_operator_is_dropped_between_others() -> None:
    pytest.importorskip("duckdb_kql")
    run = list(pipelines.cases(5, 80, collections.Counter()))
    assert len(run) > 40
    assert sum(bool(c["keys"]) for c in run) > len(run) / 2
    assert judged(str(JUDGE), {"cases": run}) == ([], [])
    searched, missed = searches_wrong(run)
    assert searched["splunk"] > 1.4 * len(run) and missed == []


def documents(kql: str, *entities: str) -> tuple[list[dict[str, Any]], set[str]]:
    found = tuple(EntityMapping("Account", "Name", column) for column in entities)
    made = rule(kql, entities=found)
    output = translator.convert(made, ("sigma",)).outputs["sigma"]
    return list(yaml.safe_load_all(output.text)), {d.code for d in output.diagnostics}


def groupings(found: list[dict[str, Any]]) -> list[list[str]]:
    return [d["correlation"].get("group-by", []) for d in found if "correlation" in d]


COUNTED = "A | where x =~ 'a' | summarize c = count() by k, j, l | where c > 5"


@pytest.mark.parametrize(
    ("kql", "entities", "grouped", "code"),
    [
        (COUNTED.replace(", j, l", ""), (), [["k"]], "empty-entity"),
        (COUNTED.replace(", j, l", ""), ("x",), [["k"], []], "empty-key-group"),
        (COUNTED.replace(", l", ""), (), [["k", "j"], ["j"], ["k"], []], "empty-key-group"),
        (COUNTED.replace(", l", "").replace("'a'", "'a' and isnotempty(k)"), (), [["k", "j"], ["k"]], "empty-key-group"),
        (COUNTED, (), [["k", "j", "l"]], "empty-join-key"),
        (COUNTED, ("k",), [["k", "j", "l"], ["k", "l"], ["k", "j"], ["k"]], "empty-entity"),
        (COUNTED, ("k", "j"), [["k", "j", "l"]], "empty-join-key"),
        (COUNTED, ("k", "x"), [["k", "j", "l"]], "empty-join-key"),
        (COUNTED.replace(", l", ""), ("k", "j"), [["k", "j"], ["j"], ["k"]], "empty-entity"),
        (COUNTED.replace(", l", "").replace("'a'", "'a' and isnotempty(k)"), ("k", "j"), [["k", "j"], ["k"]], "empty-key-group"),
    ],
)
def test_events_without_a_key_are_a_group_of_their_own(kql: str, entities: tuple[str, ...], grouped: list[list[str]], code: str) -> None:
    found, said = documents(kql, *entities)
    assert groupings(found) == grouped
    assert code in said
    assert len({d["id"] for d in found}) == len(found)


def test_many_keys_are_not_combined_with_each_other() -> None:
    keys = ", ".join(f"k{n}" for n in range(40))
    found, said = documents(COUNTED.replace("k, j, l", keys))
    assert len(groupings(found)) == 1 and "empty-join-key" in said


def test_the_groups_of_few_events_are_apart() -> None:
    found, said = documents(COUNTED.replace(", l", "").replace("> 5", "< 5").replace("'a'", "'a' and isnotempty(k)"))
    first = next(d for d in found if "detection" in d)["detection"]
    assert [None, ""] in [v for name, items in first.items() if name.startswith("filter") for v in items.values()]
    assert "few-anchoring" in said


def test_a_missing_value_is_one_more_distinct_value() -> None:
    found, said = documents("A | where x =~ 'a' and isnotempty(k) | summarize c = dcount(v) by k | where c > 3")
    assert "missing-value-group" in said and "missing-value" not in said
    bodies = [d["correlation"] for d in found if "correlation" in d]
    assert [b["type"] for b in bodies] == ["value_count", "value_count", "temporal"]
    assert [b["condition"] for b in bodies[:2]] == [{"gt": 3, "field": "v"}, {"gt": 2, "field": "v"}]


def test_one_missing_value_is_enough_for_one() -> None:
    found, _ = documents("A | where x =~ 'a' and isnotempty(k) | summarize c = dcount(v) by k | where c >= 1")
    assert [d["correlation"]["type"] for d in found if "correlation" in d] == ["value_count", "temporal"]


@pytest.mark.parametrize(
    ("kql", "measure"),
    [
        ("A | distinct k_s, v_s | summarize c = count() by k_s | where c > 3", ("value_count", {"gt": 3, "field": "v_s"})),
        ("A | summarize x = sum(n) by k_s, v_s | summarize c = count() by k_s | where c > 3", ("value_count", {"gt": 3, "field": "v_s"})),
        ("A | summarize x = count() by k_s, v_s | summarize c = sum(x) by k_s | where c > 3", ("event_count", {"gt": 3})),
        (
            "A | summarize x = count() by k_s, v_s | summarize c = dcount(v_s) by k_s | where c > 3",
            ("value_count", {"gt": 3, "field": "v_s"}),
        ),
    ],
)
def test_a_summary_of_a_summary_is_one_of_the_events(kql: str, measure: tuple[str, dict[str, Any]]) -> None:
    found, _ = documents(kql.replace("A |", "A | where isnotempty(k_s) and isnotempty(v_s) |", 1))
    (body,) = [d["correlation"] for d in found if "correlation" in d]
    assert (body["type"], body["condition"]) == measure
    assert body["group-by"] == ["k_s"]


@pytest.mark.parametrize(
    "kql",
    [
        "A | distinct k, v, w | summarize c = count() by k | where c > 3",
        "A | summarize x = count() by k, v | summarize c = max(x) by k | where c > 3",
        "A | summarize x = count() by k, v | summarize c = avg(x) by k | where c > 3",
    ],
)
def test_what_only_groups_have_is_no_threshold_of_events(kql: str) -> None:
    made = rule(kql)
    output = translator.convert(made, ("sigma",)).outputs["sigma"]
    assert output.verdict.value == "none"
    assert "this threshold is not supported yet" in {d.message for d in output.diagnostics}


def test_a_missing_number_is_no_distinct_value() -> None:
    found, said = documents("SecurityEvent | where isnotempty(Account) | summarize c = dcount(EventID) by Account | where c > 3")
    assert [d["correlation"]["type"] for d in found if "correlation" in d] == ["value_count"]
    assert not {"missing-value", "missing-value-group", "type-assumed"} & said
    kql = "A | where isnotempty(k) | summarize c = dcount(v) by k | where c > 3"
    assert "type-assumed" in documents(kql)[1]
    assert "type-assumed" not in documents(kql.replace("(v)", "(v_s)"))[1]


def test_a_membership_after_a_summary_is_kept() -> None:
    kql = "A | where x =~ 'a' | summarize s = make_set(v) by k | where k in ((B | where y =~ 'b' | project k))"
    found, _ = documents(kql)
    assert [d["correlation"]["type"] for d in found if "correlation" in d] == ["temporal"]


@pytest.mark.parametrize(
    ("kql", "code"),
    [
        ("union (A | where x == 'a'), (A | where y == 'b')", "rows-repeated"),
        ("union (A | where x == 'a'), (A | where x == 'b')", None),
        ("union (A | where x =~ 'a'), (A | where x in~ ('B', 'c'))", None),
        ("union (A | where x in ('a', 'b')), (A | where x in ('b', 'c'))", "rows-repeated"),
        ("union (A | where x has 'a'), (A | where not(x has 'a'))", None),
        ("union (A | where x == 'a'), (B | where x == 'a')", None),
        ("union (A | where x == 'a'), (A | where y == 'b') | summarize c = count() by k | where c > 3", "counted-twice"),
        ("union (A | where x == 'a'), (A | where y == 'b') | summarize c = sum(n) by k | where c > 3", "measured-twice"),
        ("union (A | where x == 'a'), (A | where y == 'b') | summarize c = dcount(v_s) by k | where c > 3", None),
    ],
)
def test_events_of_several_parts_of_a_union_are_told(kql: str, code: str | None) -> None:
    told = {"rows-repeated", "counted-twice", "measured-twice"} & documents(kql)[1]
    assert told == ({code} if code else set())


@pytest.mark.parametrize(
    ("kql", "asked"),
    [
        ("A | summarize c = dcount(v_s) by k | where c > 4", "with runs=5"),
        ("A | summarize c = count() by k | where c > 700", 'with runs=100\n  [any where (event.dataset in~ ("A")'),
        ("A | summarize c = count() by k | where c > 3 | join kind=inner (B | where y == 'b') on k", '[any where event.dataset in~ ("B")'),
        ("A | summarize c = sum(n) by k | where c > 4", 'any where (event.dataset in~ ("A")'),
        ("A | summarize c = count() by k | where c < 4", 'any where (event.dataset in~ ("A")'),
        ("A | summarize c = count(), d = dcount(v_s) by k | where c < 4 and d == 1", 'any where (event.dataset in~ ("A")'),
        ("A | join kind=inner (B | summarize c = count() by k | where c == 0) on k", None),
    ],
)
def test_eql_asks_for_what_there_must_be_at_least_where_it_cannot_count(kql: str, asked: str | None) -> None:
    kql = kql.replace("A |", "A | where x == 'a' and isnotempty(k) and isnotempty(v_s) |", 1)
    output = translator.convert(rule(kql), ("eql",)).outputs["eql"]
    assert output.verdict.value == ("broader" if asked else "none")
    assert (asked or "") in output.text
    assert ("count-weakened" in {d.code for d in output.diagnostics}) == bool(asked)


@pytest.mark.parametrize(("events", "runs"), [(2, [2]), (100, [100]), (101, [100, 1]), (501, [100, 100, 100, 100, 100, 1])])
def test_eql_counts_more_events_than_a_run_has_by_several_runs(events: int, runs: list[int]) -> None:
    kql = f"A | where x == 'a' and isnotempty(k) | summarize c = count() by k | where c >= {events}"
    output = translator.convert(rule(kql), ("eql",)).outputs["eql"]
    found = re.findall(r"\](?: with runs=(\d+))?$", output.text, re.M)
    assert output.verdict.value == "same-alerts" and [int(n or 1) for n in found] == runs


@pytest.mark.parametrize(
    ("bucket", "seconds"), [("1m", 60), ("5m", 300), ("15m", 900), ("20m", 1200), ("30m", 1800), ("1h", 3600), ("6h", 21_600)]
)
def test_eql_counts_in_buckets_of_which_each_query_takes_some_with_others_between(bucket: str, seconds: int) -> None:
    kql = f"A | where x == 'a' and isnotempty(k) | summarize c = count() by k, bin(TimeGenerated, {bucket}) | where c >= 3"
    output = translator.convert(rule(kql), ("eql",), Options(fields="source")).outputs["eql"]
    assert output.verdict.value == "same-alerts"
    spread = random.Random(seconds)
    for _ in range(60):
        since = spread.randrange(0, 5 * 86_400)
        times = [since + spread.randrange(0, 2 * seconds) for _ in range(3)]
        events = [{"@timestamp": t, "event": {"dataset": "A"}, "x": "a", "k": "b"} for t in sorted(times)]
        found = any(eql.run(text, events) for text in output.texts)
        assert found == (len({t // seconds for t in times}) == 1)


@pytest.mark.parametrize("bucket", ["7m", "45s", "1d"])
def test_eql_says_of_other_buckets_that_it_counts_in_any_span_as_long(bucket: str) -> None:
    kql = f"A | where x == 'a' and isnotempty(k) | summarize c = count() by k, bin(TimeGenerated, {bucket}) | where c >= 3"
    assert "bucket-widened" in {d.code for d in translator.convert(rule(kql), ("eql",)).outputs["eql"].diagnostics}


SEEN = """
    T | where TimeGenerated >= ago(1d) and op == 'a'
    | where k !in ((T | where TimeGenerated between (ago(14d) .. ago(1d)) and op == 'a' | project k))
"""


@pytest.mark.parametrize(
    ("kql", "queries"),
    [
        (SEEN, 2),
        (SEEN.replace("and op == 'a'\n", "and op == 'a' and isnotempty(k)\n"), 1),
        (SEEN.replace("TimeGenerated >= ago(1d) and ", ""), 2),
        (SEEN.replace("and op == 'a' |", "|"), 2),
        (SEEN.replace(">= ago(1d)", "> ago(1d)").replace("between (ago(14d) .. ago(1d))", "> ago(14d) and TimeGenerated < ago(1d)"), 2),
    ],
)
def test_eql_finds_what_an_earlier_window_did_not_have(kql: str, queries: int) -> None:
    made = replace(rule(kql), period=14 * 86_400)
    output = translator.convert(made, ("eql",), Options(fields="source")).outputs["eql"]
    assert output.verdict.value in ("exact", "same-alerts") and len(output.texts) == queries

    def alerts(*events: tuple[int, str | None]) -> bool:
        rows = [{"@timestamp": -ago, "event": {"dataset": "T"}, "op": "a", **({"k": k} if k is not None else {})} for ago, k in events]
        return any(eql.run(text, sorted(rows, key=lambda r: r["@timestamp"]), 0) for text in output.texts)

    empty_is_kept = queries == 2
    assert alerts((60, "new")) and alerts((60, "new"), (200_000, "old"), (50, "new"))
    assert not alerts((60, "old"), (200_000, "old"))
    assert alerts((60, None)) == empty_is_kept and not alerts((60, None), (200_000, ""))
    assert alerts((60, ""), (200_000, "old")) == empty_is_kept
    assert not alerts((86_400, "k")) and alerts((60, "k"), (86_400, "k")) == ("< ago" in kql)


@pytest.mark.parametrize(("asked", "said"), [("isnotempty(k)", False), ("isnotempty(m)", True)])
def test_a_branch_of_a_key_that_no_event_takes_is_not_told(asked: str, said: bool) -> None:
    kql = f"A | where {asked} | extend j = iff(isempty(k), 'unknown', k) | join kind=inner (B | project j = k) on j"
    assert ("constant-key" in documents(kql)[1]) == said


def test_eql_splits_an_expression_that_takes_too_large_an_automaton() -> None:
    words = [f"{'abcdefgh'[n % 8]}{n} +{'zyxwvuts'[n // 8 % 8]}[a-q]*{n}" for n in range(120)]
    output = translator.convert(rule(f"T | where x matches regex @'{'|'.join(words)}'"), ("eql",), Options(fields="source")).outputs["eql"]
    assert output.verdict == Verdict.EXACT and output.text.count(" regex ") > 1
    for value in ("b9   yabc9", "-h119 tq119-", "-h119 s119-", "a0 z0", "a0 y0"):
        found = eql.run(output.text, [{"@timestamp": 0, "event": {"dataset": "T"}, "x": value}])
        assert bool(found) == bool(re.search("|".join(words), value))


def test_eql_asks_a_list_for_what_is_absent_at_any_time() -> None:
    kql = SEEN.replace("between (ago(14d) .. ago(1d))", "> ago(14d)").replace("op == 'a' |", "op == 'b' |")
    output = translator.convert(replace(rule(kql), period=14 * 86_400), ("eql",)).outputs["eql"]
    assert output.text.startswith("any where") and '"%seen_k_in_t%"' in output.text


@pytest.mark.parametrize(
    ("condition", "said"), [("c < 5", True), ("c <= 0", True), ("c > 5", False), ("c < 5 | where c > -1", True), ("c == 0", True)]
)
def test_a_sum_of_nothing_is_zero_in_kql(condition: str, said: bool) -> None:
    kql = f"A | where x == 'a' and isnotempty(k) | summarize c = sum(n) by k | where {condition}"
    assert ("sum-of-none" in documents(kql)[1]) == said
    assert "sum-of-none" not in documents(kql.replace("isnotempty(k)", "isnotempty(k) and isnotnull(n)"))[1]


def test_an_event_of_both_sides_has_two_keys_in_esql() -> None:
    kql = "T | where op == 'a' | join kind=inner (T | where op == 'a' or op == 'b' | project m) on $left.k == $right.m | project k"
    made = rule(kql)
    (query,) = translator.convert(made, ("esql",), Options(fields="source")).outputs["esql"].texts
    logged = {"@timestamp": 0, "event": {"dataset": "T"}, "op": "a"}
    assert esql.run(query, [{**logged, "k": "ann", "m": "bob"}], 0) == []
    assert esql.run(query, [{**logged, "k": "ann", "m": "ann"}], 0) != []
    assert esql.run(query, [{**logged, "k": "ann", "m": "bob"}, {**logged, "k": "cid", "m": "ann"}], 0) != []


@pytest.mark.parametrize(
    ("kql", "code"),
    [
        ("A | join kind=leftouter (B | project k, w) on k | summarize c = count() by k | where c > 3", "counted-twice"),
        ("A | join kind=leftouter (B | project k, w) on k | summarize c = sum(n) by k | where c > 3", "measured-twice"),
        ("A | join kind=leftouter (B | project k, w) on k | summarize c = dcount(v_s) by k | where c > 3", None),
        ("A | join kind=leftouter (B | distinct k) on k | summarize c = count() by k | where c > 3", None),
        ("A | lookup (B | summarize d = count() by k) on k | summarize c = count() by k | where c > 3", None),
        ("A | mv-expand e = arr | summarize c = count() by k | where c > 3", "counted-twice"),
        ("A | mv-expand e = arr | where e == 'x'", None),
    ],
)
def test_an_event_that_is_several_rows_is_counted_for_each(kql: str, code: str | None) -> None:
    told = {"counted-twice", "measured-twice"} & documents(kql.replace("A |", "A | where x == 'a' and isnotempty(k) |", 1))[1]
    assert told == ({code} if code else set())


@pytest.mark.parametrize("summary", ["c = sum(w) by k", "c = stdev(w) by k", "c = avg(w) by k"])
def test_a_column_that_only_a_join_adds_is_no_field_of_the_events(summary: str) -> None:
    kql = f"A | where x == 'a' | join kind=leftouter (B | project k, w) on k | summarize {summary} | where c > 3"
    output = translator.convert(rule(kql), ("splunk",)).outputs["splunk"]
    assert output.verdict.value == "exact"
    own = {"sourcetype": "A", "_time": 0, "x": "a", "k": "1", "w": "9"}
    others = [{"sourcetype": "B", "_time": 0, "k": "1", "w": w} for w in ("9", "1")]
    assert spl.run(output.text, [own], 0) == [] and len(spl.run(output.text, [own, *others], 0)) == 1


def test_a_side_of_a_join_says_what_its_count_means() -> None:
    joined = " | join kind=inner (B | where y == 'b') on k"
    summed = "A | where x == 'a' and isnotempty(k) | summarize c = sum(n) by k | where c < 5" + joined
    assert "sum-of-none" in documents(summed)[1]
    expanded = "A | where x == 'a' and isnotempty(k) | mv-expand e = arr | summarize c = count() by k | where c > 3" + joined
    assert "counted-twice" in documents(expanded)[1]
    distinct = "A | where x == 'a' and isnotempty(k) | summarize c = dcount(v) by k | where c > 3" + joined
    assert "type-assumed" in documents(distinct)[1]


@pytest.mark.parametrize(
    ("target", "told"), [("splunk", "eval IPCustomEntity=if(t_2==1, ip, null())"), ("esql", "VALUES(ip) WHERE t_2 == 1")]
)
def test_an_entity_of_one_side_of_one_table_comes_from_its_events(target: str, told: str) -> None:
    sides = "T | where TimeGenerated > ago(1h) and op == 'a'", "T | where TimeGenerated > ago(1h) and op == 'b' | project k, ip"
    made = rule(f"{sides[0]} | project k | join kind=inner ({sides[1]}) on k | extend IPCustomEntity = ip")
    made = replace(made, entities=(EntityMapping("IP", "Address", "IPCustomEntity"),))
    assert told in translator.convert(made, (target,)).outputs[target].text


def test_a_column_of_one_part_of_a_side_is_that_of_its_events() -> None:
    parts = "union (A | project k, ip = address), (B | project k)"
    made = rule(f"{parts} | join kind=inner (C | project k) on k")
    text = translator.convert(made, ("esql",), Options(fields="source")).outputs["esql"].text
    logged = [{"event.dataset": n, "@timestamp": 0, "k": "x", "address": n} for n in "ABC"]
    assert [row["ip"] for row in esql.run(text, logged)] == ["A"]


def test_a_column_of_one_side_is_that_of_its_events() -> None:
    sides = "A | where TimeGenerated > ago(1h)", "B | where TimeGenerated > ago(1h)"
    made = rule(f"{sides[0]} | project k, Parent = image | join kind=inner ({sides[1]} | project k, Child = image) on k")
    text = translator.convert(made, ("splunk",)).outputs["splunk"].text
    assert "eval Parent=if(a==1, image, null())" in text and "eval Child=if(b==1, image, null())" in text


@pytest.mark.parametrize(
    ("tail", "entities", "code"),
    [
        ("| distinct k", (), "empty-entity"),
        ("| extend AccountCustomEntity = tolower(k)", (), "empty-entity"),
        ("| project k, y", ("k",), "empty-entity"),
        ("| project k, x", (), "empty-entity"),
        ("| project k, y", (), "empty-listed"),
        ("| project k, y", ("k", "y"), "empty-listed"),
        ("| extend AccountCustomEntity = k, IPCustomEntity = y", (), "empty-listed"),
    ],
)
def test_events_without_what_alone_identifies_an_alert_are_left_out_of_what_is_new(tail: str, entities: tuple[str, ...], code: str) -> None:
    earlier = "A | where TimeGenerated between (ago(8d) .. ago(1d))"
    kql = f"A | where x == 'a' and TimeGenerated > ago(1d) | join kind=leftanti ({earlier}) on k {tail}"
    mapped = tuple(EntityMapping("Account", "FullName", column) for column in entities)
    output = translator.convert(replace(rule(kql), entities=mapped), ("sigma",), Options(fields="source")).outputs["sigma"]
    assert {d.code for d in output.diagnostics} & {"empty-entity", "empty-listed"} == {code}
    assert ("    k:\n    - null\n    - ''" in output.text.replace("      - ", "    - ")) == (code == "empty-entity")


def test_what_is_new_may_be_of_one_event_of_a_group() -> None:
    kql = "B | summarize arg_max(y, *) by z | project k | join kind=leftanti (A | where TimeGenerated < ago(3h)) on k | project m = 1"
    output = translator.convert(kql, ("sigma",), Options(fields="source")).outputs["sigma"]
    assert output.verdict.value not in ("exact", "same-alerts")


@pytest.mark.parametrize(("condition", "said"), [("isnotempty(k)", False), ("k startswith 'a'", False), ("y == 'b'", True)])
def test_an_earlier_window_of_events_with_a_value_has_no_empty_ones(condition: str, said: bool) -> None:
    earlier = f"A | where {condition} and TimeGenerated between (ago(8d) .. ago(1d))"
    kql = f"A | where x == 'a' and TimeGenerated > ago(1d) | join kind=leftanti ({earlier}) on k | project k, y"
    output = translator.convert(rule(kql), ("sigma",), Options(fields="source")).outputs["sigma"]
    assert ("empty-listed" in {d.code for d in output.diagnostics}) == said


def test_a_key_with_several_values_is_no_key_by_the_text_of_all_of_them() -> None:
    """Each value of an array is a key of its own in EQL; the values of a field have no order of the event in ES|QL."""
    kql = "ProofpointPOD | where EventType == 'message' | summarize c = count() by SrcUserUpn, DstUserUpn | where c > 3"
    outputs = translator.convert(rule(kql), targets=("eql", "esql")).outputs
    assert "array-compared" in {d.code for d in outputs["eql"].diagnostics} and outputs["eql"].verdict == Verdict.DIFFERS
    assert outputs["esql"].verdict == Verdict.SAME_ALERTS and 'JSON_EXTRACT(event.original, "envelope.rcpts")' in outputs["esql"].text


@pytest.mark.parametrize(
    ("asked", "keyed"),
    [("K has 'adm' or K =~ 'root'", True), ("K has 'adm' and K != 'root'", True), ("K =~ 'root' or AppDisplayName == 'x'", False)],
)
def test_a_key_that_the_conditions_decide_is_a_field(asked: str, keyed: bool) -> None:
    kql = (
        f"SigninLogs | extend K = iff(ResultType == '0', UserPrincipalName, '') | where {asked} | summarize n = count() by K | where n > 2"
    )
    conversion = translator.convert(rule(kql), ("sigma",))
    assert (conversion.outputs["sigma"].verdict.value, bool(conversion.outputs["sigma"].texts)) == (
        ("same-alerts", True) if keyed else ("none", False)
    )
    assert not keyed or prove(conversion, "sigma").outcome == Outcome.PROVEN


@pytest.mark.parametrize("operator", [">", ">="])
def test_eql_says_that_it_orders_events_of_one_moment_by_where_they_are_stored(operator: str) -> None:
    kql = (
        "SigninLogs | where ResultType == '0' | join kind=inner (SigninLogs | where ResultType == '50126' and Location == 'RU')"
        f" on UserPrincipalName | where TimeGenerated {operator} TimeGenerated1 | project UserPrincipalName"
    )
    said = [d.message for d in translator.convert(rule(kql), ("eql",)).outputs["eql"].diagnostics if d.code == "equal-times"]
    assert len(said) == 1 and "EQL" in said[0]


@pytest.mark.parametrize(("length", "verdict"), [("1h", "same-alerts"), ("1d", "same-alerts"), ("5h", "broader"), ("7d", "broader")])
def test_buckets_that_no_backend_begins_where_kql_does_are_not_claimed(length: str, verdict: str) -> None:
    kql = (
        f"SigninLogs | where ResultType == '50126' | summarize n = count() by UserPrincipalName, bin(TimeGenerated, {length}) | where n > 5"
    )
    conversion = translator.convert(rule(kql), ("sigma",))
    assert (conversion.outputs["sigma"].verdict.value, prove(conversion, "sigma").outcome) == (verdict, Outcome.PROVEN)
