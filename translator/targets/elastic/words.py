"""Conditions and texts in ES|QL.

Facts (elastic.co/docs/reference/query-languages/esql): comparisons keep case and are null where a field is missing; LIKE takes ``*``
and ``?`` as wildcards, with ``\\`` before a literal one; RLIKE matches the whole value by a Lucene regular expression.
"""

from __future__ import annotations

from collections.abc import Iterable

from translator.plan.expressions import Apply, Expr
from translator.plan.patterns import searched
from translator.regex.ascii import asciified
from translator.regex.automata import is_too_complex
from translator.regex.lucene import escape, lucene
from translator.regex.parser import RegexError
from translator.regex.syntax import Node, least_width
from translator.regex.terms import BOUND, around
from translator.regex.writers import Inexpressible, java_portable
from translator.targets.computed import Functions
from translator.targets.elastic import apart, changes_case, literal, lucene_of, lucene_text, rlike, string
from translator.targets.predicates import Spelling, text_of, texts_of, values
from translator.targets.text import any_of


def by_clause(fields: Iterable[str]) -> str:
    """The end of STATS: nothing without fields, for a BY has to name some."""
    found = ", ".join(fields)
    return f" BY {found}" if found else ""


def like(value: str) -> str:
    """A text as a pattern of LIKE."""
    return "".join("\\" + c if c in "*?\\" else c for c in value)


def _compared(text: str, value: object) -> str:
    """A text that is compared with a value by ``==`` or LIKE.

    Of a bare TO_LOWER or TO_UPPER the server makes a comparison without case, which not every version has for letters beyond ASCII's
    (ReplaceStringCasingWithInsensitiveEquals of Elasticsearch; AutomatonQueries): it stands in CONCAT there.
    """
    return apart(text) if changes_case(text) and isinstance(value, str) and not value.isascii() else text


def _contains(lowered: bool) -> Spelling:
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        value = text_of(rest, node)
        pattern = string(f"*{like(value.lower() if lowered else value)}*")
        return f"{_compared(f'TO_LOWER({f})' if lowered else f, value)} LIKE {pattern}"

    return spell


def _edge(function: str, lowered: bool) -> Spelling:
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        value = text_of(rest, node)
        return f"{function}({f'TO_LOWER({f})' if lowered else f}, {string(value.lower() if lowered else value)})"

    return spell


def _has(lowered: bool, prefix: bool = False, suffix: bool = False) -> Spelling:
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        subject, alike = f"TO_LOWER({f})" if lowered else f, dict[tuple[bool, bool], list[str]]()
        for value in texts_of(rest, node):
            alike.setdefault(around(value, prefix, suffix), []).append(escape(value.lower() if lowered else value))
        found = []
        for (before, after), texts in alike.items():
            head, tail = f"(.*{BOUND})?" if before else ".*", f"({BOUND}.*)?" if after else ".*"
            found += [rlike(subject, pattern) for pattern in _any_within(head, texts, tail)]
        return found[0] if len(found) == 1 else f"({' OR '.join(found)})"

    return spell


def _any_within(head: str, texts: list[str], tail: str) -> list[str]:
    """Patterns that have any of some texts between a head and a tail, as many as Lucene needs."""
    pattern = head + any_of(texts) + tail
    if len(texts) == 1 or not is_too_complex(pattern):
        return [pattern]
    middle = len(texts) // 2
    return [*_any_within(head, texts[:middle], tail), *_any_within(head, texts[middle:], tail)]


def java_finds(tree: Node) -> str | None:
    """The pattern of Java by which REPLACE tells whether something is found: it is shorter then; None where that does not tell it."""
    if not least_width(tree):
        return None
    try:
        return java_portable(tree)
    except Inexpressible:
        return None


def in_java(tree: Node) -> str | None:
    """The same where RLIKE would tell something else, which knows classes of ASCII characters and no places within a text."""
    if not asciified(tree):
        try:
            lucene(tree)
        except Inexpressible:
            return java_finds(tree)
        return None
    return java_finds(tree)


