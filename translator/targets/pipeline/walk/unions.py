"""Unions of parts over one stream."""

from __future__ import annotations

import itertools
from dataclasses import replace

from translator.fidelity import Diagnostic
from translator.plan import operators as o
from translator.plan.expressions import Column, ColumnRef
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.pipeline.language import WRITTEN, Value
from translator.targets.pipeline.walk.context import Context
from translator.targets.pipeline.walk.parts import Part


def united(ctx: Context, node: o.Union, parts: list[Part]) -> Part:
    """Several parts as one, whose columns are for each row those of its part."""
    flags = [p.flag for p in parts if p.flag is not None]
    for part in parts:
        ctx.made_of_events(part, node)
    if len(flags) < len(parts) or any(p.of_list for p in parts):
        raise Cannot(Diagnostic("unsupported-operator", "a union of these is not supported here", node.span))
    ctx.separate()
    values, pairs = ctx.values(), list[tuple[str, str]]()
    language, made = ctx.language, dict[int, Value]()
    spread = _row_keys(ctx, parts, pairs, node)
    for column, sources in node.columns:
        if not ctx.needed(column):
            continue
        try:
            found = [None if s is None else values.value(ColumnRef(None, s.type, s)) for s in sources]
        except Cannot:
            if ctx.is_vital(column):
                raise
            continue
        given = [v for v in found if v is not None]
        if len({v.kind for v in given}) != 1 or (given[0].kind == "list" and not ctx.chooses_lists):
            if ctx.is_vital(column):
                raise values.refuse(ColumnRef(node.span, column.type, column))
            continue
        (first, *_), missing = given, len(given) < len(found)
        nullable = any(v.nullable for v in given) or (missing and first.kind not in WRITTEN)
        natural, positive, digits = (all(getattr(v, a) for v in given) for a in ("natural", "positive", "digits"))
        of_texts, ordered, set_of, parsed = (all(getattr(v, a) for v in given) for a in ("of_texts", "ordered", "set_of", "parsed"))
        value = replace(first, nullable=nullable, natural=natural, positive=positive, digits=digits)
        value = replace(value, of_texts=of_texts, ordered=ordered, set_of=set_of, parsed=parsed, texts="")
        if len({v.text for v in given}) > 1 or missing:
            none = language.string("") if first.kind in WRITTEN else language.null
            texts = [none if v is None else values.alike(v, {v.kind}) for v in found]
            name = ctx.named(column)
            pairs.append((name, _of_its_part(ctx, flags, texts)))
            value = replace(value, text=ctx.quoted(name), simple=True)
        made[column.id] = value
    any_present = " OR ".join(map(ctx.present, flags))
    heads = frozenset[int]().union(*(ctx.open.pop(flag) for flag in flags))
    if ctx.open:
        flag = ctx.named(Column(-1, "is_any", Type.LONG))
        pairs.append((flag, language.chosen([(any_present, "1")], language.null)))
        united = Part(flag, spread=spread)
        ctx.open[flag] = heads
        if ctx.untold & {*flags}:
            ctx.untold.add(flag)
        if ctx.changed & {*flags}:
            ctx.changed.add(flag)
    else:
        united = Part(None)
        if ctx.untold & {*flags}:
            ctx.untold = {None}
        if ctx.changed & {*flags}:
            ctx.commands.append(ctx.where(any_present))
    if pairs:
        ctx.commands.append(ctx.eval(pairs))
    ctx.columns |= made
    if united.flag is None and spread is not None:
        ctx.once(spread)
    return united


def _row_keys(ctx: Context, parts: list[Part], pairs: list[tuple[str, str]], node: o.Relation) -> tuple[str, ...] | None:
    """The fields, to be computed, that tell rows of several parts apart, where each row stands several times; None where once."""
    if all(p.spread is None for p in parts):
        return None
    flags = [p.flag for p in parts if p.flag is not None]
    by, own = {v.text: v for v in ctx.columns.values()}, tuple[str, ...]()
    if any(p.spread is None for p in parts):  # rows that stand once are told by their numbers
        once = [p.flag for p in parts if p.spread is None and p.flag is not None]
        number = Value(ctx.numbered(node, once), ctx.row_kind, False, simple=True)
        own, by[number.text] = (number.text,), number
    spreads = [p.spread if p.spread is not None else own for p in parts]
    names, values = list[str](), ctx.values()
    none = Value(ctx.language.string(""), "text", False)
    marks = [Value(ctx.language.string(str(n)), "text", False) for n, _ in enumerate(parts)]
    for row in (marks, *itertools.zip_longest(*spreads)):
        row_values = [none if x is None else by.get(x) if isinstance(x, str) else x for x in row]
        found = [v for v in row_values if v is not None]
        if len({v.kind for v in found}) > 1:
            found = [_as_text(ctx, v) for v in found]
        if len(found) < len(row_values) or len({v.kind for v in found}) > 1 or any(v.nullable for v in found):
            raise Cannot(Diagnostic("unsupported-operator", "a union of summaries by other keys is not supported here", node.span))
        names.append(ctx.free("row"))
        texts = [values.alike(v, {v.kind}) for v in found]
        pairs.append((names[-1], _of_its_part(ctx, flags, texts)))
    return tuple(map(ctx.quoted, names))


def _of_its_part(ctx: Context, flags: list[str], texts: list[str]) -> str:
    """What a row has as one of its part: each is of one alone, so that what most of them have needs no condition."""
    most = max(reversed(texts), key=texts.count)
    return ctx.language.chosen([(ctx.present(f), t) for f, t in zip(flags, texts, strict=True) if t != most], most)


def _as_text(ctx: Context, value: Value) -> Value:
    """A whole number as its text."""
    function = ctx.language.functions.get("tostring")
    return value if value.kind != "int" or function is None else Value(function.words.format(value.text), "text", value.nullable)
