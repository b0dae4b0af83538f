"""How far back a query asks for events, by intervals over its conditions on their time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TypeAlias

from translator.detection.idioms.threat_intel import INDICATOR_TABLES
from translator.detection.windows import bound_of, is_given
from translator.pipeline.time_sums import EPOCH, INGESTED, NOW, Moment, Sum, Sums
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Subquery, children, conjuncts, walk
from translator.plan.functions.values import EPOCH_TICKS, TICKS
from translator.plan.types import Type
from translator.targets.pipeline.reading import behind


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back a query asks for events, in seconds, anywhere in it.

    Threat indicators are no events: a list has them, however old the events are that are looked at.

    Attributes:
        back: the oldest events that a condition with an end asks for.
        apart: the longest that an event is asked to be older than another.
        older: the longest that events are to be older at least, of tables whose oldest events no condition tells.
        states: whether any table has a condition that tells its oldest events.
        open: whether any table has none, or no table is known.
        asks: whether a condition on the time of such a table asks for old events, or cannot be read.
        fixed: whether events since a moment of the calendar are asked for.
        until: whether events before such a moment are asked for, however long before, and none since another.
        since: that moment of ``fixed``, in seconds since 1970, where a query of one table asks for no others.
    """

    back: int = 0
    apart: int = 0
    older: int = 0
    states: bool = False
    open: bool = False
    asks: bool = False
    fixed: bool = False
    until: bool = False
    since: float | None = None


_FIRST = frozenset({"min", "minif", "arg_min"})
_NEGATED = MappingProxyType({"<": ">", "<=": ">", ">": "<", ">=": "<"})

_Ends: TypeAlias = Mapping[int | None, float]
"""How old the events of uses of tables may be at most; None stands for all of them."""


class _Ages:
    """What the conditions of a plan ask of the ages of events."""

    def __init__(self, plan: o.Plan) -> None:
        self.plan, self.sums = plan, Sums(plan)
        self.back = self.apart = self.older = 0.0
        self.lows: dict[int | None, float] = {}
        self.unread, self.until = set[int | None](), set[int | None]()
        self.found: dict[int, _Ends] = {}
        self.known: dict[tuple[int, bool], tuple[Expr, _Ends]] = {}

    def ends_of(self, node: o.Relation) -> _Ends:
        """How old the events may be at most that reach an operator."""
        if id(node) not in self.found:
            self.found[id(node)] = self._ends_of(node)
        return self.found[id(node)]

    def _ends_of(self, node: o.Relation) -> _Ends:
        below = [getattr(node, f.name) for f in fields(node)]
        inputs = [r for x in below for r in (x if isinstance(x, tuple) else (x,)) if isinstance(r, o.Relation)]
        ends: dict[int | None, float] = {}
        for source, end in (pair for r in inputs for pair in self.ends_of(r).items()):
            ends[source] = max(end, ends.get(source, 0))
        match node:
            case o.Source(table=table, id=source):
                return {} if table in INDICATOR_TABLES else {source: math.inf}
            case o.Filter(predicate=predicate):
                asked = self.asked(predicate)
            case o.Series(on=on, start=start, stop=stop):
                limits = ((">=", start), ("<", stop))
                asked = _of_all([self.compared(on, sign, limit) for sign, limit in limits if limit is not None])
            case _:
                asked = {}
                for value in _values(below):
                    self.asked(value)
        return {source: min(end, asked.get(source, math.inf), asked.get(None, math.inf)) for source, end in ends.items()}

    def asked(self, condition: Expr, negated: bool = False) -> _Ends:
        """How old events may be at most for which a condition holds, or does not; what else it asks is kept."""
        if (id(condition), negated) not in self.known:  # conditions share parts, and columns
            self.known[id(condition), negated] = condition, self._asked(condition, negated)
        return self.known[id(condition), negated][1]

    def _asked(self, condition: Expr, negated: bool) -> _Ends:
        match condition:
            case Apply(function="and" | "or" as word, args=args):
                found = [self.asked(a, negated) for a in args]
                return _of_all(found) if (word == "and") != negated else _of_any(found)
            case Apply(function="not", args=(inner,)):
                return self.asked(inner, not negated)
            case Apply(function="<" | "<=" | ">" | ">=" as sign, args=(left, right)):
                return self.compared(left, _NEGATED[sign] if negated else sign, right)
            case Apply(function="==" | "!=" as sign, args=(left, right)) if (sign == "!=") == negated:
                return _of_all([self.compared(left, ">", right), self.compared(left, "<", right)])
            case Apply(function="between" | "!between" as word, args=(value, low, high)):
                if high.type == Type.TIMESPAN and value.type == Type.DATETIME:
                    high = Apply(high.span, Type.DATETIME, "+", (low, high))
                out = (word == "!between") != negated
                sides = [self.compared(value, "<" if out else ">", low), self.compared(value, ">" if out else "<", high)]
                return _of_any(sides) if out else _of_all(sides)
            case ColumnRef(column=column, type=Type.BOOL) if column.id in self.sums.made:
                return self.asked(self.sums.made[column.id], negated)
            case Apply(function="==" | "!=" | "!in" | "in" | "in~" as sign, args=args):
                if (sign in ("==", "in", "in~")) != negated and any(self.sums.tells_age(a) for a in args):
                    self._unread(condition)
        for inner in children(condition):
            self.asked(inner)
        return {}

    def compared(self, left: Expr, sign: str, right: Expr) -> _Ends:
        """The same of a comparison."""
        if is_given(left) or is_given(right):
            return {}
        one, other = self.sums.of(left), self.sums.of(right)
        if one is None or other is None:
            for side in (left, right):
                self.asked(side)
                if self.sums.tells_age(side):
                    self._unread(side)
            return {}
        return self._limits(one.plus(other.times(-1)), sign[0] == ">")

    def _limits(self, value: Sum, above: bool) -> _Ends:
        """What is asked of events where a sum is to be above nothing, or below."""
        events = {m: n for m, n in value.moments.items() if m.is_event}
        made = [m.of for m in value.moments if isinstance(m.of, Expr)]
        for expr in filter(self.sums.tells_age, made):
            self._unread(expr)
        if not events:
            return {}
        if any(isinstance(n, Apply) and n.function in ("now", "ago") for expr in made for n in walk(expr)):
            self.unread |= {s for m in events for s in (m.sources or (None,))}
        (moment, factor), *more = value.moments.items()
        match more:
            case [(Moment() as other, opposite)] if math.isclose(factor, -opposite) and EPOCH not in value.moments:
                if NOW not in (moment, other):
                    self._apart(value, abs(factor), above)
                    return {}
                ((moment, factor),) = events.items()
                limit = max(value.low / factor, value.high / factor, 0.0)
                return self._aged(moment, limit, above == (factor > 0))
        until = any((factor > 0) != above for factor in events.values()) and EPOCH in value.moments
        (self.until if until else self.unread).update(s for m in events for s in (m.sources or (None,)))
        return {}

    def _aged(self, moment: Moment, limit: float, at_most: bool) -> _Ends:
        sources: Iterable[int | None] = moment.sources or (None,)
        if at_most:
            self.back = max(self.back, limit)
        if not at_most or moment.of in _FIRST:
            self.lows |= {s: max(limit, self.lows.get(s, 0)) for s in sources}
        return dict.fromkeys(sources, limit) if at_most and moment.of in ("", INGESTED) else {}

    def _apart(self, value: Sum, factor: float, above: bool) -> None:
        self.apart = max(self.apart, *(abs(x) / factor for x in (value.low, value.high)))
        self.older = max(self.older, -value.low / factor if above else value.high / factor)

    def _unread(self, expr: Expr) -> None:
        columns = behind(self.plan, [expr])
        self.unread |= {source for c, source in self.sums.stored.items() if c in columns} or {None}


