"""Rows that a query keeps of several: what is known of their columns, and what outputs make of them."""

from __future__ import annotations

from typing import Any

import pytest

import translator
from tests.rules import rule
from translator import catalog
from translator.detection.lift import lift
from translator.detection.model import Detection
from translator.kql.parser import parse
from translator.pipeline.lanes import written
from translator.pipeline.remarks import on_pairs
from translator.plan.binder import bind
from translator.plan.chosen import chosen
from translator.rulepack.model import EntityMapping
from translator.targets.base import Options
from translator.targets.splunk import Splunk
from translator.verify.running import run_text

SCHEMA = {
    "A": {"TimeGenerated": "datetime", "k": "string", "x": "string", "n": "long", "ip": "string"},
    "B": {"TimeGenerated": "datetime", "k": "string", "y": "string"},
}
LISTED = "externaldata(v: string)['https://h/list.csv']"


@pytest.mark.parametrize(
    ("kql", "found"),
    [
        ("A | summarize arg_max(TimeGenerated, *) by k | project e = ip", "certain"),
        ("A | summarize arg_max(TimeGenerated, *) by k | project e = k", None),
        ("A | summarize arg_max(TimeGenerated, *) by k, ip | project e = ip", None),
        ("A | extend e = strcat(k, 'x') | summarize arg_max(TimeGenerated, *) by k", None),
        ("A | extend e = strcat(k, ip) | summarize arg_max(TimeGenerated, *) by k", "certain"),
        ("A | summarize take_any(ip) by k | project e = ip", "any"),
        ("A | summarize e = max(ip) by k", "certain"),
        ("A | summarize e = make_set(ip) by k | mv-expand e", None),
        ("A | summarize e = arg_max(TimeGenerated, ip) by k | project e", "certain"),
        ("A | summarize s = make_set(ip) by k | extend e = tostring(s[0])", "any"),
        ("A | summarize s = make_set(ip) by k | extend t = s | extend e = strcat('ip ', tostring(t[0]))", "any"),
        ("A | summarize s = make_set(ip) by k, ip | extend e = tostring(s[0])", None),
        ("A | summarize s = make_set(ip) by k | extend e = strcat_array(s, ',')", None),
        ("A | summarize s = strcat_array(make_set(ip), ',') by k | extend e = tostring(split(s, ',')[0])", "any"),
        ("A | summarize s = strcat_array(make_set(ip), ',') by k | extend e = extract('^([^,]*)', 1, s)", "any"),
        ("A | summarize s = make_bag(bag_pack('ip', ip)) by k | extend e = tostring(s.ip)", "any"),
        ("A | summarize s = make_set(ip) by k | mv-expand p = s | extend e = tostring(split(p, '.')[0])", None),
        ("A | summarize s = make_list(ip) by k | project e = array_slice(s, 0, 2)", "any"),
        ("A | extend s = split(ip, '.') | extend e = tostring(s[0])", None),
        ("A | project k, e = x | join B on k", "any"),
        ("A | project k, e = k | join B on k", None),
        ("A | project k, e = x | join kind=inner B on k", None),
        ("A | join (B | project k, e = y) on k", None),
        ("A | summarize by k, e = x | join B on k", "any"),
        ("A | summarize e = max(x) by k | join B on k", "certain"),
        ("union (A | project e = ip), (B | summarize e = max(y) by k)", "certain"),
        ("A | project k, e = x | join B on k | summarize count() by e", "any"),
    ],
)
def test_what_a_column_has_of_the_rows_of_its_group(kql: str, found: str | None) -> None:
    plan = bind(parse(kql), SCHEMA)
    choice = chosen(plan.root, dict(plan.names)["e"])
    assert (choice.value if choice is not None else None) == found


