"""Text to syntax tree: Lark's LALR parser with the nodes built while it parses."""

from __future__ import annotations

import difflib
import functools
import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import lark
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from translator import cache
from translator.garbage import uncollected
from translator.grammar import grammar_text
from translator.kql.builder import Builder
from translator.kql.errors import KqlSyntaxError, SyntaxProblem, problem
from translator.kql.lexer import OffsetLexer
from translator.kql.reductions import Refused
from translator.kql.syntax import Query
from translator.lalr import TableParser

_ENDLESS = re.compile(r"0[xX][\da-fA-F]{309,}|\d{309,}")

MAX_ERRORS = 20
"""How many problems of one text are reported."""

_SCAN = re.compile(
    r"""(?P<comment>//[^\n\r\u2028\u2029]*)
      | (?P<string>[hH]?(?:"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*'|@"(?:[^"\r\n]|"")*"|@'(?:[^'\r\n]|'')*'
          |```(?:(?!```)[\s\S])*```|~~~(?:(?!~~~)[\s\S])*~~~))
      | (?P<space>[\s\u180e\u200b\ufeff]+)
      | (?P<word>[A-Za-z_$][A-Za-z0-9_]*)
      | (?P<other>[\s\S])""",
    re.X,
)

_OPERAND_START = re.compile(r"[\w$\"'@(\[{]")
"""What can start an operand or a statement: found where none may stand, what is missing stands before it."""

_WORDS = {
    "$END": "the end of the query", "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "LBRACE": "{", "RBRACE": "}",
    "VBAR": "|", "COMMA": ",", "SEMICOLON": ";", "COLON": ":", "EQUAL": "=", "DOT": ".", "DOTDOT": "..",
    "__ANON_0": "=>", "IN_RANGE": "in range(", "BIN_EQUALS": "bin=", "ON": "on", "BY": "by", "WITH": "with", "OF": "of",
    "TO": "to", "FROM": "from", "STEP": "step", "AS": "as", "TYPE": "a type", "WILDCARD": "a wildcard name",
    "PARAMETER_VALUE": "a value", "RAW_GUID": "a guid", "TYPEOF": "typeof(...)", "SCHEMA_OF": "typeof(...)",
}  # fmt: skip

_BEGIN_EXPRESSIONS = frozenset({"LPAR", "LSQB", "RAW_GUID", "TYPEOF", "SCHEMA_OF"})
"""What is not told beside *an expression*, since it is one."""

_PLUGINS = {"ContextualLexer": OffsetLexer, "LALR_Parser": TableParser}


def _build(text: str) -> lark.Lark:
    """A parser from the grammar; a million objects are made for it that all stay."""
    with uncollected():
        return lark.Lark(
            text,
            parser="lalr",
            lexer="contextual",
            keep_all_tokens=True,
            maybe_placeholders=False,
            transformer=Builder(),
            _plugins=_PLUGINS,
        )


@functools.cache
def _parser() -> lark.Lark:
    """The parser, from the cache where there is a sound one; built (and kept, where that is possible) otherwise."""
    text = grammar_text("kql")
    folder = cache.folder()
    if folder is None:
        return _build(text)
    key = hashlib.sha256(f"{lark.__version__}\0{sys.version_info[:3]}\0{_PLUGINS}\0{text}".encode()).hexdigest()[:32]
    path = folder / f"kql-{key}.lark-cache"
    with suppress(Exception):
        if (data := cache.kept(path)) is not None:
            return _load(data)
    built = _build(text)
    _store(built, path)
    return built


def _load(data: bytes) -> lark.Lark:
    import io

    loaded: lark.Lark = lark.Lark.__new__(lark.Lark)
    return loaded._load(io.BytesIO(data), transformer=Builder(), _plugins=_PLUGINS)


def _store(parser: lark.Lark, path: Path) -> None:
    import io

    buffer = io.BytesIO()
    parser.save(buffer)
    cache.keep(path, buffer.getvalue())


