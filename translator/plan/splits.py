"""Columns that other columns are read from: an array that ``split`` makes, and what is a stored place again.

Source: learn.microsoft.com/kusto/query/split-function (an array of one element at least), .../query/scalar-data-types/dynamic (``[-1]`` is
the last element).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.conditions import is_field
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Path
from translator.plan.rewriting import rewritten
from translator.plan.simplify import simplify
from translator.plan.types import Type


def with_splits_inlined(root: o.Relation) -> o.Relation:
    """A relation in which no column holds an array of the parts of a text, or a place in one: what reads such columns has the text."""
    if "split" not in o.functions(root):
        return root
    made = o.computed(root)
    found: dict[int, Expr | None] = {}

    def definition(column: int) -> Expr | None:
        if column not in found:
            found[column] = None
            if column in made and _is_of_split(of := in_full(made[column])):
                found[column] = of
        return found[column]

    def spelled(node: object) -> object:
        match node:
            case ColumnRef(column=column) if (of := definition(column.id)) is not None:
                return of
            case Apply():
                return _at_its_place(node)
            case Path(base=Apply(function="split", args=(text, mark, place)) as split, steps=(0,)) if _is_natural(place, made):
                return replace(split, type=node.type, function="[]", args=(replace(split, args=(text, mark)), place))
        return node

    def in_full(expr: Expr) -> Expr:
        return rewritten(expr, spelled)

    return rewritten(root, spelled)


def with_places_inlined(root: o.Relation) -> o.Relation:
    """A relation in which what reads a dynamic column that is a stored place, or a place inside of one, reads the stored place.

    A column of a union is one as well, of which places are read.
    """
    made = {c.id: x for n in o.relations(root) if isinstance(n, o.Compute | o.Project) for c, x in n.items if c.type == Type.DYNAMIC}
    if not made:
        return root
    merged = {c.id for n in o.relations(root) if isinstance(n, o.Union) for c, _ in n.columns}
    found: dict[int, Expr | None] = {}

    def definition(column: int) -> Expr | None:
        if column not in found:
            found[column] = None
            if column in made:
                of = simplify(rewritten(made[column], spelled))
                found[column] = of if is_field(of) or (isinstance(of, ColumnRef) and of.column.id in merged) else None
        return found[column]

    def spelled(node: object) -> object:
        match node:
            case ColumnRef(column=column) if (of := definition(column.id)) is not None and of.type == Type.DYNAMIC:
                return of
            case Path(base=ColumnRef(column=column)) if isinstance(of := definition(column.id), ColumnRef):
                return replace(node, base=of)
            case Path(base=ColumnRef(column=column), steps=steps) if isinstance(of := definition(column.id), Path):
                return replace(node, base=of.base, steps=(*of.steps, *steps))
        return node

    return rewritten(root, spelled)


def with_places_of_unions(root: o.Relation, fresh: Iterator[int]) -> o.Relation:
    """A relation in which a place inside of a column of a union is a column of the union, where each part of it reads it of its own.

    Unions of tables alone are left as they are, whose columns are stored ones. ``fresh`` are ids that no column of the plan has.
    """
    unions = [n for n in o.relations(root) if isinstance(n, o.Union) and any(not _is_stored(x) for x in n.inputs)]
    merged = {c.id: c for n in unions for c, _ in n.columns}
    places = dict.fromkeys(n for n in o.parts(root) if isinstance(n, Path) and isinstance(n.base, ColumnRef) and n.base.column.id in merged)
    if not places:
        return root
    named = {place: Column(next(fresh), _name_of(place), place.type) for place in places}

    def spelled(node: object) -> object:
        if isinstance(node, Path) and node in named:
            return ColumnRef(node.span, node.type, named[node])
        return _with_places(node, named, fresh) if isinstance(node, o.Union) else node

    return rewritten(root, spelled)


def _with_places(union: o.Union, named: Mapping[Path, Column], fresh: Iterator[int]) -> o.Union:
    """A union that has columns for places inside of some of its columns."""
    inputs, columns, sources = list(union.inputs), list(union.columns), dict(union.columns)
    for place, column in named.items():
        below = sources.get(place.base.column) if isinstance(place.base, ColumnRef) else None
        if below is None:
            continue
        own: list[Column | None] = []
        for number, source in enumerate(below):
            made = None if source is None else Column(next(fresh), column.name, column.type)
            if source is not None and made is not None:
                read = Path(place.span, place.type, ColumnRef(place.span, source.type, source), place.steps)
                inputs[number] = o.Compute(union.span, inputs[number], ((made, read),))
            own.append(made)
        columns.append((column, tuple(own)))
    return replace(union, inputs=tuple(inputs), columns=tuple(columns))


def _is_stored(node: o.Relation) -> bool:
    """Whether a relation is events of a table, or of several."""
    while isinstance(node, o.Filter | o.Compute | o.Project | o.Arrange):
        node = node.input
    return isinstance(node, o.Source) or (isinstance(node, o.Union) and all(map(_is_stored, node.inputs)))


def _name_of(place: Path) -> str:
    return next((step for step in reversed(place.steps) if isinstance(step, str) and step.isidentifier()), "value")


def _is_of_split(expr: Expr) -> bool:
    """Whether a value is the parts of a text, their number, or that less some."""
    match expr:
        case Apply(function="split", args=(_, Const(), *_)):
            return True
        case Apply(function="array_length", args=(inner,)) | Apply(function="-", args=(inner, Const())):
            return _is_of_split(inner)
    return False


def _is_natural(expr: Expr, made: Mapping[int, Expr]) -> bool:
    """Whether a value that is computed is no less than 0: a place from the beginning."""
    match expr:
        case ColumnRef(column=column):
            return column.id in made and _is_natural(made[column.id], made)
        case Apply(function="countof" | "strlen" | "array_length"):
            return True
    return False


def _at_its_place(expr: Apply) -> Expr:
    """An element of an array at a place that is known, or that is the last one."""
    match expr:
        case Apply(function="[]", args=(array, Const(value=int(place)))):
            return Path(expr.span, expr.type, array, (place,))
        case Apply(function="[]", args=(array, Apply(function="-", args=(Apply(function="array_length", args=(same,)), Const(value=1))))):
            return Path(expr.span, expr.type, array, (-1,)) if array == same else expr
    return expr
