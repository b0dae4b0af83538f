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
from itertools import islice
from types import MappingProxyType

from translator import catalog
from translator.catalog.filled import derivations, may_fill
from translator.catalog.site_files import FAMILY_OF
from translator.engine import EngineError
from translator.fidelity import Verdict
from translator.kql.errors import KqlSyntaxError
from translator.pipeline import Conversion
from translator.plan.binder.problems import BindError
from translator.targets.base import Options, Output
from translator.targets.choice import homes_of
from translator.verify.comparing import ROW, Compared, Difference
from translator.verify.given import GIVEN, fields_asked, given, lists_of, may_be_mapped, says_categories
from translator.verify.named_lists import lists_named
from translator.verify.other_values import other_values
from translator.verify.reading import NotReadable, Row, ValueNotTold
from translator.verify.shaping import Shaped
from translator.verify.shaping.elsewhere import elsewhere
from translator.verify.shaping.making import FILLER
from translator.verify.shaping.nested_values import read_json
from translator.verify.shaping.values import OBJECTS, is_missing
from translator.verify.side_by_side import SideBySide, Way, earliest, seconds_of
from translator.verify.stage import NOW, NoWorlds, Tried, unmarked
from translator.verify.witness import Coverage
from translator.verify.witness.states import TIMES
from translator.workers import internal_error

MOST_TRIES = 24
"""How many smaller worlds are tried for a counterexample."""

CLAIMS = (Verdict.EXACT, Verdict.SAME_ALERTS, Verdict.BROADER, Verdict.NARROWER)
"""The verdicts that say something that can be tried."""


MOST_OTHERS = 240
"""The most worlds that are made of the values of such a text in place of the rule's, and beside them."""


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
        why: why nothing was proven, or what may explain a contradiction.
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


