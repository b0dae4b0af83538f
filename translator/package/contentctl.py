"""A project of Splunk's contentctl: a YAML file for each search, and what the searches name.

Source: github.com/splunk/contentctl 5.6 (objects/abstract_security_content_objects, objects/config.py): what its ``validate`` and ``build``
accept. A detection names its filter macro after its file; a lookup or a macro that a search names has a file of its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from translator.package.conf import plain
from translator.package.options import PackageOptions, changed
from translator.package.splunk_app import LISTED, Search
from translator.pipeline import Conversion
from translator.rulepack.model import Rule
from translator.sigma.identity import NAMESPACE, stable_id
from translator.targets.base import Readiness

FOLDER = "contentctl"

LABEL = "K2S"
"""The prefix of stanzas: with one of so few letters names may have 67."""

LONGEST_NAME = 67

KINDS = ("baselines", "dashboards", "data_sources", "deployments", "detections", "lookups", "macros", "playbooks", "removed", "stories")
"""Folders that a project has, if only empty."""

PRODUCTS = ["Splunk Enterprise", "Splunk Enterprise Security", "Splunk Cloud"]

ASSETS = {
    "endpoint": "Endpoint",
    "network": "Network",
    "identity": "Identity",
    "access": "Account",
    "audit": "Infrastructure",
    "threat": "Instance",
}
"""``asset_type`` by security domain."""

_UNDATED = "1970-01-01"

_NOTABLE = {"notable": {"rule_title": "%name%", "rule_description": "%description%", "nes_fields": ["user", "dest"]}}
"""Percent signs stand for attributes of the detection."""


def files(
    conversions: list[tuple[str, Conversion]], searches: Iterable[Search], options: PackageOptions
) -> tuple[dict[str, str], set[str]]:
    """The files of the project by path, where one that ends with a slash is an empty folder; and the rules that are left out."""
    left_out: set[str] = set()
    by_slug = dict(conversions)
    found = {f"{FOLDER}/{kind}/": "" for kind in KINDS}
    found[f"{FOLDER}/app_template/metadata/default.meta"] = "[]\naccess = read : [ * ], write : [ admin, sc_admin ]\nexport = system\n"
    date = options.date or _UNDATED
    taken: set[str] = set()
    for search in searches:
        conversion = by_slug[search.slug]
        name = _name(search.name, taken)
        path = f"{FOLDER}/detections/{stem(name)}.yml"
        detection = _detection(conversion, search, name, options)
        if misread(detection["search"], conversion):
            left_out.add(search.slug)
            continue
        old = _previous(options.previous(path))
        same = isinstance(old, dict) and {**old, "version": 0} == {**detection, "version": 0}
        known = old.get("version", 0) if isinstance(old, dict) and isinstance(old.get("version"), int) else 0
        found[path] = _dump({**detection, "version": max(1, known + (not same))})
        for table in conversion.tables:
            found[f"{FOLDER}/data_sources/{stem(_source_name(table))}.yml"] = _dump(_source(table, conversion, options))
        for macro, terms in conversion.outputs["splunk"].macros.items():
            found[f"{FOLDER}/macros/{macro}.yml"] = _dump(
                {"name": macro, "definition": terms, "description": "The events of a table, which a site narrows."}
            )
        if search.filter_definition != "search *":
            macro = f"{stem(name)}_filter"
            found[f"{FOLDER}/macros/{macro}.yml"] = _dump(
                {"name": macro, "definition": search.filter_definition, "description": "What the rule's author excludes."}
            )
        lists: dict[str, tuple[str, tuple[str, ...]]] = {
            name: (kind, LISTED) for name, kind in conversion.outputs["splunk"].lookups.items()
        }
        lists |= {name: ("exact", columns) for name, columns in conversion.outputs["splunk"].tables.items()}
        for lookup, (kind, columns) in lists.items():
            found[f"{FOLDER}/lookups/{lookup}.csv"] = f"{','.join(columns)}\n"
            found[f"{FOLDER}/lookups/{lookup}.yml"] = _dump(_lookup(lookup, kind, date))
    known = re.search(r"^  version: (\d+)\.(\d+)\.(\d+)$", options.previous(f"{FOLDER}/contentctl.yml") or "", re.M)
    major, minor, patch = map(int, known.groups()) if known else (1, 0, 0)
    texts = {path.removeprefix(f"{FOLDER}/"): text for path, text in found.items() if not path.endswith("/")}
    patch += known is not None and changed(options, FOLDER, texts)
    project = {**_PROJECT, "app": {**_PROJECT["app"], "version": f"{major}.{minor}.{patch}"}}
    return {**found, f"{FOLDER}/contentctl.yml": _dump(project)}, left_out


def misread(text: str, conversion: Conversion) -> bool:
    """Whether contentctl would take words of a text in the search for a lookup or a macro: it reads searches without their quoting."""
    output = conversion.outputs["splunk"]
    lists = set(re.findall(r"(?i)\W(?:input|output)?lookup\s+(?:\w+=\w+\s+)*(\w+)", f" {text}")) - {*output.lookups, *output.tables}
    macros = {m for m in re.findall(r"`([^\s`]+)`", text) if not m.endswith("_filter")} - set(output.macros)
    return bool(lists or macros)


_PROJECT: Mapping[str, Any] = {
    "path": ".",
    "app": {
        "uid": 20001,
        "title": "kql2sigma detections",
        "appid": "kql2sigma_content",
        "version": "1.0.0",
        "description": "Detections translated from KQL by kql2sigma",
        "prefix": LABEL,
        "label": LABEL,
        "author_name": "kql2sigma",
        "author_email": "nobody@example.com",
        "author_company": "kql2sigma",
    },
    "enrichments": False,
    "build_app": True,
    "build_api": False,
    "data_source_TA_validation": False,
    "enforce_deprecation_mapping_requirement": False,
    "test_data_caches": [],
    "build_path": "dist",
    "mode": {"mode_name": "All"},
    "apps": [],
}


def _previous(text: str | None) -> object:
    """An earlier file, as far as it can be read."""
    try:
        return yaml.safe_load(text or "{}")
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def stem(name: str) -> str:
    """What contentctl calls the file of an object of this name."""
    return re.sub(r"[ \-./]", "_", name).lower()


def _name(text: str, taken: set[str]) -> str:
    """A name of letters that mean nothing to a search or a file; no two have one file."""
    clean = " ".join(re.sub(r"[^A-Za-z0-9 _.-]", " ", text).split()).strip("-. ") or "Detection"
    name, number = clean[:LONGEST_NAME].rstrip("-. "), 1
    while stem(name) in taken:
        number += 1
        suffix = f" {number}"
        name = clean[: LONGEST_NAME - len(suffix)].rstrip("-. ") + suffix
    taken.add(stem(name))
    return name


def _detection(conversion: Conversion, search: Search, name: str, options: PackageOptions) -> dict[str, Any]:
    rule, settings = conversion.rule, search.settings
    text = plain(settings["search"]).replace(f"`{search.filter}`", f"`{stem(name)}_filter`")
    if search.counted and not text.endswith(search.counted):
        text += search.counted  # contentctl's own condition is that there is any row
    late = "dispatch.index_earliest" in settings
    named = [o for o in search.objects if o.get("risk_object_field", "\0").lower() in text.lower()]
    threats = [o for o in search.objects if o.get("threat_object_field", "\0").lower() in text.lower()]
    kind = "TTP" if named else "Hunting"
    first = named[0]["risk_object_field"] if named else ""
    unknown = conversion.outputs["splunk"].readiness == Readiness.NAMES
    found: dict[str, Any] = {
        "name": name,
        "id": stable_id(rule, f"contentctl {name}"),
        "version": 1,
        "date": rule.day or options.date or _UNDATED,
        "author": (plain(rule.author) or options.author or "kql2sigma")[:255],
        "status": "experimental" if unknown else "production",
        "type": kind,
        "description": _text(rule.description or rule.name)[:9_000],
        "data_source": [_source_name(t) for t in conversion.tables],
        "search": text,
        "how_to_implement": _text(f"Reads {', '.join(conversion.tables)}. Narrow its macros to the indexes of the site; fill the lookups."),
        "known_false_positives": _text(" ".join(rule.false_positives)) if len(" ".join(rule.false_positives)) > 3 else "None are known.",
        "references": [r for r in rule.references if re.fullmatch(r"https?://[^\s\"<>]+", r)],
    }
    if kind == "TTP":
        found["drilldown_searches"] = [
            {
                "name": f'View the detection results for - "${first}$"',
                "search": f'%original_detection_search% | search "{first}" = "${first}$"',
                "earliest_offset": "$info_min_time$",
                "latest_offset": "$info_max_time$",
            },
            {
                "name": f'View risk events for the last 7 days for - "${first}$"',
                "search": f'| from datamodel Risk.All_Risk | search normalized_risk_object IN ("${first}$")',
                "earliest_offset": "7d",
                "latest_offset": "0",
            },
        ]
        found["rba"] = {
            "message": f"{_text(rule.name).replace('$', '')} on ${first}$",
            "risk_objects": [
                {"field": o["risk_object_field"], "type": o["risk_object_type"], "score": o["risk_score"]} for o in named
            ],
            "threat_objects": [{"field": o["threat_object_field"], "type": o["threat_object_type"]} for o in threats],
        }  # fmt: skip
    found["deployment"] = {
        "scheduling": {
            "cron_schedule": settings.get("cron_schedule", "0 0 * * *"),
            "earliest_time": "-2m@m" if late else settings["dispatch.earliest_time"],
            "latest_time": "-1m@m" if late else settings["dispatch.latest_time"],
            "schedule_window": settings.get("schedule_window", "0"),
        },
        "alert_action": {
            **({"rba": {"enabled": True}} if kind == "TTP" else {}),
            **(_NOTABLE if "action.notable" in settings else {}),
        },
    }
    domain = settings.get("action.notable.param.security_domain", "threat")
    found["tags"] = {
        "analytic_story": [],
        "asset_type": ASSETS[domain],
        "mitre_attack_id": _techniques(rule),
        "product": PRODUCTS,
        "security_domain": domain,
        "manual_test": "The rule came without events.",
        **_throttling(settings, text),
    }
    return found


def _throttling(settings: Mapping[str, str], text: str) -> dict[str, Any]:
    period = settings.get("alert.suppress.period", "")
    fields = [f for f in settings.get("alert.suppress.fields", "").split(",") if f and f in text]
    hours = re.fullmatch(r"(\d+)d", period)
    length = f"{int(hours[1]) * 24}h" if hours else period
    return {"throttling": {"fields": fields, "period": length}} if fields and re.fullmatch(r"\d+[smh]", length) else {}


def _techniques(rule: Rule) -> list[str]:
    """Techniques, without a parent beside one of its own."""
    found = list(dict.fromkeys(t.upper() for t in rule.techniques if re.fullmatch(r"[Tt]\d{4}(\.\d{3})?", t)))
    return [t for t in found if not any(other.startswith(f"{t}.") for other in found)]


def _text(text: str) -> str:
    """A text in which nothing is a variable of the project, and which does not continue what stands behind it."""
    return plain(text).replace("%", " percent").replace("__UPDATE__", "UPDATE").strip().rstrip("\\").strip() or "None is stated."


def _source_name(table: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", table).replace("AND", "And") or "Unknown"


def _source(table: str, conversion: Conversion, options: PackageOptions) -> dict[str, Any]:
    deployment = conversion.outputs["splunk"].deployment
    places = [r.place for r in deployment.reads if r.table == table and r.place] if deployment is not None else []
    told = dict(part.split("=", 1) for place in places[:1] for part in place.split(" ") if "=" in part)
    return {
        "name": _source_name(table),
        "id": _id(f"data source {table}"),
        "version": 1,
        "date": options.date or _UNDATED,
        "author": options.author or "kql2sigma",
        "description": f"What {table} of Microsoft Sentinel has: {places[0] if places else 'no place is known'}",
        "source": told.get("source") or table,
        "sourcetype": told.get("sourcetype") or "unknown",
    }


def _id(of: str) -> str:
    """An identifier of what belongs to no single rule."""
    return str(uuid.uuid5(NAMESPACE, f"contentctl {of}"))


def _lookup(name: str, kind: str, date: str) -> dict[str, Any]:
    return {
        "name": name,
        "id": _id(f"lookup {name}"),
        "version": 1,
        "date": date,
        "author": "kql2sigma",
        "description": "A list that a site keeps.",
        "lookup_type": "csv",
        "max_matches": 1,
        "case_sensitive_match": kind == "exact",
        **({"match_type": ["WILDCARD(value)"]} if kind == "within" else {}),
    }


def _dump(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=120)
