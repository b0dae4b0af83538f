"""ES|QL is read as Elastic documents it: expressions with their types, commands on events, and what is refused."""

from __future__ import annotations

import collections
import random
from typing import Any

import pytest

from translator.verify import NotReadable, esql
from translator.verify.esql.aggregates import AGGREGATES
from translator.verify.esql.expressions import FUNCTIONS
from translator.verify.reading import ValueNotTold

B = "\\"


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        # literals and arithmetic
        ("1", "integer", 1),
        ("-2147483648", "integer", -(2**31)),
        ("2147483648", "long", 2**31),
        ("9223372036854775808", "unsigned_long", 2**63),
        ("1.5e3", "double", 1500.0),
        (".5", "double", 0.5),
        ("[3, 1, 3]", "integer", [3, 1, 3]),
        ("[1, 2.5]", "double", [1.0, 2.5]),
        ('"a' + B + "t" + B + '"b"', "keyword", 'a\t"b'),
        ('"""a"b' + B + 'd"""', "keyword", 'a"b' + B + "d"),
        ("2147483647 + 1", "integer", None),
        ("2147483647 + 2147483648", "long", 2**32 - 1),
        ("9223372036854775807 + 1", "long", None),
        ("7 / 2", "integer", 3),
        ("-7 / 2", "integer", -3),
        ("7 / 2.0", "double", 3.5),
        ("-7 % 3", "integer", -1),
        ("1 / 0", "integer", None),
        ("1.0 / 0", "double", None),
        ("2 + 3 * 4", "integer", 14),
        ("1 + null", "integer", None),
        ("null + 1 day + 0::date", "date", None),
        ("1 day + null + 0::date", "date", None),
        ('ABS("-2.5")', "double", 2.5),
        ('SUBSTRING("abc", "2")', "keyword", "bc"),
        ("[1, 2] + 1", "integer", None),
        ("- (1 + 2)", "integer", -3),
        # comparison and logic
        ("1 == 1.0", "boolean", True),
        ("NOT 1 == 2 AND true", "boolean", True),
        ("null AND false", "boolean", False),
        ("null OR true", "boolean", True),
        ("NOT null", "boolean", None),
        ("true IN (false, true)", "boolean", True),
        ('"b" > "a"', "boolean", True),
        ("[1, 2] == 1", "boolean", None),
        ("1 IN (2, null)", "boolean", None),
        ("1 IN (1, null)", "boolean", True),
        ("1 NOT IN (2, 3)", "boolean", True),
        ("null IS NULL", "boolean", True),
        ("[1, 2] IS NOT NULL", "boolean", True),
        ('"2020-01-01" == TO_DATETIME("2020-01-01T00:00:00Z")', "boolean", True),
        ('TO_IP("::ffff:10.0.0.1") == "10.0.0.1"', "boolean", True),
        ('TO_VERSION("1.10.0") > "1.9.0"', "boolean", True),
        ('TO_VERSION("1.0.0-alpha") < "1.0.0"', "boolean", True),
        # patterns
        ('"abc" LIKE "a*"', "boolean", True),
        ('"abc" LIKE "b*"', "boolean", False),
        ('"a*c" LIKE """a' + B + '*c"""', "boolean", True),
        ('"abc" LIKE ("x", "a?c")', "boolean", True),
        ('"abc" NOT RLIKE "ab"', "boolean", True),
        ('TO_STRING(null) LIKE "*"', "boolean", False),
        ('TO_STRING(null) NOT LIKE ("a", "**")', "boolean", True),
        ('["a", "b"] RLIKE ".*"', "boolean", True),
        ('TO_STRING(null) RLIKE """.*[^x' + B + '"]*.*"""', "boolean", False),
        ('"a.c" RLIKE """a' + B + '.c"""', "boolean", True),
        ('"a^$" RLIKE "a^$"', "boolean", True),
        ('"x1" RLIKE """x' + B + 'd"""', "boolean", True),
        ('"ab' + B + 'ncd" RLIKE "ab.cd"', "boolean", True),
        # texts
        ('LENGTH("ünï")', "integer", 3),
        ('BYTE_LENGTH("ü")', "integer", 2),
        ('SUBSTRING("hello", 2, 3)', "keyword", "ell"),
        ('SUBSTRING("hello", -3)', "keyword", "llo"),
        ('SUBSTRING("hello", 0, 1)', "keyword", "h"),
        ('CONCAT("a", "b", null)', "keyword", None),
        ('LOCATE("hello", "l")', "integer", 3),
        ('LOCATE("hello", "z")', "integer", 0),
        ('REPLACE("a1b22", """' + B + 'd+""", "<$0>")', "keyword", "a<1>b<22>"),
        ('REPLACE("xa.b+c", CONCAT("""(?<![.])a' + B + 'Q""", ".b+", """' + B + 'E""", "c?"), "")', "keyword", "x"),
        ('SPLIT("a;b;a", ";")', "keyword", ["a", "b", "a"]),
        ('TO_LOWER(["A", "B"])', "keyword", ["a", "b"]),
        ('LOCATE("hello", "l", -1)', "integer", 0),
        ('LOCATE("hello", "l", -2)', "integer", 4),
        ('LOCATE("hello", "", 9)', "integer", 6),
        ('TRIM("  a ")', "keyword", "a"),
        ('TRIM("\t\u2003a\u00a0 ")', "keyword", "a\u00a0"),
        ('LEFT("abc", 2)', "keyword", "ab"),
        ('RIGHT("abc", 2)', "keyword", "bc"),
        ('REPEAT("ab", 2)', "keyword", "abab"),
        ('STARTS_WITH("abc", "ab")', "boolean", True),
        ('ENDS_WITH("abc", "ab")', "boolean", False),
        ('CONTAINS("abc", "b")', "boolean", True),
        ('TO_BASE64("elastic")', "keyword", "ZWxhc3RpYw=="),
        ('FROM_BASE64("ZWxhc3RpYw==")', "keyword", "elastic"),
        ('MD5("a")', "keyword", "0cc175b9c0f1b6a831c399e269772661"),
        ('URL_DECODE("a%20b+c")', "keyword", "a b c"),
        ('JSON_EXTRACT("""{"a": {"b": [1, "x"]}}""", "a.b[1]")', "keyword", "x"),
        ('JSON_EXTRACT("""{"a": [1, {"b":"\\u0041"} ], "a": 2}""", "a")', "keyword", '[1, {"b":"\\u0041"} ]'),
        ('JSON_EXTRACT("""[1.50, true]""", "[0]")', "keyword", "1.50"),
        ('JSON_EXTRACT("""[1.50, true]""", "$[1]")', "keyword", "true"),
        ('JSON_EXTRACT("""{"a": [}""", "a")', "keyword", None),
        ('JSON_EXTRACT("""{"a": null}""", "a")', "keyword", None),
        (r"""JSON_EXTRACT("{\"a b\": {\"it's\": {\"\": 7}}}", "$.a b[ 'it\\'s' ]['']")""", "keyword", "7"),
        ('JSON_EXTRACT("""{"a": {"b": 1, "b": 2, "c": 3}}""", "a.c")', "keyword", None),  # a name twice is no JSON
        ('JSON_EXTRACT("""[NaN, 1]""", "[1]")', "keyword", None),
        ('JSON_EXTRACT("""[01]""", "[0]")', "keyword", None),
        ('JSON_EXTRACT("""["b", {"b": 1}]""", "b")', "keyword", None),
        ('CIDR_MATCH(TO_IP("10.1.2.3"), "10.0.0.0/8", "::1/128")', "boolean", True),
        ('CIDR_MATCH("192.168.0.1", "10.0.0.0/8")', "boolean", False),
        # numbers
        ("ROUND(2.5)", "double", 3.0),
        ("ROUND(-1.25, 1)", "double", -1.3),
        ("ROUND(1234, -2)", "integer", 1200),
        ("ROUND(1.005, 2)", "double", 1.0),  # 1.005 * 100 is less than 100.5
        ("ROUND(-1250.0, -2)", "double", -1300.0),
        ("ROUND(1.5, 400)", "double", 1.5),
        ("FLOOR(-1.5)", "double", -2.0),
        ("CEIL(2)", "integer", 2),
        ("ABS(-3)", "integer", 3),
        ("SQRT(-1)", "double", None),
        ("POW(2, 10)", "double", 1024.0),
        ("LOG(2.0, 8.0)", "double", 3.0),
        ("LOG(0)", "double", None),
        ("SIGNUM(-7)", "double", -1.0),
        ("GREATEST(1.0, 2.5, 2)", "double", 2.5),
        ('LEAST("b", "a")', "keyword", "a"),
        ("GREATEST(1, null)", "integer", None),
        # conditions
        ('CASE(false, "a", null, "b", "c")', "keyword", "c"),
        ('CASE([true, true], "a", "b")', "keyword", "b"),
        ("CASE(false, 2.0, 1)", "double", 1.0),
        ("CASE(false, 1)", "integer", None),
        ("COALESCE(null, [1, 2], 3)", "integer", [1, 2]),
        # conversions
        ("TO_STRING(1.0)", "keyword", "1.0"),
        ("TO_STRING(12345678.9)", "keyword", "1.23456789E7"),
        ("TO_STRING(0.00012)", "keyword", "1.2E-4"),
        ("TO_STRING([true, false])", "keyword", ["true", "false"]),
        ('TO_STRING(TO_IP("10.0.0.1"))', "keyword", "10.0.0.1"),
        ("TO_STRING(TO_DATETIME(0))", "keyword", "1970-01-01T00:00:00.000Z"),
        ('TO_LONG("2147483648.2")', "long", 2147483648),
        ('TO_LONG("x")', "long", None),
        ("TO_LONG(2.5)", "long", 3),
        ('TO_INTEGER("2147483648")', "integer", None),
        ('TO_DOUBLE(" 1.5 ")', "double", 1.5),
        ('TO_BOOLEAN(["TRUE", "x"])', "boolean", [True, False]),
        ('TO_IP("10.0.0.300")', "ip", None),
        ('"1.1.1.1"::long', "long", None),
        ("1::string::long::bool", "boolean", True),
        # dates
        ('TO_DATETIME("2024-02-30")', "date", None),
        ('TO_DATETIME("2024-01-31") + 1 month', "date", 1709164800),
        ('"2024-01-01" + 3 days', "date", 1704326400),
        ("TO_DATETIME(1000) - 1 second", "date", 0),
        ('DATE_TRUNC(1 week, "2026-05-01T12:00:00Z")', "date", 1777248000),
        ('DATE_TRUNC("1 month", "2026-05-17")', "date", 1777593600),
        ('DATE_DIFF("month", "2024-01-31", "2024-02-29")', "integer", 0),
        ('DATE_DIFF("seconds", "2024-01-01", "2024-01-01T00:01:30.900Z")', "integer", 90),
        ('DATE_EXTRACT("hour_of_day", "2024-01-01T13:00:00Z")', "long", 13),
        ('DATE_EXTRACT("day_of_week", "2024-01-01")', "long", 1),
        ('DATE_FORMAT("yyyy-MM-dd HH:mm", "2024-01-01T13:05:00Z")', "keyword", "2024-01-01 13:05"),
        ('DATE_PARSE("yyyy-MM-dd", "2024-01-02")', "date", 1704153600),
        ('DATE_PARSE("yyyy-MM-dd", "2024-01-02 x")', "date", None),
        ("NOW()", "date", 1700000000),
        # several values
        ("MV_COUNT([1, 1])", "integer", 2),
        ("MV_COUNT(null)", "integer", None),
        ("MV_DEDUPE([2, 1, 2])", "integer", [2, 1]),
        ('MV_CONCAT(["a", "b"], "-")', "keyword", "a-b"),
        ("MV_MAX([1, 3, 2])", "integer", 3),
        ("MV_AVG([1, 2])", "double", 1.5),
        ("MV_MEDIAN([1, 2, 4])", "integer", 2),
        ("MV_SUM([2147483647, 1])", "integer", None),
        ("MV_SLICE([1, 2, 3, 4], 1, 2)", "integer", [2, 3]),
        ("MV_SLICE([1, 2, 3, 4], -2)", "integer", 3),
        ("MV_SLICE([1, 2, 3, 4], -9, -3)", "integer", [1, 2]),
        ('MV_SORT(["b", "a", "c"], "DESC")', "keyword", ["c", "b", "a"]),
        ('MV_ZIP(["a", "b"], ["x"], "-")', "keyword", ["a-x", "b"]),
        ("MV_APPEND([1, 2], 3)", "integer", [1, 2, 3]),
        ("MV_CONTAINS([1, 2], null)", "boolean", True),
        ("MV_CONTAINS(null, 1)", "boolean", False),
        ("MV_INTERSECTION([1, 2, 3], [3, 2])", "integer", [2, 3]),
    ],
)
def test_an_expression_has_the_type_and_value_that_elastic_documents(expression: str, kind: str, value: Any) -> None:
    query = f"ROW x = {expression}"
    found = esql.table(query, [], 1_700_000_000)
    assert found.columns == {"x": kind}
    assert esql.run(query, [], 1_700_000_000) == ([{}] if value is None else [{"x": value}])


