"""What the meanings of functions share: values as KQL shows them, regular expressions as RE2 reads them."""

from __future__ import annotations

import datetime as dt
import json
import re
from functools import lru_cache
from typing import Any, TypeAlias

from translator.regex.parser import parse, parsed
from translator.regex.syntax import Group, least_width, walk
from translator.regex.writers import Inexpressible, python

Dynamic: TypeAlias = Any
"""A dynamic value as Python has it: None, bool, int, float, str, list, dict."""

TICKS = 10_000_000
"""Ticks of 100 ns in a second."""

DAY = 86_400 * TICKS
"""Ticks."""

EPOCH = dt.datetime(1970, 1, 1)
EPOCH_TICKS = (EPOCH - dt.datetime.min).days * DAY
"""Those of the epoch, which datetimes count from the year 1."""


def text_of(value: Dynamic) -> str:
    """``tostring`` of a value."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, list | dict):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def timespan_text(ticks: int) -> str:
    """A timespan as KQL prints it: ``[-][d.]hh:mm:ss[.fffffff]``."""
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    days, rest = divmod(ticks, DAY)
    seconds, fraction = divmod(rest, TICKS)
    out = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return sign + (f"{days}." if days else "") + out + (f".{fraction:07}" if fraction else "")


_TIMESPAN = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?|(-)?(\d+)")
_UNIT = re.compile(r"(-?\d+(?:\.\d+)?)\s*(d|h|m|s|ms|microsecond|tick|days?|hours?|minutes?|seconds?)")
_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "microsecond": 1e-6, "tick": 1e-7}


def timespan_of(text: str) -> int | None:
    """Ticks of a timespan's text; None where it is none."""
    text = text.strip()
    unit = _UNIT.fullmatch(text)
    if unit:
        name = unit[2] if unit[2] in _SECONDS else unit[2][0]
        return round(float(unit[1]) * _SECONDS[name] * TICKS)
    match = _TIMESPAN.fullmatch(text)
    if match is None:
        return None
    if match[8]:
        return (-1 if match[7] else 1) * int(match[8]) * DAY
    seconds = int(match[2] or 0) * 86_400 + int(match[3]) * 3_600 + int(match[4]) * 60 + int(match[5] or 0)
    ticks = seconds * TICKS + int((match[6] or "0").ljust(7, "0"))
    return -ticks if match[1] else ticks


def type_name(value: Dynamic) -> str:
    """``gettype`` of a dynamic value."""
    if value is None:
        return "null"
    names = {bool: "bool", int: "long", float: "double", str: "string", list: "array", dict: "dictionary"}
    return names.get(type(value), "string")


@lru_cache(maxsize=4096)
def pattern(regex: str) -> re.Pattern[str]:
    """A regular expression of KQL as Python's, groups numbered alike and without names.

    Raises:
        ValueError: where it is none, or asks for characters that Python does not know.
    """
    try:
        return re.compile(python(parse(regex)))
    except Inexpressible as error:
        raise ValueError(f"the regular expression {regex!r} asks for {error}, which is not known here") from None


def finds_nothing_in_empty(regex: str) -> bool:
    """Whether a regular expression does not match the empty text, which is seldom to be tried.

    Raises:
        ValueError: as ``pattern`` does, where it is to be tried.
    """
    tree = parsed(regex)
    return (tree is not None and least_width(tree) > 0) or pattern(regex).search("") is None


@lru_cache(maxsize=512)
def names_of(regex: str) -> dict[str, int]:
    """The groups of a regular expression that have a name, by it."""
    return {n.name: n.index for n in walk(parse(regex)) if isinstance(n, Group) and n.name is not None}


def replacement(rewrite: str) -> str:
    r"""A rewrite of RE2 as ``re.sub`` wants it: ``\1`` stays a group, ``\0`` is the whole match, all else is literal."""
    out, index = [], 0
    while index < len(rewrite):
        char = rewrite[index]
        if char == "\\" and index + 1 < len(rewrite):
            follower = rewrite[index + 1]
            out.append(f"\\g<{follower}>" if follower.isdigit() else "\\\\" + ("" if follower == "\\" else follower))
            index += 2
            continue
        out.append(char if char != "\\" else "\\\\")
        index += 1
    return "".join(out)
