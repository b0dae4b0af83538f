"""One rule through all stages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from translator import catalog
from translator.detection.arrays import read_apart
from translator.detection.lift import lift
from translator.detection.model import DAY, Detection, NoDetection, Selector, Side, Threshold
from translator.detection.trigger import trigger_of, with_trigger
from translator.detection.windows import TIME_COLUMNS, bound_of, is_given, is_of_days, with_given_moments
from translator.engine.constant_folding import fold_constants
from translator.fidelity import Diagnostic, Place, Verdict
from translator.kql.parser import parse
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.plan.existing import with_known_columns
from translator.plan.expressions import Apply, Column, Const, Same, conjuncts, walk
from translator.plan.simplify import MOMENTS, TooLarge
from translator.plan.types import Type
from translator.rulepack.model import Rule
from translator.rulepack.settings import lost
from translator.targets.base import Deployment, Options, Output, Readiness, duration
from translator.targets.homes import Placed, placed
from translator.targets.pipeline.cuts import Cut, cuts
from translator.targets.pipeline.lane import Lane, Lifted
from translator.targets.pipeline.reading import Reading, behind, read_columns, reading_of
from translator.targets.pipeline.spelling import spelled_out
from translator.targets.protocols import CountsRows, Pipes, PlanTarget, Target


def _targets() -> Mapping[str, Callable[[], Target | PlanTarget]]:
    def sigma() -> Target:
        from translator.sigma.target import Sigma

        return Sigma()

    def splunk() -> Target:
        from translator.targets.splunk import Splunk

        return Splunk()

    def eql() -> Target:
        from translator.targets.elastic.eql import Eql

        return Eql()

    def esql() -> Target:
        from translator.targets.elastic.esql import Esql

        return Esql()

    def sql() -> PlanTarget:
        from translator.targets.sql import Sql

        return Sql()

    return MappingProxyType({"sigma": sigma, "splunk": splunk, "eql": eql, "esql": esql, "sql": sql})


TARGETS = _targets()
"""The targets by name, each imported when it is first used."""


def target_of(name: str) -> Target | PlanTarget:
    """The target of that name; ``pysigma:NAME`` is whatever pySigma backend is installed under NAME.

    Raises:
        KeyError: for an unknown name.
    """
    if name.startswith("pysigma:"):
        from translator.sigma.backends import Backend

        return Backend(name.removeprefix("pysigma:"))
    return TARGETS[name]()


_OF_WINDOWS = frozenset({"window-widened", "window-shifted", "first-seen-list", "first-seen-dropped"})
"""What is said where one window for the whole detection is not what the query says."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A rule, what it detects, and its outputs by target."""

    rule: Rule
    detection: Detection | NoDetection
    outputs: Mapping[str, Output]
    tables: tuple[str, ...] = ()
    """The tables that the query reads."""
    timed: Detection | NoDetection | None = None
    """The detection with a window of its own for each of its parts, where these differ."""

    def keys(self, output: Output) -> tuple[str, ...]:
        """What the rows of an output are grouped by."""
        found = self.behind(output)
        return found.group_by if isinstance(found, Detection) and output.head is None else ()

    def behind(self, output: Output) -> Detection | NoDetection | None:
        """The detection that an output is made of."""
        return output.head or (self.timed if output.timed else self.detection)

    @property
    def triggered(self) -> bool:
        """Whether the rule asks for more than any row."""
        return trigger_of(self.rule.trigger_operator, self.rule.trigger_threshold) is not None


def convert(rule: Rule, targets: tuple[str, ...] = ("sigma", "splunk", "eql", "esql"), options: Options | None = None) -> Conversion:
    """Translates ``rule`` to each of ``targets``.

    Raises:
        translator.KqlSyntaxError: where the query is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
        KeyError: for an unknown target.
    """
    try:
        return _converted(rule, targets, options or Options())
    except RecursionError as error:
        raise BindError("this query nests too deeply", None) from error
    except TooLarge as error:
        raise BindError(str(error), error.span) from error


