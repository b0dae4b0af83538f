"""Graphs: what makes them, and the patterns that are matched in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.items import number_name
from translator.plan.binder.names import check_column, named_column, unknown_column
from translator.plan.binder.parameters import flat_conditions, operator_name, word, words
from translator.plan.binder.problems import BindError
from translator.plan.binder.scopes import Record, Scope, Table, column_types
from translator.plan.binder.sources import unsupported
from translator.plan.binder.unions import types_by_name
from translator.plan.naming import automatic_name, fresh
from translator.plan.types import Type


@dataclass
class Graph(Table):
    """A graph: its edges and its nodes as tables, and what functions tell of a node."""

    edges: Table = field(default_factory=lambda: Table(o.Rows(None, (), ()), {}))
    nodes: Table = field(default_factory=lambda: Table(o.Rows(None, (), ()), {}))
    functions: dict[str, e.Expr] = field(default_factory=dict)


def make_graph(ctx: Context, table: Table, node: s.MakeGraph, scope: Scope) -> Table:
    """A graph of the table's rows as edges, with the nodes that other tables have. Its columns are seen once it is matched.

    Where a column of the edges or a key of the nodes is unknown, it is the operator that is not supported.
    """
    edges = Table(table.relation, table.names, table.sources, hidden=table.hidden, behind=table.behind, guessed=table.guessed)
    tables = [ctx.table(n.table, scope) for n in node.nodes]
    ids = [named_column(ctx, t, n.key.value, n.key.span, scope) for t, n in zip(tables, node.nodes, strict=True)]
    source, target = (named_column(ctx, edges, n.value, n.span, scope) for n in (node.source, node.target))
    kind = source.type if source is not None else Type.UNKNOWN
    key = ctx.column(node.node_id.value if node.node_id is not None else "", kind)
    degrees = ctx.column("", Type.LONG), ctx.column("", Type.LONG)
    properties: dict[str, tuple[e.Column, tuple[e.Column | None, ...]]] = {}
    for name, kinds in types_by_name(ctx, [{key.name: kind} if node.node_id is not None else {}, *map(column_types, tables)]).items():
        for each in kinds:
            origins = tuple(c if (c := t.names.get(name)) is not None and (len(kinds) == 1 or c.type == each) else None for t in tables)
            shown = fresh(name if len(kinds) == 1 else f"{name}_{each}", properties)
            own = any(c is not None and c == i for c, i in zip(origins, ids, strict=True)) or (name == key.name and each == kind)
            properties[shown] = (key if own and each == kind else ctx.column(shown, each), origins)
    sources, behind = (tuple(x for t in tables for x in getattr(t, part)) for part in ("sources", "behind"))
    nodes = Table(o.Rows(None, (), ()), {n: c for n, (c, _) in properties.items()}, sources, behind=behind)
    functions: dict[str, e.Expr] = {
        "node_id()": e.Apply(None, Type.STRING, "tostring", (e.ColumnRef(None, key.type, key),)),
        "node_degree_in()": e.ColumnRef(None, Type.LONG, degrees[0]),
        "node_degree_out()": e.ColumnRef(None, Type.LONG, degrees[1]),
        "labels()": e.Items(None, Type.DYNAMIC, ()),
    }
    if source is None or target is None or None in ids or node.partitioned_by is not None:
        out = unsupported(ctx, table, node, f"the operator {operator_name(node)} is not supported yet")
        made = Graph(out.relation, {}, out.sources, edges=edges, nodes=nodes, functions=functions)
        if isinstance(pipeline := node.pipeline, s.Pipeline):
            inner: Table = made
            for operator in pipeline.operators:
                inner = ctx.operator(inner, operator, scope)
            return inner
        return made
    graph = o.Graph(
        node.span, edges.relation, "a graph is no table: graph-match and graph-to-table make one of it", source, target,
        tuple((t.relation, i) for t, i in zip(tables, ids, strict=True) if i is not None),
        tuple(p for p in properties.values() if p[0] != key), key, degrees,
    )  # fmt: skip
    return Graph(graph, {}, edges=edges, nodes=nodes, functions=functions)


def mark_components(ctx: Context, graph: Graph, node: s.GraphMarkComponents) -> Table:
    """The graph with a number for each of its components, as a property of the nodes."""
    parameters = words(node.parameters)
    column = ctx.column(parameters.get("with_component_id") or "ComponentId", Type.LONG)
    relation = graph.relation
    if isinstance(relation, o.Graph):
        relation = replace(relation, components=(*relation.components, (column, parameters.get("kind") or "weak")))
    return replace(graph, relation=relation, nodes=replace(graph.nodes, names={**graph.nodes.names, column.name: column}))


def graph_table(ctx: Context, graph: Graph, node: s.GraphToTable) -> Table:
    """The nodes of a graph, or its edges, as rows, with the hashes that are asked for."""
    output = node.outputs[0]
    hashes = {p.name: w for p in output.parameters if (w := word(p.value))}
    hashed = [hashes[n] for n in ("with_node_id", "with_source_id", "with_target_id") if n in hashes]
    shown = {n: ctx.column(n, Type.LONG) for n in hashed} | (graph.nodes if output.what == "nodes" else graph.edges).names
    reason = f"the operator {operator_name(node)} is not supported yet"
    if not isinstance(graph.relation, o.Graph):
        return Table(o.Unsupported(node.span, graph.relation, reason), shown)
    return Table(o.GraphTable(node.span, graph.relation.input, reason, graph.relation, output.what, bool(hashed)), shown)


def graph_match(ctx: Context, graph: Graph, node: s.GraphMatch, scope: Scope) -> Table:
    """The matches of a pattern, as rows. An element's property is named after both: ``p.n`` is the column ``p_n``."""
    if node.project is None:
        return graph
    parameters = words(node.parameters)
    pattern = _Pattern()
    for sequence in node.patterns:
        pattern.add(sequence.elements)
    values: dict[str, e.Expr | Table | Record] = {}
    for name, place in pattern.nodes.items():
        if isinstance(name, str):
            values[name] = _graph_node(ctx, graph, pattern.shown[place], scope)
    for hop in pattern.hops:
        if hop.name:
            values[hop.name] = _graph_edge(ctx, graph, hop, scope)
    within = Scope(parent=scope, values=values)
    unclear = False
    conditions = []
    for condition in flat_conditions((node.where,) if node.where is not None else ()):
        meant, clear = _along(ctx, pattern, ctx.expression(condition, None, within), "all")
        unclear = unclear or not clear
        conditions.append(meant)
    names: dict[str, e.Column] = {}
    computed: list[tuple[e.Column, e.Expr]] = []
    for item in node.project:
        value = item.value if isinstance(item, s.Named) else item
        name = automatic_name(item)
        if not name and not isinstance(value, s.Call):
            if ctx.closed is not None:
                raise BindError("what graph-match projects needs a name", item.span)
            continue  # the official binder leaves out what has no name
        expr, clear = _along(ctx, pattern, ctx.expression(value, None, within), "map")
        unclear = unclear or not clear
        name = fresh(name or number_name(ctx, item, {}, scope), names)
        names[name] = ctx.column(name, expr.type)
        computed.append((names[name], expr))
    reason = f"the operator {node.keyword} is not supported yet"
    if unclear:
        reason = "what this means of an edge of variable length is not documented: map(), all() and any() say it of each edge"
    if unclear or not isinstance(graph.relation, o.Graph):
        return Table(o.Unsupported(node.span, graph.relation, reason), names)
    match = o.GraphMatch(
        node.span, graph.relation.input, reason, graph.relation, tuple(tuple(p.items()) for p in pattern.shown),
        tuple(hop.planned() for hop in pattern.hops), e.conjunction(*conditions), parameters.get("cycles") or "unique_edges",
        (parameters.get("output") or "any") if node.keyword == "graph-shortest-paths" else "",
    )  # fmt: skip
    return Table(o.Compute(node.span, match, tuple(computed)), names)


