"""Functions in Python as SQL calls them: arguments decoded, the result encoded, nulls by KQL's rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from translator.engine.python.conversions import datetime_of, dumps
from translator.plan.functions.values import timespan_of
from translator.plan.types import Type


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A function to register: its name in SQL, and the types it takes and gives."""

    name: str
    call: Callable[..., Any]
    arguments: tuple[Type, ...]
    result: Type
    nulls: bool

    def __call__(self, *values: Any) -> Any:
        given = [_decoded(v, t) for v, t in zip(values, self.arguments, strict=True)]
        if not self.nulls and any(g is None for g in given):
            return "" if self.result == Type.STRING else None
        return _encoded(self.call(*given), self.result)


def _decoded(value: Any, kind: Type) -> Any:
    if kind == Type.DYNAMIC and value is not None:
        return json.loads(value)
    if kind == Type.STRING and value is None:
        return ""
    return value


def _encoded(value: Any, kind: Type) -> Any:
    """A value as SQL takes it: a real as its text, since DuckDB takes NaN from Python for a null."""
    if kind == Type.DYNAMIC:
        return dumps(value)
    if kind == Type.STRING:
        return "" if value is None else value
    if value is None:
        return None
    if kind in (Type.INT, Type.LONG):
        return int(value)
    if kind == Type.REAL:
        return repr(float(value))
    if kind == Type.DATETIME and isinstance(value, str):
        return datetime_of(value)
    if kind == Type.TIMESPAN and isinstance(value, str):
        return timespan_of(value)
    return value
