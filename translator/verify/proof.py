"""What a verdict claims, tried: the KQL on the engine and the text of a translation by its reader, on the same events.

A world is a few events that try one thing: a way to satisfy the rule, or one of its conditions just missed. A claim is proven where the
text alerts in every world in which the KQL does, and in no other; ``broader`` and ``narrower`` claim the one or the other alone.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from math import ceil
from types import MappingProxyType
from typing import TypeAlias

from translator.catalog.site_files import FAMILY_OF
from translator.detection.model import Detection, Selector
from translator.engine import EngineError
from translator.fidelity import Verdict
from translator.kql.errors import KqlSyntaxError
from translator.pipeline import Conversion
from translator.plan.binder.problems import BindError
from translator.plan.expressions import Apply, conjuncts
from translator.plan.functions.values import text_of
from translator.plan.pins import fixed_columns
from translator.plan.types import Type
from translator.targets.base import Options, Output
from translator.targets.counterparts import TIMES as TIME_FIELDS
from translator.verify import sigma, spl
from translator.verify.comparing import ROW, Columns, Compared, Difference, Wanted, compared, named_rows
from translator.verify.eql.syntax import Sequence as EqlSequence
from translator.verify.eql.syntax import parse as parse_eql
from translator.verify.reading import NotReadable, Row, ValueNotTold, moment_of
from translator.verify.running import run_text
from translator.verify.shaping import Shaped
from translator.verify.shaping.elsewhere import elsewhere
from translator.verify.shaping.nested_values import read_json
from translator.verify.shaping.values import is_missing
from translator.verify.stage import MOST_WORLDS, NOW, Stage, Tried, unmarked
from translator.verify.witness import Coverage, Worlds
from translator.verify.witness.states import TIMES

MOST_TRIES = 24
"""How many smaller worlds are tried for a counterexample."""

CLAIMS = (Verdict.EXACT, Verdict.SAME_ALERTS, Verdict.BROADER, Verdict.NARROWER)
"""The verdicts that say something that can be tried."""

_WITHIN = "_within"
"""What the names of lists end in whose values are looked for within texts."""

Reading: TypeAlias = tuple[bool, ...]
"""What is taken of two things, of Sigma three, that a language's documentation leaves open."""

Way: TypeAlias = tuple[int | None, tuple[Reading, ...]]
"""How a text is run: in bins of so many seconds where it counts in such, and in some readings, in each of which it has to be right."""

_SPLUNK: tuple[Reading, ...] = ((True, False), (False, True))
_AS_DOCUMENTED: tuple[Reading, ...] = ((False, False),)
_TIES: tuple[Reading, ...] = ((False, False), (True, False))
_SIGMA: tuple[Reading, ...] = ((False, False), (False, True), (True, False), (True, True))
"""The readings of what a language's documentation leaves open.

Of Splunk: whether a null is unknown under NOT, and whether texts are compared as numbers. It does one of them, so that a search has to be
right in each. Of EQL: whether events of one time come in the reverse of their order. A search has to be right in both; where its rule says
that events of one time are taken for ordered, in one of them, the same in all worlds. Of Sigma: whether keys of correlations have their
case, whether events of one time are in order, and, where its rule says that windows may have it so, whether events exactly as far apart as
a window is long are not in one. Each product does one of them in all worlds, and a rule is right where it is in one.
Where the KQL counts in bins, so may a product that reads the Sigma.
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
        events: how many events of the product these worlds have.
        compared: what of both sides was compared at the most, where both alert.
        coverage: which conditions were both true and false on some event.
        missing: what stood for no events of the product, or lacks columns there, and worlds on which the text could not be run.
        example: the smallest of the worlds in which the KQL alerts, and the text does not contradict it.
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
    events: int = 0
    example: Counterexample | None = None

    @property
    def branches(self) -> tuple[int, int]:
        """How many of the rule's conditions were both true and false on some event, and how many there are."""
        return sum(a.true and a.false for a in self.coverage.atoms), len(self.coverage.atoms)


@dataclass(slots=True)
class _Run:
    """What came of a text on worlds, in one of its ways.

    Attributes:
        wrong: by the direction in which it errs the first of the worlds in which it does.
        reached: what was compared.
        run: the worlds on which it was run, and those of them that alert and in which it does not err.
        not_told: how many worlds it was not run on, by what the reader does not know of their values.
        refused: what the reader does not know.
    """

    wrong: dict[Verdict, Tried] = field(default_factory=dict)
    reached: set[Compared] = field(default_factory=set)
    run: list[Tried] = field(default_factory=list)
    agreed: list[Tried] = field(default_factory=list)
    not_told: dict[str, int] = field(default_factory=dict)
    refused: str = ""


