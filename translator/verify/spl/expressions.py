"""Expressions of eval and where.

Facts: Search Reference, "eval" (a period joins texts, a name with one is quoted; what is divided by 0 is null; ``+`` joins two texts; a
Boolean is no value of a field), "where" (keeps what is true); Search Manual, "Boolean expressions" (NOT, AND, OR, XOR), "Types of
expressions" (texts in double quotes, names in single quotes). What a null is under NOT, AND and OR is not documented: the caller says.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from lark import Token, Tree

from translator.verify.reading import NotReadable, Row
from translator.verify.spl import functions, multivalue, objects
from translator.verify.spl.regexes import pattern
from translator.verify.spl.running import Run
from translator.verify.spl.syntax import Node, unquoted
from translator.verify.spl.terms import read_terms
from translator.verify.spl.values import Value, compared, network_of, numeric, one, several, spelled, text, whole, within

Expression: TypeAlias = Callable[[Row, Run], Value]

ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": math.fmod,
}  # fmt: skip


def expression_of(node: Node) -> Expression:
    """A tree of an expression as what it is for a row.

    Raises:
        NotReadable: for what is not known.
    """
    if isinstance(node, Token):
        raise NotReadable(f"{node} in an expression", node.start_pos)
    children = node.children
    match node.data:
        case "parentheses" | "condition":
            return expression_of(children[0])
        case "number":
            number = numeric(str(children[0]))
            number = float(str(children[0])) if number is None else number
            return lambda row, run: number
        case "string":
            string = unquoted(str(children[0]))
            return lambda row, run: string
        case "quoted":
            return _field(str(children[0])[1:-1])
        case "field":
            return _bare(str(children[0]))
        case "no" | "both" | "either" | "exclusive":
            return _connected(str(node.data), [expression_of(c) for c in children])
        case "comparing":
            left, sign, right = children
            return _comparing(str(sign), expression_of(left), expression_of(right))
        case "liking":
            return functions_call("like", [expression_of(c) for c in children], children)
        case "among":
            subject, *members = [expression_of(c) for c in children]
            return lambda row, run: among(subject(row, run), [m(row, run) for m in members], run)
        case "sum" | "product":
            return _computing(children)
        case "signed":
            return _computing([Tree("number", [Token("NUMBER", "0")]), *children])
        case "joined":
            return _joining([expression_of(c) for c in children])
        case "call":
            name, *arguments = children
            return functions_call(str(name).lower(), [expression_of(a) for a in arguments], arguments)
        case "macro" | "subsearch":
            what = f"the macro {children[0]}" if node.data == "macro" else "a subsearch in an expression"
            return _refusing(what)
    raise NotReadable(str(node.data))


def _refusing(what: str) -> Expression:
    def refuse(row: Row, run: Run) -> Value:
        raise NotReadable(what)

    return refuse


def fields_of(node: Node) -> Iterable[str]:
    """The fields that an expression has."""
    if isinstance(node, Tree):
        if node.data in ("field", "quoted"):
            token = str(node.children[0])
            yield token[1:-1] if node.data == "quoted" else token
        else:
            for child in node.children:
                yield from fields_of(child)


def _field(name: str) -> Expression:
    return lambda row, run: row.get(name)


def _bare(name: str) -> Expression:
    if name not in _LITERALS:
        return _field(name)

    def literal(row: Row, run: Run) -> Value:
        if name in row:
            raise NotReadable(f"{name}: a literal or a field")
        return _LITERALS[name]

    return literal


_LITERALS: Mapping[str, Value] = {"true": True, "false": False, "null": None}
"""The literals that are words (Search Manual, "Types of expressions")."""


# --- operators


def _connected(kind: str, parts: Sequence[Expression]) -> Expression:
    def connected(row: Row, run: Run) -> Value:
        values = [_truth(part(row, run)) for part in parts]
        if kind == "no":
            return (None if run.unknown else True) if values[0] is None else not values[0]
        if kind == "exclusive":
            if None in values:
                raise NotReadable("XOR of a null")
            return values.count(True) % 2 == 1
        decisive = kind == "either"
        if decisive in values:
            return decisive
        return (None if run.unknown else False) if None in values else not decisive

    return connected


def _truth(value: Value) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise NotReadable(f"{value!r} as a condition")


def _comparing(sign: str, left: Expression, right: Expression) -> Expression:
    return lambda row, run: comparison(sign, left(row, run), right(row, run), run)


def comparison(sign: str, left: Value, right: Value, run: Run) -> bool | None:
    """Whether values compare; null where one is. Of several values one is enough for ``==``.

    Raises:
        NotReadable: for other operators where only some of several values compare, which is not documented.
    """
    if left is None or right is None:
        return None
    found = {compared(sign, a, b, run.texts_are_numbers) for a in several(left) for b in several(right)}
    if len(found) > 1 and sign not in ("=", "=="):
        raise NotReadable(f"{sign} of several values")
    return True in found


def among(subject: Value, members: Sequence[Value], run: Run) -> bool | None:
    """Whether a value is one of others (Search Reference, "in"); nulls are none of them."""
    return None if subject is None else any(comparison("==", subject, m, run) is True for m in members)


def _computing(children: Sequence[Node]) -> Expression:
    if any(isinstance(c, Tree) and c.data == "joined" for c in children):
        raise NotReadable("whether a period or arithmetic is first")
    first, *rest = [c if isinstance(c, Token) else expression_of(c) for c in children]
    assert not isinstance(first, Token)
    stored = all(_is_field(c) for c in children if isinstance(c, Tree))
    steps = [(str(sign), part) for sign, part in zip(rest[::2], rest[1::2], strict=True) if not isinstance(part, Token)]

    def computing(row: Row, run: Run) -> Value:
        total = first(row, run)
        for sign, part in steps:
            operand = part(row, run)
            if not stored and sign == "+" and _looks_numeric(total) and _looks_numeric(operand):
                raise NotReadable("whether texts that look like numbers are added or joined")
            total = computed(sign, total, operand)
        return total

    return computing


def _is_field(node: Node) -> bool:
    return isinstance(node, Tree) and node.data in ("field", "quoted")


def _looks_numeric(value: Value) -> bool:
    return isinstance(value, str) and numeric(value) is not None


def computed(sign: str, left: Value, right: Value) -> Value:
    """What arithmetic gives: null for what is no number and where 0 divides; ``+`` joins two texts."""
    if isinstance(left, list) or isinstance(right, list):
        raise NotReadable("arithmetic with several values")
    if isinstance(left, bool) or isinstance(right, bool):
        raise NotReadable("arithmetic with a Boolean")
    if left is None or right is None:
        return None
    a, b = numeric(left), numeric(right)
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right if a is None or b is None else whole(a + b)
    if a is None or b is None:
        if sign == "+":
            raise NotReadable("the sum of a number and a text")
        return None
    if b == 0 and sign in "/%":
        return None
    try:
        return whole(ARITHMETIC[sign](a, b))
    except OverflowError:
        raise NotReadable("a number beyond the largest") from None


def _joining(parts: Sequence[Expression]) -> Expression:
    def joining(row: Row, run: Run) -> Value:
        values = [part(row, run) for part in parts]
        if any(isinstance(v, list) for v in values):
            raise NotReadable("several values that a period joins")
        return None if None in values else "".join(map(spelled, values))

    return joining


# --- functions


def functions_call(name: str, arguments: list[Expression], nodes: Sequence[Node]) -> Expression:
    """A function with its arguments (Search Reference, "Evaluation functions").

    Raises:
        NotReadable: for a function that is not known, and a number of arguments that it does not take.
    """
    counts = _SPECIAL.get(name) or functions.COUNTS.get(name) or multivalue.COUNTS.get(name) or objects.COUNTS.get(name)
    if counts is None:
        raise NotReadable(f"the function {name}", nodes[0].start_pos if nodes and isinstance(nodes[0], Token) else None)
    least, most = counts
    if not least <= len(arguments) <= most or (name == "case" and len(arguments) % 2):
        raise NotReadable(f"{name} of {len(arguments)} arguments")
    if name in _SPECIAL:
        return _special(name, arguments, nodes)
    compute = functions.call if name in functions.COUNTS else multivalue.call if name in multivalue.COUNTS else objects.call

    def plain(row: Row, run: Run) -> Value:
        values = [a(row, run) for a in arguments]
        if name in ("typeof", "isnum", "isint") and not _is_field(nodes[0]) and _looks_numeric(values[0]):
            raise NotReadable(f"{name} of a text that looks like a number and is no field's")
        return compute(name, values, run)

    return plain


_MANY = 10_000

_SPECIAL: Mapping[str, tuple[int, int]] = {
    "case": (2, _MANY), "validate": (2, _MANY), "if": (3, 3), "coalesce": (1, _MANY), "null": (0, 0), "true": (0, 0), "false": (0, 0),
    "isnull": (1, 1), "isnotnull": (1, 1), "in": (2, _MANY), "like": (2, 2), "match": (2, 2), "searchmatch": (1, 1), "nullif": (2, 2),
    "cidrmatch": (2, 2), "mvfilter": (1, 1), "mvmap": (2, 2), "now": (0, 0),
}  # fmt: skip


def _special(name: str, arguments: list[Expression], nodes: Sequence[Node]) -> Expression:
    """The functions that choose what they compute, or compare."""
    first = arguments[0] if arguments else _field("")
    match name:
        case "null" | "true" | "false":
            constant = {"null": None, "true": True, "false": False}[name]
            return lambda row, run: constant
        case "now":
            return lambda row, run: whole(run.now())
        case "if":
            return lambda row, run: arguments[1 if _truth(first(row, run)) is True else 2](row, run)
        case "case" | "validate":
            pairs, wanted = list(zip(arguments[::2], arguments[1::2], strict=False)), name == "case"

            def chosen(row: Row, run: Run) -> Value:
                for condition, value in pairs:
                    found = _truth(condition(row, run))
                    if found is None and not wanted:
                        raise NotReadable("a null as a condition of validate")
                    if found is wanted:
                        return value(row, run)
                return None

            return chosen
        case "coalesce":
            return lambda row, run: next((v for a in arguments if (v := a(row, run)) is not None), None)
        case "isnull":
            return lambda row, run: first(row, run) is None
        case "isnotnull":
            return lambda row, run: first(row, run) is not None
        case "in":
            return lambda row, run: among(first(row, run), [a(row, run) for a in arguments[1:]], run)
        case "nullif":
            return lambda row, run: (
                None if comparison("==", first(row, run), arguments[1](row, run), run) is True else first(row, run)
            )  # fmt: skip
        case "searchmatch":
            (node,) = nodes
            if not (isinstance(node, Tree) and node.data == "string"):
                raise NotReadable("searchmatch of a text that is computed")
            condition = read_terms(unquoted(str(node.children[0])))
            return lambda row, run: condition(row, run)
        case "mvfilter" | "mvmap":
            return _each(name, arguments[-1], nodes)
    return lambda row, run: _tested(name, first(row, run), arguments[1](row, run))


def _tested(name: str, first: Value, second: Value) -> bool | None:
    if first is None or second is None:
        return None
    if name == "match":
        if isinstance(second, list):
            raise NotReadable("several regular expressions of match")
        found = pattern(text(second))
        return any(found.found(text(v)) for v in several(first))
    if isinstance(first, list) or isinstance(second, list):
        raise NotReadable(f"{name} of several values")
    if name == "like":
        return functions.like(text(first), text(second))
    network = network_of(text(first))
    if network is None:
        raise NotReadable(f"the range {text(first)} of cidrmatch")
    return within(second, network)


def _each(name: str, each: Expression, nodes: Sequence[Node]) -> Expression:
    """mvfilter and mvmap: an expression of every value of one field (Search Reference, "Multivalue eval functions")."""
    (field, *others) = set(fields_of(nodes[0])) or {""}
    if others or not field:
        raise NotReadable(f"{name} over several fields")

    def over(row: Row, run: Run) -> Value:
        found = [(v, each(row | {field: v}, run)) for v in several(row.get(field))]
        if name == "mvfilter":
            return one([v for v, kept in found if _truth(kept) is True])
        return one([m for _, made in found for m in several(made)])

    return over
