"""Values of files as KQL's types: SQL that converts them, and fails by name where a value cannot be one."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import duckdb

from translator.engine.data.layout import Field, identifier, literal
from translator.engine.dialects import is_json
from translator.plan.types import Type

MARK = "\x1f"
"""What stands before and behind the name of the table and of the column in the error of a value that does not fit."""

STORED = {
    Type.BOOL: "BOOLEAN", Type.INT: "INTEGER", Type.LONG: "BIGINT", Type.REAL: "DOUBLE", Type.DECIMAL: "DECIMAL(38, 18)",
    Type.DATETIME: "TIMESTAMP", Type.TIMESPAN: "BIGINT",
}  # fmt: skip
"""How DuckDB holds each of KQL's types; the others are text."""

_SLASHED_FORMS = tuple(
    f"%m/%d/%Y{comma} {time}" for comma in (",", "")
    for time in ("%I:%M:%S.%f %p", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f PM", "%H:%M:%S PM")
)  # fmt: skip
"""Twelve hours with AM and PM: month first, as in America, unless the sample tells otherwise."""

_SLASHED_24 = ("%m/%d/%Y, %H:%M:%S.%f", "%m/%d/%Y, %H:%M:%S", "%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y")

_FORMS = (
    "%Y-%m-%d %I:%M:%S.%f %p", "%Y-%m-%d %I:%M:%S %p", "%b %d, %Y, %I:%M:%S.%f %p", "%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %I:%M:%S %p",
    "%b %d, %Y @ %H:%M:%S.%f", "%d %b %Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%Y %b %d %H:%M:%S",
)  # fmt: skip
"""Forms of times that can be taken for no other, since months have names."""

_ZONED = ("%a, %d %b %Y %H:%M:%S GMT", "%d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S UTC", "%Y-%m-%d %I:%M:%S %p UTC")
_OFFSET = ("%a, %d %b %Y %H:%M:%S %z", "%m/%d/%Y %I:%M:%S %p %z", "%m/%d/%Y %H:%M:%S %z")

_ISO = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*(?:Z|UTC|[+-]\d\d(?::?\d\d)?))?)?\s*")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}(?:,?\s+\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s([AaPp][Mm]))?)?")


def kind_of_text(texts: Iterable[str]) -> Type:
    """The type that all these texts look like; empty ones say nothing."""
    found: set[Type] = set()
    for text in texts:
        if not text:
            continue
        if re.fullmatch(r"-?(?:0|[1-9]\d{0,17})", text):
            found.add(Type.LONG)
        elif re.fullmatch(r"-?(?:0|[1-9]\d*)\.\d+(?:[eE][+-]?\d+)?", text):
            found.add(Type.REAL)
        elif text.lower() in ("true", "false"):
            found.add(Type.BOOL)
        elif _is_moment(text):
            found.add(Type.DATETIME)
        else:
            return Type.STRING
    return merged(found, Type.STRING)


def _is_moment(text: str) -> bool:
    if not text[:1].isdigit() or len(text) > 40:
        return False
    iso = _ISO.fullmatch(text)
    if iso:
        try:
            return bool(dt.date(int(iso[1]), int(iso[2]), int(iso[3])))
        except ValueError:
            return False
    slashed = _SLASHED.fullmatch(text)
    return bool(slashed and slashed[3])


def kind_of_value(value: Any) -> Type | None:
    """The type of a value of JSON; None for null and for an empty text, which says nothing."""
    match value:
        case None:
            return None
        case bool():
            return Type.BOOL
        case int():
            return Type.LONG if -(2**63) <= value < 2**63 else Type.REAL
        case float():
            return Type.REAL
        case str():
            return None if not value else Type.DATETIME if _is_moment(value) else Type.STRING
    return Type.DYNAMIC


