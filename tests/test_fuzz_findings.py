"""Texts that fuzzing or property tests once failed on: each file under fixtures/fuzz must parse or be refused, and round-trip."""

from __future__ import annotations

from pathlib import Path

import pytest

from translator.kql.errors import KqlSyntaxError
from translator.kql.formatter import format_kql
from translator.kql.parser import parse
from translator.kql.printer import to_kql

FILES = sorted((Path(__file__).resolve().parent / "fixtures" / "fuzz").glob("*"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_finding(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "ignore")
    try:
        tree = parse(text)
    except KqlSyntaxError:
        return
    assert parse(to_kql(tree)) == tree
    formatted = format_kql(text)
    assert parse(formatted) == tree and format_kql(formatted) == formatted
