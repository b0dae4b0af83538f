"""The tree of a regular expression, as learn.microsoft.com/kusto/query/regex describes the language.

Flags are resolved: a node says itself whether it ignores case, takes line feeds or looks at lines. ``(?:x)`` is what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal as OneOf


@dataclass(frozen=True, slots=True)
class Range:
    """Characters from one to another, both included, by their code points."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Perl:
    r"""``\d``, ``\s`` or ``\w`` by its letter; ``ascii`` within ``(?-u)``."""

    letter: str
    negated: bool = False
    ascii: bool = False


@dataclass(frozen=True, slots=True)
class Posix:
    """``[:alpha:]`` by its name, which is of ASCII characters only."""

    name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Property:
    r"""``\p{Greek}``: a general category, a script or another property of Unicode, by its name."""

    name: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Combined:
    """Two sets of characters: both (``&&``), the first without the second (``--``), either but not both (``~~``)."""

    left: Set
    operator: str
    right: Set


@dataclass(frozen=True, slots=True)
class Class:
    """Any one character of its members, or any but those; ``caseless`` where the case of a member does not count."""

    members: tuple[Set, ...]
    negated: bool = False
    caseless: bool = False


Set = Range | Perl | Posix | Property | Combined | Class


@dataclass(frozen=True, slots=True)
class Literal:
    """One character."""

    character: str
    caseless: bool = False


@dataclass(frozen=True, slots=True)
class Any:
    """``.``: any character, or (unless ``newline``) any but a line feed."""

    newline: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    r"""A place between characters.

    Attributes:
        kind: start, end (of the text); line-start, line-end; word, not-word (a boundary of words, or none); word-start, word-end (``\<``,
            ``\>``); word-start-half, word-end-half.
        ascii: whether words are of ASCII letters, digits and underscores only.
    """

    kind: OneOf["start", "end", "line-start", "line-end", "word", "not-word", "word-start", "word-end", "word-start-half", "word-end-half"]
    ascii: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A part that is captured, by its number (from 1, in the order of the opening parentheses) and perhaps a name."""

    node: Node
    index: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part ``least`` to ``most`` times, without an end where ``most`` is None; as few as possible unless ``greedy``."""

    node: Node
    least: int
    most: int | None
    greedy: bool = True


@dataclass(frozen=True, slots=True)
class Concat:
    """Parts one after another, none of which is itself a Concat; nothing at all where there are none."""

    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternation:
    """The first of several that matches, none of which is itself an Alternation."""

    options: tuple[Node, ...]


Node = Literal | Any | Class | Anchor | Group | Repeat | Concat | Alternation


def concat(*parts: Node) -> Node:
    """``parts`` in a row; a single one is itself."""
    flat = tuple(p for part in parts for p in (part.parts if isinstance(part, Concat) else (part,)))
    return flat[0] if len(flat) == 1 else Concat(flat)


def alternation(*options: Node) -> Node:
    """Any of ``options``; a single one is itself."""
    flat = tuple(o for option in options for o in (option.options if isinstance(option, Alternation) else (option,)))
    return flat[0] if len(flat) == 1 else Alternation(flat)


def text(value: str, caseless: bool = False) -> Node:
    """What matches ``value`` alone."""
    return concat(*(Literal(c, caseless and is_cased(c)) for c in value))


def is_cased(character: str) -> bool:
    """Whether a character has another one that is the same without case."""
    return character.lower() != character or character.upper() != character


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly within one."""
    match node:
        case Group() | Repeat():
            return (node.node,)
        case Concat():
            return node.parts
        case Alternation():
            return node.options
    return ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the text."""
    stack = [node]
    while stack:
        found = stack.pop()
        yield found
        stack.extend(reversed(children(found)))


def groups(node: Node) -> int:
    """How many groups a pattern captures."""
    return sum(isinstance(n, Group) for n in walk(node))


def capturing(node: Node, kept: Mapping[int, str | None]) -> Node:
    """The same pattern with some of its groups alone, numbered from 1, each perhaps by a name; the whole is group 0."""
    number = {index: n for n, index in enumerate(sorted(kept), 1)}

    def of(node: Node) -> Node:
        match node:
            case Group(node=inner, index=index):
                return Group(of(inner), number[index], kept[index]) if index in kept else of(inner)
            case Repeat(node=inner):
                return replace(node, node=of(inner))
            case Concat(parts=parts):
                return concat(*map(of, parts))
            case Alternation(options=options):
                return alternation(*map(of, options))
        return node

    return Group(of(node), 1, kept[0]) if 0 in kept else of(node)


def least_width(node: Node) -> int:
    """The fewest characters that a match has."""
    match node:
        case Literal() | Any() | Class():
            return 1
        case Group():
            return least_width(node.node)
        case Repeat():
            return node.least * least_width(node.node)
        case Concat():
            return sum(map(least_width, node.parts))
        case Alternation():
            return min(map(least_width, node.options))
    return 0


def caseless(node: Node) -> Node:
    """The same pattern where the case of letters does not count."""
    match node:
        case Literal():
            return replace(node, caseless=is_cased(node.character))
        case Class():
            return replace(node, caseless=set_is_cased(node))
        case Group() | Repeat():
            return replace(node, node=caseless(node.node))
        case Concat():
            return Concat(tuple(map(caseless, node.parts)))
        case Alternation():
            return Alternation(tuple(map(caseless, node.options)))
    return node


def set_is_cased(member: Set) -> bool:
    """Whether it may matter to a set of characters that case is ignored."""
    match member:
        case Range(first, last):
            return last - first > 200 or any(is_cased(chr(c)) for c in range(first, last + 1))
        case Perl():
            return False
        case Posix():
            return member.name in ("alnum", "alpha", "lower", "upper", "word", "xdigit", "graph", "print")
        case Property():
            return True
        case Combined():
            return set_is_cased(member.left) or set_is_cased(member.right)
        case Class():
            return any(map(set_is_cased, member.members))
