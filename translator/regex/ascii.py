r"""Where the classes of a pattern hold other characters in KQL than in languages whose ``\d``, ``\s``, ``\w`` and ``\b`` are of ASCII.

Source: learn.microsoft.com/kusto/query/regex ("Perl character classes (Unicode friendly)"); pcre.org/current/doc/html/pcre2pattern.html,
"Generic character types"; Lucene's javadoc of RegExp.
"""

from __future__ import annotations

from collections.abc import Iterator

from translator.regex.syntax import Anchor, Class, Combined, Node, Perl, Set, walk


def asciified(node: Node, written: str = "") -> dict[str, frozenset[bool]]:
    r"""The classes and boundaries of a pattern that know other characters than ASCII's in KQL alone, as ``\d``.

    Args:
        written: the letters of the classes that the language writes out as those of Unicode, "b" for boundaries of words.

    Returns:
        By the spelling of each, whether it takes fewer characters in ASCII (False), more (True), or now these and now those.
    """
    found: dict[str, frozenset[bool]] = {}
    for part in walk(node):
        match part:
            case Class(members, negated):
                if not is_everything(members):
                    for member in members:
                        for spelled, more in _perls(member):
                            if spelled[1].lower() in written:
                                continue
                            found[spelled] = found.get(spelled, frozenset()) | {turned != negated for turned in more}
            case Anchor(kind=kind, ascii=False) if "word" in kind and "b" not in written:
                found["\\B" if kind == "not-word" else "\\b"] = frozenset({False, True})
    return found


def _perls(member: Set) -> Iterator[tuple[str, frozenset[bool]]]:
    match member:
        case Perl(letter, negated, False):
            yield f"\\{letter.upper() if negated else letter}", frozenset({negated})
        case Class(members, negated):
            for inner in members:
                for spelled, more in _perls(inner):
                    yield spelled, frozenset(turned != negated for turned in more)
        case Combined(left, _, right):
            for side in (left, right):
                for spelled, _ in _perls(side):
                    yield spelled, frozenset({False, True})


def is_everything(members: tuple[Set, ...]) -> bool:
    r"""Whether a class has a set and all but that set, as ``[\s\S]`` does."""
    perls = {(m.letter, m.ascii, m.negated) for m in members if isinstance(m, Perl)}
    return any((letter, ascii, not negated) in perls for letter, ascii, negated in perls)
