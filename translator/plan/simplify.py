"""Scalar expressions in normal form: predicates on stored fields wherever an exact rewrite gets them there.

A stored field is a ``ColumnRef`` of a source or a ``Path`` into one; a ``tostring`` around either only fixes its type and is
dropped where the field is a string or a leaf of a dynamic value, since comparisons with strings convert the same way.
Every rule below is exact; rewrites that deviate belong to the targets, which label them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import islice

from translator.plan import captures, synonyms, text_parts, texts
from translator.plan.addresses import address_within
from translator.plan.conditions import CASE_PAIRS, EQUALITIES, LISTS, ORDERS, TEXT_OPERATORS, TEXT_SEARCHES, branches, is_field, two_valued
from translator.plan.expressions import (
    FALSE,
    TRUE,
    Apply,
    ColumnRef,
    Const,
    Expr,
    Items,
    Path,
    Same,
    Span,
    children,
    columns_of,
    conjunction,
    const,
    disjunction,
    items_of,
    negation,
    repeated,
    transform,
    walk,
)
from translator.plan.json_paths import by_json_path
from translator.plan.types import Type
from translator.regex.classes import Unlisted, ranges_of
from translator.regex.parser import parsed
from translator.regex.syntax import Class, Literal, Node, is_cased
from translator.regex.syntax import walk as parts_of
from translator.regex.terms import FEW_LETTERS, around

MOST_REPEATED = 5_000
"""How many nodes of an expression may stand again where they are written out: three times what the largest of real queries have."""


class TooLarge(Exception):
    """An expression that grows beyond measure where each column is replaced by what it is computed from.

    Each step over a column that the one before reads twice doubles it. ``span`` is where the expression is.
    """

    def __init__(self, span: Span | None, nodes: int) -> None:
        super().__init__(
            f"the columns that this reads are computed from each other over and over: it would have {nodes:,} more parts if that were"
            f" written out, and may have {MOST_REPEATED:,}"
        )
        self.span = span


def simplify(expr: Expr) -> Expr:
    """``expr`` in normal form.

    Raises:
        TooLarge: where what stands in several places of it, written out, is more than ``MOST_REPEATED`` nodes.
    """
    return _simplified(Same(expr)) if children(expr) else expr


@lru_cache(maxsize=4096)
def _simplified(same: Same[Expr]) -> Expr:
    """The stages of a rule and its targets ask for the same few expressions again and again."""
    if (more := repeated(same.node)) > MOST_REPEATED:
        raise TooLarge(same.node.span, more)
    return transform(same.node, _simplify_node)


def _simplify_node(expr: Expr) -> Expr:
    first = 0
    while True:
        name = expr.function if isinstance(expr, Apply) else "." if isinstance(expr, Path) else ""
        for number, rule in _rules_of(name, first):
            made = rule(expr)
            if made is not expr:
                expr, first = made, number + 1
                break
        else:
            return expr


@lru_cache(maxsize=4096)
def _rules_of(function: str, first: int) -> tuple[tuple[int, Callable[[Expr], Expr]], ...]:
    """The rules for applications of a function, with their numbers, from that with the number ``first`` on."""
    return tuple((n, rule) for n, (rule, functions) in enumerate(RULES) if n >= first and function in functions)


def _older_form(expr: Expr) -> Expr:
    """What ``replace_regex(text, regex, by)`` says too: ``replace(regex, by, text)``, and a regex cut off at one end or at both.

    ``now(offset)`` is ``now() + offset``.
    Source: learn.microsoft.com/kusto/query, replace-regex-function, trim-function, trim-start-function, trim-end-function, now-function.
    """
    match expr:
        case Apply(function="now", args=(offset,)):
            return Apply(expr.span, expr.type, "+", (Apply(expr.span, expr.type, "now", ()), offset))
        case Apply(function="replace", args=(regex, by, text)):
            return Apply(expr.span, expr.type, "replace_regex", (text, regex, by))
        case Apply(function="trim_start" | "trim_end" | "trim" as function, args=(Const(value=str(regex)), text)):
            ends = {"trim_start": rf"^(?:{regex})", "trim_end": rf"(?:{regex})\z", "trim": rf"^(?:{regex})|(?:{regex})\z"}
            return Apply(expr.span, expr.type, "replace_regex", (text, const(ends[function], span=expr.span), const("")))
    return expr


def _string_wrappers(expr: Expr) -> Expr:
    """``tostring(x)`` of a string is x; of a leaf of a dynamic value it is that leaf, read as a string."""
    if isinstance(expr, Apply) and expr.function == "tostring" and len(expr.args) == 1:
        inner = expr.args[0]
        if inner.type == Type.STRING:
            return inner
        if isinstance(inner, Const) and inner.value is not None and not isinstance(inner.value, bool | float):
            return const(str(inner.value), Type.STRING, expr.span) if inner.type != Type.DATETIME else expr
        if isinstance(inner, Path) and is_field(inner):
            return Path(expr.span, Type.STRING, inner.base, inner.steps)
        if isinstance(inner, ColumnRef) and inner.type in (Type.UNKNOWN, Type.DYNAMIC, Type.GUID):
            return inner
    return expr


def _text_of_flag(expr: Expr) -> Expr:
    """The text of a truth value is True or False, whatever a product writes: learn.microsoft.com/kusto/query/scalar-data-types/bool."""
    match expr:
        case Apply(function="strcat", args=args) if any(a.type == Type.BOOL for a in args):
            texts = (_text_of_flag(Apply(a.span, Type.STRING, "tostring", (a,))) if a.type == Type.BOOL else a for a in args)
            return Apply(expr.span, Type.STRING, "strcat", tuple(texts))
        case Apply(function="tostring", args=(Const(value=bool(flag)),)):
            return const(str(flag), Type.STRING, expr.span)
        case Apply(function="tostring", args=(inner,)) if inner.type == Type.BOOL:
            holds, fails = (_simplify_node(Apply(expr.span, Type.BOOL, "==", (inner, flag))) for flag in (TRUE, FALSE))
            return Apply(expr.span, Type.STRING, "case", (holds, const("True"), fails, const("False"), const("")))
    return expr


def _json_of_dynamic(expr: Expr) -> Expr:
    """``parse_json(tostring(x.a))`` is ``x.a`` where x is dynamic: the text is the value's own JSON. A text may hold text again."""
    if isinstance(expr, Apply) and expr.function == "parse_json" and len(expr.args) == 1:
        inner = expr.args[0]
        if isinstance(inner, Path) and is_field(inner) and inner.base.type != Type.STRING:
            return Path(expr.span, Type.DYNAMIC, inner.base, inner.steps)
        if isinstance(inner, ColumnRef) and inner.type in (Type.DYNAMIC, Type.UNKNOWN, Type.STRING):
            # What is parsed is a text, whether the table is known or not.
            return inner if inner.type == Type.DYNAMIC else ColumnRef(inner.span, Type.STRING, inner.column)
    return expr


