"""Parts of a union that summarize the events of several tables in one way, as one summary of the tables' union.

``union (f("SigninLogs")), (f("AADNonInteractiveUserSignInLogs"))`` with a summary in ``f`` gives the groups of each table. So does one
summary of what ``f`` makes of the events of both, where a key says which table a group is of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

from translator.plan import operators as o
from translator.plan.expressions import Column, ColumnRef, Const, Expr, Subquery, const, substitute
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

_Step = o.Filter | o.Compute | o.Project | o.Aggregate | o.Distinct | o.Expand | o.Arrange
"""Operators that give of the rows of all parts what they give of those of each, where its groups are kept apart."""


def with_alike_parts_united(root: o.Relation, fresh: Iterator[int]) -> o.Relation:
    """A relation in which such parts of unions are summarized together.

    Args:
        fresh: ids for new columns.
    """
    if not o.has(root, o.Union):
        return root

    def united(node: object) -> object:
        return node if not isinstance(node, o.Union) or (found := _united(node, fresh)) is None else found

    return rewritten(root, united)


def same_columns(one: o.Relation, other: o.Relation) -> dict[int, Column] | None:
    """The columns of a relation, by the ids of those of ``other`` that are the same; None where the two are not alike."""
    ways = [_way(one), _way(other)]
    (source, *steps), (theirs, *others) = ways
    if not isinstance(source, o.Source) or not isinstance(theirs, o.Source) or source.table != theirs.table or len(steps) != len(others):
        return None
    known = _Pairs()
    same = all(isinstance(a, _Step) and known.step(a, b) for a, b in zip(steps, others, strict=True))
    stored = all(a.name == b.name and (a.source, b.source) == (source.id, theirs.id) for a, b in known.read)
    return known.of if same and stored else None


def _way(relation: o.Relation) -> list[o.Relation]:
    way = [relation]
    while (below := getattr(way[-1], "input", None)) is not None:
        way.append(below)
    return way[::-1]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a union: its first summary, what this reads of the events of one table, and the steps behind it."""

    table: str
    base: o.Relation
    summary: o.Aggregate
    steps: tuple[_Step, ...]


def _part_of(relation: o.Relation) -> _Part | None:
    """None where a part has no summary, or one that gives a row for no events."""
    way = list[o.Relation]()
    while isinstance(relation, _Step | o.Parse | o.ParsePairs):
        way.append(relation)
        relation = relation.input
    summaries = [n for n, step in enumerate(way) if isinstance(step, o.Aggregate)]
    if not isinstance(relation, o.Source) or not summaries or any(isinstance(s, o.Aggregate) and not s.keys for s in way):
        return None
    first, behind = way[summaries[-1]], [s for s in way[: summaries[-1]] if isinstance(s, _Step)]
    assert isinstance(first, o.Aggregate)
    return _Part(relation.table, first.input, first, tuple(reversed(behind))) if len(behind) == summaries[-1] else None


@dataclass(slots=True)
class _Pairs:
    """The columns of another part by those of the first one that stand in the same places.

    Attributes:
        of: the first part's column by the other's.
        read: the columns that the first summaries read, the first part's with the other's.
    """

    of: dict[int, Column] = field(default_factory=dict)
    read: list[tuple[Column, Column]] = field(default_factory=list)

    def step(self, one: o.Relation, other: o.Relation) -> bool:
        """Whether two steps are the same, each over the columns of its part."""
        if type(one) is not type(other):
            return False
        mine, theirs = _made(one), _made(other)
        if [c.type for c in mine] != [c.type for c in theirs]:
            return False
        ids = {c.id for c in mine}, {c.id for c in theirs}
        same = all(self.same(getattr(one, f.name), getattr(other, f.name), ids) for f in fields(one) if f.name not in ("span", "input"))
        self.of |= {b.id: a for a, b in zip(mine, theirs, strict=True)}
        return same

    def same(self, one: object, other: object, made: tuple[set[int], set[int]]) -> bool:
        """Whether two pieces of steps are; ``made`` are the columns that these make."""
        match one, other:
            case tuple(), tuple():
                return len(one) == len(other) and all(self.same(a, b, made) for a, b in zip(one, other, strict=True))
            case Column(), Column():
                return (one.id in made[0] and other.id in made[1]) or self.reads(one, other)
            case ColumnRef(), ColumnRef():
                return self.reads(one.column, other.column)
            case Subquery(), _:
                return False
            case Expr(), Expr() if type(one) is type(other):
                return all(self.same(getattr(one, f.name), getattr(other, f.name), made) for f in fields(one) if f.compare)
        return type(one) is type(other) and one == other

    def reads(self, one: Column, other: Column) -> bool:
        if other.id not in self.of:
            if one in self.of.values():
                return False
            self.of[other.id] = one
            self.read.append((one, other))
        return self.of[other.id] == one and one.type == other.type


