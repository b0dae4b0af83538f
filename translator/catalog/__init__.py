"""Facts about source tables and what holds their events in each target, each with its source.

One YAML file a table under ``data/``; the column types come from pysigma-backend-kusto.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Target:
    """Where a target keeps a table's events: what selects them, and its field names by KQL column.

    ``texts`` are the columns of numbers that it stores as texts.
    """

    selects: Mapping[str, str]
    fields: Mapping[str, str]
    texts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    source: str
    addresses: frozenset[str]
    targets: Mapping[str, Target]
    names_in_paths: Mapping[str, str]
    """Columns that hold the name of a file, by the column with its path, which ends with that name."""


@functools.cache
def tables() -> Mapping[str, Table]:
    """The tables of the catalog by name."""
    found = {}
    for path in sorted((Path(__file__).parent / "data").glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        table = _table(data)
        found[table.name] = table
    return MappingProxyType(found)


@functools.cache
def event_data() -> Mapping[tuple[str, int], tuple[str, ...]]:
    """By provider and number of a Windows event: the names of the values in its data, in their order, as far as they are certain."""
    data = yaml.safe_load((Path(__file__).parent / "event_data.yaml").read_text(encoding="utf-8"))
    return MappingProxyType({(p["provider"], number): tuple(names) for p in data for number, names in p["events"].items()})


def _table(data: Mapping[str, Any]) -> Table:
    elastic, splunk, sigma = (data.get(k) or {} for k in ("elastic", "splunk", "sigma"))
    targets = {
        "sigma": Target(sigma.get("logsource", {}), sigma.get("fields", {})),
        "splunk": Target(splunk.get("search", {}), splunk.get("fields", {})),
        "elastic": Target(
            {k: elastic[k] for k in ("index", "dataset") if k in elastic}, elastic.get("fields", {}), frozenset(elastic.get("texts") or ())
        ),
    }
    return Table(data["table"], data["source"], frozenset(data.get("addresses") or ()), targets, data.get("names_in_paths") or {})


def is_address(table: str, column: str) -> bool:
    """Whether a table's column is documented to hold IP addresses."""
    known = tables().get(table)
    return known is not None and column in known.addresses


@functools.cache
def schemas() -> Mapping[str, Mapping[str, str]]:
    """Column types by table and column: Azure Monitor's and Defender XDR's documented tables, a table of both with all its columns.

    The table modules of pysigma-backend-kusto are loaded by file, since importing their packages takes a third of a second.
    """
    spec = importlib.util.find_spec("sigma")
    merged: dict[str, dict[str, str]] = {}
    for root in spec.submodule_search_locations or () if spec else ():
        for package, variable in (("microsoftxdr", "MICROSOFT_XDR_TABLES"), ("azuremonitor", "AZURE_MONITOR_TABLES")):
            path = Path(root) / "pipelines" / package / "tables.py"
            if not path.is_file():
                continue
            module_spec = importlib.util.spec_from_file_location(f"_kql2sigma_tables_{package}", path)
            assert module_spec is not None and module_spec.loader is not None
            module = importlib.util.module_from_spec(module_spec)
            module_spec.loader.exec_module(module)
            for table, columns in getattr(module, variable).items():
                merged.setdefault(table, {}).update({name: facts["data_type"] for name, facts in columns.items()})
    return MappingProxyType(merged)
