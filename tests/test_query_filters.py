"""The readers of ES|QL and EQL by what Elastic documents, and a sample of random filters in every query language."""

from __future__ import annotations

import collections
import datetime as dt
from typing import Any

import pytest

import translator
from tests.conformance import patterns
from tests.conformance.query_filters import RUNS, claims
from tests.rules import rule
from translator.targets.base import Options
from translator.verify import NotReadable, esql
from translator.verify.eql import patterns as eql_patterns
from translator.verify.eql import run as run_eql

EVENTS: list[dict[str, Any]] = [
    {"id": 1, "@timestamp": 10, "x": "Admin", "n": 5, "d": {"k": "v"}},
    {"id": 2, "@timestamp": 20, "x": "a*b", "n": 12},
    {"id": 3, "@timestamp": 900, "x": ""},
    {"id": 4, "@timestamp": 910},
]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ('x == "admin"', []),
        ('TO_LOWER(x) == "admin"', [1]),
        ('x != "Admin"', [2, 3]),
        ('NOT x == "Admin"', [2, 3]),
        ('x IS NULL OR NOT x == "Admin"', [2, 3, 4]),
        ('x LIKE "a\\\\*b"', [2]),
        ('x LIKE "*d*"', [1]),
        ('x RLIKE "A.*"', [1]),
        ('x RLIKE "dmi"', []),
        ("n IN (5, 6)", [1]),
        ("NOT n IN (5, 6)", [2]),
        ('d.k == "v" OR n > 5 AND n < 10', [1]),
        ('`d.k` == "v"', [1]),
        ('STARTS_WITH(COALESCE(x, "none"), "no")', [4]),
        ('CASE(n > 10, "big", n > 1, "small") == "small"', [1]),
    ],
)
def test_esql_is_read_as_elastic_documents_it(query: str, ids: list[int]) -> None:
    assert [row["id"] for row in esql.run(f"FROM t\n| WHERE {query}", EVENTS)] == ids


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ('x == "admin"', []),
        ('x : "admin"', [1]),
        ('x in~ ("ADMIN", "q")', [1]),
        ('not x == "Admin"', [2, 3, 4]),
        ('x == null or not x == "Admin"', [2, 3, 4]),
        ("?y == null and x != null", [1, 2, 3]),
        ('x regex~ "a.*n"', [1]),
        ('x regex "dmi"', []),
        ('endsWith~(x, "MIN") or n > 5 and n < 13', [1, 2]),
    ],
)
def test_eql_is_read_as_elastic_documents_it(condition: str, ids: list[int]) -> None:
    assert [row["id"] for row in run_eql(f"any where {condition}", EVENTS)] == ids


def test_stats_and_samples() -> None:
    assert esql.run("FROM t | STATS c = COUNT(*), d = COUNT_DISTINCT(x) WHERE n > 5", EVENTS) == [{"c": 4, "d": 1}]
    assert esql.run("FROM t | STATS c = COUNT(*) BY n", EVENTS) == [{"n": 5, "c": 1}, {"n": 12, "c": 1}, {"c": 2}]
    assert esql.run('FROM t | WHERE x == "nobody" | STATS c = COUNT(*)', EVENTS) == [{"c": 0}]
    assert esql.run('FROM t | WHERE x == "nobody" | STATS c = COUNT(*) BY x', EVENTS) == []
    assert run_eql('sample [any where n == 5] by n [any where x == "Admin"] by n', EVENTS) == [], "no event is two members of a sample"
    assert run_eql("sample by n [any where n == 5] [any where n == 12]", EVENTS) == []


SEVERAL: list[dict[str, Any]] = [
    {"id": 1, "m": ["b", "a", "b"], "n": [3, 1, 3], "source.ip": ["10.0.0.1", "10.0.0.2"]},
    {"id": 2, "m": "a", "n": 1, "source.ip": "10.0.0.1"},
    {"id": 3},
]


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ('m == "a"', [2]),
        ('m != "z"', [2]),
        ('NOT m == "z"', [2]),
        ('m IN ("a", "b")', [2]),
        ('m LIKE "a*"', [2]),
        ('m LIKE "*"', [1, 2]),  # which the optimizer makes IS NOT NULL
        ('STARTS_WITH(m, "a") OR n == 3', [2]),
        ("m IS NOT NULL", [1, 2]),
        ('TO_STRING(m) == "a"', [2]),
        ('COALESCE(m, "none") == "none"', [3]),
        ('CASE(m == "a", 1, 2) == 2', [1, 3]),
        ('MV_CONCAT(m, ",") == "a,b"', [1]),
        ("MV_COUNT(n) == 3", [1]),
        ('MV_CONTAINS(m, "b")', [1]),
        ("n > 0", [2]),
        ('CIDR_MATCH(source.ip, "10.0.0.0/8")', [2]),
        ('source.ip == "10.0.0.1"', [2]),
        ("m == null OR m != null", []),
    ],
)
def test_operators_of_esql_are_null_for_several_values(condition: str, ids: list[int]) -> None:
    assert [row["id"] for row in esql.run(f"FROM t\n| WHERE {condition}", SEVERAL)] == ids