def _nested_path(expr: Expr) -> Expr:
    if isinstance(expr, Path) and isinstance(expr.base, Path):
        return Path(expr.span, expr.type, expr.base.base, (*expr.base.steps, *expr.steps))
    return expr


def _folded_twice(expr: Expr) -> Expr:
    """``tolower(tolower(x))`` is ``tolower(x)``."""
    if isinstance(expr, Apply) and expr.function in ("tolower", "toupper") and len(expr.args) == 1:
        inner = expr.args[0]
        if isinstance(inner, Apply) and inner.function == expr.function:
            return inner
    return expr


def _lowered_comparison(expr: Expr) -> Expr:
    """``tolower(x) == "abc"`` is ``x =~ "abc"``; with a capital in the literal it is never true."""
    if not isinstance(expr, Apply) or len(expr.args) != 2 or expr.function not in TEXT_OPERATORS:
        return expr
    left, right = expr.args
    if isinstance(right, Apply) and right.function in _CASES and expr.function in ("==", "=~") and isinstance(left, Const):
        left, right = right, left
    if not (isinstance(left, Apply) and left.function in ("tolower", "toupper") and len(left.args) == 1):
        return expr
    fold: Callable[[str], str] = str.lower if left.function == "tolower" else str.upper
    inner: Expr = left.args[0]
    function = expr.function
    if function in CASE_PAIRS.values():
        return Apply(expr.span, expr.type, function, (inner, right))
    if function == "matches regex" and left.function == "tolower" and isinstance(right, Const) and _only_lower(str(right.value)):
        return Apply(expr.span, expr.type, "matches regex~", (inner, right))
    insensitive = CASE_PAIRS.get(function)
    if insensitive is None:
        return expr
    if isinstance(right, Const) and isinstance(right.value, str):
        if fold(right.value) != right.value:
            return FALSE
        return Apply(expr.span, expr.type, insensitive, (inner, right))
    if isinstance(right, Items) and all(isinstance(i, Const) and isinstance(i.value, str) for i in right.items):
        kept = tuple(i for i in right.items if isinstance(i, Const) and fold(str(i.value)) == i.value)
        return Apply(expr.span, expr.type, insensitive, (inner, Items(right.span, right.type, kept))) if kept else FALSE
    return expr


