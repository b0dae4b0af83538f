"""Conditions on names of files, rewritten to the paths that end with them, keep the rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translator.catalog.model import Alone
from translator.engine.data import Tables
from translator.engine.dialects import DUCKDB
from translator.engine.duckdb_engine import DuckDbEngine
from translator.engine.relations import compile_plan
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.conditions import pushed
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, const, transform, walk
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.targets.paths import file_name, on_path

NAMES = ("cmd.exe", "CMD.EXE", "xcmd.exe", "cmd.exe.txt", "a cmd-b.exe", "cmd", "exe", "")
FOLDERS = ("", "C:\\Windows\\", "/usr/bin/", "C:\\cmd.exe\\", "/opt/a cmd b/")
ROWS = [
    {"id": n, "FileName": name, "FolderPath": folder + name}
    for n, (name, folder) in enumerate((x, y) for x in NAMES for y in FOLDERS if x or not y)
]
SCHEMA = {"DeviceProcessEvents": {"id": "long", "FileName": "string", "FolderPath": "string"}}
DATA = Tables({"DeviceProcessEvents": ROWS}, SCHEMA)


@pytest.fixture(scope="module")
def engine() -> DuckDbEngine:
    return DuckDbEngine(DATA)


words = st.sampled_from(['"cmd.exe"', '"cmd"', '"exe"', '"a"', '"CMD"', '".exe"', '"d.e"'])
operators = st.sampled_from(
    ["==", "!=", "=~", "!~", "has", "!has", "contains", "!contains", "startswith", "endswith", "contains_cs", "has_cs"]
)
conditions = st.one_of(
    st.builds(lambda op, w: f"FileName {op} {w}", operators, words),
    st.builds(
        lambda op, ws: f"FileName {op} ({', '.join(ws)})", st.sampled_from(["in", "in~", "!in"]), st.lists(words, min_size=1, max_size=2)
    ),
    st.sampled_from(["isempty(FileName)", "isnotempty(FileName)"]),
)
predicates = st.one_of(
    conditions, st.builds(lambda a, b: f"({a}) or ({b})", conditions, conditions), st.builds(lambda a: f"not({a})", conditions)
)


@settings(max_examples=200, deadline=None)
@given(condition=predicates)
def test_conditions_on_names_hold_of_paths(engine: DuckDbEngine, condition: str) -> None:
    plan = bind(parse(f"DeviceProcessEvents | where {condition} | project id, FileName, FolderPath"), SCHEMA, frozenset(SCHEMA))
    assert isinstance(plan.root, o.Filter)
    path = next(column for name, column in plan.names if name == "FolderPath")

    def of_path(node: Expr) -> Expr:
        named = isinstance(node, ColumnRef) and node.column.name == "FileName"
        return file_name(ColumnRef(node.span, node.type, path), "any") if named else on_path(node)

    rewritten = pushed(transform(pushed(simplify(plan.root.predicate)), of_path))
    assert "FileName" not in str(rewritten) and "file_name" not in str(rewritten)

    def rows(relation: o.Relation) -> list[tuple[object, ...]]:
        made = compile_plan(o.Plan(relation, plan.names, plan.open), DUCKDB, dt.datetime(2026, 1, 1), DATA.columns)
        return sorted(engine.execute(made), key=str)

    assert rows(plan.root) == rows(replace(plan.root, predicate=rewritten)), condition


@pytest.mark.parametrize(
    ("names", "alone", "bare"),
    [
        (("a.exe",), "without-extension", []),
        (("a.exe", "System"), "without-extension", ["System"]),
        (("j.doe",), "any", ["j.doe"]),
        (("Debugger",), "none", []),
    ],
)
def test_what_may_stand_without_a_folder(names: tuple[str, ...], alone: Alone, bare: list[str]) -> None:
    path = ColumnRef(None, Type.STRING, Column(1, "FolderPath", Type.STRING))
    found = on_path(Apply(None, Type.BOOL, "in", (file_name(path, alone), Items(None, Type.DYNAMIC, tuple(map(const, names))))))
    equal = [n.args[1] for n in walk(found) if isinstance(n, Apply) and n.function == "=="]
    assert [x.value for x in equal if isinstance(x, Const)] == bare
