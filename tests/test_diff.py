"""What changed between two runs is said, with the reason, from folders and from reports alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from translator.cli import main

FILTER = "SecurityEvent | where EventID == 4720"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert not isinstance(result.exception, Exception), result.exception
    return result


def written(folder: Path, out: Path, **rules: str) -> Path:
    """The output folder of a pack of these queries."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.kql"):
        old.unlink()
    for name, query in rules.items():
        (folder / f"{name}.kql").write_text(query)
    run("convert", folder, "-o", out, "-t", "splunk", "-t", "eql", "--quiet")
    return out


def changed(old: Path, new: Path) -> dict[tuple[str, str, str], tuple[str, str]]:
    result = run("diff", old, new, "--format", "json")
    found: list[dict[str, Any]] = json.loads(result.stdout)
    assert result.exit_code == int(bool(found))
    return {(c["name"], c["target"], c["what"]): (c["old"], c["new"]) for c in found}


@pytest.mark.parametrize("alone", [False, True])
def test_what_changed_and_why(tmp_path: Path, alone: bool) -> None:
    old = written(tmp_path / "pack", tmp_path / "old", same=FILTER, text=FILTER, worse=FILTER, gone=FILTER, breaks=FILTER)
    taken = "SecurityEvent | where EventID == 4720 | take 5"
    new = written(tmp_path / "pack", tmp_path / "new", same=FILTER, text=f"{FILTER}1", worse=taken, comes=FILTER, breaks=f"{FILTER} |")
    if alone:
        old, new = old / "report.json", new / "report.json"
    found = changed(old, new)
    assert {key: value for key, value in found.items() if not key[1]} == {
        ("gone", "", "rule"): ("ok", "absent"), ("comes", "", "rule"): ("absent", "ok"), ("breaks", "", "rule"): ("ok", "failed"),
    }  # fmt: skip
    assert ("text", "splunk", "text") in found and ("text", "splunk", "verdict") not in found
    assert found["worse", "eql", "verdict"][0] == "exact"
    assert not any(name == "same" for name, _, _ in found)
    told = run("diff", old, new).stdout
    assert "worse (" in told and "eql: verdict exact -> " in told and "\n    + " in told
    assert changed(old, old) == {} and "nothing changed" in run("diff", old, old).stdout


def test_readiness_and_moved_rules(tmp_path: Path) -> None:
    query = "Unknown_CL | where Field_s == 'x'"
    old = written(tmp_path / "pack", tmp_path / "old", r=query)
    (tmp_path / "site.yaml").write_text("splunk: {Unknown_CL: {place: {sourcetype: own}, columns: {Field_s: field}}}\n")
    (tmp_path / "pack").rename(tmp_path / "moved")
    run("convert", tmp_path / "moved", "-o", tmp_path / "new", "-t", "splunk", "-t", "eql", "--mapping", tmp_path / "site.yaml")
    found = changed(old, tmp_path / "new")
    assert found["r", "splunk", "readiness"] == ("names", "ready") and ("r", "splunk", "text") in found
    assert not any(what == "rule" for _, _, what in found)


def test_changes_are_counted_by_their_kind(tmp_path: Path) -> None:
    old = written(tmp_path / "rules", tmp_path / "old", kept=FILTER, gone=FILTER)
    new = written(tmp_path / "rules", tmp_path / "new", kept=FILTER, come=FILTER.replace("4720", "4726"), broken="T | wher x")
    assert run("diff", old, new).stdout.splitlines()[-1] == "3 rules changed: 2 new, 1 gone"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 1, "rules": 5}', '{"version": 2, "rules": []}', "[" * 100_000])
def test_what_is_no_report_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "report.json").write_text(content)
    result = run("diff", tmp_path, tmp_path)
    assert result.exit_code == 2 and "report" in result.stderr


def test_a_report_of_odd_shape_is_no_error(tmp_path: Path) -> None:
    odd = {
        "version": 1,
        "rules": [5, {}, {"outputs": 3}, {"name": None, "outputs": {"splunk": {"paths": [5, "../x"], "diagnostics": [None]}}}],
    }
    (tmp_path / "report.json").write_text(json.dumps(odd))
    assert run("diff", tmp_path, tmp_path).exit_code == 0


@pytest.mark.parametrize("odd", [None, 5, True, "text", {}, [{"fields": 5}]])
@pytest.mark.parametrize("member", ["paths", "diagnostics", "missing", "reads", "set_up"])
def test_an_output_of_odd_shape_is_no_error(tmp_path: Path, member: str, odd: object) -> None:
    for name, verdict in (("old", "exact"), ("new", "broader")):
        output = {"verdict": verdict, **({member: odd} if name == "new" else {})}
        rule = {"name": "a", "source": "a.kql", "status": "ok", "outputs": {"splunk": output}}
        (tmp_path / f"{name}.json").write_text(json.dumps({"version": 1, "rules": [rule]}))
    for one, other in (("old", "new"), ("new", "old")):
        result = run("diff", tmp_path / f"{one}.json", tmp_path / f"{other}.json")
        assert result.exit_code == 1 and "a (a.kql): splunk: verdict" in result.stdout
