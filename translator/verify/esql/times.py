"""Moments and spans of time. A moment is a whole number of milliseconds since 1970, in UTC, as the type ``date`` of Elasticsearch has it.

Facts: "ES|QL time spans" (elastic.co/docs/reference/query-languages/esql/esql-time-spans; days, weeks, months, quarters and years are
periods of the calendar, the others durations); "DATE_TRUNC", "DATE_DIFF", "DATE_EXTRACT", "DATE_FORMAT", "DATE_PARSE" and "BUCKET" of
"ES|QL date-time functions" and "ES|QL grouping functions"; DateTrunc.java (7 days are a week from Monday, other numbers of days count from
1970) and Bucket.java of Elasticsearch (which spans are tried); "format" (elastic.co/docs/reference/elasticsearch/mapping-reference/
mapping-date-format, strict_date_optional_time); java.time.format.DateTimeFormatter, "Patterns for Formatting and Parsing".
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from translator.verify.reading import NotReadable

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
_OUTSIDE = "a date outside the years 1 to 9999"

_EPOCH = dt.datetime(1970, 1, 1)
_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class Span:
    """A period of the calendar, or a duration in milliseconds."""

    months: int = 0
    days: int = 0
    millis: int = 0
    period: bool = False

    @property
    def type(self) -> str:
        """The type in ES|QL's words."""
        return "date_period" if self.period else "time_duration"

    def __mul__(self, count: int) -> Span:
        return Span(self.months * count, self.days * count, self.millis * count, self.period)

    def __neg__(self) -> Span:
        return self * -1

    def __add__(self, other: Span) -> Span:
        return Span(self.months + other.months, self.days + other.days, self.millis + other.millis, self.period)


_NAMES = {
    Span(millis=1): "millisecond milliseconds ms",
    Span(millis=SECOND): "second seconds sec s",
    Span(millis=MINUTE): "minute minutes min m",
    Span(millis=HOUR): "hour hours h",
    Span(days=1, period=True): "day days d",
    Span(days=7, period=True): "week weeks w",
    Span(months=1, period=True): "month months mo",
    Span(months=3, period=True): "quarter quarters q",
    Span(months=12, period=True): "year years yr y",
}
UNITS = {name: span for span, names in _NAMES.items() for name in names.split()}
"""Spans by the names of their units, in lower case."""


def span_of(text: str, period: bool | None = None) -> Span | None:
    """The span that a text such as ``3 days`` stands for; None where it is none, or not of the kind that is wanted."""
    found = re.fullmatch(r"\s*(-?\d+)\s+([A-Za-z]+)\s*", text)
    unit = UNITS.get(found[2].lower()) if found else None
    return None if found is None or unit is None or period not in (None, unit.period) else unit * int(found[1])


def moment(millis: int) -> dt.datetime:
    """A moment as a time of UTC. Raises NotReadable outside the years 1 to 9999, which are all that is known here."""
    if not _EARLIEST <= millis <= _LATEST:
        raise NotReadable(_OUTSIDE)
    return _EPOCH + dt.timedelta(milliseconds=millis)


def millis_of(when: dt.datetime) -> int:
    return (when.replace(tzinfo=None) - _EPOCH) // dt.timedelta(milliseconds=1)


def shifted(millis: int, span: Span) -> int:
    """A moment later by a span; a day that a month lacks is its last one (java.time.LocalDate, plusMonths)."""
    when = moment(millis)
    if span.months:
        index = when.year * 12 + when.month - 1 + span.months
        year, month = divmod(index, 12)
        if not 1 <= year <= 9999:
            raise NotReadable(_OUTSIDE)
        when = when.replace(year=year, month=month + 1, day=min(when.day, _days_of(year, month + 1)))
    return millis_of(when) + span.days * DAY + span.millis


