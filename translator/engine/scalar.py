"""Scalar expressions of a plan as SQL, with KQL's rules on types, nulls, case and terms.

A string is never null, so every expression of that type is compiled to one that is not. Comparisons with null follow
learn.microsoft.com/kusto/query/scalar-data-types/null-values: ``==`` of a null and a value is false, of two nulls null.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from sqlglot import exp, parse_one

from translator.engine import python_functions as meanings
from translator.engine.dialects import Dialect
from translator.engine.errors import EngineError
from translator.engine.python_functions import PythonFunction, dumps
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.constants import known_span
from translator.plan.functions import find, functions, overload
from translator.plan.functions.values import EPOCH, TICKS
from translator.plan.functions.windows import WINDOWS
from translator.plan.patterns import escaped, searched
from translator.plan.types import Type
from translator.regex.parser import RegexError, parse
from translator.regex.syntax import Node
from translator.regex.terms import BOUND, around
from translator.regex.writers import Inexpressible, java, kql, re2

EPOCH_TICKS = 621_355_968_000_000_000
"""Ticks from 0001-01-01 to 1970-01-01."""

EPOCH_MICROS = EPOCH_TICKS // 10
_NUMBERS = (Type.INT, Type.LONG, Type.REAL, Type.DECIMAL)
_WHOLE = (Type.INT, Type.LONG)
_OPEN = (Type.DYNAMIC, Type.UNKNOWN)
"""Types whose values have each a type of their own."""

_ARITHMETIC = ("+", "-", "*", "/", "%", "neg")
_SQL_COMPARISONS = {"<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}


@cache
def _template(text: str, dialect: str) -> exp.Expr:
    """A template parsed once; its places are columns named ``_p1``, since some dialects read ``$1`` as something else."""
    return parse_one(re.sub(r"\$(\d+)", r"_p\1", text.replace("$*", "_p0")), dialect=dialect)


def fill(text: str, dialect: str, *args: exp.Expr) -> exp.Expr:
    """The template ``text`` with ``$1`` ... replaced, ``$*`` by all arguments."""
    template = _template(text, dialect).copy()
    for node in list(template.find_all(exp.Column)):
        match = re.fullmatch(r"_p(\d+)", node.name, re.I)
        if match is None:
            continue
        number = int(match[1])
        if number == 0:
            assert node.parent is not None
            node.parent.set(node.arg_key or "expressions", [a.copy() for a in args])
            continue
        value = args[number - 1].copy()
        wrapped = exp.paren(value, copy=False) if isinstance(value, exp.Binary | exp.Not | exp.Is | exp.In | exp.Between) else value
        if node is template:
            return wrapped
        node.replace(wrapped)
    return template


def moment(value: dt.datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(value.strftime("%Y-%m-%d %H:%M:%S.%f") if value.microsecond else str(value)), "timestamp")


def finer_than_micros(literal: e.Const) -> bool:
    """Whether a literal has a fraction of a microsecond."""
    match literal:
        case e.Const(type=Type.DATETIME | Type.TIMESPAN, value=int(ticks)):
            return ticks % 10 != 0
        case e.Const(type=Type.STRING, value=str(text)):
            return re.search(r":\d\d\.\d{6}[1-9]", text) is not None
        case e.Const(type=Type.REAL, value=str() | float() as number):
            return re.search(r"\.\d{6}[1-9]$", str(number)) is not None
    return False


_MEMBERS = -(10**9)
"""Below this number are columns that hold the members of others."""


def column_name(column: e.Column) -> str:
    return f"c{column.id}"


def compared(kind: type[exp.Binary], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """A comparison; comparisons inside it in parentheses, since SQL has no chains of them."""
    sides = [exp.paren(s, copy=False) if isinstance(s, exp.Predicate | exp.Connector | exp.Not) else s for s in (left, right)]
    return kind(this=sides[0], expression=sides[1])


_MOST_GROUPS = 9
"""Up to this one DuckDB's ``regexp_extract`` knows groups (duckdb.org/docs/stable/sql/functions/regular_expressions)."""


