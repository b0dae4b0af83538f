"""``kql2sigma explain``: one rule's plan, detection and deviations beside its source, for a terminal of 100 columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from translator import catalog
from translator.commands.common import rules_at
from translator.commands.proving import lowered, tries
from translator.detection.model import Detection
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.pack import Entry
from translator.package import packaged
from translator.package.options import PackageOptions
from translator.pipeline import Conversion, convert, place
from translator.plan.binder import BindError, bind
from translator.plan.describe import expression, relation
from translator.report import alert_of
from translator.rulepack import Rule
from translator.targets.base import Options, duration
from translator.verify.proof import Outcome, Proof

WIDTH = 100
"""Columns."""


def explain(paths: Iterable[Path], targets: tuple[str, ...], verify: bool = False) -> int:
    """Prints an explanation of every rule at ``paths``, with what comes of trying its outputs where ``verify`` asks for it.

    The exit status: 1 where a rule has no explanation, or a proof contradicts a verdict.
    """
    console = Console(emoji=False, highlight=False, width=min(WIDTH, Console().width if Console().is_terminal else WIDTH))
    status = 0
    for path in paths:
        if (rules := rules_at(console, path)) is None:
            status = 1
            continue
        for rule in rules:
            try:
                conversion = convert(rule, targets)
                proofs = {p.target: p for p in tries(conversion, Options())} if verify else {}
                _explain(console, rule, conversion, proofs)
                status |= any(p.outcome is Outcome.CONTRADICTED for p in proofs.values())
            except KqlSyntaxError as error:
                status = 1
                for found in error.errors:
                    line, column = rule.place(found.offset)
                    console.print(f"{rule.source}:{line}:{column}: {found.message}", markup=False)
            except BindError as bound:
                status = 1
                line, column = rule.place(bound.span[0] if bound.span else 0)
                console.print(f"{rule.source}:{line}:{column}: {bound.message}", markup=False)
    return status


def _explain(console: Console, rule: Rule, conversion: Conversion, proofs: Mapping[str, Proof]) -> None:
    console.rule(f"[bold]{escape(rule.name)}", align="left")
    first = rule.place(0)[0]
    lines = rule.query.strip("\n").split("\n")
    offset = len(rule.query) - len(rule.query.lstrip("\n"))
    start = rule.place(offset)[0] if offset else first
    for number, line in enumerate(lines, start):
        console.print(Text(f"{number:5} | {line}", style="dim"), overflow="ellipsis", no_wrap=True)
    console.print("\n[bold]plan")
    plan = bind(parse(rule.query), catalog.schemas())
    for line in relation(plan.root):
        console.print(Text(f"  {line}"), overflow="fold")
    console.print("\n[bold]detection")
    detection = conversion.detection
    if isinstance(detection, Detection):
        for one in (detection, *detection.others):
            _detection(console, one)
    else:
        for reason in detection.diagnostics:
            row, column = place(rule, reason)
            console.print(Text(f"  none: {row}:{column} {reason.message}; {reason.advice}"))
    _alert(console, rule, conversion)
    for name, output in conversion.outputs.items():
        proof = proofs.get(name)
        if proof is not None:
            output = lowered(output, proof)
        told = "" if proof is None else f", {proof.outcome.value}" + (f" ({proof.why})" if proof.why else "")
        console.print(f"\n[bold]{name}[/bold]: {output.verdict.value}{escape(told)}")
        for diagnostic in output.diagnostics:
            row, column = place(rule, diagnostic)
            console.print(Text(f"  {row}:{column} {diagnostic.direction.value}: {diagnostic.message}"))
            if diagnostic.direction.rank:
                console.print(Text(f"      {diagnostic.advice}", style="dim"))
    console.print()


def _alert(console: Console, rule: Rule, conversion: Conversion) -> None:
    """When the rule runs and how it alerts, beside what the packages tell each product."""
    found = packaged([Entry("rule", conversion)], Options(), PackageOptions()).alerts.get("rule", {})
    columns = {"source": alert_of(rule), **found}
    table = Table(title="alert", title_justify="left", title_style="bold", box=None, width=WIDTH)
    for name in columns:
        table.add_column(name, overflow="fold", ratio=1)
    told = [[f"{k}: {_words(v)}" for k, v in of.items() if v not in (None, "")] for of in columns.values()]
    for row in zip_longest(*told, fillvalue=""):
        table.add_row(*map(escape, row))
    console.print()
    console.print(table)


def _words(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _detection(console: Console, detection: Detection) -> None:
    keys = f" by {', '.join(detection.group_by)}" if detection.group_by else ""
    within = f", at most {duration(detection.within)} apart" if detection.within else ""
    console.print(Text(f"  {detection.kind}{keys} within {duration(detection.timespan)}{within}"))
    if detection.threshold is not None:
        console.print(Text(f"  where the {detection.threshold.kind} is {detection.threshold.operator} {detection.threshold.count}"))
    for side in detection.sides:
        if side.absent:
            console.print(Text("  and no event of"))
        for selector in side.selectors:
            console.print(Text(f"  {selector.name}: {selector.table} where {expression(selector.predicate)}"))
        if side.threshold is not None:
            console.print(Text(f"    whose {side.threshold.kind} is {side.threshold.operator} {side.threshold.count}"))
