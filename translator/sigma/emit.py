"""Sigma documents from a detection.

Source: github.com/SigmaHQ/sigma-specification, specification/sigma-rules-specification.md, sigma-correlation-rules-specification.md
and sigma-modifiers (appendix).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import combinations, islice
from types import MappingProxyType
from typing import Any, TypeVar

import yaml

from translator import attack, catalog
from translator.detection.model import Detection, Selector, Side, Threshold, compares, counts_missing
from translator.fidelity import Diagnostic, Place
from translator.plan.expressions import (
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Value,
    conjunction,
    conjuncts,
    const,
    disjunction,
    negation,
    transform,
)
from translator.plan.patterns import searched
from translator.plan.simplify import TEXT_OPERATORS, is_field, pushed, simplify
from translator.plan.types import Type
from translator.regex.parser import RegexError
from translator.regex.writers import END, Inexpressible, sigma
from translator.rulepack.model import Rule
from translator.sigma.identity import is_uuid, stable_id
from translator.sigma.titles import shortened, titled
from translator.targets.base import Cannot, duration
from translator.targets.homes import TIMES
from translator.targets.names import Names
from translator.targets.predicates import takes_empty, tell_of_ascii, values
from translator.targets.sides import identifying
from translator.targets.text import has_pattern

_T = TypeVar("_T")

EXACT = frozenset({"==", "in"})
"""Comparisons that any type of field takes."""

OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "==": "eq"}
LEVELS = frozenset({"informational", "low", "medium", "high", "critical"})


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


ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "antivirus": "Signature",
        "dns": "query",
        "dns_query": "QueryName",
        "firewall": "src_ip",
        "network_connection": "DestinationIp",
        "process_creation": "Image",
        "ps_script": "ScriptBlockText",
        **dict.fromkeys(("file_event", "file_change", "file_delete", "file_rename"), "TargetFilename"),
        **dict.fromkeys(("image_load", "driver_load"), "ImageLoaded"),
        **dict.fromkeys(("proxy", "webserver"), "cs-method"),
        **dict.fromkeys(("registry_event", "registry_set", "registry_add", "registry_delete"), "TargetObject"),
    }
)
"""By category of a log source: a field that all of its events have (Sigma specification, appendix taxonomy, "Fields")."""

MAX_PARTS = 3
"""How many groups of events without some of the keys are written, each in documents of its own: those of two keys."""


def groups(rule: Rule, detection: Detection, names: Names) -> list[Detection]:
    """``detection`` with all that must stand beside it for what Sigma's correlations do not see."""
    return [found for keyed in _keyed(rule, detection, names) for found in _with_missing_value(keyed, names)]


def _with_missing_value(detection: Detection, names: Names) -> list[Detection]:
    """``detection``, and where it counts distinct values that events may lack, the count with a missing one as a value of its own.

    That is one value less among the events that have the field, and an event that lacks it.
    """
    threshold = detection.threshold
    if threshold is None or threshold.kind != "value_count":
        return [detection]
    (side,) = detection.sides
    fields = dict(zip((s.name for s in side.selectors), threshold.fields, strict=True))
    if all(_has(s.predicate, fields[s.name]) or not counts_missing(fields[s.name]) for s in side.selectors):
        return [detection]
    if not threshold.grows:
        names.say("missing-value", _MISSING_VALUE, None, threshold.measured)
        return [detection]
    names.say("missing-value-group", "events without the counted field are one more value in KQL: a correlation of their own is written")

    def part(suffix: str, missing: bool) -> tuple[Selector, ...]:
        found = []
        for selector in side.selectors:
            lacks = _lacks(fields[selector.name])
            predicate = conjunction(selector.predicate, lacks if missing else negation(lacks))
            found.append(replace(selector, name=f"{selector.name}_{suffix}", predicate=predicate))
        return tuple(found)

    lacking, having = part("without_value", True), part("with_value", False)
    sides = [Side(f"{side.name}_without_value", lacking)]
    fewer = replace(threshold, count=threshold.count - 1)
    if fewer.count > 0 or (fewer.count == 0 and fewer.operator == ">"):
        sides.insert(0, Side(f"{side.name}_with_value", having, False, fewer, tuple(s.keys for s in having)))
    beside = replace(detection, kind="temporal", sides=tuple(sides), threshold=None, part=f"{detection.part}with_missing_value_")
    return [detection, beside]


_MISSING_VALUE = "events without the counted field count as one more value in KQL"


