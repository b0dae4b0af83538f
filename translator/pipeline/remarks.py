"""What is said of a rule in any target: how far back events are looked for, and what its entities and details are taken from."""

from __future__ import annotations

from collections.abc import Container, Iterator, Set
from dataclasses import replace
from itertools import chain, combinations

from translator import catalog
from translator.detection.arrays import read_apart
from translator.detection.model import Detection, Selector
from translator.detection.overlaps import may_overlap
from translator.detection.shapes import by_name
from translator.detection.windows import duration, moments_of
from translator.fidelity import Diagnostic, Place
from translator.pipeline.reach import reach_of
from translator.plan import operators as o
from translator.plan.chosen import Choice, chosen
from translator.plan.expressions import Apply, Column, ColumnRef, Const, Expr, Subquery, columns_of
from translator.plan.parsed_texts import misread
from translator.plan.pins import fixed_columns
from translator.plan.types import Type
from translator.rulepack.model import Rule
from translator.targets.base import Options, Output
from translator.targets.pipeline.reading import behind
from translator.targets.protocols import Pipes, Target


def with_reach(rule: Rule, plan: o.Plan, options: Options) -> tuple[Options, tuple[Diagnostic, ...], float | None]:
    """The options with a window that holds what a query without a period asks for, and a word where none does.

    Last comes the moment, in seconds since 1970, that a search which tells it itself may look back to instead.
    """
    if rule.period is not None:
        return options, (), None
    reach = reach_of(plan)
    assumed = options.timespan
    beyond = reach.older >= assumed
    needed = max(reach.back, reach.apart, reach.older + assumed if beyond else 0)
    if needed > assumed:
        options = replace(options, timespan=needed)
    if not (reach.fixed or reach.until):
        said = reach.open and (reach.asks or beyond or any(isinstance(n, _OF_SEVERAL) for n in o.parts(plan.root)))
        lacking = "a part of the query states no time window" if reach.states else "neither the query nor the rule states a time window"
        what = f"{lacking}: {duration(options.timespan)} is assumed"
        return options, (Diagnostic("window-assumed", what),) if said else (), None
    end = "before" if reach.until else "since"
    what = f"the query asks for events {end} a moment of the calendar, the output for those of its window, {duration(options.timespan)}"
    return options, (Diagnostic("window-since", what),), reach.since


_OF_SEVERAL = o.Aggregate | o.Join | o.Limit | o.Number | o.Series | Subquery
"""What makes of events what depends on which others there are."""


def lookbacks(detection: Detection) -> list[int]:
    """How far the alternatives of a detection look back, the shortest first; their searches are run over the longest."""
    return sorted({part.lookback for part in detection.alternatives})


def on_period(rule: Rule, detection: Detection) -> tuple[Diagnostic, ...]:
    """A word on events that the query asks for, and that the rule does not look at."""
    selectors = (s for part in detection.alternatives for s in part.selectors)
    asked = max((back for s in selectors for back in moments_of(s.predicate, *_BEGINNINGS)), default=0)
    if rule.period is None or asked <= rule.period:
        return ()
    what = f"the query asks for events of up to {duration(asked)} ago, of which the rule's period leaves those of {duration(rule.period)}"
    return (Diagnostic("period-limits", what),)


_BEGINNINGS = ("since", "after")


def alerting_time(detection: Detection) -> int:
    """How long the time is, in seconds, in which the events lie that alert: all that is looked at, unless their conditions say less."""
    found = []
    for selector in detection.shown:
        back = min(moments_of(selector.predicate, *_BEGINNINGS), default=detection.lookback)
        end = max(moments_of(selector.predicate, "until", "before"), default=0)
        arrived = min(moments_of(selector.predicate, "ingested since", "ingested after"), default=back)
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


def on_elsewhere(plan: o.Plan) -> tuple[Diagnostic, ...]:
    """A word on tables that are read of other workspaces, which products do not tell apart."""
    return tuple(Diagnostic("other-workspace", f"{name} is read where the product has that table", span) for span, name in plan.elsewhere)


