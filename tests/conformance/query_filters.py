"""Random KQL filters beside the SPL, ES|QL and EQL written for them: duckdb-kql runs the KQL, this folder's readers the rest.

Exit status 1 where a query that claims to be exact returns other events.
"""

from __future__ import annotations

import argparse
import collections
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import translator
from tests.conformance.sigma_filters import Generator
from tests.rules import rule
from translator.targets.base import Options
from translator.verify import esql, spl
from translator.verify.eql import run as run_eql

Event = dict[str, Any]

RUNS: dict[str, tuple[Callable[[str, list[Event]], list[Event]], ...]] = {
    "splunk": (partial(spl.run, unknown=True), partial(spl.run, unknown=False)),
    "esql": (esql.run,),
    "eql": (run_eql,),
}
"""By target: what runs its queries. SPL is run with both readings of nulls."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A query that claims to be exact, the ``id`` of the events that its KQL finds, and of those that each run of it finds."""

    target: str
    kql: str
    query: str
    wanted: list[int]
    found: list[list[int]]

    @property
    def holds(self) -> bool:
        return all(f == self.wanted for f in self.found)


def claims(seed: int, count: int, refused: collections.Counter[str]) -> Iterator[Claim]:
    """What is exact of ``count`` filters. ``refused`` counts queries that compare a number with a text, which Elasticsearch refuses."""
    generator = Generator(seed)
    logged = [{"sourcetype": "T", "event": {"dataset": "T"}, "_time": e["id"], **e} for e in generator.events]
    for number in range(count):
        kql = f"T | where {generator.predicate()}"
        made = rule(kql, f"generated {number}")
        wanted = generator.kept(kql)
        if wanted is None:
            continue
        for target, output in translator.convert(made, tuple(RUNS), Options(fields="source")).outputs.items():
            if output.verdict.value != "exact":
                continue
            try:
                found = [sorted({row["id"] for query in output.texts for row in run(query, logged)}) for run in RUNS[target]]
            except (TypeError, esql.Rejected):
                refused[target] += 1
                continue
            yield Claim(target, kql, output.text, wanted, found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=400)
    options = parser.parse_args()
    refused: collections.Counter[str] = collections.Counter()
    run = list(claims(options.seed, options.count, refused))
    wrong = [claim for claim in run if not claim.holds]
    for claim in wrong[:5]:
        print(claim.kql, claim.query, claim.wanted, *claim.found, sep="\n")
    for target in RUNS:
        own = [c for c in run if c.target == target]
        print(f"{len(own)} exact claims run in {target}, {sum(not c.holds for c in own)} wrong, {refused[target]} refused")
    return 1 if wrong or not run else 0


if __name__ == "__main__":
    sys.exit(main())
