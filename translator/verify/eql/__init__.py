"""A reader of EQL as Elasticsearch has it: runs queries on events in memory.

It is no Elasticsearch: it follows its documentation and what its source says where that is silent, and refuses what it does not know. No
mapping is known, so a field that no event has is taken for one that is mapped; the size of an answer is not limited to the 10 that are the
default. Events of one time are in the order in which they are given, where a server has a tiebreaker or the order of its shards.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping

from translator.verify.eql import samples, types
from translator.verify.eql.conditions import CATEGORY, Conditions
from translator.verify.eql.documents import documents, kinds_of
from translator.verify.eql.lists import filled
from translator.verify.eql.sequences import Machine
from translator.verify.eql.syntax import Events, Filter, Member, Query, Sample, Sequence, fields_of, parse
from translator.verify.eql.types import WrongType
from translator.verify.reading import Lists, NotReadable, Row, moment_of

__all__ = ["WrongType", "parse", "run"]

_OF_INTEGRATIONS = frozenset({"event.kind", "event.type", "host.os.type", "host.os.family", "host.os.platform", "host.os.name"})
"""Fields that integrations and agents fill of themselves, whatever stands in an event.

Source: elastic.co/docs/reference/ecs, "ECS categorization fields" and "Operating system fields".
"""


def run(
    text: str,
    events: Iterable[Mapping[str, object]],
    now: dt.datetime | float | None = None,
    kinds: Mapping[str, str] | None = None,
    category: str = CATEGORY,
    lists: Lists | None = None,
    mapped: Collection[str] = (),
) -> list[Row]:
    """What an EQL query returns.

    Args:
        events: with ``@timestamp`` (a datetime, a text of ISO 8601 or seconds since 1970); nested or with names with dots.
        now: the time of the search, which ``"now-1d"`` goes by; without one such a query is not readable.
        kinds: types of fields (text, number, bool, ip, date) beside those that their values and ECS tell.
        category: the field that holds an event's category (``event_category_field`` of the API).
        lists: rows with a column ``value``, by the names of the lists whose values the query is to have.
        mapped: fields of which it is known what the product has in them, also where no event has them.

    Returns:
        For an event query its events; for a sequence or a sample one row for each, with its ``events`` (``{"missing": True}`` for one that
        is missing) and its ``join_keys``.

    Raises:
        WrongType: a NotReadable, where Elasticsearch refuses the query for the types of its operands.
        NotReadable: for what else it refuses, and for what is not written here.
    """
    query = parse(text)
    found = documents(events)
    known = {name for document in found for name in document.values}
    conditions = Conditions(kinds_of(found) | dict(kinds or {}), category, None if now is None else (moment_of(now) or 0) // 1_000)
    query = filled(query, lists or {}, conditions.kinds)
    for wanted in _filters(query):
        types.condition(wanted.condition, conditions.kinds)
        types.mapped(wanted.condition, known)
        if wanted.category is not None and found and category not in {*known, *mapped}:
            raise NotReadable(f"{wanted.category} where, of events that do not say their {category}")
        if unsaid := sorted(_OF_INTEGRATIONS.intersection(fields_of(wanted.condition)).difference(known, mapped) if found else ()):
            raise NotReadable(f"{unsaid[0]}, of events that do not say it")
    match query:
        case Events():
            rows = [d.row for d in conditions.chosen(found, query.filter)]
        case Sequence():
            _comparable_keys((*query.members, *([query.until] if query.until is not None else [])), conditions.kinds)
            rows = Machine(query, conditions, found).run()
        case Sample():
            return samples.run(query, conditions, found)
    for pipe in query.pipes:
        rows = rows[: pipe.count] if pipe.name == "head" else rows[-pipe.count :]
    return rows


def _filters(query: Query) -> Iterator[Filter]:
    if isinstance(query, Events):
        yield query.filter
        return
    yield from (m.filter for m in query.members)
    if isinstance(query, Sequence) and query.until is not None:
        yield query.until.filter


def _comparable_keys(members: tuple[Member, ...], kinds: Mapping[str, str]) -> None:
    for number in range(len(members[0].keys)):
        found = {kinds[m.keys[number].name] for m in members if m.keys[number].name in kinds}
        if len(found) > 1:
            raise WrongType(f"a join of {' with '.join(sorted(found))}", members[0].keys[number].at)
