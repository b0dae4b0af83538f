"""Random KQL filters beside the Sigma written for them, each run by an engine that is not ours, on the same events.

``make conformance`` makes the environments: duckdb-kql runs the KQL, pysigma-backend-sqlite (with pySigma 2) the Sigma. A filter whose
Sigma claims ``exact`` and returns other events is a defect. Exit status 1 where there is one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from typing import Any

from tests.conformance.judging import judged

WORDS = [
    "admin", "Admin", "a*b", "a?b", "C:\\x", "C:\\\\x", 'it"s', "o'x", "foo-bar", "foo_bar", "foobar", "x.y", "50%", "cmd.exe", "a\\*b",
    "\\", "tail\\", "[x]", "a|b", "$z", "^q", "10.1.2.3", "8.8.8.8", "192.168.0.9",
]  # fmt: skip
"""Wildcards, escapes, quotes, term boundaries, case. ASCII only: SQLite folds no other letters."""

OPERATORS = """
    == != =~ !~ contains !contains contains_cs startswith !startswith startswith_cs endswith endswith_cs !endswith has !has has_cs
    hasprefix hassuffix
""".split()

COLUMNS = {"a": "text", "b": "text", "n": "integer"}


def quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Generator:
    """Filters and events from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self) -> str | None:
        word = self.random.choice(WORDS)
        other = self.random.choice(WORDS)
        return self.random.choice([word, word.upper(), "z" + word, word + "z", f"-{word}-", f"{word} {other}", "", "null", None])

    def events(self, count: int) -> list[dict[str, Any]]:
        return [{"id": i, "a": self.text(), "b": self.text(), "n": self.random.choice([None, 0, 1, 2, 3])} for i in range(count)]

    def atom(self) -> str:
        pick = self.random
        column, word = pick.choice("ab"), quoted(pick.choice(WORDS))
        some = ", ".join(quoted(w) for w in pick.sample(WORDS, pick.randint(1, 3)))
        return pick.choices(
            [
                f"{column} {pick.choice(OPERATORS)} {word}",
                f"{column} {pick.choice(['in', '!in', 'in~', '!in~', 'has_any', 'has_all'])} ({some})",
                f"{pick.choice(['isempty', 'isnotempty'])}({column})",
                f"n {pick.choice(['==', '!=', '<', '>=', '>'])} {pick.randint(0, 3)}",
                f"tolower({column}) {pick.choice(['==', '!=', 'endswith', 'contains'])} {word.lower()}",
                f"n between ({pick.randint(0, 2)} .. {pick.randint(1, 3)})",
                f'tostring(split({column}, "{pick.choice(".-_ ")}")[{pick.choice([0, 1, -1])}]) {pick.choice(["==", "=~", "!="])} {word}',
                f'{pick.choice(["isempty", "isnotempty"])}(extract("([a-z]+)[.]", 1, {column}))',
                f'iff(n > 1, {column}, "admin") {pick.choice(["==", "has", "!contains"])} {word}',
                f"ipv4_is_private({column})",
                # duckdb-kql takes a missing text for null where two fields are compared, KQL for an empty one
                f"(isnotempty(a) and isnotempty(b) and a {pick.choice(['=~', '!~', '=='])} b)",
                f"strlen({column}) {pick.choice(['<', '>=', '=='])} {pick.choice([0, 1, 5])}",
                f'array_length(split({column}, "{pick.choice(".-_ ")}")) {pick.choice(["<", ">", "=="])} {pick.choice([1, 2])}',
            ],
            [11, 5, 2, 2, 2, 1, 3, 1, 2, 1, 2, 1, 1],
        )[0]

    def predicate(self, depth: int = 0) -> str:
        shape = self.random.random()
        if depth > 1 or shape < 0.4:
            return self.atom()
        if shape < 0.8:
            return f"({self.predicate(depth + 1)} {'and' if shape < 0.6 else 'or'} {self.predicate(depth + 1)})"
        return f"not({self.predicate(depth + 1)})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True, help="the Python that has pysigma-backend-sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=400)
    options = parser.parse_args()

    import duckdb
    import duckdb_kql

    import translator
    from translator.rulepack.model import Rule, TextMap
    from translator.targets.base import Options

    generator = Generator(options.seed)
    events = generator.events(200)
    connection = duckdb.connect()
    connection.execute("create table T (id bigint, a varchar, b varchar, n bigint)")
    connection.executemany("insert into T values (?, ?, ?, ?)", [tuple(e.values()) for e in events])
    cases, unclaimed, unproven = [], 0, 0
    for number in range(options.count):
        kql = f"T | where {generator.predicate()}"
        rule = Rule("generated", "", f"generated {number}", kql, TextMap.locate(kql, [kql], 0))
        output = translator.convert(rule, ("sigma",), Options(fields="source")).outputs["sigma"]
        if output.verdict.value != "exact":
            unclaimed += 1
            continue
        try:
            rows = sorted(row[0] for row in duckdb_kql.execute(connection, f"{kql} | project id").fetchall())
        except duckdb_kql.KqlError:
            unproven += 1
            continue
        cases.append({"kql": kql, "sigma": output.text, "rows": rows})
    wrong, refused = judged(options.judge, {"events": events, "columns": COLUMNS, "cases": cases})
    for finding in wrong[:5]:
        print(json.dumps(finding, indent=1))
    print(
        f"{len(cases) - len(refused)} exact claims run, {len(wrong)} wrong, {unclaimed} not claimed, {unproven} refused by duckdb-kql, "
        f"{len(refused)} by SQLite"
    )
    return 1 if wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
