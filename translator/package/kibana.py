"""Elastic Security detection rules, one JSON object a line, as Kibana's rule import takes them.

Source: elastic.co/docs/api, Security detections API, "Create a detection rule" and "Import detection rules"; rule_schema of elastic/kibana.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import floor
from types import MappingProxyType
from typing import Any

from translator import attack, catalog
from translator.detection.model import Detection
from translator.detection.windows import duration
from translator.fidelity import Verdict
from translator.package.conf import plain
from translator.package.entities import entity_fields
from translator.package.exceptions import Excepted, excepted, exception_list, reference_to
from translator.package.options import PackageOptions
from translator.package.prepared import Chosen, Prepared
from translator.package.schedule import Schedule, numbered, schedule_of
from translator.pipeline import Conversion
from translator.rulepack.cron import DAY, HOUR, MINUTE
from translator.rulepack.model import TOKEN, Rule
from translator.sigma.identity import NAMESPACE, stable_id
from translator.targets.base import LISTED, Deployment, Options, Output, Readiness
from translator.targets.elastic.kinds import Kind, kinds, shown_fields
from translator.targets.elastic.kinds import entity_fields as stored_entities
from translator.targets.elastic.versions import SINCE
from translator.targets.homes import placed
from translator.targets.names import Names

FILE = "elastic/rules.ndjson"

RISK = {"low": 21, "medium": 47, "high": 73, "critical": 99}
"""Risk scores that Elastic's own rules use for each severity."""

_ORDER = ("query", "threshold", "new_terms", "threat_match", "eql", "esql")
"""Kinds of rules, what an analyst reads first before what takes most to read."""

_WRITTEN = "list-in-text"
"""What is said of a list whose values the query itself has to have."""

_READY = (Readiness.READY, Readiness.SET_UP, Readiness.NAMES, None)


@dataclass(frozen=True, slots=True)
class Packaged:
    """The lines of one rule, and what the report says of them."""

    slug: str
    rules: tuple[dict[str, Any], ...]
    exceptions: tuple[dict[str, Any], ...]
    chosen: Chosen
    alert: Mapping[str, Any]
    unsaid: tuple[str, ...] = ()


def ndjson(found: Iterable[Packaged]) -> str:
    """Rules and their exception lists, one a line, as an export has them."""
    lines = [line for p in found for line in (*p.rules, *p.exceptions)]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def rules(
    conversions: list[tuple[str, Conversion]],
    convert: Options,
    options: PackageOptions,
    prepared: Mapping[str, Prepared] = MappingProxyType({}),
) -> list[Packaged]:
    """The rules of a pack, under names and identifiers of which none comes twice; ``prepared`` is what is known already, by slug."""
    names: set[str] = set()
    identifiers: set[str] = set()
    known = _versions(options.previous(FILE) or "")
    found = []
    for slug, conversion in conversions:
        ready = prepared[slug] if slug in prepared else Prepared(None, choose(conversion, convert), excepted(conversion))
        if ready.chosen is not None:
            found.append(_packaged(slug, conversion, ready.chosen, ready.excepted, options, names, identifiers, known))
    return found


def _versions(text: str) -> dict[str, tuple[int, str]]:
    """Version and content of the rules in an earlier file, by identifier."""
    found = {}
    for line in text.splitlines():
        try:
            rule = json.loads(line)
            found[rule["rule_id"]] = (int(rule["version"]), _content(rule))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _content(rule: Mapping[str, Any]) -> str:
    return json.dumps({k: v for k, v in rule.items() if k != "version"}, sort_keys=True)


def choose(conversion: Conversion, options: Options) -> Chosen | None:
    """The kind with the best verdict, then what runs as it is, then the simplest."""
    detection = conversion.detection
    if not isinstance(detection, Detection):
        return None
    found = [_of_language(conversion, target, options) for target in ("eql", "esql")]
    if options.fields != "source" and {"eql", "esql"} & conversion.outputs.keys() and not conversion.triggered:
        moved = [d for d in (detection, conversion.timed) if isinstance(d, Detection)]
        found += [
            _of_kind(replace(kind, diagnostics=(*kind.diagnostics, *conversion.each)))
            for d in moved
            for kind in kinds(conversion.rule, placed(d, "elastic", options, conversion.rule, computes=False), options)
        ]
    some = [c for c in found if c is not None]
    return min(some, key=_preference, default=None)


