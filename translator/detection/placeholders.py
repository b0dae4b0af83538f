"""Operands that stand for a list kept outside of the logs."""

from __future__ import annotations

from collections.abc import Iterator

from translator.plan.expressions import FALSE, Apply, Const, Expr, const, walk
from translator.plan.text_parts import last_part
from translator.plan.types import Type


def placeholder(expr: Expr) -> Expr:
    """A placeholder's operand without what only fixes its case; the empty text is not in the list."""
    match expr:
        case Apply(function="expand" | "expand_cs", args=(Apply(function="tolower" | "toupper", args=(inner,)), name)):
            return Apply(expr.span, Type.BOOL, "expand", (inner, name))
        case Apply(function="expand" | "expand_cs" as function, args=(subject, Const(value=name))) if (
            last := last_part(subject)
        ) is not None:
            source, mark = last
            return Apply(expr.span, Type.BOOL, f"{function}_last", (source, const(name), const(mark)))
        case Apply(function="expand" | "expand_cs", args=(Const(value=""), _)):
            return FALSE
        case _:
            return expr


_CASES = {"tolower": "lower", "toupper": "upper"}


def in_one_case(expr: Expr) -> Iterator[tuple[str, str]]:
    """Lists that a condition compares, with case, with texts of one case: their names, and ``lower`` or ``upper``.

    Values in another case are never met there. The output ignores case, so that they are to be left out of the list.
    """
    for node in walk(expr):
        match node:
            case Apply(function="expand_cs", args=(Apply(function="tolower" | "toupper" as case), Const(value=name))):
                yield str(name), _CASES[case]
