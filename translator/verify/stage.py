"""The worlds of a rule on both sides: their rows as the KQL has them, with what it finds, and their events as a product has them.

Where no event of the product can stand for a row as it is, what nothing is asked of is left to the product. Lists that a text looks up are
no events; columns for which no field is known have their own names where the text has to use these.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias

from translator import catalog
from translator.catalog import Computed, Counterpart, Stored
from translator.catalog.site_files import FAMILY_OF
from translator.detection.model import Trigger, compares
from translator.detection.trigger import trigger_of
from translator.engine import EngineError
from translator.fidelity import CaseOfColumn
from translator.kql.parser import parse
from translator.pipeline import Conversion
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.expressions import Apply, Column, ColumnRef, Const, walk
from translator.plan.types import Type
from translator.targets.base import NamesByTable, Options, Output, by_table
from translator.targets.pipeline.reading import all_made, deciding
from translator.verify.comparing import ROW, Answer
from translator.verify.lists import Lists, edited
from translator.verify.reading import Row, flat
from translator.verify.shaping import Shape, Shaped, Shaping, Unshaped
from translator.verify.shaping.event_builder import INGESTED
from translator.verify.shaping.nested_values import read_json
from translator.verify.shaping.values import dynamic_type, is_missing
from translator.verify.witness import Coverage, Event, Unreached, World, Worlds, made, reached
from translator.verify.witness.feeding import custom_tables, read_columns, tables_of
from translator.verify.witness.judging import answers
from translator.verify.witness.states import RECEIVED, TIMES

NOW = dt.datetime(2026, 6, 1, 12, 17)
"""When everything is run, unless the caller says: proofs are the same whenever they are made."""

MOST_WORLDS = 160

_FITTINGS, _NAMED = 9, 4
"""How often rows are changed until the product can have them, and how often of these by the columns alone that are in the way."""

Own: TypeAlias = NamesByTable
"""By table the columns, and the places inside of them, that a site has under these names."""

_MARK = "kql2sigma_world"
_KEEPING = ("arg_max", "arg_min", "take_any", "any", "prev", "next")
_TYPES = {"int": "long", "long": "long", "real": "double", "decimal": "double", "bool": "boolean", "datetime": "date"}
_FILLINGS = {"int": 1, "long": 1, "real": 1.0, "bool": True}
_GIVEN = re.compile(r"\{\{(Start|End)TimeISO\}\}")
_TAKEN_IN = re.compile(r"\bingestion_time\s*\(\s*\)")
"""What the engine has no words for; the events here have it in a column of every table."""


class NoWorlds(Exception):
    """The events that a rule is to be tried on cannot be had, for no product."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A world on both sides: its rows, the product's events, whether the KQL alerts, and what it finds where that is known.

    Attributes:
        others: the same of what it may find as well, where it may keep any of rows that are equal in what it orders them by.
    """

    about: str
    rows: Mapping[str, tuple[Row, ...]]
    events: tuple[Row, ...]
    alerts: bool
    answer: Answer | None
    others: tuple[tuple[bool, Answer], ...] = ()


def _seen_within(worlds: Iterable[World], period: int | None) -> Iterator[World]:
    """Worlds with the events alone that a rule sees, of those that are the same then one.

    Args:
        period: how far the rule looks back, in seconds; None where there is no limit.
    """
    oldest, cut = -period if period is not None else float("-inf"), list[tuple[Event, ...]]()
    for world in worlds:
        events = tuple(e for e in world.events if oldest <= e.seconds <= 0)
        if len(events) == len(world.events):
            yield world
        elif events and events not in cut:
            cut.append(events)
            yield replace(world, events=events, hits=None)


def differ_by_case(output: Output, tried: Tried) -> bool:
    """Whether a world has values that differ by case alone in the columns that an output presumes to have none."""
    names = {d.fact.column for d in output.diagnostics if isinstance(d.fact, CaseOfColumn)}
    values = {str(row[name]) for rows in tried.rows.values() for row in rows for name in names & row.keys()}
    return len({v.lower() for v in values}) < len(values)


class Stage:
    """A rule with its worlds, as any product has them.

    Args:
        conversion: the rule and what was made of it.
        now: when it runs.
        seed: what tells its worlds from others.
        worlds: what it is tried on, in the place of what is made from it.
        tables: column types of tables that the catalog does not know, as far as these are known otherwise.

    Raises:
        translator.kql.errors.KqlSyntaxError: where the query cannot be read.
        translator.plan.binder.problems.BindError: where it has no meaning.
    """

    def __init__(
        self, conversion: Conversion, options: Options, now: dt.datetime = NOW, seed: int = 0, most: int = MOST_WORLDS,
        worlds: Worlds | None = None, tables: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.conversion, self.options, self.now = conversion, options, now
        rule = conversion.rule
        back = dt.timedelta(seconds=rule.period or options.timespan)
        given = [(*m.span(), (now - back if m[1] == "Start" else now).isoformat()) for m in _GIVEN.finditer(rule.query)]
        given += [(*m.span(), RECEIVED) for m in _TAKEN_IN.finditer(rule.query)]
        edits = edited(rule.query, bind(parse(rule.query), catalog.schemas()), given)
        self.kql = edits.text
        custom = custom_tables(bind(parse(self.kql), {**catalog.schemas(), **edits.tables}))
        self.tables = {**custom, **edits.tables, **{t: {**custom.get(t, {}), **columns} for t, columns in tables.items()}}
        self.plan = bind(parse(self.kql), {**catalog.schemas(), **self.tables})
        self.lists = Lists(self.plan, edits, now)
        self.trigger = trigger_of(rule.trigger_operator, rule.trigger_threshold)
        found = made(with_count(self.plan, self.trigger), now, seed, most, rule.period) if worlds is None else worlds
        self.worlds = tuple(_seen_within(found.worlds, rule.period))
        self.unreached: tuple[Unreached, ...] = found.unreached
        self.columns = read_columns(self.plan)
        decides = deciding(self.plan)
        columns = [n for n in o.parts((self.plan.root, self.plan.names)) if isinstance(n, Column) and n.table is not None]
        used = [n.column for n in o.parts(self.plan.root) if isinstance(n, ColumnRef)]
        self.used = frozenset((c.table, c.name) for c in used if c.table is not None)
        self.deciding = frozenset((c.table, c.name) for c in columns if c.id in decides)
        of_groups = [
            node.column
            for relation in o.parts(self.plan.root)
            if isinstance(relation, o.Aggregate)
            for _, value in (*relation.keys, *relation.aggregates)
            for node in walk(value)
            if isinstance(node, ColumnRef)
        ]
        self.summarized = frozenset((c.table, c.name) for c in of_groups if c.table is not None)
        self.left = {table: self.unread(table) for table in self.columns}
        self.shown_alone = {table: frozenset(c for c in held if (table, c) not in self.deciding) for table, held in self.columns.items()}
        self._coverage: Coverage | None = None
        self._families: dict[tuple[str, frozenset[str], Own, tuple[str, ...]], tuple[list[Tried], Shaped]] = {}
        self._shapings: dict[tuple[str, Own, tuple[str, ...]], Shaping] = {}
        self._answers: dict[str, Answer | EngineError] = {}
        self._others: dict[str, Answer] = {}

    def unread(self, table: str) -> frozenset[str]:
        """The columns of a table at which the query does not look."""
        shown = () if self.plan.open else dict(self.plan.names)
        return frozenset(c for c in catalog.schemas().get(table, {}) if (table, c) not in self.used and c not in shown)

    @property
    def coverage(self) -> Coverage:
        """Which conditions of the rule the worlds reach."""
        if self._coverage is None:
            self._coverage = reached(self.plan, self.worlds, self.now)
        return self._coverage

    def ready(self, target: str, output: Output) -> tuple[list[Tried], Shaped]:
        """The worlds as an output presumes the product: with lists, and with the names of the KQL where it has to use these.

        Raises:
            EngineError: where the KQL cannot be run.
        """
        tried, shape = self.on(FAMILY_OF[target], *self.presumed(output))
        return [t for t in tried if self.filled_lists(output, t) is not None and not differ_by_case(output, t)], shape

    def presumed(self, output: Output) -> tuple[frozenset[str], Own, tuple[str, ...]]:
        """The tables that are lists to an output, the columns whose own names it has to use, and the homes that it takes besides."""
        deployed = output.deployment
        own = by_table((*deployed.missing, *deployed.places)) if deployed is not None else ()
        return self.lists.tables(output.diagnostics), own, output.homes

    def on(
        self, family: str, listed: frozenset[str] = frozenset(), own: Own = (), homes: tuple[str, ...] = ()
    ) -> tuple[list[Tried], Shaped]:  # fmt: skip
        """The worlds as a family of products has them; those that it cannot have are left out.

        Args:
            listed: tables that are no events of the product, but lists.
            own: by table the columns, and the places inside of them, that the site has under these names.
            homes: those that are taken besides.

        Raises:
            EngineError: where the KQL cannot be run.
        """
        if (family, listed, own, homes) not in self._families:
            shape = self.fitted(family, listed, own, homes)
            self._families[family, listed, own, homes] = list(self.tried(shape, self.worlds, listed)), shape
        return self._families[family, listed, own, homes]

    def filled_lists(self, output: Output, tried: Tried) -> Mapping[str, list[str] | list[Row] | str] | None:
        """What the lists of an output hold in a world; None where the world asks for what is left to those who keep them."""
        found = self.lists.filled(output.diagnostics, [event_of(t, r, self.now) for t, rows in tried.rows.items() for r in rows])
        return None if found is None else {**found, **self.lists.rows(output.diagnostics, tried.rows, output.target == "esql")}

    def put(
        self, given: Mapping[str, Sequence[Row]], family: str, listed: frozenset[str], own: Own, homes: tuple[str, ...]
    ) -> Shaped:  # fmt: skip
        """Rows as a family of products has them; those of lists are no events."""
        events = {t: rows for t, rows in given.items() if t not in listed}
        if (family, own, homes) not in self._shapings:
            options = replace(self.options, homes=(*self.options.homes, *homes))
            self._shapings[family, own, homes] = Shaping(family, options, None, (_MARK, ROW), dict(own), self.left, self.shown_alone)
        found = self._shapings[family, own, homes].of(events)
        held = {t: tuple(Shape(row, ()) for row in rows) for t, rows in given.items() if t in listed}
        types = {c: self.type_of(table, c, found.events) for table, columns in own for c in columns} if family == "elastic" else {}
        return replace(found, shapes={**found.shapes, **held}, types={**types, **found.types})

    def type_of(self, table: str, name: str, events: Sequence[Row]) -> str:
        """The type of a field that has the name of a column: that of the values that events have, else that of the KQL."""
        kind = {**catalog.schemas(), **self.tables}.get(table, {}).get(name, "")
        told = (
            v for event in events for n, v in flat({k: v for k, v in event.items() if k == name or name.startswith(f"{k}.")}) if n == name
        )
        return next(map(dynamic_type, told), _TYPES.get(kind, "keyword"))

    def fitted(self, family: str, listed: frozenset[str], own: Own, homes: tuple[str, ...]) -> Shaped:
        """The rows of all worlds as a family of products has them.

        Where no event can stand for a row, what nothing is asked of is left to the product: first the column that is in the way, then all.
        Then the row gets what the catalog says of it.

        Raises:
            EngineError: where a formula of the catalog cannot be computed of the rows.
        """
        given: dict[str, list[Row]] = {}
        free: dict[str, list[frozenset[str]]] = {}
        serial = itertools.count(1)
        for number, world in enumerate(self.worlds):
            events = [self.filled(e) for e in world.events]
            for table, rows in tables_of(self.columns, events, self.now).items():
                computed = self.computed(table, self.columns.get(table, {}))
                shown = [in_objects(table, as_shaped(row), n) for n, row in enumerate(rows)]
                told = [{c: v for c, v in row.items() if v is not None or c not in computed} for row in shown]
                given.setdefault(table, []).extend({**row, _MARK: number, ROW: mark_of(next(serial))} for row in told)
                free.setdefault(table, []).extend(e.free for e in events if e.table == table)
        shape = self.put(given, family, listed, own, homes)
        for tries in range(_FITTINGS):
            changed = False
            for lost, number in [(u, u.row) for u in shape.unshaped if u.row is not None]:
                row = given[lost.table][number]
                if with_file(row, lost):
                    changed = True
                    continue
                open_ = free[lost.table][number] & {c for c, v in row.items() if v is not None}
                if named := open_ & {re.split(r"[.\[]", lost.column)[0]} or (open_ if tries >= _NAMED else frozenset()):
                    kept = {c: None for c in named if (lost.table, c) in self.used}  # for the product to compute
                    given[lost.table][number] = {c: v for c, v in row.items() if c not in named} | kept
                elif tries >= _NAMED and lost.column in row and not is_missing(lost.instead):
                    row[lost.column] = lost.instead
                else:
                    continue
                changed = True
            if changed:
                shape = self.put(given, family, listed, own, homes)
            elif tries >= _NAMED:
                break
        return shape

    def computed(self, table: str, columns: Iterable[str]) -> set[str]:
        """Those of some columns that the events of a product say by several fields."""
        return {c for c in columns if any(isinstance(x, Computed) for x in counterparts(table, c))}

    def filled(self, event: Event) -> Event:
        """An event with a value in each column that its rows have one in: that the query reads and none of them leaves empty, or as a
        column tells that rows of one kind alone have."""
        told_by = catalog.told_by(event.table, {c for c, v in event.values.items() if not is_missing(v)})
        pins = {c: {v} for c, v in {**told_by, **event.values}.items() if isinstance(v, str | int)}
        lacking = [c for c in self.columns.get(event.table, {}) if c not in event.values and catalog.is_filled(event.table, c, pins)]
        made_up: dict[str, object] = {}
        for column in lacking:
            told = counterparts(event.table, column)
            if self.options.fields != "source" and any(isinstance(c, Computed) for c in told):
                continue  # the product's events say it
            if named := next((c.values for c in told if isinstance(c, Stored) and c.values), None):
                made_up[column] = next(iter(named))
                continue
            kind = catalog.schemas().get(event.table, {}).get(column, "string")
            if catalog.is_address(event.table, column):
                made_up[column] = "203.0.113.250"
            elif kind in _FILLINGS:
                made_up[column] = _FILLINGS[kind]
            elif kind == "string":
                made_up[column] = f"any {column.lower()}"
        return replace(event, values={**made_up, **event.values}, free=event.free | made_up.keys())

    def tried(self, shape: Shaped, worlds: Sequence[World], listed: frozenset[str]) -> Iterator[Tried]:
        """The worlds of which rows are marked; not those with a row for which there is no event, and which the KQL cannot be run on.

        Of small worlds side by side the row is left out alone. A row that has what only rows of another kind
        have stays where the KQL does not alert: a text that asks for the kind as well does not find it.
        """
        rows: list[dict[str, list[Row]]] = [{} for _ in worlds]
        events: list[list[Row]] = [[] for _ in worlds]
        lost, strange = set[int](), set[int]()
        for table, shapes in shape.shapes.items():
            for one in shapes:
                number = one.row[_MARK]
                assert isinstance(number, int)
                made_of = one.events or (one.strange if worlds[number].hits is False else ())
                if one.strange and made_of:
                    strange.add(number)
                if not made_of and table not in listed:
                    if worlds[number].apart:
                        continue
                    lost.add(number)
                rows[number].setdefault(table, []).append(as_queried({k: v for k, v in one.row.items() if k != _MARK}))
                events[number] += [{k: v for k, v in e.items() if k != _MARK} for e in made_of]
        lost |= {n for n, world in enumerate(worlds) if world.apart and not events[n]}
        there = [n for n in range(len(worlds)) if n not in lost]
        for number, found in zip(there, self.found([rows[n] for n in there]), strict=True):
            if found is not None and not (number in strange and found[0]):
                yield Tried(worlds[number].about, {t: tuple(r) for t, r in rows[number].items()}, tuple(events[number]), *found)

    def found(self, worlds: Sequence[Mapping[str, Sequence[Row]]]) -> list[tuple[bool, Answer, tuple[tuple[bool, Answer], ...]] | None]:
        """Whether the KQL alerts for the rows of each world, what it finds, and what it may find as well.

        None stands for values with which it cannot be run.

        Raises:
            EngineError: where it cannot be run on any of them.
        """
        keys = [repr(world) for world in worlds]
        fresh = {key: world for key, world in zip(keys, worlds, strict=True) if key not in self._answers}  # products mostly share rows
        made_of = [World("", tuple(event_of(t, r, self.now) for t, rows in w.items() for r in rows), None) for w in fresh.values()]
        if made_of:
            self._answers.update(zip(fresh, answers(self.kql, made_of, self.now, self.tables), strict=True))
            if keeps_any(self.plan):  # the engine keeps the first
                turned = [replace(w, events=w.events[::-1]) for w in made_of]
                for key, other in zip(fresh, answers(self.kql, turned, self.now, self.tables), strict=True):
                    if isinstance(other, Answer) and other != self._answers[key]:
                        self._others[key] = other
        found = [self._answers[key] for key in keys]
        errors = [answer for answer in found if isinstance(answer, EngineError)]
        if errors and len(errors) == len(found):
            raise errors[0]
        others = [tuple((self.alerts(other), other) for other in [self._others.get(key)] if other is not None) for key in keys]
        return [
            None if isinstance(answer, EngineError) else (self.alerts(answer), answer, other)
            for answer, other in zip(found, others, strict=True)
        ]

    def alerts(self, answer: Answer) -> bool:
        """Whether so many rows are an alert."""
        least = self.trigger or Trigger(">", 0)
        return compares(least.operator, len(answer.rows), least.count)

    def alone(self, tried: Tried, rows: Mapping[str, tuple[Row, ...]], output: Output, shape: Shaped) -> Tried | None:
        """A world with other rows, as an output presumes the product; None where the product cannot have it.

        Raises:
            EngineError: where the KQL cannot be run on it.
        """
        smaller = next(self.apart([(tried.about, rows, None)], output, shape), None)
        return smaller and replace(smaller, rows=rows)

    def apart(
        self, worlds: Sequence[tuple[str, Mapping[str, Sequence[Row]], tuple[str, str] | None]], output: Output, shape: Shaped
    ) -> Iterator[Tried]:  # fmt: skip
        """Worlds of these rows, each with what it tries, as an output presumes the product; not those that the product cannot have.

        Args:
            worlds: also the column, with its table, that is tried in each: others that it is at odds with are what the product has then.

        Raises:
            EngineError: where the KQL cannot be run on any.
        """
        serial, given = itertools.count(1), dict[str, list[Row]]()
        for number, (_, tables, _) in enumerate(worlds):
            for table, rows in tables.items():
                marked = ({**as_shaped(row), _MARK: number, ROW: mark_of(next(serial))} for row in rows)
                given.setdefault(table, []).extend(marked)
        listed, own, homes = self.presumed(output)
        put = self.put(given, shape.family, listed, own, homes)
        for _ in range(_NAMED):
            changed = False
            for lost, row in [(u, given[u.table][u.row]) for u in put.unshaped if u.row is not None]:
                world, column = row[_MARK], re.split(r"[.\[]", lost.column)[0]
                assert isinstance(world, int)
                if (tried := worlds[world][2]) is None or (lost.table, column) == tried or column not in row:
                    continue
                row[column], changed = lost.instead, True
            if not changed:
                break
            put = self.put(given, shape.family, listed, own, homes)
        yield from self.tried(put, [World(about, (), None) for about, _, _ in worlds], listed)


def mark_of(number: int) -> str:
    """What tells a row, and the events that stand for it, from others."""
    return f"kql2sigma-{number}"


def unmarked(row: Row) -> Row:
    """A row, or an event, without what tells which it is."""
    return {name: value for name, value in row.items() if name != ROW}


def as_shaped(row: Row) -> Row:
    """A row of the KQL with the name that shaping has for the time when it was taken in."""
    return {INGESTED if name == RECEIVED else name: value for name, value in row.items()}


def with_count(plan: o.Plan, trigger: Trigger | None) -> o.Plan:
    """A plan with the rule's own condition on the number of its rows; the same where any row alerts."""
    if trigger is None:
        return plan
    free = next(o.unused_ids(plan))
    rows = Column(free, "rows", Type.LONG)
    counted = o.Aggregate(None, plan.root, (), ((rows, Apply(None, Type.LONG, "count", ())),))
    enough = Apply(None, Type.BOOL, trigger.operator, (ColumnRef(None, Type.LONG, rows), Const(None, Type.LONG, trigger.count)))
    return o.Plan(o.Filter(None, counted, enough), (("rows", rows),), False)


