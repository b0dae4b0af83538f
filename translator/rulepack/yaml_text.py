"""YAML as a tree with places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import yaml

from translator.rulepack.model import TextMap, shown
from translator.rulepack.tree import Fields, Items, Leaf, Misread, Odd, Tree

MAX_CHARACTERS, MAX_PARTS = 4_000_000, 250_000
"""How long a text of YAML may be, and how many lines and commas it may have: PyYAML takes up to 0.1 ms for each."""

MAX_DEPTH, MAX_OPEN = 100, 1_000
MAX_MERGED = 100_000
"""How many entries the merge keys (``<<``) of one document may bring."""

_MARK = re.compile(r"^---(?=[ \t\n]|$)", re.M)
_DIRECTIVES = re.compile(r"(?:[ \t]*(?:[%#][^\n]*)?\n)*\Z")
"""What stands before a mark and holds nothing: directives, as ``%YAML 1.2``, and comments."""

_BRACKET = re.compile(r"[\[\]{}]")
_PLAIN = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
)
_NULL = "tag:yaml.org,2002:null"


def documents(text: str) -> Iterator[Tree | Misread]:
    """The documents of a text, or why one cannot be read; those that hold nothing are left out.

    A line ``---`` is a mark wherever it stands (YAML 1.2.2, 9.1.2), so what is wrong with one document loses no other.
    """
    if len(text) > MAX_CHARACTERS:
        yield Misread(f"this text is too long to be read as YAML: it has {len(text):,} characters, of {MAX_CHARACTERS:,} at most", (1, 1))
        return
    if (parts := text.count("\n") + text.count(",")) > MAX_PARTS:
        yield Misread(f"this text is too long to be read as YAML: it has {parts:,} lines and commas, of {MAX_PARTS:,} at most", (1, 1))
        return
    starts = [0, *(m.end() for m in _MARK.finditer(text))]
    ends = [*(m.start() for m in _MARK.finditer(text)), len(text)]
    for start, end in zip(starts, ends, strict=True):
        part = text[start:end]
        if not part.strip() or _DIRECTIVES.match(part):
            continue
        first = text.count("\n", 0, start)
        if (deep := _deep(part)) is not None:
            line, column = _place(part, deep)
            yield Misread("this YAML nests too deeply to be read", (first + line, column))
            continue
        try:
            node = yaml.compose(part, Loader=_Loader)
            if node is not None:
                yield _Builder(part, first).tree(node, 0)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            yield Misread(f"this is not valid YAML: {error.problem or error.context}", (first + line, column))
        except yaml.reader.ReaderError as error:
            line, column = _place(part, error.position)
            yield Misread(f"this is not valid YAML: {error.reason}: U+{error.character:04X}", (first + line, column))
        except Misread as error:
            yield error
        except (yaml.YAMLError, ValueError) as error:
            yield Misread(f"this is not valid YAML: {error}", (first + 1, 1))
        except RecursionError:
            yield Misread("this YAML nests too deeply to be read", (first + 1, 1))


def _deep(text: str) -> int | None:
    """Where more brackets are open than any document nests, for which PyYAML would take the square of their number of steps."""
    depth = 0
    for found in _BRACKET.finditer(text):
        depth = max(0, depth + (1 if found[0] in "[{" else -1))
        if depth > MAX_OPEN:
            return found.start()
    return None


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class _Loader(yaml.SafeLoader):
    """PyYAML's own, to which a tab behind a key is a blank as well (YAML 1.2.2, 6.2, "Separation Spaces")."""

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while self.peek() == "\t" and self.buffer[self.pointer - self.column : self.pointer].strip():
            self.forward()
            super().scan_to_next_token()


class _Builder:
    """Trees of the nodes of one document, each built once however many aliases it has."""

    def __init__(self, text: str, first: int) -> None:
        self.lines, self.first = text.split("\n"), first
        self.built: dict[int, Tree | None] = {}
        self.merged = 0

    def tree(self, node: yaml.Node, depth: int) -> Tree:
        place = (self.first + node.start_mark.line + 1, node.start_mark.column + 1)
        if id(node) in self.built:
            return self.built[id(node)] or Odd("an alias stands inside of what it names", place)
        if depth > MAX_DEPTH:
            raise Misread(f"this YAML nests more than {MAX_DEPTH} levels deep", place)
        self.built[id(node)] = None
        found = self._tree(node, place, depth)
        self.built[id(node)] = found
        return found

    def _tree(self, node: yaml.Node, place: tuple[int, int], depth: int) -> Tree:
        if node.tag not in _PLAIN:
            return Odd(f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not read", place)
        match node:
            case yaml.ScalarNode():
                text = None if node.tag == _NULL and node.style is None else str(node.value)
                return Leaf(text, place, lambda query: self.text_map(query, node))
            case yaml.SequenceNode():
                return Items(tuple(self.tree(item, depth + 1) for item in node.value), place)
            case yaml.MappingNode():
                return self._fields(node, place, depth)
        return Odd("this is no part of YAML that is read", place)

    def _fields(self, node: yaml.MappingNode, place: tuple[int, int], depth: int) -> Fields:
        entries: dict[str, Tree] = {}
        merged: dict[str, Tree] = {}
        faults = []
        for key, value in node.value:
            at = (self.first + key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                faults.append(Odd("a key that is a list or a mapping is left out", at))
                continue
            found = self.tree(value, depth + 1)
            if key.tag == "tag:yaml.org,2002:merge":
                for part in found.items if isinstance(found, Items) else (found,):
                    if isinstance(part, Fields):
                        self.merged += len(part.entries)
                        if self.merged > MAX_MERGED:
                            raise Misread("this YAML merges too many mappings into others", at)
                        merged = {**part.entries, **merged}
                continue
            if key.value in entries:
                faults.append(Odd(f"the key '{shown(key.value)}' stands here twice: the last one is taken", at))
            entries[key.value] = found
        return Fields({**merged, **entries}, place, tuple(faults))

    def text_map(self, query: str, node: yaml.ScalarNode) -> TextMap:
        """Where a query stands in its file: YAML keeps its lines behind ``|`` and joins them in every other style."""
        begin, end, style, lines = node.start_mark, node.end_mark, node.style, self.lines
        if style == "|":
            found = TextMap.locate(query, lines, begin.line + 1)
        else:
            quoted = style in ("'", '"')
            if end.line < len(lines):
                lines = [*lines[: end.line], lines[end.line][: end.column - quoted]]
            if quoted:
                lines = [line.replace("''", "'") if style == "'" else line.replace('\\"', '"').replace("\\\\", "\\") for line in lines]
            folded = style == ">"
            found = TextMap.joined(query, lines, begin.line + folded, 0 if folded else begin.column + quoted)
        return replace(found, pieces=tuple((at, line + self.first, column) for at, line, column in found.pieces))
