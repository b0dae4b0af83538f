"""Facts about source tables, and where each product keeps their events: its homes, as its own add-ons and integrations deliver them.

One JSON file a table under ``data/``, read when the table is asked for; what holds of a whole family of tables stands in ``families.json``.
The column types come from pysigma-backend-kusto. ``schema.json`` says what a file may hold.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import yaml

from translator.plan.expressions import ELEMENT
from translator.plan.normalized import normalized_schemas

DATA = Path(__file__).parent / "data"

FAMILIES = ("sigma", "splunk", "elastic")
"""Products by the names of their fields: EQL and ES|QL share Elastic's."""

Steps: TypeAlias = tuple[str, ...]
"""The way from one place inside of a dynamic value to another, through any element of an array."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A field of the product. ``type`` is the product's; ``values`` are its values by KQL's, all of them where ``complete``.

    ``spellings`` says that KQL values with one value of the product are the same thing, written in several ways; ``others`` that all other
    values are the same in both.

    ``case`` is ``lower`` or ``upper`` where the product keeps the value in that case only; ``spelled`` are values that the column has in
    no other case; ``differs`` says why no condition can be
    translated, though the field tells a reader the same; ``form`` is the text that stands in the field for a value, as ``SHA256={value}``;
    ``prefixes`` are what values begin with, by what they begin with in KQL; ``longer`` says what the field may hold behind the value.

    ``deviates`` says where the field has other values than the column, ``setting`` what has to be set for it to have the same, and
    ``either`` what may stand there for some of them; ``missing`` is a value of the column of whose events the product may have no field;
    ``array`` says that the field may have several values; ``within`` what it holds where the value is a part of that, set off by marks;
    ``scale`` how many of its units are one of the column's, where the column holds whole numbers; ``parts`` is the field with the places
    inside of the column's JSON, where the field itself has the text that Java makes of a map: ``{name=value, other=[1, 2]}``; ``text``
    says that the record may have its JSON as a text, which no field is made of.
    """

    name: str
    type: str = ""
    values: Mapping[str, str | int | bool] = field(default_factory=dict)
    complete: bool = False
    spellings: bool = False
    others: bool = False
    case: str = ""
    spelled: tuple[str, ...] = ()
    differs: str = ""
    form: str = ""
    prefixes: Mapping[str, str] = field(default_factory=dict)
    longer: str = ""
    deviates: str = ""
    setting: str = ""
    within: str = ""
    either: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    array: bool = False
    scale: int = 0
    parts: str = ""
    text: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Computed:
    """A KQL expression over other columns of the table; ``deviates`` says where it may give another value than the column has.

    ``file_of`` is a column with a path instead, of which this one is the name of the file. ``apart``: two values are equal where the
    column's are, so that they group events alike.
    """

    expression: str = ""
    deviates: str = ""
    file_of: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """A column that the product has no counterpart of, and why; ``filled``: though the table has values of these events."""

    why: str
    filled: bool = False


@dataclass(frozen=True, slots=True)
class ByValue:
    """A column whose home depends on the value of another: the alternatives with their values, and what holds otherwise."""

    column: str
    of: tuple[tuple[tuple[str | int, ...], Counterpart], ...]
    otherwise: Counterpart


Counterpart: TypeAlias = Stored | Computed | Absent | ByValue
"""What a product has for a column. A column that a home does not name is unknown."""


