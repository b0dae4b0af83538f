"""KQL in a uniform layout, comments kept.

A statement, and an operator of its outermost pipeline, starts a line. What has a comment inside keeps its own layout, so that no
comment can move to something it does not speak of.
"""

from __future__ import annotations

import re

from translator.kql import syntax as s
from translator.kql.parser import parse, scan
from translator.kql.printer import to_kql

_DIRECTIVES = re.compile(r"(?:(?:[\s\u180e\u200b\ufeff]|//[^\n]*)*#[^\n]*)*")
"""The lines that start with ``#`` before the first statement, and the comments among them."""


def format_kql(text: str) -> str:
    """``text`` in the uniform layout; formatting it again changes nothing.

    Raises:
        KqlSyntaxError: where the text is no KQL.
    """
    tree = parse(text)
    return _Formatter(text).query(tree)


class _Formatter:
    def __init__(self, text: str) -> None:
        self.text = text
        found = _DIRECTIVES.match(text)
        self.start = found.end() if found else 0
        self.comments = [(a + self.start, b + self.start) for kind, a, b in scan(text[self.start :]) if kind == "comment"]
        self.out: list[str] = []

    def query(self, tree: s.Query) -> str:
        position = self.start
        for number, statement in enumerate(tree.statements):
            start, end = statement.span
            self.between(position, start, number > 0)
            self.statement(statement)
            last = number == len(tree.statements) - 1
            if not last or ";" in self.bare(end, len(self.text)):
                self.out[-1] += ";"
            position = end
        self.between(position, len(self.text), bool(tree.statements))
        directives = [line.strip() for line in self.text[: self.start].split("\n") if line.strip()]
        return "\n".join([*directives, *self.out]) + "\n"

    def bare(self, start: int, end: int) -> str:
        """The text between two offsets without its comments."""
        pieces, position = [], start
        for a, b in self.inside(start, end):
            pieces.append(self.text[position:a])
            position = b
        return "".join([*pieces, self.text[position:end]])

    def inside(self, start: int, end: int) -> list[tuple[int, int]]:
        return [(a, b) for a, b in self.comments if start <= a < end]

    def between(self, start: int, end: int, trailing: bool, indent: str = "") -> None:
        """The comments between two pieces: on the line of the one before where they stood there, else on lines of their own."""
        for a, b in self.inside(start, end):
            comment = self.text[a:b].rstrip()
            if trailing and self.out and "\n" not in self.text[start:a]:
                self.out[-1] += f" {comment}"
            else:
                if "\n\n" in self.text[start:a].replace(" ", "") and self.out and self.out[-1]:
                    self.out.append("")
                self.out.append(indent + comment)
            start = b
        if trailing and "\n\n" in self.text[start:end].replace(" ", "").replace("\r", "") and self.out[-1] and end < len(self.text):
            self.out.append("")

    def piece(self, node: s.Node) -> str:
        start, end = node.span
        if self.inside(start, end):
            return self.text[start:end]
        return to_kql(node, lines=True)

    def statement(self, node: s.Node) -> None:
        value = node.value if isinstance(node, s.Let) else node.expression if isinstance(node, s.ExpressionStatement) else None
        if not isinstance(value, s.Pipeline) or value.source is None or self.inside(node.span[0], value.source.span[0]):
            self.out.append(self.piece(node))
            return
        head = f"let {to_kql(node.name)} = " if isinstance(node, s.Let) else ""
        self.out.append(head + self.piece(value.source))
        position = value.source.span[1]
        for operator in value.operators:
            self.between(position, operator.span[0], True)
            if self.out[-1] == "":
                self.out.pop()
            self.out.append("| " + self.piece(operator))
            position = operator.span[1]
