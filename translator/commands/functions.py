"""``kql2sigma functions``: what the registry of functions knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from translator.plan.functions import Function, declared
from translator.targets.splunk.pipeline import SPELLED

SUPPORT = {"sql": "compiled to SQL", "python": "in Python, called from SQL", "no": "known, not supported"}


def _facts(function: Function) -> Mapping[str, Any]:
    return {
        "name": function.name, "kind": function.kind, "family": function.family, "signatures": list(function.texts),
        "engine": function.runs, "spl": _spl(function), "alias_of": function.alias,
    }  # fmt: skip


def _spl(function: Function) -> bool:
    """Whether the pipeline lane writes it in SPL."""
    return function.kind != "plugin" and (function.alias or function.name) in SPELLED


def print_functions(names: tuple[str, ...], form: str) -> int:
    """Prints the support matrix, or the rows of ``names``. The exit status: 1 where a name is unknown."""
    known = [f for f in declared() if not names or f.name in names]
    if form == "json":
        sys.stdout.write(json.dumps([_facts(f) for f in known], indent=2) + "\n")
    elif form == "markdown":
        sys.stdout.write(functions_page())
    else:
        table = Table(highlight=False)
        for column in ("name", "kind", "family", "engine", "SPL", "signature"):
            table.add_column(column, overflow="fold")
        for f in known:
            table.add_row(f.name, f.kind, f.family, f.runs, "yes" if _spl(f) else "", "\n".join(f.texts).replace("[", "\\["))
        Console(emoji=False).print(table)
    missing = [n for n in names if n not in {f.name for f in known}]
    for name in missing:
        Console(emoji=False, stderr=True, highlight=False).print(f"{name} is unknown to KQL", markup=False)
    return 1 if missing else 0


def functions_page() -> str:
    """docs/functions.md, generated from the registry."""
    out = [
        "# Functions", "", "Generated from the registry by `kql2sigma functions --format markdown`. Names and signatures are those of",
        "Kusto.Language 12.4.1. How the engine (`kql2sigma run`) supports each:", "",
        *(f"- `{word}`: {meaning}" for word, meaning in SUPPORT.items()), "",
        "SPL: whether a pipeline may compute it in SPL. Conditions on stored fields go further, in every target.", "",
    ]  # fmt: skip
    families: dict[str, list[Function]] = {}
    for function in declared():
        families.setdefault(function.family, []).append(function)
    for family, members in families.items():
        out += [f"## {family}", "", "| name | kind | engine | SPL | signature |", "|---|---|---|---|---|"]
        for f in members:
            alias = f" (as `{f.alias}`)" if f.alias else ""
            signatures = "<br>".join(f"`{t}`" for t in f.texts).replace("|", "\\|")
            out.append(f"| `{f.name}`{alias} | {f.kind} | {f.runs} | {'yes' if _spl(f) else ''} | {signatures} |".replace("| `|", "| `\\|"))
        out.append("")
    return "\n".join(out)
