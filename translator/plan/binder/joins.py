"""Joins and lookups, by keys and by the networks that hold an address."""

from __future__ import annotations

from collections.abc import Mapping

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.names import named_column
from translator.plan.binder.operand_types import check_keys
from translator.plan.binder.parameters import constant, flat_conditions, words
from translator.plan.binder.problems import Problem
from translator.plan.binder.scopes import Scope, Table
from translator.plan.binder.sources import unsupported
from translator.plan.naming import fresh
from translator.plan.types import Type


def join(ctx: Context, left: Table, node: s.Join | s.Lookup, scope: Scope) -> Table:
    """The columns of both sides of a join or ``lookup``: those of the right get a number where the left has the name."""
    right = ctx.table(node.right, scope)
    parameters = words(node.parameters)
    kind = parameters.get("kind") or ("leftouter" if isinstance(node, s.Lookup) else "innerunique")
    if node.conditions is None:
        told = "a join says on which columns: on a, or on $left.a == $right.b"
        if isinstance(node, s.Lookup) or node.where is None:
            ctx.problem(Problem("binding", node.span, told))
        return unsupported(ctx, left, node, "a join without an on clause is not supported")
    pairs: list[tuple[e.Expr, e.Expr]] = []
    shared: set[str] = set()
    for condition in flat_conditions(node.conditions):
        if not _is_key(condition):
            told = "a join is on a column that both tables have, or on $left.a == $right.b: compute what is compared before, with extend"
            ctx.problem(Problem("binding", condition.span, told))
        pair = _join_condition(ctx, condition, left, right, scope)
        if pair is None:
            return unsupported(ctx, left, condition, "a join condition that is no equality of two columns is not supported")
        check_keys(ctx, pair, condition)
        pairs.append(pair)
        shared.add(_right_name(condition))
    if kind == "anti":
        kind = "leftanti"
    relation: o.Relation = o.Join(node.span, left.relation, right.relation, kind, tuple(pairs))
    if left.row is not None and kind not in ("inner", "leftouter", "leftsemi", "leftanti", "leftantisemi"):
        reason = f"a join of kind {kind} is not supported inside partition and mv-apply yet"
        relation = o.Unsupported(node.span, left.relation, reason)
    if kind in ("leftsemi", "leftanti", "anti", "leftantisemi"):
        return Table(relation, dict(left.names), left.sources, left.outer, left.row, left.parts, hidden=left.hidden, behind=left.behind)
    if kind in ("rightsemi", "rightanti", "rightantisemi"):
        return right.alone(relation)
    # What the query has read of a table elsewhere all rows of it have, also where its columns are not known.
    for source in left.sources:
        for name in right.names:
            if name not in left.names and name not in left.hidden and ctx.has_read(source.table, name):
                left.names[name] = ctx.stored_column(source, name)
    kept = {n: c for n, c in right.names.items() if not (isinstance(node, s.Lookup) and n in shared)}
    return both_sides(ctx, left, right, relation, side_by_side(left.names, kept))


def _is_key(node: s.Expression) -> bool:
    """Whether a condition is a name, or compares two columns of which each names its table."""
    if isinstance(node, s.Binary) and node.operator == "==":
        sides = [x.base.name for x in (node.left, node.right) if isinstance(x, s.Member) and isinstance(x.base, s.NameReference)]
        return sides == ["$left", "$right"]
    return isinstance(node, s.NameReference)


def _right_name(node: s.Expression) -> str:
    """What a condition calls the column of the right table."""
    sides = (node.left, node.right) if isinstance(node, s.Binary) else ()
    for side in sides:
        if (
            isinstance(side, s.Member)
            and isinstance(side.base, s.NameReference)
            and side.base.name == "$right"
            and isinstance(side.name, s.Name)
        ):
            return side.name.value
    return node.name if isinstance(node, s.NameReference) else ""


def _join_condition(ctx: Context, node: s.Expression, left: Table, right: Table, scope: Scope) -> tuple[e.Expr, e.Expr] | None:
    if isinstance(node, s.NameReference):
        a, b = (named_column(ctx, side, node.name, node.span, scope) for side in (left, right))
        if a is None or b is None:
            return None
        return e.ColumnRef(node.span, a.type, a), e.ColumnRef(node.span, b.type, b)
    if isinstance(node, s.Binary) and node.operator == "==":
        sides: dict[str, e.Expr] = {}
        for part in (node.left, node.right):
            if isinstance(part, s.Member) and isinstance(part.base, s.NameReference) and isinstance(part.name, s.Name):
                table = {"$left": left, "$right": right}.get(part.base.name)
                column = named_column(ctx, table, part.name.value, part.name.span, scope) if table is not None else None
                if column is not None:
                    sides[part.base.name] = e.ColumnRef(part.span, column.type, column)
        if len(sides) == 2:
            return sides["$left"], sides["$right"]
    return None


def both_sides(ctx: Context, left: Table, right: Table, relation: o.Relation, names: dict[str, e.Column]) -> Table:
    """A table of the columns of two, inside what the first is part of; what one has taken away the other may have."""
    hidden = {
        n: c
        for one, other in ((left, right), (right, left))
        for n, c in one.hidden.items()
        if c is not None or n in other.hidden or not (other.sources or other.behind)
    }
    sources, behind = left.sources + right.sources, left.behind + right.behind
    return Table(relation, names, sources, left.outer, left.row, left.parts, hidden=hidden, behind=behind)


def side_by_side(left: Mapping[str, e.Column], right: Mapping[str, e.Column]) -> dict[str, e.Column]:
    """The columns of both sides of a join: a name of the right that the left has too gets a number that makes it one of neither side."""
    names, taken = dict(left), {*left, *right}
    for name, column in right.items():
        shown = fresh(name, taken) if name in left else name
        taken.add(shown)
        names[shown] = column
    return names


def address_lookup(ctx: Context, table: Table, node: s.Evaluate, scope: Scope) -> Table:
    """ipv4_lookup and ipv6_lookup: a join with the networks that hold an address, and where further keys are equal."""
    lookup, address, network, *rest = node.call.arguments
    right = ctx.table(lookup, scope)
    flags = [a for a in rest if isinstance(a, s.Literal | s.Named)]
    keys = [a for a in rest if isinstance(a, s.NameReference)]
    unmatched = any(constant(ctx.expression(f, None, scope), "") is True for f in flags)
    function = "ipv4_is_in_range" if node.call.name == "ipv4_lookup" else "ipv6_is_in_range"
    inside = e.Apply(node.span, Type.BOOL, function, (ctx.expression(address, table, scope), ctx.expression(network, right, scope)))
    pairs = []
    for key in keys:
        a, b = (named_column(ctx, side, key.name, key.span, scope) for side in (table, right))
        if a is not None and b is not None:
            pairs.append((e.ColumnRef(key.span, a.type, a), e.ColumnRef(key.span, b.type, b)))
    kind = "leftouter" if unmatched else "inner"
    names = side_by_side(table.names, {n: c for n, c in right.names.items() if n not in [k.name for k in keys]})
    return both_sides(ctx, table, right, o.Join(node.span, table.relation, right.relation, kind, tuple(pairs), inside), names)
