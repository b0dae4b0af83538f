"""A detection in SPL, EQL or ES|QL through its Sigma: what the native writers refuse, or say less well."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.processing.conditions import LogsourceCondition
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import AddConditionTransformation, SetStateTransformation

from translator.detection.model import Detection, Selector, Threshold
from translator.detection.windows import duration
from translator.fidelity import Diagnostic, Verdict, verdict_of
from translator.plan.expressions import Expr
from translator.rulepack.model import Rule
from translator.sigma.emit import documents_of, spells
from translator.sigma.portable.elastic import MAX_EVENTS, EqlSequenceBackend, EsqlWindowBackend
from translator.sigma.portable.predicates import PredicateBackend
from translator.sigma.portable.splunk import SplunkSlidingBackend
from translator.targets.base import Cannot, Options, Output
from translator.targets.elastic import UNREADABLE, dataset, indices
from translator.targets.elastic.eql.predicates import with_addresses
from translator.targets.elastic.eql.said import check_keys, eql_diagnostics
from translator.targets.elastic.esql import MOST_ROWS
from translator.targets.homes import Placed
from translator.targets.letters import letters_in_events
from translator.targets.names import Names, read_by
from translator.targets.relaxation import translated
from translator.targets.sides import holds_of_none
from translator.targets.splunk.events import macro_terms
from translator.targets.splunk.words import LETTERS

LANES: Mapping[str, tuple[str, type[PredicateBackend]]] = MappingProxyType(
    {
        "splunk": ("splunk", SplunkSlidingBackend),
        "eql": ("elastic", EqlSequenceBackend),
        "esql": ("elastic", EsqlWindowBackend),
    }
)
"""By target: whose field names it uses, and the backend."""


_OF_SEARCHES = re.compile(r"(rule|alert|key|member|measure)(_\w+)?|first_time|last_time|alerts")
"""Fields that the searches of correlations make for themselves."""


class _NoBetter(Exception):
    """What is written would be no better than what there is."""


def through_sigma(target: str, rule: Rule, placed: Placed, options: Options, than: Verdict | None = None) -> Output:
    """A detection written by way of Sigma documents that carry the target's own field names.

    Args:
        than: the verdict that it has to surpass.

    Raises:
        _NoBetter: where it is known not to surpass that.
    """
    family, backend = LANES[target]

    def named() -> Names:
        return Names(family, options, placed.homes, UNREADABLE.get(target, frozenset()), arrays=target != "esql")

    def written(part: Detection) -> Output:
        names = named()
        try:
            if target == "eql":
                check_keys(part, names)
            if taken := sorted(filter(_OF_SEARCHES.fullmatch, names.all_of(read_by(part)))):
                reason = Diagnostic("target-cannot", f"a search of a correlation makes a field {taken[0]} of its own")
                return names.output(target, (), (*part.diagnostics, reason), "portable")
            documents = documents_of(rule, part, names, lambda s: {"product": "azure", "service": _place_of(s)})
            made = backend(_pipeline(family, names, part))
            if isinstance(made, EqlSequenceBackend):
                made.bucket = part.bin or 0
            if isinstance(made, SplunkSlidingBackend):
                made.ordered_at_once = part.kind == "temporal_ordered" and not part.strict
            if isinstance(made, EqlSequenceBackend | SplunkSlidingBackend):  # of which it is known what they do
                names.said = [d for d in names.said if d.code != "equal-times"]
            # Nothing is taken back behind this.
            if than is not None and verdict_of((*part.diagnostics, *names.said)).rank >= than.rank:
                raise _NoBetter
            queries = made.convert(SigmaCollection.from_dicts(documents))
        except Cannot as refused:
            return names.output(target, (), (*part.diagnostics, *names.said, refused.diagnostic), "portable")
        except (SigmaError, NotImplementedError) as error:
            if target == "eql" and (least := weaker(part)) is not None and (found := written(least)).texts:
                return found
            reason = Diagnostic("target-cannot", f"the way through Sigma ends here: {str(error).splitlines()[0]}")
            return names.output(target, (), (*part.diagnostics, *names.said, reason), "portable")
        own = eql_diagnostics(part, names) if target == "eql" else _anchored(target, part)
        if target == "splunk":
            own = (*own, *letters_in_events(part, LETTERS))
        if isinstance(made, EqlSequenceBackend) and part.bin is not None and not made.bucketed:
            own = (*own, Diagnostic("bucket-widened", "a sequence counts over any span as long as a bucket, the KQL in fixed ones"))
        macros = dict(macro_terms(names, s) for s in part.selectors if names.home(s) is not None) if family == "splunk" else {}
        texts = tuple(_everywhere(str(q), macros.values()) + (MOST_ROWS if target == "esql" else "") for q in queries)
        return replace(names.output(target, texts, (*part.diagnostics, *names.said, *own), "portable"), macros=macros)

    def spell(selector: Selector, part: Expr) -> None:
        spells(named(), selector, part)

    return translated(with_addresses(placed.detection) if target == "eql" else placed.detection, written, spell)


def better_through_sigma(than: Verdict, target: str, rule: Rule, placed: Placed, options: Options) -> Output | None:
    """The same where its verdict is better; None where it is not, which is mostly known before anything is converted."""
    try:
        found = through_sigma(target, rule, placed, options, than)
    except _NoBetter:
        return None
    return found if found.verdict.rank < than.rank else None


def _everywhere(query: str, places: Iterable[str]) -> str:
    """A search over all indexes, where its base search names the place of a table."""
    base, *rest = query.split("\n|")
    for place in dict.fromkeys(places):
        terms = place.removeprefix("index=* ")
        base = base.replace(terms, place) if place != terms else base
    return "\n|".join([base, *rest])


def _place_of(selector: Selector) -> str:
    """What tells the places of events in the documents that only this lane reads."""
    return f"{selector.table} {selector.home}".strip()


ONE = Threshold("event_count", ">=", 1)


def weaker(detection: Detection) -> Detection | None:
    """What must be there at least where a detection wants more than EQL can count; None where nothing is known to be.

    Different values are as many events, more than ``MAX_EVENTS`` events are that many, and what is counted beside another event is there.
    """
    threshold = detection.threshold
    if threshold is None:
        needed = [s for s in detection.sides if s.threshold is None or not _may_hold_of_none(s.threshold)]
        sides = tuple(replace(s, threshold=None, grouping=()) for s in needed)
        dropped = len(sides) < len(detection.sides)
        if sides == detection.sides or (dropped and detection.kind != "temporal") or all(s.absent for s in sides):
            return None
        said = Diagnostic("count-weakened", "EQL counts nothing beside other events: it asks for one of those that the rule counts")
        weakened = replace(detection, sides=sides, diagnostics=(*detection.diagnostics, said))
        return weakened if len(sides) > 1 else replace(weakened, kind="event_count", threshold=ONE)
    if not threshold.grows:
        said = Diagnostic("count-weakened", "EQL has no such threshold: it asks for one of the events that the rule measures")
        return replace(detection, kind="event_count", threshold=ONE, diagnostics=(*detection.diagnostics, said))
    wanted = math.floor(threshold.count) + 1 if threshold.operator == ">" else math.ceil(threshold.count)
    events = Threshold("event_count", ">=", min(wanted, MAX_EVENTS))
    if events.count < 1 or (threshold.kind, wanted) == ("event_count", events.count):
        return None
    counted = f"{wanted} different values" if threshold.kind == "value_count" else f"{wanted} events"
    said = Diagnostic("count-weakened", f"EQL does not count {counted}: it asks for {events.count} events, which there must be at least")
    return replace(detection, kind="event_count", threshold=events, diagnostics=(*detection.diagnostics, said))


def _may_hold_of_none(threshold: Threshold) -> bool:
    """Whether a count or a measure satisfies a threshold where there are no events, or may do so."""
    return threshold.kind not in ("event_count", "value_count") or holds_of_none(threshold)


def _anchored(target: str, detection: Detection) -> tuple[Diagnostic, ...]:
    """What is lost where the windows of the query lie anywhere in its period, and those of the target before its run."""
    window = detection.within or detection.bin
    if target != "esql" or window is None:
        return ()
    return (
        Diagnostic("window-at-run", f"ES|QL looks at the {duration(window)} before each run, the KQL at all such windows of its period"),
    )


def _pipeline(family: str, names: Names, detection: Detection) -> ProcessingPipeline:
    """Where the target keeps the events of each table."""
    items = []
    places = {_place_of(s): s for s in detection.selectors}
    for place, selector in places.items():
        found = names.home(selector)
        where: dict[str, Any] = (
            {k: list(v) if len(v) > 1 else v[0] for k, v in found.places.items()} if found else {"sourcetype": selector.table}
        )
        if "datamodel" in where:
            raise Cannot(Diagnostic("target-cannot", "a data model is searched by a command of its own"))
        if family == "elastic":
            where = {"event.dataset": told} if (told := dataset(names, selector)) else {}
        if where:
            items.append(ProcessingItem(AddConditionTransformation(where), rule_conditions=[LogsourceCondition(service=place)]))
    if family == "elastic":
        indexes = ", ".join(dict.fromkeys(pattern for selector in places.values() for pattern in indices(names, selector)))
        items.append(ProcessingItem(SetStateTransformation("index", indexes)))
    return ProcessingPipeline(items=items)
