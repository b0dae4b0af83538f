"""Constants computed before a detection is looked for: what is found, and what is never run."""

from __future__ import annotations

import pytest

import translator
from tests.rules import rule
from translator.engine import duckdb_engine
from translator.engine.constant_folding import fold_constants
from translator.plan import operators as o
from translator.plan.binder.problems import BindError
from translator.plan.expressions import Apply, Const, Items
from translator.targets.base import Options


def operand(kql: str) -> object:
    """The values that the one condition of a query compares with."""
    root = fold_constants(translator.bind(kql)).root
    assert isinstance(root, o.Filter) and isinstance(root.predicate, Apply)
    given = root.predicate.args[1]
    if isinstance(given, Items):
        return [i.value if isinstance(i, Const) else i for i in given.items]
    return given.value if isinstance(given, Const) else given


@pytest.mark.parametrize(
    ("kql", "values"),
    [
        ("T | where x in (pack_array('a', 'b'))", ["a", "b"]),
        ("T | where x in (pack_array('a', 'b'), 'c')", ["a", "b", "c"]),
        ("T | where x has_any (split('a,b', ','))", ["a", "b"]),
        ("let a = dynamic(['a']); let b = dynamic(['b', 'a']); T | where x in (set_union(a, b))", ["a", "b"]),
        ("let l = dynamic({'k': ['a', 'b']}); T | where x in (l.k)", ["a", "b"]),
        ("let l = dynamic(['a', 'b']); T | where x == l[1]", "b"),
        ("let p = 'svc-'; T | where x == strcat(p, tolower('A'))", "svc-a"),
        ("let big = true; T | where x > iff(big, 5 * 2, 1)", 10),
        ("T | where x > 1.5 * exp(0)", 1.5),
        ("T | where x == toscalar(datatable(v: string, n: long)['a', 1, 'b', 2] | summarize max(n))", 2),
        ("T | where x in (toscalar(datatable(v: string)['a', 'b'] | summarize make_set(v)))", ["a", "b"]),
    ],
)
def test_values(kql: str, values: object) -> None:
    assert operand(kql) == values


@pytest.mark.parametrize(
    ("kql", "values"),
    [
        ("'v1.13-4' with 'v' a: long '.' b: long '-' *", [1, 13]),
        ("'v1.x-4' with 'v' a: long '.' b: long '-' c", [None, None, ""]),
        ("strcat('v1.', 'x-4') with * '.' b '-' c: int", ["x", 4]),
        ("kind=relaxed 'v1.x-4' with 'v' a: long '.' b: long '-' c", [1, None, "4"]),
    ],
)
def test_a_constant_is_parsed_once(kql: str, values: list[object]) -> None:
    root = fold_constants(translator.bind(f"T | parse {kql}")).root
    assert isinstance(root, o.Compute) and [x.value for _, x in root.items if isinstance(x, Const)] == values


@pytest.mark.parametrize(
    ("kql", "values"),
    [
        (
            "let L = datatable(v: string, n: int)['B', 1, 'a', 2, 'B', 3]; T | where x in ((L | where n > 1 | project tolower(v)))",
            ["a", "b"],
        ),
        ("let L = datatable(v: string)['b', 'a', 'b']; T | where x in ((L | distinct v))", ["a", "b"]),
        (
            "let L = datatable(v: string, t: datetime)['a', datetime(2020)]; T | where x in ((L | extend w = strcat(v, '!') | project w))",
            ["a!"],
        ),
        (
            "let A = datatable(v: string)['a', 'b']; let B = datatable(v: string)['b']; T | where x in ((A | join kind=leftanti B on v))",
            "a",
        ),
        ("let L = union (print v = 'a'), (datatable(v: string)['b']); T | where x in (L)", ["a", "b"]),
        ("let L = range n from 2 to 6 step 2; T | where x in ((L | project n * 10))", [20, 40, 60]),
        ("let L = datatable(v: string)['a', 'b']; T | where x in (L) and x !in (L)", None),
        (
            "let L = datatable(v: string, w: string)['a', 'q', 'b', 'r']; T | join kind=inner (L | where w == 'q') on $left.x == $right.v",
            "a",
        ),
    ],
)
def test_tables(kql: str, values: object) -> None:
    output = translator.convert(rule(kql), ("splunk",), Options(fields="source")).outputs["splunk"]
    if values is None:
        assert output.verdict.value in ("exact", "none")
        return
    spelled = [f'"{v}"' if isinstance(v, str) else str(v) for v in (values if isinstance(values, list) else [values])]
    assert (f"in(x, {', '.join(spelled)})" if len(spelled) > 1 else f"=={spelled[0]}") in output.text, output


