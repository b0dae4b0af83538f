"""Verdicts, the diagnostics that explain them, and how they combine.

A verdict is never set by hand: it is what the directions of all diagnostics on the way of a rule to a target come to. Nor is a
direction: a code says what a deviation does where it is made, and its place what that does to the alert.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum

from translator.fidelity.codes import CODES, Effect

Span = tuple[int, int]


class Verdict(Enum):
    """How an output relates to its KQL, best first. The same words say in which direction one diagnostic deviates."""

    EXACT = "exact"
    SAME_ALERTS = "same-alerts"
    BROADER = "broader"
    NARROWER = "narrower"
    DIFFERS = "differs"
    NONE = "none"

    __hash__ = object.__hash__  # each is one object, and that of Enum is in Python

    @property
    def rank(self) -> int:
        """0 for exact, growing with the deviation; broader and narrower rank alike."""
        return _RANKS[self]


_RANKS = {
    Verdict.EXACT: 0, Verdict.SAME_ALERTS: 1, Verdict.BROADER: 2, Verdict.NARROWER: 2, Verdict.DIFFERS: 3, Verdict.NONE: 4,
}  # fmt: skip


class Place(Enum):
    """What more events somewhere in a query do to what alerts: more of it, less, or either.

    Negations, absent sides, ``!in (subquery)`` and thresholds from above each turn it around. What is only ``SHOWN`` decides nothing.
    """

    PLAIN = "plain"
    TURNED = "turned"
    BOTH = "both"
    SHOWN = "shown"

    __hash__ = object.__hash__

    @property
    def turned(self) -> Place:
        """The place below a negation."""
        return {Place.PLAIN: Place.TURNED, Place.TURNED: Place.PLAIN}.get(self, self)

    def below(self, outer: Place) -> Place:
        """This place, seen from ``outer``, within which, rather than within the whole query, it was found."""
        if Place.SHOWN in (self, outer):
            return Place.SHOWN
        if Place.BOTH in (self, outer):
            return Place.BOTH
        return self.turned if outer is Place.TURNED else self

    def beside(self, other: Place | None) -> Place:
        """The place of events that decide in two ways."""
        return self if other is None or other is self else Place.BOTH


_ANYWHERE = {Effect.NOTE: Verdict.EXACT, Effect.ROWS: Verdict.SAME_ALERTS, Effect.REFUSED: Verdict.NONE}
"""What effects do wherever they are."""


def direction_of(effect: Effect, place: Place) -> Verdict:
    """What a deviation with this effect does to the alert."""
    if effect in _ANYWHERE:
        return _ANYWHERE[effect]
    if place is Place.SHOWN:
        return Verdict.SAME_ALERTS
    if effect is Effect.EITHER or place is Place.BOTH:
        return Verdict.DIFFERS
    return Verdict.BROADER if (effect is Effect.MORE) == (place is Place.PLAIN) else Verdict.NARROWER


@dataclass(frozen=True, slots=True)
class FilledList:
    """A list that an output needs, of values that are to be filled in.

    Attributes:
        name: what the output calls it.
        column: the column of the query that has its values, of an ``earlier`` list those that are looked for; empty where none does.
        earlier: whether it holds what the query itself finds in an earlier window.
        nonempty: whether it must not hold an empty text.
    """

    name: str
    column: str = ""
    earlier: bool = False
    nonempty: bool = False


@dataclass(frozen=True, slots=True)
class ReadList:
    """A list, by the name that the output has for it, whose rows are read as they are; ``mark`` is a column that is yes in all of them."""

    name: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class CaseOfList:
    """That a list is to hold no values but those in ``case``, which is ``lower`` or ``upper``."""

    name: str
    case: str


@dataclass(frozen=True, slots=True)
class CaseOfColumn:
    """That a product has all values of a column in ``case``, which is ``lower`` or ``upper``."""

    column: str
    case: str


Fact = FilledList | ReadList | CaseOfList | CaseOfColumn
"""What a diagnostic says in words, for programs."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One deviation or note, and the place where it was made.

    ``span`` are offsets into the KQL text, None where it concerns the rule as a whole.
    """

    code: str
    message: str
    span: Span | None = None
    place: Place = Place.PLAIN
    fact: Fact | None = None

    @property
    def direction(self) -> Verdict:
        """What it does to the alert: the effect of its code, as the place turns it."""
        return direction_of(CODES[self.code].effect, self.place)

    @property
    def word(self) -> str:
        """The direction for people: what deviates nowhere is a note."""
        return self.direction.value if self.direction is not Verdict.EXACT else "note"

    @property
    def advice(self) -> str:
        """What helps, for whoever deploys the output."""
        return CODES[self.code].advice

    def below(self, outer: Place) -> Diagnostic:
        """The same, of a query that stands at ``outer`` in another one."""
        return self if outer is Place.PLAIN else replace(self, place=self.place.below(outer))


@dataclass
class Notes:
    """What is said on one stage of the way, each at the place where the walk is then."""

    said: list[Diagnostic] = field(default_factory=list, kw_only=True)
    place: Place = field(default=Place.PLAIN, kw_only=True)

    def say(self, code: str, message: str, span: Span | None = None, place: Place = Place.PLAIN, fact: Fact | None = None) -> None:
        """Says something of a ``place`` within the one where the walk is, which matters for what deviates in a direction."""
        directed = CODES[code].effect not in (Effect.NOTE, Effect.ROWS)
        self.note(Diagnostic(code, message, span, place.below(self.place) if directed else Place.PLAIN, fact))

    def note(self, diagnostic: Diagnostic) -> None:
        """Adds what is not said yet."""
        if not any(d.span == diagnostic.span and d == diagnostic for d in self.said):  # spans tell most of them apart, and sooner
            self.said.append(diagnostic)

    @contextmanager
    def within(self, place: Place) -> Iterator[None]:
        """The walk at a ``place`` within the one where it is."""
        outer, self.place = self.place, place.below(self.place)
        try:
            yield
        finally:
            self.place = outer


def combine(directions: Iterable[Verdict]) -> Verdict:
    """What several deviations come to: the worst of them, and ``differs`` where some are broader and some narrower."""
    worst, seen = Verdict.EXACT, set()
    for direction in directions:
        seen.add(direction)
        if direction.rank > worst.rank:
            worst = direction
    if worst.rank == Verdict.BROADER.rank and {Verdict.BROADER, Verdict.NARROWER} <= seen:
        return Verdict.DIFFERS
    return worst


def verdict_of(diagnostics: Iterable[Diagnostic]) -> Verdict:
    """What the diagnostics of an output come to; ``exact`` where there are none."""
    return combine(d.direction for d in diagnostics)
