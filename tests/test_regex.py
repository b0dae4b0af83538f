"""The regular expressions of KQL: what is refused and where, and that each language's spelling finds the same."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from typing import Any as Any_

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translator.regex import writers
from translator.regex.ascii import asciified
from translator.regex.automata import ends_once, is_too_complex
from translator.regex.classes import ranges_of
from translator.regex.endings import ending, takes_line_feed, takes_no_line_feed, without_tail
from translator.regex.lucene import lucene
from translator.regex.parser import RegexError, parse
from translator.regex.syntax import (
    Alternation,
    Anchor,
    Any,
    Class,
    Concat,
    Group,
    Literal,
    Node,
    Perl,
    Posix,
    Range,
    Repeat,
    Set,
    alternation,
    caseless,
    concat,
    is_cased,
    set_is_cased,
)
from translator.regex.writers import Inexpressible
from translator.verify.eql import patterns
from translator.verify.esql.regex import java
from translator.verify.reading import NotReadable
from translator.verify.spl.regexes import Pattern


@pytest.mark.parametrize(
    ("pattern", "offset", "message"),
    [
        ("a(?=b)", 1, "look-around"),
        ("a(?<!b)c", 1, "look-around"),
        ("a(?>b)", 1, "atomic"),
        (r"(a)\1", 3, "references"),
        (r"(?P<n>a)(?P=n)", 8, "references"),
        ("a++", 2, "possessive"),
        ("a**", 2, "possessive"),
        ("ab{2}{3}", 5, "possessive"),
        ("*a", 0, "nothing to repeat"),
        ("a|{2}", 2, "nothing to repeat"),
        ("a{,2}", 1, "nothing to repeat"),
        ("a{3,2}", 1, "at least 3 and at most 2"),
        ("a{1001}", 1, "1000 repeats"),
        ("((a{40}){40})", 8, "1000 repeats"),
        ("(a", 2, "group is not closed"),
        ("a)", 1, "closes nothing"),
        ("[a", 2, "class is not closed"),
        ("[b-a]", 1, "backwards"),
        ("[[:letter:]]", 1, "no class"),
        (r"\p{Klingon}", 0, "no class"),
        (r"\Z", 0, "no meaning"),
        (r"\x{110000}", 0, "no character"),
        ("a\\", 1, "end stands for nothing"),
        ("(?z)a", 0, "flag"),
        ("(?P<n>a)(?P<n>b)", 8, "two groups"),
        ("(" * 101 + ")" * 101, 100, "groups within each other"),
        ("(?x) a # b(\n [", 14, "class is not closed"),
    ],
)
def test_what_is_refused(pattern: str, offset: int, message: str) -> None:
    with pytest.raises(RegexError, match=message) as refused:
        parse(pattern)
    assert refused.value.offset == offset


CASES = [
    # pattern, texts that it is found in, texts that it is not found in
    ("enc$", ["enc", "an enc"], ["enc\n", "encode"]),
    ("^[[:alpha:]]+$", ["AB"], ["A1", "", "é"]),
    ("[[:^digit:]]", ["a", "é"], ["12"]),
    ("[[]", ["a[", "["], ["]", "a"]),
    ("^[^[:digit:][]+]$", ["a]"], ["[]", "1]", "a"]),
    (r"^\d$", ["7", "٣"], ["a", "77", "²"]),
    (r"^(?-u:\d)$", ["7"], ["٣"]),
    (r"^\w+$", ["aé_9", "e\u0301"], ["a-b", "²"]),
    (r"^\s$", [" ", "\t", "\u00a0", "\u2028", "\x0b"], ["\x1c", "a"]),
    (r"\bcat\b", ["a cat.", "cat"], ["écat", "cats", "cat\u0301"]),
    (r"(?-u:\b)cat", ["écat", "cat"], ["acat"]),
    (r"\<at\>", ["look at it"], ["cat", "ate"]),
    (r"\b{start-half}at", ["at", "!at"], ["cat"]),
    ("a.b", ["a\rb", "a\u2028b"], ["a\nb"]),
    ("(?s)a.b", ["a\nb"], ["ab"]),
    ("(?m)^b$", ["a\nb\nc", "b"], ["ab", "b c"]),
    (r"(?m)\Ab$", ["b\nc"], ["a\nb"]),
    (r"(?m)^b\z", ["a\nb"], ["b\nc", "b\n"]),
    ("(?i)k", ["K", "\u212a"], ["c"]),
    ("(?i)[^k]", ["a"], ["kK\u212a"]),
    ("a(?i:b)c", ["abc", "aBc"], ["Abc", "abC"]),
    ("a(?i)b|c", ["aB", "C"], ["AB"]),
    ("(?i)a(?-i)b", ["Ab"], ["AB"]),
    (r"^\Qa.b*\E$", ["a.b*"], ["axb*"]),
    ("^[a-z&&[^aeiou]]+$", ["xyz"], ["xaz"]),
    ("^[a-z--m-p]+$", ["abz"], ["amz"]),
    ("^[a-g~~b-h]+$", ["ah"], ["abh"]),
    (r"^[\w&&\p{ascii}]+$", ["a_9"], ["é"]),
    ("[a&&b]", [], ["a", "b", "&"]),
    (r"^[]a-]+$", ["a]-"], ["b"]),
    (r"^[\w-.]+$", ["a-b.c"], ["a b"]),
    (r"^\x41\x{42}\u0043\U00000044\105\t$", ["ABCDE\t"], ["ABCDE"]),
    ("^{a}$", ["{a}"], ["a"]),
    ("^(|a)b$", ["b", "ab"], ["aab"]),
    ("(?x) a b # comment (\n [c d]", ["abc", "abd"], ["ab c"]),
    (r"^\p{Lu}\p{Letter}\P{L}$", ["Éa1"], ["aa1", "AA"]),
]


def _duckdb(pattern: str, text: str) -> bool:
    ((found,),) = duckdb.execute("SELECT regexp_matches(?, ?)", [text, pattern]).fetchall()
    return bool(found)


@pytest.mark.parametrize(("pattern", "found", "other"), CASES)
def test_each_spelling_finds_the_same(pattern: str, found: list[str], other: list[str]) -> None:
    tree = parse(pattern)
    for text, wanted in [(t, True) for t in found] + [(t, False) for t in other]:
        assert (re.search(writers.python(tree), text) is not None) is wanted, (writers.python(tree), text)
        try:
            assert _duckdb(writers.re2(tree), text) is wanted, (writers.re2(tree), text)
        except Inexpressible:
            assert "\\b" in pattern or "\\<" in pattern
        if not asciified(tree, "dswb"):
            with suppress(Inexpressible, NotReadable):
                assert Pattern(writers.pcre(tree)).found(text) is wanted, (writers.pcre(tree), text)
        with suppress(Inexpressible, NotReadable):
            assert (java(writers.java_portable(tree)).search(text) is not None) is wanted, (writers.java_portable(tree), text)


PORTABLE = [
    ("enc$", "", r"enc$(?!\n)"),
    ("(?i)enc$", "|i", r"enc$(?!\n)"),
    ("^[[:alpha:]]+", "", "^[A-Za-z]+"),
    ("(?s)a.*b", "|s", "a.*b"),
    ("(?s:a.)b.", "", r"a[\s\S]b."),
    ("(?m)^a", "|m", "^a"),
    ("a(?i:b)c", "", "a(?i:b)c"),
    (r"(?:a)(?:b|c)+(?P<n>d)", "", "a(?:b|c)+(?P<n>d)"),
]


@pytest.mark.parametrize(("pattern", "flags", "written"), PORTABLE)
def test_what_sigma_and_splunk_get(pattern: str, flags: str, written: str) -> None:
    assert writers.sigma(parse(pattern)) == (flags, written)
    assert writers.pcre(parse(pattern)) == (f"(?{flags[1:]})" if flags else "") + written


WORD = r"[\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{200c}\x{200d}Ⓐ-ⓩ🄰-🅉🅐-🅩🅰-🆉]"


@pytest.mark.parametrize(
    ("pattern", "portable", "written"),
    [
        (r"\d+\D", r"\d+\D", r"\p{Nd}+\P{Nd}"),
        (r"a\s", r"a\s", r"a[\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]"),
        (r"[\d_]|[^\d]", r"[\d_]|[^\d]", r"[\p{Nd}_]|[^\p{Nd}]"),
        (r"[\s\S]*", r"[\s\S]*", r"[\s\S]*"),
        (r"\bcat", r"\bcat", f"(?<!{WORD})cat"),
        (r"-\b(a|_|[b-d]|\w)+\b-", r"-\b(a|_|[b-d]|\w)+\b-", f"-(?<!{WORD})(a|_|[b-d]|{WORD})+(?!{WORD})-"),
        (r"a?\b(b|-)", r"a?\b(b|-)", f"a?(?:(?<!{WORD})(?={WORD})|(?<={WORD})(?!{WORD}))(b|-)"),
        (r"\<at\>", r"\b(?=\w)at\b(?<=\w)", f"(?<!{WORD})(?={WORD})at(?<={WORD})(?!{WORD})"),
    ],
)
def test_classes_of_unicode_are_written_out_for_splunk_alone(pattern: str, portable: str, written: str) -> None:
    assert (writers.sigma(parse(pattern)), writers.pcre(parse(pattern))) == (("", portable), written)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        (r"\d+\D\W", r"(?U)\d+\D\W"), (r"(?i)\bcat\s", r"(?iU)(?<!\w)cat\s"), (r"(?m)^[\w.]+$", r"(?dmU)^[\w.]+$"),
        (r"(?i)é[^/]+", "(?iu)é[^/]+"), (r"[0-9]+(?-u:\d)", "[0-9]+[0-9]"),
    ],
)  # fmt: skip
def test_classes_of_unicode_are_a_flag_of_java(pattern: str, written: str) -> None:
    assert writers.java_portable(parse(pattern)) == written


def test_what_sigma_cannot_say() -> None:
    for pattern in (r"\p{Greek}", r"\x{E000}", r"(?-u:\b)a"):
        with pytest.raises(Inexpressible):
            writers.sigma(parse(pattern))


CHARACTERS = "abzAZ09_ -]^é٣\n\r.\\[K&~#"


def _sets(depth: int) -> st.SearchStrategy[Set]:
    char = st.sampled_from(CHARACTERS)
    single = char.map(lambda c: Range(ord(c), ord(c)))
    wide = st.tuples(char, char).map(lambda p: Range(min(map(ord, p)), max(map(ord, p))))
    named = st.sampled_from([Perl("d"), Perl("w", True), Perl("s"), Posix("alpha"), Posix("punct", True)])
    plain: st.SearchStrategy[Set] = single | wide | named
    return plain if not depth else plain | st.lists(_sets(depth - 1), min_size=2, max_size=3).map(lambda m: Class(tuple(m), True))


def _letter(character: str, ignored: bool) -> Node:
    return Literal(character, ignored and is_cased(character))


def _class(members: list[Set], negated: bool, ignored: bool) -> Node:
    return Class(tuple(members), negated, ignored and any(map(set_is_cased, members)))


@st.composite
def trees(draw: st.DrawFn, anchors: tuple[str, ...] = ("start", "end")) -> Node:
    """Trees as the parser makes them."""
    leaves: st.SearchStrategy[Node] = (
        st.builds(_letter, st.sampled_from(CHARACTERS), st.booleans())
        | st.builds(Any, st.booleans())
        | st.builds(_class, st.lists(_sets(1), min_size=1, max_size=3), st.booleans(), st.booleans())
        | st.sampled_from([Anchor(a) for a in anchors])  # type: ignore[arg-type]
    )
    bounds = st.tuples(st.integers(0, 2), st.none() | st.integers(0, 2)).map(lambda b: (b[0], None if b[1] is None else b[0] + b[1]))

    def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return (
            st.lists(inner, min_size=0, max_size=3).map(lambda p: concat(*p))
            | st.lists(inner, min_size=2, max_size=3).map(lambda o: alternation(*o))
            | st.tuples(inner, bounds, st.booleans()).map(lambda r: Repeat(r[0], *r[1], r[2]))
            | inner.map(lambda n: Group(n, 0))
        )

    return _numbered(draw(st.recursive(leaves, grown, max_leaves=8)))


def _numbered(node: Node) -> Node:
    """A tree with its groups numbered in the order of their parentheses."""
    count = 0

    def number(found: Node) -> Node:
        nonlocal count
        match found:
            case Group(inner):
                count += 1
                own = count
                return Group(number(inner), own)
            case Repeat(inner, least, most, greedy):
                return Repeat(number(inner), least, most, greedy)
            case Concat(parts):
                return Concat(tuple(number(p) for p in parts))
            case Alternation(options):
                return Alternation(tuple(number(o) for o in options))
        return found

    return number(node)


TEXTS = st.text(CHARACTERS, max_size=6)


@settings(deadline=None, max_examples=100)
@given(trees(("start", "end", "word", "word-start", "line-start", "line-end")))
def test_what_is_written_for_kql_is_read_back(tree: Node) -> None:
    assert parse(writers.kql(tree)) == tree, writers.kql(tree)


@settings(deadline=None, max_examples=100)
@given(trees(("start", "end", "line-start", "line-end")), st.lists(TEXTS, min_size=1, max_size=5))
def test_python_and_duckdb_find_the_same(tree: Node, texts: list[str]) -> None:
    try:
        ours, theirs = re.compile(writers.python(tree)), writers.re2(tree)
    except Inexpressible:
        return
    for text in texts:
        assert (ours.search(text) is not None) is _duckdb(theirs, text), (ours.pattern, theirs, text)


@settings(deadline=None, max_examples=100)
@given(trees(), st.lists(TEXTS, min_size=1, max_size=5))
def test_the_portable_spelling_finds_the_same_in_python(tree: Node, texts: list[str]) -> None:
    try:
        flags, written = writers.sigma(tree)
    except Inexpressible:
        return
    ours, portable = re.compile(writers.python(tree)), re.compile((f"(?{flags.replace('|', '')})" if flags else "") + written)
    for text in texts:
        assert (ours.search(text) is not None) is (portable.search(text) is not None), (ours.pattern, portable.pattern, text)


@given(trees())
def test_case_is_ignored_where_it_is_asked(tree: Node) -> None:
    assert writers.case_of(caseless(tree)) in (True, None)


def test_sets_of_characters() -> None:
    def shown(pattern: str) -> str:
        found = parse(pattern)
        assert isinstance(found, Class)
        return "".join(chr(c) for first, last in ranges_of(found) for c in range(first, last + 1) if c < 0x80)

    assert shown("[0-9--4]") == "012356789"
    assert shown("[a-y&&xyz]") == "xy"
    assert shown("[x[^xyz&&a-z]&&[a-dx]]") == "abcdx"
    assert shown("(?i)[k&&j-l]") == "Kk"


ATOMS = st.sampled_from(["a", "B", "\\d", "\\w", "\\W", "\\s", ".", "[a-f]", "[^A-C]", "[\\]x-]", "\\.", "(ab|c)", "(?:a|b)", "(?:x?)"])
REGEXES = st.builds(
    lambda first, parts, last: first + "".join(parts) + last,
    st.sampled_from(["", "^", "(^|[^a-z])", "(?:^|,)", "(^a|b)", "((^)|c|)", "^b|", "^$|", "\\b"]),
    st.lists(st.builds(lambda a, n: a + n, ATOMS, st.sampled_from(["", "*", "+", "?", "{2}", "{1,3}", "*?"])), min_size=1, max_size=5),
    st.sampled_from(["", "$", "([^a-z]|$)", "(a$|b)", "((,|$)|c)", "$|c", "a$|b$", "|^", "\\b"]),
)


@settings(max_examples=200, deadline=None)
@given(REGEXES, st.sampled_from(["kept", "ignored", "lowered"]), st.integers(0, 10**6))
def test_a_regular_expression_of_lucene_matches_the_same(regex: str, case: Any_, seed: int) -> None:
    tree = parse(regex)
    tree = tree if case == "kept" else caseless(tree)
    try:
        translated = lucene(tree, case)
    except Inexpressible:
        return
    ours, automaton, pick = re.compile(writers.python(tree)), patterns.regex(translated, case == "ignored", True), random.Random(seed)
    for _ in range(40):
        text = "".join(pick.choice("abcdefxABCX019 .,]-_/") for _ in range(pick.randint(0, 8)))
        whole = automaton.fullmatch(text.lower() if case == "lowered" else text)
        assert (ours.search(text) is not None) == (whole is not None), (regex, translated, text)


@pytest.mark.parametrize("regex", ["a\\bc", "x^a", "(?m)^a", r"a\B", r"\<a", r"\p{Greek}", "a.{30}b", "[ac]*a[ac]{50,200}"])
def test_what_lucene_has_not_is_refused(regex: str) -> None:
    with pytest.raises(Inexpressible):
        lucene(parse(regex))


@pytest.mark.parametrize(
    ("regex", "case", "written"),
    [
        ("enc$", "kept", ".*enc"),
        ("^[[:alpha:]]+$", "kept", "[A-Za-z]+"),
        ("a(?i:bk)", "kept", ".*a[Bb][Kk\u212a].*"),
        ("(?i)Ab", "lowered", ".*ab.*"),
        ("(?i)[A-Z_]", "lowered", ".*[a-z_].*"),
        (r"\bcat\b", "kept", "(.*[^A-Za-z0-9_])?cat([^A-Za-z0-9_].*)?"),
        (r"^[\s\S]{2}a", "kept", ".{2}a.*"),
        (r"^a.b$", "kept", "a[^\n]b"),
        ("[a-z&&[^b]]$", "kept", ".*[ac-z]"),
        ("#&<a>", "kept", r".*\#\&\<a\>.*"),
        (r"[\s\S]*?a(?s:.*)", "kept", ".*a.*"),
        (r".*a", "kept", ".*[^\n]*a.*"),
        ("(?s)^.*a.*|b$", "kept", ".*a.*|.*b"),
        ("^$|^x?$", "kept", "()|x?"),
        ("^x$|^$", "kept", "x|()"),
        ("a|(b|c)|^d", "kept", ".*(a|b|c).*|d.*"),
        (r"\bcat|\bdog|^$", "kept", "(.*[^A-Za-z0-9_])?(cat|dog).*|()"),
    ],
)
def test_what_lucene_gets(regex: str, case: Any_, written: str) -> None:
    assert lucene(parse(regex), case) == written


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        (".*a.{11}", False), (".*a.{12}", True), ("a.{900}", False), (".*[a-z]{100}.*", False), (".*[ac]*a[de]{50,200}.*", False),
        (f".*({'|'.join(f'{c}.*{c.upper()}' for c in 'abcdefgh')}).*", False), (r".*\{.{0,20}x.{0,40}y.*", True),
        (f".*({'|'.join(f'{c}.*{c.upper()}' for c in 'abcdefghij')}).*", True), (r"[^\[\]a-c]*(\*{3}|b?)+\-", False), ("()|a", False),
        (".*" + "a" * 170 + ".*", False), (f"(.*[^a-z])?({'a' * 80}|{'a' * 79}b)([^a-z].*)?", False), (".*" + "a" * 400 + ".*", True),
        (f".*({'|'.join(f'Get-{n}' for n in range(400))}).*", False), ("|".join(f".*Get-{n}.*" for n in range(40)), True),
        (".*" + "[Aa]" * 170 + ".*", False), (".*a" + "[Aa]" * 13 + ".*", True), (r".*\[Aa]" + "[Bb]" * 60, False),
    ],
)  # fmt: skip
def test_what_takes_too_large_an_automaton_is_known(pattern: str, refused: bool) -> None:
    assert is_too_complex(pattern) == refused


@pytest.mark.parametrize(
    ("pattern", "once"),
    [
        ("a=", True), ("[^=]*=", True), ("(?:[^k][^;]*;|k[^e][^;]*;)*key=", True), ("(?:[^;]*;)*key=", False), ("a*", False),
        ("a|ab", False), ("ab|b", True), ("", True), ("a{2}", True), ("a{2,3}", False), ("[a-c]*c", False), ("(?i)a=", False),
        (r"\w=", False),
        (".*=", False),
    ],
)  # fmt: skip
def test_what_a_text_begins_with_in_one_way_is_known(pattern: str, once: bool) -> None:
    assert ends_once(parse(pattern)) == once


@pytest.mark.parametrize(
    ("pattern", "whole", "ends"),
    [
        (r"(?:^|\.)(?:com|net)$", {"com", "net"}, {".com", ".net"}),
        (r"(?i)\.(exe|dll)$", set(), {".exe", ".dll"}),
        (r"^a[.-]b$", {"a.b", "a-b"}, set()),
        (r"[.]\z", set(), {"."}),
        (r"(^a|b)c$", {"ac"}, {"bc"}),
    ],
)
def test_a_pattern_of_endings_is_the_texts_that_it_stands_for(pattern: str, whole: set[str], ends: set[str]) -> None:
    found = ending(parse(pattern))
    assert found is not None and set(found.whole) == whole and set(found.ends) == ends
    for text in ("com", "x.com", "xcom", "a.b", "a-b", "xa.b", ".", "..", "ac", "xac", "bc", "xbc", "x.exe", "X.EXE", ""):
        folded = str.lower if found.caseless else str
        by_text = folded(text) in found.whole or any(folded(text).endswith(end) for end in found.ends)
        assert by_text == bool(re.search(pattern.replace(r"\z", r"\Z"), text)), text


@pytest.mark.parametrize("pattern", ["a", "^$", "$", "a*b$", "a.$", "(?i:a)b$", "[a-z]$", r"a\d$", "(a|^)b^c$", "(?m)a$"])
def test_a_pattern_that_asks_for_more_is_none_of_endings(pattern: str) -> None:
    assert ending(parse(pattern)) is None


TAILS = [
    r"(?:^|/)a\.exe(?::[^/]*)?$",
    r"a(?::b)?$",
    r"a[^b]+$",
    r"a(?:b|[^b]*)$",
    r"a(?:[^b]+|[^a]*)?$",
    r"a[^b]+(?::[^/]*)?$",
    r"a.*$",
    r"(?s)a.*$",
    r"a[^\n]*$",
    "a$",
    r"a(?:[^b/][^/]*)?$",
    r"a(?:[^b/]c*)?$",
    r"a(?:[^:\n][^/]*)?$",
    r"a[^b]+(?:b|$)",
    r"a(?:[^b]|$)",
    r"a(?:b|$)",
    r"(?:a$|x)[^b]*$",
]
ENDED = [
    f"{before}{text}{after}"
    for before in ("", "/", "x")
    for text in ("a", "a.exe", "a:", "a.exe:s", "ab", "a:b")
    for after in ("", "\n", "\n\n")
]


@pytest.mark.parametrize("pattern", TAILS)
def test_what_a_pattern_may_end_with_is_one_pattern_or_another(pattern: str) -> None:
    tree = parse(pattern)
    apart = [re.compile(writers.python(part)) for part in without_tail(tree) or (tree,)]
    whole = re.compile(writers.python(tree))
    assert [bool(whole.search(t)) for t in ENDED] == [any(p.search(t) for p in apart) for t in ENDED]


@pytest.mark.parametrize("pattern", TAILS)
def test_a_dollar_behind_what_takes_line_feeds_is_the_end(pattern: str) -> None:
    flags, written = writers.sigma(parse(pattern))
    exact = re.compile(writers.python(parse(pattern)))
    loose = re.compile(written.replace(writers.END, "$"), re.DOTALL if "s" in flags else 0)
    same = all(bool(exact.search(t)) == bool(loose.search(t)) for t in ENDED)
    assert same or not takes_line_feed(parse(pattern))
    assert takes_line_feed(parse(pattern)) == (pattern in (TAILS[2], TAILS[5], TAILS[7], *TAILS[10:11], *TAILS[13:15]))
    if takes_no_line_feed(parse(pattern)):
        assert [bool(exact.search(t)) for t in ENDED] == [bool(loose.search(t)) and not t.endswith("\n") for t in ENDED]


@pytest.mark.parametrize(
    ("pattern", "none"),
    [
        ("a$", True),
        ("(a|[bc]+)$", True),
        ("ab?$", True),
        ("a$|(b)$", True),
        ("(?i)x[^\n]$", True),
        ("a$|b", False),
        ("a?$", False),
        ("a*$", False),
        (r"a\s$", False),
        ("a[^b]$", False),
        ("a[^b]?$", False),
        ("(?s)a.$", False),
        ("$", False),
        ("a", False),
    ],
)
def test_what_ends_with_no_line_feed(pattern: str, none: bool) -> None:
    assert takes_no_line_feed(parse(pattern)) == none