@pytest.mark.parametrize(
    ("stats", "rows"),
    [
        ("c = COUNT(*) BY m", [{"c": 2, "m": "a"}, {"c": 1, "m": "b"}, {"c": 1}]),
        ("c = COUNT(m), r = COUNT(*), d = COUNT_DISTINCT(m), s = SUM(n)", [{"c": 3, "r": 3, "d": 2, "s": 8}]),
        ("id = COUNT(*) BY id", [{"id": 1}, {"id": 2}, {"id": 3}]),
    ],
)
def test_several_values_in_stats(stats: str, rows: list[dict[str, Any]]) -> None:
    assert esql.run(f"FROM t | STATS {stats}", SEVERAL) == rows


@pytest.mark.parametrize(
    "condition",
    [
        'STARTS_WITH(TO_LOWER(source.ip), "10.")',
        'source.ip LIKE "10.*"',
        'source.ip == "10.0.0.0/8"',
        "id == 1 AND m == 1",
        'n == "1"',
        'CONCAT(source.ip, "x") == "x"',
        'CIDR_MATCH(m, "10.0.0.0/8")',
        "m AND id == 1",
        'COALESCE(n, "") == ""',
    ],
)
def test_esql_that_elasticsearch_refuses_for_its_types(condition: str) -> None:
    with pytest.raises(esql.Rejected):
        esql.run(f"FROM t\n| WHERE {condition}", SEVERAL)


@pytest.mark.parametrize("name", ["null", "d.true", "in", "By"])
def test_words_of_the_language_are_no_names_unless_they_are_quoted(name: str) -> None:
    esql.run(f'FROM t\n| EVAL x = COALESCE(`{name}`, "")', SEVERAL)
    with pytest.raises(NotReadable):
        esql.run(f'FROM t\n| EVAL {name} = "x"', SEVERAL)


@pytest.mark.parametrize(
    ("span", "moment", "start"),
    [
        ("1 week", "2026-05-01T12:00:00+00:00", "2026-04-27T00:00:00+00:00"),
        ("7 days", "2026-05-01T12:00:00+00:00", "2026-04-27T00:00:00+00:00"),
        ("604800 seconds", "2026-05-01T12:00:00+00:00", "2026-04-30T00:00:00+00:00"),
        ("3 days", "1970-01-05T12:00:00+00:00", "1970-01-04T00:00:00+00:00"),
        ("5 hours", "1970-01-01T07:00:00+00:00", "1970-01-01T05:00:00+00:00"),
    ],
)
def test_where_buckets_begin(span: str, moment: str, start: str) -> None:
    logged = [{"@timestamp": dt.datetime.fromisoformat(moment).timestamp()}]
    (row,) = esql.run(f"FROM t | STATS c = COUNT(*) BY b = BUCKET(@timestamp, {span})", logged)
    assert dt.datetime.fromtimestamp(row["b"], dt.UTC).isoformat() == start


def test_an_answer_has_a_thousand_rows_unless_the_query_says_more() -> None:
    many = [{"id": n} for n in range(1500)]
    assert len(esql.run("FROM t", many)) == 1000
    assert len(esql.run("FROM t | LIMIT 1200", many)) == 1200
    assert esql.run("FROM t | STATS c = COUNT(*)", many) == [{"c": 1500}]


def test_one_of_several_values_is_enough_in_eql() -> None:
    assert [row["id"] for row in run_eql('any where m == "b" or m like~ "B*"', SEVERAL)] == [1]
    assert [row["id"] for row in run_eql('any where m != "b"', SEVERAL)] == [2, 3]
    with pytest.raises(TypeError):
        run_eql('any where source.ip like~ "10.*"', SEVERAL)