class Scalars:
    """Compiles expressions for one dialect, collecting the Python functions that the SQL calls."""

    def __init__(self, dialect: Dialect, now: dt.datetime | None, relation: Callable[[Any], exp.Query]) -> None:
        self.dialect, self.now, self.compile_relation = dialect, now, relation
        self.functions: dict[str, PythonFunction] = {}
        self.aggregating = False
        self.order: list[exp.Ordered] = []

    # --- words

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

    def cast(self, value: exp.Expr, kind: Type) -> exp.Expr:
        return exp.Cast(this=value, to=exp.DataType.build(self.dialect.type(kind), dialect=self.dialect.name))

    def try_cast(self, value: exp.Expr, kind: Type) -> exp.Expr:
        return exp.TryCast(this=value, to=exp.DataType.build(self.dialect.type(kind), dialect=self.dialect.name), safe=True)

    # --- expressions

    def value(self, expr: e.Expr) -> exp.Expr:
        """``expr`` in its own type."""
        match expr:
            case e.ColumnRef(column=column):
                return exp.column(column_name(column), quoted=True)
            case e.Const():
                return self.constant(expr)
            case e.Items(items=items):
                return self.array(items)
            case e.Path():
                return self.path(expr)
            case e.Subquery(scalar=True, column=column) if column is not None:
                inner = self.compile_relation(expr.relation)
                found = exp.select(exp.column(column_name(column), quoted=True)).from_(inner.subquery("q")).limit(1)
                return self.never_null(exp.Subquery(this=found), expr.type)
            case e.Apply():
                return self.apply(expr)
            case _:
                raise EngineError("a table stands where a value is needed", expr.span)

    def never_null(self, value: exp.Expr, kind: Type) -> exp.Expr:
        return exp.Coalesce(this=value, expressions=[exp.Literal.string("")]) if kind == Type.STRING else value

    def null(self, kind: Type) -> exp.Expr:
        return exp.Literal.string("") if kind == Type.STRING else self.cast(exp.Null(), kind)

    def constant(self, expr: e.Const) -> exp.Expr:
        value, kind = expr.value, expr.type
        if value is None:
            return self.null(kind)
        if kind == Type.DATETIME:
            if isinstance(value, int):
                if value % 10 and self.dialect.ticks:
                    return self.word("moment_of_ticks", exp.Literal.number(value - EPOCH_TICKS))
                if value % 10:
                    raise EngineError("the engine counts microseconds, and this datetime has a fraction of one", expr.span)
                return moment(EPOCH + dt.timedelta(microseconds=(value - EPOCH_TICKS) // 10))
            if value in ("now", "now()"):
                return self._now(e.Apply(expr.span, kind, "now", ()))
            known = meanings.datetime_of(str(value))
            if known is None:
                raise EngineError(f"{value!r} is no datetime", expr.span)
            return moment(known)
        if kind == Type.DYNAMIC:
            return exp.Literal.string(dumps(value) or "null")
        if isinstance(value, bool):
            return exp.Boolean(this=value)
        if isinstance(value, int):
            return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
        if isinstance(value, float):
            if not math.isfinite(value):
                return self.cast(exp.Literal.string(str(value)), Type.REAL)
            return self.cast(exp.Literal.string(repr(value)), Type.REAL)
        if kind == Type.DECIMAL:
            return self.cast(exp.Literal.string(value), Type.DECIMAL)
        if kind == Type.REAL:
            return self.cast(exp.Literal.string(value), Type.REAL)
        if kind == Type.GUID:
            return exp.Literal.string(value.lower())
        if kind != Type.STRING:
            raise EngineError(f"{value!r} is no {kind}", expr.span)
        return exp.Literal.string(value)

    def array(self, items: tuple[e.Expr, ...]) -> exp.Expr:
        known = _literal(e.Items(None, Type.DYNAMIC, items))
        if known is not _UNKNOWN:
            return exp.Literal.string(dumps(known) or "[]")
        if "json_array" in self.dialect.words:
            return self.word("json_array", *(self.word("embed", self.dynamic(i)) for i in items))
        return self.word("array_of", *(self.dynamic(i) for i in items))

    def path(self, expr: e.Path) -> exp.Expr:
        if expr.base.type not in (Type.DYNAMIC, Type.UNKNOWN):
            return self.null(expr.type)
        base = self.value(expr.base)
        steps = _json_path(expr.steps)
        if steps is None or "step" not in self.dialect.words:
            literals = tuple(exp.Literal.string(s) if isinstance(s, str) else self.constant(e.const(s)) for s in expr.steps)
            kinds = (Type.DYNAMIC, *(Type.STRING if isinstance(s, str) else Type.LONG for s in expr.steps))
            found = self.python("step_into", meanings.step_into, kinds, Type.DYNAMIC, (base, *literals), nulls=False)
        else:
            found = self.word("step", base, exp.Literal.string(steps))
        if expr.type in (Type.DYNAMIC, Type.UNKNOWN):
            return found
        return self.from_dynamic(found, expr.type)

    # --- conversions

    def text(self, expr: e.Expr) -> exp.Expr:
        """``tostring``."""
        match expr:
            case e.Path(base=base) if expr.type in (Type.DYNAMIC, Type.UNKNOWN) and base.type in (Type.DYNAMIC, Type.UNKNOWN):
                steps = _json_path(expr.steps)
                if steps is not None and "step_text" in self.dialect.words:
                    return self.never_null(self.word("step_text", self.value(base), exp.Literal.string(steps)), Type.STRING)
        value = self.value(expr)
        match expr.type:
            case Type.STRING:
                return value
            case Type.DYNAMIC | Type.UNKNOWN:
                found = self.word("unquoted", value)
            case Type.DATETIME:
                found = self.word("time_text", value)
            case Type.TIMESPAN:
                found = self.python("duration_text", meanings.duration_text, (Type.TIMESPAN,), Type.STRING, (value,))
            case Type.BOOL:
                found = self.sql("CASE WHEN $1 THEN 'True' WHEN NOT $1 THEN 'False' END", value)
            case Type.REAL if "is_nan" in self.dialect.words:
                found = self.sql("CASE WHEN $1 THEN 'NaN' ELSE $2 END", self.word("is_nan", value), self.cast(value, Type.STRING))
            case _:
                found = self.cast(value, Type.STRING)
        return self.never_null(found, Type.STRING)

    def dynamic(self, expr: e.Expr) -> exp.Expr:
        """A value inside a dynamic one, as JSON text."""
        if expr.type in (Type.DYNAMIC, Type.UNKNOWN):
            return self.value(expr)
        if expr.type in (Type.DATETIME, Type.TIMESPAN, Type.GUID):
            value = self.value(expr)
            return exp.Case(
                ifs=[exp.If(this=exp.Not(this=exp.Is(this=value, expression=exp.Null())), true=self.word("json", self.text(expr)))]
            )
        value = self.value(expr)
        if expr.type == Type.STRING or "json" in self.dialect.words:
            return self.word("json", value)
        return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Is(this=value, expression=exp.Null())), true=self.word("json", value.copy()))])

    def from_dynamic(self, value: exp.Expr, kind: Type) -> exp.Expr:
        """A dynamic value as another type, as ``tolong`` and its like convert it."""
        match kind:
            case Type.STRING:
                return self.never_null(self.word("unquoted", value), kind)
            case Type.INT:
                return self.cast(self.python("int", meanings.int_of_value, (Type.DYNAMIC,), Type.LONG, (value,)), kind)
            case Type.LONG:
                return self.python("whole", meanings.whole_of_value, (Type.DYNAMIC,), Type.LONG, (value,))
            case Type.REAL | Type.DECIMAL:
                return self.python("real", meanings.real_of_value, (Type.DYNAMIC,), Type.REAL, (value,))
            case Type.BOOL:
                return self.python("truth", meanings.truth_of_value, (Type.DYNAMIC,), Type.BOOL, (value,))
            case Type.DATETIME:
                return self.moment_of_text(self.never_null(self.word("unquoted", value), Type.STRING))
            case Type.TIMESPAN:
                return self.python("duration", meanings.duration_of_value, (Type.DYNAMIC,), kind, (value,))
            case Type.GUID:
                return self.python(
                    "guid", meanings.guid_of, (Type.STRING,), kind, (self.never_null(self.word("unquoted", value), Type.STRING),)
                )
        return value

    def ticks(self, value: exp.Expr) -> exp.Expr:
        """A time as the ticks of 100 ns since 1970."""
        return self.word("ticks", value) if self.dialect.ticks else self.sql("$1 * 10", self.word("micros", value))

    def moment_of_ticks(self, value: exp.Expr) -> exp.Expr:
        return self.word("moment_of_ticks", value) if self.dialect.ticks else self.word("moment", self.sql("$1 // 10", value))

    def moment_of_text(self, value: exp.Expr) -> exp.Expr:
        found = self.python("datetime", meanings.datetime_of, (Type.STRING,), Type.DATETIME, (value,))
        if not self.dialect.ticks:
            return found
        digit = self.sql("COALESCE(TRY_CAST(REGEXP_EXTRACT($1, ':\\d\\d\\.\\d{6}(\\d)', 1) AS BIGINT), 0)", value)
        return self.moment_of_ticks(self.sql("$1 + $2", self.ticks(found), digit))

    def fitting(self, value: exp.Expr, kind: Type) -> exp.Expr:
        """A whole number that a text spells as an int or a long: an int has 32 bits, and what does not fit is null."""
        return self.try_cast(value, kind) if kind == Type.INT else value

    def whole(self, value: exp.Expr, given: Type, kind: Type) -> exp.Expr:
        """A number as an int or a long: Microsoft's emulator was seen to keep the low 32 bits of a long, and to stop at the limits of the
        type where a real is beyond them; a real that is no number, or infinite, is null."""
        if given == Type.REAL:
            high = (1 << 31) - 1 if kind == Type.INT else (1 << 63) - 1
            limits = [self.cast(exp.Literal.string(str(x)), kind) for x in (high, -high - 1)]
            inside = f"CASE WHEN ABS($1) < {float(high)!r} THEN CAST(TRUNC($1) AS {self.dialect.type(kind)})"
            beyond = f"WHEN ABS($1) <= {sys.float_info.max!r} THEN CASE WHEN $1 > 0 THEN $2 ELSE $3 END END"
            return self.sql(f"{inside} {beyond}", value, *limits)
        if given == Type.DECIMAL:
            return self.try_cast(self.sql("TRUNC($1)", value), kind)
        if given == Type.LONG and kind == Type.INT:
            return self.cast(self.sql("(($1 & 4294967295) + 2147483648) % 4294967296 - 2147483648", self.cast(value, Type.LONG)), kind)
        return self.try_cast(value, kind)

    def convert(self, expr: e.Expr, kind: Type) -> exp.Expr:
        """``toint``, ``todatetime`` and their like."""
        if expr.type == kind:
            return self.value(expr)
        if kind == Type.STRING:
            return self.text(expr)
        if kind == Type.DYNAMIC:
            return self.dynamic(expr)
        value = self.value(expr)
        if expr.type in (Type.DYNAMIC, Type.UNKNOWN):
            return self.from_dynamic(value, kind)
        match expr.type, kind:
            case Type.STRING, Type.INT | Type.LONG:
                return self.fitting(self.python("whole_of", meanings.whole_of, (Type.STRING,), Type.LONG, (value,)), kind)
            case Type.STRING, Type.REAL | Type.DECIMAL:
                return self.try_cast(value, kind)
            case Type.STRING, Type.BOOL:
                return self.python("truth_of", meanings.truth_of_value, (Type.STRING,), Type.BOOL, (value,))
            case Type.STRING, Type.DATETIME:
                return self.moment_of_text(value)
            case Type.STRING, Type.TIMESPAN:
                return self.python("duration_of", meanings.duration_of, (Type.STRING,), kind, (value,))
            case Type.STRING, Type.GUID:
                return self.python("guid", meanings.guid_of, (Type.STRING,), kind, (value,))
            case Type.LONG | Type.REAL | Type.DECIMAL, Type.INT | Type.LONG:
                return self.whole(value, expr.type, kind)
            case Type.BOOL | Type.INT | Type.LONG | Type.REAL | Type.DECIMAL, Type.BOOL | Type.INT | Type.LONG | Type.REAL | Type.DECIMAL:
                return self.try_cast(value, kind)
            case Type.INT | Type.LONG | Type.REAL, Type.TIMESPAN:
                return self.cast(exp.Mul(this=value, expression=exp.Literal.number(86_400 * TICKS)), Type.LONG)
            case Type.TIMESPAN, Type.INT | Type.LONG:
                return value
            case Type.DATETIME, Type.INT | Type.LONG:
                return self.sql("$1 + $2", self.ticks(value), exp.Literal.number(EPOCH_TICKS))
            case Type.INT | Type.LONG, Type.DATETIME:
                return self.moment_of_ticks(self.sql("$1 - $2", value, exp.Literal.number(EPOCH_TICKS)))
        raise EngineError(f"a {expr.type} cannot become a {kind}", expr.span)

    def number(self, expr: e.Expr) -> exp.Expr:
        """An operand of arithmetic or of a comparison with a number."""
        if expr.type in (Type.DYNAMIC, Type.UNKNOWN):
            return self.from_dynamic(self.value(expr), Type.REAL)
        return self.value(expr)

    def whole_number(self, expr: e.Expr) -> exp.Expr:
        """A dynamic operand of arithmetic whose result is a long."""
        return self.python("whole_number", meanings.whole_number, (Type.DYNAMIC,), Type.LONG, (self.value(expr),))

    def operand(self, expr: e.Expr, result: Type = Type.REAL) -> exp.Expr:
        """A number as arithmetic takes it: a whole one in 64 bits, where SQL counts a small literal, and what is made of some, in 32."""
        if expr.type in _OPEN and result in _WHOLE:
            return self.whole_number(expr)
        value = self.number(expr)
        if expr.type not in (*_WHOLE, Type.TIMESPAN):
            return value
        stored = isinstance(expr, e.ColumnRef) and expr.column.source is not None and expr.type == Type.LONG
        computed = isinstance(expr, e.Apply) and expr.function in _ARITHMETIC
        return value if stored or computed else self.cast(value, Type.LONG)

    # --- applications

    def apply(self, expr: e.Apply) -> exp.Expr:
        name, args = expr.function, expr.args
        handler = self._special.get(name)
        if handler is not None:
            return handler(self, expr)
        if self.dialect.ticks and (finer := self._finer(expr)) is not None:
            return finer
        known = find(name)
        if known is not None and known.kind == "aggregate" and name in functions() and not known.takes(len(args)):
            known = functions()[name]
        if known is not None and known.alias:
            known = functions().get(known.alias) if known.kind == "function" else find(known.alias)
        if known is None:
            if name == "unknown-column":
                raise EngineError(f"there is no column '{_literal(args[0])}'", expr.span)
            raise EngineError(f"the function {name}() is unknown", expr.span)
        if known.kind == "aggregate":
            if not self.aggregating:
                raise EngineError(f"the aggregate {name}() is used outside of summarize", expr.span)
            return self.aggregate(expr)
        if name in WINDOWS:
            raise EngineError(f"{name}() cannot be used here", expr.span)
        types = [a.type for a in args]
        signature = overload(known, types)
        template = known.sql or (known.duckdb if self.dialect.name == "duckdb" else None)
        if template is not None:
            given = [self.argument(a, signature.kind(i, types))[0] for i, a in enumerate(args)]
            return self.never_null(self.sql(template, *given), expr.type)
        if known.python is None:
            raise EngineError(f"the function {name}() is known but not supported by the engine", expr.span)
        pairs = [self.argument(a, signature.kind(i, types)) for i, a in enumerate(args)]
        result = Type.DYNAMIC if expr.type == Type.UNKNOWN or signature.result.startswith("(") else expr.type
        return self.python(name, known.python, tuple(k for _, k in pairs), result, tuple(v for v, _ in pairs), known.nulls)

    def argument(self, expr: e.Expr, kind: str) -> tuple[exp.Expr, Type]:
        """An argument as a function of this kind of parameter takes it, with the type that it then has."""
        match kind:
            case "string" | "text":
                return self.text(expr), Type.STRING
            case "array" | "bag" | "dynamic":
                return self.dynamic(expr), Type.DYNAMIC
            case "long" | "integer" | "int":
                return self.convert(expr, Type.LONG), Type.LONG
            case "real":
                return self.convert(expr, Type.REAL), Type.REAL
            case "bool":
                return self.convert(expr, Type.BOOL), Type.BOOL
            case "datetime":
                return self.convert(expr, Type.DATETIME), Type.DATETIME
            case "timespan":
                return self.convert(expr, Type.TIMESPAN), Type.TIMESPAN
            case "guid":
                return self.convert(expr, Type.GUID), Type.GUID
        if expr.type in (Type.TIMESPAN, Type.GUID) and kind == "scalar":
            return self.text(expr), Type.STRING
        if expr.type in (Type.INT, Type.LONG):
            return self.value(expr), Type.LONG
        if expr.type == Type.DECIMAL:
            return self.cast(self.value(expr), Type.REAL), Type.REAL
        return self.value(expr), Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type

    # --- predicates

    def predicate(self, expr: e.Expr, negated: bool = False) -> exp.Expr:
        """``expr`` where only true counts: null and false are the same, which leaves SQL's own comparisons as they are."""
        match expr:
            case e.Apply(function="and" | "or" as function, args=args):
                parts = [self.predicate(a, negated) for a in args]
                return exp.and_(*parts) if (function == "and") != negated else exp.or_(*parts)
            case e.Apply(function="not", args=(inner,)):
                return self.predicate(inner, not negated)
            case e.Apply(function="==", args=(left, right)):
                a, b = self.operands(left, right, equality=True)
                if self.undefined(left, right) is not None:
                    found = self._equal(expr)
                    return exp.Not(this=exp.paren(found, copy=False)) if negated else found
                if left.type == right.type == Type.STRING or not negated:
                    return compared(exp.NEQ if negated else exp.EQ, a, b)
                return exp.Not(this=compared(exp.NullSafeEQ, a, b))
            case e.Apply(function="<" | "<=" | ">" | ">=" as function, args=(left, right)):
                if self.undefined(left, right) is not None:
                    found = self._ordered(expr)
                    return exp.Not(this=exp.paren(found, copy=False)) if negated else found
                opposite = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[function]
                return self.in_order(opposite if negated else function, left, right)
            case e.Const(value=bool(value)):
                return exp.Boolean(this=value != negated)
        found = self.value(expr) if expr.type == Type.BOOL else self.convert(expr, Type.BOOL)
        return exp.Not(this=exp.paren(found, copy=False)) if negated else found

    def operands(self, left: e.Expr, right: e.Expr, equality: bool = False) -> tuple[exp.Expr, exp.Expr]:
        """Both sides of a comparison in one type; ``equality`` says that it asks for no order."""
        kinds = {left.type, right.type}
        if Type.UNKNOWN in kinds:
            kinds = {Type.DYNAMIC if k == Type.UNKNOWN else k for k in kinds}
        if Type.DYNAMIC in kinds:
            other = next(iter(kinds - {Type.DYNAMIC}), Type.STRING)
            if other in _WHOLE:
                return self.beside_whole(left), self.beside_whole(right)
            if other == Type.DECIMAL:
                other = Type.REAL
            return self.convert(left, other) if left.type != other else self.value(left), self.convert(right, other)
        if len(kinds) == 1 or kinds <= set(_NUMBERS):
            return self.value(left), self.value(right)
        if kinds <= {Type.BOOL, *_NUMBERS}:
            return self.cast(self.value(left), Type.LONG), self.cast(self.value(right), Type.LONG)
        if equality and Type.STRING in kinds and kinds <= {Type.STRING, *_WHOLE}:
            # The official binder takes `ResultType == 0` for a column of texts, as many rules of Microsoft write it: the digits are compared.
            return self.text(left), self.text(right)
        if kinds == {Type.GUID, Type.STRING}:
            return self.sql("LOWER($1)", self.text(left)), self.sql("LOWER($1)", self.text(right))
        raise EngineError(f"a {left.type} cannot be compared with a {right.type}", left.span or right.span)

    def beside_whole(self, expr: e.Expr) -> exp.Expr:
        """A side of a comparison with a whole number: a real has too few digits for what a dynamic value may hold."""
        if expr.type not in _OPEN:
            return self.value(expr)
        text = self.python("beside_whole", meanings.beside_whole, (Type.DYNAMIC,), Type.STRING, (self.value(expr),))
        return self.try_cast(text, Type.DECIMAL)

    def undefined(self, *exprs: e.Expr) -> exp.Expr | None:
        """Whether one of these is NaN, which compares with nothing; None where none can be, or SQL sees it so itself."""
        if "is_nan" not in self.dialect.words:
            return None
        tests = [self.word("is_nan", self.value(x)) for x in exprs if x.type == Type.REAL and not isinstance(x, e.Const)]
        return exp.or_(*tests) if tests else None

    def defined(self, comparison: exp.Expr, *exprs: e.Expr) -> exp.Expr:
        """``comparison``, false where a side of it is NaN."""
        undefined = self.undefined(*exprs)
        return comparison if undefined is None else exp.and_(comparison, exp.Not(this=exp.paren(undefined, copy=False)))

    def _equal(self, expr: e.Apply) -> exp.Expr:
        left, right = expr.args
        a, b = self.operands(left, right, equality=True)
        if left.type == right.type == Type.STRING:
            return compared(exp.EQ, a, b)
        if any(isinstance(s, e.Const) and s.value is not None for s in (left, right)):
            return exp.Coalesce(this=self.defined(compared(exp.EQ, a, b), left, right), expressions=[exp.false()])
        same = self.defined(self.sql("COALESCE($1 = $2, FALSE)", a, b), left, right)
        return self.sql("CASE WHEN $1 IS NULL AND $2 IS NULL THEN NULL ELSE $3 END", a, b, same)

    def _ordered(self, expr: e.Apply) -> exp.Expr:
        left, right = expr.args
        return self.defined(self.in_order(expr.function, left, right), left, right)

    def mixed(self, expr: e.Expr) -> bool:
        """Whether each value may be of a type of its own; SQL that is only written takes a column of a table that is not known as it is."""
        return expr.type == Type.DYNAMIC or (expr.type == Type.UNKNOWN and self.dialect.python)

    def order_key(self, value: exp.Expr) -> exp.Expr:
        """A text in whose order dynamic values stand: its first character is their kind."""
        key = self.python("order_key", meanings.order_key, (Type.DYNAMIC,), Type.STRING, (value,))
        return exp.Nullif(this=key, expression=exp.Literal.string(""))

    def of_one_kind(self, least: exp.Expr, greatest: exp.Expr, value: exp.Expr) -> exp.Expr:
        """``value``, refused when the query runs where the least and the greatest key of an order are of two kinds."""
        test = self.python("of_one_kind", meanings.of_one_kind, (Type.STRING, Type.STRING), Type.BOOL, (least, greatest))
        return exp.Case(ifs=[exp.If(this=test, true=value)])

    def in_order(self, function: str, left: e.Expr, right: e.Expr) -> exp.Expr:
        """A comparison by ``<`` and its like: of two dynamic values by what they hold, null where that is of two kinds."""
        if self.mixed(left) and self.mixed(right):
            sides = (self.value(left), self.value(right))
            a: exp.Expr = self.python("order_of", meanings.order_of, (Type.DYNAMIC, Type.DYNAMIC), Type.LONG, sides)
            return compared(_SQL_COMPARISONS[function], a, exp.Literal.number(0))
        a, b = self.operands(left, right)
        return compared(_SQL_COMPARISONS[function], a, b)

    def _same_text(self, expr: e.Apply) -> exp.Expr:
        left, right = expr.args
        return exp.EQ(this=self.lowered(left), expression=self.lowered(right))

    def lowered(self, expr: e.Expr) -> exp.Expr:
        if isinstance(expr, e.Const) and isinstance(expr.value, str):
            return exp.Literal.string(expr.value.lower())
        return exp.Lower(this=self.text(expr))

    def _junction(self, expr: e.Apply) -> exp.Expr:
        parts = [self.convert(a, Type.BOOL) if a.type != Type.BOOL else self.value(a) for a in expr.args]
        return exp.and_(*parts) if expr.function == "and" else exp.or_(*parts)

    def _negation(self, expr: e.Apply) -> exp.Expr:
        return exp.Not(this=exp.paren(self.convert(expr.args[0], Type.BOOL), copy=False))

    def _between(self, expr: e.Apply) -> exp.Expr:
        subject, low, high = expr.args
        if subject.type == Type.DATETIME and high.type == Type.TIMESPAN:
            high = e.Apply(high.span, Type.DATETIME, "+", (low, high))
        return self.defined(exp.and_(self.in_order(">=", subject, low), self.in_order("<=", subject, high)), subject, low, high)

    def _member(self, expr: e.Apply) -> exp.Expr:
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
                        member = e.Column(_MEMBERS - column.id, column.name, Type.DYNAMIC)
                        relation = o.Expand(item.span, relation, ((member, e.ColumnRef(None, column.type, column)),), None, None)
                        column = member
                    inner = self.compile_relation(relation)
                    chosen: exp.Expr = exp.column(column_name(column), quoted=True)
                    if column.type == Type.DYNAMIC:
                        chosen = self.from_dynamic(chosen, subject.type)
                    query = exp.select(chosen if cased else exp.Lower(this=chosen)).from_(inner.subquery("q"))
                    value = self.lowered(subject) if not cased else self.value(subject)
                    if subject.type in (Type.DYNAMIC, Type.UNKNOWN):
                        value = self.text(subject)
                    parts.append(exp.In(this=value, query=exp.Subquery(this=query)))
                case e.Const() | e.ColumnRef() if item.type not in (Type.DYNAMIC, Type.UNKNOWN):
                    plain.append(item)
                case _ if item.type in (Type.DYNAMIC, Type.UNKNOWN):
                    name, call = ("member", meanings.member) if cased else ("member_any_case", meanings.member_any_case)
                    parts.append(
                        self.python(name, call, (Type.DYNAMIC, Type.DYNAMIC), Type.BOOL, (self.dynamic(subject), self.value(item)))
                    )
                case _:
                    plain.append(item)
        if plain:
            if cased:
                pairs = [self.operands(subject, i, equality=True) for i in plain]
                parts.append(exp.In(this=pairs[0][0], expressions=[b for _, b in pairs]))
            else:
                parts.append(exp.In(this=self.lowered(subject), expressions=[self.lowered(i) for i in plain]))
        found = exp.or_(*parts) if parts else exp.false()
        if subject.type == Type.STRING:
            return found
        known = exp.Coalesce(this=found, expressions=[exp.false()])
        if subject.type in _OPEN or not any(isinstance(i, e.Const) and i.value is None for i in plain):
            return known
        return self.sql("CASE WHEN $1 IS NOT NULL THEN $2 END", self.value(subject), known)

    # --- text

    def _contains(self, expr: e.Apply) -> exp.Expr:
        base, cased = expr.function.removesuffix("_cs"), expr.function.endswith("_cs")
        word = {"contains": "contains", "startswith": "starts", "endswith": "ends"}[base]
        subject, search = expr.args
        if cased:
            return self.word(word, self.text(subject), self.text(search))
        return self.word(word, self.lowered(subject), self.lowered(search))

    def _has(self, expr: e.Apply) -> exp.Expr:
        subject, search = expr.args
        return self.term(expr.function, self.text(subject), search)

    def term(self, function: str, subject: exp.Expr, search: e.Expr) -> exp.Expr:
        known = find(function)
        assert known is not None and known.python is not None
        if not (isinstance(search, e.Const) and isinstance(search.value, str)):
            return self.python(function, known.python, (Type.STRING, Type.STRING), Type.BOOL, (subject, self.text(search)))
        if not search.value:
            return exp.true()
        name = function.removesuffix("_cs")
        before, after = around(search.value, name == "hasprefix", name == "hassuffix")
        body = escaped(search.value)
        bounded = f"(?:^|{BOUND})" if before else ""
        closed = f"(?:$|{BOUND})" if after else ""
        flag = "(?s)" if function.endswith("_cs") else "(?is)"
        return self.word("matches", subject, exp.Literal.string(f"{flag}{bounded}{body}{closed}"))

    def _has_list(self, expr: e.Apply) -> exp.Expr:
        subject, items = expr.args
        assert isinstance(items, e.Items)
        join = exp.or_ if expr.function == "has_any" else exp.and_
        parts = []
        for item in items.items:
            if isinstance(item, e.Subquery) and not item.scalar and item.column is not None:
                parts.append(self._has_in_table(subject, item, expr.function == "has_all"))
            elif item.type in (Type.DYNAMIC, Type.UNKNOWN):
                call = meanings.has_any if expr.function == "has_any" else meanings.has_all
                parts.append(
                    self.python(expr.function, call, (Type.STRING, Type.DYNAMIC), Type.BOOL, (self.text(subject), self.value(item)))
                )
            else:
                parts.append(self.term("has", self.text(subject), item))
        return join(*parts) if parts else (exp.false() if expr.function == "has_any" else exp.true())

    def _has_in_table(self, subject: e.Expr, item: e.Subquery, every: bool) -> exp.Expr:
        assert item.column is not None
        reference = e.ColumnRef(None, item.column.type, item.column)
        found = self.term("has", self.text(subject), reference)
        condition = exp.Not(this=found) if every else found
        query = exp.select("1").from_(self.compile_relation(item.relation).subquery("q")).where(condition)
        exists: exp.Expr = exp.Exists(this=query)
        return exp.Not(this=exists) if every else exists

    def _matches(self, expr: e.Apply) -> exp.Expr:
        subject, regex = expr.args
        if expr.function == "matches regex~":
            regex = e.const(kql(searched(expr)))
        return self.matching(self.text(subject), regex)

    def matching(self, subject: exp.Expr, regex: e.Expr) -> exp.Expr:
        """That a regular expression of KQL finds something in a text."""
        spelled = self.spelled(regex)
        if spelled is not None:
            return self.word("matches", subject, spelled)
        known = find("matches regex")
        assert known is not None and known.python is not None
        return self.python("matches_regex", known.python, (Type.STRING, Type.STRING), Type.BOOL, (subject, self.text(regex)))

    def captured(self, regex: e.Expr, group: e.Expr, source: exp.Expr) -> exp.Expr:
        """What a group of a regular expression of KQL holds of the first place where it is found; empty or null where there is none."""
        plain = isinstance(group, e.Const) and isinstance(group.value, int) and group.value <= _MOST_GROUPS
        spelled = self.spelled(regex) if plain and "group" in self.dialect.words else None
        if spelled is not None:
            return self.word("group", source, spelled, self.value(group))
        known = find("extract")
        assert known is not None and known.python is not None
        given = (self.text(regex), self.value(group), source)
        return self.python("extract", known.python, (Type.STRING, Type.LONG, Type.STRING), Type.STRING, given)

    def spelled(self, regex: e.Expr) -> exp.Expr | None:
        """A regular expression of KQL in the dialect's own language; None where only the Python functions read it.

        Raises:
            EngineError: where it is none, or the dialect has neither words for it nor Python functions.
        """
        write = _PATTERNS.get(self.dialect.name)
        if write is None:
            return self.text(regex)
        if not (isinstance(regex, e.Const) and isinstance(regex.value, str)):
            return None if self.dialect.python else self.text(regex)
        try:
            return exp.Literal.string(write(parse(regex.value)))
        except RegexError as error:
            raise EngineError(f"{regex.value!r} is no regular expression: {error}", regex.span) from None
        except Inexpressible as error:
            if not self.dialect.python:
                raise EngineError(f"the regular expressions of {self.dialect.title} cannot say {error}", regex.span) from None
            return None

    def _cidr(self, expr: e.Apply) -> exp.Expr:
        known = find("ipv4_is_in_any_range")
        assert known is not None and known.python is not None
        found = self.python(
            "ipv4_is_in_any_range",
            known.python,
            (Type.STRING, Type.DYNAMIC),
            Type.BOOL,
            (self.text(expr.args[0]), self.value(expr.args[1])),
        )
        return exp.Coalesce(this=found, expressions=[exp.false()])

    def _strcat(self, expr: e.Apply) -> exp.Expr:
        parts = [self.text(a) for a in expr.args]
        found = parts[0]
        for part in parts[1:]:
            found = exp.DPipe(this=found, expression=part, safe=True)
        return exp.paren(found, copy=False) if len(parts) > 1 else found

    def _is_empty(self, expr: e.Apply) -> exp.Expr:
        (subject,) = expr.args
        if subject.type in (Type.STRING, Type.DYNAMIC, Type.UNKNOWN):
            found: exp.Expr = exp.EQ(this=self.text(subject), expression=exp.Literal.string(""))
        else:
            found = exp.Is(this=self.value(subject), expression=exp.Null())
        return exp.Not(this=exp.paren(found, copy=False)) if expr.function == "isnotempty" else found

    def _is_null(self, expr: e.Apply) -> exp.Expr:
        (subject,) = expr.args
        if subject.type == Type.STRING:
            found: exp.Expr = exp.false()
        elif subject.type in (Type.DYNAMIC, Type.UNKNOWN):
            value = self.value(subject)
            found = self.sql("$1 IS NULL OR $1 = 'null'", value)
        else:
            found = exp.Is(this=self.value(subject), expression=exp.Null())
        return exp.Not(this=exp.paren(found, copy=False)) if expr.function == "isnotnull" else exp.paren(found, copy=False)

    # --- choices

    def typed(self, expr: e.Expr, kind: Type) -> exp.Expr:
        """A value where another type is expected: null keeps, numbers widen, the rest converts."""
        if isinstance(expr, e.Const) and expr.value is None:
            return self.null(kind)
        if expr.type == kind or (expr.type in _NUMBERS and kind in _NUMBERS):
            return self.value(expr)
        return self.convert(expr, kind)

    def _choice(self, expr: e.Apply) -> exp.Expr:
        args = expr.args
        kind = Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type
        if expr.function == "iff":
            args = (args[0], args[1], args[2])
        pairs = [(args[i], args[i + 1]) for i in range(0, len(args) - 1, 2)]
        ifs = [exp.If(this=self.predicate(c), true=self.typed(v, kind)) for c, v in pairs]
        return exp.Case(ifs=ifs, default=self.typed(args[-1], kind))

    def _coalesce(self, expr: e.Apply) -> exp.Expr:
        kind = Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type
        values = [self.typed(a, kind) for a in expr.args]
        if kind == Type.STRING:
            values = [exp.Nullif(this=v, expression=exp.Literal.string("")) for v in values]
            return self.never_null(exp.Coalesce(this=values[0], expressions=values[1:]), kind)
        return exp.Coalesce(this=values[0], expressions=values[1:])

    def _extreme(self, expr: e.Apply) -> exp.Expr:
        if self.mixed(expr):
            name, call = ("greatest", meanings.greatest) if expr.function == "max_of" else ("least", meanings.least)
            given = tuple(self.dynamic(a) for a in expr.args)
            return self.python(f"{name}_of_values", call, (Type.DYNAMIC,) * len(given), Type.DYNAMIC, given, nulls=True)
        values = [self.whole_number(a) if a.type in _OPEN and expr.type in _WHOLE else self.typed(a, expr.type) for a in expr.args]
        make = exp.Greatest if expr.function == "max_of" else exp.Least
        return make(this=values[0], expressions=values[1:], ignore_nulls=True) if len(values) > 1 else values[0]

    # --- numbers and time

    def _sum(self, expr: e.Apply) -> exp.Expr:
        left, right = expr.args
        sign = 1 if expr.function == "+" else -1
        known = self.folded(expr)
        if known is not None:
            return known
        if Type.DATETIME in (left.type, right.type):
            if left.type == right.type:
                if sign > 0:
                    raise EngineError("two datetimes cannot be added", expr.span)
                if self.dialect.ticks:
                    return exp.paren(self.sql("$1 - $2", self.ticks(self.value(left)), self.ticks(self.value(right))), copy=False)
                return self.sql("($1 - $2) * 10", self.word("micros", self.value(left)), self.word("micros", self.value(right)))
            time, span = (left, right) if left.type == Type.DATETIME else (right, left)
            step = self.typed(span, Type.TIMESPAN)
            if self.dialect.ticks:
                return self.moment_of_ticks(self.sql("$1 + $2" if sign > 0 else "$1 - $2", self.ticks(self.value(time)), step))
            micros = self.word("micros", self.value(time))
            return self.word("moment", self.sql("$1 + $2 // 10" if sign > 0 else "$1 - $2 // 10", micros, step))
        if (made := self.arithmetic(expr)) is not None:
            return made
        make = exp.Add if sign > 0 else exp.Sub
        return exp.paren(make(this=self.operand(left, expr.type), expression=self.operand(right, expr.type)), copy=False)

    def arithmetic(self, expr: e.Apply) -> exp.Expr | None:
        """Arithmetic on dynamic values alone, whose result is one too; None on others."""
        if not all(a.type in _OPEN for a in expr.args):
            return None
        values = tuple(self.value(a) for a in expr.args)
        name = {"+": "sum", "-": "difference", "*": "product", "/": "quotient", "%": "remainder", "neg": "negative"}[expr.function]
        return self.python(f"{name}_of_values", meanings.ARITHMETIC[expr.function], (Type.DYNAMIC,) * len(values), Type.DYNAMIC, values)

    def folded(self, expr: e.Expr) -> exp.Expr | None:
        """Arithmetic on times that are known now: it leaves filters on stored columns to the storage."""
        found = self.known_time(expr)
        return moment(found) if found is not None and not isinstance(expr, e.Const) else None

    def known_time(self, expr: e.Expr) -> dt.datetime | None:
        """The time that an expression is before the query runs; None where it is not known.

        Raises:
            EngineError: where it is outside the years 1 to 9999 (learn.microsoft.com/kusto/query/scalar-data-types/datetime).
        """
        try:
            return self._known_time(expr)
        except OverflowError:
            raise EngineError("a datetime is of the years 1 to 9999, and this one is not", expr.span) from None

    def _known_time(self, expr: e.Expr) -> dt.datetime | None:
        ticks: int | None
        if self.now is None and any(isinstance(n, e.Apply) and n.function in ("now", "ago") for n in e.walk(expr)):
            return None
        if self.dialect.ticks and any(isinstance(n, e.Const) and finer_than_micros(n) for n in e.walk(expr)):
            return None
        now = self.now or EPOCH
        match expr:
            case e.Const(type=Type.DATETIME, value=int(ticks)):
                return EPOCH + dt.timedelta(microseconds=(ticks - EPOCH_TICKS) // 10)
            case e.Apply(function="now", args=()):
                return now
            case e.Apply(function="now", args=(offset,)) if (ticks := known_span(offset)) is not None:
                return now + dt.timedelta(microseconds=ticks // 10)
            case e.Apply(function="ago", args=(offset,)) if (ticks := known_span(offset)) is not None:
                return now - dt.timedelta(microseconds=ticks // 10)
            case e.Apply(function="+" | "-" as sign, args=(left, right)) if (ticks := known_span(right)) is not None:
                base = self._known_time(left)
                return None if base is None else base + (1 if sign == "+" else -1) * dt.timedelta(microseconds=ticks // 10)
            case e.Apply(function="todatetime", args=(inner,)):
                if isinstance(inner, e.Const) and isinstance(inner.value, str):
                    return meanings.datetime_of(inner.value)
                return self._known_time(inner)
            case e.Apply(function="startofday", args=(inner,)):
                base = self._known_time(inner)
                return base.replace(hour=0, minute=0, second=0, microsecond=0) if base else None
        return None

    def _now(self, expr: e.Apply) -> exp.Expr:
        found = self.known_time(expr)
        if found is not None:
            return moment(found)
        current = self.cast(exp.CurrentTimestamp(), Type.DATETIME)
        ticks = known_span(expr.args[0]) if expr.args else 0
        if self.now is None and ticks is not None:
            if not ticks:
                return current
            ticks = -ticks if expr.function == "ago" else ticks
            step = exp.Interval(this=exp.Literal.string(str(abs(ticks) // TICKS)), unit=exp.var("SECOND"))
            return exp.paren((exp.Sub if ticks < 0 else exp.Add)(this=current, expression=step), copy=False)
        sign = "-" if expr.function == "ago" else "+"
        return self._sum(e.Apply(expr.span, Type.DATETIME, sign, (e.Apply(None, Type.DATETIME, "now", ()), expr.args[0])))

    def _product(self, expr: e.Apply) -> exp.Expr:
        if (made := self.arithmetic(expr)) is not None:
            return made
        left, right = expr.args
        a, b = self.operand(left, expr.type), self.operand(right, expr.type)
        found = exp.Mul(this=a, expression=b)
        if Type.TIMESPAN in (left.type, right.type) and Type.REAL in (left.type, right.type, *(_dynamic_as_real(x) for x in expr.args)):
            return self.cast(self.sql("ROUND($1)", found), Type.LONG)
        return exp.paren(found, copy=False)

    def _quotient(self, expr: e.Apply) -> exp.Expr:
        if (made := self.arithmetic(expr)) is not None:
            return made
        left, right = expr.args
        a, b = self.operand(left, expr.type), self.operand(right, expr.type)
        if left.type == right.type == Type.TIMESPAN:
            return self.sql("CAST($1 AS DOUBLE) / $2", a, b)
        if left.type == Type.TIMESPAN:
            return self.cast(self.sql("TRUNC($1 / $2)", a, b), Type.LONG)
        if expr.type in _WHOLE:
            return exp.paren(self.word("quotient", a, b), copy=False)
        if "real_quotient" not in self.dialect.words:
            return self.sql("CAST($1 AS DOUBLE) / NULLIF($2, 0)", a, b)
        return self.word("real_quotient", a, b)

    def _modulo(self, expr: e.Apply) -> exp.Expr:
        """Never negative."""
        if (made := self.arithmetic(expr)) is not None:
            return made
        a, b = (self.operand(a, expr.type) for a in expr.args)
        return self.sql("(($1 % NULLIF($2, 0)) + ABS($2)) % ABS(NULLIF($2, 0))", a, b)

    def _minus(self, expr: e.Apply) -> exp.Expr:
        made = self.arithmetic(expr)
        return made if made is not None else exp.Neg(this=exp.paren(self.operand(expr.args[0], expr.type), copy=False))

    def _bin(self, expr: e.Apply) -> exp.Expr:
        subject = expr.args[0]
        size = expr.args[1] if len(expr.args) > 1 else e.const(1)
        if subject.type in (Type.DYNAMIC, Type.UNKNOWN) and size.type == Type.TIMESPAN:
            subject = e.Apply(subject.span, Type.DATETIME, "todatetime", (subject,))
        if expr.function == "bin_at":
            return self._binned(subject, size, expr.args[2])
        return self._binned(subject, size, None)

    def _binned(self, subject: e.Expr, size: e.Expr, anchor: e.Expr | None) -> exp.Expr:
        if subject.type == Type.DATETIME and self.dialect.ticks:
            origin = exp.Literal.number(-EPOCH_TICKS) if anchor is None else self.ticks(self.value(anchor))
            at, width = self.ticks(self.value(subject)), self.operand(size)
            return self.moment_of_ticks(self.sql("$1 - ((($1 - $3) % NULLIF($2, 0)) + $2) % NULLIF($2, 0)", at, width, origin))
        if subject.type == Type.DATETIME:
            micros = self.word("micros", self.value(subject))
            step = self.sql("$1 // 10", self.value(size))
            if isinstance(size, e.Const) and isinstance(size.value, int):
                step = exp.Literal.number(size.value // 10)
            offset = exp.Literal.number(-EPOCH_MICROS) if anchor is None else self.word("micros", self.value(anchor))
            return self.word(
                "moment",
                self.sql("$1 - ((($1 - $3) % $2) + $2) % $2", micros, step, offset)
                if anchor is not None
                else self.sql("$1 - ($1 + $3) % $2", micros, step, exp.Literal.number(EPOCH_MICROS)),
            )
        a, b = self.number(subject), self.number(size)
        whole = subject.type in (*_WHOLE, Type.TIMESPAN) and size.type in (*_WHOLE, Type.TIMESPAN)
        if subject.type in _OPEN and size.type in _WHOLE and anchor is None:
            # A bin of whole width is that of the whole number below.
            a, whole = self.python("floor_of", meanings.floor_of, (Type.DYNAMIC,), Type.LONG, (self.value(subject),)), True
        if anchor is not None:
            found = self.sql("CAST(FLOOR(CAST($1 - $3 AS DOUBLE) / $2) AS DOUBLE) * $2 + $3", a, b, self.number(anchor))
        elif whole:
            return self.sql("$1 - ((($1 % NULLIF($2, 0)) + $2) % NULLIF($2, 0))", a, b)
        else:
            found = self.sql("CAST(FLOOR(CAST($1 AS DOUBLE) / $2) AS DOUBLE) * $2", a, b)
        return self.cast(found, Type.LONG) if whole else found

    def _finer(self, expr: e.Apply) -> exp.Expr | None:
        """The functions of a time that read or keep its fractions of a microsecond; those of whole parts need not."""
        args = expr.args
        part = str(args[0].value).lower() if args and isinstance(args[0], e.Const) else ""
        match expr.function:
            case "datetime_part" if part == "nanosecond":
                return self.sql("($1 % 10000000 + 10000000) % 10000000 * 100", self.ticks(self.convert(args[1], Type.DATETIME)))
            case "datetime_diff" if part == "nanosecond":
                later, earlier = (self.ticks(self.convert(a, Type.DATETIME)) for a in args[1:])
                return self.sql("($1 - $2) * 100", later, earlier)
            case "datetime_add":
                moved = (self.text(args[0]), self.convert(args[1], Type.LONG), self.ticks(self.convert(args[2], Type.DATETIME)))
                return self.moment_of_ticks(
                    self.python("add_to_ticks", meanings.add_to_ticks, (Type.STRING, Type.LONG, Type.LONG), Type.LONG, moved)
                )
            case "format_datetime":
                return self.python(
                    "format_ticks", meanings.format_ticks, (Type.LONG, Type.STRING), Type.STRING,
                    (self.ticks(self.convert(args[0], Type.DATETIME)), self.text(args[1])),
                )  # fmt: skip
            case "make_datetime" if len(args) == 6:
                kinds = (Type.LONG,) * 5 + (Type.REAL,)
                given = tuple(self.convert(a, k) for a, k in zip(args, kinds, strict=True))
                return self.moment_of_ticks(self.python("ticks_of", meanings.ticks_of, kinds, Type.LONG, given))
        return None

    def _start_of_day(self, expr: e.Apply) -> exp.Expr:
        known = self.folded(expr) if len(expr.args) == 1 else None
        if known is not None:
            return known
        truncated = exp.func("DATE_TRUNC", exp.Literal.string("day"), self.convert(expr.args[0], Type.DATETIME))
        day = self.cast(truncated, Type.DATETIME)
        if len(expr.args) == 1:
            return day
        shift = self.sql("$1 * 86400000000", self.value(expr.args[1]))
        return self.word("moment", self.sql("$1 + $2", self.word("micros", day), shift))

    def _day_of_week(self, expr: e.Apply) -> exp.Expr:
        return self.python(
            "day_of_week", meanings.day_of_week, (Type.DATETIME,), Type.TIMESPAN, (self.convert(expr.args[0], Type.DATETIME),)
        )

    def _around(self, expr: e.Apply) -> exp.Expr:
        subject, middle, delta = expr.args
        low = e.Apply(None, middle.type, "-", (middle, delta))
        high = e.Apply(None, middle.type, "+", (middle, delta))
        return self._between(e.Apply(expr.span, Type.BOOL, "between", (subject, low, high)))

    def _round(self, expr: e.Apply) -> exp.Expr:
        args = [self.number(a) for a in expr.args]
        if len(args) == 1:
            return self.sql("ROUND($1)", *args)
        plain = "ROUND($1, CAST($2 AS INTEGER))"
        if expr.args[0].type in (*_WHOLE, Type.DECIMAL):
            return self.sql(plain, *args)
        # 2.15 is a little less than that: it is 21.5 that is rounded, to 22 (learn.microsoft.com/kusto/query/round-function).
        scaled = "ROUND($1 * POWER(10, $2)) / POWER(10, $2)"
        return self.sql(f"CASE WHEN ABS($1 * POWER(10, $2)) < 1e15 THEN {scaled} ELSE {plain} END", *args)

    def _hash(self, expr: e.Apply) -> exp.Expr:
        """A hash of what the pages of hash() and hash_xxhash64() show: of a text its UTF-8, of a datetime its ticks from the year 1."""
        kind, known = expr.args[0].type, find(expr.function)
        assert known is not None and known.python is not None
        if kind == Type.STRING:
            subject = self.value(expr.args[0])
        elif kind == Type.LONG:
            subject = self.operand(expr.args[0])
        elif kind == Type.DATETIME:
            subject, kind = self.sql(f"$1 + {EPOCH_TICKS}", self.ticks(self.value(expr.args[0]))), Type.LONG
        else:
            raise EngineError(f"which bytes {expr.function}() takes of a {kind} is not documented", expr.span)
        rest = tuple(self.number(a) for a in expr.args[1:])
        return self.python(expr.function, known.python, (kind, *(Type.LONG for _ in rest)), Type.LONG, (subject, *rest))

    def _type_name(self, expr: e.Apply) -> exp.Expr:
        """The type that a value has by itself; of a dynamic one, that of what it holds."""
        (value,) = expr.args
        known = find("gettype")
        assert known is not None and known.python is not None
        if value.type in (Type.DYNAMIC, Type.UNKNOWN):
            return self.python("gettype", known.python, (Type.DYNAMIC,), Type.STRING, (self.value(value),), nulls=True)
        name = exp.Literal.string(value.type.value)
        if value.type == Type.STRING:
            return name
        return self.sql("CASE WHEN $1 IS NULL THEN 'null' ELSE $2 END", self.value(value), name)

    def _data_size(self, expr: e.Apply) -> exp.Expr:
        """The bytes that values take: learn.microsoft.com/kusto/query/estimate-data-size-function, and the page of each scalar type."""
        sizes = {Type.BOOL: 1, Type.INT: 4, **dict.fromkeys((Type.LONG, Type.REAL, Type.DATETIME, Type.TIMESPAN), 8), Type.GUID: 16}
        known = find("string_size")
        assert known is not None and known.python is not None
        total: exp.Expr = self.cast(exp.Literal.number(sum(sizes.get(a.type, 0) for a in expr.args)), Type.LONG)
        for part in expr.args:
            if part.type == Type.STRING:
                size = self.python("string_size", known.python, (Type.STRING,), Type.LONG, (self.text(part),))
                total = exp.Add(this=total, expression=size)
            elif part.type not in sizes:
                raise EngineError(f"how many bytes Kusto keeps a {part.type} in is not documented", expr.span)
        return exp.paren(total, copy=False)

    def _tohex(self, expr: e.Apply) -> exp.Expr:
        known = find("tohex")
        assert known is not None and known.python is not None
        given = [self.operand(a) for a in expr.args]
        if expr.args[0].type == Type.INT:
            given[0] = self.sql("$1 & 4294967295", given[0])
        return self.python("tohex", known.python, (Type.LONG,) * len(given), Type.STRING, tuple(given))

    def _random(self, expr: e.Apply) -> exp.Expr:
        raise EngineError(f"{expr.function}() is random: its result could not be reproduced", expr.span)

    def _range(self, expr: e.Apply) -> exp.Expr:
        start, stop = expr.args[:2]
        spans = start.type in (Type.DATETIME, Type.TIMESPAN)
        step = expr.args[2] if len(expr.args) > 2 else e.const(36_000_000_000, Type.TIMESPAN) if spans else e.const(1)
        if start.type == Type.DATETIME:
            kinds = (Type.DATETIME, Type.DATETIME, Type.TIMESPAN)
            return self.python(
                "range_of_moments", meanings.range_of_moments, kinds, Type.DYNAMIC, (self.value(start), self.value(stop), self.value(step))
            )
        values = tuple(self.number(x) for x in (start, stop, step))
        if start.type == Type.TIMESPAN:
            return self.python("range_of_spans", meanings.range_of_spans, (Type.LONG,) * 3, Type.DYNAMIC, values)
        kinds3 = tuple(Type.REAL if x.type in (Type.REAL, Type.DECIMAL, Type.DYNAMIC) else Type.LONG for x in (start, stop, step))
        return self.python("range", meanings.range_of, kinds3, Type.DYNAMIC, values)

    # --- dynamic values

    def _array_of(self, expr: e.Apply) -> exp.Expr:
        return self.array(expr.args)

    def _bag(self, expr: e.Apply) -> exp.Expr:
        known = _literal(expr)
        if known is not _UNKNOWN:
            return exp.Literal.string(dumps(known) or "{}")
        parts: list[exp.Expr] = []
        for index, part in enumerate(expr.args):
            parts.append(self.text(part) if index % 2 == 0 else self.dynamic(part))
        if "json_object" in self.dialect.words:
            pairs = [p if i % 2 == 0 else self.word("embed", p) for i, p in enumerate(parts)]
            return self.cast(exp.Anonymous(this=self.dialect.words["json_object"], expressions=pairs), Type.STRING)
        kinds = tuple(Type.STRING if i % 2 == 0 else Type.DYNAMIC for i in range(len(parts)))
        return self.python("bag", meanings.bag_of, kinds, Type.DYNAMIC, tuple(parts), nulls=True)

    def _filled_bag(self, expr: e.Apply) -> exp.Expr:
        parts = tuple(self.text(p) if i % 2 == 0 else self.dynamic(p) for i, p in enumerate(expr.args))
        kinds = tuple(Type.STRING if i % 2 == 0 else Type.DYNAMIC for i in range(len(parts)))
        return self.python("filled_bag", meanings.filled_bag, kinds, Type.DYNAMIC, parts, nulls=True)

    def _parse_json(self, expr: e.Apply) -> exp.Expr:
        (subject,) = expr.args
        if subject.type != Type.STRING:
            return self.dynamic(subject)
        if "valid_json" not in self.dialect.words:
            return self.python("json_of", meanings.json_of, (Type.STRING,), Type.DYNAMIC, (self.value(subject),))
        value = self.value(subject)
        valid, wrapped = self.word("valid_json", value), self.word("json", value)
        return self.sql("CASE WHEN $1 = '' THEN NULL WHEN $2 THEN NULLIF($1, 'null') ELSE $3 END", value, valid, wrapped)

    def _element(self, expr: e.Apply) -> exp.Expr:
        base, key = expr.args
        kind = Type.STRING if key.type == Type.STRING else Type.LONG
        value = self.text(key) if kind == Type.STRING else self.convert(key, Type.LONG)
        return self.python("step_into", meanings.step_into, (Type.DYNAMIC, kind), Type.DYNAMIC, (self.dynamic(base), value))

    def _extract(self, expr: e.Apply) -> exp.Expr:
        regex, group, source = expr.args[:3]
        found = self.never_null(self.captured(regex, group, self.text(source)), Type.STRING)
        return found if expr.type == Type.STRING else self.from_text(found, expr.type)

    def from_text(self, value: exp.Expr, kind: Type) -> exp.Expr:
        """A text as another type, null where it does not spell one."""
        calls: dict[Type, tuple[str, Callable[..., Any], Type]] = {
            Type.INT: ("whole_of", meanings.whole_of, Type.LONG), Type.LONG: ("whole_of", meanings.whole_of, Type.LONG),
            Type.TIMESPAN: ("duration_of", meanings.duration_of, Type.TIMESPAN),
            Type.BOOL: ("truth_of", meanings.truth_of_value, Type.BOOL), Type.GUID: ("guid", meanings.guid_of, Type.GUID),
            Type.DYNAMIC: ("json_of", meanings.json_of, Type.DYNAMIC),
        }  # fmt: skip
        if kind == Type.DATETIME:
            return self.moment_of_text(value)
        if kind in calls:
            name, call, result = calls[kind]
            return self.fitting(self.python(name, call, (Type.STRING,), result, (value,)), kind)
        return value if kind == Type.STRING else self.try_cast(value, kind)

    def _extract_json(self, expr: e.Apply) -> exp.Expr:
        known = find("extract_json")
        assert known is not None and known.python is not None
        path, source = expr.args[:2]
        given = (self.value(source), Type.DYNAMIC) if source.type == Type.DYNAMIC else (self.text(source), Type.STRING)
        found = self.python("extract_json", known.python, (Type.STRING, given[1]), Type.STRING, (self.text(path), given[0]))
        return found if expr.type == Type.STRING else self.from_text(found, expr.type)

    def _conversion(self, expr: e.Apply) -> exp.Expr:
        kinds = {
            "tostring": Type.STRING, "toint": Type.INT, "tolong": Type.LONG, "todouble": Type.REAL, "todecimal": Type.DECIMAL,
            "tobool": Type.BOOL, "todatetime": Type.DATETIME, "totimespan": Type.TIMESPAN, "toguid": Type.GUID,
        }  # fmt: skip
        known = self.folded(expr) if expr.function == "todatetime" else None
        return known if known is not None else self.convert(expr.args[0], kinds[expr.function])

    # --- aggregates

    def aggregate(self, expr: e.Apply) -> exp.Expr:
        """An aggregate over the rows of a group."""
        known = find(expr.function)
        assert known is not None
        if known.alias:
            known = find(known.alias)
            assert known is not None
        args = expr.args
        condition: e.Expr | None = None
        if known.filters:
            plain = find(known.filters)
            assert plain is not None
            position = sum(not p.optional for p in plain.signatures[0].parameters)
            condition, args, known = args[position], args[:position] + args[position + 1 :], plain
        self.aggregating = False
        try:
            return self._aggregate(known.name, known, args, condition, expr)
        finally:
            self.aggregating = True

    def _aggregate(self, name: str, known: Any, args: tuple[e.Expr, ...], condition: e.Expr | None, expr: e.Apply) -> exp.Expr:
        def guarded(value: exp.Expr) -> exp.Expr:
            return value if condition is None else exp.Case(ifs=[exp.If(this=self.predicate(condition), true=value)])

        if name == "count":
            return exp.Count(this=exp.Star())
        if name == "countif":
            return self.sql(known.sql, self.predicate(args[0]))
        if name in ("arg_max", "arg_min"):
            by, shown = self.value(args[0]), self.value(args[1] if len(args) > 1 else args[0])
            if not self.mixed(args[0]):
                return self.word(name, by, shown)
            key = self.order_key(by)
            return self.of_one_kind(exp.Min(this=key), exp.Max(this=key.copy()), self.word(name, key.copy(), shown))
        if name == "take_any":
            return self.never_null(self.word("first", guarded(self.value(args[0]))), expr.type)
        if name == "percentile" and "percentile" in self.dialect.words and isinstance(args[1], e.Const):
            return self.word("percentile", guarded(self.number(args[0])), self.value(args[1]))
        if known.gathered:
            return self.gathered(known, args, guarded, expr)
        if name in meanings.OF_ARRAY and self.mixed(args[0]):
            values = self.collected(guarded(self.value(args[0])))
            return self.python(f"{name}_of_array", meanings.OF_ARRAY[name], (Type.DYNAMIC,), Type.DYNAMIC, (values,))
        number = name not in ("min", "max", "dcount", "count_distinct")
        value = guarded(self.number(args[0]) if number else self.value(args[0]))
        if name == "avg":
            return self.average(value, args[0].type)
        template = known.sql or (known.duckdb if self.dialect.name == "duckdb" else None)
        if template is None:
            raise EngineError(f"the aggregate {name}() is known but not supported by the engine", expr.span)
        rest = [self.number(a) for a in args[1:]] if number else []
        found = self.sql(template, value, *rest)
        if name == "sum" and args[0].type in (*_WHOLE, Type.TIMESPAN):
            found = self.cast(found, Type.LONG)
        return self.never_null(found, expr.type)

    def average(self, value: exp.Expr, kind: Type) -> exp.Expr:
        if kind == Type.TIMESPAN:
            return self.cast(self.sql("ROUND(AVG($1))", value), Type.LONG)
        if kind == Type.DATETIME:
            if self.dialect.ticks:
                return self.moment_of_ticks(self.cast(self.sql("ROUND(AVG($1))", self.ticks(value)), Type.LONG))
            return self.word("moment", self.cast(self.sql("ROUND(AVG($1))", self.word("micros", value)), Type.LONG))
        return self.sql("COALESCE(AVG($1), CAST('nan' AS DOUBLE))", value)

    def gathered(self, known: Any, args: tuple[e.Expr, ...], guarded: Callable[[exp.Expr], exp.Expr], expr: e.Apply) -> exp.Expr:
        """An aggregate in Python: its values gathered into one JSON array, in the order of the rows where they have one."""
        lead = 2 if known.paired else 1
        subject = args[0]
        element = self.dynamic(subject) if lead == 1 else self.array(args[:lead])
        if not known.nulls:
            missing = self.value(subject)
            kept = exp.Not(this=exp.Is(this=missing, expression=exp.Null()))
            element = exp.Case(ifs=[exp.If(this=kept, true=element)])
        else:
            element = exp.Coalesce(this=element, expressions=[exp.Literal.string("null")])
        element = guarded(element)
        ordered: exp.Expr = (
            exp.Order(this=element, expressions=[o.copy() for o in self.order]) if self.order and self.dialect.name == "duckdb" else element
        )
        text = self.collected(ordered)
        if known.name == "make_list" and len(args) == 1 and subject.type not in (Type.DYNAMIC, Type.UNKNOWN):
            return text
        signature = overload(known, [a.type for a in args])
        rest = [self.argument(a, signature.kind(i, [a.type for a in args])) for i, a in enumerate(args[lead:], lead)]
        result = Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type
        return self.python(
            known.name, known.python, (Type.DYNAMIC, *(k for _, k in rest)), result, (text, *(v for v, _ in rest)), nulls=False
        )

    def collected(self, element: exp.Expr) -> exp.Expr:
        """The dynamic values of a group's rows as one array."""
        return self.sql("'[' || COALESCE($1, '') || ']'", exp.GroupConcat(this=element, separator=exp.Literal.string(",")))

    _special: ClassVar[dict[str, Callable[[Scalars, e.Apply], exp.Expr]]] = {
        "==": _equal, "<": _ordered, "<=": _ordered, ">": _ordered, ">=": _ordered, "=~": _same_text, "and": _junction, "or": _junction,
        "not": _negation, "between": _between, "in": _member, "in~": _member, "has_any": _has_list, "has_all": _has_list,
        "matches regex": _matches, "matches regex~": _matches, "cidr": _cidr, "strcat": _strcat, "isempty": _is_empty, "isnotempty": _is_empty, "isnull": _is_null, "isnotnull": _is_null,
        "iff": _choice, "case": _choice, "coalesce": _coalesce, "max_of": _extreme, "min_of": _extreme, "+": _sum, "-": _sum, "*": _product,
        "/": _quotient, "%": _modulo, "neg": _minus, "bin": _bin, "bin_at": _bin, "startofday": _start_of_day, "dayofweek": _day_of_week,
        "now": _now, "ago": _now, "around": _around, "round": _round, "hash": _hash, "hash_xxhash64": _hash, "gettype": _type_name, "tohex": _tohex, "estimate_data_size": _data_size, "rand": _random, "new_guid": _random, "range": _range, "pack_array": _array_of,
        "bag_pack": _bag, "bag_pack_filled": _filled_bag, "parse_json": _parse_json, "[]": _element, "extract": _extract,
        "extract_json": _extract_json,
        **dict.fromkeys(("tostring", "toint", "tolong", "todouble", "todecimal", "tobool", "todatetime", "totimespan", "toguid"), _conversion),
        **dict.fromkeys(("has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs"), _has),
        **dict.fromkeys(("contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs"), _contains),
    }  # fmt: skip


_PATTERNS: dict[str, Callable[[Node], str]] = {"duckdb": re2, "spark": java, "databricks": java}
"""What writes a regular expression for a dialect; the others get it as KQL has it."""

_LETTERS = {
    Type.BOOL: "b", Type.INT: "i", Type.LONG: "l", Type.REAL: "r", Type.DECIMAL: "m", Type.STRING: "s", Type.DATETIME: "t", Type.TIMESPAN: "p",
    Type.GUID: "g", Type.DYNAMIC: "d", Type.UNKNOWN: "d",
}  # fmt: skip


_PRIMITIVES: dict[str, tuple[Callable[..., Any], tuple[Type, ...] | None, Type, bool]] = {
    "array_of": (meanings.list_of, None, Type.DYNAMIC, True),
    "json": (meanings.quoted, (Type.STRING,), Type.DYNAMIC, False),
    "unquoted": (meanings.unquoted, (Type.DYNAMIC,), Type.STRING, False),
    "json_type": (meanings.json_type, (Type.DYNAMIC,), Type.STRING, False),
}
"""What a dialect that runs Python but lacks the word calls instead: the function, its types, and whether it takes nulls."""

_UNKNOWN = object()


def _literal(expr: e.Expr) -> Any:
    """The value of an expression of literals, ``_UNKNOWN`` where it is none."""
    match expr:
        case e.Const(type=Type.DATETIME | Type.TIMESPAN | Type.DECIMAL | Type.GUID):
            return _UNKNOWN
        case e.Const(value=value):
            return value
        case e.Items(items=items):
            values = [_literal(i) for i in items]
            return _UNKNOWN if any(v is _UNKNOWN for v in values) else values
        case e.Apply(function="bag_pack", args=args):
            values = [_literal(a) for a in args]
            return _UNKNOWN if any(v is _UNKNOWN for v in values) else dict(zip(values[::2], values[1::2], strict=False))
    return _UNKNOWN


def _dynamic_as_real(expr: e.Expr) -> Type:
    return Type.REAL if expr.type in (Type.DYNAMIC, Type.UNKNOWN, Type.DECIMAL) else expr.type


def _json_path(steps: tuple[str | int, ...]) -> str | None:
    """Steps as a JSON path; None where a name cannot stand in one."""
    out = "$"
    for step in steps:
        if isinstance(step, int):
            out += f"[{step}]" if step >= 0 else f"[#{step}]"
        elif '"' in step or "\\" in step:
            return None
        else:
            out += f'."{step}"'
    return out