@pytest.mark.parametrize(
    ("kql", "order", "names"),
    [
        ("A | summarize arg_max(TimeGenerated, *) by k", "last", ("k",)),
        ("A | summarize arg_min(TimeGenerated, ip) by k, x", "first", ("k", "x")),
        ("A | summarize take_any(ip) by k", "any", ("k",)),
        ("A | summarize arg_max(TimeGenerated, *), count() by u = tolower(k)", "last", ("u",)),
        ("A | summarize arg_max(n, *) by k", None, ()),
        ("A | summarize arg_max(TimeGenerated, ip), max(x) by k", None, ()),
        ("A | summarize arg_max(TimeGenerated, *) by k | where ip == '1.1.1.1'", None, ()),
        ("A | summarize arg_max(TimeGenerated, *) by k, bin(TimeGenerated, 1h)", None, ()),
        ("A | where x == 'a'", None, ()),
        # what a list is looked up for stands for its rows
        (f"{LISTED} | join kind=inner A on $left.v == $right.ip | summarize arg_max(TimeGenerated, *) by v", "last", ("ip",)),
        (f"{LISTED} | join kind=inner A on $left.v == $right.ip | summarize arg_max(TimeGenerated, *) by v, x", "last", ("ip", "x")),
        (f"{LISTED} | join kind=inner A on $left.v == $right.ip | summarize arg_max(v, *) by v", "any", ("ip",)),
        (f"A | join ({LISTED}) on $left.ip == $right.v", "any", ("ip",)),
        (f"A | join kind=inner ({LISTED}) on $left.ip == $right.v", None, ()),
        (f"A | join ({LISTED}) on $left.ip == $right.v | summarize arg_max(TimeGenerated, *) by k", None, ()),
    ],
)
def test_the_event_of_each_group_that_alerts(kql: str, order: str | None, names: tuple[str, ...]) -> None:
    found = lift(bind(parse(kql), SCHEMA))
    assert isinstance(found, Detection)
    of_groups = found.of_groups()
    assert (found.one.order if found.one is not None else None) == order
    assert (of_groups.group_by if of_groups is not None else ()) == names


@pytest.mark.parametrize(("condition", "direction"), [("n > 5", "broader"), ("n < 5", "differs"), ("n > 0", None)])
def test_a_count_behind_a_join_that_keeps_one_event_of_each_key(condition: str, direction: str | None) -> None:
    found = lift(bind(parse(f"A | join ({LISTED}) on $left.ip == $right.v | summarize n = count() by ip | where {condition}"), SCHEMA))
    assert isinstance(found, Detection)
    assert {d.direction.value for d in found.diagnostics if d.code == "one-row-per-key"} == ({direction} if direction else set())


OF_BOB = "SigninLogs | where ResultType == '0' | summarize arg_max(TimeGenerated, *) by UserPrincipalName"
BY_USER = "SigninLogs | where ResultType == '0' | summarize {}"
BY_HOUR = BY_USER.format("n = count() by UserPrincipalName, bin(TimeGenerated, 1h) | where n > 5 | project UserPrincipalName")
OF_BOTH = "SigninLogs | where ResultType == '0' | project UserPrincipalName, IPAddress"
BESIDE_OTHERS = "SigninLogs | where ResultType == '0' | project UserPrincipalName | join kind=leftouter"
KEY = "$left.UserPrincipalName == $right.Identity"
NO_JOINS = ("eql", "sigma")
EACH = "mv-expand IPAddress = s to typeof(string)"
BESIDE = "join kind=inner (SigninLogs | where ResultType == '0') on UserPrincipalName"
OF_LIST = """
ThreatIntelligenceIndicator | join (SigninLogs | where ResultType == '0' | extend At = TimeGenerated)
    on $left.EmailSenderAddress == $right.UserPrincipalName
| summarize At = arg_max(At, *) by IndicatorId"""
NOW = 1_780_315_200.0


def sign_in(target: str, number: int, ip: str, user: str = "bob", result: str = "0") -> dict[str, Any]:
    at, name = NOW - 60 * number, "properties.user_principal_name"
    if target == "splunk":
        return {
            "index": "main", "sourcetype": "azure:monitor:aad", "category": "SignInLogs", "resultType": result, "callerIpAddress": ip,
            "properties.userPrincipalName": user, "_time": at,
        }  # fmt: skip
    return {
        "_id": f"{number}", "_index": "logs-azure.signinlogs-default", "@timestamp": at, "event.dataset": "azure.signinlogs",
        "azure.signinlogs.category": "SignInLogs",
        "azure.signinlogs.result_type": result, f"azure.signinlogs.{name}": user, "source.ip": ip,
    }  # fmt: skip


OF_BAG = "s = make_bag(bag_pack('ip', IPAddress)) by UserPrincipalName | project IPAddress = tostring(s.ip)"


