"""Conditions on a text by functions that cut it or look for something in it, and functions of constant texts.

Source: learn.microsoft.com/kusto/query/substring-function, indexof-function, countof-function.
"""

from __future__ import annotations

from math import inf

from translator.plan.conditions import ORDERS
from translator.plan.expressions import (
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Path,
    conjunction,
    const,
    disjunction,
    items_of,
    negation,
)
from translator.plan.functions.values import finds_nothing_in_empty
from translator.plan.types import Type

_SPECIAL = frozenset("\\^$.|?*+()[]{}-")

MAX_LENGTH = 1000
"""Beyond this many repeats regular expressions are refused by some engines."""

OF_NUMBERS = ORDERS | {"=="}
"""What compares a number with a constant, and can be answered by a pattern."""


def literally(text: str) -> str:
    """A regular expression of this text alone."""
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in text)


def is_text(expr: Expr) -> bool:
    """Whether a function of text reads a text: what it is given of a column that the catalog does not know must be one."""
    return expr.type == Type.STRING or (expr.type == Type.UNKNOWN and isinstance(expr, ColumnRef))


def cut(expr: Expr) -> Expr:
    """``substring(x, 0, 3) == "abc"`` is that x starts with it; what is shorter than asked for is all that is left of x."""
    match expr:
        case Apply(
            function="==" | "=~" | "in" | "in~" as function,
            args=(Apply(function="substring", args=(source, Const(value=int(start)), *length)), operand),
        ) if is_text(source) and 0 <= start <= MAX_LENGTH:
            pass
        case _:
            return expr
    items = items_of(operand)
    texts = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, str) and i.value]
    counts = [n.value for n in length if isinstance(n, Const) and isinstance(n.value, int) and n.value > 0]
    if len(texts) != len(items) or len(counts) != len(length):
        return expr
    caseless = function in ("=~", "in~")
    found: list[Expr] = []
    for text in texts:
        if counts and len(text) > counts[0]:
            continue
        whole = not counts or len(text) < counts[0]
        if start == 0:
            name = ("=~" if caseless else "==") if whole else ("startswith" if caseless else "startswith_cs")
            found.append(Apply(expr.span, Type.BOOL, name, (source, const(text))))
        elif text.isprintable():
            regex = f"^[\\s\\S]{{{start}}}{literally(text)}{'$' if whole else ''}"
            found.append(Apply(expr.span, Type.BOOL, "matches regex~" if caseless else "matches regex", (source, const(regex))))
        else:
            return expr
    return disjunction(*found)


def located(expr: Expr) -> Expr:
    """``indexof(x, "a")`` compared with -1 or 0, and ``countof(x, "a")`` with 0, ask whether x contains or starts with "a"."""
    match expr:
        case Apply(
            function=operator,
            args=(Apply(function="indexof" | "countof" as function, args=(source, Const(value=str(text)))), Const(value=int(n))),
        ) if operator in OF_NUMBERS and text and is_text(source):
            pass
        case _:
            return expr
    contains = Apply(expr.span, Type.BOOL, "contains_cs", (source, const(text)))
    starts = Apply(expr.span, Type.BOOL, "startswith_cs", (source, const(text)))
    # The number is -1 where there is none, 0 at the start and more elsewhere; a count is 0 where there is none.
    kinds: tuple[tuple[Expr, float, float], ...] = ((negation(contains), 0, 0), (contains, 1, inf))
    if function == "indexof":
        kinds = ((negation(contains), -1, -1), (starts, 0, 0), (conjunction(contains, negation(starts)), 1, inf))
    found: list[Expr] = []
    for kind, least, most in kinds:
        holds = _of_all(operator, n, least, most)
        if holds is None:
            return expr
        if holds:
            found.append(kind)
    if len(found) == 2 and function == "indexof" and found[0] is starts:
        return contains
    return TRUE if len(found) == len(kinds) else disjunction(*found)


def _of_all(operator: str, n: int, least: float, most: float) -> bool | None:
    """Whether all numbers from ``least`` to ``most`` compare so with ``n``; None where only some do."""
    every, some = {
        "==": (least == n == most, least <= n <= most),
        "<": (most < n, least < n),
        "<=": (most <= n, least <= n),
        ">": (least > n, most > n),
        ">=": (least >= n, most >= n),
    }[operator]
    return True if every else None if some else False


def folded_constant(expr: Expr) -> Expr:
    """A function of constant texts as its value, where no rule of regular expressions decides it; else the expression as it is."""
    match expr:
        case Apply(function="tolower" | "toupper" as fold, args=(Const(value=str(text)),)):
            return const(text.lower() if fold == "tolower" else text.upper(), Type.STRING, expr.span)
        case Path(base=Const(value="" | None)):
            return const("", Type.STRING, expr.span)
        case Apply(function="replace", args=(Const(value=str(regex)), _, Const(value=""))) if _finds_nothing_in_empty(regex):
            return const("", Type.STRING, expr.span)
        case Apply(function="replace_regex", args=(Const(value=""), Const(value=str(regex)), _)) if _finds_nothing_in_empty(regex):
            return const("", Type.STRING, expr.span)
        case Apply(function="replace_regex", args=(Const(value=str(text)), Const(value=str(regex)), Const(value=str(by)))) if (
            regex and _OF_REGEXES.isdisjoint(regex) and "\\" not in by and "$" not in by
        ):
            return const(text.replace(regex, by), Type.STRING, expr.span)
    return expr


_OF_REGEXES = frozenset("\\.^$|?*+()[]{}")
"""What stands for something else in a regular expression. Source: RE2, "Syntax"."""


def _finds_nothing_in_empty(regex: str) -> bool:
    try:
        return finds_nothing_in_empty(regex)
    except ValueError:
        return False
