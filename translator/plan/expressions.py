"""Typed scalar expressions.

Operators are applications like functions: ``Apply("==", (a, b))``. A string is never null in KQL: a missing one is empty, so
``==`` and its relatives on strings always answer true or false (learn.microsoft.com/kusto/query/scalar-data-types/null-values).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter, is_not
from typing import Any, Generic, TypeAlias, TypeVar

from translator.plan.types import Type

Span: TypeAlias = tuple[int, int]
Value: TypeAlias = str | int | float | bool | None


class _ByFields:
    """Is pickled by its fields alone, in half the time of what dataclasses do for slots."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), tuple([getattr(self, name) for name in self.__dataclass_fields__])  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Relation(_ByFields):
    """What all relational operators are: see ``translator.plan.operators``."""

    span: Span | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class Column(_ByFields):
    """A column, identified by ``id`` alone: the same name may mean another column further down the pipeline.

    ``table`` is the source table where the column is stored and ``source`` which use of it, None for a computed column. ``stored`` is the
    product's own type of it where it has been moved to the field of a product, which is then its name; ``several`` that such a field may
    have several values, ``one_line`` that none of them has a line feed.
    """

    id: int
    name: str = field(compare=False)
    type: Type = field(compare=False)
    table: str | None = field(default=None, compare=False)
    source: int | None = field(default=None, compare=False)
    stored: str = field(default="", compare=False)
    several: bool = field(default=False, compare=False)
    one_line: bool = field(default=False, compare=False)


class _Hashed(_ByFields):
    """Has a place for its hash."""

    __slots__ = ("_hash",)


def _once(*names: str) -> Callable[[Any], int]:
    """A hash of some attributes that is computed once: sets of expressions ask for it again and again, each time to the ends of a tree."""
    of = attrgetter(*names)

    def hashed(self: Any) -> int:
        try:
            return self._hash  # type: ignore[no-any-return]
        except AttributeError:
            found = hash(of(self))
            object.__setattr__(self, "_hash", found)
            return found

    return hashed


@dataclass(frozen=True, slots=True)
class Expr(_Hashed):
    """A typed expression. ``span`` is its place in the query, which takes no part in comparisons."""

    span: Span | None = field(compare=False)
    type: Type


@dataclass(frozen=True, slots=True)
class ColumnRef(Expr):
    """The value of a column."""

    column: Column


@dataclass(frozen=True, slots=True)
class Const(Expr):
    """A literal; timespans and datetimes in ticks of 100 ns. A dynamic array is an ``Items``, not a Const."""

    value: Value


@dataclass(frozen=True, slots=True)
class Items(Expr):
    """A list of values: a dynamic array literal or the right side of ``in``."""

    items: tuple[Expr, ...]

    __hash__ = _once("type", "items")


def items_of(operand: Expr) -> tuple[Expr, ...]:
    """The values of a list, or the one value that an operand is."""
    return operand.items if isinstance(operand, Items) else (operand,)


ELEMENT = "[]"
"""A step of a path into every element of an array: what mv-expand makes rows of."""


@dataclass(frozen=True, slots=True)
class Path(Expr):
    """A place inside a dynamic value: ``base.a.b[0]``."""

    base: Expr
    steps: tuple[str | int, ...]

    __hash__ = _once("type", "base", "steps")


@dataclass(frozen=True, slots=True)
class Apply(Expr):
    """A function or operator over its arguments."""

    function: str
    args: tuple[Expr, ...]

    __hash__ = _once("type", "function", "args")


@dataclass(frozen=True, slots=True)
class Subquery(Expr):
    """A relation where a value stands: the right side of ``in (T | project c)``, or ``toscalar(...)``."""

    relation: Relation
    scalar: bool
    column: Column | None = None
    """The column that gives the value: the relation's first."""


def const(value: Value, kind: Type | None = None, span: Span | None = None) -> Const:
    """A constant; its type from the Python value unless given."""
    if kind is None:
        kind = {bool: Type.BOOL, int: Type.LONG, float: Type.REAL, str: Type.STRING}.get(type(value), Type.UNKNOWN)
    return Const(span, kind, value)


TRUE = const(True)
FALSE = const(False)


def missing(kind: Type) -> Const:
    """What a row has in a column of this type that it lacks: a string is never null.

    Source: learn.microsoft.com/kusto/query/scalar-data-types/null-values.
    """
    return Const(None, kind, "" if kind == Type.STRING else None)


def apply(function: str, *args: Expr, span: Span | None = None, type: Type = Type.BOOL) -> Apply:
    """A call of a function or operator by its name in the registry; of a truth value unless another ``type`` is given."""
    return Apply(span, type, function, args)


_FEW = 16
"""How many expressions are sooner compared with each other than told by their hashes, which read them to their ends."""


def distinct(exprs: Iterable[Expr]) -> list[Expr]:
    """Expressions in their order, each once."""
    given = list(exprs)
    if len(given) > _FEW:
        return list(dict.fromkeys(given))
    found: list[Expr] = []
    for expr in given:
        if expr not in found:
            found.append(expr)
    return found


def _junction(name: str, parts: list[Expr], neutral: Const, absorbing: Const) -> Expr:
    items = [i for part in parts for i in (part.args if isinstance(part, Apply) and part.function == name else (part,))]
    if absorbing in items:
        return absorbing
    flat = distinct(i for i in items if i != neutral)
    if not flat:
        return neutral
    if len(flat) == 1:
        return flat[0]
    return Apply(_span_of(flat), Type.BOOL, name, tuple(flat))


