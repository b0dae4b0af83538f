"""ASIM's helper functions: values and columns by their arguments alone, and a word on those that are not read."""

from __future__ import annotations

import pytest

import translator
from rules import rule
from translator.commands.check import check_rule
from translator.fidelity import Verdict
from translator.plan.asim_functions import helper, refusal
from translator.targets.base import Options


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("_ASIM_LookupDnsQueryType(16)", "TXT"),
        ("_ASIM_LookupDnsQueryType(65300)", "Reserved for Private Use"),
        ("_ASIM_LookupDnsQueryType(70)", "Unassigned"),
        ("_ASIM_LookupDnsQueryType(int(null))", "Unassigned"),
        ("_ASIM_LookupDnsResponseCode(3)", "NXDOMAIN"),
        ("_ASIM_LookupDnsResponseCode(4000)", "Reserved for Private Use"),
        ("_ASIM_LookupICMPType(8)", "Echo"),
        ("_ASIM_LookupNetworkProtocol(6)", "TCP"),
        ("_ASIM_LookupNetworkProtocol(61)", "Unassigned"),
        ("ASIM_LookupNetworkProtocol(17)", "UDP"),
        ("_ASIM_LookupHTTPStatusCode('418')", "I'm a teapot"),
        ("_ASIM_LookupHTTPStatusCode(tostring(200))", "OK"),
        ("_ASIM_LookupAADcodes('50057')", "User disabled"),
        ("_ASIM_GetUsernameType('a@b')", "UPN"),
        ("_ASIM_GetUsernameType(@'A\\b')", "Windows"),
        ("_ASIM_GetUsernameType('CN=a,DC=b')", "DN"),
        ("_ASIM_GetUserType('a$', '')", "Machine"),
        ("_ASIM_GetUserType('a', 'S-1-0-0')", ""),
        ("_ASIM_GetWindowsUserType('x', 'S-1-5-21-1-2-3-500')", "Admin"),
        ("_ASIM_GetWindowsUserType('x$', 'S-1-5-21-1-2-3-1001')", "Machine"),
        ("_ASIM_GetWindowsUserType('', 'S-1-5-32')", ""),
    ],
)
def test_values(call: str, value: str) -> None:
    assert translator.run(f"print x = {call}").rows == [(value,)]


ROWS = "datatable(TimeGenerated: datetime, n: int, h: string) [datetime(2026-01-01), {n}, '{h}']"


@pytest.mark.parametrize(
    ("call", "n", "h", "rows"),
    [
        ("_ASIM_ResolveDnsQueryType('n')", 28, "", [(28, "AAAA")]),
        ("_ASIM_ResolveICMPType('n')", 0, "", [(0, "Echo Reply")]),
        ("_ASIM_ResolveICMPType('none')", 7, "", [(0, "Echo Reply")]),
        ("_ASIM_ResolveDnsResponseCode('n')", 16, "", [(16, "BADSIG"), (16, "BADVERS")]),
        ("_ASIM_ResolveNetworkProtocol('n')", 84, "", [(84, "IPTM"), (84, "TTP")]),
        ("_ASIM_ResolveNetworkProtocol('n')", 200, "", [(200, "Unassigned")]),
        ("_ASIM_ResolveFQDN('h')", 0, "a.b.c", [("a", "b.c", "a.b.c", "FQDN")]),
        ("_ASIM_ResolveSrcFQDN('h')", 0, "host", [("host", "", "", "")]),
        ("_ASIM_ResolveDvcFQDN('none')", 0, "host", [("", "", "", "")]),
    ],
)
def test_columns(call: str, n: int, h: str, rows: list[tuple[object, ...]]) -> None:
    result = translator.run(f"{ROWS.format(n=n, h=h)} | invoke {call}")
    assert sorted(row[3:] for row in result.rows) == rows


def test_a_condition_on_a_name_is_one_on_its_code() -> None:
    kql = "SigninLogs | where _ASIM_LookupAADcodes(ResultType) == 'User disabled'"
    output = translator.convert(rule(kql), ("sigma",)).outputs["sigma"]
    assert "ResultType: '50057'" in output.text and output.verdict == Verdict.EXACT


def test_codes_exclude_each_other() -> None:
    kql = "T | where _ASIM_LookupDnsQueryType(n) in ('TXT', 'MX')"
    output = translator.convert(rule(kql), ("splunk",), Options(fields="source")).outputs["splunk"]
    assert "n" in output.text and "28" not in output.text


def test_a_function_of_the_query_comes_first() -> None:
    assert translator.run("let _ASIM_LookupDnsQueryType = (n: int) { 'own' }; print x = _ASIM_LookupDnsQueryType(1)").rows == [("own",)]


@pytest.mark.parametrize(
    "kql",
    [
        "SigninLogs | invoke _ASIM_FillNull('-') | where UserPrincipalName == 'a'",
        "_Im_AssetEntity() | where x == 1",
        "_Im_AssetEntity | where x == 1",
        "_ASIM_IdentityInfo | where UserType == 'Guest'",
    ],
)
def test_what_is_not_read_says_what_to_write(kql: str) -> None:
    name = next(n for n in ("FillNull", "Im_AssetEntity", "IdentityInfo") if n in kql)
    told = refusal(f"_{name}" if name.startswith("Im") else f"_ASIM_{name}")
    outputs = translator.convert(rule(kql), ("splunk", "esql")).outputs
    assert told and all(any(told in d.message for d in o.diagnostics) for o in outputs.values())
    assert helper("_ASIM_FillNull", (0, 1)) is None and refusal("_ASIM_LookupICMPType") == ""


def test_a_value_that_is_not_read_is_told_by_check() -> None:
    (finding,) = check_rule(rule("SigninLogs | where AppDisplayName in (_ASIM_GetSourceBySourceType('x'))"))
    assert finding.code == "saved-function" and "watchlist" in finding.message
