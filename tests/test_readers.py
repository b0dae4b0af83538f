"""Files of every form that holds rules, what is read of them, and what is said of the rest."""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from translator.cli import main
from translator.pack import Effort, Failure, rules_of
from translator.pipeline import convert
from translator.rulepack import Rule, Unread, given, read, read_source, rules_at
from translator.rulepack.model import AlertDetails, EntityMapping
from translator.rulepack.queries import judged, split
from translator.sigma.identity import stable_id

GUID, OTHER = "0a1b2c3d-1111-4222-8333-444455556666", "0a1b2c3d-1111-4222-8333-444455557777"
RULE = f"""\
id: {GUID}
name: Accounts made
severity: High
tactics: [Persistence]
query: |
  SecurityEvent
  | where EventID == 4720
"""
SEARCH = "SigninLogs\n| where ResultType == '50126'"


def found_in(folder: Path, name: str, content: str | bytes) -> list[Rule | Unread]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return rules_at(path)


def rules_in(folder: Path, name: str, content: str | bytes) -> list[Rule]:
    return [item for item in found_in(folder, name, content) if isinstance(item, Rule)]


def said_of(found: list[Rule | Unread]) -> list[tuple[int, bool, str]]:
    return [(item.line, item.fault, item.message) for item in found if isinstance(item, Unread)]


def run(*arguments: str, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=text)


# --- YAML


def test_documents_lists_and_wrapped_properties(tmp_path: Path) -> None:
    wrapped = f"kind: Scheduled\nname: {OTHER}\nproperties:\n  displayName: Wrapped\n  queryFrequency: PT1H\n  query: SigninLogs\n"
    own = "kind: Scheduled\nproperties:\n  " + RULE.strip().replace("\n", "\n  ") + "\n"
    several = rules_in(
        tmp_path, "r.yaml", f"{RULE}---\n{wrapped}---\n- name: A\n  query: SigninLogs\n- - name: B\n    query: AuditLogs\n---\n{own}"
    )
    assert [(r.name, r.id, r.frequency) for r in several] == [
        ("Accounts made", GUID, None),
        ("Wrapped", OTHER, 3600),
        ("A", "", None),
        ("B", "", None),
        ("Accounts made", GUID, None),
    ]
    assert [r.place(0) for r in several] == [(6, 3), (14, 10), (17, 10), (19, 12), (28, 5)]


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: "%YAML 1.2\n# a rule\n---\n" + text,
        lambda text: text.replace("name: ", "name:\t").replace("High", "\tHigh\t"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\r\r\n"),
    ],
    ids=["directive", "tabs", "CR", "CR CR LF"],
)
def test_yaml_as_editors_leave_it(tmp_path: Path, changed: Callable[[str], str]) -> None:
    (rule,) = found_in(tmp_path, "r.yaml", changed(RULE))
    assert isinstance(rule, Rule) and (rule.id, rule.name, rule.severity) == (GUID, "Accounts made", "high")
    assert rule.query == "SecurityEvent\n| where EventID == 4720\n"


def test_names_in_one_text_stand_between_commas(tmp_path: Path) -> None:
    text = "name: A\ntactics: Impact, Credential Access\nrelevantTechniques: [T1110, 'T1531,T1110 ']\nquery: T\n"
    (rule,) = rules_in(tmp_path, "r.yaml", text)
    assert (rule.tactics, rule.techniques) == (("Impact", "Credential Access"), ("T1110", "T1531"))


def test_a_document_that_is_no_yaml_loses_no_other(tmp_path: Path) -> None:
    found = found_in(tmp_path, "r.yaml", f"a: [1\n---\n{RULE}---\nname: x\nquery: 'T\n")
    assert [r.name for r in found if isinstance(r, Rule)] == ["Accounts made"]
    assert [(line, fault) for line, fault, _ in said_of(found)] == [(2, True), (13, True)]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("name: [a, b]", 1, "name is left out: expected a text, not a list"),
        ("requiredDataConnectors: true", 1, "requiredDataConnectors is left out: expected a list"),
        ("tactics: {a: b}", 1, "tactics is left out: expected a list of texts, not a mapping"),
        ("? [a, b]\n: c", 1, "a key that is a list or a mapping is left out"),
        ("severity: low\nseverity: high", 2, "the key 'severity' stands here twice"),
        ("description: !!binary aGVsbG8=", 1, "the tag !!binary is not read"),
        ('name: "n\\0ul"', 1, "name holds the control character U+0000"),
        ('name: "a\\ud800"', 1, "name holds half of a surrogate pair (U+D800)"),
        ("enabled: perhaps", 1, "expected true or false"),
        ("severity: Huge", 1, "severity is 'Huge': expected Informational, Low, Medium, High or Critical, so it is left out"),
        ("kind: Sheduled", 1, "kind is 'Sheduled': expected Scheduled, NRT or Hunting, so it is left out"),
        ("eventGroupingSettings:\n  aggregationKind: All", 2, "expected SingleAlert or AlertPerResult"),
        ("tags: &a [*a]", 1, "an alias stands inside of what it names"),
    ],
)
def test_a_field_of_another_shape_is_named_and_loses_nothing_else(tmp_path: Path, text: str, line: int, says: str) -> None:
    found = found_in(tmp_path, "r.yaml", f"{text}\nid: x\nquery: SigninLogs\n")
    assert [r.id for r in found if isinstance(r, Rule)] == ["x"]
    assert [(at, fault) for at, fault, message in said_of(found) if says in message] == [(line, False)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('query: "a\\ud800"', "half of a surrogate pair"),
        ('query: "T\\e[31m"', "control character U+001B"),
        ("query: [T]", "the query of this rule is no text"),
        ("query: T\nqueryPeriod: " + "9" * 5000, "expected a length of time"),
        ("query: T\nqueryPeriod: 999999999d", "longer than a hundred years"),
        ("query: T\ntriggerThreshold: [1]", "expected a whole number"),
        ("query: T\ntags: " + "[" * 200 + "]" * 200, "levels deep"),
        ("query: T\ntags: " + "[" * 20_000, "nests too deeply"),
    ],
)
def test_what_decides_on_the_alert_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    found = found_in(tmp_path, "r.yaml", f"name: x\nkind: Scheduled\n{text}\n")
    assert not [r for r in found if isinstance(r, Rule)]
    ((line, fault, message),) = said_of(found)
    assert fault and says in message and line >= 3 and len(message) < 200


def test_scalars_are_what_stands_in_the_file(tmp_path: Path) -> None:
    (rule,) = rules_in(tmp_path, "r.yaml", 'id: 0x10\nname: "\\ud83d\\ude00 found"\nversion: 1.10\nquery: T\nqueryPeriod: 01:00:00\n')
    assert (rule.id, rule.name, rule.version, rule.period) == ("0x10", "\U0001f600 found", "1.10", 3600)


def test_aliases_and_merges_are_bounded(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24))
    (rule,) = rules_in(tmp_path, "r.yaml", f"{bomb}name: x\ntactics: *y\nquery: SigninLogs\n")
    assert rule.query == "SigninLogs" and rule.tactics == ()
    (own,) = rules_in(tmp_path, "m.yaml", "- &b {severity: High, name: Base, query: SigninLogs}\n- {<<: *b, name: Own}\n")[1:]
    assert (own.name, own.severity) == ("Own", "high")


# --- JSON


def template(*resources: Any, **rest: Any) -> str:
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    return json.dumps({"$schema": schema, "contentVersion": "1.0.0.0", **rest, "resources": list(resources)}, indent=2)


def analytic(name: str, kind: str = "Scheduled", **properties: Any) -> dict[str, Any]:
    return {"type": "Microsoft.OperationalInsights/workspaces/providers/alertRules", "kind": kind, "name": name, "properties": properties}


def test_an_export_of_the_portal(tmp_path: Path) -> None:
    scheduled = analytic(
        f"[concat(parameters('workspace'),'/Microsoft.SecurityInsights/{GUID}')]",
        displayName="Failures",
        severity="Low",
        enabled=False,
        query="SigninLogs\r\n| where ResultType == '50126'\r\n| where Foo(",
        queryFrequency="PT5M",
        queryPeriod="P1D",
        triggerOperator="GreaterThan",
        triggerThreshold=3,
        suppressionEnabled=True,
        suppressionDuration="PT2H",
        tactics=["CredentialAccess"],
        techniques=["T1110"],
        subTechniques=["T1110.003"],
        customDetails={"Who": "UserPrincipalName"},
        incidentConfiguration={"createIncident": True, "groupingConfiguration": {"enabled": True, "lookbackDuration": "PT5H"}},
        eventGroupingSettings={"aggregationKind": "AlertPerResult"},
        entityMappings=[{"entityType": "Account", "fieldMappings": [{"identifier": "Name", "columnName": "UserPrincipalName"}]}],
    )
    nrt = analytic(OTHER, "NRT", displayName="Cleared", query="SecurityEvent | where EventID == 1102")
    fusion = analytic("BuiltInFusion", "Fusion", enabled=True)
    found = found_in(tmp_path, "export.json", template(scheduled, nrt, fusion, {"type": "Microsoft.Logic/workflows", "name": "x"}))
    first, second = (item for item in found if isinstance(item, Rule))
    assert (first.id, first.name, first.severity, first.enabled) == (GUID, "Failures", "low", False)
    assert (first.frequency, first.period, first.suppression, first.trigger_threshold) == (300, 86_400, 7_200, 3)
    assert first.techniques == ("T1110", "T1110.003") and first.grouping == "each" and first.incidents.grouped
    assert first.entities == (EntityMapping("Account", "Name", "UserPrincipalName"),) and first.custom_details == (
        ("Who", "UserPrincipalName"),
    )
    assert (second.id, second.kind, second.frequency) == (OTHER, "nrt", 60)
    line = next(n for n, text in enumerate((tmp_path / "export.json").read_text().split("\n"), 1) if "Foo(" in text)
    text = (tmp_path / "export.json").read_text().split("\n")[line - 1]
    assert first.place(first.query.index("Foo(")) == (line, text.index("Foo(") + 1)
    assert [(fault, message) for _, fault, message in said_of(found)] == [
        (False, "a rule of the kind Fusion has no query"),
        (False, "a resource of the type Microsoft.Logic/workflows is no rule"),
    ]


