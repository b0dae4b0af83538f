"""``kql2sigma verify``: whether translations do what they claim, tried on events."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from translator.cache import key_of
from translator.commands.common import Progressing, UsageProblem, print_unread
from translator.commands.convert import options_of_site
from translator.commands.proved import OnData, Proved, Written
from translator.commands.proving import Proofs, claiming, judged
from translator.commands.resuming import Kept
from translator.commands.run import moment_at
from translator.commands.summary import print_failure
from translator.commands.writing import require_writable, write_files
from translator.engine import EngineError
from translator.fidelity import Verdict
from translator.kql.errors import KqlSyntaxError
from translator.pack import (
    RULE_PROCESSOR,
    RULE_SECONDS,
    Effort,
    Failure,
    convert_pack,
    converted,
    rules_of,
    slugs_of,
    stopped,
)
from translator.pipeline import Conversion
from translator.plan.binder.problems import BindError
from translator.report import report
from translator.report.html import page
from translator.rulepack.model import Rule, RuleFileError, Unread
from translator.rulepack.sources import read_text
from translator.targets.base import Options, Output
from translator.verify.data import SAMPLE, Real
from translator.verify.given import given
from translator.verify.kit import BrokenKit, Kit, Replay, digest_of_files, files_of, kit_files, read_kit, rule_folders
from translator.verify.numbered import NoEvents
from translator.verify.proof import Outcome, Proof, Trial, proofs_of, trial_of, unbound
from translator.verify.stage import NOW
from translator.workers import Done

CONTRADICTED, NOT_EXECUTABLE = 1, 3


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """The arguments of ``kql2sigma verify``."""

    paths: tuple[Path, ...]
    targets: tuple[str, ...]
    text: Path | None
    fields: str
    mappings: tuple[Path, ...]
    seed: int
    jobs: int
    format: str
    rule_timeout: float | None = None
    resume: Path | None = None
    save: Path | None = None
    replay: Path | None = None
    data: Path | None = None
    now: str | None = None
    sample: str = ""
    beside: bool = False
    excluded: tuple[str, ...] = ()
    executor: Executor | None = None
    html: Path | None = None
    homes: tuple[str, ...] = ()
    inventories: tuple[Path, ...] = ()
    splunk_model: str = "none"


@dataclass(frozen=True, slots=True)
class RealData:
    """Where real events are, and how many of them are taken: ``sample`` for each reason, or all."""

    path: Path
    now: dt.datetime | None
    sample: int | None
    beside: bool


@dataclass(frozen=True, slots=True)
class Saved:
    """The files of a rule's folder in a kit."""

    files: Mapping[str, str]


_Step: TypeAlias = "dict[str, Verdict] | Failure | Proof | OnData | Saved | str"
"""What becomes of a rule: what its outputs claim, or why it has none; a proof for each; the data, and the files, or why there are none."""


def verify(request: VerifyRequest) -> int:
    """Tries and prints. The exit status: 0, 1 where a claim is contradicted or a rule cannot be read, 3 where a given text cannot be run.

    Raises:
        UsageProblem: for arguments that do not fit together.
    """
    console, errors = Console(emoji=False, highlight=False), Console(emoji=False, stderr=True, highlight=False)
    if request.text is not None and len(request.targets) != 1:
        raise UsageProblem("--text is for one target: name it by -t")
    if not request.paths and request.replay is None:
        raise UsageProblem("name the rules, or a kit by --replay")
    if request.resume is not None and (request.save, request.replay, request.data) != (None, None, None):
        raise UsageProblem("--resume keeps what was found on events made from the rules: it goes with no --save, --replay or --data")
    if request.html is not None and request.replay is not None:
        raise UsageProblem("--html shows rules as they are: it goes with no --replay, whose rules are those of the kit")
    if request.html is not None:
        require_writable(request.html)
    options = options_of_site(request.fields, request.mappings, request.homes, request.inventories, request.splunk_model)
    try:
        text = read_text(request.text) if request.text is not None else None
    except RuleFileError as problem:
        raise UsageProblem(str(problem)) from problem
    failed: list[Failure | str] = []
    tried: list[Proved | Failure] = []
    counts: Counter[Outcome] = Counter()
    written = Written(request.format, console)
    with Progressing(errors, "proving") as progress:
        for one in (_tried if request.replay is None else _replayed)(request, options, text, progress):
            tried.append(one)
            if isinstance(one, Failure):
                failed.append(one)
                continue
            counts.update(p.outcome for p in one.proofs)
            with progress.aside():
                written.add(one)
            if one.failed:
                failed.append(one.failed)
    written.end(counts)
    if request.html is not None:
        write_files(request.html.parent, {request.html.name: _page(request, options, text, tried, errors)})
    for failure in failed:
        if isinstance(failure, Failure):
            print_failure(failure, errors)
        else:
            errors.print(f"error: {failure}", markup=False, highlight=False, soft_wrap=True)
    if Outcome.CONTRADICTED in counts or failed or not written.rules:
        return CONTRADICTED
    return NOT_EXECUTABLE if text is not None and Outcome.NOT_EXECUTABLE in counts else 0


