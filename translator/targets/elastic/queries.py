"""Conditions as queries of Kibana, for rules that filter with one: in KQL, its own language, or in Lucene's.

Source: elastic.co/docs/explore-analyze/query-filter/languages (kql, lucene-query-syntax); Elasticsearch query_string: an expression between
slashes matches the whole of a keyword, a clause of nothing but negations needs ``*:*`` beside it.
"""

from __future__ import annotations

from translator.detection.model import Selector
from translator.fidelity import Diagnostic
from translator.plan.conditions import LISTS, is_field
from translator.plan.expressions import TRUE, Apply, Const, Expr, Items, walk
from translator.regex.lucene import escape
from translator.regex.terms import BOUND, around
from translator.targets.base import Cannot
from translator.targets.elastic import dataset, lucene_of
from translator.targets.names import Names
from translator.targets.predicates import Predicates, Spelling, text_of, values

LANGUAGES = ("kuery", "lucene")

_WHOLE = frozenset(
    ["", *"keyword constant_keyword wildcard ip boolean long integer short byte double float half_float scaled_float unsigned_long".split()]
)
"""Types of fields of which a query compares the whole value; what is not known is taken for a keyword, as a field without a mapping is."""


def _phrase(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if isinstance(value, bool | int | float) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name(name: str) -> str:
    """A field's name, in which nothing is an operator of KQL or of Lucene's queries."""
    return "".join("\\" + c if c in '\\+!():^[]"{}~*?|&/<>= ' else c for c in name)


def _equal(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    return f"{f}:{_phrase(values(rest[0])[0])}"


def _in(word: str) -> Spelling:
    return lambda f, rest, node: f"{f}:({f' {word} '.join(map(_phrase, values(rest[0])))})"


def _range(operator: str) -> Spelling:
    return lambda f, rest, node: f"{f} {operator} {_phrase(values(rest[0])[0])}"


def _span(template: str) -> Spelling:
    return lambda f, rest, node: f"{f}:{template.format(_phrase(values(rest[0])[0]))}"


def _network(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    return f"{f}:({' or '.join(map(_phrase, values(rest[0])))})"


def _expression(f: str, regex: str) -> str:
    """An expression between slashes, none of which ends it; a backslash at its end would take the last one to itself."""
    text = regex.replace("/", "\\/")
    return f"{f}:/{text[:-2] + '[' + text[-2:] + ']' if text.endswith(chr(92) * 2) else text}/"


def _folded(value: str, caseless: bool) -> str:
    """A text as a regular expression, each letter in both cases where ``caseless``."""
    if not caseless:
        return escape(value)
    return "".join(f"[{c.lower()}{c.upper()}]" if c.lower() != c.upper() and len(c.upper()) == 1 else escape(c) for c in value)


def _text(form: str, caseless: bool) -> Spelling:
    return lambda f, rest, node: _expression(f, form.format(_folded(text_of(rest, node), caseless)))


def _any(caseless: bool) -> Spelling:
    return lambda f, rest, node: _expression(f, "|".join(_folded(str(v), caseless) for v in values(rest[0])))


def _has(caseless: bool, prefix: bool = False, suffix: bool = False) -> Spelling:
    def spell(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
        value = text_of(rest, node)
        before, after = around(value, prefix, suffix)
        head, tail = f"(.*{BOUND})?" if before else ".*", f"({BOUND}.*)?" if after else ".*"
        return _expression(f, head + _folded(value, caseless) + tail)

    return spell


def _regex(f: str, rest: tuple[Expr, ...], node: Apply) -> str:
    return _expression(f, lucene_of(node))


_KUERY: dict[str, Spelling] = {
    "==": _equal, "in": _in("or"), "<": _range("<"), "<=": _range("<="), ">": _range(">"), ">=": _range(">="), "cidr": _network,
}  # fmt: skip

_LUCENE: dict[str, Spelling] = {
    "==": _equal, "in": _in("OR"), "=~": _any(True), "in~": _any(True), "cidr": _in("OR"),
    "<": _span("{{* TO {0}}}"), "<=": _span("[* TO {0}]"), ">": _span("{{{0} TO *}}"), ">=": _span("[{0} TO *]"),
    "contains": _text(".*{0}.*", True), "contains_cs": _text(".*{0}.*", False),
    "startswith": _text("{0}.*", True), "startswith_cs": _text("{0}.*", False),
    "endswith": _text(".*{0}", True), "endswith_cs": _text(".*{0}", False),
    "has": _has(True), "has_cs": _has(False), "hasprefix": _has(True, prefix=True), "hasprefix_cs": _has(False, prefix=True),
    "hassuffix": _has(True, suffix=True), "hassuffix_cs": _has(False, suffix=True),
    "matches regex": _regex, "matches regex~": _regex,
}  # fmt: skip


class _InLucene(Predicates):
    """A clause of nothing but a negation takes away from its neighbours, unless all is beside it."""

    def refused(self, text: str) -> str:
        return f"(*:* AND NOT {text})"


_BY_EXPRESSION = frozenset(_LUCENE) - frozenset(_KUERY)
_TEXTS = frozenset({"", "keyword", "constant_keyword", "wildcard"})
"""Types of fields that take a regular expression (Elasticsearch, regexp query)."""


def query_of(names: Names, selectors: tuple[Selector, ...], language: str) -> str:
    """The events of some selectors as a query in one of ``LANGUAGES``.

    Raises:
        Cannot: for a condition that the language has no words for.
    """
    found = [_query(names, s, language, len(selectors) > 1) for s in selectors]
    return found[0] if len(found) == 1 else (" or " if language == "kuery" else " OR ").join(f"({q})" for q in found)


def _query(names: Names, selector: Selector, language: str, several: bool) -> str:
    for node in walk(selector.predicate):
        if is_field(node) and names.stored(node) not in _WHOLE:
            raise Cannot(Diagnostic("target-cannot", f"a query does not compare the whole of {names.field(node)}", node.span))
        match node:
            case Apply(args=(subject, *_)) if is_field(subject) and node.function in _BY_EXPRESSION and names.stored(subject) not in _TEXTS:
                raise Cannot(Diagnostic("target-cannot", f"{names.field(subject)} is no text to search in", node.span))
            case Apply(args=(subject, Const() | Items() as operand)) if is_field(subject) and node.function not in LISTS:
                if "" in values(operand):
                    raise Cannot(Diagnostic("target-cannot", "a query does not tell an empty text from none", node.span))
    if language == "kuery":
        predicates = Predicates(names, _KUERY, _name, "not {0}:*", "{0}:*", '{0}:""', 'not {0}:""', "*", "not *", " and ", " or ", "not ")
    else:
        without = "(*:* AND NOT {})".format
        predicates = _InLucene(names, _LUCENE, _name, without("{0}:*"), "{0}:*", '{0}:""', without('{0}:""'), "*", "(*:* AND NOT *:*)")
    told = dataset(names, selector)
    parts = [f"event.dataset:{_phrase(told)}"] if told else []
    if selector.predicate != TRUE:
        text = predicates.render(selector.predicate, bool(parts))
        parts.append(text)
    return (" and " if language == "kuery" else " AND ").join(parts) or "*"