def merged(kinds: set[Type], otherwise: Type) -> Type:
    """The one type that holds values of all ``kinds``; ``otherwise`` where there is none."""
    if kinds == {Type.LONG, Type.REAL}:
        return Type.REAL
    if kinds == {Type.STRING, Type.DATETIME} or not kinds:
        return Type.STRING
    return next(iter(kinds)) if len(kinds) == 1 else otherwise


def order_of(texts: Iterable[str]) -> str:
    """The order of slashed dates where that is a guess: ``dmy`` where some have a day first and none a month, else ``mdy``.

    Empty where there are no such dates, or where they are American: AM or PM in capitals, or a day in the second place beside them. So
    Kusto's ``todatetime`` reads dates that could be both: month first.
    """
    day = month = small = plain = False
    for text in texts:
        found = _SLASHED.fullmatch(text.strip())
        if found:
            day, month = day or int(found[1]) > 12, month or int(found[2]) > 12
            small, plain = small or found[3] in ("am", "pm"), plain or not found[3]
    if day and not month:
        return "dmy"
    return "mdy" if plain or (small and not month) else ""


def kind_of_native(native: str) -> Type:
    """The KQL type of a column that DuckDB has."""
    base = native.split("(")[0].upper()
    if native.endswith("]") or base in ("STRUCT", "MAP", "LIST", "JSON", "UNION"):
        return Type.DYNAMIC
    return {
        "BOOLEAN": Type.BOOL, "TINYINT": Type.INT, "SMALLINT": Type.INT, "INTEGER": Type.INT, "UTINYINT": Type.INT, "USMALLINT": Type.INT,
        "BIGINT": Type.LONG, "UINTEGER": Type.LONG, "UBIGINT": Type.LONG, "HUGEINT": Type.LONG, "FLOAT": Type.REAL, "DOUBLE": Type.REAL,
        "DECIMAL": Type.DECIMAL, "DATE": Type.DATETIME, "TIMESTAMP": Type.DATETIME, "TIMESTAMP WITH TIME ZONE": Type.DATETIME,
        "TIMESTAMP_NS": Type.DATETIME, "TIMESTAMP_MS": Type.DATETIME, "TIMESTAMP_S": Type.DATETIME, "UUID": Type.GUID,
        "INTERVAL": Type.TIMESPAN, "TIME": Type.TIMESPAN,
    }.get(base, Type.STRING)  # fmt: skip


def text_of_field(field: Field) -> str:
    """A column's values as text; a JSON string without its quotes."""
    if field.held == "JSON":
        return field.text or f"JSON_EXTRACT_STRING({field.value}, '$')"
    return field.value if field.held == "VARCHAR" else f"CAST({field.value} AS TEXT)"


def attempted(field: Field, kind: Type) -> str | None:
    """SQL that gives a column in its type, null where a value cannot be one; None where every value can."""
    text, native = text_of_field(field), kind_of_native(field.held)
    if kind not in STORED or native == kind or field.held not in ("VARCHAR", "JSON"):
        certain = kind not in STORED or native == kind or (kind, native) in _WIDER
        return None if certain else f"TRY_CAST({field.value} AS {STORED[kind]})"
    if kind == Type.DATETIME:
        return _moment(text, field)
    if kind == Type.TIMESPAN:
        days = f"REGEXP_EXTRACT({text}, '^(-?)(\\d+)\\.(\\d+:\\d+:\\d+(?:\\.\\d+)?)$', ['s', 'd', 't'])"
        long = "CASE WHEN p.d <> '' THEN (CASE p.s WHEN '-' THEN -1 ELSE 1 END) * (CAST(p.d AS BIGINT) * 86400000000 + EPOCH_US(CAST(p.t AS INTERVAL))) END"
        return f"10 * COALESCE(EPOCH_US(TRY_CAST({text} AS INTERVAL)), LIST_TRANSFORM([{days}], LAMBDA p: {long})[1])"
    if kind in (Type.INT, Type.LONG):
        # DuckDB rounds 1.5 to a whole number.
        return (
            f"CASE WHEN CONTAINS({text}, '.') AND TRY_CAST({text} AS DOUBLE) % 1 <> 0 THEN NULL ELSE TRY_CAST({text} AS {STORED[kind]}) END"
        )
    return f"TRY_CAST({text} AS {STORED[kind]})"


