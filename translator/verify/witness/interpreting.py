"""A plan over a few events, row by row: whether a world alerts, and what each condition answered on the way.

It is for the making of worlds, which asks hundreds of times. What the project's engine says is what counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from translator.engine.python.conversions import json_of
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, Expr, Span, Subquery
from translator.plan.functions.values import text_of
from translator.plan.types import Type
from translator.verify.witness.groups import aggregated
from translator.verify.witness.model import Event, NotKnown
from translator.verify.witness.operations import as_type, element
from translator.verify.witness.patterns import pieces
from translator.verify.witness.scalars import value_of
from translator.verify.witness.states import RECEIVED, TIMES

Values: TypeAlias = Mapping[int, Any]
_LIMIT = 20_000
"""Rows that a join can have at most."""


class _Unknown:
    """What could not be evaluated, and does not matter unless it is read."""

    def __init__(self, error: NotKnown) -> None:
        self.error = error


class _Scope:
    """A row of values by the ids of their columns, or a group of rows."""

    __slots__ = ("group", "now", "run", "values")

    def __init__(self, run: Interpreter, values: Values, group: list[_Scope] | None = None) -> None:
        self.run, self.values, self.group, self.now = run, values, group, run.now

    def value(self, column: Column) -> Any:
        found = self.values.get(column.id)
        if found is None:
            return "" if column.type == Type.STRING else None
        if isinstance(found, _Unknown):
            raise found.error
        return found

    def listed(self, subquery: Subquery) -> list[Any]:
        return self.run.listed(subquery)

    def taken_in(self) -> Any:
        return self.values.get(-1)

    def parsed(self) -> bool:
        return True

    def same(self, expr: Expr) -> bool:
        raise NotKnown("two rows in one", expr.span)

    def aggregate(self, expr: Apply) -> Any:
        if self.group is None:
            raise NotKnown(f"{expr.function} outside of a summarize", expr.span)
        return aggregated(expr, self.group)


Answers: TypeAlias = dict[int, tuple[Expr, set[bool]]]


class Interpreter:
    """Runs one plan, again and again.

    Attributes:
        answers: what each atom of a condition has answered on some row, by the id of its expression.
    """

    def __init__(self, plan: o.Plan, now: dt.datetime) -> None:
        self.plan, self.now = plan, now
        self.stored: dict[int, list[Column]] = {}
        for part in o.parts((plan.root, tuple(c for _, c in plan.names))):
            if isinstance(part, Column) and part.table is not None and part.source is not None:
                self.stored.setdefault(part.source, []).append(part)
        self.answers: Answers = {}
        self.errors: dict[str, Span | None] = {}
        self.made: dict[int, list[Values]] = {}
        self.lists: dict[int, list[Any]] = {}
        self.events: Sequence[Event] = ()

    def rows(self, events: Sequence[Event]) -> list[Values]:
        """The rows that the plan gives for ``events``.

        Raises:
            NotKnown: an operator or a function that is not known here.
        """
        self.begin(events)
        return self.of(self.plan.root)

    def begin(self, events: Sequence[Event]) -> None:
        """Forgets what was found for other events."""
        self.events, self.made, self.lists = events, {}, {}

    def alerts(self, events: Sequence[Event]) -> bool | None:
        """Whether there are rows; None where that cannot be said here."""
        try:
            return bool(self.rows(events))
        except NotKnown as error:
            self.errors.setdefault(error.what, error.span)
            return None

    def listed(self, subquery: Subquery) -> list[Any]:
        found = self.lists.get(id(subquery))
        if found is None:
            column = subquery.column
            found = [] if column is None else [_Scope(self, r).value(column) for r in self.of(subquery.relation)]
            self.lists[id(subquery)] = found
        return found

    def of(self, relation: o.Relation) -> list[Values]:
        found = self.made.get(id(relation))
        if found is None:
            found = self.made[id(relation)] = self.evaluated(relation)
        return found

    def scopes(self, relation: o.Relation) -> list[_Scope]:
        return [_Scope(self, r) for r in self.of(relation)]

    def evaluated(self, relation: o.Relation) -> list[Values]:
        match relation:
            case o.Source():
                return self.source(relation)
            case o.Rows(columns=columns, rows=rows):
                empty = _Scope(self, {})
                return [{c.id: value_of(x, empty) for c, x in zip(columns, row, strict=True)} for row in rows]
            case o.Filter(input=inner, predicate=predicate):
                return [r.values for r in self.scopes(inner) if self.judged(predicate, r) is True]
            case o.Compute(input=inner, items=items):
                return [self.computed(r, items) for r in self.scopes(inner)]
            case o.Project(input=inner, items=items):
                return [{c.id: self.tried(x, r) for c, x in items} | {-1: r.taken_in()} for r in self.scopes(inner)]
            case o.Distinct(input=inner, columns=columns):
                return list({repr([r.values.get(c.id) for c in columns]): r.values for r in self.scopes(inner)}.values())
            case o.Sort(input=inner, keys=keys):
                return self.ordered(self.scopes(inner), keys)
            case o.Limit(input=inner, count=count, keys=keys, partition=partition):
                return self.limited(self.ordered(self.scopes(inner), keys), count, partition)
            case o.Arrange(input=inner):
                return self.of(inner)
            case o.Number(input=inner, column=column):
                return [{**r, column.id: n} for n, r in enumerate(self.of(inner))]
            case o.Aggregate():
                return self.grouped(relation)
            case o.Union(inputs=inputs, columns=columns):
                merged: list[Values] = [
                    {c.id: r.get(s.id) for c, sources in columns if (s := sources[n]) is not None} | {-1: r.get(-1)}
                    for n, inner in enumerate(inputs)
                    for r in self.of(inner)
                ]
                return merged
            case o.Join():
                return self.joined(relation)
            case o.Expand():
                return [r for row in self.scopes(relation.input) for r in self.expanded(relation, row)]
            case o.Parse():
                return [p for r in self.scopes(relation.input) if (p := self.parsed(relation, r)) is not None]
            case o.Plugin(input=inner, name="bag_unpack") if inner is not None:
                return [{**r.values, **self.unpacked(relation, r)} for r in self.scopes(inner)]
        raise NotKnown(f"{type(relation).__name__.lower()}, which only the engine runs", relation.span)

    def source(self, relation: o.Source) -> list[Values]:
        found: list[Values] = []
        for event in self.events:
            if event.table != relation.table:
                continue
            at = self.now + dt.timedelta(microseconds=round(event.seconds * 1_000_000))
            row = {-1: event.values.get(RECEIVED) or at}
            for column in self.stored.get(relation.id, ()):
                held = at if column.name in TIMES and column.name not in event.values else event.values.get(column.name)
                row[column.id] = _stored(held, column)
            found.append(row)
        return found

    def tried(self, expr: Expr, row: _Scope) -> Any:
        try:
            return value_of(expr, row)
        except NotKnown as error:
            return _Unknown(error)

    def computed(self, row: _Scope, items: tuple[tuple[Column, Expr], ...]) -> Values:
        made = dict(row.values)
        for column, expr in items:
            made[column.id] = self.tried(expr, row)
        self.note_conditions(items, row)
        return made

    def note_conditions(self, items: Iterable[tuple[Column, Expr]], row: _Scope) -> None:
        """Conditions within computed columns are atoms as well."""
        for _, expr in items:
            if isinstance(expr, Apply) and expr.function in ("iff", "case"):
                for condition in expr.args[:-1:2] if expr.function == "case" else expr.args[:1]:
                    try:
                        self.judged(condition, row)
                    except NotKnown:
                        return

    def judged(self, predicate: Expr, row: _Scope) -> Any:
        """A condition's value; every atom of it is asked and its answer noted."""
        match predicate:
            case Apply(function="and" | "or" as name, args=args):
                values = [self.judged(a, row) for a in args]
                decisive = name == "or"
                return decisive if decisive in values else None if None in values else not decisive
            case Apply(function="not", args=(inner,)):
                found = self.judged(inner, row)
                return None if found is None else not found
        found = value_of(predicate, row)
        self.answers.setdefault(id(predicate), (predicate, set()))[1].add(found is True)
        return found

    def ordered(self, rows: list[_Scope], keys: tuple[o.Ordering, ...]) -> list[Values]:
        found = list(rows)
        for key in reversed(keys):
            try:
                known = [r for r in found if value_of(key.expr, r) is not None]
                rest = [r for r in found if value_of(key.expr, r) is None]
                known.sort(key=lambda r: value_of(key.expr, r), reverse=key.descending)
                found = rest + known if key.nulls_first else known + rest
            except (TypeError, NotKnown):
                continue
        return [r.values for r in found]

    def limited(self, rows: list[Values], count: Expr, partition: tuple[Column, ...]) -> list[Values]:
        most = value_of(count, _Scope(self, {}))
        taken: dict[str, int] = {}
        kept = []
        for row in rows:
            key = repr([row.get(c.id) for c in partition])
            taken[key] = taken.get(key, 0) + 1
            if taken[key] <= most:
                kept.append(row)
        return kept

    def grouped(self, relation: o.Aggregate) -> list[Values]:
        groups: dict[str, tuple[list[Any], list[_Scope]]] = {}
        for row in self.scopes(relation.input):
            keys = [value_of(x, row) for _, x in relation.keys]
            groups.setdefault(repr(keys), (keys, []))[1].append(row)
        if not relation.keys and not groups:
            groups[""] = ([], [])
        found: list[Values] = []
        for keys, rows in groups.values():
            own = {c.id: k for (c, _), k in zip(relation.keys, keys, strict=True)}
            scope = _Scope(self, {**(rows[0].values if rows else {}), **own}, rows)
            found.append({**own, **{c.id: self.tried(x, scope) for c, x in relation.aggregates}})
        return found

    def joined(self, join: o.Join) -> list[Values]:
        left, right = self.scopes(join.left), self.scopes(join.right)
        if join.kind == "innerunique":
            left = list({repr(self.keys(join, r, 0)): r for r in reversed(left)}.values())
        by_key: dict[str, list[int]] = {}
        for number, row in enumerate(right):
            keys = self.keys(join, row, 1)
            if keys is not None:
                by_key.setdefault(repr(keys), []).append(number)
        pairs: list[tuple[int, int, Values]] = []
        for number, row in enumerate(left):
            keys = self.keys(join, row, 0)
            for other in by_key.get(repr(keys), ()) if keys is not None else ():
                both = {**right[other].values, **row.values}
                if join.condition is None or self.judged(join.condition, _Scope(self, both)) is True:
                    pairs.append((number, other, both))
                if len(pairs) > _LIMIT:
                    raise NotKnown("a join of so many rows", join.span)
        lefts, rights = {p[0] for p in pairs}, {p[1] for p in pairs}
        kind = join.kind
        alone = [r.values for n, r in enumerate(left) if n not in lefts]
        others = [r.values for n, r in enumerate(right) if n not in rights]
        if "anti" in kind:
            return others if kind.startswith("right") else alone
        if "semi" in kind:
            side, chosen = (right, rights) if kind.startswith("right") else (left, lefts)
            return [r.values for n, r in enumerate(side) if n in chosen]
        found = [v for _, _, v in pairs]
        if kind in ("leftouter", "fullouter"):
            found += alone
        if kind in ("rightouter", "fullouter"):
            found += others
        return found

    def keys(self, join: o.Join, row: _Scope, side: int) -> list[Any] | None:
        """What a row is joined by; None where nothing equals it."""
        found = []
        for pair in join.on:
            value = value_of(pair[side], row)
            if value is None:
                return None
            found.append(text_of(value) if isinstance(value, list | dict) or pair[0].type != pair[1].type else value)
        return found

    def expanded(self, expand: o.Expand, row: _Scope) -> list[Values]:
        arrays = []
        for _, expr in expand.items:
            value = value_of(expr, row)
            value = json_of(value) if isinstance(value, str) else value
            if isinstance(value, dict):
                value = [[k, v] if expand.pairs else {k: v} for k, v in value.items()]
            arrays.append(value if isinstance(value, list) else [value])
        length = max((len(a) for a in arrays), default=0)
        if expand.limit is not None:
            length = min(length, value_of(expand.limit, row) or length)
        made: list[Values] = []
        for place in range(length):
            values = {c.id: as_type(element(a, place), c.type) for (c, _), a in zip(expand.items, arrays, strict=True)}
            index = {expand.index.id: place} if expand.index is not None else {}
            made.append({**row.values, **values, **index})
        return made

    def parsed(self, parse: o.Parse, row: _Scope) -> Values | None:
        found = pieces(parse).of(text_of(value_of(parse.value, row)))
        if found is None and parse.filters:
            return None
        columns = [p for p in parse.pattern if isinstance(p, Column)]
        held = {c.id: as_type(found[n], c.type) if found is not None else None for n, c in enumerate(columns)}
        return {**row.values, **held}

    def unpacked(self, plugin: o.Plugin, row: _Scope) -> Values:
        value = value_of(plugin.arguments[0], row)
        value = json_of(value) if isinstance(value, str) else value
        keys = ((c, plugin.key(c)) for c in self.stored.get(plugin.source.id, ()))
        return {c.id: as_type(element(value, key), c.type) for c, key in keys if key is not None}


def _stored(value: Any, column: Column) -> Any:
    if column.type == Type.STRING:
        return text_of(value)
    if column.type == Type.DYNAMIC and isinstance(value, str):
        return json_of(value)
    return None if value == "" and column.type != Type.UNKNOWN else value
