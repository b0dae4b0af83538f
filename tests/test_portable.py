"""The portable spelling of Sigma, filters, SQL as text, and the commands that explain."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import translator
from tests.rules import rule
from translator.cli import main
from translator.targets.base import Options

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("kql", "verdict", "spelled"),
    [
        ("A | where x == 'Abc'", "broader", "x: Abc"),
        ("A | where x != 'Abc'", "narrower", "x: Abc"),
        ("A | where x has 'abc'", "broader", "x|contains: abc"),
        ("A | where x !has 'abc'", "narrower", "x|contains: abc"),
        ("A | where x =~ 'abc'", "exact", "x: abc"),
        ("A | where x == '50126'", "exact", "x: '50126'"),
    ],
)
def test_prefer_portable_says_in_which_direction_it_errs(kql: str, verdict: str, spelled: str) -> None:
    output = translator.convert(rule(kql), ("sigma",), Options(prefer="portable")).outputs["sigma"]
    assert output.verdict.value == verdict
    assert spelled in output.text


def test_exclusions_become_filters_of_their_own(tmp_path: Path) -> None:
    data = yaml.safe_load((ROOT / "rules" / "threshold.yaml").read_text())
    data["exclusions"] = ['where UserPrincipalName != "svc@contoso.com" or where IPAddress != "203.0.113.7"', "NoSuchColumn != 1"]
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(data))
    done = CliRunner().invoke(main, ["convert", str(tmp_path / "r.yaml"), "-t", "sigma", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    (sigma,) = (tmp_path / "out" / "sigma").glob("*.yml")
    (filters,) = (tmp_path / "out" / "sigma" / "filters").glob("*.yml")
    text = filters.read_text()
    assert "# exclusion 3 has no form as a filter: NoSuchColumn != 1" in text
    documents = list(yaml.safe_load_all(text))
    assert [d["filter"]["condition"] for d in documents] == ["not filter_1", "not filter_1"]
    base = next(yaml.safe_load_all(sigma.read_text()))
    assert all(d["filter"]["rules"] == [base["id"]] for d in documents)
    from sigma.collection import SigmaCollection

    collection = SigmaCollection.from_yaml(sigma.read_text() + "---\n" + text)
    collection.resolve_rule_references()
    assert "svc@contoso.com" not in sigma.read_text()


def test_explain_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = CliRunner().invoke(main, ["explain", "rules"])
    assert shown.exit_code == 0
    assert max(len(line) for line in shown.output.splitlines()) <= 100
    parts = ["temporal_ordered by target_sid within 10m, at most 10m apart", "and no event of", "sigma: same-alerts"]
    for part in [*parts, "  distinct TargetUserSid, Computer"]:
        assert part in shown.output


def test_attack_lists_the_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = CliRunner().invoke(main, ["attack", "rules"])
    assert "T1136.001" in shown.output
    assert "ATT&CK" in shown.output


def test_each_rule_counts_once_whatever_its_name_and_its_query(tmp_path: Path) -> None:
    for number, query in enumerate(("SigninLogs | take 1", "SigninLogs | where (")):
        text = f"name: One\ntactics: [CommandandControl]\nrelevantTechniques: [T1078, T1078, T0814]\nquery: {query}\n"
        (tmp_path / f"{number}.yaml").write_text(text)
    shown = CliRunner().invoke(main, ["attack", str(tmp_path)]).output
    assert re.search(r"T1078\W+Valid Accounts\W+2\W", shown) and "T0814 (not in Enterprise)" in shown
    assert CliRunner().invoke(main, ["convert", str(tmp_path), "-o", str(tmp_path / "out"), "-t", "sigma", "--jobs", "1"]).exit_code == 1
    reported = json.loads((tmp_path / "out" / "report.json").read_text())["rules"]
    assert [r["attack"] for r in reported] == [{"tactics": ["command-and-control"], "techniques": ["T1078", "T0814"]}] * 2
    assert "SigninLogs | where (" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("limits", "tables"),
    [
        (("", ""), ["AuditLogs", "SigninLogs"]),
        (("| where TimeGenerated > ago(1h)", ""), ["AuditLogs"]),
        (("| where TimeGenerated > ago(1h)", "| where TimeGenerated between (ago(2h) .. ago(1h))"), ["AuditLogs"]),
        (("| where TimeGenerated > ago(1h)", "| where TimeGenerated >= ago(30m)"), []),
    ],
)
def test_sql_says_of_which_tables_it_reads_what_the_rule_does_not(limits: tuple[str, str], tables: list[str]) -> None:
    kql = f"SigninLogs {limits[0]} | join kind=leftanti (AuditLogs {limits[1]}) on $left.UserPrincipalName == $right.Identity"
    said = [
        d.message for d in translator.convert(rule(kql, period=3600), ("sql",)).outputs["sql"].diagnostics if d.code == "window-elsewhere"
    ]
    assert [t for t in ("AuditLogs", "SigninLogs") for m in said if t in m] == tables


@pytest.mark.parametrize(
    ("dialect", "word", "verdict"),
    [
        ("duckdb", "STARTS_WITH(LOWER(", "exact"),
        ("spark", "STARTSWITH(LOWER(", "exact"),
        ("snowflake", "CURRENT_TIMESTAMP", "differs"),
        ("bigquery", "`T`", "differs"),
        ("trino", 'FROM "T"', "differs"),
    ],
)
def test_sql_as_text(dialect: str, word: str, verdict: str) -> None:
    kql = "T | where TimeGenerated > ago(1h) and User startswith 'adm' | summarize n = count() by User | where n > 5"
    schema_free = translator.convert(rule(kql), ("sql",), Options(dialect=dialect)).outputs["sql"]
    assert schema_free.verdict.value in (verdict, "none")
    known = kql.replace("T |", "SigninLogs |", 1).replace("User", "UserPrincipalName")
    output = translator.convert(rule(known), ("sql",), Options(dialect=dialect)).outputs["sql"]
    assert output.verdict.value == verdict
    assert word.replace("T`", "SigninLogs`").replace('"T"', '"SigninLogs"') in output.text
    import sqlglot

    sqlglot.parse_one(output.text, dialect=dialect)


def test_sql_refuses_by_name() -> None:
    output = translator.convert(
        rule("SigninLogs | where parse_url(AppDisplayName).Host == 'x'"), ("sql",), Options(dialect="snowflake")
    ).outputs["sql"]
    assert output.verdict.value == "none"
    assert "Snowflake" in output.diagnostics[-1].message


@pytest.mark.parametrize(
    "finer",
    ["TimeGenerated - 1tick < ago(1h)", "TimeGenerated < todatetime('2026-01-01T00:00:00.0000002Z')", "ago(1h + 3ticks) < TimeGenerated"],
)
def test_sql_that_counts_microseconds_refuses_fractions_of_one(finer: str) -> None:
    said = {
        dialect: [
            d.message
            for d in translator.convert(rule(f"SigninLogs | where {finer}"), ("sql",), Options(dialect=dialect)).outputs["sql"].diagnostics
        ]
        for dialect in ("duckdb", "spark")
    }
    assert not any("microsecond" in m for m in said["duckdb"])
    assert "Apache Spark counts microseconds" in " ".join(said["spark"])


def test_functions_command() -> None:
    found = json.loads(CliRunner().invoke(main, ["functions", "bin", "--format", "json"]).output)
    assert [(f["name"], f["engine"]) for f in found] == [("bin", "sql")]
    assert CliRunner().invoke(main, ["functions", "nosuch"]).exit_code == 1
