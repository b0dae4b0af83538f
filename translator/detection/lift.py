"""Plan to detection: symbolic execution of the relations until predicates stand on stored fields."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from translator.detection.model import DAY, Detection, NoDetection, Selector, Side, Threshold
from translator.fidelity import CODES, Diagnostic, Verdict
from translator.plan import operators as o
from translator.plan.constants import known_span
from translator.plan.expressions import (
    ELEMENT,
    FALSE,
    TRUE,
    Apply,
    Column,
    ColumnRef,
    Const,
    Expr,
    Items,
    Path,
    Span,
    Subquery,
    columns_of,
    conjunction,
    conjuncts,
    const,
    disjunction,
    negation,
    substitute,
    transform,
    walk,
)
from translator.plan.patterns import regex_of
from translator.plan.simplify import address_test, branches, is_field, is_presence, pushed, simplify
from translator.plan.types import Type

TICKS = 10_000_000
TIME_COLUMNS = frozenset({"TimeGenerated", "Timestamp", "timestamp", "ingestion_time"})
"""Names of the time of an event: Sentinel's, Defender XDR's, and the moment of ingestion."""

MAX_ALTERNATIVES = 32
"""How many selectors one side may split into."""

AddressTest: TypeAlias = Callable[[str, str], bool]
"""Whether a table's field holds IP addresses."""

_INNER = frozenset({"inner", "innerunique", "leftsemi", "rightsemi"})
_ANTI = {"leftanti": "left", "leftantisemi": "left", "rightanti": "right", "rightantisemi": "right"}
INDICATOR_TABLES = frozenset({"ThreatIntelligenceIndicator", "ThreatIntelIndicators", "ThreatIntelObjects"})
"""Tables of threat indicators: learn.microsoft.com/azure/sentinel/understand-threat-intelligence."""


@dataclass
class _Branch:
    """Events of one table: what they satisfy, and what each column is in terms of their stored fields."""

    table: str
    source: int
    predicate: Expr
    env: dict[int, Expr]
    windows: list[tuple[int, int]] = field(default_factory=list)
    """Seconds before now between which the events lie."""


@dataclass
class _List:
    """Values kept outside of the logs: a watchlist, externaldata, or threat indicators. A placeholder stands for them."""

    name: str
    kind: str


@dataclass
class _Events:
    branches: list[_Branch]


@dataclass
class _Grouped:
    input: _Events | _Joined
    keys: list[tuple[Column, Expr]]
    aggregates: dict[int, Expr]
    having: list[Expr] = field(default_factory=list)
    env: dict[int, Expr] = field(default_factory=dict)
    closed: bool = False
    """Whether a further summarize stands over the threshold: its aggregates decide nothing."""


@dataclass
class _Joined:
    """Sides that share keys. ``classes`` are sets of expressions, each over one side, that must be equal."""

    sides: list[_Events]
    pairs: list[tuple[int, Expr, int, Expr]]
    owner: dict[int, int]
    env: dict[int, Expr] = field(default_factory=dict)
    span: Span | None = None
    one_row_per_key: bool = False
    absent: set[int] = field(default_factory=set)
    summaries: dict[int, _Grouped] = field(default_factory=dict)
    """Sides that are thresholds of their own."""
    order: list[tuple[int, int]] = field(default_factory=list)
    """Pairs of sides, the first of which comes before the second."""
    strict: bool = False
    within: list[int] = field(default_factory=list)
    """Seconds that the ordered events may be apart."""


@dataclass
class _Either:
    """Alternatives that are no plain events: a union of summaries or of joins. Each becomes a detection of its own."""

    members: list[_Shape]
    windows: list[list[int]]
    decided: set[int] = field(default_factory=set)
    """Columns of a summary over all of them, which no member can tell."""


_P = TypeVar("_P")
_T = TypeVar("_T")
_Shape: TypeAlias = "_Events | _Grouped | _Joined | _List | _Either"


class _Blocked(Exception):
    pass


def lift(
    plan: o.Plan, *, period: int | None = None, default_timespan: int = DAY, is_address: AddressTest = lambda table, name: False
) -> Detection | NoDetection:
    """What ``plan`` detects.

    Args:
        period: the rule's ``queryPeriod`` in seconds, if it has one.
        default_timespan: seconds, for a query that has no window of its own in a rule without a period.
        is_address: tells fields that hold IP addresses, from the catalog.
    """
    return _Lifter(plan, period, default_timespan, is_address).run()


