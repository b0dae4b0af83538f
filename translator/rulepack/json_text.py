"""JSON as a tree with places.

The decoder is Python's own; its hooks for texts, lists and objects are told where each begins, as ``json.loads`` tells none.
"""

from __future__ import annotations

import bisect
import json
import json.decoder
import json.scanner
import re
from collections.abc import Callable, Iterator
from typing import Any

from translator.rulepack.model import TextMap, shown
from translator.rulepack.tree import Fields, Items, Leaf, Misread, Odd, Tree

_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]+", re.S)
"""What stands for one character, two escapes for those beyond the first 65,536 (RFC 8259, section 7), or for itself."""

_NOWHERE = (0, 0)
"""The place of numbers and of true, false and null, which the decoder does not tell: the mapping's own serves for it."""


_TEXT = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_COMMENT = re.compile(rf"{_TEXT}|//[^\n]*|/\*.*?\*/", re.S)
_LAST_COMMA = re.compile(rf"{_TEXT}|,(?=\s*[\]}}])", re.S)
_BLANK = re.compile(r"\s*")

MAX_FAULTS = 20
"""How many documents of a text are named that cannot be read."""


def documents(text: str) -> Iterator[Tree | Misread]:
    """The documents of a text, one behind the other, or why one cannot be read: where each has its own line, it loses no other."""
    decoder, relaxed, faults = _Decoder(text), False, 0
    at = _behind_blanks(text, 0)
    while at < len(text) or not (at or faults):
        try:
            found, at = decoder.raw_decode(text, at)
            yield _tree(found)
        except json.JSONDecodeError as error:
            if not relaxed:
                text, relaxed = _plain(text), True
                decoder, at = _Decoder(text), _behind_blanks(text, at)
                continue
            yield Misread(f"this is not valid JSON: {error.msg}", (error.lineno, error.colno))
            at, faults = text.find("\n", at), faults + 1
            if at < 0 or error.pos > at or faults == MAX_FAULTS:
                return
        except RecursionError:
            yield Misread("this JSON nests too deeply to be read", (1, 1))
            return
        at = _behind_blanks(text, at)


def _behind_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _plain(text: str) -> str:
    """A text without what no JSON has and files of it do, each character of which becomes a blank: comments, and commas behind the last
    of a list.

    Templates of Azure may have comments (learn.microsoft.com/azure/azure-resource-manager/templates/syntax, "Comments and metadata").
    """

    def blanked(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else re.sub(r"[^\n]", " ", found[0])

    return _LAST_COMMA.sub(blanked, _COMMENT.sub(blanked, text))


class _Decoder(json.JSONDecoder):
    def __init__(self, text: str) -> None:
        super().__init__(object_pairs_hook=_pairs, parse_int=_number, parse_float=_number, parse_constant=_number, strict=False)
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]
        objects: Callable[..., Any] = getattr(json.decoder, "JSONObject")  # noqa: B009
        scan: Callable[..., Any] = getattr(json.decoder, "scanstring")  # noqa: B009
        lists: Callable[..., Any] = getattr(json.decoder, "JSONArray")  # noqa: B009

        def read_text(s: str, end: int, strict: bool = True) -> tuple[Leaf, int]:
            value, after = scan(s, end, strict)
            raw, place = s[end : after - 1], self.place(end - 1)
            return Leaf(value, place, lambda query: text_map(query, raw, place)), after

        def read_object(state: tuple[str, int], *rest: Any) -> tuple[Fields, int]:
            (entries, faults), after = objects(state, *rest)
            place = self.place(state[1] - 1)
            return Fields(entries, place, tuple(Odd(what, place) for what in faults)), after

        def read_list(state: tuple[str, int], *rest: Any) -> tuple[Items, int]:
            items, after = lists(state, *rest)
            return Items(tuple(map(_tree, items)), self.place(state[1] - 1)), after

        self.parse_string, self.parse_object, self.parse_array = read_text, read_object, read_list
        self.scan_once = getattr(json.scanner, "py_make_scanner")(self)  # noqa: B009

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect.bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


def _pairs(pairs: list[tuple[str, Any]]) -> tuple[dict[str, Tree], list[str]]:
    entries: dict[str, Tree] = {}
    twice = []
    for key, value in pairs:
        if key in entries:
            twice.append(f"the key '{shown(key)}' stands here twice: the last one is taken")
        entries[key] = _tree(value)
    return entries, twice


def _number(written: str) -> Leaf:
    return Leaf(written, _NOWHERE, lambda query: TextMap(((0, 1, 1),)))


def _tree(value: Any) -> Tree:
    if value is None or isinstance(value, bool):
        return Leaf(None if value is None else str(value).lower(), _NOWHERE, lambda query: TextMap(((0, 1, 1),)))
    found: Tree = value
    return found


def text_map(query: str, raw: str, place: tuple[int, int]) -> TextMap:
    """Where a query stands that a text of JSON holds, whose escapes are longer than what they stand for."""
    line, column = place
    pieces, decoded, at = [(0, line, column + 1)], [], 0
    for found in _ESCAPE.finditer(raw):
        pieces.append((at, line, column + 1 + found.start()))
        said = found[0] if found[0][0] != "\\" else json.loads(f'"{found[0]}"')
        decoded.append(said)
        at += len(said)
    text = "".join(decoded)
    dropped = [m.start() for m in re.finditer("\r(?=\n)", text)]
    moved = tuple((at - bisect.bisect_left(dropped, at), line, column) for at, line, column in pieces)
    return TextMap(tuple({piece[0]: piece for piece in moved}.values())) if query else TextMap(((0, line, column),))
