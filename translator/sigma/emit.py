"""Sigma documents from a detection: base rules, and the correlations over them.

Source: github.com/SigmaHQ/sigma-specification, specification/sigma-rules-specification.md and sigma-correlation-rules-specification.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from translator.detection.model import Detection, Selector, Side, Threshold, counts_missing
from translator.detection.windows import duration
from translator.fidelity import Place
from translator.plan.conditions import is_field
from translator.plan.expressions import Apply, Const, Expr, Value, conjuncts
from translator.rulepack.model import Rule
from translator.sigma.groups import MISSING_VALUE, groups, requires
from translator.sigma.identity import is_uuid, stable_id
from translator.sigma.metadata import LEVELS, shared_links, tags, without_links
from translator.sigma.selections import Selections
from translator.sigma.titles import shortened, titled
from translator.targets.names import Names
from translator.targets.sides import YEAR_ONE

OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "==": "eq"}


def documents_of(
    rule: Rule, detection: Detection, names: Names, logsource: Callable[[Selector], dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The Sigma documents of a detection. ``logsource`` gives that of a selector where it is not the taxonomy's.

    Raises:
        Cannot: where Sigma has no way to say it.
    """
    source = logsource or (lambda selector: source_of(names, rule, selector))
    return [d for part in groups(rule, detection, names) for d in _Documents(rule, part, names, source).all()]


def spells(names: Names, selector: Selector, part: Expr) -> None:
    """Raises Cannot where Sigma has no way to say this condition."""
    Selections(names, replace(selector, predicate=part)).condition()


