"""What the commands of a search share while it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from translator.verify.reading import Lists, NotReadable, Row
from translator.verify.spl.syntax import Command, Inner


@dataclass(frozen=True, slots=True)
class Run:
    """How a search is run.

    Attributes:
        events: what is stored, the newest first.
        lists: the rows of lookups by their names.
        moment: when the search is run, in seconds of the epoch; None where that is not told.
        unknown: whether a null under NOT, AND and OR is unknown; else it is false.
        texts_are_numbers: whether eval expressions compare two texts as numbers where both look like numbers; None where that is not known.
        any_index: whether events are in each index that is asked for, but those of Splunk itself, which begin with a low line.
        carried: what of an event stays with a result whichever of its fields are shown; nothing where an inner search is run.
    """

    events: Sequence[Row] = ()
    lists: Lists = field(default_factory=dict)
    moment: float | None = None
    unknown: bool = False
    texts_are_numbers: bool | None = None
    any_index: bool = False
    carried: str = ""

    def now(self) -> float:
        """When the search is run.

        Raises:
            NotReadable: where that is not told.
        """
        if self.moment is None:
            raise NotReadable("the time of the search, which is not told")
        return self.moment

    def listed(self, name: str) -> Sequence[Row]:
        """The rows of a lookup, by the name of its definition or of its file.

        Raises:
            NotReadable: where it is not given.
        """
        for key in (name, name.removesuffix(".csv"), f"{name}.csv"):
            if key in self.lists:
                return [dict(row) for row in self.lists[key]]
        raise NotReadable(f"the lookup {name}, which is not given")


GENERATING = frozenset({"tstats", "from", "inputlookup", "makeresults", "multisearch", "union"})
"""The commands that a search may begin with after a pipe (Search Reference, "Command types")."""

FIRST = frozenset({"tstats", "from", "makeresults", "multisearch"})
"""Those of them that a search may only begin with."""

Step: TypeAlias = Callable[[list[Row], Run], list[Row]]
"""What a command makes of results."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was read.

    Attributes:
        names: its commands.
        steps: what each does.
        top: whether it is no inner search.
    """

    names: tuple[str, ...]
    steps: tuple[Step, ...]
    top: bool = False

    def results(self, run: Run) -> list[Row]:
        """What it finds by itself: of the events, or of what its first command generates.

        Raises:
            NotReadable: where its first command only changes results.
        """
        if not GENERATING.union({"search"}).intersection(self.names[:1]):
            raise NotReadable(f"a search that begins with {''.join(self.names[:1])}")
        run = run if self.top else replace(run, carried="")
        return self.applied([dict(e) for e in run.events] if self.names[:1] == ("search",) else [], run)

    def applied(self, rows: list[Row], run: Run) -> list[Row]:
        """What it makes of results."""
        for step in self.steps:
            rows = step(rows, run)
        return rows


Reader: TypeAlias = Callable[[Inner], Search]
"""Reads a search in brackets."""

Maker: TypeAlias = Callable[[Command, Reader], Step]
"""Reads the arguments of a command; raises NotReadable for what is not known."""
