"""Values as JSON has them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
from enum import Enum
from typing import Any


def plain(value: object) -> Any:
    """A value as JSON has it: times in ISO form, lengths of time in seconds, what is an enumeration by its value."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    match value:
        case Enum():
            return value.value
        case dict() | types.MappingProxyType():
            return {str(k): plain(v) for k, v in value.items()}
        case list() | tuple():
            return [plain(v) for v in value]
        case dt.datetime():
            return value.isoformat() + "Z"
        case dt.timedelta():
            return value.total_seconds()
        case None | bool() | int() | float() | str():
            return value
    return str(value)
