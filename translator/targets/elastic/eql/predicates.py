"""Conditions in EQL."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

from translator.detection.model import Detection, Side
from translator.fidelity import Diagnostic
from translator.plan.conditions import is_field
from translator.plan.expressions import Apply, ColumnRef, Const, Expr, Span, transform
from translator.plan.patterns import searched
from translator.regex.lucene import Case, escape
from translator.regex.parser import RegexError
from translator.regex.syntax import Alternation, Node
from translator.regex.terms import BOUND, around
from translator.targets.base import Cannot
from translator.targets.elastic import LONGEST_PATTERN, among_listed, field, literal, lucene_text, string
from translator.targets.names import Names
from translator.targets.predicates import Predicates, Spelling, text_of, values


def _call(name: str) -> Spelling:
    return lambda f, rest, node: f"{name}({f}, {string(text_of(rest, node))})"


def _regex(operator: str) -> Spelling:
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        try:
            found = _patterns(searched(node), node, "ignored" if operator.endswith("~") else "kept")
        except RegexError as error:
            raise Cannot(Diagnostic("target-cannot", f"this is no regular expression: {error}", node.span)) from None
        text = " or ".join(f"{f} {operator} {string(pattern)}" for pattern in found)
        return f"({text})" if len(found) > 1 else text

    return spell


def _patterns(tree: Node, node: Apply, case: Case) -> list[str]:
    """Patterns of which a value matches any where the expression finds something: one, or several where it is too much for one."""
    try:
        pattern = lucene_text(tree, node, case)
        if len(pattern) <= LONGEST_PATTERN:
            return [pattern]
        refused = Cannot(Diagnostic("target-cannot", f"Elasticsearch refuses patterns of over {LONGEST_PATTERN} characters", node.span))
    except Cannot as too_complex:
        refused = too_complex
    if not isinstance(tree, Alternation) or len(tree.options) < 2:
        raise refused
    middle = len(tree.options) // 2
    parts = (Alternation(tree.options[:middle]), Alternation(tree.options[middle:]))
    return [pattern for part in parts for pattern in _patterns(part.options[0] if len(part.options) == 1 else part, node, case)]


def _has(operator: str, prefix: bool = False, suffix: bool = False) -> Spelling:
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        value = text_of(rest, node)
        before, after = around(value, prefix, suffix)
        head, tail = f"(.*{BOUND})?" if before else ".*", f"({BOUND}.*)?" if after else ".*"
        return f"{f} {operator} {string(head + escape(value) + tail)}"

    return spell


def _compare(operator: str) -> Spelling:
    return lambda f, rest, node: f"{f} {operator} {literal(values(rest[0])[0])}"


def _in(operator: str) -> Spelling:
    return lambda f, rest, node: f"{f} {operator} ({', '.join(map(literal, values(rest[0])))})"


def _listed(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    return among_listed(text_of(rest, node), f, node.function == "expand")


def _listed_or_empty(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    """The same where the list may have an empty text, which an event without the field has in KQL."""
    nothing = among_listed(text_of(rest, node), string(""), False)
    return f"({_listed(f, rest, node)} or {f} == null and {nothing})"


def _listed_at_end(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    """That the last part of a text is in a list: it is the whole text, or the text ends with it behind the mark that separates parts."""
    name, mark = (str(x.value) for x in rest if isinstance(x, Const))
    caseless = node.function == "expand_last"
    ending = string(f"*{mark}%{name}%")
    return f"({among_listed(name, f, caseless)} or {f} {'like~' if caseless else 'like'} ({ending}))"


def _listed_within(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    return f"{f} like~ ({string(f'*%{text_of(rest, node)}%*')})"


_ATOMS: dict[str, Spelling] = {
    "==": _compare("=="),
    "=~": _in("in~"),
    "in": _in("in"),
    "in~": _in("in~"),
    "contains": _call("stringContains~"),
    "contains_cs": _call("stringContains"),
    "startswith": _call("startsWith~"),
    "startswith_cs": _call("startsWith"),
    "endswith": _call("endsWith~"),
    "endswith_cs": _call("endsWith"),
    "has": _has("regex~"),
    "has_cs": _has("regex"),
    "hasprefix": _has("regex~", prefix=True),
    "hasprefix_cs": _has("regex", prefix=True),
    "hassuffix": _has("regex~", suffix=True),
    "hassuffix_cs": _has("regex", suffix=True),
    "matches regex": _regex("regex"),
    "matches regex~": _regex("regex~"),
    "is_ipv4": lambda f, rest, node: f'cidrMatch({f}, "0.0.0.0/0")',
    "cidr": lambda f, rest, node: f"cidrMatch({f}, {', '.join(map(literal, values(rest[0])))})",
    "expand": _listed,
    "expand_cs": _listed,
    "expand_last": _listed_at_end,
    "expand_cs_last": _listed_at_end,
    "expand_within": _listed_within,
    "<": _compare("<"),
    "<=": _compare("<="),
    ">": _compare(">"),
    ">=": _compare(">="),
}
"""``=~`` is a list of one, since ``:`` would read ``*`` and ``?`` in the literal as wildcards."""


def with_addresses(detection: Detection) -> Detection:
    """``detection`` with the lists that addresses are looked up in asked for with case: ``in~`` takes texts alone."""

    def cased(node: Expr) -> Expr:
        match node:
            case Apply(function="expand", args=(ColumnRef(column=column), _)) if column.stored == "ip":
                return replace(node, function="expand_cs")
        return node

    def changed(side: Side) -> Side:
        return replace(side, selectors=tuple(replace(s, predicate=transform(s.predicate, cased)) for s in side.selectors))

    return replace(detection, sides=tuple(map(changed, detection.sides)))


MAX_JOINED = 3
"""How many fields a text may be joined of, each of which may be missing or not."""


@dataclass
class EqlPredicates(Predicates):
    """Conditions on fields, and those that ask a list for a text that is joined of fields, which is no text where one of them is missing.

    Source: elastic.co/docs/reference/query-languages/eql/eql-function-ref, "concat".
    """

    lists: set[Span | None] = dataclass_field(default_factory=set)
    """The places of conditions on lists that are written with what an event without the field has."""

    def of_computed(self, predicate: Apply) -> str | None:
        match predicate:
            case Apply(function="expand" | "expand_cs" as function, args=(subject, Const(value=str(name)))) if parts := joined_parts(
                subject
            ):
                self.lists.add(predicate.span)
                return self.of_joined(parts, name, function == "expand")
        return super().of_computed(predicate)

    def of_joined(self, parts: tuple[Expr, ...], name: str, caseless: bool) -> str:
        fields = list(dict.fromkeys(p for p in parts if is_field(p)))
        ways = []
        for lacking in itertools.product((False, True), repeat=len(fields)):
            missing = dict(zip(fields, lacking, strict=True))
            asked = [(self.missing if lacks else self.present).format(self.spelled(f)) for f, lacks in missing.items()]
            words = [
                string(p.value) if isinstance(p, Const) and isinstance(p.value, str) else self.spelled(p)
                for p in parts
                if not missing.get(p)
            ]
            whole = f"concat({', '.join(words)})" if len(words) > 1 else words[0] if words else string("")
            ways.append(self.and_.join([*asked, among_listed(name, whole, caseless)]))
        return f"({self.or_.join(ways)})"


def joined_parts(expr: Expr) -> tuple[Expr, ...]:
    """The fields and constants that a text is joined of; none where it is another, or of too many fields."""
    match expr:
        case Apply(function="strcat", args=parts) if all(is_field(p) or (isinstance(p, Const) and isinstance(p.value, str)) for p in parts):
            return parts if len({p for p in parts if is_field(p)}) <= MAX_JOINED else ()
    return ()


def eql_predicates(names: Names, empty: Collection[Span | None] = ()) -> EqlPredicates:
    """The writer of conditions over some names.

    Args:
        empty: the places of conditions on lists that may have an empty text.
    """

    def may_be_empty(node: Apply) -> bool:
        return node.function in ("expand", "expand_cs") and node.span in empty and names.is_text(node.args[0])

    def tells_missing(node: Apply) -> bool:
        return may_be_empty(node) or (node.function in ("expand", "expand_cs") and bool(joined_parts(node.args[0])))

    def listed(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        if not may_be_empty(node):
            return _listed(f, rest, node)
        predicates.lists.add(node.span)
        return _listed_or_empty(f, rest, node)

    same = '(({0} == null or {0} == "") and ({1} == null or {1} == "") or {0} != null and {1} != null and %s)'
    predicates = EqlPredicates(
        names,
        {**_ATOMS, "expand": listed, "expand_cs": listed},
        field,
        missing="{0} == null",
        present="{0} != null",
        empty='{0} == ""',
        not_empty='{0} != ""',
        true="true",
        false="false",
        and_=" and ",
        or_=" or ",
        not_="not ",
        equal_fields={
            "==": same % "startsWith({0}, {1}) and startsWith({1}, {0})",
            "=~": same % "startsWith~({0}, {1}) and startsWith~({1}, {0})",
        },
        number="number({0})",
        as_text="string({0})",
        limit='`@timestamp` {0} "now-{1}s"',
        ingested='event.ingested {0} "now-{1}s"',
        of_addresses=frozenset({"expand_cs"}),
        tells_missing=tells_missing,
    )
    return predicates
