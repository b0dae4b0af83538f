"""Runs cases of Elastic's own tests of ES|QL: ``python -m tests.conformance.esql_spec DIR``.

DIR has files ``*.csv-spec`` and ``data/*.csv`` of elastic/elasticsearch, x-pack/plugin/esql/qa/testFixtures/src/main/resources. Prints how
many cases are right, wrong, and refused by what. Exit status 1 where one is wrong, or none is found.

A case is a name, directives, a query that ends with a semicolon, and a table that ends with one. In the table rows may come in any order
unless the query sorts them; numbers with fractions are compared to nine digits.
"""

from __future__ import annotations

import argparse
import collections
import csv
import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from translator.verify import NotReadable, esql
from translator.verify.esql import types

NOW = 1_700_000_000
_ALSO = {"s": "keyword", "i": "integer", "l": "long", "d": "double"}


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    query: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    any_order: bool


def cases(text: str) -> Iterator[Case]:
    """The cases of a file."""
    lines = [line for line in text.splitlines() if not line.strip().startswith("//")]
    position = 0

    def block() -> list[str]:
        nonlocal position
        found = []
        while position < len(lines):
            line = lines[position]
            position += 1
            if line.rstrip().endswith(";"):
                return [*found, line.rstrip()[:-1]]
            found.append(line)
        return found

    while position < len(lines):
        if not lines[position].strip():
            position += 1
            continue
        name = lines[position].strip()
        position += 1
        query = block()
        while query and (re.match(r"\s*(required_capability|warning|warningRegex|skip)", query[0]) or not query[0].strip()):
            query = query[1:]
        table = [line for line in block() if line.strip()]
        loose = any("ignoreOrder:true" in line.replace(" ", "") for line in table)
        table = [line for line in table if not re.match(r"\s*(warning|warningRegex|ignoreOrder|ignoreValueOrder)\s*:", line)]
        if not table:
            continue
        columns = tuple((c.rpartition(":")[0].strip(), _ALSO.get(k := c.rpartition(":")[2].strip(), k)) for c in table[0].split("|"))
        rows = tuple(tuple(c.strip() for c in re.split(r"(?<!\\)\|", line)) for line in table[1:])
        yield Case(name, "\n".join(query), columns, rows, loose)


@cache
def data(path: Path) -> tuple[dict[str, str], tuple[dict[str, Any], ...]]:
    """The types of the fields of a file of data, and its rows."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("//")]
    header, *rows = [re.split(r",(?![^\[]*\])", line) for line in lines]
    fields = [(h.strip().rpartition(":")[0], h.strip().rpartition(":")[2]) for h in header]
    found = []
    for row in rows:
        event: dict[str, Any] = {}
        for (name, _), cell in zip(fields, row, strict=True):
            plain = cell.strip().strip('"')
            if plain.startswith("[") and plain.endswith("]"):
                event[name] = [v.strip() for v in next(csv.reader([plain[1:-1]], escapechar="\\"), [])]
            elif plain:
                event[name] = plain
        found.append(event)
    return dict(fields), tuple(found)


def _numbers(kind: str, value: Any) -> Any:
    """A cell of a list to look up in, whose numbers are no texts, since no mapping goes with it."""
    if isinstance(value, list):
        return [_numbers(kind, v) for v in value]
    return types._stored(types.mapped(kind), value) if types.mapped(kind) in types.NUMBERS else value


def _value(kind: str, text: str) -> Any:
    """A cell as the reader has it."""
    if text in ("null", ""):
        return None
    if text.startswith("[") and text.endswith("]"):
        return [_value(kind, part.strip()) for part in re.split(r"(?<!\\),", text[1:-1])]
    plain = text.strip('"').replace("\\,", ",").replace("\\|", "|")
    return types._stored(types.mapped(kind), plain)


def _close(found: Any, wanted: Any) -> bool:
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_close, found, wanted))
    if isinstance(found, float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return bool(found == wanted)


def judged(case: Case, folder: Path) -> str:
    """What is wrong with a case; empty where it is right. Raises NotReadable where it is not read."""
    sources = set(re.findall(r"\b(?:from|join)\s+([\w\-*,. ]+)", case.query, re.I))
    events: list[dict[str, Any]] = []
    mapping: dict[str, str] = {}
    lists: dict[str, Sequence[dict[str, object]]] = {}
    for name in {n.strip() for s in sources for n in re.split(r",|\bmetadata\b.*|\bon\b.*", s, flags=re.I) if n.strip()}:
        path = folder / "data" / f"{name}.csv"
        if not path.exists():
            raise NotReadable(f"no data {name}")
        fields, rows = data(path)
        mapping |= fields
        events += [{**row, "_index": name} for row in rows]
        lists[name] = [{n: _numbers(fields[n], v) for n, v in row.items()} for row in rows]
    found = esql.table(case.query, events, NOW, lists, mapping)
    if set(found.columns) != {n for n, _ in case.columns}:
        return f"columns {sorted(found.columns)}"
    for name, kind in case.columns:
        if types.mapped(kind) not in (found.columns[name], "unsupported"):
            return f"{name} is {found.columns[name]}, not {kind}"
    wanted = [[_value(kind, cell) for (_, kind), cell in zip(case.columns, row, strict=False)] for row in case.rows]
    got = [[row.get(name) for name, _ in case.columns] for row in found.rows]
    if case.any_order or not re.search(r"\bsort\b", case.query, re.I):
        wanted, got = sorted(wanted, key=str), sorted(got, key=str)
    if len(wanted) != len(got):
        return f"{len(got)} rows, not {len(wanted)}"
    return next((f"row {g}, not {w}" for g, w in zip(got, wanted, strict=True) if not all(map(_close, g, w))), "")


def told(right: int, wrong: int, refused: collections.Counter[str]) -> int:
    """Prints how many cases of Elastic's own are right, wrong and refused; the exit status that this is."""
    for what, count in refused.most_common():
        print(f"  {count} refused: {what}")
    print(f"{right} right, {wrong} wrong, {refused.total()} refused")
    return 1 if wrong or not right else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    right, wrong, refused = 0, 0, collections.Counter[str]()
    for path in sorted(folder.glob("*.csv-spec")):
        for case in cases(path.read_text(encoding="utf-8")):
            try:
                fault = judged(case, folder)
            except NotReadable as refusal:
                refused[("rejected: " if isinstance(refusal, esql.Rejected) else "") + refusal.what] += 1
                continue
            right, wrong = right + (not fault), wrong + bool(fault)
            if fault:
                print(f"{path.name} {case.name}: {fault}")
    return told(right, wrong, refused)


if __name__ == "__main__":
    sys.exit(main())
