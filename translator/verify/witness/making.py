"""Worlds of events for a plan."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from translator.engine.constant_folding import fold_constants
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Expr
from translator.plan.rewriting import rewritten
from translator.plan.series import with_series_summed
from translator.plan.types import Type
from translator.targets.pipeline.reading import behind
from translator.verify.witness import misses, packing
from translator.verify.witness.adjacent import with_rows_beside
from translator.verify.witness.building import SHARED, Builder, Choices, constants_of, usual_text
from translator.verify.witness.holding import hold, solve
from translator.verify.witness.interpreting import Interpreter
from translator.verify.witness.model import Atom, Coverage, Event, Exhausted, NotKnown, Unreached, World, Worlds
from translator.verify.witness.scalars import value_of
from translator.verify.witness.states import TIMES, WORK, State, Stored
from translator.verify.witness.variants import variant

AGO = dt.timedelta(minutes=12, seconds=30)
"""When events are that nothing is asked of: within the bins of five minutes and more around now."""

MOST_EVENTS = 3_000
"""Events of one world, and of all worlds of a rule together; more of a rule of which a few worlds take as many."""

_AT_LEAST, _TOGETHER = 60, 9_000
"""How many worlds of the size of the first such a rule has all the same, and how many events all of them may have."""

_LOOKS = 12
"""How often a change may look at all events of its world."""

CHANGING = 60_000
"""What all changes of a rule may spend together."""

_ATTEMPTS = 14
"""Ways to build a plan that are tried: inputs of unions, sides of joins."""

_RANKS = 4

_ACCOMPANIED = 4
"""Beside how many of the events that are joined one more is tried."""

_SHOWN = 12
"""How many columns that a query shows have another value in it."""

_SMALL, _AROUND = 3, (1, -1, 4_200, -4_200)
"""How many events a group has beside which one more is tried, and how many seconds that one is from the others."""

_PACKED, _PACK, _PACKS = 2, 24, 16
"""Of how many ways to alert there are packs of small worlds; how many events are in one, and how many packs there are of each way."""

_PARTS = 4_000
"""How much of a plan is looked at for parts whose rows can be made."""


def worlds(plan: o.Plan, now: dt.datetime, seed: int = 0, most: int = 60) -> list[World]:
    """Worlds for a plan, those that are meant to alert first; the same ones for the same arguments.

    Args:
        now: what ``now()`` is, in UTC and without a zone.
        seed: which of the changes are taken where there are more than fit.
        most: how many worlds there may be.
    """
    return list(made(plan, now, seed, most).worlds)


def made(plan: o.Plan, now: dt.datetime, seed: int = 0, most: int = 60, back: int | None = None) -> Worlds:
    """The same, with the places of the query for which no events were found.

    Args:
        back: how many seconds the rule looks back, so that events of which no time is asked lie within; None where that is not known.
    """
    making = _Making(_folded(plan), now, seed, most, back)
    making.lost = _left_out(plan, making.plan)
    return making.made()


def _left_out(plan: o.Plan, folded: o.Plan) -> dict[str, list[str]]:
    """Texts that columns would be compared with if no rows of tables in the query itself were left out, by the names of the columns."""

    def unfiltered(node: object) -> object:
        return node.input if isinstance(node, o.Filter) and not any(isinstance(p, o.Source) for p in o.parts(node.input)) else node

    root = rewritten(plan.root, unfiltered)
    if root is plan.root:
        return {}
    known = constants_of(folded)
    return {n: [v for v in values if v not in known.get(n, ())] for n, values in constants_of(_folded(replace(plan, root=root))).items()}


def _folded(plan: o.Plan) -> o.Plan:
    """A plan with its constants known, and with sums for series of which no more is asked."""
    known = fold_constants(plan)
    return replace(known, root=with_series_summed(known.root, o.unused_ids(known)))


class _Making:
    def __init__(self, plan: o.Plan, now: dt.datetime, seed: int, most: int, back: int | None) -> None:
        self.plan, self.now, self.most = plan, now, most
        self.ago = AGO if back is None else min(AGO, dt.timedelta(seconds=back) / 2)
        self.pick = random.Random(seed)
        self.interpreter = Interpreter(plan, now)
        self.worlds: list[World] = []
        self.unreached: dict[tuple[object, str], Unreached] = {}
        self.seen: set[str] = set()
        self.events, self.most_events = 0, MOST_EVENTS
        self.sizes: dict[int, int] = {}
        self.lost: dict[str, list[str]] = {}
        self.work, self.changing = WORK, CHANGING
        self.in_order = False
        """Whether it matters which event comes first, so that none are at one time: which of these comes first is open."""

    def made(self) -> Worlds:
        solved = self.solved()
        if not solved and (beside := with_rows_beside(self.plan)) is not None:
            self.plan, self.in_order = beside, True
            solved = self.solved()
        if not solved:
            solved = list(self.below())
        for state in solved[:1]:
            self.accompanied(state)
        for state in solved[:2]:
            self.superseded(state)
        changes = [self.changes(s) for s in solved]
        large = [s for s in solved[:1] if self.sizes[id(s)] > misses.LARGE]  # of which few worlds fit
        for rank in range(_RANKS):
            for state in large if rank == 0 else solved[:1] if rank == 1 else ():
                self.doubled(state)
            if rank == 1:
                for state in solved[:_PACKED]:
                    self.packed(state)
            share = max(6, (self.most - len(self.worlds)) // max(1, len(solved)))
            for state, found in zip(solved, changes, strict=True):
                chosen = [c for c in found if c.rank == rank]
                for change in self.spread(chosen, share) if rank else chosen:
                    self.changed(state, change)
            if rank == 0:
                for state in solved:
                    self.branches(state)
                for state in solved[:1]:
                    self.listed(state)
        for state in solved[:1]:
            self.rearranged(state)
        return Worlds(tuple(self.worlds), tuple(self.unreached.values()))

    def solved(self) -> list[State]:
        """The ways to alert that were managed."""
        return [state for taken in self.attempts() if (state := self.attempt(taken)) is not None]

    def spread(self, changes: list[misses.Change], most: int) -> list[misses.Change]:
        """As many changes, the most telling first, of each condition as many as of any other."""
        if len(changes) <= most:
            return changes
        of_each: dict[str, list[misses.Change]] = {}
        for change in sorted(self.pick.sample(changes, len(changes)), key=lambda c: c.rank):
            of_each.setdefault(change.about.partition(": ")[0], []).append(change)
        return [c for c in itertools.chain(*itertools.zip_longest(*of_each.values())) if c is not None][:most]

    def attempts(self) -> Iterator[dict[int, int]]:
        """The choices of each attempt: the first everywhere, then each other one alone."""
        choices = Choices({})
        with contextlib.suppress(NotKnown):
            Builder(self.plan, self.now, MOST_EVENTS, choices, self.ago)
        yield {}
        yield {SHARED: 1}
        number = 0
        for decision, count in enumerate(choices.counts):
            for option in range(1, min(count, 8)):
                number += 1
                if number <= _ATTEMPTS:
                    yield {decision: option}

    def attempt(self, taken: dict[int, int]) -> State | None:
        """The rows of one way to alert, solved; None where that was not managed, or where it does not alert."""
        try:
            builder = Builder(self.plan, self.now, MOST_EVENTS, Choices(taken), self.ago)
            state = builder.state
            state.left_out = self.lost
            state.work = self.work
            try:
                found = solve(state)
            finally:
                self.work = max(WORK // 10, state.work)
            if not found:
                for expr, _, _ in state.failing():
                    self.missed(expr.span, "no values were found for which this holds with all else")
                return None
        except NotKnown as error:
            self.missed(error.span, error.what)
            return None
        except (RecursionError, Exhausted):
            self.missed(None, "no values were found within the work that a search may take")
            return None
        events = self.exported(state)
        self.sizes[id(state)] = len(events)
        alerts = self.interpreter.alerts(events)
        about = "all that is asked" if not taken else f"all that is asked, another way ({', '.join(f'{k}: {v}' for k, v in taken.items())})"
        return state if self.keep(about, events, alerts) else None

    def below(self) -> Iterator[State]:
        """The largest parts of the plan whose rows can be made where those of the whole cannot; nothing is known of alerts."""
        whole, made_of = self.plan, set[int]()
        for part in o.parts(whole.root):
            if not isinstance(part, o.Filter) or id(part) in made_of or len(made_of) > _PARTS:
                continue
            self.plan = o.Plan(part, (), False)
            state = self.attempt({})
            if state is not None:
                made_of |= {id(p) for p in o.parts(part)}
                yield state
        self.plan = whole

    def missed(self, span: object, why: str) -> None:
        self.unreached.setdefault((span, why), Unreached(span, why))  # type: ignore[arg-type]

    def changes(self, state: State) -> list[misses.Change]:
        atoms = misses.tested_atoms(state)
        of_groups = [*misses.sizes(state), *misses.keys(state)]
        of_values = [*misses.flips(state), *misses.near(state), *misses.elsewhere(state), *misses.stored(state, atoms)]
        return [*of_groups, *misses.late(state), *of_values]

    def spending(self, state: State) -> int:
        """What one change may spend: enough to look at the events of a world some times."""
        return max(WORK // 10, _LOOKS * self.sizes[id(state)])

    def changed(self, state: State, change: misses.Change) -> None:
        if self.changing <= 0 or len(self.worlds) >= self.most or self.events + self.sizes[id(state)] > self.most_events:
            return
        mark, state.work = len(state.trail), min(self.spending(state), self.changing)
        before = state.work
        try:
            if change.do():
                events = self.exported(state)
                self.keep(change.about, events, self.interpreter.alerts(events))
        except NotKnown as error:
            self.missed(error.span or change.span, error.what)
        except Exhausted:
            self.missed(change.span, f"no values were found within the work that a search may take: {change.about}")
        finally:
            self.changing -= before - state.work
            state.back_to(mark)

    def branches(self, state: State) -> None:
        """Each alternative of a condition holding alone, and each of its own conditions then answering the other way."""
        for alternative, row, others in list(misses.alternatives(state))[:_ATTEMPTS]:
            mark, state.work = len(state.trail), min(self.spending(state), max(self.changing, 0))
            try:
                with state.asking((alternative, row, True), *((o, row, False) for o in others)):
                    alone = hold(alternative, row, True) and all(hold(o, row, False) for o in others) and hold(alternative, row, True)
                if alone:
                    inner = {id(a) for a in misses.atoms(alternative)}
                    events = self.exported(state)
                    self.keep("another alternative alone", events, self.interpreter.alerts(events))
                    for change in [*misses.flips(state, inner), *misses.absent(state)]:
                        self.changed(state, change)
            except (NotKnown, Exhausted):
                pass
            finally:
                state.back_to(mark)

    def listed(self, state: State) -> None:
        """A value that is to be in no row of a subquery in one of them, and that row then just not there."""
        for atom, row, asked in list(misses.unlisted(state))[:_ATTEMPTS]:
            mark, state.work = len(state.trail), min(self.spending(state), max(self.changing, 0))
            with contextlib.suppress(NotKnown, Exhausted):
                if hold(atom, row, value_of(atom, row) is not True):
                    nearly = [c for c in misses.near(state, asked) if c.rank < 2]
                    for change in [*misses.flips(state, asked), *self.spread(nearly, _SHOWN)]:
                        self.changed(state, change)
            state.back_to(mark)

    def rearranged(self, state: State) -> None:
        """The same events twice, in the reverse order, at one time, around each limit of time, and without each of them."""
        events = self.exported(state)
        several = len(events) > 1
        if several:
            times = [e.seconds for e in events]
            back = [replace(e, seconds=t) for e, t in zip(events, reversed(times), strict=True)]
            self.keep("the times in reverse order", back, self.interpreter.alerts(back))
            same = [replace(e, seconds=times[0]) for e in events]
            self.keep("all at the same time", same, self.interpreter.alerts(same))
            for limit in misses.limits(state):
                for seconds in (1, -1):
                    moved = (limit - self.now).total_seconds() + seconds - min(times)
                    shifted = [replace(e, seconds=e.seconds + moved) for e in events]
                    if all(e.seconds < 0 for e in shifted):
                        about = f"all at once, the first of them {abs(seconds)} s {'after' if seconds > 0 else 'before'} the limit"
                        self.keep(about, shifted, self.interpreter.alerts(shifted))
        if self.in_order:
            last = max(events, key=lambda e: e.seconds)
            again = [*events, replace(last, seconds=last.seconds + 1)]
            self.keep("the last event again", again, self.interpreter.alerts(again))
        twice = [*events, *events]
        self.keep("every event twice", twice, self.interpreter.alerts(twice))
        for place in range(min(len(events), 4) if several else 0):
            fewer = [e for n, e in enumerate(events) if n != place]
            self.keep(f"without event {place + 1}", fewer, self.interpreter.alerts(fewer))

    def accompanied(self, state: State) -> None:
        """One event more beside those that a query joins, with the same key and all that is asked: it may be in no row of the query."""
        if not any(isinstance(p, o.Join) for p in o.parts(self.plan.root)):
            return
        shown = self.shown(tuple(x for p in o.parts(self.plan.root) if isinstance(p, o.Join) for pair in p.on for x in pair))
        first: dict[str, list[Event]] = {}
        events = []
        for event in self.exported(state):
            own = {c.name: event.values.get(c.name) or usual_text(c) for c in shown if c.table == event.table}
            events.append(replace(event, values={**event.values, **own}, free=event.free | (own.keys() - event.values.keys())))
            first.setdefault(repr((event.table, sorted(event.values.items()))), []).append(events[-1])
        for event in [same[0] for same in first.values()][:_ACCOMPANIED]:
            changed = {c.name: variant(event.values[c.name], 3) for c in shown if c.table == event.table and c.name in event.free}
            apart = 3 * self.ago.total_seconds()
            for earlier, others_earlier in ((0.0, 0.0), (apart, 0.0), (0.0, apart))[0 if changed else 1 :]:
                another = replace(event, values={**event.values, **changed}, seconds=event.seconds - earlier)
                more = [*(replace(e, seconds=e.seconds - others_earlier) for e in events), another]
                self.keep(f"another event of {event.table} with the same key", more, self.interpreter.alerts(more))

    def doubled(self, state: State) -> None:
        """All events twice, the second time with other keys: the rule alerts of both, where a text may keep one of its rows."""
        pairs = [x for p in o.parts(self.plan.root) if isinstance(p, o.Join) for pair in p.on for x in pair]
        keys = {(c.table, c.name) for c in self.stored_behind([*pairs, *(k for group in misses.groups(state) for k in group.keys)])}
        events = self.exported(state)
        others = [replace(e, values={n: variant(v, 3) if (e.table, n) in keys else v for n, v in e.values.items()}) for e in events]
        if others != events and self.interpreter.alerts(others):
            self.keep("all that is asked, of two keys", [*events, *others], True)

    def superseded(self, state: State) -> None:
        """An event more beside those of a small group: of it or of another one, and not as is asked of the group."""
        for group in misses.groups(state):
            names = {c.name for c in self.stored_behind(e for e, row in misses.tested_atoms(state) if misses.holds_row(row, group))}
            if not names or len(group.members) > _SMALL:
                continue
            last = list(group.members[-1].sources())
            for key in [None, *(k for k in group.keys if k.type == Type.STRING)]:
                other = {c.name for c in self.stored_behind([key])} if key is not None else set[str]()
                for seconds in _AROUND if key is None else _AROUND[:1]:
                    events, more = self.exported(state), []
                    for event in last:
                        changed = {n: variant(v, 3) if n in other else "other" for n, v in event.values.items() if n in names | other}
                        changed = {n: v for n, v in changed.items() if isinstance(event.values[n], str)}
                        at = (event.at or self.now - state.ago) + dt.timedelta(seconds=seconds)
                        values = {k: v for k, v in {**event.values, **changed}.items() if k not in TIMES and v is not None}
                        more.append(Event(event.source.table, values, (at - self.now).total_seconds()))
                    about = (
                        f"an event of {'the' if key is None else 'another'} group that is not as is asked of it, {seconds} s after its last"
                    )
                    late = max(0.0, *(e.seconds + 1 for e in more))  # none is at the moment of the run itself
                    world = [replace(e, seconds=e.seconds - late) for e in (*events, *more)]
                    self.keep(about, world, self.interpreter.alerts(world))

    def stored_behind(self, exprs: Iterable[Expr]) -> list[Column]:
        """The stored columns that some values are made of."""
        ids = behind(self.plan, exprs)
        return [
            c for c in o.parts((self.plan.root, tuple(c for _, c in self.plan.names))) if isinstance(c, Column) and c.table and c.id in ids
        ]

    def shown(self, keys: tuple[Expr, ...]) -> list[Column]:
        """Columns of texts that the query shows, but those that keys are made of."""
        held_ids = behind(self.plan, keys)
        ids = behind(self.plan, [ColumnRef(None, c.type, c) for _, c in self.plan.names]) - held_ids
        stored = [
            c for c in o.parts((self.plan.root, tuple(c for _, c in self.plan.names))) if isinstance(c, Column) and c.table is not None
        ]
        held = {c.name for c in stored if c.id in held_ids}
        return list(dict.fromkeys(c for c in stored if c.id in ids and c.type == Type.STRING and c.name not in held))[:_SHOWN]

    def packed(self, state: State) -> None:
        """The alternatives of a rule and what just misses them, many in a world; those that are to alert are in others.

        What nothing is asked of tells them from each other, and what is shown, where the rule says the same of other values of it.
        """
        shown, mark, usual = self.shown(()), len(state.trail), self.exported(state)
        packs: dict[tuple[str, bool], list[Event]] = {}
        seen, left = set[str](), _PACK * _PACKS
        for number, about in enumerate(packing.small(state, CHANGING)):
            events = self.exported(state)
            key = repr([(e.table, sorted((k, repr(v)) for k, v in e.values.items())) for e in events])
            if left < len(events) or number >= packing.MOST:
                break
            if key in seen:
                continue
            seen.add(key)
            left -= len(events)
            alerts = self.interpreter.alerts(events)
            told = [self.told(e, shown, number) for e in events]
            if len(usual) == len(events):
                apart = [self.told(e, shown, number, of) for e, of in zip(events, usual, strict=True)]
                told = apart if self.interpreter.alerts(apart) is alerts else told
            pack = packs.setdefault((about, alerts is not False), [])
            pack += told
            if len(pack) >= _PACK:
                self.keep_pack(about, pack)
                pack.clear()
        state.back_to(mark)
        for (about, _), pack in packs.items():
            self.keep_pack(about, pack)

    def keep_pack(self, about: str, pack: list[Event]) -> None:
        if len(pack) > 1 and self.keep(about, list(pack), self.interpreter.alerts(pack)):
            self.worlds[-1] = replace(self.worlds[-1], apart=True)

    def told(self, event: Event, shown: list[Column], number: int, usual: Event | None = None) -> Event:
        """An event with other values in columns of which nothing is asked; in those too that are as they are in the ``usual`` event."""
        own = {c.name: variant(event.values.get(c.name) or usual_text(c), number) for c in shown if c.table == event.table}
        kept = {n for n, v in event.values.items() if n not in event.free and (usual is None or v != usual.values.get(n))}
        own = {n: v for n, v in own.items() if n not in kept}
        return replace(event, values={**event.values, **own}, free=event.free | own.keys())

    def exported(self, state: State) -> list[Event]:
        made: dict[int, Stored] = {}
        free: dict[int, set[str]] = {}
        for row in state.rows():
            for event in row.sources():
                made.setdefault(id(event.values), event)
                free[id(event.values)] = free.get(id(event.values), event.free) & event.free
        found = []
        for event in made.values():
            at = event.at or self.now - state.ago
            values = {k: v for k, v in event.values.items() if k not in TIMES and v is not None}
            found.append(
                Event(event.source.table, values, (at - self.now).total_seconds(), frozenset(free[id(event.values)] & values.keys()))
            )
        return found

    def keep(self, about: str, events: list[Event], hits: bool | None) -> bool:
        """Adds a world; False where it is one already, or one too many."""
        if self.in_order:
            events = [replace(e, seconds=e.seconds - number / 1_000) for number, e in enumerate(reversed(events))][::-1]
        key = repr(sorted((e.table, e.seconds, sorted((k, repr(v)) for k, v in e.values.items())) for e in events))
        if key in self.seen or len(self.worlds) >= self.most or (self.worlds and self.events + len(events) > self.most_events):
            return False
        self.seen.add(key)
        if not self.worlds:
            self.most_events = max(MOST_EVENTS, min(_AT_LEAST * len(events), _TOGETHER))
        self.events += len(events)
        self.worlds.append(World(about, tuple(events), hits))
        return True


def reached(plan: o.Plan, made_worlds: Iterable[World], now: dt.datetime) -> Coverage:
    """Which atoms were both true and false on some row of the worlds, by the evaluator of this package.

    Atoms are those of conditions that filter rows or join them, and of ``iff`` and ``case`` in computed columns.
    """
    from translator.plan.describe import expression

    known = _folded(plan)
    interpreter = Interpreter(known, now)
    why: dict[str, Unreached] = {}
    conditions = [p for p in o.parts(known.root) if isinstance(p, o.Filter | o.Join | o.Compute)]
    for world in made_worlds:
        interpreter.begin(world.events)
        for part in conditions:
            try:
                interpreter.of(part)
            except NotKnown as error:
                why.setdefault(error.what, Unreached(error.span, error.what))
    found = []
    for atom in dict.fromkeys(_Same(a) for a in _atoms_of(known)):
        answers = interpreter.answers.get(id(atom.expr), (atom.expr, set[bool]()))[1]
        found.append(Atom(atom.expr.span, expression(atom.expr), True in answers, False in answers))
    lacking = [
        Unreached(a.span, f"never {'true' if not a.true else 'false'}: {a.text}" if a.true or a.false else f"never asked: {a.text}")
        for a in found
        if not (a.true and a.false)
    ]
    return Coverage(tuple(found), (*why.values(), *lacking))


class _Same:
    """An expression as the object that it is."""

    def __init__(self, expr: Expr) -> None:
        self.expr = expr

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.expr is self.expr

    def __hash__(self) -> int:
        return id(self.expr)


def _atoms_of(plan: o.Plan) -> Iterator[Expr]:
    for part in o.parts(plan.root):
        match part:
            case o.Filter(predicate=predicate):
                yield from misses.atoms(predicate)
            case o.Join(condition=condition) if condition is not None:
                yield from misses.atoms(condition)
            case o.Compute(items=items):
                for _, expr in items:
                    if isinstance(expr, Apply) and expr.function in ("iff", "case"):
                        for condition in expr.args[:-1:2] if expr.function == "case" else expr.args[:1]:
                            yield from misses.atoms(condition)
