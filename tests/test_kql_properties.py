"""Properties of the parser on any text and of the printer on any tree."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translator.kql import syntax as s
from translator.kql.errors import KqlSyntaxError
from translator.kql.formatter import format_kql
from translator.kql.parser import parse
from translator.kql.printer import to_kql
from translator.kql.reserved import RESERVED, RESERVED_BEFORE_EQUALS

COMMON = settings(
    deadline=None,
    derandomize="CI" in os.environ,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "200")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

FRAGMENTS = st.sampled_from(
    """T | where extend project summarize by join on kind=inner ( ) [ ] { } , ; : = == =~ != ! has contains in !in~ between .. and or not
    "a" 'b' @"c" ``` ~~~ h" 1 1.5 1d 0x1 true null dynamic( datetime( int(5) let set view print range from to step union search find
    evaluate mv-expand make-series parse with * $left.a a.b ['x'] // \\ \n -- --> ]-> .show # { } typeof(""".split(" ")
)


@COMMON
@given(st.one_of(st.text(max_size=60), st.lists(FRAGMENTS, max_size=25).map(" ".join)))
def test_any_text_parses_or_raises_kql_syntax_error(text: str) -> None:
    try:
        tree = parse(text)
    except KqlSyntaxError as error:
        assert error.errors
        for found in error.errors:
            assert 0 <= found.offset <= len(text) and found.line >= 1 and found.column >= 1 and found.message
        return
    check_spans(tree, text)
    assert parse(to_kql(tree)) == tree
    formatted = format_kql(text)
    assert parse(formatted) == tree and format_kql(formatted) == formatted


def check_spans(node: s.Node, text: str) -> None:
    """A child lies inside its parent, and children that are expressions follow one another."""
    assert 0 <= node.span[0] <= node.span[1] <= len(text)
    for child in node.children():
        assert node.span[0] <= child.span[0] and child.span[1] <= node.span[1], (node, child)
        check_spans(child, text)


WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
NAMES = st.one_of(WORDS, st.text(alphabet="abc XYZ-.'\"\\0é", min_size=1, max_size=6))
SPAN = (0, 0)


def literal(value: str | int | bool) -> s.Literal:
    if isinstance(value, bool):
        return s.Literal(SPAN, "bool", value, str(value).lower())
    if isinstance(value, int):
        return s.Literal(SPAN, "long", value, str(value))
    return s.Literal(SPAN, "string", value, "")


LITERALS = st.one_of(st.text(max_size=8), st.integers(0, 10**12), st.booleans()).map(literal)
LEAVES: st.SearchStrategy[s.Expression] = st.one_of(LITERALS, NAMES.map(lambda n: s.NameReference(SPAN, n)))


def parenthesized(inner: s.Expression) -> s.Expression:
    return s.Parenthesized(SPAN, inner)


def grow(inner: st.SearchStrategy[s.Expression]) -> st.SearchStrategy[s.Expression]:
    operand = inner.map(parenthesized)
    calls = NAMES.filter(lambda n: n not in {"typeof", "bool", "guid"})
    return st.one_of(
        st.builds(
            lambda o, a, b: s.Binary(SPAN, o, a, b),
            st.sampled_from(["==", "!=", "<", "+", "*", "has", "!contains_cs", "=~"]),
            operand,
            operand,
        ),
        st.builds(lambda o, x: s.Logical(SPAN, o, tuple(x)), st.sampled_from(["and", "or"]), st.lists(operand, min_size=2, max_size=4)),
        st.builds(lambda n, a: s.Call(SPAN, n, tuple(a)), calls, st.lists(inner, max_size=3)),
        st.builds(
            lambda o, a, v: s.Membership(SPAN, o, a, tuple(v)),
            st.sampled_from(["in", "!in~", "has_any"]),
            operand,
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(lambda a, b, c: s.Between(SPAN, "between", a, b, c), operand, operand, operand),
        st.builds(lambda a, n: s.Member(SPAN, a, s.Name(SPAN, n)), operand, NAMES),
        st.builds(lambda a, b: s.Element(SPAN, a, b), operand, inner),
    )


EXPRESSIONS = st.recursive(LEAVES, grow, max_leaves=12)
ITEMS: st.SearchStrategy[s.Node] = st.one_of(EXPRESSIONS, st.builds(lambda n, v: s.Named(SPAN, (s.Name(SPAN, n),), v), NAMES, EXPRESSIONS))
OPERATORS: st.SearchStrategy[s.Operator] = st.one_of(
    st.builds(lambda p: s.Where(SPAN, (), p), EXPRESSIONS),
    st.builds(lambda i: s.Extend(SPAN, tuple(i)), st.lists(ITEMS, min_size=1, max_size=3)),
    st.builds(lambda i: s.Project(SPAN, tuple(i)), st.lists(ITEMS, max_size=3)),
    st.builds(lambda a, b: s.Summarize(SPAN, (), tuple(a), tuple(b)), st.lists(ITEMS, min_size=1, max_size=2), st.lists(ITEMS, max_size=2)),
    st.builds(
        lambda k: s.Sort(SPAN, (), tuple(s.Ordered(SPAN, x, "asc", "last") for x in k)), st.lists(EXPRESSIONS, min_size=1, max_size=2)
    ),
)


@COMMON
@given(NAMES, st.lists(OPERATORS, min_size=1, max_size=4))
def test_generated_trees_round_trip(table: str, operators: list[s.Operator]) -> None:
    tree = s.Query(SPAN, (s.ExpressionStatement(SPAN, s.Pipeline(SPAN, s.NameReference(SPAN, table), tuple(operators))),))
    assert parse(to_kql(tree)) == tree


def test_the_reserved_words_differ_by_position() -> None:
    assert "where" in RESERVED and "where" not in RESERVED_BEFORE_EQUALS
    assert "kind" in RESERVED_BEFORE_EQUALS and "kind" not in RESERVED
