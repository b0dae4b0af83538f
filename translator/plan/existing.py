"""Columns that a table may not have, with a value of the query's own in their place, of which the conditions above want neither."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import (
    FALSE,
    Apply,
    Column,
    ColumnRef,
    Const,
    Expr,
    Subquery,
    columns_of,
    conjuncts,
    const,
    substitute,
    walk,
)
from translator.plan.missing import rejects_missing
from translator.plan.rewriting import rewritten
from translator.plan.simplify import simplify
from translator.plan.types import Type

_Items = tuple[tuple[Column, Expr], ...]


def with_known_columns(plan: o.Plan, is_known: Callable[[str, str], bool]) -> o.Plan:
    """A plan with plain columns for those of column_ifexists() that are known to exist.

    Args:
        is_known: tells the columns of a table, by the names of both.
    """

    if "column_ifexists" not in o.functions(plan.root):
        return plan

    def plain(part: object) -> object:
        match part:
            case Apply(function="column_ifexists", args=(ColumnRef(column=column) as existing, _)) if column.table is not None:
                return existing if is_known(column.table, column.name) else part
        return part

    return replace(plan, root=rewritten(plan.root, plain))


def with_existing_columns(relation: o.Relation) -> o.Relation:
    """A relation with plain columns for those of column_ifexists(), where it is all the same whether they exist.

    It is where conditions above hold neither for the value that stands for a column that does not exist nor for one that is missing:
    of a table without the column, and of events that have nothing in it, the query gives no row.
    """
    return _Rewriting({}).of(relation, ()) if "column_ifexists" in o.functions(relation) else relation


class _Rewriting:
    def __init__(self, done: dict[int, o.Relation]) -> None:
        self.done = done

    def of(self, relation: o.Relation, held: tuple[Expr, ...]) -> o.Relation:
        """``relation``, of whose rows only those are taken for which all of ``held`` holds."""
        if held or id(relation) not in self.done:
            found = self.made(relation, held)
            if held:
                return found
            self.done[id(relation)] = found
        return self.done[id(relation)]

    def made(self, relation: o.Relation, held: tuple[Expr, ...]) -> o.Relation:
        match relation:
            case o.Filter(input=below, predicate=predicate):
                return _with(relation, input=self.of(below, (*held, *conjuncts(predicate))))
            case o.Compute(input=below, items=items):
                news = tuple((c, _plain(c, x, held)) for c, x in items)
                passed = _below(held, news, frozenset(c.id for c, _ in items))
                return _with(relation, input=self.of(below, passed), items=news)
            case o.Project(input=below, items=items):
                news = tuple((c, _plain(c, x, held)) for c, x in items)
                return _with(relation, input=self.of(below, _below(held, news, None)), items=news)
            case o.Sort(input=below) | o.Arrange(input=below):
                return _with(relation, input=self.of(below, held))
            case o.Aggregate(input=below, keys=keys):
                return _with(relation, input=self.of(below, _below(held, keys, None)))
        parts: dict[str, object] = {}
        for name in relation.__dataclass_fields__:
            part = getattr(relation, name)
            if isinstance(part, o.Relation):
                parts[name] = self.of(part, ())
            elif isinstance(part, tuple) and any(isinstance(p, o.Relation) for p in part):
                parts[name] = tuple(self.of(p, ()) if isinstance(p, o.Relation) else p for p in part)
        return _with(relation, **parts)


def _with(relation: o.Relation, **parts: object) -> o.Relation:
    """A relation with other parts, or the same one where they are its own."""
    changed = {n: p for n, p in parts.items() if p is not (old := getattr(relation, n)) and (isinstance(p, o.Relation) or p != old)}
    return replace(relation, **changed) if changed else relation  # type: ignore[arg-type]


def _plain(column: Column, value: Expr, held: tuple[Expr, ...]) -> Expr:
    match value:
        case Apply(function="column_ifexists", args=(ColumnRef() as existing, Const() as otherwise)):
            conditions = [p for p in held if column in columns_of(p) and not any(isinstance(n, Subquery) for n in walk(p))]
            without = any(rejects_missing(simplify(p), lambda c: c == column) for p in conditions)
            missing = const("") if column.type == Type.STRING else None
            without = without or (missing is not None and _fails(conditions, column, missing))
            if without and _fails(conditions, column, otherwise):
                return existing
    return value


def _fails(conditions: list[Expr], column: Column, value: Expr) -> bool:
    """Whether one of the conditions is false where a column has this value."""
    return any(simplify(substitute(p, {column.id: value})) == FALSE for p in conditions)


MOST_PARTS = 100
"""How many parts a value has at most that a condition is said of instead of its column."""


def _below(held: tuple[Expr, ...], items: _Items, made: frozenset[int] | None) -> tuple[Expr, ...]:
    """What of ``held`` is said of the rows below ``items``: of columns that pass, by any name, or of what makes them.

    Args:
        made: the columns that are others above; None where only those of ``items`` pass.
    """
    named = {c.id: x for c, x in items if isinstance(x, ColumnRef) or sum(1 for _ in itertools.islice(walk(x), MOST_PARTS)) < MOST_PARTS}
    found = []
    for part in held:
        read = {c.id for c in columns_of(part)}
        if read <= named.keys() if made is None else read & made <= named.keys():
            found.append(substitute(part, named))
    return tuple(found)