@pytest.mark.parametrize("target", ["splunk", "esql"])
@pytest.mark.parametrize("kql", [OF_BOB, OF_LIST])
def test_searches_show_the_event_that_the_query_shows(target: str, kql: str) -> None:
    output = translator.convert(rule(kql, entities=(EntityMapping("IP", "Address", "IPAddress"),)), (target,)).outputs[target]
    assert output.verdict.value in ("exact", "same-alerts")
    events = [sign_in(target, 1, "1.1.1.1"), sign_in(target, 9, "2.2.2.2")]
    rows = run_text(target, output.text, events, NOW, {name: [{"value": "bob", "listed": "bob"}] for name in output.lookups})
    assert {str(r.get("source.ip") or r.get("callerIpAddress")) for r in rows} == {"1.1.1.1"}


@pytest.mark.parametrize(
    ("target", "kql", "said"),
    [
        ("eql", OF_BOB, {"entities-gathered"}),
        ("sigma", OF_BOB, {"entities-gathered"}),
        ("sigma", OF_BOB.replace("by UserPrincipalName", "by UserPrincipalName, IPAddress"), set()),
        ("eql", "SigninLogs | summarize by UserPrincipalName, IPAddress", set()),
        # a part of what is gathered, and a value of one event that the rows do not show
        *(
            (target, BY_USER.format(made), {"entities-gathered"})
            for target in ("splunk", "esql", "eql", "sigma")
            for made in (
                "s = make_set(IPAddress) by UserPrincipalName | extend IPAddress = tostring(s[0]) | project IPAddress",
                "s = make_set(IPAddress) by UserPrincipalName | where array_length(s) > 3 | project IPAddress = tostring(s[0])",
                "IPAddress = max(IPAddress) by UserPrincipalName | project IPAddress",
                "n = count(), IPAddress = max(IPAddress) by UserPrincipalName | where n > 5",
            )
        ),
        # a bag has any one of the values of a key, and so has a search that makes it one
        *((target, BY_USER.format(OF_BAG), {"entities-gathered"}) for target in ("esql", "eql", "sigma")),
        ("splunk", BY_USER.format(OF_BAG), set()),
        # sequences have all events of the group, of which the query names the last
        ("eql", BY_USER.format("arg_max(TimeGenerated, *), n = count() by UserPrincipalName | where n > 5"), {"entities-gathered"}),
        ("eql", BY_USER.format(f"n = count(), s = make_set(IPAddress) by UserPrincipalName | where n > 5 | {EACH}"), set()),
        ("splunk", BY_USER.format("arg_max(TimeGenerated, *), n = count() by UserPrincipalName | where n > 5"), set()),
        ("splunk", BY_USER.format("s = make_set(IPAddress) by UserPrincipalName | mv-expand IPAddress = s to typeof(string)"), set()),
        # events of other hours than the one in which there are so many
        ("eql", f"{BY_HOUR} | {BESIDE}", {"entities-missed"}),
        ("sigma", f"{BY_HOUR} | {BESIDE}", {"entities-missed"}),
        ("sigma", f"{BY_HOUR.replace(', bin(TimeGenerated, 1h)', '')} | {BESIDE}", set()),
        # what is joined for its columns alone is not looked at
        *(
            (target, f"{BESIDE_OTHERS} (AuditLogs | project Identity, IPAddress = Result) on {KEY}", {"entities-missed"})
            for target in NO_JOINS
        ),
        *(
            (target, f"{BESIDE_OTHERS} (SigninLogs | project Identity, IPAddress) on {KEY}", {"entities-gathered", "entities-missed"})
            for target in NO_JOINS
        ),
        ("esql", f"{BESIDE_OTHERS} (SigninLogs | project Identity, IPAddress) on {KEY}", set()),
        ("sigma", f"{OF_BOTH} | join kind=leftouter (AuditLogs | project Identity, Result) on {KEY}", set()),
        # a sample has one event of each side
        ("eql", "SigninLogs | where ResultType == '0' | join kind=inner (AuditLogs) on CorrelationId", {"entities-missed"}),
        ("eql", "SigninLogs | where ResultType == '0' | join kind=inner (AuditLogs) on $left.IPAddress == $right.Identity", set()),
        ("eql", "SigninLogs | where ResultType == '0' | join (AuditLogs) on CorrelationId", set()),
        ("eql", "SigninLogs | where IPAddress == '1.1.1.1' | join kind=inner (AuditLogs) on CorrelationId", set()),
        (
            "eql",
            "SigninLogs | where ResultType == '0' | join kind=inner (SigninLogs | where ResultType == '1' | project UserId)"
            " on $left.IPAddress == $right.UserId",
            set(),
        ),
        (
            "eql",
            "SigninLogs | where ResultType == '0' | summarize arg_max(TimeGenerated, *) by CorrelationId | join kind=inner (AuditLogs)"
            " on CorrelationId",
            {"entities-gathered", "entities-missed"},
        ),
    ],
)
def test_what_is_said_of_entities_that_are_no_key(target: str, kql: str, said: set[str]) -> None:
    output = translator.convert(rule(kql, entities=(EntityMapping("IP", "Address", "IPAddress"),)), (target,)).outputs[target]
    assert output.texts
    assert {d.code for d in output.diagnostics} & {"entities-gathered", "entities-missed"} == said


