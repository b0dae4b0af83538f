"""Expressions whose types are checked before a row is read.

Facts: "ES|QL operators" (elastic.co/docs/reference/query-languages/esql/functions-operators/operators: a comparison or arithmetic of
several values is null; whole numbers divide to whole numbers; what leaves the range of its type is null), "LIKE and RLIKE", "IN", "Null
values" and "Multivalued fields" of the same reference, "Implicit casting" (a literal of text beside a date, an ip, a version or a truth
value is one); AND, OR and NOT take a null as unknown. Which types compare: EsqlBinaryComparison.java.
"""

from __future__ import annotations

import math
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase

from translator.verify.esql import conditionals, conversions, maths, moments, regex, several, strings
from translator.verify.esql import syntax as s
from translator.verify.esql.aggregates import AGGREGATES, GROUPINGS
from translator.verify.esql.functions import Compiled, Function, Given, cast_literal, constant, held
from translator.verify.esql.types import DATES, NUMBERS, SPANS, TEXTS, Rejected, Value, alike, common, order_of
from translator.verify.reading import NotReadable, Row, ValueNotTold

FUNCTIONS: Mapping[str, Function] = {
    **strings.FUNCTIONS, **maths.FUNCTIONS, **moments.FUNCTIONS, **conversions.FUNCTIONS, **several.FUNCTIONS, **conditionals.FUNCTIONS,
}  # fmt: skip
"""The functions of the reference, those that are not run among them."""

