"""The walk over a plan, command by command.

One stream of events carries a query of several tables: each part of it has a flag, a field that is there on its rows. What a part alone
does changes its flag and adds columns; where parts are joined, one of them gets the columns of the other by the keys of the join. The part
that is left is the stream, of which the rest is written as any pipeline is.
"""

from __future__ import annotations

import itertools
from abc import abstractmethod
from contextlib import suppress
from dataclasses import replace

from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
from translator.plan.describe import operator_word
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, conjuncts, walk
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.targets.base import Cannot, some_of
from translator.targets.pipeline.cuts import Dropped, computed
from translator.targets.pipeline.language import ORDERED, Value
from translator.targets.pipeline.reading import made_by
from translator.targets.pipeline.relations import subqueries_of
from translator.targets.pipeline.walk.columns import compute, group, settled, telling
from translator.targets.pipeline.walk.context import Context
from translator.targets.pipeline.walk.expansions import expand, unrolled_by
from translator.targets.pipeline.walk.joins import joined, with_memberships
from translator.targets.pipeline.walk.lists import opened
from translator.targets.pipeline.walk.neighbours import with_neighbours
from translator.targets.pipeline.walk.parts import Above, Part
from translator.targets.pipeline.walk.results import order, ordering
from translator.targets.pipeline.walk.summaries import counted_column, is_of_row, one_of_each, searched_column
from translator.targets.pipeline.walk.unions import united


