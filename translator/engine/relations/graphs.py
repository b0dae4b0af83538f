"""Graphs as SQL: nodes and edges numbered once, patterns as joins of these numbers, and edges of variable length as a recursion.

Sources: learn.microsoft.com/kusto/query/make-graph-operator, graph-match-operator, graph-shortest-paths-operator,
graph-mark-components-operator and graph-to-table-operator.
"""

from __future__ import annotations

from sqlglot import exp

from translator.engine.errors import EngineError
from translator.engine.python import rows as python_rows
from translator.engine.relations.compiling import Compiling, Relational
from translator.engine.scalars import comparisons, conversions
from translator.engine.scalars.writing import column_name
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type

PATHS = 300_000
"""Paths of one length that an edge of variable length is followed along at most: they are held in memory."""

HOPS = 1_000
"""The most edges of one path."""


def graph_rows(compiler: Compiling, relation: o.GraphMatch | o.GraphTable) -> Relational:
    """The rows that are made of a graph, their columns by id, and their order: that of what the graph is made from.

    Raises:
        EngineError: what is not documented, or a dialect other than DuckDB's.
    """
    compiler.only_duckdb("a graph", relation.span)
    made = _Graph(compiler, relation.graph)
    if isinstance(relation, o.GraphTable):
        return made.table(relation)
    return _Match(made, relation).query()


def _ref(column: e.Column, table: str | None = None) -> exp.Column:
    return exp.column(column_name(column), table=table, quoted=True)


def _all(table: str) -> exp.Column:
    return exp.Column(this=exp.Star(), table=exp.to_identifier(table))


