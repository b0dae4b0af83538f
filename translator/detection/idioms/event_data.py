"""Columns that a plugin makes of the data: of a bag, and of the XML in which Windows events carry their own fields."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from translator import catalog
from translator.detection.shapes import Branch, Events, Joined, Shape, columns_within, environments
from translator.plan import operators as o
from translator.plan.expressions import ELEMENT, Apply, Column, ColumnRef, Const, Expr, Items, Path, conjuncts, substitute, transform
from translator.plan.simplify import simplify
from translator.plan.types import Type

if TYPE_CHECKING:
    from translator.detection.lifting import Lifting

_DATA = {("EventData", "Data"), ("DataItem", "EventData", "Data")}
"""Where the named values of an event stand: in SecurityEvent, and in Event (learn.microsoft.com/windows/win32/wes/eventschema-elements)."""


SAID_OF_DATA = "the query makes columns of the data of each event, the output reads its fields of these names"


def of_bag(lifting: Lifting, plugin: o.Plugin) -> Shape | None:
    """bag_unpack: each column that the query names is the value of that key in the bag."""
    with lifting.below(plugin):
        shape = lifting.shape(plugin.input) if plugin.input is not None else None
    bag, *given = plugin.arguments
    prefix = str(given[0].value) if given and isinstance(given[0], Const) else ""
    columns = _columns(lifting, plugin)
    if not isinstance(shape, Events | Joined) or not all(c.name.startswith(prefix) for c in columns):
        return None
    for env in environments(shape):
        value = substitute(bag, env)
        env |= {c.id: simplify(Path(bag.span, c.type, value, (c.name.removeprefix(prefix),))) for c in columns}
    return shape


def of_event_data(lifting: Lifting, plugin: o.Plugin) -> Shape | None:
    """pivot of the names and values in the XML of an event: columns that a collector of such events stores as fields."""
    with lifting.below(plugin):
        shape = lifting.shape(plugin.input) if plugin.input is not None else None
    if not isinstance(shape, Events | Joined) or len(plugin.arguments) != 2:
        return None
    holders = [_holder(env, *plugin.arguments) for env in environments(shape)]
    for env, holder in zip(environments(shape), holders, strict=True):
        if holder is None:
            return None
        for column in _columns(lifting, plugin):
            env[column.id] = ColumnRef(plugin.span, Type.UNKNOWN, _field(holder, column.name))
    if isinstance(shape, Events):
        for branch in shape.branches:
            branch.multiplied = False
    lifting.say("event-data-columns", SAID_OF_DATA, plugin.span)
    return shape


def by_position(branch: Branch, expr: Expr) -> Expr:
    """``expr`` with the values at fixed places in an event's data as fields of these names, where the events of ``branch`` tell which."""

    def named(node: Expr) -> Expr:
        match node:
            case Path(
                base=Apply(function="parse_xml", args=(ColumnRef(column=Column(name="EventData") as holder),)),
                steps=(*data, int(place), "#text"),
            ) if tuple(data) in _DATA:
                layouts = [catalog.event_data().get(event, ()) for event in _events(branch.predicate)]
                names = {layout[place] if 0 <= place < len(layout) else None for layout in layouts}
                name = names.pop() if len(names) == 1 else None
                if name is not None:
                    return ColumnRef(node.span, Type.STRING, _field(holder, name))
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


def _field(holder: Column, name: str) -> Column:
    """A field of the events whose XML ``holder`` is. The binder counts its columns from zero, so that no other has this number."""
    number = -1 - int.from_bytes(f"{holder.source} {name}".encode(), "big")
    return dataclasses.replace(holder, id=number, name=name, type=Type.UNKNOWN)


def _holder(env: dict[int, Expr], name: Expr, value: Expr) -> Column | None:
    """The column with the XML whose names and values these are; None where they are something else."""
    match name, value:
        case Apply(function="tostring", args=(inner,)), _:
            return _holder(env, inner, value)
        case _, Apply(function="take_any", args=(inner,)):
            found, other = _part_of_data(simplify(substitute(name, env))), _part_of_data(simplify(substitute(inner, env)))
            if found is not None and other is not None and (found[1], other[1]) == ("@Name", "#text") and found[0] == other[0]:
                return found[0]
    return None


def _part_of_data(expr: Expr) -> tuple[Column, str] | None:
    """The column with an event's XML, and the part of an element of its data that ``expr`` is."""
    match expr:
        case Apply(function="tostring", args=(inner,)):
            return _part_of_data(inner)
        case Path(
            base=Apply(function="parse_xml", args=(ColumnRef(column=Column(name="EventData") as column),)), steps=(*data, step, str(part))
        ) if step == ELEMENT and tuple(data) in _DATA:
            return column, part
    return None


def _columns(lifting: Lifting, plugin: o.Plugin) -> list[Column]:
    """The columns of a plugin that the query names."""
    return sorted((c for c in columns_within(lifting.plan.root) if c.source == plugin.source.id), key=lambda c: c.name)
