"""Sets of characters by their code points.

Source: learn.microsoft.com/kusto/query/regex, "Perl character classes" and "ASCII character classes"; unicode.org/reports/tr18, annex C.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Iterable

from translator.regex.syntax import Any, Class, Combined, Literal, Node, Perl, Posix, Property, Range, Set

Ranges = tuple[tuple[int, int], ...]
"""Ranges of code points, both ends included, in order and apart from each other."""

POSIX: dict[str, Ranges] = {
    "alnum": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)), "alpha": ((0x41, 0x5A), (0x61, 0x7A)), "ascii": ((0, 0x7F),),
    "blank": ((9, 9), (0x20, 0x20)), "cntrl": ((0, 0x1F), (0x7F, 0x7F)), "digit": ((0x30, 0x39),), "graph": ((0x21, 0x7E),),
    "lower": ((0x61, 0x7A),), "print": ((0x20, 0x7E),), "punct": ((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    "space": ((9, 13), (0x20, 0x20)), "upper": ((0x41, 0x5A),), "word": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "xdigit": ((0x30, 0x39), (0x41, 0x46), (0x61, 0x66)),
}  # fmt: skip

WHITE_SPACE: Ranges = (
    (9, 13), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip
"""Unicode's White_Space (PropList.txt)."""

