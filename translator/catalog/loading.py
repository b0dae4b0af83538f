"""The files of the catalog as tables with their homes.

One JSON file a table under ``data/``, read when the table is asked for; what holds of a whole family of tables stands in ``families.json``,
and what holds of any table of a Log Analytics workspace in ``workspace.json``.
``schema.json`` says what a file may hold.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from translator.catalog.columns import documented, schemas
from translator.catalog.model import FAMILIES, Absent, ByValue, Computed, Counterpart, Home, Kind, Stored, Table

DATA = Path(__file__).parent / "data"


@functools.cache
def table_names() -> tuple[str, ...]:
    """The tables of the catalog."""
    return tuple(sorted({p.stem for p in DATA.glob("*.json")} | set(_families())))


def home_names() -> frozenset[str]:
    """The names of all homes of all tables."""
    known = (table(name) for name in table_names())
    return frozenset(home.name for t in known if t is not None for homes in t.homes.values() for home in homes)


@functools.cache
def table(name: str) -> Table | None:
    """A table of the catalog; None where it is not known."""
    if name in table_names():
        path = DATA / f"{name}.json"
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"table": name, "source": _families()[name]["tables"]}
    elif _is_of_workspace(name):
        data = {"table": name, "source": _page_of(name)}
    else:
        return None
    homes = {family: tuple(_of_table(name, home) for home in _homes(data.get(family) or ())) for family in FAMILIES}
    if name in _families():
        own = _family_home(name, _families()[name]["splunk"])
        homes["splunk"] = (_of_table(name, own), *homes["splunk"])
    if _is_of_workspace(name) and (name not in _families() or name in _workspace()["beside"]):
        for family, home in _workspace_homes(name):
            homes[family] += (_of_table(name, home),)
    filled, one_line, numbers, plain, complete, words, texts, all_told, omitted, telling = (
        frozenset(x for listed in (data.get(key) or {}).values() for x in listed)
        for key in ("filled", "one_line", "numbers", "plain", "complete", "words", "texts", "all_told", "omitted", "telling")
    )
    addresses = frozenset(data.get("addresses") or ())
    kinds = tuple(map(_kind, data.get("kinds", ())))
    return Table(
        data["table"],
        data["source"],
        addresses,
        filled,
        one_line | addresses | numbers,
        numbers,
        plain,
        complete,
        words,
        texts,
        all_told,
        omitted,
        telling,
        kinds,
        MappingProxyType({place: column for told in data.get("alike", {}).values() for place, column in told.items()}),
        MappingProxyType(homes),
    )


def _kind(data: Mapping[str, Any]) -> Kind:
    values, filled, only, single = (frozenset(data.get(key, ())) for key in ("values", "filled", "only", "single"))
    return Kind(data["column"], values, filled, only, single, {column: frozenset(v) for column, v in data.get("has", {}).items()})


def _of_table(name: str, home: Home) -> Home:
    """A home with the column that every table of Log Analytics has: ``Type``, the table's name.

    Source: https://learn.microsoft.com/azure/azure-monitor/logs/log-standard-columns#type
    """
    if "Type" in home.columns or "Type" not in schemas().get(name, {}):
        return home
    return replace(home, columns=MappingProxyType({**home.columns, "Type": Computed(f"'{name}'")}))


def _homes(listed: Iterable[Mapping[str, Any]]) -> Iterator[Home]:
    """The homes of a file.

    ``extends`` names one before it, whose columns it has as well but for those that it sets, to null for none, and for places inside of
    those that it has as they came, unless they are plain values; ``rest`` says why it has none of the other columns of the first home.
    ``absent`` are columns that the product has nothing of, ``empty`` texts that the table itself has none of in these events.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for data in listed:
        columns = dict(data["columns"])
        if "extends" in data:
            whole = {name for name, x in columns.items() if (x or {}).get("type") in ("original", "original text")}
            inherited = {c: x for c, x in found[data["extends"]].items() if re.split(r"[.\[]", c)[0] not in whole or _is_plain_part(c, x)}
            columns = {**inherited, **columns}
        columns |= {name: {"absent": why} for why, names in data.get("absent", {}).items() for name in names}
        columns |= {name: {"computed": "''"} for names in data.get("empty", {}).values() for name in names}
        if "rest" in data:
            first = next(iter(found.values()))
            columns |= {
                name: {"absent": data["rest"]} for name, known in first.items() if name not in columns and "absent" not in (known or {})
            }
        found[data["home"]] = columns
        yield home_of({**data, "columns": {k: v for k, v in columns.items() if v is not None}})


def _is_plain_part(path: str, counterpart: Mapping[str, Any]) -> bool:
    """Whether a place inside of a column, and of no array there, is a field with its value."""
    plain = "field" in counterpart and counterpart.get("type") not in ("object", "flattened", "nested")
    return plain and "[" not in path and counterpart.keys() <= {"field", "type", "source"}


