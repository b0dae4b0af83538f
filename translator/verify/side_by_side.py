"""The texts of a target on a world: what they find there, in each way in which they may be run, and what of it the KQL does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import ceil
from types import MappingProxyType
from typing import TypeAlias

from translator.catalog.site_files import FAMILY_OF
from translator.detection.model import Detection, Selector
from translator.fidelity import Verdict
from translator.pipeline import Conversion
from translator.pipeline.remarks import entities_of
from translator.plan.expressions import Apply, conjuncts
from translator.plan.functions.values import text_of
from translator.plan.pins import fixed_columns
from translator.plan.types import Type
from translator.targets.base import TIMES as TIME_FIELDS
from translator.targets.base import Options, Output
from translator.targets.lists import OF_CASE
from translator.verify import sigma, spl
from translator.verify.comparing import Columns, Compared, Difference, Wanted, compared, named_rows
from translator.verify.eql.syntax import Sequence as EqlSequence
from translator.verify.eql.syntax import parse as parse_eql
from translator.verify.given import GIVEN
from translator.verify.named_lists import lists_named
from translator.verify.reading import NotReadable, Row, moment_of
from translator.verify.running import run_text
from translator.verify.shaping import Shaped
from translator.verify.shaping.values import is_missing
from translator.verify.stage import MOST_WORLDS, NOW, Stage, Tried
from translator.verify.witness import Worlds
from translator.verify.witness.states import TIMES

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


class SideBySide(Stage):
    """A rule with its worlds, on which texts are run beside it; see ``Stage`` for what it is made of."""

    def __init__(
        self, conversion: Conversion, options: Options, now: dt.datetime = NOW, seed: int = 0, most: int = MOST_WORLDS,
        worlds: Worlds | None = None, tables: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        super().__init__(conversion, options, now, seed, most, worlds, tables)
        self._columns: dict[str, Columns] = {}
        self._wanted: dict[object, Wanted] = {}

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
        lengths = (None, *(_timespans(output) if output.lane == GIVEN else (length,))) if length else (None,)
        return tuple((bins, ((*reading, b),)) for bins in lengths for b in bounds for reading in _SIGMA)

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
        about: Collection[str] = entities_of(self.conversion.rule, self.plan)
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
                f"{name}{end}": [*_listed([str(v) for v in values], end, output.lookups.get(f"{name}{end}", ""))]
                for end in ("", _WITHIN, *OF_CASE.values())
            }
        for name, (search, seconds) in output.histories.items():
            rows = run_text(target, search, _since(events, target, now - seconds), now, lists, shape.types)
            lists[name] = list(_listed([text_of(r.get("value")) for r in rows], "", output.lookups.get(name, "")))
        if output.lane == GIVEN:
            named = {n: c for text in output.texts for n, c in lists_named(target, text).items() if n in lists}
            lists |= {name: [_with_columns(row, columns) for row in lists[name]] for name, columns in named.items()}
        seen = _since(events, target, now - self.lookback(output))
        any_index = output.lane == GIVEN and not any("index" in t.place for t in self.options.site.tables.get("splunk", {}).values())
        found: list[Row] = []
        for text in output.texts:
            match target:
                case "splunk":
                    rows = spl.run(text, seen, now, lists, reading[0], texts_are_numbers=reading[1], any_index=any_index)
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
        own = self.conversion.outputs.get(output.target) if output.lane == GIVEN else None  # how far back the query asks is known of it
        head = output.head or (own.head if own is not None else None) or self.conversion.detection
        known = output.lookback or (_farthest(head, output.target) if isinstance(head, Detection) else None)
        known = max(known or 0, own.lookback or 0 if own is not None else 0) or self.conversion.rule.period or self.options.timespan
        if output.target == "sigma":  # a correlation measures its own timespan, however far the rule looks back
            known = max(known, *_timespans(output), 0)
        return known

    def without_limits(self, output: Output) -> set[str]:
        """The tables of whose events neither the rule nor the query says how old they may be: that is a matter of the schedule as well."""
        head = output.head or self.conversion.detection
        if self.conversion.rule.period is not None or not isinstance(head, Detection):
            return set()
        return {s.table for s in head.selectors if not any(isinstance(p, Apply) and p.function in _LOWER for p in conjuncts(s.predicate))}


def _timespans(output: Output) -> list[int]:
    """How long the windows are that correlations of Sigma count in, in seconds."""
    with suppress(NotReadable):
        return sorted({span for text in output.texts for span in sigma.timespans(text)})
    return []


def _farthest(detection: Detection, target: str) -> int:
    """How far a detection looks back: one search is run over the longest of its windows, and over what it asks of earlier events.

    Sigma and EQL have a rule for each window, and a list for what was before.
    """
    if target in ("sigma", "eql"):
        return detection.lookback
    return max(back for part in detection.alternatives for back in (part.lookback, *(history.back for history in part.histories)))


def _is_sequence(text: str) -> bool:
    """Whether a text is a sequence of EQL."""
    try:
        return isinstance(parse_eql(text), EqlSequence)
    except NotReadable:
        return False


def _listed(values: Sequence[str], end: str, kind: str) -> Iterator[Row]:
    """The rows of a list, as the products are told to keep it: see ``Output.lookups``."""
    for value in values:
        written = f"*{value}*" if end == _WITHIN else value.lower() if kind == "caseless" else value
        yield {"value": written, "listed": written}


def _with_columns(row: Mapping[str, object], columns: Collection[str]) -> Row:
    """A row of a list of one value, with that in the columns that a text names of it."""
    values = {v for v in row.values() if v is not None}
    return {**dict.fromkeys(columns, *values), **row} if len(values) == 1 else {**row}


def _in_bins(events: Sequence[Row], target: str, length: int | None) -> list[list[Row]]:
    """Events apart by bins of a length in seconds; together where there is none."""
    if length is None:
        return [list(events)]
    found: dict[float, list[Row]] = {}
    for event in events:
        found.setdefault(seconds_of(event, target) // length, []).append(event)
    return list(found.values())


_LOWER = ("since", "after")
"""What a condition on the time of an event is that limits how old it may be."""


def earliest(rows: Sequence[Row]) -> float:
    """When the oldest of some rows was, in seconds since 1970."""
    moments = (moment_of(row.get(c)) for row in rows for c in TIMES)
    return min((m / 1_000_000 for m in moments if m is not None), default=float("inf"))


def _since(events: Sequence[Row], target: str, moment: float) -> list[Row]:
    return [e for e in events if seconds_of(e, target) >= moment]


def seconds_of(event: Row, target: str) -> float:
    """When an event was, in seconds since 1970."""
    return (moment_of(event.get(TIME_FIELDS[FAMILY_OF[target]])) or 0) / 1_000_000