@dataclass(frozen=True, slots=True)
class Home:
    """A place of a product that holds a table's events.

    ``place`` selects them: search terms in Splunk, ``index`` and ``dataset`` in Elastic, the log source in Sigma. ``select`` is a further
    condition in KQL over the product's fields; ``when`` are the values that a rule must ask of columns for this home to be taken; ``lacks``
    says which events of the table are not there, ``more`` which others are; an ``optional`` home is taken only where it is asked for, one
    with a ``setting``, which says what has to be set for it, also where it alone has what a rule reads.
    ``also`` are further values of what comes first in ``place``, whose events have the same fields; ``within`` names the home of the table
    that has these events as well. ``types`` are those of fields that formulas read, where they are no plain texts. ``brings`` names the
    add-on or integration, ``source`` a public page with the names.
    """

    name: str
    brings: str
    source: str
    place: Mapping[str, str]
    select: str = ""
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lacks: str = ""
    more: str = ""
    optional: bool = False
    setting: str = ""
    also: tuple[str, ...] = ()
    within: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Counterpart] = field(default_factory=dict)

    @property
    def in_xml(self) -> bool:
        """Whether fields hold the text of XML, in which ``&``, ``<`` and ``>`` stand as ``&amp;``, ``&lt;`` and ``&gt;``.

        Windows events are rendered as XML, and Splunk's add-on takes their values out of it by regular expressions.

        Source: splunk/security_content, detections/endpoint/windows_scheduled_tasks_for_compmgmtlauncher_or_eventvwr.yml and
        impacket_lateral_movement_commandline_parameters.yml, which search such events for the escaped text.
        """
        return self.place.get("source", "").startswith("XmlWinEventLog:")

    @property
    def places(self) -> Mapping[str, tuple[str, ...]]:
        """What selects the events, with all values of each."""
        first = next((key for key in self.place if key != "index"), "index")
        return {key: (value, *(self.also if key == first else ())) for key, value in self.place.items()}

    def __str__(self) -> str:
        return " ".join(f"{key}={' or '.join(values)}" for key, values in self.places.items())


DATA_IN_XML = "EventData_Xml"
"""The field of Splunk's add-on with the data of a Windows event as XML, whose names stand in single quotes, and values as in Azure."""

FREE_TEXTS = frozenset(
    "CommandLine ParentCommandLine ProcessCommandLine ScriptBlockText ScriptBlock TaskContent TaskContentNew Payload ContextInfo "
    "HostApplication ServiceFileName ImagePath Details Query QueryResults AttributeValue Message".split()
)
"""Values of Windows events that may hold any text: commands, scripts, XML. Names of files, accounts and hosts hold no ``<`` and no ``>``.

Source: learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions; the pages of the events that have them.
"""


