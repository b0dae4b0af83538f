"""What a rule asks of its alerts beside the query, and whether a product has a place for it.

Source: learn.microsoft.com/azure/sentinel/create-analytics-rules; customize-alert-details; surface-custom-details-in-alerts.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from translator.fidelity import Diagnostic
from translator.rulepack.cron import cron
from translator.rulepack.model import TOKEN, Rule


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a rule by its ``name`` here, and what it asks for, in words."""

    name: str
    what: str


def settings_of(rule: Rule) -> list[Setting]:
    """The settings of a rule that say more than what every alert is."""
    details, incidents, found = rule.details, rule.incidents, list[Setting]()
    if rule.frequency and cron(rule.frequency)[1] != rule.frequency:
        found.append(Setting("odd-schedule", f"the rule runs every {rule.frequency} seconds, which cron cannot say: it runs more often"))
    if rule.suppression and rule.grouping == "each":
        found.append(Setting("resting-after-each", "the whole rule rests after an alert of one row"))
    if rule.suppression:
        found.append(Setting("suppression", f"the rule rests for {rule.suppression} seconds after an alert"))
    if rule.grouping:
        found.append(
            Setting(f"grouping-{rule.grouping}", f"a run gives {'one alert' if rule.grouping == 'single' else 'an alert for each row'}")
        )
    if rule.custom_details:
        found.append(Setting("custom-details", f"alerts carry {', '.join(name for name, _ in rule.custom_details)}"))
    if details.title:
        found.append(Setting("title-of-column" if re.fullmatch(TOKEN, details.title) else "title", f"alerts are called '{details.title}'"))
    if details.description:
        found.append(Setting("description", "alerts have a description of their own"))
    if details.severity:
        found.append(Setting("severity-column", f"the column {details.severity} gives the severity of an alert"))
    if details.tactics:
        found.append(Setting("tactics-column", f"the column {details.tactics} gives the tactics of an alert"))
    if details.properties:
        found.append(Setting("properties", f"columns give {', '.join(name for name, _ in details.properties)} of an alert"))
    if not incidents.created:
        found.append(Setting("no-incidents", "alerts become no incidents"))
    if incidents.grouped:
        found.append(Setting("incident-grouping", f"alerts join an incident by {incidents.matching or 'what they have in common'}"))
    return found


def lost(rule: Rule, kept: Container[str]) -> tuple[Diagnostic, ...]:
    """A word on each setting of a rule that is not among those that are ``kept``."""
    return tuple(Diagnostic("setting-lost", f"no place here: {s.what}") for s in settings_of(rule) if s.name not in kept)
