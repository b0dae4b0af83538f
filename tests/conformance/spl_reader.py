"""A reader of SPL: runs the searches that this project writes on events in memory, by Splunk's documentation.

It is no Splunk, and knows the commands and functions that are written here; others raise ``NotImplementedError``. Where the documentation
leaves open what a null is under NOT, AND and OR, the caller says which: a search that is right must be right with both.

Facts: Search Manual, "Boolean expressions" (in ``search``, OR binds tighter than AND, and in eval expressions AND tighter than OR); Search
Reference, "search" (text without case, ``*`` as wildcard, ``!=`` wants the field, NOT does not), "where" (keeps what is true), "stats"
(events without a by-field are left out), "streamstats", "Comparison and conditional functions", "Multivalue eval functions".
"""

from __future__ import annotations

import fnmatch
import ipaddress
import json
import math
import operator as operators
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from lark import Lark, Token, Tree

from tests.conformance.logic import Logic

Event = dict[str, Any]

_TERMINALS = r"""
    STRING: /"(\\.|[^"\\])*"/s
    QUOTED: /'[^']*'/
    NUMBER: /-?\d+(\.\d+)?(?![\w.])/
    NAME: /[A-Za-z_@][\w.@{}]*/
    %ignore /\s+/
"""

_SEARCH = Lark(
    r"""
    start: (either ("AND"? either)*)?
    either: negated ("OR" negated)*
    negated: "NOT" negated -> no
           | "(" start ")"
           | "*" -> everything
           | field OPERATOR value -> compared
    field: NAME | STRING
    value: STRING | NUMBER | WORD
    OPERATOR: "!=" | "<=" | ">=" | "=" | "<" | ">"
    WORD: /[^\s"()=<>!|]+/
    """
    + _TERMINALS,
    parser="earley",
    lexer="dynamic",
)

_EVAL = Lark(
    r"""
    start: either
    assignments: (NAME | STRING) "=" either ("," (NAME | STRING) "=" either)*
    ?either: both ("OR" both)*
    ?both: negated ("AND" negated)*
    ?negated: "NOT" negated -> no
            | comparison
    ?comparison: sum (OPERATOR sum)?
    ?sum: product (ADD product)*
    ?product: text (MULTIPLY text)*
    ?text: atom (DOT atom)+ -> concatenation
         | atom
    ?atom: NUMBER -> number
         | STRING -> string
         | QUOTED -> quoted
         | NAME "(" (either ("," either)*)? ")" -> call
         | NAME -> field
         | "(" either ")"
    OPERATOR: "==" | "!=" | "<=" | ">=" | "=" | "<" | ">"
    ADD: "+" | "-"
    MULTIPLY: "*" | "/" | "%"
    DOT: "."
    """
    + _TERMINALS,
    parser="lalr",
    start=["start", "assignments"],
)

_STATS = Lark(
    r"""
    start: option* term+ by?
    option: NAME "=" (NAME | SPAN)
    term: NAME ["(" (NAME | QUOTED) ")"] "as" (NAME | STRING)
    by: "by" (NAME | STRING | QUOTED)+
    SPAN: /\d+[smhd]/
    """
    + _TERMINALS,
    parser="lalr",
)


def unquoted(text: str) -> str:
    """The value of a literal in double quotes."""
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), text[1:-1], flags=re.DOTALL)


def split(text: str, separator: str = "|") -> list[str]:
    """The parts of a search between separators that stand outside of quotes."""
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


def extracted(event: Event) -> Event:
    """The fields that Splunk has of a JSON event: booleans are text (Search Reference, "spath"; props.conf, KV_MODE)."""
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in flattened(event).items()}


