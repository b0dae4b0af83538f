"""Where the logs are: what a detection becomes over the fields of a product, and whether it is ready to run there."""

from __future__ import annotations

import json
import re

import pytest
import yaml

import translator
from tests.conformance.homes import cases
from tests.rules import rule
from translator import catalog
from translator.catalog.site import Site, SiteTable
from translator.fidelity import Place, Verdict
from translator.kql.parser import parse
from translator.pipeline import Conversion
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.normalized import parser_of
from translator.regex.automata import is_too_complex
from translator.rulepack.model import EntityMapping
from translator.targets.base import Options, Output, Readiness
from translator.targets.choice import homes_of, lacks_required, only_value
from translator.verify.proof import Outcome, prove


def converted(kql: str, target: str, options: Options | None = None) -> Output:
    conversion: Conversion = translator.convert(rule(kql), (target,), options)
    return conversion.outputs[target]


@pytest.mark.parametrize(
    ("kql", "target", "parts"),
    [
        # literals by the type of the field
        ("SigninLogs | where ResultType == 0", "esql", ['azure.signinlogs.result_type == "0"']),
        ("SigninLogs | where ResultType in (0, 50126)", "eql", ['azure.signinlogs.result_type in ("0", "50126")']),
        ("SecurityEvent | where EventID == 4625", "esql", ['event.code == "4625"']),
        ("SecurityEvent | where EventID == 4624 and TargetUserSid == 'S-1-5-18'", "splunk", [r'"S-1-5-18", "NT AUTHORITY\\SYSTEM"']),
        ("SecurityEvent | where EventID > 4700", "esql", ["TO_LONG(event.code) > 4700"]),
        ("Event | where EventLog == 'Application' and EventLevelName =~ 'error'", "esql", ['log.level == "error"']),
        ("_Im_Dns | where _ASIM_LookupDnsQueryType(DnsQueryType) == 'TXT'", "esql", ['dns.question.type == "TXT"']),
        ("_Im_Dns_CorelightZeek | where SrcIpAddr == '10.0.0.1'", "esql", ['event.dataset == "zeek.dns"']),
        # the servers of Microsoft answer an address that the client asked from
        (
            "_Im_Dns_MicrosoftOMS | where SrcIpAddr == '10.0.0.1' and DnsResponseCodeName == 'NXDOMAIN'",
            "esql",
            ["FROM logs-microsoft_dnsserver.analytical-*", "destination.ip", '"NXDomain"'],
        ),
        (
            "_Im_Dns | where DnsQuery == 'x' and SrcIpAddr == '10.0.0.1'",
            "esql",
            ["logs-zeek.dns-*", "logs-microsoft_dnsserver.analytical-*"],
        ),
        ("_Im_Dns | where DnsQueryType in (251, 252) and DnsResponseCode == 3", "eql", ['("IXFR", "AXFR")', '"NXDOMAIN"']),
        ("WindowsEvent | where EventLevelName == 'Critical'", "eql", ['log.level == "critical"']),
        ("SigninLogs | where isnotempty(IPAddress) and ResultType == '0'", "esql", ["source.ip IS NOT NULL"]),
        (
            "SigninLogs | where IPAddress startswith '10.' and ResultType == '0'",
            "esql",
            ['STARTS_WITH(TO_LOWER(TO_STRING(source.ip)), "10.")'],
        ),
        ("SigninLogs | where IPAddress startswith '10.' and ResultType == '0'", "eql", ['startsWith~(string(source.ip), "10.")']),
        ("SigninLogs | where IPAddress == '1.1.1.1' or IPAddress == '1.1.1.2'", "eql", ['source.ip in ("1.1.1.1", "1.1.1.2")']),
        ("SigninLogs | where IPAddress =~ '::1' and ResultType == '0'", "esql", ['source.ip == "::1"']),
        ("SigninLogs | where tostring(DeviceDetail.isCompliant) == 'true'", "esql", ["device_detail.is_compliant == true"]),
        # texts of JSON in a record that is JSON
        (
            "DeviceInfo | where tostring(parse_json(LoggedOnUsers)[0].UserName) == 'x'",
            "splunk",
            ['json_extract(json_extract(_raw, "properties.LoggedOnUsers"), "{0}.UserName")=="x"'],
        ),
        ("DeviceNetworkInfo | mv-expand a = IPAddresses | where tostring(a.x) == 'y'", "splunk", ["json_array_to_mv(IPAddresses)"]),
        (
            "EmailEvents | where parse_json(AuthenticationDetails).SPF == 'fail'",
            "splunk",
            ['json_extract(\'properties.AuthenticationDetails\', "SPF")=="fail"'],
        ),
        (
            "EmailEvents | where parse_json(AuthenticationDetails).SPF == 'fail'",
            "esql",
            ['JSON_EXTRACT(m365_defender.event.authentication_details, "SPF") == "fail"'],
        ),
        ("AzureActivity | where Level in ('Error', 'Informational')", "eql", ['log.level in ("Error", "Informational", "Information")']),
        # patterns of which Lucene makes no automaton
        ("SecurityEvent | where EventID == 4688 and CommandLine matches regex 'a.{30}b'", "esql", ['"a[^\\\\n]{30}b", "") != process']),
        # which events: the data set holds other kinds as well
        ("SigninLogs | where ResultType == '0'", "esql", ['azure.signinlogs.category == "SignInLogs"']),
        (
            "AADNonInteractiveUserSignInLogs | where ResultType == '0'",
            "eql",
            ['azure.signinlogs.category == "NonInteractiveUserSignInLogs"'],
        ),
        ("AuditLogs | where OperationName == 'a'", "splunk", ['index=* sourcetype="azure:monitor:aad" category="AuditLogs"']),
        ("DeviceEvents | where FileName == 'a'", "splunk", ['category="AdvancedHunting-DeviceEvents"', "properties.FileName"]),
        # what tells the events: what one vendor has alone, and what some events alone have
        ("CommonSecurityLog | where DeviceEventClassID in ('733101', '733102')", "splunk", ['sourcetype="cisco:asa" message_id']),
        ("CommonSecurityLog | where DeviceProduct == 'illusive' and Activity has 'x'", "esql", ["FROM logs-cef.log-*"]),
        ("SecurityEvent | where CommandLine has_any ('a', 'b') and Process == 'x'", "splunk", ["NewProcessName"]),
        ("EmailEvents | where LatestDeliveryLocation == 'Inbox'", "splunk", ['category="AdvancedHunting-EmailEvents"']),
        # Defender's records of Zeek have plain values, and are log sources of their own in Sigma, as blocked connections are
        (
            "DeviceNetworkEvents | where ActionType == 'HttpConnectionInspected' and AdditionalFields.user_agent == 'x'",
            "esql",
            ['FIELD_EXTRACT(m365_defender.event.additional_fields, "user_agent") == "x"'],
        ),
        (
            "DeviceNetworkEvents | where ActionType == 'HttpConnectionInspected' and AdditionalFields.user_agent == 'x'",
            "sigma",
            ["product: zeek", "service: http", "user_agent|cased: x"],
        ),
        (
            "DeviceEvents | where ActionType == 'FirewallOutboundConnectionBlocked' and RemotePort == 443",
            "sigma",
            ["EventID: 5157", "Direction: '%%14593'", "DestPort: 443"],
        ),
        # Corelight's events are Zeek's, of one log where the rule says so, else of all
        (
            "Corelight | where EventType =~ 'conn' and ZeekConnLocalSrc == 'True' and DstPort == '445'",
            "sigma",
            ["product: zeek", "service: conn", "local_orig: 'true'", "id.resp_p: '445'"],
        ),
        ("Corelight | where Subject == '[x]'", "sigma", ["product: zeek\ndetection:", "subject|cased: '[x]'"]),
        ("Corelight | where EventType == 'sip' and DstPort == '5060'", "sigma", ["_path|cased: sip", "id.resp_p: '5060'"]),
        ("Corelight_v2_dns_CL | where qtype_d == 16 and rejected_b == true", "sigma", ["service: dns", "qtype: 16", "rejected: true"]),
        ("SophosXGFirewall | where Log_Type =~ 'Firewall' and Dst_Port == '22'", "sigma", ["category: firewall", "dst_port: '22'"]),
        ("GitHubAudit | where OperationType == 'MODIFY'", "splunk", ['sourcetype="github:cloud:audit"', 'operation_type="modify"']),
        ("GitHubAudit | where isnotempty(BlockedUser)", "esql", ["github.blocked_user"]),
        ("AzureDiagnostics | where Caller_s == 'x'", "splunk", ['sourcetype="azure:monitor:resource"', 'Caller="x"']),
        ("DeviceEvents | where ActionType == 'ScheduledTaskDeleted' and AdditionalFields.TaskName has 'x'", "sigma", ["EventID: 4699"]),
        # names that the ingest pipeline leaves
        ("SecurityEvent | where NewProcessName endswith 'a.exe'", "esql", ["process.executable"]),
        ("SecurityEvent | where CommandLine contains 'x'", "esql", ["process.command_line"]),
        ("SecurityEvent | where EventID == 4663 and ProcessName contains 'x'", "eql", ["winlog.event_data.ProcessName"]),
        ("SecurityEvent | where EventID == 4689 and ProcessName contains 'x'", "eql", ["process.executable"]),
        ("SecurityEvent | where EventID == 4663 and Process =~ 'a.exe'", "eql", [r'endsWith~(winlog.event_data.ProcessName, "\\a.exe")']),
        # places inside values
        (
            "AuditLogs | where tostring(TargetResources[0].displayName) == 'x'",
            "esql",
            ["azure.auditlogs.properties.target_resources.0.display_name"],
        ),
        (
            "AuditLogs | where tostring(TargetResources[0].displayName) == 'x'",
            "splunk",
            ['json_extract(_raw, "properties.targetResources{0}.displayName")'],
        ),
        ("SigninLogs | where tostring(LocationDetails.city) == 'x'", "esql", ["geo.city_name"]),
        # a parser of events that another table has
        (
            "PingFederateEvent | where EventType == 'PWD_RESET'",
            "esql",
            ["FROM logs-cef.log-*", '"*pingfederate*"', 'cef.name == "PWD_RESET"'],
        ),
        # by the value of another column
        (
            "AWSCloudTrail | where EventName == 'ConsoleLogin' and tostring(parse_json(ResponseElements).ConsoleLogin) == 'Failure'",
            "esql",
            ['event.outcome == "failure"'],
        ),
        (
            "AWSCloudTrail | where EventName =~ 'ConsoleLogin' and tostring(parse_json(AdditionalEventData).MFAUsed) == 'No'",
            "eql",
            ["console_login.additional_eventdata.mfa_used == false"],
        ),
        # what Azure computes
        (
            "SecurityEvent | where Process =~ 'cmd.exe' and EventID == 4688",
            "sigma",
            ["category: process_creation", "Image|endswith: \\cmd.exe"],
        ),
        ("SecurityEvent | where TargetAccount =~ 'D\\\\u' and EventID == 4624", "sigma", ["TargetDomainName: D", "TargetUserName: u"]),
        (
            "SecurityEvent | where EventID == 4625 | summarize count() by Account | where count_ > 5",
            "splunk",
            ['eval Account=(coalesce(TargetDomainName, "") . "\\\\" . coalesce(TargetUserName, ""))'],
        ),
        (
            "SecurityEvent | where EventID == 4726 | summarize count() by Account | where count_ > 5",
            "sigma",
            ["- SubjectDomainName", "- SubjectUserName"],
        ),
        # other values, other categories
        ("DeviceFileEvents | where ActionType == 'FileCreated' and FileName == 'a'", "esql", ['event.action == "creation"']),
        ("DeviceFileEvents | where ActionType == 'FileDeleted' and FileName == 'a'", "sigma", ["category: file_delete"]),
        (
            "DeviceFileEvents | where ActionType in ('FileDeleted', 'FileCreated') and FileName == 'a'",
            "sigma",
            ["category: file_delete", "category: file_event"],
        ),
        (
            "DeviceRegistryEvents | where ActionType == 'RegistryValueSet' and RegistryKey startswith @'HKEY_LOCAL_MACHINE\\Software'",
            "sigma",
            ["category: registry_set", "TargetObject|startswith: HKLM\\Software"],
        ),
        ("DeviceProcessEvents | where SHA256 startswith 'aa'", "sigma", ["Hashes|contains: SHA256=aa"]),
        ("DeviceProcessEvents | where SHA256 =~ 'aa'", "sigma", ["Hashes|contains: SHA256=aa,", "Hashes|endswith: SHA256=aa"]),
        # one hash may be missing where others are there
        ("DeviceProcessEvents | where isnotempty(SHA256)", "sigma", ["Hashes|contains: SHA256="]),
        ("DeviceProcessEvents | where isempty(MD5)", "sigma", ["Hashes|contains: MD5=", "not filter_1"]),
        (f"DeviceProcessEvents | where SHA256 has_any ('{'0a' * 32}')", "sigma", [f"Hashes|contains: SHA256={'0a' * 32}"]),
        ("OfficeActivity | where Operation =~ 'New-InboxRule'", "esql", ['TO_LOWER(event.action) == "new-inboxrule"']),
        ("OfficeActivity | where Operation == 'MemberAdded'", "esql", ['event.action == "added-users-to-group"']),
        ("SigninLogs | where Type == 'SigninLogs' and ResultType == '0'", "esql", ["result_type"]),
        # places of one column that are fields of their own are not one
        (
            "AuditLogs | where tostring(InitiatedBy.user.userPrincipalName) has 'a' or tostring(InitiatedBy.app.displayName) has 'a'",
            "esql",
            ["initiated_by.user.userPrincipalName", "initiated_by.app.displayName"],
        ),
        (
            "SigninLogs | where tostring(LocationDetails.city) == 'P' or tostring(LocationDetails.state) == 'P'",
            "eql",
            ["geo.city_name", "geo.country_name"],
        ),
        # values that the product has no field for
        ("W3CIISLog | where csUserName != '-' and sPort == '1'", "esql", ['NOT user.name == "-" AND user.name != ""']),
        (
            "W3CIISLog | where csUriQuery == '-' and sPort == '1'",
            "splunk",
            ['where cs_uri_query=="-" OR (isnull(cs_uri_query) OR cs_uri_query=="")'],
        ),
        ("SecurityEvent | where EventID == 4625 and IpAddress == '-'", "esql", ["source.ip IS NULL"]),
        # the message of a CEF record, not the name of its header, which stands in for one that is missing
        ("CommonSecurityLog | where DeviceVendor == 'Acme' and isempty(Message)", "eql", ["(cef.extensions.message == null or"]),
        ("PingFederateEvent | where EventMessage has 'denied'", "esql", ["TO_LOWER(cef.extensions.message)"]),
        (
            "CommonSecurityLog | where DeviceVendor == 'Acme' and SourceMACAddress =~ '00:0D:60:AF:1B:61'",
            "esql",
            ['TO_LOWER(cef.extensions.sourceMacAddress) == "00:0d:60:af:1b:61"'],
        ),
        # the sender's address of either version
        ("EmailEvents | where isempty(SenderIPv4)", "eql", ['(stringContains~(string(source.ip), ":") or (']),
        ("EmailEvents | where SenderIPv6 startswith '2001:db8:'", "esql", ['TO_LOWER(TO_STRING(source.ip)) LIKE "*:*"']),
        # the remote end of an inspected connection, by its direction
        ("DeviceNetworkEvents | where RemoteIP == '203.0.113.7'", "eql", ['network_direction == "In" and source.ip == "203.0.113.7"']),
        (
            "DeviceNetworkEvents | where ActionType == 'ConnectionSuccess' and RemoteIP == '203.0.113.7'",
            "eql",
            ['and destination.ip == "203.'],
        ),
        # fields of several values
        (
            "SecurityEvent | where EventID == 4672 and PrivilegeList has 'SeDebugPrivilege'",
            "esql",
            ['CONCAT(TO_LOWER(MV_CONCAT(winlog.event_data.PrivilegeList, "\\n")), "") RLIKE'],
        ),
        # which home of several: the one that the rule tells, else all that can have such events
        ("Corelight | where EventType =~ 'conn' and DstPort == 445", "splunk", ['sourcetype="corelight_conn"']),
        ("Cisco_Umbrella | where EventType == 'proxylogs' and DvcAction == 'x'", "splunk", ['sourcetype="cisco:umbrella:proxy"']),
        ("Syslog | where SyslogMessage startswith 'x'", "splunk", ['sourcetype="nix:syslog"', "replace("]),
        ("Syslog | where ProcessName startswith 'x'", "esql", ['event.dataset == "system.syslog"', 'event.dataset == "system.auth"']),
        # places with several source types, behind the base search as well
        (
            "CommonSecurityLog | where DeviceVendor in ('Fortinet', 'Check Point') and DeviceAction != 'accept'",
            "splunk",
            ['in(sourcetype, "fortigate_traffic", "fortigate_utm")'],
        ),
        # Splunk has fields of values, none of the objects around them
        (
            "AuditLogs | where isnotempty(InitiatedBy.app) and OperationName == 'x'",
            "splunk",
            ['where json_extract(_raw, "properties.initiatedBy.app")!="" AND operationName=="x"'],
        ),
        ("DnsEvents | where ResultCode == 3 and Name has 'x'", "splunk", ['direction="Snd"', 'message_type="Response"']),
        ("SecurityEvent | where EventID == 4624 | where isempty(TargetAccount)", "splunk", ['TargetUserName=="")']),
        (
            "GCP_IAM | where PayloadMethodname =~ 'google.iam.admin.v1.ListRoles'",
            "splunk",
            ['(sourcetype="google:gcp:pubsub:audit:admin_activity" OR sourcetype="google:gcp:pubsub:audit:data_access")'],
        ),
        # all events of a category
        ("AppServiceHTTPLogs", "sigma", ["category: webserver", "cs-method|exists: true"]),
        # what ES|QL reads in fields that hold objects
        (
            "AWSCloudTrail | where EventName == 'x' and tostring(parse_json(RequestParameters).policyArn) == 'y'",
            "esql",
            ['FIELD_EXTRACT(aws.cloudtrail.flattened.request_parameters, "policyArn") == "y"'],
        ),
        (
            "StorageBlobLogs | where toint(StatusCode) > 1 and UserAgentHeader has 'x'",
            "esql",
            ['CONCAT(TO_LOWER(FIELD_EXTRACT(azure.platformlogs.properties, "userAgentHeader")), "") RLIKE'],
        ),
        (
            "GCP_IAM | where parse_json(PayloadAuthorizationinfo)[0].granted == true",
            "esql",
            ["METADATA _id, _index, _version, _source", 'JSON_EXTRACT(_source, "gcp.audit.authorization_info[0].granted") == "true"'],
        ),
        # names that the log of the product writes in its own way
        (
            "DnsEvents | where Name endswith '.onion'",
            "splunk",
            [
                'direction="Rcv"',
                'message_type="Query"',
                r'replace(replace(coalesce(query, ""), "\\([0-9]+\\)", "."), "^\\.+|\\.+$(?!\\n)", "")',
            ],
        ),
        # normalized tables
        ("_Im_ProcessCreate | where CommandLine has 'x'", "splunk", ["from datamodel=Endpoint.Processes", "Processes.process"]),
        ("_Im_ProcessCreate | where CommandLine has 'x'", "sigma", ["category: process_creation"]),
        ("_Im_Dns(domain_has_any=dynamic(['a.b'])) | where SrcIpAddr == '1.1.1.1'", "eql", ["dns.question.name", "source.ip"]),
    ],
)
def test_outputs_name_what_the_product_has(kql: str, target: str, parts: list[str]) -> None:
    output = converted(kql, target)
    assert all(part in output.text for part in parts), output.text
    assert output.readiness == Readiness.READY, output.deployment