MAPPING = {
    "@timestamp": "date", "user": "keyword", "n": "long", "f": "double", "ok": "boolean", "ip": "ip", "tags": "keyword", "body": "text",
    "place": "geo_point", "small": "short",
}  # fmt: skip
EVENTS: list[dict[str, Any]] = [
    {"@timestamp": 0, "user": "ann", "n": 1, "f": 0.5, "ok": True, "ip": "10.0.0.1", "tags": ["b", "a", "b"], "body": "x y"},
    {"@timestamp": "1970-01-01T00:01:00Z", "user": "bob", "n": 2, "f": 1.5, "ok": False, "tags": "a"},
    {"@timestamp": 120, "user": "ann", "n": 3, "ip": "nowhere"},
    {"@timestamp": 180, "n": 4, "f": 2.5},
]
LISTS = {
    "owners": [{"name": "ann", "team": "red"}, {"name": "ann", "team": "blue"}, {"name": "cid", "team": "red"}],
    "numbers": [{"n": 1, "word": "one"}, {"n": 1, "word": "uno"}, {"n": 3, "word": "three"}],
}


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("KEEP n | WHERE n > 2", [{"n": 3}, {"n": 4}]),
        ('WHERE user != "ann" | KEEP n', [{"n": 2}]),
        ('WHERE tags == "a" | KEEP n', [{"n": 2}]),
        ("WHERE tags IS NULL | KEEP n", [{"n": 3}, {"n": 4}]),
        ("WHERE ip IS NULL | KEEP n", [{"n": 2}, {"n": 3}, {"n": 4}]),
        ('WHERE @timestamp < "1970-01-01T00:01:00.000Z" | KEEP tags', [{"tags": ["a", "b"]}]),
        ("WHERE @timestamp >= NOW() - 2 minutes | KEEP n", [{"n": 2}, {"n": 3}, {"n": 4}]),
        ("SORT f DESC | KEEP f", [{}, {"f": 2.5}, {"f": 1.5}, {"f": 0.5}]),
        ("SORT f | KEEP f", [{"f": 0.5}, {"f": 1.5}, {"f": 2.5}, {}]),
        ("SORT user ASC NULLS FIRST, n DESC | KEEP n", [{"n": 4}, {"n": 3}, {"n": 1}, {"n": 2}]),
        ("SORT tags DESC NULLS LAST | LIMIT 1 | KEEP n", [{"n": 1}]),
        ("EVAL n = n * 2, m = n + 1 | KEEP m, n | LIMIT 1", [{"m": 3, "n": 2}]),
        ("EVAL LENGTH(user) | KEEP `LENGTH(user)` | LIMIT 1", [{"LENGTH(user)": 3}]),
        ("RENAME user AS who, n AS user | KEEP who, user | LIMIT 1", [{"who": "ann", "user": 1}]),
        ("DROP t*, b*, o*, @*, p*, i*, s* | LIMIT 1", [{"user": "ann", "n": 1, "f": 0.5}]),
        ("KEEP u*, f | LIMIT 1", [{"user": "ann", "f": 0.5}]),
        ("MV_EXPAND tags | KEEP n, tags | LIMIT 3", [{"n": 1, "tags": "a"}, {"n": 1, "tags": "b"}, {"n": 2, "tags": "a"}]),
        ("STATS c = COUNT(*), u = COUNT(user), t = COUNT(tags), d = COUNT_DISTINCT(user)", [{"c": 4, "u": 3, "t": 3, "d": 2}]),
        ("STATS s = SUM(n), a = AVG(f), m = MAX(n), e = MEDIAN(n)", [{"s": 10, "a": 1.5, "m": 4, "e": 2.5}]),
        ("STATS c = COUNT(*) BY user", [{"c": 2, "user": "ann"}, {"c": 1, "user": "bob"}, {"c": 1}]),
        ("STATS c = COUNT(*) BY tags | SORT tags", [{"c": 2, "tags": "a"}, {"c": 1, "tags": "b"}, {"c": 2}]),
        ("STATS c = COUNT(*) WHERE n > 1, s = SUM(n) WHERE n > 9", [{"c": 3}]),
        ("STATS COUNT(*) BY ok | SORT ok", [{"COUNT(*)": 1, "ok": False}, {"COUNT(*)": 1, "ok": True}, {"COUNT(*)": 2}]),
        ("STATS x = ROUND(AVG(f) * 2, 1) + MAX(n)", [{"x": 7.0}]),
        ("STATS x = CONCAT(user, MAX(user)) BY user | SORT user | LIMIT 1", [{"x": "annann", "user": "ann"}]),
        ('STATS v = VALUES(user), t = TOP(n, 2, "desc")', [{"v": ["ann", "bob"], "t": [4, 3]}]),
        ("STATS f = FIRST(user, @timestamp), l = LAST(user, @timestamp)", [{"f": "ann", "l": "ann"}]),
        ("STATS p = PRESENT(ip), a = ABSENT(ip), v = VARIANCE(n)", [{"p": True, "a": False, "v": 1.25}]),
        ("STATS BY ok = n > 2", [{"ok": False}, {"ok": True}]),
        ("STATS n = COUNT(*) BY n | LIMIT 1", [{"n": 1}]),
        ("STATS m = MAX(n) BY n = n % 2", [{"m": 1, "n": 1}, {"m": 0, "n": 0}]),
        ("STATS c = COUNT(*) WHERE half > 0 BY half = n / 2", [{"c": 0, "half": 0}, {"c": 2, "half": 1}, {"c": 1, "half": 2}]),
        ("INLINE STATS m = MAX(n) BY n = n % 2 | KEEP m | LIMIT 2", [{"m": 1}, {"m": 0}]),
        ("STATS c = COUNT(*) BY m = BUCKET(@timestamp, 2 minutes)", [{"c": 2, "m": 0}, {"c": 2, "m": 120}]),
        ("STATS BY m = BUCKET(@timestamp, 2, 0::date, 120000::date) | LIMIT 2", [{"m": 0}, {"m": 60}]),
        ('WHERE user == "cid" | STATS c = COUNT(*), m = MAX(n)', [{"c": 0}]),
        ('WHERE user == "cid" | STATS c = COUNT(*) BY user', []),
        ("INLINE STATS m = MAX(n) BY user | KEEP n, m | SORT n", [{"n": 1, "m": 3}, {"n": 2, "m": 2}, {"n": 3, "m": 3}, {"n": 4, "m": 4}]),
        ('LIMIT 1 | DISSECT body "%{a} %{b}" | KEEP a, b', [{"a": "x", "b": "y"}]),
        ('DISSECT user "%{a}n" | KEEP a | LIMIT 2', [{"a": "a"}, {}]),
        ('LIMIT 1 | EVAL t = "id=7 4.5" | GROK t "id=%{NUMBER:i:int} %{NUMBER:d:double}" | KEEP i, d', [{"i": 7, "d": 4.5}]),
        ('LIMIT 1 | EVAL t = "from 10.1.1.1" | GROK t "%{IPV4:a}$" | KEEP a', [{"a": "10.1.1.1"}]),
        ("LIMIT 2 | ENRICH owners ON user WITH team | KEEP user, team", [{"user": "ann", "team": ["red", "blue"]}, {"user": "bob"}]),
        ("LIMIT 1 | ENRICH owners ON user WITH t = team | KEEP t", [{"t": ["red", "blue"]}]),
        ("WHERE n < 3 | LOOKUP JOIN numbers ON n | KEEP n, word", [{"n": 1, "word": "one"}, {"n": 1, "word": "uno"}, {"n": 2}]),
        ("FORK (WHERE n == 1) (WHERE n > 3) | KEEP n, _fork", [{"n": 1, "_fork": "fork1"}, {"n": 4, "_fork": "fork2"}]),
        ("EVAL a = small + 1 | KEEP a | LIMIT 1", [{}]),
        ("WHERE n == 1 // a comment\n/* and\nanother */ | KEEP n", [{"n": 1}]),
        ("wHeRe n == 1 | kEEp n", [{"n": 1}]),
    ],
)
def test_commands_on_events(query: str, rows: list[dict[str, Any]]) -> None:
    assert esql.run(f"FROM logs | {query}", EVENTS, 180, LISTS, MAPPING) == rows


