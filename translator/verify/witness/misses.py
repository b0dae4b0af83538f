"""What is changed in events that alert, to see where the rule stops alerting: a change for each condition, value and time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from translator import catalog
from translator.engine.python.conversions import json_of
from translator.plan import functions
from translator.plan.describe import expression
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Span, Subquery, columns_of, walk
from translator.plan.functions.values import TICKS
from translator.plan.types import Type
from translator.verify.witness.group_rows import Grouped
from translator.verify.witness.groups import parts_of
from translator.verify.witness.holding import hold
from translator.verify.witness.inversion import assign
from translator.verify.witness.model import NotKnown
from translator.verify.witness.operations import json_text
from translator.verify.witness.rows import Computed
from translator.verify.witness.scalars import value_of
from translator.verify.witness.states import RECEIVED, TIMES, Row, State, Stored
from translator.verify.witness.texts import beside, changed, mangled, other_case, outside_of_ascii
from translator.verify.witness.variants import variant

_SECOND = dt.timedelta(seconds=1)
_APART = (dt.timedelta(minutes=40), dt.timedelta(minutes=55), dt.timedelta(hours=5), dt.timedelta(hours=23))
_LATE = (dt.timedelta(minutes=50), dt.timedelta(hours=26))
_EXTRA = ("%", "*", "?", "\\", '"', "'")
_CLASSES = 8
"""In how many of its classes a pattern meets other characters."""
_ELSEWHERE = 2
"""How many of the values that other conditions ask of its column a condition meets."""
LARGE = 40
"""Of how many events on a group is large: few worlds can have as many."""
_OTHERS = 12
"""How many other conditions on a column are kept as they are where one of them answers the other way."""

_WEIGHT = 3
"""How many conditions that fail are worth less than an answer that an atom is to keep."""

_LIMITS = 4
"""Around how many limits of time all events are moved."""
_ALTERNATIVES = 6
"""How many values of a list are always tried, the last one first."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the events: in words, where the query asks for it, and how it is done (False where it cannot be)."""

    about: str
    span: Span | None
    do: Callable[[], bool]
    rank: int = 1


def atoms(expr: Expr) -> Iterator[Expr]:
    """The conditions that a condition is made of."""
    match expr:
        case Apply(function="and" | "or" | "not", args=args):
            for arg in args:
                yield from atoms(arg)
        case Const():
            return
        case _:
            yield expr


def tested_atoms(state: State) -> list[tuple[Expr, Row]]:
    """Every atom with a row that it is asked of, once for each place of the query."""
    found: dict[object, tuple[Expr, Row]] = {}
    for check in state.checks():
        for atom in atoms(check.expr):
            # What keeps the rows of a group together is made anew for each of them.
            made_anew = isinstance(atom, Apply) and atom.function == "same"
            found.setdefault(("same", id(atom.args[0])) if made_anew and isinstance(atom, Apply) else id(atom), (atom, check.row))
    for row in state.rows():
        for expr, over in conditions(row):
            for atom in atoms(expr):
                found.setdefault(id(atom), (atom, over))
    return list(found.values())


def conditions(row: Row) -> Iterator[tuple[Expr, Row]]:
    """The conditions of ``iff`` and ``case`` in columns that are computed on the way to a row, and what aggregates ask of their rows."""
    if isinstance(row, Computed):
        for expr in row.items.values():
            yield from ((condition, row.inputs[0]) for condition in _choosing(expr))
    if isinstance(row, Grouped):
        for expr in row.definitions.values():
            yield from ((condition, row.members[0]) for condition in _choosing(expr))
            yield from ((condition, _counted(condition, row)) for condition in _counting(expr))
    for inner in row.members[:1] if isinstance(row, Grouped) else row.inputs:
        yield from conditions(inner)


def _choosing(expr: Expr) -> Iterator[Expr]:
    for node in walk(expr):
        if isinstance(node, Apply) and node.function in ("iff", "case"):
            yield from node.args[:-1:2] if node.function == "case" else node.args[:1]