def test_a_connection_of_any_kind_is_sought_where_all_connections_are() -> None:
    """What Zeek tells of a connection is told beside it, and is asked for only where the rule asks for it."""
    output = converted("DeviceNetworkEvents | where InitiatingProcessCommandLine has 'x' and InitiatingProcessFileName != 'a'", "sigma")
    assert "zeek" not in output.text
    assert (output.verdict.value, output.readiness) == ("exact", Readiness.READY)


@pytest.mark.parametrize("condition", ["_Im_FileEvent | where TargetFileMD5 == 'ab'", "DeviceFileEvents | where MD5 == 'ab'"])
def test_hashes_of_files_that_are_written_need_a_sensor_that_has_them(condition: str) -> None:
    """SigmaHQ's rule of Forest Blizzard has them in file_event for who collects them, as Sysmon does not."""
    output = converted(condition, "sigma")
    assert "category: file_event" in output.text and "Hashes|contains: MD5=ab" in output.text
    assert output.readiness == Readiness.SET_UP


def test_a_hash_that_an_alert_is_about_is_read_among_others() -> None:
    kql = "DeviceProcessEvents | where FileName =~ 'adfind.exe'"
    output = translator.convert(rule(kql, entities=(EntityMapping("FileHash", "Value", "SHA256"),)), ("sigma",)).outputs["sigma"]
    assert output.verdict.value == "same-alerts"
    assert "columns-differ" in {d.code for d in output.diagnostics}


def test_a_list_of_which_lucene_makes_no_automaton_is_asked_for_in_parts() -> None:
    words = [f"{n * 7919 % 104729:x}-{n}" for n in range(1200)]
    kql = f"SecurityEvent | where EventID == 4688 and CommandLine has_any (dynamic({json.dumps(words)})) and CommandLine !has '0-0'"
    output = converted(kql, "esql")
    patterns = re.findall(r'RLIKE "((?:[^"\\]|\\.)*)"', output.text)
    assert 2 < len(patterns) < 9 and output.verdict == Verdict.EXACT and sum(p.count("|") for p in patterns) > 1100
    assert not any(is_too_complex(p.replace("\\\\", "\\")) for p in patterns)


def test_a_list_of_names_is_looked_for_at_the_end_of_paths() -> None:
    output = converted("SecurityEvent | where EventID == 4688 | where Process in (_GetWatchlist('Tools') | project SearchKey)", "sigma")
    assert "Image|cased|expand: '%tools%'" in output.text and "Image|endswith|cased|expand: \\%tools%" in output.text
    assert output.readiness == Readiness.SET_UP and "list-names" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "target", "absent"),
    [
        ("SigninLogs | where IPAddress != '-' and ResultType == '0'", "esql", '"-"'),
        ("SigninLogs | where IPAddress != '' and ResultType == '0'", "eql", '""'),
        ("SigninLogs | where ResultType == '0' | take 10", "eql", "TimeGenerated"),
        ("SigninLogs", "sigma", "TimeGenerated"),
        ("SigninLogs", "eql", "TimeGenerated"),
        ("SigninLogs | where Type == 'SigninLogs' and ResultType == '0'", "splunk", "Type=="),
        ("SecurityEvent | where EventID == 4688 and NewProcessName contains 'x'", "eql", "event_data.NewProcessName"),
    ],
)
def test_outputs_do_not_ask_what_can_never_be(kql: str, target: str, absent: str) -> None:
    output = converted(kql, target)
    assert output.texts and absent not in output.text.replace("azure.signinlogs.result_type", "")


@pytest.mark.parametrize(
    "made", ["_Im_Dns", "imDns()", "_Im_ProcessCreate", "_Im_ProcessEvent", "imFileEvent", "_Im_RegistryEvent", "_Im_NetworkSession"]
)
def test_parsers_read_the_data_sets_of_their_sources(made: str) -> None:
    kql = f"{made} | where DvcHostname == 'a'"
    sysmon, zeek = "windows.sysmon_operational", "zeek.dns"
    told = {target: converted(kql, target) for target in ("esql", "eql")}
    assert all(o.readiness == Readiness.READY and f'"{sysmon}"' in o.text and "FROM logs-* " not in o.text for o in told.values())
    assert f"logs-{sysmon}-*" in told["esql"].text and (zeek in told["esql"].text) == ("Dns" in made)
    every = converted(kql, "esql", Options(homes=tuple(h.name for h in every_home(made) if h.optional and h.place == {"index": "logs-*"})))
    assert every.text.startswith("FROM logs-* ") and sysmon not in every.text


def every_home(name: str) -> tuple[catalog.Home, ...]:
    parser = parser_of(name.removesuffix("()"))
    known = catalog.table(parser.table) if parser is not None else None
    return known.homes["elastic"] if known is not None else ()


@pytest.mark.parametrize(
    "condition",
    ["ActionType in ('PnpDeviceBlocked', 'PnpDeviceAllowed')", "ActionType == 'PnpDeviceBlocked' or ActionType == 'PnpDeviceAllowed'"],
)
def test_values_of_one_column_are_told_however_they_are_listed(condition: str) -> None:
    output = converted(f"DeviceEvents | where {condition} | where DeviceName == 'a'", "sigma")
    assert output.verdict == Verdict.EXACT and "EventID: 6423" in output.text and "EventID: 6424" in output.text


def test_an_alternative_that_asks_for_more_pins_nothing() -> None:
    kql = "DeviceEvents | where (ActionType == 'PnpDeviceBlocked' and DeviceName == 'a') or ActionType == 'PnpDeviceAllowed'"
    assert "Computer" in converted(kql, "sigma").text


def test_what_only_informs_is_left_out_where_the_product_lacks_it() -> None:
    audited = "join kind=inner (AuditLogs | where OperationName == 'x' | project CorrelationId) on CorrelationId"
    kql = f"SigninLogs | where ResultType == '1' | {audited} | project CorrelationId, SourceSystem, UserId"
    output = converted(kql, "esql")
    assert output.readiness == Readiness.READY and "SourceSystem" not in output.text and "user_id = VALUES(" in output.text
    assert "column-left-out" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "target", "missing"),
    [
        ("SigninLogs | where NoSuchColumn == 'x'", "splunk", (("SigninLogs", ("NoSuchColumn",)),)),
        ("SecurityEvent | where SourceSystem == 'x'", "esql", (("SecurityEvent", ("SourceSystem",)),)),
        ("Own_CL | where a_s == 'x'", "splunk", (("Own_CL", ("a_s",)),)),
        ("SigninLogs | where parse_json(OwnText_s).a == 'x'", "splunk", (("SigninLogs", ("OwnText_s",)),)),
        (
            "DeviceFileEvents | where ActionType == 'Other' and FileName == 'a'",
            "esql",
            (("DeviceFileEvents", ("ActionType",)),),
        ),
        # the pipeline makes fields of the parts that it lists, and drops the others
        ("AuditLogs | where TargetResources[0].groupType == 'x'", "eql", (("AuditLogs", ("TargetResources[0].groupType",)),)),
        ("AuditLogs | where InitiatedBy.app.homeTenant == 'x'", "eql", (("AuditLogs", ("InitiatedBy.app.homeTenant",)),)),
        # ... and writes names with dots in another way
        ("AzureActivity | where Claims_d['http://a.b/c'] == 'x'", "eql", (("AzureActivity", ("Claims_d.http://a.b/c",)),)),
    ],
)
def test_what_the_product_is_not_known_to_have_is_named(kql: str, target: str, missing: object) -> None:
    output = converted(kql, target)
    assert output.readiness == Readiness.NAMES and output.deployment is not None and output.deployment.missing == missing


def test_any_part_of_an_object_that_the_product_leaves_open_is_a_field() -> None:
    output = converted("AzureActivity | where Claims_d.puid == 'x'", "eql")
    assert output.readiness == Readiness.READY and "azure.activitylogs.identity.claims.puid ==" in output.text


@pytest.mark.parametrize(
    ("record", "condition", "texts"),
    [
        # the pipeline moves these for some types of records alone
        ("ExchangeItem", "ClientProcessName == 'x'", ["process.name == "]),
        ("ExchangeItemGroup", "ClientProcessName == 'x'", ["process.name", "o365.audit.ClientProcessName"]),
        ("ExchangeItemAggregated", "MailboxOwnerUPN == 'x'", ["o365.audit.MailboxOwnerUPN == "]),
    ],
)
def test_fields_of_records_of_microsoft_365_depend_on_their_type(record: str, condition: str, texts: list[str]) -> None:
    output = converted(f"OfficeActivity | where RecordType == '{record}' and {condition}", "esql")
    assert output.readiness == Readiness.READY and all(text in output.text for text in texts)


