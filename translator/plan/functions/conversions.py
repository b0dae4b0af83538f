"""Conversions between types, and what tells types and nulls apart."""

from __future__ import annotations

import re
from decimal import Decimal

from translator.plan.functions.declare import Family
from translator.plan.functions.values import Dynamic, type_name

F = Family("conversions")
for _name in (
    "tostring(value: scalar) -> string",
    "toint(value: scalar) -> int",
    "tolong(value: scalar) -> long",
    "todouble(value: scalar) -> real",
    "todecimal(value: scalar) -> decimal",
    "tobool(value: scalar) -> bool",
    "todatetime(value: scalar) -> datetime",
    "totimespan(value: scalar) -> timespan",
    "toguid(value: string) -> guid",
):
    F.declare(_name, compiled=True, named="argument", shapes=True)
F.alias("toreal", "todouble")
F.alias("toboolean", "tobool")
F.alias("totime", "totimespan")
F.declare("parse_json(json_text: string) -> dynamic", compiled=True, named="argument", shapes=True)
F.alias("todynamic", "parse_json", shapes=False)
F.alias("parsejson", "parse_json")
F.alias("toobject", "parse_json", shapes=False)
F.declare("isnull(expression: scalar) -> bool", compiled=True)
F.declare("isnotnull(expression: scalar) -> bool", compiled=True)
F.alias("notnull", "isnotnull")
F.declare("iff(if: bool, then: scalar, else: scalar) -> common", compiled=True)
F.alias("iif", "iff")
F.declare("case(predicate: bool+, then: scalar+, else: scalar) -> common", compiled=True)
F.declare("coalesce(arg_1: alike, arg: alike+) -> common", compiled=True)
F.declare("not(expression: bool) -> bool", sql="NOT $1")
F.declare("column_ifexists(column_name: constant string, defaultValue: scalar) -> second", compiled=True)
F.alias("columnifexists", "column_ifexists")


@F.scalar("tohex(value: integer, minLength: integer?) -> string", named="argument")
def tohex(value: int, length: int = 0) -> str:
    return format(value & 0xFFFF_FFFF_FFFF_FFFF, "x").zfill(min(16, length))


@F.scalar("gettype(value: scalar) -> string", named="type_", nulls=True)
def gettype(value: Dynamic) -> str:
    """A whole number inside a dynamic value is an int where it fits into one."""
    return "int" if type(value) is int and -(1 << 31) <= value < 1 << 31 else type_name(value)


@F.scalar("dynamic_to_json(dynamic: scalar) -> string", nulls=True)
def dynamic_to_json(value: Dynamic) -> str:
    import json

    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@F.scalar("parse_version(version: string) -> decimal")
def parse_version(text: str) -> Decimal | None:
    parts = text.split(".")
    if not 1 <= len(parts) <= 4 or not all(re.fullmatch(r"\d{1,8}", p) for p in parts):
        return None
    return Decimal("".join(p.zfill(8) for p in [*parts, *["0"] * (4 - len(parts))]))


@F.scalar("assert(predicate: bool, message: string) -> bool")
def assert_(condition: bool, message: str) -> bool:
    if not condition:
        raise ValueError(message)
    return True


F.unsupported(
    """
    iscolumnexists(column_name: string) -> bool
    """
)
