"""A whole pack: every rule converted, none stopping another, everything written below one folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from translator.kql.errors import KqlSyntaxError
from translator.pipeline import Conversion, convert
from translator.plan.binder import BindError
from translator.rulepack import Rule, RuleFileError, read, rule_files
from translator.targets.base import Options


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


def _convert_file(job: tuple[str, tuple[str, ...], Options]) -> list[Conversion | Failure]:
    path, targets, options = job
    try:
        rules = read(Path(path))
    except RuleFileError as error:
        return [Failure(path, Path(path).stem, "", error.line, error.column, error.message)]
    return [_convert_rule(rule, targets, options) for rule in rules]


def _convert_rule(rule: Rule, targets: tuple[str, ...], options: Options) -> Conversion | Failure:
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
    except Exception as error:
        line, column = rule.place(0)
        return Failure(rule.source, rule.name, rule.id, line, column, f"internal error, please report it: {type(error).__name__}: {error}")


def convert_pack(
    paths: Iterable[Path],
    targets: tuple[str, ...],
    options: Options,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Entry]:
    """Converts every rule at ``paths``, in a stable order that does not depend on ``jobs``."""
    files: list[str] = []
    failures: list[Conversion | Failure] = []
    for path in paths:
        try:
            files.extend(str(p) for p in rule_files(path))
        except RuleFileError as error:
            failures.append(Failure(str(path), path.name, "", error.line, error.column, error.message))
    files = list(dict.fromkeys(files))
    work = [(f, targets, options) for f in files]
    results: list[Conversion | Failure] = list(failures)
    if jobs > 1 and len(work) > 1:
        with ProcessPoolExecutor(jobs) as pool:
            for number, found in enumerate(pool.map(_convert_file, work, chunksize=4)):
                results.extend(found)
                progress(number + 1, len(work))
    else:
        for number, job in enumerate(work):
            results.extend(_convert_file(job))
            progress(number + 1, len(work))
    return _named(results)


def _named(results: list[Conversion | Failure]) -> list[Entry]:
    taken: set[str] = set()
    entries = []
    for result in results:
        name, identifier = (result.rule.name, result.rule.id) if isinstance(result, Conversion) else (result.name, result.id)
        base = slug(name)
        fresh = base
        if fresh in taken:
            fresh = f"{base}-{slug(identifier)[:8]}" if identifier else base
        number = 2
        while fresh in taken:
            fresh, number = f"{base}-{number}", number + 1
        taken.add(fresh)
        entries.append(Entry(fresh, result))
    return entries


def slug(name: str) -> str:
    """A file name that is safe everywhere: lower-case letters, digits and hyphens, at most 80 characters, never empty."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-")
    return f"{words}-rule" if words in ("con", "prn", "aux", "nul") else words or "rule"


def output_paths(entry: Entry, target: str, extension: str, count: int) -> list[str]:
    """The files of one output, relative to the output folder: one, or numbered ones."""
    if count == 1:
        return [f"{target}/{entry.slug}.{extension}"]
    return [f"{target}/{entry.slug}.{i + 1}.{extension}" for i in range(count)]
