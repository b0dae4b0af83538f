"""Operators that choose, compute and order columns and rows: extend, project and its like, distinct, sort keys, limits."""

from __future__ import annotations

import re
from dataclasses import replace

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.items import check_distinct_names, named_items
from translator.plan.binder.names import check_pattern, named_column, resolve
from translator.plan.binder.operand_types import check_is
from translator.plan.binder.parameters import operator_name
from translator.plan.binder.problems import Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.naming import fresh, like, matches


def extend(ctx: Context, table: Table, items: tuple[s.Node, ...], scope: Scope, span: e.Span, replacing: bool = True) -> Table:
    """Items of one extend see the input only, so ``extend b = a, a = 1`` reads the old ``a``.

    Args:
        replacing: whether a new column takes the place of one of its name; serialize numbers it instead, as the official binder does.
    """
    if replacing:
        check_distinct_names(ctx, items)
    computed, found = [], named_items(ctx, table, items, scope, fresh_names=False)
    names = dict(table.names)  # with what the items have said of an open table
    for name, expr in found:
        if not replacing:
            if isinstance(expr, e.ColumnRef) and names.get(name) == expr.column:
                continue
            name = fresh(name, names)
        column = ctx.column_of(name, expr)
        computed.append((column, expr))
        names[name] = column
    return table.over(o.Compute(span, table.relation, tuple(computed)), names)


def project(ctx: Context, table: Table, items: tuple[s.Node, ...], scope: Scope, span: e.Span) -> Table:
    """The same rows with these columns alone, in their order."""
    check_distinct_names(ctx, items)
    names: dict[str, e.Column] = {}
    computed = []
    for name, expr in named_items(ctx, table, items, scope):
        if isinstance(expr, e.ColumnRef):
            names[name] = expr.column
            continue
        column = ctx.column_of(name, expr)
        computed.append((column, expr))
        names[name] = column
    relation = o.Compute(span, table.relation, tuple(computed)) if computed else table.relation
    return table.over(relation, names, open=False)


def project_some(
    ctx: Context, table: Table, node: s.ProjectAway | s.ProjectKeep | s.ProjectRename | s.ProjectReorder | s.ProjectByNames, scope: Scope
) -> Table:
    """The same rows under other names, in another order, or fewer of their columns."""
    names, open, gone = table.names, True, set[str]()
    match node:
        case s.ProjectAway(columns=columns):
            for pattern in columns:
                check_pattern(ctx, table, pattern)
                if isinstance(pattern, s.NameReference):
                    named_column(ctx, table, pattern.name, pattern.span, scope)
                    gone.add(pattern.name)
            names = {n: c for n, c in names.items() if not any(matches(p, table.doubled.get(n, n)) for p in columns)}
            gone |= table.names.keys() - names.keys()
        case s.ProjectKeep(columns=columns):
            for pattern in columns:
                check_pattern(ctx, table, pattern)
                if isinstance(pattern, s.NameReference):
                    named_column(ctx, table, pattern.name, pattern.span, scope)
            names, open = {n: c for n, c in table.names.items() if any(matches(p, n) for p in columns)}, False
        case s.ProjectByNames(names=wanted):
            given = [ctx.expression(x, table, scope) for x in wanted]
            flat = [v.value for x in given for v in (x.items if isinstance(x, e.Items) else (x,)) if isinstance(v, e.Const)]
            shown = [n for given in map(str, flat) for n in (like(given, table.names) if "*" in given else [given])]
            names, open = {n: c for n in shown if (c := resolve(ctx, table, n)) is not None}, False
        case s.ProjectRename(items=items):
            renamed: dict[str, str] = {}
            for item in items:
                if isinstance(item, s.Named) and isinstance(item.value, s.NameReference):
                    named_column(ctx, table, item.value.name, item.value.span, scope)
                    renamed[item.value.name] = item.names[0].value
                elif isinstance(item, s.Named):
                    ctx.problem(Problem("unknown-column", item.value.span, "project-rename takes the name of a column here"))
            for item in items:
                if isinstance(item, s.Named) and (new := item.names[0]).value in table.names:
                    told = f"there is a column '{new.value}' here already: take it away before, with project-away"
                    ctx.problem(Problem("repeated-name", new.span, told))
            check_distinct_names(ctx, items)
            names = {renamed.get(n, n): c for n, c in table.names.items()}
            gone |= renamed.keys()
        case s.ProjectReorder(columns=ordered):
            check_distinct_names(ctx, [key.value for key in ordered])
            front: list[str] = []
            for key in ordered:
                if isinstance(key.value, s.NameReference):
                    named_column(ctx, table, key.value.name, key.value.span, scope)
                found = [n for n in table.names if isinstance(key.value, s.Star) or matches(key.value, n)]
                order = _natural if key.direction and key.direction.startswith("granny") else str.lower
                front += sorted(found, key=order, reverse=key.direction.endswith("desc")) if key.direction else found
            names = {n: table.names[n] for n in dict.fromkeys([*front, *table.names])}
    chosen = table.over(table.relation, names, open)
    return replace(chosen, hidden={**chosen.hidden, **dict.fromkeys(gone)}) if gone and open else chosen


