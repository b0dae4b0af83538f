"""The ways to cut a query into its heads, which select events, and the operators over them.

A head is what leads to the first operator that changes rows. It goes the way of every detection (windows, homes, conditions in the words of
the index). What follows is written from the plan, command by command. A query of several tables has several heads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from translator.detection.model import DAY
from translator.detection.windows import NOW, is_of_days, is_time, window_of
from translator.plan import operators as o
from translator.plan.conditions import is_field
from translator.plan.describe import operator_word
from translator.plan.expressions import Apply, Column, Const, Expr, Items, conjunction, conjuncts, substitute, walk
from translator.plan.functions.values import TICKS
from translator.plan.simplify import TooLarge, simplify
from translator.plan.types import Type
from translator.targets.pipeline.relations import inputs_of, over, subqueries_of, way_to, with_others


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
            on_queries = [p for p in conjuncts(predicate) if subqueries_of(p)]
            plain = [p for p in conjuncts(predicate) if not subqueries_of(p)]
            for line in _main_lines(below):
                found: o.Relation = o.Filter(node.span, line, conjunction(*plain)) if plain else line
                for condition in on_queries:
                    found = Dropped(condition.span, found, "a condition on another query", True)
                yield found
        case _ if (below_ := getattr(node, "input", None)) is not None:
            for line in _main_lines(below_):
                if isinstance(node, WALKED):
                    yield replace(node, input=line)  # type: ignore[arg-type]
                else:
                    unknown = f"a part of the query ({node.reason})" if isinstance(node, o.Unsupported) else ""
                    yield Dropped(node.span, line, unknown or f"the operator {operator_word(node)}", False)


def _cuts(root: o.Relation) -> Iterator[Cut]:
    ordered = _in_order(root)
    spine = way_to(ordered)
    if isinstance(spine[0], o.Source | o.Union):
        yield from (cut for cut in _cuts_of_one(ordered, spine) if not any(isinstance(r, o.Source | o.Union) for r in cut.operators()))
    unions = (False, True) if o.has(ordered, o.Union) else (False,)
    for opened, split in itertools.product(unions, (_said_first, _plain_first)):
        found = _heads(ordered, split, opened)
        if found is not None and (cut := Cut(found[0], tuple(found[1]))).heads and len(cut.heads) + len(cut.lists()) > 1:
            yield cut


def _cuts_of_one(root: o.Relation, spine: list[o.Relation]) -> Iterator[Cut]:
    head = list(itertools.takewhile(_is_of_events, spine))
    ends = [len(head), *(n for n in range(len(head) - 1, 0, -1) if isinstance(head[n], o.Compute))]
    for end in list(dict.fromkeys(ends))[:MOST_CUTS]:
        yield Cut(root, (spine[end - 1],))
    said, plain = _said_first(head[-1]), _plain_first(head[-1])
    for found, selected in (said, plain) if said[1] != plain[1] else (said,):
        if found is not selected:
            for operator in spine[len(head) :]:
                found = replace(operator, input=found)  # type: ignore[call-arg]
            yield Cut(found, (selected,))


def _said_first(head: o.Relation) -> tuple[o.Relation, o.Relation]:
    """A head all of whose conditions select events, but for those that no search has words for; and these events."""
    return _first(head, _is_said)


def _is_said(condition: Expr) -> bool:
    try:
        return not any(map(_is_unsaid, walk(simplify(condition))))
    except TooLarge:
        return False


def _is_unsaid(node: Expr) -> bool:
    """Whether a value is compared with another one that only the run knows, or a time that is not that of the event with any.

    What ``tobool`` reads as true no index knows.
    """
    match node:
        case Apply(function="tobool"):
            return True
        case Apply(function="<" | "<=" | ">" | ">=", args=(_, operand)) if window_of(node) is None:
            return not isinstance(operand, Const) or operand.type == Type.DATETIME
        case Apply(function="between", args=(_, *bounds)) if window_of(node) is None:
            return any(bound.type == Type.DATETIME for bound in bounds)
    return False


def _plain_first(head: o.Relation) -> tuple[o.Relation, o.Relation]:
    """A head of which only those conditions select events that an index knows; and these events."""
    return _first(head, _is_plain)


def _first(head: o.Relation, selects: Callable[[Expr], bool]) -> tuple[o.Relation, o.Relation]:
    """A head of which only some conditions select events; and these events. The others are asked of the events that are found."""
    spine, made = way_to(head), dict[int, Expr]()
    first, rest = list[Expr](), list[o.Relation]()
    for node in spine[1:]:
        if isinstance(node, o.Filter):
            others = list[Expr]()
            for condition in conjuncts(node.predicate):
                of_events = substitute(condition, made)
                if selects(of_events):
                    first.append(of_events)
                else:
                    others.append(condition)
            if others:
                rest.append(replace(node, predicate=conjunction(*others)))
            continue
        rest.append(node)
        if isinstance(node, o.Compute | o.Project):
            made |= {c.id: substitute(x, made) for c, x in node.items}
    if not any(isinstance(node, o.Filter) for node in rest):
        return head, head
    selected = o.Filter(head.span, spine[0], conjunction(*first)) if first else spine[0]
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
    if window is None or moment is None or window.start.of_search or window.start == NOW:
        return None
    back = Apply(condition.span, Type.DATETIME, "ago", (Const(condition.span, Type.TIMESPAN, (window.start.back + DAY) * TICKS),))
    return Apply(condition.span, Type.BOOL, ">=", (moment, back))


def _is_plain(condition: Expr) -> bool:
    """Whether a condition compares fields with what is known before the query runs."""
    todo, seen = [condition], set[int]()
    while todo:
        part = todo.pop()
        if id(part) in seen:  # what definitions share stands in many places
            continue
        seen.add(id(part))
        match part:
            case Apply(function="and" | "or" | "not", args=args):
                todo += args
            case Apply(function="tobool"):
                return False
            case Apply(args=(subject, *others)):
                known = all(isinstance(n, Const | Items) for x in others for n in walk(x)) or window_of(part) is not None
                if not (is_field(subject) and known):
                    return False
            case _ if not (isinstance(part, Const) or is_field(part)):
                return False
    return True


def definitions(head: o.Relation) -> dict[int, Expr]:
    """What computes the columns of a head, by id."""
    return {c.id: x for items in computed(head) for c, x in items}


def computed(head: o.Relation) -> list[tuple[tuple[Column, Expr], ...]]:
    """What a head computes on its way, the first first; of the parts of a union only their merged columns are known."""
    return [r.items for r in way_to(head) if isinstance(r, o.Compute | o.Project)]