def test_expressions_of_templates(tmp_path: Path) -> None:
    resources = [
        analytic(
            "[variables('one').id]",
            displayName="[format('{0} of {1}', variables('names')[0], parameters('who'))]",
            query="[concat('SigninLogs | where Identity == ''', parameters('who'), '''')]",
        ),
        analytic("two", displayName="[[ESCAPED]", query="T | where a == '[x]'"),
        analytic("three", displayName="Needs a deployment", query="[concat('T | where Id == ', resourceGroup().id)]"),
        analytic("four", displayName="In a circle", query="[variables('round')]"),
    ]
    variables = {"one": {"id": GUID}, "names": ["Sign-ins"], "round": "[variables('Round')]"}
    text = template(*resources, parameters={"who": {"type": "string", "defaultValue": "eve"}}, variables=variables)
    found = found_in(tmp_path, "t.json", text)
    assert [(r.id, r.name, r.query) for r in found if isinstance(r, Rule)] == [
        (GUID, "Sign-ins of eve", "SigninLogs | where Identity == 'eve'"),
        ("two", "[ESCAPED]", "T | where a == '[x]'"),
    ]
    assert [fault for _, fault, _ in said_of(found)] == [True, True]
    assert "only a deployment knows resourcegroup()" in said_of(found)[0][2] and "refers to itself" in said_of(found)[1][2]


def off(found: list[Rule | Unread]) -> list[str]:
    """The rules that are not deployed, each of which is said."""
    told = {item.name for item in found if isinstance(item, Unread) and "is not deployed" in item.message}
    names = [item.name for item in found if isinstance(item, Rule) and not item.enabled]
    assert told == set(names)
    return names


def test_what_a_template_does_not_deploy_is_switched_off(tmp_path: Path) -> None:
    """That a resource is not deployed says nothing of those that stand in it, but of those of a nested template."""
    conditions = {
        "no": False, "yes": True, "by default": "[parameters('no')]", "worked out": "[equals('a', 'b')]", "unknown": "[parameters('?')]",
    }  # fmt: skip
    rules = [{**analytic(name, displayName=name, query="T"), "condition": condition} for name, condition in conditions.items()]
    within = {"template": {"resources": [analytic("inside", displayName="inside", query="T")]}}
    nested = {"type": "Microsoft.Resources/deployments", "condition": False, "properties": within}
    above = {"type": "W", "name": "w", "condition": False, "resources": [analytic("below", displayName="below", query="T")]}
    text = template(*rules, nested, above, parameters={"no": {"type": "bool", "defaultValue": False}})
    assert off(found_in(tmp_path, "t.json", text)) == ["no", "by default", "worked out", "inside"]


@pytest.mark.parametrize("name", ["queryFrequency", "queryPeriod", "suppressionDuration", "triggerOperator", "triggerThreshold"])
def test_what_decides_on_the_alert_and_only_a_deployment_knows_is_refused(tmp_path: Path, name: str) -> None:
    settings: dict[str, Any] = {"displayName": "Named", "query": "T", "suppressionEnabled": True, name: "[parameters('x')]"}
    (fault,) = found_in(tmp_path, "t.json", template(analytic(GUID, **settings)))
    assert isinstance(fault, Unread) and fault.fault and fault.name == "Named"
    assert fault.message == (
        f"{name} cannot be read: the expression '[parameters('x')]' cannot be worked out here: there is no value of the parameter 'x'"
    )


@pytest.mark.parametrize(
    ("expression", "query"),
    [
        ("if(equals(parameters('n'), 5), 'T', resourceGroup().id)", "T"),
        ("if(and(true(), not(contains_('x'))), 'T', 'U')", None),
        ("join(createArray('T', '| take 5'), ' ')", "T | take 5"),
        ("join(concat(variables('lines'), createArray('c')), ',')", "a,b,c"),
        ("first(split('T;U', ';'))", "T"),
        ("base64ToString('VCB8IHRha2UgNQ==')", "T | take 5"),
        ("base64ToString('?')", None),
        ("uriComponentToString('T%20%7C%20take%205')", "T | take 5"),
        ("substring('xxT', 2)", "T"),
        ("format('{0} | where a == dynamic({{}})', 'T')", "T | where a == dynamic({})"),
        ("format('{0:D2}', parameters('n'))", None),
        ("own.of('T')", "T | take 5"),
        ("own.of()", None),
        ("copyIndex()", None),
        ("last(createArray())", None),
    ],
)
def test_functions_of_templates(tmp_path: Path, expression: str, query: str | None) -> None:
    own = {"parameters": [{"name": "t", "type": "string"}], "output": {"type": "string", "value": "[concat(parameters('t'), ' | take 5')]"}}
    text = template(
        analytic("x", query=f"[{expression}]"),
        parameters={"n": {"defaultValue": 5}},
        variables={"lines": ["a", "b"]},
        functions=[{"namespace": "own", "members": {"of": own}}],
    )
    found = found_in(tmp_path, "t.json", text)
    assert [r.query for r in found if isinstance(r, Rule)] == ([query] if query else [])
    assert [fault for _, fault, _ in said_of(found)] == ([] if query else [True])


def test_copies_of_a_resource(tmp_path: Path) -> None:
    settings = [{"displayName": name, "query": f"T | where a == '{name}'"} for name in ("A", "B")]
    copied = {**analytic("[guid('x', copyIndex())]"), "properties": "[parameters('rules')[copyIndex('each')]]"}
    for count, names in (("[length(parameters('rules'))]", ["A", "B"]), (1, ["A"]), ("[parameters('many')]", [])):
        text = template({**copied, "copy": {"name": "each", "count": count}}, parameters={"rules": {"defaultValue": settings}})
        found = found_in(tmp_path, "t.json", text)
        assert [r.name for r in found if isinstance(r, Rule)] == names
        assert [fault for _, fault, _ in said_of(found)] == ([] if names else [True])


def test_lists_that_loops_make(tmp_path: Path) -> None:
    each = {"name": "tactics", "count": "[length(variables('known'))]", "input": "[variables('known')[copyIndex('tactics')]]"}
    ids = {"name": "ids", "count": 3, "input": "[concat('110', copyIndex('ids', 2))]"}
    text = template(
        analytic(GUID, displayName="A", query="[concat('T | where a in (', join(variables('ids'), ', '), ')')]", copy=[each]),
        variables={"copy": [ids], "known": ["Impact", "Execution"]},
    )
    (rule,) = found_in(tmp_path, "t.json", text)
    assert isinstance(rule, Rule) and (rule.query, rule.tactics) == ("T | where a in (1102, 1103, 1104)", ("Impact", "Execution"))
    unknown = found_in(tmp_path, "t.json", text.replace("[length(variables('known'))]", "[parameters('many')]"))
    ((_, fault, message),) = said_of(unknown)
    assert len(unknown) == 2 and not fault and "tactics is left out: only a deployment" in message
    deep: dict[str, Any] = {"name": "l0", "count": 800, "input": 1}
    for level in range(1, 9):
        deep = {"name": f"l{level}", "count": 800, "input": {"copy": [deep]}}
    started = time.monotonic()
    text = text.replace(json.dumps(ids), json.dumps(deep)).replace("'ids'", "'l8'")
    assert len(found_in(tmp_path, "t.json", text)) == 1
    assert time.monotonic() - started < 20


def test_packaged_content_as_the_rest_interface_answers_with_it(tmp_path: Path) -> None:
    inner = {**analytic(GUID, displayName="Packaged", query="SigninLogs"), "type": "Microsoft.SecurityInsights/AlertRuleTemplates"}
    answer = {"value": [{"type": "Microsoft.SecurityInsights/contentTemplates", "properties": {"mainTemplate": {"resources": [inner]}}}]}
    assert [(r.id, r.name) for r in rules_in(tmp_path, "a.json", json.dumps(answer))] == [(GUID, "Packaged")]


def test_packaged_content_and_nested_templates(tmp_path: Path) -> None:
    inner = analytic("[variables('content').id]", displayName="Packaged", query="SigninLogs", enabled=False)
    inner["type"] = "Microsoft.SecurityInsights/AlertRuleTemplates"
    packaged = {
        "type": "Microsoft.OperationalInsights/workspaces/providers/contentTemplates",
        "name": "x",
        "properties": {"contentKind": "AnalyticsRule", "mainTemplate": {"variables": {}, "resources": [inner]}},
    }
    nested = {
        "type": "Microsoft.Resources/deployments",
        "name": "y",
        "properties": {
            "expressionEvaluationOptions": {"scope": "inner"},
            "parameters": {"title": {"value": "Given"}, "account": {"value": "[parameters('outer')]"}},
            "template": {
                "parameters": {"title": {"type": "string"}, "account": {"type": "string"}},
                "resources": [
                    analytic(OTHER, displayName="[parameters('title')]", query="[concat('T | where a == \"', parameters('account'), '\"')]")
                ],
            },
        },
    }
    outer = {"outer": {"defaultValue": "me"}}
    made = rules_in(tmp_path, "mainTemplate.json", template(packaged, nested, variables={"content": {"id": GUID}}, parameters=outer))
    assert [(r.id, r.name, r.enabled) for r in made] == [(GUID, "Packaged", True), (OTHER, "Given", True)]
    assert made[1].query == 'T | where a == "me"'
    (refused,) = found_in(tmp_path, "mainTemplate.json", template(nested))
    assert isinstance(refused, Unread) and refused.fault and "no value of the parameter 'outer'" in refused.message


