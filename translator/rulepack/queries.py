"""Queries in a text of KQL: where each begins and ends, and whether a text is KQL at all.

An empty line ends a query in Kusto's editors (learn.microsoft.com/kusto/tools/kusto-explorer-using, "Query mode"), and inside of rules it
is one more blank: a text that is one query as a whole is left as it is.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from translator import catalog
from translator.kql import syntax as s
from translator.kql.errors import KqlSyntaxError, SyntaxProblem
from translator.kql.parser import parse, scan
from translator.plan.normalized import parser_of

_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")
_BEFORE = frozenset("|,=([{<>+-*/%!:")
"""What a query does not end with."""

_BEHIND = frozenset("|,)]}=<>+*/%!:;")
"""What no query begins with."""

_JOINING = frozenset({"and", "or", "on", "by", "in", "between", "contains", "has", "startswith", "endswith", "union", "where", "extend"})
_DECLARING = frozenset({"let", "set", "declare", "alias", "restrict", "pattern"})

MAX_COPIED = 10_000_000
"""How many characters queries may have together that are given what was declared before them; beyond, they are left without."""

MAX_TRIED = 100_000
"""How long a text may be, in characters, that is read in search of KQL which nothing announces."""


@dataclass(frozen=True, slots=True)
class Found:
    """A query: its text, and where that begins in the text that holds it, in characters and in lines, from 0."""

    text: str
    offset: int = 0
    line: int = 0


def split(text: str) -> list[Found]:
    """The queries of a text, each with the comments before it; one where nothing tells them apart.

    Where several statements of one text give rows, each is a query with what is declared before it; the other statements become blanks.
    """
    if ";" not in text and not _EMPTY_LINE.search(text):  # it need not be read to know that
        return [Found(text)]
    try:
        statements = parse(text).statements
    except KqlSyntaxError:
        parts = list(_parts(text)) if _EMPTY_LINE.search(text) else []
        return [f for part in parts for f in (_several(part) or [part])] if len(parts) > 1 else [Found(text)]
    return _of_statements(text, statements) or [Found(text)]


def _several(found: Found) -> list[Found]:
    try:
        statements = parse(found.text).statements
    except KqlSyntaxError:
        return []
    return [Found(f.text, found.offset, found.line) for f in _of_statements(found.text, statements)]


def _of_statements(text: str, statements: tuple[s.Node, ...]) -> list[Found]:
    giving = [st for st in statements if isinstance(st, s.ExpressionStatement)]
    if len(giving) < 2:
        return []
    marks = [begin for kind, begin, _ in scan(text) if kind == "other" and text[begin] == ";"]

    def behind(end: int) -> int:
        """Where the semicolon ends that closes a statement."""
        at = bisect.bisect_left(marks, end)
        return marks[at] + 1 if at < len(marks) else end

    ends = [behind(st.span[1]) for st in giving]
    found = []
    if len(giving) == len(statements) or len(giving) * len(text) > MAX_COPIED:
        for start, own in zip([0, *ends], giving, strict=False):
            part = text[start : own.span[1]]
            start += len(part) - len(part.lstrip())
            found.append(Found(text[start : own.span[1]], start, text.count("\n", 0, start)))
        return found
    for number, own in enumerate(giving):
        kept = list(text[: own.span[1]])
        for other, end in zip(giving[:number], ends, strict=False):
            start = other.span[0]
            kept[start:end] = [c if c == "\n" else " " for c in text[start:end]]
        found.append(Found("".join(kept)))
    return found


def _parts(text: str) -> Iterator[Found]:
    """The parts of a text between empty lines at which a query can end and another begin."""
    start, depth, last, statement = 0, 0, "", ""
    cut: int | None = None
    for kind, begin, end in scan(text):
        piece = text[begin:end]
        if kind == "space":
            if _EMPTY_LINE.search(piece) and last:
                cut = begin + piece.rfind("\n") + 1 if cut is None else cut
            continue
        if kind == "comment":
            continue
        declared = last == ";" and statement in _DECLARING
        ends = last not in _BEFORE and last.lower() not in _JOINING and not declared and depth == 0
        if cut is not None and ends and piece not in _BEHIND and piece.lower() not in ("and", "or"):
            yield Found(text[start:cut].rstrip(), start, text.count("\n", 0, start))
            start, last = cut, ""
        cut = None
        if last in ("", ";") and depth == 0:
            statement = piece.lower()
        depth = max(0, depth + {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(piece, 0)) if kind == "other" else depth
        last = piece
    if text[start:].strip():
        yield Found(text[start:].rstrip(), start, text.count("\n", 0, start))


@dataclass(frozen=True, slots=True)
class Judged:
    """What a text is that nothing calls KQL: a query, or with ``problem`` one that cannot be read; else neither."""

    query: bool = False
    problem: SyntaxProblem | None = None


def judged(text: str, anything: bool = False) -> Judged:
    """Whether a text is KQL: a table of the catalog, or a site's own (``..._CL``), is read in it, and goes through an operator.

    A text that begins as such a query does, and is none, is told with what is wrong with it.

    Args:
        anything: whether any source of rows is one, where one of KQL's own operators follows it.
    """
    if len(text) > MAX_TRIED or not ((anything and "|" in text) or goes_on(text)):
        return Judged()
    try:
        trees = [parse(f.text) for f in split(text)]
    except KqlSyntaxError as error:
        return Judged(problem=error.errors[0] if goes_on(text) else None)
    nodes = [node for tree in trees for node in s.walk(tree)]
    told = anything and any(isinstance(n, s.Pipeline) and n.source is not None and _is_own(n) for n in nodes)
    return Judged(query=told or any(is_table(source) for tree in trees for source in sources(tree)))


_OWN = (s.Where, s.Extend, s.Project, s.Summarize, s.MvExpand, s.Parse)


def _is_own(node: s.Pipeline) -> bool:
    """Whether a pipeline has an operator that looks like no other language's."""
    return any(isinstance(operator, _OWN) for operator in node.operators)