def _of_all(found: list[_Ends]) -> _Ends:
    return {s: min(ends[s] for ends in found if s in ends) for s in {s for ends in found for s in ends}}


def _of_any(found: list[_Ends]) -> _Ends:
    return {s: max(ends[s] for ends in found) for s in found[0] if all(s in ends for ends in found)} if found else {}


def _values(node: object) -> Iterator[Expr]:
    """The expressions that stand in tuples."""
    if isinstance(node, Expr):
        yield node
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from _values(inner)


def reach_of(plan: o.Plan) -> Reach:
    """How far back a query asks for events."""
    ages = _Ages(plan)
    subqueries = (p.relation for p in o.parts(plan.root) if isinstance(p, Subquery))
    ends: dict[int | None, float] = {}
    for source, end in (pair for root in (plan.root, *subqueries) for pair in ages.ends_of(root).items()):
        ends[source] = max(end, ends.get(source, 0))
    unlimited = {source for source, end in ends.items() if end == math.inf}
    lows = [low for source, low in ages.lows.items() if source in unlimited or (source is None and unlimited)]
    unread = bool(unlimited and ages.unread & {*unlimited, None})
    moments = list(_calendar(plan, ages.sums))
    known = [m for m in moments if m is not None]
    alone = len(known) == len(moments) > 0 and len(ends) == 1 and not ages.back
    return Reach(
        back=math.ceil(ages.back),
        apart=math.ceil(ages.apart),
        older=math.ceil(max(*lows, ages.older if unlimited else 0, 0)) if unlimited else 0,
        states=len(unlimited) < len(ends),
        open=bool(unlimited) or not ends,
        asks=unread or max(lows, default=0) > 0,
        fixed=bool(moments),
        until=not moments and bool(unlimited and ages.until & {*unlimited, None}),
        since=min(known) if alone else None,
    )


def _calendar(plan: o.Plan, sums: Sums) -> Iterator[float | None]:
    """The moments of the calendar since which events are asked for, in seconds since 1970; None for one that is not known."""
    columns = {c.id for c in o.parts(plan.root) if isinstance(c, Column) and c.table is not None}
    for relation in o.relations(plan.root):
        of_all = conjuncts(relation.predicate) if isinstance(relation, o.Filter) else []
        for node in (n for condition in of_all for n in walk(condition)):
            match node:
                case Apply(function=">" | ">=" | "between", args=(subject, moment, *_)):
                    pass
                case Apply(function="<" | "<=", args=(moment, subject)):
                    pass
                case _:
                    continue
            if is_given(moment) or subject.type != Type.DATETIME or not behind(plan, [subject]) & sums.stored.keys():
                continue
            value = sums.of(moment)
            told = bound_of(moment) is not None or (value is not None and NOW in value.moments)
            if not told and not behind(plan, [moment]) & columns:
                stands = isinstance(subject, ColumnRef) and subject.column.id in sums.stored and any(node is c for c in of_all)
                yield _since(moment) if stands else None


def _since(moment: Expr) -> float | None:
    """A moment of the calendar in seconds since 1970; None where it is no constant."""
    match moment:
        case Const(value=int(ticks), type=Type.DATETIME):
            return (ticks - EPOCH_TICKS) / TICKS
        case Apply(function="+" | "-" as sign, args=(base, Const(value=int(ticks), type=Type.TIMESPAN))):
            found = _since(base)
            return None if found is None else found + (ticks if sign == "+" else -ticks) / TICKS
    return None
