"""Random pipelines of operators beside what is written for them, checked as ``correlations`` checks its idioms.

What is silently dropped between two operators shows here: every operator comes after every other. Exit status 1 where a claim does not
hold.
"""

from __future__ import annotations

import collections
import random
import sys
from collections.abc import Iterator
from typing import Any

from tests.conformance.correlations import case_of, events, searches_wrong
from tests.conformance.judging import judged, options

_AGGREGATES = {
    "c = count()": "", "c = dcount(v_s)": "v_s", "c = countif(op == 'a')": "op", "c = sum(n)": "n", "c = max(n)": "n",
    "s = make_set(v_s)": "v_s", "c = dcountif(v_s, n > 1)": "n",
}  # fmt: skip
"""Aggregates, with the column that each reads."""


_WINDOWS = [
    *["TimeGenerated > ago(1h)"] * 6, "TimeGenerated >= ago(10m)", "TimeGenerated between (ago(20m) .. ago(5m))",
    "TimeGenerated > ago(1h) and TimeGenerated < ago(10m)",
]  # fmt: skip


class Generator:
    """Pipelines that end with the column k."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def source(self) -> str:
        present = self.random.choice(["", " and isnotempty(k)"])
        return f"T | where {self.random.choice(_WINDOWS)} and op == '{self.random.choice('abc')}'{present}"

    def inner(self) -> str:
        """A query with the keys of events, or of groups of them."""
        pick = self.random
        threshold = f" | summarize d = count() by k | where d {pick.choice(['>', '>='])} {pick.choice([1, 2])}"
        last = pick.choice(
            ["", "", "", " | distinct k", " | summarize by k", " | summarize d = dcount(v_s) by k", " | where n > 1", threshold]
        )
        return f"{self.source()}{last} | project k"

    def pipeline(self) -> str:
        query = self.source() if self.random.random() < 0.8 else f"union ({self.source()}), ({self.source()})"
        columns = {"k", "j", "m", "v_s", "n", "op", "TimeGenerated"}
        for _ in range(self.random.randint(1, 7)):
            operator, columns = self.operator(columns)
            query += operator
        if self.random.random() < 0.5 and "TimeGenerated" in columns:
            query += f" | summarize c = count() by k | where c {self.random.choice(['>', '>='])} {self.random.choice([1, 2, 3])}"
        elif "c" in columns:
            query += f" | where c > {self.random.choice([1, 2])}"
        return f"{query} | project k"

    def operator(self, columns: set[str]) -> tuple[str, set[str]]:
        """An operator on a relation with these columns, and those of its result; none where the one drawn does not suit them."""
        pick = self.random
        by = ["k", *pick.sample([c for c in ("v_s", "j", "bucket", "x") if c in columns][:1] or ["k"], 1 if pick.random() < 0.4 else 0)]
        aggregate = pick.choice(list(_AGGREGATES))
        number = pick.choice([1, 2, 3])
        choices: list[tuple[str, set[str], set[str]]] = [
            (f" | where n > {number}", {"n"}, columns),
            (" | extend x = iff(n > 1, 'p', 'q')", {"n"}, {*columns, "x"}),
            (" | where x == 'p'", {"x"}, columns),
            (" | extend bucket = bin(TimeGenerated, 10m)", {"TimeGenerated"}, {*columns, "bucket"}),
            (f" | summarize {aggregate} by {', '.join(dict.fromkeys(by))}", {_AGGREGATES[aggregate]} - {""}, {*by, aggregate[0]}),
            (f" | summarize {aggregate} by {', '.join(dict.fromkeys(by))}", {_AGGREGATES[aggregate]} - {""}, {*by, aggregate[0]}),
            (f" | where c {pick.choice(['>', '>=', '<', '=='])} {number}", {"c"}, columns),
            (f" | where c {pick.choice(['>', '>='])} {number}", {"c"}, columns),
            (f" | where array_length(s) {pick.choice(['>', '>='])} {number}", {"s"}, columns),
            (f" | distinct {', '.join(dict.fromkeys(by))}", set(), set(by)),
            (
                f" | join kind={pick.choice(['inner', 'leftanti', 'leftsemi', 'leftouter', 'innerunique'])} ({self.inner()}) on k",
                set(),
                columns,
            ),
            (f" | join kind=leftouter ({self.inner()}) on k", set(), columns),
            (
                f" | join kind=leftouter ({self.source()} | summarize z = count() by k) on k | where "
                + pick.choice(["isnotempty(z)", "z > 1", "isnull(z)", "z != 1", "isnotempty(z) or n > 1", "not(z < 2)"]),
                {"n", "op"},
                {*columns, "z"},
            ),
            (f" | where extract('([a-z]).?', 1, v_s) {pick.choice(['==', 'has', '!='])} 'p'", {"v_s"}, columns),
            (f" | where k {pick.choice(['in', '!in'])} (({self.inner()}))", set(), columns),
            (f" | union ({self.source()})", {"n", "op"}, columns),
            (" | where isnotempty(v_s)", {"v_s"}, columns),
            (" | extend c = c + 1", {"c"}, columns),
            (" | extend k = tolower(k)", set(), columns),
            (" | extend y = strcat(op, '-', v_s)", {"op", "v_s"}, {*columns, "y"}),
            (" | where y has 'p' or y == 'a-'", {"y"}, columns),
            (" | project-away n", {"n"}, columns - {"n"}),
            (" | project-rename who = k | project-rename k = who", set(), columns),
            (" | sort by n desc | extend k = k", {"n"}, columns),
            (" | summarize take_any(op), c = count() by k", {"op"}, {"k", "c", "op"}),
            (" | extend parts = pack_array(v_s, j) | mv-expand parts to typeof(string) | where parts == 'x1'", {"v_s", "j"}, columns),
            (f" | join kind=inner ({self.source()} | project m, n) on $left.k == $right.m", {"op"}, columns - {"m", "n"}),
            (f" | as Seen | where k in ((Seen | where n > {number} | project k))", {"n"}, columns),
            (f" | where n > {number} or k in (({self.inner()}))", {"n"}, columns),
            (" | summarize f = min(TimeGenerated) by k | where f > ago(10m)", {"TimeGenerated"}, {"k"}),
            (" | where v_s in (set_union(pack_array('p', 'q'), split('r;s', ';')))", {"v_s"}, columns),
            (f" | where toscalar({self.source()} | summarize count()) > 100 or n > {number}", {"n"}, columns),
        ]
        operator, needed, after = pick.choice(choices)
        return (operator, after) if needed <= columns else ("", columns)


def cases(seed: int, count: int, counts: collections.Counter[str]) -> Iterator[dict[str, Any]]:
    """The pipelines of a seed whose outputs claim something."""
    generator = Generator(seed)
    for _ in range(count):
        made = events(generator.random, generator.random.choice([12, 25, 50]))
        if (case := case_of("pipeline", generator.pipeline(), "", made, counts)) is not None:
            yield case


def main() -> int:
    given = options(__doc__)
    counts: collections.Counter[str] = collections.Counter()
    run = list(cases(given.seed, given.count, counts))
    wrong, refused = judged(given.judge, {"cases": run})
    searched, missed = searches_wrong(run)
    for finding in [*wrong[:4], *missed[:4]]:
        print(*(f"{k}: {v}" for k, v in finding.items() if k not in ("columns", "searches")), sep="\n", end="\n\n")
    for what, number in sorted(counts.items()):
        print(f"  {number} {what}")
    print(
        f"{len(run)} pipelines run, {len(wrong)} wrong, {len(refused)} refused by SQLite; by the readers {dict(searched)}, {len(missed)} wrong"
    )
    return 1 if wrong or missed or not run else 0


if __name__ == "__main__":
    sys.exit(main())
