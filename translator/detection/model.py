"""The detection: a target-neutral statement of what alerts."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace

from translator.fidelity import Diagnostic, Place
from translator.plan.expressions import Expr
from translator.plan.types import Type

DAY = 86_400
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Events of one table that satisfy a predicate in normal form.

    ``keys`` are the fields of these events that the correlation groups by, in the order of ``Detection.group_by``;
    ``outputs`` the fields behind the columns that the query shows, where they are stored ones; ``dated`` says that the query itself
    states how far back they may lie; ``tolerated`` that it does without the table where there is none. ``home`` is the name of the place in
    a product that holds them, empty before they are moved there.
    """

    name: str
    table: str
    predicate: Expr
    keys: tuple[Expr, ...] = ()
    outputs: tuple[tuple[str, Expr], ...] = ()
    dated: bool = False
    tolerated: bool = False
    home: str = ""


def grows(kind: str, operator: str) -> bool:
    """Whether more events can only help a threshold to be passed: a count, compared from below. A sum can also fall."""
    return kind in ("event_count", "value_count") and operator in (">", ">=")


def place_of_number(operator: str) -> Place:
    """The place of a number that ``operator`` compares with another."""
    return Place.PLAIN if operator in (">", ">=") else Place.TURNED if operator in ("<", "<=") else Place.BOTH


def counts_missing(value: Expr) -> bool:
    """Whether events without ``value`` have one more distinct value: a text is empty then, of other types null does not count.

    Source: learn.microsoft.com/kusto/query/dcount-aggregation-function, Note. A column of unknown type is taken for a text.
    """
    return value.type in (Type.STRING, Type.UNKNOWN)


def compares(operator_: str, left: float, right: float) -> bool:
    """Whether an operator of KQL holds between two numbers."""
    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}
    return bool(compare[operator_](left, right))


@dataclass(frozen=True, slots=True)
class Threshold:
    """``operator`` compares with ``count`` what ``kind``, a type of Sigma correlation, says of the events.

    That is their number for event_count, else of the values of ``fields`` (one a selector): how many distinct ones there are for
    value_count, their sum, average, or the value at ``percentile``.
    """

    kind: str
    operator: str
    count: int | float
    fields: tuple[Expr, ...] = ()
    percentile: int | None = None

    @property
    def grows(self) -> bool:
        """Whether more events can only help it to be passed."""
        return grows(self.kind, self.operator)

    @property
    def measured(self) -> Place:
        """The place of the number that it compares."""
        return place_of_number(self.operator)

    def of_events(self, grouped: bool) -> Place:
        """The place of the events that it measures; where they are ``grouped``, more of them make more groups as well."""
        place = self.measured if self.kind in ("event_count", "value_count") else Place.BOTH
        return place.beside(Place.PLAIN) if grouped else place


@dataclass(frozen=True, slots=True)
class Side:
    """One part of a detection: any of its selectors. More than one where a union or a conditional key makes alternatives.

    ``absent``: no event of this side may have the key.
    """

    name: str
    selectors: tuple[Selector, ...]
    absent: bool = False
    threshold: Threshold | None = None
    """How many events the side needs, counted for each value of ``grouping`` (the fields of each selector)."""
    grouping: tuple[tuple[Expr, ...], ...] = ()

    def place(self, threshold: Threshold | None, grouped: bool) -> Place:
        """The place of its events in a detection with such a threshold over all sides, whose events are ``grouped``."""
        counted = self.threshold or threshold
        place = Place.PLAIN if counted is None else counted.of_events(grouped)
        return place.turned if self.absent else place


@dataclass(frozen=True, slots=True)
class History:
    """What fills a list of what was seen before: the values of the keys of ``selectors``, whose conditions limit the time of the events.

    ``back`` is how many seconds before now the earliest of them may lie.
    """

    name: str
    selectors: tuple[Selector, ...]
    back: int


@dataclass(frozen=True, slots=True)
class Trigger:
    """The rule alerts where ``operator`` compares the number of rows with ``count`` so: one of > >= < <= == !=."""

    operator: str
    count: int

    @property
    def grows(self) -> bool:
        """Whether more rows can only help it to be passed."""
        return self.operator in (">", ">=")

    @property
    def place(self) -> Place:
        """The place of the rows."""
        return Place.TURNED if self.for_none_only else place_of_number(self.operator)

    @property
    def holds_for_none(self) -> bool:
        """Whether the rule alerts where there are no rows."""
        return compares(self.operator, 0, self.count)

    @property
    def for_none_only(self) -> bool:
        """Whether it alerts in no other case, so that it is the same whatever a row is."""
        return (self.operator, self.count) in (("==", 0), ("<", 1), ("<=", 0))


