"""Regular expressions of PCRE as Python runs them (Search Manual, "SPL and regular expressions": PCRE).

What differs between both and is not written here is refused; so is a text beyond ASCII where it matters whether ``\\w``, ``\\d``,
``\\s``, ``\\b`` know letters of other alphabets, which depends on how PCRE was built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from translator.verify.reading import NotReadable, of_category

_POSIX = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s", "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9a-fA-F", "word": r"\w", "cntrl": r"\x00-\x1f\x7f", "print": r"\x20-\x7e",
    "graph": r"\x21-\x7e",
}  # fmt: skip

_PIECE = re.compile(
    r"(?P<quote>\\Q(?P<literal>.*?)(?:\\E|\Z))|(?P<escape>\\(?:x\{[0-9A-Fa-f]+\}|[gk](?:\{[^}]*\}|<[^>]*>|'[^']*')|[pP](?:\{[^}]*\}|\w)|.))"
    r"|(?P<posix>\[:\^?\w+:\])|(?P<comment>\(\?#[^)]*\))|(?P<name>\(\?P?<(?![=!])(?P<inner>\w*)>|\(\?'(?P<other>\w*)')"
    r"|(?P<flags>\(\?[a-zA-Z-]+[:)])|(?P<special>\(\?(?:[|R&+]|-?\d|P>|\()|\{,\d+\})|(?P<verb>\(\*)|(?P<char>.)",
    re.DOTALL,
)


class Pattern:
    """A regular expression.

    Attributes:
        groups: the names of its groups with their numbers.
        source: how it was written.

    Raises:
        NotReadable: for what Python would not run as PCRE does.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        spelled = _python(source)
        try:
            self._unicode = re.compile(spelled)
            self._ascii = re.compile(spelled, re.ASCII)
        except (re.error, OverflowError, RecursionError) as error:
            raise NotReadable(f"the regular expression {source!r}: {error}") from None
        self.groups = dict(self._unicode.groupindex)

    def found(self, subject: str) -> bool:
        """Whether a text has a match."""
        if subject.isascii():
            return self._ascii.search(subject) is not None
        found = self._unicode.search(subject) is not None
        if found != (self._ascii.search(subject) is not None):
            raise self._refused()
        return found

    def matches(self, subject: str) -> Iterator[re.Match[str]]:
        """All matches in a text, one after the other."""
        if subject.isascii():
            return self._ascii.finditer(subject)
        found, other = list(self._unicode.finditer(subject)), [m.span() for m in self._ascii.finditer(subject)]
        if [m.span() for m in found] != other:
            raise self._refused()
        return iter(found)

    def _refused(self) -> NotReadable:
        return NotReadable(f"the regular expression {self.source!r} on characters beyond ASCII")

    def replaced(self, subject: str, replacement: str, count: int = 0) -> str:
        """A text with its matches replaced; ``\\1`` stands for the first group (Search Reference, "replace")."""
        done, at = [], 0
        for number, match in enumerate(self.matches(subject)):
            if count and number >= count:
                break
            done += [subject[at : match.start()], filled(replacement, match)]
            at = match.end()
        return "".join([*done, subject[at:]])


def filled(replacement: str, match: re.Match[str]) -> str:
    """A replacement with what its groups matched.

    Raises:
        NotReadable: for a group that the regular expression does not have.
    """

    def group(found: re.Match[str]) -> str:
        number = int(found[1])
        if number > (match.re.groups or 0):
            raise NotReadable(f"\\{number} in a replacement")
        return match[number] or ""

    return re.sub(r"\\(\d)", group, replacement)


@lru_cache(4096)
def pattern(source: str) -> Pattern:
    """A regular expression; the same one for the same text."""
    return Pattern(source)


