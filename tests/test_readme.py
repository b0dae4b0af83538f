"""What the README shows is what the tool does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from translator.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_example_is_what_convert_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (arguments,) = re.findall(r"<!-- example: (.*?) -->", README)
    printed = CliRunner().invoke(main, arguments.split()).output
    example = README.split("<!-- example:")[1].split("## Try it")[0]
    blocks = re.findall(r"^```(?:yaml)?\n(.*?)^```", example, re.S | re.M)
    assert len(blocks) == 2
    for block in blocks:
        assert block in printed


def test_the_kql_shown_is_the_rules() -> None:
    (block,) = re.findall(r"^```kql\n(.*?)^```", README, re.S | re.M)
    rule = (ROOT / "rules" / "threshold.yaml").read_text("utf-8")
    assert "".join(f"  {line}\n" for line in block.splitlines()) in rule


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    (block,) = re.findall(r"^```python\n(.*?)^```", README, re.S | re.M)
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("same-alerts index=* sourcetype=")


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", README, re.M):
        assert re.search(rf"^{target}:", makefile, re.M)


def test_the_run_command_of_the_readme_runs(tmp_path: Path) -> None:
    (line,) = re.findall(r"^kql2sigma run '(.*?)' --data logs/", README, re.M)
    (tmp_path / "SigninLogs.ndjson").write_text(
        '{"IPAddress": "203.0.113.7", "ResultType": "50126"}\n{"IPAddress": "203.0.113.7", "ResultType": "0"}\n'
    )
    printed = CliRunner().invoke(main, ["run", line, "--data", str(tmp_path), "--format", "csv"]).output
    assert printed == "IPAddress,count_\n203.0.113.7,1\n"


def test_the_example_of_the_backends_prints_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "backends.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.S | re.M)
    (shown,) = re.findall(r"^prints\n\n```\n(.*?)^```", page, re.S | re.M)
    exec(compile(example, "docs/backends.md", "exec"), {})
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("page", ["mapping.md", "inventory.md", "packages.md", "verify.md"])
def test_the_walks_through_an_example_print_what_they_show(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page in their order: files to write, commands to run, files they write, and what they print."""
    monkeypatch.chdir(tmp_path)
    printed, done = "", 0
    for what, block in re.findall(r"^<!-- (.*?) -->\n```\w*\n(.*?)^```", (ROOT / "docs" / page).read_text("utf-8"), re.S | re.M):
        name = what.rpartition(" ")[2]
        if what.startswith("file written"):
            assert Path(name).read_text("utf-8") == block
        elif what.startswith("file"):
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(block, encoding="utf-8")
        elif what == "run":
            result = CliRunner().invoke(main, block.split()[1:])
            assert result.exit_code == 0, result.output
            printed = result.output
        else:
            assert block in printed
        done += 1
    assert done >= 4


def test_the_commands_shown_have_the_options_that_they_show(tmp_path: Path) -> None:
    for page in (README, *(p.read_text("utf-8") for p in (ROOT / "docs").glob("*.md"))):
        for command, rest in re.findall(r"^kql2sigma (\w+)(.*)$", page, re.M):
            known = CliRunner().invoke(main, [command, "--help"])
            assert known.exit_code == 0, command
            options = re.findall(r"(?<!\S)(--?\w[\w-]*)", re.sub(r"'[^']*'", "", rest.split("#")[0]))
            assert all(re.search(rf"(?<![\w-]){option}\b", known.output) for option in options), (command, options)


@pytest.mark.parametrize("page", ["README.md", "docs/verify.md"])
def test_the_verify_commands_prove_what_they_say(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    commands = re.findall(r"^kql2sigma (verify rules/.*?)(?: +#.*)?$", (ROOT / page).read_text("utf-8"), re.M)
    assert len(commands) == 2
    for command in commands:
        found = CliRunner().invoke(main, command.split())
        assert found.exit_code == 0 and "proven" in found.stdout and "contradicted" not in found.stdout


def test_the_conversion_that_is_tried_is_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = re.findall(r"^kql2sigma (convert rules/\S+ -o) out/( .*--verify.*)$", (ROOT / "docs/verify.md").read_text("utf-8"), re.M)
    monkeypatch.chdir(ROOT)
    found = CliRunner().invoke(main, [*command[0].split(), str(tmp_path / "out"), *command[1].split()])
    assert found.exit_code == 0 and "splunk: 1 proven" in found.stdout
    (rule,) = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["rules"]
    assert {o["proof"]["outcome"] for o in rule["outputs"].values()} == {"proven"}
