"""Tests of addresses against networks that are known, as one operator."""

from __future__ import annotations

import ipaddress

from translator.plan.expressions import Apply, Const, Expr, Items, const
from translator.plan.types import Type

PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""learn.microsoft.com/kusto/query/ipv4-is-private-function."""


def address_test(expr: Expr) -> Expr:
    """A test of an address against known networks, as one operator. Of what is no address KQL's tests are null and this one false."""
    match expr:
        case Apply(function="ipv4_is_private", args=(subject,)):
            networks: tuple[str, ...] = PRIVATE_NETWORKS
        case Apply(function="ipv4_is_in_range" | "ipv4_is_in_any_range", args=(subject, *rest)):
            flat = [i for r in rest for i in (r.items if isinstance(r, Items) else (r,))]
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


def _network(text: str) -> str:
    """A network as all products read it: with the length of its mask, and without what that leaves out."""
    return str(ipaddress.IPv4Network(text, strict=False))


def _is_network(text: str) -> bool:
    try:
        ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return True
