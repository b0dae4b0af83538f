"""Files in which a site says what its logs are: mappings (YAML) and inventories (what Elastic and Splunk list of their fields)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from translator import catalog
from translator.catalog.site import SiteTable
from translator.kql.errors import suggestion

FAMILY_OF = {"splunk": "splunk", "elastic": "elastic", "eql": "elastic", "esql": "elastic", "sigma": "sigma"}
"""Whose fields a target's mapping names."""

TYPES = {
    "splunk": ("text", "number", "boolean", "json", "time"),
    "elastic": (
        "keyword", "wildcard", "constant_keyword", "text", "match_only_text", "long", "integer", "short", "byte", "unsigned_long", "double",
        "float", "half_float", "scaled_float", "boolean", "date", "date_nanos", "ip", "version", "flattened", "object", "nested",
        "geo_point",
    ),
    "sigma": ("text",),
}  # fmt: skip
"""The types of fields that a mapping may name, by family: Elastic's are those of its mappings (Elasticsearch, "Field data types")."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]*")

PLACES = {
    "splunk": ("index", "sourcetype", "source", "category"),
    "elastic": ("index", "dataset"),
    "sigma": ("product", "category", "service"),
}
"""What may tell where a table's events are, by family. Splunk takes any field that a search can ask for."""


class SiteFileError(Exception):
    """A file of a site that cannot be used: its path, the line (counted from 1), and what is wrong."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path, self.line, self.message = path, line, message


def mappings(paths: Iterable[Path]) -> dict[str, dict[str, SiteTable]]:
    """The tables that mapping files name, by family and name; later files win.

    Raises:
        SiteFileError: for what is no YAML, has another shape, or names a target, table or column that does not exist.
    """
    return _together(map(_Reader, paths))


def mapping(text: str, name: str = "mapping") -> dict[str, dict[str, SiteTable]]:
    """The tables that the text of a mapping names.

    Raises:
        SiteFileError: as ``mappings``; its path is ``name``.
    """
    return _together([_Reader(Path(name), text)])


def _together(readers: Iterable[_Reader]) -> dict[str, dict[str, SiteTable]]:
    found: dict[str, dict[str, SiteTable]] = {}
    for reader in readers:
        for family, name, table in reader.tables():
            known = found.setdefault(family, {}).get(name, SiteTable())
            found[family][name] = SiteTable({**known.place, **table.place}, {**known.columns, **table.columns})
    return found


class _Reader:
    """One mapping file, read with the lines of what it says; its text is read at its path unless it is given."""

    def __init__(self, path: Path, text: str | None = None) -> None:
        self.path = path
        try:
            self.root = yaml.compose(path.read_text(encoding="utf-8") if text is None else text, Loader=yaml.SafeLoader)
        except (OSError, UnicodeDecodeError) as error:
            raise SiteFileError(path, 1, f"cannot be read: {error}") from error
        except ReaderError as error:
            line = (path.read_text(encoding="utf-8") if text is None else text).count("\n", 0, error.position) + 1
            raise SiteFileError(path, line, f"is no YAML: it has the character U+{error.character:04X}") from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise SiteFileError(path, mark.line + 1 if mark else 1, f"is no YAML: {getattr(error, 'problem', error)}") from error
        except RecursionError as error:
            raise SiteFileError(path, 1, "nests too deeply") from error

    def error(self, node: yaml.Node, message: str) -> SiteFileError:
        return SiteFileError(self.path, node.start_mark.line + 1, message)

    def pairs(self, node: yaml.Node | None, what: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Key, its node and the value's of a mapping."""
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")):
            return
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, f"expected {what}, as in splunk: {{SigninLogs: {{columns: {{IPAddress: src}}}}}}")
        seen = set[str]()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.error(key, "expected a name")
            if str(key.value) in seen:
                raise self.error(key, f"'{key.value}' is here twice")
            seen.add(str(key.value))
            yield str(key.value), key, value

    def tables(self) -> Iterator[tuple[str, str, SiteTable]]:
        for target, node, tables in self.pairs(self.root, "targets"):
            if target not in FAMILY_OF:
                close = suggestion(target, FAMILY_OF) or f": first come targets ({', '.join(FAMILY_OF)}), then their tables"
                raise self.error(node, f"'{target}' is no target{close}")
            for name, place, content in self.pairs(tables, "tables by name"):
                self.check_table(name, place)
                yield FAMILY_OF[target], name, self.table(FAMILY_OF[target], name, content)

    def check_table(self, name: str, node: yaml.Node) -> None:
        known = {*catalog.table_names(), *catalog.schemas()}
        if name not in known and not name.endswith("_CL") and (close := suggestion(name, known)):
            raise self.error(node, f"'{name}' is no table{close}")

    def table(self, family: str, name: str, node: yaml.Node) -> SiteTable:
        place: dict[str, str] = {}
        columns: dict[str, tuple[str, str]] = {}
        own = list(self.pairs(node, "columns by name, or 'place' and 'columns'"))
        sections = {key for key, _, _ in own} & {"place", "columns"}
        for key, at, value in own:
            if not sections:
                self.column(family, name, key, at, value, columns)
            elif key == "place":
                place = self.place(family, value)
            elif key == "columns":
                for column, where, field in self.pairs(value, "columns by name"):
                    self.column(family, name, column, where, field, columns)
            else:
                raise self.error(at, f"'{key}' is neither 'place' nor 'columns'{suggestion(key, ('place', 'columns'))}")
        known = catalog.table(name)
        if columns and not place and not (known is not None and any(not home.optional for home in known.homes[family])):
            raise self.error(node, f"{name} has no home in {family} that is known: say where its events are with 'place'")
        return SiteTable(place, columns)

    def place(self, family: str, node: yaml.Node) -> dict[str, str]:
        found = {}
        for key, at, value in self.pairs(node, "what selects the events"):
            if family != "splunk" and key not in PLACES[family]:
                raise self.error(at, f"'{key}' is none of {', '.join(PLACES[family])}{suggestion(key, PLACES[family])}")
            if key not in PLACES[family] and (meant := suggestion(key, PLACES[family])):
                raise self.error(at, f"'{key}' is no field that tells where events are{meant}")
            if not _NAME.fullmatch(key):
                raise self.error(at, f"'{key}' is no name of a field")
            if text := self.text(value):
                found[key] = text
        if found and family == "elastic" and "index" not in found:
            raise self.error(node, "an Elastic place needs an 'index'")
        return found

    def column(
        self, family: str, table: str, name: str, at: yaml.Node, value: yaml.Node, columns: dict[str, tuple[str, str]]
    ) -> None:  # fmt: skip
        if not has_column(table, name):
            raise self.error(at, f"{table} has no column '{name}'{suggestion(name, columns_of(table))}")
        if isinstance(value, yaml.MappingNode):
            parts = {key: self.text(v) for key, _, v in self.pairs(value, "field and type")}
            if (other := next((key for key in parts if key not in ("field", "type")), None)) is not None:
                raise self.error(value, f"'{other}' is neither 'field' nor 'type'{suggestion(other, ('field', 'type'))}")
            if "field" not in parts:
                raise self.error(value, f"expected the 'field' that {name} is")
            if (kind := parts.get("type", "")) and kind not in TYPES[family]:
                raise self.error(value, f"'{kind}' is no type of a field{suggestion(kind, TYPES[family])}")
            if parts.get("field"):
                columns[name] = (parts["field"], parts.get("type", ""))
        elif text := self.text(value):
            columns[name] = (text, "")

    def text(self, node: yaml.Node) -> str:
        """A scalar; empty where nothing was filled in."""
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(node, "expected a name")
        text = "" if node.tag.endswith(":null") else str(node.value).strip()
        if not text.isprintable():
            raise self.error(node, f"{text!r} is no name: it has a character that cannot be seen")
        return text


