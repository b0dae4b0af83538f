"""Comparisons, conditions and choices, with KQL's rules on null, NaN and dynamic values."""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.python import arithmetic as python_arithmetic
from translator.engine.python import dynamics as python_dynamics
from translator.engine.scalars.context import NUMBERS, OPEN, WHOLE, Functions, Values
from translator.engine.scalars.conversions import convert, from_dynamic, to_dynamic, to_text, typed, whole_number
from translator.engine.scalars.writing import column_name, compared
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.conditions import OPPOSITE
from translator.plan.types import Type


def predicate(ctx: Values, expr: e.Expr, negated: bool = False) -> exp.Expr:
    """``expr`` where only true counts: null and false are the same, which leaves SQL's own comparisons as they are."""
    match expr:
        case e.Apply(function="and" | "or" as function, args=args):
            parts = [predicate(ctx, a, negated) for a in args]
            return exp.and_(*parts) if (function == "and") != negated else exp.or_(*parts)
        case e.Apply(function="not", args=(inner,)):
            return predicate(ctx, inner, not negated)
        case e.Apply(function="==", args=(left, right)):
            a, b = operands(ctx, left, right, equality=True)
            if _undefined(ctx, left, right) is not None:
                found = _equal(ctx, expr)
                return exp.Not(this=exp.paren(found, copy=False)) if negated else found
            if left.type == right.type == Type.STRING or not negated:
                return compared(exp.NEQ if negated else exp.EQ, a, b)
            return exp.Not(this=compared(exp.NullSafeEQ, a, b))
        case e.Apply(function="<" | "<=" | ">" | ">=" as function, args=(left, right)):
            if _undefined(ctx, left, right) is not None:
                found = _ordered(ctx, expr)
                return exp.Not(this=exp.paren(found, copy=False)) if negated else found
            opposite = OPPOSITE[function]
            return _in_order(ctx, opposite if negated else function, left, right)
        case e.Const(value=bool(value)):
            return exp.Boolean(this=value != negated)
    found = ctx.value(expr) if expr.type == Type.BOOL else convert(ctx, expr, Type.BOOL)
    return exp.Not(this=exp.paren(found, copy=False)) if negated else found


def operands(ctx: Values, left: e.Expr, right: e.Expr, equality: bool = False) -> tuple[exp.Expr, exp.Expr]:
    """Both sides of a comparison in one type; ``equality`` says that it asks for no order."""
    kinds = {left.type, right.type}
    if Type.UNKNOWN in kinds:
        kinds = {Type.DYNAMIC if k == Type.UNKNOWN else k for k in kinds}
    if Type.DYNAMIC in kinds:
        other = next(iter(kinds - {Type.DYNAMIC}), Type.STRING)
        if other in WHOLE:
            return _beside_whole(ctx, left), _beside_whole(ctx, right)
        if other == Type.DECIMAL:
            other = Type.REAL
        return convert(ctx, left, other) if left.type != other else ctx.value(left), convert(ctx, right, other)
    if len(kinds) == 1 or kinds <= set(NUMBERS):
        return ctx.value(left), ctx.value(right)
    if kinds <= {Type.BOOL, *NUMBERS}:
        return ctx.cast(ctx.value(left), Type.LONG), ctx.cast(ctx.value(right), Type.LONG)
    if equality and Type.STRING in kinds and kinds <= {Type.STRING, *WHOLE}:
        # The official binder takes `ResultType == 0` for a column of texts, as many rules of Microsoft write it: the digits are compared.
        return to_text(ctx, left), to_text(ctx, right)
    if equality and kinds == {Type.BOOL, Type.STRING}:
        # As rules of Microsoft write it: `ipv4_is_private(address) == 'False'`.
        first, second = (ctx.value(x) if x.type == Type.BOOL else convert(ctx, x, Type.BOOL) for x in (left, right))
        return first, second
    if kinds == {Type.GUID, Type.STRING}:
        return ctx.sql("LOWER($1)", to_text(ctx, left)), ctx.sql("LOWER($1)", to_text(ctx, right))
    raise EngineError(f"a {left.type} cannot be compared with a {right.type}", left.span or right.span)


