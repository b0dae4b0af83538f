"""Syntax to plan: lets and user functions inlined, names resolved to columns, operators to relations."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from translator.kql import syntax as s
from translator.kql.errors import suggestion
from translator.kql.parser import parse
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.functions import canonical, common, declared, find, overload, plugins, result_type, types_of
from translator.plan.functions.windows import WINDOWS, WITHIN
from translator.plan.naming import automatic_name, fresh, like, matches, numbered
from translator.plan.normalized import MARK, Parser, parser_names, parser_of
from translator.plan.patterns import escaped, regex_of
from translator.plan.plugins import activity_counts
from translator.plan.timelines import TIMELINES
from translator.plan.types import Type, type_of
from translator.regex.parser import RegexError
from translator.regex.parser import parse as parse_regex
from translator.regex.syntax import groups as regex_groups

Schema: TypeAlias = Mapping[str, Mapping[str, str]]
"""Column types by table and column."""

STANDARD_COLUMNS = frozenset(
    {"TenantId", "TimeGenerated", "_TimeReceived", "Type", "_ItemId", "_ResourceId", "_SubscriptionId", "_IsBillable", "_BilledSize"}
)
"""Columns of every table of a workspace: learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns."""

DOCUMENTED_FUNCTIONS = ("_GetWatchlist", "_GetWatchlistAlias", "FileProfile", "SeenBy", "AssignedIPAddresses", "DeviceFromIP")
"""Functions that give a table and that the products bring: learn.microsoft.com/azure/sentinel/watchlists-queries and
learn.microsoft.com/defender-xdr/advanced-hunting-fileprofile-function, with the pages beside it."""

MAX_DEPTH = 60
"""How deeply lets and functions may call each other before the binder gives up."""

MAX_USES = 2_000
"""How often they may be used in all; queries that people write use them fewer than 1,000 times."""


class BindError(Exception):
    """The query cannot be given a meaning: an unknown function parameter, a recursion without end, ..."""

    def __init__(self, message: str, span: e.Span | None) -> None:
        super().__init__(message)
        self.message, self.span = message, span


PROBLEMS = {
    "binding": "the query has no meaning",
    "unknown-column": "a column that is not there, or that an operator before has taken away",
    "unknown-name": "a let that is not there",
    "unknown-table": "a table that is not there, with a name of the query or a documented one close to it",
    "unknown-function": "a function that is not there",
    "no-parts": "a part of a value that is no dynamic",
    "unlisted-column": "a column that the documentation of its table does not list",
    "unlisted-table": "a table that is not documented, with one close to it that is",
    "saved-function": "a function that the workspace has to have saved",
}
"""Every problem of names by code, with what it is about."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a name, or looks so: an error, or a warning where a site may have what the documentation does not list."""

    code: str
    span: e.Span
    message: str
    warns: bool = False


@dataclass
class _Table:
    """A relation under construction, with the names it shows."""

    relation: o.Relation
    names: dict[str, e.Column]
    sources: tuple[o.Source, ...] = ()
    """Open sources: a name that is not in ``names`` is a column of the first of them."""
    outer: dict[str, e.Column] = field(default_factory=dict)
    """Inside mv-apply: the columns of the row that is expanded."""
    row: e.Column | None = None
    """Inside mv-apply: the number of that row. What groups or limits does so for each row."""
    parts: tuple[o.Relation, e.Column] | None = None
    """Inside partition: the values of its column, a row each."""
    doubled: Mapping[str, str] = field(default_factory=dict)
    """Names that the official binder shows as others, until an operator tells equal names apart."""
    hidden: Mapping[str, e.Column | None] = field(default_factory=dict)
    """Names that an operator took away: None, or where a union told them apart by a type that is unknown the column that they may be."""
    behind: tuple[o.Source, ...] = ()
    """Open sources of which a summarize has carried along all columns: a name may be one of theirs, and the plan has no column for it."""
    guessed: set[str] = field(default_factory=set)
    """Names that are columns of an open union for no other reason than that they are read."""


@dataclass(frozen=True, slots=True)
class _Record:
    """Something whose parts are read by ``name.part``: a step of scan, a node or an edge of a graph.

    ``call`` is what a function of the whole means, None where it means nothing.
    """

    part: Callable[[str, e.Span], e.Expr]
    call: Callable[[s.Call], e.Expr | None] = lambda call: None
    type: Type = Type.UNKNOWN


@dataclass
class _Scope:
    """Lets and parameters by name. A let is bound where it is used, in the scope where it was written."""

    lets: dict[str, tuple[s.Node, _Scope]] = field(default_factory=dict)
    values: dict[str, e.Expr | _Table | _Record] = field(default_factory=dict)
    parent: _Scope | None = None

    def names(self) -> list[str]:
        """All that is named here, the nearest first."""
        found: list[str] = []
        scope: _Scope | None = self
        while scope is not None:
            found += [*scope.values, *scope.lets]
            scope = scope.parent
        return found

    def find(self, name: str) -> tuple[s.Node, _Scope] | e.Expr | _Table | _Record | None:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            if name in scope.lets:
                return scope.lets[name]
            scope = scope.parent
        return None


_TABULAR = (
    s.Pipeline | s.Datatable | s.ExternalData | s.Union | s.Search | s.Find | s.Print | s.Range | s.Evaluate | s.MacroExpand
    | s.ContextualDatatable | s.MaterializedViewCombine | s.ScopedName
)  # fmt: skip


_NOT_IN_PARTS = (
    s.Union | s.GetSchema | s.Evaluate | s.Find | s.Partition | s.PartitionBy | s.TopNested | s.TopHitters | s.Reduce | s.MakeGraph | s.Fork
    | s.Facet | s.Invoke
)  # fmt: skip
"""Operators that would see the rows of all parts as one inside ``partition`` and ``mv-apply``."""


@functools.cache
def _condition(text: str) -> s.Expression:
    """The syntax of a condition."""
    (statement,) = parse(f"T | where {text}").statements
    assert isinstance(statement, s.ExpressionStatement) and isinstance(statement.expression, s.Pipeline)
    (where,) = statement.expression.operators
    assert isinstance(where, s.Where) and isinstance(where.predicate, s.Expression)
    return where.predicate


_PIVOTED = {
    "count": "countif", "make_bag": "make_bag_if", "make_list": "make_list_if", "make_set": "make_set_if",
    **{name: f"{name}if" for name in ("min", "max", "take_any", "sum", "dcount", "avg", "stdev", "variance")},
}  # fmt: skip
"""The aggregates that pivot takes, with those of the rows of one value."""

Discover: TypeAlias = Callable[[o.Relation, str, tuple[e.Expr, ...]], list[tuple[str, Type]]]
"""The columns that a plugin makes of the values it meets: only who runs the query can tell."""


def bind(query: s.Query, schema: Schema | None = None, closed: frozenset[str] | None = None, discover: Discover | None = None) -> o.Plan:
    """The plan of the last tabular expression of ``query``.

    Args:
        schema: column types by table.
        closed: the tables that there are, with their whole schemas: other names are no columns of theirs. None: any table may exist.
        discover: answers for plugins whose columns depend on the data.

    Raises:
        BindError: where the query has no result, a let has no meaning, or a name is no column or function; at the first such place.
    """
    binder = _Binder(schema or {}, closed, discover)
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
    binder, plan = _Binder(schema, warns=True), None
    try:
        plan = binder.query(query)
    except BindError as error:
        binder.problem(Problem("binding", error.span or (0, 0), error.message))
    except RecursionError:
        binder.problem(Problem("binding", (0, 0), "this query nests too deeply to be bound"))
    return plan, sorted(binder.problems.values(), key=lambda p: p.span)


