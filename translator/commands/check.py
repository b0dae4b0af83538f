"""``kql2sigma check``: syntax, binding and warnings of rule files, without translating them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translator import __version__, catalog
from translator.detection.trigger import trigger_of
from translator.kql.errors import KqlSyntaxError, excerpt
from translator.kql.lint import CODES, warnings
from translator.kql.parser import parse, scan
from translator.pack import Effort, Failure, rules_of
from translator.plan import operators as o
from translator.plan.binder import PROBLEMS, examine
from translator.rulepack import Rule, Unread

OF_RULES = {
    "whole-table": "a rule without any condition",
    "comment-joined": "a comment that takes in the lines behind it, since YAML joins them",
}
"""What is warned of in a rule beside its query, by code."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An error, a warning or a note at a place of a file. ``excerpt`` is the line with a caret below, where there is one."""

    path: str
    line: int
    column: int
    severity: str
    code: str
    message: str
    hint: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.path}:{self.line}:{self.column}: {self.severity}: {self.message}{hint}"


def check_paths(paths: Iterable[Path], strict: bool, effort: Effort, excluded: tuple[str, ...] = ()) -> Iterator[Finding]:
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
    yield from _swallowed(rule)
    try:
        tree = parse(rule.query)
    except KqlSyntaxError as error:
        for found in error.errors:
            line, column = rule.place(found.offset)
            yield Finding(rule.source, line, column, "error", "syntax", found.message, found.hint, excerpt(rule.query, found))
        return
    plan, problems = examine(tree, catalog.schemas())
    for problem in problems:
        line, column = rule.place(problem.span[0])
        severity = "warning" if problem.warns and not strict else "error"
        yield Finding(rule.source, line, column, severity, problem.code, problem.message)
    for warning in warnings(tree):
        line, column = rule.place(warning.span[0])
        yield Finding(rule.source, line, column, "warning", warning.code, warning.message, warning.hint)
    if plan is not None and _is_whole_table(plan) and trigger_of(rule.trigger_operator, rule.trigger_threshold) is None:
        line, column = rule.place(len(rule.query) - len(rule.query.lstrip()))
        told = "this has no condition: every event of the table is a result"
        yield Finding(rule.source, line, column, "warning", "whole-table", told, "say with where what is to be found")


def _swallowed(rule: Rule) -> Iterator[Finding]:
    """A comment goes on to the end of its line, and a style of YAML that joins lines puts there what was to be run."""
    for kind, start, end in scan(rule.query):
        if kind == "comment" and (joined := rule.text_map.joins(start, end)):
            line, column = rule.place(start)
            told = f"YAML joins the lines of this query, so the comment takes in {joined} {'line' if joined == 1 else 'lines'} behind it"
            yield Finding(rule.source, line, column, "warning", "comment-joined", told, "write query: | to keep the lines")


_KEEPS_ROWS = (o.Source, o.External, o.Compute, o.Project, o.Sort, o.Arrange, o.Parse, o.ParsePairs, o.Union)


def _is_whole_table(plan: o.Plan) -> bool:
    """Whether the rows of a plan are all those of its tables: nothing filters, limits, groups or joins them."""
    nodes = [n for n in o.parts(plan.root) if isinstance(n, o.Relation)]
    kept = all(isinstance(n, _KEEPS_ROWS) and not (isinstance(n, o.Parse) and n.filters) for n in nodes)
    return kept and any(isinstance(n, o.Source | o.External) for n in nodes)


def as_json(findings: list[Finding]) -> list[dict[str, str | int]]:
    return [{k: getattr(f, k) for k in ("path", "line", "column", "severity", "code", "message", "hint")} for f in findings]


def as_sarif(findings: list[Finding]) -> dict[str, Any]:
    """SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), one run with a result for each finding."""
    rules = {
        "syntax": "the text is no KQL",
        "file": "the file holds no rule, or one that cannot be read",
        "stopped": "a rule beyond its limits",
        **PROBLEMS,
        **CODES,
        **OF_RULES,
    }
    results = [
        {
            "ruleId": f.code,
            "level": f.severity,
            "message": {"text": f.message + (f" ({f.hint})" if f.hint else "")},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": Path(f.path).as_posix()},
                        "region": {"startLine": f.line, "startColumn": f.column},
                    }
                }
            ],
        }
        for f in findings
    ]
    driver = {
        "name": "kql2sigma",
        "version": __version__,
        "rules": [{"id": code, "shortDescription": {"text": text}} for code, text in rules.items()],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
