"""Conditions of EQL on an event.

Elasticsearch makes queries of a condition, and scripts where it computes: both say of an event whether it matches, no more. So ``and``,
``or`` and ``not`` know true and false alone, and ``not`` holds for an event that lacks the field, as ``!=`` does, which is the negation of
``==``. One of several values is enough, and for ``!=`` none may be the one. Within a computation null makes null.

Facts: EQL syntax reference ("Logical operators": ``not`` is true where the condition is false; comparisons are otherwise false; "Check if a
field exists"; "Optional fields"); querytranslator_tests.txt of Elasticsearch (``not`` and ``!=`` are ``must_not`` of a bool query; scripts
are within ``nullSafeFilter`` and ask each value of a field, ``multiValueDocValues``; ``== false`` is ``not``); AutomatonQueries.java
(queries ignore the case of ASCII's letters alone).
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from translator.verify.eql import patterns
from translator.verify.eql.documents import Document
from translator.verify.eql.functions import FUNCTIONS, Result, as_ipv6, calculated, is_address, text_of
from translator.verify.eql.syntax import (
    Among,
    And,
    Arithmetic,
    Call,
    Comparison,
    Expression,
    Field,
    Filter,
    Literal,
    Not,
    Or,
    Pattern,
    fields_of,
)
from translator.verify.reading import NotReadable, Value, moment_of

Binding: TypeAlias = Mapping[str, Value | None]

CATEGORY = "event.category"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions on documents.

    Attributes:
        kinds: the types of fields, as far as they are known.
        category: the field that holds an event's category.
        now: the time of the search in milliseconds since 1970, which ``"now-1d"`` goes by; None where it has none.
    """

    kinds: Mapping[str, str]
    category: str = CATEGORY
    now: int | None = None

    def chosen(self, found: list[Document], wanted: Filter) -> list[Document]:
        """The documents that a filter takes, in their order."""
        return [
            d
            for d in found
            if (wanted.category is None or wanted.category in d.values.get(self.category, ())) and self.holds(wanted.condition, d)
        ]

    def holds(self, node: Expression, document: Document) -> bool:
        """Whether a document satisfies a condition: for a field of several values, where one of them does.

        Raises:
            NotReadable: for what Elasticsearch would refuse, as a text compared with a number.
        """
        match node:
            case And(parts=parts):
                return all(self.holds(p, document) for p in parts)
            case Or(parts=parts):
                return any(self.holds(p, document) for p in parts)
            case Not(part=part):
                return not self.holds(part, document)
            case Comparison(operator="!=", left=left, right=right, at=at):
                return not self.holds(Comparison("==", left, right, at), document)
            case Comparison(operator="==", left=left, right=Literal(value=bool(wanted))) if not isinstance(left, Field | Literal):
                return self.holds(left, document) == wanted
            case Comparison(operator="==", left=Literal(value=bool(wanted)), right=right) if not isinstance(right, Field | Literal):
                return self.holds(right, document) == wanted
        return any(self.value(node, binding) is True for binding in _bindings(node, document))

    def value(self, node: Expression, binding: Binding) -> Result:
        """What an expression is for one value of each field; None for null."""
        match node:
            case Literal(value=value):
                return value
            case Field(name=name):
                return binding[name]
            case Arithmetic(operator=operator, left=left, right=right):
                a, b = self.value(left, binding), self.value(right, binding)
                return None if a is None or b is None else calculated(operator, a, b)
            case Call():
                return self.called(node, binding)
            case Comparison(operator=operator, left=left, right=right):
                a, b = self.value(left, binding), self.value(right, binding)
                if any(isinstance(side, Literal) and side.value is None for side in (left, right)):
                    return (a is None and b is None) == (operator == "==")
                return None if a is None or b is None else self.compared(operator, node, a, b)
            case Among(subject=subject, values=values, caseless=caseless):
                return self.among(subject, values, caseless, binding)
            case Pattern(subject=subject):
                return self.matched(node, self.value(subject, binding))
            case Not(part=part):
                value = self.value(part, binding)
                return None if value is None else not value
            case And(parts=parts) | Or(parts=parts):
                decisive = isinstance(node, Or)
                found = [self.value(p, binding) for p in parts]
                return decisive if decisive in found else None if None in found else not decisive

    def compared(self, operator: str, node: Comparison, left: Value, right: Value) -> bool:
        """Whether two values stand so to each other, as the types of the fields say: addresses, times, texts or numbers.

        Raises:
            NotReadable: for values of different types.
        """
        sides = (self._kind(node.left), self._kind(node.right))
        if "ip" in sides:
            return _addresses(operator, left, right)
        if "date" in sides:
            one, other = self.time(node.left, left), self.time(node.right, right)
            return _ordered(operator, (one > other) - (one < other))
        if isinstance(left, str) != isinstance(right, str) or isinstance(left, bool) != isinstance(right, bool):
            raise NotReadable(f"{left!r} {operator} {right!r}", node.at)
        if isinstance(left, str) and isinstance(right, str):
            return _ordered(operator, (left > right) - (left < right))
        assert not isinstance(left, str) and not isinstance(right, str)
        return _ordered(operator, (left > right) - (left < right))

    def among(self, subject: Expression, values: tuple[Expression, ...], caseless: bool, binding: Binding) -> Result:
        """Whether a value is one of a list; None where that is null."""
        value = self.value(subject, binding)
        found: list[Result] = []
        for candidate in values:
            other = self.value(candidate, binding)
            if value is None or other is None:
                found.append(None)
            elif caseless:
                found.append(same_text(text_of(value), text_of(other), isinstance(subject, Field)))
            else:
                found.append(self.compared("==", Comparison("==", subject, candidate, subject.at), value, other))
        return True if True in found else None if None in found else False

    def matched(self, node: Pattern, value: Result) -> Result:
        """Whether a value matches one of the patterns; queries ignore the case of ASCII's letters, scripts that of all."""
        if value is None:
            return None
        pushed = isinstance(node.subject, Field)
        spelled = patterns.wildcards if node.kind == "like" else patterns.regex
        text = text_of(value)
        return any(spelled(p, node.caseless, pushed).fullmatch(text) is not None for p in node.patterns)

    def called(self, node: Call, binding: Binding) -> Result:
        """What a function gives; None where an argument is null."""
        function = FUNCTIONS[node.name]
        values = [self.value(a, binding) for a in node.args]
        if node.name == "number" and len(values) > 1 and values[1] is None:
            values.pop()
        given = [v for v in values if v is not None]
        if len(given) < len(values):
            return None
        subject = node.args[0]
        if node.name == "cidrmatch":
            if not is_address(given[0]):
                return False
        elif node.name in ("startswith", "endswith", "stringcontains") and isinstance(subject, Field):
            return _pushed(node, text_of(given[0]), text_of(given[1]))
        if self._kind(subject) == "date":
            given[0] = as_iso((moment_of(given[0]) or 0) // 1_000)
        return function.run(given, node.caseless)

    def time(self, node: Expression, value: Value) -> int:
        """The milliseconds since 1970 of a field or a constant."""
        return _constant_time(value, self.now, node.at) if isinstance(node, Literal) else (moment_of(value) or 0) // 1_000

    def _kind(self, node: Expression) -> str | None:
        return self.kinds.get(node.name) if isinstance(node, Field) else None


def _bindings(node: Expression, document: Document) -> Iterator[Binding]:
    names = fields_of(node)
    for values in itertools.product(*(document.values.get(n) or (None,) for n in names)):
        yield dict(zip(names, values, strict=True))


_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MATH = re.compile(r"now((?:[+-]\d+[smhd])*)")


def as_iso(milliseconds: int) -> str:
    """A time as Java writes a ZonedDateTime, without the seconds where they are zero (java.time.LocalTime, toString)."""
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)
    if moment.microsecond:
        return f"{moment.isoformat(timespec='milliseconds')}Z"
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z" if moment.second else f"{moment:%Y-%m-%dT%H:%M}Z"