class _Binder:
    """``warns`` looks for what may be wrong too, beside what is."""

    def __init__(self, schema: Schema, closed: frozenset[str] | None = None, discover: Discover | None = None, warns: bool = False) -> None:
        self.schema, self.closed, self.discover, self.warns = schema, closed, discover, warns
        self.ids = itertools.count()
        self.stored: dict[tuple[int, str], e.Column] = {}
        self.tree: s.Query | None = None
        self.problems: dict[e.Span, Problem] = {}
        self.twins: dict[tuple[str, e.Column], tuple[str, e.Column]] = {}
        self.depth = self.uses = self.skipped = self.fuzzy = 0
        self.declared: list[tuple[s.Node, _Scope]] = []
        self.bound = set[int]()

    @functools.cached_property
    def numbers(self) -> Mapping[int, int]:
        """The numbers of items without a name, by the identity of their syntax."""
        return numbered(self.tree) if self.tree is not None else {}

    # --- names that are not there

    def problem(self, problem: Problem) -> None:
        """Takes note of a problem: one at a place, an error before a warning, however often a let or a function is used."""
        known = self.problems.get(problem.span)
        if known is None or (known.warns and not problem.warns):
            self.problems[problem.span] = problem

    def _check_column(self, table: _Table, name: str, span: e.Span, scope: _Scope) -> None:
        """A name that is no column that is known: an error where all columns are, or where only its case differs.

        A table of a site may have columns that its documentation does not list, and a custom one any.
        """
        shown, sources = [n for n in table.names if n not in table.guessed], (*table.sources, *table.behind)
        table.guessed.discard(name)
        if table.hidden.get(name, ...) is None:
            parts = [n for n in shown if n.startswith(f"{name}_")]
            why = f"a union made {' and '.join(parts)} of it, by type" if parts else "an operator before took it away"
            self.problem(Problem("unknown-column", span, f"there is no column '{name}' here: {why}"))
        elif not sources:
            known = suggestion(name, [*shown, *table.outer, *scope.names()])
            there = f": there are {', '.join(shown)}" if 0 < len(shown) <= 12 and not known else ""
            self.problem(Problem("unknown-column", span, f"there is no column '{name}' here{known}{there}"))
        elif not self._documented(sources):
            return
        elif (meant := {n.lower(): n for n in (*scope.names(), *shown)}.get(name.lower())) is not None:
            self.problem(Problem("unknown-column", span, f"there is no column '{name}' here, names have case: did you mean {meant}?"))
        elif self.warns and name not in STANDARD_COLUMNS and not (_of_logs(name) and any(map(_of_logs, self.schema[sources[0].table]))):
            told = f"the documentation of {sources[0].table} lists no column '{name}'{suggestion(name, [*shown, *scope.names()])}"
            self.problem(Problem("unlisted-column", span, told, warns=True))

    def _documented(self, sources: Sequence[o.Source]) -> bool:
        return all(source.table in self.schema for source in sources)

    def _check_value(self, node: s.Node, table: _Table | None, scope: _Scope, never: bool = False) -> None:
        """A name where there are no columns, or hardly one is meant: what nothing lists has to be a let.

        With ``never`` no column makes sense at all, of tables that nothing is known of neither.
        """
        if not isinstance(node, s.NameReference) or scope.find(node.name) is not None or node.name in self.schema:
            return
        shown: list[str] = []
        if table is not None:
            sources = (*table.sources, *table.behind)
            if self._has(table, node.name) or node.name in STANDARD_COLUMNS or not sources:
                return
            if not never and not self._documented(sources):
                return
            shown = list(table.names)
        close = suggestion(node.name, [*scope.names(), *shown])
        self.problem(Problem("unknown-name", node.span, f"there is no let '{node.name}'{' and no such column' if shown else ''}{close}"))

    def _has(self, table: _Table, name: str) -> bool:
        return any(name in names for names in (table.names, table.outer, table.hidden))

    def _is_table(self, node: s.Node, table: _Table | None, scope: _Scope) -> bool:
        """Whether a name means a documented table, as no column and no let has it."""
        if not isinstance(node, s.NameReference) or node.name not in self.schema or scope.find(node.name) is not None:
            return False
        return table is not None and not self._has(table, node.name)

    def _check_table(self, name: str, span: e.Span, scope: _Scope) -> None:
        """A table that nothing knows may be one of the site's, or a saved function; not where a name of the query is close."""
        if self.closed is not None or name in self.schema or parser_of(name) is not None:
            return
        lower = name.lower()
        told = f"there is no table '{name}'"
        if (meant := {n.lower(): n for n in (*scope.names(), *self.schema)}.get(lower)) is not None:
            self.problem(Problem("unknown-table", span, f"{told}, names have case: did you mean {meant}?", warns=self.fuzzy > 0))
        elif not lower.endswith("_cl") and (close := suggestion(name, scope.names(), 0.8)):
            self.problem(Problem("unknown-table", span, f"{told}, and no let of this name{close}", warns=self.fuzzy > 0))
        elif self.warns and not lower.endswith("_cl") and (close := suggestion(name, self.schema, 0.88)):
            self.problem(Problem("unlisted-table", span, f"no table '{name}' is documented{close}", warns=True))

    def _check_saved(self, call: s.Call, scope: _Scope) -> None:
        """A function that gives a table and is not here may be saved in the workspace; not where one that is known is close."""
        if call.name in DOCUMENTED_FUNCTIONS:
            return
        functions = [n for n in scope.names() if isinstance(x := scope.find(n), tuple) and isinstance(x[0], s.Function)]
        close = suggestion(call.name, [*functions, *DOCUMENTED_FUNCTIONS, *parser_names()], 0.85)
        told = f"the function {call.name}() is not defined in this query" + (close or ": the workspace has to have it saved")
        self.problem(Problem("unknown-function" if close else "saved-function", call.span, told, warns=not close or self.fuzzy > 0))

    def _check_function(self, call: s.Call) -> None:
        """A function of values that KQL does not have; Sentinel's own begin with an underscore."""
        if find(call.name) is not None:
            return
        close = suggestion(call.name, [f.name for f in declared() if f.kind in ("function", "aggregate")])
        saved = call.name.startswith("_") and not close
        told = f"the function {call.name}() is unknown{close}"
        self.problem(Problem("saved-function" if saved else "unknown-function", call.span, told, warns=saved))

    # --- statements

    def query(self, query: s.Query) -> o.Plan:
        self.tree = query
        scope, last = self._declare(query.statements, _Scope())
        if last is None:
            raise BindError("there is no query after the let statements", query.span)
        table = self.table(last, scope)
        self._check_declared()
        declared, names = dict(table.names), self._own(table)
        for (twin, older), (name, newer) in self.twins.items():
            if declared.get(twin) == older and declared.get(name) == newer:
                declared |= {name: older, twin: newer}
        shown = tuple((table.doubled.get(n, n), c) for n, c in declared.items())
        return o.Plan(table.relation, tuple(names.items()), bool(table.sources), shown)

    def _check_declared(self) -> None:
        """Names in what the result does not use: Kusto refuses a query with an unknown name in a let that nothing reads.

        A function is looked at as it was written too: of a table that is passed to it, its body sees no columns but the declared ones.
        Source: learn.microsoft.com/kusto/query/functions/user-defined-functions, "Input arguments", checked with the official binder.
        """
        for value, defined in self.declared:
            if id(value) in self.bound:
                continue
            self.bound.add(id(value))
            try:
                if isinstance(value, s.Function):
                    self._check_function_body(value, defined)
                elif isinstance(value, s.Expression):
                    self._let_value(value, defined, value.span)
            except BindError:
                # What has no meaning yet is told where it is used; a name that is wrong is among the problems already.
                continue

    def _check_function_body(self, function: s.Function, defined: _Scope) -> None:
        inner = _Scope(parent=defined)
        for parameter in function.parameters:
            name, span = parameter.name.value, parameter.span
            if isinstance(parameter.type, s.RowSchema):
                columns = tuple(self._column(c.name.value, type_of(c.type)) for c in parameter.type.columns)
                inner.values[name] = _Table(o.Rows(span, columns, ()), {c.name: c for c in columns})
            else:
                inner.values[name] = e.Apply(span, type_of(parameter.type), "parameter", (e.const(name),))
        inner, last = self._declare(function.body, inner)
        if isinstance(last, _TABULAR):
            self.table(last, inner)
        elif last is not None:
            self.expression(last, None, inner)

    def _own(self, table: _Table) -> dict[str, e.Column]:
        """The columns of a table without what only the official binder sees: those that parse has written over."""
        return {n: c for n, c in table.names.items() if (n, c) not in self.twins} if self.twins else table.names

    def _parsed(self, table: _Table, relation: o.Relation, added: Mapping[str, e.Column]) -> _Table:
        """A table with the columns that parse or scan makes. One that was there stays for the official binder, under a name of its own."""
        names, doubled = dict(table.names), dict(table.doubled)
        for name, column in added.items():
            if name in names and self.closed is None:
                twin, older = fresh(name, names), names[name]
                self.twins[twin, older] = (name, column)
                names[twin], doubled[twin] = older, name
            names[name] = column
        return replace(self._like(table, relation, names), doubled=doubled)

    def _declare(self, statements: tuple[s.Node, ...], scope: _Scope) -> tuple[_Scope, s.Expression | None]:
        last: s.Expression | None = None
        for statement in statements:
            match statement:
                case s.Let(name=name, value=value):
                    outer, scope = scope, _Scope(parent=scope)
                    scope.lets[name.value] = (value, outer)
                    self.declared.append((value, outer))
                case s.DeclareParameters(parameters=parameters):
                    scope = _Scope(parent=scope)
                    for parameter in parameters:
                        if parameter.default is not None:
                            scope.lets[parameter.name.value] = (parameter.default, scope)
                case s.DeclarePattern(name=name):
                    scope = _Scope(parent=scope)
                    scope.lets[name.value] = (statement, scope)
                case s.ExpressionStatement(expression=expression):
                    last = expression
                    if isinstance(last, s.Pipeline) and isinstance(final := last.operators[-1] if last.operators else None, s.GraphToTable):
                        given = {x.name.value: replace(final, outputs=(x,)) for x in final.outputs if x.name is not None}
                        scope = _Scope(parent=scope) if given else scope
                        for output, operator in given.items():
                            scope.lets[output] = (replace(last, operators=(*last.operators[:-1], operator)), scope.parent or scope)
                case _:
                    continue
        return scope, last

    def _option(self, name: str) -> e.Expr | None:
        """The value that a set statement gives a request property."""
        statements = self.tree.statements if self.tree is not None else ()
        found = [x.value for x in statements if isinstance(x, s.SetOption) and x.name.value == name]
        return self.expression(found[-1], None, _Scope()) if found and found[-1] is not None else None

    # --- tables

    def _column(self, name: str, kind: Type) -> e.Column:
        return e.Column(next(self.ids), name, kind)

    def _source(self, name: str, span: e.Span) -> _Table:
        """A table by its name, or the normalized one that a parser of this name gives."""
        if name not in self.schema and (self.closed is None or name not in self.closed) and (parser := parser_of(name)) is not None:
            return self._normalized(parser, (), span)
        return self._stored_table(name, span)

    def _stored_table(self, name: str, span: e.Span) -> _Table:
        source = o.Source(span, name, next(self.ids))
        known = self.schema.get(name, {})
        names = {n: e.Column(next(self.ids), n, type_of(kind), name, source.id) for n, kind in known.items()}
        self.stored.update({(source.id, n): column for n, column in names.items()})
        return _Table(source, names, () if self.closed is not None and name in self.closed else (source,))

    def _stored(self, source: o.Source, name: str, otherwise: Type = Type.UNKNOWN) -> e.Column:
        key = (source.id, name)
        if key not in self.stored:
            known = self.schema.get(source.table, {}).get(name)
            kind = type_of(known) if known is not None else otherwise
            self.stored[key] = e.Column(next(self.ids), name, kind, source.table, source.id)
        return self.stored[key]

    def _resolve(self, table: _Table | None, name: str) -> e.Column | None:
        if table is None:
            return None
        if name in table.names:
            return table.names[name]
        if name in table.outer:
            return table.outer[name]
        if name in table.hidden:
            return table.hidden[name]
        if table.sources:
            column = table.names[name] = self._stored(table.sources[0], name)
            return column
        return None

    def _named_column(self, table: _Table, name: str, span: e.Span, scope: _Scope) -> e.Column | None:
        """The column of a name that the query writes at this place."""
        if name in table.guessed or (name not in table.names and name not in table.outer and table.hidden.get(name) is None):
            self._check_column(table, name, span, scope)
        return self._resolve(table, name)

    def table(self, node: s.Node, scope: _Scope) -> _Table:
        """The relation that ``node`` denotes."""
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH * 4:
                raise BindError("lets and functions call each other too deeply", node.span)
            return self._table(node, scope)
        finally:
            self.depth -= 1

    def _table(self, node: s.Node, scope: _Scope) -> _Table:
        match node:
            case s.Pipeline(source=source, operators=operators):
                assert source is not None
                table = self.table(source, scope)
                for number, operator in enumerate(operators):
                    if isinstance(operator, s.As):
                        scope = _Scope(parent=scope, values={operator.name.value: table})
                    if isinstance(table, _OpenUnion):
                        table = self._widened(table, operators[number:], scope)
                    if isinstance(operator, s.Union):
                        before = s.Pipeline(node.span, source, operators[:number])
                        table = self._union(operator, operator.tables, table, scope, before)
                    elif isinstance(operator, s.Search) and number == 0:
                        table = self._search(operator, table, scope, _leg_name(source))
                    else:
                        table = self.operator(table, operator, scope)
                return table
            case s.Parenthesized(value=value):
                return self.table(value, scope)
            case s.TabularCall(pipeline=pipeline):
                return self.table(pipeline, scope)
            case s.NameReference(name=name, span=span):
                return self._named_table(name, span, scope)
            case s.ScopedName(name=name, span=span):
                return self._named_table(name, span, scope)
            case s.Member(name=s.Name(value=name), base=s.Method() | s.Call() as base, span=span):
                if (
                    isinstance(base, s.Call)
                    and isinstance(known := scope.find(base.name), tuple)
                    and isinstance(known[0], s.DeclarePattern)
                ):
                    return self._of_pattern(known[0], known[1], base, name)
                return self._source(name, span)
            case s.Call(name="table", arguments=(argument, *_), span=span):
                chosen = self.expression(argument, None, scope)
                if isinstance(chosen, e.Const) and isinstance(chosen.value, str):
                    return self._source(chosen.value, span)
                return self._unsupported(None, node, "a table whose name is computed is not supported")
            case s.Call():
                return self._called_table(node, scope)
            case s.Datatable():
                return self._datatable(node)
            case s.Union(tables=tables):
                return self._union(node, tables, None, scope)
            case s.Print(items=printed):
                empty = _Table(o.Rows(node.span, (), ((),)), {})
                shown: dict[str, e.Column] = {}
                made: list[tuple[e.Column, e.Expr]] = []
                for number, item in enumerate(printed):
                    named = item.names[0].value if isinstance(item, s.Named) else f"print_{number}"
                    for name, expr in self._columns_of(item, named, empty, scope):
                        name = fresh(name, shown)
                        shown[name] = self._column(name, expr.type)
                        made.append((shown[name], expr))
                return _Table(o.Compute(node.span, empty.relation, tuple(made)), shown)
            case s.Range(name=name, start=start, stop=stop, step=step):
                empty = _Table(o.Rows(node.span, (), ((),)), {})
                low, high, by = (self.expression(x, empty, scope) for x in (start, stop, step))
                kind = low.type if low.type in (Type.DATETIME, Type.TIMESPAN) else common([low.type, by.type])
                column = self._column(name.value, Type.LONG if kind == Type.INT else kind)
                return _Table(o.Range(node.span, column, low, high, by), {name.value: column})
            case s.Search() | s.Find():
                return self._search(node, None, scope)
            case s.ExternalData(schema=schema, sources=sources):
                columns_of = {c.name.value: self._column(c.name.value, type_of(c.type)) for c in schema.columns}
                address = str(sources[0].value) if sources else ""
                file = address.split("?")[0].rstrip("/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
                declared = tuple(columns_of.values())
                return _Table(o.External(node.span, "externaldata", file or "external_data", declared, None, address), columns_of)
            case _:
                return self._unsupported(None, node, f"{_what(node)} is not supported yet")

    def _named_table(self, name: str, span: e.Span, scope: _Scope) -> _Table:
        found = scope.find(name)
        if found is None:
            self._check_table(name, span, scope)
            return self._source(name, span)
        if isinstance(found, _Table):
            return self._again(found, span)
        if isinstance(found, e.Expr | _Record):
            raise BindError(f"'{name}' is a value, and a table is needed here", span)
        node, defined = found
        if isinstance(node, s.Function):
            return self._apply_function(name, node, (), defined, scope, span)
        self._use(span)
        self.bound.add(id(node))
        return self.table(node, defined)

    def _use(self, span: e.Span) -> None:
        """Counts the uses of lets and functions: where each uses one twice, they would double what the query stands for each time."""
        self.uses += 1
        if self.uses > MAX_USES:
            raise BindError(f"lets and functions are used more than {MAX_USES:,} times, those within them included", span)

    def _again(self, table: _Table, span: e.Span) -> _Table:
        """A relation that has a name, used once more: closed ones get columns of their own, so that both uses can meet in a join."""
        if table.sources:
            return _Table(table.relation, dict(table.names), table.sources, hidden=table.hidden, behind=table.behind)
        items = tuple((self._column(n, c.type), e.ColumnRef(span, c.type, c)) for n, c in table.names.items())
        return _Table(o.Project(span, table.relation, items), {c.name: c for c, _ in items}, behind=table.behind)

    def _called_table(self, call: s.Call, scope: _Scope) -> _Table:
        found = scope.find(call.name)
        if isinstance(found, tuple) and isinstance(found[0], s.Function):
            return self._apply_function(call.name, found[0], call.arguments, found[1], scope, call.span)
        if isinstance(found, tuple) and isinstance(found[0], s.DeclarePattern):
            return self._of_pattern(found[0], found[1], call, None)
        if call.name == "_GetWatchlist" and call.arguments:
            alias = self.expression(call.arguments[0], None, scope)
            if isinstance(alias, e.Const) and isinstance(alias.value, str):
                source = o.Source(call.span, "?", next(self.ids))
                return _Table(o.External(call.span, "watchlist", alias.value, (), source), {}, (source,))
        if found is None and (parser := parser_of(call.name)) is not None:
            return self._normalized(parser, call.arguments, call.span, scope)
        self._check_saved(call, scope)
        return self._unsupported(None, call, f"the function {call.name}() is not defined in this query")

    def _of_pattern(self, pattern: s.DeclarePattern, defined: _Scope, call: s.Call, path: str | None) -> _Table:
        """What a pattern stands for. Source: learn.microsoft.com/kusto/query/pattern-statement."""
        self._use(call.span)
        given = [a.value if isinstance(a, s.Literal) else a for a in call.arguments]
        for rule in pattern.rules:
            if [a.value for a in rule.arguments] == given and (rule.path.value if rule.path is not None else None) == path:
                inner, last = self._declare(rule.body, defined)
                if last is not None:
                    return self.table(last, inner)
        if self.closed is not None:
            raise BindError(f"the pattern {pattern.name.value} has nothing for these arguments", call.span)
        return self._unsupported(None, call, f"the pattern {pattern.name.value} has nothing for these arguments")

    def _normalized(self, parser: Parser, arguments: tuple[s.Node, ...], span: e.Span, scope: _Scope | None = None) -> _Table:
        """ASIM's parsers are functions that stand for a table; their parameters are filters on it.

        Source: learn.microsoft.com/azure/sentinel/normalization-about-parsers, "Optimizing parsing using parameters".
        """
        table, scope = self._stored_table(parser.table, span), scope or _Scope()
        given: dict[str, s.Node] = {}
        for number, argument in enumerate(arguments):
            if isinstance(argument, s.Named):
                given[argument.names[0].value] = argument.value
            else:
                given[next(itertools.islice(parser.parameters, number, None), "")] = argument
        unknown = [name for name in given if name not in parser.parameters]
        if unknown:
            raise BindError(f"there is no parameter {unknown[0] or 'at this place'}: there are {', '.join(parser.parameters)}", span)
        for name, parameter in parser.parameters.items():
            if name not in given:
                condition = parameter.default
            elif self._is_neutral(given[name], scope):
                continue
            else:
                condition = parameter.condition
            if condition:
                inner = _Scope(parent=scope)
                if name in given:
                    value = given[name]
                    if isinstance(value, s.Literal) and (meant := parameter.values.get(str(value.value))) is not None:
                        value = replace(value, value=meant)
                    inner.lets[MARK[2:-2]] = (value, scope)
                predicate = self.expression(_condition(condition), table, inner)
                where = given[name].span if name in given else span
                table = self._like(table, o.Filter(where, table.relation, e.placed(predicate, where)), table.names)
        return table

    def _is_neutral(self, node: s.Node, scope: _Scope) -> bool:
        """Whether a parser's argument filters nothing: ``*``, an empty list, no time."""
        value = self.expression(node, None, scope)
        return (isinstance(value, e.Const) and value.value in ("*", None)) or (isinstance(value, e.Items) and not value.items)

    def _arguments(
        self, name: str, function: s.Function, given: tuple[s.Node, ...], defined: _Scope, scope: _Scope, span: e.Span,
        table: _Table | None = None,
    ) -> tuple[_Scope, s.Expression]:  # fmt: skip
        self._use(span)
        inner = _Scope(parent=defined)
        by_name = {a.names[0].value: a.value for a in given if isinstance(a, s.Named)}
        positional = iter([a for a in given if not isinstance(a, s.Named)])
        for parameter in function.parameters:
            argument = by_name.get(parameter.name.value) or next(positional, None) or parameter.default
            if argument is None:
                raise BindError(f"{name}() needs a value for '{parameter.name.value}'", span)
            if isinstance(parameter.type, s.RowSchema):
                inner.values[parameter.name.value] = self.table(argument, scope)
            else:
                inner.values[parameter.name.value] = self.expression(argument, table, scope)
        inner, last = self._declare(function.body, inner)
        if last is None:
            raise BindError(f"{name}() has no result", function.span)
        return inner, last

    def _apply_function(
        self, name: str, function: s.Function, given: tuple[s.Node, ...], defined: _Scope, scope: _Scope, span: e.Span
    ) -> _Table:
        inner, last = self._arguments(name, function, given, defined, scope, span)
        return self.table(last, inner)

    def _datatable(self, node: s.Datatable) -> _Table:
        columns = tuple(self._column(c.name.value, type_of(c.type)) for c in node.schema.columns)
        width = max(1, len(columns))
        values = [self.expression(v, None, _Scope()) for v in node.values]
        rows = tuple(tuple(values[i : i + width]) for i in range(0, len(values), width))
        return _Table(o.Rows(node.span, columns, rows), {c.name: c for c in columns})

    def _unsupported(self, table: _Table | None, node: s.Node, reason: str) -> _Table:
        relation = o.Unsupported(node.span, table.relation if table else None, reason)
        if table is None:
            return _Table(relation, {}, (o.Source(node.span, "?", next(self.ids)),))
        return _Table(relation, dict(table.names), table.sources, hidden=table.hidden, behind=table.behind)

    def _opened(self, table: _Table) -> _Table:
        """A table to which something unknown may have added columns."""
        return replace(table, sources=(*table.sources, o.Source(table.relation.span, "?", next(self.ids))))

    def _unsupported_with(self, table: _Table, node: s.Node, added: Mapping[str, Type]) -> _Table:
        """An operator that is not carried out yet, with the columns that it adds or changes."""
        out = self._unsupported(table, node, f"the operator {_what(node)} is not supported yet")
        for name, kind in added.items():
            out.names[name] = self._column(name, kind)
        return out

    def _expanded(
        self, table: _Table, node: s.MvExpand | s.MvApply, items: tuple[s.ExpandItem, ...], scope: _Scope
    ) -> tuple[o.Expand, dict[str, e.Column]]:
        """The expanded relation and the columns that it adds or replaces, by name."""
        parameters = {p.name: p.value for p in node.parameters}
        added: dict[str, e.Column] = {}
        pairs: list[tuple[e.Column, e.Expr]] = []
        for item in items:
            ((name, expr),) = self._named_items(table, (item.value,), scope)[:1]
            added[name] = self._column(name, type_of(item.type) if item.type else Type.DYNAMIC)
            pairs.append((added[name], expr))
        index = None
        wanted = _word(parameters.get("with_itemindex"))
        if wanted:
            index = added[wanted] = self._column(wanted, Type.LONG)
        limit = self.expression(node.limit, None, scope) if node.limit is not None else None
        bags = _word(parameters.get("bagexpansion")) or _word(parameters.get("kind"))
        return o.Expand(node.span, table.relation, tuple(pairs), index, limit, bags == "array"), added

    def _mv_expand(self, table: _Table, node: s.MvExpand, scope: _Scope) -> _Table:
        relation, added = self._expanded(table, node, node.items, scope)
        return self._like(table, relation, {**table.names, **added})

    def _mv_apply(self, table: _Table, node: s.MvApply, scope: _Scope) -> _Table:
        """The rows of each expanded row go through the pipeline on their own: what groups or limits does so by the row's number."""
        row = self._column("", Type.LONG)
        numbered = _Table(
            o.Number(node.span, table.relation, row), dict(table.names), table.sources, dict(table.outer), behind=table.behind
        )
        relation, added = self._expanded(numbered, node, node.items, scope)
        replaced = {automatic_name(i.value) for i in node.items if not isinstance(i.value, s.Named)}
        parents = {n: c for n, c in table.names.items() if n not in replaced}
        inner = _Table(relation, added, table.sources, {**table.outer, **parents}, row, hidden=table.hidden, behind=table.behind)
        pipeline = node.pipeline
        if not (isinstance(pipeline, s.Pipeline) and pipeline.source is None):
            return self._unsupported_with(table, node, {})
        for operator in pipeline.operators:
            inner = self.operator(inner, operator, scope)
        carried = {n: inner.outer.get(n, c) for n, c in parents.items()}
        return self._like(table, inner.relation, {**carried, **inner.names})

    def _like(self, table: _Table, relation: o.Relation, names: dict[str, e.Column], open: bool = True) -> _Table:
        """A table over another relation that keeps what ``table`` is part of."""
        doubled = table.doubled if names is table.names else {}
        kept = (table.sources, table.hidden, table.behind, table.guessed) if open else ((), {}, (), set[str]())
        return _Table(relation, names, kept[0], table.outer, table.row, table.parts, doubled, *kept[1:])

    def _make_series(self, table: _Table, node: s.MakeSeries, scope: _Scope) -> _Table:
        keys = [(self._column(n, x.type), x) for n, x in self._named_items(table, node.by, scope)]
        shown = [c for c, _ in keys]
        row = self._column("", table.row.type) if table.row is not None else None
        if row is not None and table.row is not None:
            keys.append((row, e.ColumnRef(node.span, row.type, table.row)))
        found: list[tuple[e.Column, e.Expr, e.Expr]] = []
        for aggregate in node.aggregates:
            default = self.expression(aggregate.default, None, scope) if aggregate.default is not None else e.const(0)
            for name, expr in self._named_items(table, (aggregate.value,), scope):
                found.append((self._column(name, Type.DYNAMIC), expr, default))
        ((axis, on),) = self._named_items(table, (node.on,), scope)[:1]
        start = self.expression(node.start, None, scope) if node.start is not None else None
        stop = self.expression(node.stop, None, scope) if node.stop is not None else None
        step = self.expression(node.step, None, scope)
        column = self._column(axis, Type.DYNAMIC)
        nonempty = any(p.name == "kind" and _word(p.value) == "nonempty" for p in node.parameters)
        relation = o.Series(node.span, table.relation, tuple(keys), tuple(found), column, on, start, stop, step, node.in_range, nonempty)
        return _Table(relation, {c.name: c for c in (*shown, *(c for c, _, _ in found), column)}, row=row, parts=table.parts)

    def _union(
        self, node: s.Union, tables: tuple[s.Expression, ...], first: _Table | None, scope: _Scope, before: s.Expression | None = None
    ) -> _Table:
        """The union of ``tables`` with ``first``, which ``before`` denotes."""
        inputs = [first] if first else []
        parameters = {p.name: p.value for p in node.parameters}
        fuzzy = _word(parameters.get("isfuzzy")) in ("True", "true")
        listed: list[s.Expression] = []
        for item in tables:
            pattern = item if isinstance(item, s.Wildcard) else None
            if pattern is not None and (meant := self._tables_like(pattern, scope)):
                listed += [s.NameReference(item.span, n) for n in meant]
            elif pattern is not None and fuzzy and self.closed is not None:
                continue
            elif pattern is not None or (isinstance(item, s.Member) and isinstance(item.name, s.Wildcard)):
                named = _word(parameters.get("withsource"))
                shown = {named: Type.STRING} if named else {}
                several = [*([_types(first)] if first else []), *self._types_of(tables, scope)]
                return self._of_several(item, "a union over a wildcard of tables is not supported", shown | self._merged(several))
            else:
                listed.append(item)
        kept_tables: list[s.Expression] = []
        for item in listed:
            self.fuzzy += fuzzy
            table = self.table(item, scope)
            self.fuzzy -= fuzzy
            if fuzzy and self._missing(table):
                continue
            kept_tables.append(item)
            inputs.append(table)
        tables = tuple(kept_tables)
        if not inputs:
            return self._unsupported(first, node, "none of the tables of this union exists")
        source = _word(parameters.get("withsource"))
        if source:
            legs = [*([before] if first else []), *tables]
            inputs = [
                self._with_source(i, _leg_name(t) or f"union_arg{n}", source) for n, (i, t) in enumerate(zip(inputs, legs, strict=True))
            ]
        inputs = [replace(t, names=self._own(t)) for t in inputs] if self.twins else inputs
        names = self._kinds(map(_types, inputs))
        kept = [n for n in names if all(n in t.names for t in inputs)] if _word(parameters.get("kind")) == "inner" else list(names)
        merged: dict[str, e.Column] = {}
        columns: list[tuple[e.Column, tuple[e.Column | None, ...]]] = []
        conflicting = {n: kinds for n, kinds in names.items() if len(kinds) > 1}
        hidden: dict[str, e.Column | None] = {}

        def add(name: str) -> e.Column:
            origins = tuple(self._resolve(t, name) for t in inputs)
            kinds = names.get(name) or list({c.type for c in origins if c is not None} - {Type.UNKNOWN})
            taken = fresh(name, merged)
            column = merged[taken] = self._column(taken, kinds[0] if len(kinds) == 1 else Type.UNKNOWN)
            columns.append((column, origins))
            return column

        # The engine leaves its name to a column of one type, the official binder gives it to the first.
        reserved = {n for n in kept if n not in conflicting} if self.closed is not None else set()
        for name in kept:
            if name not in conflicting:
                add(name)
                continue
            # A column of two types becomes a column for each: learn.microsoft.com/kusto/query/union-operator.
            hidden[name] = None
            if Type.UNKNOWN in conflicting[name] and self.closed is None:
                known = [k for k in conflicting[name] if k != Type.UNKNOWN]
                hidden[name] = whole = self._column(name, known[0] if len(known) == 1 else Type.UNKNOWN)
                columns.append((whole, tuple(t.names.get(name) for t in inputs)))
            for kind in conflicting[name]:
                found = tuple(c if (c := t.names.get(name)) is not None and c.type == kind else None for t in inputs)
                split_name = fresh(f"{name}_{kind}", {*merged, *reserved})
                split = merged[split_name] = self._column(split_name, kind)
                columns.append((split, found))
        relation = o.Union(node.span, tuple(t.relation for t in inputs), tuple(columns), fuzzy)
        sources = tuple(source for t in inputs for source in t.sources)
        behind = tuple(source for t in inputs for source in t.behind)
        if sources:
            return _OpenUnion(relation, merged, sources, hidden=hidden, behind=behind, inputs=inputs, add=add, columns=columns)
        return _Table(relation, merged, hidden=hidden, behind=behind)

    def _tables_like(self, pattern: s.Wildcard, scope: _Scope) -> list[str]:
        """Views and known tables whose names a wildcard means; stored tables only where all of them are known."""
        names: list[str] = []
        current: _Scope | None = scope
        while current is not None:
            names += [n for n, (node, _) in current.lets.items() if isinstance(node, s.Function) and node.view]
            current = current.parent
        names += sorted(self.closed or ())
        return [n for n in dict.fromkeys(reversed(names)) if matches(pattern, n)]

    def _kinds(self, tables: Iterable[Mapping[str, Type]]) -> dict[str, list[Type]]:
        """The types that the columns of one name have in a union, one where they become one column.

        The official binder tells the types of a name apart only where the first two tables that have it differ; the engine always does.
        """
        found: dict[str, list[Type]] = {}
        whole = set[str]()
        for types in tables:
            for name, kind in types.items():
                known = found.setdefault(name, [])
                if kind not in known and name not in whole:
                    known.append(kind)
                elif len(known) == 1 and self.closed is None:
                    whole.add(name)
        return found

    def _merged(self, tables: Iterable[Mapping[str, Type]]) -> dict[str, Type]:
        """The columns of a union of such tables."""
        merged: dict[str, Type] = {}
        for name, kinds in self._kinds(tables).items():
            for kind in kinds:
                merged[fresh(name if len(kinds) == 1 else f"{name}_{kind}", merged)] = kind
        return merged

    def _types_of(self, tables: tuple[s.Expression, ...], scope: _Scope) -> list[dict[str, Type]]:
        """The columns of tables that are listed, for a wildcard those of each known table that it means; without a list of all."""
        found: list[dict[str, Type]] = []
        for item in tables or (s.Wildcard((0, 0), "*"),):
            node = item.table if isinstance(item, s.FindSource) else item
            if isinstance(node, s.Wildcard):
                found += [{c: type_of(k) for c, k in columns.items()} for name, columns in self.schema.items() if matches(node, name)]
                found += [_types(self._named_table(name, node.span, scope)) for name in self._tables_like(node, scope)]
            else:
                found.append(_types(self.table(node, scope)))
        return found

    def _of_several(self, node: s.Node, reason: str, columns: Mapping[str, Type], open: bool = True) -> _Table:
        """What is read from many tables at once is not carried out; ``columns`` are those that are known."""
        out = self._unsupported(None, node, reason)
        return _Table(out.relation, {n: self._column(n, k) for n, k in columns.items()}, out.sources if open else ())

    def _missing(self, table: _Table) -> bool:
        """Whether a table of a fuzzy union does not exist; it is then left out."""
        if self.closed is None:
            return False
        return any(source.table not in self.closed for source in table.sources)

    def _with_source(self, table: _Table, leg: str, name: str) -> _Table:
        """``table`` with a first column that says which leg its rows come from."""
        column = self._column(name, Type.STRING)
        relation = o.Compute(None, table.relation, ((column, e.const(leg, Type.STRING)),))
        return self._like(table, relation, {name: column, **{n: c for n, c in table.names.items() if n != name}})

    def _search(self, node: s.Search | s.Find, table: _Table | None, scope: _Scope, named: str | None = None) -> _Table:
        """``search`` and ``find``: where not all tables are known, their columns alone."""
        reason = f"the operator {_what(node)} is not supported yet"
        if self.closed is not None:
            return self._searched(node, table, scope, named) if isinstance(node, s.Search) else self._find(node, table, scope)
        self._check_searched(node, table, scope)
        if isinstance(node, s.Search):
            if table is not None and not node.tables:
                out = self._of_several(node, reason, {"$table": Type.STRING, **_types(table)}, bool(table.sources or table.behind))
                return replace(out, relation=o.Unsupported(node.span, table.relation, reason))
            return self._of_several(node, reason, {"$table": Type.STRING} | self._merged(self._types_of(node.tables, scope)))
        source = next((w for p in node.parameters if p.name == "withsource" and (w := _word(p.value))), "source_")
        tables = [_types(table)] if table is not None else self._types_of(node.tables, scope)
        shown = {source: Type.STRING} | self._found(node, tables)
        away = {a.name for a in node.away if isinstance(a, s.NameReference)}
        if any(isinstance(a, s.Star) for a in node.away):
            away = set(shown) - {source}
        shown = {n: k for n, k in shown.items() if n not in away}
        return self._of_several(node, reason, shown, open=not node.columns)

    def _check_searched(self, node: s.Search | s.Find, table: _Table | None, scope: _Scope) -> None:
        """The columns that the condition of ``search`` or ``find`` names, where the tables are listed: one of them has to have each."""
        listed = [x.table if isinstance(x, s.FindSource) else x for x in node.tables]
        if not listed if table is None else listed:
            return
        if any(isinstance(x, s.Wildcard) or (isinstance(x, s.Member) and isinstance(x.name, s.Wildcard)) for x in listed):
            return
        tables = [self.table(x, scope) for x in listed] if table is None else [table]
        every = replace(tables[0], names={n: c for x in reversed(tables) for n, c in x.names.items()})
        every.sources, every.behind = tuple(y for x in tables for y in x.sources), tuple(y for x in tables for y in x.behind)
        every.hidden = {}
        for part in s.walk(node.predicate):
            if isinstance(part, s.NameReference) and scope.find(part.name) is None and not self._has(every, part.name):
                self._check_column(every, part.name, part.span, scope)

    def _searched(self, node: s.Search, table: _Table | None, scope: _Scope, named: str | None) -> _Table:
        """The rows in which search finds its terms. Source: learn.microsoft.com/kusto/query/search-operator.

        Args:
            named: the name of the table that is searched, None where the page calls it system-generated: it cannot be shown then.
        """
        if table is None or node.tables:
            if table is not None:
                raise BindError("search reads the tables that it lists, or what comes before it, and not both", node.span)
            source = s.Parameter(node.span, "withsource", s.NameReference(node.span, "$table"))
            tables = node.tables or (s.Wildcard(node.span, "*"),)
            table = self._union(s.Union(node.span, (source,), tables), tables, None, scope)
        else:
            column = self._column("$table", Type.STRING)
            relation = o.Compute(node.span, table.relation, ((column, e.const(named)),)) if named is not None else table.relation
            table = self._like(table, relation, {"$table": column, **table.names})
        kind = next((_word(p.value) for p in node.parameters if p.name == "kind"), None) or "default"
        if kind not in ("default", "case_insensitive", "case_sensitive"):
            raise BindError(f"search has no kind={kind}", node.span)
        columns = {n: c for n, c in table.names.items() if n != "$table"}
        predicate = self._search_condition(node.predicate, table, columns, scope, kind == "case_sensitive")
        return self._like(table, o.Filter(node.span, table.relation, predicate), table.names)

    def _search_condition(self, node: s.Node, table: _Table, columns: Mapping[str, e.Column], scope: _Scope, cased: bool) -> e.Expr:
        def sub(part: s.Node) -> e.Expr:
            return self._search_condition(part, table, columns, scope, cased)

        match node:
            case s.Parenthesized(value=value):
                return sub(value)
            case s.Star():
                return e.TRUE
            case s.Logical(operator=operator, operands=operands):
                return e.conjunction(*map(sub, operands)) if operator == "and" else e.disjunction(*map(sub, operands))
            case s.Call(name="not", arguments=(argument,)):
                return e.negation(sub(argument))
            case s.Literal(value=str(term), kind="string"):
                return e.disjunction(*(_term(e.ColumnRef(node.span, c.type, c), term, node.span, cased) for c in columns.values()))
            case s.Binary(operator=":", left=left, right=s.Literal(value=str(term), kind="string")):
                return _term(self.expression(left, table, scope), term, node.span, cased)
            case s.Binary(operator=":") | s.Literal():
                raise BindError("search for what is no text is not supported", node.span)
        found = self.expression(node, table, scope)
        if cased and any(isinstance(x, e.Apply) and x.function in _TERM_OPERATORS for x in e.walk(found)):
            raise BindError("operators on texts beside kind=case_sensitive are not supported", node.span)
        return found

    def _find(self, node: s.Find, table: _Table | None, scope: _Scope) -> _Table:
        """The rows of several tables for which a condition holds. Source: learn.microsoft.com/kusto/query/find-operator.

        What the page leaves open is refused: columns of several types, and ``pack_all()`` beside other columns, of which its text packs all
        and its example the rest.
        """
        if table is not None or node.away:
            raise BindError("find reads the tables that it lists, and has no project-away", node.span)
        legs: list[tuple[s.Expression, tuple[s.As, ...]]] = []
        for item in node.tables or (s.Wildcard(node.span, "*"),):
            expression, aliases = (item.table, item.aliases) if isinstance(item, s.FindSource) else (item, ())
            several = self._tables_like(expression, scope) if isinstance(expression, s.Wildcard) else []
            legs += [(s.NameReference(expression.span, n), aliases) for n in several] or [(expression, aliases)]
        tables = [self.table(expression, scope) for expression, _ in legs]
        read = {n.name for n in s.walk(node.predicate) if isinstance(n, s.NameReference) and any(n.name in t.names for t in tables)}
        kept = [
            (*leg, t.names) for leg, t in zip(legs, tables, strict=True) if not read or not read.isdisjoint(t.names) or self._missing(t)
        ]
        condition = _with_terms(node.predicate)
        if len(kept) < len(legs) and any(isinstance(x, s.Star) for x in s.walk(condition)):
            raise BindError("which tables find leaves out where it looks at any column is not documented", node.span)
        listed = {c.name.value: c for c in node.columns or () if isinstance(c, s.Column)}
        packs = any(isinstance(c, s.PackAll) for c in node.columns or ())
        if packs and listed:
            raise BindError("what pack_all() packs beside other columns of find is documented in two ways", node.span)
        shown = list(listed) if node.columns else list(self._found(node, [{n: c.type for n, c in names.items()} for *_, names in kept]))
        shown = [n for n in shown if node.columns or n != "pack_"]
        for name in {*shown, *read}:
            if len({names[name].type for *_, names in kept if name in names}) > 1:
                raise BindError(f"find over a column of several types, '{name}', is not supported", node.span)
        bag = "pack_" if packs or (not node.columns and any(n not in shown for *_, names in kept for n in names)) else None
        source = next((w for p in node.parameters if p.name == "withsource" and (w := _word(p.value))), "source_")
        if any(n in names for *_, names in kept for n in (source, "pack_")):
            raise BindError(f"find makes the columns {source} and pack_, and one of them is there already", node.span)
        inputs = [s.Pipeline(x.span, x, (*aliases, *_packed(x.span, bag, names, shown))) for x, aliases, names in kept]
        if len(kept) < len(legs) and any(_leg_name(x) is None for x in inputs):
            raise BindError("how find numbers tables without a name beside one that it leaves out is not documented", node.span)
        parameter = s.Parameter(node.span, "withsource", s.NameReference(node.span, source))
        union = self._union(s.Union(node.span, (parameter,), tuple(inputs)), tuple(inputs), None, scope)
        inner = self._like(union, union.relation, {n: c for n, c in union.names.items() if n not in (source, bag)})
        found = o.Filter(node.span, union.relation, self.expression(condition, inner, scope))
        values = {source: self._name(source, node.span, union, scope)}
        for name in shown:
            values[name] = self._name(name, node.span, inner, scope)
            if name in listed and listed[name].type and (kind := type_of(listed[name].type)) != values[name].type:
                if kind not in _CONVERSIONS:
                    raise BindError(f"find casts no column to {kind}", node.span)
                values[name] = e.Apply(node.span, kind, _CONVERSIONS[kind], (values[name],))
        if bag is not None:
            values[bag] = self._name(bag, node.span, union, scope)
        items = tuple((self._column(n, x.type), x) for n, x in values.items())
        return _Table(o.Project(node.span, found, items), {c.name: c for c, _ in items})

    def _found(self, node: s.Find, tables: list[dict[str, Type]]) -> dict[str, Type]:
        """The columns that ``find`` gives: those listed, else what all tables with columns of its condition have, the rest in a bag.

        Source: learn.microsoft.com/kusto/query/find-operator, "Returns", checked with the official binder.
        """
        kinds: dict[str, list[Type]] = {}
        for types in tables:
            for name, kind in types.items():
                kinds.setdefault(name, []).append(kind)

        def one(name: str) -> Type:
            found = list(dict.fromkeys(kinds.get(name, [Type.UNKNOWN])))
            return found[0] if len(found) == 1 else common(found) if set(found) <= _NUMBERS else Type.DYNAMIC

        if node.columns:
            listed = {c.name.value: type_of(c.type) if c.type else one(c.name.value) for c in node.columns if isinstance(c, s.Column)}
            return listed | ({"pack_": Type.DYNAMIC} if any(isinstance(c, s.PackAll) for c in node.columns) else {})
        read = list(dict.fromkeys(n.name for n in s.walk(node.predicate) if isinstance(n, s.NameReference)))
        meant = [t for t in tables if not read or any(n in t for n in read)]
        shown = {n: one(n) for t in meant[:1] for n in t if all(n in other for other in meant)}
        shown |= {n: one(n) for n in read if n not in shown and n in kinds}
        return shown | ({"pack_": Type.DYNAMIC} if any(n not in shown for t in meant for n in t) else {})

    # --- operators

    def operator(self, table: _Table, node: s.Operator, scope: _Scope) -> _Table:
        if isinstance(table, _OpenUnion):
            table = self._widened(table, (node,), scope)
        if table.row is not None and isinstance(node, _NOT_IN_PARTS):
            reason = f"the operator {_what(node)} is not supported inside partition and mv-apply yet"
            out = self.operator(replace(table, row=None, parts=None), node, scope)
            return replace(out, relation=o.Unsupported(node.span, table.relation, reason))
        match node:
            case s.Where(predicate=predicate, span=span):
                value = predicate.value if isinstance(predicate, s.Named) else predicate
                return self._like(table, o.Filter(span, table.relation, self.expression(value, table, scope)), table.names)
            case s.Extend(items=items, span=span):
                return self._extend(table, items, scope, span)
            case s.Serialize(items=items, span=span):
                serialized = self._like(table, o.Arrange(span, table.relation, "serialize"), table.names)
                return self._extend(serialized, items, scope, span) if items else serialized
            case s.Project(items=items, span=span):
                return self._project(table, items, scope, span)
            case s.ProjectAway() | s.ProjectKeep() | s.ProjectRename() | s.ProjectReorder() | s.ProjectByNames():
                return self._chosen(table, node, scope)
            case s.Summarize():
                return self._summarize(table, node, scope)
            case s.Distinct(items=items, span=span):
                return self._distinct(table, items, scope, span)
            case s.Count(span=span, name=name):
                column = self._column(name.value if name else "Count", Type.LONG)
                count = ((column, e.Apply(span, Type.LONG, "count", ())),)
                return self._grouped(table, span, (), count, [column.name])
            case s.Join() | s.Lookup():
                return self._join(table, node, scope)
            case s.Union(tables=tables):
                return self._union(node, tables, table, scope)
            case s.Sort(keys=keys, span=span):
                return self._like(table, o.Sort(span, table.relation, self._orderings(table, keys, scope)), table.names)
            case s.Render() | s.As() | s.Consume():
                return self._like(table, o.Arrange(node.span, table.relation, _what(node)), table.names)
            case s.Take(count=limit) | s.Sample(count=limit):
                return self._limited(table, node, limit, (), scope)
            case s.Top(count=limit, by=by):
                return self._limited(table, node, limit, (by,), scope)
            case s.Parse():
                return self._parse(table, node, scope)
            case s.ParseKv():
                return self._parse_pairs(table, node, scope)
            case s.MvExpand():
                return self._mv_expand(table, node, scope)
            case s.MvApply():
                return self._mv_apply(table, node, scope)
            case s.MakeSeries():
                return self._make_series(table, node, scope)
            case s.SampleDistinct(of=of, count=limit, span=span):
                return self._limited(self._distinct(table, (of,), scope, span), node, limit, (), scope)
            case s.GetSchema(span=span):
                columns = {n: self._column(n, k) for n, k in _SCHEMA.items()}
                rows = tuple(
                    (e.const(n), e.const(i), e.const(_CLR_TYPES.get(c.type, "System.Object")), e.const(str(c.type)))
                    for i, (n, c) in enumerate(table.names.items())
                )
                return _Table(o.Rows(span, tuple(columns.values()), rows), columns)
            case s.Evaluate():
                return self._evaluate(table, node, scope)
            case s.Search() | s.Find():
                return self._search(node, table, scope)
            case s.Partition() | s.PartitionBy():
                return self._partition(table, node, scope)
            case s.Scan():
                return self._scan(table, node, scope)
            case s.TopNested():
                return self._top_nested(table, node, scope)
            case s.TopHitters(of=of, by=weight):
                ((of_name, of_expr),) = self._named_items(table, (of,), scope)[:1]
                counted = f"approximate_sum_{automatic_name(weight)}" if weight is not None else f"approximate_count_{of_name}"
                return self._unsupported_with(_Table(table.relation, {}), node, {of_name: of_expr.type, counted: Type.LONG})
            case s.Reduce():
                reduced = {"Pattern": Type.STRING, "Count": Type.LONG, "Representative": Type.STRING}
                if any(p.name == "kind" and _word(p.value) == "source" for p in node.parameters):
                    return self._unsupported_with(table, node, reduced)
                return self._unsupported_with(_Table(table.relation, {}), node, reduced)
            case s.MakeGraph():
                return self._make_graph(table, node, scope)
            case s.GraphMarkComponents() if isinstance(table, _Graph):
                return self._mark_components(table, node)
            case s.GraphToTable() if isinstance(table, _Graph):
                return self._graph_table(table, node)
            case s.GraphMatch() if isinstance(table, _Graph):
                return self._graph_match(table, node, scope)
            case s.Fork() | s.Facet():
                branches = [b.pipeline for b in node.branches] if isinstance(node, s.Fork) else [node.pipeline]
                for key in node.by if isinstance(node, s.Facet) else ():
                    self.expression(key, table, scope)
                for branch in branches:
                    parts = branch.operators if isinstance(branch, s.Pipeline) and branch.source is None else (branch,)
                    branched = self._again(table, node.span)
                    for part in parts:
                        branched = self.operator(branched, part, scope) if isinstance(part, s.Operator) else branched
                return self._unsupported(None, node, f"the operator {_what(node)} is not supported yet")
            case s.Invoke(call=s.Call() as call):
                known = scope.find(call.name)
                if isinstance(known, tuple) and isinstance(known[0], s.Function) and known[0].parameters:
                    inner = _Scope(parent=known[1], values={known[0].parameters[0].name.value: table})
                    rest = s.Function(known[0].span, known[0].parameters[1:], known[0].body, False)
                    return self._apply_function(call.name, rest, call.arguments, inner, scope, node.span)
                self._check_saved(call, scope)
                return self._opened(self._unsupported(table, node, f"the function {call.name}() is not defined in this query"))
            case _:
                return self._opened(self._unsupported(table, node, f"the operator {_what(node)} is not supported yet"))

    def _top_nested(self, table: _Table, node: s.TopNested, scope: _Scope) -> _Table:
        names: dict[str, e.Column] = {}
        parts: list[o.TopNestedPart] = []
        for part in node.parts:
            ((of_name, of),) = self._named_items(table, (part.of,), scope)[:1]
            ((by_name, by),) = self._named_items(table, (part.by.value,), scope)[:1]
            key = self._column(of_name, of.type)
            value = self._column(by_name if isinstance(part.by.value, s.Named) else f"aggregated_{of_name}", by.type)
            count, others = (self.expression(x, None, scope) if x is not None else None for x in (part.count, part.others))
            parts.append(o.TopNestedPart(key, of, value, by, part.by.direction != "asc", count, others))
            names |= {key.name: key, value.name: value}
        reason = f"the operator {_what(node)} is not supported yet"
        if self.closed is not None and len(names) < 2 * len(parts):
            raise BindError("the columns of top-nested need names of their own", node.span)
        return _Table(o.TopNested(node.span, table.relation, reason, tuple(parts)), names)

    def _make_graph(self, table: _Table, node: s.MakeGraph, scope: _Scope) -> _Table:
        edges = _Table(table.relation, table.names, table.sources, hidden=table.hidden, behind=table.behind, guessed=table.guessed)
        tables = [self.table(n.table, scope) for n in node.nodes]
        ids = [self._named_column(t, n.key.value, n.key.span, scope) for t, n in zip(tables, node.nodes, strict=True)]
        source, target = (self._named_column(edges, n.value, n.span, scope) for n in (node.source, node.target))
        kind = source.type if source is not None else Type.UNKNOWN
        key = self._column(node.node_id.value if node.node_id is not None else "", kind)
        degrees = self._column("", Type.LONG), self._column("", Type.LONG)
        properties: dict[str, tuple[e.Column, tuple[e.Column | None, ...]]] = {}
        for name, kinds in self._kinds([{key.name: kind} if node.node_id is not None else {}, *map(_types, tables)]).items():
            for each in kinds:
                origins = tuple(c if (c := t.names.get(name)) is not None and (len(kinds) == 1 or c.type == each) else None for t in tables)
                shown = fresh(name if len(kinds) == 1 else f"{name}_{each}", properties)
                own = any(c is not None and c == i for c, i in zip(origins, ids, strict=True)) or (name == key.name and each == kind)
                properties[shown] = (key if own and each == kind else self._column(shown, each), origins)
        sources, behind = (tuple(x for t in tables for x in getattr(t, part)) for part in ("sources", "behind"))
        nodes = _Table(o.Rows(None, (), ()), {n: c for n, (c, _) in properties.items()}, sources, behind=behind)
        functions: dict[str, e.Expr] = {
            "node_id()": e.Apply(None, Type.STRING, "tostring", (e.ColumnRef(None, key.type, key),)),
            "node_degree_in()": e.ColumnRef(None, Type.LONG, degrees[0]),
            "node_degree_out()": e.ColumnRef(None, Type.LONG, degrees[1]),
            "labels()": e.Items(None, Type.DYNAMIC, ()),
        }
        if source is None or target is None or None in ids or node.partitioned_by is not None:
            out = self._unsupported(table, node, f"the operator {_what(node)} is not supported yet")
            made = _Graph(out.relation, {}, out.sources, edges=edges, nodes=nodes, functions=functions)
            if isinstance(pipeline := node.pipeline, s.Pipeline):
                inner: _Table = made
                for operator in pipeline.operators:
                    inner = self.operator(inner, operator, scope)
                return inner
            return made
        graph = o.Graph(
            node.span, edges.relation, "a graph is no table: graph-match and graph-to-table make one of it", source, target,
            tuple((t.relation, i) for t, i in zip(tables, ids, strict=True) if i is not None),
            tuple(p for p in properties.values() if p[0] != key), key, degrees,
        )  # fmt: skip
        return _Graph(graph, {}, edges=edges, nodes=nodes, functions=functions)

    def _mark_components(self, graph: _Graph, node: s.GraphMarkComponents) -> _Table:
        parameters = {p.name: _word(p.value) for p in node.parameters}
        column = self._column(parameters.get("with_component_id") or "ComponentId", Type.LONG)
        relation = graph.relation
        if isinstance(relation, o.Graph):
            relation = replace(relation, components=(*relation.components, (column, parameters.get("kind") or "weak")))
        return replace(graph, relation=relation, nodes=replace(graph.nodes, names={**graph.nodes.names, column.name: column}))

    def _graph_table(self, graph: _Graph, node: s.GraphToTable) -> _Table:
        output = node.outputs[0]
        hashes = {p.name: w for p in output.parameters if (w := _word(p.value))}
        hashed = [hashes[n] for n in ("with_node_id", "with_source_id", "with_target_id") if n in hashes]
        shown = {n: self._column(n, Type.LONG) for n in hashed} | (graph.nodes if output.what == "nodes" else graph.edges).names
        reason = f"the operator {_what(node)} is not supported yet"
        if not isinstance(graph.relation, o.Graph):
            return _Table(o.Unsupported(node.span, graph.relation, reason), shown)
        return _Table(o.GraphTable(node.span, graph.relation.input, reason, graph.relation, output.what, bool(hashed)), shown)

    def _graph_match(self, graph: _Graph, node: s.GraphMatch, scope: _Scope) -> _Table:
        """The matches of a pattern, as rows. An element's property is named after both: ``p.n`` is the column ``p_n``."""
        if node.project is None:
            return graph
        parameters = {p.name: _word(p.value) for p in node.parameters}
        pattern = _Pattern()
        for sequence in node.patterns:
            pattern.add(sequence.elements)
        values: dict[str, e.Expr | _Table | _Record] = {}
        for name, place in pattern.nodes.items():
            if isinstance(name, str):
                values[name] = self._graph_node(graph, pattern.shown[place], scope)
        for hop in pattern.hops:
            if hop.name:
                values[hop.name] = self._graph_edge(graph, hop, scope)
        within = _Scope(parent=scope, values=values)
        unclear = False
        conditions = []
        for condition in _flat_conditions((node.where,) if node.where is not None else ()):
            meant, clear = self._along(pattern, self.expression(condition, None, within), "all")
            unclear = unclear or not clear
            conditions.append(meant)
        names: dict[str, e.Column] = {}
        computed: list[tuple[e.Column, e.Expr]] = []
        for item in node.project:
            value = item.value if isinstance(item, s.Named) else item
            name = automatic_name(item)
            if not name and not isinstance(value, s.Call):
                if self.closed is not None:
                    raise BindError("what graph-match projects needs a name", item.span)
                continue  # the official binder leaves out what has no name
            expr, clear = self._along(pattern, self.expression(value, None, within), "map")
            unclear = unclear or not clear
            name = fresh(name or self._numbered(item, {}, scope), names)
            names[name] = self._column(name, expr.type)
            computed.append((names[name], expr))
        reason = f"the operator {node.keyword} is not supported yet"
        if unclear:
            reason = "what this means of an edge of variable length is not documented: map(), all() and any() say it of each edge"
        if unclear or not isinstance(graph.relation, o.Graph):
            return _Table(o.Unsupported(node.span, graph.relation, reason), names)
        match = o.GraphMatch(
            node.span, graph.relation.input, reason, graph.relation, tuple(tuple(p.items()) for p in pattern.shown),
            tuple(hop.planned() for hop in pattern.hops), e.conjunction(*conditions), parameters.get("cycles") or "unique_edges",
            (parameters.get("output") or "any") if node.keyword == "graph-shortest-paths" else "",
        )  # fmt: skip
        return _Table(o.Compute(node.span, match, tuple(computed)), names)

    def _graph_node(self, graph: _Graph, shown: dict[e.Column, e.Column], scope: _Scope) -> _Record:
        def reference(column: e.Column, span: e.Span) -> e.Expr:
            made = shown.setdefault(column, self._column(column.name, column.type))
            return e.ColumnRef(span, made.type, made)

        def part(name: str, span: e.Span) -> e.Expr:
            column = graph.nodes.names.get(name)
            if column is None:
                self._check_column(graph.nodes, name, span, scope)
                return _unknown_column(name, span)
            return reference(column, span)

        def call(node: s.Call) -> e.Expr | None:
            function = graph.functions.get(f"{node.name}()")
            if function is None:
                return None
            return e.transform(function, lambda n: reference(n.column, node.span) if isinstance(n, e.ColumnRef) else n)

        return _Record(part, call)

    def _graph_edge(self, graph: _Graph, hop: _Hop, scope: _Scope) -> _Record:
        def part(name: str, span: e.Span) -> e.Expr:
            column = self._named_column(graph.edges, name, span, scope)
            if column is None:
                return _unknown_column(name, span)
            if hop.high is None:
                column = hop.shown.setdefault(column, self._column(name, column.type))
            return e.ColumnRef(span, column.type, column)

        def call(node: s.Call) -> e.Expr | None:
            if hop.high is None:
                return graph.functions["labels()"] if node.name == "labels" else None
            if node.name == "array_length":
                return hop.value(self._column("", Type.LONG), "count", False, e.TRUE)
            if node.name not in ("map", "all", "any") or len(node.arguments) != 2:
                return None
            inner = isinstance(node.arguments[0], s.Call)
            functions = {n: x for n, x in graph.functions.items() if inner or n == "labels()"}
            within = _Scope(parent=scope, values=dict(functions))
            expr = self.expression(node.arguments[1], graph.nodes if inner else graph.edges, within)
            return hop.value(self._column("", Type.DYNAMIC if node.name == "map" else Type.BOOL), node.name, inner, expr)

        return _Record(part, call, Type.DYNAMIC if hop.high is not None else Type.UNKNOWN)

    def _along(self, pattern: _Pattern, expr: e.Expr, kind: str) -> tuple[e.Expr, bool]:
        """``expr`` where it reads properties of an edge of variable length as they are: it is meant for each edge.

        The other value says whether that is clear: of two such edges, or of functions of arrays, it is not.
        """
        own = {c for hop in pattern.hops for c in (*hop.shown.values(), *(v[0] for v in hop.values))}
        own |= {c for shown in pattern.shown for c in shown.values()}
        read = e.columns_of(expr)
        if read <= own:
            return expr, True
        many = [hop for hop in pattern.hops if hop.high is not None]
        result = Type.BOOL if kind == "all" else Type.DYNAMIC
        if len(many) != 1 or read & own or (kind == "map" and not isinstance(expr, e.ColumnRef)):
            return e.Apply(expr.span, result, "record", ()), False
        return many[0].value(self._column("", result), kind, False, expr), True

    def _widened(self, table: _OpenUnion, operators: Sequence[s.Operator], scope: _Scope) -> _Table:
        """A union of open tables with the columns that ``operators`` name added: nothing else says that they exist."""
        for name in sorted(_named_before_others(operators) - {*table.names, *table.hidden}):
            if scope.find(name) is None:
                table.names[name] = table.add(name)
                table.guessed.add(name)
        first = table.relation
        assert isinstance(first, o.Union)
        widened = o.Union(first.span, first.inputs, tuple(table.columns), first.fuzzy)
        return replace(table, relation=widened)

    def _columns_of(self, item: s.Node, name: str, table: _Table | None, scope: _Scope) -> list[tuple[str, e.Expr]]:
        """The columns of one item: most have one, a few functions give several."""
        value = item.value if isinstance(item, s.Named) else item
        expr = self.expression(value, table, scope)
        given = [n.value for n in item.names] if isinstance(item, s.Named) else []
        while isinstance(value, s.Parenthesized):
            value = value.value
        known = find(value.name) if isinstance(value, s.Call) else None
        if known is None or known.kind == "aggregate" or not isinstance(value, s.Call) or not isinstance(expr, e.Apply):
            return [(name, expr)]
        result = overload(known, [a.type for a in expr.args]).result
        if result.startswith("("):
            parts = types_of(result)
            names = [f"{known.named or ''}{automatic_name(value.arguments[0])}_{n}" for n, _ in parts]
            exprs: list[e.Expr] = [
                e.Path(expr.span, kind, e.Apply(expr.span, Type.DYNAMIC, expr.function, expr.args), (i,))
                for i, (_, kind) in enumerate(parts)
            ]
        elif known.named == "_sorted" and (arrays := [a for a in value.arguments if not isinstance(a, s.Literal)])[1:]:
            names = [f"{automatic_name(a)}_sorted" for a in arrays]
            exprs = [e.Path(expr.span, Type.DYNAMIC, expr, (i,)) for i in range(len(arrays))]
        elif len(given) > 1:
            return [(n, e.Path(expr.span, Type.DYNAMIC, expr, (i,))) for i, n in enumerate(given)]
        else:
            return [(name, expr)]
        if given:
            names = [*given[: len(names)], *names[len(given) :]]
        return list(zip(names, exprs, strict=True))

    def _numbered(self, item: s.Node, shown: Mapping[str, e.Column], scope: _Scope) -> str:
        """The name of an item that has none: numbered over the whole query, without the numbers that name something already."""
        number = self.numbers.get(id(item), 1) + self.skipped
        while (name := f"Column{number}") in shown or scope.find(name) is not None:
            self.skipped += 1
            number += 1
        return name

    def _named_items(self, table: _Table, items: tuple[s.Node, ...], scope: _Scope, fresh_names: bool = True) -> list[tuple[str, e.Expr]]:
        """Names and meanings of items. With ``fresh_names``, an unnamed item whose name is taken gets a number behind it."""
        found: list[tuple[str, e.Expr]] = []
        for item in items:
            if isinstance(item, s.Named):
                found.extend(self._columns_of(item, item.names[0].value, table, scope))
                continue
            name = automatic_name(item) or self._numbered(item, {} if fresh_names else table.names, scope)
            for index, (one, expr) in enumerate(self._columns_of(item, name, table, scope)):
                plain = isinstance(expr, e.ColumnRef) and any(n == one and x == expr for n, x in found)
                found.append((fresh(one, [n for n, _ in found]) if (fresh_names or index) and not plain else one, expr))
        return found

    def _extend(self, table: _Table, items: tuple[s.Node, ...], scope: _Scope, span: e.Span) -> _Table:
        """Items of one extend see the input only, so ``extend b = a, a = 1`` reads the old ``a``."""
        computed, found = [], self._named_items(table, items, scope, fresh_names=False)
        names = dict(table.names)  # with what the items have said of an open table
        for name, expr in found:
            column = self._column(name, expr.type)
            computed.append((column, expr))
            names[name] = column
        return self._like(table, o.Compute(span, table.relation, tuple(computed)), names)

    def _project(self, table: _Table, items: tuple[s.Node, ...], scope: _Scope, span: e.Span) -> _Table:
        names: dict[str, e.Column] = {}
        computed = []
        for name, expr in self._named_items(table, items, scope):
            if isinstance(expr, e.ColumnRef):
                names[name] = expr.column
                continue
            column = self._column(name, expr.type)
            computed.append((column, expr))
            names[name] = column
        relation = o.Compute(span, table.relation, tuple(computed)) if computed else table.relation
        return self._like(table, relation, names, open=False)

    def _chosen(
        self, table: _Table, node: s.ProjectAway | s.ProjectKeep | s.ProjectRename | s.ProjectReorder | s.ProjectByNames, scope: _Scope
    ) -> _Table:
        """The same rows under other names, in another order, or fewer of their columns."""
        names, open, gone = table.names, True, set[str]()
        match node:
            case s.ProjectAway(columns=columns):
                for pattern in columns:
                    self._check_pattern(table, pattern)
                    if isinstance(pattern, s.NameReference):
                        self._named_column(table, pattern.name, pattern.span, scope)
                        gone.add(pattern.name)
                names = {n: c for n, c in names.items() if not any(matches(p, table.doubled.get(n, n)) for p in columns)}
                gone |= table.names.keys() - names.keys()
            case s.ProjectKeep(columns=columns):
                for pattern in columns:
                    self._check_pattern(table, pattern)
                    if isinstance(pattern, s.NameReference):
                        self._named_column(table, pattern.name, pattern.span, scope)
                names, open = {n: c for n, c in table.names.items() if any(matches(p, n) for p in columns)}, False
            case s.ProjectByNames(names=wanted):
                given = [self.expression(x, table, scope) for x in wanted]
                flat = [v.value for x in given for v in (x.items if isinstance(x, e.Items) else (x,)) if isinstance(v, e.Const)]
                shown = [n for given in map(str, flat) for n in (like(given, table.names) if "*" in given else [given])]
                names, open = {n: c for n in shown if (c := self._resolve(table, n)) is not None}, False
            case s.ProjectRename(items=items):
                renamed: dict[str, str] = {}
                for item in items:
                    if isinstance(item, s.Named) and isinstance(item.value, s.NameReference):
                        self._named_column(table, item.value.name, item.value.span, scope)
                        renamed[item.value.name] = item.names[0].value
                    elif isinstance(item, s.Named):
                        self.problem(Problem("unknown-column", item.value.span, "project-rename takes the name of a column here"))
                names = {renamed.get(n, n): c for n, c in table.names.items()}
                gone |= renamed.keys()
            case s.ProjectReorder(columns=ordered):
                front: list[str] = []
                for key in ordered:
                    if isinstance(key.value, s.NameReference):
                        self._named_column(table, key.value.name, key.value.span, scope)
                    found = [n for n in table.names if isinstance(key.value, s.Star) or matches(key.value, n)]
                    order = _natural if key.direction and key.direction.startswith("granny") else str.lower
                    front += sorted(found, key=order, reverse=key.direction.endswith("desc")) if key.direction else found
                names = {n: table.names[n] for n in dict.fromkeys([*front, *table.names])}
        chosen = self._like(table, table.relation, names, open)
        return replace(chosen, hidden={**chosen.hidden, **dict.fromkeys(gone)}) if gone and open else chosen

    def _check_pattern(self, table: _Table, pattern: s.Node) -> None:
        """A name with an asterisk that means no column: an error where all columns are known."""
        if isinstance(pattern, s.Wildcard) and not any(matches(pattern, n) for n in table.names):
            sources = (*table.sources, *table.behind)
            if self._documented(sources):
                told = f"no column is like '{pattern.pattern}' here"
                self.problem(Problem("unlisted-column" if sources else "unknown-column", pattern.span, told, warns=bool(sources)))

    def _distinct(self, table: _Table, items: tuple[s.Node, ...], scope: _Scope, span: e.Span) -> _Table:
        everything = any(isinstance(i, s.Star) for i in items)
        projected = replace(table, names=self._own(table)) if everything else self._project(table, items, scope, span)
        columns = tuple(projected.names.values())
        partition = (table.row,) if table.row else ()
        return self._like(table, o.Distinct(span, projected.relation, (*partition, *columns)), projected.names, everything)

    def _orderings(self, table: _Table, keys: tuple[s.Ordered, ...], scope: _Scope) -> tuple[o.Ordering, ...]:
        """Sort keys; without a direction it is descending, and nulls come first where it ascends."""
        found = []
        for key in keys:
            value = key.value.value if isinstance(key.value, s.Named) else key.value
            descending = key.direction != "asc"
            nulls_first = key.nulls == "first" if key.nulls else not descending
            found.append(o.Ordering(self.expression(value, table, scope), descending, nulls_first))
        return tuple(found)

    def _limited(self, table: _Table, node: s.Operator, count: s.Node, by: tuple[s.Ordered, ...], scope: _Scope) -> _Table:
        limit = self.expression(count, None, scope)
        partition = (table.row,) if table.row else ()
        return self._like(
            table, o.Limit(node.span, table.relation, _what(node), limit, self._orderings(table, by, scope), partition), table.names
        )

    def _parse(self, table: _Table, node: s.Parse, scope: _Scope) -> _Table:
        parameters = {p.name: _word(p.value) for p in node.parameters}
        mode = parameters.get("kind") or "simple"
        added: dict[str, e.Column] = {}
        pattern: list[str | e.Column | None] = []
        for part in node.pattern:
            match part:
                case s.Column(name=name, type=kind):
                    added[name.value] = self._column(name.value, type_of(kind or "string"))
                    pattern.append(added[name.value])
                case s.Literal(value=str(text), span=span):
                    if mode == "regex":
                        _read_regex(e.const(text, span=span))
                    pattern.append(text)
                case s.Star():
                    pattern.append(None)
                case _:
                    value = self.expression(part, None, scope)
                    if not (isinstance(value, e.Const) and isinstance(value.value, str)):
                        return self._unsupported_with(table, node, {n: c.type for n, c in added.items()})
                    pattern.append(value.value)
        subject = self.expression(node.value, table, scope)
        relation = o.Parse(
            node.span, table.relation, subject, mode, parameters.get("flags") or "", tuple(pattern), node.keyword == "parse-where"
        )
        try:
            regex_of(relation)
        except ValueError as error:
            raise BindError(str(error), node.span) from None
        return self._parsed(table, relation, added)

    def _parse_pairs(self, table: _Table, node: s.ParseKv, scope: _Scope) -> _Table:
        added = {c.name.value: self._column(c.name.value, type_of(c.type or "string")) for c in node.schema.columns}
        given: dict[str, list[object]] = {}
        for property in node.properties:
            given.setdefault(property.name, []).append(_constant(self.expression(property.value, None, scope), ""))
        unknown = set(given) - {"pair_delimiter", "kv_delimiter", "quote", "escape", "greedy", "regex"}
        if unknown:
            raise BindError(f"parse-kv has no property {min(unknown)}", node.span)
        pair, key, regex = (str(given.get(n, [""])[0]) for n in ("pair_delimiter", "kv_delimiter", "regex"))
        if bool(pair) != bool(key):
            raise BindError("parse-kv takes pair_delimiter and kv_delimiter together", node.span)
        quotes, escapes = (tuple(map(str, given.get(n, []))) for n in ("quote", "escape"))
        if any(len(q) not in (1, 2) for q in quotes) or any(len(x) != 1 for x in escapes):
            raise BindError("quote is one character or two, and escape is one", node.span)
        if regex:
            _read_regex(e.const(regex, span=node.span))
            if regex_groups(parse_regex(regex)) != 2:
                raise BindError("the regular expression of parse-kv has two groups, for the key and the value", node.span)
        relation = o.ParsePairs(
            node.span, table.relation, self.expression(node.value, table, scope), tuple(added.values()), pair, key, quotes, escapes,
            given.get("greedy") == [True], regex,
        )  # fmt: skip
        return self._parsed(table, relation, added)

    def _scan(self, table: _Table, node: s.Scan, scope: _Scope) -> _Table:
        """scan: its steps read the row, and by a step's name what that step has seen last."""
        relation = table.relation
        if node.order:
            relation = o.Sort(node.span, relation, self._orderings(table, node.order, scope))
        keys = [self.expression(x, table, scope) for x in node.partition]
        computed = [(self._column("", x.type), x) for x in keys if not isinstance(x, e.ColumnRef)]
        if computed:
            relation = o.Compute(node.span, relation, tuple(computed))
        partition = [x.column for x in keys if isinstance(x, e.ColumnRef)] + [c for c, _ in computed] + ([table.row] if table.row else [])
        declared: dict[str, tuple[e.Column, e.Expr]] = {}
        for parameter in node.declared:
            kind = type_of(parameter.type) if isinstance(parameter.type, str) else Type.UNKNOWN
            default = self.expression(parameter.default, None, scope) if parameter.default is not None else e.Const(None, kind, None)
            if self.closed is not None and parameter.name.value in table.names:
                raise BindError(f"scan declares a column '{parameter.name.value}', which is there already", node.span)
            declared[parameter.name.value] = (self._column(parameter.name.value, kind), default)
        states: dict[tuple[int, e.Column], e.Column] = {}
        seen = [step.name.value for step in node.steps]
        if len(set(seen)) < len(seen):
            raise BindError("the steps of scan need names of their own", node.span)

        def record(step: int, reader: int) -> _Record:
            def part(name: str, span: e.Span) -> e.Expr:
                if step > reader:
                    raise BindError(f"the step {seen[reader]} of scan cannot read {seen[step]}.{name}", span)
                column = declared[name][0] if name in declared else self._named_column(table, name, span, scope)
                if column is None:
                    return _unknown_column(name, span)
                state = states.setdefault((step, column), self._column(name, column.type))
                return e.ColumnRef(span, state.type, state)

            return _Record(part)

        # The official binder knows a declared column by its bare name, of which the page says nothing.
        bare = {n: c for n, (c, _) in declared.items()} if self.closed is None else {}
        inner = self._like(table, relation, {**{n: c for n, c in table.names.items() if n not in declared}, **bare})
        steps = []
        for number, step in enumerate(node.steps):
            if step.optional:
                return self._unsupported_with(table, node, {n: c.type for n, (c, _) in declared.items()})
            values: dict[str, e.Expr | _Table | _Record] = {name: record(i, number) for i, name in enumerate(seen)}
            within = _Scope(parent=scope, values=values)
            assignments = []
            for assignment in step.assignments:
                target, value = assignment.names[0], self.expression(assignment.value, inner, within)
                if target.value in declared:
                    assignments.append((declared[target.value][0], value))
                elif self.closed is not None:
                    raise BindError(
                        f"what scan makes of a column that is none of the declared, '{target.value}', is not documented", target.span
                    )
                else:
                    self._named_column(table, target.value, target.span, scope)
            steps.append(o.ScanStep(step.output or "all", self.expression(step.condition, inner, within), tuple(assignments)))
        # The official binder shows match_id where nothing asks for it; the page, and so the engine, does not.
        wanted = next(
            (_word(p.value) for p in node.parameters if p.name == "with_match_id"), None if self.closed is not None else "match_id"
        )
        match = self._column(wanted, Type.LONG) if wanted else None
        scan = o.Scan(
            node.span, relation, "the operator scan is not supported yet", tuple(partition), tuple(declared.values()), tuple(steps),
            tuple((step, column, state) for (step, column), state in states.items()), match,
        )  # fmt: skip
        return self._parsed(table, scan, {n: c for n, (c, _) in declared.items()} | ({wanted: match} if wanted and match else {}))

    def _partition(self, table: _Table, node: s.Partition | s.PartitionBy, scope: _Scope) -> _Table:
        """Each value of ``by`` goes through the pipeline on its own: what groups or limits does so for each."""
        by, pipeline, reason = node.by, node.pipeline, f"the operator {_what(node)} is not supported yet"
        column = self._named_column(table, by.name, by.span, scope) if isinstance(by, s.NameReference) else None
        if column is None or table.row is not None or (isinstance(node, s.Partition) and node.values is not None):
            return self._unsupported(None, node, reason)
        key = self._column(column.name, column.type)
        parts = o.Aggregate(node.span, table.relation, ((key, e.ColumnRef(node.span, column.type, column)),), ())
        operators: tuple[s.Operator, ...]
        if isinstance(node, s.Partition) and node.braces:
            # The pipeline has a source of its own, which is gone through once for each value of ``by``.
            source = pipeline.source if isinstance(pipeline, s.Pipeline) else pipeline
            operators = pipeline.operators if isinstance(pipeline, s.Pipeline) else ()
            assert source is not None
            own = self.table(source, scope)
            both = o.Join(node.span, parts, own.relation, "inner", ())
            inner = replace(self._like(own, both, dict(own.names)), outer={column.name: key}, row=key, parts=(parts, key))
        elif isinstance(pipeline, s.Pipeline) and pipeline.source is None:
            operators = pipeline.operators
            inner = replace(self._like(table, table.relation, dict(table.names)), outer={}, row=column, parts=(parts, key))
        else:
            return self._unsupported(None, node, reason)
        for operator in operators:
            inner = self.operator(inner, operator, scope)
        return _Table(inner.relation, inner.names, inner.sources, hidden=inner.hidden, behind=inner.behind)

    def _evaluate(self, table: _Table, node: s.Evaluate, scope: _Scope) -> _Table:
        """Plugins: their columns, where these do not depend on the data; what they do is not carried out but for a few."""
        call, schema = node.call, node.schema
        name, arguments = call.name, call.arguments
        reason = f"the plugin {name} is not supported yet"
        if name not in plugins():
            raise BindError(f"there is no plugin {name}{suggestion(name, plugins())}", call.span)
        if name == "bag_unpack":
            return self._bag_unpack(table, node, scope)
        if name == "pivot" and self.discover is not None and (schema is None or not schema.open):
            return self._pivot(table, node, scope)
        if schema is not None:
            declared = {c.name.value: type_of(c.type) for c in schema.columns}
            given = self._evaluate(table, replace(node, schema=None), scope).names if schema.open else {}
            kept = {n: c for n, c in given.items() if n not in declared}
            return self._plugin(_Table(table.relation, kept), node, reason, declared)
        first = arguments[0] if arguments else None
        match name:
            case "pivot" if isinstance(first, s.NameReference):
                used = {automatic_name(x) for a in arguments[1:2] if isinstance(a, s.Call) for x in a.arguments}
                wanted = [a for a in arguments[2:] if isinstance(a, s.NameReference)]
                names = {a.name: c for a in wanted if (c := self._named_column(table, a.name, a.span, scope)) is not None}
                names = names or {n: c for n, c in table.names.items() if n != first.name and n not in used}
                values = tuple(self.expression(a, table, scope) for a in arguments[:2])
                plugin = o.Plugin(node.span, table.relation, reason, name, values, o.Source(node.span, "?", next(self.ids)))
                return _Table(plugin, names, (plugin.source,))
            case "autocluster" | "basket" | "diffpatterns":
                counts = ("CountA", "CountB", "PercentA", "PercentB", "PercentDiffAB") if name == "diffpatterns" else ("Count", "Percent")
                added = {"SegmentId": Type.LONG} | {c: Type.LONG if c.startswith("Count") else Type.REAL for c in counts}
                return self._plugin(_Table(table.relation, {}), node, reason, added | _types(table))
            case "narrow":
                narrow = {"Row": Type.LONG, "Column": Type.STRING, "Value": Type.STRING}
                return self._plugin(_Table(table.relation, {}), node, reason, narrow)
            case "dcount_intersect" if len(arguments) > 1:
                return self._dcount_intersect(table, node, scope)
            case "rows_near" if 1 < len(arguments) < 4:
                values = tuple(self.expression(a, table, scope) for a in arguments)
                named = tuple(zip(("condition", "before", "after"), (*values, values[-1]), strict=False))
                return self._like(table, o.Evaluation(node.span, table.relation, reason, name, named), table.names)
            case _ if name in TIMELINES and len(arguments) > 2:
                return self._timeline(table, node, scope, reason)
            case "ipv4_lookup" | "ipv6_lookup" if len(arguments) > 2 and first is not None:
                return self._address_lookup(table, node, scope)
            case "activity_counts_metrics" if len(arguments) >= 5:
                id, start, end, step = (self.expression(arguments[i], table, scope) for i in (0, 2, 3, 4))
                timeline, *sliced = self._named_items(table, (arguments[1], *arguments[5:]), scope)
                return _Table(*activity_counts(node.span, table.relation, id, timeline, start, end, step, sliced, self._column))
            case "schema_merge" if self.closed is not None:
                return self._schema_merge(table, node, scope)
        return self._unsupported(_Table(table.relation, {}, (o.Source(node.span, "?", next(self.ids)),)), node, reason)

    def _timeline(self, table: _Table, node: s.Evaluate, scope: _Scope, reason: str) -> _Table:
        """A plugin that counts ids along a timeline: its constants, the dimensions that slice it, and its columns."""
        name, given = node.call.name, list(node.call.arguments)
        known = TIMELINES[name]
        last = self.expression(given[-1], table, scope)
        lookback = self.table(given.pop(), scope) if known.cohort and isinstance(last, e.Subquery) and not last.scalar else None
        items = self._named_items(table, tuple(given), scope)
        roles = known.parameters
        if known.cohort and len(items) > len(roles) and not e.columns_of(items[len(roles)][1]):
            roles = (*roles, "cohort")
        arguments = {role: expr for role, (_, expr) in zip(roles, items, strict=False)}
        dimensions = items[len(roles) :]
        (subject, ids), (time, moment) = items[0], items[min(known.parameters.index("time"), len(items) - 1)]
        metrics = known.metrics
        if name == "rolling_percentile":
            rank, bins = (x.value if isinstance(x, e.Const) else "" for x in map(arguments.get, ("percentile", "bins")))
            metrics = ((f"rolling_{bins}_percentile_{subject}_{rank}", ids.type),)
        shown = [(prefix + time, moment.type) for prefix in known.prefixes] + [(n, x.type) for n, x in dimensions] + [*metrics]
        columns = tuple(self._column(n, kind) for n, kind in shown)
        names = {c.name: c for c in columns}
        if len(arguments) < len(roles) or any(e.columns_of(x) for role, x in arguments.items() if role not in known.columns):
            constants = ", ".join(role for role in known.parameters if role not in known.columns)
            return _Table(o.Unsupported(node.span, table.relation, f"{name} needs constants here: {constants}"), names)
        if lookback is not None:
            column = lookback.names.get(subject)
            if column is None:
                raise BindError(f"the table of ids has no column '{subject}'", node.call.arguments[-1].span)
            seen = self._column("seen", Type.DYNAMIC)
            made = e.Apply(node.span, Type.DYNAMIC, "make_set", (e.ColumnRef(node.span, column.type, column),))
            listed = o.Aggregate(node.span, lookback.relation, (), ((seen, made),))
            arguments["seen"] = e.Subquery(node.span, Type.DYNAMIC, listed, True, seen)
        found = o.Evaluation(node.span, table.relation, reason, name, tuple(arguments.items()), tuple(x for _, x in dimensions), columns)
        return _Table(found, names)

    def _pivot(self, table: _Table, node: s.Evaluate, scope: _Scope) -> _Table:
        """pivot: a column for each value of one, with an aggregate of its rows. Source: learn.microsoft.com/kusto/query/pivot-plugin."""
        assert self.discover is not None
        arguments = node.call.arguments
        first = arguments[0] if arguments else None
        pivoted = self._resolve(table, first.name) if isinstance(first, s.NameReference) else None
        call = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], s.Call) else None
        others = arguments[1 if call is None else 2 :]
        if pivoted is None or not all(isinstance(a, s.NameReference) for a in others):
            raise BindError("pivot takes a column, an aggregate, and the columns to keep", node.span)
        function = canonical(call.name) if call is not None else "count"
        if function not in _PIVOTED:
            raise BindError(f"pivot has no aggregate {function}(): it has {', '.join(_PIVOTED)}", node.span)
        subjects = tuple(self.expression(a, table, scope) for a in call.arguments) if call is not None else ()
        used = {pivoted, *(c for x in subjects for c in e.columns_of(x))}
        kept = [(a.name, self._resolve(table, a.name)) for a in others if isinstance(a, s.NameReference)]
        kept = kept or [(n, c) for n, c in table.names.items() if c not in used]
        keys = tuple((self._column(n, c.type), e.ColumnRef(node.span, c.type, c)) for n, c in kept if c is not None)
        text = e.Apply(node.span, Type.STRING, "tostring", (e.ColumnRef(node.span, pivoted.type, pivoted),))
        if node.schema is not None:
            values = [c.name.value for c in node.schema.columns if c.name.value not in dict(kept)]
        else:
            column = self._column("text", Type.STRING)
            named = o.Distinct(node.span, o.Compute(node.span, table.relation, ((column, text),)), (column,))
            values = [value for value, _ in self.discover(named, "pivot", (e.ColumnRef(node.span, column.type, column),))]
        if taken := [v for v in values if not v or v in dict(kept)]:
            raise BindError(f"pivot makes no column of the value {taken[0]!r}: it is empty, or the name of another column", node.span)
        kind = result_type(function, [x.type for x in subjects])
        found = []
        for value in values:
            of_value = e.Apply(node.span, Type.BOOL, "==", (text, e.const(value)))
            given = (*subjects[:1], of_value, *subjects[1:])
            found.append((self._column(value, kind), e.Apply(node.span, kind, _PIVOTED[function], given)))
        names = [c.name for c, _ in (*keys, *found)]
        grouped = self._grouped(table, node.span, keys, tuple(found), names)
        if node.schema is not None:
            declared = {c.name.value: type_of(c.type) for c in node.schema.columns}
            if {n: c.type for n, c in grouped.names.items()} != declared:
                shown = ", ".join(f"{n}:{c.type}" for n, c in grouped.names.items())
                raise BindError(f"the schema of pivot is another than that of what it makes: {shown}", node.span)
            grouped.names.update({n: grouped.names.pop(n) for n in declared})
        return grouped

    def _dcount_intersect(self, table: _Table, node: s.Evaluate, scope: _Scope) -> _Table:
        """dcount_intersect: how many values the first sets have in common, one more each. hll() keeps the values themselves here."""
        sets = tuple(self.expression(a, table, scope) for a in node.call.arguments)
        computed = []
        for number in range(len(sets)):
            common = e.Apply(node.span, Type.DYNAMIC, "set_intersect", (sets[0], *sets[: number + 1]))
            computed.append((self._column(f"s{number}", Type.LONG), e.Apply(node.span, Type.LONG, "array_length", (common,))))
        names = {**table.names, **{c.name: c for c, _ in computed}}
        return self._like(table, o.Compute(node.span, table.relation, tuple(computed)), names)

    def _address_lookup(self, table: _Table, node: s.Evaluate, scope: _Scope) -> _Table:
        """ipv4_lookup and ipv6_lookup: a join with the networks that hold an address, and where further keys are equal."""
        lookup, address, network, *rest = node.call.arguments
        right = self.table(lookup, scope)
        flags = [a for a in rest if isinstance(a, s.Literal | s.Named)]
        keys = [a for a in rest if isinstance(a, s.NameReference)]
        unmatched = any(getattr(f.value, "value", f.value) is True for f in flags)
        function = "ipv4_is_in_range" if node.call.name == "ipv4_lookup" else "ipv6_is_in_range"
        inside = e.Apply(node.span, Type.BOOL, function, (self.expression(address, table, scope), self.expression(network, right, scope)))
        pairs = []
        for key in keys:
            a, b = (self._named_column(side, key.name, key.span, scope) for side in (table, right))
            if a is not None and b is not None:
                pairs.append((e.ColumnRef(key.span, a.type, a), e.ColumnRef(key.span, b.type, b)))
        kind = "leftouter" if unmatched else "inner"
        names = _side_by_side(table.names, {n: c for n, c in right.names.items() if n not in [k.name for k in keys]})
        return self._of_both(table, right, o.Join(node.span, table.relation, right.relation, kind, tuple(pairs), inside), names)

    def _plugin(self, table: _Table, node: s.Evaluate, reason: str, added: Mapping[str, Type]) -> _Table:
        out = self._unsupported(table, node, reason)
        for name, kind in added.items():
            out.names[name] = self._column(name, kind)
        return out

    def _bag_unpack(self, table: _Table, node: s.Evaluate, scope: _Scope) -> _Table:
        """bag_unpack: a column for each key. Source: learn.microsoft.com/kusto/query/bag-unpack-plugin."""
        given = self._plugin_arguments(node, ("Column", "OutputColumnPrefix", "columnsConflict", "ignoredProperties"))
        bag = given.get("Column")
        if not isinstance(bag, s.NameReference):
            return self._unsupported(_Table(table.relation, {}), node, "bag_unpack of what is no column is not supported")
        column = self._named_column(table, bag.name, bag.span, scope)
        if self.closed is not None and column is not None and column.type not in (Type.DYNAMIC, Type.UNKNOWN):
            raise BindError(f"bag_unpack unpacks a dynamic column, and '{bag.name}' is of type {column.type}", bag.span)
        options = {n: self.expression(x, None, scope) for n, x in given.items() if n != "Column"}
        prefix = str(_constant(options.get("OutputColumnPrefix"), ""))
        conflict = _constant(options.get("columnsConflict"), "error")
        if conflict not in ("error", "replace_source", "keep_source"):
            raise BindError(f"columnsConflict is 'error', 'replace_source' or 'keep_source', and not {conflict!r}", node.span)
        listed = options.get("ignoredProperties")
        ignored = {x.value for x in listed.items if isinstance(x, e.Const)} if isinstance(listed, e.Items) else set()
        rest = {n: c for n, c in table.names.items() if n != bag.name}
        reason = "the columns that bag_unpack makes depend on the data"
        if node.schema is not None and column is not None:
            keys = [
                (name.removeprefix(prefix) if name.startswith(prefix) else None, name, type_of(c.type))
                for c in node.schema.columns
                if (name := c.name.value) not in rest or conflict != "error" or node.schema.open
            ]
        elif column is None or (self.discover is None and not (table.sources and table.sources[0].table in self.schema)):
            # Nothing tells the table's own columns from those of the bag.
            return self._unsupported(_Table(table.relation, rest, (o.Source(node.span, "?", next(self.ids)),)), node, reason)
        elif self.discover is None:
            arguments = (self.expression(bag, table, scope), *([options["OutputColumnPrefix"]] if prefix else []))
            plugin = o.Plugin(node.span, table.relation, reason, "bag_unpack", arguments, o.Source(node.span, "?", next(self.ids)))
            return _Table(plugin, rest, (plugin.source,))
        else:
            found = self.discover(table.relation, "bag_unpack", (e.ColumnRef(bag.span, column.type, column),))
            keys = [(key, prefix + key, kind) for key, kind in found if key not in ignored]
        reference = e.ColumnRef(bag.span, column.type, column)
        computed: list[tuple[e.Column, e.Expr]] = []
        for key, name, kind in keys:
            if name in rest and conflict == "error" and self.discover is not None:
                raise BindError(
                    f"bag_unpack makes a column '{name}', which is there already: columnsConflict says which to keep", node.span
                )
            if name in rest and conflict == "keep_source":
                continue
            made = self._column(name, kind)
            path: e.Expr = e.Const(None, Type.DYNAMIC, None)
            if key is not None and key not in ignored:
                path = e.Path(bag.span, Type.DYNAMIC, reference, (key,))
            computed.append((made, path if kind == Type.DYNAMIC else e.Apply(bag.span, kind, _CONVERSIONS[kind], (path,))))
        declared = {c.name: c for c, _ in computed}
        names = {**{n: c for n, c in rest.items() if n not in declared}, **declared}
        if node.schema is not None and not node.schema.open:
            names = {c.name.value: names[c.name.value] for c in node.schema.columns}
        return self._like(
            table, o.Compute(node.span, table.relation, tuple(computed)), names, open=node.schema is not None and node.schema.open
        )

    def _schema_merge(self, table: _Table, node: s.Evaluate, scope: _Scope) -> _Table:
        given = self._plugin_arguments(node, ("PreserveOrder",))
        ordered = self.expression(given["PreserveOrder"], None, scope) if given else e.TRUE
        read = tuple(c for n in _SCHEMA if (c := self._resolve(table, n)) is not None)
        if len(read) < len(_SCHEMA):
            raise BindError("schema_merge reads what getschema gives", node.span)
        columns = tuple(self._column(n, k) for n, k in _SCHEMA.items())
        reason = "the plugin schema_merge is not supported yet"
        return _Table(o.SchemaMerge(node.span, table.relation, reason, read, columns, ordered), {c.name: c for c in columns})

    def _plugin_arguments(self, node: s.Evaluate, parameters: Sequence[str]) -> dict[str, s.Node]:
        """The arguments of a plugin by the names of its parameters: an unnamed one is that of its place."""
        given: dict[str, s.Node] = {}
        unnamed = iter(parameters)
        for argument in node.call.arguments:
            if isinstance(argument, s.Named) and argument.names[0].value in parameters:
                given[argument.names[0].value] = argument.value
            elif (name := next((n for n in unnamed if n not in given), None)) is not None:
                given[name] = argument
            else:
                raise BindError(f"{node.call.name} takes {len(parameters)} arguments at most: {', '.join(parameters)}", argument.span)
        return given

    def _summarize(self, table: _Table, node: s.Summarize, scope: _Scope) -> _Table:
        keys = [(self._column(n, x.type), x) for n, x in self._named_items(table, node.by, scope)]
        if node.bin is not None:
            # ``by bin(...)`` is written ``by x, y step`` in the oldest form: the last key is rounded down to it.
            step = self.expression(node.bin, None, scope)
            column, value = keys[-1]
            keys[-1] = (column, e.Apply(value.span, value.type, "bin", (value, step)))
        taken = [c.name for c, _ in keys]
        found: list[tuple[e.Column, e.Expr]] = []
        for item in node.aggregates:
            for index, (name, expr) in enumerate(self._aggregate_columns(table, item, [x for _, x in keys], scope)):
                name = name or self._numbered(item, {}, scope)
                if isinstance(item, s.Named) and index == 0 and name in [c.name for c, _ in found]:
                    found = [(c, x) for c, x in found if c.name != name]
                else:
                    name = fresh(name, taken)
                taken.append(name)
                found.append((self._column(name, expr.type), expr))
        grouped = self._grouped(table, node.span, tuple(keys), tuple(found), [c.name for c, _ in (*keys, *found)])
        carried = any(isinstance(a, s.Star) for item in node.aggregates for a in s.walk(item))
        return replace(grouped, behind=(*table.sources, *table.behind)) if carried else grouped

    def _aggregate_columns(self, table: _Table, item: s.Node, keys: list[e.Expr], scope: _Scope) -> list[tuple[str, e.Expr]]:
        """The columns of one item of summarize; the name is empty where KQL numbers it."""
        value = item.value if isinstance(item, s.Named) else item
        given = [n.value for n in item.names] if isinstance(item, s.Named) else []
        while isinstance(value, s.Parenthesized):
            value = value.value
        call = value if isinstance(value, s.Call) else None
        name = canonical(call.name) if call else ""
        star = any(isinstance(a, s.Star) for a in call.arguments) if call else False
        if call and name in ("arg_max", "arg_min") and call.arguments:
            columns = self._arg_columns(table, call, name, keys, scope)
        elif call and name == "take_any" and (len(call.arguments) > 1 or star):
            columns = [(n, e.Apply(call.span, x.type, "take_any", (x,))) for n, x in self._listed(table, call.arguments, keys, scope)]
            if call.name == "any":
                columns = [(f"any_{n}", x) for n, x in columns]
        elif call and name in ("percentiles", "percentilesw") and len(call.arguments) > 1:
            weighted = name == "percentilesw"
            args = [self.expression(a, table, scope) for a in call.arguments]
            subject, ranks = args[: 1 + weighted], args[1 + weighted :]
            texts = [str(r.value).replace(".", "_") if isinstance(r, e.Const) else str(i) for i, r in enumerate(ranks)]
            columns = [
                (
                    f"percentile_{automatic_name(call.arguments[0])}_{text}",
                    e.Apply(call.span, subject[0].type, name[:-1] if not weighted else "percentilew", (*subject, rank)),
                )
                for text, rank in zip(texts, ranks, strict=True)
            ]
        else:
            columns = [(automatic_name(value), self.expression(value, table, scope))]
        names = [*given[: len(columns)], *(n for n, _ in columns[len(given) :])]
        return list(zip(names, (x for _, x in columns), strict=True))

    def _listed(self, table: _Table, arguments: tuple[s.Node, ...], keys: list[e.Expr], scope: _Scope) -> list[tuple[str, e.Expr]]:
        """Arguments as named columns; ``*`` is every column that is no key."""
        if any(isinstance(a, s.Star) for a in arguments):
            own = {x.column for x in keys if isinstance(x, e.ColumnRef)}
            return [(n, e.ColumnRef(None, c.type, c)) for n, c in self._own(table).items() if c not in own]
        return self._named_items(table, arguments, scope)

    def _arg_columns(self, table: _Table, call: s.Call, function: str, keys: list[e.Expr], scope: _Scope) -> list[tuple[str, e.Expr]]:
        """The extreme value and the columns that it carries along: each is the value in the row of the extreme."""
        first, *rest = call.arguments
        ((name, by),) = self._named_items(table, (first,), scope)[:1]
        named = automatic_name(first) or (name if isinstance(first, s.Named) else "")
        columns: list[tuple[str, e.Expr]] = [(named or f"{function[4:]}_", by)]
        if any(isinstance(a, s.Star) for a in rest):
            columns += [(n, x) for n, x in self._listed(table, tuple(rest), keys, scope) if x != by]
        else:
            for number, argument in enumerate(rest, 1):
                own = automatic_name(argument)
                value = argument.value if isinstance(argument, s.Named) else argument
                columns.append((own or f"{function[4:]}_{named}_arg{number}", self.expression(value, table, scope)))
        return [(n, e.Apply(call.span, x.type, function, (by, x))) for n, x in columns]

    def _grouped(
        self, table: _Table, span: e.Span, keys: tuple[tuple[e.Column, e.Expr], ...],
        aggregates: tuple[tuple[e.Column, e.Expr], ...], names: list[str],
    ) -> _Table:  # fmt: skip
        """A summarize. Inside mv-apply it also groups by the expanded row and carries that row's columns on."""
        columns = [c for c, _ in (*keys, *aggregates)]
        shown = dict(zip(names, columns, strict=True))
        if table.row is None:
            return _Table(o.Aggregate(span, table.relation, keys, aggregates), shown)
        row = self._column("", table.row.type)
        carried = {n: (self._column(n, c.type), e.ColumnRef(span, c.type, c)) for n, c in table.outer.items()}
        kept = tuple((c, e.Apply(span, c.type, "take_any", (x,))) for c, x in carried.values())
        relation = o.Aggregate(span, table.relation, (*keys, (row, e.ColumnRef(span, row.type, table.row))), (*aggregates, *kept))
        if table.parts is not None and not keys:
            return self._of_each_part(table, relation, aggregates, row, shown)
        return _Table(relation, shown, (), {n: c for n, (c, _) in carried.items()}, row, table.parts)

    def _of_each_part(
        self,
        table: _Table,
        found: o.Aggregate,
        aggregates: tuple[tuple[e.Column, e.Expr], ...],
        row: e.Column,
        names: Mapping[str, e.Column],
    ) -> _Table:
        """A summarize without keys inside partition: a part of which no row is left has a row too."""
        assert table.parts is not None
        parts, key = table.parts
        a, b = e.ColumnRef(None, key.type, key), e.ColumnRef(None, row.type, row)
        none = e.conjunction(*(e.Apply(None, Type.BOOL, "isnull", (x,)) for x in (a, b)))
        same = e.disjunction(e.Apply(None, Type.BOOL, "==", (a, b)), *([none] if key.type != Type.STRING else []))
        there = self._column("", Type.LONG)
        marked = o.Aggregate(found.span, found.input, found.keys, (*found.aggregates, (there, e.Apply(None, Type.LONG, "count", ()))))
        both = o.Join(found.span, parts, marked, "leftouter", (), same)
        empty = o.Filter(found.span, found.input, e.FALSE)
        computed: list[tuple[e.Column, e.Expr]] = []
        shown: dict[str, e.Column] = {}
        for (name, column), (_, expr) in zip(names.items(), aggregates, strict=True):
            alone = self._column(name, column.type)
            otherwise = e.Subquery(found.span, column.type, o.Aggregate(found.span, empty, (), ((alone, expr),)), True, alone)
            missing = e.Apply(None, Type.BOOL, "isnull", (e.ColumnRef(None, Type.LONG, there),))
            shown[name] = self._column(name, column.type)
            value = e.Apply(found.span, column.type, "iff", (missing, otherwise, e.ColumnRef(None, column.type, column)))
            computed.append((shown[name], value))
        carried = dict.fromkeys(table.outer, key)
        return _Table(o.Compute(found.span, both, tuple(computed)), shown, (), carried, key, table.parts)

    def _join(self, left: _Table, node: s.Join | s.Lookup, scope: _Scope) -> _Table:
        right = self.table(node.right, scope)
        parameters = {p.name: p.value for p in node.parameters}
        kind = _word(parameters.get("kind")) or ("leftouter" if isinstance(node, s.Lookup) else "innerunique")
        if node.conditions is None:
            return self._unsupported(left, node, "a join without an on clause is not supported")
        pairs: list[tuple[e.Expr, e.Expr]] = []
        shared: set[str] = set()
        for condition in _flat_conditions(node.conditions):
            pair = self._join_condition(condition, left, right, scope)
            if pair is None:
                return self._unsupported(left, condition, "a join condition that is no equality of two columns is not supported")
            pairs.append(pair)
            if isinstance(node, s.Lookup) and isinstance(pair[1], e.ColumnRef):
                shared.add(next(n for n, c in right.names.items() if c == pair[1].column))
        if kind == "anti":
            kind = "leftanti"
        relation: o.Relation = o.Join(node.span, left.relation, right.relation, kind, tuple(pairs))
        if left.row is not None and kind not in ("inner", "leftouter", "leftsemi", "leftanti", "leftantisemi"):
            reason = f"a join of kind {kind} is not supported inside partition and mv-apply yet"
            relation = o.Unsupported(node.span, left.relation, reason)
        if kind in ("leftsemi", "leftanti", "anti", "leftantisemi"):
            return _Table(
                relation, dict(left.names), left.sources, left.outer, left.row, left.parts, hidden=left.hidden, behind=left.behind
            )
        if kind in ("rightsemi", "rightanti", "rightantisemi"):
            return _Table(relation, dict(right.names), right.sources, hidden=right.hidden, behind=right.behind)
        kept = {n: c for n, c in right.names.items() if not (isinstance(node, s.Lookup) and n in shared)}
        return self._of_both(left, right, relation, _side_by_side(left.names, kept))

    def _of_both(self, left: _Table, right: _Table, relation: o.Relation, names: dict[str, e.Column]) -> _Table:
        """A table of the columns of two, inside what the first is part of; what one has taken away the other may have."""
        hidden = {
            n: c
            for one, other in ((left, right), (right, left))
            for n, c in one.hidden.items()
            if c is not None or n in other.hidden or not (other.sources or other.behind)
        }
        sources, behind = left.sources + right.sources, left.behind + right.behind
        return _Table(relation, names, sources, left.outer, left.row, left.parts, hidden=hidden, behind=behind)

    def _join_condition(self, node: s.Expression, left: _Table, right: _Table, scope: _Scope) -> tuple[e.Expr, e.Expr] | None:
        if isinstance(node, s.NameReference):
            a, b = (self._named_column(side, node.name, node.span, scope) for side in (left, right))
            if a is None or b is None:
                return None
            return e.ColumnRef(node.span, a.type, a), e.ColumnRef(node.span, b.type, b)
        if isinstance(node, s.Binary) and node.operator == "==":
            sides: dict[str, e.Expr] = {}
            for part in (node.left, node.right):
                if isinstance(part, s.Member) and isinstance(part.base, s.NameReference) and isinstance(part.name, s.Name):
                    table = {"$left": left, "$right": right}.get(part.base.name)
                    column = self._named_column(table, part.name.value, part.name.span, scope) if table is not None else None
                    if column is not None:
                        sides[part.base.name] = e.ColumnRef(part.span, column.type, column)
            if len(sides) == 2:
                return sides["$left"], sides["$right"]
        return None

    # --- expressions

    def expression(self, node: s.Node, table: _Table | None, scope: _Scope) -> e.Expr:
        """The scalar meaning of ``node`` over the columns of ``table``."""
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH * 4:
                raise BindError("this expression nests too deeply", node.span)
            return self._expression(node, table, scope)
        finally:
            self.depth -= 1

    def _expression(self, node: s.Node, table: _Table | None, scope: _Scope) -> e.Expr:
        def sub(part: s.Node) -> e.Expr:
            return self.expression(part, table, scope)

        match node:
            case s.Parenthesized(value=value):
                if isinstance(value, _TABULAR):
                    return self._subquery(self.table(value, scope), node.span)
                return sub(value)
            case s.Literal(kind=kind, value=value, span=span):
                return e.Const(span, type_of(kind), value)
            case s.Dynamic(value=value):
                inner = sub(value)
                return e.Items(node.span, Type.DYNAMIC, inner.items) if isinstance(inner, e.Items) else inner
            case s.JsonArray(items=items, span=span):
                return e.Items(span, Type.DYNAMIC, tuple(sub(i) for i in items))
            case s.JsonObject(pairs=pairs, span=span):
                parts = [x for p in pairs for x in (e.const(p.key, span=p.span), sub(p.value))]
                return e.Apply(span, Type.DYNAMIC, "bag_pack", tuple(parts))
            case s.NameReference(name=name, span=span):
                return self._name(name, span, table, scope)
            case s.Member(base=s.NameReference(name=owner), name=s.Name(value=name), span=span) if isinstance(
                record := scope.find(owner), _Record
            ):
                return record.part(name, span)
            case s.Member(base=base, name=s.Name(value=name), span=span):
                return _step(self._whole(sub(base), (node.name.span[0], span[1])), name, span)
            case s.Element(base=base, index=index, span=span):
                key, whole = sub(index), self._whole(sub(base), (base.span[1], span[1]))
                if isinstance(key, e.Const) and isinstance(key.value, str | int):
                    return _step(whole, key.value, span)
                return e.Apply(span, Type.DYNAMIC, "[]", (whole, key))
            case s.Logical(operator=operator, operands=operands):
                parts = [sub(x) for x in operands]
                return e.conjunction(*parts) if operator == "and" else e.disjunction(*parts)
            case s.Binary(operator=operator, left=s.Star(), right=right, span=span) if self.closed is not None and table is not None:
                return self._any_column(operator, sub(right), table, span)
            case s.Binary(operator=operator, left=left, right=right, span=span):
                if table is None:
                    self._check_value(left, table, scope)
                    self._check_value(right, table, scope)
                return _binary(operator, sub(left), sub(right), span)
            case s.Unary(operator=operator, operand=operand, span=span):
                signed = sub(operand)
                if isinstance(signed, e.Const) and isinstance(signed.value, int | float) and operator == "-":
                    return e.Const(span, signed.type, -signed.value)
                widened = Type.LONG if signed.type == Type.INT else signed.type
                if operator == "+":
                    return signed if widened == signed.type else e.Apply(span, widened, "tolong", (signed,))
                return e.Apply(span, widened, "neg", (signed,))
            case s.Membership(operator=operator, left=left, values=values, span=span):
                return self._membership(operator, sub(left), values, table, scope, span)
            case s.Between(operator=operator, left=left, low=low, high=high, span=span):
                result = e.Apply(span, Type.BOOL, "between", (sub(left), sub(low), sub(high)))
                return e.negation(result) if operator.startswith("!") else result
            case s.TabularCall(function="toscalar", pipeline=pipeline, span=span):
                if isinstance(pipeline, s.NameReference) and table is not None and (outer := table.outer.get(pipeline.name)) is not None:
                    return e.ColumnRef(span, outer.type, outer)
                return self._to_scalar(pipeline, span, scope)
            case s.Call():
                return self._call(node, table, scope)
            case s.Star(span=span):
                return e.Apply(span, Type.UNKNOWN, "*", ())
            case s.Named(value=value):
                return sub(value)
            case s.TypeOf(type=kind, span=span):
                return e.const(kind, Type.STRING, span)
            case s.Pipeline() | s.Datatable() | s.Union() | s.TabularCall() | s.ExternalData():
                return self._subquery(self.table(node, scope), node.span)
            case _:
                return e.Apply(node.span, Type.UNKNOWN, _what(node), ())

    def _whole(self, value: e.Expr, span: e.Span) -> e.Expr:
        """A value of which a part is read, at the place of the part."""
        guessed = isinstance(value, e.ColumnRef) and value.column.table is not None and value.column.table not in self.schema
        if value.type not in (Type.DYNAMIC, Type.UNKNOWN) and not guessed:
            meant = f"parse_json({value.column.name})" if isinstance(value, e.ColumnRef) else "parse_json(...)"
            self.problem(Problem("no-parts", span, f"a {value.type} has no parts: {meant} reads those of a text"))
        return value

    def _any_column(self, operator: str, right: e.Expr, table: _Table, span: e.Span) -> e.Expr:
        """``* has "x"``: any column does. Source: learn.microsoft.com/kusto/query/where-operator."""
        if operator not in (*_TERM_OPERATORS, *(f"{x}_cs" for x in _TERM_OPERATORS), "matches regex"):
            raise BindError(f"* {operator} is not supported", span)
        references = (e.ColumnRef(span, c.type, c) for c in self._own(table).values())
        return e.disjunction(*(_binary(operator, _as_text(x), right, span) for x in references))

    def _name(self, name: str, span: e.Span, table: _Table | None, scope: _Scope) -> e.Expr:
        if table is not None and name in table.names:
            if name in table.guessed:
                self._check_column(table, name, span, scope)
            column = table.names[name]
            return e.ColumnRef(span, column.type, column)
        found = scope.find(name)
        if isinstance(found, _Table):
            return self._subquery(found, span)
        if isinstance(found, e.Expr):
            return found
        if isinstance(found, _Record):
            if self.closed is None:
                return e.Apply(span, found.type, "record", (e.const(name),))
            raise BindError(f"'{name}' is no value: its parts are, as in {name}.part", span)
        if found is not None:
            node, defined = found
            if isinstance(node, s.Function):
                return self._subquery(self._named_table(name, span, scope), span)
            return self._let_value(node, defined, span)
        if table is None:
            return self._subquery(self._source(name, span), span)
        resolved = self._named_column(table, name, span, scope)
        if resolved is not None:
            return e.ColumnRef(span, resolved.type, resolved)
        return _unknown_column(name, span)

    def _let_value(self, node: s.Node, defined: _Scope, span: e.Span) -> e.Expr:
        self._use(span)
        self.bound.add(id(node))
        if isinstance(node, _TABULAR) or (isinstance(node, s.TabularCall) and node.function != "toscalar"):
            return self._subquery(self.table(node, defined), span)
        return self.expression(node, None, defined)

    def _subquery(self, table: _Table, span: e.Span, scalar: bool = False) -> e.Subquery:
        first = next(iter(table.names.values()), None)
        return e.Subquery(span, (first.type if first else Type.UNKNOWN) if scalar else Type.DYNAMIC, table.relation, scalar, first)

    def _to_scalar(self, pipeline: s.Node, span: e.Span, scope: _Scope) -> e.Expr:
        """``toscalar``: the first value of a table, or a scalar as it is."""
        if isinstance(pipeline, _TABULAR | s.TabularCall):
            return self._subquery(self.table(pipeline, scope), span, scalar=True)
        found = self.expression(pipeline, None, scope)
        if not isinstance(found, e.Subquery) or found.scalar:
            return found
        return e.Subquery(span, found.column.type if found.column else Type.UNKNOWN, found.relation, True, found.column)

    def _membership(
        self, operator: str, left: e.Expr, values: tuple[s.Expression, ...], table: _Table | None, scope: _Scope, span: e.Span
    ) -> e.Expr:
        items: list[e.Expr] = []
        for value in values:
            tabular = len(values) == 1 and ((isinstance(value, s.Call) and find(value.name) is None) or self._is_table(value, table, scope))
            if table is not None and not isinstance(left, e.Const):
                self._check_value(value, table, scope)
            expr = self.expression(value, None if tabular else table, scope)
            items.extend(expr.items if isinstance(expr, e.Items) else (expr,))
        negated = operator.startswith("!")
        result = e.Apply(span, Type.BOOL, operator.lstrip("!"), (left, e.Items(span, Type.DYNAMIC, tuple(items))))
        return e.negation(result) if negated else result

    def _call(self, node: s.Call, table: _Table | None, scope: _Scope) -> e.Expr:
        found = scope.find(node.name)
        if isinstance(found, tuple) and isinstance(found[0], s.Function):
            inner, last = self._arguments(node.name, found[0], node.arguments, found[1], scope, node.span, table)
            if isinstance(last, _TABULAR):
                return self._subquery(self.table(last, inner), node.span)
            if table is not None:
                self._check_value(last, None, inner)
            return self.expression(last, None, inner)
        if (element := _element_of(node)) is not None and isinstance(record := scope.find(element), _Record):
            if (meant := record.call(node)) is not None:
                return meant
        elif not node.arguments and isinstance(own := scope.find(f"{node.name}()"), e.Expr):
            return own
        if table is None and find(node.name) is None:
            return self._subquery(self._called_table(node, scope), node.span)
        self._check_function(node)
        name = canonical(node.name)
        if name == "ago" or (table is None and name != "column_names_of"):
            for argument in node.arguments:
                for part in s.walk(argument) if name == "ago" else (argument,):
                    self._check_value(part, table, scope, never=name == "ago")
        args = tuple(self.expression(a, table, scope) for a in node.arguments)
        if name == "column_names_of" and len(args) == 1 and isinstance(node.arguments[0], s.Expression):
            shown = self.table(node.arguments[0], scope).names
            return e.Items(node.span, Type.DYNAMIC, tuple(e.const(n) for n in shown))
        if name == "pack_all":
            columns = tuple(
                x for n, c in (self._own(table) if table else {}).items() for x in (e.const(n), e.ColumnRef(node.span, c.type, c))
            )
            kept = "bag_pack_filled" if args and isinstance(args[0], e.Const) and args[0].value is True else "bag_pack"
            return e.Apply(node.span, Type.DYNAMIC, kept, columns)
        if name == "estimate_data_size":
            every = tuple(e.ColumnRef(node.span, c.type, c) for c in (table.names if table else {}).values())
            args = tuple(x for a in args for x in (every if isinstance(a, e.Apply) and a.function == "*" else (a,)))
        if name == "bag_pack_columns":
            pairs = tuple(x for n, a in zip(node.arguments, args, strict=True) for x in (e.const(automatic_name(n)), a))
            return e.Apply(node.span, Type.DYNAMIC, "bag_pack", pairs)
        if name == "bin_auto" and len(args) == 1 and (size := self._option("query_bin_auto_size")) is not None:
            fixed = self._option("query_bin_auto_at")
            given = (args[0], size) if fixed is None else (args[0], size, fixed)
            return e.Apply(node.span, args[0].type, "bin" if fixed is None else "bin_at", given)
        if name == "not" and len(args) == 1:
            return e.negation(args[0])
        if name == "parse_json" and isinstance(args[0], e.Const) and isinstance(args[0].value, str):
            parsed = _json_items(args[0].value, node.span)
            if parsed is not None:
                return parsed
        if name == "column_ifexists" and len(args) == 2 and isinstance(args[0], e.Const) and table is not None:
            wanted = str(args[0].value)
            column = table.names.get(wanted, table.outer.get(wanted))
            documented = all(source.table in self.schema for source in table.sources)
            if column is None and self.closed is None and not documented:
                column = self._stored(table.sources[0], wanted, args[1].type)
                if table.sources[0].table != "?":
                    table.names[wanted] = column
                if not (isinstance(args[1], e.Const) and args[1].value in ("", None)):
                    # The column of a table that nothing is known of, or else a value of its own: only who runs the query can tell.
                    return e.Apply(node.span, column.type, name, (e.ColumnRef(node.span, column.type, column), args[1]))
            return e.ColumnRef(node.span, column.type, column) if column else args[1]
        _read_regex(_regex_of(name, args))
        _read_regex(_regex_of(name, args))
        made = e.Apply(node.span, _result_type(name, args), name, args)
        if name in (*WINDOWS, "row_rank") and table is not None and table.row is not None:
            return e.Apply(node.span, made.type, WITHIN, (made, e.ColumnRef(None, table.row.type, table.row)))
        return made


