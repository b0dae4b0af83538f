"""Dynamic values: what makes arrays and bags, and places inside them."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from translator.engine.python import conversions as python_conversions
from translator.engine.python import dynamics as python_dynamics
from translator.engine.python.conversions import dumps
from translator.engine.scalars.context import OPEN, Functions, Values
from translator.engine.scalars.conversions import convert, from_dynamic, from_text, to_dynamic, to_text
from translator.engine.scalars.writing import json_path
from translator.plan import expressions as e
from translator.plan.types import Type


def array(ctx: Values, items: tuple[e.Expr, ...]) -> exp.Expr:
    """An array of values; one literal where all of them are constants."""
    known = literal(e.Items(None, Type.DYNAMIC, items))
    if known is not NOT_LITERAL:
        return exp.Literal.string(dumps(known) or "[]")
    if "json_array" in ctx.dialect.words:
        return ctx.word("json_array", *(ctx.word("embed", to_dynamic(ctx, i)) for i in items))
    return ctx.word("array_of", *(to_dynamic(ctx, i) for i in items))


def _array_of(ctx: Values, expr: e.Apply) -> exp.Expr:
    return array(ctx, expr.args)


def path(ctx: Values, expr: e.Path) -> exp.Expr:
    """What stands at a place in a dynamic value, as the type that the query reads it by; null for a value that has no parts."""
    if expr.base.type not in OPEN:
        return ctx.null(expr.type)
    base = ctx.value(expr.base)
    steps = json_path(expr.steps)
    if steps is None or "step" not in ctx.dialect.words:
        literals = tuple(exp.Literal.string(s) if isinstance(s, str) else ctx.value(e.const(s)) for s in expr.steps)
        kinds = (Type.DYNAMIC, *(Type.STRING if isinstance(s, str) else Type.LONG for s in expr.steps))
        found = ctx.python("step_into", python_dynamics.step_into, kinds, Type.DYNAMIC, (base, *literals), nulls=False)
    else:
        found = ctx.word("step", base, exp.Literal.string(steps))
    if expr.type in OPEN:
        return found
    return from_dynamic(ctx, found, expr.type)


def _bag(ctx: Values, expr: e.Apply) -> exp.Expr:
    known = literal(expr)
    if known is not NOT_LITERAL:
        return exp.Literal.string(dumps(known) or "{}")
    kinds, parts = _members(ctx, expr.args)
    if "json_object" in ctx.dialect.words:
        pairs = [p if i % 2 == 0 else ctx.word("embed", p) for i, p in enumerate(parts)]
        return ctx.cast(exp.Anonymous(this=ctx.dialect.words["json_object"], expressions=pairs), Type.STRING)
    return ctx.python("bag", python_dynamics.bag_of, kinds, Type.DYNAMIC, parts, nulls=True)


def _filled_bag(ctx: Values, expr: e.Apply) -> exp.Expr:
    kinds, parts = _members(ctx, expr.args)
    return ctx.python("filled_bag", python_dynamics.filled_bag, kinds, Type.DYNAMIC, parts, nulls=True)


def _members(ctx: Values, args: tuple[e.Expr, ...]) -> tuple[tuple[Type, ...], tuple[exp.Expr, ...]]:
    """Names and values in turn, with the types of both."""
    parts = tuple(to_text(ctx, x) if i % 2 == 0 else to_dynamic(ctx, x) for i, x in enumerate(args))
    return tuple(Type.STRING if i % 2 == 0 else Type.DYNAMIC for i in range(len(parts))), parts


NOT_LITERAL = object()


def literal(expr: e.Expr) -> Any:
    """The value of an expression of literals, ``NOT_LITERAL`` where it is none."""
    match expr:
        case e.Const(type=Type.DATETIME | Type.TIMESPAN | Type.DECIMAL | Type.GUID):
            return NOT_LITERAL
        case e.Const(value=value):
            return value
        case e.Items(items=items):
            values = [literal(i) for i in items]
            return NOT_LITERAL if any(v is NOT_LITERAL for v in values) else values
        case e.Apply(function="bag_pack", args=args):
            values = [literal(a) for a in args]
            return NOT_LITERAL if any(v is NOT_LITERAL for v in values) else dict(zip(values[::2], values[1::2], strict=False))
    return NOT_LITERAL


def _parse_json(ctx: Values, expr: e.Apply) -> exp.Expr:
    (subject,) = expr.args
    if subject.type != Type.STRING:
        return to_dynamic(ctx, subject)
    if "valid_json" not in ctx.dialect.words:
        return ctx.python("json_of", python_conversions.json_of, (Type.STRING,), Type.DYNAMIC, (ctx.value(subject),))
    value = ctx.value(subject)
    valid, wrapped = ctx.word("valid_json", value), ctx.word("json", value)
    return ctx.sql("CASE WHEN $1 = '' THEN NULL WHEN $2 THEN NULLIF($1, 'null') ELSE $3 END", value, valid, wrapped)


def _element(ctx: Values, expr: e.Apply) -> exp.Expr:
    base, key = expr.args
    kind = Type.STRING if key.type == Type.STRING else Type.LONG
    value = to_text(ctx, key) if kind == Type.STRING else convert(ctx, key, Type.LONG)
    return ctx.python("step_into", python_dynamics.step_into, (Type.DYNAMIC, kind), Type.DYNAMIC, (to_dynamic(ctx, base), value))


def _extract_json(ctx: Values, expr: e.Apply) -> exp.Expr:
    place, source = expr.args[:2]
    given = (ctx.value(source), Type.DYNAMIC) if source.type == Type.DYNAMIC else (to_text(ctx, source), Type.STRING)
    found = ctx.declared("extract_json", (Type.STRING, given[1]), Type.STRING, (to_text(ctx, place), given[0]))
    return found if expr.type == Type.STRING else from_text(ctx, found, expr.type)


FUNCTIONS: Functions = {
    "pack_array": _array_of,
    "bag_pack": _bag,
    "bag_pack_filled": _filled_bag,
    "parse_json": _parse_json,
    "[]": _element,
    "extract_json": _extract_json,
}
