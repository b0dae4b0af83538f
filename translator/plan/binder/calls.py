"""Calls of functions that give a value: the user's own, and KQL's with those that are more than their declaration."""

from __future__ import annotations

import json
from collections.abc import Sequence

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.asim_functions import refusal
from translator.plan.binder.context import Context
from translator.plan.binder.lets import bind_arguments, called_table, meaning_of
from translator.plan.binder.names import check_function, check_value
from translator.plan.binder.operand_types import check_arguments
from translator.plan.binder.problems import BindError
from translator.plan.binder.scopes import TABULAR, Record, Scope, Table, subquery
from translator.plan.functions import canonical, find, result_type
from translator.plan.functions.windows import WINDOWS, WITHIN
from translator.plan.naming import automatic_name
from translator.plan.types import Type
from translator.regex.parser import RegexError
from translator.regex.parser import parse as parse_regex


def call(ctx: Context, node: s.Call, table: Table | None, scope: Scope) -> e.Expr:
    """The expression that a call is: a function of the query inlined, or one of the registry over its bound arguments.

    Args:
        table: whose columns the arguments may name; None where there are none.
    """
    found = meaning_of(node, scope)
    if isinstance(found, tuple) and isinstance(found[0], s.Function):
        inner, last = bind_arguments(ctx, node.name, found[0], node.arguments, found[1], scope, node.span, table)
        if isinstance(last, TABULAR):
            return subquery(ctx.table(last, inner), node.span)
        if table is not None:
            check_value(ctx, last, None, inner)
        return ctx.expression(last, None, inner)
    if (element := _element_of(node)) is not None and isinstance(record := scope.find(element), Record):
        if (meant := record.call(node)) is not None:
            return meant
    elif not node.arguments and isinstance(own := scope.find(f"{node.name}()"), e.Expr):
        return own
    if refusal(node.name) or (table is None and find(node.name) is None):
        return subquery(called_table(ctx, node, scope, may_be_value=True), node.span)
    check_function(ctx, node, scope)
    name = canonical(node.name)
    if name == "ago" or (table is None and name != "column_names_of"):
        for argument in node.arguments:
            for part in s.walk(argument) if name == "ago" else (argument,):
                check_value(ctx, part, table, scope, never=name == "ago")
    args = tuple(ctx.expression(a, table, scope) for a in node.arguments)
    check_arguments(ctx, node, args, scope)
    if name == "column_names_of" and len(args) == 1 and isinstance(node.arguments[0], s.Expression):
        shown = ctx.table(node.arguments[0], scope).names
        return e.Items(node.span, Type.DYNAMIC, tuple(e.const(n) for n in shown))
    if name == "pack_all":
        columns = tuple(
            x for n, c in (ctx.own_columns(table) if table else {}).items() for x in (e.const(n), e.ColumnRef(node.span, c.type, c))
        )
        kept = "bag_pack_filled" if args and isinstance(args[0], e.Const) and args[0].value is True else "bag_pack"
        return e.Apply(node.span, Type.DYNAMIC, kept, columns)
    if name in ("estimate_data_size", "pack_array"):
        every = tuple(e.ColumnRef(node.span, c.type, c) for c in (table.names if table else {}).values())
        args = tuple(x for a in args for x in (every if isinstance(a, e.Apply) and a.function == "*" else (a,)))
    if name == "bag_pack_columns":
        pairs = tuple(x for n, a in zip(node.arguments, args, strict=True) for x in (e.const(automatic_name(n)), a))
        return e.Apply(node.span, Type.DYNAMIC, "bag_pack", pairs)
    if name in ("now", "ago") and (moment := option(ctx, "query_now")) is not None:
        moment = moment if moment.type == Type.DATETIME else e.Apply(node.span, Type.DATETIME, "todatetime", (moment,))
        return e.Apply(node.span, Type.DATETIME, "+" if name == "now" else "-", (moment, *args)) if args else moment
    if name == "bin_auto" and len(args) == 1 and (size := option(ctx, "query_bin_auto_size")) is not None:
        fixed = option(ctx, "query_bin_auto_at")
        given = (args[0], size) if fixed is None else (args[0], size, fixed)
        return e.Apply(node.span, args[0].type, "bin" if fixed is None else "bin_at", given)
    if name == "count" and args:  # it takes a condition as countif() does; any other value counts for nothing
        name, args = ("countif", args) if args[0].type == Type.BOOL else (name, ())
    if name == "not" and len(args) == 1:
        return e.negation(args[0])
    if name == "parse_json" and args and isinstance(args[0], e.Const) and isinstance(args[0].value, str):
        parsed = _json_items(args[0].value, node.span)
        if parsed is not None:
            return parsed
    if name == "column_ifexists" and len(args) == 2 and isinstance(args[0], e.Const) and table is not None:
        return _column_if_exists(ctx, str(args[0].value), args[1], table, node.span)
    read_regex(_regex_of(name, args))
    made = e.Apply(node.span, _result_type(name, args), name, args)
    if name in (*WINDOWS, "row_rank") and table is not None and table.row is not None:
        return e.Apply(node.span, made.type, WITHIN, (made, e.ColumnRef(None, table.row.type, table.row)))
    return made