@pytest.mark.parametrize(
    ("kql", "target", "text", "verdict"),
    [
        ("GraphApiAuditEvents | where ResponseStatusCode == '403'", "splunk", "properties.responseStatusCode=", "exact"),
        ("GraphAPIAuditEvents | where ResponseStatusCode == '403'", "splunk", "properties.responseStatusCode=", "exact"),
        ("DeviceTvmSoftwareVulnerabilities | where CveId == 'CVE-2024-1'", "esql", "vulnerability.id == ", "broader"),
    ],
)
def test_tables_of_defender_are_where_other_logs_have_their_events(kql: str, target: str, text: str, verdict: str) -> None:
    output = converted(kql, target)
    assert text in output.text and (output.verdict.value, output.readiness) == (verdict, Readiness.READY)


def test_what_a_pipeline_overwrites_is_no_field() -> None:
    output = converted("OfficeActivity | where RecordType == 'ExchangeItem' and MailboxOwnerUPN == 'x'", "esql")
    assert output.readiness == Readiness.SET_UP and 'JSON_EXTRACT(event.original, "MailboxOwnerUPN")' in output.text


def test_a_part_of_an_element_has_a_name_in_sigma() -> None:
    kql = "SigninLogs | mv-expand d = todynamic(AuthenticationDetails) | where tostring(parse_json(d).stepResult) startswith 'MFA denied'"
    output = converted(kql, "sigma")
    assert "AuthenticationDetails.stepResult|startswith: MFA denied" in output.text and output.readiness == Readiness.READY


def test_a_part_of_a_line_is_read_as_no_json() -> None:
    output = converted("CommonSecurityLog | where parse_json(AdditionalExtensions).a == 'x'", "splunk", Options(homes=("cef",)))
    assert output.readiness == Readiness.NAMES and "_raw" not in output.text


def test_an_array_inside_an_element_is_no_field_in_elastic() -> None:
    output = converted("AuditLogs | mv-expand m = TargetResources[0].modifiedProperties | where m.displayName == 'x'", "eql")
    assert output.verdict == Verdict.NONE and "target-cannot" in {d.code for d in output.diagnostics}


def test_a_list_has_to_be_set_up() -> None:
    output = converted("let l = _GetWatchlist('vip') | project SearchKey; SigninLogs | where UserPrincipalName in (l)", "splunk")
    assert output.readiness == Readiness.SET_UP and output.deployment is not None and "vip" in output.deployment.set_up[0]


def test_what_an_input_has_to_be_set_to_is_said() -> None:
    output = converted("SecurityEvent | where EventID == 4732 and TargetSid matches regex @'^S-1-5-32-5[0-9]{2}$'", "splunk")
    assert (output.verdict.value, output.readiness) == ("exact", Readiness.SET_UP)
    assert output.deployment is not None and "evt_resolve_ad_obj = 0" in output.deployment.set_up[0]
    unstreamed = converted("BehaviorInfo | where ActionType == 'x'", "eql")
    assert unstreamed.readiness == Readiness.SET_UP and unstreamed.deployment is not None
    assert "has it as not available" in unstreamed.deployment.set_up[0]
    both = converted("SecurityEvent | where EventID == 4624 and TargetUserSid == 'S-1-5-18'", "splunk")
    assert both.readiness is Readiness.READY  # the name that may stand there is known


@pytest.mark.parametrize(
    ("kql", "readiness"),
    [
        ("AuditLogs | where Foo == 'a'", Readiness.READY),  # its log has Microsoft's names
        ("Corelight | where EventType == 'http' and Foo == 'a'", Readiness.NAMES),
        ("Okta_CL | where foo_s == 'a'", Readiness.NAMES),
        ("GitHubAudit | where Foo == 'a'", Readiness.NAMES),
    ],
)
def test_a_column_that_is_not_known_is_a_field_of_its_name_where_the_log_has_the_names_of_the_table(kql: str, readiness: Readiness) -> None:
    assert converted(kql, "sigma").readiness == readiness


def test_events_that_another_log_source_holds_whole_are_counted_once() -> None:
    text = converted("_Im_ProcessCreate | where CommandLine has 'x' | summarize n = count() by Dvc | where n > 9", "sigma").text
    assert "product: linux" not in text
    assert "product: linux" in converted("_Im_ProcessCreate | where DvcOs == 'Linux' and CommandLine has 'x'", "sigma").text


def test_a_list_is_not_the_text_that_the_table_has_of_it() -> None:
    assert "array-element" in {d.code for d in converted("Corelight_v2_smtp_CL | where to_s == 'a@b.c'", "sigma").diagnostics}


def test_names_of_the_source_say_nothing_of_readiness() -> None:
    assert converted("SigninLogs | where ResultType == '0'", "splunk", Options(fields="source")).readiness is None


def test_elements_of_an_array_are_found_where_splunk_has_them_in_a_raw_copy_too() -> None:
    query, source = rule("AuditLogs | mv-expand TargetResources | where TargetResources.type == 'User'"), Options(fields="source")
    conversion = translator.convert(query, ["splunk"], source)
    assert "'TargetResources{}.type'" in conversion.outputs["splunk"].text
    assert prove(conversion, "splunk", options=source).outcome is Outcome.PROVEN


def test_keys_of_a_text_with_a_line_each_are_read_where_they_stand() -> None:
    kql = "SQLEvent | where Statement has 'create login' and ObjectName == 'securityadmin'"
    found = converted(kql, "sigma")
    assert (found.verdict.value, found.readiness) == ("exact", Readiness.READY)
    assert "statement:(?:[^.]*[^" in found.text and "object_name:securityadmin(?:" in found.text
    assert converted("SQLEvent | where Statement !has 'create login'", "sigma").verdict.value == "exact"


def test_events_without_a_value_in_their_data_have_no_hyphen_there() -> None:
    counted = "| summarize count() by IpAddress, Computer | where count_ > 5"
    object_access = converted(f"SecurityEvent | where EventID == 4663 {counted}", "esql")
    assert not {"values-merged", "value-differs"} & {d.code for d in object_access.diagnostics}
    others = converted(f"SecurityEvent | where EventID in (4663, 4768) {counted}", "esql")
    assert {"values-merged", "value-differs"} & {d.code for d in others.diagnostics}


@pytest.mark.parametrize("target", ["splunk", "esql", "eql", "sigma"])
def test_the_account_of_an_event_with_a_subject_alone_is_the_subject(target: str) -> None:
    found = converted("SecurityEvent | where EventID == 5136 and Account == @'A\\b'", target)
    assert found.readiness is Readiness.READY and "computed-column" not in {d.code for d in found.diagnostics}
    assert "SubjectUserName" in found.text or "user.name" in found.text


def test_a_union_that_does_without_missing_tables_does_without_them_in_the_product() -> None:
    tolerant = converted("union isfuzzy=true (SigninLogs | where ResultType == '1'), (Own_CL | where a_s == '1')", "splunk")
    assert tolerant.readiness == Readiness.READY and "Own_CL" not in tolerant.text
    assert "table-left-out" in {d.code for d in tolerant.diagnostics}
    strict = converted("union (SigninLogs | where ResultType == '1'), (Own_CL | where a_s == '1')", "splunk")
    assert strict.readiness == Readiness.NAMES and "Own_CL" in strict.text


@pytest.mark.parametrize(
    ("kql", "target", "code", "direction"),
    [
        ("DeviceFileEvents | where FileName == 'a.exe'", "sigma", "events-elsewhere", "narrower"),
        ("DeviceLogonEvents | where AccountName == 'a'", "sigma", "events-elsewhere", "narrower"),
        ("Event | where EventID == 7045", "splunk", "events-more", "broader"),
        ("_Im_UserManagement | where EventType == 'UserCreated'", "sigma", "events-elsewhere", "narrower"),
        ("CommonSecurityLog | where DeviceAction == 'deny'", "esql", "input-setting", "exact"),
        ("CommonSecurityLog | summarize c = count() by FlexString1 | where c < 3", "splunk", "input-setting", "exact"),
        ("W3CIISLog | where csUriQuery has 'cmd' and sPort == '1'", "esql", "input-setting", "exact"),
        ("W3CIISLog | where csCookie != '-' and sPort == '1'", "esql", "values-merged", "narrower"),
        ("W3CIISLog | where tobool(csUserName) and sPort == '1'", "eql", "value-differs", "differs"),
        ("ProofPointTAPClicksPermitted_CL | where classification_s =~ 'malware'", "splunk", "events-more", "broader"),
        ("SecurityEvent | where EventID == 4672 and PrivilegeList startswith 'Se'", "esql", "array-element", "differs"),
        ("Cisco_Umbrella | where EventType == 'dnslogs' and UrlCategory == 'Malware'", "eql", "array-element", "differs"),
        ("SecurityEvent | where EventID == 4768 and IpAddress matches regex '^-$'", "esql", "values-merged", "broader"),
        ("SecurityEvent | where EventID == 4624 and TargetUserSid startswith 'S-1-5-21'", "splunk", "input-setting", "exact"),
        (
            "WindowsEvent | where Channel == 'Security' and EventID == 4624 and EventData.IpAddress != '-'",
            "esql",
            "values-merged",
            "narrower",
        ),
        ("AzureActivity | where Caller == 'a@b.c'", "esql", "input-setting", "exact"),
        ("Syslog | where Facility == 'auth' and SeverityLevel == 'err'", "esql", "input-setting", "exact"),
        ("Syslog | where ProcessName == 'sshd' and SyslogMessage has 'Accepted'", "esql", "input-setting", "exact"),
        ("DeviceInfo | summarize c = count() by DeviceName | where c > 5", "esql", "values-of-one-case", "same-alerts"),
        ("W3CIISLog | where Computer == 'HOST'", "esql", "case-ignored", "broader"),
        ("SigninLogs | where isnotempty(LocationDetails['a.b']) and ResultType == '0'", "splunk", "object-as-text", "narrower"),
        ("SigninLogs | where ipv4_is_in_range(IPAddress, '10.0.0.0/8')", "esql", "address-spelling", "exact"),
        # the pipeline of Elastic's integration puts the value before a change beside that after it
        ("DeviceRegistryEvents | where ActionType == 'RegistryValueSet' and RegistryValueData has 'x'", "eql", "value-within", "broader"),
        ("DeviceRegistryEvents | where RegistryValueName == 'x'", "eql", "value-differs", "differs"),
        # the client of a Kerberos event is ::ffff: and an address of IPv4 in the record
        ("SecurityEvent | where EventID == 4768 and IpAddress == '10.0.0.5'", "esql", "value-differs", "differs"),
        ("DeviceNetworkEvents | where RemotePort == 22", "eql", "value-differs", "differs"),
        # the remote end of a connection that came in is its source
        ("DeviceNetworkEvents | where RemotePort == 22", "sigma", "value-differs", "differs"),
        ("DeviceNetworkEvents | where ActionType != 'ConnectionSuccess' and LocalIP == '10.0.0.1'", "sigma", "value-differs", "differs"),
        ("SigninLogs | where tostring(LocationDetails['a.b']) == 'x'", "eql", "array-compared", "broader"),
        ("AuditLogs | where Identity == 'i' and TargetResources[0]['a.b'] == 'x'", "splunk", "condition-dropped", "broader"),
        ("SigninLogs | where TimeGenerated > datetime(2023-11-14) or ResultType == '0'", "esql", "window-since", "narrower"),
        ("SigninLogs | where ResultType == '0' and tostring(TimeGenerated) has 'T22'", "splunk", "condition-dropped", "broader"),
        ("SigninLogs | where ResultType == '0' and strcat(CreatedDateTime, 'x') has '00Z'", "esql", "condition-dropped", "broader"),
        ("DeviceInfo | where not(DeviceName == 'HOST') and OSPlatform == 'x'", "eql", "case-ignored", "narrower"),
        ("DeviceNetworkEvents | where Protocol == 'TcpV4' and RemotePort == 1", "eql", "values-merged", "broader"),
        ("AuditLogs | where Result == 'timeout'", "eql", "values-merged", "broader"),
        ("AuditLogs | where isempty(Result)", "esql", "values-merged", "broader"),
        ("AzureActivity | summarize n = count() by CallerIpAddress, Level | where n > 9", "esql", "value-differs", "differs"),
        ("SecurityEvent | where EventID == 4776 | summarize count() by Account | where count_ > 5", "splunk", "computed-column", "differs"),
        (
            "DeviceRegistryEvents | where ActionType == 'RegistryValueSet' and RegistryKey endswith 'Run'",
            "sigma",
            "value-longer",
            "narrower",
        ),
        ("DeviceRegistryEvents | where ActionType == 'RegistryValueSet' and RegistryKey has 'Run'", "sigma", "value-within", "broader"),
        ("_Im_RegistryEvent | where RegistryKey startswith @'HKEY_USERS\\S-1-5'", "sigma", "value-within", "broader"),
        ("_Im_RegistryEvent | where RegistryKey matches regex 'Run$'", "sigma", "value-differs", "differs"),
        ("_Im_RegistryEvent | where RegistryKey has 'Run'", "splunk", "value-differs", "differs"),
        ("_Im_RegistryEvent | summarize count() by RegistryKey | where count_ > 9", "sigma", "value-differs", "differs"),
    ],
)
def test_where_the_product_differs_it_is_said(kql: str, target: str, code: str, direction: str) -> None:
    assert (code, direction) in {(d.code, d.direction.value) for d in converted(kql, target).diagnostics}


@pytest.mark.parametrize(
    ("kql", "home", "code", "direction"),
    [
        ("CommonSecurityLog | where DeviceVendor == 'X' and AdditionalExtensions has 'x'", "cef", "value-within", "broader"),
        ("CommonSecurityLog | where DeviceVendor == 'v' and AdditionalExtensions == 'cat=x'", "cef", "value-differs", "differs"),
        ("CommonSecurityLog | where DeviceVendor == 'v' and AdditionalExtensions !has 'x'", "cef", "value-within", "narrower"),
        ("AzureActivity | where Level startswith 'Informational'", "azure_activity", "value-differs", "differs"),
    ],
)
def test_what_a_place_has_otherwise_is_said_where_that_is_asked_for_and_else_the_rows_of_the_table_are_read(
    kql: str, home: str, code: str, direction: str
) -> None:
    said = converted(kql, "splunk", Options(homes=(home,))).diagnostics
    assert (code, direction) in {(d.code, d.direction.value) for d in said}
    of_rows = converted(kql, "splunk")
    assert of_rows.verdict is Verdict.EXACT and of_rows.readiness == Readiness.SET_UP and 'sourcetype="mscs:kql"' in of_rows.text


