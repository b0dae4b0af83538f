"""Values and conditions of a plan in the words of a language.

Values are typed as KQL has them: a text is never missing but empty, numbers and times may be null. Conditions are written as what holds
or as what fails, so that no negation ever meets a null: ``not(x < 5)`` is false of a null in KQL, and so is ``x >= 5`` in any language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from translator.detection.windows import TICKS
from translator.fidelity import Diagnostic
from translator.plan.constants import known_span
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Items, Path, columns_of, walk
from translator.plan.patterns import searched
from translator.plan.simplify import TEXT_OPERATORS, alternatives, is_field, simplify
from translator.plan.texts import literally
from translator.plan.types import Type
from translator.regex.ascii import asciified
from translator.regex.parser import RegexError, parsed
from translator.regex.syntax import least_width
from translator.regex.writers import Inexpressible
from translator.targets.base import Cannot
from translator.targets.computed import Functions, Texts
from translator.targets.predicates import Spelling


@dataclass(frozen=True, slots=True)
class Value:
    """A value in the target's words.

    ``kind`` is text, int, real, bool, time (seconds of the epoch), span (seconds), list, json: a text that holds the JSON of a dynamic
    value, or nothing, or part: a place inside of an object, written as a
    text, which is null in KQL where it is empty here, until ``tostring``. ``nullable``: it may be missing. ``natural``:
    it is no less than 0, and ``positive``: no less than 1. ``simple``: it is a name or a literal, which needs no parentheses.
    ``undefined``: where it is missing it is no null in KQL but NaN, of which ``not(x > 1)`` is true: an average of nothing.
    ``rounded``: it is a moment, or a span, that has no fractions of a second, which products keep or not. ``of_texts``: it is a list of
    all texts that there are, which may be shown as the text of its JSON. ``digits``: it is a text of decimal digits, or empty.
    ``narrow``: it is a whole number of 32 bits where the language has such, whose products may be none. ``texts``: what has all the texts
    of a list that holds some of them alone, to search there. ``ordered``: it is a list of all texts in the order that they have in KQL.
    ``laid_out``: it is a text with JSON in it, whose layout is the product's.
    """

    text: str
    kind: str
    nullable: bool = True
    natural: bool = False
    positive: bool = False
    simple: bool = False
    undefined: bool = False
    rounded: bool = False
    of_texts: bool = False
    digits: bool = False
    narrow: bool = False
    texts: str = ""
    ordered: bool = False
    laid_out: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a pipeline: its verb, and its whole text."""

    verb: str
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """How a language spells a function of KQL: the kinds of its arguments and of what it gives, and its words around them.

    ``gives`` may be ``same``, which is the kind of the first argument.

    The source of every row is the page on that function in the language's reference, which the table of the language names.
    """

    takes: tuple[str, ...]
    gives: str
    words: str
    nullable: bool | None = None
    """None where the result is missing as soon as an argument is."""
    natural: bool = False
    rounded: bool = False
    narrow: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """What the walk needs to know of a language to write values and conditions in it."""

    string: Callable[[str], str]
    atoms: Mapping[str, Spelling]
    functions: Mapping[str, Function]
    true: str
    false: str
    null: str
    missing: str
    present: str
    equal: str
    caseless: str
    joined: Callable[[list[str]], str]
    chosen: Callable[[list[tuple[str, str]], str], str]
    now: str
    length: str
    """In how many parts a text is split."""
    moment: Callable[[float], str]
    """A moment, of its seconds since the epoch."""
    moment_of_text: Callable[[str], str]
    """A moment, of a text that has it as Azure's logs do."""
    of_columns: Mapping[str, str]
    """Operators on texts whose second operand is no constant."""
    texts: Functions
    """What functions make of texts."""
    aggregates: Mapping[str, str]
    """The functions of summaries, over a value and, of a percentile, its rank; ``count`` is over values that are there."""
    deviations: Mapping[str, str]
    """What KQL has for an aggregate of deviations, of what the language has for it and the number of its values: of one, and of none, 0."""
    negated: str = "NOT {0}"
    gap: str = ""
    """What stands on both sides of an operator."""
    real: str = "{0}"
    """A whole number as one with fractions, where the language tells them apart."""
    whole: str = "{0}"
    """A whole number of the width that all of them have."""
    fraction: bool = False
    """Whether a number with fractions is written with some."""
    classes: str = ""
    r"""The letters of ``\d``, ``\s`` and ``\w`` that its regular expressions write out as those of Unicode."""
    split: str = ""
    """The parts of a text as several values, where the language keeps all of them."""
    span_text: str = ""
    """The text of a span of whole seconds, as ``tostring`` has it, where the language has words for it."""
    inside: Callable[[str, tuple[str | int, ...]], str] | None = None
    """The text of a place in a text that holds JSON, missing where there is none; None where the language has no words for it."""
    parsed: str = ""
    """What a text that may hold JSON is read as: the text of a JSON string, otherwise the text as it is, where the language has words."""
    untyped: bool = False
    """Whether fields have no types, so that one of an unknown type is read as a text or as a number alike."""
    digits: Mapping[str, str] = field(default_factory=dict)
    """How ``toint`` and ``tolong`` read a text of decimal digits, where the language has no words for all that KQL reads."""
    list_text: str = ""
    """The JSON of several texts, where the language has words for it."""
    appended: str = ""
    """Several values of those that each of some has, in their order, where the language has words for it."""
    list_length: str = ""
    """How many values there are of several, where it has."""
    json_length: str = ""
    """How many elements an array in a text that holds JSON has, missing where it holds none, where the language has words for it."""
    elements: str = ""
    """The elements of an array in a text that holds JSON, as several values, where the language has words for it."""


