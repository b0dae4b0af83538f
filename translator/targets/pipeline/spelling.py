"""Operators spelled as such that a pipeline has, before a plan is cut."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

from translator.plan import operators as o
from translator.plan.bags import with_bags_searched, with_keys_of_bags, with_places_of_bags
from translator.plan.conditions import is_field
from translator.plan.decoding import DECODED, with_nuls_left_out
from translator.plan.elements import as_rows
from translator.plan.expansions import JSON_TEXT, with_expansions_spelled
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Path, conjunction, const, negation
from translator.plan.functions import aggregates
from translator.plan.outer import with_inner_joins
from translator.plan.patterns import extractions, matching
from translator.plan.plugins import pivot_of, pivoted
from translator.plan.rewriting import rewritten
from translator.plan.scalars import with_scalars_joined
from translator.plan.series import with_series_summed
from translator.plan.splits import with_places_inlined, with_places_of_unions, with_splits_inlined
from translator.plan.texts import literally
from translator.plan.types import Type
from translator.plan.union_summaries import with_alike_parts_united
from translator.plan.unique_joins import with_filters_sided
from translator.plan.uniqueness import without_needless_distinct, without_needless_keys


def spelled_out(plan: o.Plan, identifying: Container[str] = ()) -> o.Plan:
    """A plan in which ``parse`` is what it computes. ``identifying`` are the columns that an alert is told by.

    What ``in`` looks for in an array of another query it looks for in the rows that this is made of, parts of texts are where they
    are read, lists that are kept outside of the logs have the columns that the query names, and aggregates stand alone.
    """

    named: dict[int | None, dict[int, Column]] = {}
    for part in o.parts(plan.root):
        if isinstance(part, Column):
            named.setdefault(part.source, {})[part.id] = part
    fresh = o.unused_ids(plan)
    listed: dict[tuple[str, str], set[str]] = {}
    for part in o.parts(plan.root):
        if isinstance(part, o.External) and part.source is not None:
            names = {c.name for c in named.get(part.source.id, {}).values()}
            listed.setdefault((part.kind, part.name), set()).update(names)

    def spelled(node: object) -> object:
        if isinstance(node, Apply):
            return as_rows(node)
        if isinstance(node, o.Compute | o.Project | o.Filter | o.Expand | o.Aggregate):
            node = _with_calls_named(node, fresh)
        if isinstance(node, o.Aggregate):
            return _alone(node, fresh)
        if isinstance(node, o.External) and node.source is not None:
            return _listed(node, listed[node.kind, node.name], named.get(node.source.id, {}).values(), fresh)
        if isinstance(node, o.Plugin) and node.name == "bag_unpack" and (unpacked := _unpacked(node, named)) is not None:
            return unpacked
        if (pivot := pivot_of(node)) is not None:
            return pivoted(*pivot, named.get(pivot[1].source.id, {}).values()) or node
        if not isinstance(node, o.Parse):
            return node
        matched = o.Filter(node.span, node.input, matching(node)) if node.filters else node.input
        return _parsed(node, o.Compute(node.span, matched, extractions(node)), fresh)

    root = with_filters_sided(
        with_splits_inlined(
            with_series_summed(
                with_bags_searched(
                    with_places_of_bags(
                        with_alike_parts_united(
                            with_keys_of_bags(with_scalars_joined(rewritten(with_nuls_left_out(plan.root), spelled), fresh), fresh), fresh
                        )
                    )
                ),
                fresh,
            )
        )
    )
    told = [column for name, column in plan.names if name in identifying]
    root = rewritten(with_expansions_spelled(with_places_of_unions(with_places_inlined(root), fresh)), _sought)
    root = without_needless_keys(without_needless_distinct(root, told))
    return replace(plan, root=with_inner_joins(root))


def _listed(node: o.External, names: Iterable[str], own: Iterable[Column], fresh: Iterator[int]) -> o.External:
    """A list with all columns that the query names of it in any place, in one order: it is one file."""
    known = {c.name: c for c in own}
    columns = tuple(known.get(name) or Column(next(fresh), name, Type.STRING) for name in sorted(names))
    return replace(node, columns=columns, source=None)


def _unpacked(plugin: o.Plugin, named: Mapping[int | None, Mapping[int, Column]]) -> o.Relation | None:
    """What ``bag_unpack`` makes: each column that the query names is the value of that key; None where one has not the prefix.

    Args:
        named: the columns that the query names, by what makes them.
    """
    bag = plugin.arguments[0]
    keys = [(c, plugin.key(c)) for c in named.get(plugin.source.id, {}).values()]
    if plugin.input is None or any(key is None for _, key in keys):
        return None
    return o.Compute(plugin.span, plugin.input, tuple((c, Path(bag.span, c.type, bag, (key,))) for c, key in keys if key is not None))


_SIMPLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]*")
"""Texts that JSON has in no other spelling."""

_BLANKS, _STRING = r"[ \t\r\n]*", r'"(?:[^"\\]|\\.)*"'

_DEEP = rf'[\[{{](?:[^\[\]{{}}"]|{_STRING}|[\[{{](?:[^\[\]{{}}"]|{_STRING})*[\]}}])*[\]}}]'
"""An array or an object with no more than such within it."""

_BEFORE = rf'^{_BLANKS}\[{_BLANKS}(?:(?:{_STRING}|[^\[\]{{}},"]+|{_DEEP}){_BLANKS},{_BLANKS})*'
"""The beginning of an array, up to one of its elements."""


def _sought(node: object) -> object:
    """A filter that asks for an element of an array which is stored: whether the JSON of the array has it."""
    return replace(node, predicate=_with_elements(node.predicate)) if isinstance(node, o.Filter) else node


def _with_elements(condition: Expr) -> Expr:
    match condition:
        case Apply(function="and" | "or", args=args):
            return replace(condition, args=tuple(map(_with_elements, args)))
        case Apply(function="not", args=(inner,)) if (asked := _element(inner)) is not None:
            there = negation(Apply(inner.span, Type.BOOL, "isempty", asked.args[:1]))
            return conjunction(negation(asked), there)  # of what is missing neither is true
    return _element(condition) or condition


def _element(condition: Expr) -> Apply | None:
    """That an array which is stored has a text for an element; None for other conditions."""
    match condition:
        case Apply(function="set_has_element", args=(place, Const(value=str(text)))) if is_field(place) and _SIMPLE.fullmatch(text):
            root = place.base if isinstance(place, Path) else place
            whole = Apply(place.span, Type.STRING, JSON_TEXT, (place,))
            found = const(f'{_BEFORE}"{literally(text)}"{_BLANKS}[,\\]]')
            return Apply(condition.span, Type.BOOL, "matches regex", (whole, found)) if root.type == Type.DYNAMIC else None
    return None


_Reading = o.Compute | o.Project | o.Filter | o.Expand | o.Aggregate


_NAMES = {"extract_all": "matches", DECODED: "decoded"}
"""Functions that languages have commands for, and what columns of them are called."""


def _with_calls_named(node: _Reading, fresh: Iterator[int]) -> _Reading:
    """An operator that reads what such functions give in columns of their own."""
    fields = ("predicate",) if isinstance(node, o.Filter) else ("keys", "aggregates") if isinstance(node, o.Aggregate) else ("items",)
    alone = {id(x) for _, x in node.items} if isinstance(node, o.Compute | o.Project) else set[int]()
    named = dict[Expr, ColumnRef]()

    def found(part: object) -> object:
        if not isinstance(part, Apply) or part.function not in _NAMES or id(part) in alone:
            return part
        return named.setdefault(part, ColumnRef(part.span, part.type, Column(next(fresh), _NAMES[part.function], part.type)))

    changed = {name: rewritten(getattr(node, name), found) for name in fields}
    if not named:
        return node
    items = tuple((ref.column, x) for x, ref in named.items())
    return replace(node, input=o.Compute(node.span, node.input, items), **changed)


def _alone(node: o.Aggregate, fresh: Iterator[int]) -> o.Relation:
    """A summary whose aggregates stand alone, and what is computed of them behind it."""
    known, own = aggregates(), list[tuple[Column, Expr]]()

    def found(expr: Expr) -> Expr:
        if not isinstance(expr, Apply):
            return expr
        if expr.function in known:
            own.append((Column(next(fresh), expr.function, expr.type), expr))
            return ColumnRef(expr.span, expr.type, own[-1][0])
        return replace(expr, args=tuple(map(found, expr.args)))

    computed = [(c, x) for c, x in node.aggregates if not (isinstance(x, Apply) and x.function in known)]
    if not computed:
        return node
    behind_ = tuple((c, found(x)) for c, x in computed)
    kept = tuple(a for a in node.aggregates if a not in computed)
    return o.Compute(node.span, replace(node, aggregates=(*kept, *own)), behind_)


def _parsed(parse: o.Parse, found: o.Compute, fresh: Iterator[int]) -> o.Relation:
    """What a ``parse`` finds, where all of it is null unless each column that is no text can be converted."""
    if parse.kind == "relaxed" or all(c.type == Type.STRING for c, _ in found.items):
        return found
    made = [Column(next(fresh), c.name, c.type) for c, _ in found.items]
    refs = [ColumnRef(parse.span, c.type, c) for c in made]
    converted = conjunction(*(negation(Apply(parse.span, Type.BOOL, "isnull", (r,))) for r in refs if r.type != Type.STRING))
    below: o.Relation = replace(found, items=tuple((c, x) for c, (_, x) in zip(made, found.items, strict=True)))
    if parse.filters:
        return o.Compute(
            parse.span, o.Filter(parse.span, below, converted), tuple((c, r) for (c, _), r in zip(found.items, refs, strict=True))
        )
    whole = (
        (c, Apply(parse.span, c.type, "iff", (converted, r, Const(parse.span, c.type, "" if c.type == Type.STRING else None))))
        for (c, _), r in zip(found.items, refs, strict=True)
    )
    return o.Compute(parse.span, below, tuple(whole))
