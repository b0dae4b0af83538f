"""How much work Lucene has with a regular expression, of which it makes a deterministic automaton, and how much it allows.

Source: org.apache.lucene.util.automaton.Operations, determinize: the sizes of all sets of states may sum up to ten times the limit of
work, which is DEFAULT_DETERMINIZE_WORK_LIMIT for Elasticsearch's regexp queries (max_determinized_states) and for RLIKE.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator

from translator.regex.classes import Ranges, joined, without
from translator.regex.syntax import Alternation, Any, Class, Concat, Literal, Node, Range, Repeat, least_width, walk

MOST_WORK = 50_000
"""Half of what Lucene allows, since its automata have some more states than there are characters in a pattern."""

_TOKEN = re.compile(r"\[\^?(?:\\.|[^\]\\])+\]|\\.|\{\d+(?:,\d*)?\}|.", re.DOTALL)
_PLAIN = re.compile(r"(\.\*|\(\.\*\[[^\]]*\]\)\?)?([^.\[\]*+?{}\\]|\\.)*(\.\*|\(\[[^\]]*\]\.\*\)\?)?", re.DOTALL)
"""Texts, alternatives of such and what may stand before and behind them: the work grows no faster than the square of their length."""

_SHORT = 180
_LISTED = re.compile(r"(?:\.\*|\(\.\*\[[^\]]*\]\)\?)?\(((?:[^.()\[\]*+?{}\\]|\\.)*)\)(?:\.\*|\(\[[^\]]*\]\.\*\)\?)?", re.DOTALL)
"""Texts one of which is searched for: a set has no more states than the longest has characters, and there are no more sets than these have.

Each may be there twice, with the end of a text that was found and without, and with what stands before a word and without.
"""
_MEMBER = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)
_ANY: Ranges = ((0, sys.maxunicode),)


@functools.lru_cache(maxsize=8192)
def is_too_complex(pattern: str) -> bool:
    """Whether Lucene may refuse a regular expression of its language, without its operators ``~``, ``&``, ``<`` and ``@``."""
    plain = _in_one_case(pattern)
    if len(plain) <= _SHORT and _PLAIN.fullmatch(plain):
        return False
    listed = _LISTED.fullmatch(plain)
    if listed and 4 * len(listed[1]) * (3 + max(map(len, listed[1].split("|")))) <= MOST_WORK:
        return False
    return _Positions(_Reader(pattern).alternation()).work() > MOST_WORK


def _in_one_case(pattern: str) -> str:
    """A pattern with one letter for each class of the cases of a letter, whose automaton is the same but for the names of characters.

    The pattern itself where it tells the cases of such a letter apart elsewhere.
    """
    tokens = _TOKEN.findall(pattern)
    cases = {t: t[1].casefold() for t in tokens if _is_of_cases(t)}
    outside = "".join(t for t in tokens if t[0] != "[" or len(t) == 1).casefold()
    return pattern if {*cases.values()} & {*outside} else "".join(cases.get(t, t) for t in tokens)


def _is_of_cases(token: str) -> bool:
    """Whether a part of a pattern is a class of nothing but a letter in its cases."""
    return token[0] == "[" and 4 <= len(token) <= 6 and token[1:-1].isalpha() and len({c.casefold() for c in token[1:-1]}) == 1


def ends_once(node: Node) -> bool:
    """Whether no text that ``node`` matches as a whole begins with another one, so that a text has one such beginning at most.

    Parts whose characters are not listed here, and letters of any case, are not looked into: of those it is not said.
    """
    if not all(_is_listed(n) for n in walk(node)):
        return False
    if not least_width(node):
        return node == Concat()
    return _Positions(node).ends_once()


def _is_listed(node: Node) -> bool:
    match node:
        case Literal(caseless=False) | Concat() | Alternation() | Repeat():
            return True
        case Class(members, caseless=False):
            return all(isinstance(m, Range) for m in members)
    return False


class _Reader:
    """A pattern of Lucene's as a tree."""

    def __init__(self, pattern: str) -> None:
        self.tokens = [m.group() for m in _TOKEN.finditer(pattern)][::-1]

    def alternation(self) -> Node:
        options = [self.row()]
        while self.tokens and self.tokens[-1] == "|":
            self.tokens.pop()
            options.append(self.row())
        return options[0] if len(options) == 1 else Alternation(tuple(options))

    def row(self) -> Node:
        parts: list[Node] = []
        while self.tokens and self.tokens[-1] not in ("|", ")"):
            token = self.tokens.pop()
            if token in ("*", "+", "?") or (token[0] == "{" and len(token) > 1):
                least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(token) or _bounds(token)
                parts[-1] = Repeat(parts[-1], least, most)
            elif token == "(":
                parts.append(self.alternation())
                self.tokens.pop()
            else:
                parts.append(_character(token))
        return Concat(tuple(parts))


