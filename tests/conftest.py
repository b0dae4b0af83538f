"""Shared fixtures: the reference rule, and the folders beside the repository that only some machines have."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from translator.commands import writing
from translator.report import SCHEMA

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
def report_schema() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(autouse=True)
def reports_keep_to_their_schema(monkeypatch: pytest.MonkeyPatch, report_schema: jsonschema.Draft202012Validator) -> None:
    """Every report that a test has the commands write is held against the schema: whole ones, unfinished ones and short ones."""
    write = writing.write_file

    def checked(root: Path, name: str, content: str | bytes) -> None:
        if name == writing.REPORT:
            report_schema.validate(json.loads(content))
        write(root, name, content)

    monkeypatch.setattr(writing, "write_file", checked)


@pytest.fixture(scope="session")
def rules_folder() -> Path:
    return ROOT / "rules"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the measuring data beside the repository (../shared) is not on this machine")
    return SHARED
