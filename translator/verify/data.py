"""Real events in the place of those that are made from a rule, or beside them.

The engine picks from the data those that matter to the rule: those that satisfy what selects the events of one of its parts, those that
share a value of a key with them, and some others. Each of them is a world of its own, those that share a key are one, and all of them
together are one: a translation has to do on any of them what the rule does.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from translator import catalog
from translator.engine.data import tables_of
from translator.kql.parser import parse
from translator.pipeline import Conversion
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.targets.base import Options
from translator.targets.choice import homes_of
from translator.verify.comparing import ROW
from translator.verify.numbered import NoEvents, NumberedRows, key_columns, sample_of
from translator.verify.proof import Trial
from translator.verify.reading import Row
from translator.verify.shaping import FAMILIES, Shape, Shaped
from translator.verify.shaping.values import is_missing, text_of
from translator.verify.stage import Own, Tried, as_queried, as_shaped, mark_of
from translator.verify.witness import Event, World, Worlds
from translator.verify.witness.feeding import read_columns
from translator.verify.witness.states import RECEIVED, TIMES

SAMPLE = 50
"""How many events of a table are picked for each reason, and how many worlds are made of those that share a key, unless the caller says."""


@dataclass(frozen=True, slots=True)
class _Picked:
    """A row of a table that the rule is tried on, with the texts of its keys."""

    table: str
    values: Row
    seconds: float
    keys: tuple[str, ...]
    hit: bool


class Real(Trial):
    """A rule with worlds of real events.

    Args:
        data: a file named after its table, or a folder with a file or a folder for each.
        now: when it runs; the second after the newest event, where it is not given.
        sample: how many events are picked for each reason; None takes all that the rule looks at.
        beside: whether the events that are made from the rule are tried as well.

    Attributes:
        taken: what was taken of each table.
        results: how many rows the query gives for all events that it looks at; None where that is not known, or all are taken.
        notes: what else is to be said of the data.

    Raises:
        NoEvents: where the data have nothing that the rule looks at.
        EngineError: where they cannot be read.
        translator.kql.errors.KqlSyntaxError: where the query cannot be read.
        translator.plan.binder.problems.BindError: where it has no meaning.
    """

    real = True

    def __init__(
        self, conversion: Conversion, options: Options, data: Path, now: dt.datetime | None = None, seed: int = 0,
        sample: int | None = SAMPLE, beside: bool = False,
    ) -> None:  # fmt: skip
        rule = conversion.rule
        plan = bind(parse(rule.query), catalog.schemas())
        read = read_columns(plan)
        self.sample, self.beside, self.notes = sample, beside, list[str]()
        self.results: int | None = None
        with tempfile.TemporaryDirectory(prefix="kql2sigma") as scratch:
            source = NumberedRows(tables_of(data, catalog.schemas()), read, Path(scratch))
            moment = source.after() if now is None else now.astimezone(dt.UTC).replace(tzinfo=None) if now.tzinfo is not None else now
            super().__init__(conversion, options, moment, seed, worlds=None if beside else Worlds(()), tables=source.types())
            back = dt.timedelta(seconds=rule.period) if rule.period is not None else None
            self.picked = tuple(self.picks(source, back))
        self.taken = tuple(source.taken)
        self.notes += source.notes
        kept = dict.fromkeys(f"{p.kind} {p.name}" for p in o.parts(plan.root) if isinstance(p, o.External))
        self.notes += [f"there are no data for the {what}: as if it had no rows" for what in kept]
        if not self.picked:
            since = f" after {(moment - back).isoformat()}Z" if back is not None else ""
            raise NoEvents(f"the data of {', '.join(source.present)} have no event{since} before {moment.isoformat()}Z")
        self.groups = tuple(self.grouped())
        self.worlds += (World("all events", tuple(self.event(p) for p in self.picked), None),)

    # --- what is tried

    def picks(self, source: NumberedRows, back: dt.timedelta | None) -> Iterator[_Picked]:
        """The rows that the rule is tried on, those that satisfy a selector first."""
        keys = _keys(self.plan)
        source.place(self.now, back, {table: self.columns_of(table) for table in source.read}, self.tables)
        hits = source.hits(self.kql, self.now)
        alerting, related = list[dict[str, set[int]]](), dict[str, set[int]]()
        if self.sample is not None:
            most = max(1, self.sample // 5)
            self.results, values = source.results(self.kql, self.now, most)
            alerting = [source.sharing([value], keys) for value in values]
            related = source.sharing([*values, *source.values(hits, keys, most)], keys)
        for table in source.present:
            found, beside, every = hits.get(table, set()), related.get(table, set()), source.numbers(table)
            chosen = every
            if self.sample is not None:
                first = [n for some in alerting for n in sorted(some.get(table, set()) & found)]
                first += [n for some in (found & beside, found - beside) for n in sample_of(some, self.sample)]
                others = (beside - found, every - beside - found)
                chosen = {*list(dict.fromkeys(first))[: self.sample], *(n for some in others for n in sample_of(some, self.sample))}
            source.count(table, len(chosen))
            rows = [self.row(table, row, keys.get(table, ()), number in found) for number, row in source.rows(table, chosen)]
            yield from sorted(rows, key=lambda p: not p.hit)

    def columns_of(self, table: str) -> set[str]:
        """The columns that decide what becomes of a row: those that the query reads, and those that tell where a product has it."""
        known = catalog.table(table)
        told = {k.column for k in known.kinds} if known is not None else set()
        homes = [h for family in FAMILIES if family != "source" for h in homes_of(table, family, self.options)]
        return {*self.columns.get(table, {}), *told, *(c for h in homes for c in h.when), *TIMES}

    def row(self, table: str, row: Row, keys: Sequence[str], hit: bool) -> _Picked:
        """A row of the data, with the seconds from now on."""
        moment = next((v for name in sorted(TIMES) if isinstance(v := row.get(name), dt.datetime)), self.now)
        values = {k: None if v == "" else v for k, v in row.items() if k not in TIMES}
        told = tuple(dict.fromkeys(text_of(v) for k in keys if not is_missing(v := values.get(k)) and not isinstance(v, dict | list)))
        return _Picked(table, values, (moment.replace(tzinfo=None) - self.now).total_seconds(), told, hit)

    def event(self, picked: _Picked) -> Event:
        """A picked row as an event of a world."""
        return Event(picked.table, picked.values, picked.seconds)

    def grouped(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The worlds as numbers of picked rows: each alone, those that share the value of a key, and all."""
        most = SAMPLE if self.sample is None else self.sample
        alone = dict[str, int]()
        for number, picked in enumerate(self.picked):
            alone[picked.table] = alone.get(picked.table, 0) + 1
            if alone[picked.table] <= 3 * most and len(self.picked) > 1:
                yield f"an event of {picked.table} alone", (number,)
        sharing: dict[str, list[int]] = {}
        for number, picked in enumerate(self.picked):
            for key in picked.keys:
                sharing.setdefault(key, []).append(number)
        several = [(value, numbers) for value, numbers in sharing.items() if 1 < len(numbers) < len(self.picked)]
        if len(several) > most:
            self.notes.append(f"of {len(several)} values of keys that events share {most} are tried alone")
        for value, numbers in several[:most]:
            yield f"the events that share {value!r}", tuple(numbers)
        yield "all events", tuple(range(len(self.picked)))

    def on(
        self, family: str, listed: frozenset[str] = frozenset(), own: Own = (), homes: tuple[str, ...] = ()
    ) -> tuple[list[Tried], Shaped]:  # fmt: skip
        """The worlds as a family of products has them, without the rows that it cannot have.

        Raises:
            EngineError: where the KQL cannot be run.
        """
        if (family, listed, own, homes) not in self._families:
            made, also = super().on(family, listed, own, homes) if self.beside else ([], None)
            given: dict[str, list[Row]] = {}
            marks = {mark_of(number): number for number, _ in enumerate(self.picked)}
            for picked, mark in zip(self.picked, marks, strict=True):
                given.setdefault(picked.table, []).append({**self.given(picked), ROW: mark})
            shape = self.put(given, family, listed, own, homes)
            put: dict[int, tuple[str, Shape]] = {}
            for table, one in ((table, one) for table, shapes in shape.shapes.items() for one in shapes if one.events or table in listed):
                put[marks[str(one.row[ROW])]] = table, one
            if lost := len(self.picked) - len(put):
                why = next((f"{u.table}.{u.column}: {u.why}" for u in shape.unshaped if u.row is not None), "")
                self.notes.append(f"{lost} of {len(self.picked)} events are none of {family}'s and left out, such as for {why}")
            about: dict[tuple[int, ...], str] = {}
            for told, numbers in self.groups:
                if there := tuple(n for n in numbers if n in put):
                    about.setdefault(there, told)
            worlds = self.judged(about, put)
            alerting = {n for numbers, world in worlds.items() if world.alerts and len(numbers) < len(put) for n in numbers}
            if (quiet := tuple(n for n in sorted(put) if n not in alerting)) and quiet not in worlds:
                worlds |= self.judged({quiet: "all events without those of which some alert"}, put)
            found = list(worlds.values())
            if also is not None:
                shape = replace(shape, unshaped=(*also.unshaped, *shape.unshaped), types={**also.types, **shape.types})
            self._families[family, listed, own, homes] = [*made, *found], shape
        return self._families[family, listed, own, homes]

    def judged(self, about: Mapping[tuple[int, ...], str], put: Mapping[int, tuple[str, Shape]]) -> dict[tuple[int, ...], Tried]:
        """Worlds by the numbers of their rows."""
        rows: list[dict[str, tuple[Row, ...]]] = []
        for numbers in about:
            tables: dict[str, list[Row]] = {}
            for table, one in (put[n] for n in numbers):
                tables.setdefault(table, []).append(as_queried(one.row))
            rows.append({table: tuple(held) for table, held in tables.items()})
        events = [tuple(e for n in numbers for e in put[n][1].events) for numbers in about]
        told = zip(about.items(), rows, events, self.found(rows), strict=True)
        return {numbers: Tried(text, held, seen, *found) for (numbers, text), held, seen, found in told if found is not None}

    def silent(self) -> str:
        """Why no world alerts."""
        more = f"; for all events of its time the KQL gives {self.results} rows, which --sample all tries" if self.results else ""
        return f"{super().silent()}{more}"

    def given(self, picked: _Picked) -> Row:
        """A row as the query reads it, with its times, and with what no row of its table leaves empty where the data lack the column.

        What the product's events say is left to these where it is empty.
        """
        table, read = picked.table, self.columns.get(picked.table, {})
        values = {**dict.fromkeys(read), **self.filled(self.event(picked)).values}
        if made_up := sorted(c for c, v in values.items() if v is not None and c not in picked.values and c not in TIMES):
            self.notes.append(f"the data of {table} have no {', '.join(made_up)}, which no row leaves empty: made up")
        computed = self.computed(table, values)
        known = TIMES & {*catalog.schemas().get(table, {}), *read}
        times = dict.fromkeys(known or {"TimeGenerated"}, self.now + dt.timedelta(seconds=picked.seconds))
        if RECEIVED in read and values[RECEIVED] is None:
            self.notes.append(f"the data of {table} do not say when events were taken in: as when they were")
            times[RECEIVED] = next(iter(times.values()))
        return as_shaped({**{c: v for c, v in values.items() if v is not None or c not in computed}, **times})


def _keys(plan: o.Plan) -> dict[str, tuple[str, ...]]:
    """The names of the key columns by table."""
    found: dict[str, set[str]] = {}
    for column in key_columns(plan):
        if column.table is not None:
            found.setdefault(column.table, set()).add(column.name)
    return {table: tuple(sorted(columns)) for table, columns in found.items()}
