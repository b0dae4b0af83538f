"""Values as other types: texts as numbers, times and JSON, and dynamic values as each."""

from __future__ import annotations

import calendar
import datetime as dt
import json
import math
import re
from typing import Any

from translator.plan.functions.values import TICKS, text_of, timespan_of, timespan_text


def dumps(value: Any) -> str | None:
    """A dynamic value as JSON text; None for null."""
    return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=text_of)


_WRITTEN_OUT = re.compile(
    r"(?:[a-z]+, *)?(\d{1,2})([ -])([a-z]{3})\2(\d\d|\d{4}) (\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)", re.ASCII | re.IGNORECASE
)
"""A date with the name of its month, as RFC 822 and RFC 850 have it: datetime data type, "Supported formats"."""


def datetime_of(text: str) -> dt.datetime | None:
    """A datetime's text in the forms that ``todatetime`` takes: ISO 8601, RFC 822 and RFC 850 above all."""
    text = re.sub(r" *\b(?:GMT|UTC)$", "", text.strip().strip("\"'"))
    if written := _WRITTEN_OUT.fullmatch(text):
        day, _, month, year, time = written.groups()
        century = (2000 if int(year) < 50 else 1900) if len(year) == 2 else 0  # RFC 2822, section 4.3
        number = next((n for n, name in enumerate(calendar.month_abbr) if name.lower() == month.lower()), 0)
        text = f"{int(year) + century:04}-{number:02}-{day:0>2}T{time:0>5}"
    if re.fullmatch(r"[\d\s,/-]+", text):
        text = re.sub(r"\s*([,/-])\s*", lambda m: "-" if m[1] == "," else m[1], text)
    if not text:
        return None
    if plain := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})([T ].*)?", text):
        text = f"{plain[1]}-{plain[2]:0>2}-{plain[3]:0>2}{plain[4] or ''}"
    try:
        found = dt.datetime.fromisoformat(_shortened(text))
    except ValueError:
        for form in (
            "%m-%d-%Y",
            "%m/%d/%Y %I:%M:%S %p",
            "%m/%d/%Y %H:%M:%S",
            "%m/%d/%Y",
            "%d-%b-%y",
            "%Y-%m",
        ):
            try:
                found = dt.datetime.strptime(text, form)
                break
            except ValueError:
                continue
        else:
            return None
    return found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found


def _shortened(text: str) -> str:
    """Fractions of more than six digits cut: a datetime here counts microseconds."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def duration_text(ticks: int) -> str:
    return timespan_text(ticks)


def duration_of(text: str) -> int | None:
    return timespan_of(text)


def duration_of_value(value: Any) -> int | None:
    """``totimespan`` of a number is that many days, of a text the timespan that it spells."""
    if isinstance(value, bool) or value is None:
        return None
    return int(value * 86_400 * TICKS) if isinstance(value, int | float) else timespan_of(str(value))


def json_of(text: str) -> Any:
    """``parse_json``: a text that is no JSON stays a text."""
    if not text:
        return None
    try:
        return json.loads(text, parse_constant=_no_json)
    except ValueError:
        return text


def _no_json(word: str) -> None:
    """Python reads ``NaN`` and ``Infinity``, which JSON does not have."""
    raise ValueError(word)


def whole_of(text: str) -> int | None:
    """``tolong`` of a text: decimal or hexadecimal digits, nothing else."""
    text = text.strip()
    if not text.isascii() or "_" in text:
        return None
    try:
        found = int(text, 16) if text.lower().startswith(("0x", "-0x")) else int(text)
    except ValueError:
        return None
    return found if -(1 << 63) <= found < 1 << 63 else None


def whole_of_value(value: Any, limit: int = (1 << 63) - 1) -> int | None:
    """``tolong`` of a dynamic value: a real beyond ``limit`` stops there."""
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return max(-limit - 1, min(limit, int(value))) if math.isfinite(value) else None
    return whole_of(value) if isinstance(value, str) else None


def int_of_value(value: Any) -> int | None:
    """``toint`` of a dynamic value: the low 32 bits of a whole number, null of a text that spells a longer one."""
    limit = (1 << 31) - 1
    found = whole_of_value(value, limit)
    if found is None or (isinstance(value, str) and not -limit - 1 <= found <= limit):
        return None
    return (found + limit + 1) % (1 << 32) - limit - 1


def real_of_value(value: Any) -> float | None:
    """The number that a dynamic value is or spells, as a real; None for any other."""
    if isinstance(value, bool | int | float):
        return float(value)
    try:
        return float(value) if isinstance(value, str) and value.isascii() and "_" not in value else None
    except ValueError:
        return None


def number_of_value(value: Any) -> int | float | None:
    """The number that a dynamic value is or spells, a whole one with all its digits."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and (whole := whole_of(value)) is not None:
        return whole
    found = value if isinstance(value, int) else real_of_value(value)
    return int(found) if found is not None and math.isfinite(found) and found == int(found) and abs(found) < 1 << 63 else found


def truth_of_value(value: Any) -> bool | None:
    """What ``tobool`` makes of a dynamic value: of a number whether it is not 0, of a text what it spells; None for any other."""
    if isinstance(value, bool | int | float):
        return bool(value)
    if isinstance(value, str):
        text = value.strip().lower()
        return True if text == "true" else False if text == "false" else bool(n) if (n := whole_of(text)) is not None else None
    return None


def guid_of(text: str) -> str | None:
    """``toguid`` of a text: its first 32 digits, hyphens aside; what follows them is not looked at."""
    digits = text.strip().strip("{}()").replace("-", "").lower()[:32]
    if len(digits) != 32 or any(c not in "0123456789abcdef" for c in digits):
        return None
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def quoted(value: Any) -> Any:
    return value


def json_type(value: Any) -> str:
    return "ARRAY" if isinstance(value, list) else "OBJECT" if isinstance(value, dict) else "VALUE"


def unquoted(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value) or ""
