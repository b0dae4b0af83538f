"""The reader of SPL by what Splunk's manual says of each command, function and operator."""

from __future__ import annotations

import re
from typing import Any

import pytest

from translator.verify import spl
from translator.verify.reading import NotReadable, ValueNotTold

Events = list[dict[str, Any]]

THREE: Events = [{"i": 1, "c": "red"}, {"i": 2, "c": "blue"}, {"i": 3}]
PAIRS: Events = [{"i": 1, "a": "1", "b": "1"}, {"i": 2, "a": "1", "b": "2"}, {"i": 3, "a": "2", "b": "3"}]
HOSTS: Events = [{"i": 1, "h": "x", "n": 4}, {"i": 2, "h": "y", "n": 3}, {"i": 3, "h": "x", "n": 2}, {"i": 4, "n": 1}]
MANY: Events = [{"i": 1, "m": ["ann", "bob", "Cy"]}, {"i": 2, "m": "dan"}, {"i": 3}]
RAW: Events = [{"i": 1, "_raw": "user=ann Login failed from 10.1.2.3"}, {"i": 2, "_raw": "user=annabel logged_in"}]
DEEP: Events = [{"i": 1, "o": {"p": "x", "l": [{"k": "a", "v": 1}, {"k": "b", "v": 2}]}}, {"i": 2, "o": {"p": "y", "t": True}}]
NONE: Events = [{"i": 1}]


def ids(*numbers: int) -> Events:
    return [{"i": n} for n in numbers]


def value(found: Any) -> Events:
    return [{"v": found}]


