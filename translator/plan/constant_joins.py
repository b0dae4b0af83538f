"""Joins with tables of constants, as conditions and computed columns.

Source: learn.microsoft.com/kusto/query/join-operator, the kinds of join; keys are compared with their case.
"""

from __future__ import annotations

from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, conjunction, const, disjunction, negation
from translator.plan.types import Type

MOST_ROWS = 100
"""Of more rows no column is computed by cases."""

_KEYS = frozenset({Type.STRING, Type.INT, Type.LONG})
_ON_THE_RIGHT = frozenset({"inner", "leftouter", "leftsemi", "leftanti", "anti", "leftantisemi"})
_ON_THE_LEFT = {"inner": "inner", "innerunique": "inner", "rightouter": "leftouter", "rightsemi": "leftsemi", "rightanti": "leftanti",
                "rightantisemi": "leftanti"}  # fmt: skip


def without_constant_side(join: o.Join) -> o.Relation:
    """What a join with rows of constants does to its other side; the join itself where that cannot be said.

    Of several rows with the same keys there would be several partners, which only matters where columns of theirs are shown.
    """
    match join:
        case o.Join(right=o.Rows() as rows, left=events, kind=kind) if kind in _ON_THE_RIGHT:
            on = join.on
        case o.Join(left=o.Rows() as rows, right=events) if join.kind in _ON_THE_LEFT:
            kind, on = _ON_THE_LEFT[join.kind], tuple((b, a) for a, b in join.on)
        case _:
            return join
    places = [rows.columns.index(b.column) if isinstance(b, ColumnRef) and b.column in rows.columns else -1 for _, b in on]
    keys = [tuple(row[p] for p in places) for row in rows.rows]
    plain = all(isinstance(k, Const) and k.value is not None and k.type in _KEYS for key in keys for k in key)
    semi = kind.endswith("semi") or "anti" in kind
    if join.condition is not None or not plain or -1 in places or isinstance(events, o.Rows):
        return join
    if len(keys) > MOST_ROWS and not (semi and len(on) == 1):
        return join
    if not semi and len({tuple(k.value for k in key if isinstance(k, Const)) for key in keys}) < len(keys):
        return join
    subjects = [a for a, _ in on]
    matches = [conjunction(*(Apply(join.span, Type.BOOL, "==", (a, k)) for a, k in zip(subjects, key, strict=True))) for key in keys]
    items = Items(None, Type.DYNAMIC, tuple(k for key in keys for k in key))
    among = Apply(join.span, Type.BOOL, "in", (subjects[0], items)) if keys and len(on) == 1 else disjunction(*matches)
    if semi:
        return o.Filter(join.span, events, negation(among) if "anti" in kind else among)
    found = o.Filter(join.span, events, among) if kind == "inner" else events
    same = dict(zip(places, subjects, strict=True)) if kind == "inner" else {}
    computed = tuple(
        (column, same[n] if n in same else _chosen(column, matches, [row[n] for row in rows.rows], kind == "inner", join))
        for n, column in enumerate(rows.columns)
    )
    return o.Compute(join.span, found, computed)


def _chosen(column: Column, matches: list[Expr], values: list[Expr], always: bool, join: o.Join) -> Expr:
    """The value of the row that matches; of one that is always there the last one needs no condition."""
    told = list(zip(matches, values, strict=True))
    otherwise: Expr = told.pop()[1] if always and told else const("" if column.type == Type.STRING else None, column.type)
    if not told:
        return otherwise
    return Apply(join.span, column.type, "case", (*(x for pair in told for x in pair), otherwise))
