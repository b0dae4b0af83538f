"""Aggregates over the rows of a group: what they are, and how many rows and which values give what is asked of them."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from translator.plan import functions
from translator.plan.expressions import Apply, Column, Const, Expr, columns_of
from translator.plan.functions.values import text_of
from translator.plan.types import Type
from translator.verify.witness import inversion
from translator.verify.witness.model import NotKnown
from translator.verify.witness.scalars import Scope, value_of
from translator.verify.witness.states import Row, State
from translator.verify.witness.variants import plain, variant

_Row = TypeVar("_Row", bound=Scope)


class Members(Protocol):
    """The rows of a group, to which more can be added."""

    members: list[Row]
    state: State

    def active(self) -> list[Row]: ...

    def add(self, varied: frozenset[Column], like: Row) -> Row: ...

    def remove(self) -> None: ...


def parts_of(expr: Apply) -> tuple[str, Expr | None, Expr | None]:
    """An aggregate's plain name, what it reads, and the condition on the rows that it reads."""
    known = functions.aggregates()[expr.function]
    name = known.alias or known.name
    if known.filters is not None:
        if known.filters == "count":
            return "count", None, expr.args[0]
        place = len([p for p in functions.aggregates()[known.filters].signatures[0].parameters if not p.optional])
        return known.filters, expr.args[0], expr.args[place]
    if name == "countif":
        return "count", None, expr.args[0]
    return name, expr.args[0] if expr.args else None, None


def aggregated(expr: Apply, rows: Sequence[Scope]) -> Any:
    """An aggregate of rows.

    Raises:
        NotKnown: for one that is not known here.
    """
    name, read, condition = parts_of(expr)
    if condition is not None:
        rows = [r for r in rows if value_of(condition, r) is True]
    if name in ("arg_max", "arg_min"):
        return _carried(name, expr.args, rows)
    values = [value_of(read, r) for r in rows] if read is not None else []
    known = [v for v in values if v is not None]
    match name:
        case "count":
            return len(rows)
        case "dcount" | "count_distinct":
            return len({_key(v) for v in values if v is not None})
        case "min" | "max":
            return (min if name == "min" else max)(_comparable(known), default=None)
        case "sum":
            return sum(_numbers(known))
        case "avg":
            return sum(_numbers(known)) / len(known) if known else None
        case "stdev" | "stdevp" | "variance" | "variancep":
            return _spread(name, _numbers(known))
        case "take_any" | "anyif":
            return next((v for v in known if v != ""), "" if expr.type == Type.STRING else None)
        case "make_set" | "make_list":
            listed = [_json(v) for v in known]
            return list({_key(v): v for v in listed}.values()) if name == "make_set" else listed
        case "make_bag":
            return {k: v for bag in known if isinstance(bag, dict) for k, v in bag.items()}
        case "percentile":
            ordered = sorted(_numbers(known))
            rank = expr.args[1].value if isinstance(expr.args[1], Const) else 50
            return ordered[max(0, math.ceil(len(ordered) * float(rank or 0) / 100) - 1)] if ordered else None
    declared = functions.aggregates()[name]
    if declared.python is not None and declared.gathered and not declared.paired:
        try:
            return declared.python(known, *(value_of(a, rows[0]) for a in expr.args[1:]))
        except (TypeError, ValueError, IndexError) as error:
            raise NotKnown(f"{name} of such values", expr.span) from error
    raise NotKnown(f"the aggregate {name}", expr.span)


def _spread(name: str, values: Sequence[Any]) -> float:
    """The deviation or the variance of a sample, of all there is where the name ends in ``p``; 0 of too few values."""
    if len(values) < (1 if name.endswith("p") else 2):
        return 0.0
    variance = statistics.pvariance(values) if name.endswith("p") else statistics.variance(values)
    return math.sqrt(variance) if name.startswith("stdev") else float(variance)


def _key(value: Any) -> str:
    return f"{type(value).__name__ if not isinstance(value, float) else 'int'} {text_of(value)}"


def _json(value: Any) -> Any:
    return text_of(value) if isinstance(value, dt.datetime) else value


def _numbers(values: Iterable[Any]) -> list[Any]:
    return [v for v in values if isinstance(v, int | float)]


def _comparable(values: list[Any]) -> list[Any]:
    kind = type(values[0]) if values else object
    return [v for v in values if isinstance(v, kind) or (isinstance(v, int | float) and issubclass(kind, int | float))]


