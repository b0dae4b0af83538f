"""``kql2sigma tables``: the catalog, by table and product."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from translator import catalog
from translator.catalog import Absent, ByValue, Computed, Counterpart, Stored
from translator.commands.common import console_of_tables
from translator.kql.errors import suggestion
from translator.plan.normalized import parser_of

KINDS = {Stored: "stored", Computed: "computed", Absent: "absent", ByValue: "by value"}

NAMES = {"splunk": "Splunk", "elastic": "Elastic", "sigma": "Sigma"}


def print_tables(names: tuple[str, ...], form: str) -> int:
    """Prints the catalog, or the whole of the tables of these names. The exit status: 1 where one is unknown."""
    known = [t for n in names or catalog.table_names() if (t := catalog.table(_normalized(n))) is not None]
    if form == "json":
        sys.stdout.write(json.dumps([facts(t, bool(names)) for t in known], indent=2, ensure_ascii=False) + "\n")
    elif form == "markdown":
        sys.stdout.write(tables_page())
    elif names:
        for table in known:
            _print_table(table)
    else:
        listed = Table(*(Column(name, overflow="fold") for name in ("table", *NAMES.values())), highlight=False)
        for table in known:
            listed.add_row(table.name, *(escape(_brief(table, family)) for family in NAMES))
        console_of_tables().print(listed)
    missing = [n for n in names if catalog.table(_normalized(n)) is None]
    for name in missing:
        close = suggestion(name, catalog.table_names())
        Console(emoji=False, stderr=True, highlight=False).print(f"{name} is not in the catalog{close}", markup=False)
    return 1 if missing else 0


def _normalized(name: str) -> str:
    """A table's name for that of a parser, which gives a normalized table."""
    parser = parser_of(name)
    return parser.table if parser is not None and catalog.table(name) is None else name


def _brief(table: catalog.Table, family: str) -> str:
    homes = table.homes.get(family, ())
    if not homes:
        return "no home"
    columns = table.columns(family).values()
    stored = sum(not isinstance(c, Absent) for c in columns)
    more = f", {len(homes) - 1} more" if len(homes) > 1 else ""
    return f"{homes[0]}{more}; {stored} columns, {len(columns) - stored} absent"


def described(counterpart: Counterpart) -> str:
    """What a product has for a column, in words."""
    match counterpart:
        case Stored():
            notes = [counterpart.type] if counterpart.type else []
            notes += ["other values"] * bool(counterpart.values) + [f"in {counterpart.case} case"] * bool(counterpart.case)
            notes += [f"only shown: {counterpart.differs}"] * bool(counterpart.differs)
            return counterpart.name + (f" ({'; '.join(notes)})" if notes else "")
        case Computed(file_of=path) if path:
            return f"the file name of {path}"
        case Computed():
            return counterpart.expression + (f" (deviates: {counterpart.deviates})" if counterpart.deviates else "")
        case Absent():
            return f"absent: {counterpart.why}"
        case ByValue():
            return f"by {counterpart.column}: " + " | ".join(described(c) for c in (*(c for _, c in counterpart.of), counterpart.otherwise))


def _print_table(table: catalog.Table) -> None:
    console = console_of_tables()
    console.print(f"[bold]{table.name}[/bold] {escape(table.source)}")
    for family, product in NAMES.items():
        for home in table.homes.get(family, ()):
            console.print(f"\n{product}, {home.name}: {escape(str(home))}")
            console.print(escape(f"  {home.brings}; {home.source}"), style="dim")
            needs = f"needs {home.setting}" if home.setting else ""
            others = "any other column is a field of the same name" if home.open else ""
            for what in (
                home.select,
                home.lacks,
                needs,
                others,
                *(f"where {c} is one of {', '.join(map(str, v))}" for c, v in home.when.items()),
            ):
                if what:
                    console.print(escape(f"  {what}"), style="dim")
            listed = Table(Column(overflow="fold"), Column(overflow="fold"), box=None, show_header=False)
            for column, counterpart in sorted(home.columns.items()):
                listed.add_row(column, escape(described(counterpart)))
            console.print(listed)


def facts(table: catalog.Table, columns: bool) -> dict[str, Any]:
    """A table of the catalog as data; ``columns`` with all that is known of its columns."""
    homes: dict[str, list[dict[str, Any]]] = {}
    for family in NAMES:
        for home in table.homes.get(family, ()):
            entry: dict[str, Any] = {
                "home": home.name,
                "brings": home.brings,
                "source": home.source,
                "place": {k: list(v) if len(v) > 1 else v[0] for k, v in home.places.items()},
            }
            if home.when:
                entry["when"] = {c: list(v) for c, v in home.when.items()}
            entry |= {k: v for k, v in (("select", home.select), ("lacks", home.lacks), ("optional", home.optional)) if v}
            entry |= {k: v for k, v in (("setting", home.setting), ("open", home.open)) if v}
            if columns:
                entry["columns"] = {c: {"kind": KINDS[type(x)], "is": described(x)} for c, x in sorted(home.columns.items())}
            homes.setdefault(family, []).append(entry)
    return {"table": table.name, "source": table.source, "homes": homes}


def tables_page() -> str:
    """docs/tables.md, generated from the catalog."""
    out = [
        "# Tables",
        "",
        "Generated from the catalog by `kql2sigma tables --format markdown`; `kql2sigma tables TABLE` shows the columns of one.",
        "A table has several homes where it is delivered in several ways: the first is taken unless the rule asks for what",
        "another holds, or `--home NAME` names it, `--home TABLE:NAME` that of one table.",
        "Every other table of Azure Monitor has the homes `log_analytics` and `data_export` too.",
        "",
        "| table | product | home | where | brought by | stored, computed, absent |",
        "|---|---|---|---|---|---|",
    ]
    for name in catalog.table_names():
        table = catalog.table(name)
        assert table is not None
        for family, product in NAMES.items():
            for home in table.homes.get(family, ()):
                kinds = [sum(isinstance(c, k) for c in home.columns.values()) for k in ((Stored, ByValue), (Computed,), (Absent,))]
                cells = (name, product, home.name, f"`{home!s}`", home.brings, "{}, {}, {}".format(*kinds))
                out.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join([*out, ""])