_WIDER = {(Type.LONG, Type.INT), (Type.REAL, Type.INT), (Type.REAL, Type.LONG), (Type.REAL, Type.DECIMAL)}


def converted(field: Field, kind: Type, table: str, column: str) -> str:
    """SQL that gives a column in its type, and fails with a marked error at a value that cannot be one."""
    if kind == Type.DYNAMIC:
        return _dynamic(field)
    tried, text = attempted(field, kind), text_of_field(field)
    if tried is None:
        if kind not in STORED:
            return f"COALESCE({text}, '')" if field.held == "JSON" else text
        if kind == Type.TIMESPAN:
            return f"EPOCH_US({field.value}) * 10"
        stored = STORED[kind]
        return field.value if field.held == stored else f"CAST({field.value} AS {stored})"
    mark = literal(f"{MARK}{table}{MARK}{column}{MARK}")
    return f"COALESCE({tried}, CASE WHEN {text} NOT IN ('', 'null') THEN CAST(ERROR({mark} || {text}) AS {STORED[kind]}) END)"


def _dynamic(field: Field) -> str:
    value = field.value
    if field.held == "JSON":
        inner, whole = f"JSON_EXTRACT_STRING({value}, '$')", f"CAST({value} AS TEXT)"
        return (
            f"CASE LEFT({whole}, 1) WHEN '\"' THEN CASE WHEN REGEXP_MATCHES({inner}, '^\\s*[\\[{{]') AND {is_json(inner)} THEN {inner} "
            f"ELSE {whole} END ELSE NULLIF({whole}, 'null') END"
        )
    if kind_of_native(field.held) == Type.STRING:
        return f"CASE WHEN {value} IS NULL OR {value} = '' THEN NULL WHEN {is_json(value)} THEN {value} ELSE CAST(TO_JSON({value}) AS TEXT) END"
    return f"CAST(TO_JSON({value}) AS TEXT)"


def _moment(text: str, field: Field) -> str:
    """A time in UTC from its text."""
    clean = f"TRIM(REGEXP_REPLACE(REGEXP_REPLACE({text}, '[\\s\u202f\u00a0]+', ' ', 'g'), '(:\\d\\d\\.\\d{{6}})\\d+', '\\1'))"
    slashed = _SLASHED_FORMS + (_SLASHED_24 if field.order else ())
    slashed = tuple(f.replace("%m/%d", "%d/%m") for f in slashed) if field.order == "dmy" else slashed
    forms = [*_FORMS, *slashed]
    own = "REGEXP_MATCHES(x, ':\\d\\d(\\.\\d+)?\\s*(Z|[A-Za-z][A-Za-z/_]+|[+-]\\d\\d(:?\\d\\d)?)$')"
    iso = (
        f"CASE WHEN REGEXP_MATCHES(x, '^\\d{{4}}[-/]\\d{{1,2}}[-/]\\d{{1,2}}') THEN CASE WHEN {own} "
        f"THEN CAST(TRY_CAST(x AS TIMESTAMPTZ) AS TIMESTAMP) WHEN REGEXP_MATCHES(x, '[A-Za-z]$') THEN NULL "
        f"ELSE {_in_utc('TRY_CAST(x AS TIMESTAMP)', field.zone)} END END"
    )
    listed = ", ".join(map(literal, forms))
    number = "TRY_CAST(x AS DECIMAL(38, 9))"
    micros = (
        f"CASE WHEN {number} = 0 OR ABS({number}) BETWEEN 1e8 AND 1e11 THEN {number} * 1000000 WHEN ABS({number}) < 1e11 THEN NULL "
        f"WHEN ABS({number}) < 1e13 THEN {number} * 1000 WHEN ABS({number}) < 1e14 THEN NULL WHEN ABS({number}) < 1e17 THEN {number} WHEN {number} >= 1e18 THEN {number} / 1000 END"
    )
    epoch = f"CASE WHEN REGEXP_FULL_MATCH(x, '-?\\d+(\\.\\d+)?([eE]\\+?\\d+)?') THEN MAKE_TIMESTAMP(CAST(FLOOR({micros}) AS BIGINT)) END"
    ticked = "MAKE_TIMESTAMP(TRY_CAST(NULLIF(REGEXP_EXTRACT(x, '^.?/Date\\((-?\\d+)([+-]\\d{4})?\\).?/$', 1), '') AS BIGINT) * 1000)"
    others = [
        iso,
        f"CASE WHEN {_has_year('x')} THEN {_in_utc(f'TRY_STRPTIME(x, [{listed}])', field.zone)} END",
        f"CASE WHEN {_has_year('x')} THEN TRY_STRPTIME(x, [{', '.join(map(literal, _ZONED))}]) END",
        *(f"CASE WHEN {_has_year('x')} THEN CAST(TRY_STRPTIME(x, {literal(form)}) AS TIMESTAMP) END" for form in _OFFSET),
        epoch,
        ticked,
    ]
    # Words such as 'infinity' are times to DuckDB.
    slow = f"LIST_TRANSFORM([{clean}], LAMBDA x: CASE WHEN REGEXP_MATCHES(x, '[0-9]') THEN COALESCE({', '.join(others)}) END)[1]"
    return f"COALESCE({', '.join([*_fast(text, field, slashed), slow])})"


