"""What queries are lifted to, and what is said of those that deviate or are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import translator
from tests.rules import rule
from translator.detection.lift import lift
from translator.detection.model import DAY, Detection, NoDetection, Selector, Trigger
from translator.detection.overlaps import may_overlap
from translator.detection.shapes import by_name
from translator.detection.trigger import trigger_of, with_trigger
from translator.detection.windows import (
    NOW,
    Anchor,
    Moment,
    Window,
    apart_in_time,
    bound_of,
    bucket_of,
    duration,
    is_of_future,
    limit,
    limits_of,
    limits_of_ingestion,
    window_of,
    windows_decide,
    with_given_moments,
)
from translator.fidelity import CaseOfList, Fact, FilledList, Place, Verdict
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.plan.describe import expression
from translator.plan.expressions import FALSE, Apply, ColumnRef, Const, Expr, conjunction, conjuncts, walk
from translator.plan.normalized import normalized_schemas
from translator.plan.simplify import simplify
from translator.targets.relaxation import relaxed

SCHEMA = {
    "A": {"TimeGenerated": "datetime", "k": "string", "x": "string", "n": "long", "d": "dynamic", "ip": "string", "t": "datetime"},
    "B": {"TimeGenerated": "datetime", "k": "string", "y": "string", "m": "long"},
    "C": {"TimeGenerated": "datetime", "k": "string", "z": "string"},
    "E": {"TimeGenerated": "datetime", "k": "string", "EventID": "int", "EventData": "string"},
}


def lifted(kql: str, period: int | None = None, timed: bool = False) -> Detection | NoDetection:
    return lift(
        bind(parse(kql), SCHEMA | dict(normalized_schemas())), period=period, is_address=lambda table, name: name == "ip", timed=timed
    )


def codes(found: Detection | NoDetection) -> set[str]:
    return {d.code for d in found.diagnostics}


@pytest.mark.parametrize(
    ("kql", "kind", "said"),
    [
        ("A | where x == 'a'", "event", set()),
        ("A | where x == 'a' | extend u = toupper(x) | project u", "event", set()),
        ("union A, B | where TimeGenerated > ago(1d)", "event", set()),
        ("A | where x == 'a' | sort by n", "event", {"ignored-operator"}),
        ("A | where x == 'a' | take 5", "event", {"row-limit"}),
        ("A | summarize count() by k", "event", {"rows-differ"}),
        ("A | summarize c = count() by k | where c > 5", "event_count", {"columns-differ", "window-assumed"}),
        ("A | summarize count() | where count_ > 5", "event_count", {"columns-differ", "window-assumed"}),
        ("A | summarize c = dcount(x) by k, bin(TimeGenerated, 1h) | where c >= 5", "value_count", {"columns-differ"}),
        ("A | summarize s = make_set(x) by k | where array_length(s) > 5", "value_count", {"columns-differ", "window-assumed"}),
        ("A | join kind=inner (B | where y == 'b') on k", "temporal", {"rows-differ", "window-assumed"}),
        ("A | join kind=inner B on k | join kind=inner C on k", "temporal", {"rows-differ", "window-assumed"}),
        ("A | where TimeGenerated > ago(1d) | join kind=inner A on k", "temporal", {"rows-differ"}),
        ("A | join B on k | where x == 'a'", "temporal", {"rows-differ", "window-assumed"}),  # which is asked before the join
        (
            "A | where TimeGenerated > ago(1d) and x == 'a'"
            " | where k in ((A | where TimeGenerated between (ago(14d) .. ago(1d)) and isnotempty(k) | project k))",
            "event",
            {"first-seen-list"},
        ),
        (
            "A | where TimeGenerated > ago(1d) | where k in ((A | where TimeGenerated between (ago(14d) .. ago(1d)) | project k))",
            "event",
            {"first-seen-list", "empty-listed"},
        ),
        (
            "A | where TimeGenerated > ago(1d) and x == 'a' | where k in ((A | where TimeGenerated > ago(14d) | project k))",
            "temporal",
            {"rows-differ", "window-widened"},  # which is not over before now
        ),
        (
            "A | join kind=inner (A | where x == 'a' | summarize c = count() by k | where c > 5 | project k) on k | where x == 'a'",
            "event_count",
            {"rows-differ", "columns-differ", "window-assumed"},
        ),
        (
            "A | where x == 'a' | join (A | where x == 'a' and k startswith 'b' | summarize c = count() by k | where c > 5) on k",
            "event_count",
            {"rows-differ", "columns-differ", "window-assumed"},
        ),
        (
            "A | where x == 'a' | join kind=inner (A | where x == 'a' and n > 1 | summarize c = count() by k | where c > 5) on k",
            "temporal",
            {"rows-differ", "window-assumed"},
        ),
        (
            "A | where n > 1 | join kind=inner (A | where n > 1 | summarize c = count() by k, x | where c > 5) on k",
            "temporal",
            {"rows-differ", "window-assumed"},
        ),
        (
            "A | where n == 1 | join (A | where n == 1 | summarize m = min(n), c = count() by k | where c > 5) on k | where n >= m",
            "event_count",
            {"rows-differ", "columns-differ", "window-assumed"},
        ),
        (
            "A | where x == 'a' | join (A | where x == 'a' | summarize m = min(n), c = count() by k | where c > 5) on k | where n >= m",
            "event_count",
            {"rows-differ", "columns-differ", "window-assumed", "condition-dropped"},  # it is not where there is no n
        ),
        (
            "A | where TimeGenerated > ago(7d) | join kind=inner (B | where TimeGenerated > ago(1d)) on k",
            "temporal",
            {"rows-differ", "window-widened"},
        ),
        ("A | join kind=leftouter B on k | where x == 'a'", "event", {"enrichment-dropped"}),
        ("B | join kind=rightouter A on k | where x == 'a'", "event", {"enrichment-dropped"}),
        # what Defender knows of a file is a row of columns beside each
        ("A | where x == 'a' | invoke FileProfile(k, 1000)", "event", {"enrichment-dropped"}),
        (
            "A | where x == 'a' | invoke FileProfile('k') | summarize c = count() by k | where c > 5",
            "event_count",
            {"enrichment-dropped", "columns-differ", "window-assumed"},
        ),
        ("A | where x == 'a' | invoke FileProfile(k) | where GlobalPrevalence < 100", "event", {"enrichment-dropped"}),
        # a summary of the rows that the left side is made of has something for each of them, unless it is of some of them only
        (
            "let t = A | where x == 'a'; t | where n > 1 | join kind=inner (t | summarize max(n) by k, ip) on k",
            "event",
            {"enrichment-dropped"},
        ),
        (
            "let t = A | where x == 'a'; t | summarize by k, ip | join (t | summarize dcount(ip) by k) on k",
            "event",
            {"enrichment-dropped", "rows-differ"},
        ),
        ("let t = A | where x == 'a'; t | join (t | where n > 1 | summarize by k) on k", "temporal", {"rows-differ", "window-assumed"}),
        (
            "let t = A | where x == 'a'; t | join (t | summarize by k) on $left.ip == $right.k",
            "temporal",
            {"rows-differ", "window-assumed"},
        ),
        ("let t = A | where x == 'a'; t | join (t | summarize by n) on n", "temporal", {"rows-differ", "window-assumed"}),
        ("A | where x == 'a' | join kind=leftanti B on k", "temporal", {"rows-differ", "window-assumed"}),
        ("A | where k !in (B | project k)", "temporal", {"rows-differ", "window-assumed"}),
        ("B | join kind=rightanti A on k", "temporal", {"rows-differ", "window-assumed"}),
        (
            "A | where x == 'a' and TimeGenerated > ago(1d)"
            " | join kind=leftanti (A | where TimeGenerated between (ago(8d) .. ago(1d))) on k",
            "event",
            {"first-seen-list", "empty-listed"},
        ),
        (
            "A | where x == 'a' and isnotempty(k) and TimeGenerated > ago(1d)"
            " | join kind=leftanti (A | where TimeGenerated between (ago(8d) .. ago(1d))) on k",
            "event",
            {"first-seen-list"},
        ),
        (
            "A | where x == 'a' and TimeGenerated > ago(1d)"
            " | join kind=leftanti (A | where x == 'a' and TimeGenerated between (ago(8d) .. ago(1d))) on k, x",
            "event",
            {"first-seen-list", "empty-listed"},
        ),
        (
            "A | where x == 'a' and TimeGenerated > ago(1d)"
            " | join kind=leftanti (A | where TimeGenerated between (ago(8d) .. ago(1d))) on k, y",
            "event",
            {"first-seen-dropped"},
        ),
        (
            "A | extend t = TimeGenerated | join kind=inner B on k | where TimeGenerated1 > t",
            "temporal_ordered",
            {"rows-differ", "window-assumed"},
        ),
        (
            "A | extend t = TimeGenerated | join kind=inner B on k | where TimeGenerated1 between (t .. (t + 10m))",
            "temporal_ordered",
            {"rows-differ"},
        ),
        ("A | join kind=inner B on k | where x == y", "temporal", {"rows-differ", "window-assumed", "condition-dropped"}),
        ("A | where k in ((B | where y == 'b' | summarize make_set(k)))", "temporal", {"rows-differ", "window-assumed"}),
        ("A | where k in (toscalar(B | where y == 'b' | summarize make_set(k)))", "temporal", {"rows-differ", "window-assumed"}),
        (
            "let known = toscalar(B | where y == 'b' | summarize make_set(k)); A | where set_has_element(known, k)",
            "temporal",
            {"rows-differ", "window-assumed"},
        ),
        ("A | where k has_any ((B | project k))", "temporal", {"rows-differ", "window-assumed", "term-as-value", "key-case"}),
        (
            "A | where not(k has_any ((B | project k)))",
            "temporal",
            {"rows-differ", "window-assumed", "term-as-value", "key-case"},
        ),
        (
            "A | where x == 'a' | where k in ((B | make-series count() on TimeGenerated step 1h by k | project k))",
            "event",
            {"condition-dropped"},
        ),
        ("A | summarize s = make_set(x) by k | where s has 'a'", "event", {"columns-differ"}),
        ("A | summarize arg_max(TimeGenerated, *) by k | where x == 'a'", "event", {"one-event-of-group", "rows-differ"}),
        ("A | summarize arg_min(TimeGenerated, x) by k | where x == 'a'", "event", {"one-event-of-group", "rows-differ"}),
        ("A | summarize arg_max(TimeGenerated, *) by k | where TimeGenerated > ago(1d)", "event", {"rows-differ"}),
        # how many events a group has is not asked of those alone of which one is asked for
        (
            "A | summarize arg_max(TimeGenerated, *), c = count() by k | where x == 'a' and c > 2 and y == 'b'",
            "temporal",
            {"one-event-of-group", "columns-differ", "window-assumed"},
        ),
        (
            "A | summarize arg_max(TimeGenerated, *), c = count() by k | where x == 'a' | extend d = c * 2 | where d > 4",
            "event",
            {"one-event-of-group", "condition-dropped", "rows-differ"},
        ),
        (
            "A | summarize arg_max(TimeGenerated, *), c = count() by k | where x == 'a' or c > 2",
            "event_count",
            {"alternative-dropped", "columns-differ", "window-assumed"},
        ),
        ("A | where x in (_GetWatchlist('vip') | project SearchKey)", "event", {"list-placeholder"}),
        ("A | where x !in (_GetWatchlist('seen_before') | project SearchKey)", "event", {"list-placeholder"}),
        ("A | where x in (externaldata(v:string)['https://h/list.csv'])", "event", {"list-placeholder"}),
        ("A | where k in (datatable(v: string)['a', 'b']) or x == 'c'", "event", set()),
        ("A | where n == 1 and (x == 'c' or k in (B | project k))", "event", {"rows-differ", "window-assumed"}),
        ("A | where k in (B | project k) or x in (C | project z)", "temporal", {"rows-differ", "window-assumed"}),
        ("A | where x in (_GetWatchlist('vip') | project v) or k in (_GetWatchlist('vip') | project v)", "event", {"list-placeholder"}),
        ("A | where not(x in (_GetWatchlist('vip') | where w == 'a' | project v))", "event", {"list-placeholder", "list-condition"}),
        ("A | where x in ((_GetWatchlist('vip') | project v = tolower(v)))", "event", {"list-placeholder", "list-condition"}),
        ("A | where tolower(x) in (_GetWatchlist('vip') | project v)", "event", {"list-placeholder", "list-case"}),
        ("A | where tolower(x) in~ (_GetWatchlist('vip') | project v)", "event", {"list-placeholder"}),
        ("A | where x has_any (_GetWatchlist('vip') | project v)", "event", {"list-placeholder", "list-terms"}),
        ("A | where n == 1 and not(x has_any (_GetWatchlist('vip') | project v))", "event", {"list-placeholder", "list-terms"}),
        (
            "B | where y == 'b' | join kind=leftanti (A | where x has_any (_GetWatchlist('vip') | project v)) on k",
            "temporal",
            {"rows-differ", "window-assumed", "list-placeholder", "list-terms"},
        ),
        ("A | extend tld = tostring(split(x, '.')[-1]) | where tld in~ (_GetWatchlist('tlds') | project v)", "event", {"list-placeholder"}),
        ("A | where x in (datatable(v:string)['a', 'b'])", "event", set()),
        (
            "ThreatIntelligenceIndicator | where Active == true | join kind=inner A on $left.NetworkIP == $right.ip",
            "event",
            {"indicator-list", "list-condition", "columns-differ"},
        ),
        # what is asked of a list and of events is no condition on the list
        (
            "A | join kind=inner (externaldata(v: string, w: string)['https://h/list.csv']) on $left.x == $right.v | where w == 'a'",
            "event",
            {"list-placeholder", "list-condition", "columns-differ"},
        ),
        (
            "A | join kind=inner (externaldata(v: string, w: string)['https://h/list.csv']) on $left.x == $right.v | where w != k",
            "event",
            {"list-placeholder", "condition-dropped", "columns-differ"},
        ),
        (
            "A | join kind=inner (externaldata(v: string, w: datetime)['https://h/list.csv']) on $left.x == $right.v"
            " | where w > TimeGenerated",
            "event",
            {"list-placeholder", "list-condition", "columns-differ"},
        ),
        ("A | mv-expand e = d.list | where tostring(e.name) == 'v'", "event", {"expanded-rows"}),
        ("A | mv-expand e = d.list | where e.name == 'v' and e.kind == 'w'", "event", {"expanded-rows", "elements-apart"}),
        ("A | mv-expand e = d.list | where e.name != 'v'", "event", {"expanded-rows", "element-negated", "empty-array"}),
        ("A | mv-expand e = d.list", "event", {"expanded-rows", "empty-array"}),
        ("A | summarize s = make_set(v_s) by k | mv-expand s", "event", {"expanded-rows", "rows-differ"}),
        ("A | summarize s = make_set(n) by k | mv-expand s", "event", {"expanded-rows", "rows-differ", "empty-array"}),
        ("A | mv-expand e = d.list | extend n = tostring(e.name) | where n =~ 'v' or isnotempty(e)", "event", {"expanded-rows"}),
        ("A | mv-expand e = d.list | where x == 'a' or e.name == 'v'", "event", {"expanded-rows", "empty-array"}),
        (
            "A | mv-expand e = d.list | summarize c = dcount(tostring(e.name)) by k | where c > 2",
            "value_count",
            {"expanded-rows", "empty-array", "columns-differ", "window-assumed", "missing-value"},
        ),
        (
            "A | mv-expand e = d.list | extend n = tostring(e.name) | where isnotempty(n) | summarize c = dcount(n) by k | where c > 2",
            "value_count",
            {"expanded-rows", "columns-differ", "window-assumed"},
        ),
        (
            "A | mv-expand e = d.list | extend n = tostring(e.name) | join kind=inner B on $left.n == $right.k",
            "temporal",
            {"expanded-rows", "empty-array", "rows-differ", "window-assumed"},
        ),
        (
            "A | join (B | project k, T2 = TimeGenerated) on k | where T2 > TimeGenerated",
            "temporal_ordered",
            {"rows-differ", "window-assumed", "one-row-per-key"},
        ),
        ("A | join B on k | where y == 'a' and k == 'b'", "temporal", {"rows-differ", "window-assumed"}),
        (
            "union (A | where n == 1 | project k), (A | where ip == 'b' | project k = x) | join kind=inner B on k",
            "temporal",
            {"rows-differ", "window-assumed", "counted-twice"},
        ),
        (
            "union (A | where n == 1 | project k), (A | where n == 2 | project k = x) | join kind=inner B on k",
            "temporal",
            {"rows-differ", "window-assumed"},
        ),
        (
            "union (A | where n == 1 | project v = k), (A | where ip == 'b' | project v = x) | summarize c = dcount(v) | where c > 1",
            "value_count",
            {"columns-differ", "window-assumed", "counted-twice"},
        ),
        ("A | mv-apply e = d.list on (where e.name == 'v' | project p = tostring(e.kind)) | project p", "event", {"expanded-rows"}),
        ("A | mv-apply e = d.list on (where e.name == 'v' | top 1 by tostring(e.kind))", "event", {"expanded-rows", "row-limit"}),
        ("A | parse x with * 'user=' u ' ' * | where n > 1 | project u", "event", set()),
        ("A | summarize c = count() by k, size = strlen(k) | where c > 5", "event_count", {"columns-differ", "window-assumed"}),
        ("A | where not(ipv4_is_private(ip))", "event", set()),
        ("A | where ipv4_is_private(x)", "event", {"address-alone"}),
        (r"A | where ipv4_is_private(extract(@'from ([\d.]+)', 1, x))", "event", set()),
        (r"A | where ipv4_is_private(extract(@'from ([^ ]+)', 1, x))", "event", {"address-alone"}),
        (r"A | where ipv4_is_private(extract(@'from (\S+)', 1, x)) and ipv4_is_private(x)", "event", {"address-alone"}),
        ("Z | where x == y", "event", {"type-assumed"}),
        ("Z | where x_s == y_s", "event", set()),
        ("Z | where x =~ y", "event", set()),
        ("Z | where x != y", "event", set()),
        ("Z | where x == y and isnotempty(y)", "event", set()),
        (
            "Z | where x == y | summarize c = count() by k | where c < 5",
            "event_count",
            {"columns-differ", "window-assumed", "type-assumed"},
        ),
        (
            "A | where n == 1 | join kind=inner (A | where n == 1 | summarize c = count() by k | where c > 5) on k",
            "event_count",
            {"columns-differ", "rows-differ", "window-assumed"},
        ),
        ("A | join kind=inner (B | summarize c = count() by k | where c > 5) on k", "temporal", {"rows-differ", "window-assumed"}),
        (
            "A | join kind=inner (B | summarize c = count() by k, bin(TimeGenerated, 5m) | where c > 5) on k",
            "temporal",
            {"rows-differ", "window-assumed", "bucket-widened"},
        ),
        (
            "A | join kind=inner (B | summarize c = count() by k, bin(TimeGenerated, 5m) | where c < 5) on k",
            "temporal",
            {"rows-differ", "window-assumed", "bucket-widened"},
        ),
        (
            "A | extend b = bin(TimeGenerated, 1h) | join kind=inner (B | extend b = bin(TimeGenerated, 1h)) on k, b",
            "temporal",
            {"rows-differ"},
        ),
        (
            "union (A | summarize c = count() by k | where c > 5), (B | summarize c = dcount(y) by k | where c > 3)",
            "event_count",
            {"columns-differ", "window-assumed"},
        ),
        (
            "A | summarize c = count(), s = variance(n) by k | where c > 5 and s > 9",
            "event_count",
            {"columns-differ", "window-assumed", "condition-dropped"},
        ),
    ],
)
def test_lifted(kql: str, kind: str, said: set[str]) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection), codes(found)
    assert (found.kind, codes(found)) == (kind, said)


@pytest.mark.parametrize(
    ("kql", "facts"),
    [
        ("A | where x in (_GetWatchlist('vip') | project v)", {FilledList("vip", "v", nonempty=True)}),
        (
            "A | where tolower(x) in (_GetWatchlist('vip') | project v)",
            {FilledList("vip", "v", nonempty=True), CaseOfList("vip", "lower")},
        ),
        (
            "A | join kind=inner (_GetWatchlist('vip') | project v) on $left.x == $right.v",
            {FilledList("vip", "v", nonempty=True)},
        ),
        (
            "A | where x == 'a' and TimeGenerated > ago(1d)"
            " | join kind=leftanti (A | where TimeGenerated between (ago(8d) .. ago(1d))) on k",
            {FilledList("seen_k_in_a", "k", earlier=True)},
        ),
        ("A | where x == 'a'", set()),
    ],
)
def test_what_a_list_is_to_hold_is_said_to_programs(kql: str, facts: set[Fact]) -> None:
    assert {d.fact for d in lifted(kql).diagnostics if d.fact is not None} == facts


UNPACKED = (
    "E | where EventID == 13 | extend EventData = parse_xml(EventData).{path}"
    " | mv-expand bagexpansion=array EventData | evaluate bag_unpack(EventData)"
    " | extend Key = {key}, Value = {value} | evaluate pivot(Key, {aggregate}(Value), TimeGenerated, k) | where {condition}"
)


@pytest.mark.parametrize("path", ["EventData.Data", "DataItem.EventData.Data"])
@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("tostring(column_ifexists('@Name', ''))", "column_ifexists('#text', '')", "TargetObject"),
        ("tostring(['@Name'])", "['#text']", "column_ifexists('TargetObject', '')"),
    ],
)
def test_the_data_of_windows_events_becomes_fields(path: str, key: str, value: str, field: str) -> None:
    found = lifted(UNPACKED.format(path=path, key=key, value=value, aggregate="any", condition=f"{field} has 'Run'"))
    assert isinstance(found, Detection), found
    assert codes(found) == {"expanded-rows", "event-data-columns"}
    (selector,) = found.selectors
    assert expression(selector.predicate) == expression(lifted_predicate("E | where EventID == 13 | where TargetObject has 'Run'"))


ELEMENT_OF_A_NAME = "E | where EventID == 5136 | mv-apply d = parse_xml(EventData).EventData.Data on (where {named} | project v = {value})"


@pytest.mark.parametrize("named", ["d['@Name'] == 'TargetObject'", "tostring(d['@Name']) == 'TargetObject'"])
def test_an_element_of_a_name_is_the_field_of_that_name(named: str) -> None:
    found = lifted(ELEMENT_OF_A_NAME.format(named=named, value="tostring(d['#text'])") + " | where v has 'Run'")
    assert isinstance(found, Detection), found
    assert codes(found) == {"expanded-rows", "event-data-columns"}
    (selector,) = found.selectors
    filled = "E | where EventID == 5136 and isnotempty(TargetObject) | where TargetObject has 'Run'"
    assert expression(selector.predicate) == expression(lifted_predicate(filled))


@pytest.mark.parametrize(
    ("named", "value"),
    [
        ("d['@Name'] == 'TargetObject' or k == 'a'", "tostring(d['#text'])"),
        ("d['@Name'] != 'TargetObject'", "tostring(d['#text'])"),
        ("d['@Id'] == 'TargetObject'", "tostring(d['#text'])"),
        ("d['@Name'] == 'TargetObject'", "tostring(d['other'])"),
    ],
)
def test_other_elements_are_no_fields(named: str, value: str) -> None:
    found = lifted(ELEMENT_OF_A_NAME.format(named=named, value=value) + " | where v has 'Run'")
    assert not isinstance(found, Detection) or "TargetObject has" not in expression(found.selectors[0].predicate)


@pytest.mark.parametrize(
    ("path", "key", "value", "aggregate"),
    [
        ("EventData.Other", "['@Name']", "['#text']", "any"),
        ("EventData.Data", "['#text']", "['@Name']", "any"),
        ("EventData.Data", "['@Name']", "['#text']", "count"),
    ],
)
def test_other_pivots_are_refused(path: str, key: str, value: str, aggregate: str) -> None:
    kql = UNPACKED.format(path=path, key=key, value=value, aggregate=aggregate, condition="TargetObject == 'a'")
    for query in (kql, kql.replace(f", {aggregate}(Value), TimeGenerated, k)", ")")):
        found = lifted(query)
        assert isinstance(found, NoDetection)
        assert codes(found) == {"unsupported-operator"}


SYSMON = (
    "Event | where {events} and Computer == 'h' | extend Data = parse_xml(EventData).DataItem.EventData.Data "
    "| where Data.[{place}].['#text'] == '10.0.0.1'"
)


@pytest.mark.parametrize(
    ("events", "place", "field"),
    [
        ("Source == 'Microsoft-Windows-Sysmon' and EventID == 3", 14, "DestinationIp"),
        ("Source == 'Microsoft-Windows-Sysmon' and EventID in (1, 3)", 4, "Image"),
        ("Source == 'Microsoft-Windows-Sysmon' and EventID in (1, 3)", 5, None),
        ("Source == 'Microsoft-Windows-Sysmon' and EventID == 1", 16, None),
        ("EventID == 3", 14, None),
    ],
)
def test_a_place_in_the_data_of_known_events_is_a_field(events: str, place: int, field: str | None) -> None:
    sigma = translator.convert(rule(SYSMON.format(events=events, place=place)), ("sigma",)).outputs["sigma"]
    said = {d.code for d in sigma.diagnostics}
    assert (f"{field}|cased: 10.0.0.1" in sigma.text or f"{field}: 10.0.0.1" in sigma.text) == (field is not None)
    assert ("event-data-columns" in said, "condition-dropped" in said) == (field is not None, field is None)


@pytest.mark.parametrize(
    ("kql", "same"),
    [
        ("A | where d.[0].name == 'v'", "A | where d[0].name == 'v'"),
        ("A | evaluate bag_unpack(d) | where name == 'v'", "A | where d.name == 'v'"),
        ("A | evaluate bag_unpack(d, 'd_') | where d_name == 'v' and x == 'a'", "A | where d.name == 'v' and x == 'a'"),
    ],
)
def test_different_spellings_of_a_part_of_a_bag_are_one(kql: str, same: str) -> None:
    assert expression(lifted_predicate(kql)) == expression(lifted_predicate(same))


@pytest.mark.parametrize(
    ("test", "network"),
    [
        ("ipv4_is_in_range(ip, '127.0.0.1')", "127.0.0.1/32"),
        ("ipv4_is_in_range(ip, '10.1.2.3/8')", "10.0.0.0/8"),
        ("ipv4_is_match(ip, '10.1.2.3', 16)", "10.1.0.0/16"),
    ],
)
def test_a_network_has_its_mask_and_no_more(test: str, network: str) -> None:
    assert [n.value for n in walk(lifted_predicate(f"A | where {test}")) if isinstance(n, Const)] == [network]


def lifted_predicate(kql: str) -> Expr:
    found = lifted(kql)
    assert isinstance(found, Detection), found
    (selector,) = found.selectors
    return selector.predicate


@pytest.mark.parametrize(
    ("kql", "code"),
    [
        ("Unknown | evaluate bag_unpack(d) | where name == 'v'", "unsupported-operator"),
        ("A | join kind=leftouter B on k | where isempty(y)", "unsupported-join"),
        ("A | join kind=inner B on k | join kind=inner C on $left.y == $right.z", "unsupported-join"),
        ("A | summarize count()", "unsupported-detection"),
        ("A | summarize sum(n) | where sum_n < 5", "unsupported-detection"),
        ("A | summarize v = variance(n) by k | where v > 5", "unsupported-detection"),
        ("A | summarize c = count(), d = dcount(v) | where c < 5 and d < 3", "unsupported-detection"),
        ("A | summarize c = countif(x == 'a') by k | where c < 3", "unsupported-detection"),
        ("A | summarize m = max(n) by k | where m < 3", "unsupported-detection"),
        ("A | summarize c = count() by p = strcat(k, '-', x) | where c > 5", "unsupported-expression"),
        ("A | summarize c = dcount(strcat(k, '-', x)) | where c > 5", "unsupported-expression"),
        ("A | summarize c = dcount(tostring(split(x, '.')[0])) by k | where c < 5", "unsupported-expression"),
        ("A | summarize arg_max(TimeGenerated, *) by k | where TimeGenerated < ago(60d)", "unsupported-detection"),
        ("A | where isnotempty(k) and k in ((B | make-series count() on TimeGenerated step 1h by k | project k))", "unsupported-series"),
        ("A | summarize s = make_set(x) by k | where s has '\", \"'", "unsupported-detection"),
        ("datatable (a:string) ['x']", "unsupported-detection"),
        ("A | mv-apply e = d.list on (summarize c = count()) | where c > 3", "unsupported-operator"),
        ("A | make-series count() on TimeGenerated step 1h", "unsupported-series"),
        ("A | where TimeGenerated > ago(1d) | join kind=leftanti (A | where TimeGenerated < ago(1d)) on k, j", "unsupported-detection"),
        ("_GetWatchlist('vip')", "unsupported-detection"),
        ("A | where x == 'a' and x != 'a' and false", "unsupported-detection"),
        ("A | extend kk = strcat(k, '!') | join kind=inner B on $left.kk == $right.k", "unsupported-expression"),
        ("A | where TimeGenerated in (_GetWatchlist('times') | project t = todatetime(SearchKey))", "unsupported-expression"),
    ],
)
def test_refused_with_a_reason(kql: str, code: str) -> None:
    found = lifted(kql)
    assert isinstance(found, NoDetection), found
    assert code in codes(found)
    assert all(d.message and d.advice for d in found.diagnostics)


@pytest.mark.parametrize(
    ("kql", "code", "direction"),
    [
        # keys without case make larger groups; values without case are fewer
        ("A | summarize c = count() by u = tolower(k) | where c > 5", "key-case", "narrower"),
        ("A | summarize c = count() by u = tolower(k) | where c < 5", "key-case", "broader"),
        ("A | summarize c = count() by u = tolower(k) | where c == 5", "key-case", "differs"),
        ("A | summarize c = avg(n) by u = tolower(k) | where c > 5", "key-case", "differs"),
        ("A | summarize c = dcount(tolower(x)) by k | where c > 5", "value-case", "broader"),
        ("A | summarize c = dcount(tolower(x)) by k | where c < 5", "value-case", "narrower"),
        ("A | extend u = tolower(k) | join kind=inner (B | extend u = tolower(k)) on u", "key-case", "narrower"),
        ("A | extend u = tolower(k) | join kind=leftanti (B | extend u = tolower(k)) on u", "key-case", "broader"),
        ("A | where k in~ ((B | project k))", "key-case", "narrower"),
        ("A | where k !in~ ((B | project k))", "key-case", "broader"),
        # more rows than the query has, where these are asked for, counted, or must not be
        ("A | top 1 by TimeGenerated", "row-limit", "broader"),
        ("A | top 1 by TimeGenerated | summarize c = count() by k | where c > 2", "row-limit", "broader"),
        ("A | top 1 by TimeGenerated | summarize c = count() by k | where c < 2", "row-limit", "differs"),
        ("A | top 1 by TimeGenerated | summarize c = count() | where c < 2", "row-limit", "narrower"),
        ("A | join kind=inner (B | top 1 by TimeGenerated) on k", "row-limit", "broader"),
        ("A | join kind=leftanti (B | top 1 by TimeGenerated) on k", "row-limit", "narrower"),
        ("A | where k !in ((B | top 1 by TimeGenerated | project k))", "row-limit", "narrower"),
        ("A | top 1 by TimeGenerated | summarize m = min(n) by k | where m < 5", "row-limit", "broader"),
        # a summary of a summary
        ("A | take 9 | summarize c = count() by k, x | summarize d = count() by k | where d > 2", "row-limit", "broader"),
        ("A | take 9 | summarize c = count() by k, x | summarize s = sum(c) by k | where s < 2", "row-limit", "differs"),
        # where a deviation stands in a condition
        ("T | mv-expand e = d.list | where e.a == 'x' and e.b == 'y'", "elements-apart", "broader"),
        ("T | mv-expand e = d.list | where e.a == 'x' | mv-expand f = d.more | where e.b == 'y'", "elements-apart", "broader"),
        ("A | join kind=leftanti (T | mv-expand e = d.list | where e.a == 'x' and e.b == 'y') on k", "elements-apart", "narrower"),
        ("T | mv-expand e = d.list | where (e.a == 'x' and e.b == 'y') or e.c == 'z'", "elements-apart", "broader"),
        ("T | mv-expand e = d.list | where coalesce(tostring(e.a), tostring(e.b)) == 'x'", "elements-apart", "broader"),
        ("T | mv-expand e = d.list limit 1 | where e.a == 'x'", "row-limit", "broader"),
        ("T | mv-expand e = d.list, f = d.more | where e.a == 'x' and f.b == 'y'", "elements-apart", "broader"),
        # what is counted, grouped or joined by is of the element for which a condition stands
        (
            "T | mv-expand e = d.list | where e.a == 'x' | summarize c = dcount(tostring(e.b)) by k | where c > 2",
            "elements-apart",
            "broader",
        ),
        (
            "T | mv-expand e = d.list | where e.a == 'x' | summarize c = count() by b = tostring(e.b) | where c > 2",
            "elements-apart",
            "broader",
        ),
        ("T | mv-expand e = d.list | summarize c = dcount(tostring(e.a)) by b = tostring(e.b) | where c > 2", "elements-apart", "broader"),
        ("A | where k in ((T | mv-expand e = d.list | where e.a == 'x' | project b = tostring(e.b)))", "elements-apart", "broader"),
        ("A | where k !in ((T | mv-expand e = d.list | where e.a == 'x' | project b = tostring(e.b)))", "elements-apart", "narrower"),
    ],
)
def test_in_which_direction_a_deviation_errs(kql: str, code: str, direction: str) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection), codes(found)
    assert {d.direction.value for d in found.diagnostics if d.code == code} == {direction}


@pytest.mark.parametrize(
    ("kql", "keys", "code"),
    [
        ("A | summarize c = count() by p = strcat(k, '-', x) | where c < 5", ("k", "x"), "key-finer"),
        ("A | summarize c = dcount(n) by k, p = tostring(split(x, '.')[0]) | where c <= 5", ("k", "x"), "key-finer"),
        ("A | summarize c = count() by k, p = tostring(split(x, '.')[0]) | where c > 5", ("k",), "key-dropped"),
        ("A | summarize c = dcount(tostring(split(x, '.')[0])) by k | where c > 5", ("k",), "counted-field"),
    ],
)
def test_what_stands_for_a_computed_key_or_value(kql: str, keys: tuple[str, ...], code: str) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection), codes(found)
    assert found.group_by == keys
    assert code in codes(found)


def test_an_alternative_of_a_key_that_no_event_can_have_is_none() -> None:
    found = lifted("A | where x == 'a' | extend k = iff(x == 'b', y, z) | join kind=inner (B | where x == 'c' | project k = y) on k")
    assert isinstance(found, Detection)
    assert [[expression(key) for key in s.keys] for side in found.sides for s in side.selectors] == [["z"], ["y"]]


def test_a_conditional_key_makes_alternatives_in_order() -> None:
    found = lifted("A | join kind=inner (B | extend j = case(y != '', y, k != '', k, 'none')) on $left.ip == $right.j")
    assert isinstance(found, Detection)
    names = [s.name for s in found.sides[1].selectors]
    assert names == ["b_1", "b_2"] and "constant-branch-dropped" in codes(found)


def test_a_constant_that_could_be_the_key_is_a_deviation() -> None:
    found = lifted("A | join kind=inner (B | extend j = iff(y != '', y, 'none')) on $left.x == $right.j")
    assert isinstance(found, Detection) and "constant-key" in codes(found)


@pytest.mark.parametrize(
    ("kql", "period", "seconds"),
    [
        ("A | summarize c = count() by k | where c > 1", None, 86_400),
        ("A | summarize c = count() by k | where c > 1", 3_600, 3_600),
        ("A | where TimeGenerated > ago(2h) | summarize c = count() by k | where c > 1", 86_400, 7_200),
        ("let w = 30m; A | where TimeGenerated between (ago(w) .. now()) | summarize c = count() by k | where c > 1", None, 1_800),
        ("A | where TimeGenerated > ago(14d) | summarize c = count() by k | where c > 1", 86_400, 86_400),
    ],
)
def test_the_window(kql: str, period: int | None, seconds: int) -> None:
    found = lifted(kql, period)
    assert isinstance(found, Detection) and found.timespan == seconds


def test_an_anti_join_makes_a_side_absent() -> None:
    found = lifted("A | where x == 'a' | join kind=leftanti (B | where y == 'b') on k")
    assert isinstance(found, Detection)
    assert [(side.name, side.absent) for side in found.sides] == [("a", False), ("b", True)]
    assert [s.name for s in found.shown] == ["a"]


def test_order_and_distance_of_two_sides() -> None:
    found = lifted("A | extend t = TimeGenerated | join kind=inner B on k | where t > TimeGenerated1")
    assert isinstance(found, Detection)
    assert ([side.name for side in found.sides], found.strict, found.within) == (["b", "a"], True, None)
    near = lifted("A | extend t = TimeGenerated | join kind=inner B on k | where TimeGenerated1 between (t .. (t + 10m))")
    assert isinstance(near, Detection)
    assert ([side.name for side in near.sides], near.within, near.timespan) == (["a", "b"], 600, 600)


def test_alternatives_keep_their_own_windows() -> None:
    found = lifted(
        "union (A | where TimeGenerated > ago(1h) | summarize c = count() by k | where c > 5),"
        " (B | where TimeGenerated > ago(1d) | summarize c = count() by k | where c > 9)"
    )
    assert isinstance(found, Detection)
    assert [(d.timespan, d.threshold.count if d.threshold else 0, d.part) for d in found.alternatives] == [
        (3600, 5, "part_1_"),
        (86400, 9, "part_2_"),
    ]


@pytest.mark.parametrize(
    ("summary", "condition", "kind", "sides"),
    [
        ("s = sum(n)", "s > 5", "value_sum", [""]),
        ("s = avg(n)", "s >= 5.5", "value_avg", [""]),
        ("p = percentile(n, 95)", "p > 5", "value_percentile", [""]),
        ("c = countif(x == 'a')", "c > 5", "event_count", [""]),
        ("c = countif(x == 'a')", "c > 0", "event", [""]),
        ("c = dcountif(v, x == 'a')", "c > 5", "value_count", [""]),
        ("m = max(n)", "m > 5", "event", [""]),
        ("m = minif(n, x == 'a')", "m <= 5", "event", [""]),
        ("f = countif(x == 'a'), s = countif(x == 'b')", "f > 5 and s > 0", "temporal", ["event_count", ""]),
        ("f = countif(x == 'a'), s = countif(x == 'b')", "f > 5 and s == 0", "temporal", ["event_count", "absent"]),
        ("f = countif(x == 'a'), s = countif(x == 'b')", "f > 5 and s >= 0", "event_count", [""]),
        ("f = countif(x == 'a'), s = dcountif(v, x == 'b')", "f > 0 and s > -1", "event", [""]),
        ("c = countif(x == 'a')", "c >= 0", "event", [""]),
        ("c = countif(x == 'a')", "c == 0", "temporal", ["", "absent"]),
        ("c = count(), d = dcount(v), s = sum(n)", "c > 5 and d >= 2 and s > 9", "temporal", ["event_count", "value_count", "value_sum"]),
        ("c = count(), s = make_set(x)", "c > 5 and set_has_element(s, 'a')", "temporal", ["event_count", ""]),
    ],
)
def test_what_a_summary_measures(summary: str, condition: str, kind: str, sides: list[str]) -> None:
    found = lifted(f"A | where isnotempty(k) | summarize {summary} by k | where {condition}")
    assert isinstance(found, Detection), codes(found)
    assert found.kind == kind
    assert [("absent" if s.absent else s.threshold.kind if s.threshold else "") for s in found.sides] == sides
    assert "condition-dropped" not in codes(found)


@pytest.mark.parametrize("summary", ["c = sumif(n, x == 'b'), f = count()", "c = dcountif(v, x == 'b'), f = countif(x == 'a')"])
def test_a_threshold_that_no_event_satisfies_as_well_is_left_out_of_others(summary: str) -> None:
    found = lifted(f"A | summarize {summary} by k | where f > 5 and c {'>= 0' if 'sum' in summary else '<= 3'}")
    assert isinstance(found, Detection), codes(found)
    assert (found.kind, "condition-dropped" in codes(found)) == ("event_count", True)


@pytest.mark.parametrize("condition", ["c >= 0", "c > -1"])
def test_a_count_of_nothing_that_satisfies_its_threshold_is_no_detection(condition: str) -> None:
    assert "unsupported-detection" in codes(lifted(f"A | summarize c = count() | where {condition}"))


PLAIN, GROUPED, DISTINCT = "A | where x == 'a'", "A | summarize n = count() by k | where n > 10", "A | where x == 'a' | distinct k"


@pytest.mark.parametrize(
    ("kql", "operator", "count", "rows", "expected"),
    [
        # the operator, the count and what the target can do; then the kind of detection, or the trigger that the target is to write
        (PLAIN, "gt", 0, "", "event"),
        (PLAIN, "ne", 0, "", "event"),
        (PLAIN, "gt ", 10, "", "event_count > 10"),
        (PLAIN, "GreaterThan", 3, "", "event_count > 3"),
        (PLAIN, "gt", 3, "counted", "event_count > 3"),
        (PLAIN, "gt", 3, "kept", "rows > 3"),
        (PLAIN, "eq", 0, "kept", "rows == 0"),
        (PLAIN, "LessThan", 3, "counted", "rows < 3"),
        (PLAIN, "lt", 1, "", "trigger-absence"),
        (PLAIN, "eq", 3, "", "trigger-condition"),
        (GROUPED, "gt", 3, "", "trigger-threshold"),
        (GROUPED, "gt", 3, "kept", "rows > 3"),
        (GROUPED, "lt", 3, "", "trigger-absence"),
        # a row of the query is several of the output
        (DISTINCT, "gt", 3, "kept", "trigger-threshold"),
        (DISTINCT, "lt", 3, "kept", "trigger-absence"),
        (DISTINCT, "eq", 0, "kept", "rows == 0"),
    ],
)
def test_the_rules_own_condition_on_rows(kql: str, operator: str, count: int, rows: str, expected: str) -> None:
    detection = lifted(kql)
    assert isinstance(detection, Detection)
    found = with_trigger(detection, trigger_of(operator, count), rows)
    said = {d.code for d in found.diagnostics if d.code.startswith("trigger")}
    if isinstance(found, NoDetection) or said:
        assert said == {expected}
    elif found.trigger is not None:
        assert f"rows {found.trigger.operator} {found.trigger.count}" == expected
    elif found.kind == "event_count":
        assert found.threshold is not None and not found.group_by
        assert f"event_count {found.threshold.operator} {found.threshold.count}" == expected
    else:
        assert found.kind == expected


@pytest.mark.parametrize(
    ("condition", "operator", "count"),
    [
        ("summarize n = count() | where n < 5", "<", 5),
        ("summarize n = countif(y == 'b') | where n == 0", "<", 1),
        ("count | where Count == 0", "<", 1),
        ("summarize n = dcount(y) | where n <= 2", "<=", 2),
    ],
)
def test_a_count_over_everything_alerts_on_nothing(condition: str, operator: str, count: int) -> None:
    found = lifted(f"A | where x == 'a' | {condition}")
    assert isinstance(found, Detection) and found.alerts_on_nothing and found.threshold is not None
    assert (found.threshold.operator, found.threshold.count) == (operator, count)
    grouped = lifted(f"A | where x == 'a' | {condition.replace(' | where', ' by k | where')}") if "summarize" in condition else None
    assert not isinstance(grouped, Detection) or not grouped.alerts_on_nothing


@pytest.mark.parametrize(
    ("by", "period", "said"),
    [
        ("k", None, {"first-seen-list", "empty-listed", "rows-differ"}),
        ("k", 14 * DAY, {"first-seen-list", "empty-listed", "rows-differ"}),
        ("k", DAY, {"rows-differ"}),
        ("k, x", None, {"first-seen-dropped", "rows-differ"}),
    ],
)
def test_a_first_time_within_the_last_day(by: str, period: int | None, said: set[str]) -> None:
    kql = f"A | where y == 'a' and TimeGenerated > ago(14d) | summarize t = min(TimeGenerated) by {by} | where t > ago(1d)"
    found = lifted(kql, period)
    assert isinstance(found, Detection), codes(found)
    assert (found.kind, found.timespan, codes(found)) == ("event", DAY, said)


@pytest.mark.parametrize(
    ("kql", "read"),
    [
        ("union Q, R | where x == 'a' | where k == 'b'", {"x", "k"}),
        ("Q | union R | where x == 'a' | extend u = tolower(k) | sort by m | summarize c = count() by u, l | where c > 1", {"x", "k", "l"}),
        ("union Q, R | parse x with 'a' u | extend v = u | where v == 'b' and k == 'c'", {"x", "k"}),
    ],
)
def test_each_table_of_a_union_has_the_columns_that_later_operators_read(kql: str, read: set[str]) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection), codes(found)
    assert "condition-dropped" not in codes(found)
    for selector in found.selectors:
        columns = [n.column for x in (selector.predicate, *selector.keys) for n in walk(x) if isinstance(n, ColumnRef)]
        assert {(c.table, c.name) for c in columns} == {(selector.table, name) for name in read}
    assert [s.table for s in found.selectors] == ["Q", "R"]


def test_a_part_that_can_never_be_is_not_counted() -> None:
    found = lifted("union (A | where x == 'a'), (B | where tolower(y) == 'ABC') | summarize c = count() by k | where c > 5")
    assert isinstance(found, Detection), codes(found)
    assert (found.kind, [s.table for s in found.selectors]) == ("event_count", ["A"])


@pytest.mark.parametrize(
    ("order", "function", "gap", "literals"),
    [
        ("asc", "prev({0})", "TimeGenerated - t", ["a", "b"]),
        ("desc", "prev({0})", "t - TimeGenerated", ["b", "a"]),
        ("asc", "next({0})", "t - TimeGenerated", ["b", "a"]),
        ("desc", "next({0}, 1)", "TimeGenerated - t", ["a", "b"]),
    ],
)
def test_the_row_beside_is_a_side_that_comes_before_or_after(order: str, function: str, gap: str, literals: list[str]) -> None:
    other = ", ".join(f"{name} = {function.format(column)}" for name, column in (("p", "x"), ("pk", "k"), ("t", "TimeGenerated")))
    found = lifted(
        f"A | where isnotempty(k) | sort by k asc, TimeGenerated {order} | extend {other}"
        f" | where pk == k and p == 'a' and x == 'b' and {gap} <= 5m"
    )
    assert isinstance(found, Detection), codes(found)
    assert (found.kind, found.within, found.group_by) == ("temporal_ordered", 300, ("k",))
    assert "adjacent-rows" in codes(found) and not {"condition-dropped", "empty-join-key"} & {*codes(found)}
    assert [[n.value for n in walk(s.predicate) if isinstance(n, Const) and n.value in ("a", "b")] for s in found.selectors] == [
        [x] for x in literals
    ]


def test_the_first_row_of_all_has_an_empty_key_before_it() -> None:
    found = lifted("A | sort by TimeGenerated asc | where prev(k) == k and prev(x) != 'a' and x == 'b'")
    assert isinstance(found, Detection) and "empty-join-key" in codes(found)


@pytest.mark.parametrize(
    ("kql", "verdict"),
    [
        ("A | serialize | extend p = prev(x) | where p == 'a' and x == 'b'", "broader"),
        ("A | sort by TimeGenerated asc | extend p = prev(x) | where p == 'a' and x == 'b'", "broader"),
        (
            "A | sort by TimeGenerated asc | extend p = prev(x), pk = prev(k), n = next(x) | where pk == k and p == 'a' and n == 'b'",
            "none",
        ),
    ],
)
def test_conditions_on_rows_beside_in_no_order_or_without_a_key_are_left_out(kql: str, verdict: str) -> None:
    output = translator.convert(rule(kql), ("sigma",)).outputs["sigma"]
    assert output.verdict.value == verdict
    assert ("condition-dropped" in {d.code for d in output.diagnostics}) == (verdict == "broader")


@pytest.mark.parametrize(
    ("kql", "places"),
    [
        ("A | where x == 'a'", [Place.PLAIN]),
        ("A | summarize c = count() by k | where c > 5", [Place.PLAIN]),
        ("A | summarize c = count() by k | where c < 5", [Place.BOTH]),  # more events also make more groups
        ("A | summarize c = count() by bin(TimeGenerated, 1h) | where c < 5", [Place.BOTH]),
        ("A | summarize c = count() | where c < 5", [Place.TURNED]),
        ("A | summarize c = count() | where c == 5", [Place.BOTH]),
        ("A | summarize c = dcount(x) | where c <= 5", [Place.TURNED]),
        ("A | summarize c = sum(n) by k | where c > 5", [Place.BOTH]),  # a sum falls with a negative number
        ("A | join kind=leftanti B on k", [Place.PLAIN, Place.TURNED]),
        ("A | summarize a = countif(x == 'a'), b = countif(x == 'b') by k | where a > 5 and b == 0", [Place.PLAIN, Place.TURNED]),
    ],
)
def test_what_more_events_of_a_side_do_to_the_alert(kql: str, places: list[Place]) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection), codes(found)
    assert [found.place_of(s) for s in found.selectors] == places
    assert found.place == (places[0] if len({*places}) == 1 else Place.BOTH)


@pytest.mark.parametrize(
    ("kql", "keys"),
    [
        ("A | where x == 'a' | summarize arg_max(TimeGenerated, *) by k, x", [["k", "x"]]),
        ("union A, B | summarize arg_max(TimeGenerated, *) by k", [["k"], ["k"]]),
        ("A | where x == 'a'", None),
        ("union (A | where x == 'a' | summarize arg_max(TimeGenerated, *) by k), (B | summarize c = count() by k | where c > 5)", None),
        ("union (B | summarize c = count() by k | where c > 5), (A | where x == 'a' | summarize arg_max(TimeGenerated, *) by k)", None),
    ],
)
def test_one_event_of_each_group(kql: str, keys: list[list[str]] | None) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection), codes(found)
    grouped = found.of_groups()
    assert (None if grouped is None else [[expression(k) for k in s.keys] for s in grouped.selectors]) == keys
    if grouped is not None and keys is not None:
        assert list(grouped.group_by) == keys[0] and not grouped.others
        several = replace(found, others=(found,)).of_groups()
        assert several is not None and several.others == (grouped,)
    assert replace(found, sides=found.sides * 2).of_groups() is None  # which of several sides it is nothing tells


def test_selectors_of_all_sides_have_names_of_their_own() -> None:
    found = lifted("A | where x == 'a' | extend k = iff(y == 'b', l, m) | join kind=inner (A | where x == 'c') on k")
    assert isinstance(found, Detection), codes(found)
    names = [s.name for s in found.selectors]
    assert len(names) == 3 and len(set(names)) == 3


def test_a_choice_between_thresholds_is_one_of_detections() -> None:
    found = lifted("A | summarize c = count(), d = dcount(v), m = max(n) by k | where (c > 5 or d > 3) and m > 9")
    assert isinstance(found, Detection), codes(found)
    detections = [found, *found.others]
    assert [[s.threshold and s.threshold.kind for s in d.sides] for d in detections] == [["event_count", None], ["value_count", None]]
    assert [d.part for d in detections] == ["choice_1_", "choice_2_"]


def test_a_count_of_one_side_of_a_join() -> None:
    found = lifted("A | join kind=inner (B | summarize c = dcount(y) by k | where c >= 3) on k")
    assert isinstance(found, Detection)
    (plain, counted) = found.sides
    assert plain.threshold is None
    assert counted.threshold is not None
    assert (counted.threshold.operator, counted.threshold.count, len(counted.threshold.fields), len(counted.grouping[0])) == (">=", 3, 1, 1)


REDUCED = "(A | where x == 'b' | reduce by k)"
"""A part that no detection can be made of."""


@pytest.mark.parametrize(
    ("kql", "kind", "tables"),
    [
        (f"union (B | where y == 'a'), {REDUCED}", "event", ["B"]),
        (f"union {REDUCED}, (B | where y == 'a'), (C | where z == 'c')", "event", ["B", "C"]),
        (f"union (B | summarize c = count() by k | where c > 5), {REDUCED}", "event_count", ["B"]),
        (f"union (A | where x == 'a'), {REDUCED} | summarize c = count() by k | where c > 5", "event_count", ["A"]),
        ("union (B | summarize c = count() by k | where c > 5), (C | summarize c = stdev(1) by k | where c > 5)", "event_count", ["B"]),
        ("A | where x == 'a' | extend j = iff(n > 1, k, strcat(k, x)) | join kind=inner B on $left.j == $right.k", "temporal", ["A", "B"]),
    ],
)  # fmt: skip
def test_a_part_that_cannot_be_said_leaves_a_narrower_rest(kql: str, kind: str, tables: list[str]) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection), found
    assert found.kind == kind and [s.table for s in found.selectors] == tables and not found.others
    (dropped,) = [d for d in found.diagnostics if d.code == "alternative-dropped"]
    assert dropped.span is not None and dropped.direction == Verdict.NARROWER


@pytest.mark.parametrize(
    "kql",
    [
        f"A | where x == 'a' | join kind=leftanti (union (B | where y == 'a'), {REDUCED}) on k",
        f"A | where x == 'a' and k !in ((union (B | where y == 'a'), {REDUCED} | project k))",
        f"union (A | where x == 'a'), {REDUCED} | summarize c = count() by k | where c < 5",
        f"union {REDUCED}, {REDUCED}",
        "A | where x == 'a' | join kind=leftanti (B | extend j = iff(m > 1, k, strcat(k, y))) on $left.k == $right.j",
    ],
)
def test_no_part_is_left_out_where_more_would_alert(kql: str) -> None:
    found = lifted(kql)
    assert isinstance(found, NoDetection) and all(d.direction == Verdict.NONE for d in found.diagnostics)


def test_unions_of_unions_are_alternatives_of_one() -> None:
    counted = "(A | summarize c = count() by k | where c > 5)"
    found = lifted(f"union (union {counted}, (B | summarize c = count() by k | where c > 2)), (C | where z == 'c')")
    assert isinstance(found, Detection)
    assert [d.kind for d in found.alternatives] == ["event_count", "event_count", "event"]
    assert [d.threshold and d.threshold.count for d in found.alternatives] == [5, 2, None]


@pytest.mark.parametrize("values", ["B1, C1", "(B1 | summarize s = make_set(k)), (C1 | summarize s = make_set(k))"])
def test_a_value_of_one_of_several_summaries_is_in_one_or_another(values: str) -> None:
    counted = "summarize c = count() by k | where c > 5 | project k"
    lets = f"let B1 = B | where y == 'b' | {counted}; let C1 = C | where y == 'c' | {counted};"
    found = lifted(f"{lets} A | where x == 'a' | where k in ((union {values}))")
    assert isinstance(found, Detection), codes(found)
    assert [[s.table for s in d.selectors] for d in (found, *found.others)] == [["A", "B"], ["A", "C"]]
    assert all(d.kind == "temporal" and d.sides[1].threshold is not None for d in (found, *found.others))


def test_a_target_leaves_out_the_alternative_it_cannot_say() -> None:
    found = lifted("union (A | where x == 'a'), (B | where y == 'b') | summarize c = dcount(k) | where c > 5")
    assert isinstance(found, Detection)
    less = relaxed(found, lambda selector, part: selector.table == "B")
    assert less is not None and less.threshold is not None
    assert [s.table for s in less.selectors] == ["B"] and len(less.threshold.fields) == 1
    assert isinstance(less.threshold.fields[0], ColumnRef) and less.threshold.fields[0].column.table == "B"
    assert "alternative-dropped" in codes(less)
    assert relaxed(found, lambda selector, part: False) is None


def test_a_part_without_conditions_stays_where_another_loses_one() -> None:
    found = lifted("union (A | where x == 'a' and n == 1 | project k), (A | project k) | summarize by k")
    assert isinstance(found, Detection)
    less = relaxed(found, lambda selector, part: "ColumnRef" not in repr(part) or "'n'" not in repr(part))
    assert less is not None and codes(less) - codes(found) == {"condition-dropped"}
    assert [len(conjuncts(s.predicate)) for s in less.selectors] == [1, 0]


@pytest.mark.parametrize(
    ("kql", "unsaid", "left", "code"),
    [
        ("A | where x == 'a' and n == 1", "n ==", ["x"], "condition-dropped"),
        ("A | where x == 'a' and k in ((_GetWatchlist('w') | project SearchKey))", "expand", ["x"], "list-dropped"),
        ("A | where x == 'a' and n == 1 | summarize c = count() by k | where c > 5", "n ==", ["x"], "condition-dropped"),
        ("A | where x == 'a' and n == 1 | join kind=inner (B | where y == 'b') on k", "n ==", ["x", "y"], "condition-dropped"),
        ("A | where x == 'a' and n == 1 | join kind=leftanti (B | where y == 'b') on k", "n ==", ["x", "y"], "condition-dropped"),
        ("union (A | where x == 'a'), (B | where y == 'b' and m == 1)", "m ==", ["x", "y"], "condition-dropped"),
        ("union (A | where x == 'a'), (B | where m == 1)", "m ==", ["x"], "alternative-dropped"),
        ("union (A | where x == 'a'), (B | where isnotempty(k) and m == 1)", "m ==", ["x"], "alternative-dropped"),
        ("A | where x == 'a'", "n ==", None, ""),  # nothing is unsaid
        ("A | where isnotempty(x) and n == 1", "n ==", None, ""),  # what is left is no more than presence
        ("A | where n == 1 | join kind=inner (B | where y == 'b') on k", "n ==", None, ""),
        ("A | where x == 'a' | join kind=leftanti (B | where y == 'b' and m == 1) on k", "m ==", None, ""),
        ("A | where x == 'a' and n == 1 | summarize c = count() by k | where c < 5", "n ==", None, ""),
        ("A | where x == 'a' and n == 1 | summarize s = sum(n) by k | where s > 5", "n ==", None, ""),
        ("A | where x == 'a' and n == 1 | summarize s = sum(n), c = count() by k | where s > 3 and c > 1", "n ==", None, ""),
    ],
)
def test_what_is_left_out_where_a_target_has_no_words(kql: str, unsaid: str, left: list[str] | None, code: str) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection), codes(found)
    less = relaxed(found, lambda selector, part: unsaid not in expression(part))
    assert (None if less is None else [expression(s.predicate)[0] for s in less.selectors]) == left
    assert less is None or {d.code for d in less.diagnostics if "no spelling here" in d.message} == {code}
    assert relaxed(replace(found, trigger=Trigger("<", 5)), lambda selector, part: unsaid not in expression(part)) is None


def test_what_is_left_must_ask_for_more_than_presence() -> None:
    found = lifted("A | where isnotempty(k) and x matches regex 'a' and n == 1")
    assert isinstance(found, Detection)

    def all_but(*functions: str) -> Callable[[Selector, Expr], bool]:
        return lambda selector, part: not (isinstance(part, Apply) and part.function in functions)

    less = relaxed(found, all_but("matches regex"))
    assert less is not None and codes(less) == {"condition-dropped"}
    assert relaxed(found, all_but("matches regex", "==")) is None


@pytest.mark.parametrize(
    ("called", "filtered"),
    [
        (
            "imDns(starttime=ago(1d), domain_has_any=dynamic(['a.com']), responsecodename='NXDOMAIN')",
            "TimeGenerated >= ago(1d) and DnsQuery has_any (dynamic(['a.com'])) and DnsResponseCodeName =~ 'NXDOMAIN' "
            "and EventType == 'Query'",
        ),
        ("_Im_Dns(domain_has_any=dynamic([]), eventtype='*') | where SrcIpAddr == '::1'", "SrcIpAddr == '::1'"),
        ("imDns(eventtype='lookup')", "EventType == 'Query'"),
        ("let l = dynamic(['x']); imDns(domain_has_any=l)", "DnsQuery has_any (dynamic(['x'])) and EventType == 'Query'"),
        (
            "vimDnsAzureFirewall | where SrcIpAddr == '::1'",
            "EventType == 'Query' and EventProduct in ('Azure Firewall') and SrcIpAddr == '::1'",
        ),
        (
            "_Im_Dns_AzureFirewallV02(disabled=false) | where SrcIpAddr == '::1'",
            "EventType == 'Query' and EventProduct in ('Azure Firewall') and SrcIpAddr == '::1'",
        ),
    ],
)
def test_parameters_of_asim_parsers_are_filters(called: str, filtered: str) -> None:
    one, other = lifted(called), lifted(f"['_Im_Dns'] | where {filtered}")
    assert isinstance(one, Detection) and isinstance(other, Detection)
    assert by_name(one.selectors[0].predicate) == by_name(other.selectors[0].predicate)
    assert one.timespan == other.timespan == 86_400


@pytest.mark.parametrize("called", ["vimDnsAzureFirewall(disabled=true)", "vimAuthenticationEmpty"])
def test_a_parser_that_is_disabled_or_of_no_source_gives_nothing(called: str) -> None:
    found = lifted(f"{called} | where SrcIpAddr == '::1'")
    assert isinstance(found, NoDetection) or all(simplify(s.predicate) == FALSE for s in found.selectors)


@pytest.mark.parametrize("target", ["splunk", "esql", "eql", "sigma"])
def test_what_a_parser_of_a_source_that_is_not_known_gives_is_not_said_to_be_exact(target: str) -> None:
    output = translator.convert(rule("vimDnsOwnDevice | where SrcIpAddr == '10.0.0.1'"), (target,)).outputs[target]
    assert output.verdict not in (Verdict.EXACT, Verdict.SAME_ALERTS)


def test_an_unknown_parameter_of_a_parser_is_an_error_with_those_that_there_are() -> None:
    with pytest.raises(BindError, match="no parameter nothing: there are starttime, endtime"):
        lifted("imDns(nothing='10.0.0.1')")


def test_a_list_that_is_left_out_is_named() -> None:
    found = lifted("A | where k in ((_GetWatchlist('vip') | project SearchKey)) and x == 'a'")
    assert isinstance(found, Detection)
    less = relaxed(found, lambda selector, part: isinstance(part, Apply) and part.function == "==")
    assert less is not None
    (dropped,) = [d for d in less.diagnostics if d.code == "list-dropped"]
    assert "vip" in dropped.message and dropped.direction == Verdict.BROADER


@pytest.mark.parametrize(
    ("outer", "same"),
    [
        ("A | join kind=leftouter B on k | where y == 'b'", "A | join kind=inner (B | where y == 'b') on k"),
        ("A | join kind=leftouter B on k | where isnotempty(y)", "A | join kind=inner (B | where isnotempty(y)) on k"),
        ("B | join kind=rightouter A on k | where y in ('b', 'c')", "B | where y in ('b', 'c') | join kind=inner A on k"),
        (
            "A | join kind=leftouter (B | where isnotempty(k)) on k | where isempty(k1)",
            "A | join kind=leftanti (B | where isnotempty(k)) on k",
        ),
        ("A | join kind=leftouter (B | summarize c = count() by k) on k | where isnull(c)", "A | join kind=leftanti B on k"),
        (
            "A | join kind=leftouter (B | extend f = 'b') on k | extend g = f | where x == 'a' and isempty(g)",
            "A | where x == 'a' | join kind=leftanti B on k",
        ),
        (
            "A | join kind=leftouter (_GetWatchlist('v') | where isnotempty(SearchKey)) on $left.k == $right.SearchKey"
            " | where isempty(SearchKey)",
            "A | where k !in ((_GetWatchlist('v') | project SearchKey))",
        ),
    ],
)
def test_a_condition_on_partners_decides_an_outer_join(outer: str, same: str) -> None:
    one, other = lifted(outer), lifted(same)
    assert isinstance(one, Detection) and isinstance(other, Detection), (codes(one), codes(other))
    assert one.kind == other.kind
    for a, b in zip(one.sides, other.sides, strict=True):
        assert a.absent == b.absent
        assert [(s.table, expression(s.predicate)) for s in a.selectors] == [(s.table, expression(s.predicate)) for s in b.selectors]
    assert not {"enrichment-dropped", "condition-dropped"} & codes(one)


@pytest.mark.parametrize(
    ("kql", "same", "said"),
    [
        (
            "A | where x == 'a' | join kind=leftouter (B | summarize c = count() by k) on k | where c != 0",
            "A | where x == 'a'",
            {"enrichment-dropped"},
        ),
        ("A | where replace('b', 'c', '') =~ x", "A | where isempty(x)", set()),
        ("A | where x == 'a' and published_t > ago(3h)", "A | where x == 'a' and TimeGenerated > ago(3h)", set()),
    ],
)
def test_conditions_that_come_to_another(kql: str, same: str, said: set[str]) -> None:
    one, other = lifted(kql), lifted(same)
    assert isinstance(one, Detection) and isinstance(other, Detection)
    assert [expression(s.predicate) for s in one.selectors] == [expression(s.predicate) for s in other.selectors]
    assert one.lookback == other.lookback and codes(one) == said


@pytest.mark.parametrize(
    "condition",
    [
        "y != 'b'",
        "not(y == 'b')",
        "isempty(y)",
        "isempty(k1)",
        "y == 'b' or x == 'a'",
        "m != 3",
        "y == ''",
        "y in ('', 'b')",
        "coalesce(y, 'b') == 'b'",
    ],
)
def test_other_conditions_do_not_decide_an_outer_join(condition: str) -> None:
    found = lifted(f"A | where x == 'a' | join kind=leftouter B on k | where {condition}")
    assert "enrichment-dropped" in codes(found) or isinstance(found, NoDetection)


@pytest.mark.parametrize(
    ("before", "after", "lifts"),
    [
        ("A | where x == 'a'", "", True),
        ("A", "", False),
        ("A | where isnotempty(k)", "", False),
        ("A | where x == 'a'", "| summarize c = count() by k | where c < 5", False),
        ("A | where x == 'a'", "| summarize c = count() by k | where c > 5", True),
    ],
)
def test_a_condition_on_an_enrichment(before: str, after: str, lifts: bool) -> None:
    found = lifted(f"{before} | join kind=leftouter B on k | where y != 'b' {after}")
    assert isinstance(found, Detection) == lifts
    if lifts:
        assert "condition-dropped" in codes(found)


@pytest.mark.parametrize(
    ("kql", "spelled"),
    [
        ("CloudAppEvents | where IsExternalUser == 1", "IsExternalUser: true"),
        ("CloudAppEvents | where IsExternalUser == 0", "IsExternalUser: false"),
        ("CloudAppEvents | where not(IsExternalUser)", "IsExternalUser: false"),
        ("CloudAppEvents | where IsExternalUser", "IsExternalUser: true"),
    ],
)
def test_a_bool_is_true_or_false_in_the_log(kql: str, spelled: str) -> None:
    made = rule(kql)
    text = translator.convert(made, ("sigma",)).outputs["sigma"].text
    assert f"  selection:\n    {spelled}\n  condition: selection\n" in text


@pytest.mark.parametrize(
    "kql",
    ["A | where isnotnull(TimeGenerated) and x == 'a'", "A | extend t = TimeGenerated | where x == 'a' and not(isempty(t) or k == '')"],
)
def test_no_event_lacks_its_time(kql: str) -> None:
    found = lifted(kql)
    assert isinstance(found, Detection) and "TimeGenerated" not in repr([s.predicate for s in found.selectors])
    assert isinstance(lifted("A | where isnull(TimeGenerated) and x == 'a'"), NoDetection)


GIVEN = "let s = todatetime('{{StartTimeISO}}'); let e = todatetime('{{EndTimeISO}}');"


@pytest.mark.parametrize(
    ("kql", "period", "timespan", "said"),
    [
        ("A | where TimeGenerated > ago(1d) | summarize c = count() by k, bin(TimeGenerated, 10m) | where c > 5", None, 600, set()),
        ("A | where TimeGenerated > ago(1d) | summarize c = count() by k, bin(TimeGenerated, 10m) | where c > 5", 86400, 600, set()),
        ("A | where TimeGenerated > ago(1d) | join kind=inner (B | where TimeGenerated > ago(1d)) on k", 1209600, 86400, set()),
        ("A | where TimeGenerated > ago(1d) | join kind=inner B on k", 1209600, 1209600, {"window-widened"}),
        ("A | where TimeGenerated > ago(1d) | join kind=inner B on k", 86400, 86400, set()),
        (  # of which the rule's period leaves both an hour
            "A | where TimeGenerated > ago(1d) | join kind=inner (B | where TimeGenerated > ago(2d)) on k",
            3600,
            3600,
            set(),
        ),
        ("A | join kind=inner B on k", 1209600, 1209600, set()),
        ("A | where TimeGenerated between (now(-2h) .. now()) | summarize c = count() by k | where c > 5", 1209600, 7200, set()),
        ("A | where TimeGenerated > datetime_add('hour', -2, now()) | summarize c = count() by k | where c > 5", 1209600, 7200, set()),
        ("A | where ago(2h) < TimeGenerated | summarize c = count() by k | where c > 5", 1209600, 7200, set()),
        ("A | where now() - TimeGenerated < 2h | summarize c = count() by k | where c > 5", 1209600, 7200, set()),
        ("A | where now() - TimeGenerated > 2h | summarize c = count() by k | where c > 5", 86400, 86400, {"window-shifted"}),
        ("A | where now() - TimeGenerated between (1h .. 2h) | summarize c = count() by k | where c > 5", 86400, 7200, {"window-shifted"}),
        ("A | where TimeGenerated >= startofday(ago(7d)) | summarize c = count() by k | where c > 5", None, 604800, {"window-of-days"}),
        (
            f"{GIVEN} A | where TimeGenerated between (s .. e) | summarize c = count() by k | where c > 5",
            604800,
            604800,
            {"window-of-search"},
        ),
        (f"{GIVEN} A | where TimeGenerated > s - 14d | summarize c = count() by k | where c > 5", None, 1296000, {"window-of-search"}),
        (
            "A | where TimeGenerated > ago(1d) | extend t = TimeGenerated"
            " | join kind=inner (B | extend u = TimeGenerated) on k | where u between (t .. (t + 10m))",
            1209600,
            600,
            set(),
        ),
    ],
)
def test_windows(kql: str, period: int | None, timespan: int, said: set[str]) -> None:
    found = lifted(kql, period)
    assert isinstance(found, Detection), codes(found)
    assert (found.timespan, codes(found) - {"columns-differ", "rows-differ", "equal-times"}) == (timespan, said)


FIRST_SEEN = "A | where TimeGenerated > ago(1d) | join kind=leftanti (A | where TimeGenerated between (ago(8d) .. ago(1d))) on k, x"


@pytest.mark.parametrize(
    ("kql", "period", "limits"),
    [
        (FIRST_SEEN, None, [{"after": 86400}, {"since": 691200, "until": 86400}]),
        (FIRST_SEEN.replace(" between (ago(8d) .. ago(1d))", " <= ago(1d)"), 691200, [{"after": 86400}, {"until": 86400}]),
        ("A | summarize f = min(TimeGenerated) by k, x | where f > ago(1d)", 691200, [{"after": 86400}, {"until": 86400}]),
        ("A | summarize f = min(TimeGenerated) by k, x | where f >= ago(1d)", 691200, [{"since": 86400}, {"before": 86400}]),
        (
            "A | where TimeGenerated > ago(1d) | join kind=inner (B | where TimeGenerated > ago(7d)) on k",
            None,
            [{"after": 86400}, {"after": 604800}],
        ),
        (
            "A | where TimeGenerated > ago(1d) | where k !in ((B | where TimeGenerated < ago(1d) | project k))",
            604800,
            [{"after": 86400}, {"before": 86400}],
        ),
        (
            "A | where TimeGenerated between (ago(2d) .. ago(1d)) | summarize c = count() by k | where c > 5",
            None,
            [{"since": 172800, "until": 86400}],
        ),
    ],
)
def test_parts_with_windows_of_their_own(kql: str, period: int | None, limits: list[dict[str, int]]) -> None:
    found = lifted(kql, period, timed=True)
    assert isinstance(found, Detection), codes(found)
    asked = [
        {p.function: p.args[0].value for p in conjuncts(s.predicate) if isinstance(p, Apply) and isinstance(p.args[0], Const)}
        for s in found.selectors
    ]
    assert asked == limits
    assert codes(found) <= {"rows-differ", "columns-differ", "window-in-search"}
    assert [side.absent for side in found.sides][1:] == [not kql.startswith("A | where TimeGenerated > ago(1d) | join kind=inner")] * (
        len(limits) - 1
    )


@pytest.mark.parametrize(
    ("kql", "period"),
    [
        (FIRST_SEEN.replace(" between (ago(8d) .. ago(1d))", " <= ago(1d)"), None),
        ("A | summarize f = min(TimeGenerated) by k, x | where f > ago(1d)", None),
        ("A | where TimeGenerated > startofday(ago(1d)) | join kind=inner (B | where TimeGenerated > ago(7d)) on k", None),
        ("A | where TimeGenerated < ago(1d)", None),
    ],
)
def test_a_window_that_is_not_known_is_no_part_of_a_search(kql: str, period: int | None) -> None:
    assert isinstance(lifted(kql, period, timed=True), NoDetection)


def test_events_without_a_limit_on_their_time_are_those_of_the_search() -> None:
    found = lifted("A | where x == 'y'", None, timed=True)
    assert isinstance(found, Detection) and found.lookback == 86_400 and "window-assumed" in codes(found)


def condition(text: str) -> Expr:
    """A condition on the events of A, as the walk over a plan sees it."""
    root = bind(parse(f"{GIVEN} A | where {text}"), SCHEMA).root
    assert isinstance(root, o.Filter)
    return simplify(root.predicate)


SEARCH, HOUR, WEEK = Moment(0, Anchor.SEARCH), Moment(3_600), Moment(7 * DAY)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("now()", NOW),
        ("now(-1h)", HOUR),
        ("now(1h)", Moment(-3_600)),
        ("ago(1h)", HOUR),
        ("ago(-1h)", Moment(-3_600)),
        ("ago(0.5 * 2h)", HOUR),
        ("now() - 1h", HOUR),
        ("ago(2h) + 1h", HOUR),
        ("ago(2h) + 3h", Moment(-3_600)),
        ("datetime_add('Week', -1, now())", WEEK),
        ("datetime_add('hour', 1, ago(2h))", HOUR),
        ("datetime_add('hour', 1, TimeGenerated)", None),
        ("datetime_add('month', -1, now())", None),  # which is as long as the month is
        ("startofday(ago(7d))", WEEK),
        ("todatetime(ago(1h))", HOUR),
        ("ago(500ms)", None),
        ("ago(toreal(n) * 1h)", None),
        ("startofday(datetime(2026-01-01))", None),
        ("s", SEARCH),
        ("e", NOW),
        ("todatetime('2026-01-01')", None),
        ("s - 7d", Moment(7 * DAY, Anchor.SEARCH)),
        ("(s - 7d) + 3d", Moment(4 * DAY, Anchor.SEARCH)),
        ("s + 1h", None),  # before now or after it, as the search is long
        ("(s - 7d) + 7d", SEARCH),
        ("(s - 7d) + 8d", None),
        ("e - 7d", WEEK),
        ("datetime_add('day', -7, s)", Moment(7 * DAY, Anchor.SEARCH)),
        ("ago(e - s)", Moment(0, Anchor.EARLIER)),
        ("s - (e - s)", Moment(0, Anchor.EARLIER)),
        ("s - 2 * (e - s) - 7d", Moment(7 * DAY, Anchor.EARLIER)),
        ("s - n * (e - s)", None),
        ("s - (TimeGenerated - s)", None),
    ],
)
def test_the_moment_of_a_bound(moment: str, expected: Moment | None) -> None:
    compared = condition(f"t > {moment}")
    assert isinstance(compared, Apply)
    assert bound_of(compared.args[1]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TimeGenerated > ago(1h)", Window(start=HOUR)),
        ("TimeGenerated >= ago(1h)", Window(start=HOUR)),
        ("ingestion_time() > ago(1h)", Window(start=HOUR)),
        ("TimeGenerated < ago(1h)", Window(end=HOUR)),
        ("TimeGenerated <= now(1h)", Window()),
        ("TimeGenerated <= s", Window(end=SEARCH)),
        ("TimeGenerated <= e", Window()),
        ("now() - TimeGenerated < 1h", Window(start=HOUR)),
        ("now() - TimeGenerated <= 1h", Window(start=HOUR)),
        ("now() - TimeGenerated > 1h", Window(end=HOUR)),
        ("now() - TimeGenerated >= -1h", Window()),
        ("now() - TimeGenerated between (1h .. 7d)", Window(WEEK, HOUR)),
        ("now() - TimeGenerated between (-1h .. 7d)", Window(WEEK)),
        ("ago(1h) - TimeGenerated < 1h", None),
        ("now() - TimeGenerated == 1h", None),
        ("now() - TimeGenerated < 500ms", None),
        ("now() - TimeGenerated between (500ms .. 7d)", None),
        ("TimeGenerated between (ago(7d) .. ago(1h))", Window(WEEK, HOUR)),
        ("TimeGenerated between (ago(7d) .. now())", Window(WEEK)),
        ("TimeGenerated between (ago(7d) .. now(1h))", Window(WEEK)),
        ("TimeGenerated between (ago(7d) .. (7d - 1h))", Window(WEEK, HOUR)),
        ("TimeGenerated between (ago(7d) .. 8d)", Window(WEEK)),
        ("TimeGenerated between ((s - 7d) .. s)", Window(Moment(7 * DAY, Anchor.SEARCH), SEARCH)),
        ("TimeGenerated between ((s - 7d) .. 3d)", Window(Moment(7 * DAY, Anchor.SEARCH), Moment(4 * DAY, Anchor.SEARCH))),
        ("TimeGenerated between (s .. 1h)", None),
        ("TimeGenerated between (s .. e)", Window(SEARCH)),
        ("TimeGenerated between (ago(7d) .. datetime(2026-01-01))", None),
        ("TimeGenerated !between (ago(7d) .. ago(1h))", None),
        ("TimeGenerated > datetime(2026-01-01)", None),
        ("TimeGenerated == ago(1h)", None),
        ("TimeGenerated > startofday(now(1h))", Window()),
        ("t > ago(1h)", None),
        ("now() - t < 1h", None),
    ],
)
def test_the_window_of_a_condition(text: str, expected: Window | None) -> None:
    assert window_of(condition(text)) == expected


@pytest.mark.parametrize(
    ("text", "future"),
    [
        ("TimeGenerated > now()", True),
        ("TimeGenerated >= now(1s)", True),
        ("TimeGenerated > ago(1s)", False),
        ("TimeGenerated > e", True),
        ("TimeGenerated > s", False),
        ("TimeGenerated > ago(e - s)", False),
        ("TimeGenerated between (now() .. now(1h))", True),
        ("TimeGenerated between (ago(1h) .. now(1h))", False),
        ("TimeGenerated < now(1h)", False),
        ("TimeGenerated > startofday(now())", False),
        ("now() - TimeGenerated < 0s", True),
        ("now() - TimeGenerated <= -1h", True),
        ("now() - TimeGenerated < 1s", False),
        ("now() - TimeGenerated > -1h", False),
        ("now() - TimeGenerated between (-2h .. -1h)", True),
        ("now() - TimeGenerated between (-2h .. 1h)", False),
        ("ago(1h) - TimeGenerated < -1h", False),
        ("t > now()", False),
        ("now() - t < 0s", False),
    ],
)
def test_conditions_on_what_is_not_yet(text: str, future: bool) -> None:
    assert is_of_future(condition(text)) == future


@pytest.mark.parametrize(
    ("text", "reach"),
    [
        ("TimeGenerated > ago(1h)", 3_600),
        ("TimeGenerated < ago(1h)", 0),
        ("TimeGenerated > s", 0),
        ("TimeGenerated > ago(e - s)", 0),
        ("TimeGenerated > s - 7d", 9 * DAY),
        ("TimeGenerated between (ago(7d) .. s)", 7 * DAY),
    ],
)
def test_how_far_a_window_reaches(text: str, reach: int) -> None:
    window = window_of(condition(text))
    assert window is not None and window.reach(2 * DAY) == reach


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("TimeGenerated > ago(1h)", "after(3600)"),
        ("now() - TimeGenerated < 1h", "after(3600)"),
        ("now() - TimeGenerated >= 1h", "until(3600)"),
        ("TimeGenerated < ago(1h)", "before(3600)"),
        ("TimeGenerated between (ago(7d) .. ago(1h))", "since(604800) and until(3600)"),
        ("TimeGenerated <= now()", "true"),
        ("TimeGenerated > s", None),
        ("TimeGenerated > startofday(ago(1d))", None),
    ],
)
def test_windows_as_limits(text: str, limits: str | None) -> None:
    window = window_of(condition(text))
    assert window is not None
    found = limits_of(condition(text), window)
    assert (None if found is None else expression(found)) == limits


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("ingestion_time() between (ago(7d) .. ago(1h))", ["ingested since", "ingested until"]),
        ("ingestion_time() > ago(1h)", ["ingested after"]),
        ("ingestion_time() > s", None),
        ("TimeGenerated > ago(1h)", None),
    ],
)
def test_limits_on_when_events_were_taken_in(text: str, limits: list[str] | None) -> None:
    window = window_of(condition(text))
    assert window is not None
    found = limits_of_ingestion(condition(text), window)
    assert (None if found is None else [p.function for p in conjuncts(found) if isinstance(p, Apply)]) == limits


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("bin(TimeGenerated, 1h)", 3_600),
        ("bin(ingestion_time(), 1h)", 3_600),
        ("bin(TimeGenerated, 1500ms)", None),
        ("bin(TimeGenerated, 0s)", None),
        ("bin(t, 1h)", None),
        ("startofday(TimeGenerated)", None),
    ],
)
def test_buckets_of_time(text: str, seconds: int | None) -> None:
    compared = condition(f"{text} == t")
    assert isinstance(compared, Apply)
    assert [bucket_of(x) for x in compared.args if not isinstance(x, ColumnRef)] == [seconds]


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ("TimeGenerated > s", "TimeGenerated > ago(2d)"),
        ("TimeGenerated < e", "TimeGenerated < now()"),
        ("TimeGenerated > ago(e - s)", "TimeGenerated > ago(2d)"),
        ("TimeGenerated > s - (e - s)", "TimeGenerated > ago(2d) - 2d"),
        ("TimeGenerated > s and t > todatetime('2026-01-01')", "TimeGenerated > ago(2d) and t > todatetime('2026-01-01')"),
    ],
)
def test_the_moments_of_a_search_are_those_of_its_period(given: str, same: str) -> None:
    asked, told = (bind(parse(f"{GIVEN} A | where {text}"), SCHEMA) for text in (given, same))
    found = with_given_moments(asked, 2 * DAY).root
    assert isinstance(found, o.Filter) and isinstance(told.root, o.Filter)
    assert expression(found.predicate) == expression(told.root.predicate)
    assert with_given_moments(told, 2 * DAY) is told


@pytest.mark.parametrize(
    ("limits", "others", "apart"),
    [
        ({"since": 60}, {"until": 60}, False),
        ({"after": 60}, {"until": 60}, True),
        ({"since": 60}, {"before": 60}, True),
        ({"since": 60}, {"until": 61}, True),
        ({"since": 60}, {"before": 59}, False),
        ({"before": 61}, {"after": 60}, True),
        ({"after": 61}, {"before": 60}, False),
        ({"since": 90, "until": 70}, {"since": 60}, True),
        ({"since": 90}, {"since": 60}, False),
        ({"until": 90}, {"before": 60}, False),
        ({}, {"after": 60}, False),
    ],
)
def test_limits_that_leave_no_moment_to_both(limits: dict[str, int], others: dict[str, int], apart: bool) -> None:
    one, other = ([limit(name, seconds) for name, seconds in x.items()] for x in (limits, others))
    assert apart_in_time(one, other) == apart_in_time(other, one) == apart
    assert may_overlap(conjunction(*one), conjunction(*other)) != apart


@pytest.mark.parametrize(
    ("kql", "period", "decide"),
    [
        ("A | where TimeGenerated > ago(1d)", None, False),
        ("A | where TimeGenerated > ago(1d) | join kind=inner (B | where TimeGenerated > ago(7d)) on k", None, True),
        ("A | where TimeGenerated between (ago(7d) .. ago(1d))", None, True),
        ("union (A | where TimeGenerated > ago(1d) | summarize c = count() by k | where c > 5),"
         " (B | where TimeGenerated > ago(7d) | summarize c = count() by k | where c > 5)", None, True),
        ("union (A | where TimeGenerated > ago(1d) | summarize c = count() by k | where c > 5),"
         " (B | where TimeGenerated > ago(1d) | summarize c = count() by k | where c > 5)", None, False),
        ("A | where TimeGenerated > now()", None, True),
        (FIRST_SEEN, None, True),
    ],
)  # fmt: skip
def test_whether_windows_of_their_own_may_change_parts(kql: str, period: int | None, decide: bool) -> None:
    assert windows_decide([lifted(kql, period)]) == decide


def test_of_several_detections_one_window_decides() -> None:
    day, week = (lifted(f"A | where TimeGenerated > ago({window})") for window in ("1d", "7d"))
    assert windows_decide([day, week]) and not windows_decide([day, day])


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m"), (90, "90s"), (3_600, "1h"), (90_000, "25h"), (DAY, "1d")]
)
def test_lengths_of_time_in_their_largest_whole_unit(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("x == 'a'", "x == 'b'", False),
        ("x =~ 'a'", "x == 'A'", True),
        ("x in ('a', 'b')", "x in ('c', 'b')", True),
        ("x == 'a'", "k == 'b'", True),
        ("x == 'a'", "not(x == 'a')", False),
        ("n == 5", "n == 6", False),
        ("n == 5", "n == 5.0", True),
        ("n == 5", "n == decimal(5.0)", True),
        ("n in (5, 6)", "n in (7, 8)", False),
        ("d == 5", "d == '5'", True),
        ("d == true", "d == 'true'", True),
        ("x in~ ('a', 'b')", "x == 'C'", False),
        ("x == 'A'", "x in~ ('a', 'b')", True),
        ("isempty(x)", "x == 'a'", False),
        ("isempty(x)", "x in ('a', '')", True),
        ("isnull(n)", "n == 5", False),
        ("x == 'a' or x == 'b'", "x == 'c'", False),
        ("x == 'a' or x =~ 'b'", "x == 'B'", True),
        ("x == 'a' or k == 'b'", "x == 'c' and n == 5", True),
        ("x == 'a' or x startswith 'b'", "x == 'c'", True),
        ("x == k", "x == 'a'", True),
        ("x in ('a', k)", "x == 'b'", True),
        ("false", "n == 5", False),
        ("x == 'a' or k == 'b'", "x != 'a' and k != 'b'", False),
        ("x == 'a' or k == 'b'", "x != 'a' and n == 5", True),
    ],
)
def test_whether_two_conditions_may_hold_of_one_event(one: str, other: str, overlap: bool) -> None:
    left, right = (by_name(condition(text)) for text in (one, other))
    assert may_overlap(left, right) == may_overlap(right, left) == overlap


@pytest.mark.parametrize(
    ("summary", "code", "said"),
    [
        ("", "rows-repeated", "an event that several parts of the union find is a row for each of them in the query, once here"),
        ("c = count()", "counted-twice", "an event that several parts of the union find counts for each of them in the query, once here"),
        ("c = sum(n)", "measured-twice", "an event that several parts of the union find counts for each of them in the query, once here"),
        ("c = dcount(n)", "", ""),
        ("c = percentile(n, 90)", "", ""),
    ],
)
def test_events_of_several_parts_of_a_union(summary: str, code: str, said: str) -> None:
    found = lifted("union (A | where x == 'a'), (A | where n == 1)" + (f" | summarize {summary} by k | where c > 5" if summary else ""))
    told = {d.code: d.message for d in found.diagnostics if d.code in ("rows-repeated", "counted-twice", "measured-twice")}
    assert told == ({code: said} if code else {})


@pytest.mark.parametrize("condition", ["d == 0", "d < 1", "d <= 0"])
def test_no_different_values_are_no_events(condition: str) -> None:
    found = lifted(f"A | summarize c = countif(x == 'y'), d = dcountif(k, x == 'z') by host | where c > 3 and {condition}")
    assert isinstance(found, Detection), codes(found)
    assert [(side.absent, side.threshold is None) for side in found.sides] == [(False, False), (True, True)]


def test_a_summary_of_all_that_is_joined_is_a_row_in_any_case() -> None:
    assert codes(lifted("A | join kind=inner B on k | count")) == {"unsupported-detection"}
