"""Conditions, written as what holds or as what fails."""

from __future__ import annotations

import re
from collections.abc import Callable

from translator.plan.conditions import EQUALITIES, OPPOSITE, TEXT_OPERATORS, conditional
from translator.plan.expansions import EMPTY_ARRAY
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Items, columns_of, const, items_of
from translator.plan.types import Type
from translator.targets.pipeline.language import IN_ANY_ORDER, NUMBERS, ORDERED, WRITTEN, Value, grouped
from translator.targets.pipeline.values.context import Context
from translator.targets.pipeline.values.texts import as_text
from translator.targets.predicates import gathered

_BETWEEN = ('["', '",', ',"', '"]')
"""What the JSON of a list has before, between and behind its texts."""


_NO_JSON = re.compile(r"[^\s\[{\d+\-.].*", re.DOTALL)

_WORD = re.compile(r"[A-Za-z][\w.@-]*( +[\w.@-]+)*", re.ASCII)
"""Words, which stand within one text of JSON wherever they stand in it: between two of its texts there are quotes."""


def holds(ctx: Context, expr: Expr) -> str:
    """What is true where ``expr`` is."""
    if (alike := _either_way(ctx, expr, True)) is not None:
        return alike
    language = ctx.language
    match expr:
        case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(left, right)):
            return _ordered(ctx, operator, left, right, expr)
        case Apply(function="between", args=(value_, low, high)):
            return f"{_ordered(ctx, '>=', value_, low, expr)} AND {_ordered(ctx, '<=', value_, _end(low, high), expr)}"
        case Apply(function="==", args=(Apply(function="tobool") as asked, Const(value=bool(flag)))):
            return ctx.holds(asked) if flag else ctx.fails(asked)
        case Apply(function="==", args=(subject, Const(value=bool(flag)))) if (value := ctx.value(subject)).kind in ("part", "json"):
            spelled = Items(None, Type.DYNAMIC, tuple(map(const, ("true", "1") if flag else ("false", "0"))))
            return language.atoms["in"](language.functions["tolower"].words.format(value.text), (spelled,), expr)
        case Apply(function="==" | "in", args=(subject, operand)) if (value := ctx.value(subject)).kind not in WRITTEN:
            return _equal(ctx, value, operand, expr)
        case Apply(function="==" | "=~", args=(subject, Const(value="[]"))) if (whole := ctx.value(subject)).kind == "json":
            empty = Apply(expr.span, expr.type, "matches regex", (subject, const(EMPTY_ARRAY)))  # the layout is the product's
            return language.atoms["matches regex"](whole.text, empty.args[1:], empty)
        case Apply(function="==" | "=~" as operator, args=(left, right)) if not isinstance(right, Const):
            if left.type == right.type == Type.UNKNOWN:  # empty texts are equal, and numbers that are missing are not
                raise ctx.refuse(expr, "a comparison of columns of unknown types")
            return _equal_texts(ctx, operator, left, right)
        case Apply(function=function, args=(subject, other)) if function in language.of_columns and columns_of(other):
            a, b = _searched(ctx, function, subject, [other], "text").text, ctx.of_kind(other, "text").text
            return language.of_columns[function].format(a, b)
        case Apply(function=function, args=(subject, ColumnRef() as other)) if (
            function in language.of_lists and (listed := ctx.value(other)).kind == "list"
        ):
            return language.of_lists[function].format(_searched(ctx, function, subject, [], "text|part").text, listed.text)
        case Apply(function="in" | "in~" | "==" | "=~" as function, args=(subject, *rest)) if (
            subject.type == Type.TIMESPAN and not isinstance(subject, Const) and are_texts(rest)
        ):
            return language.atoms[function](as_text(ctx, subject).text, tuple(rest), expr)
        case Apply(function="cidr" | "is_ipv4" as function, args=(subject, *rest)) if function in language.atoms:
            return language.atoms[function](ctx.of_kind(subject, "text").text, tuple(rest), expr)
        case Apply(function=function, args=(subject, *rest)) if function in language.atoms and function in TEXT_OPERATORS:
            if not are_texts(rest):
                raise ctx.refuse(expr, f"'{function}'")
            kinds = _searched_kinds(function, rest)
            if function in ("matches regex", "matches regex~"):
                ctx.refuse_classes(expr)
                kinds = "text|part"  # what stands between the words of JSON may be matched as well
            text = _searched(ctx, function, subject, rest, kinds).text
            return language.atoms[function](text, tuple(rest), expr)
    raise ctx.refuse(expr, f"'{expr.function}'" if isinstance(expr, Apply) else "this condition")


