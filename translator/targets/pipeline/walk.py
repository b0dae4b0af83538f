"""The walk over a plan, command by command.

One stream of events carries a query of several tables: each part of it has a flag, a field that is there on its rows. What a part alone
does changes its flag and adds columns; where parts are joined, one of them gets the columns of the other by the keys of the join. The part
that is left is the stream, of which the rest is written as any pipeline is.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import ClassVar

from translator import catalog
from translator.detection.naming import snake
from translator.detection.windows import is_time
from translator.fidelity import Diagnostic, Notes, Place
from translator.plan import operators as o
from translator.plan.expansions import EMPTY_ARRAY
from translator.plan.expressions import (
    ELEMENT,
    Apply,
    Column,
    ColumnRef,
    Const,
    Expr,
    Items,
    Path,
    Subquery,
    conjuncts,
    const,
    negation,
    walk,
)
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.names import free_of, path_of
from translator.targets.pipeline.cases import Dropped, Head, PipelineCase, computed, made_by, overlaps, read_by, subqueries_of, with_others
from translator.targets.pipeline.values import CONDITIONAL, IN_ANY_ORDER, KINDS, NUMBERS, ORDERED, WRITTEN, Command, Language, Value, Values


@dataclass(frozen=True, slots=True)
class Above:
    """What the operators over a relation read of it, and what of that decides about rows; ``sorts``: what sorts rows does."""

    read: tuple[Expr, ...] = ()
    decides: tuple[Expr, ...] = ()
    sorts: bool = False

    def and_by(self, node: o.Relation, decides: set[int], shown: set[int]) -> Above:
        """The same for what is below an operator."""
        sorts = self.sorts or isinstance(node, o.Limit)
        asked = read_by(node, decides) if sorts or not isinstance(node, o.Sort) else []
        return Above((*self.read, *read_by(node, decides | shown)), (*self.decides, *asked), sorts)


@dataclass(frozen=True, slots=True)
class Part:
    """A relation as rows of the stream.

    ``flag`` is the field that is there on its rows, None where it is the whole stream.
    ``unique`` are the columns that no two rows of it have alike, None where none are known. ``spread``: each of its rows stands once for
    each event that it is made of, and is told from others by these fields; None where it stands once.
    ``tied``: of rows that ``unique`` tells not apart there may be several, of which any one will do.
    ``always``: it is the one row of a summary of everything, which there is of no events too, and whose columns all rows have.
    """

    flag: str | None
    unique: frozenset[int] | None = None
    spread: tuple[str, ...] | None = None
    tied: bool = False
    always: bool = False


@dataclass(slots=True)
class Summary:
    """The terms of a summary, what is computed before them and filled in behind them, and the columns that they make."""

    terms: list[str] = field(default_factory=list)
    before: list[tuple[str, str]] = field(default_factory=list)
    behind: list[tuple[str, str]] = field(default_factory=list)
    columns: dict[int, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """A term of a summary: what ``function`` finds of a value on the rows for which a condition holds.

    ``function`` is the name that KQL has for it over all rows; the ``count`` of rows has no value. ``rank`` is that of a percentile,
    ``length`` what to call the number of values, or of elements of a list, and ``texts`` the texts of a list that is searched, empty where
    nothing asks for them; ``exact`` says that a close number will not do.
    """

    name: str
    function: str
    value: Value | None
    condition: str | None
    rank: int = 0
    length: str = ""
    exact: bool = False
    texts: str = ""


_OF_NUMBERS = frozenset({"sum", "avg", "stdev", "stdevp", "variance", "variancep", "percentile"})
"""Aggregates that KQL has of numbers alone, so that a column of unknown type is one."""

_MADE = 10**9
"""Columns of the walk's own have numbers below this, negated."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A place inside of a table's column."""

    table: str
    column: str
    steps: tuple[str | int, ...] = ()

    def is_array(self) -> bool:
        """Whether nothing is known below but elements."""
        below = catalog.inside(self.table, self.column, self.steps)
        return bool(below) and all(steps[0] == ELEMENT for steps in below or ())

    def is_plain(self) -> bool:
        """Whether it is known to hold no object and no array."""
        return catalog.inside(self.table, self.column, self.steps) == ()


UNLIMITED = 1_048_576
"""From this number of elements on KQL keeps no more of a set or a list: learn.microsoft.com/kusto/query/make-set-aggregation-function."""

_SIDES = {
    "inner": "inner", "innerunique": "innerunique", "leftouter": "leftouter", "rightouter": "rightouter", "leftsemi": "leftsemi",
    "rightsemi": "rightsemi", "leftanti": "leftanti", "anti": "leftanti", "leftantisemi": "leftanti", "rightanti": "rightanti",
    "rightantisemi": "rightanti",
}  # fmt: skip


class Walk(Notes, ABC):
    """Writes the operators over the heads of a query.

    ``percentiles`` and ``lists`` say how those of the language differ from KQL's; ``chooses_lists``: several values may be chosen like one.
    """

    language: ClassVar[Language]
    percentiles: ClassVar[str]
    lists: ClassVar[str]
    chooses_lists: ClassVar[bool] = False

    def __init__(self, case: PipelineCase, head: Head) -> None:
        super().__init__()
        self.loose = case.loose
        self.cut, self.names, self.flags = case.cut, case.names, head.flags
        self.open = {flag: frozenset({number}) for number, flag in enumerate(head.flags)}
        self.overlaps, self.apart = overlaps(case), False
        self.taken, self.decides, self.shown = set(head.taken), case.decides, case.shown
        self.fields, self.columns = dict(head.fields), dict[int, Value]()
        self.commands = list(head.commands)
        self.unsorted = False
        self.lengths, self.searched, self.positive = set[int](), set[int](), set[Expr]()
        self.places, self.made, self.constants = dict[int, _Place](), dict[int, Expr](), set[int]()
        self.unrolled, self.elements = dict[int, frozenset[int]](), dict[int, tuple[str, Value]]()
        self.changed, self.computed_as = set[str](), dict[tuple[int, str], str]()
        self.flag_of = dict[int, str]()
        self.tables = dict[str, tuple[str, ...]]()

    @abstractmethod
    def values(self) -> Values: ...

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A column in an expression."""

    @abstractmethod
    def name_of(self, value: Value) -> str | None:
        """The field that a value is, where it is one."""

    @abstractmethod
    def where(self, condition: str) -> Command: ...

    @abstractmethod
    def eval(self, pairs: list[tuple[str, str]]) -> Command: ...

    @abstractmethod
    def aggregate(self, node: o.Aggregate, part: Part) -> Part:
        """A summary: of the whole stream, or beside the events of one part of it."""

    def listed(self, node: o.External, name: str, flag: str) -> None:
        """Adds the rows of a list to the stream, which alone have a flag.

        Args:
            name: what the product calls the list.

        Raises:
            Cannot: where the language has no words for it.
        """
        raise Cannot(Diagnostic("unsupported-operator", f"the rows of a {node.kind} beside events are not supported here", node.span))

    @abstractmethod
    def term(self, measure: Measure, flag: str | None) -> tuple[str, list[tuple[str, str]]]:
        """The term of a summary for a measure of the rows that have a flag, and what has to be computed before it.

        Raises:
            Cannot: where the language has no words for it.
        """

    @abstractmethod
    def across(self, flag: str, number: str, kept: list[tuple[str, Value]], by: list[str]) -> None:
        """Gives all rows with a key how many of them have a flag, and values of those.

        Args:
            number: what to call how many they are.
            kept: names for the values.
            by: the keys.
        """

    @abstractmethod
    def sort(self, keys: list[tuple[str, bool]]) -> Command: ...

    @abstractmethod
    def limit(self, count: int) -> Command: ...

    @abstractmethod
    def distinct(self, names: list[str]) -> Command: ...

    @abstractmethod
    def once(self, names: tuple[str, ...]) -> None:
        """Leaves one of the rows that these fields do not tell apart, with all of its columns."""

    def shown_as(self, value: Value) -> str | None:
        """What a value is called in the result other than by its column's name; None where nothing."""
        return None

    def free(self, name: str) -> str:
        """A name for a field of the walk's own."""
        return self.named(Column(-1, name, Type.LONG))

    def named(self, column: Column) -> str:
        """A name for a column that is to be made: its own, unless that still means something else."""
        name = free_of(column.name if column.name.isascii() and column.name.isidentifier() else "value", self.taken)
        self.taken.add(name)
        return name

    def needed(self, column: Column) -> bool:
        return column.id < 0 or column.id in self.decides or column.id in self.shown

    def is_vital(self, column: Column) -> bool:
        """Whether nothing is written without a column."""
        return column.id in self.decides and not self.loose

    def run(self) -> None:
        """Writes all operators over the heads, and what the heads compute of their fields for them.

        Raises:
            Cannot: where one that decides anything has no words here.
        """
        operators = self.cut.operators()
        self.made = made_by(operators)
        self.lengths = {c.id for r in operators[:1] for n in o.parts(r) if (c := _of_length(n)) is not None}
        self.searched = {c.id for r in operators[:1] for n in o.parts(r) if (c := _of_search(n)) is not None}
        for operator in operators:
            if isinstance(operator, o.Expand) and (of := _unrolled_by(operator)) is not None:
                self.unrolled[id(of)] = frozenset(n.column.id for _, x in operator.items for n in walk(x) if isinstance(n, ColumnRef))
        for listed in self.cut.lists():
            self.flag_of[id(listed)] = self.opened(listed)
        self.part(self.cut.root, Above(tuple(ColumnRef(None, c.type, c) for _, c in self.names if self.needed(c))))

    def named_list(self, node: o.External) -> tuple[str, str]:
        """What the product calls a list, and where it comes from, for who fills it."""
        name, columns = f"{snake(node.name)}_rows", tuple(c.name for c in node.columns)
        if self.tables.setdefault(name, columns) != columns:
            raise Cannot(Diagnostic("unsupported-operator", f"the {node.kind} {node.name} with other columns", node.span))
        return name, f", as it is downloaded from {node.address}" if node.address else ""

    def opened(self, node: o.External) -> str:
        """The rows of a list as a part of the stream, with the columns that are read. Returns its flag."""
        name, where = self.named_list(node)
        columns = tuple(c.name for c in node.columns)
        flag = self.named(Column(-1, f"is_{snake(node.name)}", Type.LONG))
        self.listed(node, name, flag)
        self.open[flag] = frozenset()
        self.say("list-rows", f"fill the list {name} with the columns {', '.join(columns)}{where}", node.span)
        pairs, language = list[tuple[str, str]](), self.language
        for column in node.columns:
            if not self.needed(column):
                continue
            held, kind = self.quoted(column.name), KINDS[column.type]
            function = language.functions.get({"int": "toint" if column.type == Type.INT else "tolong", "real": "todouble"}.get(kind, ""))
            if kind == "text":
                value = language.functions["coalesce"].words.format(f"{held}, {language.string('')}")
            elif function is not None:
                value = function.words.format(held)
            elif self.is_vital(column):
                raise Cannot(Diagnostic("unsupported-expression", f"{column.name} of the type {column.type} in a list", node.span))
            else:
                continue
            own = self.named(column)
            pairs.append((own, language.chosen([(self.present(flag), value)], language.string("") if kind == "text" else language.null)))
            self.columns[column.id] = Value(self.quoted(own), kind, kind != "text", simple=True)
        if pairs:
            self.commands.append(self.eval(pairs))
        return flag

    def part(self, node: o.Relation, above: Above) -> Part:
        """Writes a relation. ``above`` is what is read of it by the operators over it."""
        if id(node) in self.flag_of:
            return Part(self.flag_of[id(node)])
        number = self.cut.number(node)
        if number is not None:
            for items in computed(node):
                self.compute(items)
            return Part(self.flags[number] if self.flags else None)
        if isinstance(node, o.Union):
            own = Above(sorts=above.sorts).and_by(node, self.decides, self.shown)
            return self.united(node, [self.part(below, own) for below in node.inputs])
        above = above.and_by(node, self.decides, self.shown)
        match node:
            case o.Join():
                return self.joined(node, above)
            case o.Filter(input=below, predicate=predicate) if subqueries_of(predicate):
                return self.asked(below, predicate, above)
        part = self.part(node.input, above)  # type: ignore[attr-defined]
        return self.tried(node, part) if self.loose else self.operator(node, part)

    def tried(self, node: o.Relation, part: Part) -> Part:
        """An operator, or word that it is left out."""
        if isinstance(node, Dropped):
            place = Place.BOTH if self.is_counted(node) else Place.PLAIN
            self.say("condition-dropped" if node.widens else "operator-dropped", f"{node.what} is left out", node.span, place)
            return part
        before = list(self.commands), dict(self.columns), dict(self.fields), set(self.taken), self.unsorted
        try:
            return self.operator(node, part)
        except Cannot as refused:
            self.commands, self.columns, self.fields, self.taken, self.unsorted = before
            if isinstance(node, o.Filter):
                return self.filtered(node, part)
            if isinstance(node, o.Aggregate) and (keys := self.keys_of(node)) != node.keys:
                said = ", ".join(c.name for c, _ in node.keys if c not in [k for k, _ in keys])
                self.say("key-dropped", f"{said} cannot be computed here, and is left out of the keys", node.span, Place.BOTH)
                return self.tried(replace(node, keys=keys), part)
            what = f"the operator {type(node).__name__.lower()}"
            self.say("operator-dropped", f"{what} is left out: {refused.diagnostic.message}", node.span, Place.BOTH)
            return part

    def filtered(self, node: o.Filter, part: Part) -> Part:
        """Those conditions that can be said, and word of the others."""
        held = list[str]()
        place = Place.BOTH if self.is_counted(node) else Place.PLAIN
        for condition in conjuncts(node.predicate):
            try:
                held.append(self.values().holds(simplify(condition)))
            except Cannot as refused:
                self.say("condition-dropped", f"this condition is left out: {refused.diagnostic.message}", condition.span, place)
        if held:
            self.keep(part, held)
        return part

    def is_counted(self, node: o.Relation) -> bool:
        """Whether the rows of an operator are counted, or cut off, over it."""
        over = list(itertools.takewhile(lambda r: r is not node, self.cut.operators()))
        return any(isinstance(r, o.Aggregate | o.Limit | o.Join) for r in over)

    def telling(self, keys: Iterable[tuple[Column, Expr]]) -> frozenset[int]:
        """Those of the columns that rows are grouped by that tell the groups apart: all but those that are the same on all rows."""
        keys = tuple(keys)
        self.constants |= {made.id for made, expr in keys if self.is_constant(expr)}
        return frozenset(made.id for made, _ in keys) - self.constants

    def is_constant(self, expr: Expr) -> bool:
        """Whether all rows of a relation have one value; ``Type`` is the name of the table in every table of a workspace.

        Source: learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns.
        """
        match expr:
            case Const():
                return True
            case ColumnRef(column=column):
                return column.id in self.constants or (column.table is not None and column.name == "Type")
        return False

    def one_of_each(self, node: o.Aggregate) -> tuple[str, Expr] | None:
        """``arg_max`` or ``arg_min`` with what it goes by, where one row of each group has it all."""
        found = {(x.function, x.args[0]) for _, x in node.aggregates if isinstance(x, Apply) and x.function in ("arg_max", "arg_min")}
        return found.pop() if len(found) == 1 else None

    def keys_of(self, node: o.Aggregate) -> tuple[tuple[Column, Expr], ...]:
        """The keys of a summary that can be computed."""
        found = []
        for column, expr in node.keys:
            with suppress(Cannot):
                self.group(expr)
                found.append((column, expr))
        return tuple(found)

    def operator(self, node: o.Relation, part: Part) -> Part:
        whole = part.flag is None
        match node:
            case o.Filter(predicate=predicate):
                if part.always and not any(map(_fails_of_none, conjuncts(predicate))):
                    raise Cannot(
                        Diagnostic("unsupported-operator", "a condition on what no events come to is not supported here", node.span)
                    )
                parts = [self.values().holds(simplify(p)) for p in conjuncts(predicate)]
                self.keep(part, parts)
                self.positive |= {x for p in conjuncts(predicate) if (x := _positive_by(p)) is not None}
                return replace(part, always=False)
            case o.Compute(items=items) | o.Project(items=items):
                self.compute(items)
                return part
            case o.Aggregate():
                self.unsorted = False
                return self.aggregate(node, part)
            case o.Distinct(columns=columns):
                self.unsorted = False
                for column in columns:
                    self.settled(column, node)
                names = tuple(self.columns[c.id].text for c in columns)
                if whole:
                    self.commands.append(self.distinct(list(names)))
                unique = self.telling((c, ColumnRef(None, c.type, c)) for c in columns)
                return replace(part, unique=unique, spread=None if whole else names)
            case o.Sort(keys=keys):
                if whole:
                    self.order(keys)
                return part
            case o.Limit(count=Const(value=int(count)), keys=keys, partition=()) if whole or keys:
                part = part if whole else self.single(part, node)
                if keys:
                    self.order(keys)
                if self.unsorted:
                    raise Cannot(Diagnostic("unsupported-operator", "the first rows by a text are not supported here", node.span))
                if whole:
                    self.commands.append(self.limit(count))
                else:
                    self.first(count, part, node)
                return part
            case o.Arrange():
                return part
            case o.Expand():
                return self.expand(node, part)
            case o.Number(column=column):
                if self.needed(column) and whole and part.spread is None:
                    self.columns[column.id] = Value(self.numbered(node), "int", False, simple=True)
                elif self.needed(column):
                    raise Cannot(Diagnostic("unsupported-operator", "numbers of rows are not supported here", node.span))
                return part
        raise Cannot(Diagnostic("unsupported-operator", f"the operator {type(node).__name__.lower()} is not supported here", node.span))

    def keep(self, part: Part, conditions: list[str]) -> None:
        """Leaves of a part the rows for which all conditions hold."""
        texts = [f"({c})" if " OR " in c else c for c in conditions]
        if part.flag is None:
            self.commands.append(self.where(" AND ".join(texts)))
            return
        self.changed.add(part.flag)
        there = self.present(part.flag)
        held = self.language.chosen([(" AND ".join([there, *texts]), "1")], self.language.null)
        self.commands.append(self.eval([(part.flag, held)]))

    def present(self, flag: str) -> str:
        return self.language.present.format(self.quoted(flag))

    # --- unions and joins

    @abstractmethod
    def copied(self, marks: list[tuple[str, str]]) -> str:
        """Makes a row for each of the conditions that hold for one, and tells which it is by a field. Returns that.

        Args:
            marks: the conditions, each with what the field holds for it.
        """

    @abstractmethod
    def numbered(self, node: o.Relation | Subquery) -> str:
        """What tells each row from all others.

        Raises:
            Cannot: where nothing does.
        """

    @abstractmethod
    def gathered(self, name: str, value: str, flag: str, by: list[str]) -> None:
        """Gives all rows with a key the values that those with a flag have."""

    @abstractmethod
    def expanded(self, name: str) -> None:
        """Makes a row for each value of a field."""

    def single(self, part: Part, node: o.Relation | Subquery) -> Part:
        """A part each of whose rows stands once."""
        if part.spread is None:
            return part
        raise Cannot(Diagnostic("unsupported-operator", "a summary of a summary beside other events is not supported here", node.span))

    def first(self, count: int, part: Part, node: o.Relation) -> None:
        """Leaves of a part of the stream, whose rows are sorted, the first ones."""
        raise Cannot(Diagnostic("unsupported-operator", "the first rows of a part of the events are not supported here", node.span))

    def made_of_events(self, part: Part, node: o.Relation | Subquery) -> Part:
        """A part that has no rows where it has no events."""
        if part.always:
            raise Cannot(Diagnostic("unsupported-operator", "what no events come to is not supported here", node.span))
        return part

    def separate(self) -> None:
        """Makes an event of several parts a row of each of them."""
        if self.apart or not any(self.may_meet(*pair) for pair in itertools.combinations(self.open, 2)):
            return
        if self.changed & {*self.open}:
            self.commands.append(self.where(" OR ".join(map(self.present, self.open))))
        marks = {flag: str(number) for number, flag in enumerate(self.open, 1)}
        of, language = self.copied([(self.present(flag), mark) for flag, mark in marks.items()]), self.language
        pairs = []
        for flag, mark in marks.items():
            held = f"{self.present(flag)} AND {self.values().between(of, '==', language.string(mark))}"
            pairs.append((flag, language.chosen([(held, "1")], language.null)))
        self.commands.append(self.eval(pairs))
        self.apart = True

    def may_meet(self, flag: str, other: str) -> bool:
        """Whether an event may have both of two flags."""
        return not self.apart and any(frozenset({a, b}) in self.overlaps for a in self.open[flag] for b in self.open[other])

    def partnered(self, kept: Part, other: Part, by: list[Value], node: o.Relation | Subquery) -> str:
        """Makes a row of ``kept`` for each row of another part that has its keys. Returns the field that tells which row that is."""
        assert kept.flag is not None and other.flag is not None
        mine, theirs = kept.flag, other.flag
        self.separate()
        self.single(other, node)
        row, name = self.numbered(node), self.free("partner")
        partners, none = self.free("partners"), self.language.string("0")
        self.gathered(partners, row, theirs, [k.text for k in by])
        found = self.language.functions["coalesce"].words.format(f"{self.quoted(partners)}, {none}")
        chosen = self.language.chosen([(self.present(mine), found), (self.present(theirs), row)], none)
        self.commands.append(self.eval([(name, chosen)]))
        self.expanded(name)
        return self.quoted(name)

    def united(self, node: o.Union, parts: list[Part]) -> Part:
        """Several parts as one, whose columns are for each row those of its part."""
        flags = [p.flag for p in parts if p.flag is not None]
        for part in parts:
            self.made_of_events(part, node)
        if len(flags) < len(parts):
            raise Cannot(Diagnostic("unsupported-operator", "a union of these is not supported here", node.span))
        self.separate()
        values, pairs = self.values(), list[tuple[str, str]]()
        language, made = self.language, dict[int, Value]()
        spread = self.told_apart(parts, pairs, node)
        for column, sources in node.columns:
            if not self.needed(column):
                continue
            try:
                found = [None if s is None else values.value(ColumnRef(None, s.type, s)) for s in sources]
            except Cannot:
                if self.is_vital(column):
                    raise
                continue
            there = [v for v in found if v is not None]
            if len({v.kind for v in there}) != 1 or (there[0].kind == "list" and not self.chooses_lists):
                if self.is_vital(column):
                    raise values.refuse(ColumnRef(node.span, column.type, column))
                continue
            (first, *_), missing = there, len(there) < len(found)
            nullable = any(v.nullable for v in there) or (missing and first.kind not in WRITTEN)
            natural, positive, digits = (all(getattr(v, a) for v in there) for a in ("natural", "positive", "digits"))
            of_texts, ordered = (all(getattr(v, a) for v in there) for a in ("of_texts", "ordered"))
            value = replace(first, nullable=nullable, natural=natural, positive=positive, digits=digits)
            value = replace(value, of_texts=of_texts, ordered=ordered, texts="")
            if len({v.text for v in there}) > 1 or missing:
                none = language.string("") if first.kind in WRITTEN else language.null
                texts = [none if v is None else values.alike(v, {v.kind}) for v in found]
                name = self.named(column)
                pairs.append((name, language.chosen(list(zip(map(self.present, flags[:-1]), texts, strict=False)), texts[-1])))
                value = replace(value, text=self.quoted(name), simple=True)
            made[column.id] = value
        there_ = " OR ".join(map(self.present, flags))
        heads = frozenset[int]().union(*(self.open.pop(flag) for flag in flags))
        if self.open:
            flag = self.named(Column(-1, "is_any", Type.LONG))
            pairs.append((flag, language.chosen([(there_, "1")], language.null)))
            united = Part(flag, spread=spread)
            self.open[flag] = heads
            if self.changed & {*flags}:
                self.changed.add(flag)
        else:
            united = Part(None)
            if self.changed & {*flags}:
                self.commands.append(self.where(there_))
        if pairs:
            self.commands.append(self.eval(pairs))
        self.columns |= made
        if united.flag is None and spread is not None:
            self.once(spread)
        return united

    def told_apart(self, parts: list[Part], pairs: list[tuple[str, str]], node: o.Relation) -> tuple[str, ...] | None:
        """The fields, to be computed, that tell rows of several parts apart, where each row stands several times; None where once."""
        if all(p.spread is None for p in parts):
            return None
        there = [self.present(p.flag) for p in parts if p.flag is not None]
        spreads, by = [p.spread for p in parts], {v.text: v for v in self.columns.values()}
        if None in spreads:
            raise Cannot(Diagnostic("unsupported-operator", "a union of summaries and events is not supported here", node.span))
        names, values = list[str](), self.values()
        none = Value(self.language.string(""), "text", False)
        marks = [Value(self.language.string(str(n)), "text", False) for n, _ in enumerate(parts)]
        for row in (marks, *itertools.zip_longest(*(s for s in spreads if s is not None))):
            told = [none if x is None else by.get(x) if isinstance(x, str) else x for x in row]
            found = [v for v in told if v is not None]
            if len(found) < len(told) or len({v.kind for v in found}) > 1 or any(v.nullable for v in found):
                raise Cannot(Diagnostic("unsupported-operator", "a union of summaries by other keys is not supported here", node.span))
            names.append(self.free("row"))
            texts = [values.alike(v, {v.kind}) for v in found]
            pairs.append((names[-1], self.language.chosen(list(zip(there[:-1], texts, strict=False)), texts[-1])))
        return tuple(map(self.quoted, names))

    def joined(self, node: o.Join, above: Above) -> Part:
        kind = _SIDES.get(node.kind)
        left, right = self.part(node.left, above), self.part(node.right, above)
        pairs = [(simplify(a), simplify(b)) for a, b in node.on]
        if kind is None or not pairs or (node.condition is not None and kind not in ("inner", "innerunique")):
            raise Cannot(Diagnostic("unsupported-join", f"kind={node.kind} is not supported here", node.span))
        ids = [frozenset(x.column.id for x in side if isinstance(x, ColumnRef)) for side in zip(*pairs, strict=True)]
        alone = [p.unique is not None and p.unique <= names for p, names in zip((left, right), ids, strict=True)]
        many = False
        match kind:
            case "leftsemi" | "leftanti":
                keeps_left = True
            case "rightsemi" | "rightanti":
                keeps_left = False
            case "innerunique":
                keeps_left = False
            case "inner" if alone[1] or alone[0]:
                keeps_left = alone[1]
            case "leftouter" if alone[1]:
                keeps_left = True
            case "rightouter" if alone[0]:
                keeps_left = False
            case _:
                keeps_left, many = kind != "rightouter", True
        sides = [(left, node.left, [a for a, _ in pairs]), (right, node.right, [b for _, b in pairs])]
        (kept, _, mine), (other, below, theirs) = sides if keeps_left else sides[::-1]
        wanted = Above() if kind.endswith(("semi", "anti")) else above
        one = alone[1] if keeps_left else alone[0]
        found = self.matched(kept, mine, other, theirs, below, wanted, kind, one, node, many)
        if node.condition is not None:
            self.keep(found, [self.values().holds(simplify(p)) for p in conjuncts(node.condition)])
        return found

    def asked(self, below: o.Relation, predicate: Expr, above: Above) -> Part:
        """A condition on the values of other queries: that one has a value, or what is made of several such."""
        memberships = [m for n in walk(predicate) if (m := _membership_of(n)) is not None]
        if len(memberships) < len(subqueries_of(predicate)):
            raise Cannot(Diagnostic("unsupported-expression", "a condition on another query is not supported here", predicate.span))
        kept = self.part(below, above)
        others = [self.part(m.subquery.relation, above) for m in memberships]
        alone = _is_alone(predicate)
        told: dict[int, Expr] = {}
        for number, (asked, other) in enumerate(zip(memberships, others, strict=True)):
            column, value = asked.subquery.column, asked.value
            assert column is not None
            named: Expr = ColumnRef(asked.subquery.span, column.type, column)
            if not asked.cased:
                value, named = (Apply(x.span, Type.STRING, "tolower", (x,)) for x in (value, named))
            kind = ("leftanti" if alone < 0 else "leftsemi") if alone else "leftouter"
            count = Column(-_MADE - len(self.commands) - number, "count", Type.LONG)
            read = asked.subquery
            kept = self.matched(kept, [simplify(value)], other, [simplify(named)], read.relation, Above(), kind, True, read, counts=count)
            present = Apply(asked.of.span, Type.BOOL, ">", (ColumnRef(asked.of.span, Type.LONG, count), const(0)))
            told[id(asked.of)] = negation(present) if asked.negated else present
        if not alone:
            self.keep(kept, [self.values().holds(simplify(with_others(predicate, told)))])
        return kept

    def matched(
        self, kept: Part, mine: list[Expr], other: Part, theirs: list[Expr], below: o.Relation, wanted: Above, kind: str,
        one: bool, node: o.Relation | Subquery, many: bool = False, counts: Column | None = None,
    ) -> Part:  # fmt: skip
        """One part with the partners that it has, or has not, in another.

        There is ``one`` at most for each row; or there are ``many``, with each of which it is a row; or any one of several will do.
        ``counts`` is to be how many there are.
        """
        if kept.flag is None or other.flag is None:
            raise Cannot(Diagnostic("unsupported-join", "a join with the whole stream is not supported here", node.span))
        other_flag = other.flag
        if other.always and kind in ("inner", "innerunique", "leftouter", "rightouter") and self.are_constant(mine, theirs):
            self.made_of_events(kept, node)
            del self.open[other_flag]
            return self.without_others(kept, [])
        for part in (kept, other):
            self.made_of_events(part, node)
        by = [self.key(a, b, kept, other, node) for a, b in zip(mine, theirs, strict=True)]
        across = [k.text for k in by]
        if many:
            partner = self.partnered(kept, other, by, node)
            other = replace(other, spread=None, tied=False)
            across, one = [partner], True
            kept = replace(kept, unique=None, spread=None if kept.spread is None else (*kept.spread, partner))
        number = self.named(Column(-1, f"{other.flag}_count", Type.LONG))
        outer = kind.endswith("outer")
        gathered = dict[str, tuple[str, Value]]()
        equal: dict[Expr | str, Value] = dict(zip(theirs, by, strict=True))
        equal |= {self.values().simplest(x).text: key for x, key in zip(theirs, by, strict=True)}
        if len(self.open) == 2:
            for expr, key in zip(mine, by, strict=True):
                if isinstance(expr, ColumnRef) and expr.column.id in self.columns:
                    self.columns[expr.column.id] = key
        columns, fields = self.offered(below, wanted.read)
        deciding = {x for side in self.offered(below, wanted.decides) for x in side}
        values = self.values()
        held = [ColumnRef(None, c.type, c) for c in columns] + fields
        renamed, lengths = dict[Expr, Value](), dict[int, Value]()
        for expr in held:
            try:
                value = values.shown(expr)
            except Cannot:
                continue
            if (same := equal.get(expr) or equal.get(value.text)) is not None and same.kind == value.kind and not outer:
                renamed[expr] = same
                continue
            decides = expr in deciding or (isinstance(expr, ColumnRef) and expr.column in deciding)
            if not one and decides:
                self.say("one-row-per-key", "this filters after a join that keeps one row of its left side for each key", node.span)
            if value.nullable and (not one or other.tied):
                if decides:
                    raise Cannot(
                        Diagnostic("unsupported-join", "columns of any one row that may be missing are not supported here", node.span)
                    )
                self.say("columns-differ", "where one of several rows is shown it may be another one for each column", node.span)
            if value.text not in gathered:
                name = expr.column.name if isinstance(expr, ColumnRef) else "value"
                gathered[value.text] = self.named(Column(-1, name, Type.UNKNOWN)), value
            name, _ = gathered[value.text]
            if isinstance(expr, ColumnRef) and (length := self.columns.get(-expr.column.id - 1)) is not None:
                size, _ = gathered.setdefault(length.text, (self.free(f"{name}_count"), length))
                lengths[-expr.column.id - 1] = replace(length, text=self.quoted(size), nullable=length.nullable or outer)
            nullable = value.nullable or (outer and value.kind != "list")
            renamed[expr] = replace(value, text=self.quoted(name), simple=True, nullable=nullable, texts="", ordered=False)
        if not one and any(r not in by for r in renamed.values()):
            self.say("columns-differ", "a join that keeps one row of its left side for each key may keep another one here", node.span)
        self.across(other_flag, number, list(gathered.values()), across)
        if outer:
            texts = {r.text for r in renamed.values() if r.kind in WRITTEN}
            empty = f"{{0}}, {self.language.string('')}"
            filled = [
                (name, self.language.functions["coalesce"].words.format(empty.format(self.quoted(name))))
                for name, _ in gathered.values()
                if self.quoted(name) in texts
            ]
            if filled:
                self.commands.append(self.eval(filled))
            renamed = {e: replace(v, nullable=False) if v.kind in WRITTEN else v for e, v in renamed.items()}
        self.columns |= lengths
        for expr, value in renamed.items():
            if isinstance(expr, ColumnRef) and expr.column.id in self.columns:
                self.columns[expr.column.id] = value
            if expr in self.fields:
                self.fields[expr] = value
        conditions = [] if outer else [self.values().between(self.quoted(number), "==" if kind.endswith("anti") else ">", "0")]
        if counts is not None:
            self.columns[counts.id] = Value(self.quoted(number), "int", False, True, simple=True)
        del self.open[other_flag]
        return self.without_others(kept, conditions)

    def are_constant(self, mine: list[Expr], theirs: list[Expr]) -> bool:
        """Whether the keys of a join are the same constants on both sides."""
        values = self.values()
        pairs = [(values.simplest(a), values.simplest(b)) for a, b in zip(mine, theirs, strict=True)]
        return all(a.text == b.text and not a.nullable and a.kind in ("int", "text") and self.name_of(a) is None for a, b in pairs)

    def without_others(self, kept: Part, conditions: list[str]) -> Part:
        """A part that was joined, of which it is asked that conditions hold; where it is the last one it is the stream."""
        assert kept.flag is not None
        if len(self.open) > 1:
            self.changed.add(kept.flag)  # rows of the other part alone are of none that is left
            if conditions:
                self.keep(kept, conditions)
            return kept
        self.commands.append(self.where(" AND ".join([self.present(kept.flag), *conditions])))
        if kept.spread is not None:
            self.once(kept.spread)
        return replace(kept, flag=None, spread=None, tied=False)

    def key(self, mine: Expr, theirs: Expr, kept: Part, other: Part, node: o.Relation | Subquery) -> Value:
        """The field that both sides of a join are told by."""
        a, b = (self.values().simplest(x) for x in (mine, theirs))
        if a.kind != b.kind or a.nullable or b.nullable or not (a.kind in ("text", "int") or (a.rounded and b.rounded)):
            raise Cannot(Diagnostic("unsupported-join", "a join by this key is not supported here", node.span))
        if a.text == b.text and self.name_of(a) is not None:
            return a
        assert kept.flag is not None and other.flag is not None
        if a.text != b.text and self.may_meet(kept.flag, other.flag):
            self.separate()
        name = self.named(mine.column if isinstance(mine, ColumnRef) else Column(-1, "join_key", mine.type))
        values = self.values()
        mine_, theirs_ = (values.alike(x, {x.kind}) for x in (a, b))
        text = a.text if a.text == b.text else self.language.chosen([(self.present(kept.flag), mine_)], theirs_)
        self.commands.append(self.eval([(name, text)]))
        return replace(a, text=self.quoted(name), simple=True)

    def offered(self, below: o.Relation, wanted: tuple[Expr, ...]) -> tuple[list[Column], list[Expr]]:
        """The columns that a relation has made, and the stored fields of it, that are read above it."""
        ids, sources = set[int](), set[int | None]()
        for part in o.parts(below):
            if isinstance(part, Column):
                ids.add(part.id)
            elif isinstance(part, o.Source):
                sources.add(part.id)

        def is_inside(expr: Expr) -> bool:
            return isinstance(expr, ColumnRef) and (expr.column.id in ids or expr.column.source in sources)

        columns, fields = dict[int, Column](), dict[Expr, None]()
        for expr in wanted:
            for node in walk(simplify(expr)):
                if node in self.fields and any(map(is_inside, walk(node))):
                    fields[node] = None
                elif isinstance(node, ColumnRef) and node.column.id in self.columns and is_inside(node):
                    columns[node.column.id] = node.column
        return list(columns.values()), list(fields)

    # --- rows

    def group(self, expr: Expr) -> Value:
        """A value that rows are grouped by."""
        value = self.values().simplest(expr)
        if value.kind in ("list", "part", "json"):
            raise Cannot(Diagnostic("unsupported-expression", "a group by an array or an object is not supported here", expr.span))
        return value

    def summary(self, node: o.Aggregate, grouped: bool, flag: str | None) -> Summary:
        """The aggregates that are needed, of the rows that have a flag, and the columns that they make."""
        found, values = Summary(), self.values()
        for made, expr in node.aggregates:
            if not self.needed(made):
                continue
            try:
                measure, whole = self.measured(made, expr, values, grouped)
                term, before = self.term(measure, flag)
            except Cannot:
                if self.is_vital(made):
                    raise
                continue
            found.terms.append(term)
            found.before += before
            if measure.function == "sum" and whole.nullable:  # which is zero of nothing in KQL
                found.behind.append((measure.name, values.first_of([whole, values.number(0, whole.kind)], expr).text))
                whole = replace(whole, nullable=False)
            found.columns[made.id] = whole
            if (corrected := self.language.deviations.get(measure.function)) is not None:
                found.behind.append((measure.name, corrected.format(self.quoted(measure.name), self.quoted(measure.length))))
            elif measure.length:
                found.columns[-made.id - 1] = Value(self.quoted(measure.length), "int", False, True, False, True)
        return found

    def rolled_out(self, node: o.Aggregate) -> o.Aggregate:
        """A summary whose lists are expanded again, without these: the events stay, as rows of their groups, and have the elements.

        The number of elements is an aggregate of its own.
        """
        if id(node) not in self.unrolled:
            return node
        values, kept = self.values(), list[tuple[Column, Expr]]()
        for made, expr in node.aggregates:
            match expr:
                case Apply(function="make_set" | "make_list" as function, args=(element, *_)) if made.id in self.unrolled[id(node)]:
                    value = values.simplest(element)
                    if value.nullable or value.kind in ("list", "part", "json"):
                        raise values.refuse(expr)
                    self.elements[made.id] = function, value
                    if made.id in self.searched and value.kind == "text":  # of the list itself nothing else is asked
                        kept.append((made, replace(expr, function="make_set")))
                    if made.id in self.lengths:
                        counted = ("dcount", (element,)) if function == "make_set" else ("count", ())
                        kept.append((Column(-made.id - 1, f"{made.name}_count", Type.LONG), Apply(expr.span, Type.LONG, *counted)))
                case _:
                    kept.append((made, expr))
        return replace(node, aggregates=tuple(kept))

    def expand(self, node: o.Expand, part: Part) -> Part:
        """A row for each element of lists that a summary has collected."""
        (first, of), *others = node.items
        alone = not others and node.index is None and node.limit is None and not node.pairs
        match of:
            case Apply(function="split", args=(text, Const(value=str(mark)))) if alone and mark and self.language.split:
                return self.torn(first, text, mark, part, node)
        if alone and (place := self.place_of(of)) is not None:
            return self.unpacked(first, of, place, part, node)
        found = [(c, self.elements[x.column.id]) for c, x in node.items if isinstance(x, ColumnRef) and x.column.id in self.elements]
        if len(found) < len(node.items) or part.spread is None:
            raise Cannot(Diagnostic("unsupported-operator", "a row for each element of these is not supported here", node.span))
        self.columns |= {column.id: self.element(column, value, node) for column, (_, value) in found}
        if found[0][1][0] == "make_list":
            return replace(part, unique=None, spread=None)
        (column, _), spread = found[0], part.spread
        self.settled(column, node)
        names = (*spread, self.columns[column.id].text)
        if part.flag is None:
            self.once(names)
        unique = None if part.unique is None else part.unique | {column.id}
        return replace(part, unique=unique, spread=None if part.flag is None else names)

    def place_of(self, expr: Expr) -> _Place | None:
        """The place that a value is, as it is stored or in an element of another one; None where it is none."""
        match simplify(expr):
            case Apply(function="dynamic_to_json" | "parse_json", args=(inner,)):
                return self.place_of(inner)
            case Apply(function="arg_max" | "arg_min" | "take_any" | "any", args=(*_, inner)):
                return self.place_of(inner)
            case Apply(function="iff", args=(_, one, other)):
                return self.place_of(one) or self.place_of(other)
            case Path(base=base, steps=steps) if (found := self.place_of(base)) is not None:
                return replace(found, steps=(*found.steps, *steps))
            case ColumnRef(column=column) if column.id in self.places:
                return self.places[column.id]
            case ColumnRef(column=column) if column.table is not None:
                return _Place(column.table, column.name)
            case ColumnRef(column=column) if column.id in self.made:
                return self.place_of(self.made[column.id])
        return None

    def unpacked(self, column: Column, of: Expr, place: _Place, part: Part, node: o.Expand) -> Part:
        """A row for each element of an array in a text that holds JSON; of what is no array there is one, of an empty one there is none."""
        language, values = self.language, self.values()
        array = values.json(of) or values.value(simplify(of))
        if not language.elements or array.kind not in WRITTEN or not place.is_array():
            raise Cannot(Diagnostic("unsupported-operator", "a row for each element of these is not supported here", node.span))
        where = path_of(place.column, place.steps)
        self.say("array-assumed", f"{where} is an array by the documentation of {place.table}", node.span)
        part = self.single(part, node)
        if part.flag is not None:
            self.separate()
        found = Apply(node.span, Type.BOOL, "matches regex", (of, const(EMPTY_ARRAY)))
        empty = language.atoms["matches regex"](array.text, found.args[1:], found)
        self.keep(part, [language.negated.format(empty)])
        self.places[column.id] = element = replace(place, steps=(*place.steps, ELEMENT))
        kind = "part" if element.is_plain() else "json"
        return self.each(column, language.elements.format(array.text), kind, part, node)

    def element(self, column: Column, value: Value, node: o.Expand) -> Value:
        """An element as the type that ``mv-expand`` gives it, where that is its own."""
        if column.type == Type.STRING and value.kind == "part":
            return replace(value, kind="text")
        if column.type in (Type.DYNAMIC, Type.UNKNOWN) or KINDS[column.type] == value.kind:
            return value
        raise Cannot(Diagnostic("unsupported-operator", "elements of another type are not supported here", node.span))

    def torn(self, column: Column, text: Expr, mark: str, part: Part, node: o.Expand) -> Part:
        """A row for each part of a text; an empty one is its only part."""
        parts = self.language.split.format(self.values().simplest(text).text, self.language.string(mark))
        return self.each(column, parts, "text", part, node)

    def each(self, column: Column, several: str, kind: str, part: Part, node: o.Expand) -> Part:
        """A row for each of several values, and one with an empty text where there is none."""
        language, name = self.language, self.named(column)
        values = language.functions["coalesce"].words.format(f"{several}, {language.string('')}")
        if part.flag is not None:
            self.separate()
            values = language.chosen([(self.present(part.flag), values)], language.string(""))
        self.commands.append(self.eval([(name, values)]))
        self.expanded(name)
        self.columns[column.id] = self.element(column, Value(self.quoted(name), kind, False, simple=True), node)
        return replace(part, unique=None, spread=None)

    def measured(self, made: Column, expr: Expr, values: Values, grouped: bool) -> tuple[Measure, Value]:
        """What an aggregate measures, and the column that it makes."""
        if not isinstance(expr, Apply):
            raise Cannot(Diagnostic("unsupported-expression", "this aggregate is not supported here", expr.span))
        function, args, condition = expr.function, list(expr.args), None
        if function in CONDITIONAL:
            condition = values.holds(simplify(args.pop(0 if function == "countif" else 1)))
            function = CONDITIONAL[function]
        function = "take_any" if function == "any" else function  # its older name
        everywhere, decides = grouped and condition is None, made.id < 0 or made.id in self.decides
        if function == "count" and not args:
            name = self.named(made)
            return Measure(name, function, None, condition), Value(self.quoted(name), "int", False, True, everywhere, True)
        if not args or function not in self.language.aggregates or any(not isinstance(a, Const) for a in args[1:]):
            raise values.refuse(expr)
        value, rank = values.simplest(args[0]), 0
        if function in _OF_NUMBERS and self.language.untyped:
            value = values.like(value, simplify(args[0]), Value("", "real"))
        kind, nullable = value.kind, value.nullable or not everywhere
        whole = replace(value, nullable=nullable, positive=value.positive and not nullable)
        match function, args[1:]:
            case ("min" | "max", []) if kind in ORDERED:
                pass
            case ("sum", []) if kind in ORDERED - {"time"}:
                pass
            case ("avg", []) if kind in ORDERED - {"time"}:
                whole = replace(whole, kind="real" if kind == "int" else kind, undefined=nullable)
            case ("stdev" | "stdevp" | "variance" | "variancep", []) if kind in NUMBERS:
                whole = Value("", "real", False, True)
            case ("percentile", [Const(value=int(rank))]) if kind in ORDERED - {"time"} and 0 < rank <= 100:
                self.say("percentile-method", self.percentiles, expr.span, Place.PLAIN if decides else Place.SHOWN)
                whole = replace(whole, kind="real" if self.language.fraction else kind)
            case ("dcount" | "count_distinct", _) if kind not in ("list", "part", "json"):
                whole = Value("", "int", False, True, not nullable)
            case ("make_set" | "make_list", further) if kind not in ("list", "json") and not (kind == "part" and decides):
                limited = any(isinstance(x, Const) and isinstance(x.value, int) and x.value < UNLIMITED for x in further)
                if limited and decides:
                    raise values.refuse(expr)
                if limited or function == "make_list":
                    self.say("columns-differ", self.lists, expr.span)
                if kind == "part":
                    self.say(
                        "columns-differ", "a place without a value and an empty text there are not told apart in a list here", expr.span
                    )
                whole = Value("", "list", False, of_texts=kind == "text" and function == "make_set" and not limited)
            case ("take_any", []) if not decides:
                pass
            case _:
                raise values.refuse(expr)
        name = self.named(made)
        counted = function in self.language.deviations or (whole.kind == "list" and made.id in self.lengths)
        length = self.free(f"{name}_count") if counted else ""
        whole = replace(whole, text=self.quoted(name), simple=True)
        texts = ""
        if function == "make_list" and value.kind == "text" and self.language.list_text and made.id in self.searched:
            apart = self.language.aggregates["make_list"] != self.language.aggregates["make_set"]
            texts = self.free(f"{name}_texts") if apart else ""
            whole = replace(whole, texts=self.quoted(texts or name))
        return Measure(name, function, value, condition, rank, length, decides, texts), whole

    def settled(self, column: Column, node: o.Relation) -> None:
        """Gives a column by whose values rows are told apart a field of its own, which all of them have."""
        value = self.values().value(ColumnRef(node.span, column.type, column))
        if value.nullable or value.kind in ("list", "part", "json"):
            raise Cannot(Diagnostic("unsupported-expression", f"rows by {column.name}, which may be missing", node.span))
        self.columns[column.id] = value
        if self.name_of(value) is None:
            name = self.named(column)
            self.commands.append(self.eval([(name, value.text)]))
            self.columns[column.id] = replace(value, text=self.quoted(name), simple=True)

    def compute(self, items: tuple[tuple[Column, Expr], ...]) -> None:
        pairs: list[tuple[str, str]] = []
        values, made = self.values(), dict[int, Value]()
        stage = sum(c.verb.lower() not in ("eval", "where") for c in self.commands)
        for column, expr in items:
            if not self.needed(column):
                continue
            try:
                value = self.as_declared(column, values.simplest(expr, undefined=True), expr)
            except Cannot:
                if self.is_vital(column):
                    raise
                continue
            if self.is_constant(expr):
                self.constants.add(column.id)
            if isinstance(expr, ColumnRef | Const):
                made[column.id] = value
                continue
            if (known := self.computed_as.get((stage, value.text))) is not None:
                made[column.id] = replace(value, text=self.quoted(known), simple=True)
                continue
            name = self.named(column)
            pairs.append((name, value.text))
            made[column.id] = replace(value, text=self.quoted(name), simple=True)
            if not any(self.quoted(flag) in value.text for flag in self.open):  # which changes as rows are left out
                self.computed_as[stage, value.text] = name
        self.columns |= made
        if pairs:
            self.commands.append(self.eval(pairs))

    def as_declared(self, column: Column, value: Value, expr: Expr) -> Value:
        """The text of a list where a column is to have that, which has its values in any order."""
        if value.kind != "list" or column.type != Type.STRING:
            return value
        if self.is_vital(column) or not value.of_texts or not self.language.list_text:
            raise self.values().refuse(expr, "the text of this value")
        self.say("columns-differ", f"{column.name}: the values of the set stand in another order", expr.span)
        return Value(self.language.list_text.format(value.text), "text", False)

    def order(self, keys: tuple[o.Ordering, ...]) -> None:
        """Sorts rows. Texts are not sorted alike everywhere, and rows without a value are last or first as the product has it."""
        found = []
        for key in keys:
            try:
                value = self.values().simplest(key.expr)
            except Cannot:
                value = Value("", "list")
            if value.kind not in ORDERED or value.nullable or self.name_of(value) is None:
                self.unsorted = True
                return
            found.append((value.text, key.descending))
        self.unsorted = False
        self.commands.append(self.sort(found))

    def finish(self) -> dict[str, str]:
        """Gives the columns of the result their names. Returns what each is called; those without words are left out."""
        pairs: list[tuple[str, str]] = []
        found: dict[str, str] = {}
        lost = []
        values, given = self.values(), dict[str, Value]()
        for name, column in self.names:
            with suppress(Cannot):
                given[name] = values.shown(ColumnRef(None, column.type, column))
                if given[name].kind == "json" and self.needed(column):
                    self.say("columns-differ", f"{name}: the JSON is shown as the product writes it")
        used = {v.text for v in given.values()}
        times = {v.text for f, v in self.fields.items() if is_time(f)}
        for name, column in self.names:
            if not self.needed(column):
                continue
            if (value := given.get(name)) is None:
                lost.append(name)
                continue
            text = self.quoted(name) if name.isascii() and name.isidentifier() else ""
            if value.text == text:
                found[name] = name
            elif value.text in times:  # every event shows its time
                found[name] = value.text
            elif known := self.shown_as(value):
                found[name] = known
            elif text:
                pairs.append((name, value.text))
                found[name] = name
            else:
                lost.append(name)
        held = [(name, text) for name, text in pairs if self.quoted(name) in used]
        if held:  # a name that is another column's until now
            kept = {name: self.named(Column(-1, name, Type.UNKNOWN)) for name, _ in held}
            self.commands.append(self.eval([(kept[name], text) for name, text in held]))
            pairs = [pair for pair in pairs if pair[0] not in kept] + [(name, self.quoted(kept[name])) for name, _ in held]
        if pairs:
            self.commands.append(self.eval(pairs))
        if lost:
            self.say("column-left-out", f"the rows have no {', '.join(lost)}, which the query only shows")
        return found