def _made(step: o.Relation) -> list[Column]:
    match step:
        case o.Aggregate(keys=keys, aggregates=aggregates):
            return [c for c, _ in (*keys, *aggregates)]
        case o.Compute(items=items) | o.Project(items=items):
            return [c for c, _ in items]
        case o.Expand(items=items, index=index):
            return [*(c for c, _ in items), *([index] if index is not None else [])]
    return []


def _united(union: o.Union, fresh: Iterator[int]) -> o.Relation | None:
    """One summary in the place of a union; None where its parts are not alike."""
    parts = [p for p in map(_part_of, union.inputs) if p is not None]
    if len(parts) < max(2, len(union.inputs)) or len({p.table for p in parts}) < len(parts):
        return None  # an event that is of two parts would have to be two rows
    first, *others = parts
    pairs = [_Pairs() for _ in others]
    for known, other in zip(pairs, others, strict=True):
        if len(other.steps) != len(first.steps) or not all(
            known.step(a, b) for a, b in zip((first.summary, *first.steps), (other.summary, *other.steps), strict=True)
        ):
            return None
    rows = list[tuple[Column, tuple[Column, ...]]]()
    for column, _ in pairs[0].read:
        of_all = (column, *(theirs for known in pairs for mine, theirs in known.read if mine == column))
        rows.append((Column(next(fresh), column.name, column.type), of_all))
    shown = list[tuple[Column, Expr]]()
    for column, sources in union.columns:
        mine, *theirs = sources
        if mine is None or any(c is None or known.of.get(c.id) != mine for known, c in zip(pairs, theirs, strict=True)):
            return None
        shown.append((column, ColumnRef(None, mine.type, mine)))
    kept_apart = _is_told(first, {columns[0].id for _, columns in rows if _tell_apart(parts, columns)})
    bases, mark = [p.base for p in parts], Column(next(fresh), "Type", Type.STRING)
    if not kept_apart:
        marks = tuple(Column(next(fresh), mark.name, mark.type) for _ in parts)
        bases = [o.Compute(p.base.span, p.base, ((c, const(p.table)),)) for p, c in zip(parts, marks, strict=True)]
        rows.append((mark, marks))
    found: o.Relation = o.Union(union.span, tuple(bases), tuple(rows), union.fuzzy)
    env: dict[int, Expr] = {columns[0].id: ColumnRef(None, merged.type, merged) for merged, columns in rows}

    def over(items: tuple[tuple[Column, Expr], ...]) -> tuple[tuple[Column, Expr], ...]:
        return tuple((c, substitute(x, env)) for c, x in items)

    summary = replace(first.summary, keys=over(first.summary.keys), aggregates=over(first.summary.aggregates))
    for step in (summary, *first.steps):
        found = replace(step, input=found)
        if not kept_apart:
            found, mark = _marked(found, mark, fresh)
    return o.Project(union.span, found, tuple(shown))


def _tell_apart(parts: Sequence[_Part], columns: Sequence[Column]) -> bool:
    """Whether columns, one of each part, have another text in the rows of each."""
    texts = [_text(p.base, c) for p, c in zip(parts, columns, strict=True)]
    return None not in texts and len(set(texts)) == len(texts)


def _text(relation: o.Relation, column: Column) -> str | None:
    """The text that a column has in all rows of a relation; None where it is not known.

    ``Type`` is the name of a documented table; functions, as those of ASIM, which begin with an underscore, have rows of several tables.
    Source: https://learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns#type
    """
    if column.name == "Type" and column.table is not None and column.type == Type.STRING and not column.table.startswith("_"):
        return column.table
    if isinstance(relation, o.Compute | o.Project):
        for made, expr in relation.items:
            match expr:
                case Const(value=str(text)) if made == column:
                    return text
                case ColumnRef(column=source) if made == column:
                    return _text(relation.input, source)
    return _text(relation.input, column) if isinstance(relation, _Step | o.Parse | o.ParsePairs) else None


def _is_told(part: _Part, columns: Iterable[int]) -> bool:
    """Whether each summary has one of the columns among its keys."""
    told = set(columns)
    for step in (part.summary, *part.steps):
        match step:
            case o.Aggregate(keys=items) | o.Project(items=items):
                told = _copies(items, told)
            case o.Compute(items=items):
                told |= _copies(items, told)
            case o.Distinct(columns=kept):
                told &= {c.id for c in kept}
        if not told and isinstance(step, o.Aggregate | o.Distinct):
            return False
    return True


def _copies(items: Iterable[tuple[Column, Expr]], of: set[int]) -> set[int]:
    return {c.id for c, x in items if isinstance(x, ColumnRef) and x.column.id in of}


def _marked(step: o.Relation, mark: Column, fresh: Iterator[int]) -> tuple[o.Relation, Column]:
    """A step that keeps a mark of the part, and the column that has it then."""
    own = Column(next(fresh), mark.name, mark.type), ColumnRef(None, mark.type, mark)
    match step:
        case o.Aggregate(keys=keys):
            return replace(step, keys=(*keys, own)), own[0]
        case o.Project(items=items):
            return replace(step, items=(*items, own)), own[0]
        case o.Distinct(columns=columns):
            return replace(step, columns=(*columns, mark)), mark
    return step, mark
