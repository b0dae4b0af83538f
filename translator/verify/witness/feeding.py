"""Events as the engine takes them: rows by table, with the types of the columns that the plan reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from translator import catalog
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Const
from translator.plan.types import Type
from translator.verify.witness.building import kinds_of
from translator.verify.witness.model import Event
from translator.verify.witness.states import TIMES


def read_columns(plan: o.Plan) -> dict[str, dict[str, Type]]:
    """The tables that a plan reads, each with those of its stored columns that are read anywhere in the plan."""
    parts = list(o.parts(plan.root))
    made = {id(part.source) for part in parts if isinstance(part, o.Plugin | o.External)}  # of columns that an operator makes
    sources = {part.id: part.table for part in parts if isinstance(part, o.Source) and id(part) not in made}
    found: dict[str, dict[str, Type]] = {table: {} for table in sorted(sources.values())}
    for part in (*parts, *(c for _, c in plan.names)):
        if isinstance(part, Column) and part.table is not None and part.source in sources:
            held = found[sources[part.source]]
            if held.get(part.name, Type.UNKNOWN) == Type.UNKNOWN:
                held[part.name] = part.type
    return found


def custom_tables(plan: o.Plan) -> dict[str, dict[str, str]]:
    """Column types of the tables that the catalog does not know: of those columns that a plan names, behind ``*`` too.

    The names of columns of custom logs end in their type; others have the one that the query uses them as, or are texts.

    Source: learn.microsoft.com/azure/azure-monitor/logs/data-collector-api, "Record type and properties".
    """
    known = catalog.schemas()
    used = kinds_of(plan)
    read = {table: {c: _custom(c, kind, used) for c, kind in columns.items()} for table, columns in read_columns(plan).items()}
    found = {table: columns for table, columns in read.items() if table not in known}
    parts = o.parts((plan.root, tuple(c for _, c in plan.names)))
    behind = [p.args[0].value for p in parts if isinstance(p, Apply) and p.function == "unknown-column" and isinstance(p.args[0], Const)]
    if behind and read:
        table = next(iter(found or read))
        kept = found.setdefault(table, dict(known.get(table, {})))
        for name in behind:
            kept.setdefault(str(name), _custom(str(name), Type.UNKNOWN, used))
    return found


def _custom(column: str, kind: Type, used: Mapping[str, Type]) -> str:
    if kind != Type.UNKNOWN or column in TIMES:
        return "datetime" if column in TIMES else str(kind)
    return next((of for end, of in _SUFFIXES.items() if column.endswith(end)), str(used.get(column, Type.STRING)))


_SUFFIXES = {"_s": "string", "_d": "real", "_b": "bool", "_t": "datetime", "_g": "guid"}


def tables_of(read: Mapping[str, Mapping[str, Type]], events: Iterable[Event], now: dt.datetime) -> dict[str, list[dict[str, Any]]]:
    """Rows by table; each table that is read is there, and each row has the columns that are read: see ``read_columns``."""
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in read}
    known = catalog.schemas()
    for event in events:
        columns = read.get(event.table, {})
        at = now + dt.timedelta(microseconds=round(event.seconds * 1_000_000))
        times = {t for t in TIMES if t in columns or t in known.get(event.table, {})} or {"TimeGenerated"}
        row = {**dict.fromkeys(columns), **dict.fromkeys(times, at), **event.values}
        rows.setdefault(event.table, []).append(row)
    return rows


def schema_of(plan: o.Plan, events: Iterable[Event]) -> dict[str, dict[str, str]]:
    """Column types by table for the engine: those of the catalog, and for what it does not know those of the values in ``events``."""
    seen: dict[tuple[str, str], set[str]] = {}
    for event in events:
        for name, value in event.values.items():
            if value is not None:
                seen.setdefault((event.table, name), set()).add(_type_of(value))
    known: Mapping[str, Mapping[str, str]] = catalog.schemas()
    found = {}
    for table, columns in read_columns(plan).items():
        held = dict(known.get(table, {}))
        for name, kind in columns.items():
            kinds = seen.get((table, name), set())
            guessed = "datetime" if name in TIMES else next(iter(kinds)) if len(kinds) == 1 else "dynamic" if kinds else "string"
            if name not in held or held[name] == "unknown":
                held[name] = str(kind) if kind != Type.UNKNOWN else guessed
        held.setdefault("TimeGenerated", "datetime")
        found[table] = held
    return found


def _type_of(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case int():
            return "long"
        case float():
            return "real"
        case dt.datetime():
            return "datetime"
        case str():
            return "string"
    return "dynamic"
