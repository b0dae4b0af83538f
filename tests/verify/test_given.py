"""Texts that somebody else wrote are tried where they look for events."""

from __future__ import annotations

from pathlib import Path

import pytest

import translator
from translator.commands.convert import site_of
from translator.targets.base import Options
from translator.verify.proof import Outcome

PROCESSES = 'DeviceProcessEvents | where FileName =~ "psexec.exe" and ProcessCommandLine contains "accepteula"'
STARTED = 'process.name : "psexec.exe" and process.command_line : "*accepteula*"'
LOGONS = "SecurityEvent | where EventID == 4625"
SSHD = 'Syslog | where ProcessName =~ "sshd"'
FOLDER = r"DeviceProcessEvents | where FolderPath endswith '\\psexec.exe'"
NAMED = 'DeviceProcessEvents | where FileName =~ "psexec.exe"'
STARTS = r"SecurityEvent | where EventID == 4688 and NewProcessName endswith '\\rundll32.exe'"
CONSOLE = 'AWSCloudTrail | where EventName =~ "ConsoleLogin" and isempty(ErrorMessage)'
SIGNED = 'index=azure sourcetype="azure:monitor:aad" category=SignInLogs'
FIRST_TARGET = 'AuditLogs | where tostring(TargetResources[0].type) == "Policy"'
ORIGINAL = ('FROM logs-azure.auditlogs-* | WHERE event.dataset == "azure.auditlogs"'
            ' AND JSON_EXTRACT(event.original, "properties.targetResources[{}].type") == "Policy"')  # fmt: skip
SIGN_INS = 'SigninLogs | where ResultType == "50126"'
CLEARED = """SecurityEvent | where EventID == 1102 and EventSourceName == "Microsoft-Windows-Eventlog"
| summarize count() by Computer, Account, Activity"""
BY_VBSCRIPT = """SecurityEvent | where EventID == 4688 and Process =~ "rundll32.exe" and CommandLine contains "vbscript"
| project Computer, NewProcessName"""
TRAIL = 'AWSCloudTrail | where EventName =~ "DeleteTrail"'
NO_MFA = """AWSCloudTrail | where EventName =~ "ConsoleLogin" | extend MFA = tostring(parse_json(AdditionalEventData).MFAUsed)
| extend Result = tostring(parse_json(ResponseElements).ConsoleLogin) | where MFA !~ "Yes" and Result !~ "Failure" """
AT_CONSOLE = "`cloudtrail` eventName=ConsoleLogin NOT {}additionalEventData.MFAUsed=Yes {} responseElements.ConsoleLogin=Failure{}"


def sigma(source: str, *conditions: str) -> str:
    return "\n".join(["title: t", f"logsource: {{{source}}}", "detection:", "  s:", *(f"    {c}" for c in conditions), "  condition: s"])


WINDOWS = sigma("category: process_creation, product: windows", r"Image|endswith: '\psexec.exe'", "CommandLine|contains: accepteula")
FULL = r'index=edr sourcetype="ms:defender:eventhub" category="AdvancedHunting-DeviceProcessEvents" properties.FileName="psexec.exe"'

TSTATS = ("| tstats `security_content_summariesonly` count min(_time) as firstTime from datamodel=Endpoint.Processes"
          " where Processes.process_name=psexec.exe")  # fmt: skip
GROUPED = "by Processes.dest Processes.process | `drop_dm_object_name(Processes)` | `security_content_ctime(firstTime)` | `psexec_filter`"