def _beside_whole(ctx: Values, expr: e.Expr) -> exp.Expr:
    """A side of a comparison with a whole number: a real has too few digits for what a dynamic value may hold."""
    if expr.type not in OPEN:
        return ctx.value(expr)
    text = ctx.python("beside_whole", python_arithmetic.beside_whole, (Type.DYNAMIC,), Type.STRING, (ctx.value(expr),))
    return ctx.try_cast(text, Type.DECIMAL)


def _undefined(ctx: Values, *exprs: e.Expr) -> exp.Expr | None:
    """Whether one of these is NaN, which compares with nothing; None where none can be, or SQL sees it so itself."""
    if "is_nan" not in ctx.dialect.words:
        return None
    tests = [ctx.word("is_nan", ctx.value(x)) for x in exprs if x.type == Type.REAL and not isinstance(x, e.Const)]
    return exp.or_(*tests) if tests else None


def _defined(ctx: Values, comparison: exp.Expr, *exprs: e.Expr) -> exp.Expr:
    """``comparison``, false where a side of it is NaN."""
    undefined = _undefined(ctx, *exprs)
    return comparison if undefined is None else exp.and_(comparison, exp.Not(this=exp.paren(undefined, copy=False)))


def _equal(ctx: Values, expr: e.Apply) -> exp.Expr:
    left, right = expr.args
    a, b = operands(ctx, left, right, equality=True)
    if left.type == right.type == Type.STRING:
        return compared(exp.EQ, a, b)
    if any(isinstance(s, e.Const) and s.value is not None for s in (left, right)):
        return exp.Coalesce(this=_defined(ctx, compared(exp.EQ, a, b), left, right), expressions=[exp.false()])
    same = _defined(ctx, ctx.sql("COALESCE($1 = $2, FALSE)", a, b), left, right)
    return ctx.sql("CASE WHEN $1 IS NULL AND $2 IS NULL THEN NULL ELSE $3 END", a, b, same)


def _ordered(ctx: Values, expr: e.Apply) -> exp.Expr:
    left, right = expr.args
    return _defined(ctx, _in_order(ctx, expr.function, left, right), left, right)


def mixed(ctx: Values, expr: e.Expr) -> bool:
    """Whether each value may be of a type of its own; SQL that is only written takes a column of a table that is not known as it is."""
    return expr.type == Type.DYNAMIC or (expr.type == Type.UNKNOWN and ctx.dialect.python)


def order_key(ctx: Values, value: exp.Expr) -> exp.Expr:
    """A text in whose order dynamic values stand: its first character is their kind."""
    key = ctx.python("order_key", python_arithmetic.order_key, (Type.DYNAMIC,), Type.STRING, (value,))
    return exp.Nullif(this=key, expression=exp.Literal.string(""))


def of_one_kind(ctx: Values, least: exp.Expr, greatest: exp.Expr, value: exp.Expr) -> exp.Expr:
    """``value``, refused when the query runs where the least and the greatest key of an order are of two kinds."""
    test = ctx.python("of_one_kind", python_arithmetic.of_one_kind, (Type.STRING, Type.STRING), Type.BOOL, (least, greatest))
    return exp.Case(ifs=[exp.If(this=test, true=value)])


