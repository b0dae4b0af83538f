"""What the syntax of an operator says besides its operands: words, constants, conditions side by side, and its own name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from translator.kql import syntax as s
from translator.kql.errors import suggestion
from translator.plan import expressions as e
from translator.plan.binder.context import Context
from translator.plan.binder.problems import BindError, Problem


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


_JOINS = (
    "inner", "innerunique", "leftouter", "rightouter", "fullouter", "leftanti", "anti", "rightanti", "leftantisemi", "rightantisemi",
    "leftsemi", "rightsemi",
)  # fmt: skip
_STRATEGIES = ("auto", "broadcast", "centralized", "shuffle")
_SIDES = ("auto", "left", "local", "right", "unresolved")
_WORDS: Mapping[type[s.Node], Mapping[str, Sequence[str]]] = {
    s.Join: {"kind": _JOINS, "hint.strategy": _STRATEGIES, "hint.remote": _SIDES},
    s.Lookup: {"kind": ("inner", "leftouter")},
    s.Union: {"kind": ("inner", "outer")},
    s.Parse: {"kind": ("simple", "regex", "relaxed")},
    s.MvExpand: {"kind": ("bag", "array"), "bagexpansion": ("bag", "array")},
    s.MakeSeries: {"kind": ("nonempty",)},
    s.Search: {"kind": ("default", "case_insensitive", "case_sensitive")},
    s.Reduce: {"kind": ("source",)},
    s.Summarize: {"hint.strategy": ("shuffle",)},
    s.Distinct: {"hint.strategy": _STRATEGIES},
}
"""The words that parameters of operators may be, as they are written. Source: what Kusto.Language 12.4.1 refuses."""


def check_words(ctx: Context, node: s.Node) -> None:
    """Words of parameters that are none that the operator has."""
    allowed = _WORDS.get(type(node), {})
    for parameter in getattr(node, "parameters", ()) if allowed else ():
        words, value = allowed.get(parameter.name, ()), parameter.value
        if words and not (isinstance(value, s.NameReference) and value.name in words):
            given = str(word(value))
            hint = suggestion(given, words) or f": there are {', '.join(words)}"
            ctx.problem(Problem("binding", value.span, f"{operator_name(node)} has no {parameter.name} {given!r}{hint}"))


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
