"""Functions of numbers.

Facts: "ES|QL math functions" (elastic.co/docs/reference/query-languages/esql/functions-operators/math-functions), a section a function.
What has no result, such as the root of a negative number, is null with a warning.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from translator.verify.esql.functions import Compiled, Function, Given, applied, cast_literal, constant, fitted, scalar
from translator.verify.esql.types import NUMBERS, TEXTS, Value, common
from translator.verify.reading import NotReadable, Row

WHOLE = NUMBERS[:3]
"""Types of whole numbers."""


def _double(name: str, run: Callable[[float], float]) -> tuple[str, Function]:
    """A function of one number that gives a double, and null where it has no result."""

    def checked(value: float) -> float | None:
        try:
            return run(float(value))
        except (ValueError, OverflowError, ZeroDivisionError):
            return None

    return scalar(f"{name}(number) double", checked)


def _rounded(value: float, digits: int) -> Value:
    """Half away from zero; of a double as it is multiplied by a power of 10 (Maths.java, round)."""
    if isinstance(value, int):
        if digits >= 0:
            return value
        if digits < -20:
            return 0
        unit = 10**-digits
        return int((Decimal(value) / unit).to_integral_value(ROUND_HALF_UP)) * unit
    try:
        scale = 10.0**digits
    except OverflowError:
        return value
    if not value or not scale:
        return 0.0
    scaled = abs(value * scale)
    if scaled >= 2.0**63:
        return value
    return math.copysign((math.floor(scaled) + (scaled % 1 >= 0.5)) / scale, value)


def _unchanged(given: Given) -> bool:
    """Whether a function leaves whole numbers as they are, several of them as well."""
    return len(given.args) == 1 and given.types[0] in WHOLE


def _round(given: Given) -> Compiled:
    fit, kind = fitted("ROUND(number, long?) same", given)
    if _unchanged(fit):
        return fit.args[0]
    return applied(fit, kind, lambda value, digits=0: _rounded(value, digits))


def _round_to(given: Given) -> Compiled:
    """The greatest of the points that is no greater than the value, or the least of all."""
    if len(given.args) < 2:
        raise given.rejected("has no points")
    nodes = given.nodes
    args = tuple(
        cast_literal(a, n, given.types[0]) if given.types[0] in ("date", "date_nanos") else a
        for a, n in zip(given.args, nodes, strict=True)
    )
    kind = args[0].type
    for arg in args[1:]:
        wider = common(kind, arg.type)
        if wider is None or (wider not in NUMBERS and wider != "date"):
            raise given.rejected(f"{kind} and {arg.type} do not go together")
        kind = wider
    points = sorted(a.value for a in args[1:] if a.constant and not isinstance(a.value, list | type(None)))
    if len(points) < len(args) - 1:
        raise given.rejected("the points have to be constant")
    return applied(
        Given(given.name, args[:1], nodes[:1], given.at, given.now),
        kind,
        lambda value: next((p for p in reversed(points) if p <= value), points[0]),
    )


def _power(base: float, exponent: float) -> float | None:
    try:
        found = math.pow(base, exponent)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return found


def _log(first: float, second: float | None = None) -> float | None:
    value, base = (first, None) if second is None else (second, first)
    if value <= 0 or (base is not None and (base <= 0 or base == 1)):
        return None
    return math.log(value) if base is None else math.log(value) / math.log(base)


def _whole(name: str, run: Callable[[float], int]) -> tuple[str, Function]:
    """FLOOR and CEIL, which leave whole numbers as they are and keep the type."""

    def function(given: Given) -> Compiled:
        fit, kind = fitted(f"{name}(number) same", given)
        return fit.args[0] if _unchanged(fit) else applied(fit, kind, lambda value: float(run(value)))

    return name, function


def _abs(given: Given) -> Compiled:
    fit, kind = fitted("ABS(number) same", given)
    return fit.args[0] if kind == "unsigned_long" else applied(fit, kind, abs)


def _number(name: str, value: float) -> tuple[str, Function]:
    def function(given: Given) -> Compiled:
        fitted(f"{name}() double", given)
        return constant("double", value)

    return name, function


def _clamped(least: bool | None) -> Function:
    """CLAMP_MIN, CLAMP_MAX, and CLAMP by both."""

    def function(given: Given) -> Compiled:
        fit, kind = fitted(f"{given.name}(any, any{', any' if least is None else ''}) same", given)
        for other in fit.types[1:]:
            found = common(kind, other)
            if found is None:
                raise given.rejected(f"{kind} and {other} do not go together")
            kind = found

        def run(value: Value, low: Value, high: Value = None) -> Value:
            if least is not None:
                return max(value, low) if least else min(value, low)
            return min(max(value, low), high)

        return applied(fit, kind, run)

    return function


def bucket_of_numbers(given: Given) -> Compiled:
    """BUCKET of numbers: buckets of a size, or the next size below a power of ten or its half that makes no more than so many."""
    if len(given.args) == 2:
        if given.types[1] in TEXTS:
            raise given.rejected("its size has to be a number")
        fit, kind = fitted("BUCKET(number, number) double", given)
        if not fit.args[1].constant:
            raise NotReadable("BUCKET of a size that is not constant", given.at)
        size = fit.args[1].value
        if not isinstance(size, int | float) or not size > 0:
            raise NotReadable("BUCKET of such a size", given.at)
    else:
        fit, kind = fitted("BUCKET(number, integer, number, number) double", given)
        buckets, start, end = (fit.literal(n) for n in (1, 2, 3))
        if any(v is None or isinstance(v, list) for v in (buckets, start, end)) or buckets < 1 or end <= start:
            raise NotReadable("BUCKET of numbers in such a range", given.at)
        exact = (end - start) / buckets
        power = 10.0 ** math.ceil(math.log10(exact))
        size = power / 2 if exact < power / 2 else power
    first = Given(given.name, fit.args[:1], fit.nodes[:1], given.at, given.now)
    return applied(first, kind, lambda value: math.floor(value / size) * size)


def negative(operand: Compiled) -> Compiled:
    """An operand with the other sign."""

    def of(row: Row) -> Value:
        value = operand.of(row)
        return None if value is None or isinstance(value, list) else -value

    return Compiled(operand.type, of, operand.constant)


FUNCTIONS: dict[str, Function] = dict(
    [
        ("ABS", _abs),
        _double("ACOS", math.acos),
        _double("ACOSH", math.acosh),
        _double("ASIN", math.asin),
        _double("ASINH", math.asinh),
        _double("ATAN", math.atan),
        _double("ATANH", math.atanh),
        scalar("ATAN2(number, number) double", lambda y, x: math.atan2(y, x)),
        _double(
            "CBRT",
            lambda v: (
                math.copysign(abs(v) ** (1 / 3), v)
                if round(abs(v) ** (1 / 3)) ** 3 != abs(v)
                else math.copysign(round(abs(v) ** (1 / 3)), v)
            ),
        ),
        _whole("CEIL", math.ceil),
        scalar("COPY_SIGN(number, number) same", lambda size, sign: type(size)(math.copysign(size, sign))),
        _double("COS", math.cos),
        _double("COSH", math.cosh),
        _number("E", math.e),
        _double("EXP", math.exp),
        _whole("FLOOR", math.floor),
        scalar("HYPOT(number, number) double", lambda a, b: math.hypot(a, b)),
        scalar("LOG(number, number?) double", _log),
        _double("LOG10", math.log10),
        _number("PI", math.pi),
        scalar("POW(number, number) double", _power),
        scalar("SCALB(number, long) double", lambda value, power: math.ldexp(value, power)),
        _double("SIGNUM", lambda v: float((v > 0) - (v < 0))),
        _double("SIN", math.sin),
        _double("SINH", math.sinh),
        _double("SQRT", math.sqrt),
        _double("TAN", math.tan),
        _double("TANH", math.tanh),
        _number("TAU", math.tau),
        ("ROUND", _round),
        ("ROUND_TO", _round_to),
        ("CLAMP", _clamped(None)),
        ("CLAMP_MIN", _clamped(True)),
        ("CLAMP_MAX", _clamped(False)),
    ]
)
