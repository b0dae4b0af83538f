"""What a relation comes to while a plan is lifted: events, groups of them, sides that share keys, lists, or alternatives of these."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from translator.detection.windows import NOW, Window
from translator.plan import operators as o
from translator.plan.expressions import (
    Apply,
    Column,
    ColumnRef,
    Expr,
    Span,
    columns_of,
    const,
    substitute,
    transform,
)
from translator.plan.simplify import simplify


@dataclass
class Branch:
    """Events of one table: what they satisfy, and what each column is in terms of their stored fields."""

    table: str
    source: int
    predicate: Expr
    env: dict[int, Expr]
    windows: list[Window] = field(default_factory=list)
    """Those in all of which the events lie."""
    multiplied: bool = False
    """Whether an event may be several rows: for each match in a join that only adds columns, or each element of an array."""
    tolerated: bool = False
    """Whether the query does without the table where it does not exist."""
    expanded: tuple[Expr, ...] = ()
    """The arrays for whose elements conditions stand."""

    @property
    def dated(self) -> bool:
        """Whether the query says how far back the events may lie."""
        return any(w.start != NOW for w in self.windows)


def cloned(expr: Expr) -> Expr:
    """``expr`` over other events of the same tables: their columns are told apart by their numbers."""

    def clone(node: Expr) -> Expr:
        if isinstance(node, ColumnRef) and node.column.source is not None and node.column.source >= 0:
            column = replace(node.column, id=-1 - node.column.id, source=-1 - node.column.source)
            return ColumnRef(node.span, node.type, column)
        return node

    return transform(expr, clone)


def clone_of(branch: Branch) -> Branch:
    """Other events of the same table that satisfy the same."""
    env = {identifier: cloned(expr) for identifier, expr in branch.env.items()}
    return replace(branch, source=-1 - branch.source, predicate=cloned(branch.predicate), env=env, windows=list(branch.windows))


@dataclass(frozen=True, slots=True)
class Listed:
    """Values kept outside of the logs: a watchlist, externaldata, or threat indicators. A placeholder stands for them."""

    name: str
    kind: str


@dataclass
class Events:
    """Events of some tables, in the ``order`` of the last ``sort``."""

    branches: list[Branch]
    order: tuple[o.Ordering, ...] = ()


@dataclass
class Grouped:
    """A summary: its ``keys``, its ``aggregates`` by the ids of their columns, and ``having``, the conditions on its rows."""

    input: Events | Joined
    keys: list[tuple[Column, Expr]]
    aggregates: dict[int, Expr]
    having: list[Expr] = field(default_factory=list)
    env: dict[int, Expr] = field(default_factory=dict)
    closed: bool = False
    """Whether a further summarize stands over the threshold: its aggregates decide nothing."""
    shown: Events | None = None
    """The events that the query shows of each group, where a join with the summary gives them."""
    row: tuple[str, Expr | None] | None = None
    """The aggregate, and what it orders by, of the one event of each group that a condition was put on."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Ticks from one event to another, at least ``low`` and at most ``high``; ``above`` and ``below`` exclude these bounds themselves."""

    low: int | None = None
    high: int | None = None
    above: bool = False
    below: bool = False

    def within(self, other: Gap) -> Gap:
        """What satisfies both."""
        lows = [(g.low, g.above) for g in (self, other) if g.low is not None]
        highs = [(g.high, not g.below) for g in (self, other) if g.high is not None]
        low, above = max(lows, default=(None, False))
        high, included = min(highs, default=(None, True))
        return Gap(low, high, above, not included)

    def turned(self) -> Gap:
        """The same from the other event."""
        return Gap(None if self.high is None else -self.high, None if self.low is None else -self.low, self.below, self.above)


@dataclass
class Joined:
    """Sides that share keys. ``classes`` are sets of expressions, each over one side, that must be equal."""

    sides: list[Events]
    pairs: list[tuple[int, Expr, int, Expr]]
    owner: dict[int, int]
    env: dict[int, Expr] = field(default_factory=dict)
    span: Span | None = None
    deduplicated: set[int] = field(default_factory=set)
    """Sides of which innerunique keeps one arbitrary row for each key."""
    absent: set[int] = field(default_factory=set)
    summaries: dict[int, Grouped] = field(default_factory=dict)
    """Sides that are thresholds of their own."""
    gaps: dict[tuple[int, int], Gap] = field(default_factory=dict)
    """By pairs of sides: how long after an event of the first one of the second may come."""


@dataclass
class Either:
    """Alternatives that are no plain events: a union of summaries or of joins. Each becomes a detection of its own."""

    members: list[Shape]
    windows: list[list[int]]
    decided: set[int] = field(default_factory=set)
    """Columns of a summary over all of them, which no member can tell."""


Shape: TypeAlias = "Events | Grouped | Joined | Listed | Either"


def with_keys(grouped: Grouped, events: Events) -> Events:
    """``events``, the input of ``grouped``, with the columns of the summary in terms of their fields."""
    for branch in events.branches:
        before = dict(branch.env)
        for column, expr in grouped.keys:
            branch.env[column.id] = simplify(substitute(expr, before))
        for identifier, expr in grouped.env.items():
            branch.env[identifier] = simplify(substitute(expr, branch.env))
    return events


def environments(shape: Shape) -> list[dict[int, Expr]]:
    """What the columns of a shape are: for each of its branches, or for the whole of it."""
    if isinstance(shape, Events):
        return [b.env for b in shape.branches]
    return [shape.env] if isinstance(shape, Grouped | Joined) else []


def foreign(expr: Expr, branch: Branch) -> str | None:
    """The name of a stored column in ``expr`` that the events of ``branch`` do not have; None where they have all of them."""
    return next((c.name for c in columns_of(expr) if c.source is not None and c.source != branch.source), None)


def belongs(column: Column, branch: Branch) -> bool:
    """Whether a column is one that the events of a branch have stored."""
    return column.source == branch.source and column.source is not None and column.id not in branch.env


def columns_within(relation: o.Relation) -> set[Column]:
    """All columns that a relation reads or makes."""
    return {n for n in o.parts(relation) if isinstance(n, Column)}


def sources_within(relation: o.Relation) -> set[int]:
    """The numbers of the tables that a relation reads."""
    return {n.id for n in o.relations(relation) if isinstance(n, o.Source)}


def by_name(expr: Expr) -> Expr:
    """``expr`` with stored columns by name, so that two uses of one table compare equal."""
    return transform(
        expr,
        lambda n: Apply(None, n.type, "field", (const(n.column.name),)) if isinstance(n, ColumnRef) and n.column.source is not None else n,
    )


def windows_of(shape: Shape) -> set[Window]:
    """The windows that the events of a shape have of their own; of a join those of its first side."""
    match shape:
        case Events(branches=branches):
            return {w for b in branches for w in b.windows}
        case Grouped(input=inner):
            return windows_of(inner)
        case Joined(sides=sides):
            return windows_of(sides[0])
        case _:
            return set()
