"""Rows that are told apart already, so that ``distinct`` leaves all of them, and columns that others determine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Path, columns_of, substitute, transform, walk
from translator.plan.functions.windows import innermost_window
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

Keys = tuple[frozenset[int], ...]
"""What tells the rows of a relation apart: for each value of a key the columns that have it."""


def without_needless_distinct(root: o.Relation, identifying: Iterable[Column]) -> o.Relation:
    """A relation without ``distinct`` by columns that no two rows have alike.

    One by the text of a list stays where that is shown by one of the ``identifying`` columns: it has an order of its own.
    """
    if not o.has(root, o.Distinct):
        return root
    made = o.computed(root)
    told, todo = set[int](), list(identifying)
    while todo:
        column = todo.pop()
        if column.id not in told:
            told.add(column.id)
            todo += columns_of(made[column.id]) if column.id in made else []

    def spelled(node: object) -> object:
        if isinstance(node, o.Distinct) and (keys := _keys(node.input)) is not None:
            chosen = {c.id for c in node.columns}
            others = [made.get(c) for c in (chosen & told) - frozenset[int]().union(*keys)]
            if all(key & chosen for key in keys) and not any(isinstance(x, Apply) and _is_text_of_list(x) for x in others):
                return node.input
        return node

    return rewritten(root, spelled)


def _is_text_of_list(expr: Apply) -> bool:
    return expr.function == "tostring" and expr.args[0].type == Type.DYNAMIC


def _keys(node: o.Relation) -> Keys | None:
    match node:
        case o.Aggregate(keys=keys):
            return tuple(frozenset({c.id}) for c, _ in keys)
        case o.Distinct(columns=columns):
            return tuple(frozenset({c.id}) for c in columns)
        case o.Filter(input=below) | o.Sort(input=below) | o.Limit(input=below) | o.Arrange(input=below):
            return _keys(below)
        case o.Compute(input=below, items=items) if (told := _keys(below)) is not None:
            return tuple(key | _copies(key, items) for key in told)
        case o.Project(input=below, items=items) if (told := _keys(below)) is not None:
            return tuple(_copies(key, items) for key in told)
        case o.Expand(input=below, items=((element, ColumnRef(column=collected)),), index=None, limit=None, pairs=False):
            told = _keys(below)
            return (*told, frozenset({element.id})) if told is not None and _is_set(below, collected) else None
    return None


def _copies(key: frozenset[int], items: Iterable[tuple[Column, Expr]]) -> frozenset[int]:
    """The columns that are made of nothing but one of these."""
    found = set[int]()
    for column, expr in items:
        match expr:
            case ColumnRef(column=of) | Apply(function="tostring", args=(ColumnRef(column=of),)) if of.id in key | found:
                found.add(column.id)
    return frozenset(found)


def _is_set(node: o.Relation, column: Column) -> bool:
    """Whether a column is a set of texts that a summary has collected: its elements are told apart by their texts."""
    match node:
        case o.Aggregate(aggregates=aggregates):
            found = dict(aggregates).get(column)
            return isinstance(found, Apply) and found.function == "make_set" and found.args[0].type == Type.STRING
        case o.Filter(input=below) | o.Sort(input=below) | o.Arrange(input=below):
            return _is_set(below, column)
        case o.Compute(input=below, items=items):
            return column not in dict(items) and _is_set(below, column)
    return False


def without_needless_keys(root: o.Relation) -> o.Relation:
    """A relation whose joins are by no text that both sides compute alike of other keys, so that it is equal where these are."""
    if not o.has(root, o.Join):
        return root

    def spelled(node: object) -> object:
        if not isinstance(node, o.Join) or len(node.on) < 2:
            return node
        sides = [(_made(side), [pair[n] for pair in node.on]) for n, side in enumerate((node.left, node.right))]
        left, right = ([substitute(key, made) for key in keys] for made, keys in sides)
        kept = list(range(len(node.on)))
        for n in range(len(node.on)):
            others = [m for m in kept if m != n]
            a, b = (_of_keys(keys[n], {keys[m]: m for m in others}) for keys in (left, right))
            if a == b and a.type == Type.STRING and {*map(_mark, others)} >= columns_of(a) and columns_of(a) and not _is_of_chance(a):
                kept = others
        return node if len(kept) == len(node.on) else replace(node, on=tuple(node.on[n] for n in kept))

    return rewritten(root, spelled)


def _made(node: o.Relation) -> dict[int, Expr]:
    """What the columns are made of that a relation computes behind its last change of rows."""
    if isinstance(node, o.Filter | o.Sort | o.Arrange | o.Limit):
        return _made(node.input)
    if not isinstance(node, o.Compute | o.Project):
        return {}
    made = _made(node.input)
    return made | {c.id: substitute(x, made) for c, x in node.items}


def _of_keys(key: Expr, others: Mapping[Expr, int]) -> Expr:
    """A key with marks in the places of other keys."""
    return transform(key, lambda node: ColumnRef(None, node.type, _mark(others[node])) if node in others else node)


def _mark(number: int) -> Column:
    return Column(-number - 1, "", Type.UNKNOWN)


def determines(node: o.Relation, keys: frozenset[int], column: Column) -> bool:
    """Whether rows of a relation that have the same values in some columns have the same in another one."""
    return _determines(node, keys, column, {})


_Found = dict[tuple[int, frozenset[int], int], bool]


def _determines(node: o.Relation, keys: frozenset[int], column: Column, known: _Found) -> bool:
    """The same, of which some is ``known``: columns may be computed of each other in many ways."""
    asked = id(node), keys, column.id
    if asked not in known:
        known[asked] = column.id in keys or _is_determined(node, keys, column, known)
    return known[asked]


def _is_determined(node: o.Relation, keys: frozenset[int], column: Column, known: _Found) -> bool:
    match node:
        case o.Aggregate(input=below, keys=groups, aggregates=aggregates):
            if groups and all(c.id in keys for c, _ in groups):
                return True
            own = frozenset(x.column.id for c, x in groups if c.id in keys and isinstance(x, ColumnRef))
            match dict((*groups, *aggregates)).get(column):
                case Apply(function="take_any" | "any" | "min" | "max", args=(ColumnRef(column=of),)) | ColumnRef(column=of):
                    return _determines(below, own, of, known)
        case o.Filter(input=below) | o.Sort(input=below) | o.Limit(input=below) | o.Arrange(input=below) | o.Distinct(input=below):
            return _determines(below, keys, column, known)
        case o.Compute(input=below, items=items) | o.Project(input=below, items=items):
            made = next((x for c, x in items if c.id == column.id), ColumnRef(None, column.type, column))
            own = keys | {x.column.id for c, x in items if c.id in keys and isinstance(x, ColumnRef)}
            return not _is_of_chance(made) and all(_determines(below, own, c, known) for c in columns_of(made))
        case o.Number(input=below, column=number):
            return number.id in keys or _determines(below, keys, column, known)
        case o.Expand(input=below, items=items) if column not in [c for c, _ in items]:
            return _determines(below, keys, column, known)
        case o.Join(left=left, kind="leftsemi" | "leftanti" | "anti" | "leftantisemi"):
            return _determines(left, keys, column, known)
        case o.Join(left=left, right=right, on=on, kind="inner" | "innerunique" | "leftouter"):
            pairs = [(a.column, b.column) for a, b in on if isinstance(a, ColumnRef) and isinstance(b, ColumnRef)]
            if has_column(left, column):
                return _determines(left, keys | {a.id for a, b in pairs if b.id in keys and node.kind != "leftouter"}, column, known)
            return has_column(right, column) and _determines(right, keys | {b.id for a, b in pairs if a.id in keys}, column, known)
    return False


def _is_of_chance(expr: Expr) -> bool:
    """Whether a value may be another one for each row, whatever it is made of."""
    by_row = innermost_window(expr) is not None
    return by_row or any(not isinstance(n, _PLAIN) or (isinstance(n, Apply) and n.function in _BY_CHANCE) for n in walk(expr))


_PLAIN = (Apply, ColumnRef, Const, Items, Path)
_BY_CHANCE = frozenset({"rand", "new_guid"})


def has_column(node: o.Relation, column: Column) -> bool:
    """Whether a relation makes a column, or reads it of a table."""
    return any(part == column or (isinstance(part, o.Source) and part.id == column.source) for part in o.parts(node))