@dataclass
class _OpenUnion(_Table):
    """A union with open inputs: a name that comes up later is a column of each of them."""

    inputs: list[_Table] = field(default_factory=list)
    add: Callable[[str], e.Column] = lambda name: e.Column(-1, name, Type.UNKNOWN)
    columns: list[tuple[e.Column, tuple[e.Column | None, ...]]] = field(default_factory=list)


def _leg_name(node: s.Node | None) -> str | None:
    """What withsource says of a leg of a union: the name that ``as`` gives it, else that of the table it starts from."""
    while node is not None:
        match node:
            case s.Parenthesized(value=value):
                node = value
            case s.Pipeline(source=source, operators=operators):
                given = [operator.name.value for operator in operators if isinstance(operator, s.As)]
                if given:
                    return given[-1]
                node = source
            case s.NameReference(name=name) | s.Member(name=s.Name(value=name)):
                return name
            case _:
                return None
    return None


@dataclass
class _Graph(_Table):
    """A graph: its edges and its nodes as tables, and what functions tell of a node."""

    edges: _Table = field(default_factory=lambda: _Table(o.Rows(None, (), ()), {}))
    nodes: _Table = field(default_factory=lambda: _Table(o.Rows(None, (), ()), {}))
    functions: dict[str, e.Expr] = field(default_factory=dict)