def piped(target: str, rule: Rule, options: Options) -> Output | None:
    """The output of the pipeline lane alone, whatever other lanes have; None where the target has none, or it writes nothing good.

    Raises:
        translator.KqlSyntaxError: where the query is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
        KeyError: for an unknown target.
    """
    writer = target_of(target)
    if not isinstance(writer, Pipes) or isinstance(writer, PlanTarget):
        return None
    known = fold_constants(bind(parse(rule.query), catalog.schemas()))
    options, _ = _reaching(rule, known, options)
    return _lane(writer, rule, _walked(rule, known, options), options).faithful()


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far back a query asks for events, in seconds, anywhere in it; ``fixed``: also for those since a moment of the calendar."""

    back: int
    fixed: bool


def _reach(plan: o.Plan) -> _Reach:
    stored = {c.id: c.name in TIME_COLUMNS for c in o.parts(plan.root) if isinstance(c, Column) and c.table is not None}
    back, fixed = 0, False
    for relation in o.relations(plan.root):
        for node in walk(relation.predicate) if isinstance(relation, o.Filter) else ():
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
                fixed = True
    return _Reach(back, fixed)


def _reaching(rule: Rule, plan: o.Plan, options: Options) -> tuple[Options, tuple[Diagnostic, ...]]:
    """The options with a window that holds what a query without a period asks for, and a word where none does."""
    if rule.period is not None:
        return options, ()
    reach = _reach(plan)
    if reach.back > options.timespan:
        options = replace(options, timespan=reach.back)
    if not reach.fixed:
        return options, ()
    what = f"the query asks for events since a moment of the calendar, the output for those of its window, {duration(options.timespan)}"
    return options, (Diagnostic("window-since", what),)


def _lifted(rule: Rule, options: Options, timed: bool, plan: o.Plan) -> Detection | NoDetection:
    return lift(
        plan, period=rule.period, default_timespan=options.timespan, is_address=catalog.is_address, is_filled=catalog.is_filled,
        timed=timed, entities=frozenset(e.column for e in rule.entities),
    )  # fmt: skip


def _converted(rule: Rule, targets: tuple[str, ...], options: Options) -> Conversion:
    plan = bind(parse(rule.query), catalog.schemas())
    known = fold_constants(with_known_columns(plan, catalog.has_column))
    options, since = _reaching(rule, known, options)

    lifted = functools.partial(_lifted, rule, options)
    detection = lifted(False, known)
    written_for = {name: target_of(name) for name in targets}
    tell_time = any(not isinstance(t, PlanTarget) and t.tells_time for t in written_for.values())
    several = isinstance(detection, Detection) and (
        any(d.code in _OF_WINDOWS for d in detection.diagnostics) or len(_lookbacks(detection)) > 1
    )
    timed = lifted(True, known) if tell_time and several else None
    walked: _Walked | None = None
    outputs = {}
    for name, target in written_for.items():
        if isinstance(target, PlanTarget):
            outputs[name] = target.translate_plan(rule, plan, options)
        else:
            if isinstance(detection, NoDetection):
                output = Output(name, (), detection.diagnostics)
            else:
                output = _within_bounds(name, functools.partial(_triggered, name, target, rule, detection, timed, options))
                said = (*_of_other_elements(rule, detection, output), *_of_other_pairs(rule, detection, output))
                output = replace(output, diagnostics=(*output.diagnostics, *said))
            if isinstance(target, Pipes) and _distance(output) > _READY:
                walked = walked or _walked(rule, known, options)
                lane = _lane(target, rule, walked, options)
                output = _better(output, lane.faithful())
                if not output.texts:
                    output = _better(output, lane.loose())
            behind = output.head or detection
            if isinstance(behind, NoDetection):
                outputs[name] = output
                continue
            noted = (*since, *lost(rule, target.keeps), *_lacking(rule, output, target), *_history(rule, behind, output, target))
            outputs[name] = replace(output, diagnostics=(*output.diagnostics, *noted)) if output.texts else output
    tables = sorted({n.table for n in o.relations(plan.root) if isinstance(n, o.Source)})
    return Conversion(rule, detection, outputs, tuple(tables), timed)


def _within_bounds(name: str, write: Callable[[], Output]) -> Output:
    """What ``write`` gives for a target; nothing where the fields of its product are computed from each other without measure."""
    try:
        return write()
    except TooLarge as error:
        return Output(name, (), (Diagnostic("too-large", str(error), error.span),))


_READY = (0, 0)


def _distance(output: Output) -> tuple[int, int]:
    """How far an output is from one that alerts as the rule does, and one that does from names that the product has."""
    if output.verdict.rank > Verdict.SAME_ALERTS.rank:
        return output.verdict.rank, 0
    return 0, int(output.readiness is Readiness.NAMES)


def _better(output: Output, other: Output | None) -> Output:
    return output if other is None or _distance(other) >= _distance(output) else other


@dataclass(frozen=True, slots=True)
class _Walked:
    """A plan as the pipeline lane reads it, the ways to cut it, what is read of these, what their heads detect, and what is to be said."""

    plan: o.Plan
    cuts: tuple[Cut, ...]
    columns: tuple[set[int], set[int]]
    read: Callable[[Cut], Reading]
    lift: Lifted
    said: tuple[Diagnostic, ...]


def _walked(rule: Rule, plan: o.Plan, options: Options) -> _Walked:
    period = rule.period or options.timespan
    timed = with_given_moments(plan, period)
    read, said = spelled_out(plan if timed is plan else fold_constants(timed)), tuple[Diagnostic, ...]()
    if timed is not plan:
        what = f"the moments that a hunting search is given are taken for those of its last {duration(period)}"
        said = (Diagnostic("window-of-search", what),)
    columns = read_columns(read, rule.alert_columns)
    reading = functools.lru_cache(maxsize=64)(lambda cut: reading_of(read, cut.node, *columns))
    lifted = _once_each(functools.partial(_lifted, rule, options))
    return _Walked(read, tuple(cuts(read.root)), columns, lambda cut: reading(Same(cut)), lifted, said)


def _once_each(lift: Lifted) -> Lifted:
    """The same, which lifts the heads of a plan once for all targets: by their relation and the fields that are read of it."""
    found: dict[tuple[bool, int, object], tuple[o.Relation, Detection | NoDetection]] = {}

    def lifted(timed: bool, part: o.Plan) -> Detection | NoDetection:
        if not isinstance(part.root, o.Project):
            return lift(timed, part)
        head = part.root.input
        key = (timed, id(head), part.root.items)
        if key not in found:
            found[key] = head, lift(timed, part)
        return found[key][1]

    return lifted


def _lane(target: Pipes, rule: Rule, walked: _Walked, options: Options) -> Lane:
    trigger = trigger_of(rule.trigger_operator, rule.trigger_threshold)
    move = functools.partial(moved, target, rule, options=options)
    return Lane(target, walked.plan, walked.cuts, walked.columns, walked.read, trigger, walked.lift, move, options, walked.said)


def _lookbacks(detection: Detection) -> list[int]:
    """How far the alternatives of a detection look back, the shortest first; their searches are run over the longest."""
    return sorted({part.lookback for part in parts(detection)})


def _of_period(rule: Rule, detection: Detection) -> tuple[Diagnostic, ...]:
    """A word on events that the query asks for, and that the rule does not look at."""
    asked = max((_farthest(s) for part in parts(detection) for s in part.selectors), default=0)
    if rule.period is None or asked <= rule.period:
        return ()
    what = f"the query asks for events of up to {duration(asked)} ago, of which the rule's period leaves those of {duration(rule.period)}"
    return (Diagnostic("period-limits", what),)


def _farthest(selector: Selector) -> int:
    limits = [p for p in conjuncts(selector.predicate) if isinstance(p, Apply) and p.function in ("since", "after")]
    return max((x.value for p in limits if isinstance(x := p.args[0], Const) and isinstance(x.value, int)), default=0)


def _alerting(detection: Detection) -> int:
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


def _histories(target: Target, rule: Rule, detection: Detection, output: Output, options: Options) -> dict[str, tuple[str, int]]:
    """The searches that find what the lists of an output hold of earlier events, each with how far it looks back."""
    written = {}
    for part in parts(detection):
        for h in part.histories:
            if h.name not in output.lookups:
                continue
            seen = Detection(
                "event_count", (Side(h.name, h.selectors),), ("value",), (False,), Threshold("event_count", ">", 0), h.back, None, (),
                lookback=h.back,
            )  # fmt: skip
            found = target.translate(rule, moved(target, rule, seen, options), options)
            if found.texts and found.verdict.rank <= Verdict.SAME_ALERTS.rank:
                written[h.name] = (found.text, h.back)
    return written


OFTEN = 100
"""How many runs may look at one event before that is worth a word."""


def _lacking(rule: Rule, output: Output, target: Target) -> tuple[Diagnostic, ...]:
    """A word on columns that the details of an alert name, and its rows do not have."""
    if "custom-details" not in target.keeps or not target.tells_time:
        return ()
    entities = {e.column for e in rule.entities}
    lacking = [c for c in rule.alert_columns if c not in output.columns]
    told = [c for c in lacking if c not in entities]
    found = [Diagnostic("setting-lost", f"the rows have no {', '.join(told)}, which the details of the alert name")] if told else []
    if output.columns and (lost_ := [c for c in lacking if c in entities]):
        found.append(Diagnostic("entity-in-events", f"the rows have no {', '.join(lost_)}, an entity of the rule"))
    return tuple(found)


def _entities_shown(rule: Rule, output: Output) -> set[str]:
    """The columns of the rule's entities that the rows of an output have."""
    return {e.column for e in rule.entities} & output.columns.keys() if output.texts else set()


