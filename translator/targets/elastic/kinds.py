"""The kinds of Kibana's rules that say a detection without a language of their own: query, threshold, new terms, indicator match.

Source: elastic.co/docs/solutions/security/detect-and-alert (threshold, new-terms, indicator-match).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from translator import catalog
from translator.detection.model import Detection, Selector, Threshold, counts_missing
from translator.detection.shapes import by_name
from translator.fidelity import Diagnostic, Verdict, verdict_of
from translator.kql import syntax
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.plan.conditions import LIMITS, MOMENTS, is_field, is_present
from translator.plan.expressions import Apply, Const, Expr, conjunction, conjuncts, negation, walk
from translator.plan.types import Type
from translator.rulepack.model import Rule
from translator.rulepack.settings import lost
from translator.targets.base import Cannot, Deployment, Options, Readiness
from translator.targets.elastic import KEEPS, UNREADABLE, indices
from translator.targets.elastic.queries import LANGUAGES, query_of
from translator.targets.homes import Placed
from translator.targets.names import Names
from translator.targets.sides import lost_groups

MAX_FIELDS = 3
"""Fields of a threshold before 9.2, and of new terms."""

INDICATORS = {
    "networkip": ("threat.indicator.ip",), "networksourceip": ("threat.indicator.ip",), "networkdestinationip": ("threat.indicator.ip",),
    "tiipentity": ("threat.indicator.ip",), "emailsourceipaddress": ("threat.indicator.ip",),
    "domainname": ("threat.indicator.url.domain",), "url": ("threat.indicator.url.full",),
    "filehashvalue": ("threat.indicator.file.hash.sha256", "threat.indicator.file.hash.sha1", "threat.indicator.file.hash.md5"),
    "filename": ("threat.indicator.file.name",), "emailsenderaddress": ("threat.indicator.email.address",),
    "emailsourcedomain": ("threat.indicator.url.domain",),
}  # fmt: skip
"""Where Elastic's integrations of threat intelligence keep what a column of Sentinel's holds (ECS, "Threat fields")."""

INDICATOR_INDEX = "logs-ti_*"


@dataclass(frozen=True, slots=True)
class Kind:
    """A rule of a kind: its own settings, and what they make of the detection. ``lookback`` in seconds, where it is not the detection's."""

    name: str
    settings: dict[str, Any]
    diagnostics: tuple[Diagnostic, ...]
    deployment: Deployment | None
    lookback: int | None = None
    set_up: bool = False
    keys: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """What the diagnostics of a rule of this kind come to."""
        return verdict_of(self.diagnostics)

    @property
    def is_checked(self) -> bool:
        """Whether elastic/detection-rules knows the fields, and takes a query of them in KQL; Lucene's it does not read."""
        reads = self.deployment.reads if self.deployment is not None else ()
        known = [catalog.integration_of(r.dataset) for r in reads]
        return self.readiness != Readiness.NAMES and bool(known) and all(k is not None and k.checked for k in known)

    @property
    def readiness(self) -> Readiness | None:
        """That of its query, or ``set-up`` where the kind wants something besides; None where places are not told."""
        found = self.deployment.readiness if self.deployment is not None else None
        return Readiness.SET_UP if self.set_up and found == Readiness.READY else found


def kinds(rule: Rule, placed: Placed, options: Options) -> Iterator[Kind]:
    """The kinds that say a detection, the simplest first."""
    detection = placed.detection
    if detection.others or detection.trigger is not None or detection.alerts_on_nothing:
        return
    for make in (_query, _threshold, _new_terms, _threat_match):
        found = [
            kind
            for language in LANGUAGES
            if (kind := _made(make, Names("elastic", options, placed.homes, UNREADABLE["query"]), rule, detection, language))
        ]
        if found:
            yield found[0] if found[0].is_checked else found[-1]


_Maker = Callable[[Names, Rule, Detection, str], "Kind | None"]


def _made(make: _Maker, names: Names, rule: Rule, detection: Detection, language: str) -> Kind | None:
    try:
        return make(names, rule, detection, language)
    except Cannot:
        return None


def _rule(
    names: Names, rule: Rule, detection: Detection, name: str, language: str, settings: dict[str, Any],
    said: tuple[Diagnostic, ...] = (), keys: tuple[str, ...] = (),
) -> Kind:  # fmt: skip
    output = names.output(name, ("",), (*detection.diagnostics, *names.said, *said))
    read = list(dict.fromkeys(pattern for s in detection.shown for pattern in indices(names, s)))
    columns, about = shown_fields(names, rule, detection), sorted(entity_fields(names, rule, detection))
    said_of = {"type": name, "language": language, "index": read, **settings}
    diagnostics = (*output.diagnostics, *lost(rule, KEEPS))
    return Kind(
        name, said_of, diagnostics, output.deployment, keys=tuple(dict.fromkeys((*keys, *about))), columns=columns, fields=output.fields
    )


