"""Times in ticks, ranges of them and of numbers, and the steps of make-series."""

from __future__ import annotations

import datetime as dt
from typing import Any

from translator.plan.functions.values import DAY, EPOCH, TICKS, text_of, timespan_text
from translator.plan.types import Type


def day_of_week(moment: dt.datetime) -> int:
    """The time since the last Sunday's beginning, whole days, in ticks."""
    return (moment.weekday() + 1) % 7 * DAY


SERIES_LIMIT = 1_048_576
"""Values of an array: learn.microsoft.com/kusto/query/make-series-operator and range-function."""


def _split(ticks: int) -> tuple[dt.datetime, int]:
    """Ticks since 1970 as whole microseconds, and the tick that is left."""
    return EPOCH + dt.timedelta(microseconds=ticks // 10), ticks % 10


def _ticks(moment: dt.datetime) -> int:
    return (moment - EPOCH) // dt.timedelta(microseconds=1) * 10


def format_ticks(ticks: int, text: str) -> str:
    """``format_datetime`` of a time in ticks since 1970."""
    from translator.plan.functions.datetimes import format_datetime

    moment, rest = _split(ticks)
    return format_datetime(moment, text, rest)


def add_to_ticks(period: str, amount: int, ticks: int) -> int | None:
    """``datetime_add`` of a time in ticks since 1970."""
    from translator.plan.functions.datetimes import datetime_add

    if period.lower() == "nanosecond":
        return ticks + amount // 100
    moment, rest = _split(ticks)
    moved = datetime_add(period, amount, moment)
    return None if moved is None else _ticks(moved) + rest


def ticks_of(year: int, month: int, day: int, hour: int, minute: int, second: float) -> int | None:
    """``make_datetime`` in ticks since 1970."""
    from translator.plan.functions.datetimes import make_datetime

    whole = make_datetime(year, month, day, hour, minute, 0.0)
    return _ticks(whole) + round(second * TICKS) if whole is not None and 0 <= second < 60 else None


def series_of(pairs: Any, size: int, default: Any) -> Any:
    """The values of make-series from pairs of index and value."""
    if size > SERIES_LIMIT:
        raise ValueError(f"make-series gives arrays of {SERIES_LIMIT:,} values at most, and {size:,} are asked for")
    out = [default] * size
    for index, value in pairs or []:
        if 0 <= index < size:
            out[index] = value
    return out


def axis_of(start: float, step: float, size: int, kind: str) -> Any:
    """The axis of make-series, ``kind`` the type of its values; ``start`` and ``step`` in microseconds where that is datetime."""
    values = [start + i * step for i in range(size)]
    match Type(kind):
        case Type.DATETIME:
            return [text_of(EPOCH + dt.timedelta(microseconds=v)) for v in values]
        case Type.TIMESPAN:
            return [timespan_text(int(v)) for v in values]
        case Type.REAL:
            return values
    return [int(v) for v in values]


def range_of(start: Any, stop: Any, step: Any) -> Any:
    """``range()``: at most ``SERIES_LIMIT`` values."""
    if not step or (stop - start) / step < 0:
        return []
    return [start + i * step for i in range(min(SERIES_LIMIT, int((stop - start) / step + 1e-9) + 1))]


def range_of_moments(start: dt.datetime, stop: dt.datetime, step: int) -> Any:
    """``range()`` over datetimes, the step in ticks."""
    micros = step // 10
    a, b = (int((m - EPOCH) / dt.timedelta(microseconds=1)) for m in (start, stop))
    return [text_of(EPOCH + dt.timedelta(microseconds=m)) for m in range_of(a, b, micros)]


def range_of_spans(start: int, stop: int, step: int) -> Any:
    """``range()`` over timespans, all of them ticks."""
    return [timespan_text(t) for t in range_of(start, stop, step)]
