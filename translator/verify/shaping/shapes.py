"""What becomes of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from translator.verify.reading import Lists, Row


class Unfit(Exception):
    """A value that no event of the product can have where its column is kept, or that no row of the table has, with the reason."""


@dataclass(frozen=True, slots=True)
class Unshaped:
    """What the events do not say.

    Attributes:
        table: the table of the row.
        column: the column, or a place inside of one; empty where it is the table.
        why: the reason, in words.
        row: the number of the row in its table that no event stands for; None where rows have events that lack the column.
        instead: what the column is in such a row by the catalog, where that is the reason.
    """

    table: str
    column: str
    why: str
    row: int | None = None
    instead: object = None


@dataclass(frozen=True, slots=True)
class Shape:
    """One row with its events.

    Attributes:
        row: the row with what its other columns, and the place of its events, say of it: the KQL is to run on this one.
        events: what the product has for it, an event for each place that keeps it; none where it cannot be put.
        added: the columns that the given row did not have.
        strange: in the place of events, those of a row that has what only rows of another kind have by the catalog: a text that asks for
            the kind finds none of them.
    """

    row: Row
    events: tuple[Row, ...]
    added: frozenset[str] = frozenset()
    strange: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Shaped:
    """Rows as a product has them.

    Attributes:
        family: whose fields the events have.
        shapes: by table, in the order of the given rows.
        unshaped: what could not be put, each reason once a row, or once a column.
        types: what Elastic's mappings say of the fields of all places that were filled, as ES|QL names types.
        lists: the lists that texts look values up in.
    """

    family: str
    shapes: Mapping[str, tuple[Shape, ...]]
    unshaped: tuple[Unshaped, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    lists: Lists = field(default_factory=dict)

    @property
    def events(self) -> list[Row]:
        """All events, those of each table in the order of its rows."""
        return [event for shape in self._each() for event in shape.events]

    @property
    def rows(self) -> dict[str, list[Row]]:
        """By table the rows that have events."""
        return {table: [s.row for s in shapes if s.events] for table, shapes in self.shapes.items()}

    def _each(self) -> Iterator[Shape]:
        return (shape for shapes in self.shapes.values() for shape in shapes)
