"""Names of files as ends of paths, for taxonomies that have the path alone.

``FileName == "cmd.exe"`` is that the path ends with ``\\cmd.exe`` or ``/cmd.exe``, or is that name itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from translator import catalog
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Items, const, disjunction, transform
from translator.plan.simplify import pushed
from translator.plan.types import Type
from translator.targets.text import escape

SEPARATORS = ("\\", "/")
_ONLY_NAME = r"[^\\/]*$"


def on_paths(predicate: Expr, table: str) -> Expr:
    """``predicate`` with conditions on names of files as conditions on the paths that end with them, where the catalog says so."""
    known = catalog.tables().get(table)
    if known is None or not known.names_in_paths:
        return predicate
    return pushed(transform(predicate, lambda node: _on_path(node, known.names_in_paths)))


def _on_path(node: Expr, paths: Mapping[str, str]) -> Expr:
    if not (isinstance(node, Apply) and node.args and isinstance(node.args[0], ColumnRef)):
        return node
    name = node.args[0]
    path = paths.get(name.column.name)
    if path is None or name.column.table is None:
        return node
    whole = ColumnRef(name.span, name.type, replace(name.column, name=path))
    if node.function in ("isempty", "isnotempty"):
        return Apply(node.span, node.type, node.function, (whole,))
    operand = node.args[1] if len(node.args) == 2 else None
    items = operand.items if isinstance(operand, Items) else (operand,)
    texts = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, str) and i.value]
    if len(texts) != len(items) or any(s in t for s in SEPARATORS for t in texts):
        return node

    def condition(function: str, *values: str) -> Expr:
        return disjunction(*(Apply(node.span, Type.BOOL, function, (whole, const(v))) for v in values))

    cased = node.function in ("==", "in") or node.function.endswith("_cs")
    regex = "matches regex" if cased else "matches regex~"
    match node.function.removesuffix("_cs"):
        case "==" | "=~" | "in" | "in~":
            ending = condition("endswith_cs" if cased else "endswith", *(s + t for t in texts for s in SEPARATORS))
            return disjunction(ending, condition("==" if cased else "=~", *texts))
        case "endswith":
            return condition(node.function, *texts)
        case "startswith":
            return condition(regex, *(rf"(?:^|[\\/]){escape(t)}{_ONLY_NAME}" for t in texts))
        case "contains":
            return condition(regex, *(escape(t) + _ONLY_NAME for t in texts))
        case "has":
            return condition(regex, *map(_term, texts))
    return node


def _term(text: str) -> str:
    before = "(?:^|[^A-Za-z0-9])" if text[0].isalnum() else ""
    after = r"(?:[^A-Za-z0-9\\/][^\\/]*)?$" if text[-1].isalnum() else _ONLY_NAME
    return before + escape(text) + after