def _found(f: str, pattern: str) -> str:
    return f'REPLACE({f}, {string(pattern)}, "") != {f}'


def _regex(caseless: bool) -> Spelling:
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        try:
            pattern = in_java(searched(node))
        except RegexError:
            pattern = None
        if pattern is not None:
            return _found(f, pattern)
        return rlike(f"TO_LOWER({f})" if caseless else f, lucene_of(node, "lowered" if caseless else "kept"))

    return spell


def _found_in(text: str, tree: Node, node: Expr) -> str:
    pattern = in_java(tree)
    return _found(text, pattern) if pattern is not None else rlike(text, lucene_text(tree, node))


def _compare(operator: str) -> Spelling:
    return lambda f, rest, node: f"{_compared(f, values(rest[0])[0])} {operator} {literal(values(rest[0])[0])}"


def _in(lowered: bool) -> Spelling:
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        items = [literal(v.lower() if lowered and isinstance(v, str) else v) for v in values(rest[0])]
        return f"{f'TO_LOWER({f})' if lowered else f} IN ({', '.join(items)})"

    return spell


ATOMS: dict[str, Spelling] = {
    "==": _compare("=="),
    "=~": lambda f, rest, node: f"{_compared(f'TO_LOWER({f})', text_of(rest, node))} == {string(text_of(rest, node).lower())}",
    "in": _in(False),
    "in~": _in(True),
    "contains": _contains(True),
    "contains_cs": _contains(False),
    "startswith": _edge("STARTS_WITH", True),
    "startswith_cs": _edge("STARTS_WITH", False),
    "endswith": _edge("ENDS_WITH", True),
    "endswith_cs": _edge("ENDS_WITH", False),
    "has": _has(True),
    "has_cs": _has(False),
    "hasprefix": _has(True, prefix=True),
    "hasprefix_cs": _has(False, prefix=True),
    "hassuffix": _has(True, suffix=True),
    "hassuffix_cs": _has(False, suffix=True),
    "matches regex": _regex(False),
    "matches regex~": _regex(True),
    "is_ipv4": lambda f, rest, node: f'CIDR_MATCH(TO_IP({f}), "0.0.0.0/0")',
    "cidr": lambda f, rest, node: f"CIDR_MATCH(TO_IP({f}), {', '.join(map(literal, values(rest[0])))})",
    "<": _compare("<"),
    "<=": _compare("<="),
    ">": _compare(">"),
    ">=": _compare(">="),
}


FINDS_ANY = frozenset("has has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs".split())
"""The operators that one pattern says of any of several texts."""


def _chosen(pairs: list[tuple[str, str]]) -> str:
    *others, (guard, last) = pairs
    otherwise = last if guard == "true" else f"{guard}, {last}"
    return "CASE(" + ", ".join([*(f"{g}, {v}" for g, v in others), otherwise]) + ")"


TEXTS = Functions(
    string,
    'COALESCE({0}, "")',
    lambda texts: f"CONCAT({', '.join(texts)})",
    _chosen,
    {"tolower": "TO_LOWER({0})", "toupper": "TO_UPPER({0})", "file_name": "REPLACE({0}, " + string(r"^.*[\\/]") + ', "")'},
    "REPLACE({0}, {1}, {2})",
    "${0}",
    lambda text: text.replace("\\", "\\\\").replace("$", "\\$"),
    'COALESCE(MV_SLICE(SPLIT({0}, {1}), {2}), "")',
    "SUBSTRING({0}, {1}, {2})",
    _found_in,
    java_portable,
    "true",
    unset_is_empty=True,
    units="({0} / {1})",
)
"""Functions of ES|QL: REPLACE takes Java's regular expressions, with groups as $1, which is nothing for a group that is in no match
(java.util.regex.Matcher, appendReplacement); SUBSTRING counts from 1; SPLIT by a character; a whole
number divided by another is one ("Operators", division)."""
