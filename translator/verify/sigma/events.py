"""Events as rules of Sigma see them: fields by their names with dots, all values of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from translator.verify.reading import Row, Value, fields_of, moment_of, row_of

TIMES = ("timestamp", "@timestamp", "TimeGenerated", "Timestamp", "_time", "UtcTime")
"""Fields that hold the time of an event; the first that it has is taken."""

SOURCE = "logsource"
"""What an event comes from: a mapping with category, product and service. It is no field of it."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event.

    Attributes:
        number: its place among the events, which identifies it.
        moment: its time in microseconds since 1970, None where it has none.
        source: its log source; None where nothing is known of it.
        row: what is returned of it; a field of several values is a list.
    """

    number: int
    values: Mapping[str, tuple[Value, ...]]
    moment: int | None
    source: Mapping[str, str] | None
    row: Row


def events_of(given: Iterable[Mapping[str, object]]) -> list[Event]:
    """Events from mappings, nested or with names with dots. What is null is no value.

    Raises:
        NotReadable: for a time that is none.
    """
    found = []
    for number, event in enumerate(given):
        values = fields_of({k: v for k, v in event.items() if k != SOURCE})
        source = event.get(SOURCE)
        time = next((event[t] for t in TIMES if event.get(t) is not None), None)
        found.append(
            Event(
                number,
                values,
                moment_of(time),
                {str(k): str(v) for k, v in source.items()} if isinstance(source, Mapping) else None,
                row_of(values),
            )
        )
    return found
