"""Expressions turned around: what must the columns hold for an expression to have a value?

``assign`` makes an expression have a value where its function can be turned around. Nothing here is believed: whoever assigns evaluates
the expression again, and goes back where it does not have the value.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

from translator.engine.python.conversions import json_of
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path, Subquery, walk
from translator.plan.functions import aggregates, functions
from translator.plan.functions.values import TICKS, text_of, timespan_text
from translator.plan.types import Type
from translator.verify.witness.model import NotKnown
from translator.verify.witness.operations import element_of, json_text, moment_at, ticks_at
from translator.verify.witness.scalars import value_of
from translator.verify.witness.states import Row
from translator.verify.witness.texts import matching
from translator.verify.witness.variants import variant, with_at

UNFITTING = (NotKnown, TypeError, ValueError, AttributeError, ArithmeticError)
"""What an attempt fails with whose value is of no type that fits."""

_UNITS = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1, "week": 604_800}


def assign(expr: Expr, row: Row, value: Any) -> bool:
    """Makes ``expr`` be ``value`` in ``row``; False, and nothing changed, where that is not found."""
    try:
        if same(value_of(expr, row), value):
            return True
    except NotKnown:
        return False
    mark = len(row.state.trail)
    for attempt in _attempts(expr, row, value):
        row.state.spend(1)
        try:
            if attempt() and same(value_of(expr, row), value):
                return True
        except UNFITTING:
            pass
        row.state.back_to(mark)
    return False


def same(found: Any, value: Any) -> bool:
    """Whether a value is the one that was asked for, though it may have come out as another type's text."""
    if isinstance(found, bool) != isinstance(value, bool):
        return text_of(found).lower() == text_of(value).lower()
    if isinstance(found, str) and isinstance(value, dict | list | int | float) and not isinstance(value, bool):
        return text_of(value) == found
    if isinstance(value, str) and isinstance(found, int | float):
        return text_of(found) == value
    return bool(found == value)


Attempt = Callable[[], bool]

_PATHS = {
    "Filename": "C:\\part\\{}", "DirectoryName": "C:\\part\\{}\\part.exe", "Extension": "C:\\part\\part.{}",
    "DirectoryPath": "{}\\part.exe", "RootPath": "{}\\part\\part.exe",
}  # fmt: skip
"""Paths with something at a place that ``parse_path`` tells."""


def _attempts(expr: Expr, row: Row, value: Any) -> Iterator[Attempt]:
    match expr:
        case ColumnRef(column=column):
            yield lambda: row.assign(column, value)
        case Path(base=base, steps=steps):
            if isinstance(base, Apply) and base.function == "parse_path" and len(steps) == 1 and steps[0] in _PATHS:
                yield lambda: assign(base.args[0], row, _PATHS[str(steps[0])].format(text_of(value)))
            yield lambda: assign(base, row, with_at(value_of(base, row), steps, _json_value(value)))
            if base.type == Type.STRING or isinstance(base, ColumnRef):
                yield lambda: assign(base, row, json_text(with_at(value_of(base, row), steps, _json_value(value))))
        case Subquery():
            yield from _of_subquery(expr, row, value)
        case Apply(function=name, args=args):
            if name in aggregates() and name not in functions():
                yield lambda: row.assign_aggregate(expr, value)
                return
            known = _BACK.get(name)
            if known is not None:
                yield from known(args, row, value)
            elif args:
                yield lambda: assign(args[0], row, value)
            yield from _around(expr, row, value)


def _around(expr: Expr, row: Row, value: Any) -> Iterator[Attempt]:
    """A text that is cut at places which are computed of it: the value with the marks that are searched for beside it."""
    nodes = list(walk(expr))
    read = [n.column for n in nodes if isinstance(n, ColumnRef)]
    if isinstance(value, str) and len(read) > 1 and len(set(read)) == 1 and read[0].type == Type.STRING:
        marks = dict.fromkeys(
            n.value for n in nodes if isinstance(n, Const) and isinstance(n.value, str) and n.value and n.value not in value
        )
        for mark in marks:
            for text in (f"part{mark}{value}", f"{value}{mark}part", f"part{mark}{value}{mark}part"):
                yield lambda text=text: row.assign(read[0], text)  # type: ignore[misc]