def keeps_any(plan: o.Plan) -> bool:
    """Whether a query keeps some of its rows, of those that are equal in what it orders them by any."""
    asked = (part.predicate for part in o.parts(plan.root) if isinstance(part, o.Filter))
    expressions = (n for expr in (*all_made(plan).values(), *asked) for n in walk(expr))
    return any(isinstance(n, Apply) and n.function.startswith(_KEEPING) for n in expressions) or any(
        isinstance(part, o.Limit) or (isinstance(part, o.Join) and part.kind == "innerunique") for part in o.parts(plan.root)
    )


def as_queried(row: Row) -> Row:
    """The same the other way round."""
    return {RECEIVED if name == INGESTED else name: value for name, value in row.items()}


def in_objects(table: str, row: Row, turn: int) -> Row:
    """A row with a text in the place of an object, of which all members are known, as the text of a member; ``turn`` says of which."""
    found = dict(row)
    for column, value in row.items():
        if isinstance(value, str) and catalog.is_complete(table, column, ()) and not isinstance(read_json(value), dict):
            members = [steps[0] for steps in catalog.inside(table, column, ()) or () if len(steps) == 1]
            stored = {m: [c.type for c in counterparts(table, f"{column}.{m}") if isinstance(c, Stored)] for m in members}
            if texts := [m for m in members if not {"long", "boolean"} & {*stored[m]}]:
                found[column] = {texts[turn % len(texts)]: value} if value else None
    return found


