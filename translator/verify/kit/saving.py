"""A rule's folder of a kit, made from its trial."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

import translator
from translator import catalog
from translator.catalog.site_files import FAMILY_OF
from translator.engine import EngineError
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.pack import slug
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.plan.types import Type, type_of
from translator.rulepack.model import Rule
from translator.verify.comparing import ROW
from translator.verify.kit import manifests, texts
from translator.verify.proof import Trial
from translator.verify.reading import Row
from translator.verify.stage import Tried, unmarked
from translator.verify.witness.feeding import schema_of
from translator.verify.witness.model import Event
from translator.verify.witness.states import TIMES

FILES = {"splunk": "fields.ndjson", "sigma": "events.ndjson"}
"""The files with the events of all worlds as searches see them, by family of products."""

DATASETS = "datasets.yml"
"""The list of Splunk's raw files."""

UNKNOWN = "?"
"""What the plan calls the source of rows that are in no table: watchlists, external data."""


def bulk_file(product: str, world: int) -> str:
    """The file with the documents of a world."""
    return f"{product}/{world:03}.ndjson"


def csv_file(table: str) -> str:
    """The file with the rows of a table."""
    return f"kql/{table if re.fullmatch(r'[A-Za-z0-9_-]+', table) else slug(table)}.csv"


def files_of(trial: Trial | None, rule: Rule, targets: Sequence[str], facts: Mapping[str, Any], refused: str = "") -> dict[str, str]:
    """The files of a rule's folder by their paths: the events of each world for each product, and what must be done on them.

    Args:
        trial: None where there is none.
        facts: what else the manifest is to say.
        refused: why there is no trial.

    Raises:
        EngineError: where events cannot be written.
    """
    own = manifests.rule_data(replace(rule, source=Path(rule.source).name))
    told = {"version": translator.__version__, "rule": own, "targets": list(targets), **facts}
    if trial is None:
        refusals = {FAMILY_OF[t]: {"targets": [u for u in targets if FAMILY_OF[u] == FAMILY_OF[t]], "refused": refused} for t in targets}
        return _with_manifest({**told, "worlds": [], "products": refusals}, {})
    return _Saving(trial).files(targets, told)


def _with_manifest(data: Mapping[str, Any], files: dict[str, str]) -> dict[str, str]:
    try:
        return {**files, manifests.MANIFEST: manifests.manifest_of(data, files)}
    except UnicodeEncodeError as error:
        raise EngineError("the events cannot be saved: a text in them is no Unicode") from error


class _Dumper(yaml.SafeDumper):
    """Writes what has no parts in one line."""


def _sequence(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=not any(isinstance(v, dict) for v in value))


_Dumper.add_representer(list, _sequence)