def on_scope(rule: Rule, detection: Detection) -> tuple[Diagnostic, ...]:
    """A word on devices that the rule does not look at, and the output does."""
    if not rule.scope:
        return ()
    single = all(part.kind == "event" and part.place is Place.PLAIN for part in detection.alternatives)
    place = Place.PLAIN if single else Place.BOTH  # where events are counted, or are to be absent, more of them may do either
    return (Diagnostic("scope-dropped", f"the rule looks at devices of {', '.join(rule.scope)} alone", None, place),)


def on_columns(rule: Rule, plan: o.Plan, output: Output, target: Target) -> tuple[Diagnostic, ...]:
    """A word on columns that the details of an alert name, and its rows do not have."""
    if "custom-details" not in target.keeps or not target.tells_time or not _knows_columns(output, target):
        return ()
    entities = {e.column for e in rule.entities}
    lacking = [c for c in rule.alert_columns if c not in output.columns]
    told = [c for c in lacking if c not in entities]
    found = [Diagnostic("setting-lost", f"the rows have no {', '.join(told)}, which the details of the alert name")] if told else []
    if lost_ := lost_entities(rule, plan, output, target):
        found.append(Diagnostic("entity-in-events", f"the rows have no {', '.join(lost_)}, an entity of the rule"))
    return tuple(found)


def on_overwritten(detection: Detection, output: Output) -> tuple[Diagnostic, ...]:
    """A word on columns of a table to which the query gives other values, where events are shown with those that they have."""
    changed = {
        name
        for part in detection.alternatives
        if part.kind == "event"
        for selector in part.shown
        for name, value in selector.outputs
        if name not in output.columns and catalog.has_column(selector.table, name) and not _is_shown_as(value, name)
    }
    if not changed:
        return ()
    what = f"{', '.join(sorted(changed))}: the query gives this another value, events are shown with their own"
    return (Diagnostic("columns-differ", what, None, Place.SHOWN),)


def _is_shown_as(value: Expr, name: str) -> bool:
    """Whether a value is that of a column, perhaps in another type, which looks the same."""
    match value:
        case ColumnRef(column=column):
            return column.name == name
        case Const(value=None | ""):  # a part of a union without the column
            return True
        case Apply(function=function, args=(inner,)) if function in _CONVERSIONS:
            return _is_shown_as(inner, name)
    return False


_CONVERSIONS = frozenset({"tostring", "todynamic", "parse_json", "toint", "tolong", "todatetime", "toguid"})


def on_plugins(plan: o.Plan, output: Output) -> tuple[Diagnostic, ...]:
    """A word on the columns that a plugin makes of the data, where the query shows all of them and events have no fields of these names."""
    plugin = next((n for n in o.relations(plan.root) if isinstance(n, o.Plugin)), None) if plan.open else None
    if plugin is None or any(d.code == "event-data-columns" for d in output.diagnostics):
        return ()
    return (Diagnostic("columns-differ", f"the columns that {plugin.name} makes of the data are not shown", plugin.span, Place.SHOWN),)


def lost_entities(rule: Rule, plan: o.Plan, output: Output, target: Target) -> list[str]:
    """The columns of the rule's entities that the rows of an output lack; none of one whose rows are not known.

    Entities by convention are columns of the query, which events that are shown as they are do not have.
    """
    asked = _knows_columns(output, target) and (rule.entities or output.columns)
    entities = entities_of(rule, plan) - output.columns.keys() if asked else frozenset[str]()
    return [c for c in dict.fromkeys((*rule.alert_columns, *(name for name, _ in plan.names))) if c in entities]


def _knows_columns(output: Output, target: Target) -> bool:
    """Whether an output tells all columns of its rows that a rule has a name for."""
    return bool(output.columns) or (output.lane in ("native", "pipeline") and bool(output.texts) and isinstance(target, Pipes))


def _entities_shown(rule: Rule, plan: o.Plan, output: Output) -> Set[str]:
    """The columns that identify an alert and that the rows of an output have: the rule's entities, else what its rows are grouped by."""
    named = entities_of(rule, plan) or frozenset(n for n, c in plan.names if _groups(plan.root, c))
    return named & output.columns.keys() if output.texts else frozenset()


