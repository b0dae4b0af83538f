"""Conditions on computed values as conditions on fields: what they are, what is said, and that they err the way that is said."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import translator
from tests.rules import rule
from translator.detection.approximations import approximated, at_least, at_most
from translator.fidelity import Verdict
from translator.plan.expressions import Apply, Column, ColumnRef, Const, const
from translator.plan.types import Type
from translator.verify.proof import Outcome, prove


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 12_000), st.integers(0, 120_000), st.integers(0, 2))
def test_patterns_of_numbers(bound: int, number: int, zeros: int) -> None:
    text = "0" * zeros + str(number)
    assert (re.fullmatch(at_least(bound), text) is not None) == (number >= bound)
    assert (re.fullmatch(at_most(bound), text) is not None) == (number <= bound)
    assert re.fullmatch(at_most(bound), f"-{number}") and not re.fullmatch(at_least(bound), f"-{number}")


PATTERNS = [
    (r"cat=([^;]+)(;|$)", 1), (r"([a-z]+)[.]([a-z]*)", 2), (r"(?i)x(a|b)?", 1), (r"(?:a|b)(\w*)[;,]", 1), (r"[(]([^)]*)[)]", 1),
    (r"[a-c]+", 0), (r"a(?P<name>.)c", 1), (r"(([a-z])[;=])*(b.*)", 3), (r"[]a](.*?);", 1),
]  # fmt: skip
TESTS = {
    "==": lambda v, t: v == t, "=~": lambda v, t: v.lower() == t.lower(), "contains": lambda v, t: t.lower() in v.lower(),
    "contains_cs": lambda v, t: t in v, "startswith": lambda v, t: v.lower().startswith(t.lower()),
    "endswith_cs": lambda v, t: v.endswith(t),
}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PATTERNS),
    st.sampled_from(sorted(TESTS)),
    st.sampled_from(["a", "B", "ab", ".", "a;", "x=", "(", "\\"]),
    st.integers(0, 10**6),
)
def test_what_a_condition_on_an_extracted_text_implies(pattern: tuple[str, int], operator: str, sought: str, seed: int) -> None:
    regex, group = pattern
    field = ColumnRef(None, Type.STRING, Column(1, "x", Type.STRING, "T", 0))
    asked = Apply(None, Type.BOOL, operator, (Apply(None, Type.STRING, "extract", (const(regex), const(group), field)), const(sought)))
    said: list[str] = []
    found = approximated(asked, lambda code, message, span: said.append(code))
    assert isinstance(found, Apply) and isinstance(found.args[1], Const) and said == ["first-match"]
    implied = re.compile(str(found.args[1].value), re.IGNORECASE if found.function.endswith("~") else 0)
    pick = random.Random(seed)
    for _ in range(60):
        text = "".join(pick.choice("abcAB;=.(),x\\\ncat=") for _ in range(pick.randint(0, 9)))
        match = re.search(regex, text)
        value = (match.group(group) or "") if match else ""
        if match and TESTS[operator](value, sought):
            assert implied.search(text), (text, found)


@pytest.mark.parametrize("regex", [r"(a|b)+", r"((a)b)*", r"(a)\1", r"(", r"a"])
def test_what_is_extracted_of_several_places_is_left_alone(regex: str) -> None:
    field = ColumnRef(None, Type.STRING, Column(1, "x", Type.STRING, "T", 0))
    asked = Apply(None, Type.BOOL, "==", (Apply(None, Type.STRING, "extract", (const(regex), const(1), field)), const("a")))
    assert approximated(asked, lambda code, message, span: None) == asked


@pytest.mark.parametrize(
    ("condition", "verdict", "sigma"),
    [
        ("toint(ResultType) == 50126", "narrower", "ResultType: '50126'"),
        ("toint(ResultType) in (1, 2)", "narrower", "ResultType:\n      - '1'\n      - '2'"),
        ("tolong(ResultType) > 0", "narrower", "ResultType|re: ^0*(1|[2-9]|[1-9][0-9]+)\\s*$"),
        ("toint(ResultType) == 0", "narrower", "ResultType: '0'"),
        ("tolong(ResultType) > 8", "narrower", "ResultType|re: ^0*(9|[1-9][0-9]+)\\s*$"),
        ("toint(LocationDetails.x) <= 8", "differs", "LocationDetails.x|lt: 9"),
        ("extract('cat=([^;]+);', 1, Id) == 'a.b'", "broader", "Id|re: cat=(a\\.b);"),
        ("extract('cat=([^;]+);', 1, Id) has 'a.b'", "broader", "Id|re|i: cat=([^;]*a\\.b[^;]*);"),
        ("extract('cat=([^;]+);', 1, Id) in ('a', 'b')", "broader", "cat=(b);"),
    ],
)
def test_written(condition: str, verdict: str, sigma: str) -> None:
    output = translator.convert(rule(f"SigninLogs | where {condition}"), ("sigma",)).outputs["sigma"]
    assert output.verdict.value == verdict
    assert sigma in output.text


@pytest.mark.parametrize(
    "condition", ["toint(ResultType) != 5", "not(extract('a(b)', 1, Id) == 'b')", "toint(ResultType) > -3", "toint(ResultType) <= 0"]
)
def test_only_what_errs_as_is_said_is_written(condition: str) -> None:
    output = translator.convert(rule(f"SigninLogs | where UserId == 'a' and {condition}"), ("sigma",)).outputs["sigma"]
    assert not {"first-match", "number-in-text", "number-in-value"} & {d.code for d in output.diagnostics}


@pytest.mark.parametrize(
    ("kql", "lifts"),
    [
        ("SigninLogs | where toint(ResultType) > 5 | summarize c = count() by UserId | where c > 5", True),
        ("SigninLogs | where toint(ResultType) > 5 | summarize c = count() by UserId | where c < 5", False),
        ("AuditLogs | where Category == 'a' | join kind=leftanti (SigninLogs | where toint(ResultType) > 5) on CorrelationId", False),
    ],
)
def test_no_approximation_below_few_events_or_on_an_absent_side(kql: str, lifts: bool) -> None:
    output = translator.convert(rule(kql), ("sigma",)).outputs["sigma"]
    assert bool(output.text) == lifts


@pytest.mark.parametrize(("path", "said"), [("RoomEvents.AlertType", False), ("RoomEvents.Other", True)])
def test_a_place_inside_of_a_column_may_be_known_to_have_whole_numbers(path: str, said: bool) -> None:
    outputs = translator.convert(rule(f"ZoomLogs | where toint({path}) == 1 and Event == 'x'"), ("eql", "sigma")).outputs
    assert {"number-in-value" in {d.code for d in output.diagnostics} for output in outputs.values()} == {said}


@pytest.mark.parametrize(
    ("condition", "good"),
    [
        ("substring(UserPrincipalName, 0, indexof(UserPrincipalName, '@')) == 'bob'", True),
        ("substring(UserPrincipalName, 0, indexof(UserPrincipalName, '@')) in~ ('bob', 'alice')", True),
        ("substring(UserPrincipalName, indexof(UserPrincipalName, '@') + 1) =~ 'contoso.com'", True),
        ("substring(UserPrincipalName, indexof(UserPrincipalName, '@') + 1) == 'b@contoso.com'", False),
        ("extract('([^@]*)@', 1, UserPrincipalName) == 'bob'", False),
    ],
)
def test_what_stands_before_or_behind_the_first_mark_has_one_place(condition: str, good: bool) -> None:
    conversion = translator.convert(rule(f"SigninLogs | where {condition}"), ("sigma", "splunk"))
    assert (conversion.outputs["sigma"].verdict == Verdict.EXACT) == good
    outcomes = {prove(conversion, target).outcome for target in ("sigma", "splunk")}
    assert Outcome.CONTRADICTED not in outcomes and (Outcome.PROVEN in outcomes or "b@" in condition)
