"""Kits: what is saved of a proof gives the same proof again, and is refused where it is not what was saved."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

import translator
from tests.rules import rule
from translator.cli import main
from translator.targets.base import Options
from translator.verify.kit import BrokenKit, Replay, files_of, read_kit
from translator.verify.kit.texts import datatable, literal
from translator.verify.proof import Outcome, Trial
from translator.verify.stage import unmarked

RULES = Path(__file__).resolve().parents[2] / "rules"
COUNT = "SigninLogs | where TimeGenerated > ago(1h) | where ResultType == '50126' | summarize c = count() by IPAddress | where c >= 5"
ODD = 'a"b\\c,\t{"d": [1]}\n\'é\u2028\u00a0*?%'


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def files_at(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A kit of some rules, and what verify said when it was saved."""
    folder = tmp_path_factory.mktemp("kits") / "kit"
    listed = folder.parent / "listed.kql"
    listed.write_text("SigninLogs | where ResultType == '0' and UserPrincipalName in ((_GetWatchlist('Former') | project SearchKey))\n")
    rules = [*(RULES / f"{name}.yaml" for name in ("threshold", "union", "two-table-join", "array-elements", "known-values")), listed]
    return folder, json.loads(ran("verify", *rules, "--save", folder, "--format", "json").stdout)


def test_a_replay_says_what_verify_said(kit: tuple[Path, Any]) -> None:
    folder, said = kit
    again = json.loads(ran("verify", "--replay", folder, "--format", "json", "--jobs", 2).stdout)

    def told(proofs: Any) -> Any:
        return sorted(
            (one["name"], p["target"], p["outcome"], p["worlds"], p["alerting"], p["compared"], p["conditions"])
            for one in proofs
            for p in one["proofs"]
        )

    assert told(again) == told(said) and sum(p["outcome"] == "proven" for one in said for p in one["proofs"]) > 12


def test_what_is_saved_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        ran("verify", RULES / "union.yaml", "--save", tmp_path / name)
    assert files_at(tmp_path / "one") == files_at(tmp_path / "two") != {}


def test_each_text_of_kql_stands_alone(kit: tuple[Path, Any]) -> None:
    seen = set()
    for folder in kit[0].iterdir():
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        for world in manifest["worlds"]:
            text = (folder / "kql" / f"{world['world']:03}.kql").read_text("utf-8")
            rows = translator.run(text, now=dt.datetime.fromisoformat(manifest["now"])).rows
            assert bool(rows) == world["alerts"], (folder.name, world)
            seen.add(world["alerts"])
    assert seen == {True, False}


def test_a_text_of_kql_that_reads_past_its_rows_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: A\nquery: |\n  table('SigninLogs') | where ResultType == '50126'\n", encoding="utf-8")
    ran("verify", tmp_path / "a.yaml", "-t", "splunk", "--save", tmp_path / "kit")
    text = (tmp_path / "kit" / "a" / "kql" / "001.kql").read_text("utf-8")
    assert "// the query reads SigninLogs past these rows\n" in text


def test_documents_are_created_in_their_data_stream(kit: tuple[Path, Any]) -> None:
    lines = (kit[0] / "many-failed-sign-ins-from-one-address" / "elastic" / "001.ndjson").read_text("utf-8").splitlines()
    assert len(lines) == 2 * 21
    assert json.loads(lines[0]) == {"create": {"_index": "logs-azure.signinlogs-default"}}
    assert json.loads(lines[1])["@timestamp"] == "2026-06-01T12:04:30.000Z"


def test_raw_events_are_listed_with_what_splunk_knows_beside_them(kit: tuple[Path, Any]) -> None:
    folder = kit[0] / "many-failed-sign-ins-from-one-address" / "splunk"
    first = yaml.safe_load((folder / "datasets.yml").read_text("utf-8"))["datasets"][0]
    assert (first["sourcetype"], first["index"], len(first["times"])) == ("azure:monitor:aad", "main", 21)
    raws = [json.loads(line) for line in (folder / first["path"]).read_text("utf-8").splitlines()]
    told = {
        "category": "SignInLogs",
        "callerIpAddress": "203.0.113.7",
        "resultType": "50126",
        "properties": {"status": {"errorCode": 50126}},
    }
    assert raws[0] == told and len(raws) == 21


