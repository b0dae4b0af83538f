"""The text of events that columns are read from by patterns.

Facts: ArcSight, "Common Event Format" (``CEF:Version|Device Vendor|Device Product|Device Version|Device Event Class ID|Name|Severity|`` and
the extension); Microsoft, "W3C Logging" (a field a word, a hyphen for none); RFC 3164, section 4.1 (a moment, the host, the tag of the
process with its number in brackets, a colon, the message).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from translator.catalog import Computed, Home
from translator.plan.expressions import Apply, ColumnRef, Const, walk
from translator.targets.formulas import parsed, selected
from translator.verify.shaping.sites import OWN
from translator.verify.shaping.values import is_missing, text_of
from translator.verify.witness.texts import matching

RAWS = frozenset({f"{OWN}_raw", f"{OWN}event.original", f"{OWN}Data"})
"""The text of an event, as formulas name it."""

_HEADER = ("DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Activity", "LogSeverity")


_OF_ALL = ("AlertID", "Forest", "Domain")
_ALERT = {
    "0": (*_OF_ALL, "Codename", "Severity", "ADObject", "DevianceID", "ProfileID", "ReasonCodename", "EventID"),
    "1": (*_OF_ALL, "ADObject", "EventID", "EventType"),
    "2": (*_OF_ALL, "Codename", "Severity", "SourceHostname", "SourceIP", "DestinationHostname", "DestinationIP"),
}
"""The columns in the order in which a line of Tenable.ad has them, by its type.

Source: https://github.com/Azure/Azure-Sentinel/blob/59212cbc51f926a8d3e35b98cab433bf984ee4f8/Solutions/Alsid%20For%20AD/Parsers/afad_parser.yaml
"""


_W3C = (
    "sSiteName", "sComputerName", "sIP", "csMethod", "csUriStem", "csUriQuery", "sPort", "csUserName", "cIP", "csVersion", "csUserAgent",
    "csCookie", "csReferer", "csHost", "scStatus", "scSubStatus", "scWin32Status", "scBytes", "csBytes", "TimeTaken",
)  # fmt: skip
"""The columns in the order in which a line of IIS has them that has them all."""


_ALWAYS = {"sIP": "192.0.2.2", "csMethod": "GET", "sPort": "443", "csVersion": "HTTP/1.1"}
"""What stands in each line, by which patterns tell the places before it."""


_SQL_AUDIT = {
    "action_id": "Action", "session_server_principal_name": "CurrentUser", "client_ip": "ClientIP", "database_name": "DatabaseName",
    "object_name": "ObjectName", "statement": "Statement",
}  # fmt: skip
"""The columns of an audit event of SQL Server by their keys in its text, a line each; the statement, which goes on up to a full stop, last.

Source: https://github.com/SigmaHQ/sigma/blob/master/rules/windows/builtin/application/mssqlserver/win_mssql_add_sysadmin_account.yml
"""


def raw_of(home: Home, row: Mapping[str, object]) -> str | None:
    """The text of an event; None where no column of the home is read from it."""
    if home.name == "sql_application":
        lines = ((key, row.get(column)) for key, column in _SQL_AUDIT.items())
        return "\n".join(["audit_schema_version:1", *(f"{key}:{'' if is_missing(value) else text_of(value)}" for key, value in lines)])
    match home.place.get("sourcetype") or home.place.get("dataset"):
        case "cef":
            places = zip(_header(home), _asked(home), strict=True)
            header = [asked if is_missing(row.get(column)) else text_of(row[column]) for column, asked in places]
            if not header[-1] and not is_missing(row.get("OriginalLogSeverity")):
                header[-1] = text_of(row["OriginalLogSeverity"])
            return f"CEF:0|{'|'.join(header)}|{text_of(row.get('AdditionalExtensions') or '')}"
        case "nix:syslog" | "linux_secure" | "syslog" | "system.auth":
            process = text_of(row.get("ProcessName") or "-")
            number = f"[{text_of(row['ProcessID'])}]" if not is_missing(row.get("ProcessID")) else ""
            host = text_of(row.get("Computer") or row.get("HostName") or "localhost")
            return f"May  1 12:00:00 {host} {process}{number}: {text_of(row.get('SyslogMessage') or '')}"
        case "iis.access":
            held = {**_ALWAYS, **{c: text_of(v) for c, v in row.items() if not is_missing(v)}}
            return "2026-05-01 12:00:00 " + " ".join(held.get(c, "-") for c in _W3C)
        case "tenable:ad:alerts":
            told = (row.get(c) for c in _ALERT[text_of(row.get("MessageType"))]) if text_of(row.get("MessageType")) in _ALERT else ()
            parts = [text_of(row.get("MessageType")), *("" if is_missing(x) else text_of(x) for x in told)]
            return "May  1 12:00:00 localhost tenable.ad[4]: " + " ".join(f'"{part}"' for part in parts)
    return " ".join(_pieces(home, row)) or None


def _pieces(home: Home, row: Mapping[str, object]) -> Iterator[str]:
    """For each column of a row that a pattern reads from the text of an event a piece in which the pattern finds it."""
    for name, column in home.columns.items():
        if isinstance(column, Computed) and column.expression and not is_missing(row.get(name)):
            for node in walk(parsed("", column.expression)):
                match node:
                    case Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), ColumnRef(column=read))) if (
                        read.name in RAWS and (piece := next(matching(regex, {group: text_of(row[name])}), None)) is not None
                    ):
                        yield piece
                        break


def _header(home: Home) -> list[str]:
    """The columns that are read from the header of CEF, by their places in it: those whose formulas look between its bars."""
    found, told = list(_HEADER), set[str]()
    for name, column in home.columns.items():
        if isinstance(column, Computed) and (bars := _BETWEEN.match(column.expression)):
            place = bars[1].count("[^|]*")
            if name == _HEADER[place] or _HEADER[place] not in told:
                found[place] = name
                told.add(name)
    return found


_BETWEEN = re.compile(r"extract\(@'CEF:[^|\\]*(?:\\[sd][^|\\]*)*((?:\\\|\[\^\|\]\*)*)\\\|\(\[\^\|\]\*\)\\\|', 1,")


def _asked(home: Home) -> list[str]:
    """What stands in the header of every event by the condition that selects them; empty texts where it asks for nothing."""
    text = ""
    match selected(home.select) if home.select else None:
        case Apply(function="matches regex", args=(ColumnRef(), Const(value=str(regex)))):
            text = next(matching(regex), "")
        case Apply(
            function="contains",
            args=(Apply(function="extract", args=(Const(value=str(regex)), Const(value=int(group)), ColumnRef())), Const(value=str(part))),
        ):
            text = next(matching(regex, {group: part}), "")
    return [*text.split("|")[1:], *[""] * len(_HEADER)][: len(_HEADER)]
