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
    """A recursive walk over a pattern, as RegExp.java reads it: without case letters of ASCII are both, and classes what they say."""

    def __init__(self, pattern: str, caseless: bool = False) -> None:
        self.pattern, self.position, self.caseless = pattern, 0, caseless

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
                return f"(?:{''.join(map(self.literal, quoted))})"
            case "#" | "<" | "~":
                raise self.refused(f"the operator {char}")
            case "\\":
                return self.escaped(False)
            case "{" | ")":
                raise self.refused(f"{char!r} behind nothing")
        return self.literal(char)

    def literal(self, char: str) -> str:
        return f"[{char.lower()}{char.upper()}]" if self.caseless and char.isascii() and char.isalpha() else re.escape(char)

    def escaped(self, inside: bool) -> str:
        char = self.take()
        if char.lower() in _CLASSES:
            members = _CLASSES[char.lower()]
            if char.islower():
                return members if inside else f"[{members}]"
            if inside:
                raise self.refused(f"\\{char} in a class")
            return f"[^{members}]"
        return re.escape(char) if inside else self.literal(char)

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
def lucene(pattern: str, caseless: bool = False) -> re.Pattern[str]:
    """A pattern of RLIKE, for whole values. Raises NotReadable for operators that are not known here, and for what is no pattern."""
    try:
        return re.compile(_Lucene(pattern, caseless).whole())
    except (re.error, OverflowError):
        raise NotReadable(f"the regular expression {pattern}") from None


_LINE_ENDS = r"\n\r\x85\u2028\u2029"

_JAVA = {
    r"\z": r"\Z", r"\h": r"[ \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]", r"\v": rf"[{_LINE_ENDS}\x0b\x0c]",
    r"\R": rf"(?:\r\n|[{_LINE_ENDS}\x0b\x0c])", r"\p{Alpha}": "[A-Za-z]", r"\p{Digit}": "[0-9]",
    r"\p{Alnum}": "[A-Za-z0-9]", r"\p{Upper}": "[A-Z]", r"\p{Lower}": "[a-z]", r"\p{Space}": r"[ \t\n\x0b\f\r]",
    r"\p{Punct}": r"[!-/:-@\[-`{-~]", r"\d": "[0-9]", r"\D": "[^0-9]", r"\w": "[A-Za-z0-9_]", r"\W": "[^A-Za-z0-9_]",
    r"\s": r"[ \t\n\x0b\f\r]", r"\S": r"[^ \t\n\x0b\f\r]", r"[\s\S]": "(?s:.)",
}  # fmt: skip

_CATEGORIES = {rf"\p{{{name}}}": name for name in ("L", "M", "Nd", "Nl", "Pc")}

_NOT_OF = tuple(name.replace(r"\p", r"\P") for name in _CATEGORIES)

