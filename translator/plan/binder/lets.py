"""Statements, and what is defined by them: lets, functions with their parameters, and patterns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.asim_functions import helper, refusal
from translator.plan.binder.context import Context
from translator.plan.binder.names import check_function, check_table, not_read
from translator.plan.binder.problems import BindError, Problem
from translator.plan.binder.scopes import TABULAR, Record, Scope, Table, subquery
from translator.plan.binder.sources import normalized, source_table, unsupported
from translator.plan.functions import CONVERSIONS
from translator.plan.normalized import parser_of
from translator.plan.rewriting import renewed
from translator.plan.types import Type, type_of


def declare(
    ctx: Context, statements: tuple[s.Node, ...], scope: Scope, parameters: Iterable[str] = ()
) -> tuple[Scope, s.Expression | None]:
    """The scope behind the statements of a query, and its tabular statement; None where it has none.

    Args:
        parameters: the names that a function of these statements has already.
    """
    last: s.Expression | None = None
    taken = set(parameters)
    for statement in statements:
        match statement:
            case s.Let(name=name, value=value):
                if name.value in taken:
                    ctx.problem(Problem("repeated-name", name.span, f"there is a let '{name.value}' already: give this one another name"))
                taken.add(name.value)
                outer, scope = scope, Scope(parent=scope)
                scope.lets[name.value] = (value, outer)
                ctx.declared.append((value, outer))
            case s.DeclareParameters(parameters=declared):
                scope = Scope(parent=scope)
                for parameter in declared:
                    named = parameter.name.value
                    taken.add(named)
                    if parameter.default is not None:
                        scope.lets[named] = (parameter.default, scope)
                    else:
                        scope.values[named] = e.Apply(parameter.span, type_of(str(parameter.type)), "parameter", (e.const(named),))
            case s.DeclarePattern(name=name):
                scope = Scope(parent=scope)
                scope.lets[name.value] = (statement, scope)
            case s.ExpressionStatement(expression=expression):
                last = expression
                if isinstance(last, s.Pipeline) and isinstance(final := last.operators[-1] if last.operators else None, s.GraphToTable):
                    given = {x.name.value: replace(final, outputs=(x,)) for x in final.outputs if x.name is not None}
                    scope = Scope(parent=scope) if given else scope
                    for output, operator in given.items():
                        scope.lets[output] = (replace(last, operators=(*last.operators[:-1], operator)), scope.parent or scope)
            case _:
                continue
    return scope, last


def check_declared(ctx: Context) -> None:
    """Names in what the result does not use: Kusto refuses a query with an unknown name in a let that nothing reads.

    A function is looked at as it was written too: of a table that is passed to it, its body sees no columns but the declared ones.
    Source: learn.microsoft.com/kusto/query/functions/user-defined-functions, "Input arguments", checked with the official binder.
    """
    for value, defined in ctx.declared:
        if id(value) in ctx.bound:
            continue
        ctx.bound.add(id(value))
        try:
            if isinstance(value, s.Function):
                _check_function_body(ctx, value, defined)
            elif isinstance(value, s.Expression):
                let_value(ctx, value, defined, value.span)
        except BindError:
            # What has no meaning yet is told where it is used; a name that is wrong is among the problems already.
            continue


def _check_function_body(ctx: Context, function: s.Function, defined: Scope) -> None:
    inner = Scope(parent=defined)
    for parameter in function.parameters:
        name, span = parameter.name.value, parameter.span
        if isinstance(parameter.type, s.RowSchema):
            columns = tuple(ctx.column(c.name.value, type_of(c.type)) for c in parameter.type.columns)
            inner.values[name] = Table(o.Rows(span, columns, ()), {c.name: c for c in columns})
        else:
            inner.values[name] = e.Apply(span, type_of(parameter.type), "parameter", (e.const(name),))
    inner, last = declare(ctx, function.body, inner, [p.name.value for p in function.parameters])
    if isinstance(last, TABULAR):
        ctx.table(last, inner)
    elif last is not None:
        ctx.expression(last, None, inner)


def named_table(ctx: Context, name: str, span: e.Span, scope: Scope) -> Table:
    """What a name is where a table is asked for: that of a ``let``, else a source table."""
    found = scope.find(name)
    if found is None and name not in ctx.schema and refusal(name):
        return called_table(ctx, s.Call(span, name, ()), scope)
    if found is None:
        check_table(ctx, name, span, scope)
        return source_table(ctx, name, span)
    if isinstance(found, Table):
        return instance(ctx, found, span)
    if isinstance(found, e.Expr | Record):
        raise BindError(f"'{name}' is a value, and a table is needed here", span)
    node, defined = found
    if isinstance(node, s.Function):
        return apply_function(ctx, name, node, (), defined, scope, span)
    ctx.use(span)
    ctx.bound.add(id(node))
    return ctx.table(node, defined)


def let_value(ctx: Context, node: s.Node, defined: Scope, span: e.Span) -> e.Expr:
    """The value of a ``let``, bound in the scope in which it was written."""
    ctx.use(span)
    ctx.bound.add(id(node))
    if isinstance(node, TABULAR) or (isinstance(node, s.TabularCall) and node.function != "toscalar"):
        return subquery(ctx.table(node, defined), span)
    return ctx.expression(node, None, defined)


def instance(ctx: Context, table: Table, span: e.Span) -> Table:
    """A relation that has a name, used once more: with sources and columns of its own, so that both uses can meet in a join."""
    ctx.use(span)
    parts = (table.relation, tuple(table.names.values()), tuple(c for c in table.hidden.values() if c is not None))
    found = list(o.parts(parts))
    sources = {x.id: next(ctx.ids) for x in (*found, *table.open_sources) if isinstance(x, o.Source)}
    columns = {x.id: ctx.twin(x, sources) for x in found if isinstance(x, e.Column)}
    for (name, column), (other, instead) in list(ctx.twins.items()):
        if column.id in columns and instead.id in columns:
            ctx.twins[name, columns[column.id]] = other, columns[instead.id]
    relation, open_sources, behind = renewed((table.relation, table.sources, table.behind), columns, sources)
    hidden = {n: columns[c.id] if c is not None else None for n, c in table.hidden.items()}
    return Table(relation, {n: columns[c.id] for n, c in table.names.items()}, open_sources, hidden=hidden, behind=behind)


def bind_arguments(
    ctx: Context, name: str, function: s.Function, given: tuple[s.Node, ...], defined: Scope, scope: Scope, span: e.Span,
    table: Table | None = None,
) -> tuple[Scope, s.Expression]:  # fmt: skip
    """The scope within a function of the query, with its parameters as what is given for them, and what it comes to."""
    ctx.use(span)
    inner = Scope(parent=defined)
    by_name = {a.names[0].value: a.value for a in given if isinstance(a, s.Named)}
    positional = iter([a for a in given if not isinstance(a, s.Named)])
    if len(given) > len(function.parameters):
        known = len(function.parameters)
        wanted = f"{known} argument{'s' * (known != 1)}" if known else "no arguments"
        ctx.problem(Problem("argument-count", span, f"{name}() takes {wanted}, and here are {len(given)}"))
    for parameter in function.parameters:
        argument = by_name.get(parameter.name.value) or next(positional, None) or parameter.default
        if argument is None:
            raise BindError(f"{name}() needs a value for '{parameter.name.value}'", span)
        if isinstance(parameter.type, s.RowSchema):
            inner.values[parameter.name.value] = ctx.table(argument, scope)
        else:
            inner.values[parameter.name.value] = _passed(ctx.expression(argument, table, scope), type_of(parameter.type))
    inner, last = declare(ctx, function.body, inner, [p.name.value for p in function.parameters])
    if last is None:
        raise BindError(f"{name}() has no result", function.span)
    return inner, last


def _passed(value: e.Expr, declared: Type) -> e.Expr:
    """An argument as a value of the type that its parameter has."""
    known = Type.UNKNOWN not in (declared, value.type) and declared in CONVERSIONS
    if not known or value.type == declared or {value.type, declared} == {Type.INT, Type.LONG} or isinstance(value, e.Subquery):
        return value
    return e.Apply(value.span, declared, CONVERSIONS[declared], (value,))


def apply_function(
    ctx: Context, name: str, function: s.Function, given: tuple[s.Node, ...], defined: Scope, scope: Scope, span: e.Span
) -> Table:
    """The table that a tabular function of the query gives, inlined."""
    inner, last = bind_arguments(ctx, name, function, given, defined, scope, span)
    return ctx.table(last, inner)


def meaning_of(call: s.Call, scope: Scope) -> tuple[s.Node, Scope] | e.Expr | Table | Record | None:
    """What the name of a call stands for: something of the query, else a helper function of ASIM's; None for any other."""
    found = scope.find(call.name)
    built_in = helper(call.name, call.span) if found is None else None
    return (built_in, Scope()) if built_in is not None else found


