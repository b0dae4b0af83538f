"""Runs Sigma rules on events with pysigma-backend-sqlite: cases as JSON on standard input, those that returned other events out.

A case brings its Sigma, the ids of the events that it should return, and its events and the types of their columns, where these are not
those of all cases. Runs in an environment of its own, since the backend needs pySigma 2.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from typing import Any


def load(connection: sqlite3.Connection, events: list[dict[str, Any]], columns: dict[str, str]) -> None:
    """The table ``logs`` with these events; texts compare without case, as Sigma's do."""
    connection.execute("drop table if exists logs")
    spelled = ", ".join(f'"{name}" {"text collate nocase" if kind == "text" else "integer"}' for name, kind in columns.items())
    connection.execute(f"create table logs (id integer, {spelled}, timestamp text)")
    marks = ", ".join("?" for _ in columns)
    for event in events:
        values = (event["id"], *(event.get(name) for name in columns))
        connection.execute(f"insert into logs values (?, {marks}, '2024-01-01T00:00:00Z')", values)


def main() -> None:
    from sigma.backends.sqlite import sqliteBackend
    from sigma.collection import SigmaCollection

    data = json.load(sys.stdin)
    connection = sqlite3.connect(":memory:")
    connection.create_function("regexp", 2, lambda pattern, text: text is not None and re.search(pattern, text) is not None)
    if "events" in data:
        load(connection, data["events"], data["columns"])
    wrong = []
    for case in data["cases"]:
        if "events" in case:
            load(connection, case["events"], case["columns"])
        rows = set()
        try:
            for query in sqliteBackend().convert(SigmaCollection.from_yaml(case["sigma"])):
                rows |= {row[0] for row in connection.execute(query.replace("SELECT *", "SELECT id", 1))}
        except (sqlite3.Error, NotImplementedError) as error:
            wrong.append({"name": case.get("name"), "refused": str(error)[:200]})
            continue
        if sorted(rows) != case["rows"]:
            differing = rows ^ set(case["rows"])
            events = case.get("events") or data["events"]
            wrong.append(
                {
                    **{k: v for k, v in case.items() if k != "events"},
                    "got": sorted(rows),
                    "differing": [e for e in events if e["id"] in differing][:3],
                }
            )
    json.dump(wrong, sys.stdout)


if __name__ == "__main__":
    main()
