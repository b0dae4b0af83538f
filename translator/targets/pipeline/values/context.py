"""What all writers of values share: the columns and fields that have names, and what languages have words of their own for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping
from dataclasses import replace

from translator.fidelity import Diagnostic
from translator.plan.conditions import is_field
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path, Subquery, walk
from translator.plan.functions.values import TICKS
from translator.plan.patterns import searched
from translator.plan.types import Type
from translator.regex.ascii import asciified
from translator.regex.parser import RegexError
from translator.targets.base import Cannot
from translator.targets.names import path_of
from translator.targets.pipeline.language import Language, Value, grouped
from translator.targets.repeated import Repeated


class Context(ABC):
    """The values of one query, whose columns have names.

    ``positive`` are expressions of which a condition has left only values of 1 and more; ``repeated`` are told the values that are
    computed, and have the names of those that have one.
    """

    repeated: Repeated | None = None

    def __init__(
        self, language: Language, columns: Mapping[int, Value], fields: Mapping[Expr, Value], positive: Container[Expr] = ()
    ) -> None:  # fmt: skip
        self.language, self.columns, self.fields, self.positive = language, columns, fields, positive

    @abstractmethod
    def shown(self, expr: Expr) -> Value:
        """An expression, where a number that is none may be missing as well.

        Raises:
            Cannot: where the language has no words for it.
        """

    @abstractmethod
    def holds(self, expr: Expr) -> str:
        """What is true where ``expr`` is."""

    @abstractmethod
    def fails(self, expr: Expr) -> str:
        """What is true where ``expr`` is false: neither true nor null."""

    def refuse(self, expr: Expr, what: str = "") -> Cannot:
        """Why there are no words for ``expr``: ``what`` of it is not supported, unless it is the expression as a whole."""
        return Cannot(Diagnostic("unsupported-expression", f"{what or _called(expr)} is not supported here", expr.span))

    def value(self, expr: Expr) -> Value:
        """An expression.

        Raises:
            Cannot: where the language has no words for it.
        """
        found = self.shown(expr)
        if found.undefined:
            raise self.refuse(expr, "what may be no number")
        return found

    def between(self, left: str, operator: str, right: str) -> str:
        """An operator between two texts, with the spaces that the language has there."""
        return f"{left}{self.language.gap}{operator}{self.language.gap}{right}"

    def since(self, later: Value, earlier: Value) -> str:
        """The seconds between two moments."""
        return self.between(grouped(later), "-", grouped(earlier))

    def moved(self, moment: Value, operator: str, span: Value) -> str:
        """A moment some seconds later or earlier."""
        return self.between(grouped(moment), operator, grouped(span))

    def ticks(self, span: Value) -> str:
        """A span of time, which is in seconds, in ticks of 100 ns."""
        return self.between(grouped(span), "*", str(TICKS))

    def units(self, moment: Value, seconds: int) -> str:
        """How many units of time have begun until a moment."""
        return self.language.functions["floor"].words.format(f"{grouped(moment)}/{seconds}")

    def bucket(self, moment: str, seconds: int) -> str:
        """The beginning of the bucket of a moment, counted as Kusto does, from the first moment of the year 1."""
        raise Cannot(Diagnostic("unsupported-expression", "buckets of time are not supported here", None))

    def of_kind(self, expr: Expr, kind: str) -> Value:
        """A value that has to be of some kind: one of several divided by ``|``."""
        value = as_typed(self.value(expr), expr)
        if value.kind not in kind.split("|"):
            raise self.refuse(expr, f"a value of the kind {value.kind}")
        return value

    def number(self, number: float, kind: str) -> Value:
        """A constant number, whole where it is one.

        Raises:
            Cannot: where only an exponent would tell it.
        """
        text = repr(int(number)) if number == int(number) and not (kind == "real" and self.language.fraction) else repr(float(number))
        if "e" in text:
            raise Cannot(Diagnostic("unsupported-expression", "a number this small or large is not supported here", None))
        return Value(text, kind, False, number >= 0, number >= 1 or (number > 0 and kind != "int"), simple=number >= 0)

    def alike(self, value: Value, kinds: set[str]) -> str:
        """A value among others of these kinds, in the type that all of them have."""
        if value.kind in ("real", "span"):
            return self.language.real.format(value.text)
        if value.kind != "int":
            return value.text
        return (self.language.real if "real" in kinds else self.language.whole).format(value.text)

    def like(self, value: Value, expr: Expr, other: Value) -> Value:
        """A value of unknown type beside another one as what it has to be for KQL to compare them."""
        kind = {"int": "real", "real": "real", "time": "time"}.get(other.kind)
        if kind is None or value.kind != "text" or expr.type != Type.UNKNOWN or not is_field(expr):
            return value
        if kind == "time":
            return Value(self.language.moment_of_text(value.text), kind)
        return Value(self.language.functions["todouble"].words.format(value.text), kind)

    def refuse_classes(self, expr: Apply) -> None:
        """Refuses classes of characters that are those of Unicode in KQL, and of ASCII in the language."""
        try:
            narrower = asciified(searched(expr), self.language.classes)
        except RegexError:
            narrower = {}
        if narrower:
            raise self.refuse(expr, f"{' and '.join(narrower)} of Unicode")


def _called(expr: Expr) -> str:
    """What a reader of the query knows an expression by."""
    match expr:
        case Apply(function=function):
            return f"{function}() of these operands"
        case ColumnRef(column=column):
            return f"the column {column.name}"
        case Path(steps=steps):
            inside = next((n.column.name for n in walk(expr) if isinstance(n, ColumnRef)), "")
            return path_of(inside, steps) if inside else "a place in an object"
        case Subquery():
            return "the value of another query"
    return "this literal" if isinstance(expr, Const) else "a list of values"


def as_typed(value: Value, expr: Expr) -> Value:
    """A value that is a text where it is a place in an object that is read as one."""
    return replace(value, kind="text") if value.kind == "part" and expr.type == Type.STRING else value