def test_lists_of_rest_azsentinel_saved_searches_and_query_packs(tmp_path: Path) -> None:
    listed = {
        "value": [
            {
                "id": f"/x/alertRules/{GUID}",
                "name": GUID,
                "kind": "Scheduled",
                "properties": {"displayName": "Listed", "query": "SigninLogs"},
            }
        ]
    }
    assert [(r.id, r.name) for r in rules_in(tmp_path, "rest.json", json.dumps(listed))] == [(GUID, "Listed")]
    az = {
        "Scheduled": [
            {"displayName": "Az", "query": "SigninLogs", "queryFrequency": "5H", "queryPeriod": "6h", "aggregationKind": "SingleAlert"}
        ],
        "NRT": [{"displayName": "Near", "query": "AuditLogs"}],
        "Fusion": [{"displayName": "F", "enabled": True}],
    }
    found = found_in(tmp_path, "az.json", json.dumps(az))
    assert [(r.name, r.kind, r.frequency, r.period, r.grouping) for r in found if isinstance(r, Rule)] == [
        ("Az", "scheduled", 18_000, 21_600, "single"),
        ("Near", "nrt", 60, 60, ""),
    ]
    assert [message for *_, message in said_of(found)] == ["a rule of the kind Fusion has no query"]
    tags = [
        {"name": "description", "value": "Why"},
        {"name": "tactics", "value": "Impact, Persistence"},
        {"name": "techniques", "value": "T1098"},
    ]
    saved = {
        "type": "Microsoft.OperationalInsights/savedSearches",
        "name": f"w/{OTHER}",
        "properties": {"category": "Hunting Queries", "displayName": "Hunt", "query": SEARCH, "tags": tags},
    }
    (hunt,) = rules_in(tmp_path, "saved.json", template(saved))
    assert (hunt.id, hunt.name, hunt.description, hunt.tactics, hunt.techniques) == (
        OTHER,
        "Hunt",
        "Why",
        ("Impact", "Persistence"),
        ("T1098",),
    )
    pack = {
        "value": [
            {
                "name": GUID,
                "properties": {
                    "displayName": "Both",
                    "description": "d",
                    "body": f"{SEARCH}\n\nAuditLogs\n| take 5",
                    "related": {"categories": ["security"]},
                },
            }
        ]
    }
    both = rules_in(tmp_path, "pack.json", json.dumps(pack))
    assert [(r.id, r.name, r.query) for r in both] == [(f"{GUID}-1", "Both 1", SEARCH), (f"{GUID}-2", "Both 2", "AuditLogs\n| take 5")]


DETECTION = {
    "@odata.type": "#microsoft.graph.security.detectionRule",
    "id": "17",
    "displayName": "Dumped",
    "isEnabled": True,
    "createdBy": "a@b.example",
    "queryCondition": {"queryText": "DeviceEvents | where FileName =~ 'x.exe'", "lastModifiedDateTime": "2026-01-02T03:04:05Z"},
    "schedule": {"period": "12H"},
    "detectionAction": {
        "responseActions": [{"@odata.type": "#microsoft.graph.security.isolateDeviceResponseAction", "identifier": "deviceId"}],
        "alertTemplate": {
            "title": "Dump on {{DeviceName}}",
            "description": "why",
            "severity": "high",
            "category": "CredentialAccess",
            "mitreTechniques": ["T1003.001"],
            "impactedAssets": [{"@odata.type": "#microsoft.graph.security.impactedUserAsset", "identifier": "accountUpn"}],
        },
    },
}


@pytest.mark.parametrize("several", [False, True])
def test_custom_detections_of_graph(tmp_path: Path, several: bool) -> None:
    found = found_in(
        tmp_path, "d.json", json.dumps({"value": [DETECTION, {**DETECTION, "schedule": {"period": "0"}}]} if several else DETECTION)
    )
    rule, *others = (item for item in found if isinstance(item, Rule))
    assert (rule.id, rule.name, rule.severity, rule.tactics, rule.techniques) == (
        "17",
        "Dumped",
        "high",
        ("CredentialAccess",),
        ("T1003.001",),
    )
    assert (rule.frequency, rule.period, rule.kind, rule.day, rule.details.title) == (
        43_200,
        172_800,
        "scheduled",
        "2026-01-02",
        "Dump on {{DeviceName}}",
    )
    assert rule.entities == (EntityMapping("Account", "AccountUpn", "AccountUpn"),)
    assert [(r.kind, r.frequency) for r in others] == ([("nrt", 60)] if several else [])
    assert "isolateDeviceResponseAction" in said_of(found)[0][2] and not said_of(found)[0][1]


NEW_DETECTION = {
    "@odata.type": "#microsoft.graph.security.detectionRule",
    "id": "dumped",
    "displayName": "Dumped",
    "description": "what",
    "status": "enabled",
    "createdBy": "a@b.example",
    "createdDateTime": "2026-05-25T10:15:00Z",
    "queryCondition": {"queryText": "DeviceEvents | where FileName =~ 'x.exe'"},
    "schedule": {"frequency": "PT1H"},
    "detectionAction": {
        "alertTemplate": {
            "title": "Dump",
            "description": "on {{DeviceName}}",
            "severity": "high",
            "eventGroupingKind": "singleAlert",
            "customDetails": {"@odata.type": "#microsoft.graph.security.alertCustomDetails", "Tool": "FileName"},
            "entityMappings": {
                "@odata.type": "#microsoft.graph.security.entityMappingConfiguration",
                "hosts": [{"deviceIdColumn": "DeviceId", "nameColumn": "DeviceName", "dnsDomainColumn": None}],
                "accounts": [{"@odata.type": "#microsoft.graph.security.accountEntityMapping", "upnSuffixColumn": "Suffix"}],
                "files": [{"nameColumn": "FileName", "sha1Column": "SHA1"}],
                "ips": [],
            },
            "tactics": [
                {"tactic": "Execution", "techniques": [{"technique": "T1059", "subTechniques": ["T1059.001"]}, {"technique": "T1204"}]},
                {"tactic": "Persistence", "techniques": []},
            ],
        },
        "automatedActions": {"isolateDevices": [{"deviceIdColumn": "DeviceId"}], "runAntivirusScans": []},
        "organizationalScope": {"scopeType": "deviceGroup", "scopeNames": ["Servers", "Lab"]},
        "incidentConfiguration": {"isExcludedFromIncidentCorrelation": True},
    },
}


def test_custom_detections_as_graph_calls_them_now(tmp_path: Path) -> None:
    found = found_in(tmp_path, "d.json", json.dumps(NEW_DETECTION))
    (rule,) = (item for item in found if isinstance(item, Rule))
    assert (rule.kind, rule.frequency, rule.period, rule.enabled, rule.grouping) == ("scheduled", 3_600, 14_400, True, "single")
    assert rule.tactics == ("Execution", "Persistence") and rule.techniques == ("T1059", "T1059.001", "T1204")
    assert [(e.type, e.identifier, e.column) for e in rule.entities] == [
        ("Host", "DeviceId", "DeviceId"), ("Host", "HostName", "DeviceName"), ("Account", "UpnSuffix", "Suffix"),
        ("File", "Name", "FileName"), ("FileHash", "Value", "SHA1"),
    ]  # fmt: skip
    assert rule.custom_details == (("Tool", "FileName"),) and rule.details == AlertDetails("Dump", "on {{DeviceName}}")
    assert rule.scope == ("Servers", "Lab") and rule.date == "2026-05-25"
    assert [message for *_, message in said_of(found)] == [
        "a response action, isolateDevices, is left out: an alert is all that is written",
        "that its alerts join no other incident is left out",
    ]


def test_custom_detections_as_powershell_shows_them(tmp_path: Path) -> None:
    """Microsoft.Graph.Beta.Security writes names with capitals, times as objects, and what is of one type alone in a mapping inside."""
    template = {
        "Title": "T", "Description": "on {{DeviceName}}", "Severity": "high", "EventGroupingKind": "alertPerEvent",
        "Tactics": [{"Tactic": "Impact", "Techniques": [{"Technique": "T1531"}]}],
        "EntityMappings": {"Mailboxes": [{"PrimaryAddressColumn": "Recipient"}]},
        "ImpactedAssets": [{"AdditionalProperties": {"@odata.type": "#x.impactedDeviceAsset", "identifier": "deviceId"}}],
    }  # fmt: skip
    answer = {
        "Id": "1", "DisplayName": "D", "Description": "own", "Status": "enabled", "QueryCondition": {"QueryText": "T"},
        "Schedule": {"Frequency": TICKS, "Lookback": TICKS, "Period": None},
        "DetectionAction": {"AlertTemplate": template, "OrganizationalScope": {"ScopeNames": ["Lab"]}},
    }  # fmt: skip
    (rule,) = found_in(tmp_path, "x.json", json.dumps([answer]))
    assert isinstance(rule, Rule) and (rule.frequency, rule.period, rule.grouping, rule.scope) == (3_600, 3_600, "each", ("Lab",))
    assert (rule.description, rule.details.description) == ("own", "on {{DeviceName}}")
    assert [(e.type, e.identifier, e.column) for e in rule.entities] == [
        ("Host", "DeviceId", "DeviceId"), ("Mailbox", "MailboxPrimaryAddress", "Recipient"),
    ]  # fmt: skip
    assert (rule.tactics, rule.techniques) == (("Impact",), ("T1531",))


@pytest.mark.parametrize(
    ("schedule", "status", "expected"),
    [
        ({"frequency": "PT1H", "lookback": "PT90M"}, "enabled", ("scheduled", 3_600, 5_400, True)),
        ({"frequency": "P1D", "period": "24H"}, "disabled", ("scheduled", 86_400, 2_592_000, False)),
        ({"frequency": "PT20M"}, "autoDisabled", ("scheduled", 1_200, None, False)),
        ({"frequency": "PT0S"}, "enabled", ("nrt", 60, 60, True)),
    ],
)
def test_schedules_of_custom_detections(tmp_path: Path, schedule: Any, status: str, expected: tuple[Any, ...]) -> None:
    (rule,) = rules_in(tmp_path, "d.json", json.dumps({**NEW_DETECTION, "schedule": schedule, "status": status}))
    assert (rule.kind, rule.frequency, rule.period, rule.enabled) == expected


