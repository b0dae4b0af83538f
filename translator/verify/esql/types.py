"""The types of ES|QL, the values that they have here, and how an index stores what an event has.

Values: whole numbers for ``integer``, ``long`` and ``unsigned_long``, floats for ``double``, texts for ``keyword``, ``text`` and
``version``, truth values for ``boolean``, milliseconds since 1970 for ``date``, nanoseconds for ``date_nanos``, 16 bytes for ``ip``, spans
for ``date_period`` and ``time_duration``. Several values are a list of two or more; no value is None.

Facts: "ES|QL data types" and "Limitations" (elastic.co/docs/reference/query-languages/esql/limitations; the types of fields that are
supported), "ES|QL multivalued fields" (elastic.co/docs/reference/query-languages/esql/esql-multivalued-fields: keywords are stored sorted
and each once, numbers sorted), "Numeric field types" (float, half_float and scaled_float are read as double, short and byte as integer),
"Dynamic field mapping" (a whole number is a long, a text a keyword by the template of logs), "ignore_malformed" (set for logs-*-*: a value
that does not fit is left out).
"""

from __future__ import annotations

import ipaddress
import math
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from translator.verify.esql import times
from translator.verify.reading import NotReadable, Row

Value: TypeAlias = Any
"""A value of a column: one of those that the head of this module lists."""


class Rejected(NotReadable):
    """A query that Elasticsearch itself refuses before it reads an event: its types, columns or literals do not fit."""


NUMBERS = ("integer", "long", "unsigned_long", "double")
TEXTS = ("keyword", "text")
DATES = ("date", "date_nanos")
SPANS = ("date_period", "time_duration")

_MAPPED = {
    **{t: t for t in (*NUMBERS, *TEXTS, *DATES, "boolean", "ip", "version", "null")},
    **dict.fromkeys(("byte", "short", "int"), "integer"),
    **dict.fromkeys(("float", "half_float", "scaled_float"), "double"),
    **dict.fromkeys(("constant_keyword", "wildcard", "string"), "keyword"),
    **dict.fromkeys(("match_only_text", "semantic_text"), "text"),
    "datetime": "date", "bool": "boolean", "ul": "unsigned_long", "flattened": "flattened",
}  # fmt: skip

RANGES = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1), "unsigned_long": (0, 2**64 - 1)}
"""The least and the greatest value of a type."""


def mapped(name: str) -> str:
    """The type of a column, by the type of its field; ``unsupported`` where ES|QL reads none."""
    return _MAPPED.get(name.lower(), "unsupported")


def alike(one: str, other: str) -> bool:
    """Whether two types count as one: a text is a keyword, and null is of every type."""
    return one == other or "null" in (one, other) or (one in TEXTS and other in TEXTS)


def common(one: str, other: str) -> str | None:
    """The type that has the values of two, None where there is none (mixed numbers: the wider of the two)."""
    if alike(one, other):
        return other if one in ("null", "text") else one
    if one in NUMBERS and other in NUMBERS and "unsigned_long" not in (one, other):
        return max(one, other, key=NUMBERS.index)
    return "date_nanos" if one in DATES and other in DATES else None


# --- texts and values