def _graph_node(ctx: Context, graph: Graph, shown: dict[e.Column, e.Column], scope: Scope) -> Record:
    def reference(column: e.Column, span: e.Span) -> e.Expr:
        made = shown.setdefault(column, ctx.column(column.name, column.type))
        return e.ColumnRef(span, made.type, made)

    def part(name: str, span: e.Span) -> e.Expr:
        column = graph.nodes.names.get(name)
        if column is None:
            check_column(ctx, graph.nodes, name, span, scope)
            return unknown_column(name, span)
        return reference(column, span)

    def call(node: s.Call) -> e.Expr | None:
        function = graph.functions.get(f"{node.name}()")
        if function is None:
            return None
        return e.transform(function, lambda n: reference(n.column, node.span) if isinstance(n, e.ColumnRef) else n)

    return Record(part, call)


def _graph_edge(ctx: Context, graph: Graph, hop: _Hop, scope: Scope) -> Record:
    def part(name: str, span: e.Span) -> e.Expr:
        column = named_column(ctx, graph.edges, name, span, scope)
        if column is None:
            return unknown_column(name, span)
        if hop.high is None:
            column = hop.shown.setdefault(column, ctx.column(name, column.type))
        return e.ColumnRef(span, column.type, column)

    def call(node: s.Call) -> e.Expr | None:
        if hop.high is None:
            return graph.functions["labels()"] if node.name == "labels" else None
        if node.name == "array_length":
            return hop.value(ctx.column("", Type.LONG), "count", False, e.TRUE)
        if node.name not in ("map", "all", "any") or len(node.arguments) != 2:
            return None
        inner = isinstance(node.arguments[0], s.Call)
        functions = {n: x for n, x in graph.functions.items() if inner or n == "labels()"}
        within = Scope(parent=scope, values=dict(functions))
        expr = ctx.expression(node.arguments[1], graph.nodes if inner else graph.edges, within)
        return hop.value(ctx.column("", Type.DYNAMIC if node.name == "map" else Type.BOOL), node.name, inner, expr)

    return Record(part, call, Type.DYNAMIC if hop.high is not None else Type.UNKNOWN)


def _along(ctx: Context, pattern: _Pattern, expr: e.Expr, kind: str) -> tuple[e.Expr, bool]:
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
    return many[0].value(ctx.column("", result), kind, False, expr), True


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
