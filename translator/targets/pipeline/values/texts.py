"""Texts of values, and what functions make of texts."""

from __future__ import annotations

from dataclasses import replace

from translator.plan.expressions import Apply, Const, Expr, walk
from translator.plan.texts import literally
from translator.regex.ascii import asciified
from translator.regex.parser import parsed
from translator.regex.syntax import least_width
from translator.regex.writers import Inexpressible
from translator.targets.computed import Texts
from translator.targets.pipeline.language import Value
from translator.targets.pipeline.values.context import Context


def as_text(ctx: Context, expr: Expr) -> Value:
    """``tostring`` of a value."""
    value = ctx.value(expr)
    if value.kind in ("text", "part"):
        return replace(value, kind="text")
    if value.kind == "json":
        return value
    if value.ordered:
        return json_of_list(ctx, value, expr)
    if value.kind == "span" and value.rounded and value.natural and not value.nullable and ctx.language.span_text:
        return Value(ctx.language.span_text.format(value.text), "text", False)
    if value.kind == "int" and (function := ctx.language.functions.get("tostring")):
        text = function.words.format(value.text)
        return Value(_or_empty(ctx, value, text) if value.nullable else text, "text", False)
    raise ctx.refuse(expr, "the text of this value")


def json_of_list(ctx: Context, value: Value, expr: Expr) -> Value:
    """The JSON of a list that has all of its texts in their order."""
    named = ctx.language.list_text.count("{0}")
    if not named or (named > 1 and not value.simple):
        raise ctx.refuse(expr, "the text of this value")
    text = ctx.language.list_text.format(value.text)
    return Value(_or_empty(ctx, value, text) if value.nullable else text, "text", False)


def _or_empty(ctx: Context, value: Value, text: str) -> str:
    """The text of a value, which is empty of nothing."""
    return ctx.language.chosen([(ctx.language.missing.format(value.text), ctx.language.string(""))], text)


def text_made(ctx: Context, expr: Expr) -> str | None:
    """What functions of texts make; None for other values."""
    for node in walk(expr):
        match node:
            case (
                Apply(function="extract", args=(Const(value=str(regex)), *_))
                | Apply(function="replace_regex", args=(_, Const(value=str(regex)), _))
            ) if (tree := parsed(regex)) is not None:
                if asciified(tree, ctx.language.classes):
                    raise ctx.refuse(expr, "a class of characters of Unicode")
                if node.function == "replace_regex" and not least_width(tree):
                    raise ctx.refuse(expr, "what replaces nothing")
    return _Texts(ctx).made(expr, True)


def occurrences(ctx: Context, text: Value, what: str, how: list[object], expr: Apply) -> Value:
    """How often something is found in a text: so many characters it has more where one stands for each than where none does.

    Source: learn.microsoft.com/kusto/query/countof-function: plain texts may overlap, what expressions match does not.
    """
    tree = parsed(what if how == ["regex"] else literally(what)) if how in ([], ["normal"], ["regex"]) else None
    overlap = how != ["regex"] and any(what.startswith(what[n:]) for n in range(1, len(what)))
    length = ctx.language.functions["strlen"].words
    if tree is None or overlap or not least_width(tree) or asciified(tree, ctx.language.classes):
        raise ctx.refuse(expr)
    try:
        pattern = ctx.language.string(ctx.language.texts.pattern(tree))
    except Inexpressible as error:
        raise ctx.refuse(expr, f"countof() of {error}") from None
    with_, without = (ctx.language.texts.replaced.format(text.text, pattern, ctx.language.string(by)) for by in ("_", ""))
    return Value(f"({ctx.between(length.format(with_), '-', length.format(without))})", "int", False, True, simple=True, narrow=True)


class _Texts(Texts):
    """The texts that functions make of values."""

    def __init__(self, values: Context) -> None:
        self.values, self.functions, self.depth = values, values.language.texts, 0

    def _of(self, expr: Expr, empty: bool) -> str | None:
        value = self.values.value(expr)
        return value.text if value.kind in ("text", "part") else None
