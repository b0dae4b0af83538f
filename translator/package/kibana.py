"""Elastic Security detection rules, one JSON object a line, as Kibana's rule import takes them.

Source: elastic.co/docs/api, Security detections API, "Create a detection rule" and "Import detection rules".
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from translator import attack
from translator.detection.model import Detection
from translator.package.schedule import frequency, lookback, numbered
from translator.pipeline import Conversion
from translator.rulepack.model import Rule
from translator.sigma.identity import NAMESPACE, stable_id

RISK = {"low": 21, "medium": 47, "high": 73, "critical": 99}
"""Risk scores that Elastic's own rules use for each severity."""


def ndjson(conversions: list[Conversion]) -> str:
    """The rules that have ES|QL or single-event EQL, one a line, with the summary line of an export."""
    rules = [rule for c in conversions for rule in rule_objects(c)]
    seen: dict[str, int] = {}
    for rule in rules:
        # Kibana refuses a file in which an identifier comes twice.
        identifier = rule["rule_id"]
        seen[identifier] = seen.get(identifier, 0) + 1
        if seen[identifier] > 1:
            rule["rule_id"] = str(uuid.uuid5(NAMESPACE, f"{identifier}|{seen[identifier]}"))
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rules)


def rule_objects(conversion: Conversion) -> list[dict[str, Any]]:
    """The rules, one for each alternative; ES|QL before EQL, since Kibana's EQL rules take no ``sample``."""
    rule, detection = conversion.rule, conversion.detection
    esql, eql = conversion.outputs.get("esql"), conversion.outputs.get("eql")
    if isinstance(detection, Detection) and esql is not None and esql.texts:
        output, kind, more = esql, "esql", {}
    elif isinstance(detection, Detection) and eql is not None and eql.texts and detection.kind == "event":
        output, kind, more = eql, "eql", {"index": ["logs-*"]}
    else:
        return []
    back = lookback(rule, detection, output)
    queries = (({"type": kind, "language": kind, "query": text, **more}, part) for text, part in numbered(output))
    return [rule_object(rule, rule.name + part, query, back) for query, part in queries]


def rule_object(rule: Rule, name: str, query: dict[str, Any], back: int) -> dict[str, Any]:
    """One rule with its ``query``, which looks ``back`` so many seconds."""
    severity = rule.severity if rule.severity in RISK else "low" if rule.severity == "informational" else "medium"
    setup = [f"Requires the data of the Microsoft Sentinel connector {c.id} ({', '.join(c.data_types)})." for c in rule.connectors]
    entities = [f"Entity {e.type} ({e.identifier}): {e.column}" for e in rule.entities]
    return {
        "rule_id": stable_id(rule, "kibana"),
        "name": name,
        "description": rule.description or rule.name,
        **query,
        "severity": severity,
        "risk_score": RISK[severity],
        "interval": f"{max(1, frequency(rule) // 60)}m",
        "from": f"now-{back}s",
        "to": "now",
        "enabled": False,
        "author": [rule.author] if rule.author else [],
        "references": list(rule.references),
        "false_positives": list(rule.false_positives),
        "tags": [*(f"Tactic: {t}" for t in rule.tactics), *(f"Technique: {t}" for t in rule.techniques), "Source: KQL"],
        "note": "\n".join(entities),
        "setup": "\n".join(dict.fromkeys(setup)),
        "threat": threat(rule),
        "version": 1,
    }


def threat(rule: Rule) -> list[dict[str, Any]]:
    """The ``threat`` array: the rule's tactics with the techniques that ATT&CK lists under them.

    A technique under none of the rule's tactics comes under its own first one, so that none is lost.
    """
    techniques = [known for name in rule.techniques if (known := attack.technique(name)) is not None]
    tactics = [found for name in rule.tactics if (found := attack.tactic(name)) is not None]
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
