"""What of a plan is written where: its heads, which select events, and the operators over them.

A head is what leads to the first operator that changes rows. It goes the way of every detection (windows, homes, conditions in the words of
the index). What follows is written from the plan, command by command, over fields that the head has given the names of the query's
columns. A query of several tables has several heads, of which one search finds the events.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace

from translator import catalog
from translator.catalog import ByValue, Stored
from translator.detection.model import DAY, Detection, Selector, Threshold
from translator.detection.overlaps import may_overlap
from translator.detection.shapes import by_name
from translator.detection.windows import TICKS, is_of_days, is_time, window_of
from translator.fidelity import Diagnostic, Place
from translator.plan import operators as o
from translator.plan.bags import with_bags_searched
from translator.plan.elements import as_rows
from translator.plan.expansions import JSON_TEXT, with_expansions_spelled
from translator.plan.expressions import (
    Apply,
    Column,
    ColumnRef,
    Const,
    Expr,
    Items,
    Path,
    Subquery,
    columns_of,
    conjunction,
    conjuncts,
    const,
    walk,
)
from translator.plan.functions import aggregates
from translator.plan.outer import with_inner_joins
from translator.plan.patterns import extractions, matching
from translator.plan.rewriting import rewritten
from translator.plan.series import with_series_summed
from translator.plan.simplify import is_field, simplify
from translator.plan.splits import with_places_inlined, with_splits_inlined
from translator.plan.types import Type
from translator.plan.uniqueness import without_needless_distinct
from translator.targets.base import Cannot
from translator.targets.homes import Placed
from translator.targets.names import free_of
from translator.targets.pipeline.values import KINDS, WRITTEN, Command, Value


@dataclass(frozen=True, slots=True)
class Cut:
    """A query cut into its heads, the relations of its events, and the operators over them up to ``root``."""

    root: o.Relation
    heads: tuple[o.Relation, ...]

    def number(self, node: o.Relation) -> int | None:
        """Which head a relation is; None where it is none."""
        return next((n for n, head in enumerate(self.heads) if head is node), None)

    def operators(self) -> list[o.Relation]:
        """What stands over the heads, from the top."""
        found, todo = list[o.Relation](), [self.root]
        while todo:
            node = todo.pop()
            if self.number(node) is None:
                found.append(node)
                todo += inputs_of(node)
        return found

    def lists(self) -> list[o.External]:
        """The lists of rows that stand beside the heads, each once."""
        return list({id(r): r for r in self.operators() if isinstance(r, o.External)}.values())


_OF_EVENTS = o.Source | o.Union | o.Filter | o.Compute | o.Project | o.Arrange


@dataclass(frozen=True, slots=True)
class Dropped(o.Relation):
    """An operator, or a condition on another query, that is left out; ``widens`` where rows can only be more without it."""

    input: o.Relation
    what: str
    widens: bool


_OVER = o.Filter | o.Compute | o.Project | o.Aggregate | o.Distinct | o.Sort | o.Limit | o.Arrange | o.Join | o.Union | o.Expand | o.Number
WALKED = _OVER | o.External
"""The operators that the walk writes over heads, and lists that stand beside them."""

MOST_CUTS, MOST_HEADS = 3, 16


def inputs_of(node: o.Relation) -> list[o.Relation]:
    """The relations that an operator reads, those of its subqueries too."""
    match node:
        case o.Join(left=left, right=right):
            return [left, right]
        case o.Union(inputs=inputs):
            return list(inputs)
        case o.Filter(input=below, predicate=predicate):
            return [below, *(s.relation for s in subqueries_of(predicate))]
    below_: o.Relation | None = getattr(node, "input", None)
    return [] if below_ is None else [below_]


def subqueries_of(expr: Expr) -> list[Subquery]:
    return [n for n in walk(expr) if isinstance(n, Subquery)]


def way_to(root: o.Relation) -> list[o.Relation]:
    """The operators that lead to a relation, the first one first: from its table, or from a union, whose parts are not looked into."""
    found: list[o.Relation] = []
    current: o.Relation | None = root
    while current is not None:
        found.append(current)
        current = None if isinstance(current, o.Union) else getattr(current, "input", None)
    return found[::-1]


def cuts(root: o.Relation) -> Iterator[Cut]:
    """The ways to cut a query, that with the most in its heads first, where the operators over them are some that a pipeline has."""
    for cut in _cuts(root):
        if len(cut.heads) <= MOST_HEADS and all(isinstance(r, WALKED) for r in cut.operators()):
            yield cut


def loose_cuts(root: o.Relation) -> Iterator[Cut]:
    """The ways to cut the main line of a query, from one table or union on, without what stands beside it."""
    for ordered in _main_lines(_in_order(root)):
        spine = way_to(ordered)
        first = list(_cuts_of_one(ordered, spine))
        yield from first
        for relation in reversed(list(itertools.takewhile(_is_of_events, spine))):
            if all(cut.heads[0] is not relation for cut in first):
                yield Cut(ordered, (relation,))


def _main_lines(node: o.Relation) -> Iterator[o.Relation]:
    """A query as a line of operators, in which ``Dropped`` stands for those that the line cannot hold."""
    match node:
        case o.Source():
            yield node
        case o.Union(inputs=inputs):
            yield node
            for below in inputs:
                yield from (Dropped(node.span, line, "the rest of a union", False) for line in _main_lines(below))
        case o.Join(left=left, right=right, kind=kind):
            widens = kind in ("inner", "innerunique", "leftsemi", "rightsemi") or "anti" in kind
            for line in _main_lines(right if kind.startswith("right") else left):
                yield Dropped(node.span, line, f"a join of the kind {kind}", widens)
        case o.Filter(input=below, predicate=predicate):
            asking = [p for p in conjuncts(predicate) if subqueries_of(p)]
            plain = [p for p in conjuncts(predicate) if not subqueries_of(p)]
            for line in _main_lines(below):
                found: o.Relation = o.Filter(node.span, line, conjunction(*plain)) if plain else line
                for condition in asking:
                    found = Dropped(condition.span, found, "a condition on another query", True)
                yield found
        case _ if (below_ := getattr(node, "input", None)) is not None:
            for line in _main_lines(below_):
                if isinstance(node, WALKED):
                    yield replace(node, input=line)  # type: ignore[arg-type]
                else:
                    yield Dropped(node.span, line, f"the operator {type(node).__name__.lower()}", False)


def _cuts(root: o.Relation) -> Iterator[Cut]:
    ordered = _in_order(root)
    spine = way_to(ordered)
    if isinstance(spine[0], o.Source | o.Union):
        yield from (cut for cut in _cuts_of_one(ordered, spine) if not any(isinstance(r, o.Source | o.Union) for r in cut.operators()))
    unions = (False, True) if any(isinstance(n, o.Union) for n in o.relations(ordered)) else (False,)
    for opened, split in itertools.product(unions, (_whole, _plain_first)):
        found = _heads(ordered, split, opened)
        if found is not None and (cut := Cut(found[0], tuple(found[1]))).heads and len(cut.heads) + len(cut.lists()) > 1:
            yield cut


def _cuts_of_one(root: o.Relation, spine: list[o.Relation]) -> Iterator[Cut]:
    head = list(itertools.takewhile(_is_of_events, spine))
    ends = [len(head), *(n for n in range(len(head) - 1, 0, -1) if isinstance(head[n], o.Compute))]
    for end in list(dict.fromkeys(ends))[:MOST_CUTS]:
        yield Cut(root, (spine[end - 1],))
    found, selected = _plain_first(head[-1])
    if found is not selected:
        for operator in spine[len(head) :]:
            found = replace(operator, input=found)  # type: ignore[call-arg]
        yield Cut(found, (selected,))


def _whole(head: o.Relation) -> tuple[o.Relation, o.Relation]:
    return head, head


def _plain_first(head: o.Relation) -> tuple[o.Relation, o.Relation]:
    """A head of which only those conditions select events that an index knows; and these events.

    The others, on what is computed among them, are asked of the events that are found.
    """
    spine, computed_ = way_to(head), set[int]()
    plain, rest = list[Expr](), list[o.Relation]()
    for node in spine[1:]:
        if isinstance(node, o.Filter):
            first = [p for p in conjuncts(node.predicate) if _is_plain(p) and not computed_ & {c.id for c in columns_of(p)}]
            plain += first
            if others := [p for p in conjuncts(node.predicate) if p not in first]:
                rest.append(replace(node, predicate=conjunction(*others)))
            continue
        rest.append(node)
        computed_ |= {c.id for c, _ in node.items} if isinstance(node, o.Compute | o.Project) else set()
    if not any(isinstance(node, o.Filter) for node in rest):
        return head, head
    selected = o.Filter(head.span, spine[0], conjunction(*plain)) if plain else spine[0]
    found: o.Relation = selected
    for operator in rest:
        found = replace(operator, input=found)  # type: ignore[call-arg]
    return found, selected


def _heads(
    node: o.Relation, split: Callable[[o.Relation], tuple[o.Relation, o.Relation]], opened: bool
) -> tuple[o.Relation, list[o.Relation]] | None:
    """A relation and the heads below it, each ``split`` first; None where something is below it that is no event.

    Unions are heads unless they are ``opened``.
    """
    spine = way_to(node)
    if isinstance(spine[0], o.Source if opened else o.Source | o.Union) and all(map(_is_of_events, spine)):
        found, selected = split(node)
        if found is selected:  # a copy of its own, since one relation may stand in several places
            found = selected = replace(node)
        return found, [selected]
    below = inputs_of(node)
    if isinstance(node, o.External):
        return replace(node), []
    if not below:
        return None
    rebuilt = [_heads(b, split, opened) for b in below]
    if None in rebuilt:
        return None
    made = [r for r in rebuilt if r is not None]
    heads = [h for _, hs in made for h in hs]
    return over(node, [new for new, _ in made]), heads


def over(node: o.Relation, news: Sequence[o.Relation]) -> o.Relation:
    """An operator over other relations in the place of its ``inputs_of``."""
    if all(new is old for new, old in zip(news, inputs_of(node), strict=True)):
        return node
    match node:
        case o.Join():
            return replace(node, left=news[0], right=news[1])
        case o.Union():
            return replace(node, inputs=tuple(news))
        case o.Filter(predicate=predicate) if len(news) > 1:
            relations: dict[int, Expr] = {id(s): replace(s, relation=r) for s, r in zip(subqueries_of(predicate), news[1:], strict=True)}
            return replace(node, input=news[0], predicate=with_others(predicate, relations))
    return replace(node, input=news[0])  # type: ignore[call-arg]


def spelled_out(plan: o.Plan) -> o.Plan:
    """A plan in which ``parse`` is what it computes.

    What ``in`` looks for in an array of another query it looks for in the rows that this is made of, parts of texts are where they
    are read, lists that are kept outside of the logs have the columns that the query names, and aggregates stand alone.
    """

    named: dict[int | None, dict[int, Column]] = {}
    for part in o.parts(plan.root):
        if isinstance(part, Column):
            named.setdefault(part.source, {})[part.id] = part
    fresh = itertools.count(max((i for columns in named.values() for i in columns), default=0) + 1)

    def spelled(node: object) -> object:
        if isinstance(node, Apply):
            return as_rows(node)
        if isinstance(node, o.Aggregate):
            return _alone(node, fresh)
        if isinstance(node, o.External) and node.source is not None:
            return replace(node, columns=tuple(named.get(node.source.id, {}).values()), source=None)
        if not isinstance(node, o.Parse) or (node.kind != "relaxed" and any(c.type != Type.STRING for c in _columns_of(node))):
            return node  # where one column cannot be converted, all are null
        matched = o.Filter(node.span, node.input, matching(node)) if node.filters else node.input
        return o.Compute(node.span, matched, extractions(node))

    root = with_splits_inlined(with_series_summed(with_bags_searched(rewritten(plan.root, spelled))))
    return replace(plan, root=with_inner_joins(without_needless_distinct(with_expansions_spelled(with_places_inlined(root)))))


def _alone(node: o.Aggregate, fresh: Iterator[int]) -> o.Relation:
    """A summary whose aggregates stand alone, and what is computed of them behind it."""
    known, own = aggregates(), list[tuple[Column, Expr]]()

    def found(expr: Expr) -> Expr:
        if not isinstance(expr, Apply):
            return expr
        if expr.function in known:
            own.append((Column(next(fresh), expr.function, expr.type), expr))
            return ColumnRef(expr.span, expr.type, own[-1][0])
        return replace(expr, args=tuple(map(found, expr.args)))

    computed = [(c, x) for c, x in node.aggregates if not (isinstance(x, Apply) and x.function in known)]
    if not computed:
        return node
    behind_ = tuple((c, found(x)) for c, x in computed)
    kept = tuple(a for a in node.aggregates if a not in computed)
    return o.Compute(node.span, replace(node, aggregates=(*kept, *own)), behind_)


def _columns_of(parse: o.Parse) -> list[Column]:
    return [part for part in parse.pattern if isinstance(part, Column)]


def with_others(expr: Expr, news: Mapping[int, Expr]) -> Expr:
    """An expression with others in the places of some of its parts, told by which they are."""
    match expr:
        case _ if id(expr) in news:
            return news[id(expr)]
        case Apply(args=args):
            return replace(expr, args=tuple(with_others(a, news) for a in args))
        case Items(items=items):
            return replace(expr, items=tuple(with_others(i, news) for i in items))
    return expr


def _is_of_events(node: o.Relation) -> bool:
    return isinstance(node, _OF_EVENTS) and not (isinstance(node, o.Filter) and any(map(_stays_behind, conjuncts(node.predicate))))


def _stays_behind(condition: Expr) -> bool:
    """Whether no head is asked a condition: one on another query, or on the days on which events were."""
    return bool(subqueries_of(condition)) or (window_of(condition) is not None and is_of_days(condition))


def _in_order(node: o.Relation) -> o.Relation:
    """A plan whose conditions that stay behind its heads come behind those that stand beside them.

    One on days leaves a limit before it, of as many seconds and one day.
    """
    if not isinstance(node, o.Filter):
        inputs = inputs_of(node)
        return over(node, [_in_order(below) for below in inputs]) if inputs else node
    parts, current = list[Expr](), node
    below: o.Relation = node
    while isinstance(below, o.Filter):
        parts = [*conjuncts(below.predicate), *parts]
        current, below = below, below.input
    behind_ = [p for p in parts if _stays_behind(p)]
    if not behind_:
        return node if (ordered := _in_order(below)) is below else _over(node, below, ordered)
    plain = [p for p in parts if p not in behind_]
    plain += [since for p in behind_ if (since := _roughly(p)) is not None]
    found = _in_order(below)
    for part in ([conjunction(*plain)] if plain else []) + behind_:
        found = o.Filter(current.span, found, _over_ordered(part))
    return found


def _over(node: o.Relation, below: o.Relation, ordered: o.Relation) -> o.Relation:
    """Filters over a relation, put over another one."""
    if node is below:
        return ordered
    assert isinstance(node, o.Filter)
    return replace(node, input=_over(node.input, below, ordered))


def _over_ordered(condition: Expr) -> Expr:
    """A condition whose other queries are in order."""
    return with_others(condition, {id(s): replace(s, relation=_in_order(s.relation)) for s in subqueries_of(condition)})


def _roughly(condition: Expr) -> Expr | None:
    """A limit on the time of events that a condition on their days leaves; None where it has none."""
    window = window_of(condition)
    moment = next((x for x in walk(condition) if is_time(x)), None)
    if window is None or moment is None or window[0] <= 0:
        return None
    back = Apply(condition.span, Type.DATETIME, "ago", (Const(condition.span, Type.TIMESPAN, (window[0] + DAY) * TICKS),))
    return Apply(condition.span, Type.BOOL, ">=", (moment, back))


def _is_plain(condition: Expr) -> bool:
    """Whether a condition compares fields with what is known before the query runs."""
    match condition:
        case Apply(function="and" | "or" | "not", args=args):
            return all(map(_is_plain, args))
        case Apply(args=(subject, *others)):
            known = all(isinstance(n, Const | Items) for x in others for n in walk(x)) or window_of(condition) is not None
            return is_field(subject) and known
    return isinstance(condition, Const) or is_field(condition)


def definitions(head: o.Relation) -> dict[int, Expr]:
    """What computes the columns of a head, by id."""
    return {c.id: x for items in computed(head) for c, x in items}


def computed(head: o.Relation) -> list[tuple[tuple[Column, Expr], ...]]:
    """What a head computes on its way, the first first; of the parts of a union only their merged columns are known."""
    return [r.items for r in way_to(head) if isinstance(r, o.Compute | o.Project)]


def deciding(plan: o.Plan) -> set[int]:
    """The columns that decide which rows there are, and how many."""
    todo = list[Expr]()
    limited = any(isinstance(n, o.Limit) for n in o.relations(plan.root))
    for node in o.relations(plan.root):
        match node:
            case o.Filter(predicate=predicate):
                todo += [predicate, *_asked_of(predicate)]
            case o.Aggregate(keys=keys):
                todo += [x for _, x in keys]
            case o.Distinct(columns=columns):
                todo += [ColumnRef(None, c.type, c) for c in columns]
            case o.Expand(items=items):
                todo += [x for _, x in items]
            case o.Join(on=on, condition=condition):
                todo += [x for pair in on for x in pair] + ([condition] if condition is not None else [])
            case o.Sort(keys=order) if limited:
                todo += [k.expr for k in order]
            case o.Limit(keys=order, count=count):
                todo += [k.expr for k in order] + [count]
    return behind(plan, todo)


def _asked_of(predicate: Expr) -> list[Expr]:
    """The columns of subqueries that a condition compares with."""
    return [ColumnRef(s.span, c.type, c) for s in subqueries_of(predicate) if (c := s.column) is not None]


def all_made(plan: o.Plan) -> dict[int, Expr]:
    """What each column of a plan is made of, by id."""
    return made_by(list(o.relations(plan.root)))


def made_by(operators: Sequence[o.Relation]) -> dict[int, Expr]:
    """What each column that operators make is made of, by id."""
    made: dict[int, Expr] = {c.id: x for n in operators if isinstance(n, o.Compute | o.Project | o.Expand) for c, x in n.items}
    for union in (n for n in operators if isinstance(n, o.Union)):
        made |= {c.id: Items(None, c.type, tuple(_refs(below))) for c, below in union.columns}
    return made | {c.id: x for n in operators if isinstance(n, o.Aggregate) for c, x in (*n.keys, *n.aggregates)}


def _refs(columns: Iterable[Column | None]) -> list[Expr]:
    return [ColumnRef(None, c.type, c) for c in columns if c is not None]


def behind(plan: o.Plan, exprs: Iterable[Expr]) -> set[int]:
    """The columns that some values are made of, directly or by others."""
    made, found, todo = all_made(plan), set[int](), list(exprs)
    while todo:
        for column in columns_of(todo.pop()):
            if column.id not in found:
                found.add(column.id)
                if column.id in made:
                    todo.append(made[column.id])
    return found


@dataclass(frozen=True, slots=True)
class Head:
    """The commands that select the events, and the value of each stored field that they give.

    ``flags`` are the fields, one for each of several heads, that are there on the events of it; none where there is one head. ``typed``
    are expressions of an array of JSON whose elements are what stands at a place, by stored field: they tell texts from numbers.
    """

    commands: tuple[Command, ...]
    fields: Mapping[Expr, Value]
    taken: frozenset[str]
    flags: tuple[str, ...] = ()
    typed: Mapping[Expr, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PipelineCase:
    """A plan that is to be written command by command.

    ``placed`` is the events of all heads as a detection of groups of them by ``fields``, which are the stored fields that the operators
    read; ``owners`` says of which head each is, ``selectors`` what the selectors of each head are called. ``decides`` are the columns that
    decide about rows, ``shown`` those that only show; ``names`` are the names of the result.
    """

    cut: Cut
    placed: Placed
    fields: tuple[Expr, ...]
    owners: tuple[int, ...]
    selectors: tuple[frozenset[str], ...]
    decides: set[int]
    shown: set[int]
    names: o.Names
    loose: bool = False
    """Whether what has no words is left out, and that is said."""

    @property
    def flagged(self) -> bool:
        """Whether the stream holds rows of several parts, which flags tell apart."""
        return len(self.selectors) + len(self.cut.lists()) > 1


def overlaps(case: PipelineCase) -> frozenset[frozenset[int]]:
    """The pairs of heads that may select one event."""
    selectors = {s.name: s for s in case.placed.detection.selectors}
    heads = [[selectors[name] for name in names] for names in case.selectors]

    def may_meet(a: int, b: int) -> bool:
        return any(_may_meet(case.placed, x, y) for x in heads[a] for y in heads[b])

    return frozenset(frozenset(pair) for pair in itertools.combinations(range(len(heads)), 2) if may_meet(*pair))


def _may_meet(placed: Placed, a: Selector, b: Selector) -> bool:
    """Whether one event may be selected by both: it is of one table, or lies where the events of several are."""
    if a.table != b.table:
        homes = [placed.homes.get((s.table, s.home)) for s in (a, b)]
        first, second = (home.places if home is not None else {} for home in homes)
        apart = (key for key, values in first.items() if key != "index" and key in second and not {*values} & {*second[key]})
        if None in homes or any(apart):
            return False
    return may_overlap(by_name(a.predicate), by_name(b.predicate))


def fields_of(
    case: PipelineCase, names: Sequence[str], time: str, quoted: Callable[[str], str], spell: Callable[[int, str], str | None]
) -> tuple[list[tuple[str, str]], dict[Expr, Value]]:  # fmt: skip
    """What a head computes of the fields that a case reads, by name, and the value of each.

    Args:
        names: what the head calls them.
        time: the field with the time of an event, which needs no other name.
        spell: what gives a field, told by its number, as a value of a kind; None where it has no words. A text is never missing then.
            May raise Cannot for the same.
    """
    pairs, found, named = list[tuple[str, str]](), dict[Expr, Value](), dict[str, str]()
    for number, (name, fact) in enumerate(zip(names, case.fields, strict=True)):
        text = None
        if (kind := kind_of(fact)) is not None:
            with suppress(Cannot):  # what is missing is said where it is read
                if fact.type == Type.UNKNOWN and spell(number, "time") == time:
                    kind = "time"
                text = spell(number, kind)
        if kind is None or text is None:
            continue
        if kind == "time" and text == time:
            found[fact] = Value(time, kind, False, simple=True)
            continue
        own = named.setdefault(text, name)
        if own == name and text != quoted(name):
            pairs.append((name, text))
        found[fact] = Value(quoted(own), kind, kind not in WRITTEN, simple=True)
    return pairs, found


def kind_of(expr: Expr) -> str | None:
    """The kind of a stored field, None where it is one that a pipeline cannot read."""
    if isinstance(expr, Path):
        return "part"
    if is_time(expr):
        return "time"
    if expr.type == Type.DYNAMIC:
        return "json"
    kind = KINDS[expr.type]
    return None if kind == "span" else kind


def _made_by(relation: o.Relation) -> list[Column]:
    match relation:
        case o.Compute(items=items) | o.Project(items=items) | o.Expand(items=items):
            return [c for c, _ in items]
        case o.Aggregate(keys=keys, aggregates=aggregates):
            return [c for c, _ in (*keys, *aggregates)]
        case o.Union(columns=columns):
            return [c for c, _ in columns]
        case o.External(columns=listed):
            return list(listed)
    return []


def read_by(relation: o.Relation, wanted: Container[int]) -> list[Expr]:
    """What an operator reads, for columns that are wanted."""
    match relation:
        case o.Filter(predicate=predicate):
            return [predicate, *_asked_of(predicate)]
        case o.Compute(items=items) | o.Project(items=items):
            return [x for c, x in items if c.id in wanted]
        case o.Aggregate(keys=keys, aggregates=aggregates):
            return [x for c, x in keys] + [x for c, x in aggregates if c.id in wanted]
        case o.Distinct(columns=columns):
            return _refs(columns)
        case o.Expand(items=items):
            return [x for _, x in items]
        case o.Union(columns=merged):
            return [x for c, below in merged if c.id in wanted for x in _refs(below)]
        case o.Join(on=on, condition=condition):
            return [x for pair in on for x in pair] + ([condition] if condition is not None else [])
        case o.Sort(keys=order) | o.Limit(keys=order):
            return [k.expr for k in order]
    return []


def leaves(cut: Cut, wanted: set[int], names: o.Names) -> list[Expr]:
    """The stored fields that the operators over the heads read for columns that are wanted, and the columns of unions, each once."""
    made = {c: x for head in cut.heads for c, x in definitions(head).items()}
    found, operators = dict[Expr, None](), cut.operators()[::-1]
    own = {c.id for r in operators for c in _made_by(r)}
    todo = [simplify(x) for r in operators for x in read_by(r, wanted)]
    todo += [ColumnRef(None, c.type, c) for _, c in names if c.id in wanted]
    expanded = set[int]()
    while todo:
        expr = todo.pop(0)
        nodes = list(walk(expr))
        paths = {id(n.base) for n in nodes if isinstance(n, Path) and isinstance(n.base, ColumnRef)}
        texts = [n for n in nodes if isinstance(n, Apply) and n.function == JSON_TEXT]
        found |= dict.fromkeys(texts)
        inside = {id(n) for text in texts for n in walk(text)}
        for node in nodes:
            if id(node) in inside or (isinstance(node, ColumnRef) and node.column.id in own):
                continue
            if isinstance(node, ColumnRef) and node.column.id in made:
                if node.column.id not in expanded:
                    expanded.add(node.column.id)
                    todo.append(simplify(made[node.column.id]))
            elif (isinstance(node, ColumnRef) and id(node) not in paths) or (
                isinstance(node, Path) and isinstance(node.base, ColumnRef) and node.base.column.id not in {*made, *own}
            ):
                found[node] = None
    return list(found)


def as_events(head: o.Relation, fields: list[Expr]) -> o.Plan:
    """A head as a query of its own that shows these fields, by number."""
    items = tuple((Column(_FIRST + n, str(n), x.type), x) for n, x in enumerate(fields))
    return o.Plan(o.Project(head.span, head, items), tuple((c.name, c) for c, _ in items), False)


_FIRST = 10**9
"""The first number of columns that no query has."""


def as_groups(detection: Detection, names: list[str], wanted: list[int]) -> Detection | None:
    """A detection of events as one of groups of them by the fields that they show; None where one of those is not to be had."""
    if detection.kind != "event" or detection.others or detection.histories or len(detection.sides) != 1 or detection.trigger is not None:
        return None
    side = detection.sides[0]
    tables = [s.table for s in side.selectors]
    if len(set(tables)) < len(tables):  # an event that both select would count twice
        return None
    selectors = []
    for selector in side.selectors:
        shown = dict(selector.outputs)
        if not all(str(n) in shown for n in wanted):
            return None
        selectors.append(replace(selector, keys=tuple(shown[str(n)] for n in wanted), outputs=()))
    said = tuple(d for d in detection.diagnostics if d.code not in ("columns-differ", "ignored-operator"))
    return replace(
        detection, kind="event_count", sides=(replace(side, selectors=tuple(selectors)),), group_by=tuple(names),
        guaranteed=(False,) * len(names), threshold=Threshold("event_count", ">", 0), diagnostics=said,
    )  # fmt: skip


SHOWING = frozenset({"columns-differ", "column-left-out", "event-data-columns", "table-left-out", "values-of-one-case"})
"""What may be said of the rows of a head that are counted, sorted or limited behind it."""

Lift = Callable[[o.Plan], Detection | None]
"""What a plan detects, None where it is no detection."""

Move = Callable[[Detection], Placed]
"""A detection where a product keeps its events."""


def read_columns(plan: o.Plan, wanted: Container[str]) -> tuple[set[int], set[int]]:
    """The columns of a plan that decide about rows, and those that an analyst looks at, each with what they are made of.

    Args:
        wanted: the columns of the result that an alert is made of.
    """
    decides = deciding(plan)
    looked = looked_at(plan, wanted, decides)
    return decides, looked | behind(plan, [ColumnRef(None, c.type, c) for _, c in plan.names if c.id in looked])


@dataclass(frozen=True, slots=True)
class Reading:
    """What the operators over the heads of a cut read.

    Attributes:
        fields: the stored fields, and columns of unions, that columns are made of which decide about rows or are looked at.
        must: those of columns that decide.
        asked: the fields whose values are looked at.
    """

    fields: list[Expr]
    must: frozenset[Expr]
    asked: frozenset[Expr]


def reading_of(plan: o.Plan, cut: Cut, decides: set[int], shown: set[int]) -> Reading:
    """What the operators of a cut of a plan read.

    Args:
        decides: the columns that decide about rows.
        shown: those that an analyst looks at.
    """
    fields = [f for f in leaves(cut, shown | decides, plan.names) if kind_of(f) is not None]
    return Reading(fields, frozenset(leaves(cut, decides, plan.names)), frozenset(compared(cut, fields)))


def case_of(
    plan: o.Plan,
    cut: Cut,
    columns: tuple[set[int], set[int]],
    reading: Reading,
    lift: Lift,
    move: Move,
    source: bool,
    timed: bool,
    loose: bool = False,
) -> PipelineCase | None:
    """A plan cut in two, whose heads are placed; None where one is no selection of events that has all that decides.

    Args:
        columns: those that decide about rows, and those that an analyst looks at.
        reading: what the operators over the heads read for them.
        source: whether the KQL's own names are fields.
        timed: whether the events of a head that is lifted have limits of their own on their time.
        loose: whether what has no words is left out.
    """
    fields, must = reading.fields, frozenset[Expr]() if loose else reading.must
    found = list[tuple[Placed, list[Expr]]]()
    for head in cut.heads:
        there = fields if len(cut.heads) == 1 and not loose else _fields_of(head, fields)
        placed = _placed(head, there, must, reading.asked, lift, move, source)
        if placed is None:
            return None
        found.append(placed)
    if len({p.detection.lookback for p, _ in found}) > 1 and not timed:
        return None
    together, selectors = _together([p for p, _ in found])
    owners = tuple(n for n, (_, kept) in enumerate(found) for _ in kept)
    return PipelineCase(cut, together, tuple(f for _, kept in found for f in kept), owners, selectors, *columns, plan.names, loose)


def _fields_of(head: o.Relation, fields: list[Expr]) -> list[Expr]:
    """The stored fields, and columns of a union, that the events of a head have."""
    first = way_to(head)[0]
    merged = {c.id for c, _ in first.columns} if isinstance(first, o.Union) else set[int]()
    sources = {n.id for n in o.relations(first) if isinstance(n, o.Source)}
    columns = [(f, next(n.column for n in walk(f) if isinstance(n, ColumnRef))) for f in fields]
    return [f for f, column in columns if column.id in merged or column.source in sources]


def _placed(
    head: o.Relation, fields: list[Expr], must: Set[Expr], asked: Set[Expr], lift: Lift, move: Move, source: bool
) -> tuple[Placed, list[Expr]] | None:  # fmt: skip
    """The events of a head in groups of fields that they have, and these; None where one is lacking that ``must`` be there."""
    detection = lift(as_events(head, fields))
    if detection is None:
        return None
    told = set.intersection(*({n for n, _ in s.outputs} for s in detection.selectors)) if detection.selectors else set[str]()
    kept = [n for n, f in enumerate(fields) if str(n) in told]
    if must & set(fields) - {fields[n] for n in kept}:
        return None

    def placed(numbers: list[int]) -> Placed | None:
        names = list[str]()
        for n in numbers:
            names.append(free_of(_name_of(fields[n]), names))
        grouped = as_groups(detection, names, numbers)
        return None if grouped is None else move(grouped)

    everything = placed(kept)
    needed = [n for n in kept if fields[n] in must]
    if everything is None or any(_may_meet(everything, *pair) for pair in itertools.combinations(_of_tables(everything), 2)):
        return None  # an event that two tables have would be one row
    other = {kept[n] for n in _spelled_otherwise(everything)}
    if wrong := {number for number in other if fields[number] in asked}:
        if any(fields[n] in must for n in wrong):
            return None
        rest = [f for n, f in enumerate(fields) if n not in wrong]
        return _placed(head, rest, must, asked, lift, move, source)
    if len(needed) < len(kept):
        # What is said of fields that only show is said of what is shown.
        there = [n for n, number in enumerate(kept) if source or number in needed or _is_there(everything.detection, n)]
        if len(there) < len(kept):
            kept = [kept[n] for n in there]
            everything = placed(kept)
        alone = placed(needed)
        assert everything is not None and alone is not None
        of_all = set(alone.detection.diagnostics)
        told_ = tuple(d if d in of_all else replace(d, place=Place.SHOWN) for d in everything.detection.diagnostics)
        everything = replace(everything, detection=replace(everything.detection, diagnostics=told_))
    said = tuple(d.below(Place.BOTH) for d in everything.detection.diagnostics)
    if spelled := [_name_of(fields[number]) for number in kept if number in other]:
        said += (Diagnostic("columns-differ", f"{', '.join(spelled)}: shown as the product spells it", None, place=Place.SHOWN),)
    return replace(everything, detection=replace(everything.detection, diagnostics=said)), [fields[n] for n in kept]


def _of_tables(placed: Placed) -> list[Selector]:
    """A selector of each table."""
    return list({s.table: s for s in placed.detection.selectors}.values())


def _spelled_otherwise(placed: Placed) -> set[int]:
    """The numbers of the keys in whose fields the product has other values than the KQL has in its columns."""
    found = set[int]()
    for selector in placed.detection.selectors:
        home = placed.homes.get((selector.table, selector.home))
        todo, otherwise_spelled = list(home.columns.values()) if home is not None else [], set[str]()
        while todo:
            match todo.pop():
                case ByValue(of=of, otherwise=otherwise):
                    todo += [*(c for _, c in of), otherwise]
                case Stored() as stored if stored.values or stored.case or stored.prefixes or stored.form or stored.differs:
                    otherwise_spelled.add(stored.name)
        for number, key in enumerate(selector.keys):
            # A place inside of a column may be a field of its own.
            names = [n.column.name for n in walk(key) if isinstance(n, ColumnRef)]
            if any(name == other or name.startswith(f"{other}.") for name in names for other in otherwise_spelled):
                found.add(number)
    return found


_WHOLE = frozenset({"dcount", "count_distinct", "make_set", "make_list", "take_any", "any", "arg_max", "arg_min", "count"})
"""Aggregates that do not ask what a value is."""


def compared(cut: Cut, fields: list[Expr]) -> set[Expr]:
    """The fields whose values the operators over the heads look at: all but those that rows are grouped by, counted by or shown with.

    A field that is joined with itself is not looked at either.
    """
    names: dict[Expr, Expr] = {f: f for f in fields}
    found = set[Expr]()

    def asked(expr: Expr) -> None:
        found.update(names[n] for n in walk(expr) if n in names)

    for head in cut.heads:
        for items in computed(head):
            for column, x in items:
                form = simplify(x)
                if form in names:
                    names[ColumnRef(None, column.type, column)] = names[form]
                else:
                    asked(form)
    for operator in reversed(cut.operators()):
        match operator:
            case o.Compute(items=items) | o.Project(items=items) | o.Expand(items=items):
                pairs = [(c, simplify(x)) for c, x in items]
            case o.Aggregate(keys=keys, aggregates=aggregates):
                pairs = [(c, simplify(x)) for c, x in keys]
                for column, x in aggregates:
                    plain = isinstance(x, Apply) and x.function in _WHOLE
                    for part in x.args if isinstance(x, Apply) and plain else (x,):
                        if plain and (form := simplify(part)) in names:
                            names[ColumnRef(None, column.type, column)] = names[form]
                        else:
                            asked(simplify(part))
            case o.Join(on=on, condition=condition):
                pairs = []
                for key, other in [(simplify(a), simplify(b)) for a, b in on]:
                    if not (key in names and other in names and _is_same(names[key], names[other])):
                        asked(key)
                        asked(other)
                if condition is not None:
                    asked(simplify(condition))
            case _:
                pairs = []
                for expr in read_by(operator, _Everything()):
                    if not isinstance(operator, o.Distinct | o.Union):
                        asked(simplify(expr))
        for column, x in pairs:
            if x in names:
                names[ColumnRef(None, column.type, column)] = names[x]
            else:
                asked(x)
    return found


def _is_same(field: Expr, other: Expr) -> bool:
    """Whether two fields are one of a table, whose values a product spells alike whichever part of a query reads them."""
    match field, other:
        case ColumnRef(column=a), ColumnRef(column=b):
            return (a.table, a.name) == (b.table, b.name)
        case Path(base=a, steps=steps), Path(base=b, steps=others):
            return steps == others and _is_same(a, b)
    return False


class _Everything(Container[int]):
    def __contains__(self, item: object) -> bool:
        return True


def _together(parts: list[Placed]) -> tuple[Placed, tuple[frozenset[str], ...]]:
    """The events of all heads as one detection of groups by the fields of all of them, and the names of the selectors of each."""
    if len(parts) == 1:
        return parts[0], (frozenset(s.name for s in parts[0].detection.selectors),)
    names = list[str]()
    for name in (n for part in parts for n in part.detection.group_by):
        names.append(free_of(name, names))
    selectors, owned, at = list[Selector](), list[frozenset[str]](), 0
    for number, part in enumerate(parts, 1):
        count = len(part.detection.group_by)
        before, after = (_NOTHING,) * at, (_NOTHING,) * (len(names) - at - count)
        renamed = [replace(s, name=f"{s.name}_{number}", keys=(*before, *s.keys, *after)) for s in part.detection.selectors]
        selectors += renamed
        owned.append(frozenset(s.name for s in renamed))
        at += count
    first = parts[0].detection
    found = replace(
        first, sides=(replace(first.sides[0], selectors=tuple(selectors)),), group_by=tuple(names), guaranteed=(False,) * len(names),
        diagnostics=tuple(dict.fromkeys(d for p in parts for d in p.detection.diagnostics)),
        lookback=max(p.detection.lookback for p in parts), timespan=max(p.detection.timespan for p in parts),
    )  # fmt: skip
    return Placed(found, {key: home for p in parts for key, home in p.homes.items()}), tuple(owned)


_NOTHING = const("")
"""What stands for the fields of the events of other heads."""


def looked_at(plan: o.Plan, wanted: Container[str], decides: set[int]) -> set[int]:
    """The columns of a result that an analyst looks at: of a whole table those of conditions, and those ``wanted``."""
    made = all_made(plan)

    def stored(column: Column) -> Column | None:
        while column.table is None:
            match made.get(column.id):
                case ColumnRef(column=below):
                    column = below
                case Apply(function="arg_max" | "arg_min" | "take_any" | "any", args=(*_, ColumnRef(column=below))):
                    column = below
                case _:
                    return None
        return column

    origins = {c.id: stored(c) for _, c in plan.names}
    there: dict[str, set[str]] = {}
    for origin in origins.values():
        if origin is not None:
            there.setdefault(origin.table or "", set()).add(origin.name)
    whole = {table for table, names in there.items() if (listed := catalog.schemas().get(table)) and names >= set(listed)}
    return {
        c.id
        for name, c in plan.names
        if (origin := origins[c.id]) is None or origin.table not in whole or name in wanted or c.id in decides or origin.id in decides
    }


def _is_there(detection: Detection, number: int) -> bool:
    """Whether a product has all that a key is made of."""
    return all(n.column.stored for s in detection.selectors for n in walk(s.keys[number]) if isinstance(n, ColumnRef))


def _name_of(expr: Expr) -> str:
    match expr:
        case ColumnRef(column=column):
            return column.name
        case Path(steps=steps) if isinstance(steps[-1], str):
            return steps[-1]
        case Apply(function="dynamic_to_json", args=(place,)):
            return _name_of(place)
    return "value"
