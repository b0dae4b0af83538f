"""``kql2sigma convert``: runs a pack, writes its files, prints what came out."""

from __future__ import annotations

import functools
import signal
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from translator import catalog
from translator.cache import Made
from translator.catalog import site_files
from translator.catalog.site import Site
from translator.catalog.site_files import SiteFileError
from translator.commands.common import Progressing, UsageProblem, json_text, line, print_unread, write_json
from translator.commands.journal import Journal
from translator.commands.stopping import Stopping
from translator.commands.summary import print_failing, print_outputs, print_problems, print_summary
from translator.commands.unchanged import Earlier, Unchanged
from translator.commands.writing import REPORT, CannotWrite, OutputFolder, read_report
from translator.kql.errors import suggestion
from translator.pack import (
    INTERRUPTED,
    Effort,
    Entry,
    Failure,
    cache_for,
    convert_pack,
    made_before,
    output_files,
    stopped,
)
from translator.package import packaged, prepared
from translator.package.options import DEFAULT, PackageOptions
from translator.pipeline import Conversion
from translator.report import report
from translator.report.navigator import layers
from translator.report.sarif import of_report
from translator.report.spreadsheet import spreadsheet
from translator.rulepack import Unread, seconds
from translator.targets.base import Options

if TYPE_CHECKING:
    from translator.commands.proving import Proofs


_DIALECT = "duckdb"
"""The dialect of SQL where none is asked for."""


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """The arguments of ``kql2sigma convert``."""

    paths: tuple[Path, ...]
    targets: tuple[str, ...]
    output: Path | None
    jobs: int
    fail_on: str | None
    format: str
    fields: str
    mappings: tuple[Path, ...]
    timespan: str
    dialect: str = _DIALECT
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
    rule_timeout: float | None = None
    verify: bool = False
    quiet: bool = False
    check: bool = False
    prune: bool = False
    resume: bool = False
    excluded: tuple[str, ...] = ()
    cache: bool = True
    html: bool = True
    executor: Executor | None = None


def run_convert(request: ConvertRequest) -> int:
    """Converts, writes and prints.

    The exit status: 0 where every rule was read, no output is as bad as ``fail_on``, no proof contradicts its verdict and all could be
    written, or is as it would be written; 128 and the number of a signal that ended it; else 1. What no target has words for is a result
    like others, unless ``fail_on`` asks for it.

    Raises:
        UsageProblem: for a time span, a home, a mapping or an inventory that cannot be read, or a folder that cannot be written.
    """
    options = _options(request)
    of_packages = package_options(request)
    if request.output is None and (request.check or request.prune or request.resume):
        raise UsageProblem("--check, --prune and --resume are about the files of an output folder: name it by -o")
    if request.output is None and (request.packages != DEFAULT or request.enable or request.ingest_delay):
        raise UsageProblem("--package, --enable and --ingest-delay are about packages, which are files: name their folder by -o")
    if request.dialect != _DIALECT and "sql" not in request.targets:
        raise UsageProblem("--dialect is for SQL: ask for it by -t sql")
    console = Console(emoji=False, stderr=True)
    folder = OutputFolder(request.output, request.check) if request.output is not None else None
    unchanged = None
    if folder is not None:
        base = cache_for(request.targets) if request.cache and not request.verify else None
        unchanged = Unchanged(base, folder, request.paths, request.excluded, (request.targets, options, of_packages, request.html))
        if (earlier := unchanged.earlier()) is not None:
            return _as_before(request, folder, unchanged, earlier, console)
        of_packages = replace(of_packages, previous=folder.previous)
    with Stopping() as stopping, folder or nullcontext():
        run = _Run(request, options, of_packages, console, folder, stopping)
        status = run.carried_out()
        if unchanged is not None and run.is_whole:
            unchanged.keep(run.content, run.printed)
    return stopping.status if stopping.signal else status


def _as_before(request: ConvertRequest, folder: OutputFolder, unchanged: Unchanged, earlier: Earlier, console: Console) -> int:
    """Says what a run said whose files are all there as they would be written."""
    if not folder.checks:
        folder.tidy(earlier.files)
        Journal(folder.root, ()).end()
    if request.format != "text":
        _print_report(request.format, read_report(folder.root))
    elif not request.quiet and (printed := print_summary(earlier.content, folder, earlier.printed)) != earlier.printed:
        unchanged.kept(replace(earlier, printed=printed))
    print_problems(earlier.content, console, request.quiet)
    return print_failing(earlier.content, request.fail_on, console)


def _print_report(form: str, content: dict[str, Any]) -> None:
    write_json(content if form == "json" else of_report(content))