class _Lifter:
    def __init__(
        self, plan: o.Plan, period: int | None, default: int, is_address: AddressTest, lists_indicators: bool = True
    ) -> None:  # fmt: skip
        self.lists_indicators = lists_indicators
        self.listed: set[int] = set()
        self.lists: dict[str, int] = {}
        self.plan, self.period, self.default, self.is_address = plan, period, default, is_address
        self.found: list[Diagnostic] = []
        self.windows: list[int] = []
        self.bin: int | None = None
        self.expanded: dict[int, list[Expr]] = {}
        self.every_part = False
        self.loosened = False

    def say(self, code: str, message: str, span: Span | None) -> None:
        diagnostic = Diagnostic(code, message, span)
        if diagnostic not in self.found:
            self.found.append(diagnostic)

    def block(self, code: str, message: str, span: Span | None) -> _Blocked:
        self.say(code, message, span)
        return _Blocked()

    def run(self) -> Detection | NoDetection:
        try:
            shape = self.shape(self.plan.root)
            if isinstance(shape, _List) and self.lists_indicators:
                return _Lifter(self.plan, self.period, self.default, self.is_address, lists_indicators=False).run()
            return self.detection(shape)
        except _Blocked:
            return NoDetection(tuple(d for d in self.found if CODES[d.code].direction == Verdict.NONE))

    # --- relations

    def shape(self, relation: o.Relation) -> _Shape:
        match relation:
            case o.Source(table=table) if table in INDICATOR_TABLES and self.lists_indicators:
                return _List("threat_indicators", "threat intelligence")
            case o.Source(table=table, id=identifier):
                return _Events([_Branch(table, identifier, TRUE, {})])
            case o.Filter(input=inner, predicate=predicate, span=span):
                return self.filtered(self.shape(inner), predicate, span)
            case o.Compute(input=inner, items=items) | o.Project(input=inner, items=items):
                return self.computed(self.shape(inner), items)
            case o.Aggregate(input=inner, keys=keys, aggregates=aggregates, span=span):
                return self.aggregated(self.shape(inner), keys, aggregates, span)
            case o.Union(inputs=inputs, columns=columns, span=span):
                shapes, windows, kept = [], [], []
                for number, shape in self.alternatives_among(inputs, self.shape):
                    kept.append(number)
                    shapes.append(shape[0])
                    windows.append(shape[1])
                columns = tuple((c, tuple(origins[n] for n in kept)) for c, origins in columns)
                if all(
                    isinstance(s, _Events) or (isinstance(s, _Grouped) and not s.having and isinstance(s.input, _Events)) for s in shapes
                ):
                    self.windows += [w for found in windows for w in found]
                    return self.union(shapes, columns, span)
                return self.either(shapes, windows, columns, span)
            case o.Join():
                return self.joined(relation)
            case o.External(kind=kind, name=name):
                return _List(_snake(name), kind)
            case o.Expand():
                return self.expand(relation)
            case o.Parse():
                return self.parse(relation)
            case o.Limit(input=inner, operator=operator, span=span):
                self.say("row-limit", f"'{operator}' keeps some of the rows only", span)
                return self.shape(inner)
            case o.Sort(input=inner, span=span):
                self.say("ignored-operator", "'sort' does not decide what alerts", span)
                return self.shape(inner)
            case o.Distinct(input=inner, span=span):
                self.say("ignored-operator", "'distinct' does not decide what alerts", span)
                return self.shape(inner)
            case o.Arrange(input=inner, operator=operator, span=span):
                self.say("ignored-operator", f"'{operator}' does not decide what alerts", span)
                return self.shape(inner)
            case o.Rows(span=span):
                raise self.block("unsupported-detection", "a datatable holds no events", span)
            case o.Unsupported(reason=reason, span=span, input=inner):
                self.say("unsupported-operator", reason, span)
                if inner is not None:
                    self.shape(inner)
                raise _Blocked
            case _:
                name = _OPERATORS.get(type(relation), type(relation).__name__.lower())
                if isinstance(inner := getattr(relation, "input", None), o.Relation):
                    self.shape(inner)
                raise self.block("unsupported-operator", f"the operator {name} is not supported yet", relation.span)

    def alternatives_among(self, parts: Sequence[_P], lift: Callable[[_P], _T]) -> list[tuple[int, tuple[_T, list[int]]]]:
        """What ``lift`` makes of each part of a union, with the part's number and the windows it states.

        A part that cannot be lifted is left out and said where the others can stand without it, which makes what alerts narrower.
        """
        found, blockers = [], []
        for number, part in enumerate(parts):
            outside, self.windows = self.windows, []
            before = list(self.found)
            try:
                found.append((number, (lift(part), self.windows)))
            except _Blocked:
                blockers += [d for d in self.found if d not in before and d.direction == Verdict.NONE]
                self.found = before
            self.windows = outside
        if blockers and (self.every_part or not found):
            self.found += blockers
            raise _Blocked
        for blocker in blockers:
            self.say("alternative-dropped", f"a part of the union is left out: {blocker.message}", blocker.span)
        return found

    def absent_shape(self, relation: o.Relation) -> _Shape:
        """The shape of what no event may match: a part left out of it would let more alert."""
        outside, self.every_part = self.every_part, True
        try:
            return self.shape(relation)
        finally:
            self.every_part = outside

    def expand(self, relation: o.Expand) -> _Shape:
        """mv-expand: a column is any element of its array. The events stay what they are; a row for each element does not alert more."""
        shape = self.shape(relation.input)
        if isinstance(shape, _List):
            return shape
        self.say("expanded-rows", "the query gives a row for each element of an array, the output one for the event", relation.span)
        items = []
        for column, expr in relation.items:
            element = Path(expr.span, Type.DYNAMIC, expr, (ELEMENT,))
            items.append(
                (column, element if column.type in (Type.DYNAMIC, Type.UNKNOWN) else Path(expr.span, column.type, expr, (ELEMENT,)))
            )
        return self.computed(shape, tuple(items))

    def parse(self, relation: o.Parse) -> _Shape:
        """parse: columns that a regular expression takes from a text."""
        shape = self.shape(relation.input)
        if isinstance(shape, _List):
            return shape
        try:
            regex, columns = regex_of(relation)
        except ValueError as error:
            raise self.block("unsupported-expression", str(error), relation.span) from None
        items = []
        for group, column in columns:
            text: Expr = Apply(relation.span, Type.STRING, "extract", (const(regex), const(group), relation.value))
            conversion = _CONVERSIONS.get(column.type)
            items.append((column, Apply(relation.span, column.type, conversion, (text,)) if conversion else text))
        if relation.filters:
            found = Apply(relation.span, Type.BOOL, "matches regex", (relation.value, const(regex)))
            shape = self.filtered(shape, found, relation.span)
        return self.computed(shape, tuple(items))

    def computed(self, shape: _Shape, items: tuple[tuple[Column, Expr], ...]) -> _Shape:
        if isinstance(shape, _List):
            return shape
        if isinstance(shape, _Either):
            for member in shape.members:
                self.computed(member, items)
            return shape
        envs = [b.env for b in shape.branches] if isinstance(shape, _Events) else [shape.env]
        for env in envs:
            before = dict(env)
            for column, expr in items:
                env[column.id] = simplify(substitute(expr, before))
        return shape

    def filtered(self, shape: _Shape, predicate: Expr, span: Span | None) -> _Shape:
        if isinstance(shape, _List):
            return shape
        if isinstance(shape, _Either):
            if shape.decided & {c.id for c in columns_of(predicate)}:
                raise self.block("unsupported-detection", "a threshold over a union of summaries or joins is not supported", span)
            shape.members = [self.filtered(m, predicate, span) for m in shape.members]
            return shape
        for part in conjuncts(predicate):
            if self.reads_list(shape, part):
                self.say("list-condition", "this condition on the list is left to whoever keeps it", part.span)
                continue
            if isinstance(shape, _Events | _Joined) and (asked := _membership(part)) is not None:
                shape = self.member(shape, *asked, part)
                continue
            match shape:
                case _Events(branches=found):
                    for branch in found:
                        self.constrain(branch, part)
                case _Grouped():
                    self.having(shape, part)
                case _Joined():
                    self.filter_joined(shape, part, span)
        return shape

    def reads_list(self, shape: _Shape, predicate: Expr) -> bool:
        """Whether a predicate reads columns that a list brought in."""
        if not self.listed:
            return False
        env = shape.branches[0].env if isinstance(shape, _Events) and shape.branches else getattr(shape, "env", {})
        return any(c.id in self.listed for c in columns_of(substitute(predicate, env)))

    def member(self, shape: _Events | _Joined, subject: Expr, query: Subquery, cased: bool, negated: bool, part: Expr) -> _Shape:
        """``x in (T | project y)``: a placeholder for a list, else a semi-join, an anti-join where negated."""
        assert query.column is not None
        constants = _constants(query.relation, query.column)
        if constants is not None:
            known: Expr = Apply(part.span, Type.BOOL, "in" if cased else "in~", (subject, Items(part.span, Type.DYNAMIC, constants)))
            return self.narrowed(shape, negation(known) if negated else known, part.span)
        before = (list(self.found), list(self.windows))
        inner = self.absent_shape(query.relation) if negated else self.shape(query.relation)
        if negated and not isinstance(inner, _List) and _is_history(shape, inner):
            self.found, self.windows = before
            found = self.not_seen(shape, [subject], cased, part.span)
            assert isinstance(found, _Events | _Joined)
            return found
        if isinstance(inner, _List):
            self.say("list-placeholder", f"fill the placeholder %{inner.name}% with the values of that {inner.kind}", part.span)
            listed: Expr = Apply(part.span, Type.BOOL, "expand_cs" if cased else "expand", (subject, const(inner.name)))
            return self.narrowed(shape, negation(listed) if negated else listed, part.span)
        if not cased:
            self.say("key-case", "the KQL compares these values without case, the output with it", part.span)
        reference = ColumnRef(part.span, query.column.type, query.column)
        return self.join_sides(shape, inner, ((subject, reference),), negated, part.span)

    def narrowed(self, shape: _Shape, predicate: Expr, span: Span | None) -> _Events | _Joined:
        found = self.filtered(shape, predicate, span)
        assert isinstance(found, _Events | _Joined)
        return found

    def constrain(self, branch: _Branch, predicate: Expr) -> None:
        """Adds ``predicate`` to a branch, taking out what only restricts the time."""
        value = transform(simplify(substitute(predicate, branch.env)), _placeholder)
        if foreign := [c.name for c in columns_of(value) if c.source is not None and c.source != branch.source]:
            what = f"this condition reads {foreign[0]}, a column that the join only adds"
            if self.every_part or all(is_presence(p) for p in conjuncts(branch.predicate)):
                raise self.block("unsupported-join", what, predicate.span)
            self.say("condition-dropped", f"{what}, and is left out", predicate.span)
            self.loosened = True
            return
        for part in conjuncts(pushed(value)):
            window = _window(part)
            if window is not None:
                branch.windows.append(window)
                if window[1] == 0 or window[0] == _SEARCH:
                    self.windows.append(0 if window[0] == _SEARCH else window[0])
                else:
                    self.windows.append(window[0])
                    self.say("window-shifted", f"the query looks at events of at least {_human(window[1])} ago only", part.span)
                continue
            part = self.address(part)
            self.note_elements(branch, part)
            if part == FALSE:
                self.say("false-predicate", "this condition is never true", predicate.span)
            branch.predicate = conjunction(branch.predicate, part)

    def address(self, part: Expr) -> Expr:
        """Tests of addresses as one operator; negated, they are said to take what is no address, which KQL does not."""

        def change(node: Expr) -> Expr:
            match node:
                case Apply(function="==", args=(Apply() as test, Const(value=bool(wanted)))) if address_test(test) is not test:
                    return address_test(test) if wanted else refused(test)
                case Apply(function="==", args=(Apply() as test, Const(value=str(wanted)))) if address_test(test) is not test:
                    if wanted.lower() not in ("true", "false"):
                        return node
                    return address_test(test) if wanted.lower() == "true" else refused(test)
                case Apply(function="not", args=(Apply() as test,)) if address_test(test) is not test:
                    return refused(test)
                case Apply(function="and" | "or", args=args):
                    return Apply(node.span, node.type, node.function, tuple(change(a) for a in args))
                case _:
                    return address_test(node)

        def refused(test: Expr) -> Expr:
            self.say(
                "not-an-address", "the KQL leaves out values that are no IPv4 address, the output takes them for other addresses", part.span
            )
            return negation(address_test(test))

        return change(part)

    def note_elements(self, branch: _Branch, part: Expr) -> None:
        """What conditions on the elements of an array mean where these are not rows of their own."""
        bases = {n.base: n.steps[: n.steps.index(ELEMENT) + 1] for n in walk(part) if isinstance(n, Path) and ELEMENT in n.steps}
        if not bases:
            return
        if any(isinstance(n, Apply) and n.function == "not" and not is_presence(n) for n in walk(part)) or any(
            isinstance(n, Apply) and n.function in ("isempty", "isnull") for n in walk(part) if not _inside_presence(n, part)
        ):
            self.say("element-negated", "the KQL asks for one element that differs, the output for none that is equal", part.span)
        known = self.expanded.setdefault(id(branch), [])
        if any(b in known for b in bases):
            self.say("elements-apart", "the KQL wants these conditions to hold for one element of the array, the output for any", part.span)
        known.extend(bases)

    def aggregated(
        self, shape: _Shape, keys: tuple[tuple[Column, Expr], ...], aggregates: tuple[tuple[Column, Expr], ...], span: Span | None
    ) -> _Shape:
        if isinstance(shape, _List):
            return shape
        if isinstance(shape, _Either):
            self.say("columns-differ", "the query summarizes its alternatives together", span)
            shape.decided |= {c.id for c, _ in aggregates}
            return self.computed(shape, keys)
        if isinstance(shape, _Grouped):
            if shape.having:
                self.say("columns-differ", "the query summarizes again what is over the threshold", span)
                shape.closed = True
                return shape
            inner, env = shape.input, shape.env
            local = {c.id: x for c, x in shape.keys}
            if any(isinstance(s, Apply) and columns_of(s) & {c for c in columns_of(s) if c.id in shape.aggregates} for _, s in keys):
                raise self.block("unsupported-detection", "a summarize by an aggregate is not supported", span)
            lookup = {**env, **local}
            return _Grouped(inner, [(c, substitute(x, lookup)) for c, x in keys], {c.id: x for c, x in aggregates})
        return _Grouped(shape, list(keys), {c.id: x for c, x in aggregates})

    def having(self, shape: _Grouped, predicate: Expr) -> None:
        predicate = substitute(predicate, shape.env)
        used = {c.id for c in columns_of(predicate)}
        if shape.closed and not used <= {*shape.aggregates, *(c.id for c, _ in shape.keys)}:
            self.say("condition-dropped", "this condition on a second summary is left out", predicate.span)
            return
        if used & shape.aggregates.keys():
            shape.having.append(predicate)
            return
        definitions = {c.id: x for c, x in shape.keys}
        self.filtered(shape.input, substitute(predicate, definitions), predicate.span)

    def union(self, shapes: list[_Shape], columns: tuple[tuple[Column, tuple[Column | None, ...]], ...], span: Span | None) -> _Shape:
        found: list[_Branch] = []
        for index, shape in enumerate(shapes):
            events = self.as_events(shape, "a union of", span)
            for branch in events.branches:
                env = dict(branch.env)
                for column, origins in columns:
                    origin = origins[index]
                    env[column.id] = (
                        const("", Type.STRING) if origin is None else branch.env.get(origin.id, ColumnRef(None, origin.type, origin))
                    )
                found.append(replace(branch, env=env))
        return _Events(found)

    def either(
        self,
        shapes: list[_Shape],
        windows: list[list[int]],
        columns: tuple[tuple[Column, tuple[Column | None, ...]], ...],
        span: Span | None,
    ) -> _Shape:
        if any(isinstance(s, _List) for s in shapes):
            raise self.block("unsupported-detection", "a union of lists is not supported", span)
        if any(isinstance(s, _Either) and s.decided for s in shapes):
            raise self.block("unsupported-detection", "a union of summaries over unions is not supported", span)
        members: list[_Shape] = []
        stated: list[list[int]] = []
        for index, shape in enumerate(shapes):
            inner = shape.members if isinstance(shape, _Either) else [shape]
            members += inner
            stated += [[*w, *windows[index]] for w in shape.windows] if isinstance(shape, _Either) else [windows[index]]
            for env in (e for member in inner for e in _environments(member)):
                for column, origins in columns:
                    origin = origins[index]
                    if origin is None:
                        env[column.id] = const("", Type.STRING)
                    else:
                        env[column.id] = env.get(origin.id, ColumnRef(None, origin.type, origin))
        return _Either(members, stated)

    def as_events(self, shape: _Shape, what: str, span: Span | None) -> _Events:
        """A shape as plain events: a summarize without a threshold selects the same keys as its input."""
        if isinstance(shape, _Grouped) and not shape.having and isinstance(shape.input, _Events):
            self.say("columns-differ", "the rows are groups of events in the query, the events themselves here", span)
            return _with_keys(shape, shape.input)
        if isinstance(shape, _Events):
            return shape
        if isinstance(shape, _List):
            raise self.block("unsupported-join", f"{what} the {shape.kind} {shape.name} is not supported", span)
        if isinstance(shape, _Either):
            raise self.block("unsupported-detection", f"{what} a union of summaries or joins is not supported yet", span)
        kind = "summaries with a threshold" if isinstance(shape, _Grouped) else "joins"
        raise self.block("unsupported-detection", f"{what} {kind} is not supported yet", span)

    # --- joins

    def joined(self, join: o.Join) -> _Shape:
        kind = join.kind
        if kind in ("leftouter", "rightouter"):
            kept = self.shape(join.left if kind == "leftouter" else join.right)
            self.say("enrichment-dropped", f"the {kind} join adds columns and decides nothing", join.span)
            return kept
        if join.condition is not None:
            raise self.block("unsupported-join", "a join with networks that hold an address is not supported", join.span)
        if kind not in _INNER and kind not in _ANTI:
            raise self.block("unsupported-join", f"a join of kind {kind} is not supported yet", join.span)
        for given, rest, flipped in ((join.right, join.left, False), (join.left, join.right, True)):
            pairs = tuple((b, a) for a, b in join.on) if flipped else join.on
            if len(pairs) == 1 and isinstance(pairs[0][1], ColumnRef) and (values := _constants(given, pairs[0][1].column)) is not None:
                if flipped and kind in _ANTI and _ANTI[kind] == "left":
                    raise self.block("unsupported-detection", "a datatable holds no events", join.span)
                self.listed |= _columns_within(given)
                self.say("columns-differ", "the columns of the datatable are not in the events", join.span)
                known: Expr = Apply(join.span, Type.BOOL, "in", (pairs[0][0], Items(join.span, Type.DYNAMIC, values)))
                return self.filtered(self.shape(rest), negation(known) if kind in _ANTI else known, join.span)
        kept_is_right = _ANTI.get(kind) == "right"
        kept = self.shape(join.right if kept_is_right else join.left)
        before = (list(self.found), list(self.windows))
        side = join.left if kept_is_right else join.right
        other = self.absent_shape(side) if kind in _ANTI else self.shape(side)
        if kind in _ANTI and not isinstance(other, _List) and _is_history(kept, other):
            self.found, self.windows = before
            own, earlier = (1, 0) if kept_is_right else (0, 1)
            keys = [p[own] for p in join.on if (fixed := _fixed(kept, p[own])) is None or fixed != _fixed(other, p[earlier])]
            return self.not_seen(kept, keys, True, join.span)
        left, right = (other, kept) if kept_is_right else (kept, other)
        if isinstance(right, _List):
            self.listed |= _columns_within(join.right)
        elif isinstance(left, _List):
            self.listed |= _columns_within(join.left)
        pairs = join.on
        if _ANTI.get(kind) == "right" or (isinstance(left, _List) and not isinstance(right, _List)):
            left, right, pairs = right, left, tuple((b, a) for a, b in pairs)
        if isinstance(right, _List):
            if isinstance(left, _List):
                raise self.block("unsupported-detection", "lists alone hold no events", join.span)
            code = "indicator-list" if right.kind == "threat intelligence" else "list-placeholder"
            self.say(code, f"fill the placeholder %{right.name}% with the values of that {right.kind}", join.span)
            self.say("columns-differ", "the columns of the list are not in the events", join.span)
            for number, (subject, _) in enumerate(pairs):
                name = right.name if not number else f"{right.name}_{number + 1}"
                listed: Expr = Apply(join.span, Type.BOOL, "expand_cs", (subject, const(name)))
                left = self.filtered(left, negation(listed) if kind in _ANTI else listed, join.span)
            return left
        same = self.counted_again(left, right, pairs) if kind in _INNER else None
        if same is not None:
            self.say("columns-differ", "the query shows the events whose count is over the threshold, the output their keys", join.span)
            return same
        joined = self.join_sides(left, right, pairs, kind in _ANTI, join.span)
        joined.one_row_per_key |= kind == "innerunique"
        return joined

    def join_sides(self, left: _Shape, right: _Shape, pairs: tuple[tuple[Expr, Expr], ...], absent: bool, span: Span | None) -> _Joined:
        if isinstance(left, _Joined):
            base = left
        else:
            base = _Joined([self.side_of(left, "a join of", span)], [], {}, span=span)
            if isinstance(left, _Grouped) and left.having:
                base.summaries[0] = left
        index = len(base.sides)
        base.sides.append(self.side_of(right, "a join with", span))
        if isinstance(right, _Grouped) and right.having:
            base.summaries[index] = right
        if absent:
            base.absent.add(index)
        for a, b in pairs:
            a = substitute(a, base.env)
            base.pairs.append((self.owner(base, a, index), a, index, b))
        base.span = span
        return base

    def not_seen(self, shape: _Shape, keys: list[Expr], cased: bool, span: Span | None) -> _Shape:
        """First seen: an anti-join against an earlier window is a list of what was seen there, kept outside of the output.

        No correlation over one window says that something is new, and a list holds values of one key: several are left out, and said.
        """
        if len(keys) == 1:
            name = self.fresh_list(f"seen_{_snake(_name_of(keys[0]))}")
            what = "the values that the earlier window of the query finds"
            self.say("first-seen-list", f"fill the placeholder %{name}% with {what}, and renew it before each run", span)
            seen: Expr = Apply(span, Type.BOOL, "expand_cs" if cased else "expand", (keys[0], const(name)))
            return self.filtered(shape, negation(seen), span)
        if isinstance(shape, _Events) and any(b.predicate == TRUE for b in shape.branches):
            raise self.block(
                "unsupported-detection", "what was not seen in an earlier window (first seen) has no form in this target", span
            )
        self.say("first-seen-dropped", "that this was not seen in an earlier window is left out", span)
        return shape

    def fresh_list(self, name: str) -> str:
        """``name``, or with a number where the query has another list of that name."""
        number = self.lists.get(name, 0) + 1
        self.lists[name] = number
        return name if number == 1 else f"{name}_{number}"

    def side_of(self, shape: _Shape, what: str, span: Span | None) -> _Events:
        """A side of a join as events; a threshold's keys are columns of its events."""
        if not (isinstance(shape, _Grouped) and shape.having and isinstance(shape.input, _Events)):
            return self.as_events(shape, what, span)
        return _with_keys(shape, shape.input)

    def counted_again(self, left: _Shape, right: _Shape, pairs: tuple[tuple[Expr, Expr], ...]) -> _Grouped | None:
        """Events joined with a threshold over the very same events are that threshold."""
        for grouped, other, number in ((right, left, 1), (left, right, 0)):
            if not (isinstance(grouped, _Grouped) and grouped.having and isinstance(grouped.input, _Events)):
                continue
            events = other.input if isinstance(other, _Grouped) and not other.having else other
            if not isinstance(events, _Events) or len(events.branches) != len(grouped.input.branches):
                continue
            if any(
                a.table != b.table or _plain(a.predicate) != _plain(b.predicate)
                for a, b in zip(events.branches, grouped.input.branches, strict=True)
            ):
                continue
            keys = [{_plain(simplify(substitute(x, b.env))) for b in grouped.input.branches} for _, x in grouped.keys]
            definitions = {c.id: x for c, x in grouped.keys}
            others = {c.id: x for c, x in other.keys} if isinstance(other, _Grouped) else {}
            matched = []
            for pair in pairs:
                key = substitute(substitute(pair[number], grouped.env), definitions)
                event = substitute(pair[1 - number], others)
                sides = {_plain(simplify(substitute(key, b.env))) for b in grouped.input.branches}
                events_side = {_plain(simplify(substitute(event, b.env))) for b in events.branches}
                matched.append(sides == events_side and sides in keys)
            if all(matched):
                grouped.closed = True
                return grouped
        return None

    def compare_sides(self, joined: _Joined, predicate: Expr, owners: set[int]) -> None:
        """A condition between sides: their order in time, or what only indicators say; anything else is left out, and said."""
        found = self.ordering(joined, predicate, owners)
        if found is None:
            self.say("condition-dropped", "this condition compares columns of both sides of the join, and is left out", predicate.span)
            return
        first, second, within = found
        if first is not None and second is not None:
            joined.order.append((first, second))
            joined.strict |= isinstance(predicate, Apply) and predicate.function in ("<", ">")
        if within is not None:
            joined.within.append(within)

    def ordering(self, joined: _Joined, predicate: Expr, owners: set[int]) -> tuple[int | None, int | None, int | None] | None:
        """(earlier side, later side, seconds between) of a condition on the times of two sides; None where it is none."""
        if len(owners) != 2 or any(len(joined.sides[n].branches) != 1 for n in owners):
            return None
        value = predicate
        for number in owners:
            value = substitute(value, joined.sides[number].branches[0].env)
        value = simplify(value)
        sources = {joined.sides[n].branches[0].source: n for n in owners}

        def side_of(expr: Expr) -> int | None:
            return (
                sources.get(expr.column.source)
                if isinstance(expr, ColumnRef) and _is_time(expr) and expr.column.source is not None
                else None
            )

        match value:
            case Apply(function="<" | "<=" | ">" | ">=" as function, args=(left, right)) if (
                side_of(left) is not None and side_of(right) is not None
            ):
                a, b = side_of(left), side_of(right)
                return (a, b, None) if function in ("<", "<=") else (b, a, None)
            case Apply(function="between", args=(later, low, Apply(function="+", args=(again, length)))) if low == again and _seconds(
                length
            ):
                if side_of(low) is not None and side_of(later) is not None:
                    return side_of(low), side_of(later), _seconds(length)
            case Apply(function="between", args=(Apply(function="-", args=(later, earlier)), low, length)) if _seconds(
                low
            ) == 0 and _seconds(length):
                if side_of(later) is not None and side_of(earlier) is not None:
                    return side_of(earlier), side_of(later), _seconds(length)
        return None

    def owners(self, joined: _Joined, expr: Expr, limit: int) -> set[int]:
        found = set()
        for column in columns_of(expr):
            for number, side in enumerate(joined.sides[:limit]):
                if any(column.id in b.env or _belongs(column, b) for b in side.branches):
                    found.add(number)
        return found

    def owner(self, joined: _Joined, expr: Expr, limit: int) -> int:
        """Which side ``expr`` belongs to."""
        owners = self.owners(joined, expr, limit)
        if len(owners) != 1:
            raise self.block("unsupported-join", "this expression reads several sides of the join", expr.span)
        return owners.pop()

    def filter_joined(self, joined: _Joined, predicate: Expr, span: Span | None) -> None:
        predicate = substitute(predicate, joined.env)
        counted = {i for g in joined.summaries.values() for i in g.aggregates}
        if counted & {c.id for c in columns_of(predicate)}:
            self.say("condition-dropped", "this condition on a count after the join is left out", predicate.span)
            return
        owners = self.owners(joined, predicate, len(joined.sides))
        if len(owners) > 1:
            self.compare_sides(joined, predicate, owners)
            return
        side = joined.sides[self.owner(joined, predicate, len(joined.sides))]
        if joined.one_row_per_key:
            self.say("one-row-per-key", "this filters after a join that keeps one row of its left side for each key", span)
        for branch in side.branches:
            self.constrain(branch, predicate)

    # --- the detection

    def detection(self, shape: _Shape) -> Detection:
        outer: _Grouped | None = None
        if isinstance(shape, _List):
            raise self.block("unsupported-detection", f"the {shape.kind} {shape.name} alone holds no events", None)
        if isinstance(shape, _Either):
            return self.alternatives_of(shape)
        if isinstance(shape, _Grouped):
            outer, inner = shape, shape.input
        else:
            inner = shape
        if isinstance(inner, _Joined):
            if outer is not None and outer.having:
                raise self.block("unsupported-detection", "a threshold over a join is not supported yet", inner.span)
            return self.temporal(inner, outer)
        return self.counted(inner, outer) if outer is not None and outer.having else self.events(inner, outer)

    def alternatives_of(self, shape: _Either) -> Detection:
        """The first alternative, with the others beside it."""
        outside = list(self.windows)

        def lifted(number: int) -> Detection:
            self.windows, self.bin = [*shape.windows[number], *outside], None
            return replace(self.detection(shape.members[number]), part=f"part_{number + 1}_")

        found = [detection for _, (detection, _) in self.alternatives_among(range(len(shape.members)), lifted)]
        if len(found) == 1:
            return replace(found[0], part="", diagnostics=tuple(self.found))
        return replace(found[0], others=tuple(found[1:]), diagnostics=tuple(self.found))

    def outputs(
        self, branch: _Branch, outer: _Grouped | None, post: dict[int, Expr] | None = None, leaves: dict[Expr, Expr] | None = None
    ) -> tuple[tuple[str, Expr], ...]:
        """The columns of the query that this branch's events decide. ``leaves`` give what a conditional key is in this branch."""
        found = []
        definitions = {c.id: x for c, x in outer.keys} if outer else {}
        for name, column in self.plan.names:
            expr: Expr = ColumnRef(None, column.type, column)
            for env in (outer.env if outer else {}, definitions, post or {}):
                expr = substitute(expr, env)
            if columns_of(expr) and all(c.id in branch.env or _belongs(c, branch) for c in columns_of(expr)):
                value = simplify(substitute(expr, branch.env))
                found.append((name, (leaves or {}).get(value, value)))
        return tuple(found)

    def events(self, inner: _Events, outer: _Grouped | None) -> Detection:
        if outer is not None:
            if not outer.keys:
                raise self.block("unsupported-detection", "a summarize without by gives a row even where there are no events", None)
            self.say("columns-differ", "the rows are groups of events in the query, the events themselves here", None)
        selectors = self.selectors(inner, outer)
        return self.finish("event", (Side(_common_name(selectors), selectors),), (), (), None)

    def selectors(self, inner: _Events, outer: _Grouped | None) -> tuple[Selector, ...]:
        names = _unique([b.table for b in inner.branches])
        found = tuple(
            Selector(name, b.table, b.predicate, (), self.outputs(b, outer))
            for name, b in zip(names, inner.branches, strict=True)
            if b.predicate != FALSE
        )
        if not found:
            raise self.block("unsupported-detection", "the conditions of this query can never be true", None)
        return found

    def counted(self, inner: _Events, outer: _Grouped) -> Detection:
        condition, operator, n, aggregate = self.deciding(outer)
        if not outer.keys and (operator in ("<", "<=") or n == 0):
            raise self.block("unsupported-detection", "this threshold also holds where there are no events", condition.span)
        keys: list[tuple[str, Expr]] = []
        for column, expr in outer.keys:
            bucket = self.bucket(expr, inner.branches[0])
            if bucket is not None:
                self.bin = bucket
            else:
                keys.append((column.name, expr))
        keys = self.independent(keys, inner)
        computed = [k for k in keys if any(self.is_computed_key(substitute(k[1], b.env)) for b in inner.branches)]
        if computed and len(computed) < len(keys) and operator in (">", ">="):
            self.say(
                "key-dropped",
                f"{', '.join(n for n, _ in computed)} is computed from the fields, and is left out of the keys",
                computed[0][1].span,
            )
            keys = [k for k in keys if k not in computed]
        selectors, values = [], []
        for selector, branch in zip(self.selectors(inner, outer), inner.branches, strict=True):
            fields = tuple(self.key_field(simplify(substitute(x, branch.env)), x.span) for _, x in keys)
            selectors.append(replace(selector, keys=fields))
            if aggregate.function != "count":
                values.append(self.key_field(simplify(substitute(aggregate.args[0], branch.env)), aggregate.span))
        kind = "event_count" if aggregate.function == "count" else "value_count"
        threshold = Threshold(operator, n, tuple(values))
        side = Side(_common_name(tuple(selectors)), tuple(selectors))
        guaranteed = tuple(all(_present(s.keys[i], s.predicate) for s in selectors) for i in range(len(keys)))
        if self.bin is not None:
            self.windows.append(self.bin)
        self.say("columns-differ", "the alert shows the keys and the count, not every column of the query", None)
        return self.finish(kind, (side,), tuple(n for n, _ in keys), guaranteed, threshold)

    def summary(
        self, grouped: _Grouped, side: _Events, selectors: tuple[Selector, ...]
    ) -> tuple[Threshold, tuple[tuple[Expr, ...], ...]]:  # fmt: skip
        """The threshold of a side of a join, and the fields that it counts by, for each selector."""
        _, operator, n, aggregate = self.deciding(grouped)
        keys = [x for _, x in grouped.keys if self.bucket(x, side.branches[0]) is None]
        grouping = tuple(tuple(self.key_field(simplify(substitute(x, b.env)), x.span) for x in keys) for b in side.branches)
        values: tuple[Expr, ...] = ()
        if aggregate.function != "count":
            values = tuple(self.key_field(simplify(substitute(aggregate.args[0], b.env)), aggregate.span) for b in side.branches)
        for selector, fields in zip(selectors, grouping, strict=True):
            if any(k not in fields for k in selector.keys):
                raise self.block("unsupported-join", "the join uses a key that the summary does not count by", aggregate.span)
        return Threshold(operator, n, values), grouping

    def deciding(self, grouped: _Grouped) -> tuple[Expr, str, int, Apply]:
        """The condition on a summary that a correlation can say, as ``threshold_of`` has it; the others are left out and said."""
        conditions = [p for h in grouped.having for p in conjuncts(simplify(h))]
        found = [(c, t) for c in conditions if (t := self.threshold_of(c, grouped)) is not None]
        if not found:
            raise self.block("unsupported-detection", "this threshold is not supported yet", conditions[0].span)
        condition, threshold = found[0]
        for other in conditions:
            if other is not condition:
                self.say("condition-dropped", "a further condition on the summary is left out", other.span)
        return condition, *threshold

    def threshold_of(self, condition: Expr, outer: _Grouped) -> tuple[str, int, Apply] | None:
        """(operator, number, aggregate) of a condition on a count or a number of distinct values; None where it is another."""
        match condition:
            case Apply(
                function=">" | ">=" | "<" | "<=" | "==" as operator,
                args=(Apply(function="array_length", args=(ColumnRef(column=c),)), Const(value=int(n))),
            ):
                aggregate = outer.aggregates.get(c.id)
                if isinstance(aggregate, Apply) and aggregate.function == "make_set":
                    return operator, n, Apply(aggregate.span, Type.LONG, "dcount", aggregate.args[:1])
            case Apply(function=">" | ">=" | "<" | "<=" | "==" as operator, args=(ColumnRef(column=c), Const(value=int(n)))):
                aggregate = outer.aggregates.get(c.id)
                if isinstance(aggregate, Apply) and aggregate.function in ("count", "dcount", "count_distinct"):
                    return operator, n, aggregate
        return None

    def bucket(self, expr: Expr, branch: _Branch) -> int | None:
        return _bucket(simplify(substitute(expr, branch.env)))

    def independent(self, keys: list[tuple[str, Expr]], inner: _Events) -> list[tuple[str, Expr]]:
        """``keys`` without those that others decide: a constant, or what is computed from fields that are keys themselves."""
        if len(inner.branches) != 1:
            return keys
        env = inner.branches[0].env
        values = [(name, expr, simplify(substitute(expr, env))) for name, expr in keys]
        own = {v for _, _, v in values if is_field(v)}
        kept = []
        for name, expr, value in values:
            fields = {n for n in walk(value) if isinstance(n, ColumnRef)}
            if is_field(value) or not fields <= own:
                kept.append((name, expr))
        return kept or keys

    def is_computed_key(self, expr: Expr) -> bool:
        value = simplify(expr)
        return not is_field(value.args[0] if isinstance(value, Apply) and value.function in ("tolower", "toupper") else value)

    def key_field(self, expr: Expr, span: Span | None) -> Expr:
        if isinstance(expr, Apply) and expr.function in ("tolower", "toupper") and is_field(expr.args[0]):
            self.say("key-case", "the KQL counts by this value without case, the output with it", span)
            return expr.args[0]
        if is_field(expr):
            return expr
        raise self.block("unsupported-expression", "the events cannot be grouped by this computed value", span)

    def temporal(self, joined: _Joined, outer: _Grouped | None) -> Detection:
        classes = self.key_classes(joined)
        names = _unique([_side_name(side) for side in joined.sides])
        sides = []
        for number, (name, side) in enumerate(zip(names, joined.sides, strict=True)):
            selectors = self.side_selectors(name, number, side, classes, joined, outer)
            summary = joined.summaries.get(number)
            if summary is None:
                sides.append(Side(name, selectors, number in joined.absent))
                continue
            if len(selectors) != len(side.branches) or number in joined.absent:
                raise self.block(
                    "unsupported-detection", "a threshold on alternatives, or one that is absent, is not supported in a join", joined.span
                )
            threshold, grouping = self.summary(summary, side, selectors)
            sides.append(Side(name, selectors, False, threshold, grouping))
        keys = tuple(_snake(_key_name(c)) for c in classes)
        guaranteed = tuple(
            any(all(_present(s.keys[i], s.predicate) or (s.keys[i].type in _NULLABLE and not joined.absent) for s in side.selectors)
                for side in sides if not side.absent)
            for i in range(len(classes))
        )  # fmt: skip
        self.say(
            "columns-differ",
            "the query gives a row for each combination of events, the outputs one alert for each "
            + " and ".join(keys)
            + " with the values of the other columns gathered",
            outer.input.span if outer and isinstance(outer.input, _Joined) else joined.span,
        )
        kind = "temporal"
        if joined.order:
            if len(sides) == 2 and not joined.absent and set(joined.order) == {joined.order[0]}:
                kind = "temporal_ordered"
                sides = [sides[n] for n in joined.order[0]]
                self.windows = joined.within or self.windows
            else:
                self.say("condition-dropped", "the order in time of more than two sides is left out", joined.span)
        detection = self.finish(kind, tuple(sides), tuple(_unique(list(keys))), guaranteed, None)
        return (
            replace(detection, within=min(joined.within, default=None), strict=joined.strict) if kind == "temporal_ordered" else detection
        )

    def key_classes(self, joined: _Joined) -> list[dict[int, Expr]]:
        """The keys: for each of them the expression on every side. Joins in a chain share a key where they use the same one."""
        classes: list[dict[int, Expr]] = []
        for a_side, a, b_side, b in joined.pairs:
            a_value, b_value = self.key_value(joined, a_side, a), self.key_value(joined, b_side, b)
            if (size := _bucket(a_value)) is not None and size == _bucket(b_value):
                self.bin = size
                self.windows.append(size)
                continue
            for known in classes:
                if known.get(a_side) == a_value and b_side not in known:
                    known[b_side] = b_value
                    break
            else:
                classes.append({a_side: a_value, b_side: b_value})
        plain = [c for c in classes if not any(self.is_computed(joined, n, x) for n, x in c.items())]
        if plain and len(plain) < len(classes):
            self.say("key-dropped", "a key of the join is computed from its fields, and is left out", joined.span)
            classes = plain
        if not classes or any(len(c) != len(joined.sides) for c in classes):
            raise self.block(
                "unsupported-join", "the joins of this query use different keys: no single grouping says the same", joined.span
            )
        return classes

    def is_computed(self, joined: _Joined, side: int, expr: Expr) -> bool:
        """Whether a key is neither a field nor made of alternatives that are fields or constants."""
        for branch in joined.sides[side].branches:
            for _, value in self.alternatives(simplify(substitute(expr, branch.env))):
                inner = value.args[0] if isinstance(value, Apply) and value.function in ("tolower", "toupper") else value
                if not is_field(inner) and not isinstance(inner, Const):
                    return True
        return False

    def key_value(self, joined: _Joined, side: int, expr: Expr) -> Expr:
        """The key by its column where branches differ, else by its definition, so that two names of one field are one key."""
        found = [simplify(substitute(expr, b.env)) for b in joined.sides[side].branches]
        return found[0] if all(x == found[0] for x in found) else expr

    def side_selectors(
        self, name: str, number: int, side: _Events, classes: list[dict[int, Expr]], joined: _Joined, outer: _Grouped | None
    ) -> tuple[Selector, ...]:
        found: list[tuple[_Branch, tuple[Expr, ...]]] = [(b, ()) for b in side.branches if b.predicate != FALSE]
        whole: dict[int, list[Expr]] = {}
        computed: list[Diagnostic] = []
        for known in classes:
            grown: list[tuple[_Branch, tuple[Expr, ...]]] = []
            others = [x for n, x in known.items() if n != number]
            for branch, keys in found:
                key = simplify(substitute(known[number], branch.env))
                whole.setdefault(branch.source, []).append(key)
                for guard, value in self.alternatives(key):
                    if isinstance(value, Const):
                        self.constant_key(value, others, known[number])
                        continue
                    if isinstance(value, Apply) and value.function in ("tolower", "toupper") and is_field(value.args[0]):
                        self.say("key-case", "the KQL compares these keys without case, the output with it", value.span)
                        value = value.args[0]
                    if not is_field(value):
                        computed.append(
                            Diagnostic(
                                "unsupported-expression", "the events cannot be joined by this computed value", value.span or joined.span
                            )
                        )
                        continue
                    predicate = conjunction(branch.predicate, *conjuncts(pushed(guard)))
                    grown.append((replace(branch, predicate=predicate), (*keys, value)))
            found = grown
            if len(found) > MAX_ALTERNATIVES:
                raise self.block("unsupported-expression", "the key has too many alternatives", joined.span)
        if computed and (not found or self.every_part or number in joined.absent):
            self.found += computed
            raise _Blocked
        for blocker in computed:
            self.say("alternative-dropped", f"events with this key are left out: {blocker.message}", blocker.span)
        if not found:
            raise self.block("unsupported-join", "no event of this side can have the join key", joined.span)
        names = [name] if len(found) == 1 else [f"{name}_{i + 1}" for i in range(len(found))]
        out = []
        for n, (b, keys) in zip(names, found, strict=True):
            leaves = dict(zip(dict.fromkeys(whole[b.source]), keys, strict=False))
            out.append(Selector(n, b.table, b.predicate, keys, self.outputs(b, outer, joined.env, leaves)))
        return tuple(out)

    def alternatives(self, key: Expr) -> list[tuple[Expr, Expr]]:
        found = branches(key)
        if found is None:
            return [(TRUE, key)]
        out = []
        for guard, value in found:
            for inner, leaf in self.alternatives(value):
                out.append((simplify(conjunction(guard, inner)), leaf))
        return out

    def constant_key(self, value: Const, others: list[Expr], key: Expr) -> None:
        addresses = [x for x in others if isinstance(x, ColumnRef) and self.is_address(x.column.table or "", x.column.name)]
        if addresses and not _is_ip(value.value):
            self.say(
                "constant-branch-dropped",
                f"the branch with the constant {value.value!r} is left out: no IP address it is joined with can equal it",
                value.span,
            )
        else:
            self.say("constant-key", f"events whose key is the constant {value.value!r} are left out", value.span)

    def finish(
        self, kind: str, sides: tuple[Side, ...], keys: tuple[str, ...], guaranteed: tuple[bool, ...], threshold: Threshold | None
    ) -> Detection:
        thresholds = [t for t in (threshold, *(s.threshold for s in sides)) if t is not None]
        partial = self.loosened or any(d.code == "alternative-dropped" for d in self.found)
        if partial and any(t.operator not in (">", ">=") for t in thresholds):
            raise self.block("unsupported-detection", "a threshold on few events needs every part of the query", None)
        windows = [w for w in self.windows if w]
        if windows:
            timespan = min(max(windows), self.period or max(windows))
            if len(set(windows)) > 1:
                self.say(
                    "window-widened", f"windows of {', '.join(map(_human, sorted(set(windows))))} become one of {_human(timespan)}", None
                )
        elif self.period:
            timespan = self.period
        else:
            timespan = self.default
            if kind != "event":
                self.say("window-assumed", f"neither the query nor the rule states a time window: {_human(timespan)} is assumed", None)
        return Detection(kind, sides, keys, guaranteed, threshold, timespan, self.bin, tuple(self.found))


