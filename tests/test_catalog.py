"""The catalog's files: their form, what they name, and how much of what rules use they know."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from translator import catalog
from translator.catalog import Absent, ByValue, Computed, Counterpart, Home, Stored
from translator.commands import tables
from translator.commands.tables import tables_page
from translator.plan.expressions import columns_of
from translator.plan.normalized import parser_of
from translator.targets.formulas import parsed, selected
from translator.targets.names import ORIGINALS

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
needs_facts = pytest.mark.skipif(not (SHARED / "facts").is_dir(), reason="needs ../shared/facts, the names that products have")
FILES = sorted(catalog.DATA.glob("*.json"))


def homes() -> Iterator[tuple[str, str, Home]]:
    for name in catalog.table_names():
        table = catalog.table(name)
        assert table is not None
        for family in catalog.FAMILIES:
            for home in table.homes[family]:
                yield name, family, home


def leaves(counterpart: Counterpart) -> Iterator[Stored | Computed | Absent]:
    if isinstance(counterpart, ByValue):
        for _, one in counterpart.of:
            yield from leaves(one)
        yield from leaves(counterpart.otherwise)
    else:
        yield counterpart


def test_every_file_has_the_form_of_the_schema() -> None:
    schema = json.loads((catalog.DATA.parent / "schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    wrong = [
        f"{path.name} {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for path in FILES
        for error in validator.iter_errors(json.loads(path.read_text(encoding="utf-8")))
    ]
    assert wrong == []
    assert all(json.loads(p.read_text(encoding="utf-8"))["table"] == p.stem for p in FILES)


def test_no_file_has_a_name_twice_of_which_json_takes_the_last() -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(pairs) == len(dict(pairs)), [name for name, _ in pairs]
        return dict(pairs)

    for path in FILES:
        json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)


def test_a_home_is_found_by_its_name() -> None:
    for name in catalog.table_names():
        table = catalog.table(name)
        assert table is not None
        for family in catalog.FAMILIES:
            names = [h.name for h in table.homes[family]]
            assert len(names) == len(set(names)), (name, family, names)


def test_formulas_read_columns_that_the_home_has() -> None:
    wrong = []
    for table, family, home in homes():
        for column, counterpart in home.columns.items():
            for leaf in leaves(counterpart):
                if not isinstance(leaf, Computed):
                    continue
                read = {leaf.file_of} if leaf.file_of else {c.name for c in columns_of(parsed(table, leaf.expression))}
                lacking = [c for c in read if c not in home.columns and c not in ("TimeGenerated", "Timestamp") and c[0] != "="]
                if lacking or column in read:
                    wrong.append((table, family, home.name, column, lacking))
        if home.select:
            selected(home.select)
    assert wrong == []


def test_every_defender_table_has_the_home_of_its_family() -> None:
    for name, columns in catalog.documented("microsoftxdr").items():
        table = catalog.table(name)
        assert table is not None and table.homes["splunk"], name
        home = table.homes["splunk"][0]
        assert home.place == {"sourcetype": "ms:defender:eventhub", "category": f"AdvancedHunting-{name}"}
        assert all(column in home.columns for column in columns)


def test_a_log_source_of_sigma_has_the_names_of_one_form_of_its_records() -> None:
    """SigmaHQ's rules name the same record in several forms: a rule that mixes them asks for what no event has."""
    of_tables = {"signinlogs": "SigninLogs", "auditlogs": "AuditLogs", "activitylogs": "AzureActivity"}
    wrong = []
    for table, family, home in homes():
        service = home.place.get("service", "")
        if family != "sigma" or home.place.get("product") not in ("azure", "gcp") or service not in (*of_tables, "gcp.audit"):
            continue
        columns = set(catalog.schemas().get(of_tables[service], ())) if service in of_tables else {"data"}
        for column, counterpart in home.columns.items():
            for leaf in leaves(counterpart):
                if isinstance(leaf, Stored) and leaf.name != column and leaf.name.split(".")[0] not in columns and not leaf.source:
                    wrong.append((table, leaf.name))
    assert wrong == []


def test_a_table_that_is_asked_for_reads_no_other() -> None:
    assert catalog.table("../schema") is None and catalog.table("NoTable") is None
    assert len({name for name, _, _ in homes()}) >= 60


def test_a_kind_of_events_fills_more_columns() -> None:
    assert not catalog.is_filled("OfficeActivity", "ClientIP", {"RecordType": {"AzureActiveDirectory"}})
    assert catalog.is_filled("OfficeActivity", "ClientIP", {"RecordType": {"SharePointFileOperation", "OneDrive"}})


def test_what_a_home_needs_and_leaves_open_is_told() -> None:
    table = catalog.table("AzureNetworkAnalytics_CL")
    assert table is not None
    (home,) = tables.facts(table, False)["homes"]["splunk"]
    assert home["open"] and home["setting"].startswith("an Azure KQL Log Analytics input")


def test_the_page_of_tables_is_generated() -> None:
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == tables_page()


# --- beside the names that products have


