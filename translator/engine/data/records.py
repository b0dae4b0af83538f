"""Records of Azure Monitor's diagnostic settings, as event hubs and storage accounts have them, and the tables that arise from them.

The envelope: learn.microsoft.com/azure/azure-monitor/essentials/resource-logs-schema. A record's ``properties`` become the columns of its
table: learn.microsoft.com/azure/azure-monitor/reference/tables-index. What Defender XDR streams has the same envelope:
learn.microsoft.com/defender-xdr/streaming-api-event-hub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from translator.engine.data.arrays import Array, array_of
from translator.engine.data.layout import PLACE, Columns, Field, Head, Layout, Sample, listed, literal, member, pointer
from translator.engine.data.objects import beginning, broken_of, kinds_of, objects_of, orders_of
from translator.plan.types import Type

_ENVELOPE = {"category", "operationName", "resourceId", "ResourceId", "tenantId"}

_RENAMED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "SigninLogs": {
        "LocationDetails": ("properties", "location"), "ConditionalAccessPolicies": ("properties", "appliedConditionalAccessPolicies"),
        "AADTenantId": ("tenantId",), "Location": ("location",), "Category": ("category",), "Id": ("properties", "id"),
    },
    "AuditLogs": {"AADTenantId": ("tenantId",), "AADOperationType": ("properties", "operationType"), "OperationName": ("operationName",)},
    "AzureActivity": {
        "OperationNameValue": ("operationName",), "CategoryValue": ("category",), "ActivityStatusValue": ("resultType",),
        "ActivitySubstatusValue": ("resultSignature",), "Authorization": ("identity", "authorization"), "Properties": ("properties",),
        "Authorization_d": ("identity", "authorization"), "Claims": ("identity", "claims"), "Claims_d": ("identity", "claims"),
        "Properties_d": ("properties",), "CallerIpAddress": ("callerIpAddress",), "Level": ("level",), "CorrelationId": ("correlationId",),
        "EventSubmissionTimestamp": ("time",), "HTTPRequest": ("properties", "httpRequest"), "Hierarchy": ("properties", "hierarchy"),
    },
}  # fmt: skip
"""Columns whose names are not those of the record: the pages of the tables, beside the record's schema
(learn.microsoft.com/entra/identity/monitoring-health/reference-azure-monitor-sign-ins-log-schema, and
learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema, "Schema from storage account and event hubs")."""

_SIGN_INS = (
    "AADNonInteractiveUserSignInLogs",
    "AADServicePrincipalSignInLogs",
    "AADManagedIdentitySignInLogs",
    "MicrosoftServicePrincipalSignInLogs",
)
_ACTIVITY = ("administrative", "security", "servicehealth", "alert", "recommendation", "policy", "autoscale", "resourcehealth")
"""Categories of the activity log, which all are in AzureActivity."""

_CALLER = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "appid",
)


def _is_record(item: Any) -> bool:
    return isinstance(item, Mapping) and "time" in item and ("properties" in item or len(_ENVELOPE & item.keys()) > 1)


def sampled(head: Head) -> Sample | None:
    """Records, one an object or several under ``records``; None for what has none."""
    found = beginning(head)
    if found is None:
        return None
    first = found.items[0] if found.items else found.members
    if not isinstance(first, Mapping):
        return None
    wrapped = len(first) <= 3 and isinstance(first.get("records"), list) and all(isinstance(r, Mapping) for r in first["records"][:1])
    array = array_of(head, "records") if wrapped and (head.whole if len(found.items) == 1 else not found.items) else None
    if array:
        within = beginning(array.head())
        rows = objects_of(head, within.items if within else ())
    elif wrapped:
        rows = objects_of(head, (r for item in objects_of(head, found.items) for r in item.get("records") or ()))
    elif found.items and all(map(_is_record, found.items)):
        rows = objects_of(head, found.items)
    else:
        return None
    form = "array" if found.array else "newline_delimited" if found.lines and not wrapped else "unstructured"
    inner = [p for r in rows if isinstance(p := r.get("properties"), Mapping)]
    facts = {
        "properties": kinds_of(inner), "orders": {**orders_of(inner), **orders_of(rows)},
        "record": all(map(_is_record, rows)), "array": array,
    }  # fmt: skip
    return Sample(head, ("records", wrapped, form, head.compression, head.path if array else None), kinds_of(rows), facts)


def laid_out(samples: Sequence[Sample], table: str, given: Columns) -> Layout:
    """The layout of records: the table's documented columns out of the envelope and its properties, else their own names."""
    _, wrapped, form, compression, _ = samples[0].key
    array = samples[0].facts["array"]
    paths = tuple(s.head.path for s in samples)
    outer: dict[str, Type] = {}
    inner: dict[str, Type] = {}
    orders: dict[str, str] = {}
    seen = {}
    for sample in samples:
        outer.update(sample.kinds)
        properties, known = sample.facts["properties"], sample.facts["orders"]
        assert isinstance(properties, dict) and isinstance(known, dict)
        seen[sample.head.path] = frozenset(_fields(table, given, sample.kinds, properties, {}))
        inner.update(properties)
        orders.update(known)
    record = all(s.facts["record"] for s in samples)
    reader = f"{listed(paths)}, format = '{form}', compression = '{compression}'"

    def rows(placed: bool) -> str:
        place, option = (f', "{PLACE}"', f", filename = '{PLACE}'") if placed else ("", "")
        if isinstance(array, Array):
            place = f', {literal(str(array.document))} AS "{PLACE}"' if placed else ""
            return f"(SELECT json AS r{place} FROM {array.elements()})"
        if wrapped:
            return f"(SELECT UNNEST(records) AS r{place} FROM read_json({reader}{option}, columns = {{'records': 'JSON[]'}}))"
        return f"(SELECT json AS r{place} FROM read_json_objects({reader}{option}))"

    broken = array.broken if isinstance(array, Array) else lambda: broken_of(paths, form == "newline_delimited")
    if not record:
        fields = {name: member("r", (name,), kind, orders.get(name, "")) for name, kind in outer.items()}
        return Layout("JSON under records", paths, fields, rows, broken=broken)
    fields = _fields(table, given, outer, inner, orders)
    other = _of_others(table)
    kept = f" WHERE {other}" if other else ""
    return Layout("diagnostic records", paths, fields, lambda placed: rows(placed) + kept, False, broken=broken, seen=seen)


