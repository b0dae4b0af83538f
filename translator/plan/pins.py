"""The values that a predicate allows for a column."""

from __future__ import annotations

from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Value, conjuncts, items_of

Pins = dict[str, frozenset[Value]]
"""The values that a predicate allows for a column, by its name."""


def pins_of(predicate: Expr) -> Pins:
    """What the members of a conjunction pin columns to, each by values of one column alone."""
    found: Pins = {}
    for part in conjuncts(predicate):
        if (pinned := _pinned(part)) is not None:
            name, values = pinned
            found[name] = values & found.get(name, values)
    return found


def _pinned(part: Expr) -> tuple[str, frozenset[Value]] | None:
    """The column that a condition asks for one of some values, and nothing else; None where it asks for more or less."""
    match part:
        case Apply(function="or", args=args):
            each = [_pinned(a) for a in args]
            names = {pinned[0] for pinned in each if pinned is not None}
            values = frozenset(v for pinned in each if pinned is not None for v in pinned[1])
            return (names.pop(), values) if len(names) == 1 and None not in each else None
        case Apply(function="==" | "=~" | "in" | "in~", args=(ColumnRef(column=column), operand)) if column.table is not None:
            listed = constants(operand)
            return (column.name, frozenset(listed)) if listed is not None else None
    return None


def fixed_columns(predicate: Expr) -> frozenset[str]:
    """The columns that have one value in all that a predicate selects."""
    return frozenset(name for name, values in pins_of(predicate).items() if len(values) == 1)


def constants(operand: Expr) -> list[Value] | None:
    """The values of an operand that is made of constants; None where it is not."""
    items = items_of(operand)
    values = [i.value for i in items if isinstance(i, Const)]
    return values if len(values) == len(items) and None not in values else None