ASKED_SINCE = (
    "TimeGenerated > datetime(2023-11-14)",
    "TimeGenerated between (datetime(2023-11-14) .. 2d)",
    "TimeGenerated between ((datetime(2023-11-14) - 3h) .. datetime(2023-11-14 03:00))",
)


@pytest.mark.parametrize("asked", ASKED_SINCE)
def test_a_search_in_splunk_says_itself_since_when_it_looks(asked: str) -> None:
    made = rule(f"SigninLogs | where {asked} | where ResultType == '0' | project IPAddress, TimeGenerated")
    output = translator.convert(made, ["splunk"]).outputs["splunk"]
    assert output.verdict.value == "exact" and re.match(r"earliest=16999(20000|09200) index=", output.text)
    assert translator.prove(made, "splunk").outcome.value == "proven"


@pytest.mark.parametrize("asked", ASKED_SINCE)
def test_a_query_of_esql_is_run_since_the_moment_that_it_states(asked: str) -> None:
    made = rule(f"SigninLogs | where {asked} | where ResultType == '0' | project IPAddress, TimeGenerated")
    conversion = translator.convert(made, ["esql"])
    assert conversion.outputs["esql"].verdict.value == "exact" and conversion.outputs["esql"].since in (1699920000, 1699909200)
    assert translator.prove(made, "esql").outcome.value == "proven"


@pytest.mark.parametrize(
    "kql",
    [
        "SigninLogs | where TimeGenerated > datetime(2023-11-14) | union (AuditLogs | where Result == 'x')",
        "SigninLogs | where TimeGenerated > datetime(2023-11-14) or ResultType == '0'",
        "SigninLogs | where TimeGenerated + 1d > datetime(2023-11-14) and ResultType == '0'",
    ],
)
def test_a_search_looks_as_far_back_as_its_run_where_not_all_events_are_later_than_a_moment(kql: str) -> None:
    output = translator.convert(rule(kql), ["splunk"]).outputs["splunk"]
    assert "earliest" not in output.text and "window-since" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "window"),
    [
        ("SigninLogs | where now() - TimeGenerated > 1d | summarize n = count() by UserPrincipalName | where n > 100", "2d"),
        ("SigninLogs | extend age = now() - TimeGenerated | where age > 2d or ResultType == '0'", "3d"),
        (
            "SigninLogs | where datetime_diff('day', now(), TimeGenerated) > 1 or ResultType == '0'",
            "3d",
        ),  # at midnight the second is 2d old
        ("SigninLogs | where ago(2d) > TimeGenerated", "3d"),
        ("SigninLogs | where not(TimeGenerated > ago(1d))", "2d"),
        ("SigninLogs | where TimeGenerated < startofday(now())", "2d"),
        ("SigninLogs | where TimeGenerated < ago(1h)", "1d"),
        ("SigninLogs | summarize seen = max(TimeGenerated) by UserPrincipalName | where seen < ago(5d)", "6d"),
        ("SigninLogs | summarize n = count() by UserPrincipalName, AppId | where n > 100", "1d"),
    ],
)
def test_a_search_without_a_window_of_its_own_holds_the_age_that_is_asked_for_and_says_what_is_assumed(kql: str, window: str) -> None:
    for target in ("splunk", "esql"):
        output = converted(kql, target)
        assert [d.message for d in output.diagnostics if d.code == "window-assumed"] == [
            f"neither the query nor the rule states a time window: {window} is assumed"
        ]


@pytest.mark.parametrize(
    "kql",
    [
        "SigninLogs | where TimeGenerated > ago(30d) | summarize seen = max(TimeGenerated) by UserPrincipalName | where seen < ago(30d)",
        "SigninLogs | where now() - TimeGenerated < 2d | summarize n = count() by UserPrincipalName | where n > 100",
        "SigninLogs | make-series n = count() default = 0 on TimeGenerated from ago(14d) to now() step 1d by UserPrincipalName",
        "SigninLogs | where ResultType == '0'",
    ],
)
def test_no_window_is_assumed_where_the_query_states_one_or_finds_events_one_by_one(kql: str) -> None:
    for target in ("splunk", "esql"):
        assert "window-assumed" not in {d.code for d in converted(kql, target).diagnostics}


def test_events_before_a_moment_of_the_calendar_are_not_all_looked_for() -> None:
    for target in ("splunk", "esql"):
        output = converted("SigninLogs | where TimeGenerated < datetime(2023-11-14)", target)
        assert output.verdict.value == "narrower" and "window-since" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "asked", "verdict"),
    [
        (
            "CloudAppEvents | where ActionType == 'MailItemsAccessed' | project IPAddress",
            'TO_LOWER(event.action) == "mailitemsaccessed"',
            "exact",
        ),
        (
            "IdentityQueryEvents | where ActionType == 'Another one' | project ReportId",
            'TO_LOWER(event.action) == "another-one"',
            "broader",
        ),
        ("CloudAppEvents | where ActionType =~ 'Another one' | project IPAddress", 'TO_LOWER(event.action) == "another-one"', "exact"),
        (
            "DeviceEvents | where ActionType in ('DriverLoad', 'NamedPipeEvent') | project ReportId",
            '(event.action == "load" OR TO_LOWER(event.action) == "namedpipeevent")',
            "exact",
        ),
        ("DeviceEvents | where ActionType == 'Load' | project ReportId", 'TO_LOWER(event.action) == "load"', "broader"),
        ("DeviceEvents | where ActionType startswith 'Asr' | project ReportId", 'STARTS_WITH(TO_LOWER(event.action), "asr")', "exact"),
    ],
)
def test_a_value_that_is_not_listed_is_written_as_the_pipeline_writes_any(kql: str, asked: str, verdict: str) -> None:
    """Elastic's pipeline of Defender's events puts action types into lower case, with dashes for blanks."""
    output = converted(kql, "esql")
    assert asked in output.text
    assert (output.verdict.value, output.readiness.value) == (verdict, "ready")


@pytest.mark.parametrize("told", ["Channel == 'Security'", "Provider == 'Microsoft-Windows-Security-Auditing'"])
@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("splunk", 'EventCode=4624 LogonType="10"'),
        ("esql", 'winlog.event_data.LogonType == "10"'),
        ("eql", 'winlog.event_data.LogonType == "10"'),
    ],
)
def test_any_value_in_the_data_of_a_windows_event_has_a_field(told: str, target: str, asked: str) -> None:
    output = converted(f"WindowsEvent | where {told} and EventID == 4624 and EventData.LogonType == '10' | project Computer", target)
    assert asked in output.text
    assert (output.verdict.value, output.readiness.value) == ("exact", "ready")


def test_sigma_has_one_field_for_all_elements_of_an_array() -> None:
    kql = "AuditLogs | where tostring(TargetResources[0].modifiedProperties[0].displayName) == 'a'"
    output = translator.convert(rule(kql), ("sigma",), Options(prefer="portable")).outputs["sigma"]
    assert "TargetResources.modifiedProperties.displayName: a" in output.text
    assert ("array-element", "differs") in {(d.code, d.direction.value) for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "target"),
    [
        # the type of the account of a logon follows from its name and identifier
        ("SecurityEvent | where EventID in (4624, 4625) and AccountType == 'User'", "splunk"),
        ("SecurityEvent | where EventID == 4625 and AccountType =~ 'Machine'", "esql"),
        ("SecurityEvent | where EventID == 4624 and AccountType != 'Machine'", "sigma"),
        # a condition that nothing but a value of its own satisfies
        ("W3CIISLog | where isnotempty(csCookie) and csCookie has 'token'", "splunk"),
        # an array of one element
        (
            "GCP_IAM | where PayloadMethodname =~ 'google.iam.admin.v1.UpdateRole'"
            " and tostring(todynamic(PayloadAuthorizationinfo)[0].granted) =~ 'true'",
            "sigma",
        ),
        # numbers that are written in one way
        ("CommonSecurityLog | where DeviceVendor == 'x' and toint(LogSeverity) > 6", "esql"),
        ("Corelight | where EventType == 'http' and toint(HttpStatusCode) < 300 and toint(HttpStatusCode) == 200", "eql"),
        # a level that has two words in the product
        ("AzureActivity | where Level !in ('Informational', 'Warning') and Level contains 'Inform'", "splunk"),
        ("AuditLogs | where Result != 'success' | project Identity", "esql"),
        # a hyphen is a value, also where the product keeps none
        ("W3CIISLog | where isnotempty(csUriQuery) and csUriQuery !has 'Protocol' and sPort == '1'", "splunk"),
        # without case, all spellings of a value that the product has one of are asked for
        ("VMConnection | where Direction =~ 'inbound'", "splunk"),
    ],
)
def test_where_the_product_has_the_same_nothing_is_said(kql: str, target: str) -> None:
    assert converted(kql, target).verdict.value == "exact"


@pytest.mark.parametrize(
    ("kql", "asks"),
    [
        ("SecurityEvent | where EventID == 4656 and isnotempty(ObjectType) and ObjectType == 'Key'", False),
        ("SecurityEvent | where isnotempty(ObjectType) and (ObjectType has 'a' or ObjectType startswith 'b')", False),
        ("SecurityEvent | where isnotempty(ObjectType) and isnotempty(ObjectType)", True),
        ("SecurityEvent | where isnotempty(ObjectType) and ObjectType != 'Key'", True),
        ("SecurityEvent | where isnotempty(ObjectType) and (ObjectType == 'Key' or ObjectName == 'x')", True),
        ("SecurityEvent | where isnotempty(ObjectType) and (ObjectType == 'Key' or isnotempty(ObjectType) and ObjectName == 'x')", True),
        ("SecurityEvent | where isnotempty(ObjectType) and ObjectType !in ('', 'x')", True),
    ],
)
def test_what_has_a_certain_value_is_not_asked_for_any(kql: str, asks: bool) -> None:
    assert ('ObjectType!=""' in converted(kql, "splunk").text) == asks


@pytest.mark.parametrize(
    ("kql", "said"),
    [
        ("SecurityEvent | where EventID == 4688 and NewProcessName matches regex @'(^|\\\\)net1?\\.exe$'", False),
        ("SecurityEvent | where EventID == 4728 and TargetSid matches regex 'S-1-5-32-5[0-9][0-9]$'", False),
        ("SecurityEvent | where EventID == 4688 and CommandLine matches regex 'x[0-9]$'", False),
        ("SecurityEvent | where EventID == 4688 and not(CommandLine matches regex 'x[0-9]+$|(y)$')", False),
        ("SecurityEvent | where EventID == 4688 and CommandLine matches regex 'x[0-9]$|y'", True),
        ("SecurityEvent | where EventID == 4688 and CommandLine matches regex 'x[0-9](:[^a]*)?$'", True),
        ("SecurityEvent | where EventID == 4688 and CommandLine matches regex '[ax]:[^a]*$'", False),
        ("SecurityEvent | where EventID == 4688 and CommandLine matches regex '(ab|c)(:[^a]*)?$'", False),
    ],
)
def test_a_pattern_that_ends_with_the_text_lets_line_feeds_through_where_values_have_some(kql: str, said: bool) -> None:
    assert ("line-feed-at-end" in {d.code for d in converted(kql, "sigma").diagnostics}) == said


def test_a_pattern_up_to_the_end_is_of_values_that_no_line_feed_ends() -> None:
    conversion = translator.convert(rule("X_CL | where Text_s matches regex 'x[0-9]$'"), ("sigma",))
    output = conversion.outputs["sigma"]
    assert 'Text_s|endswith: "\\n"' in output.text and output.verdict.value == "exact"
    assert prove(conversion, "sigma").outcome == Outcome.PROVEN


@pytest.mark.parametrize(
    ("keys", "other"),
    [("EventLevelName", True), ("Level, EventLevelName", False), ("Computer, EventLevelName", True), ("Computer, LogonTypeName", False)],
)
def test_a_key_that_the_others_tell_makes_no_other_groups(keys: str, other: bool) -> None:
    output = converted(f"SecurityEvent | where EventID == 4625 | summarize count() by {keys} | where count_ > 5", "splunk")
    assert (output.verdict.value == "differs") == other


@pytest.mark.parametrize(
    ("kql", "target", "place"),
    [
        (
            "SecurityAlert | where AlertSeverity == 'High' and Entities has 'malware'",
            "splunk",
            'sourcetype="mscs:kql" Type="SecurityAlert"',
        ),
        ("SecurityIncident | where Severity == 'High'", "esql", "microsoft_sentinel.incident"),
        ("CommonSecurityLog | where DeviceAction == 'deny'", "eql", "cef.log"),
        ("CommonSecurityLog | where DeviceProduct == 'X' and Message has '403'", "splunk", 'sourcetype="cef"'),
    ],
)
def test_a_place_that_can_be_set_up_for_all_events_is_read_where_others_lack_some(kql: str, target: str, place: str) -> None:
    output = converted(kql, target)
    assert place in output.text and output.readiness == Readiness.SET_UP
    assert output.verdict.value in ("exact", "same-alerts") and "input-setting" in {d.code for d in output.diagnostics}


def test_a_home_that_says_what_it_lacks_stands_alone() -> None:
    output = converted("DeviceFileEvents | where FolderPath endswith 'a.exe'", "sigma")
    assert len(output.texts) == 1 and "category: file_event" in output.text
    assert "events-elsewhere" in {d.code for d in output.diagnostics}


def test_alternatives_are_not_searched_beside_the_default() -> None:
    text = converted("Corelight | where EventType =~ 'conn' and DstPort == 445", "splunk").text
    assert "zeek" not in text
    chosen = converted("Corelight | where EventType =~ 'conn' and DstPort == 445", "splunk", Options(homes=("zeek_conn",)))
    assert 'sourcetype="zeek:conn"' in chosen.text and chosen.readiness == Readiness.READY


def test_a_home_without_what_the_condition_asks_for_has_no_such_event() -> None:
    output = converted("PaloAltoPrismaCloud | where AlertSeverity == 'high'", "esql")
    assert "prisma_cloud.audit" not in output.text and "events-elsewhere" not in {d.code for d in output.diagnostics}
    output = converted("CommonSecurityLog | where DeviceProduct == 'X' and isnotempty(SourceIP)", "splunk")
    assert "pan:" not in output.text and "cisco" not in output.text and "events-elsewhere" not in {d.code for d in output.diagnostics}


_CHANNEL = "Event | where EventLog == 'Microsoft-Windows-"