def parse(text: str) -> Query:
    """The syntax tree of ``text``.

    Raises:
        KqlSyntaxError: where the text is no KQL, with every independent problem that was found.
    """
    if (digits := _endless_number(text)) is not None:
        raise KqlSyntaxError((problem(text, digits[0], f"a number of {digits[1]:,} digits is none of KQL's"),))
    try:
        tree: Any = _parser().parse(text)
        return cast(Query, tree)
    except (UnexpectedInput, Refused) as error:
        first = _explain(text, error)
    except RecursionError:
        first = problem(text, 0, "this query nests too deeply to be read", "split it with let")
    errors = [first]
    for start, end in _statements_after(text, first.offset):
        if len(errors) == MAX_ERRORS:
            break
        chunk = text[start:end]
        try:
            _parser().parse(chunk)
        except (UnexpectedInput, Refused) as error:
            found = _explain(chunk, error)
            errors.append(problem(text, start + found.offset, found.message, found.hint))
        except RecursionError:
            continue
    raise KqlSyntaxError(tuple(errors))


def _endless_number(text: str) -> tuple[int, int] | None:
    """Where a number begins that has more digits than any real of KQL, and how many; Python would not read it, or make it infinite."""
    if not _ENDLESS.search(text):
        return None
    bare = "".join(text[a:b] if kind not in ("string", "comment") else " " * (b - a) for kind, a, b in scan(text))
    found = _ENDLESS.search(bare)
    return (found.start(), len(found[0])) if found else None


