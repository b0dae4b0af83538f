"""parse-kv: keys and values in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from translator.plan.functions.values import pattern


def pairs_of(text: str, spec: Any) -> Any:
    """parse-kv: the values of ``text`` by their keys, of a key that comes again the first.

    Source: learn.microsoft.com/kusto/query/parse-kv-operator, for each of its three modes.
    """
    if spec["regex"]:
        pairs: Iterable[tuple[str, str]] = ((m[1], m[2]) for m in pattern(spec["regex"]).finditer(text))
    elif spec["pair"]:
        pairs = _delimited_pairs(text, spec["pair"], spec["key"], spec["quotes"], spec["escapes"], spec["greedy"])
    else:
        pairs = _worded_pairs(text, spec["names"], spec["quotes"], spec["escapes"])
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key.strip(), value.strip())
    return found


def _quoted_at(text: str, start: int, quotes: list[str], escapes: list[str]) -> tuple[str, int] | None:
    """What the quotes that open at ``start`` hold, and where they end; None where none open or they never close."""
    marks = next((q for q in quotes if text.startswith(q[0], start)), None)
    if marks is None:
        return None
    held, place = "", start + 1
    while place < len(text):
        character = text[place]
        if character in escapes and place + 1 < len(text):
            held += text[place + 1]
            place += 2
        elif character == marks[-1]:
            return held, place + 1
        else:
            held += character
            place += 1
    return None


def _delimited_pairs(text: str, pair: str, key: str, quotes: list[str], escapes: list[str], greedy: bool) -> Iterator[tuple[str, str]]:
    def skipped(place: int) -> int:
        while place < len(text) and text[place].isspace() and not text.startswith((pair, key), place):
            place += 1
        return place

    def key_at(place: int) -> tuple[str, int] | None:
        """The key that starts at ``place`` and where its value does."""
        place = skipped(place)
        quoted = _quoted_at(text, place, quotes, escapes)
        if quoted is not None and text.startswith(key, skipped(quoted[1])):
            return quoted[0], skipped(quoted[1]) + len(key)
        end, break_ = text.find(key, place), text.find(pair, place)
        return None if end < 0 or -1 < break_ < end else (text[place:end], end + len(key))

    place = 0
    while place <= len(text):
        found = key_at(place)
        if found is not None:
            name, place = found
            quoted = _quoted_at(text, skipped(place), quotes, escapes)
            if quoted is not None:
                value, place = quoted
            else:
                start = place
                place = text.find(pair, place)
                while greedy and place >= 0 and key_at(place + len(pair)) is None:
                    place = text.find(pair, place + 1)
                value = text[start : len(text) if place < 0 else place]
            yield name, value
            if place < 0:
                return
        place = text.find(pair, place)
        if place < 0:
            return
        place += len(pair)


def _worded_pairs(text: str, names: list[str], quotes: list[str], escapes: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs where whatever is no letter and no digit delimits: a key is a word, and its value the next one or what quotes hold."""
    openings = "".join(q[0] for q in quotes)
    for name in names:
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            place = match.end()
            while place < len(text) and not text[place].isalnum() and text[place] != "_":
                # A quote may close the key before another opens the value.
                if text[place] in openings and (quoted := _quoted_at(text, place, quotes, escapes)) is not None and place > match.end():
                    yield name, quoted[0]
                    break
                place += 1
            else:
                word = re.compile(r"\w+").match(text, place)
                if word is None:
                    continue
                yield name, word[0]
            break
