"""Names for what a detection is made of, from those of tables and columns."""

from __future__ import annotations

import re

from translator.plan.expressions import (
    ELEMENT,
    ColumnRef,
    Expr,
    Path,
    walk,
)


def snake(name: str) -> str:
    """``IPAddress`` as ``ip_address``: lower-case words joined by underscores."""
    words = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", name)
    return re.sub(r"\W+", "_", words).strip("_").lower() or "key"


def unique_names(names: list[str]) -> list[str]:
    """The same names in snake case, each made another one by a number where it stands before."""
    out: list[str] = []
    for name in (snake(n) for n in names):
        fresh, index = name, 1
        while fresh in out:
            index += 1
            fresh = f"{name}_{index}"
        out.append(fresh)
    return out


def key_name(known: dict[int, Expr]) -> str:
    """What a key is called: by the column, or the place inside of one, that it is on the first side."""
    first = known[min(known)]
    match first:
        case ColumnRef(column=column):
            return column.name
        case Path(steps=steps):
            named = [s for s in steps if isinstance(s, str) and s != ELEMENT]
            return named[-1] if named else name_of(first)
        case _:
            return "key"


def name_of(expr: Expr) -> str:
    """A name for what ``expr`` holds: that of the first column it reads."""
    return next((n.column.name for n in walk(expr) if isinstance(n, ColumnRef)), "key")


def name_of_history(key: Expr) -> str:
    """The name of a list of the values that ``key`` had before: with that of the table, where it is one."""
    tables = [f"_in_{snake(n.column.table)}" for n in walk(key) if isinstance(n, ColumnRef) and n.column.table]
    return "".join(["seen_", snake(name_of(key)), *tables[:1]])