def _keyed(rule: Rule, detection: Detection, names: Names) -> list[Detection]:
    """``detection``, and beside it the groups that its correlation leaves out: those of events without one or more of the keys.

    KQL takes the events without a key for one group, Sigma's correlations for none. Nothing is written for those that lack all keys
    that identify the alert, since such an alert identifies nothing.
    """
    missing = [n for n, guaranteed in enumerate(detection.guaranteed) if not guaranteed]
    if not missing:
        return [detection]
    entities = identifying(rule, detection)
    all_subsets = (s for size in range(1, len(missing) + 1) for s in combinations(missing, size))
    subsets = list(islice((s for s in all_subsets if not entities or not entities <= {*s}), MAX_PARTS + 1))
    if entities and entities <= {*missing}:
        names.say("empty-entity", "events without the key are one group in KQL, and are left out by Sigma correlations")
    if not subsets:
        return [detection]
    if len(subsets) > MAX_PARTS:
        names.say("empty-join-key", "events without the keys are groups in KQL, and are left out by Sigma correlations")
        return [detection]
    names.say("empty-key-group", "events without the key are one group in KQL: a correlation of their own is written for them")
    thresholds = [detection.threshold, *(side.threshold for side in detection.sides)]
    few = any(side.absent for side in detection.sides) or any(t is not None and not t.grows for t in thresholds)
    return [_with_keys(detection, missing) if few else detection, *(_without_keys(detection, s) for s in subsets)]


def _with_keys(detection: Detection, required: list[int]) -> Detection:
    """``detection`` of those events alone that have the keys of these numbers: an empty key is a group of its own in some backends."""

    def present(selector: Selector) -> Selector:
        conditions = [negation(_lacks(selector.keys[n])) for n in required]
        return replace(selector, predicate=conjunction(selector.predicate, *conditions))

    return replace(detection, sides=tuple(replace(side, selectors=tuple(map(present, side.selectors))) for side in detection.sides))


def _lacks(key: Expr) -> Expr:
    return simplify(Apply(None, Type.BOOL, "isempty", (key,)))


def _without_keys(detection: Detection, left_out: tuple[int, ...]) -> Detection:
    """The correlation of those events that lack the keys of these numbers, grouped by the other keys."""

    def remaining(items: tuple[_T, ...]) -> tuple[_T, ...]:
        return tuple(x for n, x in enumerate(items) if n not in left_out)

    sides = []
    for side in detection.sides:
        selectors, grouping = [], []
        for number, selector in enumerate(side.selectors):
            absent = [selector.keys[n] for n in left_out]
            predicate = conjunction(selector.predicate, *map(_lacks, absent))
            selectors.append(replace(selector, predicate=predicate, keys=remaining(selector.keys)))
            if side.grouping:
                grouping.append(tuple(g for g in side.grouping[number] if g not in absent))
        sides.append(replace(side, selectors=tuple(selectors), grouping=tuple(grouping)))
    without = "_".join(re.sub(r"\W+", "_", detection.group_by[n]) for n in left_out)
    return replace(
        detection,
        sides=tuple(sides),
        group_by=remaining(detection.group_by),
        guaranteed=remaining(detection.guaranteed),
        part=f"{detection.part}without_{without}_",
    )


def check(documents: list[dict[str, Any]]) -> None:
    """Has pySigma read the documents and resolve their references.

    Raises:
        Cannot: where pySigma refuses them, with its reason.
    """
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError

    try:
        SigmaCollection.from_dicts(documents).resolve_rule_references()
    except SigmaError as error:
        raise Cannot(Diagnostic("target-cannot", f"pySigma refuses the Sigma for this rule: {error}")) from error


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _string)