def shown_fields(names: Names, rule: Rule, detection: Detection) -> dict[str, str]:
    """The fields that events have for the columns of the rule's alerts, of several tables those that all of these have."""
    rows = [{n: names.shown(x) for n, x in s.outputs if n in rule.alert_columns} for s in detection.shown]
    return {n: f for n, f in rows[0].items() if f and all(row.get(n) == f for row in rows)}


def entity_fields(names: Names, rule: Rule, detection: Detection) -> set[str]:
    """The fields of the rule's entities; a name that no field has for one that is no field."""
    found = set()
    for selector in detection.shown:
        row = dict(selector.outputs)
        columns = dict.fromkeys(e.column for e in rule.entities) or [c for c in row if c.endswith("CustomEntity")]
        for column in columns:
            value = row.get(column)
            found.add(names.shown(value) if value is not None else "")
    return found if detection.kind != "event" else found - {""}


def _query(names: Names, rule: Rule, detection: Detection, language: str) -> Kind | None:
    if detection.kind != "event" or language != "kuery":
        return None
    return _rule(names, rule, detection, "query", language, {"query": query_of(names, detection.selectors, language)})


def _threshold(names: Names, rule: Rule, detection: Detection, language: str) -> Kind | None:
    """So many events, or so many different values, of all events with the same keys; events without a key count for nothing."""
    t = detection.threshold
    if t is None or detection.kind not in ("event_count", "value_count") or not t.grows or detection.bin is not None:
        return None
    keys = [_field(names, [s.keys[n] for s in detection.selectors]) for n in range(len(detection.group_by))]
    if len(keys) > MAX_FIELDS or detection.timespan != detection.lookback:
        return None
    least = _at_least(t)
    if least < 1:
        return None
    threshold: dict[str, Any] = {"field": keys, "value": least, "cardinality": []}
    said = []
    if t.kind == "value_count":
        counted = _field(names, list(t.fields))
        threshold |= {"value": 1, "cardinality": [{"field": counted, "value": least}]}
        if any(counts_missing(x) and not is_present(x, s.predicate) for s, x in zip(detection.selectors, t.fields, strict=True)):
            said.append(Diagnostic("missing-value", "events without the counted field count as one more value in KQL"))
    said += [missed] if (missed := lost_groups(rule, detection)) is not None else []
    if not entity_fields(names, rule, detection) <= {*keys}:
        return None  # the alert of a threshold has its fields alone
    settings = {"query": query_of(names, detection.selectors, language), "threshold": threshold}
    return _rule(names, rule, detection, "threshold", language, settings, tuple(said), tuple(keys))


def _at_least(threshold: Threshold) -> int:
    whole = int(threshold.count)
    return whole + 1 if threshold.operator == ">" or whole != threshold.count else whole


def _new_terms(names: Names, rule: Rule, detection: Detection, language: str) -> Kind | None:
    """Events with keys that no event of the same kind had in the window before."""
    if detection.kind != "temporal" or len(detection.sides) != 2 or detection.bin is not None or detection.within is not None:
        return None
    now, earlier = detection.sides
    if now.absent or not earlier.absent or any(len(s.selectors) != 1 or s.threshold is not None for s in (now, earlier)):
        return None
    (seen,), (before,) = now.selectors, earlier.selectors
    (rest, recent), (history, older) = _timed(seen.predicate), _timed(before.predicate)
    if len(seen.keys) not in range(1, MAX_FIELDS + 1) or _asked(seen, rest) != _asked(before, history) or seen.table != before.table:
        return None
    start, back = _seconds(recent, ("after", "since")), _seconds(older, ("since", "after"))
    end = _seconds(older, ("until", "before"))
    if start is None or end != start:
        return None
    fields = [_field(names, [key]) for key in seen.keys]
    if not entity_fields(names, rule, detection) <= {*fields}:
        return None  # of all events with new terms the first alone alerts
    said = [missed] if (missed := lost_groups(rule, detection)) is not None else []
    query = query_of(names, (replace(seen, predicate=rest),), language)
    since = min(back or detection.lookback, detection.lookback)
    settings = {"query": query, "new_terms_fields": fields, "history_window_start": f"now-{since}s"}
    found = _rule(names, rule, detection, "new_terms", language, settings, tuple(said), tuple(fields))
    kept = tuple(d for d in found.diagnostics if d.code != "window-in-search")
    return replace(found, diagnostics=kept, lookback=start)


