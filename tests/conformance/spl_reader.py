"""A reader of SPL: runs the searches that this project writes on events in memory, by Splunk's documentation.

It is no Splunk, and knows the commands and functions that are written here; others raise ``NotImplementedError``. Where the documentation
leaves open what a null is under NOT, AND and OR, the caller says which: a search that is right must be right with both.

Facts: Search Manual, "Boolean expressions" (in ``search``, OR binds tighter than AND, and in eval expressions AND tighter than OR); Search
Reference, "search" (text without case, ``*`` as wildcard, addresses by the range of a value in CIDR notation, ``=`` compares texts and
other operators numbers where both sides are, ``!=`` wants the field, NOT does not), "where" (keeps what is true), "eval" (a period joins
texts, a name with one is quoted; what is divided by 0 is null), "stats" (events without a by-field are left out, one of several values is
in a group for each), "streamstats" (10,000 events at most: limits.conf, max_stream_window), "sort" (missing values are last; 10,000
results unless it says otherwise), "bin" (spans count from the epoch), "dedup" (events without the field are left out), "Comparison and
conditional functions", "Multivalue eval functions".
"""

from __future__ import annotations

import collections
import datetime as dt
import fnmatch
import ipaddress
import json
import math
import operator as operators
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from lark import Lark, Token, Tree

from tests.conformance.logic import Logic

Event = dict[str, Any]

_TERMINALS = r"""
    STRING: /"(\\.|[^"\\])*"/s
    QUOTED: /'[^']*'/
    NUMBER: /-?\d+(\.\d+)?(?![\w.])/
    DOTTED: /[A-Za-z_@][\w.@{}]*/
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
           | field OPERATOR "CASE" "(" value ")" -> cased
           | field "IN" "(" value ("," value)* ")" -> among
           | PHRASE -> phrase
           | BARE -> phrase
    field: DOTTED | STRING
    value: STRING | NUMBER | WORD
    OPERATOR: "!=" | "<=" | ">=" | "=" | "<" | ">"
    WORD: /(?!CASE\()[^\s"()=<>!|,]+/
    BARE: /(?!(AND|OR|NOT|IN)\b)[^\s"()=<>!|,*]+(?![^\s"()=<>!|,]|\s*[=<>!(]|\s+IN\b)/
    PHRASE: /"(\\.|[^"\\])*"(?!\s*[=<>!]|\s+IN\b)/
    """
    + _TERMINALS,
    parser="earley",
    lexer="dynamic",
)

_EVAL = Lark(
    r"""
    start: either
    assignments: (DOTTED | STRING) "=" either ("," (DOTTED | STRING) "=" either)*
    ?either: both ("OR" both)*
    ?both: negated ("AND" negated)*
    ?negated: "NOT" negated -> no
            | comparison
    ?comparison: sum (OPERATOR sum)?
               | sum "in" "(" either ("," either)* ")" -> among
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
    NAME: /[A-Za-z_@][\w@]*/
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
    start: option* term+ (by option*)?
    option: OPTION
    term: DOTTED ["(" (DOTTED | QUOTED) ")"] ["as" (DOTTED | STRING)]
    by: "by" ((DOTTED | STRING | QUOTED) ","?)+
    OPTION.2: /[a-z_]+=\w+/
    """
    + _TERMINALS,
    parser="lalr",
)


def unquoted(text: str, escapes: str = 'nrt"\\\\') -> str:
    """The value of a literal in double quotes: a backslash stays before what is not among ``escapes``."""
    return re.sub(rf"\\([{escapes}])", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), text[1:-1])