_OF_UNICODE = {
    r"\d": ("Nd",), r"\w": ("L", "M", "Nd", "Nl", "Pc"), r"\s": (),
}  # fmt: skip
_BESIDE = {
    r"\w": r"\u200c\u200d\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189",
    r"\s": r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
"""What the classes are with the flag ``U``: categories, and characters beside these (Pattern, Unicode support: those of annex C of the
standard UTS 18; Join_Control, Other_Alphabetic and White_Space of PropList.txt)."""

_CODE = re.compile(r"\\x\{([0-9A-Fa-f]+)\}")


_FLAGS = re.compile(r"\(\?([dimsuxU]*)(-[dimsux]+)?([:)])")
"""Flags for what follows, or for a group: lines that end by line feeds alone (``d``), cases of all letters (``u``), these and the
classes of Unicode (``U``)."""

_OPENING = re.compile(r"\((?!\?)|\(\?(?:[:=!>]|<[=!]|<[A-Za-z][A-Za-z0-9]*>)")
"""How groups begin (Pattern, Groups and capturing)."""

_REPEATED = re.compile(r"\{\d+(?:,\d*)?\}")


_QUOTED = re.compile(r"\\\\|\\Q(.*?)(?:\\E|\Z)", re.DOTALL)
"""A backslash that stands for itself, or a text between the marks of a quote."""


def _of_java(piece: str, unicode: bool = False) -> str:
    """What a piece of a pattern is in Python's words; its classes of Unicode where ``unicode``."""
    if unicode and (letter := piece.lower()) in _OF_UNICODE:
        return f"[{'^' if piece != letter else ''}{''.join(map(of_category, _OF_UNICODE[letter]))}{_BESIDE.get(letter, '')}]"
    if (code := _CODE.fullmatch(piece)) is not None:
        return f"\\U{int(code[1], 16):08x}"
    if piece.startswith(r"\P"):
        return f"[^{of_category(_CATEGORIES[piece.lower()[:2] + piece[2:]])}]"
    return _JAVA[piece] if piece in _JAVA else f"[{of_category(_CATEGORIES[piece])}]"


_OF_LINES = {
    ".": {"": f"[^{_LINE_ENDS}]"}, "^": {"m": r"^(?!\Z)", "dm": r"^(?!\Z)"},
    "$": {"": rf"(?=(?:\r\n|(?<!\r)\n|[{_LINE_ENDS[2:]}])?\Z)"},
}  # fmt: skip
"""What depends on where lines end, by the flags in effect: the last end of a line does not begin one (Pattern, Line terminators)."""

_OF_GROK = {"^": r"(?:(?<![\s\S])|(?<=\n)(?!\Z))", "$": r"(?=\n|\Z)"}
"""Lines in patterns of GROK, which are those of Oniguruma for Ruby (doc/RE of Oniguruma, Anchors)."""


class _Java:
    """A walk over a pattern of java.util.regex, or of GROK, with the flags in effect."""

    def __init__(self, pattern: str, grok: bool) -> None:
        self.pattern, self.grok, self.position = pattern, grok, 0
        self.scopes: list[str] = [""]
        self.flags: set[str] = set()

    def refused(self, what: str) -> NotReadable:
        return NotReadable(f"{what} in the regular expression {self.pattern}")

    def rejected(self, what: str) -> Exception:
        return self.refused(what) if self.grok else Rejected(f"{what} in the regular expression {self.pattern}")

    def whole(self) -> str:
        made, inside = "", False
        while self.position < len(self.pattern):
            char = self.pattern[self.position]
            found = self.named(inside)
            if found is None and not inside:
                found = self.group(char) if char in "()" else self.single(char)
            if found is None:
                inside = char == "[" or (inside and char != "]")
                found = self.taken(2 if char == "\\" else 1)
            made += found
        return made

    def taken(self, count: int) -> str:
        self.position += count
        return self.pattern[self.position - count : self.position]

    def named(self, inside: bool) -> str | None:
        piece = next((p for p in (*_JAVA, *_CATEGORIES, *_NOT_OF) if self.pattern.startswith(p, self.position)), None)
        if piece is None and (code := _CODE.match(self.pattern, self.position)) is not None:
            piece = code[0]
        unicode = "U" in self.scopes[-1]
        if piece is None or (inside and _of_java(piece, unicode).startswith(("[^", "("))):
            if piece in _NOT_OF or (unicode and piece is not None):
                raise self.refused("a category that is left out of a class")
            return None
        found = _of_java(self.taken(len(piece)), unicode)
        return found[1:-1] if inside and found.startswith("[") else found

    def group(self, char: str) -> str:
        if char == ")":
            self.scopes = self.scopes[:-1] or [""]
            return self.taken(1)
        if (given := _FLAGS.match(self.pattern, self.position)) is not None:
            return self.flagged(given)
        opening = _OPENING.match(self.pattern, self.position)
        if opening is None and not self.grok:
            raise self.rejected("a group that begins as none does")
        self.scopes.append(self.scopes[-1])
        begun = self.taken(len(opening[0]) if opening else 1)
        return "(?P" + begun[2:] if re.match(r"\(\?<\w", begun) else begun

    def flagged(self, given: re.Match[str]) -> str:
        on, off, end = given[1], given[2] or "", given[3]
        if "x" in on or (self.grok and set(on) - {"i"}):
            raise self.refused("the flags")
        flags = "".join(sorted((set(self.scopes[-1]) | set(on)) - set(off)))
        self.flags |= {*on, *("u" if "U" in on else "")}
        self.scopes = [*self.scopes, flags] if end == ":" else [*self.scopes[:-1], flags]
        if "m" in flags and "d" not in flags:
            raise self.refused("the flags")
        self.position = given.end()
        own, without = (re.sub("[duU]", "", part) for part in (on, off))
        without = "" if without == "-" else without
        return f"(?{own}{without}{end}" if own or without or end == ":" else ""

    def single(self, char: str) -> str | None:
        if self.grok:
            return self.kept(_OF_GROK.get(char))
        if char == "{":
            found = _REPEATED.match(self.pattern, self.position)
            if found is None:
                raise self.rejected("a repetition that is none")
            return self.taken(len(found[0]))
        flags = "".join(f for f in self.scopes[-1] if f in {".": "ds", "^": "dm", "$": "dm"}.get(char, ""))
        return self.kept(_OF_LINES.get(char, {}).get(flags))

    def kept(self, found: str | None) -> str | None:
        self.position += found is not None
        return found


@cache
def java(pattern: str, grok: bool = False) -> re.Pattern[str]:
    """A pattern of java.util.regex, or one of GROK.

    Raises:
        NotReadable: for constructs that Python has not.
        Rejected: for what is no pattern in Java, though Python reads it.
    """
    pattern = _QUOTED.sub(lambda found: found[0] if found[1] is None else re.escape(found[1]), pattern)
    if re.search(
        r"&&|\[[^\]]*\[|\\[QEGXpPNZ](?!\{(Alpha|Digit|Alnum|Upper|Lower|Space|Punct|L|M|Nd|Nl|Pc)\})",
        re.sub(r"\\\\|\\\[|\\\]", "", pattern),
    ):
        raise NotReadable(f"a construct of Java in the regular expression {pattern}")
    walk = _Java(pattern, grok)
    made = walk.whole()
    if "u" in walk.flags and re.search(r"\\[bBDSW]", made):
        raise walk.refused("the flags")
    try:
        return re.compile(made, 0 if "u" in walk.flags else re.ASCII)
    except (re.error, OverflowError):
        raise walk.refused("a construct") from None


_REFERENCE = re.compile(r"\\(?P<plain>.)|\$(?:\{(?P<name>[A-Za-z][A-Za-z0-9]*)\}|(?P<number>\d+))|[\\$]", re.DOTALL)


def replacement(text: str, found: re.Match[str]) -> str:
    """What stands for a match: ``$1`` or ``${name}`` for a group, a backslash before a character for that (Matcher.appendReplacement).

    As many digits tell the group as there is a group of that number.

    Raises:
        ValueError: for a dollar sign, or a backslash, that stands for nothing.
        NotReadable: for a group that is none, with which the query ends.
    """
    groups = found.re.groups

    def group(piece: re.Match[str]) -> str:
        if piece["plain"] is not None:
            return piece["plain"]
        if piece["name"] is not None:
            if piece["name"] not in found.re.groupindex:
                raise ValueError(f"no group {piece['name']}")
            return found[piece["name"]] or ""
        digits = piece["number"]
        if digits is None:
            raise ValueError(f"{piece[0]} stands for nothing")
        length = max(n for n in range(1, len(digits) + 1) if n == 1 or int(digits[:n]) <= groups)
        if int(digits[:length]) > groups:
            raise NotReadable(f"a group that the replacement {text} names")
        return (found[int(digits[:length])] or "") + digits[length:]

    return _REFERENCE.sub(group, text)
