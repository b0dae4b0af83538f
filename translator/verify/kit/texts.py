"""Events and rows as the texts that each product loads.

Facts: learn.microsoft.com/kusto/query/datatable-operator and scalar-data-types (literals, and how each type writes a null); Elasticsearch
reference, "Bulk API" (an action line, then a line with the document; data streams take ``create`` alone), "Data streams" (the name is type,
dataset and namespace; the dataset is ``generic`` where nothing says it); github.com/splunk/attack_data, the YAML beside its data sets (each
file of raw events, one a line, with its sourcetype and source).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from translator.engine import EngineError
from translator.kql.literals import quote_string
from translator.kql.printer import name as kql_name
from translator.pack import slug
from translator.plan.functions.values import TICKS, text_of, timespan_text
from translator.plan.types import Type, type_of
from translator.targets.base import TIMES
from translator.verify.reading import Row
from translator.verify.shaping.nested_values import nested, read_json
from translator.verify.shaping.values import moment_of

WORLD = "world"
"""The column of tables with the rows of several worlds that says which world a row is of."""

METADATA = ("index", "sourcetype", "source", "host")
"""What Splunk knows of an event beside its text: Getting Data In, "About default fields"."""

Columns = Mapping[str, str]
"""Names of KQL's types by column."""


def line(value: object) -> str:
    """A value as one line of JSON.

    Raises:
        EngineError: for what JSON does not have.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EngineError(f"the events cannot be saved: {error}") from error


def lines(text: str) -> list[Any]:
    """The values of a file of which each line is JSON.

    Raises:
        ValueError: where a line is none.
    """
    return [json.loads(one) for one in text.split("\n") if one]


# --- KQL


def datatable(table: str, rows: Sequence[Row], columns: Columns) -> str:
    """A statement of KQL that gives a table these rows.

    Raises:
        EngineError: for a value that its column cannot have.
    """
    schema = ", ".join(f"{kql_name(column)}: {kind}" for column, kind in columns.items())
    values = [", ".join(literal(row.get(column), kind) for column, kind in columns.items()) for row in rows]
    return f"let {kql_name(table)} = datatable ({schema}) [{','.join(f'{chr(10)}    {v}' for v in values)}\n];\n"


def literal(value: object, kind: str) -> str:
    """A value of a column as KQL writes it.

    Raises:
        EngineError: for a value that is none of the type.
    """
    match type_of(kind), value:
        case Type.STRING, None:
            return '""'
        case Type.STRING, _:
            return quote_string(text_of(value))
        case _, None:
            return f"{kind}(null)"
        case Type.DYNAMIC, _:
            return f"dynamic({line(value)})"
        case Type.BOOL, bool():
            return "true" if value else "false"
        case Type.INT | Type.LONG, int() if not isinstance(value, bool):
            return f"{kind}({value})"
        case Type.REAL, float() if not math.isfinite(value):
            return f"real({'nan' if math.isnan(value) else '+inf' if value > 0 else '-inf'})"
        case Type.REAL | Type.DECIMAL, int() | float() if not isinstance(value, bool):
            return f"{kind}({value})"
        case Type.TIMESPAN, dt.timedelta():
            return f"timespan({_timespan(value)})"
        case Type.GUID, str():
            return f"guid({value})"
        case Type.DATETIME, _ if (moment := moment_of(value)) is not None:
            return f"datetime({_iso(moment)})"
    raise EngineError(f"the events cannot be saved: {value!r} is no {kind}")


def csv_of(rows: Iterable[tuple[int, Row]], columns: Columns) -> str:
    """The rows of a table, each behind the number of its world; what is missing is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((WORLD, *columns))
    writer.writerows((number, *(_cell(row.get(column), kind) for column, kind in columns.items())) for number, row in rows)
    return out.getvalue()


def rows_of(text: str, columns: Columns) -> Iterator[tuple[int, Row]]:
    """The rows of a table, each with the number of its world; what is empty is not there.

    Raises:
        ValueError: where a value is none of its column's type, or the columns are others.
    """
    found = csv.reader(io.StringIO(text, newline=""))
    if next(found, None) != [WORLD, *columns]:
        raise ValueError("the columns are others than those of the manifest")
    for number, *values in found:
        pairs = zip(columns.items(), values, strict=True)
        yield int(number), {column: _value(value, kind) for (column, kind), value in pairs if value}


def _cell(value: object, kind: str) -> str:
    match value:
        case None:
            return ""
        case _ if type_of(kind) == Type.DYNAMIC:
            return line(value)
        case bool():
            return "true" if value else "false"
        case dt.datetime():
            return _iso(value)
        case dt.timedelta():
            return _timespan(value)
        case float():
            return repr(value)
    return text_of(value)


def _value(text: str, kind: str) -> object:
    match type_of(kind):
        case Type.DYNAMIC:
            return json.loads(text)
        case Type.INT | Type.LONG:
            return int(text)
        case Type.REAL:
            return float(text)
        case Type.BOOL:
            return text == "true"
        case Type.DATETIME:
            return dt.datetime.fromisoformat(text).replace(tzinfo=None)
    return text


def _iso(moment: dt.datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _timespan(length: dt.timedelta) -> str:
    return timespan_text(length // dt.timedelta(microseconds=1) * (TICKS // 1_000_000))


# --- Elasticsearch


def bulk(events: Iterable[Row]) -> str:
    """Documents for the bulk API."""
    return "".join(f"{line({'create': {'_index': stream_of(event)}})}\n{line(event)}\n" for event in events)


def stream_of(event: Row) -> str:
    """The name of the data stream that a document belongs to."""
    dataset = event.get("data_stream.dataset", event.get("event.dataset")) or "generic"
    return "-".join(
        str(part).lower() for part in (event.get("data_stream.type") or "logs", dataset, event.get("data_stream.namespace") or "default")
    )


# --- Splunk


def raw_files(world: int, alerts: bool, events: Sequence[Row]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The files of raw events of a world: the name, the text, and what the list of data sets says of it.

    An event of which the text is not known has no file.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for event in events:
        if raw_of(event) is not None:
            groups.setdefault(tuple(str(event.get(m) or "") for m in METADATA), []).append(event)
    for number, (metadata, held) in enumerate(groups.items()):
        known = {m: value for m, value in zip(METADATA, metadata, strict=True) if value}
        name = f"{world:03}-{number + 1}-{slug(known.get('sourcetype', ''))}.log"
        facts: dict[str, Any] = {"name": f"world {world}: {'alerts' if alerts else 'does not alert'}", "path": name, **known}
        times = [event.get(TIMES["splunk"]) for event in held]
        yield name, "".join(f"{raw_of(event)}\n" for event in held), {**facts, "times": times}


def raw_of(event: Row) -> str | None:
    """The text of an event, with what its place says of it where it is JSON; None where it is not known, or is not of one line."""
    raw = event.get("_raw")
    if not isinstance(raw, str) or "\n" in raw or "\r" in raw:
        return None
    held = read_json(raw)
    if not isinstance(held, dict):
        return raw
    own = {*METADATA, "_raw", TIMES["splunk"], "_indextime"}
    return line(nested({k: v for k, v in event.items() if k not in own and _root(k) not in held}) | held)


def _root(field: str) -> str:
    return field.split(".")[0].removesuffix("{}")
