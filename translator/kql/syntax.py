"""The syntax tree of KQL: frozen dataclasses, one for each construct.

Every node starts with its ``span``: the offsets (start, end) of its characters in the text that was parsed. Spans take no
part in comparison, so two texts that differ only in layout give equal trees. No node knows a target or a plan. All of them stand in one
file: expressions hold pipelines, pipelines operators, and operators expressions.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of KQL. ``span`` counts characters from the start of the text, the end exclusive."""

    span: Span = field(compare=False)

    def children(self) -> Iterator[Node]:
        """The nodes directly below this one, in the order of their fields."""
        for name in _fields_of_nodes(type(self)):  # type: ignore[arg-type]  # mypy takes the hash of nodes for that of their class
            value = getattr(self, name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Node))


@functools.cache
def _fields_of_nodes(kind: type[Node]) -> tuple[str, ...]:
    """The fields of a kind of node that may hold nodes: not those of names, words and flags."""
    plain = {"Span", "str", "str | None", "bool", "int", "float"}
    return tuple(f.name for f in fields(kind) if f.type not in plain)


# --- expressions ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expression(Node):
    """Anything that can stand where a value, a table or a call is expected."""


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name where one is declared or listed; ``value`` is without brackets and quotes."""

    value: str
    quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class NameReference(Expression):
    """A name in operand position: a column, a table, a let or a parameter."""

    name: str
    quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ClientParameter(Expression):
    """``{Name}``: a value that the client puts in before it sends the query, as workbooks do."""

    name: str


@dataclass(frozen=True, slots=True)
class Wildcard(Expression):
    """A name with ``*`` in it, in lists of tables or columns."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Star(Expression):
    """``*`` alone: all columns, or any column."""


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A scalar literal.

    ``value`` is decoded: str, int, float, bool, None for a typed null; timespan and datetime are counted in ticks of 100 ns
    (datetime since 0001-01-01T00:00:00Z); guid, decimal and what cannot be decoded (``time(now)``) stay text.
    ``text`` is the literal as it was written.
    """

    kind: str
    value: str | int | float | bool | None
    text: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Dynamic(Expression):
    """``dynamic(...)`` around a JSON value."""

    value: Expression


@dataclass(frozen=True, slots=True)
class JsonArray(Expression):
    """``[1, 2]`` inside of ``dynamic(...)``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class JsonPair(Node):
    """``"key": value`` of a JSON object."""

    key: str
    value: Expression


@dataclass(frozen=True, slots=True)
class JsonObject(Expression):
    """``{"key": value}`` inside of ``dynamic(...)``."""

    pairs: tuple[JsonPair, ...]


@dataclass(frozen=True, slots=True)
class TypeOf(Expression):
    """``typeof(long)``: a type as a value, in ``to typeof(...)`` and a few calls."""

    type: str


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """``name(arguments)``."""

    name: str
    arguments: tuple[Node, ...]
    quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class TabularCall(Expression):
    """``toscalar``, ``totable`` or ``materialize`` around a pipeline."""

    function: str
    pipeline: Expression
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Named(Node):
    """``a = expression`` or ``(a, b) = expression``."""

    names: tuple[Name, ...]
    value: Expression
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Member(Expression):
    """``base.name``; a wildcard name can stand in lists of tables."""

    base: Expression
    name: Name | Wildcard


@dataclass(frozen=True, slots=True)
class Method(Expression):
    """``base.call(...)``: a function of a database or of another scope."""

    base: Expression
    call: Call


@dataclass(frozen=True, slots=True)
class Element(Expression):
    """``base[index]``; ``dotted`` for the old spelling ``base.[index]``."""

    base: Expression
    index: Expression
    dotted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """``-operand`` or ``+operand``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """Two operands and the operator between them, ``operator`` as written (``matches regex`` with one blank)."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical(Expression):
    """``and`` or ``or`` over two or more operands: a chain is one node, however long."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Membership(Expression):
    """``left in (values)`` and its relatives, ``has_any`` and ``has_all`` included."""

    operator: str
    left: Expression
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Between(Expression):
    """``left between (low .. high)`` or ``!between``; both ends belong to the range."""

    operator: str
    left: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Parenthesized(Expression):
    """``(expression)``, scalar or tabular: the binder tells them apart."""

    value: Expression


@dataclass(frozen=True, slots=True)
class ScopedName(Expression):
    """``Table datascope=hotcache``."""

    name: str
    scope: str


@dataclass(frozen=True, slots=True)
class Column(Node):
    """``name:type`` in a schema; a schema's leading ``*`` is the wildcard column of ``evaluate``."""

    name: Name
    type: str