def fails(ctx: Context, expr: Expr) -> str:
    """What is true where ``expr`` is false: neither true nor null."""
    if (alike := _either_way(ctx, expr, False)) is not None:
        return alike
    language = ctx.language
    match expr:
        case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(left, right)):
            return _ordered(ctx, OPPOSITE[operator], left, right, expr, ctx.value)
        case Apply(function="==", args=(Apply(function="tobool") as asked, Const(value=bool(flag)))):
            return language.negated.format(ctx.holds(asked) if flag else ctx.fails(asked))
        case Apply(function="==", args=(left, right)) if isinstance(left, ColumnRef) and left.type == right.type == Type.UNKNOWN:
            # Whatever they are: they differ where one is missing, and do not where both are.
            return language.negated.format(_operand(ctx, expr, lambda x: _equal_texts(ctx, "==", left, right)))
        case Apply(function="between", args=(value_, low, high)):
            return f"({_ordered(ctx, '<', value_, low, expr, ctx.value)} OR {_ordered(ctx, '>', value_, _end(low, high), expr, ctx.value)})"
        case Apply(function="==" | "in", args=(subject, *rest)) if (value := ctx.value(subject)).kind not in (
            "text",
            "json",
        ) and value.nullable:
            if value.kind not in {*ORDERED, "bool"} or not all(isinstance(i, Const) and i.value is not None for i in _flattened(rest)):
                raise ctx.refuse(expr, "a negated comparison of what may be null")
            # A null is no value: learn.microsoft.com/kusto/query/scalar-data-types/null-values.
            return f"{language.missing.format(value.text)} OR {language.negated.format(_operand(ctx, expr, ctx.holds))}"
        case Apply(function="==", args=(_, right)) if not isinstance(right, Const) and ctx.shown(right).nullable:
            raise ctx.refuse(expr, "a negated comparison of what may be null")
        case Apply(args=(subject, *rest)) if ctx.shown(subject).kind in ("part", "json") and not all(
            isinstance(i, Const) and isinstance(i.value, str) for i in _flattened(rest)
        ):
            raise ctx.refuse(expr, "a negated comparison of what may be null")
        case Apply(function=function, args=(subject, ColumnRef() as other)) if (
            function in language.not_of_lists and (listed := ctx.value(other)).kind == "list"
        ):
            return language.not_of_lists[function].format(_searched(ctx, function, subject, [], "text|part").text, listed.text)
    return language.negated.format(_operand(ctx, expr, ctx.holds))


def _either_way(ctx: Context, expr: Expr, wanted: bool) -> str | None:
    """What is true where ``expr`` is as ``wanted``, of conditions whose opposite is written as they are; None of others."""
    language = ctx.language
    same, opposite = (ctx.holds, ctx.fails) if wanted else (ctx.fails, ctx.holds)
    shown = language.string("true" if wanted else "false")
    match expr:
        case Const(value=bool(flag)):
            return language.true if flag == wanted else language.false
        case Apply() if expr in ctx.fields:
            return ctx.between(ctx.value(expr).text, "==", shown)
        case Apply(function="and" | "or" as function, args=args):
            conjoined = function == "and"
            members = gathered(args, language.finds_any, refused=conjoined)
            return (" AND " if conjoined == wanted else " OR ").join(_operand(ctx, a, same) for a in members)
        case Apply(function="not", args=(inner,)):
            return opposite(inner)
        case Apply(function="isempty" | "isnull" as function, args=(inner,)):
            value = _tested(ctx, function, inner, expr)
            if value.kind not in WRITTEN:
                return (language.missing if wanted else language.present).format(value.text)
            if not _may_lack(function, inner):
                return language.false if wanted else language.true
            return ctx.between(grouped(value), "==" if wanted else "!=", language.string(""))
        case Apply(function="!=", args=(left, right)):
            return opposite(Apply(expr.span, expr.type, "==", (left, right)))
        case Apply(function="tobool", args=(inner,)) if language.truths[0]:
            true, false = language.truths
            return (true if wanted else false).format(ctx.of_kind(inner, "text|part|json").text)
        case ColumnRef() if (value := ctx.value(expr)).kind == "bool":
            return ctx.between(value.text, "==", shown)
        case Apply(function="iff" | "case") if conditional(expr):
            return ctx.between(grouped(ctx.value(expr)), "==", shown)
    return None


def _operand(ctx: Context, expr: Expr, write: Callable[[Expr], str]) -> str:
    text = write(expr)
    return f"({text})" if " AND " in text or " OR " in text else text


