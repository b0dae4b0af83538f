"""What Elasticsearch refuses of an EQL condition before it reads an event: types, and what it cannot compare.

Facts: EQL syntax reference, "Limitations for comparisons" and "Comparing fields"; Verifier.java and TypeResolutions.java of Elasticsearch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from translator.verify.eql.documents import kind_of
from translator.verify.eql.functions import FUNCTIONS, is_address
from translator.verify.eql.syntax import (
    Among,
    And,
    Arithmetic,
    Call,
    Comparison,
    Expression,
    Field,
    Literal,
    Not,
    Or,
    Pattern,
    fields_of,
    parts_of,
)
from translator.verify.reading import NotReadable


class WrongType(NotReadable, TypeError):
    """What Elasticsearch refuses for the types of its operands."""


def condition(node: Expression, kinds: Mapping[str, str]) -> None:
    """Checks a condition behind ``where``.

    Args:
        kinds: the types of fields (text, number, bool, ip, date); a field that is not among them has any.

    Raises:
        NotReadable: for what the server refuses.
    """
    _wanted(node, frozenset(("bool",)), "where", kinds)


def mapped(node: Expression, known: Collection[str], negated: bool = False) -> None:
    """Checks that it does not matter whether a field that no event has is in the mapping.

    One that is not makes a condition null, and its ``not`` as well; one that is makes it false, and its ``not`` true.

    Args:
        known: the names of the fields that events have.

    Raises:
        NotReadable: for an optional field that no event has, compared below a ``not``.
    """
    match node:
        case Field(name=name, optional=True) if negated and name not in known:
            raise NotReadable(f"not of ?{name}, which no event has: it may not be in the mapping", node.at)
        case Comparison(left=left, right=right) if any(isinstance(s, Literal) and s.value is None for s in (left, right)):
            return
    negates = isinstance(node, Not) or (isinstance(node, Comparison) and node.operator == "!=")
    for part in parts_of(node):
        mapped(part, known, negated or negates)


def kind(node: Expression, kinds: Mapping[str, str]) -> str | None:
    """The type of an expression; None for null, and where it is not known."""
    match node:
        case Literal(value=value):
            return None if value is None else kind_of(value)
        case Field(name=name):
            return kinds.get(name)
        case Arithmetic(left=left, right=right):
            for operand in (left, right):
                _wanted(operand, frozenset(("number",)), "arithmetic", kinds)
            return "number"
        case Comparison(left=left, right=right):
            _comparable(node, kinds)
            if fields_of(left) and fields_of(right):
                raise NotReadable("a comparison of a field with a field", node.at)
            return "bool"
        case Among(subject=subject, values=values, caseless=caseless):
            for candidate in values:
                if fields_of(candidate):
                    raise NotReadable("a comparison of a field with a field", node.at)
                _alike(subject, candidate, node.at, kinds)
            if caseless:
                for part in (subject, *values):
                    _wanted(part, frozenset(("text",)), "in~", kinds)
            return "bool"
        case Pattern(subject=subject, kind=word):
            _wanted(subject, frozenset(("text",)), ":" if word == "like" else word, kinds)
            return "bool"
        case Not() | And() | Or():
            for part in parts_of(node):
                _wanted(part, frozenset(("bool",)), "and, or and not", kinds)
            return "bool"
        case Call():
            return _result(node, kinds)


def _result(node: Call, kinds: Mapping[str, str]) -> str:
    function = FUNCTIONS.get(node.name)
    if function is None or (node.caseless and not function.tilde):
        raise NotReadable(f"the function {node.name}{'~' * node.caseless}", node.at)
    if not function.least <= len(node.args) <= (function.most or len(node.args)):
        raise NotReadable(f"{node.name} with {len(node.args)} arguments", node.at)
    for number, arg in enumerate(node.args):
        wanted = function.kinds[min(number, len(function.kinds) - 1)]
        if wanted == {"ip"} and isinstance(arg, Literal) and (arg.value is None or is_address(arg.value)):
            continue
        _wanted(arg, wanted, node.name, kinds)
    if node.name == "cidrmatch" and any(fields_of(a) for a in node.args[1:]):
        raise NotReadable("cidrMatch with a block that is no constant", node.at)
    return function.result


def _wanted(node: Expression, wanted: frozenset[str], by: str, kinds: Mapping[str, str]) -> None:
    found = kind(node, kinds)
    if found is not None and found not in wanted:
        raise WrongType(f"{by} of type {found}", node.at)


def _comparable(node: Comparison, kinds: Mapping[str, str]) -> None:
    _alike(node.left, node.right, node.at, kinds)
    sides = (node.left, node.right)
    if node.operator not in ("==", "!="):
        if any(isinstance(s, Literal) and s.value is None for s in sides):
            raise NotReadable(f"{node.operator} with null", node.at)
        if "bool" in (kind(s, kinds) for s in sides):
            raise WrongType(f"{node.operator} of type bool", node.at)


def _alike(left: Expression, right: Expression, at: int, kinds: Mapping[str, str]) -> None:
    found = [kind(left, kinds), kind(right, kinds)]
    if None in found:
        return
    if "ip" in found:
        other = right if found[0] == "ip" else left
        if found[0] != found[1] and not (isinstance(other, Literal) and is_address(other.value)):
            raise WrongType("an address compared with what is none", at)  # a block, too, is one for cidrMatch here
    elif "date" in found:
        other = right if found[0] == "date" else left
        if not isinstance(other, Literal) or isinstance(other.value, bool):
            raise WrongType("a time compared with what is no constant", at)
    elif found[0] != found[1]:
        raise WrongType(f"{found[0]} compared with {found[1]}", at)
