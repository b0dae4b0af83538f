"""Texts that fuzzing or property tests once failed on: each file under fixtures/fuzz must parse or be refused, and round-trip."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.invariants import check

FILES = sorted((Path(__file__).resolve().parent / "fixtures" / "fuzz").glob("*"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_finding(path: Path) -> None:
    check(path.read_bytes().decode("utf-8", "ignore"))
