"""Series whose arrays are read through their line and their statistics alone, as summaries.

A place of a series that has no row holds its default, so that sums over the rows that there are tell everything of all places, as soon as
the number of these is known. Source: learn.microsoft.com/kusto/query/make-series-operator, .../series-fit-line-function (least squares over
the places, counted from 0), .../series-stats-function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from translator.plan import operators as o
from translator.plan.constants import known_span
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Path, const
from translator.plan.functions.values import DAY, TICKS
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

_NEVER_NULL = frozenset({"count", "countif", "dcount", "dcountif", "sum", "sumif"})


@dataclass(frozen=True, slots=True)
class _Sums:
    """What is known of the values of a series, less its default: their number, their sum and others, and of how many places."""

    size: int
    default: int | float
    count: Expr
    total: Expr
    placed: Expr
    squares: Expr
    least: Expr
    most: Expr


def with_series_summed(root: o.Relation, fresh: Iterator[int]) -> o.Relation:
    """A relation in which series are summaries, where the number of their places is known; their arrays have no column any more.

    ``fresh`` are ids that no column of the plan has.
    """
    series = [n for n in o.relations(root) if isinstance(n, o.Series)]
    if not series:
        return root
    sums: dict[int, _Sums] = {}

    def summed(node: object) -> object:
        if isinstance(node, o.Series):
            return _summary(node, fresh, sums)
        if isinstance(node, Path) and len(node.steps) == 1 and isinstance(place := node.steps[0], int):
            match node.base:
                case Apply(function="series_fit_line", args=(ColumnRef(column=column),)) if column.id in sums:
                    return _of_line(sums[column.id], place) or node
                case Apply(function="series_stats", args=(ColumnRef(column=column),)) if column.id in sums:
                    return _of_statistics(sums[column.id], place) or node
        return node

    # Series are below what reads them.
    return rewritten(root, summed)


def _summary(node: o.Series, fresh: Iterator[int], sums: dict[int, _Sums]) -> o.Relation:
    step = known_span(node.step)
    size = None if step is None or node.start is None or node.stop is None else places(node.start, node.stop, step, node.included)
    known = all(isinstance(x, Apply) and x.function in _NEVER_NULL and _is_number(d) for _, x, d in node.aggregates)
    if step is None or step <= 0 or step % TICKS or size is None or size < 2 or not known or not node.keys or node.start is None:
        return node
    span = node.span

    def column(name: str, type_: Type) -> Column:
        return Column(next(fresh), name, type_)

    start = Apply(span, Type.DATETIME, "bin", (node.start, node.step)) if node.included else node.start
    behind = Apply(span, Type.REAL, "/", (Apply(span, Type.TIMESPAN, "-", (node.on, start)), node.step))
    place = column("place", Type.LONG)
    index = ColumnRef(span, Type.LONG, place)
    found: o.Relation = o.Compute(span, node.input, ((place, Apply(span, Type.LONG, "floor", (behind,))),))
    inside = (Apply(span, Type.BOOL, ">=", (index, const(0))), Apply(span, Type.BOOL, "<", (index, const(size))))
    found = o.Filter(span, found, Apply(span, Type.BOOL, "and", inside))
    keys = [(Column(next(fresh), c.name, c.type), x) for c, x in node.keys]
    binned = column("place", Type.LONG)
    index = ColumnRef(span, Type.LONG, binned)
    values = [(column(made.name, x.type), x) for made, x, _ in node.aggregates]
    found = o.Aggregate(span, found, (*keys, (binned, ColumnRef(span, Type.LONG, place))), tuple(values))
    computed, aggregates = list[tuple[Column, Expr]](), list[tuple[Column, Expr]]()

    def of(name: str, function: str, *args: Expr) -> Expr:
        type_ = args[0].type if args else Type.LONG
        aggregates.append((column(name, type_), Apply(span, type_, function, args)))
        return ColumnRef(span, type_, aggregates[-1][0])

    for (made, _, default), (value, _) in zip(node.aggregates, values, strict=True):
        assert isinstance(default, Const) and isinstance(default.value, int | float)
        read: Expr = ColumnRef(span, value.type, value)
        less = read if not default.value else _of("-", read, default)
        for name, expr in (("value", less), ("placed", _of("*", less, index)), ("squared", _of("*", less, less))):
            computed.append((column(f"{made.name}_{name}", expr.type), expr))
        one, placed, squared = (ColumnRef(span, c.type, c) for c, _ in computed[-3:])
        sums[made.id] = _Sums(
            size, default.value, of(f"{made.name}_places", "count"), of(f"{made.name}_total", "sum", one),
            of(f"{made.name}_placed", "sum", placed), of(f"{made.name}_squares", "sum", squared),
            of(f"{made.name}_least", "min", one), of(f"{made.name}_most", "max", one),
        )  # fmt: skip
    kept = tuple((c, ColumnRef(span, own.type, own)) for (c, _), (own, _) in zip(node.keys, keys, strict=True))
    return o.Aggregate(span, o.Compute(span, found, tuple(computed)), kept, tuple(aggregates))


def _is_number(expr: Expr) -> bool:
    return isinstance(expr, Const) and isinstance(expr.value, int | float) and not isinstance(expr.value, bool)


def _of(operator: str, left: Expr, right: Expr) -> Expr:
    kind = Type.REAL if Type.REAL in (left.type, right.type) or operator == "/" else Type.LONG
    return Apply(left.span, kind, operator, (left, right))


def _real(expr: Expr) -> Expr:
    return Apply(expr.span, Type.REAL, "todouble", (expr,))


def _slope(sums: _Sums) -> Expr:
    """So many times as the values rise with the places: both less their means."""
    first, spread = _places(sums.size)
    rise = _of("-", _of("*", sums.placed, const(sums.size)), _of("*", sums.total, const(first)))
    return _of("/", _real(rise), const(spread))


def _places(size: int) -> tuple[int, int]:
    """The sum of the places, and ``size`` times the sum of the squares of what each lies beside their mean."""
    first = size * (size - 1) // 2
    return first, size * (size * (size - 1) * (2 * size - 1) // 6) - first * first


def _above(expr: Expr, sums: _Sums) -> Expr:
    return expr if not sums.default else _of("+", expr, const(sums.default))


def _deviation(sums: _Sums) -> Expr:
    """``size`` times the sum of the squares of what each value lies beside their mean."""
    return _of("-", _of("*", sums.squares, const(sums.size)), _of("*", sums.total, sums.total))


def _of_line(sums: _Sums, place: int) -> Expr | None:
    """A value that ``series_fit_line`` gives: the slope, the variance, that of what is beside the line, and where the line begins."""
    first, spread = _places(sums.size)
    match place:
        case 1:
            return _slope(sums)
        case 2:
            return _of_statistics(sums, 6)
        case 3:
            beside = _of("-", _real(_deviation(sums)), _of("*", _of("*", _slope(sums), _slope(sums)), const(spread)))
            return _of("/", beside, const(sums.size * (sums.size - 1)))
        case 4:
            begun = _of("-", _real(sums.total), _of("*", _slope(sums), const(first)))
            return _above(_of("/", begun, const(sums.size)), sums)
    return None


def _of_statistics(sums: _Sums, place: int) -> Expr | None:
    """A value that ``series_stats`` gives: the least, the most, the mean, and both deviations; not where the least and the most are."""
    span = sums.total.span
    variance = _of("/", _real(_deviation(sums)), const(sums.size * (sums.size - 1)))
    match place:
        case 0 | 2:
            own, function = (sums.least, "min_of") if place == 0 else (sums.most, "max_of")
            gap = Apply(span, Type.BOOL, "<", (sums.count, const(sums.size)))
            with_gap = Apply(span, own.type, function, (own, const(0)))
            return _real(_above(Apply(span, own.type, "iff", (gap, with_gap, own)), sums))
        case 4:
            return _above(_of("/", _real(sums.total), const(sums.size)), sums)
        case 5:
            return Apply(span, Type.REAL, "sqrt", (variance,))
        case 6:
            return variance
    return None


@dataclass(frozen=True, slots=True)
class _Moment:
    """So many ticks before the time of the run, or before the day of it begins, or since the year 1."""

    since: str
    ticks: int


def _moment(expr: Expr) -> _Moment | None:
    match expr:
        case Const(type=Type.DATETIME, value=int(ticks)):
            return _Moment("", -ticks)
        case Apply(function="now", args=()):
            return _Moment("now", 0)
        case Apply(function="ago", args=(span,)) if (back := known_span(span)) is not None:
            return _Moment("now", back)
        case Apply(function="-", args=(of, span)) if (back := known_span(span)) is not None and (moment := _moment(of)) is not None:
            return _Moment(moment.since, moment.ticks + back)
        case Apply(function="startofday", args=(of,)) if (moment := _moment(of)) is not None and moment.since and moment.ticks % DAY == 0:
            return _Moment("day", moment.ticks)
        case Apply(function="bin", args=(of, size)) if known_span(size) == DAY:
            return _moment(Apply(expr.span, expr.type, "startofday", (of,)))
    return None


def places(start: Expr, stop: Expr, step: int, included: bool) -> int | None:
    """How many places a series has, whenever it is made; None where that is not known.

    Args:
        step: in ticks.
        included: whether the last place may be at ``stop``, and the first one is at the step of ``start``.
    """
    first, last = _moment(start), _moment(stop)
    if first is None or last is None or step <= 0:
        return None
    length = first.ticks - last.ticks
    if not first.since and not last.since:
        return (length + -first.ticks % step) // step + 1 if included else -(-length // step)
    if not included:
        return -(-length // step) if first.since == last.since else None
    whole = first.ticks % step == 0 and last.ticks % step == 0 and DAY % step == 0
    if not whole or "" in (first.since, last.since):
        return None
    return length // step + 1 if first.since == last.since or step == DAY else None