CONDITIONAL: Mapping[str, str] = MappingProxyType(
    {
        "countif": "count",
        "sumif": "sum",
        "dcountif": "dcount",
        "avgif": "avg",
        "minif": "min",
        "maxif": "max",
        "make_set_if": "make_set",
        "make_list_if": "make_list",
        "take_anyif": "take_any",
        "stdevif": "stdev",
        "varianceif": "variance",
        "variancepif": "variancep",
    }
)
"""Aggregates over the rows for which a condition holds, and those that they are of all rows."""

WALKED = frozenset(
    "== != =~ !~ < <= > >= and or in !in in~ !in~ between !between + - * / % not ago now strcat tostring todouble toreal bin iff iif case "
    "coalesce array_length countof datetime_diff isempty isnotempty isnull isnotnull has_any has_all".split()
)
"""What the walk itself writes of functions and operators, in every language."""

_OF_TEXTS = frozenset(
    {"matches regex", "extract", "replace_string", "replace_regex", "replace", "trim", "trim_start", "trim_end", "substring", "split"}
)


def spelled(language: Language) -> frozenset[str]:
    """The functions, operators and aggregates of KQL that the lane has words for in a language, on operands of the usual types."""
    negatable = {f"{no}{name}" for name in TEXT_OPERATORS & {*language.atoms} for no in ("", "!")}
    conditional = {name for name, plain in CONDITIONAL.items() if plain in language.aggregates}
    return WALKED | _OF_TEXTS | {*language.functions, *language.texts.calls, *language.aggregates} | negatable | conditional


KINDS: Mapping[Type, str] = {
    Type.STRING: "text", Type.GUID: "text", Type.UNKNOWN: "text", Type.INT: "int", Type.LONG: "int", Type.REAL: "real",
    Type.DECIMAL: "real",
    Type.BOOL: "bool", Type.DATETIME: "time", Type.TIMESPAN: "span", Type.DYNAMIC: "list",
}  # fmt: skip
WRITTEN = frozenset({"text", "part", "json"})
"""The kinds whose values are texts in the language, which are empty where KQL has none."""
IN_ANY_ORDER = frozenset({"has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs", "contains", "contains_cs"})
"""Operators that find a text in an element of a list wherever that stands."""
_BETWEEN = ('["', '",', ',"', '"]')
"""What the JSON of a list has before, between and behind its texts."""
_WORD = re.compile(r"[A-Za-z][\w.@-]*")
NUMBERS = frozenset({"int", "real"})
ORDERED = frozenset({"int", "real", "time", "span"})
_INVERSE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
MOST_WORDS = 20_000
"""How many characters a value may have: where a function names its argument several times, nested ones multiply."""

EPOCH_TICKS = 621_355_968_000_000_000
"""The ticks, which count from the year 1, of the first moment of 1970."""

_MOST = 2**31 - 1

_WHOLE = 2**53
"""Up to here every whole number is a floating-point number of its own."""


