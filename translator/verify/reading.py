"""What the readers of all languages share: the rows that they give, and how they refuse."""

from __future__ import annotations

import datetime as dt
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TypeAlias

Row: TypeAlias = dict[str, object]
"""A row or an event: values by the names of fields. Several values of one field are a list; a field that is missing is not there."""

Value: TypeAlias = str | int | float | bool
"""One value of a field."""

Lists: TypeAlias = Mapping[str, Sequence[Mapping[str, object]]]
"""The lists that a text looks values up in, by the names that it knows them by: lookups, inputlookups, indices of enrichment."""


CARRIED = "kql2sigma_row"
"""A field that says which event a result is; what chooses the columns that are shown leaves it, for a result is the same event still."""


class NotReadable(Exception):
    """A text that a reader cannot run: its syntax is wrong, or it has what the reader does not know.

    Attributes:
        what: the command, function, option or character, by name.
        position: where it stands, an offset in characters; None where that is not known.
    """

    def __init__(self, what: str, position: int | None = None) -> None:
        super().__init__(what)
        self.what, self.position = what, position


class ValueNotTold(NotReadable):
    """What a reader cannot run on certain events, for a value in them of which it is not documented what comes of it."""


def flat(value: object, name: str = "") -> Iterator[tuple[str, Value]]:
    """The fields of an event by their names with dots, and each of their values; what is null or empty has none."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flat(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from flat(part, name)
    elif isinstance(value, dt.datetime):
        yield name, value.isoformat()
    elif isinstance(value, str | int | float | bool):
        yield name, value
    elif value is not None:
        yield name, str(value)


def fields_of(event: Mapping[str, object]) -> dict[str, tuple[Value, ...]]:
    """All values of each field of an event that has some."""
    found: dict[str, list[Value]] = {}
    for name, value in flat(event):
        found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def row_of(fields: Mapping[str, tuple[Value, ...]]) -> Row:
    """Fields as a row: several values of one are a list."""
    return {name: values[0] if len(values) == 1 else list(values) for name, values in fields.items()}


def moment_of(value: object) -> int | None:
    """A time in microseconds since 1970; None for null.

    Args:
        value: a datetime (UTC unless it says), a text of ISO 8601, or seconds since 1970.

    Raises:
        NotReadable: for what is no time.
    """
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
    return (in_utc(value) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def in_utc(moment: dt.datetime) -> dt.datetime:
    """A time in UTC; one without a zone is of UTC."""
    return moment.astimezone(dt.UTC) if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


@cache
def of_category(name: str) -> str:
    """The characters of a general category of Unicode, or of all that begin with its letter, as members of a class; empty for none."""
    found, start = list[str](), -1
    for code in range(sys.maxunicode + 2):
        held = code <= sys.maxunicode and unicodedata.category(chr(code)).startswith(name)
        if held and start < 0:
            start = code
        elif not held and start >= 0:
            found.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = -1
    return "".join(found)
