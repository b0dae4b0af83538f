"""Columns that a plugin makes of the data: of a bag, and of the XML in which Windows events carry their own fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from translator.detection.event_data import DATA, SAID_OF_DATA, data_field
from translator.detection.shapes import Events, Joined, Shape, columns_within, environments
from translator.plan import operators as o
from translator.plan.expressions import ELEMENT, Apply, Column, ColumnRef, Expr, Path, substitute
from translator.plan.simplify import simplify
from translator.plan.types import Type

if TYPE_CHECKING:
    from translator.detection.lifting import Lifting


def of_bag(lifting: Lifting, plugin: o.Plugin) -> Shape | None:
    """bag_unpack: each column that the query names is the value of that key in the bag."""
    shape = lifting.below(plugin).shape(plugin.input) if plugin.input is not None else None
    bag = plugin.arguments[0]
    keys = [(c, plugin.key(c)) for c in _columns(lifting, plugin)]
    if not isinstance(shape, Events | Joined) or any(key is None for _, key in keys):
        return None
    for env in environments(shape):
        value = substitute(bag, env)
        env |= {c.id: simplify(Path(bag.span, c.type, value, (key,))) for c, key in keys if key is not None}
    return shape


def of_event_data(lifting: Lifting, plugin: o.Plugin) -> Shape | None:
    """pivot of the names and values in the XML of an event: columns that a collector of such events stores as fields."""
    shape = lifting.below(plugin).shape(plugin.input) if plugin.input is not None else None
    if not isinstance(shape, Events | Joined) or len(plugin.arguments) != 2:
        return None
    holders = [_holder(env, *plugin.arguments) for env in environments(shape)]
    for env, holder in zip(environments(shape), holders, strict=True):
        if holder is None:
            return None
        for column in _columns(lifting, plugin):
            env[column.id] = ColumnRef(plugin.span, Type.UNKNOWN, data_field(holder, column.name))
    if isinstance(shape, Events):
        for branch in shape.branches:
            branch.multiplied = False
    lifting.say("event-data-columns", SAID_OF_DATA, plugin.span)
    return shape


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
        ) if step == ELEMENT and tuple(data) in DATA:
            return column, part
    return None


def _columns(lifting: Lifting, plugin: o.Plugin) -> list[Column]:
    """The columns of a plugin that the query names."""
    return sorted((c for c in columns_within(lifting.plan.root) if c.source == plugin.source.id), key=lambda c: c.name)
