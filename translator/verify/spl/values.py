"""Values of events: what Splunk extracts of JSON, numbers and texts, and how they are compared.

Facts: Search Reference, "spath" (objects give paths with periods, arrays paths with ``{}``), "where" and "search" (numbers are compared
as numbers, all else as texts), "sort" (numbers come before texts); Search Manual, "About event segmentation" for what ends a term.
"""

from __future__ import annotations

import ipaddress
import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from translator.verify.reading import NotReadable, Row

Value: TypeAlias = object
"""A text, a number, a Boolean (inside of an expression only), None for null, or a list of several texts and numbers."""


class Generated(str):
    """The text of an event that came without one: its JSON."""

    __slots__ = ()


class Delimited(list[object]):
    """Several values that have a delimiter of their own for when they become one (Search Reference, "mvcombine").

    Attributes:
        delimiter: what stands between them.
    """

    def __init__(self, values: Iterable[object], delimiter: str) -> None:
        super().__init__(values)
        self.delimiter = delimiter


_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BRACED = re.compile(r"[\w.@-]+\{\}(?![.{\w])")


def braced(text: str) -> frozenset[str]:
    """The names of arrays that a search mentions with their braces."""
    return frozenset(m[0] for m in _BRACED.finditer(text))


def event_of(source: Mapping[str, object], arrays: frozenset[str]) -> Row:
    """The fields that Splunk has of an event, its text among them.

    Booleans are texts, and nulls are no fields. Several values of a field are a list; a list is called with braces inside of objects, as
    JSON is read by itself, and where the search does so.

    Args:
        source: the event; what is nested is JSON.
        arrays: the names that end with ``{}`` in the search.
    """
    found: Row = {}
    _flatten(source, "", found)
    for name in list(found):
        bare = name.removesuffix("{}")
        if bare == name or name in arrays or bare not in source:
            continue
        found[bare] = found.pop(name)
    if "_raw" not in found:
        told = {k: v for k, v in source.items() if not k.startswith("_")}
        found["_raw"] = Generated(json.dumps(told, default=str, ensure_ascii=False))
    return found


def _flatten(value: object, name: str, found: Row) -> None:
    match value:
        case None:
            pass
        case Mapping():
            for key, inner in value.items():
                _flatten(inner, f"{name}.{key}" if name else str(key), found)
        case list() | tuple():
            for member in value:
                _flatten(member, f"{name}{{}}", found)
        case _:
            scalar = scalar_of(value)
            if name.split(".")[-1].endswith("{}") or "{}." in name:
                put(found, name, [*several(found.get(name)), scalar])
            else:
                found[name] = scalar


def scalar_of(value: object) -> object:
    """A value of JSON as a field has it: Booleans are texts (Search Reference, "Types of expressions": fields hold texts and numbers)."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int | float | str) else str(value)


def put(row: Row, name: str, values: Value) -> None:
    """Gives a row a field, of one value or several; none for null."""
    value = one(values)
    if value is None:
        row.pop(name, None)
    else:
        row[name] = value


def one(value: Value) -> Value:
    """A value as a field holds it: one value is no list, and none are null."""
    if isinstance(value, list) and not isinstance(value, Delimited):
        return None if not value else value[0] if len(value) == 1 else value
    return value


def several(value: Value) -> list[object]:
    """The values of a field: none for null."""
    return [] if value is None else value if isinstance(value, list) else [value]


def numeric(value: Value) -> float | int | None:
    """The number that a value is or that its text spells; None for others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value) if value.lstrip("-").isdigit() else float(value)
    return None


def text(value: Value) -> str:
    """How a value is spelled."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def whole(number: float) -> float | int:
    """A number, without a point where it has no decimals."""
    return int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 2**53 else number


def spelled(value: Value) -> str:
    """How a value is spelled where its digits become part of a text.

    Raises:
        NotReadable: for a number of more digits than 15: how many Splunk writes is not documented.
    """
    if isinstance(value, bool):
        raise NotReadable("a Boolean as a text")
    if isinstance(value, float) and not value.is_integer() and float(f"{value:.15g}") != value:
        raise NotReadable(f"the digits of {value!r} as a text")
    return text(value)


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "=": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def compared(sign: str, left: Value, right: Value, texts_are_numbers: bool | None) -> bool:
    """Whether two single values compare: as numbers where both are and one is no text, else as texts (Search Reference, "where").

    Args:
        sign: the operator.
        left: a value.
        right: a value.
        texts_are_numbers: whether two texts that both look like numbers are compared as such; None where that is not known.

    Raises:
        NotReadable: where it is not known and counts.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        if isinstance(left, bool) and isinstance(right, bool) and sign in ("=", "==", "!="):
            return COMPARE[sign](left, right)
        raise NotReadable("a comparison with a Boolean")
    of_texts = COMPARE[sign](text(left), text(right))
    texts = isinstance(left, str) and isinstance(right, str)
    if texts and texts_are_numbers is False:
        return of_texts
    a, b = numeric(left), numeric(right)
    if a is None or b is None:
        return of_texts
    if a != b and float(a) == float(b):
        raise NotReadable("numbers that only differ beyond the digits of a double")
    found = COMPARE[sign](a, b)
    if texts and texts_are_numbers is None and found != of_texts:
        raise NotReadable("whether texts that look like numbers are compared as numbers")
    return found


def ordered(value: Value) -> tuple[int, object]:
    """Where a value is sorted: numbers by their size, before texts, which go by their characters (Search Reference, "sort")."""
    number = numeric(value)
    return (1, text(value)) if number is None else (0, number)


def address_of(value: Value) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a text spells."""
    try:
        return ipaddress.ip_address(text(value).strip())
    except ValueError:
        return None


def network_of(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The range of addresses that a text in CIDR notation spells."""
    if "/" not in value:
        return None
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None


def within(value: Value, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """Whether a value is an address of a network; one of the other version is not."""
    address = address_of(value)
    return address is not None and address.version == network.version and address in network


def wildcard(pattern: str, cased: bool = True) -> re.Pattern[str]:
    """A text in which ``*`` stands for any characters, as a regular expression for all of a text."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL if cased else re.DOTALL | re.IGNORECASE)


def public(row: Row) -> list[str]:
    """The names of a row that are no internal fields, which begin with an underscore (Knowledge Manager Manual, "Use default fields")."""
    return [name for name in row if not name.startswith("_")]


def columns(rows: Iterable[Row]) -> list[str]:
    """The names of the fields of rows, in the order in which they come up."""
    return list(dict.fromkeys(name for row in rows for name in row))


def named(names: Iterable[str], there: Iterable[str]) -> list[str]:
    """The fields that names with wildcards stand for; a name without one is its own. ``*`` matches no internal fields."""
    found: list[str] = []
    known = list(there)
    for name in names:
        if "*" not in name:
            found.append(name)
            continue
        pattern = wildcard(name)
        found += [k for k in known if pattern.fullmatch(k) and (name.startswith("_") or not k.startswith("_"))]
    return list(dict.fromkeys(found))
