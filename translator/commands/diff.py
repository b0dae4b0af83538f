"""``kql2sigma diff``: which rules changed verdict, readiness or text between two runs, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from translator.commands.common import line, write_json
from translator.commands.writing import below, digest, read_report

_NONE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Run:
    """What a run wrote.

    Attributes:
        rules: its rules, as its report has them.
        digests: what tells its texts from others, by name, as far as they are known.
        folder: where the texts are; None where the report alone is there.
    """

    rules: tuple[Mapping[str, Any], ...]
    digests: Mapping[str, str]
    folder: Path | None

    def digests_of(self, output: Mapping[str, Any]) -> list[str | None]:
        """What tells the texts of an output from others; None for each of which nothing is known."""
        return [self._text(name) for name in _listed(output, "paths") if isinstance(name, str)]

    def _text(self, name: str) -> str | None:
        if name in self.digests or self.folder is None:
            return self.digests.get(name)
        try:
            return digest(name, below(self.folder.resolve(), name).read_bytes())
        except Exception:  # of whatever cause, the text is not known
            return None


def run_of(path: Path) -> Run:
    """A run by its output folder or its report. Raises UsageProblem where it cannot be read."""
    found = read_report(path)
    files = found.get("files")
    return Run(
        tuple(r for r in found["rules"] if isinstance(r, dict)),
        {k: v for k, v in files.items() if isinstance(v, str)} if isinstance(files, dict) else {},
        path if path.is_dir() else None,
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What changed of a rule.

    Attributes:
        target: of which output; empty for the rule as a whole.
        what: ``rule``, ``verdict``, ``readiness``, ``text`` or ``proof``.
        why: what is said now and was not said, and the other way around.
    """

    source: str
    name: str
    target: str
    what: str
    old: str
    new: str
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        of = f"{self.target}: " if self.target else ""
        same = self.what == "text"
        return f"{self.name} ({self.source}): {of}" + ("other text" if same else f"{self.what} {self.old} -> {self.new}")


def changes(old: Run, new: Run) -> Iterator[Change]:
    """What changed from one run to another, rule by rule, in the order of the new one."""
    pairs = list(_pairs(old.rules, new.rules))
    for before, after in pairs:
        yield from _of_rule(old, new, before, after)


def _pairs(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The rules of both runs: the same file and name, else the same identifier, else the same name, where it is one rule's alone."""
    left, waiting = list(old), list(new)
    partners: dict[int, Mapping[str, Any]] = {}
    for keys in (("source", "name"), ("id",), ("name",), ("source",)):
        known = Counter(_key(r, keys) for r in left)
        asked = Counter(_key(r, keys) for r in waiting if id(r) not in partners)
        by_key = {_key(r, keys): r for r in left}
        for rule in waiting:
            key = _key(rule, keys)
            if id(rule) not in partners and all(key) and known[key] == asked[key] == 1:
                partners[id(rule)] = by_key[key]
        taken = {id(r) for r in partners.values()}
        left = [r for r in left if id(r) not in taken]
    yield from ((partners.get(id(rule), _NONE), rule) for rule in waiting)
    yield from ((rule, _NONE) for rule in left)


def _key(rule: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(rule.get(name) or "") for name in names)


def _of_rule(old: Run, new: Run, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    one = after or before
    about = str(one.get("source", "")), str(one.get("name", ""))
    states = [str(r.get("status", "absent")) for r in (before, after)]
    if states[0] != states[1] and ("absent" in states or "failed" in states):
        yield Change(*about, "", "rule", states[0], states[1], tuple(_error(before, "-")) + tuple(_error(after, "+")))
        return
    if after.get("status") == "failed" and before.get("error") != after.get("error"):
        yield Change(*about, "", "error", _message(before), _message(after))
        return
    was, now = _outputs(before), _outputs(after)
    for target in [*now, *(t for t in was if t not in now)]:
        first, second = was.get(target, _NONE), now.get(target, _NONE)
        why = tuple(_said(first, second))
        told = False
        for what in ("verdict", "readiness", "proof"):
            value, other = _value(first, what), _value(second, what)
            if value != other:
                yield Change(*about, target, what, value, other, () if told else why)
                told = True
        if (texts := [old.digests_of(first), new.digests_of(second)])[0] != texts[1] and None not in (*texts[0], *texts[1]):
            yield Change(*about, target, "text", "", "", () if told else why)


def _outputs(rule: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found = rule.get("outputs")
    return {str(t): o for t, o in found.items() if isinstance(o, dict)} if isinstance(found, dict) else {}


def _value(output: Mapping[str, Any], what: str) -> str:
    found = output.get(what)
    return str(found.get("outcome") if isinstance(found, dict) else found) if found is not None else "absent"


def _message(rule: Mapping[str, Any]) -> str:
    error = rule.get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else ""


def _error(rule: Mapping[str, Any], sign: str) -> Iterator[str]:
    if message := _message(rule):
        yield f"{sign} {message}"


def _said(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """The diagnostics that only one of two outputs has, and what only one lacks."""
    words = list(_words(old)), list(_words(new))
    for sign, own, others in (("-", words[0], set(words[1])), ("+", words[1], set(words[0]))):
        yield from (f"{sign} {text}" for text in own if text not in others)


def _words(output: Mapping[str, Any]) -> Iterator[str]:
    if "lane" in output:
        yield f"lane {output['lane']}"
    for found in _listed(output, "diagnostics"):
        if isinstance(found, dict):
            word = "note" if found.get("direction") == "exact" else found.get("direction")
            yield f"{word}: {found.get('message')} ({found.get('code')})"
    for found in _listed(output, "missing"):
        if isinstance(found, dict):
            yield f"no name is known for {', '.join(map(str, _listed(found, 'fields')))} of {found.get('table')}"
    for found in _listed(output, "reads"):
        if isinstance(found, dict):
            yield f"{found.get('table')} is read from {found.get('home') or 'no home that is known'}, {found.get('place')}"
    yield from (f"to be set up: {found}" for found in _listed(output, "set_up"))


def _listed(data: Mapping[str, Any], name: str) -> list[Any]:
    """A list of a report, whoever wrote that; an empty one where there is none."""
    found = data.get(name)
    return found if isinstance(found, list) else []


def _kind(change: Change) -> str:
    """What a change counts as: a rule that has come is new, one that has gone is gone."""
    if change.what != "rule":
        return change.what
    return "gone" if change.new == "absent" else "new" if change.old == "absent" else change.new


def _counted(found: Iterable[Change]) -> str:
    """How many rules changed, and how many changes of each kind there are."""
    changed = list(found)
    rules = len({(c.source, c.name) for c in changed})
    kinds = Counter(_kind(c) for c in changed)
    return f"{rules} rule{'s' * (rules != 1)} changed: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items())


def print_diff(old: Path, new: Path, form: str) -> int:
    """Prints what changed. The exit status: 1 where anything did.

    Raises:
        UsageProblem: where a report cannot be read.
    """
    found = list(changes(run_of(old), run_of(new)))
    if form == "json":
        names = ("source", "name", "target", "what", "old", "new")
        write_json([{**{n: getattr(c, n) for n in names}, "why": list(c.why)} for c in found])
        return int(bool(found))
    for change in found:
        click.echo(line(str(change)))
        for text in change.why:
            click.echo(f"    {line(text)}")
    click.echo(_counted(found) if found else "nothing changed")
    return int(bool(found))
