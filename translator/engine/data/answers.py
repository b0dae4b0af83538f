"""Answers of services as they were saved: Log Analytics and Kusto (v1, v2), Advanced Hunting and Microsoft Graph.

learn.microsoft.com/azure/azure-monitor/logs/api/response-format, learn.microsoft.com/kusto/api/rest/response-http and response-http-v2,
learn.microsoft.com/graph/api/security-security-runhuntingquery, learn.microsoft.com/defender-endpoint/api/run-advanced-query-api.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from translator.engine.data import objects
from translator.engine.data.arrays import Array, array_of
from translator.engine.data.layout import Columns, Head, Layout, Sample, literal, member
from translator.engine.data.objects import beginning, broken_of
from translator.engine.errors import EngineError
from translator.plan.types import Type, type_of

_DATA = ("DataTable", "TableHeader", "TableFragment")

_TYPES = {
    "int64": Type.LONG, "int32": Type.INT, "int16": Type.INT, "byte": Type.INT, "sbyte": Type.BOOL, "boolean": Type.BOOL, "double": Type.REAL,
    "single": Type.REAL, "sqldecimal": Type.DECIMAL, "object": Type.DYNAMIC, "timespan": Type.TIMESPAN, "guid": Type.GUID,
    "collection(object)": Type.DYNAMIC, "date": Type.DATETIME,
}  # fmt: skip
""".NET's and OData's names of types, which answers have beside KQL's: learn.microsoft.com/kusto/query/scalar-data-types."""


def sampled(head: Head) -> Sample | None:
    """An answer's columns; None for what is no answer.

    Raises:
        EngineError: for an answer that is an error, or holds no table.
    """
    found = beginning(head)
    if found is None:
        return None
    first = found.items[0] if found.items else found.members
    if not isinstance(first, Mapping):
        return None
    if found.array and str(first.get("FrameType", "")).lower() in ("datasetheader", "datatable", "tableheader"):
        return _frames(head)
    if found.array or len(found.items) > 1:
        return None
    for name in ("tables", "Tables"):
        tables = first.get(name)
        if isinstance(tables, list) and (
            not tables or (isinstance(tables[0], Mapping) and {"rows", "columns"} <= {k.lower() for k in tables[0]})
        ):
            return _tables(head, name, first)
    for name, described in (("results", "schema"), ("Results", "Schema"), ("value", "@odata.context")):
        if isinstance(first.get(name), list) and described in first:
            return _results(head, name, described)
    error = first.get("error")
    if isinstance(error, Mapping) and len(first) == 1:
        raise EngineError(
            f"{head.path} is the answer of a query that failed: {error.get('code', '')} {error.get('message', '')}"[:300].rstrip()
        )
    return None


def _kinds(columns: Any, head: Head) -> dict[str, Type]:
    kinds: dict[str, Type] = {}
    for column in columns if isinstance(columns, list) else ():
        if isinstance(column, Mapping):
            facts = {str(k).lower(): v for k, v in column.items()}
            name = facts.get("name", facts.get("columnname"))
            kind = str(facts.get("type", facts.get("columntype", facts.get("datatype", ""))) or facts.get("datatype", ""))
            if isinstance(name, str):
                short = kind.lower().removeprefix("system.").removeprefix("edm.").removeprefix("data.sqltypes.")
                kinds[name] = _TYPES.get(short, type_of(short))
    if not kinds:
        raise EngineError(f"{head.path}: an answer whose columns have no names")
    return kinds


def _tables(head: Head, name: str, first: Mapping[str, Any]) -> Sample:
    if head.whole and not first[name]:
        raise EngineError(f"{head.path}: an answer without a table")
    columns, rows = ("columns", "rows") if name.islower() else ("Columns", "Rows")
    array = array_of(head, name, "0", rows)
    kinds = _kinds(array.rest[name][0].get(columns), head)
    error = array.rest.get("error")
    notes: tuple[str, ...] = ()
    if isinstance(error, Mapping):
        notes = (f"{head.path} is an answer that is not complete: {error.get('code', '')} {error.get('message', '')}"[:300].rstrip(),)
    facts = {"array": array, "rows": _arrays(head, f"SELECT json AS r FROM {array.elements()}", len(kinds)), "notes": notes}
    return Sample(head, ("answer", head.path), kinds, {**facts, "form": "an answer of a REST interface"})


