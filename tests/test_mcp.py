"""``kql2sigma mcp``, through the client of its library."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from click.testing import CliRunner

from translator.cli import main
from translator.commands import mcp as served
from translator.commands.mcp import Desk, server

pytest.importorskip("mcp.server.mcpserver", reason="mcp 2 is not installed: pip install 'kql2sigma[mcp]'")

FAILED_LOGONS = 'SigninLogs\n| where ResultType == "50126" and UserPrincipalName startswith "admin"\n'


def asked(tool: str, desk: Desk | None = None, **arguments: Any) -> tuple[dict[str, Any], str]:
    """What a tool answers, and what it refuses with."""
    from mcp.client import Client

    async def call() -> Any:
        async with Client(server(desk or Desk())) as client:
            return await client.call_tool(tool, arguments)

    found = asyncio.run(call())
    return (found.structured_content or {}, "") if not found.is_error else ({}, found.content[0].text)


def test_the_tools_say_what_they_take() -> None:
    from mcp.client import Client

    async def tools() -> Any:
        async with Client(server(Desk())) as client:
            return (await client.list_tools()).tools

    found = {tool.name: tool for tool in asyncio.run(tools())}
    assert set(found) == {"check", "convert", "explain", "verify"}
    for tool in found.values():
        assert tool.description and tool.annotations.read_only_hint
        assert "rule" in tool.input_schema["required"] and "self" not in tool.input_schema["properties"]


def test_check_tells_places() -> None:
    found, _ = asked("check", rule="SigninLogs\n| wehre x == 1")
    (one,) = found["findings"]
    assert (one["line"], one["column"], one["severity"], one["code"]) == (2, 3, "error", "syntax")
    assert asked("check", rule=FAILED_LOGONS) == ({"findings": []}, "")


def test_convert_gives_texts_with_their_verdicts() -> None:
    found, _ = asked("convert", rule=f"name: A\nid: one\nquery: |\n  {FAILED_LOGONS!s}".replace("\n|", "\n  |"), targets=["splunk"])
    (rule,) = found["rules"]
    assert rule["name"] == "A" and list(rule["outputs"]) == ["splunk"]
    output = rule["outputs"]["splunk"]
    assert "50126" in output["texts"][0] and output["verdict"] in ("exact", "same-alerts") and output["readiness"] == "ready"
    found, _ = asked("convert", rule="SigninLogs | wehre x")
    assert found["rules"][0]["failed"]["column"] == 14


def test_explain_has_the_plan() -> None:
    found, _ = asked("explain", rule=FAILED_LOGONS, targets=["eql"])
    assert "SigninLogs" in found["rules"][0]["text"] and "eql" in found["rules"][0]["text"]


def test_a_wrong_translation_is_contradicted_and_a_right_one_is_not() -> None:
    own, _ = asked("verify", rule=FAILED_LOGONS, target="splunk", fields="source")
    assert [p["outcome"] for p in own["rules"][0]["proofs"]] == ["proven"]
    for text, outcome in (
        ('search sourcetype="SigninLogs" ResultType="50126" UserPrincipalName="admin*"', "proven"),
        ('search sourcetype="SigninLogs" ResultType="50126"', "contradicted"),
    ):
        found, _ = asked("verify", rule=FAILED_LOGONS, target="splunk", text=text, fields="source")
        (proof,) = found["rules"][0]["proofs"]
        assert proof["outcome"] == outcome
        assert ("counterexample" in proof) == (outcome == "contradicted")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"rule": "T | where x == '" + "a" * served.MOST_CHARACTERS + "'"}, "longer than"),
        ({"rule": "T", "targets": ["../../etc"]}, "targets"),
        ({}, "rule"),
    ],
)
def test_what_is_no_request_is_refused_in_words(arguments: dict[str, Any], told: str) -> None:
    found, refused = asked("convert", **arguments)
    assert not found and told in refused and "Traceback" not in refused


@pytest.mark.parametrize("rule", ["/etc/passwd", "", "\0\0", "\ud83d", '{"a": [' * 5_000])
def test_texts_that_are_no_rules_and_paths_are_never_read(rule: str) -> None:
    found, refused = asked("check", rule=rule)
    assert "root:" not in str(found) and "Traceback" not in refused + str(found)
    assert refused or found["findings"][0]["severity"] == "error"


def test_many_rules_are_too_many() -> None:
    rules = "\n---\n".join(f"name: A{n}\nquery: T | where x == {n}" for n in range(served.MOST_RULES + 1))
    found, _ = asked("convert", rule=rules)
    assert len(found["rules"]) == 1 and "at most" in found["rules"][0]["failed"]["message"]


@pytest.mark.parametrize(("tool", "given"), [("check", {}), ("convert", {}), ("explain", {}), ("verify", {"target": "splunk"})])
def test_what_stands_beside_the_rules_is_named(tool: str, given: dict[str, Any]) -> None:
    text = "kind: Fusion\nproperties: {displayName: F}\n---\nname: A\nseverity: Foo\nquery: SigninLogs | where ResultType == '50126'\n"
    (fusion, severity) = asked(tool, rule=text, **given)[0]["not read"]
    assert (fusion["name"], fusion["line"]) == ("F", 1) and "of the kind Fusion" in fusion["message"]
    assert (severity["name"], severity["line"]) == ("A", 5) and "severity is 'Foo'" in severity["message"]


def test_a_text_is_of_one_rule() -> None:
    found, _ = asked("verify", rule="name: A\nquery: T | where x == 1\n---\nname: B\nquery: T", target="eql", text="any where true")
    assert "one rule" in found["rules"][0]["failed"]["message"]


def test_work_beyond_its_time_is_stopped() -> None:
    found, refused = asked("convert", Desk(seconds=0.001), rule=FAILED_LOGONS)
    assert not found and "stopped after" in refused


def test_it_serves_on_standard_input_and_output() -> None:
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    async def call() -> Any:
        started = StdioServerParameters(command=sys.executable, args=["-m", "translator", "mcp"])
        async with Client(stdio_client(started)) as client:
            return await client.call_tool("check", {"rule": "SigninLogs\n| wehre x == 1"})

    assert asyncio.run(call()).structured_content["findings"][0]["column"] == 3


def test_without_the_library_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    result = CliRunner().invoke(main, ["mcp"])
    assert result.exit_code == 2 and "pip install 'kql2sigma[mcp]'" in result.output
