"""Files in which a site says what its logs are: what they come to, what is refused, and the way from ``mapping`` to ``--mapping``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from translator.catalog.site import SiteTable
from translator.catalog.site_files import SiteFileError, inventories, mapping, mappings
from translator.cli import main

RULE = """
id: 5f1d8f0a-0b53-4f0e-9c57-0d5ad2a9f3c2
name: Own events
query: |
  Own_CL
  | where result_s == 'failed'
  | summarize count() by user_s
  | where count_ > 3
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("splunk: {SigninLogs: {IPAddress: src}}", {"splunk": {"SigninLogs": SiteTable({}, {"IPAddress": ("src", "")})}}),
        (
            "esql:\n  Own_CL:\n    place: {index: logs-own-*}\n    columns:\n      a_s: {field: own.a, type: ip}\n      b_s:\n",
            {"elastic": {"Own_CL": SiteTable({"index": "logs-own-*"}, {"a_s": ("own.a", "ip")})}},
        ),
        ("sigma:\n  Own_CL:\n    place:\n      product:\n      category:\n", {"sigma": {"Own_CL": SiteTable()}}),
        ("", {}),
    ],
)
def test_a_mapping_says_places_and_columns(tmp_path: Path, text: str, found: object) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    assert mappings([path]) == found


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("splunk:\n  SigninLogs:\n    columns:\n      IPAdress: src\n", 4, "SigninLogs has no column 'IPAdress': did you mean IPAddress?"),
        ("splunk:\n  SignInLog: {IPAddress: src}\n", 2, "'SignInLog' is no table: did you mean SigninLogs?"),
        ("splunk:\n  SigninLogs:\n    place: {indx: main}\n", 3, "'indx' is no field that tells where events are: did you mean index?"),
        ("splnk: {SigninLogs: {IPAddress: src}}", 1, "'splnk' is no target: did you mean splunk?"),
        ("SigninLogs: {IPAddress: src}", 1, "'SigninLogs' is no target: first come targets (splunk, elastic, eql, esql, sigma), then"),
        ("splunk: [a]", 1, "expected tables by name"),
        ("- a\n- b\n", 1, "expected targets"),
        ("splunk: {SigninLogs: {IPAddress: [a]}}", 1, "expected a name"),
        ("splunk:\n  SigninLogs:\n    columns: {}\n    colums: {}\n", 4, "'colums' is neither 'place' nor 'columns'"),
        ("elastic:\n  Own_CL:\n    place: {dataset: a}\n", 3, "an Elastic place needs an 'index'"),
        ("splunk:\n  Own_CL: {a_s: a}\n", 2, "Own_CL has no home in splunk that is known"),
        ("splunk: {SigninLogs: {IPAddress: {feild: a}}}", 1, "'feild' is neither 'field' nor 'type': did you mean field?"),
        ("splunk:\n  SigninLogs:\n    IPAddress: {type: text}\n", 3, "expected the 'field' that IPAddress is"),
        ('splunk:\n  SigninLogs:\n    IPAddress: "a\\nb"\n', 3, "'a\\nb' is no name"),
        ("splunk:\n  SigninLogs: \0\n", 2, "is no YAML: it has the character U+0000"),
        ("elastic:\n  SigninLogs:\n    place: {indx: a}\n", 3, "'indx' is none of index, dataset: did you mean index?"),
        ("splunk: {SigninLogs: {IPAddress: {field: a, type: nmber}}}", 1, "'nmber' is no type of a field: did you mean number?"),
        ("splunk:\n  SigninLogs: {IPAddress: a}\n  SigninLogs: {IPAddress: b}\n", 3, "'SigninLogs' is here twice"),
        ("splunk: {Own_CL: {place: {'a | delete': b}}}", 1, "'a | delete' is no name of a field"),
        ("a: [b\nc: d", 2, "is no YAML"),
        ("sigma: {SigninLogs: {place: {index: a}}}", 1, "'index' is none of product, category, service"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SiteFileError) as refused:
        mappings([path])
    assert (refused.value.line, message in refused.value.message) == (line, True), refused.value.message


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("caps.json", '{"indices": ["a"], "fields": {"a.b": {"ip": {"type": "ip"}}}}', {"elastic": {"a.b": "ip"}}),
        (
            "caps.json",
            '{"fields": {"a": {"long": {}, "keyword": {}}, "b": {"date": {}, "unmapped": {}}}}',
            {"elastic": {"a": "conflict", "b": "date"}},
        ),
        ("fields.csv", "field,count\nsrc,3\nuser,2\n", {"splunk": {"src": "text", "user": "text"}}),
        ("fields.json", '{"preview": false, "results": [{"field": "src", "count": "3"}]}', {"splunk": {"src": "text"}}),
        ("fields.json", '{"result": {"field": "src"}}\n{"result": {"field": "user"}}\n', {"splunk": {"src": "text", "user": "text"}}),
    ],
)
def test_an_inventory_is_what_the_products_give(tmp_path: Path, name: str, text: str, found: object) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert inventories([path]) == found


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        *((text, 1, "") for text in ("", "[]", '{"fields": []}', '{"fields": {}}', "<xml/>", '{"results": [1]}', "a,b\n1,2\n")),
        ('{"fields": {\n"a.b": {"ip": {}},\n"a.c": "ip"}}', 3, 'expected the types of "a.c"'),
        ('{"fields": {"a": {"ip": 1}}}', 1, 'expected the types of "a"'),
        ('{"results": [{"field": "src"}, {"name": "user"}]}', 1, "names no field in its row 2"),
        ("field,count\nsrc,1\n,2\n", 1, "names no field in its row 2"),
    ],
)
def test_what_is_no_inventory_is_refused(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "inventory"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SiteFileError) as refused:
        inventories([path])
    assert (refused.value.line, message in refused.value.message) == (line, True), refused.value.message