def _natural(name: str) -> list[tuple[int, str]]:
    """Orders names as people do: ``a2`` before ``a10``. Source: learn.microsoft.com/kusto/query/project-reorder-operator."""
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]


def distinct(ctx: Context, table: Table, items: tuple[s.Node, ...], scope: Scope, span: e.Span) -> Table:
    """Each combination of values once: of these columns, or of all where one of them is ``*``.

    Within ``mv-apply`` and ``partition`` it is once for each row or part.
    """
    everything = any(isinstance(i, s.Star) for i in items)
    if everything:  # the columns that are named come first
        own = ctx.own_columns(table)
        named = [item.name for item in items if isinstance(item, s.NameReference) and item.name in own]
        projected = replace(table, names={**{name: own[name] for name in named}, **own})
    else:
        projected = project(ctx, table, items, scope, span)
    columns = tuple(projected.names.values())
    for column in columns:
        check_is(ctx, "distinct takes", e.ColumnRef(None, column.type, column), "notdynamic", span)
    partition = (table.row,) if table.row else ()
    return table.over(o.Distinct(span, projected.relation, (*partition, *columns)), projected.names, everything)


def orderings(ctx: Context, table: Table, keys: tuple[s.Ordered, ...], scope: Scope) -> tuple[o.Ordering, ...]:
    """Sort keys; without a direction it is descending, and nulls come first where it ascends."""
    found = []
    for key in keys:
        value = key.value.value if isinstance(key.value, s.Named) else key.value
        descending = key.direction != "asc"
        nulls_first = key.nulls == "first" if key.nulls else not descending
        found.append(o.Ordering(ctx.expression(value, table, scope), descending, nulls_first))
    return tuple(found)


def row_count(ctx: Context, table: Table, node: s.Operator, count: s.Node, scope: Scope) -> e.Expr:
    """How many rows an operator keeps: a whole number."""
    limit = ctx.expression(count, None, scope)
    check_is(ctx, f"{operator_name(node)} takes", as_read(ctx, table, count, limit, scope), "integer", count.span)
    return limit


def as_read(ctx: Context, table: Table, node: s.Node, value: e.Expr, scope: Scope) -> e.Expr:
    """A value that no row changes: ``value``, or the column whose name stands in its place, for its type."""
    names = [p.name for p in s.walk(node) if isinstance(p, s.NameReference)]
    if not isinstance(node, s.NameReference | s.Member) or any(scope.find(n) is not None for n in names):
        return value
    return ctx.expression(node, table, scope)


def limited(ctx: Context, table: Table, node: s.Operator, count: s.Node, by: tuple[s.Ordered, ...], scope: Scope) -> Table:
    """Some rows of the table: the first ones by ``by``, or any where nothing orders them."""
    limit = row_count(ctx, table, node, count, scope)
    partition = (table.row,) if table.row else ()
    return table.over(
        o.Limit(node.span, table.relation, operator_name(node), limit, orderings(ctx, table, by, scope), partition), table.names
    )
