"""The reader of Sigma beside pysigma-backend-sqlite and beside the KQL, on what this project writes.

Filters and correlations are generated as in sigma_filters.py and correlations.py. What the reader finds is put to the judge as what its
SQLite is to find, exactly; and what a verdict claims of the KQL's answer must hold of it. Exit status 1 where the two readings differ or a
claim does not hold.
"""

from __future__ import annotations

import collections
import json
import sys
from typing import Any

import translator
from tests.conformance.correlations import RELATIONS, agrees, cases
from tests.conformance.judging import judged, options
from tests.conformance.sigma_filters import COLUMNS, Generator
from tests.rules import rule
from translator.targets.base import Options
from translator.verify.reading import NotReadable
from translator.verify.sigma import run


def filters(seed: int, count: int, counts: collections.Counter[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the judge is asked of the filters that are exact, and those of which the reader finds others than the KQL."""
    generator = Generator(seed)
    logged = [{"TimeGenerated": "2024-01-01T00:00:00Z", **e} for e in generator.events]
    asked, wrong = [], []
    for number in range(count):
        kql = f"T | where {generator.predicate()}"
        output = translator.convert(rule(kql, f"generated {number}"), ("sigma",), Options(fields="source")).outputs["sigma"]
        if output.verdict.value != "exact":
            continue
        try:
            rows: list[Any] = run(output.text, logged)
        except NotReadable as refused:
            counts[f"refused: {refused.what}"] += 1
            continue
        counts["filters"] += 1
        found = sorted({row["id"] for row in rows})
        if (wanted := generator.kept(kql)) not in (None, found):
            wrong.append({"kql": kql, "sigma": output.text, "wanted": wanted, "found": found})
        asked.append({"kql": kql, "sigma": output.text, "rows": found})
    return {"events": generator.events, "columns": COLUMNS, "cases": asked}, wrong


def correlations(seed: int, rounds: int, counts: collections.Counter[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same of correlations: the keys for which they alert."""
    asked, wrong = [], []
    for case in cases(seed, rounds, collections.Counter()):
        if not case["sigma"]:
            continue
        try:
            rows = run(case["sigma"], case["events"])
        except NotReadable as refused:
            counts[f"refused: {refused.what}"] += 1
            continue
        counts["correlations"] += 1
        found = {keyed(row, case["key"]) for row in rows}
        if case["relation"] is not None and not agrees(case, found, case["relation"]):
            wrong.append({k: case[k] for k in ("name", "kql", "sigma", "keys", "relation")} | {"found": sorted(found)})
        asked.append({**case, "keys": sorted(map(list, found)), "relation": RELATIONS["exact"]})
    return {"cases": asked}, wrong


def keyed(row: dict[str, Any], key: list[str]) -> tuple[str, ...]:
    """What an alert is for, as the judge is asked for it: the keys that are not empty."""
    other = {*COLUMNS, "op", "k", "j", "m", "v_s", "n", "id", "timestamp", "events"} - {*key}
    named = {k: v for k, v in row.items() if k not in other}
    return tuple(sorted(str(v) for v in named.values() if v not in ("", None)))


def main() -> int:
    given = options(__doc__, "--rounds", 6, "how often each idiom is tried; filters are fifty times as many")
    counts: collections.Counter[str] = collections.Counter()
    differing, unread = 0, 0
    for data, wrong in (filters(given.seed, 50 * given.rounds, counts), correlations(given.seed, given.rounds, counts)):
        other, refused = judged(given.judge, data)
        for finding in [*wrong[:3], *other[:3]]:
            print(json.dumps({k: v for k, v in finding.items() if k not in ("columns", "logged")}, indent=1, default=str)[:3000])
        differing += len(wrong) + len(other)
        unread += len(refused)
    print(dict(counts), f"{differing} differ, {unread} refused by SQLite")
    return 1 if differing or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
