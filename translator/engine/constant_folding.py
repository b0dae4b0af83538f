"""What a query knows without any event: lists, tables and values computed from constants, found by running them.

Nothing is run that reads a table or the clock, that looks for a pattern, or that could make more than ``LIMIT`` rows or
``LENGTH`` characters: the query may come from anywhere, and is only to be read.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from translator.engine.errors import EngineError
from translator.plan import functions
from translator.plan import operators as o
from translator.plan.constant_joins import without_constant_side
from translator.plan.existing import with_existing_columns
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Path, Subquery, children, const, walk
from translator.plan.implied import without_implied_conditions
from translator.plan.rewriting import rewritten
from translator.plan.types import Type

if TYPE_CHECKING:
    from translator.engine.duckdb_engine import DuckDbEngine

LIMIT = 10_000
"""Rows of a table, and items of a list."""

LENGTH = 10_000_000
"""Characters that a value, or all those of a table, can have at most before any of it is run."""

_NUMBER, _LINE = 32, 1000
_MULTIPLYING = frozenset({"replace_string", "replace_strings", "translate", "strcat_array", "strcat_delim"})
_JOINING = frozenset(
    {"strcat", "iff", "case", "coalesce", "pack_array", "bag_pack", "tolower", "toupper", "split", "array_concat", "make_set", "make_list"}
)
"""Functions whose result is no longer than their arguments together; others may spell each character in up to six."""

_FAMILIES = frozenset({"operators", "strings", "conversions", "maths", "dynamics", "network", "encoding", "aggregates"})
_LEFT_ALONE = frozenset(
    """
    rand repeat range strrep countof column_ifexists assert pack_all bag_pack_columns parse_user_agent geo_info_from_ip_address
    bag_merge gzip_decompress_from_base64_string zlib_decompress_from_base64_string take_any any pow
    """.split()
) | {"matches regex"}
"""Functions of these families that chance decides, that read more than their arguments, or that make much of little."""

_PLAIN = frozenset({Type.STRING, Type.BOOL, Type.INT, Type.LONG, Type.REAL})
_ROW_BY_ROW = (o.Filter, o.Compute, o.Project, o.Aggregate, o.Distinct, o.Sort, o.Limit, o.Number, o.Arrange)
_REORDERING = (o.Aggregate, o.Distinct, o.Range, o.Union, o.Join)
_LEFT_ONLY = frozenset({"leftsemi", "leftanti", "anti", "leftantisemi"})
_RIGHT_ONLY = frozenset({"rightsemi", "rightanti", "rightantisemi"})


def fold_constants(plan: o.Plan) -> o.Plan:
    """``plan`` with what needs no event to be computed as constants, and plain columns for those that need not be asked for.

    What cannot be computed stays as it is.
    """
    folded = with_existing_columns(_Folding(plan).rebuilt(plan.root))
    if o.has(folded, o.Join):
        folded = rewritten(folded, lambda node: _joined(node) if isinstance(node, o.Join) else node)
    return replace(plan, root=folded)


def _joined(join: o.Join) -> o.Relation:
    found = without_constant_side(join)
    return without_implied_conditions(found) if isinstance(found, o.Join) else found


@dataclass(frozen=True, slots=True)
class _Extent:
    """How many rows a relation can have, and how many characters one of them."""

    rows: int
    row: int


_FOLDED = (Expr, o.Relation, o.Ordering)
"""What is looked into."""


class _Folding:
    def __init__(self, plan: o.Plan) -> None:
        self.plan = plan
        self.made: dict[int, Any] = {}
        self.constants: dict[int, bool] = {}
        self.extents: dict[int, _Extent | None] = {}

    def rebuilt(self, node: Any) -> Any:
        """``node``, a part of the plan, with everything in it that is constant folded; what stands in several places is computed once."""
        if isinstance(node, tuple):
            parts = tuple(map(self.rebuilt, node))
            return parts if any(a is not b for a, b in zip(parts, node, strict=True)) else node
        if not isinstance(node, _FOLDED):
            return node
        if id(node) not in self.made:
            self.made[id(node)] = self.constant(node) or self.with_folded_parts(node)
        return self.made[id(node)]

    def parsed(self, parse: o.Parse) -> o.Relation:
        """What ``parse`` finds in a constant, which is the same in every row."""
        columns = [c for c in parse.pattern if isinstance(c, Column)]
        if (
            parse.filters
            or not isinstance(parse.value, Const)
            or len(str(parse.value.value)) > _LINE
            or parse.kind == "regex"
            or not all(c.type in _PLAIN for c in columns)
        ):
            return parse
        once = replace(parse, input=o.Rows(None, (), ((),)))
        found = self.rows(o.Plan(once, tuple((f"c{n}", c) for n, c in enumerate(columns)), False))
        if not found:
            return parse
        values = [
            Const(parse.span, c.type, "" if v is None and c.type == Type.STRING else v) for v, c in zip(found[0], columns, strict=True)
        ]
        return o.Compute(parse.span, parse.input, tuple(zip(columns, values, strict=True)))

    def with_folded_parts(self, node: Any) -> Any:
        fields = {name: getattr(node, name) for name in o.inner_fields(node)}
        made = {name: self.rebuilt(value) for name, value in fields.items()}
        if isinstance(node, Items) and any(isinstance(i, Items) for i in made["items"]):
            made["items"] = tuple(i for item in made["items"] for i in (item.items if isinstance(item, Items) else (item,)))
        changed = {name: value for name, value in made.items() if value is not fields[name]}
        found = replace(node, **changed) if changed else node
        return self.parsed(found) if isinstance(found, o.Parse) else found

    def constant(self, node: Any) -> Expr | o.Relation | None:
        """What stands for a node that needs no event; None where it does, or is a constant already."""
        if isinstance(node, o.Relation):
            of_events = isinstance(node, o.Rows) or node is self.plan.root or self.extent(node) is None
            return None if of_events else self.table(node)
        if isinstance(node, Apply | Path | Subquery) and node.type in _PLAIN | {Type.DYNAMIC} and self.is_constant(node):
            return None if isinstance(node, Apply) and node.function == "bag_pack" else self.value(node)  # no constant is a bag
        return None

    def table(self, relation: o.Relation) -> o.Rows | None:
        """The rows of a relation, without columns that are no plain values; None where these are read."""
        offered = _offered(relation)
        read = [c for c in offered if c.type in _PLAIN]
        if not read or (len(read) < len(offered) and not {*offered}.isdisjoint(self.read_elsewhere(relation) - {*read})):
            return None
        found = self.rows(o.Plan(relation, tuple((f"c{n}", c) for n, c in enumerate(read)), False))
        if not found or len(found) > LIMIT:
            return None
        if any(isinstance(p, _REORDERING) for p in o.relations(relation)):
            found = sorted(found, key=repr)  # the order of a group's rows is the engine's, not the query's
        values = ([("" if v is None and c.type == Type.STRING else v, c.type) for v, c in zip(row, read, strict=True)] for row in found)
        return o.Rows(relation.span, tuple(read), tuple(tuple(const(*v) for v in row) for row in values))

    def read_elsewhere(self, relation: o.Relation) -> set[Column]:
        return {p for p in o.parts(self.plan.root, relation) if isinstance(p, Column)} | {c for _, c in self.plan.names}

    def value(self, expr: Expr) -> Expr | None:
        column = Column(-1, "value", expr.type)
        empty = o.Rows(None, (), ((),))
        found = self.rows(o.Plan(o.Compute(None, empty, ((column, expr),)), (("value", column),), False))
        if found is None or len(found) != 1 or found[0][0] is None:
            return None
        value = found[0][0]
        if isinstance(value, float) and not math.isfinite(value):
            return None  # no language has a literal for it
        if expr.type != Type.DYNAMIC:
            return const(value, expr.type, expr.span)
        try:
            value = json.loads(value)
        except ValueError:
            return None
        items = value if isinstance(value, list) else [value]
        if not items or len(items) > LIMIT or not all(isinstance(i, str | int | float) for i in items):
            return None
        if isinstance(value, list):
            return Items(expr.span, Type.DYNAMIC, tuple(map(const, value)))
        return const(value, span=expr.span)

    def rows(self, plan: o.Plan) -> list[tuple[Any, ...]] | None:
        from translator.engine.relations import compile_plan  # most queries need no engine

        engine = _engine(os.getpid(), threading.get_ident())
        try:
            return engine.execute(compile_plan(plan, engine.dialect, None, ends=True))
        except EngineError:
            return None

    def is_constant(self, expr: Expr) -> bool:
        """Whether an expression reads no column, and may be run here."""
        if id(expr) not in self.constants:
            self.constants[id(expr)] = self.found_constant(expr)
        return self.constants[id(expr)]

    def found_constant(self, expr: Expr) -> bool:
        match expr:
            case Const():
                return True
            case Subquery(relation=relation):
                return self.extent(relation) is not None
            case Apply(function=name) if not expr.args or not _may_run(name, "aggregate"):
                return False
        parts = children(expr)
        return bool(parts) and all(map(self.is_constant, parts)) and self.length(expr, 0, {}) <= LENGTH

    def extent(self, relation: o.Relation) -> _Extent | None:
        """How large a relation can be at most; None where it reads events, or may not be run here."""
        if id(relation) not in self.extents:
            found = self.found_extent(relation)
            within = found is not None and found.rows <= LIMIT and found.rows * found.row <= LENGTH
            within = within and all(map(self.runs, _own_expressions(relation)))
            self.extents[id(relation)] = found if within else None
        return self.extents[id(relation)]

    def found_extent(self, relation: o.Relation) -> _Extent | None:
        match relation:
            case o.Rows(rows=rows):
                return _Extent(len(rows), max((sum(self.length(v, 0, {}) for v in row) for row in rows), default=0))
            case o.Range():
                bounds = [b.value for b in (relation.start, relation.stop, relation.step) if isinstance(b, Const)]
                start, stop, step = bounds if len(bounds) == 3 else (None, None, None)
                if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int) and step:
                    return _Extent(max(0, (stop - start) // step + 1), _NUMBER)
            case o.Union(inputs=inputs):
                extents = [e for e in map(self.extent, inputs) if e is not None]
                if len(extents) == len(inputs):
                    return _Extent(sum(e.rows for e in extents), max((e.row for e in extents), default=0))
            case o.Join(left=one, right=other):
                left, right = self.extent(one), self.extent(other)
                if left is not None and right is not None:
                    return _Extent(left.rows + right.rows + left.rows * right.rows, left.row + right.row)
            case _ if isinstance(relation, _ROW_BY_ROW):
                inner = self.extent(relation.input)
                if inner is not None:
                    read = inner.rows * inner.row if isinstance(relation, o.Aggregate) else inner.row
                    made = sum(self.length(e, read, {}) for e in _own_expressions(relation))
                    return _Extent(max(inner.rows, 1), inner.row + made)
        return None

    def length(self, expr: Expr, column: int, lengths: dict[int, int]) -> int:
        """How many characters a value can have at most, where a column has as many as ``column``."""
        if id(expr) not in lengths:
            lengths[id(expr)] = self.found_length(expr, column, lengths)
        return lengths[id(expr)]

    def found_length(self, expr: Expr, column: int, lengths: dict[int, int]) -> int:
        parts = [self.length(c, column, lengths) for c in children(expr)]
        match expr:
            case Const(value=value):
                return len(str(value)) + 1
            case ColumnRef():
                return column
            case Subquery(relation=relation):
                extent = self.extent(relation)
                return extent.rows * extent.row if extent is not None else 0
            case Apply(function=name) if name in _MULTIPLYING:
                return min(math.prod(p + 1 for p in parts), LENGTH + 1)
            case Apply(function=name) if name not in _JOINING:
                return min(_NUMBER + 6 * sum(parts), LENGTH + 1)
        return min(sum(parts), LENGTH + 1)

    def runs(self, expr: Expr) -> bool:
        """Whether an expression has none but functions that may be run here, and no subqueries but such."""
        for node in walk(expr):
            if isinstance(node, Apply) and not _may_run(node.function):
                return False
            if isinstance(node, Subquery) and self.extent(node.relation) is None:
                return False
        return True


@lru_cache(maxsize=2)
def _engine(process: int, thread: int) -> DuckDbEngine:
    """The engine of a thread, without any table: it takes longer to begin than all that most queries have to run."""
    from translator.engine.data import Tables
    from translator.engine.duckdb_engine import DuckDbEngine

    return DuckDbEngine(Tables({}, {}))


@cache
def _may_run(name: str, other_than: str = "") -> bool:
    """Whether a function is one that may be run here, and of another kind than ``other_than``."""
    function = functions.find(name)
    if function is None or function.kind == other_than or function.family not in _FAMILIES or name in _LEFT_ALONE or function.runs == "no":
        return False
    return not any("regex" in p.name for s in function.signatures for p in s.parameters)


def _offered(relation: o.Relation) -> list[Column]:
    """The columns that a relation of known size offers to what reads it."""
    match relation:
        case o.Rows(columns=columns) | o.Distinct(columns=columns):
            return list(columns)
        case o.Range(column=column):
            return [column]
        case o.Project(items=items):
            return [c for c, _ in items]
        case o.Compute(input=inner, items=items):
            return [*_offered(inner), *(c for c, _ in items)]
        case o.Aggregate(keys=keys, aggregates=aggregates):
            return [c for c, _ in (*keys, *aggregates)]
        case o.Number(input=inner, column=column):
            return [*_offered(inner), column]
        case o.Union(columns=columns):
            return [c for c, _ in columns]
        case o.Join(left=left, right=right, kind=kind):
            return [*([] if kind in _RIGHT_ONLY else _offered(left)), *([] if kind in _LEFT_ONLY else _offered(right))]
        case o.Filter(input=inner) | o.Sort(input=inner) | o.Limit(input=inner) | o.Arrange(input=inner):
            return _offered(inner)
    return []


def _own_expressions(relation: o.Relation) -> Iterator[Expr]:
    """The expressions of an operator, those of its inputs aside."""
    stack: list[object] = [getattr(relation, name) for name in relation.__dataclass_fields__ if name != "span"]
    while stack:
        current = stack.pop()
        if isinstance(current, Expr):
            yield current
        elif isinstance(current, tuple):
            stack.extend(current)
        elif isinstance(current, o.Ordering):
            stack.append(current.expr)