@pytest.mark.parametrize(
    ("kql", "target", "place"),
    [
        (f"{_CHANNEL}PowerShell/Operational' and EventID == 4104", "sigma", "category: ps_script"),
        (f"{_CHANNEL}PowerShell/Operational' and EventID == 4100", "sigma", "service: powershell"),
        (f"{_CHANNEL}Bits-Client/Operational' and EventID == 16403", "sigma", "service: bits-client"),
        (
            f"{_CHANNEL}Bits-Client/Operational' and EventID == 16403",
            "splunk",
            'source="XmlWinEventLog:Microsoft-Windows-Bits-Client/Operational"',
        ),
        ("Event | where Source == 'Service Control Manager' and EventID == 7045", "esql", '"system.system"'),
        ("Event | where Source == 'Service Control Manager' and EventID == 7045", "sigma", "service: system"),
        # providers that write to several channels
        ("Event | where Source == 'Microsoft-Windows-AppLocker' and EventID == 8007", "esql", '"windows.applocker_msi_and_script"'),
        ("Event | where Source == 'Microsoft-Windows-AppLocker' and EventID == 8007", "splunk", "AppLocker/MSI and Script"),
        ("WindowsEvent | where Provider == 'Microsoft-Windows-PrintService' and EventID == 808", "sigma", "printservice-admin"),
        ("WindowsEvent | where Provider == 'Microsoft-Windows-Eventlog' and EventID == 1102", "splunk", '"XmlWinEventLog:Security"'),
        ("WindowsEvent | where Provider == 'Microsoft-Windows-Eventlog' and EventID == 104", "splunk", '"XmlWinEventLog:System"'),
        # events of any channel
        ("WindowsEvent | where EventID == 4688", "splunk", 'sourcetype="XmlWinEventLog" EventCode=4688'),
        ("WindowsEvent | where Channel == 'Own/Operational'", "splunk", 'sourcetype="XmlWinEventLog" Channel="Own/Operational"'),
    ],
)
def test_windows_events_are_where_their_channel_is(kql: str, target: str, place: str) -> None:
    output = converted(kql, target)
    assert place in output.text and (output.verdict, output.readiness) == (Verdict.EXACT, Readiness.READY)


@pytest.mark.parametrize(
    ("kql", "target", "place"),
    [
        ("Event | where EventID == 7045", "esql", "system.system"),
        ("Event | where EventLog has 'TaskScheduler' and EventID == 106", "esql", "system.application"),
        ("WindowsEvent | where EventID == 7045", "sigma", "service: security"),
    ],
)
def test_events_that_no_known_home_has_are_said_to_be_elsewhere(kql: str, target: str, place: str) -> None:
    output = converted(kql, target)
    assert place in output.text
    assert ("events-elsewhere", "narrower") in {(d.code, d.direction.value) for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "target", "differs"),
    [
        ("GitHubAuditData | where CurrentPermission == 'read' and isempty(InvitedUserPermission)", "esql", True),
        ("EmailEvents | where SenderIPv4 == '1.2.3.4' and isempty(SenderIPv6)", "esql", False),
        ("EmailEvents | where SenderIPv4 == '1.2.3.4' and isempty(SenderIPv6)", "splunk", False),
        ("AWSCloudTrail | where UserIdentityUserName != SessionIssuerUserName", "esql", False),
        ("AWSCloudTrail | where UserIdentityUserName == 'a' or SessionIssuerUserName == 'a'", "esql", False),
        (
            "AWSCloudTrail | extend u = iff(isnotempty(UserIdentityUserName), UserIdentityUserName, SessionIssuerUserName)"
            " | summarize n = count() by u | where n > 3",
            "esql",
            False,
        ),
    ],
)
def test_columns_that_are_one_field_do_not_tell_what_the_table_does(kql: str, target: str, differs: bool) -> None:
    said = [d for d in converted(kql, target).diagnostics if d.code == "value-differs" and "one field" in d.message]
    assert bool(said) == differs


@pytest.mark.parametrize(
    ("kql", "target"),
    [
        ("Event | where EventLog == 'Microsoft-Windows-TaskScheduler/Operational' and EventID == 106", "esql"),
        ("WindowsEvent | where Provider == 'Microsoft-Windows-WMI-Activity' and EventID == 5861", "sigma"),
    ],
)
def test_events_of_a_value_that_no_home_is_told_by_are_in_none(kql: str, target: str) -> None:
    output = converted(kql, target)
    without = output.instead or output.deployment
    assert without is not None and without.readiness == Readiness.NAMES


@pytest.mark.parametrize(
    ("kql", "text", "instead"),
    [
        ("Anomalies | where RuleName == 'a' and Score > 1", 'RuleName="a"', ("Anomalies",)),
        ("SenservaPro_CL | where a_d > 5 and b_s == 'x'", "a_d>5", ("SenservaPro_CL",)),
        ("AuditLogs | where _ItemId == 'x'", '_ItemId="x"', ("AuditLogs",)),
        ("AzureDiagnostics | where addedIpRule_Value_s == 'x'", 'addedIpRule_Value_s="x"', ("AzureDiagnostics",)),
        ("dsp_parser | where EventID == 9212", 'Type="dsp_parser"', ("dsp_parser",)),
        (
            "AuditLogs | where OperationName == 'x' | join kind=inner (SenservaPro_CL | where b_s == 'x') on CorrelationId",
            'b_s="x"',
            ("SenservaPro_CL",),
        ),
    ],
)
def test_rows_of_a_workspace_are_read_for_names_that_no_other_place_has(kql: str, text: str, instead: tuple[str, ...]) -> None:
    output = converted(kql, "splunk")
    assert output.readiness == Readiness.SET_UP and text in output.text and output.instead is not None
    assert {t for t, _ in output.instead.missing} == set(instead) == {h.partition(":")[0] for h in output.homes}
    assert [d.code for d in output.diagnostics if d.code == "input-setting"] == ["input-setting"] * len(instead)


@pytest.mark.parametrize("kql", ["Event | where EventID == 7045", "SecurityEvent | where EventID == 4776 | summarize count() by Account"])
def test_rows_of_a_workspace_are_read_for_nothing_else(kql: str) -> None:
    assert not converted(kql, "splunk").homes


@pytest.mark.parametrize("target", ["esql", "eql"])
def test_exported_rows_of_a_workspace_are_read_for_names_that_no_integration_has(target: str) -> None:
    output = converted("Anomalies | where RuleName == 'a' and RuleStatus != 'b'", target)
    assert output.readiness == Readiness.SET_UP and 'azure.eventhub.Type == "Anomalies"' in output.text
    for lacks in (
        "Anomalies | where tostring(AnomalyReasons[0].Name) == 'a'",
        "AzureDiagnostics | where a_s == 'x'",
        "Own_CL | where a_s == 'x'",
    ):
        assert converted(lacks, target).readiness == Readiness.NAMES


def test_one_table_alone_is_read_in_a_home_of_several() -> None:
    kql = "SigninLogs | where UserPrincipalName == 'a' | union (AuditLogs | where OperationName == 'b')"
    text = converted(kql, "splunk", Options(homes=("AuditLogs:log_analytics",))).text
    assert 'Type="AuditLogs"' in text and 'Type="SigninLogs"' not in text and "azure:monitor:aad" in text


def test_events_of_several_homes_are_told_apart_by_name() -> None:
    joined = "join kind=inner (SigninLogs | where ResultType == '1') on $left.SrcIpAddr == $right.IPAddress"
    kql = f"Corelight | where DstIpAddr == '1.2.3.4' | {joined} | project SrcIpAddr"
    in_sigma = f"VectraStream | where id_resp_h == '1.2.3.4' | {joined.replace('SrcIpAddr', 'id_orig_h')} | project id_orig_h"
    documents = [*yaml.safe_load_all(converted(in_sigma, "sigma").text)]
    names = [d["name"] for d in documents if "name" in d]
    assert len(names) > 3 and len({d["id"] for d in documents}) == len({d["title"] for d in documents}) == len(documents)
    assert sorted(names) == sorted(documents[-1]["correlation"]["rules"])
    flags = re.findall(r"EVAL (\w+) = CASE\(event.dataset == \"\S+\", 1, 0\)", converted(kql, "esql").text)
    assert len(flags) > 3 and len(set(flags)) == len(flags)
    counted = converted("Corelight | where DstIpAddr == '1.2.3.4' | summarize n = count() by SrcIpAddr | where n > 5", "eql").texts
    assert len(counted) == 1 and counted[0].count("with runs=6") == 1 and "any where event" not in counted[0].splitlines()[0]


@pytest.mark.parametrize(
    ("kql", "model"), [("_Im_UserManagement", "Change.Account_Management"), ("_Im_DhcpEvent", "Network_Sessions.DHCP")]
)
def test_a_data_set_inside_of_another_is_no_source_of_tstats(kql: str, model: str) -> None:
    found = converted(f"{kql} | where EventResult == 'Failure' | summarize n = count() by SrcIpAddr | where n > 3", "splunk")
    assert found.text.startswith(f'| from datamodel:"{model}"') and found.readiness == Readiness.READY


def test_a_data_model_has_default_fields_without_its_name() -> None:
    output = converted("_Im_Dns | where DnsQuery has 'x' and DvcHostname == 'h'", "splunk")
    head, _renamed, absent, *_ = output.text.split("\n| ")
    assert " host" in head and "DNS.host" not in head and 'fillnull_value="(none)"' in head
    assert absent == 'eval host=nullif(host, "(none)"), query=nullif(query, "(none)")'


def test_values_of_a_data_model_are_looked_up_in_a_list() -> None:
    kql = (
        "ThreatIntelligenceIndicator | where isnotempty(DomainName) | join kind=inner (_Im_Dns | where EventType == 'Query')"
        " on $left.DomainName == $right.DnsQuery | project DnsQuery, SrcIpAddr, Description"
    )
    output = converted(kql, "splunk")
    head, _renamed, _absent, looked_up, asked = output.text.split("\n| ")[:5]
    assert "DNS.query" in head and "Description" not in head  # which is of the list
    assert looked_up == "lookup threat_indicators_domain_name value as query OUTPUT value as listed_1"
    assert "isnotnull(listed_1)" in asked and output.verdict.value == "same-alerts"


def test_a_data_model_is_taken_for_a_table_on_request() -> None:
    kql = "DeviceProcessEvents | where ProcessCommandLine has 'x'"
    assert "tstats" not in converted(kql, "splunk").text
    output = converted(kql, "splunk", Options(splunk_model="cim"))
    assert "from datamodel=Endpoint.Processes" in output.text and "events-more" in {d.code for d in output.diagnostics}


def test_the_events_are_asked_where_a_model_lacks_a_column_of_the_query() -> None:
    output = converted("SigninLogs | where ResultType == '50126'", "splunk", Options(splunk_model="cim"))
    assert output.text == 'index=* sourcetype="azure:monitor:aad" category="SignInLogs" resultType="50126"'
    assert (output.verdict, output.readiness) == (Verdict.EXACT, Readiness.READY)


def test_flattened_fields_are_not_compared_in_eql() -> None:
    output = converted('AWSCloudTrail | where AdditionalEventData has \'"MFAUsed":"No"\'', "eql")
    assert "flattened" not in "".join(output.texts)


def test_a_regular_expression_without_case_keeps_the_text_that_it_searches() -> None:
    text = converted("Syslog | where tolower(SyslogMessage) matches regex 'a.c'", "splunk").text
    assert 'coalesce(_raw, "(?i)")' not in text and '"(?i)a.c"' in text


def test_a_site_names_its_own() -> None:
    columns = {"UserPrincipalName": ("user", "text")}
    site = Site({"splunk": {"SigninLogs": SiteTable({"index": "aad", "sourcetype": "azure:monitor:aad"}, columns)}})
    output = converted("SigninLogs | where UserPrincipalName == 'x' and ResultType == '0'", "splunk", Options(site=site))
    assert output.text.startswith('index="aad" sourcetype="azure:monitor:aad" user="x" resultType="0"')
    assert output.readiness == Readiness.READY
    elsewhere = Site({"splunk": {"Own_CL": SiteTable({"index": "own", "sourcetype": "own"}, {"a_s": ("a", "")})}})
    output = converted("Own_CL | where a_s == '1' and b_s == '2'", "splunk", Options(site=elsewhere))
    assert output.deployment is not None and output.deployment.missing == (("Own_CL", ("b_s",)),)


@pytest.mark.parametrize(
    ("kql", "parts"),
    [
        (
            "DeviceNetworkEvents | where AdditionalFields.server_name == 'x' and ActionType == 'SslConnectionInspected'",
            (
                'JSON_EXTRACT(JSON_EXTRACT(event.original, "properties.AdditionalFields"), "server_name") == "x"',
                'TO_LOWER(event.action) == "sslconnectioninspected"',
            ),
        ),
        (
            "IdentityDirectoryEvents | where AdditionalFields['TO.GROUP'] =~ 'x'",
            ("""TO_LOWER(JSON_EXTRACT(JSON_EXTRACT(event.original, "properties.AdditionalFields"), "['TO.GROUP']")) == "x\"""",),
        ),
        (
            "SecurityAlert | where parse_json(Entities)[0].HostName != 'x'",
            ('NOT JSON_EXTRACT(JSON_EXTRACT(event.original, "Entities"), "[0].HostName") == "x"',),
        ),
        ("DeviceRegistryEvents | where RegistryKey endswith 'Run'", ('JSON_EXTRACT(event.original, "properties.RegistryKey")',)),
    ],
)
def test_what_an_integration_changes_is_read_in_the_event_as_it_came(kql: str, parts: tuple[str, ...]) -> None:
    output = converted(kql, "esql")
    assert all(part in output.text for part in parts), output.text
    assert output.verdict in (Verdict.EXACT, Verdict.SAME_ALERTS) and output.readiness is Readiness.SET_UP


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("== 'x'", "exact"),
        ("startswith 'x'", "exact"),
        ("== '1.0'", "broader"),
        ("== '[\"x\"]'", "narrower"),
        ("endswith '}'", "differs"),
        ("== '{x}'", "broader"),
    ],
)
def test_the_text_of_an_object_is_compared_where_its_layout_makes_no_difference(condition: str, verdict: str) -> None:
    assert converted(f"DeviceEvents | where AdditionalFields.a {condition}", "esql").verdict.value == verdict


