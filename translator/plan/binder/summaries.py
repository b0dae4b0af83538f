"""Operators that group rows: summarize, make-series, top-nested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.items import check_distinct_names, check_several, named_items, number_name
from translator.plan.binder.operand_types import check_arguments, check_axis, check_is, check_step
from translator.plan.binder.parameters import operator_name, word
from translator.plan.binder.placement import check_grouped
from translator.plan.binder.problems import Problem
from translator.plan.binder.projections import as_read, row_count
from translator.plan.binder.scopes import Scope, Table
from translator.plan.functions import canonical, result_type
from translator.plan.naming import automatic_name, fresh
from translator.plan.types import Type


def summarize(ctx: Context, table: Table, node: s.Summarize, scope: Scope) -> Table:
    """A row for each group, with its keys and its aggregates. Names that are taken get a number, as Kusto gives it.

    Raises:
        BindError: where a column stands outside of an aggregate, or a key is dynamic.
    """
    check_distinct_names(ctx, (*node.by, *(a for a in node.aggregates if isinstance(a, s.Named))))
    keys = [(ctx.column_of(n, x), x) for n, x in named_items(ctx, table, node.by, scope)]
    for _, value in keys:
        check_is(ctx, "summarize groups by", value, "notdynamic", value.span or node.span)
    if node.bin is not None:
        # ``by bin(...)`` is written ``by x, y step`` in the oldest form: the last key is rounded down to it.
        step = ctx.expression(node.bin, None, scope)
        column, value = keys[-1]
        keys[-1] = (column, e.Apply(value.span, value.type, "bin", (value, step)))
    taken = [c.name for c, _ in keys]
    found: list[tuple[e.Column, e.Expr]] = []
    for item in node.aggregates:
        columns = _aggregate_columns(ctx, table, item, [x for _, x in keys], scope)
        for index, (name, expr) in enumerate(columns):
            name = name or number_name(ctx, item, {}, scope)
            if index == 0:  # all columns of an item are made of the same parts
                check_grouped(ctx, item, expr, scope)
            before = [c.name for c, _ in found]
            if isinstance(item, s.Named) and index == 0 and len(columns) > 1 and name in before:
                found[before.index(name)] = (ctx.column_of(name, expr), expr)
                continue
            name = fresh(name, taken)
            taken.append(name)
            found.append((ctx.column_of(name, expr), expr))
    result = grouped(ctx, table, node.span, tuple(keys), tuple(found), [c.name for c, _ in (*keys, *found)])
    carried = any(isinstance(a, s.Star) for item in node.aggregates for a in s.walk(item))
    return replace(result, behind=table.open_sources) if carried else result


def _aggregate_columns(ctx: Context, table: Table, item: s.Node, keys: list[e.Expr], scope: Scope) -> list[tuple[str, e.Expr]]:
    """The columns of one item of summarize; the name is empty where KQL numbers it."""
    value = item.value if isinstance(item, s.Named) else item
    given = [n.value for n in item.names] if isinstance(item, s.Named) else []
    while isinstance(value, s.Parenthesized):
        value = value.value
    call = value if isinstance(value, s.Call) else None
    name = canonical(call.name) if call else ""
    star = any(isinstance(a, s.Star) for a in call.arguments) if call else False
    if call and name in ("arg_max", "arg_min") and call.arguments:
        columns = _arg_columns(ctx, table, call, name, keys, scope)
    elif call and name == "take_any" and (call.name == "take_any" or len(call.arguments) > 1 or star):
        listed = _columns_beside(ctx, table, keys) if star else _listed_columns(ctx, table, call.arguments, scope)
        columns = [
            (f"any_{n or f'arg{number}'}" if call.name == "any" or not n else n, e.Apply(call.span, x.type, "take_any", (x,)))
            for number, (n, x) in enumerate(listed)
        ]
    elif call and name in ("percentiles", "percentilesw") and len(call.arguments) > 1:
        weighted = name == "percentilesw"
        args = [ctx.expression(a, table, scope) for a in call.arguments]
        check_arguments(ctx, call, args, scope)
        subject, ranks = args[: 1 + weighted], args[1 + weighted :]
        kind = result_type(name, [a.type for a in args])
        suffixes = [str(r.value).replace(".", "_") if isinstance(r, e.Const) else str(i) for i, r in enumerate(ranks)]
        columns = [
            (
                f"percentile_{automatic_name(call.arguments[0])}_{suffix}",
                e.Apply(call.span, kind, name[:-1] if not weighted else "percentilew", (*subject, rank)),
            )
            for suffix, rank in zip(suffixes, ranks, strict=True)
        ]
    else:
        named, found = automatic_name(value), ctx.expression(value, table, scope)
        match found:
            case e.Apply(function="percentile" | "percentilew", args=(*_, e.Const(value=int() | float() as rank))) if named.endswith("_"):
                named += str(rank).replace(".", "_")  # a constant that no literal is names its column too
        columns = [(named, found)]
    if isinstance(item, s.Named):
        check_several(ctx, item, len(columns))
    names = [*given[: len(columns)], *(n for n, _ in columns[len(given) :])]
    return list(zip(names, (x for _, x in columns), strict=True))


def _columns_beside(ctx: Context, table: Table, keys: list[e.Expr]) -> list[tuple[str, e.Expr]]:
    """What ``*`` is in a summary: every column that is no key."""
    own = {x.column for x in keys if isinstance(x, e.ColumnRef)}
    return [(n, e.ColumnRef(None, c.type, c)) for n, c in ctx.own_columns(table).items() if c not in own]


def _listed_columns(ctx: Context, table: Table, arguments: Iterable[s.Node], scope: Scope) -> list[tuple[str, e.Expr]]:
    """Arguments and their names, which are empty where the function gives them one."""
    return [(automatic_name(a), ctx.expression(a.value if isinstance(a, s.Named) else a, table, scope)) for a in arguments]


def _arg_columns(ctx: Context, table: Table, call: s.Call, function: str, keys: list[e.Expr], scope: Scope) -> list[tuple[str, e.Expr]]:
    """The extreme value and the columns that it carries along: each is the value in the row of the extreme.

    Beside ``*`` no column stands twice, under another name neither: a further one is left out, as is a key.
    """
    first, *rest = call.arguments
    if isinstance(first, s.Star):
        ctx.problem(Problem("argument-type", first.span, f"{call.name}() takes * behind what it looks for, and not for that"))
    ((_, by),) = named_items(ctx, table, (first,), scope)[:1]
    check_is(ctx, f"{call.name}() takes", by, "orderable", first.span)
    named = automatic_name(first)
    older = function != call.name  # argmax() and argmin() put the first column's name before the others
    before = f"{function[4:]}_{named}"
    columns: list[tuple[str, e.Expr]] = [(before if older else named or before, by)]
    star = any(isinstance(a, s.Star) for a in rest)
    listed = [by, *keys] if star else [by]
    for number, argument in enumerate(rest, 1):
        if isinstance(argument, s.Star):
            others = [(n, x) for n, x in _columns_beside(ctx, table, keys) if x not in listed]
            columns += [(f"{before}_{n}" if older else n, x) for n, x in others]
            listed += [x for _, x in others]
            continue
        value = ctx.expression(argument.value if isinstance(argument, s.Named) else argument, table, scope)
        if star and isinstance(value, e.ColumnRef) and value in listed:
            continue
        listed.append(value)
        shown = automatic_name(argument)
        columns.append((shown if shown and not older else f"{before}_{shown or f'arg{number}'}", value))
    return [(n, e.Apply(call.span, x.type, function, (by, x))) for n, x in columns]


def grouped(
    ctx: Context, table: Table, span: e.Span, keys: tuple[tuple[e.Column, e.Expr], ...],
    aggregates: tuple[tuple[e.Column, e.Expr], ...], names: list[str],
) -> Table:  # fmt: skip
    """A summarize. Inside mv-apply it also groups by the expanded row and carries that row's columns on."""
    columns = [c for c, _ in (*keys, *aggregates)]
    shown = dict(zip(names, columns, strict=True))
    if table.row is None:
        return Table(o.Aggregate(span, table.relation, keys, aggregates), shown)
    row = ctx.column("", table.row.type)
    carried = {n: (ctx.column(n, c.type), e.ColumnRef(span, c.type, c)) for n, c in table.outer.items()}
    kept = tuple((c, e.Apply(span, c.type, "take_any", (x,))) for c, x in carried.values())
    relation = o.Aggregate(span, table.relation, (*keys, (row, e.ColumnRef(span, row.type, table.row))), (*aggregates, *kept))
    if table.parts is not None and not keys:
        return _of_each_part(ctx, table, relation, aggregates, row, shown)
    return Table(relation, shown, (), {n: c for n, (c, _) in carried.items()}, row, table.parts)


