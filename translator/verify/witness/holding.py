"""Conditions made to hold, or not to: of the values that come into question those that break the least elsewhere."""

from __future__ import annotations

import datetime as dt
import ipaddress
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Subquery, walk
from translator.plan.functions.values import TICKS, text_of
from translator.plan.types import Type
from translator.verify.witness.inversion import UNFITTING, assign, chosen_among
from translator.verify.witness.model import NotKnown
from translator.verify.witness.operations import flat_values
from translator.verify.witness.scalars import value_of
from translator.verify.witness.states import Row, State
from translator.verify.witness.texts import mangled, matching
from translator.verify.witness.variants import plain, variant

_FLIPPED = {"==": "==", "!=": "!=", "=~": "=~", "!~": "!~", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_SECOND = dt.timedelta(seconds=1)
_PUBLIC, _PRIVATE = "203.0.113.7", "10.20.30.40"
_OF_RANGES = (_PRIVATE, "192.168.1.9", "172.16.4.4", "127.0.0.1")
"""Addresses of the ranges that patterns leave out, each as an address is written as a whole."""
_MANY = 40
"""How many values of a list are tried."""

_ROUNDS = 60
"""How often something that does not hold is changed."""


def solve(state: State) -> bool:
    """Changes the events until all that is asked of them holds; False where that was not managed.

    Raises:
        NotKnown: what is asked cannot be evaluated here.
    """
    tabu: dict[int, int] = {}
    for number in range(_ROUNDS):
        failing = state.failing()
        if not failing:
            return True
        failing.sort(key=lambda f: tabu.get(id(f[0]), 0))
        moved = False
        for expr, row, truth in failing[:4]:
            if hold(expr, row, truth):
                tabu[id(expr)] = tabu.get(id(expr), 0) + 1
                moved = True
                break
            tabu[id(expr)] = tabu.get(id(expr), 0) + 2
        if not moved and number > 2:
            return False
    return not state.failing()


def broken(state: State) -> int:
    """How much does not hold; much for what cannot be evaluated."""
    state.spend(2 + state.made)
    try:
        return len(state.failing())
    except NotKnown:
        return 10_000


def hold(expr: Expr, row: Row, truth: bool) -> bool:
    """Makes a condition true, or not true; False, and nothing changed, where no way is found."""
    try:
        found = value_of(expr, row)
    except NotKnown:
        return False
    if found is truth or (not truth and found is None):
        return True
    state = row.state
    mark = len(state.trail)
    before = broken(state)
    best: tuple[int, Callable[[], bool]] | None = None
    for move in _moves(expr, row, truth):
        try:
            done = move() and (value_of(expr, row) is True) is truth
        except UNFITTING:
            done = False
        cost = broken(state) if done else before
        if done and cost < before:
            return True
        if done and (best is None or cost < best[0]):
            best = cost, move
        state.back_to(mark)  # the next move is made of the values that are there without this one
    return best is not None and best[0] < 10_000 and best[1]()


Move = Callable[[], bool]


def _moves(expr: Expr, row: Row, truth: bool) -> Iterator[Move]:
    match expr:
        case ColumnRef(column=column):
            yield lambda: row.assign(column, truth)
            if not truth:
                yield lambda: row.assign(column, None)
        case Apply(function="and" | "or" as name, args=args):
            if (name == "and") is truth:
                yield partial(_all, args, row, truth)
            else:
                for arg in args:
                    yield lambda arg=arg: hold(arg, row, truth)  # type: ignore[misc]
        case Apply(function="not", args=(inner,)):
            yield lambda: hold(inner, row, not truth)
            if truth and isinstance(inner, Apply) and inner.function in _OPPOSITE:
                opposite = Apply(inner.span, Type.BOOL, _OPPOSITE[inner.function], inner.args)
                yield lambda: hold(opposite, row, True)
        case Apply(function="same", args=(key,)):
            first, second = row.inputs
            yield lambda: assign(key, second, value_of(key, first))
            yield lambda: assign(key, first, value_of(key, second))
        case Apply(function="parsed"):
            yield row.write
        case Apply(function=name, args=args):
            yield from _of_atom(expr, name, args, row, truth)
            yield lambda: assign(expr, row, truth)


def _all(args: tuple[Expr, ...], row: Row, truth: bool) -> bool:
    with row.state.asking(*((a, row, truth) for a in args)):
        return any(all(hold(a, row, truth) for a in args) for _ in range(2))


def _of_atom(expr: Apply, name: str, args: tuple[Expr, ...], row: Row, truth: bool) -> Iterator[Move]:
    if name.startswith("!") and name not in ("!=", "!~"):
        name, truth = name[1:], not truth
    if name in ("!=", "!~"):
        name, truth = {"!=": "==", "!~": "=~"}[name], not truth
    if name in ("isnotempty", "isnotnull"):
        name, truth = {"isnotempty": "isempty", "isnotnull": "isnull"}[name], not truth
    subject = args[0] if args else expr
    if name in ("isempty", "isnull"):
        for value in _emptied(subject, row, truth):
            yield lambda value=value: assign(subject, row, value)  # type: ignore[misc]
        if not truth:
            yield from _extracted(subject, row)
        return
    if len(args) == 2 and isinstance(args[1], Items | Subquery) and any(isinstance(i, Subquery) for i in _items(args[1])):
        yield from _of_list(args, row, truth)
        return
    sides = [(args[0], args[1], name)] if len(args) == 2 else []
    if name in _FLIPPED and len(args) == 2:
        sides.append((args[1], args[0], _FLIPPED[name]))
    for one, other, operator in sides:
        if isinstance(one, Const):
            continue
        bound = value_of(other, row)
        if bound is None and operator in ("<", "<=", ">", ">="):
            for nearest in (int, math.floor, math.ceil):
                yield partial(_past, one, other, operator, row, truth, nearest)
        for value in chosen_among(one, row) if not truth else ():
            yield partial(assign, one, row, value)
        current = value_of(one, row)
        for value in candidates(operator, current, bound, truth, one.type):
            if isinstance(current, list) and isinstance(value, str):  # the text of an array is that of its elements
                yield partial(assign, one, row, [value])
            yield partial(assign, one, row, value)
    if not truth or len(args) == 2:
        yield from _extracted(subject, row)
    if name == "==" and len(args) == 2 and truth:
        yield from _both(args[0], args[1], row)
    if name == "between":
        yield from _within(args, row, truth)
    if name.startswith("ipv4_is") or name == "ipv6_is_match":
        for place, arg in enumerate(args[:2]):
            if not isinstance(arg, Const | Items):
                for value in _addresses(name, [value_of(a, row) for n, a in enumerate(args) if n != place], truth):
                    yield lambda arg=arg, value=value: assign(arg, row, value)  # type: ignore[misc]
    if name in ("set_has_element", "array_index_of") and len(args) == 2:
        yield lambda: assign(args[0], row, [value_of(args[1], row)] if truth else ["other"])
        held = value_of(args[0], row)
        for member in (held if isinstance(held, list) else ()) if truth else ("other",):
            yield partial(assign, args[1], row, member)


def _past(one: Expr, other: Expr, operator: str, row: Row, truth: bool, nearest: Callable[[float], int]) -> bool:
    """A side that is less or more than the other, where the other is made of columns that hold no numbers yet."""
    for node, over in _nodes(other, row):
        if isinstance(node, ColumnRef) and over.defined(node.column) is None and not isinstance(value_of(node, over), int | float):
            over.assign(node.column, 7 if node.type in (Type.INT, Type.LONG, Type.REAL, Type.DECIMAL) else "7")
    bound = value_of(other, row)
    if isinstance(bound, float) and one.type in (Type.INT, Type.LONG):
        bound = nearest(bound)
    values = candidates(operator, value_of(one, row), bound, truth, one.type) if bound is not None else ()
    return any(assign(one, row, value) for value in values)


def _nodes(expr: Expr, row: Row) -> Iterator[tuple[Expr, Row]]:
    """What a value is computed of, each part with its row; columns by what they are computed of as well."""
    stack, seen = [(expr, row)], 0
    while stack and seen < _MANY:
        part, over = stack.pop()
        seen += 1
        for node in walk(part):
            yield node, over
            if isinstance(node, ColumnRef) and (known := over.defined(node.column)) is not None:
                stack.append(known)


def _extracted(subject: Expr, row: Row) -> Iterator[Move]:
    """Texts in which a pattern finds something, whatever that is, for the patterns that a value comes from."""
    for node, over in _nodes(subject, row):
        if isinstance(node, Apply) and node.function == "extract" and len(node.args) >= 3:
            for found in matching(text_of(value_of(node.args[0], over))):
                yield partial(assign, node.args[2], over, found)


def _items(expr: Expr) -> tuple[Expr, ...]:
    return expr.items if isinstance(expr, Items) else (expr,)


def _both(left: Expr, right: Expr, row: Row) -> Iterator[Move]:
    """Two sides that are to be equal and can only have certain values."""
    for one, other in ((left, right), (right, left)):
        values = [v for side in (one, other) if isinstance(side, ColumnRef) for v in row.state.constants.get(side.column.name, [])]
        for value in [*values[:_MANY], plain(one.type)]:

            def move(one: Expr = one, other: Expr = other, value: Any = value) -> bool:
                return assign(one, row, value) and assign(other, row, value_of(one, row))

            yield move


def _of_list(args: tuple[Expr, ...], row: Row, truth: bool) -> Iterator[Move]:
    """A value that is to be among those that a query gives: the one or the other is made equal; or not to be among them."""
    subject = args[0]
    found = [(i.column, other) for i in _items(args[1]) if isinstance(i, Subquery) and i.column for other in row.state.rows_of(i.relation)]
    for column, other in found:
        if truth:
            yield partial(_equal, other, column, subject, row)
            yield partial(_listed, other, column, subject, row)
            continue
        for number in (1, 2):
            yield partial(_other, subject, row, number)
            yield lambda o=other, c=column, n=number: o.assign(c, variant(o.value(c), n))  # type: ignore[misc]


def _equal(other: Row, column: Column, subject: Expr, row: Row) -> bool:
    value = value_of(subject, row)
    return other.assign(column, [value] if isinstance(other.value(column), list) else value) and _there(other)


def _listed(other: Row, column: Column, subject: Expr, row: Row) -> bool:
    value = other.value(column)
    return assign(subject, row, next(flat_values(value), None) if isinstance(value, list) else value) and _there(other)


def _there(row: Row) -> bool:
    """Makes a row be one of those that a subquery gives."""
    return all(hold(check.expr, check.row, True) for check in row.failing())


def _other(subject: Expr, row: Row, number: int) -> bool:
    return assign(subject, row, variant(value_of(subject, row), number))


def _emptied(subject: Expr, row: Row, empty: bool) -> Iterator[Any]:
    if empty:
        yield "" if subject.type == Type.STRING else None
        yield ""
        return
    found = row.state.default(subject.column) if isinstance(subject, ColumnRef) and subject.column.table is not None else None
    if found not in (None, ""):
        yield found
    yield plain(subject.type)
    yield from ("value", 7, _PUBLIC, dt.datetime(2024, 1, 2, 3, 4, 5), True, ["value"], {"key": "value"})


def _within(args: tuple[Expr, ...], row: Row, truth: bool) -> Iterator[Move]:
    subject, low, high = args
    first, last = value_of(low, row), value_of(high, row)
    if first is None or last is None:
        return
    if isinstance(first, dt.datetime):
        last = last if isinstance(last, dt.datetime) else first + dt.timedelta(microseconds=last // 10)
        middle: Any = first + (last - first) / 2
        step: Any = _SECOND
    else:
        middle = (first + last) // 2 if isinstance(first, int) and isinstance(last, int) else (first + last) / 2
        step = TICKS if subject.type == Type.TIMESPAN else 1
    near = last - (last - first) / 16 if isinstance(first, dt.datetime) else middle
    for value in (near, middle, first, last) if truth else (first - step, last + step):
        yield lambda value=value: assign(subject, row, value)  # type: ignore[misc]


def _addresses(name: str, others: list[Any], truth: bool) -> Iterator[str]:
    if name == "ipv4_is_private":
        yield from (_PRIVATE, "192.168.1.9", "172.16.4.4") if truth else (_PUBLIC, "8.8.8.8")
        return
    for other in [i for o in others for i in (o if isinstance(o, list) else [o])]:
        if truth and isinstance(other, str):
            try:
                yield str(ipaddress.ip_network(other, strict=False).network_address + (1 if "/" in other else 0))
            except ValueError:
                continue
    if not truth:
        yield from ("198.51.100.9", _PUBLIC, "8.8.8.8", _PRIVATE)


def candidates(operator: str, current: Any, bound: Any, truth: bool, kind: Type) -> Iterator[Any]:
    """Values of which some may compare with ``bound`` as asked, the likeliest first."""
    if operator in ("<", "<=", ">", ">="):
        yield from _beyond(operator if truth else _OPPOSITE[operator], bound, kind)
        return
    if operator in ("==", "=~"):
        if truth:
            yield bound
        else:
            yield from (variant(bound, n) for n in (1, 2))
            yield from (variant(current, n) for n in (1, 2))
            yield from ("other", "", None)
        return
    if isinstance(bound, list):
        flat = [i for b in bound for i in (b if isinstance(b, list) else [b])]
    else:
        flat = [bound]
    now = text_of(current)
    if operator == "has_all" and truth:
        yield " ".join(map(text_of, flat))
        yield f"{now} {' '.join(map(text_of, flat))}"
        return
    if not truth:
        yield from (f"other{n}" for n in range(2))
        for item in flat[:_MANY]:
            yield now.replace(text_of(item), "other")
            yield _without(now, text_of(item))
        yield from ("", None, _PUBLIC)
        if operator.startswith("matches"):
            yield from (t for _, t in mangled(now))
        elif operator.startswith("in"):
            yield from (variant(current, n) for n in (1, 2))
        return
    if operator.startswith("matches"):
        yield from (a for a in _OF_RANGES if _is_found(text_of(bound), a) and not _is_found(text_of(bound), _PUBLIC))
        for text in matching(text_of(bound)):
            yield from (text, f"{now}{text}", f"{text}{now}", f"{now} {text}", f"{text} {now}")
        return
    for item in flat[:_MANY]:
        if operator in ("in", "in~"):
            yield item
            continue
        part = text_of(item)
        if operator.startswith("startswith"):
            yield from (part, part + now, f"{part} {now}", f"{part}1")
        elif operator.startswith("endswith"):
            yield from (part, now + part, f"{now} {part}", f"x{part}")
        else:
            yield from (part, f"{now} {part}", f"{part} {now}", now + part, part + now, f"{now}\\{part}")
            if len(now) > 1:
                yield f"{now[:-1]} {part} {now[-1:]}"
                head, _, tail = now.partition(" ")
                yield f"{head} {part} {tail}"


def _is_found(pattern: str, text: str) -> bool:
    """Whether a pattern finds something in a text; False for one that Python does not read."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _without(text: str, part: str) -> str:
    at = text.lower().find(part.lower())
    return text if at < 0 or not part else text[:at] + "other" + text[at + len(part) :]


def _beyond(operator: str, bound: Any, kind: Type) -> Iterator[Any]:
    """Values on one side of a bound: right at it first."""
    sign = 1 if ">" in operator else -1
    if isinstance(bound, dt.datetime):
        if "=" in operator:
            yield bound
        for seconds in (1, 60, 1_800, 7_200, 90_000, 400_000):
            yield bound + sign * _SECOND * seconds
        return
    if isinstance(bound, str):
        yield from (f"{bound}1", "zzz") if sign > 0 else ("", "0")
        return
    if not isinstance(bound, int | float):
        return
    if "=" in operator:
        yield bound
    steps = (TICKS, 60 * TICKS, 3_600 * TICKS) if kind == Type.TIMESPAN else (1, 2, 10, 1_000)
    if kind in (Type.REAL, Type.DECIMAL, Type.DYNAMIC, Type.UNKNOWN):
        yield bound + sign * 0.5 if not float(bound).is_integer() else bound + sign
    for step in steps:
        yield (int(bound) if isinstance(bound, float) and kind in (Type.LONG, Type.INT) else bound) + sign * step
