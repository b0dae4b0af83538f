"""The syntax of Elasticsearch's EQL: its nodes, and texts read into them.

Facts: EQL syntax reference and pipe reference (elastic.co/docs/reference/query-languages/eql); EqlBase.g4, LogicalPlanBuilder.java and
ExpressionBuilder.java of Elasticsearch for what its parser accepts and refuses.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from translator.grammar import grammar_text
from translator.verify.reading import NotReadable

RESERVED = frozenset(
    "and any by false in join like maxspan not null of or regex sample sequence true until where with".split()
)  # fmt: skip
"""Words that are no names without backquotes (EqlBase.g4)."""

MAX_RUNS = 100
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None
    at: int


@dataclass(frozen=True, slots=True)
class Field:
    """A field; one that is ``optional`` need not be in the mapping, and as a join key may be missing."""

    name: str
    optional: bool
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its name in lower case; ``caseless`` where a ``~`` follows it."""

    name: str
    caseless: bool
    args: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str
    left: Expression
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: str
    left: Expression
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Among:
    """``in`` and ``in~``."""

    subject: Expression
    values: tuple[Expression, ...]
    caseless: bool
    at: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """``:``, ``like`` and ``regex``, with their forms that ignore case: ``kind`` is like or regex."""

    subject: Expression
    kind: str
    patterns: tuple[str, ...]
    caseless: bool
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression
    at: int


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Expression, ...]
    at: int


Expression: TypeAlias = Literal | Field | Call | Arithmetic | Comparison | Among | Pattern | Not | And | Or


@dataclass(frozen=True, slots=True)
class Filter:
    """``category where condition``; the category is None for any."""

    category: str | None
    condition: Expression


