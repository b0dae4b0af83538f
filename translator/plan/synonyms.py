"""Calls of functions that say what others say too, which more languages have words for."""

from __future__ import annotations

from translator.plan.constants import TICKS_OF
from translator.plan.expressions import Apply, Const, Expr, const, negation
from translator.plan.texts import is_text, literally
from translator.plan.types import Type

_PARTS = {
    "hour": "hourofday", "day": "dayofmonth", "dayofyear": "dayofyear", "month": "getmonth", "year": "getyear",
}  # fmt: skip


def moved_time(expr: Expr) -> Expr:
    """``datetime_add("day", 7, t)`` is ``t + 7d``: learn.microsoft.com/kusto/query/datetime-add-function."""
    match expr:
        case Apply(function="datetime_add", args=(Const(value=str(unit)), number, time)) if (
            unit.lower() in TICKS_OF and (count := known_number(number)) is not None
        ):
            span = Const(expr.span, Type.TIMESPAN, abs(count) * TICKS_OF[unit.lower()])
            return Apply(expr.span, Type.DATETIME, "-" if count < 0 else "+", (time, span))
    return expr


def part_of_time(expr: Expr) -> Expr:
    """``datetime_part("hour", t)`` is ``hourofday(t)``: learn.microsoft.com/kusto/query/datetime-part-function."""
    match expr:
        case Apply(function="datetime_part" | "datepart", args=(Const(value=str(part)), time)) if part.lower() in _PARTS:
            return Apply(expr.span, expr.type, _PARTS[part.lower()], (time,))
    return expr


def translated(expr: Expr) -> Expr:
    """``translate`` of known characters, one after the other where none comes of another that is still to be replaced.

    Source: learn.microsoft.com/kusto/query/translate-function: the last character stands for all that have none.
    """
    match expr:
        case Apply(function="translate", args=(Const(value=str(wanted)), Const(value=str(others)), source)) if is_text(source):
            pass
        case _:
            return expr
    if len({*wanted}) < len(wanted):
        return expr
    if not others:
        regex = f"[{''.join(map(literally, wanted))}]"
        return Apply(expr.span, Type.STRING, "replace_regex", (source, const(regex), const(""))) if wanted else source
    left = {old: (others[n:] or others[-1])[0] for n, old in enumerate(wanted)}
    made = source
    while left:
        old = next((o for o, new in left.items() if new == o or new not in left), None)
        if old is None:
            return expr
        new = left.pop(old)
        made = made if new == old else Apply(expr.span, Type.STRING, "replace_string", (made, const(old), const(new)))
    return made


def element_sought(expr: Expr) -> Expr:
    """``array_index_of(a, x) >= 0`` is ``set_has_element(a, x)``: learn.microsoft.com/kusto/query/array-index-of-function."""
    match expr:
        case Apply(function=operator, args=(Apply(function="array_index_of", args=(array, value)), bound)):
            sought = Apply(expr.span, Type.BOOL, "set_has_element", (array, value))
            match operator, known_number(bound):
                case (">=", 0) | (">", -1):
                    return sought
                case ("<", 0) | ("<=" | "==", -1):
                    return negation(sought)
    return expr


def compared_addresses(expr: Expr) -> Expr:
    """``ipv4_compare(a, "10.0.0.0", 8) == 0`` is ``ipv4_is_match`` of them: learn.microsoft.com/kusto/query/ipv4-compare-function."""
    match expr:
        case Apply(function="==", args=(Apply(function="ipv4_compare", args=args), Const(value=0))):
            return Apply(expr.span, Type.BOOL, "ipv4_is_match", args)
    return expr


def known_number(expr: Expr) -> int | None:
    """A whole number that is written in the query."""
    match expr:
        case Const(value=int(number), type=Type.INT | Type.LONG):
            return number
        case Apply(function="neg", args=(Const(value=int(number)),)):
            return -number
    return None
