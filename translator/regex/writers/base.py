"""What all languages share of writing a pattern: KQL's own spelling, and classes of characters written by their ranges."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from translator.regex.classes import OTHER_WORD, POSIX, WHITE_SPACE, Ranges, Unlisted, ranges_of, without
from translator.regex.syntax import (
    Alternation,
    Anchor,
    Any,
    Class,
    Combined,
    Concat,
    Group,
    Literal,
    Node,
    Perl,
    Posix,
    Property,
    Range,
    Repeat,
    Set,
    is_cased,
    set_is_cased,
    walk,
)


class Inexpressible(ValueError):
    """A part of a pattern that the language has no way to write."""


@dataclass(frozen=True, slots=True)
class Modes:
    """Flags that hold for a whole pattern: case is ignored, ``.`` takes line feeds, ``^`` and ``$`` are of lines."""

    i: bool = False
    m: bool = False
    s: bool = False

    def __str__(self) -> str:
        return "".join(f for f in "ims" if getattr(self, f))


def modes_of(node: Node) -> Modes:
    """The flags that say most of a pattern at its start."""
    found = [n for n in walk(node) if isinstance(n, Any | Anchor)]
    dots = {n.newline for n in found if isinstance(n, Any)}
    lines = any(isinstance(n, Anchor) and n.kind in ("line-start", "line-end") for n in found)
    return Modes(case_of(node) is True, lines, dots == {True})


def case_of(node: Node) -> bool | None:
    """Whether all letters of a part are without case (True) or all with it (False); None where it has both, or none of either."""
    known: bool | None = None
    for part in (node,) if isinstance(node, Literal | Class) else walk(node):
        if isinstance(part, Literal | Class) and part.caseless is not known and cased(part):
            if known is not None:
                return None
            known = part.caseless
    return known


def has_case(node: Node) -> bool:
    """Whether a pattern tells a letter from the same one in the other case."""
    return any(isinstance(part, Literal | Class) and not part.caseless and cased(part) for part in walk(node))


def cased(node: Literal | Class) -> bool:
    """Whether case matters to a literal or a class: it is read without, or has letters of two cases."""
    return node.caseless or (is_cased(node.character) if isinstance(node, Literal) else set_is_cased(node))


def is_of_words(node: Anchor) -> bool:
    """Whether a place is told by which characters of words stand around it."""
    return node.kind.startswith(("word", "not-word"))


def around_words(kind: str, word: str) -> str:
    """A place by what is before and behind it, for languages that look both ways; ``word`` is a class of one character of a word."""
    starts, ends = f"(?<!{word})(?={word})", f"(?<={word})(?!{word})"
    match kind:
        case "word-start":
            return starts
        case "word-end":
            return ends
        case "word-start-half":
            return f"(?<!{word})"
        case "word-end-half":
            return f"(?!{word})"
        case "word":
            return f"(?:{starts}|{ends})"
    return f"(?:(?<!{word})(?!{word})|(?<={word})(?={word}))"


class Writer:
    """KQL's own spelling, from which the other languages differ."""

    special: ClassVar[str] = "\\^$.|?*+()[]{}"
    special_in_class: ClassVar[str] = "\\]^-[&~"

    def __init__(self) -> None:
        self.modes = Modes()

    def pattern(self, node: Node) -> str:
        """The whole of a pattern.

        Raises:
            Inexpressible: for what the language cannot say.
        """
        modes, body = self.parts(node)
        return f"(?{modes}){body}" if str(modes) else body

    def parts(self, node: Node) -> tuple[Modes, str]:
        """The flags of a pattern, for languages that keep them elsewhere, and all else of it."""
        self.modes = modes_of(node)
        try:
            return self.modes, self.node(node, self.modes.i)
        except Unlisted as error:
            raise Inexpressible(str(error)) from None

    def node(self, node: Node, caseless: bool) -> str:
        """A part within one whose letters are read without case where ``caseless``."""
        match node:
            case Literal(character, ignored):
                body = self.character(character)
                return body if not cased(node) or ignored == caseless else self.flagged(ignored, body)
            case Class():
                body = self.class_(node)
                return body if not cased(node) or node.caseless == caseless else self.flagged(node.caseless, body)
            case Any(newline):
                return self.any(newline)
            case Anchor():
                return self.anchor(node)
            case Group(inner, _, name):
                opening = "(" if name is None else self.named(name)
                return f"{opening}{self.node(inner, caseless)})"
            case Repeat():
                return self.repeat(node, caseless)
            case Alternation(options):
                own = case_of(node)
                if own is not None and own != caseless:
                    return self.flagged(own, "|".join(self.node(o, own) for o in options))
                return "|".join(self.node(o, caseless) for o in options)
            case Concat(parts):
                return self.row(parts, caseless)

    def row(self, parts: tuple[Node, ...], caseless: bool) -> str:
        """Parts in a row, those beside each other that ignore case (or do not) in one group."""
        out: list[str] = []
        run: list[str] = []
        own: bool | None = None

        def close() -> None:
            if run:
                out.append(self.flagged(bool(own), "".join(run)) if own is not None else "".join(run))
                run.clear()

        for part in parts:
            case = case_of(part)
            wanted = case if case is not None and case != caseless else None
            if wanted != own:
                close()
                own = wanted
            body = self.node(part, caseless if wanted is None else wanted)
            run.append(self.grouped(body) if isinstance(part, Alternation) else body)
        close()
        return "".join(out)

    def flagged(self, caseless: bool, body: str) -> str:
        """A part that is read without case, or with it, unlike what is around."""
        return f"(?{'i' if caseless else '-i'}:{body})"

    def grouped(self, body: str) -> str:
        """A part that is one for what stands behind it."""
        return f"(?:{body})"

    def named(self, name: str) -> str:
        """How a group with a name begins."""
        return f"(?P<{name}>"

    def repeat(self, node: Repeat, caseless: bool) -> str:
        """A part as often as the pattern says."""
        body = self.node(node.node, caseless)
        single = isinstance(node.node, Literal | Class | Any | Group)
        return (body if single else self.grouped(body)) + self.times(node.least, node.most) + ("" if node.greedy else "?")

    def times(self, least: int, most: int | None) -> str:
        """How a number of repeats is told: ``most`` is None for any."""
        match least, most:
            case 0, None:
                return "*"
            case 1, None:
                return "+"
            case 0, 1:
                return "?"
            case _, None:
                return f"{{{least},}}"
        return f"{{{least}}}" if least == most else f"{{{least},{most}}}"

    def any(self, newline: bool) -> str:
        """Any character; a line feed too where ``newline``."""
        if newline == self.modes.s:
            return "."
        return "(?s:.)" if newline else r"[^\n]"

    def anchor(self, node: Anchor) -> str:
        """A place of the text; where it is one of ASCII letters only, the flag that says so."""
        if node.ascii:
            return f"(?-u:{self.boundary(node.kind)})"
        return self.boundary(node.kind)

    def boundary(self, kind: str) -> str:
        """A place by its kind: the start, the end, those of a line, or of a word."""
        match kind:
            case "start":
                return r"\A" if self.modes.m else "^"
            case "end":
                return self.end()
            case "line-start":
                return "^"
            case "line-end":
                return "$"
            case "word":
                return r"\b"
            case "not-word":
                return r"\B"
        return rf"\b{{{kind.removeprefix('word-')}}}"

    def end(self) -> str:
        """The end of the text, whatever ``$`` is here."""
        return r"\z" if self.modes.m else "$"

    # --- characters

    def character(self, character: str) -> str:
        """A character outside of a class."""
        return f"\\{character}" if character in self.special else self.plain(character)

    def plain(self, character: str) -> str:
        """A character that no language takes for anything else."""
        if character in "\n\r\t":
            return {"\n": r"\n", "\r": r"\r", "\t": r"\t"}[character]
        return character if character.isprintable() else self.code(ord(character))

    def code(self, code: int) -> str:
        """A character by its number, where it cannot be seen."""
        return f"\\x{code:02x}" if code < 0x80 else f"\\x{{{code:x}}}"

    def class_(self, node: Class) -> str:
        """A class, in brackets unless it is one escape."""
        match node.members:
            case (Perl(ascii=False) | Property() as only,) if not node.negated:
                return self.member(only)
        return f"[{'^' if node.negated else ''}{self.members(node)}]"

    def members(self, node: Class) -> str:
        """What a class holds, without its brackets."""
        return "".join(self.member(m) for m in node.members)

    def member(self, member: Set) -> str:
        """A member of a class: a range, an escape, a set by name or by an operator."""
        match member:
            case Range(first, last):
                return self.range(first, last)
            case Perl(letter, negated, ascii):
                spelled = f"\\{letter.upper() if negated else letter}"
                return f"[{'^' if negated else ''}{self.ranges(ranges_of(Perl(letter, False, True)))}]" if ascii else spelled
            case Posix(name, negated):
                return f"[:{'^' if negated else ''}{name}:]"
            case Property(name, negated):
                return f"\\{'P' if negated else 'p'}{{{name}}}"
            case Combined(left, operator, right):
                return f"{self.member(left)}{operator}{self.operand(right)}"
            case Class():
                return self.class_(member)

    def operand(self, member: Set) -> str:
        """The right side of an operator between sets."""
        return f"[{self.member(member)}]" if isinstance(member, Combined) else self.member(member)

    def ranges(self, ranges: Ranges) -> str:
        """Ranges of characters, as they stand in a class."""
        return "".join(self.range(*r) for r in ranges)

    def range(self, first: int, last: int) -> str:
        """The characters from one to another, by their numbers."""
        one, other = (f"\\{chr(c)}" if chr(c) in self.special_in_class else self.plain(chr(c)) for c in (first, last))
        return one if first == last else f"{one}{other}" if last == first + 1 else f"{one}-{other}"


