"""What of a plan decides about rows and what is only shown, and which stored fields its operators read for that."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from translator import catalog
from translator.detection.windows import is_time
from translator.plan import operators as o
from translator.plan.conditions import TEXT_OPERATORS
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Path, Same, columns_of, walk
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.targets.pipeline.cuts import Cut, computed, definitions
from translator.targets.pipeline.language import KINDS
from translator.targets.pipeline.relations import subqueries_of


@dataclass(frozen=True, slots=True)
class Reading:
    """What the operators over the heads of a cut read.

    Attributes:
        fields: the stored fields, and columns of unions, that columns are made of which decide about rows or are looked at.
        must: those of columns that decide.
        compared: the fields whose values are looked at.
        as_text: those of them that are read otherwise than as the JSON that their text is.
        decides: the columns that decide about rows over the heads.
        tell: the fields that the entities of an alert are made of.
    """

    fields: list[Expr]
    must: frozenset[Expr]
    compared: frozenset[Expr]
    as_text: frozenset[Expr]
    decides: set[int]
    tell: frozenset[Expr] = frozenset()


def reading_of(
    plan: o.Plan, cut: Cut, shown: set[int], told: bool = False, apart: Container[int] = (), entities: Container[str] = ()
) -> Reading | None:  # fmt: skip
    """What the operators of a cut of a plan read; None where nothing is ``told``.

    Args:
        shown: the columns that an analyst looks at.
        told: whether what they ask of texts is told by the head, which knows how the product spells them.
        apart: the keys of summaries that decide nothing.
        entities: the columns of the result that are entities of an alert.
    """
    if told and any(map(_loses_told, cut.operators())):
        return None
    decides = behind(plan, deciding_of(cut.operators(), apart))
    fields = [f for f in leaves(cut, shown | decides, plan.names, told) if kind_of(f) is not None]
    if told and not any(map(is_told, fields)):
        return None
    looks = _looked_into(cut, fields)
    columns = [ColumnRef(None, c.type, c) for name, c in plan.names if name in entities]
    tell = frozenset(leaves(cut, behind(plan, columns), plan.names, told) if columns else ())
    must = frozenset(leaves(cut, decides, (), told))
    return Reading(fields, must, frozenset(looks.compared), frozenset(looks.as_text), decides, tell)


def shown_columns(plan: o.Plan, wanted: Container[str]) -> set[int]:
    """The columns of a plan that an analyst looks at, with what they are made of.

    Args:
        wanted: the columns of the result that an alert is made of.
    """
    looked = looked_at(plan, wanted, deciding(plan))
    return looked | behind(plan, [ColumnRef(None, c.type, c) for _, c in plan.names if c.id in looked])


def deciding(plan: o.Plan) -> set[int]:
    """The columns that decide which rows there are, and how many."""
    return behind(plan, deciding_of(list(o.relations(plan.root))))


def only_apart(plan: o.Plan, identifying: Container[str]) -> frozenset[int]:
    """The keys of the last summary of a plan that do no more than tell its rows apart: rows by other ones are of the same alerts.

    No alert is told by them, and nothing is asked of them or of what is counted by them.

    Args:
        identifying: the columns that an alert is told by.
    """
    node, asked = plan.root, [ColumnRef(None, c.type, c) for name, c in plan.names if name in identifying]
    told: list[Expr] = [*asked]
    while isinstance(node, o.Filter | o.Compute | o.Project | o.Sort | o.Arrange):
        told += [node.predicate] if isinstance(node, o.Filter) else []
        node = node.input
    if not isinstance(node, o.Aggregate) or not asked or any(map(subqueries_of, told)):
        return frozenset()
    read, keys = behind(plan, told), {c.id for c, _ in node.keys}
    if not keys & read or any(c.id in read for c, _ in node.aggregates):
        return frozenset()
    return frozenset(keys - read)


def deciding_of(operators: Sequence[o.Relation], apart: Container[int] = ()) -> list[Expr]:
    """What decides which rows operators leave."""
    todo = list[Expr]()
    limited = any(isinstance(n, o.Limit) for n in operators)
    for node in operators:
        match node:
            case o.Filter(predicate=predicate):
                todo += [predicate, *_subquery_columns(predicate)]
            case o.Aggregate(keys=keys):
                todo += [ColumnRef(None, c.type, c) for c, _ in keys if c.id not in apart]
            case o.Distinct(columns=columns):
                todo += [ColumnRef(None, c.type, c) for c in columns]
            case o.Expand(items=items):
                todo += [x for _, x in items]
            case o.Join(on=on, condition=condition):
                todo += [x for pair in on for x in pair] + ([condition] if condition is not None else [])
            case o.Sort(keys=order) if limited:
                todo += [k.expr for k in order]
            case o.Limit(keys=order, count=count):
                todo += [k.expr for k in order] + [count]
    return todo


def _subquery_columns(predicate: Expr) -> list[Expr]:
    """The columns of subqueries that a condition compares with."""
    return [ColumnRef(s.span, c.type, c) for s in subqueries_of(predicate) if (c := s.column) is not None]


def all_made(plan: o.Plan) -> Mapping[int, Expr]:
    """What each column of a plan is made of, by id."""
    return _all_made(Same(plan.root))


@lru_cache(maxsize=16)
def _all_made(same: Same[o.Relation]) -> Mapping[int, Expr]:
    """The same: it is asked for each way to cut a plan."""
    return MappingProxyType(made_by(list(o.relations(same.node))))


def made_by(operators: Sequence[o.Relation]) -> dict[int, Expr]:
    """What each column that operators make is made of, by id."""
    made: dict[int, Expr] = {c.id: x for n in operators if isinstance(n, o.Compute | o.Project | o.Expand) for c, x in n.items}
    for union in (n for n in operators if isinstance(n, o.Union)):
        made |= {c.id: Items(None, c.type, tuple(_refs(below))) for c, below in union.columns}
    return made | {c.id: x for n in operators if isinstance(n, o.Aggregate) for c, x in (*n.keys, *n.aggregates)}


def _refs(columns: Iterable[Column | None]) -> list[Expr]:
    return [ColumnRef(None, c.type, c) for c in columns if c is not None]


def behind(plan: o.Plan, exprs: Iterable[Expr]) -> set[int]:
    """The columns that some values are made of, directly or by others."""
    made, found, todo = all_made(plan), set[int](), list(exprs)
    while todo:
        for column in columns_of(todo.pop()):
            if column.id not in found:
                found.add(column.id)
                if column.id in made:
                    todo.append(made[column.id])
    return found


def looked_at(plan: o.Plan, wanted: Container[str], decides: set[int]) -> set[int]:
    """The columns of a result that an analyst looks at: of a whole table those of conditions, and those ``wanted``."""
    made = all_made(plan)
    merged = {c.id for n in o.relations(plan.root) if isinstance(n, o.Union) for c, _ in n.columns}

    def stored(column: Column) -> frozenset[Column]:
        """The stored columns of which it is any, as it is stored; none where it is computed."""
        if column.table is not None:
            return frozenset({column})
        match made.get(column.id):
            case ColumnRef(column=below) | Apply(function="arg_max" | "arg_min" | "take_any" | "any", args=(*_, ColumnRef(column=below))):
                return stored(below)
            case Items(items=items) if column.id in merged:
                found = [stored(x.column) for x in items if isinstance(x, ColumnRef)]
                return frozenset[Column]().union(*found) if all(found) else frozenset()
        return frozenset()

    origins = {c.id: stored(c) for _, c in plan.names}
    shown: dict[str, set[str]] = {}
    for origin in frozenset[Column]().union(*origins.values()):
        shown.setdefault(origin.table or "", set()).add(origin.name)
    whole = {table for table, names in shown.items() if (listed := catalog.schemas().get(table)) and names >= set(listed)}
    return {
        c.id
        for name, c in plan.names
        if not (found := origins[c.id])
        or not {origin.table for origin in found} <= whole
        or name in wanted
        or not decides.isdisjoint({c.id, *(origin.id for origin in found)})
    }


def kind_of(expr: Expr) -> str | None:
    """The kind of a stored field, None where it is one that a pipeline cannot read."""
    if isinstance(expr, Path):
        return "part"
    if is_time(expr):
        return "time"
    if expr.type == Type.DYNAMIC:
        return "json"
    kind = KINDS[expr.type]
    return None if kind == "span" else kind


def read_by(relation: o.Relation, wanted: Container[int]) -> list[Expr]:
    """What an operator reads, for columns that are wanted."""
    match relation:
        case o.Filter(predicate=predicate):
            return [predicate, *_subquery_columns(predicate)]
        case o.Compute(items=items) | o.Project(items=items):
            return [x for c, x in items if c.id in wanted]
        case o.Aggregate(keys=keys, aggregates=aggregates):
            return [x for c, x in (*keys, *aggregates) if c.id in wanted]
        case o.Distinct(columns=columns):
            return _refs(columns)
        case o.Expand(items=items):
            return [x for _, x in items]
        case o.Union(columns=merged):
            return [x for c, below in merged if c.id in wanted for x in _refs(below)]
        case o.Join(on=on, condition=condition):
            return [x for pair in on for x in pair] + ([condition] if condition is not None else [])
        case o.Sort(keys=order) | o.Limit(keys=order):
            return [k.expr for k in order]
    return []


def is_told(expr: Expr) -> bool:
    """Whether an expression asks something of the text of a stored column, which is true or false in every event."""
    match expr:
        case Apply(function=function, args=(ColumnRef(column=column), *others), type=Type.BOOL) if column.table is not None:
            known = all(isinstance(n, Const | Items) for x in others for n in walk(x))
            return column.type == Type.STRING and known and function in (*TEXT_OPERATORS, "==", "=~", "in", "in~")
    return False


def _loses_told(operator: o.Relation) -> bool:
    """Whether rows of an operator may lack what is told of the events that they are of: it keeps other columns, or has rows of none."""
    return isinstance(operator, o.Distinct) or (isinstance(operator, o.Join) and "outer" in operator.kind)


def leaves(cut: Cut, wanted: set[int], names: o.Names, told: bool = False) -> list[Expr]:
    """The stored fields that the operators over the heads read for columns that are wanted, and the columns of unions, each once.

    What they ask of texts stands for these where it is ``told``.
    """
    made = {c: x for head in cut.heads for c, x in definitions(head).items()}
    found, operators = dict[Expr, None](), cut.operators()[::-1]
    own = {c.id for r in operators for c in _columns_made(r)}
    todo = [simplify(x) for r in operators for x in read_by(r, wanted)]
    todo += [ColumnRef(None, c.type, c) for _, c in names if c.id in wanted]
    expanded = set[int]()
    while todo:
        expr = todo.pop(0)
        nodes = list(walk(expr))
        paths = {id(n.base) for n in nodes if isinstance(n, Path) and isinstance(n.base, ColumnRef)}
        texts = [n for n in nodes if (isinstance(n, Apply) and n.function == JSON_TEXT) or (told and is_told(n))]
        found |= dict.fromkeys(texts)
        inside = {id(n) for text in texts for n in walk(text)}
        for node in nodes:
            if id(node) in inside or (isinstance(node, ColumnRef) and node.column.id in own):
                continue
            if isinstance(node, ColumnRef) and node.column.id in made:
                if node.column.id not in expanded:
                    expanded.add(node.column.id)
                    todo.append(simplify(made[node.column.id]))
            elif (isinstance(node, ColumnRef) and id(node) not in paths) or (
                isinstance(node, Path) and isinstance(node.base, ColumnRef) and node.base.column.id not in {*made, *own}
            ):
                found[node] = None
    return list(found)


def _columns_made(relation: o.Relation) -> list[Column]:
    match relation:
        case o.Compute(items=items) | o.Project(items=items) | o.Expand(items=items):
            return [c for c, _ in items]
        case o.Aggregate(keys=keys, aggregates=aggregates):
            return [c for c, _ in (*keys, *aggregates)]
        case o.Union(columns=columns):
            return [c for c, _ in columns]
        case o.External(columns=listed):
            return list(listed)
    return []


_WHOLE = frozenset({"dcount", "count_distinct", "make_set", "make_list", "take_any", "any", "arg_max", "arg_min", "count"})
"""Aggregates that do not ask what a value is."""


def _looked_into(cut: Cut, fields: list[Expr]) -> _Looks:
    """The fields whose values the operators over the heads look at: all but those that rows are grouped by, counted by or shown with."""
    looks = _Looks(fields)
    for head in cut.heads:
        for items in computed(head):
            for column, x in items:
                looks.carry(column, simplify(x))
    for operator in reversed(cut.operators()):
        looks.follow(operator)
    return looks


class _Looks:
    """What the operators that were followed look into.

    Attributes:
        compared: the fields whose values they look at.
        as_text: those of them that are read otherwise than as the JSON that their text is.
    """

    def __init__(self, fields: list[Expr]) -> None:
        self.compared, self.as_text = set[Expr](), set[Expr]()
        self._names: dict[Expr, Expr] = {f: f for f in fields}

    def carry(self, column: Column, expr: Expr) -> None:
        """A column is made of a value: it is a field by another name, or made of what is looked at."""
        if expr in self._names:
            self._names[ColumnRef(None, column.type, column)] = self._names[expr]
        else:
            self.look(expr)

    def look(self, expr: Expr) -> None:
        """A value is computed or asked for, of whatever it reads."""
        nodes = list(walk(expr))
        told = {id(n) for asked in nodes if asked in self._names and is_told(asked) for n in walk(asked)}
        parsed = {id(x) for n in nodes if (x := _read_as_json(n)) is not None}
        for node in nodes:
            if id(node) not in told and (field := self._names.get(node)) is not None:
                self.compared.add(field)
                if id(node) not in parsed:
                    self.as_text.add(field)

    def follow(self, operator: o.Relation) -> None:
        """An operator that is over those before."""
        match operator:
            case o.Compute(items=items) | o.Project(items=items) | o.Expand(items=items):
                for column, x in items:
                    self.carry(column, simplify(x))
            case o.Aggregate(keys=keys, aggregates=aggregates):
                for column, x in keys:
                    self.carry(column, simplify(x))
                for column, x in aggregates:
                    self._aggregate(column, x)
            case o.Join(on=on, condition=condition):
                for key, other in on:
                    self._pair(simplify(key), simplify(other))
                if condition is not None:
                    self.look(simplify(condition))
            case o.Distinct() | o.Union():
                pass
            case _:
                for x in read_by(operator, _Everything()):
                    self.look(simplify(x))

    def _aggregate(self, column: Column, aggregate: Expr) -> None:
        if isinstance(aggregate, Apply) and aggregate.function in _WHOLE:
            if aggregate.function in ("arg_max", "arg_min"):
                self.look(simplify(aggregate.args[0]))
            for part in aggregate.args:
                self.carry(column, simplify(part))
        else:
            self.look(simplify(aggregate))

    def _pair(self, key: Expr, other: Expr) -> None:
        """Two keys of a join; a field that is joined with itself is not looked at."""
        if not (key in self._names and other in self._names and _is_same(self._names[key], self._names[other])):
            self.look(key)
            self.look(other)


def _read_as_json(expr: Expr) -> Expr | None:
    """What an expression takes for an object or an array."""
    match expr:
        case Path(base=base) | Apply(function="parse_json", args=(base,)):
            return base
    return None


def _is_same(field: Expr, other: Expr) -> bool:
    """Whether two fields are one of a table, whose values a product spells alike whichever part of a query reads them."""
    match field, other:
        case ColumnRef(column=a), ColumnRef(column=b):
            return (a.table, a.name) == (b.table, b.name)
        case Path(base=a, steps=steps), Path(base=b, steps=others):
            return steps == others and _is_same(a, b)
    return False


class _Everything(Container[int]):
    def __contains__(self, item: object) -> bool:
        return True
