"""What the syntax of an operator says besides its operands: words, constants, conditions side by side, and its own name."""

from __future__ import annotations

import re
from collections.abc import Iterable

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan.binder.problems import BindError


def words(parameters: Iterable[s.Parameter]) -> dict[str, str | None]:
    """What parameters of an operator say, by their names."""
    return {p.name: word(p.value) for p in parameters}


def word(value: s.Expression | None) -> str | None:
    """The word that a parameter has, as ``inner`` in ``kind=inner``; None where it is no word."""
    match value:
        case s.NameReference(name=name):
            return name
        case s.Literal(value=text):
            return str(text)
        case _:
            return None


def constant(value: e.Expr | None, otherwise: str) -> object:
    """The value of a constant; ``otherwise`` where none is given."""
    if value is None:
        return otherwise
    if not isinstance(value, e.Const):
        raise BindError("a constant is needed here", value.span)
    return value.value


def flat_conditions(conditions: tuple[s.Expression, ...]) -> list[s.Expression]:
    """Conditions without their brackets, those that ``and`` joins one by one."""
    flat: list[s.Expression] = []
    for condition in conditions:
        while isinstance(condition, s.Parenthesized):
            condition = condition.value
        if isinstance(condition, s.Logical) and condition.operator == "and":
            flat.extend(flat_conditions(condition.operands))
        else:
            flat.append(condition)
    return flat


def operator_name(node: s.Node) -> str:
    """An operator's name as KQL writes it."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(node).__name__).lower()
    return str(getattr(node, "keyword", name))
