"""Queries run: KQL bound over the data at hand, compiled, executed, and the values given back as Python's."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from translator.engine.data import Tables, tables_of
from translator.engine.dialects import Dialect
from translator.engine.errors import EngineError, UnknownEngine
from translator.engine.relations import Compiled, compile_plan
from translator.kql.syntax import Query
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.types import Type


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gives: columns as (name, KQL type), rows of Python values.

    Datetimes are naive and in UTC, timespans ``timedelta``, dynamic values parsed JSON, missing strings empty. ``warnings`` say where the
    data and the tables' columns do not agree: columns that a file has and its table does not, and those that the query reads and a file lacks.
    """

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]
    warnings: list[str] = field(default_factory=list)


class Engine(Protocol):
    """Where SQL runs."""

    dialect: Dialect

    def execute(self, compiled: Compiled) -> list[tuple[Any, ...]]: ...


def execute(
    query: Query, tables: Tables | Mapping[str, Any] | str | Path | None = None, engine: str | Engine = "duckdb", now: dt.datetime | None = None,
    schema: Mapping[str, Mapping[str, str]] | None = None, progress: Callable[[float], None] | None = None,
) -> Result:  # fmt: skip
    """The rows of ``query`` over ``tables``.

    Args:
        tables: a folder with a file or folder per table, a file named after its table, or tables by name: a path, a list of
            dictionaries, or an object that DuckDB reads.
        engine: ``duckdb``, ``spark``, or an engine.
        now: what ``now()`` is, UTC where it has no zone; the clock's time unless given.
        schema: column types by table; what it does not say comes from the data.
        progress: called with the percentage done while a long query runs.

    Raises:
        EngineError: what cannot be run, or data that cannot be read, by name.
        translator.plan.binder.problems.BindError: a query without a meaning.
    """
    moment = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(tzinfo=None) if now is None or now.tzinfo else now
    data = tables if isinstance(tables, Tables) else tables_of(tables, schema or {})
    running = _engine(engine, data, progress)

    def discover(relation: o.Relation, plugin: str, args: tuple[e.Expr, ...]) -> list[tuple[str, Type]]:
        (read,) = args
        assert isinstance(read, e.ColumnRef)
        plan = o.Plan(relation, (("read", read.column),), False)
        found = running.execute(compile_plan(plan, running.dialect, moment, data.columns))
        if plugin == "pivot":
            return [(value, Type.STRING) for value in sorted(row[0] for row in found)]
        return _keys([json.loads(row[0]) for row in found if row[0]])

    known = data.schemas
    plan = bind(query, known, frozenset(known), discover)
    for source in o.parts(plan.root):
        if isinstance(source, o.Source) and source.table not in known:
            raise EngineError(f"there is no data for the table {source.table}" + data.hint(source.table), source.span)
    compiled = compile_plan(plan, running.dialect, moment, data.columns, ends=True)
    data.refuse(compiled.reads)
    try:
        rows = running.execute(compiled)
    except EngineError:
        if not compiled.ends_in_ticks:
            raise
        compiled = compile_plan(plan, running.dialect, moment, data.columns)
        rows = running.execute(compiled)
    warnings = data.warnings(compiled.reads)
    columns = [values_of(values, k) for values, (_, k) in zip(zip(*rows, strict=True), compiled.names, strict=True)] if rows else []
    return Result([(n, str(k)) for n, k in compiled.names], list(zip(*columns, strict=True)), warnings)


def _engine(engine: str | Engine, data: Tables, progress: Callable[[float], None] | None) -> Engine:
    if not isinstance(engine, str):
        return engine
    if engine == "duckdb":
        from translator.engine.duckdb_engine import DuckDbEngine

        return DuckDbEngine(data, progress)
    if engine == "spark" or engine.startswith("spark://") or engine.startswith("local["):
        from translator.engine.spark_engine import SparkEngine

        return SparkEngine(data, "local[2]" if engine == "spark" else engine)
    raise UnknownEngine(f"there is no engine '{engine}'; there are duckdb and spark")


def _keys(bags: list[Any]) -> list[tuple[str, Type]]:
    """The keys of property bags and the type of their values: dynamic where they differ or hold arrays or bags."""
    found: dict[str, set[Type]] = {}
    for bag in bags:
        for key, value in bag.items() if isinstance(bag, dict) else ():
            kinds = found.setdefault(key, set())
            if value is not None:
                kinds.add({bool: Type.BOOL, int: Type.LONG, float: Type.REAL, str: Type.STRING}.get(type(value), Type.DYNAMIC))
    return [(key, kinds.pop() if len(kinds) == 1 else Type.DYNAMIC) for key, kinds in sorted(found.items())]


def values_of(values: Iterable[Any], kind: Type) -> Iterable[Any]:
    """A column's values as the result has them."""
    match kind:
        case Type.STRING:
            return ["" if v is None else v for v in values]
        case Type.TIMESPAN:
            return [None if v is None else dt.timedelta(microseconds=v / 10) for v in values]
        case Type.DYNAMIC | Type.UNKNOWN:
            return map(_parsed, values)
        case Type.DATETIME:
            return map(_moment, values)
    return values


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        raise EngineError(f"a datetime is of the years 1 to 9999, and one of the result is {value}")
    return value.astimezone(dt.UTC).replace(tzinfo=None) if isinstance(value, dt.datetime) and value.tzinfo else value


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
    except RecursionError as error:
        raise EngineError("a dynamic value is nested too deeply to be shown") from error
