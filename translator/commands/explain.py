"""``kql2sigma explain``: one rule's plan, detection and deviations beside its source, for a terminal, 100 columns at most."""

from __future__ import annotations

import functools
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from translator import catalog
from translator.commands.common import cell, line, print_heading, print_unread
from translator.commands.proving import lowered, tries
from translator.commands.summary import print_failure
from translator.detection.model import Detection
from translator.detection.windows import duration
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.pack import Effort, Entry, Failure, rules_of, stopped
from translator.package import packaged
from translator.package.options import PackageOptions
from translator.pipeline import Conversion, convert, place
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.plan.describe import expression, relation
from translator.report import alert_of
from translator.rulepack import Rule, Unread
from translator.rulepack.model import OPERATORS
from translator.targets.base import Options
from translator.verify.proof import Outcome, Proof

WIDTH = 100
"""Columns."""


def explain(
    paths: Iterable[Path], targets: tuple[str, ...], options: Options, verify: bool, effort: Effort, excluded: tuple[str, ...]
) -> int:
    """Prints an explanation of every rule at ``paths``, with what comes of trying its outputs where ``verify`` asks for it.

    What the patterns of ``excluded`` name is left aside.

    The exit status: 1 where a rule has no explanation, or a proof contradicts a verdict.
    """
    console, errors = Console(emoji=False, highlight=False), Console(emoji=False, stderr=True)
    screen = Screen(min(WIDTH, console.width if console.is_terminal else WIDTH), console.color_system, console.encoding)
    status = 0
    unread: list[Unread] = []
    rules = rules_of(paths, effort, excluded, unread=unread.append)
    work = functools.partial(explained_rule, targets=targets, options=options, verify=verify, screen=screen)
    explained = effort.carried_out(work, [rule for rule in rules if isinstance(rule, Rule)])
    for rule in rules:
        failure = rule if isinstance(rule, Failure) else None
        if isinstance(rule, Rule):
            done = next(explained)
            for text, contradicted in done.found:
                sys.stdout.write(text)
                status |= contradicted
            failure = stopped(rule, done.stopped) if done.stopped else None
        if failure is not None:
            status = 1
            sys.stdout.flush()
            print_failure(failure, errors)
    print_unread(unread, errors)
    return status


@dataclass(frozen=True, slots=True)
class Screen:
    """What is known of a screen: its columns, its colours and its encoding."""

    width: int
    colours: str | None
    encoding: str


class _Lines(io.StringIO):
    """What is to be printed, for a screen of an encoding."""

    encoding = "utf-8"


def explained_rule(rule: Rule, targets: tuple[str, ...], options: Options, verify: bool, screen: Screen) -> Iterator[tuple[str, bool]]:
    """The text of an explanation, and whether a proof contradicts a verdict or there is none."""
    lines = _Lines()
    lines.encoding = screen.encoding
    console = Console(
        file=lines, emoji=False, highlight=False, width=screen.width, color_system=screen.colours,  # type: ignore[arg-type]
        force_terminal=screen.colours is not None,
    )  # fmt: skip
    contradicted = True
    try:
        conversion = convert(rule, targets, options)
        proofs = {p.target: p for p in tries(conversion, options)} if verify else {}
        _explain(console, rule, conversion, options, proofs)
        contradicted = any(p.outcome is Outcome.CONTRADICTED for p in proofs.values())
    except KqlSyntaxError as error:
        for found in error.errors:
            row, column = rule.place(found.offset)
            console.print(cell(line(f"{rule.source}:{row}:{column}: error: {found.told}")), soft_wrap=True)
    except BindError as bound:
        row, column = rule.place(bound.span[0] if bound.span else 0)
        console.print(cell(line(f"{rule.source}:{row}:{column}: error: {bound.message}")), soft_wrap=True)
    yield lines.getvalue(), contradicted