def _days_of(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def truncated(millis: int, span: Span) -> int:
    """Where the span that a moment lies in begins. Raises NotReadable for spans that are not known here."""
    if span.months and not span.days:
        if span.months < 0 or (12 % span.months and span.months != 12):
            raise NotReadable(f"truncation to {span.months} months")
        when = moment(millis)
        return millis_of(dt.datetime(when.year, (when.month - 1) // span.months * span.months + 1, 1))
    length = span.days * DAY + span.millis
    if span.months or length <= 0:
        raise NotReadable("truncation to a span that is mixed, or not positive")
    monday = 4 * DAY if span.period and span.days == 7 else 0
    return (millis - monday) // length * length + monday


_HUMAN = [UNITS["month"], UNITS["week"], UNITS["day"]] + [
    Span(millis=m)
    for m in (12 * HOUR, 3 * HOUR, HOUR, 30 * MINUTE, 10 * MINUTE, 5 * MINUTE, MINUTE, 30 * SECOND, 10 * SECOND, 5 * SECOND, SECOND)
] + [Span(millis=m) for m in (100, 50, 10, 1)]  # fmt: skip


def bucket_span(buckets: int, start: int, end: int) -> Span:
    """The shortest span of those that people use of which so many buckets cover a range (Bucket.java, roundingIsOk)."""
    best = UNITS["year"]
    for span in _HUMAN:
        reached = truncated(start, span)
        for _ in range(buckets):
            reached = truncated(shifted(reached, span), span)
            if reached >= end:
                break
        if reached < end:
            return best
        best = span
    return best


# --- differences and parts

_SPANS: dict[str, tuple[int, str]] = {
    "millisecond": (1, "milliseconds ms"), "second": (SECOND, "seconds ss s"), "minute": (MINUTE, "minutes mi n"),
    "hour": (HOUR, "hours hh"), "day": (DAY, "days dd d"), "dayofyear": (DAY, "dy y"), "weekday": (DAY, "weekdays dw"),
    "week": (7 * DAY, "weeks wk ww"),
}  # fmt: skip
_MONTHS = {"month": (1, "months mm m"), "quarter": (3, "quarters qq q"), "year": (12, "years yyyy yy")}
_BY_MILLIS = {name: length for unit, (length, names) in _SPANS.items() for name in (unit, *names.split())}
_BY_MONTHS = {name: count for unit, (count, names) in _MONTHS.items() for name in (unit, *names.split())}


_BY_NANOS = {"nanosecond": 1, "nanoseconds": 1, "ns": 1, "microsecond": 1000, "microseconds": 1000, "mcs": 1000}


def difference(unit: str, start: int, end: int) -> int | None:
    """How many whole units lie between two moments; None where the number is no integer (DATE_DIFF).

    Raises:
        NotReadable: for a unit that is not known.
    """
    name = unit.lower()
    if name in _BY_NANOS:
        found = (end - start) * 1_000_000 // _BY_NANOS[name]
    elif name in _BY_MILLIS:
        length = _BY_MILLIS[name]
        found = abs(end - start) // length * (1 if end >= start else -1)
    elif name in _BY_MONTHS:
        one, two = moment(start), moment(end)
        months = (two.year - one.year) * 12 + two.month - one.month
        rest = (two - two.replace(day=1, hour=0, minute=0, second=0, microsecond=0)) - (
            one - one.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        )
        months -= 1 if months > 0 and rest < dt.timedelta(0) else -1 if months < 0 and rest > dt.timedelta(0) else 0
        found = abs(months) // _BY_MONTHS[name] * (1 if months >= 0 else -1)
    else:
        raise NotReadable(f"the unit {unit} of DATE_DIFF")
    return found if -(2**31) <= found < 2**31 else None


_PARTS: dict[str, Callable[[dt.datetime], int]] = {
    "year": lambda w: w.year,
    "year_of_era": lambda w: w.year,
    "era": lambda w: 1,
    "month_of_year": lambda w: w.month,
    "proleptic_month": lambda w: w.year * 12 + w.month - 1,
    "day_of_month": lambda w: w.day,
    "day_of_week": lambda w: w.isoweekday(),
    "day_of_year": lambda w: w.timetuple().tm_yday,
    "aligned_week_of_month": lambda w: (w.day - 1) // 7 + 1,
    "aligned_week_of_year": lambda w: (w.timetuple().tm_yday - 1) // 7 + 1,
    "aligned_day_of_week_in_month": lambda w: (w.day - 1) % 7 + 1,
    "aligned_day_of_week_in_year": lambda w: (w.timetuple().tm_yday - 1) % 7 + 1,
    "ampm_of_day": lambda w: w.hour // 12,
    "hour_of_day": lambda w: w.hour,
    "hour_of_ampm": lambda w: w.hour % 12,
    "clock_hour_of_day": lambda w: w.hour or 24,
    "clock_hour_of_ampm": lambda w: w.hour % 12 or 12,
    "minute_of_hour": lambda w: w.minute,
    "minute_of_day": lambda w: w.hour * 60 + w.minute,
    "second_of_minute": lambda w: w.second,
    "second_of_day": lambda w: w.hour * 3600 + w.minute * 60 + w.second,
    "milli_of_second": lambda w: w.microsecond // 1000,
    "milli_of_day": lambda w: millis_of(w) % DAY,
    "micro_of_second": lambda w: w.microsecond,
    "micro_of_day": lambda w: millis_of(w) % DAY * 1000,
    "nano_of_second": lambda w: w.microsecond * 1000,
    "nano_of_day": lambda w: millis_of(w) % DAY * 1_000_000,
    "epoch_day": lambda w: millis_of(w) // DAY,
    "instant_seconds": lambda w: millis_of(w) // 1000,
    "offset_seconds": lambda w: 0,
}


def part(name: str, millis: int) -> int:
    """A part of a moment (DATE_EXTRACT). Raises NotReadable for one that is not known."""
    found = _PARTS.get(name.lower())
    if found is None:
        raise NotReadable(f"the part {name} of DATE_EXTRACT")
    return found(moment(millis))


# --- texts

_ISO = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?")


def _offset(text: str | None) -> int:
    if not text or text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    return (int(digits[:2]) * HOUR + int(digits[2:] or 0) * MINUTE) * (-1 if text[0] == "-" else 1)


def parsed(text: str) -> int | None:
    """The moment of a text in ISO form, cut to milliseconds; None where it is none (strict_date_optional_time)."""
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found[n] or default) for n, default in zip(range(1, 7), (1, 1, 1, 0, 0, 0), strict=True))
    try:
        when = dt.datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    return millis_of(when) + int((found[7] or "").ljust(3, "0")[:3]) - _offset(found[8])


def iso(millis: int) -> str:
    """A moment in ISO form with milliseconds, as Elasticsearch writes dates."""
    when = moment(millis)
    return f"{when.year:04}-{when:%m-%dT%H:%M:%S}.{millis % 1000:03}Z"


_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTH_NAMES = "January February March April May June July August September October November December".split()
_FORMATS: dict[str, Callable[[dt.datetime], str]] = {
    "yyyy": lambda w: f"{w.year:04}", "uuuu": lambda w: f"{w.year:04}", "y": lambda w: str(w.year), "u": lambda w: str(w.year),
    "yy": lambda w: f"{w.year % 100:02}", "uu": lambda w: f"{w.year % 100:02}", "YYYY": lambda w: f"{w.isocalendar().year:04}",
    "MM": lambda w: f"{w.month:02}", "M": lambda w: str(w.month), "MMM": lambda w: _MONTH_NAMES[w.month - 1][:3],
    "MMMM": lambda w: _MONTH_NAMES[w.month - 1], "dd": lambda w: f"{w.day:02}", "d": lambda w: str(w.day),
    "DDD": lambda w: f"{w.timetuple().tm_yday:03}", "HH": lambda w: f"{w.hour:02}", "H": lambda w: str(w.hour),
    "hh": lambda w: f"{w.hour % 12 or 12:02}", "h": lambda w: str(w.hour % 12 or 12), "mm": lambda w: f"{w.minute:02}",
    "m": lambda w: str(w.minute), "ss": lambda w: f"{w.second:02}", "s": lambda w: str(w.second),
    "S": lambda w: f"{w.microsecond:06}"[:1], "SS": lambda w: f"{w.microsecond:06}"[:2], "SSS": lambda w: f"{w.microsecond:06}"[:3],
    "EEE": lambda w: _DAYS[w.weekday()][:3], "E": lambda w: _DAYS[w.weekday()][:3], "EEEE": lambda w: _DAYS[w.weekday()],
    "e": lambda w: str(w.isoweekday() % 7 + 1), "a": lambda w: "PM" if w.hour > 11 else "AM", "X": lambda w: "Z", "XX": lambda w: "Z",
    "XXX": lambda w: "Z", "Z": lambda w: "+0000", "x": lambda w: "+00", "xx": lambda w: "+0000", "xxx": lambda w: "+00:00",
}  # fmt: skip
_READ = {
    "yyyy": r"(?P<year>\d{4})", "uuuu": r"(?P<year>\d{4})", "MM": r"(?P<month>\d\d)", "M": r"(?P<month>\d{1,2})",
    "MMM": rf"(?P<name>{'|'.join(n[:3] for n in _MONTH_NAMES)})", "MMMM": rf"(?P<name>{'|'.join(_MONTH_NAMES)})",
    "dd": r"(?P<day>\d\d)", "d": r"(?P<day>\d{1,2})", "HH": r"(?P<hour>\d\d)", "H": r"(?P<hour>\d{1,2})", "mm": r"(?P<minute>\d\d)",
    "m": r"(?P<minute>\d{1,2})", "ss": r"(?P<second>\d\d)", "s": r"(?P<second>\d{1,2})", "S": r"(?P<part>\d)", "SS": r"(?P<part>\d\d)",
    "SSS": r"(?P<part>\d{3})", "SSSSSS": r"(?P<part>\d{6})", "X": r"(?P<zone>Z|[+-]\d\d(?:\d\d)?)", "XX": r"(?P<zone>Z|[+-]\d{4})",
    "XXX": r"(?P<zone>Z|[+-]\d\d:\d\d)", "Z": r"(?P<zone>[+-]\d{4})", "x": r"(?P<zone>[+-]\d\d(?:\d\d)?)", "xx": r"(?P<zone>[+-]\d{4})",
    "xxx": r"(?P<zone>[+-]\d\d:\d\d)",
}  # fmt: skip
_TOKENS = re.compile(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|([\s\S])")


def formatted(pattern: str, millis: int) -> str:
    """A moment in a format of Java. Raises NotReadable for a letter that is not known here."""
    when = moment(millis)
    found = []
    for quoted, letters, _, plain in _TOKENS.findall(pattern):
        if letters and letters not in _FORMATS:
            raise NotReadable(f"the letters {letters} of a date's format")
        found.append(_FORMATS[letters](when) if letters else plain or quoted.replace("''", "'") or "'")
    return "".join(found)


def parsed_by(pattern: str, text: str) -> int | None:
    """The moment of a text in a format of Java; None where it is not of that format. Raises NotReadable as ``formatted`` does."""
    regex = ""
    for quoted, letters, _, plain in _TOKENS.findall(pattern):
        if letters and letters not in _READ:
            raise NotReadable(f"the letters {letters} of a date's format")
        regex += _READ[letters] if letters else re.escape(plain or quoted.replace("''", "'") or "'")
    try:
        found = re.fullmatch(regex, text, re.ASCII)
    except re.error:
        raise NotReadable(f"the format {pattern}") from None
    if found is None:
        return None
    read = {k: v for k, v in found.groupdict().items() if v is not None}
    if "year" not in read:
        raise NotReadable(f"the format {pattern}, which has no year")
    months = [n[: len(read["name"])] for n in _MONTH_NAMES] if "name" in read else []
    month = months.index(read["name"]) + 1 if months else int(read.get("month", 1))
    try:
        hour, minute, second = (int(read.get(p, 0)) for p in ("hour", "minute", "second"))
        when = dt.datetime(int(read["year"]), month, int(read.get("day", 1)), hour, minute, second)
    except ValueError:
        return None
    return millis_of(when) + int(read.get("part", "").ljust(3, "0")[:3]) - _offset(read.get("zone"))
