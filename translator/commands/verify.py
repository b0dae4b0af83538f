"""``kql2sigma verify``: whether translations do what they claim, tried on events."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from translator.commands.common import UsageProblem
from translator.commands.convert import converted, print_failures, site_of, write_files
from translator.commands.run import moment_at
from translator.engine import EngineError
from translator.fidelity import Verdict
from translator.kql.errors import KqlSyntaxError
from translator.pack import Entry
from translator.pipeline import Conversion, convert
from translator.plan.binder import BindError
from translator.rulepack.model import RuleFileError, read_text
from translator.targets.base import Options, Output
from translator.verify.data import SAMPLE, NoEvents, Real, Taken
from translator.verify.kit import BrokenKit, Replay, digest_of_files, files_of, kit_files, read_kit, rule_folders
from translator.verify.proof import CLAIMS, Outcome, Proof, Trial, given
from translator.verify.reading import Row
from translator.verify.stage import NOW

_SHOWN = 12
"""How many events and values of a counterexample the screen has."""

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
    save: Path | None = None
    replay: Path | None = None
    data: Path | None = None
    now: str | None = None
    sample: str = ""
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Proved:
    """The proofs of one rule, by target.

    Attributes:
        files: those of its folder in a kit.
        failed: why it has none, or why there are no proofs.
        real: what of the data it was tried on.
    """

    source: str
    name: str
    proofs: tuple[Proof, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    failed: str = ""
    real: OnData | None = None


@dataclass(frozen=True, slots=True)
class OnData:
    """What of real data a rule was tried on, when it was run, and what is to be said of them."""

    taken: tuple[Taken, ...]
    now: dt.datetime
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RealData:
    """Where real events are, and how many of them are taken: ``sample`` for each reason, or all."""

    path: Path
    now: dt.datetime | None
    sample: int | None
    beside: bool


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
    options = Options(fields=request.fields, site=site_of(request.mappings, ()))
    try:
        text = read_text(request.text) if request.text is not None else None
    except RuleFileError as problem:
        raise UsageProblem(str(problem)) from problem
    if request.replay is not None:
        return _replay(request, request.replay, text, options, console, errors)
    real = _real(request)
    entries = converted(errors, request.paths, request.targets, options, request.jobs)
    if text is not None and len(entries) != 1:
        raise UsageProblem(f"--text is for one rule: {len(entries)} were found")
    facts = {"fields": request.fields, "mappings": digest_of_files(request.mappings)} if request.save is not None else None
    work = functools.partial(_proved, targets=request.targets, text=text, options=options, seed=request.seed, facts=facts, real=real)
    readable = [e for e in entries if isinstance(e.result, Conversion)]
    found = []
    for entry, one in zip(readable, _carried_out(work, readable, request.jobs, errors), strict=True):
        if request.save is not None and one.files:
            save_rule(request.save, entry.slug, one.files)
        found.append(replace(one, files={}))
    return _told(request, text, found, print_failures(entries, errors), console, errors)


def _real(request: VerifyRequest) -> RealData | None:
    if request.data is None:
        if request.now or request.sample or request.beside:
            raise UsageProblem("--now, --sample and --beside say how the events of --data are taken")
        return None
    if not request.data.exists():
        raise UsageProblem(f"{request.data} does not exist")
    if request.sample not in ("", "all") and not (request.sample.isdecimal() and int(request.sample)):
        raise UsageProblem(f"--sample takes a number of events, or all, not '{request.sample}'")
    sample = None if request.sample == "all" else int(request.sample or SAMPLE)
    return RealData(request.data, moment_at(request.now), sample, request.beside)


def _replay(
    request: VerifyRequest, folder: Path, text: str | None, options: Options, console: Console, errors: Console
) -> int:  # fmt: skip
    if request.paths or request.save is not None or request.data is not None:
        raise UsageProblem("--replay takes the rules and the events of the kit: it goes with no others, and is not saved")
    try:
        folders = rule_folders(folder)
        facts = {"fields": request.fields, "mappings": digest_of_files(request.mappings)}
    except BrokenKit as problem:
        raise UsageProblem(str(problem)) from problem
    if text is not None and len(folders) != 1:
        raise UsageProblem(f"--text is for one rule: {folder} has {len(folders)}; name the folder of one of them")
    work = functools.partial(replayed, targets=request.targets, text=text, options=options, facts=facts)
    return _told(request, text, list(_carried_out(work, folders, request.jobs, errors)), 0, console, errors)


def _told(request: VerifyRequest, text: str | None, found: list[Proved], failed: int, console: Console, errors: Console) -> int:
    if request.format == "json":
        print(json.dumps([_data(f) for f in found], indent=2, ensure_ascii=False))
    else:
        _print(found, console)
    for one in (f for f in found if f.failed):
        errors.print(f"error: {one.failed}", markup=False, highlight=False, soft_wrap=True)
        failed = 1
    outcomes = {p.outcome for f in found for p in f.proofs}
    if Outcome.CONTRADICTED in outcomes or failed:
        return CONTRADICTED
    return NOT_EXECUTABLE if text is not None and Outcome.NOT_EXECUTABLE in outcomes else 0


def _carried_out(work: Callable[[Any], Proved], entries: Sequence[Entry | Path], jobs: int, errors: Console) -> Iterator[Proved]:
    shown = functools.partial(
        track, description="proving", console=errors, transient=True, total=len(entries), disable=not errors.is_terminal
    )
    if jobs == 1 or len(entries) < 2:
        yield from shown(map(work, entries))
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from shown(pool.map(work, entries, chunksize=4))


def _proved(
    entry: Entry, targets: tuple[str, ...], text: str | None, options: Options, seed: int, facts: Mapping[str, str] | None,
    real: RealData | None,
) -> Proved:  # fmt: skip
    conversion = entry.result
    assert isinstance(conversion, Conversion)
    outputs = claiming(conversion, targets, text)
    trial: Trial | None = None
    why = ""
    try:
        if real is None:
            trial = Trial(conversion, options, seed=seed)
        else:
            trial = Real(conversion, options, real.path, real.now, seed, real.sample, real.beside)
        proofs = [trial.prove(t, output) for t, output in outputs.items()]
    except NoEvents as error:
        why = error.message
        proofs = [Proof(t, Outcome.NOT_EXECUTABLE, output.verdict, why) for t, output in outputs.items()]
    except EngineError as error:
        return Proved(conversion.rule.source, conversion.rule.name, (), failed=f"{conversion.rule.source}: {error.message}")
    except (KqlSyntaxError, BindError) as error:
        why = f"the KQL cannot be bound to the tables: {error}"
        proofs = [Proof(t, Outcome.NOT_EXECUTABLE, output.verdict, why) for t, output in outputs.items()]
    tried = OnData(trial.taken, trial.now, tuple(dict.fromkeys(trial.notes))) if isinstance(trial, Real) else None
    found = Proved(conversion.rule.source, conversion.rule.name, tuple(proofs), real=tried)
    if facts is None:
        return found
    try:
        moment = {"seed": seed, "now": f"{(trial.now if trial is not None else NOW).isoformat()}Z"}
        return replace(found, files=files_of(trial, conversion.rule, targets, {**facts, **moment}, why))
    except EngineError as error:
        return replace(found, failed=f"{conversion.rule.source}: {error.message}")


def claiming(conversion: Conversion, targets: tuple[str, ...], text: str | None) -> dict[str, Output]:
    """What claims something of a rule, by target: what was written, or the text in its place."""
    outputs = {t: conversion.outputs[t] if text is None else given(t, text) for t in targets}
    return {t: output for t, output in outputs.items() if output.verdict in CLAIMS}


def replayed(folder: Path, targets: tuple[str, ...], text: str | None, options: Options, facts: Mapping[str, str]) -> Proved:
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
        try:
            conversion = convert(rule, targets, options)
            proofs = [Replay(kit, conversion, options).prove(t, output) for t, output in claiming(conversion, targets, text).items()]
        except (KqlSyntaxError, BindError) as error:
            why = f"the KQL cannot be bound to the tables: {error}"
            proofs = [Proof(t, Outcome.NOT_EXECUTABLE, Verdict.EXACT, why) for t in targets]
        return Proved(rule.source, rule.name, tuple(proofs))
    except BrokenKit as problem:
        return Proved(str(folder), folder.name, (), failed=str(problem))


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


def _print(found: list[Proved], console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("rule", "target", "claim", "outcome", "worlds", "conditions", ""):
        table.add_column(heading, overflow="fold")
    for one in found:
        for proof in one.proofs:
            reached = f"{proof.coverage.share:.0%}" if proof.coverage.atoms else ""
            told = proof.why or (f"errs: {proof.errs.value}" if proof.errs is not None else f"compared: {proof.compared.value}")
            row = (one.name, proof.target, proof.claim.value, proof.outcome.value, str(proof.worlds or ""), reached, told)
            table.add_row(*map(_plain, row))
    console.print(table)
    for one in (f for f in found if f.real is not None):
        _print_taken(one, console)
    for one in found:
        for proof in one.proofs:
            if proof.counterexample is not None:
                _print_counterexample(one, proof, console)
    counts = Counter(p.outcome.value for f in found for p in f.proofs)
    console.print(", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())) or "nothing claims anything", markup=False)


def _print_taken(one: Proved, console: Console) -> None:
    assert one.real is not None
    told = [f"{t.table} {t.picked} of {t.inside} events (of {t.rows} in the data)" for t in one.real.taken]
    text = f"\n{one.name}, at {one.real.now.isoformat()}Z: {', '.join(told)}"
    console.print("\n".join([text, *(f"  {_plain(note)}" for note in one.real.notes)]), markup=False, soft_wrap=True)


def _print_counterexample(one: Proved, proof: Proof, console: Console) -> None:
    example = proof.counterexample
    assert example is not None
    does, other = ("alerts", "does not") if example.kql else ("does not alert", "does")
    found = f"The KQL {does}, the text {other}:"
    if example.lacking or example.surplus:
        found = f"Both alert, and the text lacks {_rows(example.lacking)}, and has {_rows(example.surplus)} that the KQL has not:"
    console.print(f"\n{one.name}, {proof.target}: {example.about}. {found}", markup=False, soft_wrap=True)
    told = Counter(
        f"{name}: " + ", ".join(f"{k}={_shown(v)}" for k, v in row.items() if v is not None)
        for name, rows in example.rows.items()
        for row in rows
    )
    for text, times in list(told.items())[:_SHOWN]:
        console.print(f"  {text}" + (f" ({times} times)" if times > 1 else ""), markup=False, soft_wrap=True)
    if len(told) > _SHOWN:
        console.print(f"  and {len(told) - _SHOWN} more, which --format json has")


def _rows(rows: Sequence[Row]) -> str:
    told = [" ".join(f"{k}={_shown(v)}" for k, v in row.items()) or "a row" for row in rows[:_SHOWN]]
    return ("; ".join(told) + (f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else "")) or "nothing"


def _plain(text: str) -> str:
    """A text of a rule without what a terminal or rich would take for more than text."""
    return escape("".join(c if c.isprintable() else "?" for c in text))


def _shown(value: object) -> str:
    return json.dumps(_json(value), ensure_ascii=True)


def _data(found: Proved) -> dict[str, Any]:
    data: dict[str, Any] = {"source": found.source, "name": found.name, "proofs": [_proof_data(p) for p in found.proofs]}
    if (real := found.real) is not None:
        tables = [{"table": t.table, "rows": t.rows, "inside": t.inside, "picked": t.picked} for t in real.taken]
        data["data"] = {"now": f"{real.now.isoformat()}Z", "tables": tables, "notes": list(real.notes)}
    return data


def _proof_data(proof: Proof) -> dict[str, Any]:
    data: dict[str, Any] = {
        "target": proof.target, "outcome": proof.outcome.value, "claim": proof.claim.value, "errs": proof.errs and proof.errs.value,
        "why": proof.why, "worlds": proof.worlds, "alerting": proof.alerting, "missing": list(proof.missing),
        "compared": proof.compared.value,
        "conditions": [{"span": a.span, "text": a.text, "true": a.true, "false": a.false} for a in proof.coverage.atoms],
    }  # fmt: skip
    if (example := proof.counterexample) is not None:
        data["counterexample"] = {
            "about": example.about, "kql_alerts": example.kql, "rows": {t: [_json(r) for r in rows] for t, rows in example.rows.items()},
            "events": [_json(e) for e in example.events], "lacking": [_json(r) for r in example.lacking],
            "surplus": [_json(r) for r in example.surplus],
        }  # fmt: skip
    return data


def _json(value: object) -> Any:
    match value:
        case dict():
            return {str(k): _json(v) for k, v in value.items()}
        case list() | tuple():
            return [_json(v) for v in value]
        case dt.datetime():
            return value.isoformat() + "Z"
        case dt.timedelta():
            return value.total_seconds()
        case None | bool() | int() | float() | str():
            return value
    return str(value)
