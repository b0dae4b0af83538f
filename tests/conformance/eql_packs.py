"""The reader of EQL on a pack of rules: elastic/detection-rules, or any folder of TOML with ``language = "eql"``.

Every query is parsed, and its conditions and keys are checked and run on one event that has nothing but a time. What is refused is printed
with its reason. Exit status 1 where a query is not parsed.
"""

from __future__ import annotations

import argparse
import collections
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from translator.verify.eql import parse, run
from translator.verify.reading import NotReadable


def queries(folder: Path) -> Iterator[tuple[str, str]]:
    """The names of the rules in EQL and their queries."""
    for path in sorted(folder.rglob("*.toml")):
        rule = tomllib.loads(path.read_text(encoding="utf-8")).get("rule", {})
        if rule.get("language") == "eql":
            yield path.name, rule["query"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    counts: collections.Counter[str] = collections.Counter()
    for name, query in queries(parser.parse_args().folder):
        counts["rules"] += 1
        try:
            parse(query)
        except NotReadable as refused:
            counts["not parsed"] += 1
            print(f"{name}: not parsed: {refused.what}, at {refused.position}")
            continue
        try:
            run(query, [{"@timestamp": 0}])
            counts["run"] += 1
        except NotReadable as refused:
            counts["refused"] += 1
            print(f"{name}: refused: {refused.what}")
    print(dict(counts))
    return 1 if counts["not parsed"] or not counts["rules"] else 0


if __name__ == "__main__":
    sys.exit(main())
