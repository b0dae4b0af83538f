"""Random sequences of EQL by the reader of the product and by the engine of PyPI eql (an environment of its own, since it is AGPL).

That engine joins what lacks a key, and ends a sequence at the event that would complete it where ``until`` takes it as well; Elasticsearch
does neither, so every event has a key here and ``until`` takes events of its own. It knows no missing events and no samples. Exit status 1
where the two find other events.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from typing import Any

from translator.verify.eql import run

CONDITIONS = (
    'e == "a"',
    'e == "b"',
    'e == "c"',
    'not e == "d"',
    'v > 0 and e != "d"',
    'e == "b" or e == "c"',
    'e == "a" or e == "c" and v == 2',
)


def cases(seed: int, count: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Queries and the events that they run on."""
    pick = random.Random(seed)
    for _ in range(count):
        moment, events = 0, []
        for number in range(pick.randint(3, 14)):
            moment += pick.randint(1, 3)
            events.append({"id": number, "@timestamp": moment, "e": pick.choice("abcd"), "v": pick.randint(0, 2), "k": pick.choice("xy")})
        query = "sequence" + pick.choice(["", " by k"]) + pick.choice(["", " with maxspan=2s", " with maxspan=4s", " with maxspan=6s"])
        for _ in range(pick.randint(2, 4)):
            query += f" [any where {pick.choice(CONDITIONS)}]" + (" with runs=2" if pick.random() < 0.15 else "")
        yield query + (' until [any where e == "d"]' if pick.random() < 0.4 else ""), events


def by_package(query: str, events: list[dict[str, Any]]) -> list[list[int]]:
    """The ids of the events of each sequence that PyPI eql finds."""
    import eql
    from eql import parser

    with parser.elasticsearch_syntax, parser.allow_runs, parser.ignore_missing_functions:
        parsed = parser.parse_query(query)
    engine = eql.PythonEngine({"time_unit": 1000})
    engine.add_query(parsed)
    found: list[list[int]] = []
    engine.add_output_hook(lambda result: found.append([event.data["id"] for event in result.events]))
    for event in events:
        engine.stream_event(eql.Event("any", event["@timestamp"] * 1000, {k: v for k, v in event.items() if k != "@timestamp"}))
    engine.finalize()
    return sorted(found)


def differing(seed: int, count: int) -> tuple[int, list[tuple[str, list[dict[str, Any]], Any, Any]]]:
    """How many of the cases find something, and those that the two find other sequences in."""
    some, wrong = 0, []
    for query, events in cases(seed, count):
        rows: list[Any] = run(query, events)
        own, other = sorted([e["id"] for e in row["events"]] for row in rows), by_package(query, events)
        some += bool(own)
        if own != other:
            wrong.append((query, events, own, other))
    return some, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1500)
    given = parser.parse_args()
    some, wrong = differing(given.seed, given.count)
    for case in wrong[:3]:
        print(*case, sep="\n")
    print(f"{given.count} sequences, {some} find something, {len(wrong)} differ")
    return 1 if wrong or not some else 0


if __name__ == "__main__":
    sys.exit(main())
