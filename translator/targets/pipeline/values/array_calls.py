"""Calls that make arrays, or read them, in the words of a language."""

from __future__ import annotations

from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Items
from translator.targets.pipeline.language import Value
from translator.targets.pipeline.values.arrays import counted_list, joined_texts, json_of, list_of, set_made, sorted_list
from translator.targets.pipeline.values.branches import is_filled
from translator.targets.pipeline.values.conditions import are_texts
from translator.targets.pipeline.values.context import Context


def array_called(ctx: Context, expr: Expr) -> Value | None:
    """An array that is made, or what is read of one; None for other expressions, and where the language has no words for it."""
    language = ctx.language
    match expr:
        case Apply(function="array_length", args=(ColumnRef(column=column),)) if -column.id - 1 in ctx.columns:
            return ctx.columns[-column.id - 1]
        case Apply(function="array_length", args=(Apply(function="split", args=(whole, Const(value=str(mark)))),)) if language.texts.splits(
            mark
        ):
            split = language.length.format(ctx.of_kind(whole, "text").text, language.string(mark))
            return Value(split, "int", False, True, True, narrow=True)
        case Apply(function="[]", args=(Apply(function="split", args=(whole_, Const(value=str(mark)))), place)) if (
            language.texts.splits(mark) and (number := ctx.value(place)).natural and number.kind == "int" and not number.nullable
        ):
            of, at = ctx.of_kind(whole_, "text").text, language.narrow.format(number.text)
            return Value(language.texts.element.format(of, language.string(mark), at), "part", False)
        case Items(items=items) if language.appended and all(isinstance(i, Const) and i.value and isinstance(i.value, str) for i in items):
            return list_of(ctx, [ctx.value(i).text for i in items])
        case Apply(function="pack_array", args=args) if language.appended and all(map(is_filled, args)) and are_texts([*args]):
            return list_of(ctx, [ctx.value(a).text for a in args])
        case Apply(function="array_concat", args=args) if language.appended and all(
            v.ordered and not v.nullable for v in map(ctx.value, args)
        ):
            return list_of(ctx, [ctx.value(a).text for a in args])
        case Apply(function="array_length", args=(inner,)):
            if (count := counted_list(ctx, inner)) is not None:
                return count
            array = json_of(ctx, inner) if language.json_length else None
            return None if array is None else Value(language.json_length.format(array.text), "int", True, True)
        case Apply(function="array_sort_asc", args=(inner,)):
            return sorted_list(ctx, inner)
        case Apply(function="set_union" | "set_difference" | "set_intersect" as function, args=args):
            return set_made(ctx, function, args)
        case Apply(function="strcat_array", args=(inner, Const(value=str(mark)))):
            return joined_texts(ctx, inner, mark)
    return None