def _only_lower(regex: str) -> bool:
    """Whether a regular expression, read without case, matches a text just where it matches the text in lower case."""
    tree = parsed(regex)
    return tree is not None and all(_reads_lower(part) for part in parts_of(tree))


def _reads_lower(part: Node) -> bool:
    """Whether a literal or a class finds in a text in lower case what it finds, without case, in the text as it is."""
    match part:
        case Literal(character, False):
            return character.lower() == character
        case Class(members, _, False):
            try:
                found = ranges_of(Class(members))
            except Unlisted:
                return False
            cased = {c for first, last in found if first < 0x250 for c in map(chr, range(first, min(last, 0x24F) + 1)) if is_cased(c)}
            return all(c.lower() in cased for c in cased)
    return True


def _constant_on_the_right(expr: Expr) -> Expr:
    """What is one value in each run of the query, as ``ago(1h)``, stands behind what it is compared with."""
    if isinstance(expr, Apply) and len(expr.args) == 2 and _is_of_the_run(expr.args[0]) and not _is_of_the_run(expr.args[1]):
        flipped = {"==": "==", "=~": "=~", "<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(expr.function)
        if flipped:
            return Apply(expr.span, expr.type, flipped, (expr.args[1], expr.args[0]))
    return expr


def _is_of_the_run(expr: Expr) -> bool:
    return isinstance(expr, Const) or (isinstance(expr, Apply) and all(map(_is_of_the_run, expr.args)))


_OVER_BRANCHES = frozenset({"isempty", "isnotempty", "set_has_element"}) | LISTS


MAX_NODES = 1_500
"""How large a condition on alternatives may be to be put into each of them: where these have alternatives themselves, it doubles."""


def within_bounds(expr: Expr) -> bool:
    """Whether an expression has so few parts that it may be written out."""
    return sum(1 for _ in islice(walk(expr), MAX_NODES + 1)) <= MAX_NODES


def _known_set(expr: Expr) -> Expr:
    """That a known list has a text is that this is one of its texts; what has another type is none of them."""
    match expr:
        case Apply(function="set_has_element", args=(Items(items=items) as listed, Apply(type=Type.STRING) | ColumnRef() as subject)) if (
            subject.type == Type.STRING and all(isinstance(i, Const) for i in items)
        ):
            found = tuple(i for i in items if i.type == Type.STRING)
            return _lists(Apply(expr.span, Type.BOOL, "in", (subject, Items(listed.span, listed.type, found))))
    return expr


def _conditional_operand(expr: Expr) -> Expr:
    """A predicate over ``iff``, ``case`` or ``coalesce`` is a disjunction over the branches."""
    if isinstance(expr, Apply) and expr.args and (expr.function in TEXT_OPERATORS or expr.function in _OVER_BRANCHES):
        found = branches(expr.args[0]) if isinstance(expr.args[0], Apply) and within_bounds(expr) else None
        if found is not None:
            parts = [
                conjunction(guard, _simplify_node(Apply(expr.span, Type.BOOL, expr.function, (value, *expr.args[1:]))))
                for guard, value in found
            ]
            return disjunction(*parts)
    return expr


def _emptiness(expr: Expr) -> Expr:
    """``isnotempty(x)`` is ``not(isempty(x))``; of a constant it is known."""
    if isinstance(expr, Apply) and len(expr.args) == 1 and expr.function in ("isnotempty", "isnotnull"):
        positive = "isempty" if expr.function == "isnotempty" else "isnull"
        return negation(_simplify_node(Apply(expr.span, Type.BOOL, positive, expr.args)))
    if isinstance(expr, Apply) and expr.function == "isempty" and len(expr.args) == 1:
        inner = expr.args[0]
        if isinstance(inner, Const):
            return TRUE if inner.value in ("", None) else FALSE
        if isinstance(inner, Apply) and inner.function in ("tolower", "toupper"):
            return Apply(expr.span, Type.BOOL, "isempty", inner.args)
    if isinstance(expr, Apply) and expr.function in ("==", "=~") and expr.args[1] == const(""):
        return _emptiness(Apply(expr.span, Type.BOOL, "isempty", (expr.args[0],)))
    return expr


def _nullness(expr: Expr) -> Expr:
    """A string is never null, of a constant it is known: learn.microsoft.com/kusto/query/isnull-function."""
    match expr:
        case Apply(function="isnull", args=(Const(value=value),)) if value is None:
            return TRUE
        case Apply(function="isnull", args=(value,)) if value.type == Type.STRING or isinstance(value, Const):
            return FALSE
    return expr


def _bool_as_number(expr: Expr) -> Expr:
    """``b == 1`` and ``b == "True"`` of a bool are ``b == true``: a log holds true and false, not their numbers or texts of them."""
    match expr:
        case Apply(function="==", args=(left, Const(value=str(text), type=Type.STRING))) if left.type == Type.BOOL:
            truth = {"true": TRUE, "1": TRUE, "false": FALSE, "0": FALSE}.get(text.strip().lower())
            return expr if truth is None else Apply(expr.span, Type.BOOL, "==", (left, truth))
        case Apply(function="==", args=(left, Const(value=int(number), type=Type.LONG | Type.INT))) if left.type == Type.BOOL:
            return Apply(expr.span, Type.BOOL, "==", (left, TRUE if number else FALSE)) if number in (0, 1) else FALSE
    return expr


def _number_of_text(expr: Expr) -> Expr:
    """A text equals a number where it is the number's own text: ``"00"`` is not 0. A product may keep the text as a number."""
    match expr:
        case Apply(function="==" | "in" as function, args=(left, Const() | Items() as right)) if left.type == Type.STRING and not any(
            c.stored for c in columns_of(left)
        ):
            written = Items(right.span, right.type, tuple(map(_as_text, right.items))) if isinstance(right, Items) else _as_text(right)
            return Apply(expr.span, Type.BOOL, function, (left, written))
        case Apply(function="==", args=(left, Const(value=str(text), type=Type.STRING) as right)) if left.type in (
            Type.INT,
            Type.LONG,
        ) and not any(c.stored for c in columns_of(left)):
            own = _OWN_TEXT.fullmatch(text) is not None
            return Apply(expr.span, Type.BOOL, "==", (left, const(int(text), left.type, right.span))) if own else FALSE
    return expr


_OWN_TEXT = re.compile("0|-?[1-9][0-9]{0,17}", re.ASCII)
"""The texts that numbers have."""


def _as_text(item: Expr) -> Expr:
    whole = isinstance(item, Const) and item.type in (Type.INT, Type.LONG) and isinstance(item.value, int)
    return const(str(item.value), span=item.span) if isinstance(item, Const) and whole else item


def _empty_operand(expr: Expr) -> Expr:
    """Every text contains, starts and ends with the empty one, as text and as a term; a list with it also takes what is missing."""
    if not isinstance(expr, Apply) or len(expr.args) != 2:
        return expr
    left, right = expr.args
    if right == const("") and expr.function in TEXT_SEARCHES:
        return TRUE
    if expr.function in ("in", "in~") and isinstance(right, Items) and const("") in right.items:
        rest = tuple(i for i in right.items if i != const(""))
        empty = _simplify_node(Apply(expr.span, Type.BOOL, "isempty", (left,)))
        return (
            disjunction(empty, _simplify_node(Apply(expr.span, Type.BOOL, expr.function, (left, Items(right.span, right.type, rest)))))
            if rest
            else empty
        )
    return expr


def _constant_comparison(expr: Expr) -> Expr:
    """Comparisons of two literals, or of a literal with a list of them, are known."""
    if not (isinstance(expr, Apply) and len(expr.args) == 2):
        return expr
    left, right = expr.args
    operands = items_of(right)
    values = [o.value for o in operands if isinstance(o, Const)]
    if not isinstance(left, Const) or None in values or len(values) != len(operands):
        return expr
    name = expr.function.removesuffix("_cs")
    if left.value is None:  # no value equals null, whose text is empty: learn.microsoft.com/kusto/query/scalar-data-types/null-values
        return FALSE if expr.function in ("==", "in") or (name in _INSIDE and values[0] != "") else expr
    subject = left.value
    if expr.function in ("==", "in"):
        return TRUE if any(v == subject and type(v) is type(subject) for v in values) else FALSE
    if expr.function in ("=~", "in~") and isinstance(subject, str):
        return TRUE if any(isinstance(v, str) and v.lower() == subject.lower() for v in values) else FALSE
    if name in _INSIDE and isinstance(subject, str) and isinstance(values[0], str) and (subject + values[0]).isascii():
        caseless = name == expr.function
        return TRUE if _INSIDE[name](*((subject.lower(), values[0].lower()) if caseless else (subject, values[0]))) else FALSE
    return expr


def _has_term(text: str, term: str) -> bool:
    """Whether a text has a term, both of ASCII."""
    before, after = around(term)
    begin, end = f"(?<![{FEW_LETTERS}])" if before else "", f"(?![{FEW_LETTERS}])" if after else ""
    return re.search(f"{begin}{re.escape(term)}{end}", text) is not None


_INSIDE: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "has": _has_term,
}


