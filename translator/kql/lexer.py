"""Lark's contextual lexer without what this parser does not need.

Blanks and comments are skipped by one expression before each token instead of being tokens that are matched and thrown away, and
tokens carry offsets only: lines and columns are worked out where there is an error. A third of the parsing time goes with that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.lexer import ContextualLexer, UnlessCallback

SKIPPED = re.compile(r"(?:[\s\u180e\u200b\ufeff]+|//[^\n\r\u2028\u2029]*)*")
"""What the grammar's WHITESPACE and COMMENT say, which it ignores."""


class OffsetLexer(ContextualLexer):
    """Takes the place of Lark's ``ContextualLexer`` through its plug-in option."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.prepared: dict[Any, tuple[list[Callable[..., Any]], dict[str, dict[str, str]]]] = {}

    def prepare(self, state: Any) -> tuple[list[Callable[..., Any]], dict[str, dict[str, str]]]:
        """What a parser state takes: the expressions to try in order, and the words that are terminals of their own by the
        terminal that they would be else."""
        lexer: Any = self.lexers[state]
        scanner = lexer.scanner
        words = {}
        for kind, callback in lexer.callback.items():
            assert isinstance(callback, UnlessCallback)
            words[kind] = {t.pattern.value: t.name for t in callback.scanner.terminals}
        found = self.prepared[state] = ([m.match for m in scanner._mres], words)
        return found

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
        """The tokens of a text, each with its place; Lark calls it in place of its own lexer.

        Raises:
            UnexpectedCharacters, UnexpectedToken: where no token begins that may stand there.
        """
        text, end, prepared, skip = lexer_state.text.text, lexer_state.text.end, self.prepared, SKIPPED.match
        new = str.__new__
        position = 0
        while True:
            position = skip(text, position).end()  # type: ignore[union-attr]
            if position >= end:
                return
            state = parser_state.position
            matchers, words = prepared.get(state) or self.prepare(state)
            for matcher in matchers:
                found = matcher(text, position)
                if found is not None:
                    break
            else:
                lexer_state.line_ctr.char_pos = position
                raise self.refusal(lexer_state, parser_state, self.lexers[state])
            value, kind = found.group(), found.lastgroup
            if kind in words:
                kind = words[kind].get(value, kind)
            token: Any = new(Token, value)
            token.type, token.value, token.start_pos = kind, value, position
            token.line = token.column = token.end_line = token.end_column = None
            position += len(value)
            token.end_pos = position
            lexer_state.last_token = token
            yield token

    def refusal(self, lexer_state: Any, parser_state: Any, lexer: Any) -> Exception:
        """The error for a place where no terminal of the state matches: with the token that stands there in any state."""
        source, start = lexer_state.text, lexer_state.line_ctr.char_pos
        root: Any = self.root_lexer
        found = root.match(source, start)
        allowed = lexer.scanner.allowed_types - lexer.ignore_types
        if found is None:
            return UnexpectedCharacters(source.text, start, 1, 1, allowed=allowed, state=parser_state)  # type: ignore[no-untyped-call]
        token = Token(found[1], found[0], start)
        return UnexpectedToken(token, allowed, state=parser_state)  # type: ignore[no-untyped-call]
