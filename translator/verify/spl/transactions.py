"""The command transaction: events of the same keys as one, from one condition to another, and no longer than a time.

Facts: Search Reference, "transaction" (Description: the time of the earliest member, the union of all other fields, duration, eventcount;
Optional arguments: maxspan, of which events span less, maxpause, startswith, endswith, keepevicted, closed_txn, mvlist; Usage: the events
come the newest first, so that the condition that begins a transaction closes it). It does not say what becomes of an event that lacks a
key, and of a transaction that a time closes before it has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from translator.verify.reading import Row, ValueNotTold
from translator.verify.spl.arguments import Words
from translator.verify.spl.expressions import expression_of
from translator.verify.spl.running import Maker, Reader, Run, Step
from translator.verify.spl.syntax import Command, parsed, worded
from translator.verify.spl.terms import Condition, read_terms
from translator.verify.spl.times import seconds_of
from translator.verify.spl.values import Value, numeric, put, several, text

_TIMES = frozenset({"maxspan", "maxpause"})
_ENDS = frozenset({"startswith", "endswith"})


@dataclass
class _Asked:
    """What the command asks of a transaction: times in seconds, and what begins and ends it."""

    fields: list[str] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)
    ends: dict[str, Condition] = field(default_factory=dict)


def transaction(command: Command, read: Reader) -> Step:
    """Makes one result of the events that belong together."""
    words, asked = Words(command), _Asked()
    while (token := words.peek()) is not None:
        follower = words.peek(1)
        if follower is None or follower.type != "EQUALS":
            found = words.names()
            if not found:
                raise command.refuse(f"{str(token)!r}")
            asked.fields += found
            continue
        name = words.next().lower()
        words.next()
        if name in _TIMES:
            asked.times[name] = seconds_of(str(words.next()))
        elif name in _ENDS:
            asked.ends[name] = _filter(command, words)
        else:
            raise command.refuse(f"the option {name}")
    if not asked.fields:
        raise command.refuse("no field")
    if asked.ends.keys() == {"endswith"}:
        raise command.refuse("an end without a beginning, of which the manual does not say what closes it")
    return lambda rows, run: _made(rows, run, asked, command.refuse)


def _filter(command: Command, words: Words) -> Condition:
    """A condition that begins or ends a transaction: terms in quotes or parentheses, or an expression of eval."""
    token = words.next()
    if token.type == "STRING":
        return read_terms(worded(token))
    computed = token.type == "WORD" and token.lower() == "eval"
    if computed:
        token = words.next()
    if token.type != "OPEN":
        return read_terms(str(token))
    start, depth = token.end_pos or 0, 1
    while depth:
        token = words.next()
        depth += {"OPEN": 1, "CLOSE": -1}.get(token.type, 0)
    inner = command.text[start : token.start_pos]
    if not computed:
        return read_terms(inner)
    expression = expression_of(parsed("condition", inner))
    return lambda row, run: expression(row, run) is True


def _made(rows: list[Row], run: Run, asked: _Asked, refuse: Callable[[str], Exception]) -> list[Row]:
    times = [numeric(row.get("_time")) for row in rows]
    told = [t for t in times if t is not None]
    if len(told) < len(times) or told != sorted(told, reverse=True):
        raise refuse("events without a time, or not the newest first")
    begins, ends = asked.ends.get("startswith"), asked.ends.get("endswith")
    open_: dict[tuple[str, ...], list[Row]] = {}
    seen = set[tuple[tuple[str, ...], float]]()
    found: list[list[Row]] = []
    for row, time in zip(rows, told, strict=True):
        if any(name not in row or isinstance(row[name], list) for name in asked.fields):
            raise ValueNotTold("transaction: an event that has not one value of each field")
        key = tuple(text(row[name]) for name in asked.fields)
        members = open_.get(key, [])
        if begins is not None and (key, time) in seen:
            raise ValueNotTold("transaction: events of one time")
        seen.add((key, time))
        if members and _is_over(members, time, asked.times):
            if begins is not None:
                raise ValueNotTold("transaction: a time that ends before what begins it")
            found.append(open_.pop(key))
            members = []
        if ends is not None and ends(row, run):
            members = []  # what came after it has not begun
        elif ends is not None and not members:
            continue
        open_[key] = [*members, row]
        if begins is not None and begins(row, run):
            found.append(open_.pop(key))
    if begins is None:
        found += open_.values()
    return [_one(members) for members in sorted(found, key=lambda m: -(numeric(m[-1]["_time"]) or 0))]


def _is_over(members: list[Row], time: float, times: Mapping[str, float]) -> bool:
    """Whether an earlier event is too far from those of a transaction."""
    first, last = (numeric(m["_time"]) or 0 for m in (members[0], members[-1]))
    return first - time >= times.get("maxspan", float("inf")) or last - time > times.get("maxpause", float("inf"))


def _one(members: list[Row]) -> Row:
    """The earliest of the events, with all values of the others."""
    times = [numeric(m["_time"]) or 0 for m in members]
    made: Row = {name: value for name, value in members[-1].items() if name.startswith("_")}
    for name in dict.fromkeys(n for m in members for n in m if not n.startswith("_")):
        values: dict[str, object] = {text(v): v for m in members for v in several(m.get(name))}
        listed: Value = [values[key] for key in sorted(values)]
        put(made, name, listed)
    return {**made, "duration": max(times) - min(times), "eventcount": len(members)}


MAKERS: Mapping[str, Maker] = {"transaction": transaction}
