"""What the engine cannot do, said by name."""

from __future__ import annotations

import re

from translator.plan.expressions import Span


class EngineError(Exception):
    """A query that the engine refuses, or data that it cannot read.

    Attributes:
        span: offsets into the KQL text, None where no place in it is to blame.
    """

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.message, self.span = message, span


class UnknownEngine(EngineError):
    """A name that is no engine's."""


def explained(error: Exception) -> str:
    """DuckDB's message without what only its own users understand; of a function in Python, what that said."""
    message = str(error)
    inner = re.search(r"Python exception occurred while executing the UDF: \w+: ([^\n]*)", message)
    if inner:
        beyond = re.fullmatch(r"(?:date value|year -?\d+ is) out of range", inner[1])
        return "a datetime is of the years 1 to 9999, and one is not" if beyond else inner[1]
    if "Could not convert Timestamp" in message:
        return "the query speaks of times to 100 ns, which the engine knows in the years 1678 to 2262 alone, and one is outside of these"
    if number := re.search(r'Could not convert string "([^"]*)" to DECIMAL', message):
        return f"the decimal {number[1]} has more digits than the engine keeps, which are 20 before the point and 18 behind it"
    message = message.split("\n\n")[0].strip()
    return re.sub(r"^(?:\w+ )?\w+ Error: ", "", message.split("\nTry setting")[0].split("\nPossible")[0].strip())
