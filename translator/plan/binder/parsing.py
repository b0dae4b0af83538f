"""The operators parse and parse-kv, which read columns out of a text."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.calls import read_regex
from translator.plan.binder.context import Context
from translator.plan.binder.items import check_distinct_names
from translator.plan.binder.parameters import constant, words
from translator.plan.binder.problems import BindError, Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.binder.sources import unsupported_with
from translator.plan.naming import fresh
from translator.plan.patterns import regex_of
from translator.plan.types import Type, type_of
from translator.regex.parser import parse as parse_regex
from translator.regex.syntax import groups as regex_groups


def parse_text(ctx: Context, table: Table, node: s.Parse, scope: Scope) -> Table:
    """The table with a column for each name in the pattern of ``parse`` or ``parse-where``, whose texts are to be constants."""
    parameters = words(node.parameters)
    mode = parameters.get("kind") or "simple"
    check_distinct_names(ctx, [s.NameReference(p.name.span, p.name.value) for p in node.pattern if isinstance(p, s.Column)])
    _check_pattern(ctx, node)
    added: dict[str, e.Column] = {}
    pattern: list[str | e.Column | None] = []
    for part in node.pattern:
        match part:
            case s.Column(name=name, type=kind):
                added[name.value] = ctx.column(name.value, type_of(kind or "string"))
                pattern.append(added[name.value])
            case s.Literal(value=str(text), span=span):
                if mode == "regex":
                    read_regex(e.const(text, span=span))
                pattern.append(text)
            case s.Star():
                pattern.append(None)
            case _:
                value = ctx.expression(part, None, scope)
                if not (isinstance(value, e.Const) and isinstance(value.value, str)):
                    return unsupported_with(ctx, table, node, {n: c.type for n, c in added.items()})
                pattern.append(value.value)
    subject = ctx.expression(node.value, table, scope)
    relation = o.Parse(
        node.span, table.relation, subject, mode, parameters.get("flags") or "", tuple(pattern), node.keyword == "parse-where"
    )
    try:
        regex_of(relation)
    except ValueError as error:
        raise BindError(str(error), node.span) from None
    return parsed(ctx, table, relation, added)


def _check_pattern(ctx: Context, node: s.Parse) -> None:
    """Texts stand between what a pattern reads, or nothing would tell where a part of it ends."""
    for part, behind in itertools.pairwise(node.pattern):
        told = None
        match part, behind:
            case s.Column(), s.Column(name=name):
                told = f"a text goes before '{name.value}': nothing tells where the column before it ends"
            case s.Star(), s.Column() | s.Star():
                told = "a text goes behind *: nothing tells where it ends"
            case s.Column(name=name, type=kind), s.Star() if type_of(kind or "string") is Type.STRING:
                told = f"a text goes between '{name.value}' and *: nothing tells where the column ends"
        if told is not None:
            ctx.problem(Problem("binding", behind.span, told))


def parse_pairs(ctx: Context, table: Table, node: s.ParseKv, scope: Scope) -> Table:
    """The table with a column for each key that ``parse-kv`` names.

    Raises:
        BindError: for a property that there is not, marks of the wrong length, or a regular expression without its two groups.
    """
    added = {c.name.value: ctx.column(c.name.value, type_of(c.type or "string")) for c in node.schema.columns}
    given: dict[str, list[object]] = {}
    for property in node.properties:
        given.setdefault(property.name, []).append(constant(ctx.expression(property.value, None, scope), ""))
    unknown = set(given) - {"pair_delimiter", "kv_delimiter", "quote", "escape", "greedy", "regex"}
    if unknown:
        raise BindError(f"parse-kv has no property {min(unknown)}", node.span)
    pair, key, regex = (str(given.get(n, [""])[0]) for n in ("pair_delimiter", "kv_delimiter", "regex"))
    if bool(pair) != bool(key):
        reason = "parse-kv takes pair_delimiter and kv_delimiter together: what one of them alone means is not documented"
        if ctx.closed is not None:
            raise BindError(reason, node.span)
        return unsupported_with(ctx, table, node, {n: c.type for n, c in added.items()}, reason)
    quotes, escapes = (tuple(map(str, given.get(n, []))) for n in ("quote", "escape"))
    if any(len(q) not in (1, 2) for q in quotes) or any(len(x) != 1 for x in escapes):
        raise BindError("quote is one character or two, and escape is one", node.span)
    if regex:
        read_regex(e.const(regex, span=node.span))
        if regex_groups(parse_regex(regex)) != 2:
            raise BindError("the regular expression of parse-kv has two groups, for the key and the value", node.span)
    relation = o.ParsePairs(
        node.span, table.relation, ctx.expression(node.value, table, scope), tuple(added.values()), pair, key, quotes, escapes,
        given.get("greedy") == [True], regex,
    )  # fmt: skip
    return parsed(ctx, table, relation, added)


def parsed(ctx: Context, table: Table, relation: o.Relation, added: Mapping[str, e.Column]) -> Table:
    """A table with the columns that parse or scan makes. One that was there stays for the official binder, under a name of its own."""
    names, doubled = dict(table.names), dict(table.doubled)
    for name, column in added.items():
        if name in names and ctx.closed is None:
            twin, older = fresh(name, names), names[name]
            ctx.twins[twin, older] = (name, column)
            names[twin], doubled[twin] = older, name
        names[name] = column
    return replace(table.over(relation, names), doubled=doubled)