def goes_on(text: str) -> bool:
    """Whether a table that is known stands where a query or a part of one may begin, and a pipe behind it."""
    return next(_begun(text), False)


def begun(text: str) -> int:
    """How often that is so in a text, of which no more is read than of one that nothing announces."""
    return sum(_begun(text[:MAX_TRIED]))


def _begun(text: str) -> Iterator[bool]:
    last, table, fresh = "", False, True
    for kind, begin, end in scan(text):
        piece = text[begin:end]
        if kind in ("space", "comment"):
            fresh = fresh or "\n" in piece
            continue
        if table and piece == "|":
            table = False
            yield True
        if kind == "word" and (fresh or last in (";", "(", "=", ",", "{") or last.lower() == "union"):
            table = table or is_table(piece)
        last, fresh = piece, False


def is_table(name: str) -> bool:
    """Whether a name is that of a table of the catalog, of a normalized one, or by its ending of a site's own."""
    return name in catalog.schemas() or name.endswith("_CL") or parser_of(name) is not None


def sources(tree: s.Query) -> Iterator[str]:
    """The names that pipelines of a query begin with, and those that its unions, joins and searches list."""
    for node in s.walk(tree):
        match node:
            case s.Pipeline(source=s.NameReference(name=name)) | s.Pipeline(source=s.Call(name=name)):
                yield name
            case s.Union(tables=listed):
                yield from (t.name for t in listed if isinstance(t, s.NameReference))


def described(query: str) -> str:
    """What the comments say that stand before a query, as one text."""
    lines = []
    for kind, begin, end in scan(query):
        if kind == "comment":
            lines.append(query[begin:end].lstrip("/").strip())
        elif kind != "space":
            break
    return "\n".join(lines).strip()


def uncertain(query: str) -> int | None:
    """Where a query has a character beyond ASCII outside of its comments; None where it has none."""
    if query.isascii():
        return None
    for kind, begin, end in scan(query):
        if kind != "comment" and not (piece := query[begin:end]).isascii():
            return begin + next(n for n, c in enumerate(piece) if not c.isascii())
    return None
