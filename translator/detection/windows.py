"""Conditions that only restrict the time of an event, as windows of so many seconds before now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from translator.detection.model import Detection, NoDetection
from translator.plan.conditions import LIMITS
from translator.plan.constants import known_span
from translator.plan.expressions import (
    Apply,
    ColumnRef,
    Const,
    Expr,
    Span,
    conjunction,
    conjuncts,
    const,
    transform,
    walk,
)
from translator.plan.functions.values import TICKS
from translator.plan.operators import Plan, parts
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

TIME_COLUMNS = frozenset({"TimeGenerated", "Timestamp", "timestamp", "ingestion_time", "published_t"})
"""Names of the time of an event: Sentinel's, Defender XDR's, the moment of ingestion, and Okta's own."""

LIMITS_OF = {
    ">": ("after", "before"), ">=": ("since", "until"), "<": ("after", "before"), "<=": ("since", "until"), "between": ("since", "until"),
}  # fmt: skip
"""The limits that a condition sets on the start and the end of its window."""

UNITS: Mapping[str, int] = MappingProxyType({"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1})
"""Seconds of the parts of a time that ``datetime_add`` adds; months and years have no one length."""


class Anchor(Enum):
    """What a moment is so many seconds before. Hunting queries have a range of time that whoever hunts chooses: that of the search."""

    NOW = "now"
    SEARCH = "the start of the search"
    EARLIER = "a moment before the start of the search that only the range of the search tells"


@dataclass(frozen=True, slots=True)
class Moment:
    """So many seconds ``back`` before its anchor; fewer than 0 lie after it."""

    back: int
    anchor: Anchor = Anchor.NOW

    def moved(self, back: int | None) -> Moment | None:
        """The moment ``back`` seconds before this one; None where they are not known, or where it may lie behind the start of a search."""
        if back is None or (self.of_search and self.back + back < 0):
            return None
        return replace(self, back=self.back + back)

    @property
    def of_search(self) -> bool:
        """Whether only the search is to know it."""
        return self.anchor is not Anchor.NOW

    @property
    def limits(self) -> bool:
        """Whether it lies before now, so that some events do so before it and some after it."""
        return self.of_search or self.back > 0


NOW = Moment(0)


@dataclass(frozen=True, slots=True)
class Window:
    """The time from ``start`` to ``end``, of which ``NOW`` says that the query states no such limit: none of them lies after now."""

    start: Moment = NOW
    end: Moment = NOW

    def reach(self, search: int) -> int:
        """How far it reaches back, in seconds; 0 where only the search is to know.

        Args:
            search: how many seconds a search looks back by whose start the window is told: what the query adds to that comes before.
        """
        return self.start.back + search if self.start.of_search and self.start.back else self.start.back


def _stated(start: Moment = NOW, end: Moment = NOW) -> Window:
    """The window between two moments, of which those after now limit nothing."""
    return Window(start if start.limits else NOW, end if end.limits else NOW)


def bound_of(expr: Expr) -> Moment | None:
    """The moment that an expression is in each run of the query; None where it is unknown."""
    match expr:
        case Apply(function="now", args=()):
            return NOW
        case Apply(function="now", args=(offset,)):
            return _after(NOW, seconds_of(offset))
        case Apply(function="ago", args=(span,)):
            return _before(NOW, span)
        case Apply(function="-", args=(moment, span)):
            base = bound_of(moment)
            return base and _before(base, span)
        case Apply(function="+", args=(moment, span)):
            base = bound_of(moment)
            return base and _after(base, seconds_of(span))
        case Apply(function="datetime_add", args=(Const(value=str(unit)), Const(value=int(count)), moment)) if unit.lower() in UNITS:
            base = bound_of(moment)
            return base and _after(base, count * UNITS[unit.lower()])
        case Apply(function="startofday" | "todatetime", args=(inner,)) if not isinstance(inner, Const):
            return bound_of(inner)
        case Apply(function="todatetime", args=(Const() as text,)) if _is_given_moment(text):
            return _given(text)
    return None


def _before(moment: Moment, span: Expr) -> Moment | None:
    """The moment that lies a span of time before another."""
    if (seconds := seconds_of(span)) is None and of_the_search(span):
        return Moment(0, Anchor.EARLIER)
    return moment.moved(seconds)


def _after(moment: Moment, seconds: int | None) -> Moment | None:
    return moment.moved(None if seconds is None else -seconds)


def of_the_search(expr: Expr) -> bool:
    """Whether ``expr`` is made of nothing but the moments that the user interface gives, and numbers."""
    leaves = [n for n in walk(expr) if isinstance(n, Const | ColumnRef)]
    return any(map(_is_given_moment, leaves)) and all(isinstance(n, Const) for n in leaves)


def _is_given_moment(node: object) -> bool:
    """Whether a part of a plan is a moment that the user interface gives, as ``{{StartTime}}``."""
    return isinstance(node, Const) and isinstance(node.value, str) and node.value.startswith("{{")


def _given(text: Const) -> Moment:
    return NOW if "end" in str(text.value).lower() else Moment(0, Anchor.SEARCH)


def is_given(predicate: Expr) -> bool:
    """Whether a condition on the time reads a moment that the user interface gives."""
    return any(map(_is_given_moment, walk(predicate)))


def with_given_moments(plan: Plan, period: int) -> Plan:
    """A plan in which the moments that the user interface gives are those of a search that looks at its last ``period`` seconds.

    The plan itself where it reads no such moment.
    """
    if not any(map(_is_given_moment, parts(plan.root))):
        return plan

    def given(node: object) -> object:
        match node:
            case Apply(function="todatetime", args=(Const() as text,)) if _is_given_moment(text):
                if _given(text) == NOW:
                    return Apply(node.span, Type.DATETIME, "now", ())
                return Apply(node.span, Type.DATETIME, "ago", (const(period * TICKS, Type.TIMESPAN),))
            case Apply(function="-", args=(Apply(function="now", args=()), Apply(function="ago", args=(Const() as span,)))):
                return span
        return node

    return replace(plan, root=rewritten(plan.root, given))


def is_of_days(predicate: Expr) -> bool:
    """Whether a condition on the time begins or ends with a day."""
    return any(isinstance(n, Apply) and n.function == "startofday" for n in walk(predicate))


def window_of(predicate: Expr) -> Window | None:
    """The window of a condition that only restricts the time of the event; None where it is none."""
    match predicate:
        case Apply(function=">=" | "<=", args=(time, same)) if is_time(time) and time == same:
            return Window()
        case Apply(function=function, args=(Apply(function="-", args=(moment, time)), *spans)) if is_time(time) and bound_of(moment) == NOW:
            ages = [NOW.moved(seconds_of(span)) for span in spans]
            match function, ages:
                case "<" | "<=", [Moment() as oldest]:
                    return _stated(start=oldest)
                case ">" | ">=", [Moment() as youngest]:
                    return _stated(end=youngest)
                case "between", [Moment() as youngest, Moment() as oldest]:
                    return _stated(oldest, youngest)
        case Apply(function=">" | ">=", args=(time, low)) if is_time(time) and (start := bound_of(low)) is not None:
            return _stated(start=start)
        case Apply(function="<" | "<=", args=(time, high)) if is_time(time) and (end := bound_of(high)) is not None:
            return _stated(end=end)
        case Apply(function="between", args=(time, low, high)) if is_time(time) and (start := bound_of(low)) is not None:
            length = seconds_of(high)
            last = bound_of(high) if length is None else _after(start, length)
            return None if last is None else _stated(start, last)
    return None


def is_of_future(predicate: Expr) -> bool:
    """Whether a condition asks for events that are not before now, of which there are none."""
    match predicate:
        case Apply(function=">" | ">=" | "between", args=(time, low, *_)) if is_time(time) and (start := bound_of(low)) is not None:
            return not start.limits and not is_of_days(low)  # where a day begins is before now
        case Apply(function="<" | "<=" | "between", args=(Apply(function="-", args=(moment, time)), *_, span)) if is_time(time):
            oldest = seconds_of(span)
            return bound_of(moment) == NOW and oldest is not None and oldest <= 0
    return False


def limits_of(predicate: Expr, window: Window) -> Expr | None:
    """The window of a condition as limits on the time of each event; None where it is not known to the second."""
    if is_given(predicate) or is_of_days(predicate):
        return None
    assert isinstance(predicate, Apply)
    named = zip(LIMITS_OF[predicate.function], (window.start, window.end), strict=True)
    return conjunction(*(limit(name, moment.back, predicate.span) for name, moment in named if moment != NOW))


def limits_of_ingestion(predicate: Expr, window: Window) -> Expr | None:
    """The window of a condition on ``ingestion_time()`` as limits on when each event was taken in; None where it is about its own time."""
    if not any(isinstance(n, Apply) and n.function == "ingestion_time" for n in walk(predicate)):
        return None
    found = limits_of(predicate, window)
    return None if found is None else transform(found, _of_ingestion)


def _of_ingestion(node: Expr) -> Expr:
    return replace(node, function=f"ingested {node.function}") if isinstance(node, Apply) and node.function in LIMITS else node


def limit(name: str, seconds: int, span: Span | None = None) -> Apply:
    """How long before now an event may lie: ``name`` is one of ``LIMITS``."""
    return Apply(span, Type.BOOL, name, (const(seconds),))


def apart_in_time(parts: Sequence[Expr], others: Sequence[Expr]) -> bool:
    """Whether the limits of two conjunctions leave no moment to both."""
    starts = [(seconds, x.function == "after") for x, seconds in _limits((*parts, *others), ("since", "after"))]
    ends = [(seconds, x.function == "before") for x, seconds in _limits((*parts, *others), ("until", "before"))]
    return any(a < b or (a == b and (above or below)) for a, above in starts for b, below in ends)


def _limits(parts: Iterable[Expr], names: Sequence[str]) -> list[tuple[Apply, int]]:
    """The limits of these names among ``parts``, each with its seconds."""
    return [
        (p, p.args[0].value)
        for p in parts
        if isinstance(p, Apply) and p.function in names and isinstance(p.args[0], Const) and isinstance(p.args[0].value, int)
    ]


def moments_of(predicate: Expr, *names: str) -> list[int]:
    """The seconds before now of the limits of these names that stand in a conjunction."""
    return [seconds for _, seconds in _limits(conjuncts(predicate), names)]


def bucket_of(expr: Expr) -> int | None:
    """The length in whole seconds of the buckets of ``bin(TimeGenerated, ...)``; None where ``expr`` is something else."""
    match expr:
        case Apply(function="bin", args=(time, size)) if is_time(time):
            return seconds_of(size) or None
        case _:
            return None


def is_time(expr: Expr) -> bool:
    """Whether an expression is the time of the event, or that of its ingestion."""
    match expr:
        case ColumnRef(column=column):
            return column.name in TIME_COLUMNS and column.table is not None
        case Apply(function="ingestion_time"):
            return True
        case _:
            return False


def seconds_of(expr: Expr) -> int | None:
    """How many seconds a timespan is that the query states; None where it states none, or parts of a second, which no window has."""
    known = known_span(expr)
    return None if known is None or known % TICKS else known // TICKS


def duration(seconds: int) -> str:
    """A length of time in its largest whole unit: ``1d``, ``4h``, ``90s``; ``0s`` for none."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0 and seconds:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


_OF_WINDOWS = frozenset({"window-widened", "window-shifted", "first-seen-list", "first-seen-dropped"})
"""What is said where one window for the whole detection is not what the query says."""


def windows_decide(detections: Iterable[Detection | NoDetection]) -> bool:
    """Whether these, which have one window for all of their parts, may be others where each part keeps its own; also where one is none."""
    found = list(detections)
    lookbacks = {part.lookback for d in found if isinstance(d, Detection) for part in (d, *d.others)}
    return len(lookbacks) > 1 or any(isinstance(d, NoDetection) or any(s.code in _OF_WINDOWS for s in d.diagnostics) for d in found)
