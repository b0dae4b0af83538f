"""Columns that operators compute, and those by which rows are grouped or told apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.regex import syntax
from translator.regex.ascii import asciified
from translator.regex.parser import parsed
from translator.targets.base import Cannot
from translator.targets.pipeline.language import Value
from translator.targets.pipeline.walk.context import SHOWN_NUL, Context
from translator.targets.repeated import Repeated


def compute(ctx: Context, items: tuple[tuple[Column, Expr], ...]) -> None:
    """Computes columns of those that there are, in one command; another one before it computes what stands there several times."""
    wanted = [(c, x) for c, x in items if ctx.needed(c)]
    taken = _captured(ctx, wanted)
    needed = [(c, x) for c, x in wanted if c.id not in taken and not _decoded(ctx, c, x)]
    told = Repeated()
    values = _written(ctx, needed, told)
    if again := told.standing_again("\n".join(v.text for v in values if isinstance(v, Value))):
        repeated = Repeated(again)
        ctx.taken |= repeated.name(ctx.taken, (), lambda name: ctx.quoted(name) == name)
        ctx.commands += [ctx.eval([(name, words)]) for words, name in repeated.names.items()]
        values = _written(ctx, needed, repeated)
    pairs: list[tuple[str, str]] = []
    made = dict[int, Value]()
    stage = sum(c.verb.lower() not in _OF_ROWS for c in ctx.commands)
    for (column, expr), written in zip(needed, values, strict=True):
        try:
            if isinstance(written, Diagnostic):
                raise Cannot(written)
            value = _as_declared(ctx, column, written, expr)
        except Cannot:
            if ctx.is_vital(column):
                raise
            continue
        if is_constant(ctx, expr):
            ctx.constants.add(column.id)
        if isinstance(expr, ColumnRef | Const) or ctx.name_of(value) is not None:
            made[column.id] = value
            continue
        if (known := ctx.computed_as.get((stage, value.text))) is not None:
            made[column.id] = replace(value, text=ctx.quoted(known), simple=True)
            continue
        name = ctx.named(column)
        pairs.append((name, value.text))
        made[column.id] = replace(value, text=ctx.quoted(name), simple=True)
        if not any(ctx.quoted(flag) in value.text for flag in ctx.open):  # which changes as rows are left out
            ctx.computed_as[stage, value.text] = name
    ctx.columns |= made
    if pairs:
        ctx.commands.append(ctx.eval(pairs))


@dataclass(frozen=True, slots=True)
class _Capture:
    """A column that is what a group of a regular expression holds in a text: in the first match, or in ``several``."""

    column: Column
    group: int
    tree: syntax.Node
    source: Expr
    several: bool


def _captured(ctx: Context, items: list[tuple[Column, Expr]]) -> set[int]:
    """Computes columns that are taken from a text by a regular expression, where the language has a command for it: which those are.

    What is taken from one text by one expression takes one command.
    """
    bunches: dict[object, dict[int, list[_Capture]]] = {}
    for number, (column, expr) in enumerate(items):
        if (found := _capture(ctx, column, expr)) is not None:
            what = number if found.several else (found.tree, found.source)
            bunches.setdefault(what, {}).setdefault(found.group, []).append(found)
    return {c.column.id for bunch in bunches.values() for c in _taken(ctx, bunch)}


def _capture(ctx: Context, column: Column, expr: Expr) -> _Capture | None:
    match simplify(expr):
        case Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), source)):
            several = False
        case Apply(function="extract_all", args=(Const(value=str(regex)), source)):
            group, several = 1, True
        case _:
            return None
    tree = parsed(regex) if column.type in (Type.STRING, Type.DYNAMIC) else None
    if tree is None or not 0 <= group <= syntax.groups(tree) or (several and syntax.groups(tree) > 1):
        return None
    return None if asciified(tree, ctx.language.classes) else _Capture(column, group, tree, source, several)


def _taken(ctx: Context, bunch: dict[int, list[_Capture]]) -> list[_Capture]:
    """Those of the columns that are taken from one text by one expression, by their groups, for which there are commands."""
    first = next(iter(bunch.values()))[0]
    try:
        value = ctx.values().of_kind(first.source, "text|part")
    except Cannot:
        return []
    field = ctx.name_of(value)
    if field is None and not first.several:
        return []
    stage = sum(c.verb.lower() not in _OF_ROWS for c in ctx.commands)
    untaken = set(ctx.taken)
    asked = {group: (stage, f"{first.several} {group} {value.text} {first.tree}") for group in bunch}
    names = {group: ctx.computed_as.get(asked[group]) or ctx.named(found[0].column) for group, found in bunch.items()}
    new = {group: name for group, name in sorted(names.items()) if asked[group] not in ctx.computed_as}
    if new:
        before = []
        if field is None:
            field = ctx.free(f"{names[first.group]}_of")
            before = [ctx.eval([(field, value.text)])]
        commands = ctx.captured([*new.values()], field, syntax.capturing(first.tree, new), first.several)
        if commands is None:
            ctx.taken = untaken
            return []
        ctx.commands += [*before, *commands]
        ctx.computed_as |= {asked[group]: name for group, name in new.items()}
    taken = [c for found in bunch.values() for c in found]
    for column, name in ((c.column, names[c.group]) for c in taken):
        made = Value(ctx.quoted(name), "text", False, simple=True)
        ctx.columns[column.id] = replace(made, kind="list", nullable=True, of_texts=True, ordered=True) if first.several else made
    return taken


def _decoded(ctx: Context, column: Column, expr: Expr) -> bool:
    """Computes a column that is the text which base64 stands for, where the language has commands for it."""
    match simplify(expr):
        case Apply(function="base64_decode_tostring", args=(source,)) if column.type == Type.STRING:
            nuls = True
        case Apply(function="base64_decode_tostring", args=(source, Const(value=""))) if column.type == Type.STRING:
            nuls = False
        case _:
            return False
    try:
        value = ctx.values().of_kind(source, "text|part")
    except Cannot:
        return False
    name = ctx.decoded(column, value.text, nuls)
    if name is None:
        return False
    if nuls:
        ctx.say("columns-differ", f"{column.name}: a NUL is shown as {SHOWN_NUL}", expr.span, Place.SHOWN)
    ctx.columns[column.id] = Value(ctx.quoted(name), "text", False, simple=True)
    return True


_OF_ROWS = frozenset({"eval", "where", "rex"})
"""The commands that change no fields of a row but those that they name."""


def _written(ctx: Context, items: list[tuple[Column, Expr]], repeated: Repeated) -> list[Value | Diagnostic]:
    """What each column is in the words of the language, or why it has none.

    Not the exceptions: each would hold this list by its frames, and wait with all of them for Python's garbage collector.
    """
    values = ctx.values()
    values.repeated = repeated
    found: list[Value | Diagnostic] = []
    for _, expr in items:
        try:
            found.append(values.simplest(expr, undefined=True))
        except Cannot as refused:
            found.append(refused.diagnostic)
    return found


def _as_declared(ctx: Context, column: Column, value: Value, expr: Expr) -> Value:
    """The text of a list where a column is to have that, which has its values in any order."""
    if value.kind == "moment":
        ctx.say("columns-differ", f"{column.name}: a time is shown as the product writes it", expr.span, Place.SHOWN)
    if value.kind != "list" or column.type != Type.STRING:
        return value
    if ctx.is_vital(column) or not value.of_texts or not ctx.language.list_text:
        raise ctx.values().refuse(expr, "the text of this value")
    ctx.say("columns-differ", f"{column.name}: the values of the set stand in another order", expr.span)
    return Value(ctx.language.list_text.format(value.text), "text", False)


def settled(ctx: Context, column: Column, node: o.Relation) -> None:
    """Gives a column by whose values rows are told apart a field of its own, which all of them have."""
    value = ctx.values().value(ColumnRef(node.span, column.type, column))
    if value.nullable or value.kind in ("list", "part", "json"):
        raise Cannot(Diagnostic("unsupported-expression", f"rows by {column.name}, which may be missing", node.span))
    ctx.columns[column.id] = value
    if ctx.name_of(value) is None:
        name = ctx.named(column)
        ctx.commands.append(ctx.eval([(name, value.text)]))
        ctx.columns[column.id] = replace(value, text=ctx.quoted(name), simple=True)


def group(ctx: Context, expr: Expr) -> Value:
    """A value that rows are grouped by."""
    value = ctx.values().simplest(expr)
    if value.kind in ("list", "part", "json"):
        raise Cannot(Diagnostic("unsupported-expression", "a group by an array or an object is not supported here", expr.span))
    if value.kind == "moment":
        ctx.say("columns-differ", "a time is shown as the product writes it", expr.span, Place.SHOWN)
    return value


def telling(ctx: Context, keys: Iterable[tuple[Column, Expr]]) -> frozenset[int]:
    """Those of the columns that rows are grouped by that tell the groups apart: all but those that are the same on all rows."""
    keys = tuple(keys)
    ctx.constants |= {made.id for made, expr in keys if is_constant(ctx, expr)}
    return frozenset(made.id for made, _ in keys) - ctx.constants


def is_constant(ctx: Context, expr: Expr) -> bool:
    """Whether all rows of a relation have one value; ``Type`` is the name of the table in every table of a workspace.

    Source: learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns.
    """
    match expr:
        case Const():
            return True
        case ColumnRef(column=column):
            return column.id in ctx.constants or (column.table is not None and column.name == "Type")
    return False
