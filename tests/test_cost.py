"""What a query asks for is bounded: what is shared stays shared, is written once for each step, or is refused in words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from tests.rules import rule
from translator.pipeline import Conversion, convert
from translator.plan.conditions import alternatives, branches
from translator.plan.expressions import Apply, apply, conjuncts, const, disjunction, distinct, repeated
from translator.plan.simplify import MOST_REPEATED, TooLarge, simplify
from translator.plan.types import Type

EVENTS = "SigninLogs | where TimeGenerated > ago(1h)"


def chain(first: str, step: Callable[[int], str], last: str, steps: int) -> str:
    """A query whose column x0 is ``first``, and each of the next ones a step over the one before."""
    columns = "".join(f"\n| extend x{n} = {step(n - 1)}" for n in range(1, steps))
    return f"{EVENTS}\n| extend x0 = {first}{columns}\n| where {last.format(f'x{steps - 1}')}"


CHAINS = {
    "texts of choices": ("iff(ResultType == '0', 'a', 'b')", lambda n: f"iff(x{n} == 'a', strcat(x{n}, '{n}'), x{n})", "{0} == 'a'"),
    "booleans": ("ResultType == '0'", lambda n: f"(x{n} and AppDisplayName != '{n}') or not(x{n})", "{0}"),
    "texts": ("AppDisplayName", lambda n: f"strcat(x{n}, '-', x{n})", "{0} == 'a'"),
    "numbers": ("strlen(AppDisplayName)", lambda n: f"x{n} * x{n} + 1", "{0} > 5"),
    "what is there first": ("AppDisplayName", lambda n: f"coalesce(x{n}, UserPrincipalName, x{n})", "{0} == 'a'"),
}


def refusals(found: Conversion, target: str) -> set[str]:
    return {d.code for d in found.outputs[target].diagnostics}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_of_columns_ends_however_long_it_is(name: str) -> None:
    """Written out, the last column of forty steps is longer than any disk."""
    found = convert(rule(chain(*CHAINS[name], 40)))
    for target, output in found.outputs.items():
        assert sum(map(len, output.texts)) < 100_000
        assert output.texts or "too-large" in refusals(found, target), target


def test_a_chain_stays_a_chain_where_the_target_has_columns() -> None:
    found = convert(rule(chain(*CHAINS["texts of choices"], 30)))
    assert not found.outputs["sigma"].texts
    assert "too-large" in refusals(found, "sigma")
    text = found.outputs["splunk"].text
    assert text.count("case(") + text.count("if(") <= 30
    assert found.outputs["splunk"].verdict.value in ("exact", "same-alerts")


def test_what_is_refused_says_where_and_how_much() -> None:
    query = chain(*CHAINS["texts of choices"], 30)
    said = next(d for d in convert(rule(query)).outputs["eql"].diagnostics if d.code == "too-large")
    assert said.span is not None
    assert f"{MOST_REPEATED:,}" in said.message


def test_repeated_parts_are_counted_without_writing_them() -> None:
    expr = const("a")
    doubled: Apply = apply("strcat", expr, expr, type=Type.STRING)
    for _ in range(200):
        doubled = apply("strcat", doubled, doubled, type=Type.STRING)
    assert repeated(doubled) == 2**202 - 1 - 202
    assert repeated(expr) == 0
    with pytest.raises(TooLarge):
        simplify(doubled)


@pytest.mark.parametrize("count", [3, 40])
def test_each_of_many_stands_once(count: int) -> None:
    many = [const(f"v{n}") for n in range(count)]
    assert distinct([*many, *many]) == many


@pytest.mark.parametrize("count", [3, 40])
def test_junctions_of_any_length_keep_the_order_and_hold_no_member_twice(count: int) -> None:
    parts = [apply("==", const(f"a{n}"), const("b")) for n in range(count)]
    whole = disjunction(*parts, *reversed(parts))
    assert isinstance(whole, Apply)
    assert list(whole.args) == parts
    assert disjunction(*parts, const(True)) == const(True)
    assert conjuncts(whole) == (whole,)


def test_the_conditions_of_a_case_are_asked_in_order() -> None:
    """As the languages do: each branch need not deny those before it, which took as many conditions as the square of their number."""
    count = 50
    parts = ", ".join(f"AppDisplayName has 'w{n}', 'v{n}'" for n in range(count))
    query = f"{EVENTS} | extend k = case({parts}, 'z') | summarize c = count() by k | where c > 3"
    found = convert(rule(query)).outputs
    for target in ("splunk", "esql"):
        assert found[target].text.count("w49") == 1, target


def test_branches_exclude_those_before_and_alternatives_do_not() -> None:
    condition = apply("==", const("a", Type.STRING), const("b"))
    expr = Apply(None, Type.STRING, "iff", (condition, const("x"), const("y")))
    assert [c for c, _ in alternatives(expr) or ()] == [condition, const(True)]
    assert [c for c, _ in branches(expr) or ()] == [condition, apply("not", condition)]
    assert branches(const("x")) is None


def test_more_patterns_than_sigma_is_given_are_refused_there_and_written_elsewhere() -> None:
    terms = ", ".join(f"'w{n}'" for n in range(1_500))
    found = convert(rule(f"{EVENTS} | where AppDisplayName has_any ({terms})")).outputs
    assert not found["sigma"].texts
    assert any("1,000 regular expressions" in d.message for d in found["sigma"].diagnostics)
    assert found["splunk"].text.count("w1499") == 1


def calls_of(query: str) -> int:
    """How many Python functions are called to convert a query: what its length costs, on any machine."""
    count = 0

    def counted(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        convert(rule(query))
    finally:
        sys.setprofile(before)
    return count


MANY = {
    "conditions on a column in lower case": ("tolower(AppDisplayName)", " and ", "x != 'v{}'"),
    "conditions on a text that is joined": ("strcat(AppDisplayName, UserPrincipalName)", " and ", "x != 'v{}'"),
    "alternatives of a column in lower case": ("tolower(AppDisplayName)", " or ", "x == 'v{}'"),
    "alternatives of a part of a text": ("split(AppDisplayName, '-')[1]", " or ", "x has 'v{}'"),
}


@pytest.mark.parametrize("name", MANY)
def test_conditions_on_a_computed_column_cost_as_many_times_as_there_are(name: str) -> None:
    computed, operator, condition = MANY[name]
    calls_of(f"{EVENTS} | extend x = {computed} | where {condition.format(0)} {operator} {condition.format(1)}")  # which imports
    few, many = (calls_of(f"{EVENTS} | extend x = {computed} | where {operator.join(map(condition.format, range(n)))}") for n in (200, 800))
    assert many < 5 * few


def test_a_list_of_many_words_stands_as_it_is() -> None:
    listed = ", ".join(f"'w{n}'" for n in range(100))
    query = f"{EVENTS} | extend both = array_length(set_intersect(dynamic([{listed}]), parse_command_line(AppDisplayName, 'windows')))"
    assert all(sum(map(len, output.texts)) < 10_000 for output in convert(rule(query)).outputs.values())


def test_a_list_of_values_of_which_each_may_be_missing_is_bounded() -> None:
    listed = ", ".join(f"coalesce(UserPrincipalName, 'w{n}')" for n in range(40))
    found = convert(rule(f"{EVENTS} | extend all = pack_array({listed}) | where array_length(all) > 3"))
    assert all(sum(map(len, output.texts)) < 100_000 for output in found.outputs.values())
