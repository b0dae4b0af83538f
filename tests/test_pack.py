"""A pack among hostile files, signals and disks: every good rule comes out, what does not is named, and the report is there."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from tests import conf_reader
from translator import pack
from translator.cli import main
from translator.commands import common
from translator.commands.summary import print_problems
from translator.commands.writing import OutputFolder
from translator.pipeline import Conversion, convert
from translator.rulepack import Rule

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, pipes and limits of this kind are of POSIX")
FORKED = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked, and know nothing of what a test puts in")
ROOT = Path(__file__).resolve().parents[1]


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert "Traceback" not in result.output and not isinstance(result.exception, Exception), result.output
    return result


def rule(name: str, code: int = 4720, **facts: str) -> str:
    """A rule file; every value is a YAML string in double quotes, with JSON's escapes."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in {"name": name, **facts}.items()]
    return "\n".join([*lines, f"query: SecurityEvent | where EventID == {code}"]) + "\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A pack of three good rules, one before and one behind whatever else is put there."""
    folder = tmp_path / "pack"
    folder.mkdir()
    for number, name in enumerate(("a-first", "m-second", "z-third")):
        (folder / f"{name}.yaml").write_text(rule(name, 4720 + number))
    return folder


def report(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "report.json").read_text("utf-8"))
    return found


def test_a_rule_that_was_met_before_is_named(tmp_path: Path) -> None:
    pack_, out = tmp_path / "pack", tmp_path / "out"
    (pack_ / "Package").mkdir(parents=True)
    (pack_ / "rule.yaml").write_text(rule("a", id="6A1F0C52-3f55-4a0e-8e0e-1a2b3c4d5e6f"))
    (pack_ / "other.yaml").write_text(rule("a", id="7a1f0c52-3f55-4a0e-8e0e-1a2b3c4d5e6f"))
    (pack_ / "none.kql").write_text("SecurityEvent | where EventID == 1")
    with zipfile.ZipFile(pack_ / "Package" / "1.zip", "w") as archive:
        archive.writestr("a.yaml", rule("a", id="6a1f0c52-3f55-4a0e-8e0e-1a2b3c4d5e6f"))
    for _ in range(2):  # also of what was converted before
        result = run("convert", pack_, "-o", out, "-t", "splunk")
        (told,) = [line for line in result.output.splitlines() if line.startswith("read again: ")]
        assert f"{pack_ / 'rule.yaml'}:3:8: a rule of the same identifier was read before" in told and result.exit_code == 0
    (item,) = report(out)["skipped"]
    assert item["again"] is True and item["source"].endswith("rule.yaml") and report(out)["summary"]["rules"] == 4
    assert "read before" in run("check", pack_).output and "read before" not in run("check", pack_, "--exclude", "Package").output


def statuses(out: Path) -> dict[str, str]:
    return {r["name"]: r["status"] for r in report(out)["rules"]}


GOOD = {"a-first": "ok", "m-second": "ok", "z-third": "ok"}


def came_out(out: Path) -> None:
    """All that the three good rules come to is there, and what reads it can."""
    found = statuses(out)
    assert {n: found.get(n) for n in GOOD} == GOOD
    for name in GOOD:
        for target, extension in (("sigma", "yml"), ("splunk", "spl"), ("eql", "eql"), ("esql", "esql")):
            assert (out / target / f"{name}.{extension}").read_text("utf-8").strip()
    assert GOOD.keys() <= conf_reader.read((out / "splunk/app/default/savedsearches.conf").read_text("utf-8")).keys()
    lines = (out / "elastic/rules.ndjson").read_text("utf-8").splitlines()
    assert GOOD.keys() <= {json.loads(text)["name"] for text in lines}


# --- files


