"""Rows of source tables as the products have them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from translator.targets.base import Options
from translator.verify.shaping import Shape, Shaped, shaped
from translator.verify.shaping.making import FILLER

NOW = dt.datetime(2026, 5, 1, 12, 0)
FAMILIES = ("splunk", "elastic", "sigma")


def put(table: str, row: dict[str, Any], family: str, **more: Any) -> Shaped:
    return shaped({table: [{"TimeGenerated": NOW, **row}]}, family, **more)


def shape(table: str, row: dict[str, Any], family: str, **more: Any) -> Shape:
    (found,) = put(table, row, family, **more).shapes[table]
    return found


@pytest.mark.parametrize(
    ("table", "row", "family", "fields"),
    [
        # names, and what selects the events
        (
            "SigninLogs",
            {"ResultType": "50126"},
            "splunk",
            {"sourcetype": "azure:monitor:aad", "category": "SignInLogs", "resultType": "50126", "index": "main"},
        ),
        (
            "SigninLogs",
            {"ResultType": "50126"},
            "elastic",
            {
                "azure.signinlogs.result_type": "50126",
                "event.dataset": "azure.signinlogs",
                "azure.signinlogs.category": "SignInLogs",
                "data_stream.dataset": "azure.signinlogs",
                "data_stream.type": "logs",
            },
        ),
        ("SigninLogs", {"ResultType": "0"}, "sigma", {"logsource": {"product": "azure", "service": "signinlogs"}}),
        ("DeviceEvents", {"FileName": "a"}, "splunk", {"category": "AdvancedHunting-DeviceEvents", "properties.FileName": "a"}),
        ("StorageBlobLogs", {"OperationName": "GetBlob"}, "splunk", {"resourceId": "/blobServices/", "category": "StorageRead"}),
        ("DeviceEvents", {"ActionType": "ProcessCreatedUsingWmiQuery"}, "sigma", {"ParentImage": "\\WmiPrvSE.exe"}),
        # types of the product's fields
        ("SecurityEvent", {"EventID": 4625}, "splunk", {"EventCode": 4625}),
        ("AuditLogs", {"DurationMs": 5}, "elastic", {"event.duration": 5_000_000}),
        ("SecurityEvent", {"EventID": 4625}, "elastic", {"event.code": "4625"}),
        ("SecurityEvent", {"EventID": 4768, "IpAddress": "0:0::1"}, "elastic", {"source.ip": "::1"}),
        ("SecurityEvent", {"EventID": 4768, "IpAddress": ""}, "elastic", {"source.ip": None}),
        ("DeviceFileEvents", {"FileSize": "4096", "ActionType": "FileCreated"}, "elastic", {"file.size": 4096}),
        # what another column says of one that no row leaves empty
        ("SecurityEvent", {"EventID": 4688, "Process": "cmd.exe"}, "splunk", {"NewProcessName": r"C:\cmd.exe"}),
        ("AzureDiagnostics", {"ResourceType": "VAULTS"}, "splunk", {"resourceId": "x/x/x/x/x/x/x/VAULTS"}),
        # what is an object in the product, and its JSON in the table
        ("AWSCloudTrail", {"RequestParameters": '{"roleName": "r"}'}, "splunk", {"requestParameters.roleName": "r"}),
        # rows that no log source of the taxonomy has
        ("DeviceEvents", {"ActionType": "ScreenshotTaken"}, "sigma", {"logsource": {"product": "azure", "service": "deviceevents"}}),
        # moments
        ("SigninLogs", {}, "splunk", {"_time": 1777636800.0}),
        ("SigninLogs", {}, "elastic", {"@timestamp": "2026-05-01T12:00:00.000Z"}),
        ("Cisco_Umbrella", {"EventType": "proxylogs"}, "sigma", {"logsource": {"category": "proxy"}, "cs-method": FILLER}),
        ("SigninLogs", {}, "sigma", {"@timestamp": "2026-05-01T12:00:00.000Z"}),
        ("SigninLogs", {"CreatedDateTime": "2026-05-01T11:00:00Z"}, "splunk", {"properties.createdDateTime": "2026-05-01T11:00:00Z"}),
        # values that the product spells otherwise
        ("OfficeActivity", {"Operation": "MemberAdded"}, "elastic", {"event.action": "added-users-to-group"}),
        ("OfficeActivity", {"Operation": "Unheard-Of"}, "elastic", {"event.action": "Unheard-Of"}),
        ("OfficeActivity", {"UserType": "DcAdmin"}, "splunk", {"UserType": 3}),
        ("OfficeActivity", {"UserType": "DcAdmin"}, "elastic", {"o365.audit.UserType": "3"}),
        ("OfficeActivity", {"OrganizationId": "AB"}, "elastic", {"organization.id": "ab"}),
        # by the value of another column
        ("SecurityEvent", {"EventID": 4663, "ProcessName": "c"}, "elastic", {"winlog.event_data.ProcessName": "c"}),
        ("SecurityEvent", {"EventID": 4663, "ProcessName": "c"}, "elastic", {"process.executable": None}),
        ("SecurityEvent", {"EventID": 4689, "ProcessName": "c"}, "elastic", {"process.executable": "c"}),
        # nothing is no field; an empty text is one where events are JSON
        ("SecurityEvent", {"EventID": 4688, "CommandLine": ""}, "splunk", {"CommandLine": None}),
        ("SigninLogs", {"AppDisplayName": ""}, "splunk", {"properties.appDisplayName": ""}),
        ("SigninLogs", {"AppDisplayName": None}, "splunk", {"properties.appDisplayName": None}),
        # what columns are computed of
        (
            "SecurityEvent",
            {"EventID": 4624, "Account": "D\\bob"},
            "splunk",
            {"TargetDomainName": "D", "TargetUserName": "bob", "SubjectUserName": None},
        ),
        ("SecurityEvent", {"EventID": 4688, "Process": "cmd.exe"}, "splunk", {"NewProcessName": r"C:\cmd.exe"}),
        ("SecurityEvent", {"EventID": 4688, "SubjectDomainName": "D", "Account": "D\\bob"}, "splunk", {"SubjectUserName": "bob"}),
        ("AzureActivity", {"ResourceProviderValue": "A.B"}, "splunk", {"resourceId": "/providers/A.B"}),
        ("SecurityEvent", {"EventID": 4624, "AccountType": "Machine"}, "splunk", {"TargetUserName": "$"}),
        # the text that columns are read from
        ("CommonSecurityLog", {"DeviceVendor": "V", "DeviceProduct": "P", "Activity": "a"}, "splunk", {"_raw": "CEF:0|V|P|||a||"}),
        ("CommonSecurityLog", {"DeviceVendor": "V", "DeviceProduct": "P", "LogSeverity": "7"}, "splunk", {"_raw": "CEF:0|V|P||||7|"}),
        ("OracleDatabaseAuditEvent", {"DbAction": "COMMIT"}, "splunk", {"ACTION": "COMMIT "}),
        (
            "DeviceEvents",
            {"ActionType": "ExploitGuardNonMicrosoftSignedBlocked", "InitiatingProcessFileName": "svchost.exe", "FileName": "a.dll"},
            "sigma",
            {"EventID": 12, "ImageName": r"C:\a.dll", "ProcessPath": r"C:\svchost.exe"},
        ),
        ("CommonSecurityLog", {"DeviceVendor": "Cisco", "DeviceProduct": "ASA"}, "splunk", {"sourcetype": "cisco:asa"}),
        ("Syslog", {"Computer": "h", "ProcessName": "sshd", "SyslogMessage": "m: n"}, "splunk", {"_raw": "May  1 12:00:00 h sshd: m: n"}),
        (
            "afad_parser",
            {"MessageType": 1, "AlertID": "3", "Forest": "F", "Domain": "D", "ADObject": "o"},
            "splunk",
            {"_raw": 'May  1 12:00:00 localhost tenable.ad[4]: "1" "3" "F" "D" "o" "" ""', "ad_object": "o"},
        ),
        # a column without a value tells no home, even where "None" is one of the values that do
        ("Cloudflare", {"HttpStatusCode": "500"}, "elastic", {"event.dataset": "cloudflare_logpush.http_request"}),
        # values that stand in one field
        (
            "DeviceProcessEvents",
            {"MD5": "m", "SHA256": "s"},
            "sigma",
            {"Hashes": "MD5=m,SHA256=s", "logsource": {"category": "process_creation"}},
        ),
        # parts of objects, and arrays
        (
            "AuditLogs",
            {"TargetResources": [{"displayName": "x"}, {"displayName": "y"}]},
            "elastic",
            {
                "azure.auditlogs.properties.target_resources.0.display_name": "x",
                "azure.auditlogs.properties.target_resources.1.display_name": "y",
            },
        ),
        (
            "AuditLogs",
            {"TargetResources": [{"displayName": "x"}, {"displayName": "y"}]},
            "splunk",
            {"properties.targetResources{}.displayName": ["x", "y"]},
        ),
        ("AuditLogs", {"TargetResources": '[{"displayName": "x"}]'}, "splunk", {"properties.targetResources{}.displayName": "x"}),
        (
            "AuditLogs",
            {"AdditionalDetails": [{"key": "a"}, {"key": "b"}]},
            "elastic",
            {"azure.auditlogs.properties.additional_details.key": ["a", "b"]},
        ),
        ("SigninLogs", {"LocationDetails": {"city": "x"}}, "elastic", {"geo.city_name": "x"}),
        ("SecurityEvent", {"EventID": 4720, "UserWorkstations": "w"}, "elastic", {"winlog.event_data.UserWorkstations": "w"}),
        (
            "SecurityEvent",
            {"EventID": 4720, "EventData": "<EventData><Data Name='A'>x &amp; y</Data></EventData>"},
            "elastic",
            {"winlog.event_data.A": "x & y"},
        ),
        # tables without a home have their own names
        ("Custom_CL", {"a_s": "x"}, "splunk", {"sourcetype": "Custom_CL", "a_s": "x"}),
        ("Custom_CL", {"a_s": "x"}, "elastic", {"event.dataset": "Custom_CL", "a_s": "x"}),
        ("Custom_CL", {"a_s": "x"}, "sigma", {"logsource": {"product": "azure", "service": "custom_cl"}, "a_s": "x"}),
        ("SigninLogs", {"ResultType": "0"}, "source", {"ResultType": "0", "sourcetype": "SigninLogs", "event.dataset": "SigninLogs"}),
    ],
)  # fmt: skip
def test_fields_of_an_event(table: str, row: dict[str, Any], family: str, fields: dict[str, Any]) -> None:
    (event,) = shape(table, row, family).events
    assert {name: event.get(name) for name in fields} == fields


def test_an_event_of_a_log_is_one_of_all_logs_of_its_product_as_well() -> None:
    events = shape("Corelight", {"EventType": "conn"}, "sigma").events
    assert [e["logsource"] for e in events] == [{"product": "zeek", "service": "conn"}, {"product": "zeek"}]


def test_json_of_an_event_in_splunk() -> None:
    (event,) = shape("AuditLogs", {"TargetResources": [{"displayName": "x"}], "Result": "success"}, "splunk").events
    assert json.loads(str(event["_raw"])) == {"properties": {"result": "success", "targetResources": [{"displayName": "x"}]}}


@pytest.mark.parametrize(
    ("table", "row", "family", "added"),
    [
        ("SecurityEvent", {"EventID": 4688, "NewProcessName": "C:\\a\\b.exe", "Process": None}, "splunk", {"Process": "b.exe"}),
        (
            "SecurityEvent",
            {"EventID": 4624, "TargetDomainName": "D", "TargetUserName": "u", "Account": None},
            "splunk",
            {"Account": "D\\u"},
        ),
        ("SecurityEvent", {"EventID": 4624, "Account": None}, "splunk", {}),  # nothing is joined where there is nothing to join
        ("SecurityEvent", {"CommandLine": "x"}, "splunk", {"EventID": 4688}),  # no other event has one
        ("OfficeActivity", {"OfficeId": "i", "SourceRecordId": None}, "elastic", {"SourceRecordId": "i"}),  # one field holds both
        ("OfficeActivity", {"OfficeWorkload": None}, "elastic", {"OfficeWorkload": "Exchange"}),  # it tells the events of the table
        ("Cisco_Umbrella", {"EventType": None}, "elastic", {"EventType": "proxylogs"}),
    ],
)
def test_what_a_row_gets(table: str, row: dict[str, Any], family: str, added: dict[str, Any]) -> None:
    found = shape(table, row, family)
    assert found.events
    assert {name: found.row[name] for name in found.added} == added


@pytest.mark.parametrize(
    ("table", "row", "family", "column", "why"),
    [
        ("SecurityEvent", {"EventID": 4624, "IpAddress": "host"}, "elastic", "IpAddress", "no address"),
        ("SecurityEvent", {"EventID": 4625, "CommandLine": "x"}, "splunk", "CommandLine", "EventID 4688"),
        ("SecurityEvent", {"EventID": 4688, "NewProcessName": "C:\\b.exe", "Process": "a.exe"}, "splunk", "Process", "b.exe"),
        ("SecurityEvent", {"EventID": 4624, "Account": "D\\u", "TargetUserName": "v"}, "splunk", "Account", "v"),
        ("SecurityEvent", {"EventID": 4688, "Computer": ""}, "splunk", "Computer", "leaves it empty"),
        ("OfficeActivity", {"OfficeId": "i", "SourceRecordId": "j"}, "elastic", "SourceRecordId", "event.id"),
        ("OfficeActivity", {"UserType": "Nobody"}, "splunk", "UserType", "UserType"),
        ("OfficeActivity", {"UserType": "ADMIN"}, "splunk", "UserType", "no row"),
        ("OfficeActivity", {"Operation": "added-users-to-group"}, "elastic", "Operation", "another value"),
        ("OfficeActivity", {"OfficeWorkload": "Other"}, "splunk", "", "Workload"),
        ("AuditLogs", {"Result": "SUCCESS"}, "elastic", "Result", "case"),
        ("AuditLogs", {"InitiatedBy": {"app": {"ipAddress": "x"}}}, "elastic", "InitiatedBy", "every row has ''"),
        ("CommonSecurityLog", {"Activity": "a|b"}, "splunk", "Activity", "a|b"),
        (
            "GCP_IAM",
            {"PayloadMethodname": "google.iam.admin.v1.CreateRole", "PayloadAuthorizationinfo": '[{"granted": true}, {"granted": false}]'},
            "sigma",
            "PayloadAuthorizationinfo",
            "one element",
        ),
        ("AuditLogs", {"TargetResources": [{"groupType": "x"}]}, "elastic", "TargetResources", "own way"),
        ("CloudAppEvents", {"RawEventData": {"Parameters": '[{"Name":"a"}]'}}, "splunk", "RawEventData", "an array stands there"),
        ("CloudAppEvents", {"RawEventData": {"Parameters": {"Name": "a"}}}, "splunk", "RawEventData", "an array stands there"),
    ],
)
def test_rows_that_no_event_stands_for(table: str, row: dict[str, Any], family: str, column: str, why: str) -> None:
    found = put(table, row, family)
    (told,) = [u for u in found.unshaped if u.row == 0]
    assert (told.table, told.column) == (table, column)
    assert why in told.why
    assert found.events == []
    assert found.rows == {table: []}


@pytest.mark.parametrize(
    ("family", "field", "number", "said"),
    [("splunk", "EventCode", 4689, set()), ("elastic", "event.code", "4689", {"event.action", "event.type"}), ("sigma", "EventID", 4689, set())],
)  # fmt: skip
def test_a_row_with_what_another_kind_has_is_told_apart_by_its_kind_alone(family: str, field: str, number: object, said: set[str]) -> None:
    row = {"EventID": 4689, "CommandLine": "cmd /c", "Process": "cmd.exe"}
    found = shape("SecurityEvent", row, family, columns={"SecurityEvent": ["EventID", "CommandLine", "Process"]})
    (event,) = found.strange
    assert (event[field], found.row["EventID"], found.events) == (number, 4689, ())
    if family != "sigma":  # its taxonomy has process creations in a log source of their own
        (usual,) = shape("SecurityEvent", {**row, "EventID": 4688}, family).events
        assert {n for n in {*event, *usual} if event.get(n) != usual.get(n)} == {field, *said}


@pytest.mark.parametrize(
    ("table", "row", "family", "column"),
    [
        ("AuditLogs", {"ResultType": "0"}, "elastic", "ResultType"),
        ("AuditLogs", {"ResourceProvider": "x"}, "elastic", "ResourceProvider"),
        ("SigninLogs", {"Unheard": "x"}, "elastic", "Unheard"),
    ],
)
def test_columns_that_no_field_holds(table: str, row: dict[str, Any], family: str, column: str) -> None:
    found = put(table, row, family)
    assert [(u.column, u.row) for u in found.unshaped] == [(column, None)]
    assert len(found.events) == 1


def test_a_column_without_a_field_of_which_a_row_says_nothing_is_no_reason_to_leave_the_row_out() -> None:
    columns = {"SecurityEvent": ["EventID", "CommandLine", "NewProcessId"]}
    row = {"EventID": 4688, "CommandLine": "x"}
    found = shape("SecurityEvent", row, "sigma", columns=columns)
    assert found.row["NewProcessId"] == FILLER and found.events
    assert not shape("SecurityEvent", {**row, "NewProcessId": "0x1"}, "sigma", columns=columns).events


def test_only_columns_that_matter_are_told() -> None:
    row = {"EventID": 4624, "IpAddress": "host", "TargetUserName": "u"}
    found = shape("SecurityEvent", row, "elastic", columns={"SecurityEvent": ["TargetUserName", "TargetAccount"]})
    (event,) = found.events
    assert (event.get("source.ip"), event["winlog.event_data.TargetUserName"]) == (None, "u")
    assert found.row["TargetAccount"] == "\\u"


def test_an_event_of_two_log_sources() -> None:
    sources = [e["logsource"] for e in shape("SecurityEvent", {"EventID": 4688, "CommandLine": "x"}, "sigma").events]
    assert sources == [{"product": "windows", "category": "process_creation"}, {"product": "windows", "service": "security"}]


def test_a_home_that_is_asked_for() -> None:
    (event,) = shape("SigninLogs", {"ResultType": "0"}, "splunk", options=Options(homes=("cim_authentication",))).events
    assert event["datamodel"] == "Authentication.Authentication"
    assert event["sourcetype"] == "azure:monitor:aad"


def test_data_models_have_their_names_with_the_data_set_as_well() -> None:
    (event,) = shape("_Im_ProcessCreate", {"TargetProcessName": "a", "TargetProcessMD5": "m", "TargetProcessSHA1": "s"}, "splunk").events
    assert event["process_path"] == event["Processes.process_path"] == "a"
    assert event["process_hash"] == "m,s"


def test_types_of_elastic_are_those_of_its_mappings() -> None:
    found = put("SigninLogs", {"ResultType": "0"}, "elastic", carried=("id",))
    assert (found.types["source.ip"], found.types["azure.signinlogs.result_type"], found.types["@timestamp"]) == ("ip", "keyword", "date")


def test_fields_of_a_home_are_mapped_whether_events_have_them_or_not() -> None:
    assert put("AuditLogs", {"Category": "x"}, "elastic").types["azure.auditlogs.properties.target_resources.{n}.display_name"] == "keyword"


def test_a_text_that_columns_are_read_from_has_them() -> None:
    own = Options(homes=("oracle_database_audit_original",))
    (event,) = put("OracleDatabaseAuditEvent", {"Action": "admin' --"}, "elastic", options=own).events
    assert event["event.original"] == "ACTION:[1] 'admin' --' DATABASE USER"


def test_lists_have_the_values_that_are_looked_up() -> None:
    assert shaped({}, "splunk", lists={"seen": ["a", "b"]}).lists == {"seen": [{"value": "a"}, {"value": "b"}]}


def test_what_rows_are_known_by_is_carried() -> None:
    for family in FAMILIES:
        (event,) = shape("SecurityEvent", {"EventID": 1, "id": 7}, family, carried=("id",)).events
        assert event["id"] == 7


def test_places_inside_of_a_column_without_a_home_keep_their_way() -> None:
    row = {"ActivityInsights": {"FirstTimeUserUsedApp": True}, "Members": [{"UPN": "a"}, {"UPN": "b"}]}
    (event,) = shaped({"NoSuchTable_CL": [row]}, "sigma").events
    assert event["ActivityInsights.FirstTimeUserUsedApp"] is True and event["Members.UPN"] == ["a", "b"]


def test_a_column_without_a_field_may_have_its_own_name() -> None:
    row = {"Status": "open"}
    (without,) = shape("PaloAltoPrismaCloud", row, "splunk").events
    (given,) = shape("PaloAltoPrismaCloud", row, "splunk", own={"PaloAltoPrismaCloud": {"Status"}}).events
    assert "Status" not in without and given["Status"] == "open"


def test_what_a_formula_gives_in_another_case_is_told() -> None:
    (lost,) = put("Event", {"EventLog": "Application", "EventLevelName": "error"}, "sigma").unshaped
    assert (lost.column, lost.instead) == ("EventLevelName", "Error")


def test_a_line_of_iis_has_what_tells_its_places_apart() -> None:
    row = {"csUriStem": ".as", "cIP": "203.0.113.7", "csUserAgent": "Mozilla"}
    found = shape("W3CIISLog", row, "elastic", options=Options(homes=("iis_original",)))
    assert {c: found.row[c] for c in row} == row
    assert found.events[0]["event.original"] == "2026-05-01 12:00:00 - - 192.0.2.2 GET .as - 443 - 203.0.113.7 HTTP/1.1 Mozilla" + " -" * 9


def test_what_a_text_asks_of_a_site_by_the_name_of_a_column_is_there_though_a_formula_has_it_too() -> None:
    row = {"csUriStem": "/a", "cIP": "203.0.113.7", "csUserAgent": "U", "csUriQuery": "q"}
    found = put("W3CIISLog", row, "elastic", options=Options(homes=("iis_original",)), own={"W3CIISLog": ["csUriQuery"]})
    assert found.events[0]["csUriQuery"] == "q"
    scores = {"FilterModulesSpamScoresClassifiers": '{"suspect":81}'}
    found = put("ProofpointPOD", scores, "sigma", own={"ProofpointPOD": ["FilterModulesSpamScoresClassifiers.suspect"]})
    assert found.events[0]["FilterModulesSpamScoresClassifiers.suspect"] == 81
