"""The names of settings as the tools of Azure spell them: as the REST interface has them, with capitals, or with underscores.

Sources: learn.microsoft.com/powershell/module/az.securityinsights/new-azsentinelalertrule;
registry.terraform.io/providers/hashicorp/azurerm, sentinel_alert_rule_scheduled, sentinel_alert_rule_nrt, log_analytics_saved_search,
log_analytics_query_pack_query.
"""

from __future__ import annotations

from dataclasses import replace

from translator.rulepack.tree import Fields, Items, Tree

_NAMES = """
    additionalProperties aggregationKind alertDescriptionFormat alertDetailsOverride alertDisplayNameFormat alertDynamicProperties
    alertProperty alertSeverityColumnName alertTacticsColumnName alertTemplate author body category columnName connectorId createdBy
    createdDateTime createIncident customDetails dataTypes description detectionAction displayName enabled entitiesMatchingMethod
    entityMappings entityType eventGroupingSettings falsePositives fieldMappings functionAlias functionParameters groupingConfiguration id
    identifier impactedAssets incidentConfiguration isEnabled kind lastModifiedDateTime lookbackDuration matchingMethod metadata
    mitreTechniques name period properties query queryCondition queryFrequency queryPeriod queryText references relevantTechniques
    requiredDataConnectors responseActions schedule severity status subTechniques suppressionDuration suppressionEnabled tactics tags
    techniques templateVersion title triggerOperator triggerThreshold type value version
""".split()

_OTHER_NAMES = {
    "tactic": "tactics", "technique": "techniques", "entitymapping": "entityMappings", "fieldmapping": "fieldMappings",
    "eventgroupingsettingaggregationkind": "aggregationKind", "eventgrouping": "eventGroupingSettings",
    "aggregationmethod": "aggregationKind", "dynamicproperty": "alertDynamicProperties", "incident": "incidentConfiguration",
    "createincidentenabled": "createIncident", "grouping": "groupingConfiguration", "entitymatchingmethod": "matchingMethod",
    "descriptionformat": "alertDescriptionFormat", "displaynameformat": "alertDisplayNameFormat",
    "severitycolumnname": "alertSeverityColumnName", "tacticscolumnname": "alertTacticsColumnName",
}  # fmt: skip
"""What other tools call a setting, in small letters."""

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
            for key, value in entries.items():
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
