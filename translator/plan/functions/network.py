"""IP addresses. A mask applies to both sides; the shorter of all prefixes counts."""

from __future__ import annotations

import ipaddress
import re

from translator.plan.functions.declare import Family
from translator.plan.functions.values import Dynamic, text_of
from translator.regex.terms import LETTERS

F = Family("network")


_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_V4 = re.compile(rf"((?:(?!0\d){_OCTET}\.){{3}}(?!0\d){_OCTET})(?:/(\d{{1,2}}))?", re.ASCII)
_V6 = re.compile(r"([^%/]+)(?:%[^/]*)?(?:/(\d{1,3}))?", re.ASCII)
_MAPPED = 0xFFFF << 32
"""Where an IPv4 address stands among those of IPv6: ``::ffff:a.b.c.d``."""


def _v4(text: str) -> tuple[int, int] | None:
    """(address, prefix length) of an IPv4 address with or without a prefix; octets have no leading zeros."""
    match = _V4.fullmatch(text.strip())
    length = int(match[2]) if match and match[2] else 32
    return (int(ipaddress.IPv4Address(match[1])), length) if match and length <= 32 else None


def _v6(text: str) -> tuple[int, int] | None:
    """The same of an IPv6 or IPv4 address, which is mapped, ``::a.b.c.d`` too. The prefix of one that ends as IPv4 does counts its 32 bits:
    learn.microsoft.com/kusto/query/parse-ipv6-mask-function, "Example"."""
    match = _V6.fullmatch(text.strip())
    if match is None:
        return None
    try:
        value = int(ipaddress.ip_address(match[1]))
    except ValueError:
        return None
    dotted = "." in match[1]
    if dotted and value >> 32 == 0:
        value |= _MAPPED
    most = 32 if dotted else 128
    length = int(match[2]) if match[2] else most
    return (value, length + 128 - most) if length <= most else None


def _cut(value: int, prefix: int, bits: int) -> int:
    shift = bits - max(0, min(prefix, bits))
    return value >> shift << shift


def _compare(read: object, bits: int, a: str, b: str, prefix: int) -> int | None:
    reader = _v4 if bits == 32 else _v6
    first, second = reader(a), reader(b)
    if first is None or second is None:
        return None
    shortest = min(first[1], second[1], prefix)
    if not 0 <= prefix <= bits:
        return None
    x, y = _cut(first[0], shortest, bits), _cut(second[0], shortest, bits)
    return (x > y) - (x < y)


@F.scalar("ipv4_compare(ip1: string, ip2: string, prefix: long?) -> long")
def ipv4_compare(a: str, b: str, prefix: int = 32) -> int | None:
    return _compare(None, 32, a, b, prefix)


@F.scalar("ipv4_is_match(ip1: string, ip2: string, prefix: long?) -> bool")
def ipv4_is_match(a: str, b: str, prefix: int = 32) -> bool | None:
    found = ipv4_compare(a, b, prefix)
    return None if found is None else found == 0


@F.scalar("ipv6_compare(ip1: string, ip2: string, prefix: long?) -> long")
def ipv6_compare(a: str, b: str, prefix: int = 128) -> int | None:
    return _compare(None, 128, a, b, prefix)


@F.scalar("ipv6_is_match(ip1: string, ip2: string, prefix: long?) -> bool")
def ipv6_is_match(a: str, b: str, prefix: int = 128) -> bool | None:
    found = ipv6_compare(a, b, prefix)
    return None if found is None else found == 0


def _in_range(read: object, bits: int, address: str, network: str) -> bool | None:
    reader = _v4 if bits == 32 else _v6
    first, second = reader(address), reader(network)
    if first is None or second is None:
        return None
    return _cut(first[0], second[1], bits) == _cut(second[0], second[1], bits)


@F.scalar("ipv4_is_in_range(ip: string, ip_range: string) -> bool")
def ipv4_is_in_range(address: str, network: str) -> bool | None:
    return _in_range(None, 32, address, network)


@F.scalar("ipv6_is_in_range(ip: string, ip_range: string) -> bool")
def ipv6_is_in_range(address: str, network: str) -> bool | None:
    return _in_range(None, 128, address, network)


def _flat(values: tuple[Dynamic, ...]) -> list[str]:
    return [text_of(v) for value in values for v in (value if isinstance(value, list) else [value])]


@F.scalar(
    "ipv4_is_in_any_range(ip: string, ranges: string+) -> bool", "ipv4_is_in_any_range(ip: string, ranges: array) -> bool", shapes=True
)
def ipv4_is_in_any_range(address: str, *networks: Dynamic) -> bool | None:
    found = [ipv4_is_in_range(address, n) for n in _flat(networks)]
    return True if True in found else None if None in found else False


@F.scalar(
    "ipv6_is_in_any_range(ip: string, ranges: string+) -> bool", "ipv6_is_in_any_range(ip: string, ranges: array) -> bool", shapes=True
)
def ipv6_is_in_any_range(address: str, *networks: Dynamic) -> bool | None:
    found = [ipv6_is_in_range(address, n) for n in _flat(networks)]
    return True if True in found else None if None in found else False


