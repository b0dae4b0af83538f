"""What a verdict claims, tried: the KQL on the engine and the text of a translation by its reader, on the same events.

A world is a few events that try one thing: a way to satisfy the rule, or one of its conditions just missed. A claim is proven where the
text alerts in every world in which the KQL does, and in no other; ``broader`` and ``narrower`` claim the one or the other alone.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from translator import catalog
from translator.catalog import Computed, Counterpart, Stored
from translator.catalog.site_files import FAMILY_OF
from translator.detection.model import Detection, compares
from translator.detection.trigger import trigger_of
from translator.engine import EngineError, execute
from translator.fidelity import Verdict
from translator.kql.parser import parse
from translator.pipeline import Conversion
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.expressions import Column
from translator.plan.types import Type
from translator.targets.base import Options, Output
from translator.targets.homes import TIMES as TIME_FIELDS
from translator.targets.pipeline.cases import deciding
from translator.verify import sigma, spl
from translator.verify.comparing import ROW, Answer, Columns, Compared, Difference, Wanted, compared, named_rows
from translator.verify.reading import NotReadable, Row, moment_of
from translator.verify.running import run_text
from translator.verify.shaping import Shaped, shaped
from translator.verify.shaping.putting import INGESTED
from translator.verify.witness import Coverage, Event, Unreached, World, made, reached
from translator.verify.witness.feeding import read_columns, schema_of, tables_of
from translator.verify.witness.judging import answers
from translator.verify.witness.states import RECEIVED, TIMES

NOW = dt.datetime(2026, 6, 1, 12, 0)
"""When everything is run, unless the caller says: proofs are the same whenever they are made."""

MOST_WORLDS, MOST_TRIES = 72, 24

CLAIMS = (Verdict.EXACT, Verdict.SAME_ALERTS, Verdict.BROADER, Verdict.NARROWER)
"""The verdicts that say something that can be tried."""

_MARK, _ROWS = "kql2sigma_world", "kql2sigma-"
_KQL = {INGESTED: RECEIVED}
_FILLINGS = {"int": 1, "long": 1, "real": 1.0, "bool": True}
_GIVEN = re.compile(r"\{\{(Start|End)TimeISO\}\}")
_TAKEN_IN = re.compile(r"\bingestion_time\s*\(\s*\)")
"""What the engine has no words for; the events here have it in a column of every table."""
_READINGS = {
    "splunk": ((True, False), (False, True)),
    "sigma": ((False, False), (False, True), (True, False), (True, True)),
}
"""The readings of what a language's documentation leaves open.

Of Splunk: whether a null is unknown under NOT, and whether texts are compared as numbers. It does one of them, so that a search has to be
right in each. Of Sigma: whether keys of correlations have their case, and whether events of one time are in order. Each product does one of
them, and a rule is right where it is in one. Where the KQL counts in bins, so may a product that reads the Sigma.
"""


class Outcome(Enum):
    """What came of trying a claim."""

    PROVEN = "proven"
    CONTRADICTED = "contradicted"
    NOT_EXECUTABLE = "not executable"


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A world in which a text does not do what it claims.

    Attributes:
        about: what the world tries.
        rows: its events as the tables of the KQL have them.
        events: the same as the product has them.
        kql: whether the KQL alerts; the text does the opposite, unless what both find is another thing.
        lacking: what the KQL finds and the text does not, where both alert.
        surplus: what the text finds and the KQL does not, where both alert.
    """

    about: str
    rows: Mapping[str, tuple[Row, ...]]
    events: tuple[Row, ...]
    kql: bool
    lacking: tuple[Row, ...] = ()
    surplus: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """What a text does, tried on events.

    Attributes:
        claim: what was tried: exact, same-alerts, broader or narrower.
        why: why nothing was proven.
        errs: the direction in which the text was seen to err; None where in none.
        worlds: how many worlds were run on both sides.
        alerting: in how many of them the KQL alerts.
        compared: what of both sides was compared at the most, where both alert.
        coverage: which conditions were both true and false on some event.
        missing: what stood for no events of the product, or lacks columns there.
    """

    target: str
    outcome: Outcome
    claim: Verdict
    why: str = ""
    errs: Verdict | None = None
    worlds: int = 0
    alerting: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    missing: tuple[str, ...] = ()
    counterexample: Counterexample | None = None
    compared: Compared = Compared.ALERTS