LATEST = "SigninLogs | summarize arg_max(TimeGenerated, IPAddress) by UserPrincipalName"


@pytest.mark.parametrize(
    ("kql", "addresses"),
    [
        # the key of the last summary is of the latest event
        (f"{LATEST} | summarize count() by IPAddress", {"1.1.1.1"}),
        (f"{LATEST} | distinct IPAddress", {"1.1.1.1"}),
        (f"{LATEST} | union (AuditLogs | summarize arg_max(TimeGenerated, Identity) by Id | project IPAddress = Identity)"
         " | summarize count() by IPAddress", {"1.1.1.1"}),
        ("SigninLogs | distinct IPAddress", {"1.1.1.1", "2.2.2.2"}),
    ],
)  # fmt: skip
def test_a_group_of_chosen_rows_is_of_no_others(kql: str, addresses: set[str]) -> None:
    output = translator.convert(rule(kql), ("splunk",)).outputs["splunk"]
    assert output.verdict.value in ("exact", "same-alerts")
    rows = run_text("splunk", output.text, [sign_in("splunk", 1, "1.1.1.1"), sign_in("splunk", 9, "2.2.2.2")], NOW)
    assert {str(r.get("IPAddress") or r.get("callerIpAddress")) for r in rows} == addresses


def test_a_value_that_a_summary_chooses_is_not_told_by_the_key_that_its_events_are_joined_by() -> None:
    kql = "SigninLogs | where IPAddress !in ((AuditLogs | distinct Identity)) | summarize IPAddress = min(IPAddress) by UserPrincipalName"
    output = translator.convert(rule(kql, entities=(EntityMapping("IP", "Address", "IPAddress"),)), ("splunk",)).outputs["splunk"]
    assert output.verdict.value == "broader" and "entities-gathered" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize("target", ["eql", "sigma"])
def test_what_has_no_words_for_the_chosen_rows_that_are_grouped_says_so(target: str) -> None:
    output = translator.convert(rule(f"{LATEST} | summarize count() by IPAddress"), (target,)).outputs[target]
    assert "entities-gathered" in {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "found"),
    [
        (f"{LATEST} | join kind=leftouter (AuditLogs | project IPAddress = Identity, Id) on IPAddress | where Id != 'z'", 1),
        (f"{LATEST} | join kind=inner (AuditLogs | project IPAddress = Identity, Id) on IPAddress | where Id != 'z'", 1),
        (f"AuditLogs | join kind=leftanti ({LATEST} | project Identity = IPAddress) on Identity | project Identity, Id", 1),
        (f"AuditLogs | where Identity in (({LATEST} | project IPAddress)) | project Identity, Id", 1),
    ],
)
def test_of_events_of_one_moment_one_is_the_latest(kql: str, found: int) -> None:
    output = translator.convert(rule(kql), ("splunk",)).outputs["splunk"]
    assert (output.verdict.value, output.lane) == ("exact", "pipeline")
    addresses = ("1.1.1.1", "2.2.2.2")
    audits = [
        {
            "index": "main",
            "sourcetype": "azure:monitor:aad",
            "category": "AuditLogs",
            "identity": ip,
            "properties.id": f"id {ip}",
            "_time": NOW,
        }
        for ip in addresses
    ]
    assert len(run_text("splunk", output.text, [*(sign_in("splunk", 1, ip) for ip in addresses), *audits], NOW)) == found


@pytest.mark.parametrize("target", ["esql", "splunk"])
def test_entities_of_a_table_that_no_product_is_known_to_have_are_names_for_a_site(target: str) -> None:
    kql = "T_CL | where a_s == 'x' | join kind=inner (T_CL | where a_s == 'y' | summarize c = count() by u_s) on u_s | where c > 2"
    made = rule(f"{kql} | extend ip = i_s, z = z_s", entities=(EntityMapping("IP", "Address", "ip"),))
    output = translator.convert(made, (target,)).outputs[target]
    assert "i_s" in output.text and "z_s" not in output.text and "ip" in output.columns


