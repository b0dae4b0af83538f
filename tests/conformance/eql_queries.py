"""The reader of EQL on the queries with expected events that PyPI eql ships (``etc/test_queries.toml``, of its own environment).

They are of the older EQL. What Elasticsearch documents as different ("Differences from Endgame EQL syntax") is rewritten where the words
for it are others: ``=`` and ``==`` of texts, which ignore case and have wildcards there, are ``:``; lists and functions that ignore case
get their ``~``; texts are in double quotes. What it no longer has is skipped by its name, what it refuses is counted by its reason. Exit
status 1 where a query gives other events.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from translator.verify.eql import run
from translator.verify.reading import NotReadable

GONE = {
    "a pipe": r"\|\s*(count|filter|sort|unique|unique_count)\b",
    "join": r"^\s*join\b",
    "child of, descendant of, event of": r"\b(child|descendant|event)\s+of\b",
    "an array function": r"\barray(Contains|Count|Search)\b",
    "an element of a list": r"\w\[\d+\]",
    "match and wildcard": r"\b(match|matchLite|wildcard)\b",
    "fork": r"\bfork\b",
    "safe": r"\bsafe\b",
    "!= of a text, which has wildcards there": r"!=\s*['\"]",
    "a join key that is computed": r"\bby\s[^\[]*[*(]",
    "an order of texts without case": r"[<>]=?\s*['\"]",
    "not of a field that no event has: an error, as it is in no mapping": r"not \(fake_field",
    "a number in another base, as a text": r"number\('32'",
}
"""What the older language has alone, by name."""

TOKEN = re.compile(
    r"""(?P<text>\?"[^"]*"|\?'[^']*'|"(\\.|[^"\\])*"|'(\\.|[^'\\])*')|(?P<word>\w+)|(?P<sign>==|!=|<=|>=|[^\w\s])|(?P<space>\s+)"""
)


def rewritten(query: str) -> str:
    """A query in the words of Elasticsearch."""
    tokens = [(m.lastgroup or "", m[0]) for m in TOKEN.finditer(query)]
    texts = [n for n, (kind, _) in enumerate(tokens) if kind == "text"]
    out = [_double(word) if kind == "text" else word for kind, word in tokens]
    solid = [n for n, (kind, _) in enumerate(tokens) if kind != "space"]
    for place, n in enumerate(solid):
        word = out[n]
        after = solid[place + 1 : place + 3]
        before = solid[max(place - 1, 0)]
        if word in ("=", "=="):
            spans = place and out[before] in ("maxspan", "runs")
            folds = (after and after[0] in texts) or tokens[before][0] == "text"
            out[n] = "=" if spans else ":" if folds else "=="
            if tokens[before][0] == "text" and not spans:  # the pattern stands on the right
                out[before], out[after[0]] = out[after[0]], out[before]
        elif word == "in" and len(after) > 1 and (after[1] in texts or tokens[after[1]][0] == "word"):
            out[n] = "in~" if any(t > n for t in texts) and not out[after[1]].isdecimal() else "in"
        elif word in ("startsWith", "endsWith", "stringContains", "indexOf", "between"):
            out[n] = word + "~"
    return "".join(out)


def _double(text: str) -> str:
    if text.startswith("?"):
        return f'"""{text[2:-1]}"""'
    return '"' + text[1:-1].replace("\\'", "'").replace('"', '\\"') + '"' if text.startswith("'") else text


def logged(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events in the order of their file, which is that in which the package reads them; times are of Windows, in 100 ns since 1601."""
    found, latest = [], 0.0
    for event in events:
        latest = max(latest, event["timestamp"] / 1e7 - 11644473600)
        found.append({**event, "@timestamp": dt.datetime.fromtimestamp(latest, dt.UTC)})
    return found


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [e["serial_event_id"] for row in rows for e in (row["events"] if "join_keys" in row else [row])]


def outcomes(folder: Path) -> list[tuple[str, str, str]]:
    """The query, ``right``, ``wrong``, ``skipped`` or ``refused``, and why, of every query that reads as it is meant for this language."""
    queries = tomllib.loads((folder / "test_queries.toml").read_text(encoding="utf-8"))["queries"]
    events = logged(json.loads((folder / "test_data.json").read_text(encoding="utf-8")))
    found = []
    for query in queries:
        text = query["query"].strip()
        gone = next((name for name, pattern in GONE.items() if re.search(pattern, text)), None)
        if gone is None and query.get("case_sensitive"):
            gone = "a query for an engine that heeds case in all its words"
        if gone is not None:
            found.append((text, "skipped", gone))
            continue
        own = rewritten(text)
        try:
            rows = run(own, events, kinds={"source_address": "ip", "destination_address": "ip"}, category="event_type")
        except NotReadable as refused:
            found.append((own, "refused", refused.what))
            continue
        right = ids(rows) == query["expected_event_ids"]
        found.append((own, "right" if right else "wrong", "" if right else f"{ids(rows)[:12]} for {query['expected_event_ids'][:12]}"))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder etc of the package eql")
    found = outcomes(parser.parse_args().folder)
    for text, outcome, why in found:
        if outcome in ("wrong", "refused"):
            print(f"{outcome}: {' '.join(text.split())}\n  {why}")
    for (outcome, why), number in sorted(collections.Counter((o, w if o == "skipped" else "") for _, o, w in found).items()):
        print(f"{number} {outcome} {why}")
    return 1 if any(o == "wrong" for _, o, _ in found) else 0


if __name__ == "__main__":
    sys.exit(main())
