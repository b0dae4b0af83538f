"""Sequences of EQL: the state machine of Elasticsearch.

Each key has a machine of its own. An event of the first filter begins a sequence; an event of a later filter takes on the latest sequence
that waits for it, and drops those that began to wait earlier. What has taken longer than ``maxspan`` is dropped as well, and what an event
of ``until`` came into after its last event. Filters that no event may satisfy are asked at the end: between two events, or up to
``maxspan`` before and after all of them.

Facts: EQL syntax reference, "How sequence queries handle matches", "Missing events", "until keyword", "Optional by fields";
SequenceMatcher.java, OrdinalGroup.java, Ordinal.java and TumblingWindow.java of Elasticsearch; test_extra.toml and test_missing_events.toml
of its tests (a key field of several values stands for each of them).
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from translator.verify.eql.conditions import Conditions
from translator.verify.eql.documents import Document
from translator.verify.eql.syntax import Field, Member, Sequence
from translator.verify.reading import NotReadable, Row, Value

Key: TypeAlias = tuple[Value | None, ...]

MISSING: Row = {"missing": True}
"""What stands in a result for an event that is missing."""


@dataclass(slots=True)
class _Match:
    """A sequence as far as it is found: an event for each filter that wants one."""

    key: Key
    events: list[Document]

    @property
    def last(self) -> Document:
        return self.events[-1]


def keys_of(document: Document, fields: Iterable[Field]) -> Iterator[Key]:
    """The values that an event is joined by: one for each combination of values, none where a field that is not optional is missing."""
    empty: tuple[None, ...] = (None,)
    yield from itertools.product(*(tuple(dict.fromkeys(document.values.get(f.name, ()))) or (empty if f.optional else ()) for f in fields))


def shown(key: Key) -> tuple[tuple[int, str | float], ...]:
    """A key in an order: nulls first, then numbers, then texts."""
    return tuple((0, 0.0) if v is None else (2, v) if isinstance(v, str) else (1, float(v)) for v in key)


class Machine:
    """One sequence query on events that are in the order of their time."""

    def __init__(self, query: Sequence, conditions: Conditions, found: list[Document]) -> None:
        self.query, self.conditions, self.found = query, conditions, found
        self._chosen: dict[Member, list[tuple[Key, Document]]] = {}

    def run(self) -> list[Row]:
        """The sequences, in the order of their last events."""
        wanted = [m for m in self.query.members if not m.missing]
        endings: dict[Key, list[Document]] = {}
        for key, document in self.keyed(self.query.until) if self.query.until is not None else ():
            endings.setdefault(key, []).append(document)
        waiting: dict[Key, list[_Match]] = {}
        for key, document in self.keyed(wanted[0]):
            waiting.setdefault(key, []).append(_Match(key, [document]))
        for member in wanted[1:]:
            advanced: dict[Key, list[_Match]] = {}
            for key, document in self.keyed(member):
                match = self.advance(waiting.get(key, []), document, endings.get(key, []))
                if match is not None:
                    advanced.setdefault(key, []).append(match)
            waiting = advanced
        matches = [m for found in waiting.values() for m in found if self.complete(m)]
        matches.sort(key=lambda m: (m.last.order, m.events[0].order, shown(m.key)))
        return [self.row(m) for m in matches]

    def keyed(self, member: Member) -> list[tuple[Key, Document]]:
        """The events of a filter with their keys, in their order."""
        if member not in self._chosen:
            chosen = self.conditions.chosen(self.found, member.filter)
            if any(d.moment is None for d in chosen):
                raise NotReadable("an event without @timestamp in a sequence")
            self._chosen[member] = [(key, d) for d in chosen for key in keys_of(d, member.keys)]
        return self._chosen[member]

    def advance(self, waiting: list[_Match], document: Document, endings: list[Document]) -> _Match | None:
        """The latest of the sequences that wait, taken on by an event; it and all before it wait no more."""
        earlier = bisect_left(waiting, document.order, key=lambda m: m.last.order)  # those that wait are in the order of their last events
        if not earlier:
            return None
        match = waiting[earlier - 1]
        del waiting[:earlier]
        ended = bisect_left(endings, match.last.order, key=lambda e: e.order)
        if self.too_long(match.events[0], document) or (ended < len(endings) and endings[ended].order < document.order):
            return None
        return _Match(match.key, [*match.events, document])

    def too_long(self, first: Document, last: Document) -> bool:
        return self.query.maxspan is not None and _time(last) - _time(first) > self.query.maxspan

    def complete(self, match: _Match) -> bool:
        """Whether the events that are to be missing are."""
        if all(not m.missing for m in self.query.members):
            return True
        if None in match.key:
            raise NotReadable("a sequence with missing events by a field that is missing")
        first, last = _time(match.events[0]), _time(match.last)
        leading: list[int] = []
        trailing: list[int] = []
        seen = 0
        for member in self.query.members:
            if not member.missing:
                seen += 1
                continue
            times = [_time(d) for key, d in self.keyed(member) if key == match.key]
            if seen == 0:
                leading += [t for t in times if t < first]
            elif seen == len(match.events):
                trailing += [t for t in times if t > last]
            elif any(_time(match.events[seen - 1]) < t < _time(match.events[seen]) for t in times):
                return False
        begins, ends = self.query.members[0].missing, self.query.members[-1].missing
        if (begins and not leading) or (ends and not trailing) or not (begins or ends):
            return True
        since = max(leading) if begins else first
        until = min(trailing) if ends else last
        assert self.query.maxspan is not None
        return until - since > self.query.maxspan

    def row(self, match: _Match) -> Row:
        """What a match is as a result: its events, those that must be missing as such, and its keys."""
        events = iter(match.events)
        return {"events": [MISSING if m.missing else next(events).row for m in self.query.members], "join_keys": list(match.key)}


def _time(document: Document) -> int:
    assert document.moment is not None
    return document.moment