def test_a_custom_detection_in_yaml(tmp_path: Path) -> None:
    text = "displayName: Dumped\nqueryCondition:\n  queryText: |\n    DeviceEvents\n    | where (\nschedule:\n  period: 1H\n"
    (rule,) = rules_in(tmp_path, "d.yaml", text)
    assert (rule.name, rule.frequency, rule.period, rule.place(rule.query.index("("))) == ("Dumped", 3_600, 14_400, (5, 13))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{"query" "T"}', 1, "not valid JSON"),
        ('{"query": "T", // a "comment"\n "a" 1}', 2, "not valid JSON: Expecting ':'"),
        ('{"a": [1,\n', 2, "not valid JSON"),
        ("[" * 100_000, 1, "nests too deeply"),
        ('{"severity": "Low",\n "query": "a\\ud800"}', 2, "half of a surrogate pair"),
        ('{"kind": "Scheduled", "properties": {"severity": "Low"}}', 1, "no key 'query'"),
    ],
)
def test_what_is_wrong_in_json_has_its_place(tmp_path: Path, text: str, line: int, says: str) -> None:
    ((at, fault, message),) = said_of(found_in(tmp_path, "x.json", text))
    assert fault and at == line and says in message


@pytest.mark.parametrize(
    "text",
    [
        '// exported\n{"name": "x", /* what it\nfinds */ "query": "T | where a == \'//\' // b",}',
        '[{"name": "x", "query": "T | where a == \'//\' // b"},\n]',
        '{"other": 1}\n\n{"name": "x", "query": "T | where a == \'//\' // b"}',
        '{"broken": }\n{"name": "x", "query": "T | where a == \'//\' // b"}\n',
        '\ufeff{"name": "x", "query": "T | where a == \'//\' // b"}',
    ],
    ids=["comments", "last comma", "several", "one a line", "mark"],
)
def test_what_files_have_that_json_has_not(tmp_path: Path, text: str) -> None:
    for name in ("a.json", "a.ndjson", "a"):
        found = found_in(tmp_path, name, text)
        (rule,) = (item for item in found if isinstance(item, Rule))
        assert [fault for _, fault, _ in said_of(found)] == [True] * ("broken" in text) + [False] * ("other" in text)
        line = next(n for n, line in enumerate(text.lstrip("\ufeff").split("\n"), 1) if "T | where" in line)
        assert (rule.name, rule.query, rule.place(0)[0]) == ("x", "T | where a == '//' // b", line)


TICKS = {"Ticks": 36_000_000_000, "Days": 0, "Hours": 1, "TotalSeconds": 3600.0}
FLAT = {
    "name": GUID,
    "id": f"/subscriptions/s/alertRules/{GUID}",
    "kind": "Scheduled",
    "query": "T",
    "severity": "High",
    "tactics": ["Impact"],
}


@pytest.mark.parametrize(
    "answer",
    [
        [{**FLAT, "displayName": "A", "queryFrequency": "1:00:00", "queryPeriod": "14 days, 0:00:00"}],
        {
            "Name": GUID, "DisplayName": "A", "Kind": "Scheduled", "Query": "T", "Severity": "High", "Tactic": ["Impact"],
            "QueryFrequency": TICKS, "QueryPeriod": "14.00:00:00",
        },
        {"data": {"rules": [{"name": GUID, "kind": "Scheduled", "properties": {
            "displayName": "A", "query": "T", "severity": "High", "tactics": ["Impact"], "queryFrequency": "PT1H", "queryPeriod": "P14D",
        }}]}},
    ],
    ids=["Azure CLI", "PowerShell", "under a key"],
)  # fmt: skip
def test_rules_as_other_tools_of_azure_show_them(tmp_path: Path, answer: Any) -> None:
    (rule,) = rules_in(tmp_path, "x.json", json.dumps(answer))
    assert (rule.id, rule.name, rule.severity, rule.tactics) == (GUID, "A", "high", ("Impact",))
    assert (rule.frequency, rule.period) == (3_600, 14 * 86_400)


def test_settings_that_powershell_has_beside_their_mapping(tmp_path: Path) -> None:
    answer = {
        "Name": GUID, "DisplayName": "A", "Kind": "Scheduled", "Query": "T", "QueryFrequency": TICKS, "Technique": ["T1110"],
        "SubTechnique": ["T1110.003"], "CustomDetail": {"Who": "Account"}, "EventGroupingSettingAggregationKind": "AlertPerResult",
        "AlertDetailOverrideAlertDisplayNameFormat": "by {{Account}}", "AlertDetailOverrideAlertDescriptionFormat": "why",
        "AlertDetailOverrideAlertSeverityColumnName": "Level", "IncidentConfigurationCreateIncident": False,
        "GroupingConfigurationEnabled": True, "GroupingConfigurationLookbackDuration": TICKS, "GroupingConfigurationMatchingMethod": "Any",
    }  # fmt: skip
    (rule,) = rules_in(tmp_path, "x.json", json.dumps(answer))
    assert (rule.techniques, rule.custom_details, rule.grouping) == (("T1110", "T1110.003"), (("Who", "Account"),), "each")
    assert rule.details == AlertDetails("by {{Account}}", "why", "Level")
    assert (rule.incidents.created, rule.incidents.grouped, rule.incidents.matching) == (False, True, "Any")


def test_rules_by_their_names(tmp_path: Path) -> None:
    text = "one: {query: T, severity: Low}\ntwo: {query: U, name: Two}\n"
    assert [(r.name, r.query) for r in rules_in(tmp_path, "x.yaml", text)] == [("one", "T"), ("Two", "U")]


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        ({"version": "Notebook/1.0", "items": [{"type": 3, "content": {"query": "T"}, "name": "q"}]}, "a workbook is no rule"),
        (template({"type": "microsoft.insights/workbooks", "properties": {"serializedData": "{}"}}), "a workbook is no rule"),
        (template({"type": "Microsoft.Insights/scheduledQueryRules", "properties": {"severity": 2}}), "scheduledQueryRules is no rule"),
        ({"panels": [{"title": "p", "targets": [{"refId": "A", "azureLogAnalytics": {"query": "T"}}]}]}, "no key 'query'"),
        ({"name": "tool", "scripts": {"query": "run"}}, "no key 'query'"),
        ({"name": "r", "type": "eql", "language": "eql", "query": "any where true", "severity": "low"}, "a query in eql is no KQL"),
    ],
)
def test_what_has_queries_and_is_no_rule(tmp_path: Path, thing: Any, says: str) -> None:
    (tmp_path / "x.json").write_text(thing if isinstance(thing, str) else json.dumps(thing))
    ((_, fault, message),) = [(n, f, m) for n, f, m in said_of(rules_at(tmp_path)) if not m.startswith("no rule")]
    assert not fault and says in message


# --- infrastructure as code

TERRAFORM = f"""\
variable "event" {{
  default = 4720
}}
locals {{ named = "Accounts made" }}
resource "azurerm_resource_group" "g" {{ name = "g" }}
resource "azurerm_sentinel_alert_rule_scheduled" "one" {{
  name            = "{GUID}" # its id
  display_name    = local.named
  severity        = "High"
  enabled         = var.on && true
  query_frequency = "PT5H"
  query_period    = "P1D"
  tactics         = ["Persistence", "Impact",]
  workspace       = azurerm_resource_group.g[0].id
  query           = QUERY
  custom_details  = {{ Name = "Account" }}
  event_grouping {{ aggregation_method = "AlertPerResult" }}
  incident {{
    create_incident_enabled = false
    grouping {{
      enabled = true
    }}
  }}
  alert_details_override {{
    dynamic_property {{
      name  = "ProviderName"
      value = "Provider"
    }}
  }}
  entity_mapping {{
    entity_type = "Account"
    field_mapping {{
      identifier  = "Name"
      column_name = "Account"
    }}
    field_mapping {{
      identifier  = "Sid"
      column_name = "AccountSid"
    }}
  }}
}}
resource "azurerm_sentinel_alert_rule_fusion" "f" {{ name = "BuiltInFusion" }}
"""


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ('<<EOT\nSecurityEvent\n| where Account == "a" and EventID == 4720\nEOT', (16, 1)),
        ('<<-EOT\n    SecurityEvent\n    | where Account == "a" and EventID == 4720\n  EOT', (16, 5)),
        ('"SecurityEvent\\n| where Account == \\"a\\" and EventID == ${var.event}\\n"', (15, 21)),
    ],
)
def test_terraform(tmp_path: Path, query: str, place: tuple[int, int]) -> None:
    found = found_in(tmp_path, "rules.tf", TERRAFORM.replace("QUERY", query, 1))
    (rule,) = (item for item in found if isinstance(item, Rule))
    assert rule.query == 'SecurityEvent\n| where Account == "a" and EventID == 4720\n' and rule.place(0) == place
    assert (rule.id, rule.name, rule.severity, rule.frequency, rule.period) == (GUID, "Accounts made", "high", 18_000, 86_400)
    assert rule.tactics == ("Persistence", "Impact") and rule.grouping == "each" and rule.custom_details == (("Name", "Account"),)
    assert rule.entities == (EntityMapping("Account", "Name", "Account"), EntityMapping("Account", "Sid", "AccountSid"))
    assert (rule.incidents.created, rule.incidents.grouped) == (False, True)
    assert rule.details.properties == (("ProviderName", "Provider"),)
    assert [message for *_, message in said_of(found)] == [
        "enabled is left out: only a deployment knows 'var.on && true'",
        "a rule of the kind Fusion has no query",
        "a resource of the type azurerm_resource_group is no rule",
    ]


def test_what_code_does_not_deploy_is_switched_off(tmp_path: Path) -> None:
    for count, said in (("0", ["Accounts made"]), ("local.n", ["Accounts made"]), ("1", []), ("var.on ? 1 : 0", [])):
        text = TERRAFORM.replace("QUERY", f'"T"\n  count = {count}', 1).replace("var.on && true", "true") + "\nlocals {\n n = 0\n}\n"
        assert off(found_in(tmp_path, "rules.tf", text)) == said
    for condition, said in (("on", ["Accounts made"]), ("false", ["Accounts made"]), ("\n true\n", []), ("event > (1)", [])):
        text = "param on bool = false\n" + BICEP.replace("QUERY", "'T'").replace("(event > 1)", f"({condition})")
        assert off(found_in(tmp_path, "rules.bicep", text)) == said