def _explain(console: Console, rule: Rule, conversion: Conversion, options: Options, proofs: Mapping[str, Proof]) -> None:
    print_heading(console, rule.name, "bold")
    offset = rule.prelude + len(rule.own_query) - len(rule.own_query.lstrip("\n"))
    for text in rule.own_query.strip("\n").split("\n"):
        console.print(cell(f"{rule.place(offset)[0]:5} | {text}", "dim"), overflow="fold")
        offset += len(text) + 1
    console.print("\n[bold]plan")
    plan = bind(parse(rule.query), catalog.schemas())
    for text in relation(plan.root):
        console.print(cell(f"  {text}"), overflow="fold")
    console.print("\n[bold]detection")
    detection = conversion.detection
    if isinstance(detection, Detection):
        for one in detection.alternatives:
            _detection(console, one)
    else:
        for reason in detection.diagnostics:
            row, column = place(rule, reason)
            console.print(cell(f"  none: {row}:{column} {reason.message}; {reason.advice}"))
    _alert(console, rule, conversion, options)
    for name, output in conversion.outputs.items():
        proof = proofs.get(name)
        if proof is not None:
            output = lowered(output, proof)
        told = "" if proof is None else f", {proof.outcome.value}" + (f" ({proof.why})" if proof.why else "")
        console.print(f"\n[bold]{name}[/bold]: {output.verdict.value}{escape(line(told))}")
        for diagnostic in output.diagnostics:
            row, column = place(rule, diagnostic)
            console.print(cell(f"  {row}:{column} {diagnostic.word}: {diagnostic.message}"))
            if diagnostic.direction.rank:
                console.print(cell(f"      {diagnostic.advice}", "dim"))
    console.print()


def _alert(console: Console, rule: Rule, conversion: Conversion, options: Options) -> None:
    """When the rule runs and how it alerts, beside what the packages tell each product."""
    found = packaged([Entry("rule", conversion)], options, PackageOptions()).alerts.get("rule", {})
    columns = {"source": _source(rule), **found}
    table = Table(title="alert", title_justify="left", title_style="bold", box=None, width=console.width)
    for name in columns:
        table.add_column(name, overflow="fold", ratio=1)
    told = [[f"{k}: {_words(v)}" for k, v in of.items() if v not in (None, "")] for of in columns.values()]
    for row in zip_longest(*told, fillvalue=""):
        table.add_row(*map(cell, row))
    console.print()
    console.print(table)


_TRIGGERS = {">": "more than", "<": "fewer than", "==": "exactly", "!=": "any number but"}


def _source(rule: Rule) -> dict[str, str]:
    """What a rule says of its schedule and its alerts, in words."""
    alert = alert_of(rule)
    operator, _, number = alert["trigger"].partition(" ")
    return {
        "kind": alert["kind"],
        "runs": f"every {duration(alert['frequency'])}" if alert["frequency"] else "not on a schedule",
        "looks at": f"the last {duration(alert['period'])}" if alert["period"] else "what the query says",
        "alerts on": f"{_TRIGGERS.get(OPERATORS.get(operator.lower(), ''), operator)} {number} rows",
        **alert.get("settings", {}),
    }


def _words(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _detection(console: Console, detection: Detection) -> None:
    keys = f" by {', '.join(detection.group_by)}" if detection.group_by else ""
    within = f", at most {duration(detection.within)} apart" if detection.within else ""
    console.print(cell(f"  {detection.kind}{keys} within {duration(detection.timespan)}{within}"))
    if detection.threshold is not None:
        console.print(cell(f"  where the {detection.threshold.kind} is {detection.threshold.operator} {detection.threshold.count}"))
    for side in detection.sides:
        if side.absent:
            console.print("  and no event of")
        for selector in side.selectors:
            console.print(cell(f"  {selector.name}: {selector.table} where {expression(selector.predicate)}"))
        if side.threshold is not None:
            console.print(cell(f"    whose {side.threshold.kind} is {side.threshold.operator} {side.threshold.count}"))
