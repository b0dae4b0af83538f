"""The rows of lists that a product keeps beside its events."""

from __future__ import annotations

from translator.detection.naming import snake
from translator.fidelity import Diagnostic, ReadList
from translator.plan import operators as o
from translator.plan.expressions import Column
from translator.plan.types import Type
from translator.targets.base import LISTED, Cannot
from translator.targets.pipeline.language import KINDS, Value
from translator.targets.pipeline.walk.context import Context


def opened(ctx: Context, node: o.External) -> str:
    """The rows of a list as a part of the stream, with the columns that are read. Returns its flag."""
    if not node.columns:
        raise Cannot(Diagnostic("unsupported-operator", f"the {node.kind} {node.name}, of which no column is read", node.span))
    name, where = named_list(ctx, node, ctx.list_mark)
    flag = ctx.named(Column(-1, f"is_{snake(node.name)}", Type.LONG))
    ctx.listed(node, name, flag)
    ctx.open[flag] = frozenset()
    marked = f", and {ctx.list_mark}, which is {LISTED[1]} in each row" if ctx.list_mark else ""
    columns = ", ".join(c.name for c in node.columns)
    message = f"fill the list {name} with the columns {columns}{marked}{where}"
    ctx.say("list-rows", message, node.span, fact=ReadList(name, ctx.list_mark))
    pairs, language = list[tuple[str, str]](), ctx.language
    for column in node.columns:
        if not ctx.needed(column):
            continue
        held, kind = ctx.quoted(column.name), KINDS[column.type]
        asked = {"int": "toint" if column.type == Type.INT else "tolong", "real": "todouble"}.get(kind, "")
        words = language.functions[asked].words if asked in language.functions else language.wholes.get(asked)
        if kind == "text":
            value = language.functions["coalesce"].words.format(f"{held}, {language.string('')}")
        elif words is not None:
            value = words.format(held)
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


def named_list(ctx: Context, node: o.External, mark: str = "") -> tuple[str, str]:
    """What the product calls a list, and where it comes from, for who fills it; ``mark`` is a column that all of its rows have besides."""
    name, columns = f"{snake(node.name)}_rows", tuple(c.name for c in node.columns)
    known = ctx.tables.get(name, columns)
    ctx.tables[name] = known if not mark or mark in known else (*known, mark)
    if columns not in (known, known[:-1]) or mark in columns:
        raise Cannot(Diagnostic("unsupported-operator", f"the {node.kind} {node.name} with other columns", node.span))
    return name, f", as it is downloaded from {node.address}" if node.address else ""
