"""What ``parse`` looks for, as a regular expression.

Source: learn.microsoft.com/kusto/query/parse-operator.
"""

from __future__ import annotations

import functools

from translator.plan.expressions import Apply, Column, Const, Expr, const
from translator.plan.operators import Parse
from translator.plan.types import Type
from translator.regex import syntax
from translator.regex.parser import RegexError
from translator.regex.parser import parse as parsed
from translator.regex.writers import kql

_CAPTURES = {Type.LONG: r"(-?\d+)", Type.INT: r"(-?\d+)", Type.REAL: r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)", Type.BOOL: "(true|false)"}

_CONVERSIONS = {
    Type.LONG: "tolong", Type.INT: "toint", Type.REAL: "todouble", Type.DATETIME: "todatetime", Type.BOOL: "tobool",
    Type.TIMESPAN: "totimespan",
}  # fmt: skip


def escaped(text: str) -> str:
    """A text as a regular expression that finds it alone."""
    return kql(syntax.text(text))


def searched(predicate: Apply) -> syntax.Node:
    """What ``matches regex`` looks for; its kind with ``~`` ignores case.

    Raises:
        RegexError: where that is no regular expression, or one that is computed.
    """
    match predicate.args[1]:
        case Const(value=str(pattern)):
            return _read(pattern, predicate.function.endswith("~"))
    raise RegexError("a pattern that is computed", 0)


@functools.lru_cache(maxsize=4096)
def _read(pattern: str, caseless: bool) -> syntax.Node:
    tree = parsed(pattern)
    return syntax.caseless(tree) if caseless else tree


def regex_of(parse: Parse) -> tuple[str, list[tuple[int, Column]]]:
    """The regular expression that ``parse`` stands for, and the group that gives each column.

    A simple pattern without ``*`` at its end reaches to the end of the text. Texts of a simple pattern are as short as can be; those of
    ``kind=regex`` as long, unless ``flags=U`` turns that around, and a dot of theirs is a line break with ``flags=s`` only.

    Raises:
        ValueError: for a part of a ``kind=regex`` pattern that is no regular expression, and for flags that there are not.
    """
    regex = parse.kind == "regex"
    if regex and (unknown := set(parse.flags) - set("imsU")):
        raise ValueError(f"parse has no flag {min(unknown)}: there are i, m, s and U")
    between = "(.*)" if regex else "(.*?)"
    rest = "(.*?)" if regex and "U" in parse.flags else "(.*)"
    out, group = "", 0
    columns: list[tuple[int, Column]] = []
    parts = parse.pattern
    for number, part in enumerate(parts):
        follower = parts[number + 1] if number + 1 < len(parts) else ""
        last = number == len(parts) - 1
        match part:
            case str() if regex:
                out += part
                try:
                    group += syntax.groups(parsed(part))
                except ValueError as error:
                    raise ValueError(f"{part!r} is no regular expression: {error}") from None
            case str():
                out += escaped(part)
            case None:
                out += "" if last else between[1:-1]
            case Column():
                group += 1
                columns.append((group, part))
                typed = _CAPTURES.get(part.type)
                if typed and parse.kind == "relaxed":
                    typed = None if last or follower is not None else f"({typed[1:-1]}|)"
                out += typed or (rest if last else between)
    ends = "$" if parts and parts[-1] is not None and not regex else ""
    flags = "".join(f for f in "imsU" if f in parse.flags) if regex else "s"
    return f"(?{flags}){out}{ends}" if flags else f"{out}{ends}", columns


def extractions(parse: Parse) -> tuple[tuple[Column, Expr], ...]:
    """The columns of ``parse``, each as what ``extract`` takes from its text.

    Where a column of a type of its own cannot be converted, it alone is null here, and all columns are in KQL unless ``kind=relaxed``.

    Raises:
        ValueError: as ``regex_of``.
    """
    regex, columns = regex_of(parse)
    found = []
    for group, column in columns:
        text: Expr = Apply(parse.span, Type.STRING, "extract", (const(regex), const(group), parse.value))
        conversion = _CONVERSIONS.get(column.type)
        found.append((column, Apply(parse.span, column.type, conversion, (text,)) if conversion else text))
    return tuple(found)


def matching(parse: Parse) -> Expr:
    """That the text of ``parse`` is as its pattern says."""
    return Apply(parse.span, Type.BOOL, "matches regex", (parse.value, const(regex_of(parse)[0])))