def _of_each_part(
    ctx: Context,
    table: Table,
    found: o.Aggregate,
    aggregates: tuple[tuple[e.Column, e.Expr], ...],
    row: e.Column,
    names: Mapping[str, e.Column],
) -> Table:
    """A summarize without keys inside partition: a part of which no row is left has a row too."""
    assert table.parts is not None
    parts, key = table.parts
    a, b = e.ColumnRef(None, key.type, key), e.ColumnRef(None, row.type, row)
    none = e.conjunction(*(e.Apply(None, Type.BOOL, "isnull", (x,)) for x in (a, b)))
    same = e.disjunction(e.Apply(None, Type.BOOL, "==", (a, b)), *([none] if key.type != Type.STRING else []))
    present = ctx.column("", Type.LONG)
    marked = o.Aggregate(found.span, found.input, found.keys, (*found.aggregates, (present, e.Apply(None, Type.LONG, "count", ()))))
    both = o.Join(found.span, parts, marked, "leftouter", (), same)
    empty = o.Filter(found.span, found.input, e.FALSE)
    computed: list[tuple[e.Column, e.Expr]] = []
    shown: dict[str, e.Column] = {}
    for (name, column), (_, expr) in zip(names.items(), aggregates, strict=True):
        alone = ctx.column(name, column.type)
        otherwise = e.Subquery(found.span, column.type, o.Aggregate(found.span, empty, (), ((alone, expr),)), True, alone)
        missing = e.Apply(None, Type.BOOL, "isnull", (e.ColumnRef(None, Type.LONG, present),))
        shown[name] = ctx.column(name, column.type)
        value = e.Apply(found.span, column.type, "iff", (missing, otherwise, e.ColumnRef(None, column.type, column)))
        computed.append((shown[name], value))
    carried = dict.fromkeys(table.outer, key)
    return Table(o.Compute(found.span, both, tuple(computed)), shown, (), carried, key, table.parts)


