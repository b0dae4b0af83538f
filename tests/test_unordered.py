"""Lists that are only asked whether they hold something."""

from __future__ import annotations

import pytest

import translator
from translator import catalog
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.unordered import with_sets

FAILED = "SigninLogs | where ResultType == '50126'"
NETS = f"let nets = toscalar({FAILED} | summarize make_list(IPAddress));"
GROUPS = f"SigninLogs | join kind=inner ({FAILED} | summarize nets = make_list(IPAddress) by AppId) on AppId"


@pytest.mark.parametrize(
    "kql",
    [
        f"{NETS} SigninLogs | where ipv4_is_in_any_range(IPAddress, nets) | project UserPrincipalName",
        f"{NETS} SigninLogs | where not(ipv6_is_in_any_range(IPAddress, nets)) | project UserPrincipalName",
        f"{NETS} SigninLogs | where UserAgent has_any (nets) | project UserPrincipalName",
        f"{GROUPS} | where ipv4_is_in_any_range(IPAddress, nets) | project UserPrincipalName",
        f"let nets = toscalar({FAILED} | summarize make_list_if(IPAddress, AppId != '')); SigninLogs"
        " | where ipv4_is_in_any_range(IPAddress, nets) | project UserPrincipalName",
    ],
)
def test_a_list_that_is_only_looked_into_is_as_good_as_a_set(kql: str) -> None:
    found = o.functions(with_sets(bind(parse(kql), catalog.schemas())).root)
    assert found & {"make_set", "make_set_if"} and not found & {"make_list", "make_list_if"}


@pytest.mark.parametrize(
    "kql",
    [
        f"{NETS} SigninLogs | where ipv4_is_in_any_range(IPAddress, tostring(nets[0])) | project UserPrincipalName",
        f"{GROUPS} | where ipv4_is_in_any_range(IPAddress, nets)",
        f"{GROUPS} | where ipv4_is_in_any_range(IPAddress, nets) | distinct tostring(nets)",
        f"let nets = toscalar({FAILED} | summarize l = make_list(IPAddress) | where array_length(l) > 3 | project l); SigninLogs"
        " | where ipv4_is_in_any_range(IPAddress, nets) | project UserPrincipalName",
        f"let nets = toscalar({FAILED} | summarize make_list(IPAddress, 10)); SigninLogs"
        " | where ipv4_is_in_any_range(IPAddress, nets) | project UserPrincipalName",
    ],
)
def test_a_list_that_is_shown_counted_or_cut_off_stays_one(kql: str) -> None:
    plan = bind(parse(kql), catalog.schemas())
    assert with_sets(plan) is plan


@pytest.mark.parametrize("more", ["| project UserPrincipalName, nets", "and array_length(nets) > 3 | project UserPrincipalName"])
def test_another_use_of_the_same_query_has_its_list(more: str) -> None:
    plan = with_sets(bind(parse(f"{NETS} SigninLogs | where ipv4_is_in_any_range(IPAddress, nets) {more}"), catalog.schemas()))
    assert {"make_set", "make_list"} <= o.functions(plan.root)


def test_networks_of_another_query_are_gathered_without_a_limit() -> None:
    kql = f"{NETS} SigninLogs | where ipv4_is_in_any_range(IPAddress, nets) | project UserPrincipalName"
    text = next(iter(translator.convert(kql, targets=("splunk",)).outputs.values())).text
    assert "eventstats values(" in text and "list(" not in text