def _preference(chosen: Chosen) -> tuple[int, bool, int, bool, int]:
    """The verdict, whether a list has to be written into it, whether it runs, whether it takes several rules, and what is read first.

    Of fields that elastic/detection-rules does not know it refuses all but ES|QL, which then comes first, if not before a better alert.
    """
    ready, number = _READY.index(chosen.readiness), _ORDER.index(chosen.kind)
    rank, written = chosen.verdict.rank, any(d.code == _WRITTEN for d in chosen.diagnostics)
    known, several = [catalog.integration_of(name) for name in chosen.reads], len(chosen.parts) > 1
    if chosen.readiness != Readiness.NAMES and known and all(k is not None and k.checked for k in known):
        return rank, written, ready, several, number
    own = chosen.kind in ("threshold", "new_terms", "threat_match")
    return max(rank, Verdict.SAME_ALERTS.rank), written, ready, several, -len(_ORDER) if own else -number


def _of_language(conversion: Conversion, target: str, options: Options) -> Chosen | None:
    output = conversion.outputs.get(target)
    if output is None or not output.texts:
        return None
    reads = _datasets(output.deployment)
    more = {} if target == "esql" else {"index": [f"logs-{name}-*" for name in reads] or ["logs-*"]}
    write = _with_keep if target == "esql" else str
    parts = tuple(({"type": target, "language": target, "query": write(text), **more}, part) for text, part in numbered(output))
    keys = tuple(e.field for e in entity_fields(conversion.rule, output, conversion.keys(output)))
    rows = tuple(output.columns[k] for k in conversion.keys(output) if k in output.columns)
    behind = conversion.behind(output)
    if rows and isinstance(behind, Detection) and behind.bin is not None:
        rows = (*rows, "time_bucket")
    columns = output.columns
    if target == "eql" and isinstance(behind, Detection):
        # Its alerts are the events, and have their fields.
        moved = placed(behind, "elastic", options, conversion.rule, computes=False)
        names = Names("elastic", options, moved.homes)
        columns = shown_fields(names, conversion.rule, moved.detection)
        keys = tuple(sorted(stored_entities(names, conversion.rule, moved.detection) - {""}))
    if output.trigger is not None:
        keys, rows, columns = (), (), {}  # one row that says how many there are
    return Chosen(
        target, parts, output.verdict, output.readiness, output.diagnostics, keys, output.lookback, reads, output, rows, columns=columns
    )  # fmt: skip


def _datasets(deployment: Deployment | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(r.dataset for r in deployment.reads if r.dataset)) if deployment is not None else ()


def _of_kind(kind: Kind) -> Chosen:
    parts, reads = ((kind.settings, ""),), _datasets(kind.deployment)
    return Chosen(
        kind.name, parts, kind.verdict, kind.readiness, kind.diagnostics, kind.keys, kind.lookback, reads, columns=kind.columns,
        fields=kind.fields,
    )  # fmt: skip


def _with_keep(query: str) -> str:
    """A query of ES|QL that keeps what tells its rows apart, as alerts are told apart by it."""
    first, *rest = query.split("\n")
    grouped = any(line.startswith("| STATS ") and " BY " in line for line in rest)
    return "\n".join([first if grouped or "METADATA" in first else f"{first} METADATA _id, _index, _version", *rest, "| KEEP *"])


