"""The values that a predicate allows for a column."""

from __future__ import annotations

from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Value, conjuncts, items_of

Pins = dict[str, frozenset[Value]]
"""The values that a predicate allows for a column, by its name."""


def pins_of(predicate: Expr) -> Pins:
    """What the members of a conjunction pin columns to."""
    found: Pins = {}
    for part in conjuncts(predicate):
        match part:
            case Apply(function="==" | "=~" | "in" | "in~", args=(ColumnRef(column=column), operand)) if column.table is not None:
                values = constants(operand)
                if values is not None:
                    found[column.name] = frozenset(values) & found.get(column.name, frozenset(values))
    return found


def fixed_columns(predicate: Expr) -> frozenset[str]:
    """The columns that have one value in all that a predicate selects."""
    return frozenset(name for name, values in pins_of(predicate).items() if len(values) == 1)


def constants(operand: Expr) -> list[Value] | None:
    """The values of an operand that is made of constants; None where it is not."""
    items = items_of(operand)
    values = [i.value for i in items if isinstance(i, Const)]
    return values if len(values) == len(items) and None not in values else None
