"""What machines read: SARIF, tables, layers of ATT&CK, and the files that CI takes."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from translator.cli import main
from translator.commands.check import HELP, KINDS
from translator.fidelity import Fact
from translator.kql.lint import CODES
from translator.plan.binder.problems import PROBLEMS
from translator.report import SCHEMA, _fact
from translator.report.spreadsheet import spreadsheet

ROOT = Path(__file__).resolve().parents[1]


def run(*args: object, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args], input=stdin)


def results(log: dict[str, Any]) -> list[dict[str, Any]]:
    (only,) = log["runs"]
    for found in only["results"]:
        assert only["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]
    found: list[dict[str, Any]] = only["results"]
    return found


# --- report.json


def test_the_schema_knows_what_each_kind_of_fact_says() -> None:
    """With all that a fact of the kind can say: few rules say most of it."""
    output = json.loads(SCHEMA.read_text("utf-8"))["$defs"]["output"]
    about = output["properties"]["diagnostics"]["items"]["properties"]["about"]
    whole = {"name": "vip", "column": "Account", "earlier": True, "nonempty": True, "mark": "listed", "case": "lower"}
    for kind in typing.get_args(Fact):
        fact = kind(**{field.name: whole[field.name] for field in dataclasses.fields(kind)})
        jsonschema.validate(_fact(fact), about)


# --- SARIF


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/ü #1%.kql", "a%20b/%C3%BC%20%231%25.kql"),
        ("a:b?.kql", "a%3Ab%3F.kql"),
        ("./x/../y.kql", "y.kql"),
    ],
)
def test_uris_are_encoded_and_relative_to_a_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, uri: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(path.replace("x/../", "")).parent.mkdir(exist_ok=True)
    Path("x").mkdir(exist_ok=True)
    Path(path).write_text("T | wehre x", "utf-8")
    for given in (path, tmp_path / path):
        (found,) = results(json.loads(run("check", given, "--format", "sarif").stdout))
        assert found["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_what_is_not_below_the_base_has_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "q 1.kql").write_text("T | wehre x")
    monkeypatch.chdir(tmp_path / "here")
    for given in ("../q 1.kql", tmp_path / "q 1.kql"):
        (found,) = results(json.loads(run("check", given, "--format", "sarif").stdout))
        location = found["locations"][0]["physicalLocation"]["artifactLocation"]
        assert location == {"uri": (tmp_path / "q 1.kql").as_uri()}


def test_columns_of_sarif_count_characters(tmp_path: Path) -> None:
    (tmp_path / "q.kql").write_text('T\n|\textend z = "😀" | wehre x', "utf-8")
    log = json.loads(run("check", tmp_path, "--format", "sarif").stdout)
    (found,) = results(log)
    assert log["runs"][0]["columnKind"] == "unicodeCodePoints"
    assert found["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 20}


def test_fingerprints_stay_when_lines_move_and_differ_from_each_other(tmp_path: Path) -> None:
    file = tmp_path / "q.kql"

    def prints() -> list[str]:
        log = json.loads(run("check", file, "--format", "sarif").stdout)
        return [r["partialFingerprints"]["primaryLocationLineHash"] for r in results(log)]

    file.write_text("T | where a == 1\n| join (U) on x | join (V) on x\n| join (W) on y")
    before = prints()
    file.write_text("// a comment\nT | where a == 1 and b == 2\n| join (U) on x | join (V) on x\n| join (W) on y")
    assert prints() == before and len(set(before)) == 3
    file.write_text("T | where a == 1\n| join (U) on x | join (V) on x\n| join (W) on z")
    assert prints()[:2] == before[:2] and prints()[2] != before[2]


def test_what_is_no_rule_is_told_and_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "q.kql").write_text("T | where x == 1")
    log = json.loads(run("check", tmp_path, "--format", "sarif").stdout)
    assert results(log) == []
    (told,) = log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    uri = told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert told["level"] == "note" and uri.endswith("/a.png")


def test_every_kind_of_finding_has_a_help() -> None:
    assert {*HELP} == {*PROBLEMS, *CODES} and not {*HELP} & {*KINDS}


def test_deviations_of_convert_as_sarif(tmp_path: Path) -> None:
    (tmp_path / "a.kql").write_text("SigninLogs | where ResultType != 0 | take 5 | summarize n = count() by IPAddress | where n > 3")
    (tmp_path / "b.kql").write_text("SigninLogs | wehre x")
    result = run("convert", tmp_path, "--format", "sarif")
    log = json.loads(result.stdout)
    found = results(log)
    (failed,) = (f for f in found if f["ruleId"] == "failed")
    assert failed["level"] == "error" and failed["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 14}
    report = json.loads(run("convert", tmp_path, "--format", "json").stdout)
    said = {(d["code"], d["message"]) for r in report["rules"] for o in r["outputs"].values() for d in o["diagnostics"]}
    assert said and {(f["ruleId"], f["message"]["text"].split(": ", 3)[3]) for f in found if f is not failed} == said
    assert all(rule["help"]["text"] for rule in log["runs"][0]["tool"]["driver"]["rules"])
    levels = {"note": "note", "same-alerts": "note", "none": "error"}
    for one in found:
        if one is not failed:
            assert one["level"] == levels.get(one["message"]["text"].split(": ")[2], "warning")


# --- what stands beside report.json


def lines(out: Path) -> list[dict[str, str]]:
    with (out / "report.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_line_of_csv_for_each_rule_and_target(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text('name: "A, or \\"B\\"\\nC"\nid: one\nquery: |\n  Odd_CL\n  | where a == 1 and x has "y"\n')
    (tmp_path / "b.kql").write_text("SigninLogs | wehre x")
    out = tmp_path / "out"
    run("convert", tmp_path, "-o", out, "-t", "splunk", "-t", "eql")
    rows = {(r["name"], r["target"]): r for r in lines(out)}
    assert set(rows) == {('A, or "B" C', "splunk"), ('A, or "B" C', "eql"), ("b", "")}
    report = json.loads((out / "report.json").read_text("utf-8"))
    (rule,) = (r for r in report["rules"] if r["id"] == "one")
    for target, output in rule["outputs"].items():
        row = rows['A, or "B" C', target]
        assert (row["verdict"], row["readiness"]) == (output["verdict"], output["readiness"]) and row["id"] == "one"
        assert "Odd_CL has no home that is known" in row["reasons"]
    assert rows["b", ""]["status"] == "failed" and rows["b", ""]["reasons"].startswith("1:14: ")


@pytest.mark.parametrize(
    "name",
    ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", " =1", "\t=1", "＝1", "a;=1", 'a;"=1', "a\n=1", '"=1', "a\t@b"],
)
def test_no_cell_is_a_formula(name: str) -> None:
    rule = {"name": name, "id": name, "source": name, "status": "ok", "outputs": {"eql": {"verdict": "exact", "diagnostics": []}}}
    text = spreadsheet({"rules": [rule]})
    for delimiter in ",;\t":
        for row in csv.reader(text.splitlines(), delimiter=delimiter):
            assert not [cell for cell in row if cell.strip('\ufeff\t "')[:1] in tuple("=+-@＝＋－＠")], row
    (row,) = csv.DictReader(text.splitlines())
    assert row["name"].replace("'", "") == re.sub("[\n\t]", " ", name)


def test_layers_of_attack_for_each_target(tmp_path: Path) -> None:
    rule = "name: {}\nrelevantTechniques: [{}]\nquery: |\n  {}\n"
    (tmp_path / "a.yaml").write_text(rule.format("Good", "T1110, T1078.004, T9999", 'SigninLogs | where ResultType == "50126"'))
    (tmp_path / "b.yaml").write_text(
        rule.format(
            "Bad", "T1110, T1059", "SigninLogs | make-series n = count() on TimeGenerated step 1h | where series_stats_dynamic(n).max > 9"
        )
    )
    (tmp_path / "c.yaml").write_text(rule.format("Failed", "T1098", "SigninLogs | wehre x"))
    out = tmp_path / "out"
    run("convert", tmp_path, "-o", out, "-t", "splunk", "-t", "eql")
    report = json.loads((out / "report.json").read_text("utf-8"))
    verdicts = {r["name"]: {t: o["verdict"] for t, o in r["outputs"].items()} for r in report["rules"]}
    assert sorted(p.name for p in (out / "attack").iterdir()) == ["eql.json", "splunk.json"]
    for target in ("splunk", "eql"):
        layer = json.loads((out / "attack" / f"{target}.json").read_text("utf-8"))
        assert layer["domain"] == "enterprise-attack" and layer["versions"]["layer"] == "4.5"
        colours = {item["label"]: item["color"] for item in layer["legendItems"]}
        found = {t["techniqueID"]: t for t in layer["techniques"]}
        assert set(found) == {"T1110", "T1078.004", "T1059"} and "T9999" in layer["description"] and "1 rule failed" in layer["description"]
        good, bad = verdicts["Good"][target], verdicts["Bad"][target]
        assert (found["T1110"]["color"], found["T1059"]["color"]) == (colours[good], colours[bad]) and bad == "none"
        assert found["T1110"]["score"] > found["T1059"]["score"] == 0
        assert found["T1110"]["comment"].splitlines() == [f"{good}: Good", f"{bad}: Bad"]


def test_no_layers_where_no_rule_names_a_technique(tmp_path: Path) -> None:
    (tmp_path / "a.kql").write_text("SigninLogs | where ResultType == '1'")
    run("convert", tmp_path, "-o", tmp_path / "out")
    assert not (tmp_path / "out" / "attack").exists() and (tmp_path / "out" / "report.csv").exists()


# --- the files that CI takes


def action() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    return found


@pytest.fixture
def ci(tmp_path: Path) -> Callable[..., tuple[int, dict[str, str]]]:
    """The script of the action with inputs, in a folder: its status, and the outputs that it sets."""
    (step,) = (s for s in action()["runs"]["steps"] if s.get("id") == "run")
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "kql2sigma").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m translator "$@"\n')
    (tools / "kql2sigma").chmod(0o755)

    def carried_out(folder: Path, **inputs: str) -> tuple[int, dict[str, str]]:
        given = {name: inputs.get(name, told["default"]) for name, told in action()["inputs"].items()}
        names = {name: re.sub(r"\$\{\{ inputs\.([\w-]+) }}", lambda m: given[m[1]], value) for name, value in step["env"].items()}
        told = tmp_path / "outputs"
        told.write_text("")
        path = f"{tools}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, **names, "PATH": path, "PYTHONPATH": str(ROOT), "GITHUB_OUTPUT": str(told)}
        script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(script, cwd=folder, env=environment, capture_output=True, timeout=300, check=False)
        return done.returncode, dict(entry.split("=", 1) for entry in told.read_text().splitlines())

    return carried_out


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash, which the steps of the action run in")
def test_the_action_checks_converts_and_verifies(tmp_path: Path, ci: Callable[..., tuple[int, dict[str, str]]]) -> None:
    work = tmp_path / "work"
    (work / "my rules").mkdir(parents=True)
    (work / "my rules" / "a $(touch owned).kql").write_text('SigninLogs | where ResultType == "50126"')
    (work / "aside").mkdir()
    (work / "aside" / "b.kql").write_text("SigninLogs | wehre x")
    given = {"commands": "check convert verify", "exclude": "aside\n", "arguments": "--target=splunk\n--quiet\n", "output": "./out dir/"}
    status, told = ci(work, **given)
    assert status == 0 and (work / told["report"]).exists() and not (work / "owned").exists()
    assert results(json.loads((work / told["sarif"]).read_text("utf-8"))) == []
    report = json.loads((work / told["report"]).read_text("utf-8"))
    assert [list(r["outputs"]) for r in report["rules"]] == [["splunk"]]
    status, told = ci(work, paths="my rules\naside\n", output="out")
    assert status == 1 and len(results(json.loads((work / told["sarif"]).read_text("utf-8")))) == 1
    assert (work / "out" / "splunk").exists(), "what can be converted is, though the check failed"
    assert ci(work, paths="nowhere\n", output="none") == (2, {}), "no report and no findings are named that are not there"
    wrongly = {"commands": "verify", "verify-arguments": "--target=nowhere"}
    for wrong in ({"commands": "check; touch owned"}, {"paths": "\n"}, {"commands": "rm"}, wrongly):
        assert ci(work, **wrong)[0] == 2 and not (work / "owned").exists()


def test_the_action_takes_inputs_as_data_alone() -> None:
    for step in action()["runs"]["steps"]:
        assert "${{" not in step.get("run", ""), "an input in a script is a part of the script"


def test_the_hooks_run_on_the_files_that_they_name(tmp_path: Path) -> None:
    hooks = {h["id"]: h for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("name: A\nquery: SigninLogs | where ResultType == '1'\n")
    (tmp_path / "b.kql").write_text("T|where x==1")
    (tmp_path / ".ci.yaml").write_text("on: push\n")
    taken = {}
    for name, hook in hooks.items():
        files = [p for p in sorted(tmp_path.rglob("*.*")) if re.search(hook["files"], p.relative_to(tmp_path).as_posix())]
        taken[name] = [p.name for p in files]
        command, *arguments = hook["entry"].split()
        assert command == "kql2sigma" and run(*arguments, *files).exit_code == 0
    assert taken == {"kql2sigma-check": ["b.kql", "a.yaml"], "kql2sigma-fmt": ["b.kql"]}
    assert (tmp_path / "b.kql").read_text() == "T\n| where x == 1\n"


def test_the_example_repository_is_one_that_the_action_and_the_hooks_know() -> None:
    text = (ROOT / "docs" / "detection_as_code.md").read_text("utf-8")
    hooks, workflow = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.S))
    known = {h["id"] for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    assert {h["id"] for h in hooks["repos"][0]["hooks"]} <= known
    (ours,) = (s for s in workflow["jobs"]["rules"]["steps"] if "kql2sigma@" in s.get("uses", ""))
    assert set(ours["with"]) <= set(action()["inputs"])
    assert set(re.findall(r"steps\.rules\.outputs\.(\w+)", text)) <= set(action()["outputs"])
    options = {o for parameter in main.commands["convert"].params for o in parameter.opts}
    assert {line.partition("=")[0] for line in ours["with"]["arguments"].split()} <= options
