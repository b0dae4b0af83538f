"""Data from files and from memory: types from the schema, and what is wrong named with file and line."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import translator
from translator.cli import main
from translator.engine import EngineError

EVENTS = [
    {"TimeGenerated": "2026-01-01T00:00:00Z", "UserPrincipalName": "a@x", "LocationDetails": {"city": "Oslo"}},
    {"TimeGenerated": "2026-01-01T02:00:00+01:00", "UserPrincipalName": "b@x", "LocationDetails": None},
]


def write(folder: Path, form: str) -> None:
    if form == "ndjson":
        (folder / "SigninLogs.ndjson").write_text("\n".join(map(json.dumps, EVENTS)))
    elif form == "json":
        (folder / "SigninLogs.json").write_text(json.dumps(EVENTS))
    elif form == "folder":
        (folder / "SigninLogs").mkdir()
        for number, event in enumerate(EVENTS):
            (folder / "SigninLogs" / f"{number}.jsonl").write_text(json.dumps(event))
    elif form == "csv":
        (folder / "SigninLogs.csv").write_text(
            'TimeGenerated,UserPrincipalName,LocationDetails\n2026-01-01T00:00:00Z,a@x,"{""city"":""Oslo""}"\n2026-01-01T01:00:00Z,b@x,\n'
        )
    else:
        import duckdb

        (folder / "e.json").write_text("\n".join(map(json.dumps, EVENTS)))
        duckdb.connect().execute(f"COPY (SELECT * FROM read_json('{folder}/e.json')) TO '{folder}/SigninLogs.parquet'")
        (folder / "e.json").unlink()


@pytest.mark.parametrize("form", ["ndjson", "json", "folder", "csv", "parquet"])
def test_every_format_gives_the_same_table(tmp_path: Path, form: str) -> None:
    write(tmp_path, form)
    query = "SigninLogs | project TimeGenerated, UserPrincipalName, city = tostring(LocationDetails.city), missing = IPAddress"
    result = translator.run(query, tmp_path)
    assert result.columns == [("TimeGenerated", "datetime"), ("UserPrincipalName", "string"), ("city", "string"), ("missing", "string")]
    assert sorted(result.rows) == [
        (dt.datetime(2026, 1, 1, 0, 0), "a@x", "Oslo", ""),
        (dt.datetime(2026, 1, 1, 1, 0), "b@x", "", ""),
    ]


def test_rows_in_memory_with_a_schema() -> None:
    rows = [{"t": "2026-01-01", "n": "5", "d": {"a": [1]}}, {"n": None, "s": 7}]
    result = translator.run("T | project t, n, d.a[0], s", {"T": rows}, schema={"T": {"t": "datetime", "n": "long", "s": "string"}})
    assert result.rows == [(dt.datetime(2026, 1, 1), 5, 1, ""), (None, None, None, "7")]


BAD = [
    ("T.ndjson", '{"a": 1}\n{"a": }\n{"a": 2}\n', "line 2"),
    ("T.ndjson", '{"n": 1}\n{"n": "x"}\n', "line 2: 'x' in the column n is no long"),
    ("T.csv", "n\n1\n2\nx\n", "line 4: 'x' in the column n is no long"),
    ("T.ndjson", '{"t": "2026-01-01"}\n{"t": "never"}\n', "line 2: 'never' in the column t is no datetime"),
    ("T.ndjson", '{"t": "2026-01-01"}\n{"t": "5/1/26, 1:05 PM"}\n', "line 2: '5/1/26, 1:05 PM' in the column t is no datetime"),
    ("T.ndjson", '{"t": "2026-01-01"}\n{"t": "20260501130500"}\n', "line 2: '20260501130500' in the column t is no datetime"),
    ("T.txt", "x", "holds no data"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD)
def test_bad_data_is_named_with_file_and_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(EngineError) as caught:
        translator.run("T", tmp_path, schema={"T": {"n": "long", "t": "datetime"}})
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_row_in_memory_of_another_type() -> None:
    with pytest.raises(EngineError, match="T, row 2: 'x' in the column n is no long"):
        translator.run("T", {"T": [{"n": 1}, {"n": "x"}]}, schema={"T": {"n": "long"}})


def test_numbers_in_memory_beyond_64_bits_are_real() -> None:
    result = translator.run("T | project n, t = gettype(n)", {"T": [{"n": 2**63}, {"n": 1}]})
    assert result.rows == [(2.0**63, "real"), (1.0, "real")]


def test_what_no_text_can_hold_is_an_error_of_the_engine() -> None:
    for value in ("\ud800", [{"a": "\ud800"}]):
        with pytest.raises(EngineError, match="T: a value cannot be kept"):
            translator.run("T", {"T": [{"t": value}]})
    with pytest.raises(EngineError, match="T: a value cannot be kept"):
        translator.run("T", {"T": [{"n": 2**63}]}, schema={"T": {"n": "long"}})


def test_run_command(tmp_path: Path) -> None:
    write(tmp_path, "ndjson")
    query = "SigninLogs | where TimeGenerated > ago(1h) | project UserPrincipalName, age = now() - TimeGenerated"
    arguments = ["run", query, "--data", str(tmp_path), "--now", "2026-01-01T01:30:00Z"]
    done = CliRunner().invoke(main, [*arguments, "--format", "json"])
    assert json.loads(done.output) == [{"UserPrincipalName": "b@x", "age": "00:30:00"}]
    assert CliRunner().invoke(main, [*arguments, "--format", "csv"]).output == "UserPrincipalName,age\nb@x,00:30:00\n"
    for length in (300, 5_000):  # more than a file name may have, and a path
        long = f"{query} | where UserPrincipalName !in ('{'x' * length}')"
        assert json.loads(CliRunner().invoke(main, ["run", long, *arguments[2:], "--format", "json"]).output) == json.loads(done.output)
    file = tmp_path / "q.kql"
    file.write_text("SigninLogs\n| project Nothing")
    failed = CliRunner().invoke(main, ["run", str(file), "--data", str(tmp_path)])
    assert failed.exit_code == 1
    assert "q.kql:2:11: error: there is no column 'Nothing'" in failed.stderr.replace("\n", "")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("r.yaml", "name: r\nquery: |\n  SigninLogs\n  | summarize Rows = count()\n", "Rows\n2\n"),
        ("r.md", "# R\n```kql\nSigninLogs\n| summarize Rows = count()\n```\n", "Rows\n2\n"),
        ("r.txt", "print Rows = 2", "Rows\n2\n"),
        ("r.yaml", "name: r\nquery: |\n  SigninLogs\n  | project Nothing\n", "r.yaml:4:13: error: there is no column 'Nothing'"),
        ("r.yaml", "name: r\nquery: |\n  SigninLogs\n  | were x\n", "r.yaml:4:5: error: 'were' is not an operator"),
        ("r.yaml", "- {name: a, query: SigninLogs}\n- {name: b, query: SigninLogs}\n", "holds 2 rules: run takes the query of one"),
        ("r.json", '{"name": "r", "severity": "Low"}', "r.json:1:1: this rule has no key 'query'"),
    ],
)
def test_the_rule_of_a_file_is_run(tmp_path: Path, name: str, content: str, says: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write(data, "ndjson")
    (tmp_path / name).write_text(content)
    done = CliRunner().invoke(main, ["run", str(tmp_path / name), "--data", str(data), "--format", "csv"])
    assert says in (" ".join(done.output.split()) if done.exit_code else done.output) and (done.exit_code == 0) == says.startswith("Rows")


def test_schema_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Own_CL.csv").write_text("a,b\n1,2\n")
    (tmp_path / "Own_CL.csv").write_text("ColumnName,ColumnOrdinal,DataType,ColumnType\na,0,System.String,string\n")
    (tmp_path / "own.json").write_text('{"Own_CL": {"b": "real"}}')
    base = ["run", "Own_CL | getschema | project ColumnName, ColumnType", "--data", str(tmp_path / "data"), "--format", "csv", "--schema"]
    assert CliRunner().invoke(main, [*base, str(tmp_path / "Own_CL.csv")]).output == "ColumnName,ColumnType\na,string\nb,long\n"
    assert CliRunner().invoke(main, [*base, str(tmp_path / "own.json")]).output == "ColumnName,ColumnType\nb,real\na,long\n"
    assert CliRunner().invoke(main, [*base, str(tmp_path / "none.json")]).exit_code == 2
