"""Tests of texts: parts, terms, regular expressions, networks."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.python import dynamics as python_dynamics
from translator.engine.scalars.comparisons import lowered
from translator.engine.scalars.context import OPEN, Functions, Values
from translator.engine.scalars.conversions import from_text, to_text
from translator.plan import expressions as e
from translator.plan.patterns import escaped, searched
from translator.plan.types import Type
from translator.regex.parser import RegexError, parse
from translator.regex.syntax import Node
from translator.regex.terms import BOUND, around
from translator.regex.writers import Inexpressible, java, kql, re2


def _contains(ctx: Values, expr: e.Apply) -> exp.Expr:
    base, cased = expr.function.removesuffix("_cs"), expr.function.endswith("_cs")
    word = {"contains": "contains", "startswith": "starts", "endswith": "ends"}[base]
    subject, search = expr.args
    if cased:
        return ctx.word(word, to_text(ctx, subject), to_text(ctx, search))
    return ctx.word(word, lowered(ctx, subject), lowered(ctx, search))


def _has(ctx: Values, expr: e.Apply) -> exp.Expr:
    subject, search = expr.args
    return term(ctx, expr.function, to_text(ctx, subject), search)


def term(ctx: Values, function: str, subject: exp.Expr, search: e.Expr) -> exp.Expr:
    """Whether a text has a term, by ``has``, ``hasprefix``, ``hassuffix`` and their like with case.

    Source: learn.microsoft.com/kusto/query/datatypes-string-operators, "What is a term?".
    """
    if not (isinstance(search, e.Const) and isinstance(search.value, str)):
        return ctx.declared(function, (Type.STRING, Type.STRING), Type.BOOL, (subject, to_text(ctx, search)))
    if not search.value:
        return exp.true()
    name = function.removesuffix("_cs")
    before, after = around(search.value, name == "hasprefix", name == "hassuffix")
    body = escaped(search.value)
    bounded = f"(?:^|{BOUND})" if before else ""
    closed = f"(?:$|{BOUND})" if after else ""
    flag = "(?s)" if function.endswith("_cs") else "(?is)"
    return ctx.word("matches", subject, exp.Literal.string(f"{flag}{bounded}{body}{closed}"))


def _has_list(ctx: Values, expr: e.Apply) -> exp.Expr:
    subject, items = expr.args
    assert isinstance(items, e.Items)
    join = exp.or_ if expr.function == "has_any" else exp.and_
    parts = []
    for item in items.items:
        if isinstance(item, e.Subquery) and not item.scalar and item.column is not None:
            parts.append(_has_in_table(ctx, subject, item, expr.function))
        elif item.type in OPEN:
            parts.append(_has_in_array(ctx, subject, item, expr.function))
        else:
            parts.append(term(ctx, "has", to_text(ctx, subject), item))
    return join(*parts) if parts else (exp.false() if expr.function == "has_any" else exp.true())


def _has_in_array(ctx: Values, subject: e.Expr, array: e.Expr, function: str) -> exp.Expr:
    """That a text has any, or all, of the elements of an array."""
    call = python_dynamics.has_any if function == "has_any" else python_dynamics.has_all
    return ctx.python(function, call, (Type.STRING, Type.DYNAMIC), Type.BOOL, (to_text(ctx, subject), ctx.value(array)))


def _has_in_table(ctx: Values, subject: e.Expr, item: e.Subquery, function: str) -> exp.Expr:
    assert item.column is not None
    reference, every = e.ColumnRef(None, item.column.type, item.column), function == "has_all"
    array = item.column.type == Type.DYNAMIC
    found = _has_in_array(ctx, subject, reference, function) if array else term(ctx, "has", to_text(ctx, subject), reference)
    condition = exp.Not(this=found) if every else found
    query = exp.select("1").from_(ctx.compile_relation(item.relation).subquery("q")).where(condition)
    exists: exp.Expr = exp.Exists(this=query)
    return exp.Not(this=exists) if every else exists


def _matches(ctx: Values, expr: e.Apply) -> exp.Expr:
    subject, regex = expr.args
    if expr.function == "matches regex~":
        regex = e.const(kql(searched(expr)))
    return matching(ctx, to_text(ctx, subject), regex)


def matching(ctx: Values, subject: exp.Expr, regex: e.Expr) -> exp.Expr:
    """That a regular expression of KQL finds something in a text."""
    spelled = _spelled(ctx, regex)
    if spelled is not None:
        return ctx.word("matches", subject, spelled)
    return ctx.declared("matches regex", (Type.STRING, Type.STRING), Type.BOOL, (subject, to_text(ctx, regex)), shown="matches_regex")


def captured(ctx: Values, regex: e.Expr, group: e.Expr, source: exp.Expr) -> exp.Expr:
    """What a group of a regular expression of KQL holds of the first place where it is found; empty or null where there is none."""
    plain = isinstance(group, e.Const) and isinstance(group.value, int) and group.value <= _MOST_GROUPS
    spelled = _spelled(ctx, regex) if plain and "group" in ctx.dialect.words else None
    if spelled is not None:
        return ctx.word("group", source, spelled, ctx.value(group))
    given = (to_text(ctx, regex), ctx.value(group), source)
    return ctx.declared("extract", (Type.STRING, Type.LONG, Type.STRING), Type.STRING, given)


_MOST_GROUPS = 9
"""Up to this one DuckDB's ``regexp_extract`` knows groups (duckdb.org/docs/stable/sql/functions/regular_expressions)."""