@dataclass(frozen=True, slots=True)
class RowSchema(Node):
    """``(name:type, ...)``: the columns of a table; ``open`` where it has ``*``, behind ``before`` of the columns."""

    columns: tuple[Column, ...]
    open: bool = False
    before: int = 0


@dataclass(frozen=True, slots=True)
class SchemaOf(Expression):
    """``typeof(name:type, ...)``: the columns that a plugin gives; with ``*`` among them those of its table."""

    schema: RowSchema


@dataclass(frozen=True, slots=True)
class Datatable(Expression):
    """``datatable(name:type, ...)[values]``: rows one after the other, value by value."""

    parameters: tuple[Parameter, ...]
    schema: RowSchema
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ExternalData(Expression):
    """``externaldata(name:type, ...)[sources] with (properties)``: a table that is read from addresses."""

    parameters: tuple[Parameter, ...]
    schema: RowSchema
    sources: tuple[Literal, ...]
    properties: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class ContextualDatatable(Expression):
    """``__contextual_datatable identifier (name:type, ...)``: rows that the client has, by the GUID of them."""

    identifier: str
    schema: RowSchema


@dataclass(frozen=True, slots=True)
class MaterializedViewCombine(Expression):
    """``materialized-view-combine (view) base (...) delta (...) aggregations (summarize ...)``."""

    view: Literal
    base: Expression
    delta: Expression
    aggregations: Summarize


@dataclass(frozen=True, slots=True)
class EntityGroup(Expression):
    """``entity_group [cluster(...).database(...), ...]``."""

    entities: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Pipeline(Expression):
    """``source | operator | ...``; ``source`` is None for the pipelines that mv-apply, fork and others run on their rows."""

    source: Expression | None
    operators: tuple[Operator, ...]


# --- sources that are operators ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Print(Expression):
    """``print items``: one row."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Range(Expression):
    """``range name from start to stop step step``: a row for each value."""

    name: Name
    start: Expression
    stop: Expression
    step: Expression


@dataclass(frozen=True, slots=True)
class MacroExpand(Expression):
    """``macro-expand entities as scope (statements)``: the statements for each entity."""

    parameters: tuple[Parameter, ...]
    entities: Expression
    scope: Name
    statements: tuple[Node, ...]


# --- operators -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operator(Expression):
    """A tabular operator, after a ``|`` or, for a few, at the start of a pipeline."""


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """``name=value`` before the operands of an operator: ``kind=inner``, ``hint.strategy=shuffle``."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Ordered(Node):
    """A sort key. ``direction`` and ``nulls`` are None where they were not written."""

    value: Node
    direction: str | None = None
    nulls: str | None = None


@dataclass(frozen=True, slots=True)
class Where(Operator):
    """``where predicate``; ``keyword`` is ``filter`` in the old spelling."""

    parameters: tuple[Parameter, ...]
    predicate: Node
    keyword: str = field(default="where", compare=False)


