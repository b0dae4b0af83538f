"""A Splunk app with a saved search for each rule.

Source: Splunk Admin Manual, savedsearches.conf; Enterprise Security, "Correlation searches" (``action.correlationsearch.*``,
``action.notable.*`` and the annotations that ES reads).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from translator.detection.model import Detection
from translator.package.schedule import cron, frequency, lookback, numbered
from translator.pipeline import Conversion
from translator.report import attack_of
from translator.targets.base import Readiness, duration
from translator.targets.splunk import row_condition

SEVERITY = {"informational": "1", "low": "2", "medium": "3", "high": "4", "critical": "5"}
"""``alert.severity``: 1 debug to 6 fatal."""

RELATIONS = {">": "greater than", "<": "less than", "==": "equal to", "!=": "not equal to"}


def app_files(conversions: list[tuple[str, Conversion]]) -> dict[str, str]:
    """The app's files by path below its folder."""
    return {
        "default/app.conf": "[install]\nis_configured = 1\n\n[ui]\nis_visible = 0\nlabel = kql2sigma detections\n\n[launcher]\n"
        "author = kql2sigma\ndescription = Detections translated from KQL by kql2sigma\nversion = 1.0.0\n",
        "default/savedsearches.conf": "\n".join(
            text for (_, c), n in zip(conversions, _repetitions(conversions), strict=True) for text in stanzas(c, n)
        ),
        "default/macros.conf": macros([c for _, c in conversions]),
        "metadata/default.meta": "[]\naccess = read : [ * ], write : [ admin, sc_admin ]\nexport = system\n",
    }


def macros(conversions: list[Conversion]) -> str:
    """The macros that select the events of each table: a site narrows its own in one line.

    Source: Splunk Admin Manual, macros.conf.
    """
    found = {name: terms for c in conversions for name, terms in c.outputs["splunk"].macros.items()}
    return "\n".join(f"[{name}]\ndefinition = {terms}\niseval = 0\n" for name, terms in sorted(found.items()))


def with_macros(text: str, known: Mapping[str, str]) -> str:
    """A search that calls macros for what selects the events of its tables."""
    for name, terms in sorted(known.items(), key=lambda item: -len(item[1])):
        text = text.replace(terms, f"`{name}`")
    return text


def _repetitions(conversions: list[tuple[str, Conversion]]) -> list[int]:
    """How often each rule's name came before: of two stanzas with one name, Splunk would keep the last."""
    seen: dict[str, int] = {}
    out = []
    for _, conversion in conversions:
        out.append(seen.get(conversion.rule.name, 0))
        seen[conversion.rule.name] = out[-1] + 1
    return out


def stanzas(conversion: Conversion, repetition: int = 0) -> list[str]:
    """The stanzas of one rule, one for each alternative; the name of a rule that repeats an earlier one gets a number."""
    return [stanza(conversion, text, part, repetition) for text, part in numbered(conversion.outputs["splunk"])]


def stanza(conversion: Conversion, text: str, part: str = "", repetition: int = 0) -> str:
    rule, detection = conversion.rule, conversion.detection
    assert isinstance(detection, Detection)
    level = rule.severity or "medium"
    period = lookback(rule, detection, conversion.outputs["splunk"])
    known = attack_of(rule)
    annotations: dict[str, list[str]] = {"mitre_attack": known["techniques"]}
    if rule.entities:
        annotations["entities"] = [f"{e.type}:{e.identifier}={e.column}" for e in rule.entities]
    if rule.connectors:
        annotations["data_connectors"] = list(dict.fromkeys(c.id for c in rule.connectors))
    output = conversion.outputs["splunk"]
    trigger = output.trigger
    settings = {
        "search": with_macros(text.removesuffix(row_condition(trigger)) if trigger is not None else text, output.macros),
        "description": rule.description or rule.name,
        # What names fields that no add-on is known to bring would run and find nothing; a lookup that nobody has filled is an error.
        "disabled": "0" if output.readiness == Readiness.READY else "1",
        "enableSched": "1",
        "is_visible": "1",
        "cron_schedule": cron(frequency(rule)),
        "dispatch.earliest_time": f"-{_relative(period)}@m",
        "dispatch.latest_time": "now",
        "counttype": "number of events",
        "relation": RELATIONS[trigger.operator] if trigger is not None else "greater than",
        "quantity": str(trigger.count if trigger is not None else 0),
        "alert.track": "1",
        "alert.severity": SEVERITY.get(level, "3"),
        "action.correlationsearch.enabled": "1",
        "action.correlationsearch.label": rule.name + part,
        "action.correlationsearch.annotations": json.dumps(annotations),
        "action.notable": "1",
        "action.notable.param.rule_title": rule.name + part,
        "action.notable.param.rule_description": rule.description or rule.name,
        "action.notable.param.severity": level,
        "action.notable.param.security_domain": "threat",
    }
    name = " ".join(rule.name.replace("[", "(").replace("]", ")").split()) + (f" ({repetition + 1})" if repetition else "") + part
    return f"[{name}]\n" + "".join(f"{key} = {_continued(value)}\n" for key, value in settings.items())


def _continued(value: str) -> str:
    """A value over several lines: each but the last ends with the backslash that continues it."""
    return " \\\n".join(line.rstrip() for line in value.strip().splitlines())


def _relative(seconds: int) -> str:
    return duration(seconds if seconds % 60 == 0 else (seconds // 60 + 1) * 60)
