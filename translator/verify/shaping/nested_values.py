"""Values inside of values: objects and arrays in JSON, the named values of Windows' XML, and the names of their places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import unescape

from translator import catalog
from translator.verify.shaping.shapes import Unfit
from translator.verify.shaping.sites import Way
from translator.verify.shaping.values import is_missing


def read_json(value: object) -> object:
    """A value with the object or the array that a text holds in its place."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def data_of(value: object) -> dict[str, str] | None:
    """The named values of an event of Windows in its XML; None where that is no such text.

    Source: https://learn.microsoft.com/windows/win32/wes/eventschema-eventdatatype-complextype
    """
    if not isinstance(value, str) or not value.lstrip().startswith("<"):
        return None
    found = re.findall(r"<Data Name=(?:\"([^\"]*)\"|'([^']*)')\s*>([^<]*)</Data>", value)
    return {double or single: unescape(text) for double, single, text in found}


def refuse_strange(table: str, column: str, value: object) -> None:
    """Raises Unfit for an object or an array where every row of a table has a plain value, and for what is none where each has an array."""
    for steps, leaf in leaves(value):
        plain = (catalog.inside(table, column, steps[:n]) == () for n in range(1, len(steps)))
        if catalog.inside(table, column, steps) is None and any(plain):
            raise Unfit("a plain value stands there in every row, no object")
        arrays = (n for n in range(1, len(steps) + 1) if catalog.is_array(table, column, steps[:n]))
        if not is_missing(leaf) and any(not isinstance((*steps, "")[n], int) for n in arrays):
            raise Unfit("an array stands there in every row")


def leaves(value: object, steps: Way = ()) -> Iterator[tuple[Way, object]]:
    """The plain values inside of a value, with the way to each; what is empty has none."""
    match value:
        case dict():
            for name, part in value.items():
                yield from leaves(part, (*steps, str(name)))
        case list():
            for number, part in enumerate(value):
                yield from leaves(part, (*steps, number))
        case _:
            yield steps, value


def named(column: str, steps: Way) -> str:
    """A place inside of a column, as it is told; the elements of an array are one place."""
    return column + "".join("[]" if isinstance(s, int) else f".{s}" for s in steps)


def nested(flat: Mapping[str, object]) -> dict[str, object]:
    """The object whose fields have these names, as Splunk names them."""
    found: dict[str, object] = {}
    for name, value in flat.items():
        _nest(found, name.split("."), value)
    return found


def _nest(into: dict[str, object], steps: list[str], value: object) -> None:
    step, *rest = steps
    key, is_array = step.removesuffix("{}"), step.endswith("{}")
    if not rest:
        into[key] = (value if isinstance(value, list) else [value]) if is_array else value
        return
    inner: object = into.get(key)
    if is_array:
        members: list[object] = inner if isinstance(inner, list) and inner else [{}]
        into[key] = members
        inner = members[0]
    if not isinstance(inner, dict):
        inner = {}
        into[key] = inner
    _nest(inner, rest, value)
