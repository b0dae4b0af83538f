"""The tables that a query runs over: files and folders, rows in memory, each with its columns in KQL's types."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import duckdb

from translator.engine.data import delimited, memory, objects
from translator.engine.data.files import Files, described, files_of, folder_of, laid_out, table_of, with_zones
from translator.engine.data.layout import PLACE, Columns, Field, Layout, head_of, identifier
from translator.engine.data.values import STORED, attempted, converted, kind_of_native, misfit, named, text_of_field
from translator.engine.dialects import told_apart
from translator.engine.errors import EngineError, explained
from translator.plan.types import Type, type_of

Schema: TypeAlias = Mapping[str, Mapping[str, str]]

STANDARD = frozenset((
    "TenantId", "TimeGenerated", "_TimeReceived", "_ItemId", "Type", "_ResourceId", "_SubscriptionId", "_IsBillable", "_BilledSize", "_Internal_WorkspaceResourceId",
    "SourceSystem", "MG", "ManagementGroupName", "$table",
))  # fmt: skip
"""Columns that every table may have beside its documented ones: learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns."""

_Value = TypeVar("_Value")


class _Lazy(Mapping[str, _Value], Generic[_Value]):
    """Facts of each table, found out for those that are asked for."""

    def __init__(self, names: tuple[str, ...], find: Callable[[str], _Value]) -> None:
        self.names, self.find = names, find

    def __getitem__(self, name: str) -> _Value:
        if name not in self.names:
            raise KeyError(name)
        return self.find(name)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class Tables:
    """Tables by name. Their columns are found out when they are first asked for.

    Raises:
        EngineError: data that cannot be read, named by file and line.
    """

    def __init__(self, sources: Mapping[str, Any], schema: Schema) -> None:
        self.sources, self.given = dict(sources), schema
        self.names = tuple(sources)
        self._schemas: dict[str, dict[str, Type]] = {}
        self._layouts: dict[str, list[Layout]] = {}
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @property
    def columns(self) -> Mapping[str, Mapping[str, Type]]:
        """The columns that the data of each table have."""
        return _Lazy(self.names, self.stored)

    @property
    def schemas(self) -> Mapping[str, Mapping[str, str]]:
        """All columns of each table, with the names of their types."""
        return _Lazy(self.names, functools.cache(lambda name: {c: str(k) for c, k in self.schema(name).items()}))

    def hint(self, table: str) -> str:
        close = [n for n in self.names if n.lower() == table.lower()]
        if close:
            return f"; the data have {close[0]}, and names of tables are case-sensitive"
        return f"; the data have {', '.join(sorted(self.names)[:12])}" if self.names else "; no data were given"

    def stored(self, table: str) -> dict[str, Type]:
        """The columns that the data of a table have."""
        schema = self.schema(table)
        return {c: schema[c] for c in dict.fromkeys(c for layout in self.layouts(table) for c in layout.fields)}

    def schema(self, table: str) -> dict[str, Type]:
        """All columns: those of the given schema, then what else the data have."""
        if table not in self._schemas:
            given = self._given(table)
            found: dict[str, Type] = {}
            for layout in self.layouts(table):
                for column, field in layout.fields.items():
                    found[column] = field.kind if found.get(column, field.kind) == field.kind else Type.DYNAMIC
            if found.get("TimeGenerated") in (Type.STRING, Type.LONG, Type.REAL):
                found["TimeGenerated"] = Type.DATETIME
            known = {c: (found.get(c, Type.DYNAMIC) if t == Type.UNKNOWN else t) for c, t in given.items()}
            self._schemas[table] = {**known, **{c: t for c, t in found.items() if c not in known}}
        return self._schemas[table]

    def _given(self, table: str) -> dict[str, Type]:
        return {c: type_of(t) for c, t in self.given.get(table, {}).items()}

    def layouts(self, table: str) -> list[Layout]:
        """How the data of a table are read, a layout for each form that they have.

        Raises:
            EngineError: data in no form that is known, or of which nothing fits the table.
        """
        if table not in self._layouts:
            source, given = self.sources[table], self._given(table)
            if isinstance(source, Files):
                found = laid_out(source, table, given)
            elif isinstance(source, list):
                held = memory.types_of_rows(table, source)
                orders = objects.orders_of(source)
                fields = {n: Field(n, h, kind_of_native(h), order=orders.get(n, "")) for n, h in held.items()}
                found = [Layout("rows", (), fields, lambda placed: "")]
            else:
                found = [described(table, source)]
            found = [with_zones(layout, given) for layout in found]
            if isinstance(source, Files):
                for layout in found:
                    self._refuse_foreign(table, layout, given)
            self._layouts[table] = found
        return self._layouts[table]

    def _refuse_foreign(self, table: str, layout: Layout, given: Mapping[str, Type]) -> None:
        for path, names in (layout.seen or dict.fromkeys(layout.paths[:1], frozenset(layout.fields))).items():
            if given and names and not names & given.keys():
                close = [f"{c} (did you mean {g}?)" for c in sorted(names) for g in given if c.lower() == g.lower()]
                expected = sorted(given, key=lambda c: (c != "TimeGenerated", c in STANDARD))
                raise EngineError(
                    f"{path} ({layout.form}) has no column of {table}: it has {_some(close or [c for c in layout.fields if c in names])}; "
                    f"expected are {_some(expected)}; name the file after the table that it holds, or give its columns with a schema"
                )

    def refuse(self, read: Mapping[str, Iterable[str]]) -> None:
        """Looks for columns that cannot be read among those that a query reads, by table.

        Raises:
            EngineError: at the first one, with the reason.
        """
        for table, columns in read.items():
            for layout in self.layouts(table):
                for column in sorted(layout.fields.keys() & columns):
                    if layout.fields[column].refused:
                        raise EngineError(f"{_name(layout, table)}: {layout.fields[column].refused}")

    def warnings(self, read: Mapping[str, Iterable[str]]) -> list[str]:
        """What is to be said of the data of a query.

        Args:
            read: the columns that the query reads, by table.
        """
        return [note for table, columns in read.items() for note in self._warnings(table, set(columns))]

    def _warnings(self, table: str, read: set[str]) -> Iterator[str]:
        given = self._given(table)
        lower = {c.lower(): c for c in given}
        for layout in self.layouts(table):
            name = _name(layout, table)
            yield from layout.notes
            for column in sorted(read & layout.fields.keys()):
                field = layout.fields[column]
                if field.order and self.schema(table)[column] == Type.DATETIME:
                    order = "day before month" if field.order == "dmy" else "month before day"
                    yield f"{name}: dates of {column} such as 1/2/2026 are read with the {order}"
            unknown = [c for c in layout.fields if given and c not in given and c not in STANDARD]
            cased = [c for c in unknown if c.lower() in lower]
            for column in cased:
                yield f"{name} has the column {column}, which {table} does not (did you mean {lower[column.lower()]}?)"
            others = [c for c in unknown if c not in cased]
            if others:
                yield f"{name} has columns that {table} is not known to have: {_some(others)}"
            for column in sorted(read & layout.stands.keys()):
                yield f"{name} has no column {column}: its {layout.stands[column]} stands for it"
            lacking: dict[tuple[str, ...], list[Path]] = {}
            for path in layout.paths or (Path(table),):
                lacking.setdefault(tuple(sorted(read - layout.seen.get(path, layout.fields.keys()))), []).append(path)
            for columns, paths in lacking.items():
                where = "" if layout.complete else " in a sample of its rows"
                if columns:
                    yield f"{_names(paths)} has no column {_some(columns)}{where}, which the query reads: empty there"

    def expose(self, table: str, connection: duckdb.DuckDBPyConnection, read: Iterable[str]) -> None:
        """Makes ``table`` a view of ``connection`` that has the columns ``read``, each in its type.

        A value that its column cannot hold fails the query that comes upon it.
        """
        source, kinds = self.sources[table], {c: k for c, k in self.stored(table).items() if c in read}
        layouts, names = self.layouts(table), told_apart(self.stored(table))
        if isinstance(source, list):
            fields = {c: f for c, f in layouts[0].fields.items() if c in kinds}
            memory.insert(table, source, fields, kinds, names, connection)
            return
        if not isinstance(source, Files):
            connection.register(f"kql_{table}", source)
        parts = [_selected(layout, kinds, names, table) for layout in layouts]
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {identifier(table)} AS {' UNION ALL '.join(parts)}")

    def explained(self, error: duckdb.Error, tables: Iterable[str]) -> EngineError:
        """The error of a query in words, with file and line where data are to blame."""
        where = misfit(error)
        if where:
            return EngineError(
                self._misfit(*where) or f"{where[0]}: a value in the column {where[1]} is no {self.schema(where[0])[where[1]]}"
            )
        if "json" in str(error).lower():
            for table in tables:
                for layout in self.layouts(table):
                    if text := layout.broken():
                        return EngineError(text)
        return EngineError(explained(error))

    def _misfit(self, table: str, column: str) -> str | None:
        """The first value of a column that is not of its type, with its file and line."""
        kind = self.schema(table)[column]
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        if not isinstance(self.sources[table], Files):
            connection.register(f"kql_{table}", self.sources[table])
        for layout in self.layouts(table):
            tried = attempted(layout.fields[column], kind) if column in layout.fields else None
            if tried is None:
                continue
            place = identifier(PLACE) if layout.line_of or "records" in layout.form else "NULL"
            numbered = (
                f"SELECT {place} AS f, row_number() OVER (PARTITION BY {place}) AS n, {text_of_field(layout.fields[column])} AS v, {tried} AS c "
                f"FROM {layout.origin(place != 'NULL')}"
            )
            bad = connection.execute(f"SELECT f, n, v FROM ({numbered}) WHERE v NOT IN ('', 'null') AND c IS NULL LIMIT 1").fetchone()
            if bad:
                path = Path(bad[0]) if bad[0] else layout.paths[0] if layout.paths else None
                line = layout.line_of(path, bad[1]) if layout.line_of and path else None
                where = f"{path or table}, " + (f"line {line}" if line else f"row {bad[1]}")
                return f"{where}: {str(bad[2])[:80]!r} in the column {column} is no {kind}"
        return None

    def mended(self, tables: Iterable[str], error: duckdb.Error) -> list[str]:
        """Reads files in another way that are right, and that DuckDB has just refused: the tables of which it does.

        CSV with line breaks of two kinds is written anew, and JSON objects that name a member twice are taken apart one by one.

        Raises:
            EngineError: at the first row of CSV that has more or fewer values than there are columns.
        """
        message, changed = str(error), []
        for table in tables if not misfit(error) else ():
            for index, layout in enumerate(self.layouts(table) if isinstance(self.sources[table], Files) else ()):
                if layout.form == "CSV" and "CSV" in message and layout.line_of:
                    self._layouts[table][index] = self._rewritten(layout, table, index)
                elif layout.form == "JSON" and "duplicate key" in message and not layout.notes:
                    samples = [s for p in layout.paths if (s := objects.sampled(head_of(p)))]
                    again = objects.laid_out(samples, table, self._given(table), True)
                    note = f"{layout.paths[0]} has events that name a column twice: the first one counts"
                    self._layouts[table][index] = replace(with_zones(again, self._given(table)), notes=(note,))
                else:
                    continue
                changed.append(table)
        return changed

    def _rewritten(self, layout: Layout, table: str, index: int) -> Layout:
        self._scratch = self._scratch or tempfile.TemporaryDirectory(prefix="kql2sigma")
        paths = []
        for number, path in enumerate(layout.paths):
            target = Path(self._scratch.name) / f"{index}-{number}-{path.name.removesuffix('.gz')}"
            delimited.rewritten(path, target)
            paths.append(target)
        sample = [s for path in paths if (s := delimited.sampled(head_of(path)))]
        fresh = delimited.laid_out(sample, table, {})
        return replace(layout, origin=fresh.origin, line_of=None)


def tables_of(tables: Mapping[str, Any] | str | Path | None, schema: Schema) -> Tables:
    """Tables from a folder or a file, or from a mapping of names to paths, rows or objects that DuckDB reads.

    Raises:
        EngineError: a path that does not exist, or that holds no data.
    """
    if tables is None:
        return Tables({}, schema)
    if isinstance(tables, str | Path):
        path = Path(tables)
        return Tables({table_of(path): files_of(path)} if path.exists() and not path.is_dir() else folder_of(path), schema)
    found: dict[str, Any] = {}
    for name, source in tables.items():
        found[name] = (
            files_of(Path(source)) if isinstance(source, str | Path) else list(source) if isinstance(source, list | tuple) else source
        )
    return Tables(found, schema)


def _selected(layout: Layout, kinds: Columns, names: Mapping[str, str], table: str) -> str:
    """SQL that reads columns out of files. What takes a text out of JSON stands in it once, however often a conversion looks at it."""
    items, once = [], ["*"]
    for index, (column, kind) in enumerate(kinds.items()):
        field = layout.fields.get(column)
        if field and field.held == "JSON" and kind != Type.DYNAMIC:
            text = identifier(f"kql {index}")
            once.append(f"{text_of_field(field)} AS {text}")
            field = replace(field, value=text, held="VARCHAR")
        items.append(
            named(converted(field, kind, table, column) if field else f"CAST(NULL AS {STORED.get(kind, 'VARCHAR')})", names[column])
        )
    return f"SELECT {', '.join(items) or '1 AS one'} FROM (SELECT {', '.join(once)} FROM {layout.origin(False)})"


def _name(layout: Layout, table: str) -> str:
    return _names(layout.paths) if layout.paths else table


def _names(paths: Sequence[Path]) -> str:
    return f"{paths[0]} and {len(paths) - 1} more" if len(paths) > 1 else str(paths[0])


def _some(names: Sequence[str]) -> str:
    """The first of several names, each as far as a message has room for it."""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(n[:80] if n.isprintable() else repr(n[:80]) for n in names[:12]) + more
