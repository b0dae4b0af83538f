"""Plan to detection: symbolic execution of the relations until predicates stand on stored fields."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from translator.detection.model import DAY, Detection, NoDetection, Selector, Side, Threshold
from translator.fidelity import CODES, Diagnostic, Verdict
from translator.plan import operators as o
from translator.plan.expressions import (
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
    columns_of,
    conjunction,
    conjuncts,
    const,
    negation,
    substitute,
)
from translator.plan.simplify import branches, is_field, pushed, simplify
from translator.plan.types import Type

TICKS = 10_000_000
TIME_COLUMNS = frozenset({"TimeGenerated", "Timestamp", "timestamp", "ingestion_time"})
"""Names of the time of an event: Sentinel's, Defender XDR's, and the moment of ingestion."""

MAX_ALTERNATIVES = 32
"""How many selectors one side may split into."""

AddressTest: TypeAlias = Callable[[str, str], bool]
"""Whether a table's field holds IP addresses."""

_ENRICHING = frozenset({"leftouter"})
_INNER = frozenset({"inner", "innerunique", "leftsemi", "rightsemi"})


@dataclass
class _Branch:
    """Events of one table: what they satisfy, and what each column is in terms of their stored fields."""

    table: str
    source: int
    predicate: Expr
    env: dict[int, Expr]


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


@dataclass
class _Joined:
    """Sides that share keys. ``classes`` are sets of expressions, each over one side, that must be equal."""

    sides: list[_Events]
    pairs: list[tuple[int, Expr, int, Expr]]
    owner: dict[int, int]
    env: dict[int, Expr] = field(default_factory=dict)
    span: Span | None = None
    one_row_per_key: bool = False