@dataclass
class _Hop:
    """A hop of a pattern while it is bound."""

    name: str
    left: int
    right: int
    direction: str
    low: int | None
    high: int | None
    shown: dict[e.Column, e.Column] = field(default_factory=dict)
    values: list[tuple[e.Column, str, bool, e.Expr]] = field(default_factory=list)

    def value(self, column: e.Column, kind: str, inner: bool, expr: e.Expr) -> e.Expr:
        """A value that is made along the way, by its column."""
        self.values.append((column, kind, inner, expr))
        return e.ColumnRef(expr.span, column.type, column)

    def planned(self) -> o.GraphHop:
        return o.GraphHop(self.left, self.right, self.direction, self.low, self.high, tuple(self.shown.items()), tuple(self.values))


@dataclass
class _Pattern:
    """The nodes of a pattern by their names, those without one by a number, and the hops between them."""

    nodes: dict[str | int, int] = field(default_factory=dict)
    shown: list[dict[e.Column, e.Column]] = field(default_factory=list)
    hops: list[_Hop] = field(default_factory=list)

    def node(self, node: s.GraphNode) -> int:
        name = node.name.value if node.name is not None else len(self.shown)
        if name not in self.nodes:
            self.nodes[name] = len(self.shown)
            self.shown.append({})
        return self.nodes[name]

    def add(self, elements: tuple[s.Node, ...]) -> None:
        left, edge = None, None
        for element in elements:
            if isinstance(element, s.GraphEdge):
                edge = element
                continue
            assert isinstance(element, s.GraphNode)
            right = self.node(element)
            if edge is not None and left is not None:
                arrow = edge.open + edge.close
                direction = ">" if arrow.endswith(">") else "<" if arrow.startswith("<") else "-"
                low, high = (x.value if isinstance(x, s.Literal) and isinstance(x.value, int) else None for x in (edge.low, edge.high))
                self.hops.append(_Hop(edge.name.value if edge.name else "", left, right, direction, low, high))
            left = right


