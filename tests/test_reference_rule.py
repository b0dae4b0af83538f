"""The reference rule end to end: what must come out, in every target."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from sigma.collection import SigmaCollection
from sigma.plugins import InstalledSigmaPlugins
from sigma.validation import SigmaValidator

from tests.rules import rule
from translator.fidelity import Verdict
from translator.package import kibana
from translator.package.options import PackageOptions
from translator.package.splunk_app import searches, with_macros
from translator.pipeline import Conversion, convert
from translator.rulepack import read
from translator.targets.base import Options

ROOT = Path(__file__).resolve().parents[1]
RULE = ROOT / "rules" / "storage-account-key-enumeration.yaml"


@pytest.fixture(scope="module")
def source() -> Conversion:
    return convert(read(RULE)[0], options=Options(fields="source"))


@pytest.fixture(scope="module")
def target() -> Conversion:
    return convert(read(RULE)[0])


def documents(conversion: Conversion) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(conversion.outputs["sigma"].text))


def test_every_target_alerts_for_the_same_entities(target: Conversion, source: Conversion) -> None:
    for conversion in (target, source):
        assert {n: o.verdict for n, o in conversion.outputs.items()} == dict.fromkeys(
            ("sigma", "splunk", "eql", "esql"), Verdict.SAME_ALERTS
        )


def test_sigma_correlation_groups_by_the_address_through_aliases(source: Conversion) -> None:
    *base, correlation = documents(source)
    body = correlation["correlation"]
    assert body["type"] == "temporal"
    assert body["group-by"] == ["ip_address"]
    assert list(body["aliases"]["ip_address"].values()) == [
        "IPAddress",
        "CallerIpAddress",
        "InitiatedBy.user.ipAddress",
        "InitiatedBy.app.ipAddress",
    ]
    signin, activity, user, app = (d["name"] for d in base)
    assert body["condition"] == f"{signin} and {activity} and ({user} or {app})"


def test_sigma_shows_the_case_rules(source: Conversion) -> None:
    signin, activity, user, app, _ = documents(source)
    assert "AppDisplayName|cased" in signin["detection"]["filter_1"]
    assert activity["detection"]["selection"] == {"OperationNameValue|endswith": "listkeys/action", "ActivityStatus": "Succeeded"}
    assert user["detection"]["filter_2"] == {"InitiatedBy.user.ipAddress|cased": "null"}
    assert app["detection"]["condition"] == "selection and (selection_2 or selection_3) and not filter_1 and not filter_2"


def test_sigma_carries_attack_and_identity(target: Conversion) -> None:
    found = documents(target)
    for document in found:
        assert {"attack.t1586", "attack.t1570", "attack.initial-access", "attack.lateral-movement"} <= set(document["tags"])
        assert document["related"] == [{"id": "f19f913f-292a-41ed-9ac0-f3ea5e703d36", "type": "derived"}]
    assert len({d["id"] for d in found}) == len(found)
    assert [d["id"] for d in found] == [d["id"] for d in documents(convert(read(RULE)[0]))]


def test_sigma_passes_pysigmas_validators(target: Conversion) -> None:
    collection = SigmaCollection.from_yaml(target.outputs["sigma"].text)
    collection.resolve_rule_references()
    validators = InstalledSigmaPlugins.autodiscover().validators
    offline = [v for n, v in validators.items() if n not in ("attacktag", "d3_fendtag")]
    assert len(offline) == len(validators) - 2, "the two validators that download ATT&CK and D3FEND when they run"
    issues = [type(i).__name__ for i in SigmaValidator(offline).validate_rules(collection)]
    assert set(issues) <= {"NumberAsStringIssue"}, "ResultType is a string in the KQL, so its value '0' is one here"


def test_the_constant_branch_is_dropped_and_said(target: Conversion) -> None:
    rule = read(RULE)[0]
    for output in target.outputs.values():
        assert "Not Available" not in output.text
        (found,) = [d for d in output.diagnostics if d.code == "constant-branch-dropped"]
        line, column = rule.place(found.span[0] if found.span else -1)
        assert RULE.read_text("utf-8").splitlines()[line - 1][column - 1 :].startswith("'Not Available'")


def test_splunk_has_no_join_and_no_buckets(target: Conversion) -> None:
    text = target.outputs["splunk"].text
    assert "| join" not in text and "bin " not in text and "bucket" not in text
    assert " by ip_address" in text


def test_savedsearch_carries_schedule_window_severity_and_attack(target: Conversion) -> None:
    (search,) = searches([("rule", target)], PackageOptions())
    lines = search.settings
    assert json.loads(lines["action.correlationsearch.annotations"])["mitre_attack"] == ["T1586", "T1570"]
    assert "cron_schedule" not in lines and lines["enableSched"] == "0", "a hunting query has no schedule"
    assert lines["dispatch.earliest_time"] == "-1d@m"
    assert lines["alert.severity"] == "3"
    assert "enumerate the Storage keys" in lines["description"]


def test_eql_samples_once_for_each_alternative(source: Conversion) -> None:
    texts = source.outputs["eql"].texts
    assert len(texts) == 2
    assert all(t.startswith("sample\n") for t in texts)
    assert [t.splitlines()[-1].rsplit(" by ", 1)[1] for t in texts] == ["InitiatedBy.user.ipAddress", "InitiatedBy.app.ipAddress"]


def test_eql_parses() -> None:
    parser = pytest.importorskip("eql.parser", reason="PyPI eql (AGPL) is a test tool that is not installed")
    for output in (convert(read(RULE)[0], ("eql",), Options(fields=f)).outputs["eql"] for f in ("target", "source")):
        for text in output.texts:
            with parser.elasticsearch_syntax, parser.allow_sample, parser.ignore_missing_functions:
                parser.parse_query(text)


def test_esql_is_one_from_with_conditional_stats(source: Conversion) -> None:
    lines = source.outputs["esql"].text.splitlines()
    assert lines[0] == "FROM signinlogs, azureactivity, auditlogs"
    assert sum(line.startswith("FROM") for line in lines) == 1
    (stats,) = [line for line in lines if line.startswith("| STATS")]
    assert stats.count("COUNT(*) WHERE") == 4 and stats.endswith("BY ip_address")


def test_kibana_rule_has_the_full_threat_array(target: Conversion) -> None:
    ((built,),) = (p.rules for p in kibana.rules([("rule", target)], Options(), PackageOptions()))
    techniques = {t["id"]: t for entry in built["threat"] for t in entry["technique"]}
    assert set(techniques) == {"T1586", "T1570"}
    assert techniques["T1570"]["name"] == "Lateral Tool Transfer"
    assert techniques["T1570"]["reference"] == "https://attack.mitre.org/techniques/T1570/"
    assert {e["tactic"]["id"] for e in built["threat"]} == {"TA0001", "TA0008", "TA0042"}
    assert "IPCustomEntity" in built["note"] and "AzureActivity" in built["setup"]


def test_the_web_page_gives_the_same_rule_with_its_false_positives(shared: Path, target: Conversion) -> None:
    page = read(shared / "reference" / "storage_account_key_enumeration.txt")[0]
    converted = convert(page)
    assert len(page.false_positives) == 5
    for name in ("splunk", "eql", "esql"):
        assert converted.outputs[name].texts == target.outputs[name].texts
    for document in documents(converted):
        assert len(document["falsepositives"]) == 5
        assert document["falsepositives"][0].startswith("Azure Storage Account Key Rotation via Azure Portal")


def test_each_alternative_is_a_search_and_a_rule_of_its_own() -> None:
    parts = "(SigninLogs | where ResultType == '1' | summarize c = count() by IPAddress | where c > 5)"
    kql = f"union {parts}, {parts.replace('SigninLogs', 'AADNonInteractiveUserSignInLogs')}"
    conversion = convert(rule(kql, "two"))
    found = searches([("two", conversion)], PackageOptions())
    assert [s.name for s in found] == ["two (1 of 2)", "two (2 of 2)"]
    output = conversion.outputs["splunk"]
    assert all(with_macros(text, output.macros) in s.settings["search"] for text, s in zip(output.texts, found, strict=True))
    (packaged,) = kibana.rules([("two", conversion)], Options(), PackageOptions())
    rules = packaged.rules
    assert all(text in r["query"] for text, r in zip(conversion.outputs[packaged.chosen.kind].texts, rules, strict=True))
    assert len({r["rule_id"] for r in rules}) == len({r["name"] for r in rules}) == 2