def _reader(head: Head, held: str, form: str) -> str:
    return (
        f"read_json({literal(str(head.path))}, format = '{form}', compression = '{head.compression}', columns = {{{held}}}, "
        f"maximum_object_size = {head.room()})"
    )


def _arrays(head: Head, source: str, width: int) -> str:
    """Rows that are arrays of one value a column; an object among them is an error that the service met on the way."""
    array = "CAST(r AS TEXT) LIKE '[%' OR JSON_TYPE(r) = 'ARRAY'"
    wrong = f"CASE WHEN {array} THEN 'a row has other than {width} values: ' ELSE 'the answer breaks off with an error: ' END"
    error = f"CAST(ERROR({literal(f'{head.path}: ')} || {wrong} || LEFT(CAST(r AS TEXT), 200)) AS JSON)"
    return f"(SELECT CASE WHEN JSON_ARRAY_LENGTH(r) = {width} AND ({array}) THEN r ELSE {error} END AS r FROM ({source}))"


def _frames(head: Head) -> Sample:
    frames = f"read_json_objects({literal(str(head.path))}, format = 'array', compression = '{head.compression}', maximum_object_size = {head.room()})"
    primary = "json->>'FrameType' IN ('DataTable', 'TableHeader') AND json->>'TableKind' = 'PrimaryResult'"
    try:
        row = duckdb.connect().execute(f"SELECT json->'Columns', json->>'TableId' FROM {frames} WHERE {primary} LIMIT 1").fetchone()
    except duckdb.Error as error:
        raise EngineError(f"{head.path}: no JSON ({str(error).splitlines()[0][:200]})") from error
    if row is None:
        raise EngineError(f"{head.path}: an answer in frames without a primary result")
    kinds = _kinds(json.loads(row[0]), head)
    held = "'FrameType': 'VARCHAR', 'TableId': 'VARCHAR', 'TableKind': 'VARCHAR', 'Rows': 'JSON[]'"
    parts = "FrameType IN ('DataTable', 'TableFragment')"
    source = f'SELECT UNNEST("Rows") AS r FROM {_reader(head, held, "array")} WHERE {parts} AND TableId = {literal(str(row[1]))}'
    return Sample(
        head, ("answer", head.path), kinds, {"rows": _arrays(head, source, len(kinds)), "notes": (), "form": "an answer of Kusto in frames"}
    )


def _results(head: Head, name: str, described: str) -> Sample:
    array = array_of(head, name)
    found = array.rest[described]
    kinds = _kinds(found, head) if isinstance(found, list) and found else {}
    source = f"(SELECT json AS r FROM {array.elements()})"
    inner = objects.sampled(array.head())
    kinds = {**(inner.kinds if inner else {}), **kinds}
    facts = {
        "array": array,
        "rows": source,
        "notes": (),
        "form": "an answer of Advanced Hunting",
        "orders": inner.facts["orders"] if inner else {},
    }
    return Sample(head, ("answer", head.path), kinds, facts)


def laid_out(samples: Sequence[Sample], table: str, given: Columns) -> Layout:
    """The layout of one answer."""
    (sample,) = samples
    orders = sample.facts.get("orders")
    fields = {
        name: member("r", (name,), kind, orders.get(name, "")) if isinstance(orders, dict) else member("r", (str(index),), kind)
        for index, (name, kind) in enumerate(sample.kinds.items())
    }
    rows, form, notes = str(sample.facts["rows"]), str(sample.facts["form"]), sample.facts["notes"]
    assert isinstance(notes, tuple)
    array = sample.facts.get("array")
    path = sample.head.path
    broken = array.broken if isinstance(array, Array) else lambda: broken_of((path,), False)
    return Layout(form, (path,), fields, lambda placed: rows, broken=broken, notes=notes)
