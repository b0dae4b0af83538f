"""The language: what parses, what is refused and where, what a tree says, how it prints."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from translator.kql import syntax as s
from translator.kql.errors import KqlSyntaxError, excerpt
from translator.kql.formatter import format_kql
from translator.kql.lint import warnings
from translator.kql.literals import TICKS
from translator.kql.parser import parse, scan
from translator.kql.printer import to_kql

FIXTURES = Path(__file__).resolve().parent / "fixtures"
LINES = [line for line in (FIXTURES / "identity.kql").read_text("utf-8").splitlines() if line and not line.startswith("//")]


@pytest.mark.parametrize("line", LINES)
def test_identity(line: str) -> None:
    """Each construct survives parsing and printing to the letter, but for statements, which are printed a line each."""
    assert to_kql(parse(line)).replace("\n", " ") == line


def value_of(text: str) -> s.Node:
    statement = parse(f"print {text}").statements[0]
    assert isinstance(statement, s.ExpressionStatement) and isinstance(statement.expression, s.Print)
    return statement.expression.items[0]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ('"a\\"b\\\\c\\n\\u0041\\x42\\103"', "string", 'a"b\\c\nABC'),
        ("'it\"s'", "string", 'it"s'),
        ('@"C:\\Windows\\""x"', "string", 'C:\\Windows\\"x'),
        ("@'a''b'", "string", "a'b"),
        ('h"secret"', "string", "secret"),
        ("h@'x\\y'", "string", "x\\y"),
        ('```a\nb"```', "string", 'a\nb"'),
        ("~~~x~~~", "string", "x"),
        ('"a" "b" \'c\'', "string", "abc"),
        ("12", "long", 12),
        ("0x1F", "long", 31),
        ("1.5e-3", "real", 0.0015),
        ("1.", "real", 1.0),
        ("int(7)", "int", 7),
        ("long(null)", "long", None),
        ("real(+inf)", "real", float("inf")),
        ("bool(1)", "bool", True),
        ("TRUE", "bool", True),
        ("1d", "timespan", TICKS["d"]),
        ("1.5h", "timespan", 3 * TICKS["h"] // 2),
        ("90min", "timespan", 90 * TICKS["m"]),
        ("3microseconds", "timespan", 30),
        ("time(1.02:03:04)", "timespan", TICKS["d"] + 2 * TICKS["h"] + 3 * TICKS["m"] + 4 * TICKS["s"]),
        ("datetime(0001-01-02)", "datetime", TICKS["d"]),
        ("datetime(0001-01-01T01:00:00+01:00)", "datetime", 0),
        ("datetime(1/2/0001 00:00:01)", "datetime", TICKS["d"] + TICKS["s"]),
        ("guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", "guid", "74be27de-1e4e-49d9-b579-fe0b331d3642"),
    ],
)
def test_literals_are_decoded(text: str, kind: str, value: object) -> None:
    found = value_of(text)
    assert isinstance(found, s.Literal)
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a * b contains c", ("*", "contains")),
        ("a + b * c", ("+", "*")),
        ("a == b < c", ("==", "<")),
        ("a has b == c", ("==", "has")),
        ("a - b - c", ("-", "-")),
    ],
)
def test_precedence(text: str, shape: tuple[str, str]) -> None:
    outer = value_of(text)
    assert isinstance(outer, s.Binary)
    inner = outer.right if isinstance(outer.right, s.Binary) else outer.left
    assert isinstance(inner, s.Binary)
    assert (outer.operator, inner.operator) == shape


def test_chains_are_one_node() -> None:
    found = value_of(" or ".join(f"a == {i}" for i in range(500)))
    assert isinstance(found, s.Logical) and len(found.operands) == 500


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("T | wehre a", 1, 5, "did you mean 'where'?"),
        ("T | WHERE a", 1, 5, "lower case: where"),
        ("T | where a == \u201cb\u201d", 1, 15, "quotation mark of a word processor"),
        ("T | where a \u2013 1 > 2", 1, 13, "a dash of a word processor"),
        ("T | where (a", 1, 13, "')'"),
        ("T | where a)", 1, 12, "')' is unexpected"),
        ("T\n| where a ==\n", 2, 13, "expected an expression"),
        ("T | where (", 1, 12, "the query ends here, expected an expression\n"),
        ("T | where f(", 1, 13, "the query ends here, expected an expression or ')'\n"),
        ("T | evaluate bag_unpack", 1, 13, "evaluate is followed by a plugin with its arguments"),
        ("T | where a == 1\n\nU | take 1", 1, 17, "'U' is unexpected"),
        ('T | where a == "C:\\Windows"', 1, 16, "escape"),
        ('T | where a == "abc', 1, 16, "does not end"),
        ("T | project where", 1, 13, "'where' is a keyword"),
        ("T | extend kind = 1", 1, 12, "['kind']"),
        (".show tables", 1, 1, "management command (.show)"),
        ("let x 1; T", 1, 6, "'='"),
        ("T |", 1, 4, "expected an operator such as where, extend or summarize\n"),
        ("T | where a && b", 1, 13, "'&' is unexpected"),
        ("print dynamic()", 1, 15, "expected"),
        ("print 74be27de-1e4e-49d9-b579-fe0b331d3642", 1, 7, "write guid(74be27de"),
        ("T | where a == 1" + "0" * 5000, 1, 16, "5,001 digits"),
        ("T | where a < 0x" + "f" * 5000, 1, 15, "5,002 digits"),
        ("T | where a == -" + "9" * 400 + "d", 1, 17, "400 digits"),
    ],
)
def test_errors_say_where_and_what(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(KqlSyntaxError) as caught:
        parse(text)
    first = caught.value.errors[0]
    assert says in f"{first}\n"
    assert (first.line, first.column) == (line, column)
    assert excerpt(text, first).splitlines()[-1].rstrip().endswith("^")


def test_independent_errors_come_in_one_run() -> None:
    text = "let a = ;\nlet b = 5;\nT | wehre x;\nlet c = (1;\nT | take 1"
    with pytest.raises(KqlSyntaxError) as caught:
        parse(text)
    assert [e.line for e in caught.value.errors] == [1, 3, 4]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("T | where IsBillable = true", ["assignment-in-where"]),
        ("T | where IsBillable == true", []),
        ('T | where tolower(a) == "Abc"', ["case-never-equal"]),
        ('T | where tolower(a) in ("abc", "Abc")', ["case-never-equal"]),
        ('T | where toupper(a) != "abc"', ["case-never-equal"]),
        ('T | where tolower(a) =~ "Abc" or toupper(a) contains "x"', []),
    ],
)
def test_warnings(text: str, codes: list[str]) -> None:
    assert [w.code for w in warnings(parse(text))] == codes


@pytest.mark.parametrize("depth", [100, 1000])
@pytest.mark.parametrize("pair", [("(", ")"), ("f(", ")"), ("a[", "]"), ("iff(true, ", ", 1)")])
def test_deep_nesting_parses_and_prints(depth: int, pair: tuple[str, str]) -> None:
    text = "print " + pair[0] * depth + "x" + pair[1] * depth
    assert to_kql(parse(text)) == text


def test_deep_joins_parse_and_print() -> None:
    text = "T | join (" * 1000 + "T" + ") on a" * 1000
    assert to_kql(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("T|where a==1|take 5", "T\n| where a == 1\n| take 5\n"),
        ('T|evaluate r(typeof(x:long,*,y:real),"")', 'T\n| evaluate r(typeof(x:long, *, y:real), "")\n'),
        ("T|evaluate bag_unpack(b):(*,y:real)", "T\n| evaluate bag_unpack(b) : (*, y:real)\n"),
        (
            "let x=5;// five\n\n// then\nT | where a==x // c\n|take 1",
            "let x = 5; // five\n\n// then\nT\n| where a == x // c\n| take 1\n",
        ),
        (
            "T | join kind=inner (U | where b) on k",
            "T\n| join kind=inner (\n    U\n    | where b\n) on k\n",
        ),
        ("T | where a // why\n  and b | take 1", "T\n| where a // why\n  and b\n| take 1\n"),
        ("let f = (x:int) { T | where a == x };\nf(1)", "let f = (x:int) {\n    T\n    | where a == x\n};\nf(1)\n"),
    ],
)
def test_format(text: str, formatted: str) -> None:
    assert format_kql(text) == formatted
    assert format_kql(formatted) == formatted


@pytest.mark.parametrize("word", ["0X0", "5d", "1e5", "2ticks", "where", "true", "a b", "", "5x", "x"])
def test_a_name_prints_so_that_it_reads_as_a_name(word: str) -> None:
    tree = parse(f"T | extend [{json.dumps(word)}] = 1 | project [{json.dumps(word)}]")
    assert parse(to_kql(tree)) == tree


def test_a_damaged_or_planted_cache_is_rebuilt(tmp_path: Path) -> None:
    environment = {**os.environ, "KQL2SIGMA_CACHE": str(tmp_path / "cache")}
    program = "from translator.kql.parser import parse; parse('T | take 1'); print('fine')"

    def run() -> str:
        return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout

    assert run() == "fine\n"
    (stored,) = (tmp_path / "cache").iterdir()
    stored.write_bytes(b"cos\nsystem\n(S'touch planted'\ntR.")
    assert run() == "fine\n"
    assert hashlib.sha256(stored.read_bytes()[32:]).digest() == stored.read_bytes()[:32], "rebuilt and sound"
    (tmp_path / "cache").chmod(0o500)
    assert run() == "fine\n"
    (tmp_path / "cache").chmod(0o777)
    assert run() == "fine\n", "a folder that others can write is not used"


def corpus(shared: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (shared / "corpus" / "kql_queries.jsonl").read_text("utf-8").splitlines()]


def test_agreement_with_the_official_parser(shared: Path) -> None:
    rows, wrong = corpus(shared), []
    for row in rows:
        try:
            parse(str(row["query"]))
            valid = True
        except KqlSyntaxError:
            valid = False
        if valid != row["valid"]:
            wrong.append(row["id"])
    assert len(wrong) <= len(rows) * 0.002, wrong


def test_every_valid_query_round_trips_and_formats(shared: Path) -> None:
    for row in corpus(shared):
        if row["valid"]:
            text = str(row["query"])
            tree = parse(text)
            assert parse(to_kql(tree)) == tree, row["id"]
            formatted = format_kql(text)
            assert parse(formatted) == tree and format_kql(formatted) == formatted, row["id"]
            assert comments(formatted) == comments(text), row["id"]


def comments(text: str) -> list[str]:
    return [text[a:b].rstrip() for kind, a, b in scan(text) if kind == "comment"]
