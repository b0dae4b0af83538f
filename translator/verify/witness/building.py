"""From a plan to the rows that would alert: an event for each table that is read, before any value is looked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from translator import catalog
from translator.plan import operators as o
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, Path, missing, negation
from translator.plan.plugins import pivot_of, pivoted
from translator.plan.types import Type
from translator.targets.formulas import parsed
from translator.verify.witness.events import Event
from translator.verify.witness.group_rows import Grouped
from translator.verify.witness.holding import hold
from translator.verify.witness.model import NotKnown
from translator.verify.witness.rows import Computed, Element, Filtered, Joined, Nothing, Parsed, Pivoted, Unpacked
from translator.verify.witness.states import TIMES, Row, State
from translator.verify.witness.variants import plain

_ADDRESS = ("ip", "address", "addr")


SHARED = -1
"""The choice whether all that a query reads of one table is one event, where several parts of it read that table."""


class Choices:
    """Which of several ways a plan is built: the first of each, but where ``taken`` says otherwise by the number of the decision."""

    def __init__(self, taken: dict[int, int]) -> None:
        self.taken, self.counts = taken, list[int]()

    def of(self, count: int) -> int:
        """Which of ``count`` ways is taken at this decision, from 0 on."""
        self.counts.append(count)
        return min(self.taken.get(len(self.counts) - 1, 0), count - 1)


class Builder:
    """Builds the rows of one attempt.

    Args:
        most: how many events there may be.
        ago: how long ago an event is of which no time is asked.
    """

    def __init__(self, plan: o.Plan, now: dt.datetime, most: int, choices: Choices, ago: dt.timedelta) -> None:
        self.kinds = kinds_of(plan)
        self.shared: dict[str, dict[str, Any]] = {}
        self.counted = False
        self.pivoted: tuple[dict[str, dict[str, Any]], int] | None = None
        self.state = State(now, most, self.default, constants_of(plan), ago)
        self.choices = choices
        self.state.entangled = SHARED in choices.taken
        self.state.rows_of = self.rows_of
        self.state.hold = hold
        self.state.root = self.row(plan.root)

    def default(self, column: Column) -> Any:
        """What a stored column holds that nothing is asked of."""
        kind = self.kinds.get(column.name, column.type) if column.type == Type.UNKNOWN else column.type
        match kind:
            case _ if column.name in TIMES and column.type in (Type.DATETIME, Type.UNKNOWN):
                return self.state.now - self.state.ago
            case Type.DATETIME:
                return self.state.now - self.state.ago
            case Type.STRING | Type.UNKNOWN:
                return usual_text(column)
            case Type.DYNAMIC:
                return None
        return plain(kind)

    def rows_of(self, relation: o.Relation) -> list[Row]:
        """The rows that a subquery reads: one, until more are asked for."""
        found = self.state.subqueries.get(id(relation))
        if found is None:
            found = self.state.subqueries[id(relation)] = []
            found.append(self.row(relation))
        return found

    def row(self, relation: o.Relation) -> Row:
        """A row of a relation.

        Raises:
            NotKnown: for an operator whose rows cannot be made here.
        """
        state = self.state
        match relation:
            case o.Source(table=table):
                shared = self.shared.setdefault(table, {}) if self.choices.taken.get(SHARED) else None
                if self.pivoted is not None:
                    shared = self.pivoted[0].setdefault(table, {})
                return Event(state, relation, shared)
            case o.Rows(columns=columns, rows=rows):
                if not rows:
                    raise NotKnown("a table of no rows", relation.span)
                chosen = rows[self.choices.of(min(len(rows), 6))]
                return Nothing(state, {c.id: x for c, x in zip(columns, chosen, strict=True)})
            case o.Range(column=column, start=start):
                return Nothing(state, {column.id: start})
            case o.Filter(input=inner, predicate=predicate):
                return Filtered(state, self.row(inner), predicate)
            case o.Compute() if (
                (pivot := pivot_of(relation)) is not None and not _takes_values(pivot[1]) and (summary := pivoted(*pivot, ())) is not None
            ):
                return self.row(replace(summary, input=o.Filter(relation.span, summary.input, _is_named(pivot[1]))))
            case o.Compute(input=inner, items=items):
                return Computed(state, self.row(inner), {c.id: x for c, x in items}, False)
            case o.Project(input=inner, items=items):
                return Computed(state, self.row(inner), {c.id: x for c, x in items}, True)
            case o.Distinct(input=inner, columns=columns) if self.counted:  # equal rows are one
                keys = tuple((c, ColumnRef(None, c.type, c)) for c in columns)
                return Grouped(state, o.Aggregate(relation.span, inner, keys, ()), [self.row(inner)])
            case o.Distinct(input=inner) | o.Sort(input=inner) | o.Limit(input=inner) | o.Arrange(input=inner):
                return self.row(inner)
            case o.Number(input=inner, column=column):
                return Computed(state, self.row(inner), {column.id: Const(None, Type.LONG, 1)}, False)
            case o.Aggregate(input=inner):
                before, self.counted = self.counted, True
                row = self.row(inner)
                self.counted = before
                return Grouped(state, relation, [row])
            case o.Union(inputs=inputs, columns=columns):
                place = self.choices.of(len(inputs))
                merged = {c.id: _merged(c, sources[place]) for c, sources in columns}
                return Computed(state, self.row(inputs[place]), merged, True)
            case o.Join():
                return self.joined(relation)
            case o.Expand(input=inner):
                return Element(state, self.row(inner), relation, 0 if self.pivoted is None else self.pivoted[1])
            case o.Parse(input=inner):
                return Parsed(state, self.row(inner), relation)
            case o.Plugin(input=inner, name="bag_unpack") if inner is not None:
                return Unpacked(state, self.row(inner), relation)
            case o.Plugin(input=inner, name="pivot") if inner is not None:
                return self.pivot(relation, inner)
            case o.External(kind=kind, name=name):
                raise NotKnown(f"the {kind} {name}, which is kept outside of the logs", relation.span)
            case o.Unsupported(reason=reason):
                raise NotKnown(reason, relation.span)
        raise NotKnown(_WORDS.get(type(relation).__name__, type(relation).__name__), relation.span)

    def pivot(self, plugin: o.Plugin, inner: o.Relation) -> Row:
        """A row of a pivot, with an event for each of its columns that conditions read."""
        values: dict[str, dict[str, Any]] = {}
        self.state.entangled = True

        def make_row(place: int) -> Row:
            before, self.pivoted = self.pivoted, (values, place)
            try:
                return self.row(inner)
            finally:
                self.pivoted = before

        return Pivoted(self.state, plugin, make_row)

    def joined(self, join: o.Join) -> Row:
        """A row of a join: of both sides, or of the kept one alone where the kind allows it and the choices take it so."""
        turned = join.kind.startswith("right")
        kept, other = (join.right, join.left) if turned else (join.left, join.right)
        first = self.row(kept)
        second: Row | None = None
        if "anti" in join.kind:
            second = self.row(other) if self.choices.of(2) == 1 else None
        elif join.kind in ("leftouter", "rightouter", "fullouter"):
            second = self.row(other) if self.choices.of(2) == 0 else None
        else:
            second = self.row(other)
        return Joined(self.state, join, second if turned else first, first if turned else second)


def usual_text(column: Column) -> str:
    """What a stored column of texts holds that nothing is asked of."""
    lowered = column.name.lower().removesuffix("_s")
    return "203.0.113.7" if lowered.endswith(_ADDRESS) or "ipaddress" in lowered else _joined(column) or lowered


def _joined(column: Column) -> str:
    """A value of a column that a product has in parts, such as a domain and a user; empty where none has."""
    known = catalog.table(column.table or "")
    homes = [home for family in known.homes.values() for home in family] if known is not None else []
    for found in (home.columns.get(column.name) for home in homes):
        if isinstance(found, catalog.Computed) and found.expression.startswith("strcat("):
            formula = parsed(column.table or "", found.expression)
            if isinstance(formula, Apply) and all(isinstance(a, Const | ColumnRef) for a in formula.args):
                return "".join(str(a.value) if isinstance(a, Const) else _name(a).lower() for a in formula.args)
    return ""


_WORDS = {"Series": "make-series", "ParsePairs": "parse-kv"}


def _takes_values(pivot: o.Plugin) -> bool:
    """Whether what pivot has in its columns are values of its input."""
    match pivot.arguments:
        case (_, Apply(function="take_any")):
            return True
    return False


def _is_named(pivot: o.Plugin) -> Expr:
    """That a value has a name, which is no empty text."""
    text = Apply(pivot.span, Type.STRING, "tostring", pivot.arguments[:1])
    return negation(Apply(pivot.span, Type.BOOL, "isempty", (text,)))


def _merged(column: Column, source: Column | None) -> Expr:
    if source is None:
        return missing(column.type)
    return ColumnRef(None, source.type, source)


def constants_of(plan: o.Plan) -> dict[str, list[Any]]:
    """The values that columns are compared with, by the names of the columns."""
    found: dict[str, list[Any]] = {}
    for part in o.parts(plan.root):
        if isinstance(part, Apply) and len(part.args) == 2 and (name := _name(part.args[0])):
            values = part.args[1].items if isinstance(part.args[1], Items) else (part.args[1],)
            listed = found.setdefault(name, [])
            flat = [i for v in values for i in (v.items if isinstance(v, Items) else (v,))]
            listed.extend(v.value for v in flat if isinstance(v, Const) and isinstance(v.value, str) and v.value not in listed)
    return found


_ORDERS = frozenset({"<", "<=", ">", ">=", "between", "+", "-", "*", "/", "%", "bin", "==", "!="})
_KNOWN = frozenset({Type.LONG, Type.INT, Type.REAL, Type.DATETIME, Type.TIMESPAN, Type.BOOL})


def kinds_of(plan: o.Plan) -> dict[str, Type]:
    """The types of columns that the catalog does not know, by what they are compared and computed with."""
    found: dict[str, Type] = {}
    for part in o.parts(plan.root):
        match part:
            case Apply(function=name, args=args) if name in _ORDERS:
                others = [a.type for a in args if a.type in _KNOWN]
                for arg in args:
                    if isinstance(arg, ColumnRef) and arg.type == Type.UNKNOWN and others:
                        found.setdefault(
                            arg.column.name, Type.DATETIME if name in ("+", "-", "bin") and others[0] == Type.TIMESPAN else others[0]
                        )
            case Apply(function="sum" | "avg" | "percentile", args=(ColumnRef(column=column), *_)) if column.type == Type.UNKNOWN:
                found.setdefault(column.name, Type.LONG)
            case Path(base=ColumnRef(column=column)) if column.type == Type.UNKNOWN:
                found.setdefault(column.name, Type.DYNAMIC)
            case Apply(function="array_length" | "mv-expand", args=(ColumnRef(column=column), *_)) if column.type == Type.UNKNOWN:
                found.setdefault(column.name, Type.DYNAMIC)
    return found


def _name(expr: Expr) -> str:
    match expr:
        case ColumnRef(column=column):
            return column.name
        case Path(steps=(*_, str(last))):
            return last
        case Apply(args=(inner, *_)) if not isinstance(inner, Const):
            return _name(inner)
    return ""
