"""ASIM's helper functions: those that give a value or columns by their arguments alone, and what helps in place of the others.

Source: https://github.com/Azure/Azure-Sentinel/tree/master/ASIM/lib/functions; each function is built into a workspace by the name with an
underscore, and may be saved by the one without.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from translator.kql import syntax as s
from translator.kql.parser import parse

_N = TypeVar("_N", bound=s.Node)


@functools.cache
def _data() -> Mapping[str, Any]:
    return json.loads((Path(__file__).parent / "asim_functions.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _builtin(name: str) -> str:
    return name if name.startswith("_") else f"_{name}"


def helper(name: str, span: s.Span) -> s.Function | None:
    """The function of that name as if it were written at a place of the query; None where it is none of ASIM's, or not read here."""
    found = _function(_builtin(name)) if name.startswith(("_ASIM_", "ASIM_")) else None
    return _placed(found, span) if found is not None else None


def refusal(name: str) -> str:
    """What a function of ASIM's does that is not read here, and what to write instead; empty for any other."""
    told: str = _data()["refused"].get(_builtin(name), "")
    return told


@functools.cache
def _function(name: str) -> s.Function | None:
    found = _data()["functions"].get(name)
    if found is None:
        return None
    body = found["body"]
    if body.startswith("{"):
        body = _of_codes("code", _data()["codes"][body[1:-1]])
    if "rows" in found:
        body = body.replace("{rows}", _rows(_data()["codes"][found["rows"]]))
    statement = parse(f"let f = ({found['parameters']}) {{ {body} }}; print 1").statements[0]
    assert isinstance(statement, s.Let) and isinstance(statement.value, s.Function)
    return statement.value


def _of_codes(code: str, table: Mapping[str, Any]) -> str:
    """The name of a code, in KQL."""
    quote = "" if table["type"] == "int" else '"'
    arms = "".join(f'{code} == {quote}{known}{quote}, "{name}", ' for known, name in table["codes"].items())
    return f"case({arms}{table['otherwise'].replace('{code}', code)})"


def _rows(table: Mapping[str, Any]) -> str:
    """The codes with their names, as the rows of a table; ``again`` are further names of codes that have one."""
    return ", ".join(f'{code}, "{name}"' for listed in (table["codes"], table["again"]) for code, name in listed.items())


def _placed(node: _N, span: s.Span) -> _N:
    """The same syntax, all of it at one place of the query."""

    def moved(value: Any) -> Any:
        if isinstance(value, s.Node):
            return _placed(value, span)
        return tuple(map(moved, value)) if isinstance(value, tuple) else value

    changed = {name: moved(getattr(node, name)) for name in node.__match_args__ if name != "span"}
    return replace(node, span=span, **changed)
