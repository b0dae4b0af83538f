"""Coverage-guided fuzzing of the parser: ``python tests/fuzz/fuzz_parser.py -max_total_time=300 CORPUS``.

Needs PyPI atheris. Nothing but KqlSyntaxError may come out; what parses must survive printing and formatting. What it found is kept in
``tests/fixtures/fuzz`` and run by ``tests/test_fuzz_findings.py``.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports():
    from invariants import check


def one_input(data: bytes) -> None:
    check(data.decode("utf-8", "ignore"))


if __name__ == "__main__":
    check("T")
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
