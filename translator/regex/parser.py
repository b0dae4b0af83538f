"""The tree of a regular expression from its text.

Source: learn.microsoft.com/kusto/query/regex; limits of github.com/google/re2 (repeats) and docs.rs/regex (nesting).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any as Untyped
from typing import NoReturn

import lark
from lark import Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from translator.grammar import grammar_text
from translator.lalr import TableParser
from translator.regex.classes import POSIX, is_property
from translator.regex.syntax import (
    Alternation,
    Anchor,
    Any,
    Class,
    Combined,
    Concat,
    Group,
    Literal,
    Node,
    Perl,
    Posix,
    Property,
    Range,
    Repeat,
    Set,
    alternation,
    concat,
    is_cased,
    set_is_cased,
    text,
)

MAX_REPEATS = 1000
"""The most repeats, nested ones multiplied (RE2)."""

MAX_DEPTH = 100
"""The most groups within groups."""

MAX_LENGTH = 100_000
"""The most characters of a pattern."""


class RegexError(ValueError):
    """The text is no regular expression of KQL. ``offset`` counts its characters from 0."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@functools.lru_cache(maxsize=16_384)
def parse(pattern: str) -> Node:
    """The tree of ``pattern``.

    Raises:
        RegexError: where it is none, with what is wrong and where.
    """
    if len(pattern) > MAX_LENGTH:
        raise RegexError(f"this pattern has more than {MAX_LENGTH:,} characters", MAX_LENGTH)
    read, places = _without_comments(pattern)
    try:
        return _tree(read)
    except UnexpectedInput as error:
        plain = _with_plain_brackets(read)
        if plain != read and (tree := parsed(plain)) is not None:
            return tree
        at = _place(error, read)
        raise RegexError(_wrong(read, at), places(at)) from None
    except RegexError as error:
        raise RegexError(str(error), places(error.offset)) from None


def parsed(pattern: str) -> Node | None:
    """The tree of ``pattern``; None where it is no regular expression."""
    try:
        return parse(pattern)
    except RegexError:
        return None


def _tree(read: str) -> Node:
    tree: Untyped = _parser().parse(read)
    return _Resolver().alternation(tree, _Flags(), 0)


_CLASS = re.compile(r"\\Q.*?(?:\\E|\Z)|\\.|(\[\^?\]?)((?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]", re.S)
_BRACKET = re.compile(r"(\[:\^?\w+:\]|\\.)|\[", re.S)


