"""How far back a query without a period asks for events, compared with the events that the query itself finds."""

from __future__ import annotations

import datetime as dt
import random

import pytest

import translator
from translator import catalog
from translator.kql.parser import parse
from translator.pipeline.reach import Reach, reach_of
from translator.plan.binder import bind

DAY = 86_400
NOW = dt.datetime(2026, 3, 4, 15, 30)


def reach(kql: str) -> Reach:
    return reach_of(bind(parse(kql), catalog.schemas()))


@pytest.mark.parametrize(
    ("condition", "older"),
    [
        ("ago(2d) > TimeGenerated", 2 * DAY),
        ("TimeGenerated + 2d < now()", 2 * DAY),
        ("now() > TimeGenerated + 2d", 2 * DAY),
        ("(now() - TimeGenerated) / 1h > 48", 2 * DAY),
        ("-1 * (now() - TimeGenerated) < -2d", 2 * DAY),
        ("tolong(now() - TimeGenerated) > 2 * 864000000000", 2 * DAY),
        ("abs(TimeGenerated - now()) > 2d", 2 * DAY),
        ("bin(TimeGenerated, 1h) < ago(2d)", 2 * DAY),
        ("not(TimeGenerated > ago(2d))", 2 * DAY),
        ("not(TimeGenerated > ago(2d) or ResultType == '0')", 2 * DAY),
        ("ResultType == '0' or TimeGenerated < ago(2d)", 2 * DAY),
        ("TimeGenerated !between (ago(2d) .. now())", 2 * DAY),
        ("iff(TimeGenerated < ago(2d), true, false)", 2 * DAY),
        ("TimeGenerated < startofday(now())", DAY),
        ("TimeGenerated < startofday(now(), -1)", 2 * DAY),
        ("ingestion_time() < ago(2d)", 2 * DAY),
    ],
)
def test_the_age_that_events_have_at_least_is_told_however_it_is_spelled(condition: str, older: int) -> None:
    for kql in (f"SigninLogs | where {condition}", f"SigninLogs | extend is = {condition} | where is"):
        found = reach(kql)
        assert found.open and found.asks and found.older == older


@pytest.mark.parametrize(
    ("kql", "back"),
    [
        ("where not(TimeGenerated < ago(2d))", 2 * DAY),
        ("where TimeGenerated between (ago(9d) .. 2d)", 9 * DAY),
        ("where TimeGenerated < ago(1d) | where TimeGenerated > ago(9d)", 9 * DAY),
        ("where TimeGenerated > ago(2d) or (TimeGenerated > ago(9d) and ResultType == '0')", 9 * DAY),
        ("where startofday(TimeGenerated) == startofday(ago(3d))", 4 * DAY),
        ("make-series n = count() on TimeGenerated from ago(14d) to now() step 1d by UserPrincipalName", 14 * DAY),
    ],
)
def test_the_oldest_events_of_a_query_are_told(kql: str, back: int) -> None:
    assert reach(f"SigninLogs | {kql}") == Reach(back=back, states=True)


@pytest.mark.parametrize(
    "condition",
    [
        "coalesce(TimeGenerated, now()) < ago(3d)",
        "TimeGenerated < max_of(ago(3d), ago(4d))",
        "getmonth(TimeGenerated) == 3",
        "format_datetime(TimeGenerated, 'yyyy-MM-dd') == '2023-01-01'",
    ],
)
def test_a_condition_on_the_time_that_cannot_be_read_is_known_as_one(condition: str) -> None:
    assert reach(f"SigninLogs | where {condition}").asks


@pytest.mark.parametrize(
    "kql",
    [
        "where ResultType == '0'",
        "where hourofday(TimeGenerated) > 18 and format_datetime(TimeGenerated, 'HH') != '20'",
        "where TimeGenerated > CreatedDateTime",
        "where TimeGenerated < now()",
    ],
)
def test_no_age_is_read_where_none_is_asked_for(kql: str) -> None:
    assert reach(f"SigninLogs | {kql}") == Reach(open=True)


def test_the_time_of_a_table_that_is_not_known_is_read_as_well() -> None:
    assert reach("Some_CL | where TimeGenerated > ago(14d) | summarize n = count() by User_s") == Reach(back=14 * DAY, states=True)


def test_what_is_first_seen_lately_asks_for_what_was_seen_before() -> None:
    found = reach("SigninLogs | summarize seen = min(TimeGenerated) by UserPrincipalName | where seen > ago(1d)")
    assert found.open and found.older == DAY


def test_a_side_without_a_window_is_none_of_the_other_side() -> None:
    found = reach("SigninLogs | where TimeGenerated > ago(1d) | join kind=leftanti AuditLogs on CorrelationId")
    assert found.states and found.open and found.back == DAY


def test_what_is_asked_for_before_a_day_of_the_calendar_is_told() -> None:
    assert reach("SigninLogs | where TimeGenerated < datetime(2023-01-01)").until
    assert not reach("SigninLogs | where TimeGenerated between (datetime(2023-01-01) .. datetime(2023-02-01))").until


COMPARISONS = (
    "TimeGenerated > ago({a}h)", "ago({a}h) > TimeGenerated", "now() - TimeGenerated < {a}h", "(TimeGenerated - now()) / 1h < -{a}",
    "TimeGenerated between (ago({b}h) .. ago({a}h))", "TimeGenerated !between (ago({b}h) .. {a}h)", "ResultType == '0'",
    "TimeGenerated >= startofday(ago({a}h))", "endofday(TimeGenerated) <= ago({a}h)", "TimeGenerated + {a}h < now()",
    "datetime_diff('day', now(), TimeGenerated) > {c}", "bin(TimeGenerated, 1d) == bin(ago({a}h), 1d)",
    "datetime_add('day', {c}, TimeGenerated) >= now()",
)  # fmt: skip


def _condition(pick: random.Random, depth: int) -> str:
    if depth and pick.random() < 0.6:
        word = pick.choice(("and", "or", "not"))
        one = _condition(pick, depth - 1)
        return f"not({one})" if word == "not" else f"({one} {word} {_condition(pick, depth - 1)})"
    a = pick.randint(1, 200)
    return pick.choice(COMPARISONS).format(a=a, b=a + pick.randint(1, 100), c=a // 24)


@pytest.mark.parametrize("seed", range(25))
def test_events_that_a_query_finds_lie_where_its_conditions_reach(seed: int) -> None:
    kql = f"SigninLogs | where {_condition(random.Random(seed), 3)}"
    events = [
        {"TimeGenerated": NOW - dt.timedelta(hours=h, minutes=m), "ResultType": t}
        for h in range(0, 600, 2) for m in (7,) for t in ("0", "1")
    ]  # fmt: skip
    result = translator.run(f"{kql} | project TimeGenerated", {"SigninLogs": events}, now=NOW)
    ages = [(NOW - row[0]).total_seconds() for row in result.rows]
    found = reach(kql)
    if not found.open:
        assert max(ages, default=0) <= found.back
    elif ages and min(ages) > DAY:
        assert found.asks and min(ages) <= max(found.older + DAY, found.back)
