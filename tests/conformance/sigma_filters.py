"""Random KQL filters beside the Sigma written for them, each run by an engine that is not ours, on the same events.

``make conformance`` makes the environments: duckdb-kql runs the KQL, pysigma-backend-sqlite (with pySigma 2) the Sigma. A filter whose
Sigma claims ``exact`` and returns other events is a defect. Exit status 1 where there is one.
"""

from __future__ import annotations

import json
import random
import sys

from tests.conformance.judging import judged, options
from tests.rules import rule

WORDS = [
    "admin", "Admin", "a*b", "a?b", "C:\\x", "C:\\\\x", 'it"s', "o'x", "foo-bar", "foo_bar", "foobar", "x.y", "50%", "cmd.exe", "a\\*b",
    "\\", "tail\\", "[x]", "a|b", "$z", "^q", "10.1.2.3", "8.8.8.8", "192.168.0.9", "a b", " lead", "trail ", "line\nfeed", "tab\tx", "\r",
    "{x}", "`q`", "#c", "a;b,c", "(p)", "-5", "007", "1.0", "1e3", "true", "http://x.y/z?q=1", "u@x.com", "\\\\srv\\s$", "\\*", "??", "*",
]  # fmt: skip
"""Wildcards, escapes, quotes, term boundaries, case. ASCII only: SQLite folds no other letters."""

OPERATORS = """
    == != =~ !~ contains !contains contains_cs startswith !startswith startswith_cs endswith endswith_cs !endswith has !has has_cs
    hasprefix hassuffix !hasprefix !hassuffix hasprefix_cs hassuffix_cs !hasprefix_cs !contains_cs !startswith_cs !endswith_cs !has_cs
""".split()

REGEXES = ['"^adm"', '"(?i)admin$"', "@'a.b'", "@'^[a-z]+$'", "@'(foo|cmd)[_.-]'", "@'\\\\x'", "@'^$'", "@'\\d+\\.\\d+'", "@'^[^z]*$'"]
"""Regular expressions of KQL that mean the same in SQLite's stand-in, Python's ``re``."""

COLUMNS = {"a": "text", "b": "text", "n": "integer", "m": "integer", "r": "integer", "f": "integer"}


def quoted(word: str) -> str:
    """A literal of KQL."""
    return json.dumps(word)


