"""Lists of texts, and texts that hold the JSON of a dynamic value."""

from __future__ import annotations

from translator.fidelity import Diagnostic
from translator.plan.expressions import Apply, ColumnRef, Expr, Path
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


def json_of(ctx: Context, expr: Expr) -> Value | None:
    """The text of a dynamic value that holds its JSON, or is empty; None where there is none."""
    match expr:
        case Apply(function="parse_json", args=(inner,)):
            found = json_of(ctx, inner) or ctx.value(inner)
            return found if found.kind in ("text", "part", "json") else None
        case Path(base=base) if expr not in ctx.fields:
            return ctx.value(expr) if json_of(ctx, base) is not None else None
        case ColumnRef(column=column) if column.id in ctx.columns:
            return found if (found := ctx.columns[column.id]).kind == "json" else None
    return None


def json_or_stored_text(ctx: Context, expr: Expr) -> Value | None:
    """The text of a dynamic value that holds its JSON, or a stored text that is read as JSON, which has its type in normal form."""
    if isinstance(expr, ColumnRef) and expr.type == Type.STRING and expr in ctx.fields:
        return ctx.fields[expr] if ctx.fields[expr].kind == "text" else None
    return json_of(ctx, expr)
