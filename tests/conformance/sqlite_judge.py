"""Runs Sigma rules on events with pysigma-backend-sqlite: cases as JSON on standard input, those that returned other events out.

A case brings its Sigma, the ids of the events that it should return (``rows``) or the keys that its correlations should alert for
(``keys``: each the sorted list of the values in the columns ``key`` that are not empty), and its events and the types of their
columns, where these are not those of all cases. ``relation`` says how what it returns stands to that: ``same``, ``more`` or ``less``;
``identified`` that an empty key is no alert.
Runs in an environment of its own, since the backend needs pySigma 2.
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
        values = (event["id"], *(event.get(name) for name in columns), event.get("timestamp", "2024-01-01T00:00:00Z"))
        connection.execute(f"insert into logs values (?, {marks}, ?)", values)


def alerted(connection: sqlite3.Connection, query: str, key: list[str] | None, columns: set[str]) -> set[Any]:
    """The ids of the events that a query finds; with a ``key`` the values that are not empty of what each of its alerts is for."""
    if key is None:
        return {row[0] for row in connection.execute(query.replace("SELECT *", "SELECT id", 1))}
    if query.startswith("SELECT *"):
        rows = connection.execute(query.replace("SELECT *", f"SELECT {', '.join(key) or 'NULL'}", 1))
        return {tuple(sorted(str(v) for v in row if v not in ("", None))) for row in rows}
    found = [json.loads(row[1]) for row in connection.execute(query)]
    other = columns - {*key}  # an alias of the key has a name of its own
    return {tuple(sorted(str(v) for n, v in by.items() if n not in other and v not in ("", None))) for by in found}


AGREES = {"same": set.__eq__, "more": set.__ge__, "less": set.__le__}


def main() -> None:
    from sigma.backends.sqlite import sqliteBackend
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError

    data = json.load(sys.stdin)
    connection = sqlite3.connect(":memory:")
    connection.create_function("regexp", 2, lambda pattern, text: text is not None and re.search(pattern, text) is not None)
    if "events" in data:
        load(connection, data["events"], data["columns"])
    wrong = []
    for case in data["cases"]:
        if "events" in case:
            load(connection, case["events"], case["columns"])
        found: set[Any] = set()
        key = case.get("key")
        wanted = set(case["rows"]) if key is None else {tuple(k) for k in case["keys"]}
        try:
            for query in sqliteBackend().convert(SigmaCollection.from_yaml(case["sigma"])):
                found |= alerted(connection, query, key, {*case.get("columns", data.get("columns", {}))})
        except (sqlite3.Error, SigmaError, NotImplementedError) as error:
            wrong.append({"name": case.get("name"), "refused": str(error)[:200]})
            continue
        if case.get("identified"):
            found, wanted = found - {()}, wanted - {()}
        if not AGREES[case.get("relation", "same")](found, wanted):
            differing = found ^ wanted
            events = case.get("events") or data["events"]
            wrong.append(
                {
                    **{k: v for k, v in case.items() if k != "events"},
                    "got": sorted(found),
                    "differing": [e for e in events if e["id"] in differing][:3],
                }
            )
    json.dump(wrong, sys.stdout)


if __name__ == "__main__":
    main()
