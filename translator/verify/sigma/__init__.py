"""A reader of Sigma: runs rules, correlation rules and filters on events in memory.

pySigma reads the YAML, applies modifiers and filters and resolves references; what its conditions mean is written here, after the
specification. A backend may read them otherwise where that leaves something open.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from translator.verify.reading import Lists, NotReadable, Row
from translator.verify.sigma.conditions import Conditions
from translator.verify.sigma.correlations import Correlations
from translator.verify.sigma.events import events_of

__all__ = ["parse", "run", "timespans"]


def parse(text: str) -> SigmaCollection:
    """The rules of one or several YAML documents, modifiers and filters applied.

    Raises:
        NotReadable: for what is no YAML or no Sigma.
    """
    try:
        collection = SigmaCollection.from_yaml(text)
        for rule in collection.rules:
            if isinstance(rule, SigmaRule):
                for condition in rule.detection.parsed_condition:
                    condition.parse()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise NotReadable("what is no YAML", getattr(mark, "index", None)) from error
    except SigmaError as error:
        raise NotReadable(str(error)) from error
    return collection


@functools.lru_cache(maxsize=64)
def _read(text: str) -> tuple[SigmaCollection, dict[int, list[Any]]]:
    """The rules of a text, and the conditions of each by the id of the rule: pySigma parses these anew whenever they are asked for."""
    collection = parse(text)
    return collection, {}


def timespans(text: str) -> list[int]:
    """The timespans of the correlations of a text, in seconds.

    Raises:
        NotReadable: for what is no YAML or no Sigma.
    """
    return [r.timespan.seconds for r in _read(text)[0].rules if isinstance(r, SigmaCorrelationRule)]


def run(
    text: str,
    events: Iterable[Mapping[str, object]],
    now: dt.datetime | None = None,
    lists: Lists | None = None,
    cased: bool = False,
    at_once: bool = False,
    open_: bool = False,
    complete: bool = False,
) -> list[Row]:
    """What the rules of a text find.

    Args:
        events: mappings, nested or with names with dots. The time of one is in ``timestamp`` or a field of ``TIMES``; ``logsource``, a
        mapping
            with category, product and service, says where it comes from: a rule takes events of its log source, and those that say none.
        now: ignored, since Sigma has no clock.
        cased: whether correlations tell keys apart that differ in case only, which the specification leaves open.
        at_once: whether events of one time are in order, which it leaves open as well.
        open_: whether events exactly as far apart as a window is long are not in one, which it leaves open as well.
        complete: whether no events come after these, so that every window is over in which one may be absent.
        lists: the values of placeholders (``expand``), by their names: rows with a column ``value``, or with one column.

    Returns:
        For a rule the events that it finds; for a correlation rule a row for each group that alerts, with the fields of its ``group-by``
        and the ``events`` of its first alert. A rule that a correlation refers to gives none, unless the correlation has ``generate``.

    Raises:
        NotReadable: for what is no Sigma, and for what the reader does not know.
    """
    collection, trees = _read(text)
    found = events_of(events)
    conditions = Conditions(lists or {}, trees)
    correlations = Correlations(conditions, found, cased, at_once, open_, complete)
    rows: list[Row] = []
    try:
        for rule in collection.rules:
            if not rule._output:
                continue
            if isinstance(rule, SigmaCorrelationRule):
                groups: dict[object, Row] = {}
                for alert in correlations.alerts(rule):
                    row: Row = dict(zip(rule.group_by or [], alert.keys, strict=True))
                    groups.setdefault(alert.keys, row | {"events": [e.row for e in alert.events]})
                rows += groups.values()
            elif isinstance(rule, SigmaRule):
                rows += [e.row for e in conditions.chosen(rule, found)]
    except SigmaError as error:
        raise NotReadable(str(error)) from error
    return rows
