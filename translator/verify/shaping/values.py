"""Values as products index them.

Facts: Elasticsearch reference, "Field data types" (``boolean`` takes true, false and these as text; ``ip`` an IPv4 or IPv6 address; numeric
types a number, also as text; a null is as if the field were not there: "null_value"), "Date field type" (a moment has milliseconds); ES|QL
reference, "Data types" (``wildcard`` and ``constant_keyword`` are read as keyword, ``match_only_text`` as text, ``short`` and ``byte`` as
integer, ``float`` and ``half_float`` as double; ``nested`` and ``object`` are no types of columns). Splunk: transforms.conf,
KEEP_EMPTY_VALS (what has no value is no field, where fields are taken from text by patterns or as pairs of names and values), Search
Reference, "spath" (every value in JSON is a field, the empty text as well; true and false are texts).
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from contextlib import suppress
from types import MappingProxyType

from translator.engine.python.conversions import datetime_of
from translator.plan.types import Type, type_of
from translator.targets.literals import canonical_address
from translator.verify.shaping.shapes import Unfit

WHOLE = frozenset({"long", "integer", "short", "byte", "unsigned_long"})
"""Types of Elasticsearch for whole numbers."""

FRACTIONS = frozenset({"double", "float", "half_float", "scaled_float"})

OBJECTS = frozenset({"object", "flattened", "nested", "json", "original", "original text"})
"""Types of fields whose parts are fields."""

_TYPES = MappingProxyType(
    {
        "wildcard": "keyword", "constant_keyword": "keyword", "match_only_text": "text", "short": "integer", "byte": "integer",
        "float": "double", "half_float": "double", "scaled_float": "double",
    }
)  # fmt: skip


def esql_type(kind: str) -> str:
    """What ES|QL calls the type of a field; empty for what is no column there."""
    return "" if kind in OBJECTS - {"flattened"} or not kind else _TYPES.get(kind, kind)


def dynamic_type(value: object) -> str:
    """The type that Elasticsearch gives a field that no mapping names, by its first value ("Dynamic field mapping")."""
    first = value[0] if isinstance(value, list) and value else value
    match first:
        case bool():
            return "boolean"
        case int():
            return "long"
        case float():
            return "double"
    return "keyword"


def is_missing(value: object) -> bool:
    """Whether KQL has nothing there: a null, or a text without anything."""
    return value is None or value == ""


def as_kql(value: object, kind: str) -> object:
    """A value as a column of that type of KQL's has it.

    Raises:
        Unfit: for a value of another type.
    """
    if is_missing(value):
        return value
    match type_of(kind):
        case Type.INT | Type.LONG if not isinstance(value, int):
            if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
                return int(value)
        case Type.REAL if not isinstance(value, int | float):
            with suppress(ValueError):
                return float(str(value))
        case Type.BOOL if not isinstance(value, bool):
            if (found := {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())) is not None:
                return found
        case Type.DATETIME if moment_of(value) is None:
            pass
        case _:
            return value
    raise Unfit(f"{value!r} is no {kind}")


def moment_of(value: object) -> dt.datetime | None:
    """A moment, in UTC where it says no zone; None for what is none."""
    found = value if isinstance(value, dt.datetime) else datetime_of(value) if isinstance(value, str) else None
    if found is None:
        return None
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


def iso(moment: dt.datetime) -> str:
    """A moment as Elastic's documents have it, in milliseconds."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def text_of(value: object) -> str:
    """A value as a text: JSON where it has parts."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)
        case dt.datetime():
            return iso(value)
        case float() if value.is_integer():
            return str(int(value))
    return str(value)


def in_elastic(value: object, kind: str) -> object:
    """A plain value in a field of Elastic's; None where the field is not there.

    Raises:
        Unfit: for a value that such a field cannot have.
    """
    if value is None or (value == "" and esql_type(kind) not in ("keyword", "text", "flattened", "")):
        return None
    if kind in WHOLE or kind in FRACTIONS:
        return _number(value, kind)
    match kind:
        case "boolean":
            found = {"true": True, "false": False}.get(text_of(value).lower())
            if found is None:
                raise Unfit(f"{value!r} is neither true nor false")
            return found
        case "ip":
            if (address := canonical_address(str(value))) is None:
                raise Unfit(f"{value!r} is no address, and its field has addresses alone")
            return address
        case "date":
            moment = moment_of(value)
            if moment is None:
                raise Unfit(f"{value!r} is no moment, and its field has moments alone")
            return iso(moment)
        case "":
            return value
    return value if kind in OBJECTS else text_of(value)


def _number(value: object, kind: str) -> int | float:
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        value = int(value)
    elif isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unfit(f"{value!r} is no number, and its field has numbers alone")
    if kind in WHOLE and isinstance(value, float):
        if not value.is_integer():
            raise Unfit(f"{value!r} is no whole number, and its field has those alone")
        return int(value)
    return value if kind in WHOLE else float(value)


def in_splunk(value: object, kind: str, in_json: bool) -> object:
    """A plain value in a field of Splunk's; None where there is no field.

    Args:
        kind: the catalog's type: time, number, text or json.
        in_json: whether the events are JSON, of which empty texts are fields.

    Raises:
        Unfit: for a moment that is none.
    """
    if value is None or (value == "" and not in_json):
        return None
    if kind == "time":
        moment = moment_of(value)
        if moment is None:
            raise Unfit(f"{value!r} is no moment, and its field has moments alone")
        return moment.timestamp()
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text_of(value)


def in_sigma(value: object) -> object:
    """A plain value in a field of a Sigma log source: as the row has it, moments as text."""
    return text_of(value) if isinstance(value, dt.datetime) else value
