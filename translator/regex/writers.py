r"""What each language writes for a regular expression of KQL, so that it finds the same, or why it cannot.

Source: learn.microsoft.com/kusto/query/regex (KQL), github.com/google/re2/wiki/Syntax (RE2), docs.python.org/3/library/re.html (Python),
pcre.org/current/doc/html/pcre2pattern.html (PCRE2), docs.oracle.com, java.util.regex.Pattern (Java).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from translator.regex.ascii import is_everything
from translator.regex.classes import OTHER_WORD, POSIX, WHITE_SPACE, Ranges, Unlisted, category, ranges_of, script, without
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

END = r"$(?!\n)"
"""The end of a text as Python, PCRE and Java know it alike: ``$`` alone is also before a line feed that ends it."""

MAX_RANGES = 64
"""The most ranges of a class that a reader of an output is asked to look at."""


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
        if isinstance(part, Literal | Class) and part.caseless is not known and _cased(part):
            if known is not None:
                return None
            known = part.caseless
    return known


def _cased(node: Literal | Class) -> bool:
    return node.caseless or (is_cased(node.character) if isinstance(node, Literal) else set_is_cased(node))


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
                return body if not _cased(node) or ignored == caseless else self.flagged(ignored, body)
            case Class():
                body = self.class_(node)
                return body if not _cased(node) or node.caseless == caseless else self.flagged(node.caseless, body)
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
        return f"(?:{body})"

    def named(self, name: str) -> str:
        return f"(?P<{name}>"

    def repeat(self, node: Repeat, caseless: bool) -> str:
        body = self.node(node.node, caseless)
        single = isinstance(node.node, Literal | Class | Any | Group)
        return (body if single else self.grouped(body)) + self.times(node.least, node.most) + ("" if node.greedy else "?")

    def times(self, least: int, most: int | None) -> str:
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
        if newline == self.modes.s:
            return "."
        return "(?s:.)" if newline else r"[^\n]"

    def anchor(self, node: Anchor) -> str:
        if node.ascii:
            return f"(?-u:{self.boundary(node.kind)})"
        return self.boundary(node.kind)

    def boundary(self, kind: str) -> str:
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
        return r"\z" if self.modes.m else "$"

    # --- characters

    def character(self, character: str) -> str:
        return f"\\{character}" if character in self.special else self.plain(character)

    def plain(self, character: str) -> str:
        """A character that no language takes for anything else."""
        if character in "\n\r\t":
            return {"\n": r"\n", "\r": r"\r", "\t": r"\t"}[character]
        return character if character.isprintable() else self.code(ord(character))

    def code(self, code: int) -> str:
        return f"\\x{code:02x}" if code < 0x80 else f"\\x{{{code:x}}}"

    def class_(self, node: Class) -> str:
        match node.members:
            case (Perl(ascii=False) | Property() as only,) if not node.negated:
                return self.member(only)
        return f"[{'^' if node.negated else ''}{self.members(node)}]"

    def members(self, node: Class) -> str:
        return "".join(self.member(m) for m in node.members)

    def member(self, member: Set) -> str:
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
        return f"[{self.member(member)}]" if isinstance(member, Combined) else self.member(member)

    def ranges(self, ranges: Ranges) -> str:
        return "".join(self.range(*r) for r in ranges)

    def range(self, first: int, last: int) -> str:
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


class _Flat(Writer):
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
        return r"[^\s\S]"

    def everything(self) -> str:
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
        return None

    def posix(self, member: Posix) -> str | None:
        return None if member.negated else self.ranges(POSIX[member.name])

    def property(self, member: Property, caseless: bool) -> str | None:
        return None


class _Categories(_Flat):
    r"""Languages that know the categories of Unicode, of which ``\d`` and ``\w`` are made."""

    def of_unicode(self, member: Perl) -> str | None:
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
            case (Perl(letter, True, False),) if letter != "d":
                return self.class_(Class((Perl(letter),), not node.negated))
        return super().class_(node)


class Portable(_Flat):
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
            case Alternation(options) if any(isinstance(o, Class) and _takes_newline(o) for o in options):
                return "|".join("$" if o == Anchor("end") and not self.modes.m else self.node(o, caseless) for o in options)
        return super().node(node, caseless)

    def code(self, code: int) -> str:
        if code > 0xFF:
            raise Inexpressible(f"the character U+{code:04X}")
        return f"\\x{code:02x}"


def _takes_newline(node: Class) -> bool:
    try:
        return any(first <= 10 <= last for first, last in ranges_of(node))
    except Unlisted:
        return False


class Pcre(_Categories, Portable):
    r"""PCRE2, with its own ways for characters and properties, and so with the ``\d``, ``\s`` and ``\w`` of Unicode."""

    def perl(self, member: Perl) -> str | None:
        return super().perl(member) if member.ascii else self.of_unicode(member)

    def class_(self, node: Class) -> str:
        if is_everything(node.members):
            return self.nothing() if node.negated else self.everything()
        return super().class_(node)

    def code(self, code: int) -> str:
        return f"\\x{code:02x}" if code < 0x80 else f"\\x{{{code:x}}}"

    def property(self, member: Property, caseless: bool) -> str | None:
        known = category(member.name) or script(member.name)
        return None if known is None or known == "LC" else f"\\{'P' if member.negated else 'p'}{{{known}}}"


class _OfLines(Pcre):
    """Java's patterns without its classes of Unicode: lines end by line feeds alone (``d``), and all letters have cases (``u``).

    Source: java.util.regex.Pattern, UNIX_LINES, UNICODE_CASE and "Line terminators".
    """

    def pattern(self, node: Node) -> str:
        modes, body = self.parts(node)
        flags = f"{'d' if modes.m else ''}{modes}{'u' if modes.i else ''}"
        return f"(?{flags}){body}" if flags else body

    def flagged(self, caseless: bool, body: str) -> str:
        return f"(?{'iu' if caseless else '-i'}:{body})"

    def any(self, newline: bool) -> str:
        return super().any(True) if newline else r"[^\n]"

    def end(self) -> str:
        return r"\z"


class Python(_Flat):
    """Python's ``re`` with the classes that KQL has, for the functions of the engine."""

    special_in_class = "\\]^-[&~|"

    def perl(self, member: Perl) -> str | None:
        if member.letter == "d" and not member.ascii:
            return r"\D" if member.negated else r"\d"
        return None

    def any(self, newline: bool) -> str:
        return "." if newline == self.modes.s else "(?s:.)" if newline else r"[^\n]"

    def anchor(self, node: Anchor) -> str:
        if not node.kind.startswith(("word", "not-word")):
            return self.boundary(node.kind)
        word = self.of_ranges(ranges_of(Perl("w", False, node.ascii)))
        starts, ends = f"(?<!{word})(?={word})", f"(?<={word})(?!{word})"
        match node.kind:
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

    def end(self) -> str:
        return r"\Z"

    def named(self, name: str) -> str:
        """Names of groups may hold dots and brackets in KQL; who asks for one looks it up in the tree."""
        return "("

    def code(self, code: int) -> str:
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Re2(_Categories):
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
            return bool(found) and found == ranges_of(Range(found[0][0], found[0][0]), True) and _cased(node)
    return False


