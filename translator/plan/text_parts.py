"""Conditions on what a text is split into or joined of: elements between marks, the name of a file, what stands before or behind a mark.

They become regular expressions on the whole text, which every target can read: no look-arounds, no lazy operators that matter.
Source: learn.microsoft.com/kusto/query/split-function, extract-function, strcat-function, strlen-function, array-length-function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from translator.plan.conditions import EQUALITIES
from translator.plan.expressions import (
    FALSE,
    TRUE,
    Apply,
    Const,
    Expr,
    Items,
    Path,
    Span,
    conjunction,
    const,
    disjunction,
    items_of,
    negation,
)
from translator.plan.texts import MAX_LENGTH, OF_NUMBERS, is_text, literally
from translator.plan.types import Type
from translator.regex import syntax
from translator.regex.automata import ends_once
from translator.regex.parser import parsed
from translator.regex.terms import BOUND, LETTERS, around, is_letter
from translator.regex.writers import kql

_ASKED = EQUALITIES | {"startswith", "endswith", "contains", "has"}


@dataclass(frozen=True, slots=True)
class _Part:
    """Element ``index`` of ``source`` split at each of ``marks``; where there are several, ``index`` is -1."""

    source: Expr
    marks: str
    index: int

    @property
    def other(self) -> str:
        """A class of the characters within an element."""
        return f"[^{''.join(map(literally, self.marks))}]"

    def holding(self, wanted: str) -> str:
        """A regular expression of texts whose element matches ``wanted``, which matches no mark."""
        mark = literally(self.marks) if len(self.marks) == 1 else f"[{''.join(map(literally, self.marks))}]"
        if self.index >= 0:
            before = f"(?:{self.other}*{mark}){{{self.index}}}" if self.index else ""
            return f"^{before}{wanted}(?:{mark}|$)"
        after = f"(?:{mark}{self.other}*){{{-self.index - 1}}}" if self.index < -1 else ""
        return f"(?:^|{mark}){wanted}{after}$"

    def asking(self, function: str, text: str, caseless: bool) -> str:
        """A regular expression of the elements in which an operator finds a text."""
        if function == "has":
            bound, closed = f"[^{LETTERS}{''.join(map(literally, self.marks))}]", around(text)[1]
            return self._until_term(text) + literally(text) + (f"(?:{bound}{self.other}*)?" if closed else f"{self.other}*")
        before = f"{self.other}*" if function in ("endswith", "contains") else ""
        return before + literally(text) + (f"{self.other}*" if function in ("startswith", "contains") else "")

    def _until_term(self, text: str) -> str:
        bound = f"[^{LETTERS}{''.join(map(literally, self.marks))}]"
        return f"(?:{self.other}*{bound})?" if around(text)[0] else f"{self.other}*"

    def condition(self, wanted: str, caseless: bool, span: Span | None) -> Expr:
        """That an element matches what no mark is matched by."""
        operator = "matches regex~" if caseless else "matches regex"
        return Apply(span, Type.BOOL, operator, (self.source, const(self.holding(wanted))))


_NAME_OF_FILE = r"(?:^|[\\/]){0}(?::[^\\/]*)?$"
"""What follows the last separator of a path, without the stream of the file behind a colon."""

_FILE_NAME = _NAME_OF_FILE.format(r"([^:\\/]*)")

PARTS_OF_PATH = {"Filename": _FILE_NAME, "Extension": _NAME_OF_FILE.format(r"[^:\\/]*\.([^.:\\/]*)")}
"""What finds a part of ``parse_path()`` that is always there: learn.microsoft.com/kusto/query/parse-path-function."""


@dataclass(frozen=True, slots=True)
class _FileName(_Part):
    """The name of the file at the end of a path."""

    def holding(self, wanted: str) -> str:
        return _NAME_OF_FILE.format(wanted)


@dataclass(frozen=True, slots=True)
class _Behind(_Part):
    """What follows a start that a text has in one way only, up to the first of ``marks``."""

    start: str

    def holding(self, wanted: str) -> str:
        return f"^{self.start}{wanted}"

    def asking(self, function: str, text: str, caseless: bool) -> str:
        written = f"(?i:{literally(text)})" if caseless else literally(text)
        if function == "has":
            before, closed = self._until_term(text), around(text)[1]
            return before + written + (f"(?:{BOUND}|$)" if closed else "")
        end = "" if function in ("startswith", "contains") else f"(?:[{''.join(map(literally, self.marks))}]|$)"
        return f"{self.other}*{written}{end}" if function in ("endswith", "contains") else written + end

    def condition(self, wanted: str, caseless: bool, span: Span | None) -> Expr:
        """That the start is there in its case, and what follows it in any."""
        return Apply(span, Type.BOOL, "matches regex", (self.source, const(self.holding(wanted))))


def _part(expr: Expr) -> _Part | None:
    """The element of a split, the name of a file, or what a pattern finds behind a start, that ``expr`` is; None for something else."""
    if isinstance(expr, Apply) and expr.function == "tostring":
        expr = expr.args[0]
    match expr:
        case Apply(function="extract", args=(Const(value=regex), Const(value=1), source)) if regex == _FILE_NAME and is_text(source):
            return _FileName(source, ":\\/", 0)
        case Apply(function="extract", args=(Const(value=str(regex)), Const(value=1), source)) if is_text(source):
            found = _behind(regex)
            return _Behind(source, found[1], 0, found[0]) if found is not None else None
        case Path(base=Apply(function="split", args=(source, Const(value=str(mark)))), steps=(int(index),)) if len(mark) == 1:
            outer = _part(source)
            if outer is not None and index == -1 and outer.index == -1:
                return _Part(outer.source, outer.marks + mark, -1)
            return _Part(source, mark, index) if is_text(source) else None
    return None


@functools.lru_cache(maxsize=4096)
def _behind(regex: str) -> tuple[str, str] | None:
    """The start of a pattern, which no text has in two ways, and the marks up to which a group follows it; None for another pattern."""
    match parsed(regex):
        case syntax.Concat((syntax.Anchor("start"), *start, syntax.Group(syntax.Repeat(syntax.Class(members, True), 0, None, True), 1))):
            pass
        case _:
            return None
    marks = [chr(m.first) for m in members if isinstance(m, syntax.Range) and m.first == m.last]
    if len(marks) != len(members) or any(is_letter(m) or m.lower() != m.upper() for m in marks) or not ends_once(syntax.concat(*start)):
        return None
    return kql(syntax.concat(*start)), "".join(marks)


def _split(expr: Expr) -> tuple[Expr, str] | None:
    """The text and the one character that a split is of; None where it is something else."""
    match expr:
        case Apply(function="split", args=(source, Const(value=str(mark)))) if len(mark) == 1:
            return source, mark
    return None


def last_part(expr: Expr) -> tuple[Expr, str] | None:
    """The text and the mark whose last element ``expr`` is; None where it is something else."""
    part = _part(expr)
    return (part.source, part.marks) if part is not None and part.index == -1 and len(part.marks) == 1 else None


def chosen_element(expr: Expr) -> Expr:
    """``split(x, ",", 2)[0]`` is ``split(x, ",")[2]``: a third argument leaves one element."""
    match expr:
        case Path(base=Apply(function="split", args=(source, mark, Const(value=int(index)))), steps=(0,)) if index >= 0:
            return Path(expr.span, expr.type, Apply(expr.base.span, Type.DYNAMIC, "split", (source, mark)), (index,))
    return expr


def last_element(expr: Expr) -> Expr:
    """``a[array_length(a) - 1]`` is ``a[-1]`` of what a split gives, which is never empty."""
    match expr:
        case Apply(function="[]", args=(array, Apply(function="-", args=(Apply(function="array_length", args=(again,)), Const(value=1))))):
            return Path(expr.span, Type.DYNAMIC, array, (-1,)) if array == again and _split(array) else expr
    return expr


def lowered_parts(expr: Expr) -> Expr:
    """An element of a text in lower case is the element in lower case, where the mark has no case."""
    if not (isinstance(expr, Path) and len(expr.steps) == 1 and isinstance(expr.steps[0], int)):
        return expr
    found = _split(expr.base)
    if found is None or found[1].lower() != found[1].upper():
        return expr
    match found[0]:
        case Apply(function="tolower" | "toupper" as fold, args=(source,)) if is_text(source):
            split = Apply(expr.base.span, Type.DYNAMIC, "split", (source, const(found[1])))
            element = Apply(expr.span, Type.STRING, "tostring", (Path(expr.span, Type.DYNAMIC, split, expr.steps),))
            return Apply(expr.span, Type.STRING, fold, (element,))
    return expr


def split_element(expr: Expr) -> Expr:
    """A condition on ``split(x, "@")[1]`` is a regular expression on x, where the delimiter is one character."""
    if not (isinstance(expr, Apply) and expr.args):
        return expr
    part = _part(expr.args[0])
    if part is None:
        return expr
    if expr.function == "isempty":
        return negation(part.condition(f"{part.other}+", False, expr.span))
    if len(expr.args) != 2:
        return expr
    operand = expr.args[1]
    if expr.function == "matches regex" and isinstance(operand, Const) and (one := _character(str(operand.value), part.marks)):
        return part.condition(f"{part.other}*{one}{part.other}*", False, expr.span)
    items = items_of(operand)
    texts = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, str) and i.value and i.value.isprintable()]
    if len(texts) != len(items):
        return expr
    name = expr.function.removesuffix("_cs")
    caseless = expr.function in ("=~", "in~") or (name in _ASKED - EQUALITIES and not expr.function.endswith("_cs"))
    texts = [t for t in texts if not set(t) & set(part.marks)]
    if name not in _ASKED:
        return expr
    if not texts:
        return FALSE
    wanted = [part.asking(name, t, caseless) for t in texts]
    either = wanted[0] if len(wanted) == 1 else f"(?:{'|'.join(wanted)})"
    return part.condition(either, caseless, expr.span)


@functools.lru_cache(maxsize=4096)
def _character(regex: str, marks: str) -> str:
    """The characters of a pattern like ``[^0-9]+``, which finds one of them, but for ``marks``; empty for another pattern."""
    match parsed(regex):
        case syntax.Class() as found:
            pass
        case syntax.Repeat(syntax.Class() as found, 1, _):
            pass
        case _:
            return ""
    others = tuple(syntax.Range(ord(m), ord(m)) for m in marks)
    match found:
        case syntax.Class((syntax.Perl(letter, negated, ascii),), False) if negated:
            return kql(syntax.Class((syntax.Perl(letter, False, ascii), *others), True, found.caseless))
        case syntax.Class(members, True):
            return kql(syntax.Class((*members, *others), True, found.caseless))
    return ""


def counted_parts(expr: Expr) -> Expr:
    """``array_length(split(x, "."))`` compared with a number counts the delimiters in x."""
    match expr:
        case Apply(function=function, args=(Apply(function="array_length", args=(array,)), Const(value=int(n)))):
            found = _split(array)
        case _:
            return expr
    if function not in OF_NUMBERS or found is None or not is_text(found[0]) or not 0 <= n <= MAX_LENGTH:
        return expr
    source, mark = found[0], literally(found[1])

    def at_least(parts: int) -> Expr:
        regex = f"(?:[^{mark}]*{mark}){{{parts - 1}}}"
        return TRUE if parts <= 1 else Apply(expr.span, Type.BOOL, "matches regex", (source, const(regex)))

    return _between(function, n, at_least)


def text_length(expr: Expr) -> Expr:
    """``strlen(x)`` compared with a number; an element of a text that it does not have is empty."""
    match expr:
        case Apply(function=function, args=(Apply(function="strlen", args=(source,)), Const(value=int(n)))):
            part = _part(source)
        case _:
            return expr
    if function not in OF_NUMBERS or not 0 <= n < MAX_LENGTH or (part is None and not is_text(source)):
        return expr

    def at_least(characters: int) -> Expr:
        if part is not None and characters > 0:
            return part.condition(f"{part.other}{{{characters},}}", False, expr.span)
        regex = f"^[\\s\\S]{{{characters}}}"
        return TRUE if characters <= 0 else Apply(expr.span, Type.BOOL, "matches regex", (source, const(regex)))

    return _between(function, n, at_least)


def _between(operator: str, n: int, at_least: Callable[[int], Expr]) -> Expr:
    """A comparison of a number of things that ``at_least`` says to be there."""
    match operator:
        case ">=":
            return at_least(n)
        case ">":
            return at_least(n + 1)
        case "<":
            return negation(at_least(n))
        case "<=":
            return negation(at_least(n + 1))
        case _:
            return conjunction(at_least(n), negation(at_least(n + 1)))


def joined_constants(expr: Expr) -> Expr:
    """``strcat(".", x) == ".exe"`` is ``x == "exe"``."""
    if not (isinstance(expr, Apply) and len(expr.args) == 2 and expr.function in EQUALITIES):
        return expr
    joined, operand = expr.args
    if not (isinstance(joined, Apply) and joined.function == "strcat"):
        return expr
    open_ = [n for n, a in enumerate(joined.args) if not isinstance(a, Const)]
    fixed = [a.value if isinstance(a, Const) else None for a in joined.args]
    items = items_of(operand)
    texts = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, str)]
    if len(open_) != 1 or len(texts) != len(items) or any(not isinstance(f, str) for n, f in enumerate(fixed) if n != open_[0]):
        return expr
    inner = joined.args[open_[0]]
    if inner.type != Type.STRING and _part(inner) is None:
        return expr
    before, after = ("".join(str(f) for f in side) for side in (fixed[: open_[0]], fixed[open_[0] + 1 :]))
    fold = str.lower if expr.function in ("=~", "in~") else str
    found = [
        t[len(before) : len(t) - len(after)]
        for t in texts
        if len(t) >= len(before) + len(after) and fold(t).startswith(fold(before)) and fold(t).endswith(fold(after))
    ]
    if not found:
        return FALSE
    kept = Items(expr.span, Type.DYNAMIC, tuple(const(t) for t in found))
    single = "==" if expr.function in ("==", "in") else "=~"
    if len(found) == 1:
        return Apply(expr.span, Type.BOOL, single, (inner, kept.items[0]))
    return Apply(expr.span, Type.BOOL, "in" if single == "==" else "in~", (inner, kept))


def separated(expr: Expr) -> Expr:
    """A condition on two texts joined by one mark, as ``strcat(domain, "\\", name)``, as conditions on each of them."""
    if not (isinstance(expr, Apply) and expr.args):
        return expr
    match expr.args[0]:
        case Apply(function="strcat", args=(left, Const(value=str(mark)), right)) if len(mark) == 1 and not mark.isalnum():
            if isinstance(left, Const) or isinstance(right, Const) or not (is_text(left) and is_text(right)):
                return expr
        case _:
            return expr
    if expr.function == "isempty":
        return FALSE
    items = expr.args[1].items if len(expr.args) == 2 and isinstance(expr.args[1], Items) else expr.args[1:]
    texts = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, str) and i.value]
    if not texts or len(texts) != len(items):
        return expr

    def on(source: Expr, function: str, text: str) -> Expr:
        if text:
            return Apply(expr.span, Type.BOOL, function, (source, const(text)))
        return Apply(expr.span, Type.BOOL, "isempty", (source,)) if function in ("==", "=~") else TRUE

    def whole(text: str, before: str, after: str) -> list[Expr]:
        """That the text spans the mark, at each place where it has one."""
        places = [n for n, c in enumerate(text) if c == mark]
        return [conjunction(on(left, before, text[:n]), on(right, after, text[n + 1 :])) for n in places]

    name, cased = expr.function.removesuffix("_cs"), "_cs" if expr.function.endswith("_cs") else ""
    equal = "==" if cased or expr.function in ("==", "in") else "=~"
    if name in EQUALITIES:
        return disjunction(*(part for t in texts for part in whole(t, equal, equal)))
    if len(texts) != 1 or name not in ("startswith", "endswith", "contains", "has"):
        return expr
    (text,) = texts
    if name == "has" and mark in text:
        return expr
    found = whole(text, equal if name == "startswith" else f"endswith{cased}", equal if name == "endswith" else f"startswith{cased}")
    if name != "endswith":
        found.append(on(left, expr.function, text))
    if name != "startswith":
        found.append(on(right, expr.function, text))
    return disjunction(*found)


def file_of_path(expr: Expr) -> Expr:
    """``parse_path(x).Filename`` or ``Extension``."""
    match expr:
        case Path(base=Apply(function="parse_path", args=(source,)), steps=(str(part),)) if part in PARTS_OF_PATH and is_text(source):
            return Apply(expr.span, Type.STRING, "extract", (const(PARTS_OF_PATH[part]), const(1), source))
    return expr


def around_first(expr: Expr) -> Expr:
    """What stands before the first of a mark in a text, and behind it: nothing, and the whole text, where there is none."""
    match expr:
        case Apply(function="substring", args=(source, Const(value=0), Apply(function="indexof", args=(read, Const(value=str(mark)))))):
            regex = f"^([^{literally(mark)}]*){literally(mark)}"
        case Apply(
            function="substring",
            args=(source, Apply(function="+", args=(Apply(function="indexof", args=(read, Const(value=str(mark)))), Const(value=1)))),
        ):
            regex = f"^(?:[^{literally(mark)}]*{literally(mark)})?((?s:.*))$"
        case _:
            return expr
    backwards = isinstance(source, Apply) and source.function == "reverse"
    if read != source or len(mark) != 1 or backwards or not is_text(source):
        return expr
    return Apply(expr.span, Type.STRING, "extract", (const(regex), const(1, Type.LONG), source))


def behind_last(expr: Expr) -> Expr:
    """What stands behind the last of a mark, for which a text is read from its end: nothing where there is none."""
    match expr:
        case Apply(function="reverse", args=(Apply(function="substring", args=(read, Const(value=0), place)),)):
            match read, place:
                case (
                    Apply(function="reverse", args=(source,)),
                    Apply(function="indexof", args=(searched, Const(value=str(mark)))),
                ) if searched == read and len(mark) == 1 and is_text(source):
                    found = const(f"{literally(mark)}([^{literally(mark)}]*)$")
                    return Apply(expr.span, Type.STRING, "extract", (found, const(1, Type.LONG), source))
    return expr
