"""What conditions ask, of which stored fields, and what they are where a value is null."""

from __future__ import annotations

from translator.plan.expressions import (
    FALSE,
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Path,
    apply,
    conjunction,
    conjuncts,
    disjunction,
    items_of,
    negation,
    walk,
)
from translator.plan.functions.network import ipv4_is_in_range
from translator.plan.types import Type

EQUALITIES = frozenset({"==", "=~", "in", "in~"})
"""What compares a value with whole ones."""

ORDERS = frozenset({"<", "<=", ">", ">="})

CASE_PAIRS = {
    "==": "=~", "in": "in~", "contains_cs": "contains", "startswith_cs": "startswith", "endswith_cs": "endswith", "has_cs": "has",
    "hasprefix_cs": "hasprefix", "hassuffix_cs": "hassuffix",
}  # fmt: skip
"""Case-sensitive string operators and their counterparts that ignore case."""

TEXT_OPERATORS = frozenset(CASE_PAIRS) | frozenset(CASE_PAIRS.values()) | {"matches regex", "matches regex~"}


def is_field(expr: Expr) -> bool:
    """Whether ``expr`` is a stored field: a column of a source table, or a place inside one, counted from the front."""
    base = expr.base if type(expr) is Path else expr  # asked of every node of every walk
    if type(base) is not ColumnRef or base.column.table is None:
        return False
    return type(expr) is not Path or not any(isinstance(s, int) and s < 0 for s in expr.steps)


def fields_of(expr: Expr) -> list[Expr]:
    """The stored fields that ``expr`` reads, each whole and once."""
    if is_field(expr):
        return [expr]
    found = [n for n in walk(expr) if is_field(n)]
    inner = {id(n.base) for n in found if isinstance(n, Path)}
    return list(dict.fromkeys([n for n in found if id(n) not in inner] if inner else found))


LIMITS = {"since": ">=", "after": ">", "until": "<=", "before": "<"}
"""Limits on the time of an event, in seconds before now, and how they compare with it."""

INGESTED = {f"ingested {name}": compare for name, compare in LIMITS.items()}
"""The same for the time at which the product took the event in."""

MOMENTS = frozenset({*LIMITS, *INGESTED})
"""Conditions on when an event was, or came."""


def is_presence(expr: Expr) -> bool:
    """Whether ``expr`` only asks that something is there, or when it was."""
    return (isinstance(expr, Apply) and expr.function in MOMENTS) or (
        isinstance(expr, Apply)
        and expr.function == "not"
        and isinstance(expr.args[0], Apply)
        and expr.args[0].function in ("isempty", "isnull")
    )


def is_present(key: Expr, predicate: Expr) -> bool:
    """Whether ``predicate`` makes sure that ``key`` is there and not empty."""
    filled = negation(Apply(None, Type.BOOL, "isempty", (key,)))
    for part in conjuncts(predicate):
        if part == filled:
            return True
        if isinstance(part, Apply) and part.function == "or" and all(is_present(key, either) for either in part.args):
            return True
        if (
            isinstance(part, Apply)
            and part.args
            and part.args[0] == key
            and part.function in EQUALITIES | ORDERS | {"has", "contains", "startswith", "endswith"}
        ):
            values = items_of(part.args[1])
            if all(isinstance(v, Const) and v.value not in ("", None) for v in values):
                return True
    return False


LISTS = frozenset({"expand", "expand_cs", "expand_within", "expand_last", "expand_cs_last"})
"""Operators on a list that is kept outside of the logs: a placeholder stands for its values."""

_TWO_VALUED = frozenset({"isempty", "isnull", "has_any", "has_all", "expand_end", "expand_cs_end"}) | LISTS | TEXT_OPERATORS


def two_valued(predicate: Expr) -> bool:
    """Whether ``predicate`` is true or false for every row: a comparison with a null by order, say, is neither."""
    match predicate:
        case Const():
            return predicate.value is not None
        case Apply(function="and" | "or" | "not", args=args):
            return all(two_valued(a) for a in args)
        case Apply(function="==", args=(left, right)):
            return left.type == right.type == Type.STRING or any(isinstance(s, Const) and s.value is not None for s in (left, right))
        case Apply(function=function):
            return function in _TWO_VALUED
    return False


def is_true(predicate: Expr) -> Expr | None:
    """``predicate`` with null made false; None where that cannot be said."""
    if two_valued(predicate):
        return predicate
    match predicate:
        case Apply(function="and" | "or" as function, args=args):
            parts = [is_true(a) for a in args]
            known = [p for p in parts if p is not None]
            if len(known) != len(parts):
                return None
            return conjunction(*known) if function == "and" else disjunction(*known)
        case Apply(function="not", args=(Apply(function=function, args=(left, Const())),)) if function in ORDERS:
            return conjunction(pushed(predicate), negation(apply("isnull", left, span=predicate.span)))
        case Apply(function=function, args=(left, Const())) if function in ORDERS:
            return conjunction(predicate, negation(apply("isnull", left, span=predicate.span)))
    return None