class _Documents:
    def __init__(self, rule: Rule, detection: Detection, names: Names, logsource: Callable[[Selector], dict[str, Any]]) -> None:
        self.rule, self.detection, self.names, self.logsource = rule, detection, names, logsource
        self.tags = tags(rule, names)
        self.roles = _roles(detection)

    def all(self) -> list[dict[str, Any]]:
        selectors = self.detection.selectors
        if self.detection.kind == "event":
            return [self.base(s, len(selectors) == 1) for s in selectors]
        documents = [self.base(s, False) for s in selectors if self.roles[s.name] == s.name]
        counted = [self.side_count(side) for side in self.detection.sides if side.threshold is not None]
        return [*documents, *counted, self.correlation()]

    def single_group(self, selectors: tuple[Selector, ...]) -> str:
        """A field that all events have with one value, by which they are one group, as Sigma's correlations want one; else empty."""
        exact = self.names.options.prefer == "exact"
        pinned = [
            {(self.names.field(f), v) for f, v in _pinned(s.predicate) if exact or not isinstance(v, str)} for s in selectors
        ]  # fmt: skip
        return min((name for name, _ in set.intersection(*pinned)), default="")

    def side_count(self, side: Side) -> dict[str, Any]:
        """The correlation that counts the events of one side, for the correlation of all sides to refer to."""
        assert side.threshold is not None
        references = {s.name: self.reference(self.roles[s.name]) for s in side.selectors}
        document = self.head(f"{side.name}_count", f"count of {side.name}", False)
        aliases: dict[str, dict[str, str]] = {}
        group_by = []
        for number in range(len(side.grouping[0])):
            found = [self.key(g[number]) for g in side.grouping]
            name = _one_name(found, number)
            if len(set(found)) > 1:
                aliases[name] = {references[s.name]: field for s, field in zip(side.selectors, found, strict=True)}
            group_by.append(name)
        body: dict[str, Any] = {"type": side.threshold.kind, "rules": list(references.values())}
        if group_by:
            body["group-by"] = group_by
        body["timespan"] = duration(self.detection.timespan)
        body["condition"] = self.condition(side.threshold, side.selectors, references, aliases)
        fields_of = zip(side.selectors, side.threshold.fields, strict=False)
        if side.threshold.kind == "value_count" and any(counts_missing(x) and not requires(s.predicate, x) for s, x in fields_of):
            self.names.say("missing-value", MISSING_VALUE, None, side.threshold.measured)
        finer = ((s, x) for s, group in zip(side.selectors, side.grouping, strict=True) for x in group if x not in s.keys)
        if any(not requires(s.predicate, x) for s, x in finer):
            self.names.say("empty-join-key", "events without a field that the summary counts by are a group of their own in KQL")
        if aliases:
            body["aliases"] = aliases
        document["correlation"] = body
        return {**document, **self.tail(False)}

    def key(self, expr: Expr) -> str:
        """The field that events are grouped by, or of which the values are measured."""
        with self.names.within(Place.BOTH):
            return self.names.field(expr)

    def head(self, role: str, suffix: str, main: bool) -> dict[str, Any]:
        rule, part = self.rule, self.detection.part
        suffix_ = "" if main else f" - {suffix}"
        stem, ending = titled(rule.name), titled(suffix_ + (f" ({part.replace('_', ' ').strip()})" if part else ""))
        document: dict[str, Any] = {
            "title": shortened(stem, f" {ending}" if ending != "Untitled" else ""), "id": stable_id(rule, part + role),
        }  # fmt: skip
        if not main:
            document["name"] = self.reference(role)
        if is_uuid(rule.id):
            document["related"] = [{"id": rule.id.lower(), "type": "derived"}]
        document["status"] = "experimental"
        text, links = without_links(rule.description or rule.name)
        text = text if main else f"Events from {suffix} for the rule '{rule.name}'. {text}"
        references, moved = shared_links([*rule.references, *links])
        if not document["title"].lower().startswith(" ".join(rule.name.split()).lower().rstrip(". ")):
            text += f" Original title: {rule.name}."
        document["description"] = text + "".join(f" See {link}." for link in moved)
        if references:
            document["references"] = references
        if author := rule.author or self.names.options.author:
            document["author"] = author
        if date := rule.day or self.names.options.date:
            document["date"] = date
        if self.tags:
            document["tags"] = self.tags
        return document

    def tail(self, main: bool) -> dict[str, Any]:
        level = self.rule.severity if self.rule.severity in LEVELS else ""
        if not level and main:
            level = "medium"
            self.names.say("level-assumed", "the rule has no severity: level medium is written")
        return {"falsepositives": list(self.rule.false_positives) or ["Unknown"], "level": level if main else "informational"}

    def reference(self, role: str) -> str:
        words = re.sub(r"[^a-z0-9]+", "_", self.rule.name.lower()).strip("_")[:60]
        return f"{words}_{self.detection.part}{role}"

    def base(self, selector: Selector, main: bool) -> dict[str, Any]:
        same = [s.name for s in self.detection.selectors if s.table == selector.table]
        suffix = f"{selector.table} ({same.index(selector.name) + 1} of {len(same)})" if len(same) > 1 else selector.table
        document = self.head(selector.name if not main else "rule", suffix, main)
        document["logsource"] = self.logsource(selector)
        with self.names.within(self.detection.place_of(selector)):
            document["detection"] = Selections(self.names, selector).detection()
        return {**document, **self.tail(main or self.detection.kind == "event")}

    def key_of(self, side: Side, selector: Selector, number: int) -> str:
        """What the document that stands for a selector calls a key: that which counts a side, with one name for all fields of it."""
        own = selector.keys[number]
        if side.threshold is not None and len(side.selectors) > 1 and side.grouping:
            place = list(side.grouping[side.selectors.index(selector)]).index(own)
            return _one_name([self.key(g[place]) for g in side.grouping], place)
        return self.key(own)

    def correlation(self) -> dict[str, Any]:
        detection = self.detection
        document = self.head("correlation", "correlation", True)
        references = {
            s.name: self.reference(s.name if side.threshold is None else f"{side.name}_count")
            for side in detection.sides
            for s in side.selectors
        }
        body: dict[str, Any] = {"type": detection.kind, "rules": list(dict.fromkeys(references.values()))}
        aliases: dict[str, dict[str, str]] = {}
        group_by = []
        for number, name in enumerate(detection.group_by):
            fields = {references[s.name]: self.key_of(side, s, number) for side in detection.sides for s in side.selectors}
            if len(set(fields.values())) == 1:
                group_by.append(next(iter(fields.values())))
            else:
                aliases[name] = fields
                group_by.append(name)
        if not group_by and (single := self.single_group(detection.selectors)):
            group_by = [single]
        if group_by:
            body["group-by"] = group_by
        body["timespan"] = duration(detection.timespan)
        if detection.threshold is not None:
            body["condition"] = self.condition(detection.threshold, detection.selectors, references, aliases)
        elif any((len(side.selectors) > 1 and side.threshold is None) or side.absent for side in detection.sides):
            parts = []
            for side in detection.sides:
                text = " or ".join(dict.fromkeys(references[s.name] for s in side.selectors))
                text = f"({text})" if " or " in text else text
                parts.append(f"not {text}" if side.absent else text)
            body["condition"] = " and ".join(parts)
        if aliases:
            body["aliases"] = aliases
        if any(side.absent for side in detection.sides):
            self.names.say("absence-anchoring", "the KQL wants no such event in its whole window, Sigma none after the other event")
        if detection.kind == "temporal_ordered" and not detection.strict:
            self.names.say("equal-times", "the KQL takes events of the same moment for ordered, of which Sigma says nothing")
        if detection.open and detection.within:
            self.names.say(
                "window-bound", f"whether events exactly {duration(detection.within)} apart are in one window, Sigma does not say"
            )
        if detection.bin and YEAR_ONE % detection.bin:
            what = f"the KQL's buckets of {duration(detection.bin)} begin where those of no backend do: a window slides here"
            self.names.say("bucket-widened", what)
        elif detection.bin:
            self.names.say("window-anchoring", f"the KQL counts in fixed buckets of {duration(detection.bin)}")
        self.entities()
        document["correlation"] = body
        return {**document, **self.tail(True)}

    def condition(
        self, threshold: Threshold, selectors: tuple[Selector, ...], references: dict[str, str], aliases: dict[str, dict[str, str]]
    ) -> dict[str, Any]:  # fmt: skip
        if not threshold.grows:
            self.names.say("few-anchoring", "the KQL measures its whole window, Sigma at each event what came before it")
        condition: dict[str, Any] = {OPERATORS[threshold.operator]: threshold.count}
        if threshold.fields:
            fields = {references[s.name]: self.key(x) for s, x in zip(selectors, threshold.fields, strict=True)}
            if len(set(fields.values())) == 1:
                condition["field"] = next(iter(fields.values()))
            else:
                aliases["counted_value"] = fields
                condition["field"] = "counted_value"
            if threshold.percentile is not None:
                condition["percentile"] = threshold.percentile
        return condition

    def entities(self) -> None:
        """Says which entities of the rule are no key of the correlation."""
        for column in dict.fromkeys(e.column for e in self.rule.entities):
            keyed = any(dict(s.outputs).get(column) in s.keys for s in self.detection.selectors if dict(s.outputs).get(column))
            if not keyed:
                self.names.say("entity-in-events", f"the entity {column} is in the correlated events, not in the key of the alert")