_SQL_COMPARISONS = {"<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}


def _in_order(ctx: Values, function: str, left: e.Expr, right: e.Expr) -> exp.Expr:
    """A comparison by ``<`` and its like: of two dynamic values by what they hold, null where that is of two kinds."""
    if mixed(ctx, left) and mixed(ctx, right):
        sides = (ctx.value(left), ctx.value(right))
        a: exp.Expr = ctx.python("order_of", python_arithmetic.order_of, (Type.DYNAMIC, Type.DYNAMIC), Type.LONG, sides)
        return compared(_SQL_COMPARISONS[function], a, exp.Literal.number(0))
    a, b = operands(ctx, left, right)
    return compared(_SQL_COMPARISONS[function], a, b)


def _same_text(ctx: Values, expr: e.Apply) -> exp.Expr:
    left, right = expr.args
    return exp.EQ(this=lowered(ctx, left), expression=lowered(ctx, right))


def lowered(ctx: Values, expr: e.Expr) -> exp.Expr:
    """An expression as a text in small letters."""
    if isinstance(expr, e.Const) and isinstance(expr.value, str) and expr.value.isascii():
        return exp.Literal.string(expr.value.lower())
    # Of other texts each database has its own small letters, as of a dotted I: both sides take the same.
    return exp.Lower(this=to_text(ctx, expr))


def _junction(ctx: Values, expr: e.Apply) -> exp.Expr:
    parts = [convert(ctx, a, Type.BOOL) if a.type != Type.BOOL else ctx.value(a) for a in expr.args]
    return exp.and_(*parts) if expr.function == "and" else exp.or_(*parts)


def _negation(ctx: Values, expr: e.Apply) -> exp.Expr:
    return exp.Not(this=exp.paren(convert(ctx, expr.args[0], Type.BOOL), copy=False))


def _between(ctx: Values, expr: e.Apply) -> exp.Expr:
    subject, low, high = expr.args
    if subject.type == Type.DATETIME and high.type == Type.TIMESPAN:
        high = e.Apply(high.span, Type.DATETIME, "+", (low, high))
    return _defined(ctx, exp.and_(_in_order(ctx, ">=", subject, low), _in_order(ctx, "<=", subject, high)), subject, low, high)


_MEMBER_IDS = -(10**9)
"""Below this number are columns that hold the members of others."""


def _member(ctx: Values, expr: e.Apply) -> exp.Expr:
    subject, items = expr.args
    assert isinstance(items, e.Items)
    cased = expr.function == "in"
    plain: list[e.Expr] = []
    parts: list[exp.Expr] = []
    for item in items.items:
        match item:
            case e.Subquery(scalar=False, column=column) if column is not None:
                relation = item.relation
                if column.type == Type.DYNAMIC:  # the members of an array are values of their own
                    member = e.Column(_MEMBER_IDS - column.id, column.name, Type.DYNAMIC)
                    relation = o.Expand(item.span, relation, ((member, e.ColumnRef(None, column.type, column)),), None, None)
                    column = member
                inner = ctx.compile_relation(relation)
                chosen: exp.Expr = exp.column(column_name(column), quoted=True)
                if column.type == Type.DYNAMIC:
                    chosen = from_dynamic(ctx, chosen, Type.STRING if subject.type in OPEN else subject.type)
                query = exp.select(chosen if cased else exp.Lower(this=chosen)).from_(inner.subquery("q"))
                value = lowered(ctx, subject) if not cased else ctx.value(subject)
                if subject.type in OPEN:
                    value = to_text(ctx, subject)
                parts.append(exp.In(this=value, query=exp.Subquery(this=query)))
            case e.Const() | e.ColumnRef() if item.type not in OPEN:
                plain.append(item)
            case _ if item.type in OPEN:
                name, call = ("member", python_dynamics.member) if cased else ("member_any_case", python_dynamics.member_any_case)
                parts.append(ctx.python(name, call, (Type.DYNAMIC, Type.DYNAMIC), Type.BOOL, (to_dynamic(ctx, subject), ctx.value(item))))
            case _:
                plain.append(item)
    if plain:
        if cased:
            pairs = [operands(ctx, subject, i, equality=True) for i in plain]
            parts.append(exp.In(this=pairs[0][0], expressions=[b for _, b in pairs]))
        else:
            parts.append(exp.In(this=lowered(ctx, subject), expressions=[lowered(ctx, i) for i in plain]))
    found = exp.or_(*parts) if parts else exp.false()
    if subject.type == Type.STRING:
        return found
    known = exp.Coalesce(this=found, expressions=[exp.false()])
    if subject.type in OPEN or not any(isinstance(i, e.Const) and i.value is None for i in plain):
        return known
    return ctx.sql("CASE WHEN $1 IS NOT NULL THEN $2 END", ctx.value(subject), known)


def _is_empty(ctx: Values, expr: e.Apply) -> exp.Expr:
    (subject,) = expr.args
    if subject.type in (Type.STRING, Type.DYNAMIC, Type.UNKNOWN):
        found: exp.Expr = exp.EQ(this=to_text(ctx, subject), expression=exp.Literal.string(""))
    else:
        found = exp.Is(this=ctx.value(subject), expression=exp.Null())
    return exp.Not(this=exp.paren(found, copy=False)) if expr.function == "isnotempty" else found


def _is_null(ctx: Values, expr: e.Apply) -> exp.Expr:
    (subject,) = expr.args
    if subject.type == Type.STRING:
        found: exp.Expr = exp.false()
    elif subject.type in OPEN:
        value = ctx.value(subject)
        found = ctx.sql("$1 IS NULL OR $1 = 'null'", value)
    else:
        found = exp.Is(this=ctx.value(subject), expression=exp.Null())
    return exp.Not(this=exp.paren(found, copy=False)) if expr.function == "isnotnull" else exp.paren(found, copy=False)


def _choice(ctx: Values, expr: e.Apply) -> exp.Expr:
    args = expr.args
    kind = Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type
    if expr.function == "iff":
        args = (args[0], args[1], args[2])
    pairs = [(args[i], args[i + 1]) for i in range(0, len(args) - 1, 2)]
    ifs = [exp.If(this=predicate(ctx, c), true=typed(ctx, v, kind)) for c, v in pairs]
    return exp.Case(ifs=ifs, default=typed(ctx, args[-1], kind))


def _coalesce(ctx: Values, expr: e.Apply) -> exp.Expr:
    kind = Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type
    values = [typed(ctx, a, kind) for a in expr.args]
    if kind == Type.STRING:
        values = [exp.Nullif(this=v, expression=exp.Literal.string("")) for v in values]
        return ctx.never_null(exp.Coalesce(this=values[0], expressions=values[1:]), kind)
    return exp.Coalesce(this=values[0], expressions=values[1:])


def _extreme(ctx: Values, expr: e.Apply) -> exp.Expr:
    if mixed(ctx, expr):
        name, call = ("greatest", python_arithmetic.greatest) if expr.function == "max_of" else ("least", python_arithmetic.least)
        given = tuple(to_dynamic(ctx, a) for a in expr.args)
        return ctx.python(f"{name}_of_values", call, (Type.DYNAMIC,) * len(given), Type.DYNAMIC, given, nulls=True)
    values = [whole_number(ctx, a) if a.type in OPEN and expr.type in WHOLE else typed(ctx, a, expr.type) for a in expr.args]
    make = exp.Greatest if expr.function == "max_of" else exp.Least
    return make(this=values[0], expressions=values[1:], ignore_nulls=True) if len(values) > 1 else values[0]


FUNCTIONS: Functions = {
    "==": _equal,
    **dict.fromkeys(("<", "<=", ">", ">="), _ordered),
    "=~": _same_text,
    "and": _junction,
    "or": _junction,
    "not": _negation,
    "between": _between,
    "in": _member,
    "in~": _member,
    "isempty": _is_empty,
    "isnotempty": _is_empty,
    "isnull": _is_null,
    "isnotnull": _is_null,
    "iff": _choice,
    "case": _choice,
    "coalesce": _coalesce,
    "max_of": _extreme,
    "min_of": _extreme,
}
