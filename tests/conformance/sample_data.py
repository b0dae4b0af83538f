"""Reads files of events as their owners published them: the share of which every row comes, with its times.

Run: python tests/conformance/sample_data.py FOLDER [--show]. FOLDER holds files such as Azure-Sentinel's ``Sample Data`` (MIT). A file's
table is what its rows say in ``Type``, else its own name or that of the folder that it lies in (CEF is CommonSecurityLog), where that is a
documented table; other files are read as tables of their own name, and counted apart. A file is read where each of its rows comes with
``TimeGenerated`` (or ``Timestamp``), if the file has such a column.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import translator
from translator import catalog
from translator.engine import EngineError

FOLDERS = {"cef": "CommonSecurityLog"}


def rows_of(path: Path) -> list[dict[str, Any]] | None:
    """The rows as Python's own readers have them; None for what they cannot read."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("[", "{"):
        try:
            found = json.loads(text)
        except ValueError:
            try:
                found = [json.loads(line) for line in text.splitlines() if line.strip()]
            except ValueError:
                return None
        listed = found if isinstance(found, list) else [found]
        return listed if all(isinstance(r, dict) for r in listed) else None
    rows = [r for r in csv.reader(io.StringIO(text, newline="")) if r]
    if not rows or any(len(r) != len(rows[0]) for r in rows):
        return None
    return [dict(zip(rows[0], r, strict=True)) for r in rows[1:]]


def table_of(path: Path, rows: list[dict[str, Any]]) -> str | None:
    """The documented table that a file holds."""
    known = {t.lower(): t for t in catalog.schemas()}
    said = {str(r.get("Type", "")) for r in rows[:50]}
    names = [*(said if len(said) == 1 else ()), path.name.split(".")[0], *(FOLDERS.get(p.name.lower(), p.name) for p in path.parents)]
    return next((known[n.lower()] for n in names if n.lower() in known), None)


def failure(path: Path, table: str, rows: list[dict[str, Any]]) -> str:
    """Why a file is not read as it is; empty where it is."""
    try:
        result = translator.run(table, {table: path})
    except EngineError as error:
        return error.message
    if len(result.rows) != len(rows):
        return f"{len(result.rows)} rows of {len(rows)}"
    names = [n for n, _ in result.columns]
    for column in ("TimeGenerated", "Timestamp"):
        if table in catalog.schemas() and catalog.schemas()[table].get(column) != "datetime":
            continue
        keys = [k for k in rows[0] if re.fullmatch(rf"{column}( \[.*\])?", k)] if rows else []
        if keys and column in names:
            at = names.index(column)
            empty = sum(bool(r.get(keys[0])) and not v[at] for r, v in zip(rows, result.rows, strict=True))
            if empty or result.columns[at][1] != "datetime":
                return f"{column} is {result.columns[at][1]}, and empty in {empty} rows of {len(rows)}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", action="store_true", help="name the files that fail, and why")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    counts = {"documented": [0, 0], "other": [0, 0]}
    unreadable = 0
    for path in sorted(arguments.folder.rglob("*")):
        if not path.is_file() or path.suffix.lower() not in (".csv", ".json", ".jsonl", ".ndjson", ".tsv"):
            continue
        rows = rows_of(path)
        if rows is None:
            unreadable += 1
            if arguments.show:
                print(f"no CSV or JSON: {path.relative_to(arguments.folder)}")
            continue
        table = table_of(path, rows)
        kind = "documented" if table else "other"
        why = failure(path, table or re.sub(r"\W", "_", path.name.split(".")[0]), rows)
        counts[kind][0] += not why
        counts[kind][1] += 1
        if why and arguments.show:
            print(f"{kind}: {path.relative_to(arguments.folder)} ({table}): {why}")
    for kind, (read, files) in counts.items():
        print(f"{kind} tables: {read} of {files} files read ({read / max(files, 1):.1%})")
    print(f"{unreadable} files are no CSV or JSON to Python's readers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
