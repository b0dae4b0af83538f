"""Outer joins are inner ones where the rows without partners are left out above."""

from __future__ import annotations

import pytest

from translator import catalog
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.outer import with_inner_joins

CHANGES = "(AuditLogs | project u = Identity, OperationName)"


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
        ("fullouter", "where OperationName != '' and IPAddress != ''", "fullouter"),
    ],
)
def test_a_condition_above_makes_a_join_an_inner_one(kind: str, above: str, kept: str) -> None:
    kql = f"SigninLogs | project u = UserPrincipalName, IPAddress | join kind={kind} {CHANGES} on u | {above}"
    root = with_inner_joins(bind(parse(kql), catalog.schemas()).root)
    assert [n.kind for n in o.relations(root) if isinstance(n, o.Join)] == [kept]
