"""Relational operators. Each knows its input and the span of the KQL that it came from.

Columns are ids; what a relation offers under which name is ``columns``, ordered as KQL shows them. ``open`` says that there
are more columns than these: those of a table whose schema is not fully known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from itertools import chain, count
from typing import Any, TypeAlias

from translator.plan.expressions import Apply, Column, Const, Expr, Same, Span
from translator.plan.expressions import Relation as Relation

Names: TypeAlias = tuple[tuple[str, Column], ...]


UNKNOWN_TABLE = "?"
"""What stands for the table of columns that a list or a plugin gives, of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Source(Relation):
    """A stored table. ``id`` tells two uses of one table apart."""

    table: str
    id: int


@dataclass(frozen=True, slots=True)
class Rows(Relation):
    """A datatable: rows of constants."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True, slots=True)
class Filter(Relation):
    """The rows for which a predicate is true; those of which it is null are left out as well."""

    input: Relation
    predicate: Expr


@dataclass(frozen=True, slots=True)
class Compute(Relation):
    """Further columns, each from an expression over the input; columns that are projected away just lose their name."""

    input: Relation
    items: tuple[tuple[Column, Expr], ...]


@dataclass(frozen=True, slots=True)
class Aggregate(Relation):
    """summarize: a row for each combination of ``keys``; without keys one row, even of no rows."""

    input: Relation
    keys: tuple[tuple[Column, Expr], ...]
    aggregates: tuple[tuple[Column, Expr], ...]


@dataclass(frozen=True, slots=True)
class Join(Relation):
    """``on`` are pairs of expressions, one over each side, that must be equal; ``condition`` is a further predicate over both."""

    left: Relation
    right: Relation
    kind: str
    on: tuple[tuple[Expr, Expr], ...]
    condition: Expr | None = None


@dataclass(frozen=True, slots=True)
class Union(Relation):
    """``columns`` are the merged columns; for each of them and each input the column it comes from, None where it has none.

    ``fuzzy`` says that inputs whose tables do not exist are left out (learn.microsoft.com/kusto/query/union-operator, isfuzzy).
    """

    inputs: tuple[Relation, ...]
    columns: tuple[tuple[Column, tuple[Column | None, ...]], ...]
    fuzzy: bool = False


@dataclass(frozen=True, slots=True)
class Range(Relation):
    """One row for each value from ``start`` to ``stop``, both included."""

    column: Column
    start: Expr
    stop: Expr
    step: Expr


@dataclass(frozen=True, slots=True)
class Project(Relation):
    """These columns and no others: a relation used twice needs columns of its own each time."""

    input: Relation
    items: tuple[tuple[Column, Expr], ...]


@dataclass(frozen=True, slots=True)
class Distinct(Relation):
    """One row for each combination of values of these columns, which are all that is left."""

    input: Relation
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Ordering:
    """What rows are sorted by; ``nulls_first`` says where null stands, whichever the direction."""

    expr: Expr
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Sort(Relation):
    """The rows in an order, by the first of the keys that tells them apart."""

    input: Relation
    keys: tuple[Ordering, ...]


@dataclass(frozen=True, slots=True)
class Limit(Relation):
    """``count`` rows: the first ones by ``keys``, of each value of ``partition`` where there is one."""

    input: Relation
    operator: str
    count: Expr
    keys: tuple[Ordering, ...] = ()
    partition: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Number(Relation):
    """A column that numbers the rows: what tells them apart inside mv-apply."""

    input: Relation
    column: Column


@dataclass(frozen=True, slots=True)
class Expand(Relation):
    """mv-expand: a row for each element, several arrays side by side. ``pairs`` makes bags arrays of key and value."""

    input: Relation
    items: tuple[tuple[Column, Expr], ...]
    index: Column | None
    limit: Expr | None
    pairs: bool = False


@dataclass(frozen=True, slots=True)
class Parse(Relation):
    """``pattern`` holds texts, columns, and None for what is skipped; ``filters`` drops rows that do not match."""

    input: Relation
    value: Expr
    kind: str
    flags: str
    pattern: tuple[str | Column | None, ...]
    filters: bool


@dataclass(frozen=True, slots=True)
class ParsePairs(Relation):
    """parse-kv: ``columns`` by their keys, from text whose pairs and keys are told apart by these marks.

    Without ``pair`` and ``key`` whatever is no letter and no digit tells them apart. Each of ``quotes`` is a mark that opens and closes,
    or one for each.
    """

    input: Relation
    value: Expr
    columns: tuple[Column, ...]
    pair: str
    key: str
    quotes: tuple[str, ...]
    escapes: tuple[str, ...]
    greedy: bool
    regex: str


@dataclass(frozen=True, slots=True)
class Series(Relation):
    """make-series: arrays over equal steps of ``on``. ``start`` and ``stop`` are None where the data of each series decide.

    ``included`` says that ``stop`` is a place of the axis and that this starts at a multiple of ``step``: the old form ``in range``;
    ``nonempty`` that no row gives a series of defaults.
    """

    input: Relation
    keys: tuple[tuple[Column, Expr], ...]
    aggregates: tuple[tuple[Column, Expr, Expr], ...]
    axis: Column
    on: Expr
    start: Expr | None
    stop: Expr | None
    step: Expr
    included: bool
    nonempty: bool = False


@dataclass(frozen=True, slots=True)
class External(Relation):
    """A list that is kept outside of the logs: a watchlist or externaldata, by ``name``.

    Its columns are those that it declares, or those of ``source`` that the query names; ``address`` says where it is downloaded from.
    """

    kind: str
    name: str
    columns: tuple[Column, ...] = ()
    source: Source | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Arrange(Relation):
    """What leaves the rows as they are: serialize, render, consume."""

    input: Relation
    operator: str


@dataclass(frozen=True, slots=True)
class Unsupported(Relation):
    """An operator the plan cannot say yet. It carries on, so that a report names everything at once."""

    input: Relation | None
    reason: str


@dataclass(frozen=True, slots=True)
class Plugin(Unsupported):
    """evaluate: a plugin whose columns depend on the data. Those that the query names are stored columns of ``source``."""

    name: str
    arguments: tuple[Expr, ...]
    source: Source

    def key(self, column: Column) -> str | None:
        """The key of the bag that bag_unpack makes a column of; None for one whose name has not the prefix that it is told."""
        given = self.arguments[1:]
        prefix = str(given[0].value) if given and isinstance(given[0], Const) else ""
        return column.name.removeprefix(prefix) if column.name.startswith(prefix) else None


@dataclass(frozen=True, slots=True)
class Evaluation(Unsupported):
    """evaluate: a plugin whose columns the query alone decides. The engine computes it, no target can say it.

    Attributes:
        arguments: by the names of its parameters.
        dimensions: what its rows are sliced by.
        columns: what it gives, in order; none where it gives rows of its input as they are.
    """

    name: str
    arguments: tuple[tuple[str, Expr], ...]
    dimensions: tuple[Expr, ...] = ()
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaMerge(Unsupported):
    """schema_merge over ``read``, the columns of several getschema; ``ordered`` says that a column keeps its place."""

    read: tuple[Column, ...]
    columns: tuple[Column, ...]
    ordered: Expr


@dataclass(frozen=True, slots=True)
class ScanStep:
    """A step of ``scan``. ``output`` is ``all``, ``last`` or ``none``; ``assignments`` are values for declared columns."""

    output: str
    condition: Expr
    assignments: tuple[tuple[Column, Expr], ...]


@dataclass(frozen=True, slots=True)
class Scan(Unsupported):
    """scan: what only an engine carries out. ``declared`` are columns with their defaults, ``match`` numbers the sequences.

    ``states`` are the columns by which the steps' expressions read what a step has seen last: the number of that step, the column that was
    seen, and the one that stands for it.
    """

    partition: tuple[Column, ...]
    declared: tuple[tuple[Column, Expr], ...]
    steps: tuple[ScanStep, ...]
    states: tuple[tuple[int, Column, Column], ...]
    match: Column | None


@dataclass(frozen=True, slots=True)
class Graph(Unsupported):
    """make-graph over the edges that ``input`` gives, from the ids in ``source`` to those in ``target``: what only an engine carries out.

    ``nodes`` are tables of nodes with the column that holds their ids, ``properties`` the merged columns of these tables and for each table
    the column that it comes from. ``key`` is the id of a node, ``degrees`` are the numbers of edges to it and from it, and ``components``
    the columns that number what is connected, weakly or strongly.
    """

    source: Column
    target: Column
    nodes: tuple[tuple[Relation, Column], ...]
    properties: tuple[tuple[Column, tuple[Column | None, ...]], ...]
    key: Column
    degrees: tuple[Column, Column]
    components: tuple[tuple[Column, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GraphTable(Unsupported):
    """graph-to-table: the ``nodes`` or the ``edges`` of ``graph``. ``hashed`` says that hashes of the nodes' ids are shown too."""

    graph: Graph
    what: str
    hashed: bool


