"""Letters beyond ASCII in conditions that ignore case, which products fold for the letters A to Z alone, or do not say that they do."""

from __future__ import annotations

from collections.abc import Iterator

from translator.detection.model import Detection
from translator.fidelity import Diagnostic, Place
from translator.plan.conditions import CASE_PAIRS
from translator.plan.expressions import Apply, Const, Expr, items_of
from translator.regex import syntax
from translator.regex.parser import parsed

_REGEX = "matches regex~"
_CASELESS = frozenset(CASE_PAIRS.values()) | {_REGEX}


def letters_in_events(detection: Detection, why: str) -> Iterator[Diagnostic]:
    """What is said of the conditions on events; ``why`` are the words on the product."""
    for side in detection.sides:
        for selector in side.selectors:
            yield from letters_in(selector.predicate, detection.place_of(selector), why)


def letters_in(predicate: Expr, place: Place, why: str) -> Iterator[Diagnostic]:
    """The same of one condition that stands at a place."""
    for atom, found in atoms_at(predicate, place):
        operands = [x for a in atom.args[1:] for x in items_of(a)]
        texts = [x.value for x in operands if isinstance(x, Const) and isinstance(x.value, str)]
        if atom.function == _REGEX:
            texts = ["".join(_spelled_out(text)) for text in texts]
        if atom.function in _CASELESS and any(not c.isascii() and c.lower() != c.upper() for text in texts for c in text):
            yield Diagnostic("ascii-case", why, atom.span, found)


def _spelled_out(regex: str) -> Iterator[str]:
    """The characters that a regular expression names one by one; a class of letters is mostly one of both cases."""
    tree = parsed(regex)
    return (node.character for node in syntax.walk(tree) if isinstance(node, syntax.Literal)) if tree is not None else iter(())


def atoms_at(predicate: Expr, place: Place) -> Iterator[tuple[Apply, Place]]:
    """The atoms of a condition that stands at a place, each with its own."""
    if not isinstance(predicate, Apply):
        return
    if predicate.function not in ("and", "or", "not"):
        yield predicate, place
        return
    for arg in predicate.args:
        yield from atoms_at(arg, place.turned if predicate.function == "not" else place)
