"""Bicep: the resources of a file, as a template of Azure has them.

Sources: learn.microsoft.com/azure/azure-resource-manager/bicep/file, data-types ("Strings", "Multi-line strings"),
child-resource-name-type, existing-resource.
"""

from __future__ import annotations

import re

from translator.rulepack import json_text
from translator.rulepack.code_text import MAX_REFERENCES, MAX_TEXT, MODULE, NAME, NUMBER, Code, Names, text_of
from translator.rulepack.model import TextMap, shown
from translator.rulepack.tree import Fields, Items, Leaf, Misread, Odd, Tree

SUFFIX = ".bicep"
_RESOURCE = re.compile(r"^resource\s+\w+\s+'[^'\n]+@[\w.-]+'\s*(?:existing\s*)?=", re.M)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "'": "'", "\\": "\\", "$": "$"}
_CHARACTERS = re.compile(r"[^'\\$\n]+")
_UNICODE = re.compile(r"\\u\{([0-9a-fA-F]{1,6})\}")
_TO_LINE_END = re.compile(r"[^\n]*")
_DEFAULT = re.compile(r"[^=\n]*(?:=(?!=))?")


def recognizes(suffix: str, text: str) -> bool:
    """Whether a text is written in Bicep."""
    return suffix == SUFFIX or (not suffix and _RESOURCE.search(text) is not None)


def document(text: str) -> Tree:
    """The resources of a text, as a template has them.

    Raises:
        Misread: where it cannot be read, with its place.
    """
    try:
        found = _Reader(text)
        found.file()
        values, place = _Values(found.known), (1, 1)
        return Fields({"resources": Items(tuple(map(values.filled, found.resources)), place)}, place)
    except RecursionError as error:
        raise Misread("this nests too deeply to be read", (1, 1)) from error


