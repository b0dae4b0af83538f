"""What is said of a rule in any target: how far back events are looked for, and what its entities and details are taken from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from translator.detection.arrays import read_apart
from translator.detection.idioms.threat_intel import INDICATOR_TABLES
from translator.detection.model import DAY, Detection, Selector
from translator.detection.windows import TICKS, TIME_COLUMNS, bound_of, is_given, is_of_days
from translator.fidelity import Diagnostic
from translator.plan import operators as o
from translator.plan.conditions import MOMENTS
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, conjuncts, walk
from translator.plan.types import Type
from translator.rulepack.model import Rule
from translator.targets.base import Options, Output, duration
from translator.targets.pipeline.reading import behind
from translator.targets.pipeline.values.numbers import EPOCH_TICKS
from translator.targets.protocols import Pipes, Target


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far back a query asks for events, in seconds, anywhere in it; ``fixed``: also for those since a moment of the calendar.

    ``since`` is that moment, in seconds since 1970, where a query of one table asks for no others. Threat indicators are no events: a
    list has them, however old the events are that are looked at.
    """

    back: int
    fixed: bool
    since: float | None = None


def _reach(plan: o.Plan) -> _Reach:
    columns = [c for c in o.parts(plan.root) if isinstance(c, Column) and c.table is not None]
    stored = {c.id: c.name in TIME_COLUMNS and c.table not in INDICATOR_TABLES for c in columns}
    back, moments = 0, list[float | None]()
    for relation in o.relations(plan.root):
        of_all = conjuncts(relation.predicate) if isinstance(relation, o.Filter) else []
        for node in (n for condition in of_all for n in walk(condition)):
            match node:
                case Apply(function=">" | ">=" | "between", args=(subject, moment, *_)):
                    pass
                case Apply(function="<" | "<=", args=(moment, subject)):
                    pass
                case _:
                    continue
            if is_given(moment) or subject.type != Type.DATETIME or not any(stored.get(c) for c in behind(plan, [subject])):
                continue
            seconds = bound_of(moment)
            if seconds is not None:
                back = max(back, seconds + DAY if is_of_days(moment) else seconds)
            elif not behind(plan, [moment]) & stored.keys():
                stands = isinstance(subject, ColumnRef) and subject.column.id in stored and any(node is c for c in of_all)
                moments.append(_since(moment) if stands else None)
    sources = sum(isinstance(r, o.Source) for r in o.relations(plan.root))
    known = [m for m in moments if m is not None]
    alone = len(known) == len(moments) > 0 and sources == 1 and not back
    return _Reach(back, bool(moments), min(known) if alone else None)


def _since(moment: Expr) -> float | None:
    """A moment of the calendar in seconds since 1970; None where it is no constant."""
    match moment:
        case Const(value=int(ticks), type=Type.DATETIME):
            return (ticks - EPOCH_TICKS) / TICKS
        case Apply(function="+" | "-" as sign, args=(base, Const(value=int(ticks), type=Type.TIMESPAN))):
            found = _since(base)
            return None if found is None else found + (ticks if sign == "+" else -ticks) / TICKS
    return None


def with_reach(rule: Rule, plan: o.Plan, options: Options) -> tuple[Options, tuple[Diagnostic, ...], float | None]:
    """The options with a window that holds what a query without a period asks for, and a word where none does.

    Last comes the moment, in seconds since 1970, that a search which tells it itself may look back to instead.
    """
    if rule.period is not None:
        return options, (), None
    reach = _reach(plan)
    if reach.back > options.timespan:
        options = replace(options, timespan=reach.back)
    if not reach.fixed:
        return options, (), None
    what = f"the query asks for events since a moment of the calendar, the output for those of its window, {duration(options.timespan)}"
    return options, (Diagnostic("window-since", what),), reach.since


def lookbacks(detection: Detection) -> list[int]:
    """How far the alternatives of a detection look back, the shortest first; their searches are run over the longest."""
    return sorted({part.lookback for part in detection.alternatives})


def on_period(rule: Rule, detection: Detection) -> tuple[Diagnostic, ...]:
    """A word on events that the query asks for, and that the rule does not look at."""
    asked = max((_farthest(s) for part in detection.alternatives for s in part.selectors), default=0)
    if rule.period is None or asked <= rule.period:
        return ()
    what = f"the query asks for events of up to {duration(asked)} ago, of which the rule's period leaves those of {duration(rule.period)}"
    return (Diagnostic("period-limits", what),)


