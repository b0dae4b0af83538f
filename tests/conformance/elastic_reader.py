"""Readers of ES|QL and of EQL's conditions and samples: run what this project writes on events in memory, by Elastic's documentation.

They are no Elasticsearch, and refuse with ``NotImplementedError`` what is not written here.

Facts: ES|QL reference, "Operators" (a comparison with null is null, ``LIKE`` and ``RLIKE`` match the whole value, comparisons want the same
types), "STATS" (null is a group of its own, several values are a group each; without BY there is one row, for no events as well; a key
hides a measure of its name), "CASE" (a null condition counts as false), "Multivalued fields" (operators and functions give null for several
values but for conversions, COALESCE, CASE and those named ``MV_``; values of a keyword are sorted, each once), "LIMIT" (1,000 rows unless
it says otherwise), "Implicit casting" (a text literal beside an ip is one), "Time spans" (days and weeks are periods, seconds to hours
durations) and DateTrunc.java of Elasticsearch (7 days are a week from Monday, all other fixed spans count from 1970);
EQL reference, "EQL syntax" (``:`` and ``~`` ignore case; a comparison with null is null, as is its ``not``; ``?field`` may be missing
from the mapping; one of several values is enough for a condition); Elasticsearch reference, "Regular expression syntax" (anchored; ``.`` is
any character; ``# @ & < > ~`` and quotes are operators).
"""

from __future__ import annotations

import datetime as dt
import fnmatch
import ipaddress
import math
import operator as operators
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from lark import Lark, Token, Tree

from tests.conformance.logic import Logic

Event = dict[str, Any]

ARITHMETIC = {"+": operators.add, "-": operators.sub, "*": operators.mul, "/": operators.truediv, "%": operators.mod}


def split(text: str, separator: str = "|") -> list[str]:
    """The parts of a query between separators that stand outside of quotes."""
    parts, start, quote, skip = [], 0, "", False
    for index, char in enumerate(text):
        if skip:
            skip = False
        elif quote:
            skip = char == "\\" and quote == '"'
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == separator:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]


def flattened(event: Event, prefix: str = "") -> Event:
    """The fields of a JSON event: paths with dots, no nulls."""
    found: Event = {}
    for name, value in event.items():
        if isinstance(value, dict):
            found |= flattened(value, f"{prefix}{name}.")
        elif value is not None:
            found[prefix + name] = value
    return found


def several(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


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
    BACKQUOTED: /`([^`]|``)*`/
    %ignore /\s+/
"""

_ESQL = Lark(
    r"""
    condition: either
    assignments: name "=" either ("," name "=" either)*
    stats: aggregate ("," aggregate)* ("BY" key ("," key)*)?
         | "BY" key ("," key)*
    orders: order ("," order)*
    order: name ORDER?
    aggregate: name "=" NAME "(" (STAR | either) ("," NUMBER)? ")" ("WHERE" either)?
    key: (name "=")? sum
    renames: name "AS" name ("," name "AS" name)*
    fields: name ("," name)*
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
    ORDER: "ASC" | "DESC"
    _TRUE.2: /true\b/i
    _FALSE.2: /false\b/i
    _NULL.2: /null\b/i
    UNIT: /(second|minute|hour|day|week)s?/
    _OR: "OR"
    _AND: "AND"
    _NOT: "NOT"
    """
    + _COMMON,
    parser="lalr",
    start=["condition", "assignments", "stats", "renames", "fields", "enrich", "orders"],
)


def _text(token: str) -> str:
    if token.startswith('"""'):
        return token[3:-3]
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), token[1:-1], flags=re.DOTALL)


RESERVED = frozenset("and asc by desc false in is like not null nulls or rlike true".split())
"""Words of ES|QL that are no names of fields, nor parts of one, without back quotes (EsqlBaseLexer.g4, Expression.g4)."""


def _name(node: Any) -> str:
    token = str(node.children[0] if isinstance(node, Tree) else node)
    if token.startswith("`"):
        return token[1:-1].replace("``", "`")
    if reserved := RESERVED & {part.lower() for part in token.split(".")}:
        raise ValueError(f"{reserved} is no name unless it is quoted")
    return token


