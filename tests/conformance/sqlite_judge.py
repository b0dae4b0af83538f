"""Runs Sigma rules on events with pysigma-backend-sqlite: cases as JSON on standard input, those that returned other events out.

Runs in an environment of its own, since the backend needs pySigma 2.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys


def main() -> None:
    from sigma.backends.sqlite import sqliteBackend
    from sigma.collection import SigmaCollection

    data = json.load(sys.stdin)
    connection = sqlite3.connect(":memory:")
    connection.create_function("regexp", 2, lambda pattern, text: text is not None and re.search(pattern, text) is not None)
    connection.execute("create table logs (id integer, a text collate nocase, b text collate nocase, n integer, timestamp text)")
    for event in data["events"]:
        connection.execute("insert into logs values (?, ?, ?, ?, '2024-01-01T00:00:00Z')", tuple(event.values()))
    wrong = []
    for case in data["cases"]:
        (query,) = sqliteBackend().convert(SigmaCollection.from_yaml(case["sigma"]))
        rows = sorted(row[0] for row in connection.execute(query.replace("SELECT *", "SELECT id", 1)))
        if rows != case["rows"]:
            differing = set(rows) ^ set(case["rows"])
            wrong.append({**case, "got": rows, "events": [e for e in data["events"] if e["id"] in differing][:3]})
    json.dump(wrong, sys.stdout)


if __name__ == "__main__":
    main()
