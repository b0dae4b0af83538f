"""A report as CSV, for a spreadsheet: a line for each rule and target."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = ("name", "id", "source", "status", "target", "verdict", "readiness", "reasons")

_LONGEST = 30_000
"""Characters of a cell; spreadsheets take 32,767."""

_FORMULA = re.compile(r"(?:^|(?<=;))(?=[\s\x00-\x1f\ufeff\"]*[=+\-@＝＋－＠])")
"""What a spreadsheet may take for a formula (OWASP, "CSV Injection"): at the beginning, also behind blanks that some strip, and behind what
separates cells where the comma is the decimal point."""


def spreadsheet(report: Mapping[str, Any]) -> str:
    """The lines of a report, as RFC 4180 has them but for their ends, which are line feeds.

    A rule that failed has one line without a target. Reasons are what makes the verdict less than exact, then what stands in the way of
    running it. What a spreadsheet would take for a formula has an apostrophe before it.
    """
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rule in report["rules"]:
        writer.writerows([_cell(text) for text in row] for row in _rows(rule))
    return lines.getvalue()


def _rows(rule: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    head = (rule["name"], rule["id"], rule["source"], rule["status"])
    if error := rule.get("error"):
        yield (*head, "", "", "", f"{error['line']}:{error['column']}: {error['message']}")
    for target, output in rule["outputs"].items():
        reasons = [
            f"{d['line']}:{d['column']} {d['direction']}: {d['message']}" for d in output["diagnostics"] if d["direction"] != "exact"
        ]
        reasons += [f"{r['table']} has no home that is known" for r in output.get("reads", ()) if not r["home"]]
        reasons += [f"no field is known for {', '.join(m['fields'])} of {m['table']}" for m in output.get("missing", ())]
        yield (*head, target, output["verdict"], output.get("readiness", ""), "; ".join(reasons + output.get("set_up", [])))


def _cell(text: str) -> str:
    flat = re.sub(r"[\r\n\t]+", " ", text)
    if len(flat) > _LONGEST:
        flat = flat[:_LONGEST] + " ..."
    return _FORMULA.sub("'", flat)
