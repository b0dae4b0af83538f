"""What Defender knows of a file: FileProfile(), which adds columns to the rows that it is given, and leaves out none.

Source: learn.microsoft.com/defender-xdr/advanced-hunting-fileprofile-function.
"""

from __future__ import annotations

from translator.kql import syntax as s
from translator.plan import expressions as e
from translator.plan import operators as o
from translator.plan.binder.context import Context
from translator.plan.binder.names import named_column, not_read
from translator.plan.binder.scopes import Scope, Table
from translator.plan.types import Type

NAME = "FileProfile"

_OF_EVENTS = {"SHA1": Type.STRING, "SHA256": Type.STRING, "MD5": Type.STRING, "FileSize": Type.INT}
"""What the tables of events have as well."""

ADDED = {
    "GlobalPrevalence": Type.INT, "GlobalFirstSeen": Type.DATETIME, "GlobalLastSeen": Type.DATETIME, "Signer": Type.STRING,
    "Issuer": Type.STRING, "SignerHash": Type.STRING, "IsCertificateValid": Type.BOOL, "IsRootSignerMicrosoft": Type.BOOL,
    "SignatureState": Type.STRING, "IsExecutable": Type.BOOL, "ThreatName": Type.STRING, "Publisher": Type.STRING,
    "SoftwareName": Type.STRING, "ProfileAvailability": Type.STRING,
}  # fmt: skip
"""What they have not."""


def file_profile(ctx: Context, table: Table, node: s.Invoke, called: s.Call, scope: Scope) -> Table | None:
    """The rows of a table beside the profiles of their files, a row for each file; None where it is not said by which column."""
    given = next((a.value if isinstance(a, s.Named) else a for a in called.arguments), None)
    match given:
        case None:
            name = "SHA1"
        case s.NameReference(name=name):
            pass
        case s.Literal(value=str(name)):
            pass
        case _:
            return None
    column = named_column(ctx, table, name, called.span if given is None else given.span, scope)
    if column is None:
        return None
    source = ctx.unknown_source(called.span)
    kept = {n: k for n, k in (_OF_EVENTS | ADDED).items() if n not in table.names and not (table.sources and n in _OF_EVENTS)}

    def of_any(name: str, kind: Type) -> tuple[e.Column, e.Expr]:
        read = e.ColumnRef(None, kind, ctx.stored_column(source, name, kind))
        return ctx.column(name, kind), e.Apply(None, kind, "take_any", (read,))

    key = ctx.column(name, column.type)
    keys = ((key, e.ColumnRef(None, column.type, ctx.stored_column(source, name, column.type))),)
    added = tuple(of_any(n, k) for n, k in kept.items())
    profiles = o.Aggregate(called.span, o.Unsupported(called.span, None, not_read(NAME)), keys, added)
    pair = (e.ColumnRef(None, column.type, column), e.ColumnRef(None, column.type, key))
    joined = o.Join(node.span, table.relation, profiles, "leftouter", (pair,))
    return table.over(joined, table.names | {c.name: c for c, _ in added})
