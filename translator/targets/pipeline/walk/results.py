"""The end of a walk: the order of rows and the names of their columns."""

from __future__ import annotations

from contextlib import suppress

from translator.detection.windows import is_time
from translator.plan import operators as o
from translator.plan.expressions import Column, ColumnRef
from translator.plan.types import Type
from translator.targets.base import Cannot, some_of
from translator.targets.pipeline.language import ORDERED, Value
from translator.targets.pipeline.walk.context import Context


def order(ctx: Context, keys: tuple[o.Ordering, ...]) -> None:
    """Sorts rows, where they can be."""
    found = ordering(ctx, keys)
    if found is not None:
        ctx.commands.append(ctx.sort(found))
        ctx.sorted = keys


def ordering(ctx: Context, keys: tuple[o.Ordering, ...]) -> list[tuple[str, bool]] | None:
    """What rows are sorted by, and whether from the greatest on; None where they cannot be.

    Texts are not sorted alike everywhere, and rows without a value are last or first as the product has it.
    """
    found = []
    for key in keys:
        try:
            value = ctx.values().simplest(key.expr)
        except Cannot:
            value = Value("", "list")
        if value.kind not in ORDERED or value.nullable or ctx.name_of(value) is None:
            return None
        found.append((value.text, key.descending))
    return found


def _own_name(ctx: Context, name: str) -> str:
    """A column of the result as an expression has it, "" where it can have no such name."""
    with suppress(Cannot):
        return ctx.quoted(name) if name.isprintable() else ""
    return ""


def finish(ctx: Context) -> dict[str, str]:
    """Gives the columns of the result their names. Returns what each is called; those without words are left out."""
    pairs: list[tuple[str, str]] = []
    found: dict[str, str] = {}
    lost = []
    values, given = ctx.values(), dict[str, Value]()
    for name, column in ctx.names:
        with suppress(Cannot):
            given[name] = values.shown(ColumnRef(None, column.type, column))
            if given[name].kind == "json" and ctx.needed(column):
                ctx.say("columns-differ", f"{name}: the JSON is shown as the product writes it")
    used = {v.text for v in given.values()}
    times = {v.text for f, v in ctx.fields.items() if is_time(f)}
    for name, column in ctx.names:
        if not ctx.needed(column):
            continue
        if (value := given.get(name)) is None:
            lost.append(name)
            continue
        text = _own_name(ctx, name)
        if value.text == text:
            found[name] = name
        elif value.text in times:  # every event shows its time
            found[name] = value.text
        elif known := ctx.shown_as(value):
            found[name] = known
        elif text:
            pairs.append((name, value.text))
            found[name] = name
        else:
            lost.append(name)
    held = [(name, text) for name, text in pairs if ctx.quoted(name) in used]
    if held:  # a name that is another column's until now
        kept = {name: ctx.named(Column(-1, name, Type.UNKNOWN)) for name, _ in held}
        ctx.commands.append(ctx.eval([(kept[name], text) for name, text in held]))
        pairs = [pair for pair in pairs if pair[0] not in kept] + [(name, ctx.quoted(kept[name])) for name, _ in held]
    if pairs:
        ctx.commands.append(ctx.eval(pairs))
    if lost:
        ctx.say("column-left-out", f"{some_of(lost)}: not shown in the rows, which have no such field here")
    return found
