"""Functions of dates.

Facts: "ES|QL date-time functions", "ES|QL grouping functions" (BUCKET), elastic.co/docs/reference/query-languages/esql/functions-operators/
date-time-functions, grouping-functions; of times, the facts of ``times.py``.
"""

from __future__ import annotations

from translator.verify.esql import times
from translator.verify.esql.functions import Compiled, Function, Given, applied, constant, fitted
from translator.verify.esql.maths import bucket_of_numbers
from translator.verify.esql.types import NUMBERS, Value
from translator.verify.reading import NotReadable

_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = "January February March April May June July August September October November December".split()


_MOST = 10_000
"""How many buckets of dates are counted."""


def _millis(kind: str, value: int) -> int:
    return value // 1_000_000 if kind == "date_nanos" else value


def _like(kind: str, millis: int) -> int:
    return millis * 1_000_000 if kind == "date_nanos" else millis


def _now(given: Given) -> Compiled:
    fitted("NOW() date", given)
    if given.now is None:
        raise NotReadable("NOW without a time to run at", given.at)
    return constant("date", given.now)


def _trunc(given: Given) -> Compiled:
    fit, kind = fitted("DATE_TRUNC(span, date) date", given)
    return _truncated(fit, fit.literal(0), 1, kind)


def _truncated(given: Given, span: Value, subject: int, kind: str) -> Compiled:
    of_type = given.types[subject] if given.types[subject] != "null" else kind
    first = Given(given.name, given.args[subject : subject + 1], given.nodes[subject : subject + 1], given.at, given.now)
    if span is None:
        return constant(of_type, None)
    if not isinstance(span, times.Span):
        raise given.rejected("wants a span of time")
    return applied(first, of_type, lambda value: _like(of_type, times.truncated(_millis(of_type, value), span)))


def _edge(given: Given, index: int) -> int:
    """An end of a range, which may be a text, in milliseconds."""
    value = given.literal(index)
    found = times.parsed(value) if isinstance(value, str) else _millis(given.types[index], value) if isinstance(value, int) else None
    if found is None:
        raise given.rejected(f"{value!r} is no date")
    return found


def _bucket(given: Given) -> Compiled:
    """BUCKET of dates by a span, or by so many spans in a range; of other things as numbers have it."""
    numbers = not given.args or given.types[0] in NUMBERS or (given.types[0] == "null" and given.types[-1] in NUMBERS)
    if numbers or len(given.args) < 2:
        return bucket_of_numbers(given)
    if len(given.args) == 2 and given.types[1] not in ("integer", "long"):
        fit, kind = fitted("BUCKET(date, span) date", given)
        return _truncated(fit, fit.literal(1), 0, kind)
    fit, kind = fitted("BUCKET(date, long, moment, moment) date", given)
    buckets, start, end = fit.literal(1), *(_edge(fit, n) for n in (2, 3))
    if not isinstance(buckets, int) or not 0 < buckets <= _MOST:
        raise NotReadable("BUCKET of dates with so many buckets", given.at)
    return _truncated(fit, times.bucket_span(buckets, start, end), 0, kind)


def _diff(given: Given) -> Compiled:
    fit, kind = fitted("DATE_DIFF(text, date, date) integer", given)
    one, two = fit.types[1:]
    return applied(fit, kind, lambda unit, start, end: times.difference(unit, _millis(one, start), _millis(two, end)))


def _extract(given: Given) -> Compiled:
    fit, kind = fitted("DATE_EXTRACT(text, date) long", given)
    return applied(fit, kind, lambda name, value: times.part(name, _millis(fit.types[1], value)))


def _format(given: Given) -> Compiled:
    if len(given.args) == 1:
        fit, kind = fitted("DATE_FORMAT(date) keyword", given)
        return applied(fit, kind, lambda value: times.iso(_millis(fit.types[0], value)))
    fit, kind = fitted("DATE_FORMAT(text, date) keyword", given)
    return applied(fit, kind, lambda pattern, value: times.formatted(pattern, _millis(fit.types[1], value)))


def _parse(given: Given) -> Compiled:
    if len(given.args) == 1:
        fit, kind = fitted("DATE_PARSE(text) date", given)
        return applied(fit, kind, times.parsed)
    fit, kind = fitted("DATE_PARSE(text, text) date", given)
    return applied(fit, kind, times.parsed_by)


def _named(names: list[str], day: bool) -> Function:
    def function(given: Given) -> Compiled:
        fit, kind = fitted(f"{given.name}(date) keyword", given)

        def run(value: int) -> str:
            when = times.moment(_millis(fit.types[0], value))
            return names[when.weekday() if day else when.month - 1]

        return applied(fit, kind, run)

    return function


def shifted(subject: Compiled, span: Compiled, backwards: bool) -> Compiled:
    """A date later or earlier by a span ("Operators", ``+`` and ``-`` of dates)."""
    kind = subject.type

    def of(row: dict[str, object]) -> Value:
        value, by = subject.of(row), span.of(row)
        if value is None or by is None or isinstance(value, list):
            return None
        moved = times.shifted(_millis(kind, value), -by if backwards else by)
        return moved * 1_000_000 + value % 1_000_000 if kind == "date_nanos" else moved

    return Compiled(kind, of, subject.constant and span.constant)


FUNCTIONS: dict[str, Function] = {
    "NOW": _now,
    "BUCKET": _bucket,
    "DATE_TRUNC": _trunc,
    "DATE_DIFF": _diff,
    "DATE_EXTRACT": _extract,
    "DATE_FORMAT": _format,
    "DATE_PARSE": _parse,
    "DAY_NAME": _named(_DAYS, True),
    "MONTH_NAME": _named(_MONTHS, False),
}
