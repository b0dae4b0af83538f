"""A rule as its author wrote it, whatever file it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


class RuleFileError(Exception):
    """A file or a rule in it that cannot be read. ``line`` and ``column`` count from 1."""

    def __init__(self, path: str, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{path}:{line}:{column}: {message}")
        self.path, self.message, self.line, self.column = path, message, line, column


@dataclass(frozen=True, slots=True)
class TextMap:
    """Where the lines of a query stand in its file: for each line its number (from 1) and the column its text starts at."""

    lines: tuple[tuple[int, int], ...]

    @classmethod
    def locate(cls, query: str, file_lines: list[str], first: int) -> TextMap:
        """A map for a query whose lines are the file's from index ``first`` (from 0) on, each indented somehow."""
        found = []
        for number, text in enumerate(query.split("\n")):
            index = first + number
            inside = file_lines[index].find(text) if index < len(file_lines) and text else 0
            found.append((index + 1, max(inside, 0) + 1))
        return cls(tuple(found))

    def place(self, query: str, offset: int) -> tuple[int, int]:
        """Line and column in the file of a character offset in the query."""
        offset = max(0, min(offset, len(query)))
        number = query.count("\n", 0, offset)
        column = offset - (query.rfind("\n", 0, offset) + 1)
        line, start = self.lines[min(number, len(self.lines) - 1)] if self.lines else (number + 1, 1)
        return line, start + column


@dataclass(frozen=True, slots=True)
class EntityMapping:
    type: str
    identifier: str
    column: str


@dataclass(frozen=True, slots=True)
class Connector:
    id: str
    data_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Times are in seconds; ``severity`` is lower case or empty."""

    source: str
    id: str
    name: str
    query: str
    text_map: TextMap
    description: str = ""
    severity: str = ""
    status: str = ""
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    entities: tuple[EntityMapping, ...] = ()
    connectors: tuple[Connector, ...] = ()
    frequency: int | None = None
    period: int | None = None
    trigger_operator: str = ""
    trigger_threshold: int | None = None
    author: str = ""
    version: str = ""
    date: str = ""
    references: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    tags: tuple[str, ...] = field(default=())
    exclusions: tuple[str, ...] = ()
    """Predicates in KQL that hold for events which are no false positives, beside the query."""

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column in the rule's file of an offset in its query."""
        return self.text_map.place(self.query, offset)


_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.I)
_SHORT = re.compile(r"(\d+)\s*(d|h|m|s)[a-z]*", re.I)


def seconds(text: object) -> int | None:
    """Seconds of a period as rules write it: ``1d``, ``5h``, ``P1D``, ``PT5H``; None where it is none of these."""
    written = str(text or "").strip()
    if found := _SHORT.fullmatch(written):
        return int(found[1]) * {"d": 86_400, "h": 3_600, "m": 60, "s": 1}[found[2].lower()]
    if len(written) > 1 and (iso := _DURATION.fullmatch(written)):
        days, hours, minutes, secs = (int(g or 0) for g in iso.groups())
        return days * 86_400 + hours * 3_600 + minutes * 60 + secs
    return None


def read_text(path: Path) -> str:
    """The text of a file, or a RuleFileError that says why there is none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RuleFileError(str(path), f"cannot be read: {error.strerror}") from error
    if b"\0" in data[:8192]:
        raise RuleFileError(str(path), "this is a binary file, not a rule")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RuleFileError(str(path), "this file is not UTF-8 text", line) from error
    if not text.strip():
        raise RuleFileError(str(path), "this file is empty")
    return text.replace("\r\n", "\n")
