"""Values of which a condition decides which one it is."""

from __future__ import annotations

from translator.plan.expressions import Const, Expr
from translator.plan.types import Type
from translator.targets.pipeline.language import Value, grouped
from translator.targets.pipeline.values.arrays import list_of
from translator.targets.pipeline.values.context import Context, as_typed


def first_of(ctx: Context, values: list[Value], expr: Expr) -> Value:
    """The first of several values that is there, as ``coalesce`` has it."""
    kinds = {v.kind for v in values}
    if len(kinds) != 1 or kinds & {"list", "part", "json"} or (function := ctx.language.functions.get("coalesce")) is None:
        raise ctx.refuse(expr)
    if kinds == {"text"}:
        # An empty text is what KQL's coalesce passes over: learn.microsoft.com/kusto/query/coalesce-function.
        pairs = [(ctx.between(grouped(v), "!=", ctx.language.string("")), v.text) for v in values[:-1]]
        return Value(ctx.language.chosen(pairs, values[-1].text), "text", False)
    text = function.words.format(", ".join(ctx.alike(v, kinds) for v in values))
    return Value(text, values[0].kind, all(v.nullable for v in values), all(v.natural for v in values))


def value_of_branches(ctx: Context, found: list[tuple[Expr, Expr]], expr: Expr) -> Value:
    """The value of the first branch whose condition holds.

    Args:
        found: the branches, each with its condition; that of the last one is not asked.
    """
    pairs = [(guard, _nothing(ctx, value) or as_typed(ctx.value(value), value)) for guard, value in found]
    kinds = {v.kind for _, v in pairs}
    kind = "real" if kinds == {"int", "real"} else next(iter(kinds)) if len(kinds) == 1 else ""
    if kinds == {"text", "part"}:  # a string is never null; nothing that places allow tells an empty text among them from none
        kind = "text" if expr.type == Type.STRING else "part"
    # The first branch counts whose condition holds, in every language; the last one where no other does.
    if kind == "list" and all(v.ordered for _, v in pairs):
        return list_of(ctx, [ctx.language.chosen([(ctx.holds(g), v.text) for g, v in pairs[:-1]], pairs[-1][1].text)])
    if kind in ("", "list", "json"):
        raise ctx.refuse(expr)
    nullable, natural = any(v.nullable for _, v in pairs), all(v.natural for _, v in pairs)
    chosen = [(ctx.holds(guard), ctx.alike(v, kinds)) for guard, v in pairs[:-1]]
    return Value(ctx.language.chosen(chosen, ctx.alike(pairs[-1][1], kinds)), kind, nullable, natural)


def _nothing(ctx: Context, expr: Expr) -> Value | None:
    """A place in an object where there is nothing; None for other values."""
    match expr:
        case Const(type=Type.DYNAMIC, value=None):
            return Value(ctx.language.string(""), "part", False, simple=True)
    return None


def is_filled(expr: Expr) -> bool:
    """Whether a text is never empty, so that it is no null where it stands among places in objects."""
    return isinstance(expr, Const) and bool(expr.value)