def test_modules_are_named(tmp_path: Path) -> None:
    says = "the module ./one is a file of its own: what it makes of its values is not read here"
    for name, text in (
        ("a.tf", 'module "m" {\n source = "./one"\n query = "T"\n}\n' + TERRAFORM.replace("QUERY", '"T"', 1)),
        ("a.bicep", "module m './one' = {\n name: 'm'\n params: {\n  query: 'T'\n }\n}\n" + BICEP.replace("QUERY", "'T'")),
    ):
        found = found_in(tmp_path, name, text)
        assert (False, says) in [(fault, message) for _, fault, message in said_of(found)]
        assert [item.name for item in found if isinstance(item, Rule)] == ["Accounts made"]


@pytest.mark.parametrize("query", ['file("${path.module}/q.kql")', "var.query", '"T | where a == ${each.value}"', 'join("", [\n"T"\n])'])
def test_what_only_terraform_knows_is_refused_with_its_place(tmp_path: Path, query: str) -> None:
    text = TERRAFORM.replace("QUERY", query, 1)
    (fault,) = (item for item in found_in(tmp_path, "rules.tf", text) if isinstance(item, Unread) and item.fault)
    assert fault.line == 15 and "only a deployment knows" in fault.message


def test_terraforms_json_states_and_plans(tmp_path: Path) -> None:
    kind, name = "azurerm_sentinel_alert_rule_nrt", f"/x/alertRules/{GUID}"
    values = {"id": name, "display_name": "Near", "query": "T | where a == '${b}'", "entity_mapping": []}
    state = {"terraform_version": "1.9.0", "resources": [{"type": kind, "name": "n", "instances": [{"attributes": values}]}]}
    plan = {
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"child_modules": [{"resources": [{"type": kind, "values": values}]}]}},
    }
    for text in (state, plan):
        (rule,) = rules_in(tmp_path, "terraform.tfstate", json.dumps(text))
        assert (rule.id, rule.name, rule.kind, rule.query) == (GUID, "Near", "nrt", "T | where a == '${b}'")
    own = {"resource": {kind: {"n": {**values, "query": "T | where a == '${local.b}'"}}}, "locals": {"b": "c"}}
    (rule,) = rules_in(tmp_path, "rules.tf.json", json.dumps(own))
    assert (rule.id, rule.query) == (GUID, "T | where a == 'c'")
    body = '{\n kind = "NRT"\n properties = { displayName = "Near", query = "T" }\n}'
    for written in (f"jsonencode({body})", body):
        typed = 'type = "Microsoft.SecurityInsights/alertRules@2023-02-01"'
        code = f'resource "azapi_resource" "n" {{\n {typed}\n name = "{GUID}"\n body = {written}\n}}\n'
        (rule,) = rules_in(tmp_path, "a.tf", code)
        assert (rule.id, rule.name, rule.kind, rule.query) == (GUID, "Near", "nrt", "T")


BICEP = f"""\
@description('which event')
param event int = 4720
param workspace string
var named = 'Accounts made'
resource w 'Microsoft.OperationalInsights/workspaces@2022-10-01' existing = {{
  name: workspace
}}
resource rule 'Microsoft.SecurityInsights/alertRules@2023-02-01' = if (event > 1) {{
  scope: w
  name: '{GUID}'
  kind: 'Scheduled'
  properties: {{
    displayName: named // its name
    severity: 'High'
    query: QUERY
    queryFrequency: 'PT5H'
    queryPeriod: 'P1D'
    suppressionDuration: contains(x, 'y') ? 'PT5H' : 'PT1H'
    tactics: [
      'Persistence'
      'Impact'
    ]
    entityMappings: [ {{ entityType: 'Account', fieldMappings: [ {{ identifier: 'Name', columnName: 'Account' }} ] }} ]
  }}
}}
output id string = rule.id
"""


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("'''\nSecurityEvent\n| where Account == 'a' and EventID == 4720\n'''", (16, 1)),
        ("'SecurityEvent\\n| where Account == \\'a\\' and EventID == ${event}\\n'", (15, 12)),
        ("'SecurityEvent\\n| where Account == \\'a\\' and EventID == 4720\\n'", (15, 13)),
    ],
)
def test_bicep(tmp_path: Path, query: str, place: tuple[int, int]) -> None:
    (rule,) = found_in(tmp_path, "rules.bicep", BICEP.replace("QUERY", query))
    assert isinstance(rule, Rule) and rule.query == "SecurityEvent\n| where Account == 'a' and EventID == 4720\n" and rule.place(0) == place
    assert (rule.id, rule.name, rule.severity, rule.frequency, rule.tactics) == (
        GUID,
        "Accounts made",
        "high",
        18_000,
        ("Persistence", "Impact"),
    )
    assert rule.entities == (EntityMapping("Account", "Name", "Account"),)


@pytest.mark.parametrize("query", ["loadTextContent('q.kql')", "'T | where a == ${workspace}'", "concat('T', '')"])
def test_what_only_bicep_knows_is_refused_with_its_place(tmp_path: Path, query: str) -> None:
    ((line, fault, message),) = said_of(found_in(tmp_path, "rules.bicep", BICEP.replace("QUERY", query)))
    assert fault and line == 15 and "only a deployment knows" in message


@pytest.mark.parametrize(
    "text", ['resource "a" "b" {', 'a = "x', "a = <<E\nx\n", "a = " + "[" * 5_000, "a {\n" * 5_000, "{", "a = [1, ", "\u00e9 = 1"]
)
def test_broken_code_is_named(tmp_path: Path, text: str) -> None:
    for name in ("a.tf", "a.bicep"):
        told = said_of(found_in(tmp_path, name, text))
        assert len(told) == 1 and told[0][1]


def test_values_that_grow_or_go_round_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for written in ("${local.v{0}}${local.v{0}}", "${local.v0}"):
        named = "\n".join(f'  v{n} = "{written.replace("{0}", str(n + 1))}"' for n in range(39))
        text = f'locals {{\n{named}\n  v39 = "x"\n}}\n' + TERRAFORM.replace("QUERY", "local.v0", 1)
        assert any(fault for _, fault, _ in said_of(found_in(tmp_path, "a.tf", text)))
        names = "\n".join(f"var v{n} = '{written.replace('local.', '').replace('{0}', str(n + 1))}'" for n in range(39))
        text = f"{names}\nvar v39 = 'x'\n" + BICEP.replace("QUERY", "v0")
        assert any(fault for _, fault, _ in said_of(found_in(tmp_path, "a.bicep", text)))
    inner = {**analytic("x", query="T"), "copy": {"name": "i", "count": 800}}
    outer = {
        "type": "Microsoft.Resources/deployments",
        "copy": {"name": "o", "count": 800},
        "properties": {"template": {"resources": [inner]}},
    }
    monkeypatch.setattr(importlib.import_module("translator.rulepack.arm"), "MAX_RESOURCES", 20)
    found = found_in(tmp_path, "a.json", template(outer))
    assert len(found) == 21 and "more than 20 resources" in said_of(found)[-1][2] and said_of(found)[-1][1]


# --- web pages, notebooks, lists


def test_web_pages(tmp_path: Path) -> None:
    page = (
        "<!DOCTYPE html>\n<html><head><title>Page</title><script>T | take 1</script></head><body>\n<h1>Made &amp; used</h1><p>Why.</p>\n"
        '<div class="highlight-source-kusto"><pre>\n<span>SecurityEvent</span>\n| where Account == &quot;&lt;a&gt;&quot;</pre></div>\n'
        '<p>Look at <code>T | take 1</code>.</p><pre><code class="lang-powershell">Get-Process | Where-Object x</code></pre>\n'
        f"<h2>Other</h2><pre>SigninLogs<br>| where ResultType == 1</pre><pre>{RULE}</pre></body></html>"
    )
    for name in ("a.html", "a", "a.txt"):
        found = found_in(tmp_path, name, page)
        rules = {item.name: item for item in found if isinstance(item, Rule)}
        assert list(rules) == ["Accounts made", "Made & used", "Made & used - Other"]
        made = rules["Made & used"]
        assert (made.query, made.description) == ('SecurityEvent\n| where Account == "<a>"', "Why.") and made.place(0) == (5, 7)
        assert rules["Made & used - Other"].query == "SigninLogs\n| where ResultType == 1"
        assert [message for *_, message in said_of(found)] == ["a block of powershell is no query"]


@pytest.mark.parametrize(
    "odd", ["<![WHAT[ x ]]>", "<![", "<!>", "<pre>", "</pre></p></h1>", "<h1>", "<" * 1000, "&#x110000;", "<a href>", "<![CDATA[x"]
)
def test_what_is_no_html_loses_no_query(tmp_path: Path, odd: str) -> None:
    page = f"<html><body><pre>{SEARCH}</pre>{odd}"
    assert [r.query for r in rules_in(tmp_path, "a.html", page)] == [SEARCH]


