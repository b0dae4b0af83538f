"""Coverage-guided fuzzing of the parser: ``python tests/fuzz/fuzz_parser.py -max_total_time=300 CORPUS``.

Needs PyPI atheris. Nothing but KqlSyntaxError may come out; what parses must survive printing and formatting. What it found is kept in
``tests/fixtures/fuzz`` and run by ``tests/test_fuzz_findings.py``.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports():
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


def one_input(data: bytes) -> None:
    check(data.decode("utf-8", "ignore"))


if __name__ == "__main__":
    parse("T")
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
