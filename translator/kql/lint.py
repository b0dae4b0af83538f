"""Warnings: what is legal KQL and surely not what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from translator.kql import syntax as s

CODES = {
    "assignment-in-where": "an = in where names the predicate; == compares",
    "case-never-equal": "a value in one case compared, with case, to a literal in another",
    "join-without-kind": "a join whose kind is the default, innerunique",
}
"""Every warning by code, with what it is about."""

_CASE_SENSITIVE = frozenset({"==", "!=", "in", "!in", "contains_cs", "startswith_cs", "endswith_cs", "has_cs"})
_FOLDS = {"tolower": str.lower, "toupper": str.upper}


@dataclass(frozen=True, slots=True)
class Warning:
    """A warning at a span of the text."""

    code: str
    span: s.Span
    message: str
    hint: str


def warnings(tree: s.Query) -> Iterator[Warning]:
    """The warnings for a query, in the order of its text."""
    for node in s.walk(tree):
        match node:
            case s.Where(predicate=s.Named(names=names) as named):
                yield Warning(
                    "assignment-in-where",
                    named.span,
                    f"this names the predicate '{names[0].value}' and filters by the value on the right alone",
                    f"write {names[0].value} == ... to compare",
                )
            case s.Binary(operator=operator, left=left, right=right) if operator in _CASE_SENSITIVE:
                yield from _case(operator, left, (right,), node.span)
                yield from _case(operator, right, (left,), node.span)
            case s.Join(parameters=parameters) if not any(p.name == "kind" for p in parameters):
                yield Warning(
                    "join-without-kind",
                    node.span,
                    "a join without a kind is innerunique: of the rows on the left that share a key it keeps one, and drops the others",
                    "write kind=inner for every pair of rows, or kind=innerunique where one will do",
                )
            case s.Membership(operator=operator, left=left, values=values) if operator in _CASE_SENSITIVE:
                yield from _case(operator, left, values, node.span)


def _case(operator: str, value: s.Node, literals: tuple[s.Node, ...], span: s.Span) -> Iterator[Warning]:
    if not (isinstance(value, s.Call) and value.name in _FOLDS):
        return
    fold = _FOLDS[value.name]
    for literal in literals:
        if isinstance(literal, s.Literal) and isinstance(literal.value, str) and fold(literal.value) != literal.value:
            always = "always" if operator.startswith("!") else "never"
            yield Warning(
                "case-never-equal",
                literal.span,
                f"{value.name}() gives no text like {literal.text}: this is {always} true",
                f"write {fold(literal.value)!r}, or compare without case: =~, in~",
            )
