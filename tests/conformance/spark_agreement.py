"""The same queries on DuckDB and on Spark (local[2]): the engine's own cases and, where they are at hand, the documentation's examples.

Needs pyspark and Java 17. Prints how many agree, and each that does not; exit status 1 where one differs. What Spark refuses is counted.
"""

from __future__ import annotations

import collections
import datetime as dt
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from translator.engine import EngineError, Result, execute
from translator.engine.data import Tables
from translator.engine.spark_engine import SparkEngine
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.plan.binder.problems import BindError

ROOT = Path(__file__).resolve().parents[2]
NOW = dt.datetime(2026, 5, 1, 12, 0)


def queries() -> list[str]:
    spec = importlib.util.spec_from_file_location("cases", ROOT / "tests" / "engine" / "test_semantics.py")
    assert spec is not None and spec.loader is not None
    cases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cases)
    found = [f"print x = {expression}" for expression, _ in cases.VALUES] + [query for query, _ in cases.QUERIES]
    documented = ROOT.parent / "shared" / "corpus" / "kql_documented_results.jsonl"
    if documented.exists():
        found += [json.loads(line)["query"] for line in documented.read_text(encoding="utf-8").splitlines()]
    return found


def plain(result: Result) -> list[str]:
    """Rows that compare across engines: rounded, in any order."""

    def one(value: Any) -> Any:
        return round(value, 9) if isinstance(value, float) else value

    return sorted(json.dumps([one(v) for v in row], default=str, sort_keys=True) for row in result.rows)


def main() -> int:
    spark = SparkEngine(Tables({}, {}), "local[2]")
    counts: collections.Counter[str] = collections.Counter()
    refusals: collections.Counter[str] = collections.Counter()
    for query in queries():
        try:
            expected = execute(parse(query), None, "duckdb", NOW, {})
        except (EngineError, BindError, KqlSyntaxError):
            continue
        try:
            found = execute(parse(query), None, spark, NOW, {})
        except EngineError as error:
            counts["refused"] += 1
            refusals[error.message[:80]] += 1
            continue
        if plain(expected) == plain(found):
            counts["agree"] += 1
        else:
            counts["differ"] += 1
            print(query[-300:], "\n  DuckDB", expected.rows[:3], "\n  Spark ", found.rows[:3])
    for message, number in refusals.most_common(8):
        print(f"  refused by Spark: {number} {message}")
    print(f"{counts['agree']} agree, {counts['differ']} differ, {counts['refused']} refused by Spark")
    return 1 if counts["differ"] or not counts["agree"] else 0


if __name__ == "__main__":
    sys.exit(main())
