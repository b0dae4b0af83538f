"""A whole pack: every rule converted, none stopping another, everything written below one folder."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from translator.kql.errors import KqlSyntaxError
from translator.pipeline import Conversion, convert
from translator.plan.binder import BindError
from translator.rulepack import Rule, RuleFileError, read, rule_files
from translator.targets.base import Options
from translator.workers import Limits, carried_out


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a rule or a file gave nothing. ``line`` and ``column`` are those of the file."""

    source: str
    name: str
    id: str
    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of the pack: converted, or failed. ``slug`` names its files."""

    slug: str
    result: Conversion | Failure


RULE_SECONDS = 60
"""How long one rule may take to be converted, unless the caller says."""

RULE_MEGABYTES = 2_000
"""How much memory the work on one rule may take, where the system tells."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How a pack is worked on.

    Attributes:
        jobs: how many processes there are.
        seconds: how long one rule may take; 0 for as long as it wants.
    """

    jobs: int = 1
    seconds: float = RULE_SECONDS

    @property
    def limits(self) -> Limits:
        return Limits(self.seconds, RULE_MEGABYTES) if self.seconds else Limits()


def _read_file(path: str) -> Iterator[Rule | Failure]:
    try:
        yield from read(Path(path))
    except RuleFileError as error:
        yield Failure(path, Path(path).stem, "", error.line, error.column, error.message)


def converted(rule: Rule, targets: tuple[str, ...], options: Options) -> Conversion | Failure:
    """A rule in every target, or why it has none."""
    try:
        return convert(rule, targets, options)
    except KqlSyntaxError as error:
        first = error.errors[0]
        line, column = rule.place(first.offset)
        hint = f" ({first.hint})" if first.hint else ""
        return Failure(rule.source, rule.name, rule.id, line, column, first.message + hint)
    except BindError as error:
        line, column = rule.place(error.span[0] if error.span else 0)
        return Failure(rule.source, rule.name, rule.id, line, column, error.message)


def _convert_rule(rule: Rule | Failure, targets: tuple[str, ...], options: Options) -> Iterator[Conversion | Failure]:
    yield converted(rule, targets, options) if isinstance(rule, Rule) else rule


def stopped(rule: Rule | Failure, why: str) -> Failure:
    """A rule whose work did not come to its end."""
    line, column = rule.place(0) if isinstance(rule, Rule) else (rule.line, rule.column)
    return Failure(rule.source, rule.name, rule.id, line, column, why)


def rules_of(paths: Iterable[Path], effort: Effort) -> list[Rule | Failure]:
    """Every rule at ``paths``, in a stable order, and what could not be read."""
    files: list[str] = []
    found: list[Rule | Failure] = []
    for path in paths:
        try:
            files.extend(str(p) for p in rule_files(path))
        except RuleFileError as error:
            found.append(Failure(str(path), path.name, "", error.line, error.column, error.message))
    files = list(dict.fromkeys(files))
    for file, done in zip(files, carried_out(_read_file, files, effort.jobs, effort.limits), strict=True):
        found.extend(done.found)
        if done.stopped:
            found.append(Failure(file, Path(file).stem, "", 1, 1, done.stopped))
    return found


def convert_pack(
    paths: Iterable[Path],
    targets: tuple[str, ...],
    options: Options,
    effort: Effort = Effort(),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Entry]:
    """Converts every rule at ``paths``, in a stable order that does not depend on ``effort``."""
    rules = rules_of(paths, effort)
    work = functools.partial(_convert_rule, targets=targets, options=options)
    results: list[Conversion | Failure] = []
    for rule, done in zip(rules, carried_out(work, rules, effort.jobs, effort.limits), strict=True):
        results.append(stopped(rule, done.stopped) if done.stopped else done.found[0])
        progress(len(results), len(rules))
    return _named(results)


def _named(results: list[Conversion | Failure]) -> list[Entry]:
    slugs = slugs_of([result.rule if isinstance(result, Conversion) else result for result in results])
    return [Entry(slug, result) for slug, result in zip(slugs, results, strict=True)]


def slugs_of(rules: Iterable[Rule | Failure]) -> list[str]:
    """File names of rules: what tells each from the others of its pack."""
    taken: dict[str, None] = {}
    for rule in rules:
        name, identifier = rule.name, rule.id
        base = slug(name)
        fresh = base
        if fresh in taken:
            fresh = f"{base}-{slug(identifier)[:8]}" if identifier else base
        number = 2
        while fresh in taken:
            fresh, number = f"{base}-{number}", number + 1
        taken[fresh] = None
    return list(taken)


def slug(name: str) -> str:
    """A file name that is safe everywhere: lower-case letters, digits and hyphens, at most 80 characters, never empty."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-")
    return f"{words}-rule" if words in ("con", "prn", "aux", "nul") else words or "rule"


def output_paths(entry: Entry, target: str, extension: str, count: int) -> list[str]:
    """The files of one output, relative to the output folder: one, or numbered ones."""
    if count == 1:
        return [f"{target}/{entry.slug}.{extension}"]
    return [f"{target}/{entry.slug}.{i + 1}.{extension}" for i in range(count)]
