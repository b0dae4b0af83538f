"""What ``search`` can tell of a condition, before any other command.

Facts: Search Reference, "search" (texts without case, ``*`` for anything, ranges of addresses in CIDR notation, IN for any of some values,
NOT for events without the field too, ``!=`` for none of these); Search Manual, "Backslashes" (two stand for one, and an asterisk behind
one has no other meaning).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from translator.fidelity import Place
from translator.plan.conditions import is_field
from translator.plan.expressions import Apply, Const, Expr, items_of
from translator.plan.types import Type
from translator.targets.names import Names
from translator.targets.splunk.words import WORDS, is_network, string

MOST_REPEATED = 25
"""Values that stand in the search as well as in ``where``, which tells their case."""

MOST_LISTED = 1_000

_WILD = {
    "==": "{}", "=~": "{}", "in": "{}", "in~": "{}", "contains": "*{}*", "endswith": "*{}", "endswith_cs": "*{}", "startswith": "{}*",
    "startswith_cs": "{}*",
}  # fmt: skip
_CASELESS = frozenset({"=~", "in~", "contains", "endswith", "startswith"})


@dataclass(frozen=True, slots=True)
class Term:
    """Search terms that all events match which satisfy a condition.

    Attributes:
        whole: whether no other events match them.
        compared: the field and the values where the terms are that it is one of these.
    """

    text: str
    whole: bool
    compared: tuple[str, tuple[str, ...]] | None = None


def term_of(names: Names, condition: Expr) -> Term | None:
    """The terms of a condition; None where there are none."""
    match condition:
        case Apply(function="and", args=args):
            found = [t for a in args if (t := term_of(names, a)) is not None]
            texts = dict.fromkeys(t.text for t in found)
            return Term(f"({' '.join(texts)})", len(found) == len(args) and all(t.whole for t in found)) if found else None
        case Apply(function="or", args=args):
            return _any_of([term_of(names, a) for a in args])
        case Apply(function="not", args=(Apply(function="isempty" | "isnull" as asked, args=(subject,)),)) if is_field(subject):
            return _present(names, subject, asked == "isempty" and not names.never_empty(subject))
        case Apply(function="not", args=(refused,)):
            with names.within(Place.TURNED):
                term = term_of(names, refused)
            return Term(f"NOT {term.text}", True) if term is not None and term.whole else None
        case Apply(function=function, args=(subject, operand)) if function in _WILD and is_field(subject):
            return _comparison(names, function, subject, operand)
    return None


def alternatives(searches: list[list[Term]]) -> list[str]:
    """The searches, of which each has all of some terms, as they stand between ORs."""
    if all(len(terms) == 1 and terms[0].compared is not None for terms in searches):
        return [t.text for t in _merged([term for (term,) in searches])]
    return list(dict.fromkeys(f"({' '.join(t.text for t in terms)})" for terms in searches))


def _any_of(terms: list[Term | None]) -> Term | None:
    found = [t for t in terms if t is not None]
    if len(found) < len(terms):
        return None
    whole = all(t.whole for t in found)
    if not whole and sum(len(t.compared[1]) if t.compared else 1 for t in found) > MOST_REPEATED:
        return None
    merged = _merged(found)
    return merged[0] if len(merged) == 1 else Term(f"({' OR '.join(t.text for t in merged)})", whole)


def _merged(terms: list[Term]) -> list[Term]:
    """Alternatives, of which those on one field are one list."""
    whole = all(t.whole for t in terms)
    listed: dict[str, list[str]] = {}
    for term in terms:
        if term.compared is not None:
            listed.setdefault(term.compared[0], []).extend(term.compared[1])
    every = [_listed(name, values, whole) for name, values in listed.items()]
    return every + [Term(text, whole) for text in dict.fromkeys(t.text for t in terms if t.compared is None)]


def _listed(name: str, values: Iterable[str], whole: bool) -> Term:
    once = tuple(dict.fromkeys(values))
    return Term(f"{name}={once[0]}" if len(once) == 1 else f"{name} IN ({', '.join(once)})", whole, (name, once))


def _present(names: Names, subject: Expr, filled: bool) -> Term | None:
    if names.in_json(subject, named=True) is not None or names.is_multivalue(subject):
        return None
    with names.within(Place.TURNED):
        name = _searchable(names, subject)
    return Term(f'{name}!=""' if filled else f"{name}=*", True) if name is not None else None


def _searchable(names: Names, subject: Expr) -> str | None:
    """The name of a field, where ``search`` takes it as it is."""
    name = names.field(subject)
    return name if name.lower() not in WORDS and all(c.isalnum() or c in "._" for c in name) else None


def _comparison(names: Names, function: str, subject: Expr, operand: Expr) -> Term | None:
    items = items_of(operand)
    values = [_value(function, subject, i) for i in items]
    whole = function in _CASELESS or all(map(_is_caseless, items))
    if not items or None in values or len(items) > (MOST_LISTED if whole else MOST_REPEATED) or names.in_json(subject) is not None:
        return None
    name = _searchable(names, subject)
    return _listed(name, [v for v in values if v is not None], whole) if name is not None else None


def _value(function: str, subject: Expr, operand: Expr) -> str | None:
    match operand:
        case Const(value=bool(value)) if subject.type == Type.BOOL:
            return string(str(value).lower())
        case Const(value=int(value), type=Type.INT | Type.LONG) if subject.type in (Type.INT, Type.LONG) and function in ("==", "in"):
            return str(value)
        case Const(value=str(text)) if (
            text and text == text.strip() and not any(c in '*"?' or unicodedata.category(c) == "Cc" for c in text)
        ):
            of_one_range = is_network(text)  # which search takes for all of its addresses
            other_cases = any(not c.isascii() and c.lower() != c.upper() for c in text)
            return None if of_one_range or other_cases else string(_WILD[function].format(text))
    return None


def _is_caseless(operand: Expr) -> bool:
    return isinstance(operand, Const) and (not isinstance(operand.value, str) or operand.value.lower() == operand.value.upper())