def _counting(expr: Expr) -> Iterator[Expr]:
    """What ``countif`` and the like ask of the rows that they read."""
    for node in walk(expr):
        if isinstance(node, Apply) and node.function in functions.aggregates() and (condition := parts_of(node)[2]) is not None:
            yield condition


def _counted(condition: Expr, group: Grouped) -> Row:
    """The last row that satisfies a condition, or the first where there is none."""
    return next((r for r in reversed(group.active()) if value_of(condition, r) is True), group.members[0])


def alternatives(state: State) -> Iterator[tuple[Expr, Row, tuple[Expr, ...]]]:
    """The alternatives of conditions that do not hold yet, each with the row that is asked, and with the others."""
    seen = set[int]()
    for check in state.checks():
        for node in walk(check.expr):
            if isinstance(node, Apply) and node.function == "or" and id(node) not in seen:
                seen.add(id(node))
                for place, arg in enumerate(node.args):
                    if value_of(arg, check.row) is not True:
                        yield arg, check.row, node.args[:place] + node.args[place + 1 :]


def flips(state: State, among: Container[int] | None = None) -> Iterator[Change]:
    """Each atom answering the other way, with the least change; of all atoms, or of those with these identities.

    What else is asked of the same column goes on answering as it does, where that can be.
    """
    tested = tested_atoms(state)
    for atom, row in tested:
        if among is not None and id(atom) not in among:
            continue
        columns = set(columns_of(atom))
        others = [(a, r) for a, r in tested if a is not atom and r is row and not columns.isdisjoint(columns_of(a))][:_OTHERS]
        for truth in (True, False):

            def do(atom: Expr = atom, row: Row = row, truth: bool = truth, others: list[tuple[Expr, Row]] = others) -> bool:
                if (value_of(atom, row) is True) is truth:
                    return False
                with row.state.asking(*((a, r, value_of(a, r) is True) for a, r in others)):
                    done = hold(atom, row, truth)
                if done:
                    _mended(atom, row, truth)
                return done

            yield Change(f"{_short(atom)} {'' if truth else 'not '}holding", atom.span, do, 0)


def _mended(atom: Expr, row: Row, truth: bool) -> None:
    """Makes keys equal again that an atom has parted by answering so, as far as that can be."""
    state = row.state
    with state.asking(*[(atom, row, truth)] * _WEIGHT):
        for expr, other, wanted in state.failing()[:_OTHERS]:
            if expr is not atom and isinstance(expr, Apply) and expr.function in ("same", "==") and not any(map(_is_constant, expr.args)):
                mark = len(state.trail)
                if not hold(expr, other, wanted) or (value_of(atom, row) is True) is not truth:
                    state.back_to(mark)


def elsewhere(state: State) -> Iterator[Change]:
    """The text that an atom asks of a column in another one of the table, which the rule does not read."""
    for atom, row in tested_atoms(state):
        match atom:
            case Apply(args=(ColumnRef(column=column), Const(value=str(wanted))), span=span) if wanted and column.table is not None:
                other = _unread(column.table, {n for r in state.rows() for e in r.sources() for n in e.values})
                event = next((e for e in row.sources() if column.name in e.values), None)
                if other is None or event is None or value_of(atom, row) is not True:
                    continue

                def do(event: Stored = event, name: str = column.name, other: str = other) -> bool:
                    event.put(other, event.values[name])
                    event.put(name, "")
                    return True

                yield Change(f"{_short(atom)}: its text in {other} instead", span, do, 0)


def _unread(table: str, read: Container[str]) -> str | None:
    """A column of texts that is not read, and that every product has as it is; None where none is known."""
    known = catalog.table(table)
    homes = [homes[0] for homes in known.homes.values() if homes] if known is not None else []
    if len(homes) < len(catalog.FAMILIES):
        return None
    plain = ([c for c, k in h.columns.items() if isinstance(k, catalog.Stored) and k == catalog.Stored(k.name, k.type)] for h in homes)
    texts = {c for c, kind in catalog.schemas().get(table, {}).items() if kind == "string"}
    return next((c for c in sorted(texts.intersection(*plain)) if c not in read and not catalog.is_address(table, c)), None)


