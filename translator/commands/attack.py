"""``kql2sigma attack``: the ATT&CK techniques that rules cover."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from translator import attack
from translator.commands.common import cell, console_of_tables, line, print_unread
from translator.commands.summary import print_failure
from translator.pack import Effort, Failure, rules_of
from translator.rulepack import Unread


def coverage(paths: Iterable[Path], excluded: tuple[str, ...] = ()) -> int:
    """Prints which ATT&CK techniques the rules at ``paths`` claim, but for those ``excluded`` by patterns.

    The exit status: 1 where a file cannot be read.
    """
    console, errors = console_of_tables(), Console(emoji=False, stderr=True)
    found: dict[str, set[int]] = {}
    rules, status = 0, 0
    unread: list[Unread] = []
    for rule in rules_of(paths, Effort.within(1, None), excluded, unread=unread.append):
        if isinstance(rule, Failure):
            status = 1
            print_failure(rule, errors)
            continue
        rules += 1
        for identifier in rule.techniques:
            known = attack.technique(identifier)
            found.setdefault(known.id if known else f"{identifier} (not in Enterprise)", set()).add(rules)
    table = Table(title=f"{rules} rule{'s' * (rules != 1)}, {len(found)} technique{'s' * (len(found) != 1)} of ATT&CK {attack.version()}")
    for column in ("technique", "name", "rules"):
        table.add_column(column, overflow="fold")
    for identifier, numbers in sorted(found.items()):
        technique = attack.technique(identifier)
        table.add_row(cell(line(identifier)), technique.name if technique else "", str(len(numbers)))
    console.print(table)
    print_unread(unread, errors)
    return status