def _span_of(parts: list[Expr]) -> Span | None:
    spans = [part.span for part in parts if part.span]
    return (min(a for a, _ in spans), max(b for _, b in spans)) if spans else None


def conjunction(*parts: Expr) -> Expr:
    """All of them, flattened, without repetitions; true for none."""
    return _junction("and", list(parts), TRUE, FALSE)


def and_also(predicate: Expr, part: Expr, known: set[Expr]) -> Expr:
    """``conjunction(predicate, part)`` for a predicate that is one: its members, which may be many, are not compared again.

    Args:
        known: these members; those of ``part`` are added to them.
    """
    members = conjuncts(predicate)
    added = [p for p in distinct(conjuncts(part)) if p not in known]
    known.update(added)
    if FALSE in (predicate, part) or len(members) + len(added) < 3:
        return conjunction(predicate, part)
    if not added:
        return predicate
    return Apply(_span_of([predicate, *added]), Type.BOOL, "and", (*members, *added))


def disjunction(*parts: Expr) -> Expr:
    """Any of them, flattened, without repetitions; false for none."""
    return _junction("or", list(parts), FALSE, TRUE)


def negation(part: Expr) -> Expr:
    """``not`` of a predicate, without two of them in a row."""
    if isinstance(part, Apply) and part.function == "not":
        return part.args[0]
    if part == TRUE:
        return FALSE
    if part == FALSE:
        return TRUE
    return Apply(part.span, Type.BOOL, "not", (part,))


def conjuncts(predicate: Expr) -> tuple[Expr, ...]:
    """The predicates that all have to hold for one; none for what is always true."""
    if isinstance(predicate, Apply) and predicate.function == "and":
        return predicate.args
    return () if predicate == TRUE else (predicate,)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions that one is directly made of."""
    kind = type(expr)  # asked of every node of every walk
    if kind is Apply:
        return expr.args  # type: ignore[attr-defined, no-any-return]
    if kind is Items:
        return expr.items  # type: ignore[attr-defined, no-any-return]
    return (expr.base,) if kind is Path else ()  # type: ignore[attr-defined]


def rebuild(expr: Expr, parts: tuple[Expr, ...]) -> Expr:
    """``expr`` with other children."""
    match expr:
        case Apply():
            return Apply(expr.span, expr.type, expr.function, parts)
        case Items():
            return Items(expr.span, expr.type, parts)
        case Path():
            return Path(expr.span, expr.type, parts[0], expr.steps)
        case _:
            return expr


_Node = TypeVar("_Node")


class Same(Generic[_Node]):
    """A part of a plan told by which one it is: equal ones stand in several places of a query."""

    __slots__ = ("node",)

    def __init__(self, node: _Node) -> None:
        self.node = node

    def __hash__(self) -> int:
        return id(self.node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.node is other.node


def transform(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """``change`` applied to every node, children first, and once to a node that stands in several places.

    Definitions are substituted into each other, so that a tree of a few hundred nodes can have millions of paths.
    """
    return _Transforming(change).of(expr) if children(expr) else change(expr)


class _Transforming:
    """What a transformation has made so far of the nodes of an expression, by their ids.

    A function within a function that calls itself would say the same, and each of them would wait for Python's garbage collector.
    """

    __slots__ = ("change", "done")

    def __init__(self, change: Callable[[Expr], Expr]) -> None:
        self.change = change
        self.done: dict[int, Expr] = {}

    def of(self, node: Expr) -> Expr:
        known = self.done.get(id(node))
        if known is not None:
            return known
        made, parts = node, children(node)
        if parts:
            others = tuple(map(self.of, parts))
            if any(map(is_not, parts, others)):
                made = rebuild(node, others)
        result = self.done[id(node)] = self.change(made)
        return result


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node of ``expr``, from the top, and once where it stands in several places."""
    parts = children(expr)
    yield expr
    if not parts:
        return
    stack, seen = list(parts[::-1]), {id(expr)}
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if parts := children(current):
            stack += parts[::-1]


def placed(expr: Expr, span: Span | None) -> Expr:
    """``expr`` as if it stood at this place of the query."""
    return transform(expr, lambda node: replace(node, span=span))


def negated_in(expr: Expr) -> set[int]:
    """The ids, as objects, of the nodes of ``expr`` that stand right under a ``not``."""
    return {id(n.args[0]) for n in walk(expr) if isinstance(n, Apply) and n.function == "not"}


def columns_of(expr: Expr) -> set[Column]:
    """The columns that ``expr`` reads, subqueries aside."""
    if isinstance(expr, ColumnRef):
        return {expr.column}
    return {node.column for node in walk(expr) if isinstance(node, ColumnRef)}


def repeated(expr: Expr) -> int:
    """How many nodes ``expr`` has, written out, beyond those that it has as it is: for a node in several places, all but the first."""
    sizes: dict[int, int] = {}
    return _size(expr, sizes) - len(sizes)


def _size(node: Expr, sizes: dict[int, int]) -> int:
    known = sizes.get(id(node))
    if known is None:
        known = 1
        for part in children(node):
            known += _size(part, sizes)
        sizes[id(node)] = known
    return known


def substitute(expr: Expr, env: dict[int, Expr]) -> Expr:
    """Every column of ``env`` replaced by its definition."""
    if not env:
        return expr
    if isinstance(expr, ColumnRef):
        return env.get(expr.column.id, expr)
    return transform(expr, lambda node: env.get(node.column.id, node) if isinstance(node, ColumnRef) else node)
