"""Data as their owners have them: exports, answers and records give the rows and the times that they hold, or say why not."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

import translator
from translator.cli import main
from translator.engine import EngineError
from translator.engine.data.arrays import array_of
from translator.engine.data.layout import head_of

MORNING, NOON = dt.datetime(2026, 5, 1, 9, 30), dt.datetime(2026, 5, 1, 12, 5)
ROWS = [(MORNING, "ada@x.example", "50126", "Oslo"), (NOON, "ben@x.example", "0", "")]
QUERY = "SigninLogs | project TimeGenerated, UserPrincipalName, ResultType, tostring(LocationDetails.city) | order by TimeGenerated asc"

PORTAL = (
    'TenantId,"TimeGenerated [UTC]",UserPrincipalName,ResultType,LocationDetails\n'
    't,"5/1/2026, 9:30:00.000 AM",ada@x.example,50126,"{""city"":""Oslo"",\n""note"":""b""}"\n'
    't,"5/1/2026, 12:05:00.000 PM",ben@x.example,0,\n'
)
COLUMNS = [("TimeGenerated", "datetime"), ("UserPrincipalName", "string"), ("ResultType", "string"), ("LocationDetails", "dynamic")]
CELLS = [["2026-05-01T09:30:00Z", "ada@x.example", "50126", '{"city":"Oslo"}'], ["2026-05-01T12:05:00Z", "ben@x.example", "0", None]]
OBJECTS = [dict(zip([c for c, _ in COLUMNS], row, strict=True)) for row in CELLS]
RECORDS = [
    {
        "time": row[0],
        "resourceId": "/tenants/t/providers/Microsoft.aadiam",
        "category": "SignInLogs",
        "operationName": "Sign-in activity",
        "resultType": row[2],
        "location": "NO",
        "properties": {"userPrincipalName": row[1], "location": {"city": city}, "ipAddress": "192.0.2.1"},
    }
    for row, city in zip(CELLS, ("Oslo", ""), strict=True)
]
OTHER = {"time": "2026-05-01T00:00:00Z", "category": "AuditLogs", "operationName": "Add user", "properties": {"id": "a"}}


def named(name: str, kind: str, typed: dict[str, str] | None = None) -> list[dict[str, str]]:
    return [{name: c, kind: (typed or {}).get(t, t)} for c, t in COLUMNS]


FORMS: list[tuple[str, str, Any]] = [
    ("portal CSV", "csv", PORTAL),
    ("portal CSV with a mark of its bytes' order", "csv", "\ufeff" + PORTAL),
    ("portal CSV of Windows", "csv", PORTAL.replace("\n", "\r\n").replace('"",\r\n', '"",\n')),
    ("CSV with semicolons", "csv", "TimeGenerated;UserPrincipalName;ResultType;LocationDetails\n"
        '2026-05-01 09:30:00;ada@x.example;50126;"{""city"":""Oslo""}"\n2026-05-01 12:05:00;ben@x.example;0;\n'),
    ("CSV of Windows PowerShell", "csv", "#TYPE System.Management.Automation.PSCustomObject\n" + PORTAL),
    ("the same of Windows", "csv", "\ufeff#TYPE Selected.System.Object\r\n" + PORTAL.replace("\n", "\r\n").replace('"",\r\n', '"",\n')),
    ("CSV of Excel", "csv", "sep=;\nTimeGenerated;UserPrincipalName;ResultType;LocationDetails\n"
        '2026-05-01 09:30:00;ada@x.example;50126;"{""city"":""Oslo""}"\n2026-05-01 12:05:00;ben@x.example;0;\n'),
    ("CSV in another zone", "csv", PORTAL.replace("[UTC]", "[UTC+03:00]").replace("9:30:00.000 AM", "12:30:00.000 PM").replace("12:05", "3:05")),
    (
        "CSV with summer time",
        "csv",
        PORTAL.replace("[UTC]", "[(UTC+01:00) Amsterdam, Berlin, Rome]").replace("9:30:00.000 AM", "11:30:00.000 AM").replace("12:05", "2:05"),
    ),
    (
        "CSV in Pacific time",
        "csv",
        PORTAL.replace("[UTC]", "[Pacific Time (US and Canada)]").replace("9:30:00", "2:30:00").replace("12:05:00.000 PM", "5:05:00.000 AM"),
    ),
    ("CSV of Kusto", "csv", "TimeGenerated,UserPrincipalName,ResultType,LocationDetails\n" + 'X,ada@x.example,50126,"{""city"":""Oslo""}"\nY,ben@x.example,0,\n'
        .replace("X", "2026-05-01T09:30:00.0000000Z").replace("Y", "2026-05-01 12:05:00.0000000")),
    ("JSON of the portal", "json", [{"TimeGenerated [UTC]": t, **o} for t, o in zip(
        ("5/1/2026, 9:30:00.000 AM", "5/1/2026, 12:05:00.000 PM"),
        [{k: v for k, v in o.items() if k != "TimeGenerated"} for o in OBJECTS], strict=True)]),
    ("Log Analytics", "json", {"tables": [{"name": "PrimaryResult", "columns": named("name", "type"), "rows": CELLS}]}),
    (
        "Kusto v1",
        "json",
        {"Tables": [
            {"TableName": "Table_0", "Columns": [{"ColumnName": c, "DataType": "Object", "ColumnType": t} for c, t in COLUMNS], "Rows": CELLS},
            {"TableName": "Table_1", "Columns": [{"ColumnName": "Value", "DataType": "String"}], "Rows": [["{}"]]},
        ]},
    ),
    (
        "Kusto v2",
        "json",
        [
            {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
            {"FrameType": "DataTable", "TableId": 0, "TableKind": "QueryProperties", "TableName": "@ExtendedProperties",
             "Columns": [{"ColumnName": "TableId", "ColumnType": "int"}], "Rows": [[1]]},
            {"FrameType": "DataTable", "TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult",
             "Columns": named("ColumnName", "ColumnType"), "Rows": CELLS},
            {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False},
        ],
    ),
    ("Kusto v2 in parts", "json", [
        {"FrameType": "DataSetHeader", "IsProgressive": True, "Version": "v2.0"},
        {"FrameType": "TableHeader", "TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult",
         "Columns": named("ColumnName", "ColumnType")},
        *({"FrameType": "TableFragment", "TableFragmentType": "DataAppend", "TableId": 1, "Rows": [row]} for row in CELLS),
        {"FrameType": "TableCompletion", "TableId": 1, "RowCount": 2},
    ]),
    ("Graph", "json", {"@odata.context": "x", "schema": named("name", "type", {"datetime": "DateTime", "string": "String"}), "results": OBJECTS}),
    ("Defender's older interface", "json", {"Stats": {"x": 1}, "Schema": named("Name", "Type"), "Results": OBJECTS}),
    ("records", "json", {"records": [*RECORDS, OTHER]}),
    ("records, several envelopes", "json", "\n".join(json.dumps({"records": [r]}) for r in RECORDS)),
    ("a record a line", "json", "\n".join(map(json.dumps, [*RECORDS, OTHER]))),
    ("records in an array", "json", RECORDS),
    ("epoch milliseconds", "ndjson", "\n".join(json.dumps({**o, "TimeGenerated": t}) for o, t in zip(OBJECTS, (1777627800000, 1777637100000), strict=True))),
    ("indented objects", "json", "\n".join(json.dumps(o, indent=2) for o in OBJECTS)),
    ("members that differ in case", "json", [{**o, "usERprincipalName": "x"} for o in OBJECTS]),
    ("a member twice", "json", "[" + ",".join(json.dumps(o)[:-1] + ', "Type": "SigninLogs", "Type": "SigninLogs"}' for o in OBJECTS) + "]"),
]  # fmt: skip


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("ending", "content"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS])
def test_every_form_gives_its_rows(tmp_path: Path, ending: str, content: Any, packed: bool) -> None:
    data = (content if isinstance(content, str) else json.dumps(content)).encode()
    file = tmp_path / f"SigninLogs.{ending}{'.gz' if packed else ''}"
    file.write_bytes(gzip.compress(data) if packed else data)
    assert translator.run(QUERY, file).rows == ROWS
    assert translator.run(QUERY, tmp_path).rows == ROWS


def test_a_folder_of_several_forms_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "SigninLogs"
    folder.mkdir()
    (folder / "a.csv").write_text("".join(PORTAL.splitlines(keepends=True)[:3]))
    (folder / "b.json").write_text(json.dumps(OBJECTS[1:]))
    assert translator.run(QUERY, tmp_path).rows == ROWS


TIMES = [
    "2026-05-01T09:30:00Z", "2026-05-01 09:30:00Z", "2026-05-01 09:30:00", "2026-05-01T09:30", "2026-05-01T11:30:00+02:00",
    "2026-05-01T05:30:00.0000000-0400", "2026-05-01 09:30:00 UTC", "5/1/2026, 9:30:00.000 AM", "5/1/2026 9:30 AM", "05/01/2026 09:30:00 AM",
    "5/1/2026, 9:30:00\u202fAM", "Fri, 01 May 2026 09:30:00 GMT", "Fri, 01 May 2026 11:30:00 +0200", "1777627800", "1777627800000",
    "1777627800000000", "1777627800.0", "/Date(1777627800000)/", "/Date(1777627800000+0200)/", "May 1, 2026 @ 09:30:00.000", "5/1/2026 9:30",
    " 2026-05-01T09:30:00Z ", "2026/05/01 09:30:00", "2026-05-01 21:30:00 NZ",
]  # fmt: skip


@pytest.mark.parametrize("text", TIMES)
def test_times_in_every_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "SigninLogs.csv").write_text(f'TimeGenerated,UserPrincipalName\n"{text}",a\n', encoding="utf-8")
    (tmp_path / "AuditLogs.ndjson").write_text(json.dumps({"TimeGenerated": text, "OperationName": "a"}))
    for table in ("SigninLogs", "AuditLogs"):
        assert translator.run(f"{table} | project TimeGenerated", tmp_path).rows == [(MORNING,)]
    memory = {"SigninLogs": [{"TimeGenerated": text}]}
    assert translator.run("SigninLogs | project TimeGenerated", memory).rows == [(MORNING,)]


@pytest.mark.parametrize("text", ["13/13/2026 09:30", "infinity", "20260501", "2026-02-30", "9:30", "2026-05-01 25:00:00Z", "May"])
def test_what_is_no_time_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "SigninLogs.csv").write_text(f'TimeGenerated,UserPrincipalName\n2026-05-01,x\n"{text}",a\n')
    with pytest.raises(EngineError, match=r"SigninLogs.csv, line 3: .* in the column TimeGenerated is no datetime"):
        translator.run("SigninLogs | project TimeGenerated", tmp_path)
    assert translator.run("SigninLogs | project UserPrincipalName", tmp_path).rows == [("x",), ("a",)]


def test_days_before_months_are_told_by_the_column(tmp_path: Path) -> None:
    (tmp_path / "SigninLogs.csv").write_text("TimeGenerated,Id\n1/5/2026 9:30:00 am,a\n31/5/2026 9:30:00 am,b\n")
    result = translator.run("SigninLogs | project TimeGenerated | order by TimeGenerated asc", tmp_path)
    assert result.rows == [(MORNING,), (dt.datetime(2026, 5, 31, 9, 30),)]
    assert "with the day before month" in result.warnings[0]


SAID = [
    ("SigninLogs.csv", "TimeGenerated,UserPrincipalName,Colour\n2026-05-01,a,red\n", ["not known to have: Colour", "no column ResultType"]),
    ("SigninLogs.csv", "TimeGenerated,userprincipalname\n2026-05-01,a\n", ["userprincipalname", "did you mean UserPrincipalName?", "no column"]),
    ("SigninLogs.ndjson", '{"TimeGenerated": "2026-05-01", "UserPrincipalName": "a"}', ["no column ResultType, which the query reads"]),
    ("SigninLogs.json", "", ["is empty"]),
    ("SigninLogs.csv", "TimeGenerated,UserPrincipalName,UserPrincipalName\n2026-05-01,a,b\n", ["a column twice: UserPrincipalName; the first"]),
    ("SigninLogs.csv", "TimeGenerated,UserPrincipalName,ResultType\n1/2/2026 9:30,a,0\n", ["with the month before day"]),
    ("SigninLogs.json", json.dumps({"tables": [{"name": "PrimaryResult", "columns": named("name", "type"), "rows": CELLS}],
                                    "error": {"code": "PartialError", "message": "too large"}}), ["not complete: PartialError too large"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "said"), SAID)
def test_what_does_not_agree_is_said(tmp_path: Path, name: str, content: str, said: list[str]) -> None:
    (tmp_path / name).write_text(content)
    query = "SigninLogs | project TimeGenerated, UserPrincipalName, ResultType"
    warnings = "\n".join(translator.run(query, tmp_path).warnings)
    for text in [*said, name]:
        assert text in warnings
    done = CliRunner().invoke(main, ["run", query, "--data", str(tmp_path)])
    assert done.exit_code == 0
    assert "warning: " in done.stderr


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_what_one_of_several_files_lacks_is_said(tmp_path: Path, ending: str) -> None:
    for name, columns in (("a", ["TimeGenerated", "ResultType"]), ("b", ["TimeGenerated"]), ("c", ["TimeGenerated", "ResultType"])):
        (tmp_path / "SigninLogs").mkdir(exist_ok=True)
        items = ", ".join(f"'2026-05-01' AS \"{c}\"" for c in columns)
        with duckdb.connect() as connection:
            connection.execute(f"COPY (SELECT {items}) TO '{tmp_path / 'SigninLogs' / f'{name}.{ending}'}'")
    (warning,) = translator.run("SigninLogs | project TimeGenerated, ResultType", tmp_path).warnings
    assert f"b.{ending} has no column ResultType" in warning


def test_data_that_agree_need_no_word(tmp_path: Path) -> None:
    (tmp_path / "SigninLogs.csv").write_text(PORTAL)
    assert translator.run(QUERY, tmp_path).warnings == []
    assert translator.run("SigninLogs | count", {"SigninLogs": [{"TimeGenerated": "2026-05-01", "Colour": 1}]}).warnings != []


REFUSED = [
    ("SigninLogs.csv", "a,b\n1,2\n", "has no column of SigninLogs: it has a, b; expected are"),
    (
        "SigninLogs.csv",
        "TimeGenerated,Id\n" + "2026-05-01,x\n" * 200_000 + "," * 40_000_000,
        "line 200002: expected a row of less than 16 MB",
    ),
    (
        "SigninLogs.json",
        json.dumps({"tables": [{"name": "T", "columns": named("name", "type"), "rows": [*CELLS, CELLS[0][:3]]}]}),
        "a row has other than 4 values",
    ),
    ("SigninLogs.ndjson", '{"a": 1, "b": 2}\n' * 300_000, "has no column of SigninLogs: it has a, b; expected are"),
    ("SigninLogs.csv", "timegenerated,b\n1,2\n", "did you mean TimeGenerated?"),
    ("SigninLogs.csv", "TimeGenerated [Local Time],Id\n5/1/2026 9:30 AM,x\n", "does not say what zone that is"),
    ("SigninLogs.csv", "TimeGenerated,Id\n2026-05-01,x\n2026-05-01\n", "line 3: 1 values, and the first line names 2 columns"),
    (
        "SigninLogs.json",
        '{"error": {"code": "BadArgumentError", "message": "no such table"}}',
        "a query that failed: BadArgumentError no such table",
    ),
    ("SigninLogs.json", '[{"TimeGenerated": "2026-05-01"}, 5]', "row 2: an event is a JSON object, not 5"),
    ("SigninLogs.json", '[{"TimeGenerated": "2026-05-01"}\n{"Id": 1}]', "line 2: no JSON"),
    ("SigninLogs.json", '{"records": [\n{"time": "2026-05-01", "properties": {}},\n{"time": x}]}', "line 3: no JSON"),
    (
        "SigninLogs.json",
        json.dumps({"tables": [{"name": "T", "columns": named("name", "type"), "rows": CELLS * 20_000}]})[:-9],
        "breaks off",
    ),
    ("SigninLogs.json", json.dumps({"tables": [{"name": "T", "columns": named("name", "type"), "rows": CELLS}]}) + "]", "no JSON"),
    ("SigninLogs.json", '{"a": ' + "[" * 100_000, "nested too deeply"),
    ("SigninLogs.json", '{"tables": []}', "without a table"),
    ("SigninLogs.json", '{"tables": [{"name": "T", "columns": [], "rows": []}]}', "columns have no names"),
    (
        "SigninLogs.json",
        json.dumps({"tables": [{"name": "T", "columns": named("name", "type"), "rows": [CELLS[0], {"OneApiErrors": [1]}]}]}),
        "breaks off",
    ),
]


@pytest.mark.parametrize(("name", "content", "message"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_what_cannot_be_right_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(EngineError) as caught:
        translator.run("SigninLogs | project TimeGenerated, UserPrincipalName", tmp_path)
    assert message in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("TimeGenerated,Id\n2026-05-01,é\n".encode("latin-1"), "line 2: no text in UTF-8"),
        ("TimeGenerated,Id\n2026-05-01,x\n".encode("utf-16"), "is in UTF-16"),
        (gzip.compress(b"TimeGenerated,Id\n2026-05-01,x\n" * 99, mtime=0)[:-30], "cannot be read"),
        (gzip.compress(b"TimeGenerated,Id\n" + b"2026-05-01,x\n" * 999_999, mtime=0)[:-30], "cannot be read"),
        (gzip.compress(b"TimeGenerated,Id\n2026-05-01," + b"x" * 40_000_000, mtime=0), "line 2: expected a row of less than 16 MB"),
        (b"TimeGenerated,Id\n" + b"2026-05-01,x\n" * 200_000 + b"2026-05-01,\xff\n", "no text in UTF-8"),
        (b'{"TimeGenerated": "2026-05-01"}\n' * 100_000 + b'{"TimeGenerated": "\xff"}', "no text in UTF-8"),
        (b'{"TimeGenerated": "2026-05-01"}\n' * 100_000 + b"5\n", "100001"),
        (b"PAR1", "SigninLogs.csv"),
    ],
)
def test_bytes_that_are_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "SigninLogs.csv").write_bytes(content)
    with pytest.raises(EngineError) as caught:
        translator.run("SigninLogs", tmp_path)
    assert message in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_pipes_and_circles_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "SigninLogs.csv").write_text(PORTAL)
    os.mkfifo(tmp_path / "AuditLogs.json")
    (tmp_path / "Heartbeat").symlink_to(tmp_path)
    (tmp_path / "Usage.csv").symlink_to("/dev/zero")
    assert translator.run(QUERY, tmp_path).rows == ROWS
    with pytest.raises(EngineError, match="is no file that can be read"):
        translator.run("AuditLogs", {"AuditLogs": tmp_path / "AuditLogs.json"})


def test_columns_that_differ_in_case_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "SigninLogs.csv").write_text("TimeGenerated,Id,ID\n2026-05-01,a,b\n")
    (tmp_path / "SigninLogs.json").write_text('[{"TimeGenerated": "2026-05-01", "Id": "a", "ID": "b"}]')
    query = "SigninLogs | where ID == 'b' | project ID, Id"
    for data in (tmp_path / "a", tmp_path, {"SigninLogs": [{"Id": "a", "ID": "b"}]}):
        assert translator.run(query, data).rows == [("b", "a")]


def test_columns_that_no_query_reads_are_not_converted() -> None:
    rows = [{"TimeGenerated": "2026-05-01", "CreatedDateTime": "soon"}] * 2
    assert translator.run("SigninLogs | count", {"SigninLogs": rows}).rows == [(2,)]
    with pytest.raises(EngineError, match="row 1: 'soon' in the column CreatedDateTime is no datetime"):
        translator.run("SigninLogs | where CreatedDateTime > ago(1d)", {"SigninLogs": rows})


def test_only_the_tables_of_the_query_are_opened(tmp_path: Path) -> None:
    (tmp_path / "SigninLogs.csv").write_text(PORTAL)
    (tmp_path / "AuditLogs.json").write_text("{broken")
    assert translator.run(QUERY, tmp_path).rows == ROWS
    with pytest.raises(EngineError, match=r"AuditLogs.json, line 1"):
        translator.run("AuditLogs", tmp_path)


def test_columns_behind_the_sample_are_read(tmp_path: Path) -> None:
    plain, late = (
        json.dumps({"TimeGenerated": "2026-05-01", "Id": "x" * 200}),
        json.dumps({"TimeGenerated": "2026-05-01", "ResultType": "7"}),
    )
    (tmp_path / "SigninLogs.ndjson").write_text("\n".join([plain] * 25_000 + [late]))
    assert translator.run("SigninLogs | where ResultType == '7' | project ResultType", tmp_path).rows == [("7",)]
    unknown = json.dumps({"TimeGenerated": "2026-05-01", "Colour": "red"})
    (tmp_path / "SigninLogs.ndjson").write_text("\n".join([plain] * 25_000 + [unknown] * 25_000))
    assert "not known to have: Colour" in translator.run("SigninLogs | project TimeGenerated | take 1", tmp_path).warnings[0]


TRICKY: dict[str, Any] = {
    "a": [1, {"rows": [2]}],
    "t": [{"name": "]", "rows": [["x]", '"]', "\\", '\\"[', [], {}], [{"a": ["}"]}, "é]", "[[["], []]}, {"rows": [["y"]]}],
    "z": ["]"],
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 1000])
def test_an_array_is_taken_out_of_its_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, indent: int | None) -> None:
    monkeypatch.setattr("translator.engine.data.arrays.CHUNK", size)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = tmp_path / "T.json"
    file.write_text(json.dumps(TRICKY, ensure_ascii=False, indent=indent), encoding="utf-8-sig")
    array = array_of(head_of(file), "t", "0", "rows")
    assert json.loads(array.path.read_bytes()) == TRICKY["t"][0]["rows"]
    assert array.rest == {**TRICKY, "t": [{"name": "]", "rows": []}, TRICKY["t"][1]]}
    assert array.line == (1 if indent is None else 13)
    del array
    assert list(tmp_path.iterdir()) == [file]


RECORD_TABLES = [
    (
        "AuditLogs",
        {"time": "2026-05-01T09:30:00Z", "tenantId": "t", "operationName": "Add user", "category": "AuditLogs", "resultType": "",
         "properties": {"category": "UserManagement", "result": "success", "initiatedBy": {"user": {"id": "u"}}, "activityDisplayName": "Add user"}},
        "OperationName, Category, Result, tostring(InitiatedBy.user.id), AADTenantId",
        ("Add user", "UserManagement", "success", "u", "t"),
    ),
    (
        "AzureActivity",
        {"time": "2026-05-01T09:30:00Z", "resourceId": "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/VM",
         "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE", "category": "Administrative", "resultType": "Success", "callerIpAddress": "192.0.2.7",
         "identity": {"claims": {"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "ada@x.example"}}, "properties": {"entity": "e"}},
        "OperationNameValue, ActivityStatusValue, Caller, CallerIpAddress, ResourceGroup, SubscriptionId, tostring(Properties_d.entity)",
        ("MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE", "Success", "ada@x.example", "192.0.2.7", "RG", "s1", "e"),
    ),
    (
        "AzureDiagnostics",
        {"time": "2026-05-01T09:30:00Z", "resourceId": "/SUBSCRIPTIONS/S1/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/KV",
         "operationName": "SecretGet", "category": "AuditEvent", "properties": {"id": "https://kv/x", "httpStatusCode": 200, "trusted": True}},
        "OperationName, id_s, httpStatusCode_d, trusted_b, Resource, ResourceProvider",
        ("SecretGet", "https://kv/x", 200.0, True, "KV", "MICROSOFT.KEYVAULT"),
    ),
    (
        "DeviceProcessEvents",
        {"time": "2026-05-01T09:31:00Z", "tenantId": "t", "operationName": "Publish", "category": "AdvancedHunting-DeviceProcessEvents",
         "properties": {"Timestamp": "2026-05-01T09:30:00Z", "DeviceName": "pc", "FileName": "a.exe"}},
        "Timestamp, DeviceName, FileName",
        (MORNING, "pc", "a.exe"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("table", "record", "columns", "row"), RECORD_TABLES, ids=[t[0] for t in RECORD_TABLES])
def test_tables_that_arise_from_records(tmp_path: Path, table: str, record: dict[str, Any], columns: str, row: tuple[Any, ...]) -> None:
    (tmp_path / f"{table}.json").write_text(json.dumps({"records": [record]}))
    assert translator.run(f"{table} | project {columns}", tmp_path).rows == [row]