@dataclass(frozen=True, slots=True)
class Integration:
    """A package of Elastic's with the ``version`` that the catalog's fields are of, and its name for a data set.

    ``checked`` says whether elastic/detection-rules knows its fields, by which it refuses a query of others in KQL and EQL.
    """

    package: str
    version: str
    stream: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """The events of a table that have one of some values in a column: these have all of ``filled``, and no others have ``only``.

    In each of these an array in one of the columns ``single`` has one element, and the columns of ``has`` one of the values there.
    """

    column: str
    values: frozenset[str | int]
    filled: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    has: Mapping[str, frozenset[str | int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """``homes`` by family of products, the default one first; ``addresses`` are the columns that hold IP addresses, ``filled`` those that
    no row leaves empty, ``one_line`` those whose values have no line feed, ``numbers`` texts that hold whole numbers in plain decimal
    digits or words, ``plain`` places inside of columns that hold a plain value, no object and no array, ``complete`` objects that have no
    members but those of which homes or ``plain`` tell, ``words`` texts of letters and digits alone, ``texts`` those whose type is no
    other. ``all_told`` are the columns of whose values the homes have all.
    """

    name: str
    source: str
    addresses: frozenset[str]
    filled: frozenset[str]
    one_line: frozenset[str]
    numbers: frozenset[str]
    plain: frozenset[str]
    complete: frozenset[str]
    words: frozenset[str]
    texts: frozenset[str]
    all_told: frozenset[str]
    kinds: tuple[Kind, ...]
    homes: Mapping[str, tuple[Home, ...]]

    def columns(self, family: str) -> Mapping[str, Counterpart]:
        """What a family of products has for the columns, over all of its homes."""
        found: dict[str, Counterpart] = {}
        for home in reversed(self.homes.get(family, ())):
            found.update(home.columns)
        return found


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
    if name not in table_names():
        return None
    path = DATA / f"{name}.json"
    data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"table": name, "source": _families()[name]["tables"]}
    homes = {family: tuple(_of_table(name, home) for home in _homes(data.get(family) or ())) for family in FAMILIES}
    if name in _families():
        own = _family_home(name, _families()[name]["splunk"])
        homes["splunk"] = (_of_table(name, own), *homes["splunk"])
    filled, one_line, numbers, plain, complete, words, texts, all_told = (
        frozenset(x for listed in (data.get(key) or {}).values() for x in listed)
        for key in ("filled", "one_line", "numbers", "plain", "complete", "words", "texts", "all_told")
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
        kinds,
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
            whole = {name for name, x in columns.items() if (x or {}).get("type") == "original"}
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
        return Computed(data.get("computed", ""), data.get("deviates", ""), data.get("file_of", ""), data.get("apart", False))
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
    own = rule.get("own", {}).get(name, {})
    return home_of({**{k: rule[k] for k in ("home", "brings", "source")}, "place": place, "columns": {**columns, **own, **fixed}})


@functools.cache
def texts_of_json() -> tuple[str, ...]:
    """The fields of records in Splunk that may hold JSON as a text, of all families."""
    rules = {id(family): family["splunk"] for family in _families().values()}
    found = (c for rule in rules.values() for columns in (rule["columns"], *rule.get("own", {}).values()) for c in columns.values())
    return tuple(dict.fromkeys(c["field"] for c in found if c.get("text")))


@functools.cache
def event_data() -> Mapping[tuple[str, int], tuple[str, ...]]:
    """By provider and number of a Windows event: the names of the values in its data, in their order, as far as they are certain."""
    data = yaml.safe_load((Path(__file__).parent / "event_data.yaml").read_text(encoding="utf-8"))
    return MappingProxyType({(p["provider"], number): tuple(names) for p in data for number, names in p["events"].items()})


def is_address(name: str, column: str) -> bool:
    """Whether a table's column is documented to hold IP addresses."""
    known = table(name)
    return known is not None and column in known.addresses


def has_column(name: str, column: str) -> bool:
    """Whether a table of the catalog is known to have a column: one that a home has a word on."""
    known = table(name)
    return known is not None and any(column in home.columns for homes in known.homes.values() for home in homes)


def is_one_line(name: str, column: str) -> bool:
    """Whether no value of a table's column has a line feed."""
    known = table(name)
    return known is not None and column in known.one_line


def is_plain_number(name: str, column: str) -> bool:
    """Whether a table's column is a text whose numbers are whole and written in decimal digits alone."""
    known = table(name)
    return known is not None and column in known.numbers


def is_text(name: str, column: str) -> bool:
    """Whether a column of a table without documented types is known to be a text."""
    known = table(name)
    return known is not None and column in known.texts


def is_complete(name: str, column: str, steps: tuple[str | int, ...]) -> bool:
    """Whether the object at a place inside of a column has no members but those that are known."""
    known = table(name)
    return known is not None and ".".join([column, *map(str, steps)]) in known.complete


def is_filled(name: str, column: str, pins: Mapping[str, Set[Any]] = MappingProxyType({})) -> bool:
    """Whether no row of a table leaves a column empty, of those that have one of the values of ``pins`` in its columns."""
    known = table(name)
    return known is not None and (column in known.filled or any(column in kind.filled for kind in _told(known, pins)))


def is_single(name: str, column: str, pins: Mapping[str, Set[Any]]) -> bool:
    """Whether an array in a column has one element in all rows of a table that have one of the values of ``pins`` in its columns."""
    known = table(name)
    return known is not None and any(column in kind.single for kind in _told(known, pins))


def _told(known: Table, pins: Mapping[str, Set[Any]]) -> Iterator[Kind]:
    """The kinds of a table's events that have one of the values of ``pins``, by their texts; those that differ by case alone are one."""
    told = {c: {str(v).lower() for v in values} for c, values in pins.items()}
    return (k for k in known.kinds if k.column in told and told[k.column] <= {str(v).lower() for v in k.values})


@functools.cache
def _places(name: str) -> Mapping[tuple[str, Steps], tuple[Steps, ...]]:
    """What is known of the places inside of a table's columns: those below each, none below a plain value.

    Products have fields of plain values alone, so that a place with a field is one unless another field lies below it.
    """
    known = table(name)
    if known is None:
        return MappingProxyType({})
    written = [(path, found) for family in ("splunk", "elastic") for path, found in known.columns(family).items()]
    plain = {path for path, _ in written} - {path for path, x in written if _has_parts(path, x)} | known.plain
    kept = {path for path, found in written if not isinstance(found, Absent)} | known.plain
    found: dict[tuple[str, Steps], list[Steps]] = {}
    for path in sorted(plain):
        column, steps = _steps(path)
        found.setdefault((column, steps), [])
        for length in range(len(steps) if path in kept else 0):
            found.setdefault((column, steps[:length]), []).append(steps[length:])
    return MappingProxyType({place: tuple(dict.fromkeys(below)) for place, below in found.items() if below or place[1]})


def _has_parts(path: str, counterpart: Counterpart) -> bool:
    """Whether a field is one of several values by itself, not by those of an array around it, or an object."""
    several = isinstance(counterpart, Stored) and counterpart.array and "[" not in path
    return several or (isinstance(counterpart, Stored) and counterpart.type in ("object", "json", "original"))


def _steps(path: str) -> tuple[str, Steps]:
    """A path as the files write it, as its column and steps; an index stands for any."""
    column, *steps = re.sub(r"\[[^\]]*\]", f".{ELEMENT}", path).split(".")
    return column, tuple(steps)


def inside(name: str, column: str, steps: tuple[str | int, ...]) -> tuple[Steps, ...] | None:
    """The places that are known to be below one inside of a column, by their steps from it.

    None are below a plain value; None stands for a place of which it is not known what it holds.
    """
    return _places(name).get((column, tuple(ELEMENT if isinstance(s, int) else s for s in steps)))


@functools.cache
def _integrations() -> Mapping[str, Integration]:
    data = json.loads((Path(__file__).parent / "integrations.json").read_text(encoding="utf-8"))
    packages = data["packages"].items()
    return {d: Integration(n, p["version"], d.rpartition(".")[2], n in data["checked"]) for n, p in packages for d in p["datasets"]}


def integration_of(dataset: str) -> Integration | None:
    """The package of Elastic's that brings a data set; None where it is not known."""
    return _integrations().get(dataset)


@functools.cache
def _flattened() -> frozenset[str]:
    data = json.loads((Path(__file__).parent / "flattened.json").read_text(encoding="utf-8"))
    return frozenset(data["fields"])


def flattened_around(name: str) -> str | None:
    """The field of Elastic's of the type flattened that has a place: the field itself, or one around it; None where none is known."""
    parts = name.split(".")
    return next((root for n in range(len(parts), 0, -1) if (root := ".".join(parts[:n])) in _flattened()), None)


@functools.cache
def documented(package: str) -> Mapping[str, Mapping[str, str]]:
    """Column types by table and column: ``microsoftxdr`` for Defender XDR's tables, ``azuremonitor`` for Azure Monitor's.

    The table modules of pysigma-backend-kusto are loaded by file, since importing their packages takes a third of a second.
    """
    variable = {"microsoftxdr": "MICROSOFT_XDR_TABLES", "azuremonitor": "AZURE_MONITOR_TABLES"}[package]
    spec = importlib.util.find_spec("sigma")
    for root in spec.submodule_search_locations or () if spec else ():
        path = Path(root) / "pipelines" / package / "tables.py"
        if path.is_file():
            module_spec = importlib.util.spec_from_file_location(f"_kql2sigma_tables_{package}", path)
            assert module_spec is not None and module_spec.loader is not None
            module = importlib.util.module_from_spec(module_spec)
            module_spec.loader.exec_module(module)
            tables = getattr(module, variable)
            return MappingProxyType({t: {name: facts["data_type"] for name, facts in columns.items()} for t, columns in tables.items()})
    return MappingProxyType({})


@functools.cache
def schemas() -> Mapping[str, Mapping[str, str]]:
    """Column types by table and column: Azure Monitor's and Defender XDR's documented tables, a table of both with all its columns."""
    merged: dict[str, dict[str, str]] = {}
    for package in ("microsoftxdr", "azuremonitor"):
        for name, columns in documented(package).items():
            merged.setdefault(name, {}).update(columns)
    merged.update({name: dict(types) for name, types in normalized_schemas().items()})
    return MappingProxyType(merged)
