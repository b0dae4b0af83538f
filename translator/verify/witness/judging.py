"""Many worlds run by the engine at once: each event knows its world, and no operator lets worlds meet.

A plan that cannot be kept apart (an aggregate over all rows, a scalar subquery, an order of rows) is compiled once and run for each world
on its own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import translator
from translator import catalog
from translator.engine import EngineError
from translator.engine.data import Tables
from translator.engine.data.layout import identifier
from translator.engine.duckdb_engine import DuckDbEngine
from translator.engine.relations import Compiled, compile_plan
from translator.engine.runner import values_of
from translator.kql.parser import parse
from translator.plan import functions
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.binder.context import Schema
from translator.plan.binder.problems import BindError
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Subquery, const, transform, walk
from translator.plan.types import Type
from translator.verify.comparing import ROW, Answer
from translator.verify.witness.feeding import read_columns, schema_of, tables_of
from translator.verify.witness.model import World

_WORLD = "$world"


class Entangled(Exception):
    """A plan whose worlds cannot be run together."""


def judged(kql: str, worlds: Sequence[World], now: dt.datetime) -> list[bool | EngineError]:
    """Whether each world alerts, by the project's engine; the error where it cannot run.

    Raises:
        translator.KqlSyntaxError: where the text is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
    """
    return [found if isinstance(found, EngineError) else bool(found.rows) for found in answers(kql, worlds, now)]


def answers(
    kql: str, worlds: Sequence[World], now: dt.datetime, tables: Mapping[str, Mapping[str, str]] | None = None
) -> list[Answer | EngineError]:
    """What the project's engine finds in each world; the error where it cannot run. Events may have a mark (``ROW``) each.

    Args:
        tables: column types of tables that the catalog does not know, by table.

    Raises:
        translator.KqlSyntaxError: where the text is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
    """
    plan = bind(parse(kql), {**catalog.schemas(), **(tables or {})})
    schema = {**catalog.schemas(), **schema_of(plan, [e for w in worlds for e in w.events])}
    try:
        return _together(kql, plan, worlds, now, schema)
    except (Entangled, EngineError, BindError):
        return _apart(kql, plan, worlds, now, schema)


def _apart(kql: str, plan: o.Plan, worlds: Sequence[World], now: dt.datetime, schema: Schema) -> list[Answer | EngineError]:
    """What is found in each world, run by itself."""
    if not any(isinstance(part, o.Plugin) for part in o.parts(plan.root)):  # what these give depends on the rows they are bound to
        with contextlib.suppress(EngineError, BindError):
            return _one_by_one(kql, plan, worlds, now, schema)
    read = read_columns(plan)
    found: list[Answer | EngineError] = []
    for world in worlds:
        rows = {t: [{c: v for c, v in r.items() if c != ROW} for r in held] for t, held in tables_of(read, world.events, now).items()}
        try:
            result = translator.run(kql, rows, now=now, schema=schema)
            names = [name for name, _ in result.columns]
            found.append(Answer(tuple(dict(zip(names, row, strict=True)) for row in result.rows)))
        except EngineError as error:
            found.append(error)
        except BindError as error:  # the engine knows all columns of a table, and the catalog's tables may have more
            found.append(EngineError(error.message, error.span))
    return found


def _one_by_one(kql: str, plan: o.Plan, worlds: Sequence[World], now: dt.datetime, schema: Schema) -> list[Answer | EngineError]:
    """What is found in each world, by one query over views of its rows alone.

    Raises:
        EngineError: where the rows of all worlds cannot be held in one table of each name, or the engine cannot run the query.
        BindError: where it has no meaning over them.
    """
    data = _marked_rows(plan, worlds, now, schema)
    known = {t: {c: k for c, k in columns.items() if c not in (_WORLD, ROW)} for t, columns in data.schemas.items()}
    bound = bind(parse(kql), known, frozenset(known))
    engine = DuckDbEngine(data)
    compiled = compile_plan(bound, engine.dialect, now, data.columns)
    data.refuse(compiled.reads)
    held = {}
    for number, (table, columns) in enumerate(compiled.reads.items()):
        data.expose(table, engine.connection, {*columns, _WORLD})
        engine.viewed[table] = frozenset(columns)
        held[table] = f"rows of {number}"
        engine.connection.execute(f"ALTER TABLE {identifier(table)} RENAME TO {identifier(held[table])}")
    found: list[Answer | EngineError] = []
    for number in range(len(worlds)):
        for table, rows in held.items():
            others = f"* EXCLUDE ({identifier(_WORLD)})" if compiled.reads[table] else "*"  # a view has some column
            view = f"SELECT {others} FROM {identifier(rows)} WHERE {identifier(_WORLD)} = {number}"
            engine.connection.execute(f"CREATE OR REPLACE TEMP VIEW {identifier(table)} AS {view}")
        try:
            found.append(Answer(tuple(_rows(engine, compiled))))
        except EngineError as error:
            found.append(error)
    return found


def _rows(engine: DuckDbEngine, compiled: Compiled) -> Iterator[dict[str, object]]:
    """The rows of a query by the names of its columns.

    Raises:
        EngineError: where the engine refuses it.
    """
    raw = engine.execute(compiled)
    columns = [list(values_of([values[n] for values in raw], kind)) for n, (_, kind) in enumerate(compiled.names)]
    return (dict(zip((name for name, _ in compiled.names), told, strict=True)) for told in zip(*columns, strict=True))


def _marked_rows(plan: o.Plan, worlds: Sequence[World], now: dt.datetime, schema: Schema) -> Tables:
    """The rows of all worlds, each with the number of its world; a table that has none has one of no world."""
    read = read_columns(plan)
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, world in enumerate(worlds):
        for table, found in tables_of(read, world.events, now).items():
            rows.setdefault(table, []).extend({**row, _WORLD: number} for row in found)
    return Tables({t: r or [dict.fromkeys(schema.get(t, {})) | {_WORLD: -1}] for t, r in rows.items()}, schema)


def _together(kql: str, plan: o.Plan, worlds: Sequence[World], now: dt.datetime, schema: Schema) -> list[Answer | EngineError]:
    data = _marked_rows(plan, worlds, now, schema)
    known = {t: {c: k for c, k in columns.items() if c != ROW} for t, columns in data.schemas.items()}
    bound = bind(parse(kql), known, frozenset(known))
    engine = DuckDbEngine(data)
    try:
        return _at_once(bound, worlds, now, data, engine)
    except (Entangled, EngineError):
        if not any(isinstance(part, o.Plugin) for root in (plan.root, bound.root) for part in o.parts(root)):
            try:
                compile_plan(bound, engine.dialect, now, data.columns)
            except EngineError as error:  # of the query itself, and so in each world
                return [error for _ in worlds]
        raise


def _at_once(bound: o.Plan, worlds: Sequence[World], now: dt.datetime, data: Tables, engine: DuckDbEngine) -> list[Answer | EngineError]:
    """What a query over the marked rows of all worlds finds in each.

    Raises:
        Entangled: where no query can be made that keeps them apart.
        EngineError: where the engine refuses it.
    """
    apart = _Apart(bound)
    root, world_column = apart.relation(bound.root)
    if world_column is None:
        raise Entangled
    traced = _Traced(apart.next) if any(ROW in e.values for w in worlds for e in w.events) else None
    root, row_column = traced.relation(root) if traced is not None else (root, None)
    asked = o.Plan(root, (*bound.names, (_WORLD, world_column), *(((ROW, row_column),) if row_column is not None else ())), False)
    found: list[list[dict[str, object]]] = [[] for _ in worlds]
    for row in _rows(engine, compile_plan(asked, engine.dialect, now, data.columns)):
        number = row.pop(_WORLD)
        if isinstance(number, int) and 0 <= number < len(worlds):
            found[number].append(row)
    return [_answer(of_world, row_column is not None) for of_world in found]


def _answer(rows: list[dict[str, object]], traced: bool) -> Answer:
    marks = [row.pop(ROW) for row in rows] if traced else []
    told = traced and all(isinstance(m, str) and m for m in marks)
    return Answer(tuple(rows), frozenset(m for m in marks if isinstance(m, str)) if told else None)


class _Carrying:
    """Gives every relation of a plan a column of its own, as ``rebuilt`` says, each relation once.

    Args:
        name: what the column is called.
        first: the last number that a column has.
    """

    def __init__(self, name: str, kind: Type, first: int) -> None:
        self.name, self.kind, self.next = name, kind, first
        self.done: dict[int, tuple[o.Relation, Column | None]] = {}

    def column(self, table: str | None = None, source: int | None = None) -> Column:
        self.next += 1
        return Column(self.next, self.name, self.kind, table, source)

    def relation(self, relation: o.Relation) -> tuple[o.Relation, Column | None]:
        found = self.done.get(id(relation))
        if found is None:
            found = self.done[id(relation)] = self.rebuilt(relation)
        return found

    def rebuilt(self, relation: o.Relation) -> tuple[o.Relation, Column | None]:
        raise NotImplementedError


class _Traced(_Carrying):
    """Gives the rows of a plan the mark of the event that each of them is, where it is one."""

    def __init__(self, first: int) -> None:
        super().__init__(ROW, Type.STRING, first)

    def rebuilt(self, relation: o.Relation) -> tuple[o.Relation, Column | None]:
        match relation:
            case o.Source(table=table, id=number):
                return relation, self.column(table, number)
            case o.Filter() | o.Compute() | o.Sort() | o.Arrange() | o.Parse() | o.ParsePairs() | o.Number() | o.Expand():
                inner, row = self.relation(relation.input)
                return replace(relation, input=inner), row
            case o.Project(items=items):
                inner, row = self.relation(relation.input)
                if row is None:
                    return relation, None
                made = self.column()
                return replace(relation, input=inner, items=(*items, (made, ColumnRef(None, Type.STRING, row)))), made
            case o.Union(inputs=inputs, columns=columns):
                found = [self.relation(i) for i in inputs]
                if any(row is None for _, row in found):
                    return relation, None
                made = self.column()
                return replace(relation, inputs=tuple(r for r, _ in found), columns=(*columns, (made, tuple(r for _, r in found)))), made
            case o.Join(kind="leftsemi" | "leftanti" | "anti" | "leftantisemi", left=left):
                inner, row = self.relation(left)
                return replace(relation, left=inner), row
        return relation, None


class _Apart(_Carrying):
    """Gives every relation of a plan a column that says which world a row is of."""

    def __init__(self, plan: o.Plan) -> None:
        super().__init__(_WORLD, Type.LONG, next(o.unused_ids(plan)))

    def rebuilt(self, relation: o.Relation) -> tuple[o.Relation, Column | None]:
        match relation:
            case o.Source(table=table, id=number):
                return relation, self.column(table, number)
            case o.Rows() | o.Range():
                return relation, None
            case o.Union(inputs=inputs, columns=columns):
                made = [self.relation(i) for i in inputs]
                if any(w is None for _, w in made):
                    raise Entangled
                world = self.column()
                return replace(relation, inputs=tuple(r for r, _ in made), columns=(*columns, (world, tuple(w for _, w in made)))), world
            case o.Join():
                return self.joined(relation)
            case o.Filter() | o.Compute() | o.Project() | o.Distinct() | o.Sort() | o.Limit() | o.Aggregate() | o.Expand() | o.Parse():
                return self.over(relation)
            case o.Arrange() | o.ParsePairs() | o.Number():
                return self.over(relation)
        raise Entangled

    def over(self, relation: Any) -> tuple[o.Relation, Column | None]:
        inner, world = self.relation(relation.input)
        if world is None:
            return replace(relation, input=inner), None
        here = ColumnRef(None, Type.LONG, world)
        match relation:
            case o.Filter(predicate=predicate):
                return replace(relation, input=inner, predicate=self.expression(predicate, here)), world
            case o.Compute(items=items):
                return replace(relation, input=inner, items=self.items(items, here)), world
            case o.Project(items=items):
                made = self.column()
                return replace(relation, input=inner, items=(*self.items(items, here), (made, here))), made
            case o.Distinct(columns=columns):
                return replace(relation, input=inner, columns=(*columns, world)), world
            case o.Limit(partition=partition):
                return replace(relation, input=inner, partition=(*partition, world)), world
            case o.Aggregate(keys=keys, aggregates=aggregates):
                if not keys:
                    raise Entangled
                made = self.column()
                changed = self.items(aggregates, here)
                return replace(relation, input=inner, keys=(*self.items(keys, here), (made, here)), aggregates=changed), made
        return replace(relation, input=inner), world

    def items(self, items: tuple[tuple[Column, Expr], ...], here: Expr) -> tuple[tuple[Column, Expr], ...]:
        return tuple((c, self.expression(x, here)) for c, x in items)

    def joined(self, join: o.Join) -> tuple[o.Relation, Column | None]:
        (left, one), (right, other) = self.relation(join.left), self.relation(join.right)
        on = join.on
        if one is not None and other is not None:
            on = (*on, (ColumnRef(None, Type.LONG, one), ColumnRef(None, Type.LONG, other)))
        kept = other if join.kind.startswith("right") else one
        if join.kind in ("inner", "innerunique"):
            kept = one if one is not None else other
        if join.kind == "fullouter" or (kept is None and (one is not None or other is not None)):
            raise Entangled
        here = ColumnRef(None, Type.LONG, kept) if kept is not None else None
        condition = join.condition if join.condition is None or here is None else self.expression(join.condition, here)
        return replace(join, left=left, right=right, on=on, condition=condition), kept

    def expression(self, expr: Expr, here: Expr) -> Expr:
        if any(isinstance(n, Apply) and _of_all_rows(n.function) for n in walk(expr)):
            raise Entangled

        def change(node: Expr) -> Expr:
            match node:
                case Apply(function=function, args=(_, Items(items=items))) if function not in _EQUAL and any(
                    isinstance(i, Subquery) for i in items
                ):
                    raise Entangled  # a mark of the world beside a text is no part of what is searched for
                case Apply(args=(subject, Items(items=items) as listed)) if any(isinstance(i, Subquery) for i in items):
                    made = tuple(self.marked(i, here) for i in items)
                    return replace(node, args=(_marked(subject, here), replace(listed, items=made)))
                case Subquery(scalar=True):
                    raise Entangled
            return node

        return transform(expr, change)

    def marked(self, item: Expr, here: Expr) -> Expr:
        if not isinstance(item, Subquery) or item.column is None:
            return _marked(item, here)
        relation, world = self.relation(item.relation)
        if world is None:
            raise Entangled
        made = replace(self.column(), name="marked", type=Type.STRING)
        value = _marked(ColumnRef(None, item.column.type, item.column), ColumnRef(None, Type.LONG, world))
        return Subquery(item.span, item.type, o.Compute(None, relation, ((made, value),)), False, made)


_EQUAL = frozenset({"in", "in~", "!in", "!in~"})
"""What compares whole values with those of another query."""


def _marked(expr: Expr, world: Expr) -> Expr:
    """A value that is the same in one world only, and for which the case of letters counts as it did."""
    text = expr if isinstance(expr, Const) else Apply(None, Type.STRING, "tostring", (expr,))
    return Apply(expr.span, Type.STRING, "strcat", (Apply(None, Type.STRING, "tostring", (world,)), const("|"), text))


def _of_all_rows(name: str) -> bool:
    known = functions.functions().get(name)
    return known is not None and known.family == "windows"