def numeric(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else None
    except TypeError:
        return None


def text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def several(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


ARITHMETIC = {"+": operators.add, "-": operators.sub, "*": operators.mul, "/": operators.truediv, "%": operators.mod}

_COMPARE = {
    "==": lambda a, b: a == b, "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


class Reader(Logic):
    """Runs searches.

    Args:
        nulls_are_false: whether NOT makes a null true, and AND and OR take it for false; else they take it for unknown.
        now: the time that the search is run at, in seconds.
        lookups: the values that each lookup holds in its column ``value``; with ``*`` around them they are searched for in the text,
            as in a lookup with WILDCARD(value) and no case (transforms.conf, match_type, case_sensitive_match).
    """

    def __init__(self, nulls_are_false: bool, lookups: dict[str, Iterable[str]] | None = None, now: float = 0) -> None:
        super().__init__(nulls_are_false)
        self.now = now
        self.lookups = {name: set(values) for name, values in (lookups or {}).items()}

    def run(self, search: str, events: list[Event]) -> list[Event]:
        """What the search returns for events that have ``_time`` in seconds; the newest come first, as in Splunk."""
        base, *commands = split(search)
        found = [extracted(e) for e in sorted(events, key=lambda e: -e.get("_time", 0))]
        tree = _parsed("search", base)
        found = [e for e in found if self.searched(tree, e)]
        for command in commands:
            name, _, rest = command.partition(" ")
            found = getattr(self, f"command_{name}", self.unknown(name))(rest.strip(), found)
        return found

    @staticmethod
    def unknown(name: str) -> Any:
        def refuse(rest: str, events: list[Event]) -> list[Event]:
            raise NotImplementedError(f"the command {name}")

        return refuse

    # --- search

    def searched(self, tree: Tree[Token], event: Event) -> bool:
        match tree.data:
            case "start":
                return all(self.searched(c, event) for c in tree.children if isinstance(c, Tree))
            case "either":
                return any(self.searched(c, event) for c in tree.children if isinstance(c, Tree))
            case "negated":
                return self.searched(tree.children[0], event)  # type: ignore[arg-type]
            case "everything":
                return True
            case "no":
                return not self.searched(tree.children[0], event)  # type: ignore[arg-type]
        field, operator, operand = tree.children
        name, wanted = (unquoted(t) if t.startswith('"') else str(t) for t in (field.children[0], operand.children[0]))  # type: ignore[union-attr]
        values = several(event.get(name))
        if operator == "!=":
            return bool(values) and not any(_matches(wanted, v) for v in values)
        if operator == "=":
            return any(_matches(wanted, v) for v in values)
        pairs = [(numeric(v), numeric(wanted)) for v in values]
        return any(a is not None and b is not None and _COMPARE[str(operator)](a, b) for a, b in pairs)

    # --- commands

    def command_where(self, rest: str, events: list[Event]) -> list[Event]:
        tree = _parsed("start", rest)
        return [e for e in events if self.value(tree.children[0], e) is True]

    def command_eval(self, rest: str, events: list[Event]) -> list[Event]:
        tree = _parsed("assignments", rest)
        found = []
        for event in events:
            event = dict(event)
            for name, expression in zip(tree.children[::2], tree.children[1::2], strict=True):
                event[str(name).strip('"')] = self.value(expression, event)
            found.append({k: v for k, v in event.items() if v is not None})
        return found

    def command_stats(self, rest: str, events: list[Event]) -> list[Event]:
        _, terms, by = _stats(rest)
        groups: dict[tuple[Any, ...], list[Event]] = {} if by else {(): []}
        for event in events:
            for key in _keys(event, by):
                groups.setdefault(key, []).append(event)
        rows = []
        for key, members in groups.items():
            row = dict(zip(by, key, strict=True)) | {name: _aggregate(function, f, members) for function, f, name in terms}
            rows.append({k: v for k, v in row.items() if v is not None})
        return rows

    def command_eventstats(self, rest: str, events: list[Event]) -> list[Event]:
        """What stats finds, on each event that it was found of (Search Reference, eventstats)."""
        _, terms, by = _stats(rest)
        rows = []
        for event in events:
            (key,) = _keys(event, by) or [None]
            members = [e for e in events if not by or _keys(e, by) == [key]]
            found = {name: _aggregate(function, f, members) for function, f, name in terms} if not by or key is not None else {}
            rows.append(event | {k: v for k, v in found.items() if v is not None})
        return rows

    def command_streamstats(self, rest: str, events: list[Event]) -> list[Event]:
        options, terms, by = _stats(rest)
        window = (
            float(options.get("time_window", "0s")[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[options.get("time_window", "0s")[-1]]
        )
        current = options.get("current", "true") not in ("false", "f", "0")
        earlier: dict[tuple[Any, ...], list[Event]] = {}
        rows = []
        for event in events:
            row = dict(event)
            keys = _keys(event, by)
            if len(keys) > 1:
                raise NotImplementedError("streamstats by a multivalue field")
            for key in keys:
                seen = earlier.setdefault(key, [])
                members = [*seen, event] if current else list(seen)
                if window:
                    members = [m for m in members if event["_time"] - m["_time"] <= window]
                for function, field, name in terms:
                    row[name] = _aggregate(function, field, members)
                seen.append(event)
            rows.append({k: v for k, v in row.items() if v is not None})
        return rows

    def command_bin(self, rest: str, events: list[Event]) -> list[Event]:
        field, span = rest.split()
        seconds = int(span.removeprefix("span=").removesuffix("s"))
        return [e | {field: math.floor(e[field] / seconds) * seconds} for e in events]

    def command_sort(self, rest: str, events: list[Event]) -> list[Event]:
        count, *fields = rest.replace(",", " ").split()
        if count != "0":
            raise NotImplementedError("sort with a limit")
        return sorted(events, key=lambda e: [(e.get(f) is None, e.get(f) or 0) for f in fields])

    def command_mvexpand(self, rest: str, events: list[Event]) -> list[Event]:
        return [e | {rest: v} for e in events for v in (several(e.get(rest)) or [None])]

    def command_rename(self, rest: str, events: list[Event]) -> list[Event]:
        pairs = dict(re.findall(r'(\S+) as "?([^",]+)"?', rest))
        return [{pairs.get(k, k): v for k, v in e.items()} for e in events]

    def command_lookup(self, rest: str, events: list[Event]) -> list[Event]:
        found = re.fullmatch(r'(\w+) value as ("[^"]+"|\S+) OUTPUT value as (\w+)', rest)
        if found is None:
            raise NotImplementedError(f"lookup {rest}")
        name, field, output = found[1], found[2].strip('"'), found[3]
        listed = self.lookups[name]
        wild = [value.lower() for value in listed if "*" in value]

        def holds(value: str) -> bool:
            return value in listed or any(_matches(pattern, value) for pattern in wild)

        return [e | {output: text(e[field])} if field in e and holds(text(e[field])) else e for e in events]

    # --- expressions

    def value(self, node: Any, event: Event) -> Any:
        match node:
            case Tree(data="either" | "both" | "no"):
                return self.connected(node, event)
            case Tree(data="comparison", children=[left, operator, right]):
                return _compared(str(operator), self.value(left, event), self.value(right, event))
            case Tree(data="sum" | "product", children=[first, *rest]):
                total = numeric(self.value(first, event))
                for operator, part in zip(rest[::2], rest[1::2], strict=True):
                    operand = numeric(self.value(part, event))
                    if total is None or operand is None:
                        return None
                    total = ARITHMETIC[str(operator)](total, operand)
                return total
            case Tree(data="concatenation", children=[*parts]):
                texts = [self.value(p, event) for p in parts[::2]]
                return None if None in texts else "".join(map(text, texts))
            case Tree(data="number", children=[token]):
                return float(token)
            case Tree(data="string", children=[token]):
                return unquoted(str(token))
            case Tree(data="quoted", children=[token]):
                return event.get(str(token)[1:-1])
            case Tree(data="field", children=[token]):
                return event.get(str(token))
            case Tree(data="call", children=[name, *args]):
                return self.call(str(name), args, event)
        raise NotImplementedError(str(node))

    def call(self, name: str, args: list[Any], event: Event) -> Any:
        match name:
            case "if":
                return self.value(args[1] if self.value(args[0], event) is True else args[2], event)
            case "case":
                pairs = zip(args[::2], args[1::2], strict=True)
                return next((self.value(v, event) for condition, v in pairs if self.value(condition, event) is True), None)
            case "mvfilter":
                fields = {str(t) for t in _fields(args[0])}
                if len(fields) != 1:
                    raise NotImplementedError("mvfilter over several fields")
                (field,) = fields
                kept = [v for v in several(event.get(field)) if self.value(args[0], event | {field: v}) is True]
                return None if not kept else kept[0] if len(kept) == 1 else kept
        values = [self.value(a, event) for a in args]
        match name:
            case "null":
                return None
            case "now":
                return self.now
            case "true" | "false":
                return name == "true"
            case "isnull":
                return values[0] is None
            case "isnotnull":
                return values[0] is not None
            case "coalesce":
                return next((v for v in values if v is not None), None)
            case "mvappend":
                members = [m for v in values for m in several(v)]
                return None if not members else members[0] if len(members) == 1 else members
        if values[0] is None:
            return None
        match name:
            case "match":
                pattern = _pattern(values[1])
                return any(pattern.search(text(v)) for v in several(values[0]))
            case "in":
                return any(_compared("==", values[0], v) is True for v in values[1:])
            case "lower" | "upper":
                return getattr(text(values[0]), name)()
            case "tonumber":
                return numeric(values[0])
            case "substr":
                start = int(values[1]) - 1
                return text(values[0])[start : start + int(values[2])]
            case "split":
                return text(values[0]).split(values[1])
            case "mvindex":
                members, index = several(values[0]), int(values[1])
                return members[index] if -len(members) <= index < len(members) else None
            case "replace":
                return re.sub(values[1], values[2], text(values[0]))
            case "tostring":
                return text(values[0])
            case "json_extract":
                return _extracted(values[0], values[1])
            case "len":
                return float(len(text(values[0])))
            case "floor":
                return float(math.floor(values[0]))
            case "cidrmatch":
                try:
                    return (
                        None
                        if values[1] is None
                        else ipaddress.ip_address(text(values[1])) in ipaddress.ip_network(values[0], strict=False)
                    )
                except ValueError:
                    return False
        raise NotImplementedError(f"the function {name}")


def _extracted(raw: Any, path: str) -> Any:
    """A value at a path of a JSON text: names between dots, ``{0}`` for an element (Search Reference, "JSON functions")."""
    found: Any = json.loads(raw) if isinstance(raw, str) else raw
    for step in re.findall(r"\{(\d+)\}|([^.{}]+)", path):
        try:
            found = found[int(step[0])] if step[0] else found[step[1]]
        except (LookupError, TypeError):
            return None
    return str(found).lower() if isinstance(found, bool) else found


@cache
def _parsed(kind: str, text: str) -> Any:
    if kind == "search":
        return _SEARCH.parse(text)
    return _EVAL.parse(text, start=kind)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _fields(node: Any) -> Iterable[Token]:
    if isinstance(node, Tree):
        if node.data == "field":
            yield node.children[0]  # type: ignore[misc]
        elif node.data == "quoted":
            yield Token("NAME", str(node.children[0])[1:-1])
        else:
            for child in node.children:
                yield from _fields(child)


def _matches(wanted: str, value: Any) -> bool:
    """Whether a value is what ``search`` looks for: a number, or text without case where ``*`` stands for anything."""
    if numeric(wanted) is not None and numeric(value) is not None:
        return numeric(wanted) == numeric(value)
    literal = wanted.replace("[", "[[]").replace("?", "[?]")
    return fnmatch.fnmatchcase(text(value).lower(), literal.lower())


def _compared(operator: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if isinstance(left, list) or isinstance(right, list):
        found = [_compared(operator, a, b) for a in several(left) for b in several(right)]
        return True in found
    if isinstance(left, float | int) or isinstance(right, float | int):
        a, b = numeric(left), numeric(right)
        if a is not None and b is not None:
            return _COMPARE[operator](a, b)
    return _COMPARE[operator](text(left), text(right))


@cache
def _stats(rest: str) -> tuple[dict[str, str], list[tuple[str, str, str]], list[str]]:
    """Options; functions with their field and the name of their result; and the fields after ``by``."""
    options: dict[str, str] = {}
    terms: list[tuple[str, str, str]] = []
    by: list[str] = []
    for part in _STATS.parse(rest).children:
        assert isinstance(part, Tree)
        words = [str(t).strip("'\"") if t is not None else "" for t in part.children]
        match part.data:
            case "option":
                options[words[0]] = words[1]
            case "term":
                terms.append((words[0], words[1], words[2]))
            case "by":
                by = words
    return options, terms, by


def _keys(event: Event, by: list[str]) -> list[tuple[Any, ...]]:
    """The groups that an event belongs to: none without a by-field, several where one has several values."""
    keys: list[tuple[Any, ...]] = [()]
    for field in by:
        keys = [(*key, value) for key in keys for value in several(event.get(field))]
    return keys


def _aggregate(function: str, field: str, events: list[Event]) -> Any:
    if function == "count" and not field:
        return float(len(events))
    values = [v for e in events for v in several(e.get(field))]
    numbers = [n for v in values if (n := numeric(v)) is not None]
    match function:
        case "count":
            return float(len(values))
        case "dc":
            return float(len({text(v) for v in values}))
        case "values":
            found = sorted({text(v) for v in values})
            return None if not found else found[0] if len(found) == 1 else found
        case "min" | "max":
            chosen = min if function == "min" else max
            return None if not values else chosen(numbers) if len(numbers) == len(values) else chosen(map(text, values))
        case "sum":
            return sum(numbers) if numbers else None
        case "avg":
            return sum(numbers) / len(numbers) if numbers else None
    raise NotImplementedError(f"the aggregate {function}")
