"""Operators, each by the part of the binder that knows it, and those of a few lines."""

from __future__ import annotations

from dataclasses import replace

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder import file_profile
from translator.plan.binder.context import Context
from translator.plan.binder.expansions import mv_apply, mv_expand, partition
from translator.plan.binder.graphs import Graph, graph_match, graph_table, make_graph, mark_components
from translator.plan.binder.items import named_items
from translator.plan.binder.joins import join
from translator.plan.binder.lets import apply_function, instance, meaning_of
from translator.plan.binder.names import check_function, not_read
from translator.plan.binder.operand_types import check_is, check_is_column
from translator.plan.binder.parameters import check_words, operator_name, word
from translator.plan.binder.parsing import parse_pairs, parse_text
from translator.plan.binder.placement import check_single_rows
from translator.plan.binder.plugins import SCHEMA_COLUMNS, evaluate
from translator.plan.binder.problems import Problem
from translator.plan.binder.projections import distinct, extend, limited, orderings, project, project_some, row_count
from translator.plan.binder.scans import scan
from translator.plan.binder.scopes import Scope, Table
from translator.plan.binder.searches import search
from translator.plan.binder.sources import opened, unsupported, unsupported_with
from translator.plan.binder.summaries import grouped, make_series, summarize, top_nested
from translator.plan.binder.unions import OpenUnion, union, widened
from translator.plan.functions import find
from translator.plan.naming import automatic_name
from translator.plan.types import Type

_NOT_IN_PARTS = (
    s.Union | s.GetSchema | s.Evaluate | s.Find | s.Partition | s.PartitionBy | s.TopNested | s.TopHitters | s.Reduce | s.MakeGraph | s.Fork
    | s.Facet | s.Invoke
)  # fmt: skip
"""Operators that would see the rows of all parts as one inside ``partition`` and ``mv-apply``."""


