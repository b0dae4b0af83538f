"""Searches taken apart: commands at their pipes, inner searches at their brackets, arguments by grammars/spl.lark.

Facts: Search Manual, "About the search language" (pipes and quotes; a backslash escapes quotation marks, pipes and itself; other
sequences are not altered), "Use macros in searches" (back quotes), "About subsearches" (brackets).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Literal, TypeAlias

import lark
from lark import Token, Tree

from translator.grammar import grammar_text
from translator.verify.reading import NotReadable

Node: TypeAlias = Tree[Token] | Token
Kind: TypeAlias = Literal["pipeline", "search", "condition", "assignments", "statistics", "accelerated", "arguments"]


@dataclass(frozen=True, slots=True)
class Inner:
    """A search in brackets.

    Attributes:
        text: what stands between them.
        position: where it begins, in characters of the whole text.
    """

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        name: its name; ``search`` for the terms that a search begins with.
        text: its arguments, with NUL characters for what stands in brackets.
        position: where the arguments begin.
        inner: the searches in brackets by their opening bracket's offset in ``text``.
        macros: the first macro that it has, and where; none where they were expanded or are passed over.
    """

    name: str
    text: str
    position: int
    inner: Mapping[int, Inner] = field(default_factory=dict)
    macros: tuple[str, int] | None = None

    def tree(self, kind: Kind) -> Tree[Token]:
        """The arguments by the rule of a kind.

        Raises:
            NotReadable: where they do not follow it.
        """
        text = self.text if kind in ("search", "condition", "assignments", "accelerated") else _without("macro", self.text)
        return parsed(kind, text, self.position)

    def subsearch(self, token: Token) -> Inner:
        """The search in brackets that a token stands for."""
        return self.inner[token.start_pos or 0]

    def refuse(self, what: str) -> NotReadable:
        """What is raised for a part of the command that is not read, with its place."""
        return NotReadable(f"{self.name}: {what}", self.position)


