"""What YAML and JSON have in common: a tree of texts, lists and mappings, each with its place in the file.

Every scalar is the text that stands in the file, since a rule's ``version: 1.10`` is no number, and its ``queryFrequency: 12:00:00`` none
of base 60.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from translator.rulepack.model import TextMap, shown

Place: TypeAlias = tuple[int, int]
"""Line and column of a file, from 1."""


class Misread(ValueError):
    """Something in a rule that cannot be what its author meant, with its place."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message, self.place = message, place


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar: its text, or None for nothing (``null``, ``~``). ``text_map`` tells where a text that this holds stands in the file."""

    text: str | None
    place: Place
    text_map: Callable[[str], TextMap] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Tree, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping. ``faults`` are what is wrong with its keys."""

    entries: Mapping[str, Tree]
    place: Place
    faults: tuple[Odd, ...] = ()

    def get(self, name: str) -> Tree | None:
        """What stands under a name; None where there is nothing."""
        found = self.entries.get(name)
        return None if isinstance(found, Leaf) and found.text is None else found

    def inside(self, name: str) -> Fields:
        """The mapping under a name; an empty one where there is none."""
        found = self.get(name)
        return found if isinstance(found, Fields) else Fields({}, self.place)

    def leaf(self, name: str) -> str:
        """The text under a name; empty where there is none."""
        found = self.get(name)
        return found.text or "" if isinstance(found, Leaf) else ""


@dataclass(frozen=True, slots=True)
class Odd:
    """What cannot be read, and why; ``written`` is its text, where it is one."""

    message: str
    place: Place
    written: str = ""


Tree: TypeAlias = Leaf | Items | Fields | Odd

_BROKEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


def whole(text: str) -> str:
    """A text whose surrogates, as JSON escapes them, are the characters that they stand for in pairs."""
    if not any("\ud800" <= c <= "\udfff" for c in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass" if _lone(text) else "strict")


def _lone(text: str) -> bool:
    try:
        text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return True
    return False


def broken(text: str) -> str:
    """What no text may hold and this one does, in words; empty where it holds nothing of the kind."""
    found = _BROKEN.search(text)
    if found is None:
        return ""
    code = f"U+{ord(found[0]):04X}"
    return f"half of a surrogate pair ({code})" if found[0] >= "\ud800" else f"the control character {code}"


_WHAT = {Items: "a list", Fields: "a mapping", Leaf: "a text"}
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


class Settings:
    """The fields of a rule, read by their types. What has another one is left out, and stands in ``notes``.

    What decides on the alert is asked for by ``Misread``: a rule without it would be another rule.
    """

    def __init__(self, fields: Fields, notes: list[Misread]) -> None:
        self.fields, self.notes = fields, notes

    def has(self, name: str) -> bool:
        """Whether something stands under a name; null counts as nothing."""
        return self.fields.get(name) is not None

    def place(self, name: str) -> Place:
        """Where a setting stands in the file, or, where it does not, the mapping that it belongs to."""
        found = self.fields.entries.get(name)
        return found.place if found is not None and found.place[0] else self.fields.place

    def text(self, *names: str) -> str:
        """The text under the first of the names that has one; a character that no text may hold is replaced."""
        for name in names:
            found = self.fields.get(name)
            if isinstance(found, Leaf) and found.text:
                return self._sound(name, found.text)
            if found is not None and not isinstance(found, Leaf):
                self._left_out(name, found, "a text")
        return ""

    def line(self, *names: str) -> str:
        """The same with single blanks."""
        return " ".join(self.text(*names).split())

    def texts(self, *names: str) -> tuple[str, ...]:
        """The texts of a list, or the one text, under the first of the names that has any."""
        for name in names:
            match self.fields.get(name):
                case Leaf(text) if text:
                    return (self._sound(name, text),)
                case Items(items):
                    odd = next((i for i in items if not isinstance(i, Leaf)), None)
                    if odd is not None:
                        self._left_out(f"a part of {name}", odd, "a text")
                    if found := tuple(" ".join(self._sound(name, i.text).split()) for i in items if isinstance(i, Leaf) and i.text):
                        return found
                case Fields() | Odd() as found:
                    self._left_out(name, found, "a list of texts")
        return ()

    def names(self, *names: str) -> tuple[str, ...]:
        """The same of names, which hold no comma: in one text commas stand between them."""
        return tuple(name.strip() for text in self.texts(*names) for name in text.split(",") if name.strip())

    def inside(self, name: str) -> Settings:
        """The mapping under a name; an empty one where there is none."""
        found = self.fields.get(name)
        if found is not None and not isinstance(found, Fields):
            self._left_out(name, found, "a mapping")
        return Settings(self.fields.inside(name), self.notes)

    def rows(self, name: str) -> Iterator[Settings]:
        """The mappings of a list."""
        found = self.fields.get(name)
        if found is not None and not isinstance(found, Items):
            self._left_out(name, found, "a list")
        for item in found.items if isinstance(found, Items) else ():
            if isinstance(item, Fields):
                yield Settings(item, self.notes)
            else:
                self._left_out(f"a part of {name}", item, "a mapping")

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """Names and texts of a mapping, in its order."""
        inside = self.inside(name)
        return tuple((" ".join(key.split()), inside.line(key)) for key in inside.fields.entries)

    def truth(self, name: str) -> bool | None:
        """True or false; None where that is not said."""
        found = self.line(name).lower()
        if found and found not in _TRUE | _FALSE:
            self._note(name, f"{name} is '{shown(found)}': expected true or false, so it is left out")
        return found in _TRUE if found in _TRUE | _FALSE else None

    def choice(self, name: str, words: tuple[str, ...]) -> str:
        """The one of some words that stands under a name, however it is spelled, in lower case; empty where it is another one."""
        found = self.line(name)
        if found and found.lower() not in (w.lower() for w in words):
            self._note(name, f"{name} is '{shown(found)}': expected {', '.join(words[:-1])} or {words[-1]}, so it is left out")
            return ""
        return found.lower()

    def misread(self, name: str, message: str) -> Misread:
        return Misread(message, self.place(name))

    def unreadable(self, name: str, what: str) -> Misread:
        """A setting of another type than it has to have, which says why where it cannot be read at all."""
        found = self.fields.get(name)
        return self.misread(name, f"{name} cannot be read: {found.message}" if isinstance(found, Odd) else f"{name} {what}")

    def _sound(self, name: str, text: str) -> str:
        text = whole(text)
        if what := broken(text):
            self._note(name, f"{name} holds {what}, which is replaced")
            return _BROKEN.sub("\ufffd", text)
        return text

    def _left_out(self, name: str, found: Tree, expected: str) -> None:
        what = found.message if isinstance(found, Odd) else f"expected {expected}, not {_WHAT[type(found)]}"
        self.notes.append(Misread(f"{name} is left out: {what}", found.place if found.place[0] else self.fields.place))

    def _note(self, name: str, message: str) -> None:
        self.notes.append(Misread(message, self.place(name)))