_COMPARED: dict[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_CAST = ("date", "date_nanos", "ip", "version", "boolean")


@dataclass(slots=True)
class Scope:
    """The columns that an expression may read.

    Attributes:
        columns: their types.
        open: whether the mapping is not known as a whole, so that a name that no event has may be a field: it is null.
        gone: names that were dropped or renamed.
        now: the time in milliseconds, if it is known.
        constants: values of columns that are the same in all rows.
        grouping: whether the expression is of STATS, where rows are grouped by functions like BUCKET.
    """

    columns: dict[str, str]
    open: bool = False
    gone: set[str] = field(default_factory=set)
    now: int | None = None
    constants: Mapping[str, Value] = field(default_factory=dict)
    grouping: bool = False

    def type_of(self, name: str, at: int) -> str:
        """Raises Rejected for a column that is not there, or whose type ES|QL does not read."""
        found = self.columns.get(name)
        if found is None and (not self.open or name in self.gone):
            raise Rejected(f"unknown column {name}", at)
        if found == "unread":
            raise NotReadable(f"METADATA {name}", at)
        if found == "unsupported":
            raise Rejected(f"the type of {name} is not read by ES|QL", at)
        return found or "null"


def compiled(node: s.Expression, scope: Scope) -> Compiled:
    """An expression over columns.

    Raises:
        Rejected: where Elasticsearch refuses it for its types or columns.
        NotReadable: for what is not known here.
    """
    match node:
        case s.Literal(type=kind, value=value):
            return constant(kind, list(value) if isinstance(value, tuple) else value)
        case s.Column(name=name):
            kind = scope.type_of(name, node.start)
            if name in scope.constants:
                return constant(kind, scope.constants[name])
            return Compiled(kind, lambda row: row.get(name)) if name in scope.columns else constant("null", None)
        case s.Call():
            return _call(node, scope)
        case s.Cast(type=kind):
            if kind not in conversions.CASTS:
                raise NotReadable(f"the type {kind}", node.start)
            return _call(s.Call(node.start, node.end, conversions.CASTS[kind], (node.operand,)), scope)
        case s.Binary(operator=sign):
            return _comparison(node, scope) if sign in _COMPARED else _arithmetic(node, scope)
        case s.Negative():
            operand = compiled(node.operand, scope)
            if operand.type in SPANS and operand.constant:
                return constant(operand.type, -operand.value)
            _wanted(operand, (*[n for n in NUMBERS if n != "unsigned_long"], "null"), "-", node.start)
            return _checked(maths.negative(operand))
        case s.Logical():
            return _logical(node, scope)
        case s.Not():
            operand = _condition(node.operand, scope, "NOT")
            return Compiled("boolean", lambda row: None if (v := _single(operand.of(row))) is None else not v, operand.constant)
        case s.IsNull():
            operand = compiled(node.operand, scope)
            return Compiled("boolean", lambda row: operand.of(row) is None, operand.constant)
        case s.In():
            return _in(node, scope)
        case s.Like():
            return _like(node, scope)
        case s.Match():
            raise NotReadable("the operator :", node.start)


def condition(node: s.Expression, scope: Scope, by: str) -> Callable[[Row], bool]:
    """Whether a condition holds for a row; a null one does not."""
    found = _condition(node, scope, by)
    return lambda row: found.of(row) is True


def _condition(node: s.Expression, scope: Scope, by: str) -> Compiled:
    found = compiled(node, scope)
    _wanted(found, ("boolean", "null"), by, node.start)
    return found


def _wanted(found: Compiled, kinds: tuple[str, ...], by: str, at: int) -> None:
    if found.type not in kinds:
        raise Rejected(f"{by} wants {kinds[0]}, not {found.type}", at)


def _single(value: Value) -> Value:
    return None if isinstance(value, list) else value


def _call(node: s.Call, scope: Scope) -> Compiled:
    function = FUNCTIONS.get(node.name)
    if function is None and node.name in AGGREGATES:
        raise Rejected(f"the aggregate {node.name} outside of STATS, or in another", node.start)
    if function is None:
        raise NotReadable(f"the function {node.name}", node.start)
    if node.name in GROUPINGS and not scope.grouping:
        raise Rejected(f"{node.name} outside of STATS", node.start)
    if node.star:
        raise Rejected(f"{node.name}(*)", node.start)
    if node.options:
        raise NotReadable(f"options of the function {node.name}", node.start)
    args = tuple(compiled(a, scope) for a in node.args)
    return function(Given(node.name, args, node.args, node.start, scope.now))


def _logical(node: s.Logical, scope: Scope) -> Compiled:
    word, decisive = ("OR", True) if node.either else ("AND", False)
    left, right = _condition(node.left, scope, word), _condition(node.right, scope, word)

    def of(row: Row) -> Value:
        one = _single(left.of(row))
        if one is decisive:
            return decisive
        two = _single(right.of(row))
        return decisive if two is decisive else None if one is None or two is None else not decisive

    return Compiled("boolean", of, left.constant and right.constant)


# --- comparisons


def _comparable(left: Compiled, right: Compiled, sign: str, at: int) -> Callable[[Value], Value] | None:
    """What both sides are compared by, None where that is the values themselves. Raises Rejected where they do not compare."""
    one, two = left.type, right.type
    if "null" not in (one, two):
        fits = alike(one, two) or common(one, two) is not None
        if not fits or one in SPANS:
            raise Rejected(f"{one} {sign} {two}", at)
        if one == "boolean" and sign not in ("==", "!=", "IN"):
            raise Rejected(f"{sign} of truth values", at)
    return (lambda v: order_of("version", v)) if "version" in (one, two) else None


def _scaled(found: Compiled, other: Compiled) -> Callable[[Row], Value]:
    """A side of a comparison; a date beside one of nanoseconds is scaled."""
    if found.type == "date" and other.type == "date_nanos":
        return lambda row: v * 1_000_000 if isinstance(v := found.of(row), int) else v
    return found.of


def _sides(left: s.Expression, right: s.Expression, scope: Scope) -> tuple[Compiled, Compiled]:
    """Both sides, where one that is a literal of text takes the other's type."""
    one, two = compiled(left, scope), compiled(right, scope)
    if one.type in _CAST:
        two = cast_literal(two, right, one.type)
    elif two.type in _CAST:
        one = cast_literal(one, left, two.type)
    return one, two


def _comparison(node: s.Binary, scope: Scope) -> Compiled:
    left, right = _sides(node.left, node.right, scope)
    key = _comparable(left, right, node.operator, node.start)
    compare, one_of, two_of = _COMPARED[node.operator], _scaled(left, right), _scaled(right, left)

    plain = _of_ascii(node.left if node.operator in ("==", "!=") and right.constant else node, scope)

    def of(row: Row) -> Value:
        one, two = one_of(row), two_of(row)
        if one is None or two is None or isinstance(one, list) or isinstance(two, list):
            return None
        if (text := plain(row)) is not None and compare(text, two) != compare(one, two):
            raise NotReadable(_BEYOND_ASCII, node.start)
        return compare(key(one), key(two)) if key else compare(one, two)

    return Compiled("boolean", of, left.constant and right.constant)


def _in(node: s.In, scope: Scope) -> Compiled:
    parts = []
    for value in node.values:
        subject, other = _sides(node.subject, value, scope)
        parts.append(_pair(subject, other, _comparable(subject, other, "IN", value.start)))

    def of(row: Row) -> Value:
        found = [part(row) for part in parts]
        return True if True in found else None if None in found else False

    return Compiled("boolean", of)


def _pair(left: Compiled, right: Compiled, key: Callable[[Value], Value] | None) -> Callable[[Row], Value]:
    one_of, two_of = _scaled(left, right), _scaled(right, left)

    def of(row: Row) -> Value:
        one, two = one_of(row), two_of(row)
        if one is None or two is None or isinstance(one, list) or isinstance(two, list):
            return None
        return key(one) == key(two) if key else one == two

    return of


_CASES = {"TO_LOWER": "Lu", "TO_UPPER": "Ll"}
"""Functions that change the case, each with the kind of letters that its results do not have."""


_BEYOND_ASCII = "a comparison without case beyond ASCII, of which not every version knows the letters"

_ASCII = {"TO_LOWER": str.maketrans(ascii_uppercase, ascii_lowercase), "TO_UPPER": str.maketrans(ascii_lowercase, ascii_uppercase)}


def _of_ascii(node: s.Expression, scope: Scope) -> Callable[[Row], str | None]:
    """The text below TO_LOWER, or TO_UPPER, with the case of ASCII's letters alone changed; None where it has no others, and for all else.

    The server compares what stands below with a constant without case, which it knew of ASCII's letters alone for long (Elasticsearch,
    ReplaceStringCasingWithInsensitiveEquals; AutomatonQueries.toCaseInsensitiveChar).
    """
    inner = node
    while isinstance(inner, s.Call) and inner.name in _CASES and inner.args:
        inner = inner.args[0]
    if inner is node or not isinstance(node, s.Call):
        return lambda _: None
    below, letters = compiled(inner, scope), _ASCII[node.name]

    def of(row: Row) -> str | None:
        found = below.of(row)
        return found.translate(letters) if isinstance(found, str) and not found.isascii() else None

    return of


def _of_one_case(function: str, texts: tuple[str, ...]) -> list[str]:
    """The patterns that texts of one case can match: none where letters of the other case stand in one.

    Source: Elasticsearch, ReplaceStringCasingWithInsensitiveRegexMatch and ChangeCase.Case.matchesCase, since 9.1.
    """
    kept = [p for p in texts if not any(unicodedata.category(c) == _CASES[function] for c in p)]
    return [p.lower() if function == "TO_LOWER" else p.upper() for p in kept]


def _as_pushed_down(node: s.Expression, texts: Sequence[str], scope: Scope) -> Callable[[Row], bool | None]:
    """Whether the text below TO_LOWER, or TO_UPPER, matches a pattern without case, whose classes the server takes as they are; None where
    the patterns have none, or the text.

    The server makes a query without case of such a condition where it can, and computes it where it cannot.
    """
    classes = [regex.lucene(p, caseless=True) for p in texts] if any("[" in p for p in texts) else []
    if not classes or not isinstance(node, s.Call):
        return lambda _: None
    below = compiled(node.args[0], scope)

    def of(row: Row) -> bool | None:
        text = below.of(row)
        return any(p.fullmatch(text) for p in classes) if isinstance(text, str) else None

    return of


_REPEATED = r"(?:\\?\w|\[(?:[^\]\\]|\\.)+\])\*"
_ANYTHING = {False: re.compile(r"\*+"), True: re.compile(rf"(?:{_REPEATED})*(?:\.\*(?:{_REPEATED})*)+")}
"""The patterns of LIKE, and of RLIKE, that any text matches: IS NOT NULL stands for them (ReplaceRegexMatch.java of Elasticsearch)."""


def _like(node: s.Like, scope: Scope) -> Compiled:
    subject = compiled(node.subject, scope)
    _wanted(subject, (*TEXTS, "null"), "RLIKE" if node.regex else "LIKE", node.start)
    patterns: list[re.Pattern[str]] = [(regex.lucene if node.regex else regex.wildcards)(p) for p in node.patterns]
    of_one_case: Sequence[str] = ()
    if node.regex and isinstance(node.subject, s.Call) and node.subject.name in _CASES:
        of_one_case = _of_one_case(node.subject.name, node.patterns)
        patterns = [regex.lucene(p) for p in of_one_case]

    if any(_ANYTHING[node.regex].fullmatch(p) for p in node.patterns):
        return Compiled("boolean", lambda row: subject.of(row) is not None, subject.constant)

    plain, pushed_down = _of_ascii(node.subject, scope), _as_pushed_down(node.subject, of_one_case, scope)

    def of(row: Row) -> Value:
        value = subject.of(row)
        if value is None or isinstance(value, list):
            return None
        found = any(p.fullmatch(value) for p in patterns)
        if (text := plain(row)) is not None and any(p.fullmatch(text) for p in patterns) != found:
            raise NotReadable(_BEYOND_ASCII, node.start)
        if pushed_down(row) not in (None, found):
            raise ValueNotTold("a class in a pattern without case, of a text with letters of both", node.start)
        return found

    return Compiled("boolean", of, subject.constant)


# --- arithmetic


def _divided(kind: str, left: Value, right: Value) -> Value:
    if right == 0:
        return None
    if kind == "double":
        return left / right
    found = abs(left) // abs(right)
    return found if (left < 0) == (right < 0) else -found


def _rest(kind: str, left: Value, right: Value) -> Value:
    if right == 0:
        return None
    return math.fmod(left, right) if kind == "double" else int(math.copysign(1, left)) * (abs(left) % abs(right))


_RUN: dict[str, Callable[[str, Value, Value], Value]] = {
    "+": lambda _, a, b: a + b,
    "-": lambda _, a, b: a - b,
    "*": lambda _, a, b: a * b,
    "/": _divided,
    "%": _rest,
}


def _checked(found: Compiled) -> Compiled:
    return Compiled(found.type, lambda row: held(found.type, found.of(row)), found.constant)


def _arithmetic(node: s.Binary, scope: Scope) -> Compiled:
    left, right = compiled(node.left, scope), compiled(node.right, scope)
    sign = node.operator
    if sign in "+-":
        if right.type in SPANS:
            left = cast_literal(left, node.left, "date")
        elif left.type in SPANS:
            right = cast_literal(right, node.right, "date")
        if left.type in SPANS and right.type == left.type:
            if left.value is None or right.value is None:
                return constant(left.type, None)
            return constant(left.type, left.value + (right.value if sign == "+" else -right.value))
        if left.type in DATES and right.type in SPANS:
            return moments.shifted(left, right, sign == "-")
        if right.type in DATES and left.type in SPANS and sign == "+":
            return moments.shifted(right, left, False)
        if {left.type, right.type} <= {*DATES, *SPANS, "null"} and "null" in (left.type, right.type):
            return constant(left.type if right.type == "null" else right.type, None)
    kind = common(left.type, right.type)
    if kind is None or (kind not in NUMBERS and kind != "null"):
        raise Rejected(f"{left.type} {sign} {right.type}", node.start)
    run = _RUN[sign]

    def of(row: Row) -> Value:
        one, two = left.of(row), right.of(row)
        if one is None or two is None or isinstance(one, list) or isinstance(two, list):
            return None
        try:
            return held(kind, run(kind, one, two))
        except OverflowError:
            return None

    return Compiled(kind, of, left.constant and right.constant)
