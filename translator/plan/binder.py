"""Syntax to plan: lets and user functions inlined, names resolved to columns, operators to relations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.functions import AGGREGATES, ALIASES, FIRST_ARGUMENT_TYPE, RESULT_TYPES
from translator.plan.types import Type, type_of

Schema: TypeAlias = Mapping[str, Mapping[str, str]]
"""Column types by table and column."""

MAX_DEPTH = 60
"""How deeply lets and functions may call each other before the binder gives up."""


class BindError(Exception):
    """The query cannot be given a meaning: an unknown function parameter, a recursion without end, ..."""

    def __init__(self, message: str, span: e.Span | None) -> None:
        super().__init__(message)
        self.message, self.span = message, span


@dataclass
class _Table:
    """A relation under construction, with the names it shows."""

    relation: o.Relation
    names: dict[str, e.Column]
    sources: tuple[o.Source, ...] = ()
    """Open sources: a name that is not in ``names`` is a column of the first of them."""


@dataclass
class _Scope:
    """Lets and parameters by name. A let is bound where it is used, in the scope where it was written."""

    lets: dict[str, tuple[s.Node, _Scope]] = field(default_factory=dict)
    values: dict[str, e.Expr | _Table] = field(default_factory=dict)
    parent: _Scope | None = None

    def find(self, name: str) -> tuple[s.Node, _Scope] | e.Expr | _Table | None:
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


def bind(query: s.Query, schema: Schema | None = None) -> o.Plan:
    """The plan of the last tabular expression of ``query``.

    Raises:
        BindError: where the query has no result or a let has no meaning.
    """
    return _Binder(schema or {}).query(query)


class _Binder:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.ids = itertools.count()
        self.stored: dict[tuple[int, str], e.Column] = {}
        self.depth = 0

    # --- statements

    def query(self, query: s.Query) -> o.Plan:
        scope, last = self._declare(query.statements, _Scope())
        if last is None:
            raise BindError("there is no query after the let statements", query.span)
        table = self.table(last, scope)
        return o.Plan(table.relation, tuple(table.names.items()), bool(table.sources))

    def _declare(self, statements: tuple[s.Node, ...], scope: _Scope) -> tuple[_Scope, s.Expression | None]:
        last: s.Expression | None = None
        for statement in statements:
            match statement:
                case s.Let(name=name, value=value):
                    scope = _Scope(parent=scope)
                    scope.lets[name.value] = (value, scope.parent or scope)
                case s.DeclareParameters(parameters=parameters):
                    scope = _Scope(parent=scope)
                    for parameter in parameters:
                        if parameter.default is not None:
                            scope.lets[parameter.name.value] = (parameter.default, scope)
                case s.ExpressionStatement(expression=expression):
                    last = expression
                case _:
                    continue
        return scope, last

    # --- tables

    def _column(self, name: str, kind: Type) -> e.Column:
        return e.Column(next(self.ids), name, kind)

    def _source(self, name: str, span: e.Span) -> _Table:
        source = o.Source(span, name, next(self.ids))
        known = self.schema.get(name, {})
        names = {column: self._stored(source, column) for column in known}
        return _Table(source, names, (source,))

    def _stored(self, source: o.Source, name: str) -> e.Column:
        key = (source.id, name)
        if key not in self.stored:
            kind = type_of(self.schema.get(source.table, {}).get(name, "unknown"))
            self.stored[key] = e.Column(next(self.ids), name, kind, source.table, source.id)
        return self.stored[key]

    def _resolve(self, table: _Table | None, name: str) -> e.Column | None:
        if table is None:
            return None
        if name in table.names:
            return table.names[name]
        if table.sources:
            column = table.names[name] = self._stored(table.sources[0], name)
            return column
        return None

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
                for operator in operators:
                    if isinstance(operator, s.As):
                        scope = _Scope(parent=scope, values={operator.name.value: table})
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
            case s.Member(name=s.Name(value=name), base=s.Method() | s.Call(), span=span):
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
                names = [i.names[0].value if isinstance(i, s.Named) else f"print_{n}" for n, i in enumerate(printed)]
                exprs = [self.expression(i, None, scope) for i in printed]
                columns = [(self._computed(n, x), x) for n, x in zip(names, exprs, strict=True)]
                return _Table(o.Compute(node.span, empty.relation, tuple(columns)), {c.name: c for c, _ in columns})
            case s.Range(name=name, start=start):
                kind = self.expression(start, None, scope).type
                return self._unsupported_with(_Table(o.Rows(node.span, (), ()), {}), node, {name.value: kind})
            case s.ExternalData(schema=schema):
                kinds = {c.name.value: type_of(c.type) for c in schema.columns}
                return self._unsupported_with(_Table(o.Rows(node.span, (), ()), {}), node, kinds)
            case _:
                return self._unsupported(None, node, f"{_what(node)} is not supported yet")

    def _named_table(self, name: str, span: e.Span, scope: _Scope) -> _Table:
        found = scope.find(name)
        if found is None:
            return self._source(name, span)
        if isinstance(found, _Table):
            return _Table(found.relation, dict(found.names), found.sources)
        if isinstance(found, e.Expr):
            raise BindError(f"'{name}' is a value, and a table is needed here", span)
        node, defined = found
        if isinstance(node, s.Function):
            return self._apply_function(name, node, (), defined, scope, span)
        return self.table(node, defined)

    def _called_table(self, call: s.Call, scope: _Scope) -> _Table:
        found = scope.find(call.name)
        if isinstance(found, tuple) and isinstance(found[0], s.Function):
            return self._apply_function(call.name, found[0], call.arguments, found[1], scope, call.span)
        return self._unsupported(None, call, f"the function {call.name}() is not defined in this query")

    def _arguments(
        self, name: str, function: s.Function, given: tuple[s.Node, ...], defined: _Scope, scope: _Scope, span: e.Span,
        table: _Table | None = None,
    ) -> tuple[_Scope, s.Expression]:  # fmt: skip
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
        return _Table(relation, dict(table.names) if table else {}, table.sources if table else (o.Source(node.span, "?", next(self.ids)),))

    def _unsupported_with(self, table: _Table, node: s.Node, added: Mapping[str, Type]) -> _Table:
        """An operator that is not carried out yet, with the columns that it adds or changes."""
        out = self._unsupported(table, node, f"the operator {_what(node)} is not supported yet")
        for name, kind in added.items():
            out.names[name] = self._column(name, kind)
        return out

    def _expanded(self, table: _Table, node: s.MvExpand, scope: _Scope) -> dict[str, Type]:
        added: dict[str, Type] = {}
        for parameter in node.parameters:
            if parameter.name == "with_itemindex" and isinstance(parameter.value, s.NameReference):
                added[parameter.value.name] = Type.LONG
        for item in node.items:
            ((name, expr),) = self._named_items(table, (item.value,), scope)
            added[name] = type_of(item.type) if item.type else Type.DYNAMIC if expr.type == Type.UNKNOWN else expr.type
        return added

    def _make_series(self, table: _Table, node: s.MakeSeries, scope: _Scope) -> _Table:
        kinds = {name: expr.type for name, expr in self._named_items(table, node.by, scope)}
        kinds |= dict.fromkeys((n for n, _ in self._named_items(table, tuple(a.value for a in node.aggregates), scope)), Type.DYNAMIC)
        kinds |= dict.fromkeys((n for n, _ in self._named_items(table, (node.on,), scope)), Type.DYNAMIC)
        return self._unsupported_with(_Table(table.relation, {}), node, kinds)

    def _union(self, node: s.Union, tables: tuple[s.Expression, ...], first: _Table | None, scope: _Scope) -> _Table:
        inputs = [first] if first else []
        for item in tables:
            if isinstance(item, s.Wildcard) or (isinstance(item, s.Member) and isinstance(item.name, s.Wildcard)):
                return self._unsupported(first, item, "a union over a wildcard of tables is not supported")
            inputs.append(self.table(item, scope))
        parameters = {p.name: p.value for p in node.parameters}
        names: dict[str, list[Type]] = {}
        for table in inputs:
            for name, column in table.names.items():
                names.setdefault(name, []).append(column.type)
        kept = [n for n in names if all(n in t.names for t in inputs)] if _word(parameters.get("kind")) == "inner" else list(names)
        merged: dict[str, e.Column] = {}
        columns: list[tuple[e.Column, tuple[e.Column | None, ...]]] = []
        conflicting = {n: list(dict.fromkeys(kinds)) for n, kinds in names.items() if len(set(kinds)) > 1}

        def add(name: str) -> e.Column:
            origins = tuple(self._resolve(t, name) for t in inputs)
            kinds = {c.type for c in origins if c is not None} - {Type.UNKNOWN}
            column = merged[name] = self._column(name, kinds.pop() if len(kinds) == 1 else Type.UNKNOWN)
            columns.append((column, origins))
            return column

        for name in kept:
            if name not in conflicting:
                add(name)
                continue
            # A column of two types becomes a column for each: learn.microsoft.com/kusto/query/union-operator.
            for kind in conflicting[name]:
                found = tuple(c if (c := t.names.get(name)) is not None and c.type == kind else None for t in inputs)
                split = merged[f"{name}_{kind}"] = self._column(f"{name}_{kind}", kind)
                columns.append((split, found))
        relation = o.Union(node.span, tuple(t.relation for t in inputs), tuple(columns))
        if all(t.sources for t in inputs):
            return _OpenUnion(relation, merged, (inputs[0].sources[0],), inputs=inputs, add=add, columns=columns)
        return _Table(relation, merged)

    # --- operators

    def operator(self, table: _Table, node: s.Operator, scope: _Scope) -> _Table:
        if isinstance(table, _OpenUnion):
            table = self._widened(table, node, scope)
        match node:
            case s.Where(predicate=predicate, span=span):
                value = predicate.value if isinstance(predicate, s.Named) else predicate
                return _Table(o.Filter(span, table.relation, self.expression(value, table, scope)), table.names, table.sources)
            case s.Extend(items=items, span=span):
                return self._extend(table, items, scope, span)
            case s.Project(items=items, span=span):
                return self._project(table, items, scope, span)
            case s.ProjectAway(columns=columns):
                names = {n: c for n, c in table.names.items() if not any(_matches(p, n) for p in columns)}
                return _Table(table.relation, names, table.sources)
            case s.ProjectKeep(columns=columns):
                for pattern in columns:
                    if isinstance(pattern, s.NameReference):
                        self._resolve(table, pattern.name)
                return _Table(table.relation, {n: c for n, c in table.names.items() if any(_matches(p, n) for p in columns)})
            case s.ProjectRename(items=items):
                return self._rename(table, items)
            case s.ProjectReorder(columns=ordered):
                front = [n for p in ordered for n in table.names if _matches(p.value, n)]
                return _Table(table.relation, {n: table.names[n] for n in dict.fromkeys([*front, *table.names])}, table.sources)
            case s.Summarize():
                return self._summarize(table, node, scope)
            case s.Distinct(items=items, span=span):
                if any(isinstance(i, s.Star) for i in items):
                    return _Table(o.Arrange(span, table.relation, "distinct", False), table.names, table.sources)
                projected = self._project(table, items, scope, span)
                keys = tuple((c, e.ColumnRef(span, c.type, c)) for c in projected.names.values())
                return self._grouped(projected, span, keys, (), list(projected.names))
            case s.Count(span=span, name=name):
                column = self._column(name.value if name else "Count", Type.LONG)
                aggregate = o.Aggregate(span, table.relation, (), ((column, e.Apply(span, Type.LONG, "count", ())),))
                return _Table(aggregate, {column.name: column})
            case s.Join() | s.Lookup():
                return self._join(table, node, scope)
            case s.Union(tables=tables):
                return self._union(node, tables, table, scope)
            case s.Sort() | s.Serialize(items=()) | s.Render() | s.As() | s.Consume():
                return _Table(o.Arrange(node.span, table.relation, _what(node), False), table.names, table.sources)
            case s.Take() | s.Top() | s.Sample():
                return _Table(o.Arrange(node.span, table.relation, _what(node), True), table.names, table.sources)
            case s.Parse() | s.ParseKv():
                described: tuple[s.Node, ...] = node.pattern if isinstance(node, s.Parse) else node.schema.columns
                added = {c.name.value: type_of(c.type or "string") for c in described if isinstance(c, s.Column)}
                return self._unsupported_with(table, node, added)
            case s.MvExpand():
                return self._unsupported_with(table, node, self._expanded(table, node, scope))
            case s.MakeSeries():
                return self._make_series(table, node, scope)
            case s.SampleDistinct(of=of):
                return self._project(table, (of,), scope, node.span)
            case s.GetSchema():
                kinds = {"ColumnName": Type.STRING, "ColumnOrdinal": Type.LONG, "DataType": Type.STRING, "ColumnType": Type.STRING}
                return self._unsupported_with(_Table(table.relation, {}), node, kinds)
            case s.Evaluate(schema=s.RowSchema(columns=columns, open=keeps)):
                kept = table if keeps else _Table(table.relation, {})
                return self._unsupported_with(kept, node, {c.name.value: type_of(c.type) for c in columns})
            case s.Invoke(call=s.Call() as call):
                found = scope.find(call.name)
                if isinstance(found, tuple) and isinstance(found[0], s.Function) and found[0].parameters:
                    inner = _Scope(parent=found[1], values={found[0].parameters[0].name.value: table})
                    rest = s.Function(found[0].span, found[0].parameters[1:], found[0].body, False)
                    return self._apply_function(call.name, rest, call.arguments, inner, scope, node.span)
                return self._unsupported(table, node, f"the function {call.name}() is not defined in this query")
            case _:
                return self._unsupported(table, node, f"the operator {_what(node)} is not supported yet")

    def _widened(self, table: _OpenUnion, node: s.Operator, scope: _Scope) -> _Table:
        """A union of open tables with the columns that ``node`` names added: nothing else says that they exist."""
        known = {m.name for m in s.walk(node) if isinstance(m, s.NameReference)}
        for name in sorted(known - set(table.names)):
            if scope.find(name) is None:
                table.names[name] = table.add(name)
        first = table.relation
        assert isinstance(first, o.Union)
        widened = o.Union(first.span, first.inputs, tuple(table.columns))
        return _OpenUnion(widened, table.names, table.sources, inputs=table.inputs, add=table.add, columns=table.columns)

    def _named_items(self, table: _Table, items: tuple[s.Node, ...], scope: _Scope, fresh: bool = True) -> list[tuple[str, e.Expr]]:
        """Names and meanings of items. With ``fresh``, an unnamed item whose name is taken gets a number behind it."""
        found: list[tuple[str, e.Expr]] = []
        used: dict[str, int] = {}
        for item in items:
            value = item.value if isinstance(item, s.Named) else item
            expr = self.expression(value, table, scope)
            if isinstance(item, s.Named):
                name = item.names[0].value
            else:
                name = _automatic_name(value)
                if not name:
                    used["Column"] = used.get("Column", 0) + 1
                    name = f"Column{used['Column']}"
                elif fresh:
                    name = _fresh(name, [n for n, _ in found])
            found.append((name, expr))
        return found

    def _computed(self, name: str, expr: e.Expr) -> e.Column:
        return self._column(name, expr.type)

    def _extend(self, table: _Table, items: tuple[s.Node, ...], scope: _Scope, span: e.Span) -> _Table:
        """Items of one extend see the input only, so ``extend b = a, a = 1`` reads the old ``a``."""
        names, computed = dict(table.names), []
        for name, expr in self._named_items(table, items, scope, fresh=False):
            column = self._computed(name, expr)
            computed.append((column, expr))
            names[name] = column
        return _Table(o.Compute(span, table.relation, tuple(computed)), names, table.sources)

    def _project(self, table: _Table, items: tuple[s.Node, ...], scope: _Scope, span: e.Span) -> _Table:
        names: dict[str, e.Column] = {}
        computed = []
        for name, expr in self._named_items(table, items, scope):
            if isinstance(expr, e.ColumnRef):
                names[name] = expr.column
                continue
            column = self._computed(name, expr)
            computed.append((column, expr))
            names[name] = column
        relation = o.Compute(span, table.relation, tuple(computed)) if computed else table.relation
        return _Table(relation, names)

    def _rename(self, table: _Table, items: tuple[s.Node, ...]) -> _Table:
        renamed: dict[str, str] = {}
        for item in items:
            if isinstance(item, s.Named) and isinstance(item.value, s.NameReference):
                self._resolve(table, item.value.name)
                renamed[item.value.name] = item.names[0].value
        return _Table(table.relation, {renamed.get(n, n): c for n, c in table.names.items()}, table.sources)

    def _summarize(self, table: _Table, node: s.Summarize, scope: _Scope) -> _Table:
        keys = [(self._computed(n, x), x) for n, x in self._named_items(table, node.by, scope)]
        aggregates = [(self._computed(n, x), x) for n, x in self._named_items(table, node.aggregates, scope)]
        names = [c.name for c, _ in (*keys, *aggregates)]
        grouped = self._grouped(table, node.span, tuple(keys), tuple(aggregates), names)
        for column, expr in aggregates:
            if isinstance(expr, e.Apply) and expr.function in ("arg_max", "arg_min") and expr.args:
                grouped = self._arg_columns(table, grouped, column, expr)
        return grouped

    def _arg_columns(self, table: _Table, grouped: _Table, column: e.Column, expr: e.Apply) -> _Table:
        """The columns that arg_max carries along: each is the value in the row of the extreme."""
        names = dict(grouped.names)
        first = expr.args[0]
        if isinstance(first, e.ColumnRef) and column.name.startswith(("arg_max_", "arg_min_", "max_", "min_")):
            names.pop(column.name, None)
            names[first.column.name] = column
        carried: list[tuple[e.Column, e.Expr]] = []
        everything = any(isinstance(a, e.Apply) and a.function == "*" for a in expr.args[1:])
        values: list[tuple[str, e.Expr]] = (
            [(n, e.ColumnRef(expr.span, c.type, c)) for n, c in table.names.items() if n not in names]
            if everything
            else [(a.column.name, a) for a in expr.args[1:] if isinstance(a, e.ColumnRef) and a.column.name not in names]
        )
        for name, value in values:
            carrier = self._column(name, value.type)
            carried.append((carrier, e.Apply(expr.span, value.type, "take_any", (value,))))
            names[name] = carrier
        relation = grouped.relation
        assert isinstance(relation, o.Aggregate)
        return _Table(o.Aggregate(relation.span, relation.input, relation.keys, (*relation.aggregates, *carried)), names)

    def _grouped(
        self, table: _Table, span: e.Span, keys: tuple[tuple[e.Column, e.Expr], ...],
        aggregates: tuple[tuple[e.Column, e.Expr], ...], names: list[str],
    ) -> _Table:  # fmt: skip
        columns = [c for c, _ in (*keys, *aggregates)]
        return _Table(o.Aggregate(span, table.relation, keys, aggregates), dict(zip(names, columns, strict=True)))

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
        relation = o.Join(node.span, left.relation, right.relation, kind, tuple(pairs))
        names = dict(left.names)
        if kind in ("leftsemi", "leftanti", "anti", "leftantisemi"):
            return _Table(relation, names, left.sources)
        if kind in ("rightsemi", "rightanti", "rightantisemi"):
            return _Table(relation, dict(right.names), right.sources)
        for name, column in right.names.items():
            if isinstance(node, s.Lookup) and name in shared:
                continue
            fresh, index = name, 0
            while fresh in names:
                index += 1
                fresh = f"{name}{index}"
            names[fresh] = column
        return _Table(relation, names, left.sources or right.sources)

    def _join_condition(self, node: s.Expression, left: _Table, right: _Table, scope: _Scope) -> tuple[e.Expr, e.Expr] | None:
        if isinstance(node, s.NameReference):
            a, b = self._resolve(left, node.name), self._resolve(right, node.name)
            if a is None or b is None:
                return None
            return e.ColumnRef(node.span, a.type, a), e.ColumnRef(node.span, b.type, b)
        if isinstance(node, s.Binary) and node.operator == "==":
            sides: dict[str, e.Expr] = {}
            for part in (node.left, node.right):
                if isinstance(part, s.Member) and isinstance(part.base, s.NameReference) and isinstance(part.name, s.Name):
                    table = {"$left": left, "$right": right}.get(part.base.name)
                    column = self._resolve(table, part.name.value)
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
                    return e.Subquery(node.span, Type.DYNAMIC, self.table(value, scope).relation, False)
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
            case s.Member(base=base, name=s.Name(value=name), span=span):
                return _step(sub(base), name, span)
            case s.Element(base=base, index=index, span=span):
                key = sub(index)
                if isinstance(key, e.Const) and isinstance(key.value, str | int):
                    return _step(sub(base), key.value, span)
                return e.Apply(span, Type.DYNAMIC, "[]", (sub(base), key))
            case s.Logical(operator=operator, operands=operands):
                parts = [sub(x) for x in operands]
                return e.conjunction(*parts) if operator == "and" else e.disjunction(*parts)
            case s.Binary(operator=operator, left=left, right=right, span=span):
                return _binary(operator, sub(left), sub(right), span)
            case s.Unary(operator=operator, operand=operand, span=span):
                signed = sub(operand)
                if isinstance(signed, e.Const) and isinstance(signed.value, int | float) and operator == "-":
                    return e.Const(span, signed.type, -signed.value)
                return signed if operator == "+" else e.Apply(span, signed.type, "neg", (signed,))
            case s.Membership(operator=operator, left=left, values=values, span=span):
                return self._membership(operator, sub(left), values, table, scope, span)
            case s.Between(operator=operator, left=left, low=low, high=high, span=span):
                result = e.Apply(span, Type.BOOL, "between", (sub(left), sub(low), sub(high)))
                return e.negation(result) if operator.startswith("!") else result
            case s.TabularCall(function="toscalar", pipeline=pipeline, span=span):
                inner_table = self.table(pipeline, scope)
                kind_of = next(iter(inner_table.names.values())).type if inner_table.names else Type.UNKNOWN
                return e.Subquery(span, kind_of, inner_table.relation, True)
            case s.Call():
                return self._call(node, table, scope)
            case s.Star(span=span):
                return e.Apply(span, Type.UNKNOWN, "*", ())
            case s.Named(value=value):
                return sub(value)
            case s.TypeOf(type=kind, span=span):
                return e.const(kind, Type.STRING, span)
            case s.Pipeline() | s.Datatable() | s.Union() | s.TabularCall():
                return e.Subquery(node.span, Type.DYNAMIC, self.table(node, scope).relation, False)
            case _:
                return e.Apply(node.span, Type.UNKNOWN, _what(node), ())

    def _name(self, name: str, span: e.Span, table: _Table | None, scope: _Scope) -> e.Expr:
        if table is not None and name in table.names:
            column = table.names[name]
            return e.ColumnRef(span, column.type, column)
        found = scope.find(name)
        if isinstance(found, _Table):
            return e.Subquery(span, Type.DYNAMIC, found.relation, False)
        if isinstance(found, e.Expr):
            return found
        if found is not None:
            node, defined = found
            if isinstance(node, s.Function):
                return e.Subquery(span, Type.DYNAMIC, self._named_table(name, span, scope).relation, False)
            return self._let_value(node, defined, span)
        resolved = self._resolve(table, name)
        if resolved is not None:
            return e.ColumnRef(span, resolved.type, resolved)
        if table is None:
            return e.Subquery(span, Type.DYNAMIC, self._source(name, span).relation, False)
        return e.Apply(span, Type.UNKNOWN, "unknown-column", (e.const(name, span=span),))

    def _let_value(self, node: s.Node, defined: _Scope, span: e.Span) -> e.Expr:
        if isinstance(node, _TABULAR) or (isinstance(node, s.TabularCall) and node.function != "toscalar"):
            return e.Subquery(span, Type.DYNAMIC, self.table(node, defined).relation, False)
        return self.expression(node, None, defined)

    def _membership(
        self, operator: str, left: e.Expr, values: tuple[s.Expression, ...], table: _Table | None, scope: _Scope, span: e.Span
    ) -> e.Expr:
        items: list[e.Expr] = []
        for value in values:
            expr = self.expression(value, table, scope)
            items.extend(expr.items if isinstance(expr, e.Items) else (expr,))
        negated = operator.startswith("!")
        result = e.Apply(span, Type.BOOL, operator.lstrip("!"), (left, e.Items(span, Type.DYNAMIC, tuple(items))))
        return e.negation(result) if negated else result

    def _call(self, node: s.Call, table: _Table | None, scope: _Scope) -> e.Expr:
        found = scope.find(node.name)
        if isinstance(found, tuple) and isinstance(found[0], s.Function):
            inner, last = self._arguments(node.name, found[0], node.arguments, found[1], scope, node.span, table)
            if isinstance(last, _TABULAR):
                return e.Subquery(node.span, Type.DYNAMIC, self.table(last, inner).relation, False)
            return self.expression(last, None, inner)
        name = ALIASES.get(node.name, node.name)
        args = tuple(self.expression(a, table, scope) for a in node.arguments)
        if name == "not" and len(args) == 1:
            return e.negation(args[0])
        if name == "parse_json" and isinstance(args[0], e.Const) and isinstance(args[0].value, str):
            parsed = _json_items(args[0].value, node.span)
            if parsed is not None:
                return parsed
        if name in ("column_ifexists",) and len(args) == 2 and isinstance(args[0], e.Const) and table is not None:
            column = self._resolve(table, str(args[0].value))
            return e.ColumnRef(node.span, column.type, column) if column else args[1]
        return e.Apply(node.span, _result_type(name, args), name, args)


@dataclass
class _OpenUnion(_Table):
    """A union whose inputs are all open: a name that comes up later is a column of each of them."""

    inputs: list[_Table] = field(default_factory=list)
    add: Callable[[str], e.Column] = lambda name: e.Column(-1, name, Type.UNKNOWN)
    columns: list[tuple[e.Column, tuple[e.Column | None, ...]]] = field(default_factory=list)


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


def _step(base: e.Expr, key: str | int, span: e.Span) -> e.Expr:
    if isinstance(base, e.Path):
        return e.Path(span, Type.DYNAMIC, base.base, (*base.steps, key))
    return e.Path(span, Type.DYNAMIC, base, (key,))


_NEGATED = {"!=": "==", "<>": "==", "!~": "=~", "notcontains": "contains", "notlike": "like"}


def _binary(operator: str, left: e.Expr, right: e.Expr, span: e.Span) -> e.Expr:
    """Negated operators become ``not`` over the positive one: what a missing value means is then said in one place."""
    if operator in _NEGATED:
        return e.negation(e.Apply(span, Type.BOOL, _NEGATED[operator], (left, right)))
    if operator.startswith("!"):
        return e.negation(e.Apply(span, Type.BOOL, operator[1:], (left, right)))
    if operator in "+-*/%":
        return e.Apply(span, _arithmetic_type(operator, left.type, right.type), operator, (left, right))
    return e.Apply(span, Type.BOOL, operator, (left, right))


def _arithmetic_type(operator: str, a: Type, b: Type) -> Type:
    if Type.DATETIME in (a, b):
        return Type.TIMESPAN if a == b and operator == "-" else Type.DATETIME
    if Type.TIMESPAN in (a, b):
        return Type.REAL if a == b and operator == "/" else Type.TIMESPAN
    if Type.REAL in (a, b):
        return Type.REAL
    if Type.DECIMAL in (a, b):
        return Type.DECIMAL
    return Type.LONG if {a, b} & {Type.INT, Type.LONG} else a if a == b else Type.UNKNOWN


def _result_type(name: str, args: tuple[e.Expr, ...]) -> Type:
    if name in RESULT_TYPES:
        return RESULT_TYPES[name]
    if name in FIRST_ARGUMENT_TYPE and args:
        values = args[1:] if name in ("iff", "case") else args
        kind = next((a.type for a in values if a.type != Type.UNKNOWN), Type.UNKNOWN)
        return Type.LONG if kind == Type.INT and name in ("sum", "sumif", "bin", "round", "abs", "coalesce") else kind
    return Type.UNKNOWN


def _word(value: s.Expression | None) -> str | None:
    match value:
        case s.NameReference(name=name):
            return name
        case s.Literal(value=text):
            return str(text)
        case _:
            return None


def _matches(pattern: s.Node, name: str) -> bool:
    if isinstance(pattern, s.NameReference):
        return pattern.name == name
    if isinstance(pattern, s.Wildcard):
        import fnmatch

        return fnmatch.fnmatchcase(name, pattern.pattern)
    return False


_NAMED_BY_ARGUMENT = frozenset(
    """abs acos asin atan atan2 bin bin_at bin_auto binary_and binary_not binary_or binary_shift_left binary_shift_right binary_xor
    bitset_count_ones ceiling cos exp exp10 exp2 floor format_bytes gamma log log10 log2 loggamma make_datetime make_timespan
    parse_csv parse_json parse_xml parsejson pow rand round sin split sqrt startofday tan tobool toboolean todatetime todecimal
    todouble todynamic toguid tohex toint tolong toobject toreal tostring totime totimespan take_any""".split()
)
"""Functions whose unnamed result takes its argument's name. Asked of Kusto.Language 12.4.1."""


