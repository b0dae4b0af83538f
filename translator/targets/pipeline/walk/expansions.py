"""Rows for the elements of arrays: of lists that a summary made, of JSON in a text, of the parts of a text."""

from __future__ import annotations

from dataclasses import replace

from translator.fidelity import Diagnostic
from translator.plan import operators as o
from translator.plan.constants import known_span
from translator.plan.expansions import EMPTY, EMPTY_ARRAY
from translator.plan.expressions import ELEMENT, Apply, Column, ColumnRef, Const, Expr, Path, const
from translator.plan.functions.values import TICKS
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.names import path_of
from translator.targets.pipeline.language import KINDS, ORDERED, WRITTEN, Value, grouped
from translator.targets.pipeline.relations import subqueries_of
from translator.targets.pipeline.values.arrays import json_of
from translator.targets.pipeline.values.context import as_typed
from translator.targets.pipeline.walk.columns import settled
from translator.targets.pipeline.walk.context import Context
from translator.targets.pipeline.walk.parts import Part, StoredPath
from translator.targets.pipeline.walk.summaries import UNLIMITED


def rolled_out(ctx: Context, node: o.Aggregate) -> o.Aggregate:
    """A summary whose lists are expanded again, without these: the events stay, as rows of their groups, and have the elements.

    The number of elements is an aggregate of its own.
    """
    if id(node) not in ctx.unrolled:
        return node
    values, kept = ctx.values(), list[tuple[Column, Expr]]()
    for made, expr in node.aggregates:
        match expr:
            case Apply(function="make_set" | "make_list" as function, args=(element, *_)) if made.id in ctx.unrolled[id(node)]:
                value = values.simplest(element)
                if value.nullable or value.kind in ("list", "part", "json"):
                    raise values.refuse(expr)
                ctx.elements[made.id] = function, value
                if made.id in ctx.searched and value.kind == "text":  # of the list itself nothing else is asked
                    kept.append((made, replace(expr, function="make_set")))
                if made.id in ctx.lengths:
                    counted = ("dcount", (element,)) if function == "make_set" else ("count", ())
                    kept.append((Column(-made.id - 1, f"{made.name}_count", Type.LONG), Apply(expr.span, Type.LONG, *counted)))
            case _:
                kept.append((made, expr))
    return replace(node, aggregates=tuple(kept))


def expand(ctx: Context, node: o.Expand, part: Part) -> Part:
    """A row for each element of lists that a summary has collected."""
    (first, of), *others = node.items
    alone = not others and node.index is None and node.limit is None
    if alone and (place := _place_of(ctx, of)) is not None:
        return _unpacked(ctx, first, of, place, part, node)
    alone = alone and not node.pairs
    match of:
        case Apply(function="split", args=(text, Const(value=str(mark)))) if (
            alone and ctx.language.split and ctx.language.texts.splits(mark)
        ):
            return _torn(ctx, first, text, mark, part, node)
        case Apply(function="pack_array", args=args) if alone and args and ctx.language.split:
            return _enumerated(ctx, first, args, part, node)
        case Apply(function="range", args=(start, stop, step)) if (
            alone and ctx.language.digits and (count := _bins_between(start, stop, step))
        ):
            return _stepped(ctx, first, start, count, step, part, node)
        case Apply(function="range", args=(start, stop, step)) if alone and ctx.language.numbers[0]:
            return _counted(ctx, first, ctx.values().value(start), ctx.values().value(stop), step, part, node)
    listed = ctx.columns.get(of.column.id) if isinstance(of, ColumnRef) and of.column.id not in ctx.elements else None
    if alone and part.flag is None and listed is not None and listed.set_of:
        return _each(ctx, first, listed.text, "part", part, node, distinct=True)
    if alone and part.flag is None and listed is not None and listed.ordered and listed.nullable:  # which is no array where it has nothing
        return _each(ctx, first, listed.text, "part", part, node)
    found = [(c, ctx.elements[x.column.id]) for c, x in node.items if isinstance(x, ColumnRef) and x.column.id in ctx.elements]
    if not found and alone and ctx.language.members and (whole := ctx.values().value(simplify(of))).kind in ("part", "json"):
        return _members(ctx, first, whole, part, node)
    if len(found) < len(node.items) or part.spread is None:
        raise Cannot(Diagnostic("unsupported-operator", "a row for each element of these is not supported here", node.span))
    ctx.columns |= {column.id: _element(ctx, column, value, node) for column, (_, value) in found}
    if found[0][1][0] == "make_list":
        return replace(part, unique=None, spread=None)
    (column, _), spread = found[0], part.spread
    settled(ctx, column, node)
    names = (*spread, ctx.columns[column.id].text)
    if part.flag is None:
        ctx.once(names)
    unique = None if part.unique is None else part.unique | {column.id}
    return replace(part, unique=unique, spread=None if part.flag is None else names)