@dataclass(frozen=True, slots=True)
class Extend(Operator):
    """``extend items``: columns that are added or replaced."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Project(Operator):
    """``project items``: the columns that are left, in this order."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ProjectAway(Operator):
    """``project-away columns``: those that go; names may have ``*``."""

    columns: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ProjectKeep(Operator):
    """``project-keep columns``: those that stay, in their order; names may have ``*``."""

    columns: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ProjectByNames(Operator):
    """Columns by expressions that give their names."""

    names: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ProjectRename(Operator):
    """``project-rename new = old, ...``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ProjectReorder(Operator):
    """``project-reorder columns``: those that come first."""

    columns: tuple[Ordered, ...]


@dataclass(frozen=True, slots=True)
class Summarize(Operator):
    """``summarize aggregates by by``; ``bin`` is the step of the oldest form, ``by x, y step``."""

    parameters: tuple[Parameter, ...]
    aggregates: tuple[Node, ...]
    by: tuple[Node, ...]
    bin: Expression | None = None


@dataclass(frozen=True, slots=True)
class Distinct(Operator):
    """``distinct items``."""

    parameters: tuple[Parameter, ...]
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Join(Operator):
    """``conditions`` is None for a join without ``on``; ``where`` is the predicate of a cross join."""

    parameters: tuple[Parameter, ...]
    right: Expression
    conditions: tuple[Expression, ...] | None
    where: Expression | None = None


@dataclass(frozen=True, slots=True)
class Lookup(Operator):
    """``lookup right on conditions``: a join of kind leftouter, or inner, without the right side's keys."""

    parameters: tuple[Parameter, ...]
    right: Expression
    conditions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Union(Operator):
    """``union tables``; behind a ``|`` the table before is the first of them."""

    parameters: tuple[Parameter, ...]
    tables: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Sort(Operator):
    """``sort by keys``; ``keyword`` is ``order`` in the other spelling."""

    parameters: tuple[Parameter, ...]
    keys: tuple[Ordered, ...]
    keyword: str = field(default="sort", compare=False)


@dataclass(frozen=True, slots=True)
class Top(Operator):
    """``top count by by``."""

    parameters: tuple[Parameter, ...]
    count: Node
    by: Ordered


@dataclass(frozen=True, slots=True)
class TopNestedPart(Node):
    """``top-nested count of of with others = others by by``: one level."""

    count: Node | None
    of: Node
    others: Expression | None
    by: Ordered


@dataclass(frozen=True, slots=True)
class TopNested(Operator):
    """``top-nested`` with its levels."""

    parts: tuple[TopNestedPart, ...]


@dataclass(frozen=True, slots=True)
class TopHitters(Operator):
    """``top-hitters count of of by by``."""

    count: Node
    of: Node
    by: Node | None


@dataclass(frozen=True, slots=True)
class Take(Operator):
    """``take count``; ``keyword`` is ``limit`` in the other spelling."""

    parameters: tuple[Parameter, ...]
    count: Node
    keyword: str = field(default="take", compare=False)


@dataclass(frozen=True, slots=True)
class Sample(Operator):
    """``sample count``."""

    parameters: tuple[Parameter, ...]
    count: Node


@dataclass(frozen=True, slots=True)
class SampleDistinct(Operator):
    """``sample-distinct count of of``."""

    parameters: tuple[Parameter, ...]
    count: Node
    of: Node


@dataclass(frozen=True, slots=True)
class Count(Operator):
    """``count as name``: the number of rows."""

    parameters: tuple[Parameter, ...]
    name: Name | None


@dataclass(frozen=True, slots=True)
class ExpandItem(Node):
    """``value to typeof(type)`` of mv-expand and mv-apply."""

    value: Node
    type: str | None


@dataclass(frozen=True, slots=True)
class MvExpand(Operator):
    """``mv-expand items limit limit``: a row for each element."""

    parameters: tuple[Parameter, ...]
    items: tuple[ExpandItem, ...]
    limit: Expression | None


@dataclass(frozen=True, slots=True)
class MvApply(Operator):
    """``mv-apply items limit limit on (pipeline)``: the pipeline for the elements of each row; ``identifier`` is that of ``id``."""

    parameters: tuple[Parameter, ...]
    items: tuple[ExpandItem, ...]
    limit: Expression | None
    identifier: str | None
    pipeline: Expression


@dataclass(frozen=True, slots=True)
class Parse(Operator):
    """``parse`` and ``parse-where``; the pattern holds Star, string Literals and Columns (``type`` empty where not written)."""

    keyword: str
    parameters: tuple[Parameter, ...]
    value: Expression
    pattern: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ParseKv(Operator):
    """``parse-kv value as (name:type, ...) with (properties)``."""

    value: Expression
    schema: RowSchema
    properties: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class SeriesAggregate(Node):
    """``value default = default`` of make-series."""

    value: Node
    default: Node | None


