"""A whole pack: every rule converted, none stopping another, everything written below one folder."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from translator.cache import Made, folder
from translator.kql.errors import KqlSyntaxError
from translator.pipeline import Conversion, convert
from translator.pipeline.registry import target_of
from translator.plan.binder.problems import BindError
from translator.rulepack import Function, Rule, Source, Unread, given, pack_of, read_source, sources, text_of
from translator.targets.base import Options
from translator.workers import Done, Interrupted, Limits, carried_out, executed

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a rule or a file gave nothing. ``line`` and ``column`` are those of the file; ``rule`` is there where it could be read."""

    source: str
    name: str
    id: str
    line: int
    column: int
    message: str
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of the pack: converted, or failed. ``slug`` names its files.

    Attributes:
        prepared: what packages need of it, where that is known.
        unpackaged: why no package can have it.
    """

    slug: str
    result: Conversion | Failure
    prepared: Any = None
    unpackaged: str = ""

    def outline(self) -> Entry:
        """The same with as much of a detection as packages and reports read of one that is prepared: a pack has thousands."""
        if isinstance(self.result, Failure):
            return self
        prepared = None if self.prepared is None else self.prepared.outline()
        return dataclasses.replace(self, result=self.result.outline(), prepared=prepared)


Earlier = Callable[[Rule], Entry | None]
"""What an earlier run made of a rule; None where there is nothing."""

RULE_SECONDS, RULE_PROCESSOR = 60, 20
"""How many seconds a rule may take to be converted: by the clock and by the processor."""

PROOF_SECONDS, PROOF_PROCESSOR = 240, 60
"""The same for what is written of it to be tried: a machine that does much else proves as much, and takes longer."""

RULE_MEGABYTES, RULE_OUTPUT = 2_000, 20
"""How many megabytes of memory the work on one rule may take, where the system tells, and how many it may give."""

INTERRUPTED = "not converted: the run was interrupted"


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Effort:
    """How a pack is worked on.

    Attributes:
        jobs: how many processes there are.
        seconds: how long one rule may take, by the clock; 0 for as long as it wants.
        processor: the same by the processor, where the system tells.
        tick: is called now and then, and raises Interrupted to end the work.
        executor: who works instead of processes here; files are read here all the same.
        cut: is called for each item that a limit stopped, or the end of its process: it may come to more another time.
    """

    jobs: int = 1
    seconds: float = RULE_SECONDS
    processor: float = 0
    tick: Callable[[], None] = _nothing
    executor: Executor | None = None
    cut: Callable[[], None] = _nothing

    @classmethod
    def within(
        cls, jobs: int, seconds: float | None, tick: Callable[[], None] = _nothing, executor: Executor | None = None,
        cut: Callable[[], None] = _nothing, proving: bool = False,
    ) -> Effort:  # fmt: skip
        """So many processes, with the limit of time that is given, or those that rules are converted in, or tried."""
        limits = (PROOF_SECONDS, PROOF_PROCESSOR) if proving else (RULE_SECONDS, RULE_PROCESSOR)
        clock, processor = limits if seconds is None else (seconds, 0)
        return cls(jobs, clock, processor, tick, executor, cut)

    @property
    def limits(self) -> Limits:
        """What an item may take; without a limit of time there is none at all."""
        return Limits(self.seconds, RULE_MEGABYTES, RULE_OUTPUT, self.processor) if self.seconds else Limits()

    def carried_out(
        self,
        function: Callable[[_Item], Iterator[_Found]],
        items: Sequence[_Item],
        finished: Callable[[int, Done[_Found]], None] = lambda number, done: None,
    ) -> Iterator[Done[_Found]]:
        """What a function gives for each item, as :func:`translator.workers.carried_out` has it."""

        def ended(number: int, done: Done[_Found]) -> None:
            if done.stopped and not done.failed:
                self.cut()
            finished(number, done)

        if self.executor is not None:
            return executed(self.executor, function, items, self.limits, ended, self.tick)
        return carried_out(function, items, self.jobs, self.limits, ended, self.tick)


def _read(source: Source) -> Iterator[str | Rule | Function | Unread]:
    """What tells a source from others, then what is read of it."""
    text = text_of(source)
    yield _told_by(source, text)
    yield from map(whole, read_source(source, text))


def _told_by(source: Source, text: str | Unread) -> str:
    facts = (source.name, source.stem, source.suffix, source.named, source.bare, type(text).__name__, text)
    return hashlib.sha256(repr(facts).encode("utf-8", "backslashreplace")).hexdigest()


_Whole = TypeVar("_Whole")


def whole(value: _Whole) -> _Whole:
    """A value whose texts can be written in any encoding of Unicode: halves of one character are joined, and lone ones replaced.

    Such halves are what JSON's escapes leave of an emoji in YAML, and what Python makes of a file name that is no UTF-8.
    """
    return _whole(value)  # type: ignore[no-any-return]


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        changed = {name: new for name, old in fields if (new := _whole(old)) != old}
        return dataclasses.replace(value, **changed) if changed else value
    return value


def converted(rule: Rule, targets: tuple[str, ...], options: Options) -> Conversion | Failure:
    """A rule in every target, or why it has none."""
    try:
        return convert(rule, targets, options)
    except KqlSyntaxError as error:
        first = error.errors[0]
        line, column = rule.place(first.offset)
        return Failure(rule.source, rule.name, rule.id, line, column, first.told, rule)
    except BindError as error:
        line, column = rule.place(error.span[0] if error.span else 0)
        return Failure(rule.source, rule.name, rule.id, line, column, error.message, rule)


def _convert_rule(
    rule: Rule, targets: tuple[str, ...], options: Options, prepare: Callable[[Conversion], object] | None
) -> Iterator[object]:  # fmt: skip
    result = converted(rule, targets, options)
    yield result
    if isinstance(result, Conversion) and prepare is not None:
        yield prepare(result)


def stopped(rule: Rule | Failure, why: str) -> Failure:
    """A rule whose work did not come to its end."""
    line, column = rule.place(0) if isinstance(rule, Rule) else (rule.line, rule.column)
    return Failure(rule.source, rule.name, rule.id, line, column, why, rule if isinstance(rule, Rule) else rule.rule)


def met_at(paths: Iterable[Path], excluded: tuple[str, ...], left_out: Callable[[Path], bool]) -> list[Source | Unread]:
    """What there is to read at ``paths``, in a stable order, each once, and what is left aside; see ``rules_of``."""
    met = (s for path in paths for s in sources(path, excluded) if not left_out(s.path if isinstance(s, Source) else Path(s.source)))
    return list({(s.path, s.within, s.member) if isinstance(s, Source) else s: s for s in met}.values())


def rules_of(
    paths: Iterable[Path],
    effort: Effort,
    excluded: tuple[str, ...] = (),
    left_out: Callable[[Path], bool] = lambda path: False,
    unread: Callable[[Unread], None] = lambda item: None,
    made: Made | None = None,
) -> list[Rule | Failure]:
    """Every rule at ``paths``, in a stable order, and what should be one and could not be read.

    Args:
        excluded: patterns of files and folders that are left aside.
        left_out: whether a file is none of the pack: nothing is said of it.
        unread: is told of what is no rule: pictures, texts without a query, functions.
        made: what earlier runs read of the same files.
    """
    paths = list(paths)
    listed = met_at(paths, excluded, left_out)
    read = iter(_readings([s for s in listed if isinstance(s, Source)], effort, made or Made(None)))
    found = [item for met in listed for item in ((met,) if isinstance(met, Unread) else next(read))]
    return rules_among(pack_of(found, *paths), unread)


def _readings(texts: list[Source], effort: Effort, made: Made) -> list[tuple[Rule | Function | Unread, ...]]:
    """What is read of each text, and was not read before."""
    found: dict[int, tuple[Rule | Function | Unread, ...]] = {}

    def finished(number: int, done: Done[Any]) -> None:
        at = waiting[number]
        told_by, *items = done.found or ("",)
        if done.stopped:
            items.append(Unread(texts[at].name, texts[at].stem, done.stopped))
        else:
            made.put(told_by, tuple(items))
        found[at] = tuple(items)

    with suppress(Interrupted):
        for number, source in enumerate(texts) if made.base is not None else ():
            effort.tick()
            if source.data is None and not source.path.is_file():  # a pipe has its text once
                continue
            if isinstance(known := made.get(_told_by(source, text_of(source))), tuple):
                found[number] = known
        waiting = [number for number in range(len(texts)) if number not in found]
        for _ in dataclasses.replace(effort, executor=None).carried_out(_read, [texts[n] for n in waiting], finished):
            pass
    return [found.get(n) or (() if n in found else (Unread(s.name, s.stem, INTERRUPTED),)) for n, s in enumerate(texts)]


def rules_given(name: str, data: bytes, unread: Callable[[Unread], None]) -> list[Rule | Failure]:
    """The same of what a request brings: the content of a file, or of an archive, that is called so."""
    found = (item for s in given(name, data) for item in ((s,) if isinstance(s, Unread) else read_source(s)))
    return rules_among(pack_of(map(whole, found)), unread)


MET_BEFORE = "a rule of the same identifier was read before: each is translated and packaged, unless --exclude leaves one aside"


def rules_among(found: Iterable[Rule | Unread], unread: Callable[[Unread], None]) -> list[Rule | Failure]:
    """The rules of what was read, and what should be one; ``unread`` is told of the rest, and of rules that were met before."""
    rules: list[Rule | Failure] = []
    met: set[str] = set()
    for item in found:
        if isinstance(item, Rule):
            rules.append(item)
            if item.id and item.id.lower() in met:
                unread(Unread(item.source, item.name, MET_BEFORE, *item.place(0), fault=False, again=True))
            met.add(item.id.lower())
        elif item.fault:
            rules.append(Failure(item.source, item.name, item.id, item.line, item.column, item.message))
        else:
            unread(item)
    return rules


def convert_pack(
    paths: Iterable[Path],
    targets: tuple[str, ...],
    options: Options,
    effort: Effort,
    progress: Callable[[int, int], None] = lambda done, total: None,
    prepare: Callable[[Conversion], object] | None = None,
    came: Callable[[Entry], Entry] = lambda entry: entry,
    left_out: Callable[[Path], bool] = lambda path: False,
    earlier: Earlier = lambda rule: None,
    made: Made | None = None,
    excluded: tuple[str, ...] = (),
    unread: Callable[[Unread], None] = lambda item: None,
) -> list[Entry]:
    """Converts every rule at ``paths``, in a stable order that does not depend on ``effort``.

    Args:
        progress: is told how many of how many are done.
        prepare: makes of a conversion what packages need; it can be pickled where processes are not forked.
        came: is given each entry when it has come, in the order of their ends, and gives what is to stand for it.
        left_out: whether a file is none of the pack.
        earlier: what an earlier run made of a rule, which then is not converted.
        made: what earlier runs made of rules, wherever their files were; where it keeps that, what is read of files is kept there too.
        excluded, unread: see ``rules_of``.
    """
    made = made or Made(None)
    readings = Made(made.base, extension="read")
    rules = rules_of(paths, effort, excluded, left_out, unread, readings)
    made.new, made.corrupt = made.new + readings.new, made.corrupt + readings.corrupt
    slugs = slugs_of(rules)
    entries = {n: Entry(slug, rule) for n, (slug, rule) in enumerate(zip(slugs, rules, strict=True)) if isinstance(rule, Failure)}
    for number, rule in enumerate(rules):
        if isinstance(rule, Rule) and (entry := earlier(rule) or _made(rule, made)) is not None:
            entries[number] = came(dataclasses.replace(entry, slug=slugs[number]))
    # The long ones first, as they take longest: no process then waits at the end for the other that has one.
    waiting = sorted(
        ((n, rule) for n, rule in enumerate(rules) if isinstance(rule, Rule) and n not in entries), key=lambda one: -len(one[1].query)
    )

    def finished(number: int, done: Done[object]) -> None:
        place, rule = waiting[number]
        entry = _entry(slugs[place], rule, done)
        if not done.stopped:
            made.put(dataclasses.replace(rule, source=""), (entry.result, entry.prepared))
        entries[place] = came(entry)
        progress(len(entries), len(rules))

    work = functools.partial(_convert_rule, targets=targets, options=options, prepare=prepare)
    with suppress(Interrupted):
        for _ in effort.carried_out(work, [rule for _, rule in waiting], finished):
            pass
    return [entries.get(n) or Entry(slugs[n], stopped(rule, INTERRUPTED)) for n, rule in enumerate(rules)]


def cache_for(targets: tuple[str, ...]) -> Path | None:
    """Where what is made for some targets is kept: not where a plug-in of pySigma writes, since what that depends on is not known here."""
    return None if any(t.startswith("pysigma:") for t in targets) else folder()


def made_before(targets: tuple[str, ...], options: Options, *parts: object) -> Made:
    """What earlier runs made of rules."""
    return Made(cache_for(targets), targets, options, *parts)


def _made(rule: Rule, made: Made) -> Entry | None:
    match made.get(dataclasses.replace(rule, source="")):
        case (Conversion() as found, prepared):
            return Entry("", dataclasses.replace(found, rule=rule), prepared)
        case (Failure() as found, _):
            return Entry("", dataclasses.replace(found, source=rule.source, rule=rule))
    return None


def _entry(slug: str, rule: Rule, done: Done[object]) -> Entry:
    """What came of a rule: where only the work for its packages was stopped, its conversion is there."""
    result, *more = done.found or (stopped(rule, done.stopped),)
    assert isinstance(result, Conversion | Failure)
    prepared: Any = more[0] if more else None
    if isinstance(result, Conversion):
        result = dataclasses.replace(result, rule=rule)  # which came back as another object
    return Entry(slug, result, prepared, done.stopped if isinstance(result, Conversion) else "")


def slugs_of(rules: Iterable[Rule | Failure]) -> list[str]:
    """File names of rules: what tells each from the others of its pack."""
    taken: dict[str, None] = {}
    numbers: dict[str, int] = {}
    for rule in rules:
        name, identifier = rule.name, rule.id
        base = slug(name)
        fresh = base
        if fresh in taken:
            fresh = f"{base}-{slug(identifier)[:8]}" if identifier else base
        while fresh in taken:
            numbers[base] = numbers.get(base, 1) + 1
            fresh = f"{base}-{numbers[base]}"
        taken[fresh] = None
    return list(taken)


def slug(name: str) -> str:
    """A file name that is safe everywhere: lower-case letters, digits and hyphens, at most 80 characters, never empty."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-")
    return f"{words}-rule" if re.fullmatch(r"con|prn|aux|nul|com\d|lpt\d", words) else words or "rule"


def output_files(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """The files of a rule's outputs: target, path relative to the output folder, text. Filters of exclusions are of no target."""
    if isinstance(entry.result, Conversion):
        for name, output in entry.result.outputs.items():
            if output.filters:
                yield "", f"sigma/filters/{entry.slug}.yml", output.filters
            paths = output_paths(entry, name.replace(":", "-"), target_of(name).extension, len(output.texts))
            yield from ((name, path, text.rstrip("\n") + "\n") for path, text in zip(paths, output.texts, strict=True))


def output_paths(entry: Entry, target: str, extension: str, count: int) -> list[str]:
    """The files of one output, relative to the output folder: one, or numbered ones."""
    if count == 1:
        return [f"{target}/{entry.slug}.{extension}"]
    return [f"{target}/{entry.slug}.{i + 1}.{extension}" for i in range(count)]
