"""The functions of stats and its kin.

Facts: Search Reference, "Aggregate functions", "Event order functions", "Multivalue stats and chart functions", "Time functions" (numbers
are compared as numbers, all else as texts; list keeps 100 values; values are sorted as texts; percentiles of fewer than 1000 values go by
the nearest rank, limits.conf perc_method).
"""

from __future__ import annotations

import collections
import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from translator.verify.reading import NotReadable, Row
from translator.verify.spl.values import Value, numeric, one, ordered, several, text, whole

Aggregate: TypeAlias = Callable[[Sequence[Row], Callable[[Row], Value]], Value]

_ALIASES = {"c": "count", "distinct_count": "dc", "mean": "avg"}

_PERCENTILE = re.compile(r"(perc|p|exactperc|upperperc)(\d+(?:\.\d+)?)")

KNOWN = frozenset(
    "count c dc distinct_count estdc values list first last earliest latest earliest_time latest_time mode min max sum avg mean median"
    " range stdev stdevp var varp sumsq rate".split()
)
"""The functions; percentiles are known as well."""


def is_known(function: str) -> bool:
    """Whether a function of ``stats`` is read, percentiles of any number among them."""
    return function in KNOWN or _PERCENTILE.fullmatch(function) is not None


def is_alias(function: str) -> bool:
    """Whether the name of a column without AS is not certain: the function has another name."""
    return function in _ALIASES or _PERCENTILE.fullmatch(function) is not None


def computed(function: str, events: Sequence[Row], value: Callable[[Row], Value]) -> Value:
    """What a function gives for events, in their order; null where it has no values, but for counts.

    Args:
        function: its name.
        events: the events.
        value: what it is computed of.

    Raises:
        NotReadable: where the documentation does not tell which of several values it is.
    """
    function = _ALIASES.get(function, function)
    if function in ("first", "last", "earliest", "latest", "earliest_time", "latest_time", "rate"):
        return _in_order(function, [(e, v) for e in events if (v := value(e)) is not None])
    values = [m for e in events for m in several(value(e))]
    if any(isinstance(v, bool) for v in values):
        raise NotReadable(f"{function} of a Boolean")
    match function:
        case "count":
            return len(values)
        case "dc":
            return len({text(v) for v in values})
        case "values":
            return one(sorted({text(v) for v in values}))
        case "list":
            return one([text(v) for v in values[:100]])
        case "mode":
            return _mode(values)
        case "min" | "max":
            return (min if function == "min" else max)(values, key=ordered) if values else None
        case "estdc":
            raise NotReadable("an estimate: estdc")
    numbers = [float(n) for v in values if (n := numeric(v)) is not None]
    if not numbers:
        return None
    return whole(_PLAIN[function](numbers)) if function in _PLAIN else _percentile(function, numbers)


def _deviation(population: bool, root: bool) -> Callable[[Sequence[float]], float]:
    def deviation(numbers: Sequence[float]) -> float:
        if len(numbers) == 1 and not population:
            raise NotReadable("the deviation of one value")
        found = statistics.pvariance(numbers) if population else statistics.variance(numbers)
        return math.sqrt(found) if root else found

    return deviation


_PLAIN: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda numbers: math.fsum(numbers) / len(numbers),
    "range": lambda numbers: max(numbers) - min(numbers),
    "sumsq": lambda numbers: math.fsum(n * n for n in numbers),
    "median": statistics.median,
    "stdev": _deviation(False, True),
    "stdevp": _deviation(True, True),
    "var": _deviation(False, False),
    "varp": _deviation(True, False),
}


def _percentile(function: str, numbers: list[float]) -> Value:
    found = _PERCENTILE.fullmatch(function)
    if found is None:
        raise NotReadable(f"the function {function}")
    if found[1] != "exactperc" and len(set(numbers)) >= 1000:
        raise NotReadable(f"an estimate: {function}")
    rank = math.ceil(float(found[2]) / 100 * len(numbers) - 1e-9)
    return whole(sorted(numbers)[max(rank, 1) - 1])


def _mode(values: list[object]) -> Value:
    counts = collections.Counter(map(text, values)).most_common(2)
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        raise NotReadable("the mode where two values are as frequent")
    return counts[0][0] if counts else None


def _in_order(function: str, pairs: list[tuple[Row, Value]]) -> Value:
    if not pairs:
        return None
    if function in ("first", "last"):
        found = pairs[0 if function == "first" else -1][1]
        if isinstance(found, list):
            raise NotReadable(f"{function} of several values")
        return found
    timed = [(t, v) for e, v in pairs if (t := numeric(e.get("_time"))) is not None]
    if len(timed) < len(pairs):
        raise NotReadable(f"{function} of events without _time")
    if function == "rate":
        (since, low), (until, high) = _end(timed, min), _end(timed, max)
        first, last = numeric(low), numeric(high)
        if first is None or last is None or since == until:
            raise NotReadable("rate of what is no two numbers")
        return whole((last - first) / (until - since))
    moment, found = _end(timed, min if function.startswith("earliest") else max)
    if function.endswith("_time"):
        return moment
    if isinstance(found, list):
        raise NotReadable(f"{function} of several values")
    return found


def _end(timed: list[tuple[float | int, Value]], choose: Callable[..., float | int]) -> tuple[float | int, Value]:
    """The first or last moment and its value."""
    moment = choose(t for t, _ in timed)
    found = [v for t, v in timed if t == moment]
    if any(v != found[0] for v in found):
        raise NotReadable("several values of the earliest or latest moment")
    return moment, found[0]
