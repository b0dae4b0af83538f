"""Tables that stand for themselves: stored and normalized ones, literals, what comes from outside, and what is not supported."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import replace

from translator.kql import syntax as s
from translator.kql.parser import parse
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.parameters import operator_name
from translator.plan.binder.problems import BindError
from translator.plan.binder.scopes import Scope, Table
from translator.plan.normalized import MARK, Parser, parser_of
from translator.plan.types import Type, type_of


def source_table(ctx: Context, name: str, span: e.Span, place: str = "") -> Table:
    """A table by its name, or the normalized one that a parser of this name gives.

    Products have the tables of all workspaces in one place, and their events do not tell which of them they are of: a query that reads
    a table of several would read all of their events each time.

    Args:
        place: the workspace, cluster or database that it is of, as the query calls it; empty for the one where the query runs.
    """
    if place:
        ctx.elsewhere[span] = f"{place}.{name}"
    table = _named_table(ctx, name, span)
    if ctx.places.setdefault(name, place) == place:
        return table
    reason = f"{name} is read of several workspaces or databases, and its events do not tell which of them they are of"
    return table.alone(o.Unsupported(span, table.relation, reason))


def _named_table(ctx: Context, name: str, span: e.Span) -> Table:
    if name not in ctx.schema and (ctx.closed is None or name not in ctx.closed) and (parser := parser_of(name)) is not None:
        return normalized(ctx, parser, (), span)
    return _stored_table(ctx, name, span)


def _stored_table(ctx: Context, name: str, span: e.Span) -> Table:
    source = o.Source(span, name, next(ctx.ids))
    names = {n: e.Column(next(ctx.ids), n, type_of(kind), name, source.id) for n, kind in ctx.schema.get(name, {}).items()}
    ctx.stored.update({(source.id, n): column for n, column in names.items()})
    ctx.sources.setdefault(name, []).append(source.id)
    return Table(source, names, () if ctx.closed is not None and name in ctx.closed else (source,))


def normalized(ctx: Context, parser: Parser, arguments: tuple[s.Node, ...], span: e.Span, scope: Scope | None = None) -> Table:
    """ASIM's parsers are functions that stand for a table; their parameters are filters on it.

    Source: learn.microsoft.com/azure/sentinel/normalization-about-parsers, "Optimizing parsing using parameters".
    """
    table, scope = _stored_table(ctx, parser.table, span), scope or Scope()
    given: dict[str, s.Node] = {}
    for number, argument in enumerate(arguments):
        if isinstance(argument, s.Named):
            given[argument.names[0].value] = argument.value
        else:
            given[next(itertools.islice(parser.parameters, number, None), "")] = argument
    unknown = [name for name in given if name not in parser.parameters]
    if unknown:
        raise BindError(f"there is no parameter {unknown[0] or 'at this place'}: there are {', '.join(parser.parameters)}", span)
    for name, parameter in parser.parameters.items():
        if name not in given:
            condition = parameter.default
        elif _is_neutral(ctx, given[name], scope):
            continue
        else:
            condition = parameter.condition
        if condition:
            inner = Scope(parent=scope)
            if name in given:
                value = given[name]
                if isinstance(value, s.Literal) and (meant := parameter.values.get(str(value.value))) is not None:
                    value = replace(value, value=meant)
                inner.lets[MARK[2:-2]] = (value, scope)
            predicate = ctx.expression(_condition(condition), table, inner)
            where = given[name].span if name in given else span
            table = table.over(o.Filter(where, table.relation, e.placed(predicate, where)), table.names)
    disabled = ctx.expression(given["disabled"], None, scope) if parser.source and "disabled" in given else None
    products = () if isinstance(disabled, e.Const) and disabled.value is True else parser.products
    if parser.source and products is None:
        reason = f"{parser.source}() gives the events of one source, of which it is not known what tells them"
        return table.alone(o.Unsupported(span, table.relation, reason))
    if parser.source:
        listed = ", ".join(f"'{product}'" for product in products or ())
        predicate = ctx.expression(_condition(f"EventProduct in ({listed})" if listed else "false"), table, Scope())
        table = table.over(o.Filter(span, table.relation, e.placed(predicate, span)), table.names)
    return table


def _is_neutral(ctx: Context, node: s.Node, scope: Scope) -> bool:
    """Whether a parser's argument filters nothing: ``*``, an empty list, no time."""
    value = ctx.expression(node, None, scope)
    return (isinstance(value, e.Const) and value.value in ("*", None)) or (isinstance(value, e.Items) and not value.items)


@functools.cache
def _condition(text: str) -> s.Expression:
    """The syntax of a condition."""
    (statement,) = parse(f"T | where {text}").statements
    assert isinstance(statement, s.ExpressionStatement) and isinstance(statement.expression, s.Pipeline)
    (where,) = statement.expression.operators
    assert isinstance(where, s.Where) and isinstance(where.predicate, s.Expression)
    return where.predicate


def unsupported(ctx: Context, table: Table | None, node: s.Node, reason: str) -> Table:
    """The table behind something that is not supported, which keeps its place and the reason."""
    relation = o.Unsupported(node.span, table.relation if table else None, reason)
    if table is None:
        return Table(relation, {}, (ctx.unknown_source(node.span),))
    return table.alone(relation)


def unsupported_with(ctx: Context, table: Table, node: s.Node, added: Mapping[str, Type], reason: str | None = None) -> Table:
    """What is not carried out yet, with the columns that it adds or changes."""
    out = unsupported(ctx, table, node, reason or f"the operator {operator_name(node)} is not supported yet")
    for name, kind in added.items():
        out.names[name] = ctx.column(name, kind)
    return out


def opened(ctx: Context, table: Table) -> Table:
    """A table to which something unknown may have added columns."""
    return replace(table, sources=(*table.sources, ctx.unknown_source(table.relation.span)))