def notebook(*cells: tuple[str, str], **about: Any) -> str:
    listed = [{"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)} for kind, text in cells]
    return json.dumps({"cells": listed, "metadata": about, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def test_notebooks(tmp_path: Path) -> None:
    text = notebook(
        ("markdown", "# Accounts\nWhy."),
        ("code", f"%%kql -x\n{SEARCH}"),
        ("code", "%kql AuditLogs | take 5"),
        ("code", 'q = """\nSecurityEvent\n| where EventID == 1\n"""\nrun(q)'),
        ("code", "import os"),
    )
    found = found_in(tmp_path, "hunt.ipynb", text)
    rules = [item for item in found if isinstance(item, Rule)]
    assert [r.query for r in rules] == [SEARCH, "AuditLogs | take 5", "SecurityEvent\n| where EventID == 1"]
    lines = text.split("\n")
    assert all(lines[line - 1][column - 1 :].startswith(r.query.split("\n")[0]) for r in rules for line, column in (r.place(0),))
    assert rules[0].name == "Accounts" and rules[0].description == "Why."
    assert [message for *_, message in said_of(found)] == ["a block of python is no query"]
    kernel = notebook(("code", SEARCH), kernelspec={"name": "Kusto", "language": "kusto"})
    assert [r.query for r in rules_in(tmp_path, "a.json", kernel)] == [SEARCH]


@pytest.mark.parametrize(
    "text",
    [
        'Rule Name,Severity,MITRE Tactics,KQL Query\n"Made","High","Persistence, Impact","SecurityEvent\n| where Account == ""a"""\n',
        '\ufeff"displayName";"severity";"tactics";"query"\r\nMade;High;Persistence,Impact;"SecurityEvent\r\n| where Account == ""a"""\r\n',
        "#TYPE Selected\nname\tseverity\ttactics\tquery\n"
        'Made\tHigh\t"[""Persistence"",""Impact""]"\t"SecurityEvent\n| where Account == ""a"""\n',
    ],
)
def test_lists_of_rules(tmp_path: Path, text: str) -> None:
    for name in ("a.csv", "a"):
        (rule,) = rules_in(tmp_path, name, text)
        assert (rule.name, rule.severity, rule.tactics) == ("Made", "high", ("Persistence", "Impact"))
        assert rule.query == 'SecurityEvent\n| where Account == "a"'
        assert rule.place(rule.query.index("where"))[0] == text.split("SecurityEvent")[0].count("\n") + 2


def test_what_a_list_cannot_say_is_told(tmp_path: Path) -> None:
    text = '\n name,tactics,query\nA,System.String[],T\n\nB,Impact,\nC,,U | project a, b\nD, , "U | project a, b",\nE,"Impact\nF,,T\n'
    found = found_in(tmp_path, "a.csv", text)
    assert [(r.name, r.query) for r in found if isinstance(r, Rule)] == [("A", "T"), ("D", "U | project a, b")]
    assert [(line, fault) for line, fault, _ in said_of(found)] == [(3, False), (5, True), (6, True), (8, True)]
    assert "this row has 4 values, of 3 columns" in said_of(found)[2][2] and "does not end" in said_of(found)[3][2]
    ((_, fault, message),) = said_of([*rules_at(tmp_path / "b.csv")] if (tmp_path / "b.csv").write_text("a,b\n1,2\n") else [])
    assert fault and "no column of it is called 'query'" in message


def test_what_stands_above_a_page_tells_of_its_rules(tmp_path: Path) -> None:
    front = f"---\ntitle: Signed in\nid: {GUID}\nseverity: High\ntactics: [Impact]\n---\n"
    (rule,) = rules_in(tmp_path, "a.md", f"{front}Why.\n\n## Query\n```kql\n{SEARCH}\n```\n")
    assert (rule.id, rule.name, rule.severity, rule.tactics, rule.description) == (GUID, "Signed in", "high", ("Impact",), "Why.")
    assert rule.place(0) == (11, 1)


def test_a_block_of_code_alone_is_read_as_what_it_is(tmp_path: Path) -> None:
    for name in ("a.yaml", "a.kql", "a.txt", "a.json"):
        assert [r.name for r in rules_in(tmp_path, name, f"```yaml\n{RULE}```\n")] == ["Accounts made"]
    assert [r.name for r in rules_in(tmp_path, "a.kql", RULE)] == ["Accounts made"]


# --- KQL


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("A | take 1\n\nB | take 2", ["A | take 1", "B | take 2"]),
        ("// one\nA\n| take 1\n\n\n// two\n\nB", ["// one\nA\n| take 1", "// two\n\nB"]),
        ("let x = 5;\n\nA | where b == x\n\n| take 5", ["let x = 5;\n\nA | where b == x\n\n| take 5"]),
        (
            "let x = 5;\n\nA | where b == x\n\nlet y = 6;\n\nB | where b == y",
            ["let x = 5;\n\nA | where b == x", "let y = 6;\n\nB | where b == y"],
        ),
        ("A\n| where b in (\n\n'c',\n\n'd')\n\nB", ["A\n| where b in (\n\n'c',\n\n'd')", "B"]),
        ("A | where x == '\n\n", ["A | where x == '\n\n"]),
        ("let x = 1;\nA | take x;\nB | take x", ["let x = 1;\nA | take x", "let x = 1;\n           \nB | take x"]),
        ("A | where (\n\nB | take 1", ["A | where (\n\nB | take 1"]),
    ],
)
def test_empty_lines_end_queries_where_the_text_is_not_one(text: str, queries: list[str]) -> None:
    assert [q.text for q in split(text)] == queries


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_each_query_of_a_file_has_its_place(tmp_path: Path, end: str) -> None:
    text = "// Made\nSecurityEvent\n| where EventID == 4720\n\n// Gone\nSecurityEvent\n| where EventID == 4726\n"
    rules = rules_in(tmp_path, "two_kinds.kql", text.replace("\n", end))
    assert [(r.name, r.description, r.place(r.query.index("Event"))) for r in rules] == [
        ("two kinds-1", "Made", (2, 9)),
        ("two kinds-2", "Gone", (6, 9)),
    ]


CREATE = ".create-or-alter function with (docstring='a {') Mine(n:long) {\n  SecurityEvent // }\n\n  | where EventID == n\n}\n"


@pytest.mark.parametrize("name", ["a.kql", "a.txt", "a.md"])
def test_commands_beside_queries_are_no_rules(tmp_path: Path, name: str) -> None:
    script = f".execute database script <|\n.create table T (a:string)\n{CREATE.replace('Mine', 'Other')}"
    text = f"{CREATE}\nMine(5)\n| take 1\n\n.show tables\n\nSecurityEvent\n| take 2\n\n{script}"
    found = found_in(tmp_path, name, f"# Two\n```kql\n{text}```\n" if name == "a.md" else text)
    above = 2 * (name == "a.md")
    rules = [item for item in found if isinstance(item, Rule)]
    assert [(r.own_query, r.place(r.prelude)) for r in rules] == [
        ("Mine(5)\n| take 1", (7 + above, 1)),
        ("SecurityEvent\n| take 2", (12 + above, 1)),
    ]
    assert rules[0].prelude and not rules[1].prelude
    assert [(line - above, fault, message) for line, fault, message in said_of(found) if "command" in message] == [
        (10, False, "this is a management command (.show), not a query"),
        (15, False, "this is a management command (.execute), not a query"),
    ]


@pytest.mark.parametrize(("text", "says"), [("// later\n\n// more\n", "comments alone"), (".show tables\n", "management command (.show)")])
def test_a_file_without_a_query_is_no_rule_that_failed(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "good.kql").write_text(SEARCH)
    (tmp_path / "none.kql").write_text(text)
    ((line, fault, message),) = said_of(rules_at(tmp_path))
    assert (line, fault) == (1, False) and says in message
    ((_, fault, message),) = said_of(rules_at(tmp_path / "none.kql"))
    assert fault and says in message


@pytest.mark.parametrize(
    ("text", "query", "problem"),
    [
        ("SecurityEvent | where EventID == 1", True, False),
        ("Mine_CL\n| take 5", True, False),
        ("imDns | take 5", True, False),
        ("Get-Process | Where-Object Name -eq lsass", False, False),
        ("SecurityEvent is a table | of events", False, True),
        ("Other | where a == 1", False, False),
        ("az monitor query 'SecurityEvent | take 5'", False, False),
        ("a, b | c", False, False),
    ],
)
def test_kql_is_told_from_other_texts(text: str, query: bool, problem: bool) -> None:
    found = judged(text)
    assert (found.query, found.problem is not None) == (query, problem)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    (rule,) = rules_in(tmp_path, "x.kql", "SecurityEvent\r\n| where Account == 'Zoë'\r\n".encode(encoding))
    assert rule.query == "SecurityEvent\n| where Account == 'Zoë'\n"


@pytest.mark.parametrize(
    ("name", "text", "query"),
    [
        ("a.kql", "// Zoë’s\nSecurityEvent\n| where EventID == 1", True),
        ("a.yaml", RULE.replace("Accounts", "Zoë’s accounts"), True),
        ("a.md", f"# Zoë’s\n```kql\n{SEARCH}\n```\n", True),
        ("a.kql", "// Zoë\nSecurityEvent\n| where Account == 'Zoë'", False),
        ("a.yaml", RULE.replace("4720", '4720 and Account == "Zoë"'), False),
        ("a.kql", "Привет, это не запрос", False),
    ],
)
def test_texts_in_no_encoding_of_unicode(tmp_path: Path, name: str, text: str, query: bool) -> None:
    found = found_in(tmp_path, name, text.encode("cp1251" if "П" in text else "cp1252"))
    rules = [item for item in found if isinstance(item, Rule)]
    assert ["Zoë’s" in f"{r.name} {r.description}" for r in rules] == ([True] if query else [])
    line = next(n for n, line in enumerate(text.split("\n"), 1) if "Zoë" in line or "П" in line)
    assert all("save it as UTF-8" in message for *_, message in said_of(found)) and line in [line for line, *_ in said_of(found)]
    assert any(fault for _, fault, _ in said_of(found)) != query


def test_texts_without_a_telling_name_are_recognized_by_what_they_hold(tmp_path: Path) -> None:
    assert [r.query for r in rules_in(tmp_path, "a.txt", SEARCH)] == [SEARCH]
    assert [r.name for r in rules_in(tmp_path, "b.txt", RULE)] == ["Accounts made"]
    assert [r.name for r in rules_in(tmp_path, "c", json.dumps(DETECTION))] == ["Dumped"]
    assert [r.query for r in rules_in(tmp_path, "d.txt", f"Look at this:\n```\n{SEARCH}\n```\n")] == [SEARCH]
    (broken,) = rules_in(tmp_path, "e.txt", "SigninLogs\n| were ResultType == 0")
    assert "did you mean 'where'?" in run("check", broken.source).output


# --- Markdown

PAGE = f"""\
# Failed sign-ins

## Description
Somebody guesses *passwords*.

## Sentinel
``` kql title="x"
{SEARCH}
```

> quoted:
> ~~~Kusto
> AuditLogs
> | take 5
> ~~~

1. in a list

   ````{{.kql .numberLines}}
   SecurityEvent
   | where Account == "```"
   ````

## Others
```
DeviceEvents | where ActionType == "a"
```

```c#
DeviceProcessEvents | where FileName == "b"
```

    DeviceInfo
    | take 5

```powershell
Get-Process | Where-Object Name -eq lsass
```

```
DeviceEvents
| where (
```

## MITRE ATT&CK
| Technique | Name |
|---|---|
| T1110.003 | Spraying |

## References
- https://example.org/a
"""


def test_blocks_of_every_style(tmp_path: Path) -> None:
    found = found_in(tmp_path, "hunt.md", PAGE)
    rules = [item for item in found if isinstance(item, Rule)]
    assert [r.query.split("\n")[0].split(" ")[0] for r in rules] == [
        "SigninLogs",
        "AuditLogs",
        "SecurityEvent",
        "DeviceEvents",
        "DeviceProcessEvents",
        "DeviceInfo",
    ]
    assert rules[1].query == "AuditLogs\n| take 5" and rules[2].query.endswith('| where Account == "```"')
    lines = PAGE.split("\n")
    for rule in rules:
        line, column = rule.place(0)
        assert lines[line - 1][column - 1 :].startswith(rule.query.split("\n")[0])
    (broken, other) = (item for item in found if isinstance(item, Unread))
    assert broken.fault and lines[broken.line - 1].startswith("| where (") and "no KQL" in broken.message
    assert not other.fault and "a block of powershell is no query" in other.message


def test_blocks_of_yaml_and_json_are_read_as_files_are(tmp_path: Path) -> None:
    text = f"# A\n```yaml\n{RULE}```\n```json\n{json.dumps(DETECTION)}\n```\n```yaml\non: push\n```\n"
    found = found_in(tmp_path, "x.md", text)
    assert [(r.name, r.place(0)[0]) for r in found if isinstance(r, Rule)] == [("Accounts made", 8), ("Dumped", 12)]
    assert [message for *_, message in said_of(found)][-1] == "a block of yaml is no query"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("``` {#first .kusto .numbers}\nMine\n\n| where a\n```", 2),
        ("```language-kql\nMine\n\n| where a\n```", 2),
        ("<details>\n<summary>Query</summary>\n<pre>\nMine\n\n| where a\n</pre>\n</details>", 4),
        ("Here <pre>Mine\n\n| where a</pre> it is.", 1),
        ("<div><pre>\n\n```kql\nMine\n\n| where a\n```\n\n</pre></div>", 4),
        ("<pre>Mine\n\n| where a", 1),
        ("- one\n\n        ```kql\n        Mine\n\n        | where a\n        ```", 4),
    ],
)
def test_code_of_pages_is_read_to_its_end(tmp_path: Path, text: str, line: int) -> None:
    found = found_in(tmp_path, "a.md", f"# A\n{text}\n\n```kql\nOther\n```\n" if "</" in text else f"# A\n{text}\n")
    rules = [item for item in found if isinstance(item, Rule)]
    assert [r.query.split() for r in rules] == [["Mine", "|", "where", "a"], *([["Other"]] if "</" in text else [])]
    assert rules[0].place(0)[0] == line + 1 and len(found) == len(rules)


