"""Names as columns, and names that are not there: errors, and warnings where a site may have what the documentation does not list."""

from __future__ import annotations

from translator.kql import syntax as s
from translator.kql.errors import suggestion
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.asim_functions import refusal
from translator.plan.binder.context import Context, is_of_logs
from translator.plan.binder.problems import Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.functions import declared, find
from translator.plan.naming import matches
from translator.plan.normalized import parser_names, parser_of
from translator.plan.types import Type

STANDARD_COLUMNS = frozenset(
    {"TenantId", "TimeGenerated", "_TimeReceived", "Type", "_ItemId", "_ResourceId", "_SubscriptionId", "_IsBillable", "_BilledSize"}
)
"""Columns of every table of a workspace: learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns."""

DOCUMENTED_FUNCTIONS = ("_GetWatchlist", "_GetWatchlistAlias", "FileProfile", "SeenBy", "AssignedIPAddresses", "DeviceFromIP")
"""Functions that give a table and that the products bring: learn.microsoft.com/azure/sentinel/watchlists-queries and
learn.microsoft.com/defender-xdr/advanced-hunting-fileprofile-function, with the pages beside it."""


def resolve(ctx: Context, table: Table | None, name: str) -> e.Column | None:
    """The column that a name stands for in a table; None where it has none of that name."""
    if table is None:
        return None
    if name in table.names:
        return table.names[name]
    if name in table.outer:
        return table.outer[name]
    if name in table.hidden:
        return table.hidden[name]
    if table.sources:
        # What the documentation of one side of a join does not list is a column of the other, of which nothing is known.
        source, *others = table.sources
        if _leaves_out(ctx, source, name):
            source = next((other for other in others if not ctx.documented((other,))), source)
        column = table.names[name] = ctx.stored_column(source, name)
        return column
    return None


def lacks(ctx: Context, table: Table, name: str) -> bool:
    """Whether a table has no column of a name that another one has: none that its documentation lists, and none that it was given."""
    if table.has(name) or not table.open_sources or not ctx.documented(table.open_sources):
        return False
    return _leaves_out(ctx, table.open_sources[0], name)


def _leaves_out(ctx: Context, source: o.Source, name: str) -> bool:
    """Whether the documentation of a table lists no column of a name that a site would have beside those."""
    if not ctx.documented((source,)) or name in STANDARD_COLUMNS or name in ctx.schema[source.table]:
        return False
    return not (is_of_logs(name) and ctx.has_logs(source.table))


def named_column(ctx: Context, table: Table, name: str, span: e.Span, scope: Scope) -> e.Column | None:
    """The column of a name that the query writes at this place."""
    if name in table.guessed or (name not in table.names and name not in table.outer and table.hidden.get(name) is None):
        check_column(ctx, table, name, span, scope)
    return resolve(ctx, table, name)


def unknown_column(name: str, span: e.Span) -> e.Expr:
    """What stands for a column that is not there, so that binding goes on."""
    return e.Apply(span, Type.UNKNOWN, "unknown-column", (e.const(name, span=span),))


def check_column(ctx: Context, table: Table, name: str, span: e.Span, scope: Scope) -> None:
    """A name that is no column that is known: an error where all columns are, or where only its case differs.

    A table of a site may have columns that its documentation does not list, and a custom one any.
    """
    shown, sources = [n for n in table.names if n not in table.guessed], table.open_sources
    table.guessed.discard(name)
    if table.hidden.get(name, ...) is None:
        parts = [n for n in shown if n.startswith(f"{name}_")]
        why = f"a union made {' and '.join(parts)} of it, by type" if parts else "an operator before took it away"
        ctx.problem(Problem("unknown-column", span, f"there is no column '{name}' here: {why}"))
    elif not sources:
        hint = suggestion(name, [*shown, *table.outer, *scope.names()])
        listing = f": there are {', '.join(shown)}" if 0 < len(shown) <= 12 and not hint else ""
        ctx.problem(Problem("unknown-column", span, f"there is no column '{name}' here{hint}{listing}"))
    elif not ctx.documented(sources):
        return
    elif (meant := {n.lower(): n for n in (*scope.names(), *shown)}.get(name.lower())) is not None:
        ctx.problem(Problem("unknown-column", span, f"there is no column '{name}' here, names have case: did you mean {meant}?"))
    elif ctx.warns and name not in STANDARD_COLUMNS and not (is_of_logs(name) and ctx.has_logs(sources[0].table)):
        message = f"the documentation of {sources[0].table} lists no column '{name}'{suggestion(name, [*shown, *scope.names()])}"
        ctx.problem(Problem("unlisted-column", span, message, warns=True))


