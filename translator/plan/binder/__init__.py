"""Syntax to plan: lets and user functions inlined, names resolved to columns, operators to relations."""

from __future__ import annotations

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder import expressions, operators, tables
from translator.plan.binder.calls import option
from translator.plan.binder.context import MAX_DEPTH, Context, Discover, Schema
from translator.plan.binder.lets import check_declared, declare
from translator.plan.binder.problems import BindError, Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.binder.sources import unsupported


def bind(query: s.Query, schema: Schema | None = None, closed: frozenset[str] | None = None, discover: Discover | None = None) -> o.Plan:
    """The plan of the last tabular expression of ``query``.

    Args:
        schema: column types by table.
        closed: the tables that there are, with their whole schemas: other names are no columns of theirs. None: any table may exist.
        discover: answers for plugins whose columns depend on the data.

    Raises:
        BindError: where the query has no result, a let has no meaning, or a name is no column or function; at the first such place.
    """
    binder = Binder(schema or {}, closed, discover)
    plan = binder.query(query)
    errors = [p for p in binder.problems.values() if not p.warns]
    if errors:
        first = min(errors, key=lambda p: p.span)
        raise BindError(first.message, first.span)
    return plan


def examine(query: s.Query, schema: Schema) -> tuple[o.Plan | None, list[Problem]]:
    """The plan of a query, where it has one, and all that is wrong with its names, or looks so, in the order of its text.

    Args:
        schema: column types by table.
    """
    binder, plan = Binder(schema, warns=True), None
    try:
        plan = binder.query(query)
    except BindError as error:
        binder.problem(Problem("binding", error.span or (0, 0), error.message))
    except RecursionError:
        binder.problem(Problem("binding", (0, 0), "this query nests too deeply to be bound"))
    return plan, sorted(binder.problems.values(), key=lambda p: p.span)


_SCOPE = "query_datetimescope_"
"""How the properties of a request begin that restrict its time (learn.microsoft.com/kusto/api/rest/request-properties)."""


class Binder(Context):
    """The parts of the binder as one: each reaches the others through it."""

    depth = 0

    def query(self, query: s.Query) -> o.Plan:
        """The plan of the last tabular expression of ``query``."""
        self.tree = query
        scope, last = declare(self, query.statements, Scope())
        if last is None:
            raise BindError("there is no query after the let statements", query.span)
        table = self.table(last, scope)
        if (most := option(self, "query_take_max_records")) is not None:
            table = table.over(o.Limit(query.span, table.relation, "take", most), table.names)
        for statement in query.statements:
            if isinstance(statement, s.SetOption) and statement.name.value.lower().startswith(_SCOPE):
                what = f"set {statement.name.value} decides what the query finds, and is not supported"
                table = unsupported(self, table, statement, what)
        check_declared(self)
        declared, names = dict(table.names), self.own_columns(table)
        for (twin, older), (name, newer) in self.twins.items():
            if declared.get(twin) == older and declared.get(name) == newer:
                declared |= {name: older, twin: newer}
        shown = tuple((table.doubled.get(n, n), c) for n, c in declared.items())
        return o.Plan(table.relation, tuple(names.items()), bool(table.sources), shown, tuple(self.elsewhere.items()))

    def table(self, node: s.Node, scope: Scope) -> Table:
        """The table that a tabular expression gives.

        Raises:
            BindError: where lets and functions call each other too deeply, or what the table is made of is wrong.
        """
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH * 4:
                raise BindError("lets and functions call each other too deeply", node.span)
            return tables.table(self, node, scope)
        finally:
            self.depth -= 1

    def operator(self, table: Table, node: s.Operator, scope: Scope) -> Table:
        """The table that an operator makes of ``table``."""
        return operators.operator(self, table, node, scope)

    def expression(self, node: s.Node, table: Table | None, scope: Scope) -> e.Expr:
        """A scalar expression over the columns of ``table``; without one it has the names of ``scope`` alone.

        Raises:
            BindError: where it nests too deeply, names what is not there, or has operands of wrong types.
        """
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH * 4:
                raise BindError("this expression nests too deeply", node.span)
            return expressions.expression(self, node, table, scope)
        finally:
            self.depth -= 1
