"""The checked-in outputs are what the tool writes today; ``make golden`` rewrites them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sigma.collection import SigmaCollection

from translator.cli import main

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        result = CliRunner().invoke(main, ["convert", "rules", "-o", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


def files(folder: Path) -> dict[str, str]:
    """The files of a folder but for the archive, whose bytes depend on the compressor."""
    return {str(p.relative_to(folder)): p.read_text("utf-8") for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".gz"}


def test_outputs_are_what_is_checked_in(written: Path) -> None:
    fresh, kept = files(written), files(ROOT / "outputs")
    assert sorted(fresh) == sorted(kept)
    for name, text in fresh.items():
        assert text == kept[name], f"{name} has changed: read the diff of `make golden`"


def test_outputs_do_not_depend_on_the_number_of_jobs(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    CliRunner().invoke(main, ["convert", "rules", "-o", str(tmp_path), "--jobs", "2"])
    assert files(tmp_path) == files(written)


def test_every_sigma_file_resolves_in_pysigma(written: Path) -> None:
    for path in sorted((written / "sigma").glob("*.yml")):
        SigmaCollection.from_yaml(path.read_text("utf-8")).resolve_rule_references()


def test_every_eql_file_parses(written: Path) -> None:
    parser = pytest.importorskip("eql.parser", reason="PyPI eql (AGPL) is a test tool that is not installed")
    for path in sorted((written / "eql").glob("*.eql")):
        flags = (parser.allow_sample, parser.allow_runs, parser.allow_negation)
        with parser.elasticsearch_syntax, flags[0], flags[1], flags[2], parser.ignore_missing_functions:
            parser.parse_query(path.read_text("utf-8"))


def test_every_esql_file_parses(written: Path) -> None:
    esql = pytest.importorskip("esql", reason="detection-rules-esql-py needs Python 3.12")
    for path in sorted((written / "esql").glob("*.esql")):
        esql.parse_query(path.read_text("utf-8"))


def test_report_accounts_for_every_rule_and_file(written: Path) -> None:
    report = json.loads((written / "report.json").read_text("utf-8"))
    assert report["summary"]["rules"] == len(list((ROOT / "rules").glob("*.yaml"))) and report["summary"]["failed"] == 0
    listed = {p for r in report["rules"] for o in r["outputs"].values() for p in o["paths"]}
    on_disk = {
        str(p.relative_to(written))
        for t, e in (("sigma", "yml"), ("splunk", "spl"), ("eql", "eql"), ("esql", "esql"))
        for p in (written / t).glob(f"*.{e}")
    }
    assert listed == on_disk
    for rule in report["rules"]:
        for output in rule["outputs"].values():
            assert output["verdict"] == "exact" or output["diagnostics"]
            for diagnostic in output["diagnostics"]:
                assert diagnostic["line"] > 1 and diagnostic["column"] >= 1 and diagnostic["advice"]
