"""What is said of every way to write a detection in EQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from translator.detection.model import Detection
from translator.detection.overlaps import may_overlap
from translator.detection.shapes import by_name
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import LISTS
from translator.plan.expressions import ColumnRef, Const
from translator.targets.base import Cannot
from translator.targets.elastic.eql.absence import after_absence
from translator.targets.letters import atoms_at, letters_in_events
from translator.targets.names import Names
from translator.targets.predicates import values

_LETTERS = "EQL ignores the case of ASCII's letters only, the KQL of all"
"""Source: org.elasticsearch.common.lucene.search.AutomatonQueries, toCaseInsensitiveChar."""


def lists_in_text(detection: Detection, names: Names) -> Iterator[Diagnostic]:
    """What is said of the lists that a detection reads, whose values the query has to have."""
    for side in detection.sides:
        for selector in side.selectors:
            for atom, place in atoms_at(selector.predicate, detection.place_of(selector)):
                if atom.function not in LISTS or not isinstance(atom.args[1], Const):
                    continue
                name, kind = values(atom.args[1])[0], " that are addresses" if names.stored(atom.args[0]) == "ip" else ""
                how = f'write the values of the list {name}{kind} in place of "%{name}%", again whenever they change'
                message = f"EQL looks nothing up: {how}"
                yield Diagnostic("list-in-text", message, atom.span, place)


_KINDS = {
    **dict.fromkeys(("keyword", "constant_keyword", "wildcard"), "string"),
    **dict.fromkeys(("long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float"), "number"),
}


def check_keys(detection: Detection, names: Names) -> None:
    """Raises Cannot for keys of several types, such as an address and a text, by which Elasticsearch joins no sequence (a sample it does).

    Source: org.elasticsearch.xpack.eql.analysis.Verifier, checkJoinKeyTypes ("is incompatible with key").
    """
    for one, other in itertools.combinations(detection.sides if detection.kind in ("temporal", "temporal_ordered") else (), 2):
        for s, t in itertools.product(one.selectors, other.selectors):
            for pair in zip(s.keys, t.keys, strict=False):
                kinds = [_KINDS.get(stored, stored) for key in pair if (stored := names.stored(key))]
                if len(set(kinds)) > 1:
                    told = " and ".join(f"{names.field(key)} ({kind})" for key, kind in zip(pair, kinds, strict=True))
                    raise Cannot(Diagnostic("target-cannot", f"EQL has no sequences by fields of different types: {told}"))


def self_joins(detection: Detection) -> Iterator[Diagnostic]:
    """What is said where one event may be of two sides, of which the members of an EQL sequence or sample are different events."""
    if (detection.kind == "temporal_ordered" and detection.strict) or after_absence(detection):
        return
    for one, other in itertools.combinations(detection.sides, 2):
        both = ((s, t) for s in one.selectors for t in other.selectors if s.table == t.table)
        if any(may_overlap(by_name(s.predicate), by_name(t.predicate)) for s, t in both):
            place = Place.TURNED if one.absent or other.absent else Place.PLAIN
            what = "an event that satisfies two sides of the join is joined with itself in KQL, not here"
            yield Diagnostic("joined-with-itself", what, None, place)


def arrays_in_keys(detection: Detection, names: Names) -> Iterator[Diagnostic]:
    """What is said of keys with several values, each of which is a key of its own in a sequence or sample.

    Source: github.com/elastic/elasticsearch/pull/89965, of 8.6; an array in a key is an error before.
    """
    if detection.kind == "event":
        return
    for selector in detection.selectors:
        for key in selector.keys:
            if isinstance(key, ColumnRef) and key.column.stored and key.column.several:
                message = f"{names.field(key)} has several values, by whose text the KQL groups, the output by each value"
                yield Diagnostic("array-compared", message, key.span, Place.BOTH)


def ties(detection: Detection) -> Iterator[Diagnostic]:
    """What is said of events of one moment, which a sequence takes in the order in which they are stored."""
    if detection.kind == "temporal_ordered" or (detection.kind == "temporal" and detection.within is not None and not detection.strict):
        taken = "does not take events of one moment for ordered" if detection.strict else "takes events of one moment for ordered"
        yield Diagnostic("equal-times", f"the KQL {taken}, EQL goes by the order in which they are stored")


def eql_diagnostics(detection: Detection, names: Names) -> tuple[Diagnostic, ...]:
    """What is said of every way to write a detection in EQL."""
    found = (
        lists_in_text(detection, names), self_joins(detection), letters_in_events(detection, _LETTERS), arrays_in_keys(detection, names),
        ties(detection),
    )  # fmt: skip
    return tuple(dict.fromkeys(itertools.chain(*found)))
