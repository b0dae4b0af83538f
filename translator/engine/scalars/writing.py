"""SQL from templates, and what is written the same way everywhere: names of columns, times, comparisons, paths into JSON."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache

from sqlglot import exp, parse_one

from translator.plan import expressions as e
from translator.plan.functions.values import EPOCH_TICKS
from translator.plan.types import Type

EPOCH_MICROS = EPOCH_TICKS // 10


@cache
def _template(text: str, dialect: str) -> exp.Expr:
    """A template parsed once; its places are columns named ``_p1``, since some dialects read ``$1`` as something else."""
    return parse_one(re.sub(r"\$(\d+)", r"_p\1", text.replace("$*", "_p0")), dialect=dialect)


def fill(text: str, dialect: str, *args: exp.Expr) -> exp.Expr:
    """The template ``text`` with ``$1`` ... replaced, ``$*`` by all arguments."""
    template = _template(text, dialect).copy()
    for node in list(template.find_all(exp.Column)):
        match = re.fullmatch(r"_p(\d+)", node.name, re.I)
        if match is None:
            continue
        number = int(match[1])
        if number == 0:
            assert node.parent is not None
            node.parent.set(node.arg_key or "expressions", [a.copy() for a in args])
            continue
        value = args[number - 1].copy()
        wrapped = exp.paren(value, copy=False) if isinstance(value, exp.Binary | exp.Not | exp.Is | exp.In | exp.Between) else value
        if node is template:
            return wrapped
        node.replace(wrapped)
    return template


def column_name(column: e.Column) -> str:
    return f"c{column.id}"


def moment(value: dt.datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(value.strftime("%Y-%m-%d %H:%M:%S.%f") if value.microsecond else str(value)), "timestamp")


def beyond_ticks(literal: e.Const) -> bool:
    """Whether a literal is a time of a year in which no dialect counts ticks."""
    if literal.type != Type.DATETIME or not isinstance(literal.value, int):
        return False
    return abs(literal.value - EPOCH_TICKS) >= 2**63 // 100


def finer_than_micros(literal: e.Const) -> bool:
    """Whether a literal has a fraction of a microsecond."""
    match literal:
        case e.Const(type=Type.DATETIME | Type.TIMESPAN, value=int(ticks)):
            return ticks % 10 != 0
        case e.Const(type=Type.STRING, value=str(text)):
            return re.search(r":\d\d\.\d{6}[1-9]", text) is not None
        case e.Const(type=Type.REAL, value=str() | float() as number):
            return re.search(r"\.\d{6}[1-9]$", str(number)) is not None
    return False


def compared(kind: type[exp.Binary], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """A comparison; comparisons inside it in parentheses, since SQL has no chains of them."""
    sides = [exp.paren(s, copy=False) if isinstance(s, exp.Predicate | exp.Connector | exp.Not) else s for s in (left, right)]
    return kind(this=sides[0], expression=sides[1])


def json_path(steps: tuple[str | int, ...]) -> str | None:
    """Steps as a JSON path; None where a name cannot stand in one."""
    out = "$"
    for step in steps:
        if isinstance(step, int):
            out += f"[{step}]" if step >= 0 else f"[#{step}]"
        elif '"' in step or "\\" in step:
            return None
        else:
            out += f'."{step}"'
    return out
