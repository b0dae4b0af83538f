"""Functions that convert types, for each of several values.

Facts: "ES|QL type conversion functions" (elastic.co/docs/reference/query-languages/esql/functions-operators/type-conversion-functions), a
section a function: what cannot be converted is null, with a warning; and EsqlDataTypeConverter.java of Elasticsearch (a text that is no
whole number is read as a double and rounded).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from translator.verify.esql import times
from translator.verify.esql.functions import Compiled, Function, Given, constant, held
from translator.verify.esql.types import RANGES, Value, double_of, ip_of, one_or_several, several, text_of, whole_of
from translator.verify.reading import Row

Conversion = Callable[[str, Value], Value]
"""What converts one value of a type."""


def _number(kind: str) -> Conversion:
    def convert(source: str, value: Value) -> Value:
        match source:
            case "boolean":
                return int(value)
            case "double":
                return whole_of(value, kind)
            case "keyword" | "text":
                if re.fullmatch(r"[+-]?\d+", value):
                    return int(value) if RANGES[kind][0] <= int(value) <= RANGES[kind][1] else None
                found = double_of(value)
                return None if found is None else whole_of(found, kind)
        return held(kind, value)

    return convert


def _double(source: str, value: Value) -> Value:
    return double_of(value) if source in ("keyword", "text") else float(value)


def _boolean(source: str, value: Value) -> Value:
    return value.lower() == "true" if source in ("keyword", "text") else bool(value)


def _date(source: str, value: Value) -> Value:
    match source:
        case "keyword" | "text":
            return times.parsed(value)
        case "date_nanos":
            return value // 1_000_000
        case "double":
            return int(value) if math.isfinite(value) else None
    return held("long", value)


def _nanos(source: str, value: Value) -> Value:
    match source:
        case "keyword" | "text":
            found = times.parsed(value)
            return None if found is None or found < 0 else found * 1_000_000 + _fraction(value)
        case "date":
            return value * 1_000_000 if value >= 0 else None
        case "double":
            return int(value) if math.isfinite(value) and value >= 0 else None
    return value if value >= 0 else None


def _fraction(text: str) -> int:
    """The nanoseconds of a text in ISO form below its milliseconds."""
    found = re.search(r"[.,](\d{1,9})", text)
    return int(found[1].ljust(9, "0")[3:]) if found else 0


_CONVERSIONS: dict[str, tuple[str, str, Conversion]] = {
    "TO_BOOLEAN": ("boolean", "boolean keyword text double long unsigned_long integer", _boolean),
    "TO_DATETIME": ("date", "date date_nanos keyword text double long unsigned_long integer", _date),
    "TO_DATE_NANOS": ("date_nanos", "date date_nanos keyword text double long unsigned_long", _nanos),
    "TO_DEGREES": ("double", "double integer long unsigned_long", lambda _, v: math.degrees(v)),
    "TO_DOUBLE": ("double", "boolean date keyword text double long unsigned_long integer", _double),
    "TO_INTEGER": ("integer", "boolean date keyword text double long unsigned_long integer", _number("integer")),
    "TO_IP": ("ip", "ip keyword text", lambda source, v: v if source == "ip" else ip_of(v)),
    "TO_LONG": ("long", "boolean date date_nanos keyword text double long unsigned_long integer", _number("long")),
    "TO_RADIANS": ("double", "double integer long unsigned_long", lambda _, v: math.radians(v)),
    "TO_STRING": ("keyword", "boolean date date_nanos ip keyword text version double long unsigned_long integer", text_of),
    "TO_UNSIGNED_LONG": ("unsigned_long", "boolean date keyword text double long unsigned_long integer", _number("unsigned_long")),
    "TO_VERSION": ("version", "keyword text version", lambda _, v: v),
    "TO_LOWER": ("keyword", "keyword text", lambda _, v: v.lower()),
    "TO_UPPER": ("keyword", "keyword text", lambda _, v: v.upper()),
}
_ALSO = {
    "TO_BOOL": "TO_BOOLEAN", "TO_DT": "TO_DATETIME", "TO_DBL": "TO_DOUBLE", "TO_INT": "TO_INTEGER", "TO_STR": "TO_STRING",
    "TO_UL": "TO_UNSIGNED_LONG", "TO_ULONG": "TO_UNSIGNED_LONG", "TO_VER": "TO_VERSION", "TO_DATENANOS": "TO_DATE_NANOS",
}  # fmt: skip

CASTS = {
    "boolean": "TO_BOOLEAN", "bool": "TO_BOOLEAN", "date": "TO_DATETIME", "datetime": "TO_DATETIME", "date_nanos": "TO_DATE_NANOS",
    "double": "TO_DOUBLE", "integer": "TO_INTEGER", "int": "TO_INTEGER", "ip": "TO_IP", "long": "TO_LONG", "keyword": "TO_STRING",
    "string": "TO_STRING", "text": "TO_STRING", "unsigned_long": "TO_UNSIGNED_LONG", "ul": "TO_UNSIGNED_LONG", "ulong": "TO_UNSIGNED_LONG",
    "version": "TO_VERSION", "date_period": "TO_DATEPERIOD", "time_duration": "TO_TIMEDURATION",
}  # fmt: skip
"""The functions that types stand for behind ``::``."""


def _function(name: str) -> Function:
    kind, sources, convert = _CONVERSIONS[name]

    def function(given: Given) -> Compiled:
        if len(given.args) == 2 and name in ("TO_LONG", "TO_INTEGER"):
            return _of_base(kind, given)
        if len(given.args) != 1:
            raise given.rejected("has one argument")
        (arg,) = given.args
        if arg.type == "null":
            return constant(kind, None)
        if arg.type not in sources.split():
            raise given.rejected(f"has to be one of {sources}, and is {arg.type}")
        source = arg.type

        def of(row: Row) -> Value:
            return one_or_several([held(kind, convert(source, v)) for v in several(arg.of(row))])

        return Compiled(kind, of, arg.constant)

    return function


def _of_base(kind: str, given: Given) -> Compiled:
    """A text as a whole number of a base; before one of base 16 may stand 0x (the page on TO_LONG)."""
    arg, base = given.args[0], given.literal(1)
    if arg.type not in ("keyword", "text", "null") or not isinstance(base, int) or not 2 <= base <= 36:
        raise given.rejected("has to be a text and a base")

    def number(text: str) -> Value:
        digits = text.lower()
        digits = digits.removeprefix("0x") if base == 16 else digits
        try:
            found = int(digits, base) if re.fullmatch(r"[+-]?[0-9a-z]+", digits) else None
        except ValueError:
            return None
        return found if found is not None and RANGES[kind][0] <= found <= RANGES[kind][1] else None

    return Compiled(kind, lambda row: one_or_several([number(v) for v in several(arg.of(row))]), arg.constant)


def _span(period: bool) -> Function:
    kind = "date_period" if period else "time_duration"

    def function(given: Given) -> Compiled:
        if len(given.args) != 1:
            raise given.rejected("has one argument")
        (arg,) = given.args
        if arg.type == kind:
            return arg
        if arg.type not in ("keyword", "text", "null"):
            raise given.rejected(f"has to be a text, and is {arg.type}")
        text = given.literal(0)
        if isinstance(text, list):
            raise given.rejected("has to be one text")
        found = None if text is None else times.span_of(text, period)
        if text is not None and found is None:
            raise given.rejected(f"{text!r} is no {kind}")
        return constant(kind, found)

    return function


FUNCTIONS: dict[str, Function] = {
    **{name: _function(name) for name in _CONVERSIONS},
    **{also: _function(name) for also, name in _ALSO.items()},
    "TO_DATEPERIOD": _span(True),
    "TO_TIMEDURATION": _span(False),
}
