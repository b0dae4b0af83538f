"""Places in JSON that hold texts of JSON themselves: ``parse_json(tostring(x.a))`` is the text ``v`` where ``x.a`` is ``v`` or ``"v"``.

Products keep the text as it came, so that conditions on what is parsed of it have to know both. Source: learn.microsoft.com/kusto/query/
parse-json-function (what is no JSON is a text); learn.microsoft.com/graph/api/resources/modifiedproperty (values "in JSON format").
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Items, Path, const, negation
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

_MARKS = {
    **dict.fromkeys(("contains", "contains_cs", "has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs"), ("", "")),
    **dict.fromkeys(("startswith", "startswith_cs"), ('"', "")),
    **dict.fromkeys(("endswith", "endswith_cs"), ("", '"')),
}
"""What stands before and behind a text in its JSON, where an operator asks for a part of it."""

_EMPTY = ('""', "null")
"""JSON of which the text is empty."""


def with_parsed_texts(plan: o.Plan) -> o.Plan:
    """A plan whose conditions on such texts know them as texts of JSON as well."""
    if "parse_json" not in o.functions(plan.root):
        return plan
    relations = o.relations(plan.root)
    made = {c.id: x for n in relations if isinstance(n, o.Compute | o.Project) for c, x in n.items}

    def known(part: object) -> object:
        match part:
            case Apply(args=(subject, *_)) if _is_parsed(subject, made):
                return _of_both(part)
        return part

    return replace(plan, root=rewritten(plan.root, known))


def _is_parsed(expr: Expr, made: dict[int, Expr]) -> bool:
    """Whether a value is what a text inside JSON is as JSON."""
    found = _followed(expr, made)
    while isinstance(found, Apply) and found.function in ("tostring", "tolower", "toupper"):
        found = _followed(found.args[0], made)
    if not (isinstance(found, Apply) and found.function == "parse_json"):
        return False
    text = _followed(found.args[0], made)
    if isinstance(text, Apply) and text.function == "tostring":
        text = _followed(text.args[0], made)
    return isinstance(text, Path)


def _followed(expr: Expr, made: dict[int, Expr]) -> Expr:
    """What a column is made of."""
    while isinstance(expr, ColumnRef) and expr.column.id in made:
        expr = made[expr.column.id]
    return expr


def _of_both(atom: Apply) -> Expr:
    """A condition on a text, of it as it is or as JSON."""
    name, (subject, *rest) = atom.function, atom.args
    match name, rest:
        case "isempty" | "isnotempty", []:
            empty = Apply(atom.span, Type.BOOL, "or", (replace(atom, function="isempty"), _among(atom, "in", _EMPTY)))
            return empty if name == "isempty" else negation(empty)
        case "==" | "=~" | "in" | "in~", [operand]:
            items = operand.items if isinstance(operand, Items) else (operand,)
            values = [x.value for x in items if isinstance(x, Const) and isinstance(x.value, str) and x.value]
            if len(values) == len(items):
                return _among(atom, "in~" if "~" in name else "in", tuple(dict.fromkeys((*values, *map(_as_json, values)))))
        case _, [Const(value=str(text), span=span)] if text and name in _MARKS:
            before, after = _MARKS[name]
            other = f"{before}{_as_json(text)[1:-1]}{after}"
            if other != text:
                ways = (replace(atom, args=(subject, const(t, Type.STRING, span))) for t in (text, other))
                return Apply(atom.span, Type.BOOL, "or", tuple(ways))
    return atom


def _among(atom: Apply, function: str, texts: Iterable[str]) -> Apply:
    values = tuple(const(t, Type.STRING, atom.span) for t in texts)
    return replace(atom, function=function, args=(atom.args[0], Items(atom.span, Type.DYNAMIC, values)))


def _as_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
