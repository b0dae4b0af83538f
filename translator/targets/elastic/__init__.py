"""Elastic: EQL and ES|QL, and what both share."""

from __future__ import annotations

import re

from translator.fidelity import Diagnostic
from translator.plan.expressions import Apply, Expr
from translator.targets.base import Cannot, Names, text_of
from translator.targets.elastic import lucene


def string(value: str) -> str:
    """A string literal of EQL and of ES|QL; no value can end it."""
    out = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + out.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def literal(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return string(value) if isinstance(value, str) else repr(value)


_PLAIN = re.compile(r"[A-Za-z_@][A-Za-z0-9_@]*(\.[A-Za-z_@][A-Za-z0-9_@]*)*")


def field(name: str) -> str:
    """A field name, in backquotes unless each of its parts is a plain word."""
    return name if _PLAIN.fullmatch(name) else "`" + name.replace("`", "``") + "`"


def dataset(names: Names, table: str) -> str:
    """What ``event.dataset`` holds for a table's events."""
    found = names.table(table)
    return found.selects["dataset"] if found else table


def index(names: Names, table: str) -> str:
    """The index pattern of a table's events."""
    found = names.table(table)
    return found.selects["index"] if found else re.sub(r"[^a-z0-9_.-]", "_", table.lower())


def lucene_of(rest: tuple[Expr, ...], node: Apply, caseless: bool, lowered: bool = False) -> str:
    """The regular expression of ``matches regex`` as Lucene's. Raises Cannot where it has none."""
    try:
        return lucene.translate(text_of(rest, node), caseless, lowered)
    except lucene.NotLucene as error:
        raise Cannot(Diagnostic("target-cannot", f"Lucene's regular expressions have no {error}", node.span)) from None
