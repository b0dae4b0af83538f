"""Findings as SARIF 2.1.0, for GitHub code scanning and whoever else reads it.

Sources: docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os; docs.github.com/code-security/code-scanning, "SARIF support for code scanning".
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from translator import __version__
from translator.fidelity import Verdict
from translator.fidelity.codes import CODES

_ROOT = "%SRCROOT%"
"""The base of paths: the folder that the command ran in, which a reader has somewhere else."""

_LEVELS = {Verdict.NONE: "error", Verdict.BROADER: "warning", Verdict.NARROWER: "warning", Verdict.DIFFERS: "warning"}
"""How bad a deviation is, by its direction; a note where that costs no alert."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding.

    Attributes:
        about: what it is, in a line.
        help: what to do about it.
    """

    about: str
    help: str


@dataclass(frozen=True, slots=True)
class Result:
    """One finding: its kind by code, error, warning or note, and its place, whose line and column (of characters) count from 1.

    Attributes:
        alike: what tells it from others of its kind in its file, and stays as it is when the file changes elsewhere.
    """

    code: str
    level: str
    message: str
    path: str
    line: int
    column: int
    alike: str


def sarif(results: Iterable[Result], kinds: Mapping[str, Kind], aside: Iterable[Result] = ()) -> dict[str, Any]:
    """A log with one run that has these results; ``kinds`` describes each of their codes.

    What is set ``aside``, files that hold no rule, is told as the tool's own notifications, of which code scanning makes no alerts.

    A fingerprint has the file, the kind and what is alike, with a number where several have the same: findings are the same from run to
    run though their lines move.
    """
    here, seen = Path.cwd(), Counter[str]()
    places = {code: number for number, code in enumerate(kinds)}
    found = []
    for one in results:
        location = _location(one.path, here)
        same = hashlib.sha256("\0".join((location["uri"], one.code, one.alike)).encode("utf-8", "backslashreplace")).hexdigest()[:16]
        seen[same] += 1
        found.append(
            {
                "ruleId": one.code,
                "ruleIndex": places[one.code],
                "level": one.level,
                "message": {"text": one.message},
                "locations": [_place(one, location)],
                "partialFingerprints": {"primaryLocationLineHash": f"{same}:{seen[same]}"},
            }
        )
    driver = {"name": "kql2sigma", "version": __version__, "rules": [_rule(code, kind) for code, kind in kinds.items()]}
    told = [{"level": o.level, "message": {"text": o.message}, "locations": [_place(o, _location(o.path, here))]} for o in aside]
    base = {"description": {"text": "the folder that kql2sigma ran in"}}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": told}],
                "originalUriBaseIds": {_ROOT: base},
                "columnKind": "unicodeCodePoints",
                "results": found,
            }
        ],
    }


def of_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """What a report has of deviations and failures: one result for all targets that have the same to say of the same place."""
    results = []
    for rule in report["rules"]:
        name = f"{rule['id']} {rule['name']}"
        if error := rule.get("error"):
            results.append(Result("failed", "error", error["message"], rule["source"], error["line"], error["column"], name))
        said: dict[tuple[str, str, str, int, int, str], list[str]] = {}
        for target, output in rule["outputs"].items():
            for d in output["diagnostics"]:
                key = (d["code"], d["direction"], d["message"], d["line"], d["column"], d["advice"])
                said.setdefault(key, []).append(target)
        for (code, direction, message, line, column, _), targets in said.items():
            told = f"{rule['name']}: {', '.join(targets)}: {'note' if direction == 'exact' else direction}: {message}"
            level = _LEVELS.get(Verdict(direction), "note")
            results.append(Result(code, level, told, rule["source"], line, column, f"{name} {direction} {message}"))
    told_of = {r.code for r in results}
    kinds = {"failed": Kind("a rule that could not be translated", "kql2sigma check says what is wrong with it")}
    kinds |= {code: Kind(code.replace("-", " "), known.advice) for code, known in CODES.items()}
    return sarif(results, {code: kind for code, kind in kinds.items() if code in told_of})


def _location(path: str, here: Path) -> dict[str, str]:
    """Relative to where the command ran, as code scanning wants it; what is elsewhere by its whole path."""
    place = Path(os.path.normpath(here / path))
    if not place.is_relative_to(here):
        return {"uri": place.as_uri()}
    return {"uri": quote(place.relative_to(here).as_posix(), errors="backslashreplace"), "uriBaseId": _ROOT}


def _place(one: Result, location: Mapping[str, str]) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": location, "region": {"startLine": one.line, "startColumn": one.column}}}


def _rule(code: str, kind: Kind) -> dict[str, Any]:
    about = kind.about[0].upper() + kind.about[1:]
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in code.split("-")),
        "shortDescription": {"text": about},
        "fullDescription": {"text": f"{about}."},
        "help": {"text": kind.help},
        "properties": {"tags": ["kql"]},
    }
