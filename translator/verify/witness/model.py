"""What is made: events, worlds of them, and what could not be made or was not reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from translator.plan.expressions import Span


@dataclass(frozen=True, slots=True)
class Event:
    """A row of a source table.

    Attributes:
        values: by the columns of the table; a column that is missing is not there. The times of the event itself (``TimeGenerated``,
            ``Timestamp``) are not among them.
        seconds: when it was, in seconds from now: negative for what is past.
        free: columns of ``values`` of which nothing is asked: they may hold something else.
    """

    table: str
    values: Mapping[str, object]
    seconds: float
    free: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class World:
    """Events, and what they are meant to show.

    Attributes:
        about: what is tried, in words.
        hits: whether the rule is meant to alert; None where that is not known.
        apart: whether its events are small worlds side by side: one that a product cannot have is left out of them.
    """

    about: str
    events: tuple[Event, ...]
    hits: bool | None
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Unreached:
    """A place of the query that no event was made for, and why."""

    span: Span | None
    why: str


@dataclass(frozen=True, slots=True)
class Worlds:
    """The worlds of a rule, the first of which alerts where one can be made to, and what could not be turned around."""

    worlds: tuple[World, ...]
    unreached: tuple[Unreached, ...] = ()


@dataclass(frozen=True, slots=True)
class Atom:
    """A condition without ``and``, ``or`` and ``not``, and which answers it gave on some row."""

    span: Span | None
    text: str
    true: bool
    false: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which conditions of a query were true and which false on some event."""

    atoms: tuple[Atom, ...] = ()
    unreached: tuple[Unreached, ...] = field(default=())

    @property
    def share(self) -> float:
        """The share of atoms that were reached both ways; 1 where there are none."""
        return sum(a.true and a.false for a in self.atoms) / len(self.atoms) if self.atoms else 1.0


class NotKnown(Exception):
    """What cannot be turned around, or evaluated here.

    Attributes:
        what: in words.
        span: the place in the query.
    """

    def __init__(self, what: str, span: Span | None = None) -> None:
        super().__init__(what)
        self.what, self.span = what, span


class Exhausted(Exception):
    """The work that may be spent on one search is done, and nothing was found."""