class Trial(SideBySide):
    """A rule with its worlds, on which any number of texts can be tried; see ``Stage`` for what it is made of.

    Attributes:
        real: whether the worlds are those that there are, so that a text is tried where none of them alerts as well.
    """

    real = False

    def prove(self, target: str, output: Output) -> Proof:
        """Tries what the verdict of an output claims."""
        claim = output.verdict
        if claim not in CLAIMS:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, f"a text that is {claim.value} claims nothing")
        try:
            tried, shape = self.ready(target, output)
            tried = [*tried, *self.elsewhere(tried, target, output), *self.with_others(tried, target, output, shape)]
        except EngineError as error:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, f"the KQL cannot be run here: {error}")
        missing = tuple(f"{u.table}.{u.column}: {u.why}" for u in shape.unshaped if u.row is None)
        known = shape
        if target == "esql" and output.lane == GIVEN and self.options.fields != "source":
            shape = replace(known, types={**{n: t for text in output.texts for n, t in may_be_mapped(text).items()}, **known.types})
        alerting = sum(t.alerts for t in tried)
        if not alerting and not self.real:
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, self.silent(), missing=missing, coverage=self.coverage)
        allowed = {claim} & {Verdict.BROADER, Verdict.NARROWER}
        edges = self.at() - self.lookback(output), self.at()  # an event of just then is a matter of the schedule, not of the text
        open_tables = self.without_limits(output)
        inside = [
            t
            for t in tried
            if all(seconds_of(e, target) not in edges for e in t.events)
            and all(earliest(t.rows.get(n, ())) > edges[0] for n in open_tables)
        ]
        found, assumed = self.best(inside, target, output, shape, allowed), dict[str, object]()
        if found.wrong.keys() - allowed and (assumed := self.assumed(target, output, tried, known)):
            there = [replace(t, events=tuple({**assumed, **event} for event in t.events)) for t in inside]
            found = self.best(there, target, output, shape, allowed)
            if not found.refused and not found.wrong.keys() - allowed:
                why = f"what the product has in {', '.join(assumed)} is not known; the text is right where it is what the text asks for"
                return Proof(target, Outcome.NOT_EXECUTABLE, claim, why, missing=missing)
        wrong, run, agreed, not_told, refused = found.wrong, found.run, found.agreed, found.not_told, found.refused
        against = sorted((t for d, t in wrong.items() if d not in allowed), key=lambda t: self.doubts(target, output, t))
        if refused and not against:  # what is read of other events still contradicts
            why = f"the reader does not know: {refused}{self.lists_told(target, output)}"
            return Proof(target, Outcome.NOT_EXECUTABLE, claim, why, missing=missing)
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
        if shape.family != "source" and (held := self.in_text(target, output, against[0])):
            return replace(
                proof, outcome=Outcome.NOT_EXECUTABLE, why=f"whether the product keeps the JSON of {held} as a text is not known"
            )
        reasons = [d.message for d in output.diagnostics if d.code == "place-unknown"]
        if unknown := [name for name in self.unknown(target, output, tried, known) if name not in assumed]:
            reasons.append(f"no field {', '.join(unknown)} is known of these events")
        if keys := self.empty_keys(target, output, against[0]):
            reasons.append(f"seen only where {', '.join(keys)} is empty, by which events are grouped, or which is counted")
        if beyond_ascii(against[0]):
            reasons.append("seen only where a value has letters outside of ASCII")
        smallest = self.smallest(target, output, against[0], shape, assumed)
        return replace(proof, outcome=Outcome.CONTRADICTED, why="; ".join(reasons), counterexample=smallest)

    def best(self, worlds: Sequence[Tried], target: str, output: Output, shape: Shaped, allowed: Container[Verdict]) -> _Run:
        """A text on worlds, in the first of its ways in which it is not contradicted; in the first of all where there is none."""
        first, *others = self.ways(target, output)
        found = self.run_on(worlds, target, output, shape, first)
        for way in others if any(d not in allowed for d in found.wrong) else ():
            other = self.run_on(worlds, target, output, shape, way, allowed)
            if not other.refused and all(d in allowed for d in other.wrong):
                return other
        return found

    def unknown(self, target: str, output: Output, tried: Sequence[Tried], shape: Shaped) -> dict[str, str]:
        """The fields that a text of somebody else's asks for, each with a value, and that no event and no home of the tables has."""
        if output.lane != GIVEN or self.real or self.options.fields == "source":
            return {}
        family = FAMILY_OF[target]
        options = replace(self.options, homes=(*self.options.homes, *output.homes))
        homes = [home for table in self.conversion.tables for home in homes_of(table, family, options)]
        there = {name for t in tried for event in t.events for name in event} | shape.types.keys()
        asked = {name: value for text in output.texts for name, value in fields_asked(target, text).items()}
        return {n: v for n, v in asked.items() if n not in there and not any(home.open or home.has_field(n) for home in homes)}

    def assumed(self, target: str, output: Output, tried: Sequence[Tried], shape: Shaped) -> dict[str, object]:
        """What is assumed of fields that products fill beside the catalog's, and of those that only group: what is asked for, or any."""
        unknown = self.unknown(target, output, tried, shape).items()
        return {name: value.replace("*", "") or FILLER for name, value in unknown if not value or may_fill(FAMILY_OF[target], name)}

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
            told = output.lane == GIVEN and any((table, c) in self.deciding for c in catalog.telling(table))
            for name, events in elsewhere(table, FAMILY_OF[target], self.options, [e for e in least.events if e.get(ROW) in marks], told):
                if name == "event.dataset" and target == "eql" and output.lane == GIVEN and all(map(says_categories, output.texts)):
                    continue
                with suppress(EngineError):  # some functions ask for rows
                    for found in filter(None, self.found([rest])):
                        yield Tried(f"the events of {table} with another {name}", rest, (*there, *events), *found)

    def with_others(self, tried: Sequence[Tried], target: str, output: Output, shape: Shaped) -> Iterator[Tried]:
        """Small worlds with the values that a text has and its rule has not, where somebody else wrote the text: see ``other_values``."""
        if output.lane != GIVEN or self.real or not (values := other_values(target, output.texts, self.conversion.rule.query)):
            return
        small = sorted((t for t in tried if t.events), key=lambda t: len(t.events))
        alerting = [t for t in small if t.alerts]
        of_each = {frozenset(table for table, rows in t.rows.items() if rows): t for t in reversed(alerting)}  # by the tables with events
        text, schemas = "\n".join(output.texts), {**catalog.schemas(), **self.tables}

        def changed(table: str, rows: Sequence[Row]) -> Iterator[tuple[str, str, tuple[Row, ...]]]:
            for column in self.named(table, text, FAMILY_OF[target]):
                for value in (v for v in values if not self.respelled(table, column, v, FAMILY_OF[target])):
                    for other in _with_value(rows, column, value, schemas[table][column]):
                        yield f"{column} with {value!r}, which the text has", column, other

        instead = (
            (about, {**base.rows, table: other}, (table, column))
            for base in (*of_each.values(), *[t for t in small if t.alerts is False][:1])
            for table, rows in base.rows.items()
            for about, column, other in changed(table, rows)
        )
        beside = (
            (f"an event between the others, {about}", {**base.rows, table: (*rows, *_at(_middle(moments), other))}, (table, column))
            for base in sorted(alerting, key=lambda t: len({*_moments(t.rows)}) < 2)[:1]
            for moments in [_moments(base.rows)]
            if len(moments) > 1
            for table, rows in base.rows.items()
            for about, column, other in changed(table, rows[:1])
        )
        with suppress(EngineError):
            yield from self.apart([*islice(instead, MOST_OTHERS), *islice(beside, MOST_OTHERS)], output, shape)

    def lists_told(self, target: str, output: Output) -> str:
        """Which lists a text looks values up in and which the rule has, in words, where it has other ones; empty where it has none."""
        asked = {name for text in output.texts for name in lists_named(target, text)} - {*lists_of(output)} if output.lane == GIVEN else ()
        known = self.conversion.outputs.get(target)
        rule = f"a rule that has {', '.join(lists_of(known))}" if known is not None and lists_of(known) else "a rule without a list"
        return f"; the text looks values up in {', '.join(sorted(asked))}, of {rule}" if asked else ""

    def named(self, table: str, text: str, family: str) -> Iterator[str]:
        """The columns of a table that a text names, by their own names or by those of a product's fields, and of others made of these."""
        words = {*re.findall(r"[\w@.]+", text)}
        known = catalog.table(table)
        homes = known.homes.get(family, ()) if known is not None else ()
        words |= {of for home in homes for name, made_of in derivations(family, home.place).items() if name in words for of in made_of}
        for column in {**catalog.schemas(), **self.tables}.get(table, {}):
            fields = (home.columns.get(column) for home in homes)
            if column in words or any(isinstance(f, catalog.Stored) and f.name in words for f in fields):
                yield column

    def respelled(self, table: str, column: str, value: str, family: str) -> bool:
        """Whether a product has one value for this one of a column and for another one that the query names: each row has one of them.

        Or whether it is the product's own value for another one.
        """
        known, query = catalog.table(table), self.conversion.rule.query
        stored = [home.columns.get(column) for home in (known.homes.get(family, ()) if known is not None else ())]
        if any(isinstance(s, catalog.Stored) and value in s.either.values() for s in stored):
            return True
        merged = [s.values for s in stored if isinstance(s, catalog.Stored) and s.spellings and value in s.values]
        return any(other in query for values in merged for other, one in values.items() if other != value and one == values[value])

    def in_text(self, target: str, output: Output, tried: Tried) -> str:
        """A column that decides and is a text that holds JSON; empty where there is none.

        Of a text that somebody else wrote not where the product has fields for its parts, by which such texts go.
        """
        told = (
            (t, c)
            for t, rows in tried.rows.items()
            for row in rows
            for c, v in row.items()
            if (t, c) in self.deciding and isinstance(v, str) and isinstance(read_json(v), dict | list)
        )
        return next((f"{t}.{c}" for t, c in told if output.lane != GIVEN or not self.has_parts(t, c, FAMILY_OF[target])), "")

    def has_parts(self, table: str, column: str, family: str) -> bool:
        """Whether a product has fields for what is inside of a column, wherever it keeps the table."""

        def keeps(home: catalog.Home) -> bool:
            whole = home.columns.get(column)
            return (isinstance(whole, catalog.Stored) and whole.type in OBJECTS) or any(n.startswith(f"{column}.") for n in home.columns)

        homes = homes_of(table, family, self.options)
        return bool(homes) and all(map(keeps, homes))

    def empty_keys(self, target: str, output: Output, tried: Tried) -> list[str]:
        """What is empty in a world of that by which the query groups events, or which it summarizes, and of that by which a text does."""
        rows = [(table, row) for table, rows in tried.rows.items() for row in rows]
        found = {f"{t}.{c}" for t, c in self.summarized for table, row in rows if t == table and is_missing(row.get(c))}
        if output.lane == GIVEN:
            grouped = [name for text in output.texts for name, value in fields_asked(target, text).items() if not value]
            found |= {name for name in grouped for event in tried.events if is_missing(event.get(name))}
        return sorted(found)

    def doubts(self, target: str, output: Output, tried: Tried) -> tuple[bool, bool, bool]:
        """How little a world that contradicts says: whether that hangs on how a product keeps JSON, on empty keys, on rare letters."""
        return bool(self.in_text(target, output, tried)), bool(self.empty_keys(target, output, tried)), beyond_ascii(tried)

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
                if known is None or self.doubts(target, output, one) < self.doubts(target, output, known):
                    found.wrong[difference.errs] = one
                if allowed is not None and difference.errs not in allowed:
                    break
            elif one.alerts:
                found.agreed.append(one)
        return found

    def smallest(
        self, target: str, output: Output, tried: Tried, shape: Shaped, assumed: Mapping[str, object] = MappingProxyType({})
    ) -> Counterexample:  # fmt: skip
        """A world without the events that the contradiction does not need; ``assumed``: what these have beside what is known of them."""
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
                    smaller = replace(smaller, events=tuple({**assumed, **event} for event in smaller.events))
                    other, _ = self.difference(target, output, smaller, shape, way)
                except (EngineError, NotReadable):
                    continue
                if other is not None and difference is not None and other.errs == difference.errs:
                    best, difference = smaller, other
            size //= 2
        return counterexample(best, difference)