def test_tables_have_the_rows_of_all_worlds(kit: tuple[Path, Any]) -> None:
    text = (kit[0] / "many-failed-sign-ins-from-one-address" / "kql" / "SigninLogs.csv").read_text("utf-8")
    assert text.startswith("world,TimeGenerated,IPAddress,ResultType\n1,2026-06-01T12:04:30.000000Z,203.0.113.7,50126\n")


BASE = 'sourcetype="azure:monitor:aad" category=SignInLogs (resultType="50126" OR resultType="50053") callerIpAddress!=""'
TEXTS = [
    (f"{BASE} | stats count by callerIpAddress | where count>20", 0),
    (f"{BASE} | stats count by callerIpAddress | where count>=20", 1),
]


@pytest.mark.parametrize(("text", "status"), [*TEXTS, ("index=x | nosuchcommand", 3)])
def test_a_given_text_is_tried_on_what_was_saved(kit: tuple[Path, Any], text: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "a.spl").write_text(text, encoding="utf-8")
    folder = kit[0] / "many-failed-sign-ins-from-one-address"
    found = ran("verify", "--replay", folder, "-t", "splunk", "--text", tmp_path / "a.spl")
    assert found.exit_code == status, found.output
    assert ("world 2: one event fewer than 21. The KQL does not alert, the text does:" in found.stdout) == (status == 1)


def test_odd_characters_come_back_as_they_were(tmp_path: Path) -> None:
    kql = f"SigninLogs | where UserPrincipalName == {literal(ODD, 'string')} | project UserPrincipalName"
    options = Options(fields="source")
    conversion = translator.convert(rule(kql), ("splunk", "esql", "sigma"), options)
    trial = Trial(conversion, options)
    facts = {"seed": 0, "now": f"{trial.now.isoformat()}Z", "fields": "source", "mappings": ""}
    for name, text in files_of(trial, conversion.rule, ("splunk", "esql", "sigma"), facts).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    replay = Replay(read_kit(tmp_path), conversion, options)
    for target in ("splunk", "esql", "sigma"):
        saved, made = (t.ready(target, conversion.outputs[target])[0] for t in (replay, trial))
        assert [s.alerts for s in saved] == [m.alerts for m in made]
        assert [[unmarked(e) for e in s.events] for s in saved] == [[unmarked(e) for e in m.events] for m in made]
        assert [s.answer and s.answer.rows for s in saved] == [m.answer and m.answer.rows for m in made]
        assert any(ODD in row.values() for world in saved for row in world.rows["SigninLogs"])
        if trial.prove(target, conversion.outputs[target]).outcome is Outcome.PROVEN:
            assert replay.prove(target, conversion.outputs[target]).outcome is Outcome.PROVEN


