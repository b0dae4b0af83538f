"""The keys of a summary: what it groups its events by."""

from __future__ import annotations

from translator.detection.lifting import Lifting
from translator.detection.shapes import Branch, Events, Grouped, foreign
from translator.detection.windows import bucket_of
from translator.plan.expressions import Apply, ColumnRef, Expr, Span, substitute, walk
from translator.plan.simplify import is_field, simplify


def grouping_keys(lifting: Lifting, inner: Events, outer: Grouped, droppable: bool) -> list[tuple[str, Expr]]:
    """Name and expression of each key that tells groups apart. Buckets of time become the window of the detection.

    Where ``droppable``, keys that are computed are left out beside others, and said: larger groups pass more thresholds on many events.
    """
    keys: list[tuple[str, Expr]] = []
    for column, expr in outer.keys:
        bucket = bucket_in(expr, inner.branches[0])
        if bucket is None:
            keys.append((column.name, expr))
        else:
            lifting.bin = bucket
            lifting.windows.append(bucket)
    keys = independent(keys, inner)
    computed = [k for k in keys if any(is_computed_key(x) or foreign(x, b) for b in inner.branches for x in [substitute(k[1], b.env)])]
    if computed and len(computed) < len(keys) and droppable:
        names = ", ".join(n for n, _ in computed)
        lifting.say("key-dropped", f"{names} is computed, or only added by a join, and is left out of the keys", computed[0][1].span)
        keys = [k for k in keys if k not in computed]
    return keys


def bucket_in(expr: Expr, branch: Branch) -> int | None:
    """The length in seconds of the buckets of time that a key of these events is; None where it is another."""
    return bucket_of(simplify(substitute(expr, branch.env)))


def independent(keys: list[tuple[str, Expr]], inner: Events) -> list[tuple[str, Expr]]:
    """``keys`` without those that others decide: a constant, or what is computed from fields that are keys themselves."""
    if len(inner.branches) != 1:
        return keys
    env = inner.branches[0].env
    values = [(name, expr, simplify(substitute(expr, env))) for name, expr in keys]
    own = {v for _, _, v in values if is_field(v)}
    kept = []
    for name, expr, value in values:
        fields = {n for n in walk(value) if isinstance(n, ColumnRef)}
        if is_field(value) or not fields <= own:
            kept.append((name, expr))
    return kept or keys


def is_computed_key(expr: Expr) -> bool:
    """Whether a key is more than a field, or a field without case."""
    value = simplify(expr)
    return not is_field(value.args[0] if isinstance(value, Apply) and value.function in ("tolower", "toupper") else value)


def key_field(lifting: Lifting, expr: Expr, branch: Branch, span: Span | None) -> Expr:
    """The field of the events of ``branch`` that a key or a counted value is. Raises Blocked where it is computed, or none of theirs."""
    expr = simplify(substitute(expr, branch.env))
    if (added := foreign(expr, branch)) is not None:
        raise lifting.block("unsupported-join", f"the events cannot be grouped by {added}, a column that the join only adds", span)
    if isinstance(expr, Apply) and expr.function in ("tolower", "toupper") and is_field(expr.args[0]):
        lifting.say("key-case", "the KQL counts by this value without case, the output with it", span)
        return expr.args[0]
    if is_field(expr):
        return expr
    raise lifting.block("unsupported-expression", "the events cannot be grouped by this computed value", span)
