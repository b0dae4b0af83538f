"""Conditions on places inside of JSON that may hold an object or an array.

KQL compares the text of the whole value, ``{"id":"x"}`` as ``["x"]``. Products have fields of plain values alone: of an object those
of its parts, of an array one of several values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from translator import catalog
from translator.catalog import Steps
from translator.fidelity import Notes, Place
from translator.plan.conditions import EQUALITIES, TEXT_SEARCHES, fields_of
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import ELEMENT, Apply, ColumnRef, Const, Expr, Path, conjunction, disjunction, items_of, walk
from translator.plan.pins import constants
from translator.plan.types import Type

MOST_PARTS = 16
"""Parts of an object that are asked one by one: a condition on more is no longer read by anybody."""

_REGEXES = frozenset({"matches regex", "matches regex~"})

_WHOLE = frozenset({"startswith", "startswith_cs", "endswith", "endswith_cs"})

_SEARCHES = (TEXT_SEARCHES - _WHOLE) | _REGEXES
"""Operators that search anywhere in a text."""

_PARTS_OF_TEXT = frozenset({"extract", "split", "substring", "strlen", "replace_regex", "replace_string", "indexof", "countof"})
"""Functions of a text whose result may be that of a part of it: of the text of an object or an array what no single value of it gives."""

_EMPTY = frozenset({"isempty", "isnull"})

_WORDS = re.compile(r"(?=[^ ])(?=.*[A-Za-z])[A-Za-z0-9 #@._;%$!()*=?^|~-]+(?<! )", re.ASCII)
"""Texts that stand in JSON as they are, however it is laid out: none of its marks, nothing that some writers escape, no number alone
(RFC 8259, sections 2, 6 and 7)."""

_PLAIN = re.compile(r"(?![\s{\[]).+(?<![\s}\]])", re.DOTALL)
"""Texts that neither begin nor end as objects and arrays do."""

_FRACTION = re.compile(r"-?[0-9]+(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)", re.ASCII)
"""Numbers that JSON may have in several spellings."""

_NUMBER = re.compile(r"[-.0-9]+[eE][-0-9]*")


def with_parts(condition: Expr, whole: Callable[[Expr, bool, bool], bool], flat: bool, notes: Notes, negated: bool = False) -> Expr:
    """``condition`` with the parts of what is known to be an object in its place, and what is said of the other values.

    Args:
        condition: on the fields of events, in normal form.
        whole: whether the target reads all that is at a place as one text, or can answer where only that is asked whether anything is
            there, or for what does not depend on how the text is laid out.
        flat: whether the target takes arrays of objects for several values of each part, and a condition on several values is no condition.
        notes: what is said goes here.
        negated: whether the condition stands below a negation of its predicate.
    """
    match condition:
        case Apply(function="and" | "or", args=args):
            parts = tuple(with_parts(a, whole, flat, notes, negated) for a in args)
            return Apply(condition.span, condition.type, condition.function, parts)
        case Apply(function="not", args=(inner,)):
            with notes.within(Place.TURNED):
                return Apply(condition.span, condition.type, "not", (with_parts(inner, whole, flat, notes, not negated),))
        case Apply():
            return _atom(condition, whole, flat, notes, negated)
    return condition


def _atom(atom: Apply, whole: Callable[[Expr, bool, bool], bool], flat: bool, notes: Notes, negated: bool) -> Expr:
    asked = atom.function in _EMPTY
    searched = asked or atom.function in _SEARCHES or _compares_with_json(atom)
    for field, column, steps in _places(atom):
        below = _below(column, steps)
        if below is None and any(_below(column, steps[:n]) == () for n in range(1, len(steps))):
            what = f"{column.column.name} has a text there that holds JSON, of which the output would need fields"
            notes.say("json-in-string", what, atom.span, Place.TURNED if asked else Place.PLAIN)
            continue
        if below == () or whole(field, asked, _is_of_words(atom) or (flat and _is_of_plain_text(atom))):
            continue
        name = _name(column, steps)
        deep = flat and len(steps) > 1 and _below(column, steps[:-1]) is None
        several = not searched or atom.function in _WHOLE or _is_anchored(atom) or deep or (flat and negated and not asked)
        if several and steps[-1:] != (ELEMENT,):
            what = f"{name} may hold an array, of whose values any may satisfy this; the KQL compares the text of the whole"
            notes.say("array-compared", what, atom.span, Place.TURNED if asked else Place.PLAIN)
        if not searched and not _takes_apart(atom, field):
            continue
        parts = _parts(field, column, steps, below or ()) if field is atom.args[0] else []
        if parts and _is_of_words(atom) and _tells_all(atom, column, steps, below or ()):
            return disjunction(*(Apply(atom.span, atom.type, atom.function, (p, *atom.args[1:])) for p in parts))
        if not parts:
            what = f"the KQL searches the JSON text of {name}, of which the output needs a field of its own"
        else:
            what = f"the KQL searches the JSON text of {name}, the output those of its parts that are known"
        if asked:
            what = f"an object or an array in {name} is not empty, and " + (
                "the output knows it by some of its parts only" if parts else "the output needs a field of its own for it"
            )
        notes.say("object-as-text", what, atom.span, Place.TURNED if asked else Place.PLAIN)
        if parts:
            conditions = [Apply(atom.span, atom.type, "isempty" if asked else atom.function, (p, *atom.args[1:])) for p in parts]
            return conjunction(*conditions) if asked else disjunction(*conditions)
    return atom


def note_whole(value: Expr, notes: Notes) -> None:
    """A word on a key, or a counted value, that is not known to be a plain one: KQL groups by the text of an object."""
    if isinstance(value, Apply) and value.function == JSON_TEXT:
        return
    for _, column, steps in _places(value):
        if steps[-1:] != (ELEMENT,) and _below(column, steps) != ():
            what = f"{_name(column, steps)} may hold an object or an array, whose text the KQL groups or counts by"
            notes.say("array-compared", f"{what}, the output by each value, or none", value.span, Place.BOTH)


def is_plain(field: Expr) -> bool:
    """Whether a stored field is known to hold no object and no array."""
    return all(_below(column, steps) == () for _, column, steps in _places(field))


def _places(expr: Expr) -> Iterator[tuple[Expr, ColumnRef, tuple[str | int, ...]]]:
    """The fields that ``expr`` reads inside of columns, and dynamic columns as a whole, with column and steps of each."""
    for field in fields_of(expr):
        column, steps = (field.base, field.steps) if isinstance(field, Path) else (field, ())
        if isinstance(column, ColumnRef) and (steps or column.type == Type.DYNAMIC):
            yield field, column, steps


def _below(column: ColumnRef, steps: tuple[str | int, ...]) -> tuple[Steps, ...] | None:
    return catalog.inside(column.column.table or "", column.column.name, steps)


def _name(column: ColumnRef, steps: tuple[str | int, ...]) -> str:
    return ".".join([column.column.name, *(str(s) for s in steps if s != ELEMENT)])


def _is_of_words(atom: Apply) -> bool:
    """Whether a condition searches anywhere in a text, for what no writer of JSON puts in another way."""
    if atom.function not in TEXT_SEARCHES - _WHOLE or len(atom.args) != 2:
        return False
    values = constants(atom.args[1])
    return bool(values) and all(isinstance(v, str) and _WORDS.fullmatch(v) and not _NUMBER.fullmatch(v) for v in values or ())


def _is_of_plain_text(atom: Apply) -> bool:
    """Whether a condition compares the whole of a text, or its beginning or end, with what the text of no object and no array is or has."""
    if len(atom.args) != 2 or atom.function not in _WHOLE | EQUALITIES:
        return False
    values = constants(atom.args[1])
    return bool(values) and all(isinstance(v, str) and _PLAIN.fullmatch(v) and not _FRACTION.fullmatch(v) for v in values or ())


def _tells_all(atom: Apply, column: ColumnRef, steps: tuple[str | int, ...], below: tuple[Steps, ...]) -> bool:
    """Whether what a condition searches for in the text of an object is nowhere but in the parts of it that are known."""
    sought = [str(v).lower() for v in constants(atom.args[1]) or ()]
    names = [str(s).lower() for part in below for s in part]
    return catalog.is_complete(column.column.table or "", column.column.name, steps) and not any(v in n for v in sought for n in names)


def _is_anchored(atom: Apply) -> bool:
    patterns = [a.value for a in atom.args[1:] if isinstance(a, Const) and isinstance(a.value, str)]
    return atom.function in _REGEXES and any("^" in p or "$" in p for p in patterns)


def _takes_apart(atom: Apply, field: Expr) -> bool:
    """Whether a condition is on what is computed of parts of the text of a field."""
    computed = (n for n in walk(atom) if isinstance(n, Apply) and n.function in _PARTS_OF_TEXT)
    return any(inner is field for n in computed for inner in fields_of(n))


def _compares_with_json(atom: Apply) -> bool:
    """Whether a literal, or one of a list, is an object's or an array's text, or what its beginning or its end may be."""
    texts = [i.value for operand in atom.args[1:] for i in items_of(operand) if isinstance(i, Const) and isinstance(i.value, str)]
    if atom.function in _WHOLE:
        return any(text.startswith(("{", "[")) or text.endswith(("}", "]")) for text in texts)
    return any(_is_json(text) for text in texts)


def _is_json(text: str) -> bool:
    try:
        return text.startswith(("{", "[")) and isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _parts(field: Expr, column: ColumnRef, steps: tuple[str | int, ...], below: tuple[Steps, ...]) -> list[Expr]:
    if not below or len(below) > MOST_PARTS or any(ELEMENT in part for part in below):
        return []
    return [Path(field.span, Type.STRING, column, (*steps, *part)) for part in below]
