"""What is wrong with a text, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """One error. ``line`` and ``column`` count from 1, ``offset`` counts characters from 0."""

    offset: int
    line: int
    column: int
    message: str
    hint: str = ""

    @property
    def told(self) -> str:
        """The message with what it hints at."""
        return self.message + (f" ({self.hint})" if self.hint else "")

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.told}"


class KqlSyntaxError(Exception):
    """The text is no KQL. ``errors`` holds one or more problems, in the order of the text."""

    def __init__(self, errors: tuple[SyntaxProblem, ...]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character offset."""
    offset = max(0, min(offset, len(text)))
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def problem(text: str, offset: int, message: str, hint: str = "") -> SyntaxProblem:
    """A problem at a character of a text, with its line and column."""
    line, column = line_and_column(text, offset)
    return SyntaxProblem(offset, line, column, message, hint)


def suggestion(name: str, known: Iterable[str], cutoff: float = 0.75) -> str:
    """``: did you mean ...`` where a known name is close: ``cutoff`` of their letters are the same, as difflib counts."""
    by_lower = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=cutoff)
    return f": did you mean {by_lower[close[0]]}?" if close else ""


def excerpt(text: str, found: SyntaxProblem, width: int = 100) -> str:
    """The line of a problem with a caret under its column, cut to ``width`` characters around it."""
    lines = text.split("\n")
    line = lines[found.line - 1].rstrip("\r") if found.line <= len(lines) else ""
    start = max(0, found.column - 1 - width // 2) if len(line) > width else 0
    shown = line[start : start + width].replace("\t", " ")
    return f"{shown}\n{' ' * (found.column - 1 - start)}^"
