"""The reader of Sigma by its specification, and by pySigma's model where that goes beyond it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from translator.verify.reading import Lists, NotReadable
from translator.verify.sigma import parse, run

EVENTS: list[dict[str, Any]] = [
    {"id": 1, "name": "Cmd.exe", "path": "C:\\Windows\\Cmd.exe", "n": 5, "ok": True, "ip": "10.0.0.1", "other": "cmd.EXE"},
    {"id": 2, "name": ["a*b", "axb"], "n": ["7", 1], "ip": "2001:db8::1", "a": {"b": [{"c": "x"}, {"c": "y"}]}},
    {"id": 3, "name": "", "n": 2.5, "ok": False, "when": "2026-05-01T13:45:00Z", "other": "m"},
    {"id": 4, "line": "net -user /add", "empty": None, "when": ["2025-12-29T00:00:00+00:00"]},
]  # fmt: skip
LISTS: Lists = {"tools": [{"value": "cmd.exe"}, {"value": "net*"}], "one": [{"x": "axb"}], "none": [], "wide": [{"a": 1, "b": 2}]}


def rule(detection: dict[str, Any], condition: str = "selection", **more: Any) -> dict[str, Any]:
    return {"title": "t", "logsource": {"category": "c"}, "detection": {**detection, "condition": condition}, **more}


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["id"] for row in rows]


SELECTIONS: list[tuple[Any, list[int]]] = [
    # texts: case is ignored, * and ? are wildcards, a backslash quotes them
    ({"name": "cmd.exe"}, [1]),
    ({"name": "cmd"}, []),
    ({"name": "*.EXE"}, [1]),
    ({"name": "?md.exe"}, [1]),
    ({"name": "a*b"}, [2]),
    ({"name": "a\\*b"}, [2]),
    ({"name": "a\\?b"}, []),
    ({"name": "c\\*"}, []),
    ({"path": "C:\\Windows\\*"}, []),
    ({"path": "C:\\Windows\\\\*"}, [1]),
    ({"path": "*\\cmd.exe"}, [1]),
    ({"path": "c:\\\\windows\\\\cmd.exe"}, [1]),
    ({"name": ["cmd.exe", "AXB"]}, [1, 2]),
    ({"name": ""}, [3]),
    ({"name": "*"}, [1, 2, 3]),
    ({"name|cased": "cmd.exe"}, []),
    ({"name|cased": "Cmd.*"}, [1]),
    ({"name|contains": "MD"}, [1]),
    ({"name|contains": ["q", "x"]}, [1, 2]),
    ({"name|contains|all": ["a", "x"]}, [2]),
    ({"name|contains|all": ["*", "a", "b"]}, [2]),
    ({"name|contains|cased": "md"}, [1]),
    ({"name|contains|cased": "MD"}, []),
    ({"name|startswith": "CMD"}, [1]),
    ({"name|endswith": ".exe"}, [1]),
    ({"path|endswith": "\\cmd.exe"}, [1]),
    ({"name|all": ["a*", "ax?"]}, [2]),
    ({"name|neq": "cmd.exe"}, [2, 3, 4]),
    # several items of a mapping all, of a list any
    ({"name": "cmd.exe", "n": 5}, [1]),
    ({"name": "cmd.exe", "n": 6}, []),
    ([{"name": "cmd.exe"}, {"n": 2.5}], [1, 3]),
    # numbers and truth values
    ({"n": 5}, [1]),
    ({"n": "5"}, [1]),
    ({"n": 7}, [2]),
    ({"n": [1, 2.5]}, [2, 3]),
    ({"n|gt": 4}, [1, 2]),
    ({"n|gte": 5}, [1, 2]),
    ({"n|lt": 2.5}, [2]),
    ({"n|lte": 2.5}, [2, 3]),
    ({"n|neq": 5}, [2, 3, 4]),
    ({"name|gt": 0}, []),
    ({"ok": True}, [1]),
    ({"ok": False}, [3]),
    ({"ok": "TRUE"}, [1]),
    # what is missing
    ({"ok": None}, [2, 4]),
    ({"empty": None}, [1, 2, 3, 4]),
    ({"n": [None, 5]}, [1, 4]),
    ({"name": ["", None]}, [3, 4]),
    ({"n|exists": True}, [1, 2, 3]),
    ({"n|exists": False}, [4]),
    ({"name|exists": True}, [1, 2, 3]),
    # regular expressions: anywhere, case heeded
    ({"name|re": "md"}, [1]),
    ({"name|re": "MD"}, []),
    ({"name|re|i": "MD"}, [1]),
    ({"name|re": "^c"}, []),
    ({"name|re": "^(C|q).d[.]"}, [1]),
    ({"name|re": ["^$", "x"]}, [1, 2, 3]),
    ({"line|re": "\\d"}, []),
    ({"line|re|m": "^net$"}, []),
    # addresses
    ({"ip|cidr": "10.0.0.0/8"}, [1]),
    ({"ip|cidr": ["192.168.0.0/16", "2001:db8::/32"]}, [2]),
    ({"name|cidr": "10.0.0.0/8"}, []),
    # other fields
    ({"name|fieldref": "other"}, [1]),
    ({"path|fieldref|endswith": "other"}, [1]),
    ({"name|fieldref": "nothing"}, []),
    ({"a.b.c": "y"}, [2]),
    # switches and encodings
    ({"line|windash|contains": " -add"}, [4]),
    ({"line|windash|contains": " /user"}, [4]),
    ({"line|contains": " -add"}, []),
    ({"line|windash|contains|all": [" -user", "-add"]}, [4]),
    # parts of times
    ({"when|hour": 13}, [3]),
    ({"when|minute": 45}, [3]),
    ({"when|day": [1, 29]}, [3, 4]),
    ({"when|month": 12}, [4]),
    ({"when|year": 2026}, [3]),
    ({"when|week": 1}, [4]),
    ({"when|hour|gt": 12}, [3]),
    # lists
    ({"name|expand": "%tools%"}, [1]),
    ({"line|expand|contains": "%one%"}, []),
    ({"name|expand|contains": "%one%"}, [2]),
    ({"line|expand": "%tools%"}, []),
    ({"path|expand": "C:*%tools%"}, [1]),
    ({"name|expand": "%none%"}, []),
    # keywords
    (["axb"], [2]),
    (["WINDOWS"], [1]),
    (["*md.e?e"], [1]),
    (["-user", "2.5"], [3, 4]),
    ({"|all": ["net", "/ADD"]}, [4]),
    ({"|re": "n[e]t"}, [4]),
    ([99], []),
    ([5], [1, 3, 4]),
]  # fmt: skip


@pytest.mark.parametrize(("selection", "found"), SELECTIONS)
def test_selections(selection: Any, found: list[int]) -> None:
    assert ids(run(yaml.safe_dump(rule({"selection": selection})), EVENTS, lists=LISTS)) == found


@pytest.mark.parametrize(
    ("modifiers", "text", "holds"),
    [
        ("base64", base64.b64encode(b"whoami").decode(), True),
        ("base64|contains", "powershell -e " + base64.b64encode(b"whoami").decode(), True),
        ("base64offset|contains", base64.b64encode(b"x" + b"whoami" + b"yz").decode(), True),
        ("base64offset|contains", base64.b64encode(b"xy" + b"whoami").decode(), True),
        ("base64offset|contains", base64.b64encode(b"who am i").decode(), False),
        ("wide|base64offset|contains", base64.b64encode("x whoami".encode("utf-16le")).decode(), True),
        ("utf16be|base64offset|contains", base64.b64encode("ab whoami".encode("utf-16be")).decode(), True),
    ],
)
def test_encodings(modifiers: str, text: str, holds: bool) -> None:
    assert bool(run(yaml.safe_dump(rule({"selection": {f"f|{modifiers}": "whoami"}})), [{"f": text}])) == holds


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("s_a", [1]),
        ("not s_a", [2, 3, 4]),
        ("s_a or s_b", [1, 3]),
        ("s_b and not s_a", [3]),
        ("not (s_a or s_b)", [2, 4]),
        ("s_a or s_b and t", [1]),
        ("(s_a or s_b) and t", [1]),
        ("1 of s_*", [1, 3]),
        ("any of s_*", [1, 3]),
        ("all of s_*", []),
        ("1 of them", [1, 3]),
        ("all of them", []),
        ("not 1 of s_*", [2, 4]),
        (["s_a", "s_b"], [1, 3]),
    ],
)
def test_conditions(condition: Any, found: list[int]) -> None:
    text = yaml.safe_dump(rule({"s_a": {"n": 5}, "s_b": {"n": 2.5}, "t": {"ok": True}}, condition))
    assert ids(run(text, EVENTS)) == found


def text_of(*documents: dict[str, Any]) -> str:
    return yaml.safe_dump_all(documents)


def correlation(kind: str, rules: list[str], condition: Any, by: list[str] | None = None, span: str = "10s", **more: Any) -> dict[str, Any]:
    own = {"type": kind, "rules": rules, "timespan": span, "condition": condition, **({"group-by": by} if by else {})}
    return {"title": "correlated", "name": "correlated", "correlation": own | more}


def logged(words: str) -> list[dict[str, Any]]:
    """Events from words like ``3ax7``: at second 3 an event ``a`` with the key x and the value 7; ids count from 1."""
    found = []
    for number, word in enumerate(words.split(), start=1):
        letters = word.strip("0123456789")
        second, _, value = word.partition(letters)
        event: dict[str, Any] = {"id": number, "timestamp": int(second), "e": letters[0]}
        found.append(event | ({"k": letters[1:]} if letters[1:] else {}) | ({"v": int(value)} if value else {}))
    return found


BASE = [{"title": name, "name": name, "logsource": {"category": "x"}, "detection": {"s": {"e": name}, "condition": "s"}} for name in "abc"]
AB, ABC = ["a", "b"], ["a", "b", "c"]

CORRELATIONS: list[tuple[dict[str, Any], str, list[tuple[dict[str, Any], list[int]]]]] = [
    # counts over windows that roll
    (correlation("event_count", ["a"], {"gte": 2}), "1a 2b 3a", [({}, [1, 3])]),
    (correlation("event_count", ["a"], {"gte": 2}), "1a 11a", [({}, [1, 2])]),
    (correlation("event_count", ["a"], {"gte": 2}), "1a 12a", []),
    (correlation("event_count", ["a"], {"gte": 3}), "1a 9a 12a 14a", [({}, [2, 3, 4])]),
    (correlation("event_count", ["a"], {"gt": 1}, ["k"]), "1ax 2ay 3ax 4a", [({"k": "x"}, [1, 3])]),
    (correlation("event_count", ["a"], {"gte": 2}, ["k"]), "1ax 2aX", [({"k": "x"}, [1, 2])]),
    (correlation("event_count", ["a"], {"gte": 1}, ["k"]), "1a", []),
    (correlation("event_count", AB, {"gte": 2}, ["k"]), "1ax 2bx", [({"k": "x"}, [1, 2])]),
    (correlation("event_count", ["a"], {"eq": 1}), "1a 2a", [({}, [1])]),
    (correlation("event_count", ["a"], {"lt": 2}), "1a 2a", [({}, [1])]),
    (correlation("event_count", ["a"], {"neq": 1}), "1a 2a", [({}, [1, 2])]),
    (correlation("event_count", ["a"], {"lte": 3}), "1b", []),
    (correlation("value_count", ["a"], {"field": "v", "gte": 2}), "1ax1 2ax1 3ax2", [({}, [1, 2, 3])]),
    (correlation("value_count", ["a"], {"field": "v", "gte": 2}), "1ax1 2ax1 3ax", []),
    (correlation("value_count", ["a"], {"field": "k", "gte": 2}), "1ax 2aX", []),
    (correlation("value_count", ["a"], {"field": "v", "gte": 2}, ["k"]), "1ax1 2ay2 3ax3", [({"k": "x"}, [1, 3])]),
    (correlation("value_sum", ["a"], {"field": "v", "gt": 9}), "1ax4 2ax5 3ax1", [({}, [1, 2, 3])]),
    (correlation("value_sum", ["a"], {"field": "v", "gt": 9}), "1ax4 2ax5 12ax1", []),
    (correlation("value_avg", ["a"], {"field": "v", "gte": 3}), "1ax1 2ax2 3ax6", [({}, [1, 2, 3])]),
    (correlation("value_median", ["a"], {"field": "v", "eq": 3}), "1ax2 2ax4", [({}, [1, 2])]),
    (correlation("value_percentile", ["a"], {"field": "v", "eq": 4, "percentile": 75}), "1ax1 2ax5", [({}, [1, 2])]),
    (correlation("value_avg", ["a"], {"field": "v", "lt": 9}), "1ax", []),
    # what comes together, in any order or in that of the rules
    (correlation("temporal", AB, {"gte": 2}, ["k"]), "1bx 2ax 3ay", [({"k": "x"}, [1, 2])]),
    (correlation("temporal", AB, {"gte": 2}), "1a 12b", []),
    (correlation("temporal", ABC, {"gte": 2}), "1a 2c", [({}, [1, 2])]),
    (correlation("temporal", ABC, {"gt": 2}), "1a 2c", []),
    (correlation("temporal", AB, {"lt": 2}), "1a", [({}, [1])]),
    (correlation("temporal_ordered", AB, {"gte": 2}), "1a 2b", [({}, [1, 2])]),
    (correlation("temporal_ordered", AB, {"gte": 2}), "1b 2a", []),
    (correlation("temporal_ordered", AB, {"gte": 2}), "1b 2a 3b", [({}, [1, 2, 3])]),
    (correlation("temporal_ordered", AB, {"gte": 2}), "1a 1b", []),
    (correlation("temporal_ordered", ABC, {"gte": 2}), "1b 2a 3c", [({}, [1, 2, 3])]),
    (correlation("temporal_ordered", ABC, {"gte": 3}), "1b 2a 3c", []),
    # conditions in words
    (correlation("temporal", AB, "a and b"), "1b 2a", [({}, [1, 2])]),
    (correlation("temporal", AB, "a or b"), "1b", [({}, [1])]),
    (correlation("temporal", ABC, "a and (b or c)", ["k"]), "1ax 2cx 3ay", [({"k": "x"}, [1, 2])]),
    (correlation("temporal", AB, "a and not b"), "1a 12c", [({}, [1])]),
    (correlation("temporal", AB, "a and not b"), "1a 5b 12c", []),
    (correlation("temporal", AB, "a and not b"), "1b 2a 12c", [({}, [2])]),
    (correlation("temporal", AB, "a and not b"), "1a 10c", []),  # the window is not over
    (correlation("temporal", AB, "a and not b", ["k"]), "1ax 2by 12c", [({"k": "x"}, [1])]),
    (correlation("temporal_ordered", AB, "a and b"), "1b 2a", []),
    (correlation("temporal_ordered", AB, "b and a"), "1a 2b", [({}, [1, 2])]),
    # aliases
    (
        correlation("temporal", AB, {"gte": 2}, ["who"], aliases={"who": {"a": "k", "b": "e"}}),
        "1ab 2bx",
        [({"who": "b"}, [1, 2])],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "events", "found"), CORRELATIONS)
def test_correlations(document: dict[str, Any], events: str, found: list[tuple[dict[str, Any], list[int]]]) -> None:
    referred = [b for b in BASE if b["name"] in document["correlation"]["rules"]]
    rows: list[Any] = run(text_of(*referred, document), logged(events))
    assert [({k: v for k, v in row.items() if k != "events"}, ids(row["events"])) for row in rows] == found


def test_a_window_is_over_where_no_events_come_after_these() -> None:
    document = text_of(*BASE[:2], correlation("temporal", AB, "a and not b"))
    assert [ids(row["events"]) for row in run(document, logged("1a"), complete=True)] == [[1]]  # type: ignore[arg-type]
    assert run(document, logged("1a 5b"), complete=True) == []
    assert run(document, logged("1a")) == []


def test_a_correlation_of_a_correlation() -> None:
    many = correlation("event_count", ["a"], {"gte": 2}, ["k"]) | {"name": "many"}
    chain = correlation("temporal", ["many", "b"], {"gte": 2}, ["k"]) | {"name": "chain"}
    row: Any
    (row,) = run(text_of(*BASE[:2], many, chain), logged("1ax 2ax 3ay 4by 5bx"))
    assert (row["k"], ids(row["events"])) == ("x", [1, 2, 5])
    assert run(text_of(*BASE[:2], many, chain), logged("1ax 3ay 4by 5bx")) == []


def test_a_rule_that_a_correlation_refers_to_finds_nothing_of_its_own_unless_it_is_told_to() -> None:
    document = correlation("event_count", ["a"], {"gte": 5})
    assert run(text_of(BASE[0], document), logged("1a")) == []
    assert ids(run(text_of(BASE[0], correlation("event_count", ["a"], {"gte": 5}, generate=True)), logged("1a"))) == [1]


def test_filters() -> None:
    kept = {"title": "f", "logsource": {"category": "c"}, "filter": {"rules": "any", "s": {"ok": True}, "condition": "not s"}}
    assert ids(run(text_of(rule({"selection": {"n|gt": 1}}), kept), EVENTS)) == [2, 3]


def test_events_that_say_where_they_come_from() -> None:
    events = [{"id": 1, "logsource": {"category": "c"}}, {"id": 2, "logsource": {"category": "d"}}, {"id": 3}]
    assert ids(run(yaml.safe_dump(rule({"selection": {"id|gt": 0}})), events)) == [1, 3]


def test_several_rules_each_find_their_own() -> None:
    assert ids(run(text_of(rule({"selection": {"n": 5}}), rule({"selection": {"n|gte": 2.5}})), EVENTS)) == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: [", "what is no YAML"),
        (yaml.safe_dump(rule({"selection": {"a|nosuch": 1}})), "Unknown modifier 'nosuch'"),
        (yaml.safe_dump(rule({"selection": {"a": 1}}, "selection and")), "found end of text"),
        (yaml.safe_dump(rule({"selection": {"a": 1}}, "other")), "Detection 'other' not defined in detections"),
        (yaml.safe_dump(rule({"selection": {"a": 1}}, "selection | count() > 5")), "The pipe syntax in Sigma conditions"),
        (yaml.safe_dump(rule({"selection": {"a|re": "("}})), "Regular expression '(' is invalid"),
        (yaml.safe_dump(rule({"selection": {"a|cidr": "10.0.0.1/8"}})), "Invalid CIDR expression"),
        (yaml.safe_dump(rule({"selection": {"name|expand": "%nosuch%"}})), "the list nosuch"),
        (yaml.safe_dump(rule({"selection": {"name|expand": "%wide%"}})), "the list wide, which has no column value"),
        (text_of(*BASE, correlation("temporal", AB, "not a and not b")), "a correlation of absent events alone"),
        (text_of(*BASE, correlation("temporal", ["a", "d"], {"gte": 2})), "Rule 'd' not found"),
        (text_of(BASE[0], correlation("value_count", ["a"], {"gte": 2, "field": ["e", "k"]})), "a correlation that counts several fields"),
        (text_of(BASE[0], correlation("value_percentile", ["a"], {"gte": 2, "field": "v"})), "the percentile None"),
        (text_of(BASE[0], BASE[1], correlation("temporal_ordered", AB, {"lt": 2})), "an order of fewer rules than a number"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_by_name(text: str, what: str) -> None:
    with pytest.raises(NotReadable) as refused:
        run(text, [*EVENTS, *logged("1ax1 2bx2")], lists=LISTS)
    assert what in refused.value.what


def test_an_event_without_a_time_is_not_correlated() -> None:
    with pytest.raises(NotReadable, match="without a time"):
        run(text_of(BASE[0], correlation("event_count", ["a"], {"gte": 1})), [{"e": "a"}])


def test_a_group_by_a_field_of_several_values_is_refused() -> None:
    with pytest.raises(NotReadable, match="several values of k"):
        run(text_of(BASE[0], correlation("event_count", ["a"], {"gte": 1}, ["k"])), [{"timestamp": 1, "e": "a", "k": ["x", "y"]}])


def test_a_text_is_parsed_without_events() -> None:
    assert len(parse(text_of(*BASE, correlation("temporal", AB, {"gte": 2}))).rules) == 4
