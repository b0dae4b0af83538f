"""What is said of conditions on JSON that may hold objects and arrays, which no product has fields of."""

from __future__ import annotations

import pytest

import translator
from tests.rules import rule
from translator import catalog
from translator.fidelity import Verdict
from translator.plan.expressions import ELEMENT
from translator.targets.base import Options
from translator.verify.proof import Outcome, prove

OBJECT, ARRAY = ("object-as-text", "narrower"), ("array-compared", "broader")
NOT_OBJECT, NOT_ARRAY = ("object-as-text", "broader"), ("array-compared", "narrower")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        # a search in the text of something that is no plain value, or may be none
        ("DeviceEvents | where AdditionalFields has 'x'", {OBJECT}),
        ("DeviceEvents | where AdditionalFields !contains 'x'", {NOT_OBJECT}),
        ("DeviceEvents | where tostring(AdditionalFields.a) has 'x'", {OBJECT}),
        ("AuditLogs | where InitiatedBy.user has 'x'", {OBJECT}),
        ("AuditLogs | where TargetResources[0].modifiedProperties !has 'x'", {NOT_OBJECT}),
        ("AuditLogs | where tostring(AdditionalDetails) matches regex 'a.c'", {OBJECT}),
        ("AuditLogs | where tostring(AdditionalDetails) matches regex '^a.c$'", {OBJECT, ARRAY}),
        ("AuditLogs | where tostring(TargetResources[0].modifiedProperties) != '[]'", {NOT_OBJECT}),
        # whether something is there
        ("AuditLogs | where isempty(InitiatedBy.user)", {NOT_OBJECT}),
        ("AuditLogs | where isnotempty(AdditionalDetails)", {OBJECT}),
        ("AuditLogs | where isnotnull(AdditionalDetails) and not(isempty(InitiatedBy.app))", {OBJECT}),
        ("SigninLogs | where tostring(DeviceDetail.nobody) == ''", {NOT_OBJECT}),
        # a whole text that no object has, but perhaps one of several values
        ("SigninLogs | where DeviceDetail.nobody == 'x'", {ARRAY}),
        ("SigninLogs | where DeviceDetail.nobody startswith 'x'", {ARRAY}),
        ("IdentityInfo | where AssignedRoles != 'x'", {NOT_ARRAY}),
        # a part of the text of an object or an array, which no value of it is, and its end
        ("AuditLogs | where extract('(Global)', 1, tostring(AdditionalDetails)) == 'Global'", {OBJECT, ARRAY}),
        ("AuditLogs | where split(tostring(InitiatedBy), ',')[1] != 'x'", {NOT_OBJECT, NOT_ARRAY}),
        ("AuditLogs | where tostring(AdditionalDetails) endswith ']'", {OBJECT, ARRAY}),
        ("SigninLogs | where tolower(tostring(DeviceDetail.nobody)) == 'x'", {ARRAY}),
        # plain values, and columns that are texts
        ("SigninLogs | where DeviceDetail.operatingSystem has 'x' and isnotempty(DeviceDetail.browser)", set()),
        ("SigninLogs | where tostring(Status.errorCode) == '1'", set()),
        ("AuditLogs | where TargetResources[0].displayName contains 'x'", set()),
        ("SigninLogs | where isempty(UserPrincipalName) or UserPrincipalName has 'x'", set()),
    ],
)
@pytest.mark.parametrize("target", ["sigma", "splunk", "esql"])
def test_what_is_said_of_objects_and_arrays(condition: str, said: set[tuple[str, str]], target: str) -> None:
    found = translator.convert(rule(condition), (target,), Options(fields="source")).outputs[target].diagnostics
    if target == "esql" and NOT_OBJECT in said and any(search in condition for search in ("!has", "!contains", "!= '[]'")):
        said = said | {NOT_ARRAY}  # a search in several values is no condition in ES|QL, and neither is its negation
    assert {(d.code, d.direction.value) for d in found if d.code in ("object-as-text", "array-compared")} == said


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("SigninLogs | where Status has 'MFA denied; user declined the authentication'", "exact"),
        ("SigninLogs | where Status !contains 'declined'", "exact"),
        ("SigninLogs | where Status has_any ('declined', 'denied')", "exact"),
        ("SigninLogs | where Status has_any ('declined', 'reason')", "narrower"),  # of the name of a member
        ("SigninLogs | where Status has '50126'", "narrower"),
        ("SigninLogs | where DeviceDetail has 'windows'", "narrower"),  # which may have more members
    ],
)
def test_an_object_of_which_all_members_are_told_is_searched_by_them(condition: str, verdict: str) -> None:
    conversion = translator.convert(rule(condition), ("sigma",))
    assert conversion.outputs["sigma"].verdict.value == verdict