def with_file(row: Row, lost: Unshaped) -> bool:
    """Puts the name of a file behind the path that products take it from, where that ends in another one; False where it does not.

    The path of a world is what a query asks of it, and mostly only begins with that, or has it within.
    """
    beside = next((c.file_of for c in counterparts(lost.table, lost.column) if isinstance(c, Computed) and c.file_of), "")
    path, file = row.get(beside), row.get(lost.column)
    if not (isinstance(path, str) and isinstance(file, str) and path and file):
        return False
    mark = "/" if "/" in path and "\\" not in path else "\\"
    if mark in file or path.rpartition(mark)[2].lower() == file.lower():
        return False
    row[beside] = f"{path.rstrip(mark)}{mark}{file}"
    return True


def counterparts(table: str, column: str) -> list[Counterpart]:
    """What any product has for a column."""
    known = catalog.table(table)
    homes = [home for family in known.homes.values() for home in family] if known is not None else []
    return [home.columns[column] for home in homes if column in home.columns]


def event_of(table: str, row: Row, now: dt.datetime) -> Event:
    """A row of a table as an event of a world."""
    at = next((v for name in TIMES if isinstance(v := row.get(name), dt.datetime)), now)
    seconds = (at.replace(tzinfo=None) - now).total_seconds()
    return Event(table, {k: v for k, v in row.items() if k not in TIMES}, seconds)