def _automatic_name(node: s.Node) -> str:
    """The name KQL gives to an unnamed column; empty where it numbers it.

    Source: learn.microsoft.com/kusto/query/summarize-operator and extend-operator, checked with the official binder.
    """
    match node:
        case s.NameReference(name=name):
            return name
        case s.Member(base=base, name=s.Name(value=name)):
            return f"{_automatic_name(base)}_{name}"
        case s.Element(base=base, index=s.Literal(value=key)):
            return f"{_automatic_name(base)}_{key}"
        case s.Parenthesized(value=value):
            return _automatic_name(value)
        case s.Call(name=name, arguments=arguments) if name in _NAMED_BY_ARGUMENT and arguments:
            return _automatic_name(arguments[0])
        case s.Call(name=name, arguments=arguments) if name in AGGREGATES or name == "strlen":
            inner = _automatic_name(arguments[0]) if arguments else ""
            extra = "".join(f"_{x.value}" for x in arguments[1:] if isinstance(x, s.Literal)) if name.startswith("percentile") else ""
            return f"{_AGGREGATE_PREFIXES.get(name, name)}_{inner}{extra}"
        case _:
            return ""


_AGGREGATE_PREFIXES = {
    "makeset": "set",
    "make_set": "set",
    "make_set_if": "set",
    "makelist": "list",
    "make_list": "list",
    "make_list_if": "list",
    "make_bag": "bag",
    "make_bag_if": "bag",
    "dcountif": "dcountif",
    "take_any": "take_any",
}


def _fresh(name: str, taken: Iterable[str]) -> str:
    known, number, out = set(taken), 0, name
    while out in known:
        number += 1
        out = f"{name}{number}"
    return out


def _what(node: s.Node) -> str:
    """An operator's name as KQL writes it."""
    import re

    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(node).__name__).lower()
    return str(getattr(node, "keyword", name))
