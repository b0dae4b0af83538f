"""The reader of EQL by what Elastic documents, and by what the tests of Elasticsearch say where that is silent."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.eql_queries import outcomes
from tests.conformance.eql_sequences import differing
from translator.verify.eql import WrongType, parse, run
from translator.verify.reading import NotReadable

EVENTS: list[dict[str, Any]] = [
    {"id": 1, "@timestamp": 10, "event.category": "process", "name": "Cmd.exe", "n": 5, "path": "C:\\Windows\\Cmd.exe", "ok": True},
    {"id": 2, "@timestamp": 20, "event": {"category": ["process", "file"]}, "name": ["a*b", "axb"], "n": [1, 12],
     "source": {"ip": "10.0.0.1"}},
    {"id": 3, "@timestamp": 30, "event.category": "file", "name": "", "n": 2.5, "source.ip": "::1", "ok": False},
    {"id": 4, "@timestamp": 40, "a-b": "x", "c`d": "y", "sequence": "Ä"},
]  # fmt: skip

CONDITIONS = [
    ("true", [1, 2, 3, 4]),
    ("false", []),
    ('name == "Cmd.exe"', [1]),
    ('name == "cmd.exe"', []),
    ('name : "cmd.exe"', [1]),
    ('name : "CMD*"', [1]),
    ('name : ("z", "c?d.exe")', [1]),
    ('name == "a*b"', [2]),
    ('name : "a*b"', [2]),
    ('name like "A*"', []),
    ('name like~ "A*"', [2]),
    ('name like ("?md.exe", "a?b")', [1, 2]),
    ('path : "c:\\\\windows\\\\*"', [1]),
    ('path like """C:\\*"""', [1]),
    ('path == """C:\\Windows\\Cmd.exe"""', [1]),
    ('name regex "C.d[.]exe"', [1]),
    ('name regex "md"', []),
    ('name regex~ "c(m|n)d\\\\.EXE"', [1]),
    ('name regex ("q", "ax?[b]")', [2]),
    ('path regex """C:\\\\\\w+\\\\.*"""', [1]),
    ('name in ("Cmd.exe", "axb")', [1, 2]),
    ('name in ("cmd.exe")', []),
    ('name in~ ("cmd.exe", "A*B")', [1, 2]),
    ('name not in ("Cmd.exe")', [2, 3, 4]),
    ('name not in~ ("cmd.exe", "")', [2, 4]),
    # what lacks the field does not satisfy a condition, so it satisfies its negation
    ('name != "Cmd.exe"', [2, 3, 4]),
    ('not name == "Cmd.exe"', [2, 3, 4]),
    ('not name : "*b"', [1, 3, 4]),
    ("n > 4", [1, 2]),
    ("not n > 4", [3, 4]),
    ("n != 1", [1, 3, 4]),
    ("n >= 2.5 and n <= 5", [1, 2, 3]),
    ("n > 5 and n < 2", [2]),
    ("4 < n", [1, 2]),
    ("n == null", [4]),
    ("n != null", [1, 2, 3]),
    ("null == n", [4]),
    ("not n == null", [1, 2, 3]),
    ("?nothing == null", [1, 2, 3, 4]),
    ("?nothing != null", []),
    ('?nothing == "x" or n == 5', [1]),
    ("null == (n > 4)", [4]),
    ("(n > 4) == true", [1, 2]),
    ("(n > 4) == false", [3, 4]),
    ("(n > 4) != true", [3, 4]),
    ("ok", [1]),
    ("not ok", [2, 3, 4]),
    ("ok == false", [3]),
    ("ok != true", [2, 3, 4]),
    ("n == 5 or n == 2.5 and name != null and not ok", [1, 3]),
    ("(n == 5 or n == 2.5) and not ok", [3]),
    ("not (n == 5) and not (n == 2.5)", [2, 4]),
    ("n + 1 == 6", [1]),
    ("n * 2 + 1 == 25", [2]),
    ("n + 1 * 2 == 7", [1]),
    ("-n == -5", [1]),
    ("n / 2 == 2", [1]),
    ("n / 2.0 == 2.5", [1]),
    ("n % 3 == 2", [1]),
    ("-7 / 2 == -3", [1, 2, 3, 4]),
    ("-7 % 2 == -1", [1, 2, 3, 4]),
    ("add(n, 1) == 6 or subtract(n, 1) == 0", [1, 2]),
    ("multiply(n, 2) == 10 and divide(n, 2) == 2 and modulo(n, 2) == 1", [1]),
    ('startsWith(name, "Cmd")', [1]),
    ('startsWith(name, "cmd")', []),
    ('startsWith~(name, "cmd")', [1]),
    ('STARTSWITH("abc", "ab") and n == 5', [1]),
    ('endsWith(name, "b")', [2]),
    ('endsWith~(name, ".EXE")', [1]),
    ('endsWith("abc.exe", null) == null', [1, 2, 3, 4]),
    ('stringContains(name, "md")', [1]),
    ('stringContains~(name, "X")', [1, 2]),
    ("length(name) > 3", [1]),
    ("length(name) == 0", [3]),
    ('substring(name, 0, 3) == "Cmd"', [1]),
    ('substring(name, -4) == ".exe"', [1]),
    ('substring(name, -4, -1) == ".ex"', [1]),
    ('substring(name, 5, 2) == "" and n == 5', [1]),
    ("indexOf(name, \"d\") == 2", [1]),
    ('indexOf(name, "D") == null', [1, 2, 3, 4]),
    ('indexOf~(name, "D", 1) == 2', [1]),
    ('indexOf(name, "e", 5) == 6', [1]),
    ('between(path, "C:", "Cmd") == """\\Windows\\"""', [1]),
    ('between("a.b.c", ".", ".") == "b" and ok', [1]),
    ('between("x[a]b]", "[", "]", true) == "a]b" and ok', [1]),
    ('between("x", "q", "r") == "" and ok', [1]),
    ('between~(path, "C:\\\\", "\\\\CMD") == "Windows"', [1]),
    ('concat(n, "-", ok) == "5-true"', [1]),
    ('concat("x", null) == null and ok', [1]),
    ('string(n) : "12"', [2]),
    ('number("0x10") == 16 and ok', [1]),
    ('number("7") + n == 12', [1]),
    ('number("32", 16) == 50 and ok', [1]),
    ('cidrMatch(source.ip, "10.0.0.0/8")', [2]),
    ('cidrMatch(source.ip, "192.168.0.0/16", "::1/128")', [3]),
    ('cidrMatch(source.ip, "::/0")', [2, 3]),
    ('cidrMatch(source.ip, "::ffff:0:0/96")', [2]),
    ('not cidrMatch(source.ip, "10.0.0.0/8")', [1, 3, 4]),
    ('source.ip == "10.0.0.1"', [2]),
    ('source.ip in ("::1", "10.0.0.9")', [3]),
    ('`a-b` == "x"', [4]),
    ('`c``d` == "y"', [4]),
    ('`sequence` == "Ä"', [4]),
    ('`sequence` : "ä"', []),
    ('string(`sequence`) : "ä"', [4]),
    ('name == "\\u{43}md.exe"', [1]),
    ('"Cmd.exe" == name // a comment\n', [1]),
    ("n /* five */ == 5", [1]),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "ids"), CONDITIONS)
def test_conditions(condition: str, ids: list[int]) -> None:
    assert [row["id"] for row in run(f"any where {condition}", EVENTS)] == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("process where true", [1, 2]),
        ("file where true", [2, 3]),
        ('"file" where n > 2', [2, 3]),
        ('"""process""" where ok', [1]),
        ("any where true | head 2", [1, 2]),
        ("any where true | tail 2", [3, 4]),
        ("any where true | head 3 | tail 2", [2, 3]),
        ("any where true | tail 3 | head 1", [2]),
    ],
)
def test_categories_and_pipes(query: str, ids: list[int]) -> None:
    assert [row["id"] for row in run(query, EVENTS)] == ids


def logged(text: str) -> list[dict[str, Any]]:
    """Events from words like ``3ax``: at second 3 an event ``a`` with the key x; ids count from 1. A key of two letters is two values."""
    found = []
    for number, word in enumerate(text.split(), start=1):
        second = word.rstrip("abcdefghijklmnopqrstuvwxyz")
        name, key = word[len(second)], word[len(second) + 1 :]
        event: dict[str, Any] = {"id": number, "@timestamp": float(second), "e": name}
        found.append(event | ({"k": list(key) if len(key) > 1 else key} if key else {}))
    return found


A, B, C, M = ('any where e == "' + name + '"' for name in "abcm")

SEQUENCES = [
    # the latest sequence that waits goes on, and those before it are gone
    (f"sequence [{A}] [{B}]", "1a 2a 3b 4b", [[2, 3]]),
    (f"sequence [{A}] [{B}]", "1a 2b 3a 4b", [[1, 2], [3, 4]]),
    (f"sequence [{A}] [{B}] [{C}]", "1a 2b 3a 4b 5c 6c", [[3, 4, 5]]),
    (f"sequence [{A}] [{A}]", "1a 2a 3a", [[1, 2], [2, 3]]),
    (f"sequence [{B}] [{A}]", "1a 2b", []),
    (f"sequence [any where true] [{B}]", "1a 2b 3b", [[1, 2], [2, 3]]),
    # keys
    (f"sequence by k [{A}] [{B}]", "1ax 2ay 3by 4bx", [[2, 3], [1, 4]]),
    (f"sequence [{A}] by k [{B}] by k", "1ax 2by 3bx", [[1, 3]]),
    (f"sequence by k [{A}] [{B}]", "1a 2b 3ax 4bx", [[3, 4]]),
    (f"sequence by ?k [{A}] [{B}]", "1a 2ax 3b", [[1, 3]]),
    (f"sequence by k [{A}] [{B}]", "1axy 2by 3bx", [[1, 2], [1, 3]]),
    (f"sequence by k [{A}] [{B}]", "1axy 2bxy", [[1, 2], [1, 2]]),
    (f"sequence by k [{A}] by e [{A}] by e", "1ax 2ax", [[1, 2]]),
    # maxspan
    (f"sequence with maxspan=2s [{A}] [{B}]", "1a 3b", [[1, 2]]),
    (f"sequence with maxspan=2s [{A}] [{B}]", "1a 3.001b", []),
    (f"sequence with maxspan=2s [{A}] [{B}] [{C}]", "1a 2b 4c", []),
    (f"sequence with maxspan=2s [{A}] [{B}]", "1a 2a 3.5b", [[2, 3]]),
    (f"sequence with maxspan=500ms [{A}] [{B}]", "1a 1.5b", [[1, 2]]),
    (f"sequence by k with maxspan=1m [{A}] [{B}]", "1ax 62bx", []),
    (f"sequence with maxspan=2s [{A}] [{B}]", "1a 5b 2b", [[1, 3]]),  # given out of order
    # until
    (f"sequence [{A}] [{B}] until [{C}]", "1a 2c 3b", []),
    (f"sequence [{A}] [{B}] until [{C}]", "1a 2b 3c", [[1, 2]]),
    (f"sequence [{A}] [{B}] until [{C}]", "1c 2a 3b", [[2, 3]]),
    (f"sequence by k [{A}] [{B}] until [{C}]", "1ax 2cy 3bx", [[1, 3]]),
    (f"sequence by k [{A}] [{B}] until [{C}]", "1ax 2cx 3ax 4bx", [[3, 4]]),
    (f"sequence [{A}] by k [{B}] by k until [{C}] by k", "1ax 2cx 3bx", []),
    (f"sequence [{A}] [{B}] until [{A}]", "1a 2b", []),
    # runs
    (f"sequence [{A}] with runs=3", "1a 2a 3a 4a", [[1, 2, 3], [2, 3, 4]]),
    (f"sequence by k [{A}] with runs=2 [{B}]", "1ax 2ay 3ax 4bx", [[1, 3, 4]]),
    (f"sequence [{A}] by k with runs=2 [{B}] by k", "1ax 2ax 3bx", [[1, 2, 3]]),
    # events that are missing: between, behind and before
    (f"sequence with maxspan=9s [{A}] ![{M}] [{B}]", "1a 2b", [[1, None, 2]]),
    (f"sequence with maxspan=9s [{A}] ![{M}] [{B}]", "1a 2m 3b", []),
    (f"sequence with maxspan=9s [{A}] ![{M}] [{B}]", "1a 2m 3a 4b", [[3, None, 4]]),
    (f"sequence with maxspan=9s [{A}] ![{M}] [{B}]", "1m 2a 3b 4m", [[2, None, 3]]),
    (f"sequence with maxspan=9s [{A}] [{B}] ![{M}]", "1a 2b 3m", []),
    (f"sequence with maxspan=9s [{A}] [{B}] ![{M}]", "1a 2b 10m", []),
    (f"sequence with maxspan=9s [{A}] [{B}] ![{M}]", "1a 2b 10.001m", [[1, 2, None]]),
    (f"sequence with maxspan=9s [{A}] ![{M}]", "1a 20a 21m", [[1, None]]),
    (f"sequence with maxspan=9s ![{M}] [{A}]", "1m 5a 20a", [[None, 3]]),
    (f"sequence with maxspan=9s ![{M}] [{A}] [{B}]", "1m 9a 11b", [[None, 2, 3]]),
    (f"sequence with maxspan=9s ![{M}] [{A}] [{B}]", "2m 9a 11b", []),
    (f"sequence with maxspan=9s ![{M}] [{A}] ![{M}]", "1m 5a 9m", []),
    (f"sequence with maxspan=9s ![{M}] [{A}] ![{M}]", "1m 5a 11m", [[None, 2, None]]),
    (f"sequence with maxspan=9s ![{M}] [{A}] ![{M}]", "1m 5a", [[None, 2, None]]),
    (f"sequence by k with maxspan=9s [{A}] ![{M}]", "1ax 2my 3ay 4mx", [[3, None]]),
    (f"sequence with maxspan=9s [{A}] ![{M}] with runs=2 [{B}]", "1a 2b", [[1, None, None, 2]]),
    (f"sequence with maxspan=9s [{A}] ![{M}] [{B}]", "1a 1m 2b", [[1, None, 3]]),  # at the time of another event, not between
    # pipes
    (f"sequence [{A}] [{B}] | head 1", "1a 2b 3a 4b", [[1, 2]]),
    (f"sequence [{A}] [{B}] | tail 1", "1a 2b 3a 4b", [[3, 4]]),
    # one time: the order in which they are given
    (f"sequence [{A}] [{B}]", "1a 1b", [[1, 2]]),
    (f"sequence [{A}] [{B}]", "1b 1a", []),
]


@pytest.mark.parametrize(("query", "events", "found"), SEQUENCES)
def test_sequences(query: str, events: str, found: list[list[int | None]]) -> None:
    rows: list[Any] = run(query, logged(events))
    assert [[e.get("id") for e in row["events"]] for row in rows] == found
    assert all(e == {"missing": True} for row in rows for e in row["events"] if "id" not in e)


@pytest.mark.parametrize(
    ("query", "events", "found"),
    [
        (f"sample by k [{A}] [{B}]", "2bx 1ax 3ay", [(["x"], [2, 1])]),
        (f"sample by k [{A}] [{B}]", "1ay 2by 3ax 4bx 5bx", [(["x"], [3, 4]), (["y"], [1, 2])]),
        (f"sample by k [{A}] [{B}]", "1a 2b", []),
        (f"sample by ?k [{A}] [{B}]", "1a 2b", [([None], [1, 2])]),
        (f"sample [{A}] by k [{B}] by e", "1ab 2bx", [(["b"], [1, 2])]),
        (f"sample by k [{A}] [any where true]", "1ax", []),
        (f"sample by k [{A}] [any where true]", "1ax 2ax", [(["x"], [1, 2])]),
        (f"sample by k [any where true] [{A}]", "1ax 2bx", [(["x"], [2, 1])]),
        (f"sample by k [{A}] [{B}]", "1axy 2by", [(["y"], [1, 2])]),
        (f"sample by k, e [{A}] [{A}]", "1ax 2ax", [(["x", "a"], [1, 2])]),
    ],
)
def test_samples(query: str, events: str, found: list[tuple[list[str], list[int]]]) -> None:
    # which events a sample has is free where several would do, but none is in it twice
    rows: list[Any] = run(query, logged(events))
    assert [(row["join_keys"], [e["id"] for e in row["events"]]) for row in rows] == found


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("process", "the end of the query"),
        ("any where name = 5", "="),
        ("any where name == 'x'", "'"),
        ('any where name == ?"x"', '"'),
        ("any where n == 1 AND n == 2", "AND"),
        ("any where 1 < n < 3", "<"),
        ("any where sequence == 1", "sequence"),
        ("any where a.by == 1", "by"),
        ("any where a[0] == 1", "an element of a list, [0]"),
        ('any where name == "\\q"', '"'),
        ("join [any where true] [any where true]", "["),
        ("any where child of [any where true]", "of"),
        ("any where true | count", "the pipe count"),
        ("any where true | filter n == 1", "the pipe filter"),
        ("any where true | unique n", "the pipe unique"),
        ("any where true | sort n", "the pipe sort"),
        ("any where true | head", "the pipe head without a number of rows"),
        ("any where true | head -1", "the pipe head without a number of rows"),
        ("sequence [any where true]", "a sequence of fewer than two events"),
        ("sequence with maxspan=1 [any where true] [any where true]", "maxspan=1"),
        ("sequence with maxspan=1.5s [any where true] [any where true]", "maxspan=1.5s"),
        ("sequence with maxspan=1w [any where true] [any where true]", "maxspan=1w"),
        ("sequence with maxspan=1s by k [any where true] [any where true]", "by"),
        ("sequence [any where true] by k [any where true]", "members joined by different numbers of fields"),
        ("sequence by n * 2 [any where true] [any where true]", "a join key that is no field"),
        ("sequence [any where true] ![any where true]", "a sequence with missing events and without maxspan"),
        ("sequence with maxspan=1s ![any where true] ![any where true]", "a sequence of missing events alone"),
        ("sequence [any where true] with runs=101", "runs=101"),
        ("sequence [any where true] with walks=2", "walks"),
        ("sample [any where true] [any where true]", "a sample without a key"),
        ("sample by k [any where true] [any where true] | head 1", "a pipe behind a sample"),
        ("sample by k [any where true]", "a sample of fewer than two filters"),
    ],
)
def test_what_elasticsearch_does_not_parse_is_refused_by_name(text: str, what: str) -> None:
    with pytest.raises(NotReadable) as refused:
        parse(text)
    assert refused.value.what == what
    assert refused.value.position is not None


@pytest.mark.parametrize(
    "condition",
    [
        "n == \"5\"",
        "name > 5",
        "name",
        "not n",
        "n + name == 2",
        'source.ip : "10.*"',
        'source.ip == "10.0.0.0/8"',
        'cidrMatch(name, "10.0.0.0/8")',
        "length(n) == 1",
        'startsWith(n, "1")',
        "ok > true",
        "@timestamp > n",
        "@timestamp > true",
        "n in~ (1, 2)",
    ],
)  # fmt: skip
def test_what_elasticsearch_refuses_for_its_types(condition: str) -> None:
    single = [e for e in EVENTS if e["id"] != 2] + [{"source.ip": "10.0.0.1"}]
    with pytest.raises(WrongType):
        run(f"any where {condition}", single)


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("name == path", "a comparison of a field with a field"),
        ("name in (path)", "a comparison of a field with a field"),
        ("length(name) == length(path)", "a comparison of a field with a field"),
        ('arrayContains(name, "x")', "the function arraycontains"),
        ('length~(name) == 1', "the function length~"),
        ("length(name, 1) == 1", "length with 2 arguments"),
        ("n / 0 == 1", "a division by zero"),
        ('number(path) == 1', "the number C:\\Windows\\Cmd.exe"),
        ('name regex "a@b"', "@ in the regular expression a@b"),
        ('name regex "^a"', "^ in the regular expression ^a"),
        ('name regex "(?i)a"', "(? in the regular expression (?i)a"),
        ('name regex """\\bx"""', "\\b in the regular expression \\bx"),
        ('not ?nothing == "x"', "not of ?nothing, which no event has: it may not be in the mapping"),
        ('?nothing != "x"', "not of ?nothing, which no event has: it may not be in the mapping"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_by_name(condition: str, what: str) -> None:
    with pytest.raises(NotReadable) as refused:
        run(f"any where {condition}", EVENTS)
    assert refused.value.what == what


@pytest.mark.parametrize("moment", [10, "1970-01-01T00:00:10Z", dt.datetime(1970, 1, 1, 0, 0, 10), "1970-01-01T01:00:10+01:00"])
def test_times_in_the_forms_that_events_have(moment: object) -> None:
    events = [{"id": 2, "@timestamp": 10.5}, {"id": 1, "@timestamp": moment}]
    (row,) = run("sequence with maxspan=500ms [any where id == 1] [any where id == 2]", events)
    assert row["join_keys"] == []


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ('@timestamp >= "now-20s"', [3, 4]),
        ('@timestamp > "now-20s"', [4]),
        ('`@timestamp` < "now-1m+30s"', [1]),
        ('@timestamp <= "1970-01-01T00:00:30Z"', [1, 2, 3]),
        ("@timestamp == 30000", [3]),
        ('substring(string(@timestamp), 0, 17) == "1970-01-01T00:00:" and n == 5', [1]),
        ("modulo(number(substring(string(@timestamp), 17, 19)), 20) < 10", [2, 4]),
    ],
)
def test_times_are_compared_with_that_of_the_search(condition: str, ids: list[int]) -> None:
    assert [row["id"] for row in run(f"any where {condition}", EVENTS, now=50)] == ids


@pytest.mark.parametrize("time", ["now/d", "now-1M"])
def test_date_math_that_rounds_is_not_read(time: str) -> None:
    with pytest.raises(NotReadable):
        run(f'any where @timestamp > "{time}"', EVENTS, now=50)


@pytest.mark.parametrize(
    ("query", "values", "ids"),
    [
        ('any where name in ("%names%")', ["Cmd.exe", "axb"], [1, 2]),
        ('any where name in~ ("x", "%names%")', ["cmd.EXE"], [1]),
        ('any where not (source.ip in ("%names%"))', ["10.0.0.1"], [1, 3, 4]),
        ('any where source.ip in ("%names%")', ["none", "::1", ""], [3]),
        ('any where name in ("%names%")', [], []),
        ('any where name in ("%others%")', ["Cmd.exe"], []),
        ('any where name like~ ("*.%names%")', ["EXE", "b"], [1]),
        ('any where name like ("*%names%*")', [], []),
    ],
)
def test_the_values_of_a_list_stand_in_its_place(query: str, values: list[str], ids: list[int]) -> None:
    found = run(query, EVENTS, lists={"names": [{"value": v} for v in values]})
    assert [row["id"] for row in found] == ids


def test_the_members_of_a_sequence_have_the_values_of_lists() -> None:
    query = 'sequence [any where name in ("%names%")] [any where n == 2.5] until [any where name in ("%names%") and n == 12]'
    assert len(run(query, EVENTS, lists={"names": [{"value": "Cmd.exe"}]})) == 1
    assert run(query, EVENTS, lists={"names": [{"value": "Cmd.exe"}, {"value": "axb"}]}) == []


def test_the_words_of_an_event_are_given_back_with_dots() -> None:
    assert run("any where true", [{"@timestamp": 1, "a": {"b": [{"c": 1}, {"c": 2}], "d": None}}]) == [{"@timestamp": 1, "a.b.c": [1, 2]}]


def test_an_event_without_a_time_is_in_no_sequence() -> None:
    with pytest.raises(NotReadable, match="@timestamp"):
        run("sequence [any where true] [any where true]", [{"id": 1}, {"id": 2}])


def test_sequences_are_by_keys_of_one_type_and_samples_by_any() -> None:
    """As Elasticsearch's Verifier has it, checkJoinKeyTypes."""
    with pytest.raises(WrongType):
        run("sequence [any where true] by n [any where true] by name", [EVENTS[0], EVENTS[2]])
    assert run("sample [any where true] by n [any where true] by name", [EVENTS[0], EVENTS[2]]) == []