@dataclass(frozen=True, slots=True)
class _Tried:
    """A world on both sides: its rows, the product's events, whether the KQL alerts, and what it finds."""

    about: str
    rows: Mapping[str, tuple[Row, ...]]
    events: tuple[Row, ...]
    alerts: bool
    answer: Answer


class Trial:
    """A rule with its worlds, on which any number of texts can be tried.

    Args:
        conversion: the rule and what was made of it.
        now: when it runs.
        seed: what tells its worlds from others.

    Raises:
        translator.kql.errors.KqlSyntaxError: where the query cannot be read.
        translator.plan.binder.BindError: where it has no meaning.
    """

    def __init__(self, conversion: Conversion, options: Options, now: dt.datetime = NOW, seed: int = 0, most: int = MOST_WORLDS) -> None:
        self.conversion, self.options, self.now = conversion, options, now
        rule = conversion.rule
        back = dt.timedelta(seconds=rule.period or options.timespan)
        given = _GIVEN.sub(lambda m: (now - back if m[1] == "Start" else now).isoformat(), rule.query)
        self.kql = _TAKEN_IN.sub(RECEIVED, given)
        self.plan = bind(parse(self.kql), catalog.schemas())
        self.trigger = trigger_of(rule.trigger_operator, rule.trigger_threshold)
        found = made(self.plan, now, seed, most)
        oldest = -rule.period if rule.period is not None else float("-inf")
        self.worlds = tuple(w for w in found.worlds if all(oldest <= e.seconds <= 0 for e in w.events))
        self.unreached: tuple[Unreached, ...] = found.unreached
        self.columns = read_columns(self.plan)
        decides = deciding(self.plan)
        columns = [n for n in o.parts((self.plan.root, self.plan.names)) if isinstance(n, Column) and n.table is not None]
        self.deciding = frozenset((c.table, c.name) for c in columns if c.id in decides)
        self._coverage: Coverage | None = None
        self._families: dict[str, tuple[list[_Tried], Shaped]] = {}
        self._columns: dict[str, Columns] = {}
        self._wanted: dict[object, Wanted] = {}

    @property
    def coverage(self) -> Coverage:
        """Which conditions of the rule the worlds reach."""
        if self._coverage is None:
            self._coverage = reached(self.plan, self.worlds, self.now)
        return self._coverage

    def prove(self, target: str, output: Output) -> Proof:
        """Tries what the verdict of an output claims."""
        claim = output.verdict
        if claim not in CLAIMS:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, f"a text that is {claim.value} claims nothing")
        try:
            tried, shape = self.on(FAMILY_OF[target])
        except EngineError as error:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, f"the KQL cannot be run here: {error}")
        missing = tuple(f"{u.table}.{u.column}: {u.why}" for u in shape.unshaped if u.row is None)
        alerting = sum(t.alerts for t in tried)
        if not alerting:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, self.silent(), missing=missing, coverage=self.coverage)
        wrong: dict[Verdict, _Tried] = {}
        reached_: set[Compared] = set()
        try:
            edge = self.at() - self.lookback(output)  # an event of just then is a matter of the schedule, not of the text
            for one in (t for t in tried if all(_seconds(e, target) != edge for e in t.events)):
                difference, level = self.difference(target, output, one, shape)
                reached_.add(level)
                if difference is not None:
                    wrong.setdefault(difference.errs, one)
        except NotReadable as refused:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, f"the reader does not know: {refused.what}", missing=missing)
        errs = next(iter(wrong)) if len(wrong) == 1 else Verdict.DIFFERS if wrong else None
        proof = Proof(target, Outcome.PROVEN, claim, "", errs, len(tried), alerting, self.coverage, missing)
        proof = replace(proof, compared=next(level for level in Compared if level in {*reached_, Compared.ALERTS}))
        allowed = {claim} & {Verdict.BROADER, Verdict.NARROWER}
        if not (against := [t for d, t in wrong.items() if d not in allowed]):
            return proof
        if output.deployment is not None and (names := [f"{t}.{c}" for t, columns in output.deployment.missing for c in columns]):
            why = f"the text has names of the KQL for which no field of the product is known: {', '.join(names[:3])}"
            return replace(proof, outcome=Outcome.NOT_EXECUTABLE, why=why)
        if lacking := [m for m, (table, column) in zip(missing, _places(shape), strict=True) if (table, column) in self.deciding]:
            return replace(proof, outcome=Outcome.NOT_EXECUTABLE, why=f"the events of the product cannot be told: {lacking[0]}")
        if shape.family != "source" and (held := self.in_text(against[0])):
            return replace(
                proof, outcome=Outcome.NOT_EXECUTABLE, why=f"whether the product keeps the JSON of {held} as a text is not known"
            )
        return replace(proof, outcome=Outcome.CONTRADICTED, counterexample=self.smallest(target, output, against[0], shape))

    def in_text(self, tried: _Tried) -> str:
        """A column that decides and is a text that holds JSON; empty where there is none."""
        told = (
            (t, c, v)
            for t, rows in tried.rows.items()
            for row in rows
            for c, v in row.items()
            if isinstance(v, str) and v[:1] in "[{" and v
        )
        return next((f"{table}.{column}" for table, column, _ in told if (table, column) in self.deciding), "")

    def silent(self) -> str:
        """Why no world alerts."""
        reasons = [u.why for u in self.unreached]
        return "no events were found for which the KQL alerts" + (f": {reasons[0]}" if reasons else "")

    def on(self, family: str) -> tuple[list[_Tried], Shaped]:
        """The worlds as a family of products has them; those that it cannot have are left out.

        Raises:
            EngineError: where the KQL cannot be run.
        """
        if family not in self._families:
            given: dict[str, list[Row]] = {}
            serial = itertools.count(1)
            for number, world in enumerate(self.worlds):
                for table, rows in tables_of(self.plan, map(self.filled, world.events), self.now).items():
                    computed = {c for c in self.columns.get(table, {}) if any(isinstance(x, Computed) for x in _counterparts(table, c))}
                    told = [{c: v for c, v in _as_shaped(row).items() if v is not None or c not in computed} for row in rows]
                    given.setdefault(table, []).extend({**row, _MARK: number, ROW: f"{_ROWS}{next(serial)}"} for row in told)
            shape = shaped(given, family, self.options, carried=(_MARK, ROW))
            self._families[family] = list(self.tried(shape, self.worlds)), shape
        return self._families[family]

    def filled(self, event: Event) -> Event:
        """An event with a value in each column that the query reads and no row of its table leaves empty."""
        pins = {c: {v} for c, v in event.values.items() if isinstance(v, str | int)}
        lacking = [c for c in self.columns.get(event.table, {}) if c not in event.values and catalog.is_filled(event.table, c, pins)]
        made_up: dict[str, object] = {}
        for column in lacking:
            counterparts = _counterparts(event.table, column)
            if any(isinstance(c, Computed) for c in counterparts):
                continue  # the product's events say it
            if named := next((c.values for c in counterparts if isinstance(c, Stored) and c.values), None):
                made_up[column] = next(iter(named))
                continue
            kind = catalog.schemas().get(event.table, {}).get(column, "string")
            if catalog.is_address(event.table, column):
                made_up[column] = "203.0.113.250"
            elif kind in _FILLINGS:
                made_up[column] = _FILLINGS[kind]
            elif kind == "string":
                made_up[column] = f"any {column.lower()}"
        return replace(event, values={**made_up, **event.values})

    def tried(self, shape: Shaped, worlds: Sequence[World]) -> Iterator[_Tried]:
        rows: list[dict[str, list[Row]]] = [{} for _ in worlds]
        events: list[list[Row]] = [[] for _ in worlds]
        lost = set[int]()
        for table, shapes in shape.shapes.items():
            for one in shapes:
                number = one.row[_MARK]
                assert isinstance(number, int)
                if not one.events:
                    lost.add(number)
                rows[number].setdefault(table, []).append({_KQL.get(k, k): v for k, v in one.row.items() if k != _MARK})
                events[number] += [{k: v for k, v in e.items() if k != _MARK} for e in one.events]
        there = [n for n in range(len(worlds)) if n not in lost]
        answers = self.found([rows[n] for n in there])
        for number, (alerts, answer) in zip(there, answers, strict=True):
            yield _Tried(worlds[number].about, {t: tuple(r) for t, r in rows[number].items()}, tuple(events[number]), alerts, answer)

    def found(self, worlds: Sequence[Mapping[str, Sequence[Row]]]) -> list[tuple[bool, Answer]]:
        """Whether the KQL alerts for the rows of each world, and what it finds.

        Raises:
            EngineError: where it cannot be run.
        """
        made_of = [World("", tuple(_event(table, row, self.now) for table, rows in w.items() for row in rows), None) for w in worlds]
        if self.trigger is None:
            found: list[tuple[bool, Answer]] = []
            for answer in answers(self.kql, made_of, self.now):
                if isinstance(answer, EngineError):
                    raise answer
                found.append((bool(answer.rows), answer))
            return found
        schema = {**catalog.schemas(), **schema_of(self.plan, [e for w in made_of for e in w.events])}
        answered = []
        for world in made_of:
            tables = {t: [_unmarked(r) for r in rows] for t, rows in tables_of(self.plan, world.events, self.now).items()}
            result = execute(parse(self.kql), tables, now=self.now, schema=schema)
            names = [name for name, _ in result.columns]
            answer = Answer(tuple(dict(zip(names, row, strict=True)) for row in result.rows))
            answered.append((compares(self.trigger.operator, len(answer.rows), self.trigger.count), answer))
        return answered

    def difference(self, target: str, output: Output, tried: _Tried, shape: Shaped) -> tuple[Difference | None, Compared]:
        """What a text does in a world that the KQL does not, None where nothing; and what was compared."""
        level, first = Compared.ALERTS, None
        head = output.head or self.conversion.detection
        length = head.bin if target == "sigma" and isinstance(head, Detection) else None
        readings = _READINGS.get(target, ((False, False),))
        for bins, reading in itertools.product((None, length) if length else (None,), readings):
            rows = [r for events in _in_bins(tried.events, target, bins) for r in self.finds(target, output, events, shape, reading)]
            difference: Difference | None = None
            if bool(rows) != tried.alerts:
                difference = Difference(Verdict.NARROWER if tried.alerts else Verdict.BROADER)
            elif rows and not (self.trigger is not None and self.trigger.holds_for_none):
                wanted, kinds = self.wanted(target, output)
                difference, level = compared(tried.answer, rows, wanted, kinds)
            if difference is None and target == "sigma":
                return None, level
            if difference is not None:
                first = first or difference
                if target != "sigma":
                    break
        return first, level

    def wanted(self, target: str, output: Output) -> tuple[Wanted, Mapping[str, Type]]:
        """What is compared of a text, and the types of the KQL's columns."""
        family = FAMILY_OF[target] if self.options.fields != "source" else "source"
        right = self.conversion.outputs.get(target)
        if target not in self._columns:
            deployment = right.deployment if right is not None else None
            places = [(r.table, r.place) for r in deployment.reads] if deployment is not None else []
            self._columns[target] = Columns(self.plan, family, places)
        columns = self._columns[target]
        own = output.columns or (right.columns if right is not None else {})
        if output.trigger is not None and target == "esql":  # one row, with all values of each key
            own = {}
        whole = bool(output.columns) and own is output.columns and output.verdict is Verdict.EXACT and output.lane == "pipeline"
        key = (target, whole, tuple(sorted(own.items())))
        if key not in self._wanted:
            self._wanted[key] = columns.wanted((e.column for e in self.conversion.rule.entities), own, whole)
        return self._wanted[key], {name: column.type for name, column in self.plan.names}

    def finds(self, target: str, output: Output, events: Sequence[Row], shape: Shaped, reading: tuple[bool, bool]) -> list[Row]:
        """What a text finds, in one reading of what its language leaves open.

        Raises:
            NotReadable: where its reader does not know what it has.
        """
        now = self.at()
        lists = dict(shape.lists)
        for name, (search, seconds) in output.histories.items():
            lists[name] = [dict(r) for r in run_text(target, search, _since(events, target, now - seconds), now, lists, shape.types)]
        seen = _since(events, target, now - self.lookback(output))
        found: list[Row] = []
        for text in output.texts:
            match target:
                case "splunk":
                    rows = spl.run(text, seen, now, lists, reading[0], texts_are_numbers=reading[1])
                case "sigma":
                    rows = sigma.run(text, seen, None, lists, *reading, complete=True)
                case _:
                    rows = run_text(target, text, seen, now, lists, shape.types)
            found += named_rows(target, text, rows) if rows else []
        return found

    def at(self) -> float:
        """When everything is run, in seconds since 1970."""
        return self.now.replace(tzinfo=dt.UTC).timestamp()

    def lookback(self, output: Output) -> int:
        """How far the search looks back, in seconds."""
        head = output.head or self.conversion.detection
        known = output.lookback or (head.lookback if isinstance(head, Detection) else None)
        return known or self.conversion.rule.period or self.options.timespan

    def smallest(self, target: str, output: Output, tried: _Tried, shape: Shaped) -> Counterexample:
        """A world without the events that the contradiction does not need."""
        best, tries = tried, 0
        difference, _ = self.difference(target, output, tried, shape)
        for row in [r for rows in tried.rows.values() for r in rows]:
            if tries >= MOST_TRIES or sum(map(len, best.rows.values())) <= 1:
                break
            tries += 1
            fewer = {t: tuple(r for r in rows if r is not row) for t, rows in best.rows.items()}
            serial = itertools.count(1)
            given = {t: [{**_as_shaped(r), _MARK: 0, ROW: f"{_ROWS}{next(serial)}"} for r in rows] for t, rows in fewer.items()}
            try:
                put = shaped(given, shape.family, self.options, carried=(_MARK, ROW))
                smaller = next(self.tried(put, [World(tried.about, (), None)]), None)
                if smaller is None:
                    continue
                other, _ = self.difference(target, output, smaller, shape)
                if other is not None and difference is not None and other.errs == difference.errs:
                    best, difference = replace(smaller, rows=fewer), other
            except (EngineError, NotReadable):
                continue
        rows = {t: tuple(map(_unmarked, rows)) for t, rows in best.rows.items()}
        events = tuple(map(_unmarked, best.events))
        lacking, surplus = (difference.lacking, difference.surplus) if difference is not None else ((), ())
        return Counterexample(best.about, rows, events, best.alerts, lacking, surplus)


