"""What earlier runs made is taken again where it is of the same rule, options and tool, and nowhere else."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.rules import rule
from translator import cache
from translator.cli import main
from translator.pack import Effort, Failure, convert_pack, made_before
from translator.pipeline import Conversion, convert
from translator.rulepack import Rule
from translator.targets.base import Options

TARGETS = ("sigma", "splunk")
QUERIES = {
    "one": "SigninLogs | where ResultType == '50126'",
    "two": "SigninLogs | wher x",
    "three": "SecurityEvent | where EventID == 1102",
}
PLAIN = Options()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KQL2SIGMA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, query in QUERIES.items():
        (rules / f"{name}.kql").write_text(query)
    return rules


def results(pack: Path, options: Options = PLAIN, targets: tuple[str, ...] = TARGETS, told: list[int] | None = None) -> list[object]:
    made = made_before(targets, options)
    entries = convert_pack([pack], targets, options, Effort(seconds=0), made=made)
    made.close()
    if told is not None:
        told.append(made.corrupt)
    return [e.result for e in entries]


def made(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.made")}


def test_a_second_run_has_the_same_and_makes_nothing(pack: Path, folder: Path) -> None:
    first = results(pack)
    kept = made(folder)
    assert len(kept) == len(QUERIES)
    assert results(pack) == first
    assert made(folder) == kept
    assert [type(r) for r in first] == [Conversion, Conversion, Failure]


def test_what_is_kept_is_taken(pack: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = results(pack)

    def refuse(*_: object) -> Conversion:
        raise AssertionError("converted again")

    monkeypatch.setattr("translator.pack.convert", refuse)
    assert results(pack) == first


def test_what_was_read_is_not_read_again(pack: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Iterator[Rule]:
        raise AssertionError("read again")

    (pack / "many.md").write_text("```kql\nSigninLogs | take 1\n```\n\n```kql\nSigninLogs | wher x\n```\n")
    first = results(pack)
    monkeypatch.setattr("translator.pack.read_source", refuse)
    assert results(pack) == first
    (pack / "one.kql").write_text("SecurityEvent | where EventID == 1")
    assert any(isinstance(r, Failure) and "read again" in r.message for r in results(pack))


def test_a_rule_is_known_wherever_it_is(pack: Path, folder: Path, tmp_path: Path) -> None:
    results(pack)
    kept = made(folder)
    moved = pack.rename(tmp_path / "elsewhere")
    found = results(moved)
    assert made(folder) == kept
    sources = [r.rule.source if isinstance(r, Conversion) else r.source for r in found if isinstance(r, Conversion | Failure)]
    assert sorted(sources) == sorted(str(moved / f"{name}.kql") for name in QUERIES)


@pytest.mark.parametrize("options", [Options(timespan=60), Options(fields="source"), Options(author="somebody")])
def test_other_options_are_another_thing(pack: Path, folder: Path, options: Options) -> None:
    results(pack)
    assert results(pack, options) == [e.result for e in convert_pack([pack], TARGETS, options, Effort(seconds=0))]
    assert len(made(folder)) == 2 * len(QUERIES)


def test_a_changed_rule_is_another_thing(pack: Path, folder: Path) -> None:
    results(pack)
    (pack / "one.kql").write_text("SigninLogs | where ResultType == '0'")
    found = results(pack)[0]
    assert isinstance(found, Conversion)
    assert "50126" not in found.outputs["splunk"].text


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_what_cannot_be_read_is_said_and_made_again(pack: Path, folder: Path, damage: bytes | None) -> None:
    first = results(pack)
    for path in folder.glob("*.made"):
        path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    told: list[int] = []
    assert results(pack, told=told) == first
    assert told == [len(QUERIES)]
    again: list[int] = []
    assert results(pack, told=again) == first
    assert again == [0]


def test_a_pickle_of_something_else_is_no_result(pack: Path, folder: Path) -> None:
    first = results(pack)
    for path in folder.glob("*.made"):
        cache.keep(path, pickle.dumps({"rule": 1}))
    assert results(pack) == first


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="the system has no owners of files")
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_can_write_is_not_used(pack: Path, folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    assert cache.folder() is None
    assert len(results(pack)) == len(QUERIES)
    assert list(folder.iterdir()) == []


def test_plug_ins_are_not_kept(pack: Path, folder: Path) -> None:
    results(pack, targets=("pysigma:splunk",))
    assert made(folder) == {}


def test_the_oldest_files_are_deleted_where_there_are_too_many(tmp_path: Path) -> None:
    for age in range(5):
        (tmp_path / f"f{age}").write_bytes(b"x" * 100)
        os.utime(tmp_path / f"f{age}", (1_000 - age, 1_000 - age))
    cache.prune(tmp_path, 250)
    assert {p.name for p in tmp_path.iterdir()} == {"f0", "f1"}


def test_what_a_killed_process_did_not_finish_is_deleted_when_it_is_old(tmp_path: Path) -> None:
    for name in ("old.part", "new.part", "old.made"):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, None if name.startswith("new") else (1_000, 1_000))
    cache.prune(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"new.part", "old.made"}


def test_no_cache_is_asked_for_by_an_option(pack: Path, folder: Path, tmp_path: Path) -> None:
    arguments = ["convert", str(pack), "-o", str(tmp_path / "out"), "--rule-timeout", "0"]
    CliRunner().invoke(main, [*arguments, "--no-cache"])
    assert made(folder) == {}
    CliRunner().invoke(main, arguments)
    assert len(made(folder)) == len(QUERIES)
    for path in (*folder.glob("*.made"), *folder.glob("*.run")):
        path.write_bytes(b"")
    assert "cannot be read from it" in CliRunner().invoke(main, arguments).output


def test_a_conversion_outlives_a_pickle() -> None:
    found = convert(rule("SigninLogs | where TimeGenerated > ago(1h) | summarize c = count() by UserPrincipalName | where c > 3"))
    assert pickle.loads(pickle.dumps(found)) == found
