"""Constants, arithmetic, and numbers and times that are rounded."""

from __future__ import annotations

from dataclasses import replace

from translator.plan.constants import known_span
from translator.plan.expressions import Apply, Const, Expr
from translator.plan.functions.values import EPOCH_TICKS, TICKS
from translator.plan.types import Type
from translator.targets.pipeline.language import KINDS, NUMBERS, ORDERED, Function, Value, grouped
from translator.targets.pipeline.values.context import Context

_MOST = 2**31 - 1


_WHOLE = 2**53
"""Up to here every whole number is a floating-point number of its own."""


def constant(ctx: Context, expr: Const) -> Value:
    """A literal."""
    match expr.value:
        case bool(flag):
            return Value(ctx.language.string("true" if flag else "false"), "bool", False, simple=True)
        case int(ticks) if expr.type == Type.TIMESPAN:
            return ctx.number(ticks / TICKS, "span")
        case int(ticks) if expr.type == Type.DATETIME:
            return Value(ctx.language.moment((ticks - ticks % ctx.language.finest - EPOCH_TICKS) / TICKS), "time", False)
        case int(number) if abs(number) <= _WHOLE:
            return ctx.number(number, "int")
        case float(number) if number == number and abs(number) < 1e15:
            return ctx.number(number, "real")
        case str(text):
            return Value(ctx.language.string(text), "text", False, simple=True)
        case None:
            return Value(ctx.language.null, KINDS[expr.type], True, simple=True)
    raise ctx.refuse(expr, "this literal")


def arithmetic(ctx: Context, operator: str, left: Value, right: Value, expr: Apply) -> Value:
    """An operator on numbers, moments and spans."""
    kinds = (left.kind, right.kind)
    nullable, natural = left.nullable or right.nullable, left.natural and right.natural and operator != "-"
    match operator, kinds:
        case ("-", ("time", "time")):
            return Value(f"({ctx.since(left, right)})", "span", nullable, simple=True)
        case ("+" | "-", ("time", "span")):
            return Value(f"({ctx.moved(left, operator, right)})", "time", nullable, simple=True)
        case ("+", ("span", "time")):
            return Value(f"({ctx.moved(right, operator, left)})", "time", nullable, simple=True)
        case ("+" | "-", ("span", "span")):
            kind = "span"
        case ("*", ("span", "int" | "real")) | ("*", ("int" | "real", "span")):
            kind = "span"
        case ("/", ("span", "span")) if right.positive:
            kind, left = "real", replace(left, text=ctx.language.real.format(left.text), simple=True)
        case ("+" | "-" | "*", ("int" | "real", "int" | "real")):
            kind = "int" if kinds == ("int", "int") else "real"
            left, right = (_wide(ctx, v) for v in (left, right)) if kind == "int" else (left, right)
        case ("/", ("int", "int")) if right.positive and left.natural and (floor := ctx.language.functions.get("floor")):
            return Value(floor.words.format(ctx.between(grouped(left), "/", grouped(right))), "int", nullable, True)
        case ("/", ("int", "int")) if right.positive and "floor" in ctx.language.functions:
            return cut_off(ctx, Value(f"({ctx.between(grouped(left), '/', grouped(right))})", "real", nullable, simple=True), False)
        case ("/", ("int" | "real", "int" | "real")) if right.positive and kinds != ("int", "int"):
            kind = "real"
        case ("%", ("int", "int")) if right.positive and left.natural:
            kind = "int"
        case _:
            raise ctx.refuse(expr, f"'{operator}'")
    positive = operator in ("+", "*") and left.positive and right.positive
    return Value(f"({ctx.between(grouped(left), operator, grouped(right))})", kind, nullable, natural, positive, simple=True)


def _wide(ctx: Context, value: Value) -> Value:
    """A whole number of the width that KQL's have."""
    return replace(value, text=ctx.language.whole.format(value.text), simple=True, narrow=False) if value.narrow else value