@pytest.mark.parametrize(
    "query",
    [
        "WHERE user == 1",
        'WHERE n == "1"',
        "WHERE user",
        "WHERE ok > true",
        'WHERE ip == "10.0.0.0/8"',
        'WHERE @timestamp > "yesterday"',
        'WHERE ip LIKE "10.*"',
        "WHERE user AND ok",
        "WHERE nothing == 1",
        "EVAL x = user + 1",
        "EVAL x = @timestamp - @timestamp",
        "EVAL x = n + 1 day",
        'EVAL x = CASE(ok, 1, "a")',
        'EVAL x = COALESCE(n, "none")',
        'EVAL x = COALESCE(@timestamp, "2020-01-01")',
        "EVAL x = CONCAT(user, n)",
        "EVAL x = LENGTH(ip)",
        "EVAL x = LENGTH()",
        "EVAL x = MV_AVG(user)",
        'EVAL x = MV_CONCAT(n, ",")',
        'EVAL x = CIDR_MATCH(user, "10.0.0.0/8")',
        "EVAL x = MAX(n)",
        "EVAL x = place",
        "DROP n | WHERE n > 1",
        "KEEP n | WHERE user IS NULL",
        "RENAME n AS m | KEEP n",
        "KEEP z*",
        "STATS SUM(user)",
        "STATS n",
        "STATS c = COUNT(*) BY user | KEEP n",
        "STATS 3",
        "STATS",
        "STATS n + 1 WHERE n > 2 BY n",
        "STATS c = COUNT(*) WHERE BUCKET(n, 2) > 1 BY BUCKET(n, 3)",
        "STATS c = COUNT(*) BY BUCKET(BUCKET(n, 2), 3)",
        'STATS c = COUNT(*) BY BUCKET(n, "2")',
        "STATS w = WEIGHTED_AVG(n, 0)",
        "EVAL x = BUCKET(n, 2)",
        "WHERE ABS(BUCKET(n, 2)) > 1",
        "EVAL x = -TO_UNSIGNED_LONG(n)",
        "EVAL x = COALESCE(n, 1.5)",
        "EVAL x = CASE(ok, 1, n)",
        "EVAL x = GREATEST(null, 1, f)",
        "EVAL name = user | LOOKUP JOIN owners ON user == name",
        "STATS s = SUM(MAX(n))",
        "STATS s = SUM(n) WHERE n",
        "SORT 1 day",
        "LOOKUP JOIN owners ON name",
        "ENRICH owners ON user WITH size",
        'GROK n "%{INT:i}"',
        'FORK (WHERE n == 1 | EVAL x = 1) (EVAL x = "a")',
        'EVAL x = TO_DATEPERIOD("3 apples")',
        'WHERE user LIKE """a\\b"""',
    ],
)
def test_what_elasticsearch_refuses_is_rejected_before_an_event_is_read(query: str) -> None:
    for events in (EVENTS, []):
        with pytest.raises(esql.Rejected):
            esql.run(f"FROM logs | {query}", events, 180, LISTS, MAPPING)


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("FROM logs | CHANGE_POINT n ON @timestamp", "the command CHANGE_POINT"),
        ("FROM logs | SAMPLE 0.5", "the command SAMPLE"),
        ('FROM logs | WHERE MATCH(body, "x")', "the function MATCH"),
        ('FROM logs | WHERE body : "x"', "the operator :"),
        ("FROM logs | WHERE NO_SUCH(n)", "the function NO_SUCH"),
        ("FROM logs | STATS x = SAMPLE(n, 2)", "the aggregate SAMPLE"),
        ("FROM logs | LOOKUP JOIN nowhere ON n", "the list nowhere, which is not given"),
        ('FROM logs | WHERE user RLIKE "a~b"', "the operator ~ in the regular expression a~b"),
        ("FROM logs | WHERE n == ?limit", "a parameter"),
        ("SET x = true; FROM logs", "SET"),
        ("FROM logs | LIMIT 2 | INLINE STATS c = COUNT(*)", "INLINE STATS behind LIMIT"),
    ],
)
def test_what_is_not_read_is_refused_by_name(query: str, what: str) -> None:
    with pytest.raises(NotReadable) as refusal:
        esql.run(query, EVENTS, 180, LISTS, MAPPING)
    assert refusal.value.what == what
    assert not isinstance(refusal.value, esql.Rejected)


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("FROM logs | WHERE", 17),
        ("FROM logs | WHERE a = 1", 20),
        ("FROM logs | WERE a", 12),
        ("FROM logs | EVAL in = 1", 17),
        ("FROM logs | WHERE a == 'x'", 23),
        ('FROM logs | WHERE a LIKE """x', 27),
        ("WHERE a == 1", 0),
        ("FROM logs | WHERE a == 1 == 2", 25),
    ],
)
def test_where_the_syntax_is_wrong(query: str, position: int) -> None:
    with pytest.raises(NotReadable) as refusal:
        esql.parse(query)
    assert refusal.value.position == position


