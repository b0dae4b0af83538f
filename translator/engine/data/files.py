"""Where the data of tables are, and how their files are read: each by the reader of its form."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from translator.engine.data import answers, delimited, objects, records
from translator.engine.data.layout import Columns, Field, Head, Layout, Sample, head_of, identifier, listed
from translator.engine.data.values import kind_of_native
from translator.engine.data.zones import column_of, zone_of
from translator.engine.errors import EngineError, explained
from translator.plan.types import Type

ENDINGS = (".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".tsv")
"""Names of data files in a folder end so, or so and in ``.gz``. What a file is, its content tells."""

_READERS = {"answer": answers.laid_out, "records": records.laid_out, "json": objects.laid_out, "csv": delimited.laid_out}
_SAMPLERS = (answers.sampled, records.sampled, objects.sampled, delimited.sampled)


@dataclass(frozen=True, slots=True)
class Files:
    """Files that together hold one table."""

    paths: tuple[Path, ...]


def folder_of(folder: Path) -> dict[str, Files]:
    """The files of each table in a folder.

    Raises:
        EngineError: where there is none.
    """
    if not folder.exists():
        raise EngineError(f"{folder} does not exist")
    found: dict[str, Files] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and any(map(_is_data, path.rglob("*"))):
            found[path.name] = files_of(path)
        elif _is_data(path):
            table = table_of(path)
            if table in found:
                raise EngineError(f"{path}: the table {table} has data in another file too; put both into a folder of that name")
            found[table] = files_of(path)
    if not found:
        raise EngineError(f"{folder} holds no data: a file or folder for each table, in {', '.join(ENDINGS)}, or one of these in .gz")
    return found


def files_of(path: Path) -> Files:
    """One file, or those below a folder.

    Raises:
        EngineError: where there is none.
    """
    if not path.exists():
        raise EngineError(f"{path} does not exist")
    paths = tuple(sorted(filter(_is_data, path.rglob("*")))) if path.is_dir() else (path,)
    if not paths:
        raise EngineError(f"{path}: no data file; one of {', '.join(ENDINGS)}, or one of these in .gz, is needed")
    return Files(paths)


def _is_data(path: Path) -> bool:
    suffixes = path.suffixes[-2:-1] if path.suffix.lower() == ".gz" else path.suffixes[-1:]
    return bool(suffixes) and suffixes[0].lower() in ENDINGS and path.is_file()


def table_of(path: Path) -> str:
    """The table that a file is named after; browsers number what is downloaded twice."""
    return re.sub(r" ?\(\d+\)$", "", path.name.split(".")[0])


def laid_out(files: Files, table: str, given: Columns) -> list[Layout]:
    """How the files of a table are read, a layout for each form that they have.

    Raises:
        EngineError: for a file in no form that is known.
    """
    groups: dict[tuple[object, ...], list[Sample]] = {}
    binary: list[Path] = []
    for path in files.paths:
        head = head_of(path)
        if head.binary:
            binary.append(path)
        elif path.suffix.lower() == ".parquet" and head.text:
            raise EngineError(f"{path} is no Parquet: the file does not begin as one")
        elif head.text.strip() or not head.whole:
            sample = _sampled(head)
            groups.setdefault(sample.key, []).append(sample)
    found = [_READERS[str(key[0])](samples, table, given) for key, samples in groups.items()]
    if binary:
        reader = f"read_parquet({listed(tuple(binary))}, union_by_name = true)"
        connection = duckdb.connect()
        fields = _fields_of(connection, reader, binary[0])
        named = connection.execute(f"SELECT file_name, LIST(name) FROM parquet_schema({listed(tuple(binary))}) GROUP BY 1").fetchall()
        seen = {Path(path): frozenset(names) & fields.keys() for path, names in named}
        found.append(Layout("Parquet", tuple(binary), fields, lambda placed: reader, plain=True, seen=seen))
    if not found:
        empty = Layout("an empty file", files.paths, {}, lambda placed: "(SELECT 1 WHERE FALSE)", notes=(f"{files.paths[0]} is empty",))
        return [empty]
    return found


def _sampled(head: Head) -> Sample:
    for sampler in _SAMPLERS:
        sample = sampler(head)
        if sample is not None:
            return sample
    raise EngineError(
        f"{head.path} is in no form that is read: CSV, JSON, an answer of Log Analytics, Kusto or Advanced Hunting, or Parquet"
    )


def _fields_of(connection: duckdb.DuckDBPyConnection, reader: str, path: Path | str) -> dict[str, Field]:
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    except duckdb.Error as error:
        raise EngineError(f"{path}: {explained(error)}") from error
    return {str(row[0]): Field(identifier(str(row[0])), str(row[1]), kind_of_native(str(row[1]))) for row in rows}


def described(table: str, source: Any) -> Layout:
    """How an object that DuckDB reads is read, once it is registered as ``kql_TABLE``.

    Raises:
        EngineError: for what DuckDB does not read.
    """
    connection = duckdb.connect()
    try:
        connection.register(f"kql_{table}", source)
    except duckdb.Error as error:
        raise EngineError(f"{table}: {explained(error)}") from error
    reader = identifier(f"kql_{table}")
    return Layout("an object", (), _fields_of(connection, reader, table), lambda placed: reader)


def with_zones(layout: Layout, given: Columns) -> Layout:
    """The columns under their names without the time zone that a header says.

    Tables of Defender XDR call ``TimeGenerated`` in a workspace what they call ``Timestamp`` in Advanced Hunting, and the one stands for the
    other (learn.microsoft.com/azure/sentinel/connect-microsoft-365-defender).
    """
    fields: dict[str, Field] = {}
    called: dict[str, str] = {}
    for name, field in layout.fields.items():
        column, zone = column_of(name)
        known = zone_of(zone) if zone else None
        if zone is None or column in layout.fields or not (known or given.get(column) == Type.DATETIME or "time" in zone.lower()):
            fields[name] = field
            continue
        called[name] = column
        if known:
            fields[column] = replace(field, zone=known, kind=Type.DATETIME if field.kind == Type.STRING else field.kind)
        else:
            fields[column] = replace(
                field, kind=Type.DATETIME,
                refused=f"the times of {column} are in [{zone}], which does not say what zone that is: export them in UTC, or write the zone "
                f"into the header, as [UTC], [UTC+02:00] or [Europe/Oslo]",
            )  # fmt: skip
    seen = {path: frozenset(called.get(n, n) for n in names) for path, names in layout.seen.items()}
    notes = dict(layout.stands)
    for column, other in (("TimeGenerated", "Timestamp"), ("Timestamp", "TimeGenerated")):
        if {column, other} <= given.keys() and column not in fields and other in fields and layout.paths:
            fields[column], notes[column] = fields[other], other
            seen = {path: names | {column} if other in names else names for path, names in seen.items()}
    return replace(layout, fields=fields, stands=notes, seen=seen)