_OPERATORS: dict[type[o.Relation], str] = {o.ParsePairs: "parse-kv", o.Series: "make-series", o.Number: "mv-apply"}


_SEARCH = -1
"""The start of a window that the user interface of a hunting query gives: the search's own."""


def _with_keys(grouped: _Grouped, events: _Events) -> _Events:
    """``events``, the input of ``grouped``, with the columns of the summary in terms of their fields."""
    for branch in events.branches:
        before = dict(branch.env)
        for column, expr in grouped.keys:
            branch.env[column.id] = simplify(substitute(expr, before))
        for identifier, expr in grouped.env.items():
            branch.env[identifier] = simplify(substitute(expr, branch.env))
    return events


def _environments(shape: _Shape) -> list[dict[int, Expr]]:
    """What the columns of a shape are: for each of its branches, or for the whole of it."""
    if isinstance(shape, _Events):
        return [b.env for b in shape.branches]
    return [shape.env] if isinstance(shape, _Grouped | _Joined) else []


def _bound(expr: Expr) -> int | None:
    """How many seconds before now a moment lies; ``_SEARCH`` for one that the user interface gives; None where it is unknown."""
    match expr:
        case Apply(function="now", args=()):
            return 0
        case Apply(function="ago", args=(span,)):
            back = _seconds(span)
            return 1 if back is None and _of_the_search(span) else back
        case Apply(function="-", args=(moment, span)):
            base, back = _bound(moment), _seconds(span)
            if base == _SEARCH and (back is not None or _of_the_search(span)):
                return 1 + (back or 0)
            return None if base is None or back is None or base == _SEARCH else base + back
        case Apply(function="+", args=(moment, span)):
            base, forward = _bound(moment), _seconds(span)
            return None if base is None or forward is None or base == _SEARCH else base - forward
        case Apply(function="startofday" | "todatetime", args=(inner,)) if not isinstance(inner, Const):
            return _bound(inner)
        case Apply(function="todatetime", args=(Const(value=str(text)),)) if text.startswith("{{"):
            return 0 if "end" in text.lower() else _SEARCH
        case _:
            return None