def test_without_a_mapping_the_types_are_those_of_the_values() -> None:
    events: list[dict[str, Any]] = [{"source": {"ip": "10.0.0.1"}, "a": 1}, {"a": "x"}, {"f": 1}, {"f": 0.5}]
    found = esql.table("FROM logs | EVAL m = missing, s = source.ip", events)
    assert found.columns == {"a": "keyword", "f": "double", "source.ip": "ip", "m": "null", "s": "ip"}
    assert [row.get("a") for row in esql.run("FROM logs", events)] == ["1", "x", None, None]


def test_a_field_of_fewer_digits_than_a_double_holds_a_rounded_number() -> None:
    types = {"f": "float", "h": "half_float", "d": "double", "s": "scaled_float"}
    events = [{"f": 0.1, "h": "0.1", "d": 0.1, "s": 0.1}]
    assert esql.run("FROM logs", events, types=types) == [{"d": 0.1, "f": 0.10000000149011612, "h": 0.0999755859375, "s": 0.1}]


def test_a_pattern_of_names_has_fields_that_no_event_has() -> None:
    assert esql.run("FROM logs | KEEP a.*, n | WHERE a.b IS NULL | KEEP n", [{"n": 1, "c": 2}]) == [{"n": 1}]
    with pytest.raises(esql.Rejected):
        esql.run("FROM logs | KEEP a.*, n | WHERE c == 2", [{"n": 1, "c": 2}])