def _of_other_elements(rule: Rule, detection: Detection, output: Output) -> tuple[Diagnostic, ...]:
    """A word on entities that the rows take from any element of an array, where the query takes that for which its conditions hold."""
    entities = _entities_shown(rule, output)
    apart = {n for part in parts(detection) for s in part.shown for n, x in s.outputs if n in entities and read_apart(s, s.keys, [x])}
    if not apart:
        return ()
    what = f"{', '.join(sorted(apart))}: the entity is of the element for which the conditions hold, in the output of any of the array"
    return (Diagnostic("elements-apart", what),)


def _of_other_pairs(rule: Rule, detection: Detection, output: Output) -> tuple[Diagnostic, ...]:
    """A word on entities of events that the query joins with some of the same key alone, which an output gathers of all of the key."""
    entities = _entities_shown(rule, output)
    gathered = set[str]()
    for part in parts(detection):
        paired = part.kind == "temporal_ordered" or (part.kind == "temporal" and part.within is not None)
        for side in part.sides:
            if side.absent or not (paired or side.grouping):
                continue
            gathered |= {n for s in side.selectors for n, x in s.outputs if n in entities and x not in s.keys}
    if not gathered:
        return ()
    what = f"{', '.join(sorted(gathered))}: the entity is of the events that belong together, in the output of all that have the key"
    return (Diagnostic("entities-gathered", what),)