def _of_the_search(expr: Expr) -> bool:
    """Whether ``expr`` is made of nothing but the moments that the user interface gives, and numbers."""
    leaves = [n for n in walk(expr) if isinstance(n, Const | ColumnRef)]
    given = [n for n in leaves if isinstance(n, Const) and isinstance(n.value, str) and n.value.startswith("{{")]
    return bool(given) and all(isinstance(n, Const) for n in leaves)


def _window(predicate: Expr) -> tuple[int, int] | None:
    """The window, in seconds before now, of a condition that only restricts the time of the event; None where it is none."""
    match predicate:
        case Apply(function=">" | ">=", args=(time, low)) if _is_time(time) and (start := _bound(low)) is not None:
            return (start, 0)
        case Apply(function="<" | "<=", args=(time, high)) if _is_time(time) and (end := _bound(high)) is not None:
            return (0, 0) if end == 0 else (0, 1 if end == _SEARCH else end)
        case Apply(function=">=" | "<=", args=(time, same)) if _is_time(time) and time == same:
            return (0, 0)
        case Apply(function="between", args=(time, low, high)) if _is_time(time) and (start := _bound(low)) is not None:
            length = _seconds(high)
            end_of = start - length if length is not None and start != _SEARCH else _bound(high)
            if end_of == _SEARCH:
                return (max(2, start), 1)
            return None if end_of is None else (start, max(0, end_of))
        case _:
            return None