@cache
def lucene(pattern: str, caseless: bool = False) -> re.Pattern[str]:
    """A regular expression of Lucene as one of ``re`` that whole values are to match.

    Raises:
        ValueError: for operators that only Lucene has, and for what looks like Python's.
    """
    plain = re.sub(r"\\.", "x", pattern, flags=re.DOTALL)
    classless = re.sub(r"\[[^\]]*\]", "x", plain)
    if re.search(r'[#@&<>~"^$]|\(\?', classless):
        raise ValueError(f"Lucene reads an operator in {pattern}")
    return re.compile(pattern, re.DOTALL | (re.IGNORECASE if caseless else 0))


@cache
def wildcards(pattern: str, caseless: bool) -> re.Pattern[str]:
    """A pattern of ``like``, where a backslash takes its meaning from ``*`` and ``?``, as a regular expression."""
    parts = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    regex = "".join({"*": ".*", "?": "."}.get(plain, re.escape(escaped or plain)) for escaped, plain in parts)
    return re.compile(regex, re.DOTALL | (re.IGNORECASE if caseless else 0))


class Span(int):
    """A span of time in seconds. ``days`` is set where it is a period of the calendar, as one of days or weeks is."""

    days: int = 0


_TEXT_FUNCTIONS = frozenset(
    """TO_LOWER TO_UPPER STARTS_WITH ENDS_WITH CONCAT SPLIT SUBSTRING REPLACE LENGTH TRIM MV_CONCAT LOCATE
    startsWith endsWith stringContains""".split()
)
"""Functions whose arguments are texts, but for numbers as such."""

_CONVERSIONS = {
    "TO_STRING": "text", "string": "text", "TO_LONG": "number", "number": "number", "TO_IP": "ip", "TO_DOUBLE": "number",
    "TO_DATETIME": "date",
}  # fmt: skip
_RESULTS = {
    "NOW": "date", "BUCKET": "date", "DATE_EXTRACT": "number", "CIDR_MATCH": "bool", "cidrMatch": "bool", "STARTS_WITH": "bool",
    "ENDS_WITH": "bool", "startsWith": "bool", "endsWith": "bool", "stringContains": "bool", "LENGTH": "number", "MV_COUNT": "number",
    "LOCATE": "number", "MV_CONTAINS": "bool", "DATE_TRUNC": "date", "FLOOR": "number", "CEIL": "number", "ABS": "number", "SQRT": "number",
}  # fmt: skip


def _literal_ip(node: Any) -> bool:
    """Whether a text literal stands for an address, as ES|QL takes it beside a field of type ip."""
    if not isinstance(node, Tree) or node.data != "text":
        return False
    try:
        ipaddress.ip_address(_text(str(node.children[0])))
    except ValueError:
        return False
    return True