def _of_others(table: str) -> str:
    """A condition that leaves out the records of other tables: by their category, where that is known to be a table's."""
    category = "LOWER(REPLACE(COALESCE(JSON_EXTRACT_STRING(r, '/category'), ''), 'AdvancedHunting-', ''))"
    known = {"SigninLogs", "AuditLogs", *_SIGN_INS, *(["AzureActivity"] if table != "AzureActivity" else [])}
    names = {n.lower() for n in known - {table}} | {n.lower().removeprefix("aad") for n in known - {table}}
    if table.startswith(("Device", "Email", "Identity", "Cloud", "Alert", "Url")):
        return f"NOT STARTS_WITH(JSON_EXTRACT_STRING(r, '/category'), 'AdvancedHunting-') OR {category} = {literal(table.lower())}"
    if table in known:
        return f"{category} NOT IN ({', '.join(map(literal, sorted(names - {table.lower(), table.lower().removeprefix('aad')})))})"
    return ""


def _fields(table: str, given: Columns, outer: Columns, inner: Columns, orders: Mapping[str, str]) -> dict[str, Field]:
    renamed = _RENAMED.get("SigninLogs" if table in _SIGN_INS else table, {})
    tops, deep = {n.lower(): n for n in outer}, {n.lower(): n for n in inner}
    fields: dict[str, Field] = {}
    used: set[tuple[str, ...]] = {("time",), ("properties",)}

    def take(column: str, steps: tuple[str, ...], kind: Type) -> None:
        used.add(steps)
        fields[column] = member("r", steps, kind, orders.get(steps[-1], ""))

    for column, kind in given.items():
        low = column.lower()
        top, property_ = tops.get(low), deep.get(low)
        if column in renamed:
            if renamed[column][0].lower() in tops:
                take(column, (tops[renamed[column][0].lower()], *renamed[column][1:]), kind)
        elif column == "TimeGenerated":
            take(column, ("time",), Type.DATETIME)
        elif property_ and not (top and inner[property_] == Type.DYNAMIC != kind and outer[top] != Type.DYNAMIC):
            take(column, ("properties", property_), kind)
        elif top:
            take(column, (top,), kind)
        elif column == "IPAddress" and "calleripaddress" in tops:
            take(column, (tops["calleripaddress"],), kind)
    _of_resource(fields, given, tops)
    if table == "AzureActivity" and "Caller" in given and "Caller" not in fields:
        claims = ", ".join(f"NULLIF(JSON_EXTRACT_STRING(r, {pointer('identity', 'claims', c)}), '')" for c in _CALLER)
        fields["Caller"] = Field(f"COALESCE({claims})", "VARCHAR", Type.STRING)
    if table == "AzureDiagnostics" or not given:
        for name, kind in inner.items():
            if ("properties", name) not in used:
                suffix = _SUFFIXES.get(kind, "_s") if table == "AzureDiagnostics" else ""
                fields.setdefault(name + suffix, member("r", ("properties", name), kind))
                used.add(("properties", name))
    for name, kind in inner.items():
        if ("properties", name) not in used and name.lower() not in {c.lower() for c in fields}:
            take(name, ("properties", name), kind)
    if not given:
        fields.setdefault("TimeGenerated", member("r", ("time",), Type.DATETIME))
        for name, kind in outer.items():
            if name not in ("time", "properties"):
                fields.setdefault(name, member("r", (name,), kind))
    return fields