def test_what_mapping_writes_is_filled_in_and_read_again(tmp_path: Path) -> None:
    rules, site = tmp_path / "own.yaml", tmp_path / "site.yaml"
    rules.write_text(RULE, encoding="utf-8")
    run = CliRunner().invoke
    assert run(main, ["mapping", str(rules), "-t", "splunk", "-o", str(site)]).exit_code == 0
    text = site.read_text(encoding="utf-8")
    assert "1 rule lacks this; it lacks nothing else" in text and mappings([site]) == {"splunk": {"Own_CL": SiteTable()}}
    filled = text.replace("index:", "index: own").replace("sourcetype:", "sourcetype: own:events").replace("result_s:", "result_s: result")
    site.write_text(filled.replace("user_s:", "user_s: user"), encoding="utf-8")
    shown = run(main, ["convert", str(rules), "-t", "splunk", "--mapping", str(site)]).output
    assert "splunk, same-alerts, ready" in shown
    assert 'index="own" sourcetype="own:events" result="failed"' in shown and "by user_s" in shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("TEMPLATE", ""),
        ("\n", ""),
        ("FILLED", "has names that would be lost"),
        ("FILLED: [", "cannot be read"),
        ("splunk: {Own_CL: {user_s: user}}\n", "is not what this command writes"),
        (RULE, "is not what this command writes"),
    ],
)
def test_names_that_a_site_has_filled_in_are_not_written_over(tmp_path: Path, text: str, said: str) -> None:
    rules, site = tmp_path / "own.yaml", tmp_path / "site.yaml"
    rules.write_text(RULE, encoding="utf-8")
    asked = ["mapping", str(rules), "-t", "splunk", "-o", str(site)]
    assert CliRunner().invoke(main, asked).exit_code == 0
    template = site.read_text("utf-8")
    held = text.replace("FILLED", template.replace("index:", "index: own")).replace("TEMPLATE", template)
    site.write_text(held, encoding="utf-8")
    found = CliRunner().invoke(main, asked)
    assert (found.exit_code, site.read_text("utf-8")) == ((2, held) if said else (0, template)) and said in found.stderr