def worded(token: str) -> str:
    """The value of a literal of ``search``, where a backslash is one but before itself and a quotation mark."""
    return unquoted(token, '"\\\\') if token.startswith('"') else token


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
        return float(value) if re.fullmatch(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value) else None
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
        texts_are_numbers: whether eval expressions compare two texts as numbers where both look like numbers.
    """

    def __init__(
        self,
        nulls_are_false: bool,
        lookups: dict[str, Iterable[str]] | None = None,
        now: float = 0,
        texts_are_numbers: bool = False,
    ) -> None:
        super().__init__(nulls_are_false)
        self.texts_are_numbers = texts_are_numbers
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
            name = {"bucket": "bin"}.get(name, name)
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
            case "phrase":
                if "_raw" not in event:
                    raise NotImplementedError("a search of the text of events that have none here")
                sought = re.escape(worded(str(tree.children[0])).lower())
                return re.search(rf"(?<!\w){sought}(?!\w)", event["_raw"].lower()) is not None
        field, *others = tree.children
        values = several(event.get(worded(str(field.children[0]))))  # type: ignore[union-attr]
        if tree.data == "among":
            return any(_matches(worded(str(o.children[0])), v) for o in others for v in values)  # type: ignore[union-attr]
        operator, operand = others
        wanted = worded(str(operand.children[0]))  # type: ignore[union-attr]
        if operator == "!=":
            return bool(values) and not any(_matches(wanted, v, tree.data == "cased") for v in values)
        if operator == "=":
            return any(_matches(wanted, v, tree.data == "cased") for v in values)
        return any(_compared(str(operator), v, wanted, True) for v in values)

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
        options, terms, by = _stats(rest)
        _know(options, {"dedup_splitvals"}, "stats")
        once = options.get("dedup_splitvals", "false") in ("true", "t", "1")
        groups: dict[tuple[str, ...], list[Event]] = {} if by else {(): []}
        named: dict[tuple[str, ...], tuple[Any, ...]] = {(): ()}
        for event in events:
            keys = _keys(event, by)
            spelled = [tuple(map(text, key)) for key in keys]
            for key, group in dict(zip(keys, spelled, strict=True)).items() if once else zip(keys, spelled, strict=True):
                named.setdefault(group, key)
                groups.setdefault(group, []).append(event)
        rows = []
        for group, members in groups.items():
            row = dict(zip(by, named[group], strict=True)) | {name: _aggregate(function, f, members) for function, f, name in terms}
            rows.append({k: v for k, v in row.items() if v is not None})
        return rows

    def command_eventstats(self, rest: str, events: list[Event]) -> list[Event]:
        """What stats finds, on each event that it was found of (Search Reference, eventstats)."""
        options, terms, by = _stats(rest)
        _know(options, set(), "eventstats")
        groups: dict[tuple[Any, ...], list[Event]] = {}
        for event in events:
            keys = _keys(event, by)
            if len(keys) > 1:
                raise NotImplementedError("eventstats by a multivalue field")
            for key in keys:
                groups.setdefault(tuple(map(text, key)), []).append(event)
        results = {
            group: {name: v for function, f, name in terms if (v := _aggregate(function, f, members)) is not None}
            for group, members in groups.items()
        }
        return [event | next((results[tuple(map(text, key))] for key in _keys(event, by)), {}) for event in events]

    def command_streamstats(self, rest: str, events: list[Event]) -> list[Event]:
        options, terms, by = _stats(rest)
        _know(options, {"time_window", "window", "global", "current", "reset_on_change"}, "streamstats")
        size = int(options.get("window", "0"))
        if size and by and options.get("global", "true") not in ("false", "f", "0"):
            raise NotImplementedError("a window of streamstats over the events of all groups")
        window = seconds_of(options["time_window"]) if "time_window" in options else None
        current = options.get("current", "true") not in ("false", "f", "0")
        resets = options.get("reset_on_change", "false") in ("true", "t", "1")
        earlier: dict[tuple[str, ...], list[Event]] = {}
        last: tuple[str, ...] | None = None
        rows = []
        for event in events:
            row = dict(event)
            keys = _keys(event, by)
            if len(keys) > 1:
                raise NotImplementedError("streamstats by a multivalue field")
            for key in (tuple(map(text, k)) for k in keys):
                if resets and key != last:
                    earlier[key] = []
                last = key
                seen = earlier.setdefault(key, [])
                members = [*seen, event] if current else list(seen)
                if window is not None:
                    members = [m for m in members if abs(event["_time"] - m["_time"]) <= window]
                members = members[-size:] if size else members
                if len(members) > 10_000:
                    raise NotImplementedError("more than 10,000 events of streamstats (limits.conf, max_stream_window)")
                for function, field, name in terms:
                    row[name] = _aggregate(function, field, members)
                seen.append(event)
            rows.append({k: v for k, v in row.items() if v is not None})
        return rows

    def command_bin(self, rest: str, events: list[Event]) -> list[Event]:
        found = re.fullmatch(r"(\S+) span=(\d+)([smhd]?)(?: as (\S+))?", rest, re.IGNORECASE)
        if found is None:
            raise NotImplementedError(f"bin {rest}")
        field, number, unit, name = found[1], int(found[2]), found[3], found[4] or found[1]
        if unit == "d" and number != 1:
            raise NotImplementedError("where bins of several days begin")
        span = number * UNITS[unit or "s"]
        return [e | {name: math.floor(e[field] / span) * span} if field in e else e for e in events]

    def command_sort(self, rest: str, events: list[Event]) -> list[Event]:
        words = rest.replace(",", " ").split()
        count = int(words.pop(0)) if words[0].isdigit() else 10_000
        if any(not re.fullmatch(r"[+-]?[\w.]+", word) for word in words):
            raise NotImplementedError(f"sort {rest}")
        for word in reversed(words):
            name = word.lstrip("+-")
            there = [e for e in events if name in e]
            there.sort(key=_by(name), reverse=word.startswith("-"))
            events = [*there, *(e for e in events if name not in e)]
        return events[: count or None]

    def command_head(self, rest: str, events: list[Event]) -> list[Event]:
        return events[: int(rest or 10)]

    def command_dedup(self, rest: str, events: list[Event]) -> list[Event]:
        rest, _, order = rest.partition(" sortby ")
        words = rest.split()
        options = dict(w.split("=", 1) for w in words if "=" in w)
        fields = [w.strip("\"'") for w in words if "=" not in w]
        _know(options, {"keepempty"}, "dedup")
        if not fields or fields[0].isdigit():
            raise NotImplementedError(f"dedup {rest}")
        if order:
            events = self.command_sort(f"0 {order}", events)
        seen, kept = set(), []
        for event in events:
            key = tuple(tuple(map(text, several(event.get(f)))) for f in fields)
            if () in key:
                kept += [event] if options.get("keepempty", "false") in ("true", "t") else []
            elif key not in seen:
                seen.add(key)
                kept.append(event)
        return kept

    def command_fillnull(self, rest: str, events: list[Event]) -> list[Event]:
        found = re.fullmatch(r'(?:value=("(?:\\.|[^"\\])*"|\S+) )?([\w.]+(?:[ ,]+[\w.]+)*)', rest)
        if found is None:
            raise NotImplementedError(f"fillnull {rest}")
        value = worded(found[1] or "0")
        return [dict.fromkeys(re.split(r"[ ,]+", found[2]), value) | e for e in events]

    def command_rex(self, rest: str, events: list[Event]) -> list[Event]:
        found = re.fullmatch(r'field=(\S+) (?:max_match=(\d+) )?("(?:\\.|[^"\\])*")', rest)
        if found is None:
            raise NotImplementedError(f"rex {rest}")
        pattern, limit = _pattern(unquoted(found[3]).replace("(?<", "(?P<")), int(found[2] or 1)
        rows = []
        for event in events:
            matches = [m for v in several(event.get(found[1])) for m in pattern.finditer(text(v))][: limit or None]
            new = {name: [m[name] for m in matches if m[name]] for name in pattern.groupindex}
            rows.append(event | {k: v[0] if len(v) == 1 else v for k, v in new.items() if v})
        return rows

    def command_regex(self, rest: str, events: list[Event]) -> list[Event]:
        found = re.fullmatch(r'(\S+?)(!?=)("(?:\\.|[^"\\])*")', rest)
        if found is None:
            raise NotImplementedError(f"regex {rest}")
        pattern = _pattern(unquoted(found[3]))
        if any(found[1] not in e for e in events):
            raise NotImplementedError("regex of a field that is missing")
        return [e for e in events if any(pattern.search(text(v)) for v in several(e[found[1]])) == (found[2] == "=")]

    def command_mvexpand(self, rest: str, events: list[Event]) -> list[Event]:
        field, _, limit = rest.partition(" limit=")
        if " " in field and not field.startswith('"'):
            raise NotImplementedError(f"mvexpand {rest}")
        field = field.strip('"')
        kept = int(limit or 0) or None
        return [row for e in events for row in ([e | {field: v} for v in several(e[field])[:kept]] if field in e else [e])]

    def command_rename(self, rest: str, events: list[Event]) -> list[Event]:
        name = r'(?:"([^"]+)"|([^\s,"]+))'
        found = re.findall(rf"{name} as {name}", rest)
        if re.sub(rf"{name} as {name}|[\s,]", "", rest) or "*" in rest:
            raise NotImplementedError(f"rename {rest}")
        pairs = {a or b: c or d for a, b, c, d in found}
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
                return self.compared(str(operator), self.value(left, event), self.value(right, event))
            case Tree(data="among", children=[subject, *values]):
                return self.among(self.value(subject, event), [self.value(v, event) for v in values])
            case Tree(data="sum" | "product", children=[first, *rest]):
                total = self.value(first, event)
                for operator, part in zip(rest[::2], rest[1::2], strict=True):
                    total = _computed(str(operator), total, self.value(part, event))
                return total
            case Tree(data="concatenation", children=[*parts]):
                texts = [self.value(p, event) for p in parts[::2]]
                if any(isinstance(t, list) for t in texts):
                    raise NotImplementedError("a multivalue field that is concatenated")
                return None if None in texts else "".join(map(text, texts))
            case Tree(data="number", children=[token]):
                return float(str(token))
            case Tree(data="string", children=[token]):
                return unquoted(str(token))
            case Tree(data="quoted", children=[token]):
                return event.get(str(token)[1:-1])
            case Tree(data="field", children=[token]):
                return event.get(str(token))
            case Tree(data="call", children=[name, *args]):
                return self.call(str(name), args, event)
        raise NotImplementedError(str(node))

    def compared(self, operator: str, left: Any, right: Any) -> Any:
        return _compared(operator, left, right, self.texts_are_numbers)

    def among(self, subject: Any, values: list[Any]) -> Any:
        return None if subject is None else any(self.compared("==", subject, v) is True for v in values)

    def call(self, name: str, args: list[Any], event: Event) -> Any:
        match name:
            case "if":
                return self.value(args[1] if self.value(args[0], event) is True else args[2], event)
            case "case" | "validate":
                wanted = name == "case"
                pairs = zip(args[::2], args[1::2], strict=True)
                return next((self.value(v, event) for condition, v in pairs if self.value(condition, event) is wanted), None)
            case "mvfilter" | "mvmap":
                fields = {str(t) for t in _fields(args[0])}
                if len(fields) != 1:
                    raise NotImplementedError(f"{name} over several fields")
                (field,) = fields
                each = [(v, self.value(args[-1], event | {field: v})) for v in several(event.get(field))]
                kept = (
                    [v for v, found in each if found is True] if name == "mvfilter" else [found for _, found in each if found is not None]
                )
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
            case "typeof":
                return "Invalid" if values[0] is None else "Number" if numeric(values[0]) is not None else "String"
            case "isnum" | "isint":
                number = numeric(values[0])
                return number is not None and (name == "isnum" or number.is_integer())
            case "nullif":
                return None if self.compared("==", *values) is True else values[0]
        if values[0] is None:
            return None
        if name in _OF_SEVERAL:
            return _of_several(name, values)
        if name in ("match", "in", "searchmatch"):
            return self.asked(name, values, event)
        if isinstance(values[0], list):
            if name in ("lower", "upper", "replace", "trim", "ltrim", "rtrim"):
                return [_function(name, [v, *values[1:]]) for v in values[0]]
            raise NotImplementedError(f"{name} of a multivalue field")
        if name == "cidrmatch" and isinstance(values[1], list):
            raise NotImplementedError("cidrmatch of a multivalue field")
        return _function(name, values)

    def asked(self, name: str, values: list[Any], event: Event) -> Any:
        match name:
            case "match":
                pattern = _pattern(values[1])
                return any(pattern.search(text(v)) for v in several(values[0]))
            case "in":
                return self.among(values[0], values[1:])
        return self.searched(_parsed("search", values[0]), event)


_OF_SEVERAL = frozenset({"mvcount", "mvindex", "mvfind", "mvjoin", "mvdedup", "mvsort"})


def _of_several(name: str, values: list[Any]) -> Any:
    members = several(values[0])
    match name:
        case "mvcount":
            return float(len(members))
        case "mvindex":
            first = int(values[1])
            last = int(values[2]) if len(values) > 2 else first
            first, last = (i if i >= 0 else len(members) + i for i in (first, last))
            found = members[first : last + 1] if 0 <= first <= last else []
            return None if not found else found[0] if len(found) == 1 else found
        case "mvfind":
            pattern = _pattern(values[1])
            return next((float(n) for n, m in enumerate(members) if pattern.search(text(m))), None)
        case "mvjoin":
            return values[1].join(map(text, members))
        case "mvdedup":
            found = list(dict.fromkeys(map(text, members)))
            return found[0] if len(found) == 1 else found
    return sorted(map(text, members)) if len(members) > 1 else members[0]


def _function(name: str, values: list[Any]) -> Any:
    """What a function of plain values gives, of which the first is not null."""
    match name:
        case "lower" | "upper":
            return getattr(text(values[0]), name)()
        case "trim" | "ltrim" | "rtrim":
            return getattr(text(values[0]), {"trim": "strip", "ltrim": "lstrip", "rtrim": "rstrip"}[name])(*values[1:] or " \t")
        case "like":
            pattern = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in values[1])
            if "\\" in values[1]:
                raise NotImplementedError("a backslash in a pattern of like")
            return re.fullmatch(pattern, text(values[0]), re.DOTALL) is not None
        case "tonumber":
            if len(values) > 1:
                try:
                    return float(int(text(values[0]), int(values[1])))
                except ValueError:
                    return None
            return numeric(values[0])
        case "substr":
            whole, start = text(values[0]), int(values[1])
            start = start - 1 if start > 0 else len(whole) + start if start < 0 else 0
            return whole[start : start + int(values[2])] if len(values) > 2 else whole[start:]
        case "split":
            found = text(values[0]).split(values[1]) if values[1] else list(text(values[0])) or [""]
            return found[0] if len(found) == 1 else found
        case "replace":
            return re.sub(values[1], values[2], text(values[0]))
        case "tostring":
            if len(values) > 1:
                return _formatted(values[0], values[1])
            return text(values[0])
        case "json_extract" | "spath":
            return _extracted(values[0], values[1])
        case "len":
            return float(len(text(values[0])))
        case "floor" | "ceiling" | "abs" | "sqrt":
            compute = {"floor": math.floor, "ceiling": math.ceil, "abs": abs, "sqrt": math.sqrt}[name]
            number = numeric(values[0])
            return None if number is None else float(compute(number))
        case "mvrange":
            return list(range(int(values[0]), int(values[1]), int(values[2]) if len(values) > 2 else 1))
        case "cidrmatch":
            try:
                return None if values[1] is None else ipaddress.ip_address(text(values[1])) in ipaddress.ip_network(values[0], strict=False)
            except ValueError:
                return False
        case "strptime":
            if values[1] != "%Y-%m-%dT%H:%M:%S%z":
                raise NotImplementedError(f"strptime {values[1]}")
            try:
                return dt.datetime.strptime(text(values[0]), values[1]).timestamp()
            except ValueError:
                return None
        case "strftime":
            moment = dt.datetime.fromtimestamp(values[0], dt.UTC)
            if re.sub(r"%[YmdHMSjAaBbyp]", "", values[1]).count("%"):
                raise NotImplementedError(f"strftime {values[1]}")
            return moment.strftime(values[1])
        case "relative_time":
            told = re.fullmatch(r"([+-]\d+)([smhd])(?:@([smhd]))?", values[1])
            if told is None:
                raise NotImplementedError(f"relative_time {values[1]}")
            then = values[0] + int(told[1]) * UNITS[told[2]]
            return then // UNITS[told[3]] * UNITS[told[3]] if told[3] else then
    raise NotImplementedError(f"the function {name}")


def _formatted(value: Any, form: str) -> Any:
    number = numeric(value)
    if number is None or form not in ("hex", "duration"):
        raise NotImplementedError(f"tostring of {value!r} as {form}")
    if form == "hex":
        return f"0x{int(number):X}"
    return f"{int(number) // 3600:02}:{int(number) // 60 % 60:02}:{int(number) % 60:02}"


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
    return re.compile(text)  # no flags: ``$`` and ``.`` are as in PCRE


def _fields(node: Any) -> Iterable[Token]:
    if isinstance(node, Tree):
        if node.data == "field":
            yield node.children[0]  # type: ignore[misc]
        elif node.data == "quoted":
            yield Token("NAME", str(node.children[0])[1:-1])
        else:
            for child in node.children:
                yield from _fields(child)


def _matches(wanted: str, value: Any, cased: bool = False) -> bool:
    """Whether a value is what ``search`` looks for: an address in a range, or a text where ``*`` stands for anything."""
    if re.fullmatch(r"[\d.]+/\d+", wanted):
        try:
            return ipaddress.ip_address(text(value)) in ipaddress.ip_network(wanted, strict=False)
        except ValueError:
            return False
    literal = wanted.replace("[", "[[]").replace("?", "[?]")
    return fnmatch.fnmatchcase(text(value), literal) if cased else fnmatch.fnmatchcase(text(value).lower(), literal.lower())


def _compared(operator: str, left: Any, right: Any, texts_are_numbers: bool = False) -> Any:
    if left is None or right is None:
        return None
    if isinstance(left, list) or isinstance(right, list):
        found = [_compared(operator, a, b, texts_are_numbers) for a in several(left) for b in several(right)]
        return True in found
    if texts_are_numbers or isinstance(left, float | int) or isinstance(right, float | int):
        a, b = numeric(left), numeric(right)
        if a is not None and b is not None:
            return _COMPARE[operator](a, b)
    return _COMPARE[operator](text(left), text(right))


def _computed(operator: str, left: Any, right: Any) -> Any:
    """What arithmetic gives: null for what is no number and where 0 divides; ``+`` joins two texts."""
    if isinstance(left, list) or isinstance(right, list):
        raise NotImplementedError("arithmetic with a multivalue field")
    a, b = numeric(left), numeric(right)
    if operator == "+" and isinstance(left, str) and isinstance(right, str) and (a is None or b is None):
        return left + right
    if a is None or b is None or (b == 0 and operator in "/%"):
        return None
    return ARITHMETIC[operator](a, b)


def _ordered(value: Any) -> tuple[int, Any]:
    """Where a value is sorted: numbers by their size, before texts."""
    if isinstance(value, list):
        raise NotImplementedError("an order of multivalue fields")
    number = numeric(value)
    return (1, text(value)) if number is None else (0, number)


def _by(name: str) -> Callable[[Event], tuple[int, Any]]:
    return lambda event: _ordered(event[name])


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(span: str) -> float:
    return float(span[:-1]) * UNITS[span[-1]]


def _know(options: dict[str, str], known: set[str], command: str) -> None:
    if others := set(options) - known:
        raise NotImplementedError(f"{command} {', '.join(sorted(others))}")


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
                option, _, value = words[0].partition("=")
                options[option] = value
            case "term":
                terms.append((words[0], words[1], words[2] or (f"{words[0]}({words[1]})" if words[1] else words[0])))
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
        case "list":
            listed = [text(v) for v in values][:100]
            return None if not listed else listed[0] if len(listed) == 1 else listed
        case "first":
            if any(isinstance(e.get(field), list) for e in events):
                raise NotImplementedError("first of a multivalue field")
            return values[0] if values else None
        case "mode":
            return collections.Counter(map(text, values)).most_common(1)[0][0] if values else None
        case "min" | "max":
            return (min if function == "min" else max)(values, key=_ordered) if values else None
        case "sum":
            return sum(numbers) if numbers else None
        case "avg":
            return sum(numbers) / len(numbers) if numbers else None
    raise NotImplementedError(f"the aggregate {function}")