def _page(request: VerifyRequest, options: Options, text: str | None, tried: Sequence[Proved | Failure], console: Console) -> bytes:
    """What came of each rule as a page, with the texts that were tried."""
    effort = Effort(request.jobs, RULE_SECONDS, RULE_PROCESSOR, executor=request.executor)
    unread, proofs = list[Unread](), Proofs()
    with Progressing(console, "converting") as progress:
        excluded = request.excluded
        entries = convert_pack(request.paths, request.targets, options, effort, progress.at, excluded=excluded, unread=unread.append)
    for number, (entry, one) in enumerate(zip(entries, tried, strict=False)):
        if isinstance(entry.result, Conversion) and isinstance(one, Proved) and entry.result.rule.name == one.name:
            known = {p.target: p for p in one.proofs}
            conversion = replace(entry.result, outputs={**entry.result.outputs, **_tried_of(entry.result, request.targets, text, options)})
            entries[number] = replace(entry, result=judged(conversion, known))
            proofs |= {(entry.slug, t): p for t, p in known.items()}
    return page(entries, report(entries, {}, proofs=proofs, unread=unread), proofs)


def _tried(request: VerifyRequest, options: Options, text: str | None, progress: Progressing) -> Iterator[Proved | Failure]:
    """What came of each rule, in their order; what is known already is not tried again, unless it was stopped."""
    effort, real = Effort.within(request.jobs, request.rule_timeout, executor=request.executor, proving=True), _real(request)
    facts = {"fields": request.fields, "mappings": digest_of_files(request.mappings)} if request.save is not None else None
    unread: list[Unread] = []
    rules = rules_of(request.paths, effort, request.excluded, unread=unread.append)
    with progress.aside():
        print_unread(unread, progress.console)
    if text is not None and len(rules) != 1:
        raise UsageProblem(f"--text is for one rule: {len(rules)} were found")
    asked = (
        replace(request, paths=(), excluded=(), jobs=0, format="", resume=None, rule_timeout=None, text=None, executor=None, html=None),
        options,
        text,
    )
    kept = Kept(request.resume, Proved)
    keys = {n: key_of(replace(rule, source=""), *asked) for n, rule in enumerate(rules) if isinstance(rule, Rule)}
    known = {n: replace(found, source=rules[n].source) for n, key in keys.items() if (found := kept.get(key)) is not None}
    places = [n for n in keys if n not in known]
    slugs, ended = slugs_of(rules), itertools.count(len(rules) - len(places) + 1)

    def keep(number: int, done: Done[_Step]) -> None:
        place = places[number]
        found = _together(rules[place], done)
        if isinstance(found, Proved) and (done.failed or not done.stopped):
            kept.keep(keys[place], found)
        if request.save is not None:
            for saved in (s for s in done.found if isinstance(s, Saved)):
                save_rule(request.save, slugs[place], saved.files)
        progress.at(next(ended), len(rules))

    work = functools.partial(_steps, targets=request.targets, text=text, options=options, seed=request.seed, facts=facts, real=real)
    trying = [rule for n in places if isinstance(rule := rules[n], Rule)]
    tried = effort.carried_out(work, trying, keep)
    for number, rule in enumerate(rules):
        if isinstance(rule, Failure):
            yield rule
        else:
            yield known[number] if number in known else _together(rule, next(tried))


def _together(rule: Rule | Failure, done: Done[_Step]) -> Proved | Failure:
    if not done.found:
        return stopped(rule, done.stopped)
    claims, *steps = done.found
    if isinstance(claims, Failure):
        return claims
    assert isinstance(claims, dict)
    found = {p.target: p for p in steps if isinstance(p, Proof)}
    failed = next((f"{rule.source}: {step}" for step in steps if isinstance(step, str)), "")
    unknown = {} if failed else {t: Proof(t, Outcome.NOT_EXECUTABLE, claim, done.stopped) for t, claim in claims.items()}
    real = next((step for step in steps if isinstance(step, OnData)), None)
    return Proved(rule.source, rule.name, tuple({**unknown, **found}.values()), failed, real)


def _steps(
    rule: Rule, targets: tuple[str, ...], text: str | None, options: Options, seed: int, facts: Mapping[str, str] | None,
    real: RealData | None,
) -> Iterator[_Step]:  # fmt: skip
    conversion = converted(rule, targets, options)
    if isinstance(conversion, Failure):
        yield conversion
        return
    outputs = _tried_of(conversion, targets, text, options)
    yield {t: output.verdict for t, output in outputs.items()}
    try:
        trial = trial_of(conversion, options, seed) if real is None else _on_data(conversion, options, seed, real)
        yield from proofs_of(trial, outputs)
        if isinstance(trial, Real):
            yield OnData(trial.taken, trial.now, tuple(dict.fromkeys(trial.notes)))
        if facts is not None:
            there = trial if isinstance(trial, Trial) else None
            moment = {"seed": seed, "now": f"{(there.now if there is not None else NOW).isoformat()}Z"}
            yield Saved(files_of(there, rule, targets, {**facts, **moment}, trial if isinstance(trial, str) else ""))
    except EngineError as error:
        yield error.message