def test_a_line_of_a_page_that_is_called_kql_is_a_query(tmp_path: Path) -> None:
    text = "<html><p>Ask <code class='language-kql'>Mine | take 1</code> and <code class='language-kql'>Mine</code></p></html>"
    assert [r.query for r in rules_in(tmp_path, "a.html", text)] == ["Mine | take 1"]


def test_rules_in_blocks_of_every_language_of_files(tmp_path: Path) -> None:
    bicep = "resource r 'Microsoft.SecurityInsights/alertRules@2023-02-01' = {\n properties: {\n  query: 'SigninLogs'\n }\n}"
    found = found_in(
        tmp_path,
        "x.md",
        f"```jsonc\n// one\n{json.dumps(DETECTION)}\n```\n```bicep\n{bicep}\n```\n```bicep\nparam x\n```\n"
        '```yaml\nname: a: b\nquery: SigninLogs\n```\n```json\n{"query": "SigninLogs",,}\n```\n'
        "`SigninLogs | take 5`, or `take`\n",
    )
    assert [r.place(0)[0] for r in found if isinstance(r, Rule)] == [3, 8]
    assert [(line, fault, message[:25]) for line, fault, message in said_of(found)][1:] == [
        (16, True, "this is not valid YAML: m"),
        (20, True, "this is not valid JSON: E"),
        (1, False, "a block of bicep is no qu"),
        (1, False, "a query that stands in pr"),
    ]


def test_code_as_confluence_keeps_it(tmp_path: Path) -> None:
    macro = (
        '<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">{}</ac:parameter>'
        '<ac:parameter ac:name="title">q</ac:parameter>\n'
        "<ac:plain-text-body><![CDATA[{}]]></ac:plain-text-body></ac:structured-macro>"
    )
    queries = ("Mine\n| where a > 1 and b != '<!--&amp;-->'", "SigninLogs | take 1")
    text = f"<html><h1>A</h1><p>Why.</p>\n{macro.format('kusto', queries[0])}\n{macro.format('', queries[1])}</html>"
    found = rules_in(tmp_path, "a.html", text)
    assert [(r.query, r.description, r.place(0)[0]) for r in found] == [(queries[0], "Why.", 3), (queries[1], "Why.", 6)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("<p>SigninLogs</p><p>| where a == 1</p>", 1),
        ("<p>SigninLogs<br/>| take 1</p><div>AuditLogs | take 2</div>", 2),
        ("<p>Ask <code>SigninLogs | take 1</code> twice.</p>", 1),
        ("<p>SigninLogs</p><h2>B</h2><p>| where a == 1</p>", 0),
    ],
)
def test_queries_in_the_prose_of_web_pages_are_counted(tmp_path: Path, text: str, count: int) -> None:
    found = said_of(found_in(tmp_path, "x.html", f"<html><h1>A</h1><pre>SigninLogs | take 3</pre>{text}</html>"))
    said = {1: "a query that stands", 2: "2 queries that stand"}
    assert [message for *_, message in found] == ([f"{said[count]} in prose: blocks of code alone are read"] if count else [])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("SigninLogs\n| where a == 1\n", 1),
        ("SigninLogs\n\n| where a == 1\n", 1),
        ("SigninLogs | take 1\nAuditLogs | take 1\n", 2),
        ("Look here:\n\nSigninLogs | take 1\n\n{code:kql}\nSigninLogs\n| take 2\n{code}\n", 2),
        ("Ask `SigninLogs | take 1` or `SigninLogs | take 2`.\n", 2),
        ("SigninLogs has them.\n\n| a | SigninLogs |\n|---|---|\n| b | c |\n", 0),
    ],
)
def test_queries_in_prose_are_counted(tmp_path: Path, text: str, count: int) -> None:
    found = said_of(found_in(tmp_path, "x.md", f"# A\n\n```kql\nSigninLogs\n```\n\n{text}"))
    said = {1: "a query that stands", 2: "2 queries that stand"}
    assert [message for *_, message in found] == ([f"{said[count]} in prose: blocks of code alone are read"] if count else [])


def test_what_a_page_says_of_its_queries(tmp_path: Path) -> None:
    first, *_ = rules_in(tmp_path, "hunt.md", PAGE)
    assert first.name == "Failed sign-ins - Sentinel" and first.description == "Somebody guesses passwords."
    assert first.techniques == ("T1110.003",) and first.references == ("https://example.org/a",)
    (alone,) = rules_in(tmp_path, "one.md", f"# One hunt\n\nWhy it matters.\n\n## Query\n```kql\n{SEARCH}\n```\n")
    assert (alone.name, alone.description) == ("One hunt", "Why it matters.")


# --- folders, archives, standard input


def test_a_query_that_is_called_yaml_is_one(tmp_path: Path) -> None:
    (rule,) = rules_in(tmp_path, "Addresses.yaml", "// Addresses of alerts\n\nSecurityAlert\n| project properties = parse_json(Entities)\n")
    assert (rule.name, rule.description) == ("Addresses", "Addresses of alerts")