class _Graph:
    """The edges with the numbers of the nodes that they connect, and the nodes with theirs, each under a name of its own."""

    def __init__(self, compiler: Compiling, graph: o.Graph) -> None:
        self.compiler, self.graph, self.scalars = compiler, graph, compiler.scalars
        self.edge, self.node, self.source, self.target = (compiler.column(Type.LONG) for _ in range(4))
        self.parts: list[tuple[str, exp.Query, bool]] = []
        self.edges, self.nodes = self.build()

    def add(self, query: exp.Query, recursive: bool = False, name: str | None = None) -> str:
        name = name or self.compiler.shared_name()
        self.parts.append((name, query, recursive))
        return name

    def whole(self, select: exp.Select) -> exp.Select:
        """``select`` with the parts that it reads."""
        some = any(recursive for _, _, recursive in self.parts)
        for name, query, recursive in self.parts:
            select = select.with_(name, as_=query, recursive=some, materialized=None if recursive else True)
        return select

    def build(self) -> tuple[str, str]:
        compiler, graph, scalars = self.compiler, self.graph, self.scalars
        kinds = {c.type for c in (graph.source, graph.target, *(i for _, i in graph.nodes))}
        if len(kinds) > 1:
            raise EngineError(f"the ids of these nodes have several types: {', '.join(sorted(map(str, kinds)))}", graph.span)
        if len({i.name for _, i in graph.nodes}) > 1:
            raise EngineError("node tables whose ids have different names are not supported", graph.span)
        assert graph.input is not None
        edges = compiler.relation(graph.input)
        number = exp.Window(this=exp.RowNumber(), order=compiler.order_of(edges))
        raw = self.add(compiler.over(edges, compiler.named(number, self.edge)))
        tables = [self.add(compiler.relation(r).select) for r, _ in graph.nodes]
        place = compiler.column(Type.LONG)
        found = [(graph.source, raw, "$1 * 2"), (graph.target, raw, "$1 * 2 + 1")]
        ids: list[exp.Query] = [
            exp.select(compiler.named(_ref(c), graph.key), compiler.named(scalars.sql(at, _ref(self.edge)), place)).from_(table)
            for c, table, at in found
        ]
        for (_, column), table in zip(graph.nodes, tables, strict=True):
            late = scalars.sql("9000000000000000000 + ROW_NUMBER() OVER ()")
            ids.append(exp.select(compiler.named(_ref(column), graph.key), compiler.named(late, place)).from_(table))
        union = ids[0]
        for other in ids[1:]:
            union = exp.Union(this=union, expression=other, distinct=False)
        order = exp.Order(expressions=[exp.Ordered(this=exp.Min(this=_ref(place)))])
        keys = exp.select(_ref(graph.key), compiler.named(exp.Window(this=exp.RowNumber(), order=order), self.node))
        keys = keys.from_(union.subquery("k")).where(scalars.sql("$1 IS NOT NULL", _ref(graph.key))).group_by(_ref(graph.key))
        numbered = self.add(keys)
        plain = exp.select(_all(raw), *(compiler.named(_ref(self.node, t), c) for t, c in (("a", self.source), ("b", self.target))))
        plain = plain.from_(raw)
        for table, column in (("a", graph.source), ("b", graph.target)):
            condition = exp.EQ(this=_ref(column, raw), expression=_ref(graph.key, table))
            plain = plain.join(exp.table_(numbered, alias=table), on=condition)
        connected = self.add(plain)
        items: list[exp.Expr] = []
        for column, origins in graph.properties:
            values: list[exp.Expr] = [_ref(c, f"n{i}") for i, c in enumerate(origins) if c is not None]
            if column.type == Type.STRING:
                values = [exp.Nullif(this=v, expression=exp.Literal.string("")) for v in values]
            value = exp.Coalesce(this=values[0], expressions=values[1:]) if len(values) > 1 else values[0]
            items.append(compiler.named(scalars.never_null(value, column.type), column))
        for column, end in zip(graph.degrees, (self.target, self.source), strict=True):
            count = (
                exp.select(exp.Count(this=exp.Star())).from_(connected).where(exp.EQ(this=_ref(end), expression=_ref(self.node, numbered)))
            )
            items.append(compiler.named(exp.Subquery(this=count), column))
        nodes = exp.select(_all(numbered), *items).from_(numbered)
        for i, ((_, column), table) in enumerate(zip(graph.nodes, tables, strict=True)):
            first = exp.EQ(this=exp.Window(this=exp.RowNumber(), partition_by=[_ref(column)]), expression=exp.Literal.number(1))
            one = exp.select(exp.Star()).from_(table).qualify(first)
            condition = exp.EQ(this=_ref(graph.key, numbered), expression=_ref(column, f"n{i}"))
            nodes = nodes.join(one.subquery(f"n{i}"), on=condition, join_type="left")
        made = self.add(nodes)
        for column, kind in graph.components:
            made = self.add(self.marked(connected, made, column, kind))
        return connected, made

    def marked(self, edges: str, nodes: str, column: e.Column, kind: str) -> exp.Select:
        """The nodes with the numbers of their components."""
        if kind not in ("weak", "strong"):
            raise EngineError(f"graph-mark-components has no kind={kind}: there are weak and strong", self.graph.span)
        scalars = self.scalars
        pairs = exp.select(
            scalars.sql("COALESCE(CAST(TO_JSON(LIST([$1, $2])) AS TEXT), '[]')", _ref(self.source), _ref(self.target))
        ).from_(edges)
        size = exp.select(exp.Count(this=exp.Star())).from_(nodes)
        args = (exp.Subquery(this=pairs), exp.Subquery(this=size), exp.Boolean(this=kind == "strong"))
        numbers = scalars.python("components_of", python_rows.components_of, (Type.DYNAMIC, Type.LONG, Type.BOOL), Type.DYNAMIC, args)
        listed = exp.select(exp.alias_(scalars.sql("CAST(CAST($1 AS JSON) AS BIGINT[])", numbers), "l"))
        value = scalars.sql("LIST_EXTRACT(m.l, $1)", _ref(self.node, nodes))
        return exp.select(_all(nodes), self.compiler.named(value, column)).from_(nodes).join(listed.subquery("m"), join_type="cross")

    def table(self, relation: o.GraphTable) -> Relational:
        """graph-to-table."""
        if relation.hashed:
            raise EngineError("how Kusto hashes the ids of nodes is not documented", relation.span)
        if relation.what == "nodes":
            graph = self.graph
            columns = [graph.key, *(c for c, _ in graph.properties), *(c for c, _ in graph.components), self.node]
            name, last = self.nodes, self.node
        else:
            assert self.graph.input is not None
            edges = self.compiler.relation(self.graph.input).columns
            columns, name, last = [*edges.values(), self.edge], self.edges, self.edge
        select = exp.select(*map(_ref, columns)).from_(name)
        return Relational(self.whole(select), {c.id: c for c in columns}, [exp.Ordered(this=_ref(last))])


