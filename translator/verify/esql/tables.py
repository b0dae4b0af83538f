"""Rows and the types of their columns, and where rows come from.

Facts: "FROM", "Metadata fields" (elastic.co/docs/reference/query-languages/esql/commands/from, .../esql-metadata-fields).
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from translator.verify.esql import types as t
from translator.verify.esql.expressions import Scope
from translator.verify.esql.syntax import From
from translator.verify.reading import Lists, NotReadable, Row


@dataclass(slots=True)
class Table:
    """Columns with their types, in their order, and rows, which have no value for what is null.

    Attributes:
        open: whether columns may be there that no row has, since the mapping is not known.
        gone: names that such columns have not, since they were dropped or renamed.
        constants: values of columns that are the same in all rows, which functions take for constant arguments.
    """

    columns: dict[str, str]
    rows: list[Row]
    open: bool = False
    gone: set[str] = field(default_factory=set)
    constants: dict[str, object] = field(default_factory=dict)

    def scope(self, now: int | None) -> Scope:
        """What expressions over these columns may read.

        Args:
            now: the moment of the run, in milliseconds since 1970; None where that is not known.
        """
        return Scope(self.columns, self.open, self.gone, now, self.constants)

    def with_column(self, name: str, kind: str) -> None:
        """Adds a column behind all others; one of that name is no more."""
        self.columns.pop(name, None)
        self.columns[name] = kind
        self.gone.discard(name)
        self.constants.pop(name, None)

    def copy(self, rows: list[Row]) -> Table:
        """The same columns with other rows."""
        return Table(dict(self.columns), rows, self.open, set(self.gone), dict(self.constants))


@dataclass(frozen=True, slots=True)
class World:
    """What a query can read: events and their mapping, lists, and the time in milliseconds."""

    events: tuple[Mapping[str, Any], ...]
    documents: tuple[Mapping[str, object], ...]
    types: Mapping[str, str]
    open: bool
    lists: Lists
    now: int | None


_OWN = {"_index": "keyword", "_id": "keyword", "_version": "long", "_source": "_source"}


def world(
    text: str, events: Iterable[Mapping[str, object]], now: float | None, lists: Lists | None, types: Mapping[str, str] | None
) -> World:  # fmt: skip
    """Events as an index stores them. Types that are not said are derived; see ``types.derived``.

    Args:
        text: the query; of dynamic templates the mapping has what it names.
    """
    documents = tuple(events)
    known = dict(types or {})
    flat = tuple(t.rounded(t.flat(e), known) for e in documents)
    templates = {name: known.pop(name) for name in list(known) if "{" in name}
    for name, kind in templates.items():
        pattern = re.escape(name).replace(r"\{n\}", r"\d+").replace(r"\{name\}", r"[^.`\s]+")
        known = dict.fromkeys(re.findall(rf"(?<![\w.]){pattern}(?![\w.])", text), kind) | known
    mapping = t.derived(flat) | {name: t.mapped(kind) for name, kind in known.items()}
    return World(
        flat, documents, mapping, types is None, lists or {}, None if now is None else int(now * 1000 + (0.5 if now >= 0 else -0.5))
    )


def _lies_in(event: Mapping[str, Any], pattern: str, unnamed: bool) -> bool:
    """Whether an event is in an index: the one that it names, else the data stream of its data set or an index of its name.

    Args:
        unnamed: what it is for an event that names neither.
    """
    if "_index" in event:
        names = [str(event["_index"][0])]
    elif "event.dataset" in event:
        dataset = str(event["event.dataset"][0])
        names = [re.sub(r"\W", "_", dataset.lower()), f"logs-{dataset}-default"]
    else:
        return unnamed
    return any(fnmatch.fnmatchcase(name, pattern.rpartition(":")[2]) for name in names)


def _chosen(event: Mapping[str, Any], patterns: list[str]) -> bool:
    """Whether one of the patterns has the event, and none that starts with ``-`` takes it out."""
    wanted = [p for p in patterns if not p.startswith("-")]
    return any(_lies_in(event, p, True) for p in wanted) and not any(_lies_in(event, p[1:], False) for p in patterns if p.startswith("-"))


def read(node: From, world: World) -> Table:
    """The rows of the indices of FROM."""
    patterns = [p.strip() for source in node.sources if isinstance(source, str) for p in source.split(",")]
    around = tuple(name for name, kind in world.types.items() if kind == "flattened")
    inner = tuple(f"{name}." for name in around)
    columns = {name: kind for name, kind in sorted(world.types.items()) if name not in _OWN and not name.startswith(inner)}
    for name in node.metadata:
        columns[name] = _OWN.get(name, "unread")
    rows = []
    for number, event in enumerate(world.events):
        if not _chosen(event, patterns):
            continue
        plain = {name: values for name, values in event.items() if name not in _OWN and not name.startswith(inner)}
        row = t.stored(plain, world.types)
        for name in around:
            if held := _below(event, name):
                row[name] = held
        for name in (n for n in node.metadata if n in _OWN):
            row[name] = (
                _source(event, world.documents[number]) if name == "_source" else _metadata(name, event, number, patterns, node.start)
            )
        rows.append(row)
    return Table(columns, rows, world.open)


def _below(event: Mapping[str, list[object]], name: str) -> dict[str, t.Value]:
    """The leaves below a field of the type flattened, by their names below it, as texts in their order ("Flattened field type")."""
    found = {inner[len(name) + 1 :]: values for inner, values in event.items() if inner.startswith(f"{name}.")}
    texts = t.stored(found, dict.fromkeys(found, "keyword"))
    return dict(texts)


def _source(event: Mapping[str, Any], document: Mapping[str, object]) -> str:
    """The JSON of a document: what it says itself that it is, else its fields, parts of names with dots inside of each other."""
    if "_source" in event:
        return str(event["_source"][0])
    made: dict[str, Any] = {}
    for name, value in document.items():
        *outer, last = name.split(".")
        into = made
        for step in outer:
            into = into.setdefault(step, {})
            if not isinstance(into, dict):
                raise NotReadable(f"METADATA _source of an event in which {name} lies below a value")
        into[last] = value
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False, default=str)


def _metadata(name: str, event: Mapping[str, Any], number: int, patterns: list[str], at: int) -> object:
    if name in event:
        return event[name][0]
    if name == "_version":
        return 1
    if name == "_id":
        return str(number)
    if "event.dataset" in event:
        return f"logs-{event['event.dataset'][0]}-default"
    if len(patterns) == 1 and "*" not in patterns[0]:
        return patterns[0]
    raise NotReadable("METADATA _index of events that name no index", at)


def listed(name: str, world: World, at: int, keys: Mapping[str, str]) -> Table:
    """A list as a table; ``keys`` are the types of the columns that it is looked up by. Raises NotReadable where it is not given."""
    if name not in world.lists:
        raise NotReadable(f"the list {name}, which is not given", at)
    flat = [t.flat(row) for row in world.lists[name]]
    columns: dict[str, str] = {}
    derived = t.derived(flat)
    for column in dict.fromkeys(c for row in flat for c in row):
        kind, wanted = derived[column], keys.get(column, "null")
        castable = (kind == "keyword" and wanted in ("ip", "date", "version", "text")) or (kind == "long" and wanted in t.NUMBERS)
        columns[column] = wanted if castable else kind
    return Table(columns, [t.stored(row, columns) for row in flat])


def united(tables: list[Table], at: int) -> Table:
    """The rows of several tables, of which a column has one type in all. Raises Rejected where it has not."""
    columns: dict[str, str] = {}
    for table in tables:
        for name, kind in table.columns.items():
            found = columns.get(name, "null")
            if not t.alike(found, kind):
                raise t.Rejected(f"{name} is {found} and {kind}", at)
            columns[name] = kind if found == "null" else found
    return Table(columns, [row for table in tables for row in table.rows], all(table.open for table in tables))
