"""Conditions on tables of the catalog, run on both sides of the move to a product's names.

Rows of KQL columns become events as the catalog says that the product has them. The KQL runs on those that have an event, in this
project's engine, what is written for Splunk, ES|QL and EQL on the events in this folder's readers. Exit status 1 where an output finds
other events than it claims.
"""

from __future__ import annotations

import argparse
import collections
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import translator
from tests.rules import rule
from translator import catalog
from translator.targets.base import Readiness
from translator.verify import esql, spl
from translator.verify.eql import run as run_eql
from translator.verify.shaping import Shaped, shaped

Row = dict[str, Any]

TABLES: dict[str, dict[str, tuple[Any, ...]]] = {
    "SigninLogs": {
        "ResultType": ("0", "50126", "5"), "IPAddress": ("1.1.1.1", "10.0.0.2", "::1"), "UserPrincipalName": ("a@b.c", "A@b.c", "x"),
        "AppDisplayName": ("Azure Portal", "azure", "x y"), "ClientAppUsed": ("Browser", "x"),
    },
    "SecurityEvent": {
        "EventID": (4624, 4688, 4625, 4663), "SubjectUserName": ("bob", "Bob", "x$"), "SubjectDomainName": ("D", "-"),
        "TargetUserName": ("bob", "eve"), "TargetDomainName": ("D", "E"), "CommandLine": ("cmd /c x", "a"),
        "NewProcessName": ("C:\\Windows\\cmd.exe", "C:\\a\\b.exe"), "Computer": ("h1", "H1.x"),
    },
    "DeviceFileEvents": {
        "ActionType": ("FileCreated", "FileDeleted", "FileRenamed"), "FileName": ("a.exe", "A.EXE", "b"),
        "FolderPath": ("C:\\x\\a.exe", "b"),
        "FileSize": (0, 5, 4096), "DeviceName": ("h1", "h2"), "InitiatingProcessCommandLine": ("cmd /c a.exe", "x"),
    },
    "OfficeActivity": {
        "Operation": ("New-InboxRule", "MemberAdded", "x"), "UserId": ("a@b.c", "x"), "OfficeWorkload": ("Exchange", "SharePoint"),
        "UserType": ("Regular", "Admin", "DcAdmin"), "ResultStatus": ("True", "Succeeded"),
    },
    "AWSCloudTrail": {
        "EventName": ("ConsoleLogin", "DeleteTrail"), "EventSource": ("signin.amazonaws.com", "x"),
        "SourceIpAddress": ("1.1.1.1", "aws.internal"),
        "UserIdentityType": ("Root", "IAMUser"), "ErrorCode": ("AccessDenied", "x"),
    },
}  # fmt: skip
"""Values of the stored columns, by table. What a column lacks in some rows is missing there."""

COMPUTED = {"SecurityEvent": ("TargetAccount", "SubjectAccount", "Process", "Account")}
"""Columns whose values come from the formula of the catalog."""

ALWAYS = {"EventID", "OfficeWorkload"}
"""Columns that tell which events a table has, and numbers that every event has."""

RUNS = {
    "splunk": (partial(spl.run, unknown=True), partial(spl.run, unknown=False)),
    "esql": (esql.run,),
    "eql": (run_eql,),
}
FAMILY = {"splunk": "splunk", "esql": "elastic", "eql": "elastic"}


def rows_of(table: str, chance: random.Random, count: int) -> list[Row]:
    found = []
    for number in range(count):
        row: Row = {"id": number}
        for column, values in TABLES[table].items():
            if chance.random() < 0.85 or column in ALWAYS:
                row[column] = chance.choice(values)
        found.append(row)
    return found


def put(table: str, rows: list[Row], family: str) -> Shaped:
    """The rows as the product has them; a number stands for the time of each."""
    columns = {table: [*TABLES[table], *COMPUTED.get(table, ())]}
    return shaped({table: rows}, family, columns=columns, carried=("id",))


def conditions(table: str, chance: random.Random, depth: int = 2) -> str:
    if depth and chance.random() < 0.6:
        joined = chance.choice((" and ", " or ")).join(conditions(table, chance, depth - 1) for _ in range(2))
        return f"not({joined})" if chance.random() < 0.2 else f"({joined})"
    column = chance.choice([*TABLES[table], *COMPUTED.get(table, ())])
    kind = catalog.schemas()[table].get(column, "string")
    values = TABLES[table].get(column) or ("D\\bob", "E\\eve", "cmd.exe", "bob")
    if kind in ("int", "long"):
        return f"{column} {chance.choice(('==', '!=', '>', '<='))} {chance.choice(values)}"
    value = str(chance.choice(values)).replace("\\", "\\\\")
    operator = chance.choice(("==", "!=", "=~", "!~", "contains", "!contains", "startswith", "endswith", "has", "in", "in~", "isempty"))
    if operator == "isempty":
        return f"isempty({column})" if chance.random() < 0.5 else f"isnotempty({column})"
    if operator.startswith("in"):
        other = str(chance.choice(values)).replace("\\", "\\\\")
        return f"{column} {operator} ('{value}', '{other}')"
    return f"{column} {operator} '{value}'"


@dataclass(frozen=True, slots=True)
class Case:
    """An output, the ``id`` of the rows that its KQL finds, and of the events that it finds."""

    target: str
    kql: str
    text: str
    wanted: list[int]
    found: list[list[int]]


def cases(seed: int, count: int) -> Iterator[Case]:
    chance = random.Random(seed)
    for number in range(count):
        table = chance.choice(list(TABLES))
        rows = rows_of(table, chance, 25)
        kql = f"{table} | where {conditions(table, chance)}"
        schema = {table: {"id": "long", **catalog.schemas()[table]}}
        made = {family: put(table, rows, family) for family in set(FAMILY.values())}
        wanted = {
            family: sorted(r[0] for r in translator.run(f"{kql} | project id", {table: found.rows[table]}, schema=schema).rows)
            for family, found in made.items()
        }
        for target, output in translator.convert(rule(kql, f"generated {number}"), tuple(RUNS)).outputs.items():
            if output.verdict.value not in ("exact", "same-alerts") or output.readiness != Readiness.READY:
                continue
            events = [{**e, "_time": e["id"]} for e in made[FAMILY[target]].events]
            found = [sorted({e["id"] for text in output.texts for e in run(text, events)}) for run in RUNS[target]]
            yield Case(target, kql, output.text, wanted[FAMILY[target]], found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=400)
    options = parser.parse_args()
    run: collections.Counter[str] = collections.Counter()
    wrong: collections.Counter[str] = collections.Counter()
    for case in cases(options.seed, options.count):
        run[case.target] += 1
        if any(f != case.wanted for f in case.found):
            wrong[case.target] += 1
            if wrong.total() <= 6:
                print(case.kql, case.text, case.wanted, *case.found, "", sep="\n")
    print("; ".join(f"{target}: {n} ready claims run, {wrong[target]} wrong" for target, n in run.items()))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
