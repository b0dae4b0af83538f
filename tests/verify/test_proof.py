"""Proofs: what is right is proven, what is wrong is contradicted by events that show it, in the direction in which it errs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import translator
from tests.rules import rule
from translator.cli import main
from translator.commands import verify as verify_command
from translator.detection.model import Detection
from translator.fidelity import Verdict
from translator.plan.types import Type
from translator.rulepack.model import EntityMapping
from translator.targets.base import Options, Output
from translator.verify import proof, spl
from translator.verify.comparing import ROW, Answer, Compared, Wanted, compared
from translator.verify.proof import Outcome, Trial, prove

SOURCE = Options(fields="source")
SIGNINS = "SigninLogs | where TimeGenerated > ago(1h)"
PLAIN = f"{SIGNINS} | where ResultType == '50126' and AppDisplayName has 'portal' and UserPrincipalName != 'x@y.z'"
OTHER = f"{SIGNINS} | where ResultType == '50126' and UserPrincipalName != 'x@y.z'"
COUNT = f"{SIGNINS} | where ResultType == '50126' | summarize c = count() by IPAddress | where c >= 5"
DISTINCT = f"{SIGNINS} | where isnotempty(IPAddress) | summarize d = dcount(UserPrincipalName) by IPAddress | where d > 3"
JOIN = (
    f"{SIGNINS} | where ResultType == '0' | join kind=inner (AuditLogs | where TimeGenerated > ago(1h) | where OperationName == 'Add user'"
    " | project u = Identity, OperationName) on $left.UserPrincipalName == $right.u"
)


@pytest.mark.parametrize("condition", ["isnotempty(InitiatedBy.app)", "isempty(InitiatedBy.app)", "isnotempty(TargetResources)"])
def test_an_object_of_the_event_is_there_or_not(condition: str) -> None:
    conversion = translator.convert(rule(f"AuditLogs | where {condition} and OperationName =~ 'x'"), ("splunk",))
    assert conversion.outputs["splunk"].verdict == Verdict.EXACT
    assert prove(conversion, "splunk").outcome == Outcome.PROVEN


@pytest.mark.parametrize(
    ("kql", "target", "options"),
    [
        # every event of an account that is made names it
        ("SecurityEvent | where EventID == 4720 | project TargetAccount | join kind=leftanti (SecurityEvent | where EventID == 4726"
         " | project TargetAccount) on TargetAccount", "splunk", SOURCE),
        ("SecurityEvent | where EventID == 4720 | project TargetAccount | join kind=leftanti (SecurityEvent | where EventID == 4726"
         " | project TargetAccount) on TargetAccount", "splunk", Options()),
        # a source of Windows events is of one source type
        ("WindowsEvent | where Channel == 'Security' and EventID == 4688 | summarize n = count() by Computer | where n > 1", "splunk",
         Options()),
        # a plain value stands there, no object
        ("SigninLogs | where isempty(DeviceDetail.deviceId) and DeviceDetail.isManaged == false", "splunk", SOURCE),
        # the array of an audit record is written without anything around it
        ("OfficeActivity | where Parameters has 'x' | extend p = parse_json(Parameters) | where p[0].Name == 'x'", "splunk", Options()),
    ],
)  # fmt: skip
def test_what_no_row_of_a_table_has_contradicts_nothing(kql: str, target: str, options: Options) -> None:
    conversion = translator.convert(rule(kql), (target,), options)
    assert conversion.outputs[target].verdict in (Verdict.EXACT, Verdict.SAME_ALERTS)
    assert prove(conversion, target, options=options).outcome == Outcome.PROVEN


def test_the_values_of_another_query_are_searched_for_as_terms() -> None:
    asked = f"{SIGNINS} | where AppDisplayName has_any ((AuditLogs | where OperationName == 'Add user' | project Identity))"
    conversion = translator.convert(rule(asked), ("splunk",))
    assert conversion.outputs["splunk"].verdict == Verdict.EXACT
    assert prove(conversion, "splunk").outcome == Outcome.PROVEN


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize("behind", ["", " | summarize make_set(Computer), sum(c) by Account, WorkstationName"])
def test_an_entity_that_is_computed_by_the_name_of_a_key_is_shown(behind: str, target: str) -> None:
    counted = "SecurityEvent | where EventID == 4625 | summarize c = count() by Account, Computer, WorkstationName | where c >= 3"
    named = f"{counted} | extend WorkstationName = iff(isempty(WorkstationName), Computer, WorkstationName){behind}"
    about = (EntityMapping("Host", "HostName", "WorkstationName"), EntityMapping("Account", "Name", "Account"))
    conversion = translator.convert(rule(named, period=3600, entities=about), (target,))
    assert conversion.outputs[target].verdict == Verdict.SAME_ALERTS
    assert prove(conversion, target).outcome == Outcome.PROVEN


@pytest.mark.parametrize("behind", ["", " | extend n = strlen(csUserName) * c | where n > c and c > 1"])
def test_a_hyphen_for_no_user_is_no_entity_whether_the_text_shows_it_or_not(behind: str) -> None:
    kql = f"W3CIISLog | where csMethod == 'GET' | summarize c = count() by cIP, csUserName{behind} | project cIP, csUserName"
    conversion = translator.convert(rule(kql, period=3600, entities=(EntityMapping("Account", "Name", "csUserName"),)), ("splunk",))
    assert conversion.outputs["splunk"].verdict in (Verdict.EXACT, Verdict.SAME_ALERTS)
    assert prove(conversion, "splunk").outcome == Outcome.PROVEN


def test_the_key_of_what_an_outer_join_adds_tells_no_row() -> None:
    kql = "AuditLogs | where Result == 'failure' | join kind=leftouter (AuditLogs | where Category has 'x') on CorrelationId"
    assert prove(translator.convert(rule(kql), ("sigma",)), "sigma").outcome == Outcome.PROVEN


def test_an_address_is_made_with_the_port_that_the_product_has_behind_it() -> None:
    conversion = translator.convert(rule("Syslog | where HostIP == '10.0.0.1' and Facility == 'auth'"), ("esql",))
    assert "log.source.address" in conversion.outputs["esql"].text
    assert prove(conversion, "esql").outcome == Outcome.PROVEN


@pytest.mark.parametrize(
    "kql",
    [
        "DeviceNetworkEvents | where AdditionalFields.host == 'x' and DeviceName == 'A'",
        "CloudAppEvents | where RawEventData.Target[0].ID has 'x' | summarize n = count() by tostring(RawEventData.Workload) | where n > 1",
        "DeviceEvents | where isempty(AdditionalFields.a) and IsInitiatingProcessRemoteSession == true and InitiatingProcessSessionId > 2",
        "IdentityDirectoryEvents | where AdditionalFields['TO.GROUP'] == 'x' and IPAddress startswith '10.'",
        "SecurityAlert | mv-expand e = parse_json(Entities) | where tostring(e.HostName) == 'x' | project SystemAlertId",
        'SecurityAlert | where Entities has \'"HostName":"x"\' and IsIncident == true',
        "AzureActivity | where OperationNameValue == 'Microsoft.X/y/write' and Caller == 'a@b.c' | project Caller",
    ],
)
def test_what_the_record_has_is_read_in_it(kql: str) -> None:
    """Texts that hold JSON, and the columns that the pipeline changes or leaves out, in the event as it came."""
    conversion = translator.convert(rule(kql), ("esql",))
    assert "event.original" in conversion.outputs["esql"].text
    assert conversion.outputs["esql"].verdict in (Verdict.EXACT, Verdict.SAME_ALERTS)
    assert prove(conversion, "esql").outcome == Outcome.PROVEN


def test_how_far_indicators_lie_back_is_no_window_of_events() -> None:
    matched = (
        "ThreatIntelligenceIndicator | where TimeGenerated >= ago(14d) and Active | join (OfficeActivity | where TimeGenerated between"
        " (todatetime('{{StartTimeISO}}') .. todatetime('{{EndTimeISO}}')) and isnotempty(ClientIP)) on $left.NetworkIP == $right.ClientIP"
    )
    conversion = translator.convert(rule(matched), ("splunk",))
    assert isinstance(conversion.detection, Detection) and conversion.detection.lookback == 86_400
    assert prove(conversion, "splunk").outcome == Outcome.PROVEN


def test_events_that_no_log_source_has_are_made_under_the_name_of_the_table() -> None:
    conversion = translator.convert(rule("SecurityAlert | where ProductName == 'x' and AlertName has 'y'"), ("sigma",))
    assert "service: securityalert" in conversion.outputs["sigma"].text
    assert prove(conversion, "sigma").outcome == Outcome.PROVEN


@pytest.mark.parametrize("target", ["splunk", "esql", "eql", "sigma"])
@pytest.mark.parametrize("kql", [PLAIN, COUNT, DISTINCT])
def test_what_is_written_is_proven(kql: str, target: str) -> None:
    conversion = translator.convert(rule(kql), (target,), SOURCE)
    if conversion.outputs[target].verdict in (Verdict.EXACT, Verdict.SAME_ALERTS):
        found = prove(conversion, target, options=SOURCE)
        assert (found.outcome, found.errs) == (Outcome.PROVEN, None), found
        assert found.alerting and found.worlds > 10 and found.coverage.share == 1


OF_NUMBER = "DeviceEvents | where FileSize > n | project DeviceName, FileSize"


@pytest.mark.parametrize(
    "kql", ["SecurityEvent | summarize n = count() | where n < 5", "let n = toscalar(AuditLogs | count); " + OF_NUMBER]
)
def test_tables_of_which_no_column_is_read_are_counted(kql: str) -> None:
    assert prove(translator.convert(rule(kql), ("splunk",)), "splunk").outcome is Outcome.PROVEN


MANY = [f"word{n}end" for n in range(40)]


@pytest.mark.parametrize("number", [0, 7, 23, 39])
@pytest.mark.parametrize("wrong", ["lost", "part of a word"])
def test_each_of_many_alternatives_is_tried_with_what_just_misses_it(number: int, wrong: str) -> None:
    kql = " or ".join(f"AppDisplayName has '{w}'" for w in MANY)
    conversion = translator.convert(rule(f"{SIGNINS} | where {kql}"), ("splunk",), SOURCE)
    rest = "|".join(w for n, w in enumerate(MANY) if n != number)
    more = f"|{MANY[number]}" if wrong == "part of a word" else ""
    text = f'{BASE} | where match(AppDisplayName, "(?i)(^|[^a-z0-9])({rest})([^a-z0-9]|$){more}")'
    proof = prove(conversion, "splunk", text, SOURCE)
    assert proof.outcome is Outcome.CONTRADICTED and proof.counterexample is not None
    assert len(proof.counterexample.events) <= 3


@pytest.mark.parametrize(("target", "lost"), [
    ("splunk", 'sourcetype="azure:monitor:aad" '), ("splunk", 'category="SignInLogs" '), ("eql", 'event.dataset == "azure.signinlogs" and '),
])  # fmt: skip
def test_what_selects_the_events_of_a_table_is_missed(target: str, lost: str) -> None:
    conversion = translator.convert(rule(PLAIN), (target,))
    (text,) = conversion.outputs[target].texts
    assert lost in text and prove(conversion, target).outcome is Outcome.PROVEN
    proof = prove(conversion, target, text.replace(lost, ""))
    assert proof.outcome is Outcome.CONTRADICTED and proof.errs is Verdict.BROADER


def test_what_a_language_leaves_open_is_read_in_one_way_for_all_worlds() -> None:
    kql = (
        "SecurityEvent | where EventID == 4720 | project Created = TimeGenerated, TargetSid | join kind=inner (SecurityEvent"
        " | where EventID == 4726 | project Deleted = TimeGenerated, TargetSid) on TargetSid | where Deleted between (Created .. (Created + 10m))"
    )
    right = translator.convert(rule(kql), ("sigma",), SOURCE)
    # Where events of one time are in order, each deletion is one behind itself; where they are not, a creation is none of the first events.
    wrong = translator.convert(rule(kql.replace("== 4720", "!= 4720")), ("sigma",), SOURCE)
    assert Trial(right, SOURCE).prove("sigma", right.outputs["sigma"]).outcome is Outcome.PROVEN
    given = Output("sigma", wrong.outputs["sigma"].texts, ())
    assert Trial(right, SOURCE).prove("sigma", given).outcome is Outcome.CONTRADICTED


@pytest.mark.parametrize(
    ("timespan", "outcome"), [("1h", "proven"), ("60m", "proven"), ("61m", "contradicted"), ("1d", "contradicted"), ("30m", "contradicted")]
)
def test_a_correlation_measures_its_own_timespan_however_far_its_rule_looks_back(timespan: str, outcome: str) -> None:
    conversion = translator.convert(rule(COUNT.replace("| summarize", "| where isnotempty(IPAddress) | summarize")), ("sigma",), SOURCE)
    text = conversion.outputs["sigma"].text
    assert text.count("timespan: 1h") == 1
    assert prove(conversion, "sigma", text.replace("timespan: 1h", f"timespan: {timespan}"), SOURCE).outcome.value == outcome


def test_another_event_of_a_group_of_one_what_the_query_leaves_out_and_limits_of_time_are_tried() -> None:
    latest = f"{SIGNINS} | summarize arg_max(TimeGenerated, *) by UserPrincipalName, AppDisplayName | where ResultType == '50126'"
    listed = (
        "let known = datatable(name: string, used: bool)['Portal', true, 'Shell', false]; let names = toscalar(known | where used"
        f" | summarize make_set(name)); {SIGNINS} | where AppDisplayName in (names)"
    )
    days = latest.replace("ago(1h)", "ago(1d)")
    together = JOIN.replace("ago(1h)", "ago(1d)")
    changes = [
        (latest, latest.replace(", AppDisplayName", "")),
        (listed, listed.replace("| where used", "")),
        (days, days.replace(", AppDisplayName", ", AppDisplayName, bin(TimeGenerated, 1h)")),
        (together, together.replace("> ago(1d)", "> (ago(1d) + 1h)", 1)),
    ]
    for kql, wrong in changes:
        right = translator.convert(rule(kql), ("splunk",), SOURCE)
        texts = translator.convert(rule(wrong), ("splunk",), SOURCE).outputs["splunk"].texts
        assert Trial(right, SOURCE).prove("splunk", right.outputs["splunk"]).outcome is Outcome.PROVEN
        assert Trial(right, SOURCE).prove("splunk", Output("splunk", texts, ())).outcome is Outcome.CONTRADICTED


def test_a_text_in_an_object_of_which_all_members_are_known_is_that_of_a_member() -> None:
    conversion = translator.convert(rule("SigninLogs | where Status has 'MFA denied; user declined'"), ("sigma", "splunk"))
    assert {t: (o.verdict, prove(conversion, t).outcome) for t, o in conversion.outputs.items()} == dict.fromkeys(
        ("sigma", "splunk"), (Verdict.EXACT, Outcome.PROVEN)
    )


def test_a_rule_that_looks_back_less_than_its_query_is_tried_on_what_it_sees() -> None:
    known = "AuditLogs | where TimeGenerated between (ago(14d) .. ago(1h)) | summarize make_list(Identity)"
    kql = f"let known = {known}; AuditLogs | where TimeGenerated > ago(1h) | where OperationName == 'Add member' and Identity !in (known)"
    found = translator.prove(replace(rule(kql), period=600), "splunk")
    assert found.outcome is Outcome.PROVEN and found.worlds > 20 and found.coverage is not None
    (atom,) = (a for a in found.coverage.atoms if "Add member" in a.text)
    assert atom.true and atom.false


def test_a_threshold_that_takes_many_events_is_tried_with_some_that_miss_it() -> None:
    found = translator.prove(
        rule("SigninLogs | where ResultType == '50126' | summarize n = count() by UserPrincipalName | where n > 900"), "splunk"
    )
    assert found.outcome is Outcome.PROVEN and found.worlds > 6 and found.coverage is not None
    assert all(a.true and a.false for a in found.coverage.atoms)


def test_of_rows_that_are_equal_in_what_the_query_orders_them_by_a_text_may_keep_any() -> None:
    kql = (
        f"{SIGNINS} | summarize arg_max(TimeGenerated, *) by UserPrincipalName | where ResultType == '0' | join kind=inner (AuditLogs"
        " | where OperationName == 'Add user' | extend UserPrincipalName = tostring(InitiatedBy.user.userPrincipalName)) on UserPrincipalName"
    )
    conversion = translator.convert(rule(kql), ("splunk",))
    assert Trial(conversion, Options()).prove("splunk", conversion.outputs["splunk"]).outcome is Outcome.PROVEN
    trial = Trial(translator.convert(rule(kql.split(" | join")[0]), ("splunk",), SOURCE), SOURCE)
    rows = [{"TimeGenerated": trial.now, "UserPrincipalName": "ann", "ResultType": code} for code in ("0", "50126")]
    found = trial.found([{"SigninLogs": rows}, {"SigninLogs": rows[:1]}])
    assert [(one[0], [alerts for alerts, _ in one[2]]) for one in found if one is not None] == [(True, [False]), (True, [])]


def test_events_of_one_time_are_taken_in_one_order_where_the_rule_says_so_and_in_both_where_not() -> None:
    first, second = "DeviceProcessEvents | where FileName == 'a.exe'", "DeviceFileEvents | where FileName == 'b.cs'"
    kql = (
        f"{first} | project DeviceName, One = TimeGenerated | join kind=inner ({second} | project DeviceName, Two = TimeGenerated)"
        " on DeviceName | where One <= Two and Two - One <= 5m"
    )
    conversion = translator.convert(rule(kql), ("eql",), SOURCE)
    output = conversion.outputs["eql"]
    assert "equal-times" in {d.code for d in output.diagnostics}
    assert Trial(conversion, SOURCE).prove("eql", output).errs in (None, Verdict.BROADER)
    silent = replace(conversion, outputs={"eql": replace(output, diagnostics=())})
    assert Trial(silent, SOURCE).prove("eql", silent.outputs["eql"]).outcome is Outcome.CONTRADICTED


@pytest.mark.parametrize("after", ["Two between (One .. (One + 10m))", "Two > One and Two - One <= 10m"])
def test_pairs_of_one_moment_alert_in_spl_where_they_do_in_the_rule(after: str) -> None:
    created, added = "SecurityEvent | where EventID == 4720", "SecurityEvent | where EventID == 4732"
    kql = (
        f"{created} | project TargetSid, One = TimeGenerated | join kind=inner ({added} | project MemberSid, Two = TimeGenerated)"
        f" on $left.TargetSid == $right.MemberSid | where {after}"
    )
    conversion = translator.convert(rule(kql), ("splunk",))
    output = conversion.outputs["splunk"]
    assert output.verdict is Verdict.SAME_ALERTS and "equal-times" not in {d.code for d in output.diagnostics}
    assert Trial(conversion, Options()).prove("splunk", output).outcome is Outcome.PROVEN


def test_an_alert_beside_events_is_not_compared_by_a_column_that_it_does_not_show() -> None:
    answer = Answer(({"Operation": "a"}, {"Operation": "b"}))
    wanted, kinds = Wanted({"Operation": ("Operation",)}), {"Operation": Type.STRING}
    event: dict[str, object] = {ROW: "kql2sigma-1", "Operation": "a"}
    assert compared(answer, [event], wanted, kinds)[0] is not None
    assert compared(answer, [event, {"CorrelationId": "c"}], wanted, kinds) == (None, Compared.ALERTS)


def test_how_many_rows_there_are_is_the_value_of_no_column() -> None:
    answer = Answer(tuple({"Account": name} for name in ("2", "3", "4")))
    wanted, kinds = Wanted({"Account": ("Account",)}), {"Account": Type.STRING}
    assert compared(answer, [{"result_count": 3}], wanted, kinds) == (None, Compared.ALERTS)
    assert compared(answer, [{"name": "3"}], wanted, kinds)[0] is not None


def test_of_a_text_of_json_that_tells_groups_apart_it_is_not_known_how_the_product_writes_it() -> None:
    kql = "AWSCloudTrail | where EventName == 'CreateRoute' | summarize c = count() by UserIdentityUserName, AdditionalEventData"
    found = prove(translator.convert(rule(kql), ("esql",)), "esql")
    assert found.outcome is Outcome.NOT_EXECUTABLE and "keeps the JSON of AWSCloudTrail.AdditionalEventData" in found.why


THREE = [
    {"trigger_operator": "gt", "trigger_threshold": 2},
    {"trigger_operator": "gt", "trigger_threshold": 0},
]
LISTED = {
    "watchlist": f"let w = _GetWatchlist('Names') | project SearchKey; {SIGNINS} | where UserPrincipalName in~ (w)",
    "watchlist that is none": f"let w = _GetWatchlist('Names') | project SearchKey; {SIGNINS} | where UserPrincipalName !in (w)",
    "external data": f"let w = externaldata(name: string)[@'https://x.y/a.csv']; {SIGNINS} | where UserPrincipalName in (w)",
    "rows with one condition": (
        "let w = externaldata(note: string, sort_of: string, name: string)[@'https://x.y/a.csv'] | where sort_of == 'user' | project name;"
        f" {SIGNINS} | where UserPrincipalName has_any (w)"
    ),
    "indicators": (
        "ThreatIntelligenceIndicator | where Active == true and isnotempty(NetworkIP) | join kind=inner (SigninLogs | where ResultType == '0'"
        " | extend at = TimeGenerated) on $left.NetworkIP == $right.IPAddress | where at < ExpirationDateTime"
    ),
    "seen before": (
        "SigninLogs | where TimeGenerated > ago(1d) | where isnotempty(IPAddress) | where IPAddress !in ((SigninLogs"
        " | where TimeGenerated between (ago(8d) .. ago(1d)) | distinct IPAddress))"
    ),
}


@pytest.mark.parametrize("name", LISTED)
def test_lists_hold_what_the_query_finds(name: str) -> None:
    conversion = translator.convert(rule(LISTED[name], period=8 * 86_400), ("splunk", "esql", "sigma"), SOURCE)
    claimed = [t for t, output in conversion.outputs.items() if output.verdict in (Verdict.EXACT, Verdict.SAME_ALERTS)]
    assert claimed
    for target in claimed:
        proof = prove(conversion, target, options=SOURCE)
        assert (proof.outcome, proof.why) == (Outcome.PROVEN, "") and 0 < proof.alerting < proof.worlds, (target, proof)


@pytest.mark.parametrize("facts", THREE)
def test_a_rule_that_counts_its_rows_has_worlds_with_as_many(facts: dict[str, Any]) -> None:
    conversion = translator.convert(rule(f"{SIGNINS} | where ResultType == '0'", period=3_600, **facts), ("splunk", "esql"), SOURCE)
    for target in conversion.outputs:
        proof = prove(conversion, target, options=SOURCE)
        assert proof.outcome is Outcome.PROVEN and 0 < proof.alerting < proof.worlds, (target, proof)


def test_rows_get_what_the_product_says_of_them() -> None:
    query = "AzureActivity | where TimeGenerated > ago(1d) | where ResourceProviderValue =~ 'Microsoft.Compute' | where ActivityStatusValue == 'Success'"
    proof = prove(translator.convert(rule(query), ("splunk",)), "splunk")
    assert proof.outcome is Outcome.PROVEN and proof.alerting


def test_a_column_that_the_product_computes_is_computed_of_what_it_is_made_of_where_rows_do_not_say_it() -> None:
    hashes = ", ".join(f"'{'0' * 31}{number}'" for number in range(3))
    query = f"_Im_FileEvent | where TargetFileMD5 in ({hashes}) | extend Who = User, HostCustomEntity = DvcHostname"
    entities = (EntityMapping("Account", "FullName", "Who"), EntityMapping("Host", "FullName", "HostCustomEntity"))
    assert translator.prove(rule(query, entities=entities), "splunk").outcome == Outcome.PROVEN


def test_columns_behind_an_asterisk_are_those_of_a_table_that_is_not_known() -> None:
    query = "A_CL | where size_d > 5 | summarize arg_max(TimeGenerated, *) by host_s | project host_s, user_s, n = size_d / 2"
    conversion = translator.convert(rule(query), ("splunk",), SOURCE)
    assert prove(conversion, "splunk", options=SOURCE).outcome is Outcome.PROVEN


TERM = 'match(AppDisplayName, "(?i)(^|[^a-z0-9])portal([^a-z0-9]|$)")'
BASE = 'sourcetype="SigninLogs"'
WRONG = [
    ("a filter is lost", PLAIN, f'{BASE} ResultType="50126" | where {TERM}', "broader"),
    (
        "contains for has",
        PLAIN,
        f'{BASE} ResultType="50126" AppDisplayName="*portal*" | where isnull(UserPrincipalName) OR UserPrincipalName!="x@y.z"',
        "broader",
    ),
    (
        "a word of the whole event",
        OTHER.replace("'x@y.z'", "'x@y.z' and AppDisplayName has 'portal'"),
        f'{BASE} ResultType="50126" portal | where isnull(UserPrincipalName) OR UserPrincipalName!="x@y.z"',
        "broader",
    ),
    ("or for and", PLAIN, f'{BASE} (ResultType="50126" OR AppDisplayName="*portal*") | where UserPrincipalName!="x@y.z"', "differs"),
    ("an event without the field is lost", OTHER, f'{BASE} ResultType="50126" | where UserPrincipalName!="x@y.z"', "narrower"),
    ("another threshold", COUNT, f'{BASE} ResultType="50126" | stats count as c by IPAddress | where c>5', "narrower"),
    (
        "classes of ASCII",
        f"{SIGNINS} | where UserPrincipalName matches regex @'^\\w+$'",
        f'{BASE} | where match(UserPrincipalName, "^[A-Za-z0-9_]+$(?!\\n)")',
        "narrower",
    ),
    ("a lower threshold", COUNT, f'{BASE} ResultType="50126" | stats count as c by IPAddress | where c>=4', "broader"),
    ("no key", COUNT, f'{BASE} ResultType="50126" | stats count as c | where c>=5', "broader"),
    ("events for values", DISTINCT, f"{BASE} | stats count as d by IPAddress | where d>3", "broader"),
    (
        "another key",
        COUNT,
        f'{BASE} ResultType="50126" | eventstats count as c by IPAddress | where c>=5 | eval IPAddress=ResultType',
        "differs",
    ),
    (
        "one event alone",
        OTHER,
        f'{BASE} ResultType="50126" | where isnull(UserPrincipalName) OR UserPrincipalName!="x@y.z" | head 1',
        "narrower",
    ),
    ("the condition turned around", COUNT, f'{BASE} ResultType="50126" | stats count as c by IPAddress | where c<5', "differs"),
]


@pytest.mark.parametrize(("kql", "text", "errs"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_contradicted_in_its_direction(kql: str, text: str, errs: str) -> None:
    proof = prove(translator.convert(rule(kql), ("splunk",), SOURCE), "splunk", text, SOURCE)
    assert proof.outcome is Outcome.CONTRADICTED and proof.errs is not None and proof.errs.value == errs
    assert proof.counterexample is not None and proof.counterexample.kql == (errs == "narrower" or proof.counterexample.kql)


ENCODED = "DeviceProcessEvents | where ProcessCommandLine contains '-enc'"
TAKEN = 'any where event.dataset == "DeviceProcessEvents" and'
SIGMA = """title: t
id: 11111111-1111-1111-1111-111111111111
logsource: {product: azure, service: DeviceProcessEvents}
detection: {asked: {%s}, other: {FileName: foo.exe}, condition: %s}
"""


@pytest.mark.parametrize(
    ("target", "text", "errs"),
    [
        ("sigma", SIGMA % ("ProcessCommandLine|contains: [-enc, -xyz]", "asked"), "broader"),
        ("sigma", SIGMA % ("ProcessCommandLine|windash|contains: -enc", "asked"), "broader"),
        ("sigma", SIGMA % ("ProcessCommandLine|re|i: '-e(nc|xy)'", "asked"), "broader"),
        ("sigma", SIGMA % ("ProcessCommandLine|contains: -enc", "asked or other"), "broader"),
        ("sigma", SIGMA % ("ProcessCommandLine|contains: -enc", "asked and not other"), "narrower"),
        ("eql", f'{TAKEN} ProcessCommandLine : ("*-enc*", "*-xyz*")', "broader"),
        ("eql", f'{TAKEN} ProcessCommandLine : "*-enc*" and not ProcessCommandLine : "*chrome*"', "narrower"),
        ("eql", f'{TAKEN} ProcessCommandLine : "*-enc*" and not ProcessId == 1234', "narrower"),
        ("splunk", 'sourcetype="DeviceProcessEvents" | regex ProcessCommandLine="(?i)[-/]enc"', "broader"),
        ("splunk", "sourcetype=DeviceProcessEvents ProcessCommandLine=*-enc* NOT AccountName=svc", "narrower"),
        ("eql", f'{TAKEN} ProcessCommandLine : "*-enc*"', None),
        ("sigma", SIGMA % ("ProcessCommandLine|contains: -enc", "asked"), None),
        ("sigma", SIGMA % ("ProcessCommandLine: '*-ENC*'", "asked"), None),
        ("splunk", 'sourcetype="DeviceProcessEvents" ProcessCommandLine="*-enc*"', None),
    ],
)
def test_what_somebody_adds_to_a_text_is_tried(target: str, text: str, errs: str | None) -> None:
    found = prove(translator.convert(rule(ENCODED), (target,), SOURCE), target, text, SOURCE)
    assert found.outcome is (Outcome.CONTRADICTED if errs else Outcome.PROVEN)
    assert (found.errs and found.errs.value) == errs


HISTORY = (
    "let known = (AuditLogs | where TimeGenerated < ago(1d) | where Result == 'success' | where OperationName !has 'reset' | project Identity);"
    " SigninLogs | where TimeGenerated > ago(1d) | where UserPrincipalName !in (known)"
)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        (" | where Result == 'success'", ""),
        ("!has 'reset'", "!contains 'reset'"),
        ("Result == 'success'", "Result =~ 'success'"),
        ("TimeGenerated > ago(1d)", "TimeGenerated > ago(23h)"),
        ("TimeGenerated < ago(1d)", "TimeGenerated <= ago(1d)"),
        ("OperationName !has 'reset'", "isnotempty(OperationName) and OperationName !has 'reset'"),
    ],
)
def test_what_is_wrong_of_the_rows_that_a_value_is_not_among_is_contradicted(part: str, wrong: str) -> None:
    conversion = translator.convert(rule(HISTORY, period=7 * 86_400), ("splunk",), SOURCE)
    assert prove(conversion, "splunk", options=SOURCE).outcome is Outcome.PROVEN
    other = translator.convert(rule(HISTORY.replace(part, wrong), period=7 * 86_400), ("splunk",), SOURCE).outputs["splunk"]
    assert prove(conversion, "splunk", other.text, SOURCE).outcome is Outcome.CONTRADICTED


SIDES = (
    "SecurityEvent | where EventID == 4720 and isnotempty(TargetSid) | project s = TimeGenerated, TargetSid | join kind=inner (SecurityEvent"
    " | where EventID == 4726 | project u = TimeGenerated, TargetSid) on TargetSid | where u between (s .. (s + 10m))"
)


def test_rows_of_an_exact_text_are_compared() -> None:
    conversion = translator.convert(rule(SIDES), ("esql",), SOURCE)
    output = conversion.outputs["esql"]
    assert (output.verdict, output.lane) == (Verdict.EXACT, "pipeline")
    proof = prove(conversion, "esql", options=SOURCE)
    assert (proof.outcome, proof.compared) == (Outcome.PROVEN, Compared.ROWS), proof.why
    proof = Trial(conversion, SOURCE).prove("esql", replace(output, columns={**output.columns, "s": output.columns["u"]}))
    assert proof.outcome is Outcome.CONTRADICTED and proof.counterexample is not None
    assert proof.counterexample.kql and proof.counterexample.lacking and proof.counterexample.surplus


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize(
    "keys", ["4625 | summarize c = count() by TargetAccount, WorkstationName", "4688 | summarize c = count() by SubjectAccount"]
)
def test_an_account_that_a_backslash_is_part_of_is_never_empty(keys: str, target: str) -> None:
    conversion = translator.convert(rule(f"SecurityEvent | where EventID == {keys} | where c > 3"), (target,))
    assert conversion.outputs[target].verdict is Verdict.SAME_ALERTS and prove(conversion, target).outcome is Outcome.PROVEN


@pytest.mark.parametrize(
    ("kql", "target", "what"),
    [(PLAIN, "esql", "events"), (PLAIN, "eql", "events"), (PLAIN, "sigma", "events"), (COUNT, "splunk", "entities"),
     (COUNT, "sigma", "entities"), (JOIN, "sigma", "entities")],
)  # fmt: skip
def test_what_is_compared_is_said(kql: str, target: str, what: str) -> None:
    proof = prove(translator.convert(rule(kql), (target,), SOURCE), target, options=SOURCE)
    assert (proof.compared.value, proof.outcome) == (what, Outcome.PROVEN), proof.why


def test_late_arrivals_are_told_from_late_events() -> None:
    kql = "SigninLogs | where ingestion_time() > ago(1h) and TimeGenerated > ago(5h) and ResultType == '50126'"
    conversion = translator.convert(rule(kql), ("splunk",), Options())
    assert prove(conversion, "splunk").outcome is Outcome.PROVEN
    right = conversion.outputs["splunk"].text
    assert "_indextime" in right
    wrong = prove(conversion, "splunk", right.replace("_indextime", "_time"))
    assert wrong.outcome is Outcome.CONTRADICTED


def test_a_counterexample_has_no_event_too_many() -> None:
    text = f'{BASE} ResultType="50126" | stats count as c by IPAddress | where c>=4'
    proof = prove(translator.convert(rule(COUNT), ("splunk",), SOURCE), "splunk", text, SOURCE)
    assert proof.counterexample is not None and len(proof.counterexample.rows["SigninLogs"]) == 4


def test_entities_that_are_gathered_of_all_events_of_a_key_are_too_many() -> None:
    kql = (
        "SecurityEvent | where EventID == 4720 | project s = TimeGenerated, TargetSid, Computer | join kind=inner (SecurityEvent"
        " | where EventID == 4726 | project u = TimeGenerated, TargetSid) on TargetSid | where u between (s .. (s + 10m))"
        " | project Computer, TargetSid"
    )
    entities = (EntityMapping("Host", "HostName", "Computer"),)
    conversion = translator.convert(rule(kql, entities=entities), ("splunk",), SOURCE)
    output = conversion.outputs["splunk"]
    assert (output.verdict, prove(conversion, "splunk", options=SOURCE).outcome) == (Verdict.EXACT, Outcome.PROVEN)
    gathered = (
        'sourcetype="SecurityEvent" | eval s=if(EventID==4720, _time, null()), u=if(EventID==4726, _time, null()),'
        " Computer=if(EventID==4720, Computer, null()) | stats max(s) as s max(u) as u values(Computer) as Computer by TargetSid"
        " | where u>=s AND u-s<=600"
    )
    found = prove(conversion, "splunk", gathered, SOURCE)
    assert found.outcome is Outcome.CONTRADICTED and found.counterexample is not None
    assert "another event" in found.counterexample.about


def test_what_has_an_empty_key_identifies_nothing_though_it_is_of_an_element() -> None:
    kql = (
        "AuditLogs | mv-expand t = TargetResources | where t.type == 'User' | extend upn = tostring(t.userPrincipalName)"
        " | join kind=leftanti (SigninLogs | extend upn = UserPrincipalName) on upn | project upn"
    )
    conversion = translator.convert(rule(kql), ("sigma",))
    assert (conversion.outputs["sigma"].verdict, prove(conversion, "sigma").outcome) == (Verdict.BROADER, Outcome.PROVEN)


@pytest.mark.parametrize("moment", ["startofday(ago(1d))", "ago(3d)"])
def test_a_query_without_a_period_looks_back_as_far_as_it_asks(moment: str) -> None:
    kql = f"SecurityEvent | summarize n = count() by TargetUserName, t = bin(TimeGenerated, 1d) | where t >= {moment} and n > 10"
    conversion = translator.convert(rule(kql), ("splunk",), SOURCE)
    assert (conversion.outputs["splunk"].verdict, prove(conversion, "splunk", options=SOURCE).outcome) == (Verdict.EXACT, Outcome.PROVEN)


def test_a_row_that_gathers_what_several_rows_of_the_query_have_is_compared_by_column() -> None:
    given = "AzureDevOpsAuditing | where OperationName == 'a' | project K = ProjectName, t = bin(TimeGenerated, 1h), Adder = ActorUPN"
    kql = (
        f"{given} | join kind=inner (AzureDevOpsAuditing | extend t = bin(TimeGenerated, 1h), K = ProjectName) on K, t"
        " | summarize n = make_set(OperationName) by ActorUPN, Adder, IpAddress"
    )
    asked = rule(kql, entities=tuple(EntityMapping("Account", "Name", n) for n in ("ActorUPN", "Adder", "IpAddress")))
    proof = prove(translator.convert(asked, ("splunk",)), "splunk")
    assert (proof.outcome, proof.claim) == (Outcome.PROVEN, Verdict.SAME_ALERTS)


def test_groups_by_what_only_the_engine_computes_are_tried() -> None:
    kql = (
        "SigninLogs | where ResultType == '0' | extend b = parse_user_agent(UserAgent, 'browser')"
        " | summarize n = count() by f = tostring(b.Browser.Family)"
    )
    assert prove(translator.convert(rule(kql), ("splunk",)), "splunk").outcome is Outcome.NOT_EXECUTABLE


@pytest.mark.parametrize(
    "kql",
    [
        "SecurityEvent | where EventID == 4688 and ingestion_time() > ago(1h)",
        "SecurityEvent | where EventID == 1 and Computer !in ((SecurityEvent | where TimeGenerated > ago(7d) and EventID == 2 | distinct Computer))",
    ],
)
def test_how_far_a_search_looks_back_that_nothing_limits_is_no_fault_of_its_text(kql: str) -> None:
    assert prove(translator.convert(rule(kql), ("splunk",)), "splunk").outcome is Outcome.PROVEN


def test_moments_that_a_search_is_given_are_no_window_of_the_query() -> None:
    kql = (
        "let start = todatetime('{{StartTimeISO}}'); SigninLogs | where TimeGenerated >= start | join kind=leftanti (SigninLogs"
        " | where TimeGenerated between ((start - 14d) .. start) | summarize n = count() by UserPrincipalName) on UserPrincipalName"
    )
    said = [
        d.message for d in translator.convert(rule(kql), ("splunk",), SOURCE).outputs["splunk"].diagnostics if d.code == "window-of-search"
    ]
    assert said and all("1d" in m for m in said)


def test_a_join_by_the_wrong_key_is_found() -> None:
    right = (
        f'{BASE} ResultType=0 | eval k=UserPrincipalName | append [search sourcetype=AuditLogs OperationName="Add user" | eval k=Identity]'
    )
    wrong = right.replace("k=Identity", "k=OperationName")
    found = "| stats dc(sourcetype) as n by k | where n>1"
    conversion = translator.convert(rule(JOIN), ("splunk",), SOURCE)
    assert prove(conversion, "splunk", f"{wrong} {found}", SOURCE).outcome is Outcome.CONTRADICTED


@pytest.mark.parametrize(
    ("text", "why"),
    [("| tstats count from datamodel=Web", "reader does not know"), ("index=x | nosuchcommand a", "reader does not know")],
)
def test_what_cannot_be_run_is_said(text: str, why: str) -> None:
    proof = prove(translator.convert(rule(PLAIN), ("splunk",), SOURCE), "splunk", text, SOURCE)
    assert proof.outcome is Outcome.NOT_EXECUTABLE and why in proof.why


def test_proofs_are_the_same_each_time() -> None:
    conversion = translator.convert(rule(COUNT), ("esql",), SOURCE)
    assert prove(conversion, "esql", options=SOURCE) == prove(conversion, "esql", options=SOURCE)


def test_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_text(f"id: 11111111-1111-1111-1111-111111111111\nname: A\nquery: |\n  {COUNT}\n", encoding="utf-8")
    right, wrong, odd = (tmp_path / f"{name}.spl" for name in ("right", "wrong", "odd"))
    right.write_text(
        f'{BASE} ResultType="50126" | fillnull value="" IPAddress | stats count as c by IPAddress | where c>=5', encoding="utf-8"
    )
    wrong.write_text(f'{BASE} ResultType="50126" | stats count as c by IPAddress | where c>=4', encoding="utf-8")
    odd.write_text("index=x | nosuchcommand", encoding="utf-8")
    run = CliRunner().invoke
    assert run(main, ["verify", str(folder), "--fields", "source"]).exit_code == 0
    statuses = []
    for text in (right, wrong, odd):
        found = run(main, ["verify", str(folder), "-t", "splunk", "--fields", "source", "--text", str(text), "--format", "json"])
        (proof,) = json.loads(found.stdout)[0]["proofs"]
        statuses.append((found.exit_code, proof["outcome"]))
    assert statuses == [(0, "proven"), (1, "contradicted"), (3, "not executable")]
    shown = run(main, ["verify", str(folder), "-t", "splunk", "--fields", "source", "--text", str(wrong)])
    assert "The KQL does not alert, the text does:" in shown.stdout and shown.stdout.count("SigninLogs: ") == 4
    assert run(main, ["verify", str(folder), "--text", str(wrong)]).exit_code == 2


def test_an_absent_event_is_known_to_be_absent_since_a_world_has_all_of_its_events() -> None:
    left = f"{SIGNINS} | where ResultType == '0' and isnotempty(UserPrincipalName)"
    kql = f"{left} | join kind=leftanti ({SIGNINS} | where ResultType == '50126') on UserPrincipalName"
    assert prove(translator.convert(rule(kql), ("sigma",), SOURCE), "sigma", options=SOURCE).outcome is Outcome.PROVEN


PACK = {"a": PLAIN, "b": COUNT, "c": DISTINCT, "d": "SigninLogs | where (", "e": OTHER}


def pack(folder: Path) -> Path:
    (folder / "pack").mkdir()
    for name, kql in PACK.items():
        (folder / "pack" / f"{name}.yaml").write_text(f"name: {name}\nquery: |\n  {kql}\n", encoding="utf-8")
    return folder / "pack"


def verified(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(main, ["verify", "--fields", "source", *arguments])
    return found.exit_code, found.stdout, found.stderr


@pytest.mark.parametrize("form", ["json", "text"])
def test_jobs_change_nothing(tmp_path: Path, form: str) -> None:
    folder = str(pack(tmp_path))
    one = verified(folder, "--format", form)
    assert one[0] == 1 and "d.yaml:3" in one[2]
    assert verified(folder, "--format", form, "--jobs", "2") == one
    assert verified(folder, "--format", form, "--rule-timeout", "0") == one
    if form == "json":
        assert one[1] == json.dumps(json.loads(one[1]), indent=2, ensure_ascii=False) + "\n"


FORKED = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere processes are not forked, and know nothing of what a test puts in")


@FORKED
def test_a_rule_that_takes_too_long_is_said_to_and_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = proof.proofs_of

    def slow(trial: Trial, *others: Any) -> Iterator[proof.Proof]:
        found = first(trial, *others)
        yield next(found)
        if trial.conversion.rule.name == "b":
            time.sleep(600)
        yield from found

    monkeypatch.setattr(verify_command, "proofs_of", slow)
    folder, kept = str(pack(tmp_path)), tmp_path / "kept.jsonl"
    arguments = (folder, "-t", "sigma", "-t", "splunk", "--format", "json", "--jobs", "2", "--resume", str(kept))
    found = {r["name"]: [(p["outcome"], p["why"]) for p in r["proofs"]] for r in json.loads(verified(*arguments, "--rule-timeout", "8")[1])}
    assert found.pop("b") == [("proven", ""), ("not executable", "stopped after 8 s")]
    assert found == dict.fromkeys("ace", [("proven", "")] * 2)
    assert len(kept.read_text("utf-8").splitlines()) == 3
    monkeypatch.setattr(verify_command, "proofs_of", first)
    assert [p["outcome"] for r in json.loads(verified(*arguments)[1]) for p in r["proofs"]] == ["proven"] * 8


@FORKED
def test_what_is_known_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, kept = pack(tmp_path), tmp_path / "kept.jsonl"
    text = tmp_path / "wrong.spl"
    text.write_text(f"{BASE} | stats count as c by IPAddress | where c>=4", encoding="utf-8")
    contradicted = (str(folder / "b.yaml"), "-t", "splunk", "--text", str(text))
    for arguments in ((str(folder),), (str(folder), "--format", "json"), contradicted, (*contradicted, "--format", "json")):
        asked = (*arguments, "--resume", str(kept))
        before = verified(*asked)
        with kept.open("a", encoding="utf-8") as file:
            file.write('{"torn')
        with monkeypatch.context() as changed:
            changed.setattr(verify_command, "converted", None)
            assert verified(*asked)[:2] == before[:2]  # what fails, fails anew
    assert "internal error" not in kept.read_text("utf-8")
    held = len(kept.read_text("utf-8").splitlines())
    for other in ((str(folder), "--seed", "1"), (str(folder), "-t", "sigma")):
        verified(*other, "--resume", str(kept))
        assert len(kept.read_text("utf-8").splitlines()) > held
        held = len(kept.read_text("utf-8").splitlines())


def test_why_nothing_was_tried_is_said(tmp_path: Path) -> None:
    rule = tmp_path / "r.kql"
    rule.write_text("SigninLogs | evaluate basket()", "utf-8")
    assert verified(str(rule))[:2] == (0, "r\nnothing was tried: an output that differs, or is none, claims nothing\n")
    rule.write_text("SigninLogs | where (", "utf-8")
    status, shown, said = verified(str(rule))
    assert (status, shown) == (1, "") and "the query ends here" in said


@pytest.mark.parametrize("text", ["id: 1\nname: a rule\n", '{"$schema": "https://schema.management.azure.com/"}', '{"torn', "\n"])
def test_nothing_is_kept_behind_what_another_file_holds(tmp_path: Path, text: str) -> None:
    folder, other = pack(tmp_path), tmp_path / "other"
    other.write_text(text, encoding="utf-8")
    status, _, said = verified(str(folder), "--resume", str(other))
    assert (status, other.read_text("utf-8")) == (2, text) and "is not what --resume keeps" in said


def test_which_row_of_its_left_side_a_join_keeps_is_not_compared() -> None:
    kql = """DnsEvents | join (ThreatIntelligenceIndicator | summarize by Url) on $left.Name == $right.Url
        | summarize count() by Computer, Name | project HostCustomEntity = Computer, Name"""
    assert translator.prove(rule(kql), "splunk").outcome is Outcome.PROVEN


@pytest.mark.parametrize(
    "window",
    [
        ">= startofday(now())",
        "between (startofday(ago(1d)) .. startofday(now()))",
        "between (startofday(ago(1d)) .. 1d)",
    ],
)
def test_windows_of_whole_days_are_written_by_pipelines_alone(window: str) -> None:
    made = rule(f"SigninLogs | where TimeGenerated {window} | summarize n = count() by UserPrincipalName | where n > 3", period=172_800)
    outputs = translator.convert(made).outputs
    assert {outputs[target].verdict for target in ("sigma", "eql")} == {Verdict.DIFFERS}
    for target in ("splunk", "esql"):
        assert outputs[target].verdict is Verdict.EXACT and translator.prove(made, target).outcome is Outcome.PROVEN


@pytest.mark.parametrize("window", ["> now()", ">= now() + 1h", "> ago(-1h)", "between (now() .. 1h)"])
def test_what_asks_for_events_of_the_future_is_said_to_find_none(window: str) -> None:
    outputs = translator.convert(rule(f"SigninLogs | where TimeGenerated {window} and ResultType == '0'")).outputs
    for output in outputs.values():
        assert output.verdict is Verdict.NONE


def test_a_search_in_all_columns_is_not_executable() -> None:
    assert translator.prove(rule("SecurityEvent | where * has 'mimikatz' | project Computer"), "esql").outcome is Outcome.NOT_EXECUTABLE


def test_events_of_a_function_over_all_data_sets_are_nowhere_else() -> None:
    made = rule("_Im_Dns | where DnsQuery has 'onion' | project SrcIpAddr")
    for target in ("eql", "esql"):
        assert translator.prove(made, target).outcome is Outcome.PROVEN


def test_an_error_in_the_reader_of_a_target_loses_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **named: Any) -> list[dict[str, object]]:
        raise TypeError("no such thing")

    monkeypatch.setattr(spl, "run", broken)
    conversion = translator.convert(rule(PLAIN), options=SOURCE)
    found = {p.target: p for p in proof.proofs_of(proof.trial_of(conversion, SOURCE), conversion.outputs)}
    assert found["splunk"].outcome is Outcome.NOT_EXECUTABLE and found["splunk"].why.endswith("TypeError: no such thing")
    assert {p.outcome for t, p in found.items() if t != "splunk"} == {Outcome.PROVEN}


def test_errors_in_making_the_events_of_one_product_lose_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Trial.fitted

    def broken(self: Trial, family: str, *others: Any) -> Any:
        if family == "elastic":
            raise KeyError(family)
        return first(self, family, *others)

    monkeypatch.setattr(Trial, "fitted", broken)
    conversion = translator.convert(rule(PLAIN))
    found = {p.target: p.outcome for p in proof.proofs_of(proof.trial_of(conversion, Options()), conversion.outputs)}
    executed = {"sigma": Outcome.PROVEN, "splunk": Outcome.PROVEN}
    assert found == {**executed, "eql": Outcome.NOT_EXECUTABLE, "esql": Outcome.NOT_EXECUTABLE}


def test_the_file_of_a_path_stands_behind_what_a_query_asks_of_the_path() -> None:
    made = rule("DeviceFileEvents | where ActionType == 'FileCreated' and FileName endswith '.txt' and FolderPath startswith @'c:\\data\\'")
    assert translator.prove(made, "sigma").outcome is Outcome.PROVEN


def test_a_column_of_one_kind_of_events_makes_an_event_of_that_kind() -> None:
    assert translator.prove('SecurityEvent | where CommandLine has "net"', "splunk").outcome is Outcome.PROVEN


@pytest.mark.parametrize("target", ["sigma", "splunk", "eql", "esql"])
def test_a_list_of_what_was_before_lets_no_older_event_alert(target: str) -> None:
    """A query of EQL is run over the rule's own window, however far back the list looks that it names."""
    known = "let known = SlackAudit | where TimeGenerated > ago(30d) and DvcAction =~ 'user_login' and isnotempty(SrcUserName) | summarize"
    kql = f"{known} make_set(SrcUserName); SlackAudit | where TimeGenerated > ago(24h) and DvcAction =~ 'user_login_failed'"
    assert translator.prove(f"{kql} and isnotempty(SrcUserName) and SrcUserName !in (known)", target).outcome is Outcome.PROVEN
