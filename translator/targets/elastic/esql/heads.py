"""The documents of a pipeline's heads, with the fields that its operators read under the names that they have there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from translator.detection.windows import is_time
from translator.fidelity import Diagnostic
from translator.plan import operators as o
from translator.plan.conditions import is_field
from translator.plan.expansions import JSON_TEXT
from translator.plan.expressions import Apply, Const, Expr, columns_of
from translator.plan.types import Type
from translator.targets.base import Cannot
from translator.targets.elastic import field, string
from translator.targets.elastic.esql.events import Events
from translator.targets.elastic.esql.predicates import EsqlPredicates, with_document
from translator.targets.elastic.list_rows import beside
from translator.targets.names import IN_UNITS, free_of
from translator.targets.pipeline.cases import Head, PipelineCase, fields_of
from translator.targets.pipeline.language import Command, Value

WHOLE = frozenset({"long", "integer", "short", "byte"})
"""The types of whole numbers."""
_NAMES = re.compile(r"[\w@][\w@.]*")


def head(events: Events, case: PipelineCase) -> Head:
    """The commands that select events and give their fields the names that the rest of a pipeline has for them.

    A text is never missing there, as in KQL. Fields with several values, and those that hold no texts, numbers or times, have no names.
    """
    if "@timestamp" in events.keys:
        raise Cannot(Diagnostic("target-cannot", "@timestamp is the time of an event, and names a column", None))
    detection, grouped = events.detection, any(isinstance(r, o.Aggregate | o.Distinct) for r in case.cut.operators())
    flags, command = _flagged(events, case) if len(case.selectors) > 1 or beside(case.cut) else ((), None)
    selecting = events.filtered(not grouped)
    pairs, found = fields_of(case, events.keys, "@timestamp", field, lambda number, kind: _merged(events, number, kind, case))
    found |= {f: replace(found[f], digits=True) for n, f in enumerate(case.fields) if f in found and _is_whole(events, n, found[f], case)}
    base, *rest = selecting.then([command] if command else []).with_computed(events.looked_up())
    for name, text in pairs:
        events.repeated.suggest(text, name)
    if pairs:
        rest.append("EVAL " + ", ".join(f"{field(n)} = {text}" for n, text in _in_order(pairs)))
    if any("(_source, " in line for line in rest):
        base = with_document(base)
        rest.append("DROP _source")
    commands = [Command("FROM", base), *(Command(line.partition(" ")[0], line) for line in rest)]
    taken = {*events.names.all_of([s.predicate for s in detection.selectors]), *events.fields, *events.keys, *flags, "@timestamp"}
    return Head(tuple(commands), found, frozenset(taken), flags)


def _in_order(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Fields with what they become, each behind those that read what it was: EVAL computes them one behind the other."""
    rest, ordered = [*pairs], list[tuple[str, str]]()
    while rest:
        read = [(name, {*_NAMES.findall(text)}) for name, text in rest]
        free = next((n for n, (name, _) in enumerate(read) if not any(name in names for m, (_, names) in enumerate(read) if m != n)), 0)
        ordered.append(rest.pop(free))
    return ordered


def _flagged(events: Events, case: PipelineCase) -> tuple[tuple[str, ...], str]:
    """The fields that are there on the events of each of several heads, and the command that gives the events these."""
    selectors, flags, pairs = list(events.detection.selectors), list[str](), list[str]()
    heads = [[s for s in selectors if s.name in owned] for owned in case.selectors]
    told = events.told([next(n for n, own in enumerate(heads) if s in own) for s in selectors])
    for own in heads:
        table = own[0].table.lower()
        flags.append(free_of(f"is_{table if table.isidentifier() and table.isascii() else 'event'}", {*events.fields, *flags}))
        conditions = list(dict.fromkeys(told[selectors.index(s)] for s in own))
        whole = conditions[0] if len(conditions) == 1 else " OR ".join(f"({c})" for c in conditions)
        pairs.append(f"{field(flags[-1])} = 1" if "true" in conditions else f"{field(flags[-1])} = CASE({whole}, 1)")
    return tuple(flags), f"EVAL {', '.join(pairs)}"


def _is_whole(events: Events, number: int, value: Value, case: PipelineCase) -> bool:
    """Whether a text is that of a whole number, as the product keeps it."""
    owners = case.selectors[case.owners[number]]
    keys = [s.keys[number] for s in events.detection.selectors if s.name in owners]
    return value.kind == "text" and all(is_field(x) and events.names.stored(x) in WHOLE for x in keys)


def _merged(events: Events, number: int, kind: str, case: PipelineCase) -> str | None:
    """A key of the selectors of one head as a value of a kind; None where it has several values."""
    selectors = [s for s in events.detection.selectors if s.name in case.selectors[case.owners[number]]]
    keys = [s.keys[number] for s in selectors]
    if any(EsqlPredicates.is_array(c) for x in keys for c in columns_of(x)) or any(map(events.names.is_multivalue, keys)):
        return None
    if kind == "time" and all(is_time(x) or events.named(x) == "@timestamp" for x in keys):
        return "@timestamp"
    return events.by_selector([_typed(events, x, kind) for x in keys], selectors)


def _typed(events: Events, expr: Expr, kind: str) -> str:
    """A key as a value of the kind that it has in KQL, whatever type the product keeps it in. A text is never missing."""
    if kind == "json" and not (isinstance(expr, Apply) and expr.function == JSON_TEXT):
        raise Cannot(Diagnostic("target-cannot", "the JSON of an object or an array is not stored", expr.span))
    if isinstance(expr, Const) and isinstance(expr.value, bool):
        return string("true" if expr.value else "false")
    if kind == "bool" and isinstance(expr, Apply):
        return events.named(expr)
    text, stored = events.named(expr), events.names.stored(expr)
    untold = not stored and expr.type == Type.UNKNOWN
    as_text = not is_field(expr) or (events.names.is_text(expr) and not untold)
    match kind:
        case "int":
            return text if stored in WHOLE or not (stored or as_text) else f"TO_LONG({text})"
        case "real":
            return text if stored in ("double", "float") else f"TO_DOUBLE({text})"
        case "bool":
            return f"TO_LOWER(TO_STRING({text}))"
        case "time":
            return text if stored in ("date", "date_nanos") else f"TO_DATETIME({text})"
    if expr.type == Type.STRING and (isinstance(expr, Const) or (isinstance(expr, Apply) and expr.function not in (JSON_TEXT, IN_UNITS))):
        return text  # what is computed is empty where it has no value
    return f'COALESCE({text if as_text else f"TO_STRING({text})"}, "")'
