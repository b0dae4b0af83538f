"""The functions of EQL.

Facts: EQL function reference (elastic.co/docs/reference/query-languages/eql/eql-function-ref); what it leaves open, from StringUtils.java,
ToNumberFunctionProcessor.java and Arithmetics.java of Elasticsearch.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from translator.verify.reading import NotReadable, Value

Result: TypeAlias = Value | None


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        kinds: the types that its arguments may have; the last stands for all further ones.
        result: the type of what it gives.
        least: how many arguments it needs.
        most: how many it takes; None for any number.
        run: its value for arguments of which none is null; told whether it ignores case.
        tilde: whether it has a form that ignores case.
    """

    kinds: tuple[frozenset[str], ...]
    result: str
    least: int
    most: int | None
    run: Callable[[Sequence[Value], bool], Result]
    tilde: bool = False


_ANY = frozenset(("text", "number", "bool", "ip", "date"))
_TEXT = frozenset(("text",))
_NUMBER = frozenset(("number",))
_BOOL = frozenset(("bool",))


def number_of(value: object) -> int | float:
    """A value as a number. Raises NotReadable for another."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotReadable(f"arithmetic with {value!r}")
    return value


def is_address(value: object) -> bool:
    """Whether a value is written as an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def text_of(value: object) -> str:
    """A value as a text. Raises NotReadable for another."""
    if not isinstance(value, str):
        raise NotReadable(f"{value!r} where a text is wanted")
    return value


def calculated(operator: str, left: Value, right: Value) -> int | float:
    """Arithmetic on two numbers: whole numbers give whole numbers, cut off towards zero."""
    a, b = number_of(left), number_of(right)
    whole = isinstance(a, int) and isinstance(b, int)
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
    if b == 0:
        raise NotReadable("a division by zero")
    if operator == "/":
        quotient = abs(a) // abs(b) if whole else abs(a) / abs(b)
        return quotient if (a < 0) == (b < 0) else -quotient
    return int(math.copysign(abs(a) % abs(b), a)) if whole else math.fmod(a, b)


def _arithmetic(operator: str) -> Function:
    return Function((_NUMBER, _NUMBER), "number", 2, 2, lambda args, _: calculated(operator, args[0], args[1]))


def spelled(value: Value) -> str:
    """A value as a text."""
    if isinstance(value, float) and (abs(value) >= 1e7 or 0 < abs(value) < 1e-3):
        raise NotReadable(f"the number {value} as a text")  # Java's spelling of it
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_case(args: Sequence[Value], caseless: bool) -> list[str]:
    return [text_of(a).lower() if caseless else text_of(a) for a in args]


def _between(args: Sequence[Value], caseless: bool) -> Result:
    source, left, right = (text_of(a) for a in args[:3])
    if not source or not left or not right:
        return source
    text, before, after = _in_case(args[:3], caseless)
    if (at := text.find(before)) < 0:
        return ""
    start = at + len(before)
    end = text.rfind(after) if len(args) > 3 and args[3] is True else text.find(after, start)
    if 0 <= end < start:
        raise NotReadable("between, whose right text ends before its left one")
    return source[start:end] if end >= 0 else ""


def _cidr_match(args: Sequence[Value], caseless: bool) -> Result:
    """A query for the field: as for ``==``, an address of IPv4 is that of IPv6 within ``::ffff:0:0/96``, however it was spelled."""
    address = as_ipv6(text_of(args[0]))
    return any(address in network(text_of(a)) for a in args[1:])


def as_ipv6(address: str) -> ipaddress.IPv6Address:
    """An address by its 16 bytes, in which those of IPv4 lie in ::ffff:0:0/96 (org.apache.lucene.document.InetAddressPoint)."""
    found = ipaddress.ip_address(address)
    return found if found.version == 6 else ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + found.packed)


@cache
def network(block: str) -> ipaddress.IPv6Network:
    """A CIDR block; bits behind its prefix are ignored."""
    try:
        found = ipaddress.ip_network(block, strict=False)
    except ValueError as error:
        raise NotReadable(f"the CIDR block {block}") from error
    return ipaddress.IPv6Network((as_ipv6(str(found.network_address)), found.prefixlen + 128 - found.max_prefixlen))


def _index_of(args: Sequence[Value], caseless: bool) -> Result:
    source, wanted = _in_case(args[:2], caseless)
    start = max(int(number_of(args[2])), 0) if len(args) > 2 else 0
    if start > len(source):
        return None
    found = source.find(wanted, start)
    return found if found >= 0 else None


def _number(args: Sequence[Value], caseless: bool) -> Result:
    text = text_of(args[0])
    base = int(number_of(args[1])) if len(args) > 1 else 16 if text.startswith("0x") else 10
    try:
        if base != 10:
            if not re.fullmatch(r"[+-]?\w+", digits := text[2:] if base == 16 and text.startswith("0x") else text):
                raise ValueError(digits)
            return int(digits, base)
        return float(text) if re.fullmatch(r"[+-]?\d*\.\d+([Ee][+-]?\d+)?|[+-]?\d+[Ee][+-]?\d+", text) else _whole(text)
    except ValueError as error:
        raise NotReadable(f"the number {text}") from error


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _string_contains(args: Sequence[Value], caseless: bool) -> Result:
    source, wanted = _in_case(args, caseless)
    return bool(wanted) and wanted in source


def _starts_with(args: Sequence[Value], caseless: bool) -> Result:
    source, wanted = _in_case(args, caseless)
    return source.startswith(wanted)


def _ends_with(args: Sequence[Value], caseless: bool) -> Result:
    source, wanted = _in_case(args, caseless)
    return source.endswith(wanted)


def _substring(args: Sequence[Value], caseless: bool) -> Result:
    source = text_of(args[0])
    start, *end = (int(number_of(a)) for a in args[1:])
    start = max(start + len(source), 0) if start < 0 else start
    until = end[0] if end else len(source)
    until = max(until + len(source), 0) if until < 0 else until
    return source[start:until] if start < until else ""


FUNCTIONS: dict[str, Function] = {
    "add": _arithmetic("+"),
    "subtract": _arithmetic("-"),
    "multiply": _arithmetic("*"),
    "divide": _arithmetic("/"),
    "modulo": _arithmetic("%"),
    "between": Function((_TEXT, _TEXT, _TEXT, _BOOL), "text", 3, 4, _between, tilde=True),
    "cidrmatch": Function((frozenset(("ip",)), _TEXT), "bool", 2, None, _cidr_match),
    "concat": Function((_ANY,), "text", 1, None, lambda args, _: "".join(spelled(a) for a in args)),
    "endswith": Function((_TEXT, _TEXT), "bool", 2, 2, _ends_with, tilde=True),
    "indexof": Function((_TEXT, _TEXT, _NUMBER), "number", 2, 3, _index_of, tilde=True),
    "length": Function((_TEXT,), "number", 1, 1, lambda args, _: len(text_of(args[0]))),
    "number": Function((_TEXT, _NUMBER), "number", 1, 2, _number),
    "startswith": Function((_TEXT, _TEXT), "bool", 2, 2, _starts_with, tilde=True),
    "string": Function((_ANY,), "text", 1, 1, lambda args, _: spelled(args[0])),
    "stringcontains": Function((_TEXT, _TEXT), "bool", 2, 2, _string_contains, tilde=True),
    "substring": Function((_TEXT, _NUMBER, _NUMBER), "text", 2, 3, _substring),
}
"""By name in lower case: how a name is spelled does not matter (FunctionRegistry.java)."""
