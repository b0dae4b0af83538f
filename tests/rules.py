"""Rules made of a query alone."""

from __future__ import annotations

from typing import Any

from translator.rulepack.model import Rule, TextMap


def rule(kql: str, name: str = "a rule", **facts: Any) -> Rule:
    return Rule("rule.yaml", "", name, kql, TextMap.locate(kql, [kql], 0), **facts)