CASES: list[tuple[str, Events, Events]] = [
    # search: comparisons, wildcards, quotes (Search Reference, "search")
    ("c=RED", THREE, ids(1)),
    ("c!=red", THREE, ids(2)),
    ("NOT c=red", THREE, ids(2, 3)),
    ("c=*", THREE, ids(1, 2)),
    ("NOT c=*", THREE, ids(3)),
    ("c=CASE(red) OR c=CASE(Blue)", THREE, ids(1)),
    ("c=r*d", THREE, ids(1)),
    ('c="*e*"', THREE, ids(1, 2)),
    ("c IN (red, bl*)", THREE, ids(1, 2)),
    ("NOT c IN (red)", THREE, ids(2, 3)),
    ('a=1 b=9 OR b=2', PAIRS, ids(2)),
    ('a=1 AND (b=1 OR b=3)', PAIRS, ids(1)),
    ('b=3 OR a=1 b=2', PAIRS, ids(2)),
    ("NOT a=1 b=3", PAIRS, ids(3)),
    ("NOT (a=1 b=1)", PAIRS, ids(2, 3)),
    ("n>2 n<=4", HOSTS, ids(1, 2)),
    ("n=4.0", HOSTS, []),
    ("n<10", HOSTS, ids(1, 2, 3, 4)),
    ('p="C:\\\\x\\y"', [{"i": 1, "p": "C:\\x\\y"}, {"i": 2, "p": "C:\\\\x\\\\y"}], ids(1)),
    ('p="a\\\\*"', [{"i": 1, "p": "a\\b"}, {"i": 2, "p": "a*"}], ids(1)),
    ('p="a \\"b\\" \\| c"', [{"i": 1, "p": 'a "b" | c'}], ids(1)),
    ("p=a=b", [{"i": 1, "p": "a=b"}], ids(1)),
    ("ip=10.0.0.0/8", [{"i": 1, "ip": "10.2.3.4"}, {"i": 2, "ip": "11.2.3.4"}], ids(1)),
    ("ip!=10.0.0.0/8", [{"i": 1, "ip": "10.2.3.4"}, {"i": 2, "ip": "11.2.3.4"}], ids(2)),
    ('ip="2001:db8::/32"', [{"i": 1, "ip": "2001:db8:1::5"}, {"i": 2, "ip": "2001:db9::1"}], ids(1)),
    ('"the user"=ann', [{"i": 1, "the user": "Ann"}, {"i": 2}], ids(1)),
    ("m=bob", MANY, ids(1)),
    ('search c=red | search i=1', THREE, ids(1)),
    ('* | rex field=p "`(?<v>\\w+)`" | table v', [{"p": "a `b` c"}], value("b")),
    ("c=red ```what is sought``` i=1", THREE, ids(1)),
    ("earliest=-10s latest=now", [{"i": 1, "_time": 995}, {"i": 2, "_time": 1000}, {"i": 3, "_time": 990}, {"i": 4, "_time": 989}], ids(1, 3)),
    # search: the event's text (Search Manual, "Use CASE() and TERM() to match phrases"; segmenters.conf)
    ("ann", RAW, ids(1)),
    ("ann*", RAW, ids(1, 2)),
    ("LOGIN", RAW, ids(1)),
    ("CASE(LOGIN)", RAW, []),
    ("logged", RAW, ids(2)),
    ('"login failed"', RAW, ids(1)),
    ("failed NOT logged", RAW, ids(1)),
    ("10.1", RAW, ids(1)),
    ("TERM(10.1.2.3)", RAW, ids(1)),
    ("TERM(10.1)", RAW, []),
    ("red", THREE, ids(1)),
    # where and eval (Search Manual, "Boolean expressions", "Types of expressions")
    ('* | where c="RED"', THREE, []),
    ('* | where c="red" OR c="blue" AND i=1', THREE, ids(1)),
    ('* | where NOT (c="red" AND i=1) AND isnotnull(c)', THREE, ids(2)),
    ("* | where a=b", PAIRS, ids(1)),
    ("* | where i>1 XOR i<3", THREE, ids(1, 3)),
    ('* | where c like "%e%" and i<2', THREE, ids(1)),
    ('* | where c in ("red", "x")', THREE, ids(1)),
    ("* | where 'o.p'=\"y\"", DEEP, ids(2)),
    ("* | where 'o.t'=\"true\"", DEEP, ids(2)),
    ("* | where isnull(c)", THREE, ids(3)),
    ("* | where nosuch=1 OR i=1", THREE, ids(1)),
    ("* | eval v=1+2*3 | fields v", NONE, value(7)),
    ("* | eval v=(1+2)*3-1 | fields v", NONE, value(8)),
    ("* | eval v=-7%4 | fields v", NONE, value(-3)),
    ("* | eval v=5/2 | fields v", NONE, value(2.5)),
    ("* | eval v=5/0, w=1 | fields v w", NONE, [{"w": 1}]),
    ('* | eval v="a"."b".1 | fields v', NONE, value("ab1")),
    ('* | eval v="a"+"b" | fields v', NONE, value("ab")),
    ('* | eval v="x" | eval v=null() | fields v', NONE, [{}]),
    ("* | eval v=2, w=v*v | fields w", NONE, [{"w": 4}]),
    ('* | eval "a b"=1, v=\'a b\'+1 | fields v', NONE, value(2)),
    ('* | eval v="a\\tb\\\\c\\d" | fields v', NONE, value("a\tb\\c\\d")),
    ('* | eval v=if(c="red", "y", "n") | table v', THREE, [{"v": "y"}, {"v": "n"}, {"v": "n"}]),
    ('* | eval v=case(i=1, "one", i=2, "two") | table v', THREE, [{"v": "one"}, {"v": "two"}, {}]),
    ('* | eval v=coalesce(nosuch, c, "none") | table v', THREE, [{"v": "red"}, {"v": "blue"}, {"v": "none"}]),
    # functions (Search Reference, "Evaluation functions")
    ('* | eval v=validate(i>0, "low", i<1, "high") | fields v', NONE, value("high")),
    ('* | eval v=if(match("a.exe", "\\.exe$"), 1, 0) | fields v', NONE, value(1)),
    ('* | eval v=if(match("C:\\\\x", "C:\\\\\\\\x"), 1, 0) | fields v', NONE, value(1)),
    ('* | eval v=if(like("a_c", "a_c") AND NOT like("ABC", "a%"), 1, 0) | fields v', NONE, value(1)),
    ('* | eval v=if(cidrmatch("2001:db8::/32", "2001:db8::1"), 1, 0) | fields v', NONE, value(1)),
    ('* | eval v=replace("2026/01/31", "(\\d+)/(\\d+)/(\\d+)", "\\3.\\2.\\1") | fields v', NONE, value("31.01.2026")),
    ('* | eval v=substr("abcdef", 2, 3).substr("abcdef", -2) | fields v', NONE, value("bcdef")),
    ('* | eval v=upper("a").lower("B").len("four") | fields v', NONE, value("Ab4")),
    ('* | eval v=trim("  a ")."|".ltrim("xxa", "x")."|".rtrim("axx", "x") | fields v', NONE, value("a|a|a")),
    ('* | eval v=urldecode("a%20b%3Dc") | fields v', NONE, value("a b=c")),
    ("* | eval v=round(2.555, 2) | fields v", NONE, value(2.56)),
    ("* | eval v=round(3.5)+floor(1.9)+ceiling(1.1)+abs(-1) | fields v", NONE, value(8)),
    ("* | eval v=pow(2, 10)+sqrt(9)+log(100)+ln(exp(1)) | fields v", NONE, value(1030)),
    ('* | eval v=max(1, 3, "450", "foo") | fields v', NONE, value("foo")),
    ('* | eval v=avg(5, "9", missing, "x") | fields v', NONE, value(7)),
    ('* | eval v=sum(1, missing, "x", 2) | fields v', NONE, value(3)),
    ('* | eval v=min(3, 1, "foo") | fields v', NONE, value(1)),
    ('* | eval v=tonumber("ff", 16)+tonumber("12") | fields v', NONE, value(267)),
    ('* | eval v=tonumber("x") | fields v', NONE, [{}]),
    ('* | eval v=tostring(12345.6789, "commas") | fields v', NONE, value("12,345.68")),
    ('* | eval v=tostring(1==1)." ".tostring(255, "hex")." ".tostring(3661, "duration") | fields v', NONE, value("True 0xFF 01:01:01")),
    ('* | eval v=printf("%05.2f-%s-%d%%", 1.5, "a", 7) | fields v', NONE, value("01.50-a-7%")),
    ('* | eval v=typeof(1)." ".typeof("a")." ".typeof(1==1)." ".typeof(no) | fields v', NONE, value("Number String Boolean Invalid")),
    ("* | eval v=if(isint(4) AND NOT isint(4.5) AND isnum(4.5), 1, 0) | fields v", NONE, value(1)),
    ('* | eval v=md5("a") | fields v', NONE, value("0cc175b9c0f1b6a831c399e269772661")),
    ("* | eval v=bit_and(12, 10)+bit_or(12, 10)+bit_xor(12, 10)+bit_shift_left(1, 3) | fields v", NONE, value(36)),
    ('* | eval v=ipmask("255.255.0.0", "10.1.2.3") | fields v', NONE, value("10.1.0.0")),
    ('* | eval v=strftime(86400.25, "%Y-%m-%d %H:%M:%S.%3N %a %z") | fields v', NONE, value("1970-01-02 00:00:00.250 Fri +0000")),
    ('* | eval v=strptime("2026-05-01 12:30:00", "%Y-%m-%d %H:%M:%S") | fields v', NONE, value(1777638600)),
    ('* | eval v=strptime("no date", "%Y-%m-%d") | fields v', NONE, [{}]),
    ('* | eval v=relative_time(1777638645, "-1d@d") | fields v', NONE, value(1777507200)),
    ('* | eval v=relative_time(1777638645, "@mon") | fields v', NONE, value(1777593600)),
    ('* | eval v=relative_time(1777638645, "@w0") | fields v', NONE, value(1777161600)),
    ("* | eval v=now() | fields v", NONE, value(1000)),
    # several values (Search Reference, "Multivalue eval functions")
    ("* | eval v=mvcount(m) | table v", MANY, [{"v": 3}, {"v": 1}, {}]),
    ("* | eval v=mvindex(m, 0) | table v", MANY[:1], value("ann")),
    ("* | eval v=mvindex(m, 1, -1) | table v", MANY[:1], value(["bob", "Cy"])),
    ('* | eval v=mvfilter(match(m, "^[a-z]")) | table v', MANY[:1], value(["ann", "bob"])),
    ("* | eval v=mvmap(m, upper(m)) | table v", MANY[:1], value(["ANN", "BOB", "CY"])),
    ('* | eval v=mvjoin(mvsort(m), "-") | table v', MANY[:1], value("Cy-ann-bob")),
    ('* | eval v=mvappend(m, "x", no) | table v', MANY[1:2], value(["dan", "x"])),
    ('* | eval v=mvdedup(mvappend("a", "b", "a")) | table v', NONE, value(["a", "b"])),
    ('* | eval v=mvzip(mvappend("a", "b"), mvappend("1", "2"), "=") | table v', NONE, value(["a=1", "b=2"])),
    ("* | eval v=mvrange(0, 7, 3) | table v", NONE, value([0, 3, 6])),
    ('* | eval v=mvfind(m, "^b") | table v', MANY[:1], value(1)),
    ('* | eval v=split("a;b", ";") | table v', NONE, value(["a", "b"])),
    ("* | mvexpand m | table m", MANY, [{"m": "ann"}, {"m": "bob"}, {"m": "Cy"}, {"m": "dan"}, {}]),
    ("* | mvexpand m limit=2 | table m", MANY[:1], [{"m": "ann"}, {"m": "bob"}]),
    ('* | makemv delim="," v | table v', [{"v": "a,,b"}], value(["a", "b"])),
    ('* | makemv delim="," allowempty=t v | table v', [{"v": "a,,b"}], value(["a", "", "b"])),
    ('* | makemv tokenizer="(\\w)=" v | table v', [{"v": "a=b="}], value(["a", "b"])),
    ("* | nomv m | table m", MANY[:1], [{"m": "ann\nbob\nCy"}]),
    ('* | fields h, n | fields - n | mvcombine delim="+" h | nomv h | table h', HOSTS[:2], [{"h": "x"}, {"h": "y"}]),
    ('* | table h | eval k=1 | mvcombine delim="+" h | nomv h | table h', HOSTS[:2], [{"h": "x+y"}]),
    # JSON (Search Reference, "JSON functions", "spath")
    ('"o.l{}.k"=b', DEEP, ids(1)),
    ("* | eval v=mvcount('o.l{}.v') | table v", DEEP, [{"v": 2}, {}]),
    ('tags{}=b', [{"i": 1, "tags": ["a", "b"]}, {"i": 2, "tags": ["a"]}], ids(1)),
    ('* | eval v=json_extract("{\\"a\\":[{\\"b\\":7}]}", "a{0}.b") | table v', NONE, value(7)),
    ('* | eval v=json_object("a", 1, "b", "x") | table v', NONE, value('{"a":1,"b":"x"}')),
    ('* | eval v=if(json_valid("{]"), 1, 0) | table v', NONE, value(0)),
    ("* | spath path=o.p output=v | table v", DEEP, [{"v": "x"}, {"v": "y"}]),
    ("* | spath input=j | table a b{}", [{"j": '{"a": 1, "b": [2, 3]}'}], [{"a": 1, "b{}": [2, 3]}]),
    ("* | spath input=j output=v path=b{1} | table v", [{"j": '{"b": [2, 3]}'}], value(3)),
    # statistics (Search Reference, "stats" and "Aggregate functions")
    ("c=none | stats count", THREE, [{"count": 0}]),
    ("c=none | stats count by c", THREE, []),
    ("* | stats count, dc(h) as d by h", HOSTS, [{"h": "x", "count": 2, "d": 1}, {"h": "y", "count": 1, "d": 1}]),
    ("* | stats sum(n) as s avg(n) as a min(n) as lo max(n) as hi range(n) as r", HOSTS, [{"s": 10, "a": 2.5, "lo": 1, "hi": 4, "r": 3}]),
    ("* | stats median(n) as m stdevp(n) as d perc75(n) as p", HOSTS[:3], [{"m": 3, "d": pytest.approx(0.8164965809), "p": 4}]),
    ('* | stats count(eval(h="x")) as x, count(h) as h', HOSTS, [{"x": 2, "h": 3}]),
    ("* | stats sum(eval(n*2)) as s by h", HOSTS, [{"h": "x", "s": 12}, {"h": "y", "s": 6}]),
    ("* | stats first(n) as f last(n) as l earliest(n) as e latest(n) as t", HOSTS, [{"f": 4, "l": 1, "e": 1, "t": 4}]),
    ("* | stats values(h) as h list(h) as l", HOSTS, [{"h": ["x", "y"], "l": ["x", "y", "x"]}]),
    ("* | table h n | stats values(*) as *", HOSTS, [{"h": ["x", "y"], "n": ["1", "2", "3", "4"]}]),
    ("* | stats max(n) by h", HOSTS, [{"h": "x", "max(n)": 4}, {"h": "y", "max(n)": 3}]),
    ("* | stats count by m", MANY, [{"m": "ann", "count": 1}, {"m": "bob", "count": 1}, {"m": "Cy", "count": 1}, {"m": "dan", "count": 1}]),
    ("* | eventstats max(n) as top by h | where n=top | fields i", HOSTS, ids(1, 2)),
    ("* | streamstats count as k by h | table k", HOSTS, [{"k": 1}, {"k": 1}, {"k": 2}, {}]),
    ("* | streamstats window=2 sum(n) as s | table s", HOSTS, [{"s": 4}, {"s": 7}, {"s": 5}, {"s": 3}]),
    ("* | streamstats window=2 current=f sum(n) as s | table s", HOSTS, [{}, {"s": 4}, {"s": 7}, {"s": 5}]),
    ("* | streamstats window=2 count as k by h | table k", HOSTS[:3], [{"k": 1}, {"k": 1}, {"k": 1}]),
    ("* | streamstats window=2 global=f count as k by h | table k", HOSTS[:3], [{"k": 1}, {"k": 1}, {"k": 2}]),
    ("* | streamstats count as k reset_after=(n==3) | table k", HOSTS, [{"k": 1}, {"k": 2}, {"k": 1}, {"k": 2}]),
    ('* | streamstats reset_before="n==3" count as k | table k', HOSTS, [{"k": 1}, {"k": 1}, {"k": 2}, {"k": 3}]),
    ("* | chart count over h by n", HOSTS[:3], [{"h": "x", "2": 1, "3": 0, "4": 1}, {"h": "y", "2": 0, "3": 1, "4": 0}]),
    ("* | top limit=1 h", HOSTS, [{"h": "x", "count": 2, "percent": "66.666667"}]),
    ("* | rare limit=1 showperc=f h", HOSTS, [{"h": "y", "count": 1}]),
    (
        "| tstats summariesonly=false fillnull_value=(none) count from datamodel=Endpoint.Processes by Processes.dest Processes.user",
        [
            {"datamodel": "Endpoint.Processes", "Processes.dest": "h", "Processes.user": "u"},
            {"datamodel": "Endpoint.Processes", "Processes.dest": "h"},
            {"datamodel": "Endpoint.Services", "Processes.dest": "h"},
        ],
        [
            {"Processes.dest": "h", "Processes.user": "(none)", "count": 1},
            {"Processes.dest": "h", "Processes.user": "u", "count": 1},
        ],
    ),
    (
        "| tstats count from datamodel=Endpoint.Processes by Processes.user",
        [{"datamodel": "Endpoint.Processes", "Processes.dest": "h"}],
        [],
    ),
    (
        '| from datamodel:"Endpoint.Processes" | fields user',
        [{"datamodel": "Endpoint.Processes", "user": "u"}, {"datamodel": "Web.Web", "user": "w"}], [{"user": "u"}],
    ),
    ("| tstats count where index=a by sourcetype", [{"index": "a", "sourcetype": "s"}, {"index": "b", "sourcetype": "s"}], [{"sourcetype": "s", "count": 1}]),
    ("* | accum n | table n", HOSTS, [{"n": 4}, {"n": 7}, {"n": 9}, {"n": 10}]),
    # order (Search Reference, "sort", "dedup", "head", "tail")
    ("* | sort n", HOSTS, ids(4, 3, 2, 1)),
    ("* | sort -h, n", HOSTS, ids(2, 3, 1, 4)),
    ("* | sort n desc", HOSTS, ids(1, 2, 3, 4)),
    ("* | sort 1 -num(n)", HOSTS, ids(1)),
    ("* | sort str(v) | table v", [{"v": "9"}, {"v": "10"}], [{"v": "10"}, {"v": "9"}]),
    ("* | sort v | table v", [{"v": "10.0.0.9"}, {"v": "9.0.0.10"}, {"v": "10.0.0.10"}], [{"v": "9.0.0.10"}, {"v": "10.0.0.9"}, {"v": "10.0.0.10"}]),
    ("* | dedup h", HOSTS, ids(1, 2)),
    ("* | dedup 2 h", HOSTS, ids(1, 2, 3)),
    ("* | dedup h keepempty=t", HOSTS, ids(1, 2, 4)),
    ("* | dedup h sortby n", HOSTS, ids(3, 2)),
    ("* | dedup consecutive=t h", HOSTS, ids(1, 2, 3)),
    ("* | head 2", HOSTS, ids(1, 2)),
    ("* | head (n>2) keeplast=t", HOSTS, ids(1, 2, 3)),
    ("* | tail 2", HOSTS, ids(4, 3)),
    ("* | reverse | head 1", HOSTS, ids(4)),
    # fields (Search Reference, "fields", "table", "rename", "fillnull", "replace")
    ("* | fields - i n | fields h", HOSTS[:1], [{"h": "x"}]),
    ("* | table a*", [{"ab": 1, "ac": 2, "b": 3}], [{"ab": 1, "ac": 2}]),
    ("* | rename a* as x*, b as \"y z\" | table x* \"y z\"", [{"ab": 1, "ac": 2, "b": 3}], [{"xb": 1, "xc": 2, "y z": 3}]),
    ("* | rename no as c | table c", THREE[:1], [{}]),
    ("* | fillnull | table h", HOSTS[2:], [{"h": "x"}, {"h": "0"}]),
    ('* | fillnull value="-" h z | table h z', HOSTS[3:], [{"h": "-", "z": "-"}]),
    ("* | filldown h | table h", HOSTS[2:], [{"h": "x"}, {"h": "x"}]),
    ("* | replace r* with R* in c | table c", THREE[:1], [{"c": "Red"}]),
    ('* | strcat c "-" i v | table v', THREE[:1], value("red-1")),
    ("* | convert timeformat=\"%H:%M\" ctime(n) as v | table v", [{"n": 3660}], value("01:01")),
    ("* | addtotals | table Total", [{"x": 1, "y": "2", "z": "a"}], [{"Total": 3}]),
    ("* | bin span=1h _time | stats count by _time", [{"_time": 3700}, {"_time": 7100}, {"_time": 7300}], [{"_time": 7200, "count": 1}, {"_time": 3600, "count": 2}]),
    # extraction (Search Reference, "rex", "regex")
    ('* | rex "user=(?<u>\\w+) (?<s>\\w+)" | table u s', RAW, [{"u": "ann", "s": "Login"}, {"u": "annabel", "s": "logged_in"}]),
    ('* | rex field=v max_match=0 "(?<d>\\d)" | table d', [{"v": "a1b2"}], [{"d": ["1", "2"]}]),
    ('* | rex field=v mode=sed "s/(\\d)(\\d)/\\2\\1/g" | table v', [{"v": "12-34"}], value("21-43")),
    ('* | rex field=v mode=sed "y/ab/xy/" | table v', [{"v": "aabc"}], value("xxyc")),
    ('* | regex v="^\\d+$"', [{"i": 1, "v": "12"}, {"i": 2, "v": "a"}, {"i": 3}], ids(1)),
    ('* | regex "Login"', RAW, ids(1)),
    # several searches (Search Reference, "append", "join", "format"; Search Manual, "About subsearches")
    ("c=red | append [search c=blue]", THREE, ids(1, 2)),
    ("* | stats count | appendpipe [eval count=count+1]", THREE, [{"count": 3}, {"count": 4}]),
    ("[search c=blue | fields c]", THREE, ids(2)),
    ("NOT [search c=no | table c]", THREE, ids(1, 2, 3)),
    ("a=1 [search b=2 | return b]", PAIRS, ids(2)),
    ("[search a=1 | return 2 a b]", PAIRS, ids(1, 2)),
    ("[search i=3 | return $a]", [*PAIRS, {"i": 4, "x": "2"}], ids(2, 3, 4)),
    ("a=1 b=2 | table a b | format", PAIRS, [{"search": '( ( a="1" AND b="2" ) )'}]),
    ("* | table i h | join h [search n=2 | table h n]", HOSTS, [{"i": 1, "h": "x", "n": 2}, {"i": 3, "h": "x", "n": 2}]),
    ("* | table i h | join type=left h [search n=3 | table h n] | where isnull(n) | table i", HOSTS, ids(1, 3, 4)),
    ("| multisearch [search c=blue] [search c=red]", THREE, ids(1, 2)),
    ("| makeresults count=2 | streamstats count as k | table k", [], [{"k": 1}, {"k": 2}]),
    ("* | stats sum(n) as n by h | xyseries h h n", HOSTS, [{"h": "x", "x": 6}, {"h": "y", "y": 3}]),
    ("* | table h n | untable h k v", HOSTS[:1], [{"h": "x", "k": "n", "v": 4}]),
    ("* | eval t=0 | foreach x* [eval t=t+'<<FIELD>>'] | table t", [{"xa": 1, "xb": 2}], [{"t": 3}]),
    # transaction: the newest first, so that what begins one closes it (Search Reference, "transaction")
    ("h=* | transaction h | table h n duration eventcount", HOSTS,
     [{"h": "y", "n": 3, "duration": 0, "eventcount": 1}, {"h": "x", "n": [2, 4], "duration": 2, "eventcount": 2}]),
    ("h=* | transaction h maxspan=2s | table h n", HOSTS, [{"h": "x", "n": 4}, {"h": "y", "n": 3}, {"h": "x", "n": 2}]),
    ("h=* | transaction h maxpause=2s | table h n", HOSTS, [{"h": "y", "n": 3}, {"h": "x", "n": [2, 4]}]),
    ('h=* | transaction h startswith="n=2" endswith="n=4" | table h n', HOSTS, [{"h": "x", "n": [2, 4]}]),
    ("h=* | transaction h startswith=eval(n>2) endswith=(n=2) | table h n", HOSTS, []),
]  # fmt: skip