_Shape: TypeAlias = _Events | _Grouped | _Joined


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
    def __init__(self, plan: o.Plan, period: int | None, default: int, is_address: AddressTest) -> None:
        self.plan, self.period, self.default, self.is_address = plan, period, default, is_address
        self.found: list[Diagnostic] = []
        self.windows: list[int] = []
        self.bin: int | None = None

    def say(self, code: str, message: str, span: Span | None) -> None:
        diagnostic = Diagnostic(code, message, span)
        if diagnostic not in self.found:
            self.found.append(diagnostic)

    def block(self, code: str, message: str, span: Span | None) -> _Blocked:
        self.say(code, message, span)
        return _Blocked()

    def run(self) -> Detection | NoDetection:
        try:
            return self.detection(self.shape(self.plan.root))
        except _Blocked:
            return NoDetection(tuple(d for d in self.found if CODES[d.code].direction == Verdict.NONE))

    # --- relations

    def shape(self, relation: o.Relation) -> _Shape:
        match relation:
            case o.Source(table=table, id=identifier):
                return _Events([_Branch(table, identifier, TRUE, {})])
            case o.Filter(input=inner, predicate=predicate, span=span):
                return self.filtered(self.shape(inner), predicate, span)
            case o.Compute(input=inner, items=items) | o.Project(input=inner, items=items):
                return self.computed(self.shape(inner), items)
            case o.Aggregate(input=inner, keys=keys, aggregates=aggregates, span=span):
                return self.aggregated(self.shape(inner), keys, aggregates, span)
            case o.Union(inputs=inputs, columns=columns, span=span):
                return self.union([self.shape(i) for i in inputs], columns, span)
            case o.Join():
                return self.joined(relation)
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

    def computed(self, shape: _Shape, items: tuple[tuple[Column, Expr], ...]) -> _Shape:
        envs = [b.env for b in shape.branches] if isinstance(shape, _Events) else [shape.env]
        for env in envs:
            before = dict(env)
            for column, expr in items:
                env[column.id] = simplify(substitute(expr, before))
        return shape

    def filtered(self, shape: _Shape, predicate: Expr, span: Span | None) -> _Shape:
        for part in conjuncts(predicate):
            match shape:
                case _Events(branches=found):
                    for branch in found:
                        self.constrain(branch, part)
                case _Grouped():
                    self.having(shape, part)
                case _Joined():
                    self.filter_joined(shape, part, span)
        return shape

    def constrain(self, branch: _Branch, predicate: Expr) -> None:
        """Adds ``predicate`` to a branch, taking out what only restricts the time."""
        value = simplify(substitute(predicate, branch.env))
        if foreign := [c.name for c in columns_of(value) if c.source is not None and c.source != branch.source]:
            raise self.block("unsupported-join", f"this condition reads {foreign[0]}, a column that the join only adds", predicate.span)
        for part in conjuncts(pushed(value)):
            window = self.window(part)
            if window is not None:
                self.windows.append(window)
                continue
            if part == FALSE:
                self.say("false-predicate", "this condition is never true", predicate.span)
            branch.predicate = conjunction(branch.predicate, part)

    def window(self, predicate: Expr) -> int | None:
        """The length in seconds of ``TimeGenerated > ago(x)`` and its spellings; None where the predicate is none."""
        match predicate:
            case Apply(function=">" | ">=", args=(time, Apply(function="ago", args=(span,)))) if _is_time(time):
                return _seconds(span)
            case Apply(function="<" | "<=", args=(time, Apply(function="now", args=()))) if _is_time(time):
                return 0
            case Apply(function="between", args=(time, Apply(function="ago", args=(span,)), Apply(function="now"))) if _is_time(time):
                return _seconds(span)
            case Apply(function=">" | ">=", args=(time, Apply(function="-", args=(Apply(function="now"), span)))) if _is_time(time):
                return _seconds(span)
            case _:
                return None

    def aggregated(
        self, shape: _Shape, keys: tuple[tuple[Column, Expr], ...], aggregates: tuple[tuple[Column, Expr], ...], span: Span | None
    ) -> _Shape:
        if isinstance(shape, _Grouped):
            if shape.having:
                raise self.block("unsupported-detection", "a summarize over a summarize with a threshold is not supported", span)
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

    def as_events(self, shape: _Shape, what: str, span: Span | None) -> _Events:
        """A shape as plain events: a summarize without a threshold selects the same keys as its input."""
        if isinstance(shape, _Grouped) and not shape.having and isinstance(shape.input, _Events):
            self.say("columns-differ", "the rows are groups of events in the query, the events themselves here", span)
            for branch in shape.input.branches:
                before = dict(branch.env)
                for column, expr in shape.keys:
                    branch.env[column.id] = simplify(substitute(expr, before))
                for identifier, expr in shape.env.items():
                    branch.env[identifier] = simplify(substitute(expr, branch.env))
            return shape.input
        if isinstance(shape, _Events):
            return shape
        kind = "summaries with a threshold" if isinstance(shape, _Grouped) else "joins"
        raise self.block("unsupported-detection", f"{what} {kind} is not supported yet", span)

    # --- joins

    def joined(self, join: o.Join) -> _Shape:
        left = self.shape(join.left)
        if join.condition is not None and join.kind not in _ENRICHING:
            raise self.block("unsupported-join", "a join with networks that hold an address is not supported", join.span)
        if join.kind in _ENRICHING:
            self.say("enrichment-dropped", f"the {join.kind} join adds columns and decides nothing", join.span)
            return left
        if join.kind not in _INNER:
            raise self.block("unsupported-join", f"a join of kind {join.kind} is not supported yet", join.span)
        right = self.as_events(self.shape(join.right), "a join with", join.span)
        if isinstance(left, _Joined):
            base = left
        else:
            events = self.as_events(left, "a join of", join.span)
            base = _Joined([events], [], {}, span=join.span)
        index = len(base.sides)
        base.sides.append(right)
        for a, b in join.on:
            a = substitute(a, base.env)
            base.pairs.append((self.owner(base, a, index), a, index, b))
        base.span = join.span
        base.one_row_per_key |= join.kind == "innerunique"
        return base

    def owner(self, joined: _Joined, expr: Expr, limit: int) -> int:
        """Which side ``expr`` belongs to."""
        owners = set()
        for column in columns_of(expr):
            for number, side in enumerate(joined.sides[:limit]):
                if any(column.id in b.env or _belongs(column, b) for b in side.branches):
                    owners.add(number)
        if len(owners) != 1:
            raise self.block("unsupported-join", "this expression reads several sides of the join", expr.span)
        return owners.pop()

    def filter_joined(self, joined: _Joined, predicate: Expr, span: Span | None) -> None:
        predicate = substitute(predicate, joined.env)
        side = joined.sides[self.owner(joined, predicate, len(joined.sides))]
        if joined.one_row_per_key:
            self.say("one-row-per-key", "this filters after a join that keeps one row of its left side for each key", span)
        for branch in side.branches:
            self.constrain(branch, predicate)

    # --- the detection

    def detection(self, shape: _Shape) -> Detection:
        outer: _Grouped | None = None
        if isinstance(shape, _Grouped):
            outer, inner = shape, shape.input
        else:
            inner = shape
        if isinstance(inner, _Joined):
            if outer is not None and outer.having:
                raise self.block("unsupported-detection", "a threshold over a join is not supported yet", inner.span)
            return self.temporal(inner, outer)
        return self.counted(inner, outer) if outer is not None and outer.having else self.events(inner, outer)

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
        if len(outer.having) != 1:
            raise self.block("unsupported-detection", "more than one threshold is not supported yet", outer.having[1].span)
        condition = simplify(outer.having[0])
        match condition:
            case Apply(
                function=">" | ">=" | "<" | "<=" | "==" as operator,
                args=(Apply(function="array_length", args=(ColumnRef(column=c),)), Const(value=int(n))),
            ):
                aggregate = outer.aggregates.get(c.id)
                if not (isinstance(aggregate, Apply) and aggregate.function == "make_set"):
                    raise self.block("unsupported-detection", "the size of this list is no count of distinct values", condition.span)
                aggregate = Apply(aggregate.span, Type.LONG, "dcount", aggregate.args[:1])
            case Apply(function=">" | ">=" | "<" | "<=" | "==" as operator, args=(ColumnRef(column=c), Const(value=int(n)))):
                aggregate = outer.aggregates.get(c.id)
            case _:
                raise self.block("unsupported-detection", "this threshold is not supported yet", condition.span)
        if not isinstance(aggregate, Apply) or aggregate.function not in ("count", "dcount", "count_distinct"):
            raise self.block("unsupported-detection", "a threshold on this aggregate is not supported yet", condition.span)
        if not outer.keys and (operator in ("<", "<=") or n == 0):
            raise self.block("unsupported-detection", "this threshold also holds where there are no events", condition.span)
        keys: list[tuple[str, Expr]] = []
        for column, expr in outer.keys:
            bucket = self.bucket(expr, inner.branches[0])
            if bucket is not None:
                self.bin = bucket
            else:
                keys.append((column.name, expr))
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

    def bucket(self, expr: Expr, branch: _Branch) -> int | None:
        match simplify(substitute(expr, branch.env)):
            case Apply(function="bin", args=(time, size)) if _is_time(time):
                return _seconds(size)
            case _:
                return None

    def key_field(self, expr: Expr, span: Span | None) -> Expr:
        if is_field(expr):
            return expr
        raise self.block("unsupported-expression", "the events cannot be grouped by this computed value", span)

    def temporal(self, joined: _Joined, outer: _Grouped | None) -> Detection:
        classes = self.key_classes(joined)
        names = _unique([_side_name(side) for side in joined.sides])
        sides = []
        for number, (name, side) in enumerate(zip(names, joined.sides, strict=True)):
            sides.append(Side(name, self.side_selectors(name, number, side, classes, joined, outer)))
        keys = tuple(_snake(_key_name(c)) for c in classes)
        guaranteed = tuple(
            any(all(_present(s.keys[i], s.predicate) for s in side.selectors) for side in sides) for i in range(len(classes))
        )
        self.say(
            "columns-differ",
            "the query gives a row for each combination of events, the outputs one alert for each "
            + " and ".join(keys)
            + " with the values of the other columns gathered",
            outer.input.span if outer and isinstance(outer.input, _Joined) else joined.span,
        )
        return self.finish("temporal", tuple(sides), tuple(_unique(list(keys))), guaranteed, None)

    def key_classes(self, joined: _Joined) -> list[dict[int, Expr]]:
        """The keys: for each of them the expression on every side. Joins in a chain share a key where they use the same one."""
        classes: list[dict[int, Expr]] = []
        for a_side, a, b_side, b in joined.pairs:
            a_value, b_value = self.key_value(joined, a_side, a), self.key_value(joined, b_side, b)
            for known in classes:
                if known.get(a_side) == a_value and b_side not in known:
                    known[b_side] = b_value
                    break
            else:
                classes.append({a_side: a_value, b_side: b_value})
        if any(len(c) != len(joined.sides) for c in classes):
            raise self.block(
                "unsupported-join", "the joins of this query use different keys: no single grouping says the same", joined.span
            )
        return classes

    def key_value(self, joined: _Joined, side: int, expr: Expr) -> Expr:
        """The key by its column where branches differ, else by its definition, so that two names of one field are one key."""
        found = [simplify(substitute(expr, b.env)) for b in joined.sides[side].branches]
        return found[0] if all(x == found[0] for x in found) else expr

    def side_selectors(
        self, name: str, number: int, side: _Events, classes: list[dict[int, Expr]], joined: _Joined, outer: _Grouped | None
    ) -> tuple[Selector, ...]:
        found: list[tuple[_Branch, tuple[Expr, ...]]] = [(b, ()) for b in side.branches if b.predicate != FALSE]
        whole: dict[int, list[Expr]] = {}
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
                    if not is_field(value):
                        raise self.block(
                            "unsupported-expression", "the events cannot be joined by this computed value", value.span or joined.span
                        )
                    predicate = conjunction(branch.predicate, *conjuncts(pushed(guard)))
                    grown.append((replace(branch, predicate=predicate), (*keys, value)))
            found = grown
            if len(found) > MAX_ALTERNATIVES:
                raise self.block("unsupported-expression", "the key has too many alternatives", joined.span)
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


_OPERATORS: dict[type[o.Relation], str] = {o.Expand: "mv-expand", o.ParsePairs: "parse-kv", o.Series: "make-series", o.Number: "mv-apply"}


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
        case Const(type=Type.TIMESPAN, value=int(ticks)):
            return ticks // TICKS
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
