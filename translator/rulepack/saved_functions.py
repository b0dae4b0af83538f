"""Functions that a workspace keeps and a pack brings along: rules that call one get its definition before their query.

Sources: learn.microsoft.com/azure/azure-monitor/logs/functions; learn.microsoft.com/kusto/management/create-alter-function.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from translator.kql import syntax as s
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse, scan
from translator.rulepack.model import Function, Rule
from translator.rulepack.queries import is_table, sources

MAX_PRELUDE = 400_000
"""How many characters the definitions may have that one rule needs."""

_CREATE = re.compile(r"^[ \t]*\.(?:create|create-or-alter|alter)[ \t]+function\b", re.I | re.M)


def created(path: str, text: str) -> tuple[list[Function], str]:
    """The functions that the management commands of a text create, and the text with blanks for those commands."""
    if not _CREATE.search(text):
        return [], text
    bare = "".join(
        re.sub(r"[^\n]", " ", text[begin:end]) if kind in ("comment", "string") else text[begin:end] for kind, begin, end in scan(text)
    )
    functions: list[Function] = []
    parts, at = list[str](), 0
    for found in _CREATE.finditer(bare):
        made = _created(path, text, found.end()) if found.start() >= at else None
        if made is not None:
            function, end = made
            functions.append(function)
            parts += [text[at : found.start()], re.sub(r"[^\n]", " ", text[found.start() : end])]
            at = end
    return functions, "".join((*parts, text[at:]))


def _created(path: str, text: str, start: int) -> tuple[Function, int] | None:
    """The function whose declaration begins at an offset, and where it ends."""
    name, parameters, depth, opened, body = "", "", 0, 0, 0
    skipping = False
    for kind, begin, end in scan(text[start:]):
        piece = text[start + begin : start + end]
        if kind == "word" and depth == 0 and not name and not skipping:
            if piece.lower() == "with":
                skipping = True
            elif piece.lower() != "ifnotexists":
                name = piece
        if kind != "other":
            continue
        if piece in "({":
            if depth == 0:
                opened = start + end
            depth += 1
            body = body or (start + end if piece == "{" and name else 0)
        elif piece in ")}":
            depth -= 1
            if depth == 0 and piece == "}" and body:
                return Function(path, name, parameters, text[body : start + begin]), start + end
            if depth == 0 and piece == ")":
                if skipping and not name:
                    skipping = False
                elif not body:
                    parameters = text[opened : start + begin]
    return None


def linked(rules: Iterable[Rule], functions: Iterable[Function]) -> Iterator[Rule]:
    """The rules, with the definitions before their queries of the functions that they call.

    A function is also a file of one query that is called as the function is. What the catalog has is not taken from the pack: normalized
    tables have homes of their own in other products.
    """
    rules = list(rules)
    known = {f.name: f for f in functions if not is_table(f.name)}
    for rule in rules:
        stem = PurePosixPath(rule.source).stem
        if re.fullmatch(r"[A-Za-z_]\w*", stem) and rule.name == stem.replace("_", " ") and not is_table(stem):
            known.setdefault(stem, Function(rule.source, stem, "", rule.query))
    calls = {name: _calls(f.body, known) for name, f in known.items()}
    for rule in rules:
        prelude = _prelude(rule, known, calls)
        yield (
            replace(rule, query=prelude + rule.query, text_map=rule.text_map.behind(len(prelude)), prelude=len(prelude))
            if prelude
            else rule
        )


def _calls(query: str, known: Mapping[str, Function]) -> list[str]:
    """The functions that a query names, each once; none where it cannot be read."""
    if not any(kind == "word" and query[begin:end] in known for kind, begin, end in scan(query)):
        return []
    try:
        tree = parse(query)
    except KqlSyntaxError:
        return []
    own = {node.name.value for node in s.walk(tree) if isinstance(node, s.Let)}
    named = [*sources(tree), *(node.name for node in s.walk(tree) if isinstance(node, s.Call))]
    return [name for name in dict.fromkeys(named) if name in known and name not in own]


def _prelude(rule: Rule, known: Mapping[str, Function], calls: Mapping[str, list[str]]) -> str:
    """The definitions that a rule needs, each behind those that it needs itself; nothing where they go round in a circle."""
    ordered: dict[str, None] = {}
    open_: set[str] = set()
    stack = [(name, False) for name in reversed(_calls(rule.query, known)) if known[name].body != rule.query]
    while stack:
        name, done = stack.pop()
        if done:
            open_.discard(name)
            ordered[name] = None
        elif name not in ordered:
            if name in open_:
                return ""
            open_.add(name)
            stack.append((name, True))
            stack.extend((called, False) for called in reversed(calls[name]))
    text = "".join(f"let {name} = ({known[name].parameters}) {{\n{known[name].body.strip().rstrip(';')}\n}};\n" for name in ordered)
    return text if len(text) <= MAX_PRELUDE else ""