HOSTILE_NAMES = {
    "lone": '"half \\ud800 of one"',
    "pair": '"an emoji \\ud83d\\ude00 as JSON has it"',
    "markup": '"[/red] [bold]loud[/bold]"',
    "escape": '"\\e[31mred\\e]0;title\\a"',
    "default": '"default"',
    "brackets": '"a] [b"',
    "case": '"A-FIRST"',
    "backslash": '"ends with \\\\"',
    "lines": '"one\\ntwo = 3\\n[four]"',
    "nul": '"n\\0ul"',
    "blank": '" "',
    "dots": '"../../up"',
    "device": '"COM1"',
    "right to left": '"\\u202egnp.exe"',
}


def test_hostile_metadata_lose_nothing(good: Path, tmp_path: Path) -> None:
    for name, text in HOSTILE_NAMES.items():
        for number in range(2):
            lines = f"id: {text}\nname: {text}\ndescription: {text}\nquery: SecurityEvent | where EventID == {number}\n"
            (good / f"{name} {number}.yaml").write_text(lines)
    result = run("convert", good, "-o", tmp_path / "out")
    came_out(tmp_path / "out")
    rules = report(tmp_path / "out")["rules"]
    assert len(rules) == 3 + 2 * len(HOSTILE_NAMES)
    stanzas = conf_reader.read((tmp_path / "out/splunk/app/default/savedsearches.conf").read_text("utf-8"))
    assert len({name.casefold() for name in stanzas}) == len(stanzas) == len(rules)
    assert "default" not in {name.casefold() for name in stanzas}
    assert not any(c in result.output for c in "\x1b\x07\x00\u202e")
    written = [p for p in tmp_path.rglob("*") if p.is_file() and good not in p.parents]
    assert all((tmp_path / "out") in p.parents for p in written)
    assert not {p.name.split(".")[0] for p in written} & {"com1", "con", ""}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_half_of_a_character_in_a_query_is_refused_by_name(good: Path, tmp_path: Path, jobs: str) -> None:
    (good / "b.yaml").write_text("name: b\nquery: \"SecurityEvent | where Account == '\\ud800'\"\n")
    result = run("convert", good, "-o", tmp_path / "out", "--jobs", jobs)
    came_out(tmp_path / "out")
    assert result.exit_code == 1 and "half of a surrogate pair" in result.stderr and statuses(tmp_path / "out")["b"] == "failed"


@POSIX
def test_file_names_of_any_bytes(good: Path, tmp_path: Path) -> None:
    for name in (b"caf\xe9.kql", b"two\nlines.kql", b"\x1b[31mred.kql", b"[red].kql"):
        with open(os.fsencode(good) + b"/" + name, "wb") as file:
            file.write(b"SecurityEvent | where")
    for command in (("convert", good, "-o", tmp_path / "out"), ("check", good), ("explain", good), ("attack", good)):
        result = run(*command)
        assert "\x1b[31m" not in result.output and "\ntwo" not in result.output.replace("two\\n", "")
        if command[0] in ("convert", "check"):
            assert all(told in result.output for told in ("caf\\xe9.kql:1:", "two\\nlines.kql:1:", "\\x1b[31mred.kql:1:", "[red].kql:1:"))
    came_out(tmp_path / "out")
    assert len({r["source"] for r in report(tmp_path / "out")["rules"]}) == 7


@POSIX
def test_what_is_no_file_is_said(good: Path, tmp_path: Path) -> None:
    os.mkfifo(good / "b.kql")
    (good / "c.kql").symlink_to("nowhere.kql")
    (good / "d.kql").mkdir()
    result = run("convert", good, "-o", tmp_path / "out")
    came_out(tmp_path / "out")
    assert result.exit_code == 1
    assert "b.kql:1:1: error: this is no file: a pipe or a device" in result.stderr
    assert "c.kql:1:1: error: this is no file: a link to nothing" in result.stderr
    assert "b.kql:1:1: error: this is no file" in run("check", good).stdout


