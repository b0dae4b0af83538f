"""Membership: ``x in (T | project y)`` and what means the same, for a semi-join, an anti-join where negated, or a list."""

from __future__ import annotations

from dataclasses import dataclass

from translator.detection.idioms.datatables import with_constants
from translator.plan import operators as o
from translator.plan.conditions import pushed
from translator.plan.elements import elements_of
from translator.plan.expressions import FALSE, Apply, Column, ColumnRef, Expr, Items, Subquery, conjunction, conjuncts, disjunction
from translator.plan.types import Type


@dataclass(frozen=True, slots=True)
class Membership:
    """That ``subject`` is one of the values of ``column`` in the rows of ``relation``.

    ``within``: the KQL searches for these values in the text of the subject, as terms.
    """

    subject: Expr
    relation: o.Relation
    column: Column
    cased: bool
    negated: bool
    within: bool


def membership_of(part: Expr) -> Membership | None:
    """What ``part`` asks of a subquery; None where it asks something else."""
    negated = isinstance(part, Apply) and part.function == "not"
    inner = part.args[0] if isinstance(part, Apply) and negated else part
    match inner:
        case Apply(
            function="in" | "in~" | "has_any" as function, args=(subject, Items(items=(Subquery(column=Column() as given) as query,)))
        ):
            found = elements_of(query, given)
        case Apply(function="set_has_element", args=(Subquery(column=Column() as given) as query, subject)):
            function, found = "in", elements_of(query, given)
        case _:
            return None
    if found is None:
        return None
    relation, column = found
    return Membership(subject, relation, column, function == "in", negated, function == "has_any")


def is_same_column(asked: Membership) -> bool:
    """Whether the values come from a column of the name of the one that is searched: terms of such a one are whole values as a rule."""
    return isinstance(asked.subject, ColumnRef) and asked.subject.column.name == asked.column.name


def is_listed(asked: Membership, tables: frozenset[str]) -> bool:
    """Whether the values are those of one list that is kept outside of the logs, or of one of ``tables``."""
    found = o.relations(asked.relation)
    read = [p for p in found if isinstance(p, o.External) or (isinstance(p, o.Source) and p.table in tables)]
    behind = [p.source for p in read if isinstance(p, o.External)]
    others = (o.Source, o.Rows, o.Range, o.Join, o.Union, o.Unsupported)
    return len(read) == 1 and not any(isinstance(p, others) and p not in read and p not in behind for p in found)


def _in_summaries(part: Expr) -> tuple[Expr, ...]:
    """That a value is in a union of summaries as that it is in one or another of these; none where ``part`` asks something else."""
    asked = membership_of(part)
    if asked is None or asked.negated or not isinstance(asked.relation, o.Union):
        return ()
    union = asked.relation
    if not any(isinstance(r, o.Aggregate) for r in o.relations(union)):
        return ()
    columns = dict(union.columns).get(asked.column, ())
    function = "has_any" if asked.within else "in" if asked.cased else "in~"
    queries = [Subquery(part.span, c.type, r, False, c) for r, c in zip(union.inputs, columns, strict=False) if c is not None]
    items = [Items(part.span, Type.DYNAMIC, (query,)) for query in queries]
    return tuple(Apply(part.span, Type.BOOL, function, (asked.subject, listed)) for listed in items)


def by_membership(relation: o.Filter, tables: frozenset[str]) -> o.Union | None:
    """A filter that asks for one of several memberships, or for one or something else, as a union; None for another."""
    parts = conjuncts(pushed(with_constants(relation.predicate)))
    for part in parts:
        choices = part.args if isinstance(part, Apply) and part.function == "or" else _in_summaries(part)
        asked = [c for c in choices if (found := membership_of(c)) is not None and not is_listed(found, tables)]
        if asked:
            others = disjunction(*(c for c in choices if not any(c is a for a in asked)))
            rest = [p for p in parts if p is not part]
            filters = (conjunction(*rest, choice) for choice in ([] if others == FALSE else [others]) + asked)
            return o.Union(relation.span, tuple(o.Filter(relation.span, relation.input, f) for f in filters), ())
    return None
