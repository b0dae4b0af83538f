"""Events as rules of Sigma see them: fields by their names with dots, all values of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from translator.verify.reading import NotReadable, Row

Value: TypeAlias = str | int | float | bool

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
        values: dict[str, list[Value]] = {}
        for name, value in _flat("", {k: v for k, v in event.items() if k != SOURCE}):
            values.setdefault(name, []).append(value)
        source = event.get(SOURCE)
        time = next((event[t] for t in TIMES if event.get(t) is not None), None)
        found.append(
            Event(
                number,
                {name: tuple(v) for name, v in values.items()},
                moment_of(time),
                {str(k): str(v) for k, v in source.items()} if isinstance(source, Mapping) else None,
                {name: v[0] if len(v) == 1 else list(v) for name, v in values.items()},
            )
        )
    return found


def _flat(name: str, value: object) -> Iterator[tuple[str, Value]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), part)
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _flat(name, part)
    elif isinstance(value, dt.datetime):
        yield name, value.isoformat()
    elif isinstance(value, str | int | float | bool):
        yield name, value
    elif value is not None:
        yield name, str(value)


def moment_of(value: object) -> int | None:
    """A time in microseconds since 1970: a datetime (UTC unless it says), a text of ISO 8601, or seconds since 1970."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value * 1_000_000)
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError as error:
            raise NotReadable(f"the time {value}") from error
    if not isinstance(value, dt.datetime):
        raise NotReadable(f"the time {value}")
    return (utc(value) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC) if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
