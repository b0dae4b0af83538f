"""What a query computes of its events in several places is computed once, under a name."""

from __future__ import annotations

import pytest

from tests.rules import rule
from translator import convert, prove
from translator.targets.repeated import Repeated
from translator.verify.proof import Outcome


def test_each_value_that_stands_again_is_named_behind_those_that_it_holds() -> None:
    inner = 'json_extract(_raw, "properties.targetResources{0}.displayName.text")'
    outer = f'replace(coalesce({inner}, ""), "a", "b")'
    told = Repeated()
    for words, hint in ((inner, "text"), (outer, "replaced")):
        assert told.of(words, hint) == words
    wanted = told.standing_again(f"where {outer}==1 AND {outer}==2 AND {inner}==3 AND {inner}==4")
    assert list(wanted) == [inner, outer]
    again = Repeated(wanted)
    again.name(stored={"text"}, columns={"replaced"}, is_plain=str.isidentifier)
    assert list(again.names.items()) == [(inner, "text_value"), ('replace(coalesce(text_value, ""), "a", "b")', "replaced_value")]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param('lower("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").upper("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")', id="two-calls"),
        pytest.param('("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")+("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")', id="sum"),
        pytest.param('lower("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)', id="open-quote"),
        pytest.param('lower("short")', id="short"),
    ],
)
def test_what_is_no_long_call_has_no_name(words: str) -> None:
    told = Repeated()
    told.of(words, "text")
    assert told.standing_again(words * 4) == {}


def test_parentheses_and_quotes_in_literals_do_not_end_a_call() -> None:
    words = r'match(coalesce(a, ""), "^\"(\\(|\\))+\"$ and more that is long enough to be named")'
    told = Repeated()
    told.of(words, "found")
    assert list(told.standing_again(f"{words} {words} {words}")) == [words]


LOGGED = """CommonSecurityLog
| where DeviceVendor == "Squid"
| extend Tool = extract(@"agent=([^;]*);", 1, AdditionalExtensions)
| where Tool != "curl" and Tool !startswith "wget" and DeviceAction == "allow"
"""


@pytest.mark.parametrize(
    "kql",
    [
        pytest.param(f"{LOGGED}| project SourceIP, Tool", id="events"),
        pytest.param(f"{LOGGED}| summarize Events = count() by SourceIP | where Events > 3", id="threshold"),
        pytest.param(f"{LOGGED}| summarize make_set(Tool), Longest = max(strlen(Tool)) by SourceIP", id="pipeline"),
    ],
)
@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_a_value_stands_once_and_the_query_alerts_as_the_rule_does(kql: str, target: str) -> None:
    text = convert(rule(kql), (target,)).outputs[target].text
    computing = [line for line in text.split("\n| ") if "agent=" in line]
    assert len(computing) == 1 and computing[0].lower().startswith("eval ")
    assert text.index("allow") < text.index("agent=")
    assert prove(rule(kql), target).outcome is Outcome.PROVEN


@pytest.mark.parametrize("target", ["splunk", "esql"])
def test_a_value_that_a_column_is_made_of_several_times_has_a_command_before_it(target: str) -> None:
    kql = """SigninLogs
| summarize Places = dcount(tostring(LocationDetails.city)), Agents = dcount(UserAgent), Events = count() by UserPrincipalName
| extend Score = toint(
    (todouble(Places) * 15.5 + todouble(Agents) * 10.25 - todouble(Places * Agents) * 0.125 - todouble(Events) / 100.5) / 2.5)
| where Score >= 1
"""
    text = convert(rule(kql), (target,)).outputs[target].text
    assert text.count("2.5)") == 1
    assert prove(rule(kql), target).outcome is Outcome.PROVEN
