"""Readers of ES|QL and of EQL's conditions and samples: run what this project writes on events in memory, by Elastic's documentation.

They are no Elasticsearch, and refuse with ``NotImplementedError`` what is not written here.

Facts: ES|QL reference, "Operators" (a comparison with null is null, ``LIKE`` and ``RLIKE`` match the whole value, comparisons want the same
types), "STATS" (null is a group of its own; without BY there is one row, for no events as well), "CASE" (a null condition counts as false);
EQL reference, "EQL syntax" (``:`` and ``~`` ignore case; a comparison with null is null, as is its ``not``; ``?field`` may be missing
from the mapping); Elasticsearch reference, "Regular expression syntax" (anchored; ``.`` is any character; ``# @ & < > ~`` and quotes are
operators).
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import ipaddress
import re
from functools import cache
from typing import Any

from lark import Lark, Token, Tree

from tests.conformance.logic import Logic
from tests.conformance.spl_reader import ARITHMETIC, flattened, split

Event = dict[str, Any]

_COMMON = r"""
    ?either: both (_OR both)*
    ?both: negated (_AND negated)*
    ?negated: _NOT negated -> no
            | comparison
    ?sum: product (ADD product)*
    ?product: atom (MULTIPLY atom)*
    OPERATOR: "==" | "!=" | "<=" | ">=" | "<" | ">" | ":"
    ADD: "+" | "-"
    MULTIPLY: "*" | "/" | "%"
    NUMBER: /-?\d+(\.\d+)?/
    TEXT: /\"{3}.*?\"{3}/s | /"(\\.|[^"\\])*"/s
    NAME: /@?[A-Za-z_][\w.@]*/
    BACKQUOTED: /`[^`]*`/
    %ignore /\s+/
"""

_ESQL = Lark(
    r"""
    condition: either
    assignments: name "=" either ("," name "=" either)*
    stats: aggregate ("," aggregate)* ("BY" key ("," key)*)?
    aggregate: name "=" NAME "(" (STAR | either) ")" ("WHERE" either)?
    key: (name "=")? sum
    renames: name "AS" name ("," name "AS" name)*
    enrich: NAME "ON" name "WITH" name "=" name
    name: NAME | BACKQUOTED
    ?comparison: sum OPERATOR sum
               | sum "IS" _NULL -> missing
               | sum "IS" _NOT _NULL -> present
               | sum "IN" "(" sum ("," sum)* ")" -> among
               | sum "LIKE" TEXT -> like
               | sum "RLIKE" TEXT -> regex
               | sum
    ?atom: NUMBER UNIT -> seconds
         | NUMBER -> number
         | TEXT -> text
         | _TRUE -> yes
         | _FALSE -> never
         | _NULL -> null
         | NAME "(" (either ("," either)*)? ")" -> call
         | name -> field
         | "(" either ")"
    STAR: "*"
    _TRUE.2: /true\b/i
    _FALSE.2: /false\b/i
    _NULL.2: /null\b/i
    UNIT: /seconds?/
    _OR: "OR"
    _AND: "AND"
    _NOT: "NOT"
    """
    + _COMMON,
    parser="lalr",
    start=["condition", "assignments", "stats", "renames", "enrich"],
)

_EQL = Lark(
    r"""
    start: "any" "where" either -> events
         | "sample" by? member+ -> sample
    member: "[" "any" "where" either "]" by?
    by: "by" name ("," name)*
    name: NAME | BACKQUOTED
    ?comparison: sum OPERATOR sum
               | sum MEMBERSHIP "(" sum ("," sum)* ")" -> among
               | sum MATCH TEXT -> match
               | sum MATCH "(" TEXT ("," TEXT)* ")" -> match
               | sum
    ?atom: NUMBER -> number
         | TEXT -> text
         | "true" -> yes
         | "false" -> never
         | "null" -> null
         | FUNCTION "(" (either ("," either)*)? ")" -> call
         | "?"? name -> field
         | "(" either ")"
    MEMBERSHIP: /in~?(?=[\s(])/
    MATCH: /(regex|like)~?(?=[\s("])/
    FUNCTION.2: /[A-Za-z]+~?(?=\()/
    _OR: "or"
    _AND: "and"
    _NOT: "not"
    """
    + _COMMON,
    parser="lalr",
)


def _text(token: str) -> str:
    if token.startswith('"""'):
        return token[3:-3]
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), token[1:-1], flags=re.DOTALL)


def _name(node: Any) -> str:
    token = str(node.children[0] if isinstance(node, Tree) else node)
    return token.strip("`")


@cache
def lucene(pattern: str, caseless: bool = False) -> re.Pattern[str]:
    """A regular expression of Lucene as one of ``re`` that whole values are to match.

    Raises:
        ValueError: for operators that only Lucene has, and for what looks like Python's.
    """
    plain = re.sub(r"\\.", "", pattern, flags=re.DOTALL)
    classless = re.sub(r"\[[^\]]*\]", "", plain)
    if re.search(r'[#@&<>~"^$]|\(\?', classless):
        raise ValueError(f"Lucene reads an operator in {pattern}")
    return re.compile(pattern, re.DOTALL | (re.IGNORECASE if caseless else 0))


@cache
def wildcards(pattern: str, caseless: bool) -> re.Pattern[str]:
    """A pattern of ``like``, where a backslash takes its meaning from ``*`` and ``?``, as a regular expression."""
    parts = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    regex = "".join({"*": ".*", "?": "."}.get(plain, re.escape(escaped or plain)) for escaped, plain in parts)
    return re.compile(regex, re.DOTALL | (re.IGNORECASE if caseless else 0))


class Evaluator(Logic):
    """Conditions of ES|QL or EQL on one event; what is neither true nor false is None."""

    def value(self, node: Any, event: Event) -> Any:
        match node:
            case Tree(data="either" | "both" | "no"):
                return self.connected(node, event)
            case Tree(data="missing", children=[part]):
                return self.value(part, event) is None
            case Tree(data="present", children=[part]):
                return self.value(part, event) is not None
            case Tree(data="comparison", children=[left, operator, right]):
                if Tree("null", []) in (left, right):  # EQL asks for presence in this way
                    return (self.value(left if right == Tree("null", []) else right, event) is None) == (operator == "==")
                return self.compared(str(operator), self.value(left, event), self.value(right, event))
            case Tree(data="among", children=[subject, Token(type="MEMBERSHIP") as word, *values]):
                operator = ":" if word.endswith("~") else "=="
                return self.joined([self.compared(operator, self.value(subject, event), self.value(v, event)) for v in values], True)
            case Tree(data="among", children=[subject, *values]):
                return self.joined([self.compared("==", self.value(subject, event), self.value(v, event)) for v in values], True)
            case Tree(data="like", children=[subject, pattern]):
                return self.matched("like", self.value(subject, event), [_text(str(pattern))])
            case Tree(data="regex", children=[subject, pattern]):
                return self.matched("regex", self.value(subject, event), [_text(str(pattern))])
            case Tree(data="match", children=[subject, word, *patterns]):
                return self.matched(str(word), self.value(subject, event), [_text(str(p)) for p in patterns])
            case Tree(data="sum" | "product", children=[first, *rest]):
                total = self.value(first, event)
                for operator, part in zip(rest[::2], rest[1::2], strict=True):
                    operand = self.value(part, event)
                    if total is None or operand is None:
                        return None
                    total = ARITHMETIC[str(operator)](total, operand)
                return total
            case Tree(data="seconds" | "number", children=[token, *_]):
                return float(token) if "." in token else int(token)
            case Tree(data="text", children=[token]):
                return _text(str(token))
            case Tree(data="yes"):
                return True
            case Tree(data="never"):
                return False
            case Tree(data="null"):
                return None
            case Tree(data="field", children=[name]):
                return event.get(_name(name))
            case Tree(data="call", children=[name, *args]):
                return self.call(str(name), args, event)
        raise NotImplementedError(str(node))

    @staticmethod
    def compared(operator: str, left: Any, right: Any) -> Any:
        if left is None or right is None:
            return None
        if any(isinstance(left, kind) != isinstance(right, kind) for kind in (str, bool)):
            raise TypeError(f"{left!r} {operator} {right!r}")
        if operator == ":":
            return left.lower() == right.lower()
        return {
            "==": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right,
        }[operator]  # fmt: skip

    @staticmethod
    def matched(word: str, subject: Any, patterns: list[str]) -> Any:
        if subject is None:
            return None
        spelled = wildcards if word.startswith("like") else lucene
        return any(spelled(p, word.endswith("~")).fullmatch(subject) for p in patterns)

    def call(self, name: str, args: list[Any], event: Event) -> Any:
        if name == "CASE":
            *pairs, last = args if len(args) % 2 else [*args, Tree("null", [])]
            for condition, value in zip(pairs[::2], pairs[1::2], strict=True):
                if self.value(condition, event) is True:
                    return self.value(value, event)
            return self.value(last, event)
        values = [self.value(a, event) for a in args]
        if name == "COALESCE":
            return next((v for v in values if v is not None), None)
        if name == "NOW":
            return event["@now"]
        if None in values:
            return None
        caseless = name.endswith("~")
        if caseless:
            values = [v.lower() for v in values]
        match name.removesuffix("~"):
            case "TO_LOWER":
                return values[0].lower()
            case "DATE_EXTRACT":
                moment = dt.datetime.fromtimestamp(values[1], dt.UTC)
                return {"hour_of_day": moment.hour, "day_of_week": moment.isoweekday()}[values[0]]
            case "REPLACE":
                return re.sub(values[1], re.sub(r"\$(\d)", r"\\\1", values[2]), values[0])
            case "SUBSTRING":
                return values[0][values[1] - 1 : values[1] - 1 + values[2]]
            case "MV_SLICE":
                found = values[0]
                return found[values[1]] if -len(found) <= values[1] < len(found) else None
            case "TO_UPPER":
                return values[0].upper()
            case "CONCAT":
                return "".join(values)
            case "SPLIT":
                return values[0].split(values[1])
            case "TO_LONG" | "number":
                try:
                    return int(values[0])
                except ValueError:
                    return None
            case "TO_STRING" | "string":
                return str(values[0]).lower() if isinstance(values[0], bool) else str(values[0])
            case "STARTS_WITH" | "startsWith":
                return values[0].startswith(values[1])
            case "ENDS_WITH" | "endsWith":
                return values[0].endswith(values[1])
            case "stringContains":
                return values[1] in values[0]
            case "TO_IP":
                try:
                    return str(ipaddress.ip_address(values[0]))
                except ValueError:
                    return None
            case "CIDR_MATCH" | "cidrMatch":
                try:
                    return any(ipaddress.ip_address(values[0]) in ipaddress.ip_network(n) for n in values[1:])
                except ValueError:
                    return False
            case "BUCKET":
                return values[0] // values[1] * values[1]
        raise NotImplementedError(f"the function {name}")


def run_esql(query: str, events: list[Event], now: float = 0, policies: dict[str, set[str]] | None = None) -> list[Event]:
    """What an ES|QL query returns for events that have ``@timestamp`` in seconds."""
    evaluator = Evaluator()
    rows = [{**flattened(e), "@now": now} for e in events]
    for command in split(query):
        word, _, rest = command.strip().partition(" ")
        match word:
            case "FROM":
                indexes = [i.strip() for i in rest.partition(" METADATA")[0].split(",")]
                rows = [r for r in rows if "event.dataset" not in r or any(_is_in(r["event.dataset"], i) for i in indexes)]
            case "WHERE":
                tree = _parsed("condition", rest).children[0]
                rows = [r for r in rows if evaluator.value(tree, r) is True]
            case "EVAL":
                parts = _parsed("assignments", rest).children
                for name, expression in zip(parts[::2], parts[1::2], strict=True):
                    rows = [{**r, _name(name): evaluator.value(expression, r)} for r in rows]
            case "STATS":
                rows = _stats(evaluator, _parsed("stats", rest), rows, now)
            case "MV_EXPAND":
                rows = [{**r, rest: v} for r in rows for v in (r[rest] if isinstance(r[rest], list) else [r[rest]])]
            case "RENAME":
                names = [_name(n) for n in _parsed("renames", rest).children]
                pairs = dict(zip(names[::2], names[1::2], strict=True))
                rows = [{pairs.get(k, k): v for k, v in r.items()} for r in rows]
            case "ENRICH":
                policy, field, output, _ = (_name(n) for n in _parsed("enrich", rest).children)
                listed = (policies or {})[policy]
                rows = [{**r, output: True if r.get(field) in listed else None} for r in rows]
            case _:
                raise NotImplementedError(f"the command {word}")
    return [{k: v for k, v in r.items() if v is not None and k != "@now"} for r in rows]


def _is_in(dataset: str, pattern: str) -> bool:
    """Whether events of a data set lie in an index: a data stream of that name, or with the names of the source the table's."""
    return any(fnmatch.fnmatch(name, pattern) for name in (re.sub(r"\W", "_", dataset.lower()), f"logs-{dataset}-default"))


def run_eql(query: str, events: list[Event]) -> list[Any]:
    """The events that an EQL query finds; of a sample the values of its keys, each once."""
    tree = _EQL.parse(query)
    evaluator = Evaluator()
    rows = [flattened(e) for e in events]
    if tree.data == "events":
        return [r for r in rows if evaluator.value(tree.children[0], r) is True]
    shared = [_name(n) for by in tree.children if by.data == "by" for n in by.children]  # type: ignore[union-attr]
    found: set[tuple[Any, ...]] | None = None
    for member in (m for m in tree.children if m.data == "member"):  # type: ignore[union-attr]
        condition, *own = member.children  # type: ignore[union-attr]
        names = shared + [_name(n) for by in own for n in by.children]  # type: ignore[union-attr]
        values = {tuple(r.get(n) for n in names) for r in rows if evaluator.value(condition, r) is True}
        values = {v for v in values if None not in v}
        found = values if found is None else found & values
    return sorted(found or ())


@cache
def _parsed(kind: str, text: str) -> Any:
    return _ESQL.parse(text, start=kind)


def _stats(evaluator: Evaluator, tree: Tree[Token], rows: list[Event], now: float) -> list[Event]:
    keys = [c for c in tree.children if c.data == "key"]  # type: ignore[union-attr]
    groups: dict[tuple[Any, ...], list[Event]] = {} if keys else {(): []}
    for row in rows:
        groups.setdefault(tuple(evaluator.value(k.children[-1], row) for k in keys), []).append(row)  # type: ignore[union-attr]
    names = [_name(k.children[0]) if len(k.children) == 2 else _name(k.children[0].children[0]) for k in keys]  # type: ignore[union-attr]
    found = []
    for key, members in groups.items():
        result: Event = {"@now": now, **dict(zip(names, key, strict=True))}
        for aggregate in (c for c in tree.children if c.data == "aggregate"):  # type: ignore[union-attr]
            name, function, operand, *condition = aggregate.children  # type: ignore[union-attr]
            chosen = [m for m in members if not condition or evaluator.value(condition[0], m) is True]
            values = [None if isinstance(operand, Token) else evaluator.value(operand, m) for m in chosen]
            result[_name(name)] = (
                len(chosen) if isinstance(operand, Token) else _aggregate(str(function), [v for v in values if v is not None])
            )
        found.append(result)
    return found


def _aggregate(function: str, values: list[Any]) -> Any:
    match function:
        case "COUNT":
            return len(values)
        case "COUNT_DISTINCT":
            return len(set(values))
        case "VALUES":
            distinct = sorted(set(values), key=str)
            return None if not distinct else distinct[0] if len(distinct) == 1 else distinct
        case "MIN" | "MAX":
            return (min if function == "MIN" else max)(values, default=None)
        case "SUM":
            return sum(values) if values else None
        case "AVG":
            return sum(values) / len(values) if values else None
    raise NotImplementedError(f"the aggregate {function}")
