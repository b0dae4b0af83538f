"""What the languages of infrastructure as code have in common: names, texts, lists and mappings, and places in the file.

An expression that is not read here is skipped as a whole: it may stand beside a query, and only where it is one does it matter.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable

from translator.rulepack.model import TextMap, shown
from translator.rulepack.tree import Leaf, Misread, Odd, Place, Tree

MAX_DEPTH = 100
"""How deep values may stand in values."""

MAX_REFERENCES, MAX_TEXT = 40, 1_000_000
"""How far a name may refer to another, and how long a text may be that is made of them."""

NAME = re.compile(r"[A-Za-z_][\w-]*")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?![\w.])")
_OPEN, _CLOSE = "([{", ")]}"

MODULE = "module"
"""The type of what is a file of its own, and not a resource; ``source`` says which."""


class Code:
    """A text that is read from its beginning to its end. A language says what its comments and texts look like.

    Args:
        comment: what is passed over.
        text: what holds characters that mean nothing, as a text does; it is asked for where ``quotes`` stand.
    """

    quotes = '"'
    comment = re.compile(r"#[^\n]*|//[^\n]*|/\*.*?\*/", re.S)

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        self.lines = text.split("\n")
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def place(self, at: int | None = None) -> Place:
        """Line and column, from 1 on, of an offset; of where the reading is without one."""
        at = self.at if at is None else at
        line = bisect.bisect_right(self.starts, at)
        return line, at - self.starts[line - 1] + 1

    def blanks(self, lines: bool = True) -> None:
        """Passes over blanks and comments, and over the ends of lines, if told so."""
        while self.at < len(self.text):
            if self.text[self.at] in " \t\r" or (lines and self.text[self.at] == "\n"):
                self.at += 1
            elif found := self.comment.match(self.text, self.at):
                self.at = found.end()
            else:
                return

    def take(self, wanted: str | re.Pattern[str]) -> str:
        """What comes next, if it is that; else nothing."""
        if isinstance(wanted, str):
            found = wanted if self.text.startswith(wanted, self.at) else ""
        else:
            match = wanted.match(self.text, self.at)
            found = match[0] if match else ""
        self.at += len(found)
        return found

    def primary(self) -> Tree:
        """What an expression begins with."""
        raise NotImplementedError

    def value(self) -> Tree:
        """The expression that comes next; one that goes on behind what it begins with is not read."""
        self.blanks()
        start = self.at
        found = self.nested(self.primary)
        return found if isinstance(found, Odd) or self.ended() else self.skipped(start)

    def closed(self, brackets: str) -> str:
        """What stands up to the bracket that closes one which is read already, with that; ``brackets`` are both."""
        start, depth = self.at, 1
        while depth and self.at < len(self.text):
            if self.begins_text():
                self.text_at()
                continue
            depth += {brackets[0]: 1, brackets[1]: -1}.get(self.text[self.at], 0)
            self.at += 1
        return self.text[start : self.at]

    def text_at(self) -> Tree:
        """The text that begins here, whose quote or mark comes next."""
        raise NotImplementedError

    def begins_text(self) -> bool:
        """Whether a text in quotes begins here."""
        return self.text[self.at : self.at + 1] in tuple(self.quotes)

    def ended(self) -> bool:
        """Whether an expression is at its end."""
        self.blanks(lines=False)
        return self.at >= len(self.text) or self.text[self.at] in "\n,)]}"

    def skipped(self, start: int, why: str = "") -> Odd:
        """The expression that begins at an offset, as one that is not read."""
        self.at, depth, end = start, 0, start
        while self.at < len(self.text):
            c = self.text[self.at]
            if found := self.comment.match(self.text, self.at):
                self.at = found.end()
                continue
            if self.begins_text():
                self.text_at()
            elif depth == 0 and c in "\n,)]}":
                break
            else:
                depth += (c in _OPEN) - (c in _CLOSE)
                self.at += 1
            end = self.at if not c.isspace() else end
        written = self.text[start:end]
        return Odd(why or f"only a deployment knows '{shown(' '.join(written.split()))}'", self.place(start), written)

    def nested(self, read: Callable[[], Tree]) -> Tree:
        """What stands inside of a value.

        Raises:
            Misread: where that is too deep.
        """
        if self.depth >= MAX_DEPTH:
            raise Misread(f"this nests more than {MAX_DEPTH} levels deep", self.place())
        self.depth += 1
        found = read()
        self.depth -= 1
        return found

    def leaf(self, text: str | None, at: int) -> Leaf:
        """A scalar that begins at an offset, on whose line its text stands."""
        line, column = self.place(at)
        return Leaf(text, (line, column), lambda query: TextMap(((0, line, column),)))

    def block(self, text: str, start: int, first: int) -> Leaf:
        """A text that is lines of the file, the first of them with an index from 0."""
        lines = self.lines
        return Leaf(text, self.place(start), lambda query: TextMap.locate(query, lines, first))


class Names:
    """What the names of a file stand for.

    Args:
        known: what they are declared to be.
    """

    def __init__(self, known: dict[str, Tree]) -> None:
        self.known = known
        self.made: dict[str, Tree] = {}

    def filled(self, tree: Tree, depth: int) -> Tree:
        """A tree with the values of the names in it."""
        raise NotImplementedError

    def value(self, name: str, depth: int) -> Tree | None:
        """What a name stands for, worked out once; one that refers to itself stands for nothing that is known."""
        if name in self.known and name not in self.made:
            self.made[name] = Odd(f"{shown(name)} refers to itself", self.known[name].place)
            self.made[name] = self.filled(self.known[name], depth + 1)
        return self.made.get(name)


def text_of(tree: Tree | None) -> str | None:
    """The text of a scalar; None where it is something else."""
    return tree.text if isinstance(tree, Leaf) else None