_SPECIAL = re.compile(r'"(?:\\.|[^"\\])*"|(?P<comment>```.*?```)|(?P<macro>`[^`]+`)', re.DOTALL)
"""Texts in quotes, in which back quotes are nothing special; comments and macros."""
_NAME = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)(?=[\s|\"'(\[`<$+-]|$)")


def _without(kind: str, text: str) -> str:
    """A text with spaces for its comments or its macros."""
    return _SPECIAL.sub(lambda m: " " * len(m[0]) if m[kind] else m[0], text)


def _macro(text: str) -> re.Match[str] | None:
    """The first macro of a text."""
    return next((m for m in _SPECIAL.finditer(text) if m["macro"]), None)


@cache
def _lark(kind: Kind) -> lark.Lark:
    # One for each kind: rules that share a state of the parser would share the words that end them.
    return lark.Lark(grammar_text("spl"), parser="lalr", lexer="contextual", start=kind, maybe_placeholders=False)


@lru_cache(4096)
def parsed(kind: Kind, text: str, position: int = 0) -> Tree[Token]:
    """A text by a rule of the grammar.

    Args:
        kind: the rule.
        text: what is read.
        position: where the text begins in the whole, for errors.

    Raises:
        NotReadable: where it does not follow the rule.
    """
    try:
        return _lark(kind).parse(text)
    except lark.UnexpectedCharacters as error:
        offset = error.pos_in_stream or 0
        raise NotReadable(f"the character {text[offset : offset + 1]!r}", position + offset) from None
    except lark.UnexpectedToken as error:
        at_end = error.token.type == "$END"
        offset = len(text) if at_end else error.token.start_pos or 0
        raise NotReadable("the end of the search" if at_end else f"{str(error.token)!r}", position + offset) from None


def expanded(text: str, definition: Callable[[str], str | None]) -> str:
    """A text with its macros replaced, also by those of what replaces them.

    Args:
        text: a search.
        definition: what stands for a macro, by all that is written between its back quotes; None where that is not known.

    Raises:
        NotReadable: where macros go round in a circle.
    """
    text = _without("comment", text)
    for _ in range(20):
        found = _SPECIAL.sub(lambda m: (definition(m[0][1:-1].strip()) if m["macro"] else None) or m[0], text)
        if found == text:
            return text
        text = found
    raise NotReadable("a macro that contains itself")


def commands(text: str, position: int = 0, macros_pass: bool = False, top: bool = True) -> list[Command]:
    """The commands of a search; what it begins with are terms of ``search`` unless it begins with a pipe or stands in brackets.

    Args:
        text: the search.
        position: where it begins in the whole.
        macros_pass: whether macros are passed over; a command of nothing else is then left out.
        top: whether it does not stand in brackets, where the first command has its name as well (Search Manual, "About subsearches").

    Raises:
        NotReadable: where quotes or brackets do not close.
    """
    parts = parsed("pipeline", text, position).children
    pipes = [p.start_pos or 0 for p in parts if isinstance(p, Token)]
    found: list[Command] = []
    for number, (part, start, end) in enumerate(zip(parts[::2], [0, *(p + 1 for p in pipes)], [*pipes, len(text)], strict=True)):
        assert isinstance(part, Tree)
        shown, inner = _bracketed(part, text, start, end, position)
        if not shown.strip():
            if number == 0 and pipes:
                continue
            raise NotReadable("an empty command", position + start)
        if command := _command(shown, start, position, number == 0 and top, macros_pass):
            name, at, macro = command
            inside = {offset - at: i for offset, i in inner.items()}
            found.append(Command(name, shown[at:], position + start + at, inside, macro))
    return found


def _bracketed(part: Tree[Token], text: str, start: int, end: int, position: int) -> tuple[str, dict[int, Inner]]:
    """A command with what stands in its brackets blanked, and the searches in them."""
    shown, inner = text[start:end], {}
    for piece in part.children:
        if isinstance(piece, Tree):
            opening, _, closing = piece.children
            assert isinstance(opening, Token) and isinstance(closing, Token)
            first, last = (opening.start_pos or 0) + 1, closing.start_pos or 0
            inner[first - 1 - start] = Inner(text[first:last], position + first)
            shown = shown[: first - start] + "\0" * (last - first) + shown[last - start :]
    return _without("comment", shown), inner


def _command(shown: str, start: int, position: int, first: bool, macros_pass: bool) -> tuple[str, int, tuple[str, int] | None] | None:
    """The name of a command, where its arguments begin and its first macro; None for macros that are passed over."""
    found = _macro(shown)
    macro = (found[0], position + start + found.start()) if found and not macros_pass else None
    named = _NAME.match(shown)
    if first and not (named and named["name"] == "search"):
        return "search", 0, macro
    if named:
        return named["name"].lower(), named.end(), macro
    if found is None or shown[: found.start()].strip():
        raise NotReadable(f"the command {shown.replace(chr(0), '').split()[0]}", position + start)
    if macro:
        raise NotReadable(f"the macro {macro[0]}", macro[1])
    return None


_SEQUENCE = re.compile(r"\\([nrt\"\\])")
_SEARCH_SEQUENCE = re.compile(r'\\(["\\|])')


def unquoted(token: str) -> str:
    """The value of a text of ``eval``, or of the regular expression of ``rex`` and ``regex``.

    Search Manual, "Types of expressions" (``\\t`` is a tab), "SPL and regular expressions" (four backslashes match one).
    """
    return _SEQUENCE.sub(lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), token[1:-1])


def worded(token: str) -> str:
    """The value of a word or a text in quotes of ``search`` and of other commands, where only quotes, pipes and backslashes are escaped."""
    return _SEARCH_SEQUENCE.sub(r"\1", token[1:-1] if token[:1] == '"' else token)


def name_of(token: str) -> str:
    """A name of a field, with or without quotes."""
    return worded(token) if token[:1] == '"' else token[1:-1] if token[:1] == "'" and len(token) > 1 else str(token)
