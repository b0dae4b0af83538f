"""SPL run: the reader of SPL by what Splunk documents, and what it found."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from sigma.collection import SigmaCollection

import translator
from tests.rules import rule
from translator.fidelity import Verdict
from translator.rulepack.model import EntityMapping
from translator.sigma.portable.splunk import SplunkSlidingBackend
from translator.targets.base import Options
from translator.verify import esql, spl
from translator.verify.reading import NotReadable

EVENTS: list[dict[str, Any]] = [
    {"_time": 10, "id": 1, "x": "Admin", "n": 5, "d": {"k": "v"}, "m": ["a", "b"]},
    {"_time": 20, "id": 2, "x": "a*b", "n": 12},
    {"_time": 900, "id": 3, "x": "", "n": None},
    {"_time": 910, "id": 4},
]


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ('x="admin"', [1]),
        ('x="A*"', [1, 2]),
        ('x!="admin"', [2, 3]),
        ('NOT x="admin"', [2, 3, 4]),
        ('n>=5 x="a*b" OR x="admin"', [1, 2]),
        ('id=4 OR (x="admin" n=5)', [1, 4]),
        ('* | where x=="admin"', []),
        ('* | where x=="Admin"', [1]),
        ("* | where n<12", [1]),
        ("* | where x>12", [1, 2]),
        ("* | where tonumber(x)>12", []),
        ('* | where x!="Admin"', [2, 3]),
        ('* | where isnull(x) OR x==""', [3, 4]),
        ("* | where id==1 OR id==2 AND n>12", [1]),
        ("* | where 'd.k'==\"v\"", [1]),
        ('* | where match(x, "(?i)^adm")', [1]),
        ('* | where isnotnull(mvfilter(m=="b"))', [1]),
        ('* | eval y=coalesce(x, "none") | where y=="none"', [4]),
        ('* | eval y=case(n>10, "big", n>1, "small") | where y=="small"', [1]),
        ('x="a*b" OR x=CASE(admin)', [2]),
        ('x IN ("ADM*", "z") OR n IN (12)', [1, 2]),
        ('n="5.0"', []),
        ("* | where n in (5, 6) OR \"v\" in (x, 'd.k')", [1]),
        ("* | where d.k==3", []),
        ("* | where n/0>1 OR n/(n-n)>1", []),
        ('* | where match(x, "^\\w+$")', [1]),
        ('* | where like(x, "A_m%")', [1]),
        ('* | eval y=n+n | where y==10 AND "a"+"b"=="ab"', [1]),
        ('* | where mvcount(m)==2 AND mvjoin(upper(m), "")=="AB"', [1]),
        ("* | dedup n | where id<9", [1, 2]),
        ("* | sort 2 -n | where n>0", [1, 2]),
        ("* | sort 1 n", [1]),
        ("* | stats min(id) as id by m | dedup id", [1]),
        ("* | sort 0 _time | streamstats time_window=60s count as c | where c==2", [2, 4]),
        ("* | sort 0 _time | streamstats current=false max(n) as before | where before==12", [3, 4]),
    ],
)
def test_the_reader_reads_what_splunk_documents(search: str, ids: list[int]) -> None:
    for unknown in (False, True):
        assert sorted(row["id"] for row in spl.run(search, EVENTS, unknown=unknown)) == ids


def test_stats() -> None:
    assert spl.run("* | stats count as c dc(x) as d max(n) as top values(x) as all", EVENTS) == [
        {"c": 4.0, "d": 3.0, "top": 12.0, "all": ["", "Admin", "a*b"]}
    ]
    assert spl.run("* | stats count as c by n", EVENTS) == [{"n": 12, "c": 1.0}, {"n": 5, "c": 1.0}]
    assert spl.run('x="nobody" | stats count as c', EVENTS) == [{"c": 0.0}]
    assert spl.run('x="nobody" | stats count as c by x', EVENTS) == []


@pytest.mark.parametrize(
    ("value", "ids"), [("10.0.0.0/8", [1]), ("10.1.*", [1, 2]), ("10.1.0.0/16", [1]), ("fe80::/10", [])]
)  # fmt: skip
def test_search_takes_a_value_in_cidr_notation_for_a_range(value: str, ids: list[int]) -> None:
    events = [{"id": 1, "_time": 1, "ip": "10.1.2.3"}, {"id": 2, "_time": 2, "ip": "10.1.0.0/16"}, {"id": 3, "_time": 3, "ip": "11.1.2.3"}]
    assert sorted(row["id"] for row in spl.run(f'ip="{value}"', events)) == ids


def test_texts_that_look_like_numbers_are_compared_in_either_way() -> None:
    for texts_are_numbers in (False, True):
        found = spl.run('* | where x=="1.0"', [{"_time": 1, "x": "1"}], texts_are_numbers=texts_are_numbers)
        assert bool(found) == texts_are_numbers


def test_where_bins_begin() -> None:
    found = spl.run("* | bin _time span=18000s AS t", [{"_time": 25000}])
    assert found == [{"_time": 25000, "t": 18000}]
    with pytest.raises(NotReadable, match="several days"):
        spl.run("* | bin _time span=7d", [{"_time": 25000}])


def test_streamstats_of_more_events_than_it_keeps_is_refused() -> None:
    with pytest.raises(NotReadable, match="10,000"):
        spl.run("* | streamstats count as c", [{"_time": 1}] * 10_001)


def test_repetitions_that_pcre_takes_literally_are_refused() -> None:
    with pytest.raises(NotReadable, match=r"\{,3\}"):
        spl.run('* | where match(x, "a{,3}")', [{"_time": 1, "x": "a"}])
    assert len(spl.run('* | where match(x, "a[{,3}]")', [{"_time": 1, "x": "a,"}])) == 1


def test_digits_are_those_of_ascii() -> None:
    found = spl.run("* | eval n=tonumber(x)", [{"_time": 2, "x": "\u0661"}, {"_time": 1, "x": "1"}])
    assert [row.get("n") for row in found] == [None, 1]


def test_a_command_that_the_reader_does_not_know_is_refused() -> None:
    with pytest.raises(NotReadable, match="the command cluster"):
        spl.run("* | cluster field=x", EVENTS)


def test_a_correlation_without_keys_gives_no_alert_for_no_events() -> None:
    rules = """
