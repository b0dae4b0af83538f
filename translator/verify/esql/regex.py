"""Patterns of other languages as regular expressions of ``re``.

Facts: "LIKE and RLIKE" of "ES|QL operators" (the whole value is matched; ``*`` and ``?`` are wildcards of LIKE, a backslash takes their
meaning); "Regular expression syntax" (elastic.co/docs/reference/query-languages/query-dsl/regexp-syntax: ``.`` is any character, ``# @ & <
> ~`` and quotes are operators, ``^`` and ``$`` are none); RegExp.java of Lucene (escapes
and classes; an operator behind nothing is a character); java.util.regex.Pattern and Matcher
(REPLACE).
"""

from __future__ import annotations

import re
from functools import cache

from translator.verify.esql.types import Rejected
from translator.verify.reading import NotReadable, of_category

_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r"}
"""The classes of Lucene by their letters (RegExp.java, expandPreDefined)."""


@cache
def wildcards(pattern: str) -> re.Pattern[str]:
    """A pattern of LIKE. Raises Rejected where a backslash takes the meaning from nothing."""
    regex, position = "", 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            position += 1
            if position == len(pattern) or pattern[position] not in "*?\\":
                raise Rejected(f"an escape in the pattern {pattern}")
            regex += re.escape(pattern[position])
        else:
            regex += {"*": ".*", "?": "."}.get(char, re.escape(char))
        position += 1
    return re.compile(regex, re.DOTALL)


class _Lucene:
    """A recursive walk over a pattern, as RegExp.java reads it."""

    def __init__(self, pattern: str) -> None:
        self.pattern, self.position = pattern, 0

    def refused(self, what: str) -> NotReadable:
        return NotReadable(f"{what} in the regular expression {self.pattern}")

    def more(self, chars: str) -> bool:
        return self.position < len(self.pattern) and self.pattern[self.position] in chars

    def take(self) -> str:
        if self.position >= len(self.pattern):
            raise self.refused("an end too early")
        self.position += 1
        return self.pattern[self.position - 1]

    def whole(self) -> str:
        if not self.pattern:
            return ""
        found = self.either()
        if self.position < len(self.pattern):
            raise self.refused(f"{self.pattern[self.position]!r} at {self.position}")
        return found

    def either(self) -> str:
        found = self.sequence()
        while self.more("|"):
            self.take()
            found += "|" + self.sequence()
        return found

    def sequence(self) -> str:
        found = self.repeated()
        while self.position < len(self.pattern) and not self.more(")|"):
            if self.more("&"):
                raise self.refused("the operator &")
            found += self.repeated()
        return found

    def repeated(self) -> str:
        found = self.atom()
        while self.more("?*+{"):
            operator = self.take()
            if operator == "{":
                end = self.pattern.find("}", self.position)
                bounds = self.pattern[self.position : end]
                if end < 0 or not re.fullmatch(r"\d+(,\d*)?", bounds):
                    raise self.refused("a repetition")
                self.position, operator = end + 1, "{" + bounds + "}"
            found = f"(?:{found}){operator}"
        return found

    def atom(self) -> str:
        char = self.take()
        match char:
            case ".":
                return "[\\s\\S]"
            case "@":
                return "(?:[\\s\\S]*)"
            case "(":
                if self.more(")"):
                    self.take()
                    return "(?:)"
                found = self.either()
                if self.take() != ")":
                    raise self.refused("a group that does not end")
                return f"(?:{found})"
            case "[":
                return self.char_class()
            case '"':
                end = self.pattern.find('"', self.position)
                if end < 0:
                    raise self.refused("a quote that does not end")
                quoted = self.pattern[self.position : end]
                self.position = end + 1
                return f"(?:{re.escape(quoted)})"
            case "#" | "<" | "~":
                raise self.refused(f"the operator {char}")
            case "\\":
                return self.escaped(False)
            case "{" | ")":
                raise self.refused(f"{char!r} behind nothing")
        return re.escape(char)

    def escaped(self, inside: bool) -> str:
        char = self.take()
        if char.lower() in _CLASSES:
            members = _CLASSES[char.lower()]
            if char.islower():
                return members if inside else f"[{members}]"
            if inside:
                raise self.refused(f"\\{char} in a class")
            return f"[^{members}]"
        return re.escape(char)

    def char_class(self) -> str:
        negated = self.more("^")
        if negated:
            self.take()
        members = ""
        while True:
            char = self.take()
            if char == "\\":
                first = self.escaped(True)
                if len(first) > 2:
                    members += first
                    if self.more("]"):
                        break
                    continue
            else:
                first = re.escape(char)
            if self.more("-") and self.pattern[self.position + 1 : self.position + 2] not in ("]", ""):
                self.take()
                last = self.take()
                last = self.escaped(True) if last == "\\" else re.escape(last)
                members += f"{first}-{last}"
            else:
                members += first
            if self.more("]"):
                break
        self.take()
        return f"[{'^' if negated else ''}{members}]"


