"""Microsoft Sentinel analytic rules and hunting queries as YAML.

Source of the fields: github.com/Azure/Azure-Sentinel/wiki/Query-Style-Guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from translator.rulepack.model import OPERATORS, AlertDetails, Connector, EntityMapping, Incidents, Rule, RuleFileError, TextMap, seconds


def read(path: str, text: str) -> Rule:
    """The rule in a YAML text.

    Raises:
        RuleFileError: where the text is no YAML, no mapping, or has no query.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise RuleFileError(path, f"this is not valid YAML: {error.problem or error.context}", line, column) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RuleFileError(path, f"this is not valid YAML: {error}") from error
    if not isinstance(data, Mapping) or not isinstance(node, yaml.MappingNode):
        raise RuleFileError(path, "this file is no rule: expected a mapping with a key 'query'")
    query = data.get("query")
    value = next((v for k, v in node.value if k.value == "query"), None)
    if value is None:
        raise RuleFileError(path, "this rule has no key 'query'")
    if not isinstance(query, str) or not query.strip():
        raise RuleFileError(path, "the query of this rule is empty", value.start_mark.line + 1, value.start_mark.column + 1)
    text_map = _text_map(query, text.split("\n"), value)
    written = {k.value: v for k, v in node.value if isinstance(v, yaml.ScalarNode)}
    # YAML reads 12:00:00 as a number of base 60.
    given = {**data, **{name: written[name].value for name in DURATIONS if name in written and data.get(name) is not None}}
    try:
        return rule_from(path, given, query, text_map)
    except SettingError as error:
        mark = written[error.name].start_mark if error.name in written else node.start_mark
        raise RuleFileError(path, str(error), mark.line + 1, mark.column + 1) from error


def _text_map(query: str, lines: list[str], value: yaml.Node) -> TextMap:
    """Where a query stands in its file: YAML keeps its lines behind ``|`` and joins them in every other style."""
    begin, end, style = value.start_mark, value.end_mark, getattr(value, "style", None)
    if style == "|":
        return TextMap.locate(query, lines, begin.line + 1)
    quoted = style in ("'", '"')
    if end.line < len(lines):
        lines = [*lines[: end.line], lines[end.line][: end.column - quoted]]
    if quoted:
        lines = [line.replace("''", "'") if style == "'" else line.replace('\\"', '"').replace("\\\\", "\\") for line in lines]
    if style == ">":
        return TextMap.joined(query, lines, begin.line + 1, 0)
    return TextMap.joined(query, lines, begin.line, begin.column + quoted)


DURATIONS = ("queryFrequency", "queryPeriod", "suppressionDuration")
"""Settings that are lengths of time."""

_KINDS = {"scheduled": "scheduled", "nrt": "nrt", "hunting": "hunting"}
_GROUPINGS = {"singlealert": "single", "alertperresult": "each"}


