"""What is done with a request, in a process that can be stopped: its rules are read, converted, tried, and told as the page shows them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from translator.catalog import site_files
from translator.catalog.site import Site
from translator.catalog.site_files import SiteFileError
from translator.commands.check import check_rule
from translator.commands.mapping import template
from translator.commands.proving import Proofs, judged, tries
from translator.fidelity import Diagnostic
from translator.pack import Entry, Failure, converted, output_files, rules_given, slugs_of
from translator.pipeline import Conversion
from translator.report import report
from translator.report.html.rules import rules_data
from translator.report.wanted import wanted
from translator.rulepack import Rule, Source, Unread, given
from translator.rulepack.sources import text_of
from translator.targets.base import Options

TARGETS = ("sigma", "splunk", "eql", "esql")

EXAMPLE = """\
// Many failed sign-ins from one address, then one that succeeds
let failed = SigninLogs
  | where ResultType in ("50126", "50053") and isnotempty(IPAddress)
  | summarize Failures = count(), Last = max(TimeGenerated) by IPAddress
  | where Failures > 20;
SigninLogs
| where ResultType == "0" and AppDisplayName == "Azure Portal"
| join kind=inner failed on IPAddress
| where TimeGenerated > Last
| project TimeGenerated, UserPrincipalName, IPAddress, Failures
"""
"""What the page begins with."""

MOST_RULES = 20
"""How many rules are converted for one request."""

MOST_ANSWER = 6_000_000
"""How many characters an answer may have."""

_FAMILIES = {"splunk": "splunk", "elastic": "esql", "sigma": "sigma"}
"""The targets that tell what a site has to name, by the part of a mapping that is theirs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        name: of the file that ``data`` are the content of; any name without a suffix where it was typed.
        mapping: YAML, as ``--mapping`` takes it.
        fields: as ``--fields``.
        prove: whether what is written is tried on events.
    """

    name: str
    data: bytes
    mapping: str = ""
    fields: str = "target"
    prove: bool = False


EXAMPLES = tuple(Asked("pasted", EXAMPLE.encode(), prove=prove) for prove in (False, True))
"""What each page asks for first: its answer is the same for everybody, and nobody's own."""


def loaded() -> None:
    """Loads what requests need: what a conversion and its proof have used, the next ones find there."""
    os.chdir(tempfile.gettempdir())  # where DuckDB puts what it cannot hold in memory
    for asked in (EXAMPLES[0], Asked("small", b"SigninLogs | where ResultType == '0'", prove=True)):
        for _ in answered(asked):
            pass


def answered(asked: Asked) -> Iterator[bytes]:
    """The answer to a request, JSON: ``rules`` and ``advice`` as the page of a report has them, ``report`` as ``report.json``, ``files``
    with the texts of the outputs by path, and ``wanted``, what a mapping could name, by its part; or a ``mapping`` that cannot be read, or
    another ``problem``.
    """
    try:
        site = Site(site_files.mapping(asked.mapping))
    except SiteFileError as error:
        yield _encoded({"mapping": {"line": error.line, "message": error.message}})
        return
    answer = _encoded(_answer(asked, Options(fields=asked.fields, site=site)))
    if len(answer) > MOST_ANSWER:
        answer = _encoded({"problem": f"what is made of this is longer than {MOST_ANSWER:,} characters: give fewer rules at once"})
    yield answer


def _encoded(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii")


def _answer(asked: Asked, options: Options) -> dict[str, Any]:
    unread: list[Unread] = []
    rules = rules_given(asked.name, asked.data, unread.append)
    if not rules:
        return {"problem": f"no rule was found here{': ' + unread[0].message if unread else ''}"}
    if len(rules) > MOST_RULES:
        return {"problem": f"these are {len(rules)} rules, of {MOST_RULES} at most: `kql2sigma convert` takes any number"}
    entries, proofs = [], Proofs()
    for slug, rule in zip(slugs_of(rules), rules, strict=True):
        result = rule if isinstance(rule, Failure) else converted(rule, TARGETS, options)
        if asked.prove and isinstance(result, Conversion):
            of_rule = {p.target: p for p in tries(result, options)}
            proofs |= {(slug, target): proof for target, proof in of_rule.items()}
            result = judged(result, of_rule)
        entries.append(Entry(slug, result))
    files = [(e.slug, *file) for e in entries for file in output_files(e)]
    paths: dict[tuple[str, str], list[str]] = {}
    for slug, target, path, _ in files:
        paths.setdefault((slug, target), []).append(path)
    content = report(entries, paths, proofs=proofs, unread=unread)
    shown = rules_data(entries, content["rules"], proofs)
    places = _Places(_text(asked))
    told_of_rules = list(shown["rules"])
    for told, entry, rule in zip(told_of_rules, entries, rules, strict=True):
        told["findings"] = list(_findings(rule, places)) if isinstance(rule, Rule) else []
        if isinstance(entry.result, Conversion):
            said = dict.fromkeys(d for o in entry.result.outputs.values() for d in o.diagnostics)
            for told_of, diagnostic in zip(told["said"], said, strict=True):
                told_of["at"] = places.of(entry.result.rule, diagnostic)
        else:
            told["error"]["at"] = places.span((told["error"]["line"], told["error"]["column"]))
    return {
        **shown,
        "rules": told_of_rules,
        "report": content,
        "files": {path: text for _, _, path, text in files},
        "wanted": _wanted(entries),
    }


def _text(asked: Asked) -> str:
    """The text that is asked about; empty where that is several."""
    match [*given(asked.name, asked.data)]:
        case [Source(member="") as source] if isinstance(text := text_of(source), str):
            return text
    return ""


def _findings(rule: Rule, places: _Places) -> Iterator[dict[str, Any]]:
    """What ``kql2sigma check`` says of a rule."""
    for found in check_rule(rule):
        told = {k: v for k, v in asdict(found).items() if k in ("severity", "code", "message", "hint")}
        yield {**told, "place": (found.line, found.column), "at": places.span((found.line, found.column))}


def _wanted(entries: Iterable[Entry]) -> dict[str, str]:
    lacking = {family: (wanted(entries, target), target) for family, target in _FAMILIES.items()}
    return {family: template(found, target) for family, (found, target) in lacking.items() if found}


class _Places:
    """Places of a text as scripts count them: in units of UTF-16 (tc39.es/ecma262, section 6.1.4)."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n") if text else []
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + _units(line) + 1)

    def of(self, rule: Rule, diagnostic: Diagnostic) -> tuple[int, int] | None:
        """Where a diagnostic is; None for one that is of the rule as a whole, or is in another file."""
        if diagnostic.span is None or diagnostic.span[0] >= len(rule.query) or diagnostic.span[1] <= rule.prelude:
            return None
        start, end = diagnostic.span
        last, behind = rule.place(max(start, end - 1)), rule.place(end)
        return self.span(rule.place(start), behind if behind[0] == last[0] else (last[0], last[1] + 1))

    def span(self, start: tuple[int, int], end: tuple[int, int] | None = None) -> tuple[int, int] | None:
        """From a line and column to another, or to the end of the line; None where the text does not have them.

        What is between two characters is seen as the first of them.
        """
        if not (0 < start[0] <= len(self.lines)):
            return None
        first = self.at(*start)
        last = max(first, self.at(*end) if end is not None and end[0] <= len(self.lines) else self.starts[start[0]] - 1)
        return (max(self.starts[start[0] - 1], first - 1) if last == first else first), last

    def at(self, line: int, column: int) -> int:
        return self.starts[line - 1] + _units(self.lines[line - 1][: column - 1])


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