def test_an_object_is_asked_for_by_its_parts() -> None:
    outputs = translator.convert(rule("AuditLogs | where isnotempty(InitiatedBy.app)"), ("splunk", "esql")).outputs
    # Elastic has it in the event as it came, where the integration is told to keep that.
    assert 'JSON_EXTRACT(event.original, "properties.initiatedBy.app") != ""' in outputs["esql"].text
    # Splunk has the event as JSON, with the object itself
    assert 'json_extract(_raw, "properties.initiatedBy.app")' in outputs["splunk"].text
    assert outputs["splunk"].verdict.value == "exact"


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("AuditLogs | where TargetResources has 'offline'", "exact"),
        ("AuditLogs | where TargetResources !contains 'a b'", "exact"),
        ("AuditLogs | where TargetResources[0].modifiedProperties has_any ('x', 'y')", "exact"),
        # of which there is a field of its own by name, if it is no object
        ("AuditLogs | where InitiatedBy.user has 'x'", "narrower"),
        # marks of JSON, what stands there otherwise or may, and anchors
        ("""AuditLogs | where TargetResources has '"x":1'""", "narrower"),
        ("AuditLogs | where TargetResources has 'x/y'", "narrower"),
        ("AuditLogs | where TargetResources has 'é'", "narrower"),
        ("AuditLogs | where TargetResources has '10'", "narrower"),
        ("AuditLogs | where TargetResources contains ' x'", "narrower"),
        ("AuditLogs | where tostring(TargetResources) matches regex 'a.c'", "narrower"),
    ],
)
def test_events_that_are_json_have_the_words_of_their_objects(condition: str, verdict: str) -> None:
    assert translator.convert(rule(condition), ("splunk",)).outputs["splunk"].verdict.value == verdict


@pytest.mark.parametrize(
    ("kql", "proven"),
    [
        ("DeviceEvents | where tostring(parse_json(AdditionalFields).Command) == 'x' | project DeviceName", True),
        ("DeviceNetworkEvents | where tostring(parse_json(AdditionalFields).query) endswith '.x' | project DeviceName", True),
        ("CloudAppEvents | where isnotempty(RawEventData.ClientIP) and ActionType =~ 'x' | project AccountId", False),
    ],
)
def test_what_defender_sends_as_a_text_is_read_as_json(kql: str, proven: bool) -> None:
    conversion = translator.convert(rule(kql), ("splunk",))
    output = conversion.outputs["splunk"]
    assert output.verdict == Verdict.EXACT and "json_extract(json_extract(_raw, " in output.text
    assert "properties.AdditionalFields." not in output.text and "properties.RawEventData." not in output.text
    if proven:
        assert prove(conversion, "splunk").outcome == Outcome.PROVEN


def test_what_is_an_object_in_a_row_of_a_workspace_is_read_in_its_event() -> None:
    output = translator.convert(rule("AACAudit | where TargetResource has 'True'"), ("splunk",)).outputs["splunk"]
    assert output.verdict.value == "exact" and 'json_extract(_raw, "TargetResource")' in output.text


