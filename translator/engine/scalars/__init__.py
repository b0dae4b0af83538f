"""Scalar expressions of a plan as SQL, with KQL's rules on types, nulls, case and terms.

A string is never null, so every expression of that type is compiled to one that is not. Comparisons with null follow
learn.microsoft.com/kusto/query/scalar-data-types/null-values: ``==`` of a null and a value is false, of two nulls null.
"""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.scalars import arithmetic, comparisons, conversions, dynamics, known_times, texts, times
from translator.engine.scalars.aggregates import aggregate
from translator.engine.scalars.context import Functions, Values
from translator.engine.scalars.conversions import argument, constant, decimal_of_real
from translator.engine.scalars.dynamics import array, literal, path
from translator.engine.scalars.times import with_fractions
from translator.engine.scalars.writing import column_name
from translator.plan import expressions as e
from translator.plan.functions import find, functions, overload
from translator.plan.functions.windows import WINDOWS
from translator.plan.types import Type

_WRITTEN: Functions = {
    **comparisons.FUNCTIONS,
    **texts.FUNCTIONS,
    **conversions.FUNCTIONS,
    **known_times.FUNCTIONS,
    **times.FUNCTIONS,
    **arithmetic.FUNCTIONS,
    **dynamics.FUNCTIONS,
}
"""What is more than a template or a Python function of its arguments."""


class Scalars(Values):
    """Compiles expressions for one dialect, each by the module of its family."""

    def value(self, expr: e.Expr) -> exp.Expr:
        """An expression of the plan in SQL.

        Raises:
            EngineError: where the engine or the dialect cannot say it.
        """
        match expr:
            case e.ColumnRef(column=column):
                return exp.column(column_name(column), quoted=True)
            case e.Const():
                return constant(self, expr)
            case e.Items(items=items):
                return array(self, items)
            case e.Path():
                return path(self, expr)
            case e.Subquery(scalar=True, column=column) if column is not None:
                inner = self.compile_relation(expr.relation)
                found = exp.select(exp.column(column_name(column), quoted=True)).from_(inner.subquery("q")).limit(1)
                return self.never_null(exp.Subquery(this=found), expr.type)
            case e.Apply():
                return self._apply(expr)
            case _:
                raise EngineError("a table stands where a value is needed", expr.span)

    def _apply(self, expr: e.Apply) -> exp.Expr:
        name, args = expr.function, expr.args
        handler = _WRITTEN.get(name)
        if handler is not None:
            return handler(self, expr)
        if self.dialect.ticks and (found := with_fractions(self, expr)) is not None:
            return found
        function = find(name)
        if function is not None and function.kind == "aggregate" and name in functions() and not function.takes(len(args)):
            function = functions()[name]
        if function is not None and function.alias:
            function = functions().get(function.alias) if function.kind == "function" else find(function.alias)
        if function is None:
            if name == "unknown-column":
                raise EngineError(f"there is no column '{literal(args[0])}'", expr.span)
            if name == "parameter":
                told = f"the query parameter {literal(args[0])} has no value here: = and a constant behind its type gives it one"
                raise EngineError(told, expr.span)
            raise EngineError(f"the function {name}() is unknown", expr.span)
        if function.kind == "aggregate":
            if not self.aggregating:
                raise EngineError(f"the aggregate {name}() is used outside of summarize", expr.span)
            return aggregate(self, expr)
        if name in WINDOWS:
            raise EngineError(f"{name}() cannot be used here", expr.span)
        types = [a.type for a in args]
        signature = overload(function, types)
        template = function.sql or (function.duckdb if self.dialect.name == "duckdb" else None)
        if template is not None:
            given = [argument(self, a, signature.kind(i, types))[0] for i, a in enumerate(args)]
            made = self.sql(template, *given)
            return decimal_of_real(self, made) if expr.type == Type.DECIMAL else self.never_null(made, expr.type)
        if function.python is None:
            raise EngineError(f"the function {name}() is known but not supported by the engine", expr.span)
        pairs = [argument(self, a, signature.kind(i, types)) for i, a in enumerate(args)]
        result = Type.DYNAMIC if expr.type == Type.UNKNOWN or signature.result.startswith("(") else expr.type
        return self.python(name, function.python, tuple(k for _, k in pairs), result, tuple(v for v, _ in pairs), function.nulls)