def test_entities_by_convention_are_shown_where_rows_are_groups() -> None:
    kql = (
        "SigninLogs | summarize IPs = make_set(IPAddress), fails = countif(ResultType == '1'), all = count() by UserPrincipalName"
        " | where fails > 0 and all > 1 | mv-expand IPs to typeof(string)"
        " | extend AccountCustomEntity = UserPrincipalName, IPCustomEntity = IPs"
    )
    output = translator.convert(rule(kql), ("splunk",)).outputs["splunk"]
    assert output.verdict.value in ("exact", "same-alerts")
    assert {"AccountCustomEntity", "IPCustomEntity"} <= output.columns.keys()
    rows = run_text("splunk", output.text, [sign_in("splunk", 1, "1.1.1.1", result="1"), sign_in("splunk", 9, "2.2.2.2")], NOW)
    assert {str(r["IPCustomEntity"]) for r in rows} == {"1.1.1.1", "2.2.2.2"}


@pytest.mark.parametrize(
    ("second", "lane", "found"),
    [("Identity == 'y'", "pipeline", {"1.1.1.1", "2.2.2.2"}), ("OperationName == 'z' and Identity == 'y'", "native", {"1.1.1.1"})],
)
def test_an_event_of_two_parts_of_a_union_has_the_entity_of_each(second: str, lane: str, found: set[str]) -> None:
    first, other = (
        "AuditLogs | where OperationName == 'x' | project IPAddress = Result",
        f"AuditLogs | where {second} | project IPAddress = Id",
    )
    made = rule(f"union ({first}), ({other})", entities=(EntityMapping("IP", "Address", "IPAddress"),))
    output = translator.convert(made, ("splunk",), Options(fields="source")).outputs["splunk"]
    event = {
        "sourcetype": "AuditLogs",
        "index": "main",
        "_time": 0,
        "OperationName": "x",
        "Identity": "y",
        "Result": "1.1.1.1",
        "Id": "2.2.2.2",
    }
    assert {row["IPAddress"] for row in run_text("splunk", output.text, [event])} == found
    assert (output.lane, output.verdict.value in ("exact", "same-alerts")) == (lane, True)


def test_of_groups_within_those_of_a_join_the_large_ones_alone_are_shown() -> None:
    kql = (
        "SigninLogs | summarize c = dcount(IPAddress) by UserPrincipalName, AppDisplayName | where c > 1"
        " | join kind=leftanti (AuditLogs | where Identity == 'x' | distinct AppDisplayName = Id) on AppDisplayName"
    )
    output = translator.convert(rule(kql), ("esql",), Options(fields="source")).outputs["esql"]
    assert (output.verdict.value, output.lane) == ("same-alerts", "native")
    sign_ins = [("ann", "1.1.1.1"), ("ann", "2.2.2.2"), ("bob", "1.1.1.1")]
    events = [
        {"event.dataset": "SigninLogs", "UserPrincipalName": u, "IPAddress": ip, "AppDisplayName": "app", "@timestamp": NOW}
        for u, ip in sign_ins
    ]
    events.append({"event.dataset": "AuditLogs", "Identity": "x", "Id": "other", "@timestamp": NOW})
    assert [row["UserPrincipalName"] for row in run_text("esql", output.text, events, NOW)] == ["ann"]


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (" | summarize count() by IPAddress", True),
        (" | distinct IPAddress, Identity", True),
        (" | summarize count() by Identity", False),  # the key of the join
        (" | summarize IPAddress = take_any(IPAddress) by Identity", False),
    ],
)
def test_what_rows_are_grouped_by_behind_a_join_identifies_them(behind: str, said: bool) -> None:
    kql = (
        "SigninLogs | project UserPrincipalName, IPAddress, s = TimeGenerated | join kind=inner (AuditLogs | project Identity,"
        f" a = TimeGenerated) on $left.UserPrincipalName == $right.Identity | where a between (s .. s + 10m){behind}"
    )
    conversion = translator.convert(rule(kql), ("splunk",))
    assert isinstance(conversion.detection, Detection)
    native = written("splunk", Splunk(), conversion.rule, conversion.detection, Options())
    found = on_pairs(conversion.rule, bind(parse(kql), catalog.schemas()), conversion.detection, native)
    assert [d.code for d in found] == ["entities-gathered"] * said