class _Match:
    def __init__(self, graph: _Graph, relation: o.GraphMatch) -> None:
        self.graph, self.relation = graph, relation
        self.compiler, self.scalars = graph.compiler, graph.scalars
        if relation.cycles not in ("all", "none", "unique_edges"):
            raise EngineError(f"graph-match has no cycles={relation.cycles}: there are all, none and unique_edges", relation.span)
        if relation.cycles == "none" and len(relation.hops) >= len(relation.nodes):
            raise EngineError("what cycles=none means of a pattern that is a cycle itself is not documented", relation.span)
        self.start, self.end, self.edge_list, self.node_list = (self.compiler.column(Type.LONG) for _ in range(4))
        self.local = [[] for _ in relation.nodes]  # type: list[list[e.Expr]]
        self.spread()

    def spread(self) -> None:
        """The conditions on one node alone, which are asked before anything is followed from it."""
        owner = {c: i for i, shown in enumerate(self.relation.nodes) for _, c in shown}
        for condition in e.conjuncts(self.relation.predicate):
            owners = {owner.get(c, -1) for c in e.columns_of(condition)}
            if len(owners) == 1 and (node := owners.pop()) >= 0:
                self.local[node].append(condition)

    def query(self) -> Relational:
        compiler, graph, relation = self.compiler, self.graph, self.relation
        nodes = [self.ends(i) for i in range(len(relation.nodes))]
        hops = [self.steps(hop) if hop.high is None else self.paths(hop, nodes[hop.left]) for hop in relation.hops]
        columns = [c for shown in relation.nodes for _, c in shown]
        items: list[exp.Expr] = [compiler.named(_ref(g, f"n{i}"), c) for i, shown in enumerate(relation.nodes) for g, c in shown]
        conditions: list[exp.Expr] = []
        sources: list[exp.Expr] = [exp.table_(name, alias=f"n{i}") for i, name in enumerate(nodes)]
        edges: list[exp.Expr] = []
        inner: list[exp.Expr] = []
        for i, (hop, name) in enumerate(zip(relation.hops, hops, strict=True)):
            table = f"h{i}"
            sources.append(exp.table_(name, alias=table))
            for column, node in ((self.start, hop.left), (self.end, hop.right)):
                conditions.append(exp.EQ(this=_ref(column, table), expression=_ref(graph.node, f"n{node}")))
            items += [compiler.named(_ref(g, table), c) for g, c in hop.shown]
            columns += [c for _, c in hop.shown]
            if hop.high is None:
                edges.append(self.scalars.sql("[$1]", _ref(graph.edge, table)))
                continue
            edges.append(_ref(self.edge_list, table))
            inner.append(_ref(self.node_list, table))
            for column, kind, _, _ in hop.values:
                items.append(compiler.named(self.summed(kind, _ref(column, table), _ref(self.edge_list, table)), column))
                columns.append(column)
        followed, place = compiler.column(Type.DYNAMIC), compiler.column(Type.LONG)
        ends = [_ref(graph.node, f"n{i}") for i in range(len(relation.nodes))]
        items.append(compiler.named(exp.func("FLATTEN", exp.Array(expressions=edges)) if edges else self.scalars.sql("[]"), followed))
        visited = exp.func("FLATTEN", exp.Array(expressions=[exp.Array(expressions=ends), *inner]))
        if relation.cycles == "none":
            conditions.append(self.scalars.sql("LEN(LIST_DISTINCT($1)) = LEN($1)", visited))
        elif relation.cycles == "unique_edges" and len(edges) > 1:
            conditions.append(self.scalars.sql("LEN(LIST_DISTINCT($1)) = LEN($1)", exp.func("FLATTEN", exp.Array(expressions=edges))))
        first, last = compiler.column(Type.LONG), compiler.column(Type.LONG)
        items += [compiler.named(ends[0].copy(), first), compiler.named(ends[self.last()].copy(), last)]
        select = exp.select(*items).from_(sources[0])
        for source in sources[1:]:
            select = select.join(source, join_type="cross")
        if conditions:
            select = select.where(*conditions)
        matched = exp.select(exp.Star()).from_(select.subquery("m")).where(comparisons.predicate(self.scalars, relation.predicate))
        if relation.shortest:
            matched = self.shortest(matched, first, last, followed, place)
        order = [exp.Ordered(this=_ref(c)) for c in (first, followed)]
        columns += [first, followed]
        return Relational(graph.whole(matched), {c.id: c for c in columns}, order)

    def last(self) -> int:
        return self.relation.hops[-1].right if self.relation.hops else 0

    def ends(self, number: int) -> str:
        """The nodes that may stand at one place of the pattern."""
        shown, conditions = self.relation.nodes[number], self.local[number]
        if not conditions:
            return self.graph.nodes
        own = {c: e.ColumnRef(None, g.type, g) for g, c in shown}
        predicate = e.transform(e.conjunction(*conditions), lambda n: own.get(n.column, n) if isinstance(n, e.ColumnRef) else n)
        return self.graph.add(exp.select(exp.Star()).from_(self.graph.nodes).where(comparisons.predicate(self.scalars, predicate)))

    def steps(self, hop: o.GraphHop) -> str:
        """The edges from where they are followed to where they lead, in any direction both ways."""

        def one(start: e.Column, end: e.Column) -> exp.Select:
            shown = (self.compiler.named(_ref(a), b) for a, b in ((start, self.start), (end, self.end)))
            return exp.select(exp.Star(), *shown).from_(self.graph.edges)

        source, target = self.graph.source, self.graph.target
        if hop.direction == ">":
            return self.graph.add(one(source, target))
        if hop.direction == "<":
            return self.graph.add(one(target, source))
        back = one(target, source).where(exp.NEQ(this=_ref(source), expression=_ref(target)))
        return self.graph.add(exp.Union(this=one(source, target), expression=back, distinct=False))

    def valued(self, name: str, values: list[tuple[e.Column, str, bool, e.Expr]]) -> str:
        """Edges or nodes with what is asked of each."""
        if not values:
            return name
        items = [
            self.compiler.named(conversions.to_dynamic(self.scalars, x) if kind == "map" else comparisons.predicate(self.scalars, x), c)
            for c, kind, _, x in values
        ]
        return self.graph.add(exp.select(exp.Star(), *items).from_(name))

    def paths(self, hop: o.GraphHop, starts: str) -> str:
        """The paths that an edge of variable length stands for."""
        compiler, graph, scalars, cycles = self.compiler, self.graph, self.scalars, self.relation.cycles
        assert hop.high is not None
        if hop.low is None or hop.low < 0 or hop.high < hop.low or hop.high > HOPS:
            raise EngineError(f"an edge stands for 0 to {HOPS:,} edges, the fewest first", self.relation.span)
        if hop.low == 0 and cycles == "none":
            raise EngineError("what cycles=none means of a path without an edge is not documented", self.relation.span)
        outer = [v for v in hop.values if not v[2] and v[1] != "count"]
        inside = [v for v in hop.values if v[2]]
        steps, nodes = self.valued(self.steps(hop), outer), self.valued(graph.nodes, inside)
        lists = [self.edge_list, self.node_list, *(v[0] for v in (*outer, *inside))]
        kinds = ["BIGINT", "BIGINT", *("TEXT" if v[1] == "map" else "BOOLEAN" for v in (*outer, *inside))]
        empty = [compiler.named(scalars.sql(f"CAST([] AS {kind}[])"), c) for c, kind in zip(lists, kinds, strict=True)]
        before = exp.select(compiler.named(_ref(graph.node), self.start), compiler.named(_ref(graph.node), self.end), *empty).from_(starts)
        path = compiler.shared_name()
        length = exp.func("LEN", _ref(self.edge_list, "p"))
        bounded = scalars.sql(
            f"CASE WHEN COUNT(*) OVER () > {PATHS} THEN ERROR('an edge of variable length stands for more than {PATHS:,} paths') ELSE $1 END",
            _ref(self.start, "p"),
        )
        items = [compiler.named(scalars.cast(bounded, Type.LONG), self.start), _ref(self.end, "s")]
        added = {self.edge_list: _ref(graph.edge, "s"), self.node_list: _ref(self.end, "p")}
        added |= {c: _ref(c, "s") for c, *_ in outer} | {c: _ref(c, "n") for c, *_ in inside}
        for column in lists:
            longer: exp.Expr = exp.func("LIST_APPEND", _ref(column, "p"), added[column])
            if column == self.node_list or any(column == c for c, *_ in inside):
                longer = scalars.sql("CASE WHEN $1 = 0 THEN $2 ELSE $3 END", length, _ref(column, "p"), longer)
            items.append(compiler.named(longer, column))
        after = exp.select(*items).from_(exp.table_(path, alias="p"))
        after = after.join(exp.table_(steps, alias="s"), on=exp.EQ(this=_ref(self.start, "s"), expression=_ref(self.end, "p")))
        if inside:
            after = after.join(exp.table_(nodes, alias="n"), on=exp.EQ(this=_ref(graph.node, "n"), expression=_ref(self.end, "p")))
        after = after.where(exp.LT(this=length.copy(), expression=exp.Literal.number(hop.high)))
        if cycles != "all":
            after = after.where(scalars.sql("NOT LIST_CONTAINS($1, $2)", _ref(self.edge_list, "p"), _ref(graph.edge, "s")))
        if cycles == "none":
            new = _ref(self.end, "s")
            met = [exp.NEQ(this=new, expression=_ref(c, "p")) for c in (self.start, self.end)]
            after = after.where(*met, scalars.sql("NOT LIST_CONTAINS($1, $2)", _ref(self.node_list, "p"), new))
        for column, kind, inner, _ in outer:
            if kind == "all" and not inner and any(c == e.ColumnRef(None, Type.BOOL, column) for c in self.demands()):
                after = after.where(_ref(column, "s"))
        graph.add(exp.Union(this=before, expression=after, distinct=False), recursive=True, name=path)
        long = exp.GTE(this=exp.func("LEN", _ref(self.edge_list)), expression=exp.Literal.number(hop.low))
        return graph.add(exp.select(exp.Star()).from_(path).where(long))

    def demands(self) -> tuple[e.Expr, ...]:
        return e.conjuncts(self.relation.predicate)

    def summed(self, kind: str, values: exp.Expr, edges: exp.Expr) -> exp.Expr:
        """What a value along a path comes to."""
        if kind == "count":
            return exp.func("LEN", edges)
        if kind == "map":
            return self.scalars.sql("'[' || ARRAY_TO_STRING(LIST_TRANSFORM($1, x -> COALESCE(x, 'null')), ',') || ']'", values)
        wrong = "LEN(LIST_FILTER($1, x -> x IS DISTINCT FROM TRUE)) = 0" if kind == "all" else "LEN(LIST_FILTER($1, x -> x)) > 0"
        return self.scalars.sql(wrong, values)

    def shortest(self, matched: exp.Select, first: e.Column, last: e.Column, followed: e.Column, place: e.Column) -> exp.Select:
        """Of the paths between two nodes those that are shortest; of several the one over the first edges where one is enough."""
        if self.relation.shortest not in ("any", "all"):
            raise EngineError(f"graph-shortest-paths has no output={self.relation.shortest}: there are any and all", self.relation.span)
        if not any(hop.high is not None for hop in self.relation.hops) or self.last() != len(self.relation.nodes) - 1:
            raise EngineError("graph-shortest-paths takes one sequence with an edge of variable length", self.relation.span)
        keys = [exp.func("LEN", _ref(followed)), *([_ref(followed)] if self.relation.shortest == "any" else [])]
        rank = exp.Window(
            this=exp.Anonymous(this="RANK"),
            partition_by=[_ref(first), _ref(last)],
            order=exp.Order(expressions=[exp.Ordered(this=k) for k in keys]),
        )
        apart = self.scalars.sql(
            "CASE WHEN $1 = $2 THEN ERROR('whether a shortest path leads back to where it starts is not documented') ELSE $3 END",
            _ref(first), _ref(last), rank,
        )  # fmt: skip
        ranked = exp.select(exp.Star(), self.compiler.named(self.scalars.cast(apart, Type.LONG), place)).from_(matched.subquery("w"))
        return exp.select(exp.Star()).from_(ranked.subquery("v")).where(exp.EQ(this=_ref(place), expression=exp.Literal.number(1)))
