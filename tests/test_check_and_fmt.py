"""``kql2sigma check`` and ``kql2sigma fmt``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from translator.cli import main

BROKEN = "name: Broken\nquery: |\n  let a = (1;\n  SigninLogs\n  | wehre x\n"
ODD = "name: Odd\nquery: |\n  Usage\n  | where IsBillable = true\n"


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=stdin)


def pack(folder: Path) -> Path:
    (folder / "broken.yaml").write_text(BROKEN)
    (folder / "odd.yaml").write_text(ODD)
    (folder / "good.kql").write_text("T | take 1")
    return folder


def test_text_names_the_place_and_shows_the_line(tmp_path: Path) -> None:
    result = run("check", str(pack(tmp_path)))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith(f"{tmp_path}/broken.yaml:3:13: error: ")
    assert lines[1:3] == ["    let a = (1;", "              ^"]
    assert any(line.startswith(f"{tmp_path}/broken.yaml:5:5: error: 'wehre' is not an operator (did you mean 'where'?)") for line in lines)
    assert any(line.startswith(f"{tmp_path}/odd.yaml:4:11: warning: ") for line in lines)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("|\n  SigninLogs\n  | wehre x", "4:5"),
        (">\n  SigninLogs\n  | take 1\n  | wehre x", "5:5"),
        (">-\n  SigninLogs\n    | take 1\n  | wehre x", "5:5"),
        ("SigninLogs\n  | wehre x", "3:5"),
        ("SigninLogs | wehre x", "2:21"),
        ("'SigninLogs\n\n    | wehre x'", "4:7"),
        ("'SigninLogs | where a == ''b''\n    | wehre x'", "3:7"),
        ('"SigninLogs | where a == \\"b\\"\n    | wehre x"', "3:7"),
        ('"SigninLogs | where a == \\x31\n    | take 1\n    | wehre x"', "4:7"),
    ],
)
def test_places_in_every_style_of_yaml(query: str, place: str, tmp_path: Path) -> None:
    file = tmp_path / "rule.yaml"
    file.write_text(f"name: A\nquery: {query}\n")
    assert run("check", str(file)).output.startswith(f"{file}:{place}: error: 'wehre' is not an operator")


def test_warnings_alone_do_not_fail(tmp_path: Path) -> None:
    assert run("check", str(pack(tmp_path) / "odd.yaml")).exit_code == 0


def test_json_and_sarif_hold_the_same_findings(tmp_path: Path) -> None:
    pack(tmp_path)
    rows = json.loads(run("check", str(tmp_path), "--format", "json").output)
    log = json.loads(run("check", str(tmp_path), "--format", "sarif").output)
    assert log["version"] == "2.1.0"
    (sarif_run,) = log["runs"]
    declared = {rule["id"] for rule in sarif_run["tool"]["driver"]["rules"]}
    places = []
    for found in sarif_run["results"]:
        assert found["ruleId"] in declared and found["level"] in ("error", "warning")
        (location,) = found["locations"]
        region = location["physicalLocation"]["region"]
        places.append((location["physicalLocation"]["artifactLocation"]["uri"], region["startLine"], region["startColumn"]))
    assert places == [(r["path"], r["line"], r["column"]) for r in rows] and len(rows) == 3


def test_a_missing_path_is_a_finding(tmp_path: Path) -> None:
    result = run("check", str(tmp_path / "nowhere"))
    assert result.exit_code == 1 and "there is no such file" in result.output


def test_fmt_prints_checks_and_writes(tmp_path: Path) -> None:
    file = tmp_path / "q.kql"
    file.write_text("T|where a==1 // one\n|take 5")
    assert run("fmt", str(file)).output == "T\n| where a == 1 // one\n| take 5\n"
    assert run("fmt", "--check", str(file)).exit_code == 1
    assert run("fmt", "-w", str(file)).exit_code == 0
    assert run("fmt", "--check", str(file)).exit_code == 0
    assert run("fmt", "-", stdin="T|take 1").output == "T\n| take 1\n"


def test_fmt_leaves_a_broken_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "q.kql"
    file.write_text("T | where (")
    result = run("fmt", "-w", str(file))
    assert result.exit_code == 1 and f"{file}:1:12: " in result.stderr and file.read_text() == "T | where ("