OTHER_WORD: Ranges = ((0x200C, 0x200D), (0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
r"""What ``\w`` has beside letters, marks, numbers that are letters, digits and connectors: Join_Control, and letters in circles and
squares, which PropList.txt has as Other_Alphabetic."""

_ASCII: dict[str, Ranges] = {"d": POSIX["digit"], "s": POSIX["space"], "w": POSIX["word"]}

CATEGORIES = {
    "letter": "L", "cased_letter": "LC", "uppercase_letter": "Lu", "lowercase_letter": "Ll", "titlecase_letter": "Lt",
    "modifier_letter": "Lm", "other_letter": "Lo", "mark": "M", "nonspacing_mark": "Mn", "spacing_mark": "Mc", "enclosing_mark": "Me",
    "number": "N",
    "decimal_number": "Nd", "letter_number": "Nl", "other_number": "No", "punctuation": "P", "connector_punctuation": "Pc",
    "dash_punctuation": "Pd", "open_punctuation": "Ps", "close_punctuation": "Pe", "initial_punctuation": "Pi", "final_punctuation": "Pf",
    "other_punctuation": "Po", "symbol": "S", "math_symbol": "Sm", "currency_symbol": "Sc", "modifier_symbol": "Sk", "other_symbol": "So",
    "separator": "Z", "space_separator": "Zs", "line_separator": "Zl", "paragraph_separator": "Zp", "other": "C", "control": "Cc",
    "format": "Cf", "private_use": "Co", "unassigned": "Cn",
}  # fmt: skip
"""General categories by their long names (unicode.org/reports/tr44, table 12)."""

_SHORT = {c.lower(): c for c in CATEGORIES.values()}
_OTHERS = frozenset({"any", "ascii", "white_space", "alphabetic", "uppercase", "lowercase"})
_SCRIPTS = frozenset(
    """
    adlam ahom anatolian_hieroglyphs arabic armenian avestan balinese bamum bassa_vah batak bengali bhaiksuki bopomofo brahmi
    braille buginese buhid canadian_aboriginal carian caucasian_albanian chakma cham cherokee chorasmian common coptic cuneiform
    cypriot cypro_minoan cyrillic deseret devanagari dives_akuru dogra duployan egyptian_hieroglyphs elbasan elymaic ethiopic
    georgian glagolitic gothic grantha greek gujarati gunjala_gondi gurmukhi han hangul hanifi_rohingya hanunoo hatran hebrew
    hiragana imperial_aramaic inherited inscriptional_pahlavi inscriptional_parthian javanese kaithi kannada katakana kawi
    kayah_li kharoshthi khitan_small_script khmer khojki khudawadi lao latin lepcha limbu linear_a linear_b lisu lycian lydian
    mahajani makasar malayalam mandaic manichaean marchen masaram_gondi medefaidrin meetei_mayek mende_kikakui meroitic_cursive
    meroitic_hieroglyphs miao modi mongolian mro multani myanmar nabataean nag_mundari nandinagari new_tai_lue newa nko nushu
    nyiakeng_puachue_hmong ogham ol_chiki old_hungarian old_italic old_north_arabian old_permic old_persian old_sogdian
    old_south_arabian old_turkic old_uyghur oriya osage osmanya pahawh_hmong palmyrene pau_cin_hau phags_pa phoenician
    psalter_pahlavi rejang runic samaritan saurashtra sharada shavian siddham signwriting sinhala sogdian sora_sompeng soyombo
    sundanese syloti_nagri syriac tagalog tagbanwa tai_le tai_tham tai_viet takri tamil tangsa tangut telugu thaana thai tibetan
    tifinagh tirhuta toto ugaritic vai vithkuqi wancho warang_citi yezidi yi zanabazar_square
    """.split()
)
"""unicode.org/Public/15.0.0/ucd/Scripts.txt; Python knows no scripts, so their characters are left to who does."""


class Unlisted(ValueError):
    """A class of characters that Python's tables do not list."""


def _loose(name: str) -> str:
    """A name of a property as it is compared: without case, and blanks and hyphens as underscores."""
    name = name.lower().replace(" ", "_").replace("-", "_")
    for prefix in ("general_category=", "gc=", "script=", "sc="):
        name = name.removeprefix(prefix)
    return name


def is_property(name: str) -> bool:
    """Whether Unicode has a class of this name."""
    found = _loose(name)
    return found in _SHORT or found in CATEGORIES or found in _OTHERS or found in _SCRIPTS


def category(name: str) -> str | None:
    """The short name of a general category; None for another property."""
    found = _loose(name)
    return _SHORT.get(found) or CATEGORIES.get(found)


def script(name: str) -> str | None:
    """The name of a script as Unicode spells it; None for another property."""
    found = _loose(name)
    if found not in _SCRIPTS:
        return None
    return {"signwriting": "SignWriting", "phags_pa": "Phags_Pa"}.get(found, "_".join(p.capitalize() for p in found.split("_")))


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Ranges in order, those that touch as one."""
    out: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return tuple(out)


def without(ranges: Ranges) -> Ranges:
    """All characters but these."""
    out, start = [], 0
    for first, last in ranges:
        if first > start:
            out.append((start, first - 1))
        start = last + 1
    return (*out, (start, sys.maxunicode)) if start <= sys.maxunicode else tuple(out)


def both(left: Ranges, right: Ranges) -> Ranges:
    """The characters of two sets that are in each of them."""
    return without(joined((*without(left), *without(right))))


@functools.cache
def _by_category() -> dict[str, Ranges]:
    found: dict[str, list[tuple[int, int]]] = {}
    start, kind = 0, unicodedata.category("\0")
    for code in range(1, sys.maxunicode + 2):
        now = unicodedata.category(chr(code)) if code <= sys.maxunicode else ""
        if now != kind:
            found.setdefault(kind, []).append((start, code - 1))
            start, kind = code, now
    return {k: tuple(v) for k, v in found.items()}


@functools.cache
def of_categories(*names: str) -> Ranges:
    """The characters of general categories, of one letter or two."""
    wanted = {c for n in names for c in (("Lu", "Ll", "Lt") if n == "LC" else (n,))}
    return joined(r for kind, ranges in _by_category().items() if wanted & {kind, kind[0]} for r in ranges)


@functools.cache
def _property(name: str) -> Ranges:
    if (found := category(name)) is not None:
        return of_categories(found)
    match _loose(name):
        case "any":
            return ((0, sys.maxunicode),)
        case "ascii":
            return ((0, 0x7F),)
        case "white_space":
            return WHITE_SPACE
    raise Unlisted(f"the characters of {name}")


@functools.cache
def perl(letter: str, ascii: bool) -> Ranges:
    r"""The characters of ``\d``, ``\s`` or ``\w``."""
    if ascii:
        return _ASCII[letter]
    match letter:
        case "d":
            return of_categories("Nd")
        case "s":
            return WHITE_SPACE
    return joined((*of_categories("L", "M", "Nd", "Nl", "Pc"), *OTHER_WORD))


def ranges_of(member: Set, caseless: bool = False) -> Ranges:
    """The characters of a set; with their other cases where ``caseless``.

    Raises:
        Unlisted: where it has a part whose characters are not known here.
    """
    match member:
        case Range(first, last):
            return _folded(((first, last),)) if caseless else ((first, last),)
        case Perl():
            found = perl(member.letter, member.ascii)
            return without(found) if member.negated else found
        case Posix():
            found = POSIX[member.name]
            found = _folded(found) if caseless else found
            return without(found) if member.negated else found
        case Property():
            found = _property(member.name)
            found = _folded(found) if caseless else found
            return without(found) if member.negated else found
        case Combined():
            left, right = ranges_of(member.left, caseless), ranges_of(member.right, caseless)
            if member.operator == "&&":
                return both(left, right)
            if member.operator == "--":
                return both(left, without(right))
            return joined((*both(left, without(right)), *both(right, without(left))))
        case Class():
            ignored = caseless or member.caseless
            found = joined(r for m in member.members for r in ranges_of(m, ignored))
            return without(found) if member.negated else found


_UNCASED = 0x20000
"""From here on, in the planes of ideographs and behind them, no character has a case (The Unicode Standard, 2.8)."""


@functools.cache
def _orbits() -> dict[int, tuple[int, ...]]:
    """The other characters that are one without case, by simple case folding (CaseFolding.txt, C and S)."""
    by_fold: dict[str, list[int]] = {}
    for code in range(_UNCASED):
        char = chr(code)
        fold = char.casefold()
        if len(fold) > 1:
            fold = char.lower() if len(char.lower()) == 1 else char
        if fold != char or char.upper() != char:
            by_fold.setdefault(fold, []).append(code)
            if len(fold) == 1 and fold != char:
                by_fold[fold].append(ord(fold))
    found: dict[int, set[int]] = {}
    for codes in by_fold.values():
        for code in codes:
            found.setdefault(code, set()).update(codes)
    return {c: tuple(sorted(o - {c})) for c, o in found.items() if len(o) > 1}


@functools.lru_cache(maxsize=4096)
def _folded(ranges: Ranges) -> Ranges:
    orbits = _orbits()
    if sum(last - first + 1 for first, last in ranges) < len(orbits):
        others = [c for first, last in ranges for code in range(first, last + 1) for c in orbits.get(code, ())]
    else:
        others = [c for code, found in orbits.items() if any(first <= code <= last for first, last in ranges) for c in found]
    return joined((*ranges, *((c, c) for c in others)))


def takes_newline(node: Node, unlisted: bool = False) -> bool:
    """Whether a line feed is one of the characters that a node stands for; ``unlisted`` is the answer where these are not known."""
    match node:
        case Any(newline):
            return newline
        case Literal(character):
            return character == "\n"
        case Class():
            try:
                return any(first <= 10 <= last for first, last in ranges_of(node))
            except Unlisted:
                return unlisted
    return False