@dataclass(frozen=True, slots=True)
class Member:
    """One filter of a sequence or sample, with the fields that join it; ``missing`` for one that no event may satisfy."""

    filter: Filter
    keys: tuple[Field, ...]
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Pipe:
    """``head`` or ``tail`` and how many rows it leaves."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Events:
    filter: Filter
    pipes: tuple[Pipe, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Members in their order, ``runs`` written out; ``maxspan`` in milliseconds."""

    members: tuple[Member, ...]
    until: Member | None
    maxspan: int | None
    pipes: tuple[Pipe, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    members: tuple[Member, ...]


Query: TypeAlias = Events | Sequence | Sample


@cache
def _parser() -> Lark:
    return Lark(grammar_text("eql"), parser="lalr", propagate_positions=True, maybe_placeholders=True)


@functools.lru_cache(maxsize=64)
def parse(text: str) -> Query:
    """An EQL query.

    Raises:
        NotReadable: for what Elasticsearch does not parse, with its position.
    """
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        at = len(text) if ended or error.pos_in_stream is None else error.pos_in_stream
        word = re.match(r"[\w@]+|\S|$", text[at:])
        raise NotReadable((word[0] if word else "") or "the end of the query", at) from error
    query, *pipes = tree.children
    return _query(_tree(query), tuple(_pipe(_tree(p)) for p in pipes))


def _tree(node: Any) -> Tree[Token]:
    assert isinstance(node, Tree), node
    return node


def _at(node: Any) -> int:
    found = node.start_pos if isinstance(node, Token) else getattr(node.meta, "start_pos", 0)
    return found if isinstance(found, int) else 0


def _query(tree: Tree[Token], pipes: tuple[Pipe, ...]) -> Query:
    match tree:
        case Tree(data="events", children=[category, condition]):
            return Events(_filter(category, condition), pipes)
        case Tree(data="sample", children=[by, *members]):
            if pipes:
                raise NotReadable("a pipe behind a sample", _at(tree))
            found = tuple(m for member in members for m in _members(_tree(member), _keys(by)))
            if len(found) < 2:
                raise NotReadable("a sample of fewer than two filters", _at(tree))
            _alike(found, tree)
            if not found[0].keys:
                raise NotReadable("a sample without a key", _at(tree))
            return Sample(found)
        case Tree(data="sequence", children=[by, maxspan, *terms, until]):
            return _sequence(tree, by, maxspan, terms, until, pipes)
    raise NotReadable(tree.data, _at(tree))


def _sequence(tree: Tree[Token], by: Any, maxspan: Any, terms: list[Any], until: Any, pipes: tuple[Pipe, ...]) -> Sequence:
    shared = _keys(by)
    members = tuple(m for term in terms for m in _members(_tree(term), shared))
    ending = next(_members(until, shared)) if until is not None else None
    span = _span(maxspan) if maxspan is not None else None
    if len(members) < 2:
        raise NotReadable("a sequence of fewer than two events", _at(tree))
    if all(m.missing for m in members):
        raise NotReadable("a sequence of missing events alone", _at(tree))
    if any(m.missing for m in members) and span is None:
        raise NotReadable("a sequence with missing events and without maxspan", _at(tree))
    _alike((*members, *([ending] if ending is not None else [])), tree)
    return Sequence(members, ending, span, pipes)


def _alike(members: tuple[Member, ...], tree: Tree[Token]) -> None:
    if len({len(m.keys) for m in members}) > 1:
        raise NotReadable("members joined by different numbers of fields", _at(tree))


def _members(tree: Tree[Token], shared: tuple[Field, ...]) -> Iterator[Member]:
    """A member as often as it runs."""
    children = list(tree.children)
    missing = isinstance(children[0], Token) and children[0].type == "MISSING"
    category, condition, by, *rest = children[1 if missing else 0 :]
    member = Member(_filter(category, condition), shared + _keys(by), missing)
    runs = 1
    if rest and rest[0] is not None:
        word, number = _tree(rest[0]).children
        if word != "runs":
            raise NotReadable(str(word), _at(word))
        runs = int(str(number)) if str(number).isdecimal() else 0
        if not 1 <= runs <= MAX_RUNS:
            raise NotReadable(f"runs={number}", _at(number))
    for _ in range(runs):
        yield member


def _span(tree: Tree[Token]) -> int:
    number, unit = tree.children
    if not str(number).isdecimal() or unit is None or str(unit) not in _MILLISECONDS:
        raise NotReadable(f"maxspan={number}{unit or ''}", _at(number))
    if int(str(number)) == 0:
        raise NotReadable("maxspan=0", _at(number))
    return int(str(number)) * _MILLISECONDS[str(unit)]


def _pipe(tree: Tree[Token]) -> Pipe:
    name, *args = tree.children
    if str(name) not in ("head", "tail"):
        raise NotReadable(f"the pipe {name}", _at(name))
    counts = [_expression(a) for a in args if a is not None]
    match counts:
        case [Literal(value=int(count))] if count > 0 and not isinstance(count, bool):
            return Pipe(str(name), count)
    raise NotReadable(f"the pipe {name} without a number of rows", _at(name))


def _filter(category: Any, condition: Any) -> Filter:
    named = next(iter(_tree(category).children), "any")
    if isinstance(named, Token) and named.type == "STRING":
        return Filter(_text(named), _expression(condition))
    if str(named) != "any":
        _unreserved(named)
    return Filter(None if str(named) == "any" else str(named), _expression(condition))


def _keys(by: Any) -> tuple[Field, ...]:
    keys = []
    for node in [] if by is None else _tree(by).children:
        key = _expression(node)
        if not isinstance(key, Field):
            raise NotReadable("a join key that is no field", _at(node))
        keys.append(key)
    return tuple(keys)


def _unreserved(token: Any) -> None:
    if str(token) in RESERVED:
        raise NotReadable(str(token), _at(token))


def _field(tree: Tree[Token]) -> Field:
    optional, *parts = tree.children
    names = []
    for part in parts:
        if not isinstance(part, Token) or part.type == "INDEX":
            raise NotReadable(f"an element of a list, {part}", _at(part))
        if part.type == "IDENTIFIER":
            _unreserved(part)
        names.append(part[1:-1].replace("``", "`") if part.type == "QUOTED" else str(part))
    return Field(".".join(names), optional is not None, _at(tree))


_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


def _text(token: Token) -> str:
    """What a string literal stands for: in three quotes, the characters between them; else escapes are read."""
    if token.startswith('"""'):
        return str(token[3:-3])

    def read(found: re.Match[str]) -> str:
        if found[1]:
            if int(found[1], 16) > 0x10FFFF:
                raise NotReadable(f"the character {found[0]}", _at(token))
            return chr(int(found[1], 16))
        return _ESCAPES.get(found[2], found[2])

    return re.sub(r"\\u\{([0-9A-Fa-f]+)\}|\\(.)", read, token[1:-1], flags=re.DOTALL)


def _number(text: str) -> int | float:
    return int(text) if text.isdecimal() else float(text)


def _expression(node: Any) -> Expression:
    tree = _tree(node)
    at = _at(tree)
    match tree:
        case Tree(data="number", children=[token]):
            return Literal(_number(str(token)), at)
        case Tree(data="string", children=[Token() as token]):
            return Literal(_text(token), at)
        case Tree(data="true" | "false" | "null" as word):
            return Literal({"true": True, "false": False, "null": None}[word], at)
        case Tree(data="field"):
            return _field(tree)
        case Tree(data="call", children=[name, *args]):
            if not str(name).endswith("~"):
                _unreserved(name)
            given = tuple(_expression(a) for a in args if a is not None)
            return Call(str(name).removesuffix("~").lower(), str(name).endswith("~"), given, at)
        case Tree(data="sign", children=[sign, operand]):
            return _signed(str(sign), _expression(operand), at)
        case Tree(data="arithmetic", children=[left, operator, right]):
            return Arithmetic(str(operator), _expression(left), _expression(right), at)
        case Tree(data="comparison", children=[left, operator, right]):
            return Comparison(str(operator), _expression(left), _expression(right), at)
        case Tree(data="among" | "not_among", children=[subject, *values]):
            caseless = isinstance(values[0], Token)
            among = Among(_expression(subject), tuple(_expression(v) for v in values if isinstance(v, Tree)), caseless, at)
            return among if tree.data == "among" else Not(among, at)
        case Tree(data="pattern", children=[subject, word, *constants]):
            return _pattern(_expression(subject), str(word), [_expression(c) for c in constants], at)
        case Tree(data="no", children=[part]):
            return Not(_expression(part), at)
        case Tree(data="either", children=parts):
            return Or(tuple(_expression(p) for p in parts), at)
        case Tree(data="both", children=parts):
            return And(tuple(_expression(p) for p in parts), at)
    raise NotReadable(str(tree.data), at)


def _signed(sign: str, operand: Expression, at: int) -> Expression:
    if isinstance(operand, Literal) and isinstance(operand.value, int | float) and not isinstance(operand.value, bool):
        return Literal(-operand.value if sign == "-" else operand.value, at)
    return Arithmetic("-", Literal(0, at), operand, at) if sign == "-" else operand


def _pattern(subject: Expression, word: str, constants: list[Expression], at: int) -> Pattern:
    patterns = []
    for constant in constants:
        if not isinstance(constant, Literal) or not isinstance(constant.value, str):
            raise NotReadable(f"{word} with what is no text", constant.at)
        patterns.append(constant.value)
    return Pattern(subject, "regex" if word.startswith("regex") else "like", tuple(patterns), word == ":" or word.endswith("~"), at)


def parts_of(node: Expression) -> tuple[Expression, ...]:
    """The expressions that stand directly in one."""
    match node:
        case Call(args=args):
            return args
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right):
            return (left, right)
        case Among(subject=subject, values=values):
            return (subject, *values)
        case Pattern(subject=part) | Not(part=part):
            return (part,)
        case And(parts=parts) | Or(parts=parts):
            return parts
    return ()


def fields_of(node: Expression) -> tuple[str, ...]:
    """The names of the fields in an expression, each once, in their order."""
    if isinstance(node, Field):
        return (node.name,)
    return tuple(dict.fromkeys(name for part in parts_of(node) for name in fields_of(part)))
