"""The words and options of a command, one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lark import Token

from translator.verify.reading import NotReadable
from translator.verify.spl.syntax import Command, name_of, worded

_TRUE = frozenset({"true", "t", "1"})
_FALSE = frozenset({"false", "f", "0"})


def truth(command: Command, option: str, word: str) -> bool:
    """The Boolean that an option has (Search Reference, "Understanding SPL syntax").

    Raises:
        NotReadable: for other words.
    """
    if word.lower() in _TRUE | _FALSE:
        return word.lower() in _TRUE
    raise command.refuse(f"{option}={word}")


class Words:
    """The tokens of a command, read from left to right.

    Args:
        command: the command.

    Raises:
        NotReadable: where they are no words.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self.tokens = [t for t in command.tree("arguments").children if isinstance(t, Token)]
        self.at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The next token, or the one so many behind it, without taking it; None behind the last."""
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else None

    def next(self) -> Token:
        """Takes the next token.

        Raises:
            NotReadable: where there is none.
        """
        token = self.peek()
        if token is None:
            raise self.command.refuse("the end of its arguments")
        self.at += 1
        return token

    def keyword(self, *words: str) -> str | None:
        """Reads one of some words, without case; None where there is another."""
        token = self.peek()
        if token is not None and token.type == "WORD" and token.lower() in words:
            self.at += 1
            return token.lower()
        return None

    def taken(self, kind: str) -> Token | None:
        """Reads a token of a kind; None where there is another."""
        token = self.peek()
        if token is not None and token.type == kind:
            self.at += 1
            return token
        return None

    def options(self, defaults: Mapping[str, str]) -> dict[str, str]:
        """Reads the options that stand here: words with ``=`` and a value, by their names without case.

        Raises:
            NotReadable: for an option that is not among the defaults.
        """
        found = dict(defaults)
        while (token := self.peek(1)) is not None and token.type == "EQUALS" and token == "=":
            name = self.next().lower()
            self.next()
            value = self.next()
            if name not in defaults:
                raise self.command.refuse(f"the option {name}")
            found[name] = worded(value) if value.type == "STRING" else str(value)
        return found

    def name(self) -> str:
        """Reads the name of a field.

        Raises:
            NotReadable: where there is none.
        """
        token = self.next()
        if token.type not in ("WORD", "STRING", "QUOTED_NAME"):
            raise self.command.refuse(f"{str(token)!r} for the name of a field")
        return name_of(token)

    def name_among(self, defaults: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Reads the one name of a command, and its options before and behind it, to the end.

        Raises:
            NotReadable: for what else stands there.
        """
        options = self.options(defaults)
        name = self.name()
        options = self.options(options)
        self.end()
        return name, options

    def names(self, stop: Iterable[str] = ()) -> list[str]:
        """Reads names, with commas or spaces between them, until the end or one of some words or an option."""
        found: list[str] = []
        ends = set(stop)
        while (token := self.peek()) is not None:
            if token.type == "COMMA":
                self.at += 1
                continue
            follower = self.peek(1)
            if token.type not in ("WORD", "STRING", "QUOTED_NAME") or (token.type == "WORD" and token.lower() in ends):
                break
            if follower is not None and follower.type == "EQUALS":
                break
            found.append(self.name())
        return found

    def end(self) -> None:
        """Reads nothing.

        Raises:
            NotReadable: where there is more.
        """
        token = self.peek()
        if token is not None:
            raise NotReadable(f"{self.command.name}: {str(token)!r}", self.command.position + (token.start_pos or 0))


def count_of(command: Command, word: str) -> int:
    """A number of results.

    Raises:
        NotReadable: for what is none.
    """
    if not re.fullmatch(r"\d+", word):
        raise command.refuse(f"the number {word}")
    return int(word)
