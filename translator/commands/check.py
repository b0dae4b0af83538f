"""``kql2sigma check``: syntax, binding and warnings of rule files, without translating them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from translator import __version__
from translator.kql.errors import KqlSyntaxError, excerpt
from translator.kql.lint import CODES, warnings
from translator.kql.parser import parse
from translator.plan.binder import BindError, bind
from translator.rulepack import Rule, RuleFileError, read, rule_files


@dataclass(frozen=True, slots=True)
class Finding:
    """An error or a warning at a place of a file. ``excerpt`` is the line with a caret below, where there is one."""

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


def check_paths(paths: Iterable[Path]) -> Iterator[Finding]:
    """The findings for every rule at ``paths``, file by file."""
    for path in paths:
        try:
            for file in rule_files(path):
                yield from check_file(file)
        except RuleFileError as error:
            yield _file_error(error)


def check_file(path: Path) -> Iterator[Finding]:
    try:
        rules = read(path)
    except RuleFileError as error:
        yield _file_error(error)
        return
    for rule in rules:
        yield from check_rule(rule)


def check_rule(rule: Rule) -> Iterator[Finding]:
    """Syntax errors, else the binder's, and the warnings of one rule."""
    try:
        tree = parse(rule.query)
    except KqlSyntaxError as error:
        for found in error.errors:
            line, column = rule.place(found.offset)
            yield Finding(rule.source, line, column, "error", "syntax", found.message, found.hint, excerpt(rule.query, found))
        return
    try:
        # Without schemas: what does not bind then binds with none either, and loading them takes longer than all the rest.
        bind(tree)
    except BindError as error:
        line, column = rule.place(error.span[0] if error.span else 0)
        yield Finding(rule.source, line, column, "error", "binding", error.message)
    except RecursionError:
        line, column = rule.place(0)
        yield Finding(rule.source, line, column, "error", "binding", "this query nests too deeply to be bound")
    for warning in warnings(tree):
        line, column = rule.place(warning.span[0])
        yield Finding(rule.source, line, column, "warning", warning.code, warning.message, warning.hint)


def _file_error(error: RuleFileError) -> Finding:
    return Finding(error.path, error.line, error.column, "error", "file", error.message)


def as_json(findings: list[Finding]) -> str:
    rows = [
        {k: getattr(f, k) for k in ("path", "line", "column", "severity", "code", "message", "hint")} for f in findings
    ]  # fmt: skip
    return json.dumps(rows, indent=2, ensure_ascii=False)


def as_sarif(findings: list[Finding]) -> str:
    """SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), one run with a result for each finding."""
    rules = {"syntax": "the text is no KQL", "binding": "the query has no meaning", "file": "the file holds no rule", **CODES}
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
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)
