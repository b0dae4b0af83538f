"""Items that become columns: their values, and their names where the query gives none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan.binder.context import Context
from translator.plan.binder.problems import Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.functions import find, overload, types_of
from translator.plan.naming import automatic_name, fresh, is_asked_for
from translator.plan.types import Type


def columns_of(ctx: Context, item: s.Node, name: str, table: Table | None, scope: Scope) -> list[tuple[str, e.Expr]]:
    """The columns of one item: most have one, a few functions give several."""
    value = item.value if isinstance(item, s.Named) else item
    expr = ctx.expression(value, table, scope)
    if (
        isinstance(expr, e.Subquery)
        and not expr.scalar
        and isinstance(value, s.NameReference | s.Call)
        and scope.find(value.name) is not None
    ):
        told = f"'{value.name}' is a table, and a value is needed here: toscalar(...) takes the first one of a table"
        ctx.problem(Problem("argument-type", value.span, told))
    given = [n.value for n in item.names] if isinstance(item, s.Named) else []
    while isinstance(value, s.Parenthesized):
        value = value.value
    function = find(value.name) if isinstance(value, s.Call) else None
    if function is None or function.kind == "aggregate" or not isinstance(value, s.Call) or not isinstance(expr, e.Apply):
        if isinstance(item, s.Named):
            check_several(ctx, item, 1)
        return [(name, expr)]
    if not function.takes(len(expr.args)):
        return [(name, expr)]
    result = overload(function, [a.type for a in expr.args]).result
    if result.startswith("("):
        parts = types_of(result)
        names = [f"{function.named or ''}{automatic_name(value.arguments[0])}_{n}" for n, _ in parts]
        exprs: list[e.Expr] = [
            e.Path(expr.span, kind, e.Apply(expr.span, Type.DYNAMIC, expr.function, expr.args), (i,)) for i, (_, kind) in enumerate(parts)
        ]
    elif function.named == "_sorted" and (arrays := [a for a, x in zip(value.arguments, expr.args, strict=True) if not _is_flag(a, x)])[1:]:
        names = [f"{automatic_name(a) or f'array{i}'}_sorted" for i, a in enumerate(arrays)]
        exprs = [e.Path(expr.span, Type.DYNAMIC, expr, (i,)) for i in range(len(arrays))]
    else:
        if isinstance(item, s.Named):
            check_several(ctx, item, 1)
        return [(name, expr)]
    if isinstance(item, s.Named):
        check_several(ctx, item, len(names))
        names = [*given[: len(names)], *names[len(given) :]]
    return list(zip(names, exprs, strict=True))


def _is_flag(argument: s.Node, bound: e.Expr) -> bool:
    """Whether an argument of a sorting function says where nulls stand, rather than to be an array."""
    return isinstance(argument, s.Literal) or (bound.type == Type.BOOL and not e.columns_of(bound))


def check_several(ctx: Context, item: s.Named, columns: int) -> None:
    """Names of the columns that one item has: not more of them than columns."""
    if len(item.names) > columns:
        few = f"has {columns} columns" if columns > 1 else "is one value: a name for each of its parts is given by itself, as in a = x[0]"
        ctx.problem(Problem("binding", item.names[columns].span, f"here are {len(item.names)} names, and what they are for {few}"))


def check_distinct_names(ctx: Context, items: Iterable[s.Node]) -> None:
    """Every column that the query names itself has a name of its own: two of one name are refused, where KQL would number its own."""
    seen = set[str]()
    for item in items:
        names = item.names if isinstance(item, s.Named) else ()
        named = [(n.value, n.span) for n in names] or ([(item.name, item.span)] if isinstance(item, s.NameReference) else [])
        for name, span in named:
            if name in seen:
                ctx.problem(Problem("repeated-name", span, f"there is a column '{name}' here already: give one of them another name"))
            seen.add(name)


def number_name(ctx: Context, item: s.Node, shown: Mapping[str, e.Column], scope: Scope) -> str:
    """The name of an item that has none: numbered over the whole query, without the numbers that name something already."""
    number = ctx.numbers.get(id(item), 1) + ctx.skipped
    while (name := f"Column{number}") in shown or scope.find(name) is not None:
        ctx.skipped += 1
        number += 1
    return name


def _found_name(ctx: Context, table: Table, item: s.Node, scope: Scope) -> str:
    """The name of the column that ``column_ifexists()`` finds; empty where it finds none, which takes a number."""
    if not isinstance(item, s.Call) or not is_asked_for(item):
        return ""
    match ctx.expression(item.arguments[0], table, scope), ctx.expression(item, table, scope):
        case e.Const(value=str(wanted)), e.ColumnRef(column=column) | e.Apply(args=(e.ColumnRef(column=column), *_)):
            if wanted == column.name:
                return wanted
    return ""


def named_items(
    ctx: Context, table: Table, items: tuple[s.Node, ...], scope: Scope, fresh_names: bool = True, all_fresh: bool = False
) -> list[tuple[str, e.Expr]]:
    """Names and meanings of items.

    With ``fresh_names``, an item whose name is taken gets a number behind it; a column under another name takes the place instead.
    """
    found: list[tuple[str, e.Expr]] = []
    for item in items:
        if isinstance(item, s.Named):
            numbers = fresh_names and not isinstance(item.value, s.NameReference)
            for one, expr in columns_of(ctx, item, item.names[0].value, table, scope):
                found.append((fresh(one, [n for n, _ in found]) if numbers else one, expr))
            continue
        if not (name := automatic_name(item) or _found_name(ctx, table, item, scope)):
            name = number_name(ctx, item, {} if fresh_names else table.names, scope)
            ctx.skipped += is_asked_for(item)
        for index, (one, expr) in enumerate(columns_of(ctx, item, name, table, scope)):
            plain = not isinstance(item, s.Call) and isinstance(expr, e.ColumnRef) and any(n == one and x == expr for n, x in found)
            found.append((fresh(one, [n for n, _ in found]) if (fresh_names or index) and not plain else one, expr))
    return found