def _extreme(name: str, by: Expr, rows: Sequence[_Row]) -> _Row | None:
    found = [(value_of(by, r), r) for r in rows]
    known = [(v, r) for v, r in found if v is not None]
    if not known:
        return None
    return (max if name == "arg_max" else min)(known, key=lambda p: p[0])[1]


def _carried(name: str, args: tuple[Expr, ...], rows: Sequence[Scope]) -> Any:
    chosen = _extreme(name, args[0], rows)
    value = args[1] if len(args) > 1 else args[0]
    if chosen is None:
        return "" if value.type == Type.STRING else None
    return value_of(value, chosen)


def assign_aggregate(expr: Apply, group: Members, value: Any) -> bool:
    """Makes an aggregate of a group be ``value``: by more rows or fewer, or by other values in them."""

    name, read, condition = parts_of(expr)
    varied = frozenset(columns_of(read)) if read is not None else frozenset[Column]()

    def among() -> list[Row]:
        rows = group.active() or group.members
        return [r for r in rows if condition is None or value_of(condition, r) is True]

    def at_least(count: int) -> bool:
        if count > group.state.most:
            raise NotKnown(f"{count} events for {expr.function}", expr.span)
        if count and not among() and condition is not None and not group.state.hold(condition, group.members[-1], True):
            return False
        for _ in range(3):
            rows = among()
            for _ in range(count - len(rows)):
                row = group.add(varied, (rows or group.members)[-1])
                if condition is not None:
                    group.state.hold(condition, row, True)
        return len(among()) >= count

    match name:
        case "count":
            if not isinstance(value, int) or value < 0:
                return False
            while len(among()) > value and len(group.members) > 1:
                if condition is not None and group.state.hold(condition, among()[-1], False):
                    continue
                group.remove()
            if value == 0 and condition is not None and len(among()) == 1:
                group.state.hold(condition, among()[0], False)
            return at_least(value)
        case "dcount" | "count_distinct" if read is not None and isinstance(value, int) and value >= 0:
            if value == 0:
                return condition is not None and all(group.state.hold(condition, r, False) for r in among())
            return at_least(value) and _distinct(read, among(), value)
        case "sum" if read is not None and isinstance(value, int | float):
            rows = among() or group.members
            for row in rows[1:]:
                inversion.assign(read, row, 0)
            if condition is not None and not group.state.hold(condition, rows[0], True):
                return False
            return inversion.assign(read, rows[0], value)
        case "make_set" | "make_list" if read is not None and isinstance(value, list):
            if not at_least(max(len(value), 1)):
                return False
            return all(inversion.assign(read, r, value[min(n, len(value) - 1)] if value else "") for n, r in enumerate(among()))
        case "arg_max" | "arg_min":
            chosen = _extreme(name, expr.args[0], among())
            return chosen is not None and inversion.assign(expr.args[-1], chosen, value)
        case "min" | "max" | "avg" | "take_any" | "percentile" if read is not None:
            if not among() and not at_least(1):
                return False
            if name in ("min", "max"):
                chosen = _extreme(f"arg_{name}", read, among()) or among()[0]
                mark = len(group.state.trail)
                if inversion.assign(read, chosen, value) and inversion.same(aggregated(expr, group.active()), value):
                    return True
                group.state.back_to(mark)
            return all(inversion.assign(read, r, value) for r in among())
    return False


def _distinct(read: Expr, rows: list[Row], count: int) -> bool:
    """Makes rows have as many different values, no more."""
    first = value_of(read, rows[0])
    choices: list[Any] = [first if first not in (None, "") else plain(read.type)]
    listed = [v for c in columns_of(read) for v in rows[0].state.constants.get(c.name, []) if v not in choices]
    used = set[str]()
    for number, row in enumerate(rows):
        if number >= count:
            inversion.assign(read, row, value_of(read, rows[0]))
            continue
        tried: list[Callable[[], Any]] = [
            *(lambda n=number + more: variant(choices[0], n) for more in (0, 100, 201)),
            *(lambda v=v: v for v in listed[:60]),
        ]
        for make in tried:
            mark = len(row.state.trail)
            value = make()
            key = _key(value)
            if key not in used and inversion.assign(read, row, value) and row.valid():
                used.add(key)
                break
            row.state.back_to(mark)
    return len({_key(value_of(read, r)) for r in rows}) >= count