def home_of(data: Mapping[str, Any]) -> Home:
    """A home by its own columns."""
    return Home(
        data["home"],
        data["brings"],
        data["source"],
        MappingProxyType({k: str(v) for k, v in data["place"].items()}),
        data.get("select", ""),
        MappingProxyType({k: tuple(v) for k, v in data.get("when", {}).items()}),
        data.get("lacks", ""),
        data.get("more", ""),
        data.get("optional", False),
        data.get("setting", ""),
        tuple(data.get("also", ())),
        data.get("within", ""),
        MappingProxyType(data.get("types", {})),
        MappingProxyType({k: counterpart_of(v) for k, v in data["columns"].items()}),
        data.get("open", False),
        data.get("for_names", False),
    )


def counterpart_of(data: Mapping[str, Any]) -> Counterpart:
    """What a product has for a column, as a catalog file has it."""
    if "by" in data:
        by = data["by"]
        of = tuple((tuple(x["values"]), counterpart_of(x.get("has") or {k: v for k, v in x.items() if k != "values"})) for x in by["of"])
        return ByValue(by["column"], of, counterpart_of(by["else"]))
    if "absent" in data:
        return Absent(data["absent"], data.get("filled", False))
    if "computed" in data or "file_of" in data:
        told = {key: data[key] for key in ("deviates", "file_of", "apart", "alone", "lowered", "setting") if key in data}
        return Computed(data.get("computed", ""), **told)
    return Stored(data["field"], **{key: value for key, value in data.items() if key != "field"})


@functools.cache
def _families() -> Mapping[str, Mapping[str, Any]]:
    """The families of tables by each of their tables."""
    data = json.loads((Path(__file__).parent / "families.json").read_text(encoding="utf-8"))
    return {name: family for family in data for name in family["names"]}


def _family_home(name: str, rule: Mapping[str, Any]) -> Home:
    """The home of a table by the rule of its family: every column of the table's schema is a field of one form."""
    columns: dict[str, Any] = {}
    for column, kind in documented("microsoftxdr").get(name, {}).items():
        columns[column] = {"field": rule["field"].format(column=column), "type": rule["types"].get(kind, "text")}
    fixed = {k: {a: b.format(table=name) if isinstance(b, str) else b for a, b in v.items()} for k, v in rule["columns"].items()}
    place = {k: v.format(table=name) for k, v in rule["place"].items()}
    own, unlisted = rule.get("own", {}).get(name, {}), rule["unlisted"]
    needs = {"setting": unlisted["setting"]} if name in unlisted["names"] else {}
    return home_of({**{k: rule[k] for k in ("home", "brings", "source")}, **needs, "place": place, "columns": {**columns, **own, **fixed}})


@functools.cache
def _workspace() -> Mapping[str, Any]:
    """What holds of the tables of a Log Analytics workspace."""
    return json.loads((Path(__file__).parent / "workspace.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _is_of_workspace(name: str) -> bool:
    """Whether a name is that of a table of Azure Monitor, of a custom one that connectors of Sentinel fill, or of a function over these."""
    data = _workspace()
    return name in documented("azuremonitor") or name in data["functions"] or name in data["custom_tables"] or _is_custom(name)


def _is_custom(name: str) -> bool:
    """Whether a table of the catalog is a custom one.

    Source: https://learn.microsoft.com/azure/azure-monitor/logs/create-custom-table: the names end in ``_CL``.
    """
    return name.endswith("_CL") and name in table_names()


def _page_of(name: str) -> str:
    """The page on a table or function of a workspace."""
    kind = "table" if name in documented("azuremonitor") else "custom" if name.endswith("_CL") else "function"
    page: str = _workspace()[kind]
    return page.format(lower=name.lower())


def _workspace_homes(name: str) -> Iterator[tuple[str, Home]]:
    """The homes of the rows of a table or function as its workspace gives them, by family: every column is a field of the same name.

    They are the last ones of a table, unless Azure computes the rows, or changes what others have of them.
    """
    data, listed = _workspace(), documented("azuremonitor").get(name)
    for family in ("splunk", "elastic"):
        rule = data[family]
        if "unsupported" in rule and (listed is None or name in rule["unsupported"]):
            continue
        kinds = {column: rule["types"].get(kind) for column, kind in (listed or {}).items() if column not in rule["left"]}
        columns = {c: {"field": rule["field"].format(column=c), **kind, "source": _page_of(name)} for c, kind in kinds.items() if kind}
        fixed = {c: x for c, x in rule["columns"].items() if c not in columns or "absent" in x or c == "TimeGenerated"}
        own = {
            "columns": {**columns, **rule["own"].get(name, {}), **fixed},
            "select": rule["select"].format(table=name),
            "setting": rule["of_function" if name in data["functions"] else "setting"],
            "open": family == "splunk" and (listed is None or name in data["open"]),
            "for_names": name not in rule.get("computed", ()),
        }
        yield family, home_of({**{k: rule[k] for k in ("home", "brings", "source", "place", "optional")}, **own})


@functools.cache
def texts_of_json() -> tuple[str, ...]:
    """The fields of records in Splunk that may hold JSON as a text, of all families."""
    rules = {id(family): family["splunk"] for family in _families().values()}
    found = (c for rule in rules.values() for columns in (rule["columns"], *rule.get("own", {}).values()) for c in columns.values())
    return tuple(dict.fromkeys(c["field"] for c in found if c.get("text")))
