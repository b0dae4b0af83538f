"""Scalar expressions over the columns of a table."""

from __future__ import annotations

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan.binder.calls import call, read_regex
from translator.plan.binder.context import Context
from translator.plan.binder.lets import let_value
from translator.plan.binder.names import check_column, check_value, is_table, named_column, unknown_column
from translator.plan.binder.operand_types import check_index, check_operands
from translator.plan.binder.parameters import operator_name
from translator.plan.binder.problems import BindError, Problem
from translator.plan.binder.scopes import TABULAR, Record, Scope, Table, subquery
from translator.plan.binder.sources import source_table
from translator.plan.functions import find
from translator.plan.types import Type, type_of


def expression(ctx: Context, node: s.Node, table: Table | None, scope: Scope) -> e.Expr:
    """A node of the syntax as a typed expression over the columns of a table.

    What is wrong is added to the problems of ``ctx``, and binding goes on.
    """

    def sub(part: s.Node) -> e.Expr:
        return ctx.expression(part, table, scope)

    match node:
        case s.Parenthesized(value=value):
            if isinstance(value, TABULAR):
                return subquery(ctx.table(value, scope), node.span)
            return sub(value)
        case s.Literal(kind="datetime", value="now" | "now()", span=span):
            return e.Apply(span, Type.DATETIME, "now", ())
        case s.Literal(kind=kind, value=value, span=span):
            return e.Const(span, type_of(kind), value)
        case s.Dynamic(value=value):
            inner = sub(value)
            if isinstance(inner, e.Const) and (inner.value is None or inner.type in _IN_JSON):
                return e.Const(node.span, Type.DYNAMIC, inner.value)
            if isinstance(inner, e.Const):
                return e.Apply(node.span, Type.DYNAMIC, "parse_json", (inner,))
            return e.Items(node.span, Type.DYNAMIC, inner.items) if isinstance(inner, e.Items) else inner
        case s.JsonArray(items=items, span=span):
            return e.Items(span, Type.DYNAMIC, tuple(sub(i) for i in items))
        case s.JsonObject(pairs=pairs, span=span):
            parts = [x for p in pairs for x in (e.const(p.key, span=p.span), sub(p.value))]
            return e.Apply(span, Type.DYNAMIC, "bag_pack", tuple(parts))
        case s.NameReference(name=name, span=span):
            return _name(ctx, name, span, table, scope)
        case s.Member(base=s.NameReference(name=owner), name=s.Name(value=name), span=span) if isinstance(
            record := scope.find(owner), Record
        ):
            return record.part(name, span)
        case s.Member(base=base, name=s.Name(value=name), span=span):
            return _step(_whole(ctx, sub(base), (node.name.span[0], span[1])), name, span)
        case s.Element(base=base, index=index, span=span):
            key, whole = sub(index), _whole(ctx, sub(base), (base.span[1], span[1]))
            check_index(ctx, whole, key, index.span)
            if isinstance(key, e.Const) and isinstance(key.value, str | int):
                return _step(whole, key.value, span)
            return e.Apply(span, Type.DYNAMIC, "[]", (whole, key))
        case s.Logical(operator=operator, operands=operands):
            parts = [sub(x) for x in operands]
            check_operands(ctx, operator, parts, node.span)
            return e.conjunction(*parts) if operator == "and" else e.disjunction(*parts)
        case s.Binary(operator=operator, left=s.Star(), right=right, span=span) if ctx.closed is not None and table is not None:
            return _any_column(ctx, operator, sub(right), table, span)
        case s.Binary(operator=operator, left=left, right=right, span=span):
            if table is None:
                check_value(ctx, left, table, scope)
                check_value(ctx, right, table, scope)
            sides = sub(left), sub(right)
            check_operands(ctx, operator, sides, span)
            return binary(operator, *sides, span)
        case s.Unary(operator=operator, operand=operand, span=span):
            signed = sub(operand)
            if isinstance(signed, e.Const) and isinstance(signed.value, int | float) and signed.type is not Type.BOOL and operator == "-":
                return e.Const(span, signed.type, -signed.value)
            check_operands(ctx, "neg", (signed,), span)
            widened = Type.LONG if signed.type == Type.INT else signed.type
            if operator == "+":
                return signed if widened == signed.type else e.Apply(span, widened, "tolong", (signed,))
            return e.Apply(span, widened, "neg", (signed,))
        case s.Membership(operator=operator, left=left, values=values, span=span):
            return _membership(ctx, operator, sub(left), values, table, scope, span)
        case s.Between(operator=operator, left=left, low=low, high=high, span=span):
            bounds = sub(left), sub(low), sub(high)
            check_operands(ctx, operator, bounds, span)
            result = e.Apply(span, Type.BOOL, "between", bounds)
            return e.negation(result) if operator.startswith("!") else result
        case s.TabularCall(function="toscalar", pipeline=pipeline, span=span):
            if isinstance(pipeline, s.NameReference) and table is not None and (outer := table.outer.get(pipeline.name)) is not None:
                return e.ColumnRef(span, outer.type, outer)
            return _to_scalar(ctx, pipeline, span, scope)
        case s.Call():
            return call(ctx, node, table, scope)
        case s.Star(span=span):
            return e.Apply(span, Type.UNKNOWN, "*", ())
        case s.Named(value=value):
            return sub(value)
        case s.TypeOf(type=kind, span=span):
            return e.const(kind, Type.STRING, span)
        case s.Pipeline() | s.Datatable() | s.Union() | s.TabularCall() | s.ExternalData():
            return subquery(ctx.table(node, scope), node.span)
        case _:
            return e.Apply(node.span, Type.UNKNOWN, operator_name(node), ())


