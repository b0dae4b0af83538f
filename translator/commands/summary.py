"""What ``kql2sigma convert`` prints of what came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from translator.commands.common import cell, line, print_heading, print_unread, write_text
from translator.commands.writing import OutputFolder
from translator.fidelity import Verdict
from translator.pack import INTERRUPTED, Entry, Failure
from translator.package.schedule import numbered
from translator.pipeline import Conversion
from translator.rulepack import Unread
from translator.rulepack.sources import visible
from translator.targets.base import Output, Readiness

if TYPE_CHECKING:
    from translator.commands.proving import Proofs

Report = Mapping[str, Any]
"""What ``translator.report.report`` gives, or what ``brief`` leaves of it."""


def brief(content: Report) -> dict[str, Any]:
    """What of a report is printed, and the status that it has."""
    rules = []
    for rule in content["rules"]:
        outputs = {t: {k: o[k] for k in ("verdict", "readiness", "proof") if k in o} for t, o in rule["outputs"].items()}
        rules.append({**{k: rule[k] for k in ("id", "name", "source", "status", "error") if k in rule}, "outputs": outputs})
    return {**{k: content[k] for k in ("summary", "skipped") if k in content}, "rules": rules}


def print_outputs(entries: list[Entry], proofs: Proofs) -> None:
    """Prints the texts of all outputs, and what is said of them."""
    console = Console(emoji=False, highlight=False, soft_wrap=True)
    for entry in entries:
        if isinstance(entry.result, Conversion):
            for name, output in entry.result.outputs.items():
                proof = proofs.get((entry.slug, name))
                readiness = [output.readiness.value] if output.readiness is not None else []
                told = ", ".join([output.verdict.value, *readiness, *([proof.outcome.value] if proof is not None else [])])
                for text, part in numbered(output) or [("", "")]:
                    print_heading(console, f"{entry.result.rule.name}: {name}{part}, {told}")
                    if text:  # rich would make blanks of its tabs
                        write_text(f"{text.rstrip(chr(10))}\n")
                for lacking in _lacking(output):
                    console.print(cell(f"  {lacking}"), style="dim")
                for diagnostic in output.diagnostics:
                    row, column = entry.result.rule.place(diagnostic.span[0] if diagnostic.span else 0)
                    console.print(cell(f"  {row}:{column} {diagnostic.word}: {diagnostic.message}"), style="dim")


def print_summary(content: Report, folder: OutputFolder, known: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Prints the rules with their verdicts, and where their files are.

    Args:
        known: what was printed before of the same, by the screen that it was printed on: a table of thousands of rules takes seconds.

    Returns:
        What is printed, by the screen.
    """
    console = Console(emoji=False, highlight=False)
    facts = (console.width, console.color_system, console.encoding, console.is_terminal, console.safe_box, console.no_color)
    screen = repr(facts)
    if console.legacy_windows:  # which is told of colours by calls, not by characters
        _summarized(console, content)
        known = {screen: ""}
    elif screen not in known:
        with console.capture() as captured:
            _summarized(console, content)
        known = {screen: captured.get()}
    console.file.write(known[screen])
    done = "compared with" if folder.checks else "written to"
    console.print(f"{done} {line(visible(str(folder.root)))}", markup=False, highlight=False, soft_wrap=True)
    return {screen: known[screen]}


_NAME = 16
"""Columns of a screen that a rule's name has at least: four targets stand beside it in 80, whatever came of them."""


def _summarized(console: Console, content: Report) -> None:
    summary, rules = content["summary"], content["rules"]
    table = Table(title=f"{summary['rules']} rule{'s' * (summary['rules'] != 1)}, {summary['failed']} failed")
    names = list(dict.fromkeys(t for rule in rules for t in rule["outputs"]))
    # Where the screen has no place for all, words are folded: a least width of the first column would push the last one off it.
    table.add_column("rule", overflow="fold", min_width=_NAME if len(names) <= 4 and console.width >= 80 else None)
    for name in names:
        table.add_column(name, overflow="fold")
    for rule in rules:
        cells = ["[red]failed[/red]" if rule["status"] == "failed" else _coloured(rule["outputs"][n]) for n in names]
        table.add_row(cell(line(rule["name"])), *cells)
    console.print(table)
    for target in names:
        outcomes = Counter(o["proof"]["outcome"] for r in rules if (o := r["outputs"].get(target)) is not None and "proof" in o)
        if outcomes:
            from translator.verify.proof import Outcome  # which needs all readers

            found = ((outcomes[o.value], o.value) for o in Outcome)
            console.print(f"{target}: " + ", ".join(f"{number} {outcome}" for number, outcome in found if number), highlight=False)
    for target, counts in summary["readiness"].items():
        console.print(f"{target}: " + ", ".join(f"{n} {readiness}" for readiness, n in counts.items()), highlight=False)


