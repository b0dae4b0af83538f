"""The reader of EQL on cases of Elasticsearch's own tests of EQL: ``python -m tests.conformance.eql_spec DIR``.

DIR has files ``test_*.toml`` and ``additional_test_queries.toml`` of elastic/elasticsearch, x-pack/plugin/eql/qa/common/src/main/resources,
and their events below ``data``. Prints how many are right, wrong, and refused by what. Exit status 1 where one is wrong, or none is found.

A case has a query and the ids of the events that it finds, -1 for one that is missing; of a list of lists any is right. Samples come in
any order.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.eql_queries import logged
from tests.conformance.esql_spec import told
from translator.verify.eql import run
from translator.verify.reading import NotReadable

DATA: dict[str, tuple[tuple[str, ...], str]] = {
    "test_missing_events": (("missing-events.data",), "sequence"),
    "test_extra": (("extra.data",), "sequence"),
    "test_sample": (("sample1.data", "sample2.data", "sample3.data"), "id"),
    "test_sample_multi": (("sample-multi.data",), "id"),
    "additional_test_queries": (("test_data.json",), "serial_event_id"),
}
"""The events of a file of cases, and the field of their ids."""

KINDS = {"source_address": "ip", "destination_address": "ip", "ip": "ip", "host_ip": "ip", "date_tags": "date"}


def events(folder: Path, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Events as their mapping has them: a time of digits is in milliseconds, a null may have a value of its own."""
    found = [event for name in names for event in json.loads((folder / "data" / name).read_text(encoding="utf-8"))]
    if "timestamp" in found[0]:
        return logged(found)
    for event in found:
        moment = str(event.get("@timestamp", ""))
        event |= {"@timestamp": int(moment) / 1000} if moment.isdigit() else {}
        event |= {"optional_field_default_null": "NULL"} if "optional_field_default_null" in event else {}
    return found


def cases(folder: Path) -> Iterator[tuple[str, str, str, list[Any]]]:
    """File, name, query and ids of every case."""
    for file in DATA:
        path = folder / f"{file}.toml"
        for query in tomllib.loads(path.read_text(encoding="utf-8"))["queries"] if path.exists() else ():
            yield file, query["name"], query["query"], query["expected_event_ids"]


def found_ids(rows: list[dict[str, Any]], field: str) -> list[list[int]]:
    """The ids of each row."""
    return [[-1 if "missing" in e else e[field] for e in (row["events"] if "join_keys" in row else [row])] for row in rows]


def agree(got: list[list[int]], wanted: list[int], ordered: bool) -> bool:
    """Whether rows have the ids that a case lists one after the other."""
    if ordered or not got:
        return [i for row in got for i in row] == wanted
    width = len(got[0])
    return sorted(got) == sorted(wanted[n : n + width] for n in range(0, len(wanted), width))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    right, wrong, refused = 0, 0, collections.Counter[str]()
    for file, name, query, wanted in cases(folder):
        names, field = DATA[file]
        try:
            rows = run(query, events(folder, names), kinds=KINDS, category="event_type")
        except NotReadable as refusal:
            refused[refusal.what] += 1
            continue
        got = found_ids(rows, field)
        choices = wanted if wanted and isinstance(wanted[0], list) else [wanted]
        held = any(agree(got, choice, not query.lstrip().startswith("sample")) for choice in choices)
        right, wrong = right + held, wrong + (not held)
        if not held:
            print(f"{file} {name}: {got}, not {wanted}")
    return told(right, wrong, refused)


if __name__ == "__main__":
    sys.exit(main())
