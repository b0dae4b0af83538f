"""Where the walk from a plan to a detection is: what holds there, and what was found so far."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self, TypeAlias

from translator.detection.model import Detection, History
from translator.detection.shapes import Events, Shape
from translator.fidelity import Diagnostic, Fact, Notes, Place, Verdict, direction_of
from translator.fidelity.codes import CODES
from translator.plan import operators as o
from translator.plan.conditions import is_present
from translator.plan.expressions import ColumnRef, Expr, Span
from translator.plan.monotonicity import Above
from translator.plan.pins import Pins, pins_of

FieldTest: TypeAlias = Callable[[str, str], bool]
"""Whether a table's field holds IP addresses."""
FilledTest: TypeAlias = Callable[[str, str, Pins], bool]
"""Whether each event of a table has a field, or each with some values in other fields."""


class Blocked(Exception):
    """No detection says this: ``diagnostics`` are what stands in the way."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*(d.message for d in diagnostics))
        self.diagnostics = diagnostics


@dataclass
class Findings(Notes):
    """What a walk finds beside the shapes of the relations.

    Attributes:
        windows: the windows stated, in seconds back from now.
        histories: what fills the lists of values that were seen before.
        listed: the ids of the columns that lists brought in.
        matched: the relations of such lists, each with what of the events is looked up in it.
        unique: what is looked up by joins that keep one event of each.
        beyond: whether the query shows events of other groups than those that are over a threshold.
        added: the numbers of the tables that are joined for their columns alone.
    """

    windows: list[int] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    listed: set[int] = field(default_factory=set)
    matched: list[tuple[o.Relation, tuple[Expr, ...]]] = field(default_factory=list)
    unique: list[tuple[Expr, ...]] = field(default_factory=list)
    beyond: bool = False
    added: set[int] = field(default_factory=set)

    def take(self, part: Findings) -> None:
        """Takes over what was found in a part that stands."""
        for diagnostic in part.said:
            self.note(diagnostic)
        self.windows += part.windows
        self.histories += part.histories
        self.listed |= part.listed
        self.matched += part.matched
        self.unique += part.unique
        self.beyond |= part.beyond
        self.added |= part.added


@dataclass
class ListNames:
    """The names of the lists of one rule, each with what it was given to: lists that differ are told apart by a number."""

    given: dict[str, list[object]] = field(default_factory=dict)

    def name(self, name: str, values: object) -> str:
        """``name`` for a list of these ``values``, with a number where others have it already."""
        lists = self.given.setdefault(name, [])
        if values not in lists:
            lists.append(values)
        number = lists.index(values) + 1
        return name if number == 1 else f"{name}_{number}"


@dataclass(frozen=True)
class Lifting(ABC):
    """A plan on its way to a detection: the place that the walk is at.

    Attributes:
        period: the rule's ``queryPeriod`` in seconds, if it has one; ``default`` stands for the window of a query without any.
        takes_indicators_for_lists: tables of threat indicators are lists.
        takes_rows_for_sides: a row and the one beside it are two sides, as are those of an outer join that a condition decides.
        timed: each part keeps its window, as conditions on the time of its events.
        place: what more events here do to what alerts.
        above: the relations that read the one that is lifted.
        findings: what was found on the way here.
        lists: the names of lists, for the rule as a whole.
        members: the conditions that predicates ask for, by the predicates' ids.
    """

    plan: o.Plan
    period: int | None
    default: int
    is_address: FieldTest
    is_filled: FilledTest
    takes_indicators_for_lists: bool = True
    takes_rows_for_sides: bool = True
    timed: bool = False
    place: Place = Place.PLAIN
    above: tuple[Above, ...] = ()
    findings: Findings = field(default_factory=Findings)
    lists: ListNames = field(default_factory=ListNames)
    members: dict[int, tuple[Expr, set[Expr]]] = field(default_factory=dict)

    @abstractmethod
    def shape(self, relation: o.Relation) -> Shape:
        """What ``relation`` comes to. Raises Blocked."""

    @abstractmethod
    def filtered(self, shape: Shape, predicate: Expr, span: Span | None) -> Shape:
        """``shape`` where ``predicate`` holds. Raises Blocked."""

    @abstractmethod
    def as_events(self, shape: Shape, what: str, span: Span | None) -> Events:
        """``shape`` as plain events; ``what`` is done with it, for the reason where it is none. Raises Blocked."""

    @abstractmethod
    def detection(self, shape: Shape) -> Detection:
        """The detection that ``shape`` is. Raises Blocked."""

    def below(self, relation: o.Relation, place: Place | None = None) -> Self:
        """The walk in what ``relation`` reads, at a ``place`` of its own where it is another."""
        return replace(self, above=(*self.above, (relation, self.place)), place=place or self.place)

    def within(self, place: Place) -> Self:
        """The walk at a ``place`` within this one."""
        return replace(self, place=place.below(self.place))

    def apart(self) -> Self:
        """The walk in a part of which it is not yet known whether it stands: what it finds is taken over then."""
        return replace(self, findings=Findings(listed=set(self.findings.listed)))

    def say(self, code: str, message: str, span: Span | None, place: Place = Place.PLAIN, fact: Fact | None = None) -> None:
        """Says something of a ``place`` within this one."""
        self.findings.say(code, message, span, place.below(self.place), fact)

    def block(self, code: str, message: str, span: Span | None) -> Blocked:
        """What to raise where nothing says this."""
        return Blocked(Diagnostic(code, message, span, self.place))

    def broadens(self, code: str) -> bool:
        """Whether what ``code`` says lets more alert here: what has no form may be left out, or stand in a weaker one."""
        return direction_of(CODES[code].effect, self.place) is Verdict.BROADER

    def has_always(self, key: Expr, predicate: Expr) -> bool:
        """Whether each event that ``predicate`` selects has the key, by what it asks or by what its table says."""
        filled = isinstance(key, ColumnRef) and self.is_filled(key.column.table or "", key.column.name, pins_of(predicate))
        return filled or is_present(key, predicate)
