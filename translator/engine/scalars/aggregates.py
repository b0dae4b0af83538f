"""Aggregates over the rows of a group."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.python import arithmetic as python_arithmetic
from translator.engine.scalars.comparisons import mixed, of_one_kind, order_key, predicate
from translator.engine.scalars.context import OPEN, WHOLE, Values
from translator.engine.scalars.conversions import argument, of_decimals, to_dynamic, to_number
from translator.engine.scalars.dynamics import array
from translator.plan import expressions as e
from translator.plan.functions import find, overload
from translator.plan.functions.declare import Function
from translator.plan.types import Type


def aggregate(ctx: Values, expr: e.Apply) -> exp.Expr:
    """An aggregate over the rows of a group."""
    function = find(expr.function)
    assert function is not None
    if function.alias:
        function = find(function.alias)
        assert function is not None
    args = expr.args
    condition: e.Expr | None = None
    if function.filters:
        plain = find(function.filters)
        assert plain is not None
        position = sum(not p.optional for p in plain.signatures[0].parameters)
        condition, args, function = args[position], args[:position] + args[position + 1 :], plain
    ctx.aggregating = False
    try:
        return _aggregate(ctx, function.name, function, args, condition, expr)
    finally:
        ctx.aggregating = True


def _aggregate(ctx: Values, name: str, function: Function, args: tuple[e.Expr, ...], condition: e.Expr | None, expr: e.Apply) -> exp.Expr:
    def guarded(value: exp.Expr) -> exp.Expr:
        return value if condition is None else exp.Case(ifs=[exp.If(this=predicate(ctx, condition), true=value)])

    if name == "count":
        return exp.Count(this=exp.Star())
    if name == "countif":
        assert function.sql is not None
        return ctx.sql(function.sql, predicate(ctx, args[0]))
    if name in ("arg_max", "arg_min"):
        by, shown = ctx.value(args[0]), ctx.value(args[1] if len(args) > 1 else args[0])
        if not mixed(ctx, args[0]):
            return ctx.word(name, by, shown)
        key = order_key(ctx, by)
        return of_one_kind(ctx, exp.Min(this=key), exp.Max(this=key.copy()), ctx.word(name, key.copy(), shown))
    if name == "take_any":
        return ctx.never_null(ctx.word("first", guarded(ctx.value(args[0]))), expr.type)
    if name == "percentile" and "percentile" in ctx.dialect.words and isinstance(args[1], e.Const):
        return ctx.word("percentile", guarded(to_number(ctx, args[0])), ctx.value(args[1]))
    if function.gathered:
        return _gathered(ctx, function, args, guarded, expr)
    if name in python_arithmetic.OF_ARRAY and mixed(ctx, args[0]):
        values = _collected(ctx, guarded(ctx.value(args[0])))
        return ctx.python(f"{name}_of_array", python_arithmetic.OF_ARRAY[name], (Type.DYNAMIC,), Type.DYNAMIC, (values,))
    numeric = name not in ("min", "max", "dcount", "count_distinct")
    value = guarded(to_number(ctx, args[0]) if numeric else ctx.value(args[0]))
    if name == "avg":
        return _average(ctx, value, args[0].type)
    template = function.sql or (function.duckdb if ctx.dialect.name == "duckdb" else None)
    if template is None:
        raise EngineError(f"the aggregate {name}() is known but not supported by the engine", expr.span)
    rest = [to_number(ctx, a) for a in args[1:]] if numeric else []
    found = ctx.sql(template, value, *rest)
    if name == "sum" and args[0].type in (*WHOLE, Type.TIMESPAN):
        found = ctx.cast(found, Type.LONG)
    return ctx.never_null(found, expr.type)


def _average(ctx: Values, value: exp.Expr, kind: Type) -> exp.Expr:
    if kind == Type.TIMESPAN:
        return ctx.cast(ctx.sql("ROUND(AVG($1))", value), Type.LONG)
    if kind == Type.DATETIME:
        if ctx.dialect.ticks:
            return ctx.moment_of_ticks(ctx.cast(ctx.sql("ROUND(AVG($1))", ctx.ticks(value)), Type.LONG))
        return ctx.word("moment", ctx.cast(ctx.sql("ROUND(AVG($1))", ctx.word("micros", value)), Type.LONG))
    if kind == Type.DECIMAL:
        return of_decimals(ctx, "quotient", ctx.sql("SUM($1)", value), ctx.sql("NULLIF(COUNT($1), 0)", value))
    return ctx.sql("COALESCE(AVG($1), CAST('nan' AS DOUBLE))", value)


def _gathered(
    ctx: Values, function: Function, args: tuple[e.Expr, ...], guarded: Callable[[exp.Expr], exp.Expr], expr: e.Apply
) -> exp.Expr:
    """An aggregate in Python: its values gathered into one JSON array, in the order of the rows where they have one."""
    lead = 2 if function.paired else 1
    subject = args[0]
    element = to_dynamic(ctx, subject) if lead == 1 else array(ctx, args[:lead])
    if not function.nulls:
        missing = ctx.value(subject)
        kept = exp.Not(this=exp.Is(this=missing, expression=exp.Null()))
        element = exp.Case(ifs=[exp.If(this=kept, true=element)])
    else:
        element = exp.Coalesce(this=element, expressions=[exp.Literal.string("null")])
    element = guarded(element)
    ordered: exp.Expr = (
        exp.Order(this=element, expressions=[o.copy() for o in ctx.order]) if ctx.order and ctx.dialect.name == "duckdb" else element
    )
    text = _collected(ctx, ordered)
    if function.name == "make_list" and len(args) == 1 and subject.type not in OPEN:
        return text
    signature = overload(function, [a.type for a in args])
    rest = [argument(ctx, a, signature.kind(i, [a.type for a in args])) for i, a in enumerate(args[lead:], lead)]
    result = Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type
    return ctx.declared(function.name, (Type.DYNAMIC, *(k for _, k in rest)), result, (text, *(v for v, _ in rest)))


def _collected(ctx: Values, element: exp.Expr) -> exp.Expr:
    """The dynamic values of a group's rows as one array."""
    return ctx.sql("'[' || COALESCE($1, '') || ']'", exp.GroupConcat(this=element, separator=exp.Literal.string(",")))
