"""Custom detections of Defender XDR as Microsoft Graph has them, in JSON or in YAML.

Graph 1.0 calls the settings anew, and its beta takes those of before away (2026-10-01): a file has the one or the other.

Sources: learn.microsoft.com/graph/api/resources/security-detectionrule, security-ruleschedule, security-alerttemplate,
security-mitretactic, security-mitretechnique, security-impactedasset, security-entitymappingconfiguration and the mappings that it lists,
security-automatedactionset, security-organizationalscope;
learn.microsoft.com/defender-xdr/custom-detection-rules, "Rule frequency", "Set the rule scope", "Create a dynamic alert title".
"""

from __future__ import annotations

from collections.abc import Iterator

from translator.rulepack.model import TOKEN, AlertDetails, EntityMapping, Rule, Unread, seconds
from translator.rulepack.sentinel import SEVERITIES, duration, query_of
from translator.rulepack.tree import Fields, Items, Misread, Place, Settings

HOUR, DAY = 3_600, 86_400

_LOOKBACKS = {HOUR: 4 * HOUR, 3 * HOUR: 12 * HOUR, 12 * HOUR: 2 * DAY, DAY: 30 * DAY}
"""How far a detection looks back that runs every so many seconds, and does not say it."""

_CONTINUOUS = ("0", "0h")
_OFF = ("disabled", "autodisabled")
_GROUPINGS = {"alertperevent": "each", "singlealert": "single"}
_ASSETS = {"impacteddeviceasset": "Host", "impacteduserasset": "Account", "impactedmailboxasset": "Mailbox"}

_ENTITIES = {
    "accounts": "Account", "amazonresources": "AmazonResource", "azureresources": "AzureResource", "cloudapplications": "CloudApplication",
    "dns": "DNS", "files": "File", "googlecloudresources": "GoogleCloudResource", "hosts": "Host", "ips": "IP",
    "mailclusters": "MailCluster", "mailmessages": "MailMessage", "mailboxes": "Mailbox", "oauthapplications": "OAuthApplication",
    "processes": "Process", "registryvalues": "RegistryValue", "securitygroups": "SecurityGroup", "urls": "URL",
}  # fmt: skip
"""The entities that columns may be mapped to, in small letters, and what Sentinel calls them."""

_IDENTIFIERS = {
    ("hosts", "name"): ("Host", "HostName"), ("ips", "scope"): ("IP", "AddressScope"), ("urls", "address"): ("URL", "Url"),
    ("mailboxes", "primaryaddress"): ("Mailbox", "MailboxPrimaryAddress"), ("registryvalues", "valuename"): ("RegistryValue", "Name"),
    **{(kind, f"sha{bits}"): ("FileHash", "Value") for kind in ("files", "processes") for bits in (1, 256)},
}  # fmt: skip
"""Entities and identifiers that Sentinel calls by other names (learn.microsoft.com/azure/sentinel/entities-reference)."""


def recognizes(item: Fields) -> bool:
    """Whether this is a custom detection: its query stands in its condition."""
    return isinstance(item.get("queryCondition"), Fields)