class _Run:
    """One run of the command: rules are written as they come, then what is made of all of them."""

    def __init__(
        self, request: ConvertRequest, options: Options, of_packages: PackageOptions, console: Console, folder: OutputFolder | None,
        stopping: Stopping,
    ) -> None:  # fmt: skip
        self.request, self.options, self.of_packages, self.console = request, options, of_packages, console
        self.folder, self.stopping = folder, stopping
        self.paths: dict[tuple[str, str], list[str]] = {}
        self.entries: list[Entry] = []
        self.made = made_before(request.targets, options, of_packages.kinds) if request.cache else Made(None)
        self.journal = None
        if folder is not None and not folder.checks:
            self.journal = Journal(folder.root, (request.targets, options, of_packages.kinds))
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.unread: list[Unread] = []
        self.cut = 0
        self.content: dict[str, Any] = {}
        self.printed: Mapping[str, str] = {}

    @property
    def is_whole(self) -> bool:
        """Whether another run of the same would come to the same."""
        folder, gone = self.folder, self.stopping.signal or self.cut or self.problems
        return folder is not None and not (folder.checks or folder.lost or gone or self.content.get("stale"))

    def carried_out(self) -> int:
        request = self.request
        proofs: Proofs = {}
        entries = self.converted()
        if request.verify:
            from translator.commands.proving import with_proofs

            entries, proofs = with_proofs(entries, self.options, self.effort(proving=True), self.console, request.quiet)
        packages = packaged(entries, self.options, self.of_packages)
        for path, made in packages.files.items():
            self.put(path, made)
        self.problems += [f"{slug} is in no package: {why}" for slug, why in packages.failed.items()]
        entries = packages.with_remarks(entries)
        content = report(entries, self.paths, packages.alerts, packages.kibana, proofs, self.unread)
        if self.stopping.signal:
            name = signal.Signals(self.stopping.signal).name
            left = sum(isinstance(e.result, Failure) and e.result.message == INTERRUPTED for e in entries)
            content["stopped"] = f"{name}: {left} of {len(entries)} were not converted"
        if self.journal is not None and not self.stopping.signal:
            self.journal.end()
        elif self.journal is not None and self.made.base is None:
            self.journal.flush()
        if self.folder is not None:
            self.put("report.csv", spreadsheet(content))
            for target, layer in layers(content).items():
                self.put(f"attack/{target.replace(':', '-')}.json", json_text(layer))
            if request.html:
                from translator.report.html import PAGE, page

                self.put(PAGE, page(entries, content, proofs))
            content = self.finished(self.folder, content)
        self.content = content
        if request.format != "text":
            _print_report(request.format, content)
        elif self.folder is None:
            print_outputs(entries, proofs)
        elif not request.quiet:
            self.printed = print_summary(content, self.folder)
        print_problems(content, self.console, request.quiet)
        for problem in self.problems:
            self.console.print(f"error: {line(problem)}", markup=False, highlight=False, soft_wrap=True)
        failing = print_failing(content, request.fail_on, self.console)
        contradicted = any(p.outcome.value == "contradicted" for p in proofs.values())
        return int(bool(contradicted or self.problems or failing))

    def effort(self, proving: bool = False) -> Effort:
        """How the pack is converted, or tried."""
        request = self.request
        return Effort.within(request.jobs, request.rule_timeout, self.stopping.tick, request.executor, self._cut, proving)

    def _cut(self) -> None:
        self.cut += 1

    def converted(self) -> list[Entry]:
        """Every rule of the pack, written."""
        request, prepare = self.request, functools.partial(prepared, convert=self.options, kinds=self.of_packages.kinds)
        with Progressing(self.console, "converting", request.quiet) as progress:
            entries = convert_pack(
                request.paths, request.targets, self.options, self.effort(),
                lambda done, total: progress.at(done, total, self.counted()), prepare, self.came,
                self.folder.owned(request.paths) if self.folder is not None else lambda path: False,
                self.journal.earlier() if self.journal is not None and request.resume else lambda rule: None,
                self.made, request.excluded, self.unread.append,
            )  # fmt: skip
        self.made.close()
        if self.made.corrupt:
            self.tell([f"{self.made.corrupt} of the rules that the cache has cannot be read from it, and were converted again"])
        return entries

    def counted(self) -> str:
        return ", ".join(f"{n} {what}" for what, n in self.counts.most_common())

    def came(self, entry: Entry) -> Entry:
        """Writes the files of a rule. What stands for it: its outline, itself where it is to be tried, or why they could not be written."""
        if isinstance(entry.result, Conversion):
            try:
                for target, name, content in output_files(entry):
                    if target:
                        self.paths.setdefault((entry.slug, target), []).append(name)
                    if self.folder is not None:
                        self.folder.put(name, content)
            except CannotWrite as problem:
                entry = Entry(entry.slug, stopped(entry.result.rule, str(problem)))
        if isinstance(entry.result, Conversion):
            for output in entry.result.outputs.values():
                self.counts.update([output.verdict.value, *([output.readiness.value] if output.readiness is not None else [])])
        else:
            self.counts["failed"] += 1
        kept = entry if self.request.verify else entry.outline()
        self.entries.append(kept)
        if self.folder is not None:
            self.folder.go_on(lambda: report(self.entries, self.paths))
        if self.journal is not None and self.made.base is None:  # else the cache has it
            self.journal.keep(entry)
        return kept

    def put(self, name: str, content: str | bytes) -> None:
        """Writes a file of a package, or keeps why it cannot be."""
        try:
            if self.folder is not None:
                self.folder.put(name, content)
        except CannotWrite as problem:
            self.problems.append(str(problem))

    def finished(self, folder: OutputFolder, content: dict[str, Any]) -> dict[str, Any]:
        """Prunes, writes the report and compares, as far as it was asked for."""
        content = {**content, "rules": folder.with_kept(content["rules"])}
        if self.request.prune and not folder.checks and not self.stopping.signal:
            removed, stays = folder.prune(folder.of_failed(content["rules"]))
            self.tell(f"removed {name}" for name in removed)
            self.problems += [
                f"{folder.root / name} is of a rule that is gone, and has changed since or cannot be removed" for name in stays
            ]
        stale = folder.stale()
        content = {**content, "files": dict(sorted(folder.digests.items())), **({"stale": stale} if stale else {})}
        try:
            folder.finish(content)
        except CannotWrite as problem:
            self.problems.append(str(problem))
        if folder.checks:
            differing = {**folder.differing, **dict.fromkeys(stale, "is of an earlier run")}
            self.problems += [f"{folder.root / name} {why}" for name, why in sorted(differing.items())]
        elif stale and not self.request.prune:
            files = f"{len(stale)} files of earlier runs are" if len(stale) > 1 else "a file of an earlier run is"
            self.tell([f"{files} still there: --prune removes what nobody has changed"])
        if REPORT in folder.lost and not folder.checks:
            self.problems.append(f"{folder.root / REPORT} has no place for all that is to be said: it is short")
        return content

    def tell(self, lines: Iterable[str]) -> None:
        for text in lines if not self.request.quiet else ():
            self.console.print(line(text), markup=False, highlight=False, soft_wrap=True)