def _element_of(call: s.Call) -> str | None:
    """The name that the first argument of a call is, or the first of inner_nodes() there."""
    first = call.arguments[0] if call.arguments else None
    if isinstance(first, s.Call) and first.name == "inner_nodes" and first.arguments:
        first = first.arguments[0]
    return first.name if isinstance(first, s.NameReference) else None


def _packed(span: e.Span, bag: str | None, names: Iterable[str], shown: Container[str]) -> tuple[s.Extend, ...]:
    """What adds a column with those among ``names`` that are not shown."""
    if bag is None:
        return ()
    parts = (x for n in names if n not in shown for x in (s.Literal(span, "string", n, n), s.NameReference(span, n)))
    return (s.Extend(span, (s.Named(span, (s.Name(span, bag),), s.Call(span, "bag_pack", tuple(parts))),)),)


def _with_terms(node: s.Expression) -> s.Expression:
    """The condition of find with what a term alone stands for: any column has it."""
    match node:
        case s.Literal(kind="string", value=str(term), span=span):
            if "*" in term:
                raise BindError(f"find for {term!r} is not supported", span)
            return s.Binary(span, "has", s.Star(span), node)
        case s.Parenthesized(value=value):
            return _with_terms(value)
        case s.Logical(operands=operands):
            return replace(node, operands=tuple(map(_with_terms, operands)))
        case s.Call(name="not", arguments=(s.Expression() as argument,)):
            return replace(node, arguments=(_with_terms(argument),))
        case _:
            return node


