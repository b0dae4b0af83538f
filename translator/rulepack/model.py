"""A rule as its author wrote it, whatever file it came from."""

from __future__ import annotations

import bisect
import datetime
import re
from dataclasses import dataclass, field


class RuleFileError(Exception):
    """A file or a rule in it that cannot be read. ``line`` and ``column`` count from 1."""

    def __init__(self, path: str, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{path}:{line}:{column}: {message}")
        self.path, self.message, self.line, self.column = path, message, line, column


@dataclass(frozen=True, slots=True)
class Unread:
    """What was met where rules are read, and became none, with its place. ``line`` and ``column`` count from 1.

    ``fault`` tells whether it should have become one: a rule that cannot be read, not a picture or a text without a query. ``again``
    tells that it is one, which was met before.
    """

    source: str
    name: str
    message: str
    line: int = 1
    column: int = 1
    fault: bool = True
    id: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a workspace keeps, which rules call by its name. ``parameters`` are written as in KQL, without parentheses.

    Source: learn.microsoft.com/azure/azure-monitor/logs/functions.
    """

    source: str
    name: str
    parameters: str
    body: str


def shown(text: object) -> str:
    """A value as a message shows it: its beginning, where it is long."""
    said = str(text)
    return said if len(said) <= 60 else f"{said[:57]}..."


@dataclass(frozen=True, slots=True)
class TextMap:
    """Where a query stands in its file: offsets in the query (from 0), each with the line and column (from 1) of the file that is there."""

    pieces: tuple[tuple[int, int, int], ...]
    before: tuple[int, int] | None = None
    """The place of what stands before the first piece, where that is not the file's own text."""

    @classmethod
    def locate(cls, query: str, file_lines: list[str], first: int) -> TextMap:
        """A map for a query whose lines are the file's from index ``first`` (from 0) on, each indented somehow."""
        found, offset = [], 0
        for number, text in enumerate(query.split("\n")):
            index = first + number
            inside = file_lines[index].find(text) if index < len(file_lines) and text else 0
            found.append((offset, index + 1, max(inside, 0) + 1))
            offset += len(text) + 1
        return cls(tuple(found))

    @classmethod
    def joined(cls, query: str, file_lines: list[str], first: int, column: int) -> TextMap:
        """A map for a query of which several of the file's lines may be one, the text of the first from ``column`` (from 0) on.

        A line that reads otherwise in the query is left out of it.
        """
        found, offset, lost = [(0, first + 1, column + 1)], 0, False
        for index, line in enumerate(file_lines[first:], first):
            start = column if index == first else 0
            text = line[start:].strip()
            at = query.find(text, offset)
            if text and at >= 0 and (lost or not query[offset:at].strip()):
                found.append((at, index + 1, line.index(text, start) + 1))
                offset, lost = at + len(text), False
            elif text:
                lost = True
        return cls(tuple(found))

    def place(self, query: str, offset: int) -> tuple[int, int]:
        """Line and column in the file of a character offset in the query."""
        offset = max(0, min(offset, len(query)))
        if self.before is not None and offset < self.pieces[0][0]:
            return self.before
        start, line, column = self.pieces[max(0, bisect.bisect_right(self.pieces, offset, key=lambda piece: piece[0]) - 1)]
        return line, column + offset - start

    def joins(self, start: int, end: int) -> int:
        """How many lines of the file begin between two offsets that are on one line of the query."""
        follow = zip(self.pieces, self.pieces[1:], strict=False)
        return sum(start < at < end and line > before for (_, before, _), (at, line, _) in follow)

    def part(self, query: str, start: int) -> TextMap:
        """A map for the part of the query that begins at an offset."""
        following = tuple((at - start, line, column) for at, line, column in self.pieces if at > start)
        return TextMap(((0, *self.place(query, start)), *following))

    def behind(self, length: int) -> TextMap:
        """A map for the query with as many characters before it that stand in no file: their place is that of the query."""
        _, line, column = self.pieces[0]
        return TextMap(tuple((at + length, line, column) for at, line, column in self.pieces), (line, column))


@dataclass(frozen=True, slots=True)
class EntityMapping:
    """An entity of the alert: its type (``IP``), the identifier (``Address``), and the column of the result that has it."""

    type: str
    identifier: str
    column: str


@dataclass(frozen=True, slots=True)
class Connector:
    """A data connector that the rule needs, and the tables that it brings."""

    id: str
    data_types: tuple[str, ...]


OPERATORS = {"gt": ">", "greaterthan": ">", "lt": "<", "lessthan": "<", "eq": "==", "equal": "==", "ne": "!=", "notequal": "!="}
"""How a rule compares the number of its rows, by how it writes that in small letters."""

TOKEN = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
"""A column named in the format of an alert's title or description."""


@dataclass(frozen=True, slots=True)
class AlertDetails:
    """What an alert takes from the rows: formats hold ``{{Column}}``; the others are names of columns.

    Source: learn.microsoft.com/azure/sentinel/customize-alert-details.
    """

    title: str = ""
    description: str = ""
    severity: str = ""
    tactics: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    """Further properties of the alert, each with its column."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """What becomes of alerts: ``created`` says whether they are incidents, ``grouped`` whether alerts join one, within ``lookback``."""

    created: bool = True
    grouped: bool = False
    lookback: int | None = None
    matching: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Times are in seconds; ``severity`` and ``kind`` are lower case or empty, ``kind`` one of scheduled, nrt and hunting.

    ``suppression`` is how long the rule rests after an alert; ``grouping`` is ``single`` for one alert a run, ``each`` for one a row, or
    empty.
    """

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
    kind: str = ""
    enabled: bool = True
    suppression: int | None = None
    grouping: str = ""
    custom_details: tuple[tuple[str, str], ...] = ()
    details: AlertDetails = AlertDetails()
    incidents: Incidents = Incidents()
    exclusions: tuple[str, ...] = ()
    """Predicates in KQL that hold for events which are no false positives, beside the query."""
    scope: tuple[str, ...] = ()
    """The groups of devices whose events alone it looks at; all events where there are none."""
    prelude: int = 0
    """How many characters of the query define functions of its pack, which stand in other files."""

    @property
    def own_query(self) -> str:
        """The query as it stands in the rule's file."""
        return self.query[self.prelude :]

    @property
    def day(self) -> str:
        """The rule's date as 2026-01-31; empty where it states none that is one."""
        found = re.match(r"(\d{4})[-/](\d{2})[-/](\d{2})(?!\d)", self.date)
        try:
            return datetime.date.fromisoformat("-".join(found.groups())).isoformat() if found else ""
        except ValueError:
            return ""

    @property
    def alert_columns(self) -> tuple[str, ...]:
        """The columns that an alert is made of: those of its entities, its details and what its title and description name."""
        d = self.details
        named = [m for text in (d.title, d.description) for m in TOKEN.findall(text)]
        columns = [e.column for e in self.entities] + [c for _, c in (*self.custom_details, *d.properties)]
        return tuple(dict.fromkeys(c for c in (*columns, *named, d.severity, d.tactics) if c))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column in the rule's file of an offset in its query."""
        return self.text_map.place(self.query, offset)


_ISO = re.compile(r"P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?", re.I)
_SHORT = re.compile(r"(\d{1,9})\s*(?:(w)(?:eeks?)?|(d)(?:ays?)?|(h)(?:(?:ou)?rs?)?|(m)(?:in(?:ute)?s?)?|(s)(?:ec(?:ond)?s?)?)", re.I)
_CLOCK = re.compile(r"(?:(\d{1,6})(?:[.:]| days?, ))?(\d{1,2}):(\d{2}):(\d{2})(?:\.\d+)?")
_UNITS = (604_800, 86_400, 3_600, 60, 1)


def seconds(text: object) -> int | None:
    """Seconds of a length of time as rules write it: ``1d``, ``5h``, ``P1D``, ``PT5H``, ``01:00:00``, ``1.00:00:00``; else None.

    What Python writes, as ``1 day, 0:00:00``, stands in answers of the Azure CLI.
    """
    written = str(text if text is not None else "").strip()
    if found := _SHORT.fullmatch(written):
        return int(found[1]) * next(size for unit, size in zip(found.groups()[1:], _UNITS, strict=True) if unit)
    if len(written) > 1 and not written.upper().endswith("T") and (iso := _ISO.fullmatch(written)):
        return sum(int(g or 0) * size for g, size in zip(iso.groups(), _UNITS, strict=True))
    if clock := _CLOCK.fullmatch(written):
        return sum(int(g or 0) * size for g, size in zip(clock.groups(), _UNITS[1:], strict=True))
    return None
