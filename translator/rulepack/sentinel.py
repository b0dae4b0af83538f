"""Analytic rules and hunting queries of Microsoft Sentinel, as YAML, as a resource of Azure, and as AzSentinel writes them.

Source of the fields: github.com/Azure/Azure-Sentinel/wiki/Query-Style-Guide;
learn.microsoft.com/azure/templates/microsoft.securityinsights/alertrules; github.com/wortell/AzSentinel, examples.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from translator.rulepack.model import (
    OPERATORS,
    AlertDetails,
    Connector,
    EntityMapping,
    Incidents,
    Rule,
    TextMap,
    seconds,
    shown,
)
from translator.rulepack.tree import Fields, Leaf, Misread, Odd, Settings, broken, whole

LONGEST = 36_525 * 86_400
"""The longest time that a setting may have, in seconds: a hundred years."""

SEVERITIES = ("Informational", "Low", "Medium", "High", "Critical")
"""What a rule may say of how bad it is; Sentinel has no Critical, and other sources of rules do."""

_KINDS = ("Scheduled", "NRT", "Hunting")
_GROUPINGS = {"SingleAlert": "single", "AlertPerResult": "each"}


def query_of(fields: Fields, name: str = "query") -> tuple[str, TextMap]:
    """The query under a name, and where it stands.

    Raises:
        Misread: where there is none.
    """
    found = fields.entries.get(name)
    if found is None:
        raise Misread(f"this rule has no key '{name}'", fields.place)
    place = found.place if found.place[0] else fields.place
    if isinstance(found, Odd):
        raise Misread(f"the query of this rule cannot be read: {found.message}", place)
    if not isinstance(found, Leaf):
        raise Misread("the query of this rule is no text", place)
    query = whole((found.text or "").replace("\r\n", "\n"))
    if not query.strip():
        raise Misread("the query of this rule is empty", place)
    text_map = found.text_map(query)
    if what := broken(query):
        raise Misread(f"the query of this rule holds {what}", place)
    return query, text_map


def duration(data: Settings, name: str) -> int | None:
    """A setting that is a length of time, in seconds. Raises Misread for what is none."""
    if (ticks := data.fields.inside(name).leaf("Ticks")).isdecimal():  # what PowerShell's ConvertTo-Json makes of a time span
        value = f"{int(ticks[:-7] or 0)}s"
    else:
        value = data.text(name).strip()
    if not value:
        if data.has(name) and not isinstance(data.fields.get(name), Leaf):
            raise data.unreadable(name, "is no text: expected a length of time, as 1h, PT1H, 01:00:00 or 1.00:00:00")
        return None
    found = seconds(value)
    if not found:
        raise data.misread(name, f"{name} is '{shown(value)}': expected a length of time, as 1h, PT1H, 01:00:00 or 1.00:00:00")
    if found > LONGEST:
        raise data.misread(name, f"{name} is '{shown(value)}': longer than a hundred years")
    return found


def rule_from(
    path: str,
    data: Settings,
    query: str,
    text_map: TextMap,
    stem: str,
    false_positives: tuple[str, ...] = (),
    exclusions: tuple[str, ...] = (),
) -> Rule:
    """A rule from the fields of a Sentinel rule, called ``stem`` where it has no name.

    Raises:
        Misread: for a length of time or a number that is none.
    """
    metadata, kind = data.inside("metadata"), _kind(data)
    author = metadata.inside("author").text("name") if isinstance(metadata.fields.get("author"), Fields) else metadata.text("author")
    nrt = kind == "nrt"
    return Rule(
        source=path,
        id=data.line("id"),
        name=data.line("name", "displayName") or stem,
        query=query,
        text_map=text_map,
        description=_unquoted(data.text("description").strip()),
        severity=data.choice("severity", SEVERITIES),
        status=data.line("status"),
        tactics=data.names("tactics"),
        techniques=tuple(dict.fromkeys(t for names in _TECHNIQUES for t in data.names(*names))),
        entities=tuple(_entities(data)),
        connectors=tuple(Connector(c.line("connectorId"), c.texts("dataTypes")) for c in data.rows("requiredDataConnectors")),
        frequency=60 if nrt else duration(data, "queryFrequency"),
        period=60 if nrt else duration(data, "queryPeriod"),
        trigger_operator=_operator(data),
        trigger_threshold=_count(data, "triggerThreshold"),
        author=author,
        version=data.line("version", "templateVersion"),
        date=data.line("date"),
        references=data.texts("references"),
        false_positives=false_positives or data.texts("falsePositives", "falsepositives"),
        tags=data.texts("tags") if not isinstance(data.fields.get("tags"), Fields) else (),
        kind=kind,
        enabled=data.truth("enabled") is not False,
        suppression=duration(data, "suppressionDuration") if data.truth("suppressionEnabled") else None,
        grouping=_grouping(data),
        custom_details=data.pairs("customDetails"),
        details=_details(data.inside("alertDetailsOverride")),
        incidents=_incidents(data),
        exclusions=tuple(p for text in exclusions or data.texts("exclusions") for p in alternatives(text)),
    )


_TECHNIQUES = (("relevantTechniques", "techniques"), ("subTechniques",))
"""Where a rule names techniques: YAML and Azure differ, and Azure lists techniques of techniques apart."""


def _kind(data: Settings) -> str:
    """The kind of a rule: as it says, else scheduled where it has a schedule."""
    return data.choice("kind", _KINDS) or ("scheduled" if data.has("queryFrequency") else "hunting")


def _grouping(data: Settings) -> str:
    name, words = "aggregationKind", tuple(_GROUPINGS)
    said = data.inside("eventGroupingSettings").choice(name, words) or data.choice(name, words)
    return next((kind for word, kind in _GROUPINGS.items() if word.lower() == said), "")


def _details(data: Settings) -> AlertDetails:
    pairs = [(p.line("alertProperty", "name"), p.line("value")) for p in data.rows("alertDynamicProperties")]
    return AlertDetails(
        data.line("alertDisplayNameFormat"), data.text("alertDescriptionFormat").strip(),
        data.line("alertSeverityColumnName"), data.line("alertTacticsColumnName"), tuple(pairs),
    )  # fmt: skip


def _incidents(data: Settings) -> Incidents:
    held = data.inside("incidentConfiguration") if data.has("incidentConfiguration") else data
    grouping = (held if held.has("groupingConfiguration") else data).inside("groupingConfiguration")
    return Incidents(
        held.truth("createIncident") is not False, bool(grouping.truth("enabled")), seconds(grouping.line("lookbackDuration")),
        grouping.line("matchingMethod", "entitiesMatchingMethod"),
    )  # fmt: skip


def _operator(data: Settings) -> str:
    if data.has("triggerOperator") and not isinstance(data.fields.get("triggerOperator"), Leaf):
        raise data.unreadable("triggerOperator", "is no text: expected gt, lt, eq or ne")
    text = data.line("triggerOperator")
    if text and text.lower() not in OPERATORS:
        raise data.misread("triggerOperator", f"triggerOperator is '{shown(text)}': expected gt, lt, eq or ne")
    return text


def _unquoted(text: str) -> str:
    """A description without the quotes that some authors put around the whole of it."""
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _count(data: Settings, name: str) -> int | None:
    if not data.has(name):
        return None
    value = data.fields.get(name)
    if not isinstance(value, Leaf):
        raise data.unreadable(name, "is 'a list or a mapping': expected a whole number")
    text = (value.text or "").strip()
    found = re.fullmatch(r"(\d{1,9})(?:\.0*)?", text)
    if found is None and text:
        raise data.misread(name, f"{name} is '{shown(text)}': expected a whole number")
    return int(found[1]) if found else None


def alternatives(text: str) -> list[str]:
    """The predicates of an exclusion, which may be written ``where a != "x" or where b != "y"``."""
    parts = re.split(r"\s+or\s+where\s+", re.sub(r"^\s*\|?\s*where\s+", "", text.strip()))
    return [p.strip() for p in parts if p.strip()]


def _entities(data: Settings) -> Iterator[EntityMapping]:
    for mapping in data.rows("entityMappings"):
        for part in mapping.rows("fieldMappings"):
            yield EntityMapping(mapping.line("entityType"), part.line("identifier"), part.line("columnName"))