def _place_of(ctx: Context, expr: Expr) -> StoredPath | None:
    """The place that a value is, as it is stored or in an element of another one; None where it is none."""
    match simplify(expr):
        case Apply(function="dynamic_to_json" | "parse_json", args=(inner,)):
            return _place_of(ctx, inner)
        case Apply(function="arg_max" | "arg_min" | "take_any" | "any", args=(*_, inner)):
            return _place_of(ctx, inner)
        case Apply(function="iff", args=(_, one, other)):
            return _place_of(ctx, one) or _place_of(ctx, other)
        case Path(base=base, steps=steps) if (found := _place_of(ctx, base)) is not None:
            return replace(found, steps=(*found.steps, *steps))
        case ColumnRef(column=column) if column.id in ctx.places:
            return ctx.places[column.id]
        case ColumnRef(column=column) if column.table is not None:
            return StoredPath(column.table, column.name)
        case ColumnRef(column=column) if column.id in ctx.made:
            return _place_of(ctx, ctx.made[column.id])
    return None


def _unpacked(ctx: Context, column: Column, of: Expr, place: StoredPath, part: Part, node: o.Expand) -> Part:
    """A row for each element of an array in a text that holds JSON; of what is no array there is one, of an empty one there is none."""
    language, values = ctx.language, ctx.values()
    array = json_of(values, of) or values.value(simplify(of))
    if not language.elements or array.kind not in WRITTEN or not (place.is_array() or language.members):
        raise Cannot(Diagnostic("unsupported-operator", "a row for each element of these is not supported here", node.span))
    if not place.is_array():
        ctx.places[column.id] = replace(place, steps=(*place.steps, ELEMENT))
        return _members(ctx, column, array, part, node)
    where = path_of(place.column, place.steps)
    ctx.say("array-assumed", f"{where} is an array by the documentation of {place.table}", node.span)
    if part.flag is not None:
        ctx.separate()
    found = Apply(node.span, Type.BOOL, "matches regex", (of, const(EMPTY_ARRAY)))
    empty = language.atoms["matches regex"](array.text, found.args[1:], found)
    ctx.keep(part, [language.negated.format(empty)])
    ctx.places[column.id] = element = replace(place, steps=(*place.steps, ELEMENT))
    kind = "part" if element.is_plain() else "json"
    return _each(ctx, column, language.elements.format(array.text), kind, part, node, language.element)


def _members(ctx: Context, column: Column, whole: Value, part: Part, node: o.Expand) -> Part:
    """A row for each element of an array or property of an object in a text that may hold JSON, none of an empty one, else one row."""
    language = ctx.language
    if ctx.name_of(whole) is None:
        name = ctx.free(f"{column.name}_of")
        ctx.commands.append(ctx.eval([(name, whole.text)]))
        whole = replace(whole, text=ctx.quoted(name), simple=True)
    asked = Apply(node.span, Type.BOOL, "matches regex", (ColumnRef(node.span, Type.STRING, column), const(EMPTY)))
    empty = language.atoms["matches regex"](whole.text, asked.args[1:], asked)
    ctx.keep(part, [language.negated.format(empty)])
    ctx.say("array-assumed", f"{column.name} is taken apart where its text is that of an array or object", node.span)
    return _each(ctx, column, language.members.format(whole.text), "json", part, node, language.member.format("{0}", whole.text))