def _bucket(expr: Expr) -> int | None:
    """The length in seconds of the buckets of ``bin(TimeGenerated, ...)``; None where ``expr`` is something else."""
    match expr:
        case Apply(function="bin", args=(time, size)) if _is_time(time):
            return _seconds(size)
        case _:
            return None


def _windows_of(shape: _Shape) -> set[tuple[int, int]]:
    match shape:
        case _Events(branches=branches_):
            return {w for b in branches_ for w in b.windows}
        case _Grouped(input=inner):
            return _windows_of(inner)
        case _Joined(sides=sides):
            return _windows_of(sides[0])
        case _:
            return set()


def _is_history(kept: _Shape, other: _Shape) -> bool:
    """Whether ``other`` looks at another window than ``kept``: at what came before."""
    own, earlier = _windows_of(kept), _windows_of(other)
    return own != earlier and bool(own or earlier)


def _fixed(shape: _Shape, key: Expr) -> object:
    """The constant that the conditions of a shape make of ``key``; None where they leave it open."""
    events = shape.input if isinstance(shape, _Grouped) else shape
    if not isinstance(events, _Events) or len(events.branches) != 1:
        return None
    (branch,) = events.branches
    definitions = {c.id: x for c, x in shape.keys} if isinstance(shape, _Grouped) else {}
    value = simplify(substitute(substitute(key, definitions), branch.env))
    for part in conjuncts(branch.predicate):
        match part:
            case Apply(function="==", args=(left, Const(value=constant))) if left == value:
                return constant
    return None


