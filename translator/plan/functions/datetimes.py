"""Dates, times and timespans. Weeks begin on Sunday."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Mapping

from translator.plan.functions.declare import Family
from translator.plan.functions.values import DAY, EPOCH, TICKS, Dynamic

F = Family("datetimes")
F.declare("now(offset: timespan?) -> datetime", compiled=True)
F.declare("ago(timespan: timespan) -> datetime", compiled=True)
F.declare(
    "bin(value: number, roundTo: number) -> widest",
    "bin(value: timespan, roundTo: timespan) -> timespan",
    "bin(value: datetime, roundTo: datetime) -> datetime",
    "bin(value: datetime, roundTo: timespan) -> datetime",
    compiled=True,
    named="argument",
)
F.alias("floor", "bin")
F.declare(
    "bin_at(value: number, bin_size: number, fixed_point: number) -> widest",
    "bin_at(value: timespan, bin_size: number, fixed_point: timespan) -> timespan",
    "bin_at(value: timespan, bin_size: timespan, fixed_point: timespan) -> timespan",
    "bin_at(value: datetime, bin_size: summable, fixed_point: datetime) -> datetime",
    compiled=True,
    named="argument",
)
F.declare("startofday(date: datetime, offset: long?) -> datetime", compiled=True, named="argument")
F.declare("getyear(date: datetime) -> int", sql="EXTRACT(YEAR FROM $1)")
F.declare("getmonth(date: datetime) -> int", sql="EXTRACT(MONTH FROM $1)")
F.declare("monthofyear(date: datetime) -> int", sql="EXTRACT(MONTH FROM $1)")
F.declare("dayofmonth(date: datetime) -> int", sql="EXTRACT(DAY FROM $1)")
F.declare("hourofday(date: datetime) -> int", sql="EXTRACT(HOUR FROM $1)")
F.declare("ingestion_time() -> datetime", compiled=True, named="=$IngestionTime")
F.declare("around(value: scalar, center: scalar, delta: scalar) -> bool", compiled=True)


def _month(moment: dt.datetime, months: int) -> dt.datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _day(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _last(day: dt.datetime) -> dt.datetime:
    """The end of a day: one tick of 100 ns before the next, and here, where a datetime counts microseconds, one of these."""
    return day.replace(hour=23, minute=59, second=59, microsecond=999_999)


@F.scalar("startofweek(date: datetime, offset: long?) -> datetime")
def startofweek(moment: dt.datetime, offset: int = 0) -> dt.datetime:
    return _day(moment) - dt.timedelta(days=(moment.weekday() + 1) % 7) + dt.timedelta(weeks=offset)


@F.scalar("startofmonth(date: datetime, offset: long?) -> datetime")
def startofmonth(moment: dt.datetime, offset: int = 0) -> dt.datetime:
    return _month(_day(moment).replace(day=1), offset)


@F.scalar("startofyear(date: datetime, offset: long?) -> datetime")
def startofyear(moment: dt.datetime, offset: int = 0) -> dt.datetime:
    return _month(_day(moment).replace(day=1, month=1), 12 * offset)


@F.scalar("endofday(date: datetime, offset: long?) -> datetime")
def endofday(moment: dt.datetime, offset: int = 0) -> dt.datetime:
    return _last(moment + dt.timedelta(days=offset))


@F.scalar("endofweek(date: datetime, offset: long?) -> datetime")
def endofweek(moment: dt.datetime, offset: int = 0) -> dt.datetime:
    return _last(startofweek(moment, offset) + dt.timedelta(days=6))


@F.scalar("endofmonth(date: datetime, offset: long?) -> datetime")
def endofmonth(moment: dt.datetime, offset: int = 0) -> dt.datetime:
    first = startofmonth(moment, offset)
    return _last(first.replace(day=calendar.monthrange(first.year, first.month)[1]))


@F.scalar("endofyear(date: datetime, offset: long?) -> datetime")
def endofyear(moment: dt.datetime, offset: int = 0) -> dt.datetime:
    return _last(startofyear(moment, offset).replace(month=12, day=31))


F.declare("dayofweek(date: datetime) -> timespan", compiled=True)


@F.scalar("dayofyear(date: datetime) -> int")
def dayofyear(moment: dt.datetime) -> int:
    return moment.timetuple().tm_yday


@F.scalar("week_of_year(date: datetime) -> int")
def week_of_year(moment: dt.datetime) -> int:
    return moment.isocalendar().week


@F.scalar("weekofyear(date: datetime) -> int")
def weekofyear(moment: dt.datetime) -> int:
    return moment.isocalendar().week


_PARTS = {
    "year": lambda d: d.year, "quarter": lambda d: (d.month + 2) // 3, "month": lambda d: d.month,
    "week_of_year": lambda d: d.isocalendar().week, "weekofyear": lambda d: d.isocalendar().week, "day": lambda d: d.day,
    "dayofyear": lambda d: d.timetuple().tm_yday, "day_of_year": lambda d: d.timetuple().tm_yday, "hour": lambda d: d.hour,
    "minute": lambda d: d.minute, "second": lambda d: d.second, "millisecond": lambda d: d.microsecond // 1000,
    "microsecond": lambda d: d.microsecond, "nanosecond": lambda d: d.microsecond * 1000,
}  # fmt: skip


_COMMON = ("year", "quarter", "month", "day", "hour", "minute", "second", "millisecond", "microsecond", "nanosecond")
"""Parts of a moment that the functions of parts have in common; each has others besides. Source: what Kusto.Language 12.4.1 refuses."""


@F.scalar("datetime_part(part: constant string, date: datetime) -> int", words={0: (*_COMMON, "week_of_year", "dayofyear")})
def datetime_part(part: str, moment: dt.datetime) -> int | None:
    read = _PARTS.get(part.lower())
    return read(moment) if read else None


F.alias("datepart", "datetime_part")


@F.scalar("datetime_add(part: string, value: integer, datetime: datetime) -> datetime", words={0: (*_COMMON, "week")})
def datetime_add(period: str, amount: int, moment: dt.datetime) -> dt.datetime | None:
    period = period.lower()
    months = {"year": 12, "quarter": 3, "month": 1}.get(period)
    if months:
        return _month(moment, months * amount)
    seconds = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}.get(period)
    if seconds:
        return moment + dt.timedelta(seconds=seconds * amount)
    micros = {"millisecond": 1_000.0, "microsecond": 1.0, "nanosecond": 1e-3}.get(period)
    return moment + dt.timedelta(microseconds=micros * amount) if micros else None


@F.scalar("datetime_diff(part: constant string, datetime1: datetime, datetime2: datetime) -> long", words={0: (*_COMMON, "week")})
def datetime_diff(period: str, later: dt.datetime, earlier: dt.datetime) -> int | None:
    """The number of boundaries of ``period`` between the two."""
    period = period.lower()
    months = (later.year * 12 + later.month) - (earlier.year * 12 + earlier.month)
    match period:
        case "year":
            return later.year - earlier.year
        case "quarter":
            return (later.year * 4 + (later.month - 1) // 3) - (earlier.year * 4 + (earlier.month - 1) // 3)
        case "month":
            return months
        case "week":
            return (startofweek(later) - startofweek(earlier)).days // 7
    micros = {
        "day": 86_400_000_000, "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000, "millisecond": 1_000, "microsecond": 1,
    }.get(period)  # fmt: skip
    a, b = (((d - EPOCH) // dt.timedelta(microseconds=1)) for d in (later, earlier))
    if micros:
        return a // micros - b // micros
    return (a - b) * 1000 if period == "nanosecond" else None


@F.scalar(
    "make_datetime(year: number, month: number, day: number, hour: number?, minute: number?, second: number?) -> datetime",
    "make_datetime(value: scalar) -> datetime",
    named="only",
)
def make_datetime(
    year: Dynamic, month: int | None = None, day: int | None = None, hour: int = 0, minute: int = 0, second: float = 0.0
) -> dt.datetime | None:
    try:
        moment = dt.datetime(int(year), month or 1, day or 1, hour, minute)
    except ValueError:
        return None
    micros = round(second * 1e7) / 10
    if not micros.is_integer():
        raise ValueError("the engine counts microseconds, and this datetime has a fraction of one")
    return moment + dt.timedelta(microseconds=micros) if 0 <= second < 60 else None


@F.scalar(
    "make_timespan(days: integer, hours: integer, minutes: integer, seconds: number) -> timespan",
    "make_timespan(hours: integer, minutes: integer, seconds: number?) -> timespan",
    "make_timespan(value: scalar) -> timespan",
    named="only",
)
def make_timespan(first: Dynamic, second: Dynamic = None, third: Dynamic = None, fourth: Dynamic = None) -> int | None:
    given = [p for p in (first, second, third, fourth) if p is not None]
    days, hours, minutes, seconds = (0, *given, 0)[:4] if len(given) == 2 else (0, *given) if len(given) == 3 else (*given, 0, 0, 0)[:4]
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60):
        return None
    return int(days) * DAY + (int(hours) * 3600 + int(minutes) * 60) * TICKS + round(float(seconds) * TICKS)


_DATETIME_FORMAT = re.compile(r"yyyy|yy?|MMM?M?|M|dd?d?d?|HH?|hh?|mm?|ss?|f{1,7}|F{1,7}|tt|'[^']*'|\\.|.", re.S)


_LETTERS: Mapping[str, Callable[[dt.datetime], str]] = {
    "yyyy": lambda moment: f"{moment.year:04}",
    "yy": lambda moment: f"{moment.year % 100:02}",
    "y": lambda moment: str(moment.year % 100),
    "MMMM": lambda moment: calendar.month_name[moment.month],
    "MMM": lambda moment: calendar.month_abbr[moment.month],
    "MM": lambda moment: f"{moment.month:02}",
    "M": lambda moment: str(moment.month),
    "dd": lambda moment: f"{moment.day:02}",
    "d": lambda moment: str(moment.day),
    "HH": lambda moment: f"{moment.hour:02}",
    "H": lambda moment: str(moment.hour),
    "hh": lambda moment: f"{(moment.hour - 1) % 12 + 1:02}",
    "h": lambda moment: str((moment.hour - 1) % 12 + 1),
    "mm": lambda moment: f"{moment.minute:02}",
    "m": lambda moment: str(moment.minute),
    "ss": lambda moment: f"{moment.second:02}",
    "s": lambda moment: str(moment.second),
    "tt": lambda moment: "AM" if moment.hour < 12 else "PM",
}
"""What the letters of a format stand for, but for those of parts of a second (learn.microsoft.com/kusto/query/format-datetime-function)."""


@F.scalar("format_datetime(date: datetime, format: constant string) -> string", named="argument")
def format_datetime(moment: dt.datetime, text: str, tick: int = 0) -> str:
    """``tick`` is the last digit of the seven that a second has, which no datetime of Python holds."""
    digits = f"{moment.microsecond:06}{tick}"

    def one(token: str) -> str:
        if (part := _LETTERS.get(token)) is not None:
            return part(moment)
        if token[0] == "f":
            return digits[: len(token)]
        if token[0] == "F":
            return digits[: len(token)].rstrip("0")
        return token

    return "".join(one(t) for t in _DATETIME_FORMAT.findall(text))


@F.scalar("format_timespan(timespan: timespan, format: constant string) -> string", named="argument")
def format_timespan(span: int, text: str) -> str:
    sign, ticks = ("-", -span) if span < 0 else ("", span)
    days, rest = divmod(ticks, DAY)
    seconds, fraction = divmod(rest, TICKS)
    values = {"d": days, "H": seconds // 3600, "h": seconds // 3600, "m": seconds // 60 % 60, "s": seconds % 60}

    def one(token: str) -> str:
        if token[0] in values:
            return f"{values[token[0]]:0{len(token)}}"
        if token[0] in "fF":
            digits = f"{fraction:07}"[: len(token)]
            return digits if token[0] == "f" else digits.rstrip("0")
        return token

    return sign + "".join(one(t) for t in re.findall(r"d{1,8}|HH?|hh?|mm?|ss?|f{1,7}|F{1,7}|.", text))


def _from_unix(value: float, unit: float) -> dt.datetime | None:
    try:
        return EPOCH + dt.timedelta(microseconds=value * unit)
    except OverflowError:
        return None


@F.scalar("unixtime_seconds_todatetime(number: number) -> datetime")
def unixtime_seconds_todatetime(seconds: float) -> dt.datetime | None:
    return _from_unix(seconds, 1e6)


@F.scalar("unixtime_milliseconds_todatetime(number: number) -> datetime")
def unixtime_milliseconds_todatetime(milliseconds: float) -> dt.datetime | None:
    return _from_unix(milliseconds, 1e3)


@F.scalar("unixtime_microseconds_todatetime(number: number) -> datetime")
def unixtime_microseconds_todatetime(microseconds: float) -> dt.datetime | None:
    return _from_unix(microseconds, 1.0)


@F.scalar("unixtime_nanoseconds_todatetime(number: number) -> datetime")
def unixtime_nanoseconds_todatetime(nanoseconds: float) -> dt.datetime | None:
    return _from_unix(nanoseconds, 1e-3)


@F.scalar("datetime_utc_to_local(from: datetime, timezone: string) -> datetime")
def datetime_utc_to_local(moment: dt.datetime, zone: str) -> dt.datetime:
    import zoneinfo

    return moment.replace(tzinfo=dt.UTC).astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)


@F.scalar("datetime_local_to_utc(from: datetime, timezone: string) -> datetime")
def datetime_local_to_utc(moment: dt.datetime, zone: str) -> dt.datetime:
    import zoneinfo

    return moment.replace(tzinfo=zoneinfo.ZoneInfo(zone)).astimezone(dt.UTC).replace(tzinfo=None)


F.unsupported(
    """
    datetime_list_timezones() -> dynamic
    """
)
F.declare("bin_auto(value: summable) -> promoted", compiled=True, named="argument")
