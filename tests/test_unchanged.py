"""A second run of the same into a folder only looks whether all is there; whatever has changed, it comes to what a whole run comes to."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from translator import cache
from translator.cli import main
from translator.commands import convert

RULES = {
    "count.kql": "SigninLogs | where ResultType == '50126' | summarize c = count() by UserPrincipalName | where c > 5",
    "plain.kql": "SecurityEvent | where EventID == 1102",
    "wrong.kql": "SecurityEvent | wher EventID",
    "notes.md": "No query stands here.",
    "picture.png": "none",
}


class Whole(Exception):
    """A run began to convert."""


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["convert", "--jobs", "1", "--rule-timeout", "0", *map(str, arguments)])
    if f"internal error, please report it: {Whole.__name__}" in result.stderr:
        raise Whole
    assert "Traceback" not in result.output and not isinstance(result.exception, Exception), result.output
    return result


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, text in RULES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on, a run that does more than look fails."""

    def refuse(*_: object, **__: object) -> None:
        raise Whole

    return lambda: monkeypatch.setattr(convert, "convert_pack", refuse)


@pytest.mark.parametrize(
    "options", [(), ("--quiet",), ("--format", "json"), ("--format", "sarif"), ("--check",), ("--prune",)], ids=" ".join
)
def test_the_same_again_says_the_same_and_does_nothing(
    rules: Path, out: Path, options: tuple[str, ...], refusing: Callable[[], None]
) -> None:
    run(rules, "-o", out)
    whole = run(rules, "-o", out, "--no-cache", *options)
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    refusing()
    for _ in range(2):
        again = run(rules, "-o", out, *options)
        assert (again.exit_code, again.stdout, again.stderr) == (whole.exit_code, whole.stdout, whole.stderr)
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before


def test_the_status_is_that_of_the_verdicts(rules: Path, out: Path, refusing: Callable[[], None]) -> None:
    (rules / "wrong.kql").unlink()
    assert run(rules, "-o", out, "-t", "splunk").exit_code == 0
    refusing()
    assert run(rules, "-o", out, "-t", "splunk").exit_code == 0
    assert run(rules, "-o", out, "-t", "splunk", "--fail-on", "same-alerts").exit_code == 1


def test_a_table_is_as_wide_as_its_screen(rules: Path, out: Path, monkeypatch: pytest.MonkeyPatch, refusing: Callable[[], None]) -> None:
    run(rules, "-o", out)
    monkeypatch.setenv("COLUMNS", "60")
    narrow = run(rules, "-o", out, "--no-cache").stdout
    refusing()
    assert run(rules, "-o", out).stdout == narrow
    monkeypatch.setenv("COLUMNS", "100")
    assert run(rules, "-o", out).stdout != narrow