class Evaluator(Logic):
    """Conditions of ES|QL or EQL on one event; what is neither true nor false is None.

    Args:
        eql: whether they are EQL's, where one of several values is enough, and a comparison with null asks for presence.
        kinds: the types of fields (text, ip, number, date, bool); of others nothing is known before they are read.
    """

    def __init__(self, eql: bool = False, kinds: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.eql, self.kinds = eql, dict(kinds or {})

    # --- types

    def kind(self, node: Any) -> str | None:
        """The type of an expression, None where it is not known. Raises TypeError for what the server refuses before it reads an event."""
        match node:
            case Tree(data="text"):
                return "text"
            case Tree(data="number"):
                return "number"
            case Tree(data="seconds"):
                return "span"
            case Tree(data="yes" | "never"):
                return "bool"
            case Tree(data="null"):
                return None
            case Tree(data="field", children=[name]):
                return self.kinds.get(_name(name))
            case Tree(data="comparison", children=[left, _, right]):
                self.alike(left, right)
                return "bool"
            case Tree(data="among", children=[subject, *values]):
                for value in (v for v in values if isinstance(v, Tree)):
                    self.alike(subject, value)
                return "bool"
            case Tree(data="like" | "regex" | "match", children=[subject, *_]):
                self.wanted(subject, {"text"}, str(node.data))
                return "bool"
            case Tree(data="either" | "both" | "no", children=parts):
                for part in parts:
                    self.wanted(part, {"bool"}, "AND, OR and NOT")
                return "bool"
            case Tree(data="missing" | "present", children=[part]):
                self.kind(part)
                return "bool"
            case Tree(data="sum" | "product", children=parts):
                found = {self.kind(part) for part in parts[::2]}
                if found & {"text", "ip", "bool"} or ("date" in found and not found <= {"date", "span"}):
                    raise TypeError(f"arithmetic with {found}")
                return "date" if "date" in found and "span" in found else "number"
            case Tree(data="call", children=[name, *args]):
                return self.result(str(name).removesuffix("~"), args)
        raise NotImplementedError(str(node))

    def alike(self, left: Any, right: Any) -> None:
        kinds = [self.kind(left), self.kind(right)]
        if None in kinds or kinds[0] == kinds[1] or ("ip" in kinds and (_literal_ip(left) or _literal_ip(right))):
            return
        if "date" in kinds and any(isinstance(x, Tree) and x.data == "text" for x in (left, right)):
            return
        raise TypeError(f"{kinds[0]} is compared with {kinds[1]}")

    def wanted(self, node: Any, kinds: set[str], by: str) -> None:
        found = self.kind(node)
        if found is not None and found not in kinds:
            raise TypeError(f"{by} wants {kinds}, not {found}")

    def result(self, name: str, args: list[Any]) -> str | None:
        """The type of what a function gives, after its arguments' types."""
        found = [self.kind(a) for a in args]
        if name == "CASE":
            for condition in args[: len(args) // 2 * 2 : 2]:
                self.wanted(condition, {"bool"}, name)
            found = [*found[1::2], *(found[-1:] if len(args) % 2 else [])]
        if name in ("CASE", "COALESCE"):
            known = {k for k in found if k is not None}
            if len(known) > 1:
                raise TypeError(f"{name} of {known}")
            return next(iter(known), None)
        if name in _TEXT_FUNCTIONS and set(found) & {"ip", "bool", "date"}:
            raise TypeError(f"{name} wants texts, not {found}")
        if name in ("CIDR_MATCH", "cidrMatch") and found[0] not in (None, "ip"):
            raise TypeError(f"{name} wants an ip, not {found[0]}")
        if name in _CONVERSIONS:
            return _CONVERSIONS[name]
        if name in _TEXT_FUNCTIONS and name not in _RESULTS:
            if found[0] not in (None, "text"):
                raise TypeError(f"{name} wants a text, not {found[0]}")
            return "text"
        return _RESULTS.get(name, found[0] if name.startswith("MV_") and found else None)

    # --- values

    def value(self, node: Any, event: Event) -> Any:
        match node:
            case Tree(data="either" | "both" | "no"):
                return self.connected(node, event)
            case Tree(data="missing", children=[part]):
                return self.value(part, event) is None
            case Tree(data="present", children=[part]):
                return self.value(part, event) is not None
            case Tree(data="comparison", children=[left, operator, right]):
                if self.eql and Tree("null", []) in (left, right):
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
                    if total is None or operand is None or isinstance(total, list) or isinstance(operand, list):
                        return None
                    if str(operator) == "/" and isinstance(total, int) and isinstance(operand, int):  # whole numbers have no fractions
                        total = None if operand == 0 else int(total / operand)
                    else:
                        total = ARITHMETIC[str(operator)](total, operand)
                return total
            case Tree(data="seconds", children=[token, unit]):
                name = str(unit).removesuffix("s")
                span = Span(int(str(token)) * {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}[name])
                span.days = span // 86400 if name in ("day", "week") else 0
                return span
            case Tree(data="number", children=[token]):
                return float(str(token)) if "." in str(token) else int(str(token))
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

    def compared(self, operator: str, left: Any, right: Any) -> Any:
        if left is None or right is None:
            return None
        if isinstance(left, list) or isinstance(right, list):
            if not self.eql:
                return None
            if operator == "!=":
                return not any(self.compared("==", a, b) for a in several(left) for b in several(right))
            return any(self.compared(operator, a, b) for a in several(left) for b in several(right))
        if any(isinstance(left, kind) != isinstance(right, kind) for kind in (str, bool)):
            raise TypeError(f"{left!r} {operator} {right!r}")
        if operator == ":":
            if not self.eql:
                raise NotImplementedError("the operator :")
            return left.lower() == right.lower() if isinstance(left, str) else left == right
        return {
            "==": left == right, "!=": left != right, "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right,
        }[operator]  # fmt: skip

    def matched(self, word: str, subject: Any, patterns: list[str]) -> Any:
        if subject is None or (isinstance(subject, list) and not self.eql):
            return None
        if not all(isinstance(v, str) for v in several(subject)):
            raise TypeError(f"{word} wants a text, not {subject!r}")
        spelled = wildcards if word.startswith("like") else lucene
        return any(spelled(p, word.endswith("~")).fullmatch(v) for p in patterns for v in several(subject))

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
        if name == "MV_CONTAINS":  # the one of these that null does not make null
            return set(several(values[1])) <= set(several(values[0]))
        if None in values:
            return None
        if name.startswith("MV_"):
            return _of_several(name, values)
        if name == "TO_LONG" and self.kind(args[0]) == "date":
            return _values([round(v * 1000) for v in several(values[0])])
        if name in _CONVERSIONS:
            return _values([_converted(name, v) for v in several(values[0])])
        if any(isinstance(v, list) for v in values):
            if self.eql:
                raise NotImplementedError("a function of several values in EQL")
            return None
        caseless = name.endswith("~")
        plain = name.removesuffix("~")
        if plain in _TEXT_FUNCTIONS and not isinstance(values[0], str):
            raise TypeError(f"{plain} wants a text, not {values[0]!r}")
        if caseless:
            values = [v.lower() for v in values]
        match plain:
            case "TO_LOWER":
                return values[0].lower()
            case "TO_UPPER":
                return values[0].upper()
            case "TRIM":
                return values[0].strip()
            case "LOCATE":
                return values[0].find(values[1]) + 1
            case "FLOOR" | "CEIL" | "ABS":
                return {"FLOOR": math.floor, "CEIL": math.ceil, "ABS": abs}[plain](values[0])
            case "SQRT":
                return math.sqrt(values[0]) if values[0] >= 0 else None
            case "DATE_TRUNC":
                return bucket(values[1], values[0])
            case "LENGTH":
                return len(values[0])
            case "DATE_EXTRACT":
                moment = dt.datetime.fromtimestamp(values[1], dt.UTC)
                return {"hour_of_day": moment.hour, "day_of_week": moment.isoweekday()}[values[0].lower()]
            case "REPLACE":
                return re.sub(values[1], lambda found: _replacement(values[2], found), values[0])
            case "SUBSTRING":
                start = values[1] - 1 if values[1] > 0 else max(len(values[0]) + values[1], 0) if values[1] < 0 else 0
                return values[0][start : start + values[2]] if len(values) > 2 else values[0][start:]
            case "CONCAT":
                return "".join(values)
            case "SPLIT":
                if len(values[1].encode()) != 1:
                    raise TypeError("SPLIT wants a delimiter of one byte")
                return _values(values[0].split(values[1]))
            case "STARTS_WITH" | "startsWith":
                return values[0].startswith(values[1])
            case "ENDS_WITH" | "endsWith":
                return values[0].endswith(values[1])
            case "stringContains":
                return values[1] in values[0]
            case "CIDR_MATCH" | "cidrMatch":
                try:
                    return any(ipaddress.ip_address(values[0]) in ipaddress.ip_network(n, strict=False) for n in values[1:])
                except ValueError:
                    return None if plain == "CIDR_MATCH" else False
            case "BUCKET":
                return bucket(values[0], values[1])
        raise NotImplementedError(f"the function {name}")


def _replacement(text: str, found: re.Match[str]) -> str:
    """What stands for a match: ``$1`` for a group, a backslash before a character for that (java.util.regex.Matcher)."""
    return re.sub(r"\\(.)|\$(\d)", lambda m: m[1] if m[1] is not None else found[int(m[2])] or "", text, flags=re.DOTALL)


def bucket(moment: float, span: Any) -> float:
    """Where the bucket of a moment begins, in seconds: weeks on Monday, others by their number since 1970."""
    monday = 4 * 86400 if isinstance(span, Span) and span.days == 7 else 0
    return (moment - monday) // int(span) * int(span) + monday


def _converted(name: str, value: Any) -> Any:
    match name:
        case "TO_STRING" | "string":
            return str(value).lower() if isinstance(value, bool) else str(value)
        case "TO_DOUBLE":
            try:
                return float(value)
            except ValueError:
                return None
        case "TO_DATETIME":
            if not isinstance(value, str):  # milliseconds
                return value / 1000 if isinstance(value, int) else value
            try:
                return math.floor(dt.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000 + 1e-4) / 1000
            except ValueError:
                return None
        case "TO_LONG":
            try:
                return math.floor(float(value) + 0.5) if not re.fullmatch(r"-?\d+", str(value)) else int(value)
            except ValueError:
                return None
        case "number":
            try:
                return int(value)
            except ValueError:
                return None
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return None


def _values(values: list[Any]) -> Any:
    """Values as a column holds them: nulls are not among several, one is no list."""
    kept = [v for v in values if v is not None]
    return None if not kept else kept[0] if len(kept) == 1 else kept


def _of_several(name: str, values: list[Any]) -> Any:
    members = several(values[0])
    match name:
        case "MV_COUNT":
            return len(members)
        case "MV_CONCAT":
            if not all(isinstance(m, str) for m in members):
                raise TypeError(f"MV_CONCAT wants texts, not {members!r}")
            return values[1].join(members)
        case "MV_SLICE":
            start, end = values[1], values[2] if len(values) > 2 else values[1]
            start, end = (i if i >= 0 else len(members) + i for i in (start, end))
            return _values(members[max(start, 0) : end + 1]) if end >= 0 else None
        case "MV_FIRST" | "MV_LAST":
            return members[0 if name == "MV_FIRST" else -1]
        case "MV_MIN" | "MV_MAX":
            return (min if name == "MV_MIN" else max)(members)
        case "MV_DEDUPE":
            return _values(list(dict.fromkeys(members)))
        case "MV_SORT":
            return _values(sorted(members))
    raise NotImplementedError(f"the function {name}")


def stored(event: Event) -> Event:
    """An event as its index has it: objects in a list are taken apart, lists are sorted, of texts each value is kept once."""
    found: dict[str, list[Any]] = {}
    for name, value in flattened(event).items():
        if not isinstance(value, list):
            found.setdefault(name, []).append(value)
        for member in value if isinstance(value, list) else ():
            for inner, part in stored({name: member}).items() if isinstance(member, dict) else ((name, member),):
                found.setdefault(inner, []).extend(several(part))
    texts = {name for name, members in found.items() if all(isinstance(m, str) for m in members)}
    rows = {name: _values(sorted(set(v) if name in texts else v) if len(v) > 1 else v) for name, v in found.items()}
    return {name: value for name, value in rows.items() if value is not None}


def kinds_of(rows: list[Event]) -> dict[str, str]:
    """The types of fields after their values, where these are of one type; addresses after ECS, where a field ``ip`` has that type."""
    seen: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            for member in several(value):
                kind = "bool" if isinstance(member, bool) else "text" if isinstance(member, str) else "number"
                seen.setdefault(name, set()).add(kind)
    found = {name: next(iter(kinds)) for name, kinds in seen.items() if len(kinds) == 1}
    found |= {name: "ip" for name in seen if re.search(r"\.(\w+_)?ip$", name)}
    return {**found, **{name: "date" for name in ("@timestamp", "event.ingested") if name in seen}}


LIMIT = 1000
"""How many rows an answer has where no LIMIT says it."""


def run_esql(
    query: str,
    events: Iterable[Event],
    now: float = 0,
    policies: Mapping[str, set[str]] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> list[Event]:
    """What an ES|QL query returns for events that have ``@timestamp`` in seconds.

    Args:
        kinds: types of fields (text, ip, number, date, bool) beside those that ``kinds_of`` tells.

    Raises:
        TypeError: where Elasticsearch refuses the query for the types of its operands.
        NotImplementedError: for what is not written here.
    """
    rows = [stored(e) | {"@now": now} for e in events]
    evaluator = Evaluator(kinds=kinds_of(rows) | dict(kinds or {}))
    limited = False
    for command in split(query):
        word, _, rest = command.strip().partition(" ")
        match word:
            case "FROM":
                indexes = [i.strip() for i in rest.partition(" METADATA")[0].split(",")]
                rows = [r for r in rows if "event.dataset" not in r or any(_is_in(r["event.dataset"], i) for i in indexes)]
            case "WHERE":
                tree = _parsed("condition", rest).children[0]
                evaluator.wanted(tree, {"bool"}, "WHERE")
                rows = [r for r in rows if evaluator.value(tree, r) is True]
            case "EVAL":
                parts = _parsed("assignments", rest).children
                for name, expression in zip(parts[::2], parts[1::2], strict=True):
                    kind = evaluator.kind(expression)
                    rows = [{**r, _name(name): evaluator.value(expression, r)} for r in rows]
                    evaluator.kinds = _renewed(evaluator.kinds, {_name(name): kind})
            case "STATS":
                rows = _stats(evaluator, _parsed("stats", rest), rows, now)
            case "INLINE":
                rows = _inline(evaluator, _parsed("stats", rest.removeprefix("STATS ")), rows, now)
            case "SORT":
                for order in reversed(_parsed("orders", rest).children):
                    by, way = _name(order.children[0]), order.children[1:]
                    if any(r.get(by) is None or isinstance(r[by], list) for r in rows):
                        raise NotImplementedError("SORT by what is missing or has several values")
                    rows = [
                        r for _, _, r in sorted(((r[by], n, r) for n, r in enumerate(rows)), key=lambda x: x[0], reverse=way == ["DESC"])
                    ]
            case "MV_EXPAND":
                rows = [{**r, _name(rest): v} for r in rows for v in (several(r.get(_name(rest))) or [None])]
            case "RENAME":
                names = [_name(n) for n in _parsed("renames", rest).children]
                for old, new in zip(names[::2], names[1::2], strict=True):
                    rows = [{**{k: v for k, v in r.items() if k not in (old, new)}, new: r.get(old)} for r in rows]
                    evaluator.kinds = _renewed(evaluator.kinds, {new: evaluator.kinds.get(old), old: None})
            case "KEEP":
                kept = {_name(n) for n in _parsed("fields", rest).children} | {"@now"}
                rows = [{k: v for k, v in r.items() if k in kept} for r in rows]
            case "DROP":
                dropped = {_name(n) for n in _parsed("fields", rest).children}
                rows = [{k: v for k, v in r.items() if k not in dropped} for r in rows]
            case "LIMIT":
                rows, limited = rows[: int(rest)], True
            case "ENRICH":
                policy, field, output, _ = (_name(n) for n in _parsed("enrich", rest).children)
                if evaluator.kinds.get(field) not in (None, "text"):
                    raise TypeError(f"ENRICH ON {evaluator.kinds[field]}")
                listed = (policies or {})[policy]
                rows = [{**r, output: True if any(v in listed for v in several(r.get(field))) else None} for r in rows]
            case _:
                raise NotImplementedError(f"the command {word}")
    return [{k: v for k, v in r.items() if v is not None and k != "@now"} for r in (rows if limited else rows[:LIMIT])]


def _renewed(kinds: Mapping[str, str], changed: Mapping[str, str | None]) -> dict[str, str]:
    return {k: v for k, v in ({**kinds, **changed}).items() if v is not None}


def _is_in(dataset: str, pattern: str) -> bool:
    """Whether events of a data set lie in an index: a data stream of that name, or with the names of the source the table's."""
    return any(fnmatch.fnmatch(name, pattern) for name in (re.sub(r"\W", "_", dataset.lower()), f"logs-{dataset}-default"))


@cache
def _parsed(kind: str, text: str) -> Any:
    return _ESQL.parse(text, start=kind)


def _stats(evaluator: Evaluator, tree: Tree[Token], rows: list[Event], now: float) -> list[Event]:
    keys: list[Any] = [c for c in tree.children if isinstance(c, Tree) and c.data == "key"]
    aggregates: list[Any] = [c for c in tree.children if isinstance(c, Tree) and c.data == "aggregate"]
    kinds: dict[str, str | None] = {}
    for aggregate in aggregates:
        name, function, operand, *rest = aggregate.children
        kind = None if isinstance(operand, Token) else evaluator.kind(operand)
        if function in ("SUM", "AVG", "PERCENTILE") and kind not in (None, "number"):
            raise TypeError(f"{function} wants numbers, not {kind}")
        for condition in (c for c in rest if isinstance(c, Tree)):
            evaluator.wanted(condition, {"bool"}, "WHERE")
        kinds[_name(name)] = kind if function in ("VALUES", "MIN", "MAX") else "number"
    names = [_name(k.children[0]) if len(k.children) == 2 else _name(k.children[0].children[0]) for k in keys]
    kinds |= {name: evaluator.kind(k.children[-1]) for name, k in zip(names, keys, strict=True)}
    groups: dict[tuple[Any, ...], list[Event]] = {} if keys else {(): []}
    for row in rows:
        belongs: list[tuple[Any, ...]] = [()]
        for key in keys:
            belongs = [(*b, v) for b in belongs for v in (several(evaluator.value(key.children[-1], row)) or [None])]
        for group in dict.fromkeys(belongs):
            groups.setdefault(group, []).append(row)
    found = []
    for group, members in groups.items():
        result: Event = {"@now": now}
        for aggregate in aggregates:
            name, function, operand, *rest = aggregate.children
            conditions = [c for c in rest if isinstance(c, Tree)]
            chosen = [m for m in members if all(evaluator.value(c, m) is True for c in conditions)]
            if isinstance(operand, Token):
                result[_name(name)] = len(chosen)
                continue
            values = [v for m in chosen for v in several(evaluator.value(operand, m))]
            result[_name(name)] = _aggregate(str(function), values)
        found.append({**result, **dict(zip(names, group, strict=True))})
    evaluator.kinds = _renewed({}, kinds)
    return found


def _inline(evaluator: Evaluator, tree: Tree[Token], rows: list[Event], now: float) -> list[Event]:
    """What STATS finds, on each row that it was found of."""
    keys = [_name(k.children[0].children[0]) for k in tree.children if isinstance(k, Tree) and k.data == "key"]
    kinds = dict(evaluator.kinds)
    if any(isinstance(r.get(k), list) for r in rows for k in keys):
        raise NotImplementedError("INLINE STATS by several values")
    found = {tuple(r.get(k) for k in keys): r for r in _stats(evaluator, tree, rows, now)}
    evaluator.kinds = _renewed(kinds, {k: v for k, v in evaluator.kinds.items() if k not in keys})
    return [{**r, **found[tuple(r.get(k) for k in keys)]} for r in rows]


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