class Values:
    """Writes the expressions of one query over columns that have names.

    ``positive`` are expressions of which a condition has left only values of 1 and more.
    """

    def __init__(
        self, language: Language, columns: Mapping[int, Value], fields: Mapping[Expr, Value], positive: Container[Expr] = ()
    ) -> None:  # fmt: skip
        self.language, self.columns, self.fields, self.positive = language, columns, fields, positive

    def refuse(self, expr: Expr, what: str = "") -> Cannot:
        what = what or (f"{expr.function}()" if isinstance(expr, Apply) else "this value")
        return Cannot(Diagnostic("unsupported-expression", f"{what} on these operands is not supported here", expr.span))

    # --- values

    def value(self, expr: Expr) -> Value:
        """An expression.

        Raises:
            Cannot: where the language has no words for it.
        """
        found = self.shown(expr)
        if found.undefined:
            raise self.refuse(expr, "what may be no number")
        return found

    def shown(self, expr: Expr) -> Value:
        """The same, where a number that is none may be missing as well."""
        language = self.language
        if expr in self.fields:
            return self.fields[expr]
        match expr:
            case ColumnRef(column=column) if column.id in self.columns:
                return self.columns[column.id]
            case Const():
                return self.constant(expr)
            case Apply(function="now", args=()):
                return Value(language.now, "time", False)
            case Apply(function="ago", args=(span,)):
                back = self.of_kind(span, "span")
                now = Value(language.now, "time", False)
                return Value(f"({self.moved(now, '-', back)})", "time", back.nullable, simple=True)
            case Apply(function="strcat", args=args):
                texts = [self.as_text(a) for a in args]
                return Value(
                    language.joined([t.text for t in texts]), "text", False, laid_out=any(t.laid_out or t.kind == "json" for t in texts)
                )
            case Apply(function="tostring", args=(inner,)):
                return self.as_text(inner)
            case Apply(function="parse_json", args=(inner,)) if language.parsed and (read := self.value(inner)).kind in ("text", "part"):
                return Value(language.parsed.format(read.text), "json", False)
            case Apply(function="+" | "-" | "*" | "/" | "%" as operator, args=(left, right)):
                a, b = self.value(left), self.value(right)
                b = replace(b, positive=b.positive or _plain_number(right) in self.positive)
                return self.arithmetic(operator, self.like(a, left, b), self.like(b, right, a), expr)
            case Apply(function="neg", args=(inner,)):
                value = self.value(inner)
                if value.kind not in ("int", "real", "span"):
                    raise self.refuse(expr)
                return Value(f"({self.between('0', '-', grouped(value))})", value.kind, value.nullable, simple=True)
            case Apply(function="datetime_diff", args=(Const(value=str(unit)), left, right)) if unit.lower() in _UNITS:
                return self.apart(_UNITS[unit.lower()], self.of_kind(left, "time"), self.of_kind(right, "time"), expr)
            case Apply(function="bin", args=(value_, size)):
                return self.binned(self.value(value_), size, expr)
            case Apply(function="coalesce", args=args) if args:
                return self.first_of([_typed(self.value(a), a) for a in args], expr)
            case Apply(function="todouble" | "toreal", args=(inner,)) if (number := self.value(inner)).kind in NUMBERS:
                return replace(number, kind="real", text=language.real.format(number.text)) if number.kind == "int" else number
            case Apply(function="tolong" | "toint", args=(inner,)) if (number := self.shown(inner)).kind == "int":
                return number
            case Apply(function="tolong" | "toint" as function, args=(inner,)) if (number := self.shown(inner)).kind == "real":
                return self.cut_off(number, function == "toint")  # of NaN it is null
            case Apply(function="tolong" | "toint" as function, args=(inner,)) if language.digits and (number := self.value(inner)).digits:
                return Value(language.digits[function].format(number.text), "int", True)
            case Apply(function="tolong", args=(inner,)) if inner.type == Type.TIMESPAN:
                length = self.of_kind(inner, "span")
                return Value(self.ticks(length), "real", length.nullable, length.natural)
            case Apply(function="totimespan", args=(inner,)):
                return self.of_kind(inner, "span")
            case Path(base=base, steps=steps) if language.inside is not None and (whole := self.json(base)) is not None:
                found_ = f"{language.inside(whole.text, steps)}, {language.string('')}"
                return Value(language.functions["coalesce"].words.format(found_), "part", False)
            case Apply(function="max_of" | "min_of" as function, args=args) if function in language.functions:
                found_of = [self.value(a) for a in args]
                kinds = {v.kind for v in found_of}
                if not (kinds <= NUMBERS or (len(kinds) == 1 and kinds <= ORDERED)) or any(v.nullable for v in found_of):
                    raise self.refuse(expr)
                chosen = language.functions[function].words.format(", ".join(self.alike(v, kinds) for v in found_of))
                kind = "real" if "real" in kinds else kinds.pop()
                return Value(chosen, kind, False, all(v.natural for v in found_of), all(v.positive for v in found_of))
            case Apply(function="countof", args=(inner, Const(value=str(what)), *how)):
                return self.counted(self.of_kind(inner, "text|part"), what, [h.value for h in how if isinstance(h, Const)], expr)
            case Apply(function="array_length", args=(ColumnRef(column=column),)) if -column.id - 1 in self.columns:
                return self.columns[-column.id - 1]
            case Apply(function="array_length", args=(Apply(function="split", args=(whole, Const(value=str(mark)))),)) if (
                language.texts.splits(mark)
            ):
                split = language.length.format(self.of_kind(whole, "text").text, language.string(mark))
                return Value(split, "int", False, True, True, narrow=True)
            case Items(items=items) if language.appended and all(
                isinstance(i, Const) and i.value and isinstance(i.value, str) for i in items
            ):
                return self.listed([self.value(i).text for i in items])
            case Apply(function="pack_array", args=args) if (
                language.appended and all(map(self.is_filled, args)) and self.are_texts([*args])
            ):
                return self.listed([self.value(a).text for a in args])
            case Apply(function="array_concat", args=args) if language.appended and all(v.ordered for v in map(self.value, args)):
                return self.listed([self.value(a).text for a in args])
            case Apply(function="array_length", args=(inner,)) if language.appended and (array := self.ordered_list(inner)) is not None:
                return Value(language.list_length.format(array.text), "int", False, True)
            case Apply(function="array_length", args=(inner,)) if language.json_length and (array := self.json_of(inner)) is not None:
                return Value(language.json_length.format(array.text), "int", True, True)
        if found := alternatives(expr):
            return self.decided(found, expr)
        if (text := self.text(expr)) is not None:
            return Value(text, "text" if expr.type == Type.STRING or _is_first_part(expr) else "part", False)
        if isinstance(expr, Apply) and expr.function in language.functions:
            return self.called(expr, language.functions[expr.function])
        if isinstance(expr, Apply) and expr.type == Type.BOOL:
            told = [(self.holds(expr), language.string("true")), (self.fails(expr), language.string("false"))]
            return Value(language.chosen(told, language.null), "bool")
        raise self.refuse(expr)

    def listed(self, texts: list[str]) -> Value:
        """A list of texts, or of the texts of lists, in this order."""
        text = self.language.appended.format(", ".join(texts)) if len(texts) > 1 else texts[0] if texts else self.language.null
        return Value(text, "list", False, of_texts=True, ordered=True)

    def ordered_list(self, expr: Expr) -> Value | None:
        """A list that has all of its texts in their order; None for other values."""
        try:
            found = self.value(expr)
        except Cannot:
            return None
        return found if found.ordered else None

    def json_of(self, expr: Expr) -> Value | None:
        """The same, or a stored text that is read as JSON, which has its type in normal form."""
        if isinstance(expr, ColumnRef) and expr.type == Type.STRING and expr in self.fields:
            return self.fields[expr] if self.fields[expr].kind == "text" else None
        return self.json(expr)

    def json(self, expr: Expr) -> Value | None:
        """The text of a dynamic value that holds its JSON, or is empty; None where there is none."""
        match expr:
            case Apply(function="parse_json", args=(inner,)):
                found = self.json(inner) or self.value(inner)
                return found if found.kind in ("text", "part", "json") else None
            case Path(base=base) if expr not in self.fields:
                return self.value(expr) if self.json(base) is not None else None
            case ColumnRef(column=column) if column.id in self.columns:
                return found if (found := self.columns[column.id]).kind == "json" else None
        return None

    def counted(self, text: Value, what: str, how: list[object], expr: Apply) -> Value:
        """How often something is found in a text: so many characters it has more where one stands for each than where none does.

        Source: learn.microsoft.com/kusto/query/countof-function: plain texts may overlap, what expressions match does not.
        """
        tree = parsed(what if how == ["regex"] else literally(what)) if how in ([], ["normal"], ["regex"]) else None
        overlap = how != ["regex"] and any(what.startswith(what[n:]) for n in range(1, len(what)))
        length = self.language.functions["strlen"].words
        if tree is None or overlap or not least_width(tree) or asciified(tree, self.language.classes):
            raise self.refuse(expr)
        try:
            pattern = self.language.string(self.language.texts.pattern(tree))
        except Inexpressible as error:
            raise self.refuse(expr, f"countof() of {error}") from None
        with_, without = (self.language.texts.replaced.format(text.text, pattern, self.language.string(by)) for by in ("_", ""))
        return Value(f"({self.between(length.format(with_), '-', length.format(without))})", "int", False, True, simple=True, narrow=True)

    def text(self, expr: Expr) -> str | None:
        """What functions of texts make; None for other values."""
        for node in walk(expr):
            match node:
                case (
                    Apply(function="extract", args=(Const(value=str(regex)), *_))
                    | Apply(function="replace_regex", args=(_, Const(value=str(regex)), _))
                ) if (tree := parsed(regex)) is not None:
                    if asciified(tree, self.language.classes):
                        raise self.refuse(expr, "a class of characters of Unicode")
                    if node.function == "replace_regex" and not least_width(tree):
                        raise self.refuse(expr, "what replaces nothing")
        return _Texts(self).made(expr, True)

    def between(self, left: str, operator: str, right: str) -> str:
        return f"{left}{self.language.gap}{operator}{self.language.gap}{right}"

    def since(self, later: Value, earlier: Value) -> str:
        """The seconds between two moments."""
        return self.between(grouped(later), "-", grouped(earlier))

    def moved(self, moment: Value, operator: str, span: Value) -> str:
        """A moment some seconds later or earlier."""
        return self.between(grouped(moment), operator, grouped(span))

    def ticks(self, span: Value) -> str:
        return self.between(grouped(span), "*", str(TICKS))

    def units(self, moment: Value, seconds: int) -> str:
        """How many units of time have begun until a moment."""
        return self.language.functions["floor"].words.format(f"{grouped(moment)}/{seconds}")

    def simplest(self, expr: Expr, undefined: bool = False) -> Value:
        """The value of an expression in normal form, which has no ``tostring`` of a place in an object, of the kind it had."""
        form = simplify(expr)
        value = _typed(self.shown(form) if undefined else self.value(form), expr)
        return self.json_text(value, expr) if value.ordered and expr.type == Type.STRING else value

    def json_text(self, value: Value, expr: Expr) -> Value:
        """The JSON of a list that has all of its texts in their order."""
        if not value.simple or not self.language.list_text:
            raise self.refuse(expr, "the text of this value")
        return Value(self.language.list_text.format(value.text), "text", False)

    def called(self, expr: Apply, function: Function) -> Value:
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

    def of_kind(self, expr: Expr, kind: str) -> Value:
        """A value that has to be of some kind: one of several divided by ``|``."""
        value = self.value(expr)
        if value.kind not in kind.split("|"):
            raise self.refuse(expr, f"a value of the kind {value.kind}")
        return value

    def constant(self, expr: Const) -> Value:
        match expr.value:
            case bool(flag):
                return Value(self.language.string("true" if flag else "false"), "bool", False, simple=True)
            case int(ticks) if expr.type == Type.TIMESPAN:
                return self.number(ticks / TICKS, "span")
            case int(ticks) if expr.type == Type.DATETIME:
                return Value(self.language.moment((ticks - EPOCH_TICKS) / TICKS), "time", False)
            case int(number) if abs(number) <= _WHOLE:
                return self.number(number, "int")
            case float(number) if number == number and abs(number) < 1e15:
                return self.number(number, "real")
            case str(text):
                return Value(self.language.string(text), "text", False, simple=True)
            case None:
                return Value(self.language.null, KINDS[expr.type], True, simple=True)
        raise self.refuse(expr, "this literal")

    def number(self, number: float, kind: str) -> Value:
        text = repr(int(number)) if number == int(number) and not (kind == "real" and self.language.fraction) else repr(float(number))
        if "e" in text:
            raise Cannot(Diagnostic("unsupported-expression", "a number this small or large is not supported here", None))
        return Value(text, kind, False, number >= 0, number >= 1 or (number > 0 and kind != "int"), simple=number >= 0)

    def as_text(self, expr: Expr) -> Value:
        value = self.value(expr)
        if value.kind in ("text", "part"):
            return replace(value, kind="text")
        if value.kind == "json":
            return value
        if value.ordered:
            return self.json_text(value, expr)
        if value.kind == "span" and value.rounded and value.natural and not value.nullable and self.language.span_text:
            return Value(self.language.span_text.format(value.text), "text", False)
        if value.kind == "int" and not value.nullable and (function := self.language.functions.get("tostring")):
            return Value(function.words.format(value.text), "text", False)
        raise self.refuse(expr, "the text of this value")

    def arithmetic(self, operator: str, left: Value, right: Value, expr: Apply) -> Value:
        kinds = (left.kind, right.kind)
        nullable, natural = left.nullable or right.nullable, left.natural and right.natural and operator != "-"
        match operator, kinds:
            case ("-", ("time", "time")):
                return Value(f"({self.since(left, right)})", "span", nullable, simple=True)
            case ("+" | "-", ("time", "span")):
                return Value(f"({self.moved(left, operator, right)})", "time", nullable, simple=True)
            case ("+", ("span", "time")):
                return Value(f"({self.moved(right, operator, left)})", "time", nullable, simple=True)
            case ("+" | "-", ("span", "span")):
                kind = "span"
            case ("*", ("span", "int" | "real")) | ("*", ("int" | "real", "span")):
                kind = "span"
            case ("/", ("span", "span")) if right.positive:
                kind, left = "real", replace(left, text=self.language.real.format(left.text), simple=True)
            case ("+" | "-" | "*", ("int" | "real", "int" | "real")):
                kind = "int" if kinds == ("int", "int") else "real"
                left, right = map(self.wide, (left, right)) if kind == "int" else (left, right)
            case ("/", ("int", "int")) if right.positive and left.natural and (floor := self.language.functions.get("floor")):
                return Value(floor.words.format(self.between(grouped(left), "/", grouped(right))), "int", nullable, True)
            case ("/", ("int", "int")) if right.positive and "floor" in self.language.functions:
                return self.cut_off(Value(f"({self.between(grouped(left), '/', grouped(right))})", "real", nullable, simple=True), False)
            case ("/", ("int" | "real", "int" | "real")) if right.positive and kinds != ("int", "int"):
                kind = "real"
            case ("%", ("int", "int")) if right.positive and left.natural:
                kind = "int"
            case _:
                raise self.refuse(expr, f"'{operator}'")
        positive = operator in ("+", "*") and left.positive and right.positive
        return Value(f"({self.between(grouped(left), operator, grouped(right))})", kind, nullable, natural, positive, simple=True)

    def wide(self, value: Value) -> Value:
        """A whole number of the width that KQL's have."""
        return replace(value, text=self.language.whole.format(value.text), simple=True, narrow=False) if value.narrow else value

    def binned(self, value: Value, size: Expr, expr: Apply) -> Value:
        match value.kind, size:
            case "time", _ if (ticks := known_span(size) or 0) > 0 and ticks % TICKS == 0:
                return Value(self.bucket(value.text, ticks // TICKS), "time", value.nullable, rounded=True)
            case "int" | "real", Const(value=int(number)) if number > 0 and (floor := self.language.functions.get("floor")):
                bins = floor.words.format(f"{grouped(value)}/{self.number(number, 'real').text}")
                binned = self.between(self.language.real.format(bins) if value.kind == "real" else bins, "*", str(number))
                return Value(binned, value.kind, value.nullable, value.natural)
        raise self.refuse(expr)

    def bucket(self, moment: str, seconds: int) -> str:
        """The beginning of the bucket of a moment, counted as Kusto does, from the first moment of the year 1."""
        raise Cannot(Diagnostic("unsupported-expression", "buckets of time are not supported here", None))

    def apart(self, seconds: int, left: Value, right: Value, expr: Expr) -> Value:
        """How many boundaries of a unit lie between two moments: learn.microsoft.com/kusto/query/datetime-diff-function."""
        begun, ended = (self.units(v, seconds) for v in (right, left))
        return Value(f"({self.between(ended, '-', begun)})", "int", left.nullable or right.nullable, simple=True)

    def cut_off(self, number: Value, narrow: bool) -> Value:
        """A number without its fractions, within 32 bits where it is ``narrow`` (learn.microsoft.com/kusto/query/toint-function)."""
        language, text = self.language, grouped(number)
        floor, ceiling = (language.functions[name].words.format(number.text) for name in ("floor", "ceiling"))
        pairs = [] if number.natural else [(self.between(text, "<", "0"), ceiling)]
        if narrow:
            pairs.insert(0, (self.between(text, ">", self.number(_MOST, "real").text), language.whole.format(_MOST)))
            if not number.natural:
                pairs.insert(1, (self.between(text, "<", str(-_MOST)), language.whole.format(f"({-_MOST - 1})")))
        return Value(language.chosen(pairs, floor), "int", number.nullable or number.undefined, number.natural)

    def first_of(self, values: list[Value], expr: Expr) -> Value:
        kinds = {v.kind for v in values}
        if len(kinds) != 1 or kinds & {"list", "part", "json"} or (function := self.language.functions.get("coalesce")) is None:
            raise self.refuse(expr)
        if kinds == {"text"}:
            # An empty text is what KQL's coalesce passes over: learn.microsoft.com/kusto/query/coalesce-function.
            pairs = [(self.between(grouped(v), "!=", self.language.string("")), v.text) for v in values[:-1]]
            return Value(self.language.chosen(pairs, values[-1].text), "text", False)
        text = function.words.format(", ".join(self.alike(v, kinds) for v in values))
        return Value(text, values[0].kind, all(v.nullable for v in values), all(v.natural for v in values))

    def decided(self, found: list[tuple[Expr, Expr]], expr: Expr) -> Value:
        pairs = [(guard, _typed(self.value(value), value)) for guard, value in found]
        kinds = {v.kind for _, v in pairs}
        kind = "real" if kinds == {"int", "real"} else next(iter(kinds)) if len(kinds) == 1 else ""
        if kinds == {"text", "part"} and all(v.kind == "part" or self.is_filled(x) for (_, v), (_, x) in zip(pairs, found, strict=True)):
            kind = "part"
        elif kinds == {"text", "part"} and expr.type == Type.STRING:  # which is never null
            kind = "text"
        # The first branch counts whose condition holds, in every language; the last one where no other does.
        if kind == "list" and all(v.ordered for _, v in pairs):
            return self.listed([self.language.chosen([(self.holds(g), v.text) for g, v in pairs[:-1]], pairs[-1][1].text)])
        if kind in ("", "list", "json"):
            raise self.refuse(expr)
        nullable, natural = any(v.nullable for _, v in pairs), all(v.natural for _, v in pairs)
        told = [(self.holds(guard), self.alike(v, kinds)) for guard, v in pairs[:-1]]
        return Value(self.language.chosen(told, self.alike(pairs[-1][1], kinds)), kind, nullable, natural)

    def alike(self, value: Value, kinds: set[str]) -> str:
        """A value among others of these kinds, in the type that all of them have."""
        if value.kind in ("real", "span"):
            return self.language.real.format(value.text)
        if value.kind != "int":
            return value.text
        return (self.language.real if "real" in kinds else self.language.whole).format(value.text)

    @staticmethod
    def is_filled(expr: Expr) -> bool:
        """Whether a text is never empty, so that it is no null where it stands among places in objects."""
        return isinstance(expr, Const) and bool(expr.value)

    # --- conditions

    def holds(self, expr: Expr) -> str:
        """What is true where ``expr`` is."""
        language = self.language
        match expr:
            case Const(value=bool(flag)):
                return language.true if flag else language.false
            case Apply(function="and", args=args):
                return " AND ".join(self._part(a, self.holds) for a in args)
            case Apply(function="or", args=args):
                return " OR ".join(self._part(a, self.holds) for a in args)
            case Apply(function="not", args=(inner,)):
                return self.fails(inner)
            case Apply(function="isempty" | "isnull" as function, args=(inner,)):
                value = self.asked(function, inner, expr)
                if value.kind in WRITTEN:
                    return self.between(grouped(value), "==", language.string("")) if _may_lack(function, inner) else language.false
                return language.missing.format(value.text)
            case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(left, right)):
                return self.ordered(operator, left, right, expr)
            case Apply(function="!=", args=(left, right)):
                return self.fails(Apply(expr.span, expr.type, "==", (left, right)))
            case Apply(function="between", args=(value_, low, high)):
                return f"{self.ordered('>=', value_, low, expr)} AND {self.ordered('<=', value_, high, expr)}"
            case Apply(function="==" | "in", args=(subject, operand)) if (value := self.value(subject)).kind not in WRITTEN:
                return self.equal(value, operand, expr)
            case Apply(function="==" | "=~" as operator, args=(left, right)) if not isinstance(right, Const):
                if left.type == right.type == Type.UNKNOWN:  # empty texts are equal, and numbers that are missing are not
                    raise self.refuse(expr, "a comparison of columns of unknown types")
                form = language.equal if operator == "==" else language.caseless
                return form.format(self.of_kind(left, "text").text, self.of_kind(right, "text").text)
            case Apply(function=function, args=(subject, other)) if function in language.of_columns and columns_of(other):
                a, b = self.searched(function, subject, [other], "text").text, self.of_kind(other, "text").text
                return language.of_columns[function].format(a, b)
            case Apply(function="in" | "in~" | "==" | "=~" as function, args=(subject, *rest)) if (
                subject.type == Type.TIMESPAN and not isinstance(subject, Const) and self.are_texts(rest)
            ):
                return language.atoms[function](self.as_text(subject).text, tuple(rest), expr)
            case Apply(function="cidr" | "is_ipv4" as function, args=(subject, *rest)) if function in language.atoms:
                return language.atoms[function](self.of_kind(subject, "text").text, tuple(rest), expr)
            case Apply(function=function, args=(subject, *rest)) if function in language.atoms and (
                function in TEXT_OPERATORS | {"matches regex", "matches regex~", "in", "in~", "==", "=~"}
            ):
                if not self.are_texts(rest):
                    raise self.refuse(expr, f"'{function}'")
                kinds = self.searched_kinds(rest)
                if function in ("matches regex", "matches regex~"):
                    self.refuse_classes(expr)
                    kinds = "text|part"  # what stands between the words of JSON may be matched as well
                text = self.searched(function, subject, rest, kinds).text
                return language.atoms[function](text, tuple(rest), expr)
            case ColumnRef() if (value := self.value(expr)).kind == "bool":
                return self.between(value.text, "==", language.string("true"))
        raise self.refuse(expr, f"'{expr.function}'" if isinstance(expr, Apply) else "this condition")

    def searched(self, function: str, expr: Expr, operands: list[Expr], kinds: str) -> Value:
        """A text that is searched for another one, which a list is as well where its order is of no matter: KQL has it in any."""
        value, texts = self.value(expr), [i.value for i in _listed(operands) if isinstance(i, Const)]
        ordered = any(mark in str(text) for text in texts for mark in _BETWEEN)
        listed = value.texts or (value.text if value.of_texts else "")
        if value.kind == "list" and listed and self.language.list_text and function in IN_ANY_ORDER and not ordered:
            return Value(self.language.list_text.format(listed), "text", False)
        if value.laid_out and "json" not in kinds:
            raise self.refuse(expr, "the layout of JSON")
        return self.of_kind(expr, kinds)

    @staticmethod
    def are_texts(operands: list[Expr]) -> bool:
        return all(isinstance(i, Const) and i.type == Type.STRING for i in _listed(operands))

    @staticmethod
    def searched_kinds(operands: list[Expr]) -> str:
        """The kinds of texts that may be searched: JSON for words alone, whose spaces, escapes and numbers may be written otherwise."""
        words = all(isinstance(i, Const) and isinstance(i.value, str) and _WORD.fullmatch(i.value) for i in _listed(operands))
        return "text|part|json" if words else "text|part"

    def asked(self, function: str, inner: Expr, expr: Expr) -> Value:
        """A value of which is asked whether it is there; a list, also an empty one, always is."""
        value = self.value(inner)
        if value.kind == "list" or (value.kind in ("part", "json") and function == "isnull"):
            raise self.refuse(expr)
        return value

    def refuse_classes(self, expr: Apply) -> None:
        """Refuses classes of characters that are those of Unicode in KQL, and of ASCII in the language."""
        try:
            narrower = asciified(searched(expr), self.language.classes)
        except RegexError:
            narrower = {}
        if narrower:
            raise self.refuse(expr, f"{' and '.join(narrower)} of Unicode")

    def fails(self, expr: Expr) -> str:
        """What is true where ``expr`` is false: neither true nor null."""
        language = self.language
        match expr:
            case Const(value=bool(flag)):
                return language.false if flag else language.true
            case Apply(function="and", args=args):
                return " OR ".join(self._part(a, self.fails) for a in args)
            case Apply(function="or", args=args):
                return " AND ".join(self._part(a, self.fails) for a in args)
            case Apply(function="not", args=(inner,)):
                return self.holds(inner)
            case Apply(function="isempty" | "isnull" as function, args=(inner,)):
                value = self.asked(function, inner, expr)
                if value.kind in WRITTEN:
                    return self.between(grouped(value), "!=", language.string("")) if _may_lack(function, inner) else language.true
                return language.present.format(value.text)
            case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(left, right)):
                return self.ordered(_INVERSE[operator], left, right, expr, self.value)
            case Apply(function="!=", args=(left, right)):
                return self.holds(Apply(expr.span, expr.type, "==", (left, right)))
            case Apply(function="between", args=(value_, low, high)):
                return f"({self.ordered('<', value_, low, expr, self.value)} OR {self.ordered('>', value_, high, expr, self.value)})"
            case Apply(function="==" | "in", args=(subject, _)) if (value := self.value(subject)).kind not in (
                "text",
                "json",
            ) and value.nullable:
                raise self.refuse(expr, "a negated comparison of what may be null")
            case Apply(args=(subject, *rest)) if self.shown(subject).kind in ("part", "json") and not all(
                isinstance(i, Const) and isinstance(i.value, str) for i in _listed(rest)
            ):
                raise self.refuse(expr, "a negated comparison of what may be null")
            case ColumnRef() if (value := self.value(expr)).kind == "bool":
                return self.between(value.text, "==", language.string("false"))
        return language.negated.format(self._part(expr, self.holds))

    def _part(self, expr: Expr, write: Callable[[Expr], str]) -> str:
        text = write(expr)
        return f"({text})" if " AND " in text or " OR " in text else text

    def ordered(self, operator: str, left: Expr, right: Expr, expr: Expr, read: Callable[[Expr], Value] | None = None) -> str:
        """A comparison, false of what is missing; ``read`` gives its sides, where not all may be missing."""
        a, b = map(read or self.shown, (left, right))
        a, b = self.like(a, left, b), self.like(b, right, a)
        if not ({a.kind, b.kind} <= NUMBERS or (a.kind == b.kind and a.kind in ORDERED)):
            raise self.refuse(expr, f"'{operator}'")
        return self.between(grouped(a), operator, grouped(b))

    def like(self, value: Value, expr: Expr, other: Value) -> Value:
        """A value of unknown type beside another one as what it has to be for KQL to compare them."""
        kind = {"int": "real", "real": "real", "time": "time"}.get(other.kind)
        if kind is None or value.kind != "text" or expr.type != Type.UNKNOWN or not is_field(expr):
            return value
        if kind == "time":
            return Value(self.language.moment_of_text(value.text), kind)
        return Value(self.language.functions["todouble"].words.format(value.text), kind)

    def equal(self, value: Value, operand: Expr, expr: Expr) -> str:
        items = operand.items if isinstance(operand, Items) else (operand,)
        others = [self.value(i) for i in items]
        for other in others:
            if "real" in (value.kind, other.kind):  # whose last digits products keep or not
                raise self.refuse(expr, "equality of numbers with fractions")
            if other.nullable or not ({value.kind, other.kind} <= NUMBERS or value.kind == other.kind) or value.kind == "list":
                raise self.refuse(expr, "this comparison")
        text = " OR ".join(self.between(grouped(value), "==", grouped(other)) for other in others)
        return f"({text})" if len(others) > 1 else text


def _typed(value: Value, expr: Expr) -> Value:
    """A value that is a text where it is a place in an object that is read as one."""
    return replace(value, kind="text") if value.kind == "part" and expr.type == Type.STRING else value


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


def _may_lack(function: str, expr: Expr) -> bool:
    """Whether a text may be empty, or null: one of unknown type may be a number, which is then missing, as in every other lane."""
    return function == "isempty" or expr.type == Type.UNKNOWN


def _listed(operands: list[Expr]) -> list[Expr]:
    """Operands of which lists are the items that they have."""
    return [i for x in operands for i in (x.items if isinstance(x, Items) else (x,))]


def grouped(value: Value) -> str:
    """A value as an operand."""
    plain = (
        value.simple or value.text.replace("_", "a").replace(".", "a").isalnum() or (value.text[:1] == "'" and value.text.count("'") == 2)
    )
    return value.text if plain else f"({value.text})"


class _Texts(Texts):
    """The texts that functions make of values."""

    def __init__(self, values: Values) -> None:
        self.values, self.functions, self.depth = values, values.language.texts, 0

    def _of(self, expr: Expr, empty: bool) -> str | None:
        value = self.values.value(expr)
        return value.text if value.kind in ("text", "part") else None
