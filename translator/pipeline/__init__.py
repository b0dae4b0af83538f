"""One rule through all stages."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from translator import catalog
from translator.catalog import Home, Stored
from translator.detection.lift import lift
from translator.detection.model import Detection, NoDetection
from translator.detection.trigger import trigger_of
from translator.detection.windows import duration, windows_decide, with_given_moments
from translator.engine.constant_folding import fold_constants
from translator.fidelity import Diagnostic, Verdict, verdict_of
from translator.kql.parser import parse
from translator.pipeline.lanes import moved, triggered, within_bounds
from translator.pipeline.registry import target_of
from translator.pipeline.remarks import (
    entities_of,
    lost_entities,
    on_choices,
    on_columns,
    on_elements,
    on_elsewhere,
    on_history,
    on_left_out,
    on_overwritten,
    on_pairs,
    on_parts,
    on_plugins,
    on_scope,
    on_texts_of_json,
    where_each_alerts,
    with_reach,
)
from translator.plan import operators as o
from translator.plan.binder import bind
from translator.plan.binder.problems import BindError
from translator.plan.existing import with_known_columns
from translator.plan.expressions import Same
from translator.plan.parsed_texts import with_parsed_texts
from translator.plan.simplify import TooLarge
from translator.plan.unordered import with_sets
from translator.rulepack.model import Rule
from translator.rulepack.settings import lost
from translator.targets.base import Deployment, Options, Output, Readiness
from translator.targets.choice import chosen_name, is_chosen, told_apart
from translator.targets.homes import Placed
from translator.targets.names import ORIGINALS
from translator.targets.pipeline.cases import as_groups
from translator.targets.pipeline.cuts import Cut, cuts
from translator.targets.pipeline.lane import Lane, Lifted
from translator.targets.pipeline.reading import Reading, only_apart, reading_of, shown_columns
from translator.targets.pipeline.spelling import spelled_out
from translator.targets.protocols import LooksBack, Pipes, PlanTarget, Target


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
    each: tuple[Diagnostic, ...] = ()
    """What is to be said of a way to alert on each event of the detection."""

    def keys(self, output: Output) -> tuple[str, ...]:
        """What the rows of an output are grouped by."""
        found = self.behind(output)
        return found.group_by if isinstance(found, Detection) and output.head is None else ()

    def behind(self, output: Output) -> Detection | NoDetection | None:
        """The detection that an output is made of."""
        return output.head or (self.timed if output.timed else self.detection)

    def outline(self) -> Conversion:
        """The same with no more of its detections than their kinds, keys and times, which take a tenth of the memory."""
        detection, timed = (d.outline() if isinstance(d, Detection) else d for d in (self.detection, self.timed))
        assert detection is not None
        return replace(self, detection=detection, timed=timed, outputs={name: o.outline() for name, o in self.outputs.items()})

    @property
    def triggered(self) -> bool:
        """Whether the rule asks for more than any row."""
        return trigger_of(self.rule.trigger_operator, self.rule.trigger_threshold) is not None


def convert(rule: Rule, targets: tuple[str, ...] = ("sigma", "splunk", "eql", "esql"), options: Options | None = None) -> Conversion:
    """Translates ``rule`` to each of ``targets``.

    Raises:
        translator.KqlSyntaxError: where the query is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
        ValueError: for an unknown target.
    """
    try:
        way = _Translation(rule, options or Options())
        written_for = {name: target_of(name) for name in targets}
        outputs = {name: way.output(name, target) for name, target in written_for.items()}
        tables = [name for name in _tables(way.plan) if name != o.UNKNOWN_TABLE]
        tell_time = any(not isinstance(t, PlanTarget) and t.tells_time for t in written_for.values())
        each = (*way.of_texts, *where_each_alerts(rule, way.folded, way.detection)) if isinstance(way.detection, Detection) else ()
        return Conversion(rule, way.detection, outputs, tuple(tables), way.timed if tell_time else None, each)
    except RecursionError as error:
        raise BindError("this query nests too deeply", None) from error
    except TooLarge as error:
        raise BindError(str(error), error.span) from error


def piped(target: str, rule: Rule, options: Options) -> Output | None:
    """The output of the pipeline lane alone, whatever other lanes have; None where the target has none, or it writes nothing good.

    Raises:
        translator.KqlSyntaxError: where the query is no KQL.
        translator.plan.binder.problems.BindError: where it has no meaning.
        ValueError: for an unknown target.
    """
    writer = target_of(target)
    if not isinstance(writer, Pipes) or isinstance(writer, PlanTarget):
        return None
    plan = bind(parse(rule.query), catalog.schemas())
    known = _folded(plan)
    options, *_ = with_reach(rule, known, options)
    found = _lane(writer, rule, _walked(rule, known, options), options).faithful()
    if found is None:
        return None
    said = (*on_texts_of_json(plan, entities_of(rule, plan)), *on_elsewhere(plan), *on_plugins(plan, found))
    return replace(found, diagnostics=(*found.diagnostics, *said))


def _folded(plan: o.Plan) -> o.Plan:
    """A plan with what is known of its columns and values in place."""
    return fold_constants(with_sets(with_parsed_texts(with_known_columns(plan, catalog.has_column))))


def _lifted(rule: Rule, options: Options, timed: bool, plan: o.Plan) -> Detection | NoDetection:
    return lift(
        plan, period=rule.period, default_timespan=options.timespan, is_address=catalog.is_address, is_filled=catalog.is_filled, timed=timed
    )


class _Translation:
    """A rule on its way to its targets, with what is worked out once for all of them."""

    def __init__(self, rule: Rule, options: Options) -> None:
        self.rule = rule
        self.plan = bind(parse(rule.query), catalog.schemas())
        self.folded = _folded(self.plan)
        self.of_texts = (*on_texts_of_json(self.plan, entities_of(rule, self.plan)), *on_elsewhere(self.plan))
        self.options, self.since, self.moment = with_reach(rule, self.folded, options)
        self.lift: Lifted = functools.partial(_lifted, rule, self.options)
        self.detection = self.lift(False, self.folded)

    @functools.cached_property
    def timed(self) -> Detection | NoDetection | None:
        """The detection with a window of its own for each of its parts, where these differ."""
        found = self.detection
        if isinstance(found, NoDetection):
            return None
        return self.lift(True, self.folded) if windows_decide([found]) else None

    @functools.cached_property
    def of_search(self) -> Detection | NoDetection | None:
        """The same, with the moments that a hunting search is given as those of its period where nothing else tells them."""
        period = self.rule.period or self.options.timespan
        if not isinstance(self.timed, NoDetection) or (given := with_given_moments(self.folded, period)) is self.folded:
            return self.timed
        found = self.lift(True, fold_constants(given))
        return replace(found, diagnostics=(*found.diagnostics, _of_search(period))) if isinstance(found, Detection) else found

    @functools.cached_property
    def walked(self) -> _Walked:
        return _walked(self.rule, self.folded, self.options)

    def output(self, name: str, target: Target | PlanTarget) -> Output:
        """The best of what the lanes of a target write."""
        if isinstance(target, PlanTarget):
            made = target.translate_plan(self.rule, self.plan, self.options)
            return replace(made, diagnostics=(*made.diagnostics, *on_elsewhere(self.plan)))
        output = self.detected(name, target, self.options)
        lane = None
        if isinstance(target, Pipes) and (_distance(output) > _READY or lost_entities(self.rule, self.plan, output, target)):
            lane = _lane(target, self.rule, self.walked, self.options)
            output = self.telling(target, output, self.piped(target, lane))
        if _distance(output) > _READY:
            output = self.set_up(name, target, output)
        if lane is not None and not output.texts:
            output = _better(output, lane.loose())
        output = replace(output, diagnostics=(*output.diagnostics, *self.of_texts)) if output.texts and self.of_texts else output
        behind = output.head or self.detection
        if isinstance(behind, NoDetection) or not output.texts:
            return output
        kept = lost(self.rule, target.keeps)
        bounded = target.since(output, self.moment) if self.moment is not None and isinstance(target, LooksBack) else None
        output, since = (output, self.since) if bounded is None else (bounded, ())
        since = tuple(d for d in since if d.code not in {known.code for known in output.diagnostics})
        said = (*since, *kept, *on_columns(self.rule, self.plan, output, target), *on_history(self.rule, behind, output, target))
        said = (*said, *on_scope(self.rule, behind))
        said = (*said, *on_overwritten(behind, output)) if output.lane != "pipeline" else said
        said = (*said, *on_plugins(self.plan, output)) if isinstance(target, Pipes) else said
        return replace(output, diagnostics=(*output.diagnostics, *said))

    def piped(self, target: Pipes, lane: Lane) -> Output | None:
        """The plan operator by operator, and what is said of entities that its rows do not have."""
        output = lane.faithful()
        said = () if output is None else on_left_out(self.rule, self.folded, output, target)
        return replace(output, diagnostics=(*output.diagnostics, *said)) if output is not None and said else output

    def telling(self, target: Pipes, output: Output, other: Output | None) -> Output:
        """The better one of two outputs; of two that are as good that which has the entities of the rule in its rows.

        Of two that deviate in one direction it is that which does so in fewer ways. Where rows are events, which have what entities are
        made of, that is no reason for a rule to need a younger product.
        """
        if other is None or _distance(other) != _distance(output):
            return _better(output, other)
        if not _is_good(other):
            return other if _deviations(other) < _deviations(output) else output
        of_events = isinstance(self.detection, Detection) and all(part.kind == "event" for part in self.detection.alternatives)
        if of_events and not _younger(other) <= _younger(output):
            return output
        lost_, lost_there = (len(lost_entities(self.rule, self.plan, o, target)) for o in (output, other))
        return other if lost_there < lost_ else output

    def set_up(self, name: str, target: Target, output: Output) -> Output:
        """The best of what is good over homes that need a setting of the product, where that is better than ``output``."""
        best = output
        for homes in _set_up_homes(target, self.plan, self.options, output.deployment):
            found = self.over(name, target, homes)
            if not _is_good(found) or _better(best, found) is best:
                continue
            for home in homes if len(homes) > 2 else ():  # of two each has been tried alone
                fewer = self.over(name, target, tuple(h for h in found.homes if h != home))
                found = fewer if _is_good(fewer) and _distance(fewer) <= _distance(found) else found
            best = replace(found, instead=output.deployment)
            if _distance(best) == _READY:
                break
        return best

    def over(self, name: str, target: Target, homes: tuple[str, ...]) -> Output:
        """The best of what the lanes write over homes that are not taken otherwise."""
        options = replace(self.options, homes=(*self.options.homes, *homes))
        # What is said of the detection is said over all homes.
        ways = [d for d in (self.detection, self.timed) if isinstance(d, Detection)]
        hopeful = any(verdict_of(d.diagnostics).rank <= Verdict.SAME_ALERTS.rank for d in ways)
        found = self.detected(name, target, options) if hopeful else Output(name, (), self.detection.diagnostics)
        if isinstance(target, Pipes) and not _is_good(found):
            found = _better(found, self.piped(target, _lane(target, self.rule, self.walked, options)))
        return replace(found, homes=(*homes, *found.homes))

    def detected(self, name: str, target: Target, options: Options) -> Output:
        """The best of what the lanes write that take detections."""
        if isinstance(self.detection, NoDetection):
            return Output(name, (), self.detection.diagnostics)
        apart = told_apart(_tables(self.plan), target.family, options)
        options = replace(options, homes=(*options.homes, *apart))
        timed = (self.timed if isinstance(target, Pipes) else self.of_search) if target.tells_time else None
        output = within_bounds(name, functools.partial(triggered, name, target, self.rule, self.detection, timed, options))
        choices = on_choices(self.rule, self.folded, self.detection, output, target)
        if choices and target.chooses and (one := self.of_one_event(name, target, timed, options)) is not None:
            output, choices = one, ()
        told = (on(self.rule, self.folded, self.detection, output) for on in (on_elements, on_parts, on_pairs))
        said = (*itertools.chain.from_iterable(told), *choices)
        return replace(output, diagnostics=(*output.diagnostics, *said), homes=apart)

    def of_one_event(self, name: str, target: Target, timed: Detection | NoDetection | None, options: Options) -> Output | None:
        """What alerts on the one event of each group that the query shows; None where that is not known, or not all of it can be said."""
        assert isinstance(self.detection, Detection)
        grouped = self.detection.of_groups()
        own = timed.of_groups() if isinstance(timed, Detection) else None
        counted = trigger_of(self.rule.trigger_operator, self.rule.trigger_threshold) is not None
        if grouped is None or counted or (own is None and isinstance(timed, Detection)):
            return None
        found = within_bounds(name, functools.partial(triggered, name, target, self.rule, grouped, own, options))
        return replace(found, head=own if found.timed else grouped) if _is_good(found) else None


def _tables(plan: o.Plan) -> list[str]:
    """The tables that a plan reads, by their names."""
    return sorted({n.table for n in o.relations(plan.root) if isinstance(n, o.Source)})


def _set_up_homes(target: Target, plan: o.Plan, options: Options, deployment: Deployment | None) -> list[tuple[str, ...]]:
    """The homes of a plan's tables that have more where something is set; none beside a home that is asked for.

    Each stands alone, then those of one name, the first of each table, and all; those of many tables are not tried one by one.

    Args:
        deployment: what is lacking without them.
    """
    if options.fields == "source":
        return []

    lacking = {t for t, _ in deployment.missing} | {r.table for r in deployment.reads if not r.home} if deployment is not None else set()

    def helps(name: str, home: Home) -> bool:
        reads = target.reads_json or not any(isinstance(c, Stored) and c.type in ORIGINALS for c in home.columns.values())
        return bool(home.setting) and reads and (not home.for_names or name in lacking or all(h.optional for h in homes[name]))

    homes = {name: t.homes[target.family] for name in _tables(plan) if (t := catalog.table(name)) is not None}
    untouched = {name: of for name, of in homes.items() if not any(is_chosen(name, h, options) for h in of)}
    found = [(name, h.name, chosen_name(name, h)) for name, of in untouched.items() for h in of if helps(name, h)]
    every = [(chosen,) for *_, chosen in found]
    alike, first = dict[str, tuple[str, ...]](), dict[str, str]()
    for name, home, chosen in found:
        alike[home] = (*alike.get(home, ()), chosen)
        first.setdefault(name, chosen)
    alone = every if len(every) <= _MOST_HOMES else []
    return list(dict.fromkeys(x for x in (*alone, *alike.values(), tuple(first.values()), sum(every, ())) if x))


_READY = (0, 0)

_MOST_HOMES = 4
"""Of how many homes each is tried alone."""


def _younger(output: Output) -> set[str]:
    """What an output asks for of a product that older versions of it lack."""
    return {d.message for d in output.diagnostics if d.code == "elastic-version"}


def _is_good(output: Output) -> bool:
    return output.verdict.rank <= Verdict.SAME_ALERTS.rank


def _distance(output: Output) -> tuple[int, int]:
    """How far an output is from one that alerts as the rule does, and one that does from names that the product has."""
    if output.verdict.rank > Verdict.SAME_ALERTS.rank:
        return output.verdict.rank, 0
    return 0, int(output.readiness is Readiness.NAMES)


def _deviations(output: Output) -> int:
    """In how many ways an output alerts otherwise than the rule."""
    return sum(d.direction.rank > Verdict.SAME_ALERTS.rank for d in output.diagnostics)


def _better(output: Output, other: Output | None) -> Output:
    return output if other is None or _distance(other) >= _distance(output) else other


@dataclass(frozen=True, slots=True)
class _Walked:
    """A plan as the pipeline lane reads it, the ways to cut it, what is read of these, what their heads detect, and what is to be said."""

    plan: o.Plan
    cuts: tuple[Cut, ...]
    shown: set[int]
    read: Callable[[Cut, bool, bool], Reading | None]
    lift: Lifted
    said: tuple[Diagnostic, ...]


def _walked(rule: Rule, plan: o.Plan, options: Options) -> _Walked:
    period = rule.period or options.timespan
    timed = with_given_moments(plan, period)
    read, said = spelled_out(plan if timed is plan else fold_constants(timed), _identifying(rule, plan)), tuple[Diagnostic, ...]()
    if timed is not plan:
        said = (_of_search(period),)
    shown = shown_columns(read, entities_of(rule, plan) | frozenset(rule.alert_columns))
    counted = trigger_of(rule.trigger_operator, rule.trigger_threshold) is not None
    keys = frozenset[int]() if counted else only_apart(read, _identifying(rule, read))
    entities = {e.column for e in rule.entities}

    @functools.lru_cache(maxsize=64)
    def reading(cut: Same[Cut], told: bool, apart: bool) -> Reading | None:
        return None if apart and not keys else reading_of(read, cut.node, shown, told, keys if apart else (), entities)

    lifted = _once_each(functools.partial(_lifted, rule, options))
    return _Walked(read, tuple(cuts(read.root)), shown, lambda cut, told, apart: reading(Same(cut), told, apart), lifted, said)


def _of_search(period: int) -> Diagnostic:
    what = f"the range of time that whoever hunts chooses is taken for the last {duration(period)}"
    return Diagnostic("window-of-search", what)


def _identifying(rule: Rule, plan: o.Plan) -> frozenset[str]:
    """The columns by which one alert is told from another: those that it is made of, by convention where the rule names no entities."""
    names = frozenset(name for name, _ in plan.names)
    return entities_of(rule, plan) | frozenset(rule.alert_columns) or names


def _once_each(lift: Lifted) -> Lifted:
    """The same, which lifts the heads of a plan once for all targets: by their relation and the fields that are read of it."""
    found: dict[tuple[bool, object, object], Detection | NoDetection] = {}

    def lifted(timed: bool, part: o.Plan) -> Detection | NoDetection:
        asked = timed, Same(part), None
        if asked not in found:
            root = part.root
            of_head = (timed, _content(root.input), root.items) if isinstance(root, o.Project) else asked
            if of_head not in found:
                found[of_head] = lift(timed, part)
            found[asked] = found[of_head]
        return found[asked]

    return lifted


def _content(node: o.Relation) -> tuple[object, ...]:
    """What tells a relation from others that are no copies of it: each way to cut a plan has heads of its own."""
    return type(node), *(Same(getattr(node, name)) for name in node.__dataclass_fields__)


def _lane(target: Pipes, rule: Rule, walked: _Walked, options: Options) -> Lane:
    trigger = trigger_of(rule.trigger_operator, rule.trigger_threshold)

    @functools.cache
    def grouped(head: Same[Detection], names: tuple[str, ...], wanted: tuple[int, ...]) -> Placed | None:
        """Once for all cuts of the plan, which have many heads in common."""
        groups = as_groups(head.node, names, wanted)
        return None if groups is None else moved(target, rule, groups, options)

    def move(head: Detection, names: tuple[str, ...], wanted: tuple[int, ...]) -> Placed | None:
        return grouped(Same(head), names, wanted)

    return Lane(target, walked.plan, walked.cuts, walked.shown, walked.read, trigger, walked.lift, move, options, walked.said)


def place(rule: Rule, diagnostic: Diagnostic) -> tuple[int, int]:
    """Line and column in the rule's file that a diagnostic is about; the query's start where it is about the whole."""
    return rule.place(diagnostic.span[0] if diagnostic.span else 0)