def _named_before_others(operators: Sequence[s.Operator]) -> set[str]:
    """The names that ``operators`` read, as far as these pass on the columns that they are given, without those that they define."""
    found, defined = set[str](), set[str]()
    for operator in operators:
        read = (operator.conditions or ()) if isinstance(operator, s.Join | s.Lookup) else (operator,)
        found |= {m.name for part in read for m in s.walk(part) if isinstance(m, s.NameReference)} - defined
        match operator:
            case s.Extend(items=items) | s.Serialize(items=items):
                defined |= {name.value for item in items if isinstance(item, s.Named) for name in item.names}
            case s.Parse(pattern=pattern):
                defined |= {part.name.value for part in pattern if isinstance(part, s.Column)}
            case s.Where() | s.Sort() | s.Take() | s.As() | s.ProjectAway() | s.ProjectReorder():
                pass
            case _:
                break
    return found


def _of_logs(name: str) -> bool:
    """Whether a name is one that Azure Monitor makes for what a resource logs: the property with its type behind it."""
    return name[-2:] in ("_s", "_d", "_g", "_b", "_t")


def _types(table: _Table) -> dict[str, Type]:
    return {name: column.type for name, column in table.names.items()}


def _side_by_side(left: Mapping[str, e.Column], right: Mapping[str, e.Column]) -> dict[str, e.Column]:
    """The columns of both sides of a join: a name of the right that the left has too gets a number that makes it one of neither side."""
    names, taken = dict(left), {*left, *right}
    for name, column in right.items():
        shown = fresh(name, taken) if name in left else name
        taken.add(shown)
        names[shown] = column
    return names