def _name_of(expr: Expr) -> str:
    """A name for what ``expr`` holds: that of the first column it reads."""
    return next((n.column.name for n in walk(expr) if isinstance(n, ColumnRef)), "key")


def _plain(expr: Expr) -> Expr:
    """``expr`` with stored columns by name, so that two uses of one table compare equal."""
    return transform(
        expr,
        lambda n: Apply(None, n.type, "field", (const(n.column.name),)) if isinstance(n, ColumnRef) and n.column.source is not None else n,
    )


def _placeholder(expr: Expr) -> Expr:
    """A placeholder's operand without what only fixes its case; a constant is taken not to be in the list."""
    match expr:
        case Apply(function="expand" | "expand_cs", args=(Apply(function="tolower" | "toupper", args=(inner,)), name)):
            return Apply(expr.span, Type.BOOL, "expand", (inner, name))
        case Apply(
            function="expand" | "expand_cs" as function,
            args=(
                Apply(function="tostring", args=(Path(base=Apply(function="split", args=(source, Const(value=str(mark)))), steps=(-1,)),)),
                Const(value=name),
            ),
        ) if len(mark) == 1:
            ending = Apply(expr.span, Type.BOOL, f"{function}_end", (source, const(f"{mark}%{name}%")))
            return disjunction(Apply(expr.span, Type.BOOL, function, (source, const(name))), ending)
        case Apply(function="expand" | "expand_cs", args=(Const(), _)):
            return FALSE
        case _:
            return expr


