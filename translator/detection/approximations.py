"""Conditions on computed values that no condition on a field equals: what they imply, or what implies them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from translator import catalog
from translator.plan.conditions import EQUALITIES, is_field
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Path, Span, conjunction, const, disjunction, items_of
from translator.plan.types import Type
from translator.regex import syntax
from translator.regex.classes import takes_newline
from translator.regex.parser import parsed
from translator.regex.writers import kql

Say = Callable[[str, str, Span | None], None]

_WHOLE = frozenset({"toint", "tolong"})
_AROUND = {
    "==": ("", ""), "=~": ("", ""), "in": ("", ""), "in~": ("", ""), "contains": ("*", "*"), "contains_cs": ("*", "*"), "has": ("*", "*"),
    "has_cs": ("*", "*"), "startswith": ("", "*"), "startswith_cs": ("", "*"), "endswith": ("*", ""), "endswith_cs": ("*", ""),
}  # fmt: skip
"""Where the text that an operator looks for may stand in the value: ``*`` is for what may be before it, and behind."""


def approximated(predicate: Expr, say: Say) -> Expr:
    """``predicate`` with conditions on numbers in texts, and on what a pattern extracts, as conditions on the fields; each is said.

    Only members of conjunctions and disjunctions are changed, so that a broader part makes the whole broader.
    """
    match predicate:
        case Apply(function="and", args=args):
            return conjunction(*(approximated(a, say) for a in args))
        case Apply(function="or", args=args):
            return disjunction(*(approximated(a, say) for a in args))
        case Apply(
            function=function, args=(Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), source)), sought)
        ) if is_field(source) and source.type in (Type.STRING, Type.UNKNOWN) and function in _AROUND:
            found = _extracted(function, regex, group, source, sought, predicate.span)
            if found is not None:
                if not (function in EQUALITIES and _is_set_off(regex, group, sought)):
                    say("first-match", "the KQL asks the first place where the pattern matches, the output any of them", predicate.span)
                return found
        case Apply(
            function="==" | "in" | "<" | "<=" | ">" | ">=" as function, args=(Apply(function=conversion, args=(source,)), number)
        ) if conversion in _WHOLE and is_field(source):
            items = items_of(number)
            values = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, int) and not isinstance(i.value, bool)]
            least = 0 if function == ">" or (function in ("==", "in") and source.type != Type.REAL) else 1
            if len(values) == len(items) and all(v >= least for v in values):
                if _is_plain(source):
                    pass
                elif _is_text(source):
                    what = "the KQL reads a whole number in this value, of which the output knows the plain spelling"
                    say("number-in-text", what, predicate.span)
                elif source.type not in (Type.INT, Type.LONG, Type.REAL):
                    what = "the KQL reads a whole number in this value, which the output compares as the product does a number with it"
                    say("number-in-value", what, predicate.span)
                return disjunction(*(_whole_number(function, source, v, predicate.span) for v in values))
    return predicate


def _is_set_off(regex: str, group: int, sought: Expr) -> bool:
    """Whether a pattern has one match at most, and its group is what stands before or behind the first of a mark in no text sought."""
    match parsed(regex):
        case syntax.Concat(
            parts=(
                syntax.Anchor("start"),
                syntax.Group(syntax.Repeat(syntax.Class((syntax.Range(first, last),), negated=True), 0, None), index),
                syntax.Literal(mark),
            )
        ):
            pass
        case syntax.Concat(
            parts=(
                syntax.Anchor("start"),
                syntax.Repeat(
                    syntax.Concat((syntax.Repeat(syntax.Class((syntax.Range(first, last),), negated=True), 0, None), syntax.Literal(mark))),
                    0,
                    1,
                ),
                syntax.Group(syntax.Repeat(syntax.Any(newline=True), 0, None), index),
                syntax.Anchor("end"),
            )
        ):
            pass
        case _:
            return False
    texts = [i.value for i in items_of(sought) if isinstance(i, Const)]
    return index == group and first == last == ord(mark) and not any(mark in str(text) for text in texts)


def _whole_number(operator: str, source: Expr, number: int, span: Span | None) -> Expr:
    """A comparison of the whole number in a field with one that is not negative: what is cut off by the conversion is below one."""

    def compared(own: str, value: str | int) -> Expr:
        return Apply(span, Type.BOOL, own, (source, const(value)))

    low, high = number + (operator == ">"), number - (operator == "<")
    if _is_text(source):
        if operator in ("==", "in"):
            return compared("==", str(number))
        behind = "" if _is_plain(source) else r"\s*"
        return compared("matches regex", f"^{at_least(low) if operator in ('>', '>=') else at_most(high)}{behind}$")
    if operator in (">", ">="):
        return compared(">=", low)
    if operator in ("<", "<="):
        return compared("<", high + 1)
    if source.type == Type.REAL:
        return conjunction(compared(">=", number), compared("<", number + 1))
    return compared("==", number)


def _is_text(source: Expr) -> bool:
    """Whether a value that is converted to a number is a text: one of unknown type is, since numbers need no conversion."""
    return source.type == Type.STRING or (isinstance(source, ColumnRef) and source.type == Type.UNKNOWN)


def _is_plain(source: Expr) -> bool:
    """Whether a text, or a place inside of a column, is known to have whole numbers that are written in one way."""
    match source:
        case ColumnRef(column=column):
            return catalog.is_plain_number(column.table or "", column.name)
        case Path(base=ColumnRef(column=column), steps=steps) if all(isinstance(s, str) for s in steps):
            return catalog.is_plain_number(column.table or "", ".".join((column.name, *map(str, steps))))
    return False


def is_custom_text(source: Expr) -> bool:
    """Whether a column of no documented type is a text: in a custom log by its name, else as its parser makes it.

    Source: learn.microsoft.com/azure/azure-monitor/logs/data-collector-api, "Record type and properties".
    """
    if not isinstance(source, ColumnRef):
        return False
    return source.column.name.endswith("_s") or catalog.is_text(source.column.table or "", source.column.name)


def at_least(number: int) -> str:
    """A pattern of the whole numbers from ``number`` on."""
    digits = str(number)
    ends = [digits[:i] + _digit(int(d) + 1, 9) + _more(len(digits) - i - 1) for i, d in enumerate(digits) if d != "9"]
    return f"0*({'|'.join([digits, *ends, f'[1-9][0-9]{{{len(digits)},}}'])})"


def at_most(number: int) -> str:
    """A pattern of the whole numbers up to ``number``, the negative ones included."""
    digits = str(number)
    ends = [digits[:i] + _digit(0, int(d) - 1) + _more(len(digits) - i - 1) for i, d in enumerate(digits) if d != "0"]
    shorter = [f"[0-9]{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    return f"(-[0-9]+|0*({'|'.join([digits, *ends, *shorter])}))"


def _digit(low: int, high: int) -> str:
    return str(low) if low == high else f"[{low}-{high}]"


def _more(digits: int) -> str:
    return "" if digits == 0 else "[0-9]" if digits == 1 else f"[0-9]{{{digits}}}"


def _extracted(operator: str, regex: str, group: int, source: Expr, sought: Expr, span: Span | None) -> Expr | None:
    """That the pattern matches with such a group; None where its text does not tell that."""
    items = items_of(sought)
    texts = [i.value for i in items if isinstance(i, Const) and isinstance(i.value, str) and i.value]
    tree = parsed(regex)
    if len(texts) != len(items) or tree is None or not _once(tree, group):
        return None
    caseless = not operator.endswith("_cs") and operator not in ("==", "in")
    found = []
    for wanted in texts:
        held = _with_text(tree, group, wanted, _AROUND[operator])
        found.append(Apply(span, Type.BOOL, "matches regex~" if caseless else "matches regex", (source, const(held))))
    return disjunction(*found)


@lru_cache(maxsize=4096)
def _with_text(tree: syntax.Node, group: int, wanted: str, around: tuple[str, str]) -> str:
    """A pattern whose group holds a text; a plan is lifted several times, and may search for hundreds of them."""
    return kql(_with_group(tree, group, partial(_holding, wanted=wanted, around=around)))


def _holding(inner: syntax.Node, wanted: str, around: tuple[str, str]) -> syntax.Node:
    """A text within what ``inner`` matches, with characters like those of ``inner`` where others may stand around it."""
    match inner:
        case syntax.Repeat(syntax.Class() | syntax.Any() as one):
            other: syntax.Node = one
        case _:
            other = syntax.Any(any(takes_newline(n, True) for n in syntax.walk(inner)))
    before, behind = (syntax.Repeat(other, 0, None) if mark else syntax.Concat() for mark in around)
    return syntax.concat(before, syntax.text(wanted), behind)


def _with_group(node: syntax.Node, group: int, made: Callable[[syntax.Node], syntax.Node]) -> syntax.Node:
    """A pattern with what a group of it holds (the whole for group 0) made into something else."""
    if group == 0:
        return made(node)

    def changed(found: syntax.Node) -> syntax.Node:
        match found:
            case syntax.Group(inner, index, name):
                return syntax.Group(made(inner) if index == group else changed(inner), index, name)
            case syntax.Repeat(inner, least, most, greedy):
                return syntax.Repeat(changed(inner), least, most, greedy)
            case syntax.Concat(parts):
                return syntax.concat(*map(changed, parts))
            case syntax.Alternation(options):
                return syntax.alternation(*map(changed, options))
        return found

    return changed(node)


def _once(node: syntax.Node, group: int) -> bool:
    """Whether a match has the group at most once, so that what is extracted is all that it matched."""
    match node:
        case _ if group == 0:
            return True
        case syntax.Group(inner, index):
            return index == group or _once(inner, group)
        case syntax.Repeat(inner, _, most):
            return most == 1 and _once(inner, group)
        case syntax.Concat() | syntax.Alternation():
            return any(_once(child, group) for child in syntax.children(node))
    return False
