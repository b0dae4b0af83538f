"""Correlations of Sigma on events, over windows that roll: one ends at each event that counts, and reaches back by the timespan.

An event absent from a correlation (``not`` in an extended condition) can only be told when its window is over, so such a window begins at
an event that is wanted, and alerts where it ends before the last event that is known. An event that lacks a field of ``group-by`` belongs
to no group; keys and counted values ignore case, as texts do in Sigma. An alert is itself an event of a correlation that refers to its
rule, at the end of its window, with its keys and the fields of its events.

Facts: Sigma correlation rules specification (types, conditions, aliases, group-by, chains); pySigma's ``sigma.correlations`` for what goes
beyond it (extended conditions, sums, averages, percentiles, medians). What both leave open is said here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.rule import SigmaRule

from translator.verify.reading import NotReadable, Value, ValueNotTold
from translator.verify.sigma.conditions import Conditions, number_of
from translator.verify.sigma.events import Event

Key: TypeAlias = tuple[Value, ...]

_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that a correlation counts: an event, or the alert of another correlation with one of its events."""

    identity: tuple[int, ...]
    moment: int
    values: Mapping[str, tuple[Value, ...]]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """An occurrence in a group: which rule found it, and its value of the field that is measured."""

    slot: int
    occurrence: Occurrence
    value: Value | None

    @property
    def moment(self) -> int:
        """When it was, as the occurrence says."""
        return self.occurrence.moment


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: its keys as its last event has them, the end of its window and the events in it."""

    keys: Key
    moment: int
    metric: float
    events: tuple[Event, ...]


class Correlations:
    """The correlation rules of a collection on events.

    Args:
        cased: whether keys and counted values that differ in case only are others.
        at_once: whether events of one time are in order.
        open_: whether events exactly as far apart as a window is long are not in one.
        complete: whether no events come after these.
    """

    def __init__(
        self, conditions: Conditions, events: list[Event], cased: bool = False, at_once: bool = False, open_: bool = False,
        complete: bool = False,
    ) -> None:  # fmt: skip
        self.conditions, self.events = conditions, events
        self.cased, self.at_once, self.open = cased, at_once, open_
        self._found: dict[int, list[Alert]] = {}
        moments = [e.moment for e in events if e.moment is not None]
        self.horizon = math.inf if complete else max(moments, default=0)

    def key(self, value: Value) -> Value:
        """A value as it is compared with others of its field."""
        return value.translate(_ASCII_LOWER) if isinstance(value, str) and not self.cased else value

    def alerts(self, rule: SigmaCorrelationRule) -> list[Alert]:
        """The alerts of a rule in the order of their time, one for each window that satisfies it.

        Raises:
            NotReadable: for rules that refer to each other, and what the reader does not know.
        """
        if id(rule) not in self._found:
            self._found[id(rule)] = []  # what refers to itself finds nothing of itself
            span = rule.timespan.seconds * 1_000_000 - self.open  # times are in microseconds
            alerts = [a for members in self.groups(rule).values() for a in self.of_group(rule, members, span)]
            self._found[id(rule)] = sorted(alerts, key=lambda a: a.moment)
        return self._found[id(rule)]

    def groups(self, rule: SigmaCorrelationRule) -> dict[Key, list[Member]]:
        """What the rules of a correlation find, by group, in the order of time."""
        field = getattr(rule.condition, "fieldref", None)
        if isinstance(field, list):
            raise NotReadable("a correlation that counts several fields")
        found: dict[Key, list[Member]] = {}
        for slot, reference in enumerate(rule.referenced_rules):
            names = {
                alias.alias: name
                for alias in rule.aliases
                for other, name in alias.mapping.items()
                if other.reference in (reference.reference, reference.rule.name, str(reference.rule.id))
            }
            for occurrence in self.occurrences(reference.rule):
                keys = [_single(occurrence, names.get(k, k)) for k in rule.group_by or []]
                present = [k for k in keys if k is not None]
                if len(present) == len(keys):
                    value = _single(occurrence, names.get(field, field)) if field else None
                    found.setdefault(tuple(map(self.key, present)), []).append(Member(slot, occurrence, value))
        return {key: sorted(members, key=lambda m: m.moment) for key, members in found.items()}

    def occurrences(self, rule: SigmaRule | SigmaCorrelationRule) -> list[Occurrence]:
        """The times at which a rule matches: an event for a rule, a group for a correlation.

        Raises:
            NotReadable: where an event of a correlation has no time.
        """
        if isinstance(rule, SigmaRule):
            chosen = self.conditions.chosen(rule, self.events)
            if any(e.moment is None for e in chosen):
                raise NotReadable("an event without a time in a correlation")
            return [Occurrence((e.number,), e.moment, e.values, (e,)) for e in chosen if e.moment is not None]
        found = []
        for number, alert in enumerate(self.alerts(rule)):
            own: dict[str, tuple[Value, ...]] = {k: (v,) for k, v in zip(rule.group_by or [], alert.keys, strict=True)}
            own[rule.type.name.lower()] = (alert.metric,)
            for event in alert.events:
                found.append(Occurrence((-1, id(rule), number), alert.moment, {**event.values, **own}, alert.events))
        return found

    def of_group(self, rule: SigmaCorrelationRule, members: list[Member], span: int) -> list[Alert]:
        """The alerts of one group."""
        keys = self.shown(rule, members)
        if isinstance(rule.condition, SigmaExtendedCorrelationCondition):
            return self.extended(rule, rule.condition, members, span, keys)
        found = []
        for end in dict.fromkeys(m.moment for m in members):
            window = [m for m in members if end - span <= m.moment <= end]
            metric = _metric(rule, window, self.key)
            if metric is None or not _satisfied(rule.condition.op, metric, rule.condition.count):
                continue
            if rule.type is SigmaCorrelationType.TEMPORAL_ORDERED and not self.in_order(rule, window):
                continue
            found.append(Alert(keys, end, metric, _events(window)))
        return found

    def in_order(self, rule: SigmaCorrelationRule, window: list[Member]) -> bool:
        """Whether as many rules as are asked for found something one after the other, in the order in which they are named."""
        condition = rule.condition
        assert not isinstance(condition, SigmaExtendedCorrelationCondition)
        match condition.op:
            case SigmaCorrelationConditionOperator.GTE:
                least = condition.count
            case SigmaCorrelationConditionOperator.GT:
                least = condition.count + 1
            case SigmaCorrelationConditionOperator.EQ:
                least = condition.count
            case _:
                raise NotReadable("an order of fewer rules than a number")
        return any(
            _follow(window, slots, self.at_once) for slots in itertools.combinations(range(len(rule.referenced_rules)), max(least, 0))
        )

    def extended(
        self, rule: SigmaCorrelationRule, condition: SigmaExtendedCorrelationCondition, members: list[Member], span: int, keys: Key
    ) -> list[Alert]:
        """The alerts of a condition in words: windows that end at an event, or begin at one where rules are absent."""
        slots = {r.reference: n for n, r in enumerate(rule.referenced_rules)}
        found: dict[tuple[int, int], list[Member]] = {}
        for wanted, absent in _alternatives(condition.parsed, False):
            if not wanted:
                raise NotReadable("a correlation of absent events alone")
            present, missing = (sorted(slots[n] for n in names) for names in (wanted, absent))
            for moment in dict.fromkeys(m.moment for m in members if not missing or m.slot in present):
                start, end = (moment, moment + span) if missing else (moment - span, moment)
                window = [m for m in members if start <= m.moment <= end]
                seen = {m.slot for m in window}
                if not seen.issuperset(present) or seen.intersection(missing) or (missing and end > self.horizon):
                    continue
                if rule.type is SigmaCorrelationType.TEMPORAL_ORDERED and not _follow(window, present, self.at_once):
                    continue
                found.setdefault((start, end), []).extend(m for m in window if m.slot in present)
        return [Alert(keys, end, len({m.slot for m in chosen}), _events(chosen)) for (_, end), chosen in found.items()]

    def shown(self, rule: SigmaCorrelationRule, members: list[Member]) -> Key:
        """The keys of a group as its first occurrence spells them."""
        first = members[0]
        reference = rule.referenced_rules[first.slot]
        names = {
            alias.alias: name
            for alias in rule.aliases
            for other, name in alias.mapping.items()
            if other.reference in (reference.reference, reference.rule.name, str(reference.rule.id))
        }
        found = (_single(first.occurrence, names.get(k, k)) for k in rule.group_by or [])
        return tuple(v for v in found if v is not None)


def _single(occurrence: Occurrence, name: str) -> Value | None:
    values = dict.fromkeys(occurrence.values.get(name, ()))
    if len(values) > 1:
        raise ValueNotTold(f"a correlation by several values of {name} in an event")
    return next(iter(values), None)


def _events(members: Iterable[Member]) -> tuple[Event, ...]:
    return tuple({e.number: e for m in members for e in m.occurrence.events}.values())


def _follow(window: list[Member], slots: Sequence[int], at_once: bool) -> bool:
    """Whether the rules of these numbers found something one after the other: each later than the one before, or ``at_once``."""
    latest: float = -math.inf
    for slot in slots:
        behind = (m.moment for m in window if m.slot == slot and (m.moment > latest or (at_once and m.moment == latest)))
        latest = min(behind, default=math.inf)
        if latest == math.inf:
            return False
    return True


def _metric(rule: SigmaCorrelationRule, window: list[Member], key: Callable[[Value], Value]) -> float | None:
    """What a correlation measures of a window; None where there is nothing to measure."""
    match rule.type:
        case SigmaCorrelationType.EVENT_COUNT:
            return len({m.occurrence.identity for m in window})
        case SigmaCorrelationType.VALUE_COUNT:
            return len({key(m.value) for m in window if m.value is not None})
        case SigmaCorrelationType.TEMPORAL | SigmaCorrelationType.TEMPORAL_ORDERED:
            return len({m.slot for m in window})
    once = {(m.occurrence.identity, m.value): m.value for m in window if m.value is not None}
    numbers = sorted(n for v in once.values() if (n := number_of(v)) is not None)
    if not numbers:
        return None
    condition: Any = rule.condition
    measures: dict[SigmaCorrelationType, Callable[[], float]] = {
        SigmaCorrelationType.VALUE_SUM: lambda: sum(numbers),
        SigmaCorrelationType.VALUE_AVG: lambda: sum(numbers) / len(numbers),
        SigmaCorrelationType.VALUE_MEDIAN: lambda: _percentile(numbers, 50),
        SigmaCorrelationType.VALUE_PERCENTILE: lambda: _percentile(numbers, condition.percentile),
    }
    if rule.type not in measures:
        raise NotReadable(f"the correlation type {rule.type.name.lower()}")
    return measures[rule.type]()


def _percentile(numbers: list[int | float], percent: int | None) -> float:
    """A percentile, between two numbers in proportion."""
    if percent is None or not 0 <= percent <= 100:
        raise NotReadable(f"the percentile {percent}")
    place = (len(numbers) - 1) * percent / 100
    low, high = numbers[math.floor(place)], numbers[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def _satisfied(operator: SigmaCorrelationConditionOperator, metric: float, count: int) -> bool:
    match operator:
        case SigmaCorrelationConditionOperator.LT:
            return metric < count
        case SigmaCorrelationConditionOperator.LTE:
            return metric <= count
        case SigmaCorrelationConditionOperator.GT:
            return metric > count
        case SigmaCorrelationConditionOperator.GTE:
            return metric >= count
        case SigmaCorrelationConditionOperator.EQ:
            return metric == count
        case SigmaCorrelationConditionOperator.NEQ:
            return metric != count


def _alternatives(node: SigmaRuleReference | CorrelationConditionItem, negated: bool) -> list[tuple[frozenset[str], frozenset[str]]]:
    """A condition as alternatives: the rules that are to find something, and those that are not."""
    if isinstance(node, SigmaRuleReference):
        names = frozenset((node.reference,))
        return [(frozenset(), names) if negated else (names, frozenset())]
    if isinstance(node, CorrelationConditionNOT):
        return _alternatives(node.args[0], not negated)
    children = [_alternatives(a, negated) for a in node.args]
    if isinstance(node, CorrelationConditionAND) == negated:  # what is joined by or
        return [alternative for child in children for alternative in child]
    found = []
    for chosen in itertools.product(*children):
        wanted = frozenset().union(*(w for w, _ in chosen))
        absent = frozenset().union(*(a for _, a in chosen))
        if not wanted & absent:
            found.append((wanted, absent))
    return found