def beyond_ascii(tried: Tried) -> bool:
    """Whether a value in a world has letters outside of ASCII."""
    return any(isinstance(v, str) and not v.isascii() for rows in tried.rows.values() for row in rows for v in row.values())


def counterexample(tried: Tried, difference: Difference | None) -> Counterexample:
    """A world as one that contradicts a text."""
    rows = {t: tuple(map(unmarked, rows)) for t, rows in tried.rows.items()}
    lacking, surplus = (difference.lacking, difference.surplus) if difference is not None else ((), ())
    return Counterexample(tried.about, rows, tuple(map(unmarked, tried.events)), tried.alerts, lacking, surplus)


def _places(shape: Shaped) -> list[tuple[str, str]]:
    """The columns that events lack, each with its table."""
    return [(u.table, re.split(r"[.\[]", u.column)[0]) for u in shape.unshaped if u.row is None]


def prove(
    conversion: Conversion, target: str, text: str | None = None, options: Options | None = None, seed: int = 0, now: dt.datetime = NOW
) -> Proof:  # fmt: skip
    """Tries what was written of a rule for a target, or a text that somebody else wrote for it, which has to do exactly as the rule.

    Raises:
        translator.kql.errors.KqlSyntaxError: where the query cannot be read.
        translator.plan.binder.problems.BindError: where it has no meaning.
    """
    options = options or Options()
    output = conversion.outputs[target] if text is None else given(conversion, target, text, options)
    return Trial(conversion, options, now, seed).prove(target, output)


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
        yield _proof_of(trial, target, output)