def _ordered(ctx: Context, operator: str, left: Expr, right: Expr, expr: Expr, read: Callable[[Expr], Value] | None = None) -> str:
    """A comparison, false of what is missing; ``read`` gives its sides, where not all may be missing.

    A moment between two of the product's own is written as the earlier one, at which nothing is that lies behind it.
    """
    if _is_between_moments(ctx, right):
        operator = {"<": "<=", ">=": ">"}.get(operator, operator)
    elif _is_between_moments(ctx, left):
        operator = {">": ">=", "<=": "<"}.get(operator, operator)
    a, b = map(read or ctx.shown, (left, right))
    a, b = ctx.like(a, left, b), ctx.like(b, right, a)
    if not ({a.kind, b.kind} <= NUMBERS or (a.kind == b.kind and a.kind in ORDERED)):
        raise ctx.refuse(expr, f"'{operator}'")
    return ctx.between(grouped(a), operator, grouped(b))


def _is_between_moments(ctx: Context, expr: Expr) -> bool:
    """Whether something is a moment, such as the last of a day, that the product cannot tell from the one before it."""
    return isinstance(expr, Const) and expr.type == Type.DATETIME and isinstance(expr.value, int) and expr.value % ctx.language.finest != 0


def _equal(ctx: Context, value: Value, operand: Expr, expr: Expr) -> str:
    items = items_of(operand)
    others = [ctx.value(i) for i in items]
    known = len(items) > 1 or isinstance(items[0], Const)
    if any(_is_between_moments(ctx, item) for item in items):
        raise ctx.refuse(expr, "equality with a moment that is no whole millisecond")
    for other in others:
        if "real" in (value.kind, other.kind):  # whose last digits products keep or not
            raise ctx.refuse(expr, "equality of numbers with fractions")
        if (other.nullable and known) or not ({value.kind, other.kind} <= NUMBERS or value.kind == other.kind) or value.kind == "list":
            raise ctx.refuse(expr, "this comparison")
    text = " OR ".join(ctx.between(grouped(value), "==", grouped(other)) for other in others)
    return f"({text})" if len(others) > 1 else text


def _equal_texts(ctx: Context, operator: str, left: Expr, right: Expr) -> str:
    """That two texts are equal, of which none is known before."""
    form = ctx.language.equal if operator == "==" else ctx.language.caseless
    return form.format(ctx.of_kind(left, "text").text, ctx.of_kind(right, "text").text)


def _tested(ctx: Context, function: str, inner: Expr, expr: Expr) -> Value:
    """A value of which is asked whether it is there; a list, also an empty one, always is."""
    value = ctx.value(inner)
    if value.kind == "list" or (value.kind in ("part", "json") and function == "isnull"):
        raise ctx.refuse(expr)
    return value


def _searched(ctx: Context, function: str, expr: Expr, operands: list[Expr], kinds: str) -> Value:
    """A text that is searched for another one, which a list is as well where its order is of no matter: KQL has it in any."""
    value, texts = ctx.value(expr), [i.value for i in _flattened(operands) if isinstance(i, Const)]
    ordered = any(mark in str(text) for text in texts for mark in _BETWEEN)
    listed = value.texts or (value.text if value.of_texts else "")
    if value.kind == "list" and listed and ctx.language.list_text and function in IN_ANY_ORDER and not ordered:
        return Value(ctx.language.list_text.format(listed), "text", False)
    if value.laid_out and "json" not in kinds:
        raise ctx.refuse(expr, "the layout of JSON")
    return ctx.of_kind(expr, kinds)


def are_texts(operands: list[Expr]) -> bool:
    """Whether all that a value is compared with are constant texts."""
    return all(isinstance(i, Const) and i.type == Type.STRING for i in _flattened(operands))


def _searched_kinds(function: str, operands: list[Expr]) -> str:
    """The kinds of texts that may be searched: JSON for words alone, whose spaces, escapes and numbers may be written otherwise.

    What begins like no number, object or array of JSON is equal to nothing but a text.
    """
    form = _NO_JSON if function in EQUALITIES else _WORD
    words = all(isinstance(i, Const) and isinstance(i.value, str) and form.fullmatch(i.value) for i in _flattened(operands))
    return "text|part|json" if words else "text|part"


def _may_lack(function: str, expr: Expr) -> bool:
    """Whether a text may be empty, or null: one of unknown type may be a number, which is then missing, as in every other lane."""
    return function == "isempty" or expr.type == Type.UNKNOWN


def _flattened(operands: list[Expr]) -> list[Expr]:
    """Operands of which lists are the items that they have."""
    return [i for x in operands for i in items_of(x)]


def _end(low: Expr, high: Expr) -> Expr:
    """The end of a range, which may be told by its length (learn.microsoft.com/kusto/query/between-operator)."""
    if low.type == Type.DATETIME and high.type == Type.TIMESPAN:
        return Apply(high.span, Type.DATETIME, "+", (low, high))
    return high
