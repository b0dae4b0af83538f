"""Tests of addresses against networks that are known, as one operator."""

from __future__ import annotations

import ipaddress

from translator.plan.expressions import FALSE, Apply, Const, Expr, Items, const, items_of
from translator.plan.types import Type
from translator.regex.terms import LETTERS

PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""learn.microsoft.com/kusto/query/ipv4-is-private-function."""


def address_test(expr: Expr) -> Expr:
    """A test of an address against known networks, as one operator. Of what is no address KQL's tests are null and this one false."""
    match expr:
        case Apply(function="ipv4_is_private", args=(subject,)):
            networks: tuple[str, ...] = PRIVATE_NETWORKS
        case Apply(function="ipv4_is_in_range" | "ipv4_is_in_any_range", args=(subject, *rest)):
            flat = [i for r in rest for i in items_of(r)]
            networks = tuple(str(i.value) for i in flat if isinstance(i, Const) and isinstance(i.value, str) and _is_network(i.value))
            if len(networks) != len(flat):
                return expr
        case (
            Apply(function="ipv4_is_match", args=(Const(value=str(network)), subject, *mask))
            | Apply(function="ipv4_is_match", args=(subject, Const(value=str(network)), *mask))
        ):
            length = mask[0].value if mask and isinstance(mask[0], Const) else None
            networks = (f"{network}/{length}" if length is not None and "/" not in network else network,)
            if isinstance(subject, Const) or (mask and length is None) or (mask and "/" in network) or not _is_network(networks[0]):
                return expr
        case _:
            return expr
    return Apply(expr.span, Type.BOOL, "cidr", (subject, Items(expr.span, Type.DYNAMIC, tuple(const(_network(n)) for n in networks))))


_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_BEFORE = rf"(?:^|[^{LETTERS}.]|(?:^|[^0-9])\.)"
_BEHIND = rf"(?:\.[^0-9]|\.$|[^{LETTERS}.]|$)"


def address_within(expr: Expr) -> Expr:
    """The search of a text for known addresses, or for some that begin as known ones do, as a regular expression.

    Sources: learn.microsoft.com/kusto/query/has-ipv4-function, has-ipv4-prefix-function.
    """
    match expr:
        case Apply(function="has_ipv4" | "has_any_ipv4" | "has_ipv4_prefix" | "has_any_ipv4_prefix" as function, args=(source, *rest)):
            flat = [i for r in rest for i in items_of(r)]
            wanted = [i.value for i in flat if isinstance(i, Const) and isinstance(i.value, str)]
        case _:
            return expr
    if source.type not in (Type.STRING, Type.UNKNOWN) or isinstance(source, Const) or len(wanted) < len(flat):
        return expr
    found = [regex for text in dict.fromkeys(wanted) if (regex := _searched(text, function.endswith("prefix")))]
    if not found:
        return FALSE
    either = found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"
    return Apply(expr.span, Type.BOOL, "matches regex", (source, const(_BEFORE + either + _BEHIND)))


def _searched(text: str, begins: bool) -> str:
    """The regular expression of an address, or of all that begin so; empty where there is none."""
    octets = text.removesuffix(".").split(".") if begins else text.split(".")
    missing = 4 - len(octets)
    if not all(o.isascii() and o.isdecimal() and str(int(o)) == o and int(o) < 256 for o in octets) or missing < 0:
        return ""
    if bool(missing) != text.endswith("."):
        return ""
    return r"\.".join([*octets, *([_OCTET] * missing)])


def _network(text: str) -> str:
    """A network as all products read it: with the length of its mask, and without what that leaves out."""
    return str(ipaddress.IPv4Network(text, strict=False))


def _is_network(text: str) -> bool:
    try:
        ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return True