def is_of_row(expr: Expr, latest: tuple[str, Expr]) -> bool:
    """Whether an aggregate is of the row that ``arg_max`` or ``arg_min`` finds by the same value."""
    function, by = latest
    match expr:
        case Apply(function="arg_max" | "arg_min"):
            return True
        case Apply(function="max" | "min" as name, args=(value,)):
            return f"arg_{name}" == function and value == by
    return False


def _unrolled_by(node: o.Expand) -> o.Aggregate | None:
    """The summary of whose lists an operator makes rows again: of lists that belong together, or of one set."""
    below, lists = node.input, [x.column for _, x in node.items if isinstance(x, ColumnRef)]
    if node.index is not None or node.limit is not None or node.pairs or len(lists) < len(node.items):
        return None
    while isinstance(below, o.Filter | o.Compute | o.Project | o.Arrange):
        if isinstance(below, o.Filter) and subqueries_of(below.predicate):
            return None
        below = below.input
    if not isinstance(below, o.Aggregate):
        return None
    made = dict(below.aggregates)
    functions = [x.function for c in lists if isinstance(x := made.get(c), Apply) and not any(map(_is_limit, x.args[1:]))]
    return below if functions == ["make_set"] or (functions and functions == ["make_list"] * len(lists)) else None


def _is_limit(expr: Expr) -> bool:
    return not (isinstance(expr, Const) and isinstance(expr.value, int) and expr.value >= UNLIMITED)


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


