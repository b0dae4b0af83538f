"""Patterns for the engines of this project: Python, DuckDB, Spark."""

from __future__ import annotations

from translator.regex.classes import category, ranges_of, script
from translator.regex.syntax import (
    Alternation,
    Anchor,
    Class,
    Literal,
    Node,
    Perl,
    Property,
    Range,
)
from translator.regex.writers.base import Categories, Flat, Inexpressible, around_words, cased, is_of_words
from translator.regex.writers.portable import Portable


class Python(Flat):
    """Python's ``re`` with the classes that KQL has, for the functions of the engine."""

    special_in_class = "\\]^-[&~|"

    def perl(self, member: Perl) -> str | None:
        if member.letter == "d" and not member.ascii:
            return r"\D" if member.negated else r"\d"
        return None

    def any(self, newline: bool) -> str:
        return "." if newline == self.modes.s else "(?s:.)" if newline else r"[^\n]"

    def anchor(self, node: Anchor) -> str:
        if not is_of_words(node):
            return self.boundary(node.kind)
        return around_words(node.kind, self.of_ranges(ranges_of(Perl("w", False, node.ascii))))

    def end(self) -> str:
        return r"\Z"

    def named(self, name: str) -> str:
        """Names of groups may hold dots and brackets in KQL; who asks for one looks it up in the tree."""
        return "("

    def code(self, code: int) -> str:
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Re2(Categories):
    r"""RE2 as DuckDB has it, whose ``\d``, ``\s``, ``\w`` and ``\b`` are of ASCII characters."""

    def node(self, node: Node, caseless: bool) -> str:
        """RE2 itself loses the capital of the second alternative where it makes one class of ``a|[Aa]``."""
        match node:
            case Alternation(options) if any(map(_is_both_cases, options[1:])) and any(
                isinstance(o, Literal | Class) for o in options[:-1]
            ):
                raise Inexpressible("a letter in both cases beside other alternatives of one character")
        return super().node(node, caseless)

    def perl(self, member: Perl) -> str | None:
        match member:
            case Perl("s", negated, True):
                return "[:^space:]" if negated else "[:space:]"
            case Perl(letter, negated, True):
                return f"\\{letter.upper() if negated else letter}"
        return self.of_unicode(member)

    def nothing(self) -> str:
        return r"[^\x00-\x{10ffff}]"

    def everything(self) -> str:
        return "(?s:.)"

    def property(self, member: Property, caseless: bool) -> str | None:
        known = category(member.name) or script(member.name)
        if caseless or known in (None, "LC", "Cn"):
            return None
        return f"\\{'P' if member.negated else 'p'}{{{known}}}"

    def anchor(self, node: Anchor) -> str:
        if node.kind.startswith("word-") or (node.kind in ("word", "not-word") and not node.ascii):
            raise Inexpressible("a boundary of words of Unicode")
        return self.boundary(node.kind)


def _is_both_cases(node: Node) -> bool:
    match node:
        case Literal(_, ignored):
            return ignored
        case Class():
            found = ranges_of(node)
            return bool(found) and found == ranges_of(Range(found[0][0], found[0][0]), True) and cased(node)
    return False


class Java(Flat):
    """Java's patterns, as Spark has them: with the classes of Unicode and lines that only a line feed ends."""

    special_in_class = "\\]^-[&"

    def pattern(self, node: Node) -> str:
        modes, body = self.parts(node)
        return f"(?dU{modes}{'u' if modes.i else ''}){body}"

    def flagged(self, caseless: bool, body: str) -> str:
        return f"(?{'iu' if caseless else '-i'}:{body})"

    def perl(self, member: Perl) -> str | None:
        if member.ascii:
            return None if member.negated else self.ranges(ranges_of(member))
        return f"\\{member.letter.upper() if member.negated else member.letter}"

    def property(self, member: Property, caseless: bool) -> str | None:
        known = category(member.name)
        if known is None or known in ("LC", "Cn") or caseless:
            name = script(member.name)
            return None if name is None or caseless else f"\\{'P' if member.negated else 'p'}{{Is{name}}}"
        return f"\\{'P' if member.negated else 'p'}{{{known}}}"

    def anchor(self, node: Anchor) -> str:
        if node.ascii:
            raise Inexpressible("a boundary of ASCII words")
        return Portable.anchor(self, node)  # type: ignore[arg-type]

    def end(self) -> str:
        return r"\z"

    def named(self, name: str) -> str:
        return "("
