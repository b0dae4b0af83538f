"""10 million sign-in events in Parquet: a filter and a threshold rule by ``translator.run`` beside DuckDB SQL written by hand.

Run: python tests/perf/engine.py [EVENTS]. It prints the ratios of the times (best of three) and the peak memory of each side in MB.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

NOW = dt.datetime(2026, 5, 2)
QUERIES = {
    "filter": (
        'SigninLogs | where TimeGenerated > ago(1d) | where ResultType == "50126" and UserPrincipalName startswith "user77" | count',
        "SELECT count(*) FROM read_parquet('{file}') WHERE TimeGenerated > TIMESTAMP '2026-05-01' AND ResultType = '50126' "
        "AND starts_with(lower(UserPrincipalName), 'user77')",
    ),
    "threshold": (
        'SigninLogs | where TimeGenerated > ago(1d) and ResultType != "0" '
        "| summarize n = count() by UserPrincipalName, IPAddress | where n > 3 | count",
        "SELECT count(*) FROM (SELECT UserPrincipalName, IPAddress, count(*) AS n FROM read_parquet('{file}') "
        "WHERE TimeGenerated > TIMESTAMP '2026-05-01' AND ResultType <> '0' GROUP BY 1, 2 HAVING n > 3)",
    ),
}


def generate(folder: Path, events: int) -> Path:
    file = folder / "SigninLogs.parquet"
    duckdb.sql(f"""COPY (SELECT TIMESTAMP '2026-05-01' + to_seconds(i * 86400 // {events}) AS TimeGenerated,
        'user' || (hash(i) % 100000) || '@contoso.com' AS UserPrincipalName,
        '10.' || (hash(i + 1) % 4) || '.' || (hash(i + 2) % 4) || '.7' AS IPAddress,
        CASE WHEN hash(i + 3) % 10 < 7 THEN '0' ELSE '50126' END AS ResultType
        FROM range({events}) t(i)) TO '{file}'""")
    return file


def measured(kind: str, query: str, file: str, results: multiprocessing.Queue[tuple[float, int, int]]) -> None:
    import translator

    best, count = float("inf"), 0
    for _ in range(3):
        start = time.perf_counter()
        if kind == "kql":
            count = translator.run(query, Path(file).parent, now=NOW).rows[0][0]
        else:
            found = duckdb.connect().execute(query).fetchone()
            count = found[0] if found else 0
        best = min(best, time.perf_counter() - start)
    results.put((best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, count))


def main() -> int:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        file = generate(Path(folder), events)
        for name, (kql, sql) in QUERIES.items():
            found = {}
            for kind, query in (("sql", sql.format(file=file)), ("kql", kql)):
                results: multiprocessing.Queue[tuple[float, int, int]] = context.Queue()
                process = context.Process(target=measured, args=(kind, query, str(file), results))
                process.start()
                found[kind] = results.get()
                process.join()
            (sql_time, sql_memory, sql_count), (kql_time, kql_memory, kql_count) = found["sql"], found["kql"]
            assert sql_count == kql_count, (sql_count, kql_count)
            ratio, memory = f"ratio {kql_time / sql_time:.2f}", f"memory {kql_memory} MB beside {sql_memory} MB"
            print(f"{name}: {events} events, {ratio}, {memory}, {kql_count} rows found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