def _constant_time(value: Value, now: int | None, at: int) -> int:
    """A constant that a time is compared with, in milliseconds since 1970: a text of ISO 8601 or of date math, or that number.

    Facts: ExpressionTranslators.java and RangeQuery.java of Elasticsearch hand a text on to a range query as it is, which reads date math
    (Elasticsearch reference, "Range query", "Date math"); test_queries_date.toml (numbers are milliseconds).

    Raises:
        NotReadable: for date math that rounds or counts months, and for what is no time.
    """
    if not isinstance(value, str):
        return round(value)
    if not value.startswith("now"):
        return (moment_of(value) or 0) // 1_000
    found = _MATH.fullmatch(value)
    if found is None or now is None:
        raise NotReadable(f"the time {value}", at)
    return now + sum(int(step[:-1]) * _UNITS[step[-1]] for step in re.findall(r"[+-]\d+[smhd]", found[1]))


def _ordered(operator: str, sign: int) -> bool:
    return {"==": sign == 0, "!=": sign != 0, "<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[operator]


def _addresses(operator: str, left: Value, right: Value) -> bool:
    """Addresses compared, as numbers of 16 bytes."""
    if not is_address(left) or not is_address(right):
        return operator == "!="
    a, b = (as_ipv6(str(v)) for v in (left, right))
    return _ordered(operator, (a > b) - (a < b))


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def same_text(left: str, right: str, ascii_only: bool) -> bool:
    """Whether two texts are the same but for the case of letters, of ASCII's or of all."""
    if ascii_only:
        return left.translate(_ASCII_LOWER) == right.translate(_ASCII_LOWER)
    return len(left) == len(right) and all(
        a == b or a.upper() == b.upper() or a.lower() == b.lower() for a, b in zip(left, right, strict=True)
    )


def _pushed(node: Call, source: str, wanted: str) -> bool:
    """A function on a field, which is a query: it ignores the case of ASCII's letters."""
    if node.name == "stringcontains" and not wanted:
        raise NotReadable("stringContains with an empty text", node.at)  # a script says no, the query yes
    if node.caseless:
        source, wanted = source.translate(_ASCII_LOWER), wanted.translate(_ASCII_LOWER)
    match node.name:
        case "startswith":
            return source.startswith(wanted)
        case "endswith":
            return source.endswith(wanted)
    return wanted in source
