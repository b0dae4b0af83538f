"""What products write of events themselves, beside what the columns of tables say: categories of ECS, names made of other fields.

No column has these, so that outputs do not ask for them; the rules that people write begin with them (``process where``) and read them
(``event.outcome``, ``dest``). Where a product writes a field and it is not told here what, that is known as well.
"""

from __future__ import annotations

import functools
import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def written(table: str, dataset: str, row: Mapping[str, object]) -> dict[str, list[str]]:
    """The fields with what an integration says of an event, as far as that follows from its table and the row."""
    known = _of_elastic(dataset)
    found = {**known.get("of_all", {}), **known.get("by_table", {}).get(table, {})}
    for column, values in known.get("by_column", {}).items():
        found |= values.get(str(row.get(column)), {})
    return {name: [*values] for name, values in found.items()}


def derived(family: str, place: Mapping[str, str], event: Mapping[str, object]) -> dict[str, str]:
    """The fields that a product makes of others of an event, where it has those.

    Args:
        place: where the event is, as homes of the catalog have it.
    """
    found = dict[str, str]()
    for name, rules in _rules_of_fields(family, place).items():
        for rule in rules:
            if any(str(event.get(of)) not in values for of, values in rule.get("when", {}).items()):
                continue
            value = next((event[of] for of in rule["of"] if event.get(of) is not None), None)
            made = _made(rule, None if value is None else str(value))
            if made:
                found[name] = made
    return found


def derivations(family: str, place: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The fields that a product makes of others, each with these."""
    return {name: frozenset(of for rule in rules for of in rule["of"]) for name, rules in _rules_of_fields(family, place).items()}


def _rules_of_fields(family: str, place: Mapping[str, str]) -> dict[str, list[Mapping[str, Any]]]:
    """By field how a product makes it of others; in more than one way where that hangs on a field."""
    told = _of_place(family, place).get("of_field", {})
    return {name: rules if isinstance(rules, list) else [rules] for name, rules in told.items()}


def type_of(name: str) -> str:
    """The type of a field of ECS by the last part of its name, as the field reference has it: of other names a keyword."""
    kinds: Mapping[str, str] = _filled()["elastic"]["any"]["types"]
    return kinds.get(name.rpartition(".")[2], "keyword")


def fields_of(table: str, dataset: str) -> frozenset[str]:
    """The fields in which the events of a table say what they are, where that is known of all of them."""
    known = _of_elastic(dataset)
    if table not in known.get("by_table", {table: {}}):
        return frozenset()
    by_column = (fields for values in known.get("by_column", {}).values() for fields in values.values())
    told = (known.get("of_all", {}), known.get("by_table", {}).get(table, {}), known.get("of_field", {}), *by_column)
    return frozenset(name for fields in told for name in fields)


def told_by_table(dataset: str) -> bool:
    """Whether the events of several tables are in a data set, and the category says of which table one is."""
    return "by_table" in _of_elastic(dataset)


def may_fill(family: str, name: str) -> bool:
    """Whether products of a family fill a field in events of many sources, by rules that are not all told here."""
    data = _filled().get(family, {}).get("any", {})
    return name in data.get("fields", ()) or name.partition(".")[0] in data.get("sets", ())


def _made(rule: Mapping[str, Any], value: str | None) -> str:
    if value is None:
        return str(rule.get("missing", ""))
    match rule:
        case {"values": values, "otherwise": otherwise}:
            return str(values.get(value.lower(), otherwise))
        case {"address": True}:
            return value if _is_address(value) else ""
        case {"before": mark} if mark in value:
            return value.partition(mark)[0]
        case {"after": mark}:
            return value.partition(mark)[2]
        case {"behind_last": marks}:
            return value[max(value.rfind(mark) for mark in marks) + 1 :]
    return value


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _of_place(family: str, place: Mapping[str, str]) -> Mapping[str, Any]:
    if family == "elastic":
        return _of_elastic(place.get("dataset", ""))
    known: Mapping[str, Mapping[str, Any]] = _filled().get(family, {}).get("places", {})
    return next((facts for facts in known.values() if facts["place"].items() <= place.items()), {})


def _of_elastic(dataset: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _filled()["elastic"]["datasets"].get(dataset, {})
    return found


@functools.cache
def _filled() -> Mapping[str, Mapping[str, Any]]:
    data: dict[str, Mapping[str, Any]] = json.loads((Path(__file__).parent / "filled.json").read_text(encoding="utf-8"))
    return data