def _history(rule: Rule, detection: Detection, output: Output, target: Target) -> tuple[Diagnostic, ...]:
    """A word on a search that reads far more than is new since its last run."""
    back = output.lookback or max(part.lookback for part in (detection, *detection.others))
    if not target.tells_time or not rule.frequency or back < OFTEN * rule.frequency:
        return ()
    return (Diagnostic("long-history", f"each run reads {duration(back)} of events, every {duration(rule.frequency)}"),)


def _triggered(
    name: str,
    target: Target,
    rule: Rule,
    detection: Detection,
    timed: Detection | NoDetection | None,
    options: Options,
    counting: bool = True,
) -> Output:
    """What a target makes of a detection whose rows have to be as many as the rule asks for; ``counting``: where it can count them."""
    trigger = trigger_of(rule.trigger_operator, rule.trigger_threshold)
    rows = ("kept" if target.shows_rows else "counted") if counting and isinstance(target, CountsRows) else ""
    found = with_trigger(detection, trigger, rows)
    if isinstance(found, Detection) and not isinstance(target, CountsRows) and any(d.alerts_on_nothing for d in parts(found)):
        found = NoDetection((Diagnostic("trigger-absence", "the query finds something where there are no events"),))
    if isinstance(found, NoDetection):
        return Output(name, (), (*detection.diagnostics, *found.diagnostics))
    output = merged([written(name, target, rule, part, options) for part in parts(found)])
    if (alerting := max(map(_alerting, parts(found)))) < max(part.lookback for part in parts(found)):
        output = replace(output, alerting=alerting)
    if len(windows := _lookbacks(found)) > 1 and target.family != "sigma" and output.texts:
        lengths = f"windows of {', '.join(map(duration, windows))} become one of {duration(windows[-1])}"
        places = {part.place for part in parts(found)}
        said = Diagnostic("window-widened", lengths, None, places.pop() if len(places) == 1 else Place.BOTH)
        output = replace(output, diagnostics=(*output.diagnostics, said))
    if isinstance(timed, Detection) and target.tells_time and isinstance(own := with_trigger(timed, trigger, rows), Detection):
        other = merged([target.translate(rule, moved(target, rule, part, options), options) for part in parts(own)])
        if other.verdict.rank < output.verdict.rank or other.verdict == output.verdict:
            back = max(part.lookback for part in parts(own))
            output = replace(other, lookback=back, alerting=max(map(_alerting, parts(own))), timed=True)
            output = replace(output, diagnostics=(*output.diagnostics, *_of_period(rule, own)))
    if target.tells_time and output.lookups:
        output = replace(output, histories=_histories(target, rule, found, output, options))
    if found.trigger is None or not output.texts or not isinstance(target, CountsRows):
        return output
    if len(output.texts) > 1:  # each counts its own rows
        return _triggered(name, target, rule, detection, timed, options, counting=False)
    output = replace(output, diagnostics=tuple(d.below(found.trigger.place) for d in output.diagnostics))
    return target.with_rows(output, found.trigger, found.group_by)


