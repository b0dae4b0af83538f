"""Regular expressions of RE2 and PCRE as Lucene's, which match the whole of a value.

Source: elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax: no anchors, no lazy operators, no classes like ``\\d``;
``.`` is any character.
"""

from __future__ import annotations

import re
import re._parser as reader  # type: ignore[import-not-found]  # the parser of re has no public name
from typing import Any

MAX_REPEATS = 1000
"""Lucene's automata grow with bounded repeats."""

_CLASSES = {
    "CATEGORY_DIGIT": "0-9", "CATEGORY_WORD": "A-Za-z0-9_", "CATEGORY_SPACE": " \t\n\r\f",
}  # fmt: skip


class NotLucene(ValueError):
    """Part of the regular expression has no equal in Lucene."""


def escape(value: str) -> str:
    """``value`` as a Lucene regular expression that matches itself."""
    return "".join("\\" + c if c in '.?+*|{}[]()"\\#@&<>~^$-' else c for c in value)


def translate(regex: str, caseless: bool = False, lowered: bool = False) -> str:
    """A regular expression to search for, as one of Lucene over the whole value.

    Args:
        caseless: whether ``regex`` is read without case.
        lowered: whether the value is in lower case already, so that the pattern must be.

    Raises:
        NotLucene: for look-arounds, references, anchors within, and what no automaton tells.
    """
    try:
        tree = reader.parse(regex, re.IGNORECASE if caseless else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise NotLucene(str(error)) from error
    flags = tree.state.flags
    if flags & (re.MULTILINE | re.VERBOSE) or (flags & re.IGNORECASE and not caseless):
        raise NotLucene("a flag")
    writer = _Writer(bool(flags & re.DOTALL), lowered and bool(flags & re.IGNORECASE))
    return writer.whole(list(tree))


class _Writer:
    def __init__(self, dotall: bool, lowered: bool) -> None:
        self.dotall, self.lowered = dotall, lowered

    def whole(self, items: list[Any]) -> str:
        """Items as a pattern of whole values: whatever may stand before and after what is searched for."""
        if not items:
            return ".*"
        if len(items) == 1 and len(branches := self.branches(items[0])) > 1:
            return "|".join(self.whole(b) for b in branches)
        before, items = self.edge(items, "AT_BEGINNING", first=True)
        after, items = self.edge(items, "AT_END", first=False)
        return before + self.sequence(items) + after

    def edge(self, items: list[Any], anchor: str, first: bool) -> tuple[str, list[Any]]:
        """What stands before (or behind) a pattern, and the items that are left: ``(^|x)`` is that something ends with x, or nothing."""
        if not self.anchored(items, anchor, first):
            return ".*", items
        item, rest = (items[0], items[1:]) if first else (items[-1], items[:-1])
        texts = []
        for branch in self.branches(item):
            beyond, inner = self.edge(branch, anchor, first)
            texts.append(beyond + self.sequence(inner) if first else self.sequence(inner) + beyond)
        others = [t for t in texts if t]
        if not others:
            return "", rest
        return f"({'|'.join(others)})" + ("?" if len(others) < len(texts) else ""), rest

    def anchored(self, items: list[Any], anchor: str, first: bool) -> bool:
        """Whether items begin (or end) with an anchor, or with a group of which an alternative does."""
        if not items:
            return False
        operator, value = item = items[0 if first else -1]
        if str(operator) == "AT":
            return self.is_anchor(value, anchor)
        return any(self.anchored(b, anchor, first) for b in self.branches(item))

    def branches(self, item: Any) -> list[list[Any]]:
        """The alternatives of a group that changes no flag; none of what is no group."""
        operator, value = item
        if str(operator) == "BRANCH":
            return [list(b) for b in value[1]]
        if str(operator) == "SUBPATTERN" and not value[1] and not value[2]:
            inner = list(value[3])
            return self.branches(inner[0]) or [inner] if len(inner) == 1 else [inner]
        return []

    def is_anchor(self, value: Any, anchor: str) -> bool:
        name = str(value)
        return name == anchor or (anchor == "AT_BEGINNING" and name == "AT_BEGINNING_STRING") or (
            anchor == "AT_END" and name == "AT_END_STRING"
        )  # fmt: skip

    def sequence(self, items: list[Any]) -> str:
        return "".join(self.item(str(operator), value) for operator, value in items)

    def item(self, operator: str, value: Any) -> str:
        match operator:
            case "LITERAL":
                return escape(self.character(value))
            case "NOT_LITERAL":
                return f"[^{self.member(value, value)}]"
            case "ANY":
                return "." if self.dotall else "[^\n]"
            case "IN":
                return self.characters(value)
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self.repeat(*value)
            case "BRANCH":
                return "(" + "|".join(self.sequence(list(b)) for b in value[1]) + ")"
            case "SUBPATTERN":
                _, added, removed, inner = value
                if added or removed:
                    raise NotLucene("a flag within")
                return f"({self.sequence(list(inner))})"
            case _:
                raise NotLucene(operator.lower().replace("_", " "))

    def repeat(self, low: int, high: Any, inner: Any) -> str:
        items = list(inner)
        text = self.sequence(items)
        single = len(items) == 1 and str(items[0][0]) in ("LITERAL", "NOT_LITERAL", "ANY", "IN", "SUBPATTERN", "BRANCH")
        text = text if single else f"({text})"
        unbounded = str(high) == "MAXREPEAT"
        if low > MAX_REPEATS or (not unbounded and int(high) > MAX_REPEATS):
            raise NotLucene(f"more than {MAX_REPEATS} repeats")
        if unbounded and low in (0, 1):
            return text + ("*" if low == 0 else "+")
        if not unbounded and (low, int(high)) == (0, 1):
            return text + "?"
        return text + (f"{{{low},}}" if unbounded else f"{{{low}}}" if low == int(high) else f"{{{low},{int(high)}}}")

    def characters(self, parts: list[Any]) -> str:
        negated, out = False, []
        for operator, value in parts:
            match str(operator):
                case "NEGATE":
                    negated = True
                case "LITERAL":
                    out.append(self.member(value, value))
                case "RANGE":
                    out.append(self.member(*value))
                case "CATEGORY" if (found := _CLASSES.get(str(value))) is not None:
                    out.append(found.replace("A-Z", "") if self.lowered else found)
                case "CATEGORY" if len(parts) == 1 and (found := _CLASSES.get(str(value).replace("NOT_", ""))) is not None:
                    return f"[^{found.replace('A-Z', '') if self.lowered else found}]"
                case name:
                    raise NotLucene(f"{name.lower()} within a class")
        return f"[{'^' if negated else ''}{''.join(dict.fromkeys(out))}]"

    def character(self, code: int) -> str:
        return chr(code).lower() if self.lowered else chr(code)

    def member(self, low: int, high: int) -> str:
        """A range of characters within a class; letters as lower-case ones where the value is in lower case."""
        if self.lowered and low <= ord("Z") and high >= ord("A"):
            capitals = (max(low, ord("A")) + 32, min(high, ord("Z")) + 32)
            rest = [(low, ord("A") - 1)] if low < ord("A") else []
            rest += [(ord("Z") + 1, high)] if high > ord("Z") else []
            return "".join(self.span(*r) for r in (*rest, capitals))
        return self.span(low, high)

    def span(self, low: int, high: int) -> str:
        first, last = (f"\\{chr(c)}" if chr(c) in '\\]^-["&~#@<>' else chr(c) for c in (low, high))
        return first if low == high else f"{first}-{last}"
