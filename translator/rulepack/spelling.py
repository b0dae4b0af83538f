"""The names of settings as the tools of Azure spell them: as the REST interface has them, with capitals, or with underscores.

Sources: learn.microsoft.com/powershell/module/az.securityinsights/new-azsentinelalertrule;
learn.microsoft.com/dotnet/api/microsoft.azure.powershell.cmdlets.securityinsights.models.scheduledalertrule;
registry.terraform.io/providers/hashicorp/azurerm, sentinel_alert_rule_scheduled, sentinel_alert_rule_nrt, log_analytics_saved_search,
log_analytics_query_pack_query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from translator.rulepack.tree import Fields, Items, Tree

_NAMES = """
    additionalProperties aggregationKind alertDescriptionFormat alertDetailsOverride alertDisplayNameFormat alertDynamicProperties
    alertProperty alertSeverityColumnName alertTacticsColumnName alertTemplate author automatedActions body category columnName
    connectorId createdBy createdDateTime createIncident customDetails dataTypes description detectionAction displayName enabled
    entitiesMatchingMethod entityMappings entityType eventGroupingKind eventGroupingSettings falsePositives fieldMappings frequency
    functionAlias functionParameters groupingConfiguration id identifier impactedAssets incidentConfiguration isEnabled
    isExcludedFromIncidentCorrelation kind lastModifiedDateTime lookback lookbackDuration matchingMethod metadata mitreTechniques name
    organizationalScope period properties query queryCondition queryFrequency queryPeriod queryText references relevantTechniques
    requiredDataConnectors responseActions schedule scopeNames severity status subTechniques suppressionDuration suppressionEnabled
    tactics tags techniques templateVersion title triggerOperator triggerThreshold type value version
""".split()

_OTHER_NAMES = {
    "tactic": "tactics", "technique": "techniques", "subtechnique": "subTechniques", "entitymapping": "entityMappings",
    "fieldmapping": "fieldMappings", "customdetail": "customDetails", "eventgrouping": "eventGroupingSettings",
    "aggregationmethod": "aggregationKind", "dynamicproperty": "alertDynamicProperties", "incident": "incidentConfiguration",
    "createincidentenabled": "createIncident", "grouping": "groupingConfiguration", "entitymatchingmethod": "matchingMethod",
    "descriptionformat": "alertDescriptionFormat", "displaynameformat": "alertDisplayNameFormat",
    "severitycolumnname": "alertSeverityColumnName", "tacticscolumnname": "alertTacticsColumnName",
}  # fmt: skip
"""What other tools call a setting, in small letters."""

_FOLDED = {
    "alertdetailoverride": "alertDetailsOverride", "eventgroupingsetting": "eventGroupingSettings",
    "groupingconfiguration": "groupingConfiguration", "incidentconfiguration": "incidentConfiguration",
}  # fmt: skip
"""Mappings whose settings PowerShell has beside them, each called by the mapping's name, which this is in small letters, and its own."""

_SPELLED = {**{name.lower(): name for name in _NAMES}, **_OTHER_NAMES}
_LISTS = frozenset({"entityMappings", "fieldMappings", "alertDynamicProperties", "requiredDataConnectors", "impactedAssets"})
_MAPPINGS = frozenset({"eventGroupingSettings", "alertDetailsOverride", "incidentConfiguration", "groupingConfiguration"})
_OWN = frozenset({"customDetails", "tags", "ParserParams"})
"""What has names of its author's own inside."""


def name_of(key: str) -> str:
    """What the REST interface calls a setting."""
    return _SPELLED.get(key.replace("_", "").lower(), key)


def spelled(tree: Tree) -> Tree:
    """A tree whose settings are called as the REST interface calls them; a name that stands there so already is left to what it names.

    Terraform writes a list of one mapping for a mapping, and a mapping for a list of one.
    """
    return _spelled(tree, {})


def _spelled(tree: Tree, known: dict[int, Tree]) -> Tree:
    """The same, for each part once: what has aliases in YAML stands in several places."""
    if id(tree) not in known:
        known[id(tree)] = _made(tree, known)
    return known[id(tree)]


def _made(tree: Tree, known: dict[int, Tree]) -> Tree:
    match tree:
        case Items(items, place):
            return Items(tuple(_spelled(item, known) for item in items), place)
        case Fields(entries):
            made: dict[str, Tree] = {}
            for key, value in _unfolded(entries).items():
                name = name_of(key)
                name = key if name in entries else name
                inside = value if name in _OWN else _spelled(value, known)
                match inside:
                    case Items((Fields() as only,)) if name in _MAPPINGS:
                        inside = only
                    case Fields() if name in _LISTS:
                        inside = Items((inside,), inside.place)
                made.setdefault(name, inside)
            return replace(tree, entries=made)
    return tree


def _unfolded(entries: Mapping[str, Tree]) -> Mapping[str, Tree]:
    """Settings in the mapping that PowerShell has put them beside."""
    found: dict[str, Tree] = {}
    for key, value in entries.items():
        of = next((prefix for prefix in _FOLDED if key.lower().startswith(prefix) and key[len(prefix) :].isalpha()), None)
        if of is None or key.lower() in _SPELLED:
            found[key] = value
            continue
        above = found.get(_FOLDED[of])
        inside = above.entries if isinstance(above, Fields) else {}
        found[_FOLDED[of]] = Fields({**inside, key[len(of) :]: value}, value.place)
    return found