@cache
def splunk_facts() -> dict[str, Any]:
    return json.loads((SHARED / "facts" / "splunk_fields.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@cache
def elastic_facts() -> dict[str, Any]:
    return json.loads(gzip.decompress((SHARED / "facts" / "elastic_fields.json.gz").read_bytes()))  # type: ignore[no-any-return]


def splunk_fields(home: Home) -> set[str]:
    places = {v.lower() for k, values in home.marks.items() if k in ("sourcetype", "source") for v in values}
    entries = [e for e in splunk_facts().values() if {e["sourcetype"].lower(), (e["source"] or "").lower()} & places]
    return {f for e in entries for f in (*e["fields"], *e["mappings"].values())} | {"_time", "_raw", "host", "source", "sourcetype"}


def elastic_type(dataset: str, field: str) -> str | None:
    facts = elastic_facts()
    fields = facts.get(dataset, {}).get("fields", {})
    known = fields.get(field) or facts["_ecs"]["fields"].get(field)
    if known:
        return str(known)
    plain = field.replace("{n}", "0").replace("{name}", "x")
    for name, kind in fields.items():
        if "*" in name and re.fullmatch(re.escape(name).replace(r"\*", "[^.]+"), plain):
            return str(kind)
    parents = [plain.rsplit(".", n)[0] for n in range(1, plain.count(".") + 1)]
    return next((k for p in parents if (k := fields.get(p) or fields.get(f"{p}.*")) in ("flattened", "object")), None)


@needs_facts
def test_every_name_is_one_of_the_product_or_carries_its_source() -> None:
    unknown = []
    for table, family, home in homes():
        for column, counterpart in home.columns.items():
            for leaf in leaves(counterpart):
                if not isinstance(leaf, Stored) or leaf.source or leaf.type in ORIGINALS:  # the home has its source
                    continue
                if family == "splunk" and home.name != "microsoft_security" and "datamodel" not in home.place:
                    fields = splunk_fields(home)
                    inside = any(f.startswith((f"{leaf.name}.", f"{leaf.name}{{")) for f in fields)
                    if leaf.name not in fields and not inside and "{name}" not in leaf.name and not leaf.differs:
                        unknown.append((table, family, home.name, column, leaf.name))
                elif family == "elastic" and elastic_type(home.place.get("dataset", ""), leaf.name) is None:
                    unknown.append((table, family, home.name, column, leaf.name))
    assert unknown == []


@needs_facts
def test_no_field_is_one_that_the_ingest_pipeline_empties_or_of_another_type() -> None:
    wrong = []
    for table, family, home in homes():
        facts = elastic_facts().get(home.place.get("dataset", ""), {}) if family == "elastic" else {}
        for column, counterpart in home.columns.items():
            for leaf in leaves(counterpart):
                if not isinstance(leaf, Stored) or not facts:
                    continue
                kind = facts["fields"].get(leaf.name)
                other = kind not in (None, "unknown", "array") and leaf.type != kind
                if leaf.name in facts.get("emptied_by_pipeline", ()) or other:
                    wrong.append((table, home.name, column, leaf.name, leaf.type, kind))
    assert wrong == []


@needs_facts
def test_what_rules_use_of_a_table_is_known() -> None:
    """Of the uses of columns in real queries, by table with a home: stored, computed or absent. A few tables fall short, by name."""
    used = json.loads((SHARED / "corpus" / "columns.json").read_text(encoding="utf-8"))
    short = {}
    counted = 0
    for name, facts in used.items():
        parser = parser_of(name)
        table = catalog.table(parser.table if parser else name)
        if facts["queries"] < 4 or table is None:
            continue
        counted += any(table.homes.values())
        for family in ("splunk", "elastic"):
            if all(home.for_names for home in table.homes[family]) or any(home.open for home in table.homes[family]):
                continue  # rows as a workspace gives them are known as far as their form is
            known = {c.split(".")[0].split("[")[0] for c in table.columns(family)} | {"TimeGenerated", "Timestamp", "Type"}
            uses = {c: n for c, n in facts["columns"].items() if "`" not in c}
            share = sum(n for c, n in uses.items() if c in known) / max(1, sum(uses.values()))
            if share < 0.95:
                short[name, family] = round(100 * share)
    assert counted >= 60
    # Raw columns of AzureDiagnostics and LAQueryLogs, and names of parsers, of which no published record shows where they are.
    assert set(short) <= {(name, "elastic") for name in ("AzureDiagnostics", "LAQueryLogs", "BoxEvents", "ZoomLogs")}


def test_each_home_can_be_chosen() -> None:
    """A home behind another that takes the same rules would never be read: it is one to ask for."""
    unreachable = []
    for name in catalog.table_names():
        table = catalog.table(name)
        assert table is not None
        for family, listed in table.homes.items():
            asked: list[object] = []
            for home in (h for h in listed if not h.optional):
                when = {column: sorted(map(str, values)) for column, values in home.when.items()}
                if when in asked or (not when and {} in asked):
                    unreachable.append((name, family, home.name))
                asked.append(when)
    assert unreachable == []


def test_columns_have_no_marks_of_footnotes() -> None:
    """Those of pysigma-backend-kusto, which ``translator.bind`` shows, have some; no KQL names a column so."""
    names = {name for columns in catalog.schemas().values() for name in columns}
    assert not [name for name in names if "`" in name or name != name.strip()]
    assert "LatestDeliveryAction" in catalog.schemas()["EmailEvents"]
