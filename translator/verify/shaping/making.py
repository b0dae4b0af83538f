"""Formulas turned around: what the columns that a value is computed of must hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path, items_of, walk
from translator.regex import syntax
from translator.regex.parser import parsed
from translator.verify.shaping.values import is_missing, text_of
from translator.verify.witness.texts import matching

_SAME = frozenset({"tostring", "tolong", "toint", "todouble", "trim", "trim_end", "trim_start", "replace_regex", "replace_string"})
"""Functions that give what they are given where there is nothing to change."""

FILLER = "x"
"""What stands where a part of a text is of no matter."""


def made_of(expr: Expr, value: object, row: Mapping[str, object]) -> dict[str, object] | None:
    """Values of columns that ``row`` lacks, with which a formula may give ``value``; whether it does is to be seen by computing it.

    Args:
        expr: the formula, over columns by their names.

    Returns:
        Nothing to add where the columns are there already, None where no way is known.
    """
    spelled = [n.value for n in walk(expr) if isinstance(n, Const) and n.value != value and _same(n.value, value, caseless=True)]
    return next((way for told in (value, *spelled) for way in _ways(expr, told, row)), None)


def _ways(expr: Expr, value: object, row: Mapping[str, object]) -> Iterator[dict[str, object]]:
    match expr:
        case Const(value=known):
            if _same(known, value):
                yield {}
        case ColumnRef(column=column):
            if is_missing(given := row.get(column.name)):
                yield {column.name: value}
            elif _same(given, value):
                yield {}
        case Apply(function="strcat", args=args):
            yield from _joined(args, text_of(value), row)
        case Apply(function="iff" | "iif", args=(condition, then, otherwise)):
            for branch, holds in ((then, True), (otherwise, False)):
                yield from _under([(condition, holds)], branch, value, row)
        case Apply(function="case", args=args):
            branches = [(args[n], args[n + 1]) for n in range(0, len(args) - 1, 2)]
            for number, (condition, branch) in enumerate(branches):
                yield from _under([*((c, False) for c, _ in branches[:number]), (condition, True)], branch, value, row)
            yield from _under([(c, False) for c, _ in branches], args[-1], value, row)
        case Apply(function="coalesce", args=args):
            for arg in args:
                yield from _ways(arg, value, row)
        case Apply(function="tolower" | "toupper" as function, args=(inner,)) if isinstance(value, str):
            yield from _ways(inner, value.lower() if function == "tolower" else value.upper(), row)
        case Apply(function=function, args=(inner, *_)) if function in _SAME:
            yield from _ways(inner, value, row)
        case Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), inner)):
            if (tree := parsed(regex)) is not None and (whole := _matching(tree, group, text_of(value))) is not None:
                yield from _ways(inner, whole, row)
        case Path(base=Apply(function="split", args=(inner, Const(value=str(mark)))), steps=(int(index),)):
            text = text_of(value)
            if mark and mark not in text:
                yield from _ways(inner, mark.join([*[FILLER] * max(index, 0), text]), row)
        case Path(base=ColumnRef(column=column), steps=steps) if all(isinstance(s, str) for s in steps):
            inside = value
            for step in reversed(steps):
                inside = {step: inside}
            if is_missing(given := row.get(column.name)) or given == inside:
                yield {column.name: inside}


def _matching(node: syntax.Node, group: int, value: str) -> str | None:
    """A text that a regular expression may match with ``value`` in a group; None where it has what is not spelled out here."""
    match node:
        case syntax.Literal(character=character):
            return character
        case syntax.Group(index=index, node=inner):
            return value if index == group else _matching(inner, group, value)
        case syntax.Alternation(options=(first, *_)):
            return _matching(first, group, value)
        case syntax.Repeat(node=inner, least=least):
            part = _matching(inner, group, value) if least else ""
            return None if part is None else part * least
        case syntax.Concat(parts=parts):
            found = [_matching(part, group, value) for part in parts]
            return None if None in found else "".join(part for part in found if part is not None)
        case syntax.Anchor(kind="start" | "end"):
            return ""
        case syntax.Class(members=(syntax.Range(first), *_), negated=False):
            return chr(first)
    return None


def _joined(args: tuple[Expr, ...], text: str, row: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """The ways to cut a text into what it is joined of: a constant, a column that is known, then what remains."""
    if not args:
        if not text:
            yield {}
        return
    first, rest = args[0], args[1:]
    if (known := _known(first, row)) is not None:
        if text.startswith(known):
            yield from _joined(rest, text[len(known) :], row)
        return
    ends = [len(text)] if not rest else [n for n in range(len(text) + 1) if (k := _known(rest[0], row)) is None or text.startswith(k, n)]
    for end in ends:
        for found in _ways(first, text[:end], row):
            for more in _joined(rest, text[end:], {**row, **found}):
                yield {**found, **more}


def _known(expr: Expr, row: Mapping[str, object]) -> str | None:
    match expr:
        case Const(value=str(text)):
            return text
        case ColumnRef(column=column) if not is_missing(given := row.get(column.name)):
            return text_of(given)
        case Apply(function="tostring", args=(inner,)):
            return _known(inner, row)
    return None


def _under(
    conditions: list[tuple[Expr, bool]], branch: Expr, value: object, row: Mapping[str, object]
) -> Iterator[dict[str, object]]:  # fmt: skip
    """The ways to ``value`` by a branch that is taken where conditions hold, or do not."""
    found: dict[str, object] = {}
    for condition, holds in conditions:
        if (more := _holding(condition, holds, {**row, **found})) is None:
            return
        found |= more
    for way in _ways(branch, value, {**row, **found}):
        if all(_holding(c, holds, {**row, **found, **way}) == {} for c, holds in conditions):
            yield {**found, **way}


def _holding(condition: Expr, holds: bool, row: Mapping[str, object]) -> dict[str, object] | None:
    """What columns must hold beside those of a row for a condition to be true, or false; None where it cannot be.

    A condition that is not known here is taken for false: what is made is computed and compared afterwards.
    """
    match condition:
        case Apply(function="not", args=(inner,)):
            return _holding(inner, not holds, row)
        case Apply(function="isnotempty" | "isnotnull", args=args):
            return _holding(Apply(None, condition.type, "isempty", args), not holds, row)
        case Apply(function="isempty" | "isnull", args=(ColumnRef(column=column),)):
            missing = is_missing(row.get(column.name))
            return {} if missing == holds else None if holds else {column.name: FILLER}
        case Apply(function="isempty", args=(Apply(function="tostring", args=(Path(base=Apply() as cut, steps=(int(index),)),)),)) if (
            cut.function == "split" and (mark := _known(cut.args[1], row))
        ):
            part = (_known(cut.args[0], row) or "").split(mark)[index : index + 1]
            return {} if (not "".join(part)) == holds else None
        case Apply(function="==" | "=~" | "in" | "in~" as function, args=(ColumnRef(column=column), operand)):
            items = items_of(operand)
            values = [i.value for i in items if isinstance(i, Const)]
            given = row.get(column.name)
            if is_missing(given):
                return {} if not holds else {column.name: values[0]} if values else None
            return {} if any(_same(given, v, function.endswith("~")) for v in values) == holds else None
        case Apply(function=("endswith" | "startswith" | "contains") as function, args=(ColumnRef(column=column), Const(value=str(part)))):
            given = row.get(column.name)
            if is_missing(given):
                return {column.name: part} if holds else {}
            text, sought = text_of(given).lower(), part.lower()
            found_ = {"endswith": text.endswith(sought), "startswith": text.startswith(sought), "contains": sought in text}[function]
            return {} if found_ == holds else None
        case Apply(function="matches regex", args=(ColumnRef(column=column), Const(value=str(regex)))):
            if is_missing(given := row.get(column.name)):
                made = next(matching(regex), None) if holds else None
                return {} if not holds else None if made is None else {column.name: made}
            with suppress(re.error):
                return {} if bool(re.search(regex, text_of(given))) == holds else None
        case Apply(function=("isempty" | "endswith") as function, args=(Apply(function="strcat", args=args), *rest)):
            last = args[-1] if function == "endswith" else next((a for a in args if isinstance(a, ColumnRef)), args[0])
            return _holding(Apply(None, condition.type, function, (last, *rest)), holds, row)
        case Apply(function="and" | "or" as function, args=args):
            if holds == (function == "or"):
                return next((found for a in args if (found := _holding(a, holds, row)) is not None), None)
            every: dict[str, object] = {}
            for a in args:
                if (found := _holding(a, holds, {**row, **every})) is None:
                    return None
                every |= found
            return every
    return None if holds else {}


def _same(left: object, right: object, caseless: bool = False) -> bool:
    if caseless:
        return text_of(left).lower() == text_of(right).lower()
    return left == right or (not isinstance(left, dict | list) and text_of(left) == text_of(right))
