"""What the parts of a walk hand each other: what is read above, rows of the stream, measures, places in stored columns."""

from __future__ import annotations

from dataclasses import dataclass

from translator import catalog
from translator.plan import operators as o
from translator.plan.expressions import Expr
from translator.targets.pipeline.language import Value
from translator.targets.pipeline.reading import read_by


@dataclass(frozen=True, slots=True)
class Above:
    """What the operators over a relation read of it, and what of that decides about rows; ``sorts``: what sorts rows does."""

    read: tuple[Expr, ...] = ()
    decides: tuple[Expr, ...] = ()
    sorts: bool = False

    def and_by(self, node: o.Relation, decides: set[int], shown: set[int]) -> Above:
        """The same for what is below an operator."""
        sorts = self.sorts or isinstance(node, o.Limit)
        deciding = read_by(node, decides) if sorts or not isinstance(node, o.Sort) else []
        return Above((*self.read, *read_by(node, decides | shown)), (*self.decides, *deciding), sorts)


@dataclass(frozen=True, slots=True)
class Part:
    """A relation as rows of the stream.

    ``flag`` is the field that is there on its rows, None where it is the whole stream.
    ``unique`` are the columns that no two rows of it have alike, None where none are known. ``spread``: each of its rows stands once for
    each event that it is made of, and is told from others by these fields; None where it stands once.
    ``tied``: of rows that ``unique`` tells not apart there may be several, of which any one will do.
    ``always``: it is the one row of a summary of everything, which there is of no events too, and whose columns all rows have.
    ``of_list``: it is rows of a list, of which there are none here where there are no events, as there are in KQL.
    """

    flag: str | None
    unique: frozenset[int] | None = None
    spread: tuple[str, ...] | None = None
    tied: bool = False
    always: bool = False
    of_list: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A term of a summary: what ``function`` finds of a value on the rows for which a condition holds.

    ``function`` is the name that KQL has for it over all rows; the ``count`` of rows has no value. ``rank`` is that of a percentile,
    ``length`` what to call the number of values, or of elements of a list, and ``texts`` the texts of a list that is searched, empty where
    nothing asks for them; ``exact`` says that a close number will not do.
    """

    name: str
    function: str
    value: Value | None
    condition: str | None
    rank: int = 0
    length: str = ""
    exact: bool = False
    texts: str = ""


@dataclass(frozen=True, slots=True)
class StoredPath:
    """A place inside of a table's column."""

    table: str
    column: str
    steps: tuple[str | int, ...] = ()

    def is_array(self) -> bool:
        """Whether nothing is known below but elements."""
        return catalog.is_array(self.table, self.column, self.steps)

    def is_plain(self) -> bool:
        """Whether it is known to hold no object and no array."""
        return catalog.inside(self.table, self.column, self.steps) == ()
