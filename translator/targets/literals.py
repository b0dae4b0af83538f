"""Literals and comparisons as the type of a product's field wants them."""

from __future__ import annotations

import ipaddress

from translator.plan.conditions import EQUALITIES, ORDERS
from translator.plan.expressions import FALSE, Apply, ColumnRef, Const, Expr, Items, Path, const, disjunction, items_of, rebuild, transform
from translator.plan.types import Type
from translator.targets.names import IN_DOCUMENT, TEXTS

_NUMBERS = frozenset({"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"})


def one_of(subject: Expr, items: tuple[Expr, ...], atom: Expr, case: str = "") -> Apply:
    """That a field has one of these values; ``case`` is ``~`` where it does not matter."""
    operand = items[0] if len(items) == 1 else Items(None, Type.DYNAMIC, items)
    single = "=~" if case else "=="
    return Apply(atom.span, Type.BOOL, single if len(items) == 1 else f"in{case}", (subject, operand))


def typed(atom: Apply, subject: Expr) -> Expr:
    """A comparison with literals of the field's type; false where the type makes it impossible."""
    base = subject.base if isinstance(subject, Path) else subject
    kind = base.column.stored if isinstance(base, ColumnRef) else ""
    if len(atom.args) != 2 or atom.function not in EQUALITIES | ORDERS or not kind:
        return atom
    items = items_of(atom.args[1])
    if not all(isinstance(i, Const) for i in items):
        return atom
    converted = [_literal(i, kind) for i in items if isinstance(i, Const)]
    kept = [c for c in converted if c is not None]
    text = kind in TEXTS | IN_DOCUMENT
    function = atom.function if text else {"=~": "==", "in~": "in"}.get(atom.function, atom.function)
    if atom.function in ORDERS:
        return atom if kept != converted or text else Apply(atom.span, atom.type, function, (subject, *kept))
    if not kept:
        return FALSE
    single = {"in": "==", "in~": "=~"}.get(function, function)
    if len(kept) == 1:
        return Apply(atom.span, atom.type, single, (subject, kept[0]))
    return Apply(atom.span, atom.type, function, (subject, Items(atom.args[1].span, Type.DYNAMIC, tuple(kept))))


def numeric(atom: Apply, subject: Expr) -> Expr:
    """A comparison of a field of numbers in Splunk, where the table of values has them as texts."""
    if not (isinstance(subject, ColumnRef) and subject.column.stored == "number"):
        return atom

    def number(node: Expr) -> Expr:
        text = str(node.value) if isinstance(node, Const) else ""
        return const(int(text)) if text.isdigit() else node

    return rebuild(atom, (subject, transform(atom.args[1], number)))


def _literal(value: Const, kind: str) -> Const | None:
    """A literal as a field of that type compares it; None where no value of the field can equal it."""
    given = value.value
    text = ("true" if given else "false") if isinstance(given, bool) else str(given)
    if value.type in (Type.DATETIME, Type.TIMESPAN) or given is None:
        return value
    if kind in _NUMBERS:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return value
        try:
            return const(int(text), span=value.span)
        except ValueError:
            return None
    if kind == "boolean":
        found = {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
        return None if found is None else const(found, span=value.span)
    if kind == "ip":
        address = canonical_address(text)
        return None if address is None else value if address == text else const(address, span=value.span)
    return const(text, Type.STRING, value.span) if kind in TEXTS else value


def canonical_address(text: str) -> str | None:
    """An address as a field of the type ip gives it back: RFC 5952, section 4, and IPv4 where it is mapped; None for what is no address."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def merged(predicate: Expr) -> Expr:
    """Alternatives of one address field as a list: EQL takes no two of them beside each other."""

    def merge(node: Expr) -> Expr:
        if not (isinstance(node, Apply) and node.function == "or"):
            return node
        lists: dict[Expr, list[Expr]] = {}
        rest: list[Expr] = []
        for part in node.args:
            match part:
                case Apply(function="==" | "in", args=(ColumnRef(column=column) as address, operand)) if column.stored == "ip":
                    lists.setdefault(address, []).extend(items_of(operand))
                case _:
                    rest.append(part)
        rest += [one_of(subject, tuple(dict.fromkeys(items)), node) for subject, items in lists.items()]
        return disjunction(*rest) if lists else node

    return transform(predicate, merge)
