"""Real rules that are ready in a product: the KQL runs on random rows, what is written for the product on the events that it has of these.

The rows hold constants of the rule; ``translator.verify.shaping`` puts them where the catalog says. Compared are the events that are found,
or where a text groups them, the entities; where a rule names none, whether there are alerts. Exit status 1 where an answer differs.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import ipaddress
import json
import random
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lark

from tests.conformance.corpus_rules import keeping
from translator import catalog
from translator.catalog import ByValue, Computed, Stored
from translator.detection.model import Detection, Selector
from translator.detection.windows import TIME_COLUMNS
from translator.engine import execute
from translator.engine.constant_folding import fold_constants
from translator.engine.data import Tables
from translator.engine.dialects import DUCKDB
from translator.engine.duckdb_engine import DuckDbEngine
from translator.engine.errors import EngineError
from translator.engine.relations import compile_plan
from translator.kql.errors import KqlSyntaxError
from translator.kql.parser import parse
from translator.pipeline import Conversion, convert
from translator.plan import operators as o
from translator.plan.binder import Binder
from translator.plan.binder.problems import BindError
from translator.plan.expressions import ELEMENT, Apply, Column, ColumnRef, Const, Expr, Items, conjuncts, walk
from translator.plan.expressions import Path as Place
from translator.plan.simplify import simplify
from translator.plan.types import Type
from translator.regex import syntax
from translator.regex.parser import parsed
from translator.rulepack import rules_at
from translator.rulepack.model import Rule
from translator.targets.base import Output, Readiness
from translator.targets.homes import selected
from translator.verify import esql, spl
from translator.verify.eql import run as run_eql
from translator.verify.shaping import Shaped, shaped

NOW = dt.datetime(2026, 5, 1, 12, 0)
AT = NOW.replace(tzinfo=dt.UTC).timestamp()
FAMILY = {"splunk": "splunk", "esql": "elastic", "eql": "elastic"}
NUMBERS = (Type.INT, Type.LONG, Type.REAL)

TEMPLATE = re.compile(r"\{\{(Start|End)TimeISO\}\}")
"""What a hunting query has where the portal writes the ends of the time that it looks at."""

Row = dict[str, Any]


# --- rows


class Rows:
    """Random rows of the tables of a rule: some that satisfy a selector, some that just do not."""

    def __init__(self, pick: random.Random, schema: Mapping[str, Mapping[str, str]]) -> None:
        self.pick, self.schema = pick, schema
        self.number = 0

    def of(self, conditions: list[tuple[str, Expr]], columns: Mapping[str, frozenset[str]], count: int) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {table: [] for table in columns}
        keys = {t: {c: self.value(t, c) for c in sorted(of) if not _computed(t, c)} for t, of in columns.items()}
        for table, condition in conditions:
            if table not in found:
                continue
            for _ in range(count):
                row: Row = {}
                self.satisfy(condition, True, row)
                row = {**{c: v for c, v in keys[table].items() if self.pick.random() < 0.8}, **row}
                if self.pick.random() < 0.4 and columns[table]:
                    self.disturb(table, row, sorted(columns[table]))
                found[table].append(self.finished(table, row))
        return found

    def finished(self, table: str, row: Row) -> Row:
        known = catalog.table(table)
        for kind in known.kinds if known is not None else ():
            if any(c in row for c in kind.only) and row.get(kind.column) not in kind.values:
                if self.pick.random() < 0.5:
                    row[kind.column] = min(kind.values, key=str)
                row = row if row.get(kind.column) in kind.values else {c: v for c, v in row.items() if c not in kind.only}
        if known is not None:
            pins = {c: {v} for c, v in row.items() if isinstance(v, str | int)}
            for column in sorted(known.filled | {c for k in known.kinds for c in k.filled}):
                if catalog.is_filled(table, column, pins) and row.get(column) in (None, ""):
                    row[column] = self.value(table, column)
        self.number += 1
        moment = NOW - dt.timedelta(seconds=self.pick.randint(1, 240), milliseconds=self.number % 1000)
        names = {"TimeGenerated"} | (TIME_COLUMNS & self.schema.get(table, {}).keys())
        return {**row, **dict.fromkeys(sorted(names), moment), "id": self.number}

    def value(self, table: str, column: str) -> Any:
        """A value that a column may have, by what the catalog says of it."""
        kind = self.schema.get(table, {}).get(column, "string")
        stored = [x for family in ("splunk", "elastic") for x in _stored(table, column, family)]
        if known := [v for x in stored for v in (*x.values, *_selecting(table, x.name))]:
            return self.pick.choice(known)
        types = {x.type for x in stored}
        if catalog.is_address(table, column) or "ip" in types:
            return self.pick.choice(["203.0.113.7", "198.51.100.2"])
        if kind in ("int", "long", "real") or types & {"long", "integer", "double", "float", "number"}:
            number = self.pick.randint(1, 3)
            return number if kind != "string" else str(number)
        if kind == "bool" or "boolean" in types:
            return self.pick.random() < 0.5 if kind == "bool" else self.pick.choice(["true", "false"])
        if kind == "datetime" or types & {"date", "time"}:
            moment = NOW - dt.timedelta(minutes=5)
            return moment if kind == "datetime" else f"{moment.isoformat()}Z"
        return None if kind == "dynamic" else self.pick.choice(["one", "two"])

    def disturb(self, table: str, row: Row, columns: list[str]) -> None:
        column = self.pick.choice(columns)
        given = row.get(column)
        match self.pick.randint(0, 3):
            case 0:
                row.pop(column, None)
            case 1 if isinstance(given, str):
                row[column] = given.upper() if self.pick.random() < 0.5 else given.lower()
            case 2 if isinstance(given, str):
                row[column] = self.pick.choice([f"x{given}", f"{given}y", f"a {given} b"])
            case _:
                row[column] = self.value(table, column)

    def satisfy(self, condition: Expr, holds: bool, row: Row) -> None:
        match condition:
            case Apply(function="not", args=(inner,)):
                self.satisfy(inner, not holds, row)
            case Apply(function="and" | "or" as function, args=args):
                for arg in args if (function == "and") == holds else [self.pick.choice(args)]:
                    self.satisfy(arg, holds, row)
            case Apply(function=function, args=(subject, *operands)):
                operand = operands[0] if operands else None
                items = operand.items if isinstance(operand, Items) else (operand,)
                values = [i.value for i in items if isinstance(i, Const)]
                if function in ("isempty", "isnull"):
                    put(row, subject, None if holds else self.some(subject))
                elif values and holds and (value := self.wanted(function, self.pick.choice(values), subject, values)) is not None:
                    put(row, subject, value)
                elif not holds and self.pick.random() < 0.3:
                    put(row, subject, None)

    def some(self, subject: Expr) -> Any:
        """A value for a column that is to have one; one for each half of what is joined of two."""
        if not isinstance(subject, ColumnRef):
            return "some"
        column = subject.column
        return "some\\one" if _computed(column.table or "", column.name) else self.value(column.table or "", column.name)

    def wanted(self, function: str, value: Any, subject: Expr, values: list[Any]) -> Any:
        match function.removesuffix("~").removesuffix("_cs"):
            case "==" | "in" | "=":
                folded = [value.upper(), value.lower()] if "~" in function and isinstance(value, str) else []
                return self.pick.choice([value, value, *folded])
            case "contains" | "has" | "has_any":
                return self.pick.choice([value, f"a {value} b", value])
            case "has_all":
                return " ".join(map(str, values))
            case "startswith" | "hasprefix":
                return f"{value}x" if self.pick.random() < 0.5 else value
            case "endswith" | "hassuffix":
                return f"x{value}" if self.pick.random() < 0.5 else value
            case "matches regex":
                return sample(tree, self.pick) if isinstance(value, str) and (tree := parsed(value)) is not None else None
            case "<" | "<=" if isinstance(value, int | float):
                return value - (1 if function == "<" else 0)
            case ">" | ">=" if isinstance(value, int | float):
                return value + (1 if function == ">" else 0)
            case "ipv4_is_in_range" | "ipv4_is_in_any_range" if isinstance(value, str):
                return str(ipaddress.ip_network(value, strict=False).network_address)
        return None


def _stored(table: str, column: str, family: str) -> list[Stored]:
    known = catalog.table(table)
    found: list[Stored] = []
    waiting = [home.columns[column] for home in (known.homes[family] if known else ()) if column in home.columns and not home.optional]
    while waiting:
        counterpart = waiting.pop()
        if isinstance(counterpart, ByValue):
            waiting += [*(c for _, c in counterpart.of), counterpart.otherwise]
        elif isinstance(counterpart, Stored):
            found.append(counterpart)
    return found


def _computed(table: str, column: str) -> bool:
    """Whether some product computes a column, so that other columns say what it has."""
    known = catalog.table(table)
    homes = [h for family in ("splunk", "elastic") for h in (known.homes[family] if known else ()) if not h.optional]
    return any(isinstance(h.columns.get(column), Computed | ByValue) and not _stored(table, column, "splunk") for h in homes)


def _selecting(table: str, name: str) -> list[str]:
    """The values that select the events of a table, of a field."""
    known = catalog.table(table)
    found = []
    for home in (h for family in ("splunk", "elastic") for h in (known.homes[family] if known else ())):
        found += [v for key, v in home.place.items() if key == name]
        for part in conjuncts(selected(home.select)) if home.select else ():
            match part:
                case Apply(function="==" | "in" | "contains", args=(ColumnRef(column=column), operand)) if column.name == name:
                    items = operand.items if isinstance(operand, Items) else (operand,)
                    found += [f"/x{i.value}x" if part.function == "contains" else i.value for i in items if isinstance(i, Const)]
    return found


def put(row: Row, subject: Expr, value: Any) -> None:
    """Gives a place in a row a value, where it is known which place that is."""
    match subject:
        case ColumnRef(column=column):
            row[column.name] = value
        case Place(base=ColumnRef(column=column), steps=steps):
            held = row.get(column.name)
            row[column.name] = within(held if isinstance(held, dict | list) else None, steps, value)
        case Place(base=Apply(function="parse_json", args=(ColumnRef(column=column),)), steps=steps):
            held = row.get(column.name)
            known = json.loads(held) if isinstance(held, str) and held[:1] in ("{", "[") else None
            row[column.name] = json.dumps(within(known, steps, value))
        case Place(base=Apply(function="split", args=(inner, Const(value=str(mark)))), steps=(int(index),)) if index >= 0:
            put(row, inner, mark.join(["x"] * index + [str(value or "")]))
        case Apply(function="tostring" | "tolower" | "toupper" | "tolong" | "toint" | "trim" | "parse_json", args=(*_, inner)):
            put(row, inner, value)


def within(held: Any, steps: tuple[str | int, ...], value: Any) -> Any:
    if not steps:
        return value
    step, *rest = steps
    if step == ELEMENT or isinstance(step, int):
        place = 0 if isinstance(step, str) else max(step, 0)
        members = list(held) if isinstance(held, list) else []
        members += [{} if rest else None] * (place + 1 - len(members))
        members[place] = within(members[place], tuple(rest), value)
        return members
    known = dict(held) if isinstance(held, dict) else {}
    known[step] = within(known.get(step), tuple(rest), value)
    return known


def sample(node: syntax.Node, pick: random.Random) -> str:
    """A text that a regular expression may match."""
    match node:
        case syntax.Literal(character=character):
            return character
        case syntax.Concat(parts=inner):
            return "".join(sample(p, pick) for p in inner)
        case syntax.Alternation(options=options):
            return sample(pick.choice(options), pick)
        case syntax.Group(node=inner_):
            return sample(inner_, pick)
        case syntax.Repeat(node=inner_, least=least):
            return "".join(sample(inner_, pick) for _ in range(least))
        case syntax.Class(members=members, negated=False):
            return _member(members[0])
        case syntax.Class() | syntax.Any():
            return "~"
    return ""


def _member(member: syntax.Set) -> str:
    match member:
        case syntax.Range(first=first):
            return chr(first) if isinstance(first, int) else str(first)
        case syntax.Perl(letter=letter):
            return {"d": "5", "w": "w", "s": " "}[letter]
    return "5"


# --- what a rule reads


@dataclass(frozen=True, slots=True)
class Read:
    """A rule with what it reads: the columns that decide by table, what each entity reads, the conditions on rows, and the entities."""

    conversion: Conversion
    plan: o.Plan
    schema: Mapping[str, Mapping[str, str]]
    columns: Mapping[str, frozenset[str]]
    shown: Mapping[str, Mapping[str, frozenset[str]]]
    conditions: list[tuple[str, Expr]]
    entities: tuple[str, ...]


def selectors_of(detection: Any) -> list[Selector]:
    if not isinstance(detection, Detection):
        return []
    return [s for part in detection.alternatives for s in (*part.selectors, *(x for h in part.histories for x in h.selectors))]


def of_detection(detection: Any, tables: set[str]) -> dict[str, frozenset[str]]:
    """The columns that decide, by table: those of conditions, keys and what is counted; none where there is no detection."""
    found: dict[str, set[str]] = {t: set() for t in tables}
    for selector in selectors_of(detection):
        for expr in (selector.predicate, *selector.keys):
            found[selector.table] |= {n.column.name for n in walk(expr) if isinstance(n, ColumnRef) and n.column.table}
    for part in detection.alternatives if isinstance(detection, Detection) else ():
        for threshold in filter(None, (part.threshold, *(side.threshold for side in part.sides))):
            for node in (n for counted in threshold.fields for n in walk(counted)):
                if isinstance(node, ColumnRef) and node.column.table in found:
                    found[node.column.table].add(node.column.name)
    own = {"id", *TIME_COLUMNS}
    return {t: frozenset(names - own) for t, names in found.items()} if isinstance(detection, Detection) else {}


def read_of(rule: Rule, conversion: Conversion) -> Read:
    tables = set(conversion.tables)
    binder = Binder(catalog.schemas())
    plan = fold_constants(binder.query(parse(rule.query)))
    schema: dict[str, dict[str, str]] = {t: {"id": "long", "TimeGenerated": "datetime", **catalog.schemas().get(t, {})} for t in tables}
    for column in binder.stored.values():
        if column.table in schema:
            kind = "datetime" if column.name in TIME_COLUMNS else "string" if column.type == Type.UNKNOWN else str(column.type)
            schema[column.table].setdefault(column.name, kind)
    names = [name for name, _ in plan.columns]
    found = [n for n in rule.alert_columns if n in names and n in {e.column for e in rule.entities}]
    entities = tuple(found or [n for n in names if n.endswith("CustomEntity")])
    selectors = selectors_of(conversion.detection)
    conditions = [(s.table, s.predicate) for s in selectors]
    told = {t for t, _ in conditions}
    conditions += [(t, c) for t, c in _filters(plan.root) if t not in told or not selectors]
    conditions += [(t, _true()) for t in tables if t not in {t for t, _ in conditions}]
    given = Tables({t: [{"id": 0}] for t in tables}, schema)
    own = {"id", *TIME_COLUMNS}

    def reads(root: o.Relation, names: tuple[tuple[str, Column], ...]) -> dict[str, frozenset[str]]:
        found = compile_plan(o.Plan(root, names, False), DUCKDB, NOW, given.columns).reads
        return {t: frozenset(c for c in found.get(t, ()) if c not in own and not c.startswith("$")) for t in tables}

    number = Column(-7, "rows", Type.LONG)
    counted = o.Aggregate(None, plan.root, (), ((number, Apply(None, Type.LONG, "count", ())),))
    deciding = of_detection(conversion.detection, tables) or reads(counted, (("rows", number),))
    shown = {name: reads(plan.root, ((name, column),)) for name, column in plan.names if name in entities}
    return Read(conversion, plan, schema, deciding, shown, conditions, entities)


def _true() -> Expr:
    return Const(None, Type.BOOL, True)


def _filters(relation: o.Relation) -> Iterator[tuple[str, Expr]]:
    for part in o.parts(relation):
        if isinstance(part, o.Filter):
            predicate = simplify(part.predicate)
            tables = {n.column.table for n in walk(predicate) if isinstance(n, ColumnRef)}
            if len(tables) == 1 and (table := tables.pop()):
                yield table, predicate


# --- answers


@dataclass(frozen=True, slots=True)
class Answer:
    """The numbers of the events that are found; else the values of each entity; and whether there is an alert at all."""

    ids: frozenset[int] | None
    entities: Mapping[str, frozenset[str]]
    alerts: bool


def of_kql(rule: Read, rows: dict[str, list[Row]]) -> Answer:
    query = parse(TEMPLATE.sub(lambda m: (NOW - dt.timedelta(days=m[1] == "Start")).isoformat(), rule.conversion.rule.query))
    result = execute(query, rows, now=NOW, schema=rule.schema)
    found, names, data = result.rows, [name for name, _ in result.columns], Tables(rows, rule.schema)
    entities = {e: frozenset(v for row in found for v in _values(row[names.index(e)])) for e in rule.entities}
    ids = None
    detection = rule.conversion.detection
    if isinstance(detection, Detection) and detection.kind == "event" and not detection.others and len(detection.selectors) == 1:
        binder = Binder(rule.schema)
        plan = binder.query(query)
        known = [c for (_, name), c in binder.stored.items() if name == "id"]
        if len(known) == 1:
            told = o.Plan(keeping(plan.root, known[0]), (("id", known[0]),), False)
            with suppress(EngineError, KeyError):
                kept = DuckDbEngine(data).execute(compile_plan(told, DUCKDB, NOW, data.columns))
                ids = frozenset(r[0] for r in kept if r[0] is not None)
    return Answer(ids, entities, bool(found))


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value[:1] == "[":
        with suppress(ValueError):
            value = json.loads(value)
    for member in value if isinstance(value, list) else [value]:
        if member not in (None, ""):
            yield str(int(member)) if isinstance(member, float) and member.is_integer() else str(member)


def of_text(target: str, output: Output, shape: Shaped, entities: tuple[str, ...]) -> list[Answer]:
    """The answers of a text in each reading of its language."""
    if target == "splunk":
        found = [[r for text in output.texts for r in spl.run(text, shape.events, AT, shape.lists, unknown=u)] for u in (True, False)]
    else:
        found = [[]]
        for text in output.texts:
            found[0] += esql.run(text, shape.events, AT, shape.lists, shape.types) if target == "esql" else run_eql(text, shape.events, AT)
    answers = []
    for rows in found:
        told = [r for r in rows if isinstance(r, dict)]
        ids = frozenset(r["id"] for r in told if "id" in r) if all("id" in r for r in told) else None
        fields = {e: output.columns[e] for e in entities if e in output.columns} if told or not rows else {}
        answers.append(Answer(ids, {e: frozenset(v for r in told for v in _values(r.get(f))) for e, f in fields.items()}, bool(rows)))
    return answers


def differs(wanted: Answer, found: Answer) -> str:
    """What an answer has otherwise; empty where it is the same."""
    if wanted.ids is not None and found.ids is not None:
        more, less = sorted(found.ids - wanted.ids)[:3], sorted(wanted.ids - found.ids)[:3]
        return f"only the text finds {more}, only the KQL {less}" if more or less else ""
    for entity, values in found.entities.items():
        if values != wanted.entities[entity]:
            more, less = sorted(values - wanted.entities[entity])[:3], sorted(wanted.entities[entity] - values)[:3]
            return f"{entity}: only the text has {more}, only the KQL {less}"
    return "" if wanted.alerts == found.alerts else f"alerts: KQL {wanted.alerts}, text {found.alerts}"


# --- the run


@dataclass
class Tally:
    """What became of the outputs of a target."""

    agree: int = 0
    with_alerts: int = 0
    compared: collections.Counter[str] = field(default_factory=collections.Counter)
    disagree: list[str] = field(default_factory=list)
    unshaped: collections.Counter[str] = field(default_factory=collections.Counter)
    unread: collections.Counter[str] = field(default_factory=collections.Counter)
    rows: int = 0
    refused: int = 0
    dropped: int = 0
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)


def rules_of(folder: Path) -> Iterator[Rule]:
    yield from (item for item in rules_at(folder) if isinstance(item, Rule))


def _lacks(rule: Read, entity: str, lacking: Iterable[tuple[str, str]]) -> bool:
    """Whether the product has not all that an entity is made of."""
    return any(c in rule.shown[entity].get(t, ()) for t, c in lacking)


def judge(rule: Rule, pick: random.Random, count: int, tallies: Mapping[str, Tally], shown: int) -> None:
    """Runs the outputs of a rule that claim to be exact and are ready."""
    made = replace(rule, trigger_operator="", trigger_threshold=None)
    try:
        conversion = convert(made, tuple(FAMILY))
    except (KqlSyntaxError, BindError):
        return
    claiming = {t: conversion.outputs[t] for t in FAMILY if conversion.outputs[t].verdict.value in ("exact", "same-alerts")}
    outputs = {t: x for t, x in claiming.items() if x.readiness == Readiness.READY}
    if not outputs:
        return
    try:
        found = read_of(made, conversion)
    except (BindError, EngineError) as error:
        for target in outputs:
            tallies[target].unread[f"KQL: {str(error)[:60]}"] += 1
        return
    columns = {t: of.union(*(shown[t] for shown in found.shown.values())) for t, of in found.columns.items()}
    given = Rows(pick, found.schema).of(found.conditions, columns, count)
    answers: dict[str, tuple[Shaped, Answer] | str] = {}
    for target, output in outputs.items():
        tally, family = tallies[target], FAMILY[target]
        if family not in answers:
            shape = shaped(given, family, columns=columns, carried=("id",))
            for told in shape.unshaped:
                if told.row is not None:
                    tally.reasons[f"{told.table}.{told.column}: {told.why[:70]}"] += 1
            tally.rows += sum(map(len, given.values()))
            tally.refused += sum(1 for told in shape.unshaped if told.row is not None)
            told = {(u.table, re.split(r"[.\[]", u.column)[0]): u for u in shape.unshaped if u.row is None}
            lacking = [u for (t, c), u in told.items() if c in found.columns[t]]
            tally.dropped += sum(1 for e in found.entities if _lacks(found, e, told))
            empty = [t for t, rows in given.items() if rows and not shape.rows[t]]
            if lacking:
                answers[family] = f"{lacking[0].table}.{lacking[0].column}: {lacking[0].why[:70]}"
            elif empty:
                why = next(u for u in shape.unshaped if u.table == empty[0])
                answers[family] = f"no row of {empty[0]} can be: {why.column}: {why.why[:80]}"
            else:
                try:
                    answers[family] = shape, of_kql(found, shape.rows)
                except (EngineError, BindError, KeyError) as error:
                    answers[family] = f"KQL: {str(error)[:70]}"
        ready = answers[family]
        if isinstance(ready, str):
            (tally.unread if ready.startswith("KQL") else tally.unshaped)[f"{ready}"] += 1
            continue
        shape, wanted = ready
        try:
            names = {(u.table, re.split(r"[.\[]", u.column)[0]) for u in shape.unshaped if u.row is None}
            got = of_text(target, output, shape, tuple(e for e in found.entities if not _lacks(found, e, names)))
        except (NotImplementedError, TypeError, ValueError, KeyError, lark.exceptions.LarkError) as error:
            tally.unread[f"{type(error).__name__}: {str(error).splitlines()[0][:60] if str(error) else ''}"] += 1
            continue
        said = next((d for answer in got if (d := differs(wanted, answer))), "")
        how = "ids" if wanted.ids is not None and got[0].ids is not None else "entities" if got[0].entities else "alerts"
        tally.compared[how] += 1
        if said:
            tally.disagree.append(f"{Path(rule.source).name}: {said}")
            if len(tally.disagree) <= shown:
                numbers = {int(n) for n in said.replace("[", " ").replace("]", " ").replace(",", " ").split() if n.isdigit()}
                print(f"--- {target} {rule.source}\n{rule.query}\n...\n{output.text[:3000]}\n{said}")
                for shapes in shape.shapes.values():
                    for s in shapes:
                        if s.row["id"] in numbers:
                            print("  row", s.row, "\n  event", s.events)
        else:
            tally.agree += 1
            tally.with_alerts += wanted.alerts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rules", type=Path, help="a folder of rules")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=30, help="rows for each condition of a rule")
    parser.add_argument("--only", default="", help="rules whose file's name has this")
    parser.add_argument("--show", type=int, default=2, help="how many disagreements of each target are printed")
    options = parser.parse_args()
    tallies = {target: Tally() for target in FAMILY}
    for number, rule in enumerate(rules_of(options.rules)):
        if options.only in Path(rule.source).name:
            judge(rule, random.Random(options.seed * 10_000 + number), options.count, tallies, options.show)
    for target, tally in tallies.items():
        unshaped, unread = tally.unshaped.total(), tally.unread.total()
        total = tally.agree + len(tally.disagree) + unshaped + unread
        print(
            f"{target}: {total} outputs; {tally.agree} agree ({tally.with_alerts} with alerts), {len(tally.disagree)} disagree, "
            f"{unshaped} not shapeable, {unread} not run; compared by {dict(tally.compared)}; "
            f"{tally.refused} of {tally.rows} rows stand for no event; {tally.dropped} entities have no field"
        )
        for line in tally.disagree:
            print("    differs", line[:200])
        for name, counted in (("not shapeable", tally.unshaped), ("not run", tally.unread), ("no event", tally.reasons)):
            for reason, times in counted.most_common(25):
                print(f"    {name}: {times} {reason}")
    return 1 if any(t.disagree for t in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