def _element(ctx: Context, column: Column, value: Value, node: o.Expand) -> Value:
    """An element as the type that ``mv-expand`` gives it, where that is its own."""
    if column.type == Type.STRING and value.kind == "part":
        return replace(value, kind="text")
    if column.type in (Type.DYNAMIC, Type.UNKNOWN) or KINDS[column.type] == value.kind:
        return value
    raise Cannot(Diagnostic("unsupported-operator", "elements of another type are not supported here", node.span))


def _torn(ctx: Context, column: Column, text: Expr, mark: str, part: Part, node: o.Expand) -> Part:
    """A row for each part of a text; an empty one is its only part."""
    parts = ctx.language.split.format(ctx.values().simplest(text).text, ctx.language.string(mark))
    return _each(ctx, column, parts, "text", part, node)


MOST_STEPS = 1_000
"""How many rows are made of one by writing out their numbers."""


def _bins_between(start: Expr, stop: Expr, step: Expr) -> int:
    """How many bins of a size there are from that of a moment a known time before another one to that of it; 0 where that is not known.

    ``range(bin(t - w, s), bin(t, s), s)`` is how rows are joined with those of the time before them:
    learn.microsoft.com/kusto/query/join-time-window.
    """
    match start, stop:
        case Apply(function="bin", args=(Apply(function="-", args=(moment, before)), size)), Apply(function="bin", args=(other, same)):
            ticks, back = known_span(step) or 0, known_span(before) or 0
            if moment == other and ticks > 0 and ticks % TICKS == 0 and {known_span(size), known_span(same)} == {ticks}:
                return back // ticks + 1 if back >= 0 and back % ticks == 0 and back // ticks < MOST_STEPS else 0
    return 0


def _stepped(ctx: Context, column: Column, start: Expr, count: int, step: Expr, part: Part, node: o.Expand) -> Part:
    """A row for each of so many moments from one on."""
    values, seconds = ctx.values(), (known_span(step) or 0) // TICKS
    first = values.of_kind(simplify(start), "time")
    if first.nullable or column.type not in (Type.DATETIME, Type.DYNAMIC, Type.UNKNOWN):
        raise Cannot(Diagnostic("unsupported-operator", "a row for each element of these is not supported here", node.span))
    language = ctx.language
    numbers = language.split.format(language.string(",".join(str(n * seconds) for n in range(count))), language.string(","))
    found = _each(ctx, Column(column.id, "seconds", Type.STRING), numbers, "text", part, node, distinct=True)
    name, after = ctx.named(column), Value(language.digits["tolong"].format(ctx.columns[column.id].text), "span")
    ctx.commands.append(ctx.eval([(name, values.moved(first, "+", after))]))
    ctx.columns[column.id] = Value(ctx.quoted(name), "time", False, simple=True, rounded=first.rounded)
    return found


def _enumerated(ctx: Context, column: Column, elements: tuple[Expr, ...], part: Part, node: o.Expand) -> Part:
    """A row for each of several values, told by its number."""
    language, values = ctx.language, ctx.values()
    found = [as_typed(values.value(simplify(x)), replace(x, type=column.type) if isinstance(x, Path) else x) for x in elements]
    if len({v.kind for v in found}) > 1 or found[0].kind not in ORDERED | {"text", "part"}:
        raise Cannot(Diagnostic("unsupported-operator", "a row for each element of these is not supported here", node.span))
    marks = [str(number) for number, _ in enumerate(found, 1)]
    numbers = language.split.format(language.string(",".join(marks)), language.string(","))
    expanded = _each(ctx, Column(column.id, "element", Type.STRING), numbers, "text", part, node, distinct=True)
    mark, name = ctx.columns[column.id].text, ctx.named(column)
    chosen = [(values.between(mark, "==", language.string(m)), v.text) for m, v in zip(marks[:-1], found, strict=False)]
    ctx.commands.append(ctx.eval([(name, language.chosen(chosen, found[-1].text) if chosen else found[-1].text)]))
    value = replace(found[0], text=ctx.quoted(name), nullable=any(v.nullable for v in found), simple=True, natural=False, positive=False)
    ctx.columns[column.id] = _element(ctx, column, replace(value, digits=False, rounded=False, laid_out=False), node)
    return expanded