class SettingError(ValueError):
    """A setting of a rule, ``name``, that cannot be what its author meant."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def _duration(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is None or value == "":
        return None
    found = seconds(value)
    if not found:
        raise SettingError(name, f"{name} is '{value}': expected a length of time, as 1h, PT1H, 01:00:00 or 1.00:00:00")
    return found


def rule_from(
    path: str,
    data: Mapping[str, Any],
    query: str,
    text_map: TextMap,
    false_positives: tuple[str, ...] = (),
    exclusions: tuple[str, ...] = (),
) -> Rule:
    """A rule from the fields of a Sentinel rule.

    Raises:
        SettingError: for a length of time or a number that is none.
    """
    metadata, kind = _mapping(data.get("metadata")), _kind(data)
    author = metadata.get("author")
    return Rule(
        source=path,
        id=str(data.get("id") or ""),
        name=_line(data.get("name")) or path.rsplit("/", 1)[-1].rsplit(".", 1)[0],
        query=query,
        text_map=text_map,
        description=_unquoted(str(data.get("description") or "").strip()),
        severity=str(data.get("severity") or "").lower(),
        status=str(data.get("status") or ""),
        tactics=_strings(data.get("tactics")),
        techniques=_strings(data.get("relevantTechniques")) or _strings(data.get("techniques")),
        entities=tuple(_entities(data.get("entityMappings"))),
        connectors=tuple(
            Connector(str(c.get("connectorId", "")), _strings(c.get("dataTypes")))
            for c in _list(data.get("requiredDataConnectors"))
            if isinstance(c, Mapping)
        ),
        frequency=60 if kind == "nrt" else _duration(data, "queryFrequency"),
        period=60 if kind == "nrt" else _duration(data, "queryPeriod"),
        trigger_operator=_operator(data),
        trigger_threshold=_count(data, "triggerThreshold"),
        author=str(author.get("name") or "") if isinstance(author, Mapping) else str(author or ""),
        version=str(data.get("version") or ""),
        date=str(data.get("date") or ""),
        references=_strings(data.get("references")),
        false_positives=false_positives or _strings(data.get("falsePositives")) or _strings(data.get("falsepositives")),
        tags=tuple(t for t in _strings(data.get("tags")) if t),
        kind=kind,
        enabled=not _false(data.get("enabled")),
        suppression=_duration(data, "suppressionDuration") if _true(data.get("suppressionEnabled")) else None,
        grouping=_GROUPINGS.get(str(_mapping(data.get("eventGroupingSettings")).get("aggregationKind") or "").lower(), ""),
        custom_details=_pairs(data.get("customDetails")),
        details=_details(_mapping(data.get("alertDetailsOverride"))),
        incidents=_incidents(_mapping(data.get("incidentConfiguration"))),
        exclusions=tuple(p for text in exclusions or _strings(data.get("exclusions")) for p in alternatives(text)),
    )


def _kind(data: Mapping[str, Any]) -> str:
    """The kind of a rule: as it says, else scheduled where it has a schedule."""
    said = _KINDS.get(str(data.get("kind") or "").lower(), "")
    return said or ("scheduled" if data.get("queryFrequency") else "hunting")


def _details(data: Mapping[str, Any]) -> AlertDetails:
    further = data.get("alertDynamicProperties")
    pairs = [(str(p.get("alertProperty") or ""), str(p.get("value") or "")) for p in _list(further) if isinstance(p, Mapping)]
    return AlertDetails(
        _line(data.get("alertDisplayNameFormat")), str(data.get("alertDescriptionFormat") or "").strip(),
        _line(data.get("alertSeverityColumnName")), _line(data.get("alertTacticsColumnName")), tuple(pairs),
    )  # fmt: skip


def _incidents(data: Mapping[str, Any]) -> Incidents:
    grouping = _mapping(data.get("groupingConfiguration"))
    return Incidents(
        not _false(data.get("createIncident")), _true(grouping.get("enabled")), seconds(grouping.get("lookbackDuration")),
        _line(grouping.get("matchingMethod")),
    )  # fmt: skip


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    return tuple((_line(k), _line(v)) for k, v in _mapping(value).items())


def _operator(data: Mapping[str, Any]) -> str:
    text = str(data.get("triggerOperator") or "").strip()
    if text and text.lower() not in OPERATORS:
        raise SettingError("triggerOperator", f"triggerOperator is '{text}': expected gt, lt, eq or ne")
    return text


def _unquoted(text: str) -> str:
    """A description without the quotes that some authors put around the whole of it."""
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _count(data: Mapping[str, Any], name: str) -> int | None:
    value = data.get(name)
    if value is None or value == "":
        return None
    found = re.fullmatch(r"(\d{1,9})(?:\.0*)?", str(value).strip()) if not isinstance(value, bool) else None
    if found is None:
        raise SettingError(name, f"{name} is '{value}': expected a whole number")
    return int(found[1])


def _false(value: object) -> bool:
    return value is False or str(value).lower() == "false"


def _true(value: object) -> bool:
    return value is True or str(value).lower() == "true"


def alternatives(text: str) -> list[str]:
    """The predicates of an exclusion, which may be written ``where a != "x" or where b != "y"``."""
    parts = re.split(r"\s+or\s+where\s+", re.sub(r"^\s*\|?\s*where\s+", "", text.strip()))
    return [p.strip() for p in parts if p.strip()]


def _line(value: object) -> str:
    return " ".join(str(value or "").split())


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(_line(v) for v in value if isinstance(v, str | int | float))
    return ()


def _entities(value: object) -> list[EntityMapping]:
    found = []
    for mapping in _list(value):
        if not isinstance(mapping, Mapping):
            continue
        for part in _list(mapping.get("fieldMappings")):
            if isinstance(part, Mapping):
                found.append(
                    EntityMapping(str(mapping.get("entityType", "")), str(part.get("identifier", "")), str(part.get("columnName", "")))
                )
    return found