def test_worlds_of_the_same_rows_are_kept_apart_within_a_product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows without a value and rows without the column are one table in KQL, and two events in a product."""
    made = Trial.on

    def twice(trial: Trial, *product: Any) -> Any:
        worlds, shape = made(trial, *product)
        return [*worlds, *worlds], shape

    monkeypatch.setattr(Trial, "on", twice)
    conversion = translator.convert(rule("SigninLogs | where ResultType == '1'"), ("splunk", "esql", "sigma"))
    trial = Trial(conversion, Options())
    facts = {"seed": 0, "now": f"{trial.now.isoformat()}Z", "fields": "target", "mappings": ""}
    for name, text in files_of(trial, conversion.rule, ("splunk", "esql", "sigma"), facts).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    replay = Replay(read_kit(tmp_path), conversion, Options())
    for target in ("splunk", "esql", "sigma"):
        saved, tried = (t.ready(target, conversion.outputs[target])[0] for t in (replay, trial))
        assert [[unmarked(e) for e in s.events] for s in saved] == [[unmarked(e) for e in t.events] for t in tried]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("string", [ODD, ""]),
        ("long", [5, -(2**63), None]),
        ("real", [1.5, -1e-7, float("inf"), None]),
        ("bool", [True, False, None]),
        ("datetime", [dt.datetime(2026, 6, 1, 11, 47, 29, 806001), None]),
        ("timespan", [dt.timedelta(days=-1, seconds=5), dt.timedelta(microseconds=7), None]),
        ("guid", ["74be27de-1e4e-49d9-b579-fe0b331d3642", None]),
        ("dynamic", [{"a": [1, ODD, None]}, ["x"], 5, "text", None]),
    ],
)
def test_values_are_written_as_kql_reads_them(kind: str, values: list[Any]) -> None:
    text = datatable("a table", [{"a b": v} for v in values], {"a b": kind})
    assert [row[0] for row in translator.run(f'{text}["a table"]').rows] == values


def changed(folder: Path, **facts: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **facts}), encoding="utf-8")


BREAKS = [
    (lambda f: changed(f, worlds=[]), "changed after it was saved"),
    (lambda f: changed(f, kit=2), "is of form 2, and this version reads form 1"),
    (lambda f: (f / "manifest.json").write_text("{"), "is no JSON"),
    (lambda f: (f / "manifest.json").write_text("[]"), "no manifest of a kit"),
    (lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe"), "no text in UTF-8"),
    (lambda f: (f / "kql" / "SigninLogs.csv").unlink(), "SigninLogs.csv cannot be read"),
    (lambda f: (f / "splunk" / "fields.ndjson").write_text(""), "splunk/fields.ndjson was changed after it was saved"),
    (lambda f: (f / "manifest.json").unlink(), "manifest.json cannot be read: No such file"),
]


@pytest.mark.parametrize(("breaks", "why"), BREAKS, ids=[w for _, w in BREAKS])
def test_what_is_not_what_was_saved_is_refused_in_words(kit: tuple[Path, Any], breaks: Any, why: str, tmp_path: Path) -> None:
    for name, content in files_at(kit[0] / "many-failed-sign-ins-from-one-address").items():
        (tmp_path / "rule" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "rule" / name).write_bytes(content)
    breaks(tmp_path / "rule")
    found = ran("verify", "--replay", tmp_path)
    assert found.exit_code in (1, 2) and why in " ".join(found.output.split()), found.output


def test_a_manifest_names_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    folder = tmp_path / "rule"
    folder.mkdir()
    from translator.verify.kit.manifests import manifest_of

    (folder / "manifest.json").write_text(manifest_of({}, {"../secret": "x"}), encoding="utf-8")
    with pytest.raises(BrokenKit, match="outside of its folder"):
        read_kit(folder)


def test_another_save_takes_away_what_the_earlier_one_wrote(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.yaml", tmp_path / "kit"
    for query in (COUNT, "AuditLogs | where OperationName == 'Add user'"):
        file.write_text(f"name: A\nquery: |\n  {query}\n", encoding="utf-8")
        ran("verify", file, "-t", "splunk", "--save", folder)
        (folder / "a" / "notes.txt").write_text("mine", encoding="utf-8")
    assert (folder / "a" / "notes.txt").exists() and [p.name for p in folder.glob("a/kql/*.csv")] == ["AuditLogs.csv"]
    assert ran("verify", "--replay", folder).exit_code == 0


def test_what_could_not_be_tried_says_why_in_a_replay(tmp_path: Path) -> None:
    (tmp_path / "a.kql").write_text("SigninLogs | sort by TimeGenerated asc | extend n = row_number() | where n > 3")
    said = json.loads(ran("verify", tmp_path / "a.kql", "--save", tmp_path / "kit", "--format", "json").stdout)[0]["proofs"]
    again = json.loads(ran("verify", "--replay", tmp_path / "kit", "--format", "json").stdout)[0]["proofs"]
    assert [(p["target"], p["outcome"], p["why"]) for p in again] == [(p["target"], p["outcome"], p["why"]) for p in said]
    assert any(p["outcome"] == "not executable" and p["why"] for p in said)


def test_arguments_that_do_not_fit_together(kit: tuple[Path, Any], tmp_path: Path) -> None:
    (tmp_path / "a.spl").write_text("x", encoding="utf-8")
    assert ran("verify").exit_code == 2
    assert ran("verify", RULES / "union.yaml", "--replay", kit[0]).exit_code == 2
    assert ran("verify", "--replay", kit[0], "-t", "splunk", "--text", tmp_path / "a.spl").exit_code == 2
    told = ran("verify", "--replay", kit[0], "--fields", "source")
    assert told.exit_code == 1 and "it was saved with --fields target" in told.output
