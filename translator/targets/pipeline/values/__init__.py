"""Values and conditions of a plan in the words of a language.

Values are typed as KQL has them: a text is never missing but empty, numbers and times may be null. Conditions are written as what holds
or as what fails, so that no negation ever meets a null: ``not(x < 5)`` is false of a null in KQL, and so is ``x >= 5`` in any language.
"""

from __future__ import annotations

from dataclasses import replace

from translator.plan.conditions import alternatives, conditional
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path, const
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.targets.pipeline.language import Function, Value, grouped
from translator.targets.pipeline.values import conditions
from translator.targets.pipeline.values.array_calls import array_called
from translator.targets.pipeline.values.arrays import json_of
from translator.targets.pipeline.values.branches import first_of, value_of_branches
from translator.targets.pipeline.values.context import Context, as_typed
from translator.targets.pipeline.values.numbers import arithmetic, binned, boundaries_between, constant, converted, extreme, rounded
from translator.targets.pipeline.values.texts import as_text, json_of_list, occurrences, text_made
from translator.targets.repeated import hint_of

_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


MOST_WORDS = 20_000
"""How many characters a value may have: where a function names its argument several times, nested ones multiply."""


class Values(Context):
    """Writes the expressions of one query over columns that have names."""

    def shown(self, expr: Expr) -> Value:
        """An expression for a column that is shown, where it may also be what is no number.

        Raises:
            Cannot: where the language has no words for it.
        """
        value = self._shown(expr)
        text = value.text if self.repeated is None else self.repeated.of(value.text, hint_of(expr))
        return value if text == value.text else replace(value, text=text, simple=True)

    def _shown(self, expr: Expr) -> Value:
        language = self.language
        if expr in self.fields:
            return self.fields[expr]
        match expr:
            case ColumnRef(column=column) if column.id in self.columns:
                return self.columns[column.id]
            case Const():
                return constant(self, expr)
            case Apply(function="now", args=()):
                return Value(language.now, "time", False)
            case Apply(function="ago", args=(span,)):
                back = self.of_kind(span, "span")
                now = Value(language.now, "time", False)
                return Value(f"({self.moved(now, '-', back)})", "time", back.nullable, simple=True)
            case Apply(function="strcat", args=args):
                texts = [as_text(self, a) for a in args]
                return Value(
                    language.joined([t.text for t in texts]), "text", False, laid_out=any(t.laid_out or t.kind == "json" for t in texts)
                )
            case Apply(function="tostring", args=(inner,)):
                moment = self.value(inner) if inner.type == Type.DATETIME else None
                told = moment is not None and moment.kind == "time" and not moment.nullable
                values = (alternatives(inner) or []) if inner.type == Type.DYNAMIC else []
                if any(x == _NOTHING for _, x in values):
                    return value_of_branches(self, [(guard, _text_of(x)) for guard, x in values], expr)
                return replace(moment, kind="moment") if moment is not None and told else as_text(self, inner)
            case Apply(function="parse_json", args=(inner,)) if language.parsed and (read := self.value(inner)).kind in ("text", "part"):
                return Value(language.parsed.format(read.text), "json", False)
            case Apply(function="+" | "-" | "*" | "/" | "%" as operator, args=(left, right)):
                a, b = self.value(left), self.value(right)
                b = replace(b, positive=b.positive or _plain_number(right) in self.positive)
                return arithmetic(self, operator, self.like(a, left, b), self.like(b, right, a), expr)
            case Apply(function="neg", args=(inner,)):
                positive = self.value(inner)
                if positive.kind not in ("int", "real", "span"):
                    raise self.refuse(expr)
                return Value(f"({self.between('0', '-', grouped(positive))})", positive.kind, positive.nullable, simple=True)
            case Apply(function="datetime_diff", args=(Const(value=str(unit)), left, right)) if unit.lower() in _UNITS:
                return boundaries_between(self, _UNITS[unit.lower()], self.of_kind(left, "time"), self.of_kind(right, "time"), expr)
            case Apply(function="bin", args=(value_, size)):
                return binned(self, self.value(value_), size, expr)
            case Apply(function="coalesce", args=args) if args:
                return first_of(self, [as_typed(self.value(a), a) for a in args], expr)
            case Path(base=base, steps=steps) if language.inside is not None and (whole := json_of(self, base)) is not None:
                found_ = f"{language.inside(whole.text, steps)}, {language.string('')}"
                return Value(language.functions["coalesce"].words.format(found_), "part", False)
            case Apply(function="max_of" | "min_of" as function, args=args) if function in language.functions:
                return extreme(self, language.functions[function], [self.value(a) for a in args], expr)
            case Apply(function="countof", args=(inner, Const(value=str(what)), *how)):
                return occurrences(self, self.of_kind(inner, "text|part"), what, [h.value for h in how if isinstance(h, Const)], expr)
            case Apply(function="round", args=(inner, *digits)) if "round" in language.functions:
                return rounded(self, self.value(inner), digits, expr)
        if (value := converted(self, expr) or array_called(self, expr)) is not None:
            return value
        if found := alternatives(expr) or conditional(expr):
            return value_of_branches(self, found, expr)
        if (text := text_made(self, expr)) is not None:
            return Value(text, "text" if expr.type == Type.STRING or _is_first_part(expr) else "part", False)
        if isinstance(expr, Apply) and expr.function in language.functions:
            return self.called(expr, language.functions[expr.function])
        if isinstance(expr, Apply) and expr.type == Type.BOOL:
            branches = [(self.holds(expr), language.string("true")), (self.fails(expr), language.string("false"))]
            return Value(language.chosen(branches, language.null), "bool")
        raise self.refuse(expr)

    def simplest(self, expr: Expr, undefined: bool = False) -> Value:
        """The value of an expression in normal form, which has no ``tostring`` of a place in an object, of the kind it had."""
        form = simplify(expr)
        value = as_typed(self.shown(form) if undefined else self.value(form), expr)
        match expr:
            case Apply(function="parse_json") if value.kind == "text":  # a stored text is its own normal form
                value = replace(value, parsed=True)
        return json_of_list(self, value, expr) if value.ordered and expr.type == Type.STRING else value

    def called(self, expr: Apply, function: Function) -> Value:
        """A call of a function by its words in the language.

        Raises:
            Cannot: for other arguments than the words take, or where the text becomes longer than ``MOST_WORDS``.
        """
        if len(expr.args) != len(function.takes):
            raise self.refuse(expr)
        # Where a function takes a text it takes a place in an object as the text that it is: an empty one where there is nothing.
        of_texts = function.gives == "text" or expr.function in ("strlen", "string_size")
        kinds = [f"{kind}|part" if kind == "text" and of_texts else kind for kind in function.takes]
        args = [self.of_kind(a, kind) for a, kind in zip(expr.args, kinds, strict=True)]
        nullable = any(a.nullable for a in args) if function.nullable is None else function.nullable
        text = function.words.format(*(a.text for a in args))
        if len(text) > MOST_WORDS:
            raise self.refuse(expr)
        kind = function.gives if function.gives != "same" else args[0].kind
        return Value(text, kind, nullable, function.natural, rounded=function.rounded, narrow=function.narrow)

    def holds(self, expr: Expr) -> str:
        return conditions.holds(self, expr)

    def fails(self, expr: Expr) -> str:
        return conditions.fails(self, expr)


_NOTHING = Const(None, Type.DYNAMIC, None)


def _text_of(expr: Expr) -> Expr:
    """The text of a value, which is empty where there is none."""
    return const("") if expr == _NOTHING else Apply(expr.span, Type.STRING, "tostring", (expr,))


def _plain_number(expr: Expr) -> Expr:
    """A number without what makes it one with fractions."""
    match expr:
        case Apply(function="todouble" | "toreal", args=(inner,)):
            return _plain_number(inner)
    return expr


def _is_first_part(expr: Expr) -> bool:
    """Whether a value is the first part of a text, which is always there: learn.microsoft.com/kusto/query/split-function."""
    match expr:
        case Path(base=Apply(function="split", args=(_, Const())), steps=(0,)):
            return True
    return False