def test_the_queries_of_pypi_eql_find_what_they_are_to_find() -> None:
    package = pytest.importorskip("eql", reason="PyPI eql (AGPL) is a test tool that is not installed")
    found = outcomes(Path(package.__file__).parent / "etc")
    assert [f for f in found if f[1] == "wrong"] == []
    assert {why for _, outcome, why in found if outcome == "refused"} == {"a comparison of a field with a field"}
    assert sum(outcome == "right" for _, outcome, _ in found) > 120


def test_random_sequences_are_those_that_pypi_eql_finds() -> None:
    pytest.importorskip("eql", reason="PyPI eql (AGPL) is a test tool that is not installed")
    some, wrong = differing(7, 150)
    assert some > 20 and wrong == []


def test_a_category_is_asked_of_events_that_say_theirs() -> None:
    """What an integration writes of itself into its events is not known of those that a rule's worlds are made of."""
    events = [{"@timestamp": "2026-05-01T11:00:00Z", "a": "x"}]
    assert len(run('any where a == "x"', events)) == 1
    with pytest.raises(NotReadable, match="do not say"):
        run('process where a == "x"', events)
    asked = 'any where host.os.type == "windows" and a == "x"'
    with pytest.raises(NotReadable, match="do not say"):
        run(asked, events)
    assert run(asked, events, mapped=("host.os.type",)) == []
    assert len(run(asked, [{**events[0], "host": {"os": {"type": "windows"}}}, *events])) == 1
