"""Texts that a pattern matches, and texts that just miss what is looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from translator.regex.classes import Unlisted, ranges_of
from translator.regex.parser import parsed
from translator.regex.syntax import Alternation, Anchor, Any, Class, Combined, Concat, Group, Literal, Node, Perl, Repeat, Set, walk

_LIKED = "ab1xA0 -_./:\\=@#"
_LEAST_READABLE = 33
_OUTSIDE = {"w": ("a letter", "é"), "d": ("a digit", "٣"), "s": ("a space", "\u00a0")}
"""A character outside of ASCII of each of Perl's classes, which not every language takes for one of it."""
_MOST_OPTIONS = 12


def matching(regex: str, groups: Mapping[int, str] | None = None, more_often: Sequence[int] = (0, 1, 2)) -> Iterator[str]:
    """Texts that ``regex`` is likely to match, each once; whether it does is to be asked.

    Args:
        groups: what groups are to hold, by their numbers.
        more_often: how much more often than it has to be there what is repeated is there.
    """
    tree = parsed(regex)
    if tree is None:
        return
    widest = max((len(n.options) for n in walk(tree) if isinstance(n, Alternation)), default=1)
    seen = set[str]()
    for option in range(min(widest, _MOST_OPTIONS)):
        for more in more_often:
            for gap in ("", " "):
                try:
                    found = _sample(tree, groups or {}, option, more, gap)
                except Unlisted:
                    continue
                if found not in seen:
                    seen.add(found)
                    yield found


_SAMPLES = 12
"""How many texts of a pattern are tried with what is beside them."""


def around_pattern(regex: str, address: bool) -> Iterator[str]:
    """Texts that a pattern matches, one of each alternative, and such as just miss it; of addresses whole ones that begin so, or nearly."""
    for sample in islice(matching(regex, more_often=(1,)), _SAMPLES):
        if not address:
            yield from (sample, f"x{sample}", f"{sample}x", sample[:-1], other_case(sample))
            continue
        begun = [int(o) for o in re.findall(r"\d+", sample)][:4]
        if not begun or any(o > _BYTE for o in begun):
            continue
        yield _address(begun)
        for place, octet in enumerate(begun):
            for other in (octet - 1, octet + 1, 10 * octet, 100 + octet):
                if 0 <= other <= _BYTE:
                    yield _address([*begun[:place], other, *begun[place + 1 :]])
        yield _address([8, *begun])


_BYTE = 255


def _address(octets: list[int]) -> str:
    """An address that begins with these."""
    return ".".join(map(str, [*octets, 7, 7, 7][:4]))


def outside_of_ascii(regex: str) -> Iterator[tuple[str, str]]:
    """Texts for a pattern in which one of its classes, or boundaries of words, meets a character outside of ASCII, in words."""
    tree = parsed(regex)
    if tree is None:
        return
    seen = set[str]()
    for node in walk(tree):
        for letter in _letters(node):
            what, character = _OUTSIDE[letter]
            for option in range(_MOST_OPTIONS):
                try:
                    found = _sample(tree, {}, option, 1, "", {id(node): character})
                except Unlisted:
                    break
                if character in found:
                    if found not in seen:
                        seen.add(found)
                        yield f"{what} outside of ASCII", found
                    break


def _letters(node: Node) -> list[str]:
    """The classes of Perl that a part of a pattern asks for, by their letters."""
    match node:
        case Class(members):
            return sorted({letter for m in members for letter in _perls(m)})
        case Anchor(kind=kind) if "word" in kind:
            return ["w"]
    return []


def _perls(member: Set) -> Iterator[str]:
    match member:
        case Perl(letter):
            yield letter.lower()
        case Class(members):
            for inner in members:
                yield from _perls(inner)
        case Combined(left, _, right):
            yield from _perls(left)
            yield from _perls(right)


