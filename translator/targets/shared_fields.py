"""Columns of a table that are one field of the product: where that makes a difference to what is asked of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set

from translator.catalog import Counterpart, Stored
from translator.plan.conditions import EQUALITIES, is_field
from translator.plan.expressions import Apply, Expr, conjuncts, walk
from translator.targets.stored_values import column_name

OF_PARTS = frozenset({"contains", "has", "hasprefix", "hassuffix"})
"""Operators that find in a text what they find in a part of it that marks set off."""


def shared_fields(
    predicate: Expr, values: Iterable[Expr], counterpart: Callable[[Expr], Counterpart | None]
) -> Iterator[tuple[str, list[str], Expr]]:
    """The fields that several columns are, of which more is asked than that any of these has a value.

    Args:
        predicate: what is asked of events.
        values: what events are grouped by, and what is counted of them.
        counterpart: what the product has for a column.

    Returns:
        Of each: its name, the names of its columns, and the first of these as it stands in the query.
    """
    of_values = [_fields_in(x) for x in values]
    of_parts = {part: _fields_in(part) for part in conjuncts(predicate)}
    found: dict[str, dict[str, Expr]] = {}
    marked = {c for of in of_parts.values() for c in of}.difference(*of_values)
    for column in dict.fromkeys(itertools.chain(*of_parts.values(), *of_values)):
        stored = counterpart(column)
        if isinstance(stored, Stored) and not (column in marked and stored.form.removesuffix("{value}")):  # its mark tells it from others
            found.setdefault(stored.name, {}).setdefault(column_name(column), column)
    for name, columns in found.items():
        if len(columns) > 1 and not _stand_for_each_other(of_values, of_parts, columns.values()):
            yield name, list(columns), next(iter(columns.values()))


def _stand_for_each_other(
    values: Iterable[Mapping[Expr, None]], parts: Mapping[Expr, Mapping[Expr, None]], columns: Collection[Expr]
) -> bool:
    """Whether some columns stand for each other: in one value, or in alternatives of which each asks one of them for a value.

    Args:
        values: the fields of each value.
        parts: the same of each condition.
    """
    wanted = {*columns}
    return all(wanted <= of.keys() or wanted.isdisjoint(of) for of in values) and all(
        (wanted <= of.keys() and _asks_any(part, wanted)) or wanted.isdisjoint(of) for part, of in parts.items()
    )


def _asks_any(part: Expr, columns: Set[Expr]) -> bool:
    """Whether a condition has alternatives, each of which asks one of some columns, and refuses none."""
    if not (isinstance(part, Apply) and part.function == "or"):
        return False
    for asked in part.args:
        match asked:
            case Apply(function="not", args=(Apply(function="isempty" | "isnull"),)):
                pass
            case Apply(function=function) if function in EQUALITIES | OF_PARTS | {"startswith", "endswith"}:
                pass
            case _:
                return False
        if sum(n in columns for n in walk(asked)) > 1:
            return False
    return True


def _fields_in(expr: Expr) -> dict[Expr, None]:
    """The stored fields that stand in an expression, those inside of others too."""
    return dict.fromkeys(n for n in walk(expr) if is_field(n))