@pytest.mark.parametrize("pattern", ["^a", "a$", "(?i)a", "a@b", "a~b", "a<1-5>", "a&b", "a#b"])
def test_operators_that_lucene_lacks_or_has_alone_are_refused(pattern: str) -> None:
    with pytest.raises(NotReadable):
        eql_patterns.regex(pattern, False, True)


def test_what_claims_to_be_exact_finds_the_same_events_in_every_language() -> None:
    pytest.importorskip("duckdb_kql")
    run = list(claims(23, 80, collections.Counter()))
    for target in RUNS:
        own = [c for c in run if c.target == target]
        assert len(own) > 40
        assert sum(bool(c.wanted) for c in own) > 20
    assert [c for c in run if not c.holds] == []


def test_what_is_written_for_a_pattern_finds_what_its_verdict_says() -> None:
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    assert [claim for claim in patterns.claims(5, 40, seen) if claim[4]] == []
    assert all(seen[target, "exact"] > 10 for target in ("sigma", *RUNS))


@pytest.mark.parametrize(
    ("condition", "target", "direction"),
    [
        (r"x matches regex @'^\d+$'", "esql", "exact"),
        (r"x matches regex @'^[^\w.]+$'", "eql", "broader"),
        (r"not(x matches regex @'^\D')", "eql", "narrower"),
        (r"not(x matches regex @'^\D')", "splunk", "exact"),
        (r"x matches regex @'^[^\w.]+\s'", "splunk", "exact"),
        (r"x matches regex @'\bcat'", "splunk", "exact"),
        (r"x matches regex @'\bcat'", "sigma", "differs"),
        (r"x matches regex @'^[[:alpha:]_]+$'", "splunk", "exact"),
        (r"x matches regex @'(?s)^a.b$'", "eql", "exact"),
        (r"x matches regex @'\d'", "sigma", "narrower"),
    ],
)
def test_a_class_of_ascii_characters_deviates_by_where_it_stands(condition: str, target: str, direction: str) -> None:
    output = translator.convert(rule(f"T | where {condition}"), (target,), Options(fields="source")).outputs[target]
    assert output.verdict.value == direction
    assert {d.code for d in output.diagnostics if d.direction.value != "exact"} == ({"ascii-classes"} if direction != "exact" else set())


@pytest.mark.parametrize(
    "condition",
    [
        "hourofday(TimeGenerated) between (9 .. 17)",
        "not(hourofday(TimeGenerated) == 3)",
        "datetime_part('hour', TimeGenerated) >= 20",
        "dayofweek(TimeGenerated) in (0d, 6d)",
        "dayofweek(TimeGenerated) == 0d or hourofday(TimeGenerated) < 6",
    ],
)
def test_hours_and_days_are_those_of_utc(condition: str) -> None:
    start = dt.datetime(2026, 3, 28, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(hours=5 * n, seconds=n) for n in range(60)]
    kql = f"SigninLogs | where {condition} | project CorrelationId"
    stored = [{"CorrelationId": str(n), "TimeGenerated": m.replace(tzinfo=None)} for n, m in enumerate(moments)]
    wanted = sorted(row[0] for row in translator.run(kql, {"SigninLogs": stored}).rows)
    times = [m.timestamp() for m in moments]
    logged = [{"CorrelationId": str(n), "_time": t, "@timestamp": t, "sourcetype": "SigninLogs"} for n, t in enumerate(times)]
    outputs = translator.convert(rule(kql), ("splunk", "esql"), Options(fields="source")).outputs
    for target, output in outputs.items():
        assert output.verdict.value == "exact"
        assert sorted(row["CorrelationId"] for row in RUNS[target][0](output.text, logged)) == wanted
    assert 0 < len(wanted) < len(moments)


