"""Texts that base64 stands for, of which a query leaves out the NULs: what Windows writes in UTF-16 has one beside each letter of ASCII."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, const
from translator.plan.rewriting import rewritten
from translator.regex.parser import RegexError, parsed

DECODED = "base64_decode_tostring"
"""The function. A second argument says what stands for each NUL: nothing where it is empty, and a NUL where the query looks for one."""

_NUL = re.compile(r"\x00|\\(0|x00|u0000|x\{0+\})")


def with_nuls_left_out(root: o.Relation) -> o.Relation:
    """A relation whose texts of base64 are decoded without their NULs where it replaces these by nothing."""
    if DECODED not in o.functions(root):
        return root
    made = o.computed(root)

    def spelled(node: object) -> object:
        match node:
            case (
                Apply(function="replace_string" | "replace_regex" as function, args=(text, Const(value=str(what)), Const(value="")))
                | Apply(function="replace" as function, args=(Const(value=str(what)), Const(value=""), text))
            ) if what == "\0" if function == "replace_string" else _is_nul(what):
                decoded = _decoded(text, made)
                return node if decoded is None else replace(decoded, args=(decoded.args[0], const("")))
        return node

    def kept(node: object) -> object:
        alone = isinstance(node, Apply) and node.function == DECODED and len(node.args) == 1
        return replace(node, args=(*node.args, const("\0"))) if alone else node  # type: ignore[type-var, attr-defined]

    found = rewritten(root, spelled)
    looks_for_nuls = any(isinstance(x, Const) and isinstance(x.value, str) and _NUL.search(x.value) for x in o.parts(found))
    return rewritten(found, kept) if looks_for_nuls else found


def _is_nul(regex: str) -> bool:
    """Whether a regular expression is that of a NUL alone."""
    try:
        return parsed(regex) == parsed("\0")
    except RegexError:
        return False


def _decoded(expr: Expr, made: Mapping[int, Expr]) -> Apply | None:
    """The call whose text a value is; None where it is no such text."""
    match expr:
        case Apply(function="base64_decode_tostring"):
            return expr
        case ColumnRef(column=column) if column.id in made:
            return _decoded(made[column.id], made)
    return None
