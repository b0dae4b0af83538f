"""A pack as a whole, cold and when nothing has changed: ``python -m tests.perf.packs FOLDER`` prints the tables of docs/performance.md.

Each run is a process of its own. Where other work goes on, the figures to read are the seconds of the processor, of all processes of a run,
and the ratios, to what pySigma takes to parse and convert as many Sigma rules on the same machine at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

SIZES = (10, 100, 1_000, 5_000, 20_000)
"""Of how many rules the packs are; those of the folder again and again under other names."""

PYSIGMA = """
import sys
from pathlib import Path
from sigma.backends.splunk import SplunkBackend
from sigma.collection import SigmaCollection
for path in sorted(Path(sys.argv[1]).iterdir()):
    SplunkBackend().convert(SigmaCollection.from_yaml(path.read_text("utf-8")))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took: seconds of the clock, seconds of the processor, and the most resident memory of one of its processes in MB."""

    clock: float
    processor: float
    megabytes: int


def cost(command: list[str], cache: Path) -> Cost:
    start = time.perf_counter()
    with subprocess.Popen(
        command, env={**os.environ, "KQL2SIGMA_CACHE": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        _, status, used = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)


def rules_in(folder: Path, made: Path, count: int) -> None:
    """As many rule files as asked for, each with a name of its own, so that no two are one to the cache."""
    found = [p for p in sorted(folder.rglob("*")) if p.suffix in (".yaml", ".yml", ".kql")]
    made.mkdir()
    for number in range(count):
        path = found[number % len(found)]
        text = path.read_text("utf-8")
        if number >= len(found):
            text = f"// {number}\n{text}" if path.suffix == ".kql" else f"{text}\n# {number}\n"
            text = text.replace("name: ", f"name: {number} ", 1)
        (made / f"{number:06d}-{path.name}").write_text(text, "utf-8")


def sigma_rules_in(made: Path, count: int) -> None:
    """As many Sigma rules of a few values each."""
    made.mkdir()
    for number in range(count):
        detection = {
            "selection": {"EventID": 4688, "CommandLine|contains": [f"value{number}-{n}" for n in range(5)]},
            "condition": "selection",
        }
        rule = {"title": f"rule {number}", "status": "test", "logsource": {"product": "windows"}, "detection": detection}
        (made / f"{number:06d}.yml").write_text(yaml.safe_dump(rule, sort_keys=False), "utf-8")


def queries_in(file: Path, made: Path) -> int:
    """The queries of a file of JSON lines, each a file of its own, and how many they are."""
    made.mkdir()
    queries = [json.loads(line)["query"] for line in file.read_text("utf-8").splitlines()]
    for number, query in enumerate(queries):
        (made / f"{number:06d}.kql").write_text(query, "utf-8")
    return len(queries)


def row(*cells: object) -> None:
    print("|", " | ".join(map(str, cells)), "|", flush=True)


def headed(*names: str) -> None:
    row(*names)
    print("|" + "---:|" * len(names))


TOOL = [sys.executable, "-m", "translator", "convert"]
RULE = Path(__file__).parents[2] / "rules" / "threshold.yaml"


def print_packs(folder: Path, base: Path, cache: Path, largest: int) -> None:
    headed("rules", "cold s", "processor s", "ms a rule", "peak MB", "nothing changed s", "of cold", "pySigma s", "cold against pySigma")
    for count in (n for n in SIZES if n <= largest):
        rules_in(folder, base / f"rules{count}", count)
        sigma_rules_in(base / f"sigma{count}", count)
        command = [*TOOL, "--jobs", "2", str(base / f"rules{count}"), "-o", str(base / f"out{count}")]
        cold, warm = cost(command, cache), cost(command, cache)
        theirs = cost([sys.executable, "-c", PYSIGMA, str(base / f"sigma{count}")], cache)
        row(
            f"{count:,}", f"{cold.clock:.1f}", f"{cold.processor:.1f}", f"{1000 * cold.processor / count:.0f}",
            max(cold.megabytes, warm.megabytes), f"{warm.clock:.1f}", f"{warm.processor / cold.processor:.2f}", f"{theirs.clock:.1f}",
            f"{cold.processor / theirs.processor:.1f}",
        )  # fmt: skip


def print_queries(file: Path, base: Path, cache: Path) -> None:
    count = queries_in(file, base / "queries")
    headed("queries", "run", "s", "processor s", "ms a query", "peak MB")
    command = [*TOOL, "--jobs", "2", str(base / "queries"), "-o", str(base / "out-queries")]
    for name in ("cold", "nothing changed"):
        found = cost(command, cache)
        spent = f"{1000 * found.processor / count:.1f}"
        row(f"{count:,}", name, f"{found.clock:.1f}", f"{found.processor:.1f}", spent, found.megabytes)


def print_one(cache: Path) -> None:
    headed("one rule as a process", "s", "processor s", "peak MB")
    for name, options in (("not kept", ["--no-cache"]), ("kept", [])):
        found = min((cost([*TOOL, str(RULE), "-t", "splunk", *options], cache) for _ in range(5)), key=lambda one: one.processor)
        row(name, f"{found.clock:.2f}", f"{found.processor:.2f}", found.megabytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="rules, which packs of any size are made of")
    parser.add_argument("largest", type=int, nargs="?", default=100, help="the largest pack: 10, 100, 1000, 5000 or 20000 rules")
    parser.add_argument("--queries", type=Path, help="a file of JSON lines, each with a query")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        cache = base / "cache"
        cost([*TOOL, str(RULE)], cache)  # which keeps the parser's tables, and Python's compiled modules
        print_one(cache)
        print()
        print_packs(given.folder, base, cache, given.largest)
        if given.queries is not None:
            print()
            print_queries(given.queries, base, cache)


if __name__ == "__main__":
    main()