def scan(text: str) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of every piece of ``text``: comment, string, space, word, other. Never fails."""
    for found in _SCAN.finditer(text):
        yield found.lastgroup or "other", found.start(), found.end()


def _statements_after(text: str, offset: int) -> Iterator[tuple[int, int]]:
    """The statements that start after the one with the error, split at the semicolons outside braces."""
    depth, cuts = 0, []
    for kind, start, _ in scan(text):
        if kind == "other":
            depth += {"{": 1, "}": -1}.get(text[start], 0)
            if text[start] == ";" and depth <= 0 and start >= offset:
                cuts.append(start + 1)
    for start, end in zip(cuts, [*(cut - 1 for cut in cuts[1:]), len(text)], strict=False):
        if text[start:end].strip():
            yield start, end


def _end_of_previous(text: str, offset: int) -> int:
    """Where the last thing before ``offset`` that is no blank or comment ends."""
    end = 0
    for kind, start, stop in scan(text):
        if start >= offset:
            break
        if kind not in ("space", "comment"):
            end = min(stop, offset)
    return end


def _accepted(error: UnexpectedInput) -> set[str]:
    state = getattr(error, "interactive_parser", None) or getattr(error, "state", None)
    if isinstance(state, InteractiveParser):
        return set(state.accepts())  # type: ignore[no-untyped-call]
    if state is None or not hasattr(state, "parse_conf"):
        return set()
    lexer: Any = type("NoLexer", (), {"_Token": lark.Token})()
    return set(InteractiveParser(None, state, lexer).accepts())  # type: ignore[no-untyped-call]


def _explain(text: str, error: UnexpectedInput | Refused) -> SyntaxProblem:
    if isinstance(error, lark.exceptions.VisitError) and isinstance(error.orig_exc, Refused):
        error = error.orig_exc
    if isinstance(error, Refused):
        if error.message.endswith("is not an operator"):
            return problem(text, error.offset, error.message, _did_you_mean(error.hint, operator_names()))
        return problem(text, error.offset, error.message, error.hint)
    accepted = _accepted(error)
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        offset, kind, found = len(text), "$END", ""
    else:
        offset = (error.token.start_pos if isinstance(error, UnexpectedToken) else error.pos_in_stream) or 0
        scanned = _SCAN.match(text, offset)
        kind, found = (scanned.lastgroup or "other", scanned.group()) if scanned else ("other", "")
    complete = "$END" in accepted or "SEMICOLON" in accepted or "VBAR" in accepted
    if not complete or kind == "$END" or _OPERAND_START.match(found):
        where = _end_of_previous(text, offset)
    else:
        where = offset
    wanted = _expected_in_words(accepted)
    seen = "the query ends here" if kind == "$END" else f"'{found.splitlines()[0][:30] if found else ''}' is unexpected"
    hint = ""
    if kind == "word":
        words = [w for w in _ACCEPTED_WORDS if w.upper().replace("-", "_") in accepted]
        hint = _did_you_mean(found, words)
    elif found in _OF_WORD_PROCESSORS:
        hint = _OF_WORD_PROCESSORS[found]
    return problem(text, where, f"{seen}, expected {wanted}", hint)


_OF_WORD_PROCESSORS = {
    **dict.fromkeys("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb", "a quotation mark of a word processor: KQL has \" and '"),
    **dict.fromkeys("\u2013\u2014\u2212", "a dash of a word processor: KQL has -"),
}
"""What programs write in place of what was typed."""


_ACCEPTED_WORDS = ("by", "on", "with", "to", "of", "from", "step", "as", "and", "or", "in", "between")


def operator_names() -> list[str]:
    """The tabular operators by name, as they are written after ``|``."""
    names = [t.pattern.value for t in _parser().terminals if type(t.pattern).__name__ == "PatternStr"]
    after_pipe = [n for n in names if re.fullmatch(r"[a-z]+(-[a-z]+)*", n) and n.upper().replace("-", "_") in _OPERATOR_TERMINALS]
    return sorted({*after_pipe, "mv-expand", "mv-apply", "evaluate"})


_OPERATOR_TERMINALS = frozenset(
    """
    WHERE FILTER EXTEND PROJECT PROJECT_AWAY PROJECT_KEEP PROJECT_BY_NAMES PROJECT_RENAME PROJECT_REORDER SUMMARIZE DISTINCT JOIN LOOKUP
    UNION SORT ORDER TOP TOP_NESTED TOP_HITTERS TAKE LIMIT SAMPLE SAMPLE_DISTINCT COUNT PARSE PARSE_WHERE PARSE_KV
    MAKE_SERIES SERIALIZE RENDER INVOKE AS GETSCHEMA CONSUME FIND SEARCH PARTITION FORK FACET REDUCE SCAN ASSERT_SCHEMA
    MAKE_GRAPH GRAPH_MATCH GRAPH_SHORTEST_PATHS GRAPH_MARK_COMPONENTS GRAPH_TO_TABLE
    """.split()
)


def _did_you_mean(word: str, names: list[str]) -> str:
    lowered = word.lower()
    if lowered in names and lowered != word:
        return f"keywords are written in lower case: {lowered}"
    close = difflib.get_close_matches(lowered, names, n=1, cutoff=0.7)
    return f"did you mean '{close[0]}'?" if close else ""


def _expected_in_words(accepted: set[str]) -> str:
    words, told = [], frozenset[str]()
    if "UNKNOWN_OPERATOR" in accepted:
        words.append("an operator such as where, extend or summarize")
        told = frozenset({"AS"})
    elif accepted & {"IDENTIFIER"} and accepted & {"LONG", "STRING"}:
        words.append("an expression")
        told = _BEGIN_EXPRESSIONS
    elif "IDENTIFIER" in accepted:
        words.append("a name")
    elif "STRING" in accepted:
        words.append("a string")
    for terminal in sorted(accepted - ({"COLON", "DOT", "EQUAL", "BIN_EQUALS", "$END", "LSQB", "LPAR"} if "VBAR" in accepted else set())):
        if word := _WORDS.get(terminal):
            if (terminal in ("LPAR", "LSQB") and words) or terminal in told:
                continue
            words.append(word if word[0].isalpha() and " " in word else f"'{word}'")
    if "OR" in accepted:
        words.append("an operator")
    return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else words[0] if words else "something else"
