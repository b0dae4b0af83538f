"""Regular expressions of KQL as Lucene's, which match the whole of a value.

Source: elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax: no anchors, no lazy operators, no classes like ``\\d``;
``.`` is any character.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from typing import Literal as OneOf

from translator.regex.ascii import is_everything
from translator.regex.automata import is_too_complex
from translator.regex.classes import POSIX, Ranges, Unlisted, ranges_of, without
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
    Range,
    Repeat,
    Set,
)
from translator.regex.writers import MAX_RANGES, Inexpressible, case_of

Case = OneOf["kept", "ignored", "lowered"]
"""What a pattern is compared with: a value as it is, without case, or in lower case."""

_SPACE: Ranges = ((9, 13), (0x20, 0x20))
_NOT_WORD = "[^A-Za-z0-9_]"


@functools.lru_cache(maxsize=4096)
def lucene(node: Node, case: Case = "kept") -> str:
    r"""A pattern to search for, as one of Lucene over the whole value; ``\d``, ``\s``, ``\w`` and ``\b`` are of ASCII characters there.

    Raises:
        Inexpressible: for anchors within, what no automaton tells, and what takes one that is too large.
    """
    if case != "kept" and case_of(node) is False:
        raise Inexpressible("parts with case in a pattern without it")
    try:
        text = _Writer(case).whole(_parts(node))
    except Unlisted as error:
        raise Inexpressible(str(error)) from None
    if is_too_complex(text):
        raise Inexpressible("what takes an automaton of too many states")
    return text


def escape(value: str) -> str:
    """``value`` as a Lucene regular expression that matches itself."""
    return "".join("\\" + c if c in '.?+*|{}[]()"\\#@&<>~^$-' else c for c in value)


def _in_ascii(member: Set) -> Set:
    match member:
        case Perl(letter, negated, False):
            return Perl(letter, negated, True)
        case Class(members, negated, ignored):
            return Class(tuple(map(_in_ascii, members)), negated, ignored)
        case Combined(left, operator, right):
            return Combined(_in_ascii(left), operator, _in_ascii(right))
    return member


def _parts(node: Node) -> list[Node]:
    return list(node.parts) if isinstance(node, Concat) else [node]


class _Writer:
    def __init__(self, case: Case) -> None:
        self.case = case

    def whole(self, parts: list[Node]) -> str:
        """Parts as a pattern of whole values: whatever may stand before and after what is searched for."""
        between: dict[tuple[str, str], list[str]] = {}  # alternatives with the same around them share it: else each multiplies the states
        for before, text, after in self.alternatives(parts):
            between.setdefault((before, after), []).append(text)
        return "|".join(_enclosed(before, texts, after) for (before, after), texts in between.items())

    def alternatives(self, parts: list[Node]) -> Iterator[tuple[str, str, str]]:
        """For each alternative of a pattern what stands before it, itself, and what stands behind it."""
        if not parts:
            yield "", ".*", ""
        elif len(parts) == 1 and len(branches := _branches(parts[0])) > 1:
            for branch in branches:
                yield from self.alternatives(branch)
        else:
            before, parts = self.edge(parts, "start")
            after, parts = self.edge(parts, "end")
            yield before, self.row(parts), after

    def edge(self, parts: list[Node], anchor: OneOf["start", "end"]) -> tuple[str, list[Node]]:
        """What stands before (or behind) a pattern, and the parts that are left: ``(^|x)`` is that something ends with x, or nothing."""
        first = anchor == "start"
        if len(parts) > 1 and parts[0 if first else -1] == Anchor("word") and _is_word(parts[1 if first else -2], first):
            return (f"(.*{_NOT_WORD})?", parts[1:]) if first else (f"({_NOT_WORD}.*)?", parts[:-1])
        if not _anchored(parts, anchor):
            return "" if parts and is_any_text(parts[0 if first else -1]) else ".*", parts
        part, rest = (parts[0], parts[1:]) if first else (parts[-1], parts[:-1])
        texts = []
        for branch in _branches(part):
            beyond, inner = self.edge(branch, anchor)
            texts.append(beyond + self.row(inner) if first else self.row(inner) + beyond)
        others = [t for t in texts if t]
        if not others:
            return "", rest
        return f"({'|'.join(others)})" + ("?" if len(others) < len(texts) else ""), rest

    def row(self, parts: list[Node]) -> str:
        return "".join(f"({self.node(p)})" if isinstance(p, Alternation) else self.node(p) for p in parts)

    def node(self, node: Node) -> str:
        match node:
            case Literal(character, ignored):
                return self.literal(character, ignored)
            case Any(newline):
                return "." if newline else "[^\n]"
            case Class():
                return self.class_(node)
            case Group(inner):
                return f"({self.node(inner)})"
            case Repeat():
                return self.repeat(node)
            case Concat(parts):
                return self.row(list(parts)) if parts else "()"
            case Alternation(options):
                return "|".join(self.node(o) for o in options)
            case Anchor(kind):
                raise Inexpressible(
                    "a boundary of words" if "word" in kind else f"a place like the {kind.replace('-', ' ')} within a pattern"
                )

    def literal(self, character: str, ignored: bool) -> str:
        if self.case == "lowered":
            return escape(character.lower())
        if self.case == "ignored" or not ignored:
            return escape(character)
        return self.of(ranges_of(Range(ord(character), ord(character)), True))

    def repeat(self, node: Repeat) -> str:
        text = self.node(node.node)
        body = text if isinstance(node.node, Literal | Any | Class | Group) else f"({text})"
        match node.least, node.most:
            case 0, None:
                return f"{body}*"
            case 1, None:
                return f"{body}+"
            case 0, 1:
                return f"{body}?"
            case least, None:
                return f"{body}{{{least},}}"
        return f"{body}{{{node.least}}}" if node.least == node.most else f"{body}{{{node.least},{node.most}}}"

    def class_(self, node: Class) -> str:
        if is_everything(node.members) and not node.negated:
            return "."
        read = _in_ascii(node)
        assert isinstance(read, Class)
        if all(isinstance(m, Range) or (isinstance(m, Perl) and not m.negated) for m in read.members) and read.members:
            found = [r for m in read.members for r in self.member(m, read.caseless)]
            spelled = "".join(dict.fromkeys(_span(*r) for r in found))
            return f"[{'^' if read.negated else ''}{spelled}]"
        return self.of(ranges_of(read))

    def member(self, member: Set, ignored: bool) -> Ranges:
        """The ranges of a member, letters as lower-case ones where the value is in lower case."""
        if isinstance(member, Perl):
            found = {"s": _SPACE, "d": POSIX["digit"], "w": ((0x41, 0x5A), (0x61, 0x7A), (0x30, 0x39), (0x5F, 0x5F))}[member.letter]
            return tuple(r for r in found if r != (0x41, 0x5A)) if self.case == "lowered" else found
        assert isinstance(member, Range)
        if self.case == "ignored" or (self.case == "kept" and ignored):  # Lucene ignores the case of single letters, not that of ranges
            return ranges_of(member, True)
        return _lowered(member.first, member.last) if self.case == "lowered" else ((member.first, member.last),)

    def of(self, ranges: Ranges) -> str:
        """A class of these characters, or of all but the others where it reaches the last one."""
        negated = bool(ranges) and ranges[-1][1] == sys.maxunicode
        shown = without(ranges) if negated else ranges
        if not shown:
            if negated:
                return "."
            raise Inexpressible("a class of no character")
        if len(shown) > MAX_RANGES:
            raise Inexpressible(f"a class of {len(shown)} ranges of characters")
        return f"[{'^' if negated else ''}{''.join(_span(*r) for r in shown)}]"


def _enclosed(before: str, texts: list[str], after: str) -> str:
    """Alternatives between what stands before and behind each of them."""
    if len(texts) == 1:
        return before + texts[0] + after or "()"
    joined = "|".join(t or "()" for t in texts)
    return f"{before}({joined}){after}" if before or after else joined


def _lowered(low: int, high: int) -> Ranges:
    """A range with its capitals as lower-case letters."""
    if high < ord("A") or low > ord("Z"):
        return ((low, high),)
    rest: Ranges = ((low, ord("A") - 1),) if low < ord("A") else ()
    rest = (*rest, (ord("Z") + 1, high)) if high > ord("Z") else rest
    return (*rest, (max(low, ord("A")) + 32, min(high, ord("Z")) + 32))


def _span(low: int, high: int) -> str:
    first, last = (f"\\{chr(c)}" if chr(c) in '\\]^-["&~#@<>' else chr(c) for c in (low, high))
    return first if low == high else f"{first}-{last}"


def _is_word(node: Node, first: bool) -> bool:
    """Whether what a part begins (or ends) with is always a letter, a digit or an underscore of ASCII."""
    match node:
        case Literal(character):
            return character.isascii() and (character.isalnum() or character == "_")
        case Group(inner):
            return _is_word(inner, first)
        case Repeat(inner, least):
            return least > 0 and _is_word(inner, first)
        case Concat(parts):
            return bool(parts) and _is_word(parts[0 if first else -1], first)
        case Alternation(options):
            return all(_is_word(o, first) for o in options)
    return False


def _anchored(parts: list[Node], anchor: OneOf["start", "end"]) -> bool:
    """Whether parts begin (or end) with an anchor, or with a group of which an alternative does."""
    if not parts:
        return False
    part = parts[0 if anchor == "start" else -1]
    if isinstance(part, Anchor):
        return part.kind == anchor
    return any(_anchored(b, anchor) for b in _branches(part))


def is_any_text(node: Node) -> bool:
    """Whether a part of a pattern is any text at all, of any length."""
    match node:
        case Repeat(Any(newline=True), 0, None):
            return True
        case Repeat(Class(members, negated=False), 0, None):
            return is_everything(members)
    return False


def _branches(node: Node) -> list[list[Node]]:
    """The alternatives of a group; none of what is no group."""
    match node:
        case Alternation(options):
            return [_parts(o) for o in options]
        case Group(inner):
            return _branches(inner) or [_parts(inner)]
    return []