def _lacking(output: Output) -> list[str]:
    """What stands in the way of an output that names what its product is not known to have."""
    if output.readiness != Readiness.NAMES or output.deployment is None:
        return []
    homeless = [f"{r.table} has no home that is known" for r in output.deployment.reads if not r.home]
    return homeless + [f"no field is known for {', '.join(names)} of {table}" for table, names in output.deployment.missing]


_SHADES = {
    "exact": "green", "same-alerts": "green", "broader": "yellow", "narrower": "yellow", "differs": "yellow", "none": "red",
    "ready": "green", "set-up": "yellow", "names": "red", "proven": "green", "not executable": "yellow", "contradicted": "red",
}  # fmt: skip


def _coloured(output: Mapping[str, Any]) -> str:
    """Verdict, readiness and what came of trying an output."""
    words = [output["verdict"], *([output["readiness"]] if "readiness" in output else [])]
    words += [output["proof"]["outcome"]] if "proof" in output else []
    return "\n".join(f"[{_SHADES[w]}]{part}[/{_SHADES[w]}]" for w in words for part in w.split())


def print_problems(content: Report, console: Console, quiet: bool) -> None:
    """Prints what could not be read or converted, and, unless it is to be quiet, what was met and is no rule."""
    failures = list(_failures(content))
    left = [f for f in failures if f.message == INTERRUPTED]
    for failure in failures if len(left) <= MOST_NAMED else (f for f in failures if f.message != INTERRUPTED):
        print_failure(failure, console)
    if len(left) > MOST_NAMED:
        console.print(f"error: {len(left)} rules: {INTERRUPTED}", markup=False, highlight=False, soft_wrap=True)
    if not quiet:
        skipped = content.get("skipped", ())
        print_unread((_unread(s) for s in skipped), console)


def _unread(told: Mapping[str, Any]) -> Unread:
    """What a report has of something that is no rule, or one again."""
    return Unread(told["source"], told["name"], told["reason"], told["line"], told["column"], fault=False, again="again" in told)


def _failures(content: Report) -> Iterator[Failure]:
    for rule in content["rules"]:
        if rule["status"] == "failed":
            error = rule["error"]
            yield Failure(rule["source"], rule["name"], rule["id"], error["line"], error["column"], error["message"])


def print_failures(entries: list[Entry], console: Console) -> int:
    """Prints what could not be read or converted. The exit status: 1 where there was any, or no rule at all."""
    for entry in entries:
        if isinstance(entry.result, Failure):
            print_failure(entry.result, console)
    return int(not entries or any(isinstance(entry.result, Failure) for entry in entries))


def print_failure(f: Failure, console: Console) -> None:
    """Prints why a rule or a file gave nothing."""
    console.print(line(f"{f.source}:{f.line}:{f.column}: error: {f.message}"), markup=False, highlight=False, soft_wrap=True)


MOST_NAMED = 10
"""How many rules are named of those that --fail-on fails, or that a signal left."""


def print_failing(content: Report, fail_on: str | None, console: Console) -> int:
    """Prints which rules have an output with a verdict or a worse one. The exit status: 1 for these, a failed rule, or no rule at all."""
    failing = list(_failing(content, Verdict(fail_on))) if fail_on is not None else []
    if failing:
        more = f" and {len(failing) - MOST_NAMED} more" if len(failing) > MOST_NAMED else ""
        text = f"error: --fail-on {fail_on}: {'; '.join(failing[:MOST_NAMED])}{more}"
        console.print(line(text), markup=False, highlight=False, soft_wrap=True)
    rules = content["rules"]
    return int(bool(failing) or not rules or any(rule["status"] == "failed" for rule in rules))


def _failing(content: Report, threshold: Verdict) -> Iterator[str]:
    for rule in content["rules"]:
        found = [f"{name} {o['verdict']}" for name, o in rule["outputs"].items() if Verdict(o["verdict"]).rank >= threshold.rank]
        if found:
            yield f"{rule['name']} ({', '.join(found)})"