def _whole(ctx: Context, value: e.Expr, span: e.Span) -> e.Expr:
    """A value of which a part is read, at the place of the part."""
    guessed = isinstance(value, e.ColumnRef) and value.column.table is not None and value.column.table not in ctx.schema
    if value.type not in (Type.DYNAMIC, Type.UNKNOWN) and not guessed:
        meant = f"parse_json({value.column.name})" if isinstance(value, e.ColumnRef) else "parse_json(...)"
        ctx.problem(Problem("no-parts", span, f"a {value.type} has no parts: {meant} reads those of a text"))
    return value


def _step(base: e.Expr, key: str | int, span: e.Span) -> e.Expr:
    if isinstance(base, e.Path):
        return e.Path(span, Type.DYNAMIC, base.base, (*base.steps, key))
    return e.Path(span, Type.DYNAMIC, base, (key,))


def _any_column(ctx: Context, operator: str, right: e.Expr, table: Table, span: e.Span) -> e.Expr:
    """``* has "x"``: any column does. Source: learn.microsoft.com/kusto/query/where-operator."""
    if operator not in (*TERM_OPERATORS, *(f"{x}_cs" for x in TERM_OPERATORS), "matches regex"):
        raise BindError(f"* {operator} is not supported", span)
    references = (e.ColumnRef(span, c.type, c) for c in ctx.own_columns(table).values())
    return e.disjunction(*(binary(operator, as_text(x), right, span) for x in references))


TERM_OPERATORS = ("has", "hasprefix", "hassuffix", "contains", "startswith", "endswith")


def as_text(expr: e.Expr) -> e.Expr:
    """An expression as a text: itself, or ``tostring()`` of it."""
    return expr if expr.type == Type.STRING else e.Apply(expr.span, Type.STRING, "tostring", (expr,))