def _has_year(text: str) -> str:
    """That a time has a year of four digits: DuckDB takes 26 for the year 26 after Christ."""
    return f"REGEXP_MATCHES({text}, '(^|[ /]|[a-z]-|^\\d+-\\d+-)\\d{{4}}([^0-9]|$)')"


def _fast(text: str, field: Field, slashed: Sequence[str]) -> Iterator[str]:
    """What reads the usual forms in a tenth of the time, and gives null or the same as the rest does. DuckDB's plain cast passes over zones."""
    utc = f"WHEN {text} LIKE '____-%Z' AND {text}[-2] BETWEEN '0' AND '9' THEN TRY_CAST({text} AS TIMESTAMP)"
    others = f"WHEN {text} LIKE '____-__-___%:__:__%' THEN CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)"
    yield f"CASE {utc} {others if field.zone == 'UTC' else ''} END"
    moment = _in_utc(f"TRY_STRPTIME({text}, [{', '.join(map(literal, slashed))}])", field.zone)
    yield f"CASE WHEN CONTAINS({text}, '/') AND {_has_year(text)} THEN {moment} END"


def moment_of(text: str, field: Field) -> dt.datetime | None:
    """A time in UTC from its text; None where it is none."""
    row = _connection().execute(f"SELECT {_moment('v', field)} FROM (SELECT CAST(? AS TEXT) AS v)", [text]).fetchone()
    found = row[0] if row else None
    return found if isinstance(found, dt.datetime) else None


@functools.cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _in_utc(moment: str, zone: str) -> str:
    if zone == "UTC":
        return moment
    offset = re.fullmatch(r"([+-])(\d\d):(\d\d)", zone)
    if offset:
        minutes = (int(offset[2]) * 60 + int(offset[3])) * (-1 if offset[1] == "+" else 1)
        return f"({moment} + TO_MINUTES({minutes}))"
    return f"CAST(TIMEZONE({literal(zone)}, {moment}) AS TIMESTAMP)"


def misfit(error: Exception) -> tuple[str, str] | None:
    """The table and the column of the marked error that a query failed with."""
    parts = str(error).split(MARK)
    return (parts[1], parts[2]) if isinstance(error, duckdb.Error) and len(parts) > 3 else None


def named(value: str, column: str) -> str:
    """An expression of DuckDB under the name of a column."""
    return f"{value} AS {identifier(column)}"
