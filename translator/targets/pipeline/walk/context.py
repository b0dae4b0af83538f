"""What all parts of a walk share: its state, what each language says for itself, and how parts of the stream are kept apart."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import ClassVar

from translator.fidelity import Diagnostic, Notes
from translator.plan import operators as o
from translator.plan.expressions import Column, Expr, Subquery
from translator.plan.types import Type
from translator.regex import syntax
from translator.targets.base import Cannot
from translator.targets.names import free_of
from translator.targets.pipeline.cases import Head, PipelineCase, overlaps
from translator.targets.pipeline.language import Command, Language, Value
from translator.targets.pipeline.values import Values
from translator.targets.pipeline.walk.parts import Above, Measure, Part, StoredPath

SHOWN_NUL = "\u2400"
"""What stands for a NUL where products have texts without: the symbol for it, which is no letter of a term either."""


class Context(Notes, ABC):
    """A walk over one plan, command by command so far.

    ``percentiles`` and ``lists`` say how those of the language differ from KQL's; ``chooses_lists``: several values may be chosen like one,
    ``keeps_rows``: what ``across`` gives of several rows is of one of them, where no value is missing.
    ``row_kind`` is what kind of value tells rows from each other.
    ``list_mark`` is a column that all rows of a list have to have, by which they are found; empty where they need none.
    ``untold`` are the flags of rows of which there may be several alike that are made of one event, None those of all rows; ``several``:
    all that are made of one event may differ in columns that do not tell them apart.
    """

    language: ClassVar[Language]
    percentiles: ClassVar[str]
    lists: ClassVar[str]
    chooses_lists: ClassVar[bool] = False
    keeps_rows: ClassVar[bool] = False
    row_kind: ClassVar[str] = "int"
    list_mark: ClassVar[str] = ""

    def __init__(self, case: PipelineCase, head: Head) -> None:
        super().__init__()
        self.loose = case.loose
        self.cut, self.names, self.flags = case.cut, case.names, head.flags
        self.open = {flag: frozenset({number}) for number, flag in enumerate(head.flags)}
        self.overlaps, self.apart = overlaps(case), False
        self.taken, self.decides, self.shown = set(head.taken), case.decides, case.shown
        self.fields, self.columns = dict(head.fields), dict[int, Value]()
        self.commands = list(head.commands)
        self.sorted: tuple[o.Ordering, ...] = ()
        self.lengths, self.searched, self.positive = set[int](), set[int](), set[Expr]()
        self.places, self.made, self.constants = dict[int, StoredPath](), dict[int, Expr](), set[int]()
        self.unrolled, self.elements = dict[int, frozenset[int]](), dict[int, tuple[str, Value]]()
        self.changed, self.computed_as = set[str](), dict[tuple[int, str], str]()
        self.untold, self.several = set[str | None](), False
        self.flag_of = dict[int, str]()
        self.tables = dict[str, tuple[str, ...]]()

    @abstractmethod
    def part(self, node: o.Relation, above: Above) -> Part:
        """Writes a relation. ``above`` is what is read of it by the operators over it."""

    @abstractmethod
    def values(self) -> Values:
        """Writes expressions over the rows as they are at this place of the pipeline."""

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A column in an expression."""

    @abstractmethod
    def name_of(self, value: Value) -> str | None:
        """The field that a value is, where it is one."""

    @abstractmethod
    def where(self, condition: str) -> Command:
        """The command that leaves the rows for which a condition holds."""

    @abstractmethod
    def eval(self, pairs: list[tuple[str, str]]) -> Command:
        """The command that gives each row fields, by their names and what they are."""

    def listed(self, node: o.External, name: str, flag: str) -> None:
        """Adds the rows of a list to the stream, which alone have a flag.

        Args:
            name: what the product calls the list.

        Raises:
            Cannot: where the language has no words for it.
        """
        raise Cannot(Diagnostic("unsupported-operator", f"the rows of a {node.kind} beside events are not supported here", node.span))

    @abstractmethod
    def term(self, measure: Measure, flag: str | None) -> tuple[str, list[tuple[str, str]]]:
        """The term of a summary for a measure of the rows that have a flag, and what has to be computed before it.

        Raises:
            Cannot: where the language has no words for it.
        """

    @abstractmethod
    def across(self, flag: str, number: str, kept: list[tuple[str, Value]], by: list[str]) -> None:
        """Gives all rows with a key how many of them have a flag, and values of those.

        Args:
            number: what to call how many they are.
            kept: names for the values.
            by: the keys.
        """

    @abstractmethod
    def sort(self, keys: list[tuple[str, bool]]) -> Command:
        """The command that sorts all rows by fields, each with whether the greatest comes first."""

    @abstractmethod
    def limit(self, count: int) -> Command:
        """The command that leaves the first rows, at most so many."""

    @abstractmethod
    def distinct(self, names: list[str]) -> Command:
        """The command that leaves one row for each combination of these fields."""

    @abstractmethod
    def once(self, names: tuple[str, ...]) -> None:
        """Leaves one of the rows that these fields do not tell apart, with all of its columns."""

    def shifted(self, pairs: list[tuple[str, str]], behind: bool) -> None:
        """Gives each row values of the one before it, or ``behind`` it, by the fields that they are in and names for them.

        Raises:
            Cannot: where the language has no words for it.
        """
        raise Cannot(Diagnostic("unsupported-operator", "rows next to others are not supported here", None))

    def filled(self, value: Value) -> str:
        """A value that may be missing as one that is there, for keys; nothing where the language has no such."""
        return ""

    def captured(self, names: list[str], field: str, tree: syntax.Node, several: bool) -> list[Command] | None:
        """The commands that take from a text what the groups of a regular expression hold; None where the language has none.

        Args:
            names: those of the groups, which are empty where nothing matches.
            several: whether the one group is taken of every match, and missing where there is none.
        """
        return None

    def decoded(self, column: Column, text: str, nuls: bool) -> str | None:
        """Decodes the base64 in a text, an empty text where it is none of valid UTF-8. Returns its name; None for no commands.

        Args:
            nuls: whether ``SHOWN_NUL`` stands for each NUL, of which there are none otherwise.
        """
        return None

    def by_letters(self, name: str) -> str:
        """What sorts rows by a text as KQL does."""
        raise Cannot(Diagnostic("unsupported-operator", "rows sorted by a text are not supported here", None))

    def shown_as(self, value: Value) -> str | None:
        """What a value is called in the result other than by its column's name; None where nothing."""
        return None

    def free(self, name: str) -> str:
        """A name for a field of the walk's own."""
        return self.named(Column(-1, name, Type.LONG))

    def named(self, column: Column) -> str:
        """A name for a column that is to be made: its own, unless that still means something else."""
        name = free_of(column.name if column.name.isascii() and column.name.isidentifier() else "value", self.taken)
        self.taken.add(name)
        return name

    def needed(self, column: Column) -> bool:
        """Whether a column decides or is shown; what the walk itself makes is."""
        return column.id < 0 or column.id in self.decides or column.id in self.shown

    def is_vital(self, column: Column) -> bool:
        """Whether nothing is written without a column."""
        return column.id in self.decides and not self.loose

    def keep(self, part: Part, conditions: list[str]) -> None:
        """Leaves of a part the rows for which all conditions hold."""
        if not conditions:
            return
        texts = [f"({c})" if " OR " in c else c for c in conditions]
        if part.flag is None:
            self.commands.append(self.where(" AND ".join(texts)))
            return
        self.changed.add(part.flag)
        held = self.language.chosen([(" AND ".join([self.present(part.flag), *texts]), "1")], self.language.null)
        self.commands.append(self.eval([(part.flag, held)]))

    def present(self, flag: str) -> str:
        """The condition that a row has a flag."""
        return self.language.present.format(self.quoted(flag))

    @abstractmethod
    def copied(self, marks: list[tuple[str, str]]) -> str:
        """Makes a row for each of the conditions that hold for one, and tells which it is by a field. Returns that.

        Args:
            marks: the conditions, each with what the field holds for it.
        """

    @abstractmethod
    def numbered(self, node: o.Relation | Subquery, flags: Collection[str] = (), alike: bool = False) -> str:
        """What tells each row from all others, of all rows or of those with one of some flags.

        Args:
            alike: whether rows that are made alike of one event may have the same.

        Raises:
            Cannot: where nothing does.
        """

    @abstractmethod
    def gathered(self, name: str, value: str, flag: str, by: list[str]) -> None:
        """Gives all rows with a key the values that those with a flag have."""

    def counted_among(self, name: str, satisfied: str, node: o.Relation | Subquery) -> str:
        """Counts for each row of how many values of a field a condition holds. Returns the field with that.

        Args:
            satisfied: the condition, of one value.

        Raises:
            Cannot: where the language has no words for it.
        """
        what = "a search for the values of another query is not supported here"
        raise Cannot(Diagnostic("unsupported-expression", what, node.span))

    @abstractmethod
    def expanded(self, name: str, distinct: bool = True, flag: str | None = None) -> None:
        """Makes a row for each value of a field.

        Args:
            distinct: whether no two of a row are the same.
            flag: what the rows have that may have several; None where all may.
        """

    def single(self, part: Part, node: o.Relation | Subquery, alike: bool = False) -> Part:
        """A part each of whose rows stands once; those that are made alike of one event may stay where they are ``alike``."""
        if part.spread is None:
            return part
        raise Cannot(Diagnostic("unsupported-operator", "a summary of a summary beside other events is not supported here", node.span))

    def made_of_events(self, part: Part, node: o.Relation | Subquery) -> Part:
        """A part that has no rows where it has no events."""
        if part.always:
            raise Cannot(Diagnostic("unsupported-operator", "what no events come to is not supported here", node.span))
        return part

    def separate(self) -> None:
        """Makes an event of several parts a row of each of them."""
        if self.apart or not any(self.may_meet(*pair) for pair in itertools.combinations(self.open, 2)):
            return
        if self.changed & {*self.open}:
            self.commands.append(self.where(" OR ".join(map(self.present, self.open))))
        marks = {flag: str(number) for number, flag in enumerate(self.open, 1)}
        of, language = self.copied([(self.present(flag), mark) for flag, mark in marks.items()]), self.language
        pairs = []
        for flag, mark in marks.items():
            held = f"{self.present(flag)} AND {self.values().between(of, '==', language.string(mark))}"
            pairs.append((flag, language.chosen([(held, "1")], language.null)))
        self.commands.append(self.eval(pairs))
        self.apart = True

    def may_meet(self, flag: str, other: str) -> bool:
        """Whether an event may have both of two flags."""
        return not self.apart and any(frozenset({a, b}) in self.overlaps for a in self.open[flag] for b in self.open[other])
