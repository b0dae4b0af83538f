"""What a reduction of the parser is made of: its children, their span, and builders for the rules that are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from lark import Token

from translator.kql import syntax as s

Children: TypeAlias = list[Any]


class Refused(Exception):
    """What the grammar lets through and the language does not."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.offset, self.message, self.hint = offset, message, hint


@dataclass(frozen=True, slots=True)
class Clause(s.Node):
    """A part of an operator on its way up to the node that takes it."""

    items: tuple[Any, ...]
    extra: Any = None


def span_of(children: Children) -> s.Span:
    """From the beginning of the first child to the end of the last one that is there, as offsets into the text."""
    first: Any = children[0]
    index = -1
    last: Any = children[index]
    while last.__class__ is tuple:
        if last:
            last = last[-1]
        else:
            index -= 1
            last = children[index]
    if first.__class__ is not Token:
        first_start: Any = first.span[0]
    else:
        first_start = first.start_pos
    last_end: Any = last.span[1] if last.__class__ is not Token else last.end_pos
    return first_start, last_end


def nodes_in(children: Children) -> tuple[Any, ...]:
    """The children without tokens."""
    return tuple([c for c in children if c.__class__ is not Token])


def has_token(children: Children, kind: str) -> bool:
    """Whether a token of that kind is among the children."""
    return any(c.__class__ is Token and c.type == kind for c in children)


def after(children: Children, kind: str) -> Any:
    """The child that follows the token of that kind, or None."""
    for index, child in enumerate(children):
        if child.__class__ is Token and child.type == kind:
            return children[index + 1]
    return None


def clause_in(children: Children, cls: type[s.Node]) -> Any:
    """The first child of that class, or None."""
    return next((c for c in children if isinstance(c, cls)), None)


def operator_of(cls: type[Any]) -> Any:
    """A builder for an operator that is its parameters and its operands."""

    def build(self: object, c: Children) -> Any:
        return cls(span_of(c), c[1], *nodes_in(c[2:]))

    return build


def operator_of_list(cls: type[Any]) -> Any:
    """A builder for an operator that is its parameters and one list of operands."""

    def build(self: object, c: Children) -> Any:
        return cls(span_of(c), c[1], nodes_in(c[2:]))

    return build


def listed(cls: type[Any]) -> Any:
    """A builder for an operator that is one list of operands."""

    def build(self: object, c: Children) -> Any:
        return cls(span_of(c), nodes_in(c))

    return build


def clause_of(name: str | None = None) -> Any:
    """A builder for a part of an operator that is one list of operands, told from its other parts by a name."""

    def build(self: object, c: Children) -> Any:
        return Clause(span_of(c), nodes_in(c), name)

    return build


def literal(kind: str, decode: Callable[[Token], Any]) -> Any:
    """A builder for a literal of one token."""

    def build(self: object, c: Children) -> Any:
        return s.Literal((c[0].start_pos, c[0].end_pos), kind, decode(c[0]), str(c[0]))

    return build


def is_true(token: Token) -> bool:
    return token.lower() == "true"


def named_type(token: Token) -> str:
    """The type within ``typeof(...)``."""
    return token[token.index("(") + 1 : -1].strip()