@pytest.mark.parametrize(
    ("kql", "target", "text", "outcome"),
    [
        # a site names its indexes
        (PROCESSES, "splunk", f'{FULL} properties.ProcessCommandLine="*accepteula*"', Outcome.PROVEN),
        (PROCESSES, "splunk", f'index=edr OR index=old {FULL[10:]} properties.ProcessCommandLine="*accepteula*"', Outcome.PROVEN),
        (PROCESSES, "splunk", f'{FULL} properties.ProcessCommandLine="*accepteula*" NOT index=_internal', Outcome.PROVEN),
        (PROCESSES, "splunk", f'index=_internal {FULL[10:]} properties.ProcessCommandLine="*accepteula*"', Outcome.CONTRADICTED),
        (PROCESSES, "splunk", FULL, Outcome.CONTRADICTED),
        # homes that the catalog does not take first
        (PROCESSES, "sigma", WINDOWS, Outcome.PROVEN),
        (PROCESSES, "sigma", WINDOWS.replace("windows", "linux"), Outcome.CONTRADICTED),
        (SSHD, "splunk", "index=os sourcetype=linux_secure process=sshd", Outcome.PROVEN),
        (SSHD, "splunk", "search index=os (sourcetype=linux_secure OR sourcetype=x) process=sshd", Outcome.PROVEN),
        (SSHD, "splunk", "index=os sourcetype=linux_secure process=sudo", Outcome.CONTRADICTED),
        (SIGN_INS, "esql", 'FROM logs-azure.signinlogs* | WHERE event.dataset == "azure.signinlogs" AND azure.signinlogs.category == "SignInLogs"'
         ' AND azure.signinlogs.properties.is_interactive == true | WHERE azure.signinlogs.result_type == "50126"', Outcome.CONTRADICTED),
        # what an integration keeps of the text where a site says so
        (FIRST_TARGET, "esql", ORIGINAL.format(0), Outcome.PROVEN),
        (FIRST_TARGET, "esql", ORIGINAL.format(1), Outcome.CONTRADICTED),
        # what an integration says of its events; in which indices they are stands beside a text of EQL
        (PROCESSES, "eql", f"process where {STARTED}", Outcome.PROVEN),
        (PROCESSES, "eql", f'process where event.type == "start" and {STARTED}', Outcome.PROVEN),
        (PROCESSES, "eql", f"file where {STARTED}", Outcome.CONTRADICTED),
        (PROCESSES, "eql", f"any where {STARTED}", Outcome.CONTRADICTED),
        (LOGONS, "eql", 'authentication where event.action == "logon-failed"', Outcome.PROVEN),
        (LOGONS, "eql", 'authentication where event.action == "logged-in"', Outcome.CONTRADICTED),
        # what another column of the table says as well
        (SIGN_INS, "splunk", 'index=azure sourcetype="azure:monitor:aad" category=SignInLogs properties.status.errorCode=50126', Outcome.PROVEN),
        (SIGN_INS, "splunk", 'index=azure sourcetype="azure:monitor:aad" category=SignInLogs properties.status.errorCode=0', Outcome.CONTRADICTED),
        # the name of a file is the end of its path, also where the rule asks for the one alone
        (FOLDER, "eql", 'process where process.name : "psexec.exe"', Outcome.PROVEN),
        (FOLDER, "eql", 'process where process.name : "psexec*.exe"', Outcome.CONTRADICTED),
        (NAMED, "eql", r'process where process.executable : "*\\psexec.exe"', Outcome.PROVEN),
        (STARTS, "splunk", 'source="XmlWinEventLog:Security" EventCode=4688 process_name=rundll32.exe', Outcome.PROVEN),
        (STARTS, "eql", 'process where event.code == "4688" and process.name : "rundll32.exe"', Outcome.PROVEN),
        (STARTS, "eql", 'process where event.code == "4688" and process.parent.name : "rundll32.exe"', Outcome.CONTRADICTED),
        (BY_VBSCRIPT, "eql", r'process where event.code == "4688" and process.executable : "*\\rundll32.exe" and process.command_line : "*vbscript*"',
         Outcome.PROVEN),
        # what the integration says of an event hangs on its code, also where no event of that code has such fields
        (BY_VBSCRIPT, "eql", 'process where event.type == "start" and process.name : "rundll32.exe" and process.command_line : "*vbscript*"',
         Outcome.PROVEN),
        (BY_VBSCRIPT, "eql", 'process where process.name : "rundll32.exe" and process.command_line : "*vbscript*"', Outcome.CONTRADICTED),
        (LOGONS, "eql", 'authentication where event.code == "4625" and user.name == "x"', Outcome.CONTRADICTED),
        (f"{LOGONS} and TargetUserName =~ 'bob'", "eql", 'authentication where event.code == "4625" and user.name : "bob"', Outcome.PROVEN),
        (f"{LOGONS} and SubjectUserName =~ 'bob'", "eql", 'authentication where event.code == "4625" and user.name : "bob"', Outcome.CONTRADICTED),
        # a code that no other column of the events goes with
        (CLEARED, "splunk", 'source="XmlWinEventLog:Security" EventCode=1102 SourceName=CASE(Microsoft-Windows-Eventlog)', Outcome.PROVEN),
        (CLEARED, "splunk", 'source="XmlWinEventLog:Security" EventCode IN (1102, 104) SourceName=CASE(Microsoft-Windows-Eventlog)',
         Outcome.CONTRADICTED),
        # what a field says that a product makes of a column at which the rule does not look
        (TRAIL, "eql", 'any where event.dataset == "aws.cloudtrail" and event.action : "DeleteTrail"', Outcome.PROVEN),
        (TRAIL, "eql", 'any where event.dataset == "aws.cloudtrail" and event.action : "DeleteTrail" and event.outcome == "success"',
         Outcome.CONTRADICTED),
        (TRAIL, "esql", 'FROM logs-aws.cloudtrail-* | WHERE TO_LOWER(event.action) == "deletetrail" | KEEP @timestamp, source.ip, host.name',
         Outcome.PROVEN),
        (TRAIL, "esql", 'FROM logs-aws.cloudtrail-* | WHERE TO_LOWER(event.action) == "deletetrail" AND source.ip IS NOT NULL',
         Outcome.CONTRADICTED),
        (TRAIL, "esql", 'FROM logs-aws.cloudtrail-* | WHERE TO_LOWER(event.action) == "deletetrail" AND host.name == "x"',
         Outcome.NOT_EXECUTABLE),
        # a product that has fields for what is in an object has it as an object
        (NO_MFA, "splunk", AT_CONSOLE.format("", "NOT", ""), Outcome.PROVEN),
        (NO_MFA, "splunk", AT_CONSOLE.format("(", "", ")"), Outcome.CONTRADICTED),
        # what the records of a source leave out is an empty text in the table
        (CONSOLE, "splunk", "`cloudtrail` eventName=ConsoleLogin NOT errorMessage=*", Outcome.PROVEN),
        (CONSOLE, "splunk", "`cloudtrail` eventName=ConsoleLogin errorMessage=*", Outcome.CONTRADICTED),
        (CONSOLE, "sigma", sigma("product: aws, service: cloudtrail", "eventName: ConsoleLogin", "errorMessage|exists: false"), Outcome.PROVEN),
        # what add-ons fill by rules of their own is not known, whatever else the text asks for
        (SIGN_INS, "splunk", f"{SIGNED} resultType=50126 action=failure", Outcome.NOT_EXECUTABLE),
        (SIGN_INS, "splunk", f"{SIGNED} resultType=50126 | stats count by user src", Outcome.NOT_EXECUTABLE),
        (SIGN_INS, "splunk", f"{SIGNED} resultType=50053 action=failure", Outcome.CONTRADICTED),
        # sources of Windows events are of one source type
        (LOGONS, "splunk", 'index=win sourcetype=XmlWinEventLog source="XmlWinEventLog:Security" EventCode=4625', Outcome.PROVEN),
        (LOGONS, "splunk", 'index=win sourcetype=WinEventLog source="XmlWinEventLog:Security" EventCode=4625', Outcome.CONTRADICTED),
        # macros of splunk/security_content stand for what they are there
        (PROCESSES, "splunk", f"{TSTATS} Processes.process=*accepteula* {GROUPED}", Outcome.PROVEN),
        (PROCESSES, "splunk", f"{TSTATS} Processes.process=accepteula* {GROUPED}", Outcome.CONTRADICTED),
        (PROCESSES, "splunk", f"{TSTATS} `processes_of_site` {GROUPED}", Outcome.NOT_EXECUTABLE),
        (SIGN_INS, "splunk", "`azure_monitor_aad` category=SignInLogs resultType=50126 | `sign_ins_filter`", Outcome.PROVEN),
        (SIGN_INS, "splunk", "`cloudtrail` resultType=50126 | `sign_ins_filter`", Outcome.CONTRADICTED),
        # a log source that no taxonomy binds has the names of the source; a number is its digits
        (SIGN_INS, "sigma", sigma("product: azure, service: signinlogs", "ResultType: 50126"), Outcome.PROVEN),
        (SIGN_INS, "sigma", sigma("product: azure, service: signinlogs", "ResultType: 50053"), Outcome.CONTRADICTED),
    ],
)  # fmt: skip
def test_a_given_text_is_tried_where_it_looks(kql: str, target: str, text: str, outcome: Outcome) -> None:
    assert translator.prove(kql, target, text).outcome is outcome