def _farthest(selector: Selector) -> int:
    limits = [p for p in conjuncts(selector.predicate) if isinstance(p, Apply) and p.function in ("since", "after")]
    return max((x.value for p in limits if isinstance(x := p.args[0], Const) and isinstance(x.value, int)), default=0)


def alerting_time(detection: Detection) -> int:
    """How long the time is, in seconds, in which the events lie that alert: all that is looked at, unless their conditions say less."""
    found = []
    for selector in detection.shown:
        limits = [p for p in conjuncts(selector.predicate) if isinstance(p, Apply) and p.function in MOMENTS]
        seconds = {(p.function, x.value) for p in limits if isinstance(x := p.args[0], Const) and isinstance(x.value, int)}
        back = min((v for f, v in seconds if f in ("since", "after")), default=detection.lookback)
        end = max((v for f, v in seconds if f in ("until", "before")), default=0)
        arrived = min((v for f, v in seconds if f in ("ingested since", "ingested after")), default=back)
        found.append(max(0, min(back - end, arrived)))
    return max(found, default=detection.lookback)


OFTEN = 100
"""How many runs may look at one event before that is worth a word."""


def on_history(rule: Rule, detection: Detection, output: Output, target: Target) -> tuple[Diagnostic, ...]:
    """A word on a search that reads far more than is new since its last run."""
    back = output.lookback or max(part.lookback for part in detection.alternatives)
    if not target.tells_time or not rule.frequency or back < OFTEN * rule.frequency:
        return ()
    return (Diagnostic("long-history", f"each run reads {duration(back)} of events, every {duration(rule.frequency)}"),)


def on_columns(rule: Rule, output: Output, target: Target) -> tuple[Diagnostic, ...]:
    """A word on columns that the details of an alert name, and its rows do not have."""
    if "custom-details" not in target.keeps or not target.tells_time or not _knows_columns(output, target):
        return ()
    entities = {e.column for e in rule.entities}
    lacking = [c for c in rule.alert_columns if c not in output.columns]
    told = [c for c in lacking if c not in entities]
    found = [Diagnostic("setting-lost", f"the rows have no {', '.join(told)}, which the details of the alert name")] if told else []
    if lost_ := lost_entities(rule, output, target):
        found.append(Diagnostic("entity-in-events", f"the rows have no {', '.join(lost_)}, an entity of the rule"))
    return tuple(found)


def lost_entities(rule: Rule, output: Output, target: Target) -> list[str]:
    """The columns of the rule's entities that the rows of an output lack; none of one whose rows are not known."""
    entities = {e.column for e in rule.entities}
    known = _knows_columns(output, target)
    return [c for c in rule.alert_columns if c in entities and c not in output.columns] if known else []


def _knows_columns(output: Output, target: Target) -> bool:
    """Whether an output tells all columns of its rows that a rule has a name for."""
    return bool(output.columns) or (output.lane in ("native", "pipeline") and bool(output.texts) and isinstance(target, Pipes))


def _entities_shown(rule: Rule, output: Output) -> set[str]:
    """The columns of the rule's entities that the rows of an output have."""
    return {e.column for e in rule.entities} & output.columns.keys() if output.texts else set()


def on_elements(rule: Rule, detection: Detection, output: Output) -> tuple[Diagnostic, ...]:
    """A word on entities that the rows take from any element of an array, where the query takes that for which its conditions hold."""
    entities = _entities_shown(rule, output)
    apart = {n for part in detection.alternatives for s in part.shown for n, x in s.outputs if n in entities and read_apart(s, s.keys, [x])}
    if not apart:
        return ()
    what = f"{', '.join(sorted(apart))}: the entity is of the element for which the conditions hold, in the output of any of the array"
    return (Diagnostic("elements-apart", what),)


def on_pairs(rule: Rule, detection: Detection, output: Output) -> tuple[Diagnostic, ...]:
    """A word on entities of events that the query joins with some of the same key alone, which an output gathers of all of the key."""
    entities = _entities_shown(rule, output)
    gathered = set[str]()
    for part in detection.alternatives:
        paired = part.kind == "temporal_ordered" or (part.kind == "temporal" and part.within is not None)
        for side in part.sides:
            if side.absent or not (paired or side.grouping):
                continue
            gathered |= {n for s in side.selectors for n, x in s.outputs if n in entities and x not in s.keys}
    if not gathered:
        return ()
    what = f"{', '.join(sorted(gathered))}: the entity is of the events that belong together, in the output of all that have the key"
    return (Diagnostic("entities-gathered", what),)
