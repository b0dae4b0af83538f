"""The pipeline lane: a plan operator by operator, for languages that are pipelines themselves.

A query falls into its head and the rest. The head is what leads to the first operator that changes rows: it selects events, and goes the
way of every detection (windows, homes, conditions in the words of the index). What follows is written from the plan, command by command,
over fields that the head has given the names of the query's columns.

Values are typed as KQL has them: a text is never missing but empty, numbers and times may be null. Conditions are written as what holds
or as what fails, so that no negation ever meets a null: ``not(x < 5)`` is false of a null in KQL, and so is ``x >= 5`` in any language.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from translator import catalog
from translator.detection.model import Detection, Threshold
from translator.detection.windows import TICKS, is_time
from translator.fidelity import Diagnostic, Notes, Place
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Path, columns_of, conjunction, conjuncts, walk
from translator.plan.patterns import searched
from translator.plan.simplify import TEXT_OPERATORS, branches, is_field, simplify
from translator.plan.types import Type
from translator.regex.ascii import asciified
from translator.regex.parser import RegexError
from translator.targets.base import Cannot
from translator.targets.homes import Placed
from translator.targets.names import free_of
from translator.targets.predicates import Spelling


@dataclass(frozen=True, slots=True)
class Value:
    """A value in the target's words.

    ``kind`` is text, int, real, bool, time (seconds of the epoch), span (seconds), list, or part: a place inside of an object, written as a
    text, which is null in KQL where it is empty here, until ``tostring``. ``nullable``: it may be missing. ``natural``:
    it is no less than 0, and ``positive``: no less than 1. ``simple``: it is a name or a literal, which needs no parentheses.
    ``undefined``: where it is missing it is no null in KQL but NaN, of which ``not(x > 1)`` is true: an average of nothing.
    """

    text: str
    kind: str
    nullable: bool = True
    natural: bool = False
    positive: bool = False
    simple: bool = False
    undefined: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a pipeline: its verb, and its whole text."""

    verb: str
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """How a language spells a function of KQL: the kinds of its arguments and of what it gives, and its words around them.

    The source of every row is the page on that function in the language's reference, which the table of the language names.
    """

    takes: tuple[str, ...]
    gives: str
    words: str
    nullable: bool | None = None
    """None where the result is missing as soon as an argument is."""
    natural: bool = False


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
    negated: str = "NOT {0}"


WALKED = frozenset(
    "== != =~ !~ < <= > >= and or in !in in~ !in~ between !between + - * / % not ago now strcat tostring todouble toreal bin iff iif case "
    "coalesce array_length datetime_diff isempty isnotempty isnull isnotnull has_any has_all".split()
)
"""What the walk itself writes of functions and operators, in every language."""

KINDS: Mapping[Type, str] = {
    Type.STRING: "text", Type.GUID: "text", Type.UNKNOWN: "text", Type.INT: "int", Type.LONG: "int", Type.REAL: "real",
    Type.DECIMAL: "real",
    Type.BOOL: "bool", Type.DATETIME: "time", Type.TIMESPAN: "span", Type.DYNAMIC: "list",
}  # fmt: skip
_NUMBERS = frozenset({"int", "real"})
_ORDERED = frozenset({"int", "real", "time", "span"})
_INVERSE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_WHOLE = 2**53
"""Up to here every whole number is a floating-point number of its own."""