def test_a_query_reads_the_events_of_its_indices() -> None:
    events: list[dict[str, Any]] = [
        {"_index": "one", "n": 1},
        {"_index": "two", "n": 2},
        {"event": {"dataset": "okta.system"}, "n": 3},
        {"n": 4},
    ]
    for source, wanted in {"one": [1, 4], "t*, one": [1, 2, 4], "logs-okta*": [3, 4], "*, -two": [1, 3, 4]}.items():
        assert [row["n"] for row in esql.run(f"FROM {source} | KEEP n", events)] == wanted
    union = "FROM (FROM one | KEEP n), (FROM two | KEEP n) | WHERE n < 3 | KEEP n"
    assert [row["n"] for row in esql.run(union, events)] == [1, 2]
    assert esql.run("FROM one METADATA _index | WHERE n == 1 | KEEP _index", events) == [{"_index": "one"}]


def test_no_function_fails_but_by_refusing() -> None:
    pool = [
        "null", "0", "-1", "3", "2147483647", "9223372036854775807", "18446744073709551615", "1.5", "-0.0", "1e308", '""', '"a"', '"abc"',
        '"10.0.0.1"', '"2024-02-29"', '"day"', '"1 day"', "true", "[1, 2, 2]", '["b", "a"]', "[1.5, -2]", "[true, false]", 'TO_IP("::1")',
        "TO_DATETIME(86400000)", "TO_DATE_NANOS(1000000)", 'TO_VERSION("1.2")', "2 hours", "3 months",
    ]  # fmt: skip
    pick, answered = random.Random(7), collections.Counter[str]()
    for name in sorted({*FUNCTIONS, *AGGREGATES}):
        command = "ROW y = 1 | STATS x =" if name in AGGREGATES else "ROW x ="
        for _ in range(120):
            call = f"{name}({', '.join(pick.choice(pool) for _ in range(pick.choice([0, 1, 1, 2, 2, 3, 4])))})"
            try:
                esql.run(f"{command} {call}", [], 0)
                answered[name] += 1
            except NotReadable:
                pass
    assert len(answered) > 120


