"""Random pipelines in the pipeline lane, row by row and column by column beside what the engine makes of the same events.

The lane is asked for every query, not only where it is the best one. Exit status 1 where rows differ from those that are claimed.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import random
import sys
from types import MappingProxyType
from typing import Any

import translator
from tests.rules import rule
from translator.pipeline import piped
from translator.rulepack.model import Rule
from translator.targets.base import Options, Output
from translator.verify import NotReadable, esql, spl
from translator.verify.reading import Lists

NOW = dt.datetime(2026, 3, 6, 12, 0)
OPTIONS = Options(fields="source")
_UNORDERED = ("s", "l")
"""Columns with several values, whose order means nothing."""


def events(pick: random.Random, count: int) -> list[dict[str, Any]]:
    """Sign-ins of the last hour, with values missing or empty; no two of one moment."""
    return [
        {
            "TimeGenerated": NOW - dt.timedelta(seconds=second),
            "UserPrincipalName": pick.choice(["ann", "Ann", "bob", "cid", "", None]),
            "IPAddress": pick.choice(["10.0.0.1", "10.0.0.2", "10.0.0.3", "", None]),
            "ResultType": pick.choice(["0", "50126", "50053"]),
            "AppDisplayName": pick.choice(["Portal", "portal x", "Mail", "", None]),
            "DeviceDetail": pick.choice([{"browser": "Edge 9"}, {"browser": ""}, {}, None]),
            "AutonomousSystemNumber": pick.choice(["1", "20", "300", None, "", "x", " 7", "+5", "0x1F", "5.5", "3000000000"]),
            "CreatedDateTime": pick.choice([NOW - dt.timedelta(seconds=pick.randint(0, 9000), milliseconds=pick.randint(0, 9)), None]),
        }
        for second in pick.sample(range(1, 3500), count)
    ]


def audits(pick: random.Random, count: int) -> list[dict[str, Any]]:
    """Changes of the last hour, by users some of whom sign in."""
    return [
        {
            "TimeGenerated": NOW - dt.timedelta(seconds=second),
            "Identity": pick.choice(["ann", "Ann", "bob", "eve", "", None]),
            "OperationName": pick.choice(["Add user", "Update user", "Portal", None]),
            "Result": pick.choice(["success", "failure", "0"]),
        }
        for second in pick.sample(range(1, 3500), count)
    ]


class Generator:
    """Queries whose columns are known: each operator comes after each other."""

    def __init__(self, pick: random.Random) -> None:
        self.pick, self.text = pick, ""

    def query(self) -> str:
        text, kinds = "SigninLogs | where TimeGenerated > ago(2h)", {
            "UserPrincipalName": "text", "IPAddress": "text", "ResultType": "text", "AppDisplayName": "text", "TimeGenerated": "time",
        }  # fmt: skip
        if self.pick.random() < 0.15:  # an event may be in both, and count twice
            text = f"union ({text} | where {self.condition(kinds)}), ({text} | where {self.condition(kinds)})"
        elif self.pick.random() < 0.1:
            parts = [f"({text} | where {self.condition(kinds)} | summarize n = count() by k = {self.of(kinds, 'text')})" for _ in range(2)]
            text, kinds = f"union {', '.join(parts)}", {"k": "text", "n": "int"}
        for number in range(self.pick.randint(2, 7)):
            text, kinds = self.operator(text, kinds, number)
        keep = [c for c in kinds if kinds[c] != "list"] or list(kinds)
        return f"{text} | project {', '.join(sorted({*keep, *(c for c in kinds if kinds[c] == 'list')}))}"

    def of(self, kinds: dict[str, str], *wanted: str) -> str:
        found = [c for c, k in kinds.items() if k in wanted]
        return self.pick.choice(found) if found else ""

    def operator(self, text: str, kinds: dict[str, str], number: int) -> tuple[str, dict[str, str]]:
        what = self.pick.choice(
            [
                "where",
                "where",
                "extend",
                "extend",
                "summarize",
                "summarize",
                "distinct",
                "top",
                "latest",
                "join",
                "join",
                "asked",
                "overall",
            ]
        )
        name = f"x{number}"
        if what == "join" and any(k == "text" for k in kinds.values()):
            return self.join(text, kinds, number)
        if what == "asked" and (column := self.of(kinds, "text")):
            self.text = text
            other, found = self.other(number)
            operator, asked = self.pick.choice(["in", "!in", "in~", "!in~"]), self.of(found, "text")
            collected = self.pick.choice(["project {}", "project {}", "summarize make_set({})", "summarize make_list({})"]).format(asked)
            other_way = f" or {self.condition(kinds)}" if self.pick.random() < 0.3 else ""
            return f"{text} | where {column} {operator} (({other} | {collected})){other_way}", kinds
        if what == "overall":
            self.text = text
            other, found = self.other(number)
            of_all = f"{other} | summarize a{number} = count(), d{number} = dcount({self.of(found, 'text')}) | extend k{number} = 1"
            of_all += f" | where a{number} > 2" if self.pick.random() < 0.3 else ""
            joined = f"{text} | extend k{number} = 1 | join kind={self.pick.choice(['inner', 'leftouter'])} ({of_all}) on k{number}"
            return joined, {**kinds, f"a{number}": "int", f"d{number}": "int"}
        if what == "where":
            return (f"{text} | where {condition}", kinds) if (condition := self.condition(kinds)) else (text, kinds)
        if what == "extend":
            self.text = text
            expression, kind = self.value(kinds)
            return f"{text} | extend {name} = {expression}", {**kinds, name: kind}
        texts = [c for c, k in kinds.items() if k == "text"]
        if what == "distinct" and texts:
            chosen = self.pick.sample(texts, min(len(texts), self.pick.randint(1, 2)))
            return f"{text} | distinct {', '.join(chosen)}", dict.fromkeys(chosen, "text")
        moments = "TimeGenerated" in kinds and "summarize" not in text and "join" not in text  # of which no two are equal
        if what == "top" and moments:
            return f"{text} | top {self.pick.choice([3, 8])} by TimeGenerated {self.pick.choice(['desc', 'asc'])}", kinds
        if what == "latest" and moments and texts:
            by = self.pick.choice(texts)
            function = self.pick.choice(["arg_max", "arg_min"])
            return f"{text} | summarize {function}(TimeGenerated, *) by {by}", kinds
        return self.summarize(text, kinds, number)

    def other(self, number: int) -> tuple[str, dict[str, str]]:
        """A query of a few operators, whose columns have names of their own."""
        pick, text, kinds = self.pick, "AuditLogs", {"Identity": "text", "OperationName": "text", "Result": "text", "TimeGenerated": "time"}
        if pick.random() < 0.4:
            text = "SigninLogs"
            kinds = {"UserPrincipalName": "text", "IPAddress": "text", "ResultType": "text", "TimeGenerated": "time"}
        text += f" | where TimeGenerated > ago({pick.choice(['2h', '2h', '30m'])})"
        if pick.random() < 0.5:
            text += f" | where {self.condition(kinds)}"
        how = pick.choice(["events", "summarize", "summarize", "distinct", "latest"])
        by = pick.sample([c for c, k in kinds.items() if k == "text"], pick.choice([1, 1, 2]))
        if how == "summarize":
            text += f" | summarize n = count(), begun = min(TimeGenerated) by {', '.join(by)}"
            kinds = {**dict.fromkeys(by, "text"), "n": "int", "begun": "time"}
            text += f" | where n {pick.choice(['>', '<='])} 1" if pick.random() < 0.4 else ""
        elif how == "distinct":
            text, kinds = f"{text} | distinct {', '.join(by)}", dict.fromkeys(by, "text")
        elif how == "latest":
            text += f" | summarize arg_max(TimeGenerated, *) by {by[0]}"
        if how == "events" and text.startswith("AuditLogs") and "AuditLogs" not in self.text and pick.random() < 0.5:
            return text, {c: k for c, k in kinds.items() if k == "text"}
        text += f" | project {', '.join(f'o{number}{c} = {c}' for c in kinds)}"
        return text, {f"o{number}{c}": k for c, k in kinds.items()}

    def join(self, text: str, kinds: dict[str, str], number: int) -> tuple[str, dict[str, str]]:
        self.text = text
        other, found = self.other(number)
        kind = self.pick.choice(["inner", "inner", "leftouter", "leftanti", "leftsemi", "rightanti", "rightsemi", "rightouter"])
        text += f" | join kind={kind} ({other}) on $left.{self.of(kinds, 'text')} == $right.{self.of(found, 'text')}"
        if kind.startswith("left") and kind != "leftouter":
            return text, kinds
        return text, found if kind in ("rightanti", "rightsemi") else {**kinds, **found}

    def summarize(self, text: str, kinds: dict[str, str], number: int) -> tuple[str, dict[str, str]]:
        found: dict[str, tuple[str, str]] = {f"c{number}": ("count()", "int")}
        if condition := self.condition(kinds):
            found[f"f{number}"] = (f"countif({condition})", "int")
        if column := self.of(kinds, "text"):
            found[f"d{number}"] = (f"dcount({column})", "int")
            found[f"s{number}"] = (f"make_set({column})", "list")
        if (column := self.of(kinds, "int")) and condition:
            found[f"n{number}"] = (f"minif({column}, {condition})", "int")
        if column := self.of(kinds, "bool", "part"):
            found[f"b{number}"] = (f"dcount({column})", "int")
        if column := self.of(kinds, "int", "real"):
            found[f"m{number}"] = (f"{self.pick.choice(['sum', 'min', 'max', 'avg'])}({column})", "real")
            deviation = self.pick.choice(["stdev", "stdevp", "variance", "variancep"])
            found[f"e{number}"] = (f"{deviation}({column})", "real")
            found[f"x{number}"] = (f"max_of(count(), dcount({column})) - {self.pick.choice([1, 2])}", "int")
        if "TimeGenerated" in kinds:
            found[f"t{number}"] = (f"{self.pick.choice(['min', 'max'])}(TimeGenerated)", "time")
        chosen = dict(self.pick.sample(list(found.items()), self.pick.randint(1, len(found))))
        by = {c: "text" for c in self.pick.sample([c for c, k in kinds.items() if k == "text"] or [""], 1) if c}
        spelled = list(by)
        if "TimeGenerated" in kinds and self.pick.random() < 0.3:
            spelled.append(f"bin(TimeGenerated, {self.pick.choice(['10m', '1h', '7m'])})")
            by["TimeGenerated"] = "time"
        terms = ", ".join(f"{n} = {x}" for n, (x, _) in chosen.items())
        return f"{text} | summarize {terms}{' by ' + ', '.join(spelled) if spelled else ''}", {
            **by,
            **{n: k for n, (_, k) in chosen.items()},
        }

    def condition(self, kinds: dict[str, str]) -> str:
        pick, made = self.pick, list[str]()
        if column := self.of(kinds, "text"):
            word = pick.choice(["ann", "0", "10.0.0.1", "Portal", "portal", "50126", "x"])
            operator = pick.choice(["==", "!=", "=~", "!~", "has", "!has", "contains", "startswith", "endswith", "has_cs"])
            made += [
                f"{column} {operator} '{word}'",
                f"{column} in ('{word}', 'bob')",
                f"{column} !in~ ('{word}', 'bob')",
                f"isempty({column})",
                f"{column} {pick.choice(['contains', '!contains', 'startswith', '!startswith_cs'])} {self.of(kinds, 'text')}",
            ]
        if column := self.of(kinds, "int"):
            made += [f"{column} {pick.choice(['>', '>=', '<', '<='])} {pick.choice([0, 1, 2, 4])}", f"not({column} > 2)"]
        if column := self.of(kinds, "real"):
            made.append(f"{column} > {pick.choice(['1', '2.5'])}")
        if column := self.of(kinds, "bool"):
            made += [column, f"not({column})", f"{column} == false", f"{column} == true", f"isnull({column})", f"isnotnull({column})"]
        if column := self.of(kinds, "part"):
            made += [
                f"{column} has 'edge'",
                f"isempty({column})",
                f"isnull({column})",
                f"tostring({column}) != ''",
                f"{column} != 'Edge 9'",
            ]
        if column := self.of(kinds, "list"):
            made += [f"array_length({column}) > 1", f"isempty({column})"]
            made += [f"{column} {pick.choice(['has', '!has', 'contains', '!contains'])} '{pick.choice(['ann', '0.1', 'x'])}'"]
            if text := self.of(kinds, "text"):
                made.append(f"{column} {pick.choice(['contains', '!contains'])} {text}")
        if column := self.of(kinds, "time"):
            made += [f"{column} > ago(20m)", f"not({column} > ago(20m))", f"{column} > datetime(2026-03-06 11:30)"]
        return pick.choice(made) if made else ""

    def value(self, kinds: dict[str, str]) -> tuple[str, str]:
        pick, made = self.pick, [("1", "int")]
        if column := self.of(kinds, "text"):
            other = self.of(kinds, "text")
            made += [
                (f"strcat({column}, '-', {other})", "text"), (f"tolower({column})", "text"),
                (f"toupper({column})", "text"),
                (f"strlen({column})", "int"), (f"string_size({column})", "int"),
                (f"countof({column}, '{pick.choice(['a', '.', 'ta', '0'])}')", "int"),
                (f"countof({column}, '{pick.choice(['[a-o]+', '[0-9]', '.'])}', 'regex')", "int"),
                (f"iff({self.condition(kinds)}, 'yes', {column})", "text"),
                (f"tostring(split({column}, '.')[{pick.choice([0, 1, 3])}])", "text"), (f"substring({column}, 1, 3)", "text"),
                (f"extract('([a-z]+)(.?)', {pick.choice([0, 1, 2])}, {column})", "text"),
                (f"replace_string({column}, 'o', '0\\\\1')", "text"),
                (f"case({self.condition(kinds)}, 'a', {self.condition(kinds)}, 'b', 'c')", "text"),
            ]  # fmt: skip
        made += [(condition, "bool")] if (condition := self.condition(kinds)) else []
        if not any(word in self.text for word in ("summarize", "distinct", "join")):
            made += [("DeviceDetail.browser", "part"), ("tostring(DeviceDetail.browser)", "text"), ("CreatedDateTime", "time")]
            made += [(f"{pick.choice(['tolong', 'toint'])}(AutonomousSystemNumber)", "int"), ("todouble(AutonomousSystemNumber)", "real")]
        if column := self.of(kinds, "part"):
            made.append((f"tostring({column})", "text"))
        if column := self.of(kinds, "int"):
            made += [
                (f"{column} * 2 - 1", "int"),
                (f"{column} / 2", "int"),
                (f"todouble({column}) / 4", "real"),
                (f"bin({column}, 2)", "int"),
            ]
        if "TimeGenerated" in kinds:
            made += [("hourofday(TimeGenerated)", "int"), ("tostring(hourofday(TimeGenerated))", "text")]
            made += [("startofday(TimeGenerated)", "time"), ("(now() - TimeGenerated) / 1m", "real")]
            made.append((f"datetime_diff('{pick.choice(['minute', 'hour', 'day'])}', now(), TimeGenerated)", "int"))
        return pick.choice(made)


def _plain(value: Any) -> Any:
    """A value as both sides can have it: no text is missing, a moment is seconds, the order of several means nothing."""
    if isinstance(value, list):
        return tuple(sorted(str(_plain(v)) for v in value if v not in ("", None)))
    if isinstance(value, dt.datetime):
        return round(value.replace(tzinfo=dt.UTC).timestamp(), 3)
    if isinstance(value, dt.timedelta):
        return round(value.total_seconds(), 3)
    if value != value:  # an average of nothing, which SPL shows as nothing
        return ""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return float(f"{round(float(value), 3):.14g}")  # sums are taken in another order, which shows in the last digits of a double
    return value


def rows_of(kql: str, logged: dict[str, list[dict[str, Any]]], columns: list[str]) -> collections.Counter[tuple[Any, ...]]:
    result = translator.run(kql, logged, now=NOW)
    places = [[name for name, _ in result.columns].index(c) for c in columns]
    return collections.Counter(tuple(_plain(row[p]) for p in places) for row in result.rows)


def found_by(
    target: str, output: Output, logged: dict[str, list[dict[str, Any]]], lists: Lists = MappingProxyType({})
) -> list[collections.Counter[tuple[Any, ...]]]:  # fmt: skip
    """The rows that an output finds of the events that it looks at, in each reading of the target."""
    time, source = ("@timestamp", "event.dataset") if target == "esql" else ("_time", "sourcetype")
    at = NOW.replace(tzinfo=dt.UTC).timestamp()
    fed = [
        {
            **{k: _stored(v) for k, v in e.items() if k != "TimeGenerated"},
            source: table,
            time: moment,
            "_index": table.lower(),
        }
        for table, events_ in logged.items()
        for e in events_
        if (moment := e["TimeGenerated"].replace(tzinfo=dt.UTC).timestamp()) > at - (output.lookback or 0)
    ]
    return readings(target, output, fed, lists)


def readings(
    target: str, output: Output, fed: list[dict[str, Any]], lists: Lists = MappingProxyType({})
) -> list[collections.Counter[tuple[Any, ...]]]:  # fmt: skip
    """The rows that an output finds of events, in each reading of the target; dates of Elastic have milliseconds."""
    at = NOW.replace(tzinfo=dt.UTC).timestamp()
    if target == "esql":
        read = [esql.run(output.text, fed, at, lists)]
    else:
        read = [spl.run(output.text, fed, at, lists, unknown=unknown) for unknown in (True, False)]

    def shown(value: Any, name: str) -> Any:
        several = name[:1] in _UNORDERED and value is not None and not isinstance(value, list)
        return _plain([value] if several else value)

    return [collections.Counter(tuple(shown(r.get(f), n) for n, f in sorted(output.columns.items())) for r in rows) for rows in read]


def _stored(value: Any) -> Any:
    """A value as Azure's logs have it: a moment is a text."""
    return value.isoformat() + "Z" if isinstance(value, dt.datetime) else value


