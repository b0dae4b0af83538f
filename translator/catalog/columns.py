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
    """Column types by table and column: ``microsoftxdr`` for Defender XDR's tables, ``azuremonitor`` for Azure Monitor's."""
    listed = _listed(package)
    return MappingProxyType({t: {_name(n): kind for n, kind in columns.items()} for t, columns in listed.items()})


@functools.cache
def _listed(package: str) -> Mapping[str, Mapping[str, str]]:
    """The same with the names as pysigma-backend-kusto has them.

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
            return MappingProxyType({t: {n: facts["data_type"] for n, facts in columns.items()} for t, columns in tables.items()})
    return MappingProxyType({})


def _name(cell: str) -> str:
    """The column of a cell of Microsoft's pages, some of which have a blank or the mark of a footnote: ``Phone` [*](#mdi-only)``."""
    return cell.partition("`")[0].strip()


@functools.cache
def schemas(marked: bool = False) -> Mapping[str, Mapping[str, str]]:
    """Column types by table and column: Azure Monitor's and Defender XDR's documented tables, a table of both with all its columns.

    Args:
        marked: whether names have the marks of footnotes that they have in pysigma-backend-kusto, for results to be compared with those
            of other tools over its tables.
    """
    merged: dict[str, dict[str, str]] = {}
    for package in ("microsoftxdr", "azuremonitor"):
        for name, columns in (_listed if marked else documented)(package).items():
            merged.setdefault(name, {}).update(columns)
    merged.update({name: dict(types) for name, types in normalized_schemas().items()})
    return MappingProxyType(merged)