def operator(ctx: Context, table: Table, node: s.Operator, scope: Scope) -> Table:
    """The table behind an operator. One that is not supported is kept as such, with the reason."""
    if isinstance(table, OpenUnion):
        table = widened(ctx, table, (node,), scope)
    if table.row is not None and isinstance(node, _NOT_IN_PARTS):
        reason = f"the operator {operator_name(node)} is not supported inside partition and mv-apply yet"
        out = ctx.operator(replace(table, row=None, parts=None), node, scope)
        return replace(out, relation=o.Unsupported(node.span, table.relation, reason))
    check_words(ctx, node)
    check_single_rows(ctx, node, scope)
    match node:
        case s.Where(predicate=predicate, span=span):
            value = predicate.value if isinstance(predicate, s.Named) else predicate
            condition = ctx.expression(value, table, scope)
            check_is(ctx, "where takes", condition, "bool", value.span)
            return table.over(o.Filter(span, table.relation, condition), table.names)
        case s.Extend(items=items, span=span):
            return extend(ctx, table, items, scope, span)
        case s.Serialize(items=items, span=span):
            serialized = table.over(o.Arrange(span, table.relation, "serialize"), table.names)
            return extend(ctx, serialized, items, scope, span, replacing=False) if items else serialized
        case s.Project(items=items, span=span):
            return project(ctx, table, items, scope, span)
        case s.ProjectAway() | s.ProjectKeep() | s.ProjectRename() | s.ProjectReorder() | s.ProjectByNames():
            return project_some(ctx, table, node, scope)
        case s.Summarize():
            return summarize(ctx, table, node, scope)
        case s.Distinct(items=items, span=span):
            return distinct(ctx, table, items, scope, span)
        case s.Count(span=span, name=name):
            column = ctx.column(name.value if name else "Count", Type.LONG)
            count = ((column, e.Apply(span, Type.LONG, "count", ())),)
            return grouped(ctx, table, span, (), count, [column.name])
        case s.Join() | s.Lookup():
            return join(ctx, table, node, scope)
        case s.Union(tables=tables):
            return union(ctx, node, tables, table, scope)
        case s.Sort(keys=keys, span=span):
            ordered = orderings(ctx, table, keys, scope)
            for ordering in ordered:
                check_is(ctx, "sort takes", ordering.expr, "notdynamic", ordering.expr.span or span)
            return table.over(o.Sort(span, table.relation, ordered), table.names)
        case s.Render() | s.As():
            return table.over(o.Arrange(node.span, table.relation, operator_name(node)), table.names)
        case s.Consume():
            return table.over(o.Arrange(node.span, table.relation, operator_name(node)), {}, open=False)
        case s.Take(count=limit) | s.Sample(count=limit):
            return limited(ctx, table, node, limit, (), scope)
        case s.Top(count=limit, by=by):
            return limited(ctx, table, node, limit, (by,), scope)
        case s.Parse():
            return parse_text(ctx, table, node, scope)
        case s.ParseKv():
            return parse_pairs(ctx, table, node, scope)
        case s.MvExpand():
            return mv_expand(ctx, table, node, scope)
        case s.MvApply():
            return mv_apply(ctx, table, node, scope)
        case s.MakeSeries():
            return make_series(ctx, table, node, scope)
        case s.SampleDistinct(of=of, count=limit, span=span):
            check_is_column(ctx, "sample-distinct takes", of)
            return limited(ctx, distinct(ctx, table, (of,), scope, span), node, limit, (), scope)
        case s.GetSchema():
            return _get_schema(ctx, table, node)
        case s.Evaluate():
            return evaluate(ctx, table, node, scope)
        case s.Search() | s.Find():
            return search(ctx, node, table, scope)
        case s.Partition() | s.PartitionBy():
            return partition(ctx, table, node, scope)
        case s.Scan():
            return scan(ctx, table, node, scope)
        case s.TopNested():
            return top_nested(ctx, table, node, scope)
        case s.TopHitters():
            return _top_hitters(ctx, table, node, scope)
        case s.Reduce():
            return _reduce(ctx, table, node, scope)
        case s.MakeGraph():
            return make_graph(ctx, table, node, scope)
        case s.GraphMarkComponents() if isinstance(table, Graph):
            return mark_components(ctx, table, node)
        case s.GraphToTable() if isinstance(table, Graph):
            return graph_table(ctx, table, node)
        case s.GraphMatch() if isinstance(table, Graph):
            return graph_match(ctx, table, node, scope)
        case s.Fork() | s.Facet():
            return _fork(ctx, table, node, scope)
        case s.Invoke(call=s.Call() as called):
            return _invoke(ctx, table, node, called, scope)
        case _:
            return opened(ctx, unsupported(ctx, table, node, f"the operator {operator_name(node)} is not supported yet"))


def _get_schema(ctx: Context, table: Table, node: s.GetSchema) -> Table:
    columns = {n: ctx.column(n, k) for n, k in SCHEMA_COLUMNS.items()}
    rows = tuple(
        (e.const(n), e.const(i), e.const(_CLR_TYPES.get(c.type, "System.Object")), e.const(str(c.type)))
        for i, (n, c) in enumerate(table.names.items())
    )
    return Table(o.Rows(node.span, tuple(columns.values()), rows), columns)


_CLR_TYPES = {
    Type.BOOL: "System.SByte", Type.INT: "System.Int32", Type.LONG: "System.Int64", Type.REAL: "System.Double",
    Type.STRING: "System.String",
    Type.DECIMAL: "System.Data.SqlTypes.SqlDecimal", Type.DATETIME: "System.DateTime", Type.TIMESPAN: "System.TimeSpan",
    Type.GUID: "System.Guid",
}  # fmt: skip
"""What getschema calls the types: learn.microsoft.com/kusto/query/getschema-operator."""


