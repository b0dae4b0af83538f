"""Shared fixtures: the reference rule, and the folders beside the repository that only some machines have."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def rules_folder() -> Path:
    return ROOT / "rules"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the measuring data beside the repository (../shared) is not on this machine")
    return SHARED