def ip_of(text: str) -> bytes | None:
    """The bytes of an address, one of IPv4 as IPv6 holds it; None where it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return b"\0" * 10 + b"\xff\xff" + address.packed if address.version == 4 else None if "%" in text else address.packed


def ip_text(packed: bytes) -> str:
    """An address as Elasticsearch writes it."""
    mapped_v4 = packed[:12] == b"\0" * 10 + b"\xff\xff"
    return str(ipaddress.ip_address(packed[12:] if mapped_v4 else packed))


_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?|[+-]?(NaN|Infinity)")


def double_of(text: str) -> float | None:
    """The number of a text (java.lang.Double.parseDouble: space around it does not matter)."""
    plain = text.strip("".join(map(chr, range(33))))
    return float(plain.rstrip("dDfF") if plain[-1:] in "dDfF" else plain) if _DECIMAL.fullmatch(plain) else None


def whole_of(value: float, kind: str) -> int | None:
    """A number as one without fraction, a half rounded up (java.lang.Math.round); None where the type does not have it."""
    if not math.isfinite(value):
        return None
    low, high = RANGES[kind]
    found = math.floor(value + 0.5) if abs(value) < 2**52 else int(value)
    return found if low <= found <= high else None


def double_text(value: float) -> str:
    """A number as Java writes it (java.lang.Double.toString)."""
    if not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        found = f"{value!r}"
        return found if "e" not in found else f"{value:f}"
    mantissa, _, exponent = f"{value!r}".partition("e")
    if not exponent:
        digits = mantissa.replace("-", "").replace(".", "").lstrip("0")
        whole = mantissa.lstrip("-").partition(".")[0]
        exponent = str(
            len(whole) - 1 if whole != "0" else -(len(mantissa.partition(".")[2]) - len(mantissa.partition(".")[2].lstrip("0")) + 1)
        )
        digits = digits.rstrip("0") or "0"
        mantissa = ("-" if value < 0 else "") + digits[0] + "." + (digits[1:] or "0")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def text_of(kind: str, value: Value) -> str:
    """One value as a text (TO_STRING)."""
    match kind:
        case "boolean":
            return "true" if value else "false"
        case "double":
            return double_text(value)
        case "date":
            return times.iso(value)
        case "date_nanos":
            return times.iso(value // 1_000_000)[:-1] + f"{value % 1_000_000:06}".rstrip("0") + "Z"
        case "ip":
            return ip_text(value)
    return str(value)


def order_of(kind: str, value: Value) -> Any:
    """What values of a type are ordered and told apart by."""
    if kind == "version":  # "Version field type": by the precedence of Semantic Versioning; what is no version is behind all that are
        found = re.fullmatch(r"(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?", value)
        if found is None:
            return (1, (), (), value)
        numbers = tuple(int(n) for n in found[1].split("."))
        pre = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in found[2].split(".")) if found[2] else ((2, 0, ""),)
        return (0, numbers, pre, found[3] or "")
    return value


def several(value: Value) -> list[Value]:
    """The values of a column in one row."""
    return value if isinstance(value, list) else [] if value is None else [value]


def one_or_several(values: Sequence[Value]) -> Value:
    """Values as a column holds them: nulls are not among several, one is no list."""
    kept = [v for v in values if v is not None]
    return None if not kept else kept[0] if len(kept) == 1 else kept


# --- events


def flat(event: Mapping[str, object]) -> dict[str, list[object]]:
    """The leaves of an event by dotted names; objects in a list are taken apart."""
    found: dict[str, list[object]] = {}

    def walk(name: str, value: object) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(f"{name}.{key}" if name else str(key), inner)
        elif isinstance(value, list | tuple):
            for member in value:
                walk(name, member)
        elif value is not None:
            found.setdefault(name, []).append(value)

    walk("", event)
    return found


_ADDRESS = re.compile(r"(.*\.)(\w+_)?ip")
_MOMENTS = ("@timestamp", "event.ingested", "event.created", "event.start", "event.end")


def derived(rows: Iterable[Mapping[str, list[object]]]) -> dict[str, str]:
    """The types of fields after their values.

    A field ``ip`` of an object is an address and ``@timestamp`` a date, as ECS has them. Texts and other values in one field are keywords,
    as a mapping that takes them all has them.
    """
    seen: dict[str, set[str]] = {}
    for row in rows:
        for name, values in row.items():
            kinds = {
                "boolean" if isinstance(v, bool) else "long" if isinstance(v, int) else "double" if isinstance(v, float) else "keyword"
                for v in values
            }
            seen.setdefault(name, set()).update(kinds)
    found = {}
    for name, kinds in seen.items():
        if name in _MOMENTS:
            found[name] = "date"
        elif _ADDRESS.fullmatch(name) and kinds == {"keyword"}:
            found[name] = "ip"
        else:
            found[name] = next(iter(kinds)) if len(kinds) == 1 else "double" if kinds == {"long", "double"} else "keyword"
    return found


_NARROW = {"float": "<f", "half_float": "<e"}
"""How the bytes of numbers lie whose type has fewer digits than a double."""


def rounded(event: dict[str, list[object]], types: Mapping[str, str]) -> dict[str, list[object]]:
    """An event whose numbers of fewer digits than a double are as their fields hold them ("Numeric field types").

    Args:
        types: the types of fields as a mapping names them.
    """
    for name, form in {n: _NARROW[k] for n, k in types.items() if k in _NARROW and n in event}.items():
        numbers = (_stored("double", value) for value in event[name])
        event[name] = [struct.unpack(form, struct.pack(form, n))[0] for n in numbers if n is not None]
    return event


def _stored(kind: str, value: object) -> Value:
    """A value of an event as a field of a type has it; None where it does not fit."""
    match kind:
        case "keyword" | "text" | "version":
            if isinstance(value, bool):
                return "true" if value else "false"
            return double_text(value) if isinstance(value, float) else str(value)
        case "boolean":
            return {"true": True, "false": False, "": False}.get(str(value).lower()) if isinstance(value, str | bool) else None
        case "date" | "date_nanos":
            if isinstance(value, bool):
                return None
            found = times.parsed(value) if isinstance(value, str) else math.floor(float(value) * 1000 + 1e-4)  # type: ignore[arg-type]
            return found if kind == "date" or found is None else found * 1_000_000
        case "ip":
            return ip_of(value) if isinstance(value, str) else None
        case "double":
            return float(value) if isinstance(value, int | float) else double_of(value) if isinstance(value, str) else None
        case "integer" | "long" | "unsigned_long":
            number = value if isinstance(value, int | float) else double_of(value) if isinstance(value, str) else None
            if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value):
                number = int(value)
            return None if number is None or not RANGES[kind][0] <= int(number) <= RANGES[kind][1] else int(number)
    return None


def stored(event: Mapping[str, list[object]], types: Mapping[str, str]) -> Row:
    """The columns of an event as its index has them."""
    found: Row = {}
    for name, values in event.items():
        kind = types.get(name, "unsupported")
        held = [v for v in (_stored(kind, value) for value in values) if v is not None]
        if len(held) > 1:
            held = (
                sorted(set(held) if kind in ("keyword", "ip", "version") else held, key=lambda v: order_of(kind, v))
                if kind != "text"
                else held
            )
        if held:
            found[name] = one_or_several(held)
    return found


def shown(kind: str, value: Value) -> object:
    """A value as a row of an answer has it: a moment is seconds since 1970, an address a text."""
    if isinstance(value, list):
        return [shown(kind, v) for v in value]
    match kind:
        case "date":
            return value // 1000 if value % 1000 == 0 else value / 1000
        case "date_nanos":
            return value / 1_000_000_000
        case "ip":
            return ip_text(value)
        case "date_period" | "time_duration":
            raise Rejected("a span of time is no column of an answer")
    return value
