"""A sample of what ``make conformance`` does with all rules: Sigma back to KQL by another tool, run by another engine."""

from __future__ import annotations

import collections
import random
from pathlib import Path

import pytest

from tests.conformance.corpus_rules import cases, queries_wrong
from tests.conformance.round_trip import matched

pytest.importorskip("duckdb_kql", reason="duckdb-kql, of the dev extra, runs the KQL")

RULES = {
    "terms": 'SigninLogs | where AppDisplayName has "Azure" and ResultType == "50126"',
    "negation": 'SigninLogs | where ResultType !in ("0", "50125") and AppDisplayName !contains "a*b?" and isnotempty(IPAddress)',
    "escapes": r'SecurityEvent | where CommandLine contains @"C:\Temp\*" or Process endswith @"\cmd.exe"',
    "expression": 'SigninLogs | where UserAgent matches regex "^curl/[0-9]+" or UserAgent startswith "python"',
    "numbers": 'SecurityEvent | where EventID == 4625 and LogonType >= 3 and TargetUserName != ""',
    "alternatives": 'SigninLogs | where iff(ResultType == "0", AppDisplayName, UserAgent) =~ "curl"',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, query in RULES.items():
        lines = "\n".join(f"  {line}" for line in query.splitlines())
        (tmp_path / f"{name}.yaml").write_text(f"id: {name}\nname: {name}\nquery: |\n{lines}\n")
    return tmp_path


def test_the_way_back_finds_the_same_events(folder: Path) -> None:
    reasons: collections.Counter[str] = collections.Counter()
    found = list(cases(folder, random.Random(1), reasons, cased=False))
    assert {Path(c["name"]).stem for c in found} == set(RULES), reasons
    for case in found:
        assert case["rows"], case["name"]
        assert matched(case["sigma"], case["events"], case["columns"]) == case["rows"], case["name"]
    assert queries_wrong(found) == ({t: len(RULES) for t in ("splunk", "esql", "eql")}, [])


def test_a_wrong_sigma_is_found(folder: Path) -> None:
    (case,) = [c for c in cases(folder, random.Random(1), collections.Counter(), cased=False) if c["name"] == "numbers.yaml"]
    careless = case["sigma"].replace("4625", "4626")
    assert careless != case["sigma"]
    assert matched(careless, case["events"], case["columns"]) != case["rows"]