def _asked(selector: Selector, condition: Expr) -> tuple[list[Expr], set[Expr]]:
    """The keys of some events and what is asked of these, but that the keys are there: none of what is not there is new."""
    there = {negation(Apply(None, Type.BOOL, "isempty", (key,))) for key in selector.keys}
    return [by_name(k) for k in selector.keys], {by_name(p) for p in conjuncts(condition) if p not in there}


def _threat_match(names: Names, rule: Rule, detection: Detection, language: str) -> Kind | None:
    """Events of which a field holds what an indicator holds."""
    if detection.kind != "event" or len(detection.selectors) != 1:
        return None
    (selector,) = detection.selectors
    matches = [p for p in conjuncts(selector.predicate) if _listed(p)]
    rest = [p for p in conjuncts(selector.predicate) if p not in matches]
    if len(matches) != 1 or any(isinstance(n, Apply) and n.function.startswith("expand") for p in rest for n in walk(p)):
        return None
    said, mapping = list[Diagnostic](), []
    for atom in _listed(matches[0]):
        assert isinstance(atom.args[1], Const)
        column = str(atom.args[1].value).removeprefix("threat_indicators_").replace("_", "")
        own = names.field(atom.args[0])
        for value in INDICATORS.get(column, ()):
            mapping.append({"entries": [{"field": own, "type": "mapping", "value": value}]})
        if column not in INDICATORS:
            return None
        if atom.function == "expand":
            said.append(Diagnostic("key-case", "the KQL compares these values without case, an indicator match with it", atom.span))
    settings = {
        "query": query_of(names, (replace(selector, predicate=conjunction(*rest)),), language),
        "threat_index": [INDICATOR_INDEX],
        "threat_query": '@timestamp >= "now-30d/d"',
        "threat_language": "kuery",
        "threat_mapping": mapping,
        "threat_indicator_path": "threat.indicator",
    }
    matched = dict.fromkeys(m["entries"][0]["field"] for m in mapping)
    if any(d.code == "list-condition" and not _of_validity(rule, d) for d in detection.diagnostics):
        said.append(Diagnostic("condition-dropped", "what the query asks of the indicators is not asked of those that are matched"))
    found = _rule(names, rule, detection, "threat_match", language, settings, tuple(said), tuple(matched))
    return replace(found, set_up=True)


VALIDITY = frozenset({"Active", "ExpirationDateTime", "TimeGenerated", "LatestIndicatorTime", "IndicatorId"})
"""Columns that say whether an indicator holds, as an integration keeps those that do."""


def _of_validity(rule: Rule, said: Diagnostic) -> bool:
    """Whether a condition on a list asks for no more than indicators that hold, with the value that is matched."""
    text = rule.query[slice(*said.span)] if said.span is not None else ""
    try:
        asked = {n.name for n in syntax.walk(parse(f"T | where {text}")) if isinstance(n, syntax.NameReference)}
    except KqlSyntaxError:
        return False
    columns = asked & catalog.schemas()["ThreatIntelligenceIndicator"].keys()
    return all(name in VALIDITY or name.lower() in INDICATORS for name in columns)


def _listed(part: Expr) -> list[Apply]:
    """The tests of a condition, where it is that one of some fields is on a list of threat intelligence."""
    members = part.args if isinstance(part, Apply) and part.function == "or" else (part,)
    found = [
        m
        for m in members
        if isinstance(m, Apply) and m.function in ("expand", "expand_cs") and is_field(m.args[0]) and isinstance(m.args[1], Const)
    ]
    named = all(str(m.args[1].value).startswith("threat_indicators") for m in found if isinstance(m.args[1], Const))
    return found if len(found) == len(members) and named else []


def _field(names: Names, given: list[Expr]) -> str:
    """The one field that some keys are. Raises Cannot where they are several, or none that is stored."""
    found = {names.field(x) for x in given if names.readable(x)} if all(map(is_field, given)) else set()
    if len(found) != 1 or any(names.is_multivalue(x) for x in given):
        raise Cannot(Diagnostic("target-cannot", "the events are not grouped by one field", None))
    return found.pop()


def _timed(predicate: Expr) -> tuple[Expr, list[Apply]]:
    """A condition without its limits on the time, and these."""
    parts = list(conjuncts(predicate))
    limits = [p for p in parts if isinstance(p, Apply) and p.function in MOMENTS]
    return conjunction(*(p for p in parts if p not in limits)), limits


def _seconds(limits: list[Apply], which: tuple[str, ...]) -> int | None:
    found = [x.args[0].value for x in limits if x.function in which and x.function in LIMITS and isinstance(x.args[0], Const)]
    return found[0] if len(found) == 1 and isinstance(found[0], int) else None
