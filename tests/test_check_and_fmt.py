"""``kql2sigma check`` and ``kql2sigma fmt``."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from click.testing import CliRunner, Result

from translator.cli import main

BROKEN = "name: Broken\nquery: |\n  let a = (1;\n  SigninLogs\n  | wehre x\n"
ODD = "name: Odd\nquery: |\n  Usage\n  | where IsBillable = true\n"


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
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


FOLDED = """name: Folded
query: >
  SigninLogs
  | where ResultType == "1" // wrong password
  | project UserPrincipalName
  | take 5
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: A\nquery: |\n  SigninLogs\n  | project Identity\n  | where IPAddress == '1'\n", ["5:11 error unknown-column"]),
        ("name: A\nquery: |\n  SigninLogs\n  | where ipaddress == '1'\n", ["4:11 error unknown-column"]),
        ("name: A\nquery: |\n  SigninLogs\n  | where NotYetListed == '1'\n", ["4:11 warning unlisted-column"]),
        ("name: A\nquery: |\n  OwnLogs_CL\n  | where NotYetListed == '1'\n", []),
        ("name: A\nquery: |\n  OwnParser(1)\n  | where a == '1'\n", ["3:3 error saved-function"]),
        ("name: A\nquery: SigninLogs | summarize count() by Identity | where IPAddress == '1'\n", ["2:59 error unknown-column"]),
        ("name: A\nquery: 'SigninLogs\n\n    | where ''x'' == ipaddress'\n", ["4:20 error unknown-column"]),
        ('name: A\nquery: "SigninLogs\n  | where IPAddress == \\"1\\"\n  | where x"\n', ["4:11 warning unlisted-column"]),
        ("name: A\nquery: >-\n  SigninLogs\n  | where IPAddress == '1'\n  | where ipaddress == '2'\n", ["5:11 error unknown-column"]),
        (FOLDED, ["4:29 warning comment-joined"]),
        (FOLDED.replace("query: >", "query: |"), []),
        (FOLDED.replace("project", "wehre").replace("// wrong password", ""), ["5:5 error syntax"]),
        ("name: A\nquery: |\n  SigninLogs\n  | where IPAddress == '1' // wrong | where IPAddress == '2'\n", []),
        (
            "name: A\nquery: |\n  SigninLogs\n  | where IPAddress == '1'\n  | join (Usage | where Computer == '1') on TenantId\n",
            ["5:5 warning join-without-kind"],
        ),
        (
            "name: A\nquery: |\n  SigninLogs\n  | where Id == '1'\n  | join kind=inner (Usage | where Computer == '1') on TenantId\n",
            [],
        ),
        ("name: A\nquery: |\n  let Logs = SigninLogs;\n  Logs\n  | project Identity\n  | sort by Identity\n", ["3:3 warning whole-table"]),
        ("name: A\ntriggerOperator: gt\ntriggerThreshold: 100\nquery: SigninLogs\n", []),
        ("name: A\nquery: SigninLogs | summarize count() by Identity\n", []),
    ],
)  # fmt: skip
def test_findings(text: str, expected: list[str], tmp_path: Path) -> None:
    file = tmp_path / "rule.yaml"
    file.write_text(text)
    result = run("check", str(file), "--format", "json")
    found = [f"{r['line']}:{r['column']} {r['severity']} {r['code']}" for r in json.loads(result.output)]
    assert found == expected
    assert result.exit_code == any(" error " in f for f in expected)
    strict = run("check", str(file), "--strict")
    assert strict.exit_code == any(" error " in f or "unlisted" in f or "saved" in f for f in expected)


def test_a_rule_with_a_name_that_is_not_there_is_not_converted(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").write_text("name: Gone\nquery: |\n  SigninLogs\n  | project Identity\n  | where IPAdress == '1'\n")
    (tmp_path / "good.yaml").write_text("name: Good\nquery: SigninLogs | where IPAddress == '1'\n")
    result = run("convert", str(tmp_path), "-o", str(tmp_path / "out"))
    assert result.exit_code == 1
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    gone, good = report["rules"]
    assert (gone["status"], good["status"]) == ("failed", "ok") and gone["outputs"] == {}
    assert (gone["error"]["line"], gone["error"]["column"]) == (5, 11)
    assert gone["error"]["message"].startswith("there is no column 'IPAdress' here")
    assert not list((tmp_path / "out").rglob("gone*"))


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


@pytest.mark.parametrize(
    ("query", "place", "reason"),
    [
        ('T\n| where x matches regex "a(?=b)"', "2:25", "no look-around"),
        ("T | extend y = extract(@'(a)\\1', 1, x)", "1:24", "no references to groups"),
        ('T | where countof(x, "a++", "regex") > 1', "1:22", "possessive"),
        ("let r = '['; T | where x matches regex r", "1:9", "a class is not closed"),
        ('T | parse kind=regex x with "a(?<!b)" y', "1:29", "no look-around"),
        ('T | parse-kv x as (y:string) with (regex="(a)(b")', "1:5", "a group is not closed"),
    ],
)
def test_what_is_no_regular_expression_is_an_error_at_its_place(tmp_path: Path, query: str, place: str, reason: str) -> None:
    file = tmp_path / "q.kql"
    file.write_text(query)
    for command in ("check", "convert", "run"):
        result = run(command, str(file))
        assert result.exit_code == 1
        assert f":{place}: error: " in result.output and reason in result.output


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
        places.append(
            (unquote(urlsplit(location["physicalLocation"]["artifactLocation"]["uri"]).path), region["startLine"], region["startColumn"])
        )
    assert places == [(r["path"], r["line"], r["column"]) for r in rows] and len(rows) == 3


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


def test_a_syntax_error_is_told_alike_by_each_command(tmp_path: Path) -> None:
    file = tmp_path / "q.kql"
    file.write_text("T | wehre a")
    told = ":1:5: error: 'wehre' is not an operator (did you mean 'where'?)\n"
    for command in ("check", "convert", "explain", "fmt", "run", "verify"):
        result = run(command, str(file))
        assert result.exit_code == 1 and f"{file}{told}" in result.output
        assert f"-{told}" in run(command, "-", stdin="T | wehre a").output


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_standard_input_is_read_as_a_file_is(encoding: str) -> None:
    """As PowerShell pipes it, too."""
    query = 'print Who = "Größe"'.encode(encoding)
    assert run("fmt", "-", stdin=query).output == 'print Who = "Größe"\n'
    assert run("run", "-", "--format", "csv", stdin=query).output == "Who\nGröße\n"
    assert "this is a binary file" in run("fmt", "-", stdin=b"T\0|take 1").stderr
