"""Rows in memory: dictionaries, as Python's own readers of CSV and JSON give them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from translator.engine.data.layout import Columns, Field, identifier
from translator.engine.data.values import STORED, moment_of
from translator.engine.errors import EngineError, explained
from translator.engine.python.conversions import datetime_of
from translator.plan.functions.values import timespan_of
from translator.plan.types import Type


def insert(
    table: str,
    rows: Sequence[Mapping[str, Any]],
    fields: Mapping[str, Field],
    kinds: Columns,
    names: Mapping[str, str],
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Makes ``rows`` a table of ``connection``.

    Args:
        fields: the columns; ``value`` is the key of the rows' dictionaries.
        kinds: the types of the columns.
        names: what the columns are called in SQL.

    Raises:
        EngineError: a value of another type than its column's, by its row.
    """
    columns = ", ".join(f"{identifier(names[c])} {STORED.get(kinds[c], 'VARCHAR')}" for c in fields)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {identifier(table)} ({columns or 'one INTEGER'})")
    if rows:
        values: list[Any] = [
            [_stored(table, i, c, row.get(f.value), kinds[c], f) for i, row in enumerate(rows, 1)] for c, f in fields.items()
        ]
        lists = ", ".join(f"unnest(CAST(? AS {STORED.get(kinds[c], 'VARCHAR')}[]))" for c in fields)
        # a list for each column is one statement, where executemany is one for each row
        try:
            connection.execute(f"INSERT INTO {identifier(table)} SELECT {lists or 'unnest(range(?))'}", values or [len(rows)])
        except duckdb.Error as error:
            raise EngineError(f"{table}: a value cannot be kept: {explained(error)}") from error


def types_of_rows(table: str, rows: Sequence[Any]) -> dict[str, str]:
    """The columns of rows, each with the type that DuckDB would hold it in.

    Raises:
        EngineError: where a row is no mapping.
    """
    found: dict[str, set[str]] = {}
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise EngineError(f"{table}, row {number}: a row is a mapping of column names to values")
        for column, value in row.items():
            kinds = found.setdefault(str(column), set())
            if value is None:
                continue
            match value:
                case bool():
                    kinds.add("BOOLEAN")
                case int():
                    kinds.add("BIGINT" if -(2**63) <= value < 2**63 else "DOUBLE")  # as in JSON, a larger number is a real
                case float():
                    kinds.add("DOUBLE")
                case dt.datetime():
                    kinds.add("TIMESTAMP")
                case dt.timedelta():
                    kinds.add("INTERVAL")
                case str():
                    kinds.add("VARCHAR")
                case _:
                    kinds.add("JSON")
    out = {}
    for column, kinds in found.items():
        if kinds == {"BIGINT", "DOUBLE"}:
            kinds = {"DOUBLE"}
        out[column] = kinds.pop() if len(kinds) == 1 else "JSON" if kinds else "VARCHAR"
    return out


def _stored(table: str, row: int, column: str, value: Any, kind: Type, field: Field) -> Any:
    """A value as its column stores it.

    Raises:
        EngineError: a value of another type.
    """
    if value is None or (value == "" and kind != Type.STRING and kind != Type.DYNAMIC):
        return None
    try:
        match kind:
            case Type.STRING | Type.GUID | Type.UNKNOWN:
                return (
                    value
                    if isinstance(value, str)
                    else json.dumps(value, separators=(",", ":"))
                    if isinstance(value, list | dict)
                    else str(value)
                )
            case Type.DYNAMIC:
                if isinstance(value, str):
                    try:
                        json.loads(value)
                    except ValueError:
                        return json.dumps(value, ensure_ascii=False)
                    return value
                return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
            case Type.DATETIME:
                if isinstance(value, dt.datetime):
                    moment: dt.datetime | None = value
                else:
                    moment = (datetime_of(str(value)) if field.zone == "UTC" and not field.order else None) or moment_of(str(value), field)
                if moment is None:
                    raise ValueError
                return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
            case Type.TIMESPAN:
                ticks = int(value / dt.timedelta(microseconds=1)) * 10 if isinstance(value, dt.timedelta) else timespan_of(str(value))
                if ticks is None:
                    raise ValueError
                return ticks
            case Type.BOOL:
                return value if isinstance(value, bool) else {"true": True, "false": False, "1": True, "0": False}[str(value).lower()]
            case Type.INT | Type.LONG:
                return int(value)
            case Type.REAL:
                return float(value)
    except (ValueError, KeyError, TypeError):
        raise EngineError(f"{table}, row {row}: {str(value)[:80]!r} in the column {column} is no {kind}") from None
    return value