def _roles(detection: Detection) -> dict[str, str]:
    """For each selector the one whose document stands for it: sides that count the same events share it."""
    found: dict[str, str] = {}
    shared: dict[tuple[str, str, Expr], str] = {}
    for side in detection.sides:
        for selector in side.selectors:
            events = selector.table, selector.home, selector.predicate
            found[selector.name] = shared.setdefault(events, selector.name) if side.threshold else selector.name
    return found


def source_of(names: Names, rule: Rule, selector: Selector) -> dict[str, Any]:
    """The logsource of a selector's table, with the connector that the rule says must be on."""
    found, table = names.home(selector), selector.table
    source: dict[str, Any] = dict(found.place) if found else {"product": "azure", "service": table.lower()}
    if names.options.fields == "source":
        source = {"product": "azure", "service": table}
    connectors = [c.id for c in rule.connectors if table in {t.split(" ")[0] for t in c.data_types}]
    if connectors:
        source["definition"] = f"Requires the Microsoft Sentinel data connector {', '.join(dict.fromkeys(connectors))}"
    return source


def _pinned(predicate: Expr) -> list[tuple[Expr, Value]]:
    """The fields that each event has with one value, cased or a number."""
    return [
        (p.args[0], p.args[1].value)
        for p in conjuncts(predicate)
        if isinstance(p, Apply) and p.function == "==" and is_field(p.args[0]) and isinstance(p.args[1], Const)
        if p.args[1].value not in ("", None)
    ]


def _one_name(fields: Sequence[str], number: int) -> str:
    """The name of a key: that of its field, one of its own where the rules have it in several."""
    return fields[0] if len(set(fields)) == 1 else f"key_{number + 1}"
