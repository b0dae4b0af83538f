"""The fields of a result that say what an alert is about."""

from __future__ import annotations

from translator.rulepack.model import Rule
from translator.targets.base import Output

RISK_OBJECTS = {
    "account": "user", "mailbox": "user", "host": "system", "ip": "system", "azureresource": "other", "cloudapplication": "other",
    "url": "other", "dns": "other", "file": "other", "filehash": "other", "process": "other", "malware": "other", "mailmessage": "other",
    "mailcluster": "other", "registrykey": "other", "registryvalue": "other", "securitygroup": "other", "iotdevice": "system",
}  # fmt: skip
"""Kinds of Enterprise Security's risk objects by entity of Sentinel (learn.microsoft.com/azure/sentinel/entities-reference)."""


Entities = list[tuple[str, str]]
"""Kind of risk object, empty where there is none, and field of the result."""


def entity_fields(rule: Rule, output: Output, keys: tuple[str, ...]) -> Entities:
    """The entities of a rule that the result shows; else columns named ``...CustomEntity``, else the ``keys`` that the query groups by."""
    pairs = [(RISK_OBJECTS.get(e.type.lower(), "other"), e.column) for e in rule.entities]
    if not pairs:
        named = ((c.removesuffix("CustomEntity"), c) for c in output.columns if c.endswith("CustomEntity"))
        pairs = [(RISK_OBJECTS.get(kind.lower(), "other"), c) for kind, c in named]
    if not pairs:
        pairs = [("", c) for c in keys]
    found: dict[str, str] = {}
    for kind, column in pairs:
        if (field := output.columns.get(column)) is not None:
            found.setdefault(field, kind)
    return [(kind, field) for field, kind in found.items()]
