"""A rule as its web page shows it: the YAML with its indentation lost, and prose around it.

The nesting of a Sentinel rule's keys is known, so it can be put back; what follows the rule (scenarios of false positives) is
read line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from translator.rulepack import yaml_text
from translator.rulepack.content import Content
from translator.rulepack.model import Function, Rule, TextMap, Unread
from translator.rulepack.sentinel import rule_from
from translator.rulepack.tree import Fields, Misread, Settings

_TOP = frozenset(
    """
    id name description severity requiredDataConnectors queryFrequency queryPeriod triggerOperator triggerThreshold status
    tactics relevantTechniques query entityMappings version kind metadata customDetails alertDetailsOverride
    eventGroupingSettings incidentConfiguration tags author references suppressionDuration suppressionEnabled
    """.split()
)
_KEY = re.compile(r"([A-Za-z]+):(?:\s(.*))?$")
_NESTED = {
    "connectorId": 2, "dataTypes": 4, "entityType": 2, "fieldMappings": 4, "identifier": 6, "columnName": 8,
}  # fmt: skip
"""How far the nested keys of a rule are indented when written out."""


def recognizes(content: Content) -> bool:
    """Whether a text holds a rule in this form: the key ``query:`` and another key of a rule, each at the start of a line."""
    keys = {m[1] for line in content.lines if (m := _KEY.match(line)) and m[1] in _TOP}
    return "query" in keys and len(keys) > 1


def read(content: Content) -> Iterator[Rule | Function | Unread]:
    """The rule in the text of a page."""
    lines = content.lines
    start = next(i for i, line in enumerate(lines) if (m := _KEY.match(line)) and m[1] in ("id", "name", "query"))
    sections: dict[str, tuple[int, list[str]]] = {}
    current = ""
    for index in range(start, len(lines)):
        found = _KEY.match(lines[index])
        if found and found[1] in _TOP and found[1] not in sections:
            current = found[1]
            sections[current] = (index, [found[2] or ""])
        elif current:
            sections[current][1].append(lines[index])
    first, body = sections.pop("query")
    query = "\n".join(body[1:]).strip("\n") if body[0].strip() in ("|", ">", "|-", "") else "\n".join(body)
    lead = first + (1 if body[0].strip() in ("|", ">", "|-", "") else 0)
    while lead < len(lines) and query and not lines[lead].strip():
        lead += 1
    if not query.strip():
        yield Unread(content.name, content.stem, "the query of this rule is empty", first + 1)
        return
    notes: list[Misread] = []
    fields, places = Fields({}, (start + 1, 1)), dict[str, int]()
    for name, (index, written) in sections.items():
        for found_tree in yaml_text.documents(_section(name, written)):
            if isinstance(found_tree, Misread):
                notes.append(Misread(f"{name} is left out: {found_tree.message}", (index + 1, 1)))
            elif isinstance(found_tree, Fields):
                fields = Fields({**fields.entries, **found_tree.entries}, fields.place)
                places[name] = index + 1
    try:
        data = Settings(fields, notes)
        made = rule_from(
            content.name, data, query, TextMap.locate(query, lines, lead), content.stem, _false_positives(lines), _exclusions(lines)
        )
    except Misread as error:
        name = error.message.split(" ", 1)[0]
        yield Unread(content.name, content.stem, error.message, places.get(name, start + 1))
        return
    yield made
    for note in notes:
        line = places.get(note.message.split(" ", 1)[0], note.place[0] if note.message.endswith("YAML") else start + 1)
        yield Unread(content.name, made.name, note.message, line, fault=False)


def _section(name: str, content: list[str]) -> str:
    head = content[0].strip()
    if head.startswith(("|", ">")):
        return f"{name}: |\n" + "\n".join("  " + line for line in content[1:])
    if head:
        return f"{name}: {head}"
    out = [f"{name}:"]
    depth = 0
    for line in content[1:]:
        text = line.strip()
        found = re.match(r"(- )?(\w+):", text)
        if found and found[2] in _NESTED:
            depth = _NESTED[found[2]]
            out.append(" " * depth + text)
        elif text.startswith("- "):
            out.append(" " * (depth + 2 if depth else 2) + text)
        elif text:
            break
    return "\n".join(out)


def _false_positives(lines: list[str]) -> tuple[str, ...]:
    """``Scenario:`` and ``Description:`` lines, a pair for each false positive that the page names."""
    found: list[str] = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "Scenario":
            found.append(value.strip())
        elif key.strip() == "Description" and found and ": " not in found[-1]:
            found[-1] = f"{found[-1]}: {value.strip()}"
    return tuple(found)


def _exclusions(lines: list[str]) -> tuple[str, ...]:
    """The ``Filter/Exclusion:`` lines of the page."""
    return tuple(v.strip() for k, _, v in (line.partition(":") for line in lines) if k.strip() == "Filter/Exclusion" and v.strip())
