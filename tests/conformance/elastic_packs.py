"""How many rules of elastic/detection-rules the readers of Elastic's languages parse: ``python -m tests.conformance.elastic_packs DIR``.

DIR is a checkout of that repository, or a folder of its rules. Exit status 1 where a rule is not parsed, or none is found.
"""

from __future__ import annotations

import argparse
import collections
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from translator.verify import NotReadable, esql

PARSERS: dict[str, Callable[[str], object]] = {"esql": esql.parse}
"""What parses a query, by the language of a rule."""


def queries(folder: Path) -> Iterator[tuple[str, str, str]]:
    """File, language and query of every rule below a folder."""
    for path in sorted(folder.rglob("*.toml")):
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("rule", {})
        if "language" in found and "query" in found:
            yield str(path.relative_to(folder)), found["language"], found["query"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    read: collections.Counter[str] = collections.Counter()
    failed: dict[str, list[str]] = collections.defaultdict(list)
    for name, language, query in queries(parser.parse_args().folder):
        if language not in PARSERS:
            continue
        try:
            PARSERS[language](query)
            read[language] += 1
        except NotReadable as refusal:
            failed[language].append(f"{name}: {refusal.what} at {refusal.position}")
    for language in PARSERS:
        print(f"{language}: {read[language]} of {read[language] + len(failed[language])} parsed")
        print(*(f"  {line}" for line in failed[language]), sep="\n", end="\n" if failed[language] else "")
    return 1 if any(failed.values()) or not read else 0


if __name__ == "__main__":
    sys.exit(main())
