"""What conditions say of values that are missing: a null, or a text without anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from translator.plan import operators as o
from translator.plan.conditions import TEXT_OPERATORS
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Path, columns_of, conjuncts, items_of
from translator.plan.simplify import simplify

_REJECTING = (TEXT_OPERATORS - {"matches regex", "matches regex~"}) | {"<", "<=", ">", ">=", "in", "in~"}
"""Operators of which nothing holds for a missing value, where what they compare with is not empty."""

_OF_MISSING = frozenset({"tostring", "tolower", "toupper", "trim", "tolong", "toint", "todouble", "parse_json"})
"""Functions that make of a missing value another missing one."""


def rejects_missing(condition: Expr, of: Callable[[Column], bool]) -> bool:
    """Whether ``condition``, in normal form, is false or null for every row that lacks the columns of which ``of`` holds."""
    match condition:
        case Apply(function="or", args=args):
            return all(rejects_missing(a, of) for a in args)
        case Apply(function="and", args=args):
            return any(rejects_missing(a, of) for a in args)
        case Apply(function="not", args=(Apply(function="isempty" | "isnull", args=(value,)),)):
            return _is_of(value, of)
        case Apply(function=function, args=(value, operand)) if function in _REJECTING:
            items = items_of(operand)
            return _is_of(value, of) and all(isinstance(i, Const) and i.value not in (None, "") for i in items)
    return False


def _is_of(value: Expr, of: Callable[[Column], bool]) -> bool:
    """Whether ``value`` is such a column, or a part or another form of one: missing where that is."""
    match value:
        case ColumnRef(column=column):
            return of(column)
        case Path(base=base):
            return _is_of(base, of)
        case Apply(function=function, args=(*_, inner)) if function in _OF_MISSING:
            return _is_of(inner, of)
    return False


def asked_of(columns: Iterable[Column], above: Iterable[o.Relation]) -> bool:
    """Whether a condition above, the nearest first, holds only where one of ``columns`` has a value."""
    known, sources = {c.id for c in columns}, set[int]()

    def made_of(column: Column) -> bool:
        return column.id in known or column.source in sources

    def reads(expr: Expr) -> bool:
        return any(map(made_of, columns_of(expr)))

    for relation in above:
        match relation:
            case o.Filter(predicate=predicate) if any(rejects_missing(simplify(part), made_of) for part in conjuncts(predicate)):
                return True
            case o.Compute(items=items) | o.Project(items=items):
                known |= {c.id for c, x in items if _is_of(x, made_of)}
            case o.Plugin(arguments=arguments, source=source) if any(map(reads, arguments)):
                sources.add(source.id)
            case o.Aggregate():
                return False
    return False