def make_series(ctx: Context, table: Table, node: s.MakeSeries, scope: Scope) -> Table:
    """A row for each group, whose arrays have a value for each step of the axis, and the axis as an array."""
    check_distinct_names(ctx, (*(a.value for a in node.aggregates if isinstance(a.value, s.Named)), *node.by, node.on))
    keys = [(ctx.column_of(n, x), x) for n, x in named_items(ctx, table, node.by, scope)]
    shown = [c for c, _ in keys]
    row = ctx.column("", table.row.type) if table.row is not None else None
    if row is not None and table.row is not None:
        keys.append((row, e.ColumnRef(node.span, row.type, table.row)))
    found: list[tuple[e.Column, e.Expr, e.Expr]] = []
    taken = [c.name for c in shown]
    for aggregate in node.aggregates:
        default = ctx.expression(aggregate.default, None, scope) if aggregate.default is not None else e.const(0)
        for name, expr in named_items(ctx, table, (aggregate.value,), scope):
            found.append((ctx.column(fresh(name, taken), Type.DYNAMIC), expr, default))
            taken.append(found[-1][0].name)
    ((axis, on),) = named_items(ctx, table, (node.on,), scope)[:1]
    start = ctx.expression(node.start, None, scope) if node.start is not None else None
    stop = ctx.expression(node.stop, None, scope) if node.stop is not None else None
    step = ctx.expression(node.step, None, scope)
    for given, bound in ((node.start, start), (node.stop, stop)):
        if given is not None and bound is not None:
            check_axis(ctx, given.span, on, as_read(ctx, table, given, bound, scope))
    if not isinstance(node.step, s.Dynamic):  # a dynamic is not known to be of another type
        check_step(ctx, on, as_read(ctx, table, node.step, step, scope), node.step.span)
    column = ctx.column(fresh(axis, taken), Type.DYNAMIC)
    nonempty = any(p.name == "kind" and word(p.value) == "nonempty" for p in node.parameters)
    relation = o.Series(node.span, table.relation, tuple(keys), tuple(found), column, on, start, stop, step, node.in_range, nonempty)
    return Table(relation, {c.name: c for c in (*shown, *(c for c, _, _ in found), column)}, row=row, parts=table.parts)


def top_nested(ctx: Context, table: Table, node: s.TopNested, scope: Scope) -> Table:
    """The columns of ``top-nested``: a key and its aggregate for each level."""
    names: dict[str, e.Column] = {}
    parts: list[o.TopNestedPart] = []
    for part in node.parts:
        ((of_name, of),) = named_items(ctx, table, (part.of,), scope)[:1]
        ((by_name, by),) = named_items(ctx, table, (part.by.value,), scope)[:1]
        check_grouped(ctx, part.by.value, by, scope)
        of_name = fresh(of_name, names)
        by_name = fresh(by_name if isinstance(part.by.value, s.Named) else f"aggregated_{of_name}", (*names, of_name))
        key, value = ctx.column_of(of_name, of), ctx.column_of(by_name, by)
        count = row_count(ctx, table, node, part.count, scope) if part.count is not None else None
        others = ctx.expression(part.others, None, scope) if part.others is not None else None
        parts.append(o.TopNestedPart(key, of, value, by, part.by.direction != "asc", count, others))
        names |= {key.name: key, value.name: value}
    reason = f"the operator {operator_name(node)} is not supported yet"
    return Table(o.TopNested(node.span, table.relation, reason, tuple(parts)), names)