GROWING = "AzureDiagnostics"
"""The table that gets a column for each property that comes: learn.microsoft.com/azure/azure-monitor/reference/tables/azurediagnostics."""
_SUFFIXES = ("_s", "_d", "_g", "_b", "_t")


def _grows(sources: Sequence[o.Source], name: str) -> bool:
    """Whether these are tables that get columns of this name as events come, which no documentation lists."""
    return name.endswith(_SUFFIXES) and bool(sources) and all(source.table == GROWING for source in sources)


def _column_if_exists(ctx: Context, wanted: str, otherwise: e.Expr, table: Table, span: e.Span) -> e.Expr:
    column = table.names.get(wanted, table.outer.get(wanted, table.hidden.get(wanted)))
    if ctx.closed is None and not table.has(wanted) and (not ctx.documented(table.sources) or _grows(table.sources, wanted)):
        column = ctx.stored_column(table.sources[0], wanted, otherwise.type)
        if table.sources[0].table != o.UNKNOWN_TABLE:
            table.names[wanted] = column
        if not (isinstance(otherwise, e.Const) and otherwise.value in ("", None)):
            # The column of a table that nothing is known of, or else a value of its own: only who runs the query can tell.
            return e.Apply(span, column.type, "column_ifexists", (e.ColumnRef(span, column.type, column), otherwise))
    return e.ColumnRef(span, column.type, column) if column else otherwise


def _element_of(call: s.Call) -> str | None:
    """The name that the first argument of a call is, or the first of inner_nodes() there."""
    first = call.arguments[0] if call.arguments else None
    if isinstance(first, s.Call) and first.name == "inner_nodes" and first.arguments:
        first = first.arguments[0]
    return first.name if isinstance(first, s.NameReference) else None


def option(ctx: Context, name: str) -> e.Expr | None:
    """The value that a set statement gives a request property: learn.microsoft.com/kusto/api/rest/request-properties."""
    statements = ctx.tree.statements if ctx.tree is not None else ()
    found = [x.value for x in statements if isinstance(x, s.SetOption) and x.name.value == name]
    return ctx.expression(found[-1], None, Scope()) if found and found[-1] is not None else None


def _json_items(text: str, span: e.Span) -> e.Expr | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, list) and all(isinstance(v, str | int | float | bool) for v in value):
        return e.Items(span, Type.DYNAMIC, tuple(e.const(v, span=span) for v in value))
    return None


_REGEXES = {
    "extract": 0, "extract_all": 0, "indexof_regex": 1, "replace": 0, "replace_regex": 1, "trim": 0, "trim_start": 0, "trim_end": 0,
}  # fmt: skip
"""The argument of a function that is a regular expression."""


def _regex_of(function: str, args: Sequence[e.Expr]) -> e.Expr | None:
    """The argument of a call that is a regular expression; None where there is none."""
    match function, args:
        case "countof", (_, regex, e.Const(value="regex")):
            return regex
    place = _REGEXES.get(function)
    return args[place] if place is not None and place < len(args) else None


def read_regex(regex: e.Expr | None) -> None:
    """Nothing for a constant that is a regular expression, and what is known only when the query runs. Raises BindError for others."""
    if isinstance(regex, e.Const) and isinstance(regex.value, str):
        try:
            parse_regex(regex.value)
        except RegexError as error:
            raise BindError(f"{_beginning(repr(regex.value))} is no regular expression: {error}", regex.span) from None


def _beginning(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."


def _result_type(name: str, args: tuple[e.Expr, ...]) -> Type:
    last = args[-1] if args else None
    literal = last.value if isinstance(last, e.Const) and isinstance(last.value, str) else None
    return result_type(name, [a.type for a in args], literal)
