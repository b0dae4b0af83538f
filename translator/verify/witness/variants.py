"""Values to try: another like a given one, any of a type, and a dynamic value with another one at a place in it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from translator.engine.python.conversions import json_of
from translator.plan.functions.values import TICKS
from translator.plan.types import Type


def with_at(value: Any, steps: tuple[str | int, ...], wanted: Any) -> Any:
    """A dynamic value with another one at a place in it."""
    if not steps:
        return wanted
    step, *rest = steps
    if isinstance(value, str):
        value = json_of(value)
    if isinstance(step, int):
        items = list(value) if isinstance(value, list) else []
        if step < 0:
            items = items or [None] * -step
            step += len(items)
        like: Any = "part" if isinstance(wanted, str) else None
        while len(items) <= step:
            items.append(like)
        items[max(step, 0)] = with_at(items[max(step, 0)], tuple(rest), wanted)
        return items
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [with_at(value[0], steps, wanted), *value[1:]]
    held = dict(value) if isinstance(value, dict) else {}
    held[step] = with_at(held.get(step), tuple(rest), wanted)
    return held


def variant(value: Any, number: int) -> Any:
    """Another value like ``value``, for each number another."""
    if isinstance(value, bool):
        return value if number % 2 == 0 else not value
    if isinstance(value, str):
        address = re.fullmatch(r"(\d+\.\d+)\.(\d+)\.(\d+)", value)
        if address:
            last = int(address[2]) * 256 + int(address[3]) + number
            return f"{address[1]}.{last // 256 % 256}.{last % 256}"
        guid = re.fullmatch(r"([0-9a-fA-F-]{28})[0-9a-fA-F]{8}", value)
        if guid:
            return f"{guid[1]}{number:08x}"
        if "@" in value:
            head, _, tail = value.partition("@")
            return f"{head}{number}@{tail}"
        return f"{value}{number}" if number else value
    if isinstance(value, int | float):
        return value + number
    if isinstance(value, dt.datetime):
        return value - dt.timedelta(seconds=number)
    if isinstance(value, list):
        return [variant(v, number) for v in value] if value else [f"part{number}"]
    if isinstance(value, dict):
        return {k: variant(v, number) for k, v in value.items()} if value else {"key": f"value{number}"}
    return f"value{number}"


def plain(kind: Type) -> Any:
    """Some value of a type."""
    match kind:
        case Type.LONG | Type.INT:
            return 7
        case Type.REAL | Type.DECIMAL:
            return 7.5
        case Type.BOOL:
            return True
        case Type.DATETIME:
            return dt.datetime(2024, 1, 2, 3, 4, 5)
        case Type.TIMESPAN:
            return 90 * TICKS
        case Type.GUID:
            return "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
        case Type.DYNAMIC:
            return {"key": "value"}
    return "value"
