"""Detections of Sigma on an event, as pySigma models them.

Facts: Sigma specification, "Detection" (texts ignore case unless they are ``cased``, ``*`` and ``?`` are wildcards, lists are alternatives,
a condition on a field that an event lacks is false, null is a field without a value) and "Modifiers"; keywords are searched in all values
of an event. Its "Regular Expression" flavour is PCRE's basic signs; classes such as ``\\d`` are of ASCII, as they are in PCRE unless it is
told otherwise. One of several values of a field is enough.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR, ConditionValueExpression
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
    TimestampPart,
)

from translator.verify.reading import Lists, NotReadable, Value, in_utc
from translator.verify.sigma.events import Event

Parts: TypeAlias = tuple[str | SpecialChars | tuple[str, ...], ...]
"""A text with wildcards; a tuple for a placeholder, of the values that its list has."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions on events.

    Attributes:
        lists: the lists that placeholders stand for.
        trees: the conditions of rules as far as they were parsed, by the id of the rule.
    """

    lists: Lists
    trees: dict[int, list[Any]] = field(default_factory=dict)

    def chosen(self, rule: SigmaRule, events: Iterable[Event]) -> list[Event]:
        """The events that a rule finds, of its log source where they say theirs."""
        wanted = {k: v for k, v in rule.logsource.to_dict().items() if k in ("category", "product", "service") and v is not None}
        if (trees := self.trees.get(id(rule))) is None:
            trees = self.trees[id(rule)] = [condition.parsed for condition in rule.detection.parsed_condition]
        return [e for e in events if _from(e, wanted) and any(self.holds(tree, e) for tree in trees)]

    def holds(self, node: Any, event: Event) -> bool:
        """Whether an event satisfies a condition of pySigma's tree.

        Raises:
            NotReadable: for what no meaning is known of.
        """
        match node:
            case ConditionAND(args=args):
                return all(self.holds(a, event) for a in args)
            case ConditionOR(args=args):
                return any(self.holds(a, event) for a in args)
            case ConditionNOT(args=args):
                return not self.holds(args[0], event)
            case ConditionFieldEqualsValueExpression(field=field, value=value):
                return self.field_holds(event, event.values.get(field, ()), value)
            case ConditionValueExpression(value=value):
                return self.found(event, value)
        raise NotReadable(f"the condition {type(node).__name__}")

    def field_holds(self, event: Event, values: tuple[Value, ...], wanted: SigmaType) -> bool:
        match wanted:
            case SigmaExpansion(values=alternatives):
                return any(self.field_holds(event, values, a) for a in alternatives)
            case SigmaNull():
                return not values
            case SigmaExists(exists=exists):
                return bool(values) == exists
            case SigmaString():
                pattern = self.pattern(wanted)
                return any(pattern.fullmatch(spelled(v)) is not None for v in values)
            case SigmaTimestampPart():
                return any(_part(v, wanted.timestamp_part) == wanted.number for v in values)
            case SigmaNumber(number=number):  # products that hold texts there compare the digits
                return any(v == str(number) if isinstance(v, str) else number_of(v) == number for v in values)
            case SigmaBool(boolean=boolean):
                return any(spelled(v).lower() == str(boolean).lower() for v in values)
            case SigmaRegularExpression():
                regex = _regex(wanted)
                return any(regex.search(spelled(v)) is not None for v in values)
            case SigmaCIDRExpression(network=network):
                return any(_is_in(v, network) for v in values)
            case SigmaCompareExpression():
                return any(_compared(v, wanted) for v in values)
            case SigmaFieldReference():
                others = event.values.get(wanted.field, ())
                return any(_refers(v, o, wanted) for v in values for o in others)
        raise NotReadable(f"the value {type(wanted).__name__}")

    def found(self, event: Event, wanted: SigmaType) -> bool:
        """Whether a keyword stands somewhere in a value of an event."""
        texts = [spelled(v) for values in event.values.values() for v in values]
        match wanted:
            case SigmaExpansion(values=alternatives):
                return any(self.found(event, a) for a in alternatives)
            case SigmaString():
                pattern = self.pattern(wanted)
                return any(pattern.search(t) is not None for t in texts)
            case SigmaTimestampPart():
                raise NotReadable("a part of a time as a keyword")
            case SigmaNumber(number=number):
                return any(str(number) in t for t in texts)
            case SigmaRegularExpression():
                regex = _regex(wanted)
                return any(regex.search(t) is not None for t in texts)
        raise NotReadable(f"the keyword {type(wanted).__name__}")

    def pattern(self, wanted: SigmaString) -> re.Pattern[str]:
        """The regular expression of a value with wildcards and placeholders; without case, unless the value is cased."""
        parts = tuple(tuple(self.listed(p.name)) if isinstance(p, Placeholder) else p for p in wanted.s)
        return _compiled(parts, isinstance(wanted, SigmaCasedString))

    def listed(self, name: str) -> list[str]:
        """The values of a list: those of its column ``value``, or of its only column."""
        if name not in self.lists:
            raise NotReadable(f"the list {name}")
        found = []
        for row in self.lists[name]:
            if "value" not in row and len(row) != 1:
                raise NotReadable(f"the list {name}, which has no column value")
            value = row["value"] if "value" in row else next(iter(row.values()))
            if value is not None:
                found.append(str(value))
        return found


def _from(event: Event, wanted: Mapping[str, str]) -> bool:
    return event.source is None or all(event.source.get(k) == v for k, v in wanted.items())


@cache
def _compiled(parts: Parts, cased: bool) -> re.Pattern[str]:
    regex = ""
    for part in parts:
        if isinstance(part, tuple):
            regex += f"(?:{'|'.join(map(re.escape, part))})" if part else "(?!)"
        elif isinstance(part, str):
            regex += re.escape(part)
        else:
            regex += ".*" if part is SpecialChars.WILDCARD_MULTI else "."
    return re.compile(regex, re.DOTALL | (re.NOFLAG if cased else re.IGNORECASE))


def _regex(wanted: SigmaRegularExpression) -> re.Pattern[str]:
    if wanted.contains_placeholder():
        raise NotReadable("a placeholder in a regular expression")
    flags = re.NOFLAG
    for flag in wanted.flags:
        flags |= wanted.sigma_to_python_flags[flag]
    return _ascii(str(wanted.regexp), flags)


@cache
def _ascii(regex: str, flags: re.RegexFlag) -> re.Pattern[str]:
    return re.compile(regex, flags | (re.ASCII if re.search(r"\\[dDwWsSbB]", regex) else re.NOFLAG))


def spelled(value: Value) -> str:
    """A value as the text that a log has of it: truth in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def number_of(value: Value) -> int | float | None:
    """A number, also one that is written as a text."""
    if isinstance(value, str):
        if not re.fullmatch(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([Ee][+-]?\d+)?\s*", value, re.ASCII):
            return None
        return float(value) if re.search(r"[.Ee]", value) else int(value)
    return None if isinstance(value, bool) else value


def _compared(value: Value, wanted: SigmaCompareExpression) -> bool:
    number = wanted.number
    found = _part(value, number.timestamp_part) if isinstance(number, SigmaTimestampPart) else number_of(value)
    if found is None:
        return False
    match wanted.op:
        case CompareOperators.LT:
            return found < number.number
        case CompareOperators.LTE:
            return found <= number.number
        case CompareOperators.GT:
            return found > number.number
        case CompareOperators.GTE:
            return found >= number.number
        case CompareOperators.NEQ:
            return found != number.number
    raise NotReadable(f"the comparison {wanted.op}")


def _refers(value: Value, other: Value, wanted: SigmaFieldReference) -> bool:
    """Whether a value is that of another field, or begins or ends with it, or with both contains it."""
    a, b = spelled(value).lower(), spelled(other).lower()
    if wanted.starts_with and wanted.ends_with:
        return b in a
    return a.startswith(b) if wanted.starts_with else a.endswith(b) if wanted.ends_with else a == b


def _is_in(value: Value, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(str(value)) in network
    except ValueError:
        return False


def _part(value: Value, part: TimestampPart) -> int | None:
    """A part of a time: of a text of ISO 8601, as it is written; None where the value is no such time."""
    if not isinstance(value, str):
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = in_utc(moment)
    match part:
        case TimestampPart.MINUTE:
            return moment.minute
        case TimestampPart.HOUR:
            return moment.hour
        case TimestampPart.DAY:
            return moment.day
        case TimestampPart.WEEK:
            return moment.isocalendar().week
        case TimestampPart.MONTH:
            return moment.month
        case TimestampPart.YEAR:
            return moment.year
    raise NotReadable(f"the part {part} of a time")