GUESSED = """SigninLogs | where ResultType == "50126" and isnotempty(IPAddress) and isnotempty(UserPrincipalName)
| summarize n = {} by IPAddress | where n > 4"""
TO_COUNT = f'{SIGNED} resultType=50126 callerIpAddress!="" properties.userPrincipalName!="" | rename properties.userPrincipalName as who'
ACTIVITY = 'index=azure sourcetype="azure:monitor:activity"'
UNSEEN = """AuditLogs | where TimeGenerated > ago(1d) and OperationName in ("Add user", "Invite user") and isnotempty(Identity)
| join kind=leftanti (AuditLogs | where TimeGenerated between (ago(14d) .. ago(1d)) and OperationName == "Add user") on Identity"""
RECALLED = """index=azure sourcetype="azure:monitor:aad" category=AuditLogs operationName IN ("Add user", "Invite user") identity!=""
| where in(operationName, "Add user", "Invite user")
| eval new=if(_time>now()-86400, 1, 0), old=if(_time>=now()-1209600 AND _time<=now()-86400 {}, 1, 0)
| stats max(new) as new max(old) as old by identity | where new=1 AND old=0"""
DELETED = """SecurityEvent | where EventID == 4720 and isnotempty(TargetSid) | project Created = TimeGenerated, TargetSid
| join kind=inner (SecurityEvent | where EventID == 4726 | project Deleted = TimeGenerated, TargetSid) on TargetSid
| where Deleted between (Created .. (Created + 10m))"""
JOINED = """index=win source="XmlWinEventLog:Security" EventCode=4720 TargetSid!="" | rename _time as created | fields created TargetSid
| join {} TargetSid [search index=win source="XmlWinEventLog:Security" EventCode=4726 | rename _time as deleted | fields deleted TargetSid]
| where deleted>=created AND deleted-created<=600"""
FOLLOWED = """sequence by winlog.event_data.TargetSid with maxspan=10m
  [iam where event.dataset == "system.security" and event.code == "4720" and winlog.event_data.TargetSid != ""]
  [iam where event.dataset == "system.security" and event.code == "4726"]"""