class Trial(Stage):
    """A rule with its worlds, on which any number of texts can be tried; see ``Stage`` for what it is made of.

    Attributes:
        real: whether the worlds are those that there are, so that a text is tried where none of them alerts as well.
    """

    real = False

    def __init__(
        self, conversion: Conversion, options: Options, now: dt.datetime = NOW, seed: int = 0, most: int = MOST_WORLDS,
        worlds: Worlds | None = None, tables: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        super().__init__(conversion, options, now, seed, most, worlds, tables)
        self._columns: dict[str, Columns] = {}
        self._wanted: dict[object, Wanted] = {}

    def prove(self, target: str, output: Output) -> Proof:
        """Tries what the verdict of an output claims."""
        claim = output.verdict
        if claim not in CLAIMS:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, f"a text that is {claim.value} claims nothing")
        try:
            tried, shape = self.ready(target, output)
            tried = [*tried, *self.elsewhere(tried, target, output)]
        except EngineError as error:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, f"the KQL cannot be run here: {error}")
        missing = tuple(f"{u.table}.{u.column}: {u.why}" for u in shape.unshaped if u.row is None)
        alerting = sum(t.alerts for t in tried)
        if not alerting and not self.real:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, self.silent(), missing=missing, coverage=self.coverage)
        allowed = {claim} & {Verdict.BROADER, Verdict.NARROWER}
        edges = self.at() - self.lookback(output), self.at()  # an event of just then is a matter of the schedule, not of the text
        open_tables = self.without_limits(output)
        inside = [
            t
            for t in tried
            if all(_seconds(e, target) not in edges for e in t.events) and all(_earliest(t.rows.get(n, ())) > edges[0] for n in open_tables)
        ]
        first, *others = self.ways(target, output)
        found = self.run_on(inside, target, output, shape, first)
        if found.wrong.keys() - allowed:
            for way in others:
                other = self.run_on(inside, target, output, shape, way, allowed)
                if not other.refused and not other.wrong.keys() - allowed:
                    found = other
                    break
        wrong, run, agreed, not_told, refused = found.wrong, found.run, found.agreed, found.not_told, found.refused
        against = sorted((t for d, t in wrong.items() if d not in allowed), key=lambda t: bool(self.in_text(t)))
        if refused and not against:  # what is read of other events still contradicts
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, f"the reader does not know: {refused}", missing=missing)
        errs = next(iter(wrong)) if len(wrong) == 1 else Verdict.DIFFERS if wrong else None
        untold = tuple(f"{count} worlds were not tried, for the reader does not know: {what}" for what, count in not_told.items())
        if not any(t.alerts for t in run) and (alerting or not run):
            why = f"no world that alerts was tried: {untold[0] if untold else 'each has events at the edge'}"
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, why, missing=missing)
        alerting = sum(t.alerts for t in run)
        events = sum(len(t.events) for t in run)
        proof = Proof(target, Outcome.PROVEN, claim, "", errs, len(run), alerting, self.coverage, (*missing, *untold), events=events)
        proof = replace(proof, compared=next(level for level in Compared if level in {*found.reached, Compared.ALERTS}))
        if not against:
            if not alerting:
                return replace(proof, outcome=Outcome.NOT_EXECUTABLE, why=self.silent())
            return replace(proof, example=counterexample(min(agreed, key=lambda t: len(t.events)), None)) if agreed else proof
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

    def elsewhere(self, tried: Sequence[Tried], target: str, output: Output) -> Iterator[Tried]:
        """The smallest world in which the KQL alerts with the events of a table where a product has other things: the table has no rows."""
        listed, own, _ = self.presumed(output)
        alerting = [t for t in tried if t.alerts and t.events]
        if self.real or own or self.options.fields == "source" or not alerting:
            return
        least = min(alerting, key=lambda t: len(t.events))
        for table in [t for t, rows in least.rows.items() if rows and t not in listed]:
            marks = {row.get(ROW) for row in least.rows[table]}
            rest = {t: rows for t, rows in least.rows.items() if t != table}
            there = [e for e in least.events if e.get(ROW) not in marks]
            for name, events in elsewhere(table, FAMILY_OF[target], self.options, [e for e in least.events if e.get(ROW) in marks]):
                with suppress(EngineError):  # some functions ask for rows
                    for found in filter(None, self.found([rest])):
                        yield Tried(f"the events of {table} with another {name}", rest, (*there, *events), *found)

    def in_text(self, tried: Tried) -> str:
        """A column that decides and is a text that holds JSON; empty where there is none."""
        told = (
            (t, c, v)
            for t, rows in tried.rows.items()
            for row in rows
            for c, v in row.items()
            if isinstance(v, str) and isinstance(read_json(v), dict | list)
        )
        return next((f"{table}.{column}" for table, column, _ in told if (table, column) in self.deciding), "")

    def silent(self) -> str:
        """Why no world alerts."""
        if self.real:
            return "the KQL alerts for no event of the data, and the text for none that contradicts it"
        reasons = [u.why for u in self.unreached]
        return "no events were found for which the KQL alerts" + (f": {reasons[0]}" if reasons else "")

    def run_on(
        self, worlds: Sequence[Tried], target: str, output: Output, shape: Shaped, way: Way, allowed: Container[Verdict] | None = None
    ) -> _Run:  # fmt: skip
        """A text on worlds, in one of its ways; as far as it is not contradicted, where it is said which deviations are ``allowed``."""
        found = _Run()
        for one in worlds:
            try:
                difference, level = self.difference(target, output, one, shape, way)
            except ValueNotTold as untold:
                found.not_told[untold.what] = found.not_told.get(untold.what, 0) + 1
                continue
            except NotReadable as unknown:
                found.refused = found.refused or unknown.what
                if not found.run:
                    break
                continue
            found.run.append(one)
            found.reached.add(level)
            if difference is not None:
                known = found.wrong.get(difference.errs)
                if known is None or (self.in_text(known) and not self.in_text(one)):
                    found.wrong[difference.errs] = one
                if allowed is not None and difference.errs not in allowed:
                    break
            elif one.alerts:
                found.agreed.append(one)
        return found

    def ways(self, target: str, output: Output) -> tuple[Way, ...]:
        """The ways in which a text may be run, of which one has to be right in all worlds."""
        if target == "eql" and any(map(_is_sequence, output.texts)):
            known = self.conversion.outputs.get(target)
            said = any(d.code == "equal-times" for d in (*output.diagnostics, *(known.diagnostics if known is not None else ())))
            return tuple((None, (reading,)) for reading in _TIES) if said else ((None, _TIES),)
        if target != "sigma":
            return ((None, _SPLUNK if target == "splunk" else _AS_DOCUMENTED),)
        head = output.head or self.conversion.detection
        length = head.bin if isinstance(head, Detection) else None
        bounds = (False, True) if any(d.code == "window-bound" for d in output.diagnostics) else (False,)
        return tuple((bins, ((*reading, b),)) for bins in ((None, length) if length else (None,)) for b in bounds for reading in _SIGMA)

    def difference(self, target: str, output: Output, tried: Tried, shape: Shaped, way: Way) -> tuple[Difference | None, Compared]:
        """What a text does in a world that the KQL does not, None where nothing; and what was compared."""
        level, (bins, readings) = Compared.ALERTS, way
        held = self.filled_lists(output, tried) or {}
        for reading in readings:
            apart = _in_bins(tried.events, target, bins)
            rows = [r for events in apart for r in self.finds(target, output, events, shape, reading, held)]
            difference, level = self.between(target, output, tried, rows)
            for alerts, answer in tried.others if difference is not None else ():
                other, reached = self.between(target, output, replace(tried, alerts=alerts, answer=answer), rows)
                if other is None:
                    difference, level = None, reached
            if difference is not None:
                return difference, level
        return None, level

    def between(self, target: str, output: Output, tried: Tried, rows: Sequence[Row]) -> tuple[Difference | None, Compared]:
        """What the rows of a text have that those of the KQL do not, and the other way round; and what was compared."""
        if bool(rows) != tried.alerts:
            errs = Difference(Verdict.NARROWER if tried.alerts else Verdict.BROADER)
            return None if self.identifies_nothing(target, output, tried) else errs, Compared.ALERTS
        if rows and tried.answer is not None and not (self.trigger is not None and self.trigger.holds_for_none):
            return compared(tried.answer, rows, *self.wanted(target, output))
        return None, Compared.ALERTS

    def identifies_nothing(self, target: str, output: Output, tried: Tried) -> bool:
        """Whether the KQL alerts in a world of nothing but empty entities, which the output says to leave out."""
        if not tried.alerts or tried.answer is None or not any(d.code == "empty-entity" for d in output.diagnostics):
            return False
        about = {e.column for e in self.conversion.rule.entities} or {n for n, _ in self.plan.names if n.endswith("CustomEntity")}
        # What an element of an array says is not compared, and identifies the alert all the same.
        about = about or ({*self.wanted(target, output)[0].columns} or {*self._columns[target].keys}) - self.fixed()
        shown = [(n, x in s.keys) for s in self.shown() for n, x in s.outputs]
        about = about or {n for n, keyed in shown if keyed} or {n for n, _ in shown} - self.fixed()
        return bool(about) and all(is_missing(row.get(name)) for row in tried.answer.rows for name in about)

    def shown(self) -> tuple[Selector, ...]:
        """The selectors whose events the query shows."""
        head = self.conversion.detection
        return head.shown if isinstance(head, Detection) else ()

    def fixed(self) -> frozenset[str]:
        """The columns of which the query asks for one value, which identify nothing."""
        found = [fixed_columns(s.predicate) for s in self.shown()]
        return frozenset.intersection(*found) if found else frozenset()

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
        as_stored = output.lane in ("portable", "native")
        key = (target, whole, as_stored, tuple(sorted(own.items())))
        if key not in self._wanted:
            self._wanted[key] = columns.wanted((e.column for e in self.conversion.rule.entities), own, whole, as_stored)
        return self._wanted[key], {name: column.type for name, column in self.plan.names}

    def finds(
        self, target: str, output: Output, events: Sequence[Row], shape: Shaped, reading: Reading,
        held: Mapping[str, list[str] | list[Row] | str],
    ) -> list[Row]:  # fmt: skip
        """What a text finds, in one reading of what its language leaves open.

        Args:
            held: the values of its lists, or their rows, by name; why they are not known.

        Raises:
            NotReadable: where its reader does not know what it has.
        """
        now = self.at()
        lists = dict(shape.lists)
        for name, values in held.items():
            if isinstance(values, str):
                raise NotReadable(f"the values of the list {name}: {values}")
            if name in output.tables:
                lists[name] = [v for v in values if isinstance(v, dict)]
                continue
            lists |= {
                f"{name}{end}": [*_listed([str(v) for v in values], end, output.lookups.get(f"{name}{end}", ""))] for end in ("", _WITHIN)
            }
        for name, (search, seconds) in output.histories.items():
            rows = run_text(target, search, _since(events, target, now - seconds), now, lists, shape.types)
            lists[name] = list(_listed([text_of(r.get("value")) for r in rows], "", output.lookups.get(name, "")))
        seen = _since(events, target, now - self.lookback(output))
        found: list[Row] = []
        for text in output.texts:
            match target:
                case "splunk":
                    rows = spl.run(text, seen, now, lists, reading[0], texts_are_numbers=reading[1])
                case "sigma":
                    cased, at_once, open_ = reading
                    rows = sigma.run(text, seen, None, lists, cased, at_once, open_, complete=True)
                case _:
                    rows = run_text(target, text, seen[::-1] if reading[0] else seen, now, lists, shape.types)
            found += named_rows(target, text, rows) if rows else []
        return found

    def at(self) -> float:
        """When everything is run, in seconds since 1970."""
        return self.now.replace(tzinfo=dt.UTC).timestamp()

    def lookback(self, output: Output) -> int:
        """How far the search looks back, in seconds."""
        if output.since is not None:
            return max(0, ceil(self.at() - output.since))
        head = output.head or self.conversion.detection
        known = output.lookback or (head.lookback if isinstance(head, Detection) else None)
        return known or self.conversion.rule.period or self.options.timespan

    def without_limits(self, output: Output) -> set[str]:
        """The tables of whose events neither the rule nor the query says how old they may be: that is a matter of the schedule as well."""
        head = output.head or self.conversion.detection
        if self.conversion.rule.period is not None or not isinstance(head, Detection):
            return set()
        return {s.table for s in head.selectors if not any(isinstance(p, Apply) and p.function in _LOWER for p in conjuncts(s.predicate))}

    def smallest(self, target: str, output: Output, tried: Tried, shape: Shaped) -> Counterexample:
        """A world without the events that the contradiction does not need."""
        best, tries = tried, 0
        way, *_ = self.ways(target, output)
        difference, _ = self.difference(target, output, tried, shape, way)
        size = max(1, sum(map(len, tried.rows.values())) // 2)
        while size and tries < MOST_TRIES:
            known = [id(r) for rows in best.rows.values() for r in rows]
            for chunk in (known[n : n + size] for n in range(0, len(known), size)):
                fewer = {t: tuple(r for r in rows if id(r) not in chunk) for t, rows in best.rows.items()}
                if tries >= MOST_TRIES or not any(fewer.values()):
                    break
                tries += 1
                try:
                    smaller = self.alone(tried, fewer, output, shape)
                    if smaller is None:
                        continue
                    other, _ = self.difference(target, output, smaller, shape, way)
                except (EngineError, NotReadable):
                    continue
                if other is not None and difference is not None and other.errs == difference.errs:
                    best, difference = smaller, other
            size //= 2
        return counterexample(best, difference)


def counterexample(tried: Tried, difference: Difference | None) -> Counterexample:
    """A world as one that contradicts a text."""
    rows = {t: tuple(map(unmarked, rows)) for t, rows in tried.rows.items()}
    lacking, surplus = (difference.lacking, difference.surplus) if difference is not None else ((), ())
    return Counterexample(tried.about, rows, tuple(map(unmarked, tried.events)), tried.alerts, lacking, surplus)


def _is_sequence(text: str) -> bool:
    """Whether a text is a sequence of EQL."""
    try:
        return isinstance(parse_eql(text), EqlSequence)
    except NotReadable:
        return False


def _listed(values: Sequence[str], end: str, kind: str) -> Iterator[Row]:
    """The rows of a list, as the products are told to keep it: see ``Output.lookups``."""
    for value in values:
        written = f"*{value}*" if end else value.lower() if kind == "caseless" else value
        yield {"value": written, "listed": written}


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


_LOWER = ("since", "after")
"""What a condition on the time of an event is that limits how old it may be."""


def _earliest(rows: Sequence[Row]) -> float:
    """When the oldest of some rows was, in seconds since 1970."""
    moments = (moment_of(row.get(c)) for row in rows for c in TIMES)
    return min((m / 1_000_000 for m in moments if m is not None), default=float("inf"))


def _since(events: Sequence[Row], target: str, moment: float) -> list[Row]:
    return [e for e in events if _seconds(e, target) >= moment]


def _seconds(event: Row, target: str) -> float:
    """When an event was, in seconds since 1970."""
    return (moment_of(event.get(TIME_FIELDS[FAMILY_OF[target]])) or 0) / 1_000_000


def prove(
    conversion: Conversion, target: str, text: str | None = None, options: Options | None = None, seed: int = 0, now: dt.datetime = NOW
) -> Proof:  # fmt: skip
    """Tries what was written of a rule for a target, or a text that somebody else wrote for it, which has to do exactly as the rule.

    Raises:
        translator.kql.errors.KqlSyntaxError: where the query cannot be read.
        translator.plan.binder.problems.BindError: where it has no meaning.
    """
    return Trial(conversion, options or Options(), now, seed).prove(
        target, conversion.outputs[target] if text is None else given(target, text)
    )


def trial_of(conversion: Conversion, options: Options, seed: int = 0) -> Trial | str:
    """A rule to be tried; why it cannot be."""
    try:
        return Trial(conversion, options, seed=seed)
    except (KqlSyntaxError, BindError) as error:
        return unbound(error)


def unbound(error: KqlSyntaxError | BindError) -> str:
    """Why a rule cannot be tried whose query cannot be read."""
    return f"the KQL cannot be bound to the tables: {error}"


def proofs_of(trial: Trial | str, outputs: Mapping[str, Output]) -> Iterator[Proof]:
    """A proof for each of the outputs of a rule, by target; the reason where there is no trial."""
    for target, output in outputs.items():
        if isinstance(trial, str):
            yield Proof(target, Outcome.NOT_EXECUTABLE, output.verdict, trial)
        else:
            yield trial.prove(target, output)


def given(target: str, text: str) -> Output:
    """A text that somebody else wrote, as an output; it says nothing of itself, so that it has to be exact."""
    return Output(target, (text,), (), lane="given")