@F.scalar("ipv4_is_private(ip: string) -> bool")
def ipv4_is_private(address: str) -> bool | None:
    if _v4(address) is None:
        return None
    return any(ipv4_is_in_range(address, n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


@F.scalar("ipv4_netmask_suffix(ip: string) -> long")
def ipv4_netmask_suffix(address: str) -> int | None:
    found = _v4(address)
    return found[1] if found else None


@F.scalar("parse_ipv4(ip: string) -> long")
def parse_ipv4(address: str) -> int | None:
    found = _v4(address)
    return _cut(found[0], found[1], 32) if found else None


@F.scalar("parse_ipv4_mask(ip: string, prefix: long) -> long")
def parse_ipv4_mask(address: str, prefix: int) -> int | None:
    found = _v4(address)
    return _cut(found[0], min(found[1], prefix), 32) if found and 0 <= prefix <= 32 else None


def _expanded(value: int) -> str:
    return ipaddress.IPv6Address(value).exploded


@F.scalar("parse_ipv6(ip: string) -> string")
def parse_ipv6(address: str) -> str:
    found = _v6(address)
    return _expanded(_cut(found[0], found[1], 128)) if found else ""


@F.scalar("parse_ipv6_mask(ip: string, prefix: long) -> string")
def parse_ipv6_mask(address: str, prefix: int) -> str:
    found = _v6(address)
    return _expanded(_cut(found[0], min(found[1], prefix), 128)) if found and 0 <= prefix <= 128 else ""


def _number(address: Dynamic) -> tuple[int, int] | None:
    if isinstance(address, int) and not isinstance(address, bool):
        return (address, 32) if 0 <= address < 1 << 32 else None
    return _v4(text_of(address))


@F.scalar("format_ipv4(ip: scalar, prefix: long?) -> string")
def format_ipv4(address: Dynamic, prefix: int = 32) -> str:
    found = _number(address)
    return str(ipaddress.IPv4Address(_cut(found[0], min(found[1], prefix), 32))) if found and 0 <= prefix <= 32 else ""


@F.scalar("format_ipv4_mask(ip: scalar, prefix: long) -> string")
def format_ipv4_mask(address: Dynamic, prefix: int = 32) -> str:
    found = _number(address)
    if not found or not 0 <= prefix <= 32:
        return ""
    length = min(found[1], prefix)
    return f"{ipaddress.IPv4Address(_cut(found[0], length, 32))}/{length}"


_ADDRESS = re.compile(rf"(?<![{LETTERS}])(?<![0-9]\.)[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}(?![{LETTERS}])(?!\.[0-9])")
"""Letters and digits, which are those of terms, do not delimit an address: learn.microsoft.com/kusto/query/has-ipv4-function."""


def _addresses(source: str) -> list[str]:
    return [a for a in _ADDRESS.findall(source) if _v4(a)]


@F.scalar("has_ipv4(source: string, ip: string) -> bool", shapes=True)
def has_ipv4(source: str, address: str) -> bool:
    return address in _addresses(source)


@F.scalar("has_any_ipv4(source: string, ips: string+) -> bool", "has_any_ipv4(source: string, ips: array) -> bool", shapes=True)
def has_any_ipv4(source: str, *addresses: Dynamic) -> bool:
    return bool(set(_flat(addresses)) & set(_addresses(source)))


def _has_prefix(source: str, prefixes: list[str]) -> bool:
    return any(a == p or (a.startswith(p) and p.endswith(".")) for a in _addresses(source) for p in prefixes)


@F.scalar("has_ipv4_prefix(source: string, ip_prefix: string) -> bool", shapes=True)
def has_ipv4_prefix(source: str, prefix: str) -> bool:
    return _has_prefix(source, [prefix])


@F.scalar(
    "has_any_ipv4_prefix(source: string, ip_prefixes: string+) -> bool",
    "has_any_ipv4_prefix(source: string, ip_prefixes: array) -> bool",
    shapes=True,
)
def has_any_ipv4_prefix(source: str, *prefixes: Dynamic) -> bool:
    return _has_prefix(source, _flat(prefixes))


@F.scalar("ipv4_range_to_cidr_list(start_ip: string, end_ip: string) -> dynamic")
def ipv4_range_to_cidr_list(first: str, last: str) -> Dynamic:
    low, high = _v4(first), _v4(last)
    if low is None or high is None or low[0] > high[0]:
        return None
    found = ipaddress.summarize_address_range(ipaddress.IPv4Address(low[0]), ipaddress.IPv4Address(high[0]))
    return [str(n) for n in found]


F.declare("geo_info_from_ip_address(ip: string) -> dynamic")


F.unsupported(
    """
    __ipv6_lookup_ranges(ip: scalar, ranges: array) -> dynamic
    """
)