def test_a_folder_that_cannot_be_read_is_said(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (good / "secret").mkdir()
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    result = run("convert", good, "-o", tmp_path / "out")
    came_out(tmp_path / "out")
    assert result.exit_code == 1 and "secret:1:1: error: this folder cannot be read: Permission denied" in result.stderr


# --- limits and processes


@FORKED
@pytest.mark.parametrize("where", ["convert", "prepared", "output"])
def test_a_rule_beyond_a_limit_is_lost_alone(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def slow(one: Rule, *others: Any) -> Conversion:
        if one.name == "b" and where == "convert":
            while True:
                pass
        if one.name == "b" and where == "output":
            monkeypatch.setattr(pack, "RULE_OUTPUT", 1)
        return convert(one, *others)

    def prepared(conversion: Conversion, *others: Any, **more: Any) -> Any:
        if conversion.rule.name == "b" and where == "prepared":
            raise ValueError("no package for b")
        return real(conversion, *others, **more)

    from translator.commands import convert as command

    real = command.prepared
    monkeypatch.setattr(pack, "convert", slow)
    monkeypatch.setattr(command, "prepared", prepared)
    (good / "b.yaml").write_text(rule("b", 1, description="x" * (1_100_000 if where == "output" else 1)))
    monkeypatch.setattr(pack, "RULE_OUTPUT", 1)
    result = run("convert", good, "-o", tmp_path / "out", "--rule-timeout", "10")
    came_out(tmp_path / "out")
    assert result.exit_code == 1
    told = {"convert": "stopped after 10 s", "prepared": "b is in no package: ", "output": "it gives more than 1 MB"}
    assert told[where] in result.stderr
    assert statuses(tmp_path / "out")["b"] == ("ok" if where == "prepared" else "failed")
    assert (tmp_path / "out/splunk/b.spl").exists() == (where == "prepared")


@FORKED
def test_a_rule_that_breaks_the_packages_is_in_none(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from translator.package import splunk_app

    real = splunk_app.correlation

    def breaking(one: Rule, *others: Any) -> dict[str, str]:
        if one.name == "b":
            raise KeyError("severity")
        return real(one, *others)

    monkeypatch.setattr(splunk_app, "correlation", breaking)
    (good / "b.yaml").write_text(rule("b", 1))
    result = run("convert", good, "-o", tmp_path / "out")
    came_out(tmp_path / "out")
    assert result.exit_code == 1 and "b is in no package" in result.stderr
    (one,) = (r for r in report(tmp_path / "out")["rules"] if r["name"] == "b")
    assert any("no package has this rule" in d["message"] for d in one["outputs"]["splunk"]["diagnostics"])


@FORKED
def test_a_killed_process_costs_no_rule(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(one: Rule, *others: Any) -> Conversion:
        if not (tmp_path / one.name).exists():
            (tmp_path / one.name).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return convert(one, *others)

    monkeypatch.setattr(pack, "convert", dying)
    assert run("convert", good, "-o", tmp_path / "out").exit_code == 0
    came_out(tmp_path / "out")


# --- signals


SLOW = """
import sys, time
from pathlib import Path
from translator import pack
from translator.cli import main
real = pack.convert
def waiting(rule, *others):
    while rule.name.startswith("m-"):
        time.sleep(0.1)
    return real(rule, *others)
pack.convert = waiting
main()
"""


def started(*arguments: str | Path, script: str = SLOW, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **more)


def until(holds: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def everybody(process: int) -> Iterator[int]:
    for text in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split():
        yield int(text)


@FORKED
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whole_group", [False, True])
def test_a_signal_leaves_what_has_come(good: Path, tmp_path: Path, ended_by: signal.Signals, whole_group: bool) -> None:
    out = tmp_path / "out"
    with started("convert", good, "-o", out, "--jobs", "2") as running:
        assert until(lambda: all((out / f"esql/{name}.esql").exists() for name in ("a-first", "z-third")))
        children = list(everybody(running.pid))
        (os.killpg if whole_group else os.kill)(running.pid, ended_by)
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 128 + ended_by and "Traceback" not in errors
    assert "m-second.yaml:2:8: error: not converted: the run was interrupted" in errors
    assert statuses(out) == {"a-first": "ok", "m-second": "failed", "z-third": "ok"}
    assert report(out)["stopped"] == f"{ended_by.name}: 1 of 3 were not converted"
    searches = conf_reader.read((out / "splunk/app/default/savedsearches.conf").read_text("utf-8"))
    assert searches.keys() == {"a-first", "z-third"}
    assert not list(out.rglob(".kql2sigma-*"))
    assert until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


@FORKED
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_the_wait_for_standard_input(ended_by: signal.Signals, tmp_path: Path) -> None:
    with started("convert", "-", "-o", tmp_path / "out", stdin=subprocess.PIPE) as running:
        if not until(lambda: Path(f"/proc/{running.pid}/wchan").read_text("ascii").endswith("pipe_read"), 30):
            running.kill()
            pytest.skip("this system does not say what a process waits for")
        running.send_signal(ended_by)
        assert until(lambda: running.poll() is not None, 30)
        assert "Traceback" not in running.stderr.read()  # type: ignore[union-attr]


@FORKED
@pytest.mark.parametrize("journal", [True, False], ids=["journal", "cache"])
def test_a_run_goes_on_where_another_ended(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: bool) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    cache = ("--no-cache",) if journal else ()
    with started("convert", good, "-o", out, "--jobs", "2", *cache) as running:
        assert until(lambda: all((out / f"esql/{name}.esql").exists() for name in ("a-first", "z-third")))
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert (out / ".kql2sigma-journal").exists() == journal
    (good / "z-third.yaml").write_text(rule("z-third", 1))

    def counted(one: Rule, *others: Any) -> Conversion:
        (tmp_path / f"converted {one.name}").touch()
        return convert(one, *others)

    run("convert", good, "-o", whole, "--no-cache")
    monkeypatch.setattr(pack, "convert", counted)
    assert run("convert", good, "-o", out, *(("--resume", *cache) if journal else ())).exit_code == 0
    assert {p.name for p in tmp_path.glob("converted *")} == {"converted m-second", "converted z-third"}
    files = {p.relative_to(whole) for p in whole.rglob("*") if p.is_file()}
    assert files == {p.relative_to(out) for p in out.rglob("*") if p.is_file()}
    changed = {str(f) for f in files if (whole / f).read_bytes() != (out / f).read_bytes()}
    assert changed <= VERSIONED


VERSIONED = {f"splunk/{f}" for f in ("app/default/app.conf", "kql2sigma_detections.tar.gz")} | {"elastic/rules.ndjson", "report.json"}
"""What counts how often it has changed."""


def test_a_journal_of_somebody_else_runs_nothing(good: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.system, (f"touch {tmp_path}/owned",)

    out = tmp_path / "out"
    out.mkdir()
    for data in (pickle.dumps(("key", Bomb())), b"\x80\x05garbage", b""):
        (out / ".kql2sigma-journal").write_bytes(data)
        assert run("convert", good, "-o", out, "--resume").exit_code == 0
        assert not (tmp_path / "owned").exists() and not (out / ".kql2sigma-journal").exists()
        came_out(out)


@FORKED
def test_a_run_that_is_killed_leaves_a_report_and_no_process(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with started("convert", good, "-o", out, "--jobs", "2") as running:
        assert until(lambda: all((out / f"esql/{name}.esql").exists() for name in ("a-first", "z-third")))
        children = list(everybody(running.pid))
        running.kill()
        running.communicate(timeout=60)
    assert report(out)["stopped"] == "the run has not come to its end"
    assert children and until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


# --- the disk


@POSIX
def test_a_disk_without_place_is_said_and_the_report_is_there(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    names = ", ".join(f"'name {n}'" for n in range(1500))
    (good / "b.yaml").write_text(f"name: b\nquery: SecurityEvent | where Account in ({names})\n")

    def limited() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (14_000, 14_000))

    with started(
        "convert", good, "-o", out, "--jobs", "1", script="from translator.cli import main; main()", preexec_fn=limited
    ) as running:
        _, errors = running.communicate(timeout=120)
    assert running.returncode == 1 and "Traceback" not in errors
    assert "b.yaml:2:8: error: " in errors and "cannot be written: File too large" in errors
    assert statuses(out) == {**GOOD, "b": "failed"}
    assert (out / "splunk/a-first.spl").exists() and not list(out.rglob(".kql2sigma-*"))


def test_a_folder_that_cannot_be_written_is_said_before_the_work(good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "out", tmp_path / "file"):
        result = run("convert", good, "-o", out)
        assert result.exit_code == 2 and "error" in result.stderr.lower()


@pytest.mark.skipif(sys.platform == "win32", reason="no folder is held there")
def test_a_folder_that_another_run_writes_is_left_to_it(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with OutputFolder(out):
        before = (out / "report.json").read_text("utf-8")
        result = run("convert", str(good), "-o", str(out), "-t", "splunk")
        assert result.exit_code == 2 and f"another run writes into {out}" in result.output.replace("\n", "")
        assert (out / "report.json").read_text("utf-8") == before and not (out / "splunk").exists()
    assert run("convert", str(good), "-o", str(out), "-t", "splunk").exit_code == 0


def test_what_stands_in_the_way_of_one_file_is_said(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "splunk/m-second.spl").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (out / "eql").symlink_to(tmp_path / "elsewhere")
    result = run("convert", good, "-o", out, "-t", "splunk", "-t", "eql")
    assert result.exit_code == 1 and "m-second.spl cannot be written: Is a directory" in result.stderr
    assert "it is outside of" in result.stderr and not list((tmp_path / "elsewhere").iterdir())
    assert statuses(out) == dict.fromkeys(GOOD, "failed")


@POSIX
@pytest.mark.parametrize("options", [("--resume",), ("--check",)], ids=" ".join)
def test_a_pipe_in_the_place_of_an_output_is_not_waited_for(good: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    out = tmp_path / "out"
    (out / "splunk/app/default").mkdir(parents=True)
    pipes = [out / n for n in ("report.json", ".kql2sigma-journal", "splunk/a-first.spl", "splunk/app/default/app.conf")]
    for path in pipes:
        os.mkfifo(path)
    with started("convert", good, "-o", out, *options, script="from translator.cli import main; main()") as running:
        try:
            _, errors = running.communicate(timeout=120)
        finally:
            running.kill()
    assert running.returncode == ("--check" in options), errors
    if "--check" in options:
        assert "splunk/a-first.spl is not there" in errors and all(path.is_fifo() for path in pipes)
    else:
        came_out(out)


# --- the folder over time


def test_check_says_what_differs_and_writes_nothing(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    missing = run("convert", good, "-o", out, "--check")
    assert missing.exit_code == 1 and "a-first.spl is not there" in missing.stderr and not out.exists()
    run("convert", good, "-o", out)
    assert run("convert", good, "-o", out, "--check").exit_code == 0
    (out / "splunk/a-first.spl").write_text("search index=mine\n")
    (good / "m-second.yaml").write_text(rule("m-second", 1))
    (good / "z-third.yaml").unlink()
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    found = run("convert", good, "-o", out, "--check")
    assert found.exit_code == 1 and before == {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    for told in (
        "splunk/a-first.spl differs",
        "splunk/m-second.spl differs",
        "splunk/z-third.spl is of an earlier run",
        "report.json differs",
    ):
        assert told in found.stderr
    assert "sigma/a-first.yml" not in found.stderr


def test_prune_removes_what_runs_wrote_and_nothing_else(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("convert", good, "-o", out)
    (out / "splunk/mine.spl").write_text("search index=mine\n")
    (out / "eql/z-third.eql").write_text("any where true // changed by hand\n")
    (good / "z-third.yaml").unlink()
    (good / "m-second.yaml").write_text("name: m-second\nquery: SecurityEvent | where\n")
    told = run("convert", good, "-o", out).stderr
    assert f"{len(report(out)['stale'])} files of earlier runs are still there: --prune removes" in told
    assert (out / "splunk/z-third.spl").exists() and "splunk/z-third.spl" in report(out)["stale"]
    result = run("convert", good, "-o", out, "--prune")
    assert "removed splunk/z-third.spl" in result.stderr and "eql/z-third.eql" in result.stderr
    left = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert {"splunk/mine.spl", "eql/z-third.eql", "splunk/m-second.spl", "splunk/a-first.spl"} <= left
    assert not {"splunk/z-third.spl", "esql/z-third.esql", "sigma/z-third.yml"} & left


def test_prune_keeps_what_is_of_rules_that_cannot_be_looked_for(good: Path, tmp_path: Path) -> None:
    out, archive = tmp_path / "out", good / "more.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("inside.yaml", rule("inside"))
    run("convert", good, "-o", out)
    archive.write_bytes(archive.read_bytes()[:40])
    (good / "z-third.yaml").unlink()
    result = run("convert", good, "-o", out, "--prune")
    assert "removed splunk/z-third.spl" in result.stderr and (out / "splunk/inside.spl").exists()
    for elsewhere in (tmp_path / "nowhere", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        assert run("convert", elsewhere, "-o", out, "--prune").exit_code == 2 - elsewhere.is_dir()
        assert {p.name for p in (out / "splunk").glob("*.spl")} >= {"a-first.spl", "m-second.spl"}


@pytest.mark.parametrize("name", ["../../victim", "/victim", "sigma/../../victim", "link"])
def test_a_report_that_somebody_else_wrote_removes_nothing_outside(good: Path, tmp_path: Path, name: str) -> None:
    from translator.commands.writing import digest

    out, victim = tmp_path / "a/out", tmp_path / "victim"
    victim.write_text("mine")
    run("convert", good, "-o", out)
    (out / "link").symlink_to(victim)
    found = report(out)
    found["files"][name.replace("/victim", str(victim)) if name == "/victim" else name] = digest("victim", "mine")
    (out / "report.json").write_text(json.dumps(found))
    run("convert", good, "-o", out, "--prune")
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("below", ["out", "."])
def test_outputs_inside_the_pack_are_not_read_back(good: Path, below: str) -> None:
    reports = []
    for _ in range(3):
        assert run("convert", good, "-o", good / below).exit_code == 0
        assert statuses(good / below) == GOOD
        reports.append((good / below / "report.json").read_text("utf-8"))
    assert reports[0] == reports[1] == reports[2]
    assert run("convert", good, "-o", good / below, "--check").exit_code == 0


def test_quiet_is_quiet(good: Path, tmp_path: Path) -> None:
    result = run("convert", good, "-o", tmp_path / "out", "--quiet")
    assert result.output == "" and result.exit_code == 0
    (good / "b.kql").write_text("SecurityEvent | where")
    assert run("convert", good, "-o", tmp_path / "out", "--quiet").output.count("\n") == 1


@pytest.mark.parametrize(("left", "lines"), [(10, 12), (11, 3)])
def test_what_a_signal_left_is_named_where_it_is_not_much(left: int, lines: int) -> None:
    def failed(name: str, message: str) -> dict[str, object]:
        return {"source": name, "name": name, "id": "", "status": "failed", "error": {"line": 1, "column": 1, "message": message}}

    rules = [failed("a", "no such table"), *(failed(f"{n}", pack.INTERRUPTED) for n in range(left)), failed("z", "no such table")]
    shown = io.StringIO()
    print_problems({"rules": rules}, Console(file=shown, width=40), quiet=False)
    said = shown.getvalue().splitlines()
    assert len(said) == lines and (said[0], "error: 11 rules: not converted: the run was interrupted" in said) == (
        "a:1:1: error: no such table",
        left == 11,
    )


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_says_how_far_it_is_and_what_came(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr(common.time, "monotonic", lambda: float(next(clock)))
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=terminal, width=200 if terminal else 40, color_system=None)
    with common.Progressing(console, "converting") as progress:
        for done in range(1, 4):
            progress.at(done, 9, "2 exact, 1 failed [/red]")
    told = ("3/9", "/s") if terminal else ("converting: 2 of 9, ", " a second, ", " left; ")
    assert all(text in shown.getvalue() for text in (*told, "2 exact, 1 failed [/red]"))
    if not terminal:
        assert "\x1b" not in shown.getvalue() and shown.getvalue().count("\n") == 1
    silent = io.StringIO()
    with common.Progressing(Console(file=silent, force_terminal=terminal), "converting", quiet=True) as progress:
        progress.at(1, 9)
    assert silent.getvalue() == ""


# --- the screen


def test_the_screen_has_text_alone(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "name: \"[bold]x[/bold]\\e[31m\"\nquery: \"SecurityEvent | where Account == 'a\\tb' or Account == '[/red]'\"\n"
    )
    for command in ("convert", "explain", "check", "attack"):
        result = run(command, tmp_path)
        assert not any(c in result.output for c in "\x1b\x07")
        if command in ("convert", "explain"):
            assert "[bold]x[/bold]\ufffd[31m" in result.stdout
        if command == "explain":
            assert "[/red]" in result.stdout
    assert "[/red]" in run("convert", tmp_path, "-t", "sql").stdout and "a\tb" in run("convert", tmp_path, "-t", "sql").stdout


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_values_of_a_query_are_text_too(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "on_terminal", lambda: True)
    result = run("run", "print ['[red]x'] = '\\x1b[31m[/red]\\x9b1m'", "--format", form)
    assert result.exit_code == 0 and not any(c in result.output for c in "\x1b\x9b")
    assert "[/red]" in result.output and "[red]x" in result.output
    if form == "json":
        assert json.loads(result.stdout) == [{"[red]x": "\x1b[31m[/red]\x9b1m"}]


def test_queries_of_one_rule_are_told_apart(tmp_path: Path) -> None:
    counted = [
        f"({table} | summarize n=count() by {by} | where n > 5)"
        for table, by in (("SecurityEvent", "Account"), ("SigninLogs", "IPAddress"))
    ]
    (tmp_path / "r.kql").write_text(f"union {', '.join(counted)}")
    shown = run("convert", tmp_path / "r.kql", "-t", "splunk").stdout
    assert "r: splunk (1 of 2), " in shown and "r: splunk (2 of 2), " in shown


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_any_encoding_of_the_terminal(tmp_path: Path, encoding: str) -> None:
    (path := tmp_path / "r.yaml").write_text(rule("na\u00efve \u4e2d\u6587 \U0001f600") + "tactics: [Bad]\n", encoding="utf-8")
    commands = [["convert", "-t", "splunk"], ["explain"], ["check", "--format", "json"], ["convert", "--format", "json"]]
    each = "for c in commands: print('=====', main([*c, path], standalone_mode=False))"  # one process for all: to begin one takes seconds
    done = subprocess.run(
        [sys.executable, "-c", f"from translator.cli import main; commands, path = {commands}, {str(path)!r}\n{each}"],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, timeout=120,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr and done.returncode == 0, done.stderr
    *texts, rest = re.split(r"===== (?:None|0)\s*", done.stdout.decode(encoding))
    assert len(texts) == len(commands) and all(texts) and not rest
    checked, converted = (json.loads(text) for text in texts[2:])
    assert checked == [] and converted["rules"][0]["name"] == "na\u00efve \u4e2d\u6587 \U0001f600"
