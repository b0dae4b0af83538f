"""Real events: those that matter are picked from the data, whatever form these have, and a translation is tried on them."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

import translator
from tests.rules import rule
from translator.cli import main
from translator.fidelity import Verdict
from translator.targets.base import Options, Output
from translator.verify.data import Real
from translator.verify.given import given
from translator.verify.numbered import NoEvents
from translator.verify.proof import Outcome

SOURCE = Options(fields="source")
START = dt.datetime(2026, 3, 1, 8, 0)
SIGNINS = "SigninLogs | where TimeGenerated > ago(1d)"
PLAIN = f"{SIGNINS} | where ResultType == '50126' and UserPrincipalName startswith 'adm'"
COUNT = f"{SIGNINS} | where ResultType == '50126' | summarize c = count() by IPAddress | where c >= 5"
JOIN = (
    "SigninLogs | where ResultType == '0' | join kind=inner (AuditLogs | where OperationName == 'Add user'"
    " | project Identity, OperationName) on $left.UserPrincipalName == $right.Identity"
)


def signin(minute: int, address: str = "203.0.113.1", result: str = "0", user: str = "u@x.y") -> dict[str, Any]:
    at = (START + dt.timedelta(minutes=minute)).isoformat() + "Z"
    return {"TimeGenerated": at, "IPAddress": address, "ResultType": result, "UserPrincipalName": user}


SPRAY = [signin(n, "203.0.113.7", "50126", f"u{n}@x.y") for n in range(6)]
EVENTS = [
    *(signin(n, f"198.51.100.{n % 9}", "50126" if n % 3 == 0 else "0") for n in range(12)),
    *SPRAY,
    signin(20, user="admin@x.y", result="50126"),
]


def as_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def as_json(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.with_suffix(".json").write_text(json.dumps(rows), encoding="utf-8")


def as_ndjson(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".ndjson").write_text("".join(f"{json.dumps(r)}\n" for r in rows), encoding="utf-8")


def as_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    as_ndjson(path, rows)
    read = f"SELECT * FROM read_json('{path.with_suffix('.ndjson')}')"
    duckdb.connect().execute(f"COPY ({read}) TO '{path.with_suffix('.parquet')}' (FORMAT parquet)")
    path.with_suffix(".ndjson").unlink()


def real(kql: str, folder: Path, target: str = "splunk", **facts: Any) -> tuple[Real, Any]:
    """A rule on the data of a folder, and what its own translation proves."""
    conversion = translator.convert(rule(kql), (target,), SOURCE)
    trial = Real(conversion, SOURCE, folder, **facts)
    return trial, trial.prove(target, conversion.outputs[target])


@pytest.mark.parametrize("write", [as_csv, as_json, as_ndjson, as_parquet])
@pytest.mark.parametrize("target", ["splunk", "esql", "sigma"])
def test_a_translation_is_tried_on_data_of_each_form(write: Callable[..., None], target: str, tmp_path: Path) -> None:
    write(tmp_path / "SigninLogs", EVENTS)
    trial, proof = real(COUNT, tmp_path, target)
    assert (proof.outcome, proof.errs) == (Outcome.PROVEN, None) and proof.alerting and proof.worlds > len(EVENTS)
    (taken,) = trial.taken
    assert (taken.rows, taken.inside, taken.picked) == (19, 19, 19) and trial.now == START + dt.timedelta(minutes=20, seconds=1)


BASE = 'sourcetype="SigninLogs" ResultType="50126"'
WRONG = [
    (PLAIN, f"{BASE}", "broader", 1),
    (PLAIN, f'{BASE} UserPrincipalName="adm@*"', "narrower", 1),
    (COUNT, f"{BASE} | stats count as c by IPAddress | where c>6", "narrower", 5),
    (COUNT, 'sourcetype="SigninLogs" | stats count as c by ResultType | where c>=5', "broader", 5),
]  # fmt: skip


@pytest.mark.parametrize(("kql", "text", "errs", "size"), WRONG)
def test_what_is_wrong_is_shown_by_events_of_the_data(kql: str, text: str, errs: str, size: int, tmp_path: Path) -> None:
    as_ndjson(tmp_path / "SigninLogs", EVENTS)
    trial, _ = real(kql, tmp_path)
    proof = trial.prove("splunk", given(trial.conversion, "splunk", text, trial.options))
    assert proof.outcome is Outcome.CONTRADICTED and proof.errs is not None and proof.errs.value == errs
    assert proof.counterexample is not None
    shown = [row for rows in proof.counterexample.rows.values() for row in rows]
    assert len(shown) == size and all(row["ResultType"] in ("0", "50126") for row in shown)


def test_the_interface_proves_on_data(tmp_path: Path) -> None:
    as_csv(tmp_path / "SigninLogs.csv", EVENTS)
    assert translator.prove(PLAIN, "splunk", data=tmp_path, options=SOURCE).outcome is Outcome.PROVEN
    without = translator.prove(PLAIN, "splunk", 'sourcetype="SigninLogs" ResultType="50126"', tmp_path, SOURCE)
    assert (without.outcome, without.errs) == (Outcome.CONTRADICTED, Verdict.BROADER)
    with pytest.raises(NoEvents):
        translator.prove("AuditLogs | where OperationName == 'x'", "splunk", data=tmp_path)


def test_those_that_matter_are_picked_from_many(tmp_path: Path) -> None:
    crowd = [signin(n // 60, f"192.0.2.{n % 250}") for n in range(3000)]
    as_ndjson(tmp_path / "SigninLogs", [*crowd[:1500], *SPRAY, signin(30, "203.0.113.7", "0"), *crowd[1500:]])
    trial, proof = real(COUNT, tmp_path, sample=10)
    assert proof.outcome is Outcome.PROVEN and proof.alerting
    hits = [p for p in trial.picked if p.hit]
    assert len(hits) == len(SPRAY) and all(p.values["IPAddress"] == "203.0.113.7" for p in hits)
    assert any(not p.hit and p.values["IPAddress"] == "203.0.113.7" for p in trial.picked) and 10 < len(trial.picked) <= 30
    again, _ = real(COUNT, tmp_path, sample=10)
    assert again.picked == trial.picked and again.on("splunk")[0] == trial.on("splunk")[0]


def test_what_a_sample_is_too_small_for_is_said(tmp_path: Path) -> None:
    as_ndjson(tmp_path / "SigninLogs", [signin(n, result="50126") for n in range(40)])
    many = COUNT.replace(">= 5", ">= 30")
    _, proof = real(many, tmp_path, sample=10)
    assert proof.outcome is Outcome.NOT_EXECUTABLE and proof.why.endswith(
        "for all events of its time the KQL gives 1 rows, which --sample all tries"
    )
    _, proof = real(many, tmp_path, sample=None)
    assert proof.outcome is Outcome.PROVEN and proof.alerting == 1


def test_events_that_alert_are_picked_before_others_that_are_selected(tmp_path: Path) -> None:
    crowd = [signin(n // 60, f"192.0.2.{n % 250}", "50126") for n in range(900)]
    as_ndjson(tmp_path / "SigninLogs", [*crowd, *(signin(n, "203.0.113.7", "50126") for n in range(8))])
    trial, proof = real(COUNT.replace(">= 5", ">= 8"), tmp_path, sample=10)
    assert trial.results == 1 and proof.outcome is Outcome.PROVEN and proof.alerting


def test_a_join_finds_the_events_of_the_other_table(tmp_path: Path) -> None:
    as_ndjson(tmp_path / "SigninLogs", [*(signin(n, user=f"u{n}@x.y") for n in range(40))])
    audit = [
        {"TimeGenerated": signin(n)["TimeGenerated"], "Identity": f"u{n}@x.y", "OperationName": "Add user" if n > 37 else "Other"}
        for n in range(40)
    ]
    as_csv(tmp_path / "AuditLogs", audit)
    trial, proof = real(JOIN, tmp_path, sample=5)
    assert proof.outcome is Outcome.PROVEN and proof.alerting
    assert {t.table: t.picked < 40 for t in trial.taken} == {"AuditLogs": True, "SigninLogs": True}


def test_only_events_of_the_time_that_the_rule_looks_at_are_taken(tmp_path: Path) -> None:
    as_ndjson(tmp_path / "SigninLogs", EVENTS)
    conversion = translator.convert(rule(PLAIN, period=600), ("splunk",), SOURCE)
    trial = Real(conversion, SOURCE, tmp_path, dt.datetime(2026, 3, 1, 8, 15, tzinfo=dt.UTC))
    assert (trial.taken[0].rows, trial.taken[0].inside) == (19, 8) and trial.now == dt.datetime(2026, 3, 1, 8, 15)
    assert all(-600 <= p.seconds <= 0 for p in trial.picked)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([signin(1)], "alerts for no event of the data, and the text for none"),
        ([{"IPAddress": "203.0.113.1", "ResultType": "50126"}], "have no times: say when the rule runs by --now"),
        ([], "have no events"),
    ],
)
def test_nothing_is_proven_where_nothing_alerts(rows: list[dict[str, Any]], why: str, tmp_path: Path) -> None:
    as_ndjson(tmp_path / "SigninLogs", rows)
    try:
        _, proof = real(PLAIN, tmp_path)
    except NoEvents as error:
        assert why in error.message
    else:
        assert proof.outcome is Outcome.NOT_EXECUTABLE and why in proof.why


def test_a_text_that_alerts_where_nothing_does_is_contradicted(tmp_path: Path) -> None:
    as_ndjson(tmp_path / "SigninLogs", [signin(1), signin(2)])
    trial, _ = real(PLAIN, tmp_path)
    proof = trial.prove("splunk", given(trial.conversion, "splunk", 'sourcetype="SigninLogs"', trial.options))
    assert proof.outcome is Outcome.CONTRADICTED and proof.errs is not None and proof.errs.value == "broader"


def test_what_the_engine_cannot_select_by_is_said(tmp_path: Path) -> None:
    as_csv(tmp_path / "Mine_CL", [{"TimeGenerated": signin(n)["TimeGenerated"], "Code": f"x{n}"} for n in range(3)])
    trial, _ = real("Mine_CL | where geo_point_to_h3cell(1.0, 2.0, 3) == Code", tmp_path)
    assert any("asks of them: the function geo_point_to_h3cell() is known but not supported by the engine" in note for note in trial.notes)
    proof = trial.prove("splunk", Output("splunk", ("index=*",), ()))
    assert proof.outcome is Outcome.NOT_EXECUTABLE and proof.why.startswith("the KQL cannot be run here")


def test_a_table_without_data_has_no_rows(tmp_path: Path) -> None:
    as_ndjson(tmp_path / "SigninLogs", EVENTS)
    trial, proof = real(f"union ({PLAIN}), (AuditLogs | where OperationName == 'Add user')", tmp_path)
    assert "there are no data for AuditLogs: as if it had no rows" in trial.notes and proof.alerting
    with pytest.raises(NoEvents, match="no data for AuditLogs; the data have SigninLogs"):
        real("AuditLogs | where OperationName == 'Add user'", tmp_path)


def test_what_the_product_cannot_have_is_left_out_and_said(tmp_path: Path) -> None:
    as_ndjson(tmp_path / "SigninLogs", [*SPRAY, signin(9, "no address", "50126")])
    conversion = translator.convert(rule(COUNT), ("esql",))
    trial = Real(conversion, Options(), tmp_path)
    assert trial.prove("esql", conversion.outputs["esql"]).outcome is Outcome.PROVEN
    (note,) = [n for n in trial.notes if "left out" in n]
    assert note.startswith("1 of 7 events are none of elastic's") and "'no address' is no address" in note


def test_what_no_row_leaves_empty_is_made_up_only_where_the_data_lack_the_column(tmp_path: Path) -> None:
    conversion = translator.convert(rule("SecurityEvent | where EventID == 4625 | project Computer, Account"), ("splunk",))
    rows = [{"TimeGenerated": signin(n)["TimeGenerated"], "EventID": 4625 + n % 2} for n in range(4)]
    notes = []
    for number, told in enumerate((rows, [{**r, "Computer": "h" if n else ""} for n, r in enumerate(rows)])):
        as_ndjson(tmp_path / str(number) / "SecurityEvent", told)
        trial = Real(conversion, Options(), tmp_path / str(number))
        assert trial.prove("splunk", conversion.outputs["splunk"]).outcome is Outcome.PROVEN
        notes.append("\n".join(trial.notes))
    assert "the data of SecurityEvent have no Computer, which no row leaves empty: made up" in notes[0] and "left out" not in notes[0]
    assert (
        "1 of 4 events are none of splunk's and left out, such as for SecurityEvent.Computer: no row" in notes[1]
        and "made up" not in notes[1]
    )


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    as_ndjson(tmp_path / "data" / "SigninLogs", EVENTS)
    (tmp_path / "a.yaml").write_text(f"name: A\nquery: |\n  {COUNT}\n", encoding="utf-8")
    return tmp_path


def test_the_command_says_what_it_took(rules: Path) -> None:
    found = ran("verify", rules / "a.yaml", "-t", "splunk", "--data", rules / "data")
    assert found.exit_code == 0 and "1 proven" in found.stdout
    assert "A, at 2026-03-01T08:20:01Z: SigninLogs 19 of 19 events (of 19 in the data)" in found.stdout
    earlier = ran("verify", rules / "a.yaml", "-t", "splunk", "--data", rules / "data", "--now", "2026-03-01T08:00:01Z")
    assert "(of 19 in the data, the others are of another time than the rule looks at, which --now moves)" in earlier.stdout
    told = json.loads(ran("verify", rules / "a.yaml", "-t", "splunk", "--data", rules / "data", "--format", "json").stdout)[0]
    assert told["data"]["tables"] == [{"table": "SigninLogs", "rows": 19, "inside": 19, "picked": 19}]
    beside = json.loads(ran("verify", rules / "a.yaml", "-t", "splunk", "--data", rules / "data", "--beside", "--format", "json").stdout)[0]
    assert beside["proofs"][0]["worlds"] > told["proofs"][0]["worlds"] and beside["proofs"][0]["outcome"] == "proven"


def test_real_events_are_saved_as_a_kit(rules: Path) -> None:
    ran("verify", rules / "a.yaml", "-t", "splunk", "-t", "esql", "--data", rules / "data", "--save", rules / "kit")
    again = ran("verify", "--replay", rules / "kit")
    assert again.exit_code == 0 and "2 proven" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["--sample", "5"], 2, "say how the events of --data are taken"),
        (["--data", "nowhere"], 2, "'nowhere' does not exist"),
        (["--data", "data", "--sample", "some"], 2, "--sample takes a number of events, or all, not 'some'"),
        (["--data", "data", "--now", "soon"], 2, "--now takes a moment"),
        (["--data", "broken"], 1, "SigninLogs.csv"),
        (["--data", "empty"], 1, "empty holds no data"),
    ],
)
def test_data_that_cannot_be_used(rules: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, why: str) -> None:
    monkeypatch.chdir(rules)
    (rules / "empty").mkdir()
    (rules / "broken").mkdir()
    (rules / "broken" / "SigninLogs.csv").write_text("TimeGenerated,ResultType\n2026-03-01T08:00:00Z,0\nyesterday,1\n", encoding="utf-8")
    found = ran("verify", "a.yaml", "-t", "splunk", *arguments)
    assert found.exit_code == status and why in " ".join(found.output.split()), found.output
