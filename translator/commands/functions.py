"""``kql2sigma functions``: what the registry of functions knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from translator.commands.common import console_of_tables
from translator.kql.errors import suggestion
from translator.plan.functions import Function, declared
from translator.targets.elastic import pipeline as esql
from translator.targets.splunk import pipeline as spl

SUPPORT = {"sql": "compiled to SQL", "python": "in Python, called from SQL", "no": "known, not supported"}


def _facts(function: Function) -> Mapping[str, Any]:
    return {
        "name": function.name, "kind": function.kind, "family": function.family, "signatures": list(function.texts),
        "engine": function.runs,
        **{name.lower().replace("|", ""): _is_written(function, name) for name in LANGUAGES}, "alias_of": function.alias,
    }  # fmt: skip


LANGUAGES = {"SPL": spl.SPELLED, "ES|QL": esql.SPELLED}
"""What the pipeline lane writes in each language."""


def _is_written(function: Function, language: str) -> bool:
    return function.kind != "plugin" and (function.alias or function.name) in LANGUAGES[language]


def _marks(function: Function) -> list[str]:
    return ["yes" if _is_written(function, name) else "" for name in LANGUAGES]


_HEADING = f"| name | kind | engine | {' | '.join(n.replace('|', chr(92) + '|') for n in LANGUAGES)} | signature |"


def print_functions(names: tuple[str, ...], form: str) -> int:
    """Prints the support matrix, or the rows of ``names``. The exit status: 1 where a name is unknown."""
    known = [f for f in declared() if not names or f.name in names]
    if form == "json":
        sys.stdout.write(json.dumps([_facts(f) for f in known], indent=2) + "\n")
    elif form == "markdown":
        sys.stdout.write(functions_page())
    elif known:
        table = Table(highlight=False)
        for column in ("name", "kind", "family", "engine", *LANGUAGES, "signature"):
            table.add_column(column, overflow="fold")
        for f in known:
            table.add_row(f.name, f.kind, f.family, f.runs, *_marks(f), "\n".join(f.texts).replace("[", "\\["))
        console_of_tables().print(table)
    missing = [n for n in names if n not in {f.name for f in known}]
    for name in missing:
        Console(emoji=False, stderr=True, highlight=False).print(
            f"{name} is unknown to KQL{suggestion(name, (f.name for f in declared()))}", markup=False
        )
    return 1 if missing else 0


def functions_page() -> str:
    """docs/functions.md, generated from the registry."""
    out = [
        "# Functions", "", "Generated from the registry by `kql2sigma functions --format markdown`. Names and signatures are those of",
        "Kusto.Language 12.4.1. How the engine (`kql2sigma run`) supports each:", "",
        *(f"- `{word}`: {meaning}" for word, meaning in SUPPORT.items()), "",
        "SPL, ES|QL: whether a pipeline may compute it in that language. Conditions on stored fields go further, in every target.", "",
    ]  # fmt: skip
    families: dict[str, list[Function]] = {}
    for function in declared():
        families.setdefault(function.family, []).append(function)
    for family, members in families.items():
        out += [f"## {family}", "", _HEADING, "|---" * 6 + "|"]
        for f in members:
            alias = f" (as `{f.alias}`)" if f.alias else ""
            signatures = "<br>".join(f"`{t}`" for t in f.texts).replace("|", "\\|")
            row = f"| `{f.name}`{alias} | {f.kind} | {f.runs} | {' | '.join(_marks(f))} | {signatures} |"
            out.append(row.replace("| `|", "| `\\|"))
        out.append("")
    return "\n".join(out)
