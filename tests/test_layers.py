"""Imports only run one way through the stages."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ORDER = [
    {"garbage"},
    {"fidelity", "attack", "cache", "grammar", "lalr", "workers"},
    {"regex"},
    {"kql"},
    {"plan"},
    {"engine"},
    {"catalog"},
    {"rulepack"},
    {"detection"},
    {"targets"},
    {"sigma"},
    {"pipeline"},
    {"pack"},
    {"verify"},
    {"report"},
    {"package"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
"""The stages, each of which may import itself and those before it."""


def stage_of(module: str) -> str:
    return module.split(".")[1]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {n for n in names if n.startswith("translator.")}


def module_of(name: str, modules: Mapping[str, Path]) -> str:
    """The module that an import is of: itself, or the one that defines what is imported; none for the package, which only shows both."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return "" if name == "translator" else name


def test_no_stage_imports_a_later_one() -> None:
    rank = {name: number for number, names in enumerate(ORDER) for name in names}
    wrong = []
    for path in sorted((ROOT / "translator").rglob("*.py")):
        relative = path.relative_to(ROOT / "translator")
        if relative.name == "__init__.py" and len(relative.parts) == 1:
            continue
        own = relative.parts[0].removesuffix(".py")
        assert own in rank, f"{relative} belongs to no stage: add it to ORDER"
        for module in imported(path):
            other = stage_of(module)
            if other.startswith("__"):
                continue
            if rank[other] > rank[own] or (rank[other] == rank[own] and other != own):
                wrong.append(f"{relative} imports {module}")
    assert wrong == []


def test_readers_share_nothing_with_what_writes() -> None:
    """A reader of a language that used what writes it would share its faults."""
    allowed = ("translator.grammar", "translator.fidelity", "translator.verify.reading")
    wrong = []
    for language in ("spl", "esql", "eql", "sigma"):
        own = f"translator.verify.{language}"
        for path in sorted((ROOT / "translator/verify" / language).rglob("*.py")):
            wrong += [f"{path.relative_to(ROOT)} imports {m}" for m in sorted(imported(path)) if not m.startswith((own, *allowed))]
    assert wrong == []


def test_no_modules_import_each_other() -> None:
    modules = {
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in (ROOT / "translator").rglob("*.py")
    }
    sorter = TopologicalSorter(
        {name: {found for n in imported(path) if (found := module_of(n, modules)) not in ("", name)} for name, path in modules.items()}
    )
    sorter.prepare()  # raises CycleError, which names the modules


def test_no_renderer_or_lifter_names_a_rule() -> None:
    """Nothing in the package knows the reference rule by its id or name."""
    for path in (ROOT / "translator").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "f19f913f-292a" not in text and "Storage Account Key" not in text, path


def test_what_measures_goes_with_what_it_measures() -> None:
    """``make conformance`` takes an hour, so it is run seldom: a script of it that asks for a name which is gone is seen here."""
    scripts = re.findall(r"-m (tests\.conformance\.\w+)", (ROOT / "Makefile").read_text())
    assert scripts
    for script in dict.fromkeys(scripts):
        importlib.import_module(script)