NEVER_RUN = [
    "T | where x == strcat(y, 'a')",
    "T | where x == strrep('a', 1000000)",
    "T | where x == tostring(rand())",
    "T | where x == tostring(now())",
    "T | where 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' matches regex '(a+)+b'",
    "T | where x == extract('(a+)+b', 1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
    "T | where x == trim('(a+)+b', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
    "T | where x == countof('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '(a+)+b', 'regex')",
    "T | where x in ((range n from 1 to 1000000000000 step 1))",
    "T | where x in ((U | project v))",
    "T | where x in ((externaldata(v: string)['https://h/l.csv'] | where v != 'a'))",
    "let L = range n from 1 to 20000 step 1; T | where x in ((L | extend k = 1 | join (L | extend k = 1) on k | project n))",
]


@pytest.mark.parametrize("kql", NEVER_RUN)
def test_what_reads_events_or_may_be_large_is_never_run(kql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it was run")

    monkeypatch.setattr(duckdb_engine.DuckDbEngine, "execute", refuse)
    fold_constants(translator.bind(kql))


@pytest.mark.parametrize(
    "grown",
    ["strcat({0}, {0})", "replace_string({0}, 'a', {0})", "tostring(pack_array({0}, {0}))", "strcat_array(pack_array({0}, {0}), {0})"],
)
def test_values_that_grow_with_each_step_end(grown: str) -> None:
    lets = ["let v0 = strcat('aaaaaaaaaa', 'aaaaaaaaaa')"] + [f"let v{n} = {grown.format(f'v{n - 1}')}" for n in range(1, 7)]
    root = fold_constants(translator.bind("; ".join([*lets, "T | where x == v6"]))).root
    longest = max((len(p.value) for p in o.parts(root) if isinstance(p, Const) and isinstance(p.value, str)), default=0)
    assert longest <= 10_000_000


def test_a_query_of_constants_alone_stays_one() -> None:
    plan = translator.bind("datatable(v: string)['a', 'b'] | where v == 'a'")
    assert isinstance(fold_constants(plan).root, o.Filter)


@pytest.mark.parametrize("twice", ["strcat({0}, {0})", "union {0}, {0}", "{0} | join ({0}) on x"])
def test_lets_that_double_what_they_stand_for_are_refused(twice: str) -> None:
    lets = ["let v0 = T | where x == 1", *(f"let v{n} = {twice.format(f'v{n - 1}')}" for n in range(1, 60))]
    with pytest.raises(BindError, match="more than 2,000 times"):
        translator.bind("; ".join([*lets, "v59 | where x == v59"]))


@pytest.mark.parametrize("depth", [100, 200, 400])
def test_constants_that_nest_deeply_are_translated_or_refused(depth: int) -> None:
    deep = "strcat('a', " * depth + "'b'" + ")" * depth
    try:
        text = translator.convert(rule(f"T | where x == {deep}"), ("sigma",)).outputs["sigma"].text
    except BindError as refused:
        assert depth > 100 and "nests too deeply" in str(refused)
    else:
        assert "a" * depth + "b" in text


def test_what_doubles_within_a_condition_stays_bounded() -> None:
    steps = "".join(f" | extend a{n} = iff(a{n - 1} == 'z', a{n - 1}, strcat(a{n - 1}, 'y'))" for n in range(1, 9))
    plan = translator.bind(f"T | extend a0 = x{steps} | where a8 == 'q'")
    assert sum(1 for _ in o.parts(plan.root)) < 1_000
    assert translator.convert(rule(f"T | extend a0 = x{steps} | where n == 1 and a8 == 'q'"), ("sigma",)).outputs["sigma"].text
