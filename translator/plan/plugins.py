"""Plugins whose meaning can be said in relations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.types import Type

_PERIODS = {"week": "startofweek", "month": "startofmonth", "year": "startofyear"}
Named = tuple[str, e.Expr]


def activity_counts(
    span: e.Span, relation: o.Relation, id: e.Expr, time: Named, start: e.Expr, end: e.Expr, step: e.Expr, dimensions: Sequence[Named],
    column: Callable[[str, Type], e.Column],
) -> tuple[o.Relation, dict[str, e.Column]]:  # fmt: skip
    """activity_counts_metrics: a row for each window that has any, and what of it is new compared to all windows before.

    Args:
        step: the length of a window, or ``week``, ``month`` or ``year``.
        column: makes a column.

    Source: learn.microsoft.com/kusto/query/activity-counts-metrics-plugin. Its example shows that ``end`` belongs to what is counted.
    """

    def ref(of: e.Column) -> e.Expr:
        return e.ColumnRef(span, of.type, of)

    def keyed(of: Sequence[e.Column]) -> tuple[e.Column, ...]:
        return tuple(column(c.name, c.type) for c in of)

    def paired(of: Sequence[e.Column], source: Sequence[e.Column]) -> tuple[tuple[e.Column, e.Expr], ...]:
        return tuple((made, ref(c)) for made, c in zip(of, source, strict=True))

    name, moment = time
    if isinstance(step, e.Const) and step.value in _PERIODS:
        window: e.Expr = e.Apply(span, moment.type, _PERIODS[str(step.value)], (moment,))
    else:
        window = e.Apply(span, moment.type, "bin_at", (moment, step, start))
    within = e.Apply(span, Type.BOOL, "between", (moment, start, end))
    who, when = column("", id.type), column(name, moment.type)
    parts = tuple(column(n, x.type) for n, x in dimensions)
    values = tuple((c, x) for c, (_, x) in zip(parts, dimensions, strict=True))
    base = o.Compute(span, o.Filter(span, relation, within), ((who, id), (when, window), *values))

    shown, by = column(name, moment.type), keyed(parts)
    count, distinct = column("count", Type.LONG), column("dcount", Type.LONG)
    counted = (count, e.Apply(span, Type.LONG, "count", ())), (distinct, e.Apply(span, Type.LONG, "count_distinct", (ref(who),)))
    windows = o.Aggregate(span, base, ((shown, ref(when)), *paired(by, parts)), counted)

    one, first, of = column("", id.type), column("", moment.type), keyed(parts)
    firsts = o.Aggregate(
        span, base, ((one, ref(who)), *paired(of, parts)), ((first, e.Apply(span, moment.type, "min", (ref(when),))),)
    )  # fmt: skip
    begun, added, at = column("", moment.type), column("", Type.LONG), keyed(parts)
    some = e.Apply(span, Type.LONG, "count_distinct", (ref(one),))
    begins = o.Aggregate(span, firsts, ((begun, ref(first)), *paired(at, of)), ((added, some),))

    earlier = e.Apply(span, Type.BOOL, "<=", (ref(begun), ref(shown)))
    same = tuple(
        (e.Apply(span, Type.STRING, "tostring", (ref(a),)), e.Apply(span, Type.STRING, "tostring", (ref(b),)))
        for a, b in zip(by, at, strict=True)
    )
    both = o.Join(span, windows, begins, "inner", same, earlier)
    now = e.Apply(span, Type.BOOL, "==", (ref(begun), ref(shown)))
    made = {
        "count": e.Apply(span, Type.LONG, "take_any", (ref(count),)),
        "dcount": e.Apply(span, Type.LONG, "take_any", (ref(distinct),)),
        "new_dcount": e.Apply(span, Type.LONG, "sumif", (ref(added), now)),
        "aggregated_dcount": e.Apply(span, Type.LONG, "sum", (ref(added),)),
    }
    final, keys = column(name, moment.type), keyed(by)
    results = tuple((column(n, Type.LONG), x) for n, x in made.items())
    found = o.Aggregate(span, both, ((final, ref(shown)), *paired(keys, by)), results)
    return found, {c.name: c for c in (final, *keys, *(c for c, _ in results))}


PIVOTED: Mapping[str, str] = MappingProxyType(
    {
        "count": "countif", "make_bag": "make_bag_if", "make_list": "make_list_if", "make_set": "make_set_if",
        **{name: f"{name}if" for name in ("min", "max", "take_any", "sum", "dcount", "avg", "stdev", "variance")},
    }
)  # fmt: skip
"""The aggregates that pivot takes, with those of the rows of one value: learn.microsoft.com/kusto/query/pivot-plugin."""


def of_value(span: e.Span | None, spread: e.Expr, value: str, function: str, subjects: Sequence[e.Expr], kind: Type) -> e.Expr:
    """What pivot has in the column that it makes of a value."""
    text = e.Apply(span, Type.STRING, "tostring", (spread,))
    asked = e.Apply(span, Type.BOOL, "==", (text, e.const(value)))
    return e.Apply(span, kind, PIVOTED[function], (*subjects[:1], asked, *subjects[1:]))


_ANSWER = {"ResponseHeaders": Type.DYNAMIC, "ResponseBody": Type.DYNAMIC}
ANSWERS: Mapping[str, Mapping[str, Type]] = MappingProxyType(
    {
        "estimate_rows_count": {"EstimatedRowsCount": Type.LONG},
        "http_request": _ANSWER,
        "http_request_post": _ANSWER,
        "infer_storage_schema": {"CslSchema": Type.STRING},
        "infer_storage_schema_with_suggestions": {"SuggestedTableSchema": Type.STRING},
        "narrow": {"Row": Type.LONG, "Column": Type.STRING, "Value": Type.STRING},
    }
)  # fmt: skip
"""Plugins that give the same columns whatever they are given, with these: Kusto.Language 12.4.1."""

ANSWERS_BESIDE: Mapping[str, tuple[str, Type]] = MappingProxyType(
    {
        "ai_chat_completion": ("_completion", Type.STRING), "ai_chat_completion_prompt": ("_completion", Type.STRING),
        "ai_embed_text": ("_embedding", Type.DYNAMIC), "ai_embeddings": ("_embeddings", Type.DYNAMIC),
    }
)  # fmt: skip
"""Plugins that give a column beside those of their input: what is added to the name of their first argument, and its type."""


def pivot_of(node: object) -> tuple[o.Compute, o.Plugin] | None:
    """What names the columns that pivot keeps, and pivot; None for anything else."""
    match node:
        case o.Compute(span=span, input=o.Plugin(name="pivot", span=same) as plugin) if span == same:
            return node, plugin
    return None


def pivoted(kept: o.Compute, plugin: o.Plugin, columns: Iterable[e.Column]) -> o.Aggregate | None:
    """The rows of pivot as those of a summary; None for an aggregate that it has not.

    Args:
        kept: what is kept of its input.
        columns: those that it makes of values.
    """
    match plugin.arguments:
        case (spread,):
            function, subjects = "count", tuple[e.Expr, ...]()
        case (spread, e.Apply(function=function, args=subjects)) if function in PIVOTED:
            pass
        case _:
            return None
    if plugin.input is None:
        return None
    made = tuple((c, of_value(plugin.span, spread, c.name, function, subjects, c.type)) for c in columns)
    return o.Aggregate(plugin.span, plugin.input, kept.items, made)