CHANGES: dict[str, Callable[[Path, Path], object]] = {
    "a rule is another": lambda rules, out: (rules / "plain.kql").write_text("SecurityEvent | where EventID == 4625"),
    "a rule is gone": lambda rules, out: (rules / "plain.kql").unlink(),
    "a rule is new": lambda rules, out: (rules / "new.kql").write_text("SigninLogs | where ResultType == '0'"),
    "a rule has another name": lambda rules, out: (rules / "plain.kql").rename(rules / "other.kql"),
    "what is no rule is new": lambda rules, out: (rules / "more.png").write_text("none"),
    "an output is gone": lambda rules, out: (out / "splunk/plain.spl").unlink(),
    "an output is another": lambda rules, out: (out / "splunk/plain.spl").write_text("index=*"),
    "an output is a link": lambda rules, out: (
        (out / "a").symlink_to(out / "esql"),
        shutil.rmtree(out / "eql"),
        (out / "eql").symlink_to("a"),
    ),
    "the report is gone": lambda rules, out: (out / "report.json").unlink(),
    "the report is of somebody else": lambda rules, out: (out / "report.json").write_text('{"version": 1, "rules": []}'),
    "the page is another": lambda rules, out: (out / "report.html").write_text("nothing"),
    "a file of a package is another": lambda rules, out: (out / "splunk/app/default/savedsearches.conf").write_text("[x]\n"),
    "all outputs are gone": lambda rules, out: shutil.rmtree(out),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_is_noticed(rules: Path, out: Path, tmp_path: Path, change: str, refusing: Callable[[], None]) -> None:
    run(rules, "-o", out)
    CHANGES[change](rules, out)
    if out.exists():
        shutil.copytree(out, tmp_path / "copy", symlinks=True)
    found = run(rules, "-o", out)
    here = content(out)
    shutil.rmtree(out)
    if (tmp_path / "copy").exists():
        (tmp_path / "copy").rename(out)
    whole = run(rules, "-o", out, "--no-cache")
    assert (found.exit_code, found.stdout, found.stderr) == (whole.exit_code, whole.stdout, whole.stderr)
    assert here == content(out)


@pytest.mark.parametrize(
    "options", [("--fields", "source"), ("-t", "splunk"), ("--no-html",), ("--timespan", "2d"), ("--enable",)], ids=" ".join
)
def test_other_options_are_another_run(rules: Path, out: Path, options: tuple[str, ...], refusing: Callable[[], None]) -> None:
    run(rules, "-o", out)
    refusing()
    with pytest.raises(Whole):
        run(rules, "-o", out, *options)


def test_another_tool_is_another_run(rules: Path, out: Path, monkeypatch: pytest.MonkeyPatch, refusing: Callable[[], None]) -> None:
    run(rules, "-o", out)
    monkeypatch.setattr(cache, "tool", lambda: "another")
    refusing()
    with pytest.raises(Whole):
        run(rules, "-o", out)


@pytest.mark.parametrize("options", [("--no-cache",), ("--verify",)], ids=" ".join)
def test_what_is_to_be_done_again_is(rules: Path, out: Path, options: tuple[str, ...], refusing: Callable[[], None]) -> None:
    run(rules, "-o", out, *options)
    refusing()
    with pytest.raises(Whole):
        run(rules, "-o", out, *options)


def test_a_rule_that_a_limit_stopped_is_tried_again(
    rules: Path, out: Path, monkeypatch: pytest.MonkeyPatch, refusing: Callable[[], None]
) -> None:
    names = ", ".join(f"'name {n}'" for n in range(60_000))
    (rules / "long.kql").write_text(f"SecurityEvent | where Computer in ({names})")
    run(rules, "-o", out, "--rule-timeout", "0.01")
    assert any(
        r["status"] == "failed" and "stopped" in r["error"]["message"] for r in json.loads((out / "report.json").read_text())["rules"]
    )
    refusing()
    with pytest.raises(Whole):
        run(rules, "-o", out, "--rule-timeout", "0.01")


def test_a_folder_with_files_of_gone_rules_is_looked_at_whole(rules: Path, out: Path, refusing: Callable[[], None]) -> None:
    run(rules, "-o", out)
    (rules / "plain.kql").unlink()
    for _ in range(2):
        run(rules, "-o", out)
    assert run(rules, "-o", out, "--prune").exit_code == 1
    assert not (out / "splunk/plain.spl").exists()
    refusing()
    run(rules, "-o", out, "--prune")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_read_once(rules: Path, out: Path) -> None:
    pipe = out.parent / "pipe.kql"
    os.mkfifo(pipe)
    if os.fork() == 0:
        pipe.write_text(RULES["plain.kql"])
        os._exit(0)
    run(pipe, "-o", out)
    assert (out / "splunk/pipe.spl").exists()
    os.wait()


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"[]", b'{"files": 1}'])
def test_what_is_kept_and_cannot_be_read_is_as_if_it_were_not_there(rules: Path, out: Path, damage: bytes, tmp_path: Path) -> None:
    whole = run(rules, "-o", out).stdout
    (kept,) = Path(os.environ["KQL2SIGMA_CACHE"]).glob("*.run")
    for whatever in (damage, None):
        if whatever is None:
            cache.keep(kept, damage)
        else:
            kept.write_bytes(whatever)
        assert run(rules, "-o", out).stdout == whole


OWN = {
    ".kql2sigma-a0_zzzzz": True,
    ".kql2sigma-journal": True,
    ".kql2sigma-a0_zzzzzz": False,
    ".kql2sigma-A0_ZZZZZ": False,
    "a0_zzzzz": False,
}


@pytest.mark.parametrize("again", [False, True], ids=["whole", "unchanged"])
def test_what_a_killed_run_left_is_removed_when_it_is_old(rules: Path, out: Path, again: bool) -> None:
    if again:
        run(rules, "-o", out)
    (out / "splunk").mkdir(parents=True, exist_ok=True)
    places = [out / name for name in OWN] + [out / "splunk" / name for name in OWN if "journal" not in name]
    young = out / "splunk/.kql2sigma-young_00"
    for path in (*places, young):
        path.write_bytes(b"")
        os.utime(path, (1_000, 1_000))
    os.utime(young)
    (out / "splunk/.kql2sigma-a_folder").mkdir()
    run(rules, "-o", out)
    assert {p for p in places if not p.exists()} == {p for p in places if OWN[p.name]}
    assert young.exists() and (out / "splunk/.kql2sigma-a_folder").is_dir()
