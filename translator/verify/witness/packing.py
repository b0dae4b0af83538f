"""Many small worlds side by side: each alternative of a rule, and what just misses it, as events of one world.

A rule with a list of a hundred words has more values to try than worlds that can be run one by one. Events that do not meet can be tried
together: each is found or not for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from translator import catalog
from translator.plan.expressions import Apply, Const, Items, walk
from translator.targets.literals import canonical_address
from translator.verify.witness import misses
from translator.verify.witness.holding import hold
from translator.verify.witness.inversion import UNFITTING
from translator.verify.witness.model import Exhausted, NotKnown
from translator.verify.witness.scalars import value_of
from translator.verify.witness.states import TIMES, Row, State
from translator.verify.witness.texts import around_pattern, other_case

MOST = 480
"""How many small worlds are made of a rule."""

_VALUES = 48
"""Of how many values of a list each is tried with what just misses it."""

_SOURCES = 4
"""Of how many events of one way to alert."""

_WORK = 400
"""What one of them may spend."""


VALUE, CASE = "a value, or what just misses it", "a value in another case"


@dataclass(slots=True)
class _Budget:
    left: int


def small(state: State, work: int) -> Iterator[str]:
    """Brings the events of a state into each of the small worlds in turn; it is what it was before once all are told.

    Args:
        work: what all of them may spend together.

    Yields:
        What is tried, while the events are changed.
    """
    budget, together = _Budget(work), misses.asked_of_keys(state)
    seen = set[int]()
    for check in list(state.checks()):
        for node in walk(check.expr):
            if isinstance(node, Apply) and node.function == "or" and id(node) not in seen:
                seen.add(id(node))
                yield from _alternatives(state, node, check.row, budget)
    yield from _stored(state)
    for atom, row in misses.tested_atoms(state):
        if isinstance(atom, Apply) and id(atom) not in seen:
            seen.add(id(atom))
            yield from _values(state, atom, together.get(id(atom), [row]), budget)


def _stored(state: State) -> Iterator[str]:
    """Each text that is stored empty, and as products say that there is none; addresses as they are written most shortly."""
    for row in state.rows():
        for event in list(dict.fromkeys(row.sources()))[:_SOURCES]:
            for name, value in [(n, v) for n, v in event.values.items() if isinstance(v, str) and v and n not in TIMES]:
                for other in ("-", "", None, canonical_address(value) or ""):
                    mark = len(state.trail)
                    event.put(name, other)
                    yield VALUE
                    state.back_to(mark)


def _alternatives(state: State, node: Apply, row: Row, budget: _Budget) -> Iterator[str]:
    """Each alternative where no other holds, then its own conditions answering the other way, and values that just miss it."""
    mark = len(state.trail)
    if not _done(state, budget, lambda: hold(node, row, False)):
        state.back_to(mark)
        return
    for arg in node.args:
        before = len(state.trail)
        if _done(state, budget, lambda arg=arg: hold(arg, row, True)):  # type: ignore[misc]
            yield "an alternative"
            inner = [a for a in misses.atoms(arg) if isinstance(a, Apply)]
            for atom in inner if len(inner) > 1 else ():
                at = len(state.trail)
                if _done(state, budget, lambda atom=atom: hold(atom, row, value_of(atom, row) is not True)):  # type: ignore[misc]
                    yield "a condition of an alternative turned"
                state.back_to(at)
            for atom in inner:
                yield from _values(state, atom, [row], budget)
        state.back_to(before)
    state.back_to(mark)


def _values(state: State, atom: Apply, rows: Sequence[Row], budget: _Budget) -> Iterator[str]:
    """The values that a condition names, and such as just miss them, in rows."""
    if len(atom.args) != 2 or isinstance(atom.args[0], Const | Items):
        return
    subject, listed = atom.args
    constants = [c.value for c in (listed.items if isinstance(listed, Items) else (listed,)) if isinstance(c, Const)]
    address = any(c.table is not None and catalog.is_address(c.table, c.name) for c in misses.stored_behind(subject, rows[0]))
    for about, text in _near(atom.function.removeprefix("!"), [v for v in constants if isinstance(v, str) and v], address):
        mark = len(state.trail)
        if _done(state, budget, lambda text=text: misses.met(subject, rows, text)):  # type: ignore[misc]
            yield about
        state.back_to(mark)


def _near(operator: str, values: list[str], address: bool) -> Iterator[tuple[str, str]]:
    if operator == "has_all":
        yield from ((VALUE, " ".join(v for v in values if v != lost)) for lost in values)
        yield VALUE, " ".join(values)
        return
    if operator.startswith("matches"):
        yield from ((VALUE, text) for value in values for text in around_pattern(value, address))
        return
    for value in values[:_VALUES]:
        texts = [value, f"x{value}", f"{value}x", value[:-1]]
        if not operator.startswith(("==", "=~", "in")):
            texts += [f"x {value}", f"{value} x", f"x{value}x"]
        yield from ((VALUE, text) for text in texts)
        if other_case(value) != value:
            yield CASE, other_case(value)


def _done(state: State, budget: _Budget, change: Callable[[], bool]) -> bool:
    """Whether a change was made, within the work that is left."""
    if budget.left <= 0:
        return False
    state.work = given = min(_WORK, budget.left)
    try:
        return change()
    except (NotKnown, Exhausted, *UNFITTING):
        return False
    finally:
        budget.left -= given - state.work