def _on_data(conversion: Conversion, options: Options, seed: int, real: RealData) -> Trial | str:
    try:
        return Real(conversion, options, real.path, real.now, seed, real.sample, real.beside)
    except NoEvents as error:
        return error.message
    except (KqlSyntaxError, BindError) as error:
        return unbound(error)


def _tried_of(conversion: Conversion, targets: tuple[str, ...], text: str | None, options: Options) -> dict[str, Output]:
    """What is tried of a rule, by target: what was written, or the text in its place."""
    return claiming(conversion) if text is None else {t: given(conversion, t, text, options) for t in targets}


def _real(request: VerifyRequest) -> RealData | None:
    if request.data is None:
        if request.now or request.sample or request.beside:
            raise UsageProblem("--now, --sample and --beside say how the events of --data are taken")
        return None
    if request.sample not in ("", "all") and not (request.sample.isdecimal() and int(request.sample)):
        raise UsageProblem(f"--sample takes a number of events, or all, not '{request.sample}'")
    sample = None if request.sample == "all" else int(request.sample or SAMPLE)
    return RealData(request.data, moment_at(request.now), sample, request.beside)


def _replayed(request: VerifyRequest, options: Options, text: str | None, progress: Progressing) -> Iterator[Proved]:
    """What came of each rule of a kit."""
    folder = request.replay
    assert folder is not None
    if request.paths or request.save is not None or request.data is not None:
        raise UsageProblem("--replay takes the rules and the events of the kit: it goes with no others, and is not saved")
    effort = Effort.within(request.jobs, request.rule_timeout, executor=request.executor, proving=True)
    try:
        folders = rule_folders(folder)
        facts = {"fields": request.fields, "mappings": digest_of_files(request.mappings)}
    except BrokenKit as problem:
        raise UsageProblem(str(problem)) from problem
    if text is not None and len(folders) != 1:
        raise UsageProblem(f"--text is for one rule: {folder} has {len(folders)}; name the folder of one of them")
    work = functools.partial(_again, targets=request.targets, text=text, options=options, facts=facts)
    ended = itertools.count(1)
    tried = effort.carried_out(work, folders, lambda number, done: progress.at(next(ended), len(folders)))
    for one, done in zip(folders, tried, strict=True):
        yield done.found[0] if done.found else Proved(str(one), one.name, (), f"{one}: {done.stopped}")


def _again(folder: Path, targets: tuple[str, ...], text: str | None, options: Options, facts: Mapping[str, str]) -> Iterator[Proved]:
    """The proofs of a rule of a kit, on the events that were saved; ``targets`` are those that were tried then, where there are none.

    Args:
        facts: what the command was told of fields and mappings, which has to be what the kit was told.
    """
    try:
        kit = read_kit(folder)
        rule = kit.rule
        if facts["mappings"] != kit.data["mappings"]:
            raise kit.broken("it was saved with other mappings: name those by --mapping")
        if facts["fields"] not in ("target", kit.data["fields"]):
            raise kit.broken(f"it was saved with --fields {kit.data['fields']}")
        options, targets = replace(options, fields=kit.data["fields"]), targets or kit.targets
        conversion = converted(rule, targets, options)
        if isinstance(conversion, Failure):
            why = f"the rule cannot be converted: {conversion.message}"
            proofs = [Proof(t, Outcome.NOT_EXECUTABLE, Verdict.EXACT, why) for t in targets]
        else:
            proofs = list(proofs_of(_replay(kit, conversion, options), _tried_of(conversion, targets, text, options)))
        yield Proved(rule.source, rule.name, tuple(proofs))
    except BrokenKit as problem:
        yield Proved(str(folder), folder.name, (), str(problem))


def _replay(kit: Kit, conversion: Conversion, options: Options) -> Replay | str:
    try:
        return Replay(kit, conversion, options)
    except (KqlSyntaxError, BindError) as error:
        return unbound(error)


def save_rule(folder: Path, name: str, files: Mapping[str, str]) -> None:
    """Writes the folder of a rule into a kit, and takes away what an earlier save has written there.

    Raises:
        UsageProblem: where it cannot be written.
    """
    earlier = kit_files(folder / name)
    write_files(folder, {f"{name}/{path}": text for path, text in files.items()})
    try:
        for old in sorted(earlier - files.keys()):
            (folder / name / old).unlink(missing_ok=True)
    except OSError as error:
        raise UsageProblem(f"{error.filename} cannot be taken away: {error.strerror}") from error
