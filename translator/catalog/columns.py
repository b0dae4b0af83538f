"""The documented columns of tables and their types, as pysigma-backend-kusto and the normalized schemas have them."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from translator.plan.normalized import normalized_schemas


@functools.cache
def documented(package: str) -> Mapping[str, Mapping[str, str]]:
    """Column types by table and column: ``microsoftxdr`` for Defender XDR's tables, ``azuremonitor`` for Azure Monitor's.

    The table modules of pysigma-backend-kusto are loaded by file, since importing their packages takes a third of a second.
    """
    variable = {"microsoftxdr": "MICROSOFT_XDR_TABLES", "azuremonitor": "AZURE_MONITOR_TABLES"}[package]
    spec = importlib.util.find_spec("sigma")
    for root in spec.submodule_search_locations or () if spec else ():
        path = Path(root) / "pipelines" / package / "tables.py"
        if path.is_file():
            module_spec = importlib.util.spec_from_file_location(f"_kql2sigma_tables_{package}", path)
            assert module_spec is not None and module_spec.loader is not None
            module = importlib.util.module_from_spec(module_spec)
            module_spec.loader.exec_module(module)
            tables = getattr(module, variable)
            return MappingProxyType({t: {_name(n): facts["data_type"] for n, facts in columns.items()} for t, columns in tables.items()})
    return MappingProxyType({})


def _name(cell: str) -> str:
    """The column of a cell of Microsoft's pages, some of which have a blank or the mark of a footnote: ``Phone` [*](#mdi-only)``."""
    return cell.partition("`")[0].strip()


@functools.cache
def schemas() -> Mapping[str, Mapping[str, str]]:
    """Column types by table and column: Azure Monitor's and Defender XDR's documented tables, a table of both with all its columns."""
    merged: dict[str, dict[str, str]] = {}
    for package in ("microsoftxdr", "azuremonitor"):
        for name, columns in documented(package).items():
            merged.setdefault(name, {}).update(columns)
    merged.update({name: dict(types) for name, types in normalized_schemas().items()})
    return MappingProxyType(merged)
