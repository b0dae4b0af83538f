"""CASE, COALESCE, GREATEST and LEAST, whose branches have one type.

Facts: "ES|QL conditional functions and expressions" (elastic.co/docs/reference/query-languages/esql/functions-operators/
conditional-functions-and-expressions; a condition that is null is false, GREATEST of several values is that of all of them); numbers
become of the type of the first of them, which has to be the widest (Analyzer.java, castMixedNumericTypes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from translator.verify.esql.functions import Compiled, Function, Given
from translator.verify.esql.types import DATES, NUMBERS, Value, alike, order_of, several
from translator.verify.reading import NotReadable, Row


def _shared(given: Given, branches: Sequence[Compiled]) -> tuple[str, list[Callable[[Row], Value]]]:
    """The type that branches share, and what they are in it."""
    kinds = {b.type for b in branches}
    if kinds <= {*NUMBERS, "null"} and "unsigned_long" not in kinds:
        kind = next((b.type for b in branches if b.type != "null"), "null")
        for number, branch in enumerate(branches):
            if branch.type != "null" and NUMBERS.index(branch.type) > NUMBERS.index(kind):
                raise given.rejected(f"branch {number + 1} is {branch.type}, where the first number is {kind}")
        return kind, [_as_double(b) if kind == "double" and b.type != "double" else b.of for b in branches]
    kind = "null"
    for number, branch in enumerate(branches):
        if {kind, branch.type} == set(DATES):
            raise NotReadable(f"{given.name} of date and date_nanos", given.at)
        if not alike(kind, branch.type):
            raise given.rejected(f"branch {number + 1} is {branch.type}, where others are {kind}")
        kind = branch.type if kind == "null" else kind
    return "keyword" if kind == "text" else kind, [b.of for b in branches]


def _as_double(compiled: Compiled) -> Callable[[Row], Value]:
    def of(row: Row) -> Value:
        value = compiled.of(row)
        return [float(v) for v in value] if isinstance(value, list) else None if value is None else float(value)

    return of


def _case(given: Given) -> Compiled:
    if len(given.args) < 2:
        raise given.rejected("has no value")
    pairs = given.args[: len(given.args) // 2 * 2]
    for condition in pairs[::2]:
        if condition.type not in ("boolean", "null"):
            raise given.rejected(f"a condition has to be boolean, and is {condition.type}")
    branches = [*pairs[1::2], *given.args[len(pairs) :]]
    kind, values = _shared(given, branches)
    conditions = [c.of for c in pairs[::2]]

    def of(row: Row) -> Value:
        for condition, value in zip(conditions, values, strict=False):
            if condition(row) is True:
                return value(row)
        return values[-1](row) if len(values) > len(conditions) else None

    return Compiled(kind, of, all(a.constant for a in given.args))


def _coalesce(given: Given) -> Compiled:
    if not given.args:
        raise given.rejected("has no value")
    kind, values = _shared(given, given.args)

    def of(row: Row) -> Value:
        for value in values:
            found = value(row)
            if found is not None:
                return found
        return None

    return Compiled(kind, of, all(a.constant for a in given.args))


def _extreme(pick: Callable[..., Value]) -> Function:
    def function(given: Given) -> Compiled:
        if not given.args:
            raise given.rejected("has no value")
        kind, values = _shared(given, given.args)

        def of(row: Row) -> Value:
            found = [several(value(row)) for value in values]
            return pick((v for f in found for v in f), key=lambda v: order_of(kind, v)) if all(found) else None

        return Compiled(kind, of, all(a.constant for a in given.args))

    return function


FUNCTIONS: dict[str, Function] = {"CASE": _case, "COALESCE": _coalesce, "GREATEST": _extreme(max), "LEAST": _extreme(min)}
