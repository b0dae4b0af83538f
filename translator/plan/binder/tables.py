"""Tabular expressions as relations: pipelines, names, calls, literals."""

from __future__ import annotations

from translator.kql import syntax as s
from translator.kql.printer import to_kql
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.items import check_distinct_names, columns_of
from translator.plan.binder.lets import called_table, named_table, of_pattern
from translator.plan.binder.operand_types import check_is, check_operands
from translator.plan.binder.parameters import operator_name
from translator.plan.binder.placement import check_single_rows
from translator.plan.binder.problems import BindError, Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.binder.searches import search
from translator.plan.binder.sources import source_table, unsupported
from translator.plan.binder.unions import OpenUnion, leg_name, union, widened
from translator.plan.functions import common
from translator.plan.naming import fresh
from translator.plan.types import Type, type_of


def table(ctx: Context, node: s.Node, scope: Scope) -> Table:
    """The table that a tabular expression gives."""
    match node:
        case s.Pipeline(source=source, operators=operators):
            assert source is not None
            alone = ctx.closed is None and _is_value(source, scope)  # the official binder lets it through
            table = unsupported(ctx, None, source, _NO_TABLE) if alone else ctx.table(source, scope)
            for number, operator in enumerate(operators):
                if isinstance(operator, s.As):
                    scope = Scope(parent=scope, values={operator.name.value: table})
                if isinstance(table, OpenUnion):
                    table = widened(ctx, table, operators[number:], scope)
                if isinstance(operator, s.Union):
                    before = s.Pipeline(node.span, source, operators[:number])
                    table = union(ctx, operator, operator.tables, table, scope, before)
                elif isinstance(operator, s.Search) and number == 0:
                    table = search(ctx, operator, table, scope, leg_name(source))
                else:
                    table = ctx.operator(table, operator, scope)
            return table
        case s.Parenthesized(value=value):
            return ctx.table(value, scope)
        case s.TabularCall(pipeline=pipeline):
            return ctx.table(pipeline, scope)
        case s.NameReference(name=name, span=span):
            return named_table(ctx, name, span, scope)
        case s.ScopedName(name=name, span=span):
            return named_table(ctx, name, span, scope)
        case s.Member(name=s.Name(value=name), base=s.Method() | s.Call() as base, span=span):
            if isinstance(base, s.Call) and isinstance(found := scope.find(base.name), tuple) and isinstance(found[0], s.DeclarePattern):
                return of_pattern(ctx, found[0], found[1], base, name)
            return source_table(ctx, name, span, to_kql(base))
        case s.Call(name="table", arguments=(argument, *_), span=span):
            chosen = ctx.expression(argument, None, scope)
            if isinstance(chosen, e.Const) and isinstance(chosen.value, str):
                return source_table(ctx, chosen.value, span)
            return unsupported(ctx, None, node, "a table whose name is computed is not supported")
        case s.Call():
            return called_table(ctx, node, scope)
        case s.Datatable():
            return _datatable(ctx, node)
        case s.Union(tables=tables):
            return union(ctx, node, tables, None, scope)
        case s.Print():
            return _print(ctx, node, scope)
        case s.Range():
            return _range(ctx, node, scope)
        case s.Search() | s.Find():
            return search(ctx, node, None, scope)
        case s.ExternalData():
            return _external_data(ctx, node)
        case s.Evaluate():
            return ctx.operator(Table(o.Rows(node.span, (), ((),)), {}), node, scope)
        case _ if isinstance(node, _VALUES):
            raise BindError(_NO_TABLE, node.span)
        case _:
            return unsupported(ctx, None, node, f"{operator_name(node)} is not supported yet")


_VALUES = s.Binary | s.Unary | s.Literal | s.Dynamic | s.Logical | s.Membership | s.Between
_NO_TABLE = "this is a value: a query begins with a table, or an operator that makes one"


def _is_value(node: s.Node, scope: Scope) -> bool:
    """Whether what a query begins with is a value, or a let of one."""
    found = scope.find(node.name) if isinstance(node, s.NameReference) else None
    return isinstance(found[0] if isinstance(found, tuple) else node, _VALUES)


def _print(ctx: Context, node: s.Print, scope: Scope) -> Table:
    check_single_rows(ctx, node, scope)
    check_distinct_names(ctx, [item for item in node.items if isinstance(item, s.Named)])
    empty = Table(o.Rows(node.span, (), ((),)), {})
    shown: dict[str, e.Column] = {}
    made: list[tuple[e.Column, e.Expr]] = []
    for number, item in enumerate(node.items):
        named = item.names[0].value if isinstance(item, s.Named) else f"print_{number}"
        for name, expr in columns_of(ctx, item, named, empty, scope):
            name = fresh(name, shown)
            shown[name] = ctx.column_of(name, expr)
            made.append((shown[name], expr))
    return Table(o.Compute(node.span, empty.relation, tuple(made)), shown)


def _range(ctx: Context, node: s.Range, scope: Scope) -> Table:
    empty = Table(o.Rows(node.span, (), ((),)), {})
    low, high, by = (ctx.expression(x, empty, scope) for x in (node.start, node.stop, node.step))
    check_is(ctx, "range goes over", low, "summable", node.start.span)
    check_operands(ctx, "+", (low, by), node.step.span)
    kind = low.type if low.type in (Type.DATETIME, Type.TIMESPAN) else common([low.type, high.type, by.type])
    column = ctx.column(node.name.value, kind)
    return Table(o.Range(node.span, column, low, high, by), {node.name.value: column})


def _external_data(ctx: Context, node: s.ExternalData) -> Table:
    columns = {c.name.value: ctx.column(c.name.value, type_of(c.type)) for c in node.schema.columns}
    address = str(node.sources[0].value) if node.sources else ""
    file = address.split("?")[0].rstrip("/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return Table(o.External(node.span, "externaldata", file or "external_data", tuple(columns.values()), None, address), columns)


def _datatable(ctx: Context, node: s.Datatable) -> Table:
    columns = tuple(ctx.column(c.name.value, type_of(c.type)) for c in node.schema.columns)
    width = max(1, len(columns))
    check_distinct_names(ctx, [s.NameReference(c.name.span, c.name.value) for c in node.schema.columns])
    if len(node.values) % width:
        told = f"a row has {width} values here, and the last one has {len(node.values) % width}"
        ctx.problem(Problem("binding", node.values[-1].span, told))
    values = [ctx.expression(v, None, Scope()) for v in node.values]
    rows = tuple(tuple(values[i : i + width]) for i in range(0, len(values), width))
    return Table(o.Rows(node.span, columns, rows), {c.name: c for c in columns})
