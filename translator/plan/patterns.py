"""What ``parse`` looks for, as a regular expression.

Source: learn.microsoft.com/kusto/query/parse-operator.
"""

from __future__ import annotations

import re

from translator.plan.expressions import Column
from translator.plan.operators import Parse
from translator.plan.types import Type

_CAPTURES = {Type.LONG: r"(-?\d+)", Type.INT: r"(-?\d+)", Type.REAL: r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)", Type.BOOL: "(true|false)"}


def escaped(text: str) -> str:
    """A text as a regular expression that RE2 and Java read alike."""
    return "".join(
        c if c.isalnum() or c in " _-/:;,@<>='\"!%&~`#" or ord(c) > 127 else "\\" + c if c.isprintable() else f"\\x{{{ord(c):x}}}"
        for c in text
    )


def regex_of(parse: Parse) -> tuple[str, list[tuple[int, Column]]]:
    """The regular expression that ``parse`` stands for, and the group that gives each column.

    A simple pattern without ``*`` at its end reaches to the end of the text.

    Raises:
        ValueError: for a part of a ``kind=regex`` pattern that is no regular expression.
    """
    ungreedy = "U" in parse.flags
    lazy, rest = ("(.*)", "(.*?)") if ungreedy else ("(.*?)", "(.*)")
    out, group = "", 0
    columns: list[tuple[int, Column]] = []
    parts = parse.pattern
    for number, part in enumerate(parts):
        follower = parts[number + 1] if number + 1 < len(parts) else ""
        last = number == len(parts) - 1
        match part:
            case str() if parse.kind == "regex":
                out += part
                try:
                    group += re.compile(part).groups
                except re.error as error:
                    raise ValueError(f"{part!r} is no regular expression: {error}") from None
            case str():
                out += escaped(part)
            case None:
                out += "" if last else lazy[1:-1]
            case Column():
                group += 1
                columns.append((group, part))
                typed = _CAPTURES.get(part.type)
                if parse.kind == "relaxed" and follower is not None and not last:
                    typed = None
                out += typed or (rest if last else lazy)
    ends = "$" if parts and parts[-1] is not None and parse.kind != "regex" else ""
    flags = ("i" if "i" in parse.flags else "") + ("U" if ungreedy else "")
    return f"(?s{flags}){out}{ends}", columns
