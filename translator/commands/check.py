"""``kql2sigma check``: syntax, binding and warnings of rule files, without translating them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from translator import catalog
from translator.detection.trigger import trigger_of
from translator.kql.errors import KqlSyntaxError, excerpt
from translator.kql.lint import CODES, warnings
from translator.kql.parser import parse, scan
from translator.pack import Effort, Failure, rules_of
from translator.plan import operators as o
from translator.plan.binder import examine
from translator.plan.binder.problems import PROBLEMS
from translator.report.sarif import Kind, Result, sarif
from translator.rulepack import Rule, Unread

KINDS = {
    "syntax": ("the text is no KQL", "the message names what was expected at that place"),
    "file": ("the file holds no rule, or one that cannot be read", "mend the file, or leave it aside with --exclude"),
    "stopped": ("a rule beyond its limits", "split the query, or give it longer with --rule-timeout"),
    "whole-table": ("a rule without any condition", "say with where what is to be found"),
    "comment-joined": ("a comment that takes in the lines behind it, since YAML joins them", "write query: | to keep the lines"),
}
"""What is found in a rule beside its names and habits, by code: what it is, and what to do."""

HELP = {
    "assignment-in-where": "compare with ==",
    "case-never-equal": "write the literal in the case of the function beside it, or compare without case: =~, in~",
    "join-without-kind": "write kind=inner for every pair of rows, or kind=innerunique where one will do",
    "binding": "the message names what the query wants and what is there",
    "unknown-column": "name a column that is there, or keep it in the operators before",
    "unknown-name": "define it with let before it is used",
    "unknown-table": "name a table that is there: kql2sigma tables lists the documented ones",
    "unknown-function": "name a function that is there: kql2sigma functions lists them",
    "argument-count": "see its signature: kql2sigma functions NAME",
    "argument-type": "convert the value, as the message says; kql2sigma functions NAME has the signature",
    "misplaced": "aggregate in summarize, and look at the column that it makes behind that",
    "operand-types": "bring both to one type: tostring(), tolong(), todouble(), todatetime(), ago()",
    "no-parts": "make it a dynamic first, with parse_json",
    "repeated-name": "give each a name of its own: what is behind could mean either",
    "unlisted-column": "nothing to do where the workspace has the column; without --strict it is only a warning",
    "unlisted-table": "nothing to do where the workspace has the table; without --strict it is only a warning",
    "saved-function": "put the function that the workspace has saved among the rules, in any form that is read",
}
"""What to do about the problems of names and what is legal and surely wrong, by code."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An error, a warning or a note at a place of a file.

    Attributes:
        excerpt: the line with a caret below, where there is one.
        alike: the rule, and the line of its query.
    """

    path: str
    line: int
    column: int
    severity: str
    code: str
    message: str
    hint: str = ""
    excerpt: str = ""
    alike: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.path}:{self.line}:{self.column}: {self.severity}: {self.message}{hint}"


def check_paths(paths: Iterable[Path], strict: bool, effort: Effort, excluded: tuple[str, ...]) -> Iterator[Finding]:
    """The findings for every rule at ``paths``, rule by rule.

    Args:
        strict: whether it is an error to name what the documentation does not list.
        effort: in how many processes, and within which limits.
        excluded: patterns of files and folders that are left aside.
    """
    unread: list[Unread] = []
    found = rules_of(paths, effort, excluded, unread=unread.append)
    rules = [one for one in found if isinstance(one, Rule)]
    checked = effort.carried_out(functools.partial(check_rule, strict=strict), rules)
    for one in found:
        if isinstance(one, Failure):
            yield Finding(one.source, one.line, one.column, "error", "file", one.message)
            continue
        done = next(checked)
        yield from done.found
        if done.stopped:
            line, column = one.place(0)
            yield Finding(one.source, line, column, "error", "stopped", done.stopped)
    yield from (Finding(item.source, item.line, item.column, "note", "file", item.message) for item in unread)


def check_rule(rule: Rule, strict: bool = False) -> Iterator[Finding]:
    """Syntax errors, else the binder's, and the warnings of one rule."""
    for at, found in _found(rule, strict):
        line = rule.query[rule.query.rfind("\n", 0, at) + 1 :].partition("\n")[0]
        yield replace(found, alike=f"{rule.id or rule.name} {line.strip()}")


def _found(rule: Rule, strict: bool) -> Iterator[tuple[int, Finding]]:
    """The findings of a rule, each with its offset in the query."""

    def at(offset: int, severity: str, code: str, message: str, hint: str = "", excerpt: str = "") -> tuple[int, Finding]:
        return offset, Finding(rule.source, *rule.place(offset), severity, code, message, hint, excerpt)

    for kind, start, end in scan(rule.query):
        # A comment goes on to the end of its line, and a style of YAML that joins lines puts there what was to be run.
        if kind == "comment" and (joined := rule.text_map.joins(start, end)):
            told = f"YAML joins the lines of this query, so the comment takes in {joined} {'line' if joined == 1 else 'lines'} behind it"
            yield at(start, "warning", "comment-joined", told, KINDS["comment-joined"][1])
    try:
        tree = parse(rule.query)
    except KqlSyntaxError as error:
        for e in error.errors:
            yield at(e.offset, "error", "syntax", e.message, e.hint, excerpt(rule.query, e))
        return
    plan, problems = examine(tree, catalog.schemas())
    for problem in problems:
        yield at(problem.span[0], "warning" if problem.warns and not strict else "error", problem.code, problem.message)
    for warning in warnings(tree):
        yield at(warning.span[0], "warning", warning.code, warning.message, warning.hint)
    if plan is not None and _is_whole_table(plan) and trigger_of(rule.trigger_operator, rule.trigger_threshold) is None:
        told = "this has no condition: every event of the table is a result"
        yield at(len(rule.query) - len(rule.query.lstrip()), "warning", "whole-table", told, KINDS["whole-table"][1])


_KEEPS_ROWS = (o.Source, o.External, o.Compute, o.Project, o.Sort, o.Arrange, o.Parse, o.ParsePairs, o.Union)


def _is_whole_table(plan: o.Plan) -> bool:
    """Whether the rows of a plan are all those of its tables: nothing filters, limits, groups or joins them."""
    nodes = [n for n in o.parts(plan.root) if isinstance(n, o.Relation)]
    kept = all(isinstance(n, _KEEPS_ROWS) and not (isinstance(n, o.Parse) and n.filters) for n in nodes)
    return kept and any(isinstance(n, o.Source | o.External) for n in nodes)


def as_json(findings: list[Finding]) -> list[dict[str, str | int]]:
    """What ``--format json`` prints of findings."""
    return [{k: getattr(f, k) for k in ("path", "line", "column", "severity", "code", "message", "hint")} for f in findings]


def as_sarif(findings: list[Finding]) -> dict[str, Any]:
    """SARIF 2.1.0 with a result for each finding."""
    kinds = {code: Kind(about, what) for code, (about, what) in KINDS.items()}
    kinds |= {code: Kind(about, HELP[code]) for code, about in {**PROBLEMS, **CODES}.items()}
    told = [Result(f.code, f.severity, f.message + (f" ({f.hint})" if f.hint else ""), f.path, f.line, f.column, f.alike) for f in findings]
    return sarif((t for t in told if t.level != "note"), kinds, (t for t in told if t.level == "note"))
