"""Values that a product keeps in another form than the table: the KQL on rows, and what is written for it on the events of these."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

import translator
from tests.rules import rule
from translator.fidelity import CaseOfColumn, Verdict
from translator.rulepack.model import EntityMapping
from translator.targets.base import Options, Output, Readiness
from translator.verify.proof import Outcome
from translator.verify.running import run_text
from translator.verify.shaping import shaped

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
FAMILIES = {"splunk": "splunk", "esql": "elastic", "eql": "elastic", "sigma": "sigma"}


def sides(kql: str, target: str, rows: list[dict[str, Any]], *homes: str) -> tuple[Output, int, int]:
    """What is written, and how many rows the KQL and the text find of rows of its first table."""
    table, output = kql.split()[0], translator.convert(rule(kql), (target,), Options(homes=homes)).outputs[target]
    given = [{"TimeGenerated": "2026-05-01T11:00:00Z", **row} for row in rows]
    found = shaped({table: given}, FAMILIES[target], Options(homes=output.homes))
    assert not [u for u in found.unshaped if u.row is not None]
    events = [event for shape in found.shapes[table] for event in shape.events]
    ours = translator.run(kql, {table: [shape.row for shape in found.shapes[table]]}, now=NOW).rows
    return output, len(ours), len(run_text(target, output.text, events, NOW.timestamp(), types=found.types))


SAME = ("exact", "same-alerts")

DURATIONS = [{"UserPrincipalName": "a", "DurationMs": 900}, {"UserPrincipalName": "b", "DurationMs": 1500}]
OPERATIONS = [{"Operation": o} for o in ("TeamCreated", "MemberAdded", "Add user.", "Add member to role.", "New-InboxRule")]
PALO_ALTO = "CommonSecurityLog | where DeviceVendor == 'Palo Alto Networks'"
SESSIONS = [
    {"DeviceVendor": "Palo Alto Networks", "Activity": activity, "DeviceAction": action, "DestinationPort": 22}
    for activity, action in (("THREAT", "reset-both"), ("TRAFFIC", "allow"))
]
ADDRESS = "SigninLogs | where IPAddress"
ADDRESSES = [{"IPAddress": "2001:db8::1"}, {"IPAddress": "10.0.0.1"}]
CALLERS = [{"EventID": 4768, "Computer": "c", "IpAddress": x} for x in ("-", "", "10.0.0.1")]
LOGONS = [{**row, "EventID": 4625} for row in CALLERS if row["IpAddress"]]
FAILED = "DeviceLogonEvents | where ActionType == 'LogonFailed' and"
NAMED = "SecurityEvent | where EventID == 4688 and"
FILES = [{"EventID": 4688, "Process": f"{n}.exe", "NewProcessName": f"C:\\{n}.exe", "Computer": "h"} for n in "ab"]
ADMINS = [{"ActionType": "LogonSuccess", "AccountName": "a", "IsLocalAdmin": x} for x in (True, False)]
STARTED = "DeviceProcessEvents | where"
STARTS = [
    {"FileName": f"{name}.exe", "AccountName": name, "AccountDomain": domain}
    for name, domain in (("system", "nt authority"), ("bob", "corp"))
]
REMOTE = [{"ActionType": "LogonFailed", "AccountName": "a", "RemoteIP": x} for x in ("", "10.0.0.1")]
UMBRELLA = [
    {"EventType": "dnslogs", "DvcAction": "Allowed", "UrlCategory": "", "SrcIpAddr": "10.0.0.1"},
    {"EventType": "iplogs", "DvcAction": ""},
    {"EventType": "cloudfirewalllogs", "DvcAction": "ALLOW"},
]
STATEMENTS = [
    {"Action": action, "DbAction": word}
    for action, word in (("drop table t", "DROP"), ("SELECT\na", "SELECT"), ("dropped", ""), ("3", "SELECT"), ("12", "DROP TABLE"))
]
GRANTS = [{"RequestParameters": f'{{"acl":"{acl}","bucketName":"b"}}'} for acl in ("private", "public-read")]
CALLS = [
    {"EventName": "CreateUser", "UserIdentityUserName": "bob"},
    {"EventName": "CreateUser", "SessionIssuerType": "Role", "SessionIssuerUserName": "bob"},
    {"EventName": "CreateUser"},
]


@pytest.mark.parametrize(
    ("kql", "target", "rows", "count"),
    [
        # a number in another unit
        ("SigninLogs | summarize m = avg(DurationMs) by UserPrincipalName | where m > 1000", "esql", DURATIONS, 1),
        ("SigninLogs | summarize m = max(DurationMs) by UserPrincipalName | where m < 1000", "esql", DURATIONS, 1),
        ("SigninLogs | where DurationMs * 2 > 2000 | project UserPrincipalName", "esql", DURATIONS, 1),
        ("SigninLogs | where DurationMs > 1000 | project UserPrincipalName", "esql", DURATIONS, 1),
        ("SigninLogs | where DurationMs !in (900, 7) | project UserPrincipalName", "eql", DURATIONS, 1),
        # a value that stands for none
        ("SecurityEvent | where EventID == 4768 and IpAddress != '-' and isnotempty(IpAddress) | project Computer", "esql", CALLERS, 1),
        ("SecurityEvent | where EventID == 4768 and IpAddress !in ('-', '') | summarize n = count() by IpAddress", "esql", CALLERS, 1),
        ("SecurityEvent | where EventID == 4625 | summarize n = count() by IpAddress | where IpAddress == '-'", "esql", LOGONS, 1),
        ("SecurityEvent | where EventID == 4625 and IpAddress != '-' | project Computer", "eql", LOGONS, 1),
        ("W3CIISLog | summarize n = count() by csReferer | where csReferer == '-'", "esql", [{"csReferer": "-"}, {"csReferer": "a"}], 1),
        ("SecurityEvent | where EventID == 4625 | summarize n = count() by IpAddress", "esql", LOGONS, 2),
        # a hyphen that stands for no value
        (f"{STARTED} AccountName == 'system' | project FileName", "sigma", STARTS, 1),
        *((f"{NAMED} strcat(Process, '-', Computer) == 'a.exe-h' | project Computer", target, FILES, 1) for target in ("splunk", "esql")),
        *((f"{NAMED} tolower(Process) in ('a.exe', 'c.exe') | project Computer", target, FILES, 1) for target in ("splunk", "esql")),
        (f"{STARTED} AccountName !in ('system', 'local service') | project FileName", "sigma", STARTS, 1),
        (f"{STARTED} AccountName startswith_cs 'sys' | project FileName", "sigma", STARTS, 1),
        (f"{FAILED} isnotempty(RemoteIP) | project AccountName", "sigma", REMOTE, 1),
        ("DeviceLogonEvents | where IsLocalAdmin == 'True' | project AccountName", "splunk", ADMINS, 1),
        ("DeviceLogonEvents | where IsLocalAdmin != ' false' | project AccountName", "splunk", ADMINS, 1),
        (f"{FAILED} RemoteIP !in ('', '::1') | project AccountName", "sigma", REMOTE, 1),
        (f"{FAILED} RemoteIP == '' and isempty(InitiatingProcessFileName) | project AccountName", "sigma", REMOTE, 1),
        (f"{FAILED} strlen(RemoteIP) < 5 and RemoteIP !contains '-' | project AccountName", "sigma", REMOTE, 1),
        (f"{FAILED} RemoteIP !contains '-' and not(ipv4_is_private(RemoteIP)) | project AccountName", "sigma", REMOTE, 0),
        # events that a number, or a product's name, is of alone
        ("CommonSecurityLog | where DeviceEventClassID == '733101' | project SourceIP", "splunk", [{"DeviceEventClassID": "733101"}], 1),
        ("CommonSecurityLog | where DeviceProduct =~ 'wazuh' | project SourceIP", "esql", [{"DeviceProduct": "Wazuh"}], 1),
        # columns that the table leaves empty in some of its events
        ("Cisco_Umbrella | where DvcAction =~ 'Allowed' and UrlCategory == '' | project SrcIpAddr", "splunk", UMBRELLA, 1),
        # the word that a statement begins with, or that its number stands for
        ("OracleDatabaseAuditEvent | where DbAction =~ 'Drop' | project Action", "splunk", STATEMENTS, 1),
        ("OracleDatabaseAuditEvent | where DbAction == 'SELECT' | project Action", "splunk", STATEMENTS, 2),
        ("OracleDatabaseAuditEvent | where isempty(DbAction) | project Action", "splunk", STATEMENTS, 1),
        # some values under other names, whose own texts satisfy the condition
        ("OfficeActivity | where Operation startswith 'Add' | project UserId", "esql", OPERATIONS, 2),
        ("OfficeActivity | where Operation startswith 'Add' | project UserId", "eql", OPERATIONS, 2),
        ("OfficeActivity | where Operation !startswith 'Add' | project UserId", "esql", OPERATIONS, 3),
        ("OfficeActivity | where Operation matches regex '^[Aa]dd ?[Mm]' | project UserId", "esql", OPERATIONS, 1),
        ("OfficeActivity | where Operation matches regex '^(added|Team)' | project UserId", "esql", OPERATIONS, 1),
        ("OfficeActivity | where Operation contains 'member' | project UserId", "esql", OPERATIONS, 2),
        # events in two source types, which the rule does not tell apart
        (f"{PALO_ALTO} and DeviceAction == 'reset-both' | project SourceIP", "splunk", SESSIONS, 1),
        (f"{PALO_ALTO} and DestinationPort == 22 | project SourceIP", "splunk", SESSIONS, 2),
        (f"{PALO_ALTO} and DestinationPort == 22 and Activity != 'TRAFFIC' | project SourceIP", "splunk", SESSIONS, 1),
        (f"{PALO_ALTO} and DestinationPort == 22 and Activity == 'TRAFFIC' | project SourceIP", "splunk", SESSIONS, 1),
        # addresses in their canonical spelling
        (f"{ADDRESS} == '2001:db8::1' | project UserPrincipalName", "esql", ADDRESSES, 1),
        (f"{ADDRESS} =~ '2001:DB8::1' | project UserPrincipalName", "eql", ADDRESSES, 1),
        (f"{ADDRESS} !startswith '10.' | project UserPrincipalName", "esql", ADDRESSES, 1),
        (f"{ADDRESS} startswith '2001:db8:' | project UserPrincipalName", "eql", ADDRESSES, 1),
        # two names that are one field, which another tells apart
        ("AWSCloudTrail | where UserIdentityUserName == 'bob' | project EventName", "esql", CALLS, 1),
        ("AWSCloudTrail | where SessionIssuerUserName == 'bob' | project EventName", "eql", CALLS, 1),
        ("AWSCloudTrail | where isempty(UserIdentityUserName) | project EventName", "eql", CALLS, 2),
        ("AWSCloudTrail | summarize n = count() by UserIdentityUserName, SessionIssuerUserName", "esql", CALLS, 3),
        # words in JSON of which the field has the text of a map
        ("AWSCloudTrail | where RequestParameters has 'public-read' | project UserIdentityArn", "esql", GRANTS, 1),
        ("AWSCloudTrail | where RequestParameters !has 'public-read' | project UserIdentityArn", "eql", GRANTS, 1),
    ],
)
def test_what_is_said_to_find_the_same_does(kql: str, target: str, rows: list[dict[str, Any]], count: int) -> None:
    output, ours, theirs = sides(kql, target, rows)
    assert output.verdict.value in SAME and (ours, theirs) == (count, count)


MEMBER = 'RequestParameters contains \'"acl":"public-read"\''
WITHIN = 'RequestParameters !has \'"acl":"private"\''


@pytest.mark.parametrize(
    ("kql", "target", "verdict", "rows", "counts"),
    [
        (f"AWSCloudTrail | where {MEMBER} | project UserIdentityArn", "esql", "broader", GRANTS, (1, 1)),
        (f"AWSCloudTrail | where {MEMBER} | project UserIdentityArn", "eql", "broader", GRANTS, (1, 1)),
        (f"AWSCloudTrail | where {WITHIN} | project UserIdentityArn", "esql", "narrower", GRANTS, (1, 1)),
        (
            f"AWSCloudTrail | where {MEMBER} | project UserIdentityArn",
            "esql",
            "broader",
            [{"RequestParameters": '{"reason":"was acl=public-read"}'}],
            (0, 1),
        ),
        (
            'AWSCloudTrail | where RequestParameters contains \'"acl":"a","b"\' | project UserIdentityArn',
            "esql",
            "differs",
            [{"RequestParameters": '{"acl":"a","b":"c"}'}],
            (1, 0),
        ),
        # addresses, which the product keeps in one spelling
        (f"{ADDRESS} == '2001:DB8:0:0::1' | project UserPrincipalName", "esql", "broader", [{"IPAddress": "2001:db8::1"}], (0, 1)),
        (f"{ADDRESS} != '2001:DB8:0:0::1' | project UserPrincipalName", "eql", "narrower", [{"IPAddress": "2001:db8::1"}], (1, 0)),
        (
            f"{ADDRESS} startswith '2603:1036:0302' | project UserPrincipalName",
            "esql",
            "differs",
            [{"IPAddress": "2603:1036:0302:4000::0001"}],
            (1, 0),
        ),
        (f"{ADDRESS} startswith '::ffff:10.' | project UserPrincipalName", "esql", "differs", [{"IPAddress": "::ffff:10.0.0.1"}], (1, 0)),
    ],
)
def test_where_the_form_tells_rows_apart_the_direction_is_said(
    kql: str, target: str, verdict: str, rows: list[dict[str, Any]], counts: tuple[int, int]
) -> None:
    output, ours, theirs = sides(kql, target, rows, "aws_cloudtrail")
    assert output.verdict.value == verdict and (ours, theirs) == counts


@pytest.mark.parametrize("target", ["esql", "eql"])
@pytest.mark.parametrize(
    "condition", ["tostring(parse_json(Parameters)[0].Name) == 'ForwardTo'", 'Parameters has \'"Name":"x"\'', "isnotempty(Parameters)"]
)
def test_an_array_that_the_product_keys_by_names_has_no_elements(condition: str, target: str) -> None:
    kql = f"OfficeActivity | where {condition} and UserId == 'x' | project UserId"
    output = translator.convert(rule(kql), (target,), Options(homes=("o365_audit",))).outputs[target]
    assert "Parameters" not in output.text and output.verdict.value == "broader"


@pytest.mark.parametrize(
    ("kql", "target", "code", "direction"),
    [
        ("AADSignInEventsBeta | summarize n = dcount(RiskDetails) by AccountUpn | where n > 3", "esql", "value-differs", "differs"),
        ("SecurityEvent | where EventID == 4768 | summarize n = count() by IpAddress | where n > 3", "esql", "value-differs", "differs"),
        (
            "SecurityEvent | where EventID == 4768 | summarize n = dcount(IpAddress) by Computer | where n > 3",
            "eql",
            "value-differs",
            "differs",
        ),
        (
            "CloudAppEvents | mv-expand p = RawEventData.Parameters | where tostring(p.Name) == 'a' and tostring(p.Value) !has 'b'",
            "splunk",
            "array-assumed",
            "exact",
        ),
        ("CloudAppEvents | mv-expand p = RawEventData.Parameters | where tostring(p.Name) == 'a'", "splunk", "array-assumed", "exact"),
        ("AADSignInEventsBeta | summarize n = count() by RiskDetails | where n > 3", "esql", "value-differs", "differs"),
        ("SecurityEvent | where EventID == 4625 | summarize n = count() by IpAddress | where n > 3", "eql", "empty-join-key", "narrower"),
        ("DeviceProcessEvents | where isnotempty(SHA1) | summarize n = count() by SHA1 | where n > 3", "sigma", "value-differs", "differs"),
        (f"DeviceProcessEvents | where MD5 == '{'AB' * 16}'", "sigma", "case-ignored", "broader"),
        ("_Im_FileEvent | where isempty(TargetFileSHA1)", "splunk", "value-differs", "differs"),
        # a field of the column's own name that has other values is none that a site brings
        ("DeviceLogonEvents | where LogonType startswith 'Remote'", "sigma", "value-differs", "differs"),
        ("OfficeActivity | where RecordType == 'Nothing of the list'", "sigma", "value-differs", "differs"),
        ("DeviceProcessEvents | where LogonId == 999", "sigma", "value-differs", "differs"),
        ("SecurityEvent | where EventID == 4688 and ProcessId == '0x1f4'", "sigma", "value-differs", "differs"),
        ("DeviceNetworkEvents | where Protocol == 'Tcp'", "eql", "values-merged", "broader"),
        ("DeviceNetworkEvents | where Protocol has 'tcp'", "sigma", "values-merged", "broader"),
    ],
)
def test_what_is_taken_of_a_value_is_said(kql: str, target: str, code: str, direction: str) -> None:
    output = translator.convert(rule(kql), (target,)).outputs[target]
    assert (code, direction) in {(d.code, d.direction.value) for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "said"),
    [
        ("SigninLogs | where IPAddress == '10.0.0.1' | project IPAddress", False),
        ("SigninLogs | summarize n = dcount(UserPrincipalName) by IPAddress | where n > 3", False),
        ("SigninLogs | where IPAddress == '2001:db8::1' | project IPAddress", True),
        ("SigninLogs | where IPAddress !startswith '10.' | project IPAddress", True),
        ("SigninLogs | where strcat(split(IPAddress, '.')[0], '!') has '10!' | project IPAddress", True),
        (
            "SigninLogs | join kind=inner (AuditLogs | extend IPAddress = tostring(InitiatedBy.user.ipAddress)) on IPAddress"
            " | project IPAddress",
            True,
        ),
    ],
)
def test_the_spelling_of_addresses_is_taken_for_granted_where_texts_are_compared(kql: str, said: bool) -> None:
    output = translator.convert(rule(kql), ("esql",)).outputs["esql"]
    assert ("address-spelling" in {d.code for d in output.diagnostics}) == said


PARAMETERS = [{"UserId": "a", "Parameters": f'[{{"Name":"ForwardTo","Value":"{to}"}},{{"Name":"x","Value":""}}]'} for to in ("b@c", "d")]
LINES = [
    {"csUriStem": "/", "csMethod": "GET", "csUserAgent": agent, "csUserName": user, "csUriQuery": query, "scStatus": status}
    for agent, user, query, status in (("a+b", "x\\\\u", "a%20b", "200"), ("a%20b", "x", "a%20b", "404"), ("a", "-", "a+b", "302"))
]
TARGETS = [{"Identity": "a", "TargetResources": [{"type": kind, "modifiedProperties": []}]} for kind in ("User", "user", "Group")]


@pytest.mark.parametrize(
    ("kql", "rows", "count"),
    [
        ("OfficeActivity | where tostring(parse_json(Parameters)[0].Value) == 'd' | project UserId", PARAMETERS, 1),
        ("OfficeActivity | where Parameters has 'b' | project UserId", PARAMETERS, 1),
        ("OfficeActivity | where ClientIP == '[::1]:443' | project UserId", [{"ClientIP": "[::1]:443"}, {"ClientIP": "::1"}], 1),
        ("OfficeActivity | where Operation =~ 'ADD USER.' | project UserId", [{"Operation": "Add user."}, {"Operation": "x"}], 1),
        ("AuditLogs | where TargetResources[0].type =~ 'user' and TargetResources has 'user' | project Identity", TARGETS, 2),
        (
            "SigninLogs | where Status has 'locked' | project Identity",
            [{"Status": {"failureReason": f"is {x}"}} for x in ("locked", "off")],
            1,
        ),
        ("W3CIISLog | where csUserAgent == 'a+b' and csUserName has 'x' | project csUriStem", LINES, 1),
        ("W3CIISLog | where csUriQuery contains '%20' and scStatus has_any (dynamic([200, 302])) | project csUriStem", LINES, 1),
        ('AWSCloudTrail | where RequestParameters contains \'"acl":"private"\' | project UserIdentityArn', GRANTS, 1),
    ],
)
def test_what_the_integration_changes_is_read_in_the_event_as_it_came(kql: str, rows: list[dict[str, Any]], count: int) -> None:
    output, ours, theirs = sides(kql, "esql", rows)
    assert output.verdict.value in SAME and (ours, theirs) == (count, count)
    if output.homes:
        assert "event.original" in output.text and output.readiness is Readiness.SET_UP
        assert any(d.code == "input-setting" for d in output.diagnostics)
        named = translator.convert(rule(kql), ("esql",), Options(homes=(output.homes[0].removesuffix("_original"),)))
        given = named.outputs["esql"]  # a home that is asked for is the one that is taken
        assert given.verdict.value not in SAME or given.readiness is Readiness.NAMES


def test_only_settings_that_are_needed_are_asked_for() -> None:
    parts = ("OfficeActivity | where Parameters has 'b'", "W3CIISLog | where csUserAgent has 'b'", "AWSCloudTrail | where EventName == 'b'")
    kql = f"union {', '.join(f'({part} | project Type, TimeGenerated)' for part in parts)}"
    output = translator.convert(rule(kql), ("esql",)).outputs["esql"]
    assert output.verdict.value in SAME and [h.rpartition(":")[2] for h in output.homes] == ["o365_audit_original", "iis_original"]


def test_a_value_that_the_query_lowers_itself_is_the_same_in_any_case() -> None:
    about = (EntityMapping("Host", "HostName", "server"),)
    for host, said in (("tolower(Computer)", False), ("strcat(Computer, '.')", True)):
        seen = rule(f"W3CIISLog | where csUriStem has '/owa/' | summarize by server = {host}", entities=about)
        assert ("value-differs" in {d.code for d in translator.convert(seen, ("esql",)).outputs["esql"].diagnostics}) == said


@pytest.mark.parametrize(
    "kql",
    [
        "DeviceProcessEvents | where FileName == 'a' | join kind=inner (SecurityEvent | where EventID == 4625)"
        " on $left.DeviceName == $right.Computer",
        "SecurityEvent | where EventID == 4625 | where Computer !in ((DeviceProcessEvents | where FileName == 'a' | distinct DeviceName))",
        "union (SecurityEvent | where EventID == 4688), (DeviceProcessEvents | project Computer = DeviceName)"
        " | summarize n = count() by Computer | where n > 1",
    ],
)
def test_keys_meet_in_the_case_that_the_product_has_one_of_them_in(kql: str) -> None:
    found = translator.convert(rule(f"{kql} | project Computer"), ("esql", "eql")).outputs
    assert all(f'TO_LOWER(COALESCE({name}, ""))' in found["esql"].text for name in ("host.name", "winlog.computer_name"))
    assert found["esql"].verdict.value == "same-alerts" and found["eql"].verdict.value in ("differs", "none")
    assert {(d.fact.column, d.fact.case) for d in found["esql"].diagnostics if isinstance(d.fact, CaseOfColumn)} == {
        ("DeviceName", "lower"),
        ("Computer", "lower"),
    }


@pytest.mark.parametrize("target", ["splunk", "esql", "eql", "sigma"])
@pytest.mark.parametrize("condition", ["UserPrincipalName in (dynamic(['a', 1, null]))", "IPAddress !in~ (dynamic(['1.2.3.4', null]))"])
def test_a_null_in_a_list_is_no_text(condition: str, target: str) -> None:
    output = translator.convert(rule(f"SigninLogs | where {condition} | project UserPrincipalName"), (target,)).outputs[target]
    assert "None" not in output.text and output.verdict.value in ("none", "broader")


@pytest.mark.parametrize("target", ["splunk", "esql", "eql"])
@pytest.mark.parametrize("text", ["a\\u0000b", "a\\u007f", "\\u0001"])
def test_control_characters_are_in_no_output(text: str, target: str) -> None:
    kql = f"SecurityEvent | where EventID == 4688 and CommandLine contains '{text}' and Process =~ 'a\\tb'"
    output = translator.convert(rule(kql), (target,)).outputs[target]
    assert output.verdict.value == "broader" and not [c for c in output.text if not c.isprintable() and c not in "\t\n"]
    assert "condition-dropped" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    ("condition", "spelled"),
    [
        pytest.param('CommandLine contains "2>&1"', 'CommandLine="*2&gt;&amp;1*"', id="escaped"),
        pytest.param('CommandLine !contains ">"', 'NOT CommandLine="*&gt;*"', id="negated"),
        pytest.param('NewProcessName endswith "R&D.exe"', 'NewProcessName="*R&amp;D.exe"', id="path"),
        pytest.param('CommandLine has "amp"', '"&amp;", "&")', id="name-of-an-entity"),
        pytest.param('CommandLine endswith ";"', '"&amp;", "&")', id="end-of-an-entity"),
        pytest.param("CommandLine matches regex '^.{3}>'", '"&amp;", "&")', id="pattern"),
        pytest.param("strlen(CommandLine) > 3", '"&amp;", "&")', id="length"),
        pytest.param('CommandLine has "powershell"', "match(CommandLine, ", id="word"),
        pytest.param("NewProcessName matches regex @'\\\\[a-z]{3}[.]exe$'", "match(NewProcessName, ", id="pattern-of-a-path"),
    ],
)
def test_values_of_windows_events_have_the_entities_of_xml_in_splunk(condition: str, spelled: str) -> None:
    made = rule(f"SecurityEvent | where EventID == 4688 and {condition} | project Computer")
    output = translator.convert(made, ("splunk",)).outputs["splunk"]
    assert spelled in output.text and output.verdict in (Verdict.EXACT, Verdict.SAME_ALERTS)
    assert translator.prove(made, "splunk").outcome is Outcome.PROVEN
    assert "&amp;" not in translator.convert(made, ("esql",)).outputs["esql"].text


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("parse EventData with * 'TaskName\">' TaskName '<' * | where TaskName startswith 'evil'", id="parse"),
        pytest.param("extend t = extract('<Data Name=\"TaskName\">([^<]+)</Data>', 1, EventData) | where t == 'x'", id="extract"),
        pytest.param("where EventData contains '<Data Name=\"TaskName\">evil'", id="contains"),
        pytest.param("where EventData has 'evil'", id="word"),
    ],
)
def test_names_in_the_data_of_windows_events_stand_in_single_quotes_in_splunk(asked: str) -> None:
    made = rule(f"SecurityEvent | where EventID == 4698 | {asked} | project Computer")
    output = translator.convert(made, ("splunk",)).outputs["splunk"]
    assert ("<Data Name='" in output.text) == ("Name" in asked) and output.verdict in (Verdict.EXACT, Verdict.SAME_ALERTS)
    assert translator.prove(made, "splunk").outcome is Outcome.PROVEN


def test_a_command_line_that_is_only_shown_is_said_to_have_entities() -> None:
    shown = "SecurityEvent | where EventID == 4688 | project Computer, CommandLine"
    output = translator.convert(rule(shown), ("splunk",)).outputs["splunk"]
    assert output.verdict is Verdict.SAME_ALERTS and "replace(" not in output.text
    counted = translator.convert(
        rule("SecurityEvent | where EventID == 4688 | summarize n = count() by CommandLine | where n > 3"), ("splunk",)
    )
    assert "replace(" in counted.outputs["splunk"].text


@pytest.mark.parametrize(
    ("kql", "said"),
    [
        ("SigninLogs | extend n = tolong(UserAgent) | where n > 5", {"TO_LONG of a base is a function of Elasticsearch 9.3 and later"}),
        ("SigninLogs | where substring(UserAgent, 2, 16) has 'Windows'", set()),
    ],
)
def test_a_query_says_which_younger_functions_it_calls(kql: str, said: set[str]) -> None:
    output = translator.convert(rule(f"{kql} | project UserPrincipalName"), ("esql",)).outputs["esql"]
    assert ", 16)" in output.text
    assert {d.message for d in output.diagnostics if d.code == "elastic-version"} == said


@pytest.mark.parametrize(("names", "found"), [(["", "b"], 1), (["b"], 1), ([None, "b"], 1), ([""], 0), ([], 0)])
def test_one_element_that_is_not_empty_is_enough(names: list[str | None], found: int) -> None:
    kql = "AuditLogs | mv-expand r = TargetResources | where isnotempty(r.displayName)"
    row = {"TimeGenerated": "2026-05-01T11:00:00Z", "TargetResources": [{"displayName": name} for name in names]}
    assert bool(translator.run(kql, {"AuditLogs": [row]}, now=NOW).rows) == bool(found)
    output = translator.convert(rule(kql), ("sigma",), Options(fields="source")).outputs["sigma"]
    event = {**row, "logsource": {"product": "azure", "service": "AuditLogs"}}
    assert output.verdict == Verdict.SAME_ALERTS and len(run_text("sigma", output.text, [event], NOW.timestamp())) == found
