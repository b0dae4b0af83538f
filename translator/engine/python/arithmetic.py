"""Arithmetic on dynamic values, and the order in which they stand."""

from __future__ import annotations

import decimal
import math
import operator
import struct
from collections.abc import Callable
from typing import Any

from translator.engine.errors import EngineError
from translator.engine.python.conversions import number_of_value


def whole_number(value: Any) -> int | None:
    """A dynamic operand beside a long.

    Raises:
        EngineError: for a number with a fraction: KQL types the result long, and its pages do not say what becomes of the fraction.
    """
    found = number_of_value(value)
    if isinstance(found, float):
        raise EngineError(f"{found!r} in a dynamic value stands in arithmetic of whole numbers; todouble() or tolong() says what is meant")
    return found


def beside_whole(value: Any) -> str:
    """A number as decimal digits that compare with any long as it does: what is between two whole numbers as their middle."""
    found = number_of_value(value)
    if found is None or found != found:
        return ""
    limit = 1 << 64
    if not -limit < found < limit:
        return str(limit if found > 0 else -limit)
    return f"{math.floor(found)}" if found == math.floor(found) else f"{math.floor(found) * 10 + 5}e-1"


_DECIMAL = decimal.Context(prec=38)
"""The digits of what SQL keeps a decimal in."""


def decimal_product(a: str, b: str) -> str:
    """The product of two decimals as digits; both may be missing."""
    return f"{_DECIMAL.multiply(decimal.Decimal(a), decimal.Decimal(b)):f}" if a and b else ""


def decimal_quotient(a: str, b: str) -> str:
    """A decimal divided by another, as digits; both may be missing.

    Raises:
        EngineError: for a divisor of 0: a decimal is never infinite, and KQL's pages do not say what it is then.
    """
    if not a or not b:
        return ""
    if not (divisor := decimal.Decimal(b)):
        raise EngineError("a decimal is divided by 0, and what that gives is not documented: toreal() makes a number that can be infinite")
    return f"{_DECIMAL.divide(decimal.Decimal(a), divisor):f}"


def floor_of(value: Any) -> int | None:
    """The whole number below a dynamic value; None for one that is no finite number."""
    found = number_of_value(value)
    return None if found is None or not math.isfinite(found) else math.floor(found)


def _counted(call: Callable[..., int | float | None]) -> Callable[..., int | float | None]:
    """Arithmetic on numbers as that on dynamic values: null where one of them is no number."""

    def calculate(*values: Any) -> int | float | None:
        numbers = [number_of_value(v) if not isinstance(v, float) else v for v in values]
        if any(n is None for n in numbers):
            return None
        try:
            found = call(*numbers)
        except OverflowError:
            found = None
        if isinstance(found, int) and not -(1 << 63) <= found < 1 << 63:
            raise EngineError(f"Overflow: {found} does not fit into a long")
        return found

    return calculate


def _quotient(left: float, right: float) -> int | float | None:
    if isinstance(left, int) and isinstance(right, int):
        if right == 0:
            return None
        if left % right:
            raise EngineError(f"{left} / {right} in dynamic values is not a whole number; todouble() or tolong() says what is meant")
        return left // right
    if right == 0:
        return math.nan if left == 0 or left != left else math.copysign(math.inf, left)
    return left / right


ARITHMETIC: dict[str, Callable[..., int | float | None]] = {
    "+": _counted(operator.add), "-": _counted(operator.sub), "*": _counted(operator.mul), "/": _counted(_quotient),
    "%": _counted(lambda left, right: left % abs(right) if right else None), "neg": _counted(operator.neg),
}  # fmt: skip
"""The operators over dynamic values: whole numbers stay whole."""

_NUMBER, _TEXT, _TRUTH = "number", "text", "truth"

_KINDS: dict[type, str] = {bool: _TRUTH, int: _NUMBER, float: _NUMBER, str: _TEXT}


def order_of(left: Any, right: Any) -> int | None:
    """How two dynamic values stand to each other: below, at or above 0; null where they are not of one kind that has an order."""
    kind = _KINDS.get(type(left))
    if kind is None or kind != _KINDS.get(type(right)):
        return None
    return 0 if left == right else -1 if left < right else 1


def _ordered(values: list[Any]) -> list[Any]:
    """Values that have an order, without nulls.

    Raises:
        EngineError: where they are of several kinds, or arrays or bags: KQL's pages give them no order.
    """
    filled = [v for v in values if v is not None]
    kinds = {_KINDS.get(type(v), type(v).__name__) for v in filled}
    if len(kinds) > 1 or not kinds <= set(_KINDS.values()):
        names = " and ".join(sorted({"list": "array", "dict": "bag"}.get(k, k) for k in kinds))
        raise EngineError(f"dynamic values have no order where they are {names}; tolong(), tostring() and their like say what is compared")
    return filled


def greatest(*values: Any) -> Any:
    """The greatest of some dynamic values; None without any. Raises EngineError where they have no order."""
    return max(_ordered(list(values)), default=None)


def least(*values: Any) -> Any:
    """The least of some dynamic values; None without any. Raises EngineError where they have no order."""
    return min(_ordered(list(values)), default=None)


def order_key(value: Any) -> str:
    """A text in whose order values of a kind stand, the kind before it: numbers by the bits of the nearest real, then what is left."""
    (value,) = _ordered([value])
    if isinstance(value, str):
        return f"t{value}"
    if isinstance(value, bool):
        return f"b{int(value)}"
    real = float(value) + 0.0
    (bits,) = struct.unpack(">Q", struct.pack(">d", real))
    bits = bits ^ ((1 << 64) - 1) if bits >> 63 else bits | 1 << 63
    left = value - int(real) if isinstance(value, int) and abs(value) < 1 << 64 else 0
    return f"n{bits:016x}{left + (1 << 11):04x}"


def of_one_kind(least_key: str, greatest_key: str) -> bool:
    """That the keys of an order are of one kind.

    Raises:
        EngineError: where they are not.
    """
    names: dict[str, Any] = {"t": "", "b": True, "n": 0}
    _ordered([names[k[0]] for k in (least_key, greatest_key) if k])
    return True


def sum_of_array(values: list[Any]) -> int | float:
    """``sum`` over dynamic values: those that are no numbers count for nothing."""
    total: int | float = 0
    for number in map(number_of_value, values):
        total = total if number is None else ARITHMETIC["+"](total, number) or 0
    return total


OF_ARRAY: dict[str, Callable[[list[Any]], Any]] = {
    "sum": sum_of_array, "max": lambda values: greatest(*values), "min": lambda values: least(*values),
}  # fmt: skip
"""Aggregates over dynamic values."""
