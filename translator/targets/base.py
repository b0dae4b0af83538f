"""What every target shares: its protocol, the options, and the result of a translation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from translator.catalog.site import Site
from translator.detection.model import Detection, Trigger
from translator.fidelity import Diagnostic, Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Options:
    """``fields`` is ``target`` or ``source``; ``mapping`` gives field names by target, table and column; ``dialect`` is that of SQL.

    ``prefer`` is ``exact`` or ``portable``: whether Sigma keeps case and terms, or what every backend can say; ``pipelines`` are
    pySigma's processing pipelines for ``pysigma:NAME`` targets; ``homes`` are names of homes to take where a table has them;
    ``site`` is what a site says of its own logs; ``splunk_model`` is ``cim`` where data models of the CIM are preferred to source types;
    ``author`` and ``date`` (as 2026-01-31) stand for those that a rule does not state.
    """

    fields: str = "target"
    timespan: int = 86_400
    mapping: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    dialect: str = "duckdb"
    prefer: str = "exact"
    pipelines: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    site: Site = field(default_factory=Site)
    splunk_model: str = "none"
    author: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for a word that is none of an option's."""
        for option, words in (("fields", ("target", "source")), ("prefer", ("exact", "portable")), ("splunk_model", ("none", "cim"))):
            if (given := getattr(self, option)) not in words:
                raise ValueError(f"{option} is {' or '.join(words)}, not {given!r}")


class Readiness(Enum):
    """Whether a product has the events and fields that an output names."""

    READY = "ready"
    SET_UP = "set-up"
    NAMES = "names"


@dataclass(frozen=True, slots=True)
class Read:
    """A place that an output reads for a table: ``home`` is the add-on or integration that brings it; both empty where none is known.

    ``dataset`` is what Elastic calls the place; ``apart`` tells the table's events from others there.
    """

    table: str
    home: str = ""
    place: str = ""
    dataset: str = ""
    apart: str = ""


TIMES: Mapping[str, str] = MappingProxyType({"splunk": "_time", "elastic": "@timestamp", "sigma": "@timestamp"})
"""The field with the time of an event, by family of products."""

VALUE = "value"
"""What a list calls the values that it holds, and so does the search that fills it."""

LISTED = ("listed", "yes")
"""A column that all rows of a list have, and what it holds, where a product finds all of them by it."""

NamesByTable: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]


def by_table(pairs: Iterable[tuple[str, tuple[str, ...]]]) -> NamesByTable:
    """Names by table, each table and each of its names once."""
    found: dict[str, dict[str, None]] = {}
    for table, names in pairs:
        found.setdefault(table, {}).update(dict.fromkeys(names))
    return tuple((table, tuple(names)) for table, names in found.items())


def mixed(table: str, home: str, other: str) -> str:
    """What is said where the events of another table are in the home of one, and nothing tells them apart there."""
    return f"{table} in {home}: the events of {other} are there as well"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where an output reads, ``missing`` names by table, and what must be ``set_up`` in the product before it runs.

    ``places`` are those inside of the product's fields that are fields of their own, by table: part of what is set up.
    """

    reads: tuple[Read, ...]
    missing: NamesByTable = ()
    set_up: tuple[str, ...] = ()
    places: NamesByTable = ()

    @property
    def readiness(self) -> Readiness:
        """``names`` where something has no home or field, ``set-up`` where something is to be set up, else ``ready``."""
        if self.missing or any(not read.home for read in self.reads):
            return Readiness.NAMES
        return Readiness.SET_UP if self.set_up else Readiness.READY


@dataclass(frozen=True, slots=True)
class Output:
    """What one target got: query texts (one a file), the verdict, and why."""

    target: str
    texts: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    lane: str = "native"
    filters: str = ""
    """Sigma filters from the exclusions that the rule brings; they are no part of what the verdict is about."""
    lookback: int | None = None
    """Seconds that the search has to look back, where that is not its detection's."""
    since: float | None = None
    """The moment, in seconds since 1970, since when the texts themselves look for events, however far the search looks back."""
    alerting: int = 0
    """The length in seconds of the time in which events alert, where the search looks farther back; else 0."""
    timed: bool = False
    """Whether each part of the detection has its own window in the text."""
    deployment: Deployment | None = None
    """None where names are the KQL's own, and for what is no detection."""
    macros: Mapping[str, str] = field(default_factory=dict)
    """Parts of the texts that a package writes as macros, by name."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The product's types of fields that it names."""
    lookups: Mapping[str, str] = field(default_factory=dict)
    """The lists that the product must have, by name, and how values are found in each: ``exact``, ``caseless``, or ``within`` a text."""
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The lists whose rows the output reads, by name, with their columns."""
    histories: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """The searches for what some of the lists hold, as rows of ``value`` and ``event_count``, with how many seconds each looks back."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """What its rows call the columns of the query that they show."""
    head: Detection | None = None
    """What selects the events of an output of the pipeline lane."""
    homes: tuple[str, ...] = ()
    """The homes that it takes besides those that are taken anyway: their setting is presumed."""
    instead: Deployment | None = None
    """Where it would read, and the names that it would lack, without these; None where it takes none for their names."""
    trigger: Trigger | None = None
    """What the end of the text asks of the number of rows, which a package may leave to the alert's own condition."""

    @property
    def verdict(self) -> Verdict:
        """What its diagnostics come to; ``none`` where there is no text."""
        return verdict_of(self.diagnostics) if self.texts else Verdict.NONE

    def outline(self) -> Output:
        """The same with no more of its own detection than that has in its outline."""
        return self if self.head is None else replace(self, head=self.head.outline())

    @property
    def readiness(self) -> Readiness | None:
        """Whether the product has its events and fields; None where that is not asked, or there is no text."""
        return self.deployment.readiness if self.texts and self.deployment is not None else None

    @property
    def text(self) -> str:
        """All its queries, one a line."""
        return "\n".join(self.texts)


class Cannot(Exception):
    """The target has no spelling for this: the output is refused, with this diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


_MOST_NAMES = 12


def some_of(names: Sequence[str]) -> str:
    """Names as a sentence has them: the first ones, and how many more there are."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
