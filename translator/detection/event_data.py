"""The XML in which Windows events carry their own fields, as fields of these names."""

from __future__ import annotations

import dataclasses
from typing import Any

from translator import catalog
from translator.detection.shapes import Branch
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Path, conjuncts, transform
from translator.plan.types import Type

DATA = {("EventData", "Data"), ("DataItem", "EventData", "Data")}
"""Where the named values of an event stand: in SecurityEvent, and in Event (learn.microsoft.com/windows/win32/wes/eventschema-elements)."""

SAID_OF_DATA = "the query makes columns of the data of each event, the output reads its fields of these names"


def by_position(branch: Branch, expr: Expr) -> Expr:
    """``expr`` with the values at fixed places in an event's data as fields of these names, where the events of ``branch`` tell which."""

    def named(node: Expr) -> Expr:
        match node:
            case Path(
                base=Apply(function="parse_xml", args=(ColumnRef(column=Column(name="EventData") as holder),)),
                steps=(*data, int(place), "#text"),
            ) if tuple(data) in DATA:
                layouts = [catalog.event_data().get(event, ()) for event in _events(branch.predicate)]
                names = {layout[place] if 0 <= place < len(layout) else None for layout in layouts}
                name = names.pop() if len(names) == 1 else None
                if name is not None:
                    return ColumnRef(node.span, Type.STRING, data_field(holder, name))
        return node

    return transform(expr, named)


def _events(predicate: Expr) -> list[tuple[str, int]]:
    """Provider and number of the events that satisfy ``predicate``; empty where it does not tell."""
    found: dict[str, list[Any]] = {}
    for part in conjuncts(predicate):
        match part:
            case Apply(function="==" | "=~" | "in", args=(ColumnRef(column=Column(name="Source" | "EventID" as name)), operand)):
                items = operand.items if isinstance(operand, Items) else (operand,)
                found[name] = [i.value for i in items if isinstance(i, Const)]
    return [(provider, number) for provider in found.get("Source", []) for number in found.get("EventID", [])]


def data_field(holder: Column, name: str) -> Column:
    """A field of the events whose XML ``holder`` is. The binder counts its columns from zero, so that no other has this number."""
    number = -1 - int.from_bytes(f"{holder.source} {name}".encode(), "big")
    return dataclasses.replace(holder, id=number, name=name, type=Type.UNKNOWN)