BY_WHOM = """AuditLogs | extend user = tostring(InitiatedBy.user.userPrincipalName), app = tostring(InitiatedBy.app.displayName)
| where user contains "#ext#" or (isempty(user) and isnotempty(app))"""
ACTED = """index=azure sourcetype="azure:monitor:aad" category=AuditLogs
| rename properties.initiatedBy.user.userPrincipalName as user, properties.initiatedBy.app.displayName as app {}
| where like(lower(user), "%#ext#%") OR (user="" AND app!="")"""

PRIVATE = "^10[.]|^172[.]1[6-9][.]|^192[.]168[.]"
BLOCKED = f"""SigninLogs | where IPAddress matches regex @"{PRIVATE}" | where ResultType == "50126"
| join kind=inner (AuditLogs | where OperationName == "Add user" | project Identity, Added = TimeGenerated) on $left.UserDisplayName == $right.Identity"""
FROM_OUTSIDE = """index=azure sourcetype="azure:monitor:aad" (category=SignInLogs resultType=50126) OR (category=AuditLogs operationName="Add user")
| where category="AuditLogs" AND operationName=="Add user" OR match(callerIpAddress, "{}")
| eval who=coalesce(if(category=="AuditLogs", identity, 'properties.userDisplayName'), "")
| stats dc(category) as n values(callerIpAddress) as from by who | where n=2"""
PRIVILEGED = r"""SecurityEvent | where EventID == 4728 | where TargetSid matches regex @"-5[0-9][0-9]$|-1102$|-498$" """
ADDED = 'source="XmlWinEventLog:Security" EventCode=4728'
MANAGED = """SecurityEvent | where EventID in (4728, 4729, 4732, 4733, 4756, 4762)
| where not(SubjectUserName == "bob" and SubjectDomainName == "CORP")"""
CODES = 'FROM logs-system.security-* | WHERE event.code IN ("4728", "4729", "4732", "4733", "4756", "4762")'
LOCAL = '(COALESCE(user.name, "") == "bob" AND COALESCE(user.domain, "") == "CORP")'
AFTER_FAILURE = """SigninLogs | where ResultType in ("50126", "0") | sort by UserPrincipalName asc, TimeGenerated asc
| where prev(UserPrincipalName) == UserPrincipalName and prev(ResultType) == "50126" and ResultType == "0" """
NEXT = """index=azure sourcetype="azure:monitor:aad" category=SignInLogs resultType IN (50126, 0) | fillnull value="" properties.userPrincipalName
| sort 0 _time | streamstats current=f {} as before {} {} | where before="50126" AND resultType="0" """
BY = ("by", "properties.userPrincipalName")
VIPS = 'let vips = _GetWatchlist("vips") | project SearchKey; SigninLogs | where UserPrincipalName in~ (vips)'
LISTED = """FROM logs-azure.signinlogs-* | WHERE azure.signinlogs.category == "SignInLogs"
| EVAL who = TO_LOWER(azure.signinlogs.properties.user_principal_name) | LOOKUP JOIN staff"""
IN_BINS = """SigninLogs | where AppDisplayName contains "Portal" | where ResultType != "0"
| summarize n = count() by bin(TimeGenerated, 20m), AppDisplayName | where n >= 5"""
BINNED = """index=azure sourcetype="azure:monitor:aad" category=SignInLogs properties.appDisplayName=*Portal* NOT resultType=0
| bin _time span={} | stats count by _time properties.appDisplayName | where count>=5"""
TIMED = """title: one
name: one
logsource: {{product: azure, service: signinlogs}}
detection:
  s: {{AppDisplayName|contains: Portal}}
  f: {{ResultType: '0'}}
  condition: s and not f
---
title: many
correlation:
  type: event_count
  rules: [one]
  group-by: [AppDisplayName]
  timespan: {}
  condition: {{gte: 5}}"""