def test_exported_rows_have_what_azure_computes() -> None:
    output = converted("DnsEvents | where SubType == 'DynamicUpdate' and ClientIP == '192.0.2.1'", "esql")
    assert 'azure.eventhub.SubType == "DynamicUpdate"' in output.text and 'azure.eventhub.ClientIP == "192.0.2.1"' in output.text
    assert output.verdict in (Verdict.EXACT, Verdict.SAME_ALERTS) and output.readiness is Readiness.SET_UP


def test_names_given_by_table_and_column() -> None:
    known = Options(mapping={"splunk": {"SigninLogs": {"ResultType": "outcome"}}})
    assert 'outcome="0"' in converted("SigninLogs | where ResultType == '0'", "splunk", known).text
    with pytest.raises(ValueError, match="Own_CL has no home in splunk that is known"):
        converted("Own_CL | where a_s == '1'", "splunk", Options(mapping={"splunk": {"Own_CL": {"a_s": "outcome"}}}))


@pytest.mark.parametrize(("target", "field"), [("splunk", "eval counted_value=_time"), ("esql", "EVAL counted_value = @timestamp")])
def test_the_time_of_an_event_is_the_products_own_field_under_any_names(target: str, field: str) -> None:
    kql = "SigninLogs | summarize c = dcount(TimeGenerated) by UserPrincipalName | where c > 1"
    assert all(field in converted(kql, target, Options(fields=fields)).text for fields in ("source", "target"))


def test_a_place_in_a_table_without_a_home_is_a_field_of_its_own() -> None:
    output = converted("ExposureGraphNodes | where NodeProperties.a == 'x'", "esql")
    assert "NodeProperties.a" in output.text and output.verdict is Verdict.BROADER


def test_an_inventory_says_whether_events_are_kept_as_they_came() -> None:
    kql = "OfficeActivity | where Parameters has 'x' | project UserId"
    listed = {"event.provider": "keyword", "user.id": "keyword", "event.dataset": "keyword"}
    kept = converted(kql, "esql", Options(site=Site(inventory={"elastic": {**listed, "event.original": "keyword"}})))
    assert (kept.verdict.value, kept.homes) == ("exact", ("OfficeActivity:o365_audit_original",))
    assert not converted(kql, "esql", Options(site=Site(inventory={"elastic": listed}))).homes


def test_an_inventory_decides_by_what_there_is() -> None:
    kql = "SigninLogs | where UserPrincipalName == 'x' and ResultType == 0"
    types = dict.fromkeys(("azure.signinlogs.category", "azure.signinlogs.properties.user_principal_name"), "keyword")
    types["azure.signinlogs.result_type"] = "long"
    output = converted(kql, "esql", Options(site=Site(inventory={"elastic": types})))
    assert output.readiness == Readiness.READY and "azure.signinlogs.result_type == 0" in output.text
    del types["azure.signinlogs.properties.user_principal_name"]
    output = converted(kql, "esql", Options(site=Site(inventory={"elastic": types})))
    assert output.deployment is not None and output.deployment.missing == (("SigninLogs", ("UserPrincipalName",)),)


def test_a_home_is_chosen_by_its_name() -> None:
    kql = "SecurityEvent | where EventID == 4625"
    assert 'event.dataset == "windows.forwarded"' in converted(kql, "eql", Options(homes=("windows_forwarded",))).text


def test_places_of_splunk_are_macros_of_the_app() -> None:
    output = converted("SigninLogs | where ResultType == '1'", "splunk")
    assert output.macros == {"kql_signinlogs": 'index=* sourcetype="azure:monitor:aad" category="SignInLogs"'}
    assert next(iter(output.macros.values())) in output.text


def test_what_is_ready_finds_in_the_product_what_the_kql_finds_in_the_table() -> None:
    run = list(cases(seed=7, count=25))
    assert len(run) >= 40
    for case in run:
        assert all(found == case.wanted for found in case.found), (case.kql, case.text)


def test_what_only_some_events_have_tells_which_they_are() -> None:
    """``Account`` is one field for 4688 and another for 4624; only 4688 has a command line."""
    summary = "| summarize count() by Account | where count_ > 5"
    told = converted(f"SecurityEvent | where CommandLine has 'x' {summary}", "sigma")
    assert told.verdict.value in ("exact", "same-alerts") and "- User" in told.text
    asked_not = converted(f"SecurityEvent | where CommandLine !has 'x' {summary}", "sigma")
    assert asked_not.readiness is Readiness.NAMES and "- Account" in asked_not.text


@pytest.mark.parametrize(
    ("condition", "longest"),
    [
        ("deleted - created < 10m", "599999ms"),
        ("deleted - created <= 10m", "600s"),
        ("deleted between (created .. (created + 10m))", "600s"),
        ("abs(deleted - created) < 10m", "599999ms"),
        ("deleted - created > 5m and deleted - created < 10m", "599999ms"),
    ],
)
def test_eql_counts_no_events_that_are_just_too_far_apart(condition: str, longest: str) -> None:
    """Of times by the millisecond what is less than ten minutes is no more than one millisecond less; Sigma leaves it open."""
    kql = (
        "SecurityEvent | where EventID == '4720' | project created = TimeGenerated, TargetUserName"
        " | join kind=inner (SecurityEvent | where EventID == '4726' | project deleted = TimeGenerated, TargetUserName) on TargetUserName"
        f" | where {condition} and deleted >= created"
    )
    eql, sigma = converted(kql, "eql"), converted(kql, "sigma")
    assert f"maxspan={longest}" in eql.text and "bound-included" not in {d.code for d in eql.diagnostics}
    assert ("window-bound" in {d.code for d in sigma.diagnostics}) == (longest == "599999ms")
    assert "bound-included" not in {d.code for d in sigma.diagnostics}
    assert "empty-join-key" not in {d.code for d in eql.diagnostics}


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("ActionType has 'ExploitGuardNonMicrosoftSignedBlocked'", True),
        ("ActionType has 'exploitguardnonmicrosoftsignedblocked' and ProcessTokenElevation == 'x'", True),
        ("ActionType has 'ExploitGuard-NonMicrosoft'", False),
        ("ActionType contains 'ExploitGuardNonMicrosoftSignedBlocked'", False),
    ],
)
def test_a_term_of_a_column_of_words_is_its_value(condition: str, told: bool) -> None:
    output = converted(f"DeviceEvents | where {condition} | project DeviceName", "sigma")
    assert ("service: security-mitigations" in output.text and "events-elsewhere" not in {d.code for d in output.diagnostics}) == told


@pytest.mark.parametrize(("column", "known"), [("User", True), ("Sessions", False)])
def test_what_a_parser_makes_a_text_counts_where_it_is_missing(column: str, known: bool) -> None:
    output = converted(f"PulseConnectSecure | summarize c = dcount({column}) by Computer | where c > 5", "sigma")
    assert ("type-assumed" not in {d.code for d in output.diagnostics}) == known == (output.verdict.value == "same-alerts")


def test_a_product_tells_its_vendor() -> None:
    """Of other products a firewall's own place may have events, unless it sends them as the others do."""
    for product, alone in (("Wazuh", True), ("X", False)):
        output = converted(f"CommonSecurityLog | where DeviceProduct =~ '{product}' and Message has '403'", "splunk")
        assert "checkpoint:firewall" not in output.text and output.verdict.rank <= Verdict.SAME_ALERTS.rank
        assert ("input-setting" not in {d.code for d in output.diagnostics}) == alone


def test_an_answer_to_a_lookup_is_looked_for_among_the_answers() -> None:
    answers = converted("DnsEvents | where ClientIP == '192.0.2.1' and isnotempty(IPAddresses)", "splunk").text
    assert 'direction="Snd"' in answers and 'direction="Rcv"' not in answers


@pytest.mark.parametrize(("condition", "alone"), [("threatHunterInfo_score_d >= 8", True), ("deviceInfo_deviceName_s == 'x'", False)])
def test_a_number_that_is_compared_tells_the_kind_of_its_events(condition: str, alone: bool) -> None:
    output = converted(f"CarbonBlackNotifications_CL | where {condition}", "esql")
    assert ('carbon_black_cloud.alert.type == "WATCHLIST"' in output.text) == alone and output.verdict.rank <= Verdict.SAME_ALERTS.rank


@pytest.mark.parametrize(("column", "verdict"), [("TransID", "same-alerts"), ("Log_Type", "broader")])
def test_the_last_text_is_asked_of_texts_that_the_product_spells_alike(column: str, verdict: str) -> None:
    kql = f"InfobloxNIOS | where ProcessName == 'dhcpd' | summarize arg_max({column}, UID) by SrcMacAddr | where UID == 'x'"
    assert converted(kql, "esql").verdict.value == verdict


def test_the_resource_of_azure_is_the_one_inside() -> None:
    """``ResourceType`` tells whether a resource is one inside of another, whose name ``Resource`` has then."""
    kql = "AzureDiagnostics | summarize c = count() by Resource, ResourceType | where c > 5"
    assert converted(kql, "esql").verdict.rank <= Verdict.SAME_ALERTS.rank >= converted(kql, "splunk").verdict.rank


@pytest.mark.parametrize(("event", "guaranteed"), [("4688", True), ("4663", False), ("4688, 4663", False)])
def test_what_events_of_a_kind_always_have_needs_no_group_of_events_without_it(event: str, guaranteed: bool) -> None:
    kql = f"SecurityEvent | where EventID in ({event}) | summarize count() by Computer, NewProcessName | where count_ > 5"
    codes = {d.code for d in converted(kql, "sigma").diagnostics}
    assert codes.isdisjoint({"empty-key-group", "empty-entity"}) == guaranteed


def test_a_key_of_one_value_is_no_key() -> None:
    """Every row of a table has its name for ``Type``, which no product has as a field."""
    output = converted("SigninLogs | summarize dcount(Location) by UserPrincipalName, Type | where dcount_Location > 1", "sigma")
    assert output.readiness is Readiness.READY and "Type" not in output.text
    union = "union SigninLogs, AuditLogs | summarize count() by CorrelationId, Type | where count_ > 5"
    assert converted(union, "sigma").readiness is not Readiness.READY


@pytest.mark.parametrize(
    ("condition", "said"),
    [("== 'success'", False), ("== 'SUCCESS'", True), ("startswith_cs 'success'", True), ("!in ('failure', 'timeout')", False)],
)
def test_case_tells_nothing_of_a_value_that_is_spelled_one_way(condition: str, said: bool) -> None:
    codes = {d.code for d in converted(f"AuditLogs | where Result {condition}", "esql").diagnostics}
    assert any(c.startswith("case-ignored") for c in codes) == said


@pytest.mark.parametrize(
    ("target", "field"), [("esql", "process.executable"), ("eql", "process.executable"), ("splunk", "match(Image"), ("sigma", "Image|re|i")]
)
def test_values_of_event_data_that_are_kept_under_other_names(target: str, field: str) -> None:
    """A name of Sysmon that Elastic's pipeline renames is no field there."""
    output = translator.convert(
        rule(
            "Event | where Source == 'Microsoft-Windows-Sysmon' | where EventID == 1"
            " | extend EventData = parse_xml(EventData).DataItem.EventData.Data | mv-expand bagexpansion=array EventData"
            " | evaluate bag_unpack(EventData) | extend Key = tostring(column_ifexists('@Name', '')), Value = column_ifexists('#text', '')"
            " | evaluate pivot(Key, any(Value), TimeGenerated, Source, EventID, Computer) | where Image has 'rundll32.exe'"
        ),
        (target,),
    ).outputs[target]
    assert field in output.text and "winlog.event_data.Image" not in output.text


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        ("parse_json(Entities)[0].AadUserId == 'x'", 'JSON_EXTRACT(Entities, "[0].AadUserId") == "x"'),
        ("todynamic(Scores).adult > 80", 'TO_DOUBLE(JSON_EXTRACT(Scores, "adult")) > 80'),
        ("parse_json(Scores).a.b in (1, 2)", 'TO_DOUBLE(JSON_EXTRACT(Scores, "a.b")) IN (1, 2)'),
    ],
)
def test_texts_that_hold_json_are_read_by_esql(condition: str, written: str) -> None:
    kql = f"Own_CL | extend Entities = tostring(Entities_s), Scores = tostring(Scores_s) | where {condition}"
    output = converted(kql, "esql")
    assert written.replace("(Entities", "(Entities_s").replace("(Scores", "(Scores_s") in output.text, output.text
    assert output.verdict.value == "exact" and any("9.4" in d.message for d in output.diagnostics)


def test_all_flattened_fields_of_the_catalog_are_known_by_what_is_around_them() -> None:
    for table in catalog.schemas():
        for home in known.homes["elastic"] if (known := catalog.table(table)) else ():
            for stored in home.columns.values():
                if isinstance(stored, catalog.Stored) and stored.type == "flattened":
                    assert catalog.flattened_around(stored.name) is not None, stored.name


@pytest.mark.parametrize(("target", "kept"), [("splunk", True), ("esql", False)])
def test_an_alternative_that_no_event_of_the_home_satisfies_is_left_out(target: str, kept: bool) -> None:
    """Splunk keeps the whole record, so that an address of an application is found where one ever is; Elastic has no field for it."""
    user, app = "tostring(InitiatedBy.user.ipAddress)", "tostring(InitiatedBy.app.ipAddress)"
    address = f"case(isnotempty({user}), {user}, isnotempty({app}), {app}, 'none')"
    kql = f"""SigninLogs | where ResultType == '0' and IPAddress != 'none'
        | join kind=inner (AuditLogs | where OperationName == 'a' | extend IPAddress = {address}) on IPAddress"""
    output = converted(kql, target)
    assert ("audit_logs_2" in output.text) == kept and "false" not in output.text.lower()
    assert output.readiness is Readiness.READY


@pytest.mark.parametrize("beside", ["", "SigninLogs | where ResultType == '1'"])
def test_events_that_no_home_has_are_asked_for_under_the_name_of_the_table(beside: str) -> None:
    """Sigma's log source of SecurityAlert has the alerts of one product, whose name the query rules out."""
    alerts = "SecurityAlert | where ProductName == 'x' and AlertName has 'y'"
    output = converted(f"union ({alerts}), ({beside})" if beside else alerts, "sigma")
    assert output.verdict.value in ("exact", "same-alerts") and output.readiness is Readiness.NAMES
    assert "service: securityalert" in output.text and "ProductName|cased: x" in output.text