def has_column(table: str, name: str) -> bool:
    """Whether a table may have a column, or a place in one: those whose schema is open may have any."""
    known = columns_of(table)
    return not known or name.split(".")[0].split("[")[0] in known


def columns_of(table: str) -> set[str]:
    """The columns that a table is known to have; none where its schema is open."""
    schema = catalog.schemas().get(table)
    if schema is None:
        return set()
    known = catalog.table(table)
    stored = {c.split(".")[0].split("[")[0] for f in catalog.FAMILIES for c in known.columns(f)} if known is not None else set()
    return {*schema, *stored}


def inventories(paths: Iterable[Path]) -> dict[str, dict[str, str]]:
    """The fields that a site has, with their types, by family: Elastic's field capabilities or Splunk's fieldsummary.

    Raises:
        SiteFileError: for what is neither.
    """
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise SiteFileError(path, 1, f"cannot be read: {error}") from error
        family, fields = _inventory(path, text)
        found.setdefault(family, {}).update(fields)
    return found


def _inventory(path: Path, text: str) -> tuple[str, dict[str, str]]:
    data: Any
    try:
        data = json.loads(text)
    except ValueError as error:
        lines = text.strip().splitlines()
        if path.suffix.lower() == ".csv" or (lines and "field" in lines[0].replace('"', "").split(",")):
            try:
                rows: list[Any] = list(csv.DictReader(io.StringIO(text)))
            except csv.Error as bad:
                raise SiteFileError(path, 1, f"is no CSV: {bad}") from bad
        else:
            try:
                rows = [json.loads(line) for line in lines]
            except ValueError:
                line = getattr(error, "lineno", 1)
                raise SiteFileError(
                    path, line, "is neither Elastic's field capabilities (JSON) nor Splunk's fieldsummary (CSV, JSON)"
                ) from error
        data = {"results": [r.get("result", r) if isinstance(r, dict) else {} for r in rows]}
    except RecursionError as error:
        raise SiteFileError(path, 1, "nests too deeply") from error
    if isinstance(data, dict) and isinstance(data.get("fields"), dict) and data["fields"]:
        for name, kinds in data["fields"].items():
            if not isinstance(kinds, dict) or not all(isinstance(about, dict) for about in kinds.values()):
                said = json.dumps(name)
                raise SiteFileError(path, text[: text.find(said)].count("\n") + 1, f'expected the types of {said}, as {{"ip": {{}}}}')
        return "elastic", {str(name): _type_of(kinds) for name, kinds in data["fields"].items()}
    listed = data.get("results") if isinstance(data, dict) else data
    names = [r.get("field") if isinstance(r, dict) else None for r in listed] if isinstance(listed, list) else []
    if not any(names):
        raise SiteFileError(path, 1, "lists no fields: expected what GET INDEX/_field_caps?fields=* or | fieldsummary gives")
    if (wrong := next((n for n, name in enumerate(names, 1) if not name or not isinstance(name, str)), None)) is not None:
        raise SiteFileError(path, 1, f"names no field in its row {wrong}: expected what | fieldsummary gives")
    return "splunk", dict.fromkeys(map(str, names), "text")


def _type_of(kinds: Mapping[str, object]) -> str:
    """The type of a field, by its capabilities: a mapping by type. No query reads one that is mapped in several ways."""
    types = [k for k in kinds if k != "unmapped"]
    return types[0] if len(types) == 1 else "conflict" if types else "keyword"
