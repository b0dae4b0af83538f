"""Detections as queries of EQL: events, samples and sequences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from translator.detection.model import Detection, Selector
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import is_present
from translator.plan.expressions import TRUE, Apply
from translator.targets.base import Cannot
from translator.targets.elastic import dataset, field, string
from translator.targets.elastic.eql.absence import after_absence, meet, with_keys
from translator.targets.elastic.eql.predicates import EqlPredicates
from translator.targets.names import Names

MAX_QUERIES = 16
"""How many queries one rule may need: the alternatives of all sides multiplied."""


@dataclass(frozen=True, slots=True)
class Queries:
    """The writer of queries.

    Attributes:
        names: the fields of the product, and what is said of them on the way.
        predicates: writes their conditions.
    """

    names: Names
    predicates: EqlPredicates

    def of(self, detection: Detection) -> tuple[str, ...]:
        """The queries of a detection: several where alternatives of its sides need one each.

        Raises:
            Cannot: for what EQL has no words for, as counts, and where more than ``MAX_QUERIES`` are needed.
        """
        if detection.kind == "event":
            return tuple(self.where(s) for s in detection.selectors)
        if detection.kind not in ("temporal", "temporal_ordered"):
            raise Cannot(Diagnostic("target-cannot", "EQL does not count events", None))
        if any(side.threshold for side in detection.sides):
            raise Cannot(Diagnostic("target-cannot", "EQL does not count events", None))
        if detection.bin:
            raise Cannot(Diagnostic("target-cannot", "an EQL sample has no fixed buckets of time", None))
        if any(side.absent for side in detection.sides):
            return tuple(self.absences(detection))
        if any(
            not sure and not all(self.names.never_empty(s.keys[n]) for s in detection.selectors)
            for n, sure in enumerate(detection.guaranteed)
        ):
            self.names.say("empty-join-key", "an event with an empty key and one without any match each other in KQL, and do not here")
        orders = [detection.sides]
        if detection.within is not None and detection.kind == "temporal":
            orders.append(detection.sides[::-1])
        every = itertools.chain(*(itertools.product(*(side.selectors for side in sides)) for sides in orders))
        combinations = list(itertools.islice(every, MAX_QUERIES + 1))
        if len(combinations) > MAX_QUERIES:
            raise Cannot(Diagnostic("target-cannot", f"this rule needs more than {MAX_QUERIES} queries in EQL", None))
        in_order = detection.kind == "temporal_ordered" or detection.within is not None
        head = f"sequence with maxspan={_longest(detection)}" if in_order else "sample"
        return tuple(self.sample(c, head, detection.guaranteed) for c in combinations)

    def absences(self, detection: Detection) -> Iterator[str]:
        """Sequences of what is not there before an event, one for each selection of keys that the event lacks.

        Events without a key match each other in KQL. No sequence joins a missing key with an empty one, nor says ``?`` of a key beside what
        is absent: such events have a sequence of their own, without that key.
        """
        absent, found = [s for side in detection.sides if side.absent for s in side.selectors], after_absence(detection)
        if not found:
            raise Cannot(Diagnostic("target-cannot", "an EQL sequence can ask only that events are absent before one other", None))
        head = f"sequence with maxspan={max(detection.timespan, detection.lookback)}s"
        texts = list[str]()
        for selector in found:
            if any(meet(a, selector) for a in absent):
                self.names.say(
                    "equal-times", "an event of the moment at which the earlier window ends is in both of the KQL, and here in the later"
                )
            for lacking in itertools.product(*(self.ways(n, selector, absent, sure) for n, sure in enumerate(detection.guaranteed))):
                asked = [with_keys(s, lacking) for s in (*absent, selector)]
                members = [f"  ![{self.where(s)}]{self.by(s, lacking)}" for s in asked[:-1]]
                texts.append("\n".join([head, *members, f"  [{self.where(asked[-1])}]{self.by(asked[-1], lacking)}"]))
                if len(texts) > MAX_QUERIES:
                    raise Cannot(Diagnostic("target-cannot", f"this rule needs more than {MAX_QUERIES} queries in EQL", None))
        yield from texts

    def ways(self, number: int, selector: Selector, absent: list[Selector], guaranteed: bool) -> tuple[bool | None, ...]:
        """Whether the events of a selector may lack a key, as no and yes; None where there is nothing to be asked."""
        guarded = any(is_present(a.keys[number], a.predicate) for a in absent)
        alike = all(a.table == selector.table for a in absent) and not guarded
        return (None,) if is_present(selector.keys[number], selector.predicate) or (guaranteed and alike) else (False, True)

    def by(self, selector: Selector, lacking: tuple[bool | None, ...]) -> str:
        """The clause with the keys of an event, without those that it is to lack."""
        with self.names.within(Place.BOTH):
            keys = [field(self.names.field(key)) for key, lacks in zip(selector.keys, lacking, strict=True) if not lacks]
        return f" by {', '.join(keys)}" if keys else ""

    def where(self, selector: Selector) -> str:
        """What is asked of one event: its data set and the condition of its selector."""
        told = dataset(self.names, selector)
        parts = [f"event.dataset == {string(told)}"] if told else []
        if selector.predicate != TRUE:
            nested = bool(parts) and isinstance(selector.predicate, Apply) and selector.predicate.function == "or"
            parts.append(self.predicates.render(selector.predicate, nested))
        return f"any where {' and '.join(parts) or 'true'}"

    def sample(self, selectors: tuple[Selector, ...], head: str, guaranteed: tuple[bool, ...]) -> str:
        """One query over an event of each selector.

        Args:
            head: ``sample``, or ``sequence`` with its longest span.
            guaranteed: of each key whether some event always has it; the others join as null where they are missing.
        """
        lines = [head]
        for selector in selectors:
            with self.names.within(Place.BOTH):
                pairs = zip(selector.keys, guaranteed, strict=True)
                keys = ", ".join(("" if sure else "?") + field(self.names.field(key)) for key, sure in pairs)
            lines.append(f"  [{self.where(selector)}] by {keys}")
        return "\n".join(lines)


def _longest(detection: Detection) -> str:
    """How long a sequence may take: Elasticsearch keeps times by the millisecond.

    Source: elastic.co/docs/reference/elasticsearch/mapping-reference/date.
    """
    seconds = detection.within or detection.timespan
    return f"{1000 * seconds - 1}ms" if detection.open and detection.within else f"{seconds}s"