def test_a_mapping_that_cannot_be_used_ends_the_command_with_its_line(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("splunk: {SigninLogs: {IPAdress: src}}", encoding="utf-8")
    found = CliRunner().invoke(main, ["convert", "rules/threshold.yaml", "-t", "splunk", "--mapping", str(site)])
    assert found.exit_code == 2 and "site.yaml:1: SigninLogs has no column 'IPAdress'" in found.output


def test_tables_are_listed_and_shown() -> None:
    run = CliRunner().invoke
    assert "SigninLogs" in run(main, ["tables"]).output
    shown = run(main, ["tables", "SigninLogs"])
    assert shown.exit_code == 0 and "callerIpAddress" in shown.output and "azure.signinlogs" in shown.output
    assert run(main, ["tables", "NoTable"]).exit_code == 1


def test_what_mapping_writes_can_be_read(tmp_path: Path) -> None:
    rule, site = tmp_path / "rule.yaml", tmp_path / "site.yaml"
    rule.write_text(RULE.replace("Own_CL", "SigninLogs | where NoSuchColumn == 'x' and SourceSystem == 'y'"), encoding="utf-8")
    assert CliRunner().invoke(main, ["mapping", str(rule), "-t", "splunk", "-o", str(site)]).exit_code == 0
    assert "# SigninLogs has no column NoSuchColumn, which 1 rule asks for" in site.read_text(encoding="utf-8")
    assert mappings([site]) == {"splunk": {"SigninLogs": SiteTable()}}


def test_an_index_narrows_the_places_that_are_known(tmp_path: Path) -> None:
    rule, site = tmp_path / "rule.kql", tmp_path / "site.yaml"
    rule.write_text("SigninLogs | where ResultType == '50126'", encoding="utf-8")
    site.write_text("splunk: {SigninLogs: {place: {index: azure}}}", encoding="utf-8")
    printed = CliRunner().invoke(main, ["convert", str(rule), "-t", "splunk", "--mapping", str(site)]).output
    assert 'index="azure" sourcetype="azure:monitor:aad" category="SignInLogs" resultType="50126"' in printed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["convert", "RULE", "-t", "splunk", "--home", "windows_forwarde"], "did you mean windows_forwarded?"),
        (["convert", "RULE", "-t", "splunk", "--inventory", "LONG"], "is no CSV: field larger than field limit"),
        (["mapping", "RULE.nowhere", "-t", "splunk"], "RULE.nowhere"),
        (["tables", "SigninLog"], "did you mean SigninLogs?"),
    ],
)
def test_what_does_not_exist_is_refused(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "RULE").with_suffix(".kql").write_text("SigninLogs | where ResultType == '1'", encoding="utf-8")
    (tmp_path / "long.csv").write_text("field\n" + "a" * 300_000 + "\n", encoding="utf-8")
    paths = {"RULE": str(tmp_path / "RULE.kql"), "LONG": str(tmp_path / "long.csv")}
    result = CliRunner().invoke(main, [paths.get(a, a) for a in arguments])
    assert result.exit_code != 0 and says in " ".join(result.output.split()) and not isinstance(result.exception, KeyError)


def test_a_field_that_is_mapped_in_several_ways_is_not_read(tmp_path: Path) -> None:
    rule, caps = tmp_path / "rule.kql", tmp_path / "caps.json"
    rule.write_text("SigninLogs | where ResultType == '50126'", encoding="utf-8")
    fields = {"azure.signinlogs.category": {"keyword": {}}, "azure.signinlogs.result_type": {"long": {}, "keyword": {}}}
    caps.write_text(json.dumps({"fields": fields}), encoding="utf-8")
    printed = CliRunner().invoke(main, ["convert", str(rule), "-t", "esql", "--inventory", str(caps)]).output
    assert "result_type" not in printed and "broader" in printed


def test_the_text_of_a_mapping_says_what_its_file_does(tmp_path: Path) -> None:
    text = "splunk:\n  Gate_CL:\n    place: {index: building}\n    columns: {badge_s: badge.id}\n"
    file = tmp_path / "site.yaml"
    file.write_text(text)
    assert mapping(text) == mappings([file]) and not mapping("")
    with pytest.raises(SiteFileError) as refused:
        mapping("splunk:\n  SigninLog:\n    columns: {IPAddress: src}\n")
    assert refused.value.line == 2 and "SigninLogs" in refused.value.message
