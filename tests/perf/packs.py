"""A pack as a whole, cold and when nothing has changed: ``python tests/perf/packs.py FOLDER`` prints the table.

Each run is a process of its own. The figures to read are the ratios, to what pySigma takes to parse and convert as many Sigma rules on
the same machine at the same time, so that a busy machine does not matter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

SIZES = (10, 100, 1_000)
"""Of how many rules the packs are; those of the folder again and again under other names."""

PYSIGMA = """
import sys
from pathlib import Path
from sigma.backends.splunk import SplunkBackend
from sigma.collection import SigmaCollection
for path in sorted(Path(sys.argv[1]).iterdir()):
    SplunkBackend().convert(SigmaCollection.from_yaml(path.read_text("utf-8")))
"""


def seconds(command: list[str], cache: Path) -> float:
    start = time.perf_counter()
    subprocess.run(
        command, env={**os.environ, "KQL2SIGMA_CACHE": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return time.perf_counter() - start


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


def main() -> None:
    folder = Path(sys.argv[1])
    largest = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    tool = [sys.executable, "-m", "translator.cli", "convert", "--jobs", "2"]
    print("| rules | cold s | ms a rule | nothing changed s | of cold | pySigma s | cold against pySigma |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        cache = base / "cache"
        rules_in(folder, base / "first", 1)
        seconds([*tool, str(base / "first"), "-o", str(base / "out-first")], cache)  # which keeps the parser's tables
        for count in (n for n in SIZES if n <= largest):
            rules_in(folder, base / f"rules{count}", count)
            sigma_rules_in(base / f"sigma{count}", count)
            command = [*tool, str(base / f"rules{count}"), "-o", str(base / f"out{count}")]
            cold, warm = seconds(command, cache), seconds(command, cache)
            theirs = seconds([sys.executable, "-c", PYSIGMA, str(base / f"sigma{count}")], cache)
            figures = (f"{count:,}", f"{cold:.1f}", f"{1000 * cold / count:.0f}", f"{warm:.1f}", f"{warm / cold:.2f}", f"{theirs:.1f}")
            print(f"| {' | '.join(figures)} | {cold / theirs:.1f} |", flush=True)


if __name__ == "__main__":
    main()