title: one
name: one
logsource: {product: any}
detection: {selection: {x|cased: Admin}, condition: selection}
---
title: many
correlation: {type: event_count, rules: [one], timespan: 1h, condition: {gte: 1}}
"""
    (search,) = SplunkSlidingBackend().convert(SigmaCollection.from_yaml(rules))
    assert spl.run(search, EVENTS[1:]) == []
    assert len(spl.run(search, EVENTS)) == 1


@pytest.mark.parametrize("regex", ["^$", "^[^z]*$", "a*"])
def test_a_regular_expression_that_a_missing_field_matches_is_not_matched_by_none_under_not(regex: str) -> None:
    kql = f"T | where not(x matches regex @'{regex}')"
    made = rule(kql)
    output = translator.convert(made, ("splunk",), Options(fields="source")).outputs["splunk"]
    logged = [{"sourcetype": "T", **e} for e in EVENTS]
    wanted = [e["id"] for e in EVENTS if not re.search(regex, e.get("x") or "")]
    assert output.verdict.value == "exact"
    assert sorted(row["id"] for row in spl.run(output.text, logged)) == wanted


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a\\\\b", "a\\nb"])
def test_a_field_name_that_would_end_its_quotes_is_refused(name: str) -> None:
    quote = "'" if '"' in name else '"'
    kql = f"T | where [{quote}{name}{quote}] == 'v'"
    output = translator.convert(rule(kql), ("splunk",), Options(fields="source")).outputs["splunk"]
    assert output.verdict.value == "none"
    assert "the name of the field" in output.diagnostics[-1].message


def test_a_field_name_with_spaces() -> None:
    kql = "T | where ['the user'] != '' | summarize c = count() by ['the user'] | where c > 1"
    output = translator.convert(rule(kql), ("splunk",), Options(fields="source")).outputs["splunk"]
    logged = [{"sourcetype": "T", "_time": n, "the user": "ann"} for n in range(3)]
    assert [row["the user"] for row in spl.run(output.text, logged)] == ["ann"]
    assert 'by "the user"' in output.text
    keyed = "T | summarize c = count() by ['the user'] | where c > 1"
    assert '| eval "the user"=coalesce(\'the user\', "")' in translator.convert(rule(keyed), ("splunk",)).outputs["splunk"].text


@pytest.mark.parametrize(
    ("kql", "spelled"),
    [
        ("T | where x > 5", "where x>5"),
        ("T | where d.n < 5", "tonumber('d.n')<5"),
        ("CommonSecurityLog | where SentBytes > 5", "where SentBytes>5"),
    ],
)
def test_what_may_be_a_text_is_compared_as_a_number(kql: str, spelled: str) -> None:
    assert spelled in translator.convert(rule(kql), ("splunk",), Options(fields="source")).outputs["splunk"].text


@pytest.mark.parametrize(
    ("condition", "search", "rest"),
    [
        ('Activity =~ "Ab"', 'Activity="Ab"', ""),
        ('Activity == "Ab"', 'Activity="Ab"', 'Activity=="Ab"'),
        ('Activity == "12"', 'Activity="12"', ""),
        ('Activity in~ ("Ab", "c")', 'Activity IN ("Ab", "c")', ""),
        ('Activity !in~ ("Ab", "c")', 'NOT Activity IN ("Ab", "c")', ""),
        ('Activity != "Ab"', "", '(isnull(Activity) OR NOT Activity=="Ab")'),
        ('Activity contains "b\\\\c"', r'Activity="*b\\c*"', ""),
        ('Activity !endswith "Ab"', 'NOT Activity="*Ab"', ""),
        ('Activity =~ "Ab" or DeviceAction startswith "c"', '(Activity="Ab" OR DeviceAction="c*")', ""),
        ('Activity =~ "Ab" or Activity =~ "d" or Activity endswith "e"', 'Activity IN ("Ab", "d", "*e")', ""),
        ('Activity =~ "Ab" or (DeviceAction =~ "c" and SentBytes == 3)', '(Activity="Ab" OR (DeviceAction="c" SentBytes=3))', ""),
        ('Activity =~ "Ab" or SentBytes > 3', "", 'lower(Activity)=="ab" OR SentBytes>3'),
        ("isnotempty(Activity)", 'Activity!=""', ""),
        ("isnotnull(SentBytes) and isempty(Activity)", "SentBytes=*", '(isnull(Activity) OR Activity=="")'),
        ("SentBytes in (1, 3)", "SentBytes IN (1, 3)", ""),
        ('Activity =~ "ÄB"', "", 'lower(Activity)=="äb"'),
        ('Activity =~ "10.0.0.0/8"', "", 'lower(Activity)=="10.0.0.0/8"'),
        ('Activity =~ "A*b"', "", 'lower(Activity)=="a*b"'),
    ],
)
def test_what_search_can_tell_stands_there_and_nowhere_else(condition: str, search: str, rest: str) -> None:
    kql = f"CommonSecurityLog | where {condition}"
    base, *commands = translator.convert(rule(kql), ("splunk",), Options(fields="source")).outputs["splunk"].text.split("\n| ")
    assert base.removeprefix('sourcetype="CommonSecurityLog"').strip() == search
    assert commands == ([f"where {rest}"] if rest else [])
    texts = ["", "Ab", "aB", "xab", "abx", "c", "d", "12", "b\\c", "äb", "10.0.0.0/8", "10.1.2.3", "aCb", None]
    rows = [
        {"EventCount": n, "Activity": a, "DeviceAction": d, "SentBytes": n % 5}
        for n, (a, d) in enumerate(itertools.product(texts, ["C", "d"]))
    ]
    events = [{k: v for k, v in {**row, "sourcetype": "CommonSecurityLog"}.items() if v is not None} for row in rows]
    wanted = translator.run(f"{kql} | project EventCount", {"CommonSecurityLog": rows})
    found = spl.run("\n| ".join([base, *commands]), events)
    assert sorted((e["EventCount"],) for e in found) == sorted(wanted.rows)


@pytest.mark.parametrize(
    ("condition", "spl_patterns", "esql_patterns"),
    [
        ('Message has_any ("ab", "cd", "e-f")', 1, 1),
        ('Message has_any ("ab", "-cd")', 1, 2),
        ('not(Message has_any ("ab", "cd"))', 1, 1),
        ('Message has "ab" or Message has "cd" or Activity has "ab"', 2, 2),
        ('Message has "ab" and Message has "cd"', 2, 2),
        ('Message contains_cs "ab" or Message contains_cs "CD"', 1, 0),
    ],
)
def test_any_of_several_texts_is_found_by_one_pattern(condition: str, spl_patterns: int, esql_patterns: int) -> None:
    kql = f"CommonSecurityLog | where {condition}"
    found = translator.convert(rule(kql), ("splunk", "esql"), Options(fields="source")).outputs
    assert found["splunk"].text.count("match(") == spl_patterns and found["esql"].text.count("RLIKE") == esql_patterns
    texts = ["ab", "AB cd", "abcd", "x-cd", "cd", "e-f", "e-fg", "", "x ab", "CD", None]
    rows = [{"EventCount": n, "Message": m, "Activity": a} for n, (m, a) in enumerate(itertools.product(texts, ["ab", "x"]))]
    wanted = sorted(translator.run(f"{kql} | project EventCount", {"CommonSecurityLog": rows}).rows)
    events = [{k: v for k, v in row.items() if v is not None} for row in rows]
    of_spl = spl.run(found["splunk"].text, [{**e, "sourcetype": "CommonSecurityLog"} for e in events])
    assert sorted((e["EventCount"],) for e in of_spl) == wanted
    of_esql = esql.run(found["esql"].text, [{**e, "data_stream.dataset": "commonsecuritylog"} for e in events])
    assert sorted((e["EventCount"],) for e in of_esql) == wanted


BOTH_SIDES = (
    'SecurityEvent | where EventID == 4720 and TargetUserName !endswith "$" | join kind=inner '
    '(SecurityEvent | where EventID == 4726 and TargetUserName !endswith "$") on TargetSid'
)


def test_what_all_parts_of_a_query_share_is_asked_once_and_first() -> None:
    found = translator.convert(rule(BOTH_SIDES), ("splunk", "esql")).outputs
    base, *commands = found["splunk"].text.split("\n| ")
    assert base == 'index=* source="XmlWinEventLog:Security" NOT TargetUserName="*$" EventCode IN (4720, 4726)'
    assert commands[:2] == ["eval security_event=if(EventCode==4720, 1, 0)", "eval security_event_2=if(EventCode==4726, 1, 0)"]
    assert found["esql"].text.split("\n| ")[1:4] == [
        'WHERE event.dataset == "system.security" AND (winlog.event_data.TargetUserName IS NULL '
        'OR NOT ENDS_WITH(TO_LOWER(winlog.event_data.TargetUserName), "$")) AND (event.code == "4720" OR event.code == "4726")',
        'EVAL security_event = CASE(event.code == "4720", 1, 0)',
        'EVAL security_event_2 = CASE(event.code == "4726", 1, 0)',
    ]


def test_of_whole_tables_beside_each_other_an_alert_shows_what_is_asked_for() -> None:
    found = translator.convert(rule(BOTH_SIDES), ("splunk", "esql")).outputs
    assert re.findall(r"values\((\w+)\)", found["splunk"].text) == ["EventID", "TargetUserName", "EventID1", "TargetUserName1"]
    assert len(re.findall(r"= VALUES\(", found["esql"].text)) == 2
    events = [
        {"source": "XmlWinEventLog:Security", "_time": n, "EventCode": code, "TargetSid": "S-1", "TargetUserName": name}
        for n, (code, name) in enumerate([(4720, "before"), (4726, "behind")])
    ]
    (alert,) = spl.run(found["splunk"].text, [{**e, "index": "main"} for e in events])
    shown = {name: alert[name] for name in ("EventID", "TargetUserName", "EventID1", "TargetUserName1")}
    assert shown == {"EventID": "4720", "TargetUserName": "before", "EventID1": "4726", "TargetUserName1": "behind"}


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("x in (W)", [1]),
        ("not(x in (W))", [2, 3, 4]),
        ("x in (W) or y in (W)", [1, 2]),
        ("x in~ (W) and not(y in (W))", [1, 3]),
        ("x has_any (W)", [1, 3, 4]),
        ("not(x has_any (W) or y in (W))", []),
    ],
)
def test_lists_in_any_place_of_a_condition(condition: str, ids: list[int]) -> None:
    events = [
        {"id": 1, "sourcetype": "T", "x": "admin", "y": "q"}, {"id": 2, "sourcetype": "T", "x": "z", "y": "admin"},
        {"id": 3, "sourcetype": "T", "x": "ADMIN"}, {"id": 4, "sourcetype": "T", "x": "the admin of z", "y": "q"},
    ]  # fmt: skip
    found = translator.convert(
        rule(f"let W = _GetWatchlist('w') | project v; T | where {condition}"), ("splunk",), Options(fields="source")
    )
    lists = {"w": [{"value": "admin"}], "w_cased": [{"value": "admin"}], "w_rows": [{"v": "admin"}]}
    logged = [{**e, "_time": 1} for e in events]
    assert sorted(e["id"] for e in spl.run(found.outputs["splunk"].text, logged, lists=lists)) == ids


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("tostring(split(x, '.')[-1]) in (W)", ["admin", "a.b.admin"]),
        ("tostring(split(x, '.')[-1]) in~ (W)", ["admin", "a.b.admin", "A.ADMIN"]),
        ("isnotempty(trim(' ', x)) and tostring(split(x, '.')[-1]) !in (W)", ["A.ADMIN", "admin.z", "z"]),
    ],
)
def test_the_last_part_of_a_text_in_a_list(condition: str, names: list[str]) -> None:
    texts = ["admin", "a.b.admin", "A.ADMIN", "admin.z", "z"]
    events = [{"sourcetype": "T", "index": "main", "data_stream.dataset": "t", "x": text} for text in texts] + [{"sourcetype": "T"}]
    found = translator.convert(
        rule(f"let W = _GetWatchlist('w') | project v; T | where {condition}"), ("splunk", "esql"), Options(fields="source")
    ).outputs
    assert {found[t].verdict for t in found} <= {Verdict.EXACT, Verdict.SAME_ALERTS}
    assert [e["x"] for e in spl.run(found["splunk"].text, events, lists={"w": [{"value": "admin"}]})] == names
    assert "MV_LAST(SPLIT(x" in found["esql"].text
    of_two_bytes = translator.convert(rule(f"let W = _GetWatchlist('w') | project v; T | where {condition.replace('.', '·')}"), ("esql",))
    assert "SPLIT" not in of_two_bytes.outputs["esql"].text


def test_lists_of_one_source_that_differ_have_names_of_their_own() -> None:
    lets = "let A = _GetWatchlist('w') | where t == 'a' | project v; let B = _GetWatchlist('w') | where t == 'b' | project v;"
    text = translator.convert(rule(f"{lets} T | where x in (A) or y in (B) or z in (A)"), ("splunk",)).outputs["splunk"].text
    assert [name for name in ("lookup w value as x", "lookup w_2 value as y", "lookup w value as z") if name not in text] == []


def test_of_a_whole_table_an_alert_shows_what_is_asked_for_and_the_entities() -> None:
    kql = "SigninLogs | where ResultType == '0' | join kind=leftanti (AuditLogs | where Category == 'a') on CorrelationId"
    made = rule(kql, entities=(EntityMapping("Account", "Name", "UserPrincipalName"),))
    text = translator.convert(made, ("splunk",), Options(fields="source")).outputs["splunk"].text
    assert re.findall(r"values\((\w+)\)", text) == ["ResultType", "UserPrincipalName"]


def test_what_an_alert_is_made_of_is_that_of_the_part_which_has_the_event() -> None:
    kql = (
        "union (OfficeActivity | where Operation == 'o' | extend AccountCustomEntity = UserId, IPCustomEntity = ClientIP),"
        " (SigninLogs | where ResultType == '1' | extend IPCustomEntity = iff(IPAddress == '', 'none', IPAddress))"
    )
    entities = (EntityMapping("Account", "FullName", "AccountCustomEntity"), EntityMapping("IP", "Address", "IPCustomEntity"))
    text = translator.convert(rule(kql, entities=entities), ("splunk",)).outputs["splunk"].text
    office = {"sourcetype": "o365:management:activity", "Workload": "Exchange", "Operation": "o", "UserId": "u", "ClientIP": "1.1.1.1"}
    signin = {"sourcetype": "azure:monitor:aad", "category": "SignInLogs", "resultType": "1", "ClientIP": "2.2.2.2"}
    rows = spl.run(text, [{"index": "main", **event} for event in (office, signin)])
    assert [(row.get("AccountCustomEntity", ""), row["IPCustomEntity"]) for row in rows] == [("u", "1.1.1.1"), ("", "none")]


@pytest.mark.parametrize(
    ("kql", "wanted", "left_out"),
    [
        ("OfficeActivity | where OfficeWorkload == 'Exchange' and Operation =~ 'x'", 'Workload="Exchange"', "SharePoint"),
        ("OfficeActivity | where Operation =~ 'x'", 'Workload IN ("Exchange", ', "where"),
        ("SymantecVIP | where User =~ 'x'", 'Type="SymantecVIP" User="x"', "where"),
        ("AuditLogs | extend g = tostring(InitiatedBy.user.id) | summarize c = count() by g | where c > strlen(g)", "by id", "g=id\n"),
        (
            "Syslog | extend a = extract('x=([a-z]+)', 1, SyslogMessage) | summarize c = count() by a | where c > strlen(a)",
            "(?P<a>",
            "case(",
        ),
    ],
)
def test_nothing_stands_there_twice(kql: str, wanted: str, left_out: str) -> None:
    text = translator.convert(rule(kql), ("splunk",)).outputs["splunk"].text
    assert wanted in text and left_out not in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("Foo_CL | mv-expand e = Bar to typeof(string) | where e == 'a'", True),
        ("AuditLogs | mv-expand e = TargetResources | where e.type == 'User'", False),  # documented as an array
    ],
)
def test_what_need_not_be_an_array_is_said_to_be_read_as_one(query: str, said: bool) -> None:
    output = translator.convert(rule(query), ("splunk",)).outputs["splunk"]
    assert ("lone-element" in {d.code for d in output.diagnostics}) == said
    assert output.verdict is (Verdict.NARROWER if said else Verdict.SAME_ALERTS)


@pytest.mark.parametrize(
    ("condition", "direction"),
    [
        ("where UserDisplayName has 'M\u00fcller'", "narrower"),
        ("where tolower(UserDisplayName) == 'm\u00fcller'", "narrower"),
        ("where not(UserDisplayName =~ 'M\u00fcller')", "broader"),
        ("summarize n = count(), d = dcount(IPAddress) by UserDisplayName | where n > d and UserDisplayName has 'M\u00fcller'", "differs"),
        ("where UserDisplayName matches regex '(?i)m\u00fcll'", "narrower"),
        # a word with an end that no letter follows
        ("where UserDisplayName matches regex '(?i)mull([^a-z\u00c0-\u02af]|$)'", None),
        ("where UserDisplayName has_cs 'M\u00fcller' or UserDisplayName =~ '\u4e00'", None),
    ],
)
def test_letters_beyond_ascii_are_not_presumed_to_be_without_case(condition: str, direction: str | None) -> None:
    for prefer in ("exact", "portable"):
        found = translator.convert(rule(f"SigninLogs | {condition}"), ("splunk",), Options(prefer=prefer)).outputs["splunk"].diagnostics
        assert {d.direction.value for d in found if d.code == "ascii-case"} == ({direction} if direction else set())