def _unmarked(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != ROW}


def _as_shaped(row: Row) -> Row:
    """A row of the KQL with the name that shaping has for the time when it was taken in."""
    return {INGESTED if name == RECEIVED else name: value for name, value in row.items()}


def _counterparts(table: str, column: str) -> list[Counterpart]:
    """What any product has for a column."""
    known = catalog.table(table)
    homes = [home for family in known.homes.values() for home in family] if known is not None else []
    return [home.columns[column] for home in homes if column in home.columns]


def _places(shape: Shaped) -> list[tuple[str, str]]:
    """The columns that events lack, each with its table."""
    return [(u.table, re.split(r"[.\[]", u.column)[0]) for u in shape.unshaped if u.row is None]


def _in_bins(events: Sequence[Row], target: str, length: int | None) -> list[list[Row]]:
    """Events apart by bins of a length in seconds; together where there is none."""
    if length is None:
        return [list(events)]
    found: dict[float, list[Row]] = {}
    for event in events:
        found.setdefault(_seconds(event, target) // length, []).append(event)
    return list(found.values())


def _since(events: Sequence[Row], target: str, moment: float) -> list[Row]:
    return [e for e in events if _seconds(e, target) >= moment]


def _seconds(event: Row, target: str) -> float:
    """When an event was, in seconds since 1970."""
    return (moment_of(event.get(TIME_FIELDS[FAMILY_OF[target]])) or 0) / 1_000_000


def _event(table: str, row: Row, now: dt.datetime) -> Event:
    at = next((v for name in TIMES if isinstance(v := row.get(name), dt.datetime)), now)
    seconds = (at.replace(tzinfo=None) - now).total_seconds()
    return Event(table, {k: v for k, v in row.items() if k not in TIMES}, seconds)


def prove(
    conversion: Conversion, target: str, text: str | None = None, options: Options | None = None, seed: int = 0, now: dt.datetime = NOW
) -> Proof:  # fmt: skip
    """Tries what was written of a rule for a target, or a text that somebody else wrote for it, which has to do exactly as the rule.

    Raises:
        translator.kql.errors.KqlSyntaxError: where the query cannot be read.
        translator.plan.binder.BindError: where it has no meaning.
    """
    return Trial(conversion, options or Options(), now, seed).prove(
        target, conversion.outputs[target] if text is None else given(target, text)
    )


def given(target: str, text: str) -> Output:
    """A text that somebody else wrote, as an output; it says nothing of itself, so that it has to be exact."""
    return Output(target, (text,), ())