def test_the_time_is_asked_for_only_where_it_is_known() -> None:
    with pytest.raises(NotReadable, match="NOW"):
        esql.run("FROM logs | WHERE @timestamp > NOW() - 1 hour", EVENTS)


FLAT = [
    {"bag": {"a": {"b": "x"}, "c": [2, "1", "2"], "d": True}, "n": 1, "list": [{"k": "v", "m": [1.50, None]}]},
    {"bag.a.b": "y", "n": 2, "_source": '{"list": [{"k": null}]}'},
    {"n": 3},
]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ('EVAL b = FIELD_EXTRACT(bag, "a.b") | KEEP b', [{"b": "x"}, {"b": "y"}, {}]),
        ('EVAL b = FIELD_EXTRACT(bag, "c") | KEEP b', [{"b": ["1", "2"]}, {}, {}]),
        ('EVAL b = FIELD_EXTRACT(bag, "a"), d = FIELD_EXTRACT(bag, "d") | KEEP b, d', [{"d": "true"}, {}, {}]),
        ('WHERE FIELD_EXTRACT(bag, "a.b") == "y" | KEEP n', [{"n": 2}]),
        ('EVAL k = JSON_EXTRACT(_source, "list[0].k") | KEEP k', [{"k": "v"}, {}, {}]),
        (
            'EVAL k = JSON_EXTRACT(_source, "bag.a"), m = JSON_EXTRACT(_source, "n") | KEEP k, m',
            [{"k": '{"b":"x"}', "m": "1"}, {}, {"m": "3"}],
        ),
    ],
)
def test_places_in_fields_that_hold_objects(query: str, rows: list[dict[str, Any]]) -> None:
    types = {"bag": "flattened", "n": "long"}
    assert esql.run(f"FROM logs METADATA _source | {query}", FLAT, types=types) == rows