def _items(expr: Expr) -> tuple[Expr, ...]:
    return expr.items if isinstance(expr, Items) else (expr,)


def _is_constant(expr: Expr) -> bool:
    return isinstance(expr, Const | Items)


def unlisted(state: State) -> Iterator[tuple[Expr, Row, set[int]]]:
    """The conditions by which a value is in no row of a subquery, each with its row and what is asked of the rows of that subquery."""
    for atom, row in tested_atoms(state):
        if not isinstance(atom, Apply):
            continue
        listed = [i for a in atom.args[1:] for i in _items(a) if isinstance(i, Subquery)]
        if listed and atom.function.startswith(("in", "!in")) and value_of(atom, row) is atom.function.startswith("!"):
            rows = [r for i in listed for r in state.rows_of(i.relation)]
            yield atom, row, {id(a) for a, r in tested_atoms(state) if any(holds_row(inner, r) for inner in rows)}


def near(state: State, among: Container[int] | None = None) -> Iterator[Change]:
    """Values that are nearly what an atom asks for; of all atoms, or of those with these identities."""
    asked, together = _asked_elsewhere(state), asked_of_keys(state)
    for atom, row in tested_atoms(state):
        if not isinstance(atom, Apply) or not atom.args or (among is not None and id(atom) not in among):
            continue
        if atom.function == "same":
            continue
        subjects = [a for a in atom.args[:2] if not isinstance(a, Const | Items)]
        constants = [
            c for a in atom.args for c in (a.items if isinstance(a, Items) else (a,)) if isinstance(c, Const) and c.value is not None
        ]
        for subject in subjects[:1]:
            yield from _of_value(atom, subject, constants, together.get(id(atom), [row]), asked)
        if len(subjects) == 2:
            yield from _of_two(atom, subjects[0], subjects[1], row)


def stored_behind(expr: Expr, row: Row) -> list[Column]:
    """The stored columns that the value of an expression is computed of in a row."""
    found, waiting = dict[Column, None](), [(c, row) for c in columns_of(expr)]
    while waiting and len(found) < _OTHERS:
        column, over = waiting.pop()
        if (made := over.defined(column)) is None:
            found[column] = None
        else:
            waiting += [(c, made[1]) for c in columns_of(made[0]) if c is not column]
    return list(found)


def asked_of_keys(state: State) -> dict[int, list[Row]]:
    """The rows that are asked for what is also a key of their group, by the identity of the condition: they change together or part."""
    keys = {column for grouped in groups(state) for key in grouped.keys for column in columns_of(key)}
    found: dict[int, list[Row]] = {}
    for check in state.checks() if keys else ():
        for atom in atoms(check.expr):
            if not keys.isdisjoint(columns_of(atom)):
                found.setdefault(id(atom), []).append(check.row)
    return found


def _asked_elsewhere(state: State) -> dict[str, list[str]]:
    """The texts that conditions compare columns with, by the names of the columns."""
    found: dict[str, list[str]] = {}
    for atom, _ in tested_atoms(state):
        match atom:
            case Apply(args=(ColumnRef(column=column), *others)):
                texts = [i.value for other in others for i in _items(other) if isinstance(i, Const) and isinstance(i.value, str)]
                found.setdefault(column.name, []).extend(texts)
    return found


