"""Rows of source tables as the events that a product has of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from translator.targets.base import Options
from translator.verify.reading import Row
from translator.verify.shaping.event_builder import INGESTED, LOG_SOURCE, time_field
from translator.verify.shaping.nested_values import refuse_strange
from translator.verify.shaping.shapes import Shape, Shaped, Unfit, Unshaped
from translator.verify.shaping.tables import TableShaping
from translator.verify.shaping.values import dynamic_type, iso, moment_of

FAMILIES = ("splunk", "elastic", "sigma", "source")
"""Whose fields events have; those of ``source`` have the columns of the table, for any product that keeps them so."""


def shaped(
    rows: Mapping[str, Sequence[Mapping[str, object]]],
    target_family: str,
    options: Options | None = None,
    columns: Mapping[str, Iterable[str]] | None = None,
    lists: Mapping[str, Iterable[object]] | None = None,
    carried: Iterable[str] = (),
    own: Mapping[str, Collection[str]] | None = None,
) -> Shaped:
    """The events that a product has of rows, by what the catalog says of their tables.

    A row gets an event in the home that keeps it. What a home lacks in a column is said and left out; a row that no event can stand for has
    none, and that is said too. Columns that the catalog computes are turned around: the columns that they are made of get what gives their
    value; and a row gets what other columns of it say by the catalog, so that the KQL reads the same facts as the text does
    (``Shape.row``). A null is no field; neither is an empty text where the product keeps none: see ``values``. Events of Splunk have
    ``index``, what selects the home, ``_time`` in seconds and, where they are JSON, ``_raw``; those of Elastic ``event.dataset``,
    ``data_stream.*`` and ``@timestamp`` in ISO 8601; those of Sigma ``@timestamp`` and their log source under ``logsource``. A table
    without a home is searched under its own name, with its columns' names.

    Args:
        rows: by table, values by column; moments as datetimes or as text, in UTC where they say no zone.
        target_family: splunk, elastic or sigma; source where the names are the KQL's own.
        options: the homes to take, and what a site says of its own.
        columns: by table the columns that matter: what others have is put where it can be, and not told where not. Unless given, all that
            the rows have.
        lists: the values of the lists that texts look up, by their names.
        carried: what rows have beside the columns of their tables, such as a number to know them by: fields of these names.
        own: by table columns, or places inside of them, that a site keeps under their own names where the catalog knows no field.

    Raises:
        ValueError: for a family that is not known.
        translator.engine.EngineError: where a formula of the catalog cannot be computed of the rows.
    """
    held = {name: [{"value": value} for value in values] for name, values in (lists or {}).items()}
    return replace(Shaping(target_family, options, columns, carried, own).of(rows), lists=held)


class Shaping:
    """A family of products that has events of rows, as ``shaped`` says; what it has found for a row, it has for the same row again.

    Args:
        family: splunk, elastic or sigma; source where the names are the KQL's own.
        options: see ``shaped``, as the others.
        unread: by table the columns at which a query does not look: events have of them what other columns of a row say.
        shown: by table the columns that a query does no more than show.

    Raises:
        ValueError: for a family that is not known.
    """

    def __init__(
        self,
        family: str,
        options: Options | None = None,
        columns: Mapping[str, Iterable[str]] | None = None,
        carried: Iterable[str] = (),
        own: Mapping[str, Collection[str]] | None = None,
        unread: Mapping[str, Collection[str]] | None = None,
        shown: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        if family not in FAMILIES:
            raise ValueError(f"no family of products: {family}")
        self.family, self.options, self.carried, self.own = family, options or Options(), frozenset(carried), own or {}
        self.columns = None if columns is None else {table: frozenset(names) for table, names in columns.items()}
        self.unread, self.shown = unread or {}, shown or {}
        self.tables: dict[tuple[str, frozenset[str]], TableShaping] = {}

    def of(self, rows: Mapping[str, Sequence[Mapping[str, object]]]) -> Shaped:
        """The events of rows, which are given by table.

        Raises:
            translator.engine.EngineError: where a formula of the catalog cannot be computed of the rows.
        """
        found: dict[str, tuple[Shape, ...]] = {}
        unshaped: list[Unshaped] = []
        types: dict[str, str] = {}
        for table, given in rows.items():
            if self.family == "source" or self.options.fields == "source":
                strange = {n: lost for n, row in enumerate(given) if (lost := _strange(table, row, n)) is not None}
                found[table] = tuple(Shape(dict(row), () if n in strange else (_as_it_is(table, row),)) for n, row in enumerate(given))
                unshaped += strange.values()
                continue
            making = self.table(table, given)
            taken = [{name: row[name] for name in self.carried if name in row} for row in given]
            made, said = making.shapes([{name: value for name, value in row.items() if name not in self.carried} for row in given])
            found[table] = tuple(
                replace(
                    shape,
                    row={**kept, **shape.row},
                    events=tuple({**event, **kept} for event in shape.events),
                    strange=tuple({**event, **kept} for event in shape.strange),
                )
                for kept, shape in zip(taken, made, strict=True)
            )
            unshaped += said
            types |= making.types
        if self.family == "elastic":
            types |= {"@timestamp": "date", "event.ingested": "date"}
            types |= dict.fromkeys(("event.dataset", "data_stream.dataset", "data_stream.type", "data_stream.namespace"), "keyword")
            for shape in (s for shapes in found.values() for s in shapes):
                types |= {name: dynamic_type(value) for event in shape.events for name, value in event.items() if name not in types}
        return Shaped(self.family, found, tuple(dict.fromkeys(unshaped)), types)

    def table(self, table: str, rows: Sequence[Mapping[str, object]]) -> TableShaping:
        """A table of which those columns matter that were asked for, or that its rows have."""
        wanted = self.columns.get(table, frozenset()) if self.columns is not None else frozenset(c for row in rows for c in row)
        if (table, wanted) not in self.tables:
            told = (of.get(table, ()) for of in (self.own, self.unread, self.shown))
            self.tables[table, wanted] = TableShaping(table, self.family, self.options, wanted, *told)
        return self.tables[table, wanted]


def _strange(table: str, row: Mapping[str, object], number: int) -> Unshaped | None:
    """What no row of a table has, of one that has it."""
    for column, value in row.items():
        try:
            refuse_strange(table, column, value)
        except Unfit as unfit:
            return Unshaped(table, column, str(unfit), number)
    return None


def _as_it_is(table: str, row: Mapping[str, object]) -> Row:
    """A row as an event under its own names, in whichever product: with the table as what each of them selects by."""
    event: Row = {name: _written(value) for name, value in row.items() if value is not None and name != INGESTED}
    event |= {"sourcetype": table, "event.dataset": table, LOG_SOURCE: {"product": "azure", "service": table}}
    if (taken_in := moment_of(row.get(INGESTED))) is not None:
        event |= {"_indextime": taken_in.timestamp(), "event.ingested": iso(taken_in)}
    moment = next((m for c in ("TimeGenerated", "Timestamp") if (m := moment_of(row.get(c))) is not None), None)
    if moment is not None:
        event |= {time_field("splunk"): moment.timestamp(), time_field("elastic"): iso(moment)}
    return event


def _written(value: object) -> object:
    moment = moment_of(value) if isinstance(value, dt.datetime) else None
    return value if moment is None else iso(moment)