def found(search: str, events: Events, **options: Any) -> Events:
    """The rows without the times that the events were given: each is a second older than the one before."""
    logged = [{"_time": 900 - number} | event for number, event in enumerate(events)]
    rows = spl.run(search, logged, 1000, **options)
    if re.search(r"\b_time", search):
        return rows
    return [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]


@pytest.mark.parametrize(("search", "events", "rows"), CASES)
@pytest.mark.parametrize("unknown", [False, True])
def test_what_a_search_finds(search: str, events: Events, rows: Events, unknown: bool) -> None:
    given = found(search, events, unknown=unknown)
    if rows and all(set(row) == {"i"} for row in rows):
        given = [{"i": row.get("i")} for row in given]
    assert given == rows


LISTS: dict[str, Events] = {
    "roles": [{"user": "ann", "role": "admin"}, {"user": "bob", "role": "guest"}, {"user": "bob", "role": "owner"}],
    "wild": [{"name": "*svc*", "kind": "service"}],
}


@pytest.mark.parametrize(
    ("search", "events", "rows"),
    [
        ("* | lookup roles user OUTPUT role | table role", [{"user": "ann"}, {"user": "Ann"}, {}], [{"role": "admin"}, {}, {}]),
        ("* | lookup roles user as who OUTPUTNEW role as r | table r", [{"who": "bob"}], [{"r": ["guest", "owner"]}]),
        ("* | lookup roles user | table role", [{"user": "ann"}], [{"role": "admin"}]),
        ("* | lookup wild name OUTPUT kind | table kind", [{"name": "a-SVC-1"}], [{"kind": "service"}]),
        ("| inputlookup roles where role=admin", [], [{"user": "ann", "role": "admin"}]),
        ("| inputlookup roles.csv | stats count", [], [{"count": 3}]),
        ("[| inputlookup roles | search role=admin | fields user]", [{"user": "ann"}, {"user": "x"}], [{"user": "ann"}]),
    ],
)  # fmt: skip
def test_lists(search: str, events: Events, rows: Events) -> None:
    assert found(search, events, lists=LISTS) == rows


