"""Operators with a pipeline of their own for each row or value: mv-expand, mv-apply, partition."""

from __future__ import annotations

from dataclasses import replace

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.items import check_distinct_names, named_items
from translator.plan.binder.names import named_column
from translator.plan.binder.operand_types import check_is
from translator.plan.binder.parameters import operator_name, words
from translator.plan.binder.problems import Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.binder.sources import unsupported, unsupported_with
from translator.plan.naming import automatic_name, fresh
from translator.plan.types import Type, type_of


def _expanded(
    ctx: Context, table: Table, node: s.MvExpand | s.MvApply, items: tuple[s.ExpandItem, ...], scope: Scope
) -> tuple[o.Expand, dict[str, e.Column]]:
    """The expanded relation and the columns that it adds or replaces, by name."""
    parameters = words(node.parameters)
    added: dict[str, e.Column] = {}
    pairs: list[tuple[e.Column, e.Expr]] = []
    check_distinct_names(ctx, [item.value for item in items])
    for item in items:
        if item.type and type_of(item.type) is Type.UNKNOWN:
            ctx.problem(Problem("binding", item.span, f"there is no type {item.type}"))
        ((name, expr),) = named_items(ctx, table, (item.value,), scope)[:1]
        check_is(ctx, "what is expanded is", expr, "dynamic", item.value.span)
        added[name] = ctx.column(name, type_of(item.type) if item.type else Type.DYNAMIC)
        pairs.append((added[name], expr))
    index = None
    wanted = parameters.get("with_itemindex")
    if wanted:
        name = fresh(wanted, {**table.names, **added})
        index = added[name] = ctx.column(name, Type.LONG)
    limit = ctx.expression(node.limit, None, scope) if node.limit is not None else None
    bags = parameters.get("bagexpansion") or parameters.get("kind")
    return o.Expand(node.span, table.relation, tuple(pairs), index, limit, bags == "array"), added


def mv_expand(ctx: Context, table: Table, node: s.MvExpand, scope: Scope) -> Table:
    """A row for each element of its arrays; a column that is expanded under its own name is replaced."""
    relation, added = _expanded(ctx, table, node, node.items, scope)
    return table.over(relation, {**table.names, **added})


def mv_apply(ctx: Context, table: Table, node: s.MvApply, scope: Scope) -> Table:
    """The rows of each expanded row go through the pipeline on their own: what groups or limits does so by the row's number."""
    row = ctx.column("", Type.LONG)
    numbered = Table(o.Number(node.span, table.relation, row), dict(table.names), table.sources, dict(table.outer), behind=table.behind)
    relation, added = _expanded(ctx, numbered, node, node.items, scope)
    replaced = {automatic_name(i.value) for i in node.items if not isinstance(i.value, s.Named)}
    parents = {n: c for n, c in table.names.items() if n not in replaced}
    inner = Table(relation, added, table.sources, {**table.outer, **parents}, row, hidden=table.hidden, behind=table.behind)
    pipeline = node.pipeline
    if not (isinstance(pipeline, s.Pipeline) and pipeline.source is None):
        return unsupported_with(ctx, table, node, {})
    inner = _through(ctx, inner, pipeline.operators, scope)
    carried = {n: inner.outer.get(n, c) for n, c in parents.items()}
    return table.over(inner.relation, {**carried, **inner.names})


def partition(ctx: Context, table: Table, node: s.Partition | s.PartitionBy, scope: Scope) -> Table:
    """Each value of ``by`` goes through the pipeline on its own: what groups or limits does so for each."""
    by, pipeline, reason = node.by, node.pipeline, f"the operator {operator_name(node)} is not supported yet"
    column = named_column(ctx, table, by.name, by.span, scope) if isinstance(by, s.NameReference) else None
    if column is not None:
        check_is(ctx, "partition takes", e.ColumnRef(by.span, column.type, column), "notdynamic", by.span)
    if column is None or table.row is not None or (isinstance(node, s.Partition) and node.values is not None):
        return unsupported(ctx, None, node, reason)
    key = ctx.column(column.name, column.type)
    parts = o.Aggregate(node.span, table.relation, ((key, e.ColumnRef(node.span, column.type, column)),), ())
    operators: tuple[s.Operator, ...]
    if isinstance(node, s.Partition) and node.braces:
        # The pipeline has a source of its own, which is gone through once for each value of ``by``.
        source = pipeline.source if isinstance(pipeline, s.Pipeline) else pipeline
        operators = pipeline.operators if isinstance(pipeline, s.Pipeline) else ()
        assert source is not None
        own = ctx.table(source, scope)
        both = o.Join(node.span, parts, own.relation, "inner", ())
        inner = replace(own.over(both, dict(own.names)), outer={column.name: key}, row=key, parts=(parts, key))
    elif isinstance(pipeline, s.Pipeline) and pipeline.source is None:
        operators = pipeline.operators
        inner = replace(table.over(table.relation, dict(table.names)), outer={}, row=column, parts=(parts, key))
    else:
        return unsupported(ctx, None, node, reason)
    inner = _through(ctx, inner, operators, scope)
    return inner.alone(inner.relation)


def _through(ctx: Context, table: Table, operators: tuple[s.Operator, ...], scope: Scope) -> Table:
    """A table behind the operators of a pipeline that each row or value has; what ``as`` names there is a table of theirs."""
    for operator in operators:
        if isinstance(operator, s.As):
            rows = unsupported(ctx, None, operator, "a name for the rows of one part alone is not supported yet")
            scope = Scope(parent=scope, values={operator.name.value: rows})
        table = ctx.operator(table, operator, scope)
    return table