def _of_value(
    atom: Apply, subject: Expr, constants: list[Const], rows: Sequence[Row], elsewhere: Mapping[str, list[str]]
) -> Iterator[Change]:  # fmt: skip
    row = rows[0]
    try:
        current = value_of(subject, row)
    except NotKnown:
        return

    def to(about: str, value: Any, rank: int = 1) -> Change:
        return Change(f"{_short(atom)}: {about}", atom.span, partial(_assigned, subject, rows, value), rank)

    if isinstance(current, str):
        parts = [str(c.value) for c in constants if isinstance(c.value, str) and c.value and c.value.lower() in current.lower()][:2]
        for part in parts:
            yield from (to(about, text, 1 if telling else 2) for about, text, telling in changed(current, part))
            yield from (to(about, text, 1 if telling else 3) for about, text, telling in beside(current, part))
        if not parts:
            yield to("in another case", other_case(current))
            for denied in [c.value for c in constants if isinstance(c.value, str) and c.value][:2] if _is_denied(atom, row) else ():
                yield to(f"letters around {denied!r}", f"x{denied}x", 0)
                yield from (to(f"nearly {denied!r}", text) for text in (f"x {denied}", f"{denied} x", denied, other_case(denied)))
            if atom.function.startswith("matches"):
                yield from (to(about, text, 2) for about, text in islice(mangled(current), 12))
        if atom.function.startswith("matches"):
            yield from (to(about, text) for c in constants for about, text in islice(outside_of_ascii(str(c.value)), _CLASSES))
        yield to("empty", "", 0 if _is_denied(atom, row) else 1)
        of = [(c.table, c.name) for c in stored_behind(subject, row) if c.table is not None]
        if not any(catalog.is_address(*c) or catalog.is_plain_number(*c) for c in of):  # these hold nothing else
            yield from (to(f"with {mark} behind", current + mark, 3) for mark in _EXTRA)
            yield to("with a space before", f" {current}", 3)
        others = [c.value for c in constants if c.value != current]
        for text in [v for c in columns_of(subject) for v in row.state.left_out.get(c.name, ())][:_ALTERNATIVES]:
            yield to(f"the value {text}, which the query leaves out", text, 0)
        own = {c.value for c in constants}
        of_others = dict.fromkeys(v for c in columns_of(subject) for v in elsewhere.get(c.name, ()) if v and v not in own)
        yield from (to(f"the value {other}, which is asked elsewhere", other, 0) for other in [*of_others][:_ELSEWHERE])
        for place, other in enumerate((*others[-1:], *others[:-1])):
            yield to(f"the value {other}", other, 1 if place < _ALTERNATIVES else 3)
    elif isinstance(current, dt.datetime):
        for bound in _bounds(atom, row):
            yield to("right at the limit", bound, 0)
            yield to("a second before the limit", bound - _SECOND, 0)
            yield to("a second after the limit", bound + _SECOND, 0)
    elif isinstance(current, int | float) and not isinstance(current, bool):
        numbers = [(c.value, TICKS if c.type == Type.TIMESPAN else 1) for c in constants if isinstance(c.value, int | float)]
        for place, (number, step) in enumerate(numbers[:4]):
            yield from (to(f"{number + d * step}", number + d * step, min(place, 1)) for d in (0, 1, -1))
        for place, (number, _) in enumerate((*numbers[-1:], *numbers[4:-1]) if len(numbers) > 4 else ()):
            yield to(f"the value {number}", number, 1 if place < _ALTERNATIVES else 3)
    yield to("null", None, 0 if _is_denied(atom, row) else 2)


def _is_denied(atom: Apply, row: Row) -> bool:
    """Whether a condition asks that something be not so."""
    return atom.function.startswith("!") or value_of(atom, row) is not True


def limits(state: State) -> list[dt.datetime]:
    """The moments that the times of events are compared with, each once; the first few."""
    found: dict[dt.datetime, None] = {}
    for atom, row in tested_atoms(state):
        columns = [columns_of(a) for a in atom.args] if isinstance(atom, Apply) else []
        if isinstance(atom, Apply) and columns and all(c.name in TIMES for c in columns[0]) and not any(columns[1:]):
            found |= dict.fromkeys(_bounds(atom, row))
    return list(found)[:_LIMITS]


