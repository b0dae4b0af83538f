"""What the commands share."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from translator.rulepack import Rule, RuleFileError, read, rule_files


class UsageProblem(Exception):
    """The command was called in a way that cannot be carried out: exit status 2."""


def rules_at(console: Console, path: Path) -> list[Rule] | None:
    """The rules at ``path``; None, with the reason printed, where they cannot be read."""
    try:
        return [rule for file in rule_files(path) for rule in read(file)]
    except RuleFileError as error:
        console.print(f"{error.path}:{error.line}:{error.column}: {error.message}", markup=False)
        return None
