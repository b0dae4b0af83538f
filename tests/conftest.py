"""Shared fixtures: the reference rule, and the folders beside the repository that only some machines have."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.mktemp("caches")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def own_cache(caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on what the user's own runs or other tests have left, nor leaves anything to them."""
    monkeypatch.setenv("KQL2SIGMA_CACHE", str(next(caches)))


@pytest.fixture(scope="session")
def rules_folder() -> Path:
    return ROOT / "rules"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the measuring data beside the repository (../shared) is not on this machine")
    return SHARED
