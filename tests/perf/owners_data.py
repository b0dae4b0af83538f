"""A million sign-ins in the forms that their owners have: a threshold rule by ``translator.run`` beside DuckDB SQL written by hand.

Run: python tests/perf/owners_data.py [EVENTS]. It prints the ratios of the times (best of three, in seconds of all processors, so that a
busy machine does not matter) and the peak memory of each side in MB. What DuckDB is given knows the form, the columns and their types.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

KQL = 'SigninLogs | where ResultType == "50126" | summarize c = count() by UserPrincipalName, bin(TimeGenerated, 5m) | where c > 1'
SQL = (
    "SELECT {u}, time_bucket(INTERVAL 5 MINUTE, {t}) AS b, count(*) AS c FROM {source} WHERE {r} = '50126' GROUP BY ALL HAVING c > 1",
    {"t": "TimeGenerated", "u": "UserPrincipalName", "r": "ResultType"},
)
EVENTS = """SELECT {time} AS "{name}", '8ecf8077-cf51-4820-aadd-14040956f35d' AS TenantId, 'Sign-in activity' AS OperationName,
    CASE WHEN hash(i + 3) % 10 < 6 THEN '0' ELSE '50126' END AS ResultType, 'Invalid username or password' AS ResultDescription,
    'user' || (hash(i) % 5000) || '@contoso.example' AS UserPrincipalName, '192.0.2.' || (i % 256) AS IPAddress,
    'Azure Portal' AS AppDisplayName,
    {{'operatingSystem': 'Windows 10', 'browser': 'Edge ' || (i % 30), 'isCompliant': true}}{cast} AS DeviceDetail,
    {{'city': 'Oslo', 'countryOrRegion': 'NO', 'geoCoordinates': {{'latitude': 59.9, 'longitude': 10.7}}}}{cast} AS LocationDetails
    FROM (SELECT i, TIMESTAMP '2026-05-01' + to_milliseconds(i * 86400000 // {events}) AS moment FROM range({events}) t(i))"""
ISO, AMERICAN = "strftime(moment, '%Y-%m-%dT%H:%M:%S.%gZ')", "strftime(moment, '%-m/%-d/%Y, %-I:%M:%S.%g %p')"
TYPED = "columns = {TimeGenerated: 'TIMESTAMP', UserPrincipalName: 'VARCHAR', ResultType: 'VARCHAR'}"
RECORD = """SELECT TimeGenerated AS time, 'SignInLogs' AS category, OperationName AS operationName, ResultType AS resultType,
    {{'userPrincipalName': UserPrincipalName, 'ipAddress': IPAddress, 'deviceDetail': DeviceDetail}} AS properties FROM ({events})"""
IN_RECORDS = {"t": "CAST(time AS TIMESTAMP)", "u": "properties->>'userPrincipalName'", "r": "resultType"}

LINES = f"read_json('{{file}}', format = 'newline_delimited', {TYPED})"
FORMS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "Parquet": ("SigninLogs.parquet", "FORMAT parquet", "read_parquet('{file}')", {}),
    "NDJSON": ("SigninLogs.ndjson", "FORMAT json", LINES, {}),
    "NDJSON in gzip": ("SigninLogs.ndjson.gz", "FORMAT json, COMPRESSION gzip", LINES, {}),
    "JSON": ("SigninLogs.json", "FORMAT json, ARRAY true", LINES.replace("newline_delimited", "array"), {}),
    "records": (
        "SigninLogs.json", "FORMAT json", "read_json('{file}', columns = {time: 'VARCHAR', resultType: 'VARCHAR', properties: 'JSON'})",
        IN_RECORDS,
    ),
    "CSV": ("SigninLogs.csv", "FORMAT csv", "read_csv('{file}')", {}),
    "portal's CSV": (
        "SigninLogs.csv", "FORMAT csv", "read_csv('{file}', timestampformat = '%m/%d/%Y, %I:%M:%S.%g %p')", {"t": '"TimeGenerated [UTC]"'},
    ),
    "answer of Log Analytics": ("SigninLogs.json", "", LINES.replace("{file}", "{file}.rows"), {}),
}  # fmt: skip
"""By form: the file, how DuckDB writes it, how it reads it, and its names of the columns. An answer it reads as NDJSON."""


def generate(file: Path, form: str, options: str, events: int) -> None:
    name, at = ("TimeGenerated [UTC]", AMERICAN) if "portal" in form else ("TimeGenerated", "moment" if form == "Parquet" else ISO)
    query = EVENTS.format(time=at, name=name, events=events, cast="::JSON" if file.suffix in (".csv", ".parquet") or not options else "")
    if form == "records":
        query = RECORD.format(events=query)
    if options:
        duckdb.sql(f"COPY ({query}) TO '{file}' ({options})")
        return
    duckdb.sql(f"COPY ({query}) TO '{file}.rows' (FORMAT json)")
    described = duckdb.sql(f"DESCRIBE {query}").fetchall()
    columns = ", ".join(f'{{"name": "{c[0]}", "type": "{"datetime" if c[0] == "TimeGenerated" else "string"}"}}' for c in described)
    values = ", ".join(f'CAST("{c[0]}" AS TEXT)' for c in described)
    cells = duckdb.connect().execute(f"SELECT CAST(to_json([{values}]) AS TEXT) FROM ({query})")
    with file.open("w", encoding="utf-8") as out:
        out.write(f'{{"tables":[{{"name":"PrimaryResult","columns":[{columns}],"rows":[')
        before = ""
        while rows := cells.fetchmany(10_000):
            out.write(before + ",\n".join(r[0] for r in rows))
            before = ",\n"
        out.write("]}]}")


def measured(kind: str, query: str, file: str, results: multiprocessing.Queue[tuple[float, int, int]]) -> None:
    import translator

    best, count = float("inf"), 0
    for _ in range(3):
        start = time.process_time()
        count = len(translator.run(query, file).rows if kind == "kql" else duckdb.connect().execute(query).fetchall())
        best = min(best, time.process_time() - start)
    results.put((best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, count))


def main() -> int:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    context = multiprocessing.get_context("spawn")
    for form, (name, options, reader, names) in FORMS.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            generate(file, form, options, events)
            sql = SQL[0].format(source=reader.replace("{file}", str(file)), **{**SQL[1], **names})
            found = {}
            for kind, query in (("sql", sql), ("kql", KQL)):
                results: multiprocessing.Queue[tuple[float, int, int]] = context.Queue()
                process = context.Process(target=measured, args=(kind, query, str(file), results))
                process.start()
                found[kind] = results.get()
                process.join()
            (sql_time, sql_memory, sql_count), (kql_time, kql_memory, kql_count) = found["sql"], found["kql"]
            assert sql_count == kql_count, (form, sql_count, kql_count)
            size = file.stat().st_size >> 20
            ratio, memory = f"ratio {kql_time / sql_time:.2f} ({kql_time:.2f} s)", f"memory {kql_memory} MB beside {sql_memory} MB"
            print(f"{form}: {events} events in {size} MB, {ratio}, {memory}, {kql_count} rows found", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