def _proof_of(trial: Trial | str, target: str, output: Output) -> Proof:
    """A proof of one output. An error that nobody foresaw is its alone: the reader and the events of another target may do without."""
    if isinstance(trial, str):
        return Proof(target, Outcome.NOT_EXECUTABLE, output.verdict, trial)
    try:
        return trial.prove(target, output)
    except NoWorlds:
        raise
    except EngineError as error:
        return Proof(target, Outcome.NOT_EXECUTABLE, output.verdict, f"the KQL cannot be run here: {error}")
    except Exception as error:
        return Proof(target, Outcome.NOT_EXECUTABLE, output.verdict, internal_error(error))


def _moments(tables: Mapping[str, Sequence[Row]]) -> list[dt.datetime]:
    """The moments of some events."""
    return [v for rows in tables.values() for row in rows for n, v in row.items() if n in TIMES and isinstance(v, dt.datetime)]


def _middle(moments: Sequence[dt.datetime]) -> dt.datetime:
    return min(moments) + (max(moments) - min(moments)) / 2


def _at(moment: dt.datetime, rows: Sequence[Row]) -> list[Row]:
    """Rows at another moment."""
    return [{n: moment if n in TIMES else v for n, v in row.items()} for row in rows]


def _with_value(rows: Sequence[Row], column: str, value: str, kind: str) -> Iterator[tuple[Row, ...]]:
    """Rows with another value in a column, and with it behind the one that is there."""
    if kind in ("int", "long") and value.isdigit():
        yield tuple({**row, column: int(value)} for row in rows)
    if kind == "string":
        yield tuple({**row, column: value} for row in rows)
        if any(isinstance(row.get(column), str) and row[column] for row in rows):
            yield tuple({**row, column: f"{row.get(column) or ''} {value}"} for row in rows)