def on_elements(rule: Rule, plan: o.Plan, detection: Detection, output: Output) -> tuple[Diagnostic, ...]:
    """A word on entities that the rows take from any element of an array, where the query takes that for which its conditions hold."""
    entities = _entities_shown(rule, plan, output)
    apart = {n for part in detection.alternatives for s in part.shown for n, x in s.outputs if n in entities and read_apart(s, s.keys, [x])}
    if not apart:
        return ()
    what = f"{', '.join(sorted(apart))}: the entity is of the element for which the conditions hold, in the output of any of the array"
    return (Diagnostic("elements-apart", what),)


def on_parts(rule: Rule, plan: o.Plan, detection: Detection, output: Output) -> tuple[Diagnostic, ...]:
    """A word on entities of an event that two parts of a union have with another value each, of which an output shows the first."""
    entities = _entities_shown(rule, plan, output)
    missed = set[str]()
    for part in detection.alternatives if entities else ():
        for one, other in combinations(part.shown if part.kind == "event" else (), 2):
            shown = [{n: by_name(x) for n, x in s.outputs if n in entities} for s in (one, other)]
            apart = {n for n in shown[0] if shown[0][n] != shown[1].get(n)}
            if apart - missed and one.table == other.table and may_overlap(by_name(one.predicate), by_name(other.predicate)):
                missed |= apart
    if not missed:
        return ()
    what = f"{', '.join(sorted(missed))}: an event of several parts of the union has an entity for each, in the output that of the first"
    return (Diagnostic("entities-missed", what),)


def on_pairs(rule: Rule, plan: o.Plan, detection: Detection, output: Output) -> tuple[Diagnostic, ...]:
    """A word on entities of events that the query joins with some of the same key alone, which an output gathers of all of the key."""
    entities = _entities_shown(rule, plan, output)
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


def on_choices(rule: Rule, plan: o.Plan, detection: Detection, output: Output, target: Target) -> tuple[Diagnostic, ...]:
    """A word on entities that the query has of one row among several and the output of all, or the other way round."""
    gathered, missed, beyond, named = set[str](), set[str](), set[str](), dict(plan.names)
    for name, choice, part in _varying(rule, plan, detection) if output.texts else ():
        sampled = target.samples and part.kind != "event" and sum(not side.absent for side in part.sides) > 1
        if choice is not None and (not sampled or name in output.columns or choice is Choice.CERTAIN):
            gathered.add(name)
        if sampled and choice is not Choice.ANY:
            missed.add(name)
        if part.beyond and choice is None:
            beyond.add(name)
    found = list(_of_any(gathered))
    if missed:
        what = f"{', '.join(sorted(missed))}: an alert has one event of each side, so that of several entities of a key it names one"
        found.append(Diagnostic("entities-missed", what))
    if beyond := beyond - missed:
        what = f"{', '.join(sorted(beyond))}: the query shows the events of all groups with the key, an alert has those of its own group"
        found.append(Diagnostic("entities-missed", what))
    shown = {s.table for s in detection.shown}
    tables = {n: {c.table for c in _stored(plan, named[n]) if c.source in detection.added} for n in entities_of(rule, plan) & named.keys()}
    joined = {n for n, of in tables.items() if of}
    if joined and output.texts:
        found += _of_any({n for n in joined if tables[n] & shown})  # which has a column of its own by the name
        what = f"{', '.join(sorted(joined))}: of what the query joins for its columns alone, at which the output does not look"
        found.append(Diagnostic("entities-missed", what))
    return tuple(found)


def _stored(plan: o.Plan, column: Column) -> set[Column]:
    """The columns of tables that a column of the result is made of."""
    return {c for c in _made_of(plan, ColumnRef(None, column.type, column), column) if c.source is not None}


def _made_of(plan: o.Plan, value: Expr, column: Column) -> set[Column]:
    """The columns that stand behind a value of a plan, of those that it has and one of its result."""
    ids = behind(plan, [value])
    return {c for c in chain(o.parts(plan.root), (column,)) if isinstance(c, Column) and c.id in ids}