def written(name: str, target: Target, rule: Rule, detection: Detection, options: Options) -> Output:
    """A detection by the lane with the better verdict: the target's own, else, where that deviates or refuses, the way through Sigma.

    On a tie the native one: it is one search where Sigma takes a rule for each alternative and each group without a key.
    """
    if target.family == "splunk" and options.splunk_model == "cim":
        found = written_once(name, target, rule, detection, options)
        return found if found.texts else written_once(name, target, rule, detection, replace(options, splunk_model="none"))
    return written_once(name, target, rule, detection, options)


def written_once(name: str, target: Target, rule: Rule, detection: Detection, options: Options) -> Output:
    """The same with one choice of homes."""
    place = moved(target, rule, detection, options)
    native = target.translate(rule, place, options)
    if native.verdict.rank <= Verdict.SAME_ALERTS.rank:
        return native
    from translator.sigma.portable.lane import LANES, through_sigma

    if name not in LANES or detection.alerts_on_nothing:
        return native
    portable = through_sigma(name, rule, place, options)
    return portable if portable.verdict.rank < native.verdict.rank else native


def moved(target: Target, rule: Rule, detection: Detection, options: Options) -> Placed:
    """``detection`` where the target's product keeps the events of its tables."""
    return placed(detection, target.family, options, rule, target.computes, target.reads_json)


def parts(detection: Detection) -> list[Detection]:
    """The alternatives that a detection is made of, each by itself."""
    return [replace(d, others=()) for d in (detection, *detection.others)]


def merged(outputs: list[Output]) -> Output:
    """The outputs of all alternatives as one, and a word on those that the target cannot write."""
    first = outputs[0]
    diagnostics = tuple(dict.fromkeys(d for o in outputs for d in o.diagnostics))
    written = [o for o in outputs if o.texts]
    if len(outputs) == 1 or not written:
        return replace(first, diagnostics=diagnostics)
    if len(written) < len(outputs):
        diagnostics = tuple(
            Diagnostic("alternative-dropped", f"a part of the union is left out: {d.message}", d.span) if d.direction == Verdict.NONE else d
            for d in diagnostics
        )
        outputs = written
    macros = {k: v for o in outputs for k, v in o.macros.items()}
    lookups = {k: v for o in outputs for k, v in o.lookups.items()}
    whole = replace(first, diagnostics=diagnostics, deployment=_together(outputs), macros=macros, lookups=lookups)
    if first.target == "sigma":
        return replace(whole, texts=("---\n".join(o.text for o in outputs),))
    return replace(whole, texts=tuple(t for o in outputs for t in o.texts))


def _together(outputs: list[Output]) -> Deployment | None:
    """What the outputs of all alternatives need of the product."""
    found = [o.deployment for o in outputs if o.deployment is not None]
    if not found:
        return None
    missing: dict[str, list[str]] = {}
    for table, names in (m for d in found for m in d.missing):
        missing.setdefault(table, []).extend(n for n in names if n not in missing.get(table, []))
    return Deployment(
        tuple(dict.fromkeys(r for d in found for r in d.reads)),
        tuple((table, tuple(names)) for table, names in missing.items()),
        tuple(dict.fromkeys(s for d in found for s in d.set_up)),
    )


def place(rule: Rule, diagnostic: Diagnostic) -> tuple[int, int]:
    """Line and column in the rule's file that a diagnostic is about; the query's start where it is about the whole."""
    return rule.place(diagnostic.span[0] if diagnostic.span else 0)
