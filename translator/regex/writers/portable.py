r"""Patterns for products that read Perl's: PCRE, Java, and what they and Python read alike."""

from __future__ import annotations

from translator.regex.ascii import is_everything
from translator.regex.classes import Unlisted, both, category, perl, ranges_of, script, takes_newline
from translator.regex.syntax import (
    Alternation,
    Anchor,
    Class,
    Combined,
    Concat,
    Group,
    Literal,
    Node,
    Perl,
    Property,
    Repeat,
    Set,
)
from translator.regex.writers.base import Categories, Flat, Inexpressible, around_words, is_of_words

END = r"$(?!\n)"
"""The end of a text as Python, PCRE and Java know it alike: ``$`` alone is also before a line feed that ends it."""


MAX_RANGES = 64
"""The most ranges of a class that a reader of an output is asked to look at."""


class Portable(Flat):
    r"""What Python's ``re``, PCRE and Java's patterns read alike, and so Sigma: ``\d``, ``\s``, ``\w`` and ``\b`` are what each knows."""

    special_in_class = "\\]^-["
    most_ranges = MAX_RANGES

    def perl(self, member: Perl) -> str | None:
        if member.ascii:
            return None if member.negated else self.ranges(ranges_of(member))
        return f"\\{member.letter.upper() if member.negated else member.letter}"

    def class_(self, node: Class) -> str:
        r"""What no class says and no few ranges do, by looking ahead: ``[\w&&[^_]]`` is what is a ``\w`` and no ``_``."""
        try:
            return super().class_(node)
        except (Inexpressible, Unlisted):
            if len(node.members) == 1 and not node.negated and not isinstance(node.members[0], Combined | Class):
                raise
        whole = "|".join(self.alone(m, node.caseless) for m in node.members)
        return rf"(?:(?!{whole})[\s\S])" if node.negated else whole if len(node.members) == 1 else f"(?:{whole})"

    def alone(self, member: Set, caseless: bool) -> str:
        """A member of a class as a pattern of its own."""
        match member:
            case Class(members, negated, ignored):
                return self.class_(Class(members, negated, caseless or ignored))
            case Combined(left, operator, right):
                one, other = self.alone(left, caseless), self.alone(right, caseless)
                if operator == "&&":
                    return f"(?:(?={one}){other})"
                without_other = f"(?!{other}){one}"
                return f"(?:{without_other})" if operator == "--" else f"(?:{without_other}|(?!{one}){other})"
        return self.class_(Class((member,), False, caseless))

    def any(self, newline: bool) -> str:
        return r"[\s\S]" if newline and not self.modes.s else super().any(newline)

    def anchor(self, node: Anchor) -> str:
        if node.ascii:
            raise Inexpressible("a boundary of ASCII words")
        match node.kind:
            case "word-start":
                return r"\b(?=\w)"
            case "word-end":
                return r"\b(?<=\w)"
            case "word-start-half":
                return r"(?<!\w)"
            case "word-end-half":
                return r"(?!\w)"
        return self.boundary(node.kind)

    def end(self) -> str:
        return r"(?![\s\S])" if self.modes.m else END

    def node(self, node: Node, caseless: bool) -> str:
        """``x|$`` at the end of a pattern needs no care for a line feed that ``x`` takes."""
        match node:
            case Alternation(options) if any(isinstance(o, Class) and takes_newline(o) for o in options):
                return "|".join("$" if o == Anchor("end") and not self.modes.m else self.node(o, caseless) for o in options)
        return super().node(node, caseless)

    def code(self, code: int) -> str:
        if code > 0xFF:
            raise Inexpressible(f"the character U+{code:04X}")
        return f"\\x{code:02x}"


class Pcre(Categories, Portable):
    r"""PCRE2, with its own ways for characters and properties, and so with the ``\d``, ``\s`` and ``\w`` of Unicode."""

    def perl(self, member: Perl) -> str | None:
        return super().perl(member) if member.ascii else self.of_unicode(member)

    def row(self, parts: tuple[Node, ...], caseless: bool) -> str:
        """A boundary beside a character of a word asks the other side alone."""
        return super().row(tuple(_half(part, parts[:n][-1:], parts[n + 1 : n + 2]) for n, part in enumerate(parts)), caseless)

    def anchor(self, node: Anchor) -> str:
        if not is_of_words(node):
            return self.boundary(node.kind)
        return around_words(node.kind, self.class_(Class((Perl("w", False, node.ascii),))))

    def class_(self, node: Class) -> str:
        if is_everything(node.members):
            return self.nothing() if node.negated else self.everything()
        return super().class_(node)

    def code(self, code: int) -> str:
        return f"\\x{code:02x}" if code < 0x80 else f"\\x{{{code:x}}}"

    def property(self, member: Property, caseless: bool) -> str | None:
        known = category(member.name) or script(member.name)
        return None if known is None or known == "LC" else f"\\{'P' if member.negated else 'p'}{{{known}}}"


def _half(part: Node, before: tuple[Node, ...], behind: tuple[Node, ...]) -> Node:
    if part != Anchor("word"):
        return part
    if any(_is_of_word(node, 0) for node in behind):
        return Anchor("word-start-half")
    return Anchor("word-end-half") if any(_is_of_word(node, -1) for node in before) else part


def _is_of_word(node: Node, end: int) -> bool:
    """Whether what ``node`` matches begins (0) or ends (-1) with a character of a word."""
    match node:
        case Literal(character):
            return bool(both(((ord(character), ord(character)),), perl("w", False)))
        case Class():
            try:
                own = ranges_of(node)
            except Unlisted:
                return False
            return bool(own) and both(own, perl("w", False)) == own
        case Group(inner, _, _):
            return _is_of_word(inner, end)
        case Repeat(inner, least, _):
            return least > 0 and _is_of_word(inner, end)
        case Concat(parts):
            return bool(parts) and _is_of_word(parts[end], end)
        case Alternation(options):
            return all(_is_of_word(option, end) for option in options)
    return False


class OfLines(Pcre):
    r"""Java's patterns: lines end by line feeds alone (``d``), and all letters have cases (``u``).

    Where ``\d``, ``\s`` and ``\w`` are those of Unicode a flag says so (``U``); boundaries of words, which younger versions of Java know in
    another way than older ones, are told by the characters around them.

    Source: java.util.regex.Pattern, UNIX_LINES, UNICODE_CASE, UNICODE_CHARACTER_CLASS, "Line terminators" and "Unicode support".
    """

    complements = "dsw"

    def __init__(self) -> None:
        super().__init__()
        self.of_unicode_classes = False

    def pattern(self, node: Node) -> str:
        modes, body = self.parts(node)
        flags = f"{'d' if modes.m else ''}{modes}{'U' if self.of_unicode_classes else 'u' if modes.i else ''}"
        return f"(?{flags}){body}" if flags else body

    def perl(self, member: Perl) -> str | None:
        if member.ascii:
            return super().perl(member)
        self.of_unicode_classes = True
        return f"\\{member.letter.upper() if member.negated else member.letter}"

    def flagged(self, caseless: bool, body: str) -> str:
        return f"(?{'iu' if caseless else '-i'}:{body})"

    def any(self, newline: bool) -> str:
        return super().any(True) if newline else r"[^\n]"

    def end(self) -> str:
        return r"\z"