@pytest.mark.parametrize(
    "query", ['WHERE bag == "x"', "WHERE bag.a.b IS NULL", 'EVAL b = FIELD_EXTRACT(bag, "c[0]")', 'EVAL b = FIELD_EXTRACT(n, "c")']
)
def test_fields_that_hold_objects_are_no_values(query: str) -> None:
    with pytest.raises(esql.Rejected):
        esql.run(f"FROM logs | {query}", FLAT, types={"bag": "flattened", "n": "long"})


@pytest.mark.parametrize("path", ["$a", ".a", "a..b", "a.", "[-1]", "[01]", "[*]", "a[0:2]", "a]", "['a", "['a'b]"])
def test_a_constant_path_that_is_none_lets_no_query_begin(path: str) -> None:
    with pytest.raises(esql.Rejected, match="is no path"):
        esql.run(f'FROM logs | EVAL b = JSON_EXTRACT(a, "{path}")', [{"a": "{}"}])
    assert esql.run("FROM logs | EVAL b = JSON_EXTRACT(a, p) | KEEP b", [{"a": '{"a": 1}', "p": path}]) == [{}]


@pytest.mark.parametrize("bounds", [(1, -1), (-1, 1), (2, 1), (-1, -2)])
def test_a_slice_that_ends_before_its_start_is_none(bounds: tuple[int, int]) -> None:
    start, end = bounds
    with pytest.raises(esql.Rejected, match="MV_SLICE"):
        esql.run(f"FROM logs | EVAL b = MV_SLICE(a, {start}, {end})", [{"a": [1, 2, 3]}])
    held = {"a": [1, 2, 3], "start": start, "end": end}
    found = esql.run("FROM logs | EVAL b = MV_SLICE(a, start, end) | KEEP b", [held], types={"start": "integer", "end": "integer"})
    assert found == [{}]