@pytest.mark.parametrize(
    ("kql", "verdict", "field"),
    [
        ("BehaviorAnalytics | where ActivityInsights has 'True'", "exact", "ActivityInsights"),
        ("BehaviorAnalytics | where isempty(ActivityInsights.x)", "exact", "ActivityInsights.x"),
        ("BehaviorAnalytics | where ActivityInsights.x == '[1]'", "exact", "ActivityInsights.x"),
        ("X_CL | where todynamic(Parts_s)[0].kind == 'exe'", "exact", "Parts_s.0.kind"),
        (
            "X_CL | where todynamic(Parts_s)[0].kind != 'exe' | summarize count() by User_s | where count_ > 3",
            "same-alerts",
            "Parts_s.0.kind",
        ),
        # where any element is asked, it is of several values
        ("BehaviorAnalytics | where ActivityInsights has 'x' | mv-expand ActivityInsights | where ActivityInsights == 'y'", "narrower", ""),
    ],
)
def test_a_name_of_no_taxonomy_is_that_of_a_place_in_rules_of_sigma(kql: str, verdict: str, field: str) -> None:
    conversion = translator.convert(rule(kql), ("sigma",))
    output = conversion.outputs["sigma"]
    assert output.verdict.value == verdict
    assert ("place-as-field" in {d.code for d in output.diagnostics}) == bool(field)
    if field:
        assert f" {field}" in output.text
        assert prove(conversion, "sigma").outcome == Outcome.PROVEN


@pytest.mark.parametrize(
    ("kql", "verdict", "field"),
    [
        (
            "AuditLogs | where TargetResources[0].modifiedProperties[0].newValue == 'x'",
            "exact",
            "TargetResources.0.modifiedProperties.0.newValue",
        ),
        (
            "GCP_IAM | where todynamic(PayloadAuthorizationinfo)[0].granted == 'true'",
            "exact",
            "data.protoPayload.authorizationInfo.0.granted",
        ),
        # an array that the KQL compares as a text, and elements that it asks one by one
        (
            "GCP_IAM | where todynamic(PayloadRequestPolicyBindings)[0].members == '[1]'",
            "exact",
            "data.protoPayload.request.policy.bindings.0.members",
        ),
        (
            "AuditLogs | mv-expand p = TargetResources[0].modifiedProperties | where p.newValue has 'Mail' | distinct CorrelationId",
            "same-alerts",
            "TargetResources.0.modifiedProperties.newValue",
        ),
    ],
)
def test_one_element_of_an_array_is_a_field_of_its_own_in_rules_of_sigma(kql: str, verdict: str, field: str) -> None:
    conversion = translator.convert(rule(kql), ("sigma",))
    output = conversion.outputs["sigma"]
    assert (output.verdict.value, output.deployment and output.deployment.readiness.value) == (verdict, "set-up")
    assert f" {field}" in output.text
    assert prove(conversion, "sigma").outcome == Outcome.PROVEN


def test_an_element_counted_from_the_end_is_no_field() -> None:
    for output in translator.convert(
        rule("AuditLogs | where TargetResources[-1].type == 'User'"), ("sigma", "splunk", "eql")
    ).outputs.values():
        assert output.verdict.value == "none"


@pytest.mark.parametrize(
    ("table", "column", "steps", "below"),
    [
        ("AuditLogs", "InitiatedBy", ("user", "userPrincipalName"), ()),
        ("AuditLogs", "TargetResources", (0, "modifiedProperties", ELEMENT, "newValue"), ()),
        ("AuditLogs", "InitiatedBy", ("user", "roles"), None),
        ("AuditLogs", "InitiatedBy", ("nobody",), None),
        ("SigninLogs", "LocationDetails", ("geoCoordinates",), (("latitude",), ("longitude",))),
        ("Nowhere", "x", (), None),
    ],
)
def test_what_is_known_inside_of_columns(
    table: str, column: str, steps: tuple[str | int, ...], below: tuple[tuple[str, ...], ...] | None
) -> None:
    assert catalog.inside(table, column, steps) == below