@dataclass(frozen=True, slots=True)
class MakeSeries(Operator):
    """``in_range`` tells the old form ``in range(start, stop, step)`` from ``from ... to ... step ...``."""

    parameters: tuple[Parameter, ...]
    aggregates: tuple[SeriesAggregate, ...]
    on: Node
    start: Node | None
    stop: Node | None
    step: Node
    by: tuple[Node, ...]
    in_range: bool = False


@dataclass(frozen=True, slots=True)
class Serialize(Operator):
    """``serialize items``: rows stay in their order, which window functions need."""

    parameters: tuple[Parameter, ...]
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class RenderProperty(Node):
    """A property of ``render``: a value, or a list of names. ``with`` and ``by`` are the old unnamed forms."""

    name: str
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Render(Operator):
    """``render chart with (properties)``; ``legacy`` where they stand without brackets."""

    chart: str
    properties: tuple[RenderProperty, ...]
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class Evaluate(Operator):
    """``evaluate call : (name:type, ...)``: a plugin."""

    parameters: tuple[Parameter, ...]
    call: Call
    schema: RowSchema | None


@dataclass(frozen=True, slots=True)
class Invoke(Operator):
    """``invoke call``: a function whose first argument is the table before."""

    call: Expression


@dataclass(frozen=True, slots=True)
class As(Operator):
    """``as name``: a name for the table before."""

    parameters: tuple[Parameter, ...]
    name: Name


@dataclass(frozen=True, slots=True)
class GetSchema(Operator):
    """``getschema``: a row for each column."""

    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Consume(Operator):
    """``consume``: reads the rows and gives none."""

    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class FindSource(Expression):
    """A table of ``find`` with the names that ``as`` gives it."""

    table: Expression
    aliases: tuple[As, ...]


@dataclass(frozen=True, slots=True)
class Find(Operator):
    """``columns`` is None without a project clause, empty for ``project-smart``; ``pack`` for ``pack(*)``."""

    scope: str | None
    parameters: tuple[Parameter, ...]
    tables: tuple[Expression, ...]
    predicate: Expression
    columns: tuple[Node, ...] | None
    away: tuple[Node, ...]
    has_where: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class PackAll(Expression):
    """``pack(*)`` in the project clause of ``find``."""


@dataclass(frozen=True, slots=True)
class Search(Operator):
    """``search in (tables) predicate``; ``scope`` is its data scope."""

    scope: str | None
    parameters: tuple[Parameter, ...]
    tables: tuple[Expression, ...]
    predicate: Expression


@dataclass(frozen=True, slots=True)
class Partition(Operator):
    """``pipeline`` runs for each value of ``by``; ``braces`` tells ``{ T | ... }`` from ``( ... )``."""

    parameters: tuple[Parameter, ...]
    by: Expression
    values: Expression | None
    pipeline: Expression
    braces: bool = False


@dataclass(frozen=True, slots=True)
class PartitionBy(Operator):
    """``__partitionby by id identifier (pipeline)``: the pipeline for each value; ``identifier`` is a GUID."""

    parameters: tuple[Parameter, ...]
    by: Expression
    identifier: str | None
    pipeline: Expression


@dataclass(frozen=True, slots=True)
class ForkBranch(Node):
    """``name = (pipeline)`` of fork."""

    name: Name | None
    pipeline: Expression


@dataclass(frozen=True, slots=True)
class Fork(Operator):
    """``fork (pipeline) (pipeline)``: several results of one table."""

    branches: tuple[ForkBranch, ...]


@dataclass(frozen=True, slots=True)
class Facet(Operator):
    """``facet by columns with (pipeline)``."""

    by: tuple[Expression, ...]
    pipeline: Expression | None


@dataclass(frozen=True, slots=True)
class Reduce(Operator):
    """``reduce by by with options``: patterns of texts."""

    parameters: tuple[Parameter, ...]
    by: Node
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ScanStep(Node):
    """``step name output = output : condition => assignments;``."""

    name: Name
    optional: bool
    output: str | None
    condition: Expression
    assignments: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Scan(Operator):
    """``scan with (steps)``: sequences of rows, which states are carried along."""

    parameters: tuple[Parameter, ...]
    order: tuple[Ordered, ...]
    partition: tuple[Expression, ...]
    declared: tuple[FunctionParameter, ...]
    steps: tuple[ScanStep, ...]


