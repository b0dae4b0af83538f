"""Columns that a table may not have are plain ones where conditions above want neither the value in their place nor a missing one."""

from __future__ import annotations

import pytest

from translator import catalog
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.existing import with_existing_columns, with_known_columns
from translator.plan.expressions import Apply

MADE = "extend c = column_ifexists('Door', 'none')"


@pytest.mark.parametrize(
    ("kql", "plain"),
    [
        (f"Own_CL | {MADE} | where c !~ 'None' and isnotempty(c)", True),
        (f"Own_CL | {MADE} | where c == 'x'", True),
        (f"Own_CL | {MADE} | where c != 'none' | sort by c | where c in ('x', 'y')", True),
        (f"Own_CL | {MADE} | extend d = c | where d == 'x' | project d", True),
        (f"Own_CL | {MADE} | project d = c, TimeGenerated | where d == 'x'", True),
        (f"Own_CL | {MADE} | summarize n = count() by d = c | where d has 'x'", True),
        (f"Own_CL | {MADE} | extend d = replace('n', '', c) | where d in~ ('x', 'y')", True),
        (f"Own_CL | {MADE} | extend d = replace('n', '', c) | where d in~ ('x', 'oe')", False),
        (f"Own_CL | {MADE} | union (Own_CL | {MADE}) | where c == 'x'", False),
        (f"Own_CL | {MADE} | where c !~ 'None'", False),
        (f"Own_CL | {MADE} | where isnotempty(c)", False),
        (f"Own_CL | {MADE} | where c in ('x', 'none')", False),
        (f"Own_CL | {MADE} | where c == 'x' or Other == 'y'", False),
        (f"Own_CL | {MADE} | extend c = 'x' | where c == 'x'", False),
        (f"Own_CL | {MADE} | summarize c = max(c) by Other | where c == 'x'", False),
        (f"Own_CL | where Other == 'x' | {MADE} | take 10 | where c == 'x'", False),
        ("Own_CL | extend c = column_ifexists('Door', Other) | where c == 'x'", False),
    ],
)
def test_a_column_that_a_table_may_not_have(kql: str, plain: bool) -> None:
    root = bind(parse(kql), catalog.schemas()).root
    found = with_existing_columns(root)
    kept = [p for p in o.parts(found) if isinstance(p, Apply) and p.function == "column_ifexists"]
    assert (not kept) == plain
    assert (found is not root) == plain


@pytest.mark.parametrize(
    ("column", "may_exist"),
    [("identity_claim_http_schemas_microsoft_com_identity_claims_objectidentifier_g", True), ("Nope", False), ("OperationName", False)],
)
def test_azure_diagnostics_has_a_column_for_each_property_that_comes(column: str, may_exist: bool) -> None:
    root = bind(parse(f"AzureDiagnostics | where column_ifexists('{column}', 'none') != 'x'"), catalog.schemas()).root
    assert any(isinstance(p, Apply) and p.function == "column_ifexists" for p in o.parts(root)) == may_exist


@pytest.mark.parametrize(
    ("kql", "plain"),
    [
        ("Okta_CL | where column_ifexists('published_t', now()) > ago(1h)", True),
        ("Okta_CL | where column_ifexists('published_tt', now()) > ago(1h)", False),
        ("Own_CL | where column_ifexists('published_t', now()) > ago(1h)", False),
    ],
)
def test_a_column_that_the_catalog_knows_exists(kql: str, plain: bool) -> None:
    plan = with_known_columns(bind(parse(kql), catalog.schemas()), catalog.has_column)
    asked = any(isinstance(p, Apply) and p.function == "column_ifexists" for p in o.parts(plan.root))
    assert asked != plain
