"""Plan to detection: symbolic execution of the relations until predicates stand on stored fields."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from translator.detection.approximations import is_custom_text
from translator.detection.conditions import constrain
from translator.detection.idioms.adjacent import adjacent_rows, neighbour, reads_neighbour
from translator.detection.idioms.alternatives import alternatives_among, detect_alternatives, union_of_detections, union_of_events
from translator.detection.idioms.datatables import with_constants
from translator.detection.idioms.event_data import of_bag, of_event_data
from translator.detection.idioms.first_seen import first_seen_since, newly_seen
from translator.detection.idioms.joins import filter_joined, joined
from translator.detection.idioms.latest import is_of_one_event, of_one_event, with_any_such
from translator.detection.idioms.membership import by_membership, is_same_column, membership_of
from translator.detection.idioms.nested import of_events
from translator.detection.idioms.outer_joins import decided
from translator.detection.idioms.selector import detect_events
from translator.detection.idioms.subqueries import left_to_list, list_tables, with_lists, with_members
from translator.detection.idioms.temporal import detect_temporal
from translator.detection.idioms.threat_intel import INDICATORS
from translator.detection.idioms.threshold import detect_threshold, holds_of_shown
from translator.detection.idioms.values import denies_average
from translator.detection.lifting import Blocked, FieldTest, FilledTest, Findings, Lifting, ListNames
from translator.detection.model import DAY, Detection, NoDetection
from translator.detection.naming import snake
from translator.detection.shapes import (
    Branch,
    Either,
    Events,
    Grouped,
    Joined,
    Listed,
    Shape,
    with_keys,
)
from translator.fidelity import Diagnostic
from translator.plan import operators as o
from translator.plan.describe import operator_word
from translator.plan.expressions import (
    ELEMENT,
    TRUE,
    Apply,
    Column,
    ColumnRef,
    Expr,
    Path,
    Span,
    columns_of,
    conjuncts,
    substitute,
)
from translator.plan.missing import asked_of
from translator.plan.monotonicity import of_groups
from translator.plan.patterns import extractions, matching
from translator.plan.simplify import TooLarge, simplify
from translator.plan.types import Type
from translator.plan.unique_joins import sided


def lift(
    plan: o.Plan, *, period: int | None = None, default_timespan: int = DAY, is_address: FieldTest = lambda table, name: False,
    is_filled: FilledTest = lambda table, name, pins: False, timed: bool = False,
) -> Detection | NoDetection:  # fmt: skip
    """What ``plan``, with its known values in place, detects.

    Args:
        period: the rule's ``queryPeriod`` in seconds, if it has one.
        default_timespan: seconds, for a query that has no window of its own in a rule without a period.
        is_address: tells fields that hold IP addresses, from the catalog.
        is_filled: tells fields that every event has, or every one with some values in other fields.
        timed: for targets that can ask how long ago an event was: each part keeps its own window.
    """
    return _Lifter(plan, period, default_timespan, is_address, is_filled, timed=timed).run()


_MATCHED = frozenset({"inner", "innerunique"})
"""Joins of rows that match: a condition on their left side is the same before them."""


def _has_elements(shape: Shape, expr: Expr) -> bool:
    """Whether an array is what a summary gathers of texts, which are never null, so that each group has one at least.

    Source: learn.microsoft.com/kusto/query/make-set-aggregation-function, scalar-data-types/null-values.
    """
    gathered = shape.aggregates.get(expr.column.id) if isinstance(shape, Grouped) and isinstance(expr, ColumnRef) else None
    match gathered:
        case Apply(function="make_set" | "make_list", args=(value,)):
            return value.type == Type.STRING or is_custom_text(value)
    return False


def _numbers_of_rows(plan: o.Plan) -> set[int]:
    """The ids of the columns that number the rows which ``mv-apply`` expands."""
    return {n.column.id for n in o.relations(plan.root) if isinstance(n, o.Number)}


class _Lifter(Lifting):
    def run(self) -> Detection | NoDetection:
        try:
            shape = self.shape(self.plan.root)
            if isinstance(shape, Listed) and self.takes_indicators_for_lists:
                return self.restarted(takes_indicators_for_lists=False).run()
            return self.finished(self.detection(shape))
        except TooLarge as error:
            return NoDetection((Diagnostic("too-large", str(error), error.span),))
        except Blocked as blocked:
            refused = NoDetection(blocked.diagnostics)
            if not self.takes_rows_for_sides or not self.may_make_sides():
                return refused
            # The rest may still decide something where what is read of rows beside a row, or joined to it, is left out.
            rest = self.restarted(takes_rows_for_sides=False).run()
            return rest if isinstance(rest, Detection) else refused

    def restarted(self, takes_indicators_for_lists: bool | None = None, takes_rows_for_sides: bool = True) -> _Lifter:
        """The walk from its start, with fewer liberties."""
        lists = self.takes_indicators_for_lists if takes_indicators_for_lists is None else takes_indicators_for_lists
        return replace(
            self, takes_indicators_for_lists=lists, takes_rows_for_sides=takes_rows_for_sides, findings=Findings(), lists=ListNames()
        )

    def may_make_sides(self) -> bool:
        """Whether a condition of the plan can take rows beside a row, or joined to it, for sides."""
        filters = (n for n in o.relations(self.plan.root) if isinstance(n, o.Filter))
        return any(decided(n) is not None or by_membership(n, list_tables(self)) is not None for n in filters) or any(
            neighbour(n) is not None for n in o.parts(self.plan.root)
        )

    def finished(self, detection: Detection) -> Detection:
        """``detection`` and its alternatives, with all that was found on the way to them."""
        found = self.findings
        said, histories, added = tuple(found.said), tuple(found.histories), frozenset(found.added)
        whole = replace(detection, diagnostics=said, histories=histories, beyond=found.beyond, added=added)
        others = (replace(d, diagnostics=said, histories=histories, beyond=found.beyond) for d in detection.others)
        return replace(whole, others=tuple(others))

    def shape(self, relation: o.Relation) -> Shape:
        match relation:
            case o.Source(table=table) if table in list_tables(self):
                return INDICATORS
            case o.Source(table=table, id=identifier):
                return Events([Branch(table, identifier, TRUE, {})])
            case o.Filter() if (with_partners := self.decided(relation)) is not None:
                return with_partners
            case o.Filter() if (asked_before := sided(relation, _MATCHED)) is not relation:
                return self.shape(asked_before)
            case o.Filter(input=inner, predicate=predicate, span=span):
                return self.filtered(self.below(relation).shape(inner), predicate, span)
            case o.Compute(input=inner, items=items) | o.Project(input=inner, items=items):
                return self.computed(self.below(relation).shape(inner), items)
            case o.Aggregate(input=inner, keys=keys, aggregates=aggregates, span=span):
                shape = self.below(relation, of_groups(relation, self.place, self.above)).shape(inner)
                return self.aggregated(shape, keys, aggregates, span)
            case o.Union(inputs=inputs, columns=columns, span=span, fuzzy=fuzzy):
                found = alternatives_among(self.below(relation), inputs, lambda part, relation: part.shape(relation))
                shapes, windows = [a.value for a in found], [a.windows for a in found]
                columns = tuple((c, tuple(origins[a.number] for a in found)) for c, origins in columns)
                if all(isinstance(s, Events) or (isinstance(s, Grouped) and not s.having and isinstance(s.input, Events)) for s in shapes):
                    self.findings.windows += [w for stated in windows for w in stated]
                    return union_of_events(self, shapes, columns, span, fuzzy)
                return union_of_detections(self, shapes, windows, columns, span)
            case o.Join():
                return joined(self, relation)
            case o.External(kind=kind, name=name):
                return Listed(snake(name), kind)
            case o.Expand():
                return self.expand(relation)
            case o.Number(input=inner):
                return self.shape(inner)
            case o.Parse():
                return self.parse(relation)
            case o.Limit(input=inner, operator=operator, span=span):
                self.say("row-limit", f"'{operator}' keeps some of the rows only", span)
                return self.shape(inner)
            case o.Sort(input=inner, keys=order, span=span):
                self.say("ignored-operator", "'sort' does not decide what alerts", span)
                shape = self.shape(inner)
                return replace(shape, order=order) if isinstance(shape, Events) else shape
            case o.Distinct(input=inner, columns=distinct, span=span):
                self.say("rows-differ", "'distinct' merges events that the output shows apart", span)
                keys = tuple((c, ColumnRef(span, c.type, c)) for c in distinct)
                return self.aggregated(self.shape(inner), keys, (), span)
            case o.Arrange(input=inner, operator=operator, span=span):
                self.say("ignored-operator", f"'{operator}' does not decide what alerts", span)
                return self.shape(inner)
            case o.Rows(span=span):
                raise self.block("unsupported-detection", "a datatable holds no events", span)
            case o.Plugin(name="bag_unpack") if (unpacked := of_bag(self, relation)) is not None:
                return unpacked
            case o.Plugin(name="pivot") if (pivoted := of_event_data(self, relation)) is not None:
                return pivoted
            case o.Unsupported(reason=reason, span=span, input=inner):
                blocked = self.block("unsupported-operator", reason, span)
                try:
                    if inner is not None:
                        self.shape(inner)
                except Blocked as below:
                    raise Blocked(*blocked.diagnostics, *below.diagnostics) from below
                raise blocked
            case _:
                if isinstance(inner := getattr(relation, "input", None), o.Relation):
                    self.shape(inner)
                code = "unsupported-series" if isinstance(relation, o.Series) else "unsupported-operator"
                raise self.block(code, f"the operator {operator_word(relation)} is not supported yet", relation.span)

    def decided(self, relation: o.Filter) -> Shape | None:
        """An outer join that this condition decides, or a union of what it asks for; None where it is another condition."""
        joined = (decided(relation) or by_membership(relation, list_tables(self))) if self.takes_rows_for_sides else None
        return None if joined is None else self.shape(joined)

    def expand(self, relation: o.Expand) -> Shape:
        """mv-expand: a column is any element of its array. The events stay what they are; a row for each element does not alert more."""
        shape = self.shape(relation.input)
        if isinstance(shape, Listed):
            return shape
        self.say("expanded-rows", "the query gives a row for each element of an array, the output one for the event", relation.span)
        if isinstance(shape, Events):
            shape = replace(shape, branches=[replace(b, multiplied=True) for b in shape.branches])
        gathered = all(_has_elements(shape, expr) for _, expr in relation.items)
        if not gathered and not asked_of([c for c, _ in relation.items], [r for r, _ in reversed(self.above)]):
            self.say("empty-array", "an event whose array is empty is no row in the query", relation.span)
        if relation.limit is not None:
            self.say("row-limit", "'limit' keeps the first elements of each array only", relation.span)
        if len(relation.items) > 1:
            what = "the query takes elements that stand at the same place of these arrays, the output any of each"
            self.say("elements-apart", what, relation.span)
        kinds = {Type.UNKNOWN: Type.DYNAMIC}
        items = tuple((c, Path(x.span, kinds.get(c.type, c.type), x, (ELEMENT,))) for c, x in relation.items)
        return self.computed(shape, items)

    def parse(self, relation: o.Parse) -> Shape:
        """parse: columns that a regular expression takes from a text."""
        shape = self.shape(relation.input)
        if isinstance(shape, Listed):
            return shape
        if relation.filters:
            shape = self.filtered(shape, matching(relation), relation.span)
        return self.computed(shape, extractions(relation))

    def computed(self, shape: Shape, items: tuple[tuple[Column, Expr], ...]) -> Shape:
        if isinstance(shape, Listed):
            if any(not isinstance(x, ColumnRef) for _, x in items):
                self.say("list-condition", "what the query computes from the list is left to whoever keeps it", items[0][1].span)
            return shape
        if isinstance(shape, Either):
            for member in shape.members:
                self.computed(member, items)
            return shape
        envs = [b.env for b in shape.branches] if isinstance(shape, Events) else [shape.env]
        for env in envs:
            before = dict(env)
            for column, expr in items:
                env[column.id] = simplify(substitute(with_constants(expr), before))
        return shape

    def filtered(self, shape: Shape, predicate: Expr, span: Span | None) -> Shape:
        if isinstance(shape, Listed):
            self.say("list-condition", "this condition on the list is left to whoever keeps it", predicate.span)
            return shape
        if isinstance(shape, Either):
            if shape.decided & {c.id for c in columns_of(predicate)}:
                raise self.block("unsupported-detection", "a threshold over a union of summaries or joins is not supported", span)
            shape.members = [self.filtered(m, predicate, span) for m in shape.members]
            return shape
        if (
            self.takes_rows_for_sides
            and isinstance(shape, Events)
            and any(reads_neighbour(substitute(predicate, b.env)) for b in shape.branches)
        ):
            return adjacent_rows(self, shape, predicate, span)
        for part in sorted(conjuncts(with_constants(predicate)), key=partial(is_of_one_event, shape)):
            if left_to_list(self, shape, part):
                continue
            if isinstance(shape, Grouped) and denies_average(part, shape.aggregates):
                self.say("sum-of-none", "an average of no values is no number in KQL, and none in the output", part.span)
            part = with_lists(self, part)
            if isinstance(shape, Events | Joined) and (member := membership_of(part)) and (not member.within or is_same_column(member)):
                shape = with_members(self, shape, member, part)
                continue
            match shape:
                case Events(branches=found):
                    for branch in found:
                        constrain(self, branch, part)
                case Grouped():
                    self.having(shape, part)
                case Joined():
                    filter_joined(self, shape, part, span)
        return shape

    def narrowed(self, shape: Shape, predicate: Expr, span: Span | None) -> Events | Joined:
        found = self.filtered(shape, predicate, span)
        assert isinstance(found, Events | Joined)
        return found

    def aggregated(
        self, shape: Shape, keys: tuple[tuple[Column, Expr], ...], aggregates: tuple[tuple[Column, Expr], ...], span: Span | None
    ) -> Shape:
        if keys and {c.id for _, x in keys for c in columns_of(x)} & _numbers_of_rows(self.plan):
            raise self.block("unsupported-operator", "a summary within mv-apply is not supported yet", span)
        if isinstance(shape, Listed):
            return shape
        if isinstance(shape, Either):
            self.say("rows-differ", "the query summarizes its alternatives together", span)
            shape.decided |= {c.id for c, _ in aggregates}
            return self.computed(shape, keys)
        if isinstance(shape, Grouped):
            if shape.having:
                self.say("rows-differ", "the query summarizes again what is over the threshold", span)
                shape.closed = True
                return self.computed(shape, keys)
            env = shape.env
            if any(isinstance(x, Apply) and any(c.id in shape.aggregates for c in columns_of(x)) for _, x in keys):
                raise self.block("unsupported-detection", "a summarize by an aggregate is not supported", span)
            definitions = {**env, **{c.id: x for c, x in shape.keys}}
            by = [substitute(x, env) for _, x in keys]
            return Grouped(
                shape.input,
                [(c, substitute(x, definitions)) for c, x in keys],
                {c.id: of_events(substitute(x, env), shape, by) for c, x in aggregates},
            )
        return Grouped(shape, list(keys), {c.id: x for c, x in aggregates})

    def having(self, shape: Grouped, predicate: Expr) -> None:
        predicate = substitute(predicate, shape.env)
        used = {c.id for c in columns_of(predicate)}
        if shape.closed and not used <= {*shape.aggregates, *(c.id for c, _ in shape.keys)}:
            if not all(holds_of_shown(self, shape, part) for part in conjuncts(predicate)):
                self.say("condition-dropped", "this condition on a second summary is left out", predicate.span)
            return
        if (since := first_seen_since(shape, predicate)) is not None:
            newly_seen(self, shape, *since, predicate)
            return
        definitions = {c.id: x for c, x in shape.keys}
        if used & shape.aggregates.keys():
            if not self.broadens("one-event-of-group") or (one := of_one_event(self, shape, predicate)) is None:
                if shape.row is not None:
                    # Of the events only those are left of which a condition on one holds: how many there were is lost.
                    self.say("condition-dropped", "a condition on all events of a group, of which one was asked for", predicate.span)
                    return
                shape.having.append(predicate)
                return
            if shape.having:
                with_any_such(shape, substitute(one, definitions))
                return
            predicate = one
        shape.input = self.narrowed(shape.input, substitute(predicate, definitions), predicate.span)

    def as_events(self, shape: Shape, what: str, span: Span | None) -> Events:
        """A shape as plain events: a summarize without a threshold selects the same keys as its input."""
        if isinstance(shape, Grouped) and not shape.having and isinstance(shape.input, Events):
            self.say("rows-differ", "the rows are groups of events in the query, the events themselves here", span)
            return with_keys(shape, shape.input)
        if isinstance(shape, Events):
            return shape
        if isinstance(shape, Listed):
            raise self.block("unsupported-join", f"{what} the {shape.kind} {shape.name} is not supported", span)
        if isinstance(shape, Either):
            raise self.block("unsupported-detection", f"{what} a union of summaries or joins is not supported yet", span)
        kind = "summaries with a threshold" if isinstance(shape, Grouped) else "joins"
        raise self.block("unsupported-detection", f"{what} {kind} is not supported yet", span)

    def detection(self, shape: Shape) -> Detection:
        outer: Grouped | None = None
        if isinstance(shape, Listed):
            raise self.block("unsupported-detection", f"the {shape.kind} {shape.name} alone holds no events", None)
        if isinstance(shape, Either):
            return detect_alternatives(self, shape)
        if isinstance(shape, Grouped):
            outer, inner = shape, shape.input
        else:
            inner = shape
        if isinstance(inner, Joined):
            if outer is not None and outer.having:
                raise self.block("unsupported-detection", "a threshold over a join is not supported yet", inner.span)
            if outer is not None and not outer.keys:
                raise self.block("unsupported-detection", "a summarize without by gives a row even where nothing is joined", inner.span)
            return detect_temporal(self, inner, outer)
        return detect_threshold(self, inner, outer) if outer is not None and outer.having else detect_events(self, inner, outer)