def _name(ctx: Context, name: str, span: e.Span, table: Table | None, scope: Scope) -> e.Expr:
    if table is not None and name in table.names:
        if name in table.guessed:
            check_column(ctx, table, name, span, scope)
        column = table.names[name]
        return e.ColumnRef(span, column.type, column)
    found = scope.find(name)
    if isinstance(found, Table):
        return subquery(found, span)
    if isinstance(found, e.Expr):
        return found
    if isinstance(found, Record):
        if ctx.closed is None:
            return e.Apply(span, found.type, "record", (e.const(name),))
        raise BindError(f"'{name}' is no value: its parts are, as in {name}.part", span)
    if found is not None:
        node, defined = found
        if isinstance(node, s.Function):
            return call(ctx, s.Call(span, name, ()), table, scope)
        return let_value(ctx, node, defined, span)
    if table is None:
        return subquery(source_table(ctx, name, span), span)
    resolved = named_column(ctx, table, name, span, scope)
    if resolved is not None:
        return e.ColumnRef(span, resolved.type, resolved)
    return unknown_column(name, span)


def _to_scalar(ctx: Context, pipeline: s.Node, span: e.Span, scope: Scope) -> e.Expr:
    """``toscalar``: the first value of a table, or a scalar as it is."""
    if isinstance(pipeline, TABULAR | s.TabularCall):
        return subquery(ctx.table(pipeline, scope), span, scalar=True)
    found = ctx.expression(pipeline, None, scope)
    if not isinstance(found, e.Subquery) or found.scalar:
        return found
    return e.Subquery(span, found.column.type if found.column else Type.UNKNOWN, found.relation, True, found.column)


def _membership(
    ctx: Context, operator: str, left: e.Expr, values: tuple[s.Expression, ...], table: Table | None, scope: Scope, span: e.Span
) -> e.Expr:
    items: list[e.Expr] = []
    for value in values:
        tabular = len(values) == 1 and ((isinstance(value, s.Call) and find(value.name) is None) or is_table(ctx, value, table, scope))
        if table is not None and not isinstance(left, e.Const):
            check_value(ctx, value, table, scope)
        expr = ctx.expression(value, None if tabular else table, scope)
        items.extend(expr.items if isinstance(expr, e.Items) else (expr,))
    check_operands(ctx, operator, (left, e.Items(span, Type.DYNAMIC, ())), span)
    negated = operator.startswith("!")
    result = e.Apply(span, Type.BOOL, operator.lstrip("!"), (left, e.Items(span, Type.DYNAMIC, tuple(items))))
    return e.negation(result) if negated else result


_IN_JSON = frozenset({Type.STRING, Type.BOOL, Type.LONG, Type.REAL})
"""Types of literals that JSON has as well: others are texts inside of a dynamic value."""

_NEGATED = {"!=": "==", "<>": "==", "!~": "=~", "notcontains": "contains", "notlike": "like"}


def binary(operator: str, left: e.Expr, right: e.Expr, span: e.Span) -> e.Expr:
    """Negated operators become ``not`` over the positive one: what a missing value means is then said in one place."""
    if operator in _NEGATED:
        return e.negation(e.Apply(span, Type.BOOL, _NEGATED[operator], (left, right)))
    if operator.startswith("!"):
        return e.negation(e.Apply(span, Type.BOOL, operator[1:], (left, right)))
    if operator == "matches regex":
        read_regex(right)
    if operator in "+-*/%":
        return e.Apply(span, _arithmetic_type(operator, left.type, right.type), operator, (left, right))
    return e.Apply(span, Type.BOOL, operator, (left, right))


def _arithmetic_type(operator: str, a: Type, b: Type) -> Type:
    if operator == "/" and {a, b} <= {Type.DATETIME, Type.TIMESPAN}:
        return Type.REAL
    if Type.DATETIME in (a, b):
        return Type.TIMESPAN if operator == "%" or (operator == "-" and Type.TIMESPAN not in (a, b)) else Type.DATETIME
    if Type.TIMESPAN in (a, b):
        return Type.TIMESPAN
    for kind in (Type.DECIMAL, Type.REAL):
        if kind in (a, b):
            return kind
    return Type.LONG if {a, b} & {Type.INT, Type.LONG} else a if a == b else Type.UNKNOWN
