"""The keys of a summary: what it groups its events by."""

from __future__ import annotations

from translator.detection.idioms.measures import Measure
from translator.detection.lifting import Lifting
from translator.detection.shapes import Branch, Events, Grouped, foreign
from translator.detection.windows import bucket_of
from translator.fidelity import Place
from translator.plan.conditions import fields_of, is_field
from translator.plan.expressions import ELEMENT, Apply, ColumnRef, Expr, Path, Span, conjuncts, substitute, walk
from translator.plan.simplify import simplify


def grouping_keys(lifting: Lifting, inner: Events, outer: Grouped, place: Place) -> tuple[list[tuple[str, Expr]], int | None]:
    """Name and expression of each key that tells groups apart, and the length of the buckets of time among them, in seconds.

    Where more events pass what is asked of a group, whose ``place`` this is, keys that are computed are left out beside others, and said:
    larger groups pass more of it. Where fewer do, the fields that they are computed from take their place: smaller groups pass more.
    """
    keys: list[tuple[str, Expr]] = []
    length: int | None = None
    for column, expr in outer.keys:
        bucket = bucket_in(expr, inner.branches[0])
        if bucket is None:
            keys.append((column.name, expr))
        else:
            length = bucket
    keys = independent(keys, inner)
    computed = [k for k in keys if any(is_computed_key(x) or foreign(x, b) for b in inner.branches for x in [_value(k[1], b)])]
    if computed and len(computed) < len(keys) and place is Place.PLAIN:
        names, verb = ", ".join(n for n, _ in computed), "is" if len(computed) == 1 else "are"
        what = f"{names} {verb} computed, or only added by a join, and {verb} left out of the keys"
        lifting.say("key-dropped", what, computed[0][1].span)
        keys = [k for k in keys if k not in computed]
    elif computed and place is Place.TURNED and len(inner.branches) == 1:
        env = inner.branches[0].env
        fields = {x: column_name(x) for _, key in computed for x in fields_of(simplify(substitute(key, env)))}
        if fields and not any(foreign(x, inner.branches[0]) for x in fields):
            names = ", ".join(n for n, _ in computed)
            said = f"{names} is computed: the output counts by {', '.join(fields.values())}"
            lifting.say("key-finer", said, computed[0][1].span, place)
            own = {simplify(substitute(x, env)) for _, x in keys}
            keys = [k for k in keys if k not in computed] + [(name, x) for x, name in fields.items() if x not in own]
    return keys, length


def column_name(field: Expr) -> str:
    """What a key that is a field is called."""
    match field:
        case Path(base=base, steps=steps):
            return "_".join([column_name(base), *(str(s) for s in steps if s != ELEMENT)])
        case ColumnRef(column=column):
            return column.name
    return "key"


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


def _value(key: Expr, branch: Branch) -> Expr:
    """What a key is of the fields of its events, by those conditions in it that they all satisfy."""
    value = simplify(substitute(key, branch.env))
    match value:
        case Apply(function="iff" | "iif", args=(condition, then, _)) if _implies(branch.predicate, condition):
            return then
    return value


def _implies(predicate: Expr, condition: Expr) -> bool:
    """Whether a condition is asked in a predicate, or in each alternative of a part of it."""
    parts = conjuncts(predicate)
    either = (p.args for p in parts if isinstance(p, Apply) and p.function == "or")
    return condition in parts or any(all(_implies(p, condition) for p in alternatives) for alternatives in either)


def is_computed_key(expr: Expr) -> bool:
    """Whether a key is more than a field, or a field without case."""
    value = simplify(expr)
    return not is_field(value.args[0] if isinstance(value, Apply) and value.function in ("tolower", "toupper") else value)


def key_field(lifting: Lifting, expr: Expr, branch: Branch, measure: Measure, span: Span | None, counted: bool = False) -> Expr:
    """The field of the events of ``branch`` that a key or a ``counted`` value of ``measure`` is.

    Raises:
        Blocked: where it is computed, or none of theirs.
    """
    expr = _value(expr, branch)
    if (added := foreign(expr, branch)) is not None:
        raise lifting.block("unsupported-join", f"the events cannot be grouped by {added}, a column that the join only adds", span)
    if isinstance(expr, Apply) and expr.function in ("tolower", "toupper") and is_field(expr.args[0]):
        code, place = ("value-case", measure.place) if counted else ("key-case", measure.of_events)
        lifting.say(code, "the KQL counts by this value without case, the output with it", span, place)
        return expr.args[0]
    if is_field(expr):
        return expr
    raise lifting.block("unsupported-expression", "the events cannot be grouped by this computed value", span)
