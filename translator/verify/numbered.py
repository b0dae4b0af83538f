"""The data of the tables that a rule reads: the rows of its time, by their numbers."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from translator import catalog
from translator.engine import EngineError, execute
from translator.engine.data import Tables, tables_of
from translator.engine.data.layout import identifier, literal
from translator.engine.dialects import told_apart
from translator.engine.duckdb_engine import DuckDbEngine
from translator.engine.relations import compile_plan
from translator.kql.literals import quote_string
from translator.kql.parser import parse
from translator.kql.printer import name as kql_name
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.plan.expressions import Column, ColumnRef, Expr
from translator.plan.types import Type
from translator.targets.pipeline.reading import behind
from translator.targets.pipeline.relations import inputs_of
from translator.verify.reading import Row
from translator.verify.shaping.values import is_missing, text_of
from translator.verify.witness.states import TIMES

_PLACE = "$row"

_ROWWISE = o.Filter | o.Compute | o.Project | o.Parse | o.ParsePairs | o.Arrange | o.Expand
"""Operators that say of each row of a table alone what becomes of it."""


class NoEvents(EngineError):
    """Data without any event that a rule looks at."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of the data of a table.

    Attributes:
        rows: how many rows its data have.
        inside: how many of them are of the time that the rule looks at.
        picked: how many of these it is tried on.
    """

    table: str
    rows: int
    inside: int
    picked: int


class _Into(DuckDbEngine):
    """Writes the rows of a query, with their numbers, to a file of Parquet."""

    def __init__(self, data: Tables, path: Path) -> None:
        super().__init__(data)
        self.path = path

    def _watched(self, sql: str) -> list[tuple[Any, ...]]:
        numbered = f"SELECT *, row_number() OVER () AS {identifier(_PLACE)} FROM ({sql})"
        self.connection.execute(f"COPY ({numbered}) TO {literal(str(self.path))} (FORMAT parquet)")
        return []


class NumberedRows:
    """The data of the tables that a rule reads.

    Args:
        read: the columns that it reads, by table.
        scratch: a folder for the rows of the time that it looks at.

    Raises:
        NoEvents: where there are no data for any of the tables.
    """

    def __init__(self, data: Tables, read: Mapping[str, Mapping[str, Type]], scratch: Path) -> None:
        self.data, self.read, self.scratch = data, read, scratch
        self.notes: list[str] = []
        self.taken: list[Taken] = []
        self.sizes: dict[str, int] = {}
        self.inside: dict[str, int] = {}
        self.present = [table for table in read if table in data.names]
        lacking = [table for table in read if table not in data.names]
        if not self.present:
            raise NoEvents(f"there are no data for {', '.join(lacking) or 'a rule without tables'}{data.hint(next(iter(lacking), ''))}")
        self.notes += [f"there are no data for {table}: as if it had no rows" for table in lacking]
        self.numbered = Tables({}, {})

    def time_of(self, table: str) -> str | None:
        """The column with the times of a table's rows; None where its data have none."""
        stored = self.data.stored(table)
        return next((c for c in ("TimeGenerated", "Timestamp") if stored.get(c) == Type.DATETIME), None)

    def types(self) -> dict[str, dict[str, str]]:
        """The column types of the tables that the catalog does not know."""
        own = [table for table in self.present if table not in catalog.schemas()]
        return {table: {column: str(kind) for column, kind in self.data.stored(table).items()} for table in own}

    def ask(self, kql: str, tables: Tables) -> list[tuple[Any, ...]]:
        return execute(parse(kql), tables, now=dt.datetime(1970, 1, 1)).rows

    def size(self, table: str) -> int:
        """How many rows the data of a table have."""
        return int(self.ask(f"{kql_name(table)} | count", self.data)[0][0])

    def after(self) -> dt.datetime:
        """The second after the newest event.

        Raises:
            NoEvents: where no event has a time.
        """
        times = [(table, time) for table in self.present if (time := self.time_of(table))]
        latest = [self.ask(f"{kql_name(table)} | summarize max({time})", self.data)[0][0] for table, time in times]
        if not (known := [moment for moment in latest if moment is not None]):
            have = "no times: say when the rule runs by --now" if any(map(self.size, self.present)) else "no events"
            raise NoEvents(f"the data of {', '.join(self.present)} have {have}")
        return max(known).replace(microsecond=0, tzinfo=None) + dt.timedelta(seconds=1)  # type: ignore[no-any-return]

    def place(
        self, now: dt.datetime, back: dt.timedelta | None, wanted: Mapping[str, set[str]], tables: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Puts the rows of the time that the rule looks at where they are numbered.

        Args:
            tables: column types of tables that the catalog does not know.

        Raises:
            EngineError: where they cannot be read.
        """
        files: dict[str, Any] = {}
        known = self.data.schemas
        for number, table in enumerate(self.present):
            stored = self.data.stored(table)
            columns = sorted(wanted[table] & stored.keys())
            if twice := [c for c, told in told_apart(stored).items() if told != c and c in columns]:
                raise EngineError(f"the data of {table} have the column {twice[0]} in another case too")
            self.notes += self.data.warnings({table: self.read[table].keys()})
            time, window = self.time_of(table), ""
            if time is None:
                self.notes.append(f"the data of {table} have no times: all rows are of now")
            else:
                since = f" and {time} >= datetime({(now - back).isoformat()})" if back is not None else ""
                window = f" | where {time} <= datetime({now.isoformat()}){since}"
            kql = f"{kql_name(table)}{window} | project {', '.join(map(kql_name, columns)) or 'nothing = 1'}"
            engine = _Into(self.data, self.scratch / f"{number}.parquet")
            plan = bind(parse(kql), known, frozenset(known))
            compiled = compile_plan(plan, engine.dialect, now, self.data.columns)
            self.data.refuse(compiled.reads)
            engine.execute(compiled)
            files[table] = engine.path
            self.sizes[table] = self.size(table)
        kinds = {table: {**dict(known[table]), _PLACE: "long"} for table in self.present}
        empty: dict[str, Any] = {table: [] for table in (*self.read, *tables) if table not in files}
        self.numbered = tables_of({**files, **empty}, {**catalog.schemas(), **tables, **kinds})
        self.inside = {table: self.ask(f"{kql_name(table)} | count", self.numbered)[0][0] for table in self.present}

    def hits(self, kql: str, now: dt.datetime) -> dict[str, set[int]]:
        """By table the rows that satisfy what selects the events of a part of the query; what cannot be run by itself selects none."""
        known = self.numbered.schemas
        try:
            plan = bind(parse(kql), known, frozenset(known))
        except BindError as error:
            self.notes.append(f"the events are picked without what the query asks of them: {error.message}")
            return {}
        engine = DuckDbEngine(self.numbered)
        ids = o.unused_ids(plan)
        found: dict[str, set[int]] = {}
        for head in _heads(plan.root):
            source = next(p for p in _way(head) if isinstance(p, o.Source))
            if source.table not in self.present:
                continue
            carried, column = _carrying(head, ids)
            asked = o.Plan(o.Distinct(None, carried, (column,)), (("row", column),), False)
            try:
                rows = engine.execute(compile_plan(asked, engine.dialect, now, self.numbered.columns))
            except EngineError as error:
                self.notes.append(f"events of {source.table} are picked without what a part of the query asks of them: {error.message}")
                continue
            found.setdefault(source.table, set()).update(row[0] for row in rows)
        return found

    def results(self, kql: str, now: dt.datetime, most: int) -> tuple[int | None, list[str]]:
        """How many rows the query gives for all rows of its time, and values of keys in some; None where it cannot be run on them."""
        known = self.numbered.schemas
        try:
            plan = bind(parse(kql), known, frozenset(known))
            rows = execute(parse(kql), self.numbered, now=now).rows
        except (BindError, EngineError):
            return None, []
        keys = {c.id for c in key_columns(plan)}
        shown = [n for n, (_, c) in enumerate(plan.names) if {c.id, *behind(plan, [ColumnRef(None, c.type, c)])} & keys]
        told = [row[n] for row in rows[:most] for n in shown if n < len(row)]
        texts = (text_of(v) for v in told if isinstance(v, str | int) and not is_missing(v))
        return len(rows), list(dict.fromkeys(texts))[: 2 * most]

    def numbers(self, table: str) -> set[int]:
        """The numbers of all rows."""
        return set(range(1, self.inside[table] + 1))

    def values(self, hits: Mapping[str, set[int]], keys: Mapping[str, Sequence[str]], most: int) -> list[str]:
        """The values of keys that some of the rows have."""
        found: dict[str, None] = {}
        for table, numbers in hits.items():
            for _, row in self.rows(table, sample_of(numbers, most), keys.get(table, ())):
                found |= {text_of(v): None for v in row.values() if not is_missing(v) and not isinstance(v, dict | list)}
        return list(found)

    def sharing(self, values: Sequence[str], keys: Mapping[str, Sequence[str]]) -> dict[str, set[int]]:
        """By table the rows that have one of some values as a key."""
        listed, found = ", ".join(map(quote_string, values)), dict[str, set[int]]()
        for table in self.present if values else ():
            stored = [k for k in keys.get(table, ()) if k in self.numbered.stored(table)]
            any_of = " or ".join(f"tostring({kql_name(k)}) in ({listed})" for k in stored)
            if any_of:
                asked = f"{kql_name(table)} | where {any_of} | project {kql_name(_PLACE)}"
                found[table] = {row[0] for row in self.ask(asked, self.numbered)}
        return found

    def rows(self, table: str, numbers: Collection[int], columns: Sequence[str] | None = None) -> Iterator[tuple[int, Row]]:
        """Rows by their numbers."""
        if not numbers:
            return
        stored = [c for c in self.numbered.stored(table) if c != _PLACE and (columns is None or c in columns)]
        some = f" | where {kql_name(_PLACE)} in ({', '.join(map(str, sorted(numbers)))})" if len(numbers) < self.inside[table] else ""
        kql = f"{kql_name(table)}{some} | project {', '.join(map(kql_name, [_PLACE, *stored]))} | sort by {kql_name(_PLACE)} asc"
        for number, *values in self.ask(kql, self.numbered):
            yield number, dict(zip(stored, values, strict=True))

    def count(self, table: str, picked: int) -> None:
        """Notes how many rows of a table were picked of those that there are."""
        self.taken.append(Taken(table, self.sizes[table], self.inside[table], picked))


def key_columns(plan: o.Plan) -> list[Column]:
    """The stored columns by which rows are brought together, those of groups and of joins; times are none."""
    exprs = list[Expr]()
    for node in o.parts(plan.root):
        match node:
            case o.Aggregate(keys=keys):
                exprs += [x for _, x in keys]
            case o.Distinct(columns=columns):
                exprs += [ColumnRef(None, c.type, c) for c in columns]
            case o.Join(on=on):
                exprs += [x for pair in on for x in pair]
    ids = behind(plan, exprs)
    behind_them = [c for c in o.parts((plan.root, plan.names)) if isinstance(c, Column) and c.id in ids]
    return [c for c in behind_them if c.table is not None and c.name not in TIMES]


def sample_of(numbers: Iterable[int], most: int) -> list[int]:
    """Some numbers, the same each time, from anywhere."""
    return sorted(numbers, key=lambda n: hashlib.md5(str(n).encode()).digest())[:most]


def _heads(relation: o.Relation) -> Iterator[o.Relation]:
    """What leads from tables to the first operators that look at several rows, each from the top."""
    if any(isinstance(p, o.Source) for p in _way(relation)):
        yield relation
        below: list[o.Relation] = [r for p in _way(relation) for r in inputs_of(p)[1:]]
    else:
        below = inputs_of(relation)
    for one in below:
        yield from _heads(one)


def _way(relation: o.Relation) -> list[o.Relation]:
    """The operators over rows alone that lead to what they read, which is the last."""
    found = [relation]
    while isinstance(below := found[-1], _ROWWISE):
        found.append(below.input)
    return found


def _carrying(relation: o.Relation, ids: Iterator[int]) -> tuple[o.Relation, Column]:
    """A way to a table, with the column of the number of the table's row."""
    if isinstance(relation, o.Source):
        return relation, Column(next(ids), _PLACE, Type.LONG, relation.table, relation.id)
    assert isinstance(relation, _ROWWISE)
    carried, column = _carrying(relation.input, ids)
    if not isinstance(relation, o.Project):
        return replace(relation, input=carried), column
    out = Column(next(ids), _PLACE, Type.LONG)
    return replace(relation, input=carried, items=(*relation.items, (out, ColumnRef(None, Type.LONG, column)))), out