_SUFFIXES = {Type.LONG: "_d", Type.REAL: "_d", Type.BOOL: "_b", Type.DATETIME: "_t"}
"""What AzureDiagnostics puts behind a property's name by its type: learn.microsoft.com/azure/azure-monitor/reference/tables/azurediagnostics."""


def _of_resource(fields: dict[str, Field], given: Columns, tops: Mapping[str, str]) -> None:
    """Columns that are parts of the resource's id: ``/SUBSCRIPTIONS/.../RESOURCEGROUPS/.../PROVIDERS/provider/type/name``."""
    if "resourceid" not in tops:
        return
    whole = f"JSON_EXTRACT_STRING(r, {pointer(tops['resourceid'])})"
    parts = {
        "_ResourceId": f"LOWER({whole})", "ResourceId": whole,
        "SubscriptionId": f"LOWER(REGEXP_EXTRACT({whole}, '(?i)/subscriptions/([^/]+)', 1))",
        "_SubscriptionId": f"LOWER(REGEXP_EXTRACT({whole}, '(?i)/subscriptions/([^/]+)', 1))",
        "ResourceGroup": f"REGEXP_EXTRACT({whole}, '(?i)/resourcegroups/([^/]+)', 1)",
        "ResourceProvider": f"REGEXP_EXTRACT({whole}, '(?i)/providers/([^/]+)', 1)",
        "ResourceProviderValue": f"UPPER(REGEXP_EXTRACT({whole}, '(?i)/providers/([^/]+)', 1))",
        "Resource": f"REGEXP_EXTRACT({whole}, '([^/]+)$', 1)",
    }  # fmt: skip
    for column, value in parts.items():
        if column in given and (column not in fields or column == "_ResourceId"):
            fields[column] = Field(value, "VARCHAR", Type.STRING)
