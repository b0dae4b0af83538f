"""Places in JSON that are told by a path in a text."""

from __future__ import annotations

import re

from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path
from translator.plan.types import Type

_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\[(?:'([^'\\]+)'|\"([^\"\\]+)\")\]")


def by_json_path(expr: Expr) -> Expr:
    """``extract_json("$.a[0]", text)`` is ``tostring(parse_json(text).a[0])``: learn.microsoft.com/kusto/query/extract-json-function."""
    match expr:
        case Apply(function="extract_json", args=(Const(value=str(path)), text, *kind)) if (
            text.type == Type.STRING and all(isinstance(k, Const) and k.value == "string" for k in kind) and (steps := steps_of(path))
        ):
            parsed = text if isinstance(text, ColumnRef) else Apply(expr.span, Type.DYNAMIC, "parse_json", (text,))
            return Path(expr.span, Type.STRING, parsed, steps)
    return expr


def steps_of(path: str) -> tuple[str | int, ...]:
    """The steps of a path that counts and names; none where it does anything else."""
    found, at = list[str | int](), 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return ()
        found.append(int(step[2]) if step[2] else next(name for name in (step[1], step[3], step[4]) if name))
        at = step.end()
    return tuple(found) if path[:1] == "$" else ()
