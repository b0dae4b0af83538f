"""Moments and lengths of time in a query as sums: of the times of events, of now, and of seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from translator.detection.idioms.threat_intel import INDICATOR_TABLES
from translator.detection.model import DAY
from translator.detection.windows import TIME_COLUMNS, UNITS
from translator.plan import operators as o
from translator.plan.chosen import CHOOSING, OF_VALUES
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, children
from translator.plan.functions.values import EPOCH_TICKS, TICKS
from translator.plan.types import Type
from translator.targets.pipeline.reading import all_made


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment that lengths of time are counted from.

    ``sources`` are the uses of tables whose events it is the time of, of all of them for the time of ingestion. ``of`` tells apart what is
    no event's own: the aggregate that chose it, or the expression that makes it.
    """

    sources: frozenset[int] = frozenset()
    of: str | Expr = ""

    @property
    def is_event(self) -> bool:
        """Whether it is the time of events, or of their ingestion."""
        return bool(self.sources) or self.of == INGESTED


INGESTED = "ingested"
NOW = Moment(of="now")
EPOCH = Moment(of="1970")


@dataclass(frozen=True, slots=True)
class Sum:
    """A moment, a length of time or a number: a sum of moments, and of seconds (or a number) from ``low`` to ``high``."""

    moments: Mapping[Moment, float]
    low: float = 0
    high: float = 0

    def plus(self, other: Sum) -> Sum:
        """The sum of both; a moment and the same one taken away leave a length of time."""
        pairs = {m: (self.moments.get(m, 0), other.moments.get(m, 0)) for m in (*self.moments, *other.moments)}
        left = {m: a + b for m, (a, b) in pairs.items() if not math.isclose(a, -b)}
        return Sum(left, self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Sum:
        """The sum, so many times; below zero its bounds change places."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Sum({m: n * factor for m, n in self.moments.items() if factor}, low, high)

    def within(self, low: float, high: float) -> Sum:
        """The sum with a number of seconds from ``low`` to ``high`` added."""
        return replace(self, low=self.low + low, high=self.high + high)

    @property
    def number(self) -> float | None:
        """The one number that it is."""
        return self.low if not self.moments and self.low == self.high else None


_LENGTHS: Mapping[str, float] = MappingProxyType(
    {**UNITS, "month": 31 * DAY, "quarter": 92 * DAY, "year": 366 * DAY, "millisecond": 1e-3, "microsecond": 1e-6, "nanosecond": 1e-9}
)
"""Seconds of the parts of a time, the longest of those that differ."""

_BESIDE = frozenset({"prev", "next"})
_OF_THE_CLOCK = frozenset({"hourofday", "dayofweek", "%", "isnull", "isnotnull", "isempty", "isnotempty", "count", "dcount", "dcountif"})
"""What does not tell how old an event is."""


class Sums:
    """What the expressions of a plan are sums of."""

    def __init__(self, plan: o.Plan) -> None:
        columns = [c for c in o.parts(plan.root) if isinstance(c, Column) and c.source is not None]
        self.made = all_made(plan)
        self.stored = {
            c.id: c.source for c in columns if c.source is not None and c.name in TIME_COLUMNS and c.table not in INDICATOR_TABLES
        }
        self.found: dict[int, tuple[Expr, Sum | None]] = {}

    def of(self, expr: Expr) -> Sum | None:
        """The sum that an expression is; None where it is none that can be told."""
        if id(expr) not in self.found:  # expressions share parts
            found = self._of(expr)
            self.found[id(expr)] = expr, Sum({Moment(of=expr): 1.0}) if found is None and expr.type == Type.DATETIME else found
        return self.found[id(expr)][1]

    def _of(self, expr: Expr) -> Sum | None:
        match expr:
            case ColumnRef(column=column):
                return self._of_column(column)
            case Const(value=int(ticks), type=Type.TIMESPAN):
                return Sum({}, ticks / TICKS, ticks / TICKS)
            case Const(value=int(ticks), type=Type.DATETIME):
                return Sum({EPOCH: 1.0}).within(*[(ticks - EPOCH_TICKS) / TICKS] * 2)
            case Const(value=int(number) | float(number)) if expr.type != Type.BOOL:
                return Sum({}, number, number)
            case Apply(function="now", args=()):
                return Sum({NOW: 1.0})
            case Apply(function="ingestion_time"):
                return Sum({Moment(of=INGESTED): 1.0})
            case Apply(function=name, args=args):
                return self._of_call(expr, name, args)
        return None

    def _of_column(self, column: Column) -> Sum | None:
        if column.id in self.stored:
            return Sum({Moment(frozenset({self.stored[column.id]})): 1.0})
        match self.made.get(column.id):
            case None:
                return None
            case Items(items=items):  # of a union
                found = [self.of(x) for x in items]
                sources = [m.sources for s in found if s is not None for m, n in s.moments.items() if _is_own(s, m, n)]
                return Sum({Moment(frozenset().union(*sources)): 1.0}) if 0 < len(sources) == len(found) else None
            case made:
                return self.of(made)

    def _of_call(self, call: Apply, name: str, args: tuple[Expr, ...]) -> Sum | None:
        if (name in CHOOSING or name in _BESIDE) and args:
            below = self.of(args[0] if name in OF_VALUES or name in _BESIDE else args[-1])
            return None if below is None else replace(below, moments={_chosen(m, name): n for m, n in below.moments.items()})
        if name in ("datetime_diff", "datetime_add"):
            return self._of_parts(name, args)
        values = [self.of(a) for a in args]
        found = [v for v in values if v is not None]
        if not found or len(found) != len(values):
            return None
        first, *others = found
        second = others[0] if others else None
        number = None if second is None else second.number
        match name:
            case "now":
                return Sum({NOW: 1.0}).plus(first)
            case "ago":
                return Sum({NOW: 1.0}).plus(first.times(-1))
            case "+" | "-" if second is not None:
                return first.plus(second if name == "+" else second.times(-1))
            case "*" if second is not None and number is not None:
                return first.times(number)
            case "*" if second is not None and first.number is not None:
                return second.times(first.number)
            case "/" if number:
                whole = call.type in (Type.LONG, Type.INT)
                return first.times(1 / number).within(-whole, whole)
            case "neg":
                return first.times(-1)
            case "abs":
                return first.times(-1 if first.moments.get(NOW, 0) < 0 else 1)
            case "todatetime" | "totimespan" | "round" | "ceiling" | "floor" if not others:
                return first.within(-1, 1) if name in ("round", "ceiling", "floor") else first
            case "bin" | "floor" | "bin_at" if number:
                return first.within(-number, 0)
            case "tolong" | "toint" | "todouble" | "toreal" | "todecimal":
                if args[0].type in (Type.TIMESPAN, Type.DATETIME):
                    return first.times(TICKS)
                return first.within(-1, 1) if name in ("tolong", "toint") else first
            case "startofday" | "startofweek" | "startofmonth" | "startofyear":
                return _moved(first, _LENGTHS[name[7:]], number if others else 0, -1)
            case "endofday" | "endofweek" | "endofmonth" | "endofyear":
                return _moved(first, _LENGTHS[name[5:]], number if others else 0, 1)
        return None

    def _of_parts(self, name: str, args: tuple[Expr, ...]) -> Sum | None:
        match args:
            case (Const(value=str(unit)), one, other) if (length := _LENGTHS.get(unit.lower())) is not None:
                first, second = self.of(one), self.of(other)
                if first is None or second is None:
                    return None
                if name == "datetime_add":
                    return second.plus(first.times(length))
                return first.plus(second.times(-1)).times(1 / length).within(-1, 1)
        return None

    def tells_age(self, expr: Expr) -> bool:
        """Whether an expression is made of the time of events, more than of that of the day or the week."""
        todo, seen, parts = [expr], set[int](), set[int]()
        while todo:
            match todo.pop():
                case ColumnRef(column=column):
                    if column.id in self.stored:
                        return True
                    if column.id in self.made and column.id not in seen:
                        seen.add(column.id)
                        todo.append(self.made[column.id])
                case Apply(function="ingestion_time"):
                    return True
                case Apply(function=name) if name in _OF_THE_CLOCK:
                    continue
                case Apply(function="datetime_part", args=(Const(value=str(unit)), _)) if _LENGTHS.get(unit.lower(), DAY) < DAY:
                    continue
                case Apply(function="format_datetime", args=(_, Const(value=str(form)))) if not set(form) & set("yMd"):
                    continue
                case other if id(other) not in parts:
                    parts.add(id(other))
                    todo += children(other)
        return False


def _is_own(value: Sum, moment: Moment, factor: float) -> bool:
    """Whether a sum is the time of an event itself."""
    return factor == 1 and len(value.moments) == 1 and moment.of == "" and moment.is_event and value.low == value.high == 0


def _chosen(moment: Moment, function: str) -> Moment:
    return replace(moment, of=function) if moment.is_event else moment


def _moved(moment: Sum, length: float, count: float | None, way: int) -> Sum | None:
    """The start or the end of the part of a calendar in which a moment lies, or of another one ``count`` parts later."""
    if count is None:
        return None
    there = moment.within(count * length, count * length)
    return there.within(-length, 0) if way < 0 else there.within(0, length)