def _lists(expr: Expr) -> Expr:
    """A list of one value is a comparison; ``has_any`` and ``has_all`` are chains of ``has``."""
    if not (isinstance(expr, Apply) and len(expr.args) == 2 and isinstance(expr.args[1], Items)):
        return expr
    left, items = expr.args[0], expr.args[1].items
    if expr.function in ("has_any", "has_all"):
        parts = [_simplify_node(Apply(expr.span, Type.BOOL, "has", (left, i))) for i in items]
        return (disjunction if expr.function == "has_any" else conjunction)(*parts)
    if expr.function in ("in", "in~") and not items:
        return FALSE
    if expr.function in ("in", "in~") and len(items) == 1 and isinstance(items[0], Const):
        return _simplify_node(Apply(expr.span, Type.BOOL, "==" if expr.function == "in" else "=~", (left, items[0])))
    return expr


def _junctions(expr: Expr) -> Expr:
    if isinstance(expr, Apply) and expr.function == "and":
        return conjunction(*expr.args)
    if isinstance(expr, Apply) and expr.function == "or":
        return disjunction(*expr.args)
    if isinstance(expr, Apply) and expr.function == "not" and len(expr.args) == 1:
        return negation(expr.args[0])
    if isinstance(expr, Apply) and expr.function == "==" and expr.args[0].type == Type.BOOL and two_valued(expr.args[0]):
        if expr.args[1] == TRUE and isinstance(expr.args[0], Apply):
            return expr.args[0]
        if expr.args[1] == FALSE and isinstance(expr.args[0], Apply):
            return negation(expr.args[0])
    return expr


