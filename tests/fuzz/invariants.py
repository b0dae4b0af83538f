"""What holds for any text: it is refused with KqlSyntaxError, or it survives printing and formatting."""

from __future__ import annotations

from translator.kql.errors import KqlSyntaxError
from translator.kql.formatter import format_kql
from translator.kql.parser import parse
from translator.kql.printer import to_kql


def check(text: str) -> None:
    try:
        tree = parse(text)
    except KqlSyntaxError:
        return
    assert parse(to_kql(tree)) == tree
    formatted = format_kql(text)
    assert parse(formatted) == tree
    assert format_kql(formatted) == formatted
