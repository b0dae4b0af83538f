"""Lark's LALR driver with its tables laid out for speed: a state and a terminal lead to a number (shift) or to what a reduction needs.

The tables are Lark's own, so is everything around them; only the loop that runs them is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedToken
from lark.parse_tree_builder import ExpandSingleChild
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_parser import LALR_Parser
from lark.parsers.lalr_parser_state import ParseConf, ParserState


class TableParser(LALR_Parser):
    """Takes the place of Lark's ``LALR_Parser`` through its plug-in option."""

    tables: dict[int, dict[str, Any]] | None = None
    passed: dict[tuple[int, int, str], int]
    """Where chains of reductions to an only child end, by the state below, the one that they begin in and the terminal that follows."""

    def prepare(self) -> dict[int, dict[str, Any]]:
        """For each state what follows each symbol: the next state, or (callback, number of children, symbol) of a reduction.

        Of a reduction that gives its only child as it is, as most in a chain of operators are, it is the symbol alone.
        """
        driver: Any = self.parser
        callbacks = driver.callbacks

        def reduction(rule: Any) -> Any:
            callback, size, origin = callbacks[rule], len(rule.expansion), str(rule.origin.name)
            return origin if size == 1 and isinstance(callback, ExpandSingleChild) else (callback, size, origin)

        self.tables = {
            state: {symbol: argument if action is Shift else reduction(argument) for symbol, (action, argument) in actions.items()}
            for state, actions in driver.parse_table.states.items()
        }
        self.passed = {}
        return self.tables

    def parse(self, lexer: Any, start: str, on_error: Any = None) -> Any:
        """The value of the start rule; errors as Lark raises them, with the state they occurred in."""
        driver: Any = self.parser
        tables = self.tables or self.prepare()
        configuration: Any = ParseConf(driver.parse_table, driver.callbacks, start)
        state: Any = ParserState(configuration, lexer, None, None)
        stack, values, passed, end = state.state_stack, state.value_stack, self.passed, configuration.end_state
        for token in _with_end(lexer.lex(state)):
            kind = token.type
            while True:
                step = tables[stack[-1]].get(kind)
                if step.__class__ is int:
                    stack.append(step)
                    values.append(token)
                    break
                if step.__class__ is str:
                    chain = stack[-2], stack[-1], kind
                    following = passed.get(chain, -1)
                    if following < 0:
                        below, following = tables[stack[-2]], stack[-1]
                        while step.__class__ is str:
                            following = below[step]
                            step = tables[following].get(kind)
                        passed[chain] = following
                    stack[-1] = following
                elif step is None:
                    expected = {symbol for symbol in tables[stack[-1]] if symbol.isupper()}
                    raise UnexpectedToken(token, expected, state=state, interactive_parser=None)  # type: ignore[no-untyped-call]
                else:
                    callback, size, origin = step
                    if size:
                        children = values[-size:]
                        del stack[-size:]
                        del values[-size:]
                    else:
                        children = []
                    values.append(callback(children))
                    following = tables[stack[-1]][origin]
                    stack.append(following)
                if following == end:
                    return values[-1]
        raise AssertionError("the end of a text is refused or ends it")


def _with_end(tokens: Iterator[Token]) -> Iterator[Token]:
    """The tokens of a text, and the one that stands for its end."""
    token = None
    for token in tokens:
        yield token
    yield Token.new_borrow_pos("$END", "", token) if token else Token("$END", "", 0, 1, 1)
