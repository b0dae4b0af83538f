"""What came of trying rules, printed for people and as JSON."""

from __future__ import annotations

import datetime as dt
import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from translator.commands.common import cell, line
from translator.report.values import plain
from translator.verify.numbered import Taken
from translator.verify.proof import Outcome, Proof
from translator.verify.reading import Row

_SHOWN = 12
"""How many events and values of a counterexample the screen has."""


@dataclass(frozen=True, slots=True)
class OnData:
    """What of real data a rule was tried on, when it was run, and what is to be said of them."""

    taken: tuple[Taken, ...]
    now: dt.datetime
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proved:
    """The proofs of one rule, by target.

    Attributes:
        failed: why it has no folder in a kit, or why there are no proofs.
        real: what of the data it was tried on.
    """

    source: str
    name: str
    proofs: tuple[Proof, ...]
    failed: str = ""
    real: OnData | None = None


class Written:
    """What is printed, each rule as it comes."""

    def __init__(self, form: str, console: Console) -> None:
        self.form, self.console, self.rules = form, console, 0

    def add(self, one: Proved) -> None:
        """Prints one output with its proof, as soon as it is there."""
        self.rules += 1
        if self.form == "json":
            data = json.dumps(data_of(one), indent=2, ensure_ascii=False)
            print(("," if self.rules > 1 else "[") + "\n" + textwrap.indent(data, "  "), end="", flush=True)
            return
        self.console.print(_plain(one.name), soft_wrap=True)
        for proof in one.proofs:
            reached = f"{proof.coverage.share:.0%} of conditions" if proof.coverage.atoms else ""
            worlds = f"{proof.worlds} worlds" if proof.worlds else ""
            told = f"errs: {proof.errs.value}" if proof.errs is not None else "" if proof.why else f"compared: {proof.compared.value}"
            parts = [p for p in (worlds, reached, told, proof.why) if p]
            said = f"  {proof.target:<7} {proof.claim.value:<11} {proof.outcome.value}" + (f": {', '.join(parts)}" if parts else "")
            self.console.print(_plain(said), soft_wrap=True)
        if one.real is not None:
            _print_taken(one, self.console)
        for proof in one.proofs:
            if proof.counterexample is not None:
                _print_counterexample(one, proof, self.console)

    def end(self, counts: Counter[Outcome]) -> None:
        """Prints what ends the list: how many of each outcome there are, or the bracket of JSON."""
        if self.form == "json":
            print("\n]" if self.rules else "[]")
            return
        said = ", ".join(f"{n} {o.value}" for o, n in sorted(counts.items(), key=lambda c: c[0].value))
        if said or self.rules:
            self.console.print(said or "nothing was tried: an output that differs, or is none, claims nothing", markup=False)


def _print_taken(one: Proved, console: Console) -> None:
    assert one.real is not None
    told = [
        f"{t.table} {t.picked} of {t.inside} events (of {t.rows} in the data"
        + (", the others are of another time than the rule looks at, which --now moves)" if t.inside < t.rows else ")")
        for t in one.real.taken
    ]
    text = f"\n{line(one.name)}, at {one.real.now.isoformat()}Z: {', '.join(told)}"
    console.print("\n".join([text, *(f"  {_plain(note)}" for note in one.real.notes)]), markup=False, soft_wrap=True)


def _print_counterexample(one: Proved, proof: Proof, console: Console) -> None:
    example = proof.counterexample
    assert example is not None
    does, other = ("alerts", "does not") if example.kql else ("does not alert", "does")
    found = f"The KQL {does}, the text {other}:"
    if example.lacking or example.surplus:
        found = f"Both alert, and the text lacks {_rows(example.lacking)}, and has {_rows(example.surplus)} that the KQL has not:"
    console.print(cell(f"\n{line(one.name)}, {proof.target}: {example.about}. {found}"), soft_wrap=True)
    told = Counter(
        f"{name}: " + ", ".join(f"{k}={_shown(v)}" for k, v in row.items() if v is not None)
        for name, rows in example.rows.items()
        for row in rows
    )
    for text, times in list(told.items())[:_SHOWN]:
        console.print(cell(f"  {text}" + (f" ({times} times)" if times > 1 else "")), soft_wrap=True)
    if len(told) > _SHOWN:
        console.print(f"  and {len(told) - _SHOWN} more, which --format json has")


def _rows(rows: Sequence[Row]) -> str:
    told = [" ".join(f"{k}={_shown(v)}" for k, v in row.items()) or "a row" for row in rows[:_SHOWN]]
    return ("; ".join(told) + (f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else "")) or "nothing"


def _plain(text: str) -> str:
    """A text of a rule without what a terminal or rich would take for more than text."""
    return escape(line(text))


def _shown(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=True)


def data_of(found: Proved) -> dict[str, Any]:
    """What came of a rule, for JSON."""
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
            "about": example.about, "kql_alerts": example.kql, "rows": {t: [plain(r) for r in rows] for t, rows in example.rows.items()},
            "events": [plain(e) for e in example.events], "lacking": [plain(r) for r in example.lacking],
            "surplus": [plain(r) for r in example.surplus],
        }  # fmt: skip
    return data
