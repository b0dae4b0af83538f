"""What is enough to tell the events of selectors apart."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translator.targets.discrimination import in_one_form, told_by

KEYS = ("a", "b", "c")
VALUES = ("1", "2", "3")

SELECTORS = st.lists(
    st.dictionaries(st.sampled_from(KEYS), st.frozensets(st.sampled_from(VALUES), min_size=1)), min_size=1, max_size=4
)  # fmt: skip


@given(SELECTORS, st.data())
def test_what_tells_selected_events_apart_is_true_of_their_own_selectors_alone(
    selectors: list[dict[str, frozenset[str]]], data: st.DataObject
) -> None:
    groups = data.draw(st.lists(st.integers(0, 2), min_size=len(selectors), max_size=len(selectors)))
    by = told_by(selectors, groups)
    if by is None:
        return
    for event in (dict(zip(KEYS, values, strict=True)) for values in itertools.product(VALUES, repeat=len(KEYS))):
        of = {g for facts, g in zip(selectors, groups, strict=True) if all(event[k] in values for k, values in facts.items())}
        told = {g for facts, keys, g in zip(selectors, by, groups, strict=True) if all(event[k] in facts[k] for k in keys)}
        assert not of or told == of


@pytest.mark.parametrize(
    ("selectors", "by"),
    [
        ([{"code": {"4720"}, "name": {"x"}}, {"code": {"4726"}}], [["code"], ["code"]]),
        ([{"set": {"a"}, "code": {"1"}}, {"set": {"b"}, "code": {"1"}}, {"code": {"2"}}], [["set", "code"], ["set", "code"], ["code"]]),
        ([{"code": {"1"}}, {"code": {"1", "2"}}], None),
        ([{"code": {"1"}}, {"name": {"x"}}], None),
        ([{"code": {"1"}}], [[]]),
    ],
)  # fmt: skip
def test_as_few_as_tell(selectors: list[dict[str, set[str]]], by: list[list[str]] | None) -> None:
    assert told_by([{k: frozenset(v) for k, v in facts.items()} for facts in selectors], range(len(selectors))) == by


def test_values_that_some_comparison_takes_for_one_are_one() -> None:
    assert in_one_form(["A", "a"]) == {"a"} and in_one_form([1, "1.0", "01"]) == {"1.0"}