def dump(document: dict[str, Any]) -> str:
    """A Sigma document as YAML."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def without_links(text: str) -> tuple[str, list[str]]:
    """A description without the addresses of pages in it, which SigmaHQ keeps among the references, and these addresses."""
    links = [link.rstrip(".,;:'\")]>") for link in re.findall(r"https?://\S+", text)]
    for link in links:
        text = text.replace(link, "(see references)")
    return text, links


def shared_links(links: list[str]) -> tuple[list[str], list[str]]:
    """References as SigmaHQ keeps them, and the links that became others: ATT&CK is told by tags, a file on GitHub by its folder.

    A link to a file on a branch does not last; one with the commit, which only its author knows, is kept.
    """
    kept, moved = list[str](), list[str]()
    for link in dict.fromkeys(links):
        file = re.fullmatch(r"(https://github\.com/[^/]+/[^/]+)/blob/([^/]+)/(.*/)?[^/]*\.\w{1,3}", link)
        if link.startswith("https://attack.mitre.org/"):
            continue
        if file is not None and not re.search(r"/[0-9a-z]{40}/", link):
            kept.append(f"{file[1]}/tree/{file[2]}/{file[3] or ''}".rstrip("/"))
            moved.append(link)
            continue
        kept.append(link)
    return list(dict.fromkeys(kept)), moved


def _attack_links(links: Iterable[str]) -> list[str]:
    """Identifiers of the techniques that links to ATT&CK name."""
    found = (re.search(r"attack\.mitre\.org/techniques/(T\d{4})(?:/(\d{3}))?", link) for link in links)
    return [f"{m[1]}.{m[2]}" if m[2] else m[1] for m in found if m is not None]


def tags(rule: Rule, names: Names) -> list[str]:
    """``attack.*`` tags in Sigma's spelling; a revoked technique is followed to the one that replaced it, and said."""
    found = []
    for name in rule.tactics:
        known = attack.tactic(name)
        if known is None:
            names.say("unknown-technique", f"ATT&CK {attack.version()} has no tactic {name}")
        else:
            found.append(f"attack.{known.shortname}")
    for identifier in (*rule.techniques, *_attack_links((*rule.references, *without_links(rule.description)[1]))):
        technique = attack.technique(identifier)
        if technique is None:
            names.say("unknown-technique", f"ATT&CK {attack.version()} has no technique {identifier}")
            if re.fullmatch(r"[Tt]\d{4}(\.\d{3})?", identifier):
                found.append(f"attack.{identifier.lower()}")
        else:
            found.append(f"attack.{technique.id.lower()}")
    return list(dict.fromkeys(found))


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
            fields = {references[s.name]: self.key(g[number]) for s, g in zip(side.selectors, side.grouping, strict=True)}
            name = next(iter(fields.values()))
            if len(set(fields.values())) > 1:
                name = f"key_{number + 1}"
                aliases[name] = fields
            group_by.append(name)
        body: dict[str, Any] = {"type": side.threshold.kind, "rules": list(references.values())}
        if group_by:
            body["group-by"] = group_by
        body["timespan"] = duration(self.detection.timespan)
        body["condition"] = self.condition(side.threshold, side.selectors, references, aliases)
        fields_of = zip(side.selectors, side.threshold.fields, strict=False)
        if side.threshold.kind == "value_count" and any(counts_missing(x) and not _has(s.predicate, x) for s, x in fields_of):
            self.names.say("missing-value", _MISSING_VALUE, None, side.threshold.measured)
        finer = ((s, x) for s, group in zip(side.selectors, side.grouping, strict=True) for x in group if x not in s.keys)
        if any(not _has(s.predicate, x) for s, x in finer):
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
        stem, told = titled(rule.name), titled(suffix_ + (f" ({part.replace('_', ' ').strip()})" if part else ""))
        document: dict[str, Any] = {
            "title": shortened(stem, f" {told}" if told != "Untitled" else ""), "id": stable_id(rule, part + role),
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
            self.names.say("level-assumed", "the rule states no severity: level medium is written")
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
            fields = {references[s.name]: self.key(s.keys[number]) for s in detection.selectors}
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
        if detection.bin:
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
    known: dict[tuple[str, Expr], str] = {}
    for side in detection.sides:
        for selector in side.selectors:
            same = known.setdefault((selector.table, selector.predicate), selector.name) if side.threshold else selector.name
            found[selector.name] = same
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


def _has(predicate: Expr, field: Expr) -> bool:
    return any(
        isinstance(p, Apply) and ((p.function == "not" and p.args[0] == Apply(None, p.type, "isempty", (field,))) or p.args[:1] == (field,))
        for p in conjuncts(predicate)
    )


def escape(value: str) -> str:
    r"""``value`` as a Sigma string: ``*`` and ``?`` are wildcards there, and ``\`` escapes where it stands before one of them."""
    return re.sub(r"\\(?=[\\*?]|$)", r"\\\\", value).replace("*", "\\*").replace("?", "\\?")


def _cased(items: list[Any]) -> str:
    return "|cased" if any(isinstance(v, str) and v.lower() != v.upper() for v in items) else ""


def _values(items: list[Any]) -> Any:
    escaped = list(dict.fromkeys(escape(v) if isinstance(v, str) else v for v in items))
    return escaped[0] if len(escaped) == 1 else escaped


def _plain(modifier: str, cased: bool) -> Callable[[str, list[Any]], tuple[str, Any]]:
    def spell(field: str, items: list[Any]) -> tuple[str, Any]:
        return f"{field}{modifier}{_cased(items) if cased else ''}", _values(items)

    return spell


def _pattern(flags: str, make: Callable[[str], str]) -> Callable[[str, list[Any]], tuple[str, Any]]:
    def spell(field: str, items: list[Any]) -> tuple[str, Any]:
        patterns = [make(str(v)) for v in items]
        return f"{field}|re{flags}", patterns[0] if len(patterns) == 1 else patterns

    return spell


def _placeholder(modifier: str) -> Callable[[str, list[Any]], tuple[str, Any]]:
    def spell(field: str, items: list[Any]) -> tuple[str, Any]:
        return f"{field}{modifier}|expand", f"%{items[0]}%"

    return spell


_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = rf"^{_OCTET}(\.{_OCTET}){{3}}$"
"""What an IPv4 address looks like."""

ATOMS: dict[str, Callable[[str, list[Any]], tuple[str, Any]]] = {
    "==": _plain("", True),
    "in": _plain("", True),
    "=~": _plain("", False),
    "in~": _plain("", False),
    "contains": _plain("|contains", False),
    "contains_cs": _plain("|contains", True),
    "startswith": _plain("|startswith", False),
    "startswith_cs": _plain("|startswith", True),
    "endswith": _plain("|endswith", False),
    "endswith_cs": _plain("|endswith", True),
    "has": _pattern("|i", has_pattern),
    "has_cs": _pattern("", has_pattern),
    "hasprefix": _pattern("|i", lambda v: has_pattern(v, prefix=True)),
    "hasprefix_cs": _pattern("", lambda v: has_pattern(v, prefix=True)),
    "hassuffix": _pattern("|i", lambda v: has_pattern(v, suffix=True)),
    "hassuffix_cs": _pattern("", lambda v: has_pattern(v, suffix=True)),
    "expand": _placeholder(""),
    "expand_cs": _placeholder("|cased"),
    "expand_within": _placeholder("|contains"),
    "expand_end": lambda field, items: (f"{field}|endswith|expand", items[0]),
    "expand_cs_end": lambda field, items: (f"{field}|endswith|cased|expand", items[0]),
    "cidr": _plain("|cidr", False),
    "<": _plain("|lt", False),
    "<=": _plain("|lte", False),
    ">": _plain("|gt", False),
    ">=": _plain("|gte", False),
}
"""Key and value of a detection item for every operator. Sigma compares without case unless ``cased``; ``re`` keeps case."""


def _field_to_field(node: Expr) -> Expr:
    """Two fields that are equal as the modifier ``fieldref``, which knows nothing of missing ones: in KQL these are equal as well."""
    match node:
        case Apply(function="==" | "=~" as function, args=(left, right)) if (
            is_field(left) and is_field(right) and {left.type, right.type} <= {Type.STRING, Type.UNKNOWN}
        ):
            same = Apply(node.span, Type.BOOL, "fieldref" if function == "=~" else "fieldref_cs", (left, right))
            return disjunction(same, conjunction(_lacks(left), _lacks(right)))
    return node


def _ending_with(node: Expr) -> Expr:
    """That the last part of a text is in a list as the text that ends so: Sigma has no parts of texts."""
    match node:
        case Apply(function="expand_last" | "expand_cs_last" as function, args=(source, Const(value=name), Const(value=mark))):
            whole = function.removesuffix("_last")
            ending = Apply(node.span, Type.BOOL, f"{whole}_end", (source, const(f"{mark}%{name}%")))
            return disjunction(Apply(node.span, Type.BOOL, whole, (source, const(name))), ending)
    return node


def _is_one_line(field: Expr) -> bool:
    """Whether a field is known to have no line feed."""
    match field:
        case ColumnRef(column=column):
            return column.one_line or (not column.stored and catalog.is_one_line(column.table or "", column.name))
    return False


def _hours(atom: Apply) -> tuple[Expr, list[int]] | None:
    """The time and the hours of the day that a condition on ``hourofday`` allows; None where it is another."""
    match atom:
        case Apply(function=function, args=(Apply(function="hourofday", args=(time,)), Const(value=int(hour)))) if is_field(
            time
        ) and function in ("==", "<", "<=", ">", ">="):
            if found := [h for h in range(24) if compares(function, h, hour)]:
                return time, found
    return None


MOST_PATTERNS = 1_000
"""How many regular expressions a selection may have: pySigma compiles each, several times, for a hundredth of a second."""


class Selections:
    """The ``detection`` section of one selector: named maps and the condition over them."""

    def __init__(self, names: Names, selector: Selector) -> None:
        self.names, self.selector = (
            names,
            replace(selector, predicate=pushed(transform(selector.predicate, lambda n: _ending_with(_field_to_field(n))))),
        )
        self.maps: dict[str, dict[str, Any]] = {}
        self.names_of_maps: dict[str, str] = {}
        self.numbers = Counter[str]()
        self.patterns = 0

    def detection(self) -> dict[str, Any]:
        if self.selector.predicate == TRUE:
            return {"selection": {f"{self.time()}|exists": True}, "condition": "selection"}
        condition = self.condition()
        return {**self.maps, "condition": condition}

    def time(self) -> str:
        """The field with the time of an event, which every event has."""
        if self.names.options.fields == "source":
            return "Timestamp" if "Timestamp" in catalog.schemas().get(self.selector.table, {}) else "TimeGenerated"
        if self.names.family == "elastic":
            return "event.dataset"  # EQL takes no name with an @ without quotes
        home = self.names.home(self.selector)
        if home is not None and (always := ALWAYS.get(home.place.get("category", ""))):
            return always
        known = home.columns.get("TimeGenerated") if home is not None else None
        if isinstance(known, catalog.Stored):
            return known.name
        if home is not None and "category" in home.place:
            self.names.missing.setdefault(self.selector.table, []).append("TimeGenerated")
        return TIMES[self.names.family]

    def condition(self) -> str:
        """The condition over the maps that it fills. Raises Cannot."""
        return self.text(self.selector.predicate, False)

    def add(self, kind: str, items: dict[str, Any]) -> str:
        told = repr(items)
        if told not in self.names_of_maps:
            self.numbers[kind] += 1
            number = self.numbers[kind]
            name = kind if number == 1 and kind == "selection" else f"{kind}_{number}"
            self.maps[name], self.names_of_maps[told] = items, name
        return self.names_of_maps[told]

    def text(self, predicate: Expr, nested: bool) -> str:
        if isinstance(predicate, Apply) and predicate.function == "and":
            return self.conjunction(predicate.args, nested)
        if isinstance(predicate, Apply) and predicate.function == "or":
            return self.disjunction(predicate.args, nested)
        if isinstance(predicate, Apply) and predicate.function == "not":
            with self.names.within(Place.TURNED):
                key, value = self.item(predicate.args[0])
            return f"not {self.add('filter', {key: value})}"
        return self.conjunction((predicate,), nested)

    def conjunction(self, parts: tuple[Expr, ...], nested: bool) -> str:
        items: dict[str, Any] = {}
        rest, texts = [], []
        for part in parts:
            if isinstance(part, Apply) and part.function in ("and", "or", "not"):
                rest.append(part)
                continue
            key, value = self.item(part)
            if key in items:
                texts.append(self.add("selection", {key: value}))
            else:
                items[key] = value
        if items:
            texts.insert(0, self.add("selection", items))
        texts += [self.text(part, True) for part in rest]
        text = " and ".join(dict.fromkeys(texts))
        return f"({text})" if nested and len(texts) > 1 and " and " in text else text

    def disjunction(self, parts: tuple[Expr, ...], nested: bool) -> str:
        merged: dict[str, dict[Any, None]] = {}
        texts = []
        for part in parts:
            if isinstance(part, Apply) and part.function in ("and", "or", "not"):
                texts.append(self.text(part, True))
                continue
            key, value = self.item(part)
            merged.setdefault(key, {}).update(dict.fromkeys(value if isinstance(value, list) else [value]))
        for key, found in ((key, [*values_]) for key, values_ in merged.items()):
            texts.append(self.add("selection", {key: found[0] if len(found) == 1 else found}))
        text = " or ".join(dict.fromkeys(texts))
        return f"({text})" if nested and len(texts) > 1 else text

    def portable(self, key: str, value: Any, atom: Apply) -> tuple[str, Any]:
        """An item without what few backends know: case is ignored, a term is looked for as text."""
        if "|cased" in key:
            self.names.say("case-ignored", "the KQL compares these values with case, the output without", atom.span)
            key = key.replace("|cased", "")
        if atom.function.removesuffix("_cs") in ("has", "hasprefix", "hassuffix"):
            self.names.say("term-as-text", "the KQL looks for a whole term, the output for its text anywhere", atom.span)
            field = key.split("|")[0]
            return f"{field}|contains", _values(values(atom.args[1]))
        return key, value

    def regex(self, field: str, atom: Apply) -> tuple[str, Any]:
        """A regular expression, in Sigma's own rules without looking ahead: pySigma 2 takes those of RE2 alone (sigma.types, policies)."""
        try:
            flags, pattern = sigma(searched(atom))
        except (RegexError, Inexpressible) as error:
            raise Cannot(Diagnostic("unsupported-expression", f"a portable regular expression cannot say {error}", atom.span)) from None
        if self.names.family == "sigma":  # where spaces may end the text, so may a line feed
            pattern = pattern.removesuffix(rf"\s*{END}") + r"\s*$" if pattern.endswith(rf"\s*{END}") else pattern
        if self.names.family == "sigma" and END in pattern:
            if not _is_one_line(atom.args[0]):
                self.names.say("line-feed-at-end", "the pattern's end is also before a line feed that ends the value", atom.span)
            pattern = pattern.replace(END, "$")
        if self.names.family == "sigma" and re.search(r"\(\?<?[=!]", pattern):
            raise Cannot(Diagnostic("unsupported-expression", "a portable regular expression cannot look ahead", atom.span))
        if self.names.family != "sigma":
            tell_of_ascii(self.names, atom)
        return f"{field}|re{flags}", pattern

    def count(self, patterns: int, atom: Apply) -> None:
        """Counts regular expressions. Raises Cannot where they are too many."""
        self.patterns += patterns
        if self.patterns > MOST_PATTERNS:
            what = f"a selection of more than {MOST_PATTERNS:,} regular expressions is not written in Sigma"
            raise Cannot(Diagnostic("target-cannot", what, atom.span))

    def item(self, atom: Expr) -> tuple[str, Any]:
        if is_field(atom):
            return self.names.field(atom), True
        if isinstance(atom, Apply) and atom.function in ("fieldref", "fieldref_cs"):
            if atom.function == "fieldref_cs":
                text = "the KQL compares these fields with case, which Sigma has no way to ask for"
                self.names.say("case-ignored", text, atom.span)
            return f"{self.names.field(atom.args[0])}|fieldref", self.names.field(atom.args[1])
        if isinstance(atom, Apply) and (hours := _hours(atom)) is not None:
            time, found_hours = hours
            return f"{self.names.field(time)}|hour", found_hours
        if isinstance(atom, Apply) and takes_empty(atom):
            raise Cannot(Diagnostic("unsupported-expression", "this pattern also matches events that lack the field", atom.span))
        if isinstance(atom, Apply) and atom.args and is_field(atom.args[0]):
            with self.names.within(Place.TURNED if atom.function in ("isempty", "isnull") else Place.PLAIN):
                field = self.names.field(atom.args[0])
            if any(c in field for c in "|{}"):
                raise Cannot(Diagnostic("target-cannot", "Sigma has no way to write this field's name", atom.span))
            if atom.function == "isempty":
                return field, None if self.names.never_empty(atom.args[0]) else [None, ""]
            if atom.function == "isnull":
                return field, None
            if atom.function == "is_ipv4":
                # Backends without networks make a wildcard of this one, which any text matches; a target's own field may be no text.
                return (f"{field}|re", IPV4) if self.names.family == "sigma" else (f"{field}|cidr", "0.0.0.0/0")
            spell = ATOMS.get(atom.function)
            if self.names.family != "sigma" and atom.function in TEXT_OPERATORS - EXACT and not self.names.is_text(atom.args[0]):
                raise Cannot(Diagnostic("unsupported-expression", f"{field} holds no text, which the Sigma of this would need", atom.span))
            if atom.function in ("<", "<=", ">", ">=") and self.names.number_as_text(atom.args[0]):
                raise Cannot(Diagnostic("unsupported-expression", f"{field} holds numbers as texts, which Sigma does not order", atom.span))
            if atom.function in ("matches regex", "matches regex~"):
                self.count(1, atom)
                return self.regex(field, atom)
            if spell is not None and len(atom.args) == 2:
                found = values(atom.args[1])
                key, value = spell(field, found)
                if "|re" in key:
                    self.count(len(value) if isinstance(value, list) else 1, atom)
                return self.portable(key, value, atom) if self.names.options.prefer == "portable" else (key, value)
        what = f"'{atom.function}'" if isinstance(atom, Apply) else "this condition"
        raise Cannot(Diagnostic("unsupported-expression", f"{what} on these operands has no Sigma spelling yet", atom.span))
