"""The rows of lists that a product keeps beside its events."""

from __future__ import annotations

from translator.detection.naming import snake
from translator.fidelity import Diagnostic, ReadList
from translator.plan import operators as o
from translator.plan.expressions import Column
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.pipeline.language import KINDS, Value
from translator.targets.pipeline.walk.context import Context


def opened(ctx: Context, node: o.External) -> str:
    """The rows of a list as a part of the stream, with the columns that are read. Returns its flag."""
    name, where = named_list(ctx, node)
    columns = tuple(c.name for c in node.columns)
    flag = ctx.named(Column(-1, f"is_{snake(node.name)}", Type.LONG))
    ctx.listed(node, name, flag)
    ctx.open[flag] = frozenset()
    ctx.say("list-rows", f"fill the list {name} with the columns {', '.join(columns)}{where}", node.span, fact=ReadList(name))
    pairs, language = list[tuple[str, str]](), ctx.language
    for column in node.columns:
        if not ctx.needed(column):
            continue
        held, kind = ctx.quoted(column.name), KINDS[column.type]
        function = language.functions.get({"int": "toint" if column.type == Type.INT else "tolong", "real": "todouble"}.get(kind, ""))
        if kind == "text":
            value = language.functions["coalesce"].words.format(f"{held}, {language.string('')}")
        elif function is not None:
            value = function.words.format(held)
        elif ctx.is_vital(column):
            raise Cannot(Diagnostic("unsupported-expression", f"{column.name} of the type {column.type} in a list", node.span))
        else:
            continue
        own = ctx.named(column)
        pairs.append((own, language.chosen([(ctx.present(flag), value)], language.string("") if kind == "text" else language.null)))
        ctx.columns[column.id] = Value(ctx.quoted(own), kind, kind != "text", simple=True)
    if pairs:
        ctx.commands.append(ctx.eval(pairs))
    return flag


def named_list(ctx: Context, node: o.External) -> tuple[str, str]:
    """What the product calls a list, and where it comes from, for who fills it."""
    name, columns = f"{snake(node.name)}_rows", tuple(c.name for c in node.columns)
    if ctx.tables.setdefault(name, columns) != columns:
        raise Cannot(Diagnostic("unsupported-operator", f"the {node.kind} {node.name} with other columns", node.span))
    return name, f", as it is downloaded from {node.address}" if node.address else ""