def _packaged(
    slug: str, conversion: Conversion, chosen: Chosen, excepted: tuple[Excepted, ...], options: PackageOptions, names: set[str],
    identifiers: set[str], known: Mapping[str, tuple[int, str]],
) -> Packaged:  # fmt: skip
    rule, detection = conversion.rule, conversion.detection
    assert isinstance(detection, Detection)
    output = chosen.output or Output(chosen.kind, ("",), (), lookback=chosen.lookback)
    in_query = any("NOW()" in str(query["query"]) for query, _ in chosen.parts)
    schedule = schedule_of(rule, detection, output, 0 if in_query else options.delay)
    lists = exception_list(rule, excepted, _named(rule.name), len(chosen.parts) > 1)
    found = []
    for number, (query, part) in enumerate(chosen.parts, 1):
        made = _rule(conversion, unique(_named(rule.name + part), names), query, chosen, schedule, options)
        made["rule_id"] = _identifier(stable_id(rule, "kibana" if number == 1 else f"kibana {number}"), identifiers)
        if lists:
            made["exceptions_list"] = [reference_to(lists[0])]
        version, content = known.get(made["rule_id"], (0, ""))
        made["version"] = max(1, version + (content != _content(made)))
        found.append(made)
    told = ("interval", "from", "to", "alert_suppression", "rule_name_override", "enabled")
    alert: dict[str, Any] = {"kind": chosen.kind} | {k: found[0][k] for k in told if k in found[0]}
    alert["min_stack_version"] = ".".join(map(str, max(stack_version(r) for r in found)))
    said = {item["description"] for item in lists[1:]}
    words = (" ".join(text.split()) for text in rule.exclusions)
    unsaid = [f"this exclusion is not in the package: {text}" for text in words if text not in said]
    resting = [r["alert_suppression"].get("group_by") for r in found if "alert_suppression" in r]
    if lacking := _without_field(rule, found[0], chosen):
        unsaid.append(f"alerts of Kibana have no field for {', '.join(lacking)}, which the details of the alert name")
    if rule.suppression and any(by != ["event.dataset"] for by in resting):
        unsaid.append("the rule rests as a whole after an alert; here what alerted rests, and the rest goes on")
    if rule.suppression and len(resting) < len(found):
        unsaid.append(f"no place here: the rule rests for {rule.suppression} seconds after an alert")
    return Packaged(slug, tuple(found), tuple(lists), chosen, alert, tuple(unsaid))


def _identifier(wanted: str, taken: set[str]) -> str:
    """Kibana refuses a file in which an identifier comes twice."""
    found, number = wanted, 1
    while found in taken:
        number += 1
        found = str(uuid.uuid5(NAMESPACE, f"{wanted}|{number}"))
    taken.add(found)
    return found


def _named(text: str) -> str:
    """A name without marks of ASCII around it, which elastic/detection-rules refuses. Kibana takes letters of any script there.

    Source: elastic/kibana, common/api/detection_engine/model/rule_schema/common_attributes.schema.yaml, RuleName.
    """
    return _long(re.sub(r"^[^A-Za-z0-9\x80-\U0010ffff]+|[^A-Za-z0-9\[\]()\x80-\U0010ffff]+$", "", " ".join(plain(text).split())))


def name_in_ascii(text: str) -> str:
    """A name that begins and ends with a letter or a digit of ASCII."""
    return _long(re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9\[\]()]+$", "", text))


def _long(name: str) -> str:
    return name if len(name) > 2 else f"{name or 'Detection'} rule"


def unique(name: str, taken: set[str]) -> str:
    """A name that none of ``taken`` is, and is one of them from here on."""
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        found = f"{name} ({number})"
    taken.add(found.lower())
    return found


