"""Deviations planted at random places of random queries: the direction that is said of each is the one in which it errs.

A deviation is a piece of KQL and what an output makes of it, both run by this project's own engine. Whatever stands around it, what
is said to be broader must give no less than the original, what is narrower no more. Exit status 1 where it does not.
"""

from __future__ import annotations

import argparse
import collections
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import translator
from tests.conformance.correlations import events, own_rows
from tests.rules import rule
from translator.targets.base import Options

TARGETS = ("sigma", "splunk", "eql", "esql")


@dataclass(frozen=True, slots=True)
class Deviation:
    """``original`` KQL that an output takes for ``taken``, and says so by ``code``; ``piece`` is where it fits: a pipe or a condition."""

    code: str
    piece: str
    original: str
    taken: str
    prefer: str = "exact"


DEVIATIONS = [
    Deviation("row-limit", "pipe", " | top 4 by id", ""),
    Deviation("row-limit", "pipe", " | top 1 by id asc", ""),
    Deviation("one-event-of-group", "pipe", " | summarize arg_max(id, n) by k, v_s | where n > 1", " | where n > 1 | summarize by k, v_s"),
    Deviation("case-ignored", "condition", "v_s == 'p'", "v_s =~ 'p'", "portable"),
    Deviation("case-ignored", "condition", "v_s startswith_cs 'p'", "v_s startswith 'p'", "portable"),
    Deviation("term-as-text", "condition", "v_s has 'p'", "v_s contains 'p'", "portable"),
    Deviation("key-case", "condition", "v_s in~ ((T | where op == 'c' | project v_s))", "v_s in ((T | where op == 'c' | project v_s))"),
]


class Generator:
    """Queries that end with the column k, around a place for a deviation."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def query(self, deviation: Deviation) -> tuple[str, str, int]:
        """The original, what is taken for it, and where in the original the deviation is, in characters."""
        hole = "\0"
        if deviation.piece == "condition":
            condition = self.random.choice(["{}", "{}", "not({})", "({} or n > 2)", "not({} or n == 3)"]).format(hole)
            query = f"T | where op == '{self.random.choice('ab')}' and {condition}"
        else:
            query = f"T | where op == '{self.random.choice('ab')}'{hole}"
        for _ in range(self.random.choice([0, 1, 1, 2, 2, 3])):
            query = self.around(query)
        query += " | project k" if "summarize c = count() |" not in query.rpartition(hole)[2] else ""
        return query.replace(hole, deviation.original), query.replace(hole, deviation.taken), query.index(hole)

    def around(self, query: str) -> str:
        pick = self.random
        compared = f"{pick.choice(['>', '>=', '<', '<=', '=='])} {pick.choice([1, 2, 3])}"
        if query.endswith(" "):
            return query
        events_ = f"T | where op == '{pick.choice('abc')}'"
        return pick.choice(
            [
                f"{query} | summarize c = count() by k | where c {compared}",
                f"{query} | summarize c = dcount(v_s) by k | where c {compared}" if not re.search("summarize|distinct", query) else query,
                f"{query} | summarize c = count() by k | where not(c {compared})",
                f"{events_} | join kind=inner ({query} | project k) on k",
                f"{events_} | join kind=leftanti ({query} | project k) on k",
                f"{events_} | join kind=leftanti ({query} | project k) on k",
                f"{query} | join kind=leftanti ({events_}) on k",
                f"{query} | join kind=leftsemi ({events_}) on k",
                f"{events_} and k in (({query} | project k))",
                f"{events_} and k !in (({query} | project k))",
                f"{events_} and k !in (({query} | project k))",
                f"{query} | distinct k",
                f"union ({query}), ({events_} and n > 2)",
            ]
        )


def findings(seed: int, count: int, counts: collections.Counter[str]) -> Iterator[dict[str, Any]]:
    """What is said of planted deviations and does not hold. ``counts`` says how often each code came in each direction."""
    generator = Generator(seed)
    for _ in range(count):
        deviation = generator.random.choice(DEVIATIONS)
        original, taken, place = generator.query(deviation)
        conversion = translator.convert(rule(original), TARGETS, Options(fields="source", prefer=deviation.prefer))
        at = range(place, place + len(deviation.original) + 1)
        outputs = [o.diagnostics for o in conversion.outputs.values() if o.texts]
        said = {d.direction.value for o in outputs for d in o if d.code == deviation.code and d.span and d.span[0] in at}
        if not said:
            counts[f"{deviation.code}: nothing said"] += 1
            continue
        for _ in range(6):
            made = events(generator.random, generator.random.choice([6, 12, 25]))
            for event in made:
                event["x_s"] = f"{event.get('v_s') or ''} z"
                if event.get("v_s") and generator.random.random() < 0.4:
                    event["v_s"] = generator.random.choice([str.upper, lambda v: f"{v}x"])(event["v_s"])
            one, other = ({tuple(row) for row in own_rows(kql, made, EXTRA)[1]} for kql in (original, taken))
            counts[f"{deviation.code}: {'/'.join(sorted(said))}"] += 1
            wrong = ("broader" in said and "differs" not in said and "narrower" not in said and not one <= other) or (
                said == {"narrower"} and not one >= other
            )
            if wrong:
                yield {"code": deviation.code, "said": said, "kql": original, "taken": taken, "rows": one, "given": other, "events": made}


EXTRA = ("id", "x_s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    given = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    wrong = list(findings(given.seed, given.count, counts))
    for finding in wrong[:4]:
        print(*(f"{k}: {v}" for k, v in finding.items()), sep="\n", end="\n\n")
    for what, number in sorted(counts.items()):
        print(f"  {number} {what}")
    print(f"{sum(counts.values())} claims run, {len(wrong)} wrong")
    return 1 if wrong or not counts else 0


if __name__ == "__main__":
    sys.exit(main())
