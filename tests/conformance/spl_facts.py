"""Facts of Splunk's manual beside the reader of SPL: each is a search, its events and the rows that the manual says it gives.

    python -m tests.conformance.spl_facts FACTS.jsonl

Every line has ``id``, ``search``, ``events`` and ``rows``; a row is right where it has the cells of the fact; other fields may be there.
Prints what is right, wrong and refused by name. Exit status 1 where a row is wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from translator.verify import spl
from translator.verify.reading import NotReadable, Row


def plain(value: object) -> object:
    """A cell for comparison: numbers as texts."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def agree(found: Sequence[Row], wanted: Sequence[Row], ordered: bool) -> bool:
    """Whether rows are those of a fact.

    Args:
        found: the rows of the reader.
        wanted: those of the fact.
        ordered: whether their order counts.
    """
    asked = {name for row in wanted for name in row}
    cells = [{k: plain(v) for k, v in row.items() if k in asked} for row in found]
    told = [{k: plain(v) for k, v in row.items()} for row in wanted]
    if ordered:
        return cells == told
    return sorted(map(spelled, cells)) == sorted(map(spelled, told))


def spelled(row: Mapping[str, object]) -> str:
    return str(sorted((k, str(v)) for k, v in row.items()))


def main(path: str) -> int:
    right, wrong, refused = 0, [], []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        fact = json.loads(line)
        ordered = any(word in fact["search"] for word in ("sort", "tail", "reverse"))
        try:
            readings = [spl.run(fact["search"], fact["events"], now=0, unknown=unknown) for unknown in (False, True)]
        except NotReadable as error:
            refused.append(f"{fact['id']}: {error.what}")
            continue
        if all(agree(rows, fact["rows"], ordered) for rows in readings):
            right += 1
        else:
            wrong.append(f"{fact['id']}: {fact['search']} gives {readings[0]}, not {fact['rows']}")
    for told in (*(f"wrong {w}" for w in wrong), *(f"refused {r}" for r in refused)):
        print(told)
    print(f"{right} right, {len(wrong)} wrong, {len(refused)} refused")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
