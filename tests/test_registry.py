"""The registry: every function of KQL known by name and signature, the docs page its own print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from translator.commands.functions import functions_page
from translator.plan.functions import aggregates, declared, functions, plugins, result_type
from translator.plan.types import Type

ROOT = Path(__file__).parents[1]
SIGNATURES = ROOT.parent / "shared" / "corpus" / "signatures.json"


def test_every_declaration_reads_as_a_signature() -> None:
    names = [(f.kind, f.name) for f in declared()]
    assert len(names) == len(set(names))
    for function in declared():
        assert function.signatures, function.name
        assert function.name in function.texts[0]


@pytest.mark.skipif(not SIGNATURES.exists(), reason="the official signatures are not on this machine")
def test_official_names_and_arities() -> None:
    official = json.loads(SIGNATURES.read_text())
    for group, known in (("functions", functions()), ("aggregates", aggregates()), ("plugins", plugins())):
        for entry in official[group]:
            ours = known[entry["name"]]
            least = min(s["min"] for s in entry["signatures"])
            most = max(s["max"] for s in entry["signatures"])
            assert ours.takes(least), entry["name"]
            assert ours.takes(min(most, 16)) or ours.takes(min(most, 17)), entry["name"]  # case() and bag_pack() take pairs
            assert least == 0 or not ours.takes(least - 1), entry["name"]


@pytest.mark.parametrize(
    ("name", "types", "expected"),
    [
        ("sum", [Type.INT], Type.LONG),
        ("min", [Type.DATETIME], Type.DATETIME),
        ("bin", [Type.DATETIME, Type.TIMESPAN], Type.DATETIME),
        ("bin", [Type.LONG, Type.REAL], Type.REAL),
        ("iff", [Type.BOOL, Type.DYNAMIC, Type.STRING], Type.STRING),
        ("coalesce", [Type.DYNAMIC, Type.STRING], Type.DYNAMIC),
        ("avg", [Type.LONG], Type.REAL),
        ("avg", [Type.TIMESPAN], Type.TIMESPAN),
        ("any", [Type.STRING], Type.STRING),
        ("nosuch", [Type.STRING], Type.UNKNOWN),
    ],
)
def test_result_types(name: str, types: list[Type], expected: Type) -> None:
    assert result_type(name, types) == expected


def test_the_docs_page_is_what_the_registry_prints() -> None:
    page = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    assert page == functions_page(), "run: kql2sigma functions --format markdown > docs/functions.md"