@pytest.mark.parametrize(
    ("search", "unknown", "kept"),
    [
        ('* | where NOT c="red"', False, [2, 3]), ('* | where NOT c="red"', True, [2]), ('* | where NOT (c="red" OR i=9)', False, [2, 3]),
        ('* | where NOT (c="red" OR i=9)', True, [2]), ('* | where NOT (c="red" AND i=9)', True, [1, 2, 3]),
    ],
)  # fmt: skip
def test_the_caller_says_what_a_null_is(search: str, unknown: bool, kept: list[int]) -> None:
    assert [row["i"] for row in found(search, THREE, unknown=unknown)] == kept


@pytest.mark.parametrize(
    ("search", "what"),
    [
        ("* | cluster field=h", "the command cluster"), ("* | transaction h endswith=\"n=4\"", "an end without a beginning"), ("* | eval v=sigfig(1.5)", "sigfig"), ("* | eval v=nosuch(1)", "the function nosuch"),
        ("* | stats sparkline(n)", "the function sparkline"), ("* | stats mode(n)", "as frequent"), ("`base` c=red", "the macro `base`"),
        ("* | lookup roles user", "the lookup roles"), ("* | eval v=(1==1)", "a Boolean"), ("* | bin n span=2", "buckets of n"),
        ("* | bin _time span=7d", "several days"), ("h=x [search i=1]", "all fields"), ("| stats count", "begins with stats"), ("c=red | makeresults", "behind other"),
        ("source::x", "indexed field"), ('* | eval v="1"+"2"', "added or joined"), ('* | eval v=typeof("12")', "no field"), ("* | eval v=substr(h, 0)", "substr from 0"), ("* | rename h as a, h as b", "two new names"), ("| tstats count from datamodel=Web", "the data model Web without"), ("| from datamodel:Web", "the data model Web without"), ("| from savedsearch:x", "the data set"), ("| tstats count from datamodel=Web.Web by url", "url, which may not be"), ("| tstats summariesonly=true count from datamodel=Web.Web", "the option summariesonly"), ("* | stats p95(n)", "without AS"),
        ("* | head 1 y", "'y'"), ("* | dedup h nosuch=1", "the option nosuch"), ("* | timechart span=1h count", "range of the search"),
        ("* | eval v=1+2.\"a\"", "a period or arithmetic"), ("* | eval v=random()", "random"), ("c in (red)", "not in capitals"),
        ("* | where h", "as a condition|no Boolean"), ('* | where match(h, "(?R)")', "regular expression"),
        ('* | where "10"<"9"', "look like numbers"), ("* | eval v=mvindex(split(\"a\", \",\"), 0, 5)", "behind the last"),
        ("* | stats count | search word", "results that have none"), ('* | where like(h, "a\\\\%")', "backslash"),
        ("* | lookup", "the end"), ("* | convert nosuch(n)", "nosuch"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_by_name(search: str, what: str) -> None:
    with pytest.raises(NotReadable, match=what):
        found(search, HOSTS)


@pytest.mark.parametrize(
    ("search", "position"),
    [("a=1 | where (b=2", 16), ("a=1 | wher b=2", 10), ('a="x', 2), ("(a=1", 4), ("a=1 | stats count by", 20), ("* | eval v=1 +", 14), ("a=1 | | head", 5)],
)  # fmt: skip
def test_wrong_syntax_is_told_with_its_place(search: str, position: int) -> None:
    with pytest.raises(NotReadable) as caught:
        spl.parse(search)
    assert caught.value.position == position


def test_macros_are_expanded_or_passed_over() -> None:
    search = "`base` | `shown(c)` | head 1"
    assert spl.parse(search) == ("search", "head")
    assert found(search, THREE, macros={"base": "c=*", "shown(c)": "table c"}) == [{"c": "red"}]
    with pytest.raises(NotReadable, match="the macro `base`"):
        spl.run("c=red `base`", [])
    assert spl.parse("| tstats `summaries` count from datamodel=Web where `only` by Web.url | `drop`") == ("tstats",)


def test_an_array_inside_of_an_object_has_braces_in_its_name() -> None:
    event = {"_time": 1, "Data": {"Name": ["a", "b"], "Kind": "k"}, "flat": ["c", "d"]}
    assert [len(spl.run(f'{name}="{value}"', [event])) for name, value in (("Data.Name", "a"), ("Data.Name{}", "a"), ("flat", "c"))] == [
        0,
        1,
        1,
    ]


@pytest.mark.parametrize("called", ["max(n, missing)", "avg(missing)", 'sum("x")'])
def test_what_is_not_told_of_a_value_is_said_of_the_events_that_have_it(called: str) -> None:
    with pytest.raises(ValueNotTold):
        spl.run(f"* | eval v={called}", [{"_time": 1, "n": 1}], 0)


def test_an_event_without_what_groups_a_transaction_is_not_told() -> None:
    with pytest.raises(ValueNotTold):
        spl.run("* | transaction h", [{"_time": 2, "h": "x"}, {"_time": 1}], 0)