def _columns_within(relation: o.Relation) -> set[int]:
    """The ids of all columns that a relation reads or makes."""
    found: set[int] = set()
    stack: list[object] = [relation]
    while stack:
        current = stack.pop()
        if isinstance(current, Column):
            found.add(current.id)
        elif isinstance(current, tuple):
            stack.extend(current)
        elif isinstance(current, Expr | o.Relation | o.Ordering):
            stack.extend(getattr(current, name) for name in current.__dataclass_fields__ if name != "span")
    return found


def _constants(relation: o.Relation, column: Column) -> tuple[Expr, ...] | None:
    """The values of a column of a datatable that nothing filters; None where it is something else."""
    while isinstance(relation, o.Arrange | o.Distinct | o.Sort):
        relation = relation.input
    if isinstance(relation, o.Project | o.Compute):
        definitions = {c.id: x for c, x in relation.items}
        made = definitions.get(column.id)
        if isinstance(made, ColumnRef):
            return _constants(relation.input, made.column)
        return _constants(relation.input, column) if made is None and isinstance(relation, o.Compute) else None
    if not isinstance(relation, o.Rows) or column not in relation.columns:
        return None
    index = relation.columns.index(column)
    values = tuple(row[index] for row in relation.rows if index < len(row))
    return values if values and all(isinstance(v, Const) and v.value is not None for v in values) else None