def _bounds(atom: Apply, row: Row) -> list[dt.datetime]:
    found = []
    for arg in atom.args[1:]:
        try:
            value = value_of(arg, row)
        except NotKnown:
            continue
        if isinstance(value, dt.datetime):
            found.append(value)
        elif isinstance(value, int) and arg.type == Type.TIMESPAN and found:
            found.append(found[0] + dt.timedelta(microseconds=value // 10))
    return found


def _of_two(atom: Apply, left: Expr, right: Expr, row: Row) -> Iterator[Change]:
    """Two values that are compared: equal but for case, both empty, each side missing; times equal and in the other order."""

    def both(value: Any) -> Callable[[], bool]:
        return lambda: assign(left, row, value) and assign(right, row, value)

    try:
        one, other = value_of(left, row), value_of(right, row)
    except NotKnown:
        return
    name = _short(atom)
    if isinstance(one, str) and isinstance(other, str):
        yield Change(f"{name}: in another case", atom.span, lambda: assign(right, row, other_case(other)), 1)
        yield Change(f"{name}: both empty", atom.span, both(""), 0)
        yield Change(f"{name}: one empty", atom.span, lambda: assign(right, row, ""), 2)
        yield Change(f"{name}: different", atom.span, lambda: assign(right, row, variant(other, 3)), 0)
    elif isinstance(one, dt.datetime) and isinstance(other, dt.datetime):
        yield Change(f"{name}: at the same time", atom.span, lambda: assign(left, row, other), 1)
        yield Change(f"{name}: the one a second before", atom.span, lambda: assign(left, row, other - _SECOND), 1)
        yield Change(f"{name}: the one a second after", atom.span, lambda: assign(left, row, other + _SECOND), 1)
        yield Change(f"{name}: in the other order", atom.span, lambda: assign(left, row, other) and assign(right, row, one), 0)


def stored(state: State, asked_of: list[tuple[Expr, Row]]) -> Iterator[Change]:
    """Every stored value that is there: missing, empty, in another case, and of other types where it is dynamic."""
    named = {n.column.name: n.column for e, _ in asked_of for n in walk(e) if isinstance(n, ColumnRef)}
    for row in state.rows():
        for event in list(dict.fromkeys(row.sources()))[:4]:
            usual = [n for n, v in event.values.items() if n in named and isinstance(v, str) and v and v not in state.constants.get(n, ())]
            if len(usual) > 1:
                yield Change(f"{', '.join(usual)} missing", event.source.span, partial(_put_all, event, dict.fromkeys(usual)), 1)
            for name in list(event.values):
                if name in TIMES:
                    continue
                rank = 2 if name in named else 3
                current = event.values[name]
                if current not in (None, ""):
                    yield _put(event, name, None, "missing", rank - 1)
                if isinstance(current, str) and current:
                    yield _put(event, name, "", "empty", rank + 1)
                    if name in named and other_case(current) != current:  # a key may be made of it without its case
                        yield _put(event, name, other_case(current), "in another case", rank - 1)
                held = json_of(current) if isinstance(current, str) and current[:1] in ("[", "{") else current
                for path, array, about in _neighbours(held):
                    whole = _replaced(held, path, array)
                    yield _put(
                        event, name, json_text(whole) if isinstance(current, str) else whole, f"{'.'.join(map(str, path))} {about}", 1
                    )
                if isinstance(current, dict | list):
                    others: list[tuple[Any, str]] = [({"x": current}, "an object around it"), ("text", "a text"), (7, "a number")]
                    # A product does not tell an object from an array of it; no element of what is known to be an array is one itself.
                    if isinstance(current, list) and not catalog.is_array(event.source.table, name, ()):
                        others.append(([current], "an array around it"))
                    yield from (_put(event, name, value, about, rank) for value, about in others)
                    for path, value, about in _leaves(current):
                        yield _put(event, name, _replaced(current, path, value), f"{'.'.join(map(str, path))} {about}", rank)


def _put_all(event: Stored, values: Mapping[str, Any]) -> bool:
    for name, value in values.items():
        event.put(name, value)
    return True


def _put(event: Stored, name: str, value: Any, about: str, rank: int) -> Change:
    def do() -> bool:
        event.put(name, value)
        return True

    return Change(f"{event.source.table}.{name}: {about}", event.source.span, do, rank)


def _leaves(value: Any, path: tuple[str | int, ...] = (), depth: int = 0) -> Iterator[tuple[tuple[str | int, ...], Any, str]]:
    items: list[tuple[str | int, Any]] = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for step, inner in items[:4]:
        if isinstance(inner, dict | list) and depth < 3:
            yield from _leaves(inner, (*path, step), depth + 1)
            continue
        where = (*path, step)
        yield where, None, "null"
        yield where, {"x": inner}, "an object"
        yield where, [inner], "an array"
        if isinstance(inner, str):
            yield where, other_case(inner), "in another case"


def _neighbours(value: Any, path: tuple[str | int, ...] = (), depth: int = 0) -> Iterator[tuple[tuple[str | int, ...], list[Any], str]]:
    """The arrays within a value with one more element: like the first, with other values, before it or behind the last."""
    if isinstance(value, list) and value:
        another = variant(value[0], 3)
        yield path, [another, *value], "another element before the first"
        yield path, [*value, another], "another element behind the last"
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for step, inner in items[:4] if depth < 3 else ():
        yield from _neighbours(inner, (*path, step), depth + 1)


def _replaced(value: Any, path: tuple[str | int, ...], wanted: Any) -> Any:
    if not path:
        return wanted
    if isinstance(value, dict):
        return {k: _replaced(v, path[1:], wanted) if k == path[0] else v for k, v in value.items()}
    return [_replaced(v, path[1:], wanted) if n == path[0] else v for n, v in enumerate(value)]


def sizes(state: State) -> Iterator[Change]:
    """Groups with one row fewer, and with one more, like the first: the last event then is as the first was."""
    for grouped in groups(state):
        span = grouped.group.span
        if len(grouped.members) > 1:
            yield Change(f"one event fewer than {len(grouped.members)}", span, lambda g=grouped: _fewer(g), 0)  # type: ignore[misc]

            def repeated(group: Grouped = grouped, spelled: Callable[[Any], Any] = lambda value: value) -> bool:
                first, last = group.members[0], group.members[-1]
                events = list(zip(first.sources(), last.sources(), strict=False))
                for one, other in events:
                    for name, value in one.values.items():
                        if name not in TIMES and other.values.get(name) != value:
                            other.put(name, spelled(value))
                return bool(events)

            yield Change("the values of one event in another again", span, repeated, 0)
            in_case = partial(repeated, spelled=lambda value: other_case(value) if isinstance(value, str) else value)
            rank = 0 if len(grouped.members) <= LARGE else 1
            yield Change("the values of one event in another, in another case", span, in_case, rank)
            yield Change("the values of one event missing in another", span, partial(repeated, spelled=lambda value: None), rank)

            def again(group: Grouped = grouped) -> bool:
                first = group.members[0]
                at = next((e.at for e in first.sources()), None) or state.now - state.ago
                return _moved([group.add(frozenset(), first)], at + _SECOND) and _moved([first], at - _SECOND)

            yield Change("the first event again, behind the last", span, again, rank)


def absent(state: State) -> Iterator[Change]:
    """Every empty text that is stored, missing instead."""
    for row in state.rows():
        for event in list(dict.fromkeys(row.sources()))[:4]:
            for name, value in list(event.values.items()):
                if value == "" and name not in TIMES:
                    yield _put(event, name, None, "missing", 1)
                if isinstance(value, dict | list):
                    empty = dict.fromkeys(path for path, _, _ in _leaves(value) if _at(value, path) == "")
                    yield from (_put(event, name, _replaced(value, p, None), f"{'.'.join(map(str, p))} missing", 1) for p in empty)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def keys(state: State) -> Iterator[Change]:
    """Groups whose key is empty, and groups of which one event has another key."""
    for grouped in groups(state):
        for key in [k for k in grouped.keys if columns_of(k)]:
            name, last = _short(key), grouped.members[-1]
            try:
                value = value_of(key, last)
            except NotKnown:
                continue
            if isinstance(value, str):
                yield Change(f"{name}: empty in all events", key.span, partial(_assigned, key, grouped.members, ""), 0)
            if len(grouped.members) < 2:
                continue
            if isinstance(value, dt.datetime):
                yield Change(f"{name}: one event before it", key.span, partial(_moved, [last], value - _SECOND), 0)
                yield from _in_bin_before(grouped, key, value)
            elif value not in (None, ""):
                yield Change(f"{name}: another one in one event", key.span, partial(_assigned, key, [last], variant(value, 3)), 0)
            if isinstance(value, str):
                yield Change(f"{name}: in another case in one event", key.span, partial(_assigned, key, [last], other_case(value)), 1)
        if len(grouped.members) > 1:
            for place, back in enumerate(_APART):
                first = grouped.members[0]
                at = next((e.at for e in first.sources()), None) or state.now - state.ago
                yield Change(f"one event {back} before the others", grouped.group.span, partial(_moved, [first], at - back), min(place, 1))


def _in_bin_before(grouped: Grouped, key: Expr, began: dt.datetime) -> Iterator[Change]:
    """A group as far apart as its bin is wide, and one whose first event is just not in its bin: bins of other widths part them elsewhere.

    The bin before that of the group is over at any time of the run, and ends where few other bins begin.
    """
    match key:
        case Apply(function="bin", args=(_, Const(value=int(ticks), type=Type.TIMESPAN))):
            name, start = _short(key), began - dt.timedelta(microseconds=ticks // 10)
            first, *others = grouped.members
            for about, earliest, rest in (
                ("the first event where it begins, the others where it ends", start, began - _SECOND),
                ("the first event just before it begins, the others there", start - _SECOND, start),
            ):

                def do(earliest: dt.datetime = earliest, rest: dt.datetime = rest) -> bool:
                    return _moved([first], earliest) and _moved(others, rest)

                yield Change(f"{name}: {about}", key.span, do, 0)


def _assigned(expr: Expr, rows: Sequence[Row], value: Any) -> bool:
    return all(assign(expr, row, value) for row in rows)


def _moved(rows: Sequence[Row], moment: dt.datetime) -> bool:
    """Moves the events of rows to a moment."""
    for event in [e for row in rows for e in row.sources()]:
        for name in (event.values.keys() & TIMES) or {"TimeGenerated"}:
            event.put(name, moment)
    return True


def late(state: State) -> Iterator[Change]:
    """Events that were taken in long after they happened, where the query asks for the one time or the other."""
    for atom, row in tested_atoms(state):
        if any(_is_arrival(n) for n in walk(atom)):
            for back in _LATE:

                def do(row: Row = row, back: dt.timedelta = back) -> bool:
                    taken = row.taken_in()
                    for event in row.sources():
                        event.put(RECEIVED, taken)
                    return isinstance(taken, dt.datetime) and _moved([row], taken - back)

                yield Change(f"{_short(atom)}: taken in {back} after it happened", atom.span, do, 0)


def met(expr: Expr, rows: Sequence[Row], value: Any) -> bool:
    """Gives rows a value, and those that they are joined with the key that makes them meet again, as far as that can be."""
    if not _assigned(expr, rows, value):
        return False
    state = rows[0].state
    for failing, other, wanted in state.failing()[:_OTHERS]:
        if not isinstance(failing, Apply) or failing.function not in ("same", "==") or any(map(_is_constant, failing.args)):
            continue
        ways = [partial(assign, side, other, value) for side in failing.args] if failing.function == "==" else []
        for way in (*ways, partial(hold, failing, other, wanted)):
            mark = len(state.trail)
            if way() and value_of(failing, other) is True and value_of(expr, rows[0]) == value:
                break
            state.back_to(mark)
    return True


def _is_arrival(expr: Expr) -> bool:
    return (isinstance(expr, Apply) and expr.function == "ingestion_time") or (isinstance(expr, ColumnRef) and expr.column.name == RECEIVED)


def _fewer(group: Grouped) -> bool:
    group.remove()
    return True


def groups(state: State) -> Iterator[Grouped]:
    """The groups that rows are made of, one of each summary."""
    stack = state.rows()
    while stack:
        row = stack.pop()
        if isinstance(row, Grouped):
            yield row
            stack.extend(row.members[:1])
        stack.extend(row.inputs)


def holds_row(row: Row, inner: Row) -> bool:
    """Whether a row is another one, or is made of it."""
    return row is inner or any(holds_row(r, inner) for r in (row.members if isinstance(row, Grouped) else row.inputs))


def _short(expr: Expr) -> str:
    try:
        text = expression(expr)
    except (ValueError, TypeError, AttributeError):
        text = type(expr).__name__
    return text if len(text) <= 80 else text[:77] + "..."