def _between_numbers(expr: Expr) -> Expr:
    """``x between (1 .. 5)`` is two comparisons."""
    match expr:
        case Apply(function="between", args=(subject, Const() as low, Const() as high)) if all(c.type in _NUMBERS for c in (low, high)):
            parts = (Apply(expr.span, Type.BOOL, ">=", (subject, low)), Apply(expr.span, Type.BOOL, "<=", (subject, high)))
            return conjunction(*parts)
    return expr


_NUMBERS = (Type.INT, Type.LONG, Type.REAL, Type.DECIMAL)

_PLACES = frozenset({"."})
"""What stands for a place inside a value among the names of functions."""

_COMPARED = ORDERS | {"==", "=~"}
_CASES = frozenset({"tolower", "toupper"})

RULES: tuple[tuple[Callable[[Expr], Expr], frozenset[str]], ...] = (
    (_older_form, frozenset({"replace", "trim_start", "trim_end", "trim", "now"})),
    (by_json_path, frozenset({"extract_json"})),
    (_nested_path, _PLACES),
    (synonyms.part_of_time, frozenset({"datetime_part", "datepart"})),
    (synonyms.moved_time, frozenset({"datetime_add"})),
    (synonyms.translated, frozenset({"translate"})),
    (synonyms.compared_addresses, frozenset({"=="})),
    (synonyms.element_sought, _COMPARED),
    (texts.folded_constant, _PLACES | _CASES | {"replace", "replace_regex"}),
    (text_parts.behind_last, frozenset({"reverse"})),
    (text_parts.around_first, frozenset({"substring"})),
    (text_parts.chosen_element, _PLACES),
    (text_parts.last_element, frozenset({"[]"})),
    (text_parts.lowered_parts, _PLACES),
    (text_parts.file_of_path, _PLACES),
    (captures.leading_flag, frozenset({"matches regex", "matches regex~"})),
    (_string_wrappers, frozenset({"tostring"})),
    (_text_of_flag, frozenset({"tostring", "strcat"})),
    (_json_of_dynamic, frozenset({"parse_json"})),
    (_constant_on_the_right, _COMPARED),
    (_folded_twice, _CASES),
    (_lowered_comparison, TEXT_OPERATORS),
    (_bool_as_number, frozenset({"=="})),
    (_number_of_text, frozenset({"==", "in"})),
    (_empty_operand, TEXT_SEARCHES | {"in", "in~"}),
    (_known_set, frozenset({"set_has_element"})),
    (_lists, frozenset({"has_any", "has_all", "in", "in~"})),
    (_conditional_operand, TEXT_OPERATORS | _OVER_BRANCHES),
    (_emptiness, frozenset({"isempty", "isnotempty", "isnotnull", "==", "=~"})),
    (_nullness, frozenset({"isnull"})),
    (_constant_comparison, TEXT_OPERATORS),
    (_between_numbers, frozenset({"between"})),
    (text_parts.split_element, TEXT_OPERATORS | {"isempty"}),
    (texts.cut, EQUALITIES),
    (texts.located, _COMPARED),
    (captures.extracted, frozenset({"isempty"})),
    (captures.greedy_suffix, EQUALITIES),
    (text_parts.counted_parts, _COMPARED),
    (text_parts.text_length, _COMPARED),
    (text_parts.joined_constants, EQUALITIES),
    (address_within, frozenset({"has_ipv4", "has_any_ipv4", "has_ipv4_prefix", "has_any_ipv4_prefix"})),
    (text_parts.separated, TEXT_OPERATORS | {"isempty"}),
    (_junctions, frozenset({"and", "or", "not", "=="})),
)
"""The rewrites in the order in which they are tried at every node, children first, each with the functions that it is for."""