@cache
def lucene(pattern: str) -> re.Pattern[str]:
    """A pattern of RLIKE, for whole values. Raises NotReadable for operators that are not known here, and for what is no pattern."""
    try:
        return re.compile(_Lucene(pattern).whole())
    except (re.error, OverflowError):
        raise NotReadable(f"the regular expression {pattern}") from None


_JAVA = {
    r"\z": r"\Z", r"\h": r"[ \t]", r"\R": r"(?:\r\n|[\n\r\x0b\x0c])", r"\p{Alpha}": "[A-Za-z]", r"\p{Digit}": "[0-9]",
    r"\p{Alnum}": "[A-Za-z0-9]", r"\p{Upper}": "[A-Z]", r"\p{Lower}": "[a-z]", r"\p{Space}": r"[ \t\n\x0b\f\r]",
    r"\p{Punct}": r"[!-/:-@\[-`{-~]",
}  # fmt: skip

_CATEGORIES = {rf"\p{{{name}}}": name for name in ("L", "M", "Nd", "Nl", "Pc")}

_NOT_OF = tuple(name.replace(r"\p", r"\P") for name in _CATEGORIES)

_CODE = re.compile(r"\\x\{([0-9A-Fa-f]+)\}")


_FLAGS = re.compile(r"\(\?([dimsuxU]*)(-[dimsux]+)?([:)])")
"""Flags for what follows, or for a group: lines that end by line feeds alone (``d``), cases of all letters (``u``)."""


def _of_java(piece: str) -> str:
    """What a piece of a pattern is in Python's words."""
    if (code := _CODE.fullmatch(piece)) is not None:
        return f"\\U{int(code[1], 16):08x}"
    if piece.startswith(r"\P"):
        return f"[^{of_category(_CATEGORIES[piece.lower()[:2] + piece[2:]])}]"
    return _JAVA[piece] if piece in _JAVA else f"[{of_category(_CATEGORIES[piece])}]"


@cache
def java(pattern: str) -> re.Pattern[str]:
    """A pattern of java.util.regex. Raises NotReadable for constructs that Python has not."""
    if re.search(
        r"&&|\[[^\]]*\[|\\[QEGXpPNZ](?!\{(Alpha|Digit|Alnum|Upper|Lower|Space|Punct|L|M|Nd|Nl|Pc)\})",
        re.sub(r"\\\\|\\\[|\\\]", "", pattern),
    ):
        raise NotReadable(f"a construct of Java in the regular expression {pattern}")
    made, inside, position, flags = "", False, 0, ""
    while position < len(pattern):
        piece = next((p for p in (*_JAVA, *_CATEGORIES, *_NOT_OF) if pattern.startswith(p, position)), None)
        if piece is None and (code := _CODE.match(pattern, position)) is not None:
            piece = code[0]
        if piece in _NOT_OF and inside:
            raise NotReadable(f"a category that is left out of a class in {pattern}")
        if piece:
            found = _of_java(piece)
            made += found[1:-1] if inside and found.startswith("[") else found
            position += len(piece)
            continue
        if not inside and (given := _FLAGS.match(pattern, position)) is not None:
            flags += given[1]
            own = re.sub("[du]", "", given[1])
            made += f"(?{own}{given[2] or ''}{given[3]}" if own or given[2] or given[3] == ":" else ""
            position = given.end()
            continue
        if pattern[position] == "\\":
            made += pattern[position : position + 2]
            position += 2
            continue
        if pattern.startswith("(?<", position) and pattern[position + 3 : position + 4] not in ("=", "!"):
            made += "(?P<"
            position += 3
            continue
        inside = pattern[position] == "[" or (inside and pattern[position] != "]")
        made += pattern[position]
        position += 1
    if "U" in flags or ("m" in flags and "d" not in flags) or ("u" in flags and re.search(r"\\[bBdDsSwW]", made)):
        raise NotReadable(f"the flags of the regular expression {pattern}")
    try:
        return re.compile(made, 0 if "u" in flags else re.ASCII)
    except (re.error, OverflowError):
        raise NotReadable(f"the regular expression {pattern}") from None


def replacement(text: str, found: re.Match[str]) -> str:
    """What stands for a match: ``$1`` or ``${name}`` for a group, a backslash before a character for that (Matcher.appendReplacement)."""

    def group(piece: re.Match[str]) -> str:
        if piece[1] is not None:
            return piece[1]
        try:
            return found[int(piece[3])] or "" if piece[3] else found[piece[2]] or ""
        except IndexError:
            raise NotReadable(f"a group that the replacement {text} names") from None

    return re.sub(r"\\(.)|\$(?:\{(\w+)\}|(\d))", group, text, flags=re.DOTALL)
