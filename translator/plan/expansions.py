"""What ``mv-expand`` reads: places whose arrays become rows.

Source: learn.microsoft.com/kusto/query/mv-expand-operator.
"""

from __future__ import annotations

from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, ColumnRef, Expr, Path
from translator.plan.rewriting import rewritten
from translator.plan.simplify import is_field, simplify
from translator.plan.types import Type

JSON_TEXT = "dynamic_to_json"
"""The function whose value is the JSON of a dynamic one: learn.microsoft.com/kusto/query/dynamic-to-json-function."""


def with_expansions_spelled(root: o.Relation) -> o.Relation:
    """A relation whose ``mv-expand`` reads stored places, as the JSON that they are.

    A text inside of an element that is read as JSON is kept apart from a place inside of it: what it holds is another value.
    """
    if not any(isinstance(n, o.Expand) for n in o.parts(root)):
        return root
    made = {c.id: x for n in o.parts(root) if isinstance(n, o.Compute | o.Project) for c, x in n.items}
    elements = {c.id for n in o.parts(root) if isinstance(n, o.Expand) for c, _ in n.items}

    def stored(expr: Expr) -> Expr:
        form = simplify(expr)
        match form:
            case ColumnRef(column=column) if column.id in made:
                return stored(made[column.id])
            case Path(base=ColumnRef(column=column)) if column.id in made:
                return simplify(replace(form, base=stored(made[column.id])))
        return form

    def spelled(node: object) -> object:
        match node:
            case o.Expand(items=items):
                return replace(node, items=tuple((c, as_json(stored(x), x)) for c, x in items))
            case Apply(function="parse_json", args=(Apply(function="tostring", args=(inner,)),)) if _root(inner) in elements:
                apart = Apply(node.span, Type.STRING, "strcat", node.args)
                return replace(node, args=(apart,))
        return node

    def as_json(place: Expr, otherwise: Expr) -> Expr:
        if not is_field(place):
            return place if _root(place) in elements else otherwise
        root = place.base if isinstance(place, Path) else place
        if root.type != Type.DYNAMIC:
            return place if root.type == Type.STRING else otherwise
        return Apply(place.span, Type.STRING, JSON_TEXT, (place,))

    return rewritten(root, spelled)


def _root(expr: Expr) -> int | None:
    """The column that a place is in."""
    match expr:
        case Path(base=base):
            return _root(base)
        case Apply(function="parse_json", args=(inner,)):
            return _root(inner)
        case ColumnRef(column=column):
            return column.id
    return None
