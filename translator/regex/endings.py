"""Regular expressions that ask what a text ends with, as the texts that it may end with."""

from __future__ import annotations

from dataclasses import dataclass

from translator.regex.classes import takes_newline
from translator.regex.syntax import Alternation, Anchor, Any, Class, Concat, Group, Literal, Node, Range, Repeat, concat, walk
from translator.regex.writers import case_of

MOST = 500
"""How many texts a pattern may stand for."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a text has to be: one of ``whole``, or one that ends with one of ``ends``; ``caseless`` where case does not count."""

    whole: tuple[str, ...]
    ends: tuple[str, ...]
    caseless: bool


def ending(node: Node) -> Ending | None:
    r"""The texts that ``(?:^|\.)(?:com|net)$``, ``^a$`` or ``\.exe$`` asks for; None for a pattern that asks for more."""
    parts = node.parts if isinstance(node, Concat) else (node,)
    found = _choices(Concat(parts[:-1])) if parts[-1:] == (Anchor("end"),) else None
    caseless = case_of(node)
    if found is None or not all(text for _, text in found) or (caseless is None and any(t.lower() != t.upper() for _, t in found)):
        return None
    whole, ends = ([text for anchored, text in found if anchored is wanted] for wanted in (True, False))
    return Ending(tuple(dict.fromkeys(whole)), tuple(dict.fromkeys(ends)), bool(caseless))


def without_tail(node: Node) -> tuple[Node, Node] | None:
    r"""A pattern like ``\.exe(:.*)?$`` as one without what it may end with, and one with it; None for others."""
    match node:
        case Concat(parts=(*before, Repeat(tail, 0, 1), Anchor("end") as end)) if before:
            return concat(*before, end), concat(*before, tail, end)
    return None


def takes_line_feed(node: Node) -> bool:
    r"""Whether what is before the end of a pattern like ``:[^/]*$`` takes a line feed there: ``$`` is the end then, not before one."""
    return isinstance(node, Concat) and bool(node.parts) and _before_its_end(node.parts[-1], node.parts[:-1])


def _before_its_end(last: Node, before: tuple[Node, ...]) -> bool:
    """The same of a pattern that ends with ``last``, and asks for an end there alone."""
    match last:
        case Anchor("end"):
            return _ends_with_any(concat(*before)) and not any(n == last for part in before for n in walk(part))
        case Group(inner):
            return _before_its_end(inner, before)
        case Alternation(options) if Anchor("end") in options:
            others = [o for o in options if o != Anchor("end")]
            asked = any(n == Anchor("end") for part in (*before, *others) for n in walk(part))
            return not asked and (any(map(_may_be_line_feed, others)) or _ends_with_any(concat(*before)))
    return False


def takes_no_line_feed(node: Node) -> bool:
    r"""Whether a pattern like ``[a-z]+$`` has no match in a text that a line feed ends."""
    match node:
        case Concat(parts=(*before, Anchor("end"))):
            return _ends_with_another(concat(*before))
        case Alternation(options):
            return all(map(takes_no_line_feed, options))
        case Group(inner):
            return takes_no_line_feed(inner)
    return False


def _ends_with_another(node: Node) -> bool:
    """Whether all that a pattern matches ends with a character that is no line feed."""
    match node:
        case Literal(character):
            return character != "\n"
        case Class() | Any():
            return not takes_newline(node)
        case Group(inner):
            return _ends_with_another(inner)
        case Repeat(inner, least):
            return least > 0 and _ends_with_another(inner)
        case Alternation(options):
            return all(map(_ends_with_another, options))
        case Concat(parts=(*before, Repeat(inner, 0))):
            return _ends_with_another(inner) and _ends_with_another(concat(*before))
        case Concat(parts=(*_, last)):
            return _ends_with_another(last)
    return False


def _ends_with_any(node: Node) -> bool:
    match node:
        case Repeat(Class() | Any() as one, _, None):
            return takes_newline(one)
        case Group(inner):
            return _ends_with_any(inner)
        case Alternation(options):
            return all(map(_ends_with_any, options))
        case Concat(parts=(*before, Repeat(tail, 0, 1))):
            return _ends_with_any(tail) and (_may_be_line_feed(tail) or _ends_with_any(concat(*before)))
        case Concat(parts=(*_, last)):
            return _ends_with_any(last)
    return False


def _may_be_line_feed(node: Node) -> bool:
    """Whether a pattern matches a line feed alone."""
    match node:
        case Class() | Any():
            return takes_newline(node)
        case Group(inner):
            return _may_be_line_feed(inner)
        case Concat(parts=(first, *others)):
            return _may_be_line_feed(first) and all(isinstance(x, Repeat) and not x.least for x in others)
    return False


def _choices(node: Node) -> list[tuple[bool, str]] | None:
    """The texts that a pattern without repeats matches, each with whether it stands at the start; None for other patterns."""
    match node:
        case Literal():
            return [(False, node.character)]
        case Anchor(kind="start"):
            return [(True, "")]
        case Group():
            return _choices(node.node)
        case Class(negated=False) if all(isinstance(m, Range) and m.first == m.last for m in node.members):
            return [(False, chr(m.first)) for m in node.members if isinstance(m, Range)]
        case Alternation():
            options = [_choices(o) for o in node.options]
            return None if None in options else [c for o in options for c in o or ()]
        case Concat():
            found = [(False, "")]
            for part in node.parts:
                more = _choices(part)
                if more is None or len(found) * len(more) > MOST or any(anchored and text for _, text in found for anchored, _ in more):
                    return None
                found = [(before or anchored, text + own) for before, text in found for anchored, own in more]
            return found
    return None