@pytest.mark.parametrize(
    "kql",
    [
        "union T, U | where a == 'x'",
        "union T, U | where b == 'x' or c == 'q'",
        "union T, U | where b != 'x'",
        "union (T | where n > 1), (U | where c == 'q') | where isempty(b)",
        "union (T | project id, a), (U | project id, c) | where isempty(a) or c == 'x'",
        "union T, U | where isnotempty(c) and a !has 'x'",
        "union T, (U | extend b = c) | where b == 'x'",
        "union (T | extend k = a), (U | extend k = c) | where k in~ ('x')",
        "union (T | extend src = 'one'), (U | extend src = 'two') | where src == 'two' and a == 'x'",
        "union withsource=tab T, U | where tab == 'T' and a == 'x'",
        "union T, U | where iff(isempty(b), c, b) == 'x'",
    ],
)
def test_a_union_of_tables_with_different_fields(kql: str) -> None:
    texts = ["x", "X", "y", "q", "", None]
    tables = {
        "T": [{"id": n, "a": texts[n % 6], "b": texts[n // 6], "n": n % 3} for n in range(36)],
        "U": [{"id": 100 + n, "a": texts[n % 6], "c": texts[n // 6], "n": n % 3} for n in range(36)],
    }
    wanted = sorted({row[0] for row in translator.run(f"{kql} | project id", tables).rows})
    logged = [{**e, "sourcetype": t, "event": {"dataset": t}, "_time": 0, "@timestamp": 0} for t, events in tables.items() for e in events]
    outputs = translator.convert(rule(kql), tuple(RUNS), Options(fields="source")).outputs
    assert wanted
    for target, output in outputs.items():
        assert output.verdict.value in ("exact", "same-alerts")
        for run in RUNS[target]:
            assert sorted({row["id"] for query in output.texts for row in run(query, logged)}) == wanted, (target, output.text)


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("ResultType =~ 'é'", "narrower"),
        ("not(ResultType has 'é')", "broader"),
        ("ResultType == 'é'", "exact"),
        ("ResultType =~ '中e'", "exact"),
    ],
)
def test_elasticsearch_ignores_the_case_of_ascii_alone(condition: str, verdict: str) -> None:
    output = translator.convert(rule(f"SigninLogs | where {condition}"), ("eql",)).outputs["eql"]
    assert output.verdict.value == verdict


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        # what the optimizer of the server makes of a pattern that a text in one case is to match
        ('TO_LOWER(x) RLIKE "ab"', [1, 2]),
        ('TO_LOWER(x) RLIKE "Ab"', []),
        ('NOT TO_LOWER(x) RLIKE "Ab"', [1, 2, 3]),
        ('CONCAT(TO_LOWER(x), "") RLIKE "[A-Za-z]b"', [1, 2]),
        ('TO_UPPER(x) RLIKE "Ab"', []),
    ],
)
def test_patterns_behind_a_change_of_case_are_read_as_the_server_does(query: str, ids: list[int]) -> None:
    events = [{"id": 1, "x": "ab"}, {"id": 2, "x": "AB"}, {"id": 3, "x": "c"}]
    assert [row["id"] for row in esql.run(f"FROM t | WHERE {query} | SORT id", events)] == ids
    with pytest.raises(NotReadable):
        esql.run('FROM t | WHERE TO_LOWER(x) RLIKE "[a-z]b"', events)


def test_a_pattern_without_case_stands_apart_from_the_change_of_case() -> None:
    found = translator.convert(
        rule("SigninLogs | where UserAgent has 'curl' and AppDisplayName matches regex '(?i)[a-f]x'"), ("esql", "eql")
    )
    assert found.outputs["esql"].text.count("CONCAT(TO_LOWER(") == found.outputs["esql"].text.count("RLIKE") == 2
    assert "[A-Fa-f]x" in found.outputs["eql"].text
    words = ", ".join(f"'{n:014}'" for n in range(90))
    long = translator.convert(rule(f"SigninLogs | where UserAgent has_any ({words})"), ("esql",)).outputs["esql"].text
    assert "CONCAT(TO_LOWER(" in long
    varied = "".join(f"{n:x}" for n in range(4096, 4400))
    output = translator.convert(rule(f"SigninLogs | where UserAgent matches regex '{varied}'"), ("esql",)).outputs["esql"]
    assert "CONCAT(user_agent" in output.text


@pytest.mark.parametrize("condition", ["AppDisplayName =~ 'Café'", "AppDisplayName contains 'É'", "tolower(AppDisplayName) == 'café'"])
def test_letters_beyond_ascii_are_no_comparison_without_case_of_the_server(condition: str) -> None:
    """The server compares a bare TO_LOWER without the case of ASCII's letters alone, which the reader does not run."""
    found = translator.convert(rule(f"SigninLogs | where {condition}"), ("esql",), Options(fields="source")).outputs["esql"]
    assert found.verdict.value == "exact"
    told = [{"event": {"dataset": "SigninLogs"}, "AppDisplayName": name} for name in ("CAFÉ", "Cafe")]
    assert [row["AppDisplayName"] for row in translator.verify.run_text("esql", found.text, told)] == ["CAFÉ"]
