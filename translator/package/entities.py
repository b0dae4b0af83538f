"""The fields of a result that say what an alert is about."""

from __future__ import annotations

from dataclasses import dataclass

from translator.rulepack.model import Rule
from translator.targets.base import Output

RISK_OBJECTS = {
    "account": "user", "mailbox": "user", "host": "system", "ip": "system", "azureresource": "other", "cloudapplication": "other",
    "url": "other", "dns": "other", "file": "other", "filehash": "other", "process": "other", "malware": "other", "mailmessage": "other",
    "mailcluster": "other", "registrykey": "other", "registryvalue": "other", "securitygroup": "other", "iotdevice": "system",
}  # fmt: skip
"""Kinds of Enterprise Security's risk objects by entity of Sentinel (learn.microsoft.com/azure/sentinel/entities-reference)."""

THREAT_OBJECTS = {
    ("ip", "address"): "ip_address", ("url", "url"): "url", ("dns", "domainname"): "domain", ("file", "name"): "file_name",
    ("file", "directory"): "file_path", ("filehash", "value"): "file_hash", ("process", "commandline"): "process",
    ("malware", "name"): "signature", ("registrykey", "key"): "registry_path", ("registryvalue", "name"): "registry_value_name",
    ("registryvalue", "value"): "registry_value_text", ("mailmessage", "sender"): "email_address",
    ("mailmessage", "subject"): "email_subject",
}  # fmt: skip
"""Kinds of Enterprise Security's threat objects by entity and identifier (splunk/contentctl, objects/rba.py, ThreatObjectType)."""

_SHARED = frozenset(
    "account.upnsuffix account.ntdomain account.dnsdomain account.aadtenantid account.isdomainjoined host.dnsdomain host.ntdomain"
    " host.osfamily host.osversion host.isdomainjoined ip.addressscope filehash.algorithm malware.category process.processid"
    " process.creationtimeutc process.elevationtoken registrykey.hive registryvalue.valuetype".split()
)
"""Identifiers of entities that complete another one, and alone are those of many (same page, the tables of identifiers)."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A field of the result that says what an alert is about.

    ``risk`` and ``threat`` are the kinds of risk object and of threat object that it is, each empty where it is none. ``shared`` tells
    whether its value is that of many, as the domain of an account is.
    """

    field: str
    risk: str = ""
    threat: str = ""
    shared: bool = False


def entity_fields(rule: Rule, output: Output, keys: tuple[str, ...]) -> list[Entity]:
    """The entities of a rule that the result shows; else columns named ``...CustomEntity``, else the ``keys`` that the query groups by."""
    named = [(e.type.lower(), e.identifier.lower(), e.column) for e in rule.entities]
    if not named:
        named = [(c.removesuffix("CustomEntity").lower(), "", c) for c in output.columns if c.endswith("CustomEntity")]
    if not named:
        return [Entity(field) for field in dict.fromkeys(output.columns[c] for c in keys if c in output.columns)]
    found: dict[str, Entity] = {}
    for kind, identifier, column in named:
        if (field := output.columns.get(column)) is not None:
            found.setdefault(field, _entity(field, kind, identifier))
    return list(found.values())


def _entity(field: str, kind: str, identifier: str) -> Entity:
    if f"{kind}.{identifier}" in _SHARED:
        return Entity(field, shared=True)
    # A column that is an entity by its name has no identifier: the first of its kind.
    threats = [threat for (of, by), threat in THREAT_OBJECTS.items() if of == kind and identifier in (by, "")]
    return Entity(field, RISK_OBJECTS.get(kind, "other"), threats[0] if threats else "")
