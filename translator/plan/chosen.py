"""Columns that a query takes of one row among several, where an output that shows all of these has all of their values."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cached_property

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Expr, Path, columns_of, walk
from translator.plan.uniqueness import determines, has_column


class Choice(Enum):
    """Which row it is: any one, or a certain one, such as the latest."""

    ANY = "any"
    CERTAIN = "certain"


OF_VALUES = ("max", "min", "maxif", "minif")
"""Those of ``CHOOSING`` of which the first argument is the value; of the others it is the last one."""

CHOOSING = {
    **dict.fromkeys(("arg_max", "arg_min", *OF_VALUES), Choice.CERTAIN),
    **dict.fromkeys(("take_any", "any", "take_anyif", "anyif"), Choice.ANY),
}
"""Aggregates that are the value of one row of a group."""


def chosen(root: o.Relation, column: Column) -> Choice | None:
    """Whether a relation has of one row a column that others, which it leaves out, may have other values of; None where of all.

    A join of kind innerunique keeps any one row of each key of its left side (learn.microsoft.com/kusto/query/join-innerunique).
    """
    return _Choices(root).of_column(root, column)


_PARTS = frozenset({"[]", "array_slice", "substring"})
"""Functions that are a part of their first argument. Source: learn.microsoft.com/kusto/query/array-slice-function, substring-function."""

_GATHERING = frozenset({"make_set", "make_list", "make_bag", "make_set_if", "make_list_if", "make_bag_if"})


class _Choices:
    """The choices of columns, each found once for each relation that has it."""

    def __init__(self, root: o.Relation) -> None:
        self.root = root
        self.found: dict[tuple[int, int], Choice | None] = {}

    def of_column(self, node: o.Relation, column: Column) -> Choice | None:
        key = id(node), column.id
        if key not in self.found:
            self.found[key] = self._of_column(node, column)
        return self.found[key]

    def _of_column(self, node: o.Relation, column: Column) -> Choice | None:
        match node:
            case o.Aggregate(input=below, keys=keys, aggregates=aggregates):
                made = dict((*keys, *aggregates)).get(column)
                if made is None:
                    return None
                own = frozenset(x.column.id for _, x in keys if isinstance(x, ColumnRef))
                if isinstance(made, Apply) and column not in dict(keys) and (choice := CHOOSING.get(made.function)) is not None:
                    value = made.args[0] if made.function in OF_VALUES else made.args[-1]
                    if not all(determines(below, own, c) for c in columns_of(value)):
                        return choice
                    return self.of_value(below, value)
                return self.of_value(below, made)
            case o.Compute(input=below, items=items) | o.Project(input=below, items=items) | o.Expand(input=below, items=items):
                made = next((x for c, x in items if c.id == column.id), None)
                return self.of_value(below, made) if made is not None else self.of_column(below, column)
            case o.Parse(input=below, value=value, pattern=pattern) if column in pattern:
                return self.of_value(below, value)
            case o.Join(left=left, right=right, kind=kind, on=on):
                if not has_column(left, column):
                    return self.of_column(right, column)
                own = frozenset(a.column.id for a, _ in on if isinstance(a, ColumnRef))
                return Choice.ANY if kind == "innerunique" and not determines(left, own, column) else self.of_column(left, column)
            case o.Union(inputs=inputs, columns=columns):
                origins = next((found for c, found in columns if c.id == column.id), (column,) * len(inputs))
                parts = zip(inputs, origins, strict=True)
                return _worst(self.of_column(part, c) for part, c in parts if c is not None and has_column(part, c))
        inner = getattr(node, "input", None)
        return self.of_column(inner, column) if isinstance(inner, o.Relation) else None

    def of_value(self, node: o.Relation, value: Expr) -> Choice | None:
        """What is computed of the columns of a relation."""
        if self.gathers and any(self.takes_part(n) for n in walk(value)):
            return Choice.ANY
        return _worst(self.of_column(node, c) for c in columns_of(value))

    @cached_property
    def gathers(self) -> bool:
        return not _GATHERING.isdisjoint(o.functions(self.root))

    @cached_property
    def made(self) -> dict[int, tuple[o.Relation, Expr]]:
        """What columns are made of, and where; elements of an array stand in rows of their own, and are all there."""
        found: dict[int, tuple[o.Relation, Expr]] = {}
        for n in o.relations(self.root):
            match n:
                case o.Compute(items=items) | o.Project(items=items) | o.Aggregate(aggregates=items):
                    found |= {c.id: (n, x) for c, x in items}
        return found

    def takes_part(self, value: Expr) -> bool:
        """Whether a value is a part of what is gathered of the rows of a group, in any order, or of a text of all of it."""
        match value:
            case Path(base=whole) | Apply(function="extract", args=(_, _, whole, *_)):
                return self.is_gathered(whole)
            case Apply(function=function, args=(whole, *_)) if function in _PARTS:
                return self.is_gathered(whole)
        return False

    def is_gathered(self, value: Expr) -> bool:
        """Whether a value is made of what the rows of a group have, which may differ among these."""
        todo, known = [column.id for column in columns_of(value)], set[int]()
        while todo:
            if (number := todo.pop()) in known or number not in self.made:
                continue
            known.add(number)
            relation, of = self.made[number]
            if isinstance(relation, o.Aggregate):
                own = frozenset(x.column.id for _, x in relation.keys if isinstance(x, ColumnRef))
                gathered = [n for n in walk(of) if isinstance(n, Apply) and n.function in _GATHERING]
                if any(not determines(relation.input, own, c) for n in gathered for c in columns_of(n)):
                    return True
            todo += [column.id for column in columns_of(of)]
        return False


def _worst(found: Iterable[Choice | None]) -> Choice | None:
    choices = {*found}
    return next((choice for choice in (Choice.CERTAIN, Choice.ANY) if choice in choices), None)