def _of_subquery(expr: Subquery, row: Row, value: Any) -> Iterator[Attempt]:
    column = expr.column
    for other in row.state.rows_of(expr.relation) if column is not None else ():
        yield lambda other=other: other.assign(column, value)  # type: ignore[misc]


def _json_value(value: Any) -> Any:
    return text_of(value) if isinstance(value, dt.datetime) else value


# --- functions


_Back = Callable[[tuple[Expr, ...], Row, Any], Iterator[Attempt]]


def _first(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    yield lambda: assign(args[0], row, value)


def _text(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    """tostring: the value that has this text."""
    text, kind = text_of(value), args[0].type
    if kind in (Type.DYNAMIC, Type.UNKNOWN):
        found = json_of(text) if text[:1] in ("{", "[") else text
        yield lambda: assign(args[0], row, found)
        if re.fullmatch(r"-?\d{1,15}", text):
            yield lambda: assign(args[0], row, int(text))
        yield lambda: assign(args[0], row, [text])
        return
    yield lambda: assign(args[0], row, text)
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        yield lambda: assign(args[0], row, float(text) if "." in text else int(text))
    if text.lower() in ("true", "false"):
        yield lambda: assign(args[0], row, text.lower() == "true")


def _number(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    yield lambda: assign(args[0], row, text_of(value) if args[0].type == Type.STRING else value)
    yield lambda: assign(args[0], row, text_of(value))


def _moment(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    yield lambda: assign(args[0], row, value)
    yield lambda: assign(args[0], row, text_of(value))


def _length_of_time(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    yield lambda: assign(args[0], row, timespan_text(value) if isinstance(value, int) else value)
    yield lambda: assign(args[0], row, value)


def _json(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    if args[0].type == Type.DYNAMIC:
        yield lambda: assign(args[0], row, value)
    yield lambda: assign(args[0], row, value if isinstance(value, str) else json_text(value))
    yield lambda: assign(args[0], row, value)


def _joined(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    """strcat: constants stand where they are in the text, what is between belongs to the rest."""
    text = text_of(value)
    free = [n for n, a in enumerate(args) if _reads(a)]

    def split(greedy: str, fixed: int | None) -> bool:
        pattern = "".join(f"(.*{greedy})" if n in free and n != fixed else re.escape(text_of(value_of(a, row))) for n, a in enumerate(args))
        found = re.fullmatch(pattern, text, re.S)
        if found is None:
            return False
        chosen = [n for n in free if n != fixed]
        return all(assign(args[n], row, found[place]) for place, n in enumerate(chosen, 1))

    yield lambda: split("?", None)
    yield lambda: split("", None)
    for fixed in free if len(free) > 1 else ():
        yield lambda fixed=fixed: split("", fixed)  # type: ignore[misc]


def _reads(expr: Expr) -> bool:
    return any(isinstance(n, ColumnRef | Subquery) for n in walk(expr)) or (
        isinstance(expr, Apply) and not expr.args and expr.function not in ("now",)
    )


def _split(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    mark = text_of(value_of(args[1], row))
    items = value if isinstance(value, list) else [value]

    def joined(parts: list[Any]) -> bool:
        return assign(args[0], row, mark.join(text_of(p if p is not None else "part") for p in parts))

    if len(args) == 3:
        place = value_of(args[2], row)
        current = text_of(value_of(args[0], row)).split(mark)
        yield lambda: joined(with_at(current, (place,), text_of(items[0])))
    else:
        yield lambda: joined(items)


def _conditional(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    """iff and case: a condition that is made to hold, and what stands behind it the value."""

    pairs: list[tuple[Expr | None, Expr]] = [*zip(args[:-1:2], args[1::2], strict=False), (None, args[-1])]
    ordered = sorted(pairs, key=lambda p: not (isinstance(p[1], Const) and p[1].value == value))

    def attempt(condition: Expr | None, chosen: Expr) -> bool:
        for other, _ in pairs:
            if other is condition or other is None:
                break
            if value_of(other, row) is True and not row.state.hold(other, row, False):
                return False
        return (condition is None or row.state.hold(condition, row, True)) and assign(chosen, row, value)

    for condition, chosen in ordered:
        if not isinstance(chosen, Const) or same(chosen.value, value) or chosen.type == Type.DATETIME:
            yield lambda condition=condition, chosen=chosen: attempt(condition, chosen)  # type: ignore[misc]


def _coalesced(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    for arg in args:
        yield lambda arg=arg: assign(arg, row, value)  # type: ignore[misc]


def _sum(sign: int) -> _Back:
    def back(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
        left, right = args

        def on_the_left() -> Any:
            other = value_of(right, row)
            if isinstance(other, dt.datetime):
                return other + _delta(value) if sign < 0 else _minus(value, other)
            return _added(value, other, -sign)

        def to_left() -> bool:
            return assign(left, row, on_the_left())

        def to_right() -> bool:
            other = value_of(left, row)
            if sign > 0:
                return assign(right, row, _added(value, other, -1))
            return assign(right, row, _added(other, value, -1))

        if value is not None:
            moment = on_the_left()
            yield from (to_right, to_left) if isinstance(moment, dt.datetime) and moment > row.state.now else (to_left, to_right)

    return back


def _delta(ticks: Any) -> dt.timedelta:
    return dt.timedelta(microseconds=round(ticks) // 10)


def _minus(moment: Any, other: dt.datetime) -> Any:
    return ticks_at(moment) - ticks_at(other) if isinstance(moment, dt.datetime) else None


def _added(value: Any, other: Any, sign: int) -> Any:
    if isinstance(value, dt.datetime) and isinstance(other, dt.datetime):
        return ticks_at(value) - ticks_at(other)
    if isinstance(value, dt.datetime):
        return value + sign * _delta(other or 0)
    return value + sign * (other or 0)


def _times(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    for one, other in ((0, 1), (1, 0)):

        def attempt(one: int = one, other: int = other) -> bool:
            factor = value_of(args[other], row)
            if not factor:
                return False
            found = value / factor
            return assign(args[one], row, round(found) if args[one].type in (Type.LONG, Type.INT, Type.TIMESPAN) else found)

        yield attempt


def _over(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    def attempt() -> bool:
        found = value * value_of(args[1], row)
        return assign(args[0], row, round(found) if args[0].type in (Type.LONG, Type.INT, Type.TIMESPAN) else found)

    def divisor() -> bool:
        found = value_of(args[0], row) / value
        return assign(args[1], row, round(found) if args[1].type in (Type.LONG, Type.INT, Type.TIMESPAN) else found)

    if isinstance(value, int | float):
        yield attempt
        if value:
            yield divisor


def _difference_of_times(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    size = _UNITS.get(text_of(value_of(args[0], row)).lower(), 1) * TICKS

    def earlier() -> bool:
        later = value_of(args[1], row)
        return isinstance(later, dt.datetime) and assign(args[2], row, moment_at(ticks_at(later) - value * size))

    def later() -> bool:
        before = value_of(args[2], row)
        return isinstance(before, dt.datetime) and assign(args[1], row, moment_at(ticks_at(before) + value * size))

    if isinstance(value, int):
        yield earlier
        yield later


def _length(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    """array_length: a list of as many values, all different."""
    if not isinstance(value, int) or not 0 <= value <= 2_000:
        return

    def attempt(like: Any) -> bool:
        current = value_of(args[0], row)
        items = list(current) if isinstance(current, list) else []
        while len(items) < value:
            items.append(variant(items[0] if items else like, len(items) + (0 if not items else 900)))
        return assign(args[0], row, items[:value])

    yield lambda: attempt("item")
    yield lambda: attempt("10.1.0.1")


def _long_text(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    if isinstance(value, int) and 0 <= value <= 100_000:
        current = text_of(value_of(args[0], row))
        yield lambda: assign(args[0], row, (current + "x" * value)[:value])
        yield lambda: assign(args[0], row, ("x" * value + current)[-value:] if value else "")


def _extracted(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    if len(args) < 3:
        return
    regex, group = text_of(value_of(args[0], row)), value_of(args[1], row)
    current = text_of(value_of(args[2], row))
    if not isinstance(group, int):
        return
    try:
        found = re.search(regex, current)
    except re.error:
        found = None
    if found is not None and group <= (found.re.groups or 0) and found.start(group) >= 0:
        yield lambda: assign(args[2], row, current[: found.start(group)] + text_of(value) + current[found.end(group) :])
    for text in matching(regex, {group: text_of(value)}) if group else [text_of(value)]:
        yield lambda text=text: assign(args[2], row, text)  # type: ignore[misc]
        yield lambda text=text: assign(args[2], row, f"{current} {text}")  # type: ignore[misc]


def _replaced(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    """replace_string and its relatives: a text in which there is nothing to replace, or that becomes the value."""
    yield lambda: assign(args[0], row, value)
    if len(args) == 3:
        old, new = text_of(value_of(args[1], row)), text_of(value_of(args[2], row))
        if new and new in text_of(value):
            yield lambda: assign(args[0], row, text_of(value).replace(new, old))


def _older_replaced(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    yield lambda: assign(args[2], row, value)


def _cut(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    current, start = text_of(value_of(args[0], row)), value_of(args[1], row)
    if isinstance(start, int) and start >= 0:
        head = current[:start].ljust(start, "x")
        tail = current[start + value_of(args[2], row) :] if len(args) > 2 and isinstance(value_of(args[2], row), int) else ""
        yield lambda: assign(args[0], row, head + text_of(value) + tail)
        yield lambda: assign(args[0], row, head + text_of(value))


def _decoded(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    yield lambda: assign(args[0], row, base64.b64encode(text_of(value).encode()).decode())


def _xml(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    if isinstance(value, dict) and len(value) == 1:
        yield lambda: assign(args[0], row, "".join(element_of(k, v) for k, v in value.items()))


def _url(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    if not isinstance(value, dict):
        return
    held = {k: text_of(v) for k, v in value.items() if not isinstance(v, dict)}
    query = value.get("Query Parameters")
    asked = "&".join(f"{k}={text_of(v)}" for k, v in query.items()) if isinstance(query, dict) else ""
    path = held.get("Path") or "/"
    text = f"{held.get('Scheme') or 'https'}://{held.get('Host') or 'host.example'}{path}{'?' + asked if asked else ''}"

    yield lambda: assign(args[0], row, text)


def _packed(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    if isinstance(value, dict):
        names = {text_of(value_of(k, row)): x for k, x in zip(args[::2], args[1::2], strict=False)}
        yield lambda: all(assign(names[k], row, v) for k, v in value.items() if k in names)


def _array(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    if isinstance(value, list) and len(value) == len(args):
        yield lambda: all(assign(a, row, v) for a, v in zip(args, value, strict=True))


def _place(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    """array_index_of: the element that stands at this place."""
    held = value_of(args[0], row)
    if isinstance(held, list) and isinstance(value, int) and 0 <= value < len(held):
        yield lambda: assign(args[1], row, held[value])


def _indexed(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    step = value_of(args[1], row)
    if isinstance(step, str | int):
        yield lambda: assign(args[0], row, with_at(value_of(args[0], row), (step,), _json_value(value)))


def _truth(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    if isinstance(value, bool):
        yield lambda: assign(args[0], row, value)
        yield lambda: assign(args[0], row, "true" if value else "false")


def _hour(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    current = value_of(args[0], row)
    if isinstance(current, dt.datetime) and isinstance(value, int) and 0 <= value < 24:
        day = current.replace(hour=value)
        yield lambda: assign(args[0], row, day)
        yield lambda: assign(args[0], row, day - dt.timedelta(days=1))


def _weekday(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    current = value_of(args[0], row)
    if isinstance(current, dt.datetime) and isinstance(value, int):
        for days in range(7):
            moved = current - dt.timedelta(days=days)
            if (moved.weekday() + 1) % 7 == value // (86_400 * TICKS):
                yield lambda moved=moved: assign(args[0], row, moved)  # type: ignore[misc]


def _condition(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
    return iter(())


_CASES: dict[str, Callable[[str], str]] = {"tolower": str.lower, "toupper": str.upper}


def _in_case(case: Callable[[str], str]) -> _Back:
    def back(args: tuple[Expr, ...], row: Row, value: Any) -> Iterator[Attempt]:
        yield lambda: assign(args[0], row, value)
        for chosen in chosen_among(args[0], row):
            if case(text_of(chosen)) == value:
                yield lambda chosen=chosen: assign(args[0], row, chosen)  # type: ignore[misc]

    return back


def chosen_among(subject: Expr, row: Row) -> Iterator[Any]:
    """The constants among which an ``iff`` or ``case`` chooses, as functions around it have them."""
    known = row.defined(subject.column) if isinstance(subject, ColumnRef) else None
    expr = known[0] if known is not None else subject
    if isinstance(expr, Apply) and expr.function in _CASES:
        yield from dict.fromkeys(_CASES[expr.function](text_of(v)) for v in chosen_among(expr.args[0], row))
    if isinstance(expr, Apply) and expr.function in ("iff", "case"):
        results = (*expr.args[1::2], expr.args[-1])
        yield from dict.fromkeys(a.value for a in results if isinstance(a, Const))


_BACK: dict[str, _Back] = {
    **{name: _in_case(case) for name, case in _CASES.items()},
    "tostring": _text, **dict.fromkeys(("toint", "tolong", "todouble", "toreal", "todecimal"), _number), "todatetime": _moment,
    "totimespan": _length_of_time, **dict.fromkeys(("parse_json", "todynamic", "dynamic"), _json), "strcat": _joined, "split": _split,
    "iff": _conditional, "iif": _conditional, "case": _conditional, "coalesce": _coalesced, "+": _sum(1), "-": _sum(-1), "*": _times,
    "/": _over, "datetime_diff": _difference_of_times, "array_length": _length, "strlen": _long_text, "string_size": _long_text,
    "extract": _extracted, **dict.fromkeys(("replace_string", "replace_regex"), _replaced), "replace": _older_replaced, "substring": _cut,
    "base64_decode_tostring": _decoded, "parse_xml": _xml, "parse_url": _url, "parseurl": _url, "bag_pack": _packed, "pack": _packed,
    "pack_array": _array, "[]": _indexed, "array_index_of": _place, "tobool": _truth, "hourofday": _hour, "dayofweek": _weekday,
    "reverse": lambda args, row, value: iter([lambda: assign(args[0], row, text_of(value)[::-1])]),
    "trim": lambda args, row, value: iter([lambda: assign(args[1], row, value)]),
    "trim_start": lambda args, row, value: iter([lambda: assign(args[1], row, value)]),
    "trim_end": lambda args, row, value: iter([lambda: assign(args[1], row, value)]),
    "max_of": _coalesced, "min_of": _coalesced, "array_slice": _first, "array_concat": _first, "set_union": _first,
    **dict.fromkeys(("and", "or", "not", "now", "ago"), _condition),
}  # fmt: skip