def called_table(ctx: Context, call: s.Call, scope: Scope, may_be_value: bool = False) -> Table:
    """The table that a call gives: a function of the query, a watchlist, a parser of the workspace.

    Args:
        may_be_value: whether a value would do at this place too, so that what is wrong with the name may be that of one.
    """
    found = meaning_of(call, scope)
    if isinstance(found, tuple) and isinstance(found[0], s.Function):
        return apply_function(ctx, call.name, found[0], call.arguments, found[1], scope, call.span)
    if isinstance(found, tuple) and isinstance(found[0], s.DeclarePattern):
        return of_pattern(ctx, found[0], found[1], call, None)
    if call.name == "_GetWatchlist" and call.arguments:
        alias = ctx.expression(call.arguments[0], None, scope)
        if isinstance(alias, e.Const) and isinstance(alias.value, str):
            source = ctx.unknown_source(call.span)
            return Table(o.External(call.span, "watchlist", alias.value, (), source), {}, (source,))
    if found is None and (parser := parser_of(call.name)) is not None:
        return normalized(ctx, parser, call.arguments, call.span, scope)
    if not call.arguments and _is_let_of_table(found):
        # Microsoft's parser refuses the brackets (KS211); the service runs such queries: github.com/Azure/Azure-Sentinel/issues/921.
        told = f"{call.name} is a let and no function: write it without ()"
        ctx.problem(Problem("unknown-function", call.span, told, warns=True))
        return named_table(ctx, call.name, call.span, scope)
    check_function(ctx, call, scope, gives_table=not may_be_value)
    return unsupported(ctx, None, call, not_read(call.name))


def _is_let_of_table(found: object) -> bool:
    return isinstance(found, Table) or (isinstance(found, tuple) and isinstance(found[0], TABULAR))


def of_pattern(ctx: Context, pattern: s.DeclarePattern, defined: Scope, call: s.Call, path: str | None) -> Table:
    """What a pattern stands for. Source: learn.microsoft.com/kusto/query/pattern-statement."""
    ctx.use(call.span)
    given = [a.value if isinstance(a, s.Literal) else a for a in call.arguments]
    for rule in pattern.rules:
        if [a.value for a in rule.arguments] == given and (rule.path.value if rule.path is not None else None) == path:
            inner, last = declare(ctx, rule.body, defined)
            if last is not None:
                return ctx.table(last, inner)
    if ctx.closed is not None:
        raise BindError(f"the pattern {pattern.name.value} has nothing for these arguments", call.span)
    return unsupported(ctx, None, call, f"the pattern {pattern.name.value} has nothing for these arguments")
