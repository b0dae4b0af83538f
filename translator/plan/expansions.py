"""What ``mv-expand`` reads: places whose arrays become rows.

Source: learn.microsoft.com/kusto/query/mv-expand-operator.
"""

from __future__ import annotations

import json
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.conditions import is_field
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path, const, negation
from translator.plan.rewriting import rewritten
from translator.plan.simplify import simplify
from translator.plan.types import Type

JSON_TEXT = "dynamic_to_json"
"""The function whose value is the JSON of a dynamic one: learn.microsoft.com/kusto/query/dynamic-to-json-function."""


EMPTY = r"^[ \t\r\n]*(\[[ \t\r\n]*\]|\{[ \t\r\n]*\})[ \t\r\n]*$"
"""The text of an array without elements, or of an object without properties."""

EMPTY_ARRAY = r"^[ \t\r\n]*\[[ \t\r\n]*\][ \t\r\n]*$"
"""The JSON of an array without elements, with the spaces that RFC 8259 allows."""


def with_expansions_spelled(root: o.Relation) -> o.Relation:
    """A relation whose ``mv-expand`` reads stored places, as the JSON that they are.

    A text inside of an element that is read as JSON is kept apart from a place inside of it: what it holds is another value.
    """
    if not o.has(root, o.Expand):
        return root
    made = o.computed(root)
    elements = {c.id for n in o.relations(root) if isinstance(n, o.Expand) for c, _ in n.items}

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
            case o.Expand(input=below, items=items):
                return replace(node, items=tuple((c, _range_of(below, x) or as_json(stored(x), x)) for c, x in items))
            case Apply(function="==" | "!=", args=(place, Const(value="[]"))) if (
                isinstance(text := as_json(stored(place), place), Apply) and text.function == JSON_TEXT
            ):
                found = Apply(node.span, Type.BOOL, "matches regex", (text, const(EMPTY_ARRAY)))
                return found if node.function == "==" else negation(found)
            case Apply(function="parse_json", args=(Apply(function="tostring", args=(inner,)),)) if _root(inner) in elements:
                apart = Apply(node.span, Type.STRING, "strcat", node.args)
                return replace(node, args=(apart,))
        return node

    def as_json(place: Expr, otherwise: Expr) -> Expr:
        match place:
            case Apply(function="iff" | "iif", args=(condition, one, other)):
                branches = [as_json(stored(x), x) for x in (one, other)]
                if any(isinstance(b, Apply) and b.function == JSON_TEXT for b in branches):
                    texts = [_listed(b) for b in branches]
                    if None not in texts:
                        return Apply(place.span, Type.STRING, "iff", (rewritten(condition, spelled), *(t for t in texts if t is not None)))
                return otherwise
        if not is_field(place):
            return place if _root(place) in elements else otherwise
        root = place.base if isinstance(place, Path) else place
        if root.type != Type.DYNAMIC:
            return place if root.type == Type.STRING else otherwise
        return Apply(place.span, Type.STRING, JSON_TEXT, (place,))

    return rewritten(root, spelled)


def _range_of(below: o.Relation, expr: Expr) -> Expr | None:
    """The numbers or times from one to another that a value is, or that a column is which the rows have got on their way here."""
    match expr:
        case Apply(function="range"):
            return expr
        case ColumnRef(column=column):
            while isinstance(below, o.Compute | o.Project | o.Filter | o.Sort | o.Arrange):
                made = dict(below.items).get(column) if isinstance(below, o.Compute | o.Project) else None
                if made is not None:
                    return _range_of(below.input, made)
                below = below.input
    return None


def _listed(expr: Expr) -> Expr | None:
    """The JSON of an array: of a stored place, or of a text alone, which is a row like the only element of one."""
    match expr:
        case Apply(function="dynamic_to_json"):
            return expr
        case Const(value=str(text)) | Apply(function="parse_json", args=(Const(value=str(text)),)) if text[:1] not in ("[", "{", '"', ""):
            return const(json.dumps([text]))
    return None


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