def _options(request: ConvertRequest) -> Options:
    window = seconds(request.timespan)
    if not window:
        raise UsageProblem(f"--timespan takes a length of time such as 1d or 4h, not '{request.timespan}'")
    _check_backends(request)
    if request.date and not _is_date(request.date):
        raise UsageProblem(f"--date takes a date such as 2026-01-31, not '{request.date}'")
    site = options_of_site(request.fields, request.mappings, request.homes, request.inventories, request.splunk_model)
    return replace(
        site, timespan=window, dialect=request.dialect, prefer=request.prefer, pipelines=request.pipelines, author=request.author,
        date=request.date,
    )  # fmt: skip


def _check_backends(request: ConvertRequest) -> None:
    """Raises UsageProblem for a backend of pySigma or a pipeline that is not there."""
    backends = [t.removeprefix("pysigma:") for t in request.targets if t.startswith("pysigma:")]
    if request.pipelines and not backends:
        raise UsageProblem("--pipeline is for a backend of pySigma: name one by -t pysigma:NAME")
    for backend in backends:
        from translator.sigma.backends import unusable

        if why := unusable(backend, request.pipelines):
            raise UsageProblem(f"-t pysigma:{backend}: {why}")


def package_options(request: ConvertRequest) -> PackageOptions:
    """What the packages are to be. Raises UsageProblem for a delay or a date that is none."""
    delay = seconds(request.ingest_delay) if request.ingest_delay else 0
    if delay is None:
        raise UsageProblem(f"--ingest-delay takes a length of time such as 5m or 1h, not '{request.ingest_delay}'")
    return PackageOptions(request.packages, request.enable, delay, request.author, request.date)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def options_of_site(
    fields: str, mappings: tuple[Path, ...], homes: tuple[str, ...], inventories: tuple[Path, ...], splunk_model: str
) -> Options:
    """What says where a site has its logs. Raises UsageProblem for a home that is none, or a file that cannot be used."""
    for home in homes:
        table, _, name = home.rpartition(":")
        if name not in catalog.home_names() or (table and catalog.table(table) is None):
            close = suggestion(name, catalog.home_names()) or "; kql2sigma tables lists them"
            raise UsageProblem(f"--home: '{home}' is no home of the catalog{close}")
    return Options(fields=fields, homes=homes, site=site_of(mappings, inventories), splunk_model=splunk_model)


def site_of(mappings: tuple[Path, ...], inventories: tuple[Path, ...]) -> Site:
    """What a site says of its logs. Raises UsageProblem for a file that cannot be used."""
    try:
        return Site(site_files.mappings(mappings), site_files.inventories(inventories))
    except SiteFileError as error:
        raise UsageProblem(str(error)) from error


def converted(
    console: Console, paths: tuple[Path, ...], targets: tuple[str, ...], options: Options, effort: Effort, excluded: tuple[str, ...]
) -> list[Entry]:
    """A pack converted but for what patterns have ``excluded``, with a bar on a terminal; what is no rule is said."""
    unread: list[Unread] = []
    with Progressing(console, "converting") as progress:
        entries = convert_pack(paths, targets, options, effort, progress.at, excluded=excluded, unread=unread.append)
    print_unread(unread, console)
    return entries
