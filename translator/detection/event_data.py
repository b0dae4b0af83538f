"""The XML in which Windows events carry their own fields, as fields of these names."""

from __future__ import annotations

import dataclasses
from typing import Any

from translator import catalog
from translator.detection.shapes import Branch
from translator.plan.expressions import (
    ELEMENT,
    TRUE,
    Apply,
    Column,
    ColumnRef,
    Const,
    Expr,
    Path,
    conjuncts,
    items_of,
    negation,
    transform,
)
from translator.plan.types import Type

DATA = {("EventData", "Data"), ("DataItem", "EventData", "Data")}
"""Where the named values of an event stand: in SecurityEvent, and in Event (learn.microsoft.com/windows/win32/wes/eventschema-elements)."""

_NAMED = "@Name="
"""A step to the element with the name behind it; no key of an object that ``parse_xml`` gives holds an equals sign."""

SAID_OF_DATA = "the query makes columns of the data of each event, the output reads its fields of these names"


def by_position(branch: Branch, expr: Expr) -> Expr:
    """``expr`` with the values at fixed places in an event's data as fields of these names, where the events of ``branch`` tell which.

    So are the values of elements of a known name; see ``named_element``.
    """

    def named(node: Expr) -> Expr:
        match node:
            case Path(base=base, steps=(*data, place, "#text")) if tuple(data) in DATA and (holder := _holder(base)) is not None:
                name = _name_at(branch, place) if isinstance(place, int) else _name_in(place)
                return node if name is None else ColumnRef(node.span, Type.STRING, data_field(holder, name))
        return node

    return transform(expr, named)


def _holder(expr: Expr) -> Column | None:
    """The column whose XML ``expr`` is the parsed data of; None where it is something else."""
    match expr:
        case Apply(function="parse_xml", args=(ColumnRef(column=Column(name="EventData") as holder),)):
            return holder
    return None


def _name_in(step: str) -> str | None:
    """The name of an element that a step goes to; None where it goes elsewhere."""
    return step.removeprefix(_NAMED) if step.startswith(_NAMED) else None


def _name_at(branch: Branch, place: int) -> str | None:
    """The name that the element at a place has in all events of ``branch``; None where they do not tell."""
    names = {layout[place] if 0 <= place < len(layout) else None for layout in _layouts(branch)}
    return names.pop() if len(names) == 1 else None


def _layouts(branch: Branch) -> list[tuple[str, ...]]:
    """The names of the data of each event that may be one of ``branch``, in their order; empty for one that is not known."""
    return [catalog.event_data().get(event, ()) for event in _events(branch.predicate)]


def named_element(branch: Branch, part: Expr) -> Expr | None:
    """What stands for the condition that an element of an event's data has a certain name: that the event has a value of that name.

    The rows of ``branch`` are those of this element then, and of one for each event. None where ``part`` is another condition, and
    where the query has rows of other elements as well.
    """
    match part:
        case Apply(function="==", args=(Path() as asked, Const(value=str(name)))):
            pass
        case Apply(function="==", args=(Apply(function="tostring", args=(Path() as asked,)), Const(value=str(name)))):
            pass
        case _:
            return None
    data, (*steps, last) = asked.base, asked.steps
    element, holder = tuple(steps), _holder(data)
    rows = [n for n, x in branch.env.items() if isinstance(x, Path) and (x.base, x.steps) == (data, element)]
    if holder is None or last != "@Name" or element[-1:] != (ELEMENT,) or element[:-1] not in DATA or len(rows) != 1:
        return None

    def of_name(node: Expr) -> Expr:
        if isinstance(node, Path) and node.base == data and node.steps[: len(element)] == element:
            return dataclasses.replace(node, steps=(*element[:-1], f"{_NAMED}{name}", *node.steps[len(element) :]))
        return node

    branch.env = {n: transform(x, of_name) for n, x in branch.env.items()}
    branch.multiplied = False
    layouts = _layouts(branch)
    if layouts and all(name in layout for layout in layouts):
        return TRUE
    return negation(Apply(part.span, Type.BOOL, "isempty", (ColumnRef(part.span, Type.STRING, data_field(holder, name)),)))


def _events(predicate: Expr) -> list[tuple[str, int]]:
    """Provider and number of the events that satisfy ``predicate``; empty where it does not tell."""
    found: dict[str, list[Any]] = {}
    for part in conjuncts(predicate):
        match part:
            case Apply(function="==" | "=~" | "in", args=(ColumnRef(column=Column(name="Source" | "EventID" as name)), operand)):
                items = items_of(operand)
                found[name] = [i.value for i in items if isinstance(i, Const)]
    return [(provider, number) for provider in found.get("Source", []) for number in found.get("EventID", [])]


def data_field(holder: Column, name: str) -> Column:
    """A field of the events whose XML ``holder`` is. The binder counts its columns from zero, so that no other has this number."""
    number = -1 - int.from_bytes(f"{holder.source} {name}".encode(), "big")
    return dataclasses.replace(holder, id=number, name=name, type=Type.UNKNOWN)