def _json_items(text: str, span: e.Span) -> e.Expr | None:
    import json

    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, list) and all(isinstance(v, str | int | float | bool) for v in value):
        return e.Items(span, Type.DYNAMIC, tuple(e.const(v, span=span) for v in value))
    return None


def _flat_conditions(conditions: tuple[s.Expression, ...]) -> list[s.Expression]:
    flat: list[s.Expression] = []
    for condition in conditions:
        while isinstance(condition, s.Parenthesized):
            condition = condition.value
        if isinstance(condition, s.Logical) and condition.operator == "and":
            flat.extend(_flat_conditions(condition.operands))
        else:
            flat.append(condition)
    return flat


def _natural(name: str) -> list[tuple[int, str]]:
    """Orders names as people do: ``a2`` before ``a10``. Source: learn.microsoft.com/kusto/query/project-reorder-operator."""
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]


def _unknown_column(name: str, span: e.Span) -> e.Expr:
    return e.Apply(span, Type.UNKNOWN, "unknown-column", (e.const(name, span=span),))


def _step(base: e.Expr, key: str | int, span: e.Span) -> e.Expr:
    if isinstance(base, e.Path):
        return e.Path(span, Type.DYNAMIC, base.base, (*base.steps, key))
    return e.Path(span, Type.DYNAMIC, base, (key,))