def _of_length(node: object) -> Column | None:
    """The column whose number of elements is asked for."""
    match node:
        case Apply(function="array_length", args=(ColumnRef(column=column),)):
            return column
    return None


def _of_search(node: object) -> Column | None:
    """The column that is searched for a text wherever that stands in it."""
    match node:
        case Apply(function=function, args=(ColumnRef(column=column), *_)) if function.lstrip("!") in IN_ANY_ORDER | {"has_any", "has_all"}:
            return column
    return None


@dataclass(frozen=True, slots=True)
class _Membership:
    """``of``: that a value is, or is not, one of those of another query."""

    of: Expr
    value: Expr
    subquery: Subquery
    cased: bool
    negated: bool


def _membership_of(expr: Expr) -> _Membership | None:
    match expr:
        case Apply(function="in" | "in~" | "!in" | "!in~" as function, args=(value, Items(items=(Subquery(scalar=False) as subquery,)))):
            return _Membership(expr, value, subquery, not function.endswith("~"), function.startswith("!"))
    return None


def _is_alone(predicate: Expr) -> int:
    """Whether a condition is nothing but a membership (1), or that there is none (-1)."""
    match predicate:
        case Apply(function="not", args=(inner,)):
            return -_is_alone(inner)
    found = _membership_of(predicate)
    return 0 if found is None else -1 if found.negated else 1