def checked(
    kql: str, signins: list[dict[str, Any]], changes: list[dict[str, Any]] | None = None, target: str = "splunk"
) -> tuple[Output | None, str]:  # fmt: skip
    """The output of the lane for a query, and what is wrong with it; empty where nothing is."""
    made: Rule = rule(kql)
    logged = {"SigninLogs": signins, "AuditLogs": changes or []}
    output = piped(target, made, OPTIONS)
    if output is None:
        return None, ""
    wanted = rows_of(kql, logged, sorted(output.columns))
    for found in found_by(target, output, logged):
        if found != wanted:
            more, less = found - wanted, wanted - found
            return output, f"columns {sorted(output.columns)}\n  only here: {list(more)[:3]}\n  only in KQL: {list(less)[:3]}"
    return output, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--targets", default="splunk,esql")
    given = parser.parse_args()
    pick = random.Random(given.seed)
    generator, written, wrong, unread = Generator(pick), 0, 0, collections.Counter[str]()
    for _ in range(given.count):
        kql, logged = generator.query(), events(pick, pick.choice([8, 20, 40]))
        changes = audits(pick, pick.choice([4, 12]))
        for target in given.targets.split(","):
            try:
                output, difference = checked(kql, logged, changes, target)
            except NotReadable as refused:
                unread[refused.what] += 1
                continue
            written += output is not None
            if difference and output is not None:
                wrong += 1
                if wrong <= 5:
                    print(kql, output.text, difference, sep="\n", end="\n\n")
    not_read = "".join(f"; {n} not read: {what}" for what, n in unread.items())
    print(f"{given.count} queries, {written} written, {wrong} wrong{not_read}")
    return 1 if wrong or not written else 0


if __name__ == "__main__":
    sys.exit(main())