def test_sigma_names_the_vendor_of_a_firewall_in_the_log_source() -> None:
    output = converted("CommonSecurityLog | where DeviceVendor == 'Cisco' and DeviceAction == 'denied'", "sigma")
    assert output.readiness is Readiness.READY and "product: cisco" in output.text
    assert "events-more" not in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(("condition", "by"), [("", "by ?source.ip"), ("and isnotempty(IPAddress)", "by source.ip")])
def test_eql_joins_events_without_an_address_where_the_kql_does(condition: str, by: str) -> None:
    other = "AADNonInteractiveUserSignInLogs | where ResultType == '1' | project IPAddress"
    shown = "| extend IPCustomEntity = IPAddress"
    output = converted(f"SigninLogs | where ResultType == '0' {condition} | join kind=inner ({other}) on IPAddress {shown}", "eql")
    assert all(line.endswith(by) for line in output.text.splitlines() if line.startswith("  ["))
    assert output.verdict.value == "same-alerts" and "empty-join-key" not in {d.code for d in output.diagnostics}


def test_what_an_entity_is_made_of_is_said_of_it_also_where_another_column_shows_the_same() -> None:
    shown = "| extend Address = iff(Client_IPAddress has '.', Client_IPAddress, '') | project Address, Sender = Address"
    asked = rule(f"OfficeActivity | where Operation == 'New-InboxRule' {shown}", entities=(EntityMapping("IP", "Address", "Sender"),))
    said = translator.convert(asked, ("eql",)).outputs["eql"].diagnostics
    assert {d.place for d in said if d.message.startswith("Client_IPAddress: ")} == {Place.SHOWN, Place.BOTH}


@pytest.mark.parametrize(
    ("other", "key", "then", "written"),
    [
        ("OfficeActivity | where Operation == 'x'", "ClientIP", "TimeGenerated < TimeGenerated1", "sequence"),  # source.ip
        ("AWSCloudTrail | where EventName == 'x'", "SourceIpAddress", "TimeGenerated < TimeGenerated1", ""),  # source.address, a text
        ("AWSCloudTrail | where EventName == 'x'", "SourceIpAddress", "true", "sample"),
    ],
)
def test_eql_has_sequences_by_fields_of_one_type(other: str, key: str, then: str, written: str) -> None:
    joined = f"SigninLogs | where ResultType == '0' | join kind=inner ({other}) on $left.IPAddress == $right.{key} | where {then}"
    eql = converted(joined, "eql")
    assert (eql.text.split()[0] if eql.texts else "") == written
    assert ("EQL has no sequences by fields of different types" in " ".join(d.message for d in eql.diagnostics)) == (not written)


_UNLIKE = (
    "union (SigninLogs | where ResultType == '50126' | project ip = IPAddress, u = UserPrincipalName),"
    " (CommonSecurityLog | where DeviceVendor == 'Palo Alto Networks' and DeviceAction == 'deny'"
    " | project ip = SourceIP, p = DestinationPort)"
)


@pytest.mark.parametrize(
    ("condition", "signins", "deny"),
    [
        ("| where isnotnull(p) or u has 'admin'", "properties.userPrincipalName", "isnotnull(dest_port)"),
        ("| where p == 22 or u == 'a'", "properties.userPrincipalName", "dest_port"),
        ("| where p != 22 and u != 'a'", "properties.userPrincipalName", "dest_port"),
    ],
)
def test_a_column_that_a_part_of_a_union_lacks_is_null_unless_it_is_a_string(condition: str, signins: str, deny: str) -> None:
    text = converted(f"{_UNLIKE} {condition}", "splunk").text
    assert signins in text and deny in text and '=="22"' not in text


def test_what_a_part_of_a_union_lacks_is_no_value_that_is_counted() -> None:
    text = converted(f"{_UNLIKE} | summarize n = dcount(p) by ip | where n > 2", "splunk").text
    assert re.search(r"p=if\(isnotnull\(is_signinlogs\), null\(\), ", text)


def test_a_name_that_one_part_of_a_union_makes_is_no_column_of_the_others() -> None:
    kql = "union (SecurityEvent | where EventID == 4720 | extend w = 'made'), (SecurityEvent | where EventID == 4726) | where w != 'made'"
    for target in ("splunk", "esql", "eql"):
        text = converted(kql, target).text
        assert "4726" in text and "4720" not in text and not re.search(r"\bw\b", text)


@pytest.mark.parametrize(("name", "readiness"), [("Foo", Readiness.NAMES), ("ServiceName", Readiness.READY)])
def test_a_column_that_neither_a_table_nor_its_events_are_known_to_have_has_no_field(name: str, readiness: Readiness) -> None:
    assert converted(f"SecurityEvent | where EventID == 4688 and {name} == 'x'", "esql").readiness == readiness


@pytest.mark.parametrize(
    ("kql", "verdict"),
    [
        ("{b} | project UserPrincipalName", Verdict.EXACT),
        ("union {a}, {b} | project UserPrincipalName", Verdict.EXACT),
        ("union {a}, {b} | summarize n = count() by UserPrincipalName | where n > 5", Verdict.SAME_ALERTS),
        ("union {a}, ({b} | where AppId == 'x') | summarize n = count() by UserPrincipalName | where n > 5", Verdict.SAME_ALERTS),
        (
            "union ({a} | summarize n = count() by U = UserPrincipalName | where n > 5),"
            " ({b} | summarize n = count() by U = UserPrincipalName | where n > 20)",
            Verdict.SAME_ALERTS,
        ),
        ("{a} | join kind=inner ({b} | where AppId == 'x') on UserPrincipalName", Verdict.SAME_ALERTS),
    ],
)
def test_tables_of_one_log_source_are_told_apart(kql: str, verdict: Verdict) -> None:
    tables = {"a": "(SigninLogs | where ResultType == '1')", "b": "(AADNonInteractiveUserSignInLogs | where ResultType == '1')"}
    output = converted(kql.format(**tables), "sigma")
    rules = [d["detection"] for d in yaml.safe_load_all(output.text) if "detection" in d]
    categories = {d["selection"].get("Category") for d in rules}
    assert output.verdict == verdict
    assert categories == {"NonInteractiveUserSignInLogs", *(["SignInLogs"] if "{a}" in kql else [])}


def test_interactive_sign_ins_alone_are_what_their_log_source_means() -> None:
    output = converted("SigninLogs | where ResultType == '1'", "sigma")
    assert output.verdict == Verdict.EXACT and "Category" not in output.text


def test_measures_over_several_places_count_the_events_of_each() -> None:
    kql = (
        "CommonSecurityLog | where DeviceVendor in ('Fortinet', 'Palo Alto Networks') and DeviceAction == 'deny'"
        " | summarize n = count(), p = dcount(DestinationPort) by SourceIP | where n > 5 and p > 2"
    )
    sigma = converted(kql, "sigma").text
    assert "product: paloalto" in sigma and "product: fortigate" in sigma
    assert {"srcip", "src_ip", "pan:traffic", "fortigate_traffic"} <= set(re.findall(r"[\w:]+", converted(kql, "splunk").text))


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_measures_without_keys_are_of_all_events(target: str) -> None:
    text = converted("SigninLogs | summarize n = count(), u = dcount(UserPrincipalName) | where n > 3 and u > 1", target).text
    assert not re.search(r"\bby\b", text, re.IGNORECASE)


def test_a_text_that_is_put_together_is_no_number() -> None:
    text = converted("SigninLogs | where strcat(Location, ResultType) in ('RU0', 'KP50126', '0')", "splunk").text
    assert '"0"' not in text and "^0$" in text


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("SourceHostName", "sourceHostName"),
        ("DestinationHostName", "destinationHostName"),
        ("DeviceName", "deviceHostName"),
        ("DevicePayloadId", "devicePayloadId"),
    ],
)
def test_a_column_of_one_key_is_no_field_that_two_keys_make(column: str, key: str) -> None:
    text = converted(f"CommonSecurityLog | where DeviceVendor == 'X' and {column} == 'a'", "esql", Options(homes=("cef",))).text
    assert f'cef.extensions.{key} == "a"' in text


@pytest.mark.parametrize(
    ("condition", "home", "target", "good"),
    [
        ("StartTime > ago(2h)", "cef", "splunk", False),
        ("EndTime - StartTime > 10m", "cef", "splunk", False),
        ("StartTime > ago(2h)", "pan_traffic", "splunk", False),
        ("StartTime > ago(2h)", "log_analytics", "splunk", True),
        ("StartTime > ago(2h)", "cef", "esql", True),
        ("ReceiptTime has '2026'", "cef", "esql", False),
        ("isempty(ReceiptTime)", "cef", "esql", True),
        ("DeviceCustomDate1 has 'Mar'", "cef", "esql", False),
        ("DeviceCustomDate1 has 'Mar'", "cef", "splunk", True),
        ("Computer == 'fw1'", "cef", "esql", False),
        ("isempty(Computer)", "cef", "esql", False),
    ],
)
def test_a_value_that_the_product_has_in_another_form_is_not_compared_without_a_word(
    condition: str, home: str, target: str, good: bool
) -> None:
    output = converted(f"CommonSecurityLog | where {condition}", target, Options(homes=(home,)))
    told = output.readiness == Readiness.NAMES or "value-differs" in {d.code for d in output.diagnostics}
    assert told != good


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        ("IsIncident == true", "(microsoft_sentinel.event.is_incident IS NULL OR NOT microsoft_sentinel.event.is_incident == false)"),
        ("not(IsIncident)", "microsoft_sentinel.event.is_incident == false"),
    ],
)
def test_an_incident_whose_mark_the_integration_cannot_convert_has_no_field(condition: str, written: str) -> None:
    output = converted(f"SecurityAlert | where {condition}", "esql", Options(homes=("microsoft_sentinel_event",)))
    assert written in output.text and output.verdict == Verdict.DIFFERS


@pytest.mark.parametrize(
    ("condition", "good"),
    [
        ("Entities has 'admin@contoso.com'", True),
        ("Entities !contains 'account'", True),
        ("isempty(Entities)", True),
        ("parse_json(ExtendedProperties).IP == '1.1.1.1'", True),
        ("SystemAlertId == 'a-1'", True),
        (r"""Entities contains '"Type":"account"' """, False),
        (r"""Entities !contains '"Type": "account"' """, False),
        ("Entities == '[]'", False),
        (r"""Entities matches regex '"Type":"account"' """, False),
        ("VendorOriginalId == '1e5'", False),
    ],
)
def test_json_that_the_input_writes_anew_is_compared_by_its_words(condition: str, good: bool) -> None:
    output = converted(f"SecurityAlert | where {condition}", "splunk", Options(homes=("log_analytics",)))
    assert ("value-differs" in {d.code for d in output.diagnostics}) != good == (output.verdict == Verdict.EXACT)


@pytest.mark.parametrize(
    ("operators", "good"),
    [
        (r"extend x = extract('\"Address\":\"([^\"]+)', 1, Entities) | summarize n = count() by x | where n > 3", False),
        (r"parse ExtendedProperties with * '\"IP\":\"' ip '\"' * | summarize n = count() by ip | where n > 3", False),
        ("extend size = strlen(Entities) | where size > 1000", False),
        ("where extract('(.)', 1, Entities) == 'x'", False),
        ("summarize sizes = max(strlen(Entities)) by AlertName | where sizes > 99", False),
        ("extend e = tostring(parse_json(Entities)[0].Address) | summarize n = count() by e | where n > 3", True),
        (
            "extend e = parse_json(ExtendedProperties) | where e.IP == 'a' | summarize n = max(toint(e.n)) by AlertName | where n > 3",
            True,
        ),
        ("summarize n = count() by Entities | where n > 3", True),
    ],
)
def test_json_that_the_input_writes_anew_is_computed_with_as_json_alone(operators: str, good: bool) -> None:
    output = converted(f"SecurityAlert | {operators}", "splunk", Options(homes=("log_analytics",)))
    told = {d.code for d in output.diagnostics} & {"value-differs", "condition-dropped", "unsupported-expression"}
    assert (not told) == good == (output.verdict.rank <= Verdict.SAME_ALERTS.rank), output.diagnostics


def test_events_of_a_source_and_of_another_source_type_are_not_the_same() -> None:
    kql = (
        "SigninLogs | where ResultType == '0' | join kind=inner (SecurityEvent | where EventID == 4624)"
        " on $left.IPAddress == $right.IpAddress | where TimeGenerated1 > TimeGenerated - 5m | project UserPrincipalName, Account"
    )
    assert "mvexpand part\n" not in converted(kql, "splunk").text


def test_what_an_alert_is_made_of_is_computed_of_the_events_that_match() -> None:
    asked = rule(
        "SecurityEvent | where EventID == 4688 | extend HostName = tostring(split(Computer, '.')[0]), Rest = strlen(CommandLine)",
        entities=(EntityMapping("Host", "HostName", "HostName"),),
    )
    outputs = translator.convert(asked, ("esql", "splunk")).outputs
    assert "EVAL HostName = " in outputs["esql"].text and "Rest" not in outputs["esql"].text
    assert [outputs[t].verdict for t in outputs] == [Verdict.EXACT] * 2
    assert all(output.columns["HostName"] == "HostName" and "Rest" not in output.columns for output in outputs.values())


@pytest.mark.parametrize(
    ("table", "readiness"),
    [("DeviceEvents", Readiness.READY), ("UrlClickEvents", Readiness.READY), ("ExposureGraphNodes", Readiness.SET_UP)],
)
def test_what_defender_does_not_stream_needs_a_feed_of_its_own(table: str, readiness: Readiness) -> None:
    assert converted(table, "splunk").readiness == readiness


@pytest.mark.parametrize(
    ("kql", "target", "written"),
    [
        ("SigninLogs | where tostring(IsInteractive) !in~ (w)", "splunk", 'listed_1_key=lower("True")'),
        ("CommonSecurityLog | where DeviceVendor !in (w) and DeviceVendor == 'Fortinet'", "splunk", 'listed_1_key="Fortinet"'),
        ("CommonSecurityLog | where DeviceVendor !in (w) and DeviceVendor == 'Fortinet'", "esql", "ENRICH nets ON listed_1_key"),
    ],
)
def test_whether_a_value_that_is_known_is_on_a_list_is_looked_up(kql: str, target: str, written: str) -> None:
    output = converted(f"let w = _GetWatchlist('nets') | project SearchKey; {kql}", target)
    assert written in output.text and output.verdict == Verdict.EXACT


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_a_list_that_is_looked_up_with_case_and_without_is_two(target: str) -> None:
    kql = "let w = _GetWatchlist('nets') | project SearchKey; SecurityEvent | where Computer in~ (w) or Account in (w)"
    assert converted(kql, target).lookups == {"nets": "caseless", "nets_cased": "exact"}


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_an_entity_that_rows_do_not_show_is_said(target: str) -> None:
    kql = "SecurityEvent | where EventID == 4688 | extend HostName = toupper(substring(Computer, 0, indexof(Computer, '.')))"
    output = translator.convert(rule(kql, entities=(EntityMapping("Host", "HostName", "HostName"),)), (target,)).outputs[target]
    assert ("HostName" in output.columns) != ("entity-in-events" in {d.code for d in output.diagnostics})