def _spelled(ctx: Values, regex: e.Expr) -> exp.Expr | None:
    """A regular expression of KQL in the dialect's own language; None where only the Python functions read it.

    Raises:
        EngineError: where it is none, or the dialect has neither words for it nor Python functions.
    """
    write = _PATTERNS.get(ctx.dialect.name)
    if write is None:
        return to_text(ctx, regex)
    if not (isinstance(regex, e.Const) and isinstance(regex.value, str)):
        return None if ctx.dialect.python else to_text(ctx, regex)
    try:
        return exp.Literal.string(write(parse(regex.value)))
    except RegexError as error:
        raise EngineError(f"{regex.value!r} is no regular expression: {error}", regex.span) from None
    except Inexpressible as error:
        if not ctx.dialect.python:
            raise EngineError(f"the regular expressions of {ctx.dialect.title} cannot say {error}", regex.span) from None
        return None


_PATTERNS: dict[str, Callable[[Node], str]] = {"duckdb": re2, "spark": java, "databricks": java}
"""What writes a regular expression for a dialect; the others get it as KQL has it."""


def _cidr(ctx: Values, expr: e.Apply) -> exp.Expr:
    found = ctx.declared(
        "ipv4_is_in_any_range",
        (Type.STRING, Type.DYNAMIC),
        Type.BOOL,
        (to_text(ctx, expr.args[0]), ctx.value(expr.args[1])),
    )
    return exp.Coalesce(this=found, expressions=[exp.false()])


def _strcat(ctx: Values, expr: e.Apply) -> exp.Expr:
    parts = [to_text(ctx, a) for a in expr.args]
    found = parts[0]
    for part in parts[1:]:
        found = exp.DPipe(this=found, expression=part, safe=True)
    return exp.paren(found, copy=False) if len(parts) > 1 else found


def _extract(ctx: Values, expr: e.Apply) -> exp.Expr:
    regex, group, source = expr.args[:3]
    found = ctx.never_null(captured(ctx, regex, group, to_text(ctx, source)), Type.STRING)
    return found if expr.type == Type.STRING else from_text(ctx, found, expr.type)


FUNCTIONS: Functions = {
    "has_any": _has_list,
    "has_all": _has_list,
    "matches regex": _matches,
    "matches regex~": _matches,
    "cidr": _cidr,
    "strcat": _strcat,
    "extract": _extract,
    **dict.fromkeys(("has", "has_cs", "hasprefix", "hasprefix_cs", "hassuffix", "hassuffix_cs"), _has),
    **dict.fromkeys(("contains", "contains_cs", "startswith", "startswith_cs", "endswith", "endswith_cs"), _contains),
}
