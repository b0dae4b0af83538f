"""What an expression of a plan is for given values of its columns.

A small evaluator that exists to look for values: it is asked some hundred times for each of them, which an engine that is asked in SQL
cannot be. What it does not know it refuses; what events are meant to show is decided by the engine, not here.
Meanings are those of the registry where this has them in Python.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol

from translator.engine.errors import EngineError
from translator.engine.python.conversions import datetime_of, json_of
from translator.plan import functions
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Path, Subquery
from translator.plan.functions.values import text_of, timespan_of, timespan_text
from translator.plan.types import Type
from translator.verify.witness.model import NotKnown
from translator.verify.witness.operations import OWN, as_type, element, moment_at, span_of


class Scope(Protocol):
    """Where columns have values."""

    now: dt.datetime

    def value(self, column: Column) -> Any: ...

    def listed(self, subquery: Subquery) -> list[Any]:
        """The values that a subquery gives."""

    def taken_in(self) -> Any:
        """The time at which the product took the event in."""

    def parsed(self) -> bool:
        """Whether a text is of the pattern that it is parsed by."""

    def same(self, expr: Expr) -> bool:
        """Whether an expression has the same value in both of two rows."""

    def aggregate(self, expr: Apply) -> Any:
        """An aggregate over the rows of a group."""


def value_of(expr: Expr, scope: Scope) -> Any:
    """The value of ``expr``: text, number, truth, datetime, timespan in ticks, a dynamic value as Python has it; None for null.

    Raises:
        NotKnown: a function that is not known here.
    """
    match expr:
        case ColumnRef(column=column):
            return scope.value(column)
        case Const(value=value, type=kind):
            if kind == Type.DATETIME and isinstance(value, int):
                return moment_at(value)
            return ("" if kind == Type.STRING else None) if value is None else value
        case Items(items=items):
            return [_plain(i, scope) for i in items]
        case Apply(function="*", args=()):
            raise NotKnown("all columns at once")
        case Path(base=base, steps=steps):
            found = value_of(base, scope)
            if isinstance(found, str):
                found = json_of(found)
            for step in steps:
                found = element(found, step)
            return as_type(found, expr.type) if expr.type != Type.DYNAMIC else found
        case Subquery(scalar=scalar):
            values = scope.listed(expr)
            return (values[0] if values else None) if scalar else values
        case Apply():
            return _applied(expr, scope)
    raise NotKnown(f"an expression such as {type(expr).__name__}", expr.span)


def _plain(expr: Expr, scope: Scope) -> Any:
    found = value_of(expr, scope)
    if isinstance(found, dt.datetime):
        return text_of(found)
    return timespan_text(found) if expr.type == Type.TIMESPAN and isinstance(found, int) else found


def _applied(expr: Apply, scope: Scope) -> Any:
    name, args = expr.function, expr.args
    match name:
        case "and" | "or":
            return _junction(name == "or", args, scope)
        case "not":
            inner = value_of(args[0], scope)
            return None if inner is None else not inner
        case "iff" | "iif":
            return value_of(args[1] if value_of(args[0], scope) else args[2], scope)
        case "case":
            for condition, value in zip(args[:-1:2], args[1::2], strict=False):
                if value_of(condition, scope):
                    return value_of(value, scope)
            return value_of(args[-1], scope)
        case "coalesce":
            for arg in args:
                found = value_of(arg, scope)
                if found not in (None, ""):
                    return found
            return found
        case "now":
            return scope.now + (span_of(value_of(args[0], scope)) if args else dt.timedelta())
        case "ago":
            return scope.now - span_of(value_of(args[0], scope))
        case "ingestion_time":
            return scope.taken_in()
        case "same":
            return scope.same(args[0])
        case "parsed":
            return scope.parsed()
    if name in functions.aggregates() and name not in functions.functions():
        return scope.aggregate(expr)
    return called(name, expr.type, [a.type for a in args], [value_of(a, scope) for a in args])


def _junction(decisive: bool, args: tuple[Expr, ...], scope: Scope) -> Any:
    unknown = False
    for arg in args:
        found = value_of(arg, scope)
        if found is decisive:
            return decisive
        unknown = unknown or found is None
    return None if unknown else not decisive


def called(name: str, result: Type, types: list[Type], values: list[Any]) -> Any:
    """A function of values.

    Raises:
        NotKnown: for one that is not known here.
    """
    own = OWN.get(name)
    if own is not None:
        return own(result, types, values)
    known = functions.functions().get(name)
    if known is None or known.python is None:
        raise NotKnown(f"the function {name}")
    signature = functions.overload(known, types)
    given = []
    for number, (value, kind) in enumerate(zip(values, types, strict=True)):
        wanted = signature.kind(number, types)
        if wanted in ("text", "string"):
            given.append(text_of(value) if kind != Type.TIMESPAN or not isinstance(value, int) else timespan_text(value))
        elif wanted in ("dynamic", "array", "bag") and isinstance(value, str) and kind == Type.STRING:
            given.append(json_of(value))
        else:
            given.append(value)
    if not known.nulls and any(v is None for v in given):
        return "" if result == Type.STRING else None
    try:
        found = known.python(*given)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, ArithmeticError, EngineError) as error:
        raise NotKnown(f"{name} of such values") from error
    if result == Type.STRING:
        return "" if found is None else found
    if result == Type.DATETIME and isinstance(found, str):
        return datetime_of(found)
    return timespan_of(found) if result == Type.TIMESPAN and isinstance(found, str) else found