COUNTED = """FROM logs-azure.signinlogs-* | WHERE azure.signinlogs.category == "SignInLogs" AND azure.signinlogs.result_type == "50126"
  AND source.ip IS NOT NULL AND azure.signinlogs.properties.user_principal_name != ""
| EVAL address = TO_STRING(source.ip) | STATS n = COUNT(*) BY address"""
BROWSED = """OfficeActivity | where Operation in ("FileDownloaded", "FileUploaded") and isnotempty(ClientIP)
| where TimeGenerated > ago(1d) | summarize min(TimeGenerated) by ClientIP
| join kind=leftanti (OfficeActivity | where Operation in ("FileDownloaded", "FileUploaded")
  | where TimeGenerated between (ago(14d) .. ago(1d)) | summarize by ClientIP) on ClientIP"""
SEEN = """sourcetype="o365:management:activity" ClientIP!="" Operation IN (FileDownloaded, FileUploaded) | where in(Operation, "FileDownloaded", "FileUploaded")
| eval new=if(_time>now()-86400, 1, 0), old=if(_time>=now()-{} AND _time<=now()-86400, 1, 0)
| stats max(new) as new max(old) as old by ClientIP | where new=1 AND old=0"""


@pytest.mark.parametrize(
    ("kql", "target", "right", "wrong"),
    [
        # two groups alert at once
        (GUESSED.format("count()"), "splunk", f"{TO_COUNT} | stats count by callerIpAddress | where count>4",
         f"{TO_COUNT} | stats count by callerIpAddress | where count>4 | sort - count | head 1"),
        # what is counted differs in case alone
        (GUESSED.format("dcount(UserPrincipalName)"),
         "splunk", f"{TO_COUNT} | stats dc(who) as n by callerIpAddress | where n>4",
         f"{TO_COUNT} | eval who=lower(who) | stats dc(who) as n by callerIpAddress | where n>4"),
        # one of what is counted is empty
        (GUESSED.format("dcount(AppDisplayName)"), "splunk",
         f"{TO_COUNT} | eval app=coalesce('properties.appDisplayName', \"\") | stats dc(app) as n by callerIpAddress | where n>4",
         f"{TO_COUNT} | stats dc(properties.appDisplayName) as n by callerIpAddress | where n>4"),
        # the first and the last of a group are just so far apart
        (GUESSED.replace("n = {}", "n = count(), began = min(TimeGenerated), ended = max(TimeGenerated)") + " and ended - began < 30m", "splunk",
         f"{TO_COUNT} | stats count as n range(_time) as apart by callerIpAddress | where n>4 AND apart<1800",
         f"{TO_COUNT} | stats count as n range(_time) as apart by callerIpAddress | where n>4 AND apart<=1800"),
        # what is absent has a value that is asked of the others
        (UNSEEN, "splunk", RECALLED.format('AND operationName=="Add user"'), RECALLED.format("")),
        # what was before is read as far back as the rule asks
        (UNSEEN, "splunk", RECALLED.format('AND operationName=="Add user"'), RECALLED.replace("1209600", "604800").format('AND operationName=="Add user"')),
        # a list that the text names as this project's own translation does holds what the query asks of it
        (VIPS, "splunk",
         f"{SIGNED} | eval who=lower('properties.userPrincipalName') | lookup vips value as who OUTPUT value as listed | where isnotnull(listed)",
         f"{SIGNED} | lookup vips value as callerIpAddress OUTPUT value as listed | where isnotnull(listed)"),
        # so does the one list that a text has under names of its own
        (VIPS, "splunk", f"{SIGNED} | eval who=lower('properties.userPrincipalName') | lookup staff.csv upn as who OUTPUT rank | where rank!=\"\"",
         f"{SIGNED} | lookup staff.csv upn as callerIpAddress OUTPUT rank | where isnotnull(rank)"),
        (VIPS, "splunk", f"{SIGNED} [| inputlookup staff | fields upn | rename upn as properties.userPrincipalName]",
         f"{SIGNED} NOT [| inputlookup staff | fields upn | rename upn as properties.userPrincipalName]"),
        (VIPS, "esql", f"{LISTED} ON who | WHERE rank IS NOT NULL", f"{LISTED} ON who | WHERE rank IS NULL"),
        (VIPS, "sigma", sigma("product: azure, service: signinlogs", "UserPrincipalName|expand: '%staff%'"),
         sigma("product: azure, service: signinlogs", "AppDisplayName|expand: '%staff%'")),
        # of two spellings that a product has one value for a row has one
        ('AzureActivity | where ActivityStatus == "Succeeded"', "splunk", f"{ACTIVITY} resultType=Success", f"{ACTIVITY} resultType=Succeeded"),
        # a newer event of the key is in no row
        (DELETED, "splunk", JOINED.format("max=0"), JOINED.format("max=1")),
        # an event with a value of the text stands between the others
        (DELETED, "eql", FOLLOWED, f'{FOLLOWED} until [iam where event.dataset == "system.security" and event.code == "4738"]'),
        # a bin of another width has the same events in others
        *((IN_BINS, "splunk", BINNED.format("20m"), BINNED.format(span)) for span in ("10m", "30m", "1h")),
        (IN_BINS, "sigma", TIMED.format("20m"), TIMED.format("1h")),
        # what is asked of a key is asked of all events of the group
        (IN_BINS, "splunk", BINNED.format("20m"), BINNED.format("20m").replace("| bin", "| search properties.appDisplayName=CASE(*Portal*) | bin")),
        # the last event of a group is as its first one
        (GUESSED.format("dcount(UserPrincipalName)").replace("> 4", "> 1"),
         "splunk", f"{TO_COUNT} | stats dc(who) as n by callerIpAddress | where n>1",
         f"{TO_COUNT} | sort 0 _time | stats first(who) as a last(who) as b by callerIpAddress | where a!=b"),
        # a key that the text gives a name of its own
        (GUESSED.format("count()"), "esql", f"{COUNTED} | WHERE n > 4", f"{COUNTED} | SORT n DESC | LIMIT 1 | WHERE n > 4"),
        # records of a service have operations of their own, so that no condition on the service is needed; what was before is seen as well
        (BROWSED, "splunk", SEEN.format("1209600"), SEEN.format("604800")),
        # each alternative of a pattern, and addresses that nearly begin so
        *((BLOCKED, "splunk", FROM_OUTSIDE.format(PRIVATE), FROM_OUTSIDE.format(other))
          for other in (PRIVATE.replace("172[.]1[6-9][.]", "172[.]"), PRIVATE.replace("^", ""), PRIVATE.replace("[.]", "."), PRIVATE[:-13])),
        # an event is the same one whichever of its fields are shown
        (PRIVILEGED, "splunk", f"{ADDED} | where match(TargetSid, \"-5[0-9][0-9]$|-1102$|-498$\") | table _time Computer",
         f"{ADDED} | where match(TargetSid, \"-5[0-9][0-9]$|-1102$\") | table _time Computer"),
        (PRIVILEGED, "splunk", f"{ADDED} | where match(TargetSid, \"-5[0-9][0-9]$|-1102$|-498$\") | table _time Computer",
         f"{ADDED} | where match(TargetSid, \"-5[0-9][0-9]$|-1102$|-498$\") | search NOT TargetSid=*-55* | table _time Computer"),
        # the last of many numbers
        (MANAGED, "esql", f"{CODES} AND NOT {LOCAL}",
         f"{CODES} AND NOT {LOCAL}".replace(', "4762"', "")),
        # what is missing together
        (MANAGED, "esql", f"{CODES} AND NOT {LOCAL}", f"{CODES} AND NOT (user.name == \"bob\" AND user.domain == \"CORP\")"),
        # rows that read the one before them
        *((AFTER_FAILURE, "splunk", NEXT.format("window=1 global=f last(resultType)", *BY), NEXT.format(*other))
          for other in (("window=1 last(resultType)", *BY), ("window=1 global=f last(resultType)", "", ""))),
        # what is empty in one alternative alone is missing there
        (BY_WHOM, "splunk", ACTED.format('| fillnull value="" user app'), ACTED.format("")),
    ],
)  # fmt: skip
def test_what_loses_some_alerts_is_no_translation(kql: str, target: str, right: str, wrong: str) -> None:
    assert translator.prove(kql, target, right).outcome is Outcome.PROVEN
    assert translator.prove(kql, target, wrong).outcome is Outcome.CONTRADICTED


