"""Operators of a query, of the reductions of their rules."""

from __future__ import annotations

from typing import Any

from lark import Token

from translator.kql import syntax as s
from translator.kql.literals import decode_string, decode_timespan, decode_typed
from translator.kql.reductions import (
    Children,
    Clause,
    Refused,
    after,
    clause_in,
    clause_of,
    has_token,
    is_true,
    listed,
    named_type,
    nodes_in,
    operator_of,
    operator_of_list,
    span_of,
)


class Operators:
    """Callbacks for Lark; stateless."""

    def unknown_operator(self, c: Children) -> Any:
        name, start = str(c[0]), c[0].start_pos
        if name == "evaluate":  # which the lexer takes for the operator where a call stands behind it
            raise Refused(start + len(name), "evaluate is followed by a plugin with its arguments, such as bag_unpack(Properties)")
        raise Refused(start, f"'{name}' is not an operator", name)

    def where(self, c: Children) -> Any:
        return s.Where(span_of(c), c[1], c[2], str(c[0]))

    extend = listed(s.Extend)
    project = listed(s.Project)
    project_away = listed(s.ProjectAway)
    project_keep = listed(s.ProjectKeep)
    project_by_names = listed(s.ProjectByNames)
    project_rename = listed(s.ProjectRename)
    project_reorder = listed(s.ProjectReorder)
    top_nested = listed(s.TopNested)
    fork = listed(s.Fork)
    graph_to_table = listed(s.GraphToTable)
    execute_and_cache = staticmethod(lambda c: s.ExecuteAndCache(span_of(c)))

    top = operator_of(s.Top)
    sample = operator_of(s.Sample)
    sample_distinct = operator_of(s.SampleDistinct)
    as_ = operator_of(s.As)
    getschema = operator_of(s.GetSchema)
    consume = operator_of(s.Consume)
    graph_mark_components = operator_of(s.GraphMarkComponents)

    def take(self, c: Children) -> Any:
        return s.Take(span_of(c), c[1], c[2], str(c[0]))

    def reordered(self, c: Children) -> Any:
        return s.Ordered(span_of(c), c[0], str(c[1]) if len(c) > 1 else None)

    def summarize(self, c: Children) -> Any:
        by = c[-1] if isinstance(c[-1], Clause) else None
        aggregates = nodes_in(c[2:-1] if by else c[2:])
        return s.Summarize(span_of(c), c[1], aggregates, by.items if by else (), by.extra if by else None)

    def by_clause(self, c: Children) -> Any:
        bin_size = after(c, "BIN_EQUALS")
        return Clause(span_of(c), tuple(n for n in nodes_in(c) if n is not bin_size), bin_size)

    distinct = operator_of_list(s.Distinct)

    def join(self, c: Children) -> Any:
        clause = c[3] if len(c) > 3 else None
        on = clause.items if isinstance(clause, Clause) and clause.extra is None else None
        return s.Join(span_of(c), c[1], c[2], on, clause.extra if clause is not None else None)

    def lookup(self, c: Children) -> Any:
        return s.Lookup(span_of(c), c[1], c[2], c[3].items)

    on_clause = clause_of()

    def join_where(self, c: Children) -> Any:
        return Clause(span_of(c), (), c[1])

    union = operator_of_list(s.Union)

    def wildcard_member(self, c: Children) -> Any:
        return s.Member(span_of(c), c[0], s.Wildcard((c[2].start_pos, c[2].end_pos), str(c[2])))

    def sort(self, c: Children) -> Any:
        return s.Sort(span_of(c), c[1], nodes_in(c[2:]), str(c[0]))

    def ordered(self, c: Children) -> Any:
        words = [str(t) for t in c[1:]]
        direction = words[0] if words and words[0] != "nulls" else None
        return s.Ordered(span_of(c), c[0], direction, words[-1] if "nulls" in words else None)

    def top_nested_part(self, c: Children) -> Any:
        others = clause_in(c, Clause)
        count = c[1] if c[1].__class__ is not Token else None
        return s.TopNestedPart(span_of(c), count, after(c, "OF"), others.extra if others else None, c[-1])

    def others(self, c: Children) -> Any:
        return Clause(span_of(c), (), c[3])

    def top_hitters(self, c: Children) -> Any:
        return s.TopHitters(span_of(c), c[1], c[3], after(c, "BY"))

    def count(self, c: Children) -> Any:
        return s.Count(span_of(c), c[1], after(c, "AS"))

    def _expanded(self, c: Children) -> tuple[Any, Any, Any]:
        items = tuple(n for n in c if isinstance(n, s.ExpandItem))
        limit = clause_in(c, Clause)
        return c[1], items, limit.extra if limit else None

    def mv_expand(self, c: Children) -> Any:
        return s.MvExpand(span_of(c), *self._expanded(c))

    def mv_apply(self, c: Children) -> Any:
        identifier = after(c, "ID")
        return s.MvApply(span_of(c), *self._expanded(c), str(identifier) if identifier else None, c[-2])

    def expand_item(self, c: Children) -> Any:
        return s.ExpandItem(span_of(c), c[0], named_type(c[2]) if len(c) > 1 else None)

    def row_limit(self, c: Children) -> Any:
        return Clause(span_of(c), (), c[1])

    def parse(self, c: Children) -> Any:
        return s.Parse(span_of(c), str(c[0]), c[1], c[2], c[4])

    def parse_pattern(self, c: Children) -> tuple[Any, ...]:
        return tuple(c)

    def parse_column(self, c: Children) -> Any:
        return s.Column(span_of(c), c[0], str(c[2]) if len(c) > 1 else "")

    find_column = parse_column

    def parse_kv(self, c: Children) -> Any:
        properties = clause_in(c, Clause)
        return s.ParseKv(span_of(c), c[1], c[3], properties.items if properties else ())

    with_properties = clause_of()

    def property(self, c: Children) -> Any:
        return s.Parameter(span_of(c), c[0].value, c[2])

    def make_series(self, c: Children) -> Any:
        aggregates = tuple(n for n in c if isinstance(n, s.SeriesAggregate))
        clauses = [n for n in c if isinstance(n, Clause)]
        start, stop, step, in_range = clauses[0].extra
        by = clauses[1].items if len(clauses) > 1 else ()
        return s.MakeSeries(span_of(c), c[1], aggregates, after(c, "ON"), start, stop, step, by, in_range)

    def series_aggregate(self, c: Children) -> Any:
        return s.SeriesAggregate(span_of(c), c[0], c[3] if len(c) > 1 else None)

    def series_range(self, c: Children) -> Any:
        if c[0].type == "IN_RANGE":
            return Clause(span_of(c), (), (c[2], c[4], c[6], True))
        return Clause(span_of(c), (), (after(c, "FROM"), after(c, "TO"), after(c, "STEP"), False))

    serialize = operator_of_list(s.Serialize)

    def render(self, c: Children) -> Any:
        legacy = len(c) > 2 and c[2].__class__ is not Token
        properties: list[s.RenderProperty] = []
        for node in nodes_in(c[2:]):
            if isinstance(node, s.RenderProperty):
                properties.append(node)
            elif not properties:
                raise Refused(node.span[0], "expected a property of render, such as title=", "")
            else:
                last = properties.pop()
                properties.append(s.RenderProperty((last.span[0], node.span[1]), last.name, (*last.values, node)))
        return s.Render(span_of(c), c[1], tuple(properties), legacy)

    def chart(self, c: Children) -> Any:
        return c[0]

    def render_property(self, c: Children) -> Any:
        return s.RenderProperty(span_of(c), c[0].strip(), (c[2],))

    def legacy_property(self, c: Children) -> Any:
        return s.RenderProperty(span_of(c), c[0].strip(), nodes_in(c))

    def evaluate(self, c: Children) -> Any:
        return s.Evaluate(span_of(c), c[1], c[2], c[4] if len(c) > 3 else None)

    def invoke(self, c: Children) -> Any:
        return s.Invoke(span_of(c), c[1])

    def find(self, c: Children) -> Any:
        clauses = {n.extra if isinstance(n.extra, str) else "where": n for n in c if isinstance(n, Clause)}
        predicate = next(n for n in c if isinstance(n, s.Expression))
        parts = {name: clause.items for name, clause in clauses.items()}
        parameters, tables = clauses["where"].extra if "where" in clauses else ((), ())
        scope = parts["scope"][0] if "scope" in parts else None
        return s.Find(span_of(c), scope, parameters, tables, predicate, parts.get("project"), parts.get("away", ()), "where" in clauses)

    def find_where(self, c: Children) -> Any:
        return Clause((c[-1].start_pos, c[-1].end_pos), (), (c[0], c[1].items if len(c) > 2 else ()))

    find_in = clause_of()

    def find_source(self, c: Children) -> Any:
        return s.FindSource(span_of(c), c[0], nodes_in(c[1:]))

    find_project = clause_of("project")
    find_away = clause_of("away")

    def pack_all(self, c: Children) -> Any:
        return s.PackAll(span_of(c))

    def data_scope(self, c: Children) -> Any:
        return Clause(span_of(c), (str(c[2]),), "scope")

    def search(self, c: Children) -> Any:
        clauses = [n for n in c if isinstance(n, Clause)]
        scope = next((n.items[0] for n in clauses if n.extra), None)
        tables = next((n.items for n in clauses if not n.extra), ())
        return s.Search(span_of(c), scope, c[1], tables, c[-1])

    def star_and(self, c: Children) -> Any:
        return s.Logical(span_of(c), "and", (c[0], c[2]))

    def partition(self, c: Children) -> Any:
        return s.Partition(span_of(c), c[1], c[3], after(c, "IN"), c[-2], c[-1].type == "RBRACE")

    def partition_by(self, c: Children) -> Any:
        identifier = after(c, "ID")
        return s.PartitionBy(span_of(c), c[1], c[2], str(identifier) if identifier else None, c[-2])

    def fork_branch(self, c: Children) -> Any:
        return s.ForkBranch(span_of(c), c[0] if isinstance(c[0], s.Name) else None, c[-2])

    def facet(self, c: Children) -> Any:
        nodes = nodes_in(c)
        if not has_token(c, "WITH"):
            return s.Facet(span_of(c), nodes, None)
        pipeline = nodes[-1] if isinstance(nodes[-1], s.Pipeline) else s.Pipeline(nodes[-1].span, None, (nodes[-1],))
        return s.Facet(span_of(c), nodes[:-1], pipeline)

    def reduce(self, c: Children) -> Any:
        return s.Reduce(span_of(c), c[1], c[3], nodes_in(c[4:]))

    def scan(self, c: Children) -> Any:
        parts: dict[str, tuple[Any, ...]] = {n.extra: n.items for n in c if isinstance(n, Clause)}
        steps = tuple(n for n in c if isinstance(n, s.ScanStep))
        return s.Scan(span_of(c), c[1], parts.get("order", ()), parts.get("partition", ()), parts.get("declare", ()), steps)

    scan_order = clause_of("order")
    scan_partition = clause_of("partition")
    scan_declare = clause_of("declare")

    def scan_step(self, c: Children) -> Any:
        output = clause_in(c, Clause)
        assignments = tuple(n for n in c if isinstance(n, s.Named))
        return s.ScanStep(span_of(c), c[1], has_token(c, "OPTIONAL"), output.extra if output else None, after(c, "COLON"), assignments)

    def scan_output(self, c: Children) -> Any:
        return Clause(span_of(c), (), str(c[2]))

    def scan_assignment(self, c: Children) -> Any:
        return s.Named(span_of(c), (c[0],), c[2])

    def assert_schema(self, c: Children) -> Any:
        return s.AssertSchema(span_of(c), c[1])

    def make_graph(self, c: Children) -> Any:
        node_id = next((n.items[0] for n in c if isinstance(n, Clause) and n.extra == "node-id"), None)
        partition = next((n for n in c if isinstance(n, Clause) and n.extra == "partition"), None)
        tables = tuple(n for n in c if isinstance(n, s.GraphTable))
        by, pipeline = partition.items if partition else (None, None)
        return s.MakeGraph(span_of(c), c[1], c[2], str(c[3]), c[4], tables, node_id, by, pipeline)

    def graph_node_id(self, c: Children) -> Any:
        return Clause(span_of(c), (c[2],), "node-id")

    def graph_table(self, c: Children) -> Any:
        return s.GraphTable(span_of(c), c[0], c[2])

    def graph_partition(self, c: Children) -> Any:
        return Clause(span_of(c), (c[1], c[3]), "partition")

    def graph_match(self, c: Children) -> Any:
        patterns = tuple(n for n in c if isinstance(n, s.GraphPattern))
        where = next((n.extra for n in c if isinstance(n, Clause) and n.extra is not None), None)
        project = next((n.items for n in c if isinstance(n, Clause) and n.extra is None), None)
        return s.GraphMatch(span_of(c), str(c[0]), c[1], patterns, where, project)

    graph_project = clause_of()
    graph_pattern = listed(s.GraphPattern)

    def graph_node(self, c: Children) -> Any:
        return s.GraphNode(span_of(c), c[1] if len(c) > 2 else None)

    def graph_edge(self, c: Children) -> Any:
        if len(c) == 1:
            return s.GraphEdge(span_of(c), str(c[0]), "")
        hops = clause_in(c, Clause)
        low, high = hops.items if hops else (None, None)
        return s.GraphEdge(span_of(c), str(c[0]), str(c[-1]), clause_in(c, s.Name), low, high)

    def graph_hops(self, c: Children) -> Any:
        return Clause(span_of(c), (c[1], c[3]))

    def graph_output(self, c: Children) -> Any:
        parameters = tuple(
            s.Parameter(n.span, "with_node_id", s.NameReference(n.items[0].span, n.items[0].value)) if isinstance(n, Clause) else n
            for n in c
            if isinstance(n, Clause | s.Parameter)
        )
        return s.GraphOutput(span_of(c), str(c[0]), after(c, "AS"), parameters)

    def parameters(self, c: Children) -> tuple[Any, ...]:
        return tuple(c)

    graph_parameters = parameters

    def operator_parameter(self, c: Children) -> Any:
        return s.Parameter(span_of(c), c[0].strip(), _parameter_value(c[2]))


setattr(Operators, "as", Operators.as_)


def _parameter_value(token: Any) -> s.Expression:
    span = (token.start_pos, token.end_pos)
    first = token[0]
    if first in "\"'@" or (first in "hH" and len(token) > 1 and token[1] in "\"'@"):
        return s.Literal(span, "string", decode_string(token), str(token))
    if first == "[":
        return s.NameReference(span, decode_string(token[1:-1]), quoted=True)
    if token.endswith(")"):
        return s.Literal(span, *decode_typed(token), str(token))
    if token.lower() in ("true", "false"):
        return s.Literal(span, "bool", is_true(token), str(token))
    if first in "+-0123456789":
        digits = token.lstrip("+-")
        sign = -1 if first == "-" else 1
        if digits.isdigit():
            return s.Literal(span, "long", sign * int(digits), str(token))
        try:
            return s.Literal(span, "real", sign * float(digits), str(token))
        except ValueError:
            ticks = decode_timespan(digits)
            return s.Literal(span, "timespan", sign * ticks if ticks is not None else str(token), str(token))
    return s.NameReference(span, str(token))
