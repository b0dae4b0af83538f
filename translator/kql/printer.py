"""Syntax trees as KQL text.

Every node says what it is made of: strings and nodes in order. Printing expands those pieces with a stack of its own, so that a
tree of any depth can be printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from translator.kql import syntax as s
from translator.kql.literals import quote_string
from translator.kql.reserved import RESERVED, RESERVED_BEFORE_EQUALS

Piece: TypeAlias = "str | s.Node"
Pieces: TypeAlias = Iterable[Piece]

_NUMBER = re.compile(
    r"0[xX][0-9a-fA-F]+|[0-9]+[eE][0-9]+|[0-9]+(?:days?|d|hours?|hrs?|h|minutes?|min|m|seconds?|sec|s|ms"
    r"|(?:milli|micro|nano)(?:seconds?|sec|s)?|ticks?)"
)
"""Words that begin with a digit and read as a literal."""

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_]*|[0-9]+[A-Za-z_][A-Za-z0-9_]*")


_NAMES = RESERVED | RESERVED_BEFORE_EQUALS
_NO_CALLS = RESERVED | {"typeof", "kind", "with_source", "withsource"}
_LITERAL_WORDS = frozenset({"bool", "guid", "uuid"})
"""Names of functions that read as the start of a literal where the parenthesis follows at once."""


class _Layout(str):
    """A piece that is layout: a line break, or a change of the indentation."""


_BREAK, _IN, _OUT = _Layout("break"), _Layout("in"), _Layout("out")
INDENT = "    "


def to_kql(node: s.Node, lines: bool = False) -> str:
    """KQL whose syntax tree is ``node``: on one line, or with ``lines`` an operator a line and inner pipelines indented."""
    out: list[str] = []
    stack: list[Piece] = [node]
    depth = 0
    while stack:
        piece = stack.pop()
        if isinstance(piece, _Layout):
            depth += {"in": 1, "out": -1}.get(piece, 0)
            if piece == _BREAK:
                out.append("\n" + INDENT * depth)
        elif isinstance(piece, str):
            out.append(piece)
        elif lines and type(piece) in _SPREAD:
            stack.extend(reversed(list(_SPREAD[type(piece)](piece))))
        else:
            stack.extend(reversed(list(_PRINTERS[type(piece)](piece))))
    return "".join(out)


def _spread_pipeline(n: s.Pipeline) -> Pieces:
    out: list[Piece] = [n.source] if n.source is not None else []
    for operator in n.operators:
        out += [_BREAK, "| ", operator] if out else [operator]
    return out


def _spread_parentheses(n: s.Parenthesized) -> Pieces:
    if isinstance(n.value, s.Pipeline):
        return ["(", _IN, _BREAK, n.value, _OUT, _BREAK, ")"]
    return ["(", n.value, ")"]


def _spread_function(n: s.Function) -> Pieces:
    body: list[Piece] = []
    for statement in n.body:
        body += [_BREAK, statement, ";"]
    if n.body and not _ends_with_let(n.body):
        body.pop()
    return ["view " if n.view else "", "(", *_list(n.parameters), ") {", _IN, *body, _OUT, _BREAK, "}"]


_SPREAD: dict[type[s.Node], Callable[[Any], Pieces]] = {
    s.Pipeline: _spread_pipeline,
    s.Parenthesized: _spread_parentheses,
    s.Function: _spread_function,
}


def name(value: str, reserved: frozenset[str] = RESERVED) -> str:
    """A name, in brackets where it is no plain word or a reserved one."""
    if _PLAIN.fullmatch(value) and value not in reserved and not _NUMBER.fullmatch(value):
        return value
    return f"[{quote_string(value)}]"


def _list(items: Pieces, separator: str = ", ") -> list[Piece]:
    pieces: list[Piece] = []
    for item in items:
        if pieces:
            pieces.append(separator)
        pieces.append(item)
    return pieces


def _parameters(items: Iterable[s.Node]) -> list[Piece]:
    return [p for item in items for p in (item, " ")]


def _clause(word: str, items: tuple[Any, ...]) -> list[Piece]:
    return [word, *_list(items)] if items else []


def _optional(before: str, node: s.Node | None, after: str = "") -> list[Piece]:
    return [before, node, after] if node is not None else []


def _query(n: s.Query) -> Pieces:
    return _list(n.statements, ";\n")


def _pipeline(n: s.Pipeline) -> Pieces:
    operators = _list(n.operators, " | ")
    return [n.source, " | ", *operators] if n.source is not None else operators


def _named(n: s.Named) -> Pieces:
    if n.listed:
        return ["(", *_list(n.names), ") = ", n.value]
    return [n.names[0], " = ", n.value]


def _binary(n: s.Binary) -> Pieces:
    return [n.left, f" {n.operator} " if n.operator != ":" else ":", n.right]


def _literal(n: s.Literal) -> Pieces:
    return [quote_string(n.value) if n.kind == "string" and isinstance(n.value, str) else n.text]


def _let(n: s.Let) -> Pieces:
    return ["let ", n.name, " = ", n.value]


def _function(n: s.Function) -> Pieces:
    return [
        "view " if n.view else "",
        "(",
        *_list(n.parameters),
        ") { ",
        *_list(n.body, "; "),
        "; " if _ends_with_let(n.body) else " ",
        "}",
    ]


def _ends_with_let(body: tuple[s.Node, ...]) -> bool:
    return bool(body) and not isinstance(body[-1], s.ExpressionStatement)


def _function_parameter(n: s.FunctionParameter) -> Pieces:
    kind: Piece = n.type
    return [n.name, ":", kind, *_optional(" = ", n.default)]


def _schema(n: s.RowSchema) -> Pieces:
    star: tuple[Piece, ...] = ("*",) if n.open else ()
    return ["(", *_list((*n.columns[: n.before], *star, *n.columns[n.before :])), ")"]


def _call(n: s.Call) -> Pieces:
    gap = " " if n.name in _LITERAL_WORDS else ""
    return [name(n.name, _NO_CALLS), gap, "(", *_list(n.arguments), ")"]


def _tabular_call(n: s.TabularCall) -> Pieces:
    return [n.function, f" kind={n.kind} " if n.kind else "", "(", n.pipeline, ")"]


def _sort(n: s.Sort) -> Pieces:
    return ["sort ", *_parameters(n.parameters), "by ", *_list(n.keys)]


def _ordered(n: s.Ordered) -> Pieces:
    return [n.value, f" {n.direction}" if n.direction else "", f" nulls {n.nulls}" if n.nulls else ""]


def _join(n: s.Join) -> Pieces:
    return [
        "join ", *_parameters(n.parameters), n.right,
        *([" on ", *_list(n.conditions)] if n.conditions is not None else []), *_optional(" where ", n.where),
    ]  # fmt: skip


def _summarize(n: s.Summarize) -> Pieces:
    return [
        "summarize ", *_parameters(n.parameters), *_list(n.aggregates), " " if n.aggregates and n.by else "",
        *_clause("by ", n.by), *_optional(" bin=", n.bin),
    ]  # fmt: skip


def _expand(keyword: str, n: s.MvExpand | s.MvApply) -> list[Piece]:
    return [keyword, *_parameters(n.parameters), *_list(n.items), *_optional(" limit ", n.limit)]


def _mv_apply(n: s.MvApply) -> Pieces:
    identifier = f" id {n.identifier}" if n.identifier else ""
    return [*_expand("mv-apply ", n), identifier, " on (", n.pipeline, ")"]


def _parse(n: s.Parse) -> Pieces:
    return [f"{n.keyword} ", *_parameters(n.parameters), n.value, " with ", *_list(n.pattern, " ")]


def _make_series(n: s.MakeSeries) -> Pieces:
    head: list[Piece] = ["make-series ", *_parameters(n.parameters), *_list(n.aggregates), " on ", n.on]
    if n.in_range and n.start is not None and n.stop is not None:
        head += [" in range(", n.start, ", ", n.stop, ", ", n.step, ")"]
    else:
        head += [*_optional(" from ", n.start), *_optional(" to ", n.stop), " step ", n.step]
    return [*head, *_clause(" by ", n.by)]


def _render(n: s.Render) -> Pieces:
    if n.legacy:
        return [f"render {n.chart} ", *_list([_Legacy(p.span, p) for p in n.properties], " ")]
    return [f"render {n.chart}", *([" with (", *_list(n.properties), ")"] if n.properties else [])]


class _Legacy(s.Node):
    """A property of ``render`` in its old form: ``by a, b`` and ``with "x"`` have no equals sign."""

    __slots__ = ("item",)

    def __init__(self, span: s.Span, item: s.RenderProperty) -> None:
        object.__setattr__(self, "span", span)
        object.__setattr__(self, "item", item)

    item: s.RenderProperty


def _legacy(n: _Legacy) -> Pieces:
    sign = " " if n.item.name in ("by", "with") else "="
    return [n.item.name, sign, *_list(n.item.values)]


def _find(n: s.Find) -> Pieces:
    out: list[Piece] = ["find ", f"datascope={n.scope} " if n.scope else ""]
    if n.has_where or n.parameters or n.tables:
        out += [*_parameters(n.parameters), *(["in (", *_list(n.tables), ") "] if n.tables else []), "where "]
    out.append(n.predicate)
    if n.columns is not None:
        out += [" project ", *_list(n.columns)] if n.columns else [" project-smart"]
    return [*out, *_clause(" __projectAway ", n.away)]


def _search(n: s.Search) -> Pieces:
    return [
        "search ", *_parameters(n.parameters), f"datascope={n.scope} " if n.scope else "",
        *(["in (", *_list(n.tables), ") "] if n.tables else []), n.predicate,
    ]  # fmt: skip


def _partition(n: s.Partition) -> Pieces:
    opening, closing = (" { ", " }") if n.braces else (" (", ")")
    return ["partition ", *_parameters(n.parameters), "by ", n.by, *_optional(" in ", n.values), opening, n.pipeline, closing]


def _scan(n: s.Scan) -> Pieces:
    return [
        "scan ", *_parameters(n.parameters), *_clause("order by ", n.order), " " if n.order else "",
        *_clause("partition by ", n.partition), " " if n.partition else "",
        *(["declare (", *_list(n.declared), ") "] if n.declared else []), "with (", *_list(n.steps, " "), ")",
    ]  # fmt: skip


def _scan_step(n: s.ScanStep) -> Pieces:
    return [
        "step ", n.name, " optional" if n.optional else "", f" output={n.output}" if n.output else "", ": ", n.condition,
        *([" => ", *_list(n.assignments)] if n.assignments else []), ";",
    ]  # fmt: skip


def _make_graph(n: s.MakeGraph) -> Pieces:
    return [
        "make-graph ", *_parameters(n.parameters), n.source, f" {n.direction} ", n.target, *_clause(" with ", n.nodes),
        *_optional(" with_node_id=", n.node_id), *_optional(" partitioned-by ", n.partitioned_by),
        *_optional(" (", n.pipeline, ")"),
    ]  # fmt: skip


def _graph_match(n: s.GraphMatch) -> Pieces:
    return [
        f"{n.keyword} ", *_parameters(n.parameters), *_list(n.patterns), *_optional(" where ", n.where),
        *([" project ", *_list(n.project)] if n.project is not None else []),
    ]  # fmt: skip


def _graph_edge(n: s.GraphEdge) -> Pieces:
    hops: list[Piece] = ["*", n.low, "..", n.high] if n.low is not None and n.high is not None else []
    return [n.open, *_optional("", n.name), *hops, n.close]


def _declare_pattern(n: s.DeclarePattern) -> Pieces:
    if not n.rules:
        return ["declare pattern ", n.name]
    path: list[Piece] = ["[", n.path, "]"] if n.path is not None else []
    return ["declare pattern ", n.name, " = (", *_list(n.parameters), ")", *path, " { ", *_list(n.rules, " "), " }"]


def _pattern_rule(n: s.PatternRule) -> Pieces:
    path: list[Piece] = [".[", n.path, "]"] if n.path is not None else []
    return ["(", *_list(n.arguments), ")", *path, " = { ", *_list(n.body, "; "), " };"]


def _top_nested_part(n: s.TopNestedPart) -> Pieces:
    return [
        "top-nested ",
        *_optional("", n.count, " "),
        "of ",
        n.of,
        *_optional(" with others=", n.others),
        " by ",
        n.by,
    ]


def _declared(n: s.Column) -> Pieces:
    return [name(n.name.value, _NAMES), f":{n.type}" if n.type else ""]


def _parameter(n: s.Parameter) -> Pieces:
    """Keywords may stand as the value of a parameter."""
    word = n.value.name if isinstance(n.value, s.NameReference) and re.fullmatch(r"[\w.]+", n.value.name) else None
    return [name(n.name, frozenset()) if "." not in n.name else n.name, "=", word if word is not None else n.value]


def _external(n: s.ExternalData) -> Pieces:
    properties: list[Piece] = [" with (", *_list(n.properties), ")"] if n.properties else []
    return ["externaldata ", *_parameters(n.parameters), n.schema, " [", *_list(n.sources), "]", *properties]


def _combine(n: s.MaterializedViewCombine) -> Pieces:
    return [
        "materialized-view-combine (", n.view, ") base (", n.base, ") delta (", n.delta, ") aggregations (", n.aggregations, ")",
    ]  # fmt: skip


def _ends_in_number(node: s.Node) -> bool:
    """Whether a dot behind a literal would be read as a part of it, as that of 0.A."""
    return isinstance(node, s.Literal) and node.text[:1].isdigit()


_PRINTERS: dict[type[s.Node], Callable[[Any], Pieces]] = {
    s.Query: _query,
    s.ExpressionStatement: lambda n: [n.expression],
    s.Let: _let,
    s.Function: _function,
    s.FunctionParameter: _function_parameter,
    s.SetOption: lambda n: ["set ", n.name, *_optional(" = ", n.value)],
    s.DeclareParameters: lambda n: ["declare query_parameters (", *_list(n.parameters), ")"],
    s.DeclarePattern: _declare_pattern,
    s.PatternRule: _pattern_rule,
    s.RestrictAccess: lambda n: ["restrict access to (", *_list(n.entities), ")"],
    s.AliasDatabase: lambda n: ["alias database ", n.name, " = ", n.value],
    s.Name: lambda n: [name(n.value, _NAMES)],
    s.NameReference: lambda n: [name(n.name)],
    s.ClientParameter: lambda n: ["{", n.name, "}"],
    s.Wildcard: lambda n: [n.pattern],
    s.Star: lambda n: ["*"],
    s.Literal: _literal,
    s.Dynamic: lambda n: ["dynamic(", n.value, ")"],
    s.JsonArray: lambda n: ["[", *_list(n.items), "]"],
    s.JsonObject: lambda n: ["{", *_list(n.pairs), "}"],
    s.JsonPair: lambda n: [quote_string(n.key), ": ", n.value],
    s.TypeOf: lambda n: [f"typeof({n.type})"],
    s.SchemaOf: lambda n: ["typeof", n.schema],
    s.Call: _call,
    s.TabularCall: _tabular_call,
    s.Named: _named,
    s.Member: lambda n: [n.base, " ." if _ends_in_number(n.base) else ".", n.name],
    s.Method: lambda n: [n.base, ".", n.call],
    s.Element: lambda n: [n.base, "[", n.index, "]"],
    s.Unary: lambda n: [n.operator, n.operand],
    s.Binary: _binary,
    s.Logical: lambda n: _list(n.operands, f" {n.operator} "),
    s.Membership: lambda n: [n.left, f" {n.operator} (", *_list(n.values), ")"],
    s.Between: lambda n: [n.left, f" {n.operator} (", n.low, " .. ", n.high, ")"],
    s.Parenthesized: lambda n: ["(", n.value, ")"],
    s.ScopedName: lambda n: [name(n.name), f" datascope={n.scope}"],
    s.Column: _declared,
    s.RowSchema: _schema,
    s.Datatable: lambda n: ["datatable ", *_parameters(n.parameters), n.schema, " [", *_list(n.values), "]"],
    s.ExternalData: _external,
    s.ContextualDatatable: lambda n: [f"__contextual_datatable {n.identifier} ", n.schema],
    s.MaterializedViewCombine: _combine,
    s.EntityGroup: lambda n: ["entity_group [", *_list(n.entities), "]"],
    s.Pipeline: _pipeline,
    s.Print: lambda n: ["print ", *_list(n.items)],
    s.Range: lambda n: ["range ", n.name, " from ", n.start, " to ", n.stop, " step ", n.step],
    s.MacroExpand: lambda n: [
        "macro-expand ", *_parameters(n.parameters), n.entities, " as ", n.scope, " (", *_list(n.statements, "; "), ")",
    ],
    s.Parameter: _parameter,
    s.Ordered: _ordered,
    s.Where: lambda n: ["where ", *_parameters(n.parameters), n.predicate],
    s.Extend: lambda n: ["extend ", *_list(n.items)],
    s.Project: lambda n: ["project ", *_list(n.items)],
    s.ProjectAway: lambda n: ["project-away ", *_list(n.columns)],
    s.ProjectKeep: lambda n: ["project-keep ", *_list(n.columns)],
    s.ProjectByNames: lambda n: ["project-by-names ", *_list(n.names)],
    s.ProjectRename: lambda n: ["project-rename ", *_list(n.items)],
    s.ProjectReorder: lambda n: ["project-reorder ", *_list(n.columns)],
    s.Summarize: _summarize,
    s.Distinct: lambda n: ["distinct ", *_parameters(n.parameters), *_list(n.items)],
    s.Join: _join,
    s.Lookup: lambda n: ["lookup ", *_parameters(n.parameters), n.right, " on ", *_list(n.conditions)],
    s.Union: lambda n: ["union ", *_parameters(n.parameters), *_list(n.tables)],
    s.Sort: _sort,
    s.Top: lambda n: ["top ", *_parameters(n.parameters), n.count, " by ", n.by],
    s.TopNested: lambda n: _list(n.parts),
    s.TopNestedPart: _top_nested_part,
    s.TopHitters: lambda n: ["top-hitters ", n.count, " of ", n.of, *_optional(" by ", n.by)],
    s.Take: lambda n: ["take ", *_parameters(n.parameters), n.count],
    s.Sample: lambda n: ["sample ", *_parameters(n.parameters), n.count],
    s.SampleDistinct: lambda n: ["sample-distinct ", *_parameters(n.parameters), n.count, " of ", n.of],
    s.Count: lambda n: ["count", *([" ", *_parameters(n.parameters)] if n.parameters else []), *_optional(" as ", n.name)],
    s.ExpandItem: lambda n: [n.value, f" to typeof({n.type})" if n.type else ""],
    s.MvExpand: lambda n: _expand("mv-expand ", n),
    s.MvApply: _mv_apply,
    s.Parse: _parse,
    s.ParseKv: lambda n: [
        "parse-kv ", n.value, " as ", n.schema, *([" with (", *_list(n.properties), ")"] if n.properties else []),
    ],
    s.SeriesAggregate: lambda n: [n.value, *_optional(" default=", n.default)],
    s.MakeSeries: _make_series,
    s.Serialize: lambda n: ["serialize ", *_parameters(n.parameters), *_list(n.items)],
    s.RenderProperty: lambda n: [n.name, "=", *_list(n.values)],
    s.Render: _render,
    _Legacy: _legacy,
    s.Evaluate: lambda n: ["evaluate ", *_parameters(n.parameters), n.call, *_optional(" : ", n.schema)],
    s.Invoke: lambda n: ["invoke ", n.call],
    s.As: lambda n: ["as ", *_parameters(n.parameters), n.name],
    s.GetSchema: lambda n: ["getschema ", *_parameters(n.parameters)],
    s.Consume: lambda n: ["consume ", *_parameters(n.parameters)],
    s.FindSource: lambda n: [n.table, " | ", *_list(n.aliases, " | ")],
    s.Find: _find,
    s.PackAll: lambda n: ["pack(*)"],
    s.Search: _search,
    s.Partition: _partition,
    s.PartitionBy: lambda n: [
        "__partitionby ", *_parameters(n.parameters), n.by, f" id {n.identifier}" if n.identifier else "", " (", n.pipeline, ")",
    ],
    s.Fork: lambda n: ["fork ", *_list(n.branches, " ")],
    s.ForkBranch: lambda n: [*([n.name, " = "] if n.name else []), "(", n.pipeline, ")"],
    s.Facet: lambda n: ["facet by ", *_list(n.by), *([" with (", n.pipeline, ")"] if n.pipeline is not None else [])],
    s.Reduce: lambda n: ["reduce ", *_parameters(n.parameters), "by ", n.by, *_clause(" with ", n.options)],
    s.Scan: _scan,
    s.ScanStep: _scan_step,
    s.AssertSchema: lambda n: ["assert-schema ", n.schema],
    s.GraphTable: lambda n: [n.table, " on ", n.key],
    s.MakeGraph: _make_graph,
    s.GraphNode: lambda n: ["(", *([n.name] if n.name else []), ")"],
    s.GraphEdge: _graph_edge,
    s.GraphPattern: lambda n: list(n.elements),
    s.GraphMatch: _graph_match,
    s.GraphMarkComponents: lambda n: ["graph-mark-components ", *_parameters(n.parameters)],
    s.GraphOutput: lambda n: [
        n.what, *_optional(" as ", n.name), *([" ", *_parameters(n.parameters)] if n.parameters else []),
    ],
    s.GraphToTable: lambda n: ["graph-to-table ", *_list(n.outputs)],
    s.ExecuteAndCache: lambda n: ["__executeAndCache"],
}  # fmt: skip
"""What each node is made of."""