JAVA: list[tuple[str, str, str, str | None]] = [
    ("a\rb\nc\u2028d", ".", "x", "x\rx\nx\u2028x"),
    ("a\rb\nc", "(?d).", "x", "xxx\nx"),
    ("a\rb\nc", "(?s).", "x", "xxxxx"),
    ("a\rb", "(?s:.)b|.", "x", "xx"),
    ("a\r\n", "$", "x", "ax\r\nx"),
    ("a\u2028", "a$", "x", "x\u2028"),
    ("a\r", "(?d)a$", "x", "a\r"),
    ("a\nb\n", "(?dm)^", "x", "xa\nxb\n"),
    ("", "(?dm)^", "x", ""),
    ("a\u00a0b\x0bc", "[\\\\h\\\\v]", "x", "axbxc"),
    ("a\x85b", "\\\\R", "x", "axb"),
    ("É\u00a0É", "(?iu)[\\\\s\\\\S]*é\\\\S", "x", "xÉ"),
    ("É\u00a0É", "(?iu)é\\\\Sé", "x", "x"),
    ("é٣\u200d\u2028-\u0301", "(?U)\\\\w", "x", "xxx\u2028-x"),
    ("é٣²-", "(?U)[\\\\d²]|[^\\\\w²]", "x", "éxxx"),
    ("É\u00a0É", "(?iU)é\\\\sé", "x", "x"),
    ("É\u00a0É", "(?U)é\\\\Sé|\\\\S", "x", "x\u00a0x"),
    ("é-a", "(?U)(?<!\\\\w)a", "x", "é-x"),
    ("ab", "(a)(b)", "$2$1$10", "baa0"),
    ("ab", "(?<one>a)", "${one}${one}", "aab"),
    ("ab", "a", "$", None),
    ("ab", "a", "${two}", None),
    ("ab", "c", "$", "ab"),
    ("ab", "a", "\\\\$", "$b"),
    ("ab", "a", "c\\\\", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pattern", "new", "made"), JAVA)
def test_replace_reads_patterns_as_java_does(text: str, pattern: str, new: str, made: str | None) -> None:
    found = esql.run(f'FROM logs | EVAL b = REPLACE(a, "{pattern}", "{new}") | KEEP b', [{"a": text}])
    assert found == [{} if made is None else {"b": made}]


@pytest.mark.parametrize("pattern", ["a{b", "a{,2}", "(?P<n>a)", "(?<n_1>a)", "(?#a)b", "(?a)b", "(a)(?(1)b)"])
def test_what_is_no_pattern_of_java_lets_no_query_begin(pattern: str) -> None:
    with pytest.raises(esql.Rejected):
        esql.run(f'FROM logs | EVAL b = REPLACE(a, "{pattern}", "")', [{"a": "a"}])


@pytest.mark.parametrize("told", ['== "é"', '!= "é"', 'LIKE "*é"', 'RLIKE "é"', 'RLIKE ("é", "b")'])
def test_which_letters_have_no_case_beyond_ascii_is_open(told: str) -> None:
    query = f"FROM logs | WHERE TO_LOWER(a) {told} | STATS n = COUNT(*)"
    assert esql.run(query, [{"a": "é"}, {"a": "b"}, {"a": "x\u00c9y"}])[0]["n"] in (1, 2)
    with pytest.raises(NotReadable, match="beyond ASCII"):
        esql.run(query, [{"a": "É"}])
    assert esql.run(query.replace("TO_LOWER(a)", 'CONCAT(TO_LOWER(a), "")'), [{"a": "É"}]) == [{"n": int(told[0] != "!")}]


def test_a_class_in_a_pattern_without_case_is_read_where_its_letters_decide_nothing() -> None:
    query = 'FROM logs | WHERE TO_LOWER(a) RLIKE "(.*[^a-z])?run([^a-z].*)?" | KEEP a'
    assert [row["a"] for row in esql.run(query, [{"a": "RUN"}, {"a": "to Run."}, {"a": "rerun"}])] == ["RUN", "to Run."]
    with pytest.raises(ValueNotTold):  # the class takes a capital letter for none of its own
        esql.run(query, [{"a": "RErun"}])


@pytest.mark.parametrize("expanding", ["MV_EXPAND a", "INLINE STATS m = MAX(n) BY a"])
def test_a_condition_keeps_a_sort_from_its_limit(expanding: str) -> None:
    events = [{"a": "x", "n": 1}, {"a": "y", "n": 2}]
    with pytest.raises(NotReadable, match="WHERE behind SORT"):
        esql.run(f'FROM logs | SORT n | {expanding} | WHERE a == "x" | LIMIT 1', events)
    assert esql.run(f'FROM logs | SORT n | {expanding} | LIMIT 1 | WHERE a == "x" | KEEP n', events) == [{"n": 1}]
    assert esql.run(f'FROM logs | SORT n | WHERE a == "y" | {expanding} | KEEP n', events) == [{"n": 2}]


def test_rows_are_grouped_by_a_function_alone() -> None:
    events = [{"n": 17}, {"n": 16}, {"n": 1}]
    assert esql.run("FROM logs | STATS c = COUNT(*) WHERE BUCKET(n, 5) > 1 BY b = BUCKET(n, 5) | SORT b", events) == [
        {"c": 0, "b": 0.0},
        {"c": 2, "b": 15.0},
    ]
    assert esql.run("FROM logs | INLINE STATS c = COUNT(*) BY b = BUCKET(n, 5) + 1 | WHERE n == 17 | KEEP b, c", events) == [
        {"b": 16.0, "c": 2}
    ]


def test_grok_finds_the_ends_of_lines() -> None:
    assert esql.run('FROM logs | GROK a "^%{WORD:b}$" | KEEP b', [{"a": "x y\nz\nu v"}]) == [{"b": "z"}]


def test_a_dynamic_template_has_what_the_query_names() -> None:
    types = {"t.{n}.name": "keyword", "e.{name}": "ip"}
    assert esql.run("FROM logs | WHERE `t.0.name` IS NULL AND e.src IS NULL AND n == 1 | KEEP n", [{"n": 1}], types=types) == [{"n": 1}]
    with pytest.raises(esql.Rejected, match="unknown column"):
        esql.run("FROM logs | WHERE t.x.name IS NULL", [{"n": 1}], types=types)
