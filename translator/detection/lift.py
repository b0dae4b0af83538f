"""Plan to detection: symbolic execution of the relations until predicates stand on stored fields."""

from __future__ import annotations

from dataclasses import replace

from translator.detection.conditions import constrain, narrows
from translator.detection.idioms.absence import ANTI, negates
from translator.detection.idioms.adjacent import adjacent_rows, reads_neighbour
from translator.detection.idioms.alternatives import alternatives_among, detect_alternatives, union_of_detections, union_of_events
from translator.detection.idioms.datatables import with_constants
from translator.detection.idioms.enrichment import enriched, is_enrichment
from translator.detection.idioms.event_data import of_bag, of_event_data
from translator.detection.idioms.first_seen import first_seen_since, fixed_value, is_history, newly_seen, not_seen
from translator.detection.idioms.latest import of_one_event
from translator.detection.idioms.lists import in_list, joined_with_list
from translator.detection.idioms.membership import Membership, by_membership, is_listed, is_same_column, membership_of
from translator.detection.idioms.nested import of_events
from translator.detection.idioms.ordered import compare_sides
from translator.detection.idioms.outer_joins import decided
from translator.detection.idioms.selector import detect_events
from translator.detection.idioms.temporal import detect_temporal
from translator.detection.idioms.threat_intel import INDICATOR_TABLES, INDICATORS
from translator.detection.idioms.threshold import counted_again, detect_threshold
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
    belongs,
    columns_within,
    with_keys,
)
from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
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
    const,
    negated_in,
    substitute,
    transform,
)
from translator.plan.missing import asked_of
from translator.plan.monotonicity import of_groups
from translator.plan.patterns import extractions, matching
from translator.plan.simplify import TooLarge, pushed, simplify
from translator.plan.types import Type

_INNER = frozenset({"inner", "innerunique", "leftsemi", "rightsemi"})


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


_OPERATORS: dict[type[o.Relation], str] = {o.ParsePairs: "parse-kv", o.Series: "make-series"}


def _numbers_of_rows(plan: o.Plan) -> set[int]:
    """The ids of the columns that number the rows which ``mv-apply`` expands."""
    return {n.column.id for n in o.relations(plan.root) if isinstance(n, o.Number)}


