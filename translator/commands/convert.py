"""``kql2sigma convert``: runs a pack, writes its files, prints what came out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from translator.commands.common import UsageProblem
from translator.fidelity import Verdict
from translator.pack import Entry, Failure, convert_pack, output_paths
from translator.package import package_files
from translator.pipeline import Conversion, target_of
from translator.report import report
from translator.rulepack import seconds
from translator.targets.base import Options


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """The arguments of ``kql2sigma convert``."""

    paths: tuple[Path, ...]
    targets: tuple[str, ...]
    output: Path | None
    jobs: int
    fail_on: str
    format: str
    fields: str
    mappings: tuple[Path, ...]
    timespan: str
    dialect: str = "duckdb"
    prefer: str = "exact"
    pipelines: tuple[str, ...] = ()


def run_convert(request: ConvertRequest) -> int:
    """Converts, writes and prints. The exit status: 0 where every rule reached ``fail_on``, else 1.

    Raises:
        UsageProblem: for a time span or a mapping that cannot be read, or a folder that cannot be written.
    """
    window = seconds(request.timespan)
    if not window:
        raise UsageProblem(f"--timespan takes a length of time such as 1d or 4h, not '{request.timespan}'")
    options = Options(request.fields, window, _mapping(request.mappings), request.dialect, request.prefer, request.pipelines)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("converting", total=None)
        entries = convert_pack(
            request.paths, request.targets, options, request.jobs,
            lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    paths: dict[tuple[str, str], list[str]] = {}
    files: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry.result, Conversion):
            for name, output in entry.result.outputs.items():
                if output.filters:
                    files[f"sigma/filters/{entry.slug}.yml"] = output.filters
                if output.texts:
                    found = output_paths(entry, name.replace(":", "-"), target_of(name).extension, len(output.texts))
                    paths[entry.slug, name] = found
                    files.update({p: t.rstrip("\n") + "\n" for p, t in zip(found, output.texts, strict=True)})
    files.update(package_files(entries))
    content = report(entries, paths)
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if request.output is not None:
        _write(request.output, {**files, "report.json": text})
    if request.format == "json":
        sys.stdout.write(text)
    elif request.output is None:
        _print_outputs(entries)
    else:
        _print_summary(entries, content, request.output)
    _print_failures(entries, console)
    return _status(entries, Verdict(request.fail_on))


def _mapping(paths: tuple[Path, ...]) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    merged: dict[str, dict[str, dict[str, str]]] = {}
    for path in paths:
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageProblem(f"{path} cannot be read as YAML: {error}") from error
        if not isinstance(data, dict) or not all(
            isinstance(t, dict) and all(isinstance(c, dict) for c in t.values()) for t in data.values()
        ):
            raise UsageProblem(
                f"{path}: expected target, table and column above each name, as in {{splunk: {{SigninLogs: {{IPAddress: src}}}}}}"
            )
        for target, tables in data.items():
            for table, columns in tables.items():
                merged.setdefault(target, {}).setdefault(table, {}).update({str(k): str(v) for k, v in columns.items()})
    return merged


def _write(folder: Path, files: Mapping[str, str]) -> None:
    root = folder.resolve()
    try:
        for name, text in files.items():
            path = (root / name).resolve()
            if not path.is_relative_to(root):
                raise UsageProblem(f"refusing to write {path} outside {root}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageProblem(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def _print_outputs(entries: list[Entry]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for entry in entries:
        if isinstance(entry.result, Conversion):
            for name, output in entry.result.outputs.items():
                console.rule(f"{entry.result.rule.name}: {name}, {output.verdict.value}", align="left")
                for text in output.texts:
                    console.print(text.rstrip("\n"), markup=False)
                for diagnostic in output.diagnostics:
                    line, column = entry.result.rule.place(diagnostic.span[0] if diagnostic.span else 0)
                    console.print(f"  {line}:{column} {diagnostic.direction.value}: {diagnostic.message}", markup=False, style="dim")


def _print_summary(entries: list[Entry], content: Mapping[str, Any], folder: Path) -> None:
    console = Console()
    table = Table(title=f"{content['summary']['rules']} rules, {content['summary']['failed']} failed")
    table.add_column("rule", overflow="fold")
    names = list(dict.fromkeys(t for e in entries if isinstance(e.result, Conversion) for t in e.result.outputs))
    for name in names:
        table.add_column(name)
    for entry in entries:
        if isinstance(entry.result, Conversion):
            table.add_row(entry.result.rule.name, *(_coloured(entry.result.outputs[n].verdict) for n in names))
        else:
            table.add_row(entry.result.name, *("[red]failed[/red]" for _ in names))
    console.print(table)
    console.print(f"written to {folder}", markup=False, highlight=False)


def _coloured(verdict: Verdict) -> str:
    colour = {0: "green", 1: "green", 2: "yellow", 3: "yellow", 4: "red"}[verdict.rank]
    return f"[{colour}]{verdict.value}[/{colour}]"


def _print_failures(entries: list[Entry], console: Console) -> None:
    for entry in entries:
        if isinstance(entry.result, Failure):
            f = entry.result
            console.print(f"{f.source}:{f.line}:{f.column}: error: {f.message}", markup=False, highlight=False, soft_wrap=True)


def _status(entries: list[Entry], threshold: Verdict) -> int:
    for entry in entries:
        if isinstance(entry.result, Failure):
            return 1
        if any(o.verdict.rank >= threshold.rank for o in entry.result.outputs.values()):
            return 1
    return 0 if entries else 1