class _Saving:
    """The worlds of a trial on their way into files."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.numbers: dict[tuple[str, bool, str], list[int]] = {}
        self.worlds: list[dict[str, Any]] = []
        self.rows: list[Mapping[str, Sequence[Row]]] = []
        self.statements: list[str] = []
        self.columns: dict[str, dict[str, str]] = {}
        self.read_past: list[str] | None = None

    def products(self, targets: Sequence[str]) -> dict[str, tuple[str, list[str], Any]]:
        """What products there are, each with its family, its targets and what their outputs presume of it."""
        found: dict[str, tuple[str, list[str], Any]] = {}
        for target in targets:
            family, presumed = FAMILY_OF[target], self.trial.presumed(self.trial.conversion.outputs[target])
            same = next((held for of, held, other in found.values() if (of, other) == (family, presumed)), None)
            if same is not None:
                same.append(target)
            else:
                found[family if family not in found else f"{family}-{target}"] = family, [target], presumed
        return found

    def files(self, targets: Sequence[str], told: Mapping[str, Any]) -> dict[str, str]:
        trial, files = self.trial, dict[str, str]()
        products: dict[str, dict[str, Any]] = {}
        found = {}
        for product, (family, of, presumed) in self.products(targets).items():
            products[product] = {"targets": of}
            try:
                found[product] = trial.on(family, *presumed)
            except EngineError as error:
                products[product] |= {"refused": error.message}
        self.columns = self.typed([_unmarked(tried.rows) for worlds, _ in found.values() for tried in worlds])
        for product, (worlds, shape) in found.items():
            numbered = [(n, t.alerts, [*map(unmarked, t.events)]) for n, t in zip(self.numbered(worlds), worlds, strict=True)]
            products[product] |= {
                "worlds": [number for number, _, _ in numbered],
                "rows": [_places(t) for t in worlds],
                "missing": [[u.table, u.column, u.why] for u in shape.unshaped if u.row is None],
                "types": dict(shape.types), "lists": {name: [dict(r) for r in rows] for name, rows in shape.lists.items()},
            }  # fmt: skip
            files |= self.events(product, shape.family, numbered)
        for table, columns in self.columns.items():
            rows = [(n, row) for n, world in enumerate(self.rows, 1) for row in world.get(table, ())]
            if csv_file(table) in files:
                raise EngineError(f"the events cannot be saved: the table {table!r} has a file that is another's")
            files[csv_file(table)] = texts.csv_of(rows, columns)
        conditions = [] if not found else [{"span": a.span, "text": a.text, "true": a.true, "false": a.false} for a in trial.coverage.atoms]
        data = {
            **told, "real": trial.real, "worlds": self.worlds, "products": products, "conditions": conditions,
            "unreached": [u.why for u in trial.unreached], "columns": self.columns,
        }  # fmt: skip
        for world, statements in zip(self.worlds, self.statements, strict=True):
            files[f"kql/{world['world']:03}.kql"] = self.query(world, statements)
        return _with_manifest(data, files)

    def numbered(self, worlds: Sequence[Tried]) -> list[int]:
        """The numbers of the worlds of a product: one and the same where products have the same rows, one for each within a product."""
        found = list[int]()
        for world in worlds:
            rows = _unmarked(world.rows)
            statements = "".join(texts.datatable(table, rows.get(table, ()), columns) for table, columns in self.columns.items())
            known = self.numbers.setdefault((world.about, world.alerts, statements), [])
            number = next((n for n in known if n not in found), 0)
            if not number:
                number = len(self.worlds) + 1
                known.append(number)
                self.worlds.append({"world": number, "about": world.about, "alerts": world.alerts})
                self.rows.append(rows)
                self.statements.append(statements)
            found.append(number)
        return found

    def query(self, world: Mapping[str, Any], statements: str) -> str:
        """The query over the rows of a world, as a text that stands alone."""
        trigger = self.trial.trigger
        alert = f"{trigger.operator} {trigger.count} rows" if trigger is not None else "a row"
        head = [
            f"world {world['world']}: {' '.join(world['about'].split())}",
            f"there {'is an alert' if world['alerts'] else 'is no alert'} here; an alert is {alert}",
            *(f"the query reads {told} past these rows" for told in self.past(statements)),
            f"now() is {self.trial.now.isoformat()}Z: --now of kql2sigma run, the request property query_now of Kusto",
        ]
        return "".join(f"// {text}\n" for text in head) + statements + self.trial.kql.rstrip("\n") + "\n"

    def past(self, statements: str) -> list[str]:
        """The tables that the query does not read by their names, for which no statement stands."""
        if self.read_past is None:
            try:
                root = bind(parse(f"{statements}{self.trial.kql}"), catalog.schemas()).root
                found = {source.table for source in o.parts(root) if isinstance(source, o.Source)}
            except (KqlSyntaxError, BindError):
                found = {*self.columns}
            self.read_past = [{UNKNOWN: "what is kept outside of the logs"}.get(table, table) for table in sorted(found)]
        return self.read_past

    def typed(self, worlds: Sequence[Mapping[str, Sequence[Row]]]) -> dict[str, dict[str, str]]:
        """The columns of each table that the query reads or names, with the names of their types."""
        trial = self.trial
        schema = schema_of(trial.plan, [Event(t, row, 0) for world in worlds for t, rows in world.items() for row in rows])
        words = set(re.findall(r"\w+", trial.kql))
        found = {}
        for table, read in trial.columns.items():
            if table == UNKNOWN and not any(table in world for world in worlds):
                continue
            known = {**catalog.schemas().get(table, {}), **trial.tables.get(table, {}), **schema.get(table, {})}
            filled = {c for world in worlds for row in world.get(table, ()) for c in row}
            wanted = {*read, *filled, *(c for c in known if c in words or c in TIMES)}
            kinds = {c: known.get(c, "string") for c in sorted(wanted, key=lambda c: (c not in TIMES, c)) if not c.startswith("$")}
            found[table] = {c: "dynamic" if type_of(k) == Type.UNKNOWN else k for c, k in kinds.items()}
        return found

    def events(self, product: str, family: str, worlds: Sequence[tuple[int, bool, Sequence[Row]]]) -> dict[str, str]:
        """The files with the events of a product."""
        match family:
            case "elastic":
                return {bulk_file(product, number): texts.bulk(events) for number, _, events in worlds}
            case "splunk":
                raws = [raw for number, alerts, events in worlds for raw in texts.raw_files(number, alerts, events)]
                unknown = sorted({str(e.get("sourcetype")) for _, _, events in worlds for e in events if texts.raw_of(e) is None})
                datasets = {"datasets": [facts for _, _, facts in raws], **({"without_raw_text": unknown} if unknown else {})}
                return {
                    f"{product}/{FILES[family]}": _by_world(worlds),
                    f"{product}/{DATASETS}": yaml.dump(datasets, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140),
                    **{f"{product}/{name}": text for name, text, _ in raws},
                }
        return {f"{product}/{FILES[family]}": _by_world(worlds)}


def _unmarked(rows: Mapping[str, Sequence[Row]]) -> dict[str, tuple[Row, ...]]:
    return {table: tuple(map(unmarked, held)) for table, held in rows.items()}


def row_name(table: str, place: int) -> str:
    """What the manifest calls a row of a world."""
    return f"{table} {place + 1}"


def _places(tried: Tried) -> list[str | None]:
    """The row that each event of a world stands for."""
    named = {row[ROW]: row_name(table, place) for table, rows in tried.rows.items() for place, row in enumerate(rows) if ROW in row}
    return [named.get(event.get(ROW)) for event in tried.events]


def _by_world(worlds: Sequence[tuple[int, bool, Sequence[Row]]]) -> str:
    return "".join(f"{texts.line({texts.WORLD: number, 'event': event})}\n" for number, _, events in worlds for event in events)
