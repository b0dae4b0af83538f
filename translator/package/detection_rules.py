"""Rules as elastic/detection-rules keeps them: a TOML file each.

Source: github.com/elastic/detection-rules, detection_rules/rule.py, schemas/definitions.py and docs: metadata beside the rule, new terms as
field and value, no version of one's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from translator.package.kibana import Packaged, name_in_ascii, stack_version, unique
from translator.package.options import PackageOptions

FOLDER = "detection-rules"

FLOOR = (8, 19, 0)
"""The oldest stack that the repository still checks."""

_UNDATED = "1970/01/01"
_NOT_THERE = frozenset({"version", "enabled", "exceptions_list", "related_integrations", "required_fields"})


def schema() -> Mapping[str, Any]:
    """The JSON Schema of a rule, as Kibana imports it and as this module writes it below ``rule``."""
    found: Mapping[str, Any] = json.loads((Path(__file__).parent / "detection_rule.schema.json").read_text(encoding="utf-8"))
    return found


def files(found: Iterable[Packaged], options: PackageOptions) -> dict[str, str]:
    """The files by path."""
    written: dict[str, str] = {}
    names: set[str] = set()
    for packaged in found:
        for rule in packaged.rules:
            # schemas/definitions.py, NAME_PATTERN
            made = {**rule, "name": unique(name_in_ascii(rule["name"]), names)}
            base = re.sub(r"[^a-z0-9]+", "_", made["name"].lower()).strip("_")[:80] or "rule"
            path, number = f"{FOLDER}/rules/{base}.toml", 1
            while path in written:
                number += 1
                path = f"{FOLDER}/rules/{base}_{number}.toml"
            written[path] = tomli_w.dumps(document(made, options))
    return written


def document(made: Mapping[str, Any], options: PackageOptions) -> dict[str, Any]:
    """One rule with its metadata."""
    date = options.date.replace("-", "/") or _UNDATED
    version = max(FLOOR, stack_version(made))
    metadata = {
        "creation_date": date,
        "updated_date": date,
        # What nobody has looked at yet.
        "maturity": "development",
        "min_stack_version": ".".join(map(str, version)),
        "min_stack_comments": "The oldest stack that has all that the query uses, and that is still checked.",
    }
    packages = list(dict.fromkeys(i["package"] for i in made["related_integrations"]))
    rule = {k: v for k, v in made.items() if k not in _NOT_THERE and v not in ("", [], None)}
    if "new_terms_fields" in rule:
        fields, start = rule.pop("new_terms_fields"), rule.pop("history_window_start")
        rule["new_terms"] = {
            "field": "new_terms_fields",
            "value": fields,
            "history_window_start": [{"field": "history_window_start", "value": start}],
        }
    return {"metadata": {**metadata, **({"integration": packages} if packages else {})}, "rule": rule}
