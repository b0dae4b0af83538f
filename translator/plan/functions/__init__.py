"""The registry: every function, aggregate, operator and plugin of KQL, each declared once in the module of its family."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache

from translator.plan.functions.declare import ACCEPTED, Function, Signature, types_of
from translator.plan.types import Type

FAMILIES = (
    "operators", "strings", "conversions", "datetimes", "maths", "dynamics", "network", "encoding", "aggregation", "sketches", "series",
    "windows", "geo", "graph", "system", "evaluation",
)  # fmt: skip
CONVERSIONS = {
    Type.BOOL: "tobool", Type.INT: "toint", Type.LONG: "tolong", Type.REAL: "todouble", Type.DECIMAL: "todecimal", Type.STRING: "tostring",
    Type.DATETIME: "todatetime", Type.TIMESPAN: "totimespan", Type.GUID: "toguid",
}  # fmt: skip
"""The function that makes a value of a type."""
_NUMBERS = (Type.INT, Type.LONG, Type.REAL, Type.DECIMAL)


@cache
def functions() -> dict[str, Function]:
    """Scalar functions and operators by name."""
    return {f.name: f for f in declared() if f.kind in ("function", "operator")}


@cache
def aggregates() -> dict[str, Function]:
    """Aggregates by name."""
    return {f.name: f for f in declared() if f.kind == "aggregate"}


@cache
def plugins() -> dict[str, Function]:
    """Plugins of ``evaluate`` by name."""
    return {f.name: f for f in declared() if f.kind == "plugin"}


@cache
def declared() -> tuple[Function, ...]:
    """Every declaration, family by family."""
    modules = (importlib.import_module(f"translator.plan.functions.{name}") for name in FAMILIES)
    return tuple(function for module in modules for function in module.F.functions)


def find(name: str) -> Function | None:
    """The scalar function, operator or aggregate of that name."""
    return aggregates().get(name) or functions().get(name)


def canonical(name: str) -> str:
    """Today's name of a function that has an older one too."""
    known = find(name)
    return known.alias if known and known.alias else name


def widest(types: Sequence[Type]) -> Type:
    """The number type that holds all of ``types``: integers become long."""
    for kind in (Type.DECIMAL, Type.REAL):
        if kind in types:
            return kind
    return Type.LONG if any(t in (Type.INT, Type.LONG) for t in types) else types[0] if types else Type.UNKNOWN


def common(types: list[Type]) -> Type:
    """The type that all of ``types`` have in common, dynamic and unknown ones aside where others are known."""
    known = [t for t in types if t not in (Type.DYNAMIC, Type.UNKNOWN)]
    if not known:
        return Type.DYNAMIC if Type.DYNAMIC in types else Type.UNKNOWN
    return widest(known) if all(t in _NUMBERS for t in known) and len(set(known)) > 1 else known[0]


def _of_branches(types: list[Type]) -> Type:
    """The type of what is chosen among values of some types: dynamic where these have none in common. Source: Kusto.Language 12.4.1."""
    known = {t for t in types if t not in (Type.DYNAMIC, Type.UNKNOWN)}
    return Type.DYNAMIC if len(known) > 1 and not known <= set(_NUMBERS) else common(types)


def _fits(kind: str, given: Type) -> bool:
    if kind == given.value or given == Type.UNKNOWN:
        return True
    match kind:
        case "long" | "integer":
            return given in (Type.INT, Type.LONG)
        case "real" | "number":
            return given in _NUMBERS
        case "summable":
            return given in (*_NUMBERS, Type.DATETIME, Type.TIMESPAN)
        case "array" | "bag" | "dynamic":
            return given == Type.DYNAMIC
        case "bool" | "string" | "datetime" | "timespan" | "guid" | "decimal" | "int" | "type":
            return False
    return True


def overload(function: Function, types: list[Type]) -> Signature:
    """The signature that takes arguments of these types, else the first that takes as many."""
    able = [s for s in function.signatures if s.least <= len(types) and (s.most is None or len(types) <= s.most)] or function.signatures[:1]
    return next((s for s in able if all(_fits(s.kind(i, types), t) for i, t in enumerate(types))), able[0])


def unfitting(function: Function, types: Sequence[Type]) -> tuple[int, tuple[str, ...]] | None:
    """The place, from 0, of the first argument that no signature takes along with those before it, and the kinds that they take there.

    None where a signature takes them all: an argument of unknown type fits everywhere, and so do arguments whose number no signature has.
    """
    found: dict[int, dict[str, None]] = {}
    for signature in function.taking(len(types)):
        kinds = [signature.kind(i, types) for i in range(len(types))]
        wrong = (i for i, (k, t) in enumerate(zip(kinds, types, strict=True)) if t is not Type.UNKNOWN and t not in ACCEPTED.get(k, {t}))
        place = next(wrong, None)
        if place is None:
            return None
        found.setdefault(place, {})[kinds[place]] = None
    return (last := max(found), tuple(found[last])) if found else None


def result_type(name: str, types: list[Type], literal: str | None = None) -> Type:
    """The type of a call. ``literal`` is the text of its last argument where that is a type."""
    function = find(name)
    if function is None:
        return Type.UNKNOWN
    result = overload(function, types).result
    first = types[0] if types else Type.UNKNOWN
    match result:
        case "first":
            return first
        case "second":
            return types[1] if len(types) > 1 else Type.UNKNOWN
        case "promoted":
            return Type.LONG if first == Type.INT else first
        case "widest":
            return widest(types)
        case "common":
            if name in ("iff", "iif"):
                return _of_branches(types[1:])
            if name == "case":
                return _of_branches([*types[1:-1:2], *types[-1:]])
            return Type.DYNAMIC if name == "coalesce" and Type.DYNAMIC in types else common(types)
        case "literal":
            from translator.plan.types import type_of

            return type_of(literal or "string")
    if result.startswith("("):
        return types_of(result)[0][1]
    try:
        return Type(result)
    except ValueError:
        return Type.UNKNOWN


__all__ = [
    "Function", "aggregates", "canonical", "common", "declared", "find", "functions", "overload", "plugins", "result_type", "types_of", "unfitting", "widest",
]  # fmt: skip
