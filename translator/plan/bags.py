"""Searches in the text of a bag, as searches in the texts that it holds.

Source: learn.microsoft.com/kusto/query/pack-function, .../query/scalar-data-types/dynamic: the text of a bag is its JSON.
"""

from __future__ import annotations

import re

from translator.plan import operators as o
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, disjunction, negation
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

_PLAIN = re.compile(r'[^"\\:,{}\[\]\x00-\x1f]+')
"""What stands in JSON as it does in a text, and reaches over no mark between two (RFC 8259, sections 2 and 7)."""

_LETTERS = {
    Type.DATETIME: re.compile(r"[-0-9TZtz.]+"), Type.INT: re.compile("[-0-9]+"), Type.LONG: re.compile("[-0-9]+"),
    Type.BOOL: re.compile("[a-z]+", re.IGNORECASE),
}  # fmt: skip
"""What the JSON of values of other types is made of."""


def with_bags_searched(root: o.Relation) -> o.Relation:
    """A relation that searches no text of a bag for what may only stand in one of its texts."""
    made = {c.id: x for n in o.relations(root) if isinstance(n, o.Compute | o.Project) for c, x in n.items}

    def bag(expr: Expr) -> tuple[Expr, ...] | None:
        match expr:
            case ColumnRef(column=column) if column.id in made:
                return bag(made[column.id])
            case Apply(function="tostring", args=(Apply(function="bag_pack", args=pairs),)):
                return pairs
        return None

    def spelled(node: object) -> object:
        match node:
            case Apply(function="contains" | "contains_cs" | "!contains" | "!contains_cs", args=(text, Const(value=str(word)))):
                pairs = bag(text)
                if pairs and (values := _texts(pairs, word)) is not None:
                    asked = [Apply(node.span, Type.BOOL, node.function.lstrip("!"), (v, node.args[1])) for v in values]
                    found = disjunction(*asked)
                    return negation(found) if node.function.startswith("!") else found
        return node

    return rewritten(root, spelled)


def _texts(pairs: tuple[Expr, ...], word: str) -> list[Expr] | None:
    """The texts of a bag that may hold a word; None where it may stand elsewhere in its JSON."""
    found = list[Expr]()
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(key, Const) or word.lower() in str(key.value).lower() or not _PLAIN.fullmatch(word):
            return None
        if value.type == Type.STRING:
            found.append(value)
        elif value.type not in _LETTERS or _LETTERS[value.type].fullmatch(word) or word.lower() in "null":
            return None
    return found or None
