"""Lists of texts, and texts that hold the JSON of a dynamic value."""

from __future__ import annotations

from dataclasses import replace

from translator.fidelity import Diagnostic
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.pipeline.language import Value
from translator.targets.pipeline.values.context import Context


def list_of(ctx: Context, texts: list[str]) -> Value:
    """A list of texts, or of the texts of lists, in this order."""
    appended = ctx.language.appended
    if appended is None:
        raise Cannot(Diagnostic("unsupported-expression", "a list of several texts is not supported here", None))
    text = appended(texts) if len(texts) > 1 else texts[0] if texts else ctx.language.null
    return Value(text, "list", False, of_texts=True, ordered=True)


def ordered_list(ctx: Context, expr: Expr) -> Value | None:
    """A list that has all of its texts in their order; None for other values."""
    try:
        found = ctx.value(expr)
    except Cannot:
        return None
    return found if found.ordered else None


def counted_list(ctx: Context, expr: Expr) -> Value | None:
    """How many values a list has that has all of its own; None for other values."""
    try:
        found = ctx.value(expr)
    except Cannot:
        return None
    if found.kind != "list" or not (found.ordered or found.of_texts) or not ctx.language.list_length:
        return None
    count = ctx.language.list_count if found.nullable else ctx.language.list_length
    return Value(count.format(found.text), "int", found.nullable, True) if count else None


def sorted_list(ctx: Context, expr: Expr) -> Value | None:
    """A list of texts by their letters, from the first on; None for other values."""
    found = ctx.value(expr)
    if found.kind != "list" or not found.of_texts or not ctx.language.list_sorted:
        return None
    if found.set_of and ctx.language.sets_sorted:
        return replace(found, ordered=True)
    return replace(found, text=ctx.language.list_sorted.format(found.text), simple=False, ordered=True, texts="")


def set_made(ctx: Context, function: str, lists: tuple[Expr, ...]) -> Value | None:
    """What ``set_union`` and its kin make of lists of texts; None for other values, and where the language has no words for it."""
    words, found = ctx.language.of_sets.get(function), [ctx.value(x) for x in lists]
    known = all(v.kind == "list" and v.of_texts and not v.nullable and v.simple for v in found)
    if words is None or not known or len(found) != 2:
        return None
    return Value(words.format(*(v.text for v in found)), "list", False, of_texts=True)


def joined_texts(ctx: Context, expr: Expr, mark: str) -> Value | None:
    """The texts of a list behind each other, with a mark between two; None for other values."""
    if not ctx.language.list_joined or (found := _several(ctx, expr)) is None:
        return None
    return Value(ctx.language.list_joined.format(found[0], ctx.language.string(mark)), "text", False)


def _several(ctx: Context, expr: Expr) -> tuple[str, str] | None:
    """The texts of a list, of which a single empty one may be none, and how many they are; None for other values."""
    language = ctx.language
    match expr:
        case Apply(function="split", args=(whole, Const(value=str(mark)))) if language.texts.splits(mark) and language.split:
            text, held = ctx.of_kind(whole, "text").text, language.string(mark)
            return language.split.format(text, held), language.length.format(text, held)
        case Apply(function="array_slice", args=(array, Const(value=0), end)) if language.list_slice and (of := _several(ctx, array)):
            match end:
                case Apply(function="-", args=(Apply(function="array_length", args=(same,)), Const(value=int(less)))) if (
                    less > 0 and same == array
                ):
                    # Below nothing it counts from the end, and reaches no further back than the first.
                    last = f"{of[1]}-{less}" if less <= 2 else language.slice_end.format(of[1], less)
                case _:
                    return None
            return language.list_slice.format(of[0], last), of[1]
    if (listed := ordered_list(ctx, expr)) is None:
        return None
    return listed.text, language.list_length.format(listed.text)


def json_of(ctx: Context, expr: Expr) -> Value | None:
    """The text of a dynamic value that holds its JSON, or is empty; None where there is none.

    A text that is read as JSON is its own normal form, with the type of a text.
    """
    match expr:
        case Apply(function="parse_json", args=(inner,)):
            found = json_of(ctx, inner) or ctx.value(inner)
            return found if found.kind in ("text", "part", "json") else None
        case Path(base=base) if expr not in ctx.fields:
            return ctx.value(expr) if json_of(ctx, base) is not None else None
        case ColumnRef(column=column) if (held := ctx.columns.get(column.id) or ctx.fields.get(expr)) is not None:
            return held if held.kind == "json" or held.parsed or (held.kind == "text" and expr.type == Type.STRING) else None
    return None
