"""The values of KQL's scalar literals.

Source: learn.microsoft.com/kusto/query/scalar-data-types (string, datetime, timespan, real, ... pages) and KqlTokens.g4.
Timespans and datetimes count ticks of 100 nanoseconds, as Kusto does.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

TICKS_PER_SECOND = 10_000_000

TICKS = {
    "d": 864_000_000_000,
    "h": 36_000_000_000,
    "m": 600_000_000,
    "s": TICKS_PER_SECOND,
    "ms": 10_000,
    "milli": 10_000,
    "micro": 10,
    "tick": 1,
}
"""Ticks in one of each unit; a nanosecond is a hundredth of a tick and handled apart."""

TYPE_NAMES = {
    "boolean": "bool",
    "date": "datetime",
    "double": "real",
    "time": "timespan",
    "int64": "long",
    "int32": "int",
    "int8": "int",
    "uuid": "guid",
    "uniqueid": "guid",
}
"""Older spellings of the scalar types."""

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|[0-3][0-7][0-7]|[0-7]{1,2}|.)", re.S)
_TIMESPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_CLOCK = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?")
_ISO = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?", re.I
)
_OTHER_FORMATS = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y", "%d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S")


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "uUx" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0].isdigit():
        return chr(int(code, 8))
    return _ESCAPES.get(code, code)


def decode_string(text: str) -> str:
    """The value of one string literal of any of KQL's forms, ``text`` with its quotes and prefix."""
    if text[0] in "hH":
        text = text[1:]
    if text.startswith(("```", "~~~")):
        return text[3:-3]
    if text[0] == "@":
        quote = text[1]
        return text[2:-1].replace(quote * 2, quote)
    body = text[1:-1]
    return _ESCAPE.sub(_unescape, body) if "\\" in body else body


def quote_string(value: str) -> str:
    """``value`` as a KQL string literal in double quotes."""
    out = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(map(_visible, out)) + '"'


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def decode_long(text: str) -> int:
    """The value of a whole number in decimal or hexadecimal digits."""
    return int(text, 16) if text[:2] in ("0x", "0X") else int(text)


def decode_timespan(text: str) -> int | None:
    """Ticks of ``1d``, ``1.5h``, ``15 seconds``, ``10:20``, ``3.01:02:03.4``; None where the text is none of these."""
    text = text.strip().strip("\"'")
    if found := _TIMESPAN.fullmatch(text):
        number, unit = float(found[1]), found[2]
        if unit.startswith("nano"):
            return round(number / 100)
        for prefix in ("milli", "micro", "tick", "ms"):
            if unit.startswith(prefix):
                return round(number * TICKS[prefix])
        return round(number * TICKS[unit[0]]) if unit[0] in TICKS else None
    if found := _CLOCK.fullmatch(text):
        sign, days, hours, minutes, seconds, fraction = found.groups()
        ticks = int(days or 0) * TICKS["d"] + int(hours) * TICKS["h"] + int(minutes) * TICKS["m"]
        ticks += int(seconds or 0) * TICKS["s"] + int((fraction or "0").ljust(7, "0"))
        return -ticks if sign else ticks
    if re.fullmatch(r"-?\d+", text):
        return int(text) * TICKS["d"]
    return None


def decode_datetime(text: str) -> int | None:
    """Ticks since 0001-01-01T00:00:00Z; None where the text is no date this reader knows."""
    text = text.strip().strip("\"'").strip()
    moment, ticks = None, 0
    if found := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        try:
            moment = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0))
        except ValueError:
            return None
        ticks = int((fraction or "0")[:7].ljust(7, "0"))
        if zone and zone not in "Zz":
            sign = -1 if zone[0] == "+" else 1
            ticks += sign * (int(zone[1:3]) * TICKS["h"] + int(zone[-2:]) * TICKS["m"])
    else:
        for form in _OTHER_FORMATS:
            try:
                moment = datetime.strptime(text, form)
                break
            except ValueError:
                continue
    if moment is None:
        return None
    delta = moment.replace(tzinfo=UTC) - datetime(1, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * TICKS_PER_SECOND + ticks


def decode_typed(text: str) -> tuple[str, str | int | float | bool | None]:
    """Kind and value of ``datetime(...)``, ``int(...)`` and their like."""
    name, _, inner = text.partition("(")
    kind, inner = TYPE_NAMES.get(name, name), inner[:-1].strip()
    if kind == "datetime" and not inner:
        return kind, "now"
    if inner.lower() == "null" or not inner:
        return kind, None
    try:
        if kind in ("int", "long"):
            return kind, decode_long(inner)
        if kind == "real":
            return kind, float(inner.replace("+inf", "inf"))
        if kind == "bool":
            return kind, inner.lower() == "true" if not inner.isdigit() else int(inner) != 0
    except ValueError:
        return kind, inner
    if kind == "timespan":
        ticks = decode_timespan(inner)
        return kind, inner if ticks is None else ticks
    if kind == "datetime":
        ticks = decode_datetime(inner)
        return kind, inner if ticks is None else ticks
    return kind, inner.strip("\"'")
