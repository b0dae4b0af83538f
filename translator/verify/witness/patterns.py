"""The pattern of ``parse`` as a regular expression (learn.microsoft.com/kusto/query/parse-operator)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from translator.plan import operators as o
from translator.plan.expressions import Column
from translator.plan.types import Type
from translator.verify.witness.model import NotKnown
from translator.verify.witness.texts import matching

_FLAGS_FIRST = re.compile(r"^\(\?([ims]+)\)(.*)$", re.S)
_FLAGS = {"i": re.I, "m": re.M, "s": re.S}


@dataclass(frozen=True, slots=True)
class Pieces:
    """What matches the whole text.

    Attributes:
        pattern: with a group for each column; a number is read from digits alone.
        groups: the numbers of these groups.
        between: a text for each of the parts of the pattern that are no columns.
    """

    pattern: re.Pattern[str]
    groups: tuple[int, ...]
    between: tuple[str | Column, ...]

    def of(self, text: str) -> list[str] | None:
        """The texts of the columns; None where the text is not of the pattern."""
        found = self.pattern.fullmatch(text)
        return None if found is None else [found[n] or "" for n in self.groups]

    def text(self, values: Iterable[str]) -> str:
        """A text of the pattern with these texts of the columns."""
        held = iter(values)
        return "".join(part if isinstance(part, str) else next(held) for part in self.between)


def pieces(parse: o.Parse) -> Pieces:
    """The pattern of a parse, as far as Python's regular expressions can say it.

    Raises:
        NotKnown: for a regular expression that they cannot.
    """
    regex = parse.kind == "regex"
    lazy = not regex or "U" in parse.flags
    last = len(parse.pattern) - 1
    out, groups, between, count = "", list[int](), list[str | Column](), 0
    for number, step in enumerate(parse.pattern):
        match step:
            case str():
                out += f"(?:{_FLAGS_FIRST.sub(_around, step)})" if regex else re.escape(step)
                count += _compiled(step, 0, parse).groups if regex else 0
                between.append(next(matching(step), "") if regex else step)
                continue
            case None:
                out += ".*?" if lazy and number != last else ".*"
                between.append("")
                continue
            case Column(type=Type.LONG | Type.INT):
                out += r"\s*(-?\d+)"
            case _:
                out += "(.*?)" if lazy and (regex or number != last) else "(.*)"
        count += 1
        groups.append(count)
        between.append(step)
    flags = sum((_FLAGS.get(f, re.NOFLAG) for f in parse.flags), re.NOFLAG) if regex else re.S
    return Pieces(_compiled(rf"(?s:.*?)(?:{out})(?s:.*)" if regex else out, flags, parse), tuple(groups), tuple(between))


def _around(found: re.Match[str]) -> str:
    """Flags at the beginning of a part, for that part alone."""
    return f"(?{found[1]}:{found[2]})"


def _compiled(pattern: str, flags: re.RegexFlag | int, parse: o.Parse) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise NotKnown(f"parse with a regular expression that Python cannot read: {error}", parse.span) from error
