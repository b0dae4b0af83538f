"""The tables that a query runs over: files and folders, rows in memory, each with its columns in KQL's types."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
from sqlglot import exp

from translator.engine.errors import EngineError, explained
from translator.engine.python_functions import datetime_of
from translator.plan.functions.values import timespan_of
from translator.plan.types import Type, type_of

Schema: TypeAlias = Mapping[str, Mapping[str, str]]

READERS = {
    ".json": "json", ".jsonl": "ndjson", ".ndjson": "ndjson", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet",
}  # fmt: skip
"""File endings and what reads them; any of them may end in ``.gz`` besides."""


def _literal(text: str) -> str:
    return exp.Literal.string(text).sql(dialect="duckdb")


def _name(text: str) -> str:
    return exp.to_identifier(text, quoted=True).sql(dialect="duckdb")


def _kind_of(path: Path) -> str | None:
    suffixes = path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]
    return READERS.get(suffixes[0].lower()) if suffixes else None


@dataclass(frozen=True, slots=True)
class _Files:
    """Files of one kind that hold one table."""

    kind: str
    paths: tuple[Path, ...]

    def reader(self) -> str:
        paths = "[" + ", ".join(_literal(str(p)) for p in self.paths) + "]"
        match self.kind:
            case "parquet":
                return f"read_parquet({paths}, union_by_name = true)"
            case "csv":
                return f"read_csv({paths}, header = true, union_by_name = true, filename = 'kql file')"
            case kind:
                layout = "newline_delimited" if kind == "ndjson" else "auto"
                return (
                    f"read_json({paths}, format = '{layout}', union_by_name = true, maximum_depth = 1, filename = 'kql file', "
                    "maximum_object_size = 67108864)"
                )

    def broken(self) -> str | None:
        """The first place where a JSON file is none, None where all are: DuckDB does not count lines as people do."""
        for path in self.paths if self.kind in ("json", "ndjson") else ():
            with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
                first = lines.read(1)
                lines.seek(0)
                if self.kind == "json" and first == "[":
                    try:
                        json.load(lines)
                    except ValueError as error:
                        return f"{path}, line {getattr(error, 'lineno', 1)}: no JSON ({error})"
                    continue
                for number, line in enumerate(lines, 1):
                    try:
                        json.loads(line or "null") if line.strip() else None
                    except ValueError as error:
                        return f"{path}, line {number}: no JSON ({error})"
        return None


class Tables:
    """Tables by name. Their columns are found out when they are first asked for.

    Raises:
        EngineError: data that cannot be read, named by file and line.
    """

    def __init__(self, sources: Mapping[str, Any], schema: Schema) -> None:
        self.sources, self.given = sources, schema
        self.names = tuple(sources)
        self._schemas: dict[str, dict[str, Type]] = {}
        self._native: dict[str, dict[str, str]] = {}
        self._probe: duckdb.DuckDBPyConnection | None = None

    @property
    def columns(self) -> dict[str, dict[str, Type]]:
        """The columns that the data of each table have."""
        return {name: {c: self.schema(name)[c] for c in self.native(name)} for name in self.names}

    def hint(self, table: str) -> str:
        close = [n for n in self.names if n.lower() == table.lower()]
        if close:
            return f"; the data have {close[0]}, and names of tables are case-sensitive"
        return f"; the data have {', '.join(sorted(self.names)[:12])}" if self.names else "; no data were given"

    def broken(self, tables: Iterable[str]) -> str | None:
        """Where the files of these tables are no JSON, if they are not."""
        return next((text for t in tables if isinstance(s := self.sources[t], _Files) and (text := s.broken())), None)

    def native(self, table: str) -> dict[str, str]:
        """The columns of the data with DuckDB's types."""
        if table not in self._native:
            source = self.sources[table]
            if isinstance(source, _Files):
                try:
                    described = self._connection().execute(f"DESCRIBE SELECT * FROM {source.reader()}").fetchall()
                except duckdb.Error as error:
                    raise EngineError(source.broken() or explained(error)) from error
                self._native[table] = {str(row[0]): str(row[1]) for row in described if row[0] != "kql file"}
            elif isinstance(source, list):
                self._native[table] = _types_of_rows(table, source)
            else:
                probe = self._connection()
                probe.register("kql_probe", source)
                described = probe.execute("DESCRIBE SELECT * FROM kql_probe").fetchall()
                self._native[table] = {str(row[0]): str(row[1]) for row in described}
        return self._native[table]

    def schema(self, table: str) -> dict[str, Type]:
        """All columns: those of the given schema, then what else the data have."""
        if table not in self._schemas:
            given = {c: type_of(t) for c, t in self.given.get(table, {}).items()}
            found = {c: _type_of_native(t) for c, t in self.native(table).items()}
            known = {c: (found.get(c, Type.DYNAMIC) if t == Type.UNKNOWN else t) for c, t in given.items()}
            self._schemas[table] = {**known, **{c: t for c, t in found.items() if c not in known}}
        return self._schemas[table]

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._probe is None:
            self._probe = duckdb.connect()
            self._probe.execute("SET TimeZone = 'UTC'")
        return self._probe

    def expose(self, table: str, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes ``table`` a view of ``connection``, every column in its type.

        Raises:
            EngineError: a value that its column cannot hold, with file and line.
        """
        source, native, schema = self.sources[table], self.native(table), self.schema(table)
        if isinstance(source, list):
            self._insert(table, source, connection)
            return
        if isinstance(source, _Files):
            origin = source.reader()
        else:
            connection.register(f"kql_{table}", source)
            origin = _name(f"kql_{table}")
        doubtful = []
        items = []
        for column, held in native.items():
            value, certain = _converted(_name(column), held, schema[column])
            items.append(f"{value} AS {_name(column)}")
            if not certain:
                doubtful.append((column, value, schema[column]))
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {_name(table)} AS SELECT {', '.join(items)} FROM {origin}")
        for column, value, kind in doubtful:
            self._check(table, column, value, kind, source, origin, connection)

    def _check(
        self, table: str, column: str, value: str, kind: Type, source: Any, origin: str, connection: duckdb.DuckDBPyConnection
    ) -> None:  # fmt: skip
        name = _name(column)
        place = '"kql file"' if isinstance(source, _Files) and source.kind != "parquet" else "NULL"
        numbered = f"SELECT {place} AS f, row_number() OVER (PARTITION BY {place}) AS n, {name} AS v, {value} AS c FROM {origin}"
        bad = connection.execute(
            f"SELECT f, n, CAST(v AS TEXT) FROM ({numbered}) WHERE v IS NOT NULL AND CAST(v AS TEXT) NOT IN ('', 'null') AND c IS NULL LIMIT 1"
        ).fetchone()
        if bad:
            file, row, text = bad
            line = row + 1 if isinstance(source, _Files) and source.kind == "csv" else row
            where = f"{file}, line {line}" if file else f"{table}, row {row}"
            raise EngineError(f"{where}: {text.strip(chr(34))[:80]!r} in the column {column} is no {kind}")

    def _insert(self, table: str, rows: list[Any], connection: duckdb.DuckDBPyConnection) -> None:
        schema = {c: self.schema(table)[c] for c in self.native(table)}
        columns = ", ".join(f"{_name(c)} {_STORED.get(t, 'VARCHAR')}" for c, t in schema.items())
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {_name(table)} ({columns or 'one INTEGER'})")
        if rows and schema:
            marks = ", ".join("?" for _ in schema)
            values = [[_stored(table, i, c, row.get(c), t) for c, t in schema.items()] for i, row in enumerate(rows, 1)]
            connection.executemany(f"INSERT INTO {_name(table)} VALUES ({marks})", values)


def tables_of(tables: Mapping[str, Any] | str | Path | None, schema: Schema) -> Tables:
    """Tables from a folder, or from a mapping of names to paths, rows or objects that DuckDB reads.

    Raises:
        EngineError: a path that does not exist, or that holds no data.
    """
    if tables is None:
        return Tables({}, schema)
    if isinstance(tables, str | Path):
        return Tables(_folder(Path(tables)), schema)
    found: dict[str, Any] = {}
    for name, source in tables.items():
        found[name] = (
            _files(Path(source)) if isinstance(source, str | Path) else list(source) if isinstance(source, list | tuple) else source
        )
    return Tables(found, schema)


def _folder(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise EngineError(f"{folder} does not exist")
    if not folder.is_dir():
        raise EngineError(f"{folder} is a file; the data are a folder with a file or folder for each table")
    found: dict[str, Any] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and any(_kind_of(p) for p in path.rglob("*")):
            found[path.name] = _files(path)
        elif path.is_file() and _kind_of(path):
            table = path.name.split(".")[0]
            if table in found:
                raise EngineError(f"{path}: the table {table} has data in another file too; put both into a folder of that name")
            found[table] = _files(path)
    if not found:
        raise EngineError(f"{folder} holds no data: a file or folder for each table, in {', '.join(sorted(READERS))}")
    return found


def _files(path: Path) -> _Files:
    if not path.exists():
        raise EngineError(f"{path} does not exist")
    paths = sorted(p for p in path.rglob("*") if p.is_file() and _kind_of(p)) if path.is_dir() else [path]
    kinds = {_kind_of(p) for p in paths}
    if len(kinds) != 1 or None in kinds:
        raise EngineError(
            f"{path}: {'files of several kinds' if len(kinds) > 1 else 'no data file'}; one of {', '.join(sorted(READERS))} is needed"
        )
    return _Files(str(kinds.pop()), tuple(paths))


def _type_of_native(native: str) -> Type:
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


_STORED = {
    Type.BOOL: "BOOLEAN", Type.INT: "INTEGER", Type.LONG: "BIGINT", Type.REAL: "DOUBLE", Type.DECIMAL: "DECIMAL(38, 18)",
    Type.DATETIME: "TIMESTAMP", Type.TIMESPAN: "BIGINT",
}  # fmt: skip


def _converted(column: str, held: str, kind: Type) -> tuple[str, bool]:
    """SQL that gives a column in its type, and whether no value can fail."""
    native = _type_of_native(held)
    if kind == Type.DYNAMIC:
        if held == "JSON":
            return f"CAST({column} AS TEXT)", True
        if native == Type.STRING:
            return (
                f"CASE WHEN {column} IS NULL OR {column} = '' THEN NULL WHEN JSON_VALID({column}) THEN {column} ELSE CAST(TO_JSON({column}) AS TEXT) END",
                True,
            )
        return f"CAST(TO_JSON({column}) AS TEXT)", True
    if kind in (Type.STRING, Type.GUID, Type.UNKNOWN):
        if held == "JSON":
            return f"COALESCE(JSON_EXTRACT_STRING({column}, '$'), '')", True
        if native == Type.DYNAMIC:
            return f"CAST(TO_JSON({column}) AS TEXT)", True
        return (f"CAST({column} AS TEXT)" if native != Type.STRING else column), True
    text = f"JSON_EXTRACT_STRING({column}, '$')" if held == "JSON" else column
    if kind == Type.DATETIME:
        if held == "TIMESTAMP":
            return column, True
        if native == Type.DATETIME:
            return f"CAST({column} AS TIMESTAMP)", True
        return f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)", False
    if kind == Type.TIMESPAN:
        if native == Type.TIMESPAN:
            return f"EPOCH_US({column}) * 10", True
        return f"EPOCH_US(TRY_CAST({text} AS INTERVAL)) * 10", False
    stored = _STORED[kind]
    same = native == kind or (kind == Type.LONG and native == Type.INT) or (kind == Type.REAL and native in (Type.INT, Type.LONG))
    if same and held.split("(")[0] == stored.split("(")[0]:
        return column, True
    return (f"CAST({text} AS {stored})", True) if same and held != "HUGEINT" else (f"TRY_CAST({text} AS {stored})", False)


def _types_of_rows(table: str, rows: list[Any]) -> dict[str, str]:
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
                    kinds.add("BIGINT")
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


def _stored(table: str, row: int, column: str, value: Any, kind: Type) -> Any:
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
                moment = value if isinstance(value, dt.datetime) else datetime_of(str(value))
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
