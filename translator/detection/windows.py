"""Conditions that only restrict the time of an event, as windows in seconds before now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from translator.detection.model import Detection, NoDetection
from translator.detection.shapes import (
    Events,
    Grouped,
    Joined,
    Shape,
)
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

_ADDED = 2
"""The most that stands for a moment before the search's own, to which nothing is added."""

UNITS: Mapping[str, int] = MappingProxyType({"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1})
"""Seconds of the parts of a time that ``datetime_add`` adds; months and years have no one length."""

SEARCH = -1
"""The start of a window that the user interface of a hunting query gives: the search's own."""


def bound_of(expr: Expr) -> int | None:
    """How many seconds before now a moment lies; ``SEARCH`` for one that the user interface gives; None where it is unknown."""
    match expr:
        case Apply(function="now", args=()):
            return 0
        case Apply(function="now", args=(offset,)) if (forward := seconds_of(offset)) is not None:
            return -forward
        case Apply(function="ago", args=(span,)):
            back = seconds_of(span)
            return 1 if back is None and of_the_search(span) else back
        case Apply(function="-", args=(moment, span)):
            base, back = bound_of(moment), seconds_of(span)
            if base == SEARCH and (back is not None or of_the_search(span)):
                return 1 + (back or 0)
            return None if base is None or back is None or base == SEARCH else base + back
        case Apply(function="+", args=(moment, span)):
            base, forward = bound_of(moment), seconds_of(span)
            return None if base is None or forward is None or base == SEARCH else base - forward
        case Apply(function="datetime_add", args=(Const(value=str(unit)), Const(value=int(count)), moment)) if unit.lower() in UNITS:
            base = bound_of(moment)
            return None if base is None or base == SEARCH else base - count * UNITS[unit.lower()]
        case Apply(function="startofday" | "todatetime", args=(inner,)) if not isinstance(inner, Const):
            return bound_of(inner)
        case Apply(function="todatetime", args=(Const(value=str(text)),)) if text.startswith("{{"):
            return 0 if "end" in text.lower() else SEARCH
        case _:
            return None


def of_the_search(expr: Expr) -> bool:
    """Whether ``expr`` is made of nothing but the moments that the user interface gives, and numbers."""
    leaves = [n for n in walk(expr) if isinstance(n, Const | ColumnRef)]
    return any(map(_is_given_moment, leaves)) and all(isinstance(n, Const) for n in leaves)


def _is_given_moment(node: object) -> bool:
    """Whether a part of a plan is a moment that the user interface gives, as ``{{StartTime}}``."""
    return isinstance(node, Const) and isinstance(node.value, str) and node.value.startswith("{{")


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
            case Apply(function="todatetime", args=(Const(value=str(text)),)) if text.startswith("{{"):
                if "end" in text.lower():
                    return Apply(node.span, Type.DATETIME, "now", ())
                return Apply(node.span, Type.DATETIME, "ago", (const(period * TICKS, Type.TIMESPAN),))
            case Apply(function="-", args=(Apply(function="now", args=()), Apply(function="ago", args=(Const() as span,)))):
                return span
        return node

    return replace(plan, root=rewritten(plan.root, given))


def back_of(window: tuple[int, int], search: int | None) -> int:
    """How far a window reaches back, in seconds; 0 where only the search is to know.

    Args:
        search: how far a search looks back whose moments the window is told by: what the query adds to them comes before. None of others.
    """
    if search is None:
        return window[0]
    return window[0] - 1 + search if window[0] > _ADDED else 0


def is_of_days(predicate: Expr) -> bool:
    """Whether a condition on the time begins or ends with a day."""
    return any(isinstance(n, Apply) and n.function == "startofday" for n in walk(predicate))


def window_of(predicate: Expr) -> tuple[int, int] | None:
    """The window, in seconds before now, of a condition that only restricts the time of the event; None where it is none."""
    match predicate:
        case Apply(function=">" | ">=", args=(time, low)) if is_time(time) and (start := bound_of(low)) is not None:
            return (start, 0)
        case Apply(function="<" | "<=", args=(time, high)) if is_time(time) and (end := bound_of(high)) is not None:
            return (0, 1 if end == SEARCH else max(0, end))
        case Apply(function="<" | "<=", args=(Apply(function="-", args=(moment, time)), span)) if is_time(time) and bound_of(moment) == 0:
            back = seconds_of(span)
            return None if back is None else (back, 0)
        case Apply(function=">" | ">=", args=(Apply(function="-", args=(moment, time)), span)) if is_time(time) and bound_of(moment) == 0:
            back = seconds_of(span)
            return None if back is None else (0, max(0, back))
        case Apply(function="between", args=(Apply(function="-", args=(moment, time)), low, high)) if (
            is_time(time) and bound_of(moment) == 0 and (back := seconds_of(high)) is not None and (end := seconds_of(low)) is not None
        ):
            return (back, max(0, end))
        case Apply(function=">=" | "<=", args=(time, same)) if is_time(time) and time == same:
            return (0, 0)
        case Apply(function="between", args=(time, low, high)) if is_time(time) and (start := bound_of(low)) is not None:
            length = seconds_of(high)
            end_of = start - length if length is not None and start != SEARCH else bound_of(high)
            if end_of == SEARCH:
                return (max(2, start), 1)
            return None if end_of is None else (start, max(0, end_of))
        case _:
            return None


def is_of_future(predicate: Expr) -> bool:
    """Whether a condition asks for events that are not before now, of which there are none."""
    match predicate:
        case Apply(function=">" | ">=" | "between", args=(time, low, *_)) if is_time(time) and (start := bound_of(low)) is not None:
            return start <= 0 and start != SEARCH and not is_of_days(low)  # where a day begins is before now
    return False


def limits_of(predicate: Expr, window: tuple[int, int]) -> Expr | None:
    """The window of a condition as limits on the time of each event; None where it is not known to the second."""
    if is_given(predicate) or is_of_days(predicate):
        return None
    assert isinstance(predicate, Apply)
    start, end = (limit(LIMITS_OF[predicate.function][n], seconds, predicate.span) for n, seconds in enumerate(window))
    return conjunction(*(x for x, seconds in ((start, window[0]), (end, window[1])) if seconds > 0))


def limits_of_ingestion(predicate: Expr, window: tuple[int, int]) -> Expr | None:
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
        case Apply(function="bin", args=(time, size)) if is_time(time) and (known_span(size) or 0) % TICKS == 0:
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
    """How long a timespan is that the query states, in whole seconds; None where it states none."""
    match expr:
        case _ if (known := known_span(expr)) is not None:
            return known // TICKS
        case Apply(function="*", args=(Const(value=int(a)), Const(value=int(b)))):
            return a * b // TICKS if Type.TIMESPAN in (expr.args[0].type, expr.args[1].type) else None
        case _:
            return None


def duration(seconds: int) -> str:
    """A length of time in its largest whole unit: ``1d``, ``4h``, ``90s``; ``0s`` for none."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0 and seconds:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def windows_of(shape: Shape) -> set[tuple[int, int]]:
    """The windows that the events of a shape have of their own, each in seconds before now; of a join those of its first side."""
    match shape:
        case Events(branches=branches_):
            return {w for b in branches_ for w in b.windows}
        case Grouped(input=inner):
            return windows_of(inner)
        case Joined(sides=sides):
            return windows_of(sides[0])
        case _:
            return set()


_OF_WINDOWS = frozenset({"window-widened", "window-shifted", "first-seen-list", "first-seen-dropped"})
"""What is said where one window for the whole detection is not what the query says."""


def windows_decide(detections: Iterable[Detection | NoDetection]) -> bool:
    """Whether these, which have one window for all of their parts, may be others where each part keeps its own; also where one is none."""
    found = list(detections)
    lookbacks = {part.lookback for d in found if isinstance(d, Detection) for part in (d, *d.others)}
    return len(lookbacks) > 1 or any(isinstance(d, NoDetection) or any(s.code in _OF_WINDOWS for s in d.diagnostics) for d in found)