@pytest.mark.parametrize("parser", ["_Im_Dns(disabled=true)", "vimDnsEmpty", "_Im_Dns_Empty", "vimDnsAzureFirewall(disabled=true)"])
def test_a_parser_that_gives_nothing_finds_nothing(parser: str) -> None:
    assert converted(f"{parser} | where DnsQuery has 'evil'", "splunk").verdict == Verdict.NONE


def test_a_part_of_a_union_that_takes_all_events_of_a_data_model_takes_all() -> None:
    text = converted("union _Im_Dns, (_Im_Dns | where DnsQuery has 'evil') | project SrcIpAddr", "splunk").text
    assert "| where" not in text and "datamodel=Network_Resolution.DNS" in text


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("ActionType matches regex '^Asr.*Blocked$'", True),
        ("split(ActionType, 'A')[1] == 'srX'", True),
        ("ActionType matches regex '^[0-9]+$'", False),
        ("ActionType matches regex '(?i)^asr'", False),
    ],
)
@pytest.mark.parametrize("target", ["esql", "eql"])
def test_a_pattern_on_a_field_in_one_case_has_no_case(condition: str, told: bool, target: str) -> None:
    output = converted(f"DeviceEvents | where {condition}", target)
    assert ("case-ignored" in {d.code for d in output.diagnostics}) == told and ("TO_LOWER(" in output.text or "regex~" in output.text)


@pytest.mark.parametrize(
    ("condition", "esql", "eql", "spl"),
    [
        (
            "OperationNameValue == 'Microsoft.X/y/write'",
            '{} == "Microsoft.X/y/write"',
            '{} == "Microsoft.X/y/write"',
            '| where {}=="Microsoft.X/y/write"',
        ),
        (
            "OperationNameValue startswith_cs 'Microsoft'",
            'STARTS_WITH({}, "Microsoft")',
            'startsWith({}, "Microsoft")',
            '| where match({}, "^Microsoft")',
        ),
        (
            "OperationNameValue =~ 'microsoft.x/y/write'",
            'TO_LOWER({}) == "microsoft.x/y/write"',
            '{} in~ ("microsoft.x/y/write")',
            ' {}="microsoft.x/y/write"',
        ),
        # what has a name for people may be in capitals or not
        (
            "OperationName == 'Create Deployment'",
            'TO_LOWER({}) == "microsoft.resources/deployments/write"',
            '{} in~ ("MICROSOFT.RESOURCES/DEPLOYMENTS/WRITE")',
            ' {}="MICROSOFT.RESOURCES/DEPLOYMENTS/WRITE"',
        ),
    ],
)
def test_an_operation_of_azure_is_compared_as_its_record_spells_it(condition: str, esql: str, eql: str, spl: str) -> None:
    for target, text in (("esql", esql), ("eql", eql), ("splunk", spl)):
        output = converted(f"AzureActivity | where {condition}", target)
        assert output.verdict is Verdict.EXACT and output.readiness is Readiness.READY
        assert text.format("operationName" if target == "splunk" else "azure.activitylogs.operation_name") in output.text


@pytest.mark.parametrize(("column", "of_list"), [("Dept", True), ("RiskState", False), ("TenantId", False)])
def test_a_column_that_a_table_does_not_list_is_one_of_the_list_that_it_is_joined_with(column: str, of_list: bool) -> None:
    joined = "join kind=inner (_GetWatchlist('vip')) on $left.UserPrincipalName == $right.SearchKey"
    output = converted(f"SigninLogs | {joined} | where {column} == 'x'", "splunk")
    listed = [d.message for d in output.diagnostics if d.code == "list-rows"]
    assert any(column in message for message in listed) == of_list


def test_of_several_places_that_need_a_setting_the_first_of_each_table_is_read() -> None:
    kql = (
        "union (CommonSecurityLog | where SourceIP == '1.2.3.4' and Message has 'x' | summarize n = count() by a = SourceIP, DeviceAction),"
        " (OfficeActivity | where UserAgent contains 'a' and ClientIP in ('1.2.3.4') | summarize n = count() by a = ClientIP)"
    )
    output = converted(kql, "esql")
    assert output.readiness == Readiness.SET_UP and 'event.dataset == "cef.log"' in output.text and "azure.eventhub" not in output.text


@pytest.mark.parametrize(("asked", "shows"), [("EventID == 4688", False), ("tostring(parse_json(CommandLine).other) == 'a'", True)])
def test_what_only_shows_asks_for_no_younger_product(asked: str, shows: bool) -> None:
    shown = f"SecurityEvent | where {asked} | extend Part = tostring(parse_json(CommandLine).part)"
    found = translator.convert(rule(shown, entities=(EntityMapping("Host", "HostName", "Part"),)), ("esql",)).outputs["esql"]
    assert ('"part"' in found.text) == shows != ("entity-in-events" in {d.code for d in found.diagnostics})


_XML = "extend Account = strcat(EventData.TargetDomainName, '\\\\', EventData.TargetUserName)"


@pytest.mark.parametrize(
    ("kql", "verdict", "mixed"),
    [
        (f"union (SecurityEvent | where EventID == 4625 | project Account = TargetAccount), (WindowsEvent | where EventID == 4625 | {_XML})"
         " | summarize c = count() by Account | where c > 2", "differs", True),
        ("SecurityEvent | where EventID == 4624 | join kind=leftanti (WindowsEvent | where EventID == 4624) on Computer", "differs", True),
        ("SecurityEvent | where EventID == 4625 | join kind=inner (WindowsEvent | where EventID == 4624"
         " | project Computer, w = TimeGenerated) on Computer | where w > TimeGenerated", "broader", True),
        # each event is found once
        ("union (SecurityEvent | where EventID == 4688 and CommandLine has 'a'), (WindowsEvent | where EventID == 4688 and"
         " EventData.CommandLine has 'a') | summarize c = count() by Computer | where c > 2", "same-alerts", False),
        # places that are told apart
        ("SecurityEvent | where EventID == 4624 | join kind=leftanti (Event | where EventLog == 'System' and EventID == 7045) on Computer",
         "same-alerts", False),
        # the rows of a function are those of other tables
        ("_Im_Dns | where DnsQuery has 'a' | join kind=inner (DnsEvents | project ClientIP) on $left.SrcIpAddr == $right.ClientIP", None,
         False),
    ],
)  # fmt: skip
def test_an_event_where_a_product_keeps_those_of_two_tables_is_of_one_of_them(kql: str, verdict: str | None, mixed: bool) -> None:
    """All Windows events that Splunk has as XML are of one source type, among them those of the Security log."""
    output = converted(kql, "splunk")
    assert verdict in (None, output.verdict.value)
    assert any(d.code == "events-more" and "there as well" in d.message for d in output.diagnostics) == mixed


def test_a_kind_of_events_of_any_source_is_one_place_in_sigma() -> None:
    kql = (
        "union (SecurityEvent | where EventID == 4688 and NewProcessName endswith 'a' | summarize n = count() by Computer | where n > 5),"
        " (Event | where Source == 'Microsoft-Windows-Sysmon' and EventID == 1 | summarize n = count() by Computer | where n > 20)"
    )
    assert "events-more" not in {d.code for d in converted(kql, "sigma").diagnostics}


@pytest.mark.parametrize(
    ("started", "joined", "verdict"),
    [
        ("FileName =~ 'a.exe'", "NewProcessName endswith 'a.exe'", "broader"),
        ("ProcessCommandLine == 'a'", "CommandLine == 'b'", "same-alerts"),
    ],
)
def test_an_event_may_be_of_two_kinds_that_sigma_does_not_tell_apart(started: str, joined: str, verdict: str) -> None:
    kql = (
        f"DeviceProcessEvents | where {started} | join kind=inner (SecurityEvent | where EventID == 4688 and {joined})"
        " on $left.DeviceName == $right.Computer"
    )
    assert converted(kql, "sigma").verdict.value == verdict


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [("RecordType == 'SharePointFileOperation'", "exact"), ("Operation == 'New-InboxRule'", "differs"), ("UserId == 'a'", "differs")],
)
def test_a_field_of_all_values_deviates_for_those_that_a_rule_does_not_rule_out(asked: str, verdict: str) -> None:
    output = converted(f"OfficeActivity | where {asked} and ClientIP == '1.2.3.4'", "eql")
    assert 'source.ip == "1.2.3.4"' in output.text and output.verdict.value == verdict


@pytest.mark.parametrize(
    ("kql", "verdict", "readiness"),
    [
        ("StorageBlobLogs | where OperationName == 'GetBlob' and DurationMs > 1000", Verdict.SAME_ALERTS, Readiness.NAMES),
        ("AzureDiagnostics | where Category == 'AuditEvent' and DurationMs > 1000", Verdict.DIFFERS, Readiness.READY),
        ("AuditLogs | where OperationName == 'a' and DurationMs > 1000", Verdict.EXACT, Readiness.READY),
    ],
)
def test_a_duration_that_the_pipeline_of_resource_logs_removes_is_asked_for_in_no_field(
    kql: str, verdict: Verdict, readiness: Readiness
) -> None:
    output = converted(kql, "esql")
    assert (output.verdict, output.readiness) == (verdict, readiness)


@pytest.mark.parametrize(("entity", "readiness"), [("CallerIpAddress", Readiness.READY), ("A", Readiness.SET_UP)])
def test_an_entity_whose_field_may_hold_another_value_is_read_where_the_value_is(entity: str, readiness: Readiness) -> None:
    kql = "AzureActivity | where OperationNameValue =~ 'x' | top 5 by TimeGenerated | project A = Caller, CallerIpAddress"
    output = translator.convert(rule(kql, entities=(EntityMapping("Account", "FullName", entity),)), ["esql"]).outputs["esql"]
    assert output.verdict in (Verdict.EXACT, Verdict.SAME_ALERTS) and output.readiness is readiness
    assert ("claims/upn" in output.text) == (readiness is Readiness.SET_UP)


@pytest.mark.parametrize(
    ("kql", "entity"),
    [
        ("AzureActivity | where OperationNameValue =~ 'x' | project Caller, CallerIpAddress", "Caller"),
        ("AzureActivity | where OperationNameValue =~ 'x' | summarize arg_max(TimeGenerated, *) by Caller", "Caller"),
        ("AzureActivity | where OperationNameValue =~ 'x' | extend N = tostring(split(Caller, '@')[0]) | project N", "N"),
        ("DeviceEvents | where ActionType =~ 'x' | extend N = toupper(substring(DeviceName, 2, 3)) | project N, DeviceId", "N"),
    ],
)
def test_an_entity_that_only_the_record_tells_is_in_the_rows(kql: str, entity: str) -> None:
    output = translator.convert(rule(kql, entities=(EntityMapping("Account", "FullName", entity),)), ["esql"]).outputs["esql"]
    assert output.verdict in (Verdict.EXACT, Verdict.SAME_ALERTS) and output.readiness is Readiness.SET_UP
    assert entity in output.columns and "event.original" in output.text
    assert "entity-in-events" not in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "verdict"),
    [
        ("imProcessCreate | where Process has 'a.exe' | project Dvc, E = ActorUsername", Verdict.DIFFERS),
        ("imProcessCreate | where Process has 'a.exe' | project Dvc, E = tolower(ActorUsername)", Verdict.DIFFERS),
        ("imProcessCreate | where Process has 'a.exe' | project Dvc, E = tostring(split(ActorUsername, '\\\\')[1])", Verdict.DIFFERS),
        ("SigninLogs | where ResultType == '0' | project E = tolower(UserPrincipalName)", Verdict.EXACT),
    ],
)
def test_an_entity_that_eql_does_not_compute_is_made_of_what_the_fields_hold(kql: str, verdict: Verdict) -> None:
    output = translator.convert(rule(kql, entities=(EntityMapping("Account", "FullName", "E"),)), ["eql"]).outputs["eql"]
    assert output.verdict is verdict


def test_many_values_of_an_array_are_no_deep_chain() -> None:
    values = ", ".join(f"'v{n}'" for n in range(500))
    text = translator.convert(f"SecurityEvent | where PrivilegeList in ({values})", ("esql",)).outputs["esql"].text
    assert (
        max(len(re.findall(" OR ", chain)) for chain in re.findall(r"\([^()]*\)", re.sub(r"\w+\([^()]*\([^()]*\)[^()]*\)", "x", text))) < 64
    )


def test_a_condition_too_large_to_be_worked_out_rules_no_home_out() -> None:
    conditions = " or ".join(f"Account == 'v{n}'" for n in range(5_100))
    plan = bind(parse(f"SecurityEvent | where {conditions}")).root
    assert isinstance(plan, o.Filter)
    fixed = [h for h in homes_of("SecurityEvent", "splunk", Options()) if only_value(h, "SecurityEvent", "Account") is not None]
    assert fixed and not any(lacks_required(home, plan.predicate, in_table=True) for home in fixed)


@pytest.mark.parametrize("target", ["splunk", "eql", "esql"])
def test_a_value_that_the_source_never_has_is_told(target: str) -> None:
    """The parser of OracleDatabaseAuditEvent makes DbAction of a list of numbers and words, of which this is none."""
    asked = [converted(f"OracleDatabaseAuditEvent | where DbAction =~ '{value}'", target) for value in ("SHUTDOWN", "DROP")]
    assert ["false-predicate" in {d.code for d in output.diagnostics} for output in asked] == [True, False]


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_an_empty_list_that_is_to_be_filled_is_told(target: str) -> None:
    kql = "let people = dynamic([]); AuditLogs | extend u = tostring(parse_json(tostring(InitiatedBy.user)).userPrincipalName)"
    output = converted(f"{kql} | where u has_any (people)", target)
    assert "false-predicate" in {d.code for d in output.diagnostics}