class _Lifter(Lifting):
    def run(self) -> Detection | NoDetection:
        try:
            shape = self.shape(self.plan.root)
            if isinstance(shape, Listed) and self.takes_indicators_for_lists:
                return self.again(takes_indicators_for_lists=False).run()
            return self.finished(self.detection(shape))
        except TooLarge as error:
            return NoDetection((Diagnostic("too-large", str(error), error.span),))
        except Blocked as blocked:
            refused = NoDetection(blocked.diagnostics)
            if not self.takes_rows_for_sides or not self.may_make_sides():
                return refused
            # The rest may still decide something where what is read of rows beside a row, or joined to it, is left out.
            again = self.again(takes_rows_for_sides=False).run()
            return again if isinstance(again, Detection) else refused

    def again(self, takes_indicators_for_lists: bool | None = None, takes_rows_for_sides: bool = True) -> _Lifter:
        """The walk from its start, with fewer liberties."""
        lists = self.takes_indicators_for_lists if takes_indicators_for_lists is None else takes_indicators_for_lists
        return replace(
            self, takes_indicators_for_lists=lists, takes_rows_for_sides=takes_rows_for_sides, findings=Findings(), lists=ListNames()
        )

    def may_make_sides(self) -> bool:
        """Whether a condition of the plan can take rows beside a row, or joined to it, for sides."""
        filters = (n for n in o.relations(self.plan.root) if isinstance(n, o.Filter))
        return any(decided(n) is not None or by_membership(n, self.list_tables) is not None for n in filters) or any(
            isinstance(n, Apply) and reads_neighbour(n) for n in o.parts(self.plan.root)
        )

    def finished(self, detection: Detection) -> Detection:
        """``detection`` and its alternatives, with all that was found on the way to them."""
        said, histories = tuple(self.findings.said), tuple(self.findings.histories)
        others = tuple(replace(d, diagnostics=said, histories=histories) for d in detection.others)
        return replace(detection, diagnostics=said, histories=histories, others=others)

    def shape(self, relation: o.Relation) -> Shape:
        match relation:
            case o.Source(table=table) if table in self.list_tables:
                return INDICATORS
            case o.Source(table=table, id=identifier):
                return Events([Branch(table, identifier, TRUE, {})])
            case o.Filter() if (with_partners := self.decided(relation)) is not None:
                return with_partners
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
                return self.joined(relation)
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
                name = _OPERATORS.get(type(relation), type(relation).__name__.lower())
                if isinstance(inner := getattr(relation, "input", None), o.Relation):
                    self.shape(inner)
                code = "unsupported-series" if isinstance(relation, o.Series) else "unsupported-operator"
                raise self.block(code, f"the operator {name} is not supported yet", relation.span)

    def decided(self, relation: o.Filter) -> Shape | None:
        """An outer join that this condition decides, or a union of what it asks for; None where it is another condition."""
        joined = (decided(relation) or by_membership(relation, self.list_tables)) if self.takes_rows_for_sides else None
        return None if joined is None else self.shape(joined)

    def expand(self, relation: o.Expand) -> Shape:
        """mv-expand: a column is any element of its array. The events stay what they are; a row for each element does not alert more."""
        shape = self.shape(relation.input)
        if isinstance(shape, Listed):
            return shape
        self.say("expanded-rows", "the query gives a row for each element of an array, the output one for the event", relation.span)
        if isinstance(shape, Events):
            shape = replace(shape, branches=[replace(b, multiplied=True) for b in shape.branches])
        if not asked_of([c for c, _ in relation.items], [r for r, _ in reversed(self.above)]):
            self.say("empty-array", "an event whose array is empty is no row in the query", relation.span)
        if relation.limit is not None:
            self.say("row-limit", "'limit' keeps the first elements of each array only", relation.span)
        if len(relation.items) > 1:
            what = "the query takes elements that stand at the same place of these arrays, the output any of each"
            self.say("elements-apart", what, relation.span)
        items = []
        for column, expr in relation.items:
            element = Path(expr.span, Type.DYNAMIC, expr, (ELEMENT,))
            items.append(
                (column, element if column.type in (Type.DYNAMIC, Type.UNKNOWN) else Path(expr.span, column.type, expr, (ELEMENT,)))
            )
        return self.computed(shape, tuple(items))

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
        for part in conjuncts(with_constants(predicate)):
            if self.reads_list(shape, part):
                self.say("list-condition", "this condition on the list is left to whoever keeps it", part.span)
                continue
            if isinstance(shape, Grouped) and denies_average(part, shape.aggregates):
                self.say("sum-of-none", "an average of no values is no number in KQL, and none in the output", part.span)
            part = self.with_lists(part)
            if isinstance(shape, Events | Joined) and (asked := membership_of(part)) and (not asked.within or is_same_column(asked)):
                shape = self.member(shape, asked, part)
                continue
            match shape:
                case Events(branches=found):
                    for branch in found:
                        constrain(self, branch, part)
                case Grouped():
                    self.having(shape, part)
                case Joined():
                    self.filter_joined(shape, part, span)
        return shape

    @property
    def list_tables(self) -> frozenset[str]:
        """Tables that are taken for lists."""
        return INDICATOR_TABLES if self.takes_indicators_for_lists else frozenset()

    def with_lists(self, part: Expr) -> Expr:
        """``part`` with placeholders for the lists that its conditions read."""
        part = pushed(part)
        negated = negated_in(part)

        def listed(node: Expr) -> Expr:
            asked = membership_of(node) if isinstance(node, Apply) and node.function != "not" else None
            if asked is None or not is_listed(asked, self.list_tables):
                return node
            inner = self.shape(asked.relation)
            assert isinstance(inner, Listed)
            name = self.lists.name(inner.name, (asked.column.name, asked.relation.span))
            said = f"fill the placeholder %{name}% with the values of {asked.column.name} in that {inner.kind}, but no empty ones"
            self.say("list-placeholder", said, node.span)
            if asked.within:
                what = "the KQL searches for the values of this list as terms, the output for any part of the text"
                self.say("list-terms", what, node.span, Place.TURNED if id(node) in negated else Place.PLAIN)
                return Apply(node.span, Type.BOOL, "expand_within", (asked.subject, const(name)))
            return in_list(asked.subject, name, asked.cased, False, node.span)

        return transform(part, listed)

    def member(self, shape: Events | Joined, asked: Membership, part: Expr) -> Shape:
        """A semi-join or an anti-join; left out, and said, where the subquery comes to nothing that a detection can say."""
        own = self.apart()
        try:
            found = own.joined_with_values(shape, asked, part)
        except Blocked as blocked:
            alone = isinstance(shape, Events) and all(narrows(b.predicate) for b in shape.branches)
            if asked.negated or not self.broadens("condition-dropped") or not alone:
                raise
            reason = blocked.diagnostics[-1].message
            self.say("condition-dropped", f"this condition on another query is left out: {reason}", part.span)
            return shape
        self.findings.take(own.findings)
        return found

    def joined_with_values(self, shape: Events | Joined, asked: Membership, part: Expr) -> Shape:
        """A placeholder for a list, else a semi-join, an anti-join where negated. Raises Blocked."""
        place = Place.TURNED if asked.negated else Place.PLAIN
        listed = self.within(place).apart()
        inner = listed.shape(asked.relation)
        if asked.negated and not self.timed and is_history(shape, inner):
            self.say_compared(asked, part)
            values_of = [ColumnRef(part.span, asked.column.type, asked.column)]
            found = not_seen(self, shape, [asked.subject], asked.cased, part.span, (inner, list(values_of)))
            assert isinstance(found, Events | Joined)
            return found
        self.findings.take(listed.findings)
        self.say_compared(asked, part)
        if not asked.cased:
            self.say("key-case", "the KQL compares these values without case, the output with it", part.span, place)
        reference = ColumnRef(part.span, asked.column.type, asked.column)
        return self.join_sides(shape, inner, ((asked.subject, reference),), asked.negated, part.span)

    def say_compared(self, asked: Membership, part: Expr) -> None:
        if asked.within:
            what = "the KQL searches for these values in a text, the output compares them with the whole of it"
            self.say("term-as-value", what, part.span, Place.TURNED if asked.negated else Place.PLAIN)

    def reads_list(self, shape: Shape, predicate: Expr) -> bool:
        """Whether a predicate reads columns that a list brought in."""
        if not self.findings.listed:
            return False
        env = shape.branches[0].env if isinstance(shape, Events) and shape.branches else getattr(shape, "env", {})
        return any(c.id in self.findings.listed for c in columns_of(substitute(predicate, env)))

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
                return shape
            inner, env = shape.input, shape.env
            local = {c.id: x for c, x in shape.keys}
            if any(isinstance(s, Apply) and columns_of(s) & {c for c in columns_of(s) if c.id in shape.aggregates} for _, s in keys):
                raise self.block("unsupported-detection", "a summarize by an aggregate is not supported", span)
            lookup = {**env, **local}
            by = [substitute(x, env) for _, x in keys]
            return Grouped(
                inner,
                [(c, substitute(x, lookup)) for c, x in keys],
                {c.id: of_events(substitute(x, env), shape, by) for c, x in aggregates},
            )
        return Grouped(shape, list(keys), {c.id: x for c, x in aggregates})

    def having(self, shape: Grouped, predicate: Expr) -> None:
        predicate = substitute(predicate, shape.env)
        used = {c.id for c in columns_of(predicate)}
        if shape.closed and not used <= {*shape.aggregates, *(c.id for c, _ in shape.keys)}:
            self.say("condition-dropped", "this condition on a second summary is left out", predicate.span)
            return
        if (since := first_seen_since(shape, predicate)) is not None:
            newly_seen(self, shape, *since, predicate)
            return
        definitions = {c.id: x for c, x in shape.keys}
        if used & shape.aggregates.keys():
            if not self.broadens("one-event-of-group") or (one := of_one_event(self, shape, predicate)) is None:
                shape.having.append(predicate)
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

    def joined(self, join: o.Join) -> Shape:
        kind = join.kind
        if is_enrichment(kind):
            return enriched(self, join)
        if join.condition is not None:
            raise self.block("unsupported-join", "a join with networks that hold an address is not supported", join.span)
        if kind not in _INNER and not negates(kind):
            raise self.block("unsupported-join", f"a join of kind {kind} is not supported yet", join.span)
        kept_is_right = ANTI.get(kind) == "right"
        kept = self.shape(join.right if kept_is_right else join.left)
        added = (self.within(Place.TURNED) if negates(kind) else self).apart()
        other = added.shape(join.left if kept_is_right else join.right)
        pairs = join.on
        if negates(kind) and not isinstance(other, Listed) and is_history(kept, other):
            own, earlier = (1, 0) if kept_is_right else (0, 1)
            open_ = [p for p in pairs if (fixed := fixed_value(kept, p[own])) is None or fixed != fixed_value(other, p[earlier])]
            if not self.timed:
                return not_seen(self, kept, [p[own] for p in open_], True, join.span, (other, [p[earlier] for p in open_]))
            pairs = tuple(open_)
        self.findings.take(added.findings)
        left, right = (other, kept) if kept_is_right else (kept, other)
        if isinstance(right, Listed):
            self.findings.listed |= {c.id for c in columns_within(join.right)}
        elif isinstance(left, Listed):
            self.findings.listed |= {c.id for c in columns_within(join.left)}
        if ANTI.get(kind) == "right" or (isinstance(left, Listed) and not isinstance(right, Listed)):
            left, right, pairs = right, left, tuple((b, a) for a, b in pairs)
        if isinstance(right, Listed):
            return joined_with_list(self, left, right, pairs, negates(kind), join.span)
        same = counted_again(self, left, right, pairs) if kind in _INNER else None
        if same is not None:
            self.say("rows-differ", "the query shows the events whose count is over the threshold, the output their keys", join.span)
            return same
        joined = self.join_sides(left, right, pairs, negates(kind), join.span)
        if kind == "innerunique":
            joined.deduplicated |= set(range(len(joined.sides) - 1))
        return joined

    def join_sides(self, left: Shape, right: Shape, pairs: tuple[tuple[Expr, Expr], ...], absent: bool, span: Span | None) -> Joined:
        if isinstance(left, Joined):
            base = left
        else:
            base = Joined([self.side_of(left, "a join of", span)], [], {}, span=span)
            if isinstance(left, Grouped) and left.having:
                base.summaries[0] = left
        index = len(base.sides)
        base.sides.append(self.side_of(right, "a join with", span))
        if isinstance(right, Grouped) and right.having:
            base.summaries[index] = right
        if absent:
            base.absent.add(index)
        for a, b in pairs:
            a = substitute(a, base.env)
            base.pairs.append((self.owner(base, a, index), a, index, b))
        base.span = span
        return base

    def side_of(self, shape: Shape, what: str, span: Span | None) -> Events:
        """A side of a join as events; a threshold's keys are columns of its events."""
        if not (isinstance(shape, Grouped) and shape.having and isinstance(shape.input, Events)):
            return self.as_events(shape, what, span)
        return with_keys(shape, shape.input)

    def owners(self, joined: Joined, expr: Expr, limit: int) -> set[int]:
        found = set()
        for column in columns_of(expr):
            for number, side in enumerate(joined.sides[:limit]):
                if any(column.id in b.env or belongs(column, b) for b in side.branches):
                    found.add(number)
        return found

    def owner(self, joined: Joined, expr: Expr, limit: int) -> int:
        """Which side ``expr`` belongs to."""
        owners = self.owners(joined, expr, limit)
        if len(owners) != 1:
            raise self.block("unsupported-join", "this expression reads several sides of the join", expr.span)
        return owners.pop()

    def filter_joined(self, joined: Joined, predicate: Expr, span: Span | None) -> None:
        predicate = substitute(predicate, joined.env)
        counted = {i for g in joined.summaries.values() for i in g.aggregates}
        if counted & {c.id for c in columns_of(predicate)}:
            self.say("condition-dropped", "this condition on a count after the join is left out", predicate.span)
            return
        owners = self.owners(joined, predicate, len(joined.sides))
        keys = {c for pair in joined.pairs for x in (pair[1], pair[3]) if isinstance(x, ColumnRef) for c in columns_of(x)}
        if owners & joined.deduplicated and not columns_of(predicate) <= keys:
            self.say("one-row-per-key", "this filters after a join that keeps one row of its left side for each key", span)
        if len(owners) > 1:
            compare_sides(self, joined, predicate, owners)
            return
        side = joined.sides[self.owner(joined, predicate, len(joined.sides))]
        for branch in side.branches:
            constrain(self, branch, predicate)

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