def _from(chosen: Chosen, schedule: Schedule) -> str:
    """Since when a rule looks for events: before each run, or since the moment that its query states.

    Source: parseScheduleDates of Kibana (x-pack, security_solution, rule_types/utils), which takes a date as it takes date math.
    """
    since = chosen.output.since if chosen.output is not None else None
    if since is None:
        return f"now-{schedule.back + schedule.delay}s"
    return datetime.fromtimestamp(floor(since), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rule(
    conversion: Conversion, name: str, query: Mapping[str, Any], chosen: Chosen, schedule: Schedule, options: PackageOptions
) -> dict[str, Any]:  # fmt: skip
    rule = conversion.rule
    severity = rule.severity if rule.severity in RISK else "low" if rule.severity == "informational" else "medium"
    return {
        "rule_id": "",
        "version": 1,
        "name": name,
        "description": plain(rule.description or rule.name),
        **query,
        "severity": severity,
        "risk_score": RISK[severity],
        **_mappings(rule, query, chosen),
        "interval": _length(schedule.every or DAY),
        "from": _from(chosen, schedule),
        **({"to": f"now-{schedule.delay}s"} if schedule.delay else {}),
        "timestamp_override": "event.ingested",
        "enabled": options.enable and rule.enabled and schedule.every is not None and chosen.readiness == Readiness.READY,
        "max_signals": 100,
        "author": [rule.author or options.author or "kql2sigma"],
        "references": list(rule.references),
        "false_positives": list(rule.false_positives),
        "tags": [
            *(f"Tactic: {t.name}" for t in _tactics(rule)),
            "Use Case: Threat Detection",
            *dict.fromkeys(filter(None, map(plain, rule.tags))),
        ],
        "note": _note(rule, chosen.columns),
        "setup": _setup(rule, chosen),
        "threat": threat(rule),
        "related_integrations": integrations(chosen),
        "required_fields": required(query, chosen),
        **({"investigation_fields": {"field_names": list(chosen.keys)}} if chosen.keys else {}),
        **_suppression(rule, query, chosen, schedule),
    }


STACK: Mapping[str, tuple[int, int, int]] = {
    "| STATS ": (8, 14, 0),
    " WHERE ": (8, 11, 0),
    "COUNT(*) WHERE ": (8, 16, 0),
    "= VALUES(": (8, 14, 0),
    "| ENRICH ": (8, 14, 0),
    "COUNT_DISTINCT(": (8, 14, 0),
    "sample by": (8, 6, 0),
    **{words: (*version, 0) for words, version in SINCE.items()},
}
"""The first version of the stack that has what a query uses (elastic.co/docs/reference/query-languages, "applies to")."""

_KINDS_SINCE = {"esql": (8, 14, 0), "new_terms": (8, 6, 0)}

_SUPPRESSED_SINCE = {"esql": (8, 15, 0), "eql": (8, 14, 0), "new_terms": (8, 14, 0), "threat_match": (8, 13, 0), "threshold": (8, 12, 0)}


def stack_version(rule: Mapping[str, Any]) -> tuple[int, int, int]:
    """The oldest version of the stack that has all that a rule uses."""
    asked = [version for word, version in STACK.items() if word in rule["query"]]
    asked.append(_KINDS_SINCE.get(rule["type"], (8, 4, 0)))
    if "alert_suppression" in rule:
        asked.append(_SUPPRESSED_SINCE.get(rule["type"], (8, 8, 0)))
    return max(asked)


MAX_SUPPRESSED = 3
"""Fields that alerts are suppressed by, before 9.2."""


def _length(seconds: int) -> str:
    """An interval: whole minutes, in the largest unit."""
    return duration(max(MINUTE, seconds // MINUTE * MINUTE))


def _suppression(rule: Rule, query: Mapping[str, Any], chosen: Chosen, schedule: Schedule) -> dict[str, Any]:
    """What keeps an alert from coming again: those of single events are told apart by the event, those of groups each run makes anew."""
    of_groups = chosen.kind == "threshold" or (chosen.kind == "esql" and "| STATS" in query["query"])
    if not rule.suppression and not (of_groups and schedule.every is not None and schedule.overlaps(schedule.every)):
        return {}
    seconds = rule.suppression or schedule.alerting or schedule.back
    unit, size = next((u, s) for u, s in (("h", HOUR), ("m", MINUTE), ("s", 1)) if seconds % s == 0)
    length = {"value": seconds // size, "unit": unit}
    if chosen.kind == "threshold":
        return {"alert_suppression": {"duration": length}}
    by = list(chosen.rows) if of_groups else ["event.dataset"]
    if not by or len(by) > MAX_SUPPRESSED or query["query"].startswith("sequence"):
        return {}
    return {"alert_suppression": {"group_by": by, "duration": length, "missing_fields_strategy": "suppress"}}


def _mappings(rule: Rule, query: Mapping[str, Any], chosen: Chosen) -> dict[str, Any]:
    """The name and the severity of an alert, where a field of its event gives them; that of several events has what they share."""
    columns = {} if query["query"].startswith(("sequence", "sample")) else chosen.columns
    found: dict[str, Any] = {}
    title = re.fullmatch(TOKEN, rule.details.title)
    if title is not None and title[1] in columns:
        found["rule_name_override"] = columns[title[1]]
    if rule.details.severity in columns:
        levels = (("Informational", "low"), ("Low", "low"), ("Medium", "medium"), ("High", "high"))
        name = columns[rule.details.severity]
        found["severity_mapping"] = [{"field": name, "operator": "equals", "value": v, "severity": s} for v, s in levels]
    return found


def _without_field(rule: Rule, made: Mapping[str, Any], chosen: Chosen) -> list[str]:
    """The columns of the details of an alert for which a rule has no field; of ES|QL its own output says what its rows lack."""
    if chosen.kind == "esql":
        return []
    title = re.fullmatch(TOKEN, rule.details.title)
    asked = [title[1]] if title is not None and "rule_name_override" not in made else []
    asked += [rule.details.severity] if rule.details.severity and "severity_mapping" not in made else []
    return list(dict.fromkeys([*asked, *(c for _, c in rule.custom_details if c not in chosen.columns)]))


def integrations(chosen: Chosen) -> list[dict[str, str]]:
    """The integrations whose data a rule reads."""
    found = []
    for place in dict.fromkeys(chosen.reads):
        if (known := catalog.integration_of(place)) is not None:
            stream = {"integration": known.stream} if known.stream != known.package else {}
            found.append({"package": known.package, "version": f"^{known.version}", **stream})
    return found


ECS = frozenset(
    "agent as client cloud container data_stream destination device dll dns ecs email error event faas file geo group hash host http log"
    " network observer orchestrator organization package process registry related rule server service source threat tls trace url user"
    " user_agent vlan vulnerability x509".split()
)
"""Field sets of the Elastic Common Schema (elastic.co/docs/reference/ecs)."""


def required(query: Mapping[str, Any], chosen: Chosen) -> list[dict[str, Any]]:
    """The fields that a query reads, with their types."""
    known = chosen.output.fields if chosen.output is not None else chosen.fields
    text = json.dumps(query)
    return [
        {"name": name, "type": kind, "ecs": name == "@timestamp" or name.split(".")[0] in ECS}
        for name, kind in sorted(known.items())
        if name in text
    ]


def _note(rule: Rule, columns: Mapping[str, str]) -> str:
    """What an alert is about, by the fields that it has for the columns of the KQL, else by these."""
    named = [(f"{e.type} ({e.identifier})", e.column) for e in rule.entities] + [*rule.custom_details]
    lines = [f"- {name}: `{columns[c]}`" if c in columns else f"- {name}: `{c}` of the KQL" for name, c in named]
    return "\n".join(["## Entities and details", "", *dict.fromkeys(lines)]) if lines else ""


def _setup(rule: Rule, chosen: Chosen) -> str:
    lines = [f"Requires the data of the Microsoft Sentinel connector {c.id} ({', '.join(c.data_types)})." for c in rule.connectors]
    lists = chosen.output.lookups if chosen.output is not None else {}
    lines += [f"Create the enrich policy {name} before the rule is enabled: see elastic/lookups." for name in lists]
    lines += [d.message for d in chosen.diagnostics if d.code == _WRITTEN]
    joined = chosen.output.tables if chosen.output is not None else {}
    lines += [f"Create the lookup index {name} before the rule is enabled: see elastic/lookups." for name in joined]
    lines += [f"An exclusion of the rule's author: {' '.join(text.split())}" for text in rule.exclusions]
    if chosen.kind == "threat_match":
        lines.append("Requires an integration of threat intelligence that fills logs-ti_*.")
    return "\n".join(dict.fromkeys(lines))


def _tactics(rule: Rule) -> list[attack.Tactic]:
    return [found for name in rule.tactics if (found := attack.tactic(name)) is not None]


def lookups(found: list[Packaged], options: PackageOptions) -> dict[str, str]:
    """What the rules look up: for each list an index with a first document, and the requests that set up the enrich policy over it.

    One whose rows are joined is an index of the mode lookup, without a policy.

    Sources: elastic.co/docs/manage-data/ingest/transform-enrich/set-up-an-enrich-processor,
    elastic.co/docs/reference/query-languages/esql/esql-lookup-join ("Prerequisites").
    """
    outputs = [p.chosen.output for p in found if p.chosen.output is not None]
    lists = sorted({name for output in outputs for name in output.lookups})
    joined = dict[str, dict[str, str]]()
    for name, given in (table for output in outputs for table in output.tables.items()):
        joined.setdefault(name, {}).update({c: LISTED[1] if c == LISTED[0] else "replace me" for c in given})
    if not lists and not joined:
        return {}
    files = {}
    requests = []
    for name, columns in sorted(joined.items()):
        path = f"elastic/lookups/{name}.ndjson"
        empty = json.dumps({"index": {"_index": name, "_id": "1"}}) + "\n" + json.dumps(columns) + "\n"
        files[path] = options.previous(path) or empty
        kept = {"settings": {"index.mode": "lookup"}, "mappings": {"properties": {c: {"type": "keyword"} for c in columns}}}
        requests += [f"PUT /{name}\n{json.dumps(kept)}\n", f"# then the documents: POST /_bulk with {name}.ndjson\n"]
    for name in lists:
        index = re.sub(r"[^a-z0-9_.-]", "_", name.lower())
        policy = {"match": {"indices": index, "match_field": "value", "enrich_fields": ["listed"]}}
        mappings = {"mappings": {"properties": {"value": {"type": "keyword"}, "listed": {"type": "keyword"}}}}
        first = {"index": {"_index": index, "_id": "1"}}
        path = f"elastic/lookups/{index}.ndjson"
        empty = json.dumps(first) + "\n" + json.dumps({"value": "replace me", "listed": "yes"}) + "\n"
        files[path] = options.previous(path) or empty  # what a site has filled in stays
        requests += [
            f"PUT /{index}\n{json.dumps(mappings)}\n",
            f"# then the documents: POST /_bulk with {index}.ndjson\n",
            f"PUT /_enrich/policy/{name}\n{json.dumps(policy)}\n",
            f"# after each change of the documents\nPOST /_enrich/policy/{name}/_execute\n",
        ]
    for p in found:
        for name, (text, _) in (p.chosen.output.histories if p.chosen.output is not None else {}).items():
            files[f"elastic/lookups/{re.sub(r'[^a-z0-9_.-]', '_', name.lower())}.esql"] = text + "\n"
    return {**files, "elastic/lookups/requests.http": "\n".join(requests)}


def threat(rule: Rule) -> list[dict[str, Any]]:
    """The ``threat`` array: the rule's tactics with the techniques that ATT&CK lists under them.

    A technique under none of the rule's tactics comes under its own first one, so that none is lost.
    """
    techniques = [known for name in rule.techniques if (known := attack.technique(name)) is not None]
    tactics = _tactics(rule)
    placed: dict[str, list[attack.Technique]] = {t.shortname: [] for t in tactics}
    for technique in dict.fromkeys(techniques):
        own = [t for t in technique.tactics if t in placed] or list(technique.tactics[:1])
        for shortname in own:
            placed.setdefault(shortname, []).append(technique)
    entries = []
    for shortname, members in placed.items():
        tactic = attack.tactic(shortname)
        if tactic is not None:
            entries.append(
                {
                    "framework": "MITRE ATT&CK",
                    "tactic": {"id": tactic.id, "name": tactic.name, "reference": tactic.url},
                    "technique": _nested(members),
                }
            )
    return entries


def _nested(techniques: list[attack.Technique]) -> list[dict[str, Any]]:
    """Techniques with their sub-techniques below them; a parent that the rule does not name is added for its child."""
    parents: dict[str, dict[str, Any]] = {}
    for technique in techniques:
        parent_id = re.sub(r"\.\d+$", "", technique.id)
        parent = attack.technique(parent_id) or technique
        entry = parents.setdefault(parent_id, {"id": parent.id, "name": parent.name, "reference": parent.url})
        if technique.id != parent_id:
            entry.setdefault("subtechnique", []).append({"id": technique.id, "name": technique.name, "reference": technique.url})
    return list(parents.values())
