"""Operators, and the terms that ``has`` looks for: runs of letters and digits, of any script.

Source: learn.microsoft.com/kusto/query/datatypes-string-operators, "What is a term?".
"""

from __future__ import annotations

import re

from translator.plan.functions.declare import Family
from translator.plan.functions.values import pattern
from translator.regex.terms import BOUND, around

F = Family("operators")
_ORDERED = (("numeric", "numeric"), ("number_or_bool", "number_or_bool"), ("datetime", "datetime"), ("timespan", "timespan"))
_SUMS = (("numeric", "numeric"), ("moment_or_dynamic", "moment_or_dynamic"))
_PRODUCTS = (("numeric", "numeric"), ("number", "moment"), ("moment", "number"), ("timespan", "timespan"))
_RATIOS = (("numeric", "numeric"), ("moment", "number"), ("datetime", "moment"), ("timespan", "timespan"))
for _name, _pairs, _result in (
    ("<", _ORDERED, "bool"), ("<=", _ORDERED, "bool"), (">", _ORDERED, "bool"), (">=", _ORDERED, "bool"),
    ("+", _SUMS, "promoted"), ("-", _SUMS, "promoted"), ("*", _PRODUCTS, "promoted"), ("/", _RATIOS, "promoted"), ("%", _RATIOS, "promoted"),
):  # fmt: skip
    F.declare(*(f"{_name}(left: {left}, right: {right}) -> {_result}" for left, right in _pairs), kind="operator", compiled=True)
for _signature in (
    "==(left: scalar, right: scalar) -> bool", "=~(left: string, right: string) -> bool", "and(operand: condition+) -> bool",
    "or(operand: condition+) -> bool", "neg(operand: numeric) -> first;neg(operand: moment) -> first",
    "[](value: dynamic, key: scalar) -> dynamic",
    "between(value: number, low: numeric, high: numeric) -> bool;between(value: dynamic, low: number, high: number) -> bool;"
    "between(value: datetime, low: datetime, high: moment) -> bool;between(value: timespan, low: timespan, high: timespan) -> bool", "in(value: scalar, list: scalar) -> bool",
    "in~(value: string, list: scalar) -> bool", "has_any(source: string, list: scalar) -> bool", "has_all(source: string, list: scalar) -> bool",
    "like(source: string, pattern: string) -> bool", "likecs(source: string, pattern: string) -> bool",
):  # fmt: skip
    F.declare(_signature, kind="operator", compiled=True)


def _find(source: str, term: str, prefix: bool, suffix: bool, cased: bool) -> bool:
    if not term:
        return True
    before, after = around(term, prefix, suffix)
    text = (rf"(?:^|{BOUND})" if before else "") + re.escape(term) + (rf"(?:$|{BOUND})" if after else "")
    return re.search(text, source, 0 if cased else re.IGNORECASE) is not None


def _text(name: str) -> str:
    return f"{name}(source: string, search: string) -> bool"


@F.scalar(_text("has"), kind="operator", compiled=True)
def has(source: str, term: str) -> bool:
    return _find(source, term, False, False, False)


@F.scalar(_text("has_cs"), kind="operator", compiled=True)
def has_cs(source: str, term: str) -> bool:
    return _find(source, term, False, False, True)


@F.scalar(_text("hasprefix"), kind="operator", compiled=True)
def hasprefix(source: str, term: str) -> bool:
    return _find(source, term, True, False, False)


@F.scalar(_text("hasprefix_cs"), kind="operator", compiled=True)
def hasprefix_cs(source: str, term: str) -> bool:
    return _find(source, term, True, False, True)


@F.scalar(_text("hassuffix"), kind="operator", compiled=True)
def hassuffix(source: str, term: str) -> bool:
    return _find(source, term, False, True, False)


@F.scalar(_text("hassuffix_cs"), kind="operator", compiled=True)
def hassuffix_cs(source: str, term: str) -> bool:
    return _find(source, term, False, True, True)


for _name in ("contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs"):
    F.declare(_text(_name), kind="operator", compiled=True)


@F.scalar(_text("matches regex"), kind="operator", compiled=True)
def matches_regex(source: str, regex: str) -> bool:
    return pattern(regex).search(source) is not None
