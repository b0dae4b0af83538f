"""Worlds in which a query may have one result or another: where a join takes any one of several rows.

Source: learn.microsoft.com/kusto/query/join-innerunique: one row of each key of the left side is joined, whichever it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from translator import catalog
from translator.engine import EngineError
from translator.engine.duckdb_engine import DuckDbEngine
from translator.engine.relations import compile_plan
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.plan.expressions import Apply, Column, ColumnRef, Const
from translator.plan.types import Type
from translator.plan.unique_joins import with_filters_sided
from translator.verify.witness.feeding import schema_of
from translator.verify.witness.judging import WORLD, Entangled, marked_rows, of_worlds
from translator.verify.witness.model import World


def undecided(kql: str, worlds: Sequence[World], now: dt.datetime, tables: Mapping[str, Mapping[str, str]]) -> list[bool]:
    """In which worlds some key of the left side of such a join has several rows. A world that cannot be run is undecided.

    Args:
        tables: column types of tables that the catalog does not know, by table.
    """
    try:
        several = set(_several(kql, worlds, now, tables))
        return [number in several for number in range(len(worlds))]
    except (Entangled, EngineError):
        return [_is_undecided(kql, world, now, tables) for world in worlds]


def _is_undecided(kql: str, world: World, now: dt.datetime, tables: Mapping[str, Mapping[str, str]]) -> bool:
    try:
        return any(True for _ in _several(kql, [world], now, tables, False))
    except EngineError:
        return True


def _several(
    kql: str, worlds: Sequence[World], now: dt.datetime, tables: Mapping[str, Mapping[str, str]], apart: bool = True
) -> Iterator[object]:  # fmt: skip
    """The numbers of the worlds in which a key has several rows.

    Raises:
        Entangled: where the worlds cannot be kept apart; not where they need not.
        EngineError: where the left side of a join cannot be run.
    """
    plan = bind(parse(kql), {**catalog.schemas(), **tables})
    schema = {**catalog.schemas(), **schema_of(plan, [e for w in worlds for e in w.events])}
    data = marked_rows(plan, worlds, now, schema)
    known = {t: dict(columns) for t, columns in data.schemas.items()}
    try:
        bound = bind(parse(kql), known, frozenset(known))
    except BindError:  # of a column that the rows have in another type than the tables
        bound = plan
    engine = DuckDbEngine(data)
    for join in (n for n in o.relations(with_filters_sided(bound.root)) if isinstance(n, o.Join) and n.kind == "innerunique" and n.on):
        left, world, free = of_worlds(bound, join.left) if apart else (join.left, None, 10**9)
        if apart and world is None:
            raise Entangled
        keys = [(Column(free + n, "key", a.type), a) for n, (a, _) in enumerate(join.on)]
        of = Column(free + len(keys), WORLD, Type.LONG)
        if world is not None:
            keys.append((of, ColumnRef(None, Type.LONG, world)))
        rows = Column(of.id + 1, "rows", Type.LONG)
        counted = o.Aggregate(None, left, tuple(keys), ((rows, Apply(None, Type.LONG, "count", ())),))
        more = Apply(None, Type.BOOL, ">", (ColumnRef(None, Type.LONG, rows), Const(None, Type.LONG, 1)))
        asked = o.Plan(o.Filter(None, counted, more), ((WORLD, of if world is not None else rows),), False)
        yield from (number for number, *_ in engine.execute(compile_plan(asked, engine.dialect, now, data.columns)))
