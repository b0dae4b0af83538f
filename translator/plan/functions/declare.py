"""How functions are declared: one declaration each, its signature in KQL's words, its meaning in Python, its spelling in SQL.

A signature reads ``name(parameter: kind, ...) -> result``. A kind is a KQL type or one of the official parser's classes of types
(number, integer, summable, orderable, scalar, array, bag, ...), or ``text``: any scalar, taken as tostring() has it, and ``line`` the same but for dynamics; ``?`` behind it
makes the parameter optional, ``*`` and ``+`` repeat it, ``constant`` before it wants a value that no row changes. A result is a type, ``(name: type, ...)`` for several columns, or the rule that gives it: ``first`` and ``second``
(the type of that argument), ``common``, ``widest``, ``promoted``, ``literal`` (the type that the last argument names).

Source of names and signatures: Kusto.Language 12.4.1; of meanings: learn.microsoft.com/kusto/query, the page of each function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

from translator.plan.types import Type

_NUMBERS = frozenset({Type.INT, Type.LONG, Type.REAL, Type.DECIMAL})
_WHOLE = frozenset({Type.INT, Type.LONG})
_MOMENTS = frozenset({Type.DATETIME, Type.TIMESPAN})

ACCEPTED: Mapping[str, frozenset[Type]] = {
    "bool": frozenset({Type.BOOL}),
    "condition": frozenset({Type.BOOL, Type.DYNAMIC}),
    "int": _WHOLE,
    "long": _WHOLE,
    "integer": _WHOLE,
    "real": _NUMBERS - {Type.DECIMAL},
    "decimal": _NUMBERS,
    "number": _NUMBERS,
    "numeric": _NUMBERS | {Type.DYNAMIC},
    "number_or_bool": _NUMBERS | {Type.BOOL},
    "summable": _NUMBERS | _MOMENTS,
    "orderable": frozenset(Type) - {Type.GUID, Type.DYNAMIC, Type.UNKNOWN},
    "string": frozenset({Type.STRING, Type.DYNAMIC}),
    "datetime": frozenset({Type.DATETIME}),
    "timespan": frozenset({Type.TIMESPAN}),
    "moment": _MOMENTS,
    "moment_or_dynamic": _MOMENTS | {Type.DYNAMIC},
    "guid": frozenset({Type.GUID}),
    "plaintext": frozenset({Type.STRING}),
    "index": frozenset({Type.INT, Type.LONG, Type.STRING, Type.DYNAMIC}),
    "alike": frozenset(Type) - {Type.UNKNOWN},
    "codes": _WHOLE | {Type.DYNAMIC},
    "array": frozenset({Type.DYNAMIC}),
    "bag": frozenset({Type.DYNAMIC}),
    "dynamic": frozenset({Type.DYNAMIC}),
    "notdynamic": frozenset(Type) - {Type.DYNAMIC, Type.UNKNOWN},
    "line": frozenset(Type) - {Type.DYNAMIC, Type.UNKNOWN},
}
"""The types that a parameter of a kind takes; one of another kind takes any. Source: what Kusto.Language 12.4.1 refuses."""

_Implementation = TypeVar("_Implementation", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a signature.

    Attributes:
        kind: a type of KQL's, or a word for several of them, as the signatures have it.
        optional: whether it may be left out.
        repeated: whether any number of arguments are of it.
        constant: whether only what is known before the query runs is taken.
    """

    name: str
    kind: str
    optional: bool = False
    repeated: bool = False
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes, and the type that it gives."""

    parameters: tuple[Parameter, ...]
    result: str

    @property
    def least(self) -> int:
        """How many arguments it wants at least."""
        return sum(not p.optional for p in self.parameters)

    @property
    def most(self) -> int | None:
        """None where there is no limit."""
        return None if any(p.repeated for p in self.parameters) else len(self.parameters)

    @property
    def together(self) -> int:
        """How many parameters repeat, in turn."""
        return sum(p.repeated for p in self.parameters)

    def pairs(self, count: int) -> bool:
        """Whether so many arguments have as many of each parameter that repeats."""
        return self.together < 2 or (count - len(self.parameters)) % self.together == 0

    def parameter(self, index: int, types: Sequence[Type]) -> Parameter | None:
        """The parameter of the argument at ``index`` of so many: repeated ones take all, in turn, but those of the parameters behind them."""
        parameters = self.parameters
        if not parameters:
            return None
        repeated = next((i for i, p in enumerate(parameters) if p.repeated), None)
        if repeated is None or index < repeated:
            return parameters[min(index, len(parameters) - 1)]
        together = [p for p in parameters[repeated:] if p.repeated]
        behind = [p for p in parameters[repeated + len(together) :] if not p.optional or (types and types[-1].value == p.kind)]
        place = index - (len(types) - len(behind))
        return behind[place] if place >= 0 else together[(index - repeated) % len(together)]

    def kind(self, index: int, types: Sequence[Type]) -> str:
        """What the argument at ``index`` of so many must be."""
        parameter = self.parameter(index, types)
        return parameter.kind if parameter is not None else "scalar"


@dataclass(frozen=True, slots=True)
class Function:
    """One function, aggregate, operator or plugin of KQL.

    Attributes:
        texts: its signatures as written.
        sql: its spelling in SQL that every dialect has: ``$1`` stands for an argument, ``$*`` for all.
        duckdb: the same where the words are DuckDB's own.
        python: its meaning over Python values; dynamic values are parsed JSON, timespans ticks of 100 ns.
        nulls: whether the meaning handles null arguments itself; else a null argument makes the result null.
        named: how KQL names an unnamed column of it: ``argument`` takes the first argument's name, ``only`` does where there is one alone,
            ``x_`` puts that before it, ``=x`` is the name.
        alias: the function that an older name stands for.
        compiled: whether the compiler, or the binder before it, knows the meaning: it depends on types, order or columns.
        gathered: for an aggregate: ``python`` takes the list of its group's values.
        paired: for such an aggregate: that list has pairs of its first two arguments.
        filters: for an aggregate with a predicate: the aggregate that it applies where the predicate holds.
        words: the texts that an argument may be, whatever their case, by its place.
        columns: whether its first argument, or all of them where it repeats, are names of columns.
        shapes: whether an array or an object may stand where a text is asked for.
    """

    name: str
    kind: str
    family: str
    texts: tuple[str, ...]
    sql: str | None = None
    duckdb: str | None = None
    python: Callable[..., Any] | None = field(default=None, compare=False)
    nulls: bool = False
    named: str | None = None
    alias: str | None = None
    compiled: bool = False
    gathered: bool = False
    paired: bool = False
    filters: str | None = None
    words: Mapping[int, Sequence[str]] = field(default_factory=dict, compare=False)
    columns: bool = False
    shapes: bool = False

    @property
    def signatures(self) -> tuple[Signature, ...]:
        return _signatures(self.texts)

    @property
    def runs(self) -> str:
        """How the engine runs it: ``sql``, ``python`` or ``no``."""
        if self.sql or self.duckdb or self.compiled or self.filters:
            return "sql"
        return "python" if self.python else "no"

    def takes(self, count: int) -> bool:
        """Whether some signature has so many arguments."""
        return bool(self.taking(count))

    def taking(self, count: int) -> tuple[Signature, ...]:
        """The signatures that have so many arguments."""
        return _taking(self.texts, self.kind == "plugin", count)


_SIGNATURE = re.compile(r"(?P<name>[^(]+)\((?P<parameters>.*)\) -> (?P<result>.+)", re.S)


@cache
def _parsed(text: str) -> Signature:
    match = _SIGNATURE.fullmatch(text.strip())
    assert match, text
    parameters = []
    for part in match["parameters"].split(",") if match["parameters"].strip() else []:
        name, kind = (p.strip() for p in part.split(":"))
        mark = kind[-1] if kind[-1] in "?*+" else ""
        plain = (kind.removesuffix(mark) if mark else kind).removeprefix("constant ")
        parameters.append(Parameter(name, plain, mark in ("?", "*"), mark in ("*", "+"), kind.startswith("constant ")))
    return Signature(tuple(parameters), match["result"].strip())


@cache
def _signatures(texts: tuple[str, ...]) -> tuple[Signature, ...]:
    return tuple(map(_parsed, texts))


@cache
def _taking(texts: tuple[str, ...], unpaired: bool, count: int) -> tuple[Signature, ...]:
    able = (s for s in _signatures(texts) if s.least <= count and (s.most is None or count <= s.most))
    return tuple(s for s in able if unpaired or s.pairs(count))


class Family:
    """The declarations of one family of functions, in the order in which they were made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.functions: list[Function] = []

    def _add(self, kind: str, texts: tuple[str, ...], **facts: Any) -> None:
        texts = tuple(part.strip() for text in texts for part in text.split(";"))
        name = texts[0].split("(", 1)[0].strip()
        self.functions.append(Function(name, kind, self.name, texts, **facts))

    def scalar(self, *texts: str, kind: str = "function", **facts: Any) -> Callable[[_Implementation], _Implementation]:
        """Declares the decorated Python function as the meaning of a scalar function."""

        def declare(python: _Implementation) -> _Implementation:
            self._add(kind, texts, python=python, **facts)
            return python

        return declare

    def declare(self, *texts: str, kind: str = "function", **facts: Any) -> None:
        """Declares a function whose meaning is its SQL, or which the compiler or the binder treats itself."""
        self._add(kind, texts, **facts)

    def unsupported(self, text: str, kind: str = "function") -> None:
        """Functions that are known, with their signatures, and that no engine here runs. Overloads follow each other."""
        by_name: dict[str, list[str]] = {}
        for line in text.strip().splitlines():
            by_name.setdefault(line.strip().split("(", 1)[0], []).append(line.strip())
        for name, texts in by_name.items():
            several = _parsed(texts[0]).result.startswith("(")
            self._add(kind, tuple(texts), named=f"{name}_" if several else None)

    def aggregate(self, *texts: str, **facts: Any) -> None:
        """Declares an aggregate that SQL has."""
        self._add("aggregate", texts, **facts)

    def gathered(self, *texts: str, **facts: Any) -> Callable[[_Implementation], _Implementation]:
        """Declares the decorated function of a group's values as the meaning of an aggregate."""

        def declare(python: _Implementation) -> _Implementation:
            self._add("aggregate", texts, python=python, gathered=True, **facts)
            return python

        return declare

    def conditional(self, name: str, plain: str, named: str | None = None) -> None:
        """Declares the variant of an aggregate that takes a predicate behind its required arguments."""
        known = next(f for f in self.functions if f.name == plain)
        texts = []
        for signature in known.signatures:
            given = [f"{p.name}: {p.kind}" for p in signature.parameters if not p.optional]
            rest = [f"{p.name}: {p.kind}?" for p in signature.parameters if p.optional and not p.repeated]
            texts.append(f"{name}({', '.join([*given, 'predicate: bool', *rest])}) -> {signature.result}")
        self._add("aggregate", tuple(texts), filters=plain, named=named or f"{name}_")

    def alias(self, older: str, name: str, named: str | None = None, shapes: bool | None = None) -> None:
        known = next(f for f in self.functions if f.name == name)
        texts = tuple(older + t.strip()[len(name) :] for t in known.texts)
        shaped = known.shapes if shapes is None else shapes
        self.functions.append(replace(known, name=older, texts=texts, alias=name, named=named or known.named, shapes=shaped))


def types_of(result: str) -> tuple[tuple[str, Type], ...]:
    """The columns of a result of several: ``(min: real, max: real)``."""
    parts = [p.split(":") for p in result.strip("()").split(",")]
    return tuple((name.strip(), Type(kind.strip())) for name, kind in parts)
