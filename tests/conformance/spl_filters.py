"""Random KQL filters beside the SPL written for them: duckdb-kql runs the KQL, ``spl_reader`` the SPL, on the same events.

Exit status 1 where SPL that claims to be exact returns other events.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import translator
from tests.conformance.sigma_filters import Generator
from tests.conformance.spl_reader import Reader
from translator.rulepack.model import Rule, TextMap
from translator.targets.base import Options


def found(search: str, events: list[dict[str, Any]]) -> list[list[int]]:
    """The ``id`` of the events that a search returns, for both readings of nulls."""
    logged = [{"sourcetype": "T", "_time": e["id"], **e} for e in events]
    return [sorted(row["id"] for row in Reader(nulls).run(search, logged)) for nulls in (False, True)]


def claims(seed: int, count: int) -> Iterator[tuple[str, str, list[int], list[list[int]]]]:
    """Filters with SPL that claims to be exact: the KQL, the SPL, and what each returns."""
    generator = Generator(seed)
    for number in range(count):
        kql = f"T | where {generator.predicate()}"
        rule = Rule("generated", "", f"generated {number}", kql, TextMap.locate(kql, [kql], 0))
        output = translator.convert(rule, ("splunk",), Options(fields="source")).outputs["splunk"]
        if output.verdict.value != "exact":
            continue
        rows = generator.kept(kql)
        if rows is not None:
            yield kql, output.text, rows, found(output.text, generator.events)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=400)
    options = parser.parse_args()
    run = list(claims(options.seed, options.count))
    wrong = [claim for claim in run if any(got != claim[2] for got in claim[3])]
    for kql, search, rows, got in wrong[:5]:
        print(kql, search, rows, *got, sep="\n")
    print(f"{len(run)} exact claims run in SPL, {len(wrong)} wrong")
    return 1 if wrong or not run else 0


if __name__ == "__main__":
    sys.exit(main())
