"""What may be wrong with a query: errors that end the binding, and problems of names that are gathered."""

from __future__ import annotations

from dataclasses import dataclass

from translator.plan import expressions as e


class BindError(Exception):
    """The query cannot be given a meaning: an unknown function parameter, a recursion without end, ..."""

    def __init__(self, message: str, span: e.Span | None) -> None:
        super().__init__(message)
        self.message, self.span = message, span


PROBLEMS = {
    "binding": "the query has no meaning",
    "unknown-column": "a column that is not there, or that an operator before has taken away",
    "unknown-name": "a let that is not there",
    "unknown-table": "a table that is not there, with a name of the query or a documented one close to it",
    "unknown-function": "a function that is not there",
    "argument-count": "a function that takes another number of arguments",
    "argument-type": "a value of a type that is not taken there",
    "misplaced": "an aggregate where single rows are looked at, or a column where groups are",
    "operand-types": "operands for which an operator is not defined",
    "no-parts": "a part of a value that is no dynamic",
    "repeated-name": "two columns of one operator, or two lets, under one name",
    "unlisted-column": "a column that the documentation of its table does not list",
    "unlisted-table": "a table that is not documented, with one close to it that is",
    "saved-function": "a function that the workspace may have saved, and that is not read with the rules",
}
"""Every problem of names by code, with what it is about."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a name, or looks so: an error, or a warning where a site may have what the documentation does not list."""

    code: str
    span: e.Span
    message: str
    warns: bool = False
