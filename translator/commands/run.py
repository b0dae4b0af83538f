"""``kql2sigma run``: a query over data on this machine."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from translator import catalog
from translator.commands.common import UsageProblem, cell, console_of_tables, line, write_json, write_text
from translator.engine import EngineError, Result, execute
from translator.engine.errors import UnknownEngine
from translator.engine.python.conversions import datetime_of
from translator.kql.errors import KqlSyntaxError, line_and_column
from translator.kql.parser import parse
from translator.plan.binder.problems import BindError
from translator.plan.functions.values import text_of, timespan_text
from translator.rulepack import Rule, Unread, rules_at
from translator.rulepack.kql_file import SUFFIXES as KQL
from translator.rulepack.model import RuleFileError
from translator.rulepack.sources import STANDARD_INPUT, read_text


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The arguments of ``kql2sigma run``."""

    query: str
    data: Path | None
    schemas: tuple[Path, ...]
    engine: str
    now: str | None
    format: str


def run_query(request: RunRequest) -> int:
    """Runs and prints. The exit status: 0, or 1 where the query or the data fail.

    Raises:
        UsageProblem: for arguments that cannot be used.
    """
    errors = Console(emoji=False, stderr=True, highlight=False, soft_wrap=True)
    name, text, rule = "<query>", request.query, None
    path = Path(request.query)
    # A path of no length that a system takes is no file, where Path.is_file() raises.
    if path == STANDARD_INPUT or os.path.isfile(request.query):
        name, rule = str(path), _rule_at(path)
        try:
            text = rule.query if rule is not None else read_text(path)
        except RuleFileError as problem:
            raise UsageProblem(str(problem)) from problem
    elif re.fullmatch(r"\S+\.(kql|csl|kusto|txt|ya?ml)", request.query):
        raise UsageProblem(f"there is no file {request.query}")

    def place(offset: int) -> tuple[int, int]:
        return rule.place(offset) if rule is not None else line_and_column(text, offset)

    now = moment_at(request.now)
    schema = {**catalog.schemas(), **schema_files(request.schemas)}
    try:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
            task = progress.add_task("running", total=100)
            result = execute(parse(text), request.data, request.engine, now, schema, lambda done: progress.update(task, completed=done))
    except KqlSyntaxError as error:
        for found in error.errors:
            line, column = place(found.offset)
            errors.print(cell(f"{name}:{line}:{column}: error: {found.told}"))
        return 1
    except UnknownEngine as error:
        raise UsageProblem(f"--engine: {error.message}") from error
    except (BindError, EngineError) as error:
        line, column = place(error.span[0]) if error.span else (0, 0)
        errors.print(cell(f"{name}:{line}:{column}: error: {error.message}" if line else f"error: {error.message}"))
        return 1
    for warning in result.warnings:
        errors.print(cell(f"warning: {warning}"))
    _print(result, request.format)
    return 0


def _rule_at(path: Path) -> Rule | None:
    """The rule in a file that is more than a query; None in a file of KQL, and on standard input.

    Raises:
        UsageProblem: for a file of several rules, or of one that cannot be read.
    """
    if path == STANDARD_INPUT or path.suffix.lower() in KQL:
        return None
    found = rules_at(path)
    rules = [item for item in found if isinstance(item, Rule)]
    if len(rules) > 1:
        raise UsageProblem(f"{path} holds {len(rules)} rules: run takes the query of one")
    if not rules and path.suffix.lower() not in ("", ".txt"):
        first = next(item for item in found if isinstance(item, Unread))
        raise UsageProblem(f"{first.source}:{first.line}:{first.column}: {first.message}")
    return rules[0] if rules else None


def moment_at(text: str | None) -> dt.datetime | None:
    """What --now says. Raises UsageProblem for what is no moment."""
    if text is None:
        return None
    found = datetime_of(text)
    if found is None:
        raise UsageProblem(f"--now takes a moment such as 2026-05-01T12:00:00Z, not '{text}'")
    return found


def schema_files(paths: tuple[Path, ...]) -> dict[str, dict[str, str]]:
    """Column types by table from files of a user's own.

    JSON is ``{"table": {"column": "type"}}``; CSV is what ``T | getschema`` exports, one table a file, named after it.

    Raises:
        UsageProblem: for a file that is neither.
    """
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageProblem(f"{path} cannot be read: {error}") from error
        if path.suffix.lower() == ".csv":
            rows = list(csv.DictReader(io.StringIO(text)))
            if not rows or not {"ColumnName", "ColumnType"} <= rows[0].keys():
                raise UsageProblem(f"{path}: expected the columns ColumnName and ColumnType, as getschema exports them")
            found[path.stem] = {r["ColumnName"]: r["ColumnType"] for r in rows}
            continue
        try:
            data = json.loads(text)
        except ValueError as error:
            raise UsageProblem(f"{path} is no JSON: {error}") from error
        if not isinstance(data, dict) or not all(isinstance(c, dict) for c in data.values()):
            raise UsageProblem(f'{path}: expected {{"table": {{"column": "type"}}}}')
        found.update({str(t): {str(c): str(k) for c, k in columns.items()} for t, columns in data.items()})
    return found


def _shown(value: Any) -> str:
    if isinstance(value, dt.timedelta):
        return timespan_text((value.days * 86_400_000_000 + value.seconds * 1_000_000 + value.microseconds) * 10)
    if isinstance(value, bool):
        return "true" if value else "false"
    return text_of(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.timedelta):
        return _shown(value)
    return value if isinstance(value, str | int | float | bool | list | dict) or value is None else str(value)


def _print(result: Result, form: str) -> None:
    names = [n for n, _ in result.columns]
    if form == "json":
        write_json([dict(zip(names, map(_json_value, row), strict=True)) for row in result.rows])
    elif form == "csv":
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_shown(v) for v in row] for row in result.rows)
        write_text(lines.getvalue())
    else:
        table = Table(highlight=False)
        for name, kind in result.columns:
            table.add_column(
                cell(f"{line(name)}\n{kind}"), overflow="fold", justify="right" if kind in ("int", "long", "real", "decimal") else "left"
            )
        for row in result.rows:
            table.add_row(*(cell(_shown(v)) for v in row))
        console_of_tables().print(table)