@dataclass(frozen=True, slots=True)
class GraphHop:
    """What leads from a node of a pattern to the next: one edge, or from ``low`` to ``high`` of them.

    ``direction`` is ``>``, ``<``, or ``-`` for any. ``shown`` are properties of the edge and the columns standing for them. ``values`` are
    made along the way: a column; ``map``, ``all``, ``any`` or ``count``; whether it looks at the inner nodes instead of the edges; and the
    expression over the properties of each.
    """

    left: int
    right: int
    direction: str
    low: int | None
    high: int | None
    shown: tuple[tuple[Column, Column], ...]
    values: tuple[tuple[Column, str, bool, Expr], ...]


@dataclass(frozen=True, slots=True)
class GraphMatch(Unsupported):
    """graph-match, or graph-shortest-paths where ``shortest`` is ``any`` or ``all``.

    ``nodes`` are the nodes of the pattern: for each the properties that are read and the columns standing for them. ``cycles`` is ``all``,
    ``none`` or ``unique_edges``.
    """

    graph: Graph
    nodes: tuple[tuple[tuple[Column, Column], ...], ...]
    hops: tuple[GraphHop, ...]
    predicate: Expr
    cycles: str
    shortest: str


@dataclass(frozen=True, slots=True)
class TopNestedPart:
    """A level of top-nested: ``count`` values of ``of``, all where it is None, by the aggregate ``by``; ``others`` stands for the rest."""

    key: Column
    of: Expr
    value: Column
    by: Expr
    descending: bool
    count: Expr | None
    others: Expr | None


