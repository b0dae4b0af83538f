"""Conditions on what a regular expression finds in a text, as conditions on the text.

Each rewrite is exact. Source: learn.microsoft.com/kusto/query/extract-function, re2.
"""

from __future__ import annotations

import functools

from translator.plan.expressions import (
    Apply,
    Const,
    Expr,
    const,
    disjunction,
    items_of,
    negation,
)
from translator.plan.functions.values import pattern
from translator.plan.texts import is_text
from translator.plan.types import Type
from translator.regex import syntax
from translator.regex.parser import parsed
from translator.regex.writers import case_of, kql, kql_without_case


def extracted(expr: Expr) -> Expr:
    """``isempty(extract(re, 1, x))`` is that x does not match, where the group has at least one character in every match."""
    match expr:
        case Apply(
            function="isempty",
            args=(Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), source)),),
        ) if is_text(source):
            if always_captures(regex, group):
                return negation(Apply(expr.span, Type.BOOL, "matches regex", (source, const(regex))))
    return expr


def always_captures(regex: str, group: int) -> bool:
    """Whether every match of ``regex`` captures at least one character in ``group``."""
    tree = parsed(regex)
    if tree is None:
        return False
    if group == 0:
        return syntax.least_width(tree) > 0

    def search(node: syntax.Node) -> bool:
        match node:
            case syntax.Group(inner, index):
                return syntax.least_width(inner) > 0 if index == group else search(inner)
            case syntax.Repeat(inner, 1, 1):
                return search(inner)
            case syntax.Concat(parts):
                return any(map(search, parts))
        return False

    return search(tree)


def greedy_suffix(expr: Expr) -> Expr:
    """``extract(".*\\.(.*)$", 1, x) == "exe"`` is that x ends with ".exe": of all endings the greedy start leaves the shortest."""
    match expr:
        case Apply(
            function="==" | "=~" | "in" | "in~" as function,
            args=(
                Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), source)),
                operand,
            ),
        ):
            pass
        case _:
            return expr
    items = items_of(operand)
    texts = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, str) and i.value and i.value.isprintable()]
    ending = _ending(regex, group)
    if ending is None or len(texts) != len(items):
        return expr
    before, middle, after = ending
    caseless = function in ("=~", "in~")
    if caseless and any(c.lower() != c.upper() for c in before + after):
        return expr
    endings = []
    for text in texts:
        whole = before + text + after
        if caseless and not _folds(middle, whole):
            return expr
        if not _is_all(middle, whole) or any(_is_all(middle, whole[n:]) for n in range(1, len(whole) + 1)):
            return expr
        endings.append(Apply(expr.span, Type.BOOL, "endswith" if caseless else "endswith_cs", (source, const(whole))))
    return disjunction(*endings)


def _folds(regex: str, whole: str) -> bool:
    """Whether a pattern treats upper and lower case of a text alike."""
    return all(_is_all(regex, w) for w in (whole, whole.lower(), whole.upper()))


def _is_all(regex: str, whole: str) -> bool:
    try:
        return pattern(regex).fullmatch(whole) is not None
    except ValueError:
        return False


def _ending(regex: str, group: int) -> tuple[str, str, str] | None:
    """What stands before and behind the group in a regular expression of a greedy start and an ending, and the ending's pattern."""
    match parsed(regex):
        case syntax.Concat((syntax.Repeat(syntax.Any(), 0, None, True), *middle, syntax.Anchor("end"))):
            pass
        case _:
            return None
    groups = [n for n, part in enumerate(middle) if isinstance(part, syntax.Group) and part.index == group]
    if len(groups) != 1:
        return None
    sides = middle[: groups[0]], middle[groups[0] + 1 :]
    texts = [[p.character for p in side if isinstance(p, syntax.Literal) and not p.caseless] for side in sides]
    if any(len(found) != len(side) for found, side in zip(texts, sides, strict=True)):
        return None
    before, after = map("".join, texts)
    return before, kql(syntax.concat(*middle)), after


def leading_flag(expr: Expr) -> Expr:
    """``x matches regex "(?i)a"`` is the operator that ignores case."""
    match expr:
        case Apply(function="matches regex" | "matches regex~", args=(subject, Const(value=str(regex)))) if "(?" in regex:
            if (plain := _without_leading_flag(regex)) is not None:
                return Apply(expr.span, expr.type, "matches regex~", (subject, const(plain)))
    return expr


@functools.lru_cache(maxsize=4096)
def _without_leading_flag(regex: str) -> str | None:
    """A pattern without the flag by which it ignores case; None where not all of it does."""
    tree = parsed(regex)
    return kql_without_case(tree) if tree is not None and case_of(tree) is True else None
