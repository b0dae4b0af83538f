"""Elements of arrays: in KQL each is a row of its own, and in an output what is read of them is of any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from translator.detection.model import Selector, counts_missing
from translator.plan.conditions import is_presence, is_present
from translator.plan.expressions import ELEMENT, Apply, Expr, Path, conjuncts, walk


def arrays_in(expr: Expr) -> Iterator[tuple[Expr, tuple[str | int, ...]]]:
    """The arrays of whose elements ``expr`` reads: each as what holds it and the steps to the element."""
    for node in walk(expr):
        if isinstance(node, Path) and ELEMENT in node.steps:
            yield node.base, node.steps[: node.steps.index(ELEMENT) + 1]


def asks_several(condition: Expr, base: Expr) -> bool:
    """Whether a condition asks several things of one element of an array that ``base`` holds."""
    match condition:
        case Apply(function="or" | "not", args=args):
            return any(asks_several(a, base) for a in args)
        case Apply(function="and", args=args):
            return sum(base in dict(arrays_in(a)) for a in args) > 1 or any(asks_several(a, base) for a in args)
    return len({n for n in walk(condition) if isinstance(n, Path) and ELEMENT in n.steps and n.base == base}) > 1


def read_apart(selector: Selector, values: Sequence[Expr], shown: Sequence[Expr] = ()) -> Expr | None:
    """One of the ``values``, or of those ``shown``, of an element for which a condition or another value stands; None where there is none.

    That the value itself is there is no such condition: elements without it have no part in it.
    """
    parts = list(conjuncts(selector.predicate))
    for number, value in enumerate((*values, *shown)):
        arrays = list(arrays_in(value))
        if not arrays:
            continue
        conditions = [p for p in parts if not (is_presence(p) and value in walk(p))]
        others = [v for n, v in enumerate(values) if n != number and v != value]
        if any(found in arrays for other in (*conditions, *others) for found in arrays_in(other)):
            return value
    return None


def may_lack(value: Expr, predicate: Expr) -> bool:
    """Whether an element may lack a value that others of its array have: a text of it is empty in KQL, where no output sees one."""
    return any(
        isinstance(node, Path) and ELEMENT in node.steps[:-1] and counts_missing(value) and not is_present(node, predicate)
        for node in walk(value)
    )