class Kql(Writer):
    """The spelling that ``parse`` reads back as the same tree."""

    def member(self, member: Set) -> str:
        match member:
            case Range(first, last) if last == first + 1:
                return f"{self.range(first, first)}-{self.range(last, last)}"
            case Perl(ascii=True):
                raise Inexpressible("an ASCII class within another")
        return super().member(member)

    def class_(self, node: Class) -> str:
        match node.members:
            case (Perl(letter, False, True),) if not node.negated:
                return f"(?-u:\\{letter})"
        return super().class_(node)


class Flat(Writer):
    """Languages whose classes know no sets within: what they lack is written by its ranges."""

    most_ranges: ClassVar[int] = sys.maxsize

    def class_(self, node: Class) -> str:
        if not node.members:
            return self.everything() if node.negated else self.nothing()
        native = self.flat(node.members, node.caseless)
        if native is not None:
            named = len(node.members) == 1 and isinstance(node.members[0], Perl | Property)
            if named and not node.negated and native.startswith("\\") and native.count("\\") == 1:
                return native
            return f"[{'^' if node.negated else ''}{native}]"
        return self.of_ranges(ranges_of(Class(node.members, node.negated, node.caseless)))

    def nothing(self) -> str:
        """A class that nothing is of."""
        return r"[^\s\S]"

    def everything(self) -> str:
        """A class of all characters."""
        return r"[\s\S]"

    def of_ranges(self, ranges: Ranges) -> str:
        """A class of these characters, or of all but the others where it reaches the last one."""
        if not ranges:
            return self.nothing()
        negated = ranges[-1][1] == sys.maxunicode
        shown = without(ranges) if negated else ranges
        if not shown:
            return self.everything()
        if len(shown) > self.most_ranges:
            raise Inexpressible(f"a class of {len(shown)} ranges of characters")
        return f"[{'^' if negated else ''}{self.ranges(shown)}]"

    def flat(self, members: Iterable[Set], caseless: bool) -> str | None:
        """The members of a class without sets within; None where these have to be worked out."""
        out = []
        for member in members:
            match member:
                case Range(first, last):
                    found: str | None = self.range(first, last)
                case Class(inner, False):
                    found = self.flat(inner, caseless)
                case Perl():
                    found = self.perl(member)
                case Posix():
                    found = self.posix(member)
                case Property():
                    found = self.property(member, caseless)
                case _:
                    found = None
            if found is None:
                return None
            out.append(found)
        return "".join(dict.fromkeys(out))

    def perl(self, member: Perl) -> str | None:
        """An escape as it stands in a class; None where the language reads it in another way."""
        return None

    def posix(self, member: Posix) -> str | None:
        """A set of POSIX by its ranges; None for its complement."""
        return None if member.negated else self.ranges(POSIX[member.name])

    def property(self, member: Property, caseless: bool) -> str | None:
        """A property of Unicode as it stands in a class; None where the language has none."""
        return None


class Categories(Flat):
    r"""Languages that know the categories of Unicode, of which ``\d`` and ``\w`` are made."""

    complements: ClassVar[str] = "d"
    """The letters of the classes of which all other characters have a name too."""

    def of_unicode(self, member: Perl) -> str | None:
        """What an escape means by categories of Unicode; None where only its ranges say it."""
        match member:
            case Perl("d", negated):
                return r"\P{Nd}" if negated else r"\p{Nd}"
            case Perl("s", False):
                return self.ranges(WHITE_SPACE)
            case Perl("w", False):
                return r"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}" + self.ranges(OTHER_WORD)
        return None

    def class_(self, node: Class) -> str:
        match node.members:
            case (Perl(letter, True, False),) if letter not in self.complements:
                return self.class_(Class((Perl(letter),), not node.negated))
        return super().class_(node)
