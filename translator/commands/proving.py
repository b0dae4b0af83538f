"""What was converted, tried: each output's proof, and the verdicts that a contradiction leaves of it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from rich.console import Console

from translator.catalog.site_files import FAMILY_OF
from translator.commands.common import Progressing
from translator.fidelity import Diagnostic
from translator.pack import Effort, Entry
from translator.pipeline import Conversion
from translator.targets.base import Options, Output
from translator.verify.proof import CLAIMS, Outcome, Proof, proofs_of, trial_of
from translator.workers import Done, Interrupted

Proofs = dict[tuple[str, str], Proof]
"""Proofs by the slug of the rule and the target."""


def with_proofs(entries: Sequence[Entry], options: Options, effort: Effort, console: Console, quiet: bool) -> tuple[list[Entry], Proofs]:
    """The entries, with the verdict lowered of what is contradicted, and the proof of each output that claims something."""
    converted = [(n, e.result) for n, e in enumerate(entries) if isinstance(e.result, Conversion)]
    tried: dict[int, Done[Proof]] = {}
    with Progressing(console, "proving", quiet) as progress:

        def ended(number: int, done: Done[Proof]) -> None:
            tried[number] = done
            progress.at(len(tried), len(converted))

        with suppress(Interrupted):
            for _ in effort.carried_out(functools.partial(tries, options=options), [c for _, c in converted], ended):
                pass
    found, proofs = list(entries), Proofs()
    for place, (number, conversion) in enumerate(converted):
        came = tried.get(place, Done((), "not tried: the run was interrupted"))
        unknown = [Proof(t, Outcome.NOT_EXECUTABLE, o.verdict, came.stopped) for t, o in claiming(conversion).items()]
        known = {p.target: p for p in (*unknown, *came.found)}
        found[number] = replace(entries[number], result=judged(conversion, known))
        proofs |= {(entries[number].slug, t): p for t, p in known.items()}
    return found, proofs


def judged(conversion: Conversion, proofs: Mapping[str, Proof]) -> Conversion:
    """A conversion with what proofs, by target, contradict among the diagnostics of its outputs."""
    outputs = {t: lowered(o, proofs[t]) if t in proofs else o for t, o in conversion.outputs.items()}
    return replace(conversion, outputs=outputs)


def claiming(conversion: Conversion) -> dict[str, Output]:
    """The outputs that can be tried: those in a language that there is a reader of, whose verdict claims something."""
    return {t: o for t, o in conversion.outputs.items() if t in FAMILY_OF and o.verdict in CLAIMS}


def tries(conversion: Conversion, options: Options) -> Iterator[Proof]:
    """The proofs of what was written of a rule."""
    yield from proofs_of(trial_of(conversion, options), claiming(conversion))


def lowered(output: Output, proof: Proof) -> Output:
    """An output with what its proof contradicts among its diagnostics, from which its verdict follows."""
    if proof.outcome is not Outcome.CONTRADICTED or proof.errs is None:
        return output
    example = proof.counterexample
    does = "alerts" if example is not None and not example.kql else "does not alert"
    about = f" ({example.about})" if example is not None else ""
    message = f"tried on events, the text {does} where the KQL {'does not' if does == 'alerts' else 'does'}{about}"
    return replace(output, diagnostics=(*output.diagnostics, Diagnostic(f"tried-{proof.errs.value}", message)))