def _with_plain_brackets(pattern: str) -> str:
    r"""A pattern in whose classes ``[`` is itself, as in RE2's ``[[]``, which opens a class within another by KQL's page."""

    def escaped(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        return match[1] + _BRACKET.sub(lambda m: m[1] or r"\[", match[2]) + "]"

    return _CLASS.sub(escaped, pattern)


@functools.cache
def _parser() -> lark.Lark:
    return lark.Lark(
        grammar_text("re2"),
        parser="lalr",
        lexer="contextual",
        keep_all_tokens=True,
        maybe_placeholders=False,
        _plugins={"LALR_Parser": TableParser},
    )


_VERBOSE = re.compile(r"\(\?[imsRUu]*x[imsRUux]*(-[imsRUu]+)?\)")


def _without_comments(pattern: str) -> tuple[str, Untyped]:
    """A pattern that begins with the flag x without its blanks and comments, and what gives an offset of it back."""
    start = _VERBOSE.match(pattern)
    if start is None:
        return pattern, lambda at: at
    kept = [*range(start.end())]
    at, depth = start.end(), 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            kept += [at, at + 1] if at + 1 < len(pattern) else [at]
            at += 2
            continue
        depth += (char == "[") - (char == "]" and depth > 0)
        if char == "#" and not depth:
            end = pattern.find("\n", at)
            at = end if end >= 0 else len(pattern)
            continue
        if not char.isspace():
            kept.append(at)
        at += 1
    return "".join(pattern[k] for k in kept), lambda at: kept[at] if at < len(kept) else len(pattern)


def _place(error: UnexpectedInput, pattern: str) -> int:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(pattern)
    at = getattr(error, "pos_in_stream", None)
    if isinstance(error, UnexpectedCharacters | UnexpectedToken) and isinstance(at, int):
        return at
    return len(pattern)


_REFUSED = (
    (r"\(\?<?[=!]", "KQL's regular expressions have no look-around"),
    (r"\(\?>", "KQL's regular expressions have no atomic groups"),
    (r"\(\?P[=>]|\(\?&|\(\?R|\(\?\d", "KQL's regular expressions have no references to groups"),
    (r"\(\?P?<", "this is no name of a group"),
    (r"\(\?#", "KQL's regular expressions have no comments but those of the flag x"),
    (r"\(\?", "this flag is none of i, m, s, R, U, u and x"),
    (r"\\[1-9]|\\k|\\g", "KQL's regular expressions have no references to groups"),
    (r"\\p|\\P", "this names no class of Unicode characters"),
    (r"\\[xuU]", "this is no code of a character"),
    (r"\\$", "a backslash at the end stands for nothing"),
    (r"\\", "this character has no meaning behind a backslash"),
    (r"[*+?]|\{\d*,?\d*\}", "there is nothing to repeat here"),
    (r"\)", "this parenthesis closes nothing"),
    (r"\[", "this class is not closed"),
)  # fmt: skip


def _wrong(pattern: str, at: int) -> str:
    for spelled, message in _REFUSED:
        if re.compile(spelled).match(pattern, at):
            if message.startswith("there is nothing") and at and pattern[at - 1] in "*+?}":
                return "a repeat cannot be repeated: KQL's regular expressions have no possessive ones"
            return f"{message}: {pattern[at : at + 6]}"
    return "a class is not closed" if _open_class(pattern) else "a group is not closed"


def _open_class(pattern: str) -> bool:
    plain = re.sub(r"\\.", "", pattern, flags=re.S)
    return plain.count("[") > plain.count("]")


@dataclass(slots=True)
class _Flags:
    i: bool = False
    m: bool = False
    s: bool = False
    R: bool = False
    U: bool = False
    u: bool = True
    x: bool = False

    def with_(self, spelled: str) -> _Flags:
        """These flags with those of ``imsx-u`` changed."""
        on, _, off = spelled.partition("-")
        now = {f: getattr(self, f) for f in self.__slots__}
        return _Flags(**{**now, **dict.fromkeys(on, True), **dict.fromkeys(off, False)})


_BOUNDARIES = {
    r"\b": "word", r"\B": "not-word", r"\<": "word-start", r"\>": "word-end", r"\b{start}": "word-start", r"\b{end}": "word-end",
    r"\b{start-half}": "word-start-half", r"\b{end-half}": "word-end-half",
}  # fmt: skip
_CODES = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class _Resolver:
    """Nodes from what Lark read, with the flags that hold at each place."""

    def __init__(self) -> None:
        self.captured = 0
        self.names: set[str] = set()

    def alternation(self, tree: Tree[Token], flags: _Flags, depth: int) -> Node:
        options = []
        for child in tree.children:
            if isinstance(child, Tree):
                option, flags = self.concat(child, flags, depth)
                options.append(option)
        return alternation(*options)

    def concat(self, tree: Tree[Token], flags: _Flags, depth: int) -> tuple[Node, _Flags]:
        """A row, and the flags behind it: a flag that is set within a group holds to the end of it, over ``|`` as well."""
        parts: list[Node] = []
        for child in tree.children:
            assert isinstance(child, Tree)
            if child.data == "flags":
                token = _token(child)
                flags = flags.with_(token[2:-1])
                if flags.x and token.start_pos:
                    self.refuse("the flag x is read at the start of a pattern only", token)
            else:
                parts.append(self.piece(child, flags, depth))
        return concat(*parts), flags

    def piece(self, tree: Tree[Token], flags: _Flags, depth: int) -> Node:
        match tree.data:
            case "repeat":
                return self.repeat(tree, flags, depth)
            case "group" | "named" | "flagged":
                return self.group(tree, flags, depth)
            case "any":
                return Class((Range(10, 10), Range(13, 13)), True) if flags.R and not flags.s else Any(flags.s)
            case "anchor":
                return self.anchor(_token(tree), flags)
            case "quote":
                return text(_token(tree)[2:].removesuffix("\\E"), flags.i)
            case "class":
                return self.set_(tree, flags, depth)
            case "escaped_class":
                named = self.escaped(_token(tree), flags)
                return Class((named,), False, flags.i and set_is_cased(named))
        character = self.character(_token(tree))
        return Literal(character, flags.i and is_cased(character))

    def repeat(self, tree: Tree[Token], flags: _Flags, depth: int) -> Node:
        inner, token = tree.children
        assert isinstance(inner, Tree) and isinstance(token, Token)
        lazy = len(token) > 1 and token.endswith("?")
        bounds = token.removesuffix("?") if lazy else str(token)
        low, comma, high = bounds[1:-1].partition(",") if bounds.startswith("{") else ("1" if bounds == "+" else "0", ",", "")
        least = int(low) if len(low) < 6 else MAX_REPEATS + 1
        most = 1 if bounds == "?" else least if not comma else None if not high else int(high) if len(high) < 6 else MAX_REPEATS + 1
        node = self.piece(inner, flags, depth)
        if most is not None and most < least:
            self.refuse(f"a repeat of at least {least} and at most {most} times", token)
        if max(least, most or 0, 1) * _repeats(node) > MAX_REPEATS:
            self.refuse(f"more than {MAX_REPEATS} repeats", token)
        return Repeat(node, least, most, lazy == flags.U)

    def group(self, tree: Tree[Token], flags: _Flags, depth: int) -> Node:
        opening, inner = tree.children[:2]
        assert isinstance(opening, Token) and isinstance(inner, Tree)
        if depth >= MAX_DEPTH:
            self.refuse(f"more than {MAX_DEPTH} groups within each other", opening)
        if tree.data == "flagged":
            changed = flags.with_(opening[2:-1])
            if changed.x and not flags.x:
                self.refuse("the flag x is read at the start of a pattern only", opening)
            return self.alternation(inner, changed, depth + 1)
        self.captured += 1
        index = self.captured
        name = opening[opening.index("<") + 1 : -1] if tree.data == "named" else None
        if name in self.names:
            self.refuse(f"two groups have the name {name}", opening)
        if name is not None:
            self.names.add(name)
        return Group(self.alternation(inner, flags, depth + 1), index, name)

    def anchor(self, token: Token, flags: _Flags) -> Node:
        if token in _BOUNDARIES:
            kind: Untyped = _BOUNDARIES[token]
            return Anchor(kind, not flags.u)
        if flags.m and token in ("^", "$"):
            if flags.R:
                self.refuse("lines that end in a carriage return (the flag R) are not read yet", token)
            return Anchor("line-start" if token == "^" else "line-end")
        return Anchor("start" if token in ("^", "\\A") else "end")

    def set_(self, tree: Tree[Token], flags: _Flags, depth: int) -> Class:
        opening, members = tree.children[:2]
        assert isinstance(opening, Token) and isinstance(members, Tree)
        if depth >= MAX_DEPTH:
            self.refuse(f"more than {MAX_DEPTH} classes within each other", opening)
        negated = opening.startswith("[^")
        first = [Range(ord(c), ord(c)) for c in dict.fromkeys(opening[1 + negated :])]
        whole: Set | None = None
        operator = ""
        for child in members.children:
            if isinstance(child, Token):
                operator = str(child)
                continue
            union = (*first, *(self.member(c, flags, depth) for c in child.children if isinstance(c, Tree)))
            first = []
            if whole is None:
                whole = Class(union)
            else:
                whole = Combined(whole, operator, union[0] if len(union) == 1 else Class(union))
        assert whole is not None
        content = whole.members if isinstance(whole, Class) else (_single(whole),)
        found = Class(content, negated)
        return Class(content, negated, flags.i and set_is_cased(found))

    def member(self, tree: Tree[Token], flags: _Flags, depth: int) -> Set:
        match tree.data:
            case "nested":
                return self.set_(tree, flags.with_("-i"), depth + 1)
            case "property":
                return self.escaped(_token(tree), flags)
            case "posix":
                token = _token(tree)
                name = token[2:-2].removeprefix("^")
                if name not in POSIX:
                    self.refuse(f"[:{name}:] is no class of characters", token)
                return Posix(name, token.startswith("[:^"))
            case "range":
                return self.range(_token(tree))
        code = ord(self.character(_token(tree)))
        return Range(code, code)

    def range(self, token: Token) -> Range:
        """``a-z``, where either end may be an escape, of which none but the first character is a hyphen."""
        cut = token.index("-", 2 if token.startswith("\\") else 1)
        first, last = (ord(self.character(Token(token.type, end, start_pos=token.start_pos))) for end in (token[:cut], token[cut + 1 :]))
        if first > last:
            self.refuse(f"the range {token} runs backwards", token)
        return Range(first, last)

    def escaped(self, token: Token, flags: _Flags) -> Perl | Property:
        if token[1] in "dDsSwW":
            return Perl(token[1].lower(), token[1].isupper(), not flags.u)
        name = token[3:-1] if token[2] == "{" else token[2:]
        negated = (token[1] == "P") != name.startswith("^")
        if not is_property(name.removeprefix("^")):
            self.refuse(f"{token} names no class of Unicode characters", token)
        return Property(name.removeprefix("^"), negated)

    def character(self, token: Token) -> str:
        if not token.startswith("\\") or len(token) < 2:
            return str(token)
        kind, rest = token[1], token[2:]
        if kind in _CODES:
            return _CODES[kind]
        if kind in "xuU":
            code = int(rest.strip("{}"), 16)
        elif kind.isdigit():
            code = int(token[1:], 8)
        else:
            return kind
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            self.refuse(f"{token} is the code of no character", token)
        return chr(code)

    def refuse(self, message: str, token: Token) -> NoReturn:
        raise RegexError(message, token.start_pos or 0)


def _single(member: Set) -> Set:
    """A set operation whose left side is a union of one."""
    if isinstance(member, Combined):
        left = _single(member.left)
        plain = isinstance(left, Class) and not left.negated and len(left.members) == 1
        return Combined(left.members[0] if plain else left, member.operator, member.right)  # type: ignore[union-attr]
    return member


def _token(tree: Tree[Token]) -> Token:
    found = tree.children[0]
    assert isinstance(found, Token)
    return found


def _repeats(node: Node) -> int:
    """The product of the repeats within each other, the highest there is."""
    match node:
        case Repeat():
            return max(node.least, node.most or 0, 1) * _repeats(node.node)
        case Group():
            return _repeats(node.node)
        case Concat():
            return max(map(_repeats, node.parts), default=1)
        case Alternation():
            return max(map(_repeats, node.options))
    return 1
