"""What all scalar expressions of one query share: the words of its dialect, and the Python functions that its SQL calls."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sqlglot import exp

from translator.engine.dialects import Dialect
from translator.engine.errors import EngineError
from translator.engine.python import PythonFunction
from translator.engine.python import conversions as python_conversions
from translator.engine.python import dynamics as python_dynamics
from translator.engine.scalars.writing import fill
from translator.plan import expressions as e
from translator.plan.functions import find
from translator.plan.types import Type

NUMBERS = (Type.INT, Type.LONG, Type.REAL, Type.DECIMAL)

WHOLE = (Type.INT, Type.LONG)

OPEN = (Type.DYNAMIC, Type.UNKNOWN)
"""Types whose values have each a type of their own."""


class Values(ABC):
    """Compiles expressions for one dialect, collecting the Python functions that the SQL calls."""

    def __init__(self, dialect: Dialect, now: dt.datetime | None, relation: Callable[[Any], exp.Query]) -> None:
        self.dialect, self.now, self.compile_relation = dialect, now, relation
        self.functions: dict[str, PythonFunction] = {}
        self.aggregating = False
        self.order: list[exp.Ordered] = []

    @abstractmethod
    def value(self, expr: e.Expr) -> exp.Expr:
        """``expr`` in its own type."""

    def whole_micros(self, what: str, span: e.Span | None) -> None:
        """Refuses what would lose the fractions of a microsecond that the query speaks of."""
        if self.dialect.ticks:
            raise EngineError(f"{what} counts microseconds in the engine, and the query speaks of fractions of one", span)

    def word(self, name: str, *args: exp.Expr) -> exp.Expr:
        """A primitive in this dialect.

        Raises:
            EngineError: where the dialect has none.
        """
        text = self.dialect.words.get(name)
        if text is None:
            if self.dialect.python and name in _PRIMITIVES:
                call, kinds, result, nulls = _PRIMITIVES[name]
                return self.python(name, call, kinds or (Type.DYNAMIC,) * len(args), result, args, nulls)
            raise EngineError(f"{self.dialect.title} has no way to say {name.replace('_', ' ')}")
        return fill(text, self.dialect.name, *args)

    def sql(self, text: str, *args: exp.Expr) -> exp.Expr:
        """SQL in the words of DuckDB, translated to the dialect at hand; ``$1`` and so on are the arguments."""
        return fill(text, "duckdb", *args)

    def python(
        self,
        name: str,
        call: Callable[..., Any],
        kinds: tuple[Type, ...],
        result: Type,
        args: tuple[exp.Expr, ...],
        nulls: bool = False,
    ) -> exp.Expr:
        """A call of a Python function, registered under a name that its types make unique."""
        if not self.dialect.python:
            raise EngineError(f"{name}() has no counterpart in {self.dialect.title}")
        if Type.DATETIME in kinds and not name.startswith(("startof", "endof")) and result in (Type.DATETIME, Type.DYNAMIC):
            self.whole_micros(f"{name}()", None)
        full = f"kql_{name}_" + "".join(_LETTERS[k] for k in kinds) + _LETTERS[result]
        full = "".join(c if c.isalnum() else "_" for c in full)
        self.functions.setdefault(full, PythonFunction(full, call, kinds, result, nulls))
        given = [self.cast(a, k) if k in (Type.LONG, Type.REAL) else a for a, k in zip(args, kinds, strict=True)]
        if self.dialect.ticks:
            given = [self.word("moment", self.word("micros", a)) if k == Type.DATETIME else a for a, k in zip(given, kinds, strict=True)]
        found = exp.Anonymous(this=full, expressions=given)
        return self.try_cast(found, result) if result == Type.REAL else found

    def declared(
        self, name: str, kinds: tuple[Type, ...], result: Type, args: tuple[exp.Expr, ...], nulls: bool = False, shown: str | None = None
    ) -> exp.Expr:
        """A call of a function by its declaration in Python; ``shown`` is its name in SQL, where that is another."""
        function = find(name)
        assert function is not None and function.python is not None
        return self.python(shown or name, function.python, kinds, result, args, nulls)

    def cast(self, value: exp.Expr, kind: Type) -> exp.Expr:
        """A value in the type that the dialect has for ``kind``; a failure is one of the query."""
        return exp.Cast(this=value, to=exp.DataType.build(self.dialect.type(kind), dialect=self.dialect.name))

    def try_cast(self, value: exp.Expr, kind: Type) -> exp.Expr:
        """The same, and null where the value is none of that type."""
        return exp.TryCast(this=value, to=exp.DataType.build(self.dialect.type(kind), dialect=self.dialect.name), safe=True)

    def never_null(self, value: exp.Expr, kind: Type) -> exp.Expr:
        """A text that is empty where it is missing, as KQL has it; other values as they are."""
        return exp.Coalesce(this=value, expressions=[exp.Literal.string("")]) if kind == Type.STRING else value

    def null(self, kind: Type) -> exp.Expr:
        """What is missing: null, and of a string the empty text."""
        return exp.Literal.string("") if kind == Type.STRING else self.cast(exp.Null(), kind)

    def ticks(self, value: exp.Expr) -> exp.Expr:
        """A time as the ticks of 100 ns since 1970."""
        return self.word("ticks", value) if self.dialect.ticks else self.sql("$1 * 10", self.word("micros", value))

    def moment_of_ticks(self, value: exp.Expr) -> exp.Expr:
        """The time so many ticks of 100 ns after 1970."""
        return self.word("moment_of_ticks", value) if self.dialect.ticks else self.word("moment", self.sql("$1 // 10", value))

    def moment_of_text(self, value: exp.Expr) -> exp.Expr:
        """The time that a text tells, with its seventh digit where the dialect counts ticks; null where it tells none."""
        found = self.python("datetime", python_conversions.datetime_of, (Type.STRING,), Type.DATETIME, (value,))
        if not self.dialect.ticks:
            return found
        digit = self.sql("COALESCE(TRY_CAST(REGEXP_EXTRACT($1, ':\\d\\d\\.\\d{6}(\\d)', 1) AS BIGINT), 0)", value)
        return self.moment_of_ticks(self.sql("$1 + $2", self.ticks(found), digit))


Functions: TypeAlias = Mapping[str, Callable[[Values, e.Apply], exp.Expr]]
"""What writes calls of functions, by their names."""


_PRIMITIVES: dict[str, tuple[Callable[..., Any], tuple[Type, ...] | None, Type, bool]] = {
    "array_of": (python_dynamics.list_of, None, Type.DYNAMIC, True),
    "json": (python_conversions.quoted, (Type.STRING,), Type.DYNAMIC, False),
    "unquoted": (python_conversions.unquoted, (Type.DYNAMIC,), Type.STRING, False),
    "json_type": (python_conversions.json_type, (Type.DYNAMIC,), Type.STRING, False),
}
"""What a dialect that runs Python but lacks the word calls instead: the function, its types, and whether it takes nulls."""

_LETTERS = {
    Type.BOOL: "b", Type.INT: "i", Type.LONG: "l", Type.REAL: "r", Type.DECIMAL: "m", Type.STRING: "s", Type.DATETIME: "t", Type.TIMESPAN: "p",
    Type.GUID: "g", Type.DYNAMIC: "d", Type.UNKNOWN: "d",
}  # fmt: skip
