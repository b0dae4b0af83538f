"""Plugins that count ids along a timeline, over rows of Python.

Source of each: learn.microsoft.com/kusto/query, its page. What a page leaves open is refused, or read as the docstring says.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from translator.plan.functions.aggregation import percentile
from translator.plan.functions.datetimes import startofmonth, startofweek, startofyear
from translator.plan.functions.values import EPOCH, timespan_text
from translator.plan.types import Type

_FROM_YEAR_ONE = 621_355_968_000_000_000
"""Ticks from 0001-01-01, from where bin() counts, to 1970-01-01, from where times here do."""

_CALENDAR: Mapping[str, Callable[[dt.datetime, int], dt.datetime]] = {"week": startofweek, "month": startofmonth, "year": startofyear}
Row: TypeAlias = tuple[str, Any, tuple[str, ...]]
"""The id and the dimensions as JSON, so that any value can be one, and the time between them as a number."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a plugin is given.

    Attributes:
        rows: for each row the id, or the value, the time, and the dimensions; times and timespans are ticks, datetimes since 1970.
        kinds: the types of the first two.
        constants: the other arguments by name.
    """

    rows: list[list[Any]]
    kinds: tuple[Type, ...]
    constants: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        found = self.constants[name]
        if found is None:
            raise ValueError(f"the argument {name} of a plugin is null")
        return found

    def events(self) -> Iterator[Row]:
        """The rows that have an id and a time."""
        for subject, time, *dimensions in self.rows:
            if subject is not None and time is not None:
                yield json.dumps(subject), time, tuple(json.dumps(d) for d in dimensions)

    def within(self) -> Iterator[Row]:
        """The events from start to end, both included."""
        start, end = self["start"], self["end"]
        return (event for event in self.events() if start <= event[1] <= end)

    def shown(self, number: Any, kind: Type) -> Any:
        """A number as the value of its type."""
        if kind == Type.DATETIME:
            moment = EPOCH + dt.timedelta(microseconds=number // 10)
            return f"{moment:%Y-%m-%dT%H:%M:%S.%f}{number % 10}Z"
        return timespan_text(number) if kind == Type.TIMESPAN else number

    def row(self, times: tuple[Any, ...], dimensions: tuple[str, ...], *metrics: Any) -> list[Any]:
        return [*(self.shown(t, self.kinds[1]) for t in times), *map(json.loads, dimensions), *metrics]


class _Steps:
    """The windows of an analysis: from its start on in equal steps, or by the calendar."""

    def __init__(self, given: Input) -> None:
        self.start, self.step = given["start"], given["step"]
        if isinstance(self.step, str):
            if self.step not in _CALENDAR or given.kinds[1] != Type.DATETIME:
                raise ValueError(
                    f"the step of a timeline is a number, a timespan, or 'week', 'month' or 'year' of datetimes: not {self.step!r}"
                )
        elif self.step <= 0:
            raise ValueError("the step of a timeline is greater than zero")

    def of(self, time: Any, offset: int = 0) -> Any:
        """The start of the window that holds ``time``, or of one ``offset`` windows away."""
        if isinstance(self.step, str):
            moment = EPOCH + dt.timedelta(microseconds=time // 10)
            return round((_CALENDAR[self.step](moment, offset) - EPOCH) / dt.timedelta(microseconds=1)) * 10
        index = (time - self.start) // self.step
        if isinstance(self.step, float) or isinstance(time, float):
            index = math.floor((time - self.start) / self.step + 1e-9)
        return self.start + (index + offset) * self.step

    def until(self, end: Any) -> list[Any]:
        """All windows from the start to that of ``end``."""
        windows = [self.of(self.start)]
        while (following := self.of(windows[-1], 1)) <= end:
            windows.append(following)
        return windows

    def sliding(self, length: Any, name: str) -> int:
        """How many steps a sliding window of that length has, rounded down."""
        if isinstance(self.step, str):
            raise ValueError(f"how a window of {self.step}s slides is not documented")
        if length < self.step:
            raise ValueError(f"{name} is shorter than a step")
        return int(length // self.step)


def _rates(kept: int, of: int) -> tuple[Any, Any]:
    """The rates of retention and churn: of an empty group no numbers, which JSON has as texts alone."""
    return (kept / of, 1 - kept / of) if of else ("NaN", "NaN")


_Ids: TypeAlias = "defaultdict[tuple[tuple[str, ...], Any], set[str]]"


def _by_window(events: Iterator[Row], steps: _Steps) -> _Ids:
    """The ids of each window that has some, by dimensions."""
    found: _Ids = defaultdict(set)
    for subject, time, dimensions in events:
        found[dimensions, steps.of(time)].add(subject)
    return found


def activity_metrics(given: Input) -> list[list[Any]]:
    """Each window against the one before it. A window without an id has no row; the one behind it has nobody to retain."""
    steps = _Steps(given)
    windows = _by_window(given.within(), steps)
    out = []
    for (dimensions, window), ids in sorted(windows.items()):
        before = windows.get((dimensions, steps.of(window, -1)), set())
        kept = len(ids & before)
        out.append(given.row((window,), dimensions, len(ids), len(ids) - kept, *_rates(kept, len(before))))
    return out


def new_activity_metrics(given: Input) -> list[list[Any]]:
    """Each window's new ids, which no window before it has, in every window from it on; a window without new ids is no cohort.

    Ids of the table that may be given count as seen before the start.
    """
    steps = _Steps(given)
    windows = _by_window(given.within(), steps)
    cohort = steps.of(given.constants["cohort"]) if given.constants.get("cohort") is not None else None
    known = {json.dumps(i) for i in given.constants.get("seen") or ()}
    every, out = steps.until(given["end"]), []
    for dimensions in sorted({d for d, _ in windows}):
        seen = set(known)
        for index, start in enumerate(every):
            new = windows.get((dimensions, start), set()) - seen
            through = seen | new
            for window in every[index:] if new and cohort in (None, start) else ():
                ids = windows.get((dimensions, window), set())
                kept = len(ids & new)
                fresh = len(ids - (seen if window == start else through))
                out.append(given.row((start, window), dimensions, fresh, kept, len(new) - kept, *_rates(kept, len(new))))
            seen = through
    return out


def activity_engagement(given: Input) -> list[list[Any]]:
    """The ids of each inner window among those of the outer one that ends with it, which may begin before the start."""
    inner, outer = given["inner"], given["outer"]
    steps = _Steps(Input(given.rows, given.kinds, {**given.constants, "step": inner}))
    size = steps.sliding(outer, "the outer window")
    if outer % inner:
        raise ValueError("the outer window is no multiple of the inner one")
    windows = _by_window((event for event in given.events() if event[1] <= given["end"]), steps)
    out = []
    for (dimensions, window), ids in sorted(windows.items()):
        if window >= given["start"]:
            around = set[str]().union(*(windows.get((dimensions, steps.of(window, -i)), ()) for i in range(size)))
            out.append(given.row((window,), dimensions, len(ids), len(around), len(ids) / len(around)))
    return out


def sliding_window_counts(given: Input) -> list[list[Any]]:
    """Rows and ids of each window with those before it, as far as the lookback goes, which may begin before the start.

    As the technique does that the page names, a window has a row where it, or one of these before it, has one.
    """
    steps, end = _Steps(given), given["end"]
    size = steps.sliding(given["lookback"], "the lookback")
    counts: defaultdict[tuple[tuple[str, ...], Any], int] = defaultdict(int)
    ids: _Ids = defaultdict(set)
    for subject, time, *rest in given.rows:
        if time is None or time > end or steps.of(time, size - 1) < given["start"]:
            continue
        dimensions = tuple(json.dumps(d) for d in rest)
        for offset in range(size):
            window = steps.of(time, offset)
            if given["start"] <= window <= end:
                counts[dimensions, window] += 1
                if subject is not None:
                    ids[dimensions, window].add(json.dumps(subject))
    return [given.row((key[1],), key[0], count, len(ids[key])) for key, count in sorted(counts.items())]


def active_users_count(given: Input) -> list[list[Any]]:
    """The ids of each window that were seen there in enough periods of the lookback that ends with the appearance.

    A lookback of eight days is the eight days that end with it: the page's own result leaves out what is older by that much exactly.
    """
    steps, period, least = _Steps(given), given["period"], given["least"]
    zero = _FROM_YEAR_ONE if given.kinds[1] == Type.DATETIME else 0
    if period <= 0 or (given["start"] + zero) % period:
        raise ValueError("where a period starts is not documented, but of a start that is a multiple of it")
    times: defaultdict[tuple[tuple[str, ...], str], list[Any]] = defaultdict(list)
    for subject, time, dimensions in given.events():
        times[dimensions, subject].append(time)
    active: _Ids = defaultdict(set)
    for (dimensions, subject), seen in times.items():
        seen.sort()
        for time in seen[bisect_left(seen, given["start"]) : bisect_right(seen, given["end"])]:
            around = seen[bisect_right(seen, time - given["lookback"]) : bisect_right(seen, time)]
            if len({(t + zero) // period for t in around}) >= least:
                active[dimensions, steps.of(time)].add(subject)
    return [given.row((window,), dimensions, len(ids)) for (dimensions, window), ids in sorted(active.items())]


def rolling_percentile(given: Input) -> list[list[Any]]:
    """The percentile of each bin's values with those of the bins before it."""
    step, size, rank = given["step"], given["bins"], given["percentile"]
    zero = _FROM_YEAR_ONE if given.kinds[1] == Type.DATETIME else 0
    if step <= 0 or size < 1:
        raise ValueError("rolling_percentile() needs a size of its bins, and at least one in a window")
    bins: defaultdict[tuple[str, ...], defaultdict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for value, time, *slices in given.rows:
        if value is not None and time is not None:
            bins[tuple(json.dumps(d) for d in slices)][int((time + zero) // step)].append(value)
    every = {place for places in bins.values() for place in places}
    if any(len(places) != max(every) - min(every) + 1 for places in bins.values()):
        raise ValueError("whether a bin without values has a row of rolling_percentile() is not documented")
    out = []
    for dimensions, places in sorted(bins.items()):
        for place in sorted(places):
            values = [v for i in range(place - size + 1, place + 1) for v in places.get(i, ())]
            out.append(given.row((place * step - zero,), dimensions, given.shown(percentile(values, rank), given.kinds[0])))
    return out


PLUGINS: Mapping[str, Callable[[Input], list[list[Any]]]] = {
    f.__name__: f
    for f in (
        active_users_count, activity_engagement, activity_metrics, new_activity_metrics, rolling_percentile, sliding_window_counts,
    )
}  # fmt: skip
