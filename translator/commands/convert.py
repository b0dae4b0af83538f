"""``kql2sigma convert``: runs a pack, writes its files, prints what came out."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from translator import catalog
from translator.catalog import site_files
from translator.catalog.site import Site
from translator.catalog.site_files import SiteFileError
from translator.commands.common import Progressing, UsageProblem
from translator.commands.proving import Proofs, with_proofs
from translator.fidelity import Verdict
from translator.kql.errors import suggestion
from translator.pack import RULE_SECONDS, Effort, Entry, Failure, convert_pack, output_paths
from translator.package import packaged
from translator.package.options import DEFAULT, PackageOptions
from translator.pipeline import Conversion, target_of
from translator.report import report
from translator.rulepack import seconds
from translator.targets.base import Options, Output, Readiness
from translator.verify.proof import Outcome, Proof


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
    homes: tuple[str, ...] = ()
    inventories: tuple[Path, ...] = ()
    splunk_model: str = "none"
    packages: tuple[str, ...] = DEFAULT
    enable: bool = False
    ingest_delay: str = ""
    author: str = ""
    date: str = ""
    rule_timeout: float = RULE_SECONDS
    verify: bool = False


def run_convert(request: ConvertRequest) -> int:
    """Converts, writes and prints. The exit status: 0 where every rule reached ``fail_on`` and no proof contradicts its verdict, else 1.

    Raises:
        UsageProblem: for a time span, a home, a mapping or an inventory that cannot be read, or a folder that cannot be written.
    """
    window = seconds(request.timespan)
    if not window:
        raise UsageProblem(f"--timespan takes a length of time such as 1d or 4h, not '{request.timespan}'")
    for home in request.homes:
        if home not in catalog.home_names():
            raise UsageProblem(f"--home: '{home}' is no home of the catalog{suggestion(home, catalog.home_names())}")
    if request.date and not _is_date(request.date):
        raise UsageProblem(f"--date takes a date such as 2026-01-31, not '{request.date}'")
    options = Options(
        request.fields, window, {}, request.dialect, request.prefer, request.pipelines, request.homes,
        site_of(request.mappings, request.inventories), request.splunk_model, request.author, request.date,
    )  # fmt: skip
    console = Console(emoji=False, stderr=True)
    effort = Effort(request.jobs, request.rule_timeout)
    entries = converted(console, request.paths, request.targets, options, effort)
    proofs: Proofs = {}
    if request.verify:
        entries, proofs = with_proofs(entries, options, effort, console)
    paths: dict[tuple[str, str], list[str]] = {}
    files: dict[str, str | bytes] = {}
    for entry in entries:
        if isinstance(entry.result, Conversion):
            for name, output in entry.result.outputs.items():
                if output.filters:
                    files[f"sigma/filters/{entry.slug}.yml"] = output.filters
                if output.texts:
                    found = output_paths(entry, name.replace(":", "-"), target_of(name).extension, len(output.texts))
                    paths[entry.slug, name] = found
                    files.update({p: t.rstrip("\n") + "\n" for p, t in zip(found, output.texts, strict=True)})
    packages = packaged(entries, options, package_options(request))
    files.update(packages.files)
    entries = packages.told(entries)
    content = report(entries, paths, packages.alerts, packages.kibana, proofs)
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if request.output is not None:
        write_files(request.output, {**files, "report.json": text})
    if request.format == "json":
        sys.stdout.write(text)
    elif request.output is None:
        _print_outputs(entries, proofs)
    else:
        _print_summary(entries, content, request.output, proofs)
    print_failures(entries, console)
    contradicted = any(p.outcome is Outcome.CONTRADICTED for p in proofs.values())
    return 1 if contradicted else _status(entries, Verdict(request.fail_on))


def package_options(request: ConvertRequest) -> PackageOptions:
    """What the packages are to be. Raises UsageProblem for a delay or a date that is none."""
    delay = seconds(request.ingest_delay) if request.ingest_delay else 0
    if delay is None:
        raise UsageProblem(f"--ingest-delay takes a length of time such as 5m or 1h, not '{request.ingest_delay}'")
    folder = request.output

    def previous(path: str) -> str | None:
        try:
            return (folder / path).read_text(encoding="utf-8") if folder is not None else None
        except (OSError, UnicodeDecodeError):
            return None

    return PackageOptions(request.packages, request.enable, delay, request.author, request.date, previous)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def site_of(mappings: tuple[Path, ...], inventories: tuple[Path, ...]) -> Site:
    """What a site says of its logs. Raises UsageProblem for a file that cannot be used."""
    try:
        return Site(site_files.mappings(mappings), site_files.inventories(inventories))
    except SiteFileError as error:
        raise UsageProblem(str(error)) from error


def converted(console: Console, paths: tuple[Path, ...], targets: tuple[str, ...], options: Options, effort: Effort) -> list[Entry]:
    """A pack converted, with a bar on a terminal."""
    with Progressing(console, "converting") as progress:
        return convert_pack(paths, targets, options, effort, progress.at)


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Writes files below a folder, each as a whole or not at all. Raises UsageProblem for one that cannot be written."""
    root = folder.resolve()
    try:
        paths = {name: (root / name).resolve() for name in files}
        for path in paths.values():
            if not path.is_relative_to(root):
                raise UsageProblem(f"refusing to write {path} outside {root}")
        for name, content in files.items():
            path = paths[name]
            if name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".kql2sigma-", delete=False) as file:
                file.write(content if isinstance(content, bytes) else content.encode())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
    except OSError as error:
        raise UsageProblem(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def _print_outputs(entries: list[Entry], proofs: Proofs) -> None:
    console = Console(emoji=False, highlight=False, soft_wrap=True)
    for entry in entries:
        if isinstance(entry.result, Conversion):
            for name, output in entry.result.outputs.items():
                console.rule(f"{entry.result.rule.name}: {name}, {', '.join(_said(output, proofs.get((entry.slug, name))))}", align="left")
                for text in output.texts:
                    console.print(text.rstrip("\n"), markup=False)
                for lacking in _lacking(output):
                    console.print(f"  {lacking}", markup=False, style="dim")
                for diagnostic in output.diagnostics:
                    line, column = entry.result.rule.place(diagnostic.span[0] if diagnostic.span else 0)
                    console.print(f"  {line}:{column} {diagnostic.direction.value}: {diagnostic.message}", markup=False, style="dim")


def _print_summary(entries: list[Entry], content: Mapping[str, Any], folder: Path, proofs: Proofs) -> None:
    console = Console(emoji=False)
    table = Table(title=f"{content['summary']['rules']} rules, {content['summary']['failed']} failed")
    table.add_column("rule", overflow="fold")
    names = list(dict.fromkeys(t for e in entries if isinstance(e.result, Conversion) for t in e.result.outputs))
    for name in names:
        table.add_column(name)
    for entry in entries:
        if isinstance(entry.result, Conversion):
            table.add_row(entry.result.rule.name, *(_coloured(entry.result.outputs[n], proofs.get((entry.slug, n))) for n in names))
        else:
            table.add_row(entry.result.name, *("[red]failed[/red]" for _ in names))
    console.print(table)
    for target in names:
        outcomes = Counter(p.outcome for (_, t), p in proofs.items() if t == target)
        if outcomes:
            console.print(f"{target}: " + ", ".join(f"{outcomes[o]} {o.value}" for o in Outcome if outcomes[o]), highlight=False)
    for target, counts in content["summary"]["readiness"].items():
        console.print(f"{target}: " + ", ".join(f"{n} {readiness}" for readiness, n in counts.items()), highlight=False)
    console.print(f"written to {folder}", markup=False, highlight=False)


def _said(output: Output, proof: Proof | None) -> list[str]:
    """Verdict, readiness and what came of trying it."""
    readiness = [output.readiness.value] if output.readiness is not None else []
    return [output.verdict.value, *readiness, *([proof.outcome.value] if proof is not None else [])]


def _lacking(output: Output) -> list[str]:
    """What stands in the way of an output that names what its product is not known to have."""
    if output.readiness != Readiness.NAMES or output.deployment is None:
        return []
    homeless = [f"{r.table} has no home that is known" for r in output.deployment.reads if not r.home]
    return homeless + [f"no field is known for {', '.join(names)} of {table}" for table, names in output.deployment.missing]


def _coloured(output: Output, proof: Proof | None) -> str:
    colour = {0: "green", 1: "green", 2: "yellow", 3: "yellow", 4: "red"}[output.verdict.rank]
    verdict, *others = _said(output, proof)
    shades = {"ready": "green", "set-up": "yellow", "names": "red", "proven": "green", "not executable": "yellow", "contradicted": "red"}
    return "\n".join([f"[{colour}]{verdict}[/{colour}]", *(f"[{shades[o]}]{o}[/{shades[o]}]" for o in others)])


def print_failures(entries: list[Entry], console: Console) -> int:
    """Prints what could not be read or converted. The exit status: 1 where there was any, or no rule at all."""
    for entry in entries:
        if isinstance(entry.result, Failure):
            print_failure(entry.result, console)
    return int(not entries or any(isinstance(entry.result, Failure) for entry in entries))


def print_failure(f: Failure, console: Console) -> None:
    console.print(f"{f.source}:{f.line}:{f.column}: error: {f.message}", markup=False, highlight=False, soft_wrap=True)


def _status(entries: list[Entry], threshold: Verdict) -> int:
    for entry in entries:
        if isinstance(entry.result, Failure):
            return 1
        if any(o.verdict.rank >= threshold.rank for o in entry.result.outputs.values()):
            return 1
    return 0 if entries else 1
