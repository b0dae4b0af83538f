"""What the lists hold that a text looks values up in: what the KQL finds for them among the events of a world.

A diagnostic says which list a part of the query has become, and what it is to hold; the part is found again by its place. Lists that
the query reads from outside of the logs (watchlists, externaldata) are tables here, so that worlds have rows for them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from translator.detection.idioms.threat_intel import INDICATOR_TABLES
from translator.engine.python.conversions import json_of
from translator.fidelity import CaseOfList, Diagnostic, FilledList, ReadList
from translator.plan import operators as o
from translator.plan.expressions import FALSE, TRUE, Apply, ColumnRef, Expr, Span, Subquery, conjuncts, walk
from translator.plan.functions.values import text_of
from translator.plan.types import Type
from translator.targets.base import LISTED
from translator.verify.reading import Row
from translator.verify.witness.interpreting import Interpreter
from translator.verify.witness.model import Event, NotKnown
from translator.verify.witness.scalars import value_of

_KEPT = "list-condition"
_OUTSIDE = "list {}"


@dataclass(frozen=True, slots=True)
class Edited:
    """A query with parts of its text replaced, and where its places are then.

    Attributes:
        tables: the tables that stand for what is kept outside of the logs, with the types of the columns that are declared.
    """

    text: str
    edits: tuple[tuple[int, int, str], ...] = ()
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def place(self, span: Span) -> Span:
        """Where a part of the original text is."""
        start, end = (at + sum(len(new) - (b - a) for a, b, new in self.edits if b <= at) for at in span)
        return start, end


def edited(text: str, plan: o.Plan, changes: Iterable[tuple[int, int, str]]) -> Edited:
    """A query with ``changes`` (start, end, new text), and tables for what it reads from outside of the logs."""
    names: dict[tuple[str, str, tuple[tuple[str, str], ...]], str] = {}
    edits = set(changes)
    for part in o.parts(plan.root):
        if isinstance(part, o.External) and part.span is not None:
            declared = tuple((c.name, str(c.type)) for c in part.columns)
            name = names.setdefault((part.kind, part.name, declared), _OUTSIDE.format(len(names) + 1))
            edits.add((*part.span, f"['{name}']"))
    made, at, kept = "", 0, []
    for start, end, new in sorted(edits):
        if start < at:  # within a part that is replaced
            continue
        made, at = made + text[at:start] + new, end
        kept.append((start, end, new))
    return Edited(made + text[at:], tuple(kept), {name: dict(columns) for (_, _, columns), name in names.items()})


@dataclass(frozen=True, slots=True)
class _List:
    """The values of an expression in the rows of a relation, and what must hold for rows that meet them, which the list leaves out."""

    relation: o.Relation
    values: Expr
    meeting: tuple[tuple[o.Relation, Expr], ...] = ()


class Lists:
    """The lists of the outputs of a query.

    Args:
        plan: the query with tables for lists.
        outside: the names of these tables.
    """

    def __init__(self, plan: o.Plan, edits: Edited, now: dt.datetime) -> None:
        self.plan, self.edits = plan, edits
        self.outside = frozenset(edits.tables)
        self.interpreter = Interpreter(plan, now)
        self.parts = [p for p in o.parts(plan.root) if isinstance(p, o.Relation | Apply)]
        self._found: dict[tuple[Diagnostic, ...], dict[str, _List | str]] = {}

    def of(self, diagnostics: tuple[Diagnostic, ...]) -> Mapping[str, _List | str]:
        """The lists that an output is said to need, by name; the reason for those that are not found again."""
        if diagnostics not in self._found:
            found: dict[str, _List | str] = {}
            for said in diagnostics:
                if isinstance(said.fact, FilledList) and said.span is not None and said.fact.name not in found:
                    found[said.fact.name] = self.at(self.edits.place(said.span), said.fact, diagnostics)
            self._found[diagnostics] = found
        return self._found[diagnostics]

    def rows(self, diagnostics: tuple[Diagnostic, ...], given: Mapping[str, Sequence[Row]], whole: bool) -> dict[str, list[Row]]:
        """The rows of the lists that an output reads as they are, as a file of texts has them: those of the tables that stand for them.

        ``whole``: each has all columns, where there is nothing an empty text.
        """
        named = {(start, end): new.strip("[]'") for start, end, new in self.edits.edits}
        read = [(d.fact, named.get(d.span)) for d in diagnostics if isinstance(d.fact, ReadList) and d.span is not None]
        marks = {fact.name: {fact.mark: LISTED[1]} for fact, _ in read if fact.mark}
        found: dict[str, list[Row]] = {}
        for fact, table in read:
            if table in self.outside:
                columns: Row = dict.fromkeys(self.edits.tables[table], "") if whole else {}
                texts = [
                    {k: "" if v is None else text_of(v) for k, v in row.items() if whole or v not in (None, "")}
                    for row in given.get(table, ())
                ]
                found[fact.name] = [{**columns, **row, **marks.get(fact.name, {})} for row in texts]
        return found

    def tables(self, diagnostics: tuple[Diagnostic, ...]) -> frozenset[str]:
        """The tables that an output reads as lists and not as events."""
        read = {p.table for found in self.of(diagnostics).values() if isinstance(found, _List) for p in _sources(found.relation)}
        return self.outside | (read & INDICATOR_TABLES)

    def at(self, span: Span, asked_for: FilledList, diagnostics: tuple[Diagnostic, ...]) -> _List | str:
        """The part of the query that fills a list whose use was said at ``span``; why there is none, in words, where it is not found."""
        here = [p for p in self.parts if p.span == span]
        for part in here:
            if isinstance(part, o.Join):
                found = self.joined(part, asked_for)
                return found if isinstance(found, str) else replace(found, meeting=self.meeting(part, found, diagnostics))
        for part in here:
            asked = [n for n in walk(part) if isinstance(n, Subquery) and n.column is not None] if isinstance(part, Apply) else []
            if len({id(n.relation) for n in asked}) == 1 and (given := asked[0].column) is not None:
                return _List(asked[0].relation, ColumnRef(None, given.type, given))
        for part in here:
            if isinstance(part, Apply) and (found_ := self.earlier(part, asked_for)) is not None:
                return found_
        return "the place of the query that fills it is not found again"

    def joined(self, join: o.Join, asked_for: FilledList) -> _List | str:
        """The keys of the side of a join that is the list: the one that reads lists alone, or what an anti-join does not want."""
        listed = self.outside | INDICATOR_TABLES
        sides = [side for side in (join.left, join.right) if (read := {s.table for s in _sources(side)}) and read <= listed]
        if "anti" in join.kind:
            sides = sides or [join.left if join.kind.startswith("right") else join.right]
        if len(sides) != 1:
            return "which side of the join fills it is not known"
        (side,) = sides
        keys = [pair[0 if side is join.left else 1] for pair in join.on]
        others = [pair[1 if side is join.left else 0] for pair in join.on]
        named = [k for k, x in zip(keys, others, strict=True) if asked_for.column in _names(x if asked_for.earlier else k)]
        if len(keys) > 1 and len(named) != 1:
            return "which key of the join fills it is not known"
        return _List(side, (named if len(keys) > 1 else keys)[0])

    def earlier(self, asked: Apply, asked_for: FilledList) -> _List | None:
        """The keys of summaries for which a condition on their first event does not hold."""
        for part in self.parts:
            if isinstance(part, o.Filter) and any(p is asked for p in conjuncts(part.predicate)):
                inner: o.Relation = part.input
                while not isinstance(inner, o.Aggregate) and isinstance(below := getattr(inner, "input", None), o.Relation):
                    inner = below
                keys = [c for c, x in inner.keys if asked_for.column in _names(x)] if isinstance(inner, o.Aggregate) else []
                if len(keys) == 1:
                    return _List(o.Filter(None, part.input, _denied(asked)), ColumnRef(None, keys[0].type, keys[0]))
        return None

    def meeting(self, join: o.Join, found: _List, diagnostics: tuple[Diagnostic, ...]) -> tuple[tuple[o.Relation, Expr], ...]:
        """The conditions above a join that are left to whoever keeps the list, each with the rows that it is asked of.

        These are all rows that meet in the join, whatever else is asked of them.
        """
        kept = {self.edits.place(d.span) for d in diagnostics if d.code == _KEPT and d.span is not None}
        asked = []
        for part in self.parts:
            if isinstance(part, o.Filter) and any(p is join for p in o.parts(part.input)):
                asked += [(_bare(part.input, found.relation), p) for p in conjuncts(part.predicate) if p.span in kept]
        return tuple(asked)

    def filled(self, diagnostics: tuple[Diagnostic, ...], events: Sequence[Event]) -> dict[str, list[str] | str] | None:
        """The values of each list for events; the reason where they are not known. None where the events ask for what lists leave out.

        An array is as good as its elements, for ``in`` and for whoever keeps the list.
        """
        lists = self.of(diagnostics)
        if not lists:
            return {}
        self.interpreter.begin(events)
        held: dict[str, list[str] | str] = {}
        for name, found in lists.items():
            if isinstance(found, str):
                held[name] = found
                continue
            try:
                for relation, condition in found.meeting:
                    if any(value_of(condition, scope) is not True for scope in self.interpreter.scopes(relation)):
                        return None
                values = [value_of(found.values, scope) for scope in self.interpreter.scopes(found.relation)]
                if found.values.type in (Type.STRING, Type.UNKNOWN):  # a text, as columns of watchlists are, which is never null
                    values = ["" if value is None else value for value in values]
            except NotKnown as error:
                held[name] = error.what
                continue
            cases = [d.fact.case for d in diagnostics if isinstance(d.fact, CaseOfList) and d.fact.name == name]
            texts = dict.fromkeys(text_of(e) for value in values for e in _elements(value) if e is not None)
            held[name] = [t for t in texts if all(t == (t.lower() if case == "lower" else t.upper()) for case in cases)]
            nonempty = any(isinstance(d.fact, FilledList) and d.fact.name == name and d.fact.nonempty for d in diagnostics)
            if any("*" in v or (nonempty and not v) for v in held[name]):  # a wildcard in a lookup, as the reader takes it
                return None
        return held


def _elements(value: object) -> Iterator[object]:
    read = json_of(value) if isinstance(value, str) and value[:1] == "[" else value
    if isinstance(read, list):
        yield from read
    else:
        yield value


def _sources(relation: o.Relation) -> Iterator[o.Source]:
    return (p for p in o.parts(relation) if isinstance(p, o.Source))


def _names(expr: Expr) -> set[str]:
    return {n.column.name for n in walk(expr) if isinstance(n, ColumnRef)}


def _denied(condition: Expr) -> Expr:
    return Apply(condition.span, Type.BOOL, "iff", (condition, FALSE, TRUE))


def _bare(relation: o.Relation, listed: o.Relation) -> o.Relation:
    """A relation without its conditions, but for those of a list within."""
    if relation is listed:
        return relation
    match relation:
        case o.Filter(input=inner):
            return _bare(inner, listed)
        case o.Join(left=left, right=right):
            return replace(relation, left=_bare(left, listed), right=_bare(right, listed))
        case o.Union(inputs=inputs):
            return replace(relation, inputs=tuple(_bare(i, listed) for i in inputs))
    inner_ = getattr(relation, "input", None)
    return replace(relation, input=_bare(inner_, listed)) if isinstance(inner_, o.Relation) else relation  # type: ignore[call-arg]