def _top_hitters(ctx: Context, table: Table, node: s.TopHitters, scope: Scope) -> Table:
    """The values that occur most often, or weigh most: Kusto estimates what ``summarize`` and ``top`` give, and so it is carried out.

    Source: learn.microsoft.com/kusto/query/top-hitters-operator, "Parameters".
    """
    ((name, value),) = named_items(ctx, table, (node.of,), scope)[:1]
    check_is_column(ctx, "top-hitters takes", node.of)
    limit = row_count(ctx, table, node, node.count, scope)
    hits, kind, counted = e.Apply(node.span, Type.LONG, "count", ()), Type.LONG, f"approximate_count_{name}"
    if node.by is not None:
        weighed = ctx.expression(node.by, table, scope)
        check_is(ctx, "top-hitters weighs by", weighed, "number", node.by.span)
        kind, counted = weighed.type, f"approximate_sum_{automatic_name(node.by)}"
        hits = e.Apply(node.by.span, kind, "sum", (weighed,))
    if ctx.closed is None:
        return unsupported_with(ctx, Table(table.relation, {}), node, {name: value.type, counted: kind})
    key, found = ctx.column(name, value.type), ctx.column(counted, kind)
    most = grouped(ctx, table, node.span, ((key, value),), ((found, hits),), [name, counted])
    heaviest = o.Ordering(e.ColumnRef(node.span, kind, found), True, False)
    return most.over(o.Limit(node.span, most.relation, operator_name(node), limit, (heaviest,)), most.names)


def _reduce(ctx: Context, table: Table, node: s.Reduce, scope: Scope) -> Table:
    check_is(ctx, "reduce takes", ctx.expression(node.by, table, scope), "plaintext", node.by.span)
    reduced = {"Pattern": Type.STRING, "Count": Type.LONG, "Representative": Type.STRING}
    marks_source = any(p.name == "kind" and word(p.value) == "source" for p in node.parameters)
    return unsupported_with(ctx, table if marks_source else Table(table.relation, {}), node, reduced)


def _fork(ctx: Context, table: Table, node: s.Fork | s.Facet, scope: Scope) -> Table:
    """Several results of one table: their names are looked at, and none is carried out."""
    branches = [b.pipeline for b in node.branches] if isinstance(node, s.Fork) else [node.pipeline]
    for key in node.by if isinstance(node, s.Facet) else ():
        ctx.expression(key, table, scope)
        check_is_column(ctx, "facet takes", key)
    for branch in branches:
        parts = branch.operators if isinstance(branch, s.Pipeline) and branch.source is None else (branch,)
        branched = instance(ctx, table, node.span)
        for part in parts:
            branched = ctx.operator(branched, part, scope) if isinstance(part, s.Operator) else branched
    reason = f"{operator_name(node)} gives several tables, and a query gives one here: write a query for each of them"
    return Table(o.Unsupported(node.span, None, reason), {})


def _invoke(ctx: Context, table: Table, node: s.Invoke, called: s.Call, scope: Scope) -> Table:
    """A function of the query whose first parameter is the table before it."""
    found = meaning_of(called, scope)
    if isinstance(found, tuple) and isinstance(function := found[0], s.Function) and function.parameters:
        if not isinstance(function.parameters[0].type, s.RowSchema) and ctx.closed is None:
            return opened(ctx, unsupported(ctx, table, node, f"{called.name}() takes a value first, and invoke passes a table"))
        inner = Scope(parent=found[1], values={function.parameters[0].name.value: table})
        rest = s.Function(function.span, function.parameters[1:], function.body, False)
        return apply_function(ctx, called.name, rest, called.arguments, inner, scope, node.span)
    if find(called.name) is not None:
        told = f"{called.name}() gives a value, and invoke takes a function of a table"
        ctx.problem(Problem("unknown-function", called.span, told))
    check_function(ctx, called, scope, gives_table=True)
    if called.name == file_profile.NAME and (profiled := file_profile.file_profile(ctx, table, node, called, scope)) is not None:
        return profiled
    return opened(ctx, unsupported(ctx, table, node, not_read(called.name)))