class Walk(Context):
    """Writes the operators over the heads of a query."""

    @abstractmethod
    def aggregate(self, node: o.Aggregate, part: Part) -> Part:
        """A summary: of the whole stream, or beside the events of one part of it."""

    def run(self) -> None:
        """Writes all operators over the heads, and what the heads compute of their fields for them.

        Raises:
            Cannot: where one that decides anything has no words here.
        """
        operators = self.cut.operators()
        self.made = made_by(operators)
        self.lengths = {c.id for r in operators[:1] for n in o.parts(r) if (c := counted_column(n)) is not None}
        self.searched = {c.id for r in operators[:1] for n in o.parts(r) if (c := searched_column(n)) is not None}
        for operator in operators:
            if isinstance(operator, o.Expand) and (of := unrolled_by(operator)) is not None:
                self.unrolled[id(of)] = frozenset(n.column.id for _, x in operator.items for n in walk(x) if isinstance(n, ColumnRef))
        for listed in self.cut.lists():
            self.flag_of[id(listed)] = self.opened(listed)
        self.part(self.cut.root, Above(tuple(ColumnRef(None, c.type, c) for _, c in self.names if self.needed(c))))

    def part(self, node: o.Relation, above: Above) -> Part:
        """Writes what a relation reads and then itself. Returns which of its rows are its own, where others stand in the same stream."""
        if id(node) in self.flag_of:
            return Part(self.flag_of[id(node)])
        number = self.cut.number(node)
        if number is not None:
            for items in computed(node):
                compute(self, items)
            return Part(self.flags[number] if self.flags else None)
        if isinstance(node, o.Union):
            own = Above(sorts=above.sorts).and_by(node, self.decides, self.shown)
            return united(self, node, [self.part(below, own) for below in node.inputs])
        above = above.and_by(node, self.decides, self.shown)
        match node:
            case o.Join():
                return self.joined(node, above)
            case o.Filter(input=below, predicate=predicate) if subqueries_of(predicate):
                return with_memberships(self, below, predicate, above)
        part = self.part(node.input, above)  # type: ignore[attr-defined]
        return self.tried(node, part) if self.loose else self.operator(node, part)

    def opened(self, node: o.External) -> str:
        """The rows of a list as a part of the stream. Returns its flag."""
        return opened(self, node)

    def joined(self, node: o.Join, above: Above) -> Part:
        """Both sides of a join as one part."""
        return joined(self, node, above)

    def tried(self, node: o.Relation, part: Part) -> Part:
        """An operator, or word that it is left out."""
        if isinstance(node, Dropped):
            place = Place.BOTH if self.is_counted(node) else Place.PLAIN
            self.say("condition-dropped" if node.widens else "operator-dropped", f"{node.what} is left out", node.span, place)
            return part
        before = list(self.commands), dict(self.columns), dict(self.fields), set(self.taken), self.sorted
        try:
            return self.operator(node, part)
        except Cannot as refused:
            self.commands, self.columns, self.fields, self.taken, self.sorted = before
            if isinstance(node, o.Filter):
                return self.filtered(node, part)
            if isinstance(node, o.Aggregate) and (keys := self.keys_of(node)) != node.keys:
                lost = [c.name for c, _ in node.keys if c not in [k for k, _ in keys]]
                what = f"{', '.join(lost)} cannot be computed here, and {'is' if len(lost) == 1 else 'are'} left out of the keys"
                self.say("key-dropped", what, node.span, Place.BOTH)
                return self.tried(replace(node, keys=keys), part)
            what = f"the operator {operator_word(node)} is left out: {refused.diagnostic.message}"
            self.say("operator-dropped", what, node.span, Place.BOTH)
            return part

    def filtered(self, node: o.Filter, part: Part) -> Part:
        """Those conditions that can be said, and word of the others."""
        held = list[str]()
        place = Place.BOTH if self.is_counted(node) else Place.PLAIN
        for condition in conjuncts(node.predicate):
            try:
                held.append(self.condition(condition, part))
            except Cannot as refused:
                self.say("condition-dropped", f"this condition is left out: {refused.diagnostic.message}", condition.span, place)
        if held:
            self.keep(part, held)
        return part

    def condition(self, condition: Expr, part: Part) -> str:
        """A condition of a filter, and a word where it lets nothing through of all that is read. Raises Cannot."""
        text = self.values().holds(simplify(condition))
        if text == self.language.false and part.flag is None:
            self.say("false-predicate", "this condition is never true", condition.span)
        return text

    def is_counted(self, node: o.Relation) -> bool:
        """Whether the rows of an operator are counted, or cut off, over it."""
        over = list(itertools.takewhile(lambda r: r is not node, self.cut.operators()))
        return any(isinstance(r, o.Aggregate | o.Limit | o.Join) for r in over)

    def keys_of(self, node: o.Aggregate) -> tuple[tuple[Column, Expr], ...]:
        """The keys of a summary that can be computed."""
        found = []
        for column, expr in node.keys:
            with suppress(Cannot):
                group(self, expr)
                found.append((column, expr))
        return tuple(found)

    def with_known_keys(self, node: o.Aggregate) -> o.Aggregate:
        """A summary without those of the keys that decide nothing and have no words."""
        if self.loose or all(c.id in self.decides for c, _ in node.keys):
            return node
        kept = tuple((c, x) for c, x in node.keys if c.id in self.decides or (c, x) in self.keys_of(node))
        if len(kept) < len(node.keys):
            lost = some_of([c.name for c, x in node.keys if (c, x) not in kept])
            message = f"rows that differ in {lost} alone are one, which is no key here"
            self.note(Diagnostic("rows-merged", message, node.span, Place.SHOWN))
        return replace(node, keys=kept)

    def without_unread_rows(self, node: o.Aggregate) -> o.Aggregate:
        """A summary without the row that ``arg_max`` or ``arg_min`` finds of each group, where nothing of it is read."""
        latest = one_of_each(node)
        if latest is None or any(self.needed(c) for c, x in node.aggregates if is_of_row(x, latest)):
            return node
        return replace(node, aggregates=tuple((c, x) for c, x in node.aggregates if not is_of_row(x, latest)))

    def operator(self, node: o.Relation, part: Part) -> Part:
        whole = part.flag is None
        if isinstance(node, o.Filter | o.Compute | o.Project):
            node = with_neighbours(self, node, part)
        match node:
            case o.Filter(predicate=predicate):
                if part.always and not any(map(_fails_of_none, conjuncts(predicate))):
                    raise Cannot(
                        Diagnostic("unsupported-operator", "a condition on what no events come to is not supported here", node.span)
                    )
                parts = [self.condition(p, part) for p in conjuncts(predicate)]
                self.keep(part, parts)
                self.positive |= {x for p in conjuncts(predicate) if (x := _positive_by(p)) is not None}
                return replace(part, always=False)
            case o.Compute(items=items) | o.Project(items=items):
                compute(self, items)
                return part
            case o.Aggregate():
                return self.aggregate(self.without_unread_rows(self.with_known_keys(node)), part)
            case o.Distinct(columns=columns):
                names = tuple(self.told_by(column, node) for column in columns)
                if whole:
                    self.commands.append(self.distinct(list(names)))
                unique = telling(self, [(c, ColumnRef(None, c.type, c)) for c in columns])
                return replace(part, unique=unique, spread=None if whole else names)
            case o.Sort(keys=keys):
                if whole:
                    order(self, keys)
                return part
            case o.Limit(count=Const(value=int(count)), keys=keys, partition=()) if (keys := keys or _sorted_by(node.input)) or whole:
                part = part if whole else self.single(part, node)
                found = [] if whole and keys == self.sorted else ordering(self, keys)
                if found is None:
                    raise Cannot(Diagnostic("unsupported-operator", "the first rows by a text are not supported here", node.span))
                if not whole:
                    self.first(count, found, part, node)
                    return part
                self.commands += [self.sort(found)] if found else []
                self.commands.append(self.limit(count))
                self.sorted = keys
                return part
            case o.Arrange():
                return part
            case o.Expand():
                return expand(self, node, part)
            case o.Number(column=column):
                if self.needed(column):
                    if whole and part.spread is not None:
                        raise Cannot(Diagnostic("unsupported-operator", "numbers of rows are not supported here", node.span))
                    part = self.single(part, node)
                    number = self.numbered(node, [] if part.flag is None else [part.flag])
                    self.columns[column.id] = Value(number, self.row_kind, False, simple=True)
                return part
        raise Cannot(Diagnostic("unsupported-operator", f"the operator {operator_word(node)} is not supported here", node.span))

    def told_by(self, column: Column, node: o.Relation) -> str:
        """The field by which rows are told apart by a column, which all of them have."""
        value = self.values().value(ColumnRef(node.span, column.type, column))
        if value.nullable and value.kind in ORDERED | {"bool"} and (filled := self.filled(value)):
            name = self.free(f"{column.name}_key")
            self.commands.append(self.eval([(name, filled)]))
            return self.quoted(name)
        settled(self, column, node)
        return self.columns[column.id].text

    def first(self, count: int, order: list[tuple[str, bool]], part: Part, node: o.Relation) -> None:
        """Leaves of a part of the stream, whose rows stand once, the first ones.

        Args:
            order: what they are sorted by, and whether from the greatest on.

        Raises:
            Cannot: where the language has no words for it.
        """
        raise Cannot(Diagnostic("unsupported-operator", "the first rows of a part of the events are not supported here", node.span))


def _sorted_by(node: o.Relation) -> tuple[o.Ordering, ...]:
    """By what the rows of a relation are sorted; nothing where they are not.

    Source: learn.microsoft.com/kusto/query/window-functions, "Operators that preserve the serialized row set property".
    """
    while isinstance(node, o.Compute | o.Project | o.Filter | o.Arrange | o.Expand):
        node = node.input
    return node.keys if isinstance(node, o.Sort | o.Limit) else ()


def _fails_of_none(condition: Expr) -> bool:
    """Whether a condition on a column of a summary is not true of no events, of which there are none and nothing else is known."""
    match condition:
        case Apply(function=">", args=(ColumnRef(), Const(value=int(least)))):
            return least >= 0
        case Apply(function=">=", args=(ColumnRef(), Const(value=int(least)))):
            return least > 0
    return False


def _positive_by(condition: Expr) -> Expr | None:
    """The whole number that a condition leaves no less than 1."""
    match condition:
        case Apply(function=">", args=(number, Const(value=int(least)))) if least >= 0 and number.type in (Type.INT, Type.LONG):
            return number
        case Apply(function=">=", args=(number, Const(value=int(least)))) if least > 0 and number.type in (Type.INT, Type.LONG):
            return number
    return None
