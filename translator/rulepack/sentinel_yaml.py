"""Microsoft Sentinel analytic rules and hunting queries as YAML.

Source of the fields: github.com/Azure/Azure-Sentinel/wiki/Query-Style-Guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from translator.rulepack.model import Connector, EntityMapping, Rule, RuleFileError, TextMap, seconds


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
    first = value.start_mark.line + (1 if value.style in ("|", ">") else 0)
    return rule_from(path, data, query, TextMap.locate(query, text.split("\n"), first))


def rule_from(
    path: str,
    data: Mapping[str, Any],
    query: str,
    text_map: TextMap,
    false_positives: tuple[str, ...] = (),
    exclusions: tuple[str, ...] = (),
) -> Rule:
    """A rule from the fields of a Sentinel rule."""
    metadata = data.get("metadata") if isinstance(data.get("metadata"), Mapping) else {}
    assert isinstance(metadata, Mapping)
    author = metadata.get("author")
    threshold = data.get("triggerThreshold")
    return Rule(
        source=path,
        id=str(data.get("id") or ""),
        name=_line(data.get("name")) or path.rsplit("/", 1)[-1].rsplit(".", 1)[0],
        query=query,
        text_map=text_map,
        description=str(data.get("description") or "").strip().strip("'\"").strip(),
        severity=str(data.get("severity") or "").lower(),
        status=str(data.get("status") or ""),
        tactics=_strings(data.get("tactics")),
        techniques=_strings(data.get("relevantTechniques")) or _strings(data.get("techniques")),
        entities=tuple(_entities(data.get("entityMappings"))),
        connectors=tuple(
            Connector(str(c.get("connectorId", "")), _strings(c.get("dataTypes")))
            for c in data.get("requiredDataConnectors") or ()
            if isinstance(c, Mapping)
        ),
        frequency=seconds(data.get("queryFrequency")),
        period=seconds(data.get("queryPeriod")),
        trigger_operator=str(data.get("triggerOperator") or ""),
        trigger_threshold=threshold if isinstance(threshold, int) else None,
        author=str(author.get("name") or "") if isinstance(author, Mapping) else str(author or ""),
        version=str(data.get("version") or ""),
        date=str(data.get("date") or ""),
        references=_strings(data.get("references")),
        false_positives=false_positives or _strings(data.get("falsePositives")) or _strings(data.get("falsepositives")),
        tags=tuple(t for t in _strings(data.get("tags")) if t),
        exclusions=tuple(p for text in exclusions or _strings(data.get("exclusions")) for p in alternatives(text)),
    )


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
    for mapping in value if isinstance(value, list) else ():
        if not isinstance(mapping, Mapping):
            continue
        for part in mapping.get("fieldMappings") or ():
            if isinstance(part, Mapping):
                found.append(
                    EntityMapping(str(mapping.get("entityType", "")), str(part.get("identifier", "")), str(part.get("columnName", "")))
                )
    return found