def _python(source: str) -> str:
    """A pattern of PCRE for Python."""
    done: list[str] = []
    groups: list[str] = [""]  # of each group that is open: the flags that were set inside of it
    in_class = -1  # where the class that is open begins
    for piece in _PIECE.finditer(source):
        found = piece[0]
        if in_class >= 0:
            first = piece.start() == in_class + 1 + (source[in_class + 1 : in_class + 2] == "^")
            if found == "]" and not first:
                in_class = -1
                done.append("]")
            else:
                done.append(_member(piece, source))
        elif piece["literal"] is not None:
            done.append(re.escape(piece["literal"]))
        elif piece["escape"]:
            done.append(_escape(found, source))
        elif piece["comment"]:
            continue
        elif piece["special"] or piece["verb"]:
            raise NotReadable(f"{found} in the regular expression {source!r}")
        elif piece["name"]:
            groups.append("")
            done.append(f"(?P<{piece['inner'] or piece['other'] or ''}>")
        elif piece["flags"]:
            if set(found[2:-1]) - set("imsx-"):
                raise NotReadable(f"{found} in the regular expression {source!r}")
            if found.endswith(":"):
                groups.append("")
                done.append(found)
            elif not done and "-" not in found:
                done.append(found)
            else:  # of the rest of the group, its other alternatives among it
                groups[-1] += found[:-1] + ":"
                done.append(found[:-1] + ":")
        elif found == "[":
            in_class = piece.start()
            done.append("[")
        elif found == "(":
            groups.append("")
            done.append("(")
        elif found in ")|":
            closing = ")" * groups[-1].count(":")
            done.append(closing + (")" if found == ")" else "|" + groups[-1]))
            if found == ")" and len(groups) > 1:
                groups.pop()
        else:
            done.append(found)
    return "".join(done) + ")" * groups[-1].count(":")


def _member(piece: re.Match[str], source: str) -> str:
    """A piece of a class."""
    found = piece[0]
    if piece["posix"]:
        if (members := _POSIX.get(found[2:-2])) is None:
            raise NotReadable(f"{found} in the regular expression {source!r}")
        return members
    if piece["literal"] is not None:
        return re.escape(piece["literal"])
    if piece["escape"]:
        special = {"\\h": r" \t", "\\v": r"\n\x0b\f\r", "\\b": r"\x08", "\\e": r"\x1b"}
        if found in special:
            return special[found]
        if found[1] in "ABGKZzRXN":
            raise NotReadable(f"{found} in the regular expression {source!r}")
        if found[1] in "pP":
            members, negated = _property(found, source)
            if negated:
                raise NotReadable(f"{found} in a class of the regular expression {source!r}")
            return members
        return _escape(found, source)
    return "".join("\\" + c if c in "[]&~|" else c for c in found)


_ESCAPES = {
    "h": r"[ \t]", "H": r"[^ \t]", "R": r"(?:\r\n|\n|\r|\x0b|\f|\x85)", "v": r"[\n\x0b\f\r]", "N": r"[^\n]", "z": r"\Z", "Z": r"(?=\n?\Z)",
    "e": r"\x1b",
}  # fmt: skip


def _property(found: str, source: str) -> tuple[str, bool]:
    r"""The members of ``\p{..}``, and whether it is all but these; letters of one case differ by PCRE's version."""
    name = found[3:-1] if found[2] == "{" else found[2:]
    members = "" if name in ("Lu", "Ll", "Lt") or not name.isalpha() else of_category(name)
    if not members:
        raise NotReadable(f"{found} in the regular expression {source!r}")
    return members, found[1] == "P"


def _escape(found: str, source: str) -> str:
    letter = found[1]
    if letter in "pP":
        members, negated = _property(found, source)
        return f"[{'^' if negated else ''}{members}]"
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if found.startswith("\\x{"):
        return re.escape(chr(int(found[3:-1], 16)))
    if letter == "k":
        return f"(?P={found[3:-1]})"
    if not (letter.isalnum() or letter == "_"):
        return found if letter.isascii() else letter
    if letter in "dDwWsSbBAnrtfax0123456789":
        return found
    raise NotReadable(f"{found} in the regular expression {source!r}")