class _Reader(Code):
    quotes = "'"
    comment = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.resources: list[Tree] = []
        self.known: dict[str, Tree] = {}
        """Parameters with a default, and variables, by their names."""

    def file(self) -> None:
        while True:
            self.blanks()
            if self.at >= len(self.text):
                return
            at = self.at
            word = self.take(NAME)
            self.blanks(lines=False)
            if word == "resource":
                self.resource(at, "")
            elif word == "module":
                self.module(at)
            elif word in ("param", "var"):
                name = self.take(NAME)
                if self.take(_DEFAULT).endswith("="):
                    self.known[name] = self.value()
            else:
                self.skipped(at)
                if self.at == at or self.text[self.at : self.at + 1] not in ("\n", ""):
                    self.at += 1

    def resource(self, at: int, above: str) -> None:
        """A resource from its name on; one that exists already is declared by another."""
        self.take(NAME)
        self.blanks()
        kind = (text_of(self.text_at()) or "").partition("@")[0] if self.begins_text() else ""
        self.blanks()
        exists = bool(self.take("existing"))
        self.blanks()
        if not kind or not self.take("="):
            raise Misread("this cannot be read as Bicep: expected a resource with its type", self.place(at))
        self.blanks()
        condition: dict[str, Tree] = {}
        if self.take("if"):
            self.blanks()
            if not self.take("("):
                raise Misread("this cannot be read as Bicep: expected a condition in brackets", self.place())
            condition = {"condition": self.condition()}
            self.blanks()
        kind = f"{above}/{kind}" if above else kind
        start = self.at
        found = self.nested(lambda: self.members(kind)) if self.take("{") else self.skipped(start, "only a deployment knows this loop")
        if not exists:
            declared = {"type": self.leaf(kind, at), **condition}
            if isinstance(found, Fields):
                self.resources.append(Fields({**found.entries, **declared}, self.place(at), found.faults))
            else:
                self.resources.append(Fields({**declared, "properties": found}, self.place(at)))

    def module(self, at: int) -> None:
        """A module from its name on: another file, which is read as what it is."""
        self.take(NAME)
        self.blanks()
        source = text_of(self.text_at()) if self.begins_text() else None
        self.resources.append(Fields({"type": self.leaf(MODULE, at), "source": self.leaf(source, at)}, self.place(at)))
        self.skipped(self.at)

    def condition(self) -> Tree:
        """A condition in brackets, the first of which is read."""
        at = self.at
        found = self.value()
        self.blanks()
        if self.take(")"):
            return found
        self.at = at
        return Odd("only a deployment knows this condition", self.place(at), self.closed("()"))

    def members(self, kind: str = "") -> Tree:
        """What stands between braces, the first of which is read."""
        start = self.at - 1
        entries: dict[str, Tree] = {}
        faults: list[Odd] = []
        while True:
            self.blanks()
            if self.take("}"):
                return Fields(entries, self.place(start), tuple(faults))
            at = self.at
            if self.at >= len(self.text):
                raise Misread("this object of Bicep has no end", self.place(start))
            name = (self.take(NAME) if not self.begins_text() else text_of(self.text_at())) or ""
            self.blanks(lines=False)
            if name == "resource" and kind and not self.text.startswith(":", self.at):
                self.resource(at, kind)
            elif name and self.take(":"):
                entries[name] = self.value()
            else:
                odd = self.skipped(at)
                faults.append(Odd(f"{shown(odd.written)} is left out: no setting is read here", odd.place))
                if self.at == at:
                    self.at += 1
            self.blanks(lines=False)
            self.take(",")

    def primary(self) -> Tree:
        start = self.at
        if self.begins_text():
            return self.text_at()
        if self.take("{"):
            return self.members()
        if self.take("["):
            return self.items(start)
        if number := self.take(NUMBER):
            return self.leaf(number, start)
        name = self.take(NAME)
        if name in ("true", "false", "null"):
            return self.leaf(None if name == "null" else name, start)
        return self.skipped(start)

    def items(self, start: int) -> Tree:
        found: list[Tree] = []
        while True:
            self.blanks()
            if self.take("]"):
                return Items(tuple(found), self.place(start))
            at = self.at
            if re.compile(r"for\b").match(self.text, at) or self.at >= len(self.text):
                return self.skipped(start)
            found.append(self.value())
            self.blanks(lines=False)
            if self.at == at or not (self.take(",") or self.text[self.at : self.at + 1] in ("\n", "]")):
                return self.skipped(start)

    def text_at(self) -> Tree:
        start = self.at
        if self.take("'''"):
            end = self.text.find("'''", self.at)
            if end < 0:
                raise Misread("this text of Bicep has no end", self.place(start))
            end += len(re.compile(r"'{3,}").match(self.text, end)[0]) - 3  # type: ignore[index]
            written, self.at = self.text[self.at : end], end + 3
            broken = written.startswith("\n")
            return self.block(_escaped(written[broken:]), start, self.place(start)[0] - (not broken))
        self.at += 1
        parts: list[str] = []
        inserts = False
        while not self.take("'"):
            if part := self.take(_CHARACTERS):
                parts.append(part)
            elif escape := _UNICODE.match(self.text, self.at):
                self.at = escape.end()
                parts.append(chr(min(int(escape[1], 16), 0x10FFFF)))
            elif self.take("\\"):
                parts.append(_ESCAPES.get(self.text[self.at : self.at + 1], "\\"))
                self.at += 1
            elif self.text.startswith("${", self.at):
                inserts = True
                self.at += 2
                parts.append("${" + self.closed("{}"))
            elif self.text[self.at : self.at + 1] in ("", "\n"):
                raise Misread("this text of Bicep has no end", self.place(start))
            else:
                parts.append(self.text[self.at])
                self.at += 1
        raw, place = self.text[start + 1 : self.at - 1], self.place(start)
        if inserts:
            return Odd(f"only a deployment knows '{shown(raw)}'", place, self.text[start : self.at])
        made = _escaped("".join(parts))
        return Leaf(made, place, lambda query: json_text.text_map(query, raw.replace("\\'", "''"), place))


def _escaped(text: str) -> str:
    """A text as a template holds it, where a bracket begins an expression."""
    return f"[{text}" if text.startswith("[") and text.endswith("]") else text


class _Values(Names):
    def filled(self, tree: Tree, depth: int = 0) -> Tree:
        """A tree with the values of the names in it."""
        match tree:
            case Items(items, place):
                return Items(tuple(self.filled(item, depth) for item in items), place)
            case Fields(entries, place, faults):
                return Fields({name: self.filled(value, depth) for name, value in entries.items()}, place, faults)
            case Odd(_, place, written) if depth < MAX_REFERENCES:
                if (found := self.value(written, depth)) is not None:
                    return Leaf(found.text, place, lambda query: TextMap(((0, *place),))) if isinstance(found, Leaf) else found
                if written.startswith("'"):
                    return self._inserted(tree, depth)
        return tree

    def _inserted(self, tree: Odd, depth: int) -> Tree:
        """A text with the values that it inserts; the same where it inserts something else."""
        missing = False

        def value(found: re.Match[str]) -> str:
            nonlocal missing
            if found[1] is not None:
                return chr(min(int(found[1], 16), 0x10FFFF))
            if found[2] is not None:
                return _ESCAPES.get(found[2], "\\" + found[2])
            text = text_of(self.value(found[3], depth)) if found[3] else None
            missing = missing or text is None
            return text or ""

        made = re.sub(r"\\u\{([0-9a-fA-F]{1,6})\}|\\(.)|\$\{\s*(?:(\w+)\s*\})?", value, tree.written[1:-1])
        if missing or len(made) > MAX_TEXT:
            return tree
        place = tree.place
        return Leaf(_escaped(made), place, lambda query: TextMap(((0, *place),)))
