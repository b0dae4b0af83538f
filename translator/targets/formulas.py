"""Expressions that the catalog writes in KQL: formulas of columns, and what selects the events of a home."""

from __future__ import annotations

import functools
import re
from dataclasses import replace

from translator import catalog
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.conditions import pushed
from translator.plan.expressions import ColumnRef, Expr, transform
from translator.plan.simplify import simplify
from translator.plan.types import Type

_OWN_FIELD = re.compile(r"(?<=\[')=[^']+(?='\])")


@functools.cache
def parsed(table: str, text: str) -> Expr:
    """A KQL expression over the columns of a table, told by their names, and over fields of the product, as ``['=_raw']``."""
    own = dict.fromkeys(_OWN_FIELD.findall(text), "string")
    schemas = catalog.schemas()
    if own and table in schemas:
        schemas = {**schemas, table: {**schemas[table], **own}}
    plan = bind(parse(f"['{table}'] | extend ['own value'] = {text}"), schemas)
    assert isinstance(plan.root, o.Compute)
    return plan.root.items[0][1]


@functools.cache
def selected(text: str) -> Expr:
    """A condition over fields of a product, which are texts."""
    plan = bind(parse(f"['events of a product'] | where {text}"), {})
    assert isinstance(plan.root, o.Filter)

    def stored(node: Expr) -> Expr:
        return ColumnRef(node.span, Type.STRING, replace(node.column, stored="keyword")) if isinstance(node, ColumnRef) else node

    return pushed(simplify(transform(plan.root.predicate, stored)))
