"""Outer joins are inner ones where the rows without partners are left out above."""

from __future__ import annotations

import pytest

from translator import catalog
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.outer import with_inner_joins

CHANGES = "(AuditLogs | project u = Identity, OperationName, At = TimeGenerated)"


@pytest.mark.parametrize(
    ("kind", "above", "kept"),
    [
        ("leftouter", "where OperationName != ''", "inner"),
        ("leftouter", "where isnotempty(OperationName) and IPAddress == ''", "inner"),
        ("leftouter", "extend k = OperationName | where k in ('a', 'b')", "inner"),
        ("leftouter", "summarize c = count() by OperationName | where OperationName == 'a'", "inner"),
        ("rightouter", "where IPAddress =~ 'a'", "inner"),
        ("leftouter", "where IPAddress != ''", "leftouter"),
        ("leftouter", "where OperationName != 'a'", "leftouter"),
        ("leftouter", "where OperationName != '' or IPAddress != ''", "leftouter"),
        ("leftouter", "where OperationName in ('a', '')", "leftouter"),
        ("leftouter", "summarize c = count() by IPAddress | where c > 1", "leftouter"),
        ("leftouter", "summarize OperationName = max(OperationName) by IPAddress | where OperationName != ''", "leftouter"),
        ("leftouter", "take 10 | where OperationName != ''", "leftouter"),
        ("leftouter", "extend OperationName = iff(OperationName == '', 'a', '') | where OperationName != ''", "leftouter"),
        ("rightouter", "where OperationName != ''", "rightouter"),
        ("leftanti", "where IPAddress != ''", "leftanti"),
        ("fullouter", "where OperationName != '' and IPAddress != ''", "inner"),
        ("fullouter", "where OperationName != ''", "rightouter"),
        ("fullouter", "where IPAddress != ''", "leftouter"),
        ("fullouter", "where OperationName != IPAddress", "fullouter"),
        ("leftouter", "where At > ago(1h)", "inner"),
        ("leftouter", "where now() - At < 1h", "inner"),
        ("leftouter", "where OperationName has 'a' or At > ago(1h)", "leftouter"),
        ("leftouter", "where not(At > ago(1h))", "leftouter"),
    ],
)
def test_a_condition_above_makes_a_join_an_inner_one(kind: str, above: str, kept: str) -> None:
    kql = f"SigninLogs | project u = UserPrincipalName, IPAddress | join kind={kind} {CHANGES} on u | {above}"
    root = with_inner_joins(bind(parse(kql), catalog.schemas()).root)
    assert [n.kind for n in o.relations(root) if isinstance(n, o.Join)] == [kept]


def test_joins_of_another_query_are_looked_at_too() -> None:
    joined = f"SigninLogs | project u = UserPrincipalName, IPAddress | join kind=leftouter {CHANGES} on u | where At > ago(1h) | project u"
    (found,) = (n for n in o.parts(with_inner_joins(bind(parse(f"AuditLogs | where Identity in (({joined}))"), catalog.schemas()).root))
                if isinstance(n, o.Join))  # fmt: skip
    assert found.kind == "inner"