@dataclass(frozen=True, slots=True)
class TopNested(Unsupported):
    """top-nested, from the outer level to the inner."""

    parts: tuple[TopNestedPart, ...]


PARTS = (Expr, Relation, Ordering, ScanStep, GraphHop, TopNestedPart)
"""What a plan is made of, columns and plain values aside."""

_PLAIN = frozenset({"str", "int", "float", "bool", "None", "Type", "Value", "Span", "tuple"})
"""What the types of fields are written with that hold plain values."""

_WITHOUT_PARTS = _PLAIN | {"Column"}


def inner_fields(part: object) -> tuple[str, ...]:
    """The fields of a part in which other parts may be."""
    kind: Any = type(part)
    return _fields_beyond(kind, _WITHOUT_PARTS)


@cache
def _fields_beyond(kind: type, plain: frozenset[str]) -> tuple[str, ...]:
    """The fields of a class of parts whose types are not written with ``plain`` words alone: each walk asks for them at each part."""
    return tuple(f.name for f in fields(kind) if not plain.issuperset(re.findall(r"\w+", str(f.type)))) if issubclass(kind, PARTS) else ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A bound query: its relation and the names under which its columns are seen.

    ``declared`` are the names as the official binder counts them, where these are more: it lets parse add a column that is there already.
    ``elsewhere`` are the tables that are read of other workspaces, clusters and databases, as the query calls them.
    """

    root: Relation
    names: Names
    open: bool
    declared: Names = ()
    elsewhere: tuple[tuple[Span | None, str], ...] = ()

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Names and types of the columns, in their order; the types as KQL spells them."""
        return [(name, str(column.type)) for name, column in self.declared or self.names]


def parts(node: object, left_out: object = None) -> Iterator[object]:
    """A relation or an expression with all parts of it and their columns, each once; ``left_out`` and what is only there is left out."""
    if left_out is None and isinstance(node, Relation):
        return iter(_parts(Same(node)))
    return _within(node, left_out)


def _within(node: object, left_out: object) -> Iterator[object]:
    stack, seen = [node], set[int]()
    while stack:
        current = stack.pop()
        if current is left_out or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, tuple):
            stack.extend(current)
        else:
            kind: Any = type(current)
            stack.extend([getattr(current, name) for name in _fields_beyond(kind, _PLAIN)])


@lru_cache(maxsize=64)
def _parts(same: Same[Relation]) -> tuple[object, ...]:
    """The stages of a rule and its targets ask for those of the same few plans again and again."""
    return tuple(_within(same.node, None))


@lru_cache(maxsize=256)
def _relations(same: Same[Relation]) -> tuple[Relation, ...]:
    return tuple(p for p in parts(same.node) if isinstance(p, Relation))


@lru_cache(maxsize=64)
def _kinds(same: Same[Relation]) -> frozenset[type]:
    return frozenset(map(type, parts(same.node)))


def has(root: Relation, *kinds: type) -> bool:
    """Whether a relation has parts of any of some classes."""
    return not _kinds(Same(root)).isdisjoint(kinds)


@lru_cache(maxsize=64)
def _functions(same: Same[Relation]) -> frozenset[str]:
    return frozenset(p.function for p in parts(same.node) if isinstance(p, Apply))


def functions(root: Relation) -> frozenset[str]:
    """The names of the functions and operators that are applied in a relation."""
    return _functions(Same(root))


def unused_ids(plan: Plan) -> Iterator[int]:
    """Ids for new columns: those behind the last one that a column or a table has in a plan, or that its names alone have."""
    return count(1 + max((p.id for p in chain(parts(plan.root), (c for _, c in plan.names)) if isinstance(p, Column | Source)), default=0))


def relations(root: Relation) -> tuple[Relation, ...]:
    """The relations of ``parts``, in their order."""
    return _relations(Same(root))


def computed(root: Relation) -> dict[int, Expr]:
    """What each column is made of that a relation computes of one row, by id."""
    return {c.id: x for n in relations(root) if isinstance(n, Compute | Project) for c, x in n.items}