@dataclass(frozen=True, slots=True)
class OneOfGroup:
    """Which event of a group the query shows alone: the ``last``, the ``first``, or ``any``.

    ``names`` are those of the keys, ``keys`` their fields for each selector; ``guaranteed`` says of each whether all events have it.
    """

    order: str
    names: tuple[str, ...]
    keys: tuple[tuple[Expr, ...], ...]
    guaranteed: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Detection:
    """``kind`` is event, that of a threshold, temporal, or temporal_ordered, whose sides follow each other.

    ``timespan``, ``lookback``, ``bin`` and ``within`` in seconds: ``timespan`` is the window of the correlation, ``lookback`` how far back
    the events may lie, which is no less; ``within`` is how far apart ordered events may be, None where the query does not say;
    ``strict`` says that ordered events of the same moment do not count, ``open`` that those just ``within`` apart do not; ``bin`` is
    the length of the buckets where the query groups by ``bin(TimeGenerated, ...)``.

    ``group_by`` names the keys; ``guaranteed`` says for each whether some side's events always have it. Events that have keys are those of
    which ``one`` of each group alerts.
    """

    kind: str
    sides: tuple[Side, ...]
    group_by: tuple[str, ...]
    guaranteed: tuple[bool, ...]
    threshold: Threshold | None
    timespan: int
    bin: int | None
    diagnostics: tuple[Diagnostic, ...]
    within: int | None = None
    lookback: int = 0
    strict: bool = True
    open: bool = False
    trigger: Trigger | None = None
    """What the rule asks of the number of rows, where the output is to ask it; None where it is content with any."""
    part: str = ""
    """What tells the documents of this alternative from those of the others; empty where there is only one."""
    histories: tuple[History, ...] = ()
    """The lists of what was seen before that a side asks."""
    one: OneOfGroup | None = None
    """Which event of each group the query shows; None where it shows all, or what no event tells."""
    beyond: bool = False
    """Whether the query shows events of groups that do not alert as well, where they share the other keys with one that does."""
    added: frozenset[int] = frozenset()
    """The numbers of the uses of tables that the query joins for their columns alone."""
    others: tuple[Detection, ...] = ()
    """Further alternatives, each a detection of its own: the rule alerts where any of them does."""

    @property
    def alternatives(self) -> tuple[Detection, ...]:
        """All that the rule alerts on, each a detection by itself."""
        return tuple(replace(d, others=()) for d in (self, *self.others))

    def of_groups(self) -> Detection | None:
        """The same of which one event of each group alerts; None where that is not known of all alternatives."""
        found = [_of_groups(part) for part in self.alternatives]
        first, *others = found
        return replace(first, others=tuple(p for p in others if p)) if first is not None and None not in others else None

    def outline(self) -> Detection:
        """The same without its events, their number and what is said of them: kinds, keys and times."""
        others = tuple(d.outline() for d in self.others)
        return replace(self, sides=(), threshold=None, diagnostics=(), histories=(), one=None, others=others)

    @property
    def alerts_on_nothing(self) -> bool:
        """Whether a threshold over all events, in no groups, is passed where there are none."""
        t = self.threshold
        return t is not None and not self.group_by and self.bin is None and not t.grows and compares(t.operator, 0, t.count)

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """Those of all sides, in their order."""
        return tuple(s for side in self.sides for s in side.selectors)

    def place_of(self, selector: Selector) -> Place:
        """The place of the events of a selector."""
        side = next(side for side in self.sides if any(s.name == selector.name for s in side.selectors))
        return side.place(self.threshold, self.grouped)

    @property
    def place(self) -> Place:
        """The place of what concerns the events of all sides alike."""
        first, *others = [side.place(self.threshold, self.grouped) for side in self.sides]
        for other in others:
            first = first.beside(other)
        return first

    @property
    def grouped(self) -> bool:
        """Whether what is counted or joined is so by keys or by buckets of time."""
        return bool(self.group_by or self.bin)

    @property
    def shown(self) -> tuple[Selector, ...]:
        """The selectors whose events an alert can show: those of sides that are not absent."""
        return tuple(s for side in self.sides if not side.absent for s in side.selectors)


def _of_groups(detection: Detection) -> Detection | None:
    one = detection.one
    if one is None or len(detection.sides) != 1:
        return None
    (side,) = detection.sides
    selectors = tuple(replace(s, keys=keys) for s, keys in zip(side.selectors, one.keys, strict=True))
    return replace(detection, sides=(replace(side, selectors=selectors),), group_by=one.names, guaranteed=one.guaranteed)


@dataclass(frozen=True, slots=True)
class NoDetection:
    """Why a query is no detection that a target could carry: each reason with its place."""

    diagnostics: tuple[Diagnostic, ...]