class Java(_Flat):
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


def kql(node: Node) -> str:
    """A pattern as KQL reads it."""
    return Kql().pattern(node)


def kql_without_case(node: Node) -> str:
    """A pattern whose letters are all read without case, as KQL reads it with case."""
    modes, body = Kql().parts(node)
    rest = str(modes).replace("i", "")
    return f"(?{rest}){body}" if rest else body


def re2(node: Node) -> str:
    """A pattern for DuckDB. Raises Inexpressible."""
    return Re2().pattern(node)


def python(node: Node) -> str:
    """A pattern for Python's ``re`` that finds just what KQL finds. Raises Inexpressible."""
    return Python().pattern(node)


def java(node: Node) -> str:
    """A pattern for Spark. Raises Inexpressible."""
    return Java().pattern(node)


def java_portable(node: Node) -> str:
    """A pattern for REPLACE in ES|QL, without flags of Java alone. Raises Inexpressible."""
    return _OfLines().pattern(node)


def pcre(node: Node) -> str:
    """A pattern for Splunk's ``match``, ``replace`` and ``rex``. Raises Inexpressible."""
    return Pcre().pattern(node)


def sigma(node: Node) -> tuple[str, str]:
    """The modifiers behind ``|re`` (``|i``, ``|m``, ``|s``) and the pattern of a Sigma rule. Raises Inexpressible."""
    modes, body = Portable().parts(node)
    return "".join(f"|{f}" for f in str(modes)), body
