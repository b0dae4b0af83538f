"""``kql2sigma verify``: whether translations do what they claim, tried on events."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from translator.commands.common import UsageProblem
from translator.commands.convert import converted, print_failures, site_of
from translator.kql.errors import KqlSyntaxError
from translator.pack import Entry
from translator.pipeline import Conversion
from translator.plan.binder import BindError
from translator.rulepack.model import RuleFileError, read_text
from translator.targets.base import Options
from translator.verify.proof import CLAIMS, Outcome, Proof, Trial, given
from translator.verify.reading import Row

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


@dataclass(frozen=True, slots=True)
class Proved:
    """The proofs of one rule, by target."""

    source: str
    name: str
    proofs: tuple[Proof, ...]


def verify(request: VerifyRequest) -> int:
    """Tries and prints. The exit status: 0, 1 where a claim is contradicted or a rule cannot be read, 3 where a given text cannot be run.

    Raises:
        UsageProblem: for arguments that do not fit together.
    """
    console, errors = Console(emoji=False, highlight=False), Console(emoji=False, stderr=True, highlight=False)
    if request.text is not None and len(request.targets) != 1:
        raise UsageProblem("--text is for one target: name it by -t")
    options = Options(fields=request.fields, site=site_of(request.mappings, ()))
    try:
        text = read_text(request.text) if request.text is not None else None
    except RuleFileError as problem:
        raise UsageProblem(str(problem)) from problem
    entries = converted(errors, request.paths, request.targets, options, request.jobs)
    if text is not None and len(entries) != 1:
        raise UsageProblem(f"--text is for one rule: {len(entries)} were found")
    work = functools.partial(_proved, targets=request.targets, text=text, options=options, seed=request.seed)
    found = list(_carried_out(work, [e for e in entries if isinstance(e.result, Conversion)], request.jobs, errors))
    if request.format == "json":
        print(json.dumps([_data(f) for f in found], indent=2, ensure_ascii=False))
    else:
        _print(found, console)
    failed = print_failures(entries, errors)
    outcomes = {p.outcome for f in found for p in f.proofs}
    if Outcome.CONTRADICTED in outcomes or failed:
        return CONTRADICTED
    return NOT_EXECUTABLE if text is not None and Outcome.NOT_EXECUTABLE in outcomes else 0


def _carried_out(work: functools.partial[Proved], entries: list[Entry], jobs: int, errors: Console) -> Iterator[Proved]:
    shown = functools.partial(
        track, description="proving", console=errors, transient=True, total=len(entries), disable=not errors.is_terminal
    )
    if jobs == 1 or len(entries) < 2:
        yield from shown(map(work, entries))
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from shown(pool.map(work, entries, chunksize=4))


def _proved(entry: Entry, targets: tuple[str, ...], text: str | None, options: Options, seed: int) -> Proved:
    conversion = entry.result
    assert isinstance(conversion, Conversion)
    outputs = {t: conversion.outputs[t] if text is None else given(t, text) for t in targets}
    outputs = {t: output for t, output in outputs.items() if output.verdict in CLAIMS}
    try:
        trial = Trial(conversion, options, seed=seed)
        proofs = [trial.prove(t, output) for t, output in outputs.items()]
    except (KqlSyntaxError, BindError) as error:
        why = f"the KQL cannot be bound to the tables: {error}"
        proofs = [Proof(t, Outcome.NOT_EXECUTABLE, output.verdict, why) for t, output in outputs.items()]
    return Proved(conversion.rule.source, conversion.rule.name, tuple(proofs))


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
    for one in found:
        for proof in one.proofs:
            if proof.counterexample is not None:
                _print_counterexample(one, proof, console)
    counts = Counter(p.outcome.value for f in found for p in f.proofs)
    console.print(", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())) or "nothing claims anything", markup=False)


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
    return {"source": found.source, "name": found.name, "proofs": [_proof_data(p) for p in found.proofs]}


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
