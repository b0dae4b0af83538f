"""The nodes of an ES|QL query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Spanned:
    """What stands in the text from ``start`` to before ``end``, offsets in characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Spanned):
    """A value that is written out, of one of the types of ``types.py``. Several values are a tuple."""

    type: str
    value: object


@dataclass(frozen=True, slots=True)
class Column(Spanned):
    """A field or a column by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Spanned):
    """A function, its name in capitals. ``star`` is COUNT(*); ``options`` are those in braces."""

    name: str
    args: tuple[Expression, ...]
    star: bool = False
    options: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Binary(Spanned):
    """Arithmetic or a comparison of two operands."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Negative(Spanned):
    """The sign ``-`` before an operand."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Logical(Spanned):
    """AND or OR (``either``) of two conditions."""

    either: bool
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not(Spanned):
    operand: Expression


@dataclass(frozen=True, slots=True)
class In(Spanned):
    subject: Expression
    values: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class IsNull(Spanned):
    operand: Expression


@dataclass(frozen=True, slots=True)
class Like(Spanned):
    """LIKE, or RLIKE where ``regex`` is set, of one of several patterns."""

    regex: bool
    subject: Expression
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cast(Spanned):
    """``operand::type``, the type in lower case as it is written."""

    operand: Expression
    type: str


@dataclass(frozen=True, slots=True)
class Match(Spanned):
    """``field : "text"``, a search."""

    operand: Expression


Expression: TypeAlias = Literal | Column | Call | Binary | Negative | Logical | Not | In | IsNull | Like | Cast | Match


@dataclass(frozen=True, slots=True)
class Named(Spanned):
    """``name = expression``; without a name the text of the expression is one."""

    name: str
    expression: Expression
    condition: Expression | None = None
    """Of an aggregate: its WHERE."""


@dataclass(frozen=True, slots=True)
class Order(Spanned):
    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Pattern(Spanned):
    """A name in KEEP, DROP or RENAME; ``wild`` where it has ``*``."""

    name: str
    wild: bool


@dataclass(frozen=True, slots=True)
class From(Spanned):
    """FROM with its index patterns and subqueries, and the METADATA fields that it asks for."""

    sources: tuple[str | Query, ...]
    metadata: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row(Spanned):
    fields: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Where(Spanned):
    condition: Expression


@dataclass(frozen=True, slots=True)
class Eval(Spanned):
    fields: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Stats(Spanned):
    """STATS, or INLINE STATS where ``inline`` is set."""

    inline: bool
    aggregates: tuple[Named, ...]
    keys: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Sort(Spanned):
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Limit(Spanned):
    count: int
    keys: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Keep(Spanned):
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Drop(Spanned):
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Rename(Spanned):
    """Pairs of the old name and the new one."""

    names: tuple[tuple[Pattern, Pattern], ...]


@dataclass(frozen=True, slots=True)
class Dissect(Spanned):
    subject: Expression
    pattern: str
    separator: str


@dataclass(frozen=True, slots=True)
class Grok(Spanned):
    subject: Expression
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MvExpand(Spanned):
    column: str


@dataclass(frozen=True, slots=True)
class Enrich(Spanned):
    """ENRICH by a policy. ``fields`` are the new name and the one that the policy has; none means all."""

    policy: str
    on: Pattern | None
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LookupJoin(Spanned):
    index: str
    on: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Fork(Spanned):
    branches: tuple[tuple[Command, ...], ...]


@dataclass(frozen=True, slots=True)
class Unknown(Spanned):
    """A command that is not run here: it reads a model, a clock, chance or another server."""

    name: str


Command: TypeAlias = (
    From
    | Row
    | Where
    | Eval
    | Stats
    | Sort
    | Limit
    | Keep
    | Drop
    | Rename
    | Dissect
    | Grok
    | MvExpand
    | Enrich
    | LookupJoin
    | Fork
    | Unknown
)


@dataclass(frozen=True, slots=True)
class Query(Spanned):
    """A source command and what processes its rows."""

    commands: tuple[Command, ...]
