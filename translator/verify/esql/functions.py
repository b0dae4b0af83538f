"""What a function is: which arguments it takes, what it gives, and how it is run.

A signature is written as the reference writes it: ``SUBSTRING(text, integer, integer?) keyword``. Where a parameter takes no text, a
literal of text stands for the type that it takes ("Implicit casting",
elastic.co/docs/reference/query-languages/esql/esql-implicit-casting). A function of several values or of null is null unless its page says
otherwise ("Multivalued fields"); a number that its type does not have is null, with a warning ("ES|QL math functions").
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from translator.verify.esql import times
from translator.verify.esql.syntax import Expression, Literal
from translator.verify.esql.types import DATES, NUMBERS, RANGES, TEXTS, Rejected, Value, alike, double_of, ip_of, whole_of
from translator.verify.reading import NotReadable, Row


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression whose types fit: its type, what it is for a row, and whether it is the same for all rows."""

    type: str
    of: Callable[[Row], Value]
    constant: bool = False

    @property
    def value(self) -> Value:
        """The value of one that is constant."""
        return self.of({})


def constant(kind: str, value: Value) -> Compiled:
    """An expression that is the same for every row."""
    return Compiled(kind, lambda _: value, True)


@dataclass(frozen=True, slots=True)
class Given:
    """A call: its name, its arguments compiled and as they are written, where it stands, and the time in milliseconds, if it is known."""

    name: str
    args: tuple[Compiled, ...]
    nodes: tuple[Expression, ...]
    at: int
    now: int | None

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the arguments."""
        return tuple(a.type for a in self.args)

    def rejected(self, what: str) -> Rejected:
        """What the function refuses, with its place in the query."""
        return Rejected(f"{self.name}: {what}", self.at)

    def literal(self, index: int) -> Value:
        """The value of an argument that has to be constant."""
        if not self.args[index].constant:
            raise self.rejected(f"argument {index + 1} has to be constant")
        return self.args[index].value


Function: TypeAlias = Callable[[Given], Compiled]

CLASSES: Mapping[str, tuple[str, ...]] = {
    "text": TEXTS, "number": NUMBERS, "whole": NUMBERS[:3], "integer": ("integer",), "long": ("integer", "long"), "date": DATES,
    "moment": (*DATES, *TEXTS), "boolean": ("boolean",), "ip": ("ip",), "version": ("version",),
    "span": ("date_period", "time_duration"),
    "json": (*TEXTS, "_source"),
    "any": (*NUMBERS, *TEXTS, *DATES, "boolean", "ip", "version"),
}  # fmt: skip
"""Types by the words of signatures."""

_CAST = {
    **{word: word for word in ("date", "ip", "version", "boolean", "span", "integer", "long")}, "number": "double", "whole": "long",
}  # fmt: skip
"""What a literal of text becomes by the word of a parameter (EsqlFunctionRegistry.java, DATA_TYPE_CASTING_PRIORITY)."""


def cast_literal(compiled: Compiled, node: Expression, kind: str) -> Compiled:
    """A literal of text as one of another type; what is no such literal stays as it is.

    Raises:
        Rejected: where its text is none of that type.
    """
    if not isinstance(node, Literal) or compiled.type != "keyword":
        return compiled
    texts = node.value if isinstance(node.value, tuple) else (node.value,)
    found = [_read(str(text), kind) for text in texts]
    if any(f is None for f in found):
        raise Rejected(f"cannot convert {node.value!r} to {kind}", node.start)
    made = found[0] if len(found) == 1 else found
    return constant(made.type if isinstance(made, times.Span) else kind, made)


def _read(text: str, kind: str) -> Value:
    match kind:
        case "date":
            return times.parsed(text)
        case "date_nanos":
            found = times.parsed(text)
            return None if found is None else found * 1_000_000
        case "ip":
            return ip_of(text)
        case "boolean":
            return {"true": True, "false": False}.get(text.lower())
        case "span":
            return times.span_of(text)
        case "double":
            return double_of(text)
        case "integer" | "long":
            return None if (number := double_of(text)) is None else whole_of(number, kind)
    return text


_SIGNATURE = re.compile(r"(\w+)\((.*)\) (\w+)")


def fitted(signature: str, given: Given) -> tuple[Given, str]:
    """A call whose literals have the types that its signature wants, and the type of its result.

    Raises:
        Rejected: where number or types of the arguments do not fit.
    """
    found = _SIGNATURE.fullmatch(signature)
    assert found is not None, signature
    params = [p.strip() for p in found[2].split(",") if p.strip()]
    least = sum(not p.endswith(("?", "*")) for p in params)
    endless = bool(params) and params[-1].endswith(("...", "*"))
    if len(given.args) < least or (len(given.args) > len(params) and not endless):
        raise given.rejected(f"has {len(given.args)} arguments, and takes {found[2] or 'none'}")
    args = []
    for number, (arg, node) in enumerate(zip(given.args, given.nodes, strict=True)):
        word = params[min(number, len(params) - 1)].rstrip("?.*")
        if word in _CAST:
            arg = cast_literal(arg, node, _CAST[word])
        if arg.type not in CLASSES[word] and arg.type != "null":
            raise given.rejected(f"argument {number + 1} has to be {word}, and is {arg.type}")
        args.append(arg)
    fit = Given(given.name, tuple(args), given.nodes, given.at, given.now)
    if found[3] != "same":
        return fit, found[3]
    first = fit.types[0] if fit.args else "null"
    return fit, "keyword" if first == "text" else first


def held(kind: str, value: Value) -> Value:
    """A result, or None where its type does not have it."""
    if kind == "double" and value is not None:
        return float(value) if math.isfinite(value) else None
    return None if kind in RANGES and value is not None and not RANGES[kind][0] <= value <= RANGES[kind][1] else value


def applied(given: Given, kind: str, run: Callable[..., Value]) -> Compiled:
    """A function of single values: null where one is null, or one has several."""
    parts = tuple(a.of for a in given.args)

    def of(row: Row) -> Value:
        values = [part(row) for part in parts]
        for value in values:
            if value is None or isinstance(value, list):
                return None
        try:
            return held(kind, run(*values))
        except (OverflowError, ZeroDivisionError):
            return None

    if "null" in given.types:
        return constant(kind, None)
    return Compiled(kind, of, all(a.constant for a in given.args))


def scalar(signature: str, run: Callable[..., Value]) -> tuple[str, Function]:
    """A function by its signature and what it makes of single values."""

    def function(given: Given) -> Compiled:
        fit, kind = fitted(signature, given)
        return applied(fit, kind, run)

    return signature.partition("(")[0], function


def refused(*names: str) -> dict[str, Function]:
    """Functions that are known, and not run here."""

    def function(given: Given) -> Compiled:
        raise NotReadable(f"the function {given.name}", given.at)

    return dict.fromkeys(names, function)


def same_type(given: Given, numbers: tuple[int, ...]) -> str:
    """The type that arguments share. Raises Rejected where they have none in common."""
    kind = "null"
    for number in numbers:
        found = given.types[number]
        if not alike(kind, found):
            raise given.rejected(f"argument {number + 1} is {found}, where others are {kind}")
        kind = found if kind == "null" else kind
    return "keyword" if kind == "text" else kind
