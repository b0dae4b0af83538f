"""The sample pack: every claim is proven, or not executable for a reason that stands here; none is contradicted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from translator.cli import main

ROOT = Path(__file__).resolve().parents[2]
ALL = ("sigma", "splunk", "eql", "esql")
NO_EVENTS = "no events were found for which the KQL alerts"

NOT_EXECUTABLE = {
    ("adjacent", ALL): f"{NO_EVENTS}: the function prev",
}
"""Why nothing is tried, as it begins, by rule and targets. What is proven since need not be taken out at once."""


def test_no_claim_of_the_sample_rules_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = CliRunner().invoke(main, ["verify", "rules", "--format", "json", "--jobs", "2", "--rule-timeout", "300"])
    known = {(rule, target): why for (rule, targets), why in NOT_EXECUTABLE.items() for target in targets}
    proven, wrong = 0, []
    for rule in json.loads(found.stdout):
        for proof in rule["proofs"]:
            place = (Path(rule["source"]).stem, proof["target"])
            proven += proof["outcome"] == "proven"
            if proof["outcome"] != "proven" and not (place in known and proof["why"].startswith(known[place])):
                wrong.append((*place, proof["outcome"], proof["why"] or proof["counterexample"]["about"]))
    assert wrong == []
    assert found.exit_code == 0 and proven >= 70
