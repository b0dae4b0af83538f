"""KQL's scalar types.

Source: learn.microsoft.com/kusto/query/scalar-data-types. ``unknown`` is a column of a table whose schema is not known.
"""

from __future__ import annotations

import functools
from enum import Enum


class Type(Enum):
    """KQL's types; ``UNKNOWN`` is that of a column of a table that is not documented."""

    BOOL = "bool"
    INT = "int"
    LONG = "long"
    REAL = "real"
    DECIMAL = "decimal"
    STRING = "string"
    DATETIME = "datetime"
    TIMESPAN = "timespan"
    GUID = "guid"
    DYNAMIC = "dynamic"
    UNKNOWN = "unknown"

    __hash__ = object.__hash__  # each is one object, and that of Enum, in Python, is asked by every hash of an expression

    def __str__(self) -> str:
        return self.value


_SPELLINGS = {
    "boolean": Type.BOOL, "nullable bool": Type.BOOL, "double": Type.REAL, "integer": Type.INT, "list": Type.DYNAMIC,
    "object": Type.DYNAMIC, "bigint": Type.LONG, "date": Type.DATETIME, "time": Type.TIMESPAN, "int64": Type.LONG,
    "int32": Type.INT, "int8": Type.INT, "uniqueid": Type.GUID, "uuid": Type.GUID, "float": Type.REAL,
}  # fmt: skip


@functools.cache
def type_of(name: str) -> Type:
    """The type of that name in KQL or in a table's documentation; unknown where it is none."""
    lowered = name.strip().lower()
    try:
        return Type(lowered)
    except ValueError:
        return _SPELLINGS.get(lowered, Type.UNKNOWN)


NULLABLE = frozenset({Type.BOOL, Type.INT, Type.LONG, Type.REAL, Type.DECIMAL, Type.DATETIME, Type.TIMESPAN, Type.GUID})
"""Types whose missing value is null, which a join finds equal to nothing."""
