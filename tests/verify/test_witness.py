"""Witness events: what is to alert does on the engine, what nearly does not, and each kind of near miss is among the worlds."""

from __future__ import annotations

import datetime as dt
import re

import pytest

import translator
from translator.verify.witness import Event, World, made, reached, worlds
from translator.verify.witness.judging import judged
from translator.verify.witness.texts import matching

NOW = dt.datetime(2026, 5, 1, 12, 0)

_TAIL = "| join kind={} (AuditLogs | where OperationName == 'Add user' | project Identity, changed = TimeGenerated) on $left.UserPrincipalName == $right.Identity"

CASES = {
    "term": ("SigninLogs | where UserPrincipalName has 'adm'", 1, ["another case", "a letter outside of ASCII right before", "missing"]),
    "exact": ("SigninLogs | where UserPrincipalName == 'Bob'", 1, ["another case", "missing"]),
    "window": ("SigninLogs | where TimeGenerated between (ago(2h) .. ago(1h))", 1, ["a second before the limit", "a second after the limit"]),
    "count": ("SigninLogs | where ResultType == '50126' | summarize n = count() by IPAddress | where n > 4", 5, ["one event fewer than 5"]),
    "distinct": ("SigninLogs | summarize n = dcount(IPAddress) by UserPrincipalName | where n >= 3", 3, ["the values of one event in another again"]),
    "set": ("SigninLogs | summarize s = make_set(IPAddress) by UserPrincipalName | where array_length(s) > 2", 3, ["one event fewer than 3"]),
    "conditional": ("SigninLogs | summarize f = countif(ResultType != '0'), s = countif(ResultType == '0') by IPAddress | where f > 2 and s > 0", 4, []),
    "order": (f"SigninLogs {_TAIL.format('inner')} | where changed > TimeGenerated", 2, ["a second", "not holding"]),
    "absence": (f"SigninLogs | where ResultType == '0' {_TAIL.format('leftanti')}", 1, ["another way"]),
    "union": ("union (SigninLogs | where ResultType == '1'), (AuditLogs | where Identity == 'eve')", 1, ["another way"]),
    "path": ("SigninLogs | where tostring(DeviceDetail.browser) startswith 'Edge'", 1, ["an object around it", "a text", "null"]),
    "json": ("SigninLogs | extend p = parse_json(AppDisplayName) | where tostring(p.names[1]) == 'x'", 1, []),
    "parse": ("SigninLogs | parse AppDisplayName with * 'user=' who ';' * | where who =~ 'root'", 1, ["another case"]),
    "split": ("SigninLogs | where tostring(split(UserPrincipalName, '@')[1]) == 'example.com'", 1, []),
    "extract": ("SigninLogs | extend n = toint(extract('id=([0-9]+)', 1, AppDisplayName)) | where n > 100", 1, []),
    "case": ("SigninLogs | extend k = case(ResultType == '0', 'good', ResultType startswith '5', 'bad', 'other') | where k == 'bad'", 1, []),
    "regex": (r"SigninLogs | where UserPrincipalName matches regex '^adm-[0-9]{3}$'", 1, ["character 1 missing"]),
    "classes": (r"SigninLogs | where UserPrincipalName matches regex @'^\w+$'", 1, ["a letter outside of ASCII"]),
    "elements": ("SigninLogs | mv-expand d = LocationDetails.items | where d.name == 'x'", 1, []),
    "alternative": ("SigninLogs | where ResultType in ('1', '2', '3')", 1, ["the value 3", "the value 2"]),
    "counted": (
        "SigninLogs | summarize f = countif(ResultType in ('1', '2')), s = countif(ResultType == '0') by IPAddress | where f > 2 and s > 0",
        4, ["the value 2", "s > 0 not holding", "IPAddress: empty in all events"],
    ),
    "key": (
        "SigninLogs | summarize n = count() by UserPrincipalName, bin(TimeGenerated, 1h) | where n > 2", 3,
        ["UserPrincipalName: another one in one event", "UserPrincipalName: in another case", "one event before it", "0:55:00 before the others"],
    ),
    "alternatives": (
        "SigninLogs | where UserPrincipalName contains 'ext' or (isempty(UserPrincipalName) and isnotempty(AppDisplayName))", 1,
        ["isempty(UserPrincipalName) not holding"],
    ),
    "parts of one text": (
        "SigninLogs | where (UserPrincipalName startswith 'aa' and UserPrincipalName contains 'bb' and UserPrincipalName contains 'cc')"
        " or UserPrincipalName startswith 'dd'", 1, ['contains "cc" not holding', 'startswith "dd" holding'],
    ),
    "wildcard": ("SigninLogs | where UserPrincipalName contains 'a*b'", 1, ["another character for the *"]),
    "apart": (f"SigninLogs {_TAIL.format('inner')} | where changed - TimeGenerated < 10m", 2, ["00:10:00", "not holding"]),
    "late": ("SigninLogs | where _TimeReceived > ago(1h) and TimeGenerated > ago(3h)", 1, ["taken in 0:50:00 after it happened"]),
    "keys": (f"SigninLogs {_TAIL.format('inner')}", 2, ["both empty", "different"]),
    "array of a subquery": (
        "let failed = AuditLogs | where Result == 'failure' | summarize make_set(Identity); SigninLogs | where IPAddress in (failed)", 2,
        ["not holding"],
    ),
    "not in a list": (
        "SigninLogs | where IPAddress !in ((AuditLogs | where Result == 'failure' | project Identity))", 2,
        ["IPAddress in ((a query)) holding", 'Result == "failure" not holding'],
    ),
    "distinct rows": (
        "SigninLogs | distinct UserPrincipalName, IPAddress | summarize n = count() by UserPrincipalName | where n > 3", 4,
        ["one event fewer than 4"],
    ),
    "text of a set": (
        "SigninLogs | summarize s = make_set(IPAddress) by UserPrincipalName | join kind=inner (AuditLogs | where Result == 'failure'"
        " | project UserPrincipalName = Identity, Category) on UserPrincipalName | where s contains 'a.b' and s !contains Category", 2,
        ["not holding"],
    ),
    "cut where a mark is": (
        r"SigninLogs | where reverse(substring(reverse(AppDisplayName), 0, indexof(reverse(AppDisplayName), '\\'))) == 'a.exe'", 1, [],
    ),
    "element": ("SigninLogs | where set_has_element(dynamic(['a', 'b']), AppDisplayName)", 1, ["not holding"]),
    "place of an element": ("SigninLogs | where array_index_of(dynamic(['a', 'b']), AppDisplayName) >= 0", 1, ["missing"]),
    "file of a path": ("DeviceProcessEvents | where tolower(parse_path(FolderPath).Filename) == 'a.exe'", 1, ["not holding"]),
    "beyond another column": ("T_CL | extend most = 0.85 * toint(A) | extend found = toint(B) | where found > most", 1, ["not holding"]),
    "chosen in another case": (
        "SigninLogs | extend k = tolower(case(AppDisplayName has 'Android', 'Android', AppDisplayName has 'iPad', 'iOS', 'Unknown'))"
        " | where not(k == 'unknown')", 1, ['k == "unknown" holding'],
    ),
    "denied": ("SigninLogs | where UserPrincipalName !has 'adm'", 1, ["letters around 'adm'", "missing"]),
    "list": ("SigninLogs | where IPAddress in ((AuditLogs | where Result == 'failure' | project Identity))", 2, ["missing"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_worlds_show_what_they_are_meant_to(name: str) -> None:
    query, least, expected = CASES[name]
    found = worlds(translator.bind(query), NOW)
    verdicts = judged(query, found, NOW)
    assert [(w.about, v) for w, v in zip(found, verdicts, strict=True) if v is not w.hits] == []
    assert found[0].hits is True and len(found[0].events) == least
    assert False in verdicts
    for words in expected:
        assert any(words in w.about for w in found), (words, [w.about for w in found])


@pytest.mark.parametrize("name", ["term", "window", "count", "order", "path", "case"])
def test_each_atom_is_reached_both_ways(name: str) -> None:
    plan = translator.bind(CASES[name][0])
    coverage = reached(plan, worlds(plan, NOW), NOW)
    assert coverage.atoms and coverage.share == 1.0 and coverage.unreached == ()


def test_a_value_that_answers_otherwise_is_a_key_on_both_sides_of_a_join() -> None:
    kinds = r"extend Kind = iff(IPAddress matches regex @'^10\.|^192\.168\.', 'private', 'public') | where Kind == 'public'"
    query = f"SigninLogs | {kinds} | join (AuditLogs | where Result == 'success') on $left.IPAddress == $right.Identity"
    found = next(w for w in worlds(translator.bind(query), NOW) if w.about == 'Kind == "public" not holding')
    assert [e.values.get("IPAddress", e.values.get("Identity")) for e in found.events] == ["10.20.30.40"] * 2


def test_the_threshold_is_met_by_one_event_and_missed_without_it() -> None:
    query = CASES["count"][0]
    found = worlds(translator.bind(query), NOW)
    assert len(found[0].events) == 5
    fewer = next(w for w in found if w.about == "one event fewer than 5")
    assert (len(fewer.events), fewer.hits) == (4, False)


def test_the_same_seed_gives_the_same_worlds() -> None:
    plan = translator.bind(CASES["order"][0])
    assert worlds(plan, NOW, seed=3) == worlds(plan, NOW, seed=3)
    assert len(worlds(plan, NOW, most=10)) <= 10


def test_what_cannot_be_made_is_said() -> None:
    found = made(translator.bind("SigninLogs | make-series n = count() on TimeGenerated step 1h by IPAddress | where n[0] > 3"), NOW)
    assert [u.why for u in found.unreached] == ["make-series"]
    assert all(w.hits is None for w in found.worlds)


def test_events_of_no_time_lie_within_what_the_rule_looks_at() -> None:
    found = made(translator.bind("SigninLogs | where ResultType == '0' | project IPAddress"), NOW, back=300).worlds
    assert all(-300 < e.seconds < 0 for w in found for e in w.events)


def test_what_is_left_of_a_time_is_a_length_of_time() -> None:
    found = worlds(translator.bind("SigninLogs | where TimeGenerated % 1d > 5h"), NOW)
    assert found[0].hits is True


def test_columns_of_which_nothing_is_asked_are_told() -> None:
    query = "SigninLogs | where ResultType == '0' | summarize n = count() by IPAddress | where n > 1"
    (event, _) = worlds(translator.bind(query), NOW)[0].events
    assert (event.values["ResultType"], event.free) == ("0", {"IPAddress"})


@pytest.mark.parametrize("prefix", ["", ", 'd_'", ", OutputColumnPrefix='d_'"])
def test_columns_of_a_bag_are_its_keys_without_the_prefix(prefix: str) -> None:
    name = "d_os" if prefix else "os"
    query = f"SigninLogs | evaluate bag_unpack(DeviceDetail{prefix}) | where {name} == 'x' | project Identity"
    (first, *_) = worlds(translator.bind(query), NOW)
    assert first.events[0].values["DeviceDetail"] == {"os": "x"} and judged(query, [first], NOW) == [True]


def test_columns_of_a_pivot_are_elements_of_one_array() -> None:
    query = (
        "Event | extend d = parse_xml(EventData).DataItem.EventData.Data | mv-expand bagexpansion=array d | evaluate bag_unpack(d)"
        " | extend Key = tostring(column_ifexists('@Name', '')), Value = column_ifexists('#text', '')"
        " | evaluate pivot(Key, any(Value), TimeGenerated, Computer) | where Image has 'x.exe' and CommandLine endswith '-q'"
    )
    (event,) = (first := worlds(translator.bind(query), NOW)[0]).events
    assert judged(query, [first], NOW) == [True]
    data = str(event.values["EventData"])
    assert '<Data Name="Image">x.exe</Data>' in data and '<Data Name="CommandLine">-q</Data>' in data


def test_a_pivot_that_counts_makes_a_column_of_a_text_that_is_not_empty() -> None:
    query = "SigninLogs | evaluate pivot(ResultType, count(), UserPrincipalName)"
    (event,) = (first := worlds(translator.bind(query), NOW)[0]).events
    assert event.values["ResultType"] and judged(query, [first], NOW) == [True]


def test_worlds_run_together_do_not_meet() -> None:
    query = "SigninLogs | summarize n = count() by UserPrincipalName | where n == 2"
    event = Event("SigninLogs", {"UserPrincipalName": "ann"}, -60)
    alone, twice = World("one", (event,), False), World("two", (event, event), True)
    assert judged(query, [alone, twice, alone], NOW) == [False, True, False]


@pytest.mark.parametrize(
    "regex", ["ab+c?", "^[0-9]{3}-(x|yz)$", r"\bfoo\s+bar\b", "(?i)User\\d", "[^a-z]{2}", r"C:\\[A-Z]\w*\.exe", "a|b|cd{2,}"]
)
def test_a_text_that_a_pattern_matches(regex: str) -> None:
    assert any(re.search(regex, text) for text in matching(regex))


@pytest.mark.parametrize("pattern", ["'x[0-9]+' b:string 'y'", "'(?i)X(a|b)' b:string '(y|z)' *"])
@pytest.mark.parametrize("flags", ["", " flags=Ui"])
def test_a_pattern_of_parse_is_turned_around(pattern: str, flags: str) -> None:
    query = f"T | parse kind=regex{flags} a with {pattern} | where b == 'q'"
    found = worlds(translator.bind(query), NOW)
    assert found[0].hits and judged(query, found[:1], NOW) == [True]


def test_a_pattern_that_cannot_be_turned_around_is_said() -> None:
    plan = translator.bind("T | parse kind=regex a with 'x\\\\p{Nd}' b:string 'y' | where b == 'z'")
    assert any("parse with a regular expression" in u.why for u in made(plan, NOW).unreached)