_TERM_OPERATORS = ("has", "hasprefix", "hassuffix", "contains", "startswith", "endswith")


def _as_text(expr: e.Expr) -> e.Expr:
    return expr if expr.type == Type.STRING else e.Apply(expr.span, Type.STRING, "tostring", (expr,))


def _term(subject: e.Expr, term: str, span: e.Span, cased: bool) -> e.Expr:
    """What a term of search asks of a value: the asterisks at its ends and within say by which operator."""
    inner = term.strip("*")
    start, end = term[:1] == "*", term[-1:] == "*"
    if not inner or len(term) != start + len(inner) + end or ("*" in inner and (start or end)):
        raise BindError(f"search for {term!r} is not supported", span)
    subject = _as_text(subject)
    if "*" in inner:
        regex = rf"\b{'.*'.join(map(escaped, inner.split('*')))}\b"
        return e.Apply(span, Type.BOOL, "matches regex", (subject, e.const(regex if cased else f"(?i){regex}")))
    operator = "contains" if start and end else "hassuffix" if start else "hasprefix" if end else "has"
    return e.Apply(span, Type.BOOL, f"{operator}_cs" if cased else operator, (subject, e.const(inner)))


_NUMBERS = frozenset({Type.INT, Type.LONG, Type.REAL, Type.DECIMAL})

_NEGATED = {"!=": "==", "<>": "==", "!~": "=~", "notcontains": "contains", "notlike": "like"}


_REGEXES = {
    "extract": 0, "extract_all": 0, "indexof_regex": 1, "replace": 0, "replace_regex": 1, "trim": 0, "trim_start": 0, "trim_end": 0,
}  # fmt: skip
"""The argument of a function that is a regular expression."""


def _regex_of(function: str, args: Sequence[e.Expr]) -> e.Expr | None:
    """The argument of a call that is a regular expression; None where there is none."""
    match function, args:
        case "countof", (_, regex, e.Const(value="regex")):
            return regex
    place = _REGEXES.get(function)
    return args[place] if place is not None and place < len(args) else None


def _read_regex(regex: e.Expr | None) -> None:
    """Nothing for a constant that is a regular expression, and what is known only when the query runs. Raises BindError for others."""
    if isinstance(regex, e.Const) and isinstance(regex.value, str):
        try:
            parse_regex(regex.value)
        except RegexError as error:
            raise BindError(f"{regex.value!r} is no regular expression: {error}", regex.span) from None


def _binary(operator: str, left: e.Expr, right: e.Expr, span: e.Span) -> e.Expr:
    """Negated operators become ``not`` over the positive one: what a missing value means is then said in one place."""
    if operator in _NEGATED:
        return e.negation(e.Apply(span, Type.BOOL, _NEGATED[operator], (left, right)))
    if operator.startswith("!"):
        return e.negation(e.Apply(span, Type.BOOL, operator[1:], (left, right)))
    if operator == "matches regex":
        _read_regex(right)
    if operator in "+-*/%":
        return e.Apply(span, _arithmetic_type(operator, left.type, right.type), operator, (left, right))
    return e.Apply(span, Type.BOOL, operator, (left, right))


def _arithmetic_type(operator: str, a: Type, b: Type) -> Type:
    if Type.DATETIME in (a, b):
        return Type.TIMESPAN if operator == "-" and b != Type.TIMESPAN else Type.DATETIME
    if Type.TIMESPAN in (a, b):
        return Type.REAL if a == b and operator == "/" else Type.TIMESPAN
    for kind in (Type.DECIMAL, Type.REAL):
        if kind in (a, b):
            return kind
    return Type.LONG if {a, b} & {Type.INT, Type.LONG} else a if a == b else Type.UNKNOWN


def _result_type(name: str, args: tuple[e.Expr, ...]) -> Type:
    last = args[-1] if args else None
    literal = last.value if isinstance(last, e.Const) and isinstance(last.value, str) else None
    return result_type(name, [a.type for a in args], literal)


def _constant(value: e.Expr | None, otherwise: str) -> object:
    """The value of a constant; ``otherwise`` where none is given."""
    if value is None:
        return otherwise
    if not isinstance(value, e.Const):
        raise BindError("a constant is needed here", value.span)
    return value.value


def _word(value: s.Expression | None) -> str | None:
    match value:
        case s.NameReference(name=name):
            return name
        case s.Literal(value=text):
            return str(text)
        case _:
            return None


_SCHEMA = {"ColumnName": Type.STRING, "ColumnOrdinal": Type.LONG, "DataType": Type.STRING, "ColumnType": Type.STRING}
"""The columns of getschema."""

_CLR_TYPES = {
    Type.BOOL: "System.SByte", Type.INT: "System.Int32", Type.LONG: "System.Int64", Type.REAL: "System.Double",
    Type.STRING: "System.String",
    Type.DECIMAL: "System.Data.SqlTypes.SqlDecimal", Type.DATETIME: "System.DateTime", Type.TIMESPAN: "System.TimeSpan",
    Type.GUID: "System.Guid",
}  # fmt: skip
"""What getschema calls the types: learn.microsoft.com/kusto/query/getschema-operator."""

_CONVERSIONS = {
    Type.BOOL: "tobool", Type.INT: "toint", Type.LONG: "tolong", Type.REAL: "todouble", Type.STRING: "tostring",
    Type.DATETIME: "todatetime",
    Type.TIMESPAN: "totimespan", Type.GUID: "toguid", Type.DECIMAL: "todecimal",
}  # fmt: skip


def _what(node: s.Node) -> str:
    """An operator's name as KQL writes it."""
    import re

    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(node).__name__).lower()
    return str(getattr(node, "keyword", name))