def test_what_is_no_rule_is_counted_and_named(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    for name, text in {
        "a.yaml": RULE,
        "README.md": "# About\n\nNothing.\n",
        "x.png": "\x89",
        "y.png": "\x89",
        "more.tar.gz": "\x1f\x8b",
        "notes.txt": "some prose",
        "list.yaml": "- a\n- b\n",
        ".git/hooks.yaml": RULE,
        "old/b.yaml": RULE,
        "w.yml": "on: push\njobs: {}\n",
    }.items():
        (pack / name).parent.mkdir(parents=True, exist_ok=True)
        (pack / name).write_text(text)
    result = run("convert", str(pack), "-o", str(tmp_path / "out"), "-t", "sigma", "--exclude", "old")
    assert result.exit_code == 0 and "not read:" in result.stderr and "files called .png hold no rules" in result.stderr
    assert "more.tar.gz: an archive of this kind is not looked into" in result.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert [r["source"] for r in report["rules"]] == [str(pack / "a.yaml")]
    assert sorted(Path(s["source"]).name for s in report["skipped"]) == [
        ".git",
        "README.md",
        "list.yaml",
        "more.tar.gz",
        "notes.txt",
        "old",
        "w.yml",
        "x.png",
        "y.png",
    ]
    assert all(s["reason"] for s in report["skipped"])


@pytest.mark.parametrize("command", [["check"], ["explain"], ["attack"], ["mapping", "-t", "splunk"]], ids=lambda c: c[0])
def test_every_command_on_packs_leaves_aside_what_is_excluded(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(RULE)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "b.yaml").write_text(RULE.replace("Accounts made", "["))
    assert run(*command, str(tmp_path)).exit_code == 1
    result = run(*command, str(tmp_path), "--exclude", "old")
    assert result.exit_code == 0, result.output


def test_a_file_that_is_asked_for_and_holds_no_rule_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("# Nothing\n")
    for arguments in (["convert"], ["check"], ["explain"]):
        result = run(*arguments, str(tmp_path / "x.md"))
        assert result.exit_code == 1 and "no block of code" in result.output, arguments


@pytest.mark.parametrize("command", ["convert", "check", "verify", "explain", "attack"])
def test_a_folder_without_a_rule_is_an_error(tmp_path: Path, command: str) -> None:
    (tmp_path / "README.md").write_text("# Nothing\n")
    result = run(command, str(tmp_path))
    assert result.exit_code == 1 and "no rule was found here" in result.output


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rules/a.yaml", RULE)
        archive.writestr("rules/b.kql", SEARCH)
        archive.writestr("rules/bomb.kql", " " * 30_000_000)
        archive.writestr("inner.zip", "x")
        archive.writestr("../../c.kql", SEARCH)
    for at in (path, tmp_path):
        found = rules_at(at)
        assert [(r.source, r.name) for r in found if isinstance(r, Rule)] == [
            (f"{path}/../../c.kql", "c"),
            (f"{path}/rules/a.yaml", "Accounts made"),
            (f"{path}/rules/b.kql", "b"),
        ]
        assert sorted(message for *_, message in said_of(found)) == [
            "this archive cannot be read: File is not a zip file",
            "this file is larger than 10 MB, which is more than rules take",
        ]
    (tmp_path / "broken.zip").write_text("no archive")
    assert [(fault, "cannot be read" in message) for _, fault, message in said_of(rules_at(tmp_path / "broken.zip"))] == [(True, True)]


def zipped(files: dict[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_archives_in_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = zipped({"a.kql": SEARCH, "empty.zip": zipped({})})
    for _ in range(4):
        inner = zipped({"in.zip": inner, "b.kql": SEARCH, "old.zip": b"x"})
    for found in (found_in(tmp_path, "pack.zip", inner), rules_at(tmp_path)):
        assert [r.source for r in found if isinstance(r, Rule)] == [
            f"{tmp_path}/pack.zip/{'in.zip/' * deep}b.kql" for deep in range(4)
        ]  # fmt: skip
        assert sum("stands in 4 others" in message for *_, message in said_of(found)) == 2
    assert [r.name for s in given("x.zip", inner) if not isinstance(s, Unread) for r in read_source(s) if isinstance(r, Rule)] == ["b"] * 4
    result = run("convert", str(tmp_path / "pack.zip"), "-o", str(tmp_path / "out"), "-t", "sigma", "--exclude", "old.zip", "--jobs", "2")
    assert result.exit_code == 0 and len(json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["rules"]) == 4
    module = importlib.import_module("translator.rulepack.sources")
    monkeypatch.setattr(module, "MAX_ALL_WITHIN", 300)
    assert any("MB together" in message for *_, message in said_of(rules_at(tmp_path)))
    monkeypatch.setattr(module, "MAX_MEMBERS", 2)
    (fault,) = (message for _, fault, message in said_of(found_in(tmp_path, "many.zip", zipped(dict.fromkeys("abc", SEARCH)))) if fault)
    assert "3 files, of 2 at most" in fault


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_of_odd_names(tmp_path: Path) -> None:
    names = ["//a.kql", "/etc/b.kql", "c/../c.kql", "d\ne.kql", "C:\\f.kql", "g.kql", "g.kql", "h/i.kql"]
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        for name in names:
            archive.writestr(name, SEARCH)
    found = list(rules_at(tmp_path / "pack.zip"))
    assert sum(isinstance(r, Rule) for r in found) == len(set(names))
    assert [m for *_, m in said_of(found)] == ["this archive holds 2 files of this name, of which the last one is read"]
    for excluded in (("h/*", "b.kql"), ("h", "etc")):
        assert sum(isinstance(r, Rule) for r in rules_at(tmp_path / "pack.zip", excluded)) == len(set(names)) - 2


def test_the_list_of_an_archive_is_not_read_for_each_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        for number in range(50):
            archive.writestr(f"{number}.kql", SEARCH)
    opened: list[object] = []

    class Counting(zipfile.ZipFile):
        def _RealGetContents(self) -> None:
            opened.append(self)
            super()._RealGetContents()  # type: ignore[misc]

    monkeypatch.setattr(zipfile, "ZipFile", Counting)
    assert len(rules_at(tmp_path / "pack.zip")) == 50 and len(opened) < 5


@pytest.mark.parametrize("command", ["convert", "check"])
def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    module = importlib.import_module("translator.rulepack.sources")
    monkeypatch.setattr(module, "sys", SimpleNamespace(stdin=None))
    result = run(command, "-")
    assert result.exit_code == 1 and "-:1:1: error: standard input is closed" in result.output


@pytest.mark.parametrize("text", [SEARCH, RULE, json.dumps(DETECTION), SEARCH.encode("utf-16")])
def test_standard_input(text: str | bytes) -> None:
    result = run("convert", "-", "-t", "splunk", text=text)
    assert result.exit_code == 0 and "index=*" in result.stdout
    assert run("check", "-", text=text).exit_code == 0


def test_an_archive_as_standard_input() -> None:
    data = zipped({"a.yaml": RULE, "old/b.kql": SEARCH, "x.zip": zipped({"c.json": json.dumps(DETECTION)})})
    result = run("convert", "-", "-t", "splunk", "--format", "json", "--exclude", "old", text=data)
    assert [r["source"] for r in json.loads(result.stdout)["rules"]] == ["-/a.yaml", "-/x.zip/c.json"]
    assert "binary file" in run("fmt", "-", text=data).output


@pytest.mark.skipif(sys.platform != "linux", reason="only here may a name be any bytes")
def test_names_of_files_that_are_no_text(tmp_path: Path) -> None:
    pack = os.fsencode(tmp_path / "pack")
    os.mkdir(pack)
    for name in (b"caf\xe9.kql", b"two\nlines.kql", b"pic\xff.png"):
        Path(os.fsdecode(pack + b"/" + name)).write_text(SEARCH)
    result = run("convert", os.fsdecode(pack), "-o", str(tmp_path / "out"), "-t", "splunk")
    assert result.exit_code == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert sorted(r["name"] for r in report["rules"]) == ["caf\\xe9", "two\\nlines"] and len(report["skipped"]) == 1


def test_links_to_nowhere_and_to_folders_are_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "nowhere.yaml")
    (tmp_path / "folder").symlink_to(tmp_path)
    found = found_in(tmp_path, "b.kql", SEARCH) and rules_at(tmp_path)
    assert [r.name for r in found if isinstance(r, Rule)] == ["b"]
    assert said_of(found) == [(1, True, "this is no file: a link to nothing"), (1, False, "a link to a folder is not followed")]


# --- functions of a pack


def test_functions_are_known_to_the_rules_that_call_them(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    for name, text in {
        "asim.yaml": (
            "ParserName: vimMine\nParserParams:\n- {Name: who, Type: string, Default: \"'*'\"}\n"
            "ParserQuery: |\n  Logons(5)\n  | where who == '*' or Computer == who\n"
        ),
        "solution.yaml": "Function: {Title: x}\nFunctionName: Unused\nFunctionAlias: Unused\nFunctionQuery: SigninLogs\n",
        "Plain.kql": "SecurityEvent\n| where EventID == 4624\n",
        "made.kql": ".create-or-alter function with (folder='x') Logons(n:long) {\n  Plain // of all\n  | where LogonType == n\n}\n",
        "rule.yaml": f"id: {GUID}\nname: Calls\nquery: |\n  vimMine(who='a')\n  | where Nowhere ==\n",
        "good.yaml": f"id: {OTHER}\nname: Good\nquery: vimMine('a')\n",
    }.items():
        pack.mkdir(exist_ok=True)
        (pack / name).write_text(text)
    found = {r.name: r for r in rules_at(pack) if isinstance(r, Rule)}
    conversion = convert(found["Good"], ("splunk",))
    assert conversion.tables == ("SecurityEvent",) and "4624" in conversion.outputs["splunk"].text
    assert found["Good"].own_query == "vimMine('a')" and found["Good"].place(0) == (3, 8)
    assert not [item for item in rules_of([pack], Effort()) if isinstance(item, Failure)]
    (pack / "rule.yaml").unlink()
    shown = run("explain", str(pack), "-t", "splunk").stdout
    assert "    3 | vimMine('a')" in shown and "let vimMine" not in shown
    (pack / "rule.yaml").write_text(f"id: {GUID}\nname: Calls\nquery: |\n  vimMine(who='a')\n  | where Nowhere ==\n")
    checked = run("check", str(pack / "rule.yaml"))
    assert "rule.yaml:5:21:" in checked.output
    alone = next(r for r in read(pack / "good.yaml"))
    assert stable_id(alone, "x") == stable_id(found["Good"], "x")


def test_functions_that_call_each_other_in_a_circle_are_left_out(tmp_path: Path) -> None:
    for name, text in {"a.kql": "Bb | take 1", "Bb.kql": "Cc | take 1", "Cc.kql": "Bb | take 1"}.items():
        (tmp_path / name).write_text(text)
    assert {r.prelude for r in rules_at(tmp_path) if isinstance(r, Rule)} == {0}


def test_bytes_are_read_as_the_file_that_they_are_called() -> None:
    yaml = "name: A\nid: one\nquery: SecurityEvent | where EventID == 1\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.yaml", yaml)
        archive.writestr("LICENSE", "No rule | at all")

    def found(name: str, data: bytes) -> list[tuple[str, str]]:
        items = [item for s in given(name, data) for item in ((s,) if isinstance(s, Unread) else read_source(s))]
        return [(item.source, item.name) for item in items if isinstance(item, Rule)]

    assert found("../../x/a.yaml", yaml.encode()) == [("a.yaml", "A")]
    assert found("pasted", yaml.encode("utf-16")) == [("pasted", "A")]
    assert found("pasted", b"Nobodys_Table") == [("pasted", "pasted")] and not found("a.md", b"Nobodys_Table")
    assert found("C:\\rules\\hunt_one.kql", b"SecurityEvent") == [("hunt_one.kql", "hunt one")]
    assert found("a.zip", packed.getvalue()) == [("a.zip/a.yaml", "A")] and found("b", packed.getvalue()) == [("b/a.yaml", "A")]
    (broken,) = given("a.zip", packed.getvalue()[:40])
    assert isinstance(broken, Unread) and "cannot be read" in broken.message