@pytest.mark.parametrize(
    ("target", "text", "named"),
    [
        ("splunk", 'sourcetype="XmlWinEventLog" EventCode=1 Image="*\\\\psexec.exe"', "sourcetype=XmlWinEventLog"),
        ("splunk", '| tstats count from datamodel=Web.Web where Web.url="*" by _time span=1s', "datamodel=Web.Web"),
        ("esql", 'FROM logs-endpoint.events.process-* | WHERE process.name == "psexec.exe"', "index=logs-endpoint.events.process-*"),
        ("eql", 'any where event.dataset == "endpoint.events.process" and process.name == "psexec.exe"', "dataset=endpoint.events.process"),
        ("sigma", sigma("product: zeek, service: smb_files", "name: psexec.exe"), "product=zeek service=smb_files"),
    ],
)
def test_a_place_where_no_table_of_the_rule_is_known_is_said(target: str, text: str, named: str) -> None:
    found = translator.prove(PROCESSES, target, text)
    assert found.outcome is Outcome.CONTRADICTED
    assert f"the text looks in {named}; events of DeviceProcessEvents are known in " in found.why


@pytest.mark.parametrize(
    ("kql", "text", "why"),
    [
        (SIGN_INS, f"{SIGNED} resultType=50126 action=failure", "what the product has in action is not known"),
        (SIGN_INS, f"{SIGNED} resultType=50126 invented=failure", "no field invented is known of these events"),
        (SIGN_INS, f"{SIGNED} resultType=50126 | stats count by properties.userPrincipalName",
         "seen only where properties.userPrincipalName is empty"),
        (SIGN_INS, f"{SIGNED} resultType=50126 | lookup bad.csv ip as callerIpAddress OUTPUT note | where isnotnull(note)",
         "the reader does not know: the lookup bad.csv, which is not given; the text looks values up in bad.csv, of a rule without a list"),
        (f"{SIGN_INS} | summarize count() by UserPrincipalName | where count_ > 3",
         f"{SIGNED} resultType=50126 | stats count by properties.userPrincipalName | where count>4", ""),
    ],
)  # fmt: skip
def test_why_a_text_that_names_what_is_not_known_is_not_proven(kql: str, text: str, why: str) -> None:
    found = translator.prove(kql, "splunk", text)
    assert found.outcome is not Outcome.PROVEN
    assert found.why.startswith(why) and bool(found.why) == bool(why)


def test_an_index_that_a_site_names_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "site.yml").write_text("splunk:\n  DeviceProcessEvents:\n    place: {index: edr}\n", "utf-8")
    options = Options(site=site_of((tmp_path / "site.yml",), ()))
    text = f'{FULL} properties.ProcessCommandLine="*accepteula*"'
    outcomes = [translator.prove(PROCESSES, "splunk", t, options=options).outcome for t in (text, text.replace("edr", "other"))]
    assert outcomes == [Outcome.PROVEN, Outcome.CONTRADICTED]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("splunk", 'index=x "unclosed'),
        ("splunk", "index=x [search"),
        ("esql", "FROM x | WHER y"),
        ("eql", 'process where process.name ==== "x"'),
        ("sigma", "x: ["),
    ],
)
def test_a_text_that_is_none_of_its_language_is_not_executable(target: str, text: str) -> None:
    found = translator.prove(PROCESSES, target, text)
    assert found.outcome is Outcome.NOT_EXECUTABLE and found.why.startswith("the reader does not know: ")