def _bounds(token: str) -> tuple[int, int | None]:
    least, comma, most = token[1:-1].partition(",")
    return int(least), int(most) if most else None if comma else int(least)


def _character(token: str) -> Node:
    if token == ".":
        return Any(True)
    if token[0] != "[" or len(token) == 1:
        return Literal(token[-1])
    body = token[1:-1].removeprefix("^")
    members = tuple(Range(ord(m[1][-1]), ord((m[2] or m[1])[-1])) for m in _MEMBER.finditer(body))
    return Class(members, token[1] == "^")


_Ends = tuple[bool, int, int]
"""Of a part: whether it may be empty, and the positions that it may begin and end with."""


class _Positions:
    """The automaton of a pattern whose states are the places of its characters, sets of them as bits (Glushkov's)."""

    def __init__(self, node: Node) -> None:
        self.characters: list[Ranges] = []
        self.follow: list[int] = []
        _, self.first, self.last = self.ends(node)

    def work(self) -> int:
        """The sizes of all sets of states that are reached, or somewhat more than is allowed."""
        return sum(max(1, state.bit_count()) for state in self.reached())

    def ends_once(self) -> bool:
        """Whether no text goes on behind the end of a match to the end of a longer one; False also where that is too much work."""
        states = list(self.reached())
        spent = sum(max(1, state.bit_count()) for state in states)
        return spent <= MOST_WORK and not any(state & self.last and self.after(state) for state in states)

    def reached(self) -> Iterator[int]:
        """The sets of states that are reached, until their sizes are more than is allowed."""
        kinds = self.kinds()
        found, waiting, spent = {0}, [0], 0
        while waiting and spent <= MOST_WORK:
            state = waiting.pop()
            spent += max(1, state.bit_count())
            yield state
            after = self.after(state)
            for reached in {after & kind for kind in kinds} - found:
                found.add(reached)
                waiting.append(reached)

    def after(self, state: int) -> int:
        """The states that may come behind those of a set."""
        return _union(self.follow[position] for position in _bits(state)) if state else self.first

    def kinds(self) -> set[int]:
        """The positions that take a character, for all characters that are told apart."""
        limits = sorted({0, sys.maxunicode + 1, *(x for ranges in self.characters for a, b in ranges for x in (a, b + 1))})
        place = {limit: number for number, limit in enumerate(limits)}
        taking = [0] * len(limits)
        for position, ranges in enumerate(self.characters):
            for first, last in ranges:
                for number in range(place[first], place[last + 1]):
                    taking[number] |= 1 << position
        return {*taking} - {0}

    def ends(self, node: Node) -> _Ends:
        match node:
            case Literal(character):
                return self.position(((ord(character), ord(character)),))
            case Any():
                return self.position(_ANY)
            case Class(members, negated):
                given = joined((m.first, m.last) for m in members if isinstance(m, Range))
                return self.position(without(given) if negated else given)
            case Alternation(options):
                found = [self.ends(o) for o in options]
                return any(f[0] for f in found), _union(f[1] for f in found), _union(f[2] for f in found)
            case Repeat(inner, least, most):
                parts = [self.ends(inner) for _ in range(least)]
                if most is None:
                    parts = parts or [(True, *self.ends(inner)[1:])]
                    _, first, last = parts[-1]
                    self.join(last, first)
                else:
                    parts += [(True, *self.ends(inner)[1:]) for _ in range(most - least)]
                return self.row(parts)
            case Concat(inners):
                return self.row([self.ends(x) for x in inners])
        raise TypeError(f"no part of a pattern of Lucene's: {node}")

    def position(self, ranges: Ranges) -> _Ends:
        self.characters.append(ranges)
        self.follow.append(0)
        bit = 1 << len(self.follow) - 1
        return False, bit, bit

    def row(self, parts: list[_Ends]) -> _Ends:
        empty, first, last = True, 0, 0
        for may_be_empty, begins, ends in parts:
            self.join(last, begins)
            first |= begins if empty else 0
            last = ends | (last if may_be_empty else 0)
            empty = empty and may_be_empty
        return empty, first, last

    def join(self, last: int, first: int) -> None:
        for position in _bits(last):
            self.follow[position] |= first


def _union(sets: Iterator[int]) -> int:
    found = 0
    for one in sets:
        found |= one
    return found


def _bits(state: int) -> Iterator[int]:
    while state:
        lowest = state & -state
        yield lowest.bit_length() - 1
        state ^= lowest