def _sample(
    node: Node, groups: Mapping[int, str], option: int, more: int, gap: str, instead: Mapping[int, str] = MappingProxyType({})
) -> str:
    """A text for a node; ``instead`` has those of some nodes, by their identities."""
    if id(node) in instead:
        return instead[id(node)]
    match node:
        case Literal(character):
            return character
        case Any():
            return "x"
        case Class():
            return _character(node)
        case Anchor(kind):
            return gap if kind == "word" else ""
        case Group(inner, index):
            return groups[index] if index in groups else _sample(inner, groups, option, more, gap, instead)
        case Repeat(inner, least, most):
            times = least + more if most is None else min(least + more, most)
            holds = any(isinstance(n, Group) and n.index in groups for n in walk(inner))
            times = max(times, 1) if holds else times
            return _sample(inner, groups, option, more, gap, instead) * times
        case Concat(parts):
            return "".join(_sample(p, groups, option, more, gap, instead) for p in parts)
        case Alternation(options):
            held = next((o for o in options if any(isinstance(n, Group) and n.index in groups for n in walk(o))), None)
            return _sample(held or options[option % len(options)], groups, option, more, gap, instead)
    return ""


def _character(node: Class) -> str:
    ranges = ranges_of(Class(node.members, node.negated))
    for liked in _LIKED:
        if any(first <= ord(liked) <= last for first, last in ranges):
            return liked
    for first, last in ranges:
        if last >= _LEAST_READABLE:
            return chr(max(first, _LEAST_READABLE))
    return chr(ranges[0][0]) if ranges else ""


def other_case(text: str) -> str:
    """The text with the case of its letters changed; the same where it has none."""
    swapped = text.swapcase()
    return swapped if swapped.lower() == text.lower() else text


def beside(text: str, part: str) -> Iterator[tuple[str, str, bool]]:
    """``text`` with a letter before or behind each of the places where it has ``part``, in words; the last says which tells the most."""
    at = text.lower().find(part.lower())
    if at < 0 or not part:
        return
    end = at + len(part)
    for letter, what in (("x", "a letter"), ("é", "a letter outside of ASCII"), ("7", "a digit"), ("_", "an underscore")):
        yield f"{what} right before '{_short(part)}'", text[:at] + letter + text[at:], letter == "x"
        yield f"{what} right behind '{_short(part)}'", text[:end] + letter + text[end:], letter == "x"


_WILD = "*?%_."
"""Characters that stand for others in one language or the other."""


def changed(text: str, part: str) -> Iterator[tuple[str, str, bool]]:
    """``text`` with ``part`` in it changed a little, in words; the last says which tells the most."""
    at = text.lower().find(part.lower()) if part else -1
    if at < 0:
        return
    end = at + len(part)
    yield f"'{_short(part)}' in another case", text[:at] + other_case(text[at:end]) + text[end:], True
    for place in [n for n in range(at, end) if text[n] in _WILD][:3]:
        yield f"another character for the {text[place]} of '{_short(part)}'", text[:place] + "q" + text[place + 1 :], True
    yield f"'{_short(part)}' missing", text[:at] + text[end:], False
    yield f"the last character of '{_short(part)}' missing", text[: end - 1] + text[end:], False
    yield f"the first character of '{_short(part)}' missing", text[:at] + text[at + 1 :], False
    if end - at > 2:
        middle = (at + end) // 2
        yield f"a wildcard within '{_short(part)}'", text[:middle] + "*" + text[middle + 1 :], False
        yield f"a character more within '{_short(part)}'", text[:middle] + "q" + text[middle:], True


def mangled(text: str) -> Iterator[tuple[str, str]]:
    """``text`` with one character changed or missing, in words: for what a pattern looks for."""
    for at in (len(text) - 1, 0, len(text) // 2, *range(1, min(len(text) - 1, 40))):
        if 0 <= at < len(text):
            yield f"character {at + 1} missing", text[:at] + text[at + 1 :]
            for other in "~qZ9 ":
                yield f"another character {at + 1}", text[:at] + other + text[at + 1 :]


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:27] + "..."
