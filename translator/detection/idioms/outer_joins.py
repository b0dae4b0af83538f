"""Outer joins that a later condition decides: what needs a partner is an inner join, what must have none an anti-join.

A condition that holds with and without a partner decides nothing.
"""

from __future__ import annotations

from dataclasses import replace

from translator.detection.shapes import columns_within, sources_within
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, columns_of, conjunction, conjuncts, substitute
from translator.plan.missing import rejects_missing
from translator.plan.simplify import simplify
from translator.plan.types import Type

_NEEDED = {"leftouter": "inner", "rightouter": "inner"}
_ABSENT = {"leftouter": "leftanti", "rightouter": "rightanti"}


def decided(node: o.Filter) -> o.Relation | None:
    """``node`` where its predicate decides about the partners in an outer join below it; None where it does not.

    A row without a partner has nulls, and empty texts, in the columns of the other side
    (learn.microsoft.com/kusto/query/join-leftouter).
    """
    for part in conjuncts(node.predicate):
        if (inner := _below(node.input, part)) is None:
            continue
        relation, says_all = inner
        if not says_all:
            return replace(node, input=relation)
        others = [p for p in conjuncts(node.predicate) if p is not part]
        return replace(node, input=relation, predicate=conjunction(*others)) if others else relation
    return None


def _below(relation: o.Relation, part: Expr) -> tuple[o.Relation, bool] | None:
    """``relation`` with its outer join decided by ``part``, and whether that says all that ``part`` does."""
    match relation:
        case o.Join(kind="leftouter" | "rightouter" as kind, condition=None):
            added = relation.right if kind == "leftouter" else relation.left
            made, sources = columns_within(added), sources_within(added)
            if rejects_missing(simplify(part), lambda column: column in made or column.source in sources):
                return replace(relation, kind=_NEEDED[kind]), False
            if _is_missing(simplify(part), _always_there(added)):
                return replace(relation, kind=_ABSENT[kind]), True
            if _is_not_zero(simplify(part), _counts_of_rows(added)):
                return relation, True
        case o.Compute(input=inner, items=items) | o.Project(input=inner, items=items):
            if (found := _below(inner, substitute(part, {c.id: x for c, x in items}))) is not None:
                return replace(relation, input=found[0]), found[1]
        case o.Filter(input=inner) | o.Sort(input=inner) | o.Arrange(input=inner):
            if (found := _below(inner, part)) is not None:
                return replace(relation, input=found[0]), found[1]
    return None


def _is_missing(part: Expr, there: set[Column]) -> bool:
    match part:
        case Apply(function="isempty" | "isnull", args=(ColumnRef(column=column),)):
            return column in there
    return False


def _is_not_zero(part: Expr, counts: set[Column]) -> bool:
    """Whether ``part`` is that a count is not 0: it is more with a partner, and null is not 0 either.

    Source: learn.microsoft.com/kusto/query/scalar-data-types/null-values.
    """
    match part:
        case Apply(function="not", args=(Apply(function="==", args=(ColumnRef(column=column), Const(value=0))),)):
            return column in counts
    return False


def _counts_of_rows(relation: o.Relation) -> set[Column]:
    """The columns of a relation that are counts of groups, which have a row at least."""
    match relation:
        case o.Aggregate(keys=keys, aggregates=aggregates) if keys:
            return {c for c, x in aggregates if isinstance(x, Apply) and _counts_rows(x)}
        case o.Compute(input=inner, items=items) | o.Project(input=inner, items=items):
            found = _counts_of_rows(inner)
            return found | {c for c, x in items if isinstance(x, ColumnRef) and x.column in found}
        case o.Filter(input=inner) | o.Sort(input=inner) | o.Arrange(input=inner):
            return _counts_of_rows(inner)
    return set()


def _counts_rows(aggregate: Apply) -> bool:
    """Whether an aggregate is 1 at least: texts are never null, so that each row has one."""
    return aggregate.function == "count" or (aggregate.function == "dcount" and aggregate.args[0].type == Type.STRING)


def _always_there(relation: o.Relation) -> set[Column]:
    """The columns of a relation that no row of it lacks: counts, and those that a condition asks for."""
    match relation:
        case o.Aggregate(input=inner, keys=keys, aggregates=aggregates):
            found = _always_there(inner)
            counted = {c for c, x in aggregates if isinstance(x, Apply) and x.function in ("count", "countif", "dcount", "dcountif")}
            return counted | {c for c, x in keys if isinstance(x, ColumnRef) and x.column in found}
        case o.Compute(input=inner, items=items) | o.Project(input=inner, items=items):
            found = _always_there(inner)
            kept = {
                c
                for c, x in items
                if (isinstance(x, ColumnRef) and x.column in found) or (isinstance(x, Const) and x.value not in (None, ""))
            }
            return found | kept
        case o.Distinct(input=inner) | o.Sort(input=inner) | o.Arrange(input=inner) | o.Limit(input=inner):
            return _always_there(inner)
        case o.Filter(input=inner, predicate=predicate):
            asked = set[Column]()
            for part in conjuncts(simplify(predicate)):
                columns = columns_of(part)
                if len(columns) == 1 and rejects_missing(part, columns.__contains__):
                    asked |= columns
            return _always_there(inner) | asked
    return set()