def read(path: str, item: Fields, stem: str) -> Iterator[Rule | Unread]:
    """The detection.

    Raises:
        Misread: where it has no query, or a schedule that is none.
    """
    notes: list[Misread] = []
    data = Settings(item, notes)
    condition, action = data.inside("queryCondition"), data.inside("detectionAction")
    query, text_map = query_of(condition.fields, "queryText")
    alert = action.inside("alertTemplate")
    frequency, period = _times(data.inside("schedule"))
    name = data.line("displayName") or alert.line("title") or stem
    title, description, own = alert.line("title"), alert.text("description").strip(), data.text("description").strip()
    dynamic = TOKEN.search(description) is not None
    tactics, techniques = _attack(alert)
    yield Rule(
        source=path,
        id=data.line("id"),
        name=name,
        query=query,
        text_map=text_map,
        description=own or description if dynamic else description or own,
        severity=alert.choice("severity", SEVERITIES),
        tactics=tactics,
        techniques=techniques,
        entities=tuple(_entities(alert)),
        frequency=frequency or (60 if frequency == 0 else None),
        period=period,
        author=data.line("createdBy"),
        date=(data.line("createdDateTime") or condition.line("lastModifiedDateTime"))[:10],
        kind="nrt" if frequency == 0 else "scheduled" if frequency else "hunting",
        enabled=data.truth("isEnabled") is not False and data.line("status").lower() not in _OFF,
        grouping=_GROUPINGS.get(alert.line("eventGroupingKind").lower(), ""),
        custom_details=tuple(pair for pair in alert.pairs("customDetails") if not pair[0].startswith("@")),
        details=AlertDetails(title if title != name else "", description if dynamic else ""),
        scope=action.inside("organizationalScope").texts("scopeNames"),
    )
    notes += (Misread(f"a response action, {what}, is left out: an alert is all that is written", at) for what, at in _responses(action))
    if action.inside("incidentConfiguration").truth("isExcludedFromIncidentCorrelation"):
        notes.append(Misread("that its alerts join no other incident is left out", action.place("incidentConfiguration")))
    yield from (Unread(path, name, n.message, *n.place, fault=False) for n in notes)


def _times(schedule: Settings) -> tuple[int | None, int | None]:
    """How often a detection runs, in seconds, 0 where it runs all the time, and how far it looks back."""
    named = "frequency" if schedule.has("frequency") else "period"
    written = schedule.fields.leaf(named).strip()
    if written.lower() in _CONTINUOUS or seconds(written) == 0:
        return 0, 60
    frequency = duration(schedule, named)
    return frequency, duration(schedule, "lookback") or _LOOKBACKS.get(frequency or 0)


def _attack(alert: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tactics and techniques of an alert: as mappings, the names in which are spelled as those of Sentinel are, else as texts."""
    if not isinstance(alert.fields.get("tactics"), Items):
        category = alert.line("category")
        return (category,) if category else (), alert.texts("mitreTechniques")
    tactics, techniques = list[str](), list[str]()
    for row in alert.rows("tactics"):
        tactics.append(row.line("tactics"))
        for technique in row.rows("techniques"):
            techniques += (technique.line("techniques"), *technique.texts("subTechniques"))
    return tuple(filter(None, tactics)), tuple(filter(None, dict.fromkeys(techniques)))


def _responses(action: Settings) -> Iterator[tuple[str, Place]]:
    """What is done when the detection alerts, and where that is said."""
    for row in map(_whole, action.rows("responseActions")):
        yield row.line("@odata.type").rpartition(".")[2] or "without a name", row.fields.place
    automated = action.inside("automatedActions").fields.entries
    yield from ((name, found.place) for name, found in automated.items() if isinstance(found, Items) and found.items)


def _entities(alert: Settings) -> Iterator[EntityMapping]:
    for asset in map(_whole, alert.rows("impactedAssets")):
        identifier = asset.line("identifier")
        column = identifier[:1].upper() + identifier[1:]
        kind = asset.line("@odata.type").rpartition(".")[2].lower()
        if column:
            yield EntityMapping(_ASSETS.get(kind, "Account"), column, column)
    for mappings in alert.rows("entityMappings"):
        for key, kind in ((k, k.lower()) for k in mappings.fields.entries if k.lower() in _ENTITIES):
            for mapping in mappings.rows(key):
                for name in (n.removesuffix("Column") for n in mapping.fields.entries if n.endswith("Column")):
                    if column := mapping.line(f"{name}Column"):
                        of, identifier = _IDENTIFIERS.get((kind, name.lower()), (_ENTITIES[kind], name[:1].upper() + name[1:]))
                        yield EntityMapping(of, identifier, column)


def _whole(row: Settings) -> Settings:
    """A mapping of one of several types, of which PowerShell has what is not of all of them in one inside."""
    return row.inside("additionalProperties") if row.has("additionalProperties") else row