def _counted(ctx: Context, column: Column, start: Value, stop: Value, step: Expr, part: Part, node: o.Expand) -> Part:
    """A row for each whole number, or each moment of a whole second, from one to another, both included."""
    by = step.value if isinstance(step, Const) and isinstance(step.value, int) else 0
    if start.kind == "time":
        by = (known_span(step) or 0) // TICKS if (known_span(step) or 0) % TICKS == 0 else 0
    whole = start.kind == "int" or (start.kind == "time" and start.rounded and stop.rounded)
    if by <= 0 or not whole or start.kind != stop.kind or start.nullable or stop.nullable:
        raise Cannot(Diagnostic("unsupported-operator", "a row for each element of these is not supported here", node.span))
    values = ctx.values()
    ctx.keep(part, [values.between(grouped(start), "<=", grouped(stop))])
    listed, number = ctx.language.numbers
    several = listed.format(start.text, f"{grouped(stop)}+1", by)
    found = _each(ctx, column, several, start.kind, part, node, distinct=True)
    name = ctx.columns[column.id].text
    ctx.columns[column.id] = replace(ctx.columns[column.id], rounded=start.kind == "time")
    ctx.commands.append(ctx.eval([(name, number.format(name))]))
    return found


def _each(
    ctx: Context, column: Column, several: str, kind: str, part: Part, node: o.Expand, element: str = "", distinct: bool = False
) -> Part:
    """A row for each of several values of a row, which stands once, and one with an empty text where there is none.

    Args:
        element: what is made of each.
        distinct: whether no two of a row are the same.
    """
    part, language, name = ctx.single(part, node), ctx.language, ctx.named(column)
    values = language.functions["coalesce"].words.format(f"{several}, {language.string('')}")
    if part.flag is not None:
        ctx.separate()
        values = language.chosen([(ctx.present(part.flag), values)], language.string(""))
    ctx.commands.append(ctx.eval([(name, values)]))
    ctx.expanded(name, distinct, part.flag)
    if element:
        values = language.functions["coalesce"].words.format(f"{element.format(ctx.quoted(name))}, {language.string('')}")
        ctx.commands.append(ctx.eval([(name, values)]))
    ctx.columns[column.id] = _element(ctx, column, Value(ctx.quoted(name), kind, False, simple=True), node)
    return replace(part, unique=None, spread=None)


def unrolled_by(node: o.Expand) -> o.Aggregate | None:
    """The summary of whose lists an operator makes rows again: of lists that belong together, or of one set."""
    below, lists = node.input, [x.column for _, x in node.items if isinstance(x, ColumnRef)]
    if node.index is not None or node.limit is not None or node.pairs or len(lists) < len(node.items):
        return None
    while isinstance(below, o.Filter | o.Compute | o.Project | o.Arrange):
        if isinstance(below, o.Filter) and subqueries_of(below.predicate):
            return None
        below = below.input
    if not isinstance(below, o.Aggregate):
        return None
    made = dict(below.aggregates)
    functions = [x.function for c in lists if isinstance(x := made.get(c), Apply) and not any(map(_is_limit, x.args[1:]))]
    return below if functions == ["make_set"] or (functions and functions == ["make_list"] * len(lists)) else None


def _is_limit(expr: Expr) -> bool:
    return not (isinstance(expr, Const) and isinstance(expr.value, int) and expr.value >= UNLIMITED)