def check_value(ctx: Context, node: s.Node, table: Table | None, scope: Scope, never: bool = False) -> None:
    """A name where there are no columns, or hardly one is meant: what nothing lists has to be a let.

    With ``never`` no column makes sense at all, of tables that nothing is known of neither.
    """
    if not isinstance(node, s.NameReference) or scope.find(node.name) is not None or node.name in ctx.schema:
        return
    shown: list[str] = []
    if table is not None:
        sources = table.open_sources
        if table.has(node.name) or node.name in STANDARD_COLUMNS or not sources:
            return
        if not never and not ctx.documented(sources):
            return
        shown = list(table.names)
    hint = suggestion(node.name, [*scope.names(), *shown])
    ctx.problem(Problem("unknown-name", node.span, f"there is no let '{node.name}'{' and no such column' if shown else ''}{hint}"))


def is_table(ctx: Context, node: s.Node, table: Table | None, scope: Scope) -> bool:
    """Whether a name means a documented table, as no column and no let has it."""
    if not isinstance(node, s.NameReference) or node.name not in ctx.schema or scope.find(node.name) is not None:
        return False
    return table is not None and not table.has(node.name)


def check_table(ctx: Context, name: str, span: e.Span, scope: Scope) -> None:
    """A table that nothing knows may be one of the site's, or a saved function; not where a name of the query is close."""
    if ctx.closed is not None or name in ctx.schema or parser_of(name) is not None:
        return
    lower = name.lower()
    message = f"there is no table '{name}'"
    if (meant := {n.lower(): n for n in (*scope.names(), *ctx.schema)}.get(lower)) is not None:
        ctx.problem(Problem("unknown-table", span, f"{message}, names have case: did you mean {meant}?", warns=ctx.fuzzy > 0))
    elif not lower.endswith("_cl") and (hint := suggestion(name, scope.names(), 0.8)):
        ctx.problem(Problem("unknown-table", span, f"{message}, and no let of this name{hint}", warns=ctx.fuzzy > 0))
    elif ctx.warns and not lower.endswith("_cl") and (hint := suggestion(name, ctx.schema, 0.88)):
        ctx.problem(Problem("unlisted-table", span, f"no table '{name}' is documented{hint}", warns=True))


def check_function(ctx: Context, call: s.Call, scope: Scope, gives_table: bool = False) -> None:
    """A function that neither KQL nor the query has is an error: what it does to the rows is not known, and nothing is right without it.

    Functions of ASIM's that are not read are in every workspace, and a part of ``union isfuzzy=true`` may be missing: warnings.

    Args:
        gives_table: whether a table is asked for here, which no function of values gives.
    """
    if call.name in DOCUMENTED_FUNCTIONS or (not gives_table and find(call.name) is not None):
        return
    own = [n for n in scope.names() if isinstance(x := scope.find(n), tuple) and isinstance(x[0], s.Function)]
    values = [] if gives_table else [f.name for f in declared() if f.kind in ("function", "aggregate")]
    hint = suggestion(call.name, values) or suggestion(call.name, [*own, *DOCUMENTED_FUNCTIONS, *parser_names()], 0.85)
    if refusal(call.name):
        ctx.problem(Problem("saved-function", call.span, not_read(call.name), warns=True))
    elif scope.find(call.name) is not None:
        ctx.problem(Problem("unknown-function", call.span, f"{call.name} is a let and no function: write it without ()"))
    elif hint:
        ctx.problem(Problem("unknown-function", call.span, f"there is no function {call.name}(){hint}", warns=ctx.fuzzy > 0))
    else:
        how = (
            ", nor in another file that is read: where the workspace has it saved, read it along with the rules"
            if ctx.closed is None
            else ""
        )
        ctx.problem(Problem("saved-function", call.span, not_read(call.name) + how, warns=ctx.fuzzy > 0))


def not_read(name: str) -> str:
    """Why a function is not read that the query does not define."""
    if told := refusal(name):
        return f"{name}() {told}"
    return f"the function {name}() is not {'supported yet' if name in DOCUMENTED_FUNCTIONS else 'defined in this query'}"


def check_pattern(ctx: Context, table: Table, pattern: s.Node) -> None:
    """A name with an asterisk that means no column: an error where all columns are known."""
    if isinstance(pattern, s.Wildcard) and not any(matches(pattern, n) for n in table.names):
        sources = table.open_sources
        if ctx.documented(sources):
            message = f"no column is like '{pattern.pattern}' here"
            ctx.problem(Problem("unlisted-column" if sources else "unknown-column", pattern.span, message, warns=bool(sources)))
