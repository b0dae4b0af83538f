"""Sigma back to KQL: pysigma-backend-kusto writes the query, duckdb-kql runs it, beside the rule's own query.

The backend knows no case-sensitive comparison and refuses ``cased``. The modifier is taken off for it, and events whose values differ in
case alone are not given: case is judged by sigma_filters.py. A rule that the backend or duckdb-kql refuses is counted, not passed.
Exit status 1 where both ran and differ.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.corpus_rules import cases


class Refused(Exception):
    """The backend or the engine does not take this rule; the message says why."""


def without_case(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(k).replace("|cased", ""): without_case(v) for k, v in node.items()}
    return [without_case(v) for v in node] if isinstance(node, list) else node


def conditions(sigma: str) -> list[str]:
    """The predicate that the backend writes for each rule of ``sigma``."""
    from sigma.backends.kusto import KustoBackend
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError

    documents = [{**d, "detection": without_case(d["detection"])} for d in yaml.safe_load_all(sigma) if "detection" in d]
    try:
        return [str(q) for q in KustoBackend().convert(SigmaCollection.from_dicts(documents))]
    except (SigmaError, NotImplementedError) as error:
        raise Refused(f"the backend: {str(error)[:70]}") from error


def matched(sigma: str, events: list[dict[str, Any]], columns: dict[str, str]) -> list[int]:
    """The ``id`` of each event that the rules of ``sigma`` find, after the way back to KQL.

    Args:
        columns: ``text``, ``integer`` or ``boolean`` for each column but ``id``.

    Raises:
        Refused: where the backend or duckdb-kql does.
    """
    import duckdb
    import duckdb_kql

    connection = duckdb.connect()
    kinds = {"text": "varchar", "integer": "bigint", "boolean": "boolean"}
    names = ["id", *columns]
    declared = ", ".join(f'"{name}" {kinds[kind]}' for name, kind in columns.items())
    connection.execute(f"create table T (id bigint, {declared})")
    connection.executemany(f"insert into T values ({', '.join('?' * len(names))})", [[e.get(n) for n in names] for e in events])
    found: set[int] = set()
    for condition in conditions(sigma):
        try:
            found |= {row[0] for row in duckdb_kql.execute(connection, f"T | where {condition} | project id").fetchall()}
        except (duckdb_kql.KqlError, duckdb.Error) as error:
            raise Refused(f"duckdb-kql: {str(error)[:70]}") from error
    return sorted(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=Path, required=True, help="a folder of rules")
    options = parser.parse_args()
    reasons: collections.Counter[str] = collections.Counter()
    run = hits = wrong = 0
    for case in cases(options.rules, random.Random(7), reasons, cased=False):
        try:
            found = matched(case["sigma"], case["events"], case["columns"])
        except Refused as refused:
            reasons[str(refused)] += 1
            continue
        run, hits = run + 1, hits + bool(found)
        if found != case["rows"]:
            wrong += 1
            print(f"{case['name']}: the KQL finds {case['rows']}, the way back {found}")
    for reason, number in reasons.most_common(12):
        print(f"  not comparable: {number} {reason}")
    print(f"{run} rules there and back, {hits} with events found, {wrong} wrong, {reasons.total()} not comparable")
    return 1 if wrong or not run else 0


if __name__ == "__main__":
    sys.exit(main())
