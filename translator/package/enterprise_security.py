"""What Enterprise Security is told of a saved search: its finding, the risk that it adds, and its domain.

Source: Enterprise Security, "Correlation searches" (``action.correlationsearch.*``, ``action.notable.*``, ``action.risk.*``), as
splunk/contentctl writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from translator import catalog
from translator.package import conf
from translator.package.entities import Entity
from translator.report import attack_of
from translator.rulepack.model import TOKEN, Rule
from translator.targets.base import Output

LEVELS = {"informational": (1, 15), "low": (2, 35), "medium": (3, 55), "high": (4, 75), "critical": (5, 95)}
"""``alert.severity`` (1 debug to 6 fatal), and a risk score that Enterprise Security calls by that severity."""

_ENDPOINT = frozenset(
    "process_creation process_access process_termination file_event file_delete file_rename file_change file_access image_load driver_load"
    " registry_event registry_set registry_add registry_delete create_remote_thread pipe_created ps_script ps_module sysmon system".split()
)

_NETWORK = frozenset("network_connection firewall dns dns_query proxy webserver zeek conn http cisco".split())

_ACCESS = frozenset("signinlogs security sshd auth authentication".split())

_THREAT_TACTICS = frozenset({"command-and-control", "exfiltration"})


def correlation(rule: Rule, name: str, tables: tuple[str, ...]) -> dict[str, str]:
    """What Enterprise Security knows a search by; a framework without an entry is left out."""
    annotations = {
        "mitre_attack": attack_of(rule)["techniques"],
        "data_source": list(tables),
        "sentinel_rule": [rule.id] if rule.id else [],
    }
    return {
        "alert.severity": str(LEVELS.get(rule.severity, LEVELS["medium"])[0]),
        "action.correlationsearch.enabled": "1",
        "action.correlationsearch.label": name,
        "action.correlationsearch.annotations": json.dumps({k: v for k, v in annotations.items() if v}),
    }


def risk(rule: Rule, output: Output, entities: Sequence[Entity]) -> dict[str, str]:
    """The risk that a finding adds to what it is about, and the threat objects that it names.

    An address is what acts, as a file, a URL or a command line are, unless no user and no host is named beside it: splunk/security_content
    writes of sign-ins the user as the victim and the address as the attacker.
    """
    about = [e for e in entities if e.risk and not e.threat]
    if not any(e.risk in ("user", "system") for e in about):
        about += [e for e in entities if e.threat == "ip_address"]
    about = about or [e for e in entities if e.risk]
    if not about:
        return {}
    score = LEVELS.get(rule.severity, LEVELS["medium"])[1]
    objects: list[dict[str, str | int]] = [
        {"risk_object_field": e.field, "risk_object_type": e.risk, "risk_score": score} for e in entities if e in about
    ]
    objects += [{"threat_object_field": e.field, "threat_object_type": e.threat} for e in entities if e.threat and e not in about]
    return {
        "action.risk": "1",
        "action.risk.param._risk": json.dumps(objects),
        "action.risk.param._risk_message": title(rule, output),
        "action.risk.param._risk_score": "0",
        "action.risk.param.verbose": "0",
    }


def notable(rule: Rule, output: Output, entities: Sequence[Entity], tables: tuple[str, ...]) -> dict[str, str]:
    """The finding, unless the rule makes no incidents."""
    if not rule.incidents.created:
        return {}
    shown = dict.fromkeys([*(e.field for e in entities), *(output.columns[c] for _, c in rule.custom_details if c in output.columns)])
    drilldown = [
        {
            "name": f"View what is known of ${e.field}$",
            "search": f"index=* ${e.field}|s$",
            "earliest_offset": "$info_min_time$",
            "latest_offset": "$info_max_time$",
        }
        for e in entities
        if not e.shared
    ]
    return {
        "action.notable": "1",
        "action.notable.param.rule_title": title(rule, output),
        "action.notable.param.rule_description": formatted(rule.details.description, output) or conf.words(rule.description or rule.name),
        "action.notable.param.severity": rule.severity if rule.severity in LEVELS else "medium",
        "action.notable.param.security_domain": security_domain(rule, tables),
        **({"action.notable.param.nes_fields": ",".join(shown)} if shown else {}),
        **({"action.notable.param.drilldown_searches": json.dumps(drilldown)} if drilldown else {}),
    }


def title(rule: Rule, output: Output) -> str:
    """What an alert is called: by the rule's format, in which a column is a field of the result."""
    return " ".join((formatted(rule.details.title, output) or conf.words(rule.name)).split())


def formatted(text: str, output: Output) -> str:
    """A format with ``{{Column}}`` as one with ``$field$``; of a column that the result lacks only its name."""
    pieces = re.split(TOKEN, text)
    fields = [f"${output.columns[p]}$" if p in output.columns else p for p in pieces[1::2]]
    plain = (p.replace("$", "") if fields else conf.words(p) for p in pieces[::2])
    return "".join(x for pair in zip(plain, [*fields, ""], strict=True) for x in pair).strip()


def security_domain(rule: Rule, tables: tuple[str, ...]) -> str:
    """Which of Enterprise Security's domains a rule is of, by where SigmaHQ has the logs of its tables and by its tactics."""
    if set(attack_of(rule)["tactics"]) & _THREAT_TACTICS:
        return "network"
    places = {v for t in tables if (found := catalog.table(t)) for h in found.homes["sigma"] for v in h.place.values()}
    for domain, of in (("access", _ACCESS), ("endpoint", _ENDPOINT), ("network", _NETWORK)):
        if places & of:
            return domain
    return "audit" if places else "threat"
