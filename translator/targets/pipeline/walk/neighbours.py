"""Values of the row before or behind another one: ``prev`` and ``next`` of rows that are sorted.

Rows that a sort leaves in no order of their own may stand in any: nothing but what they are sorted by may decide, or name a row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace

from translator.fidelity import Diagnostic
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, columns_of, transform, walk
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.pipeline.cuts import definitions
from translator.targets.pipeline.language import ORDERED, WRITTEN, Value
from translator.targets.pipeline.reading import deciding_of, made_by
from translator.targets.pipeline.walk.context import Context
from translator.targets.pipeline.walk.parts import Part

_MEASURES = frozenset({"sum", "avg", "min", "max", "stdev", "variance", "make_list", "make_set"})
_NUMBERS = frozenset({Type.INT, Type.LONG, Type.REAL, Type.TIMESPAN})
_FIRST = -2 * 10**9
"""Columns of neighbours have numbers below this."""


def with_neighbours(ctx: Context, node: o.Filter | o.Compute | o.Project, part: Part) -> o.Filter | o.Compute | o.Project:
    """An operator that reads the values of neighbours as columns, once these are written.

    Raises:
        Cannot: where the order of the rows is not that of the query, or something else is asked of neighbours.
    """
    exprs = [node.predicate] if isinstance(node, o.Filter) else [x for c, x in node.items if ctx.needed(c)]
    asked = dict.fromkeys(n for x in exprs for n in walk(x) if isinstance(n, Apply) and n.function in ("prev", "next"))
    if not asked:
        return node
    keys = _sorted_by(node.input)
    if not keys or part.flag is not None or part.spread is not None:
        raise Cannot(Diagnostic("unsupported-operator", "rows next to others are not supported here", node.span))
    sorted_by = {c for k in keys for c in columns_of(k.expr)}
    above = [*itertools.takewhile(lambda r: r is not node, ctx.cut.operators()), node]
    if not all(_is_told(ctx, c, sorted_by) for c in _read_above(ctx, above)):
        if not any(ctx.values().simplest(k.expr).kind == "time" for k in keys):
            message = "rows next to others that may stand in any order are not supported here"
            raise Cannot(Diagnostic("unsupported-operator", message, node.span))
        ctx.say("arbitrary-row", "rows of one moment stand next to each other in any order, in the query as in the output", node.span)
    ctx.commands.append(ctx.sort([each for k in keys for each in _keys(ctx, k)]))
    named: dict[Expr, Column] = {} if isinstance(node, o.Filter) else {x: c for c, x in node.items if x in asked and ctx.needed(c)}
    found = dict[Expr, Expr]()
    for function in ("prev", "next"):
        found |= _written(ctx, [w for w in asked if w.function == function], function == "next", named)

    def replaced(expr: Expr) -> Expr:
        return transform(expr, lambda n: found.get(n, n))

    if isinstance(node, o.Filter):
        return replace(node, predicate=replaced(node.predicate))
    return replace(node, items=tuple((c, replaced(x)) for c, x in node.items))


def _written(ctx: Context, windows: list[Apply], behind: bool, named: Mapping[Expr, Column]) -> dict[Expr, Expr]:
    """Gives each row the values of its neighbour, as columns of their own, some of which the query names."""
    if not windows:
        return {}
    before, pairs, found, values = list[tuple[str, str]](), list[tuple[str, str]](), dict[Expr, Expr](), dict[int, Value]()
    for number, window in enumerate(windows):
        match window.args:
            case (ColumnRef() as subject,) | (ColumnRef() as subject, Const(value=1)):
                value = ctx.values().simplest(subject)
            case _:
                raise ctx.values().refuse(window)
        if value.kind not in ORDERED | {"text"}:
            raise ctx.values().refuse(window)
        source = ctx.name_of(value)
        if source is None:
            source = ctx.free(subject.column.name)
            before.append((source, value.text))
        name = ctx.named(named[window]) if window in named else ctx.free(f"{window.function}_{subject.column.name}")
        column = Column(_FIRST - len(ctx.commands) * len(windows) - number, name, window.type)
        pairs.append((source, name))
        found[window] = ColumnRef(window.span, window.type, column)
        values[column.id] = replace(value, text=ctx.quoted(name), nullable=value.kind not in WRITTEN, simple=True, positive=False)
    if before:
        ctx.commands.append(ctx.eval(before))
    ctx.shifted(pairs, behind)
    texts = [name for (_, name), value in zip(pairs, values.values(), strict=True) if value.kind in WRITTEN]
    filled = ctx.language.functions["coalesce"].words
    if texts:  # a text is never missing
        ctx.commands.append(ctx.eval([(n, filled.format(f"{ctx.quoted(n)}, {ctx.language.string('')}")) for n in texts]))
    ctx.columns |= values
    return found


def _sorted_by(node: o.Relation) -> tuple[o.Ordering, ...]:
    """By what the rows of a relation are sorted; nothing where they are not."""
    while isinstance(node, o.Compute | o.Project | o.Filter | o.Arrange):
        node = node.input
    return node.keys if isinstance(node, o.Sort) else ()


def _keys(ctx: Context, key: o.Ordering) -> list[tuple[str, bool]]:
    """What sorts rows as the query does: by a text as by its letters, without a value before or behind all others."""
    value = ctx.values().simplest(key.expr)
    name, found = ctx.name_of(value), list[tuple[str, bool]]()
    if value.kind not in ORDERED | {"text"}:
        raise ctx.values().refuse(key.expr)
    if name is None:
        name = ctx.free("sort_key")
        ctx.commands.append(ctx.eval([(name, value.text)]))
    if value.nullable:
        first, last = ("0", "1") if key.nulls_first else ("1", "0")
        found.append((ctx.free(f"{name}_given"), False))
        ctx.commands.append(ctx.eval([(found[0][0], ctx.language.chosen([(ctx.language.missing.format(ctx.quoted(name)), first)], last))]))
    return [*found, (ctx.by_letters(name) if value.kind == "text" else name, key.descending)]


def _read_above(ctx: Context, above: list[o.Relation]) -> set[Column]:
    """The columns below operators that decide above, or that the result shows other than as a number of several rows."""
    made = made_by(above)
    todo: list[Expr] = [*deciding_of(above), *(ColumnRef(None, c.type, c) for _, c in ctx.names if ctx.needed(c))]
    found, seen = set[Column](), set[int]()
    while todo:
        for column in columns_of(todo.pop()):
            if column.id in seen:
                continue
            seen.add(column.id)
            match made.get(column.id):
                case None:
                    found.add(column)
                case Apply(function=function, args=(part, *_)) if (
                    function in _MEASURES and part.type in _NUMBERS and column.id not in ctx.decides
                ):
                    pass
                case expr:
                    todo.append(expr)
    return found


def _is_told(ctx: Context, column: Column, by: Iterable[Column]) -> bool:
    """Whether rows that have the same values in some columns have the same in another one."""
    if column in by:
        return True
    made: dict[int, Expr] = {c: x for head in ctx.cut.heads for c, x in definitions(head).items()} | ctx.made
    expr = made.get(column.id)
    return expr is not None and all(_is_told(ctx, c, by) for c in columns_of(expr) if c != column)