class Values:
    """Writes the expressions of one query over columns that have names."""

    def __init__(self, language: Language, columns: Mapping[int, Value], fields: Mapping[Expr, Value]) -> None:
        self.language, self.columns, self.fields = language, columns, fields

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
                return Value(f"({language.now}-{back.text})", "time", back.nullable, simple=True)
            case Apply(function="strcat", args=args):
                return Value(language.joined([self.as_text(a).text for a in args]), "text", False)
            case Apply(function="tostring", args=(inner,)):
                return self.as_text(inner)
            case Apply(function="+" | "-" | "*" | "/" | "%" as operator, args=(left, right)):
                return self.arithmetic(operator, self.value(left), self.value(right), expr)
            case Apply(function="neg", args=(inner,)):
                value = self.value(inner)
                if value.kind not in ("int", "real", "span"):
                    raise self.refuse(expr)
                return Value(f"(0-{_grouped(value)})", value.kind, value.nullable, simple=True)
            case Apply(function="datetime_diff", args=(Const(value=str(unit)), left, right)) if unit.lower() in _UNITS:
                return self.apart(_UNITS[unit.lower()], self.of_kind(left, "time"), self.of_kind(right, "time"), expr)
            case Apply(function="bin", args=(value_, size)):
                return self.binned(self.value(value_), size, expr)
            case Apply(function="coalesce", args=args) if args:
                return self.first_of([self.value(a) for a in args], expr)
            case Apply(function="todouble" | "toreal", args=(inner,)) if (number := self.value(inner)).kind in _NUMBERS:
                return replace(number, kind="real")
            case Apply(function="tolong" | "toint", args=(inner,)) if (number := self.value(inner)).kind == "int":
                return number
            case Apply(function="array_length", args=(ColumnRef(column=column),)) if -column.id - 1 in self.columns:
                return self.columns[-column.id - 1]
        if found := branches(expr):
            return self.decided(found, expr)
        if (text := self.text(expr)) is not None:
            return Value(text, "text" if expr.type == Type.STRING else "part", False)
        if isinstance(expr, Apply) and expr.function in language.functions:
            return self.called(expr, language.functions[expr.function])
        if isinstance(expr, Apply) and expr.type == Type.BOOL:
            told = [(self.holds(expr), language.string("true")), (self.fails(expr), language.string("false"))]
            return Value(language.chosen(told, language.null), "bool")
        raise self.refuse(expr)

    def text(self, expr: Expr) -> str | None:
        """What functions of texts make; None for other values."""
        return None

    def simplest(self, expr: Expr, undefined: bool = False) -> Value:
        """The value of an expression in normal form, which has no ``tostring`` of a place in an object, of the kind it had."""
        form = simplify(expr)
        found = self.shown(form) if undefined else self.value(form)
        return replace(found, kind="text") if found.kind == "part" and expr.type == Type.STRING else found

    def called(self, expr: Apply, function: Function) -> Value:
        if len(expr.args) != len(function.takes):
            raise self.refuse(expr)
        args = [self.of_kind(a, kind) for a, kind in zip(expr.args, function.takes, strict=True)]
        nullable = any(a.nullable for a in args) if function.nullable is None else function.nullable
        return Value(function.words.format(*(a.text for a in args)), function.gives, nullable, function.natural)

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
                return _number(ticks / TICKS, "span")
            case int(ticks) if expr.type == Type.DATETIME:
                raise self.refuse(expr, "a moment")
            case int(number) if abs(number) <= _WHOLE:
                return _number(number, "int")
            case float(number) if number == number and abs(number) < 1e15:
                return _number(number, "real")
            case str(text):
                return Value(self.language.string(text), "text", False, simple=True)
            case None:
                return Value(self.language.null, KINDS[expr.type], True, simple=True)
        raise self.refuse(expr, "this literal")

    def as_text(self, expr: Expr) -> Value:
        value = self.value(expr)
        if value.kind in ("text", "part"):
            return replace(value, kind="text")
        if value.kind == "int" and not value.nullable and (function := self.language.functions.get("tostring")):
            return Value(function.words.format(value.text), "text", False)
        raise self.refuse(expr, "the text of this value")

    def arithmetic(self, operator: str, left: Value, right: Value, expr: Apply) -> Value:
        kinds = (left.kind, right.kind)
        nullable, natural = left.nullable or right.nullable, left.natural and right.natural and operator != "-"
        match operator, kinds:
            case ("-", ("time", "time")):
                kind = "span"
            case ("+" | "-", ("time", "span")) | ("+", ("span", "time")):
                kind = "time"
            case ("+" | "-", ("span", "span")):
                kind = "span"
            case ("*", ("span", "int" | "real")) | ("*", ("int" | "real", "span")):
                kind = "span"
            case ("/", ("span", "span")) if right.positive:
                kind = "real"
            case ("+" | "-" | "*", ("int" | "real", "int" | "real")):
                kind = "int" if kinds == ("int", "int") else "real"
            case ("/", ("int", "int")) if right.positive and left.natural and (floor := self.language.functions.get("floor")):
                return Value(floor.words.format(f"{_grouped(left)}/{_grouped(right)}"), "int", nullable, True)
            case ("/", ("int" | "real", "int" | "real")) if right.positive and kinds != ("int", "int"):
                kind = "real"
            case ("%", ("int", "int")) if right.positive and left.natural:
                kind = "int"
            case _:
                raise self.refuse(expr, f"'{operator}'")
        positive = operator in ("+", "*") and left.positive and right.positive
        return Value(f"({_grouped(left)}{operator}{_grouped(right)})", kind, nullable, natural, positive, simple=True)

    def binned(self, value: Value, size: Expr, expr: Apply) -> Value:
        match value.kind, size:
            case "time", Const(type=Type.TIMESPAN, value=int(ticks)) if ticks > 0 and ticks % TICKS == 0:
                return Value(self.bucket(value.text, ticks // TICKS), "time", value.nullable)
            case "int" | "real", Const(value=int(number)) if number > 0 and (floor := self.language.functions.get("floor")):
                return Value(f"{floor.words.format(f'{_grouped(value)}/{number}')}*{number}", value.kind, value.nullable, value.natural)
        raise self.refuse(expr)

    def bucket(self, moment: str, seconds: int) -> str:
        """The beginning of the bucket of a moment, counted as Kusto does, from the first moment of the year 1."""
        raise Cannot(Diagnostic("unsupported-expression", "buckets of time are not supported here", None))

    def apart(self, seconds: int, left: Value, right: Value, expr: Expr) -> Value:
        """How many boundaries of a unit lie between two moments: learn.microsoft.com/kusto/query/datetime-diff-function."""
        floor = self.language.functions.get("floor")
        if floor is None:
            raise self.refuse(expr)
        begun, ended = (floor.words.format(f"{_grouped(v)}/{seconds}") for v in (right, left))
        return Value(f"({ended}-{begun})", "int", left.nullable or right.nullable, simple=True)

    def first_of(self, values: list[Value], expr: Apply) -> Value:
        kinds = {v.kind for v in values}
        if len(kinds) != 1 or kinds & {"list", "part"} or (function := self.language.functions.get("coalesce")) is None:
            raise self.refuse(expr)
        if kinds == {"text"}:
            # An empty text is what KQL's coalesce passes over: learn.microsoft.com/kusto/query/coalesce-function.
            pairs = [(f"{v.text}!={self.language.string('')}", v.text) for v in values[:-1]]
            return Value(self.language.chosen(pairs, values[-1].text), "text", False)
        text = function.words.format(", ".join(v.text for v in values))
        return Value(text, values[0].kind, all(v.nullable for v in values), all(v.natural for v in values))

    def decided(self, found: list[tuple[Expr, Expr]], expr: Expr) -> Value:
        pairs = [(guard, self.value(value)) for guard, value in found]
        kinds = {v.kind for _, v in pairs}
        kind = "real" if kinds == {"int", "real"} else kinds.pop() if len(kinds) == 1 else ""
        # The conditions of the branches exclude each other; the last one holds where no other does.
        if kind in ("", "list", "part"):
            raise self.refuse(expr)
        nullable, natural = any(v.nullable for _, v in pairs), all(v.natural for _, v in pairs)
        told = [(self.holds(guard), v.text) for guard, v in pairs[:-1]]
        return Value(self.language.chosen(told, pairs[-1][1].text), kind, nullable, natural)

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
                if value.kind in ("text", "part"):
                    return f"{_grouped(value)}=={language.string('')}" if function == "isempty" else language.false
                return language.missing.format(value.text)
            case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(left, right)):
                return self.ordered(operator, left, right, expr)
            case Apply(function="!=", args=(left, right)):
                return self.fails(Apply(expr.span, expr.type, "==", (left, right)))
            case Apply(function="between", args=(value_, low, high)):
                return f"{self.ordered('>=', value_, low, expr)} AND {self.ordered('<=', value_, high, expr)}"
            case Apply(function="==" | "in", args=(subject, operand)) if (value := self.value(subject)).kind not in ("text", "part"):
                return self.equal(value, operand, expr)
            case Apply(function="==" | "=~" as operator, args=(left, right)) if not isinstance(right, Const):
                form = language.equal if operator == "==" else language.caseless
                return form.format(self.of_kind(left, "text").text, self.of_kind(right, "text").text)
            case Apply(function=function, args=(subject, *rest)) if function in language.atoms and (
                function in TEXT_OPERATORS | {"matches regex", "matches regex~", "in", "in~", "==", "=~"}
            ):
                if not all(
                    isinstance(i, Const) and i.type == Type.STRING for a in rest for i in (a.items if isinstance(a, Items) else (a,))
                ):
                    raise self.refuse(expr, f"'{function}'")
                if function in ("matches regex", "matches regex~"):
                    self.refuse_classes(expr)
                return language.atoms[function](self.of_kind(subject, "text|part").text, tuple(rest), expr)
            case ColumnRef() if (value := self.value(expr)).kind == "bool":
                return f"{value.text}=={language.string('true')}"
        raise self.refuse(expr, f"'{expr.function}'" if isinstance(expr, Apply) else "this condition")

    def asked(self, function: str, inner: Expr, expr: Expr) -> Value:
        """A value of which is asked whether it is there; a list, also an empty one, always is."""
        value = self.value(inner)
        if value.kind == "list" or (value.kind == "part" and function == "isnull"):
            raise self.refuse(expr)
        return value

    def refuse_classes(self, expr: Apply) -> None:
        """Refuses classes of characters that are those of Unicode in KQL, and of ASCII in the language."""
        try:
            narrower = asciified(searched(expr))
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
                if value.kind in ("text", "part"):
                    return f"{_grouped(value)}!={language.string('')}" if function == "isempty" else language.true
                return language.present.format(value.text)
            case Apply(function="<" | "<=" | ">" | ">=" as operator, args=(left, right)):
                return self.ordered(_INVERSE[operator], left, right, expr, self.value)
            case Apply(function="!=", args=(left, right)):
                return self.holds(Apply(expr.span, expr.type, "==", (left, right)))
            case Apply(function="between", args=(value_, low, high)):
                return f"({self.ordered('<', value_, low, expr, self.value)} OR {self.ordered('>', value_, high, expr, self.value)})"
            case Apply(function="==" | "in", args=(subject, _)) if (value := self.value(subject)).kind != "text" and value.nullable:
                raise self.refuse(expr, "a negated comparison of what may be null")
            case Apply(args=(subject, *_)) if self.shown(subject).kind == "part":
                raise self.refuse(expr, "a negated comparison of what may be null")
            case ColumnRef() if (value := self.value(expr)).kind == "bool":
                return f"{value.text}=={language.string('false')}"
        return language.negated.format(self._part(expr, self.holds))

    def _part(self, expr: Expr, write: Callable[[Expr], str]) -> str:
        text = write(expr)
        return f"({text})" if " AND " in text or " OR " in text else text

    def ordered(self, operator: str, left: Expr, right: Expr, expr: Expr, read: Callable[[Expr], Value] | None = None) -> str:
        """A comparison, false of what is missing; ``read`` gives its sides, where not all may be missing."""
        a, b = map(read or self.shown, (left, right))
        if not ({a.kind, b.kind} <= _NUMBERS or (a.kind == b.kind and a.kind in _ORDERED)):
            raise self.refuse(expr, f"'{operator}'")
        return f"{_grouped(a)}{operator}{_grouped(b)}"

    def equal(self, value: Value, operand: Expr, expr: Expr) -> str:
        items = operand.items if isinstance(operand, Items) else (operand,)
        others = [self.value(i) for i in items]
        for other in others:
            if "real" in (value.kind, other.kind):  # whose last digits products keep or not
                raise self.refuse(expr, "equality of numbers with fractions")
            if other.nullable or not ({value.kind, other.kind} <= _NUMBERS or value.kind == other.kind) or value.kind == "list":
                raise self.refuse(expr, "this comparison")
        text = " OR ".join(f"{_grouped(value)}=={_grouped(other)}" for other in others)
        return f"({text})" if len(others) > 1 else text


def _number(number: float, kind: str) -> Value:
    text = repr(int(number)) if number == int(number) else repr(number)
    if "e" in text:
        raise Cannot(Diagnostic("unsupported-expression", "a number this small or large is not supported here", None))
    return Value(text, kind, False, number >= 0, number >= 1 or (number > 0 and kind != "int"), simple=number >= 0)


def _grouped(value: Value) -> str:
    plain = (
        value.simple or value.text.replace("_", "a").replace(".", "a").isalnum() or (value.text[:1] == "'" and value.text.count("'") == 2)
    )
    return value.text if plain else f"({value.text})"


# --- the plan


@dataclass(frozen=True, slots=True)
class Cut:
    """A query cut in two: the relation of its events, and the operators over them, the first one first."""

    head: o.Relation
    rest: tuple[o.Relation, ...]


_OF_EVENTS = o.Source | o.Union | o.Filter | o.Compute | o.Project | o.Arrange
MOST_CUTS = 3


def way_to(root: o.Relation) -> list[o.Relation]:
    """The operators that lead to a relation, the first one first: from its table, or from a union, whose parts are not looked into."""
    found: list[o.Relation] = []
    current: o.Relation | None = root
    while current is not None:
        found.append(current)
        current = None if isinstance(current, o.Union) else getattr(current, "input", None)
    return found[::-1]


def cuts(root: o.Relation) -> Iterator[Cut]:
    """The ways to cut a query, that with the most in its head first."""
    spine = way_to(root)
    if not isinstance(spine[0], o.Source | o.Union):
        return
    head = list(itertools.takewhile(lambda r: isinstance(r, _OF_EVENTS), spine))
    ends = [len(head), *(n for n in range(len(head) - 1, 0, -1) if isinstance(head[n], o.Compute))]
    for end in list(dict.fromkeys(ends))[:MOST_CUTS]:
        yield Cut(spine[end - 1], tuple(spine[end:]))
    filters = list(itertools.takewhile(lambda r: isinstance(r, o.Filter), spine[1:]))
    parts = [p for f in filters if isinstance(f, o.Filter) for p in conjuncts(f.predicate)]
    plain = [p for p in parts if _is_plain(p)]
    if 0 < len(plain) < len(parts):
        # What no index knows is asked of the events that the rest has found.
        selected = o.Filter(filters[0].span, spine[0], conjunction(*plain))
        others = o.Filter(filters[0].span, selected, conjunction(*(p for p in parts if p not in plain)))
        yield Cut(selected, (others, *spine[1 + len(filters) :]))


def _is_plain(condition: Expr) -> bool:
    """Whether a condition compares fields with what is known before the query runs."""
    match condition:
        case Apply(function="and" | "or" | "not", args=args):
            return all(map(_is_plain, args))
        case Apply(args=(subject, *others)):
            return is_field(subject) and not any(columns_of(x) for x in others)
    return isinstance(condition, Const) or is_field(condition)


def definitions(head: o.Relation) -> dict[int, Expr]:
    """What computes the columns of a head, by id."""
    return {c.id: x for items in computed(head) for c, x in items}


def computed(head: o.Relation) -> list[tuple[tuple[Column, Expr], ...]]:
    """What a head computes on its way, the first first; of the parts of a union only their merged columns are known."""
    return [r.items for r in way_to(head) if isinstance(r, o.Compute | o.Project)]


def deciding(plan: o.Plan) -> set[int]:
    """The columns that decide which rows there are, and how many."""
    todo = list[Expr]()
    limited = any(isinstance(n, o.Limit) for n in o.parts(plan.root))
    for node in o.parts(plan.root):
        match node:
            case o.Filter(predicate=predicate):
                todo.append(predicate)
            case o.Aggregate(keys=keys):
                todo += [x for _, x in keys]
            case o.Distinct(columns=columns):
                todo += [ColumnRef(None, c.type, c) for c in columns]
            case o.Sort(keys=order) if limited:
                todo += [k.expr for k in order]
            case o.Limit(keys=order, count=count):
                todo += [k.expr for k in order] + [count]
    return behind(plan, todo)


def all_made(plan: o.Plan) -> dict[int, Expr]:
    """What each column of a plan is made of, by id."""
    made = {c.id: x for n in o.parts(plan.root) if isinstance(n, o.Compute | o.Project) for c, x in n.items}
    return made | {c.id: x for n in o.parts(plan.root) if isinstance(n, o.Aggregate) for c, x in (*n.keys, *n.aggregates)}


def behind(plan: o.Plan, exprs: Iterable[Expr]) -> set[int]:
    """The columns that some values are made of, directly or by others."""
    made, found, todo = all_made(plan), set[int](), list(exprs)
    while todo:
        for column in columns_of(todo.pop()):
            if column.id not in found:
                found.add(column.id)
                if column.id in made:
                    todo.append(made[column.id])
    return found


@dataclass(frozen=True, slots=True)
class Head:
    """The commands of a head, and the value of each stored field that it gives."""

    commands: tuple[Command, ...]
    fields: Mapping[Expr, Value]
    taken: frozenset[str]


@dataclass(frozen=True, slots=True)
class PipelineCase:
    """A plan that is to be written command by command.

    ``placed`` is the head as a detection of groups of events by ``fields``, which are the stored fields that the rest reads; ``decides``
    are the columns that decide about rows, ``shown`` those that only show; ``names`` are the names of the result.
    """

    cut: Cut
    placed: Placed
    fields: tuple[Expr, ...]
    decides: set[int]
    shown: set[int]
    names: o.Names


def kind_of(expr: Expr) -> str | None:
    """The kind of a stored field, None where it is one that a pipeline cannot read."""
    if isinstance(expr, Path):
        return "part"
    kind = KINDS[expr.type]
    if isinstance(expr, ColumnRef) and expr.column.table is None and kind == "time":
        return None  # of a union, whose parts may have made it of another time
    return None if kind in ("bool", "list", "span") or (kind == "time" and not is_time(expr)) else kind


class Walk(Notes, ABC):
    """Writes the operators over a head."""

    def __init__(self, case: PipelineCase, head: Head) -> None:
        super().__init__()
        self.taken, self.decides, self.shown = set(head.taken), case.decides, case.shown
        self.fields, self.columns = dict(head.fields), dict[int, Value]()
        self.commands = list(head.commands)
        self.unsorted = False
        self.lengths: set[int] = set()

    @abstractmethod
    def values(self) -> Values: ...

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A column in an expression."""

    @abstractmethod
    def name_of(self, value: Value) -> str | None:
        """The field that a value is, where it is one."""

    @abstractmethod
    def where(self, condition: str) -> Command: ...

    @abstractmethod
    def eval(self, pairs: list[tuple[str, str]]) -> Command: ...

    @abstractmethod
    def aggregate(self, node: o.Aggregate) -> None: ...

    @abstractmethod
    def sort(self, keys: list[tuple[str, bool]]) -> Command: ...

    @abstractmethod
    def limit(self, count: int) -> Command: ...

    @abstractmethod
    def distinct(self, names: list[str]) -> Command: ...

    def named(self, column: Column) -> str:
        """A name for a column that is to be made: its own, unless that still means something else."""
        name = free_of(column.name if column.name.isascii() and column.name.isidentifier() else "value", self.taken)
        self.taken.add(name)
        return name

    def needed(self, column: Column) -> bool:
        return column.id in self.decides or column.id in self.shown

    def run(self, cut: Cut) -> None:
        """Writes all operators behind a head, and what the head computes of its fields for them.

        Raises:
            Cannot: where one that decides anything has no words here.
        """
        self.lengths = {c.id for r in cut.rest for n in o.parts(r) if (c := _of_length(n)) is not None}
        for items in computed(cut.head):
            self.compute(items)
        for operator in cut.rest:
            self.operator(operator)

    def operator(self, node: o.Relation) -> None:
        match node:
            case o.Filter(predicate=predicate):
                parts = [self.values().holds(simplify(p)) for p in conjuncts(predicate)]
                text = " AND ".join(f"({p})" if " OR " in p else p for p in parts)
                self.commands.append(self.where(text))
            case o.Compute(items=items) | o.Project(items=items):
                self.compute(items)
            case o.Aggregate():
                self.unsorted = False
                self.aggregate(node)
            case o.Distinct(columns=columns):
                self.unsorted = False
                for column in columns:
                    self.settled(column, node)
                self.commands.append(self.distinct([self.columns[c.id].text for c in columns]))
            case o.Sort(keys=keys):
                self.order(keys)
            case o.Limit(count=Const(value=int(count)), keys=keys, partition=()):
                if keys:
                    self.order(keys)
                if self.unsorted:
                    raise Cannot(Diagnostic("unsupported-operator", "the first rows by a text are not supported here", node.span))
                self.commands.append(self.limit(count))
            case o.Arrange():
                pass
            case _:
                raise Cannot(
                    Diagnostic("unsupported-operator", f"the operator {type(node).__name__.lower()} is not supported here", node.span)
                )

    def settled(self, column: Column, node: o.Relation) -> None:
        """Gives a column by whose values rows are told apart a field of its own, which all of them have."""
        value = self.values().value(ColumnRef(node.span, column.type, column))
        if value.nullable or value.kind in ("list", "part"):
            raise Cannot(Diagnostic("unsupported-expression", f"rows by {column.name}, which may be missing", node.span))
        self.columns[column.id] = value
        if self.name_of(value) is None:
            name = self.named(column)
            self.commands.append(self.eval([(name, value.text)]))
            self.columns[column.id] = replace(value, text=self.quoted(name), simple=True)

    def compute(self, items: tuple[tuple[Column, Expr], ...]) -> None:
        pairs: list[tuple[str, str]] = []
        values, made = self.values(), dict[int, Value]()
        for column, expr in items:
            if not self.needed(column):
                continue
            try:
                value = values.simplest(expr, undefined=True)
            except Cannot:
                if column.id in self.decides:
                    raise
                continue
            if isinstance(expr, ColumnRef | Const):
                made[column.id] = value
                continue
            name = self.named(column)
            pairs.append((name, value.text))
            made[column.id] = replace(value, text=self.quoted(name), simple=True)
        self.columns |= made
        if pairs:
            self.commands.append(self.eval(pairs))

    def order(self, keys: tuple[o.Ordering, ...]) -> None:
        """Sorts rows. Texts are not sorted alike everywhere, and rows without a value are last or first as the product has it."""
        found = []
        for key in keys:
            try:
                value = self.values().simplest(key.expr)
            except Cannot:
                value = Value("", "list")
            if value.kind not in _ORDERED or value.nullable or self.name_of(value) is None:
                self.unsorted = True
                return
            found.append((value.text, key.descending))
        self.unsorted = False
        self.commands.append(self.sort(found))

    def finish(self, names: o.Names) -> dict[str, str]:
        """Gives the columns of the result their names. Returns what each is called; those without words are left out."""
        pairs: list[tuple[str, str]] = []
        found: dict[str, str] = {}
        lost = []
        values, given = self.values(), dict[str, Value]()
        for name, column in names:
            with suppress(Cannot):
                given[name] = values.shown(ColumnRef(None, column.type, column))
        used = {v.text for v in given.values()}
        times = {v.text for f, v in self.fields.items() if is_time(f)}
        for name, column in names:
            if not self.needed(column):
                continue
            if (value := given.get(name)) is None:
                lost.append(name)
                continue
            text = self.quoted(name) if name.isascii() and name.isidentifier() else ""
            if value.text == text:
                found[name] = name
            elif value.text in times:  # every event shows its time
                found[name] = value.text
            elif text:
                pairs.append((name, value.text))
                found[name] = name
            else:
                lost.append(name)
        held = [(name, text) for name, text in pairs if self.quoted(name) in used]
        if held:  # a name that is another column's until now
            kept = {name: self.named(Column(-1, name, Type.UNKNOWN)) for name, _ in held}
            self.commands.append(self.eval([(kept[name], text) for name, text in held]))
            pairs = [(name, self.quoted(kept[name]) if name in kept else text) for name, text in pairs]
        if pairs:
            self.commands.append(self.eval(pairs))
        if lost:
            self.say("column-left-out", f"the rows have no {', '.join(lost)}, which the query only shows")
        return found


def _of_length(node: object) -> Column | None:
    """The column whose number of elements is asked for."""
    match node:
        case Apply(function="array_length", args=(ColumnRef(column=column),)):
            return column
    return None


def _made_by(relation: o.Relation) -> list[Column]:
    match relation:
        case o.Compute(items=items) | o.Project(items=items):
            return [c for c, _ in items]
        case o.Aggregate(keys=keys, aggregates=aggregates):
            return [c for c, _ in (*keys, *aggregates)]
    return []


def _exprs_of(relation: o.Relation, wanted: set[int]) -> list[Expr]:
    match relation:
        case o.Filter(predicate=predicate):
            return [predicate]
        case o.Compute(items=items) | o.Project(items=items):
            return [x for c, x in items if c.id in wanted]
        case o.Aggregate(keys=keys, aggregates=aggregates):
            return [x for c, x in keys] + [x for c, x in aggregates if c.id in wanted]
        case o.Distinct(columns=columns):
            return [ColumnRef(None, c.type, c) for c in columns]
        case o.Sort(keys=order) | o.Limit(keys=order):
            return [k.expr for k in order]
    return []


def leaves(cut: Cut, wanted: set[int], names: o.Names) -> list[Expr]:
    """The stored fields that the rest of a cut reads for columns that are wanted, and the columns of a union in its head, each once."""
    made, found = definitions(cut.head), dict[Expr, None]()
    own = {c.id for r in cut.rest for c in _made_by(r)}
    todo = [simplify(x) for r in cut.rest for x in _exprs_of(r, wanted)]
    todo += [ColumnRef(None, c.type, c) for _, c in names if c.id in wanted]
    while todo:
        expr = todo.pop(0)
        paths = {id(n.base) for n in walk(expr) if isinstance(n, Path) and isinstance(n.base, ColumnRef)}
        for node in walk(expr):
            if isinstance(node, ColumnRef) and node.column.id in own:
                continue
            if isinstance(node, ColumnRef) and node.column.id in made:
                todo.append(simplify(made[node.column.id]))
            elif (isinstance(node, ColumnRef) and id(node) not in paths) or (
                isinstance(node, Path) and isinstance(node.base, ColumnRef) and node.base.column.id not in {*made, *own}
            ):
                found[node] = None
    return list(found)


def as_events(head: o.Relation, fields: list[Expr]) -> o.Plan:
    """A head as a query of its own that shows these fields, by number."""
    items = tuple((Column(_FIRST + n, str(n), x.type), x) for n, x in enumerate(fields))
    return o.Plan(o.Project(head.span, head, items), tuple((c.name, c) for c, _ in items), False)


_FIRST = 10**9
"""The first number of columns that no query has."""


def as_groups(detection: Detection, names: list[str], wanted: list[int]) -> Detection | None:
    """A detection of events as one of groups of them by the fields that they show; None where one of those is not to be had."""
    if detection.kind != "event" or detection.others or detection.histories or len(detection.sides) != 1 or detection.trigger is not None:
        return None
    side = detection.sides[0]
    tables = [s.table for s in side.selectors]
    if len(set(tables)) < len(tables):  # an event that both select would count twice
        return None
    selectors = []
    for selector in side.selectors:
        shown = dict(selector.outputs)
        if not all(str(n) in shown for n in wanted):
            return None
        selectors.append(replace(selector, keys=tuple(shown[str(n)] for n in wanted), outputs=()))
    said = tuple(d for d in detection.diagnostics if d.code not in ("columns-differ", "ignored-operator"))
    return replace(
        detection, kind="event_count", sides=(replace(side, selectors=tuple(selectors)),), group_by=tuple(names),
        guaranteed=(False,) * len(names), threshold=Threshold("event_count", ">", 0), diagnostics=said,
    )  # fmt: skip


SHOWING = frozenset({"columns-differ", "column-left-out", "event-data-columns", "table-left-out"})
"""What may be said of the rows of a head that are counted, sorted or limited behind it."""

Lift = Callable[[o.Plan], Detection | None]
"""What a plan detects, None where it is no detection."""

Move = Callable[[Detection], Placed]
"""A detection where a product keeps its events."""


def read_columns(plan: o.Plan, wanted: Container[str]) -> tuple[set[int], set[int]]:
    """The columns of a plan that decide about rows, and those that an analyst looks at, each with what they are made of.

    Args:
        wanted: the columns of the result that an alert is made of.
    """
    decides = deciding(plan)
    looked = looked_at(plan, wanted, decides)
    return decides, looked | behind(plan, [ColumnRef(None, c.type, c) for _, c in plan.names if c.id in looked])


def case_of(
    plan: o.Plan, cut: Cut, decides: set[int], shown: set[int], lift: Lift, move: Move, source: bool
) -> PipelineCase | None:  # fmt: skip
    """A plan cut in two, whose head is placed; None where the head is no selection of events that has all that decides.

    Args:
        decides: the columns that decide about rows.
        shown: those that an analyst looks at.
        source: whether the KQL's own names are fields.
    """
    fields = [f for f in leaves(cut, shown | decides, plan.names) if kind_of(f) is not None]
    must = set(leaves(cut, decides, plan.names))
    detection = lift(as_events(cut.head, fields))
    if detection is None:
        return None
    told = {n for s in detection.selectors[:1] for n, _ in s.outputs if all(n in dict(x.outputs) for x in detection.selectors)}
    kept = [n for n, f in enumerate(fields) if str(n) in told]
    if must & set(fields) - {fields[n] for n in kept}:
        return None

    def placed(numbers: list[int]) -> Placed | None:
        grouped = as_groups(detection, [_name_of(fields[n]) for n in numbers], numbers)
        return None if grouped is None else move(grouped)

    everything = placed(kept)
    needed = [n for n in kept if fields[n] in must]
    if everything is None:
        return None
    if len(needed) < len(kept):
        # What is said of fields that only show is said of what is shown.
        there = [n for n, number in enumerate(kept) if source or number in needed or _is_there(everything.detection, n)]
        kept = [kept[n] for n in there]
        everything, alone = placed(kept), placed(needed)
        assert everything is not None and alone is not None
        of_all = set(alone.detection.diagnostics)
        told_ = tuple(d if d in of_all else replace(d, place=Place.SHOWN) for d in everything.detection.diagnostics)
        everything = replace(everything, detection=replace(everything.detection, diagnostics=told_))
    said = tuple(d.below(Place.BOTH) for d in everything.detection.diagnostics)
    everything = replace(everything, detection=replace(everything.detection, diagnostics=said))
    return PipelineCase(cut, everything, tuple(fields[n] for n in kept), decides, shown, plan.names)


def looked_at(plan: o.Plan, wanted: Container[str], decides: set[int]) -> set[int]:
    """The columns of a result that an analyst looks at: of a whole table those of conditions, and those ``wanted``."""
    made = all_made(plan)

    def stored(column: Column) -> Column | None:
        while column.table is None:
            match made.get(column.id):
                case ColumnRef(column=below):
                    column = below
                case Apply(function="arg_max" | "arg_min" | "take_any" | "any", args=(*_, ColumnRef(column=below))):
                    column = below
                case _:
                    return None
        return column

    origins = {c.id: stored(c) for _, c in plan.names}
    there: dict[str, set[str]] = {}
    for origin in origins.values():
        if origin is not None:
            there.setdefault(origin.table or "", set()).add(origin.name)
    whole = {table for table, names in there.items() if (listed := catalog.schemas().get(table)) and names >= set(listed)}
    return {
        c.id
        for name, c in plan.names
        if (origin := origins[c.id]) is None or origin.table not in whole or name in wanted or c.id in decides or origin.id in decides
    }


def _is_there(detection: Detection, number: int) -> bool:
    """Whether a product has all that a key is made of."""
    return all(n.column.stored for s in detection.selectors for n in walk(s.keys[number]) if isinstance(n, ColumnRef))


def _name_of(expr: Expr) -> str:
    match expr:
        case ColumnRef(column=column):
            return column.name
        case Path(steps=steps) if isinstance(steps[-1], str):
            return steps[-1]
    return "value"
