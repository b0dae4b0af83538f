"""What a user meets: bad input, exit status, options."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from translator import pack
from translator.cli import main
from translator.commands import explain
from translator.pipeline import Conversion, convert
from translator.rulepack import Rule

GOOD = "name: Good\nquery: |\n  SigninLogs\n  | where ResultType == '0'\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_list_of_commands_is_read_whole_and_each_option_has_a_help_text() -> None:
    listed = run("--help").output.split("Commands:")[1]
    assert "..." not in listed
    for name, command in main.commands.items():
        assert name in listed
        assert [p.name for p in command.params if isinstance(p, click.Option) and not p.help] == [], name


@pytest.mark.parametrize(
    ("name", "content", "place", "says"),
    [
        ("no.yaml", b"a: [1, 2\nb: }", ":2:2:", "not valid YAML"),
        ("empty.yaml", b"", ":1:1:", "empty"),
        ("blank.kql", b"  \n ", ":1:1:", "empty"),
        ("noquery.yaml", b"name: x\nseverity: High\n", ":1:1:", "no key 'query'"),
        ("nullquery.yaml", b"name: x\nquery:\n", ":2:", "the query of this rule is empty"),
        ("binary.yaml", b"\x00\x01\x02", ":1:1:", "binary"),
        ("latin.yaml", b"name: x\nquery: caf\xe9\n", ":2:11:", "UTF-8"),
        ("syntax.yaml", b"name: x\nquery: |\n  T\n  | where (a\n  | take 5\n", ":5:11:", "the query ends here"),
        ("operator.yaml", b"name: x\nquery: |\n  T\n  | wehre a\n", ":4:5:", "did you mean 'where'?"),
    ],
)
def test_bad_input_is_one_clear_message_and_loses_no_other_rule(tmp_path: Path, name: str, content: bytes, place: str, says: str) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / name).write_bytes(content)
    (pack / "zz-good.yaml").write_text(GOOD)
    result = run("convert", str(pack), "-o", str(tmp_path / "out"))
    assert result.exit_code == 1
    messages = [line for line in result.stderr.splitlines() if "error:" in line]
    assert len(messages) == 1 and f"{name}{place}" in messages[0] and says in messages[0]
    assert "Traceback" not in result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert {r["name"]: r["status"] for r in report["rules"]}["Good"] == "ok"
    assert (tmp_path / "out" / "splunk" / "good.spl").is_file()


@pytest.mark.parametrize("command", ["attack", "check", "convert", "explain", "fmt", "mapping -t splunk", "verify"])
def test_nothing_begins_where_a_path_is_missing(command: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(GOOD)
    result = run(*command.split(), str(tmp_path / "r.yaml"), str(tmp_path / "nowhere.yaml"))
    assert result.exit_code == 2 and result.stdout == ""
    assert "nowhere.yaml' does not exist" in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", ["attack", "convert", "explain", "mapping -t splunk", "verify"])
def test_what_fails_is_told_apart_from_what_comes_out(command: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("name: x\nquery:\n")
    result = run(*command.split(), str(tmp_path))
    assert result.exit_code == 1 and "r.yaml:2:" in result.stderr and "error: " in result.stderr and "error: " not in result.stdout


def test_usage_errors_exit_with_2(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(GOOD)
    assert run("convert").exit_code == 2
    assert run("convert", str(tmp_path), "--timespan", "soon").exit_code == 2
    assert run("convert", str(tmp_path), "-t", "qradar").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("convert FILE -t pysigma:nosuch", "no pySigma backend nosuch is installed; there are "),
        ("convert FILE -t pysigma:splunk --pipeline nosuch", "Processing pipeline 'nosuch' not found"),
        ("convert FILE -t splunk --pipeline nosuch", "--pipeline is for a backend of pySigma"),
        ("convert FILE --home nosuch", "'nosuch' is no home of the catalog; kql2sigma tables lists them"),
        ("convert FILE --rule-timeout nan", "'nan' is no number of seconds"),
        ("convert FILE --fail-on exact", "'exact' is not one of"),
        ("convert FILE --package kibana", "which are files: name their folder by -o"),
        ("convert FILE --dialect spark", "ask for it by -t sql"),
        ("fmt FILE -w --check", "give one of them"),
        ("run nosuch.kql", "there is no file nosuch.kql"),
        ("run print --data nosuch", "'nosuch' does not exist"),
        ("run SigninLogs --engine postgres", "there is no engine 'postgres'; there are duckdb and spark"),
        ("verify FILE --data nosuch", "'nosuch' does not exist"),
        ("run print --schema nosuch.json", "'nosuch.json' does not exist"),
    ],
)
def test_what_cannot_be_meant_is_said_before_the_work(arguments: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(GOOD)
    result = run(*(str(tmp_path / "r.yaml") if a == "FILE" else a for a in arguments.split()))
    assert result.exit_code == 2 and result.stdout == "" and says in " ".join(result.stderr.split())


def test_fmt_lays_out_no_query_within_another_file_and_no_folder(tmp_path: Path) -> None:
    for name in ("r.yaml", "r.tf", "r.ipynb"):
        (tmp_path / name).write_text(GOOD)
    for path in (*tmp_path.iterdir(), tmp_path):
        result = run("fmt", str(path))
        assert result.exit_code == 1 and "fmt lays out files of KQL" in result.stderr


def test_a_folder_without_a_rule_is_named_beside_others(tmp_path: Path) -> None:
    for name in ("rules", "functions", "pictures"):
        (tmp_path / name).mkdir()
    (tmp_path / "rules" / "r.yaml").write_text(GOOD)
    (tmp_path / "functions" / "f.kql").write_text(".create-or-alter function Failed() { SigninLogs | where ResultType != '0' }")
    result = run("check", *(str(path) for path in tmp_path.iterdir()))
    named = [line for line in result.output.splitlines() if "no rule was found here" in line]
    assert result.exit_code == 0 and named == [f"{tmp_path / 'pictures'}:1:1: note: no rule was found here"]


def test_what_is_not_printed_on_a_terminal_is_the_text_of_the_output(tmp_path: Path) -> None:
    (tmp_path / "q.kql").write_text("DeviceFileEvents | where FileName has 'a\u202eb'\n", encoding="utf-8")
    assert "a\u202eb" in run("convert", str(tmp_path / "q.kql"), "-t", "splunk").stdout


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_ends_a_query_that_runs() -> None:
    query = "range x from 1 to 3000000000 step 1 | extend y = x * x | summarize dcount(y) by x % 1000"
    with subprocess.Popen([sys.executable, "-m", "translator", "run", query], stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=4)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == b"interrupted\n" and process.returncode == 130


def test_unknown_names_are_said_without_an_empty_table() -> None:
    for command, name, near in (("functions", "strlenn", "strlen"), ("diagnostics", "case-ignore", "case-ignored")):
        result = run(command, name)
        assert result.exit_code == 1 and result.stdout == "" and f"did you mean {near}?" in result.stderr


@pytest.mark.parametrize(
    ("query", "fail_on", "named"),
    [
        ("T | where a == 'x' | take 5", "", ""),
        ("T | where a == 'x' | take 5", "none", ""),
        ("T | where a == 'x' | take 5", "differs", ""),
        ("T | where a == 'x' | take 5", "broader", "r (sigma broader)"),
        ("T | where a == 'x' | take 5", "same-alerts", "r (sigma broader)"),
        ("T | make-series n = count() on TimeGenerated step 1h by a", "", ""),
        ("T | make-series n = count() on TimeGenerated step 1h by a", "none", "r (sigma none)"),
    ],
)
def test_no_verdict_fails_unless_fail_on_says_so(query: str, fail_on: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(f"name: r\nquery: {query}\n")
    result = run("convert", str(tmp_path / "r.yaml"), "-t", "sigma", *(("--fail-on", fail_on) if fail_on else ()))
    assert result.exit_code == bool(named)
    assert (f"error: --fail-on {fail_on}: {named}" in result.stderr) == bool(named)


def test_tables_are_cut_nowhere_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    rows = run("tables", "SigninLogs").output.splitlines()
    (row,) = (r for r in rows if r.split()[:1] == ["AppliedConditionalAccessPolicies"] and "properties." in r and "(json)" in r)
    assert row.split()[1] == "properties.appliedConditionalAccessPolicies"
    assert any(r.startswith("│ case-ignored ") and "with case" in r for r in run("diagnostics").output.splitlines())


def test_notes_are_called_notes(tmp_path: Path) -> None:
    (tmp_path / "r.kql").write_text("T | where a == 'x' | sort by a")
    for command in ("convert", "explain"):
        printed = run(command, str(tmp_path / "r.kql"), "-t", "splunk").output
        assert "1:22 note: " in printed and " exact: " not in printed


def test_the_summary_has_80_columns_where_it_is_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    rule = tmp_path / f"{'a_long_name ' * 12}.kql"
    rule.write_text(
        "SigninLogs | where isnotempty(IPAddress) | sort by IPAddress asc, TimeGenerated asc\n"
        "| where prev(IPAddress) == IPAddress and row_number() > 2 and ResultType == '0'",
        encoding="utf-8",
    )
    printed = run("convert", str(rule), "-o", str(tmp_path / "out"), "--verify").stdout.splitlines()
    drawn = [text for text in printed if text.startswith(("┃", "│", "┏", "└"))]
    assert drawn and {len(text) for text in drawn} == {80}
    assert [text.count("executable") for text in drawn if "executable" in text] == [3]


def test_mapping_names_fields(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(GOOD)
    (tmp_path / "map.yaml").write_text("splunk: {SigninLogs: {ResultType: status_code}}\n")
    result = run("convert", str(tmp_path / "r.yaml"), "-t", "splunk", "--mapping", str(tmp_path / "map.yaml"))
    assert 'status_code="0"' in result.output


def test_names_cannot_leave_the_output_folder(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(GOOD.replace("Good", "../../etc/passwd"))
    run("convert", str(tmp_path / "r.yaml"), "-o", str(tmp_path / "out"))
    assert (tmp_path / "out" / "splunk" / "etc-passwd.spl").is_file()


def test_two_rules_of_one_name_and_id_both_survive_packaging(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("id: 5c2a6f43-1e5b-4d7d-8a43-1f4fbb0dcb02\n" + GOOD)
    run("convert", str(tmp_path), "-o", str(tmp_path / "out"))
    stanzas = [x for x in (tmp_path / "out/splunk/app/default/savedsearches.conf").read_text().splitlines() if x.startswith("[")]
    assert stanzas == ["[Good]", "[Good (5c2a6f43)]"]
    rules = [json.loads(x)["rule_id"] for x in (tmp_path / "out/elastic/rules.ndjson").read_text().splitlines()]
    assert len(set(rules)) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked, and know nothing of what a test puts in")
@pytest.mark.parametrize(("jobs", "dies"), [("1", False), ("2", False), ("1", True), ("2", True)])
def test_a_rule_that_hangs_or_kills_its_process_is_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: str, dies: bool
) -> None:
    def hanging(rule: Rule, *others: Any) -> Conversion:
        if rule.name == "Bad":
            os.kill(os.getpid(), signal.SIGKILL) if dies else time.sleep(600)
        return convert(rule, *others)

    monkeypatch.setattr(pack, "convert", hanging)
    for name in ("Good", "Bad", "Better"):
        (tmp_path / f"{name}.yaml").write_text(GOOD.replace("Good", name))
    result = run("convert", str(tmp_path), "-o", str(tmp_path / "out"), "--jobs", jobs, "--rule-timeout", "8")
    assert result.exit_code == 1
    assert f"Bad.yaml:3:3: error: {'its process was killed' if dies else 'stopped after 8 s'}" in result.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert {r["name"]: r["status"] for r in report["rules"]} == {"Good": "ok", "Bad": "failed", "Better": "ok"}


def test_convert_and_explain_try_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kql = "SigninLogs | where ResultType == '50126' | summarize c = count() by IPAddress | where c >= 5"
    (tmp_path / "r.yaml").write_text(f"name: r\nquery: |\n  {kql}\n")
    asked = ("convert", str(tmp_path / "r.yaml"), "-t", "splunk", "-t", "sql", "--verify", "--format", "json", "--no-cache")
    right = run(*asked)
    outputs = json.loads(right.stdout)["rules"][0]["outputs"]
    assert right.exit_code == 0 and "proof" not in outputs["sql"]
    assert outputs["splunk"]["proof"].pop("events") > 100
    assert outputs["splunk"]["proof"] == {"outcome": "proven", "claim": "same-alerts", "branches": [2, 2]}

    def wrong(rule: Rule, *others: Any) -> Conversion:
        found = convert(rule, *others)
        output = found.outputs["splunk"]
        texts = tuple(t.replace(">=5", ">=4") for t in output.texts)
        return replace(found, outputs={**found.outputs, "splunk": replace(output, texts=texts)})

    monkeypatch.setattr(pack, "convert", wrong)
    monkeypatch.setattr(explain, "convert", wrong)
    found = run(*asked, "--rule-timeout", "0")
    output = json.loads(found.stdout)["rules"][0]["outputs"]["splunk"]
    assert found.exit_code == 1
    assert (output["verdict"], output["proof"]["outcome"], output["proof"]["claim"]) == ("broader", "contradicted", "same-alerts")
    assert output["diagnostics"][-1]["code"] == "tried-broader"
    shown = run("convert", str(tmp_path / "r.yaml"), "-t", "splunk", "--verify", "--rule-timeout", "0", "-o", str(tmp_path / "out"))
    assert shown.exit_code == 1 and "contradicted" in shown.stdout and "splunk: 1 contradicted" in shown.stdout
    explained = run("explain", str(tmp_path / "r.yaml"), "-t", "splunk", "--verify")
    assert explained.exit_code == 1 and "splunk: broader, contradicted" in explained.stdout
    assert "tried on events, the text alerts where the KQL does not" in explained.stdout


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("convert --target e", ["eql", "esql"]),
        ("convert --fail-on na", ["narrower"]),
        ("tables signinl", ["SigninLogs"]),
        ("functions strl", ["strlen"]),
        ("diagnostics case-ig", ["case-ignored"]),
    ],
)
def test_a_shell_completes_what_has_a_name(monkeypatch: pytest.MonkeyPatch, words: str, names: list[str]) -> None:
    given = f"kql2sigma {words}"
    monkeypatch.setenv("_KQL2SIGMA_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", given)
    monkeypatch.setenv("COMP_CWORD", str(len(given.split()) - 1))
    shown = CliRunner().invoke(main, prog_name="kql2sigma").stdout
    assert [line.partition(",")[2] for line in shown.splitlines()] == names


@pytest.mark.parametrize("columns", ["40", "80"])
def test_no_part_of_a_heading_a_source_line_or_an_alert_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """The verdict stands at the end of a heading, and a deviation may be at the end of a line."""
    monkeypatch.setenv("COLUMNS", columns)
    name = "Failed sign-ins of " + "many " * 20 + "users"
    query = f'SigninLogs | where UserPrincipalName != "{"a" * 90}" and ResultType == "1"'
    (tmp_path / "r.yaml").write_text(f"name: {name}\nquery: |\n  {query}\n", encoding="utf-8")
    assert f"{name}: splunk, exact, ready ──\n" in run("convert", str(tmp_path / "r.yaml"), "-t", "splunk").stdout
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    shown = run("explain", str(tmp_path / "r.yaml"), "-t", "splunk").stdout
    bare = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert max(map(len, bare.splitlines())) <= int(columns)
    found = "".join(bare.split())
    assert all("".join(text.split()) in found for text in (name, query)) and "search:Failed" in found and "…" not in bare


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("tables", ["AADNonInteractiveUserSignInLogs", "sourcetype=azure:monitor:aad"]),
        ("diagnostics", ["unsupported-expression", "lets through"]),
        (
            "convert rules/threshold.yaml -o OUT -t sigma -t splunk -t eql -t esql -t sql -t pysigma:splunk",
            ["same-alerts", "pysigma:splunk"],
        ),
    ],
)
def test_no_word_of_a_table_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, words: list[str]) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.chdir(Path(__file__).parents[1])
    shown = run(*command.replace("OUT", str(tmp_path)).split()).stdout
    assert "…" not in shown
    cells = [[cell.strip() for cell in line.split(line[0])] for line in shown.splitlines() if line.startswith(("│", "┃"))]
    found = ["".join(column) for column in zip(*cells, strict=True)]
    assert all(any(word.replace(" ", "") in column.replace(" ", "") for column in found) for word in words)


def test_explain_tells_a_rule_s_alerts_in_words(tmp_path: Path) -> None:
    rule = tmp_path / "r.yaml"
    schedule = "queryFrequency: 2h\nqueryPeriod: 1d\ntriggerOperator: lt\ntriggerThreshold: 5\n"
    rule.write_text(f"name: Few\nkind: Scheduled\n{schedule}query: |\n  SigninLogs\n", "utf-8")
    told = run("explain", str(rule), "-t", "splunk").stdout
    assert all(part in told for part in ("runs: every 2h", "looks at: the last 1d", "alerts on: fewer than 5 rows"))
    rule.with_suffix(".kql").write_text("SigninLogs", "utf-8")
    assert "runs: not on a schedule" in run("explain", str(rule.with_suffix(".kql")), "-t", "splunk").stdout