def branches(expr: Expr) -> list[tuple[Expr, Expr]] | None:
    """(guard, value) of a conditional, each guard excluding those before it; None where ``expr`` is none."""
    found: list[tuple[Expr, Expr]] = []
    before: Expr = TRUE
    for condition, value in alternatives(expr) or ():
        found.append((conjunction(*(p for p in conjuncts(before) if not _implies(condition, p)), condition), value))
        before = conjunction(before, negation(condition))
    return found or None


def _implies(condition: Expr, other: Expr) -> bool:
    """Whether a value that is one text or whole number is not another one."""
    match condition, other:
        case (
            Apply(function="==", args=(subject, Const(value=str() | int() as value))),
            Apply(function="not", args=(Apply(function="==", args=(field, Const(value=str() | int() as excluded))),)),
        ):
            return type(value) is type(excluded) and value != excluded and field == subject
    return False


def alternatives(expr: Expr) -> list[tuple[Expr, Expr]] | None:
    """(condition, value) of a conditional, of which the first counts whose condition holds; None where ``expr`` is none."""
    found = [(is_true(condition), value) for condition, value in conditional(expr)]
    certain = [(condition, value) for condition, value in found if condition is not None]
    return certain if certain and len(certain) == len(found) else None


def conditional(expr: Expr) -> list[tuple[Expr, Expr]]:
    """The same, whose conditions may be null, which is as good as false; none where ``expr`` is no conditional."""
    match expr:
        case Apply(function="iff", args=(condition, then, otherwise)):
            return [(condition, then), (TRUE, otherwise)]
        case Apply(function="case", args=args) if len(args) >= 3 and len(args) % 2:
            return [*zip(args[:-1:2], args[1::2], strict=True), (TRUE, args[-1])]
        case Apply(function="coalesce", args=args) if args and all(a.type == Type.STRING for a in args):
            return [*((negation(apply("isempty", a)), a) for a in args[:-1]), (TRUE, args[-1])]
    return []


TEXT_SEARCHES = frozenset(
    f"{operator}{case}" for operator in ("contains", "startswith", "endswith", "has", "hasprefix", "hassuffix") for case in ("", "_cs")
)
"""Operators that look for a text in a text, where the empty one always is."""

OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
"""A comparison with null is null and so is its negation: turning the operator round keeps that, a ``not`` would not."""


def pushed(predicate: Expr, negated: bool = False) -> Expr:
    """``predicate`` with every ``not`` pushed down to the atoms, where only the rows count for which it is true."""
    if isinstance(predicate, Apply):
        if predicate.function == "not":
            return pushed(predicate.args[0], not negated)
        if predicate.function in ("and", "or"):
            parts = [pushed(a, negated) for a in predicate.args]
            return _without_needless(parts) if (predicate.function == "and") != negated else disjunction(*parts)
        if negated and predicate.function in OPPOSITE:
            return Apply(predicate.span, predicate.type, OPPOSITE[predicate.function], predicate.args)
    if not negated and is_never_known(predicate):
        return FALSE
    if negated and is_field(predicate):
        return Apply(predicate.span, Type.BOOL, "==", (predicate, FALSE))  # not(null) is null, unlike null != true
    return negation(predicate) if negated else predicate


def is_never_known(atom: Expr) -> bool:
    """Whether an atom is null for every row, as that an address is in a network which is none of IPv4.

    Source: learn.microsoft.com/kusto/query/ipv4-is-in-range-function, "Returns".
    """
    match atom:
        case Const(type=Type.BOOL, value=None):
            return True
        case Apply(function="ipv4_is_in_range", args=(_, Const(value=str(network)))):
            return ipv4_is_in_range("0.0.0.0", network) is None
    return False


def _without_needless(parts: list[Expr]) -> Expr:
    """A conjunction; that a value is not null need not be said beside a comparison by order, which no null passes."""
    present = [p for p in parts if isinstance(p, Apply) and p.function == "not" and is_presence(p)]
    if not present:
        return conjunction(*parts)
    compared = [p.args[0] for p in parts if isinstance(p, Apply) and p.function in ORDERS]
    needless = [p for p in present if p in [negation(apply("isnull", x)) for x in compared]]
    return conjunction(*(p for p in parts if not any(p is n for n in needless)))