def on_left_out(rule: Rule, plan: o.Plan, output: Output, target: Target) -> tuple[Diagnostic, ...]:
    """A word on entities of one event of each group that rows which the query computes otherwise do not show."""
    named = dict(plan.names)
    left_out = (_told_by(rule, plan) & named.keys()) - output.columns.keys() if _knows_columns(output, target) else ()
    return tuple(_of_any({name for name in left_out if chosen(plan.root, named[name]) is not None}))


def on_texts_of_json(plan: o.Plan, identifying: Container[str]) -> tuple[Diagnostic, ...]:
    """A word on texts that are parsed of JSON, of which what is compared, grouped or shown has the quotes in an output."""
    found = {place: expr.span for expr, place in reversed([*misread(plan, identifying)])}
    what = "the KQL parses a text here, which the output reads as it is stored: with the quotes of JSON, where it is a text of JSON itself"
    decides = Place.PLAIN in found
    return tuple(Diagnostic("text-of-json", what, span, place) for place, span in found.items() if place is Place.PLAIN or not decides)


def entities_of(rule: Rule, plan: o.Plan) -> frozenset[str]:
    """The columns of a rule's entities, by convention where it names none."""
    named = frozenset(e.column for e in rule.entities)
    return named or frozenset(name for name, _ in plan.names if name.endswith("CustomEntity"))


def _told_by(rule: Rule, plan: o.Plan) -> frozenset[str]:
    """The entities of a rule; where it has none, the columns that its rows are grouped by and that are of one row among several."""
    return entities_of(rule, plan) or frozenset(n for n, c in plan.names if _groups(plan.root, c) and chosen(plan.root, c) is not None)


def _groups(node: o.Relation, column: Column) -> bool:
    """Whether the last summary of a relation groups its rows by a column."""
    match node:
        case o.Aggregate(keys=keys):
            return column in dict(keys)
        case o.Distinct(columns=columns):
            return column in columns
        case o.Compute(items=items) | o.Project(items=items) if (made := dict(items).get(column)) is not None:
            return isinstance(made, ColumnRef) and _groups(node.input, made.column)
        case o.Compute() | o.Project() | o.Filter() | o.Sort() | o.Limit():
            return _groups(node.input, column)
    return False


def where_each_alerts(rule: Rule, plan: o.Plan, detection: Detection) -> tuple[Diagnostic, ...]:
    """What is said of entities that the query has of one row among several where each event of a detection alerts."""
    varying = _varying(rule, plan, detection)
    return tuple(_of_any({name for name, choice, part in varying if choice is not None and part.kind == "event"}))


def _of_any(gathered: set[str]) -> Iterator[Diagnostic]:
    if gathered:
        what = f"{', '.join(sorted(gathered))}: the entity is of one event of its group, in the output of any of them"
        yield Diagnostic("entities-gathered", what)


def _varying(rule: Rule, plan: o.Plan, detection: Detection) -> Iterator[tuple[str, Choice | None, Detection]]:
    """The entities of a rule that events of one key may differ in, for each alternative, and which row the query has them of."""
    named = dict(plan.names)
    for name in sorted(_told_by(rule, plan) & named.keys()):
        choice = chosen(plan.root, named[name])
        for part in detection.alternatives:
            having = [s for s in part.shown if name in dict(s.outputs)]  # else it is of what a summary makes, or of a list
            if any(_varies(plan, s, name, named[name], choice) for s in having or part.shown):
                yield name, choice, part


def _varies(plan: o.Plan, selector: Selector, name: str, column: Column, choice: Choice | None) -> bool:
    """Whether events of a selector that have the same keys may differ in what a column of the result is made of.

    Where the query chooses one row of a group, each key by which events are joined may be that of another one.
    """
    shown = dict(selector.outputs).get(name)
    keys = selector.keys if choice is None else ()
    if shown is not None and shown in keys:
        return False
    of: Expr = ColumnRef(None, column.type, column) if shown is None else shown
    made = {c for c in _made_of(plan, of, column) if c.type != Type.DATETIME}
    read = made if shown is None else made | columns_of(shown)
    told = {c.name for key in keys for c in columns_of(key)} | fixed_columns(selector.predicate)
    return any(c.table == selector.table and c.name not in told for c in read)