def binned(ctx: Context, value: Value, size: Expr, expr: Apply) -> Value:
    """``bin`` of a moment or a number."""
    match value.kind, size:
        case "time", _ if (ticks := known_span(size) or 0) > 0 and ticks % TICKS == 0:
            return Value(ctx.bucket(value.text, ticks // TICKS), "time", value.nullable, rounded=True)
        case "int" | "real", Const(value=int(number)) if number > 0 and (floor := ctx.language.functions.get("floor")):
            bins = floor.words.format(f"{grouped(value)}/{ctx.number(number, 'real').text}")
            binned = ctx.between(ctx.language.real.format(bins) if value.kind == "real" else bins, "*", str(number))
            return Value(binned, value.kind, value.nullable, value.natural)
    raise ctx.refuse(expr)


def boundaries_between(ctx: Context, seconds: int, left: Value, right: Value, expr: Expr) -> Value:
    """How many boundaries of a unit lie between two moments: learn.microsoft.com/kusto/query/datetime-diff-function."""
    begun, ended = (ctx.units(v, seconds) for v in (right, left))
    return Value(f"({ctx.between(ended, '-', begun)})", "int", left.nullable or right.nullable, simple=True)


def cut_off(ctx: Context, number: Value, narrow: bool) -> Value:
    """A number without its fractions, within 32 bits where it is ``narrow`` (learn.microsoft.com/kusto/query/toint-function)."""
    language, text = ctx.language, grouped(number)
    floor, ceiling = (language.functions[name].words.format(number.text) for name in ("floor", "ceiling"))
    pairs = [] if number.natural else [(ctx.between(text, "<", "0"), ceiling)]
    if narrow:
        pairs.insert(0, (ctx.between(text, ">", ctx.number(_MOST, "real").text), language.whole.format(_MOST)))
        if not number.natural:
            pairs.insert(1, (ctx.between(text, "<", str(-_MOST)), language.whole.format(f"({-_MOST - 1})")))
    return Value(language.chosen(pairs, floor), "int", number.nullable or number.undefined, number.natural)


def converted(ctx: Context, expr: Expr) -> Value | None:
    """A conversion to a number, a span or a moment; None for other expressions, and where the language has no words for it."""
    language = ctx.language
    match expr:
        case Apply(function="todouble" | "toreal", args=(inner,)) if (number := ctx.value(inner)).kind in NUMBERS:
            return replace(number, kind="real", text=language.real.format(number.text)) if number.kind == "int" else number
        case Apply(function="tolong" | "toint", args=(inner,)) if (number := ctx.shown(inner)).kind == "int":
            return number
        case Apply(function="tolong" | "toint" as function, args=(inner,)) if (number := ctx.shown(inner)).kind == "real":
            return cut_off(ctx, number, function == "toint")  # of NaN it is null
        case Apply(function="tolong" | "toint" as function, args=(inner,)) if language.digits and (number := ctx.value(inner)).digits:
            return Value(language.digits[function].format(number.text), "int", True)
        case Apply(function="tolong" | "toint" as function, args=(inner,)) if (
            language.wholes and inner.type == Type.STRING and (text_ := ctx.value(inner)).kind == "text"
        ):
            return Value(language.wholes[function].format(text_.text), "int", True)
        case Apply(function="tolong", args=(inner,)) if inner.type == Type.TIMESPAN:
            length = ctx.of_kind(inner, "span")
            return Value(ctx.ticks(length), "real", length.nullable, length.natural)
        case Apply(function="totimespan" | "todatetime" as function, args=(inner,)):
            return ctx.of_kind(inner, "span" if function == "totimespan" else "time")
    return None


def extreme(ctx: Context, function: Function, values: list[Value], expr: Expr) -> Value:
    """The largest or the smallest of some values."""
    kinds = {v.kind for v in values}
    if not (kinds <= NUMBERS or (len(kinds) == 1 and kinds <= ORDERED)) or any(v.nullable for v in values):
        raise ctx.refuse(expr)
    chosen = function.words.format(", ".join(ctx.alike(v, kinds) for v in values))
    kind = "real" if "real" in kinds else kinds.pop()
    return Value(chosen, kind, False, all(v.natural for v in values), all(v.positive for v in values))


_MOST_DIGITS = 9


def rounded(ctx: Context, number: Value, digits: list[Expr], expr: Apply) -> Value:
    """``round``: halves away from zero, of the number times a power of ten (learn.microsoft.com/kusto/query/round-function)."""
    places = digits[0].value if digits and isinstance(digits[0], Const) else 0
    if number.kind not in NUMBERS or not isinstance(places, int) or not 0 <= places <= _MOST_DIGITS or len(digits) > 1:
        raise ctx.refuse(expr)
    if number.kind == "int":
        return number
    words, scale = ctx.language.functions["round"].words, str(10**places)
    if not places:
        return Value(words.format(number.text), "real", number.nullable, number.natural)
    found = words.format(ctx.between(grouped(number), "*", scale))
    return Value(f"({ctx.between(found, '/', scale)})", "real", number.nullable, number.natural, simple=True)