def _inside_presence(node: Expr, whole: Expr) -> bool:
    return any(is_presence(n) and isinstance(n, Apply) and n.args[0] == node for n in walk(whole))


def _membership(part: Expr) -> tuple[Expr, Subquery, bool, bool] | None:
    """(subject, query, cased, negated) of ``x in (query)``; None where ``part`` is something else."""
    negated = isinstance(part, Apply) and part.function == "not"
    inner = part.args[0] if isinstance(part, Apply) and negated else part
    match inner:
        case Apply(function="in" | "in~" as function, args=(subject, Items(items=(Subquery(scalar=False) as query,)))) if (
            query.column is not None
        ):
            return subject, query, function == "in", negated
        case _:
            return None


_CONVERSIONS = {
    Type.LONG: "tolong",
    Type.INT: "toint",
    Type.REAL: "todouble",
    Type.DATETIME: "todatetime",
    Type.BOOL: "tobool",
    Type.TIMESPAN: "totimespan",
}


_NULLABLE = frozenset({Type.BOOL, Type.INT, Type.LONG, Type.REAL, Type.DECIMAL, Type.DATETIME, Type.TIMESPAN, Type.GUID})
"""Types whose missing value is null, which a join finds equal to nothing."""


def _belongs(column: Column, branch: _Branch) -> bool:
    return column.source == branch.source and column.source is not None and column.id not in branch.env


def _is_time(expr: Expr) -> bool:
    match expr:
        case ColumnRef(column=column):
            return column.name in TIME_COLUMNS and column.table is not None
        case Apply(function="ingestion_time"):
            return True
        case _:
            return False


def _seconds(expr: Expr) -> int | None:
    match expr:
        case _ if (known := known_span(expr)) is not None:
            return known // TICKS
        case Apply(function="*", args=(Const(value=int(a)), Const(value=int(b)))):
            return a * b // TICKS if Type.TIMESPAN in (expr.args[0].type, expr.args[1].type) else None
        case _:
            return None


def _present(key: Expr, predicate: Expr) -> bool:
    """Whether ``predicate`` makes sure that ``key`` is there and not empty."""
    for part in conjuncts(predicate):
        if part == negation(Apply(None, Type.BOOL, "isempty", (key,))):
            return True
        if (
            isinstance(part, Apply)
            and part.args
            and part.args[0] == key
            and part.function in ("==", "=~", "in", "in~", "has", "contains", "startswith", "endswith")
        ):
            values = part.args[1].items if isinstance(part.args[1], Items) else part.args[1:]
            if all(isinstance(v, Const) and v.value not in ("", None) for v in values):
                return True
    return False


def _is_ip(value: object) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


def _side_name(side: _Events) -> str:
    return side.branches[0].table


def _common_name(selectors: tuple[Selector, ...]) -> str:
    return selectors[0].name


def _unique(names: list[str]) -> list[str]:
    out: list[str] = []
    for name in (_snake(n) for n in names):
        fresh, index = name, 1
        while fresh in out:
            index += 1
            fresh = f"{name}_{index}"
        out.append(fresh)
    return out


def _snake(name: str) -> str:
    """``IPAddress`` as ``ip_address``: lower-case words joined by underscores."""
    words = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", name)
    return re.sub(r"\W+", "_", words).strip("_").lower() or "key"


def _key_name(known: dict[int, Expr]) -> str:
    first = known[min(known)]
    match first:
        case ColumnRef(column=column):
            return column.name
        case Path(steps=steps):
            return str(steps[-1])
        case _:
            return "key"


def _human(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
