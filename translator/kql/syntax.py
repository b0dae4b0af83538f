"""The syntax tree of KQL: frozen dataclasses, one for each construct.

Every node starts with its ``span``: the offsets (start, end) of its characters in the text that was parsed. Spans take no
part in comparison, so two texts that differ only in layout give equal trees. No node knows a target or a plan. All of them stand in one
file: expressions hold pipelines, pipelines operators, and operators expressions.
"""

from __future__ import annotations

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
        for spec in fields(self):
            value = getattr(self, spec.name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, tuple):
                yield from (item for item in value if isinstance(item, Node))


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
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class JsonPair(Node):
    key: str
    value: Expression


@dataclass(frozen=True, slots=True)
class JsonObject(Expression):
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
    columns: tuple[Column, ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Datatable(Expression):
    parameters: tuple[Parameter, ...]
    schema: RowSchema
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ExternalData(Expression):
    parameters: tuple[Parameter, ...]
    schema: RowSchema
    sources: tuple[Literal, ...]
    properties: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class ContextualDatatable(Expression):
    identifier: str
    schema: RowSchema


@dataclass(frozen=True, slots=True)
class MaterializedViewCombine(Expression):
    view: Literal
    base: Expression
    delta: Expression
    aggregations: Summarize


@dataclass(frozen=True, slots=True)
class EntityGroup(Expression):
    entities: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Pipeline(Expression):
    """``source | operator | ...``; ``source`` is None for the pipelines that mv-apply, fork and others run on their rows."""

    source: Expression | None
    operators: tuple[Operator, ...]


# --- sources that are operators ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Print(Expression):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Range(Expression):
    name: Name
    start: Expression
    stop: Expression
    step: Expression


@dataclass(frozen=True, slots=True)
class MacroExpand(Expression):
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
    parameters: tuple[Parameter, ...]
    predicate: Node
    keyword: str = field(default="where", compare=False)


@dataclass(frozen=True, slots=True)
class Extend(Operator):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Project(Operator):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ProjectAway(Operator):
    columns: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ProjectKeep(Operator):
    columns: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ProjectByNames(Operator):
    """Columns by expressions that give their names."""

    names: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ProjectRename(Operator):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ProjectReorder(Operator):
    columns: tuple[Ordered, ...]


@dataclass(frozen=True, slots=True)
class Summarize(Operator):
    parameters: tuple[Parameter, ...]
    aggregates: tuple[Node, ...]
    by: tuple[Node, ...]
    bin: Expression | None = None


@dataclass(frozen=True, slots=True)
class Distinct(Operator):
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
    parameters: tuple[Parameter, ...]
    right: Expression
    conditions: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Union(Operator):
    parameters: tuple[Parameter, ...]
    tables: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Sort(Operator):
    parameters: tuple[Parameter, ...]
    keys: tuple[Ordered, ...]
    keyword: str = field(default="sort", compare=False)


@dataclass(frozen=True, slots=True)
class Top(Operator):
    parameters: tuple[Parameter, ...]
    count: Node
    by: Ordered


@dataclass(frozen=True, slots=True)
class TopNestedPart(Node):
    count: Node | None
    of: Node
    others: Expression | None
    by: Ordered


@dataclass(frozen=True, slots=True)
class TopNested(Operator):
    parts: tuple[TopNestedPart, ...]


@dataclass(frozen=True, slots=True)
class TopHitters(Operator):
    count: Node
    of: Node
    by: Node | None


@dataclass(frozen=True, slots=True)
class Take(Operator):
    parameters: tuple[Parameter, ...]
    count: Node
    keyword: str = field(default="take", compare=False)


@dataclass(frozen=True, slots=True)
class Sample(Operator):
    parameters: tuple[Parameter, ...]
    count: Node


@dataclass(frozen=True, slots=True)
class SampleDistinct(Operator):
    parameters: tuple[Parameter, ...]
    count: Node
    of: Node


@dataclass(frozen=True, slots=True)
class Count(Operator):
    parameters: tuple[Parameter, ...]
    name: Name | None


@dataclass(frozen=True, slots=True)
class ExpandItem(Node):
    value: Node
    type: str | None


@dataclass(frozen=True, slots=True)
class MvExpand(Operator):
    parameters: tuple[Parameter, ...]
    items: tuple[ExpandItem, ...]
    limit: Expression | None


@dataclass(frozen=True, slots=True)
class MvApply(Operator):
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
    value: Expression
    schema: RowSchema
    properties: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class SeriesAggregate(Node):
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
    parameters: tuple[Parameter, ...]
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class RenderProperty(Node):
    """A property of ``render``: a value, or a list of names. ``with`` and ``by`` are the old unnamed forms."""

    name: str
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Render(Operator):
    chart: str
    properties: tuple[RenderProperty, ...]
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class Evaluate(Operator):
    parameters: tuple[Parameter, ...]
    call: Call
    schema: RowSchema | None


@dataclass(frozen=True, slots=True)
class Invoke(Operator):
    call: Expression


@dataclass(frozen=True, slots=True)
class As(Operator):
    parameters: tuple[Parameter, ...]
    name: Name


@dataclass(frozen=True, slots=True)
class GetSchema(Operator):
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Consume(Operator):
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class FindSource(Expression):
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
    parameters: tuple[Parameter, ...]
    by: Expression
    identifier: str | None
    pipeline: Expression


@dataclass(frozen=True, slots=True)
class ForkBranch(Node):
    name: Name | None
    pipeline: Expression


@dataclass(frozen=True, slots=True)
class Fork(Operator):
    branches: tuple[ForkBranch, ...]


@dataclass(frozen=True, slots=True)
class Facet(Operator):
    by: tuple[Expression, ...]
    pipeline: Expression | None


@dataclass(frozen=True, slots=True)
class Reduce(Operator):
    parameters: tuple[Parameter, ...]
    by: Node
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ScanStep(Node):
    name: Name
    optional: bool
    output: str | None
    condition: Expression
    assignments: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Scan(Operator):
    parameters: tuple[Parameter, ...]
    order: tuple[Ordered, ...]
    partition: tuple[Expression, ...]
    declared: tuple[FunctionParameter, ...]
    steps: tuple[ScanStep, ...]


@dataclass(frozen=True, slots=True)
class AssertSchema(Operator):
    schema: RowSchema


@dataclass(frozen=True, slots=True)
class GraphTable(Node):
    table: Expression
    key: Name


@dataclass(frozen=True, slots=True)
class MakeGraph(Operator):
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
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class GraphOutput(Node):
    what: str
    name: Name | None
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class GraphToTable(Operator):
    outputs: tuple[GraphOutput, ...]


@dataclass(frozen=True, slots=True)
class ExecuteAndCache(Operator):
    pass


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
    name: Name
    value: Node


@dataclass(frozen=True, slots=True)
class ExpressionStatement(Node):
    expression: Expression


@dataclass(frozen=True, slots=True)
class SetOption(Node):
    name: Name
    value: Expression | None


@dataclass(frozen=True, slots=True)
class DeclareParameters(Node):
    parameters: tuple[FunctionParameter, ...]


@dataclass(frozen=True, slots=True)
class PatternRule(Node):
    arguments: tuple[Literal, ...]
    path: Literal | None
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class DeclarePattern(Node):
    name: Name
    parameters: tuple[FunctionParameter, ...]
    path: FunctionParameter | None
    rules: tuple[PatternRule, ...]


@dataclass(frozen=True, slots=True)
class RestrictAccess(Node):
    entities: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AliasDatabase(Node):
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