@dataclass(frozen=True, slots=True)
class AssertSchema(Operator):
    """``assert-schema (name:type, ...)``."""

    schema: RowSchema


@dataclass(frozen=True, slots=True)
class GraphTable(Node):
    """``table on key``: the nodes of a graph."""

    table: Expression
    key: Name


@dataclass(frozen=True, slots=True)
class MakeGraph(Operator):
    """``make-graph source --> target with nodes``; ``direction`` is the arrow."""

    parameters: tuple[Parameter, ...]
    source: Name
    direction: str
    target: Name
    nodes: tuple[GraphTable, ...]
    node_id: Name | None
    partitioned_by: Expression | None
    pipeline: Expression | None


@dataclass(frozen=True, slots=True)
class GraphNode(Node):
    """``(name)`` of a graph pattern."""

    name: Name | None


@dataclass(frozen=True, slots=True)
class GraphEdge(Node):
    """``open`` and ``close`` are the arrow's halves as written (``-[``, ``]->``); an unnamed arrow is all in ``open``."""

    open: str
    close: str
    name: Name | None = None
    low: Expression | None = None
    high: Expression | None = None


@dataclass(frozen=True, slots=True)
class GraphPattern(Node):
    """Nodes and edges in turn, as in ``(a)-[e]->(b)``."""

    elements: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class GraphMatch(Operator):
    """``graph-match`` and ``graph-shortest-paths``, by ``keyword``."""

    keyword: str
    parameters: tuple[Parameter, ...]
    patterns: tuple[GraphPattern, ...]
    where: Expression | None
    project: tuple[Node, ...] | None


@dataclass(frozen=True, slots=True)
class GraphMarkComponents(Operator):
    """``graph-mark-components``: numbers what hangs together."""

    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class GraphOutput(Node):
    """``nodes as name`` or ``edges as name``; ``what`` is which."""

    what: str
    name: Name | None
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class GraphToTable(Operator):
    """``graph-to-table outputs``."""

    outputs: tuple[GraphOutput, ...]


@dataclass(frozen=True, slots=True)
class ExecuteAndCache(Operator):
    """``__executeAndCache``."""


# --- statements ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FunctionParameter(Node):
    """A parameter: ``type`` is a scalar type, or a RowSchema for a table (open for ``(*)``)."""

    name: Name
    type: str | RowSchema
    default: Expression | None = None


@dataclass(frozen=True, slots=True)
class Function(Node):
    """The right side of ``let f = (...) { ... }``; ``view`` for ``view (...) { ... }``."""

    parameters: tuple[FunctionParameter, ...]
    body: tuple[Node, ...]
    view: bool = False


@dataclass(frozen=True, slots=True)
class Let(Node):
    """``let name = value;``."""

    name: Name
    value: Node


@dataclass(frozen=True, slots=True)
class ExpressionStatement(Node):
    """An expression as a statement: the last one is the query's result."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class SetOption(Node):
    """``set name = value;``: a property of the request."""

    name: Name
    value: Expression | None


@dataclass(frozen=True, slots=True)
class DeclareParameters(Node):
    """``declare query_parameters(parameters);``."""

    parameters: tuple[FunctionParameter, ...]


@dataclass(frozen=True, slots=True)
class PatternRule(Node):
    """``(arguments).[path] = { body }`` of a pattern."""

    arguments: tuple[Literal, ...]
    path: Literal | None
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class DeclarePattern(Node):
    """``declare pattern name = (parameters)[path] { rules };``."""

    name: Name
    parameters: tuple[FunctionParameter, ...]
    path: FunctionParameter | None
    rules: tuple[PatternRule, ...]


@dataclass(frozen=True, slots=True)
class RestrictAccess(Node):
    """``restrict access to (entities);``."""

    entities: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AliasDatabase(Node):
    """``alias database name = value;``."""

    name: Name
    value: Expression


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A whole text: its statements in order."""

    statements: tuple[Node, ...]


def walk(node: Node) -> Iterator[Node]:
    """``node`` and all below it, parents first, without recursion (a text may nest a thousand levels)."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(list(current.children())))