class Generator:
    """Filters and events from one seed, and what duckdb-kql finds of them."""

    def __init__(self, seed: int, count: int = 200) -> None:
        import duckdb

        self.random = random.Random(seed)
        pick = self.random.choice
        self.events = [
            {"id": i, "a": self.text(), "b": self.text(), "n": pick([None, 0, 1, 2, 3]), "f": pick([None, True, False]),
             "m": pick([None, -1, 0, 5, 10, 2**40]), "r": pick([None, 0.0, 0.5, 1.5, -2.5, 3.0])}
            for i in range(count)
        ]  # fmt: skip
        self.connection = duckdb.connect()
        self.connection.execute("create table T (id bigint, a varchar, b varchar, n bigint, f boolean, m bigint, r double)")
        rows = [(e["id"], e["a"] or "", e["b"] or "", *(e[c] for c in "nfmr")) for e in self.events]
        self.connection.executemany("insert into T values (?, ?, ?, ?, ?, ?, ?)", rows)

    def word(self) -> str:
        return self.random.choice(WORDS)

    def text(self) -> str | None:
        word = self.word()
        return self.random.choice([word, word.upper(), "z" + word, word + "z", f"-{word}-", f"{word} {self.word()}", "", "null", None])

    def kept(self, kql: str) -> list[int] | None:
        """The ``id`` of the events that duckdb-kql finds, None where it refuses. A missing text is an empty one in KQL."""
        import duckdb_kql

        try:
            return sorted(row[0] for row in duckdb_kql.execute(self.connection, f"{kql} | project id").fetchall())
        except duckdb_kql.KqlError:
            return None

    def atom(self) -> str:
        pick = self.random
        column, plain = pick.choice("ab"), pick.choice([*WORDS, ""])
        word = quoted(plain)
        some = ", ".join(quoted(w) for w in pick.sample([*WORDS, ""], pick.randint(1, 3)))
        return pick.choices(
            [
                f"{column} {pick.choice(OPERATORS)} {word}",
                f"{column} {pick.choice(['in', '!in', 'in~', '!in~', 'has_any', 'has_all'])} ({some})",
                f"{pick.choice(['isempty', 'isnotempty'])}({column})",
                f"n {pick.choice(['==', '!=', '<', '>=', '>'])} {pick.randint(0, 3)}",
                f"tolower({column}) {pick.choice(['==', '!=', 'endswith', 'contains'])} {quoted(plain.lower())}",
                f"n between ({pick.randint(0, 2)} .. {pick.randint(1, 3)})",
                f'tostring(split({column}, "{pick.choice(".-_ ")}")[{pick.choice([0, 1, -1])}]) {pick.choice(["==", "=~", "!="])} {word}',
                f'{pick.choice(["isempty", "isnotempty"])}(extract("([a-z]+)[.]", 1, {column}))',
                f'iff(n > 1, {column}, "admin") {pick.choice(["==", "has", "!contains"])} {word}',
                f"ipv4_is_private({column}){pick.choice(['', ' == true', ' == false'])}",
                f"a {pick.choice(['=~', '!~', '=='])} b",
                f"strlen({column}) {pick.choice(['<', '>=', '=='])} {pick.choice([0, 1, 5])}",
                f'array_length(split({column}, "{pick.choice(".-_ ")}")) {pick.choice(["<", ">", "=="])} {pick.choice([1, 2])}',
                f"n {pick.choice(['in', '!in'])} ({pick.randint(0, 3)}, {pick.randint(0, 3)})",
                f"{pick.choice(['isnull', 'isnotnull'])}(n)",
                f"substring({column}, {pick.choice([0, 1])}, {pick.choice([1, 3])}) {pick.choice(['==', '!='])} {quoted(self.word()[:3])}",
                f"indexof({column}, {word}) {pick.choice(['>= 0', '== -1', '== 0', '> 0', '!= -1', '< 0'])}",
                f"toupper({column}) {pick.choice(['==', '!=', 'startswith', 'in'])} ({quoted(plain.upper())})",
                f"coalesce(a, b) {pick.choice(['==', 'has', '!~'])} {word}",
                f'case(n == 1, a, n == 2, b, "other") {pick.choice(["==", "contains", "!="])} {word}',
                f'replace_string({column}, "z", "") {pick.choice(["==", "!=", "=~"])} {word}',
                f'trim("z", {column}) {pick.choice(["==", "!="])} {word}',
                f'strcat({column}, "-", "q") {pick.choice(["==", "!=", "has", "endswith"])} {quoted(self.word() + "-q")}',
                f'tostring(n) {pick.choice(["==", "!=", "in"])} ("{pick.randint(0, 3)}")',
                f"n + 1 {pick.choice(['==', '>', '!='])} {pick.randint(1, 3)}",
                f"iff(isempty({column}), 'none', {column}) {pick.choice(['==', '!='])} {pick.choice([word, quoted('none')])}",
                f"{column} matches regex {pick.choice(REGEXES)}",
                f"not({column} matches regex {pick.choice(REGEXES)})",
                f"isempty(trim(' ', {column}))",
                f"r {pick.choice(['==', '!=', '<', '>='])} {pick.choice([0, 0.5, 1.5, -2.5, 3.0])}",
                f"m {pick.choice(['== 5', '!= -1', '< 0', '>= 10', 'between (0 .. 5)', '!between (0 .. 5)'])}",
                pick.choice(["m % 2 == 0", "m * 2 > 5", "m - 1 == 4", "r - 0.5 < 1", "n == m", "not(n == m)", "m > n"]),
                f"iff(isnull(m), 5, m) {pick.choice(['==', '>', '!='])} 5",
                f"strcat(a, b) {pick.choice(['==', 'contains', 'startswith'])} {word}",
                pick.choice([f"{column} matches regex '{p}'" for p in (".", "(?i)^[a-z]*$", "a.?b", "x$", "[^a-z]", "^z|n$")]),
                f"extract('^z(.*)$', 1, {column}) {pick.choice(['==', '!='])} {word}",
                f"trim_start('z', {column}) {pick.choice(['==', '=~'])} {word}",
                f"case({column} == {word}, 1, {column} has 'foo', 2, 3) {pick.choice(['<', '==', '!='])} 2",
                f"{column} {pick.choice(['in', '!in', 'in~', 'has_any'])} (pack_array({some}))",
                f"{column} {pick.choice(['==', '=~', 'contains'])} strcat({quoted(plain[:2])}, {quoted(plain[2:])})",
                pick.choice(
                    ["f", "not(f)", "f == true", "f != true", "f == false", "not(f == false)", "isnull(f)", 'iff(f, a, b) == "admin"']
                ),
            ],
            [11, 5, 2, 2, 2, 1, 3, 1, 2, 1, 2, 1, 1, *([1] * 27), 2],
        )[0]

    def predicate(self, depth: int = 0) -> str:
        shape = self.random.random()
        if depth > 1 or shape < 0.4:
            return self.atom()
        if shape < 0.8:
            return f"({self.predicate(depth + 1)} {'and' if shape < 0.6 else 'or'} {self.predicate(depth + 1)})"
        return f"not({self.predicate(depth + 1)})"


def main() -> int:
    given = options(__doc__)

    import translator
    from translator.targets.base import Options

    generator = Generator(given.seed)
    cases, unclaimed, unproven = [], 0, 0
    for number in range(given.count):
        kql = f"T | where {generator.predicate()}"
        made = rule(kql, f"generated {number}")
        output = translator.convert(made, ("sigma",), Options(fields="source")).outputs["sigma"]
        if output.verdict.value != "exact":
            unclaimed += 1
            continue
        rows = generator.kept(kql)
        if rows is None:
            unproven += 1
            continue
        cases.append({"kql": kql, "sigma": output.text, "rows": rows})
    wrong, refused = judged(given.judge, {"events": generator.events, "columns": COLUMNS, "cases": cases})
    for finding in wrong[:5]:
        print(json.dumps(finding, indent=1))
    print(
        f"{len(cases) - len(refused)} exact claims run, {len(wrong)} wrong, {unclaimed} not claimed, {unproven} refused by duckdb-kql, "
        f"{len(refused)} by SQLite"
    )
    return 1 if wrong or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
