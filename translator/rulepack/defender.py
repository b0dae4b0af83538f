"""Custom detections of Defender XDR as Microsoft Graph has them, in JSON or in YAML.

Sources: learn.microsoft.com/graph/api/resources/security-detectionrule, security-alerttemplate, security-impactedasset;
learn.microsoft.com/defender-xdr/custom-detection-rules, "Rule frequency".
"""

from __future__ import annotations

from collections.abc import Iterator

from translator.rulepack.model import AlertDetails, EntityMapping, Rule, Unread
from translator.rulepack.sentinel import SEVERITIES, duration, query_of
from translator.rulepack.tree import Fields, Misread, Settings

HOUR, DAY = 3_600, 86_400

_LOOKBACKS = {HOUR: 4 * HOUR, 3 * HOUR: 12 * HOUR, 12 * HOUR: 2 * DAY, DAY: 30 * DAY}
"""How far a detection looks back that runs every so many seconds."""

_CONTINUOUS = ("0", "0h")
_ENTITIES = {"impacteddeviceasset": "Host", "impacteduserasset": "Account", "impactedmailboxasset": "Mailbox"}


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
    condition, schedule = data.inside("queryCondition"), data.inside("schedule")
    query, text_map = query_of(condition.fields, "queryText")
    alert = data.inside("detectionAction").inside("alertTemplate")
    continuous = schedule.line("period").lower() in _CONTINUOUS
    frequency = 60 if continuous else duration(schedule, "period")
    name = data.line("displayName") or alert.line("title") or stem
    title = alert.line("title")
    category = alert.line("category")
    yield Rule(
        source=path,
        id=data.line("id"),
        name=name,
        query=query,
        text_map=text_map,
        description=alert.text("description").strip(),
        severity=alert.choice("severity", SEVERITIES),
        tactics=(category,) if category else (),
        techniques=alert.texts("mitreTechniques"),
        entities=tuple(_entities(alert)),
        frequency=frequency,
        period=60 if continuous else _LOOKBACKS.get(frequency or 0),
        author=data.line("createdBy"),
        date=(data.line("createdDateTime") or condition.line("lastModifiedDateTime"))[:10],
        kind="nrt" if continuous else "scheduled" if frequency else "hunting",
        enabled=data.truth("isEnabled") is not False,
        details=AlertDetails(title=title if title != name else ""),
    )
    for action in data.inside("detectionAction").rows("responseActions"):
        what = action.line("@odata.type").rpartition(".")[2] or "without a name"
        notes.append(Misread(f"a response action, {what}, is left out: an alert is all that is written", action.fields.place))
    yield from (Unread(path, name, n.message, *n.place, fault=False) for n in notes)


def _entities(alert: Settings) -> Iterator[EntityMapping]:
    for asset in alert.rows("impactedAssets"):
        identifier = asset.line("identifier")
        column = identifier[:1].upper() + identifier[1:]
        kind = asset.line("@odata.type").rpartition(".")[2].lower()
        if column:
            yield EntityMapping(_ENTITIES.get(kind, "Account"), column, column)
