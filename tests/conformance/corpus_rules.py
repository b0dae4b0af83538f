"""Real rules whose Sigma claims to be exact, run on events of their own literals: the KQL here, the Sigma by pysigma-backend-sqlite.

Their SPL, ES|QL and EQL are run as well, by this folder's readers, where they claim the same.

Only rules that filter events are compared; a rule that an engine refuses is counted, not passed. Exit status 1 where both ran and differ.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import ipaddress
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.conformance.judging import judged
from tests.conformance.query_filters import RUNS
from translator import catalog
from translator.detection.model import Detection
from translator.engine.data import Tables
from translator.engine.dialects import DUCKDB
from translator.engine.duckdb_engine import DuckDbEngine
from translator.engine.errors import EngineError
from translator.engine.relations import compile_plan
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.pipeline import convert
from translator.plan.binder import Binder
from translator.plan.binder.problems import BindError
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Items, walk
from translator.plan.expressions import Path as Place
from translator.plan.operators import Aggregate, Distinct, Join, Plan, Project, Relation, Source, Union
from translator.plan.types import Type
from translator.rulepack import Rule, rules_at
from translator.targets.base import Options
from translator.verify.reading import NotReadable

NOW = dt.datetime(2026, 5, 1, 12, 0)
_NUMBERS = (Type.INT, Type.LONG, Type.REAL)


def literals(predicate: Expr) -> dict[str, tuple[Type, list[Any]]]:
    """The literals that each stored column, or place in one (with dots), is compared with."""
    found: dict[str, tuple[Type, list[Any]]] = {}
    for node in walk(predicate):
        if isinstance(node, ColumnRef | Place) and (name := field_name(node)) is not None:
            found.setdefault(name, (node.type, []))
        if isinstance(node, Apply) and node.args and (name := field_name(node.args[0])) is not None:
            for operand in node.args[1:]:
                values = operand.items if isinstance(operand, Items) else (operand,)
                known = found.setdefault(name, (node.args[0].type, []))
                known[1].extend(_within(v.value) for v in values if isinstance(v, Const) and v.value is not None)
    return found


def field_name(expr: Expr) -> str | None:
    """The name of a stored column, or of a place by names in a dynamic one; None for anything else."""
    match expr:
        case ColumnRef(column=column):
            return column.name
        case Place(base=ColumnRef(column=Column(type=Type.DYNAMIC, name=name)), steps=steps) if all(
            isinstance(s, str) and "." not in s for s in steps
        ):
            return ".".join([name, *map(str, steps)])
    return None


def _within(value: Any) -> Any:
    """An address of a network, and any other value as it is: fields hold addresses."""
    try:
        return str(ipaddress.ip_network(value, strict=False).network_address) if isinstance(value, str) and "/" in value else value
    except ValueError:
        return value


def events_for(selectors: list[Expr], pick: random.Random, count: int, cased: bool) -> tuple[list[dict[str, Any]], dict[str, Type]]:
    columns: dict[str, tuple[Type, list[Any]]] = {}
    for predicate in selectors:
        for name, (kind, values) in literals(predicate).items():
            columns.setdefault(name, (kind, []))[1].extend(values)
    for name in [n for n in columns if any(other.startswith(f"{n}.") for other in columns)]:
        del columns[name]  # the column or object that other fields are in
    for name, (kind, values) in list(columns.items()):
        if kind == Type.UNKNOWN or "." in name:
            numeric, truth = (bool(values) and all(isinstance(v, t) for v in values) for t in (int | float, bool))
            columns[name] = (Type.BOOL if truth else Type.LONG if numeric else Type.STRING, values)
    columns.pop("TimeGenerated", None)
    columns.pop("Timestamp", None)
    events = []
    for number in range(count):
        event: dict[str, Any] = {"id": number, "TimeGenerated": "2026-05-01T11:59:00Z", "Timestamp": "2026-05-01T11:59:00Z"}
        for name, (kind, values) in columns.items():
            *outer, last = name.split(".") if kind != Type.DYNAMIC else [name]
            place = event
            for step in outer:
                place = place.setdefault(step, {})
            place[last] = _value(kind, values, pick, cased)
        events.append(event)
    return events, {name: kind for name, (kind, _) in columns.items()}


def _value(kind: Type, values: list[Any], pick: random.Random, cased: bool) -> Any:
    if kind in _NUMBERS:
        numbers = [v for v in values if isinstance(v, int | float)]
        base = pick.choice(numbers) if numbers else 1
        return pick.choice([base, base, base + 1, base - 1, None])
    if kind == Type.BOOL:
        return pick.choice([True, False, None])
    text = str(pick.choice(values)) if values else "word"
    folded = [text.upper(), text.lower()] if cased else []
    return pick.choice([text] * 6 + [*folded, f"x{text}", f"{text}y", f"a {text} b", f"-{text}-", "other", "", None])


def cases(
    rules: Path, pick: random.Random, reasons: collections.Counter[str], cased: bool = True, nested: bool = False
) -> Iterator[dict[str, Any]]:
    """Rules of ``rules`` that claim to select the same events, with events and the ``id`` of those that the KQL selects.

    Args:
        reasons: counts why others are not comparable.
        cased: whether values that differ in case alone are among the events.
        nested: whether rules are among them that read places within dynamic columns.
    """
    for found in (item for item in rules_at(rules) if isinstance(item, Rule)):
        rule = replace(found, trigger_operator="", trigger_threshold=None)  # events are compared, not how many there are
        try:
            conversion = convert(rule, ("sigma", *RUNS), Options(fields="source"))
        except (KqlSyntaxError, BindError):
            continue
        detection, output = conversion.detection, conversion.outputs["sigma"]
        if not isinstance(detection, Detection) or detection.kind != "event" or output.verdict.value not in ("exact", "same-alerts"):
            continue
        if {"first-seen-list", "list-placeholder", "indicator-list"} & {d.code for d in output.diagnostics}:
            reasons["a list that is kept elsewhere"] += 1
            continue
        tables = {s.table for s in detection.selectors}
        if len(tables) != 1 or detection.others:
            reasons["several tables"] += 1
            continue
        (table,) = tables
        events, kinds = events_for([s.predicate for s in detection.selectors], pick, 60, cased)
        objects = {n.split(".")[0] for n in kinds if "." in n}
        if not kinds or any(k not in (Type.STRING, Type.BOOL, *_NUMBERS) for k in kinds.values()) or (objects and not nested):
            reasons["dynamic values, or no condition"] += 1
            continue
        schema = {
            table: {
                **catalog.schemas().get(table, {}),
                **{n: str(k) for n, k in kinds.items() if "." not in n},
                **dict.fromkeys(objects, "dynamic"),
                "TimeGenerated": "datetime",
                "id": "long",
            }
        }
        data = Tables({table: events}, schema)
        binder = Binder(schema)
        try:
            plan = binder.query(parse(rule.query))
            known = [c for (_, name), c in binder.stored.items() if name == "id"]
            told = Plan(keeping(plan.root, known[0]), (("id", known[0]),), False)
            rows = DuckDbEngine(data).execute(compile_plan(told, DUCKDB, NOW, data.columns))
        except (EngineError, BindError, IndexError) as error:
            reasons[str(error)[:60]] += 1
            continue
        columns = {} if objects else {n: "text" if k == Type.STRING else "integer" for n, k in kinds.items()}
        ids = sorted({row[0] for row in rows if row[0] is not None})
        claiming = [t for t in RUNS if conversion.outputs[t].verdict.value in ("exact", "same-alerts")]
        queries = {target: conversion.outputs[target].texts for target in claiming}
        named = {"name": Path(found.source).name, "sigma": output.text, "queries": queries, "table": table}
        yield {**named, "rows": ids, "events": events, "columns": columns}


def keeping(relation: Relation, column: Column) -> Relation:
    """``relation`` with ``column`` kept to its end: projected, and grouped by where nothing is asked of the groups."""
    match relation:
        case Project(items=items):
            relation = replace(relation, items=(*items, (column, ColumnRef((0, 0), column.type, column))))
        case Aggregate(keys=keys):
            relation = replace(relation, keys=(*keys, (column, ColumnRef((0, 0), column.type, column))))
        case Distinct(columns=columns):
            relation = replace(relation, columns=(*columns, column))
        case Source() | Join() | Union():
            return relation
    return replace(relation, input=keeping(relation.input, column)) if hasattr(relation, "input") else relation


def queries_wrong(run: list[dict[str, Any]]) -> tuple[collections.Counter[str], list[dict[str, Any]]]:
    """How many of the cases were run in each query language, or refused, and those that find other events than the KQL there."""
    counts: collections.Counter[str] = collections.Counter()
    wrong = []
    for case in run:
        logged = [{"sourcetype": case["table"], "event": {"dataset": case["table"]}, "_time": 0, **e} for e in case["events"]]
        for target, queries in case["queries"].items():
            try:
                rows = [[row for query in queries for row in run(query, logged)] for run in RUNS[target]]
            except (TypeError, NotReadable):
                counts[f"{target} refused"] += 1
                continue
            if any("id" not in row for found in rows for row in found):
                counts[f"{target} without events"] += 1  # rows of groups, or of the columns that the query asks for
                continue
            found = [sorted({row["id"] for row in by_reader}) for by_reader in rows]
            counts[target] += 1
            if any(f != case["rows"] for f in found):
                wrong.append({"name": case["name"], "target": target, "query": queries, "rows": case["rows"], "got": found})
    return counts, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True, help="the Python that has pysigma-backend-sqlite")
    parser.add_argument("--rules", type=Path, required=True, help="a folder of rules")
    options = parser.parse_args()
    reasons: collections.Counter[str] = collections.Counter()
    run = list(cases(options.rules, random.Random(7), reasons, nested=True))
    wrong, refused = judged(options.judge, {"cases": [c for c in run if c["columns"]]})
    for finding in wrong[:8]:
        print(json.dumps(finding, indent=1)[:2500])
    counts, missed = queries_wrong(run)
    for finding in missed[:8]:
        print(json.dumps(finding, indent=1)[:2500])
    for reason, number in reasons.most_common(12):
        print(f"  not comparable: {number} {reason}")
    hits = sum(1 for c in run if c["rows"])
    print(f"run by the readers: {dict(counts)}, {len(missed)} wrong")
    print(
        f"{len(run)} rules run, {hits} with events found, {len(wrong)} wrong, {len(refused)} refused by SQLite, "
        f"{reasons.total()} not comparable"
    )
    return 1 if wrong or missed or not run else 0


if __name__ == "__main__":
    sys.exit(main())
